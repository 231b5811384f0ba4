import numpy as np
import pandas as pd
import pytest

from tsrnn import SeasonalNaive
from tsrnn.data.tables import read_panel
from tsrnn.errors import FrequencyError

UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def unix(dates, unit="s"):
    return dates.as_unit("ns").astype(np.int64) // pd.Timedelta(1, unit).as_unit("ns").value


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("freq", ["h", "15min", "D", "W-SUN", "MS", "YS-JAN"])
@pytest.mark.parametrize("name", ["timestamp", "ds", "t"])
def test_numbers_of_time_since_1970_are_dates(unit, freq, name):
    dates = pd.date_range("1995-01-01", periods=30, freq=freq)
    table = pd.DataFrame({name: unix(dates, unit), "y": np.arange(30.0)})
    panel = read_panel(table.sample(frac=1, random_state=0), time_col=name)
    assert (panel.frequency.alias, panel.start[0]) == (freq, np.datetime64("1995-01-01"))
    assert panel.y.tolist() == list(range(30))
    assert any(f"were read as {UNITS[unit]} since 1970 (UTC)" in note for note in panel.notes)


def test_a_column_of_them_is_found_in_a_table_of_several_series():
    dates = pd.date_range("2023-01-01", periods=20, freq="h")
    parts = [pd.DataFrame({"ts": unix(dates), "shop": name, "sales": np.arange(20.0)}) for name in ("a", "b")]
    panel = read_panel(pd.concat(parts))
    assert (panel.frequency.alias, list(panel.ids), panel.form.time_col) == ("h", ["a", "b"], "ts")


def test_answers_are_dates_and_later_rows_may_be_numbers():
    dates = pd.date_range("2023-01-01", periods=48, freq="h")
    table = pd.DataFrame({"timestamp": unix(dates), "y": np.tile(np.arange(24.0), 2)})
    model = SeasonalNaive().fit(table)
    assert (model.panel_.season_length, len(model.notes_)) == (24, 1)
    assert model.predict(2)["timestamp"].tolist() == list(pd.date_range("2023-01-03", periods=2, freq="h"))
    one = pd.DataFrame({"timestamp": unix(pd.DatetimeIndex(["2023-01-03"])), "y": [5.0]})
    assert model.update(one).predict(1)["timestamp"].tolist() == [pd.Timestamp("2023-01-03 01:00")]


@pytest.mark.parametrize("freq", [3600, "3600", np.int64(3600)])
def test_a_whole_number_as_the_step_keeps_them_as_they_are(freq):
    dates = pd.date_range("2023-01-01", periods=48, freq="h")
    panel = read_panel(pd.DataFrame({"timestamp": unix(dates), "y": np.arange(48.0)}), freq=freq)
    assert (panel.frequency.alias, panel.start[0]) == ("3600", 1672531200)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("step", 1_700_000_000 + np.arange(50)),
        ("order", 1_700_000_000 + 60 * np.arange(50) + 7),
        ("order", 1_699_999_980 + 420 * np.arange(50)),
        ("timestamp", 1_700_000_000 + 7 * np.arange(50)),
        ("timestamp", 600_000_000 + 60 * np.arange(50)),
        ("timestamp", 4_200_000_000 + 60 * np.arange(50)),
        ("timestamp", np.arange(50)),
    ],
)
def test_numbers_that_only_count_stay_numbers(name, numbers):
    panel = read_panel(pd.DataFrame({name: numbers, "y": np.arange(50.0)}), time_col=name)
    assert panel.start[0] == numbers[0]


def test_irregular_ones_are_told_the_step_of_a_clock():
    numbers = 1_672_531_200 + np.cumsum(np.random.default_rng(0).integers(7, 14, 100))
    with pytest.raises(FrequencyError, match=r"df\.resample\('10s'\)"):
        read_panel(pd.DataFrame({"timestamp": numbers, "y": np.arange(100.0)}))


def test_days_of_a_german_compound_are_dates():
    days = [int(day) for day in pd.date_range("2023-01-01", periods=40).strftime("%Y%m%d")]
    table = pd.concat([pd.DataFrame({"Artikel": name, "Buchungsdatum": days, "Absatz": range(40)}) for name in "ab"])
    panel = read_panel(table)
    assert (panel.form.time_col, panel.frequency.alias, panel.ids.tolist()) == ("Buchungsdatum", "D", ["a", "b"])


@pytest.mark.parametrize(("step", "freq"), [(1, "D"), (7, "W-MON")])
@pytest.mark.parametrize("name", ["Datum", "date", "Buchungsdatum"])
def test_days_that_a_spreadsheet_counts_are_dates(step, freq, name):
    days = 45292 + step * np.arange(60)
    panel = read_panel(pd.DataFrame({name: days, "y": np.arange(60.0)}).sample(frac=1, random_state=0))
    assert (panel.frequency.alias, panel.start[0]) == (freq, np.datetime64("2024-01-01"))
    assert panel.y.tolist() == list(range(60))
    assert any("such as 4" in note and "the days that spreadsheets count" in note for note in panel.notes)


def test_months_that_a_spreadsheet_counts_are_dates_in_forecasts_too():
    months = pd.date_range("2021-01-01", periods=36, freq="MS")
    days = (months - pd.Timestamp("1899-12-30")).days
    model = SeasonalNaive().fit(pd.DataFrame({"Datum": days, "y": np.arange(36.0)}))
    assert model.predict(1)["Datum"].tolist() == [pd.Timestamp("2024-01-01")]
    later = pd.DataFrame({"Datum": [45292], "y": [5.0]})
    assert model.update(later).predict(1)["Datum"].tolist() == [pd.Timestamp("2024-02-01")]


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("t", 45292 + np.arange(50)),
        ("date_id", 45292 + np.arange(50)),
        ("Datum", 30_000 + np.arange(50)),
        ("date", np.arange(50)),
    ],
)
def test_other_whole_numbers_of_that_size_count(name, numbers):
    panel = read_panel(pd.DataFrame({name: numbers, "y": np.arange(50.0)}), time_col=name)
    assert (panel.frequency.alias, panel.start[0]) == ("1", numbers[0])


def test_a_whole_number_as_the_step_keeps_days_of_a_spreadsheet():
    panel = read_panel(pd.DataFrame({"Datum": 45292 + np.arange(50), "y": np.arange(50.0)}), freq=1)
    assert (panel.frequency.alias, panel.start[0]) == ("1", 45292)
