"""What a detector offers as one of scikit-learn's outlier detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.tables import time_rows
from tsrnn.errors import DataError
from tsrnn.naming import counted

if TYPE_CHECKING:
    from tsrnn.anomaly.watch import Found
    from tsrnn.data.panel import Floats, Integers, Panel


class OutlierMethods(OutlierMixin):
    """`score_samples`, `decision_function` and `predict` of a detector that judges rows by `_judge`."""

    alpha_: float

    def _judge(self, df: Any) -> tuple[Panel, Found]:
        raise NotImplementedError

    @property
    def offset_(self) -> float:
        """The log10 of the highest p-value that is anomalous."""
        check_is_fitted(self, "watch_")
        # The next larger number, since scikit-learn calls outliers what lies below the offset.
        return float(np.nextafter(np.log10(self.alpha_), np.inf))

    def score_samples(self, X: Any) -> Floats:
        """Return the log10 of each row's p-value: 0 for the most ordinary rows, the lower the more anomalous.

        Parameters
        ----------
        X : array of shape (n_samples,) or (n_samples, n_features), or a table with one row per time

        Returns
        -------
        ndarray of shape (n_samples,)
            0 where a row has no value or too little history to be judged.

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError
            If X is no such array or table.
        """
        check_is_fitted(self, "watch_")
        panel, found = self._judge(X)
        if panel.n_series > 1 and found.share is None:
            raise DataError(
                f"{counted(panel.n_series, 'series has', 'series have')} more than one score per row. Use `detect`, or "
                "channels=True."
            )
        at, length = time_rows(panel)
        if length > len(X) or (panel.n_series > 1 and panel.form.kind == "long"):
            raise DataError(
                f"The {counted(len(X), 'row is', 'rows are')} not one for each of the {counted(length, 'time')}. "
                "Expected a row per time, also where a value is missing. Use `detect`."
            )
        p_value = np.ones(length)
        np.minimum.at(p_value, at, np.nan_to_num(found.judged.p_value, nan=1.0))
        # Leading missing rows are not part of a panel.
        missing = len(X) - length
        return np.concatenate([np.zeros(max(missing, 0)), np.log10(p_value)])

    def decision_function(self, X: Any) -> Floats:
        """Return `score_samples` less `offset_`: below 0 for outliers. Shape (n_samples,)."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Integers:
        """Return −1 for outliers and 1 for the other rows. Shape (n_samples,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)
