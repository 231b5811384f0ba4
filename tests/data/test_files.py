import gzip
import io
import json
import os
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tsrnn.data.files import FileForm, read_table, write_table
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, MissingExtraError

PLAIN = "date,price,shop\n2024-01-01,1.5,007\n2024-01-02,2.5,012\n"


@pytest.fixture
def save(tmp_path):
    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_csv_keeps_dates_as_text_and_leading_zeros(save):
    table = read_table(save(PLAIN))
    assert table["date"].tolist() == ["2024-01-01", "2024-01-02"]
    assert table["price"].tolist() == [1.5, 2.5]
    assert table["shop"].tolist() == ["007", "012"]


def test_numbers_of_several_widths_stay_numbers(save):
    assert read_table(save("t,x\n1,05\n2,10\n3,7\n"))["x"].tolist() == [5, 10, 7]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bom.csv", b"\xef\xbb\xbf" + PLAIN.encode()),
        ("utf16.csv", PLAIN.encode("utf-16")),
        ("windows.csv", PLAIN.replace("\n", "\r\n").encode()),
        ("packed.csv.gz", gzip.compress(PLAIN.encode(), mtime=0)),
        ("tabs.tsv", PLAIN.replace(",", "\t").encode()),
        ("bars.txt", PLAIN.replace(",", "|").encode()),
        ("semicolons.csv", PLAIN.replace(",", ";").encode()),
        ("european.csv", PLAIN.replace(",", ";").replace(".", ",").encode()),
        ("macintosh.csv", PLAIN.replace("\n", "\r").encode()),
        ("trailing.csv", PLAIN.replace("\n", ",\n").encode()),
        ("blank.csv", ("\n" + PLAIN + "\n\n").encode()),
        ("excel.csv", ("sep=;\r\n" + PLAIN.replace(",", ";").replace("\n", "\r\n")).encode()),
        ("quoted.csv", ('"SEP=^"\n' + PLAIN.replace(",", "^")).encode("utf-8-sig")),
    ],
)
def test_other_ways_to_write_a_csv_give_the_same_table(save, name, content):
    pd.testing.assert_frame_equal(read_table(save(content, name)), read_table(save(PLAIN)))


def test_decimal_commas_with_points_for_thousands_are_read(save):
    table = read_table(save("date;x;n\n31.12.2023;1.234,5;1.000\n01.01.2024;7,25;2.500\n"))
    assert table["x"].tolist() == [1234.5, 7.25]
    assert table["n"].tolist() == [1000, 2500]
    assert read_panel(table, freq="D").start[0] == np.datetime64("2023-12-31")


def test_commas_for_thousands_are_read_beside_decimal_points(save):
    table = read_table(save('date,x,n\n2024-01-01,1.5,"1,000"\n2024-01-02,2.5,"12,500"\n'))
    assert table["n"].tolist() == [1000, 12500]


def test_a_separator_that_is_given_goes_before_the_one_that_a_line_names(save):
    path = save("sep=;\na;b|c\n1;2|3\n")
    assert read_table(path).columns.tolist() == ["a", "b|c"]
    assert read_table(path, FileForm(sep="|")).columns.tolist() == ["a;b", "c"]
    with pytest.raises(DataError, match="is empty; expected a header line and rows"):
        read_table(save("sep=;\n"))


@pytest.mark.parametrize(
    "content", ['[{"ds": 1, "y": 2}]', '{"ds": 1}\n{"ds": 2}\n', '\n{\n "y": [1, 2]}', "[[1, 2], [2, 3]]"]
)
@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv"])
def test_json_is_named_and_not_read_as_csv(save, name, content):
    with pytest.raises(DataError, match=r"t\.\w+: is JSON; expected CSV or Parquet\. Save the table as one of them"):
        read_table(save(content, name))


def test_an_ambiguous_comma_is_a_question(save):
    path = save("date;x\n2024-01-01;1,234\n2024-01-02;2,345\n")
    with pytest.raises(DataError, match=r"'1,234' may be a decimal comma or a mark of thousands.*decimal"):
        read_table(path)
    assert read_table(path, FileForm(decimal=","))["x"].tolist() == [1.234, 2.345]
    with pytest.raises(DataError, match="decimal mark ';' cannot be used"):
        read_table(path, FileForm(decimal=";"))


@pytest.mark.parametrize("date_format", ["%d/%Q/%Y", "%d/%m/%Y%z%z", "%"])
def test_a_date_format_that_is_none_is_an_error_that_names_it(save, date_format):
    path = save("day,y\n01/02/2024,1\n02/02/2024,2\n")
    with pytest.raises(
        DataError, match=r"table\.csv: (date_format='.*' cannot be used \(.*\)\. Expected one|no column)"
    ):
        read_table(path, FileForm(date_format=date_format))


def test_dates_of_several_offsets_in_a_given_format_are_read_as_those_of_one_place(save):
    hours = pd.date_range("2024-10-26", periods=60, freq="h", tz="Europe/Berlin")
    days = pd.date_range("2024-10-20", periods=20, freq="D", tz="Europe/Berlin")
    for stamps, freq, said in ((hours, "h", "so time is in UTC"), (days, "D", "local dates are used")):
        lines = [f"{stamp:%d.%m.%Y %H:%M %z},{k}\n" for k, stamp in enumerate(stamps)]
        table = read_table(save("day,y\n" + "".join(lines)), FileForm(date_format="%d.%m.%Y %H:%M %z"))
        panel = read_panel(table)
        assert (panel.frequency.alias, panel.y.tolist()) == (freq, list(range(len(stamps))))
        assert any(said in note for note in panel.notes)


def test_a_date_format_turns_text_or_numbers_into_dates(save):
    path = save("day,x\n01/02/2024,1\n01/03/2024,2\n")
    assert read_table(path, FileForm(date_format="%d/%m/%Y"))["day"].dt.month.tolist() == [2, 3]
    numbers = save("day,x\n240102,1\n240103,2\n")
    assert read_table(numbers, FileForm(date_format="%y%m%d"))["day"].dt.day.tolist() == [2, 3]
    with pytest.raises(DataError, match=r"no column is written as '%Y'.*240102, 1"):
        read_table(numbers, FileForm(date_format="%Y"))
    months = save("month,x\nJan-66,1\nFeb-66,2\n")
    assert read_table(months, FileForm(date_format="%b-%y"))["month"].dt.year.tolist() == [1966, 1966]


def test_a_separator_may_be_named(save):
    assert read_table(save("a:b\n1:2\n"), FileForm(sep=":")).columns.tolist() == ["a", "b"]
    with pytest.raises(DataError, match="'::' is not one character"):
        read_table(save("a:b\n1:2\n"), FileForm(sep="::"))


def test_the_index_that_pandas_writes_is_taken_back(save):
    table = pd.DataFrame({"date": ["2024-01-01", "2024-01-02"], "x": [1.0, 2.0]})
    assert read_table(save(table.to_csv())).columns.tolist() == ["date", "x"]
    assert read_table(save(table.set_index("date").rename_axis(None).to_csv())).columns.tolist() == ["date", "x"]


def test_standard_input_is_csv(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(PLAIN.encode())))
    assert len(read_table("-")) == 2
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    with pytest.raises(DataError, match="standard input: is empty"):
        read_table("-")


def test_a_file_that_is_called_standard_input_is_read_as_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "standard input").write_text(PLAIN)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    assert len(read_table("standard input")) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "table.csv: is empty"),
        ("\n \n", "table.csv: is empty"),
        ("a,b\n", "has a header but no rows"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 fields, the header has 2, cut at each comma"),
        ("a,b\n1,2\n1\n", "line 3 has 1 field"),
        ("date,x\n2024-01-01,1,5\n2024-01-02,2,5\n", "line 2 has 3 fields"),
        ("a,a\n1,2\n", "column names occur more than once: a"),
        (b"\x89PNG\x00\x00\x00", "binary file"),
        (b"PK\x03\x04rest", "spreadsheet. Save the table as CSV"),
        (b"PAR1rest", "name it .parquet"),
        (
            "Report 2024;;\n;;\nDate;Kiel;Bonn\n01.01.2024;1;2\n",
            "of 3 columns only the first has a name, 'Report 2024'. Take that line out if it is a title",
        ),
        (
            "Report 2024\n\na,b\n1,2\n",
            "line 3 has 2 fields.*Take 'Report 2024' out if it is a title or a comment above",
        ),
        ("a,b\n1,2\nSource: the office\n", "line 3 has 1 field.*Take that line out if it is a note"),
        ("<!DOCTYPE html><table><tr><td>1</td></tr></table>\n", "is HTML or XML.*save it as CSV"),
        (b"BZh91AY&SY", "is packed by bzip2. Unpack it, or pack it by gzip"),
        (b"\xfd7zXZ\x00\x00", "is packed by xz"),
        (b"\x1f\x8b broken", "gzip file is damaged"),
        (b"a,b\n1,M\xfcller\n", "byte 0xfc in line 2 is not UTF-8.*encoding, for example cp1252"),
    ],
)
def test_a_bad_csv_gets_one_line_that_names_the_file(save, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_table(save(content))
    assert "\n" not in str(caught.value)
    assert "table.csv" in str(caught.value)


def test_what_is_no_file_is_said(tmp_path):
    with pytest.raises(DataError, match=r"nowhere.csv: no such file"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match=r"nowhere.pq: no such file"):
        read_table(tmp_path / "nowhere.pq")


def test_a_file_without_permission_is_said(save, monkeypatch):
    path = save(PLAIN)

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(path), "read_bytes", refuse)
    with pytest.raises(DataError, match=r"table.csv: cannot be read \(Permission denied\)"):
        read_table(path)


def test_parquet_goes_there_and_back(tmp_path):
    table = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin"), "y": [1.0, np.nan, 3.0]})
    write_table(table, tmp_path / "t.parquet", "parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), table)


def test_of_a_parquet_file_only_the_needed_columns_are_read(tmp_path):
    table = pd.DataFrame({"note": ["x", "y"], "shop": ["a", "b"], "day": ["2024-01-01"] * 2, "sales": [1.0, 2.0]})
    path = tmp_path / "t.parquet"
    table.to_parquet(path)
    needed = ("shop", "day", "sales", "sales")
    assert read_table(path, FileForm(columns=needed)).columns.tolist() == ["shop", "day", "sales"]
    # What asks for a column that is not there is told of all that are.
    assert read_table(path, FileForm(columns=("shop", "day", "profit"))).columns.tolist() == table.columns.tolist()


def test_a_csv_named_parquet_is_said(save):
    with pytest.raises(DataError, match=r"t.parquet: cannot be read as Parquet.*name it .csv"):
        read_table(save(PLAIN, "t.parquet"))


def test_parquet_without_pyarrow_names_the_extra(save, tmp_path, monkeypatch):
    path = save(b"PAR1", "t.pq")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "tsrnn\[parquet\]"'):
        read_table(path)
    with pytest.raises(MissingExtraError, match="Parquet needs pyarrow"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "new.pq", "parquet")


def test_csv_and_json_keep_every_digit(tmp_path):
    table = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=2), "yhat": [1 / 3, np.nan]})
    write_table(table, tmp_path / "t.csv", "csv")
    again = read_table(tmp_path / "t.csv")
    assert again["yhat"][0] == 1 / 3
    assert again["ds"].tolist() == ["2024-01-01", "2024-01-02"]
    write_table(table, tmp_path / "t.json", "json")
    first, second = json.loads((tmp_path / "t.json").read_text())
    assert [first["ds"][:10], second["ds"][:10]] == ["2024-01-01", "2024-01-02"]
    assert first["yhat"] == 1 / 3
    assert second["yhat"] is None


def test_json_writes_numbers_as_short_as_csv_does_and_unknown_ones_as_null(tmp_path):
    values = [40.86, 1.23456789e-9, 1e300, -np.inf, np.nan]
    counts = pd.array([1, None, 3, 4, 5], dtype="Int64")
    write_table(pd.DataFrame({"y": values, "n": counts, "of": "Köln/Süd"}), tmp_path / "t.json", "json")
    text = (tmp_path / "t.json").read_text(encoding="utf-8")
    for part in ('"y": 40.86,', '"y": 1.23456789e-09,', '"y": 1e+300,', '"n": 3,', '"of": "Köln/Süd"'):
        assert part in text
    assert [row["y"] for row in json.loads(text)] == [40.86, 1.23456789e-9, 1e300, None, None]
    assert [row["n"] for row in json.loads(text)] == [1, None, 3, 4, 5]


@pytest.mark.parametrize(
    "times",
    [
        pd.date_range("2024-01-01", periods=3),
        pd.date_range("2024-01-01", periods=3, freq="h"),
        pd.date_range("2024-01-01", periods=3, freq="us"),
        pd.date_range("2024-01-01", periods=3, freq="ns"),
        pd.date_range("2024-03-31", periods=3, freq="h", tz="Europe/Berlin"),
        pd.Index([pd.Timestamp("2024-01-01 10:00+01:00"), pd.Timestamp("2024-07-01 10:00+02:00"), 3], dtype=object),
        pd.period_range("2024-01", periods=3, freq="M"),
        pd.to_timedelta([1, 2, 3], unit="s"),
    ],
    ids=str,
)
def test_csv_and_json_write_times_alike(tmp_path, times):
    table = pd.DataFrame({"ds": times, "y": [1.5, 2.5, 3.5]})
    before = table.copy()
    write_table(table, tmp_path / "t.csv", "csv")
    write_table(table, tmp_path / "t.json", "json")
    in_csv = pd.read_csv(tmp_path / "t.csv", dtype={"ds": str})["ds"].tolist()
    assert [str(row["ds"]) for row in json.loads((tmp_path / "t.json").read_text())] == in_csv
    assert len(set(in_csv)) == 3
    pd.testing.assert_frame_equal(table, before)


def test_a_missing_time_is_null_in_json(tmp_path):
    dates = pd.to_datetime(["2024-01-01", None])
    write_table(pd.DataFrame({"a": dates, "b": dates.astype(object)}), tmp_path / "t.json", "json")
    assert json.loads((tmp_path / "t.json").read_text())[1] == {"a": None, "b": None}


def test_an_index_of_dates_or_periods_becomes_the_first_column(tmp_path):
    series = pd.Series([1.0, 2.0], index=pd.period_range("2024-01", periods=2, freq="M"))
    write_table(series, tmp_path / "t.csv", "csv")
    assert (tmp_path / "t.csv").read_text() == "ds,y\n2024-01,1.0\n2024-02,2.0\n"
    write_table(series, tmp_path / "t.json", "json")
    assert [row["ds"] for row in json.loads((tmp_path / "t.json").read_text())] == ["2024-01", "2024-02"]


def test_standard_output_gets_the_table(capfdbinary):
    write_table(pd.DataFrame({"a": [1]}), "-", "csv")
    assert capfdbinary.readouterr().out == b"a\n1\n"


def test_an_interrupted_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    write_table(pd.DataFrame({"a": [1]}), path)
    old = path.read_bytes()

    def interrupt(self, target):
        raise KeyboardInterrupt("stopped")

    monkeypatch.setattr(type(path), "replace", interrupt)
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        write_table(pd.DataFrame({"a": [2]}), path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["t.csv"]


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(DataError, match=r"t.csv: cannot be written \(No such file or directory\)"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "missing" / "t.csv")
    with pytest.raises(DataError, match="format='xml'"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "t.xml", "xml")
