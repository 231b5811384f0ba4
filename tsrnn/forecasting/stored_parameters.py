"""The parameters of a model in its file: written as JSON, and read back for a class that knows them."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from tsrnn.data.column_arguments import ColumnArguments
from tsrnn.data.grids import Frequency
from tsrnn.data.stored import frequency_to_json, json_to_frequency, offset_to_json
from tsrnn.data.stored_values import Json, json_to_value, read_entry, read_text, value_to_json
from tsrnn.errors import DataError, ParameterError


def parameter_to_json(name: str, value: Any) -> Json:
    """Write a parameter: a callable `verbose` as False, a device by its name, all else as `value_to_json` does.

    Raises
    ------
    ParameterError
        If it has no written form.

    Examples
    --------
    >>> parameter_to_json("verbose", print), parameter_to_json("patience", np.int64(3))
    (False, 3)
    """
    if name == "verbose":
        return isinstance(value, (bool, np.bool_)) and bool(value)
    if name == "device":
        return str(value)
    if name == "freq":
        return _freq_to_json(value)
    return value_to_json(value, f"the parameter {name}", "change it, and fit again")


def _freq_to_json(freq: Any) -> Json:
    if isinstance(freq, Frequency):
        return {"frequency": frequency_to_json(freq)}
    if isinstance(freq, pd.PeriodDtype):
        # Only a period's dtype leaves the side of the period open, so its offset's alias would not be the same.
        return {"period": offset_to_json(freq.freq)}
    if isinstance(freq, (datetime.timedelta, np.timedelta64)):
        return offset_to_json(to_offset(pd.Timedelta(freq)))
    if isinstance(freq, pd.offsets.BaseOffset):
        return offset_to_json(freq)
    return value_to_json(freq, "the parameter freq", "change it, and fit again")


def json_to_parameter(content: Json) -> Any:
    """Read what `parameter_to_json` wrote.

    >>> json_to_parameter(parameter_to_json("freq", pd.Timedelta("1h")))
    'h'
    """
    if isinstance(content, dict) and "frequency" in content:
        return json_to_frequency(content["frequency"])
    if isinstance(content, dict) and "period" in content:
        return pd.PeriodDtype(to_offset(read_text(content, "period")))
    return json_to_value(content)


def read_parameters(content: Json, cls: type[Any]) -> dict[str, Json]:
    """Return the entry "parameters" if it names parameters of a class alone, each as it is written.

    A parameter that is younger than the file is not in it, and stays at its default.

    Raises
    ------
    DataError
    """
    parameters = read_entry(content, "parameters")
    if not isinstance(parameters, dict) or not set(parameters) <= set(cls().get_params(deep=False)):
        raise DataError(f"the parameters are not those of {cls.__name__}")
    return parameters


def read_columns(content: Json) -> ColumnArguments:
    """Return the entry "columns", the names of a table's columns as the user gave them.

    Raises
    ------
    DataError
    """
    columns = json_to_value(read_entry(content, "columns"))
    if not isinstance(columns, tuple) or len(columns) != 3:
        raise DataError(f"columns={columns!r}, expected three")
    return ColumnArguments(*columns)


def check_written(model: Any) -> None:
    """Raise ParameterError for a `device` or `verbose` that a user may pass, but no file holds."""
    if not isinstance(model.device, str) or not isinstance(model.verbose, bool):
        raise ParameterError(f"device={model.device!r}, verbose={model.verbose!r}: expected a name, and true or false")
