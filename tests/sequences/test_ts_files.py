import gzip

import numpy as np
import pytest

from tsrnn.errors import DataError, ParameterError
from tsrnn.sequences.ts_files import read_ts

HEADER = """#A comment, as the archives have them
@problemName Made
@timeStamps false
@missing true
@univariate false
@dimensions 2
@equalLength true
@seriesLength 3
@classLabel true a b
@data
"""


@pytest.fixture
def write(tmp_path):
    def file(text, name="made.ts"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return file


def test_cases_of_equal_length_make_an_array_of_cases_channels_and_steps(write):
    X, y = read_ts(write(HEADER + "1,2,3:4,5,-6e-1:a\n\n7,?,9:1, 2 ,NaN:b\n"))
    np.testing.assert_array_equal(X, [[[1, 2, 3], [4, 5, -0.6]], [[7, np.nan, 9], [1, 2, np.nan]]])
    assert y.tolist() == ["a", "b"]


def test_cases_of_unequal_length_make_a_list(write):
    text = "@equalLength false\n@seriesLength 9\n@classLabel true 1 2\n@data\n1,2:1\n3,4,5:2\n"
    X, y = read_ts(write(text))
    assert [case.tolist() for case in X] == [[[1, 2]], [[3, 4, 5]]]
    assert y.tolist() == ["1", "2"]


def test_a_file_without_labels_has_none(write):
    X, y = read_ts(write("@classLabel false\n@data\n1,2:3,4\n"))
    assert X.shape == (1, 2, 2)
    assert y is None


def test_the_targets_of_a_regression_come_as_text(write):
    assert read_ts(write("@targetLabel true\n@data\n1,2:0.25\n"))[1].tolist() == ["0.25"]


def test_gzip_byte_order_marks_and_older_encodings_are_read(write):
    text = HEADER + "1,2,3:4,5,6:a\n"
    expected = read_ts(write(text))[0]
    old = "# n° 1\x85 and so on\n".encode("latin-1")  # three points in the encoding of Windows
    forms = [gzip.compress(text.encode()), b"\xef\xbb\xbf" + text.encode(), old + text.encode()]
    for form in [*forms, text.replace("\n", "\r\n").encode()]:
        np.testing.assert_array_equal(read_ts(write(form))[0], expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no line @data"),
        ("a,b\n1,2\n", "line 1: 'a,b' stands before @data"),
        (HEADER, "has no cases after @data"),
        (HEADER + "1,2,3:4,5,6\n", "line 11: the label '4,5,6' is not among those of @classLabel .a, b."),
        (HEADER + "1,2,3\n", "line 11: has no label"),
        (HEADER + "1,2,3: \n", "line 11: has no label after its last colon"),
        ("@data\n1,2,3:4\n", r"lengths 3, 1; expected one length, or a line '@classLabel true \.\.\.' before @data"),
        (HEADER + "1,2,3:4,5,6:c\n", "the label 'c' is not among"),
        (HEADER + "1,2,3:a\n", "line 11: has 1 channel, expected 2"),
        (HEADER + "1,2,3:4,5:a\n", "its 2 channels have lengths 3, 2; expected one length"),
        (HEADER + "1,2:4,5:a\n", "has 2 values, but @seriesLength says 3"),
        (HEADER + "1,x,3:4,5,6:a\n", "line 11: 'x' cannot be read as numbers"),
        (HEADER + "1,2,3::a\n", "line 11: a channel has no values"),
        ("@univariate true\n@data\n1,2:3,4\n", "line 3: has 2 channels, expected 1"),
        ("@data\n1,2:3,4\n1,2\n", "line 3: has 1 channel, expected 2"),
        ("@timestamps true\n@data\n(0,1)\n", "line 1: the cases have time stamps"),
        ("@classLabel maybe\n@data\n", "line 1: @classlabel 'maybe'; expected true or false"),
        ("@dimensions none\n@data\n", "line 1: @dimensions 'none'; expected a whole number"),
        (b"PK\x03\x04rest", "is a zip archive"),
        (b"\x1f\x8bcut", "gzip file is damaged"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(write, text, message):
    with pytest.raises(DataError, match=message):
        read_ts(write(text))


def test_a_path_without_a_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_ts(tmp_path / "none.ts")
    with pytest.raises(DataError, match="is a folder"):
        read_ts(tmp_path)


@pytest.mark.parametrize("path", [3, None, ["a.ts"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ParameterError, match=r"expected the path of a \.ts file"):
        read_ts(path)
