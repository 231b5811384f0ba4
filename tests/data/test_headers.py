import numpy as np
import pandas as pd
import pytest

from tsrnn.data.files import read_table
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError


@pytest.fixture
def save(tmp_path):
    def write(content):
        path = tmp_path / "table.csv"
        path.write_text(content)
        return path

    return write


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("2020-01-01,1234.50\n2020-01-02,1250.25\n2020-01-03,1199.00\n", "ds,y"),
        ("01.01.2020;7,25\n02.01.2020;8,50\n", "ds;y"),
        ("2020-01-01 00:00,5\n2020-01-01 01:00,7\n", "ds,y"),
        ("20200101,5\n20200102,7\n", "ds,y"),
        ("Jan 2020,5\nFeb 2020,7\n", "ds,y"),
        ("north,2020-01-01,5,5\nnorth,2020-01-02,6,7\n", "c1,ds,y,y2"),
        ("2020-01-01,,3\n2020-01-02,4,5\n", "ds,y,y2"),
        ("112\n118\n132\n", "y"),
        ("1,112\n2,118\n3,132\n", "ds,y"),
        ("2020-01-01,$5\n2020-01-02,$6\n2020-01-03,$7\n", "ds,y"),
        ("01.01.2020;1 234,5\n02.01.2020;1 235,5\n03.01.2020;1 236,5\n", "ds;y"),
        ("1949;112;5,5\n1950;118;6,5\n1951;132;7,0\n", "ds;y;y2"),
    ],
)
def test_a_file_without_a_line_of_names_is_refused_with_one_that_fits(save, content, names):
    path = save(content)
    with pytest.raises(DataError, match=r"first line holds values .*Put a line of names before it") as caught:
        read_table(path)
    assert str(caught.value).endswith(f"for example {names}")
    path.write_text(f"{names}\n{content}")
    assert len(read_table(path)) == content.count("\n")


@pytest.mark.parametrize(
    "content",
    [
        "date,2019,2020\n2020-01-01,5,6\n2020-01-02,7,8\n",
        "date,101,102.5\n2020-01-01,5,6\n2020-01-02,7,8\n",
        "date,1,2\n2020-01-01,2,6\n2020-01-02,3,8\n",
        ",101,102\n2020-01-01,5,6\n2020-01-02,7,8\n",
        "0,1,2\n5,6,7\n8,9,10\n",
        "0,1\n1,6\n2,9\n",
        "0\n5\n6\n",
        "day,2\n1,6\n2,9\n",
        "2019,2020\n5,6\n7,8\n",
        "shop,2020-01-01,2020-01-02\n1,5,6\n2,7,8\n",
        "20200101,20200102\n5,6\n7,8\n",
        "1.234.567,2.345.678\n5,6\n7,8\n",
    ],
)
def test_names_that_are_numbers_or_dates_above_other_values_are_names(save, content):
    table = read_table(save(content))
    assert len(table) == 2


def test_shops_named_by_numbers_are_forecast(save):
    panel = read_panel(read_table(save("date,101,102\n2020-01-01,5,6\n2020-01-02,7,8\n2020-01-03,7,9\n")))
    assert list(panel.ids) == ["101", "102"]


YEARS = [str(year) for year in range(2012, 2024)]
MONTHS = pd.date_range("2024-01-01", periods=12, freq="MS")


@pytest.mark.parametrize(
    "names",
    [YEARS, YEARS[::-1], [int(year) for year in YEARS], MONTHS.strftime("%Y-%m-%d"), MONTHS.strftime("%b %Y"), MONTHS],
)
def test_a_table_on_its_side_is_refused_with_the_code_that_turns_it(names):
    values = np.arange(48.0).reshape(4, 12)
    countries = ["Austria", "Belgium", "Chile", "Denmark"]
    table = pd.DataFrame(values, columns=list(names))
    for named in (table, table.set_axis(countries), table.assign(country=countries), table.assign(week=range(1, 5))):
        with pytest.raises(DataError, match=r"Time runs along the columns: 12 of them .*: df = df\.melt\("):
            read_panel(named)
    shown = r"df\.melt\(id_vars=\['country'\], var_name='ds', value_name='y'\)"
    with pytest.raises(DataError, match=shown):
        read_panel(table.assign(country=countries))
    panel = read_panel(table.assign(country=countries).melt(id_vars=["country"], var_name="ds", value_name="y"))
    assert (panel.ids.tolist(), panel.lengths.tolist()) == (countries, [12] * 4)
    assert sorted(panel.series(0)) == list(range(12))


@pytest.mark.parametrize(
    "names", [["Januar 2022", "Februar 2022", "März 2022"], ["KW 1/2022", "KW 2/2022", "KW 3/2022"]]
)
def test_a_table_on_its_side_is_refused_also_where_its_stamps_cannot_be_read(names):
    table = pd.DataFrame({name: [5.0, 1.0, 9.0, 2.0] for name in names}).assign(product=list("abcd"))
    with pytest.raises(DataError, match=r"Time runs along the columns: 3 of them .*df\.melt\(id_vars=\['product'\]"):
        read_panel(table)
    assert read_panel(table, target_col=names).ids.tolist() == names


@pytest.mark.parametrize("count", ["day", "step", "Tag"])
def test_names_that_end_like_years_are_names_beside_a_count_of_steps(count):
    names = ["item_2001", "item_2002", "item_2003"]
    table = pd.DataFrame({count: range(1, 9), **dict.fromkeys(names, np.arange(8.0))})
    panel = read_panel(table)
    assert (panel.form.time_col, panel.ids.tolist()) == (count, names)
    # Months in rows and years in columns are both time.
    with pytest.raises(DataError, match="Time runs along the columns: 3 of them are named 2001"):
        read_panel(table.rename(columns=lambda name: name.removeprefix("item_")))


@pytest.mark.parametrize(
    ("index", "others"),
    [
        (None, {}),
        ("unique_id", {}),
        ("shop", {}),
        ("unique_id", {"region": list("xyxy")}),
        ("shop", {"size": list("lms ")}),
    ],
)
def test_the_code_that_turns_a_table_keeps_the_names_in_its_index(index, others):
    names = pd.Index(list("abcd"), name=index)
    df = pd.DataFrame(np.arange(48.0).reshape(4, 12), index=names, columns=MONTHS).assign(**others)
    with pytest.raises(DataError, match="Turn the table: df = df") as refused:
        read_panel(df)
    code = str(refused.value).partition("Turn the table: df = ")[2].partition(". If these")[0]
    panel = read_panel(eval(code, {"df": df}))
    assert (panel.ids.tolist(), panel.lengths.tolist()) == (list("abcd"), [12] * 4)
    assert sorted(panel.series(1)) == list(range(12, 24))


def test_years_may_name_series_beside_dates_or_where_they_are_named():
    table = pd.DataFrame(np.arange(144.0).reshape(12, 12), columns=YEARS)
    assert read_panel(table.assign(date=MONTHS)).ids.tolist() == YEARS
    assert read_panel(table.set_axis(MONTHS)).ids.tolist() == YEARS
    assert read_panel(table, target_col=YEARS[:2]).ids.tolist() == YEARS[:2]
