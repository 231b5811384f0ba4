"""Tables of a backtest's scores: per model, by step, by cutoff and by series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tsrnn.data.panel import Floats, Integers
from tsrnn.evaluation.scores import Scores, Sums
from tsrnn.metrics import mean_where

OWN = ("mase", "smape", "rmse")


def leaderboard(scores: Mapping[str, Scores], seconds: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Score every model, best MASE first.

    Returns
    -------
    DataFrame
        model; mase, smape (0–200), rmse (original units) and the user's metrics, each averaged over series. Of one
        series, mase is the mean over all observed points of its forecasts, and rmse the root of the mean square over
        them; smape and the user's metrics are averaged over the steps of each forecast, and then over forecasts. So a
        forecast that was observed in part weighs less in mase and rmse here than one does in `by_forecast`. Then wql,
        the weighted quantile loss over .1 … .9; coverage_80 ... (a share); fit_seconds, predict_seconds.
    """
    rows = []
    for model, found in scores.items():
        means = {}
        for name, sums in found.by_forecast.items():
            of_series = _means(name, sums.by_group(found.series, int(found.series.max()) + 1))
            means[name] = float(mean_where(of_series, np.isfinite(of_series)))
        own = {name: means.pop(name) for name in OWN}
        row: dict[str, object] = {"model": model, **own, "wql": float(found.quantile_loss.means()[0]), **means}
        for level, inside in found.inside.items():
            row[f"coverage_{level:g}"] = float(inside.means()[0])
        row["fit_seconds"], row["predict_seconds"] = seconds[model]
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.sort_values(["mase", "rmse"], kind="stable", na_position="last").reset_index(drop=True)


def _means(name: str, sums: Sums) -> Floats:
    return np.sqrt(sums.means()) if name == "rmse" else sums.means()


def breakdown(
    scores: Mapping[str, Scores], key: str, labels: Sequence[object] | np.ndarray | pd.Index, group: Integers
) -> pd.DataFrame:
    """Return the scores per model and group of forecasts: columns model, `key`, mase, smape, rmse, ...

    Parameters
    ----------
    scores : mapping of model to Scores
    key : str
    labels : sequence of n_groups
    group : int64 ndarray of shape (B,)
        The group of each forecast, in the order of the scores.
    """
    frames = []
    for model, found in scores.items():
        columns = {name: _means(name, sums.by_group(group, len(labels))) for name, sums in found.by_forecast.items()}
        frames.append(pd.DataFrame({"model": model, key: labels, **columns}))
    return pd.concat(frames, ignore_index=True)


def by_forecast(
    scores: Mapping[str, Scores], ids: pd.Series, cutoffs: pd.Index, scale: Floats, actual: Floats
) -> pd.DataFrame:
    """Return the scores per model and forecast: columns model, unique_id, cutoff, mase, mae, actual.

    Parameters
    ----------
    scores : mapping of model to Scores
    ids, cutoffs : of length B
        Of each forecast, in the order of the scores.
    scale : ndarray of shape (n_series,)
        Denominators of MASE.
    actual : ndarray of shape (B,)
        Mean of what happened after each cutoff, in original units.
    """
    frames = []
    for model, found in scores.items():
        mase = found.by_forecast["mase"].means()
        columns = {"mase": mase, "mae": mase * scale[found.series], "actual": actual}
        frames.append(pd.DataFrame({"model": model, "unique_id": ids, "cutoff": cutoffs, **columns}))
    return pd.concat(frames, ignore_index=True)


def by_step(scores: Mapping[str, Scores], first: int = 1) -> pd.DataFrame:
    """Return the scores per model and forecast step: columns model, step, mase, smape, rmse, ...

    Parameters
    ----------
    scores : mapping of model to Scores
    first : int
        Number of the first scored step; 1 is the one after the cutoff.
    """
    frames = []
    for model, found in scores.items():
        columns = {name: _means(name, sums) for name, sums in found.by_step.items()}
        steps = first + np.arange(len(columns["mase"]))
        frames.append(pd.DataFrame({"model": model, "step": steps, **columns}))
    return pd.concat(frames, ignore_index=True)
