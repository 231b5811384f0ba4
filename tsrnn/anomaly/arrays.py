"""Arrays that hold one row per series, taken, put back and stored together."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from typing_extensions import Self

    from tsrnn.data.panel import Floats, Integers


@dataclass
class SeriesArrays:
    """A dataclass whose fields are arrays of shape (n_series, ...)."""

    def take(self, index: Integers) -> Self:
        """Return a copy of some series' rows."""
        return type(self)(**{name: getattr(self, name)[index] for name in self.names()})

    def put(self, index: Integers, other: SeriesArrays) -> None:
        """Write the rows of some series."""
        for name in self.names():
            getattr(self, name)[index] = getattr(other, name)

    def grown(self, other: SeriesArrays) -> Self:
        """Return these series and then those of `other`."""
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in self.names())
        return type(self)(**{name: np.concatenate([mine, its]) for name, mine, its in pairs})

    @classmethod
    @cache
    def names(cls) -> list[str]:
        """Return the names of the arrays."""
        return [part.name for part in fields(cls)]

    def stored(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in self.names()}

    def rebuilt(self, arrays: Mapping[str, npt.NDArray[Any]], n: int) -> Self:
        """Return n series made of stored arrays, whose rows must be like the present ones.

        Raises
        ------
        ValueError
            If an array is missing or of another shape or type.
        """
        found = {}
        for name, mine in self.stored().items():
            its = arrays.get(name)
            if its is None or its.shape != (n, *mine.shape[1:]) or its.dtype != mine.dtype:
                what = "missing" if its is None else f"{its.dtype} {its.shape}"
                raise ValueError(f"the array {name} is {what}, expected {mine.dtype} {(n, *mine.shape[1:])}")
            found[name] = np.array(its)
        return type(self)(**found)


def newest(past: Floats, block: Floats) -> Floats:
    """Return past values (S, R), oldest first, with those of a block (S, s) in place of the oldest; NaN comes first.

    >>> newest(np.array([[np.nan, 1.0, 2.0]]), np.array([[np.nan, 3.0, 4.0]])).tolist()
    [[2.0, 3.0, 4.0]]
    """
    both = np.concatenate([past, block], 1)
    # What is known moves to the right end, however much each series has of it.
    rank = np.argsort(np.isfinite(both), axis=1, kind="stable")
    return np.take_along_axis(both, rank, 1)[:, -past.shape[1] :]
