"""The drift forecast: the line through the first and the last value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tsrnn.forecasting.from_history import HistoryModel
from tsrnn.forecasting.gaussian import gaussian_quantiles

if TYPE_CHECKING:
    from tsrnn.data.panel import Floats


class Drift(HistoryModel):
    """Prolong the line through the first and the last observed value.

    Intervals are those of a random walk with drift: Gaussian, and widened by what is not known about the drift.

    Parameters
    ----------
    season_length : int, optional
        Steps per season, which this forecast ignores. Default: by frequency.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.

    Notes
    -----
    Source: Hyndman and Athanasopoulos 2021, "Forecasting: principles and practice", 3rd edition, sections 5.2 and
    5.5.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([1.0, 5.0, 4.0, 7.0], index=pd.date_range("2020-01-01", periods=4, freq="MS"), name="y")
    >>> Drift().fit(y).predict(h=2).tolist()
    [9.0, 11.0]
    """

    def _quantiles(self, y: Floats, h: int, quantiles: Sequence[float]) -> Floats:
        return drift_quantiles(y, h, quantiles)

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"random walk with drift, whatever the season of {self.panel_.season_length}"


def drift_quantiles(y: Floats, h: int, quantiles: Sequence[float]) -> Floats:
    """Forecast a random walk with drift.

    With T rows from the first to the last observed value, the standard deviation i steps after the last one is
    ``sigma * sqrt(i * (1 + i / (T - 1)))``; sigma comes from the changes between observed values, a change over g
    rows having g times the variance of a step.

    Parameters
    ----------
    y : ndarray of shape (n,), original units
        NaN where missing.
    h : int
    quantiles : sequence of float in (0, 1), Q of them

    Returns
    -------
    ndarray of shape (h, Q), original units
        NaN throughout where nothing is observed; one observed value is repeated, with no spread.
    """
    seen = np.flatnonzero(np.isfinite(y))
    if not len(seen):
        return np.full((h, len(quantiles)), np.nan)
    steps = len(y) - 1 - seen[-1] + np.arange(1.0, h + 1)
    rows = int(seen[-1] - seen[0])
    slope = (y[seen[-1]] - y[seen[0]]) / rows if rows else 0.0
    gaps = np.diff(seen)
    errors = (np.diff(y[seen]) - slope * gaps) / np.sqrt(gaps)
    # Squares of 1e-200 or 1e200 are out of range, so they are taken in units of the largest.
    unit = float(np.abs(errors).max(initial=0.0)) or 1.0
    sigma = unit * float(np.sqrt(np.sum((errors / unit) ** 2) / max(len(errors) - 1, 1)))
    spread = sigma * np.sqrt(steps * (1 + steps / max(rows, 1)))
    point = y[seen[-1]] + slope * steps
    return gaussian_quantiles(point, spread, quantiles)
