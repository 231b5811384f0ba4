"""Logarithm and Box–Cox powers: maps of single values that keep their order, and so the order of quantiles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import boxcox, inv_boxcox
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tsrnn.errors import DataError, ParameterError
from tsrnn.metrics import CONSTANT
from tsrnn.naming import examples, some_of
from tsrnn.parameters import check_number
from tsrnn.preprocessing.series_scaler import check_scaled

if TYPE_CHECKING:
    from typing_extensions import Self

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# The lambdas among which BoxCox searches; the class says why.
LMBDA_RANGE = (0.0, 1.0)

# Nearer to 0 a lambda is 0: the map differs by less than rounding does, and scipy's inverse of it fails at 1e-310.
SMALLEST_LMBDA = 1e-12

FINITE = "a finite number, or None to choose it from the data"


@dataclass(frozen=True)
class PowerMap:
    """The map of every y to ``(u ** lmbda - 1) / lmbda``, or ``log(u)`` for lmbda 0, with ``u = (y + offset) / unit``.

    It increases, so a quantile of the mapped values is the mapped quantile, and the median stays the median.

    Parameters
    ----------
    lmbda : float, or ndarray of shape (n_features,)
    offset, unit : float, or ndarray of shape (n_features,), original units

    Examples
    --------
    >>> import numpy as np
    >>> root = PowerMap(lmbda=0.5)
    >>> root.forward(np.array([4.0, np.nan]))
    array([ 2., nan])
    >>> root.backward(np.array([2.0, -9.0]))  # nothing maps to less than -2
    array([4., 0.])
    """

    lmbda: float | Floats
    offset: float | Floats = 0.0
    unit: float | Floats = 1.0

    def forward(self, y: Floats) -> Floats:
        """Map values of any shape, original units -> dimensionless; NaN stays NaN.

        Raises
        ------
        DataError
            If a value is not above −offset.
        """
        shifted = np.asarray(y, dtype=np.float64) + self.offset
        bad = shifted <= 0
        if bad.any():
            worst = np.broadcast_to(self.offset, shifted.shape)[bad].max()
            smallest = np.min(np.asarray(y)[bad])
            raise DataError(
                f"{some_of(bad.sum(), np.isfinite(shifted).sum(), 'value', 'is', 'are')} too small for a logarithm or "
                f"a power: the smallest is {smallest:g}, expected more than {0 - worst:g}, that is −offset. Fit on "
                f"these values too, set an offset greater than {0 - smallest:g}, or do without the transform."
            )
        z: Floats = boxcox(shifted / self.unit, self._power())
        return z

    def backward(self, z: Floats) -> Floats:
        """Undo `forward`, for values of any shape.

        A z beyond what any y maps to, which a forecast can reach, becomes the limit: −offset below ``-1 / lmbda``
        for lmbda > 0, and infinite above it for lmbda < 0.
        """
        z, lmbda = np.asarray(z, dtype=np.float64), self._power()
        beyond = z * lmbda <= -1
        u = np.where(beyond, np.where(lmbda > 0, 0.0, np.inf), inv_boxcox(z, lmbda))
        y: Floats = u * self.unit - self.offset
        return y

    def _power(self) -> Floats:
        lmbda = np.asarray(self.lmbda, dtype=np.float64)
        return np.where(np.abs(lmbda) < SMALLEST_LMBDA, 0.0, lmbda)


class _PowerTransform(OneToOneFeatureMixin, TransformerMixin, BaseEstimator, ABC):
    """What `Log` and `BoxCox` share: one map per column, or one for a whole panel."""

    offset: float | None
    map_: PowerMap

    @abstractmethod
    def _fit_map(self, y: Floats, offsets: Integers, names: Sequence[Any]) -> PowerMap:
        """Fit one map to all series of a flat array."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit one map per series.

        Parameters
        ----------
        X : array of shape (n_times, n_features), original units
            One series per column; NaN where unobserved.
        y : ignored

        Raises
        ------
        DataError
            If a value is too small for the offset; with ``offset=None``, if it is negative.
        ParameterError
            If a parameter is not a number.
        """
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        names = getattr(self, "feature_names_in_", [f"column {i}" for i in range(X.shape[1])])
        rows = np.array([0, len(X)])
        maps = [self._fit_map(X[:, i], rows, [name]) for i, name in enumerate(names)]
        self.map_ = PowerMap(*(np.array([getattr(m, part) for m in maps]) for part in ("lmbda", "offset", "unit")))
        return self

    def transform(self, X: Any) -> Floats:
        """Map values. Shape (n_times, n_features), original units -> the same shape, dimensionless."""
        check_is_fitted(self)
        return self.map_.forward(validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False))

    def inverse_transform(self, X: Any) -> Floats:
        """Undo `transform`, also for a forecast or its quantiles. Shape (n, n_features) -> the same shape."""
        check_is_fitted(self)
        return self.map_.backward(check_scaled(X, self.n_features_in_))

    def fit_panel(self, y: Floats, offsets: Integers, names: Sequence[Any] = ()) -> PowerMap:
        """Fit one map for all series of a panel; the transformer itself is not changed.

        Parameters
        ----------
        y : ndarray of shape (n_rows,), original units
            All series one after the other; NaN where unobserved.
        offsets : integer ndarray of shape (n_series + 1,)
            Series i is ``y[offsets[i]:offsets[i + 1]]``.
        names : sequence, optional
            Names of the series, for errors.

        Returns
        -------
        PowerMap
            Of three plain floats. It serves series that were not fitted, too.

        Raises
        ------
        DataError, ParameterError
            As `fit` does.
        """
        return self._fit_map(np.asarray(y, dtype=np.float64), np.asarray(offsets), names)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = not self.offset
        return tags


class Log(_PowerTransform):
    """Take logarithms: ``log(y + offset)``. Growth becomes a straight line, and a swing in percent one size.

    Parameters
    ----------
    offset : float, optional
        Added before the logarithm. None: 0 for a series of positive values. A series with zeros gets half its
        smallest positive value, or 1 if it has none; a panel, which has one offset, the median of these over its
        series with zeros, but for those of zeros alone (over all series where there are no others). Negative values are
        an error then, as no offset for them can be told from the data.

    Attributes
    ----------
    map_ : PowerMap
        With `offset` of shape (n_features,).

    Examples
    --------
    >>> import numpy as np
    >>> log = Log().fit([[1.0], [10.0], [100.0]])
    >>> log.transform([[1000.0]]).round(3)
    array([[6.908]])
    >>> log.inverse_transform(log.transform([[1000.0]])).round(6)
    array([[1000.]])
    """

    def __init__(self, offset: float | None = None) -> None:
        self.offset = offset

    def _fit_map(self, y: Floats, offsets: Integers, names: Sequence[Any]) -> PowerMap:
        return PowerMap(0.0, fit_offset(y, offsets, self.offset, names))


class BoxCox(_PowerTransform):
    """Take a power that makes a series more evenly spread: between the logarithm (0) and the values as they are (1).

    Values are measured in units of their geometric mean, so the result does not depend on the unit of the data; with
    one lambda it differs from the textbook's ``(y ** lmbda - 1) / lmbda`` only by a shift and a factor.

    Parameters
    ----------
    lmbda : float, optional
        The power. None: by maximum likelihood, in 0 to 1. Below 0 large forecasts have no inverse: all beyond
        ``-1 / lmbda`` are infinite. Above 1 the inverse is infinitely steep at 0.
    offset : float, optional
        Added before; as for `Log`.

    Attributes
    ----------
    map_ : PowerMap
        With `lmbda`, `offset` and `unit` of shape (n_features,). `lmbda` is 1 for a constant or empty series.

    Notes
    -----
    A panel gets one lambda, the maximum of the likelihoods' sum, where each series has its own mean and variance, so
    that no series counts more because its numbers are larger. One shared lambda also fits series seen for the first
    time, and a short series cannot pick an extreme one. The likelihood takes a series' values for independent.

    Source: Box and Cox (1964), An Analysis of Transformations, equations 1, 2 (offset) and 8 (likelihood).
    scikit-learn's PowerTransformer finds the same lambda for a column where it lies between 0 and 1, but knows no
    panels, and takes neither zeros nor constant columns.

    Examples
    --------
    >>> import numpy as np
    >>> squares = np.arange(1.0, 50.0)[:, None] ** 2
    >>> power = BoxCox().fit(squares)
    >>> power.map_.lmbda.round(2)  # near the root
    array([0.36])
    >>> power.inverse_transform(power.transform(squares[:3])).round(9).ravel()
    array([1., 4., 9.])
    """

    def __init__(self, lmbda: float | None = None, offset: float | None = None) -> None:
        self.lmbda = lmbda
        self.offset = offset

    def _fit_map(self, y: Floats, offsets: Integers, names: Sequence[Any]) -> PowerMap:
        if self.lmbda is not None:
            check_number("lmbda", self.lmbda, -np.inf, np.inf, FINITE)
        offset = fit_offset(y, offsets, self.offset, names)
        observed = ~np.isnan(y)
        logs = np.log(y[observed] + offset)
        series = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[observed]
        lmbda = fit_lmbda(logs, series) if self.lmbda is None else float(self.lmbda)
        return PowerMap(lmbda, offset, _geometric_mean(y, offset))


def forecast_map(transform: Any, y: Floats, offsets: Integers, names: Sequence[Any] = ()) -> PowerMap | None:
    """Fit the map that a forecaster puts before its networks; None where there is no transform.

    Values are measured in units of their geometric mean, for a logarithm, too: networks and scales see the size of what
    they are given, and would forecast otherwise in thousands than in millions.

    Parameters
    ----------
    transform : {None, "log", "boxcox"}, Log or BoxCox
    y, offsets, names
        As for `Log.fit_panel`.

    Raises
    ------
    DataError, ParameterError
        As `panel_transform` and `Log.fit_panel` do.

    Examples
    --------
    >>> round(forecast_map("log", np.array([1.0, 10.0, 100.0]), np.array([0, 3])).unit, 9)
    10.0
    """
    chosen = panel_transform(transform)
    if chosen is None:
        return None
    fitted = chosen.fit_panel(y, offsets, names)
    return replace(fitted, unit=_geometric_mean(y, fitted.offset))


def _geometric_mean(y: Floats, offset: float | Floats) -> float:
    """Return the geometric mean of y + offset, NaN left out; 1 without any value."""
    logs = np.log(y[~np.isnan(y)] + offset)
    return float(np.exp(logs.mean())) if len(logs) else 1.0


def panel_transform(transform: Any) -> Log | BoxCox | None:
    """Return the transform that a forecaster applies to a panel, from its parameter.

    Parameters
    ----------
    transform : {None, "log", "boxcox"}, Log or BoxCox

    Raises
    ------
    ParameterError
        If it is anything else. Differences are not offered: quantiles of changes do not add up to quantiles of
        values.

    Examples
    --------
    >>> panel_transform("boxcox")
    BoxCox()
    """
    if transform is None or isinstance(transform, (Log, BoxCox)):
        return transform
    if isinstance(transform, str) and transform in ("log", "boxcox"):
        return Log() if transform == "log" else BoxCox()
    raise ParameterError(
        f"transform={transform!r}: expected None, 'log', 'boxcox', Log(...) or BoxCox(...). Only a map of single "
        "values carries quantiles back; scale with `scaling`, and difference the table itself if you must."
    )


def fit_offset(y: Floats, offsets: Integers, offset: float | None, names: Sequence[Any] = ()) -> float:
    """Return the offset to add to all series, as `Log` describes it.

    Raises
    ------
    DataError
        If a value is not above −offset, or negative where the offset is to be chosen.
    ParameterError
        If the offset is not a number.
    """
    if offset is not None:
        check_number("offset", offset, -np.inf, np.inf, FINITE)
    series = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    bad = y < 0 if offset is None else y <= -offset
    if bad.any():
        where = np.unique(series[bad])
        shown = examples(names[i] if len(names) else f"series {i}" for i in where)
        smallest = float(y[bad].min())
        wrong = "Negative values in data" if smallest < 0 and not offset else f"Values of {0 - (offset or 0):g} or less"
        raise DataError(
            f"{wrong}: {bad.sum()} of {(~np.isnan(y)).sum()} in {some_of(len(where), len(offsets) - 1, 'series')}, for "
            f"example {shown}; the smallest is {smallest:g}. A logarithm or a power needs more than −offset: set an "
            f"offset greater than {0 - smallest:g}, or do without the transform."
        )
    if offset is not None:
        return float(offset)
    smallest_positive = np.full(len(offsets) - 1, np.inf)
    np.minimum.at(smallest_positive, series, np.where(y > 0, y, np.inf))
    least = smallest_positive[np.unique(series[y == 0])]
    if len(least) == 0:
        return 0.0
    # A series of zeros knows no unit; that of the others is its own, too.
    for known in (least, smallest_positive):
        if np.isfinite(known).any():
            return float(np.median(known[np.isfinite(known)] / 2))
    return 1.0


def fit_lmbda(logs: Floats, series: Integers) -> float:
    """Find the lambda of `LMBDA_RANGE` with the greatest likelihood over all series, each with its own variance.

    Parameters
    ----------
    logs : ndarray of shape (n,)
        Logarithms of the values.
    series : integer ndarray of shape (n,)
        The series of each.

    Returns
    -------
    float
        1 if no series has two different values.
    """
    n_series = int(series.max()) + 1 if len(series) else 0
    largest, least = np.full(n_series, -np.inf), np.full(n_series, np.inf)
    np.maximum.at(largest, series, logs)
    np.minimum.at(least, series, logs)
    vary = largest - least > CONSTANT  # logarithms differ by a share of the value
    if not vary.any():
        return 1.0
    keep = vary[series]
    # Relative to its largest value no power of a series overflows; the likelihood of lambda knows no unit.
    logs, series = (logs - largest[series])[keep], np.unique(series[keep], return_inverse=True)[1]
    count, log_sum = np.bincount(series), logs.sum()

    def cost(lmbda: float) -> float:
        z = np.expm1(lmbda * logs) / lmbda if lmbda else logs
        mean = np.bincount(series, z) / count
        variance = np.bincount(series, (z - mean[series]) ** 2) / count
        return float(count @ np.log(variance) / 2 - (lmbda - 1) * log_sum)

    inside = minimize_scalar(cost, bounds=LMBDA_RANGE, method="bounded", options={"xatol": 1e-5}).x
    return min((*LMBDA_RANGE, float(inside)), key=cost)
