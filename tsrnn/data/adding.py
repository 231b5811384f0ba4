"""Add rows to a panel: all of its series stay, and new ones stand behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tsrnn.data.coarse_steps import refuse_coarser_rows
from tsrnn.data.grids import IntegerStep, show_stamps
from tsrnn.data.panel import Integers, Panel, TableForm, as_names
from tsrnn.data.placing import (
    NewerRows,
    check_same_time,
    joined_dtype,
    on_grid,
    place_rows,
    with_rows,
    with_value_notes,
)
from tsrnn.data.tables import warn_of_empty
from tsrnn.errors import DataError
from tsrnn.naming import counted, examples


@dataclass(frozen=True)
class Added:
    """What became of rows that were added.

    Parameters
    ----------
    panel : Panel
        The known and the new rows.
    is_later : bool
        No known series has a new row at or before the end of its known ones.
    notes : tuple of str
        How many known values were replaced, and which series are new.
    """

    panel: Panel
    is_later: bool
    notes: tuple[str, ...]


def add_rows(known: Panel, newer: Panel) -> Added:
    """Return the known panel with the rows of another; what lies between is missing.

    Series are matched by their names. From the first to the last row that `newer` has of a series its rows count, also
    those without a value; known rows before and after stay. A series without any value there can only become longer.

    Parameters
    ----------
    known : Panel
    newer : Panel
        Read with the step of `known`, as `more` rows.

    Raises
    ------
    FrequencyError
        If a series does not lie on the grid of its known rows, or surely has a coarser step.
    DataError
        If time is of another kind, the series cannot be matched, or integer time starts again.
    """
    check_same_time(known, newer)
    refuse_coarser_rows(known, newer)
    newer = _named_as_known(known, newer)
    past = on_grid(known, newer.frequency)
    parts = place_rows(known, newer, past)
    new = np.flatnonzero([not part.is_known for part in parts])
    _check_names(known, [newer.ids[i] for i in new])
    values, starts, changed = past, known.start.copy(), dict[Any, int]()
    for i, part in enumerate(parts):
        if part.is_known:
            _refuse_restart(known, newer, part, i)
            values[part.place] = part.joined()
            if part.n_before:
                starts[part.place] = newer.start[i]
            replaced = int(np.count_nonzero(part.changed() & np.isfinite(part.past)))
            if replaced:
                changed[newer.ids[i]] = replaced
    ids = as_names([*known.ids, *newer.ids[new]])
    panel = with_rows(
        known, [*values, *(parts[i].y for i in new)], ids, np.concatenate([starts, newer.start[new]]), newer.frequency
    )
    panel = replace(with_value_notes(panel, known), form=_joined_form(known, newer, ids))
    _warn_of_empty(newer, new, panel)
    is_later = all(part.is_later for part in parts if part.is_known)
    return Added(panel, is_later, (*_replaced_notes(changed), *_new_notes(ids[known.n_series :].tolist())))


def _named_as_known(known: Panel, newer: Panel) -> Panel:
    """Return the newer panel with the known name where one Series goes on from one series, and either has no name."""
    unnamed = [panel for panel in (known, newer) if panel.form.kind == "series" and panel.form.target_col is None]
    if not unnamed or newer.form.kind != "series":
        return newer
    # A Series without a name is read as "y", which one of several series may happen to be called.
    if newer.form.target_col is not None and newer.ids[0] in known.ids:
        return newer
    if known.n_series == 1:
        return replace(newer, ids=known.ids)
    raise DataError(
        f"The Series has no name, but the model was fitted on {counted(known.n_series, 'series')}: "
        f"{examples(known.ids)}. Name the one that it belongs to, for example series.rename({known.ids[0]!r})."
    )


def _check_names(known: Panel, names: Sequence[Any]) -> None:
    """Refuse new names that look like known ones, such as "1" where the number 1 is known."""
    if not names:
        return
    texts = {str(name): name for name in known.ids}
    alike = [name for name in names if str(name) in texts]
    if alike:
        one, other = texts[str(alike[0])], alike[0]
        raise DataError(
            f"{len(alike):,} of the series that would be new have the name of a fitted one in another type, for "
            f"example {other!r} ({type(other).__name__}), not {one!r} ({type(one).__name__}). Name them as in the "
            "fitted table."
        )


def _refuse_restart(known: Panel, newer: Panel, part: NewerRows, i: int) -> None:
    """Refuse whole numbers that begin anew: such rows are more likely to be later ones than those of the same number.

    Calendar years are no mere positions.
    """
    frequency, at = known.frequency, part.place
    if not isinstance(frequency, IntegerStep) or frequency.years or part.shift > 0 or not part.n_after:
        return
    first, last = (
        [show_stamps(panel.frequency.stamps(panel.start[k], [rows])) for rows in (0, panel.lengths[k] - 1)]
        for panel, k in ((newer, i), (known, at))
    )
    following = int(frequency.stamps(known.start[at], known.lengths[at]))
    raise DataError(
        f"Series {newer.ids[i]!s}: the rows are numbered {first[0]} to {first[1]}, as if they were among the fitted "
        f"ones, {last[0]} to {last[1]}. Number later rows from {following} on; to replace the fitted rows, give all of "
        "them, or fit again."
    )


def _joined_form(known: Panel, newer: Panel, ids: npt.NDArray[Any]) -> TableForm:
    """Return the form of answers about all series: a Series cannot hold several, a type of names not all of them."""
    form = known.form
    if len(ids) == known.n_series:
        return form
    if form.kind == "series":
        return replace(form, kind="wide")
    return form if form.id_dtype is None else replace(form, id_dtype=joined_dtype(known, newer))


def _warn_of_empty(newer: Panel, new: Integers, panel: Panel) -> None:
    empty = [newer.ids[i] for i in new.tolist() if not np.isfinite(newer.series(i)).any()]
    if empty:
        warn_of_empty(empty, panel.n_series)


def _replaced_notes(changed: dict[Any, int]) -> list[str]:
    if not changed:
        return []
    those, names = counted(sum(changed.values()), "fitted value was", "fitted values were"), list(changed)
    return [f"{those} replaced by the update, of {counted(len(names), 'series')}: {examples(names)}."]


def _new_notes(names: Sequence[Any]) -> list[str]:
    if not len(names):
        return []
    return [f"{counted(len(names), 'series is', 'series are')} new since the fit: {examples(names)}."]
