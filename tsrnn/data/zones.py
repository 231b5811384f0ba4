"""The zone that a user names for time stamps: of offsets it makes one clock, and of local times instants."""

from __future__ import annotations

import difflib
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.panel import Bools, Floats, Integers
from tsrnn.errors import DataError, ParameterError

MOST_MATCHES = 3


def check_zone(name: Any) -> None:
    """Raise ParameterError, with names that are near, unless a zone of this name is known.

    >>> check_zone("Europe/Berlin")
    >>> check_zone("berlin")
    Traceback (most recent call last):
    ...
    tsrnn.errors.ParameterError: time_zone='berlin' is not known; did you mean Europe/Berlin?
    """
    known = zoneinfo.available_timezones()
    if isinstance(name, str) and name in known:
        return
    near = _near(str(name), sorted(known))
    hint = f"did you mean {' or '.join(near)}?" if near else "expected a name such as Europe/Berlin or UTC."
    raise ParameterError(f"time_zone={name!r} is not known; {hint}")


def _near(name: str, known: list[str]) -> list[str]:
    """Return the names that differ in little, or in what stands before the place."""
    asked = name.strip().lower().replace(" ", "_")
    by_place: dict[str, list[str]] = {}
    for zone in known:
        for text in {zone.lower(), zone.lower().rpartition("/")[2]}:
            by_place.setdefault(text, []).append(zone)
    alike = [asked] if asked in by_place else difflib.get_close_matches(asked, by_place, MOST_MATCHES, 0.75)
    return list(dict.fromkeys(zone for text in alike for zone in by_place[text]))[:MOST_MATCHES]


def in_zone(dates: pd.DatetimeIndex, zone: str, codes: Integers | None) -> pd.DatetimeIndex:
    """Return time stamps in a zone: instants are converted, and those without a zone are its local times.

    Of a local time that comes twice the first row of a series is the first of both instants, in the order of the rows;
    of one that has a row once, too, unless it follows one that is no earlier, or only the second keeps the usual step.
    One that the clocks leave out lies after the jump, as a midnight may, but never where there is another row.

    Parameters
    ----------
    dates : DatetimeIndex of shape (n_rows,)
    zone : str
        A known one.
    codes : int64 ndarray of shape (n_rows,), optional
        The series of each row; without it, all are of one.

    Raises
    ------
    DataError
        If a local time is left out by the clocks and the one after the jump has a row, too.

    Examples
    --------
    >>> local = pd.DatetimeIndex(["2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"])
    >>> in_zone(local, "Europe/Berlin", None).tz_convert("UTC").hour.tolist()
    [0, 1, 2]
    """
    if dates.tz is not None:
        return dates.tz_convert(zone)
    codes = np.zeros(len(dates), np.int64) if codes is None else codes
    first = np.ones(len(dates), np.bool_)
    doubled = dates.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward").isna()
    if doubled.any():
        first = _is_first(dates, codes, zone, doubled)
    placed = dates.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    left_out = dates.tz_localize(zone, ambiguous=first, nonexistent="NaT").isna()
    if left_out.any():
        rows = pd.MultiIndex.from_arrays([codes, placed])
        at = np.flatnonzero(left_out & rows.isin(rows[~left_out]))
        if len(at):
            raise DataError(
                f"{dates[at[0]]} is no local time of {zone}, where clocks leave it out. Name the zone whose clock the "
                "time stamps follow: UTC, or Etc/GMT-1 for one hour ahead of it throughout the year."
            )
    return placed


def _is_first(local: pd.DatetimeIndex, codes: Integers, zone: str, doubled: Bools) -> Bools:
    """Tell which rows lie before the clocks go back, of those whose local time comes twice; the others do, too.

    In the order of the rows, of a falling order from below, those of a series are later from where their times go back,
    or where only so the step from the row before is the usual one.
    """
    order = np.argsort(codes, kind="stable")
    moves = np.sign(_steps(local, codes, order[~doubled[order]]))
    total = np.nansum(moves)
    order = order[::-1] if total < 0 else order
    at, steps = order[doubled[order]], _steps(local, codes, order)
    before, after = (local[at].tz_localize(zone, ambiguous=np.full(len(at), dst)).asi8 for dst in (True, False))
    rows = pd.DataFrame({"series": codes[at], "day": local[at].normalize(), "time": local[at].asi8})
    back = rows.groupby(["series", "day"])["time"].diff() <= 0
    known = steps[~np.isnan(steps)]
    if len(known):
        back |= steps[doubled[order]] + after - before == np.median(known)
    later = back.groupby([rows["series"], rows["day"]]).cummax()
    if abs(total) < np.count_nonzero(~np.isnan(moves)) or rows.assign(later=later).duplicated().any():
        # Rows are not in the order of the instants but, for example, in that of the local times.
        later = rows.groupby(["series", "time"]).cumcount() > 0
    first = np.ones(len(local), np.bool_)
    first[at] = ~later
    return first


def _steps(local: pd.DatetimeIndex, codes: Integers, order: Integers) -> Floats:
    """Return the steps from row to row in an order by series; NaN in the first row of each."""
    steps: Floats = np.diff(local.asi8[order], prepend=0).astype(np.float64)
    steps[np.diff(codes[order], prepend=-1) != 0] = np.nan
    return steps
