import numpy as np
import pandas as pd
import pytest

from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError

Y = np.random.default_rng(0).normal(size=24)


@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize(
    ("name", "first", "step"),
    [
        ("date", 1980, 1),
        ("date", 30_292, 7),
        ("week", 1, 1),
        ("month", 1, 1),
        ("seconds", 0, 10),
        ("obs", 1, 1),
    ],
)
def test_numbers_one_step_apart_under_a_name_of_time_are_time(name, first, step, seed):
    table = pd.DataFrame({"y": Y, name: first + step * np.arange(24)})
    panel = read_panel(table if seed is None else table.sample(frac=1, random_state=seed))
    assert panel.ids.tolist() == ["y"]
    assert (panel.form.time_col, panel.start[0], panel.frequency.alias) == (name, first, str(step))
    assert panel.frequency.years == (first == 1980)
    np.testing.assert_array_equal(panel.y, Y)


@pytest.mark.parametrize("id_col", ["shop", "unique_id"])
def test_numbers_that_rise_in_each_series_are_time(id_col):
    table = pd.DataFrame({id_col: list("ab") * 12, "week": np.repeat(np.arange(12), 2), "y": Y})
    panel = read_panel(table)
    assert (panel.form.kind, panel.form.time_col, panel.ids.tolist()) == ("long", "week", ["a", "b"])
    np.testing.assert_array_equal(panel.y, [*Y[::2], *Y[1::2]])


def test_a_number_of_the_week_beside_its_date_is_no_series():
    dates = pd.date_range("2024-01-01", periods=24, freq="W-MON")
    panel = read_panel(pd.DataFrame({"date": dates, "week": np.arange(1, 25), "x": Y, "day": dates.day % 5}))
    assert panel.ids.tolist() == ["x", "day"]
    assert "Ignored: week." in panel.notes
    assert read_panel(pd.DataFrame({"date": dates, "week": range(24)})).ids.tolist() == ["week"]


def test_numbers_under_a_name_of_time_that_rise_unevenly_are_a_question():
    months = pd.date_range("2023-01-01", periods=24, freq="MS")
    for numbers in ((months - pd.Timestamp("1970-01-01")).days, months.year + months.month / 100):
        with pytest.raises(DataError, match=r"Column 'date' has the name of a time.*time_col.*target_col"):
            read_panel(pd.DataFrame({"date": numbers, "y": Y}))


def test_steps_of_a_half_are_refused_with_the_cure():
    for name in ("time", "seconds"):
        with pytest.raises(DataError, match=f"Time column '{name}': 12 of 24 values are not whole.*other steps"):
            read_panel(pd.DataFrame({name: np.arange(24) / 2, "y": Y}))


@pytest.mark.parametrize("first", ["2024-01-01", "2023-06-05"])
def test_numbers_of_year_and_week_are_the_mondays_of_iso_weeks(first):
    mondays = pd.date_range(first, periods=12, freq="W-MON")
    iso = mondays.isocalendar()
    weeks = (100 * iso["year"] + iso["week"]).to_numpy(dtype=np.int64)
    panel = read_panel(pd.DataFrame({"week": weeks, "y": Y[:12]}))
    assert (panel.frequency.alias, panel.start[0], len(panel.y)) == ("W-MON", mondays[0].to_datetime64(), 12)
    assert f"Whole numbers such as {weeks[0]} were read as ISO weeks, by their Mondays." in panel.notes
