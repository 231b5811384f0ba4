"""Sequence to sequence in parallel: all future patches decoded at once from the final state."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from tsrnn.networks.cells import hidden, make_cell, repeat_state
from tsrnn.networks.encoder import PatchEncoder, ProfileMixture
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.heads import QuantileHead
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs


class FarDecoder(nn.Module):
    """Decode the patches after the horizon from the state that a network has read.

    It learns when the network has learnt, and changes nothing of it: where hours learnt a week ahead at once, the error
    of the first day was 3 to 5 % larger than where they learn two days.

    Parameters
    ----------
    size : NetworkSize
        Of the network, with ``far`` above 0.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.cell = make_cell(size.cell, size.hidden_size, size.num_layers, size.dropout)
        self.position = nn.Parameter(torch.randn(math.ceil(size.far / size.patch_length), size.hidden_size) * 0.02)

    def forward(self, state: Any) -> Tensor:
        """Map the encoder's state of B windows to states [B, S, D]."""
        return decode(self.cell, self.position, state)


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
        self.far = FarDecoder(size) if size.far else None

    def forward(self, inputs: Inputs) -> Tensor:
        """Return scaled quantiles of shape (B, H, Q), or those of the far steps, too, if the profiles reach so far."""
        state, H = self.encoder(inputs), self.size.horizon
        near = decode(self.encoder.cell, self.position, state)  # [B, S, D]
        quantiles: Tensor = self.head(near, self.mix(near, inputs.profiles[..., :H]))[:, :H]  # [B, S·p, Q]
        if inputs.profiles.shape[2] <= H:
            return quantiles
        return torch.cat([quantiles, self._far_quantiles(state, inputs)], 1)

    def far_quantiles(self, inputs: Inputs) -> Tensor:
        """Return scaled quantiles of the far steps alone, of shape (B, far, Q)."""
        return self._far_quantiles(self.encoder(inputs), inputs)

    def begin_far(self) -> FarDecoder:
        """Let the far decoder start from what decodes the last patch of the horizon, and return it."""
        far = self._far_decoder()
        far.cell.load_state_dict(self.encoder.cell.state_dict())
        with torch.no_grad():
            far.position.copy_(self.position[-1].expand_as(far.position))
        return far

    def _far_decoder(self) -> FarDecoder:
        if self.far is None:
            raise ValueError("this network has no far steps")
        return self.far

    def _far_quantiles(self, state: Any, inputs: Inputs) -> Tensor:
        states = self._far_decoder()(state)
        quantiles: Tensor = self.head(states, self.mix(states, inputs.profiles[..., self.size.horizon :]))
        return quantiles[:, : self.size.far]


def decode(cell: nn.Module, position: Tensor, state: Any) -> Tensor:
    """Take one recurrent step from a state of B windows to each of S positions [S, D]. Shape (B, S, D)."""
    S, B = len(position), hidden(state).shape[1]
    # Segments are one step each, so all of them are one batch.
    query = position.repeat(B, 1).unsqueeze(1)  # [B·S, 1, D]
    _, after = cell(query, repeat_state(state, S))
    return hidden(after)[-1].reshape(B, S, -1)
