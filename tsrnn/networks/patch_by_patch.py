"""What the networks share that forecast one patch after the other: their training and their sample paths."""

from __future__ import annotations

import math
from dataclasses import replace
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor, nn

from tsrnn.networks.cells import hidden, repeat_state
from tsrnn.networks.encoder import PatchEncoder, ProfileMixture
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.heads import QuantileHead
from tsrnn.networks.randomness import new_generator, own_generator
from tsrnn.networks.sampling import SAMPLE_PATHS, mixture_quantiles, sample_paths, stratified_noise
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs
from tsrnn.preprocessing.missing import fill_missing
from tsrnn.preprocessing.own_season import find_own_season

# Of the paths' noise: the same for every window and every call, so that a forecast is a function of its input.
_SEED = 0

# Paths that are drawn together; more need more memory and are not faster.
_PATHS_PER_BATCH = 1024


class PatchByPatchNetwork(ForecastNetwork):
    """Forecast a patch, take it as known, and forecast the next.

    A known patch joins the window, whose oldest patch leaves it: its season profiles follow what is known, its scale
    stays, and the state is carried on. In training the known patches are the truth. A forecast is made by sample
    paths: every path takes its own draws as known, and the mixture of what all paths forecast is the forecast, so
    that intervals widen as errors add up.

    A network of this kind says how a state comes from a window, `read`, and how it goes on, `advance`.

    Parameters
    ----------
    size : NetworkSize
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.segments = math.ceil(size.horizon / size.patch_length)
        self.encoder = PatchEncoder(size)
        self.mix = ProfileMixture(size)
        self.head = QuantileHead(size.hidden_size, size.patch_length, size.quantiles, size.dropout)

    def read(self, inputs: Inputs) -> Any:
        """Return the state that forecasts the patch after the window."""
        raise NotImplementedError

    def advance(self, segment: int, inputs: Inputs, state: Any) -> Any:
        """Return the state that forecasts patch number `segment`, after the last patch of the window became known."""
        raise NotImplementedError

    def truth_share(self, progress: float) -> float:
        """Return the share of training windows in which the truth is known, not a draw from the forecast."""
        return 1.0

    def forward(self, inputs: Inputs) -> Tensor:
        """Return scaled quantiles of shape (B, H, Q): of the first patch at once, of the others from sample paths."""
        B, H, p = len(inputs.values), self.size.horizon, self.size.patch_length
        if self.segments == 1:
            return self._quantiles(self.read(inputs), inputs)[:, :H]
        noise = stratified_noise(SAMPLE_PATHS, H, new_generator(_SEED)).to(inputs.values)  # [P, H]
        levels = self.size.quantiles
        answer = []
        windows = max(1, _PATHS_PER_BATCH // SAMPLE_PATHS)
        for start in range(0, B, windows):
            part = inputs.each(itemgetter(slice(start, start + windows)))
            _, quantiles = self.draw(part, noise.expand(len(part.values), -1, -1))
            rest = mixture_quantiles(quantiles[:, :, p:], levels, levels)  # [B, H − p, Q]
            answer.append(torch.cat([quantiles[:, 0, :p], rest], 1))
        return torch.cat(answer) if answer else inputs.values.new_empty(0, H, len(levels))

    def draw(self, inputs: Inputs, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Draw the network's own paths; see `ForecastNetwork.draw`."""
        p, (B, P, H) = self.size.patch_length, noise.shape
        noise = nn.functional.pad(noise.to(inputs.values), (0, self.segments * p - H)).reshape(B * P, -1)  # [B·P, S·p]
        state = self.read(inputs)
        known = [self._quantiles(state, inputs).repeat_interleave(P, 0)]  # of every patch [B·P, p, Q]
        inputs, state = inputs.repeat(P), repeat_state(state, P)
        paths: list[Tensor] = []
        for segment in range(self.segments):
            if segment:
                inputs = self._joined(inputs, paths[-1])
                state = self.advance(segment, inputs, state)
                known.append(self._quantiles(state, inputs))
            along = noise[:, segment * p : (segment + 1) * p]
            paths.append(sample_paths(known[-1].unsqueeze(0), self.size.quantiles, along)[0])
        return torch.cat(paths, 1)[:, :H].reshape(B, P, H), torch.cat(known, 1)[:, :H].reshape(B, P, H, -1)

    def training_quantiles(self, inputs: Inputs, target: Tensor, observed: Tensor, progress: float) -> Tensor:
        """Forecast every patch with the truth before it known; see `ForecastNetwork`."""
        p, H = self.size.patch_length, self.size.horizon
        missing = self.segments * p - H
        target, observed = (nn.functional.pad(part, (0, missing)) for part in (target, observed))
        share = self.truth_share(progress) if self.training else 1.0
        state = self.read(inputs)
        answer = [self._quantiles(state, inputs)]
        for segment in range(1, self.segments):
            at = slice((segment - 1) * p, segment * p)
            noise = torch.empty_like(answer[-1][..., 0]).normal_(generator=own_generator())
            noise *= float(self.training)
            own = sample_paths(answer[-1].detach().unsqueeze(0), self.size.quantiles, noise)[0]
            known = torch.empty_like(own[:, :1]).uniform_(generator=own_generator()) < share
            truth = known & observed[:, at]
            inputs = self._joined(inputs, torch.where(truth, target[:, at], own))
            state = self.advance(segment, inputs, state)
            answer.append(self._quantiles(state, inputs))
        return torch.cat(answer, 1)[:, :H]

    def _quantiles(self, state: Any, inputs: Inputs) -> Tensor:
        states = hidden(state)[-1].unsqueeze(1)  # [B, 1, D]
        quantiles: Tensor = self.head(states, self.mix(states, inputs.profiles[..., : self.size.patch_length]))
        return quantiles  # [B, p, Q]

    def _joined(self, inputs: Inputs, patch: Tensor) -> Inputs:
        """Move the windows on by a scaled patch [B, p]."""
        p = self.size.patch_length
        values = torch.cat([inputs.values[:, p:], patch], 1)  # [B, L]
        observed = torch.cat([inputs.observed[:, p:], torch.ones_like(patch)], 1)
        reads, seen = self.size.reads, observed > 0
        filled, known = fill_missing(values, seen, reads.seasons[0])
        length = find_own_season(filled, known, reads.seasons[0])[0] if reads.own_season else None
        profiles = reads.find(filled, seen, known).profiles(p, length)  # [B, K, p]
        return replace(inputs, values=values, observed=observed, profiles=profiles)
