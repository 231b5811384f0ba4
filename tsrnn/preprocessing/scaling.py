"""Scale each window by its own past: subtract `loc`, divide by `scale`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tsrnn.metrics import CONSTANT

SCALINGS = ("seasonal", "spread", "standard", "mean", "none")


def latest_observed(observed: Tensor, count: int | Tensor) -> Tensor:
    """Mark the last `count` observed values of each window, or [B, 1] of them. Shapes (B, L) -> (B, L), bool."""
    rank = observed.flip(-1).cumsum(-1).flip(-1)
    return observed & (rank <= count)


def masked_mean(values: Tensor, where: Tensor) -> Tensor:
    """Average over the last dimension, which is kept, where `where` holds; 0 where it never holds."""
    return (values * where).sum(-1, keepdim=True) / where.sum(-1, keepdim=True).clamp(min=1)


def scale_windows(
    y: Tensor, observed: Tensor, method: str, season_length: int, known: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Scale windows by their own observed values.

    Parameters
    ----------
    y : tensor of shape (B, L), original units; any value where unobserved, or where not `known`
    observed : bool tensor of shape (B, L)
    method : {"seasonal", "spread", "standard", "mean", "none"}
        "seasonal": the mean of the last season, and the mean absolute difference of values a season apart; where all
        n of these are 0, 1/(n + 1) of what "spread" takes.
        "spread": the mean of the last season, and the mean absolute deviation from the window's mean.
        "standard": the window's mean and standard deviation. "mean": 0 and the window's mean absolute value.
        "none": 0 and 1.
    season_length : int
    known : bool tensor of shape (B, L), optional
        Where values were observed or filled in (`tsrnn.preprocessing.missing`): the mean of the last season is over
        these. Nothing else is measured by what was filled in.

    Returns
    -------
    z : tensor of shape (B, L), dimensionless; 0 where unobserved, or where not `known`
    loc, scale : tensors of shape (B, 1), original units
        With the first three methods `scale` is 0 for a window that is constant up to rounding; z is 0 then, and the
        inverse ``loc + scale * z`` gives the constant.

    Examples
    --------
    >>> y = torch.tensor([[1.0, 3.0, 2.0, 4.0]])
    >>> z, loc, scale = scale_windows(y, torch.ones(1, 4, dtype=torch.bool), "seasonal", 2)
    >>> loc.item(), scale.item(), z.tolist()
    (3.0, 1.0, [[-2.0, 0.0, -1.0, 1.0]])
    """
    known = observed if known is None else known
    y = torch.where(known, y, torch.zeros_like(y))
    m = season_length
    size = masked_mean(y.abs(), observed)
    mean = masked_mean(y, observed)
    spread = masked_mean((y - mean).abs(), observed)
    loc = masked_mean(y, latest_observed(known, m))
    if method == "seasonal":
        both = observed[:, m:] & observed[:, :-m]
        scale = masked_mean((y[:, m:] - y[:, :-m]).abs(), both)
        # One season or less has no seasonal difference: the spread is the next best. An exact repetition has none
        # either, but the next difference is expected to be as small as one like the spread among so many.
        scale = torch.where(scale > CONSTANT * size, scale, spread / (1 + both.sum(-1, keepdim=True)))
    elif method == "spread":
        scale = spread
    elif method == "standard":
        # Squares of 1e200 leave the range of floats; divided by a power of two the digits stay as they are.
        unit = torch.where(spread > 0, spread / torch.frexp(spread).mantissa, torch.ones_like(spread))
        loc, scale = mean, masked_mean(((y - mean) / unit) ** 2, observed).sqrt() * unit
    elif method == "mean":
        loc, scale = torch.zeros_like(mean), size
    else:
        # The values are taken as they are, large ones too: there is no spread that rounding could have made.
        return y, torch.zeros_like(mean), torch.ones_like(mean)
    scale = torch.where(scale > CONSTANT * size, scale, torch.zeros_like(scale))
    return standardise(y, loc, scale) * known, loc, scale


def standardise(y: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """Return (y − loc) / scale, and 0 where the scale is 0."""
    safe = torch.where(scale > 0, scale, torch.ones_like(scale))
    return torch.where(scale > 0, (y - loc) / safe, torch.zeros_like(y))


def squashed(z: Tensor, largest: float) -> Tensor:
    """Return asinh of scaled values, as networks read them: like the values where they are small, else like their logs.

    Parameters
    ----------
    z : float tensor
    largest : float
        The size beyond which values are not told apart.

    Examples
    --------
    >>> squashed(torch.tensor([-1e-3, 3.0, 1e9]), 50.0)
    tensor([-1.0000e-03,  1.8184e+00,  4.6053e+00])
    """
    if math.isinf(largest):
        return torch.asinh(z)
    # torch's own takes three times as long on a CPU, a seventh of the time of a forecast of months.
    size = z.abs().clamp(max=largest)
    square = size * size
    return torch.copysign(torch.log1p(size + square / (1 + torch.sqrt(1 + square))), z)
