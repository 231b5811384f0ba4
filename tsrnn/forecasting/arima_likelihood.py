"""Likelihood of a seasonal ARMA model of one complete series, on arrays.

A model is searched by its conditional sum of squares or its exact Gaussian likelihood. Both are sums of squares
of a vector, so that one Levenberg-Marquardt iteration serves them, with a handful of evaluations each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.linalg import lapack
from scipy.signal import lfilter

from tsrnn.data.panel import Floats, Integers
from tsrnn.forecasting.arima_form import Estimate, Order, polynomials, smallest_root

# Partial autocorrelations are kept below tanh(4) = .9993: beyond it covariances lose all their digits.
_LARGEST = 4.0
# AR and MA coefficients that nearly cancel leave the normal equations singular. With less damping the rounding
# of the data decides which of two distant maxima is found.
_LEAST_DAMPING = 1e-3


def conditional_residuals(w: Floats, ar: Floats, ma: Floats) -> tuple[Floats, float]:
    """Return innovations of the columns of `w`, with zeros for whatever came before the first row.

    Parameters
    ----------
    w : ndarray of shape (n, K)
    ar, ma : ndarray
        Expanded polynomials.

    Returns
    -------
    residuals : ndarray of shape (n, K)
    log_spread : float
        Mean logarithm of their relative standard deviations: 0.

    Source: Box and Jenkins, Time Series Analysis (1970), section 7.1.
    """
    return np.asarray(lfilter(ar, ma, w, axis=0)), 0.0


def exact_residuals(w: Floats, ar: Floats, ma: Floats) -> tuple[Floats, float]:
    """Return the whitened innovations that make up the exact Gaussian likelihood of an ARMA model.

    The first r = max(p, q) values and, after them, the values filtered by the autoregressive polynomial have a
    banded covariance matrix; its Cholesky factor whitens them in O(n r^2).

    Parameters
    ----------
    w : ndarray of shape (n, K)
    ar, ma : ndarray
        Expanded polynomials.

    Returns
    -------
    residuals : ndarray of shape (n, K)
        Of unit variance, in units of the innovations' standard deviation.
    log_spread : float
        Mean logarithm of the diagonal of the Cholesky factor.

    Raises
    ------
    ArithmeticError
        If the covariance is not positive definite in floating point.

    Source: Ansley, An algorithm for the exact likelihood of a mixed autoregressive-moving average process (1979).
    """
    p, q = len(ar) - 1, len(ma) - 1
    if p == q == 0:
        return w, 0.0
    n = len(w)
    r = min(max(p, q), n)
    autocovariance, cross = _covariances(ar, ma, max(p, q))
    band = max(r - 1, min(q, n - 1))
    lag, column = np.arange(band + 1)[:, None], np.arange(r)
    covariance = np.zeros((band + 1, n), order="F")
    covariance[:, :r] = np.where(lag + column < r, autocovariance[: band + 1, None], cross[: band + 1, None])
    filtered_covariance = np.correlate(np.concatenate([ma, np.zeros(q)]), ma, "valid")
    covariance[: q + 1, r:] = filtered_covariance[: band + 1, None]
    factor, failed = lapack.dpbtrf(covariance, lower=1, overwrite_ab=1)
    if failed:
        raise ArithmeticError("the covariance of an ARMA model is not positive definite")
    z = np.array(lfilter(ar, [1.0], w, axis=0), order="F")
    z[:r] = w[:r]
    whitened, failed = lapack.dtbtrs(factor, z, uplo="L", overwrite_b=1)
    if failed:
        raise ArithmeticError("the covariance of an ARMA model is singular")
    return whitened, float(np.log(factor[0]).mean())


def _covariances(ar: Floats, ma: Floats, r: int) -> tuple[Floats, Floats]:
    """Return autocovariances and covariances with filtered later values, at the lags 0 to r, for sigma = 1."""
    q = len(ma) - 1
    impulse = np.zeros(q + 1)
    impulse[0] = 1.0
    psi = lfilter(ma, ar, impulse)
    cross = np.zeros(r + 1)
    cross[: q + 1] = np.correlate(np.concatenate([ma, np.zeros(q)]), psi, "valid")
    padded = np.zeros(2 * r + 2)
    padded[: len(ar)] = ar
    toeplitz, hankel = _yule_walker_indices(r)
    _, _, autocovariance, failed = lapack.dgesv(padded[toeplitz] + padded[hankel], cross)
    if failed:
        raise ArithmeticError("the autocovariances of an ARMA model cannot be solved")
    return autocovariance, cross


@lru_cache(maxsize=256)
def _yule_walker_indices(r: int) -> tuple[Integers, Integers]:
    """Return where the coefficient of lag k - j and of lag k + j stands, 2 r + 1 (a zero) for none."""
    k, j = np.arange(r + 1)[:, None], np.arange(r + 1)
    nothing = 2 * r + 1
    return np.where(j <= k, k - j, nothing), np.where(j >= 1, k + j, nothing)


Innovations = Callable[[Floats, Floats], tuple[Floats, float]]


def estimate(
    innovations: Innovations, order: Order, starts: list[Floats], max_iterations: int = 40
) -> tuple[Floats, float, float, float, bool]:
    """Maximise a Gaussian likelihood over the coefficients, with constant and variance concentrated out.

    Parameters
    ----------
    innovations : callable
        Of the expanded polynomials; returns whitened innovations of shape (n, 1) or (n, 2) of the series and
        of the regressor of the constant, and the mean logarithm of their spread.
    order : Order
    starts : list of ndarray of shape (n_coefficients,)
        The best of them is where the iteration starts.
    max_iterations : int

    Returns
    -------
    x : ndarray of shape (n_coefficients,)
    constant : float
    sum_of_squares : float
        Of the whitened innovations.
    cost : float
        sum_of_squares * exp(2 log_spread); n log(cost) is -2 log-likelihood up to a constant.
    converged : bool

    Raises
    ------
    ArithmeticError
        If the likelihood cannot be computed at any start.
    """

    def residuals(x: Floats) -> Floats:
        whitened, log_spread = innovations(*polynomials(order, x))
        return _project(whitened)[0] * math.exp(log_spread)

    x, converged = _levenberg_marquardt(residuals, starts, max_iterations)
    whitened, log_spread = innovations(*polynomials(order, x))
    errors, constant = _project(whitened)
    squares = float(errors @ errors)
    return x, constant, squares, squares * math.exp(2 * log_spread), converged


def _project(whitened: Floats) -> tuple[Floats, float]:
    """Take the regressor in the second column, if there is one, out of the first."""
    errors = whitened[:, 0]
    if whitened.shape[1] == 1:
        return errors, 0.0
    regressor = whitened[:, 1]
    coefficient = float(regressor @ errors) / float(regressor @ regressor)
    return errors - coefficient * regressor, coefficient


def _levenberg_marquardt(
    residuals: Callable[[Floats], Floats], starts: list[Floats], max_iterations: int
) -> tuple[Floats, bool]:
    """Minimise a sum of squares; the Jacobian is taken by forward differences.

    Source: Marquardt, An algorithm for least-squares estimation of nonlinear parameters (1963).
    """

    def attempt(x: Floats) -> tuple[Floats, float]:
        try:
            f = residuals(x)
        except ArithmeticError:
            return np.empty(0), math.inf
        cost = float(f @ f)
        return f, cost if math.isfinite(cost) else math.inf

    tried = [(start, *attempt(start)) for start in starts]
    x, f, cost = min(tried, key=lambda one: one[2])
    if not math.isfinite(cost):
        raise ArithmeticError("the likelihood cannot be computed at the start of the iteration")
    if len(x) == 0 or cost == 0:
        return x, True
    damping = 1e-2
    for _ in range(max_iterations):
        jacobian = np.empty((len(f), len(x)))
        for i in range(len(x)):
            # Away from the bound, so that the difference is one of two possible models.
            step = -1e-5 if x[i] > 0 else 1e-5
            moved = x.copy()
            moved[i] += step
            ahead, ahead_cost = attempt(moved)
            jacobian[:, i] = (ahead - f) / step if math.isfinite(ahead_cost) else 0.0
        gradient, normal = jacobian.T @ f, jacobian.T @ jacobian
        # A coefficient that is held by its bound stays there, or the others would move as if it could follow.
        held = (np.abs(x) >= _LARGEST) & (x * gradient < 0)
        gradient[held], normal[held], normal[:, held] = 0.0, 0.0, 0.0
        normal[held, held] = 1.0
        before = cost
        while damping < 1e8:
            scale = np.diag(normal) * damping + 1e-12 * cost
            candidate = np.clip(x - np.linalg.solve(normal + np.diag(scale), gradient), -_LARGEST, _LARGEST)
            new_f, new_cost = attempt(candidate)
            if new_cost < cost:
                x, f, cost = candidate, new_f, new_cost
                damping = max(damping * 0.1, _LEAST_DAMPING)
                break
            damping *= 10
        if before - cost <= 1e-8 * before:
            return x, True
        damping = min(damping, 1e4)
    return x, False


def fit_complete(w: Floats, order: Order, *, exact: bool, starts: list[Floats] | None = None) -> Estimate:
    """Estimate an order on a complete, already differenced series.

    Parameters
    ----------
    w : ndarray of shape (n,)
        Differenced values without NaN.
    order : Order
    exact : bool
        Exact likelihood, or conditional sum of squares.
    starts : list of ndarray of shape (n_coefficients,), optional
        Where to start besides a model of nearly independent values.

    Returns
    -------
    Estimate

    Raises
    ------
    ArithmeticError
        If the likelihood cannot be computed.
    """
    columns = np.column_stack([w, np.ones(len(w))]) if order.constant else w[:, None]
    whiten = exact_residuals if exact else conditional_residuals
    x, constant, squares, cost, converged = estimate(
        lambda ar, ma: whiten(columns, ar, ma), order, [_plain_start(order), *(starts or [])]
    )
    return as_estimate(order, x, constant, squares, cost, len(w), converged)


def _plain_start(order: Order) -> Floats:
    """Return small autoregressive coefficients: where all are 0, those of AR and MA cannot be told apart."""
    return np.repeat([0.1, 0.0, 0.1, 0.0], order.sizes)


def as_estimate(
    order: Order, x: Floats, constant: float, squares: float, cost: float, n: int, converged: bool
) -> Estimate:
    """Return an estimate with its variance and criterion; n is the number of innovations."""
    free = n - order.n_coefficients - order.constant
    k = order.n_coefficients + order.constant + 1
    aicc = math.inf
    if n - k - 1 > 0 and smallest_root(order, x) >= 1.01:
        deviance = n * (math.log(2 * math.pi * cost / n) + 1) if cost > 0 else -math.inf
        aicc = deviance + 2 * k + 2 * k * (k + 1) / (n - k - 1)
    return Estimate(order, x, constant, math.sqrt(squares / max(free, 1)), aicc, converged)
