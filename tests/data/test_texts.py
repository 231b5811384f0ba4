import gzip

import pytest

from tsrnn.data.texts import read_text_file
from tsrnn.errors import DataError


@pytest.mark.parametrize(
    "data",
    [
        "Où est-il?\nLà.".encode(),
        "\ufeffOù est-il?\r\nLà.".encode(),
        "Où est-il?\rLà.".encode("utf-16"),
        gzip.compress("Où est-il?\nLà.".encode(), mtime=0),
    ],
)
def test_a_text_is_the_same_however_it_is_stored(tmp_path, data):
    (tmp_path / "a.txt").write_bytes(data)
    assert read_text_file(tmp_path / "a.txt") == "Où est-il?\nLà."


def test_a_folder_is_no_text(tmp_path):
    with pytest.raises(DataError, match=r"is a folder; expected a file of plain text\."):
        read_text_file(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a.txt: is empty; expected a text of 1 character or more"),
        (b"\xef\xbb\xbf", "a.txt: is empty"),
        (b"a\nb\xff", r"byte 0xff in line 2 is not UTF-8\. Save the file as UTF-8"),
        (b"\xff\xfea", r"byte 0x61 in line 1 is not UTF-16"),
        (b"PK\x03\x04\x00", "is a binary file; expected plain text in UTF-8"),
    ],
)
def test_what_is_no_text_is_an_error(tmp_path, data, message):
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_text_file(tmp_path / "a.txt")
