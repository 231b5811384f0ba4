import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, root_mean_squared_error

from tsrnn import metrics
from tsrnn.metrics import (
    coverage,
    interval_score,
    mae,
    mase,
    mean_where,
    owa,
    pinball,
    rmse,
    seasonal_scale,
    smape,
    weighted_quantile_loss,
)
from tsrnn.preprocessing.scaling import scale_windows


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    return rng.normal(5, 3, (6, 20)), rng.normal(5, 3, (6, 20))


def test_mean_where_averages_what_is_marked_and_has_no_answer_without_any():
    values = np.array([[1.0, np.nan, 5.0], [2.0, 3.0, 4.0]])
    where = np.array([[True, False, True], [False, False, False]])
    np.testing.assert_array_equal(mean_where(values, where), [3.0, np.nan])
    np.testing.assert_array_equal(mean_where(values, where, None), 3.0)


def test_mae_and_rmse_agree_with_scikit_learn(pairs):
    y, yhat = pairs
    for row in range(len(y)):
        assert mae(y, yhat)[row] == pytest.approx(mean_absolute_error(y[row], yhat[row]))
        assert rmse(y, yhat)[row] == pytest.approx(root_mean_squared_error(y[row], yhat[row]))
    assert float(mae(y, yhat, None)) == pytest.approx(mean_absolute_error(y.ravel(), yhat.ravel()))


def test_smape_runs_from_0_to_200_and_counts_two_zeros_as_right():
    y, yhat = np.array([10.0, 0.0, 0.0, 4.0]), np.array([30.0, 0.0, 7.0, 4.0])
    assert float(smape(y, yhat)) == pytest.approx((200 * 20 / 40 + 0 + 200 + 0) / 4)
    assert float(smape(np.array([-3.0]), np.array([3.0]))) == pytest.approx(200)


def test_mase_worked_by_hand():
    train = np.array([1.0, 3.0, 2.0, 6.0])
    assert seasonal_scale(train, 2) == pytest.approx((1 + 3) / 2)
    assert seasonal_scale(train, 1) == pytest.approx((2 + 1 + 4) / 3)
    y, yhat = np.array([[5.0, 7.0]]), np.array([[4.0, 10.0]])
    np.testing.assert_allclose(mase(y, yhat, np.array([2.0])), [1.0])


@pytest.mark.parametrize("train", [np.full(10, 3.0), np.array([1.0, 2.0]), np.array([]), np.full(9, np.nan)])
def test_a_series_that_never_changes_over_a_season_has_no_mase(train):
    assert np.isnan(seasonal_scale(train, 3))
    assert np.isnan(mase(np.array([[1.0]]), np.array([[2.0]]), seasonal_scale(train, 3))).all()


@pytest.mark.parametrize("factor", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("level", [0.0, 1.0, 1e6])
def test_a_season_that_repeats_up_to_rounding_has_no_mase(level, factor):
    train = factor * (level + np.sin(2 * np.pi * np.arange(120) / 12))
    train[5] = np.nan
    assert np.isnan(seasonal_scale(train, 12))
    train[7] += factor
    assert seasonal_scale(train, 12) == pytest.approx(factor / 107, rel=1e-6)


@pytest.mark.parametrize("factor", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize(("share", "is_constant"), [(0.5, True), (2.0, False)])
def test_what_is_constant_is_the_same_for_metrics_and_networks(share, is_constant, factor):
    y = factor * (1 + share * metrics.CONSTANT * (np.arange(40) % 2))
    assert np.isnan(seasonal_scale(y, 1)) == is_constant
    window = torch.from_numpy(y)[None]
    scale = scale_windows(window, torch.ones_like(window, dtype=torch.bool), "seasonal", 1)[2]
    assert (scale == 0).item() == is_constant


def test_a_missing_training_value_removes_both_of_its_pairs():
    assert seasonal_scale(np.array([1.0, np.nan, 4.0, 6.0]), 1) == pytest.approx(2.0)


def test_what_was_forecast_for_an_unobserved_value_does_not_matter(pairs):
    y, yhat = pairs
    y = np.where(np.arange(20) % 3 == 0, np.nan, y)
    other = np.where(np.isnan(y), 1e9, yhat)
    for score in (mae, rmse, smape):
        np.testing.assert_array_equal(score(y, yhat), score(y, other))
        np.testing.assert_allclose(score(y, yhat)[0], score(y[0][~np.isnan(y[0])], yhat[0][~np.isnan(y[0])]))
    q, changed = yhat[..., None], other[..., None]
    assert weighted_quantile_loss(y, q, [0.3]) == weighted_quantile_loss(y, changed, [0.3])
    assert coverage(y, yhat - 1, yhat + 1) == coverage(y, other - 1, other + 1)


def test_without_any_pair_no_measure_has_an_answer():
    y, yhat = np.full(3, np.nan), np.ones(3)
    for score in (mae, rmse, smape):
        assert np.isnan(score(y, yhat))
    assert np.isnan(coverage(y, yhat, yhat))
    assert np.isnan(weighted_quantile_loss(y, yhat[:, None], [0.5]))
    assert np.isnan(weighted_quantile_loss(np.zeros(3), yhat[:, None], [0.5]))


@pytest.mark.parametrize("quantile", [0.025, 0.5, 0.9])
def test_pinball_agrees_with_scikit_learn(pairs, quantile):
    y, q = pairs
    expected = mean_pinball_loss(y.ravel(), q.ravel(), alpha=quantile)
    assert pinball(y, q, quantile).mean() == pytest.approx(expected)


def test_weighted_quantile_loss_worked_by_hand():
    y, q = np.array([2.0, -4.0]), np.array([[1.0, 3.0], [-5.0, -4.0]])
    first = 2 * (0.2 * 1 + 0.2 * 1) / 6
    second = 2 * (0.1 * 1 + 0) / 6
    assert weighted_quantile_loss(y, q, [0.2, 0.9]) == pytest.approx((first + second) / 2)


def test_weighted_quantile_loss_over_many_quantiles_is_the_scaled_crps_of_a_normal_distribution():
    rng = np.random.default_rng(1)
    y, mean, spread = rng.normal(3, 2, 50), rng.normal(3, 1, 50), rng.uniform(0.5, 2, 50)
    levels = (np.arange(2000) + 0.5) / 2000
    z = (y - mean) / spread
    crps = spread * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    q = mean[:, None] + spread[:, None] * stats.norm.ppf(levels)
    assert weighted_quantile_loss(y, q, levels) == pytest.approx(crps.sum() / np.abs(y).sum(), rel=1e-3)


def test_the_interval_score_is_the_quantile_loss_of_both_ends(pairs):
    y, lower = pairs
    upper = lower + 2.0
    alpha = 0.2
    expected = 2 / alpha * (pinball(y, lower, alpha / 2) + pinball(y, upper, 1 - alpha / 2))
    np.testing.assert_allclose(interval_score(y, lower, upper, 80), expected)
    inside = interval_score(np.array([1.0]), np.array([0.0]), np.array([2.0]), 95)
    np.testing.assert_allclose(inside, [2.0])


def test_coverage_includes_the_ends():
    y = np.array([0.0, 2.0, 2.1, np.nan, 1.0])
    lower, upper = np.zeros(5), np.array([2.0, 2.0, 2.0, 2.0, np.nan])
    assert coverage(y, lower, upper) == pytest.approx(2 / 3)


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_scaled_measures_do_not_depend_on_the_unit(pairs, factor):
    y, yhat = pairs
    scale = np.array([seasonal_scale(row, 4) for row in y])
    scaled = np.array([seasonal_scale(row, 4) for row in y * factor])
    np.testing.assert_allclose(mase(y * factor, yhat * factor, scaled), mase(y, yhat, scale))
    np.testing.assert_allclose(smape(y * factor, yhat * factor), smape(y, yhat))
    loss = weighted_quantile_loss(y, yhat[..., None], [0.3])
    assert weighted_quantile_loss(y * factor, yhat[..., None] * factor, [0.3]) == pytest.approx(loss)


def test_owa_of_naive2_itself_is_1_and_averages_the_two_ratios():
    assert owa(18.383, 2.395, 18.383, 2.395) == pytest.approx(1.0)
    assert owa(9.0, 3.0, 18.0, 2.0) == pytest.approx((0.5 + 1.5) / 2)


def test_the_measures_agree_with_utilsforecast(pairs):
    losses = pytest.importorskip("utilsforecast.losses")
    y, yhat = pairs
    train = np.random.default_rng(2).normal(size=(6, 30))
    ids = np.arange(6)
    test = pd.DataFrame({"unique_id": np.repeat(ids, 20), "ds": np.tile(np.arange(30, 50), 6), "y": y.ravel()})
    test["cutoff"], test["model"] = 29, yhat.ravel()
    past = pd.DataFrame({"unique_id": np.repeat(ids, 30), "ds": np.tile(np.arange(30), 6), "y": train.ravel()})
    scale = np.array([seasonal_scale(row, 7) for row in train])
    np.testing.assert_allclose(losses.rmse(test, ["model"])["model"], rmse(y, yhat))
    # Theirs runs from 0 to 1.
    np.testing.assert_allclose(200 * losses.smape(test, ["model"])["model"], smape(y, yhat))
    past["cutoff"] = 29
    np.testing.assert_allclose(losses.mase(test, ["model"], 7, past)["model"], mase(y, yhat, scale))
