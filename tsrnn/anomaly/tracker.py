"""Follow series block by block or row by row: what was expected, the score, and how improbable that is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tsrnn.anomaly.engine import KEEP, LONG_AWAY, BlockForecast, advance
from tsrnn.anomaly.engine_state import USUAL, Plan, State
from tsrnn.anomaly.past_errors import PastErrors
from tsrnn.anomaly.thresholds import LEAST_SCORE, PastScores, usual_scores
from tsrnn.anomaly.usual_state import UsualState, blend
from tsrnn.forecasting.progress import part as share_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.data.panel import Bools, Floats, Integers

# Scores of an event after its first row, and of rows to which a moving average still carries it, do not tell what is
# ordinary. An event is known by a surprise like this one, or by so many outlying rows together, or by its distance from
# the usual state; the averages forget them after so many rows.
WILD, SHADOW = 8.0, 48
# No average is taken for smaller than this: a series that hardly ever moves has hardly any.
LEAST_BASE = 0.75 * np.array(USUAL)
# Blocks after which a series' own scores count: its first forecasts know little of it.
FIRST_BLOCKS = 4
# So many series are followed at once.
TOGETHER = 512


class Judged(NamedTuple):
    """What is said of n rows of k series; arrays of shape (k, n), NaN where nothing can be said."""

    expected: Floats
    lower: Floats
    upper: Floats
    score: Floats
    compared: Floats  # the score without the distance of a state that was accepted, of which the p-value is
    often: Floats  # the share of the rows before that were as far from what was expected, the least p-value
    p_value: Floats
    ordinary: Bools

    def of_system(self, score: Floats, compared: Floats, p_value: Floats) -> Judged:
        """Return the same rows of channels with what is said of their system; NaN where a channel says nothing."""
        silent = np.isnan(self.p_value)
        score, compared, p_value = (np.where(silent, np.nan, part) for part in (score, compared, p_value))
        return self._replace(score=score, compared=compared, p_value=p_value)


@dataclass
class Tracker:
    """The state of S series.

    Parameters
    ----------
    plan : Plan
    threshold : str
        A way of `PastScores.p_values`.
    width : float
        Half the width of the expected range, in units of the spread.
    state : State
    usual : UsualState
        Of each series alone.
    past_scores : PastScores
    past_errors : PastErrors
    fixed : bool
        Whether the past scores and errors stay as they are.
    """

    plan: Plan
    threshold: str
    width: float
    state: State
    usual: UsualState
    past_scores: PastScores
    past_errors: PastErrors
    fixed: bool = False

    @classmethod
    def fresh(cls, n: int, plan: Plan, threshold: str, width: float, calibration_length: int) -> Self:
        """Return the tracker of n series of which nothing has been seen."""
        past_scores = PastScores.fresh(n, calibration_length, plan.block, usual_scores())
        state, usual = State.fresh(n, plan), UsualState.fresh(n, 1, plan.block, plan.patience)
        return cls(plan, threshold, width, state, usual, past_scores, PastErrors.fresh(n, plan.block))

    def add(self, n: int) -> None:
        """Add n series of which nothing has been seen. Their scores are compared with those of all others."""
        state = State.fresh(n, self.plan)
        past = self.past_scores.past
        past_scores = PastScores.fresh(n, past.shape[1], self.plan.block, past[np.isfinite(past)])
        self.state, self.past_scores = self.state.grown(state), self.past_scores.grown(past_scores)
        self.past_errors = self.past_errors.grown(PastErrors.fresh(n, self.plan.block))
        self.usual = self.usual.grown(UsualState.fresh(n, 1, self.plan.block, self.plan.patience))

    def restart(self, index: Integers) -> None:
        """Forget the rows of some series, but not what was learnt from them."""
        self.state.put(index, self.state.take(index).restarted(self.plan))
        self.usual.put(index, self.usual.take(index).restarted())

    def rows_left(self, index: Integers) -> Integers:
        """Return how many rows are left of the present block of some series."""
        left: Integers = self.plan.block - self.state.seen[index] % self.plan.block
        return left

    def follow(self, index: Integers, y: Floats, forecast: BlockForecast) -> Judged:
        """Read n rows of k series, none of which goes beyond the end of a block; see `advance`.

        Parameters
        ----------
        index : int64 ndarray of shape (k,)
            Series that are all at the same place of a block.
        y : ndarray of shape (k, n), original units
        forecast : callable
        """
        if len(index) > TOGETHER:
            parts, ends = [], [*range(0, len(index), TOGETHER), len(index)]
            for begin, end in pairwise(ends):
                with share_of(begin / len(index), end / len(index)):
                    parts.append(self.follow(index[begin:end], y[begin:end], forecast))
            return Judged(*(np.concatenate(field) for field in zip(*parts, strict=True)))
        state, usual, past_scores = self.state.take(index), self.usual.take(index), self.past_scores.take(index)
        past_errors = self.past_errors.take(index)
        place, n = int(state.seen[0] % self.plan.block), y.shape[1]
        if place == 0 and state.seen[0]:
            usual.end_block()
            if not self.fixed:
                past_scores.end_block()
                past_errors.end_block()
        rows = advance(state, self.plan, y, forecast, index)
        score = np.maximum((rows.parts / np.maximum(state.base, LEAST_BASE)[:, None]).mean(2), LEAST_SCORE)
        distance, beyond = usual.read(y[:, :, None], place)
        share = usual.share()
        score, compared = blend(score, distance, share), blend(score, beyond, share)
        ordinary = self._is_ordinary(state, rows.surprise, rows.away, usual.is_far(beyond))
        past_scores.block[:, place : place + n] = np.where(ordinary, compared, np.nan)
        error = np.abs(y - rows.expected)
        outlying = np.where(np.abs(rows.surprise) > KEEP, error, 0.0)
        past_errors.block[:, place : place + n] = np.where(np.isfinite(error), outlying, np.nan)
        often = past_errors.shares(error)
        p_value = np.maximum(past_scores.p_values(compared, self.threshold), often)
        self.state.put(index, state)
        self.usual.put(index, usual)
        self.past_scores.put(index, past_scores)
        self.past_errors.put(index, past_errors)
        lower, upper = rows.expected - self.width * rows.lower, rows.expected + self.width * rows.upper
        counts = np.flatnonzero((lower < 0).any(1))
        counts = counts[state.take(counts).kept_above_zero()]
        for part in (rows.expected, lower, upper):  # what is told; what rows are judged by keeps its spread
            part[counts] = np.maximum(part[counts], 0.0)
        return Judged(rows.expected, lower, upper, score, compared, often, p_value, ordinary)

    def _is_ordinary(self, state: State, surprise: Floats, away: Floats, far: Bools) -> Bools:
        """Tell which rows (k, n) are to be compared with later: ordinary ones, and the first of each event.

        So an event counts once. What happens again and again is not improbable for ever, and a long event does not
        hide the next one.
        """
        wild = (np.abs(surprise) > WILD) | (away >= LONG_AWAY) | far
        ordinary = np.ones(surprise.shape, np.bool_)
        if wild.any() or state.shadow.any():
            for j in range(surprise.shape[1]):
                first = wild[:, j] & (state.shadow == 0)
                state.shadow = np.where(wild[:, j], SHADOW, np.maximum(state.shadow - 1, 0))
                ordinary[:, j] = (state.shadow == 0) | first
        return ordinary & (state.seen >= FIRST_BLOCKS * self.plan.block)[:, None]
