"""Exponential smoothing of one series: choice of the form, and forecasts with their variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tsrnn.data.panel import Floats
from tsrnn.forecasting.classical_season import ClassicalSeason, find_season
from tsrnn.forecasting.ets_fit import fit_forms
from tsrnn.forecasting.ets_form import FORMS, Form, Smoothing, constrained, one_step
from tsrnn.forecasting.gaussian import gaussian_quantiles
from tsrnn.forecasting.series_values import is_constant

# A first season of more than 24 numbers is more than a series can tell, and slow.
LONGEST_SEASON = 24
# Of a longer series these last rows, in whole seasons, are estimated on: time and memory of the fit grow with the rows.
# Of 200,000 hours it takes 6 s and 270 MB, on all rows 170 s and 4.7 GB; at one end of seven public hourly series of
# 5,000 rows the mean MASE of 48 hours is 1.65, on all rows 1.90.
LONGEST_FIT = 3000
_PLAIN = Form("A", "N", "N")


@dataclass(frozen=True)
class EtsModel:
    """A fitted form.

    Parameters
    ----------
    form : Form
    start : Smoothing
        Parameters and first states of one model, in units of `unit`.
    sigma : float
        Standard deviation of the one-step errors in units of `unit`, of relative errors where the form has them.
    unit : float
        Original units per unit of the model.
    aicc : float
    long_season : ClassicalSeason or None
        A season beyond 24 steps that is taken out before and put back after, in original units.
    first : int
        The row of the fitted series, a multiple of the season, at which the model's time begins.
    """

    form: Form
    start: Smoothing
    sigma: float
    unit: float
    aicc: float
    long_season: ClassicalSeason | None = None
    first: int = 0


def candidates(y: Floats, season_length: int, forms: Sequence[Form] = FORMS) -> list[Form]:
    """Return the forms that a series can have: no multiplicative ones unless all values are positive.

    Parameters
    ----------
    y : ndarray of shape (n,), complete
        A season needs more rows than its length.
    season_length : int
    forms : sequence of Form
    """
    seasonal = 1 < season_length < len(y)
    positive = float(y.min()) > 0
    return [
        form
        for form in forms
        if (seasonal or form.season == "N") and (positive or "M" not in (form.error, form.season))
    ]


def fit_ets(y: Floats, season_length: int, forms: Sequence[Form] = FORMS) -> EtsModel:
    """Estimate the forms by maximum likelihood, and return the one with the smallest corrected Akaike criterion.

    A series of more than 3,000 rows is estimated on its last ones; a season beyond 24 is that of all.

    Parameters
    ----------
    y : ndarray of shape (n,), complete, n >= 4, original units
    season_length : int
        Beyond 24 a season that a test finds is taken out by its classical indices first.
    forms : sequence of Form
        Those that the series cannot have are passed over; a series too short for any criterion, or for all of
        them, is smoothed without trend and season.

    Source: Hyndman, Koehler, Snyder and Grose, A state space framework for automatic forecasting using exponential
    smoothing methods (2002).
    """
    long_season = None
    if season_length > LONGEST_SEASON:
        long_season = find_season(y, season_length)
        if long_season is not None:
            y = long_season.without(y, np.arange(len(y)))
        season_length = 1
    # Of all rows: early cutoffs are forecast by the same form, which zeros before these rows may forbid.
    possible = candidates(y, season_length, forms) or [_PLAIN]
    first = max(len(y) - LONGEST_FIT, 0) // season_length * season_length
    y = y[first:]
    unit = float(np.abs(y).mean()) or 1.0
    if is_constant(y):
        start = _smoothing(np.zeros(6), _PLAIN, 1)
        return EtsModel(_PLAIN, replace(start, level=y[:1] / unit), 0.0, unit, -np.inf, long_season, first)
    fits = fit_forms(y / unit, possible, season_length)
    if not fits or not fits[0].aicc < np.inf:
        fits = fit_forms(y / unit, [_PLAIN], season_length)
    if not fits:
        raise ArithmeticError("no form has a finite likelihood")
    best = fits[0]
    start = _smoothing(best.x, best.form, season_length)
    return EtsModel(best.form, start, best.sigma, unit, best.aicc, long_season, first)


def _smoothing(x: Floats, form: Form, season_length: int) -> Smoothing:
    trend, damped = np.array([form.trend != "N"]), np.array([form.trend == "Ad"])
    return constrained(x[None], form.season, trend, damped, season_length)


def forecast_ets(
    model: EtsModel, histories: Sequence[Floats], h: int, quantiles: Sequence[float], origin: int = 0
) -> Floats:
    """Forecast after several histories of one series with fixed parameters.

    Parameters
    ----------
    model : EtsModel
    histories : sequence of ndarray of shape (n,), complete, n >= 1, original units
        B of them; each begins with the shorter ones.
    h : int
    quantiles : sequence of float in (0, 1), Q of them
        Of a Gaussian around the forecast without further errors.
    origin : int
        The row of the fitted series, from 0, at which the histories begin.

    Returns
    -------
    ndarray of shape (B, h, Q), original units
    """
    values = np.empty((len(histories), h, len(quantiles)))
    run: Floats = np.empty(0)
    state, begun = model.start, origin
    for b in np.argsort([len(history) for history in histories], kind="stable"):
        # What stands before the rows that were estimated on has no part in the states there.
        before = model.first - origin if 0 < model.first - origin < len(histories[b]) else 0
        history, begin = histories[b][before:], origin + before
        n = len(history)
        # A history continues a shorter one, unless the last value of that was repeated at its end.
        if not len(run) or begin != begun or not np.array_equal(run, history[: len(run)]):
            run, state, begun = np.empty(0), _begin(model, history, begin), begin
        z = history if model.long_season is None else model.long_season.without(history, begin + np.arange(n))
        state = one_step(z[len(run) :] / model.unit, model.form.season, state)[1]
        run = history
        forecast = model.unit * gaussian_quantiles(*_ahead(model, state, h), quantiles)
        if model.long_season is not None:
            forecast = model.long_season.put_back(forecast, begin + n + np.arange(h))
        values[b] = forecast
    return values


def _begin(model: EtsModel, history: Floats, origin: int) -> Smoothing:
    """Return the states before the first row of a history, which may begin later than the fitted series."""
    start = model.start
    if origin == model.first:
        return start
    season = np.roll(start.season, -(origin % len(start.season)), axis=0)
    first = history[:1] if model.long_season is None else model.long_season.without(history[:1], np.array([origin]))
    level = first / model.unit
    if model.form.season == "M":
        level = level / season[0]
    elif model.form.season == "A":
        level = level - season[0]
    return replace(start, level=level - start.phi * start.trend, season=season)


def _ahead(model: EtsModel, state: Smoothing, h: int) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the h steps after a state, in units of the model.

    Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008), chapter 6. Classes 1 and
    2 are exact. For a multiplicative season an error also moves the season's index, in proportion: to the second
    order in sigma this adds gamma to the effect at later seasons.
    """
    alpha, beta, gamma, phi = (float(one[0]) for one in (state.alpha, state.beta, state.gamma, state.phi))
    m = len(state.season)
    damping = np.cumsum(phi ** np.arange(1.0, h + 1))
    season = state.season[np.arange(h) % m, 0]
    base = state.level[0] + damping * state.trend[0]
    if model.form.season == "A":
        base = base + season
    # The effect of an error on the step j after it, j = 1 ... h - 1: on the level, and on the season.
    on_level = alpha + beta * damping[: h - 1]
    on_season = gamma * (np.arange(1, h) % m == 0)
    if model.form.error == "A":
        effect = on_level + on_season
        return base, model.sigma * np.sqrt(1 + np.concatenate([[0.0], np.cumsum(effect**2)]))
    variance = model.sigma**2
    moment = np.empty(h)
    for step in range(h):
        ratio = np.ones(step)
        if model.form.season == "M":
            ratio = np.divide(base[step], base[:step], out=ratio, where=base[:step] != 0)
        effect = on_level[:step][::-1] + on_season[:step][::-1] * ratio
        moment[step] = base[step] ** 2 + variance * float(effect**2 @ moment[:step])
    deviation = np.sqrt(np.maximum((1 + variance) * moment - base**2, 0.0))
    if model.form.season == "M":
        return base * season, np.abs(season) * deviation
    return base, deviation
