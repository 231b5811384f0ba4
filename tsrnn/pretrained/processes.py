"""The families of series that the prior draws from.

Each is a kind of series that users bring, with its parameters drawn from wide ranges.

Sources: the exponential-smoothing family follows Hyndman et al. 2008, "Forecasting with exponential smoothing"; random
sums and products of Gaussian-process kernels follow KernelSynth (Ansari et al. 2024, "Chronos"), drawn here by random
Fourier features (Rahimi and Recht 2007); trend × season × noise follows ForecastPFN (Dooley et al. 2023); the prices
follow GARCH(1, 1) (Bollerslev 1986).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tsrnn.pretrained.draws import (
    Floats,
    Rng,
    bounded_exp,
    coin,
    is_year,
    log_uniform,
    returning_walk,
    season_shapes,
    steps_a_year,
    uniform,
    whole_season,
)
from tsrnn.pretrained.traits import PLAIN, Traits

# How much of noise that lasts is left after a step: of hours, where a day comes with a week, and of longer steps.
LASTING_HOURS, LASTING_STEPS = (0.8, 0.99), (0.5, 0.95)
# Standard deviation of the noise beside that of a clear season.
NOISE_OF_CLEAR = (0.004, 0.6)


def exponential_smoothing(
    count: int, length: int, seasons: tuple[int, ...], rng: Rng, traits: Traits = PLAIN
) -> Floats:
    """Draw from the exponential-smoothing family: level, damped or undamped trend, slowly changing season.

    Additive, or multiplicative as the exponential of an additive one; Student-t noise with some autocorrelation; a
    few breaks of the level. `traits` says how the trends behave, and by shares how many series have noise that is over
    only after many steps, seasons that become others (`season_changes`), smooth seasons far above their noise, levels
    that hardly move but for their trend, and of the additive ones how many were near zero lately (`additive_level`).
    """
    n, growth = count, traits.growth
    # Growth is a matter of years: a step that is a year moves twelve times as far as a month. Of shorter steps most
    # series have no lasting trend, and some are random walks.
    year = np.full((n, 1), steps_a_year(seasons[0]))
    if growth.steady:
        year[coin(rng, growth.steady, n)] = 365
    slow = year <= 12
    sigma = log_uniform(rng, 0.003, 0.25, n)
    alpha = np.where(coin(rng, 0.25, n), log_uniform(rng, 0.01, 0.2, n), rng.beta(1.2, 1.2, (n, 1)))
    alpha = np.where(coin(rng, np.where(slow, 0.0, 0.15), n), 1.0, alpha)
    beta = np.where(coin(rng, np.where(slow, 0.5, 0.75), n), 0.0, alpha * log_uniform(rng, 0.002, 0.4, n))
    damping = np.where(coin(rng, growth.undamped, n), 1.0, uniform(rng, growth.most_damping, 1.0, n))
    gamma = np.where(coin(rng, 0.6, n), 0.0, log_uniform(rng, 0.005, 0.4, n))
    direction = np.where(coin(rng, growth.rising, n), 1, -1) * np.abs(rng.standard_t(3, (n, 1)))
    pace = log_uniform(rng, 0.006 / year, 0.24 / np.minimum(year, 12), n)
    slope = direction * pace * coin(rng, np.where(slow, growth.trending, 0.5), n)
    clear = coin(rng, traits.clear_seasons, n) if traits.clear_seasons else None
    shape = whole_season(n, seasons, rng, clear)
    height = log_uniform(rng, 0.008, 0.5, n)
    if clear is not None:
        sigma = np.where(clear, height * log_uniform(rng, *NOISE_OF_CLEAR, n), sigma)
    seasonal = coin(rng, 0.85, n)
    season = shape * height * (seasonal if clear is None else seasonal | clear)
    tails = log_uniform(rng, 2.5, 50, n)
    shock = (rng.standard_t(np.broadcast_to(tails, (n, length))) * sigma).T.copy()  # [T, n]: a step is one row
    carried = np.where(coin(rng, 0.4, n), uniform(rng, -0.4, 0.8, n), 0.0)
    if traits.lasting_noise:
        # What moves an hour, such as the weather, moves the next ones nearly as much, and then is over.
        lasts = coin(rng, traits.lasting_noise, n)
        low, high = LASTING_HOURS if len(seasons) > 1 and not is_year(seasons) else LASTING_STEPS
        carried = np.where(lasts, uniform(rng, low, high, n), carried)
        alpha = np.where(lasts, alpha * (1 - carried), alpha)
    if traits.steady_levels:
        alpha = np.where(coin(rng, traits.steady_levels, n), alpha * log_uniform(rng, 0.001, 0.1, n), alpha)
    broken = rng.random((n, length)) < 0.004 * coin(rng, 0.4, n)
    breaks = (broken * rng.normal(size=(n, length)) * sigma * 8).T.copy()
    alpha, beta, damping, gamma, slope, carried = (x[:, 0] for x in (alpha, beta, damping, gamma, slope, carried))
    changes: float | Floats = 0.0
    if traits.changing_seasons:
        changes = season_changes(season, length, seasons, rng) * coin(rng, traits.changing_seasons, n)
    season, keep = season.T.copy(), gamma * (1 - alpha)
    m = len(season)
    level, noise, y = np.zeros(n), np.zeros(n), np.empty((length, n))
    for t in range(length):
        e = shock[t]
        noise = carried * noise + e
        slope = damping * slope
        level = level + slope
        y[t] = level + season[t % m] + noise
        level = level + alpha * noise + breaks[t]
        slope = slope + beta * e
        season[t % m] += keep * e
    series = y.T + changes
    return np.where(coin(rng, 0.6, n), bounded_exp(series), additive_level(series, traits.near_zero, rng) + series)


def additive_level(series: Floats, near_zero: float, rng: Rng) -> Floats:
    """Draw what is added to additive series: 1, or what lifts their last points, five to all, just above zero.

    Parameters
    ----------
    series : array of shape (n, T)
        T at least 2.
    near_zero : float
        Share of the series that are lifted so.
    rng : numpy.random.Generator

    Returns
    -------
    array of shape (n, 1)
    """
    n, length = series.shape
    if not near_zero:
        return np.ones((n, 1))
    late = np.arange(length) >= length - log_uniform(rng, min(5, length), length, n)
    low = np.where(late, series, np.inf).min(1, keepdims=True)
    high = np.where(late, series, -np.inf).max(1, keepdims=True)
    above_zero = (high - low) * log_uniform(rng, 0.02, 3, n) - low
    return np.where(coin(rng, near_zero, n), above_zero, 1.0)


def season_changes(season: Floats, length: int, seasons: tuple[int, ...], rng: Rng) -> Floats:
    """Draw what is added to a series when its season changes: a new timetable, or the clock moved by a step.

    Either at once and for good, or more and less as time goes on.

    Parameters
    ----------
    season : array of shape (count, m)
        The whole season that each series begins with.
    length : int
    seasons : tuple of int
        Season lengths, shortest first.
    rng : numpy.random.Generator

    Returns
    -------
    array of shape (count, length)
    """
    n, m = season.shape
    time = np.arange(length)
    other = whole_season(n, seasons, rng) * season.std(1, keepdims=True) * uniform(rng, 0.2, 1, n)
    moved = np.where(coin(rng, 0.5, n), np.roll(season, 1, axis=1), np.roll(season, -1, axis=1)) - season
    change = np.where(coin(rng, 0.4, n), moved, other)
    slowly = returning_walk(log_uniform(rng, m, 20 * m, n), length, rng)
    weight = np.where(coin(rng, 0.6, n), time >= rng.integers(length, size=(n, 1)), slowly)
    changes: Floats = weight * change[:, time % m]
    return changes


def smooth_trends(count: int, length: int, seasons: tuple[int, ...], rng: Rng, traits: Traits = PLAIN) -> Floats:
    """Draw trends that hold for years before they turn, a fixed season, and noise that says nothing of the trend.

    A share `traits.near_zero` of the additive ones was near zero lately (`additive_level`).
    """
    n, year = count, steps_a_year(seasons[0])
    slope = returning_walk(log_uniform(rng, 0.5 * year, 6.0 * year, n), length, rng)
    usual = rng.normal(size=(n, 1)) * coin(rng, 0.5, n) + 0.5
    level = np.cumsum((slope + usual) * log_uniform(rng, 0.01, 0.25, n) / year, 1)
    season = whole_season(n, seasons, rng) * log_uniform(rng, 0.008, 0.5, n) * coin(rng, 0.85, n)
    pattern = np.take(season, np.arange(length) % season.shape[1], axis=1)
    tails = log_uniform(rng, 2.5, 50, n)
    noise = rng.standard_t(np.broadcast_to(tails, (n, length))) * log_uniform(rng, 0.003, 0.15, n)
    y = level - level[:, :1] + pattern + noise
    return np.where(coin(rng, 0.6, n), bounded_exp(y), additive_level(y, traits.near_zero, rng) + y)


def drifting_cycles(count: int, length: int, seasons: tuple[int, ...], rng: Rng) -> Floats:
    """Draw cycles that keep no calendar, such as tides: their period is not quite a season, their phase wanders.

    Level and strength of the cycle move slowly, and there is little noise.
    """
    n, m = count, seasons[0]

    def walk(smallest: float, largest: float) -> Floats:
        return np.cumsum(rng.normal(size=(n, length)), 1) * log_uniform(rng, smallest, largest, n)

    pattern = season_shapes(n, m, rng)
    pace = 1 + np.where(coin(rng, 0.5, n), 1, -1) * log_uniform(rng, 0.0005, 0.06, n) * coin(rng, 0.8, n)
    phase = pace * np.arange(length) + walk(0.0005, 0.05)
    before = np.floor(phase)
    share = phase - before
    left, right = (np.take_along_axis(pattern, (before + k).astype(int) % m, 1) for k in (0, 1))
    strength = log_uniform(rng, 0.02, 0.5, n) * np.exp(walk(0.0001, 0.005).clip(-2, 2))
    slope = returning_walk(log_uniform(rng, 3 * m, 30 * m, n), length, rng)
    level = np.cumsum(slope, 1) * log_uniform(rng, 0.0002, 0.02, n)
    noise = rng.normal(size=(n, length)) * log_uniform(rng, 0.0003, 0.05, n)
    series: Floats = 1 + level + strength * ((1 - share) * left + share * right) + noise
    return series


def structural(count: int, length: int, seasons: tuple[int, ...], rng: Rng) -> Floats:
    """Draw trend × season × noise: a line, an exponential or an S-curve with a change of course, fixed seasons."""
    n = count
    time = np.arange(length) / length
    turn = rng.random((n, 1))
    after = np.maximum(time - turn, 0)
    line = 1 + rng.normal(size=(n, 1)) * 0.8 * time + rng.normal(size=(n, 1)) * coin(rng, 0.4, n) * after
    growth = np.exp(rng.normal(size=(n, 1)) * time + rng.normal(size=(n, 1)) * coin(rng, 0.4, n) * after)
    curve = 0.2 + 1 / (1 + np.exp(-(time - turn) * log_uniform(rng, 3, 30, n)))
    kind = rng.random((n, 1))
    trend = np.where(kind < 0.5, np.maximum(line, 0.05), np.where(kind < 0.8, growth, curve))
    season = whole_season(n, seasons, rng) * log_uniform(rng, 0.01, 0.6, n) * coin(rng, 0.85, n)
    pattern = np.take(season, np.arange(length) % season.shape[1], axis=1)
    size = np.exp(rng.normal(size=(n, 1)) * coin(rng, 0.3, n) * time)  # the season grows or fades
    noise = log_uniform(rng, 0.003, 0.3, n) * rng.normal(size=(n, length))
    series: Floats = trend * np.maximum(1 + pattern * size + noise, 0.0)
    return series


def gaussian_process(count: int, length: int, seasons: tuple[int, ...], rng: Rng) -> Floats:
    """Draw random sums and products of Gaussian-process kernels: smooth, rough, periodic, locally periodic, linear."""
    n = count
    time = np.arange(length)
    m = seasons[0]

    def smooth() -> Floats:
        scale = log_uniform(rng, 3, 1.5 * length, n)
        waves = np.zeros((n, length))
        features = 24
        for _ in range(features):
            waves += np.cos(rng.normal(size=(n, 1)) / scale * time + uniform(rng, 0, 2 * np.pi, n))
        return waves * math.sqrt(2 / features)

    season = whole_season(n, seasons, rng)
    pattern = np.take(season, time % season.shape[1], axis=1) if m > 1 else np.zeros((n, length))
    line = rng.normal(size=(n, 1)) * (time / length - 0.5) * 2
    local = pattern * (1 + 0.7 * smooth())
    total = smooth() * coin(rng, 0.8, n) + line * coin(rng, 0.4, n)
    total += np.where(coin(rng, 0.5, n), pattern, local) * coin(rng, 0.7, n) * log_uniform(rng, 0.2, 2, n)
    total += 0.5 * smooth() * coin(rng, 0.4, n)
    total += rng.normal(size=(n, length)) * log_uniform(rng, 0.01, 0.5, n)
    level = rng.exponential(3, (n, 1))
    return np.where(coin(rng, 0.3, n), np.exp(0.5 * total), total + level)


def prices(count: int, length: int, seasons: tuple[int, ...], rng: Rng) -> Floats:
    """Draw prices: the logarithm is a random walk whose volatility clusters as in GARCH(1, 1)."""
    n = count
    daily = log_uniform(rng, 0.001, 0.05, n)[:, 0]
    persistence = rng.uniform(0.0, 0.98, n)
    reaction = rng.uniform(0.02, 0.2, n) * (persistence > 0.3)
    memory = np.maximum(persistence - reaction, 0)
    shock = rng.standard_t(rng.uniform(3.5, 12, (1, n)), (length, n))
    drift = rng.normal(size=n) * 0.03 * daily
    variance = np.ones(n)
    log_price, y = np.zeros(n), np.empty((length, n))
    for t in range(length):
        change = np.sqrt(variance) * shock[t]
        log_price = log_price + drift + daily * change
        y[t] = log_price
        variance = np.minimum((1 - memory - reaction) + memory * variance + reaction * change**2, 50)
    return bounded_exp(y.T)


def counts(count: int, length: int, seasons: tuple[int, ...], rng: Rng) -> Floats:
    """Draw small whole numbers: Poisson or overdispersed counts around a level that moves and a season."""
    n = count
    walk = np.cumsum(rng.normal(size=(n, length)) * log_uniform(rng, 0.001, 0.05, n) * coin(rng, 0.6, n), axis=1)
    season = whole_season(n, seasons, rng) * log_uniform(rng, 0.02, 0.6, n) * coin(rng, 0.7, n)
    pattern = np.take(season, np.arange(length) % season.shape[1], axis=1)
    rate = log_uniform(rng, 1.0, 300, n) * np.exp((walk + pattern).clip(-4, 4))
    shape = log_uniform(rng, 1, 100, n)
    mixed = rng.gamma(np.broadcast_to(shape, rate.shape)) / shape  # overdispersion, as the negative binomial has
    drawn: Floats = rng.poisson(rate * np.where(coin(rng, 0.5, n), 1.0, mixed)).astype(np.float64)
    return drawn


def intermittent(count: int, length: int, seasons: tuple[int, ...], rng: Rng) -> Floats:
    """Draw demand that is mostly zero: its chance has a season, its size a distribution of its own."""
    n = count
    season = whole_season(n, seasons, rng) * uniform(rng, 0, 1, n) * coin(rng, 0.5, n)
    pattern = np.take(season, np.arange(length) % season.shape[1], axis=1)
    chance = 1 / (1 + np.exp(-(uniform(rng, -3, 1, n) + pattern)))
    size = 1 + rng.poisson(np.broadcast_to(log_uniform(rng, 0.3, 30, n), chance.shape))
    unit = np.where(coin(rng, 0.8, n), 1.0, log_uniform(rng, 0.1, 10, n))
    demand: Floats = (rng.random((n, length)) < chance) * size * unit
    return demand


FAMILIES: dict[str, Callable[[int, int, tuple[int, ...], Rng], Floats]] = {
    "exponential_smoothing": exponential_smoothing,
    "structural": structural,
    "gaussian_process": gaussian_process,
    "prices": prices,
    "counts": counts,
    "intermittent": intermittent,
    "drifting_cycles": drifting_cycles,
    "smooth_trends": smooth_trends,
}
