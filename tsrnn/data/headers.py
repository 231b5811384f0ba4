"""Tell whether the first line of a table holds names, values or time stamps."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.dates import DATE_OF_NUMBERS, labels_time, looks_like_dates, shape_of
from tsrnn.data.number_signs import plain_number, split_sign
from tsrnn.errors import DataError
from tsrnn.naming import examples

_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*(?:[eE][-+]?\d+)?")
_MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "?"}
_SAMPLE = 20
_YEAR = re.compile(r"(?:1[7-9]|2[01])\d\d")
_FEWEST = 3


def refuse_values_as_header(header: list[str], rows: list[list[str]], name: str, sep: str) -> None:
    """Refuse a file without a line of names: its first row would be lost, and name the series.

    Numbers alone may be names, such as years or shops. Beside a date above dates, or a count that goes on below, they
    are values, and so is the number above a file of numbers one a line. pandas writes 0, 1, ... above columns without
    names.

    Parameters
    ----------
    header : list of str
        The fields of the first line.
    rows : list of list of str
        Those of the lines after it.
    name, sep : str
        The file and its separator, for the message.

    Raises
    ------
    DataError
        If the first line holds a date above dates, or goes on as a count of rows, and no word above numbers; or if it
        is a number above numbers alone.
    """
    fields = [field.strip() for field in header]
    if len(fields) > 1 and not any(_all_numbers([field]) for field in fields):
        return  # reading dates takes most of the time of a small file
    columns = [[row[k].strip() for row in rows[:_SAMPLE] if len(row) == len(header)] for k in range(len(header))]
    numeric = [k for k, column in enumerate(columns) if _all_numbers(column)]
    times = [k for k, column in enumerate(columns) if _continues_dates(fields[k], column)]
    # A word above dates, as in date,1,2, says that numbers above others are names, however those below go on.
    if (
        not times
        and fields != [str(k) for k in range(len(fields))]
        and not any(column and looks_like_dates(pd.Series(column, dtype=object)) for column in columns)
    ):
        times = [k for k in numeric if _continues_count(fields[k], columns[k])]
    numbers = [k for k in numeric if k not in times]
    if len(fields) == 1:
        if fields == ["0"] or not numbers or not _NUMBER.fullmatch(fields[0]):
            return
    elif not times or not numbers or not all(_all_numbers([fields[k]]) for k in numbers):
        return
    spare = iter(("y", *(f"y{k}" for k in range(2, len(fields) + 1))))
    names = ["ds" if k in times[:1] else next(spare) if k in numbers else f"c{k + 1}" for k in range(len(fields))]
    example = sep.join(names[:4]) + (f"{sep}..." if len(names) > 4 else "")
    raise DataError(
        f"{name}: the first line holds values ({examples(fields, repr, most=4)}) where names were expected. Put a line "
        f"of names before it, for example {example}"
    )


def time_stamps_among(columns: Sequence[Any], *, labels: bool = True) -> list[Any]:
    """Return the names of columns that are years, dates or, with `labels`, as Mai 2024, if most columns are named so.

    Examples
    --------
    >>> time_stamps_among(["country", "2022", "2023", "2024"])
    ['2022', '2023', '2024']
    >>> time_stamps_among(["date", "shop 1", "shop 2"])
    []
    """
    years = [name for name in columns if _YEAR.fullmatch(str(name))]
    if _are_most(years, columns):
        numbers = pd.Series([int(name) for name in years])
        return years if numbers.is_monotonic_increasing or numbers.is_monotonic_decreasing else []
    dates = [name for name in columns if isinstance(name, (datetime.date, pd.Period))]
    if _are_most(dates, columns):
        return dates
    texts = [name for name in columns if isinstance(name, str) and name[:4].strip().isdigit()]
    texts = texts or [name for name in columns if isinstance(name, str) and re.search(r"\d\d$", name)]
    are_stamps = labels_time if labels else looks_like_dates
    return texts if _are_most(texts, columns) and are_stamps(pd.Series(texts, dtype=object)) else []


def _are_most(names: list[Any], columns: Sequence[Any]) -> bool:
    return len(names) >= _FEWEST and 2 * len(names) > len(columns)


def refuse_time_along_columns(stamps: list[Any], others: list[Any], named_index: bool) -> None:
    """Refuse a table whose columns are time stamps: it would be forecast from series to series.

    Parameters
    ----------
    stamps : list
        From `time_stamps_among`.
    others : list
        The names of the other columns.
    named_index : bool
        Whether the index has a name, and so names the rows.

    Raises
    ------
    DataError
        With the code that turns the table.
    """
    keys, names = f"id_vars={others!r}, " if others else "", ""
    if named_index or not others:
        keys, names = f"{keys}ignore_index=False, ", ".reset_index(names='unique_id')"
    raise DataError(
        f"Time runs along the columns: {len(stamps):,} of them are named {stamps[0]!s}, {stamps[1]!s}, ..., "
        f"{stamps[-1]!s}, and no column holds dates. Expected a row for each time stamp. Turn the table: df = df.melt("
        f"{keys}var_name='ds', value_name='y'){names}. If these are names of series, name those to forecast with "
        "target_col."
    )


def _all_numbers(fields: list[str]) -> bool:
    """Tell whether fields are numbers, with a sign as of a currency or without, or missing values."""
    return bool(fields) and all(
        field.lower() in _MISSING or _NUMBER.fullmatch(plain_number(split_sign(field)[1])) for field in fields
    )


def _continues_dates(field: str, column: list[str]) -> bool:
    """Tell whether a field is a date in the same notation as those of the column below it."""
    known = [value for value in column if value]
    if not known or (re.fullmatch(r"[-+]?\d*(?:[.,]\d*)?", field) and not re.fullmatch(r"\d{8}", field)):
        return False
    # Reading dates is slow, and a header may be thousands of dates above numbers.
    if shape_of(field) != shape_of(known[0]):
        return False
    # Dates in which day and month may be confused are dates nevertheless.
    if all(DATE_OF_NUMBERS.fullmatch(value) for value in (field, *known)):
        return True
    return looks_like_dates(pd.Series([field, *known], dtype=object))


def _continues_count(field: str, column: list[str]) -> bool:
    """Tell whether whole numbers go up by equal steps from a field through the column below it."""
    try:
        numbers = [int(value) for value in (field, *column)]
    except ValueError:
        return False
    return len(numbers) > 2 and numbers[1] > numbers[0] and len(set(np.diff(numbers))) == 1
