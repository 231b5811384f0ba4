"""Widen or narrow intervals by what held-back windows say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from tsrnn.data.panel import Cutoffs, Floats, Integers
from tsrnn.forecasting.network_forecast import NetworkForecast
from tsrnn.forecasting.network_training import forecast_held_back
from tsrnn.forecasting.selection import effective_number
from tsrnn.naming import counted
from tsrnn.pretrained.service import Service
from tsrnn.training.batches import thinned

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel

# Central intervals whose width is corrected; between them the correction is interpolated.
LEVELS = (0.8, 0.95)
ENDS = (0.025, 0.1, 0.5, 0.9, 0.975)
# Standard deviations of the logarithm of a factor: from table to table, around what is believed before a table is seen,
# and within a table from one horizon's length to the next, for its series share the shocks of a time, however many they
# are. The second one counts as if it had been seen at PRIOR_TIMES times. On the two last horizons of twelve public
# training parts, 80 % intervals of the base model (before any of its series were selected) that were corrected by what
# came before missed 80 % by 6.5 and 7.6 points, 95 % intervals by 3.6 and 4.3; raw ones by 8.1 and 9.4, and 4.2 and
# 5.2. Without the eight exchange rates, whose crises no rule foresees, it is 3.5 and 4.0, and 1.6 and 2.0; raw 5.3 and
# 6.3, and 2.4 and 3.5. Of trained networks there is mostly one time to judge by: what it asked for and what came next
# went rather apart (correlations of -.1 to -.5 over ten panels, two ends each), so that a table spread of .15 missed by
# 4.3 and 2.5 points where this one misses by 4.1 and 2.3.
TABLE_SPREAD, TIME_SPREAD, PRIOR_TIMES = 0.1, 0.2, 3
# How much wider than trained networks forecast them 80 % intervals had to be to hold 80 % of what came next: 1.21,
# 1.07, and 1.03 to 1.09 of their averages (geometric means over two ends of ten public training parts).
TRAINED_WIDENING, AVERAGE_WIDENING = {"scratch": 1.2, "fine-tune": 1.07}, 1.04
# A correction beyond this is a sign of something else than a spread.
MOST = 3.0
MOST_WINDOWS, WINDOWS_OF_A_SERIES = 2000, 8


@dataclass(frozen=True)
class Calibration:
    """Factors on the distance of quantiles from the median.

    Parameters
    ----------
    factors : tuple of float
        Of the central 80 % and 95 % intervals.
    n_windows : int
        Held-back windows that they were estimated from.
    """

    factors: tuple[float, float] = (1.0, 1.0)
    n_windows: int = 0

    def apply(self, values: Floats, quantiles: Sequence[float]) -> Floats:
        """Return quantiles [..., Q] with their distance from the median corrected; they stay in order.

        Parameters
        ----------
        values : ndarray of shape (..., Q)
        quantiles : sequence of Q floats, ascending, holding .5
        """
        if self.factors == (1.0, 1.0):
            return values
        median = values[..., [list(quantiles).index(0.5)]]
        level = np.abs(2 * np.asarray(quantiles) - 1)
        factor = np.interp(level, LEVELS, self.factors)
        moved: Floats = median + (values - median) * factor
        middle = list(quantiles).index(0.5)
        # Narrowing outer intervals more than inner ones must not make quantiles cross.
        moved[..., middle:] = np.maximum.accumulate(moved[..., middle:], -1)
        moved[..., : middle + 1] = np.minimum.accumulate(moved[..., middle::-1], -1)[..., ::-1]
        return moved

    def describe(self) -> str:
        """Say what was corrected."""
        inner, outer = self.factors
        if self.n_windows:
            return f"80 % × {inner:.2f}, 95 % × {outer:.2f}, from {counted(self.n_windows, 'held-back window')}"
        return "as the network forecasts them" if inner == outer == 1 else f"× {inner:.2f}, as real series need"


def usual_widening(strategy: str, service: Service) -> float:
    """Return by how much intervals have to be widened on most tables.

    Parameters
    ----------
    strategy : str
        As `Forecaster.strategy_` names it.
    service : Service
        Of the panel.
    """
    if strategy == "zero-shot":
        return service.member.widening
    return TRAINED_WIDENING.get(strategy, AVERAGE_WIDENING)


def calibrate(
    networks: Sequence[NetworkForecast],
    panel: Panel,
    horizon: int,
    train_end: Integers | None,
    believed: float,
    device: torch.device,
) -> Calibration:
    """Estimate the correction from windows that no training has seen.

    A factor is the ratio at which the interval would have held as often as it says, averaged over the times at which
    windows end and drawn towards what is believed without any. The more it varied from time to time, the less it is
    trusted (empirical Bayes, Efron and Morris 1975). Split-conformal prediction (Vovk et al. 2005) with errors in
    units of the forecast spread.

    Parameters
    ----------
    networks : sequence of NetworkForecast
    panel : Panel
    horizon : int
        Windows lie so many steps apart, of which those are judged that every network forecasts at once.
    train_end : int64 ndarray of shape (n_series,), or None
        None where nothing was trained: then every end of every series is unseen.
    believed : float
        From `usual_widening`.
    device : torch.device
    """
    known = networks[0].size.quantiles
    if known[0] > ENDS[0] + 1e-9 or known[-1] < ENDS[-1] - 1e-9:
        return Calibration()
    cutoffs = unseen_cutoffs(panel, horizon, train_end)
    if not len(cutoffs):
        return Calibration((believed, believed))
    h = min(horizon, *(network.size.horizon for network in networks))
    forecast, y = forecast_held_back(networks, panel, cutoffs, h, ENDS, device), panel.future(cutoffs, h)
    usable = np.isfinite(y) & (forecast[..., 4] > forecast[..., 0])
    n = int(usable.any(1).sum())
    if n < 2:
        return Calibration((believed, believed))
    time = (panel.lengths[cutoffs.series] - cutoffs.end) // horizon  # horizons before the end of the series
    error = np.abs(y - forecast[..., 2])
    above = y > forecast[..., 2]
    factors = []
    for level, low, high in zip(LEVELS, (1, 0), (3, 4), strict=True):
        width = np.where(above, forecast[..., high] - forecast[..., 2], forecast[..., 2] - forecast[..., low])
        ratio = np.where(usable & (width > 0), error / np.where(width > 0, width, 1), np.nan)
        factors.append(_factor(ratio, time, level, believed))
    return Calibration((factors[0], factors[1]), n)


def _factor(ratio: Floats, time: Integers, level: float, believed: float) -> float:
    """Return the factor on one level's width from errors in units of it, NaN where unusable. Shape (B, h)."""
    logs, weight = [], []
    for one in np.unique(time):
        rows = ratio[time == one]
        windows = np.isfinite(rows).any(1).sum()
        if windows:
            logs.append(np.log(np.clip(np.nanquantile(rows, level), 1 / MOST, MOST)))
            weight.append(windows)
    if not weight:
        return believed
    w, values = np.array(weight, float), np.array(logs)
    n, times, mean = w.sum(), effective_number(w), np.average(values, weights=w)
    seen = (w / w.mean() * (values - mean) ** 2).sum()
    variance = (PRIOR_TIMES * TIME_SPREAD**2 + seen) / (PRIOR_TIMES + times - 1)
    # The quantile of n windows has an error of its own, of about one over the square root of n.
    trust = TABLE_SPREAD**2 / (TABLE_SPREAD**2 + variance / times + 1 / n)
    return float(believed * np.exp(trust * (mean - np.log(believed))))


def unseen_cutoffs(panel: Panel, horizon: int, train_end: Integers | None) -> Cutoffs:
    """Return where windows to calibrate on end: the newest ones, a horizon apart."""
    m = panel.season_length
    fewest = 2 * m + 2 if m > 1 else 6
    pairs = []
    for series, length in enumerate(panel.lengths.tolist()):
        first = fewest if train_end is None else max(fewest, int(train_end[series]))
        ends = range(length - horizon, first - 1, -horizon)
        pairs += [(series, end) for end in ends[:WINDOWS_OF_A_SERIES]]
    return Cutoffs.of(thinned(pairs, MOST_WINDOWS))
