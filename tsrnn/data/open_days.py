"""Tell from the days of a table on which days of the week there are rows, and which of these are holidays."""

from __future__ import annotations

import numpy as np

from tsrnn.data.calendars import MONDAY_TO_FRIDAY, BusinessDays, TradingDays, weekday
from tsrnn.data.grids import DAY, FixedStep, Frequency, Stamps
from tsrnn.data.panel import Bools, Integers

# So improbable has to be that a weekday without rows is one whose rows are missing by accident. Where nothing else is
# missing, four weeks are enough.
MOST_BY_ACCIDENT = 1e-4
# More business days in a row than this are missing rows.
MOST_HOLIDAYS = 10


def find_open_days(ds: Stamps, gaps: Integers, within: Bools) -> BusinessDays | TradingDays | None:
    """Return the open days of a week of which two to six are open, or None where the stamps do not show such a week.

    Half of the gaps within the series have to lead from one open day to the next. A weekday is closed if no series has
    it, and if days were missing at random as often as open days are, so many of it in a row would hardly be missing.

    Holidays are stepped over from Monday to Friday alone, the days of prices, which go on from the last one (unless
    `tsrnn.data.seasonality.weekdays_repeat`). Where Saturdays or Sundays are open, or a business day is closed, the
    weekdays differ: there holidays are missing rows, as every one that is stepped over would move the season by a day
    (simulated sales with 15 holidays, ten days ahead: the base's RMSE is .68 so, 2.69 where they are stepped over).

    Parameters
    ----------
    ds : datetime64 ndarray of shape (n_rows,)
    gaps : int64 ndarray of shape (n_gaps,), nanoseconds
        From each row to the next one of its series.
    within : bool ndarray of shape (n_rows - 1,)
        Which neighbours are rows of one series, `n_gaps` of them.

    Examples
    --------
    >>> days = np.arange("2024-01-01", "2024-02-01", dtype="datetime64[D]")
    >>> days = days[weekday(days) != 6]
    >>> find_open_days(days, np.diff(days.astype("datetime64[ns]")).astype(np.int64), np.ones(len(days) - 1, bool))
    BusinessDays(step=1, weekmask='1111110')
    """
    rows = np.bincount(weekday(ds), minlength=7)
    weekmask = "".join("1" if count else "0" for count in rows)
    if not 2 <= weekmask.count("1") <= 6:
        return None
    day = ds.astype("datetime64[D]")
    neighbours = (gaps % DAY == 0) & (np.busday_count(day[:-1], day[1:], weekmask)[within] == 1)
    if 2 * np.count_nonzero(neighbours) < len(gaps):
        return None
    days = np.unique(day)
    first, end = days[0], days[-1] + 1
    expected = int(np.busday_count(first, end, weekmask))
    # Laplace's rule of succession: that none has been missing so far does not say that none ever is.
    missing = (expected - len(days) + 1) / (expected + 2)
    weeks = min(
        int(np.busday_count(first, end, [int(day == i) for day in range(7)])) for i in range(7) if weekmask[i] == "0"
    )
    if missing**weeks > MOST_BY_ACCIDENT:
        return None
    return _without_holidays(days) if weekmask == MONDAY_TO_FRIDAY else BusinessDays(weekmask=weekmask)


def infer_days(ds: Stamps) -> Frequency:
    """Tell every day, business days and trading days apart, where no week shows by itself which days are open.

    Days of all series together that are never Saturdays and Sundays are business days once a weekend was left out.

    Parameters
    ----------
    ds : datetime64 ndarray of shape (n_rows,)
        Stamps that are mostly a day apart.
    """
    days = np.unique(ds.astype("datetime64[D]"))
    if (weekday(days) >= 5).any() or days[-1] - days[0] < np.timedelta64(7, "D"):
        return FixedStep(DAY)
    return _without_holidays(days)


def _without_holidays(days: Stamps) -> BusinessDays | TradingDays:
    """Return business days, less those that look like holidays."""
    expected = int(np.busday_count(days[0], days[-1])) + 1
    longest_hole = int(np.busday_count(days[:-1], days[1:]).max()) - 1
    if len(days) == expected or len(days) < 0.9 * expected or longest_hole > MOST_HOLIDAYS:
        return BusinessDays()
    return TradingDays(days, expected - len(days))


def extend_days(known: TradingDays, ds: Stamps) -> TradingDays:
    """Return the fitted trading days together with those of another table."""
    days = np.union1d(known.calendar, ds.astype("datetime64[D]"))
    days = days[np.is_busday(days)]
    gap = np.busday_count(days[:-1], days[1:]) - 1
    # A hole this long is not made of holidays; its business days are missing rows.
    long = np.flatnonzero(gap > MOST_HOLIDAYS)
    filled = [np.busday_offset(days[i], np.arange(1, gap[i] + 1)) for i in long]
    days = np.union1d(days, np.concatenate([days[:0], *filled]))
    return TradingDays(days, int(np.busday_count(days[0], days[-1])) + 1 - len(days))
