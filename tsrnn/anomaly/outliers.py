"""What a detector offers as one of scikit-learn's outlier detectors, and the choice of its threshold by labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.metrics import event_scores
from tsrnn.anomaly.tables import time_rows
from tsrnn.errors import DataError, ParameterError

if TYPE_CHECKING:
    from tsrnn.anomaly.watch import Found
    from tsrnn.data.panel import Bools, Floats, Integers, Panel

# Thresholds that are compared at most.
MOST_THRESHOLDS = 200


def best_alpha(p_values: Floats, truth: Bools, series: Any) -> float | None:
    """Return the threshold that finds labelled events best: the highest F1 over events, of equal ones the smallest.

    Parameters
    ----------
    p_values : ndarray of shape (n,)
        NaN where a row could not be judged.
    truth : bool ndarray of shape (n,)
    series : ndarray of shape (n,)
        The series of each row, so that no event runs from one into the next.

    Returns
    -------
    float or None
        None if all p-values are 1.

    Raises
    ------
    ParameterError
        If there is no p-value.
    """
    breaks = np.flatnonzero(series[1:] != series[:-1]) + 1
    truth, p_values = np.insert(truth, breaks, False), np.insert(p_values, breaks, np.nan)
    known = np.unique(p_values[np.isfinite(p_values)])
    if not len(known):
        raise ParameterError("No row has a p-value to choose a threshold among. Fit on a longer history.")
    tried = known[np.unique(np.linspace(0, len(known) - 1, MOST_THRESHOLDS).round().astype(np.int64))]
    tried = tried[tried < 1]
    scores = [event_scores(truth, p_values <= alpha).f1 for alpha in tried]
    return float(tried[int(np.argmax(scores))]) if scores else None


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
            If X is no such array.
        """
        check_is_fitted(self, "watch_")
        panel, found = self._judge(X)
        if panel.n_series > 1 and found.share is None:
            raise DataError(
                f"{panel.n_series} series have more than one score per row. Use `detect`, or channels=True."
            )
        at, length = time_rows(panel)
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
