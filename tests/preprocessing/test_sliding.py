import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from tsrnn.errors import ParameterError, ShortSeriesError
from tsrnn.preprocessing.series_scaler import SeriesScaler
from tsrnn.preprocessing.sliding import SlidingWindow
from tsrnn.preprocessing.windows import FlatSeries, gather_windows


def test_windows_and_targets_worked_by_hand():
    contexts, targets = SlidingWindow(context_length=2, horizon=3, step=2).split(np.arange(8))
    np.testing.assert_array_equal(contexts, [[0, 1], [2, 3]])
    np.testing.assert_array_equal(targets, [[2, 3, 4], [4, 5, 6]])


def test_channels_stay_together_and_come_last():
    series = np.stack([np.arange(5.0), 10 * np.arange(5.0)], 1)
    contexts, targets = SlidingWindow(3).split(series)
    np.testing.assert_array_equal(contexts, [series[0:3], series[1:4]])
    np.testing.assert_array_equal(targets, [series[3:4], series[4:5]])


@given(
    n=st.integers(1, 40),
    context_length=st.integers(1, 12),
    horizon=st.integers(0, 8),
    step=st.integers(1, 9),
    channels=st.sampled_from([None, 1, 3]),
)
def test_windows_are_the_rows_they_say_they_are(n, context_length, horizon, step, channels):
    series = np.random.default_rng(0).normal(size=(n,) if channels is None else (n, channels))
    windows = SlidingWindow(context_length, horizon, step)
    starts = list(range(0, n - context_length - horizon + 1, step))
    if not starts:
        with pytest.raises(ShortSeriesError, match=f"has {n} rows?, and one window needs {context_length + horizon}"):
            windows.split(series)
        return
    contexts, targets = windows.split(series)
    rest = series.shape[1:]
    assert contexts.shape == (len(starts), context_length, *rest)
    assert targets.shape == (len(starts), horizon, *rest)
    for i, start in enumerate(starts):
        np.testing.assert_array_equal(contexts[i], series[start : start + context_length])
        np.testing.assert_array_equal(targets[i], series[start + context_length :][:horizon])


@pytest.mark.parametrize("shape", [(30,), (30, 4)])
def test_windows_are_read_only_views_of_the_array(shape):
    series = np.random.default_rng(0).normal(size=shape)
    windows = SlidingWindow(12, 3)
    for part in (*windows.split(series), windows.latest(series)):
        assert np.shares_memory(part, series)
        with pytest.raises(ValueError, match="read-only"):
            part[0, 0] = 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_the_dtype_is_kept(dtype):
    assert SlidingWindow(2).transform(np.arange(5, dtype=dtype)).dtype == dtype


def test_missing_values_stay_missing():
    contexts, targets = SlidingWindow(2).split(np.array([1.0, np.nan, 3.0]))
    np.testing.assert_array_equal(contexts, [[1.0, np.nan]])
    np.testing.assert_array_equal(targets, [[3.0]])


def test_the_latest_window_ends_with_the_series_and_needs_no_targets():
    series = np.arange(5.0)
    np.testing.assert_array_equal(SlidingWindow(5, horizon=3).latest(series), [series])
    np.testing.assert_array_equal(SlidingWindow(2, horizon=1, step=2).latest(series), [[3.0, 4.0]])
    with pytest.raises(ShortSeriesError, match=r"has 5 rows, and one window needs 6 \(context_length=6\)"):
        SlidingWindow(6).latest(series)


def test_windows_are_those_that_the_training_path_gathers():
    y = np.random.default_rng(0).normal(size=20)
    y[3] = np.nan
    contexts = SlidingWindow(6, horizon=2).transform(y)
    flat = FlatSeries.from_flat(torch.from_numpy(y), torch.tensor([0, 20]))
    start = torch.arange(len(contexts))
    values, observed = gather_windows(flat, torch.zeros_like(start), start, 6)
    np.testing.assert_array_equal(np.where(observed.numpy(), values.numpy(), np.nan), contexts)


def test_a_table_is_read_as_its_values():
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
    np.testing.assert_array_equal(SlidingWindow(2).transform(table), [[[1.0, 4.0], [2.0, 5.0]]])
    np.testing.assert_array_equal(SlidingWindow(2).transform(table["a"]), [[1.0, 2.0]])


def test_it_follows_a_scaler_in_a_pipeline_and_feeds_a_regression():
    series = np.sin(np.arange(60) * 2 * np.pi / 12)[:, None] * 5 + 100
    pipeline = make_pipeline(SeriesScaler(), SlidingWindow(12, horizon=6))
    contexts = pipeline.fit_transform(series)[..., 0]
    targets = pipeline[-1].targets(pipeline[:-1].transform(series))[..., 0]
    model = LinearRegression().fit(contexts[:-1], targets[:-1])
    forecast = model.predict(contexts[-1:]).T  # (6, 1), scaled
    np.testing.assert_allclose(pipeline[:-1].inverse_transform(forecast), series[-6:], atol=1e-9)


def test_it_needs_no_fit_and_can_be_cloned():
    windows = clone(SlidingWindow(3, horizon=2, step=4))
    assert windows.get_params() == {"context_length": 3, "horizon": 2, "step": 4}
    assert windows.fit(np.arange(9.0)) is windows
    assert windows.transform(np.arange(9.0)).shape == (2, 3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"context_length": 0}, "context_length=0: expected a whole number of rows, 1 or more"),
        ({"context_length": 2.0}, "context_length=2.0: expected a whole number"),
        ({"context_length": True}, "context_length=True: expected a whole number"),
        ({"context_length": 2, "horizon": -1}, "horizon=-1: expected a whole number of rows, 0 or more"),
        ({"context_length": 2, "step": 0}, "step=0: expected a whole number of rows, 1 or more"),
    ],
)
def test_an_impossible_parameter_is_named(parameters, message):
    for method in ("fit", "transform", "targets", "latest"):
        with pytest.raises(ParameterError, match=message):
            getattr(SlidingWindow(**parameters), method)(np.arange(9.0))


def test_a_short_series_is_told_what_to_do():
    message = (
        r"has 4 rows, and one window needs 5 \(context_length=3 \+ horizon=2\). Give more rows, or lower "
        "context_length or horizon"
    )
    for method in ("fit", "transform", "targets"):
        with pytest.raises(ShortSeriesError, match=message):
            getattr(SlidingWindow(3, 2), method)(np.arange(4.0))
    with pytest.raises(ShortSeriesError, match="has 0 rows"):
        SlidingWindow(3).fit(np.empty(0))


def test_infinite_values_and_text_are_refused():
    with pytest.raises(ValueError, match="infinity"):
        SlidingWindow(2).transform(np.array([1.0, np.inf, 2.0]))
    with pytest.raises(ValueError, match="could not convert string"):
        SlidingWindow(2).transform(np.array(["a", "b", "c"], dtype=object))
