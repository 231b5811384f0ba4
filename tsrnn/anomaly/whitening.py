"""Whiten the residuals of a block forecast: what of a residual follows from the ones before it.

Within a block the forecast is several steps old, and its residuals hang together. They are regressed on the two
before them, so that what is left is the residual of a one-step forecast. The first two rows of a block look back at
residuals of another forecast and have coefficients of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tsrnn.data.panel import Floats

LAGS, KINDS = 2, 3
# Rows that weigh as much as the guess that nothing follows: of the first, the second and the other rows of a block.
PRIOR = 5.0


def coefficients(moments: Floats, products: Floats, block: int) -> Floats:
    """Return the weights of the residuals before each row of a block. Shape (k, block, LAGS).

    Parameters
    ----------
    moments : ndarray of shape (k, KINDS, LAGS, LAGS)
        Sums of products of lagged residuals, in units of their predicted spread.
    products : ndarray of shape (k, KINDS, LAGS)
        Sums of products of residuals and lagged ones.
    block : int
    """
    a = moments[..., 0, 0] + PRIOR
    d = moments[..., 1, 1] + PRIOR
    b = moments[..., 0, 1]
    p, q = products[..., 0], products[..., 1]
    det = a * d - b * b
    first, second = (d * p - b * q) / det, (a * q - b * p) / det  # [k, KINDS]
    second = second.clip(-0.95, 0.95)
    first = first.clip(-(1 - second) * 0.999, (1 - second) * 0.999)
    kind = np.minimum(np.arange(block), KINDS - 1)
    return np.stack([first[:, kind], second[:, kind]], 2)


def spread_factors(weights: Floats) -> Floats:
    """Return the spread of each row's whitened residual relative to that of the residual. Shape (k, block).

    The residual of row j adds up j shocks with the weights 1, ψ1, ψ2, ... that the coefficients imply.
    """
    k, block, _ = weights.shape
    a, b = weights[:, -1, 0], weights[:, -1, 1]
    psi = np.empty((k, block))
    before, last = np.zeros(k), np.ones(k)
    for j in range(block):
        psi[:, j] = last
        before, last = last, a * last + b * before
    factors: Floats = 1 / np.sqrt(np.cumsum(psi**2, 1))
    return factors
