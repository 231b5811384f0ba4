import re

import pandas as pd
import pytest

from tsrnn.data.files import FileForm, read_table
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError


def daily(*values):
    return pd.DataFrame({"date": pd.date_range("2024-01-01", periods=len(values)), "x": values})


@pytest.mark.parametrize(
    ("values", "held", "numbers"),
    [
        (("1,234.50", "581", "2,000.25"), "commas for thousands", [1234.5, 581, 2000.25]),
        (("1.234,50", "581", "2.000,25"), "decimal commas", [1234.5, 581, 2000.25]),
        (("7,25", "8,5"), "decimal commas", [7.25, 8.5]),
        (("12.5", "13"), "numbers as text", [12.5, 13]),
    ],
)
def test_the_code_that_a_message_gives_reads_the_numbers(values, held, numbers):
    df = daily(*values)
    with pytest.raises(DataError, match=f"Column 'x' holds .*{held}") as caught:
        read_panel(df)
    code = re.search(r"convert it: (.*)\.$", str(caught.value))[1]
    df["x"] = eval(code)
    assert read_panel(df).y.tolist() == numbers


def test_dates_beside_the_time_are_no_numbers_as_text():
    ordered, shipped = (pd.date_range(first, periods=30).strftime("%d.%m.%Y") for first in ("2024-01-01", "2024-01-04"))
    table = pd.DataFrame({"Bestelldatum": ordered, "Lieferdatum": shipped, "x": range(30)})
    panel = read_panel(table)
    assert (panel.form.time_col, panel.ids.tolist()) == ("Bestelldatum", ["x"])
    assert "Ignored: Lieferdatum." in panel.notes


def test_commas_that_may_be_either_get_both_codes():
    with pytest.raises(DataError, match=r"of decimals or of thousands, for example '1,234'.*--decimal ',' or '.'"):
        read_panel(daily("1,234", "2,345"))


@pytest.mark.parametrize("values", [("1 234,50", "2 345,50"), ("$1,234.50", "$2.00", "$3"), ("7,25", "n/v", "8,5")])
def test_no_advice_would_turn_all_numbers_into_missing_values(values):
    with pytest.raises(DataError, match=r"for example '(1 234,50|.1,234.50|n/v)'.*after .str.replace") as caught:
        read_panel(daily(*values), target_col="x")
    assert "coerce" not in str(caught.value)


def test_a_word_among_numbers_is_named(tmp_path):
    with pytest.raises(
        DataError, match=r"'closed'; expected numbers.*row 1 .*In a file leave cells .* empty.*errors='coerce'"
    ):
        read_panel(daily("1", "closed", "3"))
    # The message does not send back to the option that was given.
    path = tmp_path / "table.csv"
    path.write_text("date;x\n2020-01-01;7,25\n2020-01-02;n/v\n2020-01-03;8,5\n")
    with pytest.raises(DataError, match="for example 'n/v'") as caught:
        read_panel(read_table(path, FileForm(decimal=",")))
    assert "--decimal" not in str(caught.value)
