"""Tell numbers that count time from numbers that are measured: they are never forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.name_words import COUNTER_WORDS, EVEN_WORDS, TIME_WORDS, YEAR_WORDS, name_words
from tsrnn.data.panel import Floats
from tsrnn.data.whole_times import read_whole_times
from tsrnn.errors import DataError

# Of two values, any make an even step.
_FEWEST = 3


def is_counter(column: pd.Series, name: Any, has_ids: bool) -> bool:
    """Tell whether whole numbers under a time's name are time: years, 20240131, or a running number."""
    values = _numbers(column)
    if not len(values) or (values != np.round(values)).any():
        return False
    words = name_words(name)
    if words & YEAR_WORDS and values.min() >= 1000 and values.max() <= 3000:
        return True
    if read_whole_times(values.astype(np.int64), name) is not None:
        return True
    return bool(words & COUNTER_WORDS) and (has_ids or len(np.unique(values)) == len(values))


def rises_evenly(column: pd.Series, name: Any, ids: pd.Series | None = None) -> bool:
    """Tell whether numbers under the name of a time or of its units are one step apart, whatever order they are in.

    Parameters
    ----------
    column : Series of shape (n_rows,)
    name : Any
    ids : Series of shape (n_rows,), optional
        What tells series, in each of which the numbers rise.
    """
    if not name_words(name) & EVEN_WORDS:
        return False
    parts = _parts(column, ids)
    return any(len(part) >= _FEWEST for part in parts) and all(map(_is_even, parts))


def find_counter(df: pd.DataFrame, names: Sequence[Any], ids: Sequence[Any]) -> Any:
    """Return the column of numbers that counts time evenly; None if none does.

    Parameters
    ----------
    df : DataFrame
    names : sequence
        Columns that may be time.
    ids : sequence
        Columns that may tell series, None for a single one.

    Raises
    ------
    DataError
        If numbers under the name of a time rise from row to row, but by no one step.
    """
    keys = [None if key is None else df[key] for key in ids]
    for name in names:
        if any(rises_evenly(df[name], name, key) for key in keys):
            return name
    for name in names:
        if name_words(name) and name_words(name) <= TIME_WORDS and any(_only_rises(df[name], key) for key in keys):
            raise DataError(
                f"Column {str(name)!r} has the name of a time and holds numbers that rise from row to row, such as "
                f"{df[name].iloc[0]:.15g} and {df[name].iloc[1]:.15g}, but neither dates nor numbers one step apart. "
                "Turn them into dates, name the time column with time_col, or the columns to forecast with target_col."
            )
    return None


def _numbers(column: pd.Series) -> Floats:
    """Return the known values of a column of finite numbers; nothing for any other column."""
    if pd.api.types.is_bool_dtype(column.dtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        return np.empty(0)
    if pd.api.types.is_complex_dtype(column.dtype):
        return np.empty(0)
    values = column.dropna().to_numpy(dtype=np.float64)
    return values if np.isfinite(values).all() else np.empty(0)


def _parts(column: pd.Series, ids: pd.Series | None) -> list[Floats]:
    """Return the numbers of each series, nothing where some are missing."""
    values = _numbers(column)
    if not len(values) or len(values) < len(column):
        return []
    if ids is None:
        return [values]
    codes = pd.factorize(ids)[0]
    order = np.argsort(codes, kind="stable")
    return np.split(values[order], np.flatnonzero(np.diff(codes[order])) + 1)


def _is_even(values: Floats) -> bool:
    steps = np.diff(np.sort(values))
    # 0.1, 0.2, ... are not quite one step apart.
    return len(steps) == 0 or bool(steps[0] > 0 and np.allclose(steps, steps[0], rtol=1e-6, atol=0))


def _only_rises(column: pd.Series, ids: pd.Series | None) -> bool:
    parts = _parts(column, ids)
    return any(len(part) >= _FEWEST for part in parts) and all((np.diff(part) > 0).all() for part in parts)
