"""Read a text from a file."""

from __future__ import annotations

import os

from tsrnn.data.files import read_bytes
from tsrnn.errors import DataError


def read_text_file(path: str | os.PathLike[str]) -> str:
    """Read a text in UTF-8 or, with a byte-order mark, UTF-16.

    Parameters
    ----------
    path : path or "-"
        May be gzipped; "-" is standard input.

    Returns
    -------
    str
        Lines end in a line feed, however they end in the file.

    Raises
    ------
    DataError
        If the file cannot be read, is no text, or is empty; the message names the file.
    """
    name = "standard input" if str(path) == "-" else str(path)
    data = read_bytes(path, name, "a file of plain text")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    # A text file has no zero bytes, except in UTF-16.
    if encoding != "utf-16" and b"\x00" in data[:65536]:
        raise DataError(f"{name}: is a binary file; expected plain text in UTF-8.")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        wanted = "UTF-16" if encoding == "utf-16" else "UTF-8"
        raise DataError(
            f"{name}: byte 0x{data[error.start]:02x} in line {line} is not {wanted}. Save the file as UTF-8, for "
            "example: iconv -f latin1 -t utf-8 OLD.txt > NEW.txt"
        ) from None
    if not text:
        raise DataError(f"{name}: is empty; expected a text of 1 character or more.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
