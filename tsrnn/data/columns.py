"""Tell which columns of a table are time, series and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from tsrnn.data.clocks import clock_columns, refuse_split_stamps
from tsrnn.data.column_arguments import target_names, unknown
from tsrnn.data.column_kinds import is_date_text, is_numeric, is_text
from tsrnn.data.counters import rises_evenly
from tsrnn.data.dates import looks_like_dates
from tsrnn.data.number_signs import SIGNED, split_sign
from tsrnn.data.number_texts import numbers_as_text
from tsrnn.data.panel import Floats
from tsrnn.data.time_column import check_direction, choose_time
from tsrnn.data.times import without_repeats
from tsrnn.errors import ColumnError, DataError
from tsrnn.naming import counted, examples, listing


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
        times, in_index = [other for other in df.columns if other != name and is_date_text(df[other])], False
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
