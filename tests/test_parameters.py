import math

import numpy as np
import pytest

from tsrnn.errors import ParameterError
from tsrnn.parameters import check_choice, check_flag, check_number, check_whole, is_number, is_whole

NO_NUMBERS = ["3", None, True, np.True_, (3,), 3j]


@pytest.mark.parametrize("value", [0, -3, 10**30, np.int8(3), np.uint64(2**63)])
def test_whole_numbers_are_those_of_python_and_numpy(value):
    assert is_whole(value)
    assert is_number(value)


@pytest.mark.parametrize("value", [0.5, 3.0, float("nan"), np.float32(3)])
def test_other_numbers_are_not_whole_even_where_their_value_is(value):
    assert is_number(value)
    assert not is_whole(value)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_texts_truth_values_and_the_like_are_no_numbers(value):
    assert not is_number(value)
    assert not is_whole(value)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1, 2.0, np.int64(-1), float("nan")], ids=repr)
def test_a_count_that_is_impossible_is_refused_with_what_was_expected(value):
    with pytest.raises(ParameterError, match=r": expected a whole number of rows, 2 or more\.$") as error:
        check_whole("step", value, 2, of="rows")
    assert str(error.value).startswith(f"step={value!r}")


@pytest.mark.parametrize("value", [10**9 + 1, 10**30, np.int64(2**40)], ids=repr)
def test_a_count_that_overflows_is_refused_and_a_seed_of_any_size_is_none(value):
    with pytest.raises(ParameterError, match=rf"^gap={value}: expected 1,000,000,000 rows at most\.$"):
        check_whole("gap", value, 0, of="rows")
    with pytest.raises(ParameterError, match=rf"^step={value}: expected 7 at most\.$"):
        check_whole("step", value, 1, most=7, optional=True)
    check_whole("random_state", value, 0, most=math.inf)


def test_a_count_may_be_left_open_where_that_is_said():
    check_whole("step", None, 1, optional=True)
    check_whole("step", np.int32(1), 1, optional=True)
    with pytest.raises(ParameterError, match=r"^step=0: expected a whole number, 1 or more, or None\.$"):
        check_whole("step", 0, 1, optional=True)


@pytest.mark.parametrize("value", [*(v for v in NO_NUMBERS if v is not None), 0, 1.5, float("nan")], ids=repr)
def test_a_number_lies_between_two_others_or_is_a_bound_where_that_is_said(value):
    check_number("share", 1, 0, 1, "a share", or_high=True)
    check_number("share", np.float32(0.5), 0, 1, "a share")
    check_number("share", None, 0, 1, "a share", optional=True)
    with pytest.raises(ParameterError, match=r"^share=.*: expected a share\.$"):
        check_number("share", value, 0, 1, "a share", or_high=True, optional=True)


def test_a_whole_number_beyond_all_floats_is_no_number_to_compute_with():
    with pytest.raises(ParameterError, match=r"^time_budget=10+: expected seconds\.$"):
        check_number("time_budget", 10**400, 0, math.inf, "seconds")
    check_number("time_budget", math.inf, 0, math.inf, "seconds", or_high=True)


@pytest.mark.parametrize("value", [0, 1, "yes", None, np.array([True])], ids=repr)
def test_a_flag_is_true_or_false(value):
    check_flag("verbose", False)
    with pytest.raises(ParameterError, match=r"^verbose=.*: expected True or False\.$"):
        check_flag("verbose", value)


@pytest.mark.parametrize("value", ["GRU", "", None, 3, ["gru"], np.array(["gru"])], ids=repr)
def test_a_choice_is_one_of_the_names(value):
    check_choice("cell", np.str_("gru"), {"gru": 1})
    check_choice("cell", None, (None, "gru"))
    with pytest.raises(ParameterError, match=r"^cell=.*: expected one of 'gru', 'lstm'\.$"):
        check_choice("cell", value, ("gru", "lstm"))
