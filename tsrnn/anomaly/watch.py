"""What a fitted detector carries on: the state of every series by its name, and the time stamp it has reached."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tsrnn.anomaly.batch import follow_panel
from tsrnn.anomaly.block_forecasts import forecast_windows
from tsrnn.anomaly.system import System
from tsrnn.anomaly.tables import time_rows
from tsrnn.anomaly.thresholds import evenly
from tsrnn.anomaly.tracker import Judged, Tracker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

    from tsrnn.anomaly.engine_state import Plan
    from tsrnn.data.panel import Floats, Integers, Panel
    from tsrnn.forecasting.contract import ForecastModel


class Found(NamedTuple):
    """What is said of n rows; arrays of shape (n,). With channels, score and p-value are those of the system."""

    judged: Judged
    share: Floats | None


class Watch:
    """The state of all series of a detector.

    Parameters
    ----------
    model : ForecastModel
        Fitted.
    panel : Panel
        The series, of which nothing has been read yet.
    plan : Plan
    threshold : str
    width : float
    calibration_length : int
    together : bool
        Whether the series are channels of one system.
    """

    def __init__(
        self,
        model: ForecastModel,
        panel: Panel,
        plan: Plan,
        threshold: str,
        width: float,
        calibration_length: int,
        *,
        together: bool,
    ) -> None:
        self.model, self.plan = model, plan
        n = panel.n_series
        self.like = replace(panel, y=panel.y[:0], offsets=np.zeros(n + 1, np.int64))  # names and grids, no values
        self.tracker = Tracker.fresh(n, plan, threshold, width, calibration_length)
        self.system = System.fresh(n, plan, threshold, calibration_length) if together else None
        self.index: dict[Any, int] = {name: i for i, name in enumerate(panel.ids)}
        # The stamp after the last row that was read.
        self.next = panel.start.copy()

    def copy(self) -> Self:
        """Return a watch that goes its own way from here; the model, which does not change, is shared."""
        other = copy.copy(self)
        other.tracker, other.system = copy.deepcopy(self.tracker), copy.deepcopy(self.system)
        other.index, other.next = dict(self.index), self.next.copy()
        return other

    def follow(self, panel: Panel) -> Found:
        """Read all rows of a panel.

        A series that begins after the rows read so far goes on from there, the rows between being missing. One that
        begins earlier, or more than a window later, starts again with what was learnt of its spread and its scores. A
        series never seen before starts with the past scores of the others.

        Returns
        -------
        Found
            Arrays of shape (n_rows,), as the panel's `y`.
        """
        index, gap = self._places(panel)
        longer = panel.padded(gap, np.zeros_like(gap))
        judged = follow_panel(self.tracker, index, self.model, longer)
        self.next[index] = longer.frequency.stamps(longer.start, longer.lengths)
        share = None
        if self.system is not None:
            judged, share = self._together(self.system, longer, judged)
        series, row = longer.places()
        real = row >= gap[series]
        return Found(Judged._make(part[real] for part in judged), None if share is None else share[real])

    def fix(self, found: Found) -> Found:
        """Compare every row with all scores of the ordinary ones that were found, from now on for good.

        Parameters
        ----------
        found : Found
            What `follow` said of all series, in their order.

        Returns
        -------
        Found
            The same rows with their p-values among themselves.
        """
        score, ordinary = found.judged.compared, found.judged.ordinary
        if self.system is not None:
            self.system.fixed, past_scores, ends = True, self.system.past_scores, np.array([len(score)])
        else:
            self.tracker.fixed, past_scores, ends = True, self.tracker.past_scores, np.cumsum(self.tracker.state.seen)
        length = past_scores.past.shape[1]
        past = np.full((len(ends), length), np.nan)
        parts = [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        for i, part in enumerate(parts):
            known = score[part][ordinary[part] & np.isfinite(score[part])]
            past[i] = evenly(known, length)
        past_scores.set(past)
        p_value = np.full(score.shape, np.nan)
        for i, part in enumerate(parts):
            mine = past_scores.take(np.array([i]))
            for rows in np.split(np.arange(part.start, part.stop), range(length, part.stop - part.start, length)):
                p_value[rows] = mine.p_values(score[None, rows], self.tracker.threshold)[0]
        if self.system is None:
            p_value = np.maximum(p_value, found.judged.often)
        return found._replace(judged=found.judged._replace(p_value=p_value))

    def numbers(self, names: Iterable[Any]) -> Integers:
        """Return the number of each series; −1 of one that was never seen."""
        return np.array([self.index.get(name, -1) for name in names], dtype=np.int64)

    def _places(self, panel: Panel) -> tuple[Integers, Integers]:
        """Return the number of each series, and how many rows are missing before its first one."""
        index = self.numbers(panel.ids)
        fresh = np.flatnonzero(index < 0)
        if len(fresh):
            index[fresh] = self.add(panel.ids[fresh], panel.start[fresh])
        gap = panel.frequency.positions(panel.start, self.next[index])
        again = (gap < 0) | (gap > self.plan.context)
        self.restart(index[again & (self.tracker.state.seen[index] > 0)])
        return index, np.where(again, 0, gap)

    def add(self, names: Any, start: Any) -> Integers:
        """Take up series that were never seen before, each from its first stamp on; return their numbers."""
        n, have = len(names), len(self.next)
        numbers = np.arange(have, have + n)
        self.tracker.add(n)
        self.next = np.concatenate([self.next, start])
        self.like = replace(
            self.like,
            ids=np.concatenate([self.like.ids, names]),
            start=np.concatenate([self.like.start, start]),
            offsets=np.zeros(have + n + 1, np.int64),
        )
        self.index.update(zip(names, numbers.tolist(), strict=True))
        return numbers

    def tick(self, index: Integers, gap: Integers, values: Floats) -> Found:
        """Read one row of each of n different series; with channels, of all of them.

        Parameters
        ----------
        index : int64 ndarray of shape (n,)
        gap : int64 ndarray of shape (n,)
            Rows that are missing before it, 0 or more. After more than a window of them a series starts again.
        values : ndarray of shape (n,), original units
            NaN where a value is missing.

        Returns
        -------
        Found
            Arrays of shape (n,).
        """
        long = gap > self.plan.context
        self.restart(index[long])
        short = np.where(long, 0, gap)
        if long.any():
            self.next[index] = self.like.frequency.stamps(self.next[index], gap - short)
        for k in range(int(short.max()), 0, -1):
            self._row(index[short >= k], np.full(int((short >= k).sum()), np.nan))
        return self._row(index, values)

    def _row(self, index: Integers, values: Floats) -> Found:
        """Read the next row of some series, whatever their places in their blocks."""
        left = self.tracker.rows_left(index)
        parts = []
        order = np.argsort(left, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(left[order])) + 1):
            parts.append(self.tracker.follow(index[group], values[group][:, None], self.forecast))
        self.next[index] = self.like.frequency.stamps(self.next[index], 1)
        back = np.argsort(order)
        judged = Judged(*(np.concatenate(part)[back, 0] for part in zip(*parts, strict=True)))
        if self.system is None:
            return Found(judged, None)
        ordinary = np.atleast_1d(judged.ordinary.all())
        *said, share = self.system.follow(values[:, None], judged.p_value[:, None], ordinary)
        return Found(judged.of_system(*said), share[:, 0])

    def restart(self, index: Integers) -> None:
        """Forget the rows of some series, but not what was learnt from them."""
        if len(index):
            self.tracker.restart(index)
            if self.system is not None:
                self.system.restart()

    def _together(self, system: System, panel: Panel, judged: Judged) -> tuple[Judged, Floats]:
        """Replace the scores and p-values of channels by those of their system."""
        at, length = time_rows(panel)
        series, _ = panel.places()
        values, p_values = (np.full((panel.n_series, length), np.nan) for _ in range(2))
        values[series, at], p_values[series, at] = panel.y, judged.p_value
        wild = np.zeros(length, np.bool_)
        wild[at[~judged.ordinary]] = True
        *said, share = system.follow(values, p_values, ~wild)
        return judged.of_system(*(part[at] for part in said)), share[series, at]

    def forecast(self, series: Integers, windows: Floats, lengths: Integers) -> Floats:
        """Forecast the block after each window of some series; see `forecast_windows`."""
        start = self.like.frequency.stamps(self.next[series], -lengths)
        return forecast_windows(self.model, self.like, series, start, windows, lengths, self.plan.block)
