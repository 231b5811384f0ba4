import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn.forecasting.arima_form import Order, difference, polynomials, smallest_root


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-3.5, 3.5), min_size=5, max_size=5))
def test_polynomials_are_stationary_and_invertible_whatever_the_coefficients(x):
    order = Order(2, 0, 1, 1, 0, 1, 3)
    ar, ma = polynomials(order, np.array(x))
    assert len(ar) == 6
    assert len(ma) == 5
    for polynomial in (ar, ma):
        assert np.abs(np.roots(polynomial)).max() < 1
    # The roots of the seasonal factors count in powers of B^m, so they are no nearer to 1 than these.
    assert smallest_root(order, np.array(x)) > 1


def test_the_smallest_root_of_an_ar_1_is_the_inverse_of_its_coefficient():
    assert smallest_root(Order(1, 0, 0), np.array([np.arctanh(-0.8)])) == pytest.approx(1.25)
    assert smallest_root(Order(0, 1, 0), np.empty(0)) == np.inf


def test_differences_are_those_of_numpy():
    y = np.random.default_rng(0).normal(size=30)
    np.testing.assert_allclose(difference(y, Order(0, 2, 0)), np.diff(y, 2))
    both = difference(y, Order(0, 1, 0, 0, 1, 0, 4))
    np.testing.assert_allclose(both, np.diff(y[4:] - y[:-4]))
    assert len(both) == 30 - Order(0, 1, 0, 0, 1, 0, 4).n_lost


def test_an_order_reads_as_in_the_books():
    assert str(Order(1, 1, 1, 0, 1, 1, 12)) == "(1,1,1)(0,1,1)[12]"
    assert str(Order(0, 1, 1, constant=True)) == "(0,1,1) with drift"
    assert str(Order(2, 0, 0, m=4, constant=True)) == "(2,0,0) with mean"
