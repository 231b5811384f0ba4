"""What a forecast is asked for: its horizon, the levels of its intervals and its quantiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tsrnn.errors import ParameterError
from tsrnn.parameters import check_whole, is_number

# Quantiles are told apart by ten digits; nearer to 0 or 1 than this they would be others than those asked for.
NEAREST_END = 1e-9


def check_horizon(h: Any) -> int:
    """Return h as an int, or raise ParameterError.

    >>> check_horizon(24)
    24
    """
    check_whole("h", h, 1, of="steps")
    return int(h)


def check_levels(level: Sequence[float] | float | None) -> tuple[float, ...]:
    """Return interval levels in percent as a tuple, or raise ParameterError.

    >>> check_levels(80)
    (80,)
    """
    levels = listed(level)
    for value in levels:
        # Half a percent is never meant; a share where percent are expected is.
        if not is_number(value) or not 1 <= value <= 100 * (1 - 2 * NEAREST_END):
            hint = f" Did you mean {value * 100:g}?" if isinstance(value, float) and 0 < value < 1 else ""
            if is_number(value) and 99 < value < 100:
                hint = " No model can tell one so near to 100."
            raise ParameterError(f"level={value!r}: expected percent between 0 and 100, for example 80.{hint}")
    _check_names("level", levels)
    return levels


def check_quantiles(quantiles: Sequence[float] | None) -> tuple[float, ...]:
    """Return quantiles as a tuple, or raise ParameterError.

    >>> check_quantiles([0.1, 0.9])
    (0.1, 0.9)
    """
    wanted = listed(quantiles)
    for value in wanted:
        if not is_number(value) or not 0 < value < 1:
            raise ParameterError(f"quantile {value!r}: expected a number between 0 and 1, for example 0.9.")
        if not NEAREST_END <= value <= 1 - NEAREST_END:
            raise ParameterError(
                f"quantile {value!r}: is nearer to 0 or 1 than any model can tell; expected {NEAREST_END:g} to 1 − "
                f"{NEAREST_END:g}, for example 0.9."
            )
    _check_names("quantile", wanted)
    return wanted


def _check_names(what: str, values: Sequence[float]) -> None:
    """Refuse two numbers that would have one column of the answer: its name writes six digits."""
    named: dict[str, float] = {}
    for value in values:
        other = named.setdefault(f"{value:g}", value)
        if abs(value - other) > NEAREST_END:
            raise ParameterError(
                f"{what} {other!r} and {value!r} would share a column, since its name has six digits ({value:g}). "
                "Leave one of them out."
            )


def listed(values: Any) -> tuple[Any, ...]:
    """Return one value, or those of any sequence, as Python's own; what is no number stays for the check of each.

    >>> listed(np.float64(0.5)), listed([80, [90]])
    ((0.5,), (80, [90]))
    """
    if values is None:
        return ()
    values = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(values, str) or not isinstance(values, Iterable):
        values = (values,)
    return tuple(value.item() if isinstance(value, np.generic) else value for value in values)


def needed_quantiles(levels: Sequence[float], quantiles: Sequence[float]) -> tuple[float, ...]:
    """Return the ascending quantiles that levels, quantiles and the median need.

    >>> needed_quantiles([80], [0.25])
    (0.1, 0.25, 0.5, 0.9)
    """
    ends = {round(0.5 + side * level / 200, 10) for level in levels for side in (-1, 1)}
    return tuple(sorted({0.5, *ends, *(round(q, 10) for q in quantiles)}))


def nearest(quantiles: Sequence[float], q: float) -> int:
    """Return the place of the quantile that is nearest to q.

    >>> nearest((0.1, 0.5, 0.9), 0.8999999999)
    2
    """
    return int(np.argmin(np.abs(np.asarray(quantiles) - q)))
