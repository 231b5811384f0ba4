"""Rows of one instant each, as models see them: on the clock of the user's zone, which the season follows.

A panel counts hours in UTC, so that every row is an instant and every instant a row. Life keeps to the local clock,
which daylight saving moves against UTC, and the season with it. Models are therefore given the rows at their local
times: the hour that clocks leave out in spring is a missing row there, the one that comes twice in autumn is one row,
the mean of both. What they forecast is put back on instants: the hour left out is dropped, the repeated one told twice.

Of the departures of `load_dataset("traffic")` in New York's time, 24 hours ahead from the seven midnights after a
change of the clocks, the base has a mean absolute error of 1.24 (March) and 1.15 (November), in UTC of 2.86 and 3.13.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.data.clock_changes import clock_advice
from tsrnn.data.grids import DAY, HOUR, MINUTE, SECOND, FixedStep, Stamps
from tsrnn.data.panel import Cutoffs, Panel, sums_before
from tsrnn.naming import counted

if TYPE_CHECKING:
    from tsrnn.data.panel import Integers

# By zone and step: the instants from which on local time is so many steps more than in January 2000, and these steps.
_KNOWN: dict[tuple[str, int], tuple[Integers, Integers, int]] = {}
_FIRST, _LAST, _REFERENCE = "1900-01-01", "2262-01-01", "2000-01-01"
# The longest time that clocks anywhere show twice.
_LONGEST_REPEAT = 2 * HOUR


def followed_zone(panel: Panel, fitted: Panel | None = None) -> Any:
    """Return the zone whose clock the season of a panel follows, so that it may move against its rows; None for none.

    Parameters
    ----------
    panel : Panel
        Of instants, if a zone is returned.
    fitted : Panel, optional
        What the model was fitted on, whose season and zone count: the same instants may be written in another zone.
    """
    fitted = panel if fitted is None else fitted
    step, zone = panel.frequency, panel.form.zone if fitted.form.zone is None else fitted.form.zone
    if not _is_instants(panel) or not isinstance(step, FixedStep) or zone.utcoffset(None) is not None:
        return None
    # An hour or less repeats all the same, and longer steps cannot be moved by an hour.
    moves = MINUTE <= step.step <= HOUR and HOUR % step.step == 0 and fitted.season_length * step.step > HOUR
    return zone if moves and fitted.season_length > 1 else None


def _is_instants(panel: Panel) -> bool:
    """Tell whether rows are counted in UTC and belong to a zone."""
    return panel.form.zone is not None and not panel.form.wall_clock


class LocalClock:
    """A panel on the local clock.

    Parameters
    ----------
    panel : Panel
        Of instants.
    zone : tzinfo
        From `followed_zone`.

    Attributes
    ----------
    panel : Panel
        The same series at their local times, without a zone.
    plain : Panel
        The rows as they are, the first of each series at its local time: the same panel where no clock changes.
    """

    def __init__(self, panel: Panel, zone: Any) -> None:
        self._rows = panel
        self._step = panel.frequency.step  # type: ignore[attr-defined]
        self._changes, self._shifts, origin = _clock(zone, self._step)
        self._first = self._shift(panel.start.astype(np.int64))  # [n_series]
        local = panel.start + (origin + self._first * self._step).astype("timedelta64[ns]")
        self.plain = replace(panel, start=local, form=replace(panel.form, zone=None))
        self.n_merged = 0
        self._lead = np.zeros(panel.n_series, np.int64)
        self.panel = self._laid_out() if self._changes_before(panel.lengths.max(initial=0)) else self.plain

    def _shift(self, instants: Integers) -> Integers:
        """Return by how many steps the local clock is ahead of what it was in January 2000."""
        shift: Integers = self._shifts[np.searchsorted(self._changes, instants, side="right")]
        return shift

    def _changes_before(self, rows: int) -> bool:
        """Tell whether clocks change while any series has its first `rows` rows, or the next one."""
        start = self._rows.start.astype(np.int64)
        if not len(start):
            return False
        first, last = np.searchsorted(self._changes, [start.min(), start.max() + rows * self._step], side="right")
        return bool((self._shifts[first : last + 1] != self._shifts[first]).any())

    def _places(self, series: Integers, row: Integers) -> Integers:
        """Return the local row of each row, counted from the local time of the first one; equal shapes."""
        start = self._rows.start.astype(np.int64)
        return row + self._shift(start[series] + row * self._step) - self._first[series]

    def _laid_out(self) -> Panel:
        rows = self._rows
        series, row = rows.places()
        place = self._places(series, row)
        # The row after the last one, too: the hour left out just before it is missing.
        after = self._places(np.arange(rows.n_series), rows.lengths)
        lengths = np.where(rows.lengths > 0, after, 0)
        np.maximum.at(lengths, series, place + 1)
        # A series may begin within the hour that comes twice.
        np.maximum.at(self._lead, series, -place)
        lengths = lengths + self._lead
        offsets = sums_before(lengths)
        cell = (offsets[:-1] + self._lead)[series] + place
        seen = np.isfinite(rows.y)
        count = np.bincount(cell[seen], minlength=int(offsets[-1]))
        total = np.bincount(cell[seen], rows.y[seen], minlength=int(offsets[-1]))
        y = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        self.n_merged = int(np.count_nonzero(count > 1))
        start = self.plain.start - (self._lead * self._step).astype("timedelta64[ns]")
        return replace(self.plain, y=y, offsets=offsets, start=start)

    def steps(self, cutoffs: Cutoffs, h: int) -> tuple[Cutoffs, Integers]:
        """Return where on the local clock cutoffs are, and which local step each of the h steps after them is.

        A cutoff within the time that comes twice lies before all that is yet to come of it, as the rows of the local
        clock there hold what comes later, too.

        Returns
        -------
        cutoffs : Cutoffs
            Of `panel`.
        step : int64 ndarray of shape (B, h)
            From 0 on.
        """
        if not self._changes_before(int(cutoffs.end.max(initial=0)) + max(h, 1) + self._reach):
            return cutoffs, np.broadcast_to(np.arange(h), (len(cutoffs), h))
        row = cutoffs.end[:, None] + np.arange(max(h, self._reach + 1))
        place = self._places(np.broadcast_to(cutoffs.series[:, None], row.shape), row)  # [B, h or more]
        end = place.min(1)
        step: Integers = place[:, :h] - end[:, None]
        return Cutoffs(cutoffs.series, end + self._lead[cutoffs.series]), step

    @property
    def _reach(self) -> int:
        return int(_LONGEST_REPEAT // self._step)


def local_clock(panel: Panel) -> Panel:
    """Return a panel at its local times where its season follows them, else as it is."""
    zone = followed_zone(panel)
    return panel if zone is None else LocalClock(panel, zone).panel


def clock_notes(panel: Panel) -> list[str]:
    """Say what a change of clocks within the data means for a season of less than days, or seems to mean."""
    zone, step = followed_zone(panel), panel.frequency
    if zone is not None:
        clock = LocalClock(panel, zone)
        if clock.panel is clock.plain:
            return []
        note = f"The season follows the local clock ({zone}), which changes within the data."
        twice = f" A time that comes twice counts as the mean of both values ({counted(clock.n_merged, 'pair')})."
        return [note + twice if clock.n_merged else note]
    if not _is_instants(panel) or not isinstance(step, FixedStep) or not HOUR < step.step < DAY:
        return clock_advice(panel)
    start = panel.start.astype(np.int64)
    ends = pd.DatetimeIndex([start.min(), (start + panel.lengths * step.step).max()]).tz_localize("UTC")
    days = pd.date_range(*ends, freq="D").tz_convert(panel.form.zone)
    if panel.season_length < 2 or len({day.utcoffset() for day in days}) < 2:
        return []
    return [
        f"Steps of {step.alias} are counted in UTC, so what follows the local clock ({panel.form.zone}) shifts where "
        "that changes within the data. Give rows by the hour, or at the same local hours of every day."
    ]


def _clock(zone: Any, step: int) -> tuple[Integers, Integers, int]:
    """Return when the local clock of a zone changes, its shift before and after each change, and its offset in 2000.

    Returns
    -------
    changes : int64 ndarray of shape (n,), nanoseconds
        The first instants with another shift.
    shifts : int64 ndarray of shape (n + 1,), steps
    origin : int, nanoseconds
        Half a step or less is no shift: where clocks change by half an hour, hours keep to UTC.
    """
    key = str(zone), step
    if key not in _KNOWN:
        days = pd.date_range(_FIRST, _LAST, freq="D").to_numpy("datetime64[s]").astype(np.int64)
        offset = _offsets(zone, days)
        at = np.flatnonzero(offset[1:] != offset[:-1])
        before, after = days[at], days[at + 1]
        for _ in range(17):  # seconds of a day
            middle = (before + after) // 2
            changed = _offsets(zone, middle) != offset[at]
            before, after = np.where(changed, before, middle), np.where(changed, middle, after)
        origin = int(_offsets(zone, np.array([_REFERENCE], "datetime64[s]").astype(np.int64))[0])
        size = step / SECOND
        shifts = np.trunc((offset - origin) / size + 0.499 * np.sign(offset - origin)).astype(np.int64)
        _KNOWN[key] = after * SECOND, np.concatenate([shifts[:1], shifts[at + 1]]), origin * SECOND
    return _KNOWN[key]


def _offsets(zone: Any, seconds: Integers) -> Integers:
    """Return by how many seconds local time is ahead of UTC at instants, in seconds since 1970."""
    utc = pd.DatetimeIndex(seconds.astype("datetime64[s]")).tz_localize("UTC")
    local: Stamps = utc.tz_convert(zone).tz_localize(None).to_numpy("datetime64[s]")
    offsets: Integers = local.astype(np.int64) - seconds
    return offsets
