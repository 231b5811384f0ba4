"""The self-test of `tsrnn doctor`: real forecasts of series whose continuation is known."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "pandas", "numpy", "scikit-learn", "statsmodels", "plotly", "safetensors", "click", "rich")
EXTRAS = ("pyarrow", "statsforecast")


@dataclass
class Check:
    """What one check found."""

    name: str
    passed: bool
    said: str
    seconds: float
    skipped: bool = False


class Absent(Exception):
    """What a check needs is an extra that is not installed."""


def surroundings() -> dict[str, dict[str, Any]]:
    """Return versions, and what there is to compute with."""
    import torch

    import tsrnn

    versions = {"tsrnn": tsrnn.__version__, "python": platform.python_version()}
    for package in (*PACKAGES, *EXTRAS):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed" + (" (an extra)" if package in EXTRAS else "")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpus = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
    machine = {
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "cores": f"{usable} of {os.cpu_count()} usable",
        "threads": f"torch {torch.get_num_threads()}, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}",
        "gpu": ", ".join(gpus) if gpus else "none that torch can use",
        "device": str(_device()),
        "installed in": str(Path(tsrnn.__file__).parent),
    }
    return {"versions": versions, "machine": machine}


def _device() -> Any:
    from tsrnn.networks.devices import parse_device

    return parse_device("auto")


def run_checks(on_progress: Callable[[str], None]) -> list[Check]:
    """Run every check; one that breaks down has failed, and the others still run."""
    from tsrnn.forecasting.progress import part

    done = []
    for number, (name, check) in enumerate(CHECKS.items()):
        on_progress(name)
        started = time.perf_counter()
        passed, skipped = True, False
        try:
            with part(number / len(CHECKS), (number + 1) / len(CHECKS)):
                said = check()
        except Absent as absent:
            said, skipped = str(absent), True
        except Exception as error:  # whatever is broken, the doctor has to say so
            passed, said = False, f"{type(error).__name__}: {' '.join(str(error).split())}"
        done.append(Check(name, passed, said, time.perf_counter() - started, skipped))
    return done


class Wrong(Exception):
    """A result is not what it has to be."""


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Wrong(otherwise)


def _seasonal(n: int) -> Any:
    """Return a series of n months with a trend and a season, which no data file is needed for."""
    import numpy as np
    import pandas as pd

    step = np.arange(n)
    y = 100 + 0.5 * step + 20 * np.sin(2 * np.pi * step / 12) + 5 * np.cos(np.pi * step / 3)
    return pd.Series(y, index=pd.date_range("2010-01-01", periods=n, freq="MS"), name="y")


def _forecast(model: Any) -> tuple[str, Any]:
    """Fit a model on eight years, and return what its error over the ninth is, in words, and its table."""
    import numpy as np

    y = _seasonal(108)
    train, future = y.iloc[:96], y.iloc[96:]
    table = model.fit(train).predict(12, level=80)
    _require(len(table) == 12 and (table["ds"].to_numpy() == future.index.to_numpy()).all(), "the wrong months")
    yhat, low, high = (table[column].to_numpy() for column in ("yhat", "yhat-lo-80", "yhat-hi-80"))
    _require(bool(np.isfinite([yhat, low, high]).all()), "a forecast that is not finite")
    _require(bool(((low <= yhat) & (yhat <= high)).all()), "intervals that do not hold their forecast")
    naive = np.abs(train.to_numpy()[-12:] - future.to_numpy()).mean()
    share = np.abs(yhat - future.to_numpy()).mean() / naive
    _require(share < 0.8, f"an error of {share:.2f} of the seasonal naive's; expected less than 0.8")
    return f"error {share:.2f} of the seasonal naive's", table


def _check_base() -> str:
    from tsrnn.forecasting.forecaster import Forecaster

    said, table = _forecast(Forecaster(strategy="zero-shot"))
    _, again = _forecast(Forecaster(strategy="zero-shot"))
    _require(table.equals(again), "two forecasts of the same series differ")
    return f"{said}, the same twice"


def _check_weights() -> str:
    from tsrnn.pretrained.family import MEMBERS
    from tsrnn.pretrained.weights import load_member

    for member in MEMBERS.values():
        load_member(member)
    return f"{len(MEMBERS)} networks are there and whole"


def _check_training() -> str:
    from tsrnn.forecasting.forecaster import Forecaster

    said, _ = _forecast(Forecaster(max_steps=100, context_length=36, horizon=12, random_state=0))
    return f"{said} after 100 steps on {_device()}"


def _check_arima() -> str:
    from tsrnn.forecasting.arima import ARIMA

    return _forecast(ARIMA(n_jobs=1))[0]


def _check_saving() -> str:
    from tsrnn.forecasting.forecaster import Forecaster

    with tempfile.TemporaryDirectory() as folder:
        model = Forecaster(strategy="zero-shot").fit(_seasonal(60))
        model.save(Path(folder) / "model")
        loaded = Forecaster.load(Path(folder) / "model")
        _require(loaded.predict(12).equals(model.predict(12)), "a loaded model forecasts something else")
    return "a saved model forecasts the same"


def _check_verdict() -> str:
    from tsrnn.evaluation.backtest import backtest

    result = backtest(["SeasonalNaive", "Naive"], _seasonal(120), h=3, n_windows=12)
    _require(result.verdict is not None and result.verdict.outcome == "better", f"the verdict {result.verdict}")
    return "the seasonal naive wins where there is a season"


def _check_data() -> str:
    from tsrnn.datasets import list_datasets, load_dataset

    listed = list_datasets()
    for name, rows in zip(listed["name"], listed["rows"], strict=True):
        found = len(load_dataset(name))
        _require(found == rows, f"{name} has {found} rows; expected {rows}")
    return f"{len(listed)} data sets are there and whole"


def _check_parquet() -> str:
    from tsrnn.data.files import read_table, write_table

    try:
        version("pyarrow")
    except PackageNotFoundError:
        raise Absent('pyarrow is not installed; pip install "tsrnn[parquet]" if you need Parquet') from None
    with tempfile.TemporaryDirectory() as folder:
        table = _seasonal(24).rename_axis("ds").reset_index()
        write_table(table, Path(folder) / "t.parquet", "parquet")
        _require(read_table(Path(folder) / "t.parquet")["y"].equals(table["y"]), "other values came back")
    return "a table goes there and back"


CHECKS: dict[str, Callable[[], str]] = {
    "forecast with the base model": _check_base,
    "weights of the base model": _check_weights,
    "train a network": _check_training,
    "ARIMA": _check_arima,
    "backtest and verdict": _check_verdict,
    "save and load": _check_saving,
    "data sets": _check_data,
    "Parquet": _check_parquet,
}
