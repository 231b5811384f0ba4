"""Sequence to sequence in parallel: all future patches decoded at once from the final state."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tsrnn.networks.cells import hidden, repeat_state
from tsrnn.networks.encoder import PatchEncoder, ProfileMixture
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.heads import QuantileHead
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs


class ParallelNetwork(ForecastNetwork):
    """Read a window patch by patch, then decode each future patch from the final state with its own embedding.

    A forecast starts from a learned mixture of the window's season profiles; the network corrects it. Source: the
    patches and the parallel decoding follow SegRNN (Lin et al. 2023).

    Parameters
    ----------
    size : NetworkSize
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.segments = math.ceil(size.horizon / size.patch_length)
        self.encoder = PatchEncoder(size)
        self.position = nn.Parameter(torch.randn(self.segments, size.hidden_size) * 0.02)
        self.mix = ProfileMixture(size)
        self.head = QuantileHead(size.hidden_size, size.patch_length, size.quantiles, size.dropout)

    def forward(self, inputs: Inputs) -> Tensor:
        """Return scaled quantiles of shape (B, H, Q)."""
        B, S = inputs.values.shape[0], self.segments
        # Segments are one step each, so all of them are one batch.
        query = self.position.repeat(B, 1).unsqueeze(1)  # [B·S, 1, D]
        _, state = self.encoder.cell(query, repeat_state(self.encoder(inputs), S))
        states = hidden(state)[-1].reshape(B, S, -1)  # [B, S, D]
        quantiles: Tensor = self.head(states, self.mix(states, inputs.profiles))  # [B, S·p, Q]
        return quantiles[:, : self.size.horizon]
