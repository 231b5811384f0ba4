"""The zone that a user names for time stamps: of offsets it makes one clock, and of local times instants."""

from __future__ import annotations

import difflib
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.panel import Bools, Integers
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

    Of a local time that comes twice in a series the first row is the first of both instants, in the order of the rows.
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
    if dates.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward").hasnans:
        first = _is_first(dates, codes)
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


def _is_first(local: pd.DatetimeIndex, codes: Integers) -> Bools:
    """Tell which rows are the first of their time in their series; of a falling order the last ones are."""
    order = np.argsort(codes, kind="stable")
    rises = np.diff(local.to_numpy()[order]).astype(np.int64)[np.diff(codes[order]) == 0]
    falling = np.count_nonzero(rises < 0) > np.count_nonzero(rises > 0)
    groups = pd.DataFrame({"series": codes, "local": local}).groupby(["series", "local"])
    return np.asarray(groups.cumcount(ascending=not falling) == 0)
