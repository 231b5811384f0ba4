"""The year beside a shorter season: what the same weeks did a year before.

A window holds a year once or twice, and each of its days or weeks is noisy, so a profile of single values says little.
What a year is good for is its slow course: how the values, averaged over weeks and without their short season, went on
from the same place a year before.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tsrnn.preprocessing.scaling import latest_observed, masked_mean

YEAR_PROFILES, YEAR_CONTRASTS = 5, 3
# Moves of the level below this, in units of a window's scale, say nothing for or against a year.
SMALLEST_MOVE = 0.05
# What share of the values that an average is meant to be over must be there.
ENOUGH = 1 / 3


@dataclass(frozen=True)
class Year:
    """A year, and over how many steps values are averaged to see its course.

    Parameters
    ----------
    length : int
        Steps of a year.
    unit : int
        Steps of the short season that averages should cover whole; 1 where there is none.
    """

    length: int
    unit: int = 1

    def weeks(self, count: int) -> int:
        """Return the steps of so many weeks, at least the short season's.

        >>> Year(364, 7).weeks(3), Year(364, 28).weeks(3), Year(52).weeks(4)
        (21, 28, 4)
        """
        return max(self.unit, count * (self.length // 52))


def course(rest: Tensor, observed: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Average values over an odd width about each place, or over as much of it as the window has.

    Parameters
    ----------
    rest : tensor of shape (B, L)
    observed : bool tensor of shape (B, L)
    width : int

    Returns
    -------
    mean : tensor of shape (B, L)
        0 where too little is known.
    known : bool tensor of shape (B, L)
        Whether a third of the width was observed.

    Examples
    --------
    >>> course(torch.tensor([[3.0, 6.0, 9.0]]), torch.tensor([[True, True, False]]), 3)[0]
    tensor([[4.5000, 4.5000, 6.0000]])
    """
    half = width // 2
    both = torch.stack([rest * observed, observed.to(rest.dtype)])
    # Sums in double precision: single ones of a thousand steps would leave noise where nothing moves.
    sums = torch.nn.functional.pad(both, (half + 1, half)).double().cumsum(-1)
    total, count = (sums[..., width:] - sums[..., :-width]).to(rest.dtype)
    known = count >= ENOUGH * width
    return torch.where(known, total / count.clamp(min=1), 0.0), known


@dataclass(frozen=True)
class Courses:
    """The courses of B windows, averaged over a week and over three, without their short season.

    Parameters
    ----------
    rest : tensor of shape (B, L), scaled; 0 where unobserved
        Values less the profile of their short season.
    observed : bool tensor of shape (B, L)
    year : Year
    season : tensor of shape (B, `Year.unit`), scaled
        The short season of the steps after the window.
    narrow, wide : tuple of tensors of shape (B, L)
        From `course`.
    """

    rest: Tensor
    observed: Tensor
    year: Year
    season: Tensor
    narrow: tuple[Tensor, Tensor]
    wide: tuple[Tensor, Tensor]

    @classmethod
    def find(cls, values: Tensor, observed: Tensor, pattern: Tensor, year: Year) -> Courses:
        """Take the profile of the short season, shape (B, L), out of values of the same shape, and average the rest."""
        rest = (values - pattern) * observed
        narrow, wide = (course(rest, observed, year.weeks(count) | 1) for count in (1, 3))
        return cls(rest, observed, year, pattern[:, -year.unit :], narrow, wide)


def year_profiles(courses: Courses, horizon: int) -> Tensor:
    """Continue a window as it went on a year before.

    Parameters
    ----------
    courses : Courses
    horizon : int

    Returns
    -------
    tensor of shape (B, `YEAR_PROFILES`, horizon), scaled
        The level of the last week moved as the course, averaged over three weeks, did a year before, by the newest
        year that is known and by the mean of all; the level of the last four weeks moved so, and by a course averaged
        over a single week; last, the mean course itself. Where no year before is known they are the levels. The short
        season is repeated on all.
    """
    rest, observed, year = courses.rest, courses.observed, courses.year
    narrow, wide = courses.narrow, courses.wide
    B, L = rest.shape
    ahead = torch.arange(horizon, device=rest.device) % year.length
    short, long = year.weeks(1), year.weeks(4)

    def moves(mean: Tensor, known: Tensor, span: int) -> list[tuple[Tensor, Tensor]]:
        """How the course moved on from the mean of `span` steps, in each former year, and where that is known."""
        found = []
        for start in range(L - year.length, span - 1, -year.length):
            place = start + ahead
            before = masked_mean(rest[:, start - span : start], observed[:, start - span : start])
            enough = observed[:, start - span : start].sum(1, keepdim=True) >= ENOUGH * span
            found.append((mean[:, place] - before, known[:, place] & enough))
        return found

    def average(parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        total, count = rest.new_zeros(B, horizon), rest.new_zeros(B, horizon)
        for values, there in parts:
            total, count = total + values * there, count + there
        return total / count.clamp(min=1), count > 0

    def newest(parts: list[tuple[Tensor, Tensor]]) -> Tensor:
        values = rest.new_zeros(B, horizon)
        for older, there in reversed(parts):
            values = torch.where(there, older, values)
        return values

    week, month = (masked_mean(rest, latest_observed(observed, span)) for span in (short, long))  # [B, 1]
    by_week = moves(*wide, short)
    starts = range(L - year.length, -1, -year.length)
    itself, there = average([(wide[0][:, start + ahead], wide[1][:, start + ahead]) for start in starts])
    profiles = [
        week + newest(by_week),
        week + average(by_week)[0],
        month + average(moves(*wide, long))[0],
        month + average(moves(*narrow, long))[0],
        torch.where(there, itself, month),
    ]
    season = courses.season[:, torch.arange(horizon, device=rest.device) % courses.season.shape[1]]
    return torch.stack(profiles, 1) + season.unsqueeze(1)


def year_contrasts(courses: Courses) -> Tensor:
    """Contrast each value with the year before.

    Parameters
    ----------
    courses : Courses

    Returns
    -------
    tensor of shape (B, `YEAR_CONTRASTS`, L)
        The value less the course of a year before; how far the level of a week moved in four weeks; and that less how
        far the course moved a year before. 0 where something is not known.
    """
    rest, observed, year = courses.rest, courses.observed, courses.year
    back = year.weeks(4)
    # The average of the week until a value, not about it.
    level, seen = (_later(part, year.weeks(1) // 2) for part in courses.narrow)
    before, known = (_later(part, year.length) for part in courses.wide)
    seen = seen & _later(seen, back)
    moved = (level - _later(level, back)) * seen
    unlike = (moved - (before - _later(before, back))) * (seen & known & _later(known, back))
    return torch.stack([(rest - before) * (observed & known), moved, unlike], 1)


def year_gain(contrasts: Tensor, year: Year) -> Tensor:
    """Tell how much better the last year's moves tell those of a window than none would.

    Parameters
    ----------
    contrasts : tensor of shape (B, `YEAR_CONTRASTS`, L)
        From `year_contrasts`.
    year : Year

    Returns
    -------
    tensor of shape (B, 1)
        The logarithm of how many times smaller the mean absolute move of four weeks is when that of the year before
        is taken from it; nearer to 0 where fewer than four weeks can be compared, 0 where nothing can.
    """
    _, moved, unlike = contrasts.unbind(1)
    both = unlike != 0
    without, left = (masked_mean(part.abs(), both) for part in (moved, unlike))
    certain = (both.sum(1, keepdim=True) / year.weeks(4)).clamp(max=1)
    return certain * torch.log((without + SMALLEST_MOVE) / (left + SMALLEST_MOVE))


def _later(values: Tensor, steps: int) -> Tensor:
    """Move values of shape (B, L) on by steps; 0 or False before the window."""
    L = values.shape[1]
    return torch.nn.functional.pad(values[:, : max(L - steps, 0)], (min(steps, L), 0))
