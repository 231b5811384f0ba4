"""The mean of the last values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tsrnn.forecasting.from_history import HistoryModel
from tsrnn.forecasting.gaussian import gaussian_quantiles
from tsrnn.naming import counted
from tsrnn.parameters import check_whole

if TYPE_CHECKING:
    from tsrnn.data.panel import Floats, Panel

_WITHOUT_SEASON = 3


class WindowAverage(HistoryModel):
    """Forecast the mean of the last observed values.

    Intervals are Gaussian. The spread i steps ahead is the root mean squared error that the same forecast made i
    steps ahead in the history, never less than at an earlier step.

    Parameters
    ----------
    window_size : int, optional
        How many observed values are averaged. Default: a season of them, 3 without a season.
    season_length : int, optional
        Steps per season. Default: by frequency.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([1.0, 5.0, 4.0, 6.0], index=pd.date_range("2020-01-01", periods=4, freq="MS"), name="y")
    >>> WindowAverage(window_size=2).fit(y).predict(h=2).tolist()
    [5.0, 5.0]
    """

    def __init__(self, window_size: int | None = None, season_length: int | None = None, freq: Any = None) -> None:
        super().__init__(season_length, freq)
        self.window_size = window_size

    def _fit_panel(self, panel: Panel) -> None:
        size = self.window_size
        if size is not None:
            check_whole("window_size", size, 1, of="values")
        super()._fit_panel(panel)
        default = panel.season_length if panel.season_length > 1 else _WITHOUT_SEASON
        self.window_size_ = default if size is None else int(size)

    def _quantiles(self, y: Floats, h: int, quantiles: Sequence[float]) -> Floats:
        return window_average_quantiles(y, self.window_size_, h, quantiles)

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"mean of the last {counted(self.window_size_, 'value')}, season {self.panel_.season_length}"


def window_average_quantiles(y: Floats, window_size: int, h: int, quantiles: Sequence[float]) -> Floats:
    """Forecast the mean of the last observed values, with the spread of that forecast's own past errors.

    Parameters
    ----------
    y : ndarray of shape (n,), original units
        NaN where missing; errors are counted in observed values ahead.
    window_size : int
        A history with fewer observed values is averaged whole.
    h : int
    quantiles : sequence of float in (0, 1), Q of them

    Returns
    -------
    ndarray of shape (h, Q), original units
        NaN throughout where nothing is observed. Steps further ahead than the history reaches have the spread of
        the furthest that it tells; a single value has none.
    """
    seen = y[np.isfinite(y)]
    if not len(seen):
        return np.full((h, len(quantiles)), np.nan)
    unit = float(np.abs(seen).max()) or 1.0
    seen = seen / unit
    # A short history leaves at least its newest value for an error.
    size = min(window_size, max(len(seen) - 1, 1))
    sums = np.concatenate([[0.0], np.cumsum(seen)])
    means = (sums[size:] - sums[:-size]) / size
    spread = np.zeros(h)
    for step in range(1, h + 1):
        if size + step <= len(seen):
            spread[step - 1] = np.sqrt(np.mean((seen[size - 1 + step :] - means[: len(means) - step]) ** 2))
    spread = np.maximum.accumulate(spread)
    point = seen[-window_size:].mean()
    return unit * gaussian_quantiles(np.full(h, point), spread, quantiles)
