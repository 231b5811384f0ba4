"""Let the series of a newer table go on from the known rows of theirs: only what is in that table is forecast."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.coarse_steps import refuse_coarser_rows
from tsrnn.data.panel import Panel, as_names
from tsrnn.data.placing import (
    NewerRows,
    check_same_time,
    joined_dtype,
    on_grid,
    place_rows,
    with_rows,
    with_value_notes,
)
from tsrnn.data.tables import report_empty
from tsrnn.errors import DataError
from tsrnn.naming import agree, counted, some_of

# Rows that may be missing between what is known and what a file holds, in rows that there are: more is a mistake.
MOST_MISSING = 10

# How a file may write a number, such as 1.10; with zeros before it, as in 007, it is a name.
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


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
        If a series does not lie on the grid of its known rows, or surely has a coarser step.
    DataError
        If far more rows are missing in between than are known, or time is written in another way: without a zone, as
        days of another zone, or as whole numbers; or if no series has any value.
    """
    check_same_time(known, newer)
    refuse_coarser_rows(known, newer)
    named = replace(newer, ids=_known_names(known, newer))
    values, starts, counts = [], newer.start.copy(), Counter[str]()
    for i, part in enumerate(place_rows(known, named, on_grid(known, newer.frequency))):
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
        form = replace(form, id_dtype=joined_dtype(known, newer) if counts["new"] else known.form.id_dtype)
    panel = replace(with_rows(newer, values, named.ids, starts, newer.frequency), form=form)
    report_empty(panel)
    return with_value_notes(panel, newer), _describe(counts, newer.n_series)


def _check_gap(name: Any, part: NewerRows) -> None:
    """Refuse rows that are missing in far larger numbers than there are any: one of the stamps is wrong."""
    missing = part.shift - len(part.past)
    if missing > MOST_MISSING * (len(part.past) + len(part.y)):
        raise DataError(
            f"Series {name!s}: {counted(missing, 'row is', 'rows are')} missing between the {len(part.past):,} known "
            "ones and the newer ones. Give the rows in between, or forecast from the file alone by fitting again."
        )


def _describe(counts: Counter[str], n_series: int) -> list[str]:
    """Say what became of the series and of the known rows."""
    that = "that the model was fitted on"

    def rows(kind: str, one: str, several: str) -> str:
        return f"{counts[kind]:,} of the rows {that} {agree(counts[kind], one, several)}"

    texts = {
        "joined": f"{some_of(counts['joined'], n_series, 'series', 'goes', 'go')} on from the rows {that}.",
        "revised": f"{rows('revised', 'was', 'were')} revised.",
        "kept": rows(
            "kept",
            "comes after the newer ones and is kept; the forecast follows it.",
            "come after the newer ones and are kept; the forecast follows them.",
        ),
        "left out": rows(
            "left out",
            "comes after a series that begins no later than it does, and is left out.",
            "come after a series that begins no later than they do, and are left out.",
        ),
        "new": f"{some_of(counts['new'], n_series, 'series', 'is', 'are')} new to the model.",
    }
    return [text for kind, text in texts.items() if counts[kind]]


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
        for name, part in zip(panel.ids, place_rows(known, panel, on_grid(known, panel.frequency)), strict=True)
        if part.n_after
    }
    if lost:
        shown = ", ".join(f"{name} ({rows:,})" for name, rows in list(lost.items())[:5])
        raise DataError(
            f"An update would forget {counted(sum(lost.values()), 'row')} that the model was fitted on, of "
            f"{counted(len(lost), 'series')} that begin no later than these rows and end before the last of them: "
            f"{shown}. Give the whole table to revise its first rows, or fit again to begin afresh."
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
    past = on_grid(known, panel.frequency)
    values = [*(panel.series(i) for i in range(panel.n_series)), *(past[i] for i in other)]
    start = np.concatenate([panel.start, known.start[other]])
    return with_rows(panel, values, as_names([*panel.ids, *known.ids[other]]), start, panel.frequency)


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
    return as_names(found)


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
