"""How far a long call has come, told to whoever listens.

The listener is bound to the context, not handed from function to function: models are cloned, sent to processes and
nested in ensembles, and none of them needs to know who wants to hear. Where nobody listens, telling costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[float], None]

_listener: ContextVar[Listener | None] = ContextVar("tsrnn_progress", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let a function be told, within the context, which share of the work is done: from 0 to 1.

    >>> told = []
    >>> with listening(told.append), part(0.5, 1.0):
    ...     tell(0.5)
    >>> told
    [0.5, 0.75, 1.0]
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def part(begin: float, end: float) -> Iterator[None]:
    """Let what is told within the context count as the work from `begin` to `end` of what surrounds it."""
    outer = _listener.get()
    if outer is None:
        yield
        return
    outer(begin)
    with listening(lambda share: outer(begin + share * (end - begin))):
        yield
    outer(end)


def tell(share: float) -> None:
    """Tell which share of the work at hand is done."""
    listener = _listener.get()
    if listener is not None:
        listener(share)
