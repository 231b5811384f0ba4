"""Both directions of a window in one state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class StateMerge(nn.Module):
    """Combine the final states of a forward and a backward reading into one, by a learned linear map per layer.

    It starts as the mean of the two. Source: Schuster and Paliwal 1997, "Bidirectional recurrent neural networks".

    Parameters
    ----------
    hidden_size, num_layers : int
    pair : bool
        Whether a state is an LSTM's pair; each part then has maps of its own.
    """

    def __init__(self, hidden_size: int, num_layers: int, *, pair: bool) -> None:
        super().__init__()
        D, parts = hidden_size, 2 if pair else 1
        self.weight = nn.Parameter(torch.eye(D).repeat(1, 2).mul(0.5).repeat(parts, num_layers, 1, 1))
        self.bias = nn.Parameter(torch.zeros(parts, num_layers, 1, D))

    def forward(self, ahead: Any, back: Any) -> Any:
        """Map two states, each [layers, B, D] or a pair of them, to one of the same form."""
        if isinstance(ahead, tuple):
            return tuple(self._merge(part, ahead[part], back[part]) for part in range(len(ahead)))
        return self._merge(0, ahead, back)

    def _merge(self, part: int, ahead: Tensor, back: Tensor) -> Tensor:
        both = torch.cat([ahead, back], -1)  # [layers, B, 2D]
        return torch.baddbmm(self.bias[part], both, self.weight[part].transpose(1, 2))  # [layers, B, D]
