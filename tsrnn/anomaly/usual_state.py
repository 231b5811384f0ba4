"""How far a series, or the channels of a system together, are from the state they are usually in.

A forecast follows a new level and soon finds it ordinary. A valve that stays half closed is not: this distance stays
large for as long as the values do. It is that of moving averages of the values from their slow mean, in units of their
slow covariance (Mahalanobis), relative to a middling one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from tsrnn.anomaly.arrays import SeriesArrays
from tsrnn.anomaly.limits import compress, least_spread

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.data.panel import Bools, Floats

SPAN = 16.0  # rows of a moving average
# A value counts for no farther from the mean than this, in standard deviations.
REACH = 5.0
# A row this many times as far away as a middling one is learnt from with the weight 1, one farther away with a weight
# that falls with this power of its distance, so that a state that persists does not become the usual one at once.
CUT, POWER, LEAST = 2.4, 4, 0.01
# The middling distance is half of what this share of all rows exceed. Each block moves it by this rate, in the
# beginning more quickly. (A mean would shrink for ever, since rows far away hardly count.)
ABOVE, HALF, RATE, QUICK, SLOW = 0.1, 0.5, 0.01, 0.5, 5.0
# Rows that the guess weighs that channels have nothing to do with each other, and what keeps their matrix regular.
PRIOR, RIDGE = 100.0, 1e-3
# Variance of moving averages, as a share of that of values, where there are no moving averages yet.
SMOOTHED = 0.2
# Rows from which on the oldest are forgotten, and the same in blocks.
LONGEST, MOST_BLOCKS = 4000.0, 166.0
# Blocks before which distances say nothing, and blocks that the guess weighs that levels of channels mean nothing.
FIRST_DISTANCES, DOUBT = 3.0, 4.0
# Von Neumann's ratio of n block means of a random walk is up to 10 / n in 95 % of all cases (200 simulated walks, n
# from 12 to 67). Of a single series' ratio this / n is taken off; with what a trusted one must be beyond that, walks
# hardly pass. Of channels, whose ratios are averaged, nothing is taken off: VUS-PR on SKAB would be some .03 less.
WALK = 6.0
# A distance grows with its logarithm from here on.
LINEAR = 12.0
# No middling distance is taken for smaller than this.
LEAST_BASE = 1e-6
# A moving average is taken for no steadier than this, in standard deviations of the values.
STEADIEST = 0.1
# With less trust than the first a distance counts nothing, from the second on all that it can.
NO_TRUST, FULL_TRUST = 0.2, 0.4
# What a distance weighs beside a score, of one series and of channels, and the trusted one from which on a row does not
# tell what is ordinary.
WEIGHT, CHANNELS_WEIGHT, FAR = 0.25, 0.5, 6.0


@dataclass
class UsualState(SeriesArrays):
    """What is usual of S systems of C channels; its size does not depend on how long they are.

    Parameters
    ----------
    rows : (S, C)
        Sum of the weights of the rows learnt from.
    mean : (S, C)
    squares : (S, C)
        Weighted sum of squared deviations of the values from their mean.
    products : (S, C, C)
        Weighted sum of products of deviations of the moving averages.
    smooth : (S, C)
        Moving averages of the values.
    last : (S, C)
        Means of the block before.
    steps, sizes : (S, C)
        Half the mean squared change from one block's mean to the next, and their mean squared deviation.
    blocks : (S,)
        Blocks behind these two.
    base, base_blocks : (S,)
        The middling distance, and from how many blocks it is known.
    trust : (S,)
        How much the distance says: near 1 where block means are independent, 0 where they wander or follow a trend, so
        that there is no usual level, or are so few that they might (von Neumann's ratio of the two sums above, averaged
        over channels, less what it may be in a random walk).
    precision : (S, C, C)
        What distances of the present block are measured with.
    held : (S, K)
        The distances of the last K rows before the present block; a distance that lasts for so many is accepted.
    block_* : (S, s, C) and (S, s)
        Values, moving averages and distances of the present block.
    """

    rows: Floats
    mean: Floats
    squares: Floats
    products: Floats
    smooth: Floats
    last: Floats
    steps: Floats
    sizes: Floats
    blocks: Floats
    base: Floats
    base_blocks: Floats
    trust: Floats
    precision: Floats
    held: Floats
    block_values: Floats
    block_smooth: Floats
    block_distance: Floats

    @classmethod
    def fresh(cls, n: int, channels: int, block: int, patience: int) -> Self:
        """Return the state of n systems of which nothing has been seen."""

        def full(value: float, *shape: int) -> Floats:
            return np.full((n, *shape), value)

        return cls(
            rows=full(0.0, channels),
            mean=full(0.0, channels),
            squares=full(0.0, channels),
            steps=full(0.0, channels),
            sizes=full(0.0, channels),
            products=full(0.0, channels, channels),
            smooth=full(np.nan, channels),
            last=full(np.nan, channels),
            blocks=full(0.0),
            base=full(float(np.sqrt(chi2.ppf(1 - ABOVE, channels) / channels)) * HALF),
            base_blocks=full(0.0),
            trust=full(0.0),
            precision=full(np.nan, channels, channels),
            held=full(0.0, patience),
            block_values=full(np.nan, block, channels),
            block_smooth=full(np.nan, block, channels),
            block_distance=full(np.nan, block),
        )

    def restarted(self) -> Self:
        """Return a state that has read nothing, but knows what is usual."""
        other = self.take(np.arange(len(self.rows)))
        other.smooth = np.where(self.rows > 0, self.mean, np.nan)
        other.last = np.full_like(self.last, np.nan)
        other.held = np.zeros_like(self.held)
        for name in ("block_values", "block_smooth", "block_distance"):
            setattr(other, name, np.full_like(getattr(self, name), np.nan))
        return other

    def read(self, y: Floats, place: int) -> tuple[Floats, Floats]:
        """Read n further rows of a block.

        Parameters
        ----------
        y : ndarray of shape (S, n, C), original units
            NaN where nothing was observed, which leaves the moving averages as they are.
        place : int
            Rows of the block read before.

        Returns
        -------
        distance : ndarray of shape (S, n)
            The distance relative to a middling one; NaN where nothing is known yet.
        beyond : ndarray of shape (S, n)
            What of it goes beyond the distance that the K rows before never fell below: that much is accepted.
        """
        end = place + y.shape[1]
        reach = REACH * self._spread()[:, None]
        held = np.clip(y, self.mean[:, None] - reach, self.mean[:, None] + reach)
        for j in range(y.shape[1]):
            moved = self.smooth + (held[:, j] - self.smooth) / SPAN
            self.smooth = np.where(np.isfinite(y[:, j]), moved, self.smooth)
            self.block_smooth[:, place + j] = self.smooth
        self.block_values[:, place:end] = y
        away = np.nan_to_num(self.block_smooth[:, place:end] - self.mean[:, None])
        distance = np.sqrt(np.maximum(np.einsum("snc,scd,snd->sn", away, self.precision, away), 0.0))
        self.block_distance[:, place:end] = distance
        line = self._line(end)[:, place:-1]
        lasting = np.lib.stride_tricks.sliding_window_view(line, self.held.shape[1], axis=1).min(2)
        return compress(distance, LINEAR), compress(np.maximum(distance - lasting, 0.0), LINEAR)

    def share(self) -> Floats:
        """Return what a distance weighs beside a score: less, or nothing, where levels mean little. Shape (S, 1)."""
        return (WEIGHT if self.rows.shape[1] == 1 else CHANNELS_WEIGHT) * self._trusted()

    def is_far(self, distance: Floats) -> Bools:
        """Tell which distances (S, n) are no longer ordinary."""
        far: Bools = self._trusted() * distance > FAR
        return far

    def _trusted(self) -> Floats:
        """Return the share of a distance that counts, from 0 to 1. Shape (S, 1)."""
        trusted: Floats = np.clip((self.trust - NO_TRUST) / (FULL_TRUST - NO_TRUST), 0, 1)[:, None]
        return trusted

    def end_block(self) -> None:
        """Learn from the block."""
        y = self.block_values
        known = np.isfinite(y)
        count = known.sum(1)  # [S, C]
        first = (self.rows == 0) & (count > 0)
        own = np.where(known, y, 0.0).sum(1) / np.maximum(count, 1)
        centre = np.where(first, own, self.mean)[:, None]
        reach = np.where(first, np.inf, REACH * self._spread())[:, None]
        off = np.where(known, np.clip(y - centre, -reach, reach), 0.0)  # [S, s, C]
        smooth = np.where(first[:, None], np.sqrt(SMOOTHED) * off, np.where(known, self.block_smooth - centre, 0.0))
        size = np.maximum(np.nan_to_num(self.block_distance, nan=1.0) / CUT, 1.0)
        weight = np.maximum(size ** -float(POWER), LEAST)  # [S, s]
        self._learn_steps(centre[:, 0] + off.sum(1) / np.maximum(count, 1), count > 0, weight.mean(1))
        keep = np.where(self.rows > LONGEST, 1 - y.shape[1] / LONGEST, 1.0)
        both = np.sqrt(keep[:, :, None] * keep[:, None])
        self.products = both * self.products + np.einsum("sn,snc,snd->scd", weight, smooth, smooth)
        self.squares = keep * self.squares + (weight[..., None] * off**2).sum(1)
        self.rows = keep * self.rows + (weight[..., None] * known).sum(1)
        self.mean = centre[:, 0] + (weight[..., None] * off).sum(1) / np.maximum(self.rows, 1e-9)
        self.smooth = np.where(first, self.mean, self.smooth)
        self.held = self._line(y.shape[1])[:, -self.held.shape[1] :]
        self._learn_base()
        self._measure()

    def _spread(self) -> Floats:
        """Return the standard deviation of each channel. Shape (S, C)."""
        spread: Floats = np.sqrt(self.squares / np.maximum(self.rows, 1e-9))
        return np.maximum(spread, least_spread(self.mean))

    def _learn_steps(self, level: Floats, known: Floats, weight: Floats) -> None:
        """Learn how block means (S, C) move."""
        moved = known & np.isfinite(self.last)
        total = (self.blocks + weight)[:, None]
        steps = (self.blocks[:, None] * self.steps + weight[:, None] * (level - self.last) ** 2 / 2) / total
        sizes = (self.blocks[:, None] * self.sizes + weight[:, None] * (level - self.mean) ** 2) / total
        self.steps, self.sizes = np.where(moved, steps, self.steps), np.where(moved, sizes, self.sizes)
        self.blocks = np.minimum(self.blocks + np.where(moved.any(1), weight, 0.0), MOST_BLOCKS)
        self.last = np.where(known, level, self.last)
        ratio = np.where(self.sizes > 0, self.steps / np.maximum(self.sizes, np.finfo(np.float64).tiny), 0.0)
        ratio = np.clip(ratio, 0, 1).mean(1)
        if self.rows.shape[1] == 1:
            self.trust = np.maximum(ratio - WALK / np.maximum(self.blocks, 1.0), 0.0)
        else:
            self.trust = ratio * self.blocks / (self.blocks + DOUBT)

    def _line(self, end: int) -> Floats:
        """Return the distances of the last K rows before the block and of its first rows up to `end`."""
        return np.concatenate([self.held, np.nan_to_num(self.block_distance[:, :end])], 1)

    def _learn_base(self) -> None:
        """Move the base towards half of the distance that a tenth of all rows exceed."""
        distance = self.block_distance * self.base[:, None]
        known = np.isfinite(distance)
        used = known.any(1) & (self.blocks > FIRST_DISTANCES)
        above = (known & (HALF * distance > self.base[:, None])).sum(1) / np.maximum(known.sum(1), 1)
        rate = np.maximum(RATE, QUICK / (self.base_blocks + SLOW))
        base = self.base * np.exp(rate * (above - ABOVE))
        self.base = np.where(used, np.maximum(base, LEAST_BASE), self.base)
        self.base_blocks = self.base_blocks + used

    def _measure(self) -> None:
        """Work out what the distances of the next block are measured with."""
        C = self.rows.shape[1]
        size = np.sqrt(np.maximum(np.einsum("scc->sc", self.products), np.finfo(np.float64).tiny))
        correlation = self.products / (size[:, :, None] * size[:, None])
        most = self.rows.max(1)[:, None, None]
        shrunk = correlation * most / (most + PRIOR) * (1 - np.eye(C)) + (1 + RIDGE) * np.eye(C)
        spread = np.maximum(size / np.sqrt(np.maximum(self.rows, 1e-9)), STEADIEST * self._spread())
        unit = np.where(self.rows > 0, 1 / spread, 0.0) / (np.sqrt(C) * self.base[:, None])
        self.precision = np.linalg.inv(shrunk) * unit[:, :, None] * unit[:, None]


def blend(score: Floats, distance: Floats, share: Floats | float) -> Floats:
    """Return the weighted cubic mean of a score and a distance, both (S, n), in which the larger one counts most.

    The score alone where there is no distance.
    """
    mean = np.cbrt((score**3 + share * distance**3) / (1 + share))
    return np.where(np.isfinite(distance), mean, score)
