"""Files that are written whole or not at all, and read only where they are files."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return where a path leads, whether or not anything is there yet.

    Raises
    ------
    OSError
        If its links lead to each other.
    """
    real = Path(os.path.realpath(path))
    if real.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
    return real


def check_regular(path: str | os.PathLike[str]) -> None:
    """Raise OSError unless a path leads to a file of its own: from a pipe or a device a read may never return.

    Raises
    ------
    OSError
        If there is nothing, a folder, a pipe or a device; it names the path.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device; expected a file", os.fspath(path))


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that an interruption, or a computer that stops, leaves the whole old file, or none, or the new.

    It is written beside its place and renamed when it lies on the disk. Where the path leads elsewhere, what it leads
    to is replaced, and its permissions stay; a pipe or a device cannot be, and is written to.

    Raises
    ------
    OSError
        If it cannot be written, for example on a full disk; it names the file.
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        target.write_bytes(data)
        return
    target = real_path(target)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    # What a process of the same number left, as the first one of a container.
    unfinished.unlink(missing_ok=True)
    try:
        with unfinished.open("xb") as file:
            # Whoever may read the old file, and nobody else, may read the new one; some disks know no permissions.
            if target.exists() and target.stat().st_mode != unfinished.stat().st_mode:
                os.chmod(unfinished, stat.S_IMODE(target.stat().st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        # A full disk names no file, and the name beside the place tells a user nothing.
        if error.errno is not None:
            error.filename = os.fspath(path)
        raise
    finally:
        unfinished.unlink(missing_ok=True)
