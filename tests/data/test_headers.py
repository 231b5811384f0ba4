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
        ",101,102\n2020-01-01,5,6\n2020-01-02,7,8\n",
        "0,1,2\n5,6,7\n8,9,10\n",
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
