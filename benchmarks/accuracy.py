"""Accuracy of the forecaster on public data sets, beside other packages' forecasts of the same test parts.

    python benchmarks/accuracy.py --data PATH/forecasting --sets m4_hourly --seeds 0 1 2
    python benchmarks/accuracy.py --data PATH/forecasting --table networks --steps 600

The second compares the networks and cells on M4 Hourly and Tourism monthly. It writes every row when it is measured
and skips the rows that its file holds, so it can be stopped and started again (on another day with --output FILE).

PATH/forecasting holds SET_train.csv.gz and SET_test.csv.gz (unique_id, ds, y); PATH/baselines, if it is there,
SET_MODEL.csv.gz (unique_id, ds, yhat). Every model sees the training part only; the test part is for scoring.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from record import append, dated, machine, save

from tsrnn import Forecaster, SeasonalNaive
from tsrnn.metrics import coverage, mase, naive2, owa, seasonal_scale, smape, weighted_quantile_loss

SEASONS = {"hourly": 24, "daily": 7, "weekly": 52, "monthly": 12, "quarterly": 4, "yearly": 1}
NETWORK_SETS = ("m4_hourly", "tourism_monthly")
SETS = (
    "m1_yearly",
    "m1_quarterly",
    "m1_monthly",
    "tourism_yearly",
    "tourism_quarterly",
    "tourism_monthly",
    "m4_hourly",
    "hospital_monthly",
    "nn5_daily",
    "cif2016_monthly",
    "exchange_rate_daily",
    "ausgrid_weekly",
)
FLAT = "feed-forward"
DECILES = tuple(round(q / 10, 1) for q in range(1, 10))


def season_of(name: str) -> int:
    """Return the season length under which a set is scored."""
    return 5 if name.startswith("exchange") else SEASONS[name.rsplit("_", 1)[1]]


def by_series(table: pd.DataFrame, column: str) -> dict[str, np.ndarray]:
    """Return one array per series, in time order."""
    return {name: part[column].to_numpy(float) for name, part in table.sort_values("ds").groupby("unique_id")}


class TestPart:
    """A data set with what its forecasts are scored against."""

    def __init__(self, data: Path, name: str) -> None:
        self.name, self.season = name, season_of(name)
        self.train = pd.read_csv(data / f"{name}_train.csv.gz")
        self.history = by_series(self.train, "y")
        self.truth = by_series(pd.read_csv(data / f"{name}_test.csv.gz"), "y")
        self.h = max(map(len, self.truth.values()))
        self.scale = {u: seasonal_scale(y, self.season) for u, y in self.history.items()}
        reference = {u: naive2(y[np.isfinite(y)], self.season, len(self.truth[u])) for u, y in self.history.items()}
        self.naive2 = self._averages(reference)

    def _averages(self, forecasts: dict[str, np.ndarray]) -> tuple[float, float]:
        pairs = [(u, y, forecasts[u][: len(y)]) for u, y in self.truth.items()]
        errors = [float(mase(y, f, self.scale[u])) for u, y, f in pairs]
        return float(np.nanmean([smape(y, f) for _, y, f in pairs])), float(np.nanmean(errors))

    def score(self, forecasts: dict[str, np.ndarray]) -> dict[str, float]:
        """Return sMAPE, MASE and OWA of point forecasts."""
        percent, scaled = self._averages(forecasts)
        return {"mase": scaled, "smape": percent, "owa": owa(percent, scaled, *self.naive2)}

    def score_quantiles(self, table: pd.DataFrame) -> dict[str, float]:
        """Return the weighted quantile loss and the coverage of a forecast table with quantile columns."""
        truth = np.concatenate(list(self.truth.values()))

        def column(name: str) -> np.ndarray:
            values = by_series(table, name)
            return np.concatenate([values[u][: len(y)] for u, y in self.truth.items()])

        deciles = np.stack([column("yhat") if q == 0.5 else column(f"yhat-q{q:g}") for q in DECILES], -1)
        scores = {"wql": weighted_quantile_loss(truth, deciles, DECILES)}
        for level in (80, 95):
            scores[f"coverage_{level}"] = coverage(truth, column(f"yhat-lo-{level}"), column(f"yhat-hi-{level}"))
        return scores


# Network, cell, bidirectional.
NETWORK_ROWS = tuple(
    (network, cell, False) for network in ("parallel", "autoregressive", "one") for cell in ("gru", "lstm", "rnn", FLAT)
) + tuple((network, "gru", True) for network in ("parallel", "autoregressive", "one"))


def measure(part: TestPart, seed: int) -> dict[str, object]:
    """Fit and forecast one set once."""
    started = time.perf_counter()
    model = Forecaster(horizon=part.h, season_length=part.season, random_state=seed).fit(part.train)
    fitted = time.perf_counter()
    table = model.predict(part.h, level=[80, 95], quantiles=[q for q in DECILES if q != 0.5])
    done = time.perf_counter()
    return {
        "set": part.name,
        "model": f"tsrnn, seed {seed}",
        **part.score(by_series(table, "yhat")),
        **part.score_quantiles(table),
        "fit_seconds": fitted - started,
        "predict_seconds": done - fitted,
    }


def measure_network(part: TestPart, row: dict[str, object]) -> dict[str, object]:
    """Fit and forecast one set with one network; `row` names it, with its seed and steps."""
    started = time.perf_counter()
    model = Forecaster(
        horizon=part.h,
        season_length=part.season,
        network=str(row["network"]),
        cell=str(row["cell"]),
        bidirectional=bool(row["bidirectional"]),
        max_steps=row["steps"] or None,
        random_state=row["seed"],
    ).fit(part.train)
    fitted = time.perf_counter()
    table = model.predict(part.h, level=80)
    done = time.perf_counter()
    low, high = (by_series(table, f"yhat-{side}-80") for side in ("lo", "hi"))
    held = [(y >= low[u][: len(y)]) & (y <= high[u][: len(y)]) for u, y in part.truth.items()]
    return {
        **row,
        "mase": part.score(by_series(table, "yhat"))["mase"],
        "coverage_80": float(np.concatenate(held).mean()),
        "weights": sum(p.numel() for p in model.networks_[0].network.parameters()),
        "best_step": model.best_step_,
        "steps_run": int(model.history_["step"].iloc[-1]),
        "fit_seconds": fitted - started,
        "predict_seconds": done - fitted,
    }


def naive_row(part: TestPart) -> dict[str, object]:
    """Return the seasonal naive's row, against which the networks are held."""
    started = time.perf_counter()
    table = SeasonalNaive(season_length=part.season).fit(part.train).predict(part.h)
    return {
        **{"set": part.name, "network": "SeasonalNaive", "cell": "-", "bidirectional": False, "seed": 0, "steps": 0},
        "mase": part.score(by_series(table, "yhat"))["mase"],
        **dict.fromkeys(("coverage_80", "weights", "best_step", "steps_run")),
        "fit_seconds": time.perf_counter() - started,
        "predict_seconds": 0.0,
    }


def network_table(data: Path, sets: Sequence[str], seeds: Sequence[int], steps: int, path: Path) -> None:
    """Measure every network on every set, row by row; steps 0 leaves their number to the forecaster."""
    key = ["set", "network", "cell", "bidirectional", "seed", "steps"]
    present = set(pd.read_csv(path)[key].itertuples(index=False, name=None)) if path.exists() else set()
    for name in sets:
        part = TestPart(data, name)
        if (name, "SeasonalNaive", "-", False, 0, 0) not in present:
            append(naive_row(part), path)
        for seed in seeds:
            for network, cell, bidirectional in NETWORK_ROWS:
                values = (name, network, cell, bidirectional, seed, steps)
                if values in present:
                    continue
                row = measure_network(part, dict(zip(key, values, strict=True)))
                append(row, path)
                print({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}, flush=True)
        show_networks(pd.read_csv(path), name, steps)


def show_networks(rows: pd.DataFrame, name: str, steps: int) -> None:
    """Print the mean over the seeds, beside the seasonal naive."""
    rows = rows[rows["set"] == name]
    naive = rows.loc[rows["network"] == "SeasonalNaive", "mase"].iloc[0]
    groups = rows[rows["steps"] == steps].groupby(["network", "cell", "bidirectional"])
    table = groups[["mase", "coverage_80", "weights", "fit_seconds", "predict_seconds"]].mean()
    table.insert(1, "mase spread", groups["mase"].std())
    table.insert(2, "to naive %", 100 * (table["mase"] / naive - 1))
    print(f"{name}: MASE of the seasonal naive {naive:.3f}; means over {groups.size().max()} seeds")
    print(table.sort_values("mase").round(3).to_string(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--table", choices=("sets", "networks"), default="sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, help="Default: all, or two for the table of networks.")
    parser.add_argument("--steps", type=int, default=0, help="Gradient steps of the networks; 0: by the data's size.")
    parser.add_argument("--output", type=Path, help="The networks' CSV, continued if it is there.")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    arguments = parser.parse_args()
    print(machine())
    if arguments.table == "networks":
        path = arguments.output or dated("networks")
        network_table(arguments.data, arguments.sets or NETWORK_SETS, arguments.seeds, arguments.steps, path)
        print(f"kept in {path}")
        return
    rows: list[dict[str, object]] = []
    for name in arguments.sets or SETS:
        part = TestPart(arguments.data, name)
        for file in sorted((arguments.data.parent / "baselines").glob(f"{name}_*.csv.gz")):
            other = file.name.removeprefix(f"{name}_").removesuffix(".csv.gz")
            rows.append({"set": name, "model": other, **part.score(by_series(pd.read_csv(file), "yhat"))})
        rows += [measure(part, seed) for seed in arguments.seeds]
        print(pd.DataFrame([row for row in rows if row["set"] == name]).round(3).to_string(index=False), flush=True)
    print(f"kept in {save(pd.DataFrame(rows), 'accuracy')}")


if __name__ == "__main__":
    main()
