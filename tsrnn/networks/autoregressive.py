"""Sequence to sequence, one patch after the other: a decoder that is fed with its own output."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tsrnn.networks.cells import make_cell
from tsrnn.networks.patch_by_patch import PatchByPatchNetwork
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs

# Share of the windows that are fed with the truth at the end of training. A draw of the decoder's own says nothing of
# the patch that truly follows, so a decoder that is often fed with one learns to distrust what it is fed, and its
# paths spread too wide: down to .8 the 80 % interval of simulated AR(1) series held 86 % at the twelfth step, down to
# .9 it held 84 %, as with the truth alone (200 series, 200 steps).
LEAST_TRUTH = 0.9


class AutoregressiveNetwork(PatchByPatchNetwork):
    """Encode a window, then decode patch after patch, each from the one before it.

    In training the decoder is fed with the truth, less and less often (scheduled sampling), and otherwise with a
    draw from its own quantiles.

    Source: Sutskever et al. 2014, "Sequence to sequence learning with neural networks"; Bengio et al. 2015,
    "Scheduled sampling for sequence prediction with recurrent neural networks".

    Parameters
    ----------
    size : NetworkSize
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__(size)
        D, p = size.hidden_size, size.patch_length
        self.feed = nn.Sequential(nn.Linear(p, D), nn.SiLU(), nn.Linear(D, D))
        self.position = nn.Parameter(torch.randn(self.segments, D) * 0.02)
        self.decoder = make_cell(size.cell, D, size.num_layers, size.dropout)

    def read(self, inputs: Inputs) -> Any:
        """Decode the first patch from the window's final state."""
        return self.advance(0, inputs, self.encoder(inputs))

    def advance(self, segment: int, inputs: Inputs, state: Any) -> Any:
        """Decode one patch more, from the last patch of the window."""
        last: Tensor = inputs.read(self.size.patch_length)
        x = self.feed(last) + self.position[segment]  # [B, D]
        return self.decoder(x.unsqueeze(1), state)[1]

    def truth_share(self, progress: float) -> float:
        """Return the share of windows that are fed with the truth: from 1 down to `LEAST_TRUTH`."""
        return 1 - progress * (1 - LEAST_TRUTH)
