"""Tables that many tests use."""

import numpy as np
import pandas as pd
import pytest


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


@pytest.fixture
def monthly() -> pd.DataFrame:
    return monthly_table()
