"""Tell which century two-digit years are in."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd

# Rows planned ahead are in the future, but not far: a table of 1966 to 1971 is none of 2066 to 2071.
_YEARS_AHEAD = 10
_CENTURIES = (2000, 1900, 1800)


def place_in_century(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return dates read from two-digit years in the century that keeps them together and out of the future.

    `strptime` turns 68 into 2068 and 69 into 1969, whatever stands beside it.

    Parameters
    ----------
    dates : DatetimeIndex
        Of any century.

    Returns
    -------
    DatetimeIndex
        Those of the shortest run of years, the latest one that begins by now and ends at most ten years from now.

    Examples
    --------
    >>> place_in_century(pd.to_datetime(pd.Index(["Jan-66", "Dec-71"]), format="%b-%y")).year.tolist()
    [1966, 1971]
    """
    if not len(dates):
        return dates
    year = np.asarray(dates.year, dtype=np.int64)
    short = year % 100
    numbers = np.unique(short)
    # On a clock of a hundred years, what lies together begins after the longest gap.
    before = np.diff(numbers, prepend=numbers[-1] - 100)
    today = datetime.date.today().year
    leap_day = bool(((short == 0) & (dates.month == 2) & (dates.day == 29)).any())
    runs = []
    for first in numbers[before == before.max()]:
        after = (numbers - first) % 100
        for century in _CENTURIES:
            begin = century + int(first)
            is_plausible = begin <= today and begin + int(after.max()) <= today + _YEARS_AHEAD
            # Of the years that end in 00, only 2000 has a leap day.
            if is_plausible and (not leap_day or begin + int(-first % 100) == 2000):
                runs.append(begin)
    if not runs:
        return dates
    best = max(runs)
    moved = (best + (short - best) % 100 - year) * 12
    return _add_months(dates, moved) if moved.any() else dates


def _add_months(dates: pd.DatetimeIndex, months: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pd.DatetimeIndex:
    stamps = dates.to_numpy(dtype="datetime64[ns]")
    month = stamps.astype("datetime64[M]")
    moved = pd.DatetimeIndex((month + months).astype("datetime64[ns]") + (stamps - month.astype("datetime64[ns]")))
    return moved if dates.tz is None else moved.tz_localize("UTC").tz_convert(dates.tz)


def describe_century(text: str, dates: pd.DatetimeIndex, usual: pd.DatetimeIndex) -> list[str]:
    """Say which years were taken where `strptime` would have taken others, or where some lie in the future.

    Parameters
    ----------
    text : str
        A date as it was written.
    dates, usual : DatetimeIndex
        As they were read, and as `strptime` reads them.
    """
    first, last = dates.min().year, dates.max().year
    if dates.equals(usual) and last <= datetime.date.today().year:
        return []
    return [f"The two-digit years of dates such as {text!r} were read as {first} to {last}."]
