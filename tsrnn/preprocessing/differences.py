"""Differences of series and their sums back, for scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tsrnn.errors import ParameterError, ShortSeriesError
from tsrnn.parameters import check_whole
from tsrnn.preprocessing.series_scaler import check_scaled

if TYPE_CHECKING:
    from typing_extensions import Self

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Difference(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Replace each value by its change since `lag` rows before.

    No row is dropped: a value with nothing before it is kept as it is. In a complete series these are the first
    `head_` rows: `lag` of them in original units, after a second difference `lag` more that were differenced once,
    and so on. So `inverse_transform` needs nothing but the rows it is given; leave out the head where only changes
    are wanted.

    An unobserved value (NaN) stays NaN, and the next value of the same place in the season is the change since the
    latest one observed. So a gap costs no more than itself, and what follows it can be restored.

    Parameters
    ----------
    lag : int or sequence of int, default 1
        Rows between the two values of a difference: 1 for the change of each step, the season length for the change
        since the season before. ``(1, 12)`` takes both, one after the other.
    order : int, default 1
        How many times.

    Attributes
    ----------
    head_ : int
        The sum of the lags taken.
    tails_ : list of ndarray of shape (lag, n_features)
        For each difference taken, the values from which its next `lag` rows continue; NaN where none was observed.

    Notes
    -----
    A transformed row depends on the rows before it, so rows must be in time order and a subset of rows has other
    differences. `Forecaster` has no ``transform`` of this kind: the quantile of a sum is not the sum of quantiles,
    and its networks start from the last season's level anyway.

    Examples
    --------
    >>> import numpy as np
    >>> series = np.array([[1.0], [3.0], [6.0], [10.0]])
    >>> difference = Difference().fit(series)
    >>> changes = difference.transform(series)
    >>> changes.ravel()
    array([1., 2., 3., 4.])
    >>> difference.inverse_transform(changes).ravel()
    array([ 1.,  3.,  6., 10.])
    >>> difference.integrate([[5.0], [6.0]]).ravel()  # changes forecast for the next two rows
    array([15., 21.])
    """

    def __init__(self, lag: int | Sequence[int] = 1, order: int = 1) -> None:
        self.lag = lag
        self.order = order

    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the last values, from which a forecast continues.

        Parameters
        ----------
        X : array of shape (n_times, n_features), original units
            One series per column, oldest row first; NaN where unobserved.
        y : ignored

        Raises
        ------
        ParameterError
            If a lag or the order is not a whole number, 1 or more.
        ShortSeriesError
            If no row has a predecessor.
        """
        lags = self._lags()
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        if len(X) <= sum(lags):
            raise ShortSeriesError(
                f"X has n_samples={len(X)} rows; lag={self.lag}, order={self.order} needs {sum(lags) + 1} or more. "
                "Give more rows, or lower lag or order."
            )
        self.head_ = sum(lags)
        self.tails_ = []
        known = ~np.isnan(X)
        for lag in lags:
            self.tails_.append(_tail(X, known, lag))
            X, known = _difference(X, known, lag)
        return self

    def transform(self, X: Any) -> Floats:
        """Take the differences. Shape (n_times, n_features) -> the same shape; the head is kept."""
        check_is_fitted(self)
        z: Floats = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        known = ~np.isnan(z)
        for lag in self._lags():
            z, known = _difference(z, known, lag)
        return z

    def inverse_transform(self, X: Any) -> Floats:
        """Undo `transform` of a whole series, its head included, up to rounding.

        For values that follow the fitted series use `integrate`.

        Parameters
        ----------
        X : array of shape (n_times, n_features)
            As `transform` returned it.

        Returns
        -------
        ndarray of shape (n_times, n_features), original units
        """
        check_is_fitted(self)
        values = check_scaled(X, self.n_features_in_)
        known = [~np.isnan(values)]
        lags = self._lags()
        for lag in lags[:-1]:
            known.append(_has_previous(known[-1], lag))
        for lag, where in zip(reversed(lags), reversed(known), strict=True):
            values = np.where(where, _running_sum(values, where, lag), values)
        return values

    def integrate(self, X: Any) -> Floats:
        """Sum forecast differences up from the last fitted values.

        Parameters
        ----------
        X : array of shape (h, n_features)
            Differences of the h rows after the fitted series, for example a point forecast or one sample path.
            Quantiles of differences do not add up to quantiles of values.

        Returns
        -------
        ndarray of shape (h, n_features), original units
            NaN where the fitted series has no value to start from.
        """
        check_is_fitted(self)
        values = check_scaled(X, self.n_features_in_)
        where = ~np.isnan(values)
        for tail in reversed(self.tails_):
            start = tail[np.arange(len(values)) % len(tail)]  # [h, n_features]
            values = np.where(where, start + _running_sum(values, where, len(tail)), np.nan)
        return values

    def _lags(self) -> tuple[int, ...]:
        """Return every difference to take, one after the other."""
        lags = tuple(self.lag) if isinstance(self.lag, (Sequence, np.ndarray)) else (self.lag,)
        if not lags:
            raise ParameterError("lag is empty: expected a whole number of rows, or several of them.")
        for name, value in (*(("lag", lag) for lag in lags), ("order", self.order)):
            check_whole(name, value, 1)
        return lags * self.order

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _chains(values: npt.NDArray[Any], lag: int, fill: Any) -> npt.NDArray[Any]:
    """Put values `lag` rows apart below each other. Shape (n, C) -> (ceil(n / lag), lag, C), padded with `fill`."""
    links = -(-len(values) // lag)
    padded = np.full((links * lag, values.shape[1]), fill, dtype=values.dtype)
    padded[: len(values)] = values
    return padded.reshape(links, lag, values.shape[1])


def _unchain(chains: npt.NDArray[Any], n: int) -> npt.NDArray[Any]:
    return chains.reshape(-1, chains.shape[2])[:n]


def _latest(known: Bools) -> npt.NDArray[np.int64]:
    """Return for each link the latest known link up to it, or -1. Shape (links, lag, C)."""
    link = np.arange(len(known))[:, None, None]
    latest: npt.NDArray[np.int64] = np.maximum.accumulate(np.where(known, link, -1), axis=0)
    return latest


def _has_previous(known: Bools, lag: int) -> Bools:
    """Mark the known values that have a known one before them in their chain. Shape (n, C) -> (n, C)."""
    chains = _chains(known, lag, False)
    has: Bools = _unchain(chains & (np.cumsum(chains, axis=0) > 1), len(known))
    return has


def _difference(values: Floats, known: Bools, lag: int) -> tuple[Floats, Bools]:
    """Subtract from each known value the latest known one before it; return also where that was done."""
    chains = _chains(values, lag, np.nan)
    latest = _latest(_chains(known, lag, False))
    before = np.concatenate([np.full_like(latest[:1], -1), latest[:-1]])
    previous = _unchain(np.take_along_axis(chains, np.maximum(before, 0), axis=0), len(values))
    has = _has_previous(known, lag)
    return np.where(has, values - previous, values), has


def _running_sum(values: Floats, where: Bools, lag: int) -> Floats:
    """Sum values `lag` rows apart from the first row on, leaving out the others. Shape (n, C) -> (n, C)."""
    sums: Floats = _unchain(np.cumsum(_chains(np.where(where, values, 0.0), lag, 0.0), axis=0), len(values))
    return sums


def _tail(values: Floats, known: Bools, lag: int) -> Floats:
    """Return the latest known value in the chain of each of the `lag` rows that follow. Shape (lag, C)."""
    latest = _latest(_chains(known, lag, False))[-1:]  # [1, lag, C]
    last = np.take_along_axis(_chains(values, lag, np.nan), np.maximum(latest, 0), axis=0)
    last = np.where(latest >= 0, last, np.nan)[0]  # [lag, C], by place in the season of the first row
    tail: Floats = last[(len(values) + np.arange(lag)) % lag]
    return tail
