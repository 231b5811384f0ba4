"""From a score to a p-value: how often were past scores as high?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.anomaly.arrays import SeriesArrays, newest

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.data.panel import Floats

THRESHOLDS = ("conformal", "pot", "quantile")
# With fewer past scores than this nothing is called improbable.
FEWEST = 20
# Share of the past scores that a tail is fitted to, and the fewest of them.
TAIL_SHARE, FEWEST_TAIL = 0.05, 10
# Of the tail this share at most is set aside as scores of anomalies, from a gap on that has no more than this
# probability in an exponential tail.
MOST_ASIDE, IMPROBABLE = 0.2, 0.001
# Where so many past scores are as high, the count and the fitted tail weigh the same.
FEW = 2.0
# Scores that differ by no more than this share are equal: in streams and in tables they are computed in another order.
EQUAL = 1e-4
# No tail is steeper or heavier than this (γ of a generalised Pareto distribution).
LEAST_SHAPE, MOST_SHAPE = -0.5, 0.5
LEAST_P, LEAST_DISTANCE = 1e-12, 1e-9
# No score is taken for smaller than this: a series that hardly ever moves has hardly any score to compare with.
LEAST_SCORE = 0.6
# Quantiles of the scores of clean simulated series: 42 of 2,500 rows, seven kinds (with and without a season, smooth
# and rough, walks, spreads that change). So many of them stand in for past scores where there are none yet.
USUAL_LEVELS = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1)
USUAL_QUANTILES = (
    *(0.557, 0.583, 0.645, 0.702, 0.79, 0.868, 0.945, 1.026, 1.114),
    *(1.214, 1.339, 1.542, 1.75, 2.067, 2.385, 2.735, 4.254),
)
MANY_USUAL = 200


def usual_scores() -> Floats:
    """Return the scores that stand in for past ones. Shape (200,)."""
    return np.interp((np.arange(MANY_USUAL) + 0.5) / MANY_USUAL, USUAL_LEVELS, USUAL_QUANTILES)


@dataclass
class PastScores(SeriesArrays):
    """The past scores that new ones are compared with, a fixed number per series.

    Parameters
    ----------
    past : (S, R)
        The latest scores, oldest first; NaN where there are fewer than R.
    order : (S, R)
        Those of them that tell what is ordinary, ascending, NaN last.
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
        """Return the past scores of n series without any score.

        Until there are enough of them, the scores `usual`, (m,), are compared with; they are the first to be forgotten.
        """
        past_scores = cls(*(np.full((n, size), np.nan) for size in (length, length, 4, block)))
        past_scores.set(np.tile(evenly(usual, length), (n, 1)))
        return past_scores

    def end_block(self) -> None:
        """Let the scores of the block replace the oldest ones."""
        if np.isfinite(self.block).any():
            self.set(newest(self.past, self.block))

    def set(self, past: Floats) -> None:
        """Take these scores (S, R), oldest first, as the past.

        Scores of anomalies stay among the past ones, so that what happens again and again becomes ordinary; as long as
        they are few, nothing is compared with them.
        """
        self.past, self.order = past, np.sort(past, 1)
        for i, row in enumerate(self.order):
            n = int(np.isfinite(row).sum())
            if n >= FEWEST:
                aside = count_aside(row[:n])
                n -= aside
                row[n:] = np.nan
                k = tail_size(n)
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
            "pot" reads the upper 5 % off a fitted tail; the other two count. Between two past scores they interpolate,
            so that a p-value never jumps; beyond the largest one, where counting ends, an exponential tail goes on.

        Returns
        -------
        ndarray of shape (S, n)
            1 where there are fewer than 20 past scores, NaN where there is no score. Where 95 % of the past scores are
            the smallest possible one, as of a series that hardly ever moves, no less than is usual for the score: its
            forecasts need not be exact to the last digit.

        Source
        ------
        Vovk et al. 2005, "Algorithmic Learning in a Random World" (the counts); Siffer et al. 2017, "Anomaly Detection
        in Streams with Extreme Value Theory", equation 1 (the tail).
        """
        scores = scores * (1 - EQUAL)
        p = self._mixed(scores, threshold)
        n = np.isfinite(self.order).sum(1)[:, None]
        if (scores > np.nan_to_num(self.tail[:, :1], nan=-np.inf)).any():
            p = np.minimum(p, self._least_below(scores, threshold))
        p = np.where(n < FEWEST, 1.0, p).clip(LEAST_P, 1)
        return np.where(np.isfinite(scores), p, np.nan)

    def _least_below(self, scores: Floats, threshold: str) -> Floats:
        """Return the smallest p-value of the past scores of the tail that are no higher; 1 where there is none.

        Where counts say less than the tail, the way from one to the other leads upwards; but a score that is higher
        than another one is no more probable. Shape (S, n).
        """
        n = np.isfinite(self.order).sum(1)[:, None]
        last = np.arange(int(tail_size(self.order.shape[1])) + 1)[::-1]
        knots = np.take_along_axis(self.order, np.clip(n - 1 - last, 0, None), 1)  # [S, K], ascending
        least = np.minimum.accumulate(np.nan_to_num(self._mixed(knots, threshold), nan=1.0), 1)
        passed = (knots[:, :, None] <= scores[:, None]).sum(1)  # [S, n]
        return np.where(passed > 0, np.take_along_axis(least, np.maximum(passed - 1, 0), 1), 1.0)

    def _mixed(self, scores: Floats, threshold: str) -> Floats:
        """Read p-values off the counts and the tail; see `p_values`. Shape (S, n)."""
        n = np.isfinite(self.order).sum(1)[:, None]
        start, shape, scale, distance = (part[:, None] for part in np.nan_to_num(self.tail, nan=1.0).T)
        above = (self.order[:, :, None] >= scores[:, None]).sum(1)  # [S, n]
        lower = np.take_along_axis(self.order, np.maximum(n - above - 1, 0), 1)
        lower = np.where(above < n, lower, 0.0)  # no score is smaller
        upper = np.take_along_axis(self.order, np.clip(n - above, 0, np.maximum(n - 1, 0)), 1)
        part = (upper - scores) / np.where(upper > lower, upper - lower, 1.0)
        rank = above + np.where(above > 0, np.clip(part, 0, 1), 0.0)
        counted = np.maximum(rank, 1.0) / (n + 1)
        excess = np.maximum(np.nan_to_num(scores) - start, 0)
        share = tail_size(n) / np.maximum(n, 1)
        if threshold == "pot":
            flat = np.abs(shape) < 1e-6
            power = np.maximum(1 + shape * excess / scale, 0) ** (-1 / np.where(flat, 1.0, shape))
            survival = np.where(flat, np.exp(-excess / scale), power)
            p = np.where(excess > 0, share * survival, counted)
        else:
            # None at the largest past score, where counting ends: p does not jump there.
            others = np.maximum(rank - 1, 0)
            weight = others / (others + FEW)
            smooth = counted**weight * (share * np.exp(-excess / distance)) ** (1 - weight)
            p = np.where(excess > 0, smooth, counted)
        idle = start <= LEAST_SCORE * (1 + EQUAL)
        mixed: Floats = np.where(idle, np.maximum(p, usual_p_values(scores)), p) if idle.any() else p
        return mixed


def usual_p_values(scores: Floats) -> Floats:
    """Return how probable scores this high are in clean simulated series; an exponential tail goes on beyond them."""
    usual = usual_scores()
    rank = np.interp(scores, usual, np.arange(len(usual), 0, -1))
    top = usual[-int(tail_size(len(usual))) :]
    beyond = np.nan_to_num(scores - usual[-1]).clip(0)
    p: Floats = rank * np.exp(-beyond / (top - top[0]).mean()) / (len(usual) + 1)
    return p


def tail_size(n: Any) -> Any:
    """Return how many of n scores, one number or an array, the tail is made of."""
    return np.minimum(np.maximum(FEWEST_TAIL, np.round(TAIL_SHARE * n)), n - 1).astype(np.int64)


def count_aside(scores: Floats) -> int:
    """Return how many of the highest scores are those of anomalies, and not of the tail that the others make.

    In an exponential tail the gaps between neighbours, times the number of scores above, are independent and equally
    distributed. From the first gap on that is improbable next to those below it, scores are set aside.

    Parameters
    ----------
    scores : ndarray of shape (n,), ascending, at least 20

    Returns
    -------
    int
        Up to 20 % of the tail. More anomalies than that are ordinary.

    Source
    ------
    The gaps: Renyi 1953, "On the theory of order statistics". That a gap is so many times the mean of m others has the
    probability of an F distribution with 2 and 2 m degrees of freedom.

    Examples
    --------
    >>> usual = -np.log(1 - (np.arange(400) + 0.5) / 400)
    >>> count_aside(usual), count_aside(np.append(usual, [15, 16, 30]))
    (0, 3)
    """
    n = len(scores)
    k = int(tail_size(n))
    gaps = np.diff(scores[n - k - 1 :]) * np.arange(k, 0, -1)  # [k]
    below = k - int(MOST_ASIDE * k)
    m = np.arange(below, k)
    mean = np.cumsum(gaps)[below - 1 : k - 1] / m
    ratio = gaps[below:] / np.maximum(mean, LEAST_DISTANCE)
    improbable = np.flatnonzero(-m * np.log1p(ratio / m) < np.log(IMPROBABLE))
    return k - below - int(improbable[0]) if len(improbable) else 0


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
