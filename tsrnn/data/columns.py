"""Tell which columns of a table are time, series and values."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from tsrnn.data.clocks import clock_columns, refuse_split_dates, refuse_split_stamps
from tsrnn.data.column_arguments import target_names
from tsrnn.data.counters import find_counter, is_counter, rises_evenly
from tsrnn.data.dates import DATE_OF_NUMBERS, labels_time, looks_like_dates
from tsrnn.data.headers import refuse_time_along_columns, time_stamps_among
from tsrnn.data.name_words import TIME_WORDS, YEAR_WORDS, name_words
from tsrnn.data.number_signs import SIGNED, split_sign
from tsrnn.data.number_texts import numbers_as_text
from tsrnn.data.panel import Floats
from tsrnn.data.times import without_repeats
from tsrnn.errors import ColumnError, DataError
from tsrnn.naming import counted, examples, listing

# Rows in which a column is compared with another one.
_SAMPLE = 1000


@dataclass
class Columns:
    """The parts of a table.

    Parameters
    ----------
    id_col : Any
        None for a wide table.
    time : Series or Index
    time_name : Any
    time_in_index, time_given : bool
    targets : list
        Names of the value columns; exactly one for a long table.
    notes : list of str
    """

    id_col: Any
    time: Any
    time_name: Any
    time_in_index: bool
    time_given: bool
    targets: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def kind(self) -> Literal["long", "wide"]:
        """Whether a row is a value of one series, or of all."""
        return "wide" if self.id_col is None else "long"


def choose_columns(
    df: pd.DataFrame,
    id_col: str | None,
    time_col: str | None,
    target_col: str | Sequence[str] | None,
    zone: str | None = None,
) -> Columns:
    """Tell which columns are time, series and values; a local time that comes twice in a zone is no sign of series.

    Raises
    ------
    ColumnError
        If a named column does not exist.
    DataError
        If the columns cannot be told, with the argument that settles it.
    """
    _check_names(df)
    if id_col is None and "unique_id" in df.columns:
        id_col = "unique_id"
    if id_col is not None and id_col not in df.columns:
        raise ColumnError(unknown("id_col", id_col, df.columns))
    if time_col is None and target_col is None:
        check_direction(df, id_col)
    time_name, in_index = choose_time(df, id_col, time_col)
    time = df.index if in_index else df[time_name]
    wanted, kept = target_names(target_col), set() if in_index else {time_name}
    clocks = clock_columns(df, kept | {id_col, *wanted})
    if id_col is None:
        once = df if zone is None else without_repeats(df, time_name, in_index, zone)
        id_col = _find_id(once, once.index if in_index else once[time_name], kept | {*clocks, *wanted})
    refuse_split_stamps(df, time, time_name, id_col, clocks)
    chosen = Columns(id_col, time, time_name, in_index, time_col is not None)
    if in_index and isinstance(df.index, pd.RangeIndex) and not chosen.time_given:
        chosen.notes.append("No column holds dates, so rows are counted: time is the index.")
    others = [name for name in df.columns if name not in kept and not (id_col is not None and name == id_col)]
    chosen.targets = _choose_targets(df, others, wanted, chosen)
    ignored = [name for name in others if name not in chosen.targets]
    if ignored:
        chosen.notes.append(f"Ignored: {listing(ignored, 10)}.")
    return chosen


def _check_names(df: pd.DataFrame) -> None:
    if isinstance(df.columns, pd.MultiIndex):
        raise DataError(
            f"The columns have {df.columns.nlevels} levels; expected one name each. Choose a part, for "
            "example df['Close'], or flatten them: df.columns = ['-'.join(map(str, c)) for c in df.columns]."
        )
    if isinstance(df.index, pd.MultiIndex):
        raise DataError(f"The index has {df.index.nlevels} levels; make them columns with df.reset_index().")
    if df.columns.has_duplicates:
        twice = df.columns[df.columns.duplicated()].unique()
        raise DataError(f"Column names occur more than once: {listing(twice)}. Rename them.")


def check_direction(df: pd.DataFrame, id_col: Any) -> None:
    """Raise DataError if the columns of a table, not its rows, are time stamps."""
    stamps = time_stamps_among(list(df.columns))
    if not stamps or "ds" in (*df.columns, df.index.name):
        return
    if isinstance(df.index, (pd.DatetimeIndex, pd.PeriodIndex)) or _is_date_text(df.index.to_series()):
        return
    if _search_time(df, id_col) is not None:
        return
    if not time_stamps_among(list(df.columns), labels=False) and _search_counter(df, id_col) is not None:
        return  # item_2001, item_2002, ... beside a count of days are names
    others = [name for name in df.columns if name not in stamps]
    refuse_time_along_columns(stamps, others, df.index.name is not None)


def unknown(argument: str, name: Any, columns: Iterable[Any]) -> str:
    """Say that a named column does not exist, and which ones do."""
    names = list(columns)
    close = difflib.get_close_matches(str(name), [str(column) for column in names], n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{argument}={name!r} is not a column of the table, which has: {listing(names, 10)}.{hint}"


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
        is_date = name in dated or _is_date_text(df[name])
        if not is_date and not is_counter(df[name], name, id_col is not None):
            continue
        finer = _finer_date(df, name, columns, [] if is_date else named)
        if finer is None and not is_date:
            refuse_split_dates(df[columns], name)
        return name if finer is None else finer
    if dated:
        raise DataError(f"{len(dated)} columns hold dates: {listing(dated)}. Name one of them with time_col.")
    for name in columns:
        if _is_date_text(df[name]):
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
        if _repeats_part(df[name], df[other]) and _is_date_text(df[other]):
            return other
    # As many dates as years may tell when the value of each was published.
    fewest = df[name].nunique() + bool(name_words(name) & YEAR_WORDS)
    for other in named:
        if (_is_dated(df[other]) or _is_date_text(df[other])) and df[other].nunique() >= fewest:
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


def is_text(column: Any) -> bool:
    """Tell whether a column or index holds text."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
        column = column.categories if isinstance(column, pd.Index) else column.cat.categories
    if pd.api.types.is_object_dtype(dtype):
        return bool(pd.api.types.infer_dtype(column, skipna=True) == "string")
    return bool(pd.api.types.is_string_dtype(dtype))


def _is_date_text(column: pd.Series) -> bool:
    return is_text(column) and looks_like_dates(column.astype(object))


def _is_label_of_time(column: pd.Series) -> bool:
    return is_text(column) and labels_time(column.astype(object))


def _find_id(df: pd.DataFrame, time: Any, taken: set[Any]) -> Any:
    """Return the one text column that makes the time stamps unique, or None if they are unique already."""
    try:
        stamps, distinct = pd.factorize(time)
    except TypeError:
        return None  # lists and the like: reading them as time says what is wrong
    if len(distinct) == len(stamps):
        return None
    found = []
    for name in df.columns:
        if name not in taken and is_text(df[name]):
            pairs = pd.DataFrame({"id": df[name], "ds": stamps})
            if not pairs.duplicated().any():
                found.append(name)
    if len(found) > 1:
        raise DataError(
            f"Several series share each time stamp, and {len(found)} text columns could name them: "
            f"{listing(found)}. Name one with id_col."
        )
    return found[0] if found else None


def names_series(df: pd.DataFrame, name: Any) -> bool:
    """Tell whether a text column names the series of a table that has numbers besides, at least two rows each."""
    if "unique_id" in df.columns or 2 * df[name].nunique() > len(df):
        return False
    try:
        time_name, in_index = choose_time(df, None, None)
        times = [time_name]
    except DataError:
        # Which of several columns is the time may be told later.
        times, in_index = [other for other in df.columns if other != name and _is_date_text(df[other])], False
    for time in times:
        if not any(is_numeric(df[other]) for other in df.columns if in_index or other != time):
            continue
        try:
            if _find_id(df, df.index if in_index else df[time], {time, *clock_columns(df, {time})}) == name:
                return True
        except DataError:
            continue
    return False


def _choose_targets(df: pd.DataFrame, others: list[Any], wanted: list[Any], chosen: Columns) -> list[Any]:
    """Return the value columns."""
    for name in wanted:
        if name in df.columns and name not in others:
            raise ColumnError(f"target_col={name!r} is the time or id column; name another as the values.")
        if name not in others:
            raise ColumnError(unknown("target_col", name, others))
    if chosen.kind == "long" and len(wanted) > 1:
        raise DataError(f"A long table has one value column, but target_col names {len(wanted)}: {listing(wanted)}.")
    if wanted:
        return wanted
    if "y" in others and (chosen.kind == "long" or chosen.time_name == "ds"):
        return ["y"]
    lower = {str(name).lower(): name for name in others}
    if {"open", "high", "low", "close"} <= set(lower):
        close = lower["close"]
        chosen.notes.append(f"Prices: of open, high, low and close, {close!r} is forecast; target_col chooses another.")
        return [close]
    numeric = [name for name in others if is_numeric(df[name])]
    ids = None if chosen.id_col is None else df[chosen.id_col]
    # A week number beside its date is time, too.
    numeric = [name for name in numeric if not rises_evenly(df[name], name, ids)] or numeric
    # What bears a sign in a file, such as a discount, stands beside the values of a long table, as does one that never
    # changes in a wide one.
    signed = set(df.attrs.get(SIGNED, ()))
    plain = [name for name in numeric if name not in signed]
    if plain:
        numeric = [
            name for name in numeric if name in plain or (chosen.kind == "wide" and len(df[name].dropna().unique()) > 1)
        ]
    texts = [name for name in others if name not in numeric and name not in signed]
    _refuse_numbers_as_text(df, texts, bool(numeric), chosen.kind == "long" and bool(numeric))
    if not numeric:
        raise DataError(
            f"The table has no numeric column to forecast; it has: {listing(_kinds(df, others), 10) or 'no others'}. "
            "Expected a column of numbers, in a file under the line of names, which is its first line."
        )
    if chosen.kind == "long" and len(numeric) > 1:
        raise DataError(
            f"{len(numeric)} numeric columns could be the values: {listing(numeric, 10)}. Name one with target_col."
        )
    return numeric


def _kinds(df: pd.DataFrame, names: list[Any]) -> list[str]:
    """Return names of columns with what they hold: an example where it is text."""
    shown = []
    for name in names:
        known = df[name].dropna()
        is_words = is_text(df[name]) and len(known) > 0
        shown.append(f"{name} (text, {str(known.iloc[0])[:40]!r})" if is_words else f"{name} ({df[name].dtype})")
    return shown


def is_numeric(column: pd.Series) -> bool:
    """Tell whether a column holds real numbers; true and false are none."""
    dtype = column.dtype
    if pd.api.types.is_object_dtype(dtype):
        kinds = ("integer", "floating", "mixed-integer-float", "decimal")
        return pd.api.types.infer_dtype(column, skipna=True) in kinds
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        return False
    return bool(pd.api.types.is_numeric_dtype(dtype))


def _refuse_numbers_as_text(df: pd.DataFrame, names: list[Any], has_numbers: bool, may_bear_signs: bool) -> None:
    """Refuse text columns that are mostly numbers: a series would go missing without a word."""
    for name in names:
        column = df[name]
        if is_text(column) and not isinstance(column.dtype, pd.CategoricalDtype):
            text = column.dropna().astype(str)
            beside = may_bear_signs or (has_numbers and len(text.unique()) == 1)
            if not beside and any(split_sign(value.strip())[0] for value in text.iloc[:100]):
                text = text.map(lambda value: split_sign(value.strip())[1])
            share = text.str.fullmatch(r"\s*[-+−]?(?:[1-9][\d,.\s'’]*|0|0?[.,]\d+)(?:[eE][-+]?\d+)?-?\s*").mean()
            if len(text) and share >= 0.5 and not looks_like_dates(text):
                other = ", or name the columns to forecast with target_col" if has_numbers else ""
                raise DataError(f"{numbers_as_text(column, name)}{other}.")


def to_numbers(column: pd.Series, name: Any) -> Floats:
    """Return a value column as float64, missing values as NaN.

    Raises
    ------
    DataError
        If it does not hold finite real numbers.
    """
    if not is_numeric(column):
        if column.isna().all():
            return np.full(len(column), np.nan)
        if is_text(column):
            raise DataError(f"{numbers_as_text(column, name)}.")
        raise DataError(f"Column {name!r} holds {column.dtype} values; expected numbers.")
    missing = column.isna().to_numpy()
    values = column.to_numpy(dtype=np.float64, na_value=np.nan) if missing.any() else column.to_numpy(np.float64)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise DataError(
            f"Column {name!r} has {counted(len(infinite), 'infinite value')}, in row {examples(infinite)} (counted "
            "from 0). Replace them by NaN where the value is unknown: df.replace([np.inf, -np.inf], np.nan)."
        )
    return np.asarray(values, dtype=np.float64)
