"""What the families of the prior are made of: random columns of numbers, walks, and the shapes of seasons."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rng = np.random.Generator


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


def coin(rng: Rng, share: float | Floats, count: int) -> Bools:
    """Draw a column of truth values. Shape (count, 1)."""
    drawn: Bools = rng.random((count, 1)) < share
    return drawn


def bounded_exp(y: Floats) -> Floats:
    """Return exp(y), with rows that leave ±6 shrunk as a whole: a limit would make them flat. Shape (n, T)."""
    bounded: Floats = np.exp(y * np.minimum(1, 6 / np.abs(y).max(1, keepdims=True).clip(min=1e-9)))
    return bounded


def returning_walk(memory: Floats, length: int, rng: Rng) -> Floats:
    """Draw first-order autoregressions of mean 0 and variance 1 that forget in about `memory` steps, shape (n, 1)."""
    keep = 1 - 1 / np.maximum(memory, 1.5)
    walk = rng.normal(size=(len(memory), length)) * np.sqrt(1 - keep**2)
    walk[:, 0] /= np.sqrt(1 - keep[:, 0] ** 2)
    for t in range(1, length):
        walk[:, t] += keep[:, 0] * walk[:, t - 1]
    return walk


def season_shapes(count: int, m: int, rng: Rng, clear: Bools | None = None) -> Floats:
    """Draw one season per row: waves mixed with single spikes, mean 0 and standard deviation 1; 0 without a season.

    Parameters
    ----------
    count, m : int
    rng : numpy.random.Generator
    clear : bool array of shape (count, 1), optional
        Rows that are smooth: hardly a spike, and the shorter a wave the lower.

    Returns
    -------
    array of shape (count, m)
    """
    if m == 1:
        return np.zeros((count, 1))
    phase = np.arange(m) / m
    decay = uniform(rng, 0, 1.5, count)
    if clear is not None:
        decay = np.where(clear, uniform(rng, 0.5, 3, count), decay)
    waves = np.zeros((count, m))
    for k in range(1, min(6, m // 2) + 1):
        waves += rng.normal(size=(count, 1)) * np.sin(2 * np.pi * (k * phase + rng.random((count, 1)))) / k**decay
    spikes = rng.normal(size=(count, m)) * (rng.random((count, m)) < uniform(rng, 0.05, 1, count))
    mix = rng.random((count, 1))
    if clear is not None:
        mix = np.where(clear, 1 - mix**4, mix)
    shape = mix * waves / (waves.std(1, keepdims=True) + 1e-9) + (1 - mix) * spikes
    shape -= shape.mean(1, keepdims=True)
    scaled: Floats = shape / (shape.std(1, keepdims=True) + 1e-9)
    return scaled


def is_year(seasons: tuple[int, ...]) -> bool:
    """Return whether the longest season is a year beside a shorter one: it holds thirteen of them or more.

    >>> is_year((7, 364)), is_year((24, 168)), is_year((52,))
    (True, False, False)
    """
    return seasons[-1] >= 13 * seasons[0] and len(seasons) > 1


def year_of_seasons(short: Floats, longest: int, rng: Rng) -> Floats:
    """Draw years: a season that swells and shrinks with a smooth course, in some with events of days or weeks.

    Parameters
    ----------
    short : array of shape (count, m)
        The short season of each, standard deviation 1.
    longest : int
        The year's length, a multiple of m.
    rng : numpy.random.Generator

    Returns
    -------
    array of shape (count, longest)
        Standard deviation 1. A few have no course of the year.
    """
    n, m = short.shape
    phase = np.arange(longest) / longest
    decay = uniform(rng, 0.5, 3, n)
    waves = np.zeros((n, longest))
    for k in range(1, 7):
        waves += rng.normal(size=(n, 1)) * np.sin(2 * np.pi * (k * phase + rng.random((n, 1)))) / k**decay
    course = waves / waves.std(1, keepdims=True)
    events = np.zeros((n, longest))
    for _ in range(4):
        apart = np.abs((phase - rng.random((n, 1)) + 0.5) % 1 - 0.5) * longest
        height = rng.normal(size=(n, 1)) * coin(rng, 0.5, n)
        events += height * np.exp(-((apart / log_uniform(rng, 0.15 * m, 4 * m, n)) ** 2))
    course += events * log_uniform(rng, 0.3, 5, n) * coin(rng, 0.5, n)
    course /= course.std(1, keepdims=True)
    swelling = 1 + course * uniform(rng, -0.4, 0.4, n) * coin(rng, 0.3, n)
    whole = np.tile(short, longest // m) * swelling
    whole += course * log_uniform(rng, 0.8, 8, n) * coin(rng, 0.95, n)
    whole -= whole.mean(1, keepdims=True)
    scaled: Floats = whole / (whole.std(1, keepdims=True) + 1e-9)
    return scaled


def whole_season(count: int, seasons: tuple[int, ...], rng: Rng, clear: Bools | None = None) -> Floats:
    """Draw a season as long as the longest one, standard deviation about 1.

    Of two seasons, such as a day and a week, the long one repeats the short with a strength and a level of its own
    for each repetition, as a weekend differs from a weekday. A year of weeks has a course (`year_of_seasons`). Rows
    that are `clear` are smooth (`season_shapes`).

    Returns
    -------
    array of shape (count, max(seasons))
    """
    m, longest = seasons[0], seasons[-1]
    short = season_shapes(count, m, rng, clear)
    if longest == m:
        return short
    if is_year(seasons):
        return year_of_seasons(short, longest, rng)
    whole = np.tile(short, longest // m)  # [count, longest]
    other = np.tile(season_shapes(count, m, rng, clear), longest // m)
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
