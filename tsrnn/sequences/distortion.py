"""Random distortions of sequences, by which a training with few cases sees more of what a class may look like."""

from __future__ import annotations

import torch
from torch import Tensor

# Places along a sequence whose shift is drawn; between them it follows a straight line.
KNOTS = 6


def bent_places(lengths: Tensor, longest: int, spread: float, generator: torch.Generator) -> Tensor:
    """Return where each step of a distorted sequence is read in the original one.

    Parameters
    ----------
    lengths : int64 tensor of shape (B,)
    longest : int
        L, steps of the batch.
    spread : float
        Standard deviation of the shifts, as a share of each sequence's length.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    float tensor of shape (B, L), from 0 to the last step of each sequence
    """
    last = (lengths - 1).clamp(min=1)[:, None].to(torch.float32)
    step = torch.arange(longest, device=lengths.device)
    shifts = torch.randn(len(lengths), KNOTS, generator=generator, device=generator.device)
    shifts = shifts.to(lengths.device, non_blocking=True) * spread * last
    along = (step / last).clamp(max=1) * (KNOTS - 1)  # [B, L]
    left = along.floor().clamp(max=KNOTS - 2)
    before, after = shifts.gather(1, left.long()), shifts.gather(1, left.long() + 1)
    place = step + torch.lerp(before, after, along - left)
    return torch.minimum(place.clamp(min=0), (lengths - 1)[:, None].to(torch.float32))


def distort(x: Tensor, lengths: Tensor, spread: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Bend the time of each sequence, and stretch the height of each of its channels, a little and at random.

    Parameters
    ----------
    x : float tensor of shape (B, L, C)
    lengths : int64 tensor of shape (B,)
    spread : float
        Standard deviation of the shifts in time, as a share of a sequence's length, and of the factor of a height.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    x : float tensor of shape (B, L, C)
        Read between the steps of the original by straight lines.
    nearest : int64 tensor of shape (B, L)
        The step of the original that is nearest to each.
    """
    B, L, C = x.shape
    place = bent_places(lengths, L, spread, generator)
    left = place.floor()
    low = left.long()[..., None].expand(-1, -1, C)
    high = torch.minimum(low + 1, (lengths - 1)[:, None, None])
    bent = torch.lerp(x.gather(1, low), x.gather(1, high), (place - left)[..., None])
    drawn = torch.randn(B, 1, C, generator=generator, device=generator.device)
    factor = 1 + spread * drawn.to(x.device, non_blocking=True)
    return bent * factor, place.round().long()
