import numpy as np
import pytest
from scipy.stats import norm

from tests.conftest import monthly_table
from tsrnn import Naive, WindowAverage
from tsrnn.errors import ParameterError
from tsrnn.forecasting.drift import drift_quantiles
from tsrnn.forecasting.naive import seasonal_naive_quantiles
from tsrnn.forecasting.window_average import window_average_quantiles


def test_the_naive_forecast_repeats_the_last_value_and_widens_like_a_random_walk():
    table = monthly_table(n_series=1)
    y = table["y"].to_numpy()
    answer = Naive().fit(table).predict(h=4, level=80)
    assert (answer["yhat"] == y[-1]).all()
    sigma = np.sqrt(np.mean(np.diff(y) ** 2))
    half = norm.ppf(0.9) * sigma * np.sqrt(np.arange(1, 5))
    np.testing.assert_allclose(answer["yhat-hi-80"] - answer["yhat"], half)


def test_a_drift_worked_by_hand():
    # Slope (7 - 1) / 3 = 2; changes 4, -1, 3 less 2 are 2, -3, 1: sigma^2 = 14 / 2.
    values = drift_quantiles(np.array([1.0, 5.0, 4.0, 7.0]), 2, [0.1, 0.5])
    assert values[:, 1].tolist() == [9.0, 11.0]
    spread = np.sqrt(7) * np.sqrt(np.array([1 * (1 + 1 / 3), 2 * (1 + 2 / 3)]))
    np.testing.assert_allclose(values[:, 0] - values[:, 1], norm.ppf(0.1) * spread)


def test_a_drift_steps_over_missing_values():
    y = np.array([np.nan, 1.0, np.nan, 5.0, np.nan])
    # The last observed value is one row back, so the first forecast is two steps of 2 after it.
    assert drift_quantiles(y, 2, [0.5]).ravel().tolist() == [9.0, 11.0]


def test_the_intervals_of_a_drift_hold_their_share():
    rng = np.random.default_rng(0)
    walks = np.cumsum(rng.normal(0.3, 1, size=(4000, 40)), axis=1)
    inside = [
        low <= walk[-1] <= high for walk in walks for low, high in drift_quantiles(walk[:30], 10, [0.1, 0.9])[-1:]
    ]
    assert np.mean(inside) == pytest.approx(0.8, abs=0.025)


def test_a_window_average_worked_by_hand():
    y = np.array([2.0, 4.0, np.nan, 9.0, 5.0])
    values = window_average_quantiles(y, 2, 3, [0.5, 0.9])
    assert values[:, 0].tolist() == [7.0, 7.0, 7.0]
    # One step ahead the means 3 and 6.5 missed 9 and 5; two steps ahead 3 missed 5. Three steps are not told.
    one, two = np.sqrt((6**2 + 1.5**2) / 2), 2.0
    np.testing.assert_allclose(values[:, 1] - 7, norm.ppf(0.9) * np.maximum.accumulate([one, two, two]))


def test_the_default_window_is_a_season():
    table = monthly_table(n_series=1)
    model = WindowAverage().fit(table)
    assert model.window_size_ == 12
    assert model.predict(h=1)["yhat"].iloc[0] == pytest.approx(table["y"].tail(12).mean())
    assert WindowAverage(season_length=1).fit(table).window_size_ == 3


@pytest.mark.parametrize("size", [0, -2, 1.5, True])
def test_an_impossible_window_is_refused(size):
    with pytest.raises(ParameterError, match="expected a whole number of values, 1 or more"):
        WindowAverage(window_size=size).fit(monthly_table())


@pytest.mark.parametrize("factor", [1e-200, 1e-12, 1e12, 1e200])
def test_forecasts_follow_the_scale(factor):
    y = np.random.default_rng(0).normal(size=30)
    for quantiles in (
        lambda y: drift_quantiles(y, 9, [0.1, 0.9]),
        lambda y: window_average_quantiles(y, 5, 9, [0.1, 0.9]),
        lambda y: seasonal_naive_quantiles(y, 1, 9, [0.1, 0.9]),
    ):
        np.testing.assert_allclose(quantiles(y * factor), quantiles(y) * factor, rtol=1e-9)


def test_one_value_is_repeated_and_none_gives_nan():
    for quantiles in (drift_quantiles, lambda y, h, q: window_average_quantiles(y, 4, h, q)):
        assert (quantiles(np.array([np.nan, 3.0]), 2, [0.1, 0.9]) == 3).all()
        assert np.isnan(quantiles(np.full(4, np.nan), 2, [0.1, 0.9])).all()
        assert quantiles(np.array([1.0, 2.0]), 3, [0.5]).shape == (3, 1)
