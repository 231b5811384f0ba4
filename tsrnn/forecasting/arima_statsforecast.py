"""ARIMA of one series by statsforecast, an optional package: search, estimate and forecasts are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from tsrnn.data.panel import Floats, Integers
from tsrnn.errors import MissingExtraError
from tsrnn.forecasting.arima_likelihood import Order
from tsrnn.forecasting.arima_search import interpolate
from tsrnn.forecasting.arima_series import FEWEST_OBSERVED
from tsrnn.forecasting.per_series import claims_note
from tsrnn.forecasting.seasonal_naive import seasonal_naive_quantiles

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
    model : statsforecast model or None
        In units of `unit`; None if the series is forecast by the seasonal naive.
    order : Order or None
    unit : float
        Original units per unit of the model.
    n_filled : int
        Missing values between the first and the last observed one that were interpolated.
    trouble : str
        Why there is no model, empty where there is one.
    """

    model: Any
    order: Order | None = None
    unit: float = 1.0
    n_filled: int = 0
    trouble: str = ""


@dataclass(frozen=True)
class StatsforecastMethod:
    """How statsforecast fits and forecasts one series.

    Parameters
    ----------
    order : Order or None
        None searches.
    season_length : int
    keep_order : bool
        Whether a later fit of the same series keeps its order.
    """

    order: Order | None
    season_length: int
    keep_order: bool

    def fit(self, y: Floats, previous: ReferenceModel | None = None) -> ReferenceModel:
        """Fit one series; see `SeriesMethod.fit`."""
        from statsforecast.models import ARIMA, AutoARIMA

        seen = np.flatnonzero(np.isfinite(y))
        if len(seen) < FEWEST_OBSERVED:
            return ReferenceModel(None, trouble=f"fewer than {FEWEST_OBSERVED} observed values")
        inside = y[seen[0] : seen[-1] + 1]
        # Its optimiser stops at absolute tolerances, so that values of 1e-9 would be taken for zeros.
        unit = float(np.abs(y[seen]).mean()) or 1.0
        order = self.order
        if order is None and self.keep_order and previous is not None:
            order = previous.order
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
        try:
            model.fit(interpolate(inside) / unit)
        except Exception as error:  # statsforecast raises bare Exceptions; what it says goes into the notes
            return ReferenceModel(None, trouble=f"{type(error).__name__}: {error}")
        return ReferenceModel(model, _order(model.model_), unit, int(np.isnan(inside).sum()))

    def forecast(
        self, fitted: ReferenceModel, y: Floats, ends: Integers, h: int, quantiles: Sequence[float], shift: int
    ) -> tuple[Floats, int]:
        """Apply the fitted model to the history before each cutoff; see `SeriesMethod.forecast`."""
        values = np.full((len(ends), h, len(quantiles)), np.nan)
        seen = np.flatnonzero(np.isfinite(y))
        normal = ndtri(np.asarray(quantiles, dtype=np.float64))
        n_naive = 0
        for b, end in enumerate(ends):
            if not len(seen) or seen[0] >= end:
                continue
            history = interpolate(y[seen[0] : end]) / fitted.unit
            if fitted.order is None or len(history) <= _fewest_rows(fitted.order):
                values[b] = seasonal_naive_quantiles(y[:end], self.season_length, h, quantiles)
                n_naive += 1
                continue
            answer = fitted.model.forward(history, h, level=[_LEVEL])
            mean, high = np.asarray(answer["mean"]), np.asarray(answer[f"hi-{_LEVEL}"])
            deviation = (high - mean) / _SPREAD_OF_LEVEL
            values[b] = fitted.unit * (mean[:, None] + deviation[:, None] * normal)
        return values, n_naive

    def describe(self, fitted: ReferenceModel) -> str:
        """Return the order as text."""
        return "seasonal naive" if fitted.order is None else str(fitted.order)

    def is_naive(self, fitted: ReferenceModel) -> bool:
        """Tell whether there is no model."""
        return fitted.order is None

    def notes(self, fitted: Mapping[Any, ReferenceModel]) -> list[str]:
        """Name the series that were interpolated, and those without a model with the reason."""
        gaps = sum(model.n_filled for model in fitted.values())
        reasons = dict.fromkeys(model.trouble for model in fitted.values() if model.trouble)
        return [
            *claims_note(
                fitted,
                [
                    (
                        f"have missing values ({gaps} in all), which statsforecast cannot take; they are interpolated",
                        lambda model: model.n_filled > 0,
                    )
                ],
            ),
            *(
                note
                for reason in reasons
                for note in claims_note(
                    fitted,
                    [
                        (
                            f"could not be fitted by statsforecast ({reason}) and are forecast by the seasonal naive",
                            lambda model, reason=reason: model.trouble == reason,  # type: ignore[misc]
                        )
                    ],
                )
            ),
        ]


def _order(model: Mapping[str, Any]) -> Order:
    """Read the order off what statsforecast calls arma: p, q, P, Q, m, d, D."""
    p, q, seasonal_p, seasonal_q, m, d, seasonal_d = (int(one) for one in model["arma"])
    constant = bool({"intercept", "drift"} & set(model["coef"]))
    return Order(p, d, q, seasonal_p, seasonal_d, seasonal_q, m, constant)


def _fewest_rows(order: Order) -> int:
    """Return how many rows leave one value per coefficient after differencing."""
    return order.n_lost + order.n_coefficients + order.constant + 1
