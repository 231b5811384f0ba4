"""Windows over arrays, for scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array

from tsrnn.errors import ShortSeriesError
from tsrnn.naming import counted
from tsrnn.parameters import check_whole

if TYPE_CHECKING:
    from typing_extensions import Self

Array = npt.NDArray[Any]


class SlidingWindow(TransformerMixin, BaseEstimator):
    """Cut a series into windows of its past and the values that follow each of them.

    Window i has the rows ``i * step`` to ``i * step + context_length``; its targets are the `horizon` rows after
    it. Nothing is copied: the results are read-only views of the array. It learns nothing, so no `fit` is needed;
    in a `Pipeline` it comes after the steps that keep one row per time, such as `SeriesScaler`.

    Parameters
    ----------
    context_length : int
        Past steps in a window.
    horizon : int, default 1
        Steps that follow each window. 0 gives every window of the series, the newest included, without targets.
    step : int, default 1
        Rows from the start of one window to the start of the next.

    Examples
    --------
    >>> import numpy as np
    >>> windows = SlidingWindow(context_length=3, horizon=2)
    >>> contexts, targets = windows.split(np.arange(6.0))
    >>> contexts
    array([[0., 1., 2.],
           [1., 2., 3.]])
    >>> targets
    array([[3., 4.],
           [4., 5.]])
    >>> windows.latest(np.arange(6.0))
    array([[3., 4., 5.]])
    """

    def __init__(self, context_length: int, horizon: int = 1, step: int = 1) -> None:
        self.context_length = context_length
        self.horizon = horizon
        self.step = step

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and that the series is long enough for one window. `y` is ignored."""
        self._windows(X)
        return self

    def transform(self, X: Any) -> Array:
        """Return the windows that have all their targets.

        Parameters
        ----------
        X : array of shape (n_times,) or (n_times, n_channels)
            Oldest row first; NaN where unobserved.

        Returns
        -------
        read-only view of shape (n_windows, context_length) or (n_windows, context_length, n_channels)

        Raises
        ------
        ShortSeriesError
            If there are fewer than ``context_length + horizon`` rows.
        ParameterError
            If a parameter is not a whole number in its range.
        """
        return self._windows(X)[:, : self.context_length]

    def targets(self, X: Any) -> Array:
        """Return the `horizon` values after each window of `transform`.

        Parameters
        ----------
        X : array of shape (n_times,) or (n_times, n_channels)

        Returns
        -------
        read-only view of shape (n_windows, horizon) or (n_windows, horizon, n_channels)
        """
        return self._windows(X)[:, self.context_length :]

    def split(self, X: Any) -> tuple[Array, Array]:
        """Return windows and targets, as `transform` and `targets` do."""
        return self.transform(X), self.targets(X)

    def latest(self, X: Any) -> Array:
        """Return the newest window, from which the future of the series is forecast.

        Parameters
        ----------
        X : array of shape (n_times,) or (n_times, n_channels)
            At least `context_length` rows.

        Returns
        -------
        read-only view of shape (1, context_length) or (1, context_length, n_channels)
        """
        self._check_parameters()
        return _windows_of(_check_series(X, self.context_length, 0), self.context_length)[-1:]

    def _windows(self, X: Any) -> Array:
        """Cut windows together with their targets. Shape (n_windows, context_length + horizon[, n_channels])."""
        self._check_parameters()
        series = _check_series(X, self.context_length, self.horizon)
        return _windows_of(series, self.context_length + self.horizon)[:: self.step]

    def _check_parameters(self) -> None:
        for name, least in (("context_length", 1), ("horizon", 0), ("step", 1)):
            check_whole(name, getattr(self, name), least, of="rows")

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.one_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def _check_series(X: Any, context_length: int, horizon: int) -> Array:
    series: Array = check_array(X, ensure_2d=False, ensure_all_finite="allow-nan", ensure_min_samples=0, copy=False)
    needed = context_length + horizon
    if len(series) < needed:
        asked = f"context_length={context_length}" + (f" + horizon={horizon}" if horizon else "")
        raise ShortSeriesError(
            f"The series has {counted(len(series), 'row')}, and one window needs {needed} ({asked}). "
            "Give more rows, or lower context_length" + (" or horizon." if horizon else ".")
        )
    return series


def _windows_of(series: Array, length: int) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(series, length, axis=0)  # [n_windows(, C), length]
    return np.moveaxis(windows, -1, 1)  # [n_windows, length(, C)]
