"""Rolling-origin backtests: every model at the same cutoffs, scored and judged."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.panel import Cutoffs, Floats, Panel
from tsrnn.data.spans import observations_table, series_spans
from tsrnn.data.tables import interval_columns, read_panel, stamp_table
from tsrnn.errors import ParameterError
from tsrnn.evaluation.cutoffs import Origins, choose_origins
from tsrnn.evaluation.leaderboard import (
    SCORED_QUANTILES,
    Scored,
    breakdown,
    by_step,
    leaderboard,
    loss_matrix,
    training_scale,
)
from tsrnn.evaluation.verdict import Verdict, judge
from tsrnn.forecasting.contract import ForecastModel, check_horizon, check_levels, needed_quantiles
from tsrnn.forecasting.registry import Models, named_models

PACKAGES = ("tsrnn", "torch", "pandas", "numpy", "scikit-learn", "statsmodels")


@dataclass(frozen=True)
class BacktestResult:
    """What a backtest found.

    Parameters
    ----------
    forecasts : DataFrame
        One row per series, cutoff and step: unique_id, ds, cutoff, step, y, then for each model its median under
        its name and its intervals (`tsrnn-lo-80`, `tsrnn-hi-80`). y is NaN where nothing was observed.
    leaderboard : DataFrame
        One row per model, best first; the columns are explained in `tsrnn.evaluation.leaderboard.leaderboard`.
    by_step, by_cutoff, by_series : DataFrame
        MASE per model and step, cutoff or series.
    verdict : Verdict or None
        The first model against ARIMA, or against the best of the others; None with a single model.
    levels : tuple of float
        Interval levels in percent.
    config : dict
        What was inferred and chosen, and the versions: enough to repeat the run.
    notes : tuple of str
        What is worth knowing: columns ignored, series left out, models that fell back.
    history : dict of str to DataFrame
        Loss curves of the networks.
    observations : DataFrame
        The table as it was read: unique_id, ds, y.
    """

    forecasts: pd.DataFrame
    leaderboard: pd.DataFrame
    by_step: pd.DataFrame
    by_cutoff: pd.DataFrame
    by_series: pd.DataFrame
    verdict: Verdict | None
    levels: tuple[float, ...]
    config: dict[str, Any]
    notes: tuple[str, ...]
    history: dict[str, pd.DataFrame] = field(default_factory=dict)
    observations: pd.DataFrame = field(default_factory=pd.DataFrame)


def backtest(
    models: Models,
    df: Any,
    h: int | None = None,
    n_windows: int | None = None,
    step_size: int | None = None,
    refit: bool | int = False,
    *,
    level: Sequence[float] | float = (80, 95),
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | Sequence[str] | None = None,
    freq: Any = None,
    season_length: int | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> BacktestResult:
    """Forecast a table's past from rolling origins with every model, and compare with what happened.

    Parameters
    ----------
    models : model, name, list of them, or dict of name to them
        The first is the one that the verdict is about. They are copied, not changed. A Forecaster without a
        horizon is given h. A function ``f(train, h)``, a forecaster with ``fit`` and ``predict``, or one of sktime
        takes part too, fitted again at every cutoff (`ForeignModel` says what is expected of it).
    df : DataFrame, Series or Panel
        As for `fit`.
    h : int, optional
        Steps ahead. Default: by frequency (yearly 6, quarterly 8, monthly 18, weekly 13, daily 14, hourly 48).
    n_windows : int, optional
        Cutoffs per series. Default: up to 20.
    step_size : int, optional
        Steps from one cutoff to the next. Default: h, or less where the data are short.
    refit : bool or int
        False fits once, before the first cutoff; True before every cutoff; an int before every so many cutoffs.
        Fits after the first are updates: ARIMA then keeps its orders (`ARIMA(keep_order=False)` searches again);
        the other models fit afresh.
    level : float or sequence of float
        Intervals in percent.
    id_col, time_col, target_col, freq, season_length
        As for `Forecaster` and its `fit`.
    on_progress : callable, optional
        Is told in words what is being done.

    Returns
    -------
    BacktestResult

    Raises
    ------
    ShortSeriesError
        If no cutoff fits.
    DataError, ColumnError, ParameterError
        If the table or an argument is impossible.

    Examples
    --------
    >>> import tsrnn
    >>> result = backtest("SeasonalNaive", tsrnn.load_dataset("air_passengers"), h=12, n_windows=3)
    >>> result.leaderboard["mase"].round(2).tolist()
    [1.17]
    """
    named = named_models(models)
    levels = check_levels(level)
    for name, value in (("n_windows", n_windows), ("step_size", step_size)):
        if value is not None:
            _check_count(name, value)
    every = _check_refit(refit)
    panel = read_panel(
        df, id_col=id_col, time_col=time_col, target_col=target_col, freq=freq, season_length=season_length
    )
    origins = choose_origins(panel, None if h is None else check_horizon(h), n_windows, step_size)
    quantiles = needed_quantiles(levels, SCORED_QUANTILES)
    values, seconds, history, notes = {}, {}, {}, list(panel.notes) + _left_out(panel, origins)
    for number, (name, model) in enumerate(named.items(), 1):
        if on_progress is not None:
            on_progress(f"{name} ({number} of {len(named)})")
        runs = _run(model, panel, origins, quantiles, every)
        values[name], seconds[name] = runs.forecasts, (runs.fit_seconds, runs.predict_seconds)
        notes += [f"{name}: {note}" for note in dict.fromkeys(runs.notes)]
        if hasattr(runs.last, "history_"):
            history[name] = runs.last.history_
        named[name] = runs.last
    return _result(panel, origins, named, values, quantiles, levels, seconds, history, notes, every)


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ParameterError(f"{name}={value!r}: expected a whole number, 1 or more.")


def _check_refit(refit: Any) -> int:
    """Return after how many cutoffs a model is fitted again; 0 is never."""
    if isinstance(refit, (bool, np.bool_)):
        return int(refit)
    if not isinstance(refit, (int, np.integer)) or refit < 0:
        raise ParameterError(f"refit={refit!r}: expected False, True, or a number of cutoffs.")
    return int(refit)


def _left_out(panel: Panel, origins: Origins) -> list[str]:
    missing = (origins.ends == 0).sum(1)
    whole = panel.ids[missing == origins.n_windows]
    part = int(((missing > 0) & (missing < origins.n_windows)).sum())
    notes = []
    if len(whole):
        names = ", ".join(map(str, whole[:5])) + (", ..." if len(whole) > 5 else "")
        notes.append(f"{len(whole)} of {panel.n_series} series are too short for any cutoff and left out: {names}.")
    if part:
        notes.append(f"{part} of {panel.n_series} series are too short for some of the {origins.n_windows} cutoffs.")
    return notes


@dataclass(frozen=True)
class _Runs:
    forecasts: Floats
    fit_seconds: float
    predict_seconds: float
    notes: list[str]
    last: ForecastModel


def _run(model: ForecastModel, panel: Panel, origins: Origins, quantiles: Sequence[float], every: int) -> _Runs:
    """Fit before the first cutoff, or before every so many, and forecast all cutoffs up to the next fit at once."""
    if "horizon" in model.get_params() and model.get_params()["horizon"] is None:
        model.set_params(horizon=origins.h)
    everywhere = origins.cutoffs()
    window = _window_numbers(origins)
    values = np.full((len(everywhere), origins.h, len(quantiles)), np.nan)
    fit_seconds = predict_seconds = 0.0
    notes: list[str] = []
    for first in range(0, origins.n_windows, every or origins.n_windows):
        last = min(first + (every or origins.n_windows), origins.n_windows)
        started = time.perf_counter()
        learn = model.update if first else model.fit
        learn(panel.truncate(_fit_ends(origins, first)))
        fitted = time.perf_counter()
        block = (window >= first) & (window < last)
        cutoffs = Cutoffs(everywhere.series[block], everywhere.end[block])
        values[block] = model.forecast(panel, cutoffs, origins.h, quantiles)
        fit_seconds += fitted - started
        predict_seconds += time.perf_counter() - fitted
        notes += getattr(model, "notes_", [])
    return _Runs(values, fit_seconds, predict_seconds, notes, model)


def _fit_ends(origins: Origins, window: int) -> np.ndarray:
    """Return how many rows of each series a model may learn from that forecasts this window and later ones."""
    lead = (origins.n_windows - 1 - window) * origins.step_size + origins.h
    lengths = origins.ends[:, -1] + origins.h
    return np.where(origins.ends[:, -1] > 0, np.maximum(lengths - lead, 0), 0).astype(np.int64)


def _window_numbers(origins: Origins) -> np.ndarray:
    return np.nonzero(origins.ends)[1]


def _result(
    panel: Panel,
    origins: Origins,
    named: dict[str, ForecastModel],
    values: dict[str, Floats],
    quantiles: tuple[float, ...],
    levels: tuple[float, ...],
    seconds: dict[str, tuple[float, float]],
    history: dict[str, pd.DataFrame],
    notes: list[str],
    every: int,
) -> BacktestResult:
    cutoffs, windows = origins.cutoffs(), _window_numbers(origins)
    first_end = np.where(origins.ends > 0, origins.ends, np.iinfo(np.int64).max).min(1)
    scale = training_scale(panel, first_end)
    judged = np.isin(np.arange(panel.n_series), cutoffs.series)
    undefined = int((judged & ~np.isfinite(scale)).sum())
    if undefined:
        notes.append(
            f"{undefined} of {int(judged.sum())} series do not change over a season before the first cutoff, so "
            "they have no MASE and are left out of it."
        )
    scored = Scored(cutoffs, windows, panel.future(cutoffs, origins.h), values, quantiles, scale)
    losses = {name: loss_matrix(scored, name, panel.n_series, origins.n_windows) for name in values}
    stamps = stamp_table(panel, cutoffs, origins.h)
    columns: dict[str, Any] = {}
    for name, forecast in values.items():
        columns |= interval_columns(name, forecast, quantiles, levels, ())
    labels = stamps["cutoff"].iloc[:: origins.h]
    codes, unique = pd.factorize(labels, sort=True)
    present = np.unique(cutoffs.series)
    return BacktestResult(
        forecasts=pd.concat([stamps, pd.DataFrame(columns, index=stamps.index)], axis=1),
        leaderboard=leaderboard(scored, levels, seconds),
        by_step=by_step(scored),
        by_cutoff=breakdown(scored, "cutoff", unique, codes),
        by_series=breakdown(scored, "unique_id", panel.ids[present], np.searchsorted(present, cutoffs.series)),
        verdict=judge(losses, math.ceil(origins.h / origins.step_size), list(values)),
        levels=levels,
        config=_config(panel, origins, named, every),
        notes=tuple(notes),
        history=history,
        observations=observations_table(panel),
    )


def _config(panel: Panel, origins: Origins, named: dict[str, ForecastModel], every: int) -> dict[str, Any]:
    spans = series_spans(panel)
    return {
        "data": {
            "rows": len(panel.y),
            "observed": int(panel.observed.sum()),
            "series": panel.n_series,
            "frequency": panel.frequency.describe(),
            "season_length": panel.season_length,
            "first": str(spans["first"].min()),
            "last": str(spans["last"].max()),
        },
        "h": origins.h,
        "n_windows": origins.n_windows,
        "step_size": origins.step_size,
        "refit": every,
        "models": {
            name: {k: v for k, v in model.get_params().items() if k != "verbose"} for name, model in named.items()
        },
        "chosen": {name: model.summary() for name, model in named.items() if hasattr(model, "summary")},
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
    }
