"""Tables that many tests use, what is no file, and a GPU."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.pretend_gpu import Gpu


# A machine that has other work to do is slow, and no test times anything.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def monthly_table(n_series: int = 3, n_rows: int = 60, seed: int = 0) -> pd.DataFrame:
    """A long table of monthly series with trend, season and noise, all positive."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_rows)
    frames = []
    for i in range(n_series):
        season = np.sin(2 * np.pi * (t + 2 * i) / 12)
        y = 100 * (i + 1) + 0.5 * t + 10 * season + rng.normal(0, 1.0, n_rows)
        ds = pd.date_range("2015-01-01", periods=n_rows, freq="MS")
        frames.append(pd.DataFrame({"unique_id": f"series {i}", "ds": ds, "y": y}))
    return pd.concat(frames, ignore_index=True)


@contextmanager
def default_type(name: str) -> Iterator[None]:
    """Let torch make tensors of another type than 32 bits, as a program may, and see that nothing else changes it."""
    # Most tests need no torch.
    import torch

    before, dtype = torch.get_default_dtype(), getattr(torch, name)
    torch.set_default_dtype(dtype)
    try:
        yield
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(before)


@pytest.fixture
def monthly() -> pd.DataFrame:
    return monthly_table()


@pytest.fixture(params=["pipe", "device", "folder"])
def put_no_file(request) -> Iterator[Callable[[Path], None]]:
    """Put what is no file in the place of one: a pipe into which nobody ever writes, a device, a folder."""
    timers = []

    def put(path: Path) -> None:
        path.unlink(missing_ok=True)
        if request.param == "folder":
            path.mkdir()
        elif request.param == "device":
            path.symlink_to(os.devnull)
        else:
            os.mkfifo(path)
            # After a while its only writer goes away, so that who waits for it fails and does not wait for ever.
            timers.append(threading.Timer(5, os.close, [os.open(path, os.O_RDWR)]))
            timers[-1].start()

    yield put
    for timer in timers:
        timer.cancel()


@pytest.fixture
def gpu() -> Iterator[Gpu]:
    """Pretend that there is one GPU, which draws the CPU's random numbers, so that both learn alike."""
    from tests.pretend_gpu import pretend_gpu

    with pretend_gpu() as gpu:
        yield gpu


@pytest.fixture
def random_gpu() -> Iterator[Gpu]:
    """Pretend that there is one GPU, which draws random numbers of its own, as a real one does."""
    from tests.pretend_gpu import pretend_gpu

    with pretend_gpu(own_numbers=True) as gpu:
        yield gpu
