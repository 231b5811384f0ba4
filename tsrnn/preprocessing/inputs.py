"""From windows in original units to what a network reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from tsrnn.preprocessing.contrasts import RATE, contrast_count, season_contrasts
from tsrnn.preprocessing.missing import fill_missing
from tsrnn.preprocessing.own_season import find_own_season
from tsrnn.preprocessing.profiles import pattern_over, profile_count, season_patterns, season_profiles
from tsrnn.preprocessing.scaling import scale_windows, squashed
from tsrnn.preprocessing.year import (
    YEAR_CONTRASTS,
    YEAR_PROFILES,
    Courses,
    Year,
    year_contrasts,
    year_gain,
    year_profiles,
)

# A network need not tell larger scaled values apart, nor larger differences of two. What a forecast starts from is not
# cut: where a season is a thousand times the noise, its peaks are.
LARGEST_Z = 50.0
# Brings contrasts to the size of the values.
FACTOR = 2.0
# Nor need it tell smaller scales apart, relative to the size of the values: a pressure of 1013 hPa that moves by one.
# The base's networks know small ones from prices, and so forecast other values far from zero badly: where 3,000 times
# its mean was added to each series, the MASE on the two last horizons of M1's training parts was 3.16 (years) and 1.41
# (quarters) without the limit and 2.60 and 1.29 with it (2.50 and 1.24 where nothing was added), of hospital .88 and
# .82 (.80), of M4 hourly .90 and .76 (.75). A limit of .03 gave 2.53, 1.24, .81 and .75, but hides what exchange rates
# are known by.
SMALLEST_SCALE = 0.01


@dataclass(frozen=True)
class Reads:
    """What of its windows a network reads.

    Parameters
    ----------
    seasons : tuple of int
        Season lengths, shortest first.
    contrasts : bool
        Whether it reads contrasts.
    own_season : bool
        Whether its forecast may start from the window's own season.
    year : int
        Steps of a year whose course it knows beside the shortest season, or as that season; 0 for none.
    """

    seasons: tuple[int, ...]
    contrasts: bool = False
    own_season: bool = False
    year: int = 0

    @property
    def profile_count(self) -> int:
        """How many profiles its forecasts start from."""
        return profile_count(self.seasons, own_season=self.own_season) + YEAR_PROFILES * (self.year > 0)

    @property
    def contrast_count(self) -> int:
        """How many contrasts of each value it reads."""
        if not self.contrasts:
            return 0
        return contrast_count(self.seasons) + YEAR_CONTRASTS * (self.year > 0)

    @property
    def fact_count(self) -> int:
        """How many facts of each window it reads."""
        return 2 + self.own_season + (self.year > 0)

    def find(self, values: Tensor, observed: Tensor, known: Tensor) -> WindowSeasons:
        """Find what the seasons of windows look like.

        Parameters
        ----------
        values : tensor of shape (B, L), scaled; 0 where not known
        observed, known : bool tensors of shape (B, L)
            What was observed, and that together with what was filled in (`tsrnn.preprocessing.missing`).
        """
        patterns = season_patterns(values, observed, known, self.seasons)
        if not self.year:
            return WindowSeasons(values, observed, known, patterns)
        # A season that is the year itself is not taken out of it.
        unit = self.seasons[0] if self.seasons[0] < self.year else 1
        pattern = pattern_over(patterns, 0, RATE, values.shape[1]) if unit > 1 else torch.zeros_like(values)
        courses = Courses.find(values, observed, pattern, Year(self.year, unit))
        return WindowSeasons(values, observed, known, patterns, courses)


@dataclass(frozen=True)
class WindowSeasons:
    """What the seasons of B windows look like, found once for all that a network reads of them.

    Parameters
    ----------
    values : tensor of shape (B, L), scaled; 0 where not known
    observed, known : bool tensors of shape (B, L)
        What was observed, and that together with what was filled in (`tsrnn.preprocessing.missing`).
    patterns : tuple of tensors of shape (B, R, m)
        From `season_patterns`.
    courses : Courses, optional
        For a network that knows the year.
    """

    values: Tensor
    observed: Tensor
    known: Tensor
    patterns: tuple[Tensor, ...]
    courses: Courses | None = None

    def profiles(self, horizon: int, own_length: Tensor | None) -> Tensor:
        """Continue the windows over the horizon in every way that a forecast may start from.

        Parameters
        ----------
        horizon : int
        own_length : int64 tensor of shape (B,), or None
            From `find_own_season`, for a network that may start from it.

        Returns
        -------
        tensor of shape (B, K, horizon), scaled, with K = `Reads.profile_count`
        """
        named = season_profiles(self.values, self.observed, self.known, self.patterns, horizon, own_length)
        return named if self.courses is None else torch.cat([named, year_profiles(self.courses, horizon)], 1)


@dataclass(frozen=True)
class Inputs:
    """What a network reads of B windows; all scaled, float32.

    Parameters
    ----------
    values : tensor of shape (B, L)
        0 where unobserved.
    observed : tensor of shape (B, L)
        1 where observed, else 0.
    facts : tensor of shape (B, F)
        The logarithms of scale / (|loc| + scale), which is at least `SMALLEST_SCALE`, and of the number of observed
        values, and for a network that may start from the window's own season how much better that repeats than the
        named one; for one that knows the year how much that tells (`tsrnn.preprocessing.year.year_gain`).
    profiles : tensor of shape (B, K, H)
        Season profiles continued over the horizon, scaled.
    contrasts : tensor of shape (B, C, L)
        asinh of `FACTOR` times `tsrnn.preprocessing.contrasts.season_contrasts`, and those of
        `tsrnn.preprocessing.year` for a network that knows the year, limited as the values are that are read; C is 0
        for a network that reads none.
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
        return squashed(self.values[:, self.values.shape[1] - count :], self.largest)

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


def make_inputs(y: Tensor, observed: Tensor, scaling: str, reads: Reads, horizon: int) -> tuple[Inputs, Tensor, Tensor]:
    """Scale windows and add what the network needs to know of them.

    Parameters
    ----------
    y : float64 tensor of shape (B, L), original units
    observed : bool tensor of shape (B, L)
    scaling : str
        A method of `scale_windows`.
    reads : Reads
    horizon : int

    Returns
    -------
    inputs : Inputs
    loc, scale : float64 tensors of shape (B, 1), original units
    """
    m = reads.seasons[0]
    y, known = fill_missing(y, observed, m)
    scaled, loc, scale = scale_windows(y, observed, scaling, m, known)
    filled = scaled.to(torch.float32)
    size = loc.abs() + scale
    relative = torch.where(size > 0, scale / torch.where(size > 0, size, torch.ones_like(size)), torch.ones_like(size))
    facts = [
        torch.log(relative.clamp(min=SMALLEST_SCALE) + 1e-4),
        torch.log(observed.sum(1, keepdim=True, dtype=filled.dtype).clamp(min=1)) - 4,
    ]
    length = None
    if reads.own_season:
        length, gain = find_own_season(filled, known, m)
        facts.append(gain.unsqueeze(1))
    seen = observed.to(torch.float32)
    found = []
    seasons = reads.find(filled, observed, known)
    if reads.contrasts:
        found.append(season_contrasts(filled, seen, known, seasons.patterns))
    if seasons.courses is not None:
        contrasts = year_contrasts(seasons.courses)
        facts.append(year_gain(contrasts, seasons.courses.year))
        found += [contrasts] * reads.contrasts
    values = filled * seen  # a network reads what is missing as 0, and that it is
    largest = math.inf if scaling == "none" else LARGEST_Z  # values in the user's own unit have no size that is wild
    inputs = Inputs(
        values,
        seen,
        torch.cat(facts, 1).to(torch.float32),
        seasons.profiles(horizon, length),
        squashed(FACTOR * torch.cat(found, 1), FACTOR * 2 * largest)
        if found
        else values.new_empty(len(values), 0, values.shape[1]),
        largest,
    )
    return inputs, loc, scale
