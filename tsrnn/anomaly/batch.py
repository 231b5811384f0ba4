"""Follow all series of a panel, many blocks at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tsrnn.anomaly.block_forecasts import LookAhead
from tsrnn.anomaly.thresholds import PastScores
from tsrnn.anomaly.tracker import Judged, Tracker
from tsrnn.anomaly.usual_state import UsualState, blend
from tsrnn.forecasting.progress import part as share_of

if TYPE_CHECKING:
    from tsrnn.data.panel import Bools, Floats, Integers, Panel
    from tsrnn.forecasting.contract import ForecastModel


def follow_panel(tracker: Tracker, index: Integers, model: ForecastModel, panel: Panel) -> Judged:
    """Let a tracker read every row of a panel.

    Parameters
    ----------
    tracker : Tracker
        It is changed.
    index : int64 ndarray of shape (n_series,)
        The tracker's number of each series of the panel.
    model : ForecastModel
        Fitted.
    panel : Panel
        The rows that follow after those the tracker has seen.

    Returns
    -------
    Judged
        Arrays of shape (n_rows,), as the panel's `y`.
    """
    n_rows, lengths = len(panel.y), panel.lengths
    numbers = (np.full(n_rows, np.nan) for _ in range(7))
    answer = Judged._make([*numbers, np.zeros(n_rows, np.bool_)])
    ahead = LookAhead(model, panel, [panel.series(i) for i in range(panel.n_series)], tracker.plan.block)
    number = np.full(int(index.max()) + 1, -1)
    number[index] = np.arange(len(index))

    def forecast(series: Integers, windows: Floats, known: Integers) -> Floats:
        return ahead(number[series], windows, known)

    while True:
        alive = np.flatnonzero(ahead.row < lengths)
        if not len(alive):
            return answer
        left = tracker.rows_left(index[alive])
        count = np.minimum(left, lengths[alive] - ahead.row[alive])
        # Series at one place of their blocks that have equally many rows go on together.
        for place, n in np.unique(np.stack([left, count], 1), axis=0):
            group = alive[(left == place) & (count == n)]
            rows = (panel.offsets[group] + ahead.row[group])[:, None] + np.arange(n)
            done = int(ahead.row.sum())
            with share_of(done / n_rows, (done + rows.size) / n_rows):
                judged = tracker.follow(index[group], panel.y[rows], forecast)
            for whole, found in zip(answer, judged, strict=True):
                whole[rows] = found
            ahead.row[group] += n


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
