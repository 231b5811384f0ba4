import numpy as np
import pytest
from scipy.stats import norm

from tsrnn.forecasting.naive import seasonal_naive_quantiles


def test_a_case_worked_by_hand():
    # Seasonal differences 1 and 3: sigma = sqrt((1 + 9) / 2) = sqrt(5); the third step is a second season ahead.
    values = seasonal_naive_quantiles(np.array([1.0, 5.0, 2.0, 8.0]), 2, 3, [0.1, 0.5])
    assert values[:, 1].tolist() == [2.0, 8.0, 2.0]
    spread = np.sqrt(5) * np.array([1, 1, np.sqrt(2)])
    np.testing.assert_allclose(values[:, 0], np.array([2, 8, 2]) + norm.ppf(0.1) * spread)


def test_a_missing_value_is_carried_from_an_earlier_season():
    y = np.array([1.0, 2.0, 3.0, 4.0, np.nan, 6.0, 7.0])
    assert seasonal_naive_quantiles(y, 3, 3, [0.5]).ravel().tolist() == [2.0, 6.0, 7.0]


def test_only_pairs_of_observed_values_make_the_spread():
    y = np.array([0.0, 0.0, 2.0, np.nan, 2.0, 0.0])
    # The only pairs two apart that are observed: (0, 2), (2, 2); (0, nan) and (nan, 0) do not count.
    values = seasonal_naive_quantiles(y, 2, 1, [0.9])
    assert values[0, 0] == pytest.approx(2 + norm.ppf(0.9) * np.sqrt(2))


def test_a_position_that_was_never_observed_takes_the_last_value():
    assert seasonal_naive_quantiles(np.array([1.0, 4.0]), 4, 4, [0.5]).ravel().tolist() == [4.0, 4.0, 1.0, 4.0]


def test_a_single_value_has_no_spread_and_none_gives_nan():
    assert (seasonal_naive_quantiles(np.array([3.0]), 4, 5, [0.1, 0.9]) == 3).all()
    assert np.isnan(seasonal_naive_quantiles(np.full(5, np.nan), 4, 2, [0.1, 0.9])).all()
    assert np.isnan(seasonal_naive_quantiles(np.empty(0), 4, 2, [0.5])).all()


@pytest.mark.parametrize("factor", [1e-200, 1e-12, 1e12, 1e200])
def test_the_forecast_follows_the_scale(factor):
    y = np.random.default_rng(0).normal(size=30)
    once = seasonal_naive_quantiles(y, 4, 9, [0.1, 0.5, 0.9])
    np.testing.assert_allclose(seasonal_naive_quantiles(y * factor, 4, 9, [0.1, 0.5, 0.9]), once * factor, rtol=1e-9)
