"""Write single values as JSON, and read them back: entries of a file, and whatever pandas tables are named by.

Every kind of value stands in this file: nothing is imported, evaluated or looked up by a name that a file gives.
Writing raises ParameterError for what has no written form; reading raises DataError for what is not as it is written.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from tsrnn.errors import DataError, ParameterError

Json = Any

Value = TypeVar("Value")
# What reads one entry of a JSON object by its name, or raises DataError.
Reader = Callable[[Json, str], Value]

RENAME = "rename it, for example with df.rename(columns=str), and fit again"
INT64 = 2**63 - 1
_DTYPE = re.compile(r"[A-Za-z0-9_\[\], :+/.<>=|-]{1,100}")


def read_entry(content: Json, name: str) -> Json:
    """Return one entry of a JSON object, or raise DataError.

    >>> read_entry({"step": 5}, "step")
    5
    """
    if not isinstance(content, dict) or name not in content:
        raise DataError(f"the entry {name!r} is missing")
    return content[name]


def read_whole(content: Json, name: str, low: int = 1, high: int = INT64) -> int:
    """Return a whole number of a JSON object that lies from low to high, or raise DataError.

    >>> read_whole({"step": 5}, "step")
    5
    """
    value = read_entry(content, name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise DataError(f"{name}={value!r}, expected a whole number from {low} to {high}")
    return value


def read_flag(content: Json, name: str) -> bool:
    """Return true or false from a JSON object, or raise DataError.

    >>> read_flag({"years": True}, "years")
    True
    """
    value = read_entry(content, name)
    if not isinstance(value, bool):
        raise DataError(f"{name}={value!r}, expected true or false")
    return value


def read_text(content: Json, name: str) -> str:
    """Return text from a JSON object, or raise DataError.

    >>> read_text({"kind": "fixed"}, "kind")
    'fixed'
    """
    value = read_entry(content, name)
    if not isinstance(value, str):
        raise DataError(f"{name}={value!r}, expected text")
    return value


def read_list(content: Json, name: str) -> list[Json]:
    """Return a list from a JSON object, or raise DataError.

    >>> read_list({"ids": ["a"]}, "ids")
    ['a']
    """
    value = read_entry(content, name)
    if not isinstance(value, list):
        raise DataError(f"{name}={value!r}, expected a list")
    return value


def one_of(choices: Collection[str]) -> Reader[str]:
    """Return what reads an entry that is one of some names.

    >>> one_of(("gru", "lstm"))({"cell": "gru"}, "cell")
    'gru'
    """

    def read(content: Json, name: str) -> str:
        value = read_text(content, name)
        if value not in choices:
            raise DataError(f"{name}={value!r}, expected one of {', '.join(choices)}")
        return value

    return read


def number_between(low: float, high: float, *, or_low: bool = False, or_high: bool = False) -> Reader[float]:
    """Return what reads a number between two others, or one of these itself if that is said.

    >>> number_between(0, 1, or_low=True)({"dropout": 0}, "dropout")
    0.0
    """

    def read(content: Json, name: str) -> float:
        value = read_entry(content, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise DataError(f"{name}={value!r}, expected a number")
        if not (low < value < high or (or_low and value == low) or (or_high and value == high)):
            raise DataError(f"{name}={value!r}, expected a number between {low:g} and {high:g}")
        return float(value)

    return read


def several(read: Reader[Value]) -> Reader[tuple[Value, ...]]:
    """Return what reads a list, whose every part `read` reads.

    >>> several(number_between(0, 1))({"quantiles": [0.1, 0.5]}, "quantiles")
    (0.1, 0.5)
    """
    return lambda content, name: tuple(read({name: part}, name) for part in read_list(content, name))


def later_flag(content: Json, name: str) -> bool:
    """Read a flag that files from before it have not.

    >>> later_flag({}, "contrasts")
    False
    """
    return name in content and read_flag(content, name)


def read_history(content: Json, columns: Sequence[str], whole: str) -> pd.DataFrame:
    """Read the entry "history": rows of numbers, NaN where one is null; one of the columns holds whole ones.

    >>> read_history({"history": [[5, None]]}, ("step", "loss"), "step").iloc[0].tolist()
    [5.0, nan]
    """
    stored = read_entry(content, "history")
    rows = stored if isinstance(stored, list) else json_to_value(stored)
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise DataError("the history is no list of rows")
    for value in (value for row in rows for value in row):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise DataError(f"{value!r} in the history, expected a number")
    return pd.DataFrame(rows, columns=list(columns), dtype=np.float64).astype({whole: np.int64})


def value_to_json(value: Any, what: str, cure: str = RENAME) -> Json:
    """Write a name or a number: None, bool, int, float, str, dates, and lists and tuples of these.

    Parameters
    ----------
    value : Any
    what : str
        What it is, for the error.
    cure : str
        What to do about one of another kind.

    Raises
    ------
    ParameterError
        If it is of another kind.

    Examples
    --------
    >>> value_to_json(("a", 1), "a column's name")
    {'tuple': ['a', 1]}
    """
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, pd.Timestamp):
        naive = value if value.tz is None else value.tz_convert("UTC").tz_localize(None)
        return {"timestamp": naive.isoformat(), "zone": zone_to_json(value.tz)}
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return {"date": value.isoformat()}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [value_to_json(part, what, cure) for part in value]}
    raise ParameterError(
        f"{what}, {value!r}, is of type {type(value).__name__} and cannot be saved. Expected text, a number or a "
        f"date: {cure}."
    )


def json_to_value(content: Json) -> Any:
    """Read what `value_to_json` wrote.

    >>> json_to_value({"tuple": ["a", {"float": "nan"}]})
    ('a', nan)
    """
    if content is None or isinstance(content, (bool, int, float, str)):
        return content
    if not isinstance(content, dict):
        raise DataError(f"{content!r} is no name or number")
    keys = set(content)
    if keys == {"float"} and content["float"] in ("nan", "inf", "-inf"):
        return float(content["float"])
    if keys == {"timestamp", "zone"}:
        stamp = pd.Timestamp(read_text(content, "timestamp"))
        zone = json_to_zone(content["zone"])
        return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(zone)
    if keys == {"date"}:
        return datetime.date.fromisoformat(read_text(content, "date"))
    if keys == {"list"} or keys == {"tuple"}:
        parts = [json_to_value(part) for part in read_list(content, *keys)]
        return parts if keys == {"list"} else tuple(parts)
    raise DataError(f"{content!r} is no name or number")


def dtype_to_json(dtype: Any) -> Json:
    """Write a pandas dtype by its name; a categorical one with its categories.

    >>> dtype_to_json(pd.CategoricalDtype([2, 1], ordered=True))
    {'categories': [2, 1], 'dtype': 'int64', 'ordered': True}
    """
    if dtype is None:
        return None
    if isinstance(dtype, pd.CategoricalDtype):
        values = [value_to_json(value, "a category") for value in dtype.categories]
        return {
            "categories": values,
            "dtype": dtype_to_json(dtype.categories.dtype),
            "ordered": bool(dtype.ordered),
        }
    text = str(dtype)
    try:
        same = str(json_to_dtype(text)) == text
    except (TypeError, ValueError, LookupError):
        same = False
    if not same:
        raise ParameterError(f"The dtype {text} cannot be saved. Convert the column with astype, and fit again.")
    return text


def json_to_dtype(content: Json) -> Any:
    """Read what `dtype_to_json` wrote.

    >>> json_to_dtype("float32")
    dtype('float32')
    """
    if content is None:
        return None
    if isinstance(content, dict):
        values = [json_to_value(value) for value in read_list(content, "categories")]
        index = pd.Index(values, dtype=json_to_dtype(read_entry(content, "dtype")))
        return pd.CategoricalDtype(index, ordered=read_flag(content, "ordered"))
    if not isinstance(content, str) or not _DTYPE.fullmatch(content):
        raise DataError(f"{content!r} is no dtype")
    if content == "str":  # pandas 3 has a dtype of its own for text, pandas 2 has object
        return pd.Series(["text"]).dtype
    return pd.api.types.pandas_dtype(content)


def zone_to_json(zone: Any) -> Json:
    """Write a time zone by its name.

    >>> zone_to_json(datetime.timezone.utc)
    'UTC'
    """
    if zone is None:
        return None
    try:
        json_to_zone(str(zone))
    except (TypeError, ValueError, LookupError):
        raise ParameterError(
            f"The time zone {zone!r} has no name and cannot be saved. Convert the time stamps first, for example "
            "with df['ds'].dt.tz_convert('Europe/Berlin'), and fit again."
        ) from None
    return str(zone)


def json_to_zone(content: Json) -> Any:
    """Read what `zone_to_json` wrote.

    >>> str(json_to_zone("Europe/Berlin"))
    'Europe/Berlin'
    """
    if content is None:
        return None
    if not isinstance(content, str):
        raise DataError(f"{content!r} is no time zone")
    return pd.DatetimeTZDtype("ns", content).tz
