"""The benchmark of the M4 competition, on which OWA rests."""

from __future__ import annotations

import numpy as np

from tsrnn.forecasting.classical_season import classical_indices, is_seasonal


def naive2(y: np.ndarray, season_length: int, h: int) -> np.ndarray:
    """Forecast as M4's Naive2: the last value, on classically and multiplicatively deseasonalised data.

    Parameters
    ----------
    y : ndarray of shape (n,), all observed
    season_length : int
    h : int

    Returns
    -------
    ndarray of shape (h,)
        Where no season is found, or a value is not positive, the last value itself.

    >>> naive2(np.array([1.0, 2.0, 3.0]), 1, 2)
    array([3., 3.])
    """
    m, n = season_length, len(y)
    indices = classical_indices(y, m, multiplicative=True) if is_seasonal(y, m) and (y > 0).all() else np.ones(m)
    return y[-1] / indices[(n - 1) % m] * indices[(n + np.arange(h)) % m]
