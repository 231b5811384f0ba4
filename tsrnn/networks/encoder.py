"""What every network begins with: a window read patch by patch into a state, and the base its forecast starts from."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tsrnn.networks.cells import make_cell
from tsrnn.networks.directions import StateMerge
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs


class PatchEncoder(nn.Module):
    """Read a window, one recurrent step per patch; with ``size.bidirectional`` a second time from its end.

    The window is all past, so reading it backwards shows nothing of the future.

    Parameters
    ----------
    size : NetworkSize
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        D, p = size.hidden_size, size.patch_length
        self.patch_length = p
        width = (2 + size.reads.contrast_count) * p + size.reads.fact_count
        self.embed = nn.Sequential(nn.Linear(width, D), nn.SiLU(), nn.Linear(D, D))
        self.cell = make_cell(size.cell, D, size.num_layers, size.dropout, size.context_length // p)
        self.merge: StateMerge | None = None
        if size.bidirectional:
            self.backward_cell = make_cell(size.cell, D, size.num_layers, size.dropout)
            self.merge = StateMerge(D, size.num_layers, pair=size.cell == "lstm")

    def forward(self, inputs: Inputs) -> Any:
        """Return the cell's final state: [layers, B, D], for an LSTM a pair of them."""
        x = self._embed(inputs, inputs.values.shape[1] // self.patch_length)
        _, state = self.cell(x)
        if self.merge is None:
            return state
        return self.merge(state, self.backward_cell(x.flip(1))[1])

    def step(self, inputs: Inputs, state: Any) -> Any:
        """Return the state after one step more, over the last patch of the windows; forwards only."""
        return self.cell(self._embed(inputs, 1), state)[1]

    def _embed(self, inputs: Inputs, count: int) -> Tensor:
        """Embed the last `count` patches of each window. Shape (B, count, D)."""
        p = self.patch_length
        B = inputs.values.shape[0]
        newest = (inputs.read(count * p), inputs.observed[:, -count * p :])
        read = [part.reshape(B, count, p) for part in newest]
        C = inputs.contrasts.shape[1]
        contrasts = inputs.contrasts[..., -count * p :].reshape(B, C, count, p)
        read.append(contrasts.transpose(1, 2).flatten(2))
        read.append(inputs.facts.unsqueeze(1).expand(B, count, -1))
        x: Tensor = self.embed(torch.cat(read, -1))  # [B, count, (2 + C) p + F] -> [B, count, D]
        return x


class ProfileMixture(nn.Module):
    """Mix a window's season profiles, patch by patch, with weights that a state decides.

    Parameters
    ----------
    size : NetworkSize
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.patch_length = size.patch_length
        self.weigh = nn.Linear(size.hidden_size, size.reads.profile_count)

    def forward(self, states: Tensor, profiles: Tensor) -> Tensor:
        """Map states [B, S, D] and profiles [B, K, H] to a base forecast [B, S·p], 0 beyond H."""
        points = states.shape[1] * self.patch_length
        profiles = nn.functional.pad(profiles, (0, points - profiles.shape[2]))  # [B, K, S·p]
        weight = torch.softmax(self.weigh(states), -1).repeat_interleave(self.patch_length, 1)  # [B, S·p, K]
        return (weight * profiles.transpose(1, 2)).sum(-1)
