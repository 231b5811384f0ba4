"""Missing values of a window, filled for the sake of its levels alone.

The level of a season is the mean of its values. Where one is missing, the mean of the others is another level: without
its Saturday a week of sales is a week of less, and all that is measured from it is as wrong. So a missing value
counts there as what its place in the season and the level about it say. A network reads it as missing still.

With a third of the last season hidden the base's error of the next one, in units of the mean seasonal difference, is
1.645 on 750 windows of Tourism monthly (1.767 where levels leave missing values out, 1.579 with all values) and .832 on
750 of hospital (.835, .812).
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsrnn.preprocessing.scaling import masked_mean

# The rate at which seasons are averaged, as in the profile that is taken out of contrasts; .04 and .3 do as well.
RATE = 0.12
# The season and the levels about it are found from each other; a fourth time would move nothing.
ROUNDS = 3


def fill_missing(y: Tensor, observed: Tensor, season_length: int) -> tuple[Tensor, Tensor]:
    """Fill the missing values of windows with their season, about the mean of the season's worth before and after.

    Parameters
    ----------
    y : float tensor of shape (B, L), any unit; any value where unobserved
    observed : bool tensor of shape (B, L)
    season_length : int

    Returns
    -------
    values : tensor of shape (B, L)
        `y` where it is observed, what was filled in where only `known` holds, else 0.
    known : bool tensor of shape (B, L)
        Whether a value was observed or filled in. Not filled are rows before the first value, which are no part of
        the history, and places of the season that have no value in the whole window. Without a season nothing is
        filled.

    Examples
    --------
    >>> y = torch.tensor([[0.0, 1.0, 5.0, 2.0, 6.0, 3.0, 0.0, 4.0, 8.0]])
    >>> values, known = fill_missing(y, y > 0, 2)
    >>> values.round()
    tensor([[0., 1., 5., 2., 6., 3., 7., 4., 8.]])
    >>> known
    tensor([[False,  True,  True,  True,  True,  True,  True,  True,  True]])
    """
    values = torch.where(observed, y, torch.zeros_like(y))
    if season_length == 1:
        return values, observed
    if y.device.type != "cpu":  # it would wait for the look, and what is complete keeps its numbers without
        return _filled(values, observed, season_length)
    # A complete history costs no more than this look.
    rows = torch.nonzero((observed[:, :-1] & ~observed[:, 1:]).any(1)).flatten()
    if not len(rows):
        return values, observed
    filled, known = _filled(values[rows], observed[rows], season_length)
    return values.index_copy(0, rows, filled), observed.index_copy(0, rows, known)


def _filled(y: Tensor, observed: Tensor, m: int) -> tuple[Tensor, Tensor]:
    """Fill windows, shape (B, L), 0 where unobserved, of which some value is missing."""
    B, L = y.shape
    begin = -L % m

    def by_season(part: Tensor) -> Tensor:
        return torch.nn.functional.pad(part, (begin, 0)).reshape(B, -1, m)  # [B, L] -> [B, N, m]

    def along(part: Tensor) -> Tensor:
        return part.expand(B, N, m).reshape(B, -1)[:, begin:]  # [B, 1 or N, 1 or m] -> [B, L]

    there = by_season(observed)
    N = there.shape[1]
    age = torch.arange(N - 1, -1, -1, device=y.device, dtype=y.dtype)[:, None]
    weight = (1 - RATE) ** age * there  # [B, N, m]
    weight = weight / torch.where(there.any(1, keepdim=True), weight.sum(1, keepdim=True), 1.0)
    middle = masked_mean(y, observed)
    around = (y - middle) * observed
    season, level = torch.zeros_like(y), torch.zeros_like(y)
    for _ in range(ROUNDS):
        level = _levels(around - season, observed, m)
        places = (by_season(around - level) * weight).sum(1, keepdim=True)  # [B, 1, m]
        season = along(places)
    known = observed | (along(there.any(1, keepdim=True)) & (observed.cumsum(1) > 0))
    return torch.where(observed, y, (middle + level + season) * known), known


def _levels(rest: Tensor, observed: Tensor, m: int) -> Tensor:
    """Average the m observed values up to each place and the m after it, or as many as there are. Shape (B, L).

    Counted in values, not in steps, so that no level hangs on the few values beside an outage.
    """
    rank = observed.long().cumsum(1)  # of the newest observed value, counted from 1
    # Sums of the first values, in double precision: single ones would leave noise. Then place r holds that of r values.
    total = torch.nn.functional.pad((rest * observed).double().cumsum(1), (1, 0))
    total = torch.zeros_like(total).scatter(1, torch.nn.functional.pad(rank, (1, 0)), total)
    first, last = (rank - m).clamp(min=0), torch.minimum(rank + m, rank[:, -1:])
    return ((total.gather(1, last) - total.gather(1, first)) / (last - first).clamp(min=1)).to(rest.dtype)
