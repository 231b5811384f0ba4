"""Scale whole series, one per column, for scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from tsrnn.errors import ParameterError
from tsrnn.naming import counted
from tsrnn.parameters import check_choice

if TYPE_CHECKING:
    from typing_extensions import Self

Floats = npt.NDArray[np.float64]

SERIES_SCALINGS = ("standard", "robust", "minmax", "mean_abs", "none")


class SeriesScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scale each series by what it was over its whole past: ``(y - loc_) / scale_``.

    Fit it on rows up to the cutoff only: what it learns from later rows leaks into a forecast. A network of tsrnn
    scales each window instead (`WindowScaler`), which needs no fit and follows a level that moves.

    Parameters
    ----------
    method : {"standard", "robust", "minmax", "mean_abs", "none"}, default "standard"
        "standard": mean and standard deviation. "robust": median and interquartile range. "minmax": minimum and
        range, so that fitted values lie in 0 to 1. "mean_abs": 0 and the mean absolute value. "none": 0 and 1.
        The first three are scikit-learn's StandardScaler, RobustScaler and MinMaxScaler.

    Attributes
    ----------
    loc_, scale_ : ndarray of shape (n_features,), original units
        `scale_` is 1 where the series has no spread; both are 0 and 1 where it has no observed value.

    Examples
    --------
    >>> import numpy as np
    >>> scaler = SeriesScaler("mean_abs").fit([[1.0], [np.nan], [3.0]])
    >>> scaler.transform([[4.0]])
    array([[2.]])
    >>> scaler.inverse_transform([[2.0]])
    array([[4.]])
    """

    def __init__(self, method: str = "standard") -> None:
        self.method = method

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn centre and spread of every series.

        Parameters
        ----------
        X : array of shape (n_times, n_features), original units
            One series per column; NaN where unobserved.
        y : ignored

        Raises
        ------
        ParameterError
            If the method is unknown.
        """
        check_choice("method", self.method, SERIES_SCALINGS)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        self.loc_, self.scale_ = np.zeros(X.shape[1]), np.ones(X.shape[1])
        filled = ~np.isnan(X).all(axis=0)
        if self.method != "none" and filled.any():
            self.loc_[filled], self.scale_[filled] = _loc_and_scale(X[:, filled], self.method)
        return self

    def transform(self, X: Any) -> Floats:
        """Scale. Shape (n_times, n_features), original units -> the same shape, dimensionless; NaN stays NaN."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        z: Floats = (X - self.loc_) / self.scale_
        return z

    def inverse_transform(self, X: Any) -> Floats:
        """Undo `transform`, for scaled values of any times. Shape (n_times, n_features) -> the same shape."""
        check_is_fitted(self)
        X = check_scaled(X, self.n_features_in_)
        y: Floats = X * self.scale_ + self.loc_
        return y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def check_scaled(X: Any, n_features: int) -> Floats:
    """Return transformed values as float64 of shape (n, n_features), or raise ParameterError."""
    values: Floats = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")
    if values.shape[1] != n_features:
        raise ParameterError(f"X has {counted(values.shape[1], 'column')}; the transformer was fitted on {n_features}.")
    return values


def _loc_and_scale(X: Floats, method: str) -> tuple[Floats, Floats]:
    """Measure columns that each hold an observed value. Returns two arrays of shape (n_features,), original units."""
    # In units of a power of two, which rounds nothing, no square overflows, and scikit-learn does not take a series
    # of tiny numbers for a constant. The largest value is then below 1/4, every spread below 1/2, and a scale of
    # exactly 1 is scikit-learn's sign for "no spread".
    exponent = np.frexp(np.nanmax(np.abs(X), axis=0))[1] + 2
    X = np.ldexp(X, -exponent)
    if method == "standard":
        scaler = StandardScaler().fit(X)
        loc, scale = scaler.mean_, scaler.scale_
    elif method == "robust":
        scaler = RobustScaler().fit(X)
        loc, scale = scaler.center_, scaler.scale_
    elif method == "minmax":
        scaler = MinMaxScaler().fit(X)
        loc, scale = scaler.data_min_, 1 / scaler.scale_
    else:
        loc, scale = np.zeros(X.shape[1]), np.nanmean(np.abs(X), axis=0)
        scale = np.where(scale > 0, scale, 1.0)
    return np.ldexp(loc, exponent), np.where(scale == 1, 1.0, np.ldexp(scale, exponent))
