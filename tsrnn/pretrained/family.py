"""The base model is a small family: one recurrent network per kind of season."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.windows import EVERY_HISTORY
from tsrnn.pretrained.traits import GROWTHS, PLAIN, Traits

# Who knows a week beside a day reads so many weeks, who knows a year so many years: networks of hours and of weeks have
# learnt so, and other steps gain by it, too. One day ahead, instead of 840 rows, five weeks take the error of
# half-hours from 224 to 208 (a state's demand) and from .528 to .523 (a household's power), of quarter-hours from .592
# to .567 and from 52.9 to 50.3 (the household and another's appliances), of ten minutes, which then know the week, too,
# from .663 to .601 and from 58.6 to 52.0; on simulated weeks with weekends from 20.4 to 16.7 and 35.8 to 17.4. Eight
# weeks bring some per cent more of half-hours, of hours .4, and take longer. Instead of three years, five take 1.1 % of
# the error of fourteen daily series 56 days ahead and 2.6 % of thirteen of business days 30 ahead; exchange rates'
# stays.
ENOUGH = 5


@dataclass(frozen=True)
class Member:
    """One network of the family: what it reads, and the seasons it has seen in training.

    Parameters
    ----------
    name : str
        Also the name of its file.
    patch_length : int
        Points that one recurrent step reads.
    context_length : int
        The longest history it was trained on, a multiple of `patch_length`.
    horizon : int
        Steps it forecasts at once.
    hidden_size : int
    scaling : str
        A method of `tsrnn.preprocessing.scaling.scale_windows`.
    seasons : tuple of (tuple of int, float)
        Season lengths, shortest first, and how often they are drawn. All are of one form, so that the network mixes
        equally many season profiles.
    traits : Traits
        Of the series it was trained on.
    year : int
        Steps of a year whose course it knows (`tsrnn.preprocessing.year`); 0 for none.
    far : int
        Steps after the horizon that it forecasts, too, by a decoder that has learnt when all else had.
    short_batches : float
        Share of the batches whose histories are shorter than two seasons.
    even_lengths : float
        Share of the other batches whose histories are as likely to be long as short; of the rest the logarithm of the
        length is, which makes half of them shorter than the root of the shortest times the longest.
    candidates : int
        Series that are simulated for each it is trained on; those that look real are more likely to be taken
        (`tsrnn.pretrained.likeness`).
    powers : tuple of float
        What is read of positive series (`tsrnn.preprocessing.window_power`), whose forecasts are averaged. It has
        learnt from the values as they are.
    contrasts : bool
        Whether it reads `tsrnn.preprocessing.contrasts`.
    own_season : bool
        Whether its forecast may start from the season that a window itself keeps (`tsrnn.preprocessing.own_season`).
    widening : float
        By how much the intervals of real series are wider than those of the simulated ones it learnt from.
    histories : range
        Numbers of values that a history may hold; others are left to the other members of its kind.
    reads : tuple of int, optional
        The seasons it reads where they are not those of the series.
    steps : int
        Gradient steps of its training.
    batch_size : int
        Windows per step.
    learning_rate : float
        The highest rate.
    """

    name: str
    patch_length: int
    context_length: int
    horizon: int
    hidden_size: int
    scaling: str
    seasons: tuple[tuple[tuple[int, ...], float], ...]
    traits: Traits = PLAIN
    year: int = 0
    far: int = 0
    short_batches: float = 0.0
    even_lengths: float = 0.0
    candidates: int = 1
    powers: tuple[float, ...] = (1.0,)
    contrasts: bool = False
    own_season: bool = False
    widening: float = 1.0
    histories: range = EVERY_HISTORY
    reads: tuple[int, ...] | None = None
    steps: int = 2000
    batch_size: int = 256
    learning_rate: float = 2e-3

    def size(self, seasons: tuple[int, ...] | None = None) -> NetworkSize:
        """Return the network's size for given seasons: the longest context it has learnt, and its weights' shapes.

        A season that is longer than the context of the training brings a context of two of them.
        """
        seasons = self.reads or seasons or self.seasons[0][0]
        context = max(self.context_length, 2 * seasons[0], seasons[-1])
        # A season that is no part of the year, such as 48 of 52, is a year itself.
        year = self.year if self.year % seasons[0] == 0 else seasons[0]
        return NetworkSize(
            self._in_patches(context),
            self.horizon,
            self.patch_length,
            seasons,
            hidden_size=self.hidden_size,
            dropout=0.0,
            contrasts=self.contrasts,
            own_season=self.own_season,
            year=year,
            far=self.far,
        )

    def serving_size(self, seasons: tuple[int, ...]) -> NetworkSize:
        """Return the size with which it reads a table: a week beside a day, or the year, for `ENOUGH` of them."""
        size = self.size(seasons)
        known = size.seasons in (own for own, _ in self.seasons)
        longest = size.seasons[-1] if len(set(size.seasons)) > 1 else size.year if known else 0
        return replace(size, context_length=max(size.context_length, self._in_patches(ENOUGH * longest)))

    def _in_patches(self, steps: int) -> int:
        return math.ceil(steps / self.patch_length) * self.patch_length


def _at_least(values: int) -> range:
    return range(values, EVERY_HISTORY.stop)


# Days of a year and the four weeks before it that tell where its course was.
YEAR_OF_DAYS = 392
_WEEKS = (((7,), 0.9), ((14,), 0.05), ((28,), 0.05))
ANY = tuple((m,) for m in (2, 3, 6, 8, 9, 10, 13, 14, 15, 18, 20, 21, 24, 26, 28, 30))

# How members are trained that read contrasts.
_CONTRASTS: dict[str, Any] = {"contrasts": True, "batch_size": 128, "learning_rate": 3e-3}

# How members are trained that know short histories, and lines that have left zero lately (measured in
# docs/base_model_experiments.md).
_SHORT: dict[str, Any] = {"short_batches": 0.15}
_NEAR_ZERO = 0.5

# How wide 80 % intervals had to be to hold 80 % of the four last horizons of public training parts, relative to raw
# ones (geometric means; in brackets without selected series): years 1.15 (1.24, M1) and 1.29 (1.34, Tourism), quarters
# 1.11 (1.14) and 1.10 (1.20), months 1.10 (1.13), 1.05 (1.10), hospital 1.06 (1.06), CIF .99 (1.01), days 1.03 (NN5)
# and .95 (the means of fourteen hourly series), weeks .95 (Ausgrid), hours 1.05 (those fourteen) and .68 (M4). Raw ones
# held 82 % of fourteen daily prices and of 39 series of business days, and 76 % of thirteen tables of other short
# seasons (normal quantiles: as if .95 and 1.1 were right).
_FIRST = (
    Member(
        "season_1", 1, 48, 12, 112, "seasonal", (((1,), 1.0),), Traits(near_zero=_NEAR_ZERO), widening=1.2, **_SHORT
    ),
    Member(
        "season_4",
        4,
        160,
        12,
        112,
        "seasonal",
        (((4,), 1.0),),
        Traits(smooth=0.3, near_zero=_NEAR_ZERO),
        candidates=12,
        widening=1.1,
        steps=5000,
        far=28,
        **_CONTRASTS,
        **_SHORT,
    ),
    Member(
        "season_12",
        12,
        300,
        24,
        128,
        "seasonal",
        (((12,), 1.0),),
        Traits(near_zero=_NEAR_ZERO),
        candidates=6,
        widening=1.05,
        steps=10000,
        far=36,
        **_CONTRASTS,
        **_SHORT,
    ),
    Member(
        "season_5",
        5,
        780,
        30,
        64,
        "seasonal",
        (((5,), 1.0),),
        Traits(prices=0.5, lasting_noise=0.15, steady_levels=0.9, near_zero=_NEAR_ZERO),
        year=260,
        even_lengths=1.0,
        steps=6000,
        **_CONTRASTS,
        **_SHORT,
    ),
    Member(
        "season_7",
        7,
        392,
        56,
        96,
        "seasonal",
        _WEEKS,
        Traits(prices=0.15, lasting_noise=0.4, near_zero=_NEAR_ZERO),
        even_lengths=1.0,
        histories=range(YEAR_OF_DAYS),
        steps=4000,
        **_CONTRASTS,
        **_SHORT,
    ),
    Member(
        "season_24",
        24,
        840,
        48,
        128,
        "spread",
        (((24, 168), 0.65), ((24, 24), 0.15), ((48, 336), 0.1), ((96, 672), 0.05), ((144, 144), 0.05)),
        Traits(
            drifting=0.1, dropped=0.1, lasting_noise=0.4, changing_seasons=0.3, steady_levels=0.7, clear_seasons=0.8
        ),
        even_lengths=0.7,
        own_season=True,
        powers=(0.5,),
        widening=0.95,
        steps=3000,
        far=120,
        **_CONTRASTS | {"batch_size": 256},
    ),
    Member(
        "season_52",
        4,
        260,
        16,
        96,
        "seasonal",
        (((52,), 0.9), ((48,), 0.05), ((36,), 0.05)),
        Traits(steady_levels=0.5, near_zero=_NEAR_ZERO),
        year=52,
        even_lengths=0.7,
        steps=4000,
        **_CONTRASTS,
        **_SHORT,
    ),
    Member(
        "any_season",
        1,
        64,
        20,
        96,
        "seasonal",
        tuple((seasons, 1 / len(ANY)) for seasons in ANY),
        Traits(near_zero=_NEAR_ZERO),
        widening=1.1,
        steps=4000,
        **_CONTRASTS,
        **_SHORT,
    ),
)

# Where growth decides, other networks with other views of it forecast, too, and the mean is taken. By view, what else
# differs from the first network, its traits by name; a view that is no growth's name has the first network's.
#
# One of three networks of months sees logarithms, too. On the ends of the training parts of M1, Tourism, CIF and
# hospital the MASE relative to the seasonal naive was .7865 so and .7874 when none did; of the first two networks
# alone .788, and .790 when both did. Of quarters it was .768 when none did and .776 when all three did, before smooth
# trends. The selected networks of months are kept from logarithms (after 1,500 steps alone .798, and .807 with them).
#
# Two of three networks of quarters and of months and one of three of years learn from series that look real; the
# others have learnt from all that the prior draws, so that the mean also knows what few tables are like. With
# scorecards that had not seen the two held-back horizons this took quarters from .762 to .749, and years from .748 to
# .741, where the third network alone brings a part. Of months one selected network beside the cautious one had .783,
# all three without selection .787; after 1,500 steps one selected with 30 % of smooth trends .794, without them .798.
#
# Of hours the error on 26 real series is .764 of the seasonal naive's with the first network, .762 with the one that
# has seen more series with rows left out and none whose seasons change, .761 with the one that has learnt from long
# histories alone, and .756 with all three; on M4 Hourly .781, .812, .743 and .751 (MASE, mean of the last four
# horizons of the training part). Of days, from 300 of them, the MASE on the four last horizons of NN5 is 1.024 with
# the first network, 1.041 with the one that has seen more prices and 1.027 with both (geometric means); from all of
# them .950 with the one that knows the year.
#
# The networks of hours read positive series as square roots. Of nine groups of the 26 series and M4 Hourly the MASE on
# the four last horizons was .977 of what it was and the sMAPE .90, since nights near zero are forecast better
# (logarithms .973 and .885, but M4 Hourly's MASE 1.077 instead of 1.013). Days, weeks and months gain nothing.
#
# With 15 % of its batches of short histories the first network of months forecasts ten months of M1, CIF and hospital 4
# to 13 % better, three months 1 %, and 80 % intervals after ten months hold 74 to 77 % instead of 53 to 58 %. It lost
# nothing by that on long ones, the others lost .3 to .9 %: they have not learnt from short ones, and leave them to it.
_LONG_ONLY: dict[str, Any] = {"short_batches": 0.0, "histories": _at_least(24)}
_VIEWS: dict[str, dict[str, dict[str, Any]]] = {
    "season_1": {
        "lasting": {"traits": {"smooth": 0.3}},
        "selected": {"traits": {"growth": GROWTHS["lasting"], "smooth": 0.3}, "candidates": 4},
    },
    "season_4": {"mixed": {"traits": {"smooth": 0.0}, "candidates": 1, "steps": 10000}, "lasting": {}},
    "season_12": {
        "cautious": {"traits": {"near_zero": 0.0}, "powers": (1.0, 0.0), "candidates": 1} | _LONG_ONLY,
        "lasting": {"traits": {"smooth": 0.3, "near_zero": 0.0}} | _LONG_ONLY,
    },
    "season_7": {
        "prices": {"traits": {"prices": 0.3}},
        "year": {
            "context_length": 1092,
            "traits": {"prices": 0.3, "steady_levels": 0.9},
            "year": 364,
            "histories": _at_least(YEAR_OF_DAYS),
        },
    },
    "season_24": {
        "dropped": {"traits": {"dropped": 0.2, "changing_seasons": 0.0}, "batch_size": 256},
        "long": {"even_lengths": 1.0, "batch_size": 256, "histories": _at_least(72)},
    },
}


def _view(first: Member, view: str, own: dict[str, Any]) -> Member:
    traits = {"growth": GROWTHS.get(view, first.traits.growth)} | own.get("traits", {})
    changed = _CONTRASTS | own | {"traits": replace(first.traits, **traits)}
    return replace(first, name=f"{first.name}_{view}", **changed)


# The members whose forecasts are averaged, the main one first, by the name of that one.
KINDS = {
    first.name: (first, *(_view(first, view, own) for view, own in _VIEWS.get(first.name, {}).items()))
    for first in _FIRST
}
MEMBERS: dict[str, Member] = {member.name: member for kind in KINDS.values() for member in kind}
