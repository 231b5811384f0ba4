"""How many threads of the CPU torch uses, and work that several of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread of the CPU for an operation, and give the number back.

    One thread sums in one order, so that a seed gives the same forecast whatever the number of cores. The matrices
    of these networks are small: on two idle cores a second thread makes a training step of M4 Hourly's size 1.5
    times faster (22 instead of 32 ms), on busy ones waiting for it made a backward pass 14 times slower. A thread that
    a program starts meanwhile begins with one, too.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_threads(work: Sequence[Callable[[], None]], device: torch.device) -> None:
    """Do independent pieces of work at once, on as many threads as torch may use.

    Every piece has one thread, so that what it computes does not depend on how many there are.

    Parameters
    ----------
    work : sequence of callable
        Once a piece raises an exception, pieces that have not begun are left, and it is raised.
    device : torch.device
        Where the work is done; a GPU is fed by one thread.
    """
    workers = min(torch.get_num_threads(), len(work)) if device.type == "cpu" else 1
    with one_thread():
        if workers < 2:
            for piece in work:
                piece()
            return
        pool = ThreadPoolExecutor(workers)
        try:
            done, _ = wait([pool.submit(piece) for piece in work], return_when=FIRST_EXCEPTION)
            for piece_done in done:
                piece_done.result()
        finally:
            pool.shutdown(cancel_futures=True)
