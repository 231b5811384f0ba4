"""Follow all series of a panel, many blocks at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tsrnn.anomaly.block_forecasts import LookAhead
from tsrnn.anomaly.thresholds import Calibration
from tsrnn.anomaly.tracker import Judged, Tracker

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
    answer = Judged(*(np.full(n_rows, np.nan) for _ in range(7)), *(np.zeros(n_rows, np.bool_) for _ in range(2)))
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
            for whole, part in zip(answer, tracker.follow(index[group], panel.y[rows], forecast), strict=True):
                whole[rows] = part
            ahead.row[group] += n


class System:
    """One p-value for all channels of a system: how unusual they are together.

    Parameters
    ----------
    calibration : Calibration
        Of one series, the mean over channels of −ln p.
    threshold : str
    """

    def __init__(self, calibration: Calibration, threshold: str) -> None:
        self.calibration, self.threshold = calibration, threshold
        self.seen, self.fixed = 0, False

    def follow(self, p_values: Floats, ordinary: Bools) -> tuple[Floats, Floats, Floats]:
        """Read n rows of C channels.

        Parameters
        ----------
        p_values : ndarray of shape (C, n)
            NaN where a channel says nothing.
        ordinary : bool ndarray of shape (n,)
            Whether a row may be compared with later.

        Returns
        -------
        score, p_value : ndarrays of shape (n,)
            NaN where no channel says anything.
        share : ndarray of shape (C, n)
            Each channel's part of the score; they add up to 1 where there is one.
        """
        surprise = -np.log(p_values)
        known = np.isfinite(surprise)
        total, count = np.where(known, surprise, 0.0).sum(0), known.sum(0)
        score = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        share = np.where(known & (total > 0), surprise / np.where(total > 0, total, 1.0), np.where(known, 0.0, np.nan))
        p_value = np.full(score.shape, np.nan)
        block = self.calibration.block.shape[1]
        at = 0
        while at < len(score):
            place = self.seen % block
            n = min(block - place, len(score) - at)
            if place == 0 and self.seen and not self.fixed:
                self.calibration.end_block()
            part = slice(at, at + n)
            self.calibration.block[0, place : place + n] = np.where(ordinary[part], score[part], np.nan)
            p_value[part] = self.calibration.p_values(score[None, part], self.threshold)[0]
            self.seen, at = self.seen + n, at + n
        return score, p_value, share
