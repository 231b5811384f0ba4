"""Accuracy of the forecaster on public data sets, beside other packages' forecasts of the same test parts.

    python benchmarks/accuracy.py --data PATH/forecasting --sets m4_hourly --strategies auto --seeds 0 1 2
    python benchmarks/accuracy.py --data PATH/forecasting --held-back
    python benchmarks/accuracy.py --data PATH/forecasting --table networks --steps 600

The first compares the strategies; with --held-back it scores the last horizon of the training parts and never looks
at the test parts: that is what settings are chosen by. The last compares the networks and cells on M4 Hourly and
Tourism monthly. Every row is written when it is measured, and rows that the file holds are skipped, so a run can be
stopped and started again (on another day with --output FILE).

PATH/forecasting holds SET_train.csv.gz and SET_test.csv.gz (unique_id, ds, y); PATH/baselines, if it is there,
SET_MODEL.csv.gz (unique_id, ds, yhat). Every model sees the training part only; the test part is for scoring. Other
sets are measured, too, if their names end with a step such as _monthly.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from naive2 import naive2
from record import append, dated, machine

from tsrnn import Forecaster, SeasonalNaive
from tsrnn.forecasting.settings import STRATEGIES
from tsrnn.metrics import coverage, mase, owa, seasonal_scale, smape, weighted_quantile_loss

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
# The relative MASE is the mean over the sets whose names begin so.
COMPETITIONS = (("m1_", "tourism_"), ("m3_",))
DECILES = tuple(round(q / 10, 1) for q in range(1, 10))


def season_of(name: str) -> int:
    """Return the season length under which a set is scored."""
    return 5 if name.startswith("exchange") else SEASONS[name.rsplit("_", 1)[1]]


def set_name(text: str) -> str:
    """Return the name of a set whose season its step tells; what argparse takes for a `type`."""
    if text.rsplit("_", 1)[-1] not in SEASONS:
        raise argparse.ArgumentTypeError(
            f"{text!r} does not end with one of {', '.join(f'_{step}' for step in SEASONS)}"
        )
    return text


def by_series(table: pd.DataFrame, column: str) -> dict[str, np.ndarray]:
    """Return one array per series, in time order."""
    return {name: part[column].to_numpy(float) for name, part in table.sort_values("ds").groupby("unique_id")}


def split_ends(train: pd.DataFrame, horizons: pd.Series, season: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut the last horizon off every training series that can spare it; the others stay as they are, unscored."""
    train = train.sort_values(["unique_id", "ds"])
    groups = train.groupby("unique_id")["ds"]
    left = groups.transform("size") - groups.cumcount()  # rows from this one to the end
    h = train["unique_id"].map(horizons)
    spare = groups.transform("size") >= h + max(season + 3, 5)
    end = spare & (left <= h)
    return train[~end], train[end]


class TestPart:
    """A data set with what its forecasts are scored against."""

    def __init__(self, data: Path, name: str, *, held_back: bool = False) -> None:
        self.name, self.season = name, season_of(name)
        self.train = pd.read_csv(data / f"{name}_train.csv.gz")
        test = pd.read_csv(data / f"{name}_test.csv.gz")
        if held_back:
            self.train, test = split_ends(self.train, test.groupby("unique_id").size(), self.season)
        self.history, self.truth = by_series(self.train, "y"), by_series(test, "y")
        self.h = max(map(len, self.truth.values()))
        self.scale = {u: seasonal_scale(y, self.season) for u, y in self.history.items()}
        known = {u: self.history[u][np.isfinite(self.history[u])] for u in self.truth}
        reference = {u: naive2(y, self.season, len(self.truth[u])) for u, y in known.items()}
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


def measure(part: TestPart, strategy: str, seed: int) -> dict[str, object]:
    """Fit and forecast one set once."""
    started = time.perf_counter()
    model = Forecaster(strategy=strategy, horizon=part.h, season_length=part.season, random_state=seed).fit(part.train)
    fitted = time.perf_counter()
    table = model.predict(part.h, level=[80, 95], quantiles=[q for q in DECILES if q != 0.5])
    done = time.perf_counter()
    return {
        "set": part.name,
        "model": strategy,
        "seed": seed,
        "chosen": model.strategy_,
        **part.score(by_series(table, "yhat")),
        **part.score_quantiles(table),
        "fit_seconds": fitted - started,
        "predict_seconds": done - fitted,
    }


def strategy_table(
    data: Path, sets: Sequence[str], strategies: Sequence[str], seeds: Sequence[int], path: Path, held_back: bool
) -> None:
    """Measure every strategy on every set, beside the forecasts of other packages where the test part is scored."""
    key = ["set", "model", "seed"]
    present = set(pd.read_csv(path)[key].itertuples(index=False, name=None)) if path.exists() else set()
    for name in sets:
        part = TestPart(data, name, held_back=held_back)
        if (name, "SeasonalNaive", 0) not in present:
            table = SeasonalNaive(season_length=part.season).fit(part.train).predict(part.h)
            append(strategy_row(name, "SeasonalNaive", part.score(by_series(table, "yhat"))), path)
        files = [] if held_back else sorted((data.parent / "baselines").glob(f"{name}_*.csv.gz"))
        for file in files:
            other = file.name.removeprefix(f"{name}_").removesuffix(".csv.gz")
            if other != "SeasonalNaive" and (name, other, 0) not in present:
                append(strategy_row(name, other, part.score(by_series(pd.read_csv(file), "yhat"))), path)
        for strategy in strategies:
            for seed in seeds if strategy != "zero-shot" else (0,):  # nothing is drawn in zero-shot
                if (name, strategy, seed) not in present:
                    append(measure(part, strategy, seed), path)
        rows = pd.read_csv(path)
        print(rows[rows["set"] == name].drop(columns=["machine"], errors="ignore").round(3).to_string(index=False))
    show_relative(pd.read_csv(path))


def strategy_row(name: str, model: str, scores: dict[str, float]) -> dict[str, object]:
    """Return the row of a model that gives points only."""
    empty = dict.fromkeys(("wql", "coverage_80", "coverage_95", "fit_seconds", "predict_seconds"))
    return {"set": name, "model": model, "seed": 0, "chosen": "-", **scores, **empty}


def show_relative(rows: pd.DataFrame) -> None:
    """Print the geometric mean over a competition's sets of MASE relative to the seasonal naive's, and coverage."""
    mean = (
        rows.groupby(["model", "set"])["mase"]
        .mean()
        .reset_index()
        .pivot_table(index="model", columns="set", values="mase")
    )
    for beginnings in COMPETITIONS:
        core = [name for name in mean.columns if name.startswith(beginnings)]
        if core and "SeasonalNaive" in mean.index:
            relative = np.exp(np.log(mean[core] / mean.loc["SeasonalNaive", core]).mean(axis=1, skipna=False))
            print(f"relative MASE over {', '.join(core)}:")
            print(relative.sort_values().round(4).to_string())
    covered = rows.dropna(subset=["coverage_80"]).groupby("model")[["coverage_80", "coverage_95"]]
    off = covered.agg(lambda c: float((c - (0.8 if c.name == "coverage_80" else 0.95)).abs().mean()))
    print("mean absolute deviation of coverage:")
    print(off.round(4).to_string(), flush=True)


def measure_network(part: TestPart, row: dict[str, object]) -> dict[str, object]:
    """Fit and forecast one set with one network; `row` names it, with its seed and steps."""
    started = time.perf_counter()
    model = Forecaster(
        strategy="scratch",
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
    parser.add_argument("--sets", nargs="+", type=set_name, help="Default: twelve, or two for the table of networks.")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=["zero-shot", "auto"])
    parser.add_argument("--held-back", action="store_true", help="Score the ends of the training parts instead.")
    parser.add_argument("--steps", type=int, default=0, help="Gradient steps of the networks; 0: by the data's size.")
    parser.add_argument("--output", type=Path, help="The CSV, continued if it is there.")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    arguments = parser.parse_args()
    print(machine())
    if arguments.table == "networks":
        path = arguments.output or dated("networks")
        network_table(arguments.data, arguments.sets or NETWORK_SETS, arguments.seeds, arguments.steps, path)
        print(f"kept in {path}")
        return
    path = arguments.output or dated("held-back" if arguments.held_back else "accuracy")
    strategy_table(
        arguments.data, arguments.sets or SETS, arguments.strategies, arguments.seeds, path, arguments.held_back
    )
    print(f"kept in {path}")


if __name__ == "__main__":
    main()
