"""Convolutions over sequences of unequal length, which padding does not reach."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Wang, Yan and Oates 2017, "Time series classification from scratch", have 8, 5 and 3; odd ones keep steps in place.
KERNELS = (7, 5, 3)


def step_mask(lengths: Tensor, longest: int) -> Tensor:
    """Return which steps belong to each sequence, a bool tensor of shape (B, longest).

    >>> step_mask(torch.tensor([1, 3]), 3).tolist()
    [[True, False, False], [True, True, True]]
    """
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


class ConvolutionStack(nn.Module):
    """Convolve, normalise over the batch, rectify; several times, with kernels of 7, 5 and 3 steps.

    Source: Wang, Yan and Oates 2017, "Time series classification from scratch with deep neural networks", where the
    stack is called a fully convolutional network.

    Parameters
    ----------
    n_inputs : int
    filters : tuple of int
        Channels of each convolution. From the third on, kernels have 3 steps.
    """

    def __init__(self, n_inputs: int, filters: tuple[int, ...]) -> None:
        super().__init__()
        widths = (n_inputs, *filters)
        kernels = [KERNELS[min(layer, len(KERNELS) - 1)] for layer in range(len(filters))]
        # A bias would be taken away again by the normalisation.
        self.convolutions = nn.ModuleList(
            nn.Conv1d(widths[layer], widths[layer + 1], kernel, padding=kernel // 2, bias=False)
            for layer, kernel in enumerate(kernels)
        )
        self.norms = nn.ModuleList(MaskedBatchNorm(width) for width in filters)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map sequences [B, L, C] with a mask [B, L] to [B, L, F], 0 where the mask is False."""
        inside = mask.unsqueeze(1)  # [B, 1, L]
        x = x.transpose(1, 2) * inside  # [B, C, L]
        for convolve, norm in zip(self.convolutions, self.norms, strict=True):
            x = torch.relu(norm(convolve(x), mask)) * inside
        return x.transpose(1, 2)


class MaskedBatchNorm(nn.BatchNorm1d):
    """Normalise each channel over all steps that belong to a sequence, so that padding is not counted."""

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map [B, C, L] with a mask [B, L] to the same shape."""
        if not self.training or mask is None:
            return super().forward(input)
        n_steps = int(mask.sum())
        if n_steps < 2:  # one value has no spread
            return nn.functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        if n_steps == mask.numel():
            return super().forward(input)
        steps = input.transpose(1, 2)  # [B, L, C]
        normalised = torch.zeros_like(steps).masked_scatter(mask.unsqueeze(-1), super().forward(steps[mask]))
        return normalised.transpose(1, 2)


def average_pool(x: Tensor, mask: Tensor, steps: int) -> Tensor:
    """Average each run of so many steps of [B, L, C], over those that the mask [B, L] has. [B, ceil(L / steps), C].

    A run without any step is 0.
    """
    beyond = -x.shape[1] % steps
    B, L, C = x.shape
    x = nn.functional.pad(x * mask.unsqueeze(-1), (0, 0, 0, beyond))
    x = x.reshape(B, (L + beyond) // steps, steps, C).sum(2)  # [B, S, C]
    counts = nn.functional.pad(mask, (0, beyond)).reshape(B, -1, steps).sum(2)  # [B, S]
    return x / counts.clamp(min=1).unsqueeze(-1)
