import numpy as np
import pandas as pd
import pytest


def hourly(n=700, seed=0, day=3.0, noise=1.0, start="2024-01-01"):
    """A series of hours with a daily season and autocorrelated noise, and no anomaly."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    e = np.zeros(n)
    for i, shock in enumerate(rng.normal(0, noise, n)):
        e[i] = shock + (0.5 * e[i - 1] if i else 0.0)
    y = 20 + day * np.sin(2 * np.pi * t / 24) + e
    return pd.Series(y, index=pd.date_range(start, periods=n, freq="h", name="ds"), name="y")


@pytest.fixture
def clean():
    return hourly()
