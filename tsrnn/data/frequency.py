"""Find the step of a table's time stamps, or read the one that the user names."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from tsrnn.data.calendars import (
    MIXED,
    MONDAY_TO_FRIDAY,
    MONTHS,
    BusinessDays,
    MonthStep,
    OffsetGrid,
    TradingDays,
    is_plain_week,
    read_weekmask,
    weekday,
)
from tsrnn.data.grids import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    WEEK,
    WEEKDAYS,
    FixedStep,
    Frequency,
    IntegerStep,
    Stamps,
    show_stamps,
)
from tsrnn.data.month_days import Anchor, describe_no_anchor, find_anchor, month_number
from tsrnn.data.open_days import extend_days, find_open_days, infer_days
from tsrnn.data.panel import Bools, Integers
from tsrnn.errors import FrequencyError
from tsrnn.naming import counted, some_of

TOO_FAR = "freq={!r}: no time stamps lie so far apart. Expected the step between rows."
_EXAMPLES = "Expected a pandas alias such as 'h', '15min', 'D', 'B', 'W-MON', 'MS', 'QE-DEC', or a Timedelta."

# Spellings before pandas 2.2, and what they are now. M, Q, Y and A name no side of the period: the data tell.
_LEGACY = {
    **{"H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns", "A": "Y", "AS": "YS", "BA": "BY"},
    **{"BAS": "BYS", "SM": "SME", "BH": "bh", "CBH": "cbh", "CBM": "CBME", "d": "D", "b": "B", "w": "W"},
}
_DURATIONS = {
    "D": DAY,
    "h": HOUR,
    "min": MINUTE,
    "s": SECOND,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
    "W": WEEK,
}
_PERIODS = {"M": 1, "Q": 3, "Y": 12}
_SIDES: dict[tuple[str, str], Anchor | None] = {
    ("", "S"): "start",
    ("", "E"): "end",
    ("B", "S"): "business start",
    ("B", "E"): "business end",
    ("B", ""): "business end",
    ("", ""): None,
}


def infer_frequency(ds: Stamps, offsets: Integers, *, years: bool = False) -> Frequency:
    """Find the step of the time stamps, over all series together.

    Parameters
    ----------
    ds : datetime64[ns] or int64 ndarray of shape (n_rows,)
        Ascending and without duplicates within each series.
    offsets : int64 ndarray of shape (n_series + 1,)
        Series i is ``ds[offsets[i]:offsets[i + 1]]``.
    years : bool
        The integers are calendar years.

    Raises
    ------
    FrequencyError
        If no series has two rows, or no step covers half of the gaps between stamps.

    Examples
    --------
    >>> days = np.array(["2024-01-31", "2024-02-29", "2024-03-31"], dtype="datetime64[ns]")
    >>> infer_frequency(days, np.array([0, 3])).alias
    'ME'
    """
    within = np.ones(max(len(ds) - 1, 0), np.bool_)
    within[offsets[1:-1] - 1] = False
    gaps = np.diff(ds).astype(np.int64)[within]
    if not len(gaps):
        raise FrequencyError(
            f"No series has two time stamps ({len(ds)} in all), so their step cannot be inferred. Pass it, "
            "for example freq='D'."
        )
    if ds.dtype.kind != "M":
        return IntegerStep(_common_gap(gaps, dates=False), years)
    starts = ds[offsets[:-1]]
    if np.median(gaps) >= 28 * DAY:
        return _infer_months(ds, starts, gaps, within)
    week = find_open_days(ds, gaps, within)
    if week is not None:
        return week
    step = _common_gap(gaps, dates=True)
    return infer_days(ds) if step == DAY else FixedStep(step, _weekday(starts, step))


def _most_common(values: Integers) -> tuple[int, int]:
    """Return the most common value, of several the smallest, and how often it occurs."""
    sizes, counts = np.unique(values, return_counts=True)
    best = int(counts.argmax())
    return int(sizes[best]), int(counts[best])


def _common_gap(gaps: Integers, *, dates: bool) -> int:
    """Return the most common gap, which must be at least half of them; in nanoseconds between dates."""
    step, count = _most_common(gaps)
    if 2 * count < len(gaps):
        shown = FixedStep(step).alias if dates else str(step)
        usual = _usual_step(gaps) if dates else None
        cure = (
            "Give each step its own whole number, or pass a step that divides all gaps, for example freq=1."
            if usual is None
            else f"Make the table regular first, for example with df.resample({usual!r}).mean(), or pass the step that "
            "its stamps lie on with freq."
        )
        raise FrequencyError(
            f"The step of the time stamps cannot be told: the most common gap, {shown}, covers only "
            f"{some_of(count, len(gaps), 'gap')}, and at least half are needed. {cure}"
        )
    return step


def _usual_step(gaps: Integers) -> str:
    """Return the step of a clock or calendar that is nearest to the median gap, as pandas writes it."""
    usual = [*(unit * count for unit in (1_000_000, SECOND, MINUTE) for count in (1, 5, 10, 15, 30)), 100_000_000]
    usual += [*(HOUR * count for count in (1, 2, 3, 4, 6, 12)), DAY, WEEK]
    ratios = np.abs(np.log(np.array(usual) / np.maximum(np.median(gaps), 1)))
    return FixedStep(usual[int(ratios.argmin())]).alias


def _weekday(starts: Stamps, step: int) -> int | None:
    """Return the weekday on which all series begin (Monday is 0), or None."""
    days = np.unique(weekday(starts))
    return int(days[0]) if step % WEEK == 0 and len(days) == 1 else None


def _infer_months(ds: Stamps, starts: Stamps, gaps: Integers, within: Bools) -> Frequency:
    """Tell whole months from long fixed steps, such as four weeks."""
    months = np.diff(month_number(ds))[within]
    anchor = find_anchor(ds)
    if anchor is not None and months.min() > 0:
        step, count = _most_common(months)
        if 2 * count >= len(months):
            _refuse_thirteen_months(step, ds)
            return MonthStep(step, *anchor, phase=_phase(starts, step))
        raise FrequencyError(
            f"The step of the time stamps cannot be told: the most common gap, {counted(step, 'month')}, covers "
            f"only {some_of(count, len(months), 'gap')}, and at least half are needed. Pass the step, for "
            "example freq='MS', or make the table regular first."
        )
    step, count = _most_common(gaps)
    if 2 * count >= len(gaps) and (gaps % step == 0).all():
        return FixedStep(step, _weekday(starts, step))
    raise FrequencyError(describe_no_anchor(ds))


def _refuse_thirteen_months(step: int, ds: Stamps) -> None:
    """Refuse what business years such as 2003-04, 2004-05 become when they are read as months."""
    if step == 13:
        raise FrequencyError(
            f"The time stamps are 13 months apart ({show_stamps(ds)}), as business years such as 2003-04, 2004-05 are "
            "once they are read as months. Give their text as it is, or whole numbers for years; freq='13MS' means 13 "
            "months."
        )


def _phase(starts: Stamps, months: int) -> int:
    """Return the month of the year, modulo 3 for quarters, on which all series begin, or MIXED."""
    cycle = 12 if months % 12 == 0 else 3 if months % 3 == 0 else 1
    phases = np.unique(month_number(starts) % cycle)
    return int(phases[0]) if len(phases) == 1 else MIXED


def parse_frequency(
    freq: Any, ds: Stamps, offsets: Integers, *, years: bool = False, anchor_from_data: bool = False
) -> Frequency:
    """Read the step that the user names; what it leaves open (a weekday, a day of the month) the data tell.

    Parameters
    ----------
    freq : str, int, timedelta, pandas offset, period dtype or Frequency
        An alias of pandas, in the spelling of today or of before pandas 2.2; ``"M-15"`` is monthly on day 15,
        ``"C-1111110"`` every day of the week but the last, Sunday. `M`, `Q` and `Y` name no side of the period, so
        they fit starts, ends and fixed days alike. A Frequency is the step of a fitted table, and errors call it so.
    ds, offsets
        As in `infer_frequency`.
    years : bool
        The integers are calendar years.
    anchor_from_data : bool
        Ignore the anchor that `freq` names: for periods, whose stamps here are their starts.

    Raises
    ------
    FrequencyError
        If `freq` cannot be read, or names an anchor that the data contradict.

    Examples
    --------
    >>> days = np.array(["2024-01-01", "2024-02-01"], dtype="datetime64[ns]")
    >>> parse_frequency("M", days, np.array([0, 2])).describe()
    'monthly (start of month)'
    """
    starts = ds[offsets[:-1]]
    # Of numbers beyond 64 bits pandas and numpy complain in ways of their versions' own.
    number = re.match(r"\s*\d+", str(freq)) if isinstance(freq, (str, int, np.integer)) else None
    if number is not None and int(number[0]) > np.iinfo(np.int64).max:
        raise FrequencyError(TOO_FAR.format(freq))
    if isinstance(freq, Frequency):
        frequency = extend_days(freq, ds) if isinstance(freq, TradingDays) and ds.dtype.kind == "M" else freq
    elif isinstance(freq, (int, np.integer)) and not isinstance(freq, (bool, np.timedelta64)):
        frequency = _integer_step(int(freq), years)
    elif isinstance(freq, str) and freq.strip().isdecimal():
        frequency = _integer_step(int(freq), years)
    elif ds.dtype.kind != "M":
        raise FrequencyError(
            f"freq={freq!r}, but time is integer: expected a whole number of steps, for example freq=1."
        )
    elif isinstance(freq, str):
        frequency = _parse_alias(freq, ds, starts, anchor_from_data)
    elif isinstance(freq, (datetime.timedelta, np.timedelta64)):
        frequency = _duration(pd.Timedelta(freq).as_unit("ns").value, freq, starts)
    elif isinstance(freq, pd.PeriodDtype):
        frequency = _from_offset(freq.freq, ds, starts, True)
    elif isinstance(freq, pd.offsets.BaseOffset):
        frequency = _from_offset(freq, ds, starts, anchor_from_data)
    else:
        raise FrequencyError(f"freq={freq!r} cannot be read. {_EXAMPLES}")
    if isinstance(frequency, IntegerStep) != (ds.dtype.kind != "M"):
        data, wanted = ("dates", "'D'") if ds.dtype.kind == "M" else ("integers", "1")
        if isinstance(freq, Frequency):
            raise FrequencyError(
                f"The time stamps are {data}, but the fitted step is {freq.alias!r} ({freq.describe()}): expected "
                f"{'whole numbers' if data == 'dates' else 'dates'} as time, as in the fitted table."
            )
        raise FrequencyError(
            f"freq={freq!r} does not suit time stamps that are {data}: expected one like freq={wanted}."
        )
    return frequency


def _integer_step(step: int, years: bool) -> IntegerStep:
    if step < 1:
        raise FrequencyError(f"freq={step}: expected a whole number of 1 or more.")
    return IntegerStep(step, years)


def _duration(nanoseconds: int, freq: Any, starts: Stamps) -> FixedStep:
    if nanoseconds <= 0:
        raise FrequencyError(f"freq={freq!r}: expected a step forward in time.")
    return FixedStep(nanoseconds, _weekday(starts, nanoseconds))


def _from_offset(offset: Any, ds: Stamps, starts: Stamps, anchor_from_data: bool) -> Frequency:
    """Read a pandas offset, by its alias where one of the kinds knows it."""
    if offset.n < 1:
        raise FrequencyError(f"freq={offset.freqstr!r}: expected a step forward in time.")
    frequency = _known_alias(offset.freqstr, ds, starts, anchor_from_data)
    if frequency is not None:
        return frequency
    if isinstance(offset, pd.offsets.Tick):
        return _duration(offset.nanos, offset.freqstr, starts)
    weekmask = read_weekmask(offset)
    # Monday to Friday would be named 'B', which 'C' is not.
    if is_plain_week(offset) and weekmask != MONDAY_TO_FRIDAY:
        return BusinessDays(offset.n, weekmask)
    origin = pd.date_range(ds.min(), periods=1, freq=offset)[0]
    return OffsetGrid(offset, origin.as_unit("ns").to_datetime64())


def _parse_alias(text: str, ds: Stamps, starts: Stamps, anchor_from_data: bool) -> Frequency:
    frequency = _known_alias(text, ds, starts, anchor_from_data)
    if frequency is not None:
        return frequency
    week = re.fullmatch(r"\s*(\d*)C-([01]*1[01]*)\s*", text)
    if week and len(week[2]) == 7:
        return _from_offset(pd.offsets.CustomBusinessDay(int(week[1] or 1), weekmask=week[2]), ds, starts, False)
    match = re.fullmatch(r"\s*(\d*)([A-Za-z]+)(-.+)?\s*", text)
    spelled = f"{match[1]}{_LEGACY.get(match[2], match[2])}{match[3] or ''}" if match else text
    try:
        offset = to_offset(spelled)
    except ValueError:
        raise FrequencyError(f"freq={text!r} is no time step that pandas knows. {_EXAMPLES}") from None
    return _from_offset(offset, ds, starts, anchor_from_data)


def _known_alias(text: str, ds: Stamps, starts: Stamps, anchor_from_data: bool) -> Frequency | None:
    """Read an alias of one of the vectorised kinds; None for any other."""
    match = re.fullmatch(r"\s*(\d*)\s*([A-Za-z]+)(?:-([A-Za-z]{3}|\d{1,2}))?\s*", text)
    if match is None:
        return None
    count, name, suffix = int(match[1] or 1), _LEGACY.get(match[2], match[2]), (match[3] or "").upper()
    if count < 1:
        raise FrequencyError(f"freq={text!r}: expected a step forward in time.")
    if name in _DURATIONS and (not suffix or (name == "W" and suffix in WEEKDAYS)):
        if suffix and not anchor_from_data:
            _check_weekday(text, WEEKDAYS.index(suffix), starts)
        return _duration(count * _DURATIONS[name], text, starts)
    if name == "B" and not suffix:
        return BusinessDays(count)
    parts = re.fullmatch(r"(B?)([MQY])([SE]?)", name)
    if parts is None or (suffix and not _suffix_fits(name, suffix)):
        return None
    side = None if anchor_from_data else _SIDES[parts[1], parts[3]]
    return _months(text, count, _PERIODS[parts[2]], side, suffix, ds, starts)


def _suffix_fits(name: str, suffix: str) -> bool:
    return name == "M" if suffix.isdigit() else suffix in MONTHS and "M" not in name


def _check_weekday(text: str, named: int, starts: Stamps) -> None:
    wrong = starts[weekday(starts) != named]
    if len(wrong):
        day = WEEKDAYS[int(weekday(wrong[:1])[0])]
        raise FrequencyError(
            f"freq={text!r}, but {some_of(len(wrong), len(starts), 'series', 'does', 'do')} not begin on that weekday, "
            f"for example {show_stamps(wrong)}. freq='W-{day}' fits the first of them; freq='W' takes the weekday from "
            "the data."
        )


def _months(
    text: str, count: int, cycle: int, side: Anchor | None, suffix: str, ds: Stamps, starts: Stamps
) -> MonthStep:
    """Build a step of months from what the alias says; what it leaves open comes from the data."""
    months = count * cycle
    phase = _phase(starts, months)
    if suffix.isdigit():
        day = int(suffix)
        if not 1 <= day <= 31:
            raise FrequencyError(f"freq={text!r}: expected a day of the month from 1 to 31.")
        return MonthStep(months, "day", day, phase)
    if side is None:
        anchor = find_anchor(ds)
        if anchor is None:
            raise FrequencyError(describe_no_anchor(ds))
        return MonthStep(months, *anchor, phase=phase)
    if suffix:
        named = MONTHS.index(suffix) % cycle
        wrong = starts[month_number(starts) % cycle != named]
        if len(wrong):
            fit = MonthStep(months, side, phase=phase).alias
            raise FrequencyError(
                f"freq={text!r}, but {some_of(len(wrong), len(starts), 'series', 'begins', 'begin')} in another month, "
                f"for example {show_stamps(wrong)}. freq={fit!r} fits; without freq, it is inferred."
            )
    return MonthStep(months, side, phase=phase)
