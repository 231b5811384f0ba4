"""Rows on their way into a running detector: checked before anything is changed."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.anomaly.tracker import Judged
from tsrnn.anomaly.watch import Found
from tsrnn.data.answers import restore_time, restore_times
from tsrnn.data.panel import as_names
from tsrnn.data.tables import LARGEST, read_panel
from tsrnn.data.whole_times import read_whole_time
from tsrnn.errors import DataError
from tsrnn.naming import counted
from tsrnn.parameters import is_number, is_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tsrnn.anomaly.watch import Watch
    from tsrnn.data.column_arguments import ColumnArguments
    from tsrnn.data.panel import Integers, Panel, TableForm


class Detection(NamedTuple):
    """What is said of one row of a stream: the columns of `AnomalyDetector.detect`. `share` is for channels alone."""

    unique_id: Any
    ds: Any
    y: float
    expected: float
    lower: float
    upper: float
    score: float
    p_value: float
    is_anomaly: bool
    share: float | None = None


def read_stamp(time: Any, like: Panel, after: Any = None) -> Any:
    """Return a time stamp as the panel has them: datetime64[ns], or an integer.

    Parameters
    ----------
    time : str, datetime, Timestamp, Period or int
        A date without a zone is in the zone of the fitted rows. Whole numbers such as 20240131 or 1672617600 may be
        dates, too.
    like : Panel
        The fitted series.
    after : datetime64[ns] or int64, optional
        The stamp after the last one that was read. A local time that comes twice is its second one from there on.

    Raises
    ------
    DataError
        If it is of another kind than the fitted ones, missing, or has a zone where they have none.
    """
    form = like.form
    if like.start.dtype.kind != "M":
        if not is_whole(time):
            raise DataError(f"The time stamp {time!r} is no whole number, as those of the fitted rows are.")
        try:
            return np.int64(time)
        except OverflowError:
            raise DataError(f"The time stamp {time!r} is too large. Expected one as in the fitted rows.") from None
    known = (str, datetime.date, np.datetime64, pd.Period)
    written = time
    try:
        if is_whole(time):
            time = read_whole_time(int(time)) or time
        if not isinstance(time, known):
            raise TypeError(f"{type(time).__name__} is no date")
        stamp = time.to_timestamp() if isinstance(time, pd.Period) else pd.Timestamp(time)
        stamp = stamp if stamp is pd.NaT else stamp.as_unit("ns")
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(
            f"The time stamp {written!r} cannot be read ({error}). Expected a date as in the fitted rows."
        ) from None
    if stamp is pd.NaT:
        raise DataError("The time stamp is missing.")
    if form.zone is None:
        if stamp.tz is not None:
            raise DataError(f"The time stamp {time!r} has a time zone, but the fitted rows have none.")
    else:
        clock = form.zone if form.wall_clock else "UTC"
        instants = [stamp] if stamp.tz is not None else _meanings(stamp, form.zone)
        meant = [instant.tz_convert(clock).tz_localize(None) for instant in instants]
        stamp = meant[0] if after is None or meant[0] >= pd.Timestamp(after) else meant[-1]
    return stamp.to_datetime64()


def _meanings(local: pd.Timestamp, zone: Any) -> list[pd.Timestamp]:
    """Return the first and the second instant that a local time may be, which differ where the clocks go back."""
    return [local.tz_localize(zone, ambiguous=first, nonexistent="shift_forward") for first in (True, False)]


def read_value(value: Any) -> float:
    """Return a value as a number, NaN where it is missing.

    Raises
    ------
    DataError
        If it is text, infinite, or too large to compute with.

    Examples
    --------
    >>> read_value(None), read_value(3)
    (nan, 3.0)
    """
    if value is None or value is pd.NA:
        return math.nan
    if not is_number(value):
        raise DataError(f"The value {value!r} is no number. Expected a number, or None where it is missing.")
    # A whole number may be too large for a float, and what is beyond NumPy's short floats is not compared with them.
    number = value if is_whole(value) else float(value)
    if number in (math.inf, -math.inf):
        raise DataError(f"The value {value!r} is infinite. Expected a number, or None where it is missing.")
    if abs(number) > LARGEST:
        raise DataError(f"The value {value!r} is too large to compute with. Expected at most {LARGEST:g}.")
    return float(number)


def update_time(watch: Watch, time: Any, values: Mapping[Any, Any], alpha: float) -> list[Detection]:
    """Let a watch read one row of several series; see `AnomalyDetector.update_together`."""
    like = watch.like
    numbers = np.array([read_value(value) for value in values.values()])
    names = as_names(list(values))
    index, stamp, gap = place_rows(watch, list(values), time)
    known = index >= 0
    for name in names[~known]:
        if pd.api.types.is_scalar(name) and pd.isna(name):
            raise DataError(f"A row has no name, but {name!r}. Name the series it belongs to.")
    if watch.system is not None and (not known.all() or len(names) < len(watch.next)):
        absent = [name for name in watch.index if name not in values]
        strange = [*names[~known], *absent][:5]
        raise DataError(
            f"{counted(len(names), 'value')} for the {counted(len(watch.next), 'channel')} of a system, wrong or "
            f"absent: {', '.join(map(str, strange))}. All are needed at once, None where a value is missing."
        )
    if not known.all():
        index[~known] = watch.add(names[~known], np.full((~known).sum(), stamp, dtype=like.start.dtype))
    found = watch.tick(index, gap, numbers)
    judged, share = found.judged, found.share
    ds = restore_time(stamp, like.form)
    columns = (judged.expected, judged.lower, judged.upper, judged.score, judged.p_value)
    rows = np.stack(columns, 1).tolist()
    shares = [None] * len(rows) if share is None else share.tolist()
    return [
        Detection(name, ds, y, expected, lower, upper, score, p_value, p_value <= alpha, part)
        for name, y, (expected, lower, upper, score, p_value), part in zip(
            names.tolist(), numbers.tolist(), rows, shares, strict=True
        )
    ]


def _gaps(watch: Watch, index: Any, stamps: Any, names: Any) -> Any:
    """Return how many rows are missing before each stamp.

    Raises
    ------
    DataError
        If a stamp was read before, or lies before one that was.
    FrequencyError
        If one does not lie on the grid of the fitted rows.
    """
    gap = watch.like.frequency.positions(stamps, watch.next[index])
    late = np.flatnonzero(gap < 0)
    if len(late):
        i = late[0]
        last = watch.like.frequency.stamps(watch.next[index[i]], -1)
        what = "is there already" if gap[i] == -1 else "lies before what was read"
        raise DataError(
            f"Series {names[i]}: the time stamp {restore_times(stamps[[i]], watch.like.form)[0]} {what}; the last one "
            f"was {restore_times(np.array([last]), watch.like.form)[0]}. Rows of a stream come in order, each once."
        )
    return gap


def place_rows(watch: Watch, names: Sequence[Any], time: Any) -> tuple[Integers, Any, Integers]:
    """Tell where rows of several series at one time belong.

    Parameters
    ----------
    watch : Watch
    names : sequence of n series
    time : str, datetime, Timestamp, Period or int

    Returns
    -------
    index : int64 ndarray of shape (n,)
        The number of each series; −1 of one that was never seen.
    stamp : datetime64[ns] or int64
    gap : int64 ndarray of shape (n,)
        How many rows of each series are missing before; 0 of one that was never seen.

    Raises
    ------
    DataError, FrequencyError
        If the time cannot be read, is not after those that were read, or does not lie on the grid.
    """
    index = watch.numbers(names)
    known = np.flatnonzero(index >= 0)
    stamp = read_stamp(time, watch.like, watch.next[index[known]].min() if len(known) else None)
    gap = np.zeros(len(index), np.int64)
    stamps = np.full(len(known), stamp, dtype=watch.like.start.dtype)
    gap[known] = _gaps(watch, index[known], stamps, as_names(names)[known])
    return index, stamp, gap


def update_table(watch: Watch, df: Any, columns: ColumnArguments) -> tuple[Panel, Found] | None:
    """Let a watch read the rows of a table; see `AnomalyDetector.update_many`. None if no row has a value."""
    like = watch.like
    df = _without_missing(df, like.form)
    if not df.size:
        return None
    panel = read_panel(df, **columns._asdict(), freq=like.frequency, season_length=like.season_length)
    index = watch.numbers(panel.ids)
    known = index >= 0
    if known.any():
        _gaps(watch, index[known], panel.start[known], panel.ids[known])
    if watch.system is None:
        return panel, watch.follow(panel)
    if not known.all():
        strange = ", ".join(map(str, panel.ids[~known][:5]))
        raise DataError(
            f"{counted(int((~known).sum()), 'channel was', 'channels were')} not fitted: {strange}. A system keeps its "
            "channels."
        )
    return panel, _follow_system(watch, panel, index)


def _follow_system(watch: Watch, panel: Panel, index: Integers) -> Found:
    """Read a panel of channels time by time, those without a value as missing."""
    everyone = np.arange(len(watch.next))
    begin = watch.like.frequency.positions(panel.start, watch.next[index])
    series, row = panel.places()
    at = begin[series] + row
    first, last = int(at.min()), int(at.max())
    values = np.full((len(everyone), last - first + 1), np.nan)
    values[index[series], at - first] = panel.y
    ticks = [
        watch.tick(everyone, np.full(len(everyone), first if t == 0 else 0), column)
        for t, column in enumerate(values.T)
    ]
    whole = Judged(
        *(np.stack(part, 1)[index[series], at - first] for part in zip(*(t.judged for t in ticks), strict=True))
    )
    share = np.stack([t.share for t in ticks if t.share is not None], 1)
    return Found(whole, share[index[series], at - first])


def _without_missing(df: Any, form: TableForm) -> Any:
    """Return a table without the rows or columns that hold no value at all: in a stream they say nothing."""
    if isinstance(df, pd.Series):
        return df.dropna()
    if not isinstance(df, pd.DataFrame):
        raise DataError(f"Expected a pandas DataFrame or Series, not {type(df).__name__}.")
    if form.kind == "long" and form.target_col in df.columns:
        return df[df[form.target_col].notna()]
    return df.dropna(axis=1, how="all")
