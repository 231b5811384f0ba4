"""A seasonal ARIMA model as such: its order, its estimated coefficients, and the polynomials that they stand for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tsrnn.data.panel import Floats


@dataclass(frozen=True)
class Order:
    """Order of a seasonal ARIMA model, (p,d,q)(P,D,Q)[m], with or without a constant.

    The constant is the mean of the series where nothing is differenced, and a drift where it is differenced
    once; a model that is differenced twice has none.
    """

    p: int
    d: int
    q: int
    P: int = 0
    D: int = 0
    Q: int = 0
    m: int = 1
    constant: bool = False

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """How many coefficients of each kind there are, in the order in which they are stored: p, q, P, Q."""
        return self.p, self.q, self.P, self.Q

    @property
    def n_coefficients(self) -> int:
        """How many autoregressive and moving-average coefficients there are."""
        return sum(self.sizes)

    @property
    def n_lost(self) -> int:
        """How many values differencing takes away."""
        return self.d + self.D * self.m

    def __str__(self) -> str:
        text = f"({self.p},{self.d},{self.q})"
        if self.m > 1 and self.P + self.D + self.Q:
            text += f"({self.P},{self.D},{self.Q})[{self.m}]"
        if self.constant:
            text += " with drift" if self.d + self.D else " with mean"
        return text


@dataclass(frozen=True)
class Estimate:
    """An order with its estimated coefficients.

    Parameters
    ----------
    order : Order
    x : ndarray of shape (n_coefficients,)
        Unconstrained coefficients: artanh of partial autocorrelations, in the order p, q, P, Q.
    constant : float
        Mean of the differenced series, in its units.
    sigma : float
        Standard deviation of the innovations, in the units of the series.
    aicc : float
        Corrected Akaike criterion; infinite where the series is too short for the order, and where a root
        of a polynomial lies within 1 % of the unit circle.
    converged : bool
    """

    order: Order
    x: Floats
    constant: float
    sigma: float
    aicc: float
    converged: bool


def difference(y: Floats, order: Order) -> Floats:
    """Difference `y` of shape (n,) D times at lag m and d times at lag 1. Shape (n - n_lost,)."""
    for _ in range(order.D):
        y = y[order.m :] - y[: -order.m]
    return np.diff(y, order.d)


def polynomials(order: Order, x: Floats) -> tuple[Floats, Floats]:
    """Return the expanded polynomials of an ARMA model, stationary and invertible whatever `x` is.

    Returns
    -------
    ar : ndarray of shape (p + m P + 1,)
        1, -phi_1, ...: the product of the seasonal and the other autoregressive polynomial.
    ma : ndarray of shape (q + m Q + 1,)
        1, theta_1, ...

    Source: Monahan, A note on enforcing stationarity in autoregressive-moving average models (1984).
    """
    p, q, seasonal_p, seasonal_q = _factors(order, x)
    return _product(p, seasonal_p, order.m), _product(q, seasonal_q, order.m)


def smallest_root(order: Order, x: Floats) -> float:
    """Return the smallest modulus of a root of the four AR and MA polynomials (infinite if there is none).

    A seasonal polynomial counts in powers of B^m: in powers of B a moving average of .9, which is common at a
    season of 12, would lie within 1 % of the unit circle.
    """
    # The largest root of z^p - c_1 z^(p-1) - ... is the inverse of the smallest of 1 - c_1 B - ...
    largest = [float(np.abs(np.roots(factor)).max()) for factor in _factors(order, x) if any(factor[1:])]
    return min((1 / root for root in largest), default=math.inf)


def _factors(order: Order, x: Floats) -> list[list[float]]:
    """Return the four polynomials 1, -c_1, -c_2, ... of p, q, P and Q, the last two in powers of B^m."""
    partial, factors = np.tanh(x).tolist(), []
    for size in order.sizes:
        factors.append([1.0, *(-c for c in _from_partial(partial[:size]))])
        partial = partial[size:]
    return factors


def _from_partial(partial: list[float]) -> list[float]:
    """Turn partial autocorrelations into autoregressive coefficients (Durbin-Levinson)."""
    coefficients: list[float] = []
    for value in partial:
        coefficients = [c - value * back for c, back in zip(coefficients, coefficients[::-1], strict=True)]
        coefficients.append(value)
    return coefficients


def _product(plain: list[float], seasonal: list[float], lag: int) -> Floats:
    if len(seasonal) == 1:
        return np.array(plain)
    spread = np.zeros((len(seasonal) - 1) * lag + 1)
    spread[::lag] = seasonal
    return np.convolve(plain, spread)
