"""ARIMA of one series by statsforecast, an optional package: search, estimate and forecasts are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy.special import ndtri

from tsrnn.data.panel import Floats
from tsrnn.errors import MissingExtraError
from tsrnn.forecasting.arima_form import Order
from tsrnn.forecasting.complete_series import CompleteSeriesMethod, FittedSeries
from tsrnn.forecasting.gaussian import gaussian_quantiles

# The standard deviation of a forecast is read off its 80 % interval.
_LEVEL = 80
_SPREAD_OF_LEVEL = float(ndtri(0.9))


def require_statsforecast() -> None:
    """Raise MissingExtraError with the cure if statsforecast is not installed."""
    try:
        import statsforecast  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "ARIMA(engine='statsforecast') needs the package statsforecast, which is not installed. Run: "
            "pip install 'tsrnn[stats]', or use engine='tsrnn'."
        ) from None


@dataclass(frozen=True)
class ReferenceModel:
    """What statsforecast fitted to one series.

    Parameters
    ----------
    model : statsforecast model
        In units of `unit`.
    order : Order
    unit : float
        Original units per unit of the model.
    """

    model: Any
    order: Order
    unit: float


@dataclass(frozen=True)
class StatsforecastMethod(CompleteSeriesMethod):
    """How statsforecast fits and forecasts one series.

    Parameters
    ----------
    season_length : int
    order : Order or None
        None searches.
    """

    order: Order | None
    name: ClassVar[str] = "statsforecast"
    # It raises bare Exceptions for series that no model fits.
    failures: ClassVar[tuple[type[Exception], ...]] = (Exception,)

    def fit(self, y: Floats, previous: FittedSeries | None = None) -> FittedSeries:
        """Fit one series, with the order of an earlier fit where one is given; see `CompleteSeriesMethod.fit`."""
        if self.order is None and previous is not None and previous.model is not None:
            return replace(self, order=previous.model.order).fit(y)
        return super().fit(y)

    def fit_complete(self, y: Floats) -> ReferenceModel:
        """Search and estimate; see `CompleteSeriesMethod.fit_complete`."""
        from statsforecast.models import ARIMA, AutoARIMA

        # Its optimiser stops at absolute tolerances, so that values of 1e-9 would be taken for zeros.
        unit = float(np.abs(y).mean()) or 1.0
        order = self.order
        if order is None:
            model = AutoARIMA(season_length=self.season_length)
        else:
            differenced = order.d + order.D > 0
            model = ARIMA(
                order=(order.p, order.d, order.q),
                seasonal_order=(order.P, order.D, order.Q),
                season_length=self.season_length,
                include_mean=order.constant and not differenced,
                include_drift=order.constant and differenced,
            )
        model.fit(y / unit)
        return ReferenceModel(model, _order(model.model_), unit)

    def forecast_complete(
        self, model: ReferenceModel, histories: Sequence[Floats], origin: int, h: int, quantiles: Sequence[float]
    ) -> Floats:
        """Apply the fitted coefficients to each history; see `CompleteSeriesMethod.forecast_complete`."""
        values = np.empty((len(histories), h, len(quantiles)))
        for b, history in enumerate(histories):
            answer = model.model.forward(history / model.unit, h, level=[_LEVEL])
            mean, high = np.asarray(answer["mean"]), np.asarray(answer[f"hi-{_LEVEL}"])
            deviation = (high - mean) / _SPREAD_OF_LEVEL
            values[b] = model.unit * gaussian_quantiles(mean, deviation, quantiles)
        return values

    def describe_model(self, model: ReferenceModel) -> str:
        """Return the order as text."""
        return str(model.order)

    def fewest_rows(self, model: ReferenceModel) -> int:
        """Return how many rows leave one value per coefficient after differencing."""
        order = model.order
        return order.n_lost + order.n_coefficients + order.constant + 2


def _order(model: Mapping[str, Any]) -> Order:
    """Read the order off what statsforecast calls arma: p, q, P, Q, m, d, D."""
    p, q, seasonal_p, seasonal_q, m, d, seasonal_d = (int(one) for one in model["arma"])
    constant = bool({"intercept", "drift"} & set(model["coef"]))
    return Order(p, d, q, seasonal_p, seasonal_d, seasonal_q, m, constant)
