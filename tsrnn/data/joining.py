"""Put newer rows of series behind the rows that are known already."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.panel import Panel, TableForm
from tsrnn.data.times import localize
from tsrnn.errors import DataError, FrequencyError

# Rows that may be missing between what is known and what is newer, in known rows: more is a mistake.
MOST_MISSING = 10
# The most by which clocks change anywhere.
DAYLIGHT_SAVING = datetime.timedelta(hours=2)


def join_newer(known: Panel, newer: Panel) -> tuple[Panel, list[str]]:
    """Return the series of `newer`, each among its known rows where it begins after the first of them.

    Where both have a row, the newer one counts; known rows before and after the newer ones stay. A series that begins
    no later than the known one stands alone. Series that are not known are left as they are. Names are compared as
    text: a file of the series 1 and x2 calls 1 by text, one of 1 alone by a number; the known name is kept.

    Parameters
    ----------
    known, newer : Panel
        On grids of the same step.

    Returns
    -------
    panel : Panel
    notes : list of str
        How many series go on from known rows, how many of these rows are revised, kept behind the newer ones or left
        out, and how many series are new.

    Raises
    ------
    FrequencyError
        If a series does not lie on the grid of its known rows.
    DataError
        If far more rows are missing in between than are known, or time is written in another way: without a zone, as
        days of another zone, or as whole numbers.
    """
    check_same_time(known, newer)
    places = {name: place for place, name in enumerate(known.ids)}
    texts = {_as_text(name): place for place, name in enumerate(known.ids)}
    ids = newer.ids.copy()
    values, starts, counts = [], newer.start.copy(), Counter[str]()
    for i, name in enumerate(newer.ids):
        y = newer.series(i)
        place = places.get(name, texts.get(_as_text(name)))
        if place is None:
            counts["new"] += 1
            values.append(y)
            continue
        ids[i] = known.ids[place]
        past = known.series(place)
        shift = _shift(known, newer, place, i)
        later = _rows_after(len(past), shift, len(y))
        if shift > 0:
            missing = shift - len(past)
            if missing > MOST_MISSING * (len(past) + len(y)):
                raise DataError(
                    f"Series {name!s}: {missing:,} rows are missing between the {len(past):,} known ones and the "
                    "newer ones. Give the rows in between, or forecast from the file alone by fitting again."
                )
            both = past[shift : shift + len(y)]
            counts["revised"] += int((~np.isclose(both, y[: len(both)], rtol=0, atol=0, equal_nan=True)).sum())
            y = np.concatenate([past[:shift], np.full(max(missing, 0), np.nan), y, past[len(past) - later :]])
            starts[i] = known.start[place]
            counts["joined"] += 1
            counts["kept"] += later
        else:
            counts["left out"] += later
        values.append(y)
    offsets = np.concatenate([[0], np.cumsum([len(y) for y in values])]).astype(np.int64)
    form = replace(newer.form, id_dtype=_common_dtype(known.form, newer.form, bool(counts["new"])))
    panel = replace(newer, y=np.concatenate(values), offsets=offsets, start=starts, ids=ids, form=form)
    return panel, _describe(counts, newer.n_series)


def _as_text(name: Any) -> Any:
    """Return a number as the text that it has in a file beside names, and any other name as it is."""
    if isinstance(name, (bool, np.bool_)) or not isinstance(name, (int, float, np.integer, np.floating)):
        return name
    return str(int(name)) if float(name).is_integer() else str(name)


def _common_dtype(known: TableForm, newer: TableForm, has_new: bool) -> Any:
    """Return the dtype of names of both: numbers and text together are objects."""
    if known.id_dtype == newer.id_dtype or known.id_dtype is None or newer.id_dtype is None:
        return newer.id_dtype
    return np.dtype(object) if has_new else known.id_dtype


def check_same_time(known: Panel, newer: Panel) -> None:
    """Refuse stamps that are no times of the same kind: numbers with dates, instants with days, days of other places.

    Parameters
    ----------
    known, newer : Panel

    Raises
    ------
    DataError
    """
    if known.start.dtype.kind != newer.start.dtype.kind:
        raise DataError("Dates and whole numbers as time do not go together. Write time as in the fitted table.")
    _check_zones(known, newer)


def _check_zones(known: Panel, newer: Panel) -> None:
    """Refuse time stamps that cannot be compared: instants with local days, or the days of places far apart."""
    one, other = known.form, newer.form
    if one.wall_clock == other.wall_clock:
        # Instants are in UTC whatever zone they were written in.
        if not one.wall_clock and (one.zone is None) == (other.zone is None):
            return
        # Local days without a zone had several UTC offsets, of which one may come alone.
        if one.wall_clock and (one.zone is None or other.zone is None or _is_one_place(one.zone, other.zone, newer)):
            return
    raise DataError(
        f"The time stamps have {_name_zone(other)}, those of the fitted table {_name_zone(one)}. Write them in "
        "the same way."
    )


def _name_zone(form: TableForm) -> str:
    if form.zone is None:
        return "several UTC offsets" if form.wall_clock else "no time zone"
    return str(form.zone) if form.wall_clock else f"{form.zone} at several times of the day"


def _is_one_place(zone: Any, other: Any, panel: Panel) -> bool:
    """Tell whether two zones may be those of one place: the same one, or offsets that daylight saving explains."""
    if str(zone) == str(other):
        return True
    if zone.utcoffset(None) is None and other.utcoffset(None) is None:
        return False
    first = pd.DatetimeIndex(panel.start[:1])
    offsets = [localize(first, place)[0].utcoffset() for place in (zone, other)]
    return bool(abs(offsets[0] - offsets[1]) <= DAYLIGHT_SAVING)


def _describe(counts: Counter[str], n_series: int) -> list[str]:
    """Say what became of the series and of the known rows."""
    texts = {
        "joined": "{:,} of {:,} series go on from the rows that the model was fitted on.",
        "revised": "{:,} of the rows that the model was fitted on were revised.",
        "kept": "{:,} of the rows that the model was fitted on come after the newer ones and are kept; the forecast "
        "follows them.",
        "left out": "{:,} of the rows that the model was fitted on come after a series that begins no later than they "
        "do, and are left out.",
        "new": "{:,} of {:,} series are new to the model.",
    }
    return [text.format(counts[kind], n_series) for kind, text in texts.items() if counts[kind]]


def refuse_lost_rows(panel: Panel, known: Panel) -> None:
    """Refuse series that end before the known rows: an update would forget the rows after them.

    Parameters
    ----------
    panel : Panel
        From `join_newer`.
    known : Panel

    Raises
    ------
    DataError
        If known rows come after the last row of their series.
    """
    places = {name: place for place, name in enumerate(known.ids)}
    lost = {}
    for i, name in enumerate(panel.ids):
        if name in places:
            shift = _shift(known, panel, places[name], i)
            later = _rows_after(int(known.lengths[places[name]]), shift, int(panel.lengths[i]))
            if later:
                lost[str(name)] = later
    if lost:
        shown = ", ".join(f"{name} ({rows:,})" for name, rows in list(lost.items())[:5])
        raise DataError(
            f"An update would forget {sum(lost.values()):,} rows that the model was fitted on, of {len(lost):,} series "
            f"that begin no later than these rows and end before the last of them: {shown}. Give the whole table to "
            "revise its first rows, or fit again to begin afresh."
        )


def with_others(panel: Panel, known: Panel) -> Panel:
    """Return a panel with the known series that it does not have behind its own.

    Parameters
    ----------
    panel : Panel
        From `join_newer`.
    known : Panel
    """
    own = set(panel.ids)
    others = known.take(np.flatnonzero([name not in own for name in known.ids]))
    return replace(
        panel,
        y=np.concatenate([panel.y, others.y]),
        offsets=np.concatenate([panel.offsets, panel.offsets[-1] + others.offsets[1:]]),
        ids=np.concatenate([panel.ids, others.ids]),
        start=np.concatenate([panel.start, others.start]),
    )


def _rows_after(n_known: int, shift: int, n_newer: int) -> int:
    """Return how many of the known rows come after the last newer one, the first of which has row number `shift`."""
    return max(n_known - max(shift + n_newer, 0), 0)


def _shift(known: Panel, newer: Panel, place: int, i: int) -> int:
    """Return how many rows after the known series the newer one begins."""
    try:
        # The newer frequency knows the later days of a trading calendar, too.
        return int(newer.frequency.positions(newer.start[i], known.start[place]))
    except FrequencyError as error:
        raise FrequencyError(f"Series {newer.ids[i]!s} does not lie on the grid of the fitted table: {error}") from None
