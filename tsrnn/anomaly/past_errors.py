"""How often a series has been as far from what was expected: what happens all the time is not improbable.

An outlier is replaced by what was expected, so that forecasts of a series that mostly stands still become ever surer,
and each sale of a slow mover more surprising than the last one. The scores say so, but the distance in original units
does not grow. Its share among the rows so far is the least p-value.

Of 1,500 days that are 3 with a probability of .04, .08 or .15 and else 0 (2 series each, alpha .01) .4, .7 and .8 % of
rows alarm, without it 4.3, 7.6 and 7.0 %; of Poisson counts with a mean of .1 1.0 %, without it 8.7 %. Of 30 spikes
among 1,200 rows of noise, which are no longer seldom, 66 % are found, without it 76 %; of twelve 98 % either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tsrnn.anomaly.arrays import SeriesArrays, newest
from tsrnn.anomaly.thresholds import MOST_ASIDE, TAIL_SHARE

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.data.panel import Floats

# Rows that are remembered, the fewest that say anything, and the parts that they are cut into. A share is the median of
# those of the parts, so that events in less than half of them, however long, hide no later one.
MEMORY, FEWEST, PARTS = 1000, 100, 9
# An error counts as large as another from this share of it on: what was expected is never quite the same.
AS_LARGE = 0.87
# What is no more frequent than this may be anomalies, as many as are set aside of the past scores.
SELDOM = TAIL_SHARE * MOST_ASIDE


@dataclass
class PastErrors(SeriesArrays):
    """The errors of the outlying rows among the latest ones of S series.

    Parameters
    ----------
    past : (S, R)
        Distances from what was expected, in original units, oldest first; 0 of a row that was not outlying, NaN before
        the first row. Rows without a value are left out.
    block : (S, s)
        Those of the present block; NaN where there is none.
    """

    past: Floats
    block: Floats

    @classmethod
    def fresh(cls, n: int, block: int) -> Self:
        """Return the past of n series of which nothing has been seen."""
        return cls(np.full((n, MEMORY), np.nan), np.full((n, block), np.nan))

    def end_block(self) -> None:
        """Let the rows of the block replace the oldest ones."""
        self.past = newest(self.past, self.block)

    def shares(self, error: Floats) -> Floats:
        """Return in which share of the rows so far errors were as large.

        Parameters
        ----------
        error : ndarray of shape (S, n), original units
            0 or more; NaN where nothing was observed.

        Returns
        -------
        ndarray of shape (S, n)
            The median over nine equal parts of these rows; 0 where there are fewer than 100, or it is 1 % at most.
        """
        answer = np.zeros(error.shape)
        for i in np.flatnonzero((self.past > 0).sum(1) > PARTS // 2):
            known = self.past[i, np.isfinite(self.past[i])]
            at = np.flatnonzero(known)
            m = len(known)
            if m < FEWEST:
                continue
            part = np.arange(PARTS) == (at * PARTS // m)[:, None]  # [k, PARTS]
            count = (known[at] >= AS_LARGE * error[i, :, None]).astype(np.float64) @ part  # [n, PARTS]
            answer[i] = np.median(count, 1) * PARTS / m
        return np.where(answer > SELDOM, answer, 0.0)
