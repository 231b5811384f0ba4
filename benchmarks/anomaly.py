"""Detection of anomalies beside a windowed Gaussian, a random score and an isolation forest, and what it costs.

    python benchmarks/anomaly.py --table data --data FOLDER      SKAB and UCR: VUS-PR, events, delay, false alarms
    python benchmarks/anomaly.py --table clean                   realised rate of false alarms on clean simulated series
    python benchmarks/anomaly.py --table speed                   rows per second, in tables and in streams
    python benchmarks/anomaly.py --table forecasts               blocks carried on against a forecast per row

FOLDER holds `skab/*/*.csv` (https://github.com/waico/SKAB) and `ucr/*.txt` (the UCR Anomaly Archive, whose names say
where the training part ends and the anomaly lies). The labels are used for scores alone; every setting is the default.
The first 400 rows of a series (SKAB) or its training part (UCR) are fitted; the rows after that are scored in their
order, causally, by the column `score`. PyOD's forest on windows of 20 lags, fitted on the same rows, needs
`pip install pyod`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from record import save

from tsrnn import AnomalyDetector, event_scores, vus_pr
from tsrnn.data.panel import Cutoffs

SKAB_FITTED, LAGS, WINDOW = 400, 20, 100
N_SEEDS, FEW_SEEDS, N_ROWS = 20, 4, 10_000


def series_of(folder: Path) -> Iterator[tuple[str, str, np.ndarray, np.ndarray, int]]:
    """Yield group, name, values (n, channels), labels (n,) and the rows to fit."""
    for file in sorted((folder / "skab").glob("*/*.csv")):
        table = pd.read_csv(file, sep=";")
        if "anomaly" not in table.columns:
            continue
        values = table.drop(columns=["datetime", "anomaly", "changepoint"]).to_numpy(float)
        yield "SKAB", f"{file.parent.name}/{file.stem}", values, table["anomaly"].to_numpy() > 0, SKAB_FITTED
    for file in sorted((folder / "ucr").glob("*.txt")):
        *_, fitted, start, end = file.stem.split("_")
        values = np.loadtxt(file)
        labels = np.zeros(len(values), bool)
        labels[int(start) - 1 : int(end)] = True
        yield "UCR", file.stem, values[:, None], labels, int(fitted)


def network(values: np.ndarray, fitted: int) -> np.ndarray:
    detector = AnomalyDetector().fit(values[:fitted])
    table = detector.update_many(wide(values, fitted))
    return table.groupby("ds")["score"].max().to_numpy()


def wide(values: np.ndarray, first: int) -> pd.DataFrame:
    table = pd.DataFrame(values[first:], columns=[f"x{i}" for i in range(values.shape[1])])
    return table.set_index(np.arange(first, len(values)))


def windowed_gaussian(values: np.ndarray, fitted: int) -> np.ndarray:
    """Mean over channels of the distance from the mean of the 100 rows before, in their standard deviations."""
    past = pd.DataFrame(values).shift(1).rolling(WINDOW, min_periods=10)
    z = (values - past.mean().to_numpy()) / np.maximum(past.std().to_numpy(), 1e-9)
    return np.abs(z).mean(1)[fitted:]


def random_score(values: np.ndarray, fitted: int) -> np.ndarray:
    return np.random.default_rng(0).random(len(values) - fitted)


def isolation_forest(values: np.ndarray, fitted: int) -> np.ndarray:
    from pyod.models.iforest import IForest

    lags = np.lib.stride_tricks.sliding_window_view(values, LAGS, axis=0).reshape(len(values) - LAGS + 1, -1)
    forest = IForest(random_state=0).fit(lags[: fitted - LAGS + 1])
    return forest.decision_function(lags[fitted - LAGS + 1 :])


METHODS = {
    "tsrnn": network,
    "windowed Gaussian": windowed_gaussian,
    "random": random_score,
    "isolation forest": isolation_forest,
}


def measure_data(folder: Path) -> pd.DataFrame:
    rows = []
    for group, name, values, labels, fitted in series_of(folder):
        truth = labels[fitted:]
        for method, score_of in METHODS.items():
            begin = time.process_time()
            score = score_of(values, fitted)
            seconds = time.process_time() - begin
            # The share of rows that alarm is the same for all, so that events can be compared.
            events = event_scores(truth, score >= np.nanquantile(score, 0.99))
            row = {"group": group, "series": name, "method": method, "vus_pr": vus_pr(truth, score, y=values[:, 0])}
            rows.append({**row, **vars(events), "cpu_seconds": seconds})
            print(f"{group} {name:40} {method:20} {row['vus_pr']:.3f} {seconds:6.2f} s", flush=True)
    table = pd.DataFrame(rows)
    print(table.groupby(["group", "method"])[["vus_pr", "precision", "recall", "f1", "delay", "false_alarms"]].mean())
    return table


def clean_series(kind: str, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t, shocks = np.arange(n), rng.normal(size=n)
    if kind == "heteroscedastic":
        shocks *= (1 + 0.6 * np.sin(2 * np.pi * t / 24)) * np.exp(0.4 * np.sin(2 * np.pi * t / 700))
    carry = {"autocorrelated": 0.8, "seasonal": 0.5, "heteroscedastic": 0.6, "walk": 1.0}[kind]
    y = np.empty(n)
    last = 0.0
    for i, shock in enumerate(shocks):
        y[i] = last = carry * last + shock
    if kind in ("seasonal", "heteroscedastic"):
        y += 3 * np.sin(2 * np.pi * t / 24) + 2 * np.sin(2 * np.pi * t / 168)
    return y + 10


def measure_clean(alpha: float = 0.01) -> pd.DataFrame:
    rows = []
    ds = pd.date_range("2020", periods=N_ROWS, freq="h")
    for threshold, n_seeds in (("conformal", N_SEEDS), ("pot", FEW_SEEDS), ("quantile", FEW_SEEDS)):
        for kind in ("autocorrelated", "seasonal", "heteroscedastic", "walk"):
            wide = pd.DataFrame({f"s{seed}": clean_series(kind, N_ROWS, seed) for seed in range(n_seeds)}, index=ds)
            table = AnomalyDetector(threshold=threshold, alpha=alpha).fit(wide).detect()
            rates = table.groupby("unique_id")["is_anomaly"].mean() / alpha
            row = {
                "kind": kind,
                "threshold": threshold,
                "seeds": n_seeds,
                "ratio": rates.mean(),
                "least": rates.min(),
                "most": rates.max(),
            }
            rows.append(row)
            print(row, flush=True)
    return pd.DataFrame(rows)


def measure_speed() -> pd.DataFrame:
    rng, rows = np.random.default_rng(0), []
    n, n_series, fitted, ticks = 100_000, 1000, 150, 48

    def note(what: str, value: float) -> None:
        rows.append({"what": what, "value": value})
        print(f"{what:50} {value:,.2f}", flush=True)

    t = np.arange(n)
    long = pd.Series(
        20 + 3 * np.sin(2 * np.pi * t / 24) + rng.normal(size=n), pd.date_range("2000", periods=n, freq="h")
    )
    begin = time.process_time()
    detector = AnomalyDetector().fit(long.rename("y"))
    note("100,000 rows of one series, CPU seconds", time.process_time() - begin)
    costs = []
    for k in range(10 * 24):
        begin = time.process_time()
        detector.update("y", long.index[-1] + pd.Timedelta(hours=k + 1), 20.0)
        costs.append(1000 * (time.process_time() - begin))
    note("one update, median, CPU ms", float(np.median(costs)))
    note("one update, slowest (a new forecast), CPU ms", max(costs))
    note("one update, mean, CPU ms", float(np.mean(costs)))
    ds = pd.date_range("2024", periods=fitted + ticks, freq="h")
    y = 20 + 3 * np.sin(2 * np.pi * np.arange(len(ds)) / 24) + rng.normal(size=(n_series, len(ds)))
    names = [f"s{i}" for i in range(n_series)]
    many = AnomalyDetector().fit(pd.DataFrame(y[:, :fitted].T, index=ds[:fitted], columns=names))
    begin = time.process_time()
    for k in range(fitted, len(ds)):
        many.update_together(ds[k], dict(zip(names, y[:, k].tolist(), strict=True)))
    note("stream of 1,000 series, points per CPU second", n_series * ticks / (time.process_time() - begin))
    return pd.DataFrame(rows)


def measure_forecasts(n: int = 2500, first: int = 500) -> pd.DataFrame:
    """Compare what is expected of each row: by a block's forecast carried on, or by a forecast made for this row."""
    rows = []
    for kind in ("autocorrelated", "seasonal", "heteroscedastic", "walk"):
        series = [clean_series(kind, n, seed) for seed in range(2)]
        wide = pd.DataFrame(dict(zip("ab", series, strict=True)), index=pd.date_range("2020", periods=n, freq="h"))
        begin = time.process_time()
        detector = AnomalyDetector().fit(wide)
        blocks = time.process_time() - begin
        expected = detector.detections_["expected"].to_numpy().reshape(2, n)[:, first:]
        begin = time.process_time()
        ends = np.arange(first, n)
        cutoffs = Cutoffs(np.repeat([0, 1], len(ends)), np.tile(ends, 2))
        each = detector.forecaster_.forecast(detector.panel_, cutoffs, 1, (0.5,)).reshape(2, -1)
        every = time.process_time() - begin
        truth = np.stack(series)[:, first:]
        row = {"kind": kind, "mae_blocks": np.abs(truth - expected).mean(), "mae_each_row": np.abs(truth - each).mean()}
        row |= {"ms_blocks": 1000 * blocks / (2 * n), "ms_each_row": 1000 * every / (2 * len(ends))}
        rows.append(row)
        print(row, flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=("data", "clean", "speed", "forecasts"), required=True)
    parser.add_argument("--data", type=Path, help="folder of the data, for --table data")
    arguments = parser.parse_args()
    if arguments.table == "data" and arguments.data is None:
        parser.error("--table data needs --data FOLDER")
    measured = {
        "data": lambda: measure_data(arguments.data),
        "clean": measure_clean,
        "speed": measure_speed,
        "forecasts": measure_forecasts,
    }
    print(save(measured[arguments.table](), f"anomaly-{arguments.table}"))


if __name__ == "__main__":
    main()
