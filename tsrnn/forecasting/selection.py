"""Choose among trained networks and the base model by what they lost on held-back windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.data.grids import Stamps
from tsrnn.forecasting.network_forecast import NetworkForecast
from tsrnn.forecasting.network_training import forecast_windows
from tsrnn.training.batches import thinned

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel

Floats = npt.NDArray[np.float64]

# With fewer held-back windows than this, chance would choose.
FEWEST_JUDGED = 10
# Losses are limited to so many times the base model's median.
MOST_LOSS = 20.0
JUDGED_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# Standard errors by which an average with the base model must be better than the base model, and by which a trained
# network alone must be better than that.
HINT, SURE = 0.5, 2.0
# Fewer times than this cannot tell how much they differ.
FEWEST_TIMES = 6
# Of more windows than this an even part is judged; the mean of so many errs little.
MOST_JUDGED = 2000
# An average gains where its members are about equally good.
EQUALS = 0.2


@dataclass
class Judge:
    """What networks lose on held-back windows, by their names; from `of_base`, which judges the first of them.

    Parameters
    ----------
    panel : Panel
    series, end : int64 ndarrays of shape (B,)
        The windows, each of which ends before row `end` of its series.
    horizon : int
    device : torch.device
    most : float
        What a window counts at most: a wild one does not decide alone.
    losses : dict of str to float64 ndarray of shape (B,)
        The mean quantile loss of each window, in units of its series' mean absolute seasonal difference.
    """

    panel: Panel
    series: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    horizon: int
    device: torch.device
    most: float = math.inf
    losses: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def of_base(
        cls,
        name: str,
        networks: Sequence[NetworkForecast],
        panel: Panel,
        train_end: npt.NDArray[np.int64],
        horizon: int,
        device: torch.device,
    ) -> Judge:
        """Find the windows behind `train_end`, shape (n_series,), and judge the base model, to be compared with."""
        judge = cls(panel, *judged_windows(panel.lengths, train_end, horizon), horizon, device)
        loss = judge._loss(networks)
        usable = np.isfinite(loss)  # a constant past has no unit for a loss
        judge.series, judge.end, loss = judge.series[usable], judge.end[usable], loss[usable]
        if len(loss):
            judge.most = MOST_LOSS * float(np.median(loss)) or math.inf
        judge.losses[name] = np.minimum(loss, judge.most)
        return judge

    @property
    def too_few(self) -> str:
        """Why nothing should be judged by the windows; empty if they are enough."""
        count = len(self.end)
        if count >= FEWEST_JUDGED:
            return ""
        found = "1 held-back window is" if count == 1 else f"{count} held-back windows are"
        return f"{found} too few to judge a training by"

    @property
    def scores(self) -> dict[str, float]:
        """The mean loss of each that was judged."""
        return {name: float(loss.mean()) for name, loss in self.losses.items()}

    @property
    def times(self) -> npt.NDArray[np.int64]:
        """The times that windows share; see `shared_times`. Shape (B,)."""
        start, frequency = self.panel.start[self.series], self.panel.frequency
        return shared_times(frequency.stamps(start, self.end), frequency.stamps(start, self.end + self.horizon))

    def add(self, name: str, networks: Sequence[NetworkForecast]) -> None:
        """Judge networks, whose forecasts are averaged, on the windows of the base model."""
        self.losses[name] = np.minimum(self._loss(networks), self.most)

    def _loss(self, networks: Sequence[NetworkForecast]) -> Floats:
        """Return the loss of each window, NaN where there is nothing to compare or no unit for it."""
        y, forecast = forecast_windows(
            networks, self.panel, self.series, self.end, self.horizon, JUDGED_LEVELS, self.device
        )
        error = y[..., None] - forecast
        levels = np.array(JUDGED_LEVELS)
        loss = np.maximum(levels * error, (levels - 1) * error).mean(-1)  # [B, H], NaN where unobserved
        scale = np.array([self._scale(int(s), int(e)) for s, e in zip(self.series, self.end, strict=True)])
        observed = np.isfinite(loss)
        total = np.where(observed, loss, 0).sum(1)
        usable = observed.any(1) & (scale > 0)
        return np.where(usable, total / np.where(usable, observed.sum(1) * scale, 1), np.nan)

    def _scale(self, series: int, end: int) -> float:
        start, m = int(self.panel.offsets[series]), self.panel.season_length
        past = self.panel.y[start : start + end]
        changes = np.abs(past[m:] - past[:-m]) if len(past) > m else np.array([])
        changes = changes[np.isfinite(changes)]
        return float(changes.mean()) if len(changes) else 0.0


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
