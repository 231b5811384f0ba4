"""The seasonal naive forecast: what every other model has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.seasonal_naive import seasonal_naive_quantiles

if TYPE_CHECKING:
    from tsrnn.data.panel import Cutoffs, Floats, Panel


class SeasonalNaive(ForecastModel):
    """Repeat the last season.

    The point forecast is the last observed value at the same position of the season; without a season
    (`season_length` 1) it is the last value. Intervals are Gaussian, and widen by a season's variance with every
    season ahead. It has no parameters, so it forecasts any series from that series' own past.

    Parameters
    ----------
    season_length : int, optional
        Steps per season. Default: by frequency.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.

    Notes
    -----
    Source: Hyndman and Athanasopoulos 2021, "Forecasting: principles and practice", 3rd edition, sections 5.2 and
    5.5.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([1.0, 5.0, 2.0, 6.0], index=pd.date_range("2020-01-01", periods=4, freq="MS"), name="y")
    >>> SeasonalNaive(season_length=2).fit(y).predict(h=3).tolist()
    [2.0, 6.0, 2.0]
    """

    def __init__(self, season_length: int | None = None, freq: Any = None) -> None:
        self.season_length = season_length
        self.freq = freq

    @property
    def default_horizon_(self) -> int:
        """The usual horizon of the frequency."""
        return self.frequency_.default_horizon

    def _fit_panel(self, panel: Panel) -> None:
        self.season_length_ = panel.season_length
        self.frequency_ = panel.frequency

    def forecast(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        """Forecast the h steps after each cutoff; see `ForecastModel.forecast`."""
        values = np.empty((len(cutoffs), h, len(quantiles)))
        for row, (series, end) in enumerate(zip(cutoffs.series, cutoffs.end, strict=True)):
            values[row] = seasonal_naive_quantiles(panel.series(series)[:end], self.season_length_, h, quantiles)
        return values

    def summary(self) -> str:
        """Say in a line what was chosen."""
        return f"seasonal naive, season {self.season_length_}"
