"""The verdict of whole backtests, where it is known which model is better."""

import zlib

import numpy as np
import pandas as pd
import pytest

from tsrnn import backtest

RUNS = 100


def guess(seed, noise):
    """Return a model whose error is its own noise: that of a series and a cutoff is always the same."""

    def forecast(train, h):
        rng = np.random.default_rng([seed, zlib.crc32(str(train.name).encode()), len(train)])
        return rng.normal(0, noise, h)

    return forecast


def verdicts(n_series, n_windows, step, noise, other, runs):
    rows = 12 + 4 + n_windows * step
    for run in range(runs):
        rng = np.random.default_rng(run)
        table = pd.DataFrame(
            rng.normal(size=(rows, n_series)),
            index=pd.date_range("2020-01-01", periods=rows),
            columns=[f"{run} {k}" for k in range(n_series)],
        )
        models = {"one": guess(1, noise), "other": guess(2, other)}
        yield backtest(models, table, h=4, n_windows=n_windows, step_size=step, season_length=1, level=()).verdict


@pytest.mark.parametrize(("n_series", "n_windows", "step"), [(1, 12, 4), (1, 12, 2), (10, 2, 4)])
def test_two_equal_models_are_called_different_about_one_time_in_twenty(n_series, n_windows, step):
    found = [verdict.outcome for verdict in verdicts(n_series, n_windows, step, 1.0, 1.0, RUNS)]
    assert found.count("too few to judge") == 0
    # One in twenty would be 5; of 100 fair draws, 12 or more are as rare as one in two hundred.
    assert found.count("better") + found.count("worse") <= 11
    assert found.count("no difference") < RUNS


@pytest.mark.parametrize(("n_series", "n_windows", "step"), [(1, 12, 4), (1, 20, 2), (10, 2, 4)])
def test_a_model_with_less_than_half_the_error_is_found_better_and_the_other_worse(n_series, n_windows, step):
    found = list(verdicts(n_series, n_windows, step, 0.2, 2.0, 25))
    assert sum(verdict.outcome == "better" for verdict in found) >= 22
    # E|y − f| is that of a normal variable: sqrt(1 + .2²) against sqrt(1 + 2²).
    gains = [verdict.gain.gain for verdict in found]
    assert np.mean(gains) == pytest.approx(1 - np.sqrt(1.04 / 5), abs=0.04)
    assert sum(verdict.gain.low <= 1 - np.sqrt(1.04 / 5) <= verdict.gain.high for verdict in found) >= 21
    assert str(found[0]).startswith("one wins: the MASE of one is ")
    assert "95 % interval −" in str(found[0])


def test_overlap_counts_the_gap():
    rng = np.random.default_rng(0)
    y = pd.Series(rng.normal(size=80), pd.date_range("2020-01-01", periods=80), name="y")
    models = {"one": guess(1, 1.0), "other": guess(2, 1.0)}
    near, far = (
        backtest(models, y, h=2, gap=gap, n_windows=12, step_size=2, season_length=1, level=()).verdict.gain
        for gap in (0, 6)
    )
    # Errors after a gap of three steps come from shocks that four neighbouring cutoffs share.
    assert far.high - far.low > 1.3 * (near.high - near.low)
