"""What the values tell of their season: its length where the frequency does not, and whether weekdays differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsrnn.data.grids import Stamps
from tsrnn.data.panel import Floats, Integers

MAX_SERIES = 50
MAX_ROWS = 20_000
MIN_CORRELATION = 0.3
# So much nearer has a week before to be than the days before, beyond chance.
NEARER = 0.9
# A multiple of a season repeats as well as the season itself, so it has to be better by more than chance.
MULTIPLE_GAIN = 0.15


def find_season_length(y: Floats, offsets: Integers, candidates: Sequence[int]) -> int:
    """Return the candidate at which the series repeat best, or 1 if they repeat at none.

    The longest 50 series are taken, the last 20,000 rows of each. For each candidate m the moving average
    over one season is taken away, which removes the trend, and the autocorrelation of the rest at lag m is
    averaged over the series. A season is accepted if that exceeds 0.3 by more than chance, holds at lag 2m
    too, is a local peak, and stands out from the autocorrelation half a season away.

    Parameters
    ----------
    y : float64 ndarray of shape (n_rows,)
        All series one after the other; NaN where nothing was observed.
    offsets : int64 ndarray of shape (n_series + 1,)
    candidates : sequence of int
        Season lengths of 2 or more, in steps. One is judged by the series that hold three seasons.

    Returns
    -------
    int

    Examples
    --------
    >>> y = np.tile([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0], 20)
    >>> find_season_length(y, np.array([0, 140]), [4, 5, 7, 12])
    7
    """
    lengths = np.diff(offsets)
    longest = np.argsort(-lengths, kind="stable")[:MAX_SERIES]
    series = [y[max(offsets[i], offsets[i + 1] - MAX_ROWS) : offsets[i + 1]] for i in longest]
    best, best_correlation = 1, 0.0
    for candidate in sorted(set(candidates)):
        correlation = _strength([x for x in series if len(x) >= 3 * candidate], candidate)
        gain = MULTIPLE_GAIN if best > 1 and candidate % best == 0 else 0.0
        if correlation > best_correlation + gain:
            best, best_correlation = candidate, correlation
    return best


def _strength(series: list[Floats], season: int) -> float:
    """Return the autocorrelation at the season, averaged over the series; 0 if it is no season."""
    reach = max(1, round(season / 10))
    near = np.unique(np.linspace(season - reach, season + reach, 9).round().astype(int))
    near = near[near >= 1]
    lags = np.concatenate([[season, 2 * season, season // 2], near])
    found = [_autocorrelation(x, season, lags) for x in series]
    usable = [(correlation, n) for correlation, n in found if n > 0]
    if not usable:
        return 0.0
    correlation = np.mean([correlation for correlation, _ in usable], axis=0)
    n_values = sum(n for _, n in usable)
    error = 1 / np.sqrt(n_values)
    # A random walk less its moving average swings too, and over a few swings it may look regular.
    needed = max(MIN_CORRELATION + season / n_values, 3 * error)
    at, twice, half = correlation[:3]
    is_season = (
        at > needed and twice > max(0.5 * at, 2 * error) and at - half > 0.2 and at >= correlation[3:].max() - error
    )
    return float(at) if is_season else 0.0


def _autocorrelation(x: Floats, season: int, lags: Integers) -> tuple[Floats, int]:
    """Return the autocorrelation of a series without its trend, and how many values it rests on (0: none)."""
    rest = remove_moving_average(x, season)
    observed = np.isfinite(rest)
    n = int(observed.sum())
    if n < 2 * season + 2:
        return np.zeros(len(lags)), 0
    z = np.where(observed, rest - rest[observed].mean(), 0.0)
    variance = float((z**2).sum() / n)
    # A constant, or a line, leaves nothing but rounding.
    if variance <= 1e-16 * float(np.nanmax(np.abs(x))) ** 2:
        return np.zeros(len(lags)), 0
    values = np.zeros(len(lags))
    for k, lag in enumerate(lags):
        # Lags so long that few pairs remain would be noise.
        pairs = int((observed[lag:] & observed[:-lag]).sum())
        if pairs >= 0.25 * n:
            values[k] = (z[lag:] * z[:-lag]).sum() / (pairs * variance)
        elif lag == 2 * season:
            values[k] = np.inf
    return values, n


def season_weights(season: int) -> Floats:
    """Return the weights of a centred sum over one season: of an even one, half of both ends.

    >>> season_weights(3), season_weights(4)
    (array([1., 1., 1.]), array([0.5, 1. , 1. , 1. , 0.5]))
    """
    weights = np.ones(season + 1 - season % 2)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    return weights


def remove_moving_average(x: Floats, season: int) -> Floats:
    """Take the centred moving average over one season away; NaN at both ends and where it cannot be told."""
    weights = season_weights(season)
    observed = np.isfinite(x)
    total = _convolve(np.where(observed, x, 0.0), weights)
    present = _convolve(observed.astype(np.float64), weights)
    half = len(weights) // 2
    rest = np.full(len(x), np.nan)
    enough = present >= 0.5 * season
    middle = x[half : len(x) - half]
    rest[half : len(x) - half] = np.where(enough, middle - total / np.maximum(present, 1.0), np.nan)
    return rest


def _convolve(x: Floats, weights: Floats) -> Floats:
    """Weighted running sum over the windows that lie fully inside, by cumulative sums."""
    width = len(weights)
    running = np.concatenate([[0.0], np.cumsum(x)])
    total = running[width:] - running[:-width]
    edge = 1.0 - weights[0]
    result: Floats = total - edge * (x[: len(x) - width + 1] + x[width - 1 :])
    return result


def weekdays_repeat(ds: Stamps, offsets: Integers, y: Floats) -> bool:
    """Tell whether the values of most series are nearer to those of a week before than to those of the days before.

    So are sales, which differ from weekday to weekday, and not prices, which go on from where they were. Values that
    merely swing back, such as returns, are near to those of two days before, so the nearer of both days is compared.

    Parameters
    ----------
    ds : datetime64 ndarray of shape (n_rows,)
        Sorted by series and time.
    offsets : int64 ndarray of shape (n_series + 1,)
    y : float64 ndarray of shape (n_rows,), or (n_rows, n_columns) of several series that share their stamps
    """
    day = ds.astype("datetime64[D]").astype(np.int64)
    counts = np.diff(offsets)
    series = np.repeat(np.arange(len(counts)), counts)
    # Days of one series are this far apart from those of the next.
    key = series * (2 * int(np.ptp(day)) + 8) + day
    before = np.searchsorted(key, key - 7)
    # Two rows earlier lies in the series, too, unless all days between are missing.
    rows = np.flatnonzero((key[before] == key - 7) & (np.arange(len(key)) - before >= 2))
    table = y.reshape(len(day), -1)
    changes = [np.abs(table[rows] - table[other]) for other in (before[rows], rows - 1, rows - 2)]
    known = np.isfinite(changes).all(0)
    week, one, two = (np.zeros((len(counts), table.shape[1])) for _ in changes)
    for total, change in zip((week, one, two), changes, strict=True):
        np.add.at(total, series[rows], np.where(known, change, 0.0))
    days = np.minimum(one, two)
    told = days > 0
    return bool(told.any()) and float((week < NEARER * days)[told].mean()) > 0.5
