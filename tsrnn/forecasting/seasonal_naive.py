"""The seasonal naive forecast of one series, on arrays, also where another model has none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsrnn.data.panel import Floats, Integers
from tsrnn.forecasting.gaussian import gaussian_quantiles


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


def stand_in(values: Floats, y: Floats, ends: Integers, season_length: int, quantiles: Sequence[float]) -> int:
    """Fill in the seasonal naive where a model has no forecast, and return at how many cutoffs.

    Parameters
    ----------
    values : ndarray of shape (B, h, Q), original units
        The model's forecasts, changed in place: those that are NaN throughout and have a value before them.
    y : ndarray of shape (n,), original units
    ends : int64 ndarray of shape (B,)
        Rows before each forecast.
    season_length : int
    quantiles : sequence of Q floats
    """
    first = np.append(np.flatnonzero(np.isfinite(y)), len(y))[0]
    untold = np.flatnonzero(np.isnan(values).all((1, 2)) & (ends > first))
    for b in untold:
        values[b] = seasonal_naive_quantiles(y[: ends[b]], season_length, values.shape[1], quantiles)
    return len(untold)


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
