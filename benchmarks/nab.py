"""Detection scored as the Numenta Anomaly Benchmark (NAB) scores it, standard profile.

    python benchmarks/nab.py --data FOLDER       NAB's own files
    python benchmarks/nab.py --simulated         series like NAB's, made here (settings were chosen on these alone)

FOLDER is a copy of https://github.com/numenta/NAB: `data/**/*.csv` with the columns timestamp and value, and
`labels/combined_windows.json`. Each file has a detector of its own, with default settings: it is fitted on the
probationary rows, and reads the others in their order. A row's score is −log10 p if it is more improbable than all of
the rows before it, as many as a third of the probationary ones: who is alarmed once is not alarmed again by the rows
that follow. One threshold is chosen for all files, as NAB does.

Source: Lavin and Ahmad 2015, "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark".
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

TP, FP, FN = 1.0, 0.11, 1.0  # weights of the standard profile
PROBATION, MOST_PROBATION = 0.15, 750
# Rows for which an alarm silences later ones that are no more improbable, as a share of the probationary ones.
QUIET = 1 / 3


class Scored(NamedTuple):
    """A file's scores (n,), and its windows as the first and the last row of each."""

    name: str
    score: np.ndarray
    windows: list[tuple[int, int]]


class Result(NamedTuple):
    """The corpus' score, 100 for a perfect detector and 0 for one that says nothing, and what it is made of."""

    score: float
    threshold: float
    found: int
    windows: int
    false_alarms: int


def probationary(n: int) -> int:
    """Return how many rows of a file of n are not scored.

    >>> probationary(1000), probationary(22_000)
    (150, 750)
    """
    return min(int(PROBATION * n), MOST_PROBATION)


def sigmoid(position: float) -> float:
    """Return what a detection is worth: 1 long before the end of a window, 0 there, −1 long after it.

    >>> round(sigmoid(-1.0), 4), sigmoid(0.0), sigmoid(3.5)
    (0.9866, 0.0, -1.0)
    """
    return -1.0 if position > 3 else 2 / (1 + float(np.exp(5 * position))) - 1


def row_values(n: int, windows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the window of each row, −1 outside of all, and what a detection in it is worth. Shapes (n,)."""
    window, value = np.full(n, -1), np.full(n, -FP)
    for k, (first, last) in enumerate(windows):
        window[first : last + 1] = k
        width = last - first + 1
        for row in range(first, last + 1):
            value[row] = TP * sigmoid(-(last - row + 1) / width) / sigmoid(-1.0)
        end = windows[k + 1][0] if k + 1 < len(windows) else n
        for row in range(last + 1, end):
            value[row] = FP * sigmoid((row - last) / max(width - 1, 1))
    return window, value


def corpus_score(files: list[Scored]) -> Result:
    """Score a corpus at the threshold that is best for it."""
    scores, windows, values, numbers = [], [], [], 0
    for file in files:
        window, value = row_values(len(file.score), file.windows)
        scored = np.arange(len(file.score)) >= probationary(len(file.score))
        scored &= np.isfinite(file.score)
        scores.append(file.score[scored])
        windows.append(np.where(window >= 0, window + numbers, -1)[scored])
        values.append(value[scored])
        numbers += len(file.windows)
    score, window, value = (np.concatenate(part) for part in (scores, windows, values))
    order = np.argsort(-score, kind="stable")
    best = np.full(numbers, -FN)
    total = -FN * numbers
    found = alarms = 0
    answer = Result(0.0, np.inf, 0, numbers, 0)
    highest = total
    for at, i in enumerate(order):
        k = window[i]
        if k < 0:
            total, alarms = total + value[i], alarms + 1
        elif value[i] > best[k]:
            found += best[k] == -FN
            total, best[k] = total + value[i] - best[k], value[i]
        last = at + 1 == len(order) or score[order[at + 1]] < score[i]
        if last and total > highest:
            highest = total
            normal = 100 * (total + FN * numbers) / ((TP + FN) * numbers)
            answer = Result(normal, float(score[i]), int(found), numbers, alarms)
    return answer


def first_alarms(score: np.ndarray, quiet: int) -> np.ndarray:
    """Return the scores that are higher than all of the `quiet` rows before them, and 0 for the others.

    >>> first_alarms(np.array([1.0, 3.0, 2.0, 2.0, 2.5]), quiet=2).tolist()
    [1.0, 3.0, 0.0, 0.0, 2.5]
    """
    before = pd.Series(score).shift(1).rolling(quiet, min_periods=1).max().fillna(-np.inf).to_numpy()
    return np.where(score > before, score, 0.0)


def detect(values: np.ndarray, step: pd.Timedelta) -> np.ndarray:
    """Return −log10 p of each row; 0 for those that are fitted or cannot be judged.

    Stamps that are missing, double or late would make rows without a score, so rows are taken to be a step apart.
    """
    from tsrnn import AnomalyDetector

    fitted = probationary(len(values))
    table = pd.DataFrame({"x0": values}, index=pd.date_range("2015", periods=len(values), freq=step))
    detector = AnomalyDetector().fit(table.iloc[:fitted])
    p_value = detector.update_many(table.iloc[fitted:])["p_value"].to_numpy()
    return np.concatenate([np.zeros(fitted), -np.log10(np.nan_to_num(p_value, nan=1.0))])


def read_corpus(folder: Path) -> Iterator[tuple[str, np.ndarray, pd.Timedelta, list[tuple[int, int]]]]:
    """Yield name, values, the step between most rows, and windows of NAB's files."""
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    for name, spans in sorted(labels.items()):
        table = pd.read_csv(folder / "data" / name, parse_dates=["timestamp"])
        stamps = table["timestamp"]
        windows = []
        for start, end in spans:
            inside = np.flatnonzero(stamps.between(pd.Timestamp(start), pd.Timestamp(end)))
            windows.append((int(inside[0]), int(inside[-1])))
        yield name, table["value"].to_numpy(float), stamps.diff().mode().iloc[0], windows


def simulated(seed: int, n: int = 3000) -> Iterator[tuple[str, np.ndarray, pd.Timedelta, list[tuple[int, int]]]]:
    """Yield name, values, step and windows of series like those of servers and taxis, two anomalies in each."""
    for kind in ("load", "taxi", "flat", "sensor", "messages", "request"):
        rng = np.random.default_rng([seed, len(kind), ord(kind[0])])
        t = np.arange(n)
        day = 48 if kind == "taxi" else 288
        season = np.sin(2 * np.pi * t / day)
        if kind == "load":
            y = 40 + 5 * rng.gamma(1.0, 1.0, n) + np.where(rng.random(n) < 0.01, rng.uniform(10, 30, n), 0)
        elif kind == "taxi":
            y = rng.poisson(400 * (1.3 + season + 0.2 * np.sin(2 * np.pi * t / (7 * day)))).astype(float)
        elif kind == "flat":
            y = 2 + 0.05 * rng.normal(size=n) + np.where(t % 288 == 30, 3.0, 0.0)
        elif kind == "sensor":
            y = 80 + np.cumsum(0.3 * rng.normal(size=n)) * 0.2 + rng.normal(size=n)
        elif kind == "messages":
            y = rng.negative_binomial(2, 2 / (2 + 20 * (1.4 + season))).astype(float)
        else:
            y = 100 + 10 * season + 4 * rng.standard_t(4, n)
        spread = np.std(np.diff(y)) + 0.3 * np.std(y)
        half = n // 40
        windows = []
        for part in ((0.25, 0.5), (0.6, 0.9)):
            at = int(rng.uniform(part[0] * n, part[1] * n))
            what = rng.choice(["spike", "shift", "quiet", "wild"])
            length = {"spike": 3, "shift": 250, "quiet": 120, "wild": 60}[what]
            rows = slice(at, at + length)
            if what == "spike":
                y[rows] += spread * rng.uniform(5, 9)
            elif what == "shift":
                y[rows] += spread * rng.uniform(2.5, 5)
            elif what == "quiet":
                y[rows] = np.median(y) + 0.05 * spread * rng.normal(size=length)
            else:
                y[rows] += spread * rng.uniform(1.5, 3) * rng.normal(size=length)
            windows.append((at - half, at + half))
        yield f"{kind} {seed}", y, pd.Timedelta(days=1) / day, windows


def main() -> None:
    from record import save

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", type=Path, help="a copy of NAB")
    which.add_argument("--simulated", action="store_true", help="series like NAB's, made here")
    arguments = parser.parse_args()
    corpus = read_corpus(arguments.data) if arguments.data else (one for seed in range(3) for one in simulated(seed))
    files = []
    for name, values, step, windows in corpus:
        files.append(Scored(name, first_alarms(detect(values, step), int(QUIET * probationary(len(values)))), windows))
        print(name, len(values), f"{np.sort(files[-1].score)[-5:].round(1)}", flush=True)
    result = corpus_score(files)
    table = pd.DataFrame([{"corpus": "NAB" if arguments.data else "simulated", "method": "tsrnn", **result._asdict()}])
    print(table.to_string(index=False))
    print(save(table, "anomaly-nab"))


if __name__ == "__main__":
    main()
