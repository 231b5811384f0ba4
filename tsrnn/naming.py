"""How messages name things: up to five of them, and a sign that there are more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

MOST_NAMED = 5


def examples(names: Iterable[Any], show: Callable[[Any], str] = str) -> str:
    """Name up to five things, each as `show` writes it.

    >>> examples(range(7)), examples("ab", repr)
    ('0, 1, 2, 3, 4, ...', "'a', 'b'")
    """
    first = list(islice(names, MOST_NAMED + 1))
    return ", ".join(show(name) for name in first[:MOST_NAMED]) + (", ..." if len(first) > MOST_NAMED else "")
