"""Scale windows by their own past, for scikit-learn: the array face of `scale_windows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array

from tsrnn.errors import ParameterError
from tsrnn.parameters import check_choice, check_whole
from tsrnn.preprocessing.missing import fill_missing
from tsrnn.preprocessing.scaling import SCALINGS, scale_windows

if TYPE_CHECKING:
    from typing_extensions import Self

Floats = npt.NDArray[np.float64]


class WindowScaler(TransformerMixin, BaseEstimator):
    """Scale each window by its own values, exactly as the networks of tsrnn see it.

    Nothing is learnt and nothing is remembered: what undoes the scaling is returned by `transform_with_scale` and
    given back to `inverse_transform`. So one scaler serves any windows, in any order.

    Parameters
    ----------
    method : {"seasonal", "spread", "standard", "mean", "none"}, default "seasonal"
        "seasonal": the mean of the last season, and the mean absolute difference of values a season apart; where all
        n of these are 0, 1/(n + 1) of what "spread" takes.
        "spread": the mean of the last season, and the mean absolute deviation from the window's mean.
        "standard": the window's mean and standard deviation. "mean": 0 and the window's mean absolute value.
        "none": 0 and 1.
    season_length : int, default 1
        Rows per season, for the first two methods.

    See Also
    --------
    SeriesScaler : one scale for a whole series.

    Examples
    --------
    >>> scaler = WindowScaler("seasonal", season_length=2)
    >>> z, loc, scale = scaler.transform_with_scale([[1.0, 3.0, 2.0, 4.0]])
    >>> z, loc, scale
    (array([[-2.,  0., -1.,  1.]]), array([[3.]]), array([[1.]]))
    >>> scaler.inverse_transform([[0.0, 2.0]], loc, scale)  # a forecast of the window's next two values
    array([[3., 5.]])
    """

    def __init__(self, method: str = "seasonal", season_length: int = 1) -> None:
        self.method = method
        self.season_length = season_length

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check parameters and shape; nothing is learnt. `y` is ignored."""
        self._check(X)
        return self

    def transform(self, X: Any) -> Floats:
        """Return the scaled windows alone, as a `Pipeline` needs them; see `transform_with_scale`."""
        return self.transform_with_scale(X)[0]

    def transform_with_scale(self, X: Any) -> tuple[Floats, Floats, Floats]:
        """Scale windows, and say by what.

        Parameters
        ----------
        X : array of shape (B, L) or (B, L, C), original units
            Windows in rows, such as those of `SlidingWindow`; every channel has its own scale. NaN where unobserved.

        Returns
        -------
        z : ndarray of the shape of X, dimensionless; NaN where unobserved
        loc, scale : ndarrays of shape (B, 1) or (B, 1, C), original units
            `scale` is 0 for a constant window, whose z is 0.

        Raises
        ------
        ParameterError
            If the method is unknown, the season length impossible, or X has neither 2 nor 3 dimensions.
        """
        windows = self._check(X)
        flat = windows if windows.ndim == 2 else windows.transpose(0, 2, 1).reshape(-1, windows.shape[1])  # [B·C, L]
        observed = ~np.isnan(flat)
        # The filled copy is torch's to share: a window may be a read-only view.
        y, there, m = (
            torch.from_numpy(np.where(observed, flat, 0.0)),
            torch.from_numpy(observed),
            int(self.season_length),
        )
        filled, known = fill_missing(y, there, m)
        parts = scale_windows(filled, there, self.method, m, known)
        z, loc, scale = (part.numpy() for part in parts)
        z = np.where(observed, z, np.nan)
        if windows.ndim == 2:
            return z, loc, scale
        B, C = windows.shape[0], windows.shape[2]
        z, loc, scale = (part.reshape(B, C, -1).transpose(0, 2, 1) for part in (z, loc, scale))  # [B, L or 1, C]
        return z, loc, scale

    def inverse_transform(self, z: Any, loc: Any, scale: Any) -> Floats:
        """Return ``loc + scale * z``, for the windows themselves or for what was forecast from them.

        Parameters
        ----------
        z : array of shape (B, H) or (B, H, C), or with one more axis, such as quantiles, at the end
        loc, scale : arrays of shape (B, 1) or (B, 1, C)
            As `transform_with_scale` returned them.

        Returns
        -------
        ndarray of the shape of z, original units

        Raises
        ------
        ParameterError
            If loc and scale do not belong to z.
        """
        z, loc, scale = (np.asarray(part, dtype=np.float64) for part in (z, loc, scale))
        of_windows = loc.shape == scale.shape and loc.ndim in (2, 3) and loc.shape[1] == 1
        more = z.ndim - loc.ndim
        if not of_windows or more not in (0, 1) or (len(z), 1, *z.shape[2 : loc.ndim]) != loc.shape:
            raise ParameterError(
                f"z has shape {z.shape}, loc {loc.shape}, scale {scale.shape}: expected z (B, H[, C]), possibly "
                "with one more axis at the end, and loc and scale (B, 1[, C]) of the same windows, as "
                "transform_with_scale returned them."
            )
        if more:
            loc, scale = loc[..., None], scale[..., None]
        y: Floats = loc + scale * z
        return y

    def _check(self, X: Any) -> Floats:
        check_choice("method", self.method, SCALINGS)
        check_whole("season_length", self.season_length, 1, of="rows")
        windows: Floats = check_array(
            X, dtype=np.float64, ensure_2d=False, allow_nd=True, ensure_all_finite="allow-nan", ensure_min_samples=0
        )
        if windows.ndim not in (2, 3):
            raise ParameterError(
                f"X has shape {windows.shape}: expected windows in rows, (B, L) or (B, L, C). Reshape your data: one "
                "window is X[None, :]; SlidingWindow cuts a series into windows."
            )
        return windows

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags
