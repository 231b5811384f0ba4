"""Columns of a wide table that are hardly meant as series: calendar columns such as the weekday, and flags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.grids import Stamps
from tsrnn.data.panel import Floats
from tsrnn.naming import agree, examples, some_of

# Most columns are told from the calendar by so many of their rows.
FIRST_ROWS = 64
# So many weekends must have ended.
FEWEST_WEEKENDS = 2


def input_notes(ds: Stamps, zone: Any, y: Floats, names: Sequence[Any]) -> list[str]:
    """Say which columns beside others only repeat their time stamps, or are flags of 0 and 1, such as promotions.

    A forecast of the former is idle, and the latter are not known to the forecast of the others.

    Parameters
    ----------
    ds : datetime64[ns] or int64 ndarray of shape (n_rows,), ascending
        In UTC where there is a zone; integers are no time stamps.
    zone : Any
        The user's, or None where `ds` is local time.
    y : ndarray of shape (n_rows, n_columns)
    names : sequence of n_columns
    """
    if len(names) < 2:
        return []
    found = dict[int, str]()
    if ds.dtype.kind == "M":
        if zone is not None:
            local = pd.DatetimeIndex(ds).tz_localize("UTC").tz_convert(zone).tz_localize(None)
            ds = local.to_numpy("datetime64[ns]")
        found = find_calendar_columns(ds, y)
    flags = [i for i in _find_flags(y) if i not in found]
    told = [f"{names[i]} ({part})" for i, part in sorted(found.items())]
    notes = []
    if 0 < len(told) < len(names):
        only = agree(len(told), "repeats its", "repeat their")
        notes.append(
            f"{some_of(len(told), len(names), 'column')} only {only} time stamps and {_like_others(told)}: "
            f"{examples(told)}. {_cure(told)}"
        )
    if flags and len(told) + len(flags) < len(names):
        notes.append(
            f"{some_of(len(flags), len(names), 'column', 'holds', 'hold')} 0 and 1 alone and {_like_others(flags)}, "
            f"not used to forecast the others: {examples(names[i] for i in flags)}. {_cure(flags)}"
        )
    return notes


def _like_others(columns: Sequence[Any]) -> str:
    return f"{agree(len(columns), 'is', 'are')} forecast like any other"


def _cure(columns: Sequence[Any]) -> str:
    return f"To leave {agree(len(columns), 'it', 'them')} out, name the columns that are wanted with target_col."


def _find_flags(y: Floats) -> list[int]:
    """Return the columns that hold both 0 and 1, and nothing else but missing values."""
    maybe = np.flatnonzero((np.isin(y[:FIRST_ROWS], (0, 1)) | np.isnan(y[:FIRST_ROWS])).all(0))
    return [int(i) for i in maybe if set(np.unique(y[~np.isnan(y[:, i]), i])) == {0.0, 1.0}]


def find_calendar_columns(ds: Stamps, y: Floats) -> dict[int, str]:
    """Find the columns that equal a part of their time stamps in all rows.

    Parameters
    ----------
    ds : datetime64[ns] ndarray of shape (n_rows,), ascending
        Local time.
    y : ndarray of shape (n_rows, n_columns)

    Returns
    -------
    dict of int to str
        The position of each such column and the part that it equals. One that rises in every row is none, as 1, 2, 3
        are the first months of a year, too; nor is one that is always the same, other than a year.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=30).to_numpy("datetime64[ns]")
    >>> find_calendar_columns(days, np.column_stack([np.arange(30) % 7, np.arange(30) % 5]))
    {0: 'day of the week'}
    """
    found: dict[int, str] = {}
    some = {name: part.to_numpy(dtype=np.float64) for name, part in _parts(pd.DatetimeIndex(ds[:FIRST_ROWS])).items()}
    maybe = {name: np.flatnonzero((y[:FIRST_ROWS] == part[:, None]).all(0)) for name, part in some.items()}
    if not any(map(len, maybe.values())):
        return found
    for name, part in _parts(pd.DatetimeIndex(ds)).items():
        whole = part.to_numpy(dtype=np.float64)
        if _is_seen(name, whole):
            found |= {i: name for i in maybe[name].tolist() if i not in found and np.array_equal(y[:, i], whole)}
    return found


def _is_seen(name: str, part: Floats) -> bool:
    """Tell whether a part of time stamps has changed often enough that no other column is like it by chance."""
    steps = np.diff(part)
    if name == "year":
        return not (steps > 0).all()
    if name == "weekend":  # of two values, as a promotion is that begins on a Saturday
        return int((steps < 0).sum()) >= FEWEST_WEEKENDS
    return bool((steps < 0).any() or ((steps > 0).any() and (steps == 0).any()))


def _parts(dates: pd.DatetimeIndex) -> dict[str, pd.Index]:
    """Return the numbers that tables write for parts of time stamps, each of shape (n_rows,)."""
    weekday = dates.day_of_week
    return {
        "hour": dates.hour,
        "minute": dates.minute,
        "day of the week": weekday,
        "day of the week from 1 on": weekday + 1,
        "day of the week from Sunday on": (weekday + 1) % 7,
        "day of the week from Sunday on, from 1 on": (weekday + 1) % 7 + 1,
        "weekend": pd.Index(np.asarray(weekday) >= 5),
        "day of the month": dates.day,
        "day of the year": dates.day_of_year,
        "week of the year": pd.Index(dates.isocalendar()["week"]),
        "month": dates.month,
        "month from 0 on": dates.month - 1,
        "quarter": dates.quarter,
        "year": dates.year,
    }
