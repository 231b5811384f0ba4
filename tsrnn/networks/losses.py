"""Losses on scaled values, with a mask for what was not observed."""

from __future__ import annotations

import torch
from torch import Tensor


def quantile_loss(prediction: Tensor, target: Tensor, observed: Tensor, quantiles: Tensor) -> Tensor:
    """Average the pinball loss over quantiles, observed points and windows, bounding the pull of wild windows.

    Parameters
    ----------
    prediction : tensor of shape (B, H, Q), scaled
    target : tensor of shape (B, H), scaled; any value where unobserved
    observed : bool tensor of shape (B, H)
    quantiles : tensor of shape (Q,)

    Returns
    -------
    scalar tensor
        The mean over windows of l / (1 + l/10), where the denominator counts as a constant: a window whose loss
        is ten times the usual pulls no more than a few usual ones. A window without any target counts 0.
    """
    error = target.unsqueeze(-1) - prediction  # [B, H, Q]
    loss = torch.maximum(quantiles * error, (quantiles - 1) * error).mean(-1)  # [B, H]
    loss = torch.where(observed, loss, 0.0).sum(-1) / observed.sum(-1).clamp(min=1)  # [B]
    return (loss / (1 + 0.1 * loss.detach())).mean()
