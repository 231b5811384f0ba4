"""ETS and Theta beside statsforecast's AutoETS and AutoTheta: accuracy and seconds per series.

    python benchmarks/smoothing.py --data PATH [--baselines PATH]

PATH holds `<set>_train.csv.gz` and `<set>_test.csv.gz` (unique_id, ds, y), the other folder
`<set>_AutoETS.csv.gz` and `<set>_AutoTheta.csv.gz` (unique_id, ds, yhat), by default `baselines` next to PATH. Where
statsforecast is installed, both are timed in the same run on the same 20 series of each set, after a first call. The
result is printed, and kept as a dated CSV in benchmarks/results. Run it with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tsrnn.forecasting.ets_series import fit_ets, forecast_ets
from tsrnn.forecasting.theta_series import fit_theta, forecast_theta

SEASONS = {"yearly": 1, "quarterly": 4, "monthly": 12}
SETS = [f"{group}_{step}" for group in ("m1", "tourism") for step in ("yearly", "quarterly", "monthly")]
TIMED = 20


def ets(y: np.ndarray, season: int, h: int) -> np.ndarray:
    return forecast_ets(fit_ets(y, season), [y], h, [0.5])[0, :, 0]


def theta(y: np.ndarray, season: int, h: int) -> np.ndarray:
    return forecast_theta(fit_theta(y, season), [y], h, [0.5])[0, :, 0]


MODELS: dict[str, tuple[Callable[[np.ndarray, int, int], np.ndarray], str]] = {
    "ETS": (ets, "AutoETS"),
    "Theta": (theta, "AutoTheta"),
}


def mase(train: np.ndarray, actual: np.ndarray, forecast: np.ndarray, season: int) -> float:
    scale = np.mean(np.abs(train[season:] - train[:-season])) if len(train) > season else np.nan
    return float(np.mean(np.abs(actual - forecast)) / scale) if scale > 0 else np.nan


def seconds_per_series(forecast: Callable[[np.ndarray], object], series: list[np.ndarray]) -> float:
    forecast(series[0])
    begin = time.perf_counter()
    for y in series:
        forecast(y)
    return (time.perf_counter() - begin) / len(series)


def run_set(data: Path, baselines: Path, name: str) -> list[dict[str, object]]:
    season = SEASONS[name.split("_")[-1]]
    train, test = (
        pd.read_csv(data / f"{name}_{part}.csv.gz").sort_values(["unique_id", "ds"]) for part in ("train", "test")
    )
    series = {key: part["y"].to_numpy(float) for key, part in train.groupby("unique_id")}
    actual = {key: part["y"].to_numpy(float) for key, part in test.groupby("unique_id")}
    timed = list(series.values())[:: max(len(series) // TIMED, 1)][:TIMED]
    rows = []
    for model, (forecast, reference) in MODELS.items():
        table = pd.read_csv(baselines / f"{name}_{reference}.csv.gz").sort_values(["unique_id", "ds"])
        theirs = {key: part["yhat"].to_numpy(float) for key, part in table.groupby("unique_id")}
        scores = np.array(
            [
                (
                    mase(y, actual[key], forecast(y, season, len(actual[key])), season),
                    mase(y, actual[key], theirs[key], season),
                )
                for key, y in series.items()
            ]
        )
        scores = scores[np.isfinite(scores).all(1)]
        ours, reference_mase = scores.mean(0)
        seconds = seconds_per_series(lambda y, forecast=forecast: forecast(y, season, 8), timed)
        reference_seconds = statsforecast_seconds(reference, season, timed)
        rows.append(
            {
                "set": name,
                "model": model,
                "series": len(scores),
                "mase": ours,
                "reference_mase": reference_mase,
                "ratio": ours / reference_mase,
                "seconds_per_series": seconds,
                "reference_seconds_per_series": reference_seconds,
                "times": seconds / reference_seconds,
            }
        )
        print("  ".join(f"{v:.4f}" if isinstance(v, float) else str(v) for v in rows[-1].values()), flush=True)
    return rows


def statsforecast_seconds(model: str, season: int, series: list[np.ndarray]) -> float:
    """Return the seconds per series of a model of statsforecast, NaN where it is not installed."""
    try:
        from statsforecast import models
    except ImportError:
        return float("nan")
    return seconds_per_series(lambda y: getattr(models, model)(season_length=season).forecast(y=y, h=8), series)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--baselines", type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    baselines = options.baselines or options.data.parent / "baselines"
    table = pd.DataFrame([row for name in options.sets for row in run_set(options.data, baselines, name)])
    for package in ("scipy", "numpy", "pandas"):
        table[package] = importlib.metadata.version(package)
    table["python"], table["platform"] = platform.python_version(), platform.platform()
    table["cpus"], table["threads"] = os.cpu_count(), os.environ.get("OMP_NUM_THREADS", "default")
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"smoothing_{datetime.date.today():%Y-%m-%d}.csv"
    table.round(5).to_csv(path, index=False)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
