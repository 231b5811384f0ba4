"""How long things take: import, fit, forecast, and a training step beside its bare matrix products.

    python benchmarks/speed.py --data PATH/forecasting

Medians of several runs in one process; a single time on a busy machine says little.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from record import machine, save

from tsrnn import Forecaster, backtest, load_dataset
from tsrnn.networks.losses import quantile_loss
from tsrnn.networks.parallel import ParallelNetwork
from tsrnn.networks.randomness import new_generator
from tsrnn.networks.size import NetworkSize
from tsrnn.networks.threads import one_thread
from tsrnn.preprocessing.windows import FlatSeries
from tsrnn.training.batches import WindowSampler


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Return the median wall time of `work` after one run that does not count."""
    work()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def command_seconds(*arguments: str) -> float:
    """Return the median wall time of a Python process."""
    return median_seconds(lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True), 5)


def worker_seconds() -> tuple[int, float]:
    """Return which worker this is, and the CPU seconds it has used; slow enough that every worker is asked."""
    time.sleep(0.5)
    return os.getpid(), time.process_time()


def longest_path(work: Callable[[], object], n_jobs: int) -> float:
    """Return the CPU seconds of this process and of the busiest of its workers, their start included.

    That is the wall time where each has a core of its own, and it can be told on a busy machine.
    """
    get_reusable_executor().shutdown(wait=True)
    started = time.process_time()
    work()
    seconds = time.process_time() - started
    if n_jobs == 1:
        return seconds
    # As the backtest's own call, so that its workers are asked and not new ones.
    with parallel_config(backend="loky", inner_max_num_threads=1):
        workers = Parallel(n_jobs=n_jobs)(delayed(worker_seconds)() for _ in range(4 * n_jobs))
    return seconds + max(dict(workers).values())


def matrix_products(size: NetworkSize, batch: int) -> Callable[[], None]:
    """Return a function that does only the matrix products of one training step of a one-layer GRU.

    Forward, and twice as many backward: for the gradient of the input and of the weight.
    """
    D, p = size.hidden_size, size.patch_length
    N, S = size.context_length // p, -(-size.horizon // p)
    shapes = [
        (batch * N, 2 * p + 2, D),  # embedding
        (batch * N, D, D),
        (batch * N, D, 3 * D),  # input of the cell, all steps at once
        *[(batch, D, 3 * D)] * N,  # recurrence, step by step
        (batch * S, D, 3 * D),  # decoder, one step
        (batch * S, D, 3 * D),
        (batch * S, D, p * len(size.quantiles)),  # head
    ]
    operands = [(torch.randn(a, b), torch.randn(b, c), torch.randn(a, c)) for a, b, c in shapes]

    def work() -> None:
        for x, w, g in operands:
            torch.mm(x, w)
            torch.mm(g, w.T)
            torch.mm(x.T, g)

    return work


def training_step(size: NetworkSize, batch: int) -> Callable[[], None]:
    """Return a function that does one whole training step: draw, forward, backward, optimise."""
    generator = new_generator(0)
    y = torch.randn(200 * 800, generator=generator, dtype=torch.float64)
    offsets = torch.arange(0, len(y) + 1, 800)
    sampler = WindowSampler(
        FlatSeries.from_flat(y, offsets), size.context_length, size.horizon, size.reads, "spread", 336,
        torch.full((200,), 800),
    )  # fmt: skip
    network, levels = ParallelNetwork(size), torch.tensor(size.quantiles)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-4)
    series = sampler.trainable()

    def work() -> None:
        windows = sampler.draw(series, batch, generator)
        loss = quantile_loss(network(windows.inputs), windows.target, windows.observed, levels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()

    return work


def monthly_series(n_series: int, n_rows: int) -> pd.DataFrame:
    """Return simulated monthly series: a trend, a season of its own phase, noise."""
    rng, t = np.random.default_rng(0), np.arange(n_rows)
    season = np.sin(2 * np.pi * (t + rng.integers(0, 12, (n_series, 1))) / 12)
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(n_series), n_rows),
            "ds": np.tile(pd.date_range("2010-01-01", periods=n_rows, freq="MS"), n_series),
            "y": (100 + 0.3 * t + 10 * season + rng.normal(0, 3, (n_series, n_rows))).ravel(),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with m4_hourly_train.csv.gz; without it that row is left out")
    arguments = parser.parse_args()
    print(machine())
    rows: list[tuple[str, float]] = []

    def row(what: str, value: float) -> None:
        rows.append((what, value))
        print(f"{value:10.4f}  {what}", flush=True)

    row("import tsrnn, whole process, s", command_seconds("-c", "import tsrnn"))
    row("python -c pass, whole process, s", command_seconds("-c", "pass"))
    row("tsrnn --help, whole process, s", command_seconds("-c", "from tsrnn.commands import cli; cli(['--help'])"))
    passengers = load_dataset("air_passengers")
    row(
        "AirPassengers, fit and forecast 24 in a running process, s",
        median_seconds(lambda: Forecaster().fit(passengers).predict(24), 3),
    )
    monthly, base = monthly_series(1000, 144), Forecaster(strategy="zero-shot")
    row(
        "backtest of 1,000 monthly series of 144 rows, 5 cutoffs, zero-shot, s",
        median_seconds(lambda: backtest(base, monthly, n_windows=5), 3),
    )
    some = monthly_series(100, 144)
    one, two = (longest_path(partial(backtest, "ARIMA", some, n_windows=2, refit=True, n_jobs=n), n) for n in (1, 2))
    row("backtest of 100 monthly series of 144 rows, 2 cutoffs with refit, ARIMA, one process, CPU s", one)
    row("the same with n_jobs=2, CPU s of the calling process and the busier worker", two)
    row("ratio of the two", one / two)
    size = NetworkSize(context_length=336, horizon=48, patch_length=24, seasons=(24, 168))
    with one_thread():
        step, bare = median_seconds(training_step(size, 128), 50), median_seconds(matrix_products(size, 128), 50)
    row("training step, M4 Hourly shape, batch 128, one thread, s", step)
    row("its bare matrix products, s", bare)
    row("ratio of the two", step / bare)
    if arguments.data is not None:
        train = pd.read_csv(arguments.data / "m4_hourly_train.csv.gz")
        model = Forecaster(horizon=48, season_length=24, max_steps=5).fit(train)
        row("forecast 414 fitted hourly series, 48 steps, s", median_seconds(lambda: model.predict(48), 10))
    print(f"kept in {save(pd.DataFrame(rows, columns=['what', 'value']), 'speed')}")


if __name__ == "__main__":
    main()
