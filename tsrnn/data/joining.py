"""Put newer rows of series behind the rows that are known already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tsrnn.data.panel import Panel
from tsrnn.errors import DataError, FrequencyError

# Rows that may be missing between what is known and what is newer, in known rows: more is a mistake.
MOST_MISSING = 10


def join_newer(known: Panel, newer: Panel) -> tuple[Panel, list[str]]:
    """Return the series of `newer`, each with its known rows before it where it begins after them.

    Where both have a row, the newer one counts; a series that begins no later than the known one stands alone.
    Series that are not known are left as they are.

    Parameters
    ----------
    known, newer : Panel
        On grids of the same step.

    Returns
    -------
    panel : Panel
    notes : list of str
        How many series go on from known rows, and how many are new.

    Raises
    ------
    FrequencyError
        If a series does not lie on the grid of its known rows.
    DataError
        If far more rows are missing in between than are known.
    """
    zones = [str(panel.form.zone) if panel.form.zone is not None else "no time zone" for panel in (known, newer)]
    if zones[0] != zones[1] or known.form.wall_clock != newer.form.wall_clock:
        raise DataError(
            f"The time stamps have {zones[1]}, those of the fitted table {zones[0]}. Write them in the same way."
        )
    if known.start.dtype.kind != newer.start.dtype.kind:
        raise DataError("Dates and whole numbers as time do not go together. Write time as in the fitted table.")
    places = {name: place for place, name in enumerate(known.ids)}
    values, starts, joined, new = [], newer.start.copy(), 0, 0
    for i, name in enumerate(newer.ids):
        y = newer.series(i)
        place = places.get(name)
        if place is None:
            new += 1
            values.append(y)
            continue
        past = known.series(place)
        shift = _shift(known, newer, place, i)
        if shift > 0:
            missing = shift - len(past)
            if missing > MOST_MISSING * (len(past) + len(y)):
                raise DataError(
                    f"Series {name!s}: {missing:,} rows are missing between the {len(past):,} known ones and the "
                    "newer ones. Give the rows in between, or forecast from the file alone by fitting again."
                )
            y = np.concatenate([past[:shift], np.full(max(missing, 0), np.nan), y])
            starts[i] = known.start[place]
            joined += 1
        values.append(y)
    offsets = np.concatenate([[0], np.cumsum([len(y) for y in values])]).astype(np.int64)
    panel = replace(newer, y=np.concatenate(values), offsets=offsets, start=starts)
    notes = []
    if joined:
        notes.append(f"{joined:,} of {newer.n_series:,} series go on from the rows that the model was fitted on.")
    if new:
        notes.append(f"{new:,} of {newer.n_series:,} series are new to the model.")
    return panel, notes


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


def _shift(known: Panel, newer: Panel, place: int, i: int) -> int:
    """Return how many rows after the known series the newer one begins."""
    try:
        # The newer frequency knows the later days of a trading calendar, too.
        return int(newer.frequency.positions(newer.start[i], known.start[place]))
    except FrequencyError as error:
        raise FrequencyError(f"Series {newer.ids[i]!s} does not lie on the grid of the fitted table: {error}") from None
