"""How messages name and count things: up to five names, and the singular where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

MOST_NAMED = 5


def examples(names: Iterable[Any], show: Callable[[Any], str] = str, most: int = MOST_NAMED) -> str:
    """Name up to five things, or as many as are wanted, each as `show` writes it.

    >>> examples(range(7)), examples("ab", repr)
    ('0, 1, 2, 3, 4, ...', "'a', 'b'")
    """
    first = list(islice(names, most + 1))
    return ", ".join(show(name) for name in first[:most]) + (", ..." if len(first) > most else "")


def listing(names: Iterable[Any], most: int = MOST_NAMED) -> str:
    """Name up to five things, or as many as are wanted, and say how many others there are.

    >>> listing("abc", 2)
    'a, b and 1 more'
    """
    texts = [str(name) for name in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def agree(n: int, one: str, several: str | None = None) -> str:
    """Return the word, or the words, that go with a number.

    Parameters
    ----------
    n : int
    one : str
        What goes with 1.
    several : str, optional
        What goes with any other number. Default: `one` with an s, or as it is if it ends in "series".

    Examples
    --------
    >>> agree(1, "row"), agree(0, "row"), agree(2, "judged series"), agree(1, "is", "are"), agree(2, "is", "are")
    ('row', 'rows', 'judged series', 'is', 'are')
    """
    if n == 1:
        return one
    return several or (one if one.endswith("series") else f"{one}s")


def counted(n: int, one: str, several: str | None = None) -> str:
    """Write a number with what it counts; see `agree`.

    >>> counted(1, "row"), counted(1200, "row"), counted(2, "class", "classes"), f"1 of {counted(3, 'series')}"
    ('1 row', '1,200 rows', '2 classes', '1 of 3 series')
    """
    return f"{n:,} {agree(n, one, several)}"


def some_of(n: int, total: int, one: str, *verbs: str) -> str:
    """Write how many of all there are; a verb, given in the singular and the plural, goes with n.

    >>> some_of(1, 7, "row", "is", "are"), some_of(0, 1, "row", "is", "are"), some_of(1, 1, "row")
    ('1 of 7 rows is', '0 of 1 rows are', '1 of 1 row')
    """
    noun = one if n == total == 1 else agree(2, one)
    return " ".join([f"{n:,} of {total:,} {noun}", *([agree(n, *verbs)] if verbs else [])])
