"""Add the rows of a later table to a panel: behind the known ones, and in their place where both have a row."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.grids import Frequency, IntegerStep, show_stamps
from tsrnn.data.joining import check_same_time
from tsrnn.data.panel import Floats, Integers, Panel, TableForm
from tsrnn.data.tables import EMPTY_WARNING, show_names, value_notes
from tsrnn.errors import DataError, FrequencyError


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
        If a series does not lie on the grid of its known rows.
    DataError
        If time is of another kind, the series cannot be matched, or integer time starts again.
    """
    check_same_time(known, newer)
    newer = _named_as_known(known, newer)
    place = {name: i for i, name in enumerate(known.ids)}
    old = np.array([place.get(name, -1) for name in newer.ids], dtype=np.int64)
    new = np.flatnonzero(old < 0)
    _check_names(known, [newer.ids[i] for i in new])
    parts, starts = _on_grid(known, newer.frequency), known.start.copy()
    both = np.flatnonzero(old >= 0)
    shift = _shifts(known, newer, old[both], both)
    is_later, changed = True, dict[Any, int]()
    for i, at, rows in zip(both.tolist(), old[both].tolist(), shift.tolist(), strict=True):
        y, past = newer.series(i), parts[at]
        is_empty = not np.isfinite(y).any()
        is_later &= rows >= len(past) or is_empty
        if rows <= 0 and rows + len(y) < len(past):
            _refuse_restart(known, newer, at, i)
        parts[at], count = _overlay(past, y, rows, is_empty)
        if count:
            changed[newer.ids[i]] = count
        if rows < 0 and not is_empty:
            starts[at] = newer.start[i]
    parts += [newer.series(i) for i in new.tolist()]
    ids = np.empty(len(parts), dtype=object)
    ids[:] = [*known.ids, *(newer.ids[i] for i in new)]
    panel = replace(
        known,
        y=np.concatenate(parts),
        offsets=np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64),
        ids=ids,
        start=np.concatenate([starts, newer.start[new]]),
        frequency=newer.frequency,
        form=_joined_form(known, newer, ids),
    )
    stale = value_notes(known)
    panel = replace(panel, notes=(*(note for note in known.notes if note not in stale), *value_notes(panel)))
    _warn_of_empty(newer, new, panel)
    return Added(panel, is_later, (*_replaced_notes(changed), *_new_notes(ids[known.n_series :].tolist())))


def _overlay(past: Floats, y: Floats, shift: int, is_empty: bool) -> tuple[Floats, int]:
    """Return one series with new rows that begin `shift` rows after its own first, and how many values changed."""
    if is_empty:
        # Nothing is told of known rows by rows that are empty throughout: those of a series that a wide table lacks.
        return np.concatenate([past, np.full(max(shift + len(y) - len(past), 0), np.nan)]), 0
    first, end = min(shift, 0), max(shift + len(y), len(past))
    joined = np.full(end - first, np.nan)
    joined[-first : len(past) - first] = past
    before = joined[-first : len(past) - first].copy()
    joined[shift - first : shift - first + len(y)] = y
    after = joined[-first : len(past) - first]
    return joined, int(np.count_nonzero((before != after) & np.isfinite(before)))


def _on_grid(known: Panel, frequency: Frequency) -> list[Floats]:
    """Return the values of each known series on the grid of a frequency, which may know more trading days."""
    if frequency == known.frequency:
        return [known.series(i) for i in range(known.n_series)]
    parts = []
    for i in range(known.n_series):
        stamps = known.frequency.stamps(known.start[i], np.arange(known.lengths[i]))
        rows = frequency.positions(stamps, known.start[i])
        part = np.full(int(rows.max(initial=-1)) + 1, np.nan)
        part[rows] = known.series(i)
        parts.append(part)
    return parts


def _shifts(known: Panel, newer: Panel, old: Integers, both: Integers) -> Integers:
    """Return how many rows after its first known row each series of both tables begins in the newer one."""
    try:
        return newer.frequency.positions(newer.start[both], known.start[old], fitted=True)
    except FrequencyError as error:
        raise FrequencyError(f"The series do not go on in the step of the fitted rows: {error}") from None


def _named_as_known(known: Panel, newer: Panel) -> Panel:
    """Return the newer panel with the known name where one Series goes on from one series, and either has no name."""
    unnamed = [panel for panel in (known, newer) if panel.form.kind == "series" and panel.form.target_col is None]
    if not unnamed or newer.form.kind != "series" or newer.ids[0] in known.ids:
        return newer
    if known.n_series == 1:
        return replace(newer, ids=known.ids)
    raise DataError(
        f"The Series has no name, but the model was fitted on {known.n_series:,} series: "
        f"{show_names(list(known.ids))}. Name the one that it belongs to, for example series.rename({known.ids[0]!r})."
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


def _refuse_restart(known: Panel, newer: Panel, at: int, i: int) -> None:
    """Refuse whole numbers that begin anew: such rows are more likely to be later ones than those of the same number.

    Calendar years are no mere positions.
    """
    frequency = known.frequency
    if not isinstance(frequency, IntegerStep) or frequency.years:
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
    return form if form.id_dtype is None else replace(form, id_dtype=_joined_dtype(known, newer))


def _joined_dtype(known: Panel, newer: Panel) -> Any:
    dtypes = [
        pd.Series(list(panel.ids)).dtype if panel.form.id_dtype is None else panel.form.id_dtype
        for panel in (known, newer)
    ]
    first, second = dtypes
    if isinstance(first, pd.CategoricalDtype) and isinstance(second, pd.CategoricalDtype):
        more = second.categories.difference(first.categories, sort=False)
        if not len(more):
            return first
        # Nobody has said where in an order the new ones stand.
        return pd.CategoricalDtype([*first.categories, *more])
    return pd.concat([pd.Series(list(p.ids), dtype=d) for p, d in zip((known, newer), dtypes, strict=True)]).dtype


def _warn_of_empty(newer: Panel, new: Integers, panel: Panel) -> None:
    empty = [newer.ids[i] for i in new.tolist() if not np.isfinite(newer.series(i)).any()]
    if empty:
        message = EMPTY_WARNING.format(count=len(empty), total=panel.n_series, names=show_names(empty))
        warnings.warn(message, UserWarning, stacklevel=4)


def _replaced_notes(changed: dict[Any, int]) -> list[str]:
    if not changed:
        return []
    total, names = sum(changed.values()), list(changed)
    what = "value was" if total == 1 else "values were"
    return [f"{total:,} fitted {what} replaced by the update, of {len(names):,} series: {show_names(names)}."]


def _new_notes(names: Sequence[Any]) -> list[str]:
    if not len(names):
        return []
    return [f"{len(names):,} series {'is' if len(names) == 1 else 'are'} new since the fit: {show_names(names)}."]
