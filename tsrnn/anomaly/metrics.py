"""How good a detection is: the volume under the precision-recall surface, and events found, missed and made up.

Point-adjusted F1 is not offered: it counts a whole anomaly as found when one of its rows is, so that a random score
looks excellent under it (Kim et al. 2022, "Towards a rigorous evaluation of time-series anomaly detection").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.errors import ParameterError
from tsrnn.naming import agree, counted, some_of
from tsrnn.parameters import check_whole

if TYPE_CHECKING:
    from tsrnn.data.panel import Bools, Floats, Integers

# How many thresholds a score is judged at.
N_THRESHOLDS = 250
# Thresholds that are compared at most where labels choose one.
MOST_THRESHOLDS = 200
# Where to look for the period of a series, and what stands in for one that has none.
FEWEST_LAG, MOST_LAG, MOST_ROWS, NO_PERIOD = 3, 400, 20_000, 125


def vus_window(y: Any) -> int:
    """Return the lag at which a series agrees with itself most, the buffer of `vus_pr`.

    Parameters
    ----------
    y : array of shape (n,)
        Its first 20,000 values are looked at.

    Returns
    -------
    int
        The highest local peak of the autocorrelation at lags from 4 to 399; 125 where there is none, or where it lies
        below 6 or above 303.

    Source
    ------
    Liu and Paparrizos 2024, "The Elephant in the Room: Towards A Reliable Time-Series Anomaly Detection Benchmark"
    (the TSB-AD package).

    Examples
    --------
    >>> vus_window(np.sin(np.arange(500) * 2 * np.pi / 50))
    50
    """
    values = _numbers(y, "y")[:MOST_ROWS]
    if len(values) < FEWEST_LAG + 3:
        return NO_PERIOD
    centred = values - values.mean()
    total = float(centred @ centred)
    if total <= 0:
        return NO_PERIOD
    size = 1 << (2 * len(values) - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    agreement = np.fft.irfft(spectrum, size)[FEWEST_LAG : min(MOST_LAG + 1, len(values))] / total
    inside = agreement[1:-1]
    peaks = np.flatnonzero((inside > agreement[:-2]) & (inside > agreement[2:])) + 1
    if not len(peaks):
        return NO_PERIOD
    best = int(peaks[np.argmax(agreement[peaks])])
    return NO_PERIOD if best < FEWEST_LAG or best > 300 else best + FEWEST_LAG


def vus_pr(labels: Any, score: Any, window: int | None = None, *, y: Any = None) -> float:
    """Return the volume under the precision-recall surface over buffers of 0 to `window` rows around anomalies.

    A detection shortly before or after an anomaly earns part of the credit, the less the further away it is; the
    result is the mean over all buffers, so that no buffer has to be chosen. It asks for no threshold.

    Parameters
    ----------
    labels : array of shape (n,)
        True or 1 where a row is anomalous.
    score : array of shape (n,)
        Higher is more anomalous. Where it is NaN, a row could not be judged and counts as the most ordinary one.
    window : int, optional
        The widest buffer. By default the period of `y`.
    y : array of shape (n,), optional
        The series, of which `vus_window` is asked for the period. One of `window` and `y` is needed.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    ParameterError
        If the arrays do not fit together, no row is anomalous, or every row is.

    Source
    ------
    Paparrizos et al. 2022, "Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series Anomaly
    Detection", with 250 thresholds as in the TSB-AD package.

    Examples
    --------
    >>> labels = np.zeros(100)
    >>> labels[40:45] = 1
    >>> vus_pr(labels, labels, window=0)
    1.0
    """
    is_anomaly = check_labels(labels)
    values = _score(score, len(is_anomaly))
    if window is None:
        if y is None:
            raise ParameterError("vus_pr needs window= or y=: a number of rows, or the series to find its period in.")
        window = vus_window(y)
    check_whole("window", window, 0, of="rows")
    starts, ends = runs(is_anomaly)
    order = -np.sort(-values)
    thresholds = order[np.linspace(0, len(values) - 1, N_THRESHOLDS).astype(int)]
    # The first threshold that a row reaches. Thresholds descend, so a search wants them the other way round.
    first = np.searchsorted(-thresholds, -values, side="left")
    predicted = np.bincount(first, minlength=N_THRESHOLDS + 1)[:N_THRESHOLDS].cumsum()
    hit = np.bincount(first[is_anomaly], minlength=N_THRESHOLDS + 1)[:N_THRESHOLDS].cumsum()
    precisions = [
        _average_precision(is_anomaly, starts, ends, first, predicted, hit, width) for width in range(window + 1)
    ]
    return float(sum(precisions) / len(precisions))


def _average_precision(
    is_anomaly: Bools, starts: Integers, ends: Integers, first: Integers, predicted: Integers, hit: Integers, width: int
) -> float:
    """Return the area under the precision-recall curve for one width of the buffer."""
    n, half = len(is_anomaly), width // 2
    around = np.zeros(n)
    for start, end in zip(starts, ends, strict=True):
        after = np.arange(end + 1, min(end + half + 1, n))
        before = np.arange(max(start - half, 0), start)
        around[after] += np.sqrt(1 - (after - end) / max(width, 1))
        around[before] += np.sqrt(1 - (start - before) / max(width, 1))
    near = np.flatnonzero((around > 0) & ~is_anomaly)
    credit = np.minimum(around[near], 1)
    soft = np.bincount(first[near], weights=credit, minlength=N_THRESHOLDS + 1)[:N_THRESHOLDS].cumsum()
    # Anomalies whose buffers meet are one.
    apart = ends[:-1] + half < starts[1:] - half
    lows = np.concatenate([[max(starts[0] - half, 0)], starts[1:][apart] - half])
    highs = np.concatenate([ends[:-1][apart] + half, [min(ends[-1] + half, n - 1)]])
    reached = [int(first[low : high + 1].min()) for low, high in zip(lows, highs, strict=True)]
    found = np.bincount(reached, minlength=N_THRESHOLDS + 1)[:N_THRESHOLDS].cumsum() / len(lows)
    true = hit + soft
    positives = int(is_anomaly.sum())
    recall = np.minimum(true / (positives + soft / 2), 1) * found
    precision = true / predicted
    return float(np.dot(np.diff(recall, prepend=0.0), precision))


@dataclass(frozen=True)
class EventScores:
    """What was detected, counted in events: runs of anomalous rows.

    Parameters
    ----------
    precision : float
        Share of detected events that touch a true one; NaN if nothing was detected.
    recall : float
        Share of true events that a detected one touches; NaN if there are none.
    f1 : float
        Their harmonic mean; 0 if nothing was found.
    delay : float
        Rows from the start of a true event to its first detected row, averaged over those found; NaN if none was.
    false_alarms : float
        Detected events that touch no true one, per 1,000 rows outside true events.
    """

    precision: float
    recall: float
    f1: float
    delay: float
    false_alarms: float


def event_scores(labels: Any, is_anomaly: Any) -> EventScores:
    """Count which events were found, how late, and how many were made up.

    Parameters
    ----------
    labels, is_anomaly : arrays of shape (n,)
        True or 1 where a row is anomalous, in truth and as detected.

    Returns
    -------
    EventScores

    Raises
    ------
    ParameterError
        If the arrays are not of one length, or hold anything but 0 and 1.

    Examples
    --------
    >>> event_scores([0, 1, 1, 0, 0, 0], [0, 0, 1, 0, 1, 0])
    EventScores(precision=0.5, recall=1.0, f1=0.6666666666666666, delay=1.0, false_alarms=250.0)
    """
    truth, found = _flags(labels, "labels"), _flags(is_anomaly, "is_anomaly")
    if len(truth) != len(found):
        raise ParameterError(
            f"{counted(len(truth), 'label')} and {counted(len(found), 'detection')}: expected one of each per row."
        )
    delays = []
    for start, end in zip(*runs(truth), strict=True):
        at = np.flatnonzero(found[start : end + 1])
        if len(at):
            delays.append(int(at[0]))
    right = [bool(truth[start : end + 1].any()) for start, end in zip(*runs(found), strict=True)]
    n_true, n_normal = len(runs(truth)[0]), int((~truth).sum())
    precision = float(np.mean(right)) if right else float("nan")
    recall = len(delays) / n_true if n_true else float("nan")
    f1 = 2 * precision * recall / (precision + recall) if delays else 0.0
    delay = float(np.mean(delays)) if delays else float("nan")
    return EventScores(precision, recall, f1, delay, 1000 * right.count(False) / max(n_normal, 1))


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


def runs(flags: Bools) -> tuple[Integers, Integers]:
    """Return the first and the last row of each run of true flags.

    >>> [part.tolist() for part in runs(np.array([True, True, False, True]))]
    [[0, 3], [1, 3]]
    """
    change = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1) - 1


def check_labels(labels: Any) -> Bools:
    """Return labels as flags, or raise ParameterError if they hold no anomaly or nothing else."""
    flags = _flags(labels, "labels")
    if not flags.any() or flags.all():
        what = "no row is" if not flags.any() else agree(len(flags), "the row is", f"all {len(flags):,} rows are")
        raise ParameterError(f"labels: {what} anomalous. Expected some of each.")
    return flags


def _flags(values: Any, name: str) -> Bools:
    array = np.asarray(values)
    if array.ndim != 1 or not len(array):
        raise ParameterError(f"{name} has shape {array.shape}: expected one flag per row.")
    if array.dtype != np.bool_:
        strange = [value for value in array.tolist() if value not in (0, 1)]
        if strange:
            shown = ", ".join(repr(value) for value in strange[:5])
            raise ParameterError(
                f"{name} holds {counted(len(strange), 'value')} other than 0 and 1, for example {shown}."
            )
    return array.astype(np.bool_)


def _numbers(values: Any, name: str) -> Floats:
    array = _as_floats(values, name)
    if array.ndim != 1 or not np.isfinite(array).all():
        missing = int((~np.isfinite(array)).sum())
        raise ParameterError(
            f"{name} of shape {array.shape} has {counted(missing, 'value that is', 'values that are')} not finite. "
            "Fill in numbers first."
        )
    return array


def _as_floats(values: Any, name: str) -> Floats:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} is not numeric: {error}.") from None


def _score(score: Any, n: int) -> Floats:
    values = _as_floats(score, "score")
    if values.shape != (n,):
        raise ParameterError(f"score has shape {values.shape}: expected ({n},), one per label.")
    judged = np.isfinite(values)
    if np.isinf(values).any() or not judged.any():
        raise ParameterError(f"{some_of(int((~judged).sum()), n, 'score', 'is', 'are')} not finite.")
    return np.where(judged, values, values[judged].min())
