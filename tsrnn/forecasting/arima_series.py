"""ARIMA of one series from raw values to quantiles: order, final estimate, fallback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tsrnn.data.panel import Floats, Integers, sums_before
from tsrnn.forecasting.arima_form import Estimate, Order, difference
from tsrnn.forecasting.arima_likelihood import fit_complete
from tsrnn.forecasting.arima_search import choose_differences, search_order
from tsrnn.forecasting.arima_season import Harmonics, fit_harmonics
from tsrnn.forecasting.arima_state import fit_missing, forecasts
from tsrnn.forecasting.gaussian import gaussian_quantiles
from tsrnn.forecasting.per_series import FEWEST_OBSERVED
from tsrnn.forecasting.series_values import interpolate, is_constant
from tsrnn.naming import counted

# The state of a seasonal model grows with the season, and the time of its filter with the cube of the state.
LONGEST_SEASON = 24
# Candidates of the search that the final estimate may fall back on.
_RUNNERS_UP = 3
# Missing values make an evaluation of the likelihood slow: only the newest rows of so many take part.
_MISSING_ROWS = 1000

Trouble = Literal["short", "failed"]


@dataclass(frozen=True)
class SeriesModel:
    """The fitted model of one series.

    Parameters
    ----------
    estimate : Estimate or None
        In units of `unit`; None if the series is forecast by the seasonal naive.
    unit : float
        Original units per unit of the estimate.
    season : Harmonics or None
        A long season that is taken out before and put back after, in units of `unit`.
    trouble : {"short", "failed"} or None
        Why there is no estimate.
    converged : bool
        False if the likelihood was still rising when its iteration stopped.
    out_of_time : bool
        True if the clock stopped the order search.
    """

    estimate: Estimate | None
    unit: float = 1.0
    season: Harmonics | None = None
    trouble: Trouble | None = None
    converged: bool = True
    out_of_time: bool = False

    def describe(self) -> str:
        """Return the order as text."""
        if self.estimate is None:
            return "seasonal naive"
        text = str(self.estimate.order)
        if self.season is None:
            return text
        return f"{text} + {counted(len(self.season.numbers), 'harmonic')} of {self.season.season_length}"


def fit_series(
    y: Floats,
    season_length: int,
    order: Order | None = None,
    *,
    max_search_points: int = 500,
    seconds: float = 10.0,
    previous: SeriesModel | None = None,
) -> SeriesModel:
    """Fit one series.

    Parameters
    ----------
    y : ndarray of shape (n,), original units
        NaN where missing. Missing values are interpolated for the search of the order only.
    season_length : int
        Beyond 24 an automatic order describes the season by harmonics instead of seasonal terms.
    order : Order, optional
        The order to estimate; searched by default.
    max_search_points : int
        The search looks at the newest points only.
    seconds : float
        Time limit of the search.
    previous : SeriesModel, optional
        Of the same series up to an earlier row. Its order is estimated again, from its coefficients; only where
        that fails is the order searched.

    Returns
    -------
    SeriesModel
        With `trouble` instead of an estimate if the series has fewer than 4 observed values, or no model
        could be estimated.
    """
    seen = np.flatnonzero(np.isfinite(y))
    if len(seen) < FEWEST_OBSERVED:
        return SeriesModel(None, trouble="short")
    unit = _unit(y[seen])
    scaled = y[: seen[-1] + 1] / unit
    first = int(seen[0])
    filled = interpolate(scaled[first:])
    season = None
    if order is None and season_length > LONGEST_SEASON:
        newest = min(len(filled), max(max_search_points, 6 * season_length))
        season = fit_harmonics(filled[-newest:], season_length)
        if season is not None:
            season = _shifted(season, len(scaled) - newest)
            scaled = scaled - season.at(np.arange(len(scaled)))
            filled = interpolate(scaled[first:])
        season_length = 1
    try:
        kept = None
        if order is None and previous is not None and previous.estimate is not None:
            differences = choose_differences(filled[-max_search_points:], season_length)
            kept = _kept(scaled[first:], filled, previous.estimate, differences)
        if kept is not None:
            estimate, out_of_time = kept, False
        elif order is None:
            found = search_order(filled, season_length, max_points=max_search_points, seconds=seconds)
            estimate = _final(scaled[first:], filled, found.ranked)
            out_of_time = found.out_of_time
        else:
            estimate, out_of_time = _fixed(scaled[first:], filled, order), False
    except (ArithmeticError, np.linalg.LinAlgError):
        return SeriesModel(None, trouble="failed")
    if not (np.isfinite(estimate.sigma) and np.isfinite(estimate.constant)):
        return SeriesModel(None, trouble="failed")
    return SeriesModel(estimate, unit, season, None, estimate.converged, out_of_time)


def _unit(values: Floats) -> float:
    """Return the typical step between observed values; the size of a constant series; 1 for zeros."""
    largest = float(np.abs(values).max())
    if largest == 0:
        return 1.0
    return largest if is_constant(values) else float(np.mean(np.abs(np.diff(values))))


def _shifted(season: Harmonics, rows: int) -> Harmonics:
    """Return the same season for a count of rows that starts `rows` earlier."""
    angle = 2 * np.pi / season.season_length * (rows % season.season_length) * season.numbers
    sines = season.sines * np.cos(angle) + season.cosines * np.sin(angle)
    cosines = season.cosines * np.cos(angle) - season.sines * np.sin(angle)
    return replace(season, sines=sines, cosines=cosines)


def _final(y: Floats, filled: Floats, ranked: list[Estimate]) -> Estimate:
    """Estimate the best candidate by its exact likelihood, or the next where that fails."""
    last = len(ranked) - 1
    for rank, candidate in enumerate(ranked):
        if _RUNNERS_UP <= rank < last:
            continue
        try:
            estimate = _exact(y, filled, candidate)
        except (ArithmeticError, np.linalg.LinAlgError):
            # Not an error of the series: this candidate has no finite likelihood, and the next one is tried.
            continue
        # A series whose differences are constant has no criterion, and only one candidate.
        if (np.isfinite(estimate.aicc) and estimate.converged) or rank == last:
            return estimate
    raise ArithmeticError("no candidate has a finite exact likelihood")


def _kept(y: Floats, filled: Floats, before: Estimate, differences: tuple[int, int]) -> Estimate | None:
    """Estimate an earlier order again from its coefficients; None where it will not do any more."""
    order = before.order
    if (order.d, order.D) != differences or len(filled) <= order.n_lost + order.n_coefficients + 2:
        return None
    try:
        estimate = _exact(y, filled, before)
    except (ArithmeticError, np.linalg.LinAlgError):
        # Not an error of the series: this order has no finite likelihood any more, and is searched again.
        return None
    return estimate if np.isfinite(estimate.aicc) and estimate.converged else None


def _fixed(y: Floats, filled: Floats, order: Order) -> Estimate:
    """Estimate an order that the user gave."""
    w = difference(filled, order)
    if len(w) < order.n_coefficients + order.constant + 2:
        raise ArithmeticError(f"{counted(len(filled), 'row is', 'rows are')} too few for the order {order}")
    return _exact(y, filled, fit_complete(w, order, exact=False))


def _exact(y: Floats, filled: Floats, start: Estimate) -> Estimate:
    """Maximise the exact likelihood of the observed values."""
    w = difference(filled, start.order)
    if is_constant(w):
        return fit_complete(w, start.order, exact=True)
    complete = fit_complete(w, start.order, exact=True, starts=[start.x])
    return complete if np.isfinite(y).all() else fit_missing(y[-_MISSING_ROWS:], complete)


def forecast_series(
    model: SeriesModel,
    y: Floats,
    ends: Integers,
    h: int,
    quantiles: Sequence[float],
    shift: int = 0,
) -> Floats:
    """Forecast from several cutoffs of one series, seeing nothing after each.

    Parameters
    ----------
    model : SeriesModel
    y : ndarray of shape (n,), original units
        NaN where missing.
    ends : ndarray of shape (B,)
        Rows before each forecast.
    h : int
    quantiles : sequence of float in (0, 1), Q of them
    shift : int
        How many rows after the first row of the fitted series `y` begins; places the long season.

    Returns
    -------
    ndarray of shape (B, h, Q), original units
        NaN throughout where nothing is observed before the cutoff, or too little for the order.
    """
    values = np.full((len(ends), h, len(quantiles)), np.nan)
    observed = sums_before(np.isfinite(y))[ends] > 0
    if model.estimate is not None and observed.any():
        rows = np.arange(len(y) + h, dtype=np.int64)
        season = np.zeros(len(rows)) if model.season is None else model.season.at(rows + shift)
        # A sigma of 0 would divide by 0 in the filter, and a tiny one lose all digits: the filter gets a floor.
        spread = float(np.max(np.abs([model.estimate.constant, 1.0])))
        floored = replace(model.estimate, sigma=max(model.estimate.sigma, 1e-8 * spread))
        mean, deviation, told = forecasts(floored, y / model.unit - season[: len(y)], ends, h)
        deviation *= model.estimate.sigma / floored.sigma
        mean += season[ends[:, None] + np.arange(h)]
        told &= observed & np.isfinite(mean).all(axis=1) & np.isfinite(deviation).all(axis=1)
        values[told] = model.unit * gaussian_quantiles(mean[told], deviation[told], quantiles)
    return values
