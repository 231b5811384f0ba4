"""Whole numbers that are time since 1970: seconds, or thousandths, millionths or billionths of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.grids import DAY, HOUR, MINUTE, SECOND, Frequency, IntegerStep

# From 1990 to 2032: no two units share a number, and compact dates such as 1990013118 are larger.
_FIRST, _LAST = 631_152_000, 1_988_150_399
_UNITS = {"seconds": SECOND, "milliseconds": 1_000_000, "microseconds": 1_000, "nanoseconds": 1}
_CLOCK_NAMES = {"time", "timestamp", "timestamps", "datetime", "date", "dt", "ds", "ts", "epoch", "unix", "unixtime"}


def read_unix_times(whole: npt.NDArray[np.int64]) -> tuple[pd.DatetimeIndex, str] | None:
    """Read numbers that all lie in the years 1990 to 2032 as dates in UTC, without a zone, and name their unit.

    >>> dates, unit = read_unix_times(np.array([1672617600, 1672621200]))
    >>> str(dates[1]), unit
    ('2023-01-02 01:00:00', 'seconds')
    """
    for unit, size in _UNITS.items():
        if len(whole) and whole.min() >= _FIRST * (SECOND // size) and whole.max() <= _LAST * (SECOND // size):
            return pd.DatetimeIndex((whole * size).view("datetime64[ns]")), unit
    return None


def unix_times(whole: npt.NDArray[np.int64], words: set[str], freq: Any = None) -> tuple[pd.DatetimeIndex, str] | None:
    """Return dates and unit of a time column if its whole numbers are time since 1970; None where they only count.

    They are if all lie in the years 1990 to 2032, and

    - under a name that says clock or calendar, the step that most of them keep is one of these, or they keep none;
    - under another name they are also whole minutes, and the step a minute or more: one number in sixty is by chance.

    Parameters
    ----------
    whole : int64 ndarray of shape (n_rows,)
        In any order, of one series or several.
    words : set of str
        The words of the column's name.
    freq : Any
        The step that the user named: a whole number says that they count, any other that they do not.
    """
    found = read_unix_times(whole)
    if found is None or _is_whole_step(freq):
        return None
    if freq is not None:
        return found
    stamps = np.unique(found[0].to_numpy().astype(np.int64))
    gaps, counts = np.unique(np.diff(stamps), return_counts=True)
    step = int(gaps[counts.argmax()]) if len(gaps) and 2 * counts.max() >= counts.sum() else None
    if words & _CLOCK_NAMES:
        return found if step is None or _is_clock_step(step) else None
    whole_minutes = not (stamps % MINUTE).any() and len(gaps) > 0
    months = step is None and len(gaps) > 0 and gaps.min() >= 28 * DAY
    return found if whole_minutes and (months or (step is not None and _is_clock_step(step))) else None


def _is_whole_step(freq: Any) -> bool:
    if isinstance(freq, Frequency):
        return isinstance(freq, IntegerStep)
    return isinstance(freq, (int, np.integer)) or (isinstance(freq, str) and freq.strip().isdigit())


def _is_clock_step(step: int) -> bool:
    """Tell whether nanoseconds divide a second or a day evenly, or are whole days; leap years and clocks aside."""
    if step >= 28 * DAY:
        return step % HOUR == 0
    return SECOND % step == 0 if step < SECOND else step % SECOND == 0 and (DAY % step == 0 or step % DAY == 0)
