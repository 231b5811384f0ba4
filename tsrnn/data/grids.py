"""The kinds of time grid: how many steps lie between two stamps, and which stamp follows after how many.

Stamps are datetime64[ns] without a zone, or int64. Everything is vectorised over stamps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.panel import Bools, Integers
from tsrnn.errors import DataError, FrequencyError
from tsrnn.naming import examples, some_of

Stamps = npt.NDArray[Any]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_WEEKDAY_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_UNITS = (
    (DAY, "D", "day"),
    (HOUR, "h", "hour"),
    (MINUTE, "min", "minute"),
    (SECOND, "s", "second"),
    (1_000_000, "ms", "millisecond"),
    (1_000, "us", "microsecond"),
    (1, "ns", "nanosecond"),
)
_SIMPLE = {
    "day": "daily",
    "hour": "hourly",
    "week": "weekly",
    "month": "monthly",
    "quarter": "quarterly",
    "year": "yearly",
}


class Frequency(ABC):
    """The step of a table's time stamps.

    A frequency knows the grid of one series from that series' first stamp (`start`), which lies on the grid.
    A kind of frequency implements the underscored methods.
    """

    @property
    def alias(self) -> str:
        """The step as pandas 2.2 and later write it; the step itself for integer time."""
        return self._alias()

    def describe(self) -> str:
        """Say the step in words."""
        return self._words()

    @property
    def is_slow(self) -> bool:
        """Whether a step is a month or longer."""
        return self._is_slow()

    @property
    def steps_a_day(self) -> int:
        """Steps of a day where these are several whole ones, else 0."""
        return self._steps_a_day()

    @property
    def default_season_length(self) -> int:
        """Steps per season that are customary for this step; 1 means none."""
        return self._season()

    @property
    def default_horizon(self) -> int:
        """Steps to forecast when nothing was said (the horizons of the M4 competition, 2018)."""
        return self._horizon()

    @property
    def season_candidates(self) -> tuple[int, ...]:
        """Season lengths worth looking for in the data; empty where the customary one stands."""
        return self._candidates()

    def stamps(self, start: npt.ArrayLike, steps: npt.ArrayLike) -> Stamps:
        """Return the stamps that lie `steps` after `start`; the inverse of `positions`.

        Parameters
        ----------
        start : datetime64[ns] or int64 ndarray, on the grid
        steps : integer array, broadcast with `start`; may be negative

        Raises
        ------
        DataError
            If a stamp falls outside the years 1678 to 2261.

        Examples
        --------
        >>> IntegerStep(5).stamps(10, [0, 1, 2]).tolist()
        [10, 15, 20]
        """
        start, count = np.broadcast_arrays(np.asarray(start), np.asarray(steps, dtype=np.int64))
        return self._move(start, count) if count.size else start.copy()

    def positions(self, ds: npt.ArrayLike, start: npt.ArrayLike, *, fitted: bool = False) -> Integers:
        """Return the number of steps from `start` to each stamp.

        Parameters
        ----------
        ds : datetime64[ns] or int64 ndarray
        start : array of the same kind, broadcast with `ds`
        fitted : bool
            The step is that of rows a model was fitted on, which nobody can choose for these stamps: an error says so.

        Raises
        ------
        FrequencyError
            If a stamp does not lie on the grid.

        Examples
        --------
        >>> IntegerStep(5).positions([10, 15, 30], 10).tolist()
        [0, 1, 4]
        """
        ds, start = np.broadcast_arrays(np.asarray(ds), np.asarray(start))
        if not ds.size:
            return np.zeros(ds.shape, np.int64)
        steps, fits = self._locate(ds, start)
        if not fits.all():
            wrong = np.unique(ds[~fits])
            step = f"the fitted step {self.alias!r}" if fitted else f"freq={self.alias!r}"
            cure = "Put them on that grid, or fit again on a table of their own step."
            raise FrequencyError(
                f"{some_of(int((~fits).sum()), fits.size, 'time stamp', 'does', 'do')} not lie on the grid of {step} "
                f"({self.describe()}), for example {show_stamps(wrong)}. {cure if fitted else self._cure(ds, start)}"
            )
        return steps

    @abstractmethod
    def _alias(self) -> str: ...

    @abstractmethod
    def _words(self) -> str: ...

    @abstractmethod
    def _season(self) -> int: ...

    @abstractmethod
    def _horizon(self) -> int: ...

    def _is_slow(self) -> bool:
        return False

    def _steps_a_day(self) -> int:
        return 0

    def _candidates(self) -> tuple[int, ...]:
        return ()

    @abstractmethod
    def _locate(self, ds: Stamps, start: Stamps) -> tuple[Integers, Bools]:
        """Return the steps from `start`, and whether each stamp lies on the grid; equal shapes throughout."""

    @abstractmethod
    def _move(self, start: Stamps, steps: Integers) -> Stamps:
        """Return the stamps `steps` after `start`; equal shapes throughout."""

    def _cure(self, ds: Stamps, start: Stamps) -> str:
        """Say which frequency would fit, or how to make the table regular."""
        gaps = (ds.astype("datetime64[ns]") - start.astype("datetime64[ns]")).astype(np.int64)
        common = reduce(gcd, np.unique(np.abs(gaps)).tolist(), 0)
        if common >= MINUTE and common * 200 >= self._typical_step():
            return f"freq={FixedStep(common).alias!r} would fit all of them; or aggregate first{_RESAMPLE}"
        return f"Pass the freq that fits, or aggregate first{_RESAMPLE}"

    def _typical_step(self) -> int:
        """Nanoseconds of about one step, to judge whether a finer frequency is a sensible offer."""
        return DAY


_RESAMPLE = ", for example with df.resample(...).mean()."


@dataclass(frozen=True)
class IntegerStep(Frequency):
    """Integer time, `step` apart; `years` if the integers are calendar years."""

    step: int = 1
    years: bool = False

    def _alias(self) -> str:
        return str(self.step)

    def _words(self) -> str:
        if self.years:
            return "yearly (integer years)" if self.step == 1 else f"every {self.step} years (integer years)"
        return "integer time" if self.step == 1 else f"every {self.step} (integer time)"

    def _season(self) -> int:
        return 1

    def _horizon(self) -> int:
        return per_step(6, self.step) if self.years else 12

    def _is_slow(self) -> bool:
        return self.years

    def _candidates(self) -> tuple[int, ...]:
        return () if self.years else (4, 5, 7, 12, 24, 48, 52, 96, 168)

    def _locate(self, ds: Stamps, start: Stamps) -> tuple[Integers, Bools]:
        steps, rest = np.divmod(ds.astype(np.int64) - start.astype(np.int64), self.step)
        return steps, rest == 0

    def _move(self, start: Stamps, steps: Integers) -> Stamps:
        shifted: Stamps = start + steps * self.step
        return shifted

    def _cure(self, ds: Stamps, start: Stamps) -> str:
        common = reduce(gcd, np.unique(np.abs(ds - start)).tolist(), 0)
        return f"freq={common} would fit all of them; or give each step its own whole number."


@dataclass(frozen=True)
class FixedStep(Frequency):
    """Steps of one duration, counted from each series' own first stamp.

    Parameters
    ----------
    step : int, nanoseconds
    weekday : int, optional
        Monday is 0; only for whole weeks, where it names the anchor of the alias.
    zone : str, optional
        Stamps are local times of this zone, where steps of several hours lie at the same hours of every day; otherwise
        where there is a zone, steps of less than a day are counted in UTC.
    """

    step: int
    weekday: int | None = None
    zone: str | None = None

    def _parts(self) -> tuple[int, str, str]:
        """Return how many of which unit: (2, "h", "hour")."""
        if self.weekday is not None and self.step % WEEK == 0:
            return self.step // WEEK, f"W-{WEEKDAYS[self.weekday]}", "week"
        size, alias, name = next(unit for unit in _UNITS if self.step % unit[0] == 0)
        return self.step // size, alias, name

    def _alias(self) -> str:
        count, alias, _ = self._parts()
        return alias if count == 1 else f"{count}{alias}"

    def _words(self) -> str:
        count, _, name = self._parts()
        if self.step == WEEK and name == "day":
            return "weekly"
        day = f" ({_WEEKDAY_NAMES[self.weekday]})" if name == "week" and self.weekday is not None else ""
        return f"{every(count, name)}{day}"

    def _is_slow(self) -> bool:
        return self.step >= 28 * DAY

    def _steps_a_day(self) -> int:
        return DAY // self.step if self.step < DAY and DAY % self.step == 0 else 0

    def _season(self) -> int:
        if self.step % WEEK == 0:
            return divide(52, self.step // WEEK)
        if self.step % DAY == 0:
            return divide(7, self.step // DAY)
        return divide(DAY, self.step) if 10 * MINUTE <= self.step else 1

    def _horizon(self) -> int:
        if self.step % WEEK == 0:
            return per_step(13, self.step // WEEK)
        if self.step % DAY == 0:
            return per_step(14, self.step // DAY)
        return per_step(48, self.step // HOUR) if self.step % HOUR == 0 else 48

    def _candidates(self) -> tuple[int, ...]:
        if self.step >= 10 * MINUTE:
            return ()
        spans = (HOUR, DAY) if self.step >= MINUTE else (MINUTE, HOUR)
        return tuple(span // self.step for span in spans if span % self.step == 0 and span // self.step > 1)

    def _locate(self, ds: Stamps, start: Stamps) -> tuple[Integers, Bools]:
        elapsed = ds.astype(np.int64) - start.astype(np.int64)
        # Floats do not overflow, so they can tell whether the integers did.
        if (np.abs(ds.astype(np.int64).astype(float) - start.astype(np.int64).astype(float)) > 9.2e18).any():
            raise FrequencyError(f"The table spans more than 292 years in steps of {self.alias!r}: use integer time.")
        steps, rest = np.divmod(elapsed, self.step)
        return steps, rest == 0

    def _move(self, start: Stamps, steps: Integers) -> Stamps:
        far = start.astype(np.int64).astype(float) + steps.astype(float) * self.step
        if (np.abs(far) > 9.2e18).any():
            raise DataError(TOO_FAR)
        moved: Stamps = start + (steps * self.step).astype("timedelta64[ns]")
        return moved

    def _cure(self, ds: Stamps, start: Stamps) -> str:
        if not _clocks_change(ds, start, self.step):
            return super()._cure(ds, start)
        return (
            "They are an hour off from some moment on, as local times written in UTC are once the clocks change. Name "
            "their zone with df['ds'].dt.tz_convert('Europe/Berlin'), where they have none after "
            "df['ds'].dt.tz_localize('UTC'); or give local times without a zone: df['ds'].dt.tz_localize(None)."
        )

    def _typical_step(self) -> int:
        return self.step


def _clocks_change(ds: Stamps, start: Stamps, step: int) -> bool:
    """Tell whether all stamps off the grid are an hour off, and follow each other: others than clocks do not do so."""
    rest = np.ravel(ds.astype(np.int64) - start.astype(np.int64)) % step
    off = rest > 0
    flips = np.count_nonzero(off[1:] != off[:-1])
    return step > HOUR and set(rest[off].tolist()) <= {HOUR, step - HOUR} and bool(np.count_nonzero(off) > flips)


TOO_FAR = "Time stamps must lie in the years 1678 to 2261. Use integer time, or fewer steps."


def show_stamps(stamps: Stamps) -> str:
    """Name up to five stamps for an error message."""
    dates = stamps.dtype.kind == "M"
    return examples(stamps, lambda stamp: str(pd.Timestamp(stamp)).removesuffix(" 00:00:00") if dates else str(stamp))


def every(count: int, unit: str) -> str:
    """Say a step in words: "hourly", "every 2 hours"."""
    if count == 1:
        return _SIMPLE.get(unit, f"every {unit}")
    return f"every {count} {unit}s"


def divide(season: int, count: int) -> int:
    """Return the season length in steps of `count`, or 1 where it does not divide evenly."""
    return season // count if season % count == 0 else 1


def per_step(horizon: int, count: int) -> int:
    """Return a horizon in steps of `count`, rounded up."""
    return -(-horizon // count)
