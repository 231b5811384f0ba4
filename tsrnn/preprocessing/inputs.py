"""From windows in original units to what a network reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from tsrnn.preprocessing.contrasts import FACTOR, season_contrasts
from tsrnn.preprocessing.own_season import find_own_season
from tsrnn.preprocessing.profiles import season_profiles
from tsrnn.preprocessing.scaling import scale_windows

# A network need not tell larger scaled values apart, nor larger differences of two. What a forecast starts from is not
# cut: where a season is a thousand times the noise, its peaks are.
LARGEST_Z = 50.0
# Nor need it tell smaller scales apart, relative to the size of the values: a pressure of 1013 hPa that moves by one.
# The base's networks know small ones from prices, and so forecast other values far from zero badly: where 3,000 times
# its mean was added to each series, the MASE on the two last horizons of M1's training parts was 3.16 (years) and 1.41
# (quarters) without the limit and 2.60 and 1.29 with it (2.50 and 1.24 where nothing was added), of hospital .88 and
# .82 (.80), of M4 hourly .90 and .76 (.75). A limit of .03 gave 2.53, 1.24, .81 and .75, but hides what exchange rates
# are known by.
SMALLEST_SCALE = 0.01


@dataclass(frozen=True)
class Inputs:
    """What a network reads of B windows; all scaled, float32.

    Parameters
    ----------
    values : tensor of shape (B, L)
        0 where unobserved.
    observed : tensor of shape (B, L)
        1 where observed, else 0.
    facts : tensor of shape (B, 2 or 3)
        The logarithms of scale / (|loc| + scale), which is at least `SMALLEST_SCALE`, and of the number of observed
        values, and for a network that may start from the window's own season how much better that repeats than the
        named one.
    profiles : tensor of shape (B, K, H)
        Season profiles continued over the horizon, scaled.
    contrasts : tensor of shape (B, C, L)
        `tsrnn.preprocessing.contrasts.season_contrasts`, limited as the values are that are read; C is 0 for a network
        that reads none.
    largest : float
        The size beyond which values are not told apart.
    """

    values: Tensor
    observed: Tensor
    facts: Tensor
    profiles: Tensor
    contrasts: Tensor
    largest: float

    def read(self, count: int) -> Tensor:
        """Return asinh of the newest values, as a network reads them. Shape (B, count)."""
        return torch.asinh(self.values[:, self.values.shape[1] - count :].clamp(-self.largest, self.largest))

    def each(self, change: Callable[[Tensor], Tensor]) -> Inputs:
        """Change every tensor in the same way."""
        return Inputs(
            change(self.values),
            change(self.observed),
            change(self.facts),
            change(self.profiles),
            change(self.contrasts),
            self.largest,
        )

    def repeat(self, times: int) -> Inputs:
        """Repeat every window `times` times, in place order."""
        return self.each(lambda part: part.repeat_interleave(times, 0))


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
    scaled, loc, scale = scale_windows(y, observed, scaling, seasons[0])
    values = scaled.to(torch.float32)
    length, gain = find_own_season(values, observed, seasons[0]) if own_season else (None, None)
    profiles = season_profiles(values, observed, seasons, horizon, length)
    seen = observed.to(torch.float32)
    found = season_contrasts(values, seen, seasons) if contrasts else values.new_empty(len(values), 0, values.shape[1])
    largest = math.inf if scaling == "none" else LARGEST_Z  # values in the user's own unit have no size that is wild
    limit = math.asinh(FACTOR * 2 * largest)
    size = loc.abs() + scale
    relative = torch.where(size > 0, scale / torch.where(size > 0, size, torch.ones_like(size)), torch.ones_like(size))
    facts = [
        torch.log(relative.clamp(min=SMALLEST_SCALE) + 1e-4),
        torch.log(observed.sum(1, keepdim=True).clamp(min=1)) - 4,
    ]
    facts += [gain.unsqueeze(1)] if gain is not None else []
    facts_read = torch.cat(facts, 1).to(torch.float32)
    return Inputs(values, seen, facts_read, profiles, found.clamp(-limit, limit), largest), loc, scale
