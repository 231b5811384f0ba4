"""Intervals of simulated series, held against the true distribution of their future.

What the series will do is known but for a normal error, so the chance that an interval holds is computed, not counted:
no luck of the test's own draws is in it.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from tsrnn import Forecaster
from tsrnn.forecasting.calibration import Calibration

N_SERIES, LENGTH, H = 200, 100, 12
AHEAD = np.arange(1, H + 1)


def random_walk(rng, errors):
    y = errors.cumsum(1)
    return y, 1, np.repeat(y[:, -1:], H, 1), np.sqrt(AHEAD)


def autoregression(rng, errors):
    """y_t = .8 y_{t−1} + e_t."""
    y = errors.copy()
    y[:, 0] /= 0.6
    for t in range(1, LENGTH):
        y[:, t] += 0.8 * y[:, t - 1]
    return y, 1, y[:, -1:] * 0.8**AHEAD, np.sqrt((1 - 0.64**AHEAD) / 0.36)


def noisy_season(rng, errors):
    phase = rng.random((N_SERIES, 1))
    t = np.arange(LENGTH + H)
    season = 5 * np.sin(2 * np.pi * (t / 6 + phase))
    return season[:, :LENGTH] + errors, 6, season[:, LENGTH:], np.ones(H)


def seasonal_random_walk(rng, errors):
    """y_t = y_{t−6} + e_t."""
    y = errors.copy()
    for t in range(6, LENGTH):
        y[:, t] += y[:, t - 6]
    return y, 6, np.tile(y[:, -6:], 2), np.sqrt((AHEAD + 5) // 6)


@pytest.mark.parametrize("process", [random_walk, autoregression, noisy_season, seasonal_random_walk])
@pytest.mark.parametrize("network", ["one", "autoregressive"])
def test_an_80_percent_interval_holds_within_5_points_at_the_last_step(network, process):
    rng = np.random.default_rng(0)
    y, season, mean, spread = process(rng, rng.normal(size=(N_SERIES, LENGTH)))
    steps = 300 if season == 1 else 500  # a season is one patch: fewer recurrent steps, and more to learn
    model = Forecaster(
        horizon=H, season_length=season, network=network, max_steps=steps, hidden_size=24, batch_size=64, device="cpu"
    )
    model.fit(pd.DataFrame(y.T))
    # The network's own intervals: a correction from 40 held-back windows has more chance in it than 5 points.
    model.calibration_ = Calibration()
    answer = model.predict(H, level=80)
    low, high = (answer[f"yhat-{side}-80"].to_numpy().reshape(N_SERIES, H) for side in ("lo", "hi"))
    held = (norm.cdf((high - mean) / spread) - norm.cdf((low - mean) / spread)).mean(0)
    assert held[-1] == pytest.approx(0.8, abs=0.05)
    assert held.mean() == pytest.approx(0.8, abs=0.05)
