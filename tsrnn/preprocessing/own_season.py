"""The season that a window itself keeps, where it is not quite the one that was named.

A day of a table can have 23 rows because an hour is missing, a tide takes 24.8 hours, a machine's shift drifts. A
profile of the named season then averages cycles that are out of step, and forecasts a flat line where the last cycle,
repeated, is nearly perfect.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tsrnn.preprocessing.scaling import latest_observed, masked_mean

# How far the length may be from the named one, and the longest season for which lengths are compared.
REACH, LONGEST = 1 / 8, 400
# Lengths are compared by how well they repeat the last so many named seasons.
JUDGED_SEASONS = 3
# Changes as small as this, in units of a window's scale, say nothing for or against a length.
SMALLEST_CHANGE = 1e-2
# Rates at which the last cycles are averaged, and how many.
RATES, CYCLES = (1.0, 0.3), 4


def own_lengths(m: int) -> range:
    """Return the lengths that are compared for a named season of m steps: m alone where there are no others.

    >>> own_lengths(24), own_lengths(7)
    (range(21, 28), range(7, 8))
    """
    if m > LONGEST:
        return range(m, m + 1)
    return range(math.ceil(m * (1 - REACH)), math.floor(m * (1 + REACH)) + 1)


def own_profile_count(m: int) -> int:
    """Return how many profiles `own_season_profiles` makes for a named season: none of one too short to have another.

    >>> own_profile_count(7), own_profile_count(24), own_profile_count(1440)
    (0, 2, 2)
    """
    return len(RATES) if m * REACH >= 1 else 0


def find_own_season(z: Tensor, observed: Tensor, m: int) -> tuple[Tensor, Tensor]:
    """Find the length at which the newest values of each window repeat themselves best.

    Parameters
    ----------
    z : tensor of shape (B, L), scaled; 0 where unobserved
    observed : bool tensor of shape (B, L)
    m : int
        The named season.

    Returns
    -------
    length : int64 tensor of shape (B,)
        The length at which values so many steps apart differ least: by the mean absolute deviation of the differences
        from their mean, since a trend makes all differ. m where a window is too short, or has too few pairs of values
        m steps apart to tell.
    gain : tensor of shape (B,)
        The logarithm of how many times smaller that deviation is than at m steps; 0 where nothing tells.
    """
    B, L = z.shape
    lengths = own_lengths(m)
    judged = min(JUDGED_SEASONS * m, L - lengths[-1])
    best = torch.full((B,), m, device=z.device)
    if len(lengths) == 1 or judged < m:
        return best, z.new_zeros(B)
    least = named = torch.full((B,), torch.inf, device=z.device, dtype=z.dtype)
    values, there = z[:, L - judged :], observed[:, L - judged :]
    for length in sorted(lengths, key=lambda length: abs(length - m)):  # the named one first: it wins where all tie
        both = there & observed[:, L - judged - length : L - length]
        change = values - z[:, L - judged - length : L - length]
        change = masked_mean((change - masked_mean(change, both)).abs(), both).squeeze(1)
        change = torch.where(both.sum(1) * 2 >= judged, change, torch.inf)
        named = change if length == m else named
        better = torch.isfinite(named) & (change + SMALLEST_CHANGE < least)
        best = torch.where(better, length, best)
        least = torch.where(better | (length == m), change, least)
    gain = torch.log((named + SMALLEST_CHANGE) / (least + SMALLEST_CHANGE))
    return best, torch.where(torch.isfinite(named), gain, 0.0)


def own_season_profiles(z: Tensor, observed: Tensor, length: Tensor, longest: int, horizon: int) -> Tensor:
    """Continue the last cycles of each window's own season over the horizon.

    Parameters
    ----------
    z : tensor of shape (B, L), scaled; 0 where unobserved
    observed : bool tensor of shape (B, L)
    length : int64 tensor of shape (B,)
        From `find_own_season`.
    longest : int
        The longest that it can be.
    horizon : int

    Returns
    -------
    tensor of shape (B, K, horizon), scaled; K is the number of `RATES`
        The weighted average of the last four cycles around their own means, about the mean of the last observed
        values, as many as a cycle has.

    Examples
    --------
    A season of nine steps was named, the values repeat after eight:

    >>> z = torch.arange(8.0).repeat(5)[None]
    >>> observed = torch.ones(1, 40, dtype=torch.bool)
    >>> length, _ = find_own_season(z, observed, 9)
    >>> own_season_profiles(z, observed, length, 10, 10)[0, 0]
    tensor([0., 1., 2., 3., 4., 5., 6., 7., 0., 1.])
    """
    B, L = z.shape
    length = length[:, None]  # [B, 1]
    step = torch.arange(longest, device=z.device)
    level = masked_mean(z, latest_observed(observed, length))  # [B, 1]
    total, weights = ([z.new_zeros(B, longest) for _ in RATES] for _ in range(2))
    for age in range(CYCLES):
        place = L - length * (age + 1) + step  # [B, longest]
        inside = (step < length) & (place >= 0)
        place = place.clamp(0, L - 1)
        there = observed.gather(1, place) & inside
        count = there.sum(1, keepdim=True)
        values = z.gather(1, place)
        mean = masked_mean(values, there)
        usable = there & (2 * count >= length)  # a cycle seen by less than half has no mean worth the name
        for k, rate in enumerate(RATES):
            # At rate 1 an older value counts only where no newer one is there.
            weight = (1 - rate) ** age * usable.to(z.dtype) if rate < 1 else usable & (weights[k] == 0)
            total[k] = total[k] + weight * (values - mean)
            weights[k] = weights[k] + weight
    total_weight = torch.stack(weights, 1)  # [B, K, longest]
    cycle = torch.stack(total, 1) / torch.where(total_weight > 0, total_weight, 1.0) + level.unsqueeze(1)
    future = torch.arange(horizon, device=z.device) % length  # [B, horizon]
    return torch.gather(cycle, 2, future.unsqueeze(1).expand(-1, len(RATES), -1))
