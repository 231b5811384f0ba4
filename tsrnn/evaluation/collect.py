"""From the forecasts that a store holds to the result of a backtest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.answers import id_column, interval_columns, restore_times, stamp_table
from tsrnn.data.panel import Floats, Integers
from tsrnn.data.spans import observations_table, positions_of
from tsrnn.evaluation.custom_metrics import Metric
from tsrnn.evaluation.leaderboard import breakdown, by_forecast, by_step, leaderboard
from tsrnn.evaluation.plan import Plan
from tsrnn.evaluation.residuals import MOST_SAMPLED, diagnose, quantile_shares
from tsrnn.evaluation.result import BacktestResult
from tsrnn.evaluation.scores import Scored, Scores, loss_matrix, merge, point_matrix, score, training_scale
from tsrnn.evaluation.store import Store
from tsrnn.evaluation.verdict import judge
from tsrnn.forecasting.levels import nearest, needed_quantiles
from tsrnn.metrics import has_seasonal_pairs, mean_where, seasonal_scale
from tsrnn.naming import agree, examples, some_of

# Series that change so many times as much after the first cutoff as before it are named.
OUTWEIGHING = 100


@dataclass
class Told:
    """What the models said of themselves on the way.

    Parameters
    ----------
    seconds : dict of name to (fit, predict)
    notes : list of str
    chosen : dict of name to str
    strategies : dict of name to dict
        Of the last fit.
    history : dict of name to DataFrame
    """

    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    chosen: dict[str, str] = field(default_factory=dict)
    strategies: dict[str, Any] = field(default_factory=dict)
    history: dict[str, pd.DataFrame] = field(default_factory=dict)


def collect(
    plan: Plan,
    store: Store,
    names: Sequence[str],
    metrics: Mapping[str, Metric],
    notes: Sequence[str],
    config: dict[str, Any],
    left_out: str = "",
    arimas: Collection[str] = (),
) -> BacktestResult:
    """Score what a store holds, window by window.

    Parameters
    ----------
    plan : Plan
        Of the windows that every model has forecast.
    store : Store
    names : sequence of str
        The models, the judged one first.
    metrics : mapping of name to Metric
    notes : sequence of str
        Of the backtest; those of the models are added to the result's.
    config : dict
    left_out : str
        What the verdict has to say of series and cutoffs that were not judged.
    arimas : collection of str
        Which of the models are an ARIMA.
    """
    panel, origins = plan.panel, plan.origins
    shape = panel.n_series, origins.n_windows
    scale, no_loss, said = _scale(plan)
    told = Told()
    scores = {name: _score_model(plan, store, name, metrics, scale, told) for name in names}
    told.notes += _choices(told, config, plan.n_fits)
    losses = {name: loss_matrix(found, *shape) for name, found in scores.items()}
    points = np.max([point_matrix(found, *shape) for found in scores.values()], axis=0)
    first = scores[names[0]]
    ends = origins.ends[first.series, first.windows]
    stamps = restore_times(panel.frequency.stamps(panel.start[first.series], ends - 1), panel.form)
    shown = panel.take(np.flatnonzero(origins.judged)) if origins.sampled_out.any() else panel
    codes, unique = pd.factorize(stamps, sort=True)
    present = np.unique(first.series)
    return BacktestResult(
        # Both may be large, and a report needs a part of them.
        forecasts=partial(forecasts_table, plan, store, names),
        observations=partial(observations_table, shown),
        leaderboard=leaderboard(scores, told.seconds),
        by_step=by_step(scores, origins.gap + 1),
        by_cutoff=breakdown(scores, "cutoff", unique, codes),
        by_series=breakdown(scores, "unique_id", id_column(panel, present), np.searchsorted(present, first.series)),
        by_forecast=by_forecast(scores, id_column(panel, first.series), stamps, scale, _mean_actual(plan)),
        by_quantile=quantile_shares(scores),
        residuals=diagnose(scores, *shape, step_size=origins.step_size, gap=origins.gap, overlap=origins.overlap),
        verdict=judge(losses, origins.overlap, left_out, points=points, arimas=arimas, no_loss=no_loss),
        levels=plan.levels,
        config={**config, "forecasts": len(first.series), "chosen": told.chosen, "strategies": told.strategies},
        notes=(*notes, *said, *told.notes),
        history=told.history,
    )


def _score_model(
    plan: Plan, store: Store, name: str, metrics: Mapping[str, Metric], scale: Floats, told: Told
) -> Scores:
    panel, origins = plan.panel, plan.origins
    sampled = MOST_SAMPLED / max(np.count_nonzero(origins.ends) * origins.h, 1)
    parts: list[Scores] = []
    notes: list[str] = []
    fit_seconds = predict_seconds = 0.0
    for window in range(origins.n_windows):
        part = store.get(name, window)
        cutoffs = origins.cutoffs(window, window + 1)
        y = panel.future(cutoffs.later(origins.gap), origins.h)
        number = np.full(len(cutoffs), window, dtype=np.int64)
        scored = Scored(cutoffs, number, y, part.quantiles, plan.quantiles, scale)
        parts.append(score(scored, plan.levels, metrics, sampled))
        fit_seconds, predict_seconds = fit_seconds + part.fit_seconds, predict_seconds + part.predict_seconds
        notes += part.notes
        if part.summary:
            told.chosen[name] = part.summary
        if part.choice is not None:
            told.strategies[name] = part.choice
        if part.history is not None:
            told.history[name] = part.history
    told.seconds[name] = (fit_seconds, predict_seconds)
    told.notes += [f"{name}: {note}" for note in dict.fromkeys(notes)]
    return merge(parts)


def _choices(told: Told, config: Mapping[str, Any], fits: int) -> list[str]:
    """Say what took part under the name of each model that chose it: its name does not tell whether it was trained."""
    notes, when = [], f" in the last of {fits} fits" if fits > 1 else ""
    for name, choice in told.strategies.items():
        if config["models"][name].get("strategy") == "auto":
            notes.append(f"{name}: auto took {choice['strategy']}{when}: {choice['reason']}.")
    return notes


def _mean_actual(plan: Plan) -> Floats:
    """Return the mean of what happened after each cutoff, in the order of the scores. Shape (B,)."""
    origins = plan.origins
    cutoffs = (origins.cutoffs(window, window + 1) for window in range(origins.n_windows))
    futures = (plan.panel.future(some.later(origins.gap), origins.h) for some in cutoffs)
    return np.concatenate([mean_where(y, np.isfinite(y)) for y in futures])


def _scale(plan: Plan) -> tuple[Floats, str, list[str]]:
    """Return the denominators of MASE, why no forecast has one, if none has, and notes of the series that lack one."""
    panel, ends = plan.panel, plan.origins.ends
    first = np.where(ends > 0, ends, np.iinfo(np.int64).max).min(1)
    scale = training_scale(panel, first)
    judged = ends.any(1)
    undefined = np.flatnonzero(judged & ~np.isfinite(scale))
    m = panel.season_length
    paired = np.array([has_seasonal_pairs(panel.series(i)[: first[i]], m) for i in undefined.tolist()], dtype=bool)
    apart = f"a season ({m} steps) apart" if m > 1 else "one step apart"
    reasons = [
        (f"holds no two values {apart}", f"hold no two values {apart}", ~paired),
        ("does not change over a season", "do not change over a season", paired),
    ]
    notes = []
    for one, several, those in reasons:
        if n := int(those.sum()):
            notes.append(
                f"{some_of(n, int(judged.sum()), 'series', one, several)} before the first cutoff and "
                f"{agree(n, 'has', 'have')} no MASE: {examples(list(panel.ids[undefined[those]]))}."
            )
    notes += _late_changes(plan, first, scale)
    if len(undefined) < judged.sum():
        return scale, "no forecast of a series with a MASE meets an observed value", notes
    said = " or ".join(several for _, several, those in reasons if those.any())
    return scale, f"the series {said} before the first cutoff", notes


def _late_changes(plan: Plan, first: Integers, scale: Floats) -> list[str]:
    """Note the series whose unit of error is next to nothing beside what they do after their first cutoff.

    They keep their MASE, as it is defined. Only where all that changed is rounding (`metrics.CONSTANT`) is there none.
    """
    panel, m = plan.panel, plan.panel.season_length
    judged = np.flatnonzero(first < np.iinfo(np.int64).max).tolist()
    late = [i for i in judged if seasonal_scale(panel.series(i)[max(first[i] - m, 0) :], m) > OUTWEIGHING * scale[i]]
    if not late:
        return []
    return [
        f"{some_of(len(late), len(judged), 'series', 'changes', 'change')} over {OUTWEIGHING} times as much over a "
        f"season after the first cutoff as before it, so {agree(len(late), 'its', 'their')} MASE is large and may "
        f"outweigh all others in the leaderboard and the verdict: {examples(list(panel.ids[late]))}. Leave "
        f"{agree(len(late), 'it', 'them')} out to judge the others."
    ]


def forecasts_table(plan: Plan, store: Store, names: Sequence[str], ids: Sequence[Any] | None = None) -> pd.DataFrame:
    """Return the forecasts as one table, series by series, oldest cutoff first.

    Parameters
    ----------
    plan : Plan
    store : Store
    names : sequence of str
        Models.
    ids : sequence, optional
        The series that are wanted; all by default.
    """
    whole = plan.origins
    chosen = np.ones(plan.panel.n_series, dtype=bool)
    if ids is not None:
        chosen[:] = False
        chosen[positions_of(plan.panel, ids)] = True
    some = replace(whole, ends=np.where(chosen[:, None], whole.ends, 0))
    cutoffs, windows = some.cutoffs(), some.window_numbers()
    wanted = needed_quantiles(plan.levels, ())
    picks = [nearest(plan.quantiles, q) for q in wanted]
    columns: dict[str, Any] = {}
    for name in names:
        values = np.empty((len(cutoffs), whole.h, len(wanted)))
        for window in range(whole.n_windows):
            rows = None if ids is None else np.flatnonzero(chosen[whole.cutoffs(window, window + 1).series])
            values[windows == window] = store.get(name, window, rows).quantiles[..., picks]
        columns |= interval_columns(name, values, wanted, plan.levels)
    table = stamp_table(plan.panel, cutoffs, whole.h, whole.gap)
    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)
