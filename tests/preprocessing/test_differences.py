import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn.errors import ParameterError, ShortSeriesError
from tsrnn.preprocessing.differences import Difference
from tsrnn.preprocessing.power import Log
from tsrnn.preprocessing.series_scaler import SeriesScaler

KINDS = [Difference(), Difference(lag=3), Difference(order=2), Difference(lag=2, order=2), Difference(lag=(1, 4))]
ORDER_MATTERS = {
    "check_methods_sample_order_invariance": "a difference is taken from the row before, so rows have an order",
    "check_methods_subset_invariance": "a difference is taken from the row before, so a subset has other differences",
}

numbers = st.floats(-1e100, 1e100, allow_subnormal=False) | st.just(np.nan)


def tables(min_rows=7):
    shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=16).filter(lambda shape: shape[0] >= min_rows)
    return arrays(np.float64, shapes, elements=numbers)


@parametrize_with_checks(
    [Difference(), Difference(lag=2, order=2), Difference(lag=(1, 4))], expected_failed_checks=lambda _: ORDER_MATTERS
)
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def close(found, expected, size):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    return (np.abs(np.nan_to_num(found - expected)) <= 1e-11 * size).all()


def largest(X):
    return np.where(np.isnan(X), 0, np.abs(X)).max(0, keepdims=True)


@pytest.mark.parametrize("difference", KINDS, ids=str)
@given(X=tables())
def test_the_inverse_restores_every_series_gaps_included(difference, X):
    z = difference.fit(X).transform(X)
    np.testing.assert_array_equal(np.isnan(z), np.isnan(X))
    assert close(difference.inverse_transform(z), X, largest(X))


@pytest.mark.parametrize("difference", KINDS, ids=str)
@given(X=tables(min_rows=9), data=st.data())
def test_a_forecast_continues_the_fitted_series(difference, X, data):
    cutoff = data.draw(st.integers(7, len(X) - 1))
    X[cutoff:] = np.nan_to_num(X[cutoff:])
    z = difference.fit(X[:cutoff]).transform(X)[cutoff:]
    # A row whose place in the season was not seen before the cutoff has no level to start from.
    expected = np.where(np.isnan(difference.integrate(np.zeros_like(z))), np.nan, X[cutoff:])
    assert close(difference.integrate(z), expected, largest(X))


@pytest.mark.parametrize("difference", KINDS, ids=str)
def test_a_complete_series_always_has_a_level_to_start_from(difference):
    X = np.random.default_rng(0).normal(size=(12, 2)).cumsum(0)
    z = difference.fit(X[: difference.fit(X).head_ + 1]).transform(X)
    ahead = slice(difference.head_ + 1, None)
    np.testing.assert_allclose(difference.integrate(z[ahead]), X[ahead], atol=1e-12)


def test_after_the_head_complete_series_have_numpys_differences():
    X = np.random.default_rng(0).normal(size=(20, 3))
    for order in (1, 2, 3):
        z = Difference(order=order).fit_transform(X)
        np.testing.assert_allclose(z[order:], np.diff(X, order, axis=0), atol=1e-13)
        np.testing.assert_array_equal(z[0], X[0])


def test_seasonal_differences_worked_by_hand():
    X = np.array([[1.0], [2.0], [4.0], [7.0], [11.0], [16.0]])
    np.testing.assert_array_equal(Difference(lag=2).fit_transform(X).ravel(), [1, 2, 3, 5, 7, 9])
    # First the steps, 1 | 1 2 3 4 5, then from the second row on the changes of the steps two rows apart.
    np.testing.assert_array_equal(Difference(lag=(1, 2)).fit_transform(X).ravel(), [1, 1, 2, 2, 2, 2])


def test_differences_are_those_of_pandas_after_the_head():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["a", "b"])
    difference = Difference(lag=(1, 12)).set_output(transform="pandas")
    z = difference.fit_transform(table)
    pd.testing.assert_frame_equal(z[difference.head_ :], table.diff().diff(12)[difference.head_ :])
    assert list(difference.get_feature_names_out()) == ["a", "b"]


def test_a_gap_costs_no_more_than_itself():
    X = np.array([[1.0], [np.nan], [np.nan], [7.0], [8.0]])
    difference = Difference().fit(X)
    np.testing.assert_array_equal(difference.transform(X).ravel(), [1.0, np.nan, np.nan, 6.0, 1.0])
    X = np.array([[np.nan], [np.nan], [5.0], [7.0], [10.0]])
    np.testing.assert_array_equal(Difference(order=2).fit_transform(X).ravel(), [np.nan, np.nan, 5.0, 2.0, 1.0])


def test_a_forecast_starts_from_the_latest_value_of_its_place_in_the_season():
    X = np.array([[1.0], [10.0], [2.0], [20.0], [np.nan]])
    difference = Difference(lag=2).fit(X)
    np.testing.assert_array_equal(difference.integrate([[1.0], [1.0], [1.0]]).ravel(), [21.0, 3.0, 22.0])
    never = Difference(lag=2).fit([[1.0], [np.nan], [2.0]])
    np.testing.assert_array_equal(never.integrate([[1.0], [1.0]]).ravel(), [np.nan, 3.0])


def test_values_after_the_cutoff_do_not_move_what_is_fitted():
    X = np.random.default_rng(0).normal(size=(30, 2))
    difference = Difference(lag=(1, 4)).fit(X[:20])
    before, forecast = difference.transform(X)[:20], difference.integrate(np.ones((3, 2)))
    X[20:] = 1e6
    np.testing.assert_array_equal(difference.transform(X)[:20], before)
    np.testing.assert_array_equal(difference.integrate(np.ones((3, 2))), forecast)


def test_one_column_does_not_touch_another():
    X = np.random.default_rng(0).normal(size=(15, 3))
    X[4:7, 0] = np.nan
    X[:, 1] = np.nan
    together = Difference(lag=(1, 2)).fit_transform(X)
    for column in range(3):
        alone = Difference(lag=(1, 2)).fit_transform(X[:, [column]])
        np.testing.assert_array_equal(together[:, [column]], alone)


def test_a_pipeline_goes_there_and_back_and_on():
    t = np.arange(48)
    X = np.exp(0.02 * t + 0.3 * np.sin(2 * np.pi * t / 12))[:, None]
    pipeline = make_pipeline(Log(), Difference(lag=12), SeriesScaler("mean_abs"))
    z = pipeline.fit_transform(X[:36])
    np.testing.assert_allclose(pipeline.inverse_transform(z), X[:36])
    log, difference, scaler = pipeline.named_steps.values()
    change = scaler.transform(np.full((12, 1), 0.24))  # each year, 12 times .02
    forecast = log.inverse_transform(difference.integrate(scaler.inverse_transform(change)))
    np.testing.assert_allclose(forecast, X[36:])


def test_a_series_shorter_than_the_head_is_kept():
    difference = Difference(lag=4).fit(np.arange(9.0)[:, None])
    X = np.array([[3.0], [8.0]])
    np.testing.assert_array_equal(difference.transform(X), X)
    np.testing.assert_array_equal(difference.inverse_transform(X), X)


def test_the_array_given_is_not_changed_and_parameters_are_kept():
    X = np.arange(9.0)[:, None]
    difference = clone(Difference(lag=[1, 2], order=2))
    assert difference.get_params() == {"lag": [1, 2], "order": 2}
    difference.inverse_transform(difference.fit_transform(X))
    difference.integrate(X)
    np.testing.assert_array_equal(X, np.arange(9.0)[:, None])
    assert difference.head_ == 6


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lag": 0}, "lag=0: expected a whole number, 1 or more"),
        ({"lag": 1.0}, r"lag=1\.0: expected a whole number"),
        ({"lag": (1, -12)}, "lag=-12: expected a whole number"),
        ({"lag": True}, "lag=True: expected a whole number"),
        ({"lag": ()}, "lag is empty"),
        ({"order": 0}, "order=0: expected a whole number, 1 or more"),
        ({"order": "2"}, "order='2': expected a whole number"),
    ],
)
def test_an_impossible_parameter_is_named(parameters, message):
    with pytest.raises(ParameterError, match=message):
        Difference(**parameters).fit(np.arange(9.0)[:, None])


def test_errors_name_the_cause():
    with pytest.raises(ShortSeriesError, match="n_samples=12 rows; lag=12, order=1 needs 13 or more"):
        Difference(lag=12).fit(np.zeros((12, 1)))
    with pytest.raises(NotFittedError, match="not fitted yet"):
        Difference().integrate([[1.0]])
    with pytest.raises(ParameterError, match="X has 2 columns; the transformer was fitted on 1"):
        Difference().fit([[1.0], [2.0]]).integrate([[1.0, 2.0]])
