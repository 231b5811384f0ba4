"""What a member of the base asks of the prior: how often series of some kinds are drawn, and how they behave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Growth:
    """How the trends of the exponential-smoothing family behave.

    Parameters
    ----------
    trending, rising, undamped : float
        Shares of the series that have a trend, of the trends that rise, and of those that never fade.
    most_damping : float
        The smallest factor by which a fading trend shrinks at each step.
    steady : float
        Share of the series that move as slowly, and trend as rarely, as if their steps were days, whatever they are.
    """

    trending: float
    rising: float
    undamped: float
    most_damping: float
    steady: float = 0.0


# Views of the future; where the family holds networks of two, their forecasts are averaged.
GROWTHS = {
    "brisk": Growth(0.85, 0.65, 0.6, 0.8),
    "cautious": Growth(0.75, 0.5, 0.4, 0.7),
    "mixed": Growth(0.85, 0.65, 0.6, 0.8, steady=0.5),
    "lasting": Growth(0.85, 0.65, 0.85, 0.8),
}


@dataclass(frozen=True)
class Traits:
    """What the series of a simulation are like.

    Parameters
    ----------
    growth : Growth
        Of the exponential-smoothing family.
    prices, smooth, drifting : float
        Shares of further prices, of smooth trends and of drifting cycles (`tsrnn.pretrained.processes`), which come
        instead of as many of exponential smoothing.
    dropped : float
        Share of the series of which rows are left out (`tsrnn.pretrained.disturbances.drop_rows`). Takes a season of
        2 or more.
    lasting_noise : float
        Share of the exponential-smoothing family whose noise lasts for many steps.
    changing_seasons : float
        Share of that family whose season changes (`tsrnn.pretrained.processes.season_changes`).
    steady_levels : float
        Share of that family whose level hardly moves.
    clear_seasons : float
        Share of that family whose season is smooth and stands above its noise.
    near_zero : float
        Share of the additive ones of that family, and of smooth trends, that were near zero lately
        (`tsrnn.pretrained.processes.additive_level`).
    """

    growth: Growth = GROWTHS["brisk"]
    prices: float = 0.0
    smooth: float = 0.0
    drifting: float = 0.0
    dropped: float = 0.0
    lasting_noise: float = 0.0
    changing_seasons: float = 0.0
    steady_levels: float = 0.0
    clear_seasons: float = 0.0
    near_zero: float = 0.0


PLAIN = Traits()
