"""Time columns: whatever a table brings becomes datetime64[ns] without a zone, or int64."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.data.calendars import MonthStep
from tsrnn.data.dates import NAME_THE_ZONE, has_utc_offset, parse_dates
from tsrnn.data.frequency import parse_frequency
from tsrnn.data.grids import DAY, HOUR, FixedStep, Frequency, Stamps
from tsrnn.data.name_words import DATED_WORDS, PART_WORDS, name_words
from tsrnn.data.panel import Integers
from tsrnn.data.whole_times import read_whole_times
from tsrnn.data.zones import in_zone
from tsrnn.errors import DataError
from tsrnn.naming import examples, some_of


@dataclass(frozen=True)
class TimeColumn:
    """The time stamps of a table, row by row.

    Parameters
    ----------
    ds : datetime64[ns] or int64 ndarray of shape (n_rows,)
        In UTC, or in local time if `wall_clock`.
    dtype : Any
        The pandas dtype that an answer has.
    zone : Any
        The user's time zone, or None.
    wall_clock : bool
        The stamps have a zone but fall on the same local times of day, so that days, or steps of several hours, are
        counted by the local clock; without `zone`, they had several UTC offsets.
    years : bool
        The integers are calendar years.
    period : Any
        The offset that a period column declares, or None.
    notes : tuple of str
    """

    ds: Stamps
    dtype: Any
    zone: Any = None
    wall_clock: bool = False
    years: bool = False
    period: Any = None
    notes: tuple[str, ...] = ()


class Wanted(NamedTuple):
    """What is known of a time column besides its name.

    Parameters
    ----------
    given : bool
        The user named the column as time: whole numbers from 1000 to 3000 then are years.
    freq : Any
        The step that the user named, if any; hours are counted in UTC, days and what lies at the same hours of every
        day in local time.
    zone : str, optional
        The zone of the stamps, a known one; see `tsrnn.data.zones.in_zone`.
    codes : int64 ndarray of shape (n_rows,), optional
        The series of each row, where there are several.
    """

    given: bool = False
    freq: Any = None
    zone: str | None = None
    codes: Integers | None = None


UNKNOWN = Wanted()


def read_times(column: Any, name: Any, wanted: Wanted = UNKNOWN) -> TimeColumn:
    """Read a time column or index.

    Parameters
    ----------
    column : Series or Index of shape (n_rows,)
    name : Any
        Its name, for messages.
    wanted : Wanted

    Raises
    ------
    DataError
        If a stamp is missing, unreadable or outside the years 1678 to 2261, zones are mixed, or a zone is named for
        what has none.
    """
    column = pd.Series(column).reset_index(drop=True)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    _refuse_missing(column, name)
    try:
        return _read_kind(column, name, wanted)
    except DataError as error:
        raise DataError(f"{_where(name)}: {error}") from None
    except pd.errors.OutOfBoundsDatetime:
        raise DataError(f"{_where(name)}: {_OUT_OF_BOUNDS}") from None


def without_repeats(df: pd.DataFrame, time: Any, in_index: bool, zone: str) -> pd.DataFrame:
    """Return a table without the rows whose time the clocks of a zone show twice: those that are left tell series.

    Parameters
    ----------
    df : DataFrame
    time : Any
        The name of its time column, or of its index.
    in_index : bool
    zone : str
        A known one.
    """
    column = df.index if in_index else df[time]
    if not column.duplicated().any():
        return df  # reads in half the time
    try:
        read = read_times(column, time)
    except DataError:
        return df  # reading it for good says what is wrong
    if read.ds.dtype.kind != "M" or read.zone is not None or read.wall_clock:
        return df
    once = pd.DatetimeIndex(read.ds).tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward").notna()
    return df[once] if once.any() else df


_OUT_OF_BOUNDS = "dates must lie in the years 1678 to 2261. Use integer time for others, such as years."


def _where(name: Any) -> str:
    """Return how a message calls the column of time stamps; an index may have no name."""
    return "The index" if name is None else f"Time column {name!r}"


def _read_kind(column: pd.Series, name: Any, wanted: Wanted) -> TimeColumn:
    dtype = column.dtype
    if isinstance(dtype, pd.PeriodDtype):
        _refuse_zone(wanted, "periods")
        starts = pd.PeriodIndex(column).to_timestamp(how="start")
        return TimeColumn(_to_nanoseconds(starts), dtype, period=dtype.freq)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _read_dates(pd.DatetimeIndex(column), wanted, dtype=dtype)
    if pd.api.types.is_bool_dtype(dtype):
        raise DataError("true and false are no time stamps. Name another column with time_col.")
    if pd.api.types.is_numeric_dtype(dtype):
        return _read_numbers(column, name, wanted)
    held = pd.api.types.infer_dtype(column)
    if held == "integer":
        return _read_numbers(column.astype(np.int64), name, wanted)
    if held == "string":
        dates, notes = parse_dates(column, _is_yearly(wanted.freq), instants=wanted.zone is not None)
        _refuse_quarters_as_months(column, name, dates)
        time = _read_dates(dates, wanted, tuple(notes))
        return replace(time, wall_clock=True) if dates.tz is None and has_utc_offset(column.iloc[0]) else time
    return _read_objects(column, wanted)


def _refuse_quarters_as_months(text: pd.Series, name: Any, dates: pd.DatetimeIndex) -> None:
    """Refuse 2024/1 to 2024/4 under the name of a quarter, which read as January to April."""
    is_quarter = any(PART_WORDS.get(word) == "quarter" for word in name_words(name))
    if is_quarter and set(dates.month) == {1, 2, 3, 4} and (dates.day == 1).all():
        raise DataError(
            f"{text.iloc[0]!r} and the like would be read as months, January to April alone. Write quarters as 2024Q1."
        )


def _refuse_missing(column: pd.Series, name: Any) -> None:
    rows = np.flatnonzero(column.isna())
    if len(rows):
        raise DataError(
            f"{_where(name)}: {some_of(len(rows), len(column), 'time stamp', 'is', 'are')} missing, in row "
            f"{examples(rows)} (counted from 0). Fill or drop these rows."
        )


def _read_objects(column: pd.Series, wanted: Wanted) -> TimeColumn:
    """Read an object column of dates, time stamps or periods."""
    values = column.tolist()
    if all(isinstance(value, pd.Period) for value in values):
        return _read_kind(pd.Series(pd.PeriodIndex(values)), None, wanted)
    if not all(isinstance(value, (datetime.date, np.datetime64)) for value in values):
        kinds = sorted({type(value).__name__ for value in values})
        raise DataError(
            f"values of type {', '.join(kinds[:5])} cannot be read as time. Expected dates, text or whole numbers."
        )
    zones = {str(value.tzinfo) if getattr(value, "tzinfo", None) else None for value in values}
    if len(zones) == 1:
        dates = pd.DatetimeIndex(pd.to_datetime(pd.Series(values)))
        return _read_dates(dates, wanted)
    if None in zones:
        naive = sum(getattr(value, "tzinfo", None) is None for value in values)
        raise DataError(
            f"mixed zones: {some_of(naive, len(values), 'time stamp', 'has', 'have')} no time zone, the others have "
            "one. Localize them all, for example with pd.to_datetime(df[...], utc=True)."
        )
    dates = pd.DatetimeIndex(pd.to_datetime(pd.Series(values), utc=True))
    note = (
        "The time stamps have several zones, so time is in UTC. A season of hours follows the local clock only if one "
        f"zone is named: {NAME_THE_ZONE}."
    )
    return _read_dates(dates, wanted, (note,) if wanted.zone is None else ())


def _refuse_zone(wanted: Wanted, what: str) -> None:
    if wanted.zone is not None:
        raise DataError(
            f"expected time stamps of {wanted.zone}; {what} are in no time zone. Give dates, or leave time_zone out."
        )


def _read_dates(dates: pd.DatetimeIndex, wanted: Wanted, notes: tuple[str, ...] = (), dtype: Any = None) -> TimeColumn:
    """Read dates, whose answers have their own dtype if none is given."""
    if wanted.zone is not None:
        dates, dtype = in_zone(dates, wanted.zone, wanted.codes), None
    zone, dtype, freq = dates.tz, dates.dtype if dtype is None else dtype, wanted.freq
    if zone is None:
        return TimeColumn(_to_nanoseconds(dates), dtype, notes=notes)
    if isinstance(freq, FixedStep) and freq.zone is not None:
        # Whatever zone newer rows have, they are on the clock of the fitted ones.
        place = pd.DatetimeTZDtype("ns", freq.zone).tz
        local = dates.tz_convert(place).tz_localize(None)
        return TimeColumn(_to_nanoseconds(local), dtype, place, wall_clock=True, notes=notes)
    local = _local_days(dates) if not _is_sub_daily(freq) else None
    local = _local_steps(dates, freq) if local is None else local
    if local is not None:
        return TimeColumn(_to_nanoseconds(local), dtype, zone, wall_clock=True, notes=notes)
    return TimeColumn(_to_nanoseconds(dates.tz_convert("UTC").tz_localize(None)), dtype, zone, notes=notes)


def _local_days(dates: pd.DatetimeIndex) -> pd.DatetimeIndex | None:
    """Return local stamps if all fall on one time of day, else None.

    A clock change can make that time of day impossible on one date; then the stamp lies after the jump.
    """
    local = dates.tz_localize(None)
    days = local.normalize()
    clocks, counts = np.unique((local - days).to_numpy(), return_counts=True)
    if len(clocks) > 3:
        return None
    usual = days + pd.Timedelta(clocks[counts.argmax()])
    if len(clocks) == 1:
        return usual
    return usual if localize(usual, dates.tz).equals(dates) else None


def _local_steps(dates: pd.DatetimeIndex, freq: Any) -> pd.DatetimeIndex | None:
    """Return local stamps if they are evenly spaced by hours where the instants are not, else None."""
    # A fitted step without a zone is counted in UTC.
    if isinstance(freq, Frequency) or dates.tz.utcoffset(None) is not None or not _is_named(dates.tz):
        return None
    local = dates.tz_localize(None)
    gaps, step = _gaps(local)
    _, instants = _gaps(dates.tz_convert("UTC").tz_localize(None))
    if not HOUR <= step < DAY or step <= instants or not np.any(gaps == step):
        return None
    named = _named_step(freq)
    counted = named.step if isinstance(named, FixedStep) else None
    # Of rows by the hour of which most are missing the few that there are may lie so, too.
    usual = np.bincount(gaps // step).argmax() * step
    if usual != step or (counted is not None and (step % counted or instants % counted == 0)):
        return None
    return local if localize(local, dates.tz).equals(dates) else None


def _gaps(dates: pd.DatetimeIndex) -> tuple[Integers, int]:
    """Return the nanoseconds between stamps that follow each other, and the longest step that fits all; 0 for none."""
    gaps = np.diff(np.sort(dates.unique().as_unit("ns").to_numpy().astype(np.int64)))
    return gaps, int(np.gcd.reduce(gaps)) if len(gaps) else 0


def _is_named(zone: Any) -> bool:
    """Tell whether a zone is known by its name alone."""
    try:
        return str(pd.DatetimeTZDtype("ns", str(zone)).tz) == str(zone)
    except (TypeError, ValueError, LookupError):
        return False


def localize(local: pd.DatetimeIndex, zone: Any) -> pd.DatetimeIndex:
    """Give local stamps their zone: an impossible time moves past the jump, a doubled one is the first."""
    return local.tz_localize(zone, ambiguous=np.ones(len(local), np.bool_), nonexistent="shift_forward")


def _is_sub_daily(freq: Any) -> bool:
    step = _named_step(freq)
    return isinstance(step, FixedStep) and step.step % DAY != 0


def _is_yearly(freq: Any) -> bool | None:
    """Tell whether a named or fitted step is of whole years from January; None where there is none."""
    step = _named_step(freq)
    if step is None:
        return None
    return isinstance(step, MonthStep) and step.months % 12 == 0 and step.phase == 0 and step.day == 1


def _named_step(freq: Any) -> Frequency | None:
    """Return the step that the user named, from a Monday on that is the first of January; None where there is none."""
    if freq is None:
        return None
    first = np.array(["2024-01-01"], dtype="datetime64[ns]")
    return parse_frequency(freq, first, np.array([0, 1]), anchor_from_data=True)


def _to_nanoseconds(dates: pd.DatetimeIndex) -> Stamps:
    if len(dates) and not 1678 <= dates.min().year <= dates.max().year <= 2261:
        raise DataError(f"{dates.min()} to {dates.max()}: {_OUT_OF_BOUNDS}")
    stamps: Stamps = dates.as_unit("ns").to_numpy()
    return stamps


def _read_numbers(column: pd.Series, name: Any, wanted: Wanted) -> TimeColumn:
    values = column.to_numpy(dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(values) | (values != np.round(values)))
    if len(wrong):
        raise DataError(
            f"{some_of(len(wrong), len(values), 'value', 'is no whole number', 'are not whole numbers')}, for example "
            f"{values[wrong[0]]} (row {wrong[0]}). Expected dates or whole numbers; turn decimal years into dates "
            "first, and number other steps by whole numbers."
        )
    whole = column.to_numpy(dtype=np.int64)
    found = read_whole_times(whole, name, wanted.freq)
    if found is not None:
        dates, note, is_utc = found
        dates = dates.tz_localize("UTC") if is_utc and wanted.zone is not None else dates
        return _read_dates(dates, wanted._replace(freq=None), (note,))
    _refuse_zone(wanted, "whole numbers")
    years = (wanted.given or bool(name_words(name) & DATED_WORDS)) and bool(((whole >= 1000) & (whole <= 3000)).all())
    return TimeColumn(whole, column.dtype, years=years)
