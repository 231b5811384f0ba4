import io

import numpy as np
import pandas as pd
import pytest

from tsrnn.anomaly.notation import Notation, read_notation
from tsrnn.commands.reading import Reading
from tsrnn.errors import DataError

DAYS = pd.date_range("2024-05-01", periods=60, freq="D")


def notation_of(tmp_path, header, rows, encoding="utf-8"):
    file = tmp_path / "history.csv"
    file.write_bytes("\n".join([header, *rows, ""]).encode(encoding))
    how = Reading(encoding="latin1" if encoding == "latin1" else None)
    return read_notation(str(file), how.panel(str(file)), how.form)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%Y-%m-%d", "ISO8601"),
        ("%Y%m%d", "ISO8601"),
        ("%d/%m/%Y", "%d/%m/%Y"),
        ("%m/%d/%Y", "%m/%d/%Y"),
        ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M"),
    ],
)
def test_a_file_shows_how_its_dates_are_written(tmp_path, form, expected):
    notation = notation_of(tmp_path, "ds,y", [f"{day.strftime(form)},{i}.5" for i, day in enumerate(DAYS)])
    assert notation.date_format == expected
    assert pd.Timestamp(notation.date(pd.Timestamp("2024-07-06").strftime(form))) == pd.Timestamp("2024-07-06")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin1"])
def test_a_file_shows_what_is_between_its_fields_and_which_marks_its_numbers_have(tmp_path, encoding):
    rows = [f"{day:%d.%m.%Y}\t1.{100 + i},5" for i, day in enumerate(DAYS)]
    notation = notation_of(tmp_path, "Tag\tGröße", rows, encoding)
    assert notation == Notation("\t", ",", ".", "%d.%m.%Y", ("Tag", "Größe"))
    assert notation.cut("06.05.2024\t") == ["06.05.2024", ""]
    assert notation.number("1.024,5") == 1024.5


def test_a_line_above_the_header_names_the_separator(tmp_path):
    (tmp_path / "history.csv").write_text("sep=^\nds^y\n" + "".join(f"{day:%Y-%m-%d}^{day.day}.5\n" for day in DAYS))
    file = str(tmp_path / "history.csv")
    assert read_notation(file, Reading().panel(file)) == Notation("^", ".", ",", "ISO8601", ("ds", "y"))


@pytest.mark.parametrize("text", ["today", "2024-13-01", "5 June"])
def test_words_and_impossible_dates_are_refused(text):
    with pytest.raises(DataError, match="cannot be read"):
        Notation(date_format="ISO8601").date(text)
    with pytest.raises(DataError, match="is not written as '%d/%m/%Y'"):
        Notation(date_format="%d/%m/%Y").date(text)


def test_a_number_keeps_to_its_marks():
    assert Notation().number("-1e3") == -1000
    assert np.isinf(Notation().number("inf"))
    for notation, text in ((Notation(), "1,024"), (Notation(decimal=","), "1.5"), (Notation(decimal=","), "1,2,3")):
        with pytest.raises(DataError, match="is no number"):
            notation.number(text)


@pytest.mark.parametrize("text", ["10", "1.", ".5", "+1.25", "-2E-3", "1e400", "Infinity", "-inf"])
def test_numbers_that_a_file_may_hold_are_read_as_there(text):
    there = pd.read_csv(io.StringIO(f"y\n{text}\n"))["y"].item()
    assert Notation().number(text) == float(there)  # pandas 2 keeps 1e400 as text


@pytest.mark.parametrize(
    "text", ["1_0", "+nan", "\N{ARABIC-INDIC DIGIT ONE}", "0x1A", "1e", "infinit", "e5", ".", "1 0"]
)
def test_what_is_text_in_a_file_is_no_number_in_a_stream(text):
    assert not pd.api.types.is_numeric_dtype(pd.read_csv(io.StringIO(f"y\n{text}\n"))["y"])
    with pytest.raises(DataError, match="is no number"):
        Notation().number(text)
