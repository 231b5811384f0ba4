from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats
from scipy.special import boxcox
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn.datasets import load_dataset
from tsrnn.errors import DataError, ParameterError
from tsrnn.preprocessing.differences import Difference
from tsrnn.preprocessing.power import BoxCox, Log, PowerMap, forecast_map, panel_transform
from tsrnn.preprocessing.series_scaler import SeriesScaler

TRANSFORMS = [Log(), BoxCox(), BoxCox(lmbda=0.5)]

positive = st.floats(1e-100, 1e100) | st.just(np.nan)
tables = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12), elements=positive)
counts = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12), elements=st.integers(0, 1000) | positive
)


@parametrize_with_checks([*TRANSFORMS, Log(offset=10.0), BoxCox(offset=10.0)])
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def skewed(n=80, columns=3, seed=0):
    return np.random.default_rng(seed).gamma(1.5, 10 ** np.arange(columns), size=(n, columns))


def flat(*series):
    return np.concatenate(series), np.cumsum([0, *map(len, series)])


def same_size(restored, X):
    """Whether values are restored to within rounding of the largest of their series."""
    size = np.where(np.isnan(X), 0, X).max(0, keepdims=True)
    return (np.abs(np.nan_to_num(restored - X)) <= 1e-12 * size).all()


@pytest.mark.parametrize("transform", TRANSFORMS, ids=str)
@given(X=tables)
def test_the_inverse_restores_positive_series(transform, X):
    z = transform.fit(X).transform(X)
    np.testing.assert_array_equal(np.isnan(z), np.isnan(X))
    assert not np.isinf(z).any()
    restored = transform.inverse_transform(z)
    np.testing.assert_array_equal(np.isnan(restored), np.isnan(X))
    assert same_size(restored, X)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=str)
@given(X=counts)
def test_the_inverse_restores_series_with_zeros(transform, X):
    assert same_size(transform.fit(X).inverse_transform(transform.transform(X)), X)


@given(
    lmbda=st.floats(-1, 2) | st.sampled_from([0.0, 5e-324, 1e-12, 1e-9]),
    y=arrays(np.float64, st.integers(2, 9), elements=st.floats(0.1, 10)),
)
def test_the_map_keeps_the_order_and_has_the_values_of_scipy(lmbda, y):
    power = PowerMap(lmbda, offset=0.5, unit=2.0)
    z = power.forward(np.sort(y))
    assert (np.diff(z) >= 0).all()
    np.testing.assert_allclose(z, boxcox((np.sort(y) + 0.5) / 2, lmbda), rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(power.backward(z), np.sort(y), rtol=1e-9)


@given(lmbda=st.floats(-2, 2), z=arrays(np.float64, st.integers(2, 9), elements=st.floats(-50, 50)))
def test_whatever_is_forecast_has_an_inverse_that_keeps_the_order(lmbda, z):
    y = PowerMap(lmbda).backward(np.sort(z))
    assert not np.isnan(y).any()
    assert (y >= 0).all()
    assert (y[1:] >= y[:-1]).all()


def test_a_forecast_beyond_the_map_becomes_its_limit():
    z = np.array([-100.0, -3.0, -2.5, -2.0, np.nan])
    np.testing.assert_array_equal(PowerMap(0.5, offset=3.0).backward(z), [-3.0] * 4 + [np.nan])
    np.testing.assert_array_equal(PowerMap(-0.5, offset=3.0).backward(-z), [np.inf] * 4 + [np.nan])
    columns = PowerMap(np.array([1.0, 0.0]), np.zeros(2), np.ones(2)).backward(np.full((1, 2), -1.5))
    np.testing.assert_allclose(columns, [[0.0, np.exp(-1.5)]])


def test_logarithms_are_natural_and_offsets_are_added():
    X = np.array([[1.0, 0.0], [np.e, np.e - 1], [np.nan, 3.0]])
    np.testing.assert_allclose(Log(offset=1.0).fit_transform(X)[:, 1], [0.0, 1.0, np.log(4)], atol=1e-15)
    np.testing.assert_allclose(Log().fit_transform(X[:, :1]).ravel(), [0.0, 1.0, np.nan], atol=1e-15)


def test_a_series_with_zeros_gets_half_its_smallest_positive_value_as_offset():
    X = np.array([[0.0, 5.0, 0.0, np.nan], [3.0, 7.0, 0.0, np.nan], [8.0, 9.0, np.nan, np.nan]])
    np.testing.assert_array_equal(Log().fit(X).map_.offset, [1.5, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(BoxCox().fit(X).map_.offset, [1.5, 0.0, 1.0, 0.0])


def test_lambda_is_that_of_scikit_learn_where_it_lies_between_0_and_1():
    X = skewed()
    X[5:9, 1] = np.nan
    expected = PowerTransformer("box-cox", standardize=False).fit(X)
    assert ((expected.lambdas_ > 0) & (expected.lambdas_ < 1)).all()
    power = BoxCox().fit(X)
    np.testing.assert_allclose(power.map_.lmbda, expected.lambdas_, atol=1e-4)
    textbook = BoxCox(lmbda=0.3).fit_transform(X)
    for column in range(3):  # the same up to a shift and a factor
        seen = ~np.isnan(X[:, column])
        line = stats.linregress(textbook[seen, column], boxcox(X[seen, column], 0.3))
        assert line.rvalue == pytest.approx(1.0, abs=1e-12)


def test_lambda_stays_between_the_logarithm_and_the_values_themselves():
    u = np.random.default_rng(0).uniform(0.2, 1.0, (200, 1))
    assert stats.boxcox(u[:, 0] ** 0.3)[1] > 1
    assert BoxCox().fit(u**0.3).map_.lmbda[0] == 1.0
    assert stats.boxcox(1 / u[:, 0] ** 2)[1] < 0
    assert BoxCox().fit(1 / u**2).map_.lmbda[0] == 0.0


@pytest.mark.parametrize("column", [[7.0] * 5, [np.nan] * 5, [np.nan, 3.0, np.nan, np.nan, np.nan]])
def test_a_series_without_a_shape_is_only_shifted_and_harms_no_other(column):
    X = skewed(5, 1)
    power = BoxCox().fit(np.column_stack([X, column]))
    assert power.map_.lmbda[1] == 1.0
    assert power.map_.lmbda[0] == BoxCox().fit(X).map_.lmbda[0]
    restored = power.inverse_transform(power.transform(np.column_stack([X, column])))
    np.testing.assert_allclose(restored[:, 1], column, rtol=1e-15)


@pytest.mark.parametrize("unit", [1e-30, 1e-9, 1e12])
def test_the_unit_of_the_data_does_not_change_a_box_cox_transform(unit):
    X = skewed()
    np.testing.assert_allclose(BoxCox().fit_transform(X * unit), BoxCox().fit_transform(X), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(BoxCox(0.5).fit_transform(X * unit), BoxCox(0.5).fit_transform(X), rtol=1e-9, atol=1e-12)


def test_a_panel_of_one_series_is_fitted_like_a_column():
    X = skewed(60, 1)
    X[7] = np.nan
    for transform in TRANSFORMS:
        column, panel = transform.fit(X).map_, transform.fit_panel(*flat(X[:, 0]))
        assert asdict(panel) == {name: value[0] for name, value in asdict(column).items()}
        np.testing.assert_array_equal(panel.forward(X[:, 0]), transform.transform(X)[:, 0])


def test_lambda_of_a_panel_maximises_the_sum_of_the_likelihoods():
    series = [column for column in skewed(60, 3).T] + [np.full(9, 4.0), np.full(9, np.nan), np.array([])]
    found = BoxCox().fit_panel(*flat(*series)).lmbda
    grid = np.linspace(0, 1, 201)
    total = [sum(stats.boxcox_llf(lmbda, y) for y in series[:3]) for lmbda in grid]
    assert found == pytest.approx(grid[np.argmax(total)], abs=6e-3)


def test_no_series_of_a_panel_counts_more_because_its_numbers_are_larger():
    first, second = skewed(60, 1, seed=1)[:, 0], skewed(90, 1, seed=2)[:, 0] ** 2
    expected = BoxCox().fit_panel(*flat(first, second)).lmbda
    assert BoxCox().fit_panel(*flat(first * 1e6, second * 1e-6)).lmbda == pytest.approx(expected, abs=1e-4)
    assert BoxCox().fit_panel(*flat(first * 1e140, second * 1e-140)).lmbda == pytest.approx(expected, abs=1e-4)
    assert BoxCox().fit_panel(*flat(second, first)).lmbda == pytest.approx(expected, abs=1e-4)


def test_a_panel_has_one_offset_from_its_series_with_zeros():
    y, offsets = flat([1e-6, 5.0], [0.0, 4.0], [], [0.0, np.nan, 8.0], [0.0, 6.0], [0.0])
    assert Log().fit_panel(y, offsets).offset == 3.0  # the median of 4 / 2, 8 / 2 and 6 / 2
    assert Log().fit_panel(y * 1e6, offsets).offset == 3e6
    assert Log().fit_panel(np.array([8.0, 4.0, 0.0]), np.array([0, 2, 3])).offset == 2.0  # zeros alone tell no unit
    assert Log().fit_panel(np.zeros(3), np.array([0, 3])).offset == 1.0
    assert Log().fit_panel(y[:2], offsets[:2]).offset == 0.0
    assert Log().fit_panel(np.full(3, np.nan), np.array([0, 3])).offset == 0.0


def test_what_a_forecaster_takes_logarithms_of_has_no_unit():
    y, offsets = flat(*skewed(40, 2).T, [0.0, 3.0])
    plain, scaled = (forecast_map("log", y * unit, offsets).forward(y * unit) for unit in (1.0, 1e6))
    np.testing.assert_allclose(scaled, plain, atol=1e-12)
    assert plain.mean() == pytest.approx(0.0, abs=1e-12)
    # Whether the offset of 0 is given or chosen makes no difference.
    positive, ends = flat([1.0, 10.0], [100.0])
    assert forecast_map(Log(offset=0.0), positive, ends) == forecast_map("log", positive, ends)
    assert forecast_map("log", positive, ends).unit == pytest.approx(10.0)
    assert forecast_map("boxcox", y, offsets) == BoxCox().fit_panel(y, offsets)
    assert forecast_map(None, y, offsets) is None
    assert forecast_map("log", np.full(2, np.nan), np.array([0, 2])).unit == 1.0


def test_a_map_serves_arrays_of_any_shape():
    y, offsets = flat(*skewed(40, 2).T)
    power = BoxCox().fit_panel(y, offsets)
    forecasts = np.sort(np.random.default_rng(0).normal(size=(5, 4, 3)), axis=-1)  # [B, H, Q]
    values = power.backward(forecasts)
    assert values.shape == (5, 4, 3)
    assert (np.diff(values) > 0).all()
    np.testing.assert_allclose(power.forward(values), forecasts, atol=1e-10)


def test_fitting_a_panel_leaves_the_transformer_unfitted_and_the_values_alone():
    y, offsets = flat([1.0, 2.0, np.nan])
    transform = BoxCox()
    transform.fit_panel(y, offsets).forward(y)
    np.testing.assert_array_equal(y, [1.0, 2.0, np.nan])
    with pytest.raises(NotFittedError, match="not fitted yet"):
        transform.transform([[1.0]])


def test_air_passengers_want_a_power_near_the_logarithm():
    y = load_dataset("air_passengers").select_dtypes("number").iloc[:, 0].to_numpy(float)
    found = BoxCox().fit_panel(y, np.array([0, len(y)])).lmbda
    assert found == pytest.approx(stats.boxcox(y)[1], abs=1e-4)


def test_a_pipeline_goes_there_and_back():
    X = skewed()
    for transform in TRANSFORMS:
        pipeline = make_pipeline(transform, SeriesScaler())
        np.testing.assert_allclose(pipeline.inverse_transform(pipeline.fit_transform(X)), X, rtol=1e-9)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=str)
def test_a_table_keeps_its_names_where_asked(transform):
    table = pd.DataFrame({"price": [1.0, 2.0, 4.0], "volume": [5.0, 0.0, 6.0]})
    transform = clone(transform).set_output(transform="pandas")
    z = transform.fit_transform(table)
    assert list(z.columns) == list(transform.get_feature_names_out()) == ["price", "volume"]
    np.testing.assert_allclose(transform.inverse_transform(z), table, atol=1e-12)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=str)
def test_negative_values_are_refused_with_the_cure(transform):
    table = pd.DataFrame({"price": [1.0, 2.0, 4.0], "change": [5.0, -3.0, -0.5]})
    with pytest.raises(
        DataError, match=r"Negative values in data: 2 of 3 .*example change; the smallest is -3\..*than 3"
    ):
        transform.fit(table)
    y, offsets = flat(*([-float(i)] for i in range(1, 8)), [1.0])
    with pytest.raises(DataError, match=r"in 7 of 8 series, for example a, b, c, d, e, ...; the smallest is -7"):
        transform.fit_panel(y, offsets, names=list("abcdefgh"))
    with pytest.raises(DataError, match=r"for example series 0, series 1, series 2"):
        transform.fit_panel(y, offsets)


def test_a_given_offset_must_lift_every_value_above_zero():
    X = np.array([[-3.0], [1.0]])
    np.testing.assert_allclose(Log(offset=4.0).fit_transform(X).ravel(), [0.0, np.log(5)])
    with pytest.raises(DataError, match=r"Values of -3 or less: 1 of 2 .* an offset greater than 3"):
        Log(offset=3.0).fit(X)
    with pytest.raises(DataError, match=r"Values of 0 or less: 1 of 2 .* an offset greater than 0,"):
        BoxCox(offset=0.0).fit([[0.0], [1.0]])


def test_a_value_too_small_for_the_fitted_offset_is_refused_with_the_cure():
    log = Log().fit([[1.0, 1.0], [2.0, 2.0]])
    message = "2 of 3 values are too small .* the smallest is -4, expected more than 0.* an offset greater than 4"
    with pytest.raises(DataError, match=message):
        log.transform([[1.0, 0.0], [np.nan, -4.0]])
    with pytest.raises(DataError, match=r"1 of 1 value is too small .* expected more than -2"):
        PowerMap(0.5, offset=2.0).forward(np.array([-2.0]))


@pytest.mark.parametrize("value", ["auto", True, np.nan, np.inf])
def test_parameters_must_be_numbers(value):
    for transform in (Log(offset=value), BoxCox(offset=value)):
        with pytest.raises(ParameterError, match=r"offset=.*expected a finite number, or None"):
            transform.fit([[1.0]])
    with pytest.raises(ParameterError, match=r"lmbda=.*expected a finite number, or None"):
        BoxCox(lmbda=value).fit([[1.0]])


def test_a_forecaster_takes_names_and_transformers_but_no_differences():
    log = Log(offset=1.0)
    assert panel_transform(None) is None
    assert panel_transform(log) is log
    assert isinstance(panel_transform("log"), Log)
    assert isinstance(panel_transform("boxcox"), BoxCox)
    for other in ("sqrt", Difference(), 3):
        with pytest.raises(ParameterError, match=r"expected None, 'log', 'boxcox', Log\(...\) or BoxCox\(...\)"):
            panel_transform(other)
