"""Models that tsrnn knows nothing of: functions, scikit-learn-like forecasters, sktime."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from tsrnn.data.answers import restore_times
from tsrnn.errors import DataError, ParameterError
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.jobs import checked_jobs, run_jobs
from tsrnn.forecasting.per_series import most_missing_rows
from tsrnn.forecasting.series_values import interpolate
from tsrnn.naming import counted, examples, some_of

if TYPE_CHECKING:
    from tsrnn.data.panel import Cutoffs, Floats, Panel

# Histories that are sent to other processes together.
JOBS_AT_ONCE = 1000


class ForeignModel(ForecastModel):
    """Let a foreign forecaster take part: it is fitted again at every cutoff, on that series' past.

    `backtest` and `Ensemble` wrap what they are given by themselves; wrap by hand to give a name or a season.

    Parameters
    ----------
    model : callable or forecaster
        One of these:

        - A function ``f(train, h)``. It returns h numbers.
        - A forecaster in the manner of scikit-learn: ``fit(train)``, then ``predict(h)`` returns h numbers. It is
          copied before every fit.
        - A forecaster of sktime (one whose ``predict`` has an argument `fh`): ``fit(train)``, then
          ``predict(fh=[1, ..., h])``; if its tag "capability:pred_int" says that it can,
          ``predict_quantiles(fh=..., alpha=...)``. Its `train` is numbered from 0, since sktime takes an index of
          dates only where it can tell the frequency.

        `train` is a pandas Series of one series' values from its first observed one to the last before the cutoff,
        its index the time stamps in the user's type, its name the series' id. Missing values between them are
        interpolated, and `notes_` says so; where rows before the cutoff hold no value, `h` is as much larger, and
        the steps up to the cutoff are left out. The answer may be any sequence, Series, or table of one column;
        only the order of its values counts.

        A function or a `predict` with an argument `quantiles` is given the quantiles asked for, ascending, and
        returns h rows of one column each. A model without any way to tell quantiles has its point forecast for the
        median, and NaN for the others: no intervals, and no score of them.
    name : str, optional
        What errors call it. Default: the name of the function or of the class.
    season_length : int, optional
        Steps per season of the table; the foreign model is not told. Default: by frequency.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.
    n_jobs : int, optional
        Processes that forecast several cutoffs at a time, -1 for all cores. The model is sent to them, so what a
        function remembers between calls is lost. Default: none, or as many as `backtest` is given.

    Attributes
    ----------
    notes_ : list of str
        Which series were interpolated, and whether there are no intervals.

    Raises
    ------
    ParameterError
        From `fit`, if the model is neither callable nor has `fit` and `predict`.
    DataError
        From a forecast, if an answer has the wrong shape or holds no numbers. What the foreign code itself raises
        is passed on as it is.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> y = pd.Series([1.0, 5.0, 2.0, 6.0], index=pd.date_range("2020-01-01", periods=4, freq="MS"), name="y")
    >>> ForeignModel(lambda train, h: np.full(h, train.max())).fit(y).predict(h=2).tolist()
    [6.0, 6.0]
    """

    _on_local_clock = False

    def __init__(
        self,
        model: Any,
        *,
        name: str | None = None,
        season_length: int | None = None,
        freq: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.model = model
        self.name = name
        self.season_length = season_length
        self.freq = freq
        self.n_jobs = n_jobs

    def _fit_panel(self, panel: Panel) -> None:
        if not is_foreign(self.model):
            raise ParameterError(
                f"Model {self.model!r} is a {type(self.model).__name__}; expected a function f(train, h), or a "
                "forecaster with fit and predict."
            )
        checked_jobs(self.n_jobs)
        self.notes_ = list(self._update_notes)

    def _forecast_panel(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        values = np.full((len(cutoffs), h, len(quantiles)), np.nan)
        filled: dict[Any, int] = {}
        missing = panel.missing_before(cutoffs, most_missing_rows(panel.season_length))
        until = replace(cutoffs, end=cutoffs.end - missing)
        tasks = (
            (b, (train, h, int(missing[b]), tuple(quantiles))) for b, train in self._histories(panel, until, filled)
        )
        n_jobs = checked_jobs(self.n_jobs)
        # Not all at once: the histories of many cutoffs are many times the panel.
        while some := list(islice(tasks, 1 if n_jobs is None else JOBS_AT_ONCE)):
            jobs = [job for _, job in some]
            answers = [self._answer(*jobs[0])] if n_jobs is None else run_jobs(self._answer, jobs, n_jobs)
            values[[b for b, _ in some]] = np.stack(answers)
        self.notes_ = list(self._update_notes)
        if filled:
            self.notes_.append(
                f"{counted(len(filled), 'series has', 'series have')} missing values ({sum(filled.values())} in all), "
                f"which are interpolated for a foreign model: {examples(list(filled))}."
            )
        late = dict.fromkeys(panel.ids[cutoffs.series[missing > 0]].tolist())
        if late:
            self.notes_.append(
                f"{counted(len(late), 'series has', 'series have')} no value in the rows before a cutoff, for which a "
                f"foreign model is asked for as many steps more: {examples(list(late))}."
            )
        if len(quantiles) > 1 and np.isfinite(values).any() and not np.isfinite(values).all(2).any():
            self.notes_.append("It gives points only: there are no intervals, and no score of them.")
        return values

    def _histories(self, panel: Panel, cutoffs: Cutoffs, filled: dict[Any, int]) -> Iterator[tuple[int, pd.Series]]:
        """Yield each cutoff's number and its training series, and count in `filled` what was interpolated."""
        for b, (series, end) in enumerate(zip(cutoffs.series, cutoffs.end, strict=True)):
            y = panel.series(series)[:end]
            seen = np.flatnonzero(np.isfinite(y))
            if not len(seen):
                continue
            key, history = panel.ids[series], y[seen[0] :]
            if len(seen) < len(history):
                filled[key] = max(filled.get(key, 0), len(history) - len(seen))
            stamps = panel.frequency.stamps(panel.start[series], np.arange(int(seen[0]), int(end)))
            index = pd.Index(restore_times(stamps, panel.form))
            yield b, pd.Series(interpolate(history), index=index, name=key)

    def _answer(self, train: pd.Series, h: int, missing: int, quantiles: Sequence[float]) -> Floats:
        """Return the forecasts after one history and so many rows without values. Shape (h, Q)."""
        try:
            return self._steps(train, h + missing, quantiles)[missing:]
        except DataError as error:
            if not missing:
                raise
            raise DataError(f"{error} The first {missing} are for rows without values before the cutoff.") from error

    def _steps(self, train: pd.Series, h: int, quantiles: Sequence[float]) -> Floats:
        """Return the forecasts after one history. Shape (h, Q), NaN where the model gives points only."""
        asked = [float(q) for q in quantiles]
        if not hasattr(self.model, "predict"):
            if has_argument(self.model, "quantiles"):
                return self._table(self.model(train, h, quantiles=asked), train, h, len(asked))
            return self._points(self.model(train, h), train, h, asked)
        model = _copy(self.model)
        by_fh = has_argument(model.predict, "fh")
        fitted = model.fit(train.reset_index(drop=True) if by_fh else train)
        # scikit-learn's fit returns the model itself; where nothing comes back the model was changed in place.
        model = model if fitted is None else fitted
        if by_fh:
            steps = np.arange(1, h + 1)
            if hasattr(model, "get_tag") and model.get_tag("capability:pred_int", raise_error=False):
                return self._table(model.predict_quantiles(fh=steps, alpha=asked), train, h, len(asked))
            return self._points(model.predict(fh=steps), train, h, asked)
        if has_argument(model.predict, "quantiles"):
            return self._table(model.predict(h, quantiles=asked), train, h, len(asked))
        return self._points(model.predict(h), train, h, asked)

    def _points(self, answer: Any, train: pd.Series, h: int, quantiles: Sequence[float]) -> Floats:
        values = np.full((h, len(quantiles)), np.nan)
        median = np.isclose(quantiles, 0.5, rtol=0, atol=1e-9)
        values[:, median] = self._table(answer, train, h, 1)
        return values

    def _table(self, answer: Any, train: pd.Series, h: int, n_columns: int) -> Floats:
        """Return an answer as numbers of shape (h, n_columns), or raise DataError that names the model."""
        expected = counted(h, "number") if n_columns == 1 else f"{counted(h, 'row')} of {n_columns} quantiles"
        at = f"{self._called()}, series {train.name!r}, cutoff {train.index[-1]}"
        try:
            values = np.asarray(answer, dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(f"{at}: the forecast is a {type(answer).__name__}; expected {expected}.") from None
        if values.shape != (h, n_columns) and not (n_columns == 1 and values.shape == (h,)):
            raise DataError(f"{at}: the forecast has shape {values.shape}; expected {expected}.")
        values = values.reshape(h, n_columns)
        if not np.isfinite(values).all():
            raise DataError(
                f"{at}: {some_of(int((~np.isfinite(values)).sum()), values.size, 'forecast', 'is', 'are')} not finite."
            )
        # Foreign quantiles may cross; sorted ones are no worse by any quantile loss.
        return np.sort(values, axis=1)

    def _called(self) -> str:
        return f"Model {foreign_name(self.model) if self.name is None else self.name!s}"

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"{self._called()}, fitted at every cutoff, season {self.panel_.season_length}"


def is_foreign(model: Any) -> bool:
    """Tell whether something can be wrapped: callable, or with fit and predict, and not a class.

    >>> is_foreign(lambda train, h: [0.0] * h), is_foreign(ForeignModel), is_foreign(3)
    (True, False, False)
    """
    forecaster = hasattr(model, "fit") and hasattr(model, "predict")
    return (forecaster or callable(model)) and not isinstance(model, type)


def foreign_name(model: Any) -> str:
    """Return the name of a function, or of a forecaster's class.

    >>> foreign_name(max)
    'max'
    """
    name = getattr(model, "__name__", type(model).__name__)
    return "function" if name == "<lambda>" else str(name)


def has_argument(function: Any, name: str) -> bool:
    """Tell whether a function has an argument of this name.

    >>> has_argument(lambda y, yhat, scale: 0.0, "scale"), has_argument(max, "scale")
    (True, False)
    """
    try:
        return name in inspect.signature(function).parameters
    except ValueError:
        # A builtin without a signature takes what it is given, and no such argument.
        return False


def _copy(model: Any) -> Any:
    """Return a model that has not been fitted where it can say so, and a deep copy otherwise."""
    if hasattr(model, "get_tag") and hasattr(model, "clone"):
        # sktime's own clone keeps its configuration too.
        return model.clone()
    return clone(model) if hasattr(model, "get_params") else copy.deepcopy(model)
