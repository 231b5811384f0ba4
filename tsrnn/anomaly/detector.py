"""`AnomalyDetector`: a point is anomalous when it is improbable under a network's own causal forecast."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.events import COLUMNS, find_events
from tsrnn.anomaly.metrics import best_alpha, check_labels
from tsrnn.anomaly.outliers import OutlierMethods
from tsrnn.anomaly.saving import load_detector, save_detector
from tsrnn.anomaly.settings import check_settings, plan_of, with_season
from tsrnn.anomaly.stream import Detection, update_table, update_time
from tsrnn.anomaly.tables import array_table, detection_table, ending_together, is_array, same_rows
from tsrnn.anomaly.watch import Found, Watch
from tsrnn.data.coarse_steps import refuse_coarser_rows
from tsrnn.data.column_arguments import ColumnArguments
from tsrnn.data.panel import Panel
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, ParameterError
from tsrnn.forecasting.forecaster import Forecaster
from tsrnn.forecasting.progress import part
from tsrnn.naming import counted
from tsrnn.parameters import check_whole

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.forecasting.contract import ForecastModel

# How much of a detector's fit its forecaster's counts as where progress is told of. The base's is less; no time left is
# estimated from so little of one that is trained.
FIT_SHARE = 0.01


class AnomalyDetector(OutlierMethods, BaseEstimator):
    """Detect what a forecaster did not see coming, in tables and in streams.

    Every series is forecast block by block from values before the block. Within a block the forecast is carried on by
    the residuals before each row (whitening), so that every row is compared with a one-step forecast of its own. Its
    residual, in units of the predicted spread, the moving averages of that, and the distance of the values from the
    state they are usually in make a score; how rarely past scores were as high is its p-value. A row is anomalous if
    its p-value is at most `alpha`. Channels of one system also have a usual state together.

    An outlier does not enter later forecasts: the expected value takes its place. A level that persists for `patience`
    rows is accepted: it alarms no longer, though the score tells that it is not the usual one. So is what comes again
    at the same hour of the week, or the same row of a season that is no day, until that many rows are over: weekends
    are learnt. What is as far from the expectation as many rows before were, such as each sale of a slow mover, has no
    smaller p-value than their share. Series without a usual level (walks, trends) are judged by their forecasts alone.
    A missing value is no alarm.

    Parameters
    ----------
    forecaster : ForecastModel, optional
        Fitted, or to be fitted by `fit`. By default the pretrained base, which needs no training.
    alpha : float in [1e-12, 1)
        Share of ordinary rows that may be called anomalous.
    threshold : {"conformal", "pot", "quantile"}
        "conformal" counts among the latest `calibration_length` scores, and where few are as high goes over to a tail
        fitted to the highest. "pot" reads high scores off a fitted tail alone (peaks over threshold). "quantile" counts
        as "conformal" does, but among the scores of the fitted table, and never changes. Few scores that stand far
        apart from the others, those of anomalies, are not compared with.
    contamination : float in (0, .5], optional
        Share of the fitted rows to call anomalous; it takes the place of `alpha`.
    channels : bool
        Whether the series are channels of one system, to be judged together: `score`, `p_value` and `is_anomaly` are
        those of the system, and `share` is each channel's part of the score.
    patience : int, optional
        Rows after which a level that persists is accepted, if at least five more of them were outlying than ordinary.
        Default: 100 or two seasons, whichever is more. A series whose level moves again and again is given less: each
        level that was accepted halves it, and is forgotten over 1,000 rows.
    calibration_length : int
        Past scores that a new one is compared with.
    season_length : int, optional
        Rows per season; 1 means none. Default: by frequency, or found in the data.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.

    Attributes
    ----------
    forecaster_ : ForecastModel
    alpha_ : float
        Rows with p-values up to this are anomalous: `alpha`, or what `contamination` or `fit_threshold` made of it.
    offset_ : float
        log10 of `alpha_`, as scikit-learn's detectors have it.
    panel_ : Panel
        The fitted rows.
    detections_ : DataFrame
        What `detect` says of the fitted rows.
    watch_ : Watch
        The state of every series.
    n_features_in_ : int
        Columns of the array, where `fit` was given one.

    Examples
    --------
    >>> y = pd.Series(10 + np.random.default_rng(0).normal(size=600), pd.date_range("2024", periods=600, freq="h"))
    >>> y.iloc[500] = 30
    >>> detector = AnomalyDetector().fit(y)
    >>> events = detector.events()
    >>> str(events["start"][events["score"].idxmax()])
    '2024-01-21 20:00:00'
    """

    def __init__(
        self,
        forecaster: ForecastModel | None = None,
        alpha: float = 0.01,
        threshold: str = "conformal",
        contamination: float | None = None,
        channels: bool = False,
        patience: int | None = None,
        calibration_length: int = 1000,
        season_length: int | None = None,
        freq: Any = None,
    ) -> None:
        self.forecaster = forecaster
        self.alpha = alpha
        self.threshold = threshold
        self.contamination = contamination
        self.channels = channels
        self.patience = patience
        self.calibration_length = calibration_length
        self.season_length = season_length
        self.freq = freq

    def fit(
        self,
        df: Any,
        y: Any = None,
        *,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | Sequence[str] | None = None,
    ) -> Self:
        """Learn from history what is ordinary. It need not be free of anomalies.

        Parameters
        ----------
        df : table, or array of shape (n_samples,) or (n_samples, n_features)
            A table as `Forecaster` takes it. The rows of an array are consecutive times; its columns are channels of
            one system.
        y : ignored
            There for scikit-learn's sake.
        id_col, time_col, target_col : optional
            See `Forecaster.fit`.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            If a parameter is impossible.
        DataError, FrequencyError, ColumnError
            If the table cannot be read as time series.
        """
        check_settings(self)
        self._columns = ColumnArguments.of(id_col, time_col, target_col)
        self._is_array = is_array(df)
        if self._is_array:
            df = array_table(df)
            self.n_features_in_ = df.shape[1]
        panel = with_season(self._read(df, self.freq, self.season_length), self.season_length)
        together = bool(self.channels) or (self._is_array and panel.n_series > 1)
        panel = ending_together(panel) if together else panel
        self.panel_ = panel
        with part(0.0, FIT_SHARE):
            self.forecaster_ = self._fitted_forecaster(panel)
        self.watch_ = Watch(
            self.forecaster_,
            panel,
            plan_of(self.forecaster_, panel, self.patience),
            self.threshold,
            NormalDist().inv_cdf(1 - self.alpha / 2),
            self.calibration_length,
            together=together,
        )
        with part(FIT_SHARE, 1.0):
            found = self.watch_.follow(panel)
        if self.threshold == "quantile":
            found = self.watch_.fix(found)
        self.alpha_ = float(self.alpha)
        if self.contamination is not None:
            p_values = np.nan_to_num(found.judged.p_value, nan=1.0)
            self.alpha_ = float(np.quantile(p_values, self.contamination, method="lower"))
        self._found = found
        return self

    @property
    def detections_(self) -> pd.DataFrame:
        """What `detect` says of the fitted rows."""
        check_is_fitted(self, "watch_")
        return detection_table(self.panel_, self._found, self.alpha_)

    def detect(self, df: Any = None) -> pd.DataFrame:
        """Judge every row of a table by what came before it.

        A series that goes on where the fitted rows (and those of `update`) end is judged from there. One that begins
        earlier is judged on its own, with what `fit` learnt of its spread and its past scores; so is one that `fit`
        has not seen, with the past scores of the others. Of exactly the fitted rows, in any order, it says what
        `fit` found. The detector itself does not change.

        Parameters
        ----------
        df : table or array, optional
            In the form of the fitted one; the fitted one by default.

        Returns
        -------
        DataFrame, one row per series and time
            `unique_id, ds, y`; `expected`, with `lower` and `upper`, between which ordinary residuals lie with a
            probability of 1 - `alpha`, in original units, and no lower than 0 where values stood there again and again
            and never fell below; `score`, 1 for an ordinary row and higher the more unusual it is; `p_value`,
            `is_anomaly`. With channels, the last three are those of the system, and `share` is the channel's part of
            the score. NaN where a series has too little history (less than the rows that one forecast serves, at most
            24, or none observed) or no value.

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError, FrequencyError, ColumnError
            If the table cannot be read, or has another step than the fitted one.
        """
        check_is_fitted(self, "watch_")
        if df is None:
            return self.detections_
        return detection_table(*self._judge(df), self.alpha_)

    def events(self, df: Any = None, gap: int = 8) -> pd.DataFrame:
        """Merge anomalous rows into events, and say what they are.

        Parameters
        ----------
        df : table or array, optional
            What `detect` returned, or rows for it; the fitted rows by default.
        gap : int
            Anomalous rows with up to so many others between them are one event.

        Returns
        -------
        DataFrame, one row per event; see `tsrnn.anomaly.events.find_events`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ParameterError
            If `gap` is no whole number.
        DataError, FrequencyError, ColumnError
            As `detect`.
        """
        check_is_fitted(self, "watch_")
        check_whole("gap", gap, 0, of="rows")
        judged = isinstance(df, pd.DataFrame) and set(COLUMNS) <= set(df.columns)
        return find_events(df if judged else self.detect(df), self.panel_.season_length, int(gap))

    def update(self, unique_id: Any, time: Any, value: Any) -> Detection:
        """Judge one new row, and go on from it. Time and memory do not depend on how much was read before.

        Parameters
        ----------
        unique_id : Any
            One that was never seen before starts a new series, whose scores are compared with those of the others.
        time : str, datetime or int
            As in the fitted rows, after the last one of the series. Rows that are left out are missing ones.
        value : float or None
            None or NaN where it is missing, which is no alarm.

        Returns
        -------
        Detection
            `unique_id, ds, y, expected, lower, upper, score, p_value, is_anomaly`, as a row of `detect`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError, FrequencyError
            If the row has no name, comes out of order or twice, does not lie on the time grid, or is no number. The
            detector is as it was, and can go on with the next row.
        ParameterError
            With channels, which are needed all at once; see `update_together`.
        """
        check_is_fitted(self, "watch_")
        if self.watch_.system is not None:
            raise ParameterError("The series are channels of one system, needed all at once: see update_together.")
        return update_time(self.watch_, time, {unique_id: value}, self.alpha_)[0]

    def update_together(self, time: Any, values: Mapping[Any, Any]) -> list[Detection]:
        """Judge new rows of several series at one time, and go on from them.

        Parameters
        ----------
        time : str, datetime or int
        values : mapping of series to value
            With channels, of all of them.

        Returns
        -------
        list of Detection
            In the order of `values`; with channels, `score`, `p_value` and `is_anomaly` are those of the system.

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError, FrequencyError
            As `update`; also if a channel is absent or unknown. None of the rows is read then.
        """
        check_is_fitted(self, "watch_")
        return update_time(self.watch_, time, values, self.alpha_) if values else []

    def update_many(self, df: Any) -> pd.DataFrame:
        """Judge new rows of many series, and go on from them; much faster than one `update` for each.

        Parameters
        ----------
        df : table
            In the form of the fitted one. The rows of each series come after those it has been given so far. Rows
            without a value say nothing and are left out.

        Returns
        -------
        DataFrame
            As `detect`, in the order of the table's series.

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError, FrequencyError, ColumnError
            If any row comes out of order or twice, does not lie on the time grid, or is no number. The detector is
            as it was.
        """
        check_is_fitted(self, "watch_")
        read = update_table(self.watch_, df, self._columns)
        return self.detections_.iloc[:0] if read is None else detection_table(*read, self.alpha_)

    def fit_threshold(self, labels: Any, df: Any = None) -> Self:
        """Choose the threshold that finds labelled events best: the highest F1 over events.

        Parameters
        ----------
        labels : array of shape (n_rows,)
            True or 1 where a row is anomalous, in the order of the rows of `detect`.
        df : table or array, optional
            The labelled rows; the fitted ones by default.

        Returns
        -------
        self
            With another `alpha_`; of several that are equally good, the smallest.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ParameterError
            If there is not one label per row, or they are all alike.
        """
        table = self.detect(df)
        truth = check_labels(labels)
        if len(truth) != len(table):
            raise ParameterError(
                f"{counted(len(truth), 'label')} for {counted(len(table), 'row')}: expected one per row of `detect`."
            )
        alpha = best_alpha(table["p_value"].to_numpy(), truth, table["unique_id"].to_numpy())
        self.alpha_ = self.alpha_ if alpha is None else alpha
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the detector and all that its streams carry to a folder of two files, safetensors and JSON.

        The values of the fitted rows are in it, too. Nothing is pickled.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ParameterError
            If the folder holds something else than a saved detector, the forecaster is no `Forecaster`, a parameter or
            a name cannot be stored, or the detector could not be loaded again for any other reason.
        """
        save_detector(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Load a detector that `save` wrote; its streams go on from where they were.

        Raises
        ------
        DataError
            If the folder is not a saved detector, is damaged, or was made by a newer tsrnn.
        """
        return load_detector(path, cls)

    def _judge(self, df: Any) -> tuple[Panel, Found]:
        if self._is_array and is_array(df):
            df = array_table(df)
            if df.shape[1] != self.n_features_in_:
                raise DataError(
                    f"The array has {counted(df.shape[1], 'column')}; `fit` was given {self.n_features_in_}."
                )
        panel = self._read(df, self.panel_.frequency, self.panel_.season_length)
        refuse_coarser_rows(self.panel_, panel)
        # What was learnt from rows would make them more ordinary than they were, and `contamination` another share.
        if same_rows(ending_together(panel) if self.watch_.system is not None else panel, self.panel_):
            return self.panel_, self._found
        return panel, self.watch_.copy().follow(panel)

    def _read(self, df: Any, freq: Any, season_length: int | None) -> Panel:
        return read_panel(df, **self._columns._asdict(), freq=freq, season_length=season_length)

    def _fitted_forecaster(self, panel: Panel) -> ForecastModel:
        model = self.forecaster
        if model is None:
            model = Forecaster(strategy="zero-shot")
        elif hasattr(model, "panel_"):
            return model
        else:
            model = clone(model)
        return model.fit(panel)
