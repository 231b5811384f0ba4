"""Contrasts: each value of a window against a season before, its season's mean, and the season's profile.

A network that reads scaled values alone must find growth and noise by subtracting values that lie a season apart, which
it learns slowly and never exactly. The differences are handed to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsrnn.preprocessing.profiles import pattern_over
from tsrnn.preprocessing.scaling import masked_mean

# The rates of the profiles that are taken out, of the shortest and of longer seasons, which a window repeats less
# often (each one of `season_rates`).
RATE, LONG_SEASON_RATE = 0.12, 0.3


def contrast_count(seasons: tuple[int, ...]) -> int:
    """Return how many contrasts `season_contrasts` makes for these seasons.

    >>> contrast_count((1,)), contrast_count((12,)), contrast_count((24, 168))
    (1, 4, 7)
    """
    return 3 * len(seasons) + 1 if seasons[0] > 1 else len(seasons)


def season_contrasts(z: Tensor, observed: Tensor, known: Tensor, patterns: Sequence[Tensor]) -> Tensor:
    """Contrast every value of each window with the values that tell something of it.

    Parameters
    ----------
    z : tensor of shape (B, L), scaled; 0 where unobserved, or where not `known`
    observed : tensor of shape (B, L)
        1 where observed, else 0.
    known : bool tensor of shape (B, L)
        Where values were observed or filled in (`tsrnn.preprocessing.missing`), as the means of seasons need them.
    patterns : sequence of tensors of shape (B, R, m)
        From `tsrnn.preprocessing.profiles.season_patterns`.

    Returns
    -------
    tensor of shape (B, C, L) with C = ``contrast_count(seasons)``, scaled
        The value less that of a season before, for every season; and where there is a season, the
        value less its season's mean (seasons count from the window's end), less its season's profile, and how the
        latter moved since the value before; last, these two with the profile of each longer season. 0 where one of the
        values is unobserved or before the window.

    Examples
    --------
    >>> z = torch.tensor([[1.0, 2.0, 4.0, 8.0]])
    >>> season_contrasts(z, torch.ones(1, 4), torch.ones(1, 4).bool(), [torch.zeros(1, 1, 1)])
    tensor([[[0., 1., 2., 4.]]])
    """
    seasons = [pattern.shape[2] for pattern in patterns]
    m = seasons[0]
    contrasts = [_change(z, observed, season) for season in seasons]
    if m > 1:
        contrasts.append(_around_season(z, observed, known, m))
        for i in range(len(seasons)):
            adjusted = z - pattern_over(patterns, i, LONG_SEASON_RATE if i else RATE, z.shape[1])
            contrasts += [adjusted * observed, _change(adjusted, observed, 1)]
    return torch.stack(contrasts, 1)


def _change(z: Tensor, observed: Tensor, lag: int) -> Tensor:
    change = torch.zeros_like(z)
    change[:, lag:] = (z[:, lag:] - z[:, :-lag]) * observed[:, lag:] * observed[:, :-lag]
    return change


def _around_season(z: Tensor, observed: Tensor, known: Tensor, m: int) -> Tensor:
    """Subtract the mean of each season of m values, counted from the end; the oldest may be a part of one."""
    B, L = z.shape
    begin = -L % m
    parts = (z, observed, known)
    z, observed, known = (torch.nn.functional.pad(part, (begin, 0)).reshape(B, -1, m) for part in parts)
    around = (z - masked_mean(z, known)) * observed
    return around.reshape(B, -1)[:, begin:]
