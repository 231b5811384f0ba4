"""Forecast with a fitted network: any horizon, any quantile it knows, all windows in a few batches."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import torch
from torch import Tensor, nn

from tsrnn.errors import ParameterError
from tsrnn.networks.cells import new_generator
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import make_inputs
from tsrnn.preprocessing.windows import FlatSeries, gather_windows

WINDOWS_PER_BATCH = 4096

# Beyond the trained horizon a forecast goes on from this many sample paths per window.
SAMPLE_PATHS = 200


def check_known_quantiles(wanted: Sequence[float], known: Sequence[float]) -> None:
    """Raise ParameterError if a quantile lies beyond those that the network was trained on."""
    outside = [q for q in wanted if not known[0] - 1e-9 <= q <= known[-1] + 1e-9]
    if outside:
        widest = 100 * (1 - 2 * max(known[0], 1 - known[-1]))
        raise ParameterError(
            f"Quantiles {', '.join(f'{q:g}' for q in outside[:5])} lie outside the trained range {known[0]:g} to "
            f"{known[-1]:g} (levels up to {widest:g} %). Ask for less, or fit with wider `quantiles`."
        )


def interpolation_matrix(known: Sequence[float], wanted: Sequence[float]) -> Tensor:
    """Return the weights that turn known quantiles into wanted ones. Shape (Q_known, Q_wanted), float64.

    Linear between neighbours on the scale of a normal distribution's quantiles; beyond the ends the last two
    are continued (only sample paths need that).

    >>> interpolation_matrix((0.1, 0.5, 0.9), (0.5,)).flatten().tolist()
    [0.0, 1.0, 0.0]
    """
    normal = NormalDist()
    x, targets = np.array([normal.inv_cdf(q) for q in known]), np.array([normal.inv_cdf(q) for q in wanted])
    if len(x) == 1:
        return torch.ones(1, len(targets), dtype=torch.float64)
    right = np.clip(np.searchsorted(x, targets - 1e-12), 1, len(x) - 1)
    share = (targets - x[right - 1]) / (x[right] - x[right - 1])
    weights = np.zeros((len(x), len(targets)))
    columns = np.arange(len(targets))
    weights[right - 1, columns] = np.where(np.abs(1 - share) < 1e-9, 0.0, 1 - share)
    weights[right, columns] += np.where(np.abs(share) < 1e-9, 0.0, share)
    return torch.from_numpy(weights)


class NetworkForecast:
    """A fitted network with what is needed to forecast from original units to original units.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    size : NetworkSize
    scaling : str
    seed : int
        Of the sample paths.
    """

    def __init__(self, network: nn.Module, size: NetworkSize, scaling: str, seed: int) -> None:
        self.network, self.size, self.scaling, self.seed = network, size, scaling, seed

    @torch.inference_mode()
    def quantiles(self, flat: FlatSeries, series: Tensor, end: Tensor, h: int, wanted: Sequence[float]) -> Tensor:
        """Forecast B windows.

        Parameters
        ----------
        flat : FlatSeries
        series, end : int64 tensors of shape (B,)
            Each window ends before row `end` of its series.
        h : int
        wanted : sequence of Q floats, ascending

        Returns
        -------
        float64 tensor of shape (B, h, Q), original units; NaN where a window has no observed value
        """
        check_known_quantiles(wanted, self.size.quantiles)
        if len(series) == 0:
            return torch.empty(0, h, len(wanted), dtype=torch.float64, device=series.device)
        long = h > self.size.horizon
        batch = max(1, WINDOWS_PER_BATCH // SAMPLE_PATHS) if long else WINDOWS_PER_BATCH
        parts = []
        for s, e in zip(torch.split(series, batch), torch.split(end, batch), strict=True):
            y, observed = gather_windows(flat, s, e - self.size.context_length, self.size.context_length)
            known = self._direct(y, observed)  # [B, H, Q_known]
            matrix = interpolation_matrix(self.size.quantiles, wanted).to(known.device)
            values = (known @ matrix)[:, :h]
            if long:
                values = torch.cat([values, self._beyond(y, observed, known, h, wanted)], 1)
            parts.append(torch.where(observed.any(1)[:, None, None], values, torch.nan))
        return torch.cat(parts)

    def _direct(self, y: Tensor, observed: Tensor) -> Tensor:
        inputs, loc, scale = make_inputs(y, observed, self.scaling, self.size.seasons, self.size.horizon)
        z: Tensor = self.network(inputs)
        return z.to(torch.float64) * scale.unsqueeze(-1) + loc.unsqueeze(-1)

    def _beyond(self, y: Tensor, observed: Tensor, known: Tensor, h: int, wanted: Sequence[float]) -> Tensor:
        """Forecast the steps after the trained horizon by sample paths. Shape (B, h − H, Q).

        Each path is drawn through a block of H steps from the network's quantiles, joins its window, and is
        forecast on from there, so that intervals widen as uncertainty adds up. The random numbers are the same for
        every window, so a forecast does not depend on its batch.
        """
        B, H, L = y.shape[0], self.size.horizon, self.size.context_length
        generator = new_generator(self.seed)
        y, observed = y.repeat_interleave(SAMPLE_PATHS, 0), observed.repeat_interleave(SAMPLE_PATHS, 0)
        paths = sample_paths(known, self.size.quantiles, _noise(H, generator)).reshape(-1, H)  # [B·P, H]
        blocks = []
        for _ in range(-(-h // H) - 1):
            y = torch.cat([y, paths], 1)[:, -L:]
            observed = torch.cat([observed, torch.ones_like(paths, dtype=torch.bool)], 1)[:, -L:]
            ahead = self._direct(y, observed).reshape(B, SAMPLE_PATHS, H, -1)  # [B, P, H, Q_known]
            paths = sample_paths(ahead, self.size.quantiles, _noise(H, generator)).reshape(-1, H)
            blocks.append(paths.reshape(B, SAMPLE_PATHS, H))
        sampled = torch.cat(blocks, 2)[..., : h - H]  # [B, P, h − H]
        probabilities = torch.tensor(list(wanted), dtype=torch.float64, device=known.device)
        return torch.quantile(sampled, probabilities, dim=1).permute(1, 2, 0)


def _noise(horizon: int, generator: torch.Generator) -> Tensor:
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
    noise : tensor of shape (P, H), standard normal

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
    score = noise[:, 0].expand(known.shape[0], -1)  # [B, P]
    scores = [score]
    for t in range(1, noise.shape[1]):
        score = carried[..., t].sqrt() * score + (1 - carried[..., t]).sqrt() * noise[:, t]
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
