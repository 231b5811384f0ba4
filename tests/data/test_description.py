import numpy as np
import pytest
from statsmodels.tsa.seasonal import STL

from tsrnn.data.description import describe_series


def seasonal(n, m, noise, seed=0):
    random = np.random.default_rng(seed)
    return 10 * np.sin(2 * np.pi * np.arange(n) / m) + random.normal(0, noise, n)


def test_gaps_are_counted_and_the_longest_is_found():
    y = np.arange(20.0)
    y[[3, 8, 9, 10, 15]] = np.nan
    found = describe_series(y, 1)
    assert (found.missing, found.gaps, found.longest_gap, found.gap_at) == (5, 3, 3, 8)
    assert (found.low, found.middle, found.high) == (0.0, 11.0, 19.0)


def test_a_spike_is_an_outlier_and_a_step_to_another_level_is_not():
    random = np.random.default_rng(1)
    y = random.normal(size=200)
    y[100:] += 30
    assert describe_series(y, 1).outliers.tolist() == []
    y[[50, 150]] += (20, -60)
    assert describe_series(y, 1).outliers.tolist() == [150, 50]  # the farthest first


def test_a_season_is_no_outlier_and_does_not_hide_one():
    y = seasonal(240, 12, 1.0)
    assert describe_series(y, 12).outliers.tolist() == []
    y[100] += 9
    assert describe_series(y, 12).outliers.tolist() == [100]


def test_noise_and_walks_have_hardly_an_outlier_and_no_season():
    random = np.random.default_rng(2)
    series = [random.normal(size=500) for _ in range(50)] + [random.normal(size=500).cumsum() for _ in range(50)]
    found = [describe_series(y, 7) for y in series]
    assert sum(len(one.outliers) for one in found) <= 2
    assert max(one.season for one in found) < 0.1


@pytest.mark.parametrize("noise", [1.0, 7.0, 20.0])
def test_the_strength_of_a_season_agrees_with_a_decomposition_by_loess(noise):
    y = seasonal(480, 12, noise)
    parts = STL(y, period=12, seasonal=481).fit()
    expected = max(0.0, 1 - np.var(parts.resid) / np.var(parts.resid + parts.seasonal))
    assert describe_series(y, 12).season == pytest.approx(expected, abs=0.08)


@pytest.mark.parametrize(
    ("y", "why"),
    [
        (np.arange(19.0) % 5, "short"),
        (np.where(np.arange(100) % 7 == 6, np.nan, np.arange(100.0) % 5), "missing"),
        (np.where(np.arange(100) > 15, np.nan, np.arange(100.0) % 5), "missing"),
        (np.full(100, np.nan), "missing"),
        (np.full(100, 3.0), "unchanging"),
        (np.arange(100.0), "unchanging"),
        (np.arange(20.0) % 5, ""),
    ],
)
def test_a_season_that_cannot_be_told_has_a_reason(y, why):
    found = describe_series(y, 7)
    assert found.untold == why
    assert np.isnan(found.season) == bool(why)
    assert describe_series(y, 1).untold == ""


def test_what_cannot_be_told_is_left_open():
    assert np.isnan(describe_series(np.arange(10.0), 12).season)
    constant = describe_series(np.full(50, 3.0), 4)
    assert constant.constant
    assert np.isnan(constant.season)
    empty = describe_series(np.full(30, np.nan), 4)
    assert (empty.missing, empty.longest_gap, empty.constant) == (30, 30, False)
    assert np.isnan(empty.low)
    demand = np.where(np.arange(100) % 9 == 0, 5.0, 0.0)
    assert describe_series(demand, 1).zeros == pytest.approx(0.88)
    assert describe_series(demand, 1).outliers.tolist() == []
