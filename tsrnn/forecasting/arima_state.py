"""State-space form of a seasonal ARIMA model: likelihood with missing values, and forecasts from any cutoff.

The filter is the Kalman filter of statsmodels. The state holds the ARMA process of the differenced series and,
below it, the last n_lost values of the series itself, which are diffuse at the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

from tsrnn.data.panel import Bools, Floats, Integers
from tsrnn.forecasting.arima_form import Estimate, Order, polynomials
from tsrnn.forecasting.arima_likelihood import as_estimate, estimate
from tsrnn.naming import counted

# Variance of a value before anything was seen, in units of the innovations' variance.
_DIFFUSE = 1e8
# Above this variance a state still lacks the values that would tell it.
_UNTOLD = 1e6
# The filtered covariances of all rows of a chunk are held in memory: at most this many numbers.
_CHUNK_NUMBERS = 4_000_000


@dataclass(frozen=True)
class StateSpace:
    """Matrices of a model with innovations of unit variance, K states.

    Parameters
    ----------
    design : ndarray of shape (1, K)
    transition : ndarray of shape (K, K)
    selection : ndarray of shape (K, 1)
    covariance : ndarray of shape (K, K)
        Of the state before the first row.
    """

    design: Floats
    transition: Floats
    selection: Floats
    covariance: Floats


def state_space(order: Order, ar: Floats, ma: Floats, diffuse: float = _DIFFUSE) -> StateSpace:
    """Return the matrices of an ARIMA model.

    Parameters
    ----------
    order : Order
    ar, ma : ndarray
        Expanded polynomials of the differenced series.
    diffuse : float
        Variance of the values before the first row.

    Source: Harvey, Forecasting, Structural Time Series Models and the Kalman Filter (1989), section 3.3.
    """
    r = max(len(ar) - 1, len(ma))
    lags = order.n_lost
    # y_t = w_t + weights_1 y_(t-1) + ..., from (1 - B)^d (1 - B^m)^D y_t = w_t.
    operator = np.ones(1)
    for step in [1] * order.d + [order.m] * order.D:
        operator = np.convolve(operator, np.r_[1.0, np.zeros(step - 1), -1.0])
    design = np.zeros((1, r + lags))
    design[0, 0] = 1.0
    design[0, r:] = -operator[1:]
    transition = np.zeros((r + lags, r + lags))
    transition[: len(ar) - 1, 0] = -ar[1:]
    transition[np.arange(r - 1), np.arange(1, r)] = 1.0
    if lags:
        transition[r] = design[0]
        transition[np.arange(r + 1, r + lags), np.arange(r, r + lags - 1)] = 1.0
    selection = np.zeros((r + lags, 1))
    selection[: len(ma), 0] = ma
    covariance = np.zeros((r + lags, r + lags))
    covariance[:r, :r] = _stationary_covariance(transition[:r, :r], selection[:r])
    covariance[np.arange(r, r + lags), np.arange(r, r + lags)] = diffuse
    return StateSpace(design, transition, selection, covariance)


def _stationary_covariance(transition: Floats, selection: Floats) -> Floats:
    """Return P = T P T' + R R' by doubling: after k rounds the sum holds 2^k of its terms."""
    total: Floats = selection @ selection.T
    power = transition
    for _ in range(30):
        added = power @ total @ power.T
        total = total + added
        if float(np.abs(added).max()) <= 1e-13 * float(np.abs(total).max()):
            break
        power = power @ power
    return total


def filtered(space: StateSpace, y: Floats) -> Iterator[tuple[int, Floats, Floats, Floats, Floats]]:
    """Run the Kalman filter over a series, chunk by chunk.

    Parameters
    ----------
    space : StateSpace
    y : ndarray of shape (n,)
        In units of the innovations; NaN where missing.

    Yields
    ------
    first : int
        The chunk's first row.
    errors, variances : ndarray of shape (rows,)
        Of the one-step forecast; errors are 0 where the value is missing.
    states : ndarray of shape (K, rows + 1)
        Before each row, and after the last.
    covariances : ndarray of shape (K, K, rows + 1)
    """
    n_states = len(space.transition)
    rows = max(_CHUNK_NUMBERS // n_states**2, 50)
    state, covariance = np.zeros(n_states), space.covariance
    for first in range(0, max(len(y), 1), rows):
        chunk = np.ascontiguousarray(y[first : first + rows])
        if not len(chunk):
            yield first, chunk, chunk, state[:, None], covariance[:, :, None]
            return
        kalman = KalmanFilter(
            k_endog=1,
            k_states=n_states,
            k_posdef=1,
            design=space.design,
            transition=space.transition,
            selection=space.selection,
            state_cov=np.ones((1, 1)),
            tolerance=1e-14,
        )
        kalman.bind(chunk[:, None])
        kalman.initialize_known(state, covariance)
        result = kalman.filter()
        states, covariances = result.predicted_state, result.predicted_state_cov
        errors = np.where(np.isfinite(chunk), result.forecasts_error[0], 0.0)
        yield first, errors, result.forecasts_error_cov[0, 0], states, covariances
        state, covariance = states[:, -1].copy(), covariances[:, :, -1].copy()


def fit_missing(y: Floats, start: Estimate, max_iterations: int = 8) -> Estimate:
    """Estimate an order on a series with missing values by its exact likelihood, nothing filled.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Not differenced; NaN where missing.
    start : Estimate
        The order, and coefficients to start from; its `sigma`, not 0, sets the unit of the filter.
    max_iterations : int

    Returns
    -------
    Estimate

    Raises
    ------
    ArithmeticError
        If the likelihood cannot be computed, or too few values are observed for the order.
    """
    order = start.order
    seen = np.isfinite(y)
    unit = start.sigma
    origin = y[seen][0] if order.n_lost else 0.0
    columns = [(y - origin) / unit]
    if order.constant:
        columns.append(np.where(seen, constant_line(order, len(y)), np.nan))
    told = _told_rows(order, columns[0])
    if told.sum() <= order.n_coefficients + order.constant + 1:
        raise ArithmeticError(
            f"{counted(int(told.sum()), 'innovation is', 'innovations are')} too few for the order {order}"
        )

    def innovations(ar: Floats, ma: Floats) -> tuple[Floats, float]:
        space = state_space(order, ar, ma)
        whitened = []
        for column in columns:
            parts = list(filtered(space, column))
            variances = np.concatenate([part[2] for part in parts])[told]
            errors = np.concatenate([part[1] for part in parts])[told]
            if not np.all(variances > 0):
                raise ArithmeticError("the Kalman filter met a variance that is not positive")
            whitened.append(errors / np.sqrt(variances))
        return np.column_stack(whitened), float(np.log(variances).mean()) / 2

    x, constant, squares, cost, converged = estimate(innovations, order, [start.x], max_iterations)
    found = as_estimate(order, x, constant, squares, cost, int(told.sum()), converged)
    return replace(found, constant=constant * unit, sigma=found.sigma * unit)


def _told_rows(order: Order, y: Floats) -> Bools:
    """Mark observed rows whose forecast rests on observed values; the others tell the diffuse start."""
    bare = state_space(order, np.ones(1), np.ones(1))
    variances = np.concatenate([part[2] for part in filtered(bare, y)])
    marked: Bools = np.isfinite(y) & (variances < _UNTOLD)
    return marked


def constant_line(order: Order, n: int) -> Floats:
    """Return the series of shape (n,) whose differences are 1: ones, or a straight line."""
    if order.d + order.D == 0:
        return np.ones(n)
    return np.arange(n) / (order.m if order.D else 1)


def forecasts(found: Estimate, y: Floats, ends: Integers, h: int) -> tuple[Floats, Floats, Bools]:
    """Forecast from several cutoffs of one series, in one pass of the filter with fixed coefficients.

    Parameters
    ----------
    found : Estimate
        Its `sigma`, not 0, stays the scale of all forecasts.
    y : ndarray of shape (n,)
        In the units of `found`; NaN where missing. The rows from an end on are not seen by its forecast.
    ends : ndarray of shape (B,)
        Rows before the forecast, B of them.
    h : int

    Returns
    -------
    mean, deviation : ndarray of shape (B, h), in the units of `found`
    told : bool ndarray of shape (B,)
        False where too little was observed before the cutoff for the order, and the forecast means nothing.
    """
    order = found.order
    last = int(ends.max(initial=0))
    line = found.constant * constant_line(order, last + h) if order.constant else np.zeros(last + h)
    history = y[:last] - line[:last]
    seen = np.flatnonzero(np.isfinite(history))
    # A differenced process has no level of its own: start from the first value, which every cutoff has seen.
    origin = history[seen[0]] if order.n_lost and len(seen) else 0.0
    space = state_space(order, *polynomials(order, found.x))
    rows = np.empty((h, len(space.transition)))
    rows[0] = space.design[0]
    for step in range(1, h):
        rows[step] = rows[step - 1] @ space.transition
    psi = rows @ space.selection[:, 0]
    # The first step's own innovation is part of the covariance of the state.
    ahead = np.concatenate([[0.0], np.cumsum(psi[:-1] ** 2)])
    mean, variance = np.empty((len(ends), h)), np.empty((len(ends), h))
    told = np.zeros(len(ends), dtype=np.bool_)
    for first, errors, _, states, covariances in filtered(space, (history - origin) / found.sigma):
        for b in np.flatnonzero((ends >= first) & (ends <= first + len(errors))):
            at = int(ends[b]) - first
            covariance = covariances[:, :, at]
            told[b] = float(covariance.diagonal().max()) < _UNTOLD
            mean[b] = rows @ states[:, at]
            variance[b] = np.einsum("hk,hk->h", rows @ covariance, rows) + ahead
    deviation = np.sqrt(np.maximum(variance, 0.0)) * found.sigma
    return mean * found.sigma + origin + line[ends[:, None] + np.arange(h)], deviation, told
