import pandas as pd
import pytest

from tsrnn.data.files import FileForm
from tsrnn.data.folders import read_folder
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError

DAYS = pd.date_range("2024-01-01", periods=6).strftime("%Y-%m-%d")


def save(folder, name, table):
    write = table.to_parquet if name.endswith(".parquet") else table.to_csv
    write(folder / name, index=False)


def sales(first=0, last=6, add=0.0):
    return pd.DataFrame({"date": DAYS[first:last], "sales": [float(k) + add for k in range(first, last)]})


def test_files_with_common_time_stamps_are_series_named_by_their_files(tmp_path):
    save(tmp_path, "berlin.csv", sales())
    save(tmp_path, "paris.v2.csv", sales(2, 6, add=10))
    save(tmp_path, "rome.parquet", sales(add=20))
    (tmp_path / "README.md").write_text("not a table")
    (tmp_path / ".hidden.csv").write_text("not a table")
    table, notes = read_folder(tmp_path)
    panel = read_panel(table)
    assert panel.ids.tolist() == ["berlin", "paris.v2", "rome"]
    assert panel.series(1).tolist() == [12.0, 13.0, 14.0, 15.0]
    assert notes == ["Each of the 3 files is a series, named by its file."]


def test_files_with_a_column_of_series_are_joined(tmp_path):
    for name, first, last in (("a.csv", 0, 3), ("b.csv", 3, 6)):
        parts = [sales(first, last, add).assign(unique_id=one) for one, add in (("x", 0), ("y", 9))]
        save(tmp_path, name, pd.concat(parts))
    table, notes = read_folder(tmp_path)
    panel = read_panel(table)
    assert panel.series(1).tolist() == [9.0, 10, 11, 12, 13, 14]
    assert notes == ["2 files of one table were joined."]
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    for name in ("a.csv", "b.csv"):
        save(renamed, name, pd.read_csv(tmp_path / name).rename(columns={"unique_id": "shop"}))
    assert read_panel(read_folder(renamed)[0]).ids.tolist() == ["x", "y"]
    assert read_panel(read_folder(renamed, FileForm(id_col="shop"))[0], id_col="shop").n_series == 2


def test_files_that_may_continue_each_other_are_a_question(tmp_path):
    save(tmp_path, "2023.csv", sales(0, 3))
    save(tmp_path, "2024.csv", sales(3, 6))
    with pytest.raises(DataError, match=r"no two of its 2 files share a time stamp.*--each-file series.*part"):
        read_folder(tmp_path)
    assert read_panel(read_folder(tmp_path, each_file="part")[0]).y.tolist() == [0, 1, 2, 3, 4, 5]
    assert read_panel(read_folder(tmp_path, each_file="series")[0]).ids.tolist() == ["2023", "2024"]


def test_two_columns_may_have_other_names_in_every_file(tmp_path):
    save(tmp_path, "usd.csv", sales().rename(columns={"sales": "USD"}))
    save(tmp_path, "gbp.csv", sales(add=5).rename(columns={"date": "day", "sales": "GBP"}))
    panel = read_panel(read_folder(tmp_path)[0])
    assert panel.ids.tolist() == ["gbp", "usd"]
    assert panel.series(1).tolist() == [0, 1, 2, 3, 4, 5]


def test_rows_are_counted_in_each_file_where_there_are_no_dates(tmp_path):
    for name in ("a.csv", "b.csv"):
        save(tmp_path, name, pd.DataFrame({"value": [1.0, 2.5, 3.0]}))
    panel = read_panel(read_folder(tmp_path)[0])
    assert panel.start.tolist() == [0, 0]
    assert panel.lengths.tolist() == [3, 3]


def test_a_single_file_is_read_as_if_it_were_named(tmp_path):
    save(tmp_path, "wide.csv", sales().assign(other=1.0))
    table, notes = read_folder(tmp_path)
    assert list(table.columns) == ["date", "sales", "other"]
    assert notes == []


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_folders_by_a_key_are_parts_of_one_table_and_the_key_is_a_column(tmp_path, ending):
    for folder, first, last, add in (("shop=K%C3%B6ln", 0, 6, 0.0), ("shop=007", 2, 6, 10.0)):
        (tmp_path / folder / "year=2024").mkdir(parents=True)
        save(tmp_path, f"{folder}/year=2024/part-0.{ending}", sales(first, last, add))
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / "shop=007/year=2024" / f"._part-0.{ending}").write_text("not a table")
    (tmp_path / "shop=007/year=2024" / f"old.{ending}").mkdir()
    (tmp_path / "shop=007/drafts").mkdir()
    save(tmp_path, f"shop=007/drafts/part-0.{ending}", sales())
    (tmp_path / "drafts").mkdir()
    save(tmp_path, f"drafts/part-0.{ending}", sales())
    table, notes = read_folder(tmp_path)
    assert notes == ["2 files in folders by shop, year were joined."]
    panel = read_panel(table)
    assert sorted(panel.ids) == ["007", "Köln"]
    assert panel.series(panel.ids.tolist().index("007")).tolist() == [12.0, 13.0, 14.0, 15.0]
    assert "Ignored: year." in panel.notes


def test_folders_by_date_give_the_time_of_their_rows(tmp_path):
    for day in DAYS:
        (tmp_path / f"date={day}").mkdir()
        save(tmp_path, f"date={day}/a.csv", pd.DataFrame({"shop": ["x", "y"], "sales": [1.0, 2.0]}))
    panel = read_panel(read_folder(tmp_path)[0])
    assert panel.ids.tolist() == ["x", "y"]
    assert panel.y.tolist() == [1.0] * 6 + [2.0] * 6
    assert str(panel.start[0])[:10] == DAYS[0]


def test_what_is_wrong_with_a_folder_is_said(tmp_path):
    with pytest.raises(DataError, match="without CSV or Parquet files; it holds no file"):
        read_folder(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"it holds notes\.txt"):
        read_folder(tmp_path)
    save(tmp_path, "a.csv", sales())
    save(tmp_path, "b.csv", sales().assign(price=1.0))
    with pytest.raises(DataError, match=r"a.csv has date, sales; b.csv has date, sales, price"):
        read_folder(tmp_path)
    save(tmp_path, "b.csv", sales())
    save(tmp_path, "b.parquet", sales())
    with pytest.raises(DataError, match="several endings, for example b"):
        read_folder(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_folder(tmp_path / "nowhere")
