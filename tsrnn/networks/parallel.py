"""Sequence to sequence in parallel: all future patches decoded at once from the final state."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tsrnn.networks.cells import hidden, make_cell, repeat_state
from tsrnn.networks.heads import QuantileHead
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs
from tsrnn.preprocessing.profiles import profile_count


class ParallelNetwork(nn.Module):
    """Read a window patch by patch, then decode each future patch from the final state with its own embedding.

    A forecast starts from a learned mixture of the window's season profiles; the network corrects it. Source: the
    patches and the parallel decoding follow SegRNN (Lin et al. 2023).

    Parameters
    ----------
    size : NetworkSize
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        D, p = size.hidden_size, size.patch_length
        self.size = size
        self.segments = math.ceil(size.horizon / p)
        self.embed = nn.Sequential(nn.Linear(2 * p + 2, D), nn.SiLU(), nn.Linear(D, D))
        self.cell = make_cell(size.cell, D, D, size.num_layers, size.dropout)
        self.position = nn.Parameter(torch.randn(self.segments, D) * 0.02)
        self.mix = nn.Linear(D, profile_count(size.seasons))
        self.head = QuantileHead(D, p, size.quantiles, size.dropout)

    def forward(self, inputs: Inputs) -> Tensor:
        """Return scaled quantiles of shape (B, H, Q)."""
        size, S, p = self.size, self.segments, self.size.patch_length
        B, N = inputs.z.shape[0], inputs.z.shape[1] // p
        facts = inputs.facts.unsqueeze(1).expand(B, N, -1)
        x = torch.cat([inputs.z.reshape(B, N, p), inputs.observed.reshape(B, N, p), facts], -1)  # [B, N, 2p + 2]
        _, state = self.cell(self.embed(x))
        # Segments are one step each, so all of them are one batch.
        query = self.position.repeat(B, 1).unsqueeze(1)  # [B·S, 1, D]
        _, state = self.cell(query, repeat_state(state, S))
        states = hidden(state)[-1].reshape(B, S, -1)  # [B, S, D]
        weight = torch.softmax(self.mix(states), -1).repeat_interleave(p, 1)[:, : size.horizon]  # [B, H, K]
        base = (weight * inputs.profiles.transpose(1, 2)).sum(-1)  # [B, H]
        base = nn.functional.pad(base, (0, S * p - size.horizon))  # [B, S·p]
        quantiles: Tensor = self.head(states, base)  # [B, S·p, Q]
        return quantiles[:, : size.horizon]
