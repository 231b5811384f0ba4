"""The channels of one system, judged together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import gamma

from tsrnn.anomaly.thresholds import MANY_USUAL, PastScores
from tsrnn.anomaly.usual_state import CHANNELS_WEIGHT, UsualState, blend

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.anomaly.engine_state import Plan
    from tsrnn.data.panel import Bools, Floats


class System:
    """One p-value for all channels of a system: how unusual they are together.

    Parameters
    ----------
    past_scores : PastScores
        Of one series, the score of the system: the mean over channels of −ln p, and the distance of their joint state
        from the usual one.
    usual : UsualState
    threshold : str
    """

    def __init__(self, past_scores: PastScores, usual: UsualState, threshold: str) -> None:
        self.past_scores, self.usual, self.threshold = past_scores, usual, threshold
        self.seen, self.fixed = 0, False

    @classmethod
    def fresh(cls, channels: int, plan: Plan, threshold: str, calibration_length: int) -> Self:
        """Return a system of which nothing has been seen."""
        # The mean over channels of −ln p, if they had nothing to do with each other, and a middling distance.
        usual = gamma.ppf((np.arange(MANY_USUAL) + 0.5) / MANY_USUAL, channels) / channels
        usual = blend(usual, np.ones_like(usual), CHANNELS_WEIGHT)
        past_scores = PastScores.fresh(1, calibration_length, plan.block, usual)
        return cls(past_scores, UsualState.fresh(1, channels, plan.block, plan.patience), threshold)

    def restart(self) -> None:
        """Forget the rows read so far, but not what was learnt from them."""
        self.seen, self.usual = 0, self.usual.restarted()

    def follow(self, y: Floats, p_values: Floats, ordinary: Bools) -> tuple[Floats, Floats, Floats, Floats]:
        """Read n rows of C channels.

        Parameters
        ----------
        y : ndarray of shape (C, n), original units
        p_values : ndarray of shape (C, n)
            NaN where a channel says nothing.
        ordinary : bool ndarray of shape (n,)
            Whether a row may be compared with later.

        Returns
        -------
        score, compared, p_value : ndarrays of shape (n,)
            NaN where no channel says anything. `compared` is the score without the distance of a state that was
            accepted, of which the p-value is.
        share : ndarray of shape (C, n)
            Each channel's part of the mean of −ln p; they add up to 1 where there is one.
        """
        surprise = -np.log(p_values)
        known = np.isfinite(surprise)
        total, count = np.where(known, surprise, 0.0).sum(0), known.sum(0)
        score = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        share = np.where(known & (total > 0), surprise / np.where(total > 0, total, 1.0), np.where(known, 0.0, np.nan))
        compared, p_value = score.copy(), np.full(score.shape, np.nan)
        block = self.past_scores.block.shape[1]
        at = 0
        while at < len(score):
            place = self.seen % block
            n = min(block - place, len(score) - at)
            if place == 0 and self.seen:
                self.usual.end_block()
                if not self.fixed:
                    self.past_scores.end_block()
            part = slice(at, at + n)
            distance, beyond = self.usual.read(y.T[None, part], place)
            weight = self.usual.share()
            compared[part] = blend(score[None, part], beyond, weight)[0]
            score[part] = blend(score[None, part], distance, weight)[0]
            calm = ordinary[part] & ~self.usual.is_far(beyond)[0]
            self.past_scores.block[:, place : place + n] = np.where(calm, compared[part], np.nan)
            p_value[part] = self.past_scores.p_values(compared[None, part], self.threshold)[0]
            self.seen, at = self.seen + n, at + n
        return score, compared, p_value, share
