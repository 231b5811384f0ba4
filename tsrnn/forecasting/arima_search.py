"""Which ARIMA order suits a series: unit-root test, seasonal strength and a stepwise search, on arrays."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tsrnn.data.panel import Floats
from tsrnn.forecasting.arima_form import Estimate, Order, difference
from tsrnn.forecasting.arima_likelihood import fit_complete
from tsrnn.forecasting.series_values import is_constant

# Critical value at 5 % of the KPSS statistic for a level (Kwiatkowski et al. 1992, table 1).
_KPSS_LEVEL_5_PERCENT = 0.463
# Beyond this a difference at the season is called for (Hyndman and Athanasopoulos 2021, section 9.1).
_STRONG_SEASON = 0.64
# Series of at most this many points, with a season of at most _EXACT_SEASON, are searched by exact likelihood.
_EXACT_POINTS = 150
_EXACT_SEASON = 12
# Limits of the stepwise search of Hyndman and Khandakar (2008), section 3.2.
_MAX_DIFFERENCES = 2
_MAX_ORDER = 5
_MAX_SEASONAL_ORDER = 2
_MAX_CANDIDATES = 94
# What a step of the search changes: (p, q, P, Q). Simpler seasonal parts come first.
_MOVES = (
    (0, 0, -1, 0),
    (0, 0, 0, -1),
    (0, 0, 1, 0),
    (0, 0, 0, 1),
    (0, 0, -1, -1),
    (0, 0, -1, 1),
    (0, 0, 1, -1),
    (0, 0, 1, 1),
    (-1, 0, 0, 0),
    (0, -1, 0, 0),
    (1, 0, 0, 0),
    (0, 1, 0, 0),
    (-1, -1, 0, 0),
    (-1, 1, 0, 0),
    (1, -1, 0, 0),
    (1, 1, 0, 0),
)


@dataclass(frozen=True)
class Search:
    """What a search found.

    Parameters
    ----------
    ranked : list of Estimate
        By their criterion, best first; never empty, the last one is the plain differenced series. Their
        constants and standard deviations are in units of the searched series.
    out_of_time : bool
        True if the clock stopped the search.
    """

    ranked: list[Estimate]
    out_of_time: bool


def kpss_statistic(y: Floats) -> float:
    """Return the KPSS statistic of level stationarity.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Complete and not constant. The long-run variance takes floor(3 sqrt(n) / 13) lags with Bartlett weights.

    Source: Kwiatkowski, Phillips, Schmidt and Shin, Testing the null hypothesis of stationarity against the
    alternative of a unit root (1992), equations 10 and 13.
    """
    n = len(y)
    errors = y - y.mean()
    n_lags = int(3 * math.sqrt(n) / 13)
    variance = float(errors @ errors)
    for lag in range(1, n_lags + 1):
        variance += 2 * (1 - lag / (n_lags + 1)) * float(errors[lag:] @ errors[:-lag])
    return float(np.sum(np.cumsum(errors) ** 2)) / (n * variance)


def number_of_differences(y: Floats) -> int:
    """Difference complete values of shape (n,), at most twice, until the KPSS test accepts stationarity at 5 %.

    >>> number_of_differences(np.cumsum(np.ones(100)))
    1
    """
    d = 0
    while d < _MAX_DIFFERENCES and len(y) > 2 and not is_constant(y) and kpss_statistic(y) > _KPSS_LEVEL_5_PERCENT:
        y = np.diff(y)
        d += 1
    return d


def seasonal_strength(y: Floats, season_length: int) -> float:
    """Return how much of the detrended variance an STL season explains, from 0 to 1.

    Parameters
    ----------
    y : ndarray of shape (n,), complete
        With no more than two seasons the answer is 0.
    season_length : int

    Source: Wang, Smith and Hyndman, Characteristic-based clustering for time series data (2006); STL with a
    seasonal window of 11 and locally constant seasons.
    """
    # statsmodels takes half a second to import; a model without a season never needs STL.
    from statsmodels.tsa.seasonal import STL

    if season_length < 2 or len(y) <= 2 * season_length or is_constant(y):
        return 0.0
    parts = STL(y, period=season_length, seasonal=11, seasonal_deg=0).fit()
    detrended = float(np.var(parts.seasonal + parts.resid))
    return max(0.0, 1 - float(np.var(parts.resid)) / detrended) if detrended > 0 else 0.0


def choose_differences(y: Floats, season_length: int) -> tuple[int, int]:
    """Return the numbers of plain and of seasonal differences, (d, D).

    Parameters
    ----------
    y : ndarray of shape (n,), complete
    season_length : int
    """
    seasonal = int(seasonal_strength(y, season_length) > _STRONG_SEASON)
    if seasonal:
        y = y[season_length:] - y[:-season_length]
    return number_of_differences(y), seasonal


def search_order(y: Floats, season_length: int, *, max_points: int = 500, seconds: float = math.inf) -> Search:
    """Search the order of a series step by step from four starting models, by the corrected Akaike criterion.

    Series of up to 150 points with a season of up to 12 are searched by exact likelihood, others by the
    conditional sum of squares. Each candidate starts from the coefficients of the best model so far.

    Parameters
    ----------
    y : ndarray of shape (n,), complete, n >= 2
        In any units of moderate size.
    season_length : int
    max_points : int
        Only the newest points are used.
    seconds : float
        After this time the best model so far is taken. The result no longer depends on the machine only if
        the clock does not run out.

    Returns
    -------
    Search

    Source: Hyndman and Khandakar, Automatic time series forecasting: the forecast package for R (2008),
    section 3.2.
    """
    deadline = time.monotonic() + seconds
    y = y[-max_points:]
    n = len(y)
    d, seasonal_d = choose_differences(y, season_length)
    root = Order(0, d, 0, 0, seasonal_d, 0, season_length, constant=d + seasonal_d < 2)
    w = difference(y, root)
    exact = n <= _EXACT_POINTS and season_length <= _EXACT_SEASON
    if len(w) < 2 or is_constant(w):
        return Search([fit_complete(w, root, exact=exact)], out_of_time=False)
    max_plain = min(_MAX_ORDER, n // 3, season_length - 1 if season_length > 1 else _MAX_ORDER)
    max_seasonal = min(_MAX_SEASONAL_ORDER, n // (3 * season_length)) if season_length > 1 else 0
    tried: dict[Order, Estimate] = {}
    best = _try(w, root, tried, None, exact)
    for order in _starting_orders(root, n, max_plain, max_seasonal):
        best = min(best, _try(w, order, tried, best, exact), key=lambda one: one.aicc)
    improved, out_of_time = True, False
    while improved and not out_of_time:
        improved = False
        for order in _neighbours(best.order, max_plain, max_seasonal):
            if order in tried:
                continue
            if len(tried) >= _MAX_CANDIDATES:
                break
            if time.monotonic() > deadline:
                out_of_time = True
                break
            candidate = _try(w, order, tried, best, exact)
            if candidate.aicc < best.aicc:
                best, improved = candidate, True
                break
    fallback = replace(root, constant=root.constant and d + seasonal_d == 0)
    ranked = sorted((one for one in tried.values() if math.isfinite(one.aicc)), key=lambda one: one.aicc)
    if not any(one.order == fallback for one in ranked):
        ranked.append(fit_complete(w, fallback, exact=exact))
    return Search(ranked, out_of_time)


def _starting_orders(root: Order, n: int, max_plain: int, max_seasonal: int) -> Iterator[Order]:
    """Yield the starting models besides the plain one: a large one, AR, MA, and one without the constant."""
    large, large_seasonal = (2, 1) if n >= 10 else (1, 0)
    p, one = min(large, max_plain), min(1, max_plain)
    seasonal, seasonal_one = min(large_seasonal, max_seasonal), min(1, max_seasonal)
    yield replace(root, p=p, q=p, P=seasonal, Q=seasonal)
    yield replace(root, p=one, P=seasonal_one)
    yield replace(root, q=one, Q=seasonal_one)
    if root.constant:
        yield replace(root, constant=False)


def _neighbours(order: Order, max_plain: int, max_seasonal: int) -> Iterator[Order]:
    """Yield the models one step away: smaller and larger orders, then the constant in or out."""
    for p, q, seasonal_p, seasonal_q in _MOVES:
        one = replace(order, p=order.p + p, q=order.q + q, P=order.P + seasonal_p, Q=order.Q + seasonal_q)
        plain_fits = 0 <= one.p <= max_plain and 0 <= one.q <= max_plain
        if plain_fits and 0 <= one.P <= max_seasonal and 0 <= one.Q <= max_seasonal:
            yield one
    if order.d + order.D < 2:
        yield replace(order, constant=not order.constant)


def _try(w: Floats, order: Order, tried: dict[Order, Estimate], near: Estimate | None, exact: bool) -> Estimate:
    """Fit an order that was not tried yet and remember it; a model that will not do has an infinite criterion."""
    if order not in tried:
        starts = [] if near is None else [carried_start(near, order)]
        try:
            found = fit_complete(w, order, exact=exact, starts=starts)
            # Differenced twice and without a moving average, a model prolongs the last slope for ever. On held
            # back ends of the training parts of M1 and Tourism yearly that costs 1 % of the mean MASE.
            tried[order] = replace(found, aicc=math.inf) if order.d == 2 and order.q == 0 else found
        except ArithmeticError:
            # Not an error of the search: this order has no finite likelihood on this series.
            tried[order] = Estimate(order, np.zeros(order.n_coefficients), 0.0, math.nan, math.inf, False)
    return tried[order]


def carried_start(near: Estimate, order: Order) -> Floats:
    """Carry the coefficients of one model over to another order, zero where it has more of them."""
    x = np.zeros(order.n_coefficients)
    source = target = 0
    for have, want in zip(near.order.sizes, order.sizes, strict=True):
        both = min(have, want)
        x[target : target + both] = near.x[source : source + both]
        source += have
        target += want
    return x
