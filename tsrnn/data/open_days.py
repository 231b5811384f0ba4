"""Tell from the days of a table on which days of the week there are rows, and which of these are holidays."""

from __future__ import annotations

import numpy as np

from tsrnn.data.calendars import MONDAY_TO_FRIDAY, BusinessDays, TradingDays, weekday
from tsrnn.data.grids import DAY, FixedStep, Frequency, Stamps


def infer_days(ds: Stamps) -> Frequency:
    """Tell every day, business days and trading days apart, from the days of all series together.

    Parameters
    ----------
    ds : datetime64 ndarray of shape (n_rows,)
        Stamps that are mostly a day apart.
    """
    days = np.unique(ds.astype("datetime64[D]"))
    if (weekday(days) >= 5).any() or days[-1] - days[0] < np.timedelta64(7, "D"):
        return FixedStep(DAY)
    return _without_holidays(days, MONDAY_TO_FRIDAY)


def _without_holidays(days: Stamps, weekmask: str) -> BusinessDays | TradingDays:
    """Return the open days of the week, less those that look like holidays."""
    expected = int(np.busday_count(days[0], days[-1], weekmask)) + 1
    longest_hole = int(np.busday_count(days[:-1], days[1:], weekmask).max()) - 1
    if len(days) == expected or len(days) < 0.9 * expected or longest_hole > _most_holidays(weekmask):
        return BusinessDays(weekmask=weekmask)
    return TradingDays(days, expected - len(days), weekmask)


def _most_holidays(weekmask: str) -> int:
    """Return how many holidays may follow each other: two weeks; what is longer are missing rows."""
    return 2 * weekmask.count("1")


def extend_days(known: TradingDays, ds: Stamps) -> TradingDays:
    """Return the fitted trading days together with those of another table."""
    week = known.weekmask
    days = np.union1d(known.calendar, ds.astype("datetime64[D]"))
    days = days[np.is_busday(days, week)]
    gap = np.busday_count(days[:-1], days[1:], week) - 1
    # A hole this long is not made of holidays; its open days are missing rows.
    long = np.flatnonzero(gap > _most_holidays(week))
    filled = [np.busday_offset(days[i], np.arange(1, gap[i] + 1), weekmask=week) for i in long]
    days = np.union1d(days, np.concatenate([days[:0], *filled]))
    return TradingDays(days, int(np.busday_count(days[0], days[-1], week)) + 1 - len(days), week)
