"""Refuse a time stamp in several columns: a date and a time of day, or a year and a part of it."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.grids import DAY
from tsrnn.data.name_words import CLOCK_WORDS, HOUR_WORDS, PART_WORDS, YEAR_WORDS, name_words
from tsrnn.data.times import read_times
from tsrnn.errors import DataError
from tsrnn.naming import listing

_CLOCK = r"(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?"


def clock_columns(df: pd.DataFrame, taken: set[Any]) -> dict[Any, str]:
    """Return the columns that hold times of day, those named so first.

    Returns
    -------
    dict of name to {"clock", "digits", "hours"}
        Such as 13:30, such as 1330 (text, under the name of a time), or whole hours under the name of an hour.
    """
    found = {name: kind for name in df.columns if name not in taken and (kind := _kind(df[name], name))}
    return dict(sorted(found.items(), key=lambda item: not name_words(item[0]) & CLOCK_WORDS))


def _kind(column: pd.Series, name: Any) -> str | None:
    words = name_words(name)
    if pd.api.types.is_integer_dtype(column.dtype):
        hours = column.dropna() if words & HOUR_WORDS else column[:0]
        return "hours" if len(hours) and hours.min() >= 0 and hours.max() <= 24 else None
    category = isinstance(column.dtype, pd.CategoricalDtype)
    if not (category or pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype)):
        return None
    known = column.dropna()
    if not len(known):
        return None
    first = known.iloc[0]
    if isinstance(first, datetime.time):
        return "clock"
    # The first value tells names, of which there may be millions, from times.
    if not isinstance(first, str) or not first.strip()[:1].isdigit():
        return None
    text = pd.Series(pd.unique(known)).astype(str).str.strip()
    if text.str.fullmatch(_CLOCK).all():
        return "clock"
    if words & HOUR_WORDS and text.str.fullmatch(r"[01]?\d|2[0-4]").all():
        return "hours"
    return "digits" if words & CLOCK_WORDS and text.str.fullmatch(r"(?:[01]\d|2[0-4])[0-5]\d").all() else None


def refuse_split_stamps(df: pd.DataFrame, time: Any, time_name: Any, id_col: Any, clocks: dict[Any, str]) -> None:
    """Refuse dates that repeat, within their series if these are known, beside a column of times of day.

    They would become a series for each time of day, or double rows. They are not joined here because rows to come,
    such as the one of the last hour, need not show that their dates repeat.

    Raises
    ------
    DataError
        With the code that joins the columns.
    """
    if not clocks or not _repeats(time, None if id_col is None else df[id_col]) or not _are_days(time, time_name):
        return
    clock, kind = next(iter(clocks.items()))
    pairs = pd.DataFrame({"day": np.asarray(pd.Series(time), dtype=object), "clock": df[clock].to_numpy(dtype=object)})
    if len(pairs.drop_duplicates()) == pairs["day"].nunique(dropna=False):
        return  # one value for each date, such as hours of work, is no time of day; what tells the series is missing
    days = f"df[{time_name!r}].astype(str)" if time_name in df.columns else "df.index.astype(str)"
    text = f"df[{clock!r}].astype(str)"
    if kind == "hours":
        from_one = pd.to_numeric(df[clock]).max() == 24
        hour = f"(df[{clock!r}].astype(int) - 1).astype(str)" if from_one else text
        text = f"{hour}.str.zfill(2) + ':00'"
    elif kind == "digits":
        text = f"{text}.str[:2] + ':' + {text}.str[2:]"
    parts = [name for name in (time_name, clock) if name in df.columns]
    note = " (hour 1 then is 00:00)" if "- 1" in text else ""
    raise DataError(
        f"The time stamps are spread over two columns: dates repeat in {str(time_name)!r}, and {str(clock)!r} holds "
        f"times of day. Join them{note}: df = df.assign(ds={days} + ' ' + {text}).drop(columns={parts!r}). To forecast "
        f"each time of day as a series of its own, name it with id_col."
    )


def refuse_split_dates(df: pd.DataFrame, year: Any) -> None:
    """Refuse a column of years beside one of quarters, months, weeks or days: together they are the date.

    Words such as January or Q1 are so where years repeat; otherwise they may tell when in a year its value was reached.

    Raises
    ------
    DataError
        With the code that joins the columns.
    """
    if not name_words(year) & YEAR_WORDS:
        return
    repeats = bool(df[year].duplicated().any())
    parts = {
        PART_WORDS[str(name).lower()]: name
        for name in df.columns
        if str(name).lower() in PART_WORDS and _is_part(df[name], words=repeats)
    }
    if not parts:
        return
    years, number = f"df[{year!r}].astype(str)", {part: _number_code(df, name) for part, name in parts.items()}
    if "week" in parts and not {"month", "day"} <= set(parts):
        joined = f"{years} + '-W' + {number['week']}.astype(str).str.zfill(2)"
    elif "month" in parts and not df[parts["month"]].astype(str).str.contains(r"\d").any():
        day = f"{number['day']}.astype(str) + ' ' + " if "day" in parts else ""
        joined = f"{day}df[{parts['month']!r}].astype(str) + ' ' + {years}"
    elif "month" in parts:
        day = number.get("day", "1")
        joined = f"pd.to_datetime(dict(year=df[{year!r}], month={number['month']}, day={day}))"
    elif "quarter" in parts:
        joined = f"{years} + 'Q' + {number['quarter']}.astype(str)"
    else:
        joined = f"pd.to_datetime({years} + {number['day']}.astype(str), format='%Y%j')"
    raise DataError(
        f"The date is spread over the columns {listing([year, *parts.values()])}. Make it one column, such as 2024-05, "
        f"2024Q2 or 2024-W20, in Python by df = df.assign(ds={joined}).drop(columns={[year, *parts.values()]!r}), or "
        "name one with time_col."
    )


def _is_part(column: pd.Series, *, words: bool) -> bool:
    """Tell whether a column holds whole numbers, or else, with `words`, no other numbers."""
    dtype = column.dtype
    return pd.api.types.is_integer_dtype(dtype) or (words and not pd.api.types.is_numeric_dtype(dtype))


def _number_code(df: pd.DataFrame, name: Any) -> str:
    """Return the code of a column's numbers, of which texts such as 01 or Q1 hold one each."""
    if pd.api.types.is_integer_dtype(df[name].dtype):
        return f"df[{name!r}]"
    return rf"df[{name!r}].astype(str).str.extract(r'(\d+)', expand=False)"


def _repeats(time: Any, ids: pd.Series | None) -> bool:
    stamps = pd.DataFrame({"ds": np.asarray(pd.Series(time), dtype=object)})
    if ids is not None:
        stamps["id"] = ids.to_numpy()
    return bool(stamps.duplicated().any())


def _are_days(time: Any, name: Any) -> bool:
    """Tell whether time stamps are dates without a time of day."""
    try:
        ds: npt.NDArray[Any] = read_times(time, name).ds
    except DataError:
        return False  # reading them says what is wrong
    return ds.dtype.kind == "M" and bool((ds.astype(np.int64) % DAY == 0).all())
