"""From windows in original units to what a network reads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tsrnn.preprocessing.contrasts import season_contrasts
from tsrnn.preprocessing.own_season import find_own_season
from tsrnn.preprocessing.profiles import season_profiles
from tsrnn.preprocessing.scaling import scale_windows

# Scaled values beyond this are wild (a tiny scale before a jump); the network need not tell them apart.
LARGEST_Z = 50.0


@dataclass(frozen=True)
class Inputs:
    """What a network reads of B windows; all scaled, float32.

    Parameters
    ----------
    z : tensor of shape (B, L)
        asinh of the scaled values; 0 where unobserved.
    observed : tensor of shape (B, L)
        1 where observed, else 0.
    facts : tensor of shape (B, 2 or 3)
        The logarithms of scale / (|loc| + scale) and of the number of observed values, and for a network that may
        start from the window's own season how much better that repeats than the named one.
    profiles : tensor of shape (B, K, H)
        Season profiles continued over the horizon, scaled.
    contrasts : tensor of shape (B, C, L)
        `tsrnn.preprocessing.contrasts.season_contrasts`; C is 0 for a network that reads none.
    """

    z: Tensor
    observed: Tensor
    facts: Tensor
    profiles: Tensor
    contrasts: Tensor

    def repeat(self, times: int) -> Inputs:
        """Repeat every window `times` times, in place order."""
        parts = (self.z, self.observed, self.facts, self.profiles, self.contrasts)
        return Inputs(*(part.repeat_interleave(times, 0) for part in parts))


def make_inputs(
    y: Tensor,
    observed: Tensor,
    scaling: str,
    seasons: tuple[int, ...],
    horizon: int,
    *,
    contrasts: bool = False,
    own_season: bool = False,
) -> tuple[Inputs, Tensor, Tensor]:
    """Scale windows and add what the network needs to know of them.

    Parameters
    ----------
    y : float64 tensor of shape (B, L), original units
    observed : bool tensor of shape (B, L)
    scaling : str
        A method of `scale_windows`.
    seasons : tuple of int
        Season lengths, shortest first.
    horizon : int
    contrasts : bool
        Whether the network reads contrasts.
    own_season : bool
        Whether its forecast may start from the window's own season.

    Returns
    -------
    inputs : Inputs
    loc, scale : float64 tensors of shape (B, 1), original units
    """
    z, loc, scale = scale_windows(y, observed, scaling, seasons[0])
    if scaling != "none":  # values in the user's own unit have no size that would be wild
        z = z.clamp(-LARGEST_Z, LARGEST_Z)
    z = z.to(torch.float32)
    length, gain = find_own_season(z, observed, seasons[0]) if own_season else (None, None)
    profiles = season_profiles(z, observed, seasons, horizon, length)
    seen = observed.to(torch.float32)
    found = season_contrasts(z, seen, seasons) if contrasts else z.new_empty(len(z), 0, z.shape[1])
    size = loc.abs() + scale
    relative = torch.where(size > 0, scale / torch.where(size > 0, size, torch.ones_like(size)), torch.ones_like(size))
    facts = [torch.log(relative + 1e-4), torch.log(observed.sum(1, keepdim=True).clamp(min=1)) - 4]
    facts += [gain.unsqueeze(1)] if gain is not None else []
    return Inputs(torch.asinh(z), seen, torch.cat(facts, 1).to(torch.float32), profiles, found), loc, scale
