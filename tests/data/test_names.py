import gzip

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.data.continuing import join_newer
from tsrnn.data.files import FileForm, read_table, write_table
from tsrnn.data.folders import read_folder
from tsrnn.data.names import as_whole_numbers
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError

TAKEN_FOR_SOMETHING_ELSE = [
    "NA",
    "None",
    "null",
    "nan",
    "N/A",
    "1E5",
    "01",
    "007",
    "1.10",
    "1.1",
    "True",
    "inf",
    "-",
    "+5",
]


def lines(ids, header="unique_id,ds,y", first=1):
    return "\n".join([header, *(f'"{name}",2024-01-{first + k:02d},{k}.5' for name in ids for k in range(3))])


@pytest.fixture
def save(tmp_path):
    def write(content, name="table.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        return path

    return write


def names_in(path, **options):
    return list(read_panel(read_table(path, FileForm(**options)), id_col=options.get("id_col")).ids)


@pytest.mark.parametrize("ids", [TAKEN_FOR_SOMETHING_ELSE, *([one] for one in TAKEN_FOR_SOMETHING_ELSE)], ids=str)
def test_names_are_the_text_that_stands_there(save, ids):
    assert names_in(save(lines(ids))) == ids
    assert names_in(save(lines(ids, "shop,ds,y")), id_col="shop") == ids


def test_names_beside_others_are_the_text_that_stands_there_in_any_column_of_words(save):
    countries = ["NA", "DE", "null"]
    assert names_in(save(lines(countries, "country,date,y"))) == countries
    assert names_in(save(lines(["A-1", "B-2", "NA", "1E5"], "sku,date,y"))) == ["A-1", "B-2", "NA", "1E5"]


@pytest.mark.parametrize("ids", [[1, 2, 3], [0, -5, 10**17]])
def test_whole_numbers_in_their_plain_form_are_numbers(save, ids):
    path = save(lines(ids))
    assert names_in(path) == ids
    assert read_table(path)["unique_id"].dtype == "int64"
    assert names_in(save(lines([*ids, "x"]))) == [*map(str, ids), "x"]
    assert names_in(save(lines([*ids, 10**30]))) == [*map(str, ids), str(10**30)]


@given(
    st.lists(st.one_of(st.integers(), st.floats(), st.text("0123456789.-+eE ")), min_size=1).map(
        lambda x: [str(n) for n in x]
    )
)
def test_a_name_that_becomes_a_number_has_the_same_text(texts):
    found = as_whole_numbers(pd.Series(texts, dtype=object))
    assert [str(name) for name in found] == (texts if found.dtype == object else [text.strip() for text in texts])


@pytest.mark.parametrize("cell", ["", '""', " "])
def test_an_empty_name_is_missing_and_its_row_is_named(save, cell):
    table = read_table(save(f"unique_id,ds,y\nNA,2024-01-01,1\n{cell},2024-01-02,2\nNA,2024-01-03,3\n"))
    with pytest.raises(DataError, match=r"missing in 1 row, for example 1 .*Name the series of these rows, or drop"):
        read_panel(table)


def test_missing_values_and_dates_are_missing_in_columns_that_name_nothing(save):
    table = read_table(save("unique_id,ds,y,x\nNA,2024-01-01,NA,low\nNA,NA,2,NA\nNA,2024-01-03,3,\n"))
    assert table["y"].isna().tolist() == [True, False, False]
    assert table["ds"].isna().tolist() == [False, True, False]
    assert table["x"].tolist()[:2] == ["low", "NA"]
    assert table["x"].isna().tolist() == [False, False, True]
    words = read_table(save("unique_id,ds,y\nNA,2024-01-01,NA\nNA,2024-01-02,closed\nNA,2024-01-03,3\n"))
    with pytest.raises(DataError, match="Column 'y' holds text, for example 'closed'"):
        read_panel(words)
    words = read_table(save("unique_id,ds,y\nNA,2024-01-01,NA\nNA,2024-01-02,low\nNA,2024-01-03,high\n"))
    with pytest.raises(DataError, match="Column 'y' holds text, for example 'low'"):
        read_panel(words)


def test_names_say_nothing_of_how_numbers_and_dates_are_written(save):
    path = save("id;tag;y\n1.10;01.02.2024;7,25\n1.11;01.02.2024;1.234,5\n")
    table = read_table(path, FileForm(id_col="id", date_format="%d.%m.%Y"))
    assert table["id"].tolist() == ["1.10", "1.11"]
    assert table["y"].tolist() == [7.25, 1234.5]
    path = save('id,day,y\n20240101,20240105,"1,234"\n20240102,20240105,"5,678.5"\n')
    table = read_table(path, FileForm(id_col="id", date_format="%Y%m%d"))
    assert table["id"].tolist() == [20240101, 20240102]
    assert table["y"].tolist() == [1234, 5678.5]
    path = save('id,day,y\n"1,234",2024-01-05,7.5\n"5,678",2024-01-05,8.5\n')
    assert read_table(path, FileForm(id_col="id"))["id"].tolist() == ["1,234", "5,678"]


def test_files_of_a_folder_name_a_series_alike(save, tmp_path):
    save(lines([1, 2]), "folder/a.csv")
    save(lines([1, "x", "NA"], first=4), "folder/b.csv")
    panel = read_panel(read_folder(tmp_path / "folder")[0])
    assert panel.ids.tolist() == ["1", "2", "x", "NA"]
    assert panel.lengths.tolist() == [6, 3, 3, 3]
    pd.DataFrame({"unique_id": 2, "ds": pd.date_range("2024-01-04", periods=3), "y": 1.0}).to_parquet(
        tmp_path / "folder" / "c.parquet"
    )
    whole = read_folder(tmp_path / "folder")[0]
    assert set(whole["unique_id"]) == {"1", "2", "x", "NA"}


def test_newer_rows_go_on_whatever_stands_beside_them(save):
    known = read_panel(read_table(save(lines(["1", "01", "1.10", "NA"]))))
    for ids in (["1"], ["01"], ["1.10", "1.1"], ["NA", "2"]):
        newer = read_panel(read_table(save(lines(ids, first=4))), freq=known.frequency)
        panel, _ = join_newer(known, newer)
        assert list(map(str, panel.ids)) == ids
        assert panel.lengths.tolist() == [6, 3][: len(ids)]
    numbers = read_panel(read_table(save(lines([1, 2]))))
    panel, _ = join_newer(numbers, read_panel(read_table(save(lines([1, "NA"], first=4))), freq=known.frequency))
    assert panel.ids.tolist() == [1, "NA"]


def test_a_packed_file_and_one_with_its_index_keep_their_names(tmp_path):
    table = pd.DataFrame({"unique_id": ["NA", "01"], "ds": "2024-01-01", "y": [1.0, 2.0]})
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(table.to_csv().encode()))
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv.gz"), table.astype({"ds": str, "unique_id": str}))


def test_numbers_and_text_that_name_series_together_are_text_in_parquet(tmp_path):
    table = pd.DataFrame({"unique_id": pd.Series([1, "b"], dtype=object), "yhat": [1.0, 2.0]})
    write_table(table, tmp_path / "t.parquet", "parquet")
    assert read_table(tmp_path / "t.parquet")["unique_id"].tolist() == ["1", "b"]
    assert table["unique_id"].tolist() == [1, "b"]
