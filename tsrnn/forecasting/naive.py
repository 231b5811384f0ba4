"""The naive forecasts: what every other model has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tsrnn.forecasting.from_history import HistoryModel
from tsrnn.forecasting.gaussian import gaussian_quantiles

if TYPE_CHECKING:
    from tsrnn.data.panel import Floats


class Naive(HistoryModel):
    """Repeat the last value.

    Intervals are Gaussian, and widen by the variance of a step with every step ahead. On data close to a random
    walk, such as exchange rates, nothing beats it by much.

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
    >>> y = pd.Series([1.0, 5.0, 2.0, 6.0], index=pd.date_range("2020-01-01", periods=4, freq="MS"), name="y")
    >>> Naive().fit(y).predict(h=2).tolist()
    [6.0, 6.0]
    """

    def _quantiles(self, y: Floats, h: int, quantiles: Sequence[float]) -> Floats:
        return seasonal_naive_quantiles(y, 1, h, quantiles)

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"naive, whatever the season of {self.panel_.season_length}"


class SeasonalNaive(HistoryModel):
    """Repeat the last season.

    The point forecast is the last observed value at the same position of the season; without a season
    (`season_length` 1) it is the last value. Intervals are Gaussian, and widen by a season's variance with every
    season ahead. It has no parameters, so it forecasts any series from that series' own past.

    Parameters
    ----------
    season_length : int, optional
        Steps per season. Default: by frequency.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.

    Notes
    -----
    Source: Hyndman and Athanasopoulos 2021, "Forecasting: principles and practice", 3rd edition, sections 5.2 and
    5.5.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([1.0, 5.0, 2.0, 6.0], index=pd.date_range("2020-01-01", periods=4, freq="MS"), name="y")
    >>> SeasonalNaive(season_length=2).fit(y).predict(h=3).tolist()
    [2.0, 6.0, 2.0]
    """

    def _quantiles(self, y: Floats, h: int, quantiles: Sequence[float]) -> Floats:
        return seasonal_naive_quantiles(y, self.panel_.season_length, h, quantiles)

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"seasonal naive, season {self.panel_.season_length}"


def seasonal_naive_quantiles(y: Floats, season_length: int, h: int, quantiles: Sequence[float]) -> Floats:
    """Repeat the last season, with Gaussian quantiles.

    The point forecast of a step is the last observed value at the same position of the season, carried from
    earlier seasons where it is missing; a position that was never observed takes the last observed value.
    The standard deviation of step i (from 1) is ``sigma * sqrt(floor((i - 1) / season_length) + 1)``, with
    sigma the root mean squared seasonal difference over pairs of observed values. A history without such a
    pair takes one-step differences instead, and a history without those has sigma 0.

    Parameters
    ----------
    y : float64 ndarray of shape (L,), original units
        The history, oldest value first; NaN where nothing was observed.
    season_length : int
    h : int
        Steps ahead.
    quantiles : sequence of float in (0, 1), Q of them

    Returns
    -------
    ndarray of shape (h, Q), original units
        NaN throughout where y holds no observed value.

    Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition (2021), sections 5.2
    and 5.5.

    Examples
    --------
    >>> seasonal_naive_quantiles(np.array([1.0, 5.0, 2.0, 6.0]), 2, 3, [0.5]).ravel()
    array([2., 6., 2.])
    """
    seen = np.flatnonzero(np.isfinite(y))
    if not len(seen):
        return np.full((h, len(quantiles)), np.nan)
    last_season = np.full(season_length, y[seen[-1]])
    # Later assignments win, so each position keeps its newest observed value.
    last_season[seen % season_length] = y[seen]
    steps = np.arange(h)
    point = last_season[(len(y) + steps) % season_length]
    spread = _difference_spread(y, season_length) * np.sqrt(steps // season_length + 1.0)
    return gaussian_quantiles(point, spread, quantiles)


def _difference_spread(y: Floats, season_length: int) -> float:
    """Return the root mean squared seasonal (else one-step) difference over observed pairs, or 0."""
    for lag in (season_length, 1):
        change = y[lag:] - y[:-lag]
        change = change[np.isfinite(change)]
        if len(change):
            # Squares of 1e-200 or 1e200 are out of range, so they are taken in units of the largest.
            unit = float(np.abs(change).max())
            return unit * float(np.sqrt(np.mean((change / unit) ** 2))) if unit > 0 else 0.0
    return 0.0
