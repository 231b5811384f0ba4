"""Season profiles: what a season of the window looks like, averaged at several rates.

Simple forecasts from which a network starts. A profile is the exponentially weighted average of past seasons around
their own means; rate 1 is the last season alone (the seasonal naive), a small rate nearly the mean of all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tsrnn.preprocessing.own_season import own_lengths, own_profile_count, own_season_profiles
from tsrnn.preprocessing.scaling import latest_observed, masked_mean

RATES = (1.0, 0.6, 0.3, 0.12, 0.04)
LONG_SEASON_RATES = (1.0, 0.3)  # a second, longer season has few repetitions in a window


def season_rates(season_length: int, position: int) -> tuple[float, ...]:
    """Return the rates at which the seasons of one length are averaged.

    `position` counts the seasons of the data, shortest first. Without a season only the last value is a good start.

    >>> season_rates(1, 0), season_rates(168, 1)
    ((1.0,), (1.0, 0.3))
    """
    if season_length == 1:
        return (1.0,)
    return RATES if position == 0 else LONG_SEASON_RATES


def profile_count(seasons: tuple[int, ...], *, own_season: bool = False) -> int:
    """Return how many profiles `season_profiles` makes for these seasons.

    >>> profile_count((12,)), profile_count((24, 168)), profile_count((24, 168), own_season=True)
    (6, 9, 11)
    """
    named = sum(len(season_rates(m, i)) for i, m in enumerate(seasons)) + len(seasons) - 1 + (seasons[0] > 1)
    return named + (own_profile_count(seasons[0]) if own_season else 0)


def season_patterns(z: Tensor, observed: Tensor, known: Tensor, seasons: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Average each season around its own means, at each of its rates.

    Parameters
    ----------
    z : tensor of shape (B, L), scaled; 0 where unobserved, or where not `known`
    observed : bool tensor of shape (B, L)
    known : bool tensor of shape (B, L)
        Where values were observed or filled in (`tsrnn.preprocessing.missing`), as the means of seasons need them.
    seasons : tuple of int
        Season lengths, shortest first; each at most L.

    Returns
    -------
    tuple of tensors of shape (B, R, m), scaled
        Of every season of m steps, at the R rates of `season_rates`.
    """
    return tuple(_patterns(z, observed, known, m, season_rates(m, i)) for i, m in enumerate(seasons))


def season_profiles(
    z: Tensor,
    observed: Tensor,
    known: Tensor,
    patterns: Sequence[Tensor],
    horizon: int,
    own_length: Tensor | None = None,
) -> Tensor:
    """Continue every season's profiles over the horizon.

    Parameters
    ----------
    z : tensor of shape (B, L), scaled; 0 where unobserved, or where not `known`
    observed : bool tensor of shape (B, L)
    known : bool tensor of shape (B, L)
        Where values were observed or filled in (`tsrnn.preprocessing.missing`), as the levels need them.
    patterns : sequence of tensors of shape (B, R, m)
        From `season_patterns`.
    horizon : int
    own_length : int64 tensor of shape (B,), optional
        The windows' own seasons (`tsrnn.preprocessing.own_season`), whose profiles follow if it is given.

    Returns
    -------
    tensor of shape (B, K, horizon), scaled, with K = ``profile_count(seasons, own_season=own_length is not None)``
        Each goes on from the mean of its last season. The averaged profile of a longer season is also continued from
        where the last short season was beside it: a week like the weeks before, from the level of the last day. Where
        there is a season, the last profile of the named ones is the last observed value, for series whose season is
        weak: the level of a season's mean lags behind a random walk.

    Examples
    --------
    >>> z = torch.tensor([[1.0, 2.0, 1.0, 4.0]])
    >>> observed = torch.ones(1, 4, dtype=torch.bool)
    >>> season_profiles(z, observed, observed, season_patterns(z, observed, observed, (2,)), 3)[0, 0]
    tensor([1., 4., 1.])
    """
    profiles = []
    shortest = patterns[0].shape[2]
    for i, pattern in enumerate(patterns):
        levels = masked_mean(z, latest_observed(known, pattern.shape[2]))  # [B, 1]
        profiles.append(_continue(pattern, levels, horizon))
        if i > 0:
            average = pattern[:, -1:]
            beside = z - _lay_over(average[:, 0], z.shape[1])
            profiles.append(_continue(average, masked_mean(beside, latest_observed(known, shortest)), horizon))
    if shortest > 1:
        last = masked_mean(z, latest_observed(observed, 1))  # [B, 1]
        profiles.append(last.unsqueeze(2).expand(-1, -1, horizon))
    if own_length is not None and own_profile_count(shortest):
        # What was filled in keeps the named season, and blurs another one.
        there = torch.where(own_length[:, None] == shortest, known, observed)
        profiles.append(own_season_profiles(z, there, own_length, own_lengths(shortest)[-1], horizon))
    return torch.cat(profiles, 1)


def pattern_over(patterns: Sequence[Tensor], position: int, rate: float, length: int) -> Tensor:
    """Lay one season's profile around 0, averaged at one of its rates, over the window itself.

    Parameters
    ----------
    patterns : sequence of tensors of shape (B, R, m)
        From `season_patterns`.
    position : int
        Which of the seasons.
    rate : float
    length : int
        Steps of the window.

    Returns
    -------
    tensor of shape (B, length), scaled
    """
    at_rates = patterns[position]
    pattern = at_rates[:, season_rates(at_rates.shape[2], position).index(rate)]  # [B, m]
    return _lay_over(pattern - pattern.mean(1, keepdim=True), length)


def _patterns(z: Tensor, observed: Tensor, known: Tensor, m: int, rates: tuple[float, ...]) -> Tensor:
    """Average the window's seasons around their own means, at each rate. Shape (B, R, m)."""
    B, N = z.shape[0], z.shape[1] // m
    if m == 1:
        return z.new_zeros(B, len(rates), 1)
    z, observed, known = (part[:, -N * m :].reshape(B, N, m) for part in (z, observed, known))
    # A season seen by less than half of what the best one is seen by has no mean worth the name: a day that is open for
    # ten hours has one. One season alone has to be seen by half of its length.
    seen = observed.sum(2, keepdim=True)  # [B, N, 1]
    several = (seen > 0).sum(1, keepdim=True) > 1
    usable = observed & (seen * 2 >= torch.where(several, seen.amax(1, keepdim=True), m))
    around = (z - masked_mean(z, known)) * usable
    # Age counts from the newest usable value of each place in the season, whose weight is then 1 however old it is.
    age = torch.arange(N - 1, -1, -1, device=z.device, dtype=z.dtype)[:, None].expand(B, N, m)
    since = (age - age.masked_fill(~usable, N).amin(1, keepdim=True)).clamp(min=0)
    patterns = []
    for rate in rates:
        # (1 - rate) ** since, [B, N, m]; with rate 1 the newest alone. Powers take longer.
        weight = (torch.exp(since * math.log1p(-rate)) if rate < 1 else (since == 0).to(z.dtype)) * usable
        weight = weight / weight.sum(1, keepdim=True).clamp(min=1)
        patterns.append((weight * around).sum(1))  # [B, m]
    return torch.stack(patterns, 1)


def _lay_over(pattern: Tensor, length: int) -> Tensor:
    """Repeat a season, shape (B, m), so that it ends where a window of a length ends. Shape (B, length)."""
    m = pattern.shape[1]
    place = (torch.arange(length, device=pattern.device) - length) % m
    return pattern[:, place]


def _continue(patterns: Tensor, level: Tensor, horizon: int) -> Tensor:
    """Repeat seasons, shape (B, R, m), over the horizon, about a level, shape (B, 1). Shape (B, R, horizon)."""
    repeat = torch.arange(horizon, device=patterns.device) % patterns.shape[2]
    return (patterns + level.unsqueeze(2))[:, :, repeat]
