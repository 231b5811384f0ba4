"""Labels of sequences and of their steps, as numbers of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from tsrnn.errors import DataError
from tsrnn.naming import counted, some_of

Labels = npt.NDArray[Any]
Codes = npt.NDArray[np.int64]


def read_labels(y: Any, lengths: npt.NDArray[np.int64]) -> tuple[Labels, Codes]:
    """Read one label for each case.

    Parameters
    ----------
    y : array-like of shape (n_cases,)
    lengths : int64 ndarray of shape (n_cases,)
        Steps of the cases.

    Returns
    -------
    classes : ndarray of shape (n_classes,), sorted
    codes : int64 ndarray of shape (n_cases,)

    Raises
    ------
    DataError
        If there are not as many labels as cases, or one class only.
    ValueError
        scikit-learn's, if the labels are none or are numbers of a regression.
    """
    if y is None:
        raise DataError("SequenceClassifier requires y to be passed, but the target y is None.")
    _check_one_kind(y)
    y = column_or_1d(check_array(y, ensure_2d=False, dtype=None, input_name="y"), warn=True)
    if len(y) != len(lengths):
        raise DataError(
            f"X has {counted(len(lengths), 'case')} and y {counted(len(y), 'label')}; expected one label for each case."
        )
    return _encode(y)


def read_step_labels(y: Any, lengths: npt.NDArray[np.int64], *, several: bool = True) -> tuple[Labels, Codes]:
    """Read one label for each step of each case.

    Parameters
    ----------
    y : array-like of shape (n_cases, n_timepoints), or sequence of array-likes of labels
    lengths : int64 ndarray of shape (n_cases,)
        Steps of the cases.
    several : bool
        Whether there must be two classes or more.

    Returns
    -------
    classes : ndarray of shape (n_classes,), sorted
    codes : int64 ndarray of shape (n_steps,), one case after the other

    Raises
    ------
    DataError
        If there are not as many labels as steps, or one class only.
    """
    if not hasattr(y, "__len__") or isinstance(y, (str, bytes)) or len(y) != len(lengths):
        count = len(y) if hasattr(y, "__len__") else 0
        raise DataError(
            f"X has {counted(len(lengths), 'case')} and y {counted(count, 'sequence')} of labels; expected one "
            "sequence for each case."
        )
    parts = [np.asarray(part) for part in (y.to_numpy() if hasattr(y, "to_numpy") else y)]
    wrong = [place for place, part in enumerate(parts) if part.shape != (lengths[place],)]
    if wrong:
        place = wrong[0]
        part = parts[place]
        found = f"labels of shape {part.shape}" if part.ndim != 1 else counted(len(part), "label")
        raise DataError(
            f"{some_of(len(wrong), len(lengths), 'case', 'has', 'have')} labels of another number than steps, for "
            f"example case {place} with {counted(lengths[place], 'step')} and {found}. With output='each_step' "
            "expected one label for each step."
        )
    for labels in y:
        _check_one_kind(labels)
    flat = check_array(np.concatenate(parts), ensure_2d=False, dtype=None, input_name="y")
    return _encode(flat, several=several)


def _check_one_kind(y: Any) -> None:
    """Refuse text beside numbers in a list, which numpy would turn into text."""
    mixed = isinstance(y, (list, tuple)) or getattr(getattr(y, "dtype", None), "kind", "") == "O"
    n_texts = sum(isinstance(label, str) for label in y) if mixed else 0
    if 0 < n_texts < len(y):
        raise DataError(
            f"{some_of(n_texts, len(y), 'label', 'is', 'are')} text and the others are not. Expected one kind."
        )


def _encode(y: Labels, *, several: bool = True) -> tuple[Labels, Codes]:
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if several and len(classes) < 2:
        raise DataError(
            f"There is one class only, {classes.tolist()[0]!r}, among {counted(len(y), 'label')}. A classifier needs "
            "examples of at least 2 classes."
        )
    return classes, codes.astype(np.int64)
