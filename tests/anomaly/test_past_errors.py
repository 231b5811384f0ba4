import numpy as np
import pytest

from tsrnn.anomaly.past_errors import FEWEST, MEMORY, PastErrors


def past_errors(*series):
    """Return what is remembered of errors; 0 where a row was not outlying, NaN where there was none."""
    errors = np.array(series, dtype=float)
    past = PastErrors.fresh(len(errors), 10)
    for block in np.split(errors, errors.shape[1] // 10, axis=1):
        past.block = block
        past.end_block()
    return past


def test_a_share_is_that_of_the_rows_with_an_error_as_large():
    every_tenth = np.where(np.arange(270) % 10 == 4, 3.0, 0.0)
    every_thirtieth = np.where(np.arange(270) % 30 == 4, 5.0, every_tenth)
    shares = past_errors(every_tenth, every_thirtieth).shares(np.array([[0.0, 3.0, 4.0], [3.0, 5.0, np.nan]]))
    np.testing.assert_allclose(shares, [[0.1, 0.1, 0], [0.1, 1 / 30, 0]])


def test_a_long_event_is_not_frequent():
    errors = np.zeros(900)
    errors[200:550] = 3
    assert past_errors(errors).shares(np.array([[3.0]])) == 0
    errors[550:750] = 3
    assert past_errors(errors).shares(np.array([[3.0]])) == 1


def test_few_rows_say_nothing_and_old_ones_are_forgotten():
    often = np.where(np.arange(MEMORY) % 5 == 0, 3.0, 0.0)
    assert past_errors(often[: FEWEST - 10]).shares(np.array([[3.0]])) == 0
    assert past_errors(often[:FEWEST]).shares(np.array([[3.0]])) > 0.1
    assert past_errors(np.append(often, np.zeros(600))).shares(np.array([[3.0]])) == 0


def test_rows_without_a_value_count_as_none():
    often = np.where(np.arange(900) % 10 == 0, 3.0, 0.0)
    gaps = np.insert(often, np.arange(0, 900, 3), np.nan)
    full, with_gaps = (past_errors(errors).shares(np.array([[2.0]])) for errors in (often, gaps))
    assert with_gaps == full == pytest.approx(0.1)


def test_a_larger_error_is_no_more_frequent():
    rng = np.random.default_rng(0)
    errors = np.where(rng.random(800) < 0.2, rng.exponential(size=800), 0.0)
    shares = past_errors(errors).shares(np.linspace(0, 6, 200)[None])[0]
    assert (np.diff(shares) <= 0).all()
    assert shares[0] > 0.15
    assert shares[-1] == 0
