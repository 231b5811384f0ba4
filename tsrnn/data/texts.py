"""Read a text from a file."""

from __future__ import annotations

import os

from tsrnn.data.files import decode, name_of, read_bytes
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
    name = name_of(path)
    cure = "Save the file as UTF-8, for example: iconv -f latin1 -t utf-8 OLD.txt > NEW.txt"
    text = decode(read_bytes(path, "a file of plain text"), name, "plain text in UTF-8", cure)
    if not text:
        raise DataError(f"{name}: is empty; expected a text of 1 character or more.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
