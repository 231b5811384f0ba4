"""How much simulated series look like real ones, so that a member of the base can learn from those that do.

The prior is wide on purpose, and most of what it draws is unlike anything a user brings. A scorecard tells how likely
a series is to be real: a logistic regression on curves of a few statistics of the series, which has been fitted to
tell simulated series from the training parts of public ones (``benchmarks/likeness.py``). Its odds are the ratio of
the two densities, so that series drawn by these odds are distributed more like the real ones: importance resampling
(Sugiyama, Suzuki and Kanamori 2012, "Density ratio estimation in machine learning"). The statistics are usual ones
(Hyndman, Wang and Laptev 2015, "Large-scale unusual time series detection"). Only they enter the scorecard; the
series that a network learns from are simulated all the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tsrnn.errors import DataError

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator

SCORECARDS = Path(__file__).parent / "likeness.json"
# In order: standard deviation and lowest value relative to the mean size; how rough the values are; autocorrelations
# of the values and of their changes; how strong and how stable the season is; how straight the trend, its slope
# relative to the spread, its growth per season, its bend; noise, tails of the changes, repeated values, distinct
# values; how much more the later half moves; where the trend ends; how often it turns, and how rough it is.
STATISTICS = (
    "variation",
    "lowest",
    "roughness",
    "autocorrelation",
    "autocorrelation_of_changes",
    "second_autocorrelation_of_changes",
    "seasonal_autocorrelation_of_changes",
    "seasonal_strength",
    "seasonal_stability",
    "trend_strength",
    "slope",
    "growth",
    "bend",
    "noise",
    "tails",
    "repeats",
    "distinct",
    "later_variation",
    "trend_end",
    "turns",
    "trend_roughness",
)
# Beside the mean size of a series this is nothing.
TINY = 1e-9
# Odds beyond these are not told apart.
LEAST_ODDS, MOST_ODDS = 1e-3, 50.0
# Series that are measured at once, over the same number of points.
AT_ONCE = 256


def statistics(series: Floats, season_length: int) -> Floats:
    """Describe series by numbers that do not depend on their unit.

    Parameters
    ----------
    series : array of shape (n, T)
        Finite values; T at least 2 * `season_length` + 3 and 7.
    season_length : int
        1 means none.

    Returns
    -------
    array of shape (n, 21)
        As `STATISTICS` names them; finite.

    Examples
    --------
    >>> months = np.arange(48.0)
    >>> line, season = statistics(np.stack([months, 5 + np.sin(months * np.pi / 6)]), 12)
    >>> round(line[STATISTICS.index("trend_strength")], 3), round(season[STATISTICS.index("seasonal_strength")], 3)
    (1.0, 1.0)
    """
    n, length = series.shape
    m = season_length
    size = np.abs(series).mean(1, keepdims=True)
    series = series / np.where(size > 0, size, 1.0)
    spread = series.std(1) + TINY
    changes = np.diff(series, axis=1)
    steps = np.abs(changes)
    half = changes.shape[1] // 2
    # A moving average over a season (of years over three) is the trend, what it leaves season and noise.
    window = m if m > 1 else 3
    weights = np.ones(window) if window % 2 else np.r_[0.5, np.ones(window - 1), 0.5]
    weights /= weights.sum()
    width = length - len(weights) + 1
    trend = np.zeros((n, width))
    for k, weight in enumerate(weights):
        trend += weight * series[:, k : k + width]
    before = (length - width) // 2
    noise, strength, stability = _season(series[:, before : before + width] - trend, before, m)
    bends = np.diff(trend, axis=1)
    directions = np.sign(np.where(np.abs(bends) > TINY, bends, 0.0))  # what is level is so however it rounds
    rise, line_error = _polynomial(trend, 1)
    curve_error = _polynomial(trend, 2)[1]
    variance = trend.var(1) + TINY**2
    columns = [
        np.log(spread),
        series.min(1),
        np.log((changes.std(1) + TINY) / spread),
        _autocorrelation(series, 1),
        _autocorrelation(changes, 1),
        _autocorrelation(changes, 2),
        _autocorrelation(changes, m) if m > 1 else np.zeros(n),
        strength,
        stability,
        1 - line_error / variance,
        rise / width * length / spread,
        rise / width * m,
        (line_error - curve_error) / variance,
        np.log(noise + TINY),
        np.log((np.quantile(steps, 0.95, axis=1) + TINY) / (np.median(steps, 1) + TINY)),
        (changes == 0).mean(1),
        (1 + (np.diff(np.sort(series, 1), axis=1) > 0).sum(1)) / length,
        np.log((changes[:, half:].std(1) + TINY) / (changes[:, :half].std(1) + TINY)),
        (trend[:, -1] - trend.mean(1)) / spread,
        (directions[:, 1:] != directions[:, :-1]).mean(1),
        np.log((np.diff(bends, axis=1).std(1) + TINY) / (trend.std(1) + TINY)),
    ]
    described: Floats = np.stack(columns, 1)
    return described


def _season(rest: Floats, start: int, m: int) -> tuple[Floats, Floats, Floats]:
    """Return the noise's standard deviation, the season's strength and its stability, each of shape (n,)."""
    n, width = rest.shape
    if m == 1:
        return rest.std(1), np.zeros(n), np.zeros(n)
    phase = (start + np.arange(width)) % m

    def profile(part: slice) -> Floats:
        means = np.zeros((n, m))
        for j in np.unique(phase[part]):
            means[:, j] = rest[:, part][:, phase[part] == j].mean(1)
        return means

    noise = rest - profile(slice(None))[:, phase]
    strength = np.maximum(0, 1 - noise.var(1) / (rest.var(1) + TINY**2))
    early, late = (p - p.mean(1, keepdims=True) for p in (profile(slice(width // 2)), profile(slice(width // 2, None))))
    stability: Floats = (early * late).sum(1) / (np.sqrt((early**2).sum(1) * (late**2).sum(1)) + TINY**2)
    return noise.std(1), strength, stability


def _polynomial(values: Floats, degree: int) -> tuple[Floats, Floats]:
    """Return how far the polynomial of least squares rises from end to end by its line, and its mean squared error."""
    time = np.linspace(-1, 1, values.shape[1])
    basis = np.polynomial.legendre.legvander(time, degree)
    coefficients = values @ np.linalg.pinv(basis).T
    return 2 * coefficients[:, 1], ((values - coefficients @ basis.T) ** 2).mean(1)


def _autocorrelation(values: Floats, lag: int) -> Floats:
    centred = values - values.mean(1, keepdims=True)
    product: Floats = (centred[:, lag:] * centred[:, :-lag]).sum(1) / ((centred**2).sum(1) + TINY**2)
    return product


@dataclass(frozen=True)
class Scorecard:
    """The odds that a series is real, as a sum of one curve per statistic.

    Parameters
    ----------
    season_length : int
        Under which the statistics are taken.
    lengths : tuple of int
        Points of real series, from which those of simulated ones are drawn to be measured.
    intercept : float
    curves : tuple of (tuple of float, tuple of float)
        Per statistic the places of a curve, increasing, and its heights there; between them it is straight, beyond
        them level.
    """

    season_length: int
    lengths: tuple[int, ...]
    intercept: float
    curves: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]

    def log_odds(self, described: Floats) -> Floats:
        """Return the logarithm of the odds of series that `statistics` has described, shape (n,)."""
        total = np.full(len(described), self.intercept)
        for column, (places, heights) in zip(described.T, self.curves, strict=True):
            total += np.interp(column, places, heights)
        return total

    def describe(self, series: Floats, rng: Rng) -> Floats:
        """Return the statistics of the ends of series, which are as long as real ones are. Shape (n, 21)."""
        described = np.empty((len(series), len(STATISTICS)))
        for start in range(0, len(series), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            length = min(int(rng.choice(self.lengths)), series.shape[1])
            described[part] = statistics(series[part, -length:], self.season_length)
        return described

    def choose(self, series: Floats, count: int, rng: Rng) -> Floats:
        """Draw some of many series by their odds, without drawing one twice.

        Parameters
        ----------
        series : array of shape (n, T)
        count : int
            At most n.
        rng : numpy.random.Generator

        Returns
        -------
        array of shape (count, T)
            In random order.
        """
        odds = self.log_odds(self.describe(series, rng)).clip(np.log(LEAST_ODDS), np.log(MOST_ODDS))
        # The largest of log odds with Gumbel noise are a draw by the odds (Efraimidis and Spirakis 2006).
        order = np.argsort(-(odds + rng.gumbel(size=len(odds))))[:count]
        chosen: Floats = series[rng.permutation(order)]
        return chosen


@lru_cache(maxsize=4)
def load_scorecards(path: Path = SCORECARDS) -> dict[str, Scorecard]:
    """Read the scorecards, by member of the base.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    try:
        cards = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: Scorecard(
                int(card["season_length"]),
                tuple(int(length) for length in card["lengths"]),
                float(card["intercept"]),
                tuple((tuple(card["curves"][name][0]), tuple(card["curves"][name][1])) for name in STATISTICS),
            )
            for name, card in cards.items()
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise DataError(
            f"The scorecards of simulated series {path} cannot be read: {error!r}. Install tsrnn again."
        ) from error
