"""On which day of their month the stamps of a table lie: the first or last one, a business day, or a fixed day."""

from __future__ import annotations

from typing import Literal

import numpy as np

from tsrnn.data.grids import Stamps, show_stamps
from tsrnn.data.panel import Integers
from tsrnn.naming import some_of

Anchor = Literal["start", "end", "day", "business start", "business end"]
# In the order in which they are tried, with what their day of the month is called.
_ANCHORS: dict[Anchor, str] = {
    "start": "first day",
    "end": "last day",
    "day": "day {}",
    "business start": "first business day",
    "business end": "last business day",
}


def month_number(ds: Stamps) -> Integers:
    """Return months since January 1970."""
    return np.asarray(ds).astype("datetime64[M]").astype(np.int64)


def anchor_days(month: Integers, anchor: Anchor, day: int = 1) -> Stamps:
    """Return the anchor day of months counted from 1970-01, as datetime64[D]."""
    first = month.astype("datetime64[M]").astype("datetime64[D]")
    last = (month + 1).astype("datetime64[M]").astype("datetime64[D]") - 1
    if anchor == "business start":
        return np.asarray(np.busday_offset(first, 0, roll="forward"))
    if anchor == "business end":
        return np.asarray(np.busday_offset(last, 0, roll="backward"))
    days: Stamps = {"start": first, "end": last, "day": np.minimum(first + (day - 1), last)}[anchor]
    return days


def find_anchor(ds: Stamps) -> tuple[Anchor, int] | None:
    """Return the day of the month on which every stamp lies, or None."""
    days = np.unique(ds.astype("datetime64[D]"))
    month = month_number(days)
    day = int(_day_of_month(days).max())
    for anchor in _ANCHORS:
        if (anchor_days(month, anchor, day) == days).all():
            return anchor, day if anchor == "day" else 1
    return None


def describe_no_anchor(ds: Stamps) -> str:
    """Say which stamps do not lie where most others do, or that there is no such day."""
    days = ds.astype("datetime64[D]")
    month = month_number(days)
    day = int(np.bincount(_day_of_month(days)).argmax())
    there = {anchor: anchor_days(month, anchor, day) == days for anchor in _ANCHORS}
    best = max(_ANCHORS, key=lambda anchor: int(there[anchor].sum()))
    count = int(there[best].sum())
    if len(ds) > count > len(ds) / 2:
        others = np.unique(ds[~there[best]])
        return (
            f"{some_of(len(ds) - count, len(ds), 'time stamp', 'does', 'do')} not lie on the "
            f"{_ANCHORS[best].format(day)} of their month, as the others do: {show_stamps(others)}. Drop them where "
            "their month is not over yet, otherwise correct them."
        )
    return (
        "The time stamps are about a month or more apart, but lie neither on month starts, nor on month "
        f"ends, nor on the same day of each month, for example {show_stamps(ds)}. Put them on one day first, "
        "for example df['ds'] = df['ds'].dt.to_period('M').dt.to_timestamp()."
    )


def _day_of_month(days: Stamps) -> Integers:
    first = days.astype("datetime64[M]").astype("datetime64[D]")
    number: Integers = (days - first).astype(np.int64) + 1
    return number
