"""All series of a table in one flat array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tsrnn.data.grids import Frequency

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TableForm:
    """How the user's table looked, so that the answer can look the same.

    Parameters
    ----------
    kind : {"long", "wide", "series"}
    id_col, time_col, target_col : str
        The user's names of the three columns of a long table. For a wide table `time_col` is the name of its
        date column, or of its index; for a Series `target_col` is its name.
    time_in_index : bool
        True if time came as an index rather than as a column.
    time_dtype : Any
        The pandas dtype of the user's time column or index (for a PeriodIndex, the period dtype).
    zone : Any
        The user's time zone, or None for naive and integer time.
    wall_clock : bool
        The panel's stamps are local times of `zone`; otherwise, where there is a zone, they are in UTC.
    id_dtype, value_dtype : Any
        pandas dtypes of the ids and of the values in an answer.
    columns_name : Any
        What the columns of a wide table are called together.
    """

    kind: Literal["long", "wide", "series"]
    id_col: str = "unique_id"
    time_col: Any = "ds"
    target_col: Any = "y"
    time_in_index: bool = False
    time_dtype: Any = None
    zone: Any = None
    wall_clock: bool = False
    id_dtype: Any = None
    value_dtype: Any = None
    columns_name: Any = None


@dataclass(frozen=True)
class Cutoffs:
    """Where forecasts start: one entry per forecast, B in all.

    Parameters
    ----------
    series : int64 ndarray of shape (B,)
        Index of the series in the panel.
    end : int64 ndarray of shape (B,)
        How many rows of that series the model may see; the first forecast is row `end` (counted from 0).
    """

    series: Integers
    end: Integers

    @classmethod
    def of(cls, pairs: Sequence[tuple[int, int]]) -> Cutoffs:
        """Return the cutoffs of pairs of series and end."""
        return cls(*np.array(pairs, np.int64).reshape(-1, 2).T)

    def __len__(self) -> int:
        return len(self.series)

    def take(self, some: Integers | Bools) -> Cutoffs:
        """Return some of the cutoffs, by their numbers or by a mask of shape (B,)."""
        return Cutoffs(self.series[some], self.end[some])

    def later(self, rows: int) -> Cutoffs:
        """Return the cutoffs so many rows after these."""
        return Cutoffs(self.series, self.end + rows)


@dataclass(frozen=True)
class Panel:
    """Series on regular grids, stored like the rows of a sparse matrix.

    Parameters
    ----------
    y : float64 ndarray of shape (n_rows,), original units
        All series one after the other, oldest row first; NaN where nothing was observed.
    offsets : int64 ndarray of shape (n_series + 1,)
        Series i is ``y[offsets[i]:offsets[i + 1]]``.
    ids : ndarray of shape (n_series,)
        The user's names of the series.
    start : datetime64[ns] or int64 ndarray of shape (n_series,)
        Time stamp of each series' first row (UTC, or wall-clock time where a local calendar rules).
    frequency : Frequency
        The step from one row to the next.
    season_length : int
        Steps per season; 1 means none.
    form : TableForm
        How to build the answer.
    notes : tuple of str
        What the gate found worth telling: inferred frequency, ignored columns, holidays, empty series.
    choices : tuple of str
        Those of the notes that say what was chosen in reading the table: which columns count, how dates are written.
    """

    y: Floats
    offsets: Integers
    ids: npt.NDArray[Any]
    start: npt.NDArray[Any]
    frequency: Frequency
    season_length: int
    form: TableForm
    notes: tuple[str, ...] = field(default=())
    choices: tuple[str, ...] = field(default=())

    @property
    def n_series(self) -> int:
        """How many series there are."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Integers:
        """Rows of each series, unobserved ones included. Shape (n_series,)."""
        return np.diff(self.offsets)

    @property
    def observed(self) -> Bools:
        """Where a value was observed. Shape (n_rows,)."""
        return np.isfinite(self.y)

    @property
    def n_observed(self) -> Integers:
        """Observed values of each series. Shape (n_series,)."""
        return self.observed_before(self.last_cutoffs())

    def places(self) -> tuple[Integers, Integers]:
        """Return of every row its series, and which row of that it is, counted from 0. Each of shape (n_rows,)."""
        series = np.repeat(np.arange(self.n_series), self.lengths)
        return series, np.arange(len(self.y)) - self.offsets[series]

    def series(self, index: int) -> Floats:
        """Return the values of one series, a view."""
        return self.y[self.offsets[index] : self.offsets[index + 1]]

    def last_cutoffs(self) -> Cutoffs:
        """Return the cutoff after the last row of every series."""
        return Cutoffs(np.arange(self.n_series, dtype=np.int64), self.lengths.astype(np.int64))

    def future(self, cutoffs: Cutoffs, h: int) -> Floats:
        """Return what happened after each cutoff. Shape (B, h); NaN past a series' end."""
        row = cutoffs.end[:, None] + np.arange(h)
        inside = row < self.lengths[cutoffs.series][:, None]
        flat = np.where(inside, self.offsets[cutoffs.series][:, None] + row, 0)
        return np.where(inside, self.y[flat], np.nan)

    def observed_before(self, cutoffs: Cutoffs) -> Integers:
        """Count the observed values before each cutoff, which may lie beyond the series' end. Shape (B,)."""
        running = sums_before(self.observed)
        first, after = self.offsets[cutoffs.series], self.offsets[cutoffs.series + 1]
        counts: Integers = running[np.clip(first + cutoffs.end, first, after)] - running[first]
        return counts

    def missing_before(self, cutoffs: Cutoffs, most: int | None = None) -> Integers:
        """Count the rows without a value just before each cutoff.

        Parameters
        ----------
        cutoffs : Cutoffs
            B of them.
        most : int, optional
            More rows than these count as 0, too.

        Returns
        -------
        int64 ndarray of shape (B,)
            0 where no earlier row has a value.
        """
        rows = np.arange(len(self.y))
        latest = np.maximum.accumulate(np.where(np.isfinite(self.y), rows, -1))
        first = self.offsets[cutoffs.series]
        before = first + cutoffs.end - 1
        # A cutoff at row 0 has no row before it.
        seen = latest[before.clip(min=0)] if len(rows) else before
        missing: Integers = np.where((cutoffs.end > 0) & (seen >= first), before - seen, 0)
        return missing if most is None else np.where(missing > most, 0, missing)

    def sorted_by_id(self) -> Panel:
        """Return the same panel with its series in the order of their names, whatever order they came in."""
        # Name by name: astype(str) cannot take tuples.
        order = np.argsort(np.array([str(name) for name in self.ids], dtype=np.str_), kind="stable")
        return self if (np.diff(order) == 1).all() else self.take(order)

    def take(self, order: Integers) -> Panel:
        """Return the panel of some series, in this order; the notes stay those of the whole."""
        lengths = self.lengths[order]
        start = sums_before(lengths)
        rows = np.arange(start[-1]) + np.repeat(self.offsets[:-1][order] - start[:-1], lengths)
        return replace(self, y=self.y[rows], offsets=start, ids=self.ids[order], start=self.start[order])

    def padded(self, before: Integers, after: Integers) -> Panel:
        """Return the panel with rows without values before and after those of each series, so many as are given."""
        if not (before.any() or after.any()):
            return self
        offsets = sums_before(before + self.lengths + after)
        series, row = self.places()
        y = np.full(int(offsets[-1]), np.nan)
        y[offsets[series] + before[series] + row] = self.y
        return replace(self, y=y, offsets=offsets, start=self.frequency.stamps(self.start, -before))

    def between(self, starts: Integers, ends: Integers) -> Panel:
        """Return a panel that holds the rows from `starts` to before `ends` of each series.

        Missing values before the first observed one of these rows are cut off, as the gate does.
        """
        series, row = self.places()
        ends = np.minimum(ends, self.lengths)
        inside = (row >= starts[series]) & (row < ends[series])
        seen = np.flatnonzero(inside & self.observed)
        # The first observed row of each series from its start on, or its end where there is none.
        place = np.searchsorted(seen, self.offsets[:-1] + np.minimum(starts, ends))
        first = np.append(seen, len(self.y))[place] - self.offsets[:-1]
        starts = np.where(first < ends, first, ends)
        keep = inside & (row >= starts[series])
        offsets = sums_before(ends - starts)
        start = self.frequency.stamps(self.start, starts)
        return replace(self, y=self.y[keep], offsets=offsets, start=start)


def sums_before(values: npt.ArrayLike) -> Integers:
    """Return of n counts or truth values the sum of those before each, and of all. Shape (n + 1,).

    Of the lengths of series these are their offsets.

    >>> sums_before([2, 3, 1]).tolist()
    [0, 2, 5, 6]
    """
    return np.concatenate([[0], np.cumsum(values)]).astype(np.int64, copy=False)


def as_names(names: Sequence[Any]) -> npt.NDArray[Any]:
    """Return names of series as a panel's `ids`: an array of objects, of shape (n_series,)."""
    ids = np.empty(len(names), dtype=object)
    # Names may be tuples.
    ids[:] = names
    return ids
