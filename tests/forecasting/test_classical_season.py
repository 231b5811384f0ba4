import numpy as np
import pytest
from statsmodels.tsa.stattools import acf

from tsrnn.forecasting.classical_season import is_seasonal


def wave(n):
    t = np.arange(n)
    return (100 + t) * (1.5 + np.sin(2 * np.pi * t / 12)) + np.random.default_rng(0).normal(0, 1, n)


@pytest.mark.parametrize("seed", range(5))
def test_the_season_test_uses_the_autocorrelations_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=40) + 0.4 * np.sin(np.pi * np.arange(40) / 2)
    r = acf(y, nlags=4, fft=False)[1:]
    expected = abs(r[3]) > 1.645 * np.sqrt((1 + 2 * (r[:3] ** 2).sum()) / 40)
    assert is_seasonal(y, 4) == expected


def test_the_season_test_finds_a_season_only_where_there_is_one_and_enough_of_it():
    assert is_seasonal(wave(48), 12)
    peaks = (np.arange(36) % 12 == 5).astype(float)
    assert is_seasonal(peaks, 12)
    assert not is_seasonal(peaks[:35], 12)
    assert not is_seasonal(np.random.default_rng(0).normal(size=48), 12)
    assert not is_seasonal(np.full(48, 2.0), 12)
    assert not is_seasonal(wave(48), 1)
