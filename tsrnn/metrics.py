"""Measures of forecast error on arrays; each states its definition and source.

All of them count observed pairs only: where `y` or the forecast is NaN, the pair is left out, and a series without
any pair has no score (NaN). Conventions differ between libraries (sMAPE 0–1, 0–2, 0–200); ours are written here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# What moves less than this share of its size does not move: what is left is rounding.
CONSTANT = 1e-9


def mean_where(values: Floats, where: npt.NDArray[np.bool_], axis: int | tuple[int, ...] | None = -1) -> Floats:
    """Average `values` where `where` holds; NaN where it never holds.

    >>> mean_where(np.array([[1.0, 9.0], [2.0, 4.0]]), np.array([[True, False], [True, True]]))
    array([1., 3.])
    """
    count = where.sum(axis=axis)
    total = np.where(where, values, 0.0).sum(axis=axis)
    average: Floats = np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
    return average


def _paired(y: Floats, yhat: Floats) -> npt.NDArray[np.bool_]:
    pairs: npt.NDArray[np.bool_] = np.isfinite(y) & np.isfinite(yhat)
    return pairs


def mae(y: Floats, yhat: Floats, axis: int | tuple[int, ...] | None = -1) -> Floats:
    """Mean absolute error, in the units of `y`; lower is better.

    Parameters
    ----------
    y, yhat : ndarray of one shape
        What happened and what was forecast; NaN is left out.
    axis : int, tuple or None
        The axis that is averaged over.

    >>> mae(np.array([1.0, 2.0, np.nan]), np.array([2.0, 2.0, 5.0]))
    array(0.5)
    """
    return mean_where(np.abs(y - yhat), _paired(y, yhat), axis)


def rmse(y: Floats, yhat: Floats, axis: int | tuple[int, ...] | None = -1) -> Floats:
    """Root mean squared error, in the units of `y`; lower is better.

    >>> rmse(np.array([0.0, 0.0]), np.array([3.0, 4.0])).round(4)
    np.float64(3.5355)
    """
    root: Floats = np.sqrt(mean_where((y - yhat) ** 2, _paired(y, yhat), axis))
    return root


def smape(y: Floats, yhat: Floats, axis: int | tuple[int, ...] | None = -1) -> Floats:
    """Symmetric mean absolute percentage error: the mean of 200·|y−f| / (|y|+|f|), from 0 to 200.

    A pair of two zeros counts 0. Source: the M4 competition (Makridakis et al. 2020).

    >>> smape(np.array([100.0, 0.0]), np.array([110.0, 0.0])).round(3)
    np.float64(4.762)
    """
    size = np.abs(y) + np.abs(yhat)
    error = np.divide(200 * np.abs(y - yhat), size, out=np.zeros_like(size), where=size > 0)
    return mean_where(error, _paired(y, yhat), axis)


def seasonal_scale(y: Floats, season_length: int) -> float:
    """Mean absolute difference of values a season apart: the denominator of MASE.

    Parameters
    ----------
    y : ndarray of shape (n,)
        The training part of one series; pairs with a NaN are left out.
    season_length : int

    Returns
    -------
    float
        NaN if there is no such pair (`has_seasonal_pairs`) or if all of them are equal up to rounding: such a series
        has no MASE.

    >>> seasonal_scale(np.array([1.0, 2.0, 4.0]), 1)
    1.5
    """
    difference = np.abs(y[season_length:] - y[:-season_length])
    difference = difference[np.isfinite(difference)]
    scale = float(difference.mean()) if len(difference) else 0.0
    size = float(np.abs(y[np.isfinite(y)]).mean()) if len(difference) else 0.0
    return scale if scale > CONSTANT * size else float("nan")


def has_seasonal_pairs(y: Floats, season_length: int) -> bool:
    """Tell whether any two values of one series, shape (n,), are known a season apart.

    >>> has_seasonal_pairs(np.array([1.0, np.nan, np.nan, 4.0]), 2)
    False
    """
    known = np.isfinite(y)
    return bool((known[season_length:] & known[:-season_length]).any())


def mase(y: Floats, yhat: Floats, scale: Floats | float) -> Floats:
    """Mean absolute scaled error per series: MAE divided by `seasonal_scale` of the training part.

    1 is the in-sample error of the seasonal naive; lower is better. Source: Hyndman and Koehler 2006, "Another
    look at measures of forecast accuracy".

    >>> mase(np.array([[1.0, 2.0]]), np.array([[2.0, 2.0]]), np.array([0.5]))
    array([1.])
    """
    return np.asarray(mae(y, yhat) / scale, dtype=np.float64)


def pinball(y: Floats, q: Floats, quantile: float | Floats) -> Floats:
    """Quantile loss of each pair: quantile·(y−q) above the forecast, (1−quantile)·(q−y) below it.

    Of several quantiles at once if the arrays go together by NumPy's rules of broadcasting.

    >>> pinball(np.array([3.0]), np.array([1.0]), 0.9)
    array([1.8])
    """
    error = y - q
    loss: Floats = np.maximum(quantile * error, (quantile - 1) * error)
    return loss


def weighted_quantile_loss(y: Floats, q: Floats, quantiles: npt.ArrayLike) -> float:
    """Twice the summed quantile loss over the sum of |y|, averaged over the quantiles.

    With quantiles .1 … .9 it also approximates the continuous ranked probability score, scaled.

    Parameters
    ----------
    y : ndarray of any shape
    q : ndarray of shape (*y.shape, Q)
    quantiles : sequence of Q floats

    >>> weighted_quantile_loss(np.array([2.0, 2.0]), np.array([[1.0], [3.0]]), [0.5])
    0.5
    """
    levels = np.asarray(quantiles, dtype=np.float64)
    pairs = np.isfinite(y) & np.isfinite(q).all(-1)
    total = np.abs(y[pairs]).sum()
    if not pairs.any() or total == 0:
        return float("nan")
    return float(np.mean([2 * pinball(y[pairs], q[pairs][:, k], levels[k]).sum() / total for k in range(len(levels))]))


def interval_score(y: Floats, lower: Floats, upper: Floats, level: float) -> Floats:
    """Width of a central interval plus 2/α times what lies outside it, per pair; lower is better.

    α is 1 − level/100. Divided by `seasonal_scale` it is M4's mean scaled interval score. Source: Gneiting and
    Raftery 2007, "Strictly proper scoring rules, prediction, and estimation", equation 43.

    >>> interval_score(np.array([5.0]), np.array([1.0]), np.array([3.0]), 80).round(6)
    array([22.])
    """
    alpha = 1 - level / 100
    outside = np.maximum(lower - y, 0) + np.maximum(y - upper, 0)
    score: Floats = (upper - lower) + 2 / alpha * outside
    return score


def coverage(y: Floats, lower: Floats, upper: Floats) -> float:
    """Share of observed points inside the interval, 0 to 1, the ends included.

    >>> coverage(np.array([1.0, 5.0, np.nan]), np.zeros(3), np.full(3, 2.0))
    0.5
    """
    pairs = np.isfinite(y) & np.isfinite(lower) & np.isfinite(upper)
    return float(np.mean((y[pairs] >= lower[pairs]) & (y[pairs] <= upper[pairs]))) if pairs.any() else float("nan")


def owa(smape_model: float, mase_model: float, smape_naive2: float, mase_naive2: float) -> float:
    """Overall weighted average of M4: the mean of sMAPE and MASE, each relative to Naive2; lower is better.

    The four arguments are averages over series.

    >>> owa(9.0, 1.0, 18.0, 2.0)
    0.5
    """
    return 0.5 * (smape_model / smape_naive2 + mase_model / mase_naive2)
