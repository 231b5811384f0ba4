"""ARIMA for every series of a table."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tsrnn.errors import ParameterError
from tsrnn.forecasting.arima_likelihood import Order
from tsrnn.forecasting.arima_series import (
    FEWEST_OBSERVED,
    LONGEST_SEASON,
    SeriesModel,
    fit_series,
    forecast_series,
)
from tsrnn.forecasting.contract import ForecastModel

if TYPE_CHECKING:
    from tsrnn.data.panel import Cutoffs, Floats, Integers, Panel

_Result = TypeVar("_Result")

# Starting worker processes and importing statsmodels there takes about 2 seconds on two cores, so series run here
# until this much time is spent, and elsewhere only if as much is still to come.
_PROBE_SECONDS = 2.0
_WORTH_SECONDS = 4.0
# The Kalman filter's time grows with the cube of its states; 150 of them take seconds per thousand rows.
_MOST_STATES = 150


class ARIMA(ForecastModel):
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
        max_search_points: int = 500,
        seconds_per_series: float = 10.0,
        n_jobs: int | None = None,
    ) -> None:
        self.order = order
        self.seasonal_order = seasonal_order
        self.season_length = season_length
        self.freq = freq
        self.max_search_points = max_search_points
        self.seconds_per_series = seconds_per_series
        self.n_jobs = n_jobs

    @property
    def default_horizon_(self) -> int:
        """The usual horizon of the frequency."""
        return self.frequency_.default_horizon

    def _fit_panel(self, panel: Panel) -> None:
        task = _Fit(
            _checked_order(self.order, self.seasonal_order, panel.season_length),
            panel.season_length,
            _checked_points(self.max_search_points),
            _checked_seconds(self.seconds_per_series),
        )
        n_jobs = _checked_jobs(self.n_jobs)
        fitted = _run(task, [(panel.series(i),) for i in range(panel.n_series)], n_jobs)
        self.season_length_ = panel.season_length
        self.frequency_ = panel.frequency
        self.orders_ = {key: model.describe() for key, model in zip(panel.ids, fitted, strict=True)}
        self._fit_task = task
        self._fitted = dict(zip(panel.ids, zip(fitted, panel.start, strict=True), strict=True))
        self._fit_notes = _notes(dict(zip(panel.ids, fitted, strict=True)), task)
        self.notes_ = list(self._fit_notes)

    def forecast(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        """Forecast the h steps after each cutoff; see `ForecastModel.forecast`."""
        values = np.empty((len(cutoffs), h, len(quantiles)))
        task = _Forecast(self._fit_task, h, tuple(quantiles))
        asked = np.unique(cutoffs.series)
        jobs, places, unknown = [], [], []
        for series in asked:
            places.append(np.flatnonzero(cutoffs.series == series))
            key = panel.ids[series]
            model, shift = None, 0
            if key in self._fitted:
                model, start = self._fitted[key]
                if model.season is not None:
                    shift = int(panel.frequency.positions(panel.start[series], start))
            else:
                unknown.append(key)
            jobs.append((model, panel.series(series), cutoffs.end[places[-1]], shift))
        results = _run(task, jobs, _checked_jobs(self.n_jobs))
        new = {}
        stood_in = {}
        for place, series, (model, forecast, n_naive) in zip(places, asked, results, strict=True):
            values[place] = forecast
            if panel.ids[series] not in self._fitted:
                new[panel.ids[series]] = model
            elif n_naive and model.estimate is not None:
                stood_in[panel.ids[series]] = n_naive
        notes = list(self._fit_notes)
        if unknown:
            notes.append(
                f"{len(unknown)} of {len(asked)} series were not fitted before; each was fitted on its history up to "
                f"the earliest cutoff asked for: {_examples(unknown)}."
            )
            notes += _notes(new, self._fit_task)
        if stood_in:
            notes.append(
                f"{sum(stood_in.values())} of {len(cutoffs)} cutoffs have too little history for their order and are "
                f"forecast by the seasonal naive: {_examples(list(stood_in))}."
            )
        self.notes_ = notes
        return values

    def summary(self) -> str:
        """Say in a line what was chosen."""
        orders = sorted(set(self.orders_.values()))
        what = _examples(orders) if len(orders) <= 5 else f"{len(orders)} different orders"
        return f"ARIMA, season {self.season_length_}, {len(self.orders_)} series: {what}"


@dataclass(frozen=True)
class _Fit:
    """How to fit one series; a value, so that worker processes can be sent it."""

    order: Order | None
    season_length: int
    max_search_points: int
    seconds: float

    def __call__(self, y: Floats) -> SeriesModel:
        return fit_series(
            y,
            self.season_length,
            self.order,
            max_search_points=self.max_search_points,
            seconds=self.seconds,
        )


@dataclass(frozen=True)
class _Forecast:
    """How to forecast one series from its cutoffs."""

    fit: _Fit
    h: int
    quantiles: tuple[float, ...]

    def __call__(
        self, model: SeriesModel | None, y: Floats, ends: Integers, shift: int
    ) -> tuple[SeriesModel, Floats, int]:
        if model is None:
            model = self.fit(y[: ends.min()])
        values, n_naive = forecast_series(model, y, ends, self.h, self.quantiles, self.fit.season_length, shift)
        return model, values, n_naive


def _run(task: Callable[..., _Result], jobs: list[tuple[Any, ...]], n_jobs: int | None) -> list[_Result]:
    """Run the jobs in order, in worker processes where that pays or is asked for."""
    results: list[_Result] = []
    workers = n_jobs or os.cpu_count() or 1
    if n_jobs is None or workers == 1 or len(jobs) < 2:
        began = time.monotonic()
        # The matrices are small: threads only get in each other's way.
        with threadpool_limits(limits=1):
            for job in jobs:
                spent = time.monotonic() - began
                left = spent / max(len(results), 1) * (len(jobs) - len(results))
                if workers > 1 and len(jobs) > 1 and spent > _PROBE_SECONDS and left > _WORTH_SECONDS:
                    break
                results.append(task(*job))
    rest = jobs[len(results) :]
    if rest:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            results += Parallel(n_jobs=min(workers, len(rest)), batch_size="auto")(delayed(task)(*job) for job in rest)
    return results


def _checked_jobs(n_jobs: Any) -> int | None:
    if n_jobs is None:
        return None
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or (n_jobs < 1 and n_jobs != -1):
        raise ParameterError(
            f"n_jobs={n_jobs!r}: expected a number of processes, 1 or more, -1 for all cores, or None."
        )
    return (os.cpu_count() or 1) if n_jobs == -1 else int(n_jobs)


def _checked_points(points: Any) -> int:
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or points < 20:
        raise ParameterError(f"max_search_points={points!r}: expected a whole number, 20 or more.")
    return int(points)


def _checked_seconds(seconds: Any) -> float:
    number = isinstance(seconds, (int, float, np.integer, np.floating)) and not isinstance(seconds, bool)
    # Written so that NaN is refused too.
    if not number or not seconds > 0:
        raise ParameterError(f"seconds_per_series={seconds!r}: expected a number of seconds above 0.")
    return float(seconds)


def _checked_order(order: Any, seasonal_order: Any, season_length: int) -> Order | None:
    """Return the order that the user gave, None for an automatic one."""
    if isinstance(order, str) and order == "auto":
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
            f"The order {found} needs {n_states} states; at most {_MOST_STATES} can be filtered in reasonable time. "
            "Use order='auto', which describes long seasons by harmonics, or a lower seasonal_order."
        )
    return found


def _checked_triple(value: Any, name: str, most: tuple[int, str], expected: str) -> tuple[int, int, int]:
    numbers = tuple(value) if isinstance(value, (tuple, list, np.ndarray)) else ()
    whole = all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) for one in numbers)
    if len(numbers) != 3 or not whole or min(numbers) < 0:
        raise ParameterError(f"{name}={value!r}: expected {expected}, in whole numbers of 0 or more.")
    if numbers[1] > most[0]:
        raise ParameterError(f"{name}={value!r}: {most[1]} is {numbers[1]}, expected at most {most[0]}.")
    return int(numbers[0]), int(numbers[1]), int(numbers[2])


def _notes(models: dict[Any, SeriesModel], task: _Fit) -> list[str]:
    """Say what went other than planned, and for which series."""
    claims: list[tuple[str, Callable[[SeriesModel], bool]]] = [
        (
            f"have fewer than {FEWEST_OBSERVED} observed values and are forecast by the seasonal naive",
            lambda model: model.trouble == "short",
        ),
        (
            "could not be fitted and are forecast by the seasonal naive",
            lambda model: model.trouble == "failed",
        ),
        (
            "have a likelihood that did not converge; their last coefficients are used",
            lambda model: not model.converged,
        ),
        (
            f"ran into the limit of {task.seconds:g} seconds for the search of an order; the best so far is used",
            lambda model: model.out_of_time,
        ),
    ]
    notes = []
    if task.order is None and task.season_length > LONGEST_SEASON:
        n = sum(model.season is not None for model in models.values())
        notes.append(
            f"The season of {task.season_length} steps is longer than {LONGEST_SEASON}: {n} of {len(models)} series "
            "have it described by harmonics with fixed amplitudes, the others have none."
        )
    for claim, holds in claims:
        names = [key for key, model in models.items() if holds(model)]
        if names:
            notes.append(f"{len(names)} of {len(models)} series {claim}: {_examples(names)}.")
    return notes


def _examples(names: Sequence[Any]) -> str:
    """Return up to five names."""
    return ", ".join(str(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")
