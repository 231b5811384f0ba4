"""The arguments that name columns: checked before any table is looked at, and what is said of one that it lacks."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.errors import ParameterError
from tsrnn.naming import listing


class ColumnArguments(NamedTuple):
    """Names of columns as a user gave them, by which later tables are read, too; None where none was given."""

    id_col: Any = None
    time_col: Any = None
    target_col: Any = None

    @classmethod
    def of(cls, id_col: Any, time_col: Any, target_col: Any) -> ColumnArguments:
        """Take the arguments of a method; several names become a list.

        >>> ColumnArguments.of(None, None, np.array(["a", "b"])).target_col
        ['a', 'b']
        """
        several = isinstance(target_col, (pd.Index, np.ndarray))
        return cls(id_col, time_col, target_col.tolist() if several else target_col)


def target_names(target_col: Any) -> list[Any]:
    """Return the names that a `target_col` is of.

    >>> target_names(None), target_names("y"), target_names(("a", "b"))
    ([], ['y'], ['a', 'b'])
    """
    if isinstance(target_col, (list, tuple, pd.Index, np.ndarray)):
        return list(target_col)
    return [] if target_col is None else [target_col]


def check_column_arguments(id_col: Any, time_col: Any, target_col: Any) -> None:
    """Refuse what cannot name a column, such as a list where one name is expected.

    Raises
    ------
    ParameterError
    """
    for argument, value, names in (
        ("id_col", id_col, [id_col]),
        ("time_col", time_col, [time_col]),
        ("target_col", target_col, target_names(target_col)),
    ):
        if not all(map(_has_hash, names)):
            is_data = isinstance(value, (pd.Series, pd.DataFrame))
            shown = f" is a {type(value).__name__}" if is_data else f"={value!r}"
            more = ", or a list of names for a wide table" if argument == "target_col" else ""
            raise ParameterError(f"{argument}{shown}: expected the name of one column{more}.")


def _has_hash(name: Any) -> bool:
    try:
        hash(name)
    except TypeError:
        return False
    return True


def unknown(argument: str, name: Any, columns: Iterable[Any]) -> str:
    """Say that a named column does not exist, and which ones do."""
    names = list(columns)
    close = difflib.get_close_matches(str(name), [str(column) for column in names], n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{argument}={name!r} is not a column of the table, which has: {listing(names, 10)}.{hint}"
