"""Batches of windows, gathered from flat series as they are needed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tsrnn.preprocessing.inputs import Inputs, Reads, make_inputs
from tsrnn.preprocessing.scaling import standardise
from tsrnn.preprocessing.window_power import WindowPower
from tsrnn.preprocessing.windows import FlatSeries, gather_windows

# Validation reads at most this many windows; more cost time and change the choice of a step little.
MOST_VALIDATION_WINDOWS = 1024


def thinned(windows: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Return every second, third, ... window, so that there are no more than `most`.

    >>> thinned([(0, end) for end in range(5)], 2)
    [(0, 0), (0, 3)]
    """
    return windows[:: max(1, -(-len(windows) // most))]


@dataclass(frozen=True)
class WindowBatch:
    """B windows and what followed them.

    Parameters
    ----------
    inputs : Inputs
    target : float32 tensor of shape (B, H), scaled like the inputs
    observed : bool tensor of shape (B, H)
        Where the target counts.
    """

    inputs: Inputs
    target: Tensor
    observed: Tensor


@dataclass(frozen=True)
class WindowSampler:
    """Draws training windows from all series, and cuts validation windows.

    Parameters
    ----------
    flat : FlatSeries
    context_length, horizon : int
    reads : Reads
    scaling : str
    min_history : int
        Rows before a training cutoff, at least.
    train_end : int64 tensor of shape (n_series,)
        Rows of each series that training may see; what follows is held back.
    power : float
        What is read and predicted of windows of positive values (`tsrnn.preprocessing.window_power`), above 0.
    """

    flat: FlatSeries
    context_length: int
    horizon: int
    reads: Reads
    scaling: str
    min_history: int
    train_end: Tensor
    power: float = 1.0

    def _earliest(self) -> Tensor:
        """Return the first training cutoff of each series."""
        return torch.minimum(torch.full_like(self.train_end, self.min_history), self.train_end - 1)

    def _latest(self) -> Tensor:
        """Return the last training cutoff: with a whole horizon after it, if the series is long enough for that."""
        whole = self.train_end - self.horizon
        return torch.where(whole >= self._earliest(), whole, self.train_end - 1)

    def trainable(self) -> Tensor:
        """Return the indices of the series that have at least one value to learn from after a cutoff."""
        return torch.nonzero(self.train_end > max(self.min_history, 1)).flatten()

    def cut(self, series: Tensor, end: Tensor, limit: Tensor) -> WindowBatch:
        """Cut the windows that end before row `end`, with the targets before row `limit`. Shapes (B,)."""
        L, H = self.context_length, self.horizon
        y, observed = gather_windows(self.flat, series, end - L, L + H)
        past, future = y[:, :L], y[:, L:]
        if self.power != 1:
            mapped, past = WindowPower.of(past, observed[:, :L], self.power)
            future = mapped.forward(future)
        inputs, loc, scale = make_inputs(past, observed[:, :L], self.scaling, self.reads, H)
        target = standardise(future, loc, scale).to(torch.float32)
        step = torch.arange(H, device=end.device)
        # A window without a past, or one that never moved (its scale is 0), has nothing to teach.
        teaches = (scale > 0) & observed[:, :L].any(1, keepdim=True)
        counts = observed[:, L:] & (end[:, None] + step < limit[:, None]) & teaches
        return WindowBatch(inputs, target, counts)

    def draw(self, series: Tensor, batch_size: int, generator: torch.Generator) -> WindowBatch:
        """Draw random windows: each of the given series is equally likely, and each of its cutoffs."""
        device = self.train_end.device
        # A GPU need not be waited for until it has taken them.
        drawn = torch.randint(len(series), (batch_size,), generator=generator, device=generator.device)
        chosen = series[drawn.to(device, non_blocking=True)]
        first, last = self._earliest()[chosen], self._latest()[chosen]
        share = torch.rand(batch_size, generator=generator, dtype=torch.float64, device=generator.device)
        share = share.to(device, non_blocking=True)
        end = first + (share * (last - first + 1)).long()
        return self.cut(chosen, end, self.train_end[chosen])

    def held_back(self, spacing: int) -> list[WindowBatch]:
        """Cut validation windows from the rows after `train_end`, one every `spacing` rows, newest data last."""
        length = self.flat.lengths
        # Series that have none held back have an empty range.
        ranges = enumerate(zip(self.train_end.tolist(), length.tolist(), strict=True))
        cutoffs = [(index, end) for index, (first, stop) in ranges for end in range(first, stop, spacing)]
        cutoffs = thinned(cutoffs, MOST_VALIDATION_WINDOWS)
        if not cutoffs:
            return []
        series, ends = torch.tensor(cutoffs, device=self.train_end.device).T
        return [self.cut(series, ends, length[series])]
