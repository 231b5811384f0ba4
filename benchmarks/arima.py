"""ARIMA beside statsforecast's AutoARIMA: accuracy and seconds per series.

    python benchmarks/arima.py --data PATH [--baselines PATH]

PATH holds `<set>_train.csv.gz` and `<set>_test.csv.gz` (unique_id, ds, y), the other folder
`<set>_AutoARIMA.csv.gz` (unique_id, ds, yhat), by default `baselines` next to PATH. Monthly sets are judged on
a fixed sample of 100 series. Where statsforecast is installed, its time is measured on the first series of
each set. The result is printed, and kept as a dated CSV in benchmarks/results. Run it with OMP_NUM_THREADS=1:
the matrices are small.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tsrnn.forecasting.arima_series import fit_series, forecast_series
from tsrnn.forecasting.per_series import stand_in

SEASONS = {"yearly": 1, "quarterly": 4, "monthly": 12, "daily": 5}
SETS = [f"{group}_{step}" for group in ("m1", "tourism") for step in ("yearly", "quarterly", "monthly")]
SAMPLE = 100
TIMED = 20


def mase(train: np.ndarray, actual: np.ndarray, forecast: np.ndarray, season: int) -> float:
    scale = np.mean(np.abs(train[season:] - train[:-season])) if len(train) > season else np.nan
    return float(np.mean(np.abs(actual - forecast)) / scale) if scale > 0 else np.nan


def run_set(data: Path, baselines: Path, name: str) -> pd.DataFrame:
    season = SEASONS[name.split("_")[-1]]
    train = pd.read_csv(data / f"{name}_train.csv.gz").sort_values(["unique_id", "ds"])
    test = pd.read_csv(data / f"{name}_test.csv.gz").sort_values(["unique_id", "ds"])
    reference = pd.read_csv(baselines / f"{name}_AutoARIMA.csv.gz").sort_values(["unique_id", "ds"])
    ids = sorted(train["unique_id"].unique())
    if name.endswith("monthly"):
        ids = sorted(np.random.default_rng(0).choice(ids, SAMPLE, replace=False))
    trains, tests, references = (dict(list(t.groupby("unique_id"))) for t in (train, test, reference))
    rows = []
    for unique_id in ids:
        y, actual = trains[unique_id]["y"].to_numpy(float), tests[unique_id]["y"].to_numpy(float)
        begin = time.perf_counter()
        model = fit_series(y, season)
        ends = np.array([len(y)])
        values = forecast_series(model, y, ends, len(actual), [0.5])
        stand_in(values, y, ends, season, [0.5])
        seconds = time.perf_counter() - begin
        ours = mase(y, actual, values[0, :, 0], season)
        theirs = mase(y, actual, references[unique_id]["yhat"].to_numpy(float), season)
        rows.append((unique_id, len(y), model.describe(), ours, theirs, seconds))
    return pd.DataFrame(rows, columns=["unique_id", "length", "order", "mase", "reference", "seconds"])


def statsforecast_seconds(data: Path, name: str) -> float:
    """Return the seconds per series of statsforecast's AutoARIMA, NaN where it is not installed."""
    try:
        from statsforecast.models import AutoARIMA
    except ImportError:
        return float("nan")
    season = SEASONS[name.split("_")[-1]]
    train = pd.read_csv(data / f"{name}_train.csv.gz").sort_values(["unique_id", "ds"])
    series = [group["y"].to_numpy(float) for _, group in train.groupby("unique_id")]
    # The first one compiles.
    AutoARIMA(season_length=season).forecast(y=series[0], h=1)
    chosen = series[:: max(len(series) // TIMED, 1)][:TIMED]
    begin = time.perf_counter()
    for y in chosen:
        AutoARIMA(season_length=season).forecast(y=y, h=1)
    return (time.perf_counter() - begin) / len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--baselines", type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--details", type=Path, help="a folder for one CSV per set with every series' order")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    baselines = options.baselines or options.data.parent / "baselines"
    rows = []
    for name in options.sets:
        series = run_set(options.data, baselines, name)
        if options.details:
            options.details.mkdir(parents=True, exist_ok=True)
            series.to_csv(options.details / f"{name}.csv", index=False)
        judged = series.dropna(subset=["mase", "reference"])
        ours, theirs = judged["mase"].mean(), judged["reference"].mean()
        seconds = series["seconds"].mean()
        theirs_seconds = statsforecast_seconds(options.data, name)
        rows.append((name, len(judged), ours, theirs, ours / theirs, seconds, theirs_seconds))
        line = f"{name:20} {len(judged):5} {ours:8.4f} {theirs:8.4f} {ours / theirs:7.4f} {seconds:8.3f}"
        print(f"{line} {theirs_seconds:8.3f}", flush=True)
    columns = ["set", "series", "mase", "reference_mase", "ratio", "seconds_per_series", "reference_seconds_per_series"]
    table = pd.DataFrame(rows, columns=columns)
    print(f"mean ratio {table['ratio'].mean():.4f}")
    for package in ("statsmodels", "scipy", "numpy", "pandas"):
        table[package] = importlib.metadata.version(package)
    table["python"], table["platform"] = platform.python_version(), platform.platform()
    table["cpus"], table["threads"] = os.cpu_count(), os.environ.get("OMP_NUM_THREADS", "default")
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"arima_{datetime.date.today():%Y-%m-%d}.csv"
    table.round(5).to_csv(path, index=False)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
