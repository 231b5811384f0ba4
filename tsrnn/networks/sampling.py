"""Sample paths from forecast quantiles, for horizons that are reached step by step."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import torch
from torch import Tensor

# Paths per window. Stratified noise makes so few of them enough for quantiles from .025 to .975.
SAMPLE_PATHS = 200


def stratified_noise(horizon: int, generator: torch.Generator) -> Tensor:
    """Draw standard normal noise, stratified at every step, so that few paths do. Shape (P, H)."""
    share = (torch.arange(SAMPLE_PATHS, dtype=torch.float64) + 0.5) / SAMPLE_PATHS
    strata = torch.special.ndtri(share)
    return torch.stack([strata[torch.randperm(SAMPLE_PATHS, generator=generator)] for _ in range(horizon)], 1)


def sample_paths(known: Tensor, levels: Sequence[float], noise: Tensor) -> Tensor:
    """Draw paths whose every step has the forecast quantiles, and whose errors persist as far as they must.

    Parameters
    ----------
    known : tensor of shape (B, H, Q), or (B, P, H, Q) with forecasts of its own for every path
    levels : sequence of Q floats, ascending
    noise : tensor of shape (P, H), or (B, P, H) with noise of its own for every window; standard normal

    Returns
    -------
    tensor of shape (B, P, H)

    Notes
    -----
    Marginal quantiles say nothing of how the errors of neighbouring steps hang together. If every step adds the
    first step's variance v_1 to a share of the error before it, the correlation of step t with step t − 1 is
    sqrt(1 − v_1 / v_t): a spread that grows like the root of time gives a random walk, a constant one gives
    independent errors.
    """
    normal = NormalDist()
    knots = torch.tensor([normal.inv_cdf(q) for q in levels], dtype=known.dtype, device=known.device)
    if known.dim() == 3:
        known = known.unsqueeze(1)  # [B, 1, H, Q]
    noise = noise.to(known.device)
    spread = (known[..., -1] - known[..., 0]).cummax(-1).values  # [B, P or 1, H]
    first = spread[..., :1]
    carried = torch.where(spread > 0, 1 - (first / spread.clamp(min=torch.finfo(spread.dtype).tiny)) ** 2, 0.0)
    score = noise[..., 0].expand(known.shape[0], -1)  # [B, P]
    scores = [score]
    for t in range(1, noise.shape[-1]):
        score = carried[..., t].sqrt() * score + (1 - carried[..., t]).sqrt() * noise[..., t]
        scores.append(score)
    z = torch.stack(scores, -1)  # [B, P, H]
    right = torch.searchsorted(knots, z).clamp(1, len(levels) - 1) if len(levels) > 1 else None
    if right is None:
        return known[..., 0].expand(z.shape).clone()
    # Between two knots the path lies on a line; beyond the ends the last line is continued.
    wide = known.expand(*z.shape, -1)  # [B, P, H, Q]
    low = wide.gather(-1, (right - 1).unsqueeze(-1)).squeeze(-1)
    high = wide.gather(-1, right.unsqueeze(-1)).squeeze(-1)
    return low + (high - low) * (z - knots[right - 1]) / (knots[right] - knots[right - 1])
