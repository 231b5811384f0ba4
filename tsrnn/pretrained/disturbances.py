"""What happens to real series and not to simulated ones: rows left out, mixtures, changes of regime, spikes, limits.

Source: regime switches, steps, spikes, censoring and mixup follow TempoPFN (2025).
"""

from __future__ import annotations

import numpy as np

from tsrnn.pretrained.draws import Floats, Rng, coin, log_uniform


def drop_rows(series: Floats, length: int, season_length: int, share: float, rng: Rng) -> Floats:
    """Leave rows out of some series, as tables do that have no row where nothing was measured.

    What is a day has 23 rows then: from some time on, up to some time, or always. In some series a row is missing
    once a week or now and then, and what comes after it is out of step for good.

    Parameters
    ----------
    series : array of shape (count, whole)
        With `whole` at least ``length * m / (m - 1)`` for a season of m steps.
    length : int
        Rows that are kept.
    season_length : int
        2 or more.
    share : float
        Of the series that rows are left out of; the others keep their last rows.

    Returns
    -------
    array of shape (count, length)
    """
    n, m = len(series), season_length
    place = np.arange(length)
    kind = rng.random((n, 1))
    every = np.where(kind < 0.7, m - 1, 7 * m - 1)
    missing = np.where(kind < 0.85, (place + rng.integers(7 * m, size=(n, 1))) % every == 0, False)
    missing = np.where(kind < 0.85, missing, rng.random((n, length)) < log_uniform(rng, 1 / (30 * m), 1 / (2 * m), n))
    turn, when = rng.integers(length, size=(n, 1)), rng.random((n, 1))
    missing &= np.where(when < 0.4, True, np.where(when < 0.75, place >= turn, place < turn))
    missing &= coin(rng, share, n)
    left = series.shape[1] - length  # rows that may be left out
    out = np.minimum(np.cumsum(missing, 1), left)
    return np.take_along_axis(series, place + left - out[:, -1:] + out, 1)


def disturb(series: Floats, rng: Rng) -> Floats:
    """Give some series what happens to real ones: mixtures, changes of regime, spikes, steps, limits, rounding."""
    n, length = series.shape
    spread = np.abs(np.diff(series, axis=1)).mean(1, keepdims=True) + 1e-12
    centre = series.mean(1, keepdims=True)
    other = rng.permutation(n)
    z = (series - centre) / spread
    # Mixup: the average of two series, each in its own unit.
    share = rng.beta(1.5, 1.5, (n, 1))
    series = np.where(coin(rng, 0.05, n), centre + spread * (share * z + (1 - share) * z[other]), series)
    # Regime switch: from some time on the series goes on as another one does, from where it was.
    when = rng.integers(1, length, (n, 1))
    time = np.arange(length)
    jump = np.take_along_axis(z, when - 1, 1) - np.take_along_axis(z[other], when, 1)
    series = np.where(coin(rng, 0.03, n) & (time >= when), centre + spread * (z[other] + jump), series)
    # Step: the level changes once for good.
    step = rng.normal(size=(n, 1)) * 6 * spread * (time >= rng.integers(1, length, (n, 1)))
    series = series + step * coin(rng, 0.04, n)
    # Spikes: single values that say nothing of the future.
    rate = log_uniform(rng, 0.002, 0.05, n) * coin(rng, 0.12, n)
    spikes = (rng.random((n, length)) < rate) * rng.standard_t(3, (n, length)) * 6 * spread
    series = series + spikes
    # Limits: nothing sells below zero, a machine has a largest output.
    low, high = np.quantile(series, [0.15, 0.85], axis=1)[..., None]
    series = np.where(coin(rng, 0.015, n), np.maximum(series, low), series)
    series = np.where(coin(rng, 0.015, n), np.minimum(series, high), series)
    # Rounding to steps that are coarse beside the movement.
    unit = spread * log_uniform(rng, 0.2, 5, n)
    return np.where(coin(rng, 0.06, n), np.round(series / unit) * unit, series)
