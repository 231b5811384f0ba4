"""Windows as index ranges of one flat tensor."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import torch
from torch import Tensor

# Numbers of values that a history may hold, where any does.
EVERY_HISTORY = range(sys.maxsize)


@dataclass(frozen=True)
class FlatSeries:
    """All series of a panel on one device, as windows are gathered from them.

    Parameters
    ----------
    values : float64 tensor of shape (n_rows,), original units; 0 where unobserved
    observed : bool tensor of shape (n_rows,)
    offsets : int64 tensor of shape (n_series + 1,)
        Series i has the rows ``offsets[i]`` to ``offsets[i + 1]``.
    """

    values: Tensor
    observed: Tensor
    offsets: Tensor

    @classmethod
    def from_flat(cls, y: Tensor, offsets: Tensor, device: torch.device | str = "cpu") -> FlatSeries:
        """Build from a flat tensor that is NaN where unobserved."""
        observed = torch.isfinite(y)
        values = torch.where(observed, y, torch.zeros_like(y)).to(torch.float64)
        return cls(values.to(device), observed.to(device), offsets.to(device))

    @property
    def lengths(self) -> Tensor:
        """Rows of each series. Shape (n_series,)."""
        return self.offsets[1:] - self.offsets[:-1]

    def observed_before(self, series: Tensor, end: Tensor) -> Tensor:
        """Count the observed values of each series before a row.

        Parameters
        ----------
        series, end : int64 tensors of shape (B,)
            Rows past a series' end hold none.

        Returns
        -------
        int64 tensor of shape (B,)
        """
        count = torch.nn.functional.pad(self.observed.long().cumsum(0), (1, 0))
        first = self.offsets[series]
        last = torch.minimum(first + end.clamp(min=0), self.offsets[series + 1])
        return count[last] - count[first]


def gather_windows(flat: FlatSeries, series: Tensor, start: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Read `length` rows of each series from row `start` on, with one indexing operation.

    Parameters
    ----------
    flat : FlatSeries
    series, start : int64 tensors of shape (B,)
        `start` may be negative and windows may end past the series: such rows are unobserved.
    length : int

    Returns
    -------
    values : float64 tensor of shape (B, length), original units; 0 where unobserved
    observed : bool tensor of shape (B, length)

    Examples
    --------
    >>> flat = FlatSeries.from_flat(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0, 3]))
    >>> values, observed = gather_windows(flat, torch.tensor([0]), torch.tensor([-1]), 3)
    >>> values
    tensor([[0., 1., 2.]], dtype=torch.float64)
    >>> observed
    tensor([[False,  True,  True]])
    """
    row = start[:, None] + torch.arange(length, device=start.device)  # [B, length]
    inside = (row >= 0) & (row < flat.lengths[series][:, None])
    index = torch.where(inside, flat.offsets[:-1][series][:, None] + row, torch.zeros_like(row))
    observed = flat.observed[index] & inside
    return flat.values[index] * observed, observed
