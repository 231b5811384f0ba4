import numpy as np
import pandas as pd
import pytest

from tsrnn.data.tables import read_panel


def shop(n_hours=9000, zone="America/New_York"):
    """Return customers of a shop that opens from 8 to 12 by the clock of its zone, at their instants."""
    utc = pd.date_range("2023-06-01", periods=n_hours, freq="h", tz="UTC")
    hour = utc.tz_convert(zone).hour
    noise = np.random.default_rng(0).poisson(2, n_hours)
    return pd.DataFrame({"date": utc, "customers": noise + np.where((hour >= 8) & (hour < 12), 20, 0)})


def advice(table):
    return [note for note in read_panel(table).notes if "an hour earlier" in note]


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Melbourne"])
def test_a_zone_is_to_be_named_where_days_follow_a_clock_that_changes(zone):
    table = shop(zone=zone)
    (note,) = advice(table)
    assert "If so, name its zone: --time-zone Europe/Berlin on the command line" in note
    assert advice(table.assign(date=table["date"].dt.tz_convert(zone))) == []
    assert advice(table.assign(date=table["date"].dt.tz_convert("Europe/Berlin"))) == []
    (note,) = advice(table.assign(date=table["date"].dt.tz_localize(None)))
    assert "If so, write each time with its offset, such as 2024-07-01 12:00+00:00, and name its zone" in note


def test_a_fixed_zone_and_quarters_of_an_hour_do_as_well():
    table = shop()
    fixed = table.assign(date=table["date"].dt.tz_convert("Etc/GMT+5"))
    quarters = table.loc[table.index.repeat(4)].reset_index(drop=True)
    quarters["date"] = pd.date_range("2023-06-01", periods=len(quarters), freq="15min", tz="UTC")
    assert len(advice(fixed)) == len(advice(quarters)) == 1


def test_no_zone_is_asked_for_where_days_keep_to_the_time_stamps():
    table = shop(zone="Asia/Tokyo")
    hour = table["date"].dt.hour
    table["flat"], table["warmth"] = 1.0, 10 + 8 * np.cos((hour - 20) * np.pi / 12)
    table["late"] = 10 + 8 * np.cos((hour - 20 - (table["date"].dt.month % 12 > 4)) * np.pi / 12)  # correlation .966
    table["weekly"] = np.where(table["date"].dt.day_of_week == 5, 9.0, 1.0)
    assert advice(table) == []
    assert advice(table[["date", "late"]]) == []
    assert advice(table.iloc[::2].reset_index(drop=True)) == []


def test_of_half_a_year_nothing_is_said():
    assert advice(shop(4000)) == []
    table = shop()
    day = table["date"].dt.day_of_year
    assert advice(table.assign(customers=table["customers"].where((day < 121) | (day > 140)))) != []
    assert advice(table.assign(customers=table["customers"].where(~day.between(121, 243) | (day > 220)))) == []


def test_of_several_series_most_decide():
    moving, still = shop(), shop(zone="Asia/Tokyo")["customers"]
    assert len(advice(moving.assign(more=moving["customers"], still=still))) == 1
    assert advice(moving.assign(still=still)) == []
