"""ARIMA in a refitted backtest: orders kept beside orders searched at every cutoff.

    python benchmarks/arima_refit.py --data PATH

PATH holds `tourism_<step>_train.csv.gz` (unique_id, ds, y); the five cutoffs lie inside these training parts. The
series are a fixed sample of those that are long enough. The result is printed, and kept as a dated CSV in
benchmarks/results. Run it with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from record import save

from tsrnn import ARIMA, backtest

CUTOFFS = 5
# Season length, horizon, steps between cutoffs, series.
SETS = {"yearly": (1, 4, 1, 250), "quarterly": (4, 8, 2, 40), "monthly": (12, 24, 6, 20)}


def run_set(data: Path, step: str) -> list[dict[str, object]]:
    season, h, step_size, most = SETS[step]
    table = pd.read_csv(data / f"tourism_{step}_train.csv.gz")
    sizes = table.groupby("unique_id").size()
    fewest = h + CUTOFFS + (3 * season + 6 if season > 1 else 8)
    ids = sorted(sizes.index[sizes >= fewest])
    ids = sorted(np.random.default_rng(1).choice(ids, min(most, len(ids)), replace=False))
    rows = []
    for keep_order in (False, True):
        model = ARIMA(keep_order=keep_order, n_jobs=1)
        result = backtest(
            model,
            table[table["unique_id"].isin(ids)],
            h=h,
            n_windows=CUTOFFS,
            step_size=step_size,
            refit=True,
            season_length=season,
            freq=1,
        )
        (score,) = result.leaderboard.to_dict("records")
        rows.append(
            {
                "set": f"tourism_{step}",
                "series": len(ids),
                "keep_order": keep_order,
                "mase": score["mase"],
                "fit_seconds": score["fit_seconds"],
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    options = parser.parse_args()
    rows = [row for step in options.sets for row in run_set(options.data, step)]
    print(f"written to {save(pd.DataFrame(rows), 'arima_refit')}")


if __name__ == "__main__":
    main()
