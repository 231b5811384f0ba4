"""The forms of exponential smoothing, their parameters and their recursion, for many parameter sets at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit

from tsrnn.data.panel import Bools, Floats

# Slots of a row of unconstrained parameters: alpha, beta, gamma, phi, first level, first trend, first season.
ALPHA, BETA, GAMMA, PHI, LEVEL, TREND, SEASON = range(7)
_LEAST, _MOST = 1e-4, 0.9999
# A trend that follows the last steps closely ends in wild forecasts. statsforecast has the same bound.
_MOST_BETA = 0.2
# Damping below .8 is hardly a trend, above .98 it cannot be told from none.
_LEAST_PHI, _MOST_PHI = 0.8, 0.98


@dataclass(frozen=True)
class Form:
    """Error, trend and season of a model: "A" additive, "M" multiplicative, "Ad" damped, "N" none."""

    error: Literal["A", "M"]
    trend: Literal["N", "A", "Ad"]
    season: Literal["N", "A", "M"]

    def __str__(self) -> str:
        return self.error + self.trend + self.season

    def slots(self, season_length: int) -> list[int]:
        """Return which parameters the form has; the last index of the first season follows from the others."""
        found = [ALPHA, LEVEL]
        if self.trend != "N":
            found += [BETA, TREND]
        if self.trend == "Ad":
            found.append(PHI)
        if self.season != "N":
            found += [GAMMA, *range(SEASON, SEASON + season_length - 1)]
        return sorted(found)


# Multiplicative trends explode, and additive errors with a multiplicative season have no stable likelihood.
FORMS = tuple(
    Form(error, trend, season)
    for error in ("A", "M")
    for trend in ("N", "A", "Ad")
    for season in ("N", "A", "M")
    if (error, season) != ("A", "M")
)


@dataclass(frozen=True)
class Smoothing:
    """Constrained parameters of K models of one kind of season.

    Parameters
    ----------
    alpha, beta, gamma, phi, level, trend : ndarray of shape (K,)
        beta is the smoothing of the trend by the error itself, at most alpha and .2 / m; gamma is at most 1 - alpha.
    season : ndarray of shape (m, K)
        Before the first row, its position first.
    """

    alpha: Floats
    beta: Floats
    gamma: Floats
    phi: Floats
    level: Floats
    trend: Floats
    season: Floats


def constrained(x: Floats, kind: str, trends: Bools, damped: Bools, season_length: int) -> Smoothing:
    """Return the parameters that rows of unconstrained numbers stand for.

    Parameters
    ----------
    x : ndarray of shape (K, 6 + max(m - 1, 0))
    kind : {"N", "A", "M"}
        The season of all of them.
    trends, damped : bool ndarray of shape (K,)
    season_length : int
        Of the series, whether its models have a season or not.
    """
    shares = _LEAST + (_MOST - _LEAST) * expit(x[:, : GAMMA + 1])
    alpha = shares[:, ALPHA]
    phi = np.where(damped, _LEAST_PHI + (_MOST_PHI - _LEAST_PHI) * expit(x[:, PHI]), 1.0)
    gamma = (1 - alpha) * shares[:, GAMMA] if kind != "N" else np.zeros(len(x))
    season = np.zeros((season_length if kind != "N" else 1, len(x)))
    if kind != "N":
        season[:-1] = x[:, SEASON:].T
        season[-1] = (season_length if kind == "M" else 0.0) - season[:-1].sum(0)
    return Smoothing(
        alpha,
        np.where(trends, np.minimum(alpha, _MOST_BETA / season_length) * shares[:, BETA], 0.0),
        gamma,
        phi,
        x[:, LEVEL],
        np.where(trends, x[:, TREND], 0.0),
        season,
    )


def one_step(y: Floats, kind: str, with_: Smoothing) -> tuple[Floats, Smoothing]:
    """Run K models of one kind of season over a series.

    The recursion does not depend on the kind of error: a relative error times the forecast is the error.

    Parameters
    ----------
    y : ndarray of shape (n,), complete
    kind : {"N", "A", "M"}
    with_ : Smoothing

    Returns
    -------
    forecasts : ndarray of shape (n, K)
        One step ahead.
    after : Smoothing
        With the states after the last row, the season's next position first.

    Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008), table 2.1.
    """
    n, k = len(y), len(with_.alpha)
    m = len(with_.season)
    alpha, beta, gamma, phi = with_.alpha, with_.beta, with_.gamma, with_.phi
    level, trend, season = with_.level.copy(), with_.trend.copy(), with_.season.copy()
    forecasts = np.empty((n, k))
    base, error, step = np.empty(k), np.empty(k), np.empty(k)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for t in range(n):
            np.multiply(phi, trend, out=trend)
            if kind == "N":
                base = forecasts[t]
            np.add(level, trend, out=base)
            index = season[t % m]
            if kind == "M":
                np.multiply(base, index, out=forecasts[t])
                np.subtract(y[t], forecasts[t], out=error)
                np.divide(error, base, out=step)
                error /= index
                np.multiply(gamma, step, out=step)
                index += step
            elif kind == "A":
                np.add(base, index, out=forecasts[t])
                np.subtract(y[t], forecasts[t], out=error)
                np.multiply(gamma, error, out=step)
                index += step
            else:
                np.subtract(y[t], base, out=error)
            np.multiply(alpha, error, out=step)
            np.add(base, step, out=level)
            np.multiply(beta, error, out=step)
            trend += step
    after = Smoothing(alpha, beta, gamma, phi, level, trend, np.roll(season, -(n % m), axis=0))
    return forecasts, after
