import numpy as np
import pytest
from statsmodels.tsa.seasonal import seasonal_decompose

from benchmarks.naive2 import naive2
from tsrnn.forecasting.classical_season import is_seasonal


def seasonal_series(n, m):
    t = np.arange(n)
    return (100 + t) * (1.5 + np.sin(2 * np.pi * t / m)) + np.random.default_rng(0).normal(0, 1, n)


@pytest.mark.parametrize(("n", "m"), [(48, 12), (53, 12), (40, 7), (30, 4)])
def test_naive2_agrees_with_the_classical_decomposition_of_statsmodels(n, m):
    y = seasonal_series(n, m)
    assert is_seasonal(y, m)
    index = seasonal_decompose(y, model="multiplicative", period=m).seasonal[:m]
    expected = (y / np.tile(index, n)[:n])[-1] * np.tile(index, n)[n % m :][:20]
    np.testing.assert_allclose(naive2(y, m, 20), expected)


def test_naive2_is_the_last_value_without_a_season_or_with_values_that_are_not_positive():
    np.testing.assert_array_equal(naive2(np.random.default_rng(0).normal(50, 1, 48), 12, 3).std(), 0.0)
    y = seasonal_series(48, 12)
    y[5] = 0.0
    np.testing.assert_array_equal(naive2(y, 12, 3), np.full(3, y[-1]))
    np.testing.assert_array_equal(naive2(np.array([7.0]), 24, 2), [7.0, 7.0])
