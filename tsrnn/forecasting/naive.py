"""The naive forecasts: what every other model has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sklearn.utils.validation import check_is_fitted

from tsrnn.forecasting.from_history import HistoryModel
from tsrnn.forecasting.seasonal_naive import seasonal_naive_quantiles

if TYPE_CHECKING:
    from tsrnn.data.panel import Floats


class Naive(HistoryModel):
    """Repeat the last value.

    Intervals are Gaussian, and widen by the variance of a step with every step ahead. On data close to a random
    walk, such as exchange rates, nothing beats it by much.

    Parameters
    ----------
    season_length : int, optional
        Steps per season, which this forecast ignores. Default: by frequency.
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
    >>> Naive().fit(y).predict(h=2).tolist()
    [6.0, 6.0]
    """

    def _quantiles(self, y: Floats, h: int, quantiles: Sequence[float]) -> Floats:
        return seasonal_naive_quantiles(y, 1, h, quantiles)

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"naive, whatever the season of {self.panel_.season_length}"


class SeasonalNaive(HistoryModel):
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

    def _quantiles(self, y: Floats, h: int, quantiles: Sequence[float]) -> Floats:
        return seasonal_naive_quantiles(y, self.panel_.season_length, h, quantiles)

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"seasonal naive, season {self.panel_.season_length}"
