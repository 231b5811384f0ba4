"""Models that are fitted to every series on its own, as statistical models are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.jobs import checked_jobs, run_jobs
from tsrnn.forecasting.naive import seasonal_naive_quantiles
from tsrnn.naming import agree, counted, examples, some_of

if TYPE_CHECKING:
    from tsrnn.data.panel import Cutoffs, Floats, Integers, Panel

# Rows without values before a cutoff are forecast, too, if they are no more than so many seasons or steps, whichever is
# more. Further ahead a trend, and what a model makes of it, says little.
_MISSING_SEASONS, _MISSING_STEPS = 4, 96

# Fewer observed values than this say nothing about a model.
FEWEST_OBSERVED = 4
_ABSENT = "too little history (no row where models were fitted)"


class SeriesMethod(Protocol):
    """How one series is fitted and forecast; a value, so that worker processes can be sent it."""

    @property
    def season_length(self) -> int:
        """Steps per season, also of the seasonal naive that stands in."""

    def fit(self, y: Floats) -> Any:
        """Fit one series.

        Parameters
        ----------
        y : ndarray of shape (n,), original units
            NaN where missing.

        Returns
        -------
        Any
            Whatever `forecast` needs; it can be pickled.
        """

    def forecast(
        self, fitted: Any, y: Floats, ends: Integers, h: int, quantiles: Sequence[float], shift: int
    ) -> Floats:
        """Forecast from several cutoffs of one series, seeing nothing after each.

        Parameters
        ----------
        fitted : what `fit` returned
        y : ndarray of shape (n,), original units
        ends : ndarray of shape (B,)
            Rows before each forecast.
        h : int
        quantiles : sequence of float in (0, 1), Q of them
        shift : int
            How many rows after the first row of the fitted series `y` begins.

        Returns
        -------
        ndarray of shape (B, h, Q), original units
            NaN throughout where nothing is observed before the cutoff, or too little for the fitted model.
        """

    def describe(self, fitted: Any) -> str:
        """Say in a few words what was chosen for a series."""

    def is_naive(self, fitted: Any) -> bool:
        """Tell whether the series has no model of its own and is forecast by the seasonal naive throughout."""

    def notes(self, fitted: Mapping[Any, Any]) -> list[str]:
        """Say what went other than planned, for which of the series by id."""


class PerSeriesModel(ForecastModel):
    """One fitted model per series, matched by id.

    A subclass has the constructor parameter `n_jobs` besides those of the contract, and says by `_method` how a
    series is fitted and forecast. A series that was not fitted is fitted when it is forecast, on its history up
    to the earliest cutoff asked for.
    """

    n_jobs: int | None

    @abstractmethod
    def _method(self, panel: Panel) -> SeriesMethod:
        """Check the parameters, and return how a series of such a panel is fitted."""

    def _fit_panel(self, panel: Panel) -> None:
        self._fit_each(panel)

    def _fit_each(self, panel: Panel, previous: Mapping[Any, Any] | None = None) -> None:
        """Fit every series; the method of a model that `continues` is also given what `previous` holds under its id."""
        method = self._method(panel)
        jobs: list[tuple[Any, ...]] = [(panel.series(i),) for i in range(panel.n_series)]
        if previous is not None:
            jobs = [(*job, previous.get(key)) for job, key in zip(jobs, panel.ids, strict=True)]
        fitted = dict(zip(panel.ids, run_jobs(method.fit, jobs, checked_jobs(self.n_jobs)), strict=True))
        self._fitted_method = method
        self._fitted = fitted
        self._starts = dict(zip(panel.ids, panel.start, strict=True))
        # In a backtest a series may have no rows yet. Most such ones are never forecast: only a forecast tells of them.
        self._absent = frozenset(panel.ids[panel.lengths == 0])
        there = {key: one for key, one in fitted.items() if key not in self._absent}
        self._fit_notes = [*method.notes(there), *self._update_notes]
        self.notes_ = list(self._fit_notes)

    def _descriptions(self) -> dict[Any, str]:
        """Return what was chosen for every fitted series, by id."""
        return {key: self._fitted_method.describe(fitted) for key, fitted in self._fitted.items()}

    def _described(self, what: str) -> str:
        """Say in a line what was chosen for all series."""
        chosen = sorted(set(self._descriptions().values()))
        text = examples(chosen) if len(chosen) <= 5 else f"{len(chosen)} different {what}"
        return f"season {self.panel_.season_length}, {counted(len(self._fitted), 'series')}: {text}"

    def _forecast_panel(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        values = np.empty((len(cutoffs), h, len(quantiles)))
        order = np.argsort(cutoffs.series, kind="stable")
        asked, begin = np.unique(cutoffs.series[order], return_index=True)
        places = np.split(order, begin)[1:]  # the cutoffs of each series
        jobs = []
        for series, place in zip(asked, places, strict=True):
            key, shift = panel.ids[series], 0
            if key in self._fitted:
                shift = int(panel.frequency.positions(panel.start[series], self._starts[key]))
            jobs.append((self._fitted.get(key), panel.series(series), cutoffs.end[place], shift))
        task = partial(_forecast, self._fitted_method, h, tuple(quantiles))
        results = run_jobs(task, jobs, checked_jobs(self.n_jobs))
        new: dict[Any, Any] = {}
        stood_in: dict[str, dict[Any, int]] = {}
        for place, series, (fitted, forecast, n_naive) in zip(places, asked, results, strict=True):
            values[place] = forecast
            if panel.ids[series] not in self._fitted:
                new[panel.ids[series]] = fitted
            elif n_naive and panel.ids[series] in self._absent:
                stood_in.setdefault(_ABSENT, {})[panel.ids[series]] = n_naive
            elif n_naive and not self._fitted_method.is_naive(fitted):
                reason = _untold(panel.series(series), cutoffs.end[place], panel.season_length)
                stood_in.setdefault(reason, {})[panel.ids[series]] = n_naive
        self.notes_ = [*self._fit_notes, *self._forecast_notes(new, stood_in, len(asked), len(cutoffs))]
        return values

    def _forecast_notes(
        self, new: Mapping[Any, Any], stood_in: Mapping[str, Mapping[Any, int]], n_series: int, n_cutoffs: int
    ) -> list[str]:
        notes = []
        if new:
            notes.append(
                f"{some_of(len(new), n_series, 'series', 'was', 'were')} not fitted before; each was fitted on its "
                f"history up to the earliest cutoff asked for: {examples(list(new))}."
            )
            notes += self._fitted_method.notes(new)
        for reason, counts in stood_in.items():
            total = sum(counts.values())
            notes.append(
                f"{some_of(total, n_cutoffs, 'cutoff', 'has', 'have')} {reason} for the fitted model and "
                f"{agree(total, 'is', 'are')} forecast by the seasonal naive: {examples(list(counts))}."
            )
        return notes


def _untold(y: Floats, ends: Integers, season_length: int) -> str:
    """Say what a history has too little of for a model that could not forecast from all of these cutoffs.

    More rows never tell less, so the model failed at the earliest cutoff that has anything before it.
    """
    seen = np.flatnonzero(np.isfinite(y))
    first = seen[0]
    known = np.isfinite(y[first : ends[ends > first].min()])
    steps = np.bincount(np.flatnonzero(known) % season_length, minlength=season_length)
    never = int((steps == 0).sum())
    if known.all():
        return "too little history"
    if never and len(known) >= 2 * season_length:
        return f"no value at {never} of the {season_length} steps of the season, so too little"
    return "too few observed values"


def _forecast(
    method: SeriesMethod, h: int, quantiles: tuple[float, ...], fitted: Any, y: Floats, ends: Integers, shift: int
) -> tuple[Any, Floats, int]:
    """Forecast one series from its cutoffs, fitting it first where it is new; return also how many were left out.

    Those are forecast by the seasonal naive.
    """
    if fitted is None:
        fitted = method.fit(y[: ends.min()])
    values = method.forecast(fitted, y, ends, h, quantiles, shift)
    return fitted, values, stand_in(values, y, ends, method.season_length, quantiles)


def stand_in(values: Floats, y: Floats, ends: Integers, season_length: int, quantiles: Sequence[float]) -> int:
    """Fill in the seasonal naive where a model has no forecast, and return at how many cutoffs.

    Parameters
    ----------
    values : ndarray of shape (B, h, Q), original units
        The model's forecasts, changed in place: those that are NaN throughout and have a value before them.
    y : ndarray of shape (n,), original units
    ends : int64 ndarray of shape (B,)
        Rows before each forecast.
    season_length : int
    quantiles : sequence of Q floats
    """
    first = np.append(np.flatnonzero(np.isfinite(y)), len(y))[0]
    untold = np.flatnonzero(np.isnan(values).all((1, 2)) & (ends > first))
    for b in untold:
        values[b] = seasonal_naive_quantiles(y[: ends[b]], season_length, values.shape[1], quantiles)
    return len(untold)


def most_missing_rows(season_length: int) -> int:
    """Return how many rows without values before a cutoff a model of one series forecasts, too.

    >>> most_missing_rows(12), most_missing_rows(168)
    (96, 672)
    """
    return max(_MISSING_SEASONS * season_length, _MISSING_STEPS)


def claims_note(fitted: Mapping[Any, Any], claims: Sequence[tuple[str, str, Callable[[Any], bool]]]) -> list[str]:
    """Say of how many series each claim, of one and of several, holds, with examples; nothing where it holds of none.

    >>> claims_note({"a": 1, "b": 2}, [("is even", "are even", lambda one: one % 2 == 0)])
    ['1 of 2 series is even: b.']
    """
    notes = []
    for *claim, holds in claims:
        names = [key for key, one in fitted.items() if holds(one)]
        if names:
            notes.append(f"{some_of(len(names), len(fitted), 'series', *claim)}: {examples(names)}.")
    return notes
