"""Tables and arrays on their way into a detector, and its answers on their way out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.data.answers import id_column, restore_times
from tsrnn.data.panel import sums_before
from tsrnn.data.spans import row_stamps
from tsrnn.errors import DataError

if TYPE_CHECKING:
    from tsrnn.anomaly.tracker import Judged
    from tsrnn.data.panel import Floats, Integers, Panel


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
        raise DataError(f"The array holds {infinite:,} infinite values. Expected numbers, or NaN where one is missing.")
    return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])


def detection_table(panel: Panel, judged: Judged, alpha: float, share: Floats | None = None) -> pd.DataFrame:
    """Lay out what is said of every row of a panel.

    Parameters
    ----------
    panel : Panel
    judged : Judged
        Arrays of shape (n_rows,).
    alpha : float
    share : ndarray of shape (n_rows,), optional
        Each channel's part of its system's score.

    Returns
    -------
    DataFrame
        `unique_id, ds, y, expected, lower, upper, score, p_value, is_anomaly`, with channels also `share`.
    """
    series, stamps = row_stamps(panel)
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
    if share is not None:
        columns["share"] = share
    return pd.DataFrame(columns)


def time_rows(panel: Panel) -> tuple[Integers, int]:
    """Return for every row of a panel its place on the time line of all series, and how long that line is."""
    first = panel.start.min()
    begin = panel.frequency.positions(panel.start, np.broadcast_to(first, panel.start.shape))
    series, row = panel.places()
    return begin[series] + row, int((begin + panel.lengths).max())


def ending_together(panel: Panel) -> Panel:
    """Return a panel whose series all end at the same time, the shorter ones with missing rows."""
    first = panel.start.min()
    begin = panel.frequency.positions(panel.start, np.broadcast_to(first, panel.start.shape))
    lengths = (begin + panel.lengths).max() - begin
    if (lengths == panel.lengths).all():
        return panel
    offsets = sums_before(lengths)
    series, row = panel.places()
    y = np.full(int(offsets[-1]), np.nan)
    y[offsets[series] + row] = panel.y
    return replace(panel, y=y, offsets=offsets)


def same_rows(panel: Panel, other: Panel) -> bool:
    """Tell whether two panels hold the same values of the same series at the same times."""
    return (
        panel.y.shape == other.y.shape
        and panel.start.dtype == other.start.dtype
        and np.array_equal(panel.offsets, other.offsets)
        and np.array_equal(panel.start, other.start)
        and list(panel.ids) == list(other.ids)
        and np.array_equal(panel.y, other.y, equal_nan=True)
    )
