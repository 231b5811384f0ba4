"""What a backtest does: which panel, from which cutoffs, which intervals, and how often models are fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tsrnn.data.panel import Bools, Floats, Panel
from tsrnn.evaluation.cutoffs import Origins
from tsrnn.evaluation.scores import SCORED_QUANTILES
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.levels import needed_quantiles


@dataclass(frozen=True)
class Plan:
    """A backtest before any model.

    Parameters
    ----------
    panel : Panel
    origins : Origins
    levels : tuple of float
        Of the intervals, in percent.
    refit : int
        After how many cutoffs a model is fitted again; 0 is never.
    """

    panel: Panel
    origins: Origins
    levels: tuple[float, ...]
    refit: int

    @property
    def quantiles(self) -> tuple[float, ...]:
        """What models forecast, ascending, Q of them: the ends of the intervals, and what is scored."""
        return needed_quantiles(self.levels, SCORED_QUANTILES)

    @property
    def span(self) -> int:
        """Windows from one fit to the next."""
        return self.refit or self.origins.n_windows

    @property
    def n_fits(self) -> int:
        """How often a model is fitted."""
        return -(-self.origins.n_windows // self.span)

    def first(self, n_windows: int) -> Plan:
        """Return the plan of the oldest windows alone, to tell what was found there."""
        return replace(self, origins=self.origins.first(n_windows))

    def training_panel(self, window: int) -> Panel:
        """Return what a model may learn from that forecasts this window and later ones."""
        return self.panel.between(*self.origins.training_rows(window))

    def learnt_later(self, n_windows: int) -> Bools:
        """Tell which series have a cutoff before rows of other series that models were fitted on by then.

        Cutoffs count back from each series' own end, so where a series ends earlier than others, a model of all of them
        has learnt from their rows of the times at which it is judged. Shape (n_series,).
        """
        stamps, start = self.panel.frequency.stamps, self.panel.start
        found: Bools = np.zeros(self.panel.n_series, np.bool_)
        for window in range(n_windows):
            learnt = self.origins.training_rows(window - window % self.span)[1]
            some = np.flatnonzero(learnt)
            latest = stamps(start[some], learnt[some] - 1).max()
            end = self.origins.ends[:, window]
            judged = np.flatnonzero(end)
            found[judged] |= stamps(start[judged], end[judged] - 1) < latest
        return found

    def forecast(self, model: ForecastModel, windows: Sequence[int]) -> dict[int, Floats]:
        """Forecast all cutoffs of windows that follow each other with a fitted model.

        Returns
        -------
        dict of int to ndarray of shape (B_window, h, Q), original units
            Of each window the h scored steps, after the gap, in the order of `Origins.cutoffs`; NaN where no row that
            may be seen is observed.
        """
        origins = self.origins
        if origins.train_size is not None:
            return {window: self._forecast_seen(model, window) for window in windows}
        # One call for all windows: a network reads them in one batch.
        first, last = windows[0], windows[-1] + 1
        values = model.forecast(self.panel, origins.cutoffs(first, last), origins.reach, self.quantiles)
        number = origins.window_numbers(first, last)
        return {window: values[number == window, origins.gap :] for window in windows}

    def _forecast_seen(self, model: ForecastModel, window: int) -> Floats:
        """Forecast the cutoffs of a window from the rows before them that may be seen."""
        origins = self.origins
        cutoffs = origins.cutoffs(window, window + 1)
        seen = self.panel.between(*origins.seen_rows(window))
        known = seen.lengths[cutoffs.series] > 0
        values = np.full((len(cutoffs), origins.h, len(self.quantiles)), np.nan)
        last = seen.last_cutoffs().take(cutoffs.series[known])
        values[known] = model.forecast(seen, last, origins.reach, self.quantiles)[:, origins.gap :]
        return values
