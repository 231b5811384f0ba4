"""Tell what a column holds: text, dates as text, or numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tsrnn.data.dates import looks_like_dates


def is_text(column: Any) -> bool:
    """Tell whether a column or index holds text."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
        column = column.categories if isinstance(column, pd.Index) else column.cat.categories
    if pd.api.types.is_object_dtype(dtype):
        return bool(pd.api.types.infer_dtype(column, skipna=True) == "string")
    return bool(pd.api.types.is_string_dtype(dtype))


def is_date_text(column: pd.Series) -> bool:
    """Tell whether a column holds text that can be read as dates."""
    return is_text(column) and looks_like_dates(column.astype(object))


def is_numeric(column: pd.Series) -> bool:
    """Tell whether a column holds real numbers; true and false are none."""
    dtype = column.dtype
    if pd.api.types.is_object_dtype(dtype):
        kinds = ("integer", "floating", "mixed-integer-float", "decimal")
        return pd.api.types.infer_dtype(column, skipna=True) in kinds
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        return False
    return bool(pd.api.types.is_numeric_dtype(dtype))
