"""What the residuals of a backtest show, where it is known what is wrong with the forecasts."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.conftest import monthly_table
from tsrnn import backtest
from tsrnn.evaluation.residuals import MOST_SAMPLED, autocorrelation
from tsrnn.evaluation.significance import interval_of_mean


def level(offset=0.0):
    """Return a model that forecasts the mean of white noise, 0, and errs by an offset."""

    def forecast(train, h):
        return np.full(h, offset)

    return forecast


def noise(n_series, rows, seed=0, kind="white"):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(rows, n_series))
    if kind == "swinging":
        for t in range(1, rows):
            y[t] += 0.9 * y[t - 1]
    return pd.DataFrame(y, pd.date_range("2020-01-01", periods=rows), columns=[f"s{i}" for i in range(n_series)])


OPTIONS = {"h": 4, "n_windows": 20, "step_size": 4, "season_length": 1, "level": ()}


def test_every_number_agrees_with_the_table_of_forecasts():
    table = monthly_table(n_series=3)
    result = backtest(["Drift", "Theta"], table, h=3, n_windows=4, step_size=3, gap=1)
    scale = {}
    for name, one in table.groupby("unique_id"):
        y = one["y"].to_numpy()[: 60 - 3 * 3 - 4]
        scale[name] = np.abs(y[12:] - y[:-12]).mean()
    forecasts = result.forecasts
    residual = (forecasts["y"] - forecasts["Drift"]) / forecasts["unique_id"].map(scale)
    summary = result.residuals.summary.set_index("model").loc["Drift"]
    assert summary["bias"] == pytest.approx(residual.mean())
    assert summary["spread"] == pytest.approx(residual.std(ddof=0))
    assert summary["p5"] == pytest.approx(residual.quantile(0.05))
    assert summary["p95"] == pytest.approx(residual.quantile(0.95))
    steps = result.residuals.by_step.set_index(["model", "step"]).loc["Drift"]
    assert steps["bias"].to_dict() == pytest.approx(residual.groupby(forecasts["step"]).mean().to_dict())
    assert steps.index.tolist() == [2, 3, 4]
    sample = result.residuals.sample
    assert sorted(sample.loc[sample["model"] == "Drift", "residual"]) == pytest.approx(sorted(residual))


def test_a_forecast_that_is_too_low_has_a_bias_above_zero_and_an_unbiased_one_none():
    table = noise(1, 120)
    result = backtest({"fair": level(), "low": level(-0.5), "high": level(0.5)}, table, **OPTIONS)
    summary = result.residuals.summary.set_index("model")
    assert summary.loc["fair", "bias_low"] < 0 < summary.loc["fair", "bias_high"]
    assert summary.loc["low", "bias_low"] > 0
    assert summary.loc["high", "bias_high"] < 0
    # In units of the mean absolute change before the first cutoff.
    unit = table["s0"].iloc[:40].diff().abs().mean()
    assert summary.loc["low", "bias"] - summary.loc["high", "bias"] == pytest.approx(1 / unit)


@pytest.mark.parametrize("n_series", [1, 12])
def test_white_residuals_are_called_autocorrelated_about_one_time_in_twenty(n_series):
    found = []
    for seed in range(30):
        result = backtest(level(), noise(n_series, 120, seed), **OPTIONS)
        lags = result.residuals.autocorrelation
        assert lags["lag"].tolist() == [4 * k for k in range(1, 11)]
        found += (lags["autocorrelation"].abs() > lags["reach"]).tolist()
    # 300 of them; neighbouring lags are nearly independent.
    assert 0.01 <= np.mean(found) <= 0.09


def test_what_a_model_leaves_unforecast_is_seen_as_autocorrelation():
    options = {**OPTIONS, "h": 1, "step_size": 1, "n_windows": 40}
    result = backtest(level(), noise(3, 120, kind="swinging"), **options)
    lags = result.residuals.autocorrelation.set_index("lag")
    assert lags.loc[1, "autocorrelation"] > lags.loc[1, "reach"]
    assert lags.loc[1, "autocorrelation"] == pytest.approx(0.9, abs=0.15)
    assert result.residuals.summary["autocorrelation"].tolist() == [lags.loc[1, "autocorrelation"]]


def test_of_one_series_the_autocorrelation_is_the_textbook_one():
    first = np.random.default_rng(0).normal(size=(1, 60)).cumsum(1)
    found = autocorrelation(first).set_index("lag")["autocorrelation"]
    around = first[0] - first.mean()
    for lag in (1, 3):
        expected = (around[lag:] * around[:-lag]).sum()
        expected /= np.sqrt((around[lag:] ** 2).sum() * (around[:-lag] ** 2).sum())
        assert found[lag] == pytest.approx(expected)


def test_one_wild_series_does_not_stand_for_all():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(40, 12))
    first[0] = 1e6 * np.tile([1.0, -1.0], 6)
    assert abs(autocorrelation(first)["autocorrelation"].iloc[0]) < 0.15


def test_series_that_share_their_shocks_are_not_counted_as_many():
    shared = np.repeat(np.random.default_rng(0).normal(size=(1, 30)), 50, axis=0)
    alone = autocorrelation(shared[:1]).set_index("lag").loc[1]
    together = autocorrelation(shared).set_index("lag").loc[1]
    assert together["autocorrelation"] == pytest.approx(alone["autocorrelation"])
    assert together["reach"] > 0.2


def test_lags_at_which_forecasts_share_unseen_steps_are_left_out():
    result = backtest(level(), noise(1, 120), h=2, gap=5, n_windows=20, step_size=2, season_length=1, level=())
    # The first scored step is the sixth one: cutoffs 2 and 4 steps apart share shocks with it, 6 apart do not.
    assert result.residuals.autocorrelation["lag"].min() == 6


@pytest.mark.parametrize(
    "first",
    [
        np.full((3, 20), np.nan),
        np.zeros((3, 20)),
        np.ones((1, 9)),
        np.empty((0, 5)),
        np.random.default_rng(0).normal(size=(1, 3)),
    ],
    ids=["unknown", "zero", "constant", "none", "too few"],
)
def test_where_nothing_can_be_correlated_there_are_no_lags(first):
    table = autocorrelation(first)
    assert table.empty
    assert table.dtypes.astype(str).tolist() == ["int64", "float64", "float64"]


def test_a_series_without_mase_has_no_residuals_and_breaks_nothing():
    table = pd.DataFrame({"constant": np.ones(40)}, pd.date_range("2020-01-01", periods=40))
    result = backtest("Naive", table, h=2, n_windows=4, season_length=1)
    assert result.residuals.sample.empty
    assert result.residuals.summary[["bias", "bias_low", "spread", "p5", "autocorrelation"]].isna().all(axis=None)
    # Every quantile is what happened, so half of it lies below each.
    assert (result.by_quantile["below"] == 0.5).all()


def test_the_sample_is_limited_and_of_the_same_forecasts_for_every_model(monkeypatch):
    table = noise(30, 60)
    monkeypatch.setattr("tsrnn.evaluation.collect.MOST_SAMPLED", 300)
    result = backtest({"a": level(), "b": level(1.0)}, table, **{**OPTIONS, "n_windows": 10})
    a, b = (one["residual"].to_numpy() for _, one in result.residuals.sample.groupby("model"))
    assert 180 <= len(a) <= 420
    assert np.ptp(a - b) < np.ptp(a)
    assert len(a) == len(b)
    # In units of the scale of its series, b errs by 1 more.
    assert (a - b > 0.5).all()
    assert MOST_SAMPLED >= 10_000


def test_shares_below_the_quantiles_are_those_of_the_forecasts():
    table = noise(4, 80)
    result = backtest(["WindowAverage", "Naive"], table, **{**OPTIONS, "n_windows": 10, "level": (80, 50)})
    shares = result.by_quantile.set_index(["model", "quantile"])["below"]
    forecasts = result.forecasts
    for model in ("WindowAverage", "Naive"):
        for quantile, column in ((0.1, "-lo-80"), (0.75, "-hi-50"), (0.5, "")):
            expected = (forecasts["y"] < forecasts[model + column]).mean()
            assert shares[model, quantile] == pytest.approx(expected)
    assert shares["Naive"].index.tolist() == [0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9]
    assert shares["Naive"].is_monotonic_increasing


def test_points_without_quantiles_have_only_the_share_below_their_median():
    shares = backtest(level(), noise(1, 60), **{**OPTIONS, "n_windows": 5}).by_quantile.set_index("quantile")["below"]
    assert shares.notna().sum() == 1
    assert 0 < shares[0.5] < 1


def test_what_was_not_observed_has_no_residual():
    table = monthly_table(n_series=2)
    holes = table.copy()
    holes.loc[[55, 56, 58], "y"] = np.nan
    whole, missing = (backtest("Naive", t, h=3, n_windows=4, step_size=3) for t in (table, holes))
    assert len(missing.residuals.sample) == len(whole.residuals.sample) - 3


def test_the_interval_of_a_mean_is_that_of_a_t_test():
    values = np.random.default_rng(0).normal(0.3, 1, (3, 15))
    mean, low, high = interval_of_mean(values, 1)
    expected = stats.ttest_1samp(values.mean(0), 0).confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx((values.mean(), *expected))
    rows = np.random.default_rng(0).normal(0.3, 1, (12, 2))
    expected = stats.ttest_1samp(rows.mean(1), 0).confidence_interval(0.95)
    assert interval_of_mean(rows, 1) == pytest.approx((rows.mean(), *expected))


def test_the_interval_of_a_mean_holds_the_truth_nineteen_times_in_twenty_where_forecasts_are_missing():
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        values = rng.normal(1, 1, (12, 5)) + rng.normal(0, 1, (12, 1))
        values[rng.random(values.shape) < 0.4] = np.nan
        mean, low, high = interval_of_mean(values, 1)
        held += low <= 1 <= high
        assert mean == pytest.approx(np.nanmean(values))
    assert 0.91 <= held / 400 <= 0.98


def test_too_few_forecasts_have_a_mean_and_no_interval():
    mean, low, high = interval_of_mean(np.ones((7, 1)), 1)
    assert mean == 1
    assert np.isnan([low, high]).all()
    assert np.isnan(interval_of_mean(np.full((3, 3), np.nan), 1)).all()


def test_many_series_cost_no_memory_of_their_square():
    mean, low, high = interval_of_mean(np.random.default_rng(0).normal(size=(100_000, 1)), 1)
    assert low < mean < high
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(100_000), rel=0.02)
