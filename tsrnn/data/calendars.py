"""Grids that follow the calendar: months, business days, trading days, and the remaining pandas offsets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from tsrnn.data.grids import TOO_FAR, Frequency, Stamps, divide, every, per_step
from tsrnn.data.month_days import Anchor, anchor_days, month_number
from tsrnn.data.panel import Bools, Integers
from tsrnn.errors import DataError
from tsrnn.naming import counted

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MIXED = -1  # an anchor that differs between the series of a table
MONDAY_TO_FRIDAY = "1111100"
_WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class MonthStep(Frequency):
    """Steps of whole calendar months, so that month ends never slip.

    Parameters
    ----------
    months : int
        Months per step: 1, 3 for quarters, 12 for years.
    anchor : {"start", "end", "day", "business start", "business end"}
        Which day of the month; "day" is the day `day`, or the month's last day where the month is shorter.
    day : int
    phase : int
        Month of the year (0 is January) on which the grid lies, modulo `months` and 12, or MIXED.
    """

    months: int
    anchor: Anchor
    day: int = 1
    phase: int = MIXED

    def _alias(self) -> str:
        count, unit = self._parts()
        prefix = "" if count == 1 else str(count)
        if self.anchor == "day":
            # pandas has no alias for this; parse_frequency reads this one.
            return f"{'' if self.months == 1 else self.months}M-{self.day}"
        business = "B" if self.anchor.startswith("business") else ""
        side = "E" if self.anchor.endswith("end") else "S"
        letter = unit[0].upper()
        return f"{prefix}{business}{letter}{side}{self._anchor_month(unit)}"

    def _anchor_month(self, unit: str) -> str:
        if unit == "month":
            return ""
        if unit == "year":
            return f"-{MONTHS[self.phase % 12]}"
        # pandas names a quarter's start by its first month of the year, its end by the last one.
        return f"-{MONTHS[self.phase % 3 + (9 if self.anchor.endswith('end') else 0)]}"

    def _parts(self) -> tuple[int, str]:
        if self.phase != MIXED or self.anchor == "day":
            for size, unit in ((12, "year"), (3, "quarter")):
                if self.months % size == 0:
                    return self.months // size, unit
        return self.months, "month"

    def _words(self) -> str:
        count, unit = self._parts()
        where = {
            "start": f"start of {unit}",
            "end": f"end of {unit}",
            "day": f"day {self.day} of the month",
            "business start": f"first business day of the {unit}",
            "business end": f"last business day of the {unit}",
        }[self.anchor]
        return f"{every(count, unit)} ({where})"

    def _is_slow(self) -> bool:
        return True

    def _season(self) -> int:
        return divide(12, self.months)

    def _horizon(self) -> int:
        if self.months % 12 == 0:
            return per_step(6, self.months // 12)
        if self.months % 3 == 0:
            return per_step(8, self.months // 3)
        return per_step(18, self.months)

    def _locate(self, ds: Stamps, start: Stamps) -> tuple[Integers, Bools]:
        days, clock = split_days(ds)
        _, start_clock = split_days(start)
        month = month_number(ds)
        steps, rest = np.divmod(month - month_number(start), self.months)
        return steps, (rest == 0) & (clock == start_clock) & (days == anchor_days(month, self.anchor, self.day))

    def _move(self, start: Stamps, steps: Integers) -> Stamps:
        month = month_number(start) + steps * self.months
        return join_days(anchor_days(month, self.anchor, self.day), split_days(start)[1])

    def _cure(self, ds: Stamps, start: Stamps) -> str:
        return (
            "Leave freq out to let it be inferred, or put every stamp on the same day of its period, "
            "for example with df.resample('MS').mean()."
        )


@dataclass(frozen=True)
class BusinessDays(Frequency):
    """Every `step`-th open day of the week, counted from each series' first stamp.

    Parameters
    ----------
    step : int
    weekmask : str
        For Monday to Sunday, "1" for open days and "0" for closed ones, as NumPy reads it.
    """

    step: int = 1
    weekmask: str = MONDAY_TO_FRIDAY

    def _alias(self) -> str:
        name = week_alias(self.weekmask)
        return name if self.step == 1 else f"{self.step}{name}"

    def _words(self) -> str:
        days = week_words(self.weekmask)
        return days if self.step == 1 else f"every {self.step} {days}"

    def _season(self) -> int:
        return divide(self.weekmask.count("1"), self.step)

    def _horizon(self) -> int:
        return per_step(2 * self.weekmask.count("1"), self.step)

    def _locate(self, ds: Stamps, start: Stamps) -> tuple[Integers, Bools]:
        day, clock = split_days(ds)
        start_day, start_clock = split_days(start)
        steps, rest = np.divmod(np.busday_count(start_day, day, self.weekmask), self.step)
        return steps, (rest == 0) & (clock == start_clock) & np.is_busday(day, self.weekmask)

    def _move(self, start: Stamps, steps: Integers) -> Stamps:
        day, clock = split_days(start)
        count = steps * self.step
        return join_days(np.busday_offset(day, count, roll="forward", weekmask=self.weekmask), clock)

    def _cure(self, ds: Stamps, start: Stamps) -> str:
        day = "a business day" if self.weekmask == MONDAY_TO_FRIDAY else "an open day"
        return f"freq='D' would count every day of the week; or drop these rows, or move them to {day}."


@dataclass(frozen=True, eq=False)
class TradingDays(Frequency):
    """Business days of which some, the holidays, are stepped over; before and after, plain business days.

    Parameters
    ----------
    calendar : datetime64[D] ndarray, ascending
        The days on which any series of the table has a row.
    holidays : int
        Business days within the calendar's span that it does not have.
    """

    calendar: Stamps = field(repr=False)
    holidays: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TradingDays) and np.array_equal(self.calendar, other.calendar)

    def __hash__(self) -> int:
        return hash((self.holidays, len(self.calendar), str(self.calendar[0])))

    def _alias(self) -> str:
        return "B"

    def _words(self) -> str:
        # A calendar of the rows that are there says nothing of holidays to come: forecasts have rows on them.
        past = counted(self.holidays, "past holiday is", "past holidays are")
        return f"business days; {past} stepped over, later ones are not known"

    def _season(self) -> int:
        return 5

    def _horizon(self) -> int:
        return 10

    def _number(self, day: Stamps) -> tuple[Integers, Bools]:
        """Return each day's number from the calendar's first day, and whether it is a step at all."""
        first, last = self.calendar[0], self.calendar[-1]
        index = np.searchsorted(self.calendar, day).astype(np.int64)
        known = self.calendar[np.minimum(index, len(self.calendar) - 1)] == day
        outside = (day < first) | (day > last)
        number = np.where(day < first, np.busday_count(first, day), index)
        number = np.where(day > last, len(self.calendar) - 1 + np.busday_count(last, day), number)
        return number.astype(np.int64), np.where(outside, np.is_busday(day), known)

    def _locate(self, ds: Stamps, start: Stamps) -> tuple[Integers, Bools]:
        day, clock = split_days(ds)
        start_day, start_clock = split_days(start)
        number, fits = self._number(day)
        return number - self._number(start_day)[0], fits & (clock == start_clock)

    def _move(self, start: Stamps, steps: Integers) -> Stamps:
        day, clock = split_days(start)
        number = self._number(day)[0] + steps
        end = len(self.calendar) - 1
        days = self.calendar[np.clip(number, 0, end)]
        past = np.minimum(number, 0) + np.maximum(number - end, 0)
        return join_days(np.busday_offset(days, past, roll="forward"), clock)

    def _cure(self, ds: Stamps, start: Stamps) -> str:
        return "Leave freq out to let it be inferred from this table, or pass freq='D' or freq='B'."


@dataclass(frozen=True)
class OffsetGrid(Frequency):
    """Any other pandas offset, laid out from one origin for all series.

    Parameters
    ----------
    offset : pandas DateOffset
    origin : datetime64[ns]
        A stamp on the grid.
    """

    offset: Any
    origin: Any

    # Steps per year of the remaining offsets of pandas that have such a thing.
    _SEASONS: ClassVar[dict[str, int]] = dict(SME=24, SMS=24, WOM=12, LWOM=12, CBMS=12, CBME=12)

    def _alias(self) -> str:
        return str(self.offset.freqstr)

    def _words(self) -> str:
        weekmask = read_weekmask(self.offset)
        return f"pandas offset {self.alias}" + (f", {week_words(weekmask)}" if weekmask else "")

    def _is_slow(self) -> bool:
        first = pd.Timestamp(self.origin)
        return bool(first + self.offset - first >= pd.Timedelta(28, "D"))

    def _season(self) -> int:
        weekmask = read_weekmask(self.offset)
        season = weekmask.count("1") or self._SEASONS.get(self.offset.base.freqstr.split("-")[0], 1)
        return divide(season, self.offset.n)

    def _cure(self, ds: Stamps, start: Stamps) -> str:
        if not read_weekmask(self.offset):
            return super()._cure(ds, start)
        return (
            "Leave freq out to let the open days be inferred from this table, or name them from Monday to Sunday, for "
            "example freq='C-1111110' for all days but Sunday."
        )

    def _horizon(self) -> int:
        return 12

    def _back(self, periods: int) -> pd.DatetimeIndex:
        """Return as many stamps as asked for, the last of them the origin.

        pandas steps back once and then walks forward. A stamp can have two names (closing time and the next opening
        are no business hour apart), and walking may give the other one than stepping back or the origin itself: so
        it starts earlier, the first stamps are left out, and the origin ends the walk under its own name.
        """
        walk = pd.date_range(end=self.origin, periods=periods + 2, freq=self.offset)
        before = walk[walk < self.origin][1:]
        return before[len(before) - (periods - 1) :].append(pd.DatetimeIndex([self.origin]))

    def _grid(self, low: Any, high: Any) -> tuple[Stamps, int]:
        """Return grid stamps from at or before `low` to at or after `high`, and the index of the origin."""
        forward = pd.date_range(self.origin, max(high, self.origin), freq=self.offset)
        back, size = pd.DatetimeIndex([self.origin]), 2
        while back[0] > low:
            back = self._back(size)
            size *= 2
        stamps = np.concatenate([back[:-1].to_numpy("datetime64[ns]"), forward.to_numpy("datetime64[ns]")])
        return stamps, len(back) - 1

    def _number(self, ds: Stamps) -> tuple[Integers, Bools]:
        grid, zero = self._grid(ds.min(), ds.max())
        index = np.searchsorted(grid, ds)
        return (index - zero).astype(np.int64), grid[np.minimum(index, len(grid) - 1)] == ds

    def _locate(self, ds: Stamps, start: Stamps) -> tuple[Integers, Bools]:
        number, fits = self._number(ds)
        start_number, start_fits = self._number(start)
        return number - start_number, fits & start_fits

    def _move(self, start: Stamps, steps: Integers) -> Stamps:
        number = self._number(start)[0] + steps
        try:
            forward = pd.date_range(self.origin, periods=max(int(number.max()), 0) + 1, freq=self.offset)
            back = self._back(max(-int(number.min()), 0) + 1)
        except pd.errors.OutOfBoundsDatetime:
            raise DataError(TOO_FAR) from None
        grid = np.concatenate([back[:-1].to_numpy("datetime64[ns]"), forward.to_numpy("datetime64[ns]")])
        found: Stamps = grid[number + len(back) - 1]
        return found


def split_days(ds: Stamps) -> tuple[Stamps, Stamps]:
    """Split stamps into datetime64[D] days and timedelta64[ns] times of day."""
    ds = np.asarray(ds, dtype="datetime64[ns]")
    days = ds.astype("datetime64[D]")
    return days, ds - days


def join_days(days: Stamps, clock: Stamps) -> Stamps:
    """Join days and times of day, or raise DataError where nanoseconds cannot hold the date."""
    if days.size and (days.min() < np.datetime64("1677-09-22") or days.max() > np.datetime64("2262-04-10")):
        raise DataError(TOO_FAR)
    joined: Stamps = days.astype("datetime64[ns]") + clock
    return joined


def read_weekmask(offset: Any) -> str:
    """Return the open days of a pandas offset of custom business days, as in `BusinessDays`; empty for any other.

    >>> read_weekmask(pd.offsets.CustomBusinessDay(weekmask="Tue Wed"))
    '0110000'
    """
    if not isinstance(offset, pd.offsets.CustomBusinessDay):
        return ""
    return "".join("1" if is_open else "0" for is_open in offset.calendar.weekmask)


def is_plain_week(offset: Any) -> bool:
    """Tell whether a pandas offset is nothing but the open days of a week."""
    if not read_weekmask(offset):
        return False
    # The holidays of a NumPy calendar are not among the offset's own.
    return not len(offset.calendar.holidays) and not offset.offset and not offset.normalize


def week_alias(weekmask: str) -> str:
    """Return pandas' alias of business days, and of other weeks one that names the open days.

    >>> week_alias("1111100"), week_alias("1111110")
    ('B', 'C-1111110')
    """
    return "B" if weekmask == MONDAY_TO_FRIDAY else f"C-{weekmask}"


def week_words(weekmask: str) -> str:
    """Say which weekdays are open.

    >>> week_words("1111110"), week_words("1011111"), week_words("1010100")
    ('open days, Monday to Saturday', 'open days, Wednesday to Monday', 'open days, Monday, Wednesday and Friday')
    """
    if weekmask == MONDAY_TO_FRIDAY:
        return "business days"
    days = [day for day in range(7) if weekmask[day] == "1"]
    # In a row, also across the end of the week: one closed day leads to them.
    starts = [day for day in days if weekmask[day - 1] == "0"]
    if len(starts) == 1 and len(days) > 2:
        return f"open days, {_WEEKDAY_NAMES[starts[0]]} to {_WEEKDAY_NAMES[(starts[0] + len(days) - 1) % 7]}"
    names = [_WEEKDAY_NAMES[day] for day in days]
    return f"open days, {' and '.join([', '.join(names[:-1]), names[-1]][len(names) == 1 :])}"


def weekday(ds: Stamps) -> Integers:
    """Return the day of the week of each stamp; Monday is 0."""
    # 1970-01-01 was a Thursday.
    return (np.asarray(ds).astype("datetime64[D]").astype(np.int64) + 3) % 7
