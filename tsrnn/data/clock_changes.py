"""Whether a day follows a clock that changes while its time stamps do not."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsrnn.data.dates import NAME_THE_ZONE
from tsrnn.data.grids import HOUR, FixedStep
from tsrnn.data.panel import Floats, Panel

# Clocks are changed in March, April, September, October and November; these months are on one side of that.
SUMMER, WINTER = (5, 6, 7, 8), (12, 1, 2)
FEWEST_DAYS = 30
# Correlation of the mean days of both halves: at the same hour at most, an hour apart at least, and how much nearer to
# 1 that is. In UTC departures from New York's three airports have .71 to .80 and .97 to .99, hires of bicycles .84 and
# .98, cars on a motorway .93 and 1.00, at most .16 times as far from 1; temperatures, whose highest comes later in
# summer by any clock, .92 to .96 and .98 to .99, at least .19 times.
SAME, MOVED, NEARER = 0.94, 0.95, 0.17
# Series that are looked at, spread over all.
MOST_SERIES = 20


def clock_advice(panel: Panel) -> list[str]:
    """Advise to name the zone where the days of most series follow a changing clock that their time stamps do not.

    Parameters
    ----------
    panel : Panel
        Whose season does not follow a zone's clock as it is.
    """
    step = panel.frequency
    if not isinstance(step, FixedStep) or step.step > HOUR or panel.form.wall_clock or not panel.n_series:
        return []
    some = np.unique(np.linspace(0, panel.n_series - 1, MOST_SERIES).round().astype(int)).tolist()
    moved = [
        follows_changing_clock(panel.series(i), step.stamps(panel.start[[i]], np.arange(panel.lengths[i])))
        for i in some
    ]
    if 2 * sum(moved) <= len(some):
        return []
    cure = f"name its zone: {NAME_THE_ZONE}"
    if panel.form.zone is None:
        cure = f"write each time with its offset, such as 2024-07-01 12:00+00:00, and {cure}"
    return [
        "Days begin an hour earlier in one half of the year, as where people change their clocks and the time stamps "
        f"do not follow: around a change the season is read an hour off. If so, {cure}."
    ]


def follows_changing_clock(y: Floats, stamps: Any) -> bool:
    """Tell whether the mean day of a series lies an hour earlier in one half of the year than in the other.

    Parameters
    ----------
    y : ndarray of shape (n,)
        NaN where nothing was observed.
    stamps : ndarray of shape (n,), datetime64
        Steps of an hour or less; of longer ones it cannot be told, nor from less than a month of either half.

    Examples
    --------
    >>> utc = np.arange("2024-01-01", "2025-01-01", dtype="datetime64[h]")
    >>> new_york = utc.astype(int) - 5 + ((utc > utc[1663]) & (utc < utc[7374]))  # 10 March to 3 November
    >>> opened = np.where((new_york % 24 > 7) & (new_york % 24 < 12), 5.0, 1.0)
    >>> follows_changing_clock(opened, utc), follows_changing_clock(opened, utc[0] + new_york - new_york[0])
    (True, False)
    """
    if not np.issubdtype(stamps.dtype, np.datetime64):
        return False
    known = np.isfinite(y)
    hour = stamps[known].astype("datetime64[h]").astype(np.int64) % 24
    month = stamps[known].astype("datetime64[M]").astype(np.int64) % 12 + 1
    days = []
    for months in (SUMMER, WINTER):
        mine = np.isin(month, months)
        count = np.bincount(hour[mine], minlength=24)
        if count.min() < FEWEST_DAYS:
            return False
        days.append(np.bincount(hour[mine], y[known][mine], 24) / count)
    summer, winter = days
    if not (np.ptp(summer) > 0 and np.ptp(winter) > 0):
        return False
    same, *moved = (float(np.corrcoef(np.roll(summer, hours), winter)[0, 1]) for hours in (0, -1, 1))
    return same < SAME and max(moved) > MOVED and 1 - max(moved) < NEARER * (1 - same)
