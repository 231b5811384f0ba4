import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn.preprocessing.windows import FlatSeries, gather_windows


def flat_of(*series):
    y = torch.tensor([value for one in series for value in one], dtype=torch.float64)
    offsets = torch.tensor(np.concatenate([[0], np.cumsum([len(one) for one in series])]))
    return FlatSeries.from_flat(y, offsets)


def gather_by_loop(series, index, start, length):
    values, observed = np.zeros((len(index), length)), np.zeros((len(index), length), dtype=bool)
    for b, (i, first) in enumerate(zip(index, start, strict=True)):
        for k in range(length):
            if 0 <= first + k < len(series[i]) and np.isfinite(series[i][first + k]):
                values[b, k], observed[b, k] = series[i][first + k], True
    return values, observed


value = st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")))


@settings(deadline=None)
@given(st.data())
def test_windows_are_what_a_loop_over_the_rows_finds(data):
    series = data.draw(st.lists(st.lists(value, max_size=12), min_size=1, max_size=4).filter(any))
    wanted = data.draw(
        st.lists(st.tuples(st.integers(0, len(series) - 1), st.integers(-15, 15)), min_size=1, max_size=6)
    )
    length = data.draw(st.integers(1, 20))
    index, start = (list(part) for part in zip(*wanted, strict=True))
    values, observed = gather_windows(flat_of(*series), torch.tensor(index), torch.tensor(start), length)
    expected_values, expected_observed = gather_by_loop(series, index, start, length)
    np.testing.assert_array_equal(values.numpy(), expected_values)
    np.testing.assert_array_equal(observed.numpy(), expected_observed)


def test_a_window_does_not_reach_into_the_neighbouring_series():
    flat = flat_of([1.0, 2.0], [3.0, 4.0], [5.0, 6.0])
    values, observed = gather_windows(flat, torch.tensor([1]), torch.tensor([-2]), 6)
    assert values.tolist() == [[0, 0, 3, 4, 0, 0]]
    assert observed.tolist() == [[False, False, True, True, False, False]]


def test_no_windows_at_all_are_an_empty_answer():
    none = torch.zeros(0, dtype=torch.int64)
    values, observed = gather_windows(flat_of([1.0]), none, none, 4)
    assert values.shape == observed.shape == (0, 4)


@settings(deadline=None)
@given(st.data())
def test_observed_values_before_a_row_are_counted(data):
    series = data.draw(st.lists(st.lists(value, max_size=12), min_size=1, max_size=4).filter(any))
    places = st.tuples(st.integers(0, len(series) - 1), st.integers(-2, 15))
    index, end = zip(*data.draw(st.lists(places, min_size=1, max_size=6)), strict=True)
    found = flat_of(*series).observed_before(torch.tensor(index), torch.tensor(end))
    assert found.tolist() == [
        int(np.isfinite(series[i][: max(last, 0)]).sum()) for i, last in zip(index, end, strict=True)
    ]


def test_values_are_kept_in_double_precision_and_infinities_are_unobserved():
    y = torch.tensor([1e15 + 0.125, float("inf"), float("nan"), -float("inf")], dtype=torch.float64)
    flat = FlatSeries.from_flat(y, torch.tensor([0, 1, 4]))
    assert flat.values.tolist() == [1e15 + 0.125, 0, 0, 0]
    assert flat.observed.tolist() == [True, False, False, False]
    assert flat.lengths.tolist() == [1, 3]
