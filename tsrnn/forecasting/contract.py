"""The contract that every model of tsrnn keeps, whatever is inside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tsrnn.data.adding import add_rows
from tsrnn.data.answers import forecast_table
from tsrnn.data.coarse_steps import refuse_coarser_rows
from tsrnn.data.column_arguments import ColumnArguments
from tsrnn.data.local_clock import local_clock
from tsrnn.data.panel import Panel
from tsrnn.data.tables import read_panel
from tsrnn.errors import ParameterError
from tsrnn.forecasting.by_clock import Forecast, forecast_by_clock
from tsrnn.forecasting.levels import check_horizon, check_levels, check_quantiles, needed_quantiles

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.data.panel import Cutoffs, Floats


class Ahead(NamedTuple):
    """A forecast of what follows the last row of every series.

    Parameters
    ----------
    table : DataFrame or Series
        As `predict` returns it.
    values : ndarray of shape (n_series, h, Q), original units
    quantiles : tuple of float, ascending, Q of them
        Those that the table needed, and the median.
    """

    table: Any
    values: Floats
    quantiles: tuple[float, ...]


class ForecastModel(BaseEstimator, ABC):
    """Fit on a table, predict a table.

    A subclass has the constructor parameters `season_length` and `freq`, and implements `summary`, `_fit_panel`, which
    sets `notes_`, and `_forecast_panel`. These two see rows at their local times where the season follows them. Windows
    are index ranges of a panel, so that all cutoffs of a backtest are forecast in one call.
    """

    # False for a model that is given the time stamps of a table, and may have a calendar of its own.
    _on_local_clock: ClassVar[bool] = True

    season_length: int | None
    freq: Any
    panel_: Panel
    _columns: ColumnArguments
    # What the last fit, and the last forecast, found worth telling.
    notes_: list[str]
    # What reading the table and the last update have to tell, for a model to put into its `notes_`.
    _update_notes: tuple[str, ...] = ()

    @abstractmethod
    def _fit_panel(self, panel: Panel) -> None:
        """Learn from every series of `panel`."""

    @abstractmethod
    def _forecast_panel(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        """Forecast as `forecast` does, from a panel as the model sees it."""

    def _unbounded_panel(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        """Forecast as `unbounded_forecast` does, from a panel as the model sees it."""
        return self._forecast_panel(panel, cutoffs, h, quantiles)

    def forecast(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        """Forecast the h steps after each cutoff with the fitted model, seeing nothing after it.

        Parameters
        ----------
        panel : Panel
            May be another panel than the fitted one. Rows and cutoffs are instants.
        cutoffs : Cutoffs
            B of them.
        h : int
        quantiles : sequence of float in (0, 1), ascending, Q of them

        Returns
        -------
        ndarray of shape (B, h, Q), original units
            NaN throughout where a series has no observed value before its cutoff.
        """
        return self._as_seen(self._forecast_panel, panel, cutoffs, h, quantiles)

    def unbounded_forecast(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        """Forecast as `forecast` does, but not held at a bound that the series keeps, which would hide its spread."""
        return self._as_seen(self._unbounded_panel, panel, cutoffs, h, quantiles)

    @abstractmethod
    def summary(self) -> str:
        """Say in a line or a few what was chosen.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """

    @property
    def continues(self) -> bool:
        """Whether an update depends on what the last fit found, so that fits have an order."""
        return False

    @property
    def default_horizon_(self) -> int:
        """The h of `predict` when none is given: the usual horizon of the frequency."""
        check_is_fitted(self, "panel_")
        return self.panel_.frequency.default_horizon

    def fit(
        self,
        df: Any,
        *,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | Sequence[str] | None = None,
    ) -> Self:
        """Fit afresh on a table.

        Parameters
        ----------
        df : DataFrame, Series or Panel
            A long table (`unique_id, ds, y`), a wide table (one series per numeric column) or one Series.
            It is not changed. Other columns of a long table, such as prices, are not used; `notes_` names them. Where
            its time stamps have a zone with a name, days and the seasons of hours and finer steps follow the local
            clock of that zone, also where daylight saving moves it.
        id_col, time_col, target_col : str, optional
            Columns of the table, where they are not named `unique_id`, `ds` and `y`. For a wide table
            `target_col` may be a list of columns.

        Returns
        -------
        self

        Raises
        ------
        DataError, FrequencyError, ShortSeriesError, ColumnError
            If the table cannot be read as time series. A model that was fitted before stays as it was, after any
            error but a training that broke down, whose last finite weights are kept.
        """
        with self._kept_if_it_fails():
            self._update_notes = ()
            return self._learn(self._fit_panel, df, ColumnArguments.of(id_col, time_col, target_col))

    def update(
        self,
        df: Any,
        *,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | Sequence[str] | None = None,
    ) -> Self:
        """Go on from the last fit with later rows of the fitted series.

        The rows are added to the fitted ones, series by series. Where the table has rows of a series that were fitted
        before, those of the table count, also where they hold no value; fitted rows before and after them stay, and so
        do series that the table does not have. Series that are new stand beside the fitted ones. `notes_` says how
        many values were replaced, and which series are new. The step and the season stay those of the fit.

        Where all rows are later than the fitted ones of their series, a `Forecaster` forecasts from there without any
        training, in a time that does not depend on how much it was given before; other models fit again on all rows.
        With rows among the fitted ones, or all of them again, every model does so; those that search for their form may
        keep what they found, and say so. A backtest with `refit` does that before later cutoffs.

        Parameters
        ----------
        df : DataFrame, Series or Panel
            As for `fit`; the new rows, or all. A Series without a name goes on from the one fitted series. Whole
            numbers as time go on counting: rows that begin with the number of the first fitted row, and are fewer, are
            refused. A Panel takes the place of all that was fitted.
        id_col, time_col, target_col : str, optional
            As for `fit`; those of the fitted table by default.

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            Before `fit`.
        FrequencyError
            If time stamps do not lie on the grid of the fitted rows, or surely have a coarser step.
        DataError, ShortSeriesError, ColumnError
            If the table cannot be read as time series, does not go together with the fitted one, or holds values that
            a transform cannot take. The model stays as it was.
        """
        check_is_fitted(self, "panel_")
        given = ColumnArguments.of(id_col, time_col, target_col)
        columns = self._columns if all(name is None for name in given) else given
        with self._kept_if_it_fails():
            if isinstance(df, Panel):
                # A backtest hands over all that is known at a cutoff, which may begin later than before.
                self._update_notes = ()
                return self._learn(self._update_panel, df, columns)
            step, season_length = self.panel_.frequency, self.panel_.season_length
            newer = read_panel(df, **columns._asdict(), freq=step, season_length=season_length, more=True)
            added = add_rows(self.panel_, newer)
            self._update_notes = (*added.panel.choices, *added.notes)
            if not added.is_later:
                return self._learn(self._update_panel, added.panel, self._columns)
            self._add_later_rows(added.panel)
            return self

    @contextmanager
    def _kept_if_it_fails(self) -> Iterator[None]:
        """Leave the model as it was where a fit or an update fails, unless what that has left can forecast."""
        before = dict(self.__dict__)
        try:
            yield
        except BaseException as error:
            if not self._can_forecast_after(error):
                self.__dict__.clear()
                self.__dict__.update(before)
            raise

    def _can_forecast_after(self, error: BaseException) -> bool:
        """Tell whether a fit that ended so has left something to forecast with."""
        return False

    def _add_later_rows(self, panel: Panel) -> None:
        """Go on with a panel that differs from the fitted one by later rows and new series alone."""
        self._update_panel(self._seen(panel))
        self.panel_ = panel

    def _seen(self, panel: Panel) -> Panel:
        """Return a panel as the model sees it: at its local times where the season follows them."""
        return local_clock(panel) if self._on_local_clock else panel

    def _as_seen(
        self, forecast: Forecast, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]
    ) -> Floats:
        """Forecast a panel as the model sees it, and answer for its rows."""
        if not self._on_local_clock:
            return forecast(panel, cutoffs, h, quantiles)
        return forecast_by_clock(forecast, self.panel_, panel, cutoffs, h, quantiles)

    def _update_panel(self, panel: Panel) -> None:
        """Fit again; a model that `continues` goes on from its last fit."""
        self._fit_panel(panel)

    def _learn(self, learn: Callable[[Panel], None], df: Any, columns: ColumnArguments) -> Self:
        panel = read_panel(df, **columns._asdict(), freq=self.freq, season_length=self.season_length)
        if not isinstance(df, Panel):  # who hands over a panel has its notes
            self._update_notes = panel.choices
        try:
            learn(self._seen(panel))
        finally:
            # Of a training that broke down the last finite weights are kept, and can forecast.
            self._columns, self.panel_ = columns, panel
        return self

    def predict(
        self,
        h: int | None = None,
        df: Any = None,
        *,
        level: Sequence[float] | float | None = None,
        quantiles: Sequence[float] | None = None,
    ) -> Any:
        """Forecast the next h steps.

        Parameters
        ----------
        h : int, optional
            Steps ahead; the fitted horizon by default. The forecast of fewer steps is the beginning of the
            forecast of more.
        df : table, optional
            Other series, or the same ones up to another cutoff; the fitted table by default.
        level : float or sequence of float in (0, 100), optional
            Central prediction intervals in percent: columns `yhat-lo-80`, `yhat-hi-80`.
        quantiles : sequence of float in (0, 1), optional
            Columns `yhat-q0.1`.

        Returns
        -------
        DataFrame or Series
            In the form of the table: long, wide or Series. With `level` or `quantiles`, always a long table
            `unique_id, ds, yhat, ...`. The point forecast is the median.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ParameterError
            If h, a level or a quantile is impossible, or two of them would have one column.
        DataError
            If `df` cannot be read as time series, or the forecast would end after the year 2261.
        FrequencyError
            If the time stamps of `df` do not lie on a grid of the fitted step, or surely have a coarser one.
        """
        check_is_fitted(self, "panel_")
        if getattr(h, "ndim", 0):
            raise ParameterError(
                f"The first argument of predict is h, a number of steps, not a {type(h).__name__}. Name the table: "
                "predict(h=24, df=table)."
            )
        panel = self.panel_
        if df is not None:
            step = self.freq if self.freq is not None else panel.frequency
            panel = read_panel(df, **self._columns._asdict(), freq=step, season_length=panel.season_length)
            refuse_coarser_rows(self.panel_, panel)
        return self.look_ahead(panel, h, level=level, quantiles=quantiles).table

    def look_ahead(
        self,
        panel: Panel,
        h: int | None = None,
        *,
        level: Sequence[float] | float | None = None,
        quantiles: Sequence[float] | None = None,
    ) -> Ahead:
        """Forecast what follows the last row of every series, with the checks and the table of `predict`."""
        h = self.default_horizon_ if h is None else check_horizon(h)
        levels, wanted = check_levels(level), check_quantiles(quantiles)
        needed = needed_quantiles(levels, wanted)
        # An end that no time stamp can name is told before the forecast, which may take long, is made.
        panel.frequency.stamps(panel.start, panel.lengths + (h - 1))
        values = self.forecast(panel, panel.last_cutoffs(), h, needed)
        return Ahead(forecast_table(panel, values, needed, levels=levels, quantiles=wanted), values, needed)
