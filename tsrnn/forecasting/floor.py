"""Series that stand at zero and never fall below it, such as sales, counts and rain, or a shop that has closed."""

from __future__ import annotations

import numpy as np

from tsrnn.data.panel import Bools, Cutoffs, Floats, Panel, sums_before

# Zeros must make up so much of each half of a history: a temperature may pass through zero for some days, and a series
# may begin with zeros before it is measured. Of 174 windows of public series that did so none fell below zero after it.
FEWEST_ZEROS, ZEROS_SHARE = 2, 0.05

# Three zeros at the end say little alone: 2,006 of 3,794 such windows of 32,000 simulated series that may pass zero
# (rounded temperatures, balances, rates, walks) went below within 14 rows. A series that has closed fell to them from a
# smallest value that no step before was as large as: so did 1,999 of 2,000 simulated ones, and none of 14,000 others.
CLOSED_ROWS, CLOSED_FEWEST = 3, 8


def kept_above_zero(panel: Panel, cutoffs: Cutoffs) -> Bools:
    """Tell at which cutoffs a series has stood at zero again and again, or closed, and never been below. Shape (B,).

    Its forecasts are no lower than zero, either: a network puts intervals around a level and does not know what is
    counted, but there is no half a sale less than none.

    Parameters
    ----------
    panel : Panel
        In the user's units.
    cutoffs : Cutoffs

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.data.tables import read_panel
    >>> counts = pd.Series([0.0, 2, 0, 0, 1, 0, -1], pd.date_range("2024", periods=7, freq="D"), name="y")
    >>> kept_above_zero(read_panel(counts), Cutoffs(np.zeros(3, np.int64), np.array([4, 6, 7]))).tolist()
    [False, True, False]
    """
    start, end = panel.offsets[cutoffs.series], panel.offsets[cutoffs.series] + cutoffs.end
    zeros, below, known = (sums_before(part) for part in (panel.y == 0, panel.y < 0, np.isfinite(panel.y)))
    middle = (start + end) // 2
    kept: Bools = below[end] == below[start]
    for first, last in ((start, middle), (middle, end)):
        count = zeros[last] - zeros[first]
        kept &= (count >= FEWEST_ZEROS) & (count >= ZEROS_SHARE * (known[last] - known[first]))
    # Rows without a value at the end say nothing of whether a series has closed.
    last_known = np.maximum.accumulate(np.where(np.isfinite(panel.y), np.arange(1, len(panel.y) + 1), 0))
    close = np.maximum(np.concatenate([[0], last_known])[end], start)
    newest = zeros[close] - zeros[np.maximum(close - CLOSED_ROWS, start)]
    ending = (close - start > CLOSED_ROWS) & (newest == CLOSED_ROWS)
    for b in np.flatnonzero(ending & (below[end] == below[start]) & ~kept):
        kept[b] = _has_closed(panel.y[start[b] : end[b]])
    return kept


def _has_closed(y: Floats) -> bool:
    """Tell whether a series that ends in zeros fell to them from a level that it had kept."""
    known = y[np.isfinite(y)]
    others = known[known > 0]
    if len(others) < CLOSED_FEWEST:
        return False
    before = known[: np.flatnonzero(known)[-1] + 1]
    lowest = others.min()
    return bool(lowest >= 0.5 * np.median(others) and lowest > np.abs(np.diff(before)).max())
