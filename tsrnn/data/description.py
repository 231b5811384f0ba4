"""What one series is like: its gaps, its outliers, how strong its season is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsrnn.data.panel import Bools, Floats, Integers
from tsrnn.data.seasonality import remove_moving_average

# Beyond so many interquartile ranges from the quartiles; for normal errors that is one value in 400,000.
# Source: Tukey 1977, "Exploratory Data Analysis", "far out".
FAR_OUT = 3.0
NEIGHBOURS = 3
FEWEST_ROWS = 12
MANY_ZEROS = 0.5


@dataclass(frozen=True)
class Description:
    """What a series is like.

    Parameters
    ----------
    missing, gaps, longest_gap : int
        Rows without a value, runs of them, and the rows of the longest run.
    gap_at : int
        Row at which the longest run begins; −1 without one.
    outliers : int64 ndarray
        Rows of values that do not fit their season and their neighbours, the farthest first.
    season : float
        Share of the variance around the trend that the season explains, 0 to 1; NaN where it cannot be told.
    zeros : float
        Share of zeros among the values.
    constant : bool
        Whether all values are the same.
    low, middle, high : float
        Minimum, median and maximum; NaN without values.
    untold : {"", "short", "missing", "unchanging"}
        Why `season` cannot be told: too few rows, too few values in them, or nothing but a line; "" where it is told,
        or there is none.
    """

    missing: int
    gaps: int
    longest_gap: int
    gap_at: int
    outliers: Integers
    season: float
    zeros: float
    constant: bool
    low: float
    middle: float
    high: float
    untold: str = ""


def describe_series(y: Floats, season_length: int) -> Description:
    """Describe one series.

    Parameters
    ----------
    y : ndarray of shape (n,)
        NaN where nothing was observed.
    season_length : int
        Steps per season; 1 means none.

    Examples
    --------
    >>> y = np.tile([1.0, 5.0, 3.0, 2.0], 10) + np.linspace(0, 1, 40)
    >>> y[20], y[30:32] = 50.0, np.nan
    >>> found = describe_series(y, 4)
    >>> found.outliers.tolist(), found.longest_gap, found.gap_at
    ([20], 2, 30)
    """
    observed = np.isfinite(y)
    known = y[observed]
    starts, lengths = _runs(~observed)
    longest = int(lengths.argmax()) if len(lengths) else -1
    zeros = float((known == 0).mean()) if len(known) else math.nan
    # Where most values are zero, every other one is far from its neighbours.
    judged = zeros < MANY_ZEROS
    # What is wild whatever the season would bend the season by which the others are judged.
    wild = _outliers(y) if judged else np.empty(0, np.int64)
    tame = y.copy()
    tame[wild] = np.nan
    season, strength, untold = _season(tame, season_length)
    low, middle, high = (float(f(known)) if len(known) else math.nan for f in (np.min, np.median, np.max))
    return Description(
        missing=int((~observed).sum()),
        gaps=len(starts),
        longest_gap=int(lengths[longest]) if longest >= 0 else 0,
        gap_at=int(starts[longest]) if longest >= 0 else -1,
        outliers=_outliers(y - season) if judged and season.any() else wild,
        season=strength,
        zeros=zeros,
        constant=len(known) > 0 and low == high,
        low=low,
        middle=middle,
        high=high,
        untold=untold,
    )


def _runs(where: Bools) -> tuple[Integers, Integers]:
    """Return where runs of True begin, and how long they are."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    return edges[::2], edges[1::2] - edges[::2]


def _season(y: Floats, m: int) -> tuple[Floats, float, str]:
    """Return the typical season in every row, how much of the variance around the trend it explains, or why not.

    The strength is 1 − Var(rest) / Var(season + rest), as of Wang, Smith and Hyndman (2006, "Characteristic-based
    clustering for time series data"), around a moving average over one season. Both variances count their degrees of
    freedom, so that noise has a strength of about 0 in short series too.
    """
    none = np.zeros(len(y))
    # The moving average leaves out half a season at both ends.
    if m < 2 or len(y) < 2 * m + 2 * (m // 2):
        return none, math.nan, "" if m < 2 else "short"
    swings = remove_moving_average(y, m)
    there = np.isfinite(swings)
    phase = np.arange(len(y)) % m
    count = np.bincount(phase[there], minlength=m)
    n = int(count.sum())
    if n < 2 * m or (count == 0).any():
        return none, math.nan, "missing"
    mean = np.bincount(phase[there], swings[there], m) / count
    rest = swings[there] - mean[phase[there]]
    total = float(((swings[there] - swings[there].mean()) ** 2).sum()) / (n - 1)
    if total <= 1e-16 * float(np.nanmax(np.abs(y))) ** 2:
        return none, math.nan, "unchanging"  # nothing is left but rounding
    strength = max(0.0, 1 - float((rest**2).sum()) / max(n - m, 1) / total)
    typical = pd.Series(swings[there]).groupby(phase[there]).median().to_numpy()
    return (typical - typical.mean())[phase], strength, ""


def _outliers(y: Floats) -> Integers:
    """Return the rows far from the medians of both their last and their next neighbours, the farthest first.

    A step to another level is far from one side alone, and no outlier.
    """
    none = np.empty(0, np.int64)
    values = pd.Series(y)
    before = y - values.rolling(NEIGHBOURS, min_periods=2).median().shift(1).to_numpy()
    after = y - values[::-1].rolling(NEIGHBOURS, min_periods=2).median().shift(1)[::-1].to_numpy()
    both = np.isfinite(before) & np.isfinite(after)
    if both.sum() < FEWEST_ROWS:
        return none
    sides = np.concatenate([before[both], after[both]])
    first, third = np.quantile(sides, [0.25, 0.75])
    reach = FAR_OUT * (third - first)
    if reach <= 1e-9 * float(np.nanmax(np.abs(y))):
        return none  # half the values equal their neighbours: nothing to measure by
    low, high = np.fmin(before, after), np.fmax(before, after)
    beyond = np.where(both, np.maximum(low - third, first - high), -np.inf) - reach
    rows = np.flatnonzero(beyond > 0)
    return rows[np.argsort(-beyond[rows], kind="stable")].astype(np.int64)
