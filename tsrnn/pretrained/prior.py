"""The prior: random series from which the base model learns to forecast.

A recurrent network that has seen millions of simulated series forecasts real ones that it never saw. What it believes
of the world is what this file draws: every family below is a kind of series that users bring, with its parameters
drawn from wide ranges.

Sources: the exponential-smoothing family follows Hyndman et al. 2008, "Forecasting with exponential smoothing"; random
sums and products of Gaussian-process kernels follow KernelSynth (Ansari et al. 2024, "Chronos"), drawn here by random
Fourier features (Rahimi and Recht 2007); trend × season × noise follows ForecastPFN (Dooley et al. 2023); regime
switches, steps, spikes, censoring and mixup follow TempoPFN (2025); the prices follow GARCH(1, 1) (Bollerslev 1986).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator

# How often each family is drawn. Exponential smoothing is the core: business series look like it. A member of the
# base may ask for smooth trends and drifting cycles, too. Of years these were what was missing: with a share of 0,
# 12, 30 and 50 % the MASE on held-back ends of M1 and Tourism, relative to the naive forecast's, was .774, .754, .742
# and .754 (2,000 steps of 128 windows; other seeds .760 and .743 with 12 and 30 %); of quarters .784, .775 and .768
# with 0, 12 and 30 %; of months, with hospital and CIF and two seeds, .799 and .794 with 0 and 12 %, but after 5,000
# steps .795 (.788 after 10,000 without them), so the networks of months have none. With 10 % of drifting cycles the
# MASE on the two last horizons of M4 Hourly's training part went from 1.40 and 1.32 to 1.16 and 1.21: the 25 series
# that had lost most, by temperature-like curves whose hours move from day to day, were more than the whole gap to the
# seasonal naive. Most of these days had 23 rows, from some time on: now rows are left out of some series, which helps a
# network that is told of a window's own season. Real days also have noise that lasts for hours, and weekends that are
# faded copies of a weekday: with both, and twice the steps, fourteen real hourly series came from .93 to .83 of the
# seasonal naive's error.
SHARES = {
    "exponential_smoothing": 0.88,
    "structural": 0.03,
    "gaussian_process": 0.03,
    "prices": 0.02,
    "counts": 0.025,
    "intermittent": 0.015,
    "drifting_cycles": 0.0,
    "smooth_trends": 0.0,
}
# Of steps shorter than a month, prices are more common.
MORE_PRICES = 0.08
# Share of the series of days whose noise lasts for hours.
LASTING_NOISE = 0.4


@dataclass(frozen=True)
class Growth:
    """How the trends of the exponential-smoothing family behave.

    Parameters
    ----------
    trending, rising, undamped : float
        Shares of the series that have a trend, of the trends that rise, and of those that never fade.
    most_damping : float
        The smallest factor by which a fading trend shrinks at each step.
    steady : float
        Share of the series that move as slowly, and trend as rarely, as if their steps were days, whatever they are.
    """

    trending: float
    rising: float
    undamped: float
    most_damping: float
    steady: float = 0.0


# Views of the future; where the family holds networks of two, their forecasts are averaged.
GROWTHS = {
    "brisk": Growth(0.85, 0.65, 0.6, 0.8),
    "cautious": Growth(0.75, 0.5, 0.4, 0.7),
    "mixed": Growth(0.85, 0.65, 0.6, 0.8, steady=0.5),
    "lasting": Growth(0.85, 0.65, 0.85, 0.8),
}


def simulate(
    count: int,
    length: int,
    seasons: tuple[int, ...],
    rng: Rng,
    growth: str = "brisk",
    *,
    smooth: float = 0.0,
    drifting: float = 0.0,
    dropped: float = 0.0,
) -> Floats:
    """Draw series from the prior.

    Parameters
    ----------
    count, length : int
    seasons : tuple of int
        Season lengths, shortest first; 1 means none. A second one is a week of days or the like.
    rng : numpy.random.Generator
    growth : {"brisk", "cautious", "mixed", "lasting"}
        Of the exponential-smoothing family; see `GROWTHS`.
    smooth, drifting : float
        Shares of smooth trends and of drifting cycles, which come instead of as many of exponential smoothing.
    dropped : float
        Share of the series of which rows are left out; see `drop_rows`. Takes a season of 2 or more.

    Returns
    -------
    array of shape (count, length)
        Finite values, in units of their own.

    Examples
    --------
    >>> simulate(3, 40, (12,), np.random.default_rng(0)).shape
    (3, 40)
    """
    shares = dict(SHARES)
    year = steps_a_year(seasons[0])
    more = {
        "prices": MORE_PRICES * (year > 12),
        "drifting_cycles": drifting,
        "smooth_trends": smooth,
    }
    for name, share in more.items():
        shares["exponential_smoothing"] -= share
        shares[name] += share
    names = rng.choice(list(shares), size=count, p=list(shares.values()))
    whole = length + (math.ceil(length / (seasons[0] - 1)) if dropped else 0)
    series = np.empty((count, whole))
    for name in SHARES:
        rows = np.flatnonzero(names == name)
        if len(rows):
            if name == "exponential_smoothing":
                series[rows] = exponential_smoothing(len(rows), whole, seasons, rng, GROWTHS[growth])
            else:
                series[rows] = FAMILIES[name](len(rows), whole, seasons, rng)
    return disturb(drop_rows(series, length, seasons[0], dropped, rng) if dropped else series, rng)


def steps_a_year(season_length: int) -> int:
    """Guess how many steps make a year: a season is a year of up to 52 steps, a week, or a day.

    >>> steps_a_year(1), steps_a_year(12), steps_a_year(7), steps_a_year(24)
    (1, 12, 365, 8760)
    """
    if season_length in (1, 2, 4, 6, 12, 13, 26, 52):
        return season_length
    return 365 if season_length < 24 else 365 * season_length


def uniform(rng: Rng, low: float | Floats, high: float | Floats, count: int) -> Floats:
    """Draw a column of numbers, uniform between two bounds. Shape (count, 1)."""
    return rng.uniform(low, high, (count, 1))


def log_uniform(rng: Rng, low: float | Floats, high: float | Floats, count: int) -> Floats:
    """Draw a column of numbers whose logarithm is uniform. Shape (count, 1)."""
    drawn: Floats = np.exp(uniform(rng, np.log(low), np.log(high), count))
    return drawn


def coin(rng: Rng, share: float | Floats, count: int) -> npt.NDArray[np.bool_]:
    """Draw a column of truth values. Shape (count, 1)."""
    drawn: npt.NDArray[np.bool_] = rng.random((count, 1)) < share
    return drawn


def bounded_exp(y: Floats) -> Floats:
    """Return exp(y), with rows that leave ±6 shrunk as a whole: a limit would make them flat. Shape (n, T)."""
    bounded: Floats = np.exp(y * np.minimum(1, 6 / np.abs(y).max(1, keepdims=True).clip(min=1e-9)))
    return bounded


def season_shapes(count: int, m: int, rng: Rng) -> Floats:
    """Draw one season per row: waves mixed with single spikes, mean 0 and standard deviation 1; 0 without a season.

    Returns
    -------
    array of shape (count, m)
    """
    if m == 1:
        return np.zeros((count, 1))
    phase = np.arange(m) / m
    decay = uniform(rng, 0, 1.5, count)
    waves = np.zeros((count, m))
    for k in range(1, min(6, m // 2) + 1):
        waves += rng.normal(size=(count, 1)) * np.sin(2 * np.pi * (k * phase + rng.random((count, 1)))) / k**decay
    spikes = rng.normal(size=(count, m)) * (rng.random((count, m)) < uniform(rng, 0.05, 1, count))
    mix = rng.random((count, 1))
    shape = mix * waves / (waves.std(1, keepdims=True) + 1e-9) + (1 - mix) * spikes
    shape -= shape.mean(1, keepdims=True)
    scaled: Floats = shape / (shape.std(1, keepdims=True) + 1e-9)
    return scaled


def whole_season(count: int, seasons: tuple[int, ...], rng: Rng) -> Floats:
    """Draw a season as long as the longest one, standard deviation about 1.

    Of two seasons, such as a day and a week, the long one repeats the short with a strength and a level of its own
    for each repetition, as a weekend differs from a weekday.

    Returns
    -------
    array of shape (count, max(seasons))
    """
    m, longest = seasons[0], seasons[-1]
    short = season_shapes(count, m, rng)
    if longest == m:
        return short
    whole = np.tile(short, longest // m)  # [count, longest]
    other = np.tile(season_shapes(count, m, rng), longest // m)
    days = longest // m
    weekend = np.zeros((count, days))
    weekend[:, -2:] = 1.0
    free = rng.normal(size=(count, days)) * (rng.random((count, days)) < 0.4)
    day_level = np.where(coin(rng, 0.6, count), weekend * rng.normal(size=(count, 1)), free)
    first_day = rng.integers(days, size=(count, 1))
    day_level = np.take_along_axis(day_level, (np.arange(days) + first_day) % days, 1)
    strength = log_uniform(rng, 0.05, 1.0, count) * coin(rng, 0.7, count)
    # Where people work a weekend is a faded, lower copy of a weekday.
    weekend = np.take_along_axis(weekend, (np.arange(days) + first_day) % days, 1)
    faded = weekend * rng.random((count, 1)) * coin(rng, 0.5, count)
    lower = day_level * strength - faded * uniform(rng, 0, 1.5, count)
    share = np.repeat(np.abs(day_level).clip(0, 1), m, axis=1) * coin(rng, 0.5, count)
    whole = (whole * (1 - share) + other * share) * np.repeat(1 - faded, m, axis=1) + np.repeat(lower, m, axis=1)
    whole -= whole.mean(1, keepdims=True)
    scaled: Floats = whole / (whole.std(1, keepdims=True) + 1e-9)
    return scaled


def exponential_smoothing(
    count: int, length: int, seasons: tuple[int, ...], rng: Rng, growth: Growth = GROWTHS["brisk"]
) -> Floats:
    """Draw from the exponential-smoothing family: level, damped or undamped trend, slowly changing season.

    Additive, or multiplicative as the exponential of an additive one; Student-t noise with some autocorrelation; a
    few breaks of the level.
    """
    n = count
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
    season = whole_season(n, seasons, rng) * log_uniform(rng, 0.008, 0.5, n) * coin(rng, 0.85, n)
    tails = log_uniform(rng, 2.5, 50, n)
    shock = (rng.standard_t(np.broadcast_to(tails, (n, length))) * sigma).T.copy()  # [T, n]: a step is one row
    carried = np.where(coin(rng, 0.4, n), uniform(rng, -0.4, 0.8, n), 0.0)
    if len(seasons) > 1:
        # A day, the one season that comes with a second. What moves an hour, such as the weather, moves the next ones
        # nearly as much, and then is over.
        lasting = coin(rng, LASTING_NOISE, n)
        carried = np.where(lasting, uniform(rng, 0.8, 0.99, n), carried)
        alpha = np.where(lasting, alpha * (1 - carried), alpha)
    broken = rng.random((n, length)) < 0.004 * coin(rng, 0.4, n)
    breaks = (broken * rng.normal(size=(n, length)) * sigma * 8).T.copy()
    alpha, beta, damping, gamma, slope, carried = (x[:, 0] for x in (alpha, beta, damping, gamma, slope, carried))
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
    return np.where(coin(rng, 0.6, n), bounded_exp(y.T), 1 + y.T)


def smooth_trends(count: int, length: int, seasons: tuple[int, ...], rng: Rng) -> Floats:
    """Draw trends that hold for years before they turn, a fixed season, and noise that says nothing of the trend."""
    n, year = count, steps_a_year(seasons[0])
    slope = returning_walk(log_uniform(rng, 0.5 * year, 6.0 * year, n), length, rng)
    usual = rng.normal(size=(n, 1)) * coin(rng, 0.5, n) + 0.5
    level = np.cumsum((slope + usual) * log_uniform(rng, 0.01, 0.25, n) / year, 1)
    season = whole_season(n, seasons, rng) * log_uniform(rng, 0.008, 0.5, n) * coin(rng, 0.85, n)
    pattern = np.take(season, np.arange(length) % season.shape[1], axis=1)
    tails = log_uniform(rng, 2.5, 50, n)
    noise = rng.standard_t(np.broadcast_to(tails, (n, length))) * log_uniform(rng, 0.003, 0.15, n)
    y = level - level[:, :1] + pattern + noise
    return np.where(coin(rng, 0.6, n), bounded_exp(y), 1 + y)


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


def returning_walk(memory: Floats, length: int, rng: Rng) -> Floats:
    """Draw first-order autoregressions of mean 0 and variance 1 that forget in about `memory` steps, shape (n, 1)."""
    keep = 1 - 1 / np.maximum(memory, 1.5)
    walk = rng.normal(size=(len(memory), length)) * np.sqrt(1 - keep**2)
    walk[:, 0] /= np.sqrt(1 - keep[:, 0] ** 2)
    for t in range(1, length):
        walk[:, t] += keep[:, 0] * walk[:, t - 1]
    return walk


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


def drop_rows(series: Floats, length: int, season_length: int, share: float, rng: Rng) -> Floats:
    """Leave rows out of some series, as tables do that have no row where nothing was measured.

    What is a day has 23 rows then: from some time on, up to some time, or always. In some series a row is missing
    once a week or now and then, and what comes after it is out of step for good.

    Parameters
    ----------
    series : array of shape (count, whole)
        With `whole` at least ``length * m / (m - 1)`` for a season of m steps.
    length : int
        Rows that are kept.
    season_length : int
        2 or more.
    share : float
        Of the series that rows are left out of; the others keep their last rows.

    Returns
    -------
    array of shape (count, length)
    """
    n, m = len(series), season_length
    place = np.arange(length)
    kind = rng.random((n, 1))
    every = np.where(kind < 0.7, m - 1, 7 * m - 1)
    missing = np.where(kind < 0.85, (place + rng.integers(7 * m, size=(n, 1))) % every == 0, False)
    missing = np.where(kind < 0.85, missing, rng.random((n, length)) < log_uniform(rng, 1 / (30 * m), 1 / (2 * m), n))
    turn, when = rng.integers(length, size=(n, 1)), rng.random((n, 1))
    missing &= np.where(when < 0.4, True, np.where(when < 0.75, place >= turn, place < turn))
    missing &= coin(rng, share, n)
    left = series.shape[1] - length  # rows that may be left out
    out = np.minimum(np.cumsum(missing, 1), left)
    return np.take_along_axis(series, place + left - out[:, -1:] + out, 1)


def disturb(series: Floats, rng: Rng) -> Floats:
    """Give some series what happens to real ones: mixtures, changes of regime, spikes, steps, limits, rounding."""
    n, length = series.shape
    spread = np.abs(np.diff(series, axis=1)).mean(1, keepdims=True) + 1e-12
    centre = series.mean(1, keepdims=True)
    other = rng.permutation(n)
    z = (series - centre) / spread
    # Mixup: the average of two series, each in its own unit.
    share = rng.beta(1.5, 1.5, (n, 1))
    series = np.where(coin(rng, 0.05, n), centre + spread * (share * z + (1 - share) * z[other]), series)
    # Regime switch: from some time on the series goes on as another one does, from where it was.
    when = rng.integers(1, length, (n, 1))
    time = np.arange(length)
    jump = np.take_along_axis(z, when - 1, 1) - np.take_along_axis(z[other], when, 1)
    series = np.where(coin(rng, 0.03, n) & (time >= when), centre + spread * (z[other] + jump), series)
    # Step: the level changes once for good.
    step = rng.normal(size=(n, 1)) * 6 * spread * (time >= rng.integers(1, length, (n, 1)))
    series = series + step * coin(rng, 0.04, n)
    # Spikes: single values that say nothing of the future.
    rate = log_uniform(rng, 0.002, 0.05, n) * coin(rng, 0.12, n)
    spikes = (rng.random((n, length)) < rate) * rng.standard_t(3, (n, length)) * 6 * spread
    series = series + spikes
    # Limits: nothing sells below zero, a machine has a largest output.
    low, high = np.quantile(series, [0.15, 0.85], axis=1)[..., None]
    series = np.where(coin(rng, 0.015, n), np.maximum(series, low), series)
    series = np.where(coin(rng, 0.015, n), np.minimum(series, high), series)
    # Rounding to steps that are coarse beside the movement.
    unit = spread * log_uniform(rng, 0.2, 5, n)
    return np.where(coin(rng, 0.06, n), np.round(series / unit) * unit, series)
