"""Long seasons as sums of sines and cosines, for ARIMA models of what remains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from tsrnn.data.panel import Floats, Integers
from tsrnn.data.seasonality import season_weights

_MAX_HARMONICS = 20
# A harmonic has two coefficients, and the strongest of many are strong by chance too. On held back ends of the
# training parts of Ausgrid weekly (52) a limit of 24 rows did better than 12 or 6, on M4 hourly (168) no worse.
_ROWS_PER_HARMONIC = 24


@dataclass(frozen=True)
class Harmonics:
    """A fixed seasonal pattern.

    Parameters
    ----------
    season_length : int
    numbers : int64 ndarray of shape (K,)
        Which harmonics, in cycles per season.
    sines, cosines : ndarray of shape (K,)
    """

    season_length: int
    numbers: Integers
    sines: Floats
    cosines: Floats

    def at(self, rows: Integers) -> Floats:
        """Return the season's values at some rows (0 is the first of the fitted series), of their shape."""
        angle = (2 * np.pi / self.season_length) * (rows[..., None] % self.season_length) * self.numbers
        values: Floats = np.sin(angle) @ self.sines + np.cos(angle) @ self.cosines
        return values


def fit_harmonics(y: Floats, season_length: int) -> Harmonics | None:
    """Fit the harmonics that pay for themselves by the extended Bayesian criterion, strongest first.

    The trend, a moving average over a season, is taken out before the regression.

    Parameters
    ----------
    y : ndarray of shape (n,), complete
    season_length : int

    Returns
    -------
    Harmonics or None
        None with fewer than two seasons, or where no harmonic pays.

    Source: harmonic regression with ARIMA errors, Hyndman and Athanasopoulos, Forecasting: Principles and
    Practice, 3rd edition (2021), section 10.5; Chen and Chen, Extended Bayesian information criteria for model
    selection with large model spaces (2008), equation 2 with gamma = 1.
    """
    m = season_length
    if len(y) < 2 * m:
        return None
    weights = season_weights(m) / m
    reach = len(weights) // 2
    rows = np.arange(reach, len(y) - reach)
    detrended = y[rows] - np.convolve(y, weights, "valid")
    # Whole seasons only: there the harmonics are orthogonal, and each has an amplitude of its own.
    n = len(rows) // m * m
    rows, detrended = rows[len(rows) - n :], detrended[len(rows) - n :]
    numbers = np.arange(1, m // 2 + 1)
    angle = 2 * np.pi / m * (rows[:, None] % m) * numbers
    sine, cosine = np.sin(angle), np.cos(angle)
    # At the highest frequency of an even season the sine is 0 and the cosine alternates.
    power = np.maximum((cosine**2).sum(0), 1.0)
    sines = np.where(2 * numbers == m, 0.0, detrended @ sine / power)
    cosines = detrended @ cosine / power
    gain = power * (sines**2 + cosines**2)
    strongest = np.argsort(-gain, kind="stable")[: min(_MAX_HARMONICS, n // _ROWS_PER_HARMONIC)]
    total = float(detrended @ detrended)
    if total <= 1e-20 * float(y @ y):
        return None
    left = np.maximum(total - np.cumsum(gain[strongest]), 1e-12 * total)
    n_kept = np.arange(len(left) + 1)
    # The strongest of many harmonics is strong by chance too, which the plain criterion does not know.
    n_choices = gammaln(len(numbers) + 1) - gammaln(n_kept + 1) - gammaln(len(numbers) - n_kept + 1)
    criterion = n * np.log(np.r_[total, left]) + 2 * math.log(n) * n_kept + 2 * n_choices
    kept = np.sort(strongest[: int(criterion.argmin())])
    return Harmonics(m, numbers[kept], sines[kept], cosines[kept]) if len(kept) else None
