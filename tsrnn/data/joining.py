"""Put the rows of a later table among the known ones: behind them, and in their place where both have a row."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.grids import Frequency, IntegerStep, Stamps, show_stamps
from tsrnn.data.panel import Bools, Floats, Integers, Panel, TableForm
from tsrnn.data.tables import EMPTY_WARNING, report_empty, show_names, value_notes
from tsrnn.data.times import check_same_time
from tsrnn.errors import DataError, FrequencyError

# Rows that may be missing between what is known and what a file holds, in rows that there are: more is a mistake.
MOST_MISSING = 10

# How a file may write a number, such as 1.10; with zeros before it, as in 007, it is a name.
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


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


@dataclass(frozen=True)
class _Part:
    """The newer rows of one series, and where they lie among its known ones.

    Parameters
    ----------
    place : int
        Number of the known series; -1 for a series that is not known.
    past : float64 ndarray of shape (n_known,)
        The known values, on the grid of the newer ones.
    shift : int
        How many rows after the first known row the newer ones begin.
    y : float64 ndarray of shape (n_newer,)
        The newer values.
    """

    place: int
    past: Floats
    shift: int
    y: Floats

    @property
    def is_known(self) -> bool:
        return self.place >= 0

    @property
    def is_empty(self) -> bool:
        return not np.isfinite(self.y).any()

    @property
    def is_later(self) -> bool:
        """No newer row tells of a time at or before the end of the known ones."""
        return self.shift >= len(self.past) or self.is_empty

    @property
    def n_after(self) -> int:
        """How many known rows come after the last newer one."""
        return max(len(self.past) - max(self.shift + len(self.y), 0), 0)

    @property
    def n_before(self) -> int:
        """How many newer rows come before the first known one."""
        # Nothing is told of known rows by rows that are empty throughout: those of a series that a wide table lacks.
        return 0 if self.is_empty else max(-self.shift, 0)

    def joined(self) -> Floats:
        """Return the known values with the newer ones in their places; what lies between is missing."""
        values = np.full(self.n_before + max(self.shift + len(self.y), len(self.past)), np.nan)
        values[self.n_before : self.n_before + len(self.past)] = self.past
        if not self.is_empty:
            first = self.n_before + self.shift
            values[first : first + len(self.y)] = self.y
        return values

    def changed(self) -> Bools:
        """Return which of the known rows get another value, or lose theirs, or get one. Shape (n_known,)."""
        after = self.joined()[self.n_before : self.n_before + len(self.past)]
        changed: Bools = (self.past != after) & (np.isfinite(self.past) | np.isfinite(after))
        return changed


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
    past = _on_grid(known, newer.frequency)
    parts = _place(known, newer, past)
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
    ids = _names([*known.ids, *newer.ids[new]])
    panel = _with_rows(
        known, [*values, *(parts[i].y for i in new)], ids, np.concatenate([starts, newer.start[new]]), newer.frequency
    )
    panel = replace(_with_value_notes(panel, known), form=_joined_form(known, newer, ids))
    _warn_of_empty(newer, new, panel)
    is_later = all(part.is_later for part in parts if part.is_known)
    return Added(panel, is_later, (*_replaced_notes(changed), *_new_notes(ids[known.n_series :].tolist())))


def join_newer(known: Panel, newer: Panel) -> tuple[Panel, list[str]]:
    """Return the series of `newer`, each among its known rows where it begins after the first of them.

    Rows are put together as `add_rows` does, but a series that begins no later than the known one stands alone: a file
    may hold the whole of it, or its beginning to forecast from there. Series that are not known are left as they are.
    A warning names those without any value, known or newer.
    Names are compared as text: a file of the series 1 and x2 calls 1 by text, one of 1 alone by a number; the known
    name is kept. True, a day and 1.1 are also known by the texts true, 2024-01-01 and 1.10.

    Parameters
    ----------
    known, newer : Panel
        On grids of the same step.

    Returns
    -------
    panel : Panel
        Its notes are those of `newer`, with what is missing at the ends of the joined series.
    notes : list of str
        How many series go on from known rows, how many of these rows are revised, kept behind the newer ones or left
        out, and how many series are new.

    Raises
    ------
    FrequencyError
        If a series does not lie on the grid of its known rows.
    DataError
        If far more rows are missing in between than are known, or time is written in another way: without a zone, as
        days of another zone, or as whole numbers; or if no series has any value.
    """
    check_same_time(known, newer)
    named = replace(newer, ids=_known_names(known, newer))
    values, starts, counts = [], newer.start.copy(), Counter[str]()
    for i, part in enumerate(_place(known, named, _on_grid(known, newer.frequency))):
        if not part.is_known:
            counts["new"] += 1
            values.append(part.y)
        elif part.shift <= 0 and not part.is_empty:
            counts["left out"] += part.n_after
            values.append(part.y)
        else:
            _check_gap(newer.ids[i], part)
            counts["joined"] += 1
            counts["revised"] += int(np.count_nonzero(part.changed()))
            counts["kept"] += part.n_after
            values.append(part.joined())
            starts[i] = known.start[part.place]
    form = newer.form
    if known.form.id_dtype is not None and form.id_dtype is not None:
        form = replace(form, id_dtype=_joined_dtype(known, newer) if counts["new"] else known.form.id_dtype)
    panel = replace(_with_rows(newer, values, named.ids, starts, newer.frequency), form=form)
    report_empty(panel)
    return _with_value_notes(panel, newer), _describe(counts, newer.n_series)


def _place(known: Panel, newer: Panel, past: Sequence[Floats]) -> list[_Part]:
    """Find the known rows of each newer series, of the values `past`; names are compared as they are."""
    numbers = {name: i for i, name in enumerate(known.ids)}
    place = np.array([numbers.get(name, -1) for name in newer.ids], dtype=np.int64)
    both = np.flatnonzero(place >= 0)
    shift = np.zeros(len(place), dtype=np.int64)
    shift[both] = _shifts(known, newer, place[both], both)
    nothing = np.empty(0)
    return [
        _Part(at, past[at] if at >= 0 else nothing, rows, newer.series(i))
        for i, (at, rows) in enumerate(zip(place.tolist(), shift.tolist(), strict=True))
    ]


def _shifts(known: Panel, newer: Panel, place: Integers, both: Integers) -> Integers:
    """Return how many rows after its first known row each series of both tables begins in the newer one."""
    try:
        # The newer frequency knows the later days of a trading calendar, too.
        return newer.frequency.positions(newer.start[both], known.start[place], fitted=True)
    except FrequencyError as error:
        off = next(i for i, at in zip(both, place, strict=True) if not _is_on_grid(newer, i, known.start[at]))
        raise FrequencyError(
            f"Series {newer.ids[off]!s} does not lie on the grid of the fitted table: its rows do not go on in the "
            f"step of the fitted rows: {error}"
        ) from None


def _is_on_grid(newer: Panel, i: int, start: Any) -> bool:
    try:
        newer.frequency.positions(newer.start[i], start)
    except FrequencyError:
        return False
    return True


def _with_rows(panel: Panel, values: Sequence[Floats], ids: Any, start: Stamps, frequency: Frequency) -> Panel:
    """Return a panel with other series, of the values and the first stamps given."""
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in values])]).astype(np.int64)
    return replace(panel, y=np.concatenate(values), offsets=offsets, ids=ids, start=start, frequency=frequency)


def _with_value_notes(panel: Panel, before: Panel) -> Panel:
    """Return a panel with notes on what is missing now, in place of those on what was missing before."""
    stale = value_notes(before)
    return replace(panel, notes=(*(note for note in before.notes if note not in stale), *value_notes(panel)))


def _names(names: Sequence[Any]) -> npt.NDArray[Any]:
    ids = np.empty(len(names), dtype=object)
    # Names may be tuples.
    ids[:] = names
    return ids


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


def _check_gap(name: Any, part: _Part) -> None:
    """Refuse rows that are missing in far larger numbers than there are any: one of the stamps is wrong."""
    missing = part.shift - len(part.past)
    if missing > MOST_MISSING * (len(part.past) + len(part.y)):
        raise DataError(
            f"Series {name!s}: {missing:,} rows are missing between the {len(part.past):,} known ones and the newer "
            "ones. Give the rows in between, or forecast from the file alone by fitting again."
        )


def _known_names(known: Panel, newer: Panel) -> npt.NDArray[Any]:
    """Return the names of the newer series, those that are known as they are known; compared as text."""
    texts = {str(name): name for name in known.ids}
    others = dict[str, list[Any]]()
    for name in known.ids:
        for text in _spellings(name):
            others.setdefault(text, []).append(name)
    numbers = {float(name): name for name in known.ids if isinstance(name, (float, np.floating))}
    found = [_known_name(name, texts, others, numbers) for name in newer.ids]
    first = dict[Any, Any]()
    for name, meant in zip(newer.ids, found, strict=True):
        other = first.setdefault(meant, name)
        if other is not name:
            raise DataError(
                f"The series {other!r} and {name!r} both have the name of the fitted series {meant!r}. Give one of "
                "them another name, or put their rows under one name."
            )
    return _names(found)


def _known_name(name: Any, texts: dict[str, Any], others: dict[str, list[Any]], numbers: dict[float, Any]) -> Any:
    """Return the known name that a newer one means, or itself if it is new.

    Its own text comes first, then another way to write either of the two, then the number that its text is.

    Parameters
    ----------
    name : object
    texts : dict
        The known names by their own text.
    others : dict
        Those that can be written so, by each of their spellings.
    numbers : dict
        Those that are numbers of floating point, by their values.
    """
    if str(name) in texts:
        return texts[str(name)]
    meant = list(dict.fromkeys(other for text in _spellings(name) for other in others.get(text, ())))
    if len(meant) > 1:
        raise DataError(
            f"The series {name!r} has the name of {len(meant):,} fitted series, for example {meant[0]!r} and "
            f"{meant[1]!r}. Write it as one of them is written in full: {str(meant[0])!r} or {str(meant[1])!r}."
        )
    if not meant and isinstance(name, str) and _NUMBER.fullmatch(name):
        return numbers.get(float(name), name)
    return meant[0] if meant else name


def _spellings(name: Any) -> tuple[str, ...]:
    """Return the texts by which a file may have a name.

    >>> _spellings(1.0), _spellings(True), _spellings(pd.Timestamp("2024-01-01"))
    (('1.0', '1'), ('True', 'true', 'TRUE'), ('2024-01-01 00:00:00', '2024-01-01'))
    """
    text = str(name)
    if isinstance(name, (float, np.floating)) and float(name).is_integer():
        return text, str(int(name))
    if isinstance(name, (bool, np.bool_)):
        return text, text.lower(), text.upper()
    if isinstance(name, pd.Timestamp) and name == name.normalize():
        return text, str(name.date())
    return (text,)


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


def _refuse_restart(known: Panel, newer: Panel, part: _Part, i: int) -> None:
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
    lost = {
        str(name): part.n_after
        for name, part in zip(panel.ids, _place(known, panel, _on_grid(known, panel.frequency)), strict=True)
        if part.n_after
    }
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
    other = np.flatnonzero([name not in own for name in known.ids])
    past = _on_grid(known, panel.frequency)
    values = [*(panel.series(i) for i in range(panel.n_series)), *(past[i] for i in other)]
    start = np.concatenate([panel.start, known.start[other]])
    return _with_rows(panel, values, _names([*panel.ids, *known.ids[other]]), start, panel.frequency)
