"""A text as contiguous streams: batches that go on where the ones before them ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class TextBatch:
    """A piece of B streams.

    Parameters
    ----------
    inputs : int64 tensor of shape (B, T)
        The token before each target.
    targets : int64 tensor of shape (B, T)
    first : bool
        Whether the streams begin here; else they go on from the batch before.
    """

    inputs: Tensor
    targets: Tensor
    first: bool


@dataclass(frozen=True)
class TextStreams:
    """Training's way through a text: B streams at a time, piece by piece, from another place in every epoch.

    The text is a ring that is cut at a random place and into B streams of equal length. All of them are read
    piece by piece, and each token is a target once per epoch, but for less than B that are left over.

    Parameters
    ----------
    tokens : int64 tensor of shape (n,)
    n_streams : int
        B; as many as tokens, if these are fewer.
    length : int
        Tokens of a piece, about: pieces of an epoch are equally long within one token.
    start : int
        The number that stands for the start of a text or stream.
    seed : int
    """

    tokens: Tensor
    n_streams: int
    length: int
    start: int
    seed: int

    @property
    def batch_size(self) -> int:
        """Streams that there are."""
        return min(self.n_streams, len(self.tokens))

    @property
    def stream_length(self) -> int:
        """Tokens of a stream."""
        return len(self.tokens) // self.batch_size

    @property
    def steps_per_epoch(self) -> int:
        """Pieces of a stream."""
        return max(1, round(self.stream_length / self.length))

    def draw(self, step: int) -> TextBatch:
        """Return the batch of a step, counted from 1; it depends on the step alone."""
        epoch, piece = divmod(step - 1, self.steps_per_epoch)
        cut = int(np.random.default_rng([self.seed, epoch]).integers(len(self.tokens)))
        low, high = (self.stream_length * part // self.steps_per_epoch for part in (piece, piece + 1))
        first = torch.arange(self.batch_size, device="cpu")[:, None] * self.stream_length
        at = first + torch.arange(low, high, device="cpu")
        return cut_batch(self.tokens, (cut + at) % len(self.tokens), self.start, first=piece == 0)


def stream_batches(tokens: Tensor, n_streams: int, length: int, start: int) -> list[TextBatch]:
    """Cut a text into streams and these into batches, in order: each token is a target once.

    Where the text is no multiple of the streams, what is left over is a last stream of its own.
    """
    n = len(tokens) // n_streams
    at = torch.arange(n_streams * n, device="cpu").reshape(n_streams, n)
    rest = torch.arange(n_streams * n, len(tokens), device="cpu")[None]
    return [
        cut_batch(tokens, streams[:, low : low + length], start, first=low == 0)
        for streams in (at, rest)
        for low in range(0, streams.shape[1], length)
    ]


def cut_batch(tokens: Tensor, at: Tensor, start: int, *, first: bool) -> TextBatch:
    """Take the tokens at places of shape (B, T) as targets, and those before them as inputs."""
    at = at.to(tokens.device, non_blocking=True)  # once, and a GPU need not be waited for
    inputs = tokens[at - 1]
    inputs[at == 0] = start
    if first:
        inputs[:, 0] = start
    return TextBatch(inputs, tokens[at], first)
