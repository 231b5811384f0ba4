import datetime

import pandas as pd
import pytest

from tsrnn.data.centuries import place_in_century


@pytest.mark.parametrize(
    ("first", "last"),
    [("1966-01", "1971-12"), ("1949-01", "1960-12"), ("1995-01", "2005-12"), ("1920-01", "1968-12"), ("1949", "2024")],
)
def test_years_stay_together_and_out_of_the_future(first, last):
    months = pd.date_range(first, last, freq="MS")
    short = pd.DatetimeIndex(pd.to_datetime(pd.Series(months.strftime("%b-%y")), format="%b-%y"))
    assert place_in_century(short).equals(months)
    assert place_in_century(short[::-1]).equals(months[::-1])


def test_rows_planned_ahead_are_in_the_years_to_come():
    year = datetime.date.today().year
    planned = pd.DatetimeIndex([f"{year}-01-01", f"{year + 3}-01-01"])
    assert place_in_century(planned).equals(planned)


def test_a_leap_day_settles_the_century():
    days = pd.date_range("2000-02-28", periods=3)
    assert place_in_century(days.map(lambda day: day)).equals(days)
    assert place_in_century(days[:0]).equals(days[:0])


def test_times_of_day_and_zones_stay():
    hours = pd.date_range("1966-12-31 22:30", periods=3, freq="h", tz="UTC")
    later = hours + pd.DateOffset(years=100)
    assert place_in_century(later).equals(hours)
