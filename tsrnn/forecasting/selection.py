"""Choose among trained networks and the base model by what they lost on held-back windows."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt

from tsrnn.data.grids import Stamps
from tsrnn.training.batches import thinned

Floats = npt.NDArray[np.float64]

# Standard errors by which an average with the base model must be better than the base model, and by which a trained
# network alone must be better than that.
HINT, SURE = 0.5, 2.0
# Fewer times than this cannot tell how much they differ.
FEWEST_TIMES = 6
# Of more windows than this an even part is judged; the mean of so many errs little.
MOST_JUDGED = 2000
# An average gains where its members are about equally good.
EQUALS = 0.2


def judged_windows(
    lengths: npt.NDArray[np.int64], train_end: npt.NDArray[np.int64], horizon: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the series and ends of the held-back windows: one every horizon, each with at least half of it known.

    Of very many an even part, since they are of a few times only.
    """
    pairs = [
        (series, end)
        for series in np.flatnonzero(lengths > train_end).tolist()
        for end in range(int(train_end[series]), int(lengths[series]) - horizon // 2, horizon)
    ]
    series, ends = np.array(thinned(pairs, MOST_JUDGED), np.int64).reshape(-1, 2).T
    return series, ends


def shared_times(start: Stamps, until: Stamps) -> npt.NDArray[np.int64]:
    """Group windows that forecast the same time.

    Parameters
    ----------
    start, until : datetime64[ns] or int64 ndarrays of shape (B,)
        Of the steps that each window forecasts, the last one excluded.

    Returns
    -------
    int64 ndarray of shape (B,)
        0 for the earliest time; a window belongs to the first one that it overlaps.

    Examples
    --------
    >>> shared_times(np.array([10, 22, 10, 13]), np.array([22, 34, 22, 25])).tolist()
    [0, 1, 0, 0]
    """
    group = np.zeros(len(start), np.int64)
    order = np.argsort(start, kind="stable")
    number, end = -1, None
    for window in order:
        if end is None or start[window] >= end:
            number, end = number + 1, until[window]
        group[window] = number
    return group


def averages(losses: dict[str, Floats]) -> list[tuple[str, ...]]:
    """Return the sets of networks worth averaging: two or more, none of them `EQUALS` worse than the best.

    Parameters
    ----------
    losses : dict of str to ndarray of shape (B,)
        Of single networks; the base model first, which comes last in an average's name.
    """
    means = {name: float(np.nanmean(loss)) for name, loss in losses.items()}
    good = [name for name in reversed(means) if means[name] <= (1 + EQUALS) * min(means.values())]
    return [names for size in range(2, len(good) + 1) for names in combinations(good, size)]


def choose(losses: dict[str, Floats], times: npt.NDArray[np.int64] | None = None) -> tuple[str, str]:
    """Choose among the base model, averages with it, and networks that were trained alone.

    Held-back windows of many series are of one time, and what was best then need not be best next year. An average
    with the base model loses little where the choice was wrong, so a small gain is enough for it; a trained network
    alone has to be better than that by `SURE` standard errors.

    Parameters
    ----------
    losses : dict of str to ndarray of shape (B,)
        Of the same windows; NaN where a window cannot be judged. The first is the base model's; the name of an average
        with it holds its name.
    times : int64 ndarray of shape (B,), optional
        From `shared_times`; every window of a time of its own without them.

    Returns
    -------
    name, reason : str
    """
    base = next(iter(losses))
    means = {name: float(np.nanmean(loss)) for name, loss in losses.items()}
    n = int(np.isfinite(losses[base]).sum())
    chosen = base
    averages = [name for name in losses if base in name and name != base]
    alone = [name for name in losses if base not in name]
    for names, errors in ((averages, HINT), (alone, SURE)):
        if names:
            best = min(names, key=means.__getitem__)
            if gain_in_errors(losses[chosen], losses[best], times) > errors:
                chosen = best
    if chosen != base:
        share = 100 * (1 - means[chosen] / means[base])
        return chosen, f"{share:.1f} % better than zero-shot on {n} held-back windows"
    share = 100 * (1 - min(means.values()) / means[base]) if means[base] > 0 else 0.0
    if share <= 0:
        return base, f"no training was better on {n} held-back windows"
    return base, f"the best training was {share:.1f} % better on {n} held-back windows, no more than chance"


def gain_in_errors(loss: Floats, other: Floats, times: npt.NDArray[np.int64] | None = None) -> float:
    """Return how many standard errors the other's mean loss is lower; infinite for a gain without any spread.

    Series share the shocks of a time: from `FEWEST_TIMES` times on the standard error is that of the sums over each
    (Liang and Zeger 1986), or that of single windows if this is larger.

    Parameters
    ----------
    loss, other : ndarrays of shape (B,)
        NaN where a window cannot be judged.
    times : int64 ndarray of shape (B,), optional
        The group of each window, from 0.
    """
    gain = loss - other
    known = np.isfinite(gain)
    gain = gain[known]
    if len(gain) < 2 or gain.mean() <= 0:
        return -math.inf
    error = float(gain.std(ddof=1)) / math.sqrt(len(gain))
    if times is not None:
        _, group = np.unique(times[known], return_inverse=True)
        groups = int(group.max()) + 1
        if groups >= FEWEST_TIMES:
            sums = np.bincount(group, gain - gain.mean())
            error = max(error, math.sqrt(groups / (groups - 1) * float((sums**2).sum())) / len(gain))
    return float(gain.mean()) / error if error > 0 else math.inf
