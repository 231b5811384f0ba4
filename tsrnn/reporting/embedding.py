"""The forecasts that a page carries: which ones, and packed how."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.data.answers import interval_names
from tsrnn.naming import counted, some_of
from tsrnn.reporting.colours import band_colour, model_colour
from tsrnn.reporting.parts import context_rows, levels_of, model_names, series_names, time_labels

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

MOST_SERIES = 50
# A 32-bit number takes 5.3 characters, so this is 0.85 MB next to the 4.8 MB of plotly's script.
MOST_NUMBERS = 160_000
FEWEST_CUTOFFS = 5


@dataclass(frozen=True)
class Choice:
    """What of a backtest a page shows.

    Parameters
    ----------
    groups : dict of str to list
        Heading to series, in the order of the page's chooser.
    n_cutoffs : int
        Cutoffs per series at most, spread evenly, the last one among them.
    stride : int
        Every how many steps of a forecast and rows of a history are kept.
    sentence : str
        What was left out, or "" if nothing was.
    """

    groups: dict[str, list[Any]]
    n_cutoffs: int
    stride: int
    sentence: str

    @property
    def ids(self) -> list[Any]:
        """The series, in the order of the chooser."""
        return [name for names in self.groups.values() for name in names]


def choose(result: BacktestResult, seed: int = 0, most_numbers: int = MOST_NUMBERS) -> Choice:
    """Choose what fits into a page.

    All series if they are few; else those on which the leading model's error is largest, those on which it is
    smallest, and a random sample of the others. Cutoffs are thinned before series are left out.
    """
    everyone = series_names(result)
    cutoffs = int(result.config["n_windows"])
    h, context = int(result.by_step["step"].nunique()), context_rows(result)
    columns = len(forecast_columns(result))
    n, kept, stride = _fit(len(everyone), cutoffs, h, context, columns, most_numbers)
    groups = {"Series": everyone} if n == len(everyone) else _groups(result, everyone, n, seed)
    left_out = []
    if n < len(everyone):
        counts = ", ".join(f"{len(names)} {heading.lower()}" for heading, names in groups.items())
        left_out.append(f"{some_of(n, len(everyone), 'series')} ({counts}; the sample is drawn with seed {seed})")
    if kept < cutoffs:
        left_out.append(f"{kept} of up to {counted(cutoffs, 'cutoff')} per series")
    if stride > 1:
        left_out.append(f"every {stride}th step")
    said = (
        f"To keep this page small, this section holds {', '.join(left_out)}. The scores on this page leave nothing out."
    )
    return Choice(groups, kept, stride, said if left_out else "")


def forecast_columns(result: BacktestResult) -> list[str]:
    """Return the columns of forecasts that a page carries: each model's median and intervals."""
    return [
        column
        for name in model_names(result)
        for column in (name, *(end for level in levels_of(result, name) for end in interval_names(name, level)))
    ]


def embed(result: BacktestResult, choice: Choice) -> dict[str, Any]:
    """Pack the chosen forecasts and what was observed around them.

    Returns
    -------
    dict, ready for JSON
        `axis` holds each time stamp once; positions on it are runs `[first, count, first, count, ...]`; numbers are
        base64 of little-endian 32-bit floats, in original units, NaN where there is none. Per series: `seen` and
        `y`, the observed rows; `cutoffs`; `counts`, rows per cutoff; `at` and `values`, the forecast rows of all
        cutoffs, one column of the table after the other. `leader` is the model whose interval is shown first, -1 if
        none has one.
    """
    # What a page does not show is not read, which matters where forecasts are kept in a folder.
    tables, seen = _by_id(result.forecasts_of(choice.ids)), _by_id(result.observations_of(choice.ids))
    parts = {}
    for name in choice.ids:
        rows = _thin(tables[name], choice)
        history = seen[name].sort_values("ds")
        parts[name] = (rows, _around(history, rows, context_rows(result)).iloc[:: choice.stride])
    stamps = [part["ds"] for pair in parts.values() for part in pair if len(part)]
    stamps += [rows["cutoff"] for rows, _ in parts.values()]
    axis = pd.Index(pd.concat(stamps).drop_duplicates().sort_values())
    columns = forecast_columns(result)
    banded = [name for name in result.leaderboard["model"] if levels_of(result, name)]
    return {
        "axis": time_labels(axis),
        "leader": model_names(result).index(banded[0]) if banded else -1,
        "columns": columns,
        "models": _models(result, columns),
        "context": -(-context_rows(result) // choice.stride),
        "series": [_pack(name, rows, history, axis, columns) for name, (rows, history) in parts.items()],
    }


def _fit(n: int, cutoffs: int, h: int, context: int, columns: int, most: int) -> tuple[int, int, int]:
    """Return how many series and cutoffs, and every how many steps, cost no more than `most` numbers."""

    def cost(kept: int, stride: int = 1) -> float:
        return (kept * h * (columns + 1) + context + kept * h) / stride

    n = min(n, MOST_SERIES)
    kept = cutoffs
    while kept > FEWEST_CUTOFFS and n * cost(kept) > most:
        kept = max(FEWEST_CUTOFFS, int(kept * 0.9))
    n = max(1, min(n, int(most / cost(kept))))
    while kept > 1 and cost(kept) > most:
        kept -= 1
    return n, kept, max(1, int(np.ceil(cost(kept) / most)))


def _groups(result: BacktestResult, everyone: list[Any], n: int, seed: int) -> dict[str, list[Any]]:
    leader = result.leaderboard["model"].iloc[0]
    errors = result.by_series[result.by_series["model"] == leader].set_index("unique_id")["mase"]
    ranked = list(errors.reindex(everyone).dropna().sort_values(kind="stable").index)
    each = min(-(-n // 3), len(ranked) // 2)
    best, worst = ranked[:each], ranked[len(ranked) - each :][::-1]
    worst, best = worst[:n], best[: max(n - len(worst), 0)]
    taken = {*best, *worst}
    others = [name for name in everyone if name not in taken]
    size = min(n - len(taken), len(others))
    drawn = sorted(np.random.default_rng(seed).choice(len(others), size, replace=False).tolist())
    groups = {
        "With the largest error": worst,
        "With the smallest error": best,
        "Sampled at random": [others[i] for i in drawn],
    }
    return {heading: names for heading, names in groups.items() if names}


def _by_id(table: pd.DataFrame) -> dict[Any, pd.DataFrame]:
    return dict(iter(table.groupby("unique_id", sort=False, observed=True)))


def _thin(rows: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    cutoffs = np.sort(rows["cutoff"].unique())
    positions = np.unique(np.linspace(len(cutoffs) - 1, 0, min(choice.n_cutoffs, len(cutoffs))).round().astype(int))
    kept = rows[rows["cutoff"].isin(cutoffs[positions])]
    return kept[(kept["step"] - 1) % choice.stride == 0].sort_values(["cutoff", "step"])


def _around(history: pd.DataFrame, rows: pd.DataFrame, context: int) -> pd.DataFrame:
    """Keep what can come into view: some rows before the first cutoff, up to the end of the last forecast.

    Between two far cutoffs, rows that belong to neither view are left out.
    """
    at = np.searchsorted(history["ds"].array, rows["cutoff"].drop_duplicates().array, side="right")
    wanted = np.zeros(len(history) + 1, dtype=int)
    np.add.at(wanted, np.maximum(at - context, 0), 1)
    np.add.at(wanted, at, -1)
    return history[np.cumsum(wanted)[:-1] > 0]


def _models(result: BacktestResult, columns: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "column": columns.index(name),
            "colour": model_colour(index),
            "fill": band_colour(index),
            "levels": {
                f"{level:g}": [columns.index(end) for end in interval_names(name, level)]
                for level in levels_of(result, name)
            },
        }
        for index, name in enumerate(model_names(result))
    ]


def _pack(name: Any, rows: pd.DataFrame, history: pd.DataFrame, axis: pd.Index, columns: list[str]) -> dict[str, Any]:
    cutoffs = rows["cutoff"].drop_duplicates()
    return {
        "id": str(name),
        "seen": runs(axis.get_indexer(history["ds"])),
        "y": floats(history["y"]),
        "cutoffs": axis.get_indexer(cutoffs).tolist(),
        "counts": rows.groupby("cutoff", sort=True)["step"].size().tolist(),
        "at": runs(axis.get_indexer(rows["ds"])),
        "actual": floats(rows["y"]),
        "values": floats(rows[columns].to_numpy(dtype=float).T.ravel()),
    }


def runs(positions: Any) -> list[int]:
    """Pack ascending stretches of positions as first, count, first, count, ...

    >>> runs([3, 4, 5, 9])
    [3, 3, 9, 1]
    """
    values = np.asarray(positions, dtype=np.int64)
    if not len(values):
        return []
    first = np.flatnonzero(np.diff(values, prepend=values[0] - 2) != 1)
    counts = np.diff(np.append(first, len(values)))
    return [int(number) for number in np.column_stack([values[first], counts]).ravel()]


def floats(values: Any) -> str:
    """Pack numbers as base64 of little-endian 32-bit floats."""
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode("ascii")
