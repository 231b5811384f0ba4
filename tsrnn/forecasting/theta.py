"""The Theta method for every series of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sklearn.utils.validation import check_is_fitted

from tsrnn.data.panel import Floats
from tsrnn.errors import ParameterError
from tsrnn.forecasting.complete_series import CompleteSeriesMethod
from tsrnn.forecasting.per_series import PerSeriesModel, SeriesMethod
from tsrnn.forecasting.theta_series import VARIANTS, ThetaModel, Variant, fit_theta, forecast_theta

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel


class Theta(PerSeriesModel):
    """The Theta method: exponential smoothing plus part of a trend, one model per series.

    A season that an autocorrelation test finds at 10 % is taken out by its classical indices and put back;
    it is multiplicative where all values are positive. Intervals are Gaussian, and exact for the fitted model
    with its parameters taken as known. Forecasts from other cutoffs keep parameters and season, and move only the
    state.

    Series with gaps are interpolated; series with fewer than 4 observed values are forecast by the seasonal naive.
    `notes_` says for which.

    Parameters
    ----------
    variant : {"auto", "STM", "OTM", "DSTM", "DOTM"}
        "STM", the standard Theta model, adds half of the trend line's slope; "OTM" optimises its share. In "DSTM"
        and "DOTM" the line follows the data. "auto" takes, for each series, the one with the smallest squared
        one-step errors.
    season_length : int, optional
        Steps per season. Default: by frequency.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.
    n_jobs : int, optional
        Worker processes; -1 means one per core. Default: one per core where the work left after 2 seconds is
        worth starting them.

    Attributes
    ----------
    variants_ : dict
        From the id of a series to its model, for example "DOTM, theta 2.4, alpha 0.31".
    notes_ : list of str
        What the last fit, and the last forecast, found worth telling.

    Notes
    -----
    Source: Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler, Models for optimising the theta method and their
    relationship to state space models (2016).

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([3.0, 5, 7, 9, 11, 13, 15, 17], index=pd.RangeIndex(8), name="y")
    >>> Theta("OTM").fit(y).predict(h=2).round(6).tolist()
    [19.0, 21.0]
    """

    def __init__(
        self,
        variant: str = "auto",
        *,
        season_length: int | None = None,
        freq: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.variant = variant
        self.season_length = season_length
        self.freq = freq
        self.n_jobs = n_jobs

    @property
    def variants_(self) -> dict[Any, str]:
        """From the id of a series to its model."""
        return self._descriptions()

    def _method(self, panel: Panel) -> SeriesMethod:
        chosen = VARIANTS if self.variant == "auto" else tuple(one for one in VARIANTS if one == self.variant)
        if not chosen:
            raise ParameterError(f"variant={self.variant!r}: expected 'auto', {', '.join(map(repr, VARIANTS))}.")
        return _ThetaMethod(panel.season_length, chosen)

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"Theta, {self._described('models')}"


@dataclass(frozen=True)
class _ThetaMethod(CompleteSeriesMethod):
    variants: tuple[Variant, ...]
    name: ClassVar[str] = "Theta"

    def fit_complete(self, y: Floats) -> ThetaModel:
        return fit_theta(y, self.season_length, self.variants)

    def forecast_complete(
        self, model: ThetaModel, histories: Sequence[Floats], origin: int, h: int, quantiles: Sequence[float]
    ) -> Floats:
        return forecast_theta(model, histories, h, quantiles, origin)

    def describe_model(self, model: ThetaModel) -> str:
        return f"{model.variant}, theta {model.theta:.2g}, alpha {model.alpha:.2g}"
