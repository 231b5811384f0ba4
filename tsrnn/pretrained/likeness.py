"""How much simulated series look like real ones, so that a member of the base can learn from those that do.

The prior is wide on purpose, and most of what it draws is unlike anything a user brings. A scorecard tells how likely
a series is to be real: a logistic regression on curves of a few statistics of the series, which has been fitted to
tell simulated series from the training parts of public ones (``benchmarks/likeness.py``). Its odds estimate the ratio
of the two densities (Sugiyama, Suzuki and Kanamori 2012, "Density ratio estimation in machine learning"). Of several
candidates those with high odds are more likely to be taken, but none is taken twice: what is chosen lies between what
the prior draws and what is real, the nearer to the latter the more candidates there are. The statistics are usual ones
(Hyndman, Wang and Laptev 2015, "Large-scale unusual time series detection"). Only they enter the scorecard; the
series that a network learns from are simulated all the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from tsrnn.errors import DataError
from tsrnn.naming import counted
from tsrnn.pretrained.draws import Floats, Rng

SCORECARDS = Path(__file__).parent / "likeness.json"
STATISTICS = (
    "variation",  # logarithm of the standard deviation; this and all that follows in units of the mean size
    "lowest",  # smallest value
    "roughness",  # logarithm of the standard deviation of the changes to that of the values
    "autocorrelation",
    "autocorrelation_of_changes",
    "second_autocorrelation_of_changes",  # at lag 2
    "seasonal_autocorrelation_of_changes",  # at the lag of a season
    "seasonal_strength",  # share of the season in the variance around the trend
    "seasonal_stability",  # correlation of the seasons of both halves
    "trend_strength",  # share of a line in the variance of the trend
    "slope",  # of that line over the whole series, in standard deviations
    "growth",  # of that line over a season
    "bend",  # share of a parabola in the variance of the trend, beyond the line's
    "noise",  # logarithm of the standard deviation of what trend and season leave
    "tails",  # logarithm of the 95 % quantile of absolute changes to their median
    "repeats",  # share of changes that are 0
    "distinct",  # distinct values per point
    "later_variation",  # logarithm of the standard deviation of the later changes to that of the earlier ones
    "trend_end",  # where the trend ends above its mean, in standard deviations
    "turns",  # how often the trend turns, per step
    "trend_roughness",  # logarithm of the standard deviation of the trend's second differences to that of the trend
)
# Beside the mean size of a series this is nothing.
TINY = 1e-9
# Odds beyond these are not told apart.
LEAST_ODDS, MOST_ODDS = 1e-3, 50.0
# Series that are measured at once, over the same number of points.
AT_ONCE = 256


def fewest_points(season_length: int) -> int:
    """Return how many points of a series its statistics take.

    >>> fewest_points(1), fewest_points(12)
    (7, 27)
    """
    return max(2 * season_length + 3, 7)


def statistics(series: Floats, season_length: int) -> Floats:
    """Describe series by numbers that do not depend on their unit.

    Parameters
    ----------
    series : array of shape (n, T)
        Finite values; T at least `fewest_points`.
    season_length : int
        1 means none.

    Returns
    -------
    array of shape (n, 21)
        As `STATISTICS` names them; finite.

    Examples
    --------
    >>> months = np.arange(48.0)
    >>> described = statistics(np.stack([months, 5 + np.sin(months * np.pi / 6)]), 12)
    >>> described[0, STATISTICS.index("trend_strength")].round(3).item()
    1.0
    >>> described[1, STATISTICS.index("seasonal_strength")].round(3).item()
    1.0
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


def end_statistics(series: Floats, season_length: int, lengths: Sequence[int], rng: Rng) -> Floats:
    """Describe the ends of series, each over one of some lengths.

    Parameters
    ----------
    series : array of shape (n, T)
    season_length : int
    lengths : sequence of int
        Numbers of points, drawn from for every few series; at most T are taken.
    rng : numpy.random.Generator

    Returns
    -------
    array of shape (n, 21)
        As `STATISTICS` names them.
    """
    described = np.empty((len(series), len(STATISTICS)))
    for start in range(0, len(series), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        length = min(int(rng.choice(lengths)), series.shape[1])
        described[part] = statistics(series[part, -length:], season_length)
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

    def __post_init__(self) -> None:
        """Refuse what cannot tell odds, before a training has learnt from it."""
        if self.season_length < 1 or not self.lengths or min(self.lengths) < fewest_points(self.season_length):
            raise ValueError(f"season_length={self.season_length}, lengths={self.lengths}")
        if len(self.curves) != len(STATISTICS):
            raise ValueError(f"{counted(len(self.curves), 'curve')}, expected {len(STATISTICS)}")
        for places, heights in self.curves:
            finite = np.isfinite([self.intercept, *places, *heights]).all()
            if not places or len(places) != len(heights) or not finite or (np.diff(places) <= 0).any():
                raise ValueError(f"a curve of the places {places} and heights {heights}")

    def log_odds(self, described: Floats) -> Floats:
        """Return the logarithm of the odds of series that `statistics` has described, shape (n,)."""
        total = np.full(len(described), self.intercept)
        for column, (places, heights) in zip(described.T, self.curves, strict=True):
            total += np.interp(column, places, heights)
        return total

    def describe(self, series: Floats, rng: Rng) -> Floats:
        """Return the statistics of the ends of series, which are as long as real ones are. Shape (n, 21)."""
        return end_statistics(series, self.season_length, self.lengths, rng)

    def choose(self, series: Floats, count: int, rng: Rng) -> Floats:
        """Draw some of many series, none twice; the higher the odds of one, the more likely it is drawn.

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
        # The largest of log odds with Gumbel noise are a weighted draw without replacement (Efraimidis and Spirakis
        # 2006).
        order = np.argsort(-(odds + rng.gumbel(size=len(odds))))[:count]
        chosen: Floats = series[rng.permutation(order)]
        return chosen


@lru_cache(maxsize=4)
def load_scorecards(path: Path = SCORECARDS) -> dict[str, Scorecard]:
    """Read the scorecards, by member of the base.

    Parameters
    ----------
    path : Path
        A JSON file, as ``benchmarks/likeness.py`` writes it.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    try:
        cards = json.loads(path.read_text(encoding="utf-8"))
        return {
            member: Scorecard(
                int(card["season_length"]),
                tuple(int(length) for length in card["lengths"]),
                float(card["intercept"]),
                tuple(
                    (tuple(map(float, places)), tuple(map(float, heights)))
                    for places, heights in (card["curves"][name] for name in STATISTICS)
                ),
            )
            for member, card in cards.items()
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise DataError(
            f"The scorecards of simulated series {path} cannot be read: {error!r}. Install tsrnn again."
        ) from error


def scorecard_of(member: str) -> Scorecard:
    """Return the scorecard of one member of the base.

    Raises
    ------
    DataError
        If there is none, or the file is missing or damaged.
    """
    cards = load_scorecards()
    if member not in cards:
        raise DataError(f"{SCORECARDS} has no scorecard of {member}. Fit one with benchmarks/likeness.py.")
    return cards[member]


def scorecard_checksum(member: str) -> str:
    """Return the SHA-256 of a member's scorecard, by which a training knows that it is still the same.

    Raises
    ------
    DataError
        If there is none, or the file is missing or damaged.
    """
    return hashlib.sha256(repr(scorecard_of(member)).encode()).hexdigest()
