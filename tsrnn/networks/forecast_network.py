"""What every network offers: a forecast, and the quantiles that it is trained on."""

from __future__ import annotations

from torch import Tensor, nn

from tsrnn.networks.sampling import sample_paths
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs


class ForecastNetwork(nn.Module):
    """Map `Inputs` of B windows to scaled quantiles [B, H, Q]."""

    size: NetworkSize

    def draw(self, inputs: Inputs, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Draw paths of H steps: from the forecast's quantiles, unless the network has a way of its own.

        Parameters
        ----------
        inputs : Inputs
        noise : tensor of shape (B, P, H), standard normal

        Returns
        -------
        paths : tensor of shape (B, P, H), scaled
        quantiles : tensor of shape (B, P or 1, H, Q), scaled
            What the steps of every path were drawn from; one for all paths where they share it.
        """
        quantiles = self(inputs)
        return sample_paths(quantiles, self.size.quantiles, noise.to(inputs.values)), quantiles.unsqueeze(1)

    def training_quantiles(self, inputs: Inputs, target: Tensor, observed: Tensor, progress: float) -> Tensor:
        """Return the quantiles that the loss compares with the target: the forecast itself, unless overridden.

        Parameters
        ----------
        inputs : Inputs
        target : tensor of shape (B, H), scaled
        observed : bool tensor of shape (B, H)
        progress : float
            Share of the training that is done, 0 to 1.
        """
        quantiles: Tensor = self(inputs)
        return quantiles
