"""How a backtest runs: every model is fitted and forecasts, window after window, here or in several processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor

from tsrnn.evaluation.expected import expected_seconds
from tsrnn.evaluation.plan import Plan
from tsrnn.evaluation.store import Memory, Part, Store
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.ensemble import Ensemble
from tsrnn.forecasting.forecaster import Forecaster
from tsrnn.forecasting.foreign import ForeignModel
from tsrnn.forecasting.from_history import HistoryModel
from tsrnn.forecasting.per_series import PerSeriesModel
from tsrnn.forecasting.progress import part as share_of
from tsrnn.forecasting.progress import tell


class ModelRun:
    """One model on its way through the windows of a backtest, oldest first.

    Parameters
    ----------
    plan : Plan
    name : str
    model : ForecastModel
        Not fitted; it is fitted in place.
    """

    def __init__(self, plan: Plan, name: str, model: ForecastModel) -> None:
        self.plan, self.name, self.model = plan, name, model
        self.fitted_block = -1
        self.spread = False  # whether it has run in other processes

    def run(self, windows: Sequence[int], store: Store, stepwise: bool) -> None:
        """Fit where it is due, forecast, and keep the forecasts; one by one if stepwise, else up to the next fit."""
        done = 0
        for block, members in groupby(windows, lambda window: window // self.plan.span):
            rows = list(members)
            for part in [[window] for window in rows] if stepwise else [rows]:
                begin, end = done / len(windows), (done + len(part)) / len(windows)
                # Nearly all of a model's time is its fit; where there is none, the share jumps ahead.
                fitted = begin if block == self.fitted_block else begin + 0.9 * (end - begin)
                with share_of(begin, fitted):
                    seconds = self._fit(block)
                with share_of(fitted, end):
                    self._forecast(part, seconds, store)
                done += len(part)

    def _fit(self, block: int) -> float:
        """Fit for a block of windows, unless that is done, and return how many seconds it took."""
        if block == self.fitted_block:
            return 0.0
        # A model that continues from its last fit has to come the same way again after an interruption.
        continues = self.model.continues
        first = self.fitted_block + 1 if continues else block
        seconds = 0.0
        for number in range(first, block + 1):
            learn = self.model.update if number and continues else self.model.fit
            panel = self.plan.training_panel(number * self.plan.span)
            if learns_alone(self.model) and self.plan.origins.sampled_out.any():
                panel = panel.take(np.flatnonzero(self.plan.origins.judged))
            started = time.perf_counter()
            learn(panel)
            seconds = time.perf_counter() - started
        self.fitted_block = block
        return seconds

    def _forecast(self, windows: Sequence[int], fit_seconds: float, store: Store) -> None:
        started = time.perf_counter()
        forecasts = self.plan.forecast(self.model, windows)
        seconds = time.perf_counter() - started
        for window, own in forecasts.items():
            if window == windows[0]:
                summary, notes = self.model.summary(), tuple(self.model.notes_)
                history, choice = getattr(self.model, "history_", None), choice_of(self.model)
                store.put(self.name, window, Part(own, fit_seconds, seconds, notes, summary, history, choice))
            else:
                store.put(self.name, window, Part(own))


def choice_of(model: ForecastModel) -> dict[str, Any] | None:
    """Return what a `Forecaster` did in its last fit, and why; None for other models."""
    if not isinstance(model, Forecaster):
        return None
    return {"strategy": model.strategy_, "reason": model.reason_, "scores": model.scores_}


def learns_alone(model: ForecastModel) -> bool:
    """Tell whether a model learns nothing of one series from the others."""
    if isinstance(model, Ensemble):
        return all(learns_alone(member) for member in model.unfitted_members().values())
    return isinstance(model, (PerSeriesModel, HistoryModel, ForeignModel))


def run_models(
    plan: Plan,
    models: Mapping[str, ForecastModel],
    store: Store,
    *,
    n_jobs: int | None = None,
    deadline: float | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> int:
    """Run every model over all windows that the store does not hold yet.

    Parameters
    ----------
    plan : Plan
    models : mapping of name to ForecastModel
        Not fitted; a model runs in place, or copies of it in other processes.
    store : Store
    n_jobs : int, optional
        Processes. None leaves it to models that have a parameter `n_jobs`, and runs others here.
    deadline : float, optional
        In seconds of `time.perf_counter`. All models run a window before any runs the next one, and a window that
        would probably end later is not begun. The first one is run whatever it takes.
    on_progress : callable, optional
        Is told which model runs.

    Returns
    -------
    int
        How many windows, the oldest ones, every model has forecast.
    """
    runs = [ModelRun(plan, name, model) for name, model in models.items()]
    rounds = _rounds(plan, n_jobs, deadline)
    cost: dict[bool, float] = {}
    expected = [expected_seconds(run.model, plan) for run in runs]
    ends = [sum(expected[:number]) / sum(expected) for number in range(len(runs) + 1)]
    done, n_windows = 0, plan.origins.n_windows
    for windows in rounds:
        begun = time.perf_counter()
        missing = [[window for window in windows if not store.has(run.name, window)] for run in runs]
        fits = any(window % plan.span == 0 for window in windows)
        if done and any(missing) and deadline is not None and begun + cost.get(fits, 0.0) > deadline:
            break
        for number, (run, rest) in enumerate(zip(runs, missing, strict=True), 1):
            if on_progress is not None:
                where = "" if len(rounds) == 1 else f", cutoff {windows.stop} of {plan.origins.n_windows}"
                on_progress(f"{run.name} ({number} of {len(runs)}){where}")
            begin, end = ends[number - 1] * len(windows), ends[number] * len(windows)
            with share_of((windows.start + begin) / n_windows, (windows.start + end) / n_windows):
                _run(run, rest, store, n_jobs, store.stepwise or deadline is not None)
        if any(missing):
            cost[fits] = time.perf_counter() - begun
        done = windows.stop
    return done


def _rounds(plan: Plan, n_jobs: int | None, deadline: float | None) -> list[range]:
    """Return the windows that are run by all models before the clock is asked: all, or as few as keep n_jobs busy."""
    n = plan.origins.n_windows
    size = n if deadline is None else plan.span * n_jobs if plan.refit and n_jobs is not None and n_jobs > 1 else 1
    return [range(first, min(first + size, n)) for first in range(0, n, size)]


def _run(run: ModelRun, windows: Sequence[int], store: Store, n_jobs: int | None, stepwise: bool) -> None:
    """Run a model here, or its blocks between fits in several processes where they do not depend on each other."""
    blocks = [list(members) for _, members in groupby(windows, lambda window: window // run.plan.span)]
    workers = min(n_jobs or 1, len(blocks))
    own = "n_jobs" in run.model.get_params(deep=False) or isinstance(run.model, HistoryModel)
    if workers < 2 or own or run.model.continues:
        run.run(windows, store, stepwise)
        return
    # Idle workers may come from statistical models. Loading torch there would look like a leak of memory to loky,
    # which then stops them with a warning; new ones have it from their first task on.
    if not run.spread:
        get_reusable_executor().shutdown(wait=True)
        run.spread = True
    with parallel_config(backend="loky", inner_max_num_threads=1):
        # What a store in memory holds is not sent along.
        folder = store if store.stepwise else None
        tasks = (delayed(_run_apart)(run, block, folder, stepwise) for block in blocks)
        kept: Iterable[Any] = Parallel(n_jobs=workers, return_as="generator")(tasks)
        for number, parts in enumerate(kept, 1):
            tell(number / len(blocks))
            for window, part in parts:
                store.put(run.name, window, part)


def _run_apart(run: ModelRun, windows: Sequence[int], store: Store | None, stepwise: bool) -> list[tuple[int, Part]]:
    """Run a block in a worker process; what is not written to a folder there is returned."""
    if store is not None:
        run.run(windows, store, True)
        return []
    memory = Memory()
    run.run(windows, memory, stepwise)
    return [(window, memory.get(run.name, window)) for window in windows]
