"""The Theta models of one series: exponential smoothing plus part of a trend line.

The four models of Fiorucci et al. share one form. With the smoothing alpha, its level l and w = 1 - 1 / theta, the
one-step forecast of row t (from 1) is ::

    l_(t-1) + w ((1 - alpha)^(t-1) A + (1 - (1 - alpha)^t) / alpha B)

where A + B t is a least-squares line through the whole series, or, in the dynamic models, through its rows up to
t - 1. It is linear in w and in the first level, so that only alpha is searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.signal import lfilter

from tsrnn.data.panel import Floats
from tsrnn.forecasting.classical_season import ClassicalSeason, find_season
from tsrnn.forecasting.gaussian import gaussian_quantiles
from tsrnn.forecasting.series_values import is_constant

Variant = Literal["STM", "OTM", "DSTM", "DOTM"]
VARIANTS: tuple[Variant, ...] = ("STM", "OTM", "DSTM", "DOTM")

_ALPHAS = np.linspace(0.1, 0.99, 24)
# Each refinement searches between the neighbours of the best alpha.
_REFINEMENTS = 2
# The first rows hardly tell the line of a dynamic model: they do not count in a long enough series.
_SETTLING_ROWS = 3


@dataclass(frozen=True)
class ThetaModel:
    """A fitted Theta model.

    Parameters
    ----------
    variant : {"STM", "OTM", "DSTM", "DOTM"}
    alpha, weight : float
        Smoothing, and 1 - 1 / theta.
    level : float
        Before the first row, in units of the deseasonalised series.
    line : tuple of float
        Intercept A and slope B of the static models, counted from row 1.
    sigma : float
        Standard deviation of the one-step errors of the deseasonalised series.
    season : ClassicalSeason or None
    """

    variant: Variant
    alpha: float
    weight: float
    level: float
    line: tuple[float, float]
    sigma: float
    season: ClassicalSeason | None

    @property
    def dynamic(self) -> bool:
        """Whether the line follows the data."""
        return self.variant in ("DSTM", "DOTM")

    @property
    def theta(self) -> float:
        """The coefficient of the curvature, infinite where the whole line is added."""
        return 1 / (1 - self.weight) if self.weight < 1 else float("inf")


def fit_theta(y: Floats, season_length: int, variants: Sequence[Variant] = VARIANTS) -> ThetaModel:
    """Fit the variants, and return the one with the smallest squared one-step errors.

    Parameters
    ----------
    y : ndarray of shape (n,), complete, n >= 4, original units
    season_length : int
        A season that a test finds is taken out by its classical indices.
    variants : sequence of Variant

    Source: Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler, Models for optimising the theta method and
    their relationship to state space models (2016), sections 2 and 3.
    """
    n = len(y)
    season = find_season(y, season_length)
    z = y if season is None else season.without(y, np.arange(n))
    if is_constant(z):
        return ThetaModel(variants[0], 1.0, 0.0, float(z[0]), (float(z[0]), 0.0), 0.0, season)
    unit = float(np.abs(z).mean())
    z = z / unit
    # Errors are smallest on a smooth valley over alpha, which has few local minima: a grid, then finer grids.
    alphas, best = _ALPHAS, _best_of(z, _ALPHAS, variants)
    for _ in range(_REFINEMENTS):
        at = int(np.searchsorted(alphas, best[1]))
        alphas = np.linspace(alphas[max(at - 1, 0)], alphas[min(at + 1, len(alphas) - 1)], 13)
        best = min(best, _best_of(z, alphas, (best[4],)), key=lambda one: one[0])
    squares, alpha, level, weight, variant = best
    free = n - _settling(n) - 3
    slope, intercept = (float(one) for one in np.polyfit(np.arange(1, n + 1), z, 1))
    sigma = unit * float(np.sqrt(squares / max(free, 1)))
    line = (unit * intercept, unit * slope)
    return ThetaModel(variant, alpha, weight, unit * level, line, sigma, season)


def _settling(n: int) -> int:
    return min(_SETTLING_ROWS, n // 4)


def _best_of(z: Floats, alphas: Floats, variants: Sequence[Variant]) -> tuple[float, float, float, float, Variant]:
    """Return sum of squares, alpha, first level, weight and variant of the best model on a grid of K alphas."""
    n, settle = len(z), _settling(len(z))
    t = np.arange(n)[:, None]
    decay = (1 - alphas) ** t  # [n, K]
    level = np.zeros_like(decay)
    for row in range(1, n):
        level[row] = alphas * z[row - 1] + (1 - alphas) * level[row - 1]
    errors, start = (z[:, None] - level)[settle:], decay[settle:]
    growth = (1 - decay * (1 - alphas)) / alphas
    found = []
    for dynamic in (False, True):
        names = [name for name in variants if (name in ("DSTM", "DOTM")) == dynamic]
        if not names:
            continue
        intercept, slope = lines_so_far(z)
        if dynamic:
            # The line of the rows before; before the first row there is none.
            intercept, slope = np.r_[0.0, intercept[:-1]], np.r_[0.0, slope[:-1]]
        else:
            intercept, slope = np.full(n, intercept[-1]), np.full(n, slope[-1])
        part = (decay * intercept[:, None] + growth * slope[:, None])[settle:]
        for name in names:
            squares, levels, weights = _least_squares(errors, start, part, optimise=name in ("OTM", "DOTM"))
            k = int(np.argmin(squares))
            found.append((float(squares[k]), float(alphas[k]), float(levels[k]), float(weights[k]), name))
    return min(found, key=lambda one: one[0])


def _least_squares(errors: Floats, start: Floats, part: Floats, *, optimise: bool) -> tuple[Floats, Floats, Floats]:
    """Fit errors = level * start + weight * part, column by column; the weight is in [0, 1], or fixed at 1 / 2."""
    start_start = np.einsum("nk,nk->k", start, start)
    start_errors = np.einsum("nk,nk->k", start, errors)
    start_part = np.einsum("nk,nk->k", start, part)
    weights = np.full(errors.shape[1], 0.5)
    if optimise:
        part_part = np.einsum("nk,nk->k", part, part) - start_part**2 / start_start
        part_errors = np.einsum("nk,nk->k", part, errors) - start_part * start_errors / start_start
        told = part_part > 1e-12 * np.einsum("nk,nk->k", part, part)
        weights = np.clip(np.divide(part_errors, part_part, out=weights, where=told), 0.0, 1.0)
    levels = (start_errors - weights * start_part) / start_start
    left = errors - levels * start - weights * part
    return np.einsum("nk,nk->k", left, left), levels, weights


def lines_so_far(z: Floats) -> tuple[Floats, Floats]:
    """Return intercepts and slopes of the least-squares lines through the first 1, 2, ... n values, from row 1.

    >>> intercept, slope = lines_so_far(np.array([3.0, 5.0, 7.0]))
    >>> intercept.tolist(), slope.tolist()
    ([3.0, 1.0, 1.0], [0.0, 2.0, 2.0])
    """
    t = np.arange(1.0, len(z) + 1)
    total, moment = np.cumsum(z), np.cumsum(t * z)
    slope = np.zeros(len(z))
    slope[1:] = 12 * (moment - (t + 1) / 2 * total)[1:] / (t * (t**2 - 1))[1:]
    intercept = total / t - slope * (t + 1) / 2
    return intercept, slope


def forecast_theta(
    model: ThetaModel, histories: Sequence[Floats], h: int, quantiles: Sequence[float], origin: int = 0
) -> Floats:
    """Forecast after several histories of one series with fixed parameters.

    Parameters
    ----------
    model : ThetaModel
    histories : sequence of ndarray of shape (n,), complete, n >= 1, original units
        B of them.
    h : int
    quantiles : sequence of float in (0, 1), Q of them
    origin : int
        The row of the fitted series, from 0, at which the histories begin.

    Returns
    -------
    ndarray of shape (B, h, Q), original units
    """
    states = np.array([_state(model, history, origin) for history in histories])
    values = gaussian_quantiles(*_ahead(model, states, h), quantiles)
    if model.season is None:
        return values
    rows = [origin + len(history) + np.arange(h) for history in histories]
    return np.array([model.season.put_back(one, at) for one, at in zip(values, rows, strict=True)])


def _state(model: ThetaModel, history: Floats, origin: int) -> tuple[float, ...]:
    """Return level, line, mean and number of rows after a history."""
    n = len(history)
    z = history if model.season is None else model.season.without(history, origin + np.arange(n))
    # The fitted first level belongs to the fitted first row.
    start = model.level if origin == 0 else float(z[0])
    level = lfilter([model.alpha], [1.0, model.alpha - 1], z, zi=[(1 - model.alpha) * start])[0][-1]
    if not model.dynamic:
        return float(level), *model.line, float(z.mean()), float(max(n + origin, 1))
    intercept, slope = lines_so_far(z)
    return float(level), float(intercept[-1]), float(slope[-1]), float(z.mean()), float(n)


def _ahead(model: ThetaModel, states: Floats, h: int) -> tuple[Floats, Floats]:
    """Run the recursion h steps on. Returns mean and standard deviation, both of shape (B, h).

    The recursion is linear, so the effect of an error at each step is found by running it once more from zero
    with a one at that step: lane 0 is the forecast, lane k an error at step k.
    """
    lanes = np.zeros((5, len(states), h + 1))
    lanes[:4, :, 0] = states[:, :4].T
    level, intercept, slope, mean = lanes[:4]
    rows = states[:, 4:]  # [B, 1]
    alpha, remainder = model.alpha, 1 - model.alpha
    out = np.empty((len(states), h, h + 1))
    for step in range(h):
        t = rows + step + 1
        growth = (1 - remainder**t) / alpha
        value = level + model.weight * (remainder ** (t - 1) * intercept + growth * slope)
        value[:, step + 1] = 1.0
        out[:, step] = value
        level = alpha * value + remainder * level
        if model.dynamic:
            before = mean
            mean = ((t - 1) * mean + value) / t
            slope = ((t - 2) * slope + 6 * (value - before) / t) / (t + 1)
            intercept = mean - (t + 1) / 2 * slope
    # An error at step k is not yet felt at an earlier step, and fully at its own.
    variance = np.einsum("bhk,bhk->bh", out[:, :, 1:], out[:, :, 1:])
    return out[:, :, 0], model.sigma * np.sqrt(variance)
