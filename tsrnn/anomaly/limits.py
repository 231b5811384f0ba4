"""What bounds residuals and distances: how small a spread may be, and how large a size counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tsrnn.data.panel import Floats

# What varies by nothing is given this share of its size as a spread, so that the first change is a surprise.
FLOOR = 1e-6
# And the least number where that size is 0, too: small, but large enough that what is divided by it stays finite.
LEAST_SPREAD = 1e-100


def least_spread(values: Floats) -> Floats:
    """Return the smallest spread that values of this size may have, in their units."""
    least: Floats = FLOOR * np.abs(values) + LEAST_SPREAD
    return least


def compress(values: Floats, linear: float) -> Floats:
    """Let values grow with the logarithm of their size from `linear` on, to either side.

    >>> compress(np.array([-2.0, np.e * 3]), 3.0).round(6).tolist()
    [-2.0, 6.0]
    """
    size = np.abs(values)
    beyond = np.copysign(linear * (1 + np.log(np.maximum(size, linear) / linear)), values)
    return np.where(size <= linear, values, beyond)
