"""Whole numbers that are dates: written as 20240131, time since 1970 in seconds or parts of them, days of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.grids import DAY, HOUR, MINUTE, SECOND, Frequency, IntegerStep
from tsrnn.data.name_words import DATE_WORDS, KEY_WORDS, STAMP_WORDS, WEEK_WORDS, name_words
from tsrnn.data.panel import Integers

# With hours from 1900 on only: what is smaller are the seconds since 1970 of these years.
_COMPACT_FORMS = (
    ("%Y%m%d", 1700_01_01, 2200_12_31),
    ("%Y%m", 1700_01, 2200_53),
    ("%Y%m%d%H", 1900_01_01_00, 2200_12_31_23),
    ("%Y%m%d%H%M", 1900_01_01_00_00, 2200_12_31_23_59),
    ("%Y%m%d%H%M%S", 1900_01_01_00_00_00, 2200_12_31_23_59_59),
)
# From 1990 to 2032: no two units share a number, and compact dates such as 1990013118 are larger.
_FIRST, _LAST = 631_152_000, 1_988_150_399
# Spreadsheets count days from here on, which is right from March 1900 on; of them the years 1990 to 2049 are read.
_SHEET, _SHEET_FIRST, _SHEET_LAST = np.datetime64("1899-12-30"), 32_874, 54_788
_UNITS = {"seconds": SECOND, "milliseconds": 1_000_000, "microseconds": 1_000, "nanoseconds": 1}


def read_whole_times(whole: Integers, name: Any, freq: Any = None) -> tuple[pd.DatetimeIndex, str, bool] | None:
    """Read whole numbers of a time column as dates, and say how; None where they only count.

    Parameters
    ----------
    whole : int64 ndarray of shape (n_rows,)
        In any order, of one series or several.
    name : Any
        Of the column; in one of weeks, 202401 is a week of ISO 8601, read as its Monday.
    freq : Any
        The step that the user named, if any.

    Returns
    -------
    dates : DatetimeIndex of shape (n_rows,)
        Without a zone.
    note : str
    is_utc : bool
        They are time since 1970, which is in UTC.

    Examples
    --------
    >>> dates, note, _ = read_whole_times(np.array([202401, 202402]), "month")
    >>> str(dates[1]), note
    ('2024-02-01 00:00:00', 'Whole numbers such as 202401 were read as dates.')
    """
    words = name_words(name)
    is_week = bool(words & WEEK_WORDS)
    dates = _read_compact_dates(whole, is_week)
    if dates is not None:
        kind = "ISO weeks, by their Mondays" if is_week and whole.max() < 1_000_000 else "dates"
        return dates, f"Whole numbers such as {whole[0]} were read as {kind}.", False
    found, kept = _unix_times(whole, words, freq), "" if freq is not None else _KEEP
    if found is not None:
        return found[0], f"Whole numbers such as {whole[0]} were read as {found[1]} since 1970 (UTC).{kept}", True
    is_day = words & DATE_WORDS and not words & KEY_WORDS and not _is_whole_step(freq)
    days = _read_sheet_days(whole) if is_day else None
    if days is not None:
        return days, f"Whole numbers such as {whole[0]} were read as the days that spreadsheets count.{kept}", False
    return None


_KEEP = " A whole number as freq (--freq) keeps them as they are."


def read_whole_time(number: int) -> pd.Timestamp | None:
    """Read one whole number as a column of such ones is read, 2024013118, 1672617600 or 45292; None for any other.

    >>> read_whole_time(1672617600), read_whole_time(45292), read_whole_time(17)
    (Timestamp('2023-01-02 00:00:00'), Timestamp('2024-01-01 00:00:00'), None)
    """
    if not 0 <= number < 2**63:
        return None
    whole = np.array([number], dtype=np.int64)
    unix, dates = _read_unix_times(whole), _read_compact_dates(whole)
    dates = _read_sheet_days(whole) if dates is None else dates
    return dates[0] if dates is not None else unix[0][0] if unix is not None else None


def _read_compact_dates(whole: Integers, is_week: bool = False) -> pd.DatetimeIndex | None:
    """Read 202401, 20240131, 2024013118, 202401311830 or 20240131183000 as dates; None for any other numbers.

    Where numbers of six digits are weeks of ISO 8601, each is read as its Monday.
    """
    low, high = whole.min(), whole.max()
    form = next((form for form, first, last in _COMPACT_FORMS if first <= low and high <= last), None)
    if form is None:
        return None
    codes, uniques = pd.factorize(whole)
    text = pd.Series(uniques).astype(str)
    if form == "%Y%m" and is_week:
        text, form = text + "1", "%G%V%u"
    dates = pd.to_datetime(text, format=form, errors="coerce")
    return None if dates.isna().any() else pd.DatetimeIndex(dates).take(codes)


def _read_sheet_days(whole: Integers) -> pd.DatetimeIndex | None:
    """Read numbers that all lie in the years 1990 to 2049 as days of a spreadsheet; None for any others.

    >>> _read_sheet_days(np.array([45292]))[0], _read_sheet_days(np.array([1, 45292]))
    (Timestamp('2024-01-01 00:00:00'), None)
    """
    if not len(whole) or whole.min() < _SHEET_FIRST or whole.max() > _SHEET_LAST:
        return None
    return pd.DatetimeIndex((_SHEET + whole.astype("timedelta64[D]")).astype("datetime64[ns]"))


def _read_unix_times(whole: Integers) -> tuple[pd.DatetimeIndex, str] | None:
    """Read numbers that all lie in the years 1990 to 2032 as dates in UTC, without a zone, and name their unit.

    >>> dates, unit = _read_unix_times(np.array([1672617600, 1672621200]))
    >>> str(dates[1]), unit
    ('2023-01-02 01:00:00', 'seconds')
    """
    for unit, size in _UNITS.items():
        if len(whole) and whole.min() >= _FIRST * (SECOND // size) and whole.max() <= _LAST * (SECOND // size):
            return pd.DatetimeIndex((whole * size).view("datetime64[ns]")), unit
    return None


def _unix_times(whole: Integers, words: set[str], freq: Any = None) -> tuple[pd.DatetimeIndex, str] | None:
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
    found = _read_unix_times(whole)
    if found is None or _is_whole_step(freq):
        return None
    if freq is not None:
        return found
    stamps = np.unique(found[0].to_numpy().astype(np.int64))
    gaps, counts = np.unique(np.diff(stamps), return_counts=True)
    step = int(gaps[counts.argmax()]) if len(gaps) and 2 * counts.max() >= counts.sum() else None
    if words & STAMP_WORDS:
        return found if step is None or _is_clock_step(step) else None
    whole_minutes = not (stamps % MINUTE).any() and len(gaps) > 0
    months = step is None and len(gaps) > 0 and gaps.min() >= 28 * DAY
    return found if whole_minutes and (months or (step is not None and _is_clock_step(step))) else None


def _is_whole_step(freq: Any) -> bool:
    if isinstance(freq, Frequency):
        return isinstance(freq, IntegerStep)
    return isinstance(freq, (int, np.integer)) or (isinstance(freq, str) and freq.strip().isdecimal())


def _is_clock_step(step: int) -> bool:
    """Tell whether nanoseconds divide a second or a day evenly, or are whole days; leap years and clocks aside."""
    if step >= 28 * DAY:
        return step % HOUR == 0
    return SECOND % step == 0 if step < SECOND else step % SECOND == 0 and (DAY % step == 0 or step % DAY == 0)
