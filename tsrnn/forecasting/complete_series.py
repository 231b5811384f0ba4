"""For statistical methods that need every value: gaps are interpolated, and told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tsrnn.data.panel import Floats, Integers
from tsrnn.forecasting.per_series import FEWEST_OBSERVED, claims_note, most_missing_rows
from tsrnn.forecasting.series_values import interpolate
from tsrnn.naming import agree, examples, some_of


@dataclass(frozen=True)
class FittedSeries:
    """What was fitted to one series.

    Parameters
    ----------
    model : Any
        None if the series is forecast by the seasonal naive.
    first : int
        Its first observed row, where the model's time begins.
    n_filled : int
        Missing values between the first and the last observed one.
    n_late : int
        Rows after the last observed one.
    trouble : str
        Why there is no model; empty where there is one.
    """

    model: Any
    first: int = 0
    n_filled: int = 0
    n_late: int = 0
    trouble: str = ""


@dataclass(frozen=True)
class CompleteSeriesMethod(ABC):
    """A `SeriesMethod` for models of complete series.

    The subclass sees a series from its first observed value to its last, with straight lines across its gaps; a history
    before a cutoff ends with its last observed value, too, and the steps from there to the cutoff are forecast and left
    out. Where these are many (`most_missing_rows`), the last value is repeated up to the cutoff instead.

    Parameters
    ----------
    season_length : int
    """

    season_length: int
    name: ClassVar[str]
    # What a fit may raise because of the series; its message goes into the notes.
    failures: ClassVar[tuple[type[Exception], ...]] = (ArithmeticError, np.linalg.LinAlgError)

    @abstractmethod
    def fit_complete(self, y: Floats) -> Any:
        """Fit a complete series of 4 or more rows."""

    @abstractmethod
    def forecast_complete(
        self, model: Any, histories: Sequence[Floats], origin: int, h: int, quantiles: Sequence[float]
    ) -> Floats:
        """Forecast after complete histories of one series, B of them.

        Parameters
        ----------
        model : what `fit_complete` returned
        histories : sequence of ndarray of shape (n,), original units
            They begin alike.
        origin : int
            The row of the fitted series, from 0, at which the histories begin.
        h : int
        quantiles : sequence of float in (0, 1), Q of them

        Returns
        -------
        ndarray of shape (B, h, Q), original units
        """

    @abstractmethod
    def describe_model(self, model: Any) -> str:
        """Say in a few words what was chosen."""

    def fewest_rows(self, model: Any) -> int:
        """Return how many rows of history a forecast needs."""
        return 1

    def fit(self, y: Floats) -> FittedSeries:
        """Fit one series; see `SeriesMethod.fit`."""
        seen = np.flatnonzero(np.isfinite(y))
        if len(seen) < FEWEST_OBSERVED:
            return FittedSeries(None, trouble=f"fewer than {FEWEST_OBSERVED} observed values")
        inside = y[seen[0] : seen[-1] + 1]
        try:
            model = self.fit_complete(interpolate(inside))
        except self.failures as error:
            return FittedSeries(None, trouble=str(error) or type(error).__name__)
        return FittedSeries(model, int(seen[0]), int(np.isnan(inside).sum()), int(len(y) - 1 - seen[-1]))

    def forecast(
        self, fitted: FittedSeries, y: Floats, ends: Integers, h: int, quantiles: Sequence[float], shift: int
    ) -> Floats:
        """Forecast from several cutoffs of one series; see `SeriesMethod.forecast`."""
        values = np.full((len(ends), h, len(quantiles)), np.nan)
        seen = np.flatnonzero(np.isfinite(y))
        if fitted.model is None or not len(seen):
            return values
        first = int(seen[0])
        # Rows up to the last observed one before each cutoff, and those after it, which hold no value.
        missing = ends - np.append(0, seen + 1)[np.searchsorted(seen, ends)]
        missing = np.where(missing > most_missing_rows(self.season_length), 0, missing)
        known = ends - missing
        told = np.flatnonzero((ends > first) & (known - first >= self.fewest_rows(fitted.model)))
        if len(told):
            histories = [interpolate(y[first:end]) for end in known[told]]
            reach = int(missing[told].max()) + h
            steps = self.forecast_complete(fitted.model, histories, first + shift - fitted.first, reach, quantiles)
            ahead = missing[told, None] + np.arange(h)
            values[told] = np.take_along_axis(steps, ahead[..., None], 1)
        return values

    def describe(self, fitted: FittedSeries) -> str:
        """Say in a few words what was chosen for a series."""
        return "seasonal naive" if fitted.model is None else self.describe_model(fitted.model)

    def is_naive(self, fitted: FittedSeries) -> bool:
        """Tell whether the series has no model."""
        return fitted.model is None

    def notes(self, fitted: Mapping[Any, FittedSeries]) -> list[str]:
        """Name the series that were interpolated or end without values, and those without a model with the reason."""
        most = most_missing_rows(self.season_length)
        total = sum(one.n_filled for one in fitted.values())
        notes = claims_note(
            fitted,
            [
                (
                    f"has missing values ({total:,} in all), which {self.name} cannot take; they are interpolated",
                    f"have missing values ({total:,} in all), which {self.name} cannot take; they are interpolated",
                    lambda one: one.n_filled > 0,
                ),
                (
                    "ends without values and is forecast from the last one on",
                    "end without values and are forecast from the last one on",
                    lambda one: 0 < one.n_late <= most,
                ),
                (
                    f"ends without values for more than {most} rows, through which the last one is repeated",
                    f"end without values for more than {most} rows, through which the last one is repeated",
                    lambda one: one.n_late > most,
                ),
            ],
        )
        reasons: dict[str, list[Any]] = {}
        for key, one in fitted.items():
            if one.trouble:
                reasons.setdefault(one.trouble, []).append(key)
        return notes + [
            f"{some_of(len(names), len(fitted), 'series')} could not be fitted by {self.name} ({reason}) and "
            f"{agree(len(names), 'is', 'are')} forecast by the seasonal naive: {examples(names)}."
            for reason, names in reasons.items()
        ]
