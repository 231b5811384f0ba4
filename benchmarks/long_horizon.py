"""ETTh1, 96 hours ahead: the table that long-horizon papers share.

    python benchmarks/long_horizon.py --data PATH/covariates/etth1.csv.gz --seeds 0 1 2

Seven channels, standardised by the first 12 months of 30 days, which are all that is fitted on; 4 months are left for
validation and not used; every window of the last 4 months is forecast, none is dropped. The point forecast is the
median.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from record import append, dated, machine

from tsrnn import Forecaster
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.forecasting.settings import STRATEGIES

MONTH, HORIZON = 30 * 24, 96
TRAIN, VALIDATION, TEST = 12 * MONTH, 4 * MONTH, 4 * MONTH


def measure(table: pd.DataFrame, strategy: str, context: int | None, seed: int) -> dict[str, object]:
    """Fit on the training part and forecast every window of the test part."""
    model = Forecaster(strategy=strategy, horizon=HORIZON, season_length=24, context_length=context, random_state=seed)
    started = time.perf_counter()
    model.fit(table.iloc[:TRAIN])
    fitted = time.perf_counter()
    panel = read_panel(table, season_length=24)
    first = TRAIN + VALIDATION
    ends = np.arange(first, first + TEST - HORIZON + 1)
    squared, absolute = [], []
    for series in range(panel.n_series):
        values = panel.y[panel.offsets[series] : panel.offsets[series + 1]]
        cutoffs = Cutoffs(np.full(len(ends), series), ends)
        forecast = model.forecast(panel, cutoffs, HORIZON, (0.5,))[..., 0]
        error = np.lib.stride_tricks.sliding_window_view(values, HORIZON)[ends] - forecast
        squared.append(np.mean(error**2))
        absolute.append(np.mean(np.abs(error)))
    return {
        "strategy": strategy,
        "context": context,
        "seed": seed,
        "chosen": model.strategy_,
        "mse": float(np.mean(squared)),
        "mae": float(np.mean(absolute)),
        "windows": len(ends),
        "fit_seconds": fitted - started,
        "predict_seconds": time.perf_counter() - fitted,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="etth1.csv.gz")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=["auto"])
    parser.add_argument("--context", type=int, help="Hours that the network sees; default: its own choice.")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    print(machine())
    raw = pd.read_csv(arguments.data)
    table = raw.set_index(pd.to_datetime(raw.pop(raw.columns[0]))).iloc[: TRAIN + VALIDATION + TEST]
    part = table.iloc[:TRAIN]
    table = (table - part.mean()) / part.std(ddof=0)
    path = arguments.output or dated("long-horizon")
    for strategy in arguments.strategies:
        for seed in arguments.seeds if strategy != "zero-shot" else (0,):
            row = measure(table, strategy, arguments.context, seed)
            append(row, path)
            print(row, flush=True)
    print(f"kept in {path}")


if __name__ == "__main__":
    main()
