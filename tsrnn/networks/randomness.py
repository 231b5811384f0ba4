"""Random numbers of a training's own, so that several networks are trained at once and each as if it were alone.

torch's modules draw from one global generator, whose numbers reach several threads in whatever order they ask. What
draws here asks for the generator of the training that it is part of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock

import numpy as np
import torch
from torch import Tensor, nn

from tsrnn.parameters import check_whole

_one_at_a_time = RLock()
_generator: ContextVar[torch.Generator | None] = ContextVar("tsrnn_generator", default=None)


def fresh_seed(random_state: int | None) -> int:
    """Return a seed for torch: the same for the same random state, another one each time for None.

    Raises
    ------
    ParameterError
        If it is no whole number, or below 0.
    """
    check_whole("random_state", random_state, 0, most=math.inf, optional=True)
    return int(np.random.SeedSequence(random_state).generate_state(1)[0])


def new_generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a random generator of its own, so that the global one is left alone."""
    return torch.Generator(device=device).manual_seed(seed)


@contextmanager
def single_precision() -> Iterator[None]:
    """Let weights have 32 bits, also where a program has set another default type, which is given back.

    torch knows one default for all threads, so one thread alone is here, and others wait.
    """
    with _one_at_a_time:
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


@contextmanager
def own_random_state(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators of the CPU and a device, which draw weights, and give them back.

    torch knows one state for all threads, so one thread alone is here, and others wait. What is drawn is in single
    precision.
    """
    devices = [device] if device.type == "cuda" else []
    with _one_at_a_time, torch.random.fork_rng(devices=devices), single_precision():
        # `torch.manual_seed` seeds those of all GPUs, too, which would not be given back.
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type != "cpu":
            torch.manual_seed(seed)
        yield


def own_generator() -> torch.Generator | None:
    """Return the generator of the training at hand; None is torch's global one, for who trains by other means."""
    return _generator.get()


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let what is drawn within the context come from a generator on the device of the network."""
    token = _generator.set(generator)
    try:
        yield
    finally:
        _generator.reset(token)


class Dropout(nn.Module):
    """torch's dropout, drawn from the training's own generator.

    Parameters
    ----------
    share : float
        Of the values that are set to 0, from 0 to below 1; the others grow by so much that the mean stays.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Drop values of x, of any shape, while training."""
        if not self.training or not self.share:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.share, generator=own_generator())
        return x * kept.div_(1 - self.share)
