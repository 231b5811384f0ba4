"""Widen or narrow intervals by what held-back windows say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.forecasting.network_forecast import NetworkForecast
from tsrnn.forecasting.network_training import forecast_windows
from tsrnn.forecasting.settings import Settings

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Central intervals whose width is corrected; between them the correction is interpolated.
LEVELS = (0.8, 0.95)
ENDS = (0.025, 0.1, 0.5, 0.9, 0.975)
# Windows that weigh as much as the network's own word on its spread. With 20 instead, 40 windows of simulated walks
# moved a true coverage of .80 by up to .04, since the steps of a window err together.
PRIOR_WINDOWS = 60
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
        if not self.n_windows:
            return "as the network forecasts them"
        inner, outer = self.factors
        return f"80 % × {inner:.2f}, 95 % × {outer:.2f}, from {self.n_windows} held-back windows"


def calibrate(
    networks: Sequence[NetworkForecast],
    panel: Panel,
    settings: Settings,
    train_end: Integers | None,
    device: torch.device,
) -> Calibration:
    """Estimate the correction from windows that no training has seen.

    A factor is the ratio at which the interval would have held as often as it says, drawn towards 1 where windows are
    few. Split-conformal prediction (Vovk et al. 2005) with errors in units of the forecast spread.

    Parameters
    ----------
    networks : sequence of NetworkForecast
    panel : Panel
    settings : Settings
    train_end : int64 ndarray of shape (n_series,), or None
        None where nothing was trained: then every end of every series is unseen.
    device : torch.device
    """
    known = networks[0].size.quantiles
    if known[0] > ENDS[0] + 1e-9 or known[-1] < ENDS[-1] - 1e-9:
        return Calibration()
    series, end = unseen_windows(panel, settings, train_end)
    if not len(series):
        return Calibration()
    horizon = min(settings.horizon, *(network.size.horizon for network in networks))
    y, forecast = forecast_windows(networks, panel, series, end, horizon, ENDS, device)
    usable = np.isfinite(y) & (forecast[..., 4] > forecast[..., 0])
    n = int(usable.any(1).sum())
    if n < 2:
        return Calibration()
    error = np.abs(y - forecast[..., 2])
    above = y > forecast[..., 2]
    factors = []
    for level, low, high in zip(LEVELS, (1, 0), (3, 4), strict=True):
        width = np.where(above, forecast[..., high] - forecast[..., 2], forecast[..., 2] - forecast[..., low])
        fair = usable & (width > 0)
        ratio = float(np.quantile(error[fair] / width[fair], level)) if fair.any() else 1.0
        factors.append(float(np.clip(ratio, 1 / MOST, MOST) ** (n / (n + PRIOR_WINDOWS))))
    return Calibration((factors[0], factors[1]), n)


def unseen_windows(panel: Panel, settings: Settings, train_end: Integers | None) -> tuple[Integers, Integers]:
    """Return the series and ends of windows to calibrate on: the newest ones, a horizon apart."""
    h, m = settings.horizon, panel.season_length
    fewest = 2 * m + 2 if m > 1 else 6
    pairs = []
    for series, length in enumerate(panel.lengths.tolist()):
        first = fewest if train_end is None else max(fewest, int(train_end[series]))
        ends = range(length - h, first - 1, -h)
        pairs += [(series, end) for end in ends[:WINDOWS_OF_A_SERIES]]
    if len(pairs) > MOST_WINDOWS:
        pairs = pairs[:: -(-len(pairs) // MOST_WINDOWS)]
    series, end = np.array(pairs, np.int64).reshape(-1, 2).T
    return series, end
