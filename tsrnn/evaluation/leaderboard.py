"""Scores of a backtest: per model, by step, by cutoff and by series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsrnn.data.panel import Cutoffs, Floats, Panel
from tsrnn.metrics import coverage, mean_where, seasonal_scale, smape, weighted_quantile_loss

SCORED_QUANTILES = tuple(round(q / 10, 1) for q in range(1, 10))


@dataclass(frozen=True)
class Scored:
    """Forecasts of all models at the same cutoffs, with what happened.

    Parameters
    ----------
    cutoffs : Cutoffs
    windows : int64 ndarray of shape (B,)
        Which window of the backtest a cutoff belongs to, 0 the oldest.
    y : ndarray of shape (B, H)
        NaN where unobserved.
    forecasts : dict of str to ndarray of shape (B, H, Q)
    quantiles : tuple of float
    scale : ndarray of shape (n_series,)
        Mean absolute seasonal difference before the first cutoff; NaN where MASE is undefined.
    """

    cutoffs: Cutoffs
    windows: np.ndarray
    y: Floats
    forecasts: Mapping[str, Floats]
    quantiles: tuple[float, ...]
    scale: Floats

    def quantile(self, model: str, q: float) -> Floats:
        """Return one quantile of a model's forecasts. Shape (B, H)."""
        position = int(np.argmin(np.abs(np.asarray(self.quantiles) - q)))
        return self.forecasts[model][..., position]

    def scaled_errors(self, model: str) -> Floats:
        """Return absolute errors in units of the seasonal difference; NaN where not observed. Shape (B, H)."""
        errors: Floats = np.abs(self.y - self.quantile(model, 0.5)) / self.scale[self.cutoffs.series][:, None]
        return errors


def training_scale(panel: Panel, first_end: np.ndarray) -> Floats:
    """Return the denominator of MASE of each series, from the rows before its first cutoff."""
    return np.array(
        [seasonal_scale(panel.series(i)[: first_end[i]], panel.season_length) for i in range(panel.n_series)]
    )


def leaderboard(scored: Scored, levels: Sequence[float], seconds: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Score every model, best MASE first.

    Returns
    -------
    DataFrame
        model; mase, smape (0–200) and rmse (original units), each averaged over a series' forecasts and then over
        series; wql, the weighted quantile loss over .1 … .9; coverage_80 ... (a share); fit_seconds,
        predict_seconds.
    """
    rows = []
    picks = [int(np.argmin(np.abs(np.asarray(scored.quantiles) - q))) for q in SCORED_QUANTILES]
    for model, values in scored.forecasts.items():
        median = scored.quantile(model, 0.5)
        row = {
            "model": model,
            "mase": _mean_over_series(scored, scored.scaled_errors(model)),
            "smape": _mean_over_series(scored, smape(scored.y, median)[:, None]),
            "rmse": _mean_over_series(scored, (scored.y - median) ** 2, root=True),
            "wql": weighted_quantile_loss(scored.y, values[..., picks], SCORED_QUANTILES),
        }
        for level in levels:
            low, high = (scored.quantile(model, 0.5 + side * level / 200) for side in (-1, 1))
            row[f"coverage_{level:g}"] = coverage(scored.y, low, high)
        row["fit_seconds"], row["predict_seconds"] = seconds[model]
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.sort_values(["mase", "rmse"], kind="stable", na_position="last").reset_index(drop=True)


def _mean_over_series(scored: Scored, errors: Floats, *, root: bool = False) -> float:
    """Average over a series' forecasts and steps, then over the series that have any."""
    means = by_group(errors, scored.cutoffs.series)
    means = np.sqrt(means) if root else means
    return float(mean_where(means, np.isfinite(means)))


def by_group(errors: Floats, group: np.ndarray) -> Floats:
    """Average errors (B, H) within groups of rows numbered from 0; NaN for a group without any."""
    finite = np.isfinite(errors)
    size = int(group.max()) + 1
    total = np.bincount(group, np.where(finite, errors, 0.0).sum(1), size)
    count = np.bincount(group, finite.sum(1), size)
    means: Floats = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
    return means


def loss_matrix(scored: Scored, model: str, n_series: int, n_windows: int) -> Floats:
    """Return the mean scaled error of each forecast. Shape (n_series, n_windows), NaN where there is none."""
    errors = scored.scaled_errors(model)
    matrix = np.full((n_series, n_windows), np.nan)
    matrix[scored.cutoffs.series, scored.windows] = mean_where(errors, np.isfinite(errors))
    return matrix


def breakdown(
    scored: Scored, key: str, labels: Sequence[object] | np.ndarray | pd.Index, group: np.ndarray
) -> pd.DataFrame:
    """Return MASE per model and group of forecasts: columns model, `key`, mase."""
    frames = [
        pd.DataFrame({"model": model, key: labels, "mase": by_group(scored.scaled_errors(model), group)})
        for model in scored.forecasts
    ]
    return pd.concat(frames, ignore_index=True)


def by_step(scored: Scored) -> pd.DataFrame:
    """Return MASE per model and forecast step: columns model, step (1 is the first), mase."""
    steps = np.arange(1, scored.y.shape[1] + 1)
    frames = []
    for model in scored.forecasts:
        errors = scored.scaled_errors(model)
        frames.append(pd.DataFrame({"model": model, "step": steps, "mase": mean_where(errors, np.isfinite(errors), 0)}))
    return pd.concat(frames, ignore_index=True)
