"""ARIMA for every series of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tsrnn.errors import ParameterError
from tsrnn.forecasting.arima_form import Order
from tsrnn.forecasting.arima_series import (
    LONGEST_SEASON,
    SeriesModel,
    fit_series,
    forecast_series,
)
from tsrnn.forecasting.arima_statsforecast import StatsforecastMethod, require_statsforecast
from tsrnn.forecasting.per_series import FEWEST_OBSERVED, PerSeriesModel, SeriesMethod, claims_note
from tsrnn.naming import counted, some_of
from tsrnn.parameters import check_number, check_whole, is_whole

if TYPE_CHECKING:
    from tsrnn.data.panel import Floats, Integers, Panel

# The Kalman filter's time grows with the cube of its states; 150 of them take seconds per thousand rows.
_MOST_STATES = 150


class ARIMA(PerSeriesModel):
    """Seasonal ARIMA, one model per series, with Gaussian intervals.

    Automatic orders follow Hyndman and Khandakar: a difference at the season where an STL decomposition finds
    a strong season, plain differences by the KPSS test, then a stepwise search by the corrected Akaike
    criterion, and the exact likelihood for the chosen model. Missing values go through the Kalman filter; they
    are interpolated for the search of the order only. Forecasts from other cutoffs keep order, coefficients and
    innovation variance, and move only the state.

    A series with fewer than 4 observed values, or one that no model fits, is forecast by the seasonal naive;
    `notes_` says how many there are.

    Parameters
    ----------
    order : "auto" or (p, d, q)
        A given order has a mean where nothing is differenced, and no drift.
    seasonal_order : (P, D, Q), optional
        Only with a given order. Default: no seasonal terms.
    season_length : int, optional
        Steps per season. Default: by frequency. Beyond 24, where seasonal terms are slow and poorly determined,
        an automatic order describes the season by sines and cosines (at most 20 harmonics, by the Bayesian
        criterion) whose amplitudes stay as fitted.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.
    keep_order : bool
        Whether `update`, by which a backtest refits after its first fit, keeps each series' order and estimates
        only its coefficients again, from the last ones. Where the tests call for other differences than before, or
        the order no longer fits, the order is searched again. False searches at every update.
    engine : {"tsrnn", "statsforecast"}
        Who searches, estimates and forecasts. "statsforecast" needs the package of that name (``pip install
        'tsrnn[stats]'``); series with gaps are interpolated for it, which `notes_` says, a long season is not
        described by harmonics, and the two limits of the search below do not apply.
    max_search_points : int
        The search for the order looks at the newest points only; the final estimate uses all.
    seconds_per_series : float
        Time limit of the search for one series; the best order so far is then taken, and `notes_` says so.
        Results depend on the machine only where the limit is reached.
    n_jobs : int, optional
        Worker processes; -1 means one per core. Default: one per core where the work left after 2 seconds is
        worth starting them. The forecasts do not depend on it.

    Attributes
    ----------
    orders_ : dict
        From the id of a series to its order, for example "(1,1,1)(0,1,1)[12]".
    notes_ : list of str
        What the last fit, and the last forecast, found worth telling: fallbacks, likelihoods that did not
        converge, searches out of time, unknown series.

    Notes
    -----
    Series are matched by id. A series that was not fitted is fitted when it is forecast, on its history up to
    the earliest cutoff asked for.

    Source: Hyndman and Khandakar, Automatic time series forecasting: the forecast package for R (2008).

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([3.0, 5, 7, 9, 11, 13, 15, 17], index=pd.RangeIndex(8), name="y")
    >>> ARIMA(order=(0, 2, 1)).fit(y).predict(h=2).round(6).tolist()
    [19.0, 21.0]
    """

    def __init__(
        self,
        order: Any = "auto",
        seasonal_order: Sequence[int] | None = None,
        *,
        season_length: int | None = None,
        freq: Any = None,
        keep_order: bool = True,
        engine: str = "tsrnn",
        max_search_points: int = 500,
        seconds_per_series: float = 10.0,
        n_jobs: int | None = None,
    ) -> None:
        self.order = order
        self.seasonal_order = seasonal_order
        self.season_length = season_length
        self.freq = freq
        self.keep_order = keep_order
        self.engine = engine
        self.max_search_points = max_search_points
        self.seconds_per_series = seconds_per_series
        self.n_jobs = n_jobs

    @property
    def orders_(self) -> dict[Any, str]:
        """From the id of a series to its order, for example "(1,1,1)(0,1,1)[12]"."""
        return self._descriptions()

    @property
    def continues(self) -> bool:
        """Whether an update keeps the orders that were found."""
        return bool(self.keep_order) and _is_auto(self.order)

    def _update_panel(self, panel: Panel) -> None:
        self._fit_each(panel, self._fitted if self.continues else None)

    def _method(self, panel: Panel) -> SeriesMethod:
        if self.engine not in ("tsrnn", "statsforecast"):
            raise ParameterError(f"engine={self.engine!r}: expected 'tsrnn' or 'statsforecast'.")
        order = _checked_order(self.order, self.seasonal_order, panel.season_length)
        if self.engine == "statsforecast":
            require_statsforecast()
            return StatsforecastMethod(panel.season_length, order)
        check_whole("max_search_points", self.max_search_points, 20)
        seconds = "a number of seconds above 0"
        check_number("seconds_per_series", self.seconds_per_series, 0, math.inf, seconds, or_high=True)
        return _ArimaMethod(
            order,
            panel.season_length,
            int(self.max_search_points),
            float(self.seconds_per_series),
        )

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        by = " by statsforecast" if self.engine == "statsforecast" else ""
        return f"ARIMA{by}, {self._described('orders')}"


@dataclass(frozen=True)
class _ArimaMethod:
    """How to fit and forecast one series."""

    order: Order | None
    season_length: int
    max_search_points: int
    seconds: float

    def fit(self, y: Floats, previous: SeriesModel | None = None) -> SeriesModel:
        return fit_series(
            y,
            self.season_length,
            self.order,
            max_search_points=self.max_search_points,
            seconds=self.seconds,
            previous=previous,
        )

    def forecast(
        self, fitted: SeriesModel, y: Floats, ends: Integers, h: int, quantiles: Sequence[float], shift: int
    ) -> Floats:
        return forecast_series(fitted, y, ends, h, quantiles, shift)

    def describe(self, fitted: SeriesModel) -> str:
        return fitted.describe()

    def is_naive(self, fitted: SeriesModel) -> bool:
        return fitted.estimate is None

    def notes(self, fitted: Mapping[Any, SeriesModel]) -> list[str]:
        notes = []
        if self.order is None and self.season_length > LONGEST_SEASON:
            n = sum(model.season is not None for model in fitted.values())
            notes.append(
                f"The season of {self.season_length} steps is longer than {LONGEST_SEASON}: "
                f"{some_of(n, len(fitted), 'series', 'has', 'have')} it described by harmonics with fixed amplitudes, "
                "the others have none."
            )
        late = f"ran into the limit of {self.seconds:g} seconds for the search of an order; the best so far is used"
        return notes + claims_note(
            fitted,
            [
                (
                    f"has fewer than {FEWEST_OBSERVED} observed values and is forecast by the seasonal naive",
                    f"have fewer than {FEWEST_OBSERVED} observed values and are forecast by the seasonal naive",
                    lambda model: model.trouble == "short",
                ),
                (
                    "could not be fitted and is forecast by the seasonal naive",
                    "could not be fitted and are forecast by the seasonal naive",
                    lambda model: model.trouble == "failed",
                ),
                (
                    "has a likelihood that did not converge; its last coefficients are used",
                    "have a likelihood that did not converge; their last coefficients are used",
                    lambda model: not model.converged,
                ),
                (
                    late,
                    late,
                    lambda model: model.out_of_time,
                ),
            ],
        )


def _is_auto(order: Any) -> bool:
    return isinstance(order, str) and order == "auto"


def _checked_order(order: Any, seasonal_order: Any, season_length: int) -> Order | None:
    """Return the order that the user gave, None for an automatic one."""
    if _is_auto(order):
        if seasonal_order is not None:
            raise ParameterError(f"seasonal_order={seasonal_order!r} with order='auto': give both orders, or neither.")
        return None
    p, d, q = _checked_triple(order, "order", (2, "d"), "'auto' or (p, d, q), for example (1, 1, 1)")
    if seasonal_order is None:
        return Order(p, d, q, constant=d == 0)
    seasonal = _checked_triple(seasonal_order, "seasonal_order", (1, "D"), "(P, D, Q), for example (0, 1, 1)")
    if sum(seasonal) and season_length < 2:
        raise ParameterError(
            f"seasonal_order={seasonal_order!r} but the season length is {season_length}. Pass season_length, for "
            "example season_length=12."
        )
    found = Order(p, d, q, *seasonal, season_length, constant=d + seasonal[1] == 0)
    n_states = found.n_lost + max(p + season_length * found.P, q + season_length * found.Q + 1)
    if n_states > _MOST_STATES:
        raise ParameterError(
            f"The order {found} needs {counted(n_states, 'state')}; at most {_MOST_STATES} can be filtered in "
            "reasonable time. Use order='auto', which describes long seasons by harmonics, or a lower seasonal_order."
        )
    return found


def _checked_triple(value: Any, name: str, most: tuple[int, str], expected: str) -> tuple[int, int, int]:
    numbers = tuple(value) if isinstance(value, (tuple, list, np.ndarray)) else ()
    if len(numbers) != 3 or not all(map(is_whole, numbers)) or min(numbers) < 0:
        raise ParameterError(f"{name}={value!r}: expected {expected}, in whole numbers of 0 or more.")
    if numbers[1] > most[0]:
        raise ParameterError(f"{name}={value!r}: {most[1]} is {numbers[1]}, expected at most {most[0]}.")
    return int(numbers[0]), int(numbers[1]), int(numbers[2])
