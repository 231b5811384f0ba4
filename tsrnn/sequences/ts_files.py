"""Read the `.ts` files in which the UCR and UEA archives keep labelled sequences."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.data.files import unpack
from tsrnn.errors import DataError, ParameterError
from tsrnn.naming import counted

Floats = npt.NDArray[np.float64]

_NUMBER_TAGS = ("dimensions", "dimension", "serieslength")
_FLAG_TAGS = ("timestamps", "missing", "univariate", "equallength", "targetlabel")
_MISSING = {"?", "nan", "NaN"}


def read_ts(path: str | os.PathLike[str]) -> tuple[Floats | list[Floats], npt.NDArray[np.str_] | None]:
    r"""Read labelled sequences from a `.ts` file, gzipped or not.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    X : ndarray of shape (n_cases, n_channels, n_timepoints), or list of ndarrays of shape (n_channels, n_timepoints)
        The list where the lengths differ. Missing values ("?") are NaN.
    y : ndarray of str of shape (n_cases,), or None
        The class labels as the file writes them; None if it has none. A file of a regression (`@targetLabel`) has
        its targets here, as text.

    Raises
    ------
    DataError
        If the file is missing, or is not of this format; the message names the line.
    ParameterError
        If `path` is no path.

    Notes
    -----
    Files with time stamps (`@timestamps true`) are not read: a sequence here has steps, no dates.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "tiny.ts")
    ...     _ = path.write_text("@classLabel true up down\n@data\n1,2,3:up\n3,2,1:down\n")
    ...     X, y = read_ts(path)
    >>> X.shape, y.tolist()
    ((2, 1, 3), ['up', 'down'])
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ParameterError(f"path={path!r}: expected the path of a .ts file.")
    name = os.fspath(path)
    lines = _lines(_read_text(Path(path), name), name)
    header = _read_header(lines, name)
    cases: list[Floats] = []
    labels: list[str] = []
    for where, line in lines:
        parts = line.split(":")
        if header.labelled:
            labels.append(_label(parts, header, where))
        cases.append(_case(parts, header, where))
    if not cases:
        raise DataError(f"{name}: has no cases after @data; expected one per line.")
    y = np.array(labels) if header.labelled else None
    if len({case.shape for case in cases}) == 1:
        return np.stack(cases), y
    return cases, y


@dataclass
class _Header:
    """What the lines before @data say, and the number of channels that the first case has."""

    labelled: bool = False
    classes: tuple[str, ...] = ()
    numbers: dict[str, int] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    channels: int | None = None


def _read_text(path: Path, name: str) -> str:
    if path.is_dir():
        raise DataError(f"{name}: is a folder; expected a .ts file.")
    try:
        data = unpack(path.read_bytes(), name)
    except FileNotFoundError:
        raise DataError(f"{name}: no such file. Check the path.") from None
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}).") from None
    if data[:4] == b"PK\x03\x04":
        raise DataError(f"{name}: is a zip archive. Unpack it and name the .ts file in it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # descriptions in the archives' older files are written so


def _lines(text: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the lines that are neither empty nor comments, each after the words that say where it stands."""
    # Not str.splitlines, for which some characters within old descriptions end a line.
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        line = line.strip()
        if line and line[0] not in "#%":
            yield f"{name}, line {number}", line


def _read_header(lines: Iterator[tuple[str, str]], name: str) -> _Header:
    header = _Header()
    for where, line in lines:
        if line[0] != "@":
            raise DataError(f"{where}: {_shown(line)} stands before @data; expected a tag such as @data.")
        tag, *words = line[1:].split()
        tag = tag.lower()
        if tag == "data":
            return header
        _read_tag(header, tag, words, where)
    raise DataError(f"{name}: has no line @data, so it is not a .ts file or is cut short.")


def _read_tag(header: _Header, tag: str, words: list[str], where: str) -> None:
    if tag == "classlabel":
        header.labelled = _flag(words, tag, where)
        header.classes = tuple(words[1:])
    elif tag in _FLAG_TAGS:
        header.flags[tag] = _flag(words, tag, where)
        if tag == "targetlabel":
            header.labelled = header.labelled or header.flags[tag]
        if tag == "timestamps" and header.flags[tag]:
            raise DataError(f"{where}: the cases have time stamps, which are not read; expected @timestamps false.")
    elif tag in _NUMBER_TAGS:
        if len(words) != 1 or not words[0].isdecimal() or int(words[0]) < 1:
            raise DataError(f"{where}: @{tag} {' '.join(words)!r}; expected a whole number, 1 or more.")
        header.numbers[tag] = int(words[0])


def _flag(words: list[str], tag: str, where: str) -> bool:
    if not words or words[0].lower() not in ("true", "false"):
        raise DataError(f"{where}: @{tag} {' '.join(words[:1])!r}; expected true or false.")
    return words[0].lower() == "true"


def _label(parts: list[str], header: _Header, where: str) -> str:
    """Take the label off the end of a case's parts."""
    if len(parts) < 2:
        raise DataError(f"{where}: has no label; expected values, a colon, and a label.")
    label = parts.pop().strip()
    if not label:
        raise DataError(f"{where}: has no label after its last colon; expected values, a colon, a label.")
    if header.classes and label not in header.classes:
        some = ", ".join(header.classes[:5])
        raise DataError(f"{where}: the label {label!r} is not among those of @classLabel ({some}).")
    return label


def _case(parts: list[str], header: _Header, where: str) -> Floats:
    """Read a case's channels, and check that they have the shape that was announced."""
    channels = [_values(part, where) for part in parts]
    lengths = [len(channel) for channel in channels]
    if len(set(lengths)) > 1:
        cure = "" if header.labelled else ", or a line '@classLabel true ...' before @data if a label ends each line"
        raise DataError(
            f"{where}: its {counted(len(channels), 'channel has', 'channels have')} lengths {_some(lengths)}; expected "
            f"one length{cure}."
        )
    announced = header.numbers.get("dimensions", header.numbers.get("dimension"))
    if header.channels is None:
        header.channels = announced or (1 if header.flags.get("univariate") else len(channels))
    if len(channels) != header.channels:
        raise DataError(f"{where}: has {counted(len(channels), 'channel')}, expected {header.channels}.")
    expected = header.numbers.get("serieslength")
    if expected is not None and header.flags.get("equallength", True) and lengths[0] != expected:
        raise DataError(f"{where}: has {counted(lengths[0], 'value')}, but @seriesLength says {expected}.")
    return np.stack(channels)


def _values(text: str, where: str) -> Floats:
    words = [word.strip() for word in text.split(",")]
    if words == [""]:
        raise DataError(f"{where}: a channel has no values.")
    try:
        return np.array([np.nan if word in _MISSING else float(word) for word in words])
    except ValueError:
        wrong = [word for word in words if not _is_number(word)]
        raise DataError(f"{where}: {_some(wrong)} cannot be read as numbers; missing values are written '?'.") from None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return word in _MISSING
    return True


def _some(items: Iterable[Any]) -> str:
    return ", ".join(_shown(item) if isinstance(item, str) else str(item) for item in list(items)[:5])


def _shown(text: str) -> str:
    return repr(text if len(text) <= 30 else f"{text[:30]}...")
