import numpy as np

from tsrnn.forecasting.series_values import interpolate, is_constant


def test_constants_are_told_from_small_changes():
    assert is_constant(np.full(9, 1e12))
    assert is_constant(np.empty(0))
    assert not is_constant(np.array([1e12, 1e12 + 10]))
    assert not is_constant(np.array([0.0, 1e-12]))


def test_interpolation_fills_lines_and_ends():
    y = np.array([np.nan, 1.0, np.nan, 3.0, np.nan])
    assert interpolate(y).tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]
