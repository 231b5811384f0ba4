import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn import Forecaster, SeasonalNaive

ROOT = Path(__file__).parents[2]


def accuracy(*arguments):
    """Run the benchmark as a user does."""
    return subprocess.run(
        [sys.executable, "benchmarks/accuracy.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def data(tmp_path):
    """A folder with one set of its own: three series of 60 months, of which 12 are its test part."""
    folder = tmp_path / "forecasting"
    folder.mkdir()
    table = monthly_table(n_series=3, n_rows=60)
    table["ds"] = table.groupby("unique_id").cumcount() + 1
    table[table["ds"] <= 48].to_csv(folder / "m3_monthly_train.csv.gz", index=False)
    table[table["ds"] > 48].to_csv(folder / "m3_monthly_test.csv.gz", index=False)
    return folder


def test_any_set_is_measured_whose_name_tells_its_step(data, tmp_path):
    output = tmp_path / "rows.csv"
    done = accuracy("--data", data, "--sets", "m3_monthly", "--strategies", "zero-shot", "--output", output)
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(output).set_index("model")
    train, test = (pd.read_csv(data / f"m3_monthly_{part}.csv.gz") for part in ("train", "test"))
    for name, model in {
        "zero-shot": Forecaster(strategy="zero-shot", season_length=12),
        "SeasonalNaive": SeasonalNaive(season_length=12),
    }.items():
        forecast = model.fit(train).predict(12).merge(test, on=["unique_id", "ds"])
        error = (forecast["y"] - forecast["yhat"]).abs().groupby(forecast["unique_id"]).mean()
        scale = train.groupby("unique_id")["y"].apply(lambda y: y.diff(12).abs().mean())
        assert rows.loc[name, "mase"] == pytest.approx((error / scale).mean(), rel=1e-3), name
    relative = rows.loc["zero-shot", "mase"] / rows.loc["SeasonalNaive", "mase"]
    shown = done.stdout.split("relative MASE over m3_monthly:")[1].split("mean absolute deviation")[0]
    assert f"{relative:.4f}" in shown


def test_a_set_without_a_step_in_its_name_is_wrong_usage(data):
    done = accuracy("--data", data, "--sets", "m3_other")
    assert done.returncode == 2
    assert "'m3_other' does not end with one of _hourly, _daily" in done.stderr
