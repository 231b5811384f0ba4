"""How messages name things: up to five of them, and that or how many more there are."""

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
