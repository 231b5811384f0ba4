"""Synthetic backtests: no model is fitted, so that the page's tests need neither torch nor time."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.reporting.browser import Browser
from tsrnn.evaluation.residuals import Residuals
from tsrnn.evaluation.result import BacktestResult

NORMAL = NormalDist()
HOSTILE = '</script><script>window.pwned=1</script><img src=x onerror="window.pwned=2">&"\' \u2028<b>é'


@dataclass(frozen=True)
class Sentence:
    """Stands for a verdict: a sentence with an outcome."""

    words: str
    outcome: str
    model: str = "tsrnn"
    reference: str = "ARIMA"

    def __str__(self) -> str:
        return self.words


class SyntheticResult(SimpleNamespace):
    """Stands for a BacktestResult, and can be changed."""

    forecasts_of = BacktestResult.forecasts_of
    observations_of = BacktestResult.observations_of


def synthetic_result(ids, *, models=("tsrnn", "ARIMA", "SeasonalNaive"), n_cutoffs=6, h=7, levels=(80, 95),
                     start="2024-01-01", freq="D", seed=0, networks=("tsrnn",)):  # fmt: skip
    """Make a result in which later models err more, and errors and intervals grow with the step.

    The intervals of model number 1 are too narrow, those of the others right.
    """
    random = np.random.default_rng(seed)
    n_rows = 90 + n_cutoffs * h
    stamps = (
        pd.date_range(start, periods=n_rows, freq=freq) if isinstance(start, str) else np.arange(start, start + n_rows)
    )
    observations, forecasts = [], []
    for name in ids:
        y = 100 + 10 * np.sin(np.arange(n_rows) * 2 * np.pi / 7) + random.normal(0, 1, n_rows).cumsum()
        observations.append(pd.DataFrame({"unique_id": name, "ds": stamps, "y": y}))
        for window in range(n_cutoffs):
            end = n_rows - (n_cutoffs - window) * h
            rows = {"unique_id": name, "ds": stamps[end : end + h], "cutoff": stamps[end - 1]}
            rows |= {"step": np.arange(1, h + 1), "y": y[end : end + h]}
            for k, model in enumerate(models):
                spread = (1 + 0.25 * k) * np.sqrt(np.arange(1, h + 1))
                median = y[end : end + h] + random.normal(0, spread)
                rows[model] = median
                for level in levels:
                    width = NORMAL.inv_cdf(0.5 + level / 200) * spread * (0.7 if k == 1 else 1)
                    rows[f"{model}-lo-{level:g}"], rows[f"{model}-hi-{level:g}"] = median - width, median + width
            forecasts.append(pd.DataFrame(rows))
    table = pd.concat(forecasts, ignore_index=True)
    return result_of(table, pd.concat(observations, ignore_index=True), models, levels, networks)


def result_of(table, observations, models, levels, networks=()):
    """Score a table of forecasts; the scale of MASE is 5 throughout."""
    scored = [
        pd.DataFrame({"model": model, **{key: table[key] for key in ("unique_id", "cutoff", "step")},
                      "mase": (table[model] - table["y"]).abs() / 5})
        for model in models
    ]  # fmt: skip
    errors = pd.concat(scored, ignore_index=True)
    board = []
    for number, model in enumerate(models):
        row = {"model": model, "mase": errors.loc[errors["model"] == model, "mase"].mean(), "smape": 3.2 + number,
               "rmse": 1234.5 + number, "owa": 0.8 + number / 10, "wql": 0.0123 * (number + 1)}  # fmt: skip
        for level in levels:
            low, high = table[f"{model}-lo-{level:g}"], table[f"{model}-hi-{level:g}"]
            row[f"coverage_{level:g}"] = ((table["y"] >= low) & (table["y"] <= high)).mean()
        board.append(row | {"fit_seconds": 12.5 / (number + 1) ** 4, "predict_seconds": 0.002 * (number + 1)})
    steps = np.arange(1, 401, 10)
    losses = pd.DataFrame({"step": steps, "train_loss": 0.3 + 1 / steps, "validation_loss": 0.35 + 1 / steps})

    def by(key):
        return errors.groupby(["model", key], sort=False)["mase"].mean().reset_index()

    return SyntheticResult(
        forecasts=table,
        leaderboard=pd.DataFrame(board).sort_values("mase").reset_index(drop=True),
        by_step=by("step"),
        by_cutoff=by("cutoff"),
        by_series=by("unique_id"),
        by_forecast=errors.groupby(["model", "unique_id", "cutoff"], sort=False)["mase"].mean().reset_index(),
        by_quantile=quantiles_of(table, models, levels),
        residuals=residuals_of(table, models),
        verdict=Sentence("tsrnn wins: the MASE of tsrnn is 12.3 % lower than that of ARIMA.", "better",
                         models[0], models[-1] if len(models) < 2 else models[1]),
        levels=tuple(levels),
        config={
            "data": {"rows": len(observations), "observed": int(observations["y"].notna().sum()),
                     "series": int(table["unique_id"].nunique()), "frequency": "daily", "season_length": 7,
                     "first": "2024-01-01", "last": "2024-05-11", "lengths": [132, 132, 132],
                     "gaps": {"missing": 0, "gaps": 0, "longest": 0, "series": 0}, "fingerprint": "0123456789abcdef"},
            "forecasts": len(table[["unique_id", "cutoff"]].drop_duplicates()),
            "h": int(table["step"].max()), "n_windows": int(table["cutoff"].nunique()), "step_size": 7, "refit": 0,
            "models": {model: {"season_length": None, "order": "auto"} for model in models},
            "versions": {"python": "3.11.7", "tsrnn": "0.1.0"}, "machine": "Linux x86_64, 2 cores",
            "call": "from tsrnn import backtest\n\nbacktest(['tsrnn', 'ARIMA'], df, h=7)",
            "command": "tsrnn backtest 'my prices.csv' --horizon 7",
        },
        notes=("The frequency was inferred: daily.", "ARIMA: fell back to the seasonal naive on 1 of 5 series."),
        history={model: losses for model in networks},
        observations=observations,
    )  # fmt: skip


def quantiles_of(table, models, levels):
    """Return the shares below the ends of the intervals and the median."""
    rows = []
    for model in models:
        ends = {0.5: model}
        for level in levels:
            ends |= {0.5 - level / 200: f"{model}-lo-{level:g}", 0.5 + level / 200: f"{model}-hi-{level:g}"}
        rows += [{"model": model, "quantile": q, "below": (table["y"] < table[ends[q]]).mean()} for q in sorted(ends)]
    return pd.DataFrame(rows)


def residuals_of(table, models):
    """Return residuals in units of 5, the first model's called biased, the second one's autocorrelated."""
    summary, steps, lags, samples = [], [], [], []
    for k, model in enumerate(models):
        residual = (table["y"] - table[model]) / 5
        bias = 0.4 if k == 0 else 0.01
        row = {"bias": bias, "bias_low": bias - 0.2, "bias_high": bias + 0.2, "spread": residual.std()}
        row |= {
            "p5": residual.quantile(0.05),
            "p95": residual.quantile(0.95),
            "autocorrelation": 0.6 if k == 1 else 0.1,
        }
        summary.append({"model": model, **row})
        every = residual.groupby(table["step"])
        by_step = pd.DataFrame({"bias": every.mean(), "spread": every.std()}).reset_index()
        by_step.insert(0, "model", model)
        steps.append(by_step)
        lag = np.arange(1, 4)
        correlation = (0.6 if k == 1 else 0.1) / lag
        lags.append(pd.DataFrame({"model": model, "lag": 7 * lag, "autocorrelation": correlation, "reach": 0.3}))
        samples.append(pd.DataFrame({"model": model, "residual": residual}))
    parts = (pd.concat(frames, ignore_index=True) for frames in (steps, lags, samples))
    return Residuals(pd.DataFrame(summary), *parts)


@pytest.fixture(scope="session")
def make_result():
    return synthetic_result


@pytest.fixture(scope="session")
def result():
    return synthetic_result(["USD", "GBP", "JPY", "CHF", "NOK"])


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Return a headless browser with one page, whose window and scheme a test sets."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    running = Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def hostile():
    """Return a name that runs a script, breaks out of quotes and ends a line, if it is not escaped."""
    return HOSTILE
