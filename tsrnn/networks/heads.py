"""From hidden states to quantiles that never cross."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist

import torch
from torch import Tensor, nn

from tsrnn.networks.randomness import Dropout

QUANTILES = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)


class QuantileHead(nn.Module):
    """Correct a base forecast and spread quantiles around it.

    The median is the base plus a learned correction; every other quantile adds softplus gaps outwards, so quantiles
    cannot cross. The last layer starts at zero: before training the forecast is the base, with the gaps of a
    normal distribution.

    Parameters
    ----------
    hidden_size : int
        D of the states.
    patch_length : int
        Points that one state stands for.
    quantiles : tuple of float, ascending, holding .5
    dropout : float
    """

    def __init__(self, hidden_size: int, patch_length: int, quantiles: tuple[float, ...], dropout: float) -> None:
        super().__init__()
        self.quantiles = quantiles
        self.middle = quantiles.index(0.5)
        self.dropout = Dropout(dropout)
        self.linear = nn.Linear(hidden_size, patch_length * len(quantiles))
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        normal = [NormalDist().inv_cdf(q) for q in quantiles]
        gaps = [b - a for a, b in pairwise(normal)]
        # softplus(log(expm1(g))) = g
        self.register_buffer("gap_bias", torch.tensor([math.log(math.expm1(g)) for g in gaps]), persistent=False)
        self.gap_bias: Tensor

    def forward(self, states: Tensor, base: Tensor) -> Tensor:
        """Map states [B, S, D] and a base forecast [B, S·p] to quantiles [B, S·p, Q], scaled units."""
        raw = self.linear(self.dropout(states))  # [B, S, p·Q]
        raw = raw.reshape(base.shape[0], base.shape[1], -1)  # [B, S·p, Q]
        k = self.middle
        median = base.unsqueeze(-1) + raw[..., k : k + 1]
        below = nn.functional.softplus(raw[..., :k] + self.gap_bias[:k])
        above = nn.functional.softplus(raw[..., k + 1 :] + self.gap_bias[k:])
        lower = median - below.flip(-1).cumsum(-1).flip(-1)
        upper = median + above.cumsum(-1)
        return torch.cat([lower, median, upper], -1)
