"""Where a backtest forecasts from: rolling origins, counted back from the end of every series."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tsrnn.data.panel import Bools, Cutoffs, Integers, Panel
from tsrnn.errors import ParameterError, ShortSeriesError
from tsrnn.naming import counted

MOST_WINDOWS = 20

# The training part keeps at least this share of a typical series, where the windows are not given.
TRAINING_SHARE = 0.6


@dataclass(frozen=True)
class Origins:
    """The cutoffs of a backtest.

    Parameters
    ----------
    h, n_windows, step_size : int
    ends : int64 ndarray of shape (n_series, n_windows)
        Rows up to a cutoff, oldest cutoff first; 0 where a series is too short for that cutoff.
    gap : int
        Steps right after a cutoff that are not scored; the h scored ones follow.
    train_size : int or None
        How many rows before a cutoff a model may see at most; None for all of them.
    learnt : int64 ndarray of shape (n_series,), or None
        Rows up to the last cutoff of every series that models learn from, where only a sample of these is judged; None
        where all are.
    """

    h: int
    n_windows: int
    step_size: int
    ends: Integers
    gap: int = 0
    train_size: int | None = None
    learnt: Integers | None = None

    @property
    def judged(self) -> Bools:
        """Which series have a cutoff. Shape (n_series,)."""
        return np.asarray(self.ends.any(axis=1))

    @property
    def sampled_out(self) -> Bools:
        """Which series are long enough for a cutoff, and not in the sample. Shape (n_series,)."""
        return np.zeros(len(self.ends), np.bool_) if self.learnt is None else (self.learnt > 0) & ~self.judged

    @property
    def sample_size(self) -> int | None:
        """On how many series models are judged, where they are a sample of those long enough; None if on all."""
        return int(self.judged.sum()) if self.sampled_out.any() else None

    @property
    def reach(self) -> int:
        """Steps from a cutoff to the last scored one."""
        return self.gap + self.h

    @property
    def overlap(self) -> int:
        """How many following cutoffs share steps that none of them has seen: their errors are correlated."""
        return -(-self.reach // self.step_size)

    def cutoffs(self, first: int = 0, last: int | None = None) -> Cutoffs:
        """Return the cutoffs of windows `first` to before `last`, series by series, oldest first."""
        ends = self.ends[:, first:last]
        series, window = np.nonzero(ends)
        return Cutoffs(series.astype(np.int64), ends[series, window])

    def window_numbers(self, first: int = 0, last: int | None = None) -> Integers:
        """Return the window of each of `cutoffs(first, last)`, 0 the oldest of all. Shape (B,)."""
        return first + np.nonzero(self.ends[:, first:last])[1].astype(np.int64)

    def training_rows(self, window: int) -> tuple[Integers, Integers]:
        """Return the rows of each series that models learn from before this window: from `start` to before `end`.

        A series that joins at a later window takes part with what it has; one without any cutoff has no rows.
        """
        lead = (self.n_windows - 1 - window) * self.step_size
        last = self.ends[:, -1] if self.learnt is None else self.learnt
        end = np.where(last > 0, np.maximum(last - lead, 0), 0).astype(np.int64)
        return self._start(end), end

    def seen_rows(self, window: int) -> tuple[Integers, Integers]:
        """Return the rows of each series that may be seen from its cutoff in this window; none without one."""
        end = self.ends[:, window]
        return self._start(end), end

    def _start(self, end: Integers) -> Integers:
        return np.zeros_like(end) if self.train_size is None else np.maximum(end - self.train_size, 0)

    def sample(self, n_series: int, seed: int) -> Origins:
        """Return the cutoffs of some series, drawn at random; the others are learnt from all the same."""
        able = np.flatnonzero(self.judged)
        if n_series >= len(able):
            return self
        kept = np.zeros(len(self.ends), np.bool_)
        kept[np.random.default_rng(seed).choice(able, n_series, replace=False)] = True
        return replace(self, ends=np.where(kept[:, None], self.ends, 0), learnt=self.ends[:, -1])

    def first(self, n_windows: int) -> Origins:
        """Return the oldest windows alone."""
        return replace(self, n_windows=n_windows, ends=self.ends[:, :n_windows])


def choose_origins(
    panel: Panel,
    h: int | None,
    n_windows: int | None,
    step_size: int | None,
    *,
    gap: int = 0,
    train_size: int | None = None,
) -> Origins:
    """Fill in what the user left open and place the cutoffs.

    The default horizon comes from the frequency, shortened to a fifth of a typical series. Up to 20 cutoffs lie a
    horizon apart, or closer where the last 40 % of a typical series would not hold them. Cutoffs that no series is
    long enough for are left out.

    Raises
    ------
    ShortSeriesError
        If no series is long enough for one cutoff.
    ParameterError
        If `train_size` is less than the rows that a cutoff needs before it.
    """
    min_history = max(2 * panel.season_length, 3)
    if train_size is not None and train_size < min_history:
        raise ParameterError(
            f"train_size={train_size}: expected {counted(min_history, 'row')} or more "
            f"(season_length={panel.season_length}), or None for all rows before a cutoff."
        )
    lengths = panel.lengths[panel.n_observed > 0]
    typical = int(np.median(lengths)) if len(lengths) else 0
    h = h or max(1, min(panel.frequency.default_horizon, typical // 5))
    room = max(0, min(int((1 - TRAINING_SHARE) * typical), typical - min_history) - gap - h)
    if step_size is None:
        wanted = (n_windows or MOST_WINDOWS) - 1
        step_size = max(1, min(h, room // wanted)) if wanted else h
    longest = int(lengths.max()) if len(lengths) else 0
    # A model that is fitted before a cutoff that nobody reaches would learn from next to nothing.
    fitting = (longest - min_history - gap - h) // step_size + 1
    if fitting < 1:
        after = f"gap={gap} and h={h}" if gap else f"h={h}"
        raise ShortSeriesError(
            f"No cutoff fits: the longest series has {counted(longest, 'row')}, and a backtest needs {min_history} "
            f"before the cutoff (season_length={panel.season_length}) and {after} after it. Lower "
            + ("gap, h" if gap else "h")
            + " or season_length, or add rows."
        )
    n_windows = min(n_windows or min(MOST_WINDOWS, room // step_size + 1), fitting)
    back = gap + h + step_size * np.arange(n_windows - 1, -1, -1)
    ends = panel.lengths[:, None] - back[None, :]
    ends = np.where((ends >= min_history) & (panel.n_observed > 0)[:, None], ends, 0).astype(np.int64)
    return Origins(h, n_windows, step_size, ends, gap, train_size)
