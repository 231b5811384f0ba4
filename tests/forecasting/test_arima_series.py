import numpy as np
import pytest

from tsrnn.forecasting.arima_form import Order
from tsrnn.forecasting.arima_season import fit_harmonics
from tsrnn.forecasting.arima_series import SeriesModel, fit_series, forecast_series
from tsrnn.forecasting.naive import seasonal_naive_quantiles
from tsrnn.forecasting.per_series import stand_in

QUANTILES = [0.1, 0.5, 0.9]
RNG = np.random.default_rng(5)
ROWS = np.arange(96)
MONTHLY = 50 + 0.3 * ROWS + 8 * np.sin(2 * np.pi * ROWS / 12) + RNG.normal(size=96)


def forecast(y: np.ndarray, season_length: int, h: int = 6, order: Order | None = None) -> np.ndarray:
    model = fit_series(y, season_length, order)
    ends = np.array([len(y)])
    values = forecast_series(model, y, ends, h, QUANTILES)
    stand_in(values, y, ends, season_length, QUANTILES)
    return values[0]


def test_a_trend_and_a_season_are_continued():
    rows = np.arange(96, 120)
    expected = 50 + 0.3 * rows + 8 * np.sin(2 * np.pi * rows / 12)
    values = forecast(MONTHLY, 12, 24)
    assert np.abs(values[:, 1] - expected).max() < 3
    assert np.abs(values[:, 1] - expected).mean() < 1.2
    assert (np.diff(values, axis=1) > 0).all()


@pytest.mark.parametrize("factor", [1e-12, 3.0, 1e12])
def test_the_forecast_follows_the_scale(factor):
    once = forecast(MONTHLY, 12)
    # The maximum of the likelihood is found to about five digits.
    np.testing.assert_allclose(forecast(MONTHLY * factor, 12), once * factor, rtol=1e-5)


def test_the_forecast_of_a_differenced_model_follows_the_level():
    order = Order(0, 1, 1, 0, 1, 1, 12)
    once = forecast(MONTHLY, 12, order=order)
    np.testing.assert_allclose(forecast(MONTHLY + 1e6, 12, order=order), once + 1e6, rtol=0, atol=1e-2)


@pytest.mark.parametrize("value", [0.0, 7.0, -1e12, 1e-12])
def test_a_constant_series_stays_constant(value):
    values = forecast(np.full(40, value), 12)
    np.testing.assert_allclose(values, value, rtol=1e-9, atol=0)


def test_a_perfect_line_and_a_perfect_season_go_on():
    np.testing.assert_allclose(forecast(np.arange(40.0), 1)[:, 1], np.arange(40, 46), rtol=1e-6)
    season = np.tile([1.0, 5.0, 2.0, 8.0], 10)
    np.testing.assert_allclose(forecast(season, 4)[:, 1], [1, 5, 2, 8, 1, 5], rtol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_than_four_values_are_forecast_by_the_seasonal_naive(n):
    y = np.array([3.0, 5.0, 4.0])[:n]
    model = fit_series(y, 1)
    assert model.trouble == "short"
    values = forecast_series(model, y, np.array([n]), 4, QUANTILES)
    assert np.isnan(values).all()
    assert stand_in(values, y, np.array([n]), 1, QUANTILES) == 1
    np.testing.assert_array_equal(values[0], seasonal_naive_quantiles(y, 1, 4, QUANTILES))


@pytest.mark.parametrize("n", [4, 5, 6, 8, 11, 13, 25])
@pytest.mark.parametrize("season_length", [1, 4, 12, 52])
def test_short_series_have_finite_forecasts(n, season_length):
    assert np.isfinite(forecast(MONTHLY[:n], season_length)).all()


def test_a_cutoff_before_anything_was_observed_is_nan():
    y = np.concatenate([np.full(5, np.nan), MONTHLY])
    model = fit_series(y, 12)
    ends = np.array([0, 5, 6, 101])
    values = forecast_series(model, y, ends, 3, QUANTILES)
    # One value is too few for a model with a seasonal difference.
    assert np.isnan(values).all((1, 2)).tolist() == [True, True, True, False]
    assert stand_in(values, y, ends, 12, QUANTILES) == 1
    assert np.isfinite(values).all((1, 2)).tolist() == [False, False, True, True]
    assert fit_series(np.full(20, np.nan), 12).trouble == "short"


def test_missing_values_are_not_filled_for_the_estimate_or_the_forecast():
    y = MONTHLY.copy()
    y[[20, 21, 22, 50, 80]] = np.nan
    order = Order(1, 1, 0, 0, 1, 1, 12)
    gapped, complete = fit_series(y, 12, order), fit_series(MONTHLY, 12, order)
    assert gapped.estimate is not None
    assert complete.estimate is not None
    assert not np.allclose(gapped.estimate.x, complete.estimate.x, atol=1e-4)
    values = forecast(y, 12, order=order)
    assert np.abs(values[:, 1] - forecast(MONTHLY, 12, order=order)[:, 1]).max() < 2


def test_values_missing_at_the_end_widen_the_interval():
    y = np.concatenate([MONTHLY, np.full(6, np.nan)])
    model = fit_series(y, 12, Order(0, 1, 1, 0, 1, 1, 12))
    late, early = (forecast_series(model, y, np.array([end]), 1, QUANTILES)[0, 0] for end in (len(y), len(MONTHLY)))
    assert late[2] - late[0] > early[2] - early[0]


def test_an_order_that_a_series_is_too_short_for_is_trouble():
    assert fit_series(MONTHLY[:14], 12, Order(1, 1, 1, 1, 1, 1, 12)).trouble == "failed"


def test_eighty_percent_intervals_hold_eighty_percent():
    inside = []
    for seed in range(120):
        noise = np.random.default_rng(seed).normal(size=70)
        y = np.cumsum(noise[1:] + 0.5 * noise[:-1])
        values = forecast(y[:60], 1, 9, Order(0, 1, 1))
        inside.append((values[:, 0] <= y[60:]) & (y[60:] <= values[:, 2]))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.06)


def test_a_long_season_is_found_as_harmonics():
    rows = np.arange(700)
    season = 5 * np.sin(2 * np.pi * 7 * rows / 168) + 3 * np.cos(2 * np.pi * rows / 168)
    y = season + 0.01 * rows + 0.3 * RNG.normal(size=700)
    harmonics = fit_harmonics(y, 168)
    assert harmonics is not None
    assert harmonics.numbers.tolist() == [1, 7]
    np.testing.assert_allclose(harmonics.at(rows), season, atol=0.2)
    model = fit_series(y, 168)
    assert "2 harmonics of 168" in model.describe()
    ahead = np.arange(700, 748)
    expected = 5 * np.sin(2 * np.pi * 7 * ahead / 168) + 3 * np.cos(2 * np.pi * ahead / 168) + 0.01 * ahead
    values = forecast_series(model, y, np.array([700]), 48, [0.5])[0, :, 0]
    assert np.abs(values - expected).mean() < 0.6


def test_a_long_season_needs_two_seasons_and_a_pattern():
    assert fit_harmonics(np.sin(np.arange(100.0)), 52) is None
    assert fit_harmonics(np.arange(200.0), 52) is None
    assert fit_harmonics(RNG.normal(size=400), 52) is None


def test_harmonics_of_a_long_history_are_those_of_its_newest_rows():
    rows = np.arange(3001)
    y = 5 * np.sin(2 * np.pi * (rows + 9) / 52) + 0.1 * RNG.normal(size=3001)
    model = fit_series(y, 52)
    assert model.season is not None
    season = model.unit * model.season.at(rows)
    np.testing.assert_allclose(season, 5 * np.sin(2 * np.pi * (rows + 9) / 52), atol=0.2)


def test_a_model_without_estimate_is_called_seasonal_naive():
    assert SeriesModel(None, trouble="failed").describe() == "seasonal naive"
