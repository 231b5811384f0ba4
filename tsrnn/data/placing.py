"""Place the newer rows of series among their known ones: behind them, and in their stead where both have a row."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.grids import Frequency, Stamps
from tsrnn.data.local_clock import clock_notes
from tsrnn.data.panel import Bools, Floats, Integers, Panel, TableForm, sums_before
from tsrnn.data.tables import value_notes
from tsrnn.data.times import localize
from tsrnn.errors import DataError, FrequencyError

# The most by which clocks change anywhere.
_DAYLIGHT_SAVING = datetime.timedelta(hours=2)


@dataclass(frozen=True)
class NewerRows:
    """The newer rows of one series, and where they lie among its known ones.

    Parameters
    ----------
    place : int
        Number of the known series; -1 for a series that is not known.
    past : float64 ndarray of shape (n_known,)
        The known values, on the grid of the newer ones.
    shift : int
        How many rows after the first known row the newer ones begin.
    y : float64 ndarray of shape (n_newer,)
        The newer values.
    """

    place: int
    past: Floats
    shift: int
    y: Floats

    @property
    def is_known(self) -> bool:
        """The series has known rows."""
        return self.place >= 0

    @property
    def is_empty(self) -> bool:
        """None of the newer rows has a value."""
        return not np.isfinite(self.y).any()

    @property
    def is_later(self) -> bool:
        """No newer row tells of a time at or before the end of the known ones."""
        return self.shift >= len(self.past) or self.is_empty

    @property
    def n_after(self) -> int:
        """How many known rows come after the last newer one."""
        return max(len(self.past) - max(self.shift + len(self.y), 0), 0)

    @property
    def n_before(self) -> int:
        """How many newer rows come before the first known one."""
        # Nothing is told of known rows by rows that are empty throughout: those of a series that a wide table lacks.
        return 0 if self.is_empty else max(-self.shift, 0)

    def joined(self) -> Floats:
        """Return the known values with the newer ones in their places; what lies between is missing."""
        values = np.full(self.n_before + max(self.shift + len(self.y), len(self.past)), np.nan)
        values[self.n_before : self.n_before + len(self.past)] = self.past
        if not self.is_empty:
            first = self.n_before + self.shift
            values[first : first + len(self.y)] = self.y
        return values

    def changed(self) -> Bools:
        """Return which of the known rows get another value, or lose theirs, or get one. Shape (n_known,)."""
        after = self.joined()[self.n_before : self.n_before + len(self.past)]
        changed: Bools = (self.past != after) & (np.isfinite(self.past) | np.isfinite(after))
        return changed


def check_same_time(known: Panel, newer: Panel) -> None:
    """Refuse stamps that are no times of the same kind: numbers with dates, instants with days, days of other places.

    Parameters
    ----------
    known, newer : Panel

    Raises
    ------
    DataError
    """
    if known.start.dtype.kind != newer.start.dtype.kind:
        raise DataError("Dates and whole numbers as time do not go together. Write time as in the fitted table.")
    one, other = known.form, newer.form
    if one.wall_clock == other.wall_clock:
        # Instants are in UTC whatever zone they were written in.
        if not one.wall_clock and (one.zone is None) == (other.zone is None):
            return
        # Local days without a zone had several UTC offsets, of which one may come alone.
        if one.wall_clock and (one.zone is None or other.zone is None or _is_one_place(one.zone, other.zone, newer)):
            return
    raise DataError(
        f"The time stamps have {_name_zone(other)}, those of the fitted table {_name_zone(one)}. Write them in "
        "the same way."
    )


def _name_zone(form: TableForm) -> str:
    if form.zone is None:
        return "several UTC offsets" if form.wall_clock else "no time zone"
    return str(form.zone) if form.wall_clock else f"{form.zone} at several times of the day"


def _is_one_place(zone: Any, other: Any, panel: Panel) -> bool:
    """Tell whether two zones may be those of one place: the same one, or offsets that daylight saving explains."""
    if str(zone) == str(other):
        return True
    if zone.utcoffset(None) is None and other.utcoffset(None) is None:
        return False
    first = pd.DatetimeIndex(panel.start[:1])
    offsets = [localize(first, place)[0].utcoffset() for place in (zone, other)]
    return bool(abs(offsets[0] - offsets[1]) <= _DAYLIGHT_SAVING)


def place_rows(known: Panel, newer: Panel, past: Sequence[Floats]) -> list[NewerRows]:
    """Find the known rows of each newer series, of the values `past`; names are compared as they are."""
    numbers = {name: i for i, name in enumerate(known.ids)}
    place = np.array([numbers.get(name, -1) for name in newer.ids], dtype=np.int64)
    both = np.flatnonzero(place >= 0)
    shift = np.zeros(len(place), dtype=np.int64)
    shift[both] = _shifts(known, newer, place[both], both)
    nothing = np.empty(0)
    return [
        NewerRows(at, past[at] if at >= 0 else nothing, rows, newer.series(i))
        for i, (at, rows) in enumerate(zip(place.tolist(), shift.tolist(), strict=True))
    ]


def _shifts(known: Panel, newer: Panel, place: Integers, both: Integers) -> Integers:
    """Return how many rows after its first known row each series of both tables begins in the newer one."""
    try:
        # The newer frequency knows the later days of a trading calendar, too.
        return newer.frequency.positions(newer.start[both], known.start[place], fitted=True)
    except FrequencyError as error:
        off = next(i for i, at in zip(both, place, strict=True) if not _is_on_grid(newer, i, known.start[at]))
        raise FrequencyError(
            f"Series {newer.ids[off]!s} does not lie on the grid of the fitted table: its rows do not go on in the "
            f"step of the fitted rows: {error}"
        ) from None


def _is_on_grid(newer: Panel, i: int, start: Any) -> bool:
    try:
        newer.frequency.positions(newer.start[i], start)
    except FrequencyError:
        return False
    return True


def on_grid(known: Panel, frequency: Frequency) -> list[Floats]:
    """Return the values of each known series on the grid of a frequency, which may know more trading days."""
    if frequency == known.frequency:
        return [known.series(i) for i in range(known.n_series)]
    parts = []
    for i in range(known.n_series):
        stamps = known.frequency.stamps(known.start[i], np.arange(known.lengths[i]))
        rows = frequency.positions(stamps, known.start[i])
        part = np.full(int(rows.max(initial=-1)) + 1, np.nan)
        part[rows] = known.series(i)
        parts.append(part)
    return parts


def with_rows(panel: Panel, values: Sequence[Floats], ids: Any, start: Stamps, frequency: Frequency) -> Panel:
    """Return a panel with other series, of the values and the first stamps given."""
    offsets = sums_before([len(part) for part in values])
    return replace(panel, y=np.concatenate(values), offsets=offsets, ids=ids, start=start, frequency=frequency)


def with_value_notes(panel: Panel, before: Panel) -> Panel:
    """Return a panel with notes on what is missing now, and its clock, in place of those on what was so before."""
    stale, clock = {*value_notes(before), *clock_notes(before)}, clock_notes(panel)
    notes = (*(note for note in before.notes if note not in stale), *value_notes(panel), *clock)
    choices = (*(note for note in before.choices if note not in stale), *clock)
    return replace(panel, notes=notes, choices=choices)


def joined_dtype(known: Panel, newer: Panel) -> Any:
    """Return the pandas dtype that names of both panels have together."""
    dtypes = [
        pd.Series(list(panel.ids)).dtype if panel.form.id_dtype is None else panel.form.id_dtype
        for panel in (known, newer)
    ]
    first, second = dtypes
    if isinstance(first, pd.CategoricalDtype) and isinstance(second, pd.CategoricalDtype):
        more = second.categories.difference(first.categories, sort=False)
        if not len(more):
            return first
        # Nobody has said where in an order the new ones stand.
        return pd.CategoricalDtype([*first.categories, *more])
    return pd.concat([pd.Series(list(p.ids), dtype=d) for p, d in zip((known, newer), dtypes, strict=True)]).dtype
