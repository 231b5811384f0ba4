"""What stands for a model's parameters in a folder, so that it knows its backtest again in another process."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from types import CellType, CodeType
from typing import Any

import numpy as np

from tsrnn.evaluation.configuration import without_address
from tsrnn.forecasting.foreign import foreign_name

# How far objects inside objects are followed: some hold themselves.
DEEPEST = 5


def recognisable(value: Any, depth: int = 0) -> Any:
    """Return a parameter as a JSON value that is the same in another process, and another one where it has changed.

    Parameters
    ----------
    value : object
        A function is told by its code, its defaults and what it holds; an object by its attributes, or its text where
        it has one, and the code of its class. Functions that these call by name are not followed.
    depth : int
        Of the objects that hold it.

    Examples
    --------
    >>> recognisable({"quantiles": [0.1, 0.9], "n": np.int64(3)})
    {'quantiles': [0.1, 0.9], 'n': 3}
    >>> recognisable(lambda train, h: [1.0] * h) == recognisable(lambda train, h: [2.0] * h)
    False
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
    if depth >= DEEPEST:
        return without_address(value)
    if isinstance(value, (list, tuple)):
        return [recognisable(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {str(key): recognisable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, functools.partial):
        return recognisable([value.func, value.args, value.keywords], depth)
    if _has_code(value):
        return f"{foreign_name(value)} {_digest(_function(value, depth))}"
    kind: Any = type(value)
    methods = {name: _function(part, depth) for name, part in vars(kind).items() if _has_code(part)}
    if kind.__repr__ is object.__repr__ and hasattr(value, "__dict__"):
        attributes = recognisable(vars(value), depth + 1)
        return {kind.__name__: {**attributes, "class": _digest(methods)} if methods else attributes}
    text = without_address(value)
    return f"{text} {_digest(methods)}" if methods else text


def _has_code(value: Any) -> bool:
    return isinstance(getattr(value, "__code__", None), CodeType)


def _function(function: Any, depth: int) -> list[Any]:
    """Return what a function or method computes by, as JSON values."""
    cells = getattr(function, "__closure__", None) or ()
    # A cell is empty until the function around it has given it a value.
    held = [cell.cell_contents for cell in cells if cell != CellType()]
    given = [getattr(function, name, None) for name in ("__defaults__", "__kwdefaults__", "__self__")]
    return [_instructions(function.__code__), recognisable([held, *given], depth + 1)]


def _instructions(code: CodeType) -> list[Any]:
    """Return the instructions of a code object and of those in it, without the lines that they stand on."""
    constants = [_instructions(part) if isinstance(part, CodeType) else _constant(part) for part in code.co_consts]
    return [code.co_code.hex(), list(code.co_names), constants]


def _constant(value: Any) -> Any:
    # The order of a set of texts is another one in every process.
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
