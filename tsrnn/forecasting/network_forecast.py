"""Forecast with a fitted network: any horizon, any quantile it knows, all windows in a few batches."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import torch
from torch import Tensor

from tsrnn.errors import ParameterError
from tsrnn.networks.cells import new_generator
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.sampling import SAMPLE_PATHS, stratified_noise
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import make_inputs
from tsrnn.preprocessing.windows import FlatSeries, gather_windows

WINDOWS_PER_BATCH = 4096


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
    network : ForecastNetwork
        In evaluation mode.
    size : NetworkSize
    scaling : str
    seed : int
        Of the sample paths.
    """

    def __init__(self, network: ForecastNetwork, size: NetworkSize, scaling: str, seed: int) -> None:
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
                values = torch.cat([values, self._beyond(y, observed, h, wanted)], 1)
            parts.append(torch.where(observed.any(1)[:, None, None], values, torch.nan))
        return torch.cat(parts)

    def _direct(self, y: Tensor, observed: Tensor) -> Tensor:
        inputs, loc, scale = make_inputs(y, observed, self.scaling, self.size.seasons, self.size.horizon)
        z: Tensor = self.network(inputs)
        return z.to(torch.float64) * scale.unsqueeze(-1) + loc.unsqueeze(-1)

    def _draw(self, y: Tensor, observed: Tensor, noise: Tensor) -> Tensor:
        """Draw paths through the trained horizon: noise [B, P, H] to [B, P, H], original units."""
        inputs, loc, scale = make_inputs(y, observed, self.scaling, self.size.seasons, self.size.horizon)
        z = self.network.draw(inputs, noise)
        return z.to(torch.float64) * scale.unsqueeze(-1) + loc.unsqueeze(-1)

    def _beyond(self, y: Tensor, observed: Tensor, h: int, wanted: Sequence[float]) -> Tensor:
        """Forecast the steps after the trained horizon by sample paths. Shape (B, h − H, Q).

        Each path is drawn through a block of H steps by the network, joins its window, and is drawn on from
        there, so that intervals widen as uncertainty adds up. The random numbers are the same for
        every window, so a forecast does not depend on its batch.
        """
        B, H, L = y.shape[0], self.size.horizon, self.size.context_length
        generator = new_generator(self.seed)
        paths = self._draw(y, observed, stratified_noise(H, generator).expand(B, -1, -1)).reshape(-1, H)  # [B·P, H]
        y, observed = y.repeat_interleave(SAMPLE_PATHS, 0), observed.repeat_interleave(SAMPLE_PATHS, 0)
        blocks = []
        for _ in range(-(-h // H) - 1):
            y = torch.cat([y, paths], 1)[:, -L:]
            observed = torch.cat([observed, torch.ones_like(paths, dtype=torch.bool)], 1)[:, -L:]
            noise = stratified_noise(H, generator).repeat(B, 1).unsqueeze(1)  # [B·P, 1, H]
            paths = self._draw(y, observed, noise).reshape(-1, H)  # [B·P, H]
            blocks.append(paths.reshape(B, SAMPLE_PATHS, H))
        sampled = torch.cat(blocks, 2)[..., : h - H]  # [B, P, h − H]
        probabilities = torch.tensor(list(wanted), dtype=torch.float64, device=y.device)
        return torch.quantile(sampled, probabilities, dim=1).permute(1, 2, 0)
