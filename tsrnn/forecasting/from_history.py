"""Models without parameters: any history is forecast by one formula."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.forecasting.contract import ForecastModel

if TYPE_CHECKING:
    from tsrnn.data.panel import Cutoffs, Floats, Panel


class HistoryModel(ForecastModel):
    """Forecast each series from its own past by a formula; there is nothing to fit.

    A subclass implements `_quantiles` and `summary`.
    """

    def __init__(self, season_length: int | None = None, freq: Any = None) -> None:
        self.season_length = season_length
        self.freq = freq

    @abstractmethod
    def _quantiles(self, y: Floats, h: int, quantiles: Sequence[float]) -> Floats:
        """Forecast one history.

        Parameters
        ----------
        y : ndarray of shape (n,), original units
            NaN where missing.
        h : int
        quantiles : sequence of float in (0, 1), Q of them

        Returns
        -------
        ndarray of shape (h, Q), original units
            NaN throughout where nothing is observed.
        """

    def _fit_panel(self, panel: Panel) -> None:
        self.notes_ = list(self._update_notes)

    def _forecast_panel(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        values = np.empty((len(cutoffs), h, len(quantiles)))
        for row, (series, end) in enumerate(zip(cutoffs.series, cutoffs.end, strict=True)):
            values[row] = self._quantiles(panel.series(series)[:end], h, quantiles)
        return values
