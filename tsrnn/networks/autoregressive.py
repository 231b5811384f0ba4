"""Sequence to sequence, one patch after the other: a decoder that is fed with its own output."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from tsrnn.networks.cells import hidden, make_cell, new_generator, repeat_state
from tsrnn.networks.encoder import PatchEncoder, ProfileMixture
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.heads import QuantileHead
from tsrnn.networks.sampling import SAMPLE_PATHS, sample_paths, stratified_noise
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs

_SEED = (
    0  # of the paths' noise: the same for every window and every call, so that a forecast is a function of its input
)


class AutoregressiveNetwork(ForecastNetwork):
    """Encode a window, then decode patch after patch, each from the one before it.

    In training the decoder is fed with the truth, less and less often (scheduled sampling), and otherwise with a
    draw from its own quantiles. A forecast is made by sample paths: every path feeds its own draws, and the
    quantiles of all paths are the forecast, so intervals widen as errors add up.

    Source: Sutskever et al. 2014, "Sequence to sequence learning with neural networks"; Bengio et al. 2015,
    "Scheduled sampling for sequence prediction with recurrent neural networks".

    Parameters
    ----------
    size : NetworkSize
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        D, p = size.hidden_size, size.patch_length
        self.size = size
        self.segments = math.ceil(size.horizon / p)
        self.encoder = PatchEncoder(size)
        self.feed = nn.Sequential(nn.Linear(p, D), nn.SiLU(), nn.Linear(D, D))
        self.position = nn.Parameter(torch.randn(self.segments, D) * 0.02)
        self.decoder = make_cell(size.cell, D, size.num_layers, size.dropout)
        self.mix = ProfileMixture(size)
        self.head = QuantileHead(D, p, size.quantiles, size.dropout)

    def _step(self, segment: int, previous: Tensor, state: Any, profiles: Tensor) -> tuple[Tensor, Any]:
        """Decode one patch: from the scaled patch before it [B, p] to quantiles [B, p, Q] and the next state."""
        p = self.size.patch_length
        x = self.feed(torch.asinh(previous)) + self.position[segment]  # [B, D]
        _, state = self.decoder(x.unsqueeze(1), state)
        states = hidden(state)[-1].unsqueeze(1)  # [B, 1, D]
        quantiles: Tensor = self.head(states, self.mix(states, profiles[:, :, segment * p : (segment + 1) * p]))
        return quantiles, state

    def _start(self, inputs: Inputs) -> tuple[Tensor, Any]:
        """Return the last patch of each window, scaled, and the state after it."""
        return torch.sinh(inputs.z[:, -self.size.patch_length :]), self.encoder(inputs)

    def forward(self, inputs: Inputs) -> Tensor:
        """Return scaled quantiles of shape (B, H, Q), from sample paths."""
        p, levels, B = self.size.patch_length, self.size.quantiles, inputs.z.shape[0]
        previous, state = self._start(inputs)
        profiles, generator = inputs.profiles, new_generator(_SEED)
        first, state = self._step(0, previous, state, profiles)
        answer, known = [first], first
        if self.segments > 1:
            known, state = first.repeat_interleave(SAMPLE_PATHS, 0), repeat_state(state, SAMPLE_PATHS)
            profiles = profiles.repeat_interleave(SAMPLE_PATHS, 0)
        probabilities = torch.tensor(levels, device=first.device)
        for segment in range(1, self.segments):
            noise = stratified_noise(p, generator).to(first).repeat(B, 1)  # [B·P, p]
            drawn = sample_paths(known.unsqueeze(0), levels, noise)[0]  # [B·P, p]
            known, state = self._step(segment, drawn, state, profiles)
            # What the paths' own forecasts leave open is drawn once more, with noise of its own.
            noise = stratified_noise(p, generator).to(first).repeat(B, 1)
            ahead = sample_paths(known.unsqueeze(0), levels, noise)[0].reshape(B, SAMPLE_PATHS, p)
            answer.append(torch.quantile(ahead, probabilities, dim=1).permute(1, 2, 0))
        return torch.cat(answer, 1)[:, : self.size.horizon]

    def training_quantiles(self, inputs: Inputs, target: Tensor, observed: Tensor, progress: float) -> Tensor:
        """Decode with the truth fed in, in training less and less of it; see `ForecastNetwork`."""
        p, levels = self.size.patch_length, self.size.quantiles
        missing = self.segments * p - target.shape[1]
        target, observed = (nn.functional.pad(part, (0, missing)) for part in (target, observed))
        previous, state = self._start(inputs)
        forced = 1 - progress if self.training else 1.0
        answer = []
        for segment in range(self.segments):
            quantiles, state = self._step(segment, previous, state, inputs.profiles)
            answer.append(quantiles)
            at = slice(segment * p, (segment + 1) * p)
            noise = torch.randn(quantiles.shape[:2], device=quantiles.device) * float(self.training)
            own = sample_paths(quantiles.detach().unsqueeze(0), levels, noise)[0]
            truth = (torch.rand(len(own), 1, device=own.device) < forced) & observed[:, at]
            previous = torch.where(truth, target[:, at], own)
        return torch.cat(answer, 1)[:, : self.size.horizon]
