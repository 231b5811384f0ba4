"""Errors of forecasts, summed so that every table can be averaged from them without the forecasts themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.data.panel import Cutoffs, Floats, Integers, Panel
from tsrnn.evaluation.custom_metrics import Metric
from tsrnn.forecasting.levels import nearest
from tsrnn.metrics import pinball, seasonal_scale, smape

SCORED_QUANTILES = tuple(round(q / 10, 1) for q in range(1, 10))


@dataclass(frozen=True)
class Scored:
    """Forecasts of one model with what happened.

    Parameters
    ----------
    cutoffs : Cutoffs
    windows : int64 ndarray of shape (B,)
        Which window of the backtest a cutoff belongs to, 0 the oldest.
    y : ndarray of shape (B, H)
        NaN where unobserved.
    forecasts : ndarray of shape (B, H, Q)
    quantiles : tuple of float
    scale : ndarray of shape (n_series,)
        Mean absolute seasonal difference before the first cutoff; NaN where MASE is undefined.
    """

    cutoffs: Cutoffs
    windows: Integers
    y: Floats
    forecasts: Floats
    quantiles: tuple[float, ...]
    scale: Floats

    def quantile(self, q: float) -> Floats:
        """Return one quantile of the forecasts. Shape (B, H)."""
        return self.forecasts[..., nearest(self.quantiles, q)]

    def residuals(self) -> Floats:
        """Return what happened minus the median, in units of the seasonal difference; NaN where not observed.

        Shape (B, H).
        """
        residuals: Floats = (self.y - self.quantile(0.5)) / self.scale[self.cutoffs.series][:, None]
        return residuals

    def scaled_errors(self) -> Floats:
        """Return absolute errors in units of the seasonal difference; NaN where not observed. Shape (B, H)."""
        return np.abs(self.residuals())


@dataclass(frozen=True)
class Sums:
    """A measure's sum and number of values, by forecast or by step.

    Parameters
    ----------
    total, count : ndarray of one shape
    """

    total: Floats
    count: Floats

    def means(self) -> Floats:
        """Return the averages; NaN where there is no value."""
        means: Floats = np.divide(self.total, self.count, out=np.full(self.total.shape, np.nan), where=self.count > 0)
        return means

    def by_group(self, group: Integers, size: int) -> Sums:
        """Add up within groups of forecasts numbered from 0."""
        total, count = np.bincount(group, self.total, size), np.bincount(group, self.count, size)
        return Sums(total.astype(np.float64), count.astype(np.float64))


@dataclass(frozen=True)
class ResidualSums:
    """Residuals of one model, what happened minus the median forecast, in units of the seasonal difference.

    Parameters
    ----------
    by_forecast : Sums of shape (B,)
    by_step : Sums of shape (H,)
    squares : Sums of shape (H,)
        Of the squares, by step.
    first : ndarray of shape (B,)
        Of the first scored step; NaN where unknown.
    sample : ndarray of shape (n,)
        All steps of the forecasts that were drawn, without NaN.
    """

    by_forecast: Sums
    by_step: Sums
    squares: Sums
    first: Floats
    sample: Floats


@dataclass(frozen=True)
class Scores:
    """Errors of one model.

    Parameters
    ----------
    series, windows : int64 ndarray of shape (B,)
        Of each forecast.
    by_forecast, by_step : dict of str to Sums
        Of shape (B,) and (H,): "mase"; "smape"; "rmse", of which these are the squared errors; the user's metrics.
    quantile_loss : Sums of shape (1,)
        Summed quantile loss over .1 … .9, and summed |y|.
    inside : dict of float to Sums of shape (1,)
        By level: how many points lie inside the interval, and how many there are.
    below : dict of float to Sums of shape (1,)
        By quantile: how many points lie below it (one on it counts half), and how many there are.
    residuals : ResidualSums
    """

    series: Integers
    windows: Integers
    by_forecast: dict[str, Sums]
    by_step: dict[str, Sums]
    quantile_loss: Sums
    inside: dict[float, Sums]
    below: dict[float, Sums]
    residuals: ResidualSums

    def matrix(self, values: Floats, n_series: int, n_windows: int, empty: float = np.nan) -> Floats:
        """Place a value of each forecast, shape (B,), by series and window: shape (n_series, n_windows)."""
        matrix = np.full((n_series, n_windows), empty)
        matrix[self.series, self.windows] = values
        return matrix


def score(
    scored: Scored,
    levels: Sequence[float] = (),
    metrics: Mapping[str, Metric] | None = None,
    sampled: float = 1.0,
) -> Scores:
    """Score some forecasts of a model.

    Parameters
    ----------
    scored : Scored
    levels : sequence of float
        Intervals in percent.
    metrics : mapping of name to Metric, optional
        The user's.
    sampled : float
        Share of the forecasts whose residuals are kept one by one.
    """
    y, median = scored.y, scored.quantile(0.5)
    points = {
        "mase": scored.scaled_errors(),
        "smape": smape(y[..., None], median[..., None]),
        "rmse": (y - median) ** 2,
    }
    rows = {name: _sums(errors, 1) for name, errors in points.items()}
    # The definition averages over a forecast's steps first.
    rows["smape"] = _sums(rows["smape"].means()[:, None], 1)
    steps = {name: _sums(errors, 0) for name, errors in points.items()}
    for name, metric in (metrics or {}).items():
        scale = scored.scale[scored.cutoffs.series]
        rows[name] = _sums(metric(y, scored.forecasts, scored.quantiles, scale)[:, None], 1)
        columns = [
            metric(y[:, [k]], scored.forecasts[:, [k]], scored.quantiles, scale) for k in range(scored.y.shape[1])
        ]
        steps[name] = _sums(np.stack(columns, 1), 0)
    inside = {}
    for level in levels:
        low, high = (scored.quantile(0.5 + side * level / 200) for side in (-1, 1))
        pairs = np.isfinite(y) & np.isfinite(low) & np.isfinite(high)
        hits = pairs & (y >= low) & (y <= high)
        inside[level] = _single(hits.sum(), pairs.sum())
    return Scores(
        scored.cutoffs.series,
        scored.windows,
        rows,
        steps,
        _quantile_loss(scored),
        inside,
        _below(scored),
        _residual_sums(scored, sampled),
    )


def _below(scored: Scored) -> dict[float, Sums]:
    found = {}
    for k, quantile in enumerate(scored.quantiles):
        forecast = scored.forecasts[..., k]
        pairs = np.isfinite(scored.y) & np.isfinite(forecast)
        lower, equal = pairs & (scored.y < forecast), pairs & (scored.y == forecast)
        found[quantile] = _single(lower.sum() + equal.sum() / 2, pairs.sum())
    return found


def _residual_sums(scored: Scored, sampled: float) -> ResidualSums:
    residuals = scored.residuals()
    # By window, so that every model is seen at the same forecasts, however they are scored in parts.
    kept = np.ones(len(residuals), dtype=bool)
    if sampled < 1:
        for window in np.unique(scored.windows):
            mine = scored.windows == window
            kept[mine] = np.random.default_rng(int(window)).random(int(mine.sum())) < sampled
    drawn = residuals[kept]
    return ResidualSums(
        _sums(residuals, 1),
        _sums(residuals, 0),
        _sums(residuals**2, 0),
        np.where(np.isfinite(residuals[:, 0]), residuals[:, 0], np.nan),
        drawn[np.isfinite(drawn)],
    )


def _sums(errors: Floats, axis: int) -> Sums:
    finite = np.isfinite(errors)
    return Sums(np.where(finite, errors, 0.0).sum(axis), finite.sum(axis).astype(np.float64))


def _single(total: Any, count: Any) -> Sums:
    """Return sums of shape (1,)."""
    return Sums(np.array([float(total)]), np.array([float(count)]))


def _quantile_loss(scored: Scored) -> Sums:
    picks = [nearest(scored.quantiles, q) for q in SCORED_QUANTILES]
    q = scored.forecasts[..., picks]
    pairs = np.isfinite(scored.y) & np.isfinite(q).all(-1)
    y, q = scored.y[pairs], q[pairs]
    losses = [2 * pinball(y, q[:, k], level).sum() for k, level in enumerate(SCORED_QUANTILES)]
    return _single(np.mean(losses), np.abs(y).sum())


def merge(parts: Iterable[Scores]) -> Scores:
    """Join the scores of several sets of forecasts of one model."""
    several = list(parts)
    first = several[0]

    def add(sums: Iterable[Sums]) -> Sums:
        listed = list(sums)
        return Sums(sum(one.total for one in listed), sum(one.count for one in listed))  # type: ignore[arg-type]

    def chain(sums: Iterable[Sums]) -> Sums:
        listed = list(sums)
        return Sums(np.concatenate([s.total for s in listed]), np.concatenate([s.count for s in listed]))

    return Scores(
        np.concatenate([part.series for part in several]),
        np.concatenate([part.windows for part in several]),
        {name: chain(part.by_forecast[name] for part in several) for name in first.by_forecast},
        {name: add(part.by_step[name] for part in several) for name in first.by_step},
        add(part.quantile_loss for part in several),
        {level: add(part.inside[level] for part in several) for level in first.inside},
        {quantile: add(part.below[quantile] for part in several) for quantile in first.below},
        ResidualSums(
            chain(part.residuals.by_forecast for part in several),
            add(part.residuals.by_step for part in several),
            add(part.residuals.squares for part in several),
            np.concatenate([part.residuals.first for part in several]),
            np.concatenate([part.residuals.sample for part in several]),
        ),
    )


def loss_matrix(scores: Scores, n_series: int, n_windows: int) -> Floats:
    """Return the mean scaled error of each forecast. Shape (n_series, n_windows), NaN where there is none."""
    return scores.matrix(scores.by_forecast["mase"].means(), n_series, n_windows)


def point_matrix(scores: Scores, n_series: int, n_windows: int) -> Floats:
    """Return how many steps of each forecast are scored. Shape (n_series, n_windows)."""
    return scores.matrix(scores.by_forecast["mase"].count, n_series, n_windows, empty=0.0)


def training_scale(panel: Panel, first_end: Integers) -> Floats:
    """Return the denominator of MASE of each series, from the rows before its first cutoff."""
    return np.array(
        [seasonal_scale(panel.series(i)[: first_end[i]], panel.season_length) for i in range(panel.n_series)]
    )
