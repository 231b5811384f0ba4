"""Tables and arrays on their way into a detector, and its answers on their way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.data.answers import id_column, restore_times
from tsrnn.data.panel import Panel
from tsrnn.data.spans import row_stamps
from tsrnn.errors import DataError
from tsrnn.naming import counted

if TYPE_CHECKING:
    from tsrnn.anomaly.watch import Found
    from tsrnn.data.panel import Integers


def is_array(df: Any) -> bool:
    """Tell whether rows come as an array, without names and time stamps."""
    return not isinstance(df, (pd.DataFrame, pd.Series, Panel))


def array_table(values: Any) -> pd.DataFrame:
    """Return an array as a wide table whose index counts its rows.

    Parameters
    ----------
    values : array of shape (n_samples,) or (n_samples, n_features)
        NaN where a value is missing.

    Raises
    ------
    DataError
        If it has another shape, is not numeric, or holds infinite values.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"The array is not numeric: {error}. Expected numbers, or a DataFrame.") from None
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        raise DataError(
            f"The array has shape {np.shape(values)}: expected (n_samples,) or (n_samples, n_features), rows in time."
        )
    infinite = int(np.isinf(array).sum())
    if infinite:
        raise DataError(
            f"The array holds {counted(infinite, 'infinite value')}. Expected numbers, or NaN where one is missing."
        )
    return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])


def detection_table(panel: Panel, found: Found, alpha: float) -> pd.DataFrame:
    """Lay out what is said of every row of a panel.

    Parameters
    ----------
    panel : Panel
    found : Found
        Arrays of shape (n_rows,).
    alpha : float

    Returns
    -------
    DataFrame
        `unique_id, ds, y, expected, lower, upper, score, p_value, is_anomaly`, with channels also `share`.
    """
    series, stamps = row_stamps(panel)
    judged = found.judged
    columns = {
        "unique_id": id_column(panel, series),
        "ds": restore_times(stamps, panel.form),
        "y": panel.y,
        "expected": judged.expected,
        "lower": judged.lower,
        "upper": judged.upper,
        "score": judged.score,
        "p_value": judged.p_value,
        "is_anomaly": judged.p_value <= alpha,
    }
    if found.share is not None:
        columns["share"] = found.share
    return pd.DataFrame(columns)


def time_rows(panel: Panel) -> tuple[Integers, int]:
    """Return for every row of a panel its place on the time line of all series, and how long that line is."""
    begin = _begins(panel)
    series, row = panel.places()
    return begin[series] + row, int((begin + panel.lengths).max())


def ending_together(panel: Panel) -> Panel:
    """Return a panel whose series all end at the same time, the shorter ones with missing rows."""
    end = _begins(panel) + panel.lengths
    return panel.padded(np.zeros_like(end), end.max() - end)


def _begins(panel: Panel) -> Integers:
    """Return how many rows after the earliest series each one begins. Shape (n_series,)."""
    return panel.frequency.positions(panel.start, panel.start.min())


def same_rows(panel: Panel, other: Panel) -> bool:
    """Tell whether two panels hold the same values of the same series at the same times, in any order of series."""
    if panel.y.shape != other.y.shape:
        return False
    panel, other = panel.sorted_by_id(), other.sorted_by_id()
    return (
        panel.start.dtype == other.start.dtype
        and np.array_equal(panel.offsets, other.offsets)
        and np.array_equal(panel.start, other.start)
        and list(panel.ids) == list(other.ids)
        and np.array_equal(panel.y, other.y, equal_nan=True)
    )
