"""What every network offers: a forecast, and the quantiles that it is trained on."""

from __future__ import annotations

from torch import Tensor, nn

from tsrnn.preprocessing.inputs import Inputs


class ForecastNetwork(nn.Module):
    """Map `Inputs` of B windows to scaled quantiles [B, H, Q]."""

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
