"""Follow all series of a panel, many blocks at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tsrnn.anomaly.block_forecasts import LookAhead
from tsrnn.anomaly.tracker import Judged, Tracker
from tsrnn.forecasting.progress import part as share_of

if TYPE_CHECKING:
    from tsrnn.data.panel import Floats, Integers, Panel
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
