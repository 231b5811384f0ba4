"""Tell which column of a table, or whether its index, holds time."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd

from tsrnn.data.clocks import refuse_split_dates
from tsrnn.data.column_arguments import unknown
from tsrnn.data.column_kinds import is_date_text, is_text
from tsrnn.data.counters import find_counter, is_counter
from tsrnn.data.dates import DATE_OF_NUMBERS, labels_time, looks_like_dates
from tsrnn.data.headers import refuse_time_along_columns, time_stamps_among
from tsrnn.data.name_words import TIME_WORDS, YEAR_WORDS, name_words
from tsrnn.errors import ColumnError, DataError
from tsrnn.naming import listing

# Rows in which a column is compared with another one.
_SAMPLE = 1000


def check_direction(df: pd.DataFrame, id_col: Any) -> None:
    """Raise DataError if the columns of a table, not its rows, are time stamps."""
    stamps = time_stamps_among(list(df.columns))
    if not stamps or "ds" in (*df.columns, df.index.name):
        return
    if isinstance(df.index, (pd.DatetimeIndex, pd.PeriodIndex)) or is_date_text(df.index.to_series()):
        return
    if _search_time(df, id_col) is not None:
        return
    if not time_stamps_among(list(df.columns), labels=False) and _search_counter(df, id_col) is not None:
        return  # item_2001, item_2002, ... beside a count of days are names
    others = [name for name in df.columns if name not in stamps]
    refuse_time_along_columns(stamps, others, df.index.name is not None)


def choose_time(df: pd.DataFrame, id_col: Any, time_col: str | None) -> tuple[Any, bool]:
    """Return the name of the time column, or of the index and True.

    Raises
    ------
    ColumnError, DataError
        If there is no such column, or it cannot be told.
    """
    if time_col is not None:
        if time_col in df.columns:
            return time_col, False
        if df.index.name == time_col:
            return time_col, True
        raise ColumnError(unknown("time_col", time_col, df.columns))
    if "ds" in df.columns:
        return "ds", False
    if df.index.name == "ds" or isinstance(df.index, (pd.DatetimeIndex, pd.PeriodIndex)):
        return df.index.name, True
    found = _search_time(df, id_col)
    if found is not None:
        return found, False
    if is_text(df.index) and looks_like_dates(df.index.to_series()):
        return df.index.name, True
    counted = pd.api.types.is_integer_dtype(df.index.dtype)
    if not counted or df.index.name is None:
        found = _search_counter(df, id_col)
        if found is not None:
            return found, False
    if id_col is None and counted:
        # Counting rows would pass their dates over; reading these names the values that stand in the way.
        labels = [name for name in df.columns if df.index.name is None and _is_label_of_time(df[name])]
        return (labels[0], False) if labels else (df.index.name, True)
    raise DataError(
        f"No column of dates was found among: {listing(df.columns, 10)}. Name the time column with time_col "
        "(dates, text of dates, or whole numbers)."
    )


def _search_time(df: pd.DataFrame, id_col: Any) -> Any:
    """Return the column that holds time, judged by type, then by name, then by content; None if none does."""
    columns = [name for name in df.columns if id_col is None or name != id_col]
    dated = [name for name in columns if _is_dated(df[name])]
    if len(dated) == 1:
        return dated[0]
    named = [name for name in columns if name_words(name) & TIME_WORDS]
    for name in named:
        is_date = name in dated or is_date_text(df[name])
        if not is_date and not is_counter(df[name], name, id_col is not None):
            continue
        finer = _finer_date(df, name, columns, [] if is_date else named)
        if finer is None and not is_date:
            refuse_split_dates(df[columns], name)
        return name if finer is None else finer
    if dated:
        raise DataError(f"{len(dated)} columns hold dates: {listing(dated)}. Name one of them with time_col.")
    for name in columns:
        if is_date_text(df[name]):
            return name
    # Text under a time's name that does not read as dates: reading it names the values that stand in the way.
    texts = [name for name in named if is_text(df[name])]
    for name in texts:
        refuse_split_dates(df[columns], name)
    return texts[0] if texts else None


def _finer_date(df: pd.DataFrame, name: Any, columns: list[Any], named: list[Any]) -> Any:
    """Return the column of dates beside which one of years, months or counts is not the time; None if none is.

    Parameters
    ----------
    df : DataFrame
    name : Any
        Of the column of years, months or counts.
    columns : list
        Those of dates of which it may repeat a part.
    named : list
        Those that are named as time, whose dates may also be others, such as those of a business year.
    """
    for other in columns:
        if _repeats_part(df[name], df[other]) and is_date_text(df[other]):
            return other
    # As many dates as years may tell when the value of each was published.
    fewest = df[name].nunique() + bool(name_words(name) & YEAR_WORDS)
    for other in named:
        if (_is_dated(df[other]) or is_date_text(df[other])) and df[other].nunique() >= fewest:
            return other
    return None


def _repeats_part(part: pd.Series, whole: pd.Series) -> bool:
    """Tell whether a column only repeats a part of what another one tells in text, as a year or month beside a date.

    A day is none: a time stamp beside it may tell when its row was written.
    """
    if not is_text(whole):
        return False
    pairs = zip(part.iloc[:_SAMPLE].astype(str), whole.iloc[:_SAMPLE].astype(str), strict=True)
    alike = all(text in longer and not DATE_OF_NUMBERS.fullmatch(text) for text, longer in pairs)
    return alike and part.nunique() < whole.nunique()


def _search_counter(df: pd.DataFrame, id_col: Any) -> Any:
    """Return the column of numbers that counts time; None if none does."""
    columns = [name for name in df.columns if id_col is None or name != id_col]
    # A text column may name the series in each of which time is counted.
    ids = [id_col] if id_col is not None else [None, *(name for name in columns if is_text(df[name]))]
    return find_counter(df, columns, ids)


def _is_dated(column: pd.Series) -> bool:
    dtype = column.dtype
    if isinstance(dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(dtype):
        return True
    return pd.api.types.is_object_dtype(dtype) and all(
        isinstance(value, (datetime.date, pd.Period)) for value in column.dropna()
    )


def _is_label_of_time(column: pd.Series) -> bool:
    return is_text(column) and labels_time(column.astype(object))
