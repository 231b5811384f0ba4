"""What a user should know of the histories that networks forecast from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tsrnn.data.coarse_steps import find_coarse_steps, step_notes
from tsrnn.naming import agree, counted, examples, some_of

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel


def history_notes(panel: Panel, most: int) -> list[str]:
    """Say which series are short, end without values (in more than `most` rows or fewer), or have a coarser step."""
    steps = step_notes(find_coarse_steps(panel.y, panel.offsets), panel.ids, panel.frequency)
    return [*_short_notes(panel), *_missing_end_notes(panel, most), *steps]


def _short_notes(panel: Panel) -> list[str]:
    """Say which series have less history than two seasons, so that their own season cannot be told from chance."""
    fewest = max(2 * panel.season_length, 3)
    short = np.flatnonzero((panel.n_observed > 0) & (panel.n_observed < fewest))
    if not len(short):
        return []
    names = examples(panel.ids[short])
    what = f"two seasons ({fewest} observed rows)" if panel.season_length > 1 else f"{fewest} observed rows"
    notes = [
        f"{some_of(len(short), panel.n_series, 'series', 'has', 'have')} less history than {what}: {names}. Their "
        "forecasts rest mostly on what the network has learnt."
    ]
    # Equal values tell no scale that the network could forecast in.
    level = [index for index in short if np.ptp((y := panel.series(int(index)))[np.isfinite(y)]) == 0]
    if level:
        notes.append(
            f"{len(level):,} of these {agree(len(level), 'holds', 'hold')} one value alone: "
            f"{examples(panel.ids[level])}. That value is the forecast, and intervals around it have no width, which "
            "says nothing of what is likely."
        )
    return notes


def _missing_end_notes(panel: Panel, most: int) -> list[str]:
    missing = panel.missing_before(panel.last_cutoffs())
    notes = []
    for those, told in (
        ((missing > 0) & (missing <= most), "Their forecasts go on from the last value that is there"),
        (
            missing > most,
            f"Beyond {most} rows these are read as what is missing, and forecasts go on from the last row",
        ),
    ):
        ids = list(panel.ids[those])
        if ids:
            rows = f"up to {counted(missing[those].max(), 'row')}"
            notes.append(
                f"{some_of(len(ids), panel.n_series, 'series', 'ends', 'end')} without values ({rows}): "
                f"{examples(ids)}. {told}."
            )
    return notes
