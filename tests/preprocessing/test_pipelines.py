"""What every pipeline of tsrnn's transformers owes its users, whatever stands in it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline

from tsrnn import BoxCox, Difference, Log, SeriesScaler, SlidingWindow, WindowScaler

# Pipelines that keep the form of a table, so that they can be undone.
TABLES = [
    *(make_pipeline(SeriesScaler(method)) for method in ("standard", "robust", "minmax", "mean_abs", "none")),
    make_pipeline(Log(), SeriesScaler()),
    make_pipeline(BoxCox(), SeriesScaler("robust")),
    make_pipeline(Difference(), SeriesScaler()),
    make_pipeline(Log(), Difference(lag=12)),
    make_pipeline(Log(), Difference(lag=(1, 12)), SeriesScaler("mean_abs")),
    make_pipeline(BoxCox(lmbda=0.5), Difference(order=2), SeriesScaler("minmax")),
    make_pipeline(SeriesScaler("mean_abs"), Log(offset=1.0), Difference(lag=2)),
]
# Pipelines that end in windows.
WINDOWS = [
    make_pipeline(SlidingWindow(24, horizon=6), WindowScaler("seasonal", 12)),
    make_pipeline(Log(), SlidingWindow(24, horizon=6, step=3), WindowScaler("standard")),
    make_pipeline(BoxCox(), Difference(lag=12), SeriesScaler(), SlidingWindow(24, horizon=6), WindowScaler("spread")),
    make_pipeline(SeriesScaler("robust"), SlidingWindow(24, horizon=6)),
]


def name_of(pipeline):
    return " > ".join(map(repr, pipeline.named_steps.values())).replace("()", "")


def table(n_rows=72):
    """Three positive series: smooth, noisy, and with gaps at the start, inside and at the end."""
    rng = np.random.default_rng(0)
    t = np.arange(n_rows)[:, None]
    X = 50 + 20 * np.sin(2 * np.pi * (t + np.array([0, 4, 8])) / 12) + 0.3 * t + rng.normal(size=(n_rows, 3))
    X[[0, 1, 20, 33, n_rows - 1], 2] = np.nan
    return X


@pytest.fixture(params=TABLES, ids=name_of)
def pipeline(request):
    return clone(request.param)


@pytest.fixture(params=WINDOWS, ids=name_of)
def to_windows(request):
    return clone(request.param)


@pytest.fixture(params=[*TABLES, *WINDOWS], ids=name_of)
def either(request):
    return clone(request.param)


def test_the_way_back_restores_the_table_gaps_included(pipeline):
    X = table()
    z = pipeline.fit(X).transform(X)
    assert z.shape == X.shape
    np.testing.assert_array_equal(np.isnan(z), np.isnan(X))
    np.testing.assert_allclose(pipeline.inverse_transform(z), X, rtol=1e-9)


def test_fitting_and_transforming_at_once_is_the_same_as_one_after_the_other(either):
    X = table()
    np.testing.assert_array_equal(either.fit_transform(X), clone(either).fit(X).transform(X))


def test_every_series_is_treated_as_if_it_stood_alone(pipeline):
    X = table()
    together = pipeline.fit_transform(X)
    for column in range(3):
        alone = clone(pipeline).fit_transform(X[:, [column]])
        np.testing.assert_allclose(alone[:, 0], together[:, column], rtol=1e-9, atol=1e-12)


def test_the_table_given_is_not_changed(either):
    X = table()
    before = X.copy()
    either.fit_transform(X)
    np.testing.assert_array_equal(X, before)


def test_a_clone_has_the_same_parameters_and_learns_the_same(either):
    X = table()
    first = either.fit_transform(X)
    fresh = clone(either)
    assert {k: repr(v) for k, v in fresh.get_params().items()} == {k: repr(v) for k, v in either.get_params().items()}
    np.testing.assert_array_equal(fresh.fit_transform(X), first)


def test_a_clone_has_learnt_nothing(pipeline):
    fresh = clone(pipeline.fit(table()))
    with pytest.raises(NotFittedError, match="not fitted"):
        fresh.transform(table())


def test_parameters_are_reached_through_the_pipeline(either):
    for name, value in either.get_params().items():
        if "__" in name:
            step, parameter = name.split("__")
            assert getattr(either.named_steps[step], parameter) is value
            assert either.set_params(**{name: value}).get_params()[name] is value


def test_fitting_again_starts_afresh(either):
    X, other = table(), table()[::-1] * 3 + 7
    np.testing.assert_array_equal(either.fit(other).fit(X).transform(X), clone(either).fit_transform(X))


def test_a_data_frame_is_read_as_its_values(either):
    X = table()
    frame = pd.DataFrame(X, columns=["north", "south", "west"])
    found = np.asarray(either.fit_transform(frame))
    np.testing.assert_allclose(found, clone(either).fit_transform(X), rtol=1e-12, atol=1e-12)


def test_windows_of_later_rows_do_not_move_earlier_ones(to_windows):
    X = table()
    to_windows.fit(X[:60])
    short, long = to_windows.transform(X[:60]), to_windows.transform(X)
    assert len(long) > len(short) > 0
    # Means over another number of windows are summed in another order.
    np.testing.assert_allclose(long[: len(short)], short, rtol=1e-12, atol=1e-12)


def test_a_gap_is_a_gap_in_every_window_it_is_in_and_nowhere_else(to_windows):
    X = table()
    windows = to_windows.fit_transform(X)
    cut = next(step for step in to_windows.named_steps.values() if isinstance(step, SlidingWindow))
    assert windows.shape == cut.transform(X).shape == (len(windows), 24, 3)
    np.testing.assert_array_equal(np.isnan(windows), np.isnan(cut.transform(X)))


def test_a_forecast_comes_back_through_every_step():
    """The whole way of a network: map, scale, cut, scale each window; and back for what follows each window."""
    X = table()[:, :2]
    front = Pipeline([("log", Log()), ("scale", SeriesScaler())]).fit(X)
    cut, scaler = SlidingWindow(24, horizon=6), WindowScaler("standard")
    windows, targets = cut.split(front.transform(X))
    _, loc, scale = scaler.fit(windows).transform_with_scale(windows)
    back = scaler.inverse_transform((targets - loc) / scale, loc, scale)
    answer = front.inverse_transform(back.reshape(-1, 2)).reshape(back.shape)
    np.testing.assert_allclose(answer, cut.split(X)[1], rtol=1e-9)
