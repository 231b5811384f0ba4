"""Residuals of held-out forecasts: are they centred, alike from cutoff to cutoff, oddly distributed?

A residual is what happened minus the median forecast, in units of the series' mean absolute seasonal difference before
its first cutoff (the denominator of MASE), so that those of several series can be looked at together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tsrnn.data.panel import Floats
from tsrnn.evaluation.scores import Scores
from tsrnn.evaluation.significance import interval_of_mean

MOST_SAMPLED = 20_000
MOST_LAGS = 24
FEWEST_PAIRS = 8
SHOWN_QUANTILES = {"p5": 0.05, "p95": 0.95}


@dataclass(frozen=True)
class Residuals:
    """Residuals of all models, what happened minus the forecast, in units of the mean absolute seasonal difference.

    Parameters
    ----------
    summary : DataFrame
        One row per model: bias, the mean over forecasts (above 0: the forecasts are too low), with its 95 % interval
        bias_low and bias_high (NaN below eight forecasts); spread, the standard deviation; p5 and p95, between which
        nine in ten lie; autocorrelation, that of the smallest lag.
    by_step : DataFrame
        model, step, bias, spread.
    autocorrelation : DataFrame
        model, lag, autocorrelation, reach. Between residuals of the first scored step at cutoffs `lag` steps apart;
        a good forecast leaves none. Beyond ±reach it is more than chance at 95 %. Lags at which two forecasts share
        unseen steps, which a gap makes, are left out, and those with fewer than eight pairs.
    sample : DataFrame
        model, residual: all of them, or those of forecasts drawn at random, some 20,000; the same forecasts for every
        model.
    """

    summary: pd.DataFrame = field(default_factory=pd.DataFrame)
    by_step: pd.DataFrame = field(default_factory=pd.DataFrame)
    autocorrelation: pd.DataFrame = field(default_factory=pd.DataFrame)
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)


def diagnose(
    scores: Mapping[str, Scores], n_series: int, n_windows: int, *, step_size: int, gap: int, overlap: int
) -> Residuals:
    """Describe the residuals of every model.

    Parameters
    ----------
    scores : mapping of model to Scores
    n_series, n_windows : int
    step_size : int
        Steps from one cutoff to the next.
    gap : int
        Steps after a cutoff that are not scored.
    overlap : int
        How many following cutoffs share unseen steps.
    """
    summaries, steps, lags, samples = [], [], [], []
    for model, found in scores.items():
        residuals = found.residuals
        means = found.matrix(residuals.by_forecast.means(), n_series, n_windows)
        bias, low, high = interval_of_mean(means, overlap)
        mine = autocorrelation(found.matrix(residuals.first, n_series, n_windows), gap // step_size + 1)
        first = mine["autocorrelation"].iloc[0] if len(mine) else math.nan
        sample = residuals.sample
        ends = {name: float(np.quantile(sample, q)) if len(sample) else math.nan for name, q in SHOWN_QUANTILES.items()}
        every, power = residuals.by_step, residuals.squares
        count = every.count.sum()
        spread = _spread(every.total.sum(), power.total.sum(), count)
        row = {"bias": bias, "bias_low": low, "bias_high": high, "spread": float(spread)}
        summaries.append({"model": model, **row, **ends, "autocorrelation": first})
        number = gap + 1 + np.arange(len(every.total))
        columns = {"bias": every.means(), "spread": _spread(every.total, power.total, every.count)}
        steps.append(pd.DataFrame({"model": model, "step": number, **columns}))
        lags.append(mine.assign(lag=mine["lag"] * step_size).pipe(_named, model))
        samples.append(_named(pd.DataFrame({"residual": sample}), model))
    return Residuals(
        pd.DataFrame(summaries),
        pd.concat(steps, ignore_index=True),
        pd.concat(lags, ignore_index=True),
        pd.concat(samples, ignore_index=True),
    )


def _named(table: pd.DataFrame, model: str) -> pd.DataFrame:
    table.insert(0, "model", pd.Series([model] * len(table), dtype=object))
    return table


def _spread(total: Floats, squares: Floats, count: Floats) -> Floats:
    """Return the standard deviation from sums; NaN where there is no value."""
    known = np.where(count > 0, count, np.nan)
    spread: Floats = np.sqrt(np.maximum(squares / known - (total / known) ** 2, 0.0))
    return spread


def autocorrelation(first: Floats, least: int = 1) -> pd.DataFrame:
    """Correlate residuals of one step with those of the same series at later cutoffs.

    Parameters
    ----------
    first : ndarray of shape (n_series, n_windows)
        Oldest cutoff first; NaN where there is none.
    least : int
        Smallest lag, in cutoffs.

    Returns
    -------
    DataFrame
        lag (in cutoffs), autocorrelation, reach. Every series counts by its own size of residuals, so that one wild
        series does not stand for all. The residuals are taken around their common mean, not around that of each
        series: over few cutoffs its own mean would make any series look negatively correlated.

    Notes
    -----
    Without autocorrelation, one of n independent pairs has a standard error of 1 / √n. Series that share shocks are
    not independent; where there are eight pairs of cutoffs, what these scatter by is taken, if it is more.
    """
    known = np.isfinite(first)
    rows: list[dict[str, float]] = []
    if known.any():
        around = np.where(known, first - first[known].mean(), 0.0)
        power = (around**2).sum(1, keepdims=True) / np.maximum(known.sum(1, keepdims=True), 1)
        z = np.divide(around, np.sqrt(power), out=np.zeros_like(around), where=power > 0)
        for lag in range(least, min(MOST_LAGS + least, first.shape[1] // 2 + 1)):
            pairs = known[:, lag:] & known[:, :-lag]
            n = int(pairs.sum())
            early, late = np.where(pairs, z[:, :-lag], 0.0), np.where(pairs, z[:, lag:], 0.0)
            norm = math.sqrt(float((early**2).sum() * (late**2).sum()))
            if n < FEWEST_PAIRS or norm == 0:
                continue
            products = (early * late).sum(0)
            error = 1 / math.sqrt(n)
            if int(pairs.any(0).sum()) >= FEWEST_PAIRS:
                error = max(error, math.sqrt(float((products**2).sum())) / norm)
            rows.append({"lag": lag, "autocorrelation": float(products.sum()) / norm, "reach": 1.96 * error})
    table = pd.DataFrame(rows, columns=["lag", "autocorrelation", "reach"])
    return table.astype({"lag": np.int64, "autocorrelation": np.float64, "reach": np.float64})


def quantile_shares(scores: Mapping[str, Scores]) -> pd.DataFrame:
    """Return how much of what happened lay below each quantile: model, quantile, below.

    `below` is a share, which should be the quantile itself; a value equal to the forecast counts half, so that counts
    and constant series are not held against a model. NaN where a model gives no such quantile.
    """
    frames = [
        pd.DataFrame(
            {"model": model, "quantile": list(found.below), "below": [s.means()[0] for s in found.below.values()]}
        )
        for model, found in scores.items()
    ]
    return pd.concat(frames, ignore_index=True)
