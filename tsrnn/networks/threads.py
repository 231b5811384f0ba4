"""How many threads of the CPU torch uses, and work that several of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread of the CPU for an operation, and give the number back.

    One thread sums in one order, so that a seed gives the same forecast whatever the number of cores. The matrices
    of these networks are small: on two idle cores a second thread makes a training step of M4 Hourly's size 1.5
    times faster (22 instead of 32 ms), on busy ones waiting for it made a backward pass 14 times slower. A thread that
    a program starts meanwhile begins with one, too, and keeps to it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_threads(
    work: Sequence[Callable[[], None]], device: torch.device, stop: Callable[[], None] | None = None
) -> None:
    """Do independent pieces of work at once, on as many threads as torch may use.

    Every piece has one thread, so that what it computes does not depend on how many there are. The first ones begin
    first; each sees the caller's context variables, none is computed in the caller's `torch.autocast`.

    Parameters
    ----------
    work : sequence of callable
        Once a piece raises an exception, pieces that have not begun are left, and it is raised when the others end.
    device : torch.device
        Where the work is done; a GPU is fed by one thread.
    stop : callable, optional
        Called when a piece has raised an exception or the caller was interrupted, to let the others end soon.
    """
    workers = min(torch.get_num_threads(), len(work)) if device.type == "cpu" else 1
    # torch's modes are a thread's own: those of a pool would not know of the caller's autocast.
    with one_thread(), torch.autocast("cpu", enabled=False):
        if workers < 2:
            for piece in work:
                piece()
            return
        # A thread that has not set the number multiplies its first matrices on as many as OpenMP has.
        pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
        try:
            begun = [pool.submit(copy_context().run, piece) for piece in work]
            for done in wait(begun, return_when=FIRST_EXCEPTION).done:
                done.result()
        except BaseException:
            if stop is not None:
                stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
