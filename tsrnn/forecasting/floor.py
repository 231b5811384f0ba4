"""Series that stand at zero now and then and never fall below it, such as sales, counts and rain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tsrnn.data.panel import Cutoffs, Panel

# A zero or two may be chance: a difference or a temperature can be zero and fall on.
FEWEST_ZEROS, ZEROS_SHARE = 3, 0.01


def kept_above_zero(panel: Panel, cutoffs: Cutoffs) -> npt.NDArray[np.bool_]:
    """Tell at which cutoffs a series has stood at zero several times and has never been below. Shape (B,).

    Forecasts of it are no lower than zero either: a network adds intervals to a level, and half a sale below none says
    nothing.

    Parameters
    ----------
    panel : Panel
        In the user's units.
    cutoffs : Cutoffs

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.data.tables import read_panel
    >>> counts = pd.Series([0.0, 2, 0, 1, 0, -1], pd.date_range("2024", periods=6, freq="D"), name="y")
    >>> kept_above_zero(read_panel(counts), Cutoffs(np.zeros(3, np.int64), np.array([3, 5, 6]))).tolist()
    [False, True, False]
    """
    start = panel.offsets[cutoffs.series]
    zeros, below, known = (
        total[start + cutoffs.end] - total[start]
        for total in (
            np.concatenate([[0], np.cumsum(part)]) for part in (panel.y == 0, panel.y < 0, np.isfinite(panel.y))
        )
    )
    kept: npt.NDArray[np.bool_] = (below == 0) & (zeros >= FEWEST_ZEROS) & (zeros >= ZEROS_SHARE * known)
    return kept
