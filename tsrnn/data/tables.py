"""The gate: a user's table is checked once, where it becomes a Panel."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.calendars import BusinessDays, TradingDays
from tsrnn.data.coarse_steps import find_coarse_steps, refuse_coarse_steps, step_notes
from tsrnn.data.column_arguments import check_column_arguments
from tsrnn.data.frequency import TOO_FAR, infer_frequency, parse_frequency
from tsrnn.data.grids import DAY, FixedStep, Frequency, show_stamps
from tsrnn.data.local_clock import clock_notes
from tsrnn.data.panel import Floats, Integers, Panel, sums_before
from tsrnn.data.rows import Rows, read_frame, read_series
from tsrnn.data.seasonality import find_season_length, weekdays_repeat
from tsrnn.data.zones import check_zone
from tsrnn.errors import DataError, FrequencyError, ParameterError
from tsrnn.naming import agree, counted, examples, some_of
from tsrnn.parameters import is_whole

PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")

# One stamp in the year 2200 would otherwise turn a small table into millions of missing rows.
MAX_GROWTH = 50
# Beyond this size sums and differences of values leave the range of floats, and forecasts were NaN.
LARGEST = 1e301
GROWTH_FREE_ROWS = 10_000

# Models hold a season of every series in memory; a year of minutes has 525,600 steps, a week of seconds 604,800.
LONGEST_SEASON = 1_000_000


def read_panel(
    df: Any,
    *,
    id_col: str | None = None,
    time_col: str | None = None,
    target_col: str | Sequence[str] | None = None,
    freq: Any = None,
    season_length: int | None = None,
    time_zone: str | None = None,
    more: bool = False,
) -> Panel:
    """Check a table and put it on regular grids.

    Rows may come in any order; missing rows and missing values become NaN. Missing values before the first
    observation of a series are cut off. The table itself is not changed.

    Parameters
    ----------
    df : DataFrame, Series or Panel
        A long table (`unique_id, ds, y`), a wide table (a date column or index, each numeric column a
        series), or one Series. A Panel has passed already: only `season_length` applies to it.
    id_col, time_col : str, optional
        Columns of a long table that are not named `unique_id` and `ds`. A table is also long if exactly one
        text column makes its time stamps unique.
    target_col : str or sequence of str, optional
        The value column of a long table, or the columns of a wide table that are wanted.
    freq : str, int, timedelta, pandas offset or Frequency, optional
        The step; inferred over all series by default.
    season_length : int, optional
        Steps per season; by default what is customary for the step, or found in the data where nothing is.
    time_zone : str, optional
        The zone of the time stamps, such as "Europe/Berlin": those with a zone or an offset are converted to it, those
        without are its local times. By default that of the stamps.
    more : bool
        The rows go on from others, so that a series without values among them need not be empty: it is neither warned
        of nor refused.

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        If the table cannot be read as time series.
    FrequencyError
        If its step cannot be told, time stamps do not lie on it, or series surely have a coarser one of their own and
        no `freq` says that it is meant.
    ColumnError
        If a named column does not exist.
    ParameterError
        If `season_length` is not a whole number of 1 or more, or `time_zone` is not known.

    Examples
    --------
    >>> df = pd.DataFrame({"date": ["2024-01-01", "2024-02-01", "2024-04-01"], "sales": [5, 7, 6]})
    >>> panel = read_panel(df)
    >>> panel.frequency.alias, panel.season_length, panel.y.tolist()
    ('MS', 12, [5.0, 7.0, nan, 6.0])
    """
    if season_length is not None:
        season_length = _check_season_length(season_length)
    if time_zone is not None:
        check_zone(time_zone)
    if isinstance(df, Panel):
        return df if season_length is None else replace(df, season_length=season_length)
    check_column_arguments(id_col, time_col, target_col)
    if isinstance(df, pd.Series):
        rows = read_series(df, freq, time_zone)
    elif isinstance(df, pd.DataFrame):
        rows = read_frame(df, id_col, time_col, target_col, freq, time_zone)
    else:
        cure = "Numbers alone will do as pd.Series(values)."
        if hasattr(df, "to_pandas"):  # Arrow, Polars
            cure = "Its to_pandas() makes one of it."
        elif isinstance(df, (str, os.PathLike)):
            cure = f"Read the file first, for example with pd.read_csv({os.fspath(df)!r})."
        raise DataError(f"Expected a pandas DataFrame or Series, not {type(df).__name__}. {cure}")
    return _lay_out(rows, freq, season_length, more)


def _check_season_length(season_length: Any) -> int:
    if not is_whole(season_length) or season_length < 1:
        raise ParameterError(f"season_length={season_length!r}: expected a whole number of steps, 1 for none.")
    if season_length > LONGEST_SEASON:
        raise ParameterError(
            f"season_length={season_length}: expected {LONGEST_SEASON:,} steps at most. Add up or average rows to "
            "a longer step first, or pass a shorter season; 1 means none."
        )
    return int(season_length)


def _refuse_one_text(ids: Any) -> None:
    """Refuse names that differ by their type alone, such as 1 and "1": no forecast could tell them apart."""
    if len(set(map(type, ids))) == 1:
        return
    texts = dict[str, Any]()
    for name in ids:
        other = texts.setdefault(str(name), name)
        if other is not name:
            raise DataError(
                f"Two series have the name {name!s}, {other!r} ({type(other).__name__}) and {name!r} "
                f"({type(name).__name__}). Give one of them another name."
            )


def _lay_out(rows: Rows, freq: Any, season_length: int | None, more: bool) -> Panel:
    """Put the rows on their grids."""
    _refuse_one_text(rows.ids)
    start = rows.ds[rows.offsets[:-1]]
    # Only a fitted table hands its step on as a Frequency.
    fitted = isinstance(freq, Frequency)
    try:
        frequency = _find_frequency(rows, freq)
        position = frequency.positions(rows.ds, np.repeat(start, np.diff(rows.offsets)), fitted=fitted)
    except (OverflowError, pd.errors.OutOfBoundsDatetime):
        if freq is None:
            raise
        raise FrequencyError(TOO_FAR.format(freq)) from None
    lengths = position[rows.offsets[1:] - 1] + 1
    _check_growth(rows, frequency, position, lengths, fitted)
    n_missing = int(lengths.sum()) - len(position)
    y, offsets = _fill(rows, position, lengths)
    # The series of a wide table share one run of time stamps.
    start = np.repeat(start, len(rows.ids) // len(start))
    _check_size(y, offsets, rows.ids)
    lead = _leading(y, offsets)
    if lead.any():
        y, offsets, start = *_cut(y, offsets, lead), frequency.stamps(start, lead)
    coarse = find_coarse_steps(y, offsets)
    if freq is None and len(coarse.series):
        sure = coarse
        if rows.y.ndim == 1:
            # A row without a value says that a step is the series' own; a wide table has a row at every step.
            empty_rows = np.add.reduceat(np.isnan(rows.y), rows.offsets[:-1])
            sure = coarse.where(empty_rows[coarse.series] == 0)
        refuse_coarse_steps(sure, rows.ids, frequency)
    given = "as fitted" if fitted else "given"
    freq_origin, season_origin = (None if part is None else given for part in (freq, season_length))
    if season_length is None:
        season_length = frequency.default_season_length
        if frequency.season_candidates:
            season_length = find_season_length(y, offsets, frequency.season_candidates)
    panel = Panel(y, offsets, rows.ids, start, frequency, season_length, rows.form)
    clock = clock_notes(panel)
    notes = [
        *_describe(rows, panel, freq_origin, season_origin),
        *_name_notes(rows.ids),
        *_missing_notes(n_missing, int(np.count_nonzero(lead))),
        *_end_notes(panel),
        *_empty_notes(panel),
        *([] if more else step_notes(coarse, rows.ids, frequency)),
        *clock,
    ]
    panel = replace(panel, notes=tuple(notes), choices=(*rows.time.notes, *rows.notes, *clock))
    if not more:
        report_empty(panel)
    return panel


def _find_frequency(rows: Rows, freq: Any) -> Frequency:
    frequency, time = _choose_frequency(rows, freq), rows.time
    if isinstance(frequency, FixedStep) and frequency.step % DAY and time.wall_clock and time.zone is not None:
        # Newer rows, of which no clock changes, could not tell.
        return replace(frequency, zone=str(time.zone))
    return frequency


def _choose_frequency(rows: Rows, freq: Any) -> Frequency:
    time = rows.time
    if freq is not None:
        return parse_frequency(freq, rows.ds, rows.offsets, years=time.years, anchor_from_data=time.period is not None)
    try:
        found = infer_frequency(rows.ds, rows.offsets, years=time.years and time.period is None)
    except FrequencyError:
        if time.period is None:
            raise
        # Too few or too irregular to tell: then what the periods declare is the step.
        return parse_frequency(time.period, rows.ds, rows.offsets, anchor_from_data=True)
    # A holiday that is stepped over moves the weekdays of all that comes after it.
    if isinstance(found, TradingDays) and weekdays_repeat(rows.ds, rows.offsets, rows.y):
        return BusinessDays()
    return found


def _check_growth(
    rows: Rows, frequency: Frequency, position: Integers, lengths: Integers, fitted: bool = False
) -> None:
    total, given = int(lengths.sum()), len(position)
    if total <= max(MAX_GROWTH * given, GROWTH_FREE_ROWS):
        return
    gaps = np.diff(position)
    gaps[rows.offsets[1:-1] - 1] = 0
    at = int(gaps.argmax())
    step = f"the fitted step {frequency.alias!r}" if fitted else f"freq={frequency.alias!r}"
    cure = "fit again on a table of their own step" if fitted else "pass the freq that the data have"
    raise FrequencyError(
        f"On a grid of {step} the {given:,} rows would become {total:,}. The longest gap, {counted(gaps[at], 'step')}, "
        f"lies between {show_stamps(rows.ds[at : at + 1])} and {show_stamps(rows.ds[at + 1 : at + 2])}. Correct that "
        f"stamp, or {cure}."
    )


def _check_size(y: Floats, offsets: Integers, ids: Any) -> None:
    """Refuse values too large to compute with."""
    beyond = np.flatnonzero(np.abs(y) > LARGEST)
    if len(beyond):
        series = np.unique(np.searchsorted(offsets, beyond, side="right") - 1)
        raise DataError(
            f"{counted(len(beyond), 'value is', 'values are')} too large to compute with, in "
            f"{some_of(len(series), len(ids), 'series')}: {examples(ids[series])}. The largest is "
            f"{np.abs(y[beyond]).max():.3g}, expected at most {LARGEST:g}. Replace them by NaN where they stand for a "
            "missing value, or divide the values by a larger unit."
        )


def _fill(rows: Rows, position: Integers, lengths: Integers) -> tuple[Floats, Integers]:
    """Return the values of all series on their grids, NaN where there is no row, and their offsets.

    Parameters
    ----------
    rows : Rows
    position : int64 ndarray of shape (n_rows,)
        Of each row on the grid of its run of time stamps.
    lengths : int64 ndarray of shape (n_runs,)
        Of these grids.
    """
    base = np.repeat(sums_before(lengths)[:-1], np.diff(rows.offsets)) + position
    columns = 1 if rows.y.ndim == 1 else rows.y.shape[1]
    grid = np.full((columns, int(lengths.sum())), np.nan)
    grid[:, base] = rows.y.T
    return grid.ravel(), sums_before(np.tile(lengths, columns))


def _leading(y: Floats, offsets: Integers) -> Integers:
    """Return how many rows precede the first observation of each series; 0 for a series without any."""
    observed = np.flatnonzero(np.isfinite(y))
    first = np.append(observed, len(y))[np.searchsorted(observed, offsets[:-1])]
    lead: Integers = np.where(first < offsets[1:], first - offsets[:-1], 0)
    return lead


def _cut(y: Floats, offsets: Integers, lead: Integers) -> tuple[Floats, Integers]:
    """Return the values without the first `lead` rows of each series, and their offsets."""
    lengths = np.diff(offsets)
    kept = np.arange(len(y)) - np.repeat(offsets[:-1], lengths) >= np.repeat(lead, lengths)
    return y[kept], sums_before(lengths - lead)


def _name_notes(ids: Any) -> list[str]:
    """Say which series have names that look alike, as one written in two ways has."""
    alike: dict[str, list[Any]] = {}
    for name in ids:
        if isinstance(name, str):
            alike.setdefault(" ".join(name.casefold().split()), []).append(name)
    doubted = [name for names in alike.values() if len(names) > 1 for name in names]
    if not doubted:
        return []
    return [
        f"{counted(len(doubted), 'name')} of series differ from another one in spaces or capitals alone: "
        f"{examples(doubted, repr)}. Write what is one series in one way."
    ]


def _missing_notes(n_missing: int, n_late: int) -> list[str]:
    """Say how many rows are missing, and how many series begin with missing values."""
    notes = []
    if n_missing:
        missing = counted(n_missing, "row is", "rows are")
        notes.append(f"{missing} missing between the first and the last of {agree(n_missing, 'its', 'their')} series.")
    if n_late:
        notes.append(f"{counted(n_late, 'series begins', 'series begin')} with missing values, which are left out.")
    return notes


def value_notes(panel: Panel) -> list[str]:
    """Say which series end without values, have none, or a step of their own: what rows change of notes on values."""
    return [
        *_end_notes(panel),
        *_empty_notes(panel),
        *step_notes(find_coarse_steps(panel.y, panel.offsets), panel.ids, panel.frequency),
    ]


def _end_notes(panel: Panel) -> list[str]:
    early = int(np.count_nonzero(~panel.observed[panel.offsets[1:] - 1] & (panel.n_observed > 0)))
    if not early:
        return []
    those = counted(early, "series ends", "series end")
    return [f"{those} with missing values; the first step forecast is the one after the last row."]


def _empty_notes(panel: Panel) -> list[str]:
    empty = panel.ids[panel.n_observed == 0]
    those = some_of(len(empty), panel.n_series, "series", "has", "have")
    return [f"{those} no values: {examples(empty)}."] if len(empty) else []


def report_empty(panel: Panel) -> None:
    """Warn of series without a single value; raise DataError if there are no others."""
    empty = panel.ids[panel.n_observed == 0]
    if not len(empty):
        return
    if len(empty) == panel.n_series:
        whole = agree(panel.n_series, "The series is", f"All {panel.n_series:,} series are")
        raise DataError(f"{whole} empty: every value is missing.")
    warn_of_empty(list(empty), panel.n_series)


def warn_of_empty(names: Sequence[Any], total: int) -> None:
    """Warn of series without values, at the line of the caller that handed them over."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(
        f"{some_of(len(names), total, 'series', 'has', 'have')} no values and no answer but NaN: {examples(names)}. "
        f"Drop {agree(len(names), 'it', 'them')} to be rid of this warning.",
        UserWarning,
        stacklevel=level,
    )


def _describe(rows: Rows, panel: Panel, freq_origin: str | None, season_origin: str | None) -> list[str]:
    """Say what the gate found, and where a step or season that it did not find is from."""
    frequency, season_length = panel.frequency, panel.season_length
    column = "the index" if rows.form.time_in_index else f"column {rows.form.time_col!r}"
    freq_origin = freq_origin or f"inferred from {column}"
    notes = [f"Frequency: {frequency.describe()} ({frequency.alias}), {freq_origin}."]
    if season_origin is None and frequency.season_candidates:
        season_origin = "found in the data" if season_length > 1 else "none found in the data"
    elif season_origin is None:
        season_origin = "customary for this frequency" if season_length > 1 else "none is customary for this frequency"
    notes.append(f"Season length: {season_length} ({season_origin}).")
    if rows.time.wall_clock and rows.time.zone is not None and str(rows.time.zone) != "UTC":
        steps = "Hours" if isinstance(frequency, FixedStep) and frequency.zone is not None else "Days"
        notes.append(f"{steps} are counted in local time ({rows.time.zone}).")
    return [*notes, *rows.time.notes, *rows.notes]
