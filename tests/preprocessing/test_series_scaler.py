import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn.errors import ParameterError
from tsrnn.preprocessing.series_scaler import SERIES_SCALINGS, SeriesScaler

numbers = st.floats(-1e150, 1e150, allow_subnormal=False) | st.just(np.nan)
tables = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12), elements=numbers)


@parametrize_with_checks([SeriesScaler(method) for method in SERIES_SCALINGS])
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def table_with_gaps():
    X = np.random.default_rng(0).lognormal(2, 1, size=(50, 3)) - 5
    X[3:8, 1] = np.nan
    X[:, 2] = np.round(X[:, 2])
    return X


@pytest.mark.parametrize(
    ("method", "oracle"), [("standard", StandardScaler()), ("robust", RobustScaler()), ("minmax", MinMaxScaler())]
)
def test_it_scales_as_scikit_learn_does(method, oracle):
    X = table_with_gaps()
    np.testing.assert_allclose(SeriesScaler(method).fit_transform(X), oracle.fit_transform(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", ["standard", "robust", "minmax"])
def test_a_spread_that_is_a_power_of_two_is_a_spread(method):
    oracle = {"standard": StandardScaler(), "robust": RobustScaler(), "minmax": MinMaxScaler()}[method]
    X = np.array([[-4.0, 1.0, -8.0], [4.0, 3.0, 8.0]])
    np.testing.assert_array_equal(SeriesScaler(method).fit_transform(X), oracle.fit_transform(X))


def test_mean_absolute_scaling_worked_by_hand():
    scaler = SeriesScaler("mean_abs").fit([[1.0, 0.0], [-3.0, 0.0], [np.nan, 0.0]])
    np.testing.assert_array_equal(scaler.loc_, [0.0, 0.0])
    np.testing.assert_array_equal(scaler.scale_, [2.0, 1.0])
    np.testing.assert_array_equal(scaler.transform([[4.0, 0.0]]), [[2.0, 0.0]])


def test_none_leaves_values_alone():
    X = table_with_gaps()
    np.testing.assert_array_equal(SeriesScaler("none").fit_transform(X), X)


@pytest.mark.parametrize("method", SERIES_SCALINGS)
@given(X=tables)
def test_the_inverse_restores_every_series(method, X):
    scaler = SeriesScaler(method).fit(X)
    assert np.isfinite(scaler.loc_).all()
    assert np.isfinite(scaler.scale_).all()
    assert (scaler.scale_ > 0).all()
    z = scaler.transform(X)
    np.testing.assert_array_equal(np.isnan(z), np.isnan(X))
    size = np.where(np.isnan(X), 0, np.abs(X)).max(0, keepdims=True)
    restored = scaler.inverse_transform(z)
    np.testing.assert_array_equal(np.isnan(restored), np.isnan(X))
    assert (np.abs(np.nan_to_num(restored - X)) <= 1e-14 * size).all()


@pytest.mark.parametrize("method", ["standard", "robust", "minmax", "mean_abs"])
@pytest.mark.parametrize("unit", [1e-200, 1e-20, 1e20, 1e200])
def test_the_unit_of_the_data_does_not_matter(method, unit):
    X = table_with_gaps()
    np.testing.assert_allclose(
        SeriesScaler(method).fit_transform(X * unit), SeriesScaler(method).fit_transform(X), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("method", ["standard", "robust", "minmax"])
def test_a_constant_series_becomes_zero(method):
    X = np.full((5, 3), [1e-30, 7.1, 1e30])
    scaler = SeriesScaler(method).fit(X)
    np.testing.assert_array_equal(scaler.scale_, 1.0)
    np.testing.assert_array_equal(scaler.transform(X), 0.0)
    np.testing.assert_array_equal(scaler.inverse_transform(np.zeros((2, 3))), X[:2])


@pytest.mark.parametrize("method", SERIES_SCALINGS)
def test_a_series_without_a_value_is_left_alone_and_harms_no_other(method):
    X = table_with_gaps()
    alone = SeriesScaler(method).fit(X)
    beside = SeriesScaler(method).fit(np.insert(X, 1, np.nan, axis=1))
    assert (beside.loc_[1], beside.scale_[1]) == (0.0, 1.0)
    np.testing.assert_array_equal(np.delete(beside.loc_, 1), alone.loc_)
    np.testing.assert_array_equal(np.delete(beside.scale_, 1), alone.scale_)


@pytest.mark.parametrize("method", SERIES_SCALINGS)
def test_rows_after_the_fit_do_not_move_the_scale(method):
    X = table_with_gaps()
    scaler = SeriesScaler(method).fit(X[:30])
    before = scaler.transform(X[:30])
    X[30:] = 1e6
    np.testing.assert_array_equal(scaler.transform(X)[:30], before)


def test_a_pipeline_goes_there_and_back():
    X = table_with_gaps()
    pipeline = make_pipeline(SeriesScaler("robust"), MaxAbsScaler())
    np.testing.assert_allclose(pipeline.inverse_transform(pipeline.fit_transform(X)), X, rtol=1e-12)


def test_a_table_keeps_its_names_where_asked():
    table = pd.DataFrame({"price": [1.0, 2.0, 4.0], "volume": [5.0, 5.0, 6.0]}, index=pd.RangeIndex(7, 10))
    scaler = SeriesScaler("minmax").set_output(transform="pandas")
    scaled = scaler.fit_transform(table)
    assert list(scaled.columns) == list(scaler.get_feature_names_out()) == ["price", "volume"]
    assert list(scaled.index) == [7, 8, 9]
    np.testing.assert_allclose(scaler.inverse_transform(scaled), table)


def test_the_array_given_is_not_changed():
    X = table_with_gaps()
    copy = X.copy()
    scaler = SeriesScaler().fit(X)
    scaler.inverse_transform(scaler.transform(X))
    np.testing.assert_array_equal(X, copy)


def test_errors_name_the_cause():
    with pytest.raises(ParameterError, match="method='zscore': expected one of 'standard', 'robust', 'minmax'"):
        SeriesScaler("zscore").fit([[1.0]])
    with pytest.raises(NotFittedError, match="not fitted yet"):
        SeriesScaler().transform([[1.0]])
    with pytest.raises(ParameterError, match="X has 3 columns; the transformer was fitted on 2"):
        SeriesScaler().fit([[1.0, 2.0]]).inverse_transform([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="infinity"):
        SeriesScaler().fit([[1.0], [np.inf]])
