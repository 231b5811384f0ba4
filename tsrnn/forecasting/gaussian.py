"""Quantiles of forecasts that are normal distributions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from tsrnn.data.panel import Floats


def gaussian_quantiles(mean: Floats, deviation: Floats, quantiles: Sequence[float]) -> Floats:
    """Return Q quantiles of normal distributions: mean and standard deviation (..., h) to (..., h, Q).

    >>> gaussian_quantiles(np.array([1.0]), np.array([2.0]), [0.5, 0.975]).round(2)
    array([[1.  , 4.92]])
    """
    values: Floats = mean[..., None] + deviation[..., None] * ndtri(np.asarray(quantiles, dtype=np.float64))
    return values
