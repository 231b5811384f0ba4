"""Read text as dates, strictly: one format for the whole column, or an error."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.centuries import describe_century, place_in_century
from tsrnn.data.month_names import in_english
from tsrnn.data.panel import Integers
from tsrnn.errors import DataError
from tsrnn.naming import examples, some_of

_DAYS = (
    "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m.%d.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y-%m-%d", "%Y/%m/%d",
    "%Y.%m.%d", "%Y/%d/%m", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%d-%b-%Y",
    "%d %b %Y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y", "%B %d %Y", "%d-%b-%y", "%Y%m%d",
    "%a, %d %b %Y", "%y-%m-%d", "%y/%m/%d", "%y.%m.%d",
)  # fmt: skip
_MONTHS = ("%b %Y", "%B %Y", "%b-%Y", "%Y-%b", "%Y %b", "%b-%y", "%m/%Y", "%Y/%m", "%Y%m", "%YM%m", "%Y-M%m")
_CLOCKS = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    "T%H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %H:%M:%S %z",
)
# By how many digits date and clock have; strptime alone would read 20241111 as 11:00 on 1 January.
_COMPACT_CLOCKS = {10: "%H", 12: "%H%M", 14: "%H%M%S"}
# The year in which a business year ends has two digits or four: 2003-04, 2003/2004.
_BUSINESS_YEAR = r"^(\d{4})[-/–](\d{4}|\d{2})$"
_OFFSET = r":\d{2}(?:[.,]\d+)?\s*(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})$"
_SAMPLE = 20
# Two labels may look like anything.
_FEWEST = 3
# Day, month and year in any order, with any clock, even where day and month may be confused.
DATE_OF_NUMBERS = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}(?:[ T]\d{1,2}:.*)?")
# As a number, 01.2024 would not begin with a zero.
MONTH_OF_YEAR = r"(?:0[1-9]|1[0-2])\.(?:18|19|20)\d\d"
_SHORT_YEAR = r"[^\W\d_]+\.? \d\d"
_YEAR = r"(?<!\d)(?:18|19|20)\d\d(?!\d)"
# Rows in which a label of time is looked for.
_LABELS = 1000
NAME_THE_ZONE = (
    "--time-zone Europe/Berlin on the command line, df['ds'] = pd.to_datetime(df['ds'], utc=True)"
    ".dt.tz_convert('Europe/Berlin') in Python"
)
NAME_THE_FORMAT = "--date-format '{0}' on the command line, pd.to_datetime(df[...], format='{0}') in Python"
# What the share of the most common step must be larger by.
_CLEARLY = 0.03


def looks_like_dates(text: pd.Series) -> bool:
    """Tell whether all values of a text column can be read as dates; plain numbers and words cannot."""
    known = text.dropna()
    sample = known.iloc[:_SAMPLE].astype(str)
    if sample.empty or not sample.str.contains(r"^\d{8}(?:\d\d){0,3}$|\d\D|[^\W\d_]{3}.*\d{2}").all():
        return False
    if known.nunique() < _FEWEST and sample.str.fullmatch(_SHORT_YEAR).all():
        return False  # Set 10 and Set 20 may be products
    try:
        parse_dates(sample)
        parse_dates(known)
    except DataError:
        return False
    return True


def shape_of(text: str) -> str:
    """Return what a text is like, whatever its numbers and words.

    >>> shape_of("31.12.2024"), shape_of("Januar 2024")
    ('9.9.9', 'a 9')
    """
    return re.sub(r"[^\W\d]+", "a", re.sub(r"\d+", "9", text))


def labels_time(text: pd.Series) -> bool:
    """Tell whether text that cannot be read as dates stands for time all the same.

    Half of the values or more are dates, beside a total or a footnote; or every row has another one, with a year in
    it, as Januar 2024 and KW 5/2024.
    """
    known = text.dropna().iloc[:_LABELS].astype(str).str.strip()
    if len(known) < _FEWEST:
        return False
    shapes = known.map(shape_of)
    alike = known[shapes == shapes.mode()[0]]
    if 2 * len(alike) >= len(known) and (alike.str.fullmatch(DATE_OF_NUMBERS).all() or looks_like_dates(alike)):
        return True
    return bool(known.is_unique and known.str.contains(_YEAR).all())


def parse_dates(
    text: pd.Series, yearly: bool | None = None, *, instants: bool = False
) -> tuple[pd.DatetimeIndex, list[str]]:
    """Read a text column as dates.

    Parameters
    ----------
    text : Series of str, without missing values
    yearly : bool, optional
        Whether steps are known to be years, which tells business years such as 2003-04 from months; told from the text
        if None.
    instants : bool
        Dates of several UTC offsets are instants, since their zone is known, and never local days.

    Returns
    -------
    dates : DatetimeIndex
        With a zone where the text has UTC offsets.
    notes : list of str
        What had to be decided.

    Raises
    ------
    DataError
        If no one format reads every value, or two formats do and neither gives regular steps.

    Examples
    --------
    >>> parse_dates(pd.Series(["31.01.2024", "29.02.2024"]))[0].strftime("%Y-%m-%d").tolist()
    ['2024-01-31', '2024-02-29']
    """
    codes, uniques = pd.factorize(text.astype(str).str.strip())
    values = in_english(pd.Series(np.asarray(uniques, dtype=object), dtype=object))
    dates, notes = _parse_unique(values, codes, text, yearly, instants=instants)
    return dates.take(codes), notes


def has_utc_offset(text: str) -> bool:
    """Tell whether a time stamp ends in its offset from UTC, as in 2024-08-20T00:00:00+02:00.

    >>> has_utc_offset("2024-08-20T00:00:00Z"), has_utc_offset("2024-08-20 00:00")
    (True, False)
    """
    return re.search(_OFFSET, text.strip()) is not None


def _parse_unique(
    values: pd.Series,
    codes: Integers,
    text: pd.Series,
    yearly: bool | None = None,
    *,
    instants: bool = False,
) -> tuple[pd.DatetimeIndex, list[str]]:
    offsets = values.str.extract(_OFFSET, expand=False)
    if offsets.notna().any():
        if offsets.isna().any():
            raise DataError(
                f"Mixed zones: {some_of(int(offsets.isna().sum()), len(values), 'distinct time stamp', 'has', 'have')} "
                f"no UTC offset, for example {values[offsets.isna()].iloc[0]!r}, while others do, for example "
                f"{values[offsets.notna()].iloc[0]!r}. Give all of them an offset, or none."
            )
        return _parse_with_offsets(values, offsets, codes, text, instants)
    quarters = _read_quarters(values)
    if quarters is not None:
        return quarters
    dates = _read_weeks(values)
    if dates is not None:
        return dates, [f"Weeks such as {values.iloc[0]!r} were read as those of ISO 8601, each by its Monday."]
    dates = None if yearly is False else _read_business_years(values, one=bool(yearly))
    if dates is not None:
        note = f"Dates such as {values.iloc[0]!r} were read as business years, each by the first day of its first year."
        return dates, [note]
    if values.str.fullmatch(MONTH_OF_YEAR).all():
        return pd.DatetimeIndex(pd.to_datetime(values, format="%m.%Y")), []
    compact = _read_compact_times(values)
    if compact is not None:
        return compact, []
    found = _formats_that_fit(values) or _read_short_years(values)
    if not found:
        raise DataError(_unreadable(values, codes, text))
    form, notes = (next(iter(found)), []) if len(found) == 1 else _choose_reading(values, found)
    dates = found[form]
    if "%y" in form:
        usual = pd.DatetimeIndex(pd.to_datetime(values, format=form, utc=True if "%z" in form else None))
        notes = [*notes, *describe_century(values.iloc[0], dates, usual)]
    return dates, notes


def _read_quarters(values: pd.Series) -> tuple[pd.DatetimeIndex, list[str]] | None:
    """Read 2024-Q3, Q3/24, 3Q2024 or 3. Quartal 2024 by the first day of the quarter; None for any other text."""
    year, part, word, mark = r"(?P<year>\d{4}|\d{2})", "(?P<part>[1-4])", "[Qq](?:uarter|uartal|)", "[- /'’]"
    forms = (f"{year}{mark}?{word} ?{part}", f"{word} ?{part}{mark}{year}", rf"{part}\.? ?{word}\.?{mark}?{year}")
    for form in forms:
        found = values.str.extract(f"^{form}$")
        if found.isna().any(axis=None) or len(found["year"].str.len().unique()) != 1:
            continue
        months = found["year"] + "-" + (3 * found["part"].astype(int) - 2).astype(str).str.zfill(2)
        if len(found["year"].iloc[0]) == 4:
            return pd.DatetimeIndex(months), []
        usual = pd.DatetimeIndex(pd.to_datetime(months, format="%y-%m"))
        dates = place_in_century(usual)
        return dates, describe_century(values.iloc[0], dates, usual)
    return None


def _read_weeks(values: pd.Series) -> pd.DatetimeIndex | None:
    """Read 2024-W07, KW 7/2024 or 7. KW 2024 by the Monday; None for other text, and for weeks that a year lacks."""
    year, week = r"(?P<year>\d{4})", r"(?P<week>\d{1,2})"
    for form in (rf"{year}[- /]?(?:W|KW ?){week}", rf"(?:W|KW ?){week}[- /]{year}", rf"{week}\. ?KW[- /]{year}"):
        found = values.str.extract(f"^{form}$")
        if not len(values) or found.isna().any(axis=None):
            continue
        mondays = _read(found["year"] + found["week"].str.zfill(2) + "1", "%G%V%u")
        # pandas 2 takes a week that the year lacks for the first of the next one.
        if mondays is not None and (mondays.isocalendar()["week"] == found["week"].astype(int).array).all():
            return mondays
    return None


def _read_business_years(values: pd.Series, *, one: bool) -> pd.DatetimeIndex | None:
    """Read 2003-04, 2004-05, ... by the first day of the first year; None for any other text.

    As months these would be thirteen apart. One of them alone is a month, unless there is no such month.
    """
    found = values.str.extract(_BUSINESS_YEAR)
    if not len(values) or found.isna().any(axis=None):
        return None
    first, second = found[0].astype(int), found[1].astype(int)
    follows = np.where(found[1].str.len() == 2, (first + 1) % 100 == second, first + 1 == second)
    is_month = (found[1].str.len() == 2) & second.between(1, 12)
    if not follows.all() or (len(values) == 1 and not one and is_month.all()):
        return None
    return pd.DatetimeIndex(found[0] + "-01-01")


def _read_compact_times(values: pd.Series) -> pd.DatetimeIndex | None:
    """Read 2024013118, 202401311830 or 20240131183000; None for any other text."""
    width = len(values.iloc[0]) if len(values) else 0
    if width not in _COMPACT_CLOCKS or not values.str.fullmatch(rf"\d{{{width}}}").all():
        return None
    return _read(values, "%Y%m%d" + _COMPACT_CLOCKS[width])


def _formats_that_fit(values: pd.Series) -> dict[str, pd.DatetimeIndex]:
    """Return every reading of the whole column, by its format; readings that agree count once."""
    found: dict[str, pd.DatetimeIndex] = {}
    formats = ["ISO8601", *(day + clock for day in _DAYS for clock in _CLOCKS), *_MONTHS]
    sample = values.iloc[:_SAMPLE]
    for form in formats:
        if _read(sample, form) is None:
            continue
        reading = _read(values, form)
        if reading is None or any(reading.equals(other) for other in found.values()):
            continue
        found[form] = reading
        if form == "ISO8601":
            break  # the one notation in which day and month cannot be confused
    return found


def _read_short_years(values: pd.Series) -> dict[str, pd.DatetimeIndex]:
    """Read months such as Mar 24, if they follow one another; the days of a month would be years apart."""
    dates = _read(values, "%b %y")
    if dates is None:
        return {}
    months = np.diff(np.unique(dates.to_numpy("datetime64[M]").astype(np.int64)))
    return {"%b %y": dates} if len(values) < _FEWEST or np.median(months) == 1 else {}


def _coerced(text: pd.Series, form: str) -> pd.Series:
    """Return the dates of text that fits a format, NaT for other text."""
    return pd.to_datetime(text, format=form, errors="coerce", utc=True if "%z" in form else None)


def _read(text: pd.Series, form: str) -> pd.DatetimeIndex | None:
    dates = _coerced(text, form)
    if dates.isna().any():
        return None
    return place_in_century(pd.DatetimeIndex(dates)) if "%y" in form else pd.DatetimeIndex(dates)


def _choose_reading(values: pd.Series, found: dict[str, pd.DatetimeIndex]) -> tuple[str, list[str]]:
    """Choose between year, month and day first by which one gives sensible steps."""
    ranked = sorted(found, key=lambda form: -_regularity(found[form]))
    for best in ranked:
        if all(form == best or _is_likelier(best, form, found) for form in ranked):
            reason = ", which makes their steps regular" if len(values) > 1 else ""
            return best, [f"Dates such as {values.iloc[0]!r} were read as {best}{reason}."]
    best = ranked[0]
    second = next(form for form in ranked[1:] if not _is_likelier(best, form, found))
    raise DataError(
        f"Dates such as {values.iloc[0]!r} can be read as {best!r} and as {second!r}. Say which: "
        f"{NAME_THE_FORMAT.format(best)}."
    )


def _is_likelier(form: str, other: str, found: dict[str, pd.DatetimeIndex]) -> bool:
    """Tell whether one reading is clearly more sensible than another one."""
    dates, rival = found[form], found[other]
    better = _regularity(dates) - _regularity(rival)
    if form.startswith("%y") == other.startswith("%y"):
        # Month starts read the other way round are runs of twelve days: 11 of 12 steps are equal even then.
        return better >= _CLEARLY
    # With day and year exchanged, the days of a month become a regular run of years.
    if _is_ordered(dates) != _is_ordered(rival):
        return _is_ordered(dates)
    if abs(better) >= _CLEARLY:
        return better > 0
    shorter = _is_shorter(dates, rival) - _is_shorter(rival, dates)
    votes = shorter + _is_month_starts(dates) - _is_month_starts(rival)
    # Between points the year is last in every country that writes so.
    return votes > 0 or (votes == 0 and form.startswith("%d."))


def _is_ordered(dates: pd.DatetimeIndex) -> bool:
    return bool(dates.is_monotonic_increasing or dates.is_monotonic_decreasing)


def _is_month_starts(dates: pd.DatetimeIndex) -> bool:
    return bool((dates.day == 1).all())


def _is_shorter(dates: pd.DatetimeIndex, other: pd.DatetimeIndex) -> bool:
    """Tell whether dates lie closer together than others by far: a month of days beside a month of years."""
    span, rival = ((part.max() - part.min()).total_seconds() for part in (dates, other))
    return bool(10 * span < rival)


def _regularity(dates: pd.DatetimeIndex) -> float:
    """Return the share of the most common step; months count as one, as do quarters and years."""
    days = np.unique(dates.to_numpy())
    steps = np.diff(days).astype("timedelta64[m]").astype(np.int64)
    if not len(steps):
        return 0.0
    day = 24 * 60
    for shortest, longest in ((28, 31), (90, 92), (365, 366)):
        steps[(steps >= shortest * day) & (steps <= longest * day)] = longest * day
    return float(np.unique(steps, return_counts=True)[1].max() / len(steps))


def _parse_with_offsets(
    values: pd.Series, offsets: pd.Series, codes: Integers, text: pd.Series, instants: bool
) -> tuple[pd.DatetimeIndex, list[str]]:
    """Read text with UTC offsets; several offsets are mostly one zone with daylight saving."""
    bare = values.str.replace(r"(:\d{2}(?:[.,]\d+)?)\s*(?:Z|[+-]\d{2}:?\d{2}|[+-]\d{2})$", r"\1", regex=True)
    wall, notes = _parse_unique(bare, codes, text)
    shift = offsets.map(_minutes)
    if (shift == shift.iloc[0]).all():
        minutes = int(shift.iloc[0])
        zone: Any = datetime.timezone(datetime.timedelta(minutes=minutes)) if minutes else "UTC"
        return wall.tz_localize(zone), notes
    utc = (wall - pd.to_timedelta(shift.to_numpy(), unit="min")).tz_localize("UTC")
    if instants:
        return utc, notes
    # The hour that comes twice when the clocks go back is no date of its own.
    if wall.is_unique and len(np.unique(wall - wall.normalize())) == 1:
        note = "The UTC offsets of the time stamps differ, their time of day does not: local dates are used."
        return wall, [*notes, note]
    note = (
        "The UTC offsets of the time stamps differ (daylight saving), so time is in UTC. A season of hours follows the "
        f"local clock only if the zone is named: {NAME_THE_ZONE}."
    )
    return utc, [*notes, note]


def _minutes(offset: str) -> int:
    if offset == "Z":
        return 0
    digits = re.sub(r"\D", "", offset).ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if offset[0] == "-" else minutes


def _unreadable(values: pd.Series, codes: Integers, text: pd.Series) -> str:
    """Say which values stand in the way, judged by the format that reads most of them."""
    sample = values.iloc[:1000]
    clocks = _CLOCKS if sample.str.contains(":", regex=False).any() else ("",)
    formats = ("ISO8601", *(day + clock for day in _DAYS for clock in clocks), *_MONTHS, "%m.%Y")
    best = min(formats, key=lambda form: int(_coerced(sample, form).isna().sum()))
    failed = _coerced(values, best).isna().to_numpy()
    rows = np.flatnonzero(failed[codes])
    shown = examples(rows, lambda row: f"{text.iloc[row]!r} (row {row})")
    cure = "Take out rows that are none, such as totals."
    if 2 * len(rows) > len(text):
        cure = f"Another format can be named: {NAME_THE_FORMAT.format('%d/%m/%Y')}."
        if len(text) >= _FEWEST:
            cure += " If this is no time, name the column that is with time_col; if none is, take this one out."
    return (
        f"{some_of(len(rows), len(text), 'value')} cannot be read as dates, for example {shown}; rows count from 0. "
        "Expected one format throughout, best YYYY-MM-DD or YYYY-MM-DD HH:MM (months 2024-01, quarters 2024Q1, weeks "
        f"2024-W05), in the years 1678 to 2261. {cure}"
    )
