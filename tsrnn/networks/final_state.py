"""Sequence to one: the final state forecasts the next patch, and longer horizons follow step by step."""

from __future__ import annotations

from torch import Tensor

from tsrnn.networks.cells import hidden
from tsrnn.networks.encoder import PatchEncoder, ProfileMixture
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.heads import QuantileHead
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs


class FinalStateNetwork(ForecastNetwork):
    """Read a window patch by patch and forecast the patch after it from the final state.

    It is trained on that one patch. Longer horizons are forecast by sample paths: each path joins the window and is
    read again, so that intervals widen as errors add up.

    Parameters
    ----------
    size : NetworkSize
        With a horizon of at most one patch.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.encoder = PatchEncoder(size)
        self.mix = ProfileMixture(size)
        self.head = QuantileHead(size.hidden_size, size.patch_length, size.quantiles, size.dropout)

    def forward(self, inputs: Inputs) -> Tensor:
        """Return scaled quantiles of shape (B, H, Q), with H at most a patch."""
        states = hidden(self.encoder(inputs))[-1].unsqueeze(1)  # [B, 1, D]
        quantiles: Tensor = self.head(states, self.mix(states, inputs.profiles))  # [B, p, Q]
        return quantiles[:, : self.size.horizon]
