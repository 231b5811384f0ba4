import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.holtwinters import SimpleExpSmoothing
from statsmodels.tsa.seasonal import seasonal_decompose

from tests.conftest import monthly_table
from tsrnn import Theta
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.errors import ParameterError
from tsrnn.forecasting.classical_season import classical_season, find_season
from tsrnn.forecasting.theta_series import VARIANTS, ThetaModel, fit_theta, forecast_theta, lines_so_far

QUANTILES = [0.1, 0.5, 0.9]


def walk(n=80, seed=0, drift=0.5):
    return 50 + np.cumsum(np.random.default_rng(seed).normal(drift, 1, n))


def one_step_forecasts(z, variant, alpha, weight, level, line):
    """The recursion of Fiorucci et al., row by row. Also returns the state after the last row."""
    mean = intercept = slope = 0.0
    if variant in ("STM", "OTM"):
        intercept, slope = line
    forecasts = []
    for t, value in enumerate(z, 1):
        trend = (1 - alpha) ** (t - 1) * intercept + (1 - (1 - alpha) ** t) / alpha * slope
        forecasts.append(level + weight * trend)
        level = alpha * value + (1 - alpha) * level
        if variant in ("DSTM", "DOTM"):
            before, mean = mean, ((t - 1) * mean + value) / t
            slope = ((t - 2) * slope + 6 * (value - before) / t) / (t + 1) if t > 1 else 0.0
            intercept = mean - (t + 1) / 2 * slope
    return np.array(forecasts)


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_parameters_near_the_fitted_ones_have_smaller_errors(variant):
    z = walk()
    model = fit_theta(z, 1, [variant])
    slope, intercept = np.polyfit(np.arange(1, 81), z, 1)

    def squares(alpha, weight, level):
        errors = z - one_step_forecasts(z, variant, alpha, weight, level, (intercept, slope))
        return float(errors[3:] @ errors[3:])

    best = squares(model.alpha, model.weight, model.level)
    assert model.sigma == pytest.approx(np.sqrt(best / (80 - 3 - 3)))
    for alpha in np.clip(model.alpha + np.array([-0.02, 0.0, 0.02]), 0.1, 0.99):
        for weight in np.clip(model.weight + np.array([-0.02, 0.0, 0.02]), 0, 1) if "O" in variant else [0.5]:
            for level in model.level * np.array([0.98, 1.0, 1.02]):
                assert squares(alpha, weight, level) >= best * (1 - 1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_forecasts_continue_the_recursion_with_its_own_forecasts(variant):
    z = walk()
    model = fit_theta(z, 1, [variant])
    extended = z
    for _ in range(6):
        line = model.line
        ahead = one_step_forecasts(np.append(extended, 0.0), variant, model.alpha, model.weight, model.level, line)[-1]
        extended = np.append(extended, ahead)
    np.testing.assert_allclose(forecast_theta(model, [z], 6, [0.5])[0, :, 0], extended[80:], rtol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_intervals_are_those_of_simulated_futures(variant):
    z = walk()
    model = fit_theta(z, 1, [variant])
    rng = np.random.default_rng(1)
    futures = []
    for _ in range(1500):
        path = z
        for _ in range(5):
            one = one_step_forecasts(np.append(path, 0.0), variant, model.alpha, model.weight, model.level, model.line)[
                -1
            ]
            path = np.append(path, one + model.sigma * rng.normal())
        futures.append(path[80:])
    spread = np.diff(forecast_theta(model, [z], 5, [0.5, 0.8413447])[0], axis=1)[:, 0]
    np.testing.assert_allclose(spread, np.std(futures, axis=0), rtol=0.06)


def test_without_a_trend_the_standard_model_is_simple_exponential_smoothing():
    z = np.random.default_rng(3).normal(size=60)
    # A line with no slope and no intercept adds nothing, so the model must equal statsmodels' smoothing.
    model = ThetaModel("STM", 0.4, 0.5, z[0], (0.0, 0.0), 1.0, None)
    expected = SimpleExpSmoothing(z, initialization_method="known", initial_level=z[0]).fit(
        smoothing_level=0.4, optimized=False
    )
    np.testing.assert_allclose(forecast_theta(model, [z], 3, [0.5]).ravel(), expected.forecast(3))


def test_lines_so_far_are_least_squares_lines():
    z = walk(20)
    intercept, slope = lines_so_far(z)
    for n in (2, 5, 20):
        np.testing.assert_allclose([slope[n - 1], intercept[n - 1]], np.polyfit(np.arange(1, n + 1), z[:n], 1))


@pytest.mark.parametrize(("m", "multiplicative"), [(12, True), (4, False), (7, True)])
def test_the_classical_season_agrees_with_statsmodels(m, multiplicative):
    rows = np.arange(5 * m + 3)
    y = 20 + 0.3 * rows + 5 * np.sin(2 * np.pi * rows / m) + np.random.default_rng(0).normal(size=len(rows))
    y = y if multiplicative else y - 40
    season = classical_season(y, m)
    assert season.multiplicative == multiplicative
    expected = seasonal_decompose(y, model="multiplicative" if multiplicative else "additive", period=m).seasonal
    np.testing.assert_allclose(season.at(rows), expected)


def test_a_season_is_found_where_there_is_one_and_rarely_elsewhere():
    rng = np.random.default_rng(0)
    rows = np.arange(60)
    assert find_season(10 * np.sin(2 * np.pi * rows / 12) + rng.normal(size=60), 12) is not None
    assert find_season(np.sin(2 * np.pi * rows[:23] / 12), 12) is None
    assert find_season(np.ones(60), 12) is None
    false = np.mean([find_season(rng.normal(size=120), 12) is not None for _ in range(1000)])
    assert 0.03 < false < 0.13


def test_a_season_keeps_its_phase_at_any_cutoff_and_in_a_later_table():
    rows = np.arange(120)
    season = np.array([0.0, 5, 9, 3, -4, -13])
    y = 50 + season[rows % 6] + 0.1 * np.random.default_rng(0).normal(size=120)
    series = pd.Series(y, pd.RangeIndex(120), name="y")
    model = Theta(season_length=6).fit(series)
    panel = read_panel(series, season_length=6)
    values = model.forecast(panel, Cutoffs(np.zeros(3, int), np.array([60, 61, 64])), 6, [0.5])[:, :, 0]
    for end, forecast in zip((60, 61, 64), values, strict=True):
        np.testing.assert_allclose(forecast, 50 + season[np.arange(end, end + 6) % 6], atol=0.5)
    later = model.predict(h=6, df=series.iloc[50:])
    np.testing.assert_allclose(later, model.predict(h=6), atol=0.2)


def test_gaps_are_interpolated_and_told(monthly):
    gapped = monthly.copy()
    gapped.loc[[10, 11, 80], "y"] = np.nan
    model = Theta().fit(gapped)
    assert model.notes_ == [
        "2 of 3 series have missing values (3 in all), which Theta cannot take; they are interpolated: "
        "series 0, series 1."
    ]
    filled = gapped.assign(y=gapped.groupby("unique_id")["y"].transform(lambda y: y.interpolate()))
    pd.testing.assert_frame_equal(model.predict(h=4, level=80), Theta().fit(filled).predict(h=4, level=80))


def test_short_series_are_forecast_by_the_seasonal_naive_and_named(monthly):
    model = Theta().fit(monthly.drop(monthly.index[3:60]))
    assert model.notes_ == [
        "1 of 3 series could not be fitted by Theta (fewer than 4 observed values) and is forecast by the seasonal "
        "naive: series 0."
    ]
    assert model.variants_["series 0"] == "seasonal naive"
    assert np.isfinite(model.predict(h=3)["yhat"]).all()


@pytest.mark.parametrize("n", [4, 5, 6, 9])
def test_very_short_series_have_finite_forecasts(n):
    values = forecast_theta(fit_theta(walk(n), 1), [walk(n)], 4, QUANTILES)
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=2) > 0).all()


def test_each_variant_can_be_asked_for_and_no_other():
    table = monthly_table(n_series=1)
    for variant in VARIANTS:
        assert Theta(variant).fit(table).variants_["series 0"].startswith(variant)
    assert Theta("STM").fit(table).variants_["series 0"].startswith("STM, theta 2,")
    with pytest.raises(ParameterError, match="variant='theta': expected 'auto', 'STM'"):
        Theta("theta").fit(table)
