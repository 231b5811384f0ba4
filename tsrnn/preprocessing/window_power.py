"""Powers of windows: what networks read of positive values instead of the values themselves."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tsrnn.preprocessing.scaling import masked_mean

# What comes back from logarithms ends this far above the largest value of its window: e^3 is twenty times it.
MOST_LOG_GROWTH = 3.0


@dataclass(frozen=True)
class WindowPower:
    """The map of positive windows to a power of their values in units of their mean; others stay as they are.

    It increases, so a quantile of the mapped values is the mapped quantile. A square root makes a season whose noise
    grows with its level one of even noise, a logarithm one whose swing does.

    Parameters
    ----------
    power : float
        1 or less; 0 for logarithms.
    unit : float64 tensor of shape (B, 1)
        The mean of a positive window; NaN where the values stay.
    most : float64 tensor of shape (B, 1)
        The largest mapped value that comes back.
    """

    power: float
    unit: Tensor
    most: Tensor

    @classmethod
    def of(cls, y: Tensor, observed: Tensor, power: float) -> tuple[WindowPower, Tensor]:
        """Return the map of windows y, observed of shape (B, L), and the mapped windows.

        A window with a value that is not above 0 stays as it is.
        """
        positive = torch.where(observed, y, 1.0).gt(0).all(1, keepdim=True)
        unit = torch.where(positive, masked_mean(torch.where(observed, y, 0.0), observed), torch.nan)
        mapped = cls(power, unit, torch.full_like(unit, torch.inf))
        z = torch.where(observed, mapped.forward(y), 0.0)
        if power == 0:
            mapped = cls(power, unit, torch.where(observed, z, -torch.inf).amax(1, keepdim=True) + MOST_LOG_GROWTH)
        return mapped, z

    def forward(self, y: Tensor) -> Tensor:
        """Map values of shape (B, n); of a mapped window what is below 0 counts as 0, for logarithms as next to it."""
        share = y / self.unit
        if self.power == 0:
            share = share.clamp(min=torch.finfo(share.dtype).tiny)  # a share of 1e-600 is 0 in floats
            mapped = torch.log(share) + 1  # a level of 1, as simulated series have
        else:
            mapped = share.clamp(min=0) ** self.power
        return torch.where(self.unit.isnan(), y, mapped)

    def backward(self, z: Tensor) -> Tensor:
        """Map back what `forward` gave, or forecasts of it, shape (B, ...), to original units."""
        unit, most = (part.reshape(-1, *[1] * (z.ndim - 1)) for part in (self.unit, self.most))
        if self.power == 0:
            values = torch.exp(torch.minimum(z, most) - 1)
        else:
            values = z.clamp(min=0) ** (1 / self.power)
        return torch.where(unit.isnan(), z, values * unit)
