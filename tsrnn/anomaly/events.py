"""From anomalous rows to events: where they begin and end, what they are, and what had been expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.anomaly.metrics import runs
from tsrnn.errors import ColumnError

if TYPE_CHECKING:
    from tsrnn.data.panel import Bools, Floats, Integers

KINDS = ("spike", "level shift", "change of variance", "missing season")
COLUMNS = ("unique_id", "ds", "y", "expected", "lower", "upper", "score", "p_value", "is_anomaly")
EVENT_COLUMNS = ("unique_id", "start", "end", "peak", "rows", "kind", "y", "expected", "score", "p_value")
# An event of no more rows is a spike.
LONGEST_SPIKE = 4
# A missing season moves less than this share of what had been expected, for at least this share of a season.
FLAT, LEAST_OF_A_SEASON = 0.35, 0.5
# And the season that had been expected moves at least by this share of half the expected range.
NOTICEABLE = 0.25
# A level shift: the residuals' mean is this many times as large as their standard deviation.
ONE_SIDED = 0.7


def find_events(table: pd.DataFrame, season_length: int, gap: int) -> pd.DataFrame:
    """Merge anomalous rows into events.

    Parameters
    ----------
    table : DataFrame
        What `AnomalyDetector.detect` returns.
    season_length : int
        Rows per season; 1 means none.
    gap : int
        Anomalous rows with up to so many ordinary or missing rows between them belong to one event.

    Returns
    -------
    DataFrame, one row per event, in the order of series and time
        `unique_id`; `start` and `end`, the first and the last anomalous row, and `peak`, the most surprising one;
        `rows` from start to end; `kind`, one of "spike", "level shift", "change of variance" and "missing season"; `y`
        and `expected` at the peak, for a level shift their means over its rows outside the expected range; `score`, the
        highest; `p_value`, the lowest. Channels of a system have their events together: `unique_id` is the one with
        the largest `share` at the peak.

    Raises
    ------
    ColumnError
        If a column is missing.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise ColumnError(f"The table has no column {', '.join(missing)}. Expected what `detect` returns.")
    parts = dict(iter(table.groupby("unique_id", sort=False, observed=True)))
    if "share" in table.columns:
        rows = _events_of_system(table, parts, season_length, gap)
    else:
        rows = [
            {"unique_id": name, **describe_event(part, int(start), int(end), season_length)}
            for name, part in parts.items()
            for start, end in zip(*merged_runs(part["is_anomaly"].to_numpy(dtype=bool), gap), strict=True)
        ]
    columns = [*EVENT_COLUMNS, *(["share"] if "share" in table.columns else [])]
    if not rows:
        empty = {name: pd.Series(dtype=float) for name in columns}
        types = {"unique_id": table["unique_id"].dtype, **dict.fromkeys(("start", "end", "peak"), table["ds"].dtype)}
        return pd.DataFrame(empty).astype({**types, "rows": np.int64, "kind": object})
    events = pd.DataFrame(rows)[columns]
    return events.astype({"unique_id": table["unique_id"].dtype})


def _events_of_system(
    table: pd.DataFrame, parts: dict[Any, pd.DataFrame], season_length: int, gap: int
) -> list[dict[str, Any]]:
    """Merge the anomalous times of a system, and describe each event by the channel that had most part in its peak."""
    times = table.groupby("ds", sort=True)["is_anomaly"].any()
    rows = []
    for start, end in zip(*merged_runs(times.to_numpy(dtype=bool), gap), strict=True):
        during = table[table["ds"].between(times.index[start], times.index[end])]
        alarms = during[during["is_anomaly"]]
        # The scores of all channels are the same at a time.
        peak = alarms[alarms["ds"] == alarms["ds"].iloc[int(alarms["score"].to_numpy().argmax())]]
        name = peak["unique_id"].iloc[int(peak["share"].to_numpy().argmax())]
        inside = np.flatnonzero(parts[name]["ds"].between(times.index[start], times.index[end]).to_numpy())
        rows.append({"unique_id": name, **describe_event(parts[name], int(inside[0]), int(inside[-1]), season_length)})
    return rows


def merged_runs(flags: Bools, gap: int) -> tuple[Integers, Integers]:
    """Return the first and last rows of runs, those with up to `gap` rows between them as one.

    >>> [part.tolist() for part in merged_runs(np.array([1, 0, 1, 0, 0, 0, 1], dtype=bool), 2)]
    [[0, 6], [2, 6]]
    """
    starts, ends = runs(flags)
    apart = starts[1:] - ends[:-1] - 1 > gap
    keep = np.concatenate([[True], apart]) if len(starts) else np.zeros(0, np.bool_)
    return starts[keep], ends[np.concatenate([apart, [True]])] if len(ends) else ends


def describe_event(series: pd.DataFrame, start: int, end: int, season_length: int) -> dict[str, Any]:
    """Say of an event, which is rows start to end of a series, when it was, what it was, and what had been expected."""
    before = series["y"].to_numpy(dtype=float)[max(start - season_length, 0) : start]
    part = series.iloc[start : end + 1]
    y, expected, score, lower, upper = (
        part[name].to_numpy(dtype=float) for name in ("y", "expected", "score", "lower", "upper")
    )
    flags = part["is_anomaly"].to_numpy(dtype=bool)
    peak = int(np.nanargmax(np.where(flags, score, np.nan)))
    kind = kind_of(y, expected, season_length, float(np.nanmean(upper - lower)) / 2, before)
    # Its last rows may come after it was accepted.
    shifted = ((y < lower) | (y > upper)) & (kind == "level shift")
    whole = shifted.any()
    described = {
        "start": part["ds"].iloc[0],
        "end": part["ds"].iloc[-1],
        "peak": part["ds"].iloc[peak],
        "rows": len(part),
        "kind": kind,
        "y": float(y[shifted].mean()) if whole else y[peak],
        "expected": float(expected[shifted].mean()) if whole else expected[peak],
        "score": score[peak],
        "p_value": float(part["p_value"].min()),
    }
    if "share" in part.columns:
        described["share"] = float(part["share"].to_numpy(dtype=float)[peak])
    return described


def kind_of(y: Floats, expected: Floats, season_length: int, reach: float = 0.0, before: Floats | None = None) -> str:
    """Say what kind of event the values y are, where `expected` had been expected, give or take `reach`.

    A season that was not there in the rows `before` either is not missed.

    >>> kind_of(np.array([9.0, 9.2, 8.9, 9.1, 9.0]), np.array([5.0, 5.1, 5.0, 4.9, 5.0]), 1)
    'level shift'
    """
    known = np.isfinite(y) & np.isfinite(expected)
    y, expected = y[known], expected[known]
    if len(y) <= LONGEST_SPIKE:
        return "spike"
    # One season of it: what is expected later may have followed a new level.
    moved = expected[:season_length].std()
    flat = y[:season_length].std() < FLAT * moved
    past = np.array([]) if before is None else before[np.isfinite(before)]
    if len(past) >= LEAST_OF_A_SEASON * season_length:
        flat &= past.std() >= FLAT * moved
    if season_length > 1 and len(y) >= LEAST_OF_A_SEASON * season_length and flat and moved > NOTICEABLE * reach:
        return "missing season"
    residual = y - expected
    return "level shift" if abs(residual.mean()) > ONE_SIDED * residual.std() else "change of variance"
