"""Exponential smoothing for every series of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sklearn.utils.validation import check_is_fitted

from tsrnn.data.panel import Floats
from tsrnn.errors import ParameterError
from tsrnn.forecasting.complete_series import CompleteSeriesMethod, FittedSeries
from tsrnn.forecasting.ets_form import FORMS, Form
from tsrnn.forecasting.ets_series import LONGEST_SEASON, EtsModel, fit_ets, forecast_ets
from tsrnn.forecasting.per_series import PerSeriesModel, SeriesMethod
from tsrnn.naming import some_of

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel


class ETS(PerSeriesModel):
    """Exponential smoothing in state-space form, one model per series.

    Every form of error (additive, multiplicative), trend (none, additive, damped) and season (none, additive,
    multiplicative) is estimated by maximum likelihood, all at once, and the smallest corrected Akaike criterion
    chooses. Multiplicative trends, and additive errors with a multiplicative season, are left out; multiplicative
    forms need positive values, and a trend is smoothed by at most .2 / season_length. Intervals are Gaussian with
    the variance of the form. Forecasts from other cutoffs keep form and parameters, and move only the state.

    Series with gaps are interpolated; series with fewer than 4 observed values are forecast by the seasonal naive.
    `notes_` says for which.
    Of a series of more than 3,000 rows the last 3,000 are estimated on.

    Parameters
    ----------
    form : str
        "auto", or error, trend and season by their letters, for example "AAN", "MAdM" or "ANA" ("Ad" is a damped
        trend). A series that cannot have the given form is smoothed without trend and season.
    season_length : int, optional
        Steps per season. Default: by frequency. Beyond 24 a season that a test finds is taken out by its classical
        indices first, and put back.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.
    n_jobs : int, optional
        Worker processes; -1 means one per core. Default: one per core where the work left after 2 seconds is
        worth starting them.

    Attributes
    ----------
    forms_ : dict
        From the id of a series to its form, for example "MAdM".
    notes_ : list of str
        What the last fit, and the last forecast, found worth telling.

    Notes
    -----
    The likelihood is computed here for all forms in one loop over time, which takes a fraction of the time of
    fitting them one after the other; the tests compare it with statsmodels' ETSModel.

    Source: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008).

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([3.0, 5, 7, 9, 11, 13, 15, 17], index=pd.RangeIndex(8), name="y")
    >>> ETS("AAN").fit(y).predict(h=2).round(3).tolist()
    [19.0, 21.0]
    """

    def __init__(
        self,
        form: str = "auto",
        *,
        season_length: int | None = None,
        freq: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.form = form
        self.season_length = season_length
        self.freq = freq
        self.n_jobs = n_jobs

    @property
    def forms_(self) -> dict[Any, str]:
        """From the id of a series to its form."""
        return self._descriptions()

    def _method(self, panel: Panel) -> SeriesMethod:
        chosen = FORMS if self.form == "auto" else tuple(form for form in FORMS if str(form) == self.form)
        if not chosen:
            raise ParameterError(f"form={self.form!r}: expected 'auto' or one of {', '.join(map(str, FORMS))}.")
        if self.form != "auto" and chosen[0].season != "N" and not 1 < panel.season_length <= LONGEST_SEASON:
            raise ParameterError(
                f"form={self.form!r} has a season, but the season length is {panel.season_length}; expected 2 to "
                f"{LONGEST_SEASON}. Pass season_length, or a form that ends in N."
            )
        return _EtsMethod(panel.season_length, chosen)

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"ETS, {self._described('forms')}"


@dataclass(frozen=True)
class _EtsMethod(CompleteSeriesMethod):
    forms: tuple[Form, ...]
    name: ClassVar[str] = "ETS"

    def fit_complete(self, y: Floats) -> EtsModel:
        return fit_ets(y, self.season_length, self.forms)

    def forecast_complete(
        self, model: EtsModel, histories: Sequence[Floats], origin: int, h: int, quantiles: Sequence[float]
    ) -> Floats:
        return forecast_ets(model, histories, h, quantiles, origin)

    def describe_model(self, model: EtsModel) -> str:
        return str(model.form)

    def notes(self, fitted: Mapping[Any, FittedSeries]) -> list[str]:
        if self.season_length <= LONGEST_SEASON:
            return super().notes(fitted)
        n = sum(one.model is not None and one.model.long_season is not None for one in fitted.values())
        return [
            f"The season of {self.season_length} steps is longer than {LONGEST_SEASON}: "
            f"{some_of(n, len(fitted), 'series', 'has', 'have')} it taken out by fixed indices, the others have none.",
            *super().notes(fitted),
        ]
