"""From a score to a p-value: how often were past scores as high?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tsrnn.anomaly.arrays import SeriesArrays

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.data.panel import Floats

THRESHOLDS = ("conformal", "pot", "quantile")
# With fewer past scores than this nothing is called improbable.
FEWEST = 20
# Share of the past scores that a tail is fitted to, and the fewest of them.
TAIL_SHARE, FEWEST_TAIL = 0.05, 10
# No tail is steeper or heavier than this (γ of a generalised Pareto distribution).
LEAST_SHAPE, MOST_SHAPE = -0.5, 0.5
LEAST_P, LEAST_DISTANCE = 1e-12, 1e-9


@dataclass
class Calibration(SeriesArrays):
    """The past scores that new ones are compared with, a fixed number per series.

    Parameters
    ----------
    past : (S, R)
        The latest scores, oldest first; NaN where there are fewer than R.
    order : (S, R)
        The same, ascending, NaN last.
    tail : (S, 4)
        Where the tail of the highest scores begins, its shape and its scale, and how far these scores lie from there.
    block : (S, s)
        The scores of the present block that will be among the past ones; NaN elsewhere.
    """

    past: Floats
    order: Floats
    tail: Floats
    block: Floats

    @classmethod
    def fresh(cls, n: int, length: int, block: int, usual: Floats) -> Self:
        """Return the calibration of n series without any score.

        Until there are enough of them, the scores `usual`, (m,), are compared with; they are the first to be forgotten.
        """
        calibration = cls(*(np.full((n, size), np.nan) for size in (length, length, 4, block)))
        calibration.set(np.tile(evenly(usual, length), (n, 1)))
        return calibration

    def end_block(self) -> None:
        """Let the scores of the block replace the oldest ones."""
        if not np.isfinite(self.block).any():
            return
        both = np.concatenate([self.past, self.block], 1)
        # What counts moves to the right end, however many scores each series has.
        rank = np.argsort(np.isfinite(both), axis=1, kind="stable")
        self.set(np.take_along_axis(both, rank, 1)[:, -self.past.shape[1] :])

    def set(self, past: Floats) -> None:
        """Take these scores (S, R), oldest first, as the past."""
        self.past, self.order = past, np.sort(past, 1)
        for i, row in enumerate(self.order):
            n = int(np.isfinite(row).sum())
            if n >= FEWEST:
                k = min(max(FEWEST_TAIL, round(TAIL_SHARE * n)), n - 1)
                start = row[n - k - 1]
                excess = row[n - k : n] - start
                # The largest of k exponential distances is on average so many means large. A few far larger ones than
                # the mean tells of make it heavier.
                distance = max(float(excess.mean()), float(excess[-1]) / (np.log(k) + 0.577))
                self.tail[i] = start, *fit_pareto(excess), max(distance, LEAST_DISTANCE)

    def p_values(self, scores: Floats, threshold: str) -> Floats:
        """Return the probability of a score this high.

        Parameters
        ----------
        scores : ndarray of shape (S, n)
        threshold : {"conformal", "pot", "quantile"}
            "pot" reads the upper 5 % off a fitted tail; the other two count. Beyond the largest past score, where
            counting ends, an exponential tail goes on, so that large scores keep their order.

        Returns
        -------
        ndarray of shape (S, n)
            1 where there are fewer than 20 past scores, NaN where there is no score.

        Source
        ------
        Vovk et al. 2005, "Algorithmic Learning in a Random World" (the counts); Siffer et al. 2017, "Anomaly Detection
        in Streams with Extreme Value Theory", equation 1 (the tail).
        """
        n = np.isfinite(self.order).sum(1)[:, None]
        start, shape, scale, distance = (part[:, None] for part in np.nan_to_num(self.tail, nan=1.0).T)
        above = (self.order[:, :, None] >= scores[:, None]).sum(1)  # [S, n]
        counted = (1 + above) / (n + 1)
        excess = np.maximum(np.nan_to_num(scores) - start, 0)
        if threshold == "pot":
            k = np.minimum(np.maximum(FEWEST_TAIL, np.round(TAIL_SHARE * n)), n - 1)
            flat = np.abs(shape) < 1e-6
            power = np.maximum(1 + shape * excess / scale, 0) ** (-1 / np.where(flat, 1.0, shape))
            survival = np.where(flat, np.exp(-excess / scale), power)
            p = np.where(excess > 0, k / np.maximum(n, 1) * survival, counted)
        else:
            top = np.take_along_axis(self.order, np.maximum(n - 1, 0), 1)
            beyond = np.nan_to_num(scores - top).clip(0)
            p = np.where(above == 0, counted * np.exp(-beyond / distance), counted)
        p = np.where(n < FEWEST, 1.0, p).clip(LEAST_P, 1)
        return np.where(np.isfinite(scores), p, np.nan)


def evenly(values: Floats, length: int) -> Floats:
    """Return `length` of the values that stand for all, in no order; NaN first where there are fewer.

    >>> sorted(evenly(np.arange(101.0), 3).tolist())
    [0.0, 50.0, 100.0]
    """
    known, answer = np.sort(values), np.full(length, np.nan)
    if len(known):
        picked = known[np.linspace(0, len(known) - 1, min(length, len(known))).round().astype(np.int64)]
        answer[length - len(picked) :] = np.random.default_rng(0).permutation(picked)
    return answer


def fit_pareto(excess: Floats) -> tuple[float, float]:
    """Fit a generalised Pareto distribution by probability-weighted moments.

    Parameters
    ----------
    excess : ndarray of shape (k,), ascending, 0 or more

    Returns
    -------
    shape, scale : float
        γ, held between −.5 and .5, and σ.

    Source
    ------
    Hosking and Wallis 1987, "Parameter and Quantile Estimation for the Generalized Pareto Distribution" (whose k is
    −γ). Unlike the likelihood it has a closed form, so that a tail can be fitted anew at every block.

    Examples
    --------
    >>> shape, scale = fit_pareto(-2 * np.log(1 - (np.arange(1000) + 0.5) / 1000))
    >>> abs(round(shape, 2)), round(scale, 1)
    (0.0, 2.0)
    """
    k = len(excess)
    mean = float(excess.mean())
    if mean <= 0:
        return 0.0, LEAST_DISTANCE
    weighted = float(((1 - (np.arange(1, k + 1) - 0.35) / k) * excess).mean())
    shape = 2 - mean / (mean - 2 * weighted) if mean > 2 * weighted else MOST_SHAPE
    shape = min(max(shape, LEAST_SHAPE), MOST_SHAPE)
    return shape, mean * (1 - shape)
