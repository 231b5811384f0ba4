"""The values of one series, before any model: gaps filled on straight lines, and whether they differ at all."""

from __future__ import annotations

import numpy as np

from tsrnn.data.panel import Floats


def interpolate(y: Floats) -> Floats:
    """Fill missing values of shape (n,) on straight lines, the ends with the nearest value.

    >>> interpolate(np.array([np.nan, 1.0, np.nan, 3.0])).tolist()
    [1.0, 1.0, 2.0, 3.0]
    """
    seen = np.isfinite(y)
    at = np.arange(len(y))
    return y if seen.all() else np.interp(at, at[seen], y[seen])


def is_constant(y: Floats) -> bool:
    """Tell whether values of shape (n,) differ by no more than rounding.

    >>> is_constant(np.full(3, 0.1)), is_constant(np.array([0.1, 0.2]))
    (True, False)
    """
    return len(y) == 0 or float(np.ptp(y)) <= 1e-12 * float(np.abs(y).max())
