"""Training windows of the base model, cut from simulated series."""

from __future__ import annotations

import math

import numpy as np
import torch

from tsrnn.preprocessing.inputs import make_inputs
from tsrnn.preprocessing.scaling import standardise
from tsrnn.pretrained.family import Member
from tsrnn.pretrained.likeness import scorecard_of
from tsrnn.pretrained.prior import simulate
from tsrnn.training.batches import WindowBatch

# Series are simulated by the thousand, since a recursion over time costs the same for many as for few.
SERIES_AT_ONCE, LONG_SERIES_AT_ONCE, LONG = 4096, 1024, 600
# The fewest points of a history, but for a few that are shorter still.
FEWEST_POINTS, FEWEST_OF_ALL = 6, 3
SHORTER_SHARE, GAPS_SHARE, MOST_GAPS = 0.05, 0.06, 0.4
VALIDATION_BATCHES, VALIDATION_SEED = 8, 10**6


class SimulatedWindows:
    """Draws batches of windows for one member of the family, from fresh simulated series.

    A batch depends on the member, its scorecard, the seed and its step alone, so that an interrupted training goes on
    with the same batches.

    Parameters
    ----------
    member : Member
    batch_size : int
    seed : int
    device : torch.device
    """

    def __init__(self, member: Member, batch_size: int, seed: int, device: torch.device) -> None:
        self.member, self.batch_size, self.seed, self.device = member, batch_size, seed, device
        long = member.size().context_length + member.horizon > LONG
        self._batches = max(1, (LONG_SERIES_AT_ONCE if long else SERIES_AT_ONCE) // batch_size)
        self._round = -1
        self._series = np.empty((0, 0))
        self._seasons: tuple[int, ...] = ()

    def draw(self, step: int) -> WindowBatch:
        """Return the batch of a step, counted from 1."""
        number, place = divmod(step - 1, self._batches)
        if number != self._round:
            self._simulate(number)
        return self._cut(self._series[place * self.batch_size :][: self.batch_size], [self.seed, step])

    def validation(self) -> list[WindowBatch]:
        """Return batches that no training with another seed ever sees."""
        other = SimulatedWindows(self.member, 512, VALIDATION_SEED, self.device)
        return [other.draw(1 + k * (other._batches + 1)) for k in range(VALIDATION_BATCHES)]

    def _simulate(self, number: int) -> None:
        rng = np.random.default_rng([self.seed, number, 0])
        member = self.member
        shares = [share for _, share in member.seasons]
        self._seasons = member.seasons[rng.choice(len(shares), p=np.array(shares) / sum(shares))][0]
        length = member.size(self._seasons).context_length + member.horizon
        count = self._batches * self.batch_size
        # A year comes beside a season that is shorter, whether or not it is a part of the year.
        beside = (member.year,) if member.year > self._seasons[0] else ()
        series = np.empty((member.candidates * count, length))
        for k in range(member.candidates):
            series[k * count : (k + 1) * count] = simulate(count, length, (*self._seasons, *beside), rng, member.traits)
        self._series = series
        if member.candidates > 1:
            self._series = scorecard_of(member.name).choose(series, count, rng)
        self._round = number

    def _cut(self, series: np.ndarray, seed: list[int]) -> WindowBatch:
        """Give each series a history of random length, with gaps in some, and the steps after it as the target."""
        rng = np.random.default_rng([*seed, 1])
        member, seasons, n = self.member, self._seasons, len(series)
        longest = series.shape[1] - member.horizon
        fewest = max(2 * seasons[0], FEWEST_POINTS)
        # One batch has histories of similar length, so that short ones cost few recurrent steps.
        # Nothing is drawn where the share is 0, so that a member without one keeps the batches it was trained on.
        shortest = fewest
        if member.short_batches and rng.random() < member.short_batches:
            shortest = FEWEST_OF_ALL
            top = math.exp(rng.uniform(math.log(shortest), math.log(fewest + 1)))
        elif member.even_lengths and rng.random() < member.even_lengths:
            top = rng.uniform(fewest, longest + 1)
        else:
            top = math.exp(rng.uniform(math.log(fewest), math.log(longest + 1)))
        history = np.maximum(top * rng.uniform(0.6, 1, (n, 1)), shortest)
        shorter = rng.random((n, 1)) < SHORTER_SHARE
        history = np.where(shorter, rng.integers(FEWEST_OF_ALL, fewest + 1, (n, 1)), history).astype(int)
        p = member.patch_length
        width = max(-(-int(history.max()) // p) * p, -(-seasons[-1] // p) * p)
        # A GPU need not be waited for until it has taken them.
        y = torch.from_numpy(series[:, -width - member.horizon :]).to(self.device, non_blocking=True)
        observed = np.arange(width) >= width - history
        gaps = rng.uniform(0, MOST_GAPS, (n, 1)) * (rng.random((n, 1)) < GAPS_SHARE)
        observed &= rng.random((n, width)) >= gaps
        known = torch.from_numpy(observed).to(self.device, non_blocking=True)
        reads = member.size(seasons).reads
        inputs, loc, scale = make_inputs(y[:, :width], known, member.scaling, reads, member.horizon)
        target = standardise(y[:, width:], loc, scale).to(torch.float32)
        return WindowBatch(inputs, target, (scale > 0).expand(target.shape))
