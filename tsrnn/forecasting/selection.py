"""Choose among trained networks and the base model by what they lost on held-back windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import torch

from tsrnn.data.grids import Stamps
from tsrnn.data.panel import Cutoffs, Floats, Integers
from tsrnn.forecasting.network_forecast import NetworkForecast
from tsrnn.forecasting.network_training import forecast_held_back
from tsrnn.metrics import mean_where, pinball, seasonal_scale
from tsrnn.naming import counted
from tsrnn.training.batches import thinned

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel

# The candidate that the others are compared with.
BASE = "zero-shot"
# With fewer held-back windows than this, chance would choose.
FEWEST_JUDGED = 10
# Losses are limited to so many times the base model's median.
MOST_LOSS = 20.0
JUDGED_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# Of more windows than this an even part is judged; the mean of so many errs little.
MOST_JUDGED = 2000
# What is believed of a candidate before a table has been seen: the logarithm of its error relative to the base model's.
# The first is for averages of the base model, fine-tuned networks and perhaps others, by their number; then come other
# averages with the base model, and candidates without it.
WITH_FINE_TUNED, WITH_SCRATCH, ALONE = {2: -0.01, 3: -0.005}, 0.0, 0.05
# What is believed counts as if it had been seen at so many times.
PRIOR_TIMES = 5


@dataclass
class Judge:
    """The losses of several candidates on held-back windows; made by `of_base`, which judges the base model first.

    Parameters
    ----------
    panel : Panel
    cutoffs : Cutoffs
        Where the B windows end.
    horizon : int
    device : torch.device
    most : float
        What a window counts at most: a wild one does not decide alone.
    losses : dict of str to float64 ndarray of shape (B,)
        The mean quantile loss of each window, in units of its series' mean absolute seasonal difference.
    """

    panel: Panel
    cutoffs: Cutoffs
    horizon: int
    device: torch.device
    most: float = math.inf
    losses: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def of_base(
        cls,
        networks: Sequence[NetworkForecast],
        panel: Panel,
        train_end: Integers,
        horizon: int,
        device: torch.device,
    ) -> Judge:
        """Find the windows after `train_end`, shape (n_series,), and judge the base model, with which to compare."""
        judge = cls(panel, judged_cutoffs(panel.lengths, train_end, horizon), horizon, device)
        loss = judge._loss(networks)
        usable = np.isfinite(loss)  # a constant past has no unit for a loss
        judge.cutoffs, loss = judge.cutoffs.take(usable), loss[usable]
        if len(loss):
            judge.most = MOST_LOSS * float(np.median(loss)) or math.inf
        judge.losses[BASE] = np.minimum(loss, judge.most)
        return judge

    @property
    def too_few(self) -> str:
        """Why nothing should be judged by the windows; empty if they are enough."""
        count = len(self.cutoffs)
        if count >= FEWEST_JUDGED:
            return ""
        found = counted(count, "held-back window is", "held-back windows are")
        return f"{found} too few to judge a training by"

    @property
    def scores(self) -> dict[str, float]:
        """The mean loss of each that was judged."""
        return {name: float(loss.mean()) for name, loss in self.losses.items()}

    @property
    def times(self) -> Integers:
        """The times that windows share; see `shared_times`. Shape (B,)."""
        start, end, stamps = self.panel.start[self.cutoffs.series], self.cutoffs.end, self.panel.frequency.stamps
        return shared_times(stamps(start, end), stamps(start, end + self.horizon))

    def add(self, name: str, networks: Sequence[NetworkForecast]) -> None:
        """Judge networks, whose forecasts are averaged, on the windows of the base model."""
        self.losses[name] = np.minimum(self._loss(networks), self.most)

    def _loss(self, networks: Sequence[NetworkForecast]) -> Floats:
        """Return the loss of each window, NaN where there is nothing to compare or no unit for it."""
        panel, cutoffs = self.panel, self.cutoffs
        forecast = forecast_held_back(networks, panel, cutoffs, self.horizon, JUDGED_LEVELS, self.device)
        y = panel.future(cutoffs, self.horizon)[..., None]
        loss = pinball(y, forecast, np.array(JUDGED_LEVELS)).mean(-1)  # [B, H], NaN where unobserved
        pasts = (panel.series(series)[:end] for series, end in zip(cutoffs.series, cutoffs.end, strict=True))
        scale = np.array([seasonal_scale(past, panel.season_length) for past in pasts])
        in_units: Floats = mean_where(loss, np.isfinite(loss)) / scale
        return in_units


def judged_cutoffs(lengths: Integers, train_end: Integers, horizon: int) -> Cutoffs:
    """Return where held-back windows end: one every horizon, each with at least half of it known.

    Of very many an even part, since they are of a few times only.
    """
    pairs = [
        (series, end)
        for series in np.flatnonzero(lengths > train_end).tolist()
        for end in range(int(train_end[series]), int(lengths[series]) - horizon // 2, horizon)
    ]
    return Cutoffs.of(thinned(pairs, MOST_JUDGED))


def shared_times(start: Stamps, until: Stamps) -> Integers:
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


def averages(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the sets of networks to average: two or more; the first one, the base model, comes last in each.

    Examples
    --------
    >>> averages(["zero-shot", "scratch"])
    [('scratch', 'zero-shot')]
    """
    last = list(reversed(names))
    return [part for size in range(2, len(last) + 1) for part in combinations(last, size)]


def choose(losses: dict[str, Floats], times: Integers) -> tuple[str, str]:
    """Choose among the base model, averages with it, and networks that were trained alone.

    Held-back windows of many series are of one time or a few, and what was best then need not be best next time: at 35
    ends of twelve public panels, two to four horizons each, what fine-tuned networks were better by on held-back
    windows hardly told what came next (a correlation of .2), but averaged with the base model they were better at 24.
    So the logarithm of each candidate's loss to the base model's is drawn towards what such candidates were worth on
    most tables, the more the fewer times there are (empirical Bayes, Efron and Morris 1975), and the least is chosen.
    At these ends the error came to .984 of the base model's (.992 by standard errors of the gain, as before), at 19
    of long hourly and daily series, with mostly twelve times to judge by, to .919 (.921), and with another seed, by
    which nothing was set, at fourteen ends to .990 (1.002).

    Parameters
    ----------
    losses : dict of str to ndarray of shape (B,)
        Of the same windows; NaN where a window cannot be judged. What is NaN where the base model's is not is not
        chosen; the name of an average holds the names of its parts, joined by " + ".
    times : int64 ndarray of shape (B,)
        From `shared_times`.

    Returns
    -------
    name, reason : str
    """
    known = np.isfinite(losses[BASE])
    # One that has no loss where the base model has one has no mean, and is not chosen.
    n, means = int(known.sum()), {name: float(loss[known].mean()) for name, loss in losses.items()}
    if means[BASE] == 0:
        return BASE, f"no training was better on {counted(n, 'held-back window')}"
    count = count_times(times[known])
    trust = count / (count + PRIOR_TIMES)
    expected = {BASE: 0.0}
    for name, mean in means.items():
        if name != BASE:
            seen = math.log(max(mean / means[BASE], 1 / MOST_LOSS))
            expected[name] = trust * seen + (1 - trust) * _believed(name.split(" + "))
    chosen = min((name for name, value in expected.items() if not math.isnan(value)), key=expected.__getitem__)
    if chosen != BASE:
        share = 100 * (1 - means[chosen] / means[BASE])
        if share >= 0:
            return chosen, f"{share:.1f} % better than zero-shot on {counted(n, 'held-back window')}"
        of = " of one time" if count < 2 else " of few times" if count < PRIOR_TIMES else ""
        return (
            chosen,
            f"{-share:.1f} % worse than zero-shot on {counted(n, 'held-back window')}{of}, but better on most tables",
        )
    share = 100 * (1 - float(np.nanmin(list(means.values()))) / means[BASE])
    if share <= 0:
        return BASE, f"no training was better on {counted(n, 'held-back window')}"
    return BASE, f"the best training was {share:.1f} % better on {counted(n, 'held-back window')}, too little to go by"


def _believed(parts: Sequence[str]) -> float:
    if BASE not in parts:
        return ALONE
    return WITH_FINE_TUNED[len(parts)] if "fine-tune" in parts else WITH_SCRATCH


def count_times(times: Integers) -> float:
    """Return at how many times windows are, one that few windows are of counting less.

    Examples
    --------
    >>> count_times(np.array([0, 0, 1, 1])), round(count_times(np.array([0, 0, 0, 0, 0, 0, 1])), 2)
    (2.0, 1.32)
    """
    _, windows = np.unique(times, return_counts=True)
    return effective_number(windows)


def effective_number(weight: Floats | Integers) -> float:
    """Return how many equal weights tell as much as these (Kish 1965).

    Examples
    --------
    >>> effective_number(np.array([2.0, 2.0])), effective_number(np.array([2.0, 0.0]))
    (2.0, 1.0)
    """
    return float(weight.sum() ** 2 / (weight**2).sum())
