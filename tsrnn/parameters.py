"""What parameters of estimators and functions must be, in one way for all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from tsrnn.errors import ParameterError

# No count of rows, steps or units is larger: no memory holds more, and NumPy's whole numbers do not overflow.
MOST = 10**9


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number of Python or NumPy; truth values are none.

    >>> is_whole(3), is_whole(np.int32(3)), is_whole(3.0), is_whole(True)
    (True, True, False, False)
    """
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Return whether a value is a number of Python or NumPy, NaN and infinite ones too; truth values are none.

    >>> is_number(3), is_number(np.float32(0.5)), is_number("3"), is_number(True)
    (True, True, False, False)
    """
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def check_whole(name: str, value: Any, least: int, *, most: float = MOST, of: str = "", optional: bool = False) -> None:
    """Raise ParameterError if a parameter is no whole number, too small, or too large.

    Parameters
    ----------
    name : str
    value : object
    least : int
    most : float
        Infinite where any number will do, as of a seed.
    of : str
        What it counts, such as "rows".
    optional : bool
        Whether it may be None.

    Examples
    --------
    >>> check_whole("gap", 0, 0, of="rows")
    >>> check_whole("batch_size", None, 1, optional=True)
    >>> check_whole("gap", -1, 0, of="rows")
    Traceback (most recent call last):
    ...
    tsrnn.errors.ParameterError: gap=-1: expected a whole number of rows, 0 or more.
    """
    if value is None and optional:
        return
    if is_whole(value) and value > most:
        raise ParameterError(f"{name}={value}: expected {most:,}{f' {of}' if of else ''} at most.")
    if is_whole(value) and value >= least:
        return
    counted, alternative = f" of {of}" if of else "", ", or None" if optional else ""
    raise ParameterError(f"{name}={value!r}: expected a whole number{counted}, {least} or more{alternative}.")


def check_number(
    name: str,
    value: Any,
    low: float,
    high: float,
    expected: str,
    *,
    or_low: bool = False,
    or_high: bool = False,
    optional: bool = False,
) -> None:
    """Raise ParameterError if a parameter is no number between two others.

    Parameters
    ----------
    name : str
    value : object
    low, high : float
        Infinite where there is no bound; NaN lies between no numbers.
    expected : str
        What is expected, in words.
    or_low, or_high : bool
        Whether it may be one of the bounds itself.
    optional : bool
        Whether it may be None.

    Examples
    --------
    >>> check_number("dropout", 0, 0, 1, "a share from 0 to below 1", or_low=True)
    >>> check_number("dropout", 1, 0, 1, "a share from 0 to below 1", or_low=True)
    Traceback (most recent call last):
    ...
    tsrnn.errors.ParameterError: dropout=1: expected a share from 0 to below 1.
    """
    if value is None and optional:
        return
    inside = is_number(value) and (low < value < high or (or_low and value == low) or (or_high and value == high))
    if not inside or (is_whole(value) and abs(value) > sys.float_info.max):
        raise ParameterError(f"{name}={value!r}: expected {expected}.")


def check_flag(name: str, value: Any) -> None:
    """Raise ParameterError if a parameter is neither true nor false.

    >>> check_flag("bidirectional", np.True_)
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ParameterError(f"{name}={value!r}: expected True or False.")


def check_choice(name: str, value: Any, choices: Iterable[str | None]) -> None:
    """Raise ParameterError if a parameter is none of the names, or None, that it may be.

    >>> check_choice("cell", "gru", ("gru", "lstm"))
    """
    choices = tuple(choices)
    if not (value is None or isinstance(value, str)) or value not in choices:
        raise ParameterError(f"{name}={value!r}: expected one of {', '.join(map(repr, choices))}.")
