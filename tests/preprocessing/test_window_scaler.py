import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from tsrnn.errors import ParameterError
from tsrnn.preprocessing.missing import fill_missing
from tsrnn.preprocessing.scaling import SCALINGS, scale_windows
from tsrnn.preprocessing.sliding import SlidingWindow
from tsrnn.preprocessing.window_scaler import WindowScaler

# The variance squares: numbers below 1e-154 have none in double precision.
sizes = st.floats(1e-100, 1e100)
numbers = sizes | sizes.map(lambda size: -size) | st.sampled_from([0.0, np.nan])
windows_of = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9), elements=numbers)


def random_windows(shape=(6, 24), seed=0):
    X = np.random.default_rng(seed).normal(100, 10, shape)
    X[0, 3:7] = np.nan
    return X


@pytest.mark.parametrize("method", SCALINGS)
def test_it_is_the_arithmetic_of_the_training_path(method):
    X = random_windows()
    X[1, -5] = np.nan
    observed = torch.from_numpy(~np.isnan(X))
    filled, known = fill_missing(torch.from_numpy(X), observed, 12)
    expected = scale_windows(filled, observed, method, 12, known)
    z, loc, scale = WindowScaler(method, 12).transform_with_scale(X)
    np.testing.assert_array_equal(z, np.where(observed, expected[0].numpy(), np.nan))
    np.testing.assert_array_equal(loc, expected[1].numpy())
    np.testing.assert_array_equal(scale, expected[2].numpy())
    assert z.dtype == loc.dtype == scale.dtype == np.float64


def test_standard_scaling_worked_by_hand():
    z, loc, scale = WindowScaler("standard").transform_with_scale([[1.0, np.nan, 5.0], [2.0, 2.0, 2.0]])
    np.testing.assert_array_equal(loc, [[3.0], [2.0]])
    np.testing.assert_array_equal(scale, [[2.0], [0.0]])
    np.testing.assert_array_equal(z, [[-1.0, np.nan, 1.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("method", SCALINGS)
@given(X=windows_of, season_length=st.integers(1, 12))
def test_the_inverse_restores_every_window(method, X, season_length):
    scaler = WindowScaler(method, season_length)
    z, loc, scale = scaler.transform_with_scale(X)
    assert z.shape == X.shape
    assert loc.shape == scale.shape == (X.shape[0], 1, *X.shape[2:])
    np.testing.assert_array_equal(np.isnan(z), np.isnan(X))
    np.testing.assert_array_equal(scaler.transform(X), z)
    size = np.where(np.isnan(X), 0, np.abs(X)).max(1, keepdims=True)
    # A window that moves less than 1e-9 of its size counts as constant, and comes back as its level.
    assert (np.abs(np.nan_to_num(scaler.inverse_transform(z, loc, scale) - X)) <= 1e-8 * size).all()


@pytest.mark.parametrize("method", SCALINGS)
def test_every_channel_has_its_own_scale(method):
    X = random_windows((5, 24, 3))
    X[..., 2] *= 1000
    z, loc, scale = WindowScaler(method, 12).transform_with_scale(X)
    for channel in range(3):
        alone = WindowScaler(method, 12).transform_with_scale(X[..., channel])
        for part, expected in zip((z, loc, scale), alone, strict=True):
            np.testing.assert_array_equal(part[..., channel], expected)


def test_it_remembers_nothing():
    scaler = WindowScaler("standard")
    first, second = random_windows(seed=1), random_windows(seed=2) * 50
    z, loc, scale = scaler.transform_with_scale(first)
    before = dict(vars(scaler))
    scaler.fit_transform(second)
    assert vars(scaler) == before
    np.testing.assert_allclose(scaler.inverse_transform(z, loc, scale), first, rtol=1e-12)


def test_a_forecast_and_its_quantiles_come_back_in_original_units():
    scaler = WindowScaler("standard")
    for shape in ((4, 24), (4, 24, 2)):
        _, loc, scale = scaler.transform_with_scale(random_windows(shape))
        z = np.random.default_rng(0).normal(size=(4, 5, *shape[2:]))  # 5 steps ahead
        np.testing.assert_array_equal(scaler.inverse_transform(z, loc, scale), loc + scale * z)
        quantiles = np.stack([z - 1, z, z + 1], -1)
        restored = scaler.inverse_transform(quantiles, loc, scale)
        np.testing.assert_array_equal(restored[..., 1], loc + scale * z)
        np.testing.assert_allclose(restored[..., 2] - restored[..., 1], np.broadcast_to(scale, z.shape))


def test_quantiles_are_not_mistaken_for_windows_when_their_numbers_agree():
    loc, scale = np.array([[0.0], [100.0]]), np.ones((2, 1))
    restored = WindowScaler().inverse_transform(np.zeros((2, 2, 2)), loc, scale)
    np.testing.assert_array_equal(restored[0], 0.0)
    np.testing.assert_array_equal(restored[1], 100.0)


def test_windows_are_scaled_on_the_way_through_a_pipeline():
    y = np.tile([1.0, 5.0, 2.0, 8.0], 10) + np.arange(40) * 0.5
    pipeline = make_pipeline(SlidingWindow(8, horizon=4), WindowScaler("seasonal", 4))
    z = pipeline.fit_transform(y)
    windows, scaler = pipeline.named_steps.values()
    _, loc, scale = scaler.transform_with_scale(windows.transform(y))
    targets = (windows.targets(y) - loc) / scale
    newest, loc, scale = scaler.transform_with_scale(windows.latest(y))
    forecast = scaler.inverse_transform(LinearRegression().fit(z, targets).predict(newest), loc, scale)
    np.testing.assert_allclose(forecast[0], y[-4:] + 2.0, rtol=1e-9)


def test_read_only_views_are_accepted_and_unchanged():
    y = np.arange(30.0)
    WindowScaler("standard").transform(SlidingWindow(10).transform(y))
    np.testing.assert_array_equal(y, np.arange(30.0))


def test_no_windows_give_no_windows():
    z, loc, scale = WindowScaler().transform_with_scale(np.empty((0, 7)))
    assert (z.shape, loc.shape, scale.shape) == ((0, 7), (0, 1), (0, 1))


def test_it_can_be_cloned():
    assert clone(WindowScaler("mean", 7)).get_params() == {"method": "mean", "season_length": 7}


@pytest.mark.parametrize(
    ("scaler", "X", "message"),
    [
        (
            WindowScaler("zscore"),
            [[1.0]],
            "method='zscore': expected one of 'seasonal', 'spread', 'standard', 'mean', 'none'",
        ),
        (WindowScaler(season_length=0), [[1.0]], "season_length=0: expected a whole number of rows, 1 or more"),
        (WindowScaler(season_length=1.5), [[1.0]], "season_length=1.5: expected a whole number"),
        (WindowScaler(), [1.0, 2.0], r"shape \(2,\): expected windows in rows"),
        (WindowScaler(), np.zeros((1, 2, 3, 4)), r"shape \(1, 2, 3, 4\): expected windows in rows"),
    ],
)
def test_impossible_input_is_named(scaler, X, message):
    for method in ("fit", "transform"):
        with pytest.raises(ParameterError, match=message):
            getattr(scaler, method)(X)


@pytest.mark.parametrize(
    ("z", "loc", "scale"),
    [
        ((4, 5), (3, 1), (3, 1)),
        ((4, 5), (4, 5), (4, 5)),
        ((4, 5), (4, 1), (1, 1)),
        ((4, 5), (4,), (4,)),
        ((4, 5, 2), (4, 1, 3), (4, 1, 3)),
        ((4, 5, 2, 2, 2), (4, 1, 2), (4, 1, 2)),
        ((5,), (5, 1), (5, 1)),
    ],
)
def test_a_scale_of_other_windows_is_refused(z, loc, scale):
    with pytest.raises(ParameterError, match=r"as transform_with_scale returned them"):
        WindowScaler().inverse_transform(np.zeros(z), np.zeros(loc), np.zeros(scale))
