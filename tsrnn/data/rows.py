"""Read the rows of a long table, a wide one or a Series, and sort them by series and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.calendar_columns import input_notes
from tsrnn.data.column_kinds import is_text
from tsrnn.data.columns import Columns, choose_columns, to_numbers
from tsrnn.data.grids import Stamps, show_stamps
from tsrnn.data.panel import Floats, Integers, TableForm, as_names, sums_before
from tsrnn.data.time_column import check_direction
from tsrnn.data.times import TimeColumn, Wanted, read_times
from tsrnn.errors import DataError
from tsrnn.naming import counted, examples

# Columns may tell apart a few rows that repeat others by accident; those of several series, so many of all rows.
FEWEST_REPEATED = 1 / 3
# Columns that are tried.
MOST_KEYS = 10


@dataclass
class Rows:
    """The rows of a table, sorted by series and time: what both forms of table have in common.

    `y` has shape (n_rows,) for a long table, (n_rows, n_series) for a wide one, whose `offsets` are those of
    the single run of time stamps that its series share.
    """

    ds: Stamps
    offsets: Integers
    y: Floats
    ids: Any
    time: TimeColumn
    form: TableForm
    notes: list[str]


def read_series(series: pd.Series, freq: Any, zone: str | None = None) -> Rows:
    """Read a Series, whose index is its time.

    Raises
    ------
    DataError
        If it has no rows, several levels of index or repeated time stamps, or its values are no numbers.
    """
    if isinstance(series.index, pd.MultiIndex):
        raise DataError(f"The index has {series.index.nlevels} levels; make them columns with series.reset_index().")
    name = "y" if series.name is None else series.name
    columns = Columns(None, series.index, series.index.name, True, False, [name])
    rows = _read_wide(pd.DataFrame({name: series}), columns, freq, zone)
    rows.form = replace(rows.form, kind="series", target_col=series.name)
    return rows


def read_frame(
    df: pd.DataFrame, id_col: Any, time_col: Any, target_col: Any, freq: Any, zone: str | None = None
) -> Rows:
    """Read a long or a wide table; see `tsrnn.data.tables.read_panel`.

    Raises
    ------
    DataError
        If it has no rows, a row has no name or the time stamp of another one, or its values are no numbers.
    ColumnError
        If a named column does not exist.
    """
    if not isinstance(df.index, pd.MultiIndex):
        index_id = id_col if id_col is not None else "unique_id"
        if df.index.name == index_id and index_id not in df.columns:
            if time_col is None and target_col is None:
                check_direction(df, None)  # while the index, which the cure is for, is still the user's
            df = df.reset_index()
    if not len(df):
        raise DataError("The table has no rows.")
    columns = choose_columns(df, id_col, time_col, target_col, zone)
    if columns.kind == "long":
        return _read_long(df, columns, freq, zone)
    return _read_wide(df, columns, freq, zone, named=target_col is not None)


def _read_wide(df: pd.DataFrame, columns: Columns, freq: Any, zone: str | None, named: bool = True) -> Rows:
    if not len(df):
        raise DataError("The table has no rows.")
    time = read_times(columns.time, columns.time_name, Wanted(columns.time_given, freq, zone))
    values = np.column_stack([to_numbers(df[name], name) for name in columns.targets])
    order = np.argsort(time.ds, kind="stable")
    ds = time.ds[order]
    twice = ds[1:][ds[1:] == ds[:-1]]
    if len(twice):
        raise DataError(
            f"{counted(len(twice), 'time stamp occurs', 'time stamps occur')} more than once, for example "
            f"{show_stamps(np.unique(twice))}. "
            + (
                _what_tells_apart(df, columns, time.ds)
                or "If the rows belong to several series, name their column with id_col; otherwise drop or aggregate "
                f"them.{_repeated_hour(time)}"
            )
        )
    form = replace(
        _form(columns, time, [df[name].dtype for name in columns.targets], None), columns_name=df.columns.name
    )
    values = values[order]
    notes = [] if named else input_notes(ds, None if time.wall_clock else time.zone, values, columns.targets)
    ids = as_names(columns.targets)
    return Rows(ds, np.array([0, len(ds)]), values, ids, time, form, [*columns.notes, *notes])


def _read_long(df: pd.DataFrame, columns: Columns, freq: Any, zone: str | None) -> Rows:
    try:
        codes, ids = pd.factorize(df[columns.id_col])
    except TypeError as error:
        raise DataError(f"Column {columns.id_col!r} cannot name series ({error}). Use text or numbers.") from None
    unnamed = np.flatnonzero(codes < 0)
    if len(unnamed):
        raise DataError(
            f"Column {columns.id_col!r} is missing in {counted(len(unnamed), 'row')}, for example {examples(unnamed)} "
            "(counted from 0). Name the series of these rows, or drop them."
        )
    time = read_times(columns.time, columns.time_name, Wanted(columns.time_given, freq, zone, codes))
    target = columns.targets[0]
    values = to_numbers(df[target], target)
    ds = time.ds
    if not _in_order(codes, ds):
        order = np.lexsort((ds, codes))
        codes, ds, values = codes[order], ds[order], values[order]
    twice = np.flatnonzero((codes[1:] == codes[:-1]) & (ds[1:] == ds[:-1]))
    if len(twice):
        shown = ", ".join(f"{ids[codes[i]]} at {show_stamps(ds[i : i + 1])}" for i in twice[:5])
        raise DataError(
            f"{counted(len(twice), 'row repeats', 'rows repeat')} the time stamp of another row of the same series, "
            f"for example {shown}. "
            + (_what_tells_apart(df, columns, time.ds) or f"Drop or aggregate them.{_repeated_hour(time)}")
        )
    offsets = sums_before(np.bincount(codes, minlength=len(ids)))
    form = _form(columns, time, [df[target].dtype], df[columns.id_col].dtype)
    return Rows(ds, offsets, values, as_names(list(ids)), time, form, columns.notes)


def _what_tells_apart(df: pd.DataFrame, columns: Columns, ds: Stamps) -> str:
    """Say which column of text or whole numbers, or which two, name the series of rows that share time stamps.

    Parameters
    ----------
    df : DataFrame
    columns : Columns
    ds : ndarray of shape (n_rows,)
        The time stamps, in the order of the table.

    Returns
    -------
    str
        Empty where none do.
    """
    named = [] if columns.id_col is None else [columns.id_col]
    # In a wide table all numbers are values so far, those that name series, too.
    values = columns.targets if named else []
    stamps = pd.factorize(ds)[0]
    if stamps.max() + 1 > (1 - FEWEST_REPEATED) * len(df):
        return ""
    keys = [
        name
        for name in df.columns
        if name not in (*named, *values, columns.time_name)
        and (is_text(df[name]) or pd.api.types.is_integer_dtype(df[name].dtype))
        and 2 * df[name].nunique() <= len(df)
    ]
    keys = keys[:MOST_KEYS]
    for told in [*([*named, key] for key in keys), *(list(pair) for pair in combinations(keys, 2) if not named)]:
        parts = [*(df[name].to_numpy() for name in told), stamps]
        if pd.DataFrame(dict(enumerate(parts))).duplicated().any():
            continue
        if len(told) == 1:
            return f"Column {told[0]!r} tells these rows apart; name it with id_col."
        joined = " + ' ' + ".join(f"df[{name!r}].astype(str)" for name in told)
        return (
            f"Columns {' and '.join(map(repr, told))} tell these rows apart; make them one, for example with "
            f"df['unique_id'] = {joined}."
        )
    return ""


def _repeated_hour(time: TimeColumn) -> str:
    """Return a hint for local times, where there are times of day and no zone tells them apart."""
    ds = time.ds
    if time.zone is not None or ds.dtype.kind != "M" or not (ds != ds.astype("datetime64[D]")).any():
        return ""
    return (
        " Local times repeat an hour when daylight saving ends: name their zone, --time-zone Europe/Berlin on the "
        "command line, tz_localize('Europe/Berlin', ambiguous='infer') in Python."
    )


def _in_order(codes: Integers, ds: Stamps) -> bool:
    """Tell whether rows are sorted by series and time already: sorting copies every column."""
    later = (codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & (ds[1:] >= ds[:-1]))
    return bool(later.all())


def _form(columns: Columns, time: TimeColumn, dtypes: Sequence[Any], id_dtype: Any) -> TableForm:
    return TableForm(
        kind=columns.kind,
        id_col="unique_id" if columns.id_col is None else columns.id_col,
        time_col=columns.time_name,
        target_col=columns.targets[0],
        time_in_index=columns.time_in_index,
        time_dtype=time.dtype,
        zone=time.zone,
        wall_clock=time.wall_clock,
        id_dtype=id_dtype,
        value_dtype=_value_dtype(dtypes),
    )


def _value_dtype(dtypes: Sequence[Any]) -> Any:
    """Return float32 if every value column is, else float64."""
    single = all(str(dtype).lower() in ("float32", "float[pyarrow]") for dtype in dtypes)
    return np.dtype(np.float32 if single else np.float64)
