"""A season by moving averages, as the Theta method takes it out of a series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tsrnn.data.panel import Floats, Integers
from tsrnn.data.seasonality import season_weights

# Multiplicative indices below this would blow a series up; such a season is taken as additive.
_SMALLEST_INDEX = 0.01


@dataclass(frozen=True)
class ClassicalSeason:
    """One number per position of the season.

    Parameters
    ----------
    indices : ndarray of shape (m,)
        Dimensionless with mean 1 if multiplicative, else in original units with mean 0. The first belongs to the
        first row of the series.
    multiplicative : bool
    """

    indices: Floats
    multiplicative: bool

    def at(self, rows: Integers) -> Floats:
        """Return the index of each row."""
        return self.indices[rows % len(self.indices)]

    def without(self, y: Floats, rows: Integers) -> Floats:
        """Take the season out of values at these rows."""
        return y / self.at(rows) if self.multiplicative else y - self.at(rows)

    def put_back(self, z: Floats, rows: Integers) -> Floats:
        """Put the season into values of shape (..., len(rows), Q) at these rows."""
        factor = self.at(rows)[:, None]
        return z * factor if self.multiplicative else z + factor


def is_seasonal(y: Floats, season_length: int, fewest_seasons: int = 3) -> bool:
    """Tell whether the autocorrelation at the season is significant at 90 %, as M4's Naive2 asks.

    |r_m| > 1.645·sqrt((1 + 2·Σ_{k<m} r_k²)/n), and n ≥ 3m, or as many seasons as are asked for. Source: the M4
    competition's benchmark code.
    """
    n = len(y)
    if season_length < 2 or n < fewest_seasons * season_length:
        return False
    around = y - y.mean()
    power = float(around @ around)
    if power == 0:
        return False
    r = np.array([float(around[k:] @ around[:-k]) / power for k in range(1, season_length + 1)])
    return bool(abs(r[-1]) > 1.645 * np.sqrt((1 + 2 * (r[:-1] ** 2).sum()) / n))


def find_season(y: Floats, season_length: int) -> ClassicalSeason | None:
    """Return the season of a series of two or more, if its autocorrelation shows one at 10 %.

    Parameters
    ----------
    y : ndarray of shape (n,), complete
    season_length : int
    """
    return classical_season(y, season_length) if is_seasonal(y, season_length, fewest_seasons=2) else None


def classical_season(y: Floats, season_length: int) -> ClassicalSeason:
    """Return the season of a series, multiplicative where all values are positive and no index is close to 0.

    Parameters
    ----------
    y : ndarray of shape (n,), complete, n >= 2 season_length
    season_length : int
    """
    if y.min() > 0:
        indices = classical_indices(y, season_length, multiplicative=True)
        if indices.min() >= _SMALLEST_INDEX:
            return ClassicalSeason(indices, multiplicative=True)
    return ClassicalSeason(classical_indices(y, season_length, multiplicative=False), multiplicative=False)


def classical_indices(y: Floats, season_length: int, *, multiplicative: bool) -> Floats:
    """Average, per position, what a centred moving average over a season leaves.

    Parameters
    ----------
    y : ndarray of shape (n,), complete, n > season_length
        Positive if multiplicative. Positions that a series of fewer than two seasons leaves open get a neutral
        index.
    season_length : int
    multiplicative : bool

    Returns
    -------
    ndarray of shape (season_length,)
        With mean 1 if multiplicative, else 0.

    Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition (2021), section 3.4.
    """
    m = season_length
    weights = season_weights(m) / m
    half = len(weights) // 2
    trend = np.convolve(y, weights, mode="valid")
    inner = y[half : half + len(trend)]
    position = np.arange(half, half + len(trend)) % m
    count = np.bincount(position, minlength=m)
    left = inner / trend if multiplicative else inner - trend
    neutral = 1.0 if multiplicative else 0.0
    total = np.bincount(position, left, m)
    means = np.divide(total, count, out=np.full(m, neutral), where=count > 0)
    indices: Floats = means / means.mean() if multiplicative else means - means.mean()
    return indices
