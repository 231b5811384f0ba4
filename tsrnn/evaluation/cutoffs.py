"""Where a backtest forecasts from: rolling origins, counted back from the end of every series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsrnn.data.panel import Cutoffs, Integers, Panel
from tsrnn.errors import ShortSeriesError

MOST_WINDOWS = 20

# The training part keeps at least this share of a typical series, where the windows are not given.
TRAINING_SHARE = 0.6


@dataclass(frozen=True)
class Origins:
    """The cutoffs of a backtest.

    Parameters
    ----------
    h, n_windows, step_size : int
    ends : int64 ndarray of shape (n_series, n_windows)
        Rows that a model may see, oldest cutoff first; 0 where a series is too short for that cutoff.
    min_history : int
        Rows before a cutoff, at least.
    """

    h: int
    n_windows: int
    step_size: int
    ends: Integers
    min_history: int

    def cutoffs(self, first: int = 0, last: int | None = None) -> Cutoffs:
        """Return the cutoffs of windows `first` to before `last`, series by series, oldest first."""
        ends = self.ends[:, first:last]
        series, window = np.nonzero(ends)
        return Cutoffs(series.astype(np.int64), ends[series, window])


def choose_origins(panel: Panel, h: int | None, n_windows: int | None, step_size: int | None) -> Origins:
    """Fill in what the user left open and place the cutoffs.

    The default horizon comes from the frequency, shortened to a fifth of a typical series. Up to 20 cutoffs lie a
    horizon apart, or closer where the last 40 % of a typical series would not hold them.

    Raises
    ------
    ShortSeriesError
        If no series is long enough for one cutoff.
    """
    min_history = max(2 * panel.season_length, 3) if panel.season_length > 1 else 3
    lengths = panel.lengths[panel.n_observed > 0]
    typical = int(np.median(lengths)) if len(lengths) else 0
    h = h or max(1, min(panel.frequency.default_horizon, typical // 5))
    room = max(0, min(int((1 - TRAINING_SHARE) * typical), typical - min_history) - h)
    if step_size is None:
        wanted = (n_windows or MOST_WINDOWS) - 1
        step_size = max(1, min(h, room // wanted)) if wanted else h
    n_windows = n_windows or min(MOST_WINDOWS, room // step_size + 1)
    back = h + step_size * np.arange(n_windows - 1, -1, -1)
    ends = panel.lengths[:, None] - back[None, :]
    ends = np.where((ends >= min_history) & (panel.n_observed > 0)[:, None], ends, 0).astype(np.int64)
    if not ends.any():
        longest = int(lengths.max()) if len(lengths) else 0
        raise ShortSeriesError(
            f"No cutoff fits: the longest series has {longest} rows, and a backtest needs {min_history} before the "
            f"cutoff (season_length={panel.season_length}) and h={h} after it. Lower h or season_length, or add rows."
        )
    return Origins(h, n_windows, step_size, ends, min_history)
