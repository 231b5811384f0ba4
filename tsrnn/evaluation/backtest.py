"""Rolling-origin backtests: every model at the same cutoffs, scored and judged."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tsrnn.data.answers import STAMP_COLUMNS, interval_columns
from tsrnn.data.panel import Bools
from tsrnn.data.tables import read_panel
from tsrnn.errors import ParameterError
from tsrnn.evaluation.collect import collect
from tsrnn.evaluation.configuration import call_of, configuration
from tsrnn.evaluation.custom_metrics import named_metrics
from tsrnn.evaluation.cutoffs import Origins, choose_origins
from tsrnn.evaluation.engine import learns_alone, run_models
from tsrnn.evaluation.folder import Folder
from tsrnn.evaluation.plan import Plan
from tsrnn.evaluation.result import BacktestResult
from tsrnn.evaluation.store import Memory, Store
from tsrnn.forecasting.arima import ARIMA
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.jobs import checked_jobs, share_jobs
from tsrnn.forecasting.levels import check_horizon, check_levels, needed_quantiles
from tsrnn.forecasting.registry import Models, named_models
from tsrnn.naming import agree, counted, examples, some_of
from tsrnn.parameters import check_number, check_whole, is_whole

__all__ = ["BacktestResult", "backtest"]

SAMPLE_SEED = 0


def backtest(
    models: Models,
    df: Any,
    h: int | None = None,
    n_windows: int | None = None,
    step_size: int | None = None,
    refit: bool | int = False,
    *,
    gap: int = 0,
    train_size: int | None = None,
    level: Sequence[float] | float = (80, 95),
    metrics: Any = None,
    time_budget: float | None = None,
    n_jobs: int | None = None,
    path: str | os.PathLike[str] | None = None,
    sample: int | None = None,
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
        horizon is given gap + h. A function ``f(train, h)``, a forecaster with ``fit`` and ``predict``, or one of
        sktime takes part too, fitted again at every cutoff (`ForeignModel` says what is expected of it).
    df : DataFrame, Series or Panel
        As for `fit`.
    h : int, optional
        Steps scored at each cutoff. Default: by frequency (yearly 6, quarterly 8, monthly 18, weekly 13, daily 14,
        hourly 48).
    n_windows : int, optional
        Cutoffs per series, counted back from its own end. Where one ends before others, a model that learns from all
        may know their rows of the times at which it is judged; `notes` says so. Default: up to 20.
    step_size : int, optional
        Steps from one cutoff to the next. Default: h, or less where the data are short.
    refit : bool or int
        False fits once, before the first cutoff; True before every cutoff; an int before every so many cutoffs.
        After the first fit ARIMA keeps the orders that it found (`ARIMA(keep_order=False)` searches again); all other
        models fit afresh.
    gap : int
        Steps right after a cutoff that are forecast and not scored, for data that arrive late: with gap=2 the first
        scored step is the third one after the last row that a model saw.
    train_size : int, optional
        How many rows before a cutoff models learn from and see, at most: a window that slides. Default: all, a window
        that grows.
    level : float or sequence of float
        Intervals in percent.
    metrics : callable, sequence of them, or dict of name to them, optional
        Scores of your own beside MASE, sMAPE and RMSE: functions ``metric(y, yhat)`` of two arrays of shape (B, h) that
        return one number per forecast, such as those of `tsrnn.metrics`; `tsrnn.evaluation.custom_metrics.Metric` says
        what else they may ask for.
    time_budget : float, optional
        Seconds for the whole backtest. Models then take turns, cutoff by cutoff, and what is left when the time is
        over is left out for all of them, the latest cutoffs first to go; `notes` and the verdict say so. The first
        cutoff is run whatever it takes.
    n_jobs : int, optional
        Processes, -1 for all cores: statistical and foreign models run several series at a time, networks that are
        fitted again several cutoffs. The result is the same for any number. Default: statistical models use processes
        where that pays, others none.
    path : path, optional
        A folder in which forecasts are kept as they come, a Parquet file per cutoff and model, and where the scores
        are written at the end; `forecasts` of the result is read from there. The same call goes on from what the
        folder holds: an interruption loses the cutoff in progress (of each process). With `refit` an ARIMA that keeps
        its orders, alone or in an Ensemble, repeats its earlier fits then; all other models are fitted only for cutoffs
        that are missing. Networks forecast cutoff by cutoff then, as they do with a `time_budget`, and not all
        cutoffs in one batch: the last digits of their arithmetic (float32) differ, by 3e-8 of the base's forecasts of
        AirPassengers. Needs pyarrow.
    sample : int, optional
        Judge on so many series, drawn at random with a fixed seed, where statistical models would take too long on all
        of them. Networks learn from all series; models of single series are fitted to the sample alone. `notes` and the
        verdict say so.
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
        If the table, an argument or the folder is impossible.
    MissingExtraError
        If there is a `path` and no pyarrow.

    Examples
    --------
    >>> import tsrnn
    >>> result = backtest("SeasonalNaive", tsrnn.load_dataset("air_passengers"), h=12, n_windows=3)
    >>> result.leaderboard["mase"].round(2).tolist()
    [1.17]
    """
    started = time.perf_counter()
    named = named_models(models)
    levels, scorers, jobs = check_levels(level), named_metrics(metrics), checked_jobs(n_jobs)
    _check_names(list(named), levels)
    counts = {"n_windows": n_windows, "step_size": step_size, "train_size": train_size, "sample": sample}
    for name, value in counts.items():
        check_whole(name, value, 1, optional=True)
    check_whole("gap", gap, 0)
    seconds = "a number of seconds above 0, or None for no limit"
    check_number("time_budget", time_budget, 0, math.inf, seconds, optional=True)
    budget = None if time_budget is None else float(time_budget)
    every = _check_refit(refit)
    panel = read_panel(
        df, id_col=id_col, time_col=time_col, target_col=target_col, freq=freq, season_length=season_length
    )
    horizon = None if h is None else check_horizon(h)
    origins = choose_origins(panel, horizon, n_windows, step_size, gap=gap, train_size=train_size)
    if sample is not None:
        origins = origins.sample(sample, SAMPLE_SEED)
    plan = Plan(panel, origins, levels, every)
    parameters = {name: _prepare(model, origins) for name, model in named.items()}
    call = call_of(plan, named, budget)
    share_jobs(named.values(), jobs)
    store: Store = Memory() if path is None else Folder(Path(path), plan, parameters, version("tsrnn"))
    done = run_models(
        plan,
        named,
        store,
        n_jobs=jobs,
        deadline=None if budget is None else started + budget,
        on_progress=on_progress,
    )
    run = plan.first(done)
    said = list(filter(None, (_sample_sentence(origins), _budget_sentence(origins, done, budget))))
    notes = [*panel.notes, *_left_out(plan, run, n_windows), *said, *_learnt_later(plan, done, named)]
    config = configuration(run, named, parameters, metrics=list(scorers), budget=budget, call=call)
    arimas = [name for name, model in named.items() if isinstance(model, ARIMA)]
    result = collect(run, store, list(named), scorers, notes, config, " ".join(said), arimas)
    if isinstance(store, Folder):
        store.finish(result)
    return result


def _check_names(names: Sequence[str], levels: Sequence[float]) -> None:
    """Refuse a model's name that would make two columns of the forecasts one."""
    quantiles = needed_quantiles(levels, ())
    empty = np.empty((0, 0, len(quantiles)))
    taken = dict.fromkeys(STAMP_COLUMNS, "a column of the forecasts")
    for name in names:
        for column in interval_columns(name, empty, quantiles, levels):
            if column in taken:
                raise ParameterError(
                    f"The model's name {name!r} is taken: its column {column!r} of the forecasts would also be "
                    f"{taken[column]}. Give it another one: models={{'my_{name}': model}}."
                )
            taken[column] = f"one of the model {name!r}"


def _check_refit(refit: Any) -> int:
    """Return after how many cutoffs a model is fitted again; 0 is never."""
    if isinstance(refit, (bool, np.bool_)):
        return int(refit)
    if not is_whole(refit) or refit < 0:
        raise ParameterError(f"refit={refit!r}: expected False, True, or a number of cutoffs.")
    return int(refit)


def _prepare(model: ForecastModel, origins: Origins) -> dict[str, Any]:
    """Give a model what the user left open, and return its parameters as the result tells them."""
    if model.get_params(deep=False).get("horizon", 0) is None:
        model.set_params(horizon=origins.reach)
    return {name: value for name, value in model.get_params().items() if name != "verbose"}


def _left_out(plan: Plan, run: Plan, wanted: int | None) -> list[str]:
    """Say which cutoffs and series are not judged, and why; `run` is what was run of the plan."""
    notes, origins, panel, done = [], plan.origins, plan.panel, run.origins.n_windows
    if wanted is not None and origins.n_windows < wanted:
        notes.append(
            f"The series are long enough for {origins.n_windows:,} of the {counted(wanted, 'cutoff')} asked for, the "
            "latest ones."
        )
    longest = int(origins.ends.max())
    if origins.train_size is not None and longest <= origins.train_size:
        notes.append(
            f"train_size={origins.train_size} leaves nothing out: no cutoff has more than {counted(longest, 'row')}."
        )
    missing = np.where(origins.sampled_out, 0, (run.origins.ends == 0).sum(1))
    whole = panel.ids[missing == done]
    part = int(((missing > 0) & (missing < done)).sum())
    if len(whole):
        notes.append(
            f"{some_of(len(whole), panel.n_series, 'series', 'is', 'are')} too short for any cutoff and left out: "
            f"{examples(whole)}."
        )
    if part:
        notes.append(
            f"{some_of(part, panel.n_series, 'series', 'is', 'are')} too short for some of the "
            f"{counted(done, 'cutoff')}."
        )
    unscored = list(panel.ids[_unscored(run)])
    if unscored:
        notes.append(
            f"{some_of(len(unscored), panel.n_series, 'series', 'holds', 'hold')} no value after the cutoffs and "
            f"{agree(len(unscored), 'is', 'are')} not scored: {examples(unscored)}."
        )
    return notes


def _learnt_later(plan: Plan, done: int, models: Mapping[str, ForecastModel]) -> list[str]:
    """Say which series are judged at times that models knew from other series."""
    several = [name for name, model in models.items() if not learns_alone(model)]
    later = list(plan.panel.ids[plan.learnt_later(done)]) if several else []
    if not later:
        return []
    return [
        f"{some_of(len(later), plan.panel.n_series, 'series', 'ends', 'end')} before others do, and cutoffs count back "
        f"from the end of each: when these are judged, {examples(several)} may have learnt from rows of the others "
        f"that came later. They are {examples(later)}."
    ]


def _unscored(plan: Plan) -> Bools:
    """Mark the judged series without a value in the rows that are forecast. Shape (n_series,)."""
    panel, origins, cutoffs = plan.panel, plan.origins, plan.origins.cutoffs()
    first, last = (cutoffs.later(steps) for steps in (origins.gap, origins.reach))
    scored = panel.observed_before(last) > panel.observed_before(first)
    unscored: Bools = origins.judged & (np.bincount(cutoffs.series, scored, panel.n_series) == 0)
    return unscored


def _budget_sentence(origins: Origins, done: int, budget: float | None) -> str:
    """Say which cutoffs the time budget left out; "" if none."""
    n = origins.n_windows
    if budget is None or done == n:
        return ""
    left_out = some_of(n - done, n, "cutoff", "was", "were")
    return f"The time budget of {budget:g} s was over: the latest {left_out} left out, for all models."


def _sample_sentence(origins: Origins) -> str:
    """Say on which sample of the series models are judged; "" if on all."""
    out, judged = int(origins.sampled_out.sum()), int(origins.judged.sum())
    if not out:
        return ""
    drawn = f"{some_of(judged, judged + out, 'series')}, drawn at random (seed {SAMPLE_SEED})"
    return f"Judged on {drawn}; networks learn from all."
