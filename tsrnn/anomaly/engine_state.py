"""What the engine knows of series between two rows, as much for long ones as for short ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tsrnn.anomaly.arrays import SeriesArrays
from tsrnn.anomaly.whitening import KINDS, LAGS
from tsrnn.forecasting.floor import FEWEST_ZEROS, ZEROS_SHARE

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.data.panel import Bools, Floats, Integers

# What a score is made of: the size of the whitened residual, its moving average, and that of the residual before it was
# whitened, both as root mean squares. Of the sums that were compared on seven kinds of simulated series with injected
# anomalies this one found most (VUS-PR .290; the residual alone .233, the averages alone .293 but later).
PARTS = ("residual", "energy", "block energy")
# What the parts are on average where residuals are normal, and the rows that this guess weighs.
USUAL, USUAL_WEIGHT = (0.8, 1.0, 1.0), 30.0


@dataclass(frozen=True)
class Plan:
    """What does not change while an engine runs.

    Parameters
    ----------
    block : int
        Rows that one forecast serves.
    context : int
        Rows of a forecast's window.
    patience : int
        Rows after which a level that persists is accepted.
    cycle : int
        Rows after which an event may come again: those of a week where the season is a day, else of a season.
    """

    block: int
    context: int
    patience: int
    cycle: int


@dataclass
class State(SeriesArrays):
    """Everything that is known of S series; its size does not depend on how long they are.

    Parameters
    ----------
    seen : (S,)
        Rows so far.
    clean, raw : (S, L)
        The last rows with outliers replaced, and as they came.
    away : (S,)
        How much speaks for being away from what is expected.
    away_rows : (S,)
        For how many rows already.
    accepts : (S,)
        How many new levels were accepted; older ones count less. Each of them halves the patience.
    shadow : (S,)
        Rows for which an anomaly still counts.
    forecast : (S, s, 5)
        Quantiles of the present block.
    lags : (S, LAGS)
        The last residuals with outliers replaced, newest first.
    raw_lags : (S, LAGS)
        The same as they came.
    moments, products : (S, KINDS, LAGS, LAGS) and (S, KINDS, LAGS)
        What the coefficients of the whitening follow from.
    gain : (S, KINDS)
        Mean squared surprise; `gain_weight` says of how many rows.
    base : (S, 3)
        The average of each part of the score; `base_weight` says of how many rows.
    smooth : (S, 2)
        Moving averages.
    spread, spread_weight : (S,)
        The average predicted spread, and of how many blocks; `least` is the smallest one of the present block.
    block_* : (S, s); of lags (S, s, LAGS), of parts (S, s, 3)
        Rows of the present block, from which its end learns.
    """

    seen: Integers
    clean: Floats
    raw: Floats
    away: Floats
    away_rows: Floats
    accepts: Floats
    shadow: Integers
    forecast: Floats
    lags: Floats
    raw_lags: Floats
    moments: Floats
    products: Floats
    gain: Floats
    gain_weight: Floats
    base: Floats
    base_weight: Floats
    smooth: Floats
    spread: Floats
    spread_weight: Floats
    least: Floats
    block_raw: Floats
    block_clean: Floats
    block_lags: Floats
    block_residual: Floats
    block_surprise: Floats
    block_parts: Floats

    @classmethod
    def fresh(cls, n: int, plan: Plan) -> Self:
        """Return the state of n series of which nothing has been seen."""
        s, L = plan.block, plan.context

        def full(value: float, *shape: int) -> Floats:
            return np.full((n, *shape), value)

        return cls(
            seen=np.zeros(n, np.int64),
            clean=full(np.nan, L),
            raw=full(np.nan, L),
            away=full(0.0),
            away_rows=full(0.0),
            accepts=full(0.0),
            shadow=np.zeros(n, np.int64),
            forecast=full(np.nan, s, 5),
            lags=full(0.0, LAGS),
            raw_lags=full(0.0, LAGS),
            moments=full(0.0, KINDS, LAGS, LAGS),
            products=full(0.0, KINDS, LAGS),
            gain=full(1.0, KINDS),
            gain_weight=full(0.0, KINDS),
            base=np.tile(USUAL, (n, 1)),
            base_weight=full(USUAL_WEIGHT),
            smooth=full(1.0, 2),
            spread=full(0.0),
            spread_weight=full(0.0),
            least=full(0.0),
            block_raw=full(np.nan, s),
            block_clean=full(np.nan, s),
            block_lags=full(np.nan, s, LAGS),
            block_residual=full(np.nan, s),
            block_surprise=full(np.nan, s),
            block_parts=full(np.nan, s, len(PARTS)),
        )

    def kept_above_zero(self) -> Bools:
        """Tell which windows stood at zero again and again and never below until the present block began; (S,).

        There is no half a sale less than none, and none is expected (`tsrnn.forecasting.floor`).
        """
        L, s = self.raw.shape[1], self.block_raw.shape[1]
        before = (self.seen - 1) // s * s  # however many rows of the present block have come
        age, half = np.arange(L)[::-1], np.minimum(before, L)[:, None] // 2
        kept: Bools = np.logical_not((self.raw < 0).any(1))
        for part in (age < half, (age >= half) & (age < 2 * half)):
            zeros, known = ((part & rows).sum(1) for rows in (self.raw == 0, np.isfinite(self.raw)))
            kept &= (zeros >= FEWEST_ZEROS) & (zeros >= ZEROS_SHARE * known)
        return kept

    def restarted(self, plan: Plan) -> Self:
        """Return a state that has read nothing, but knows what was learnt of whitening, spread and averages."""
        other = self.fresh(len(self.seen), plan)
        spreads = ("gain", "gain_weight", "base", "base_weight", "spread", "spread_weight")
        for name in ("accepts", "moments", "products", *spreads):
            setattr(other, name, getattr(self, name).copy())
        return other
