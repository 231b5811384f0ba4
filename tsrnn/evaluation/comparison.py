"""Compare two backtests of the same data, forecast by forecast: what they wrote is enough, no model is run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.files import read_table
from tsrnn.errors import ColumnError, DataError
from tsrnn.evaluation.significance import compare_losses
from tsrnn.evaluation.verdict import Verdict
from tsrnn.naming import agree, counted, some_of
from tsrnn.parameters import is_whole
from tsrnn.whole_files import check_regular

COLUMNS = ("model", "unique_id", "cutoff", "mase", "mae", "actual")
# Files of a backtest's folder.
RESULT, LOSSES = "result.json", "by_forecast.parquet"
# What happened is compared by its mean at each cutoff; numbers that went through a file may differ in the last digits.
SAME = 1e-6


@dataclass(frozen=True)
class KeptBacktest:
    """What a backtest left behind.

    Parameters
    ----------
    name : str
        Of the file or folder.
    config : dict
    losses : DataFrame
        The columns of `BacktestResult.by_forecast`, names and cutoffs as text.
    """

    name: str
    config: Mapping[str, Any]
    losses: pd.DataFrame

    @property
    def models(self) -> list[str]:
        """The models, the judged one first."""
        return list(dict.fromkeys(self.losses["model"]))


@dataclass(frozen=True)
class Comparison:
    """What two backtests say of each other.

    Parameters
    ----------
    verdict : Verdict
        The second one against the first.
    table : DataFrame
        backtest, model, mase: every model of both on the forecasts that they share.
    matched, only_first, only_second : int
        Forecasts (series and cutoff) that both have, or one alone.
    """

    verdict: Verdict
    table: pd.DataFrame
    matched: int
    only_first: int
    only_second: int

    @property
    def notes(self) -> list[str]:
        """What is left out of the comparison."""
        left = {"first": self.only_first, "second": self.only_second}
        return [
            f"{counted(count, 'forecast')} of the {which} backtest {agree(count, 'has', 'have')} no counterpart and "
            f"{agree(count, 'is', 'are')} left out; {counted(self.matched, 'is', 'are')} compared."
            for which, count in left.items()
            if count
        ]


def read_backtest(path: str) -> KeptBacktest:
    """Read what `tsrnn backtest --format json` or `--folder` wrote.

    Parameters
    ----------
    path : str
        A JSON file or a folder.

    Raises
    ------
    DataError
        If it is missing, damaged, unfinished, or something else.
    """
    place = Path(path)
    if not place.exists():
        raise DataError(f"{path}: no such file or folder. Expected one that `tsrnn backtest` wrote.")
    content = _read_json(place / RESULT if place.is_dir() else place, place)
    if place.is_dir():
        losses = read_table(place / LOSSES)
    else:
        losses = _as_table(content.get("by_forecast"), path)
    config = content.get("config")
    config = config if isinstance(config, dict) else {}
    counts = (config.get("h"), config.get("step_size"), config.get("gap", 0))
    if not set(COLUMNS) <= set(losses.columns) or not all(map(is_whole, counts)):
        raise DataError(f"{path}: is not the result of a backtest, or of an older one. Run the backtest again.")
    numbers = {column: pd.to_numeric(losses[column], errors="coerce") for column in ("mase", "mae", "actual")}
    names = {column: losses[column].map(str) for column in ("model", "unique_id", "cutoff")}
    table = pd.DataFrame({**names, **numbers})
    if not len(table):
        raise DataError(f"{path}: holds no forecast.")
    return KeptBacktest(place.name or str(place), config, table)


def _read_json(file: Path, place: Path) -> dict[str, Any]:
    expected = "Expected the JSON of `tsrnn backtest --format json`, or the folder of `--folder`."
    if place.is_dir() and not file.exists():
        unfinished = (place / "backtest.json").exists()
        what = "is a backtest that is not finished; run its command again to go on" if unfinished else expected
        raise DataError(f"{place}: {what if unfinished else f'has no {RESULT}. {what}'}")
    try:
        if place.is_dir():  # what is named itself may be a pipe, as a shell makes it of <(...)
            check_regular(file)
        content = json.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError):
        raise DataError(f"{file}: is not JSON, or damaged. {expected}") from None
    if not isinstance(content, dict):
        raise DataError(f"{file}: is not a backtest. {expected}")
    return content


def _as_table(content: Any, path: str) -> pd.DataFrame:
    try:
        return pd.DataFrame({column: content[column] for column in COLUMNS})
    except (TypeError, KeyError, ValueError):
        raise DataError(
            f"{path}: has no forecasts to compare by. Expected the JSON of `tsrnn backtest --format json`."
        ) from None


def compare_backtests(
    first: KeptBacktest, second: KeptBacktest, models: Sequence[str | None] = (None, None)
) -> Comparison:
    """Say whether the second backtest is better than the first one.

    Forecasts of the same series from the same cutoff are paired. Both errors are divided by the same scale, that of
    the first backtest, so that cutoffs more or less make no difference.

    Parameters
    ----------
    first, second : KeptBacktest
    models : pair of str or None
        Which model of each; the judged one by default.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If they forecast different steps or different data, or have no forecast in common.
    ColumnError
        If a model is not in its backtest.
    """
    for key, words in (("h", "steps ahead"), ("gap", "steps left out after a cutoff")):
        values = [backtest.config.get(key, 0) for backtest in (first, second)]
        if values[0] != values[1]:
            raise DataError(
                f"The backtests are not alike: {first.name} has {key}={values[0]} {words}, {second.name} {key}="
                f"{values[1]}. Run one of them again with the other's."
            )
    names = [_model(backtest, name) for backtest, name in zip((first, second), models, strict=True)]
    ours, theirs = (
        backtest.losses[backtest.losses["model"] == name].drop(columns="model").drop_duplicates(["unique_id", "cutoff"])
        for backtest, name in zip((first, second), names, strict=True)
    )
    both = ours.merge(theirs, on=["unique_id", "cutoff"], suffixes=("_1", "_2"))
    if not len(both):
        raise DataError(
            f"The backtests share no forecast: {first.name} has {_example(ours)}, {second.name} has "
            f"{_example(theirs)}. Run both on the same data with the same --windows and --step."
        )
    _check_same(both, first.name, second.name)
    # A series without any error in the first backtest has its scale in the second one alone.
    scale = _scale(both, 1).fillna(_scale(both, 2))
    step = math.lcm(*(max(backtest.config["step_size"], 1) for backtest in (first, second)))
    reach = first.config.get("gap", 0) + first.config["h"]
    gain = compare_losses(_matrix(both, both["mae_2"] / scale), _matrix(both, both["mae_1"] / scale), -(-reach // step))
    said = [
        name if names[0] != names[1] else f"{name} in {one.name}"
        for name, one in zip(names, (first, second), strict=True)
    ]
    shared = both[["unique_id", "cutoff"]].assign(scale=scale)
    table = pd.concat([_scores(backtest, shared) for backtest in (first, second)], ignore_index=True)
    return Comparison(Verdict(said[1], said[0], gain), table, len(both), len(ours) - len(both), len(theirs) - len(both))


def _model(backtest: KeptBacktest, name: str | None) -> str:
    if name is None:
        return backtest.models[0]
    found = [known for known in backtest.models if known.lower() == name.lower()]
    if not found:
        raise ColumnError(f"{backtest.name} has no model {name!r}; it has: {', '.join(backtest.models)}.")
    return found[0]


def _example(losses: pd.DataFrame) -> str:
    row = losses.iloc[0]
    return f"{len(losses):,} such as series {row['unique_id']} from {row['cutoff']}"


def _check_same(both: pd.DataFrame, first: str, second: str) -> None:
    """Refuse backtests in which something else happened after the same cutoffs."""
    a, b = both["actual_1"], both["actual_2"]
    size = np.maximum(a.abs(), b.abs())
    wrong = both[((a - b).abs() > SAME * size) | (a.isna() != b.isna())]
    if len(wrong):
        row = wrong.iloc[0]
        raise DataError(
            "The backtests are of different data: what happened differs at "
            f"{some_of(len(wrong), len(both), 'common forecast')}, for example series {row['unique_id']} from "
            f"{row['cutoff']} (mean {row['actual_1']:.6g} in {first}, {row['actual_2']:.6g} in {second}). Run both on "
            "the same file."
        )


def _scale(both: pd.DataFrame, number: int) -> pd.Series:
    """Return by what one of the backtests divides the errors of each forecast's series; NaN where it has none."""
    mae, mase = both[f"mae_{number}"], both[f"mase_{number}"]
    return (mae / mase.where(mase > 0)).groupby(both["unique_id"]).transform("median")


def _matrix(both: pd.DataFrame, losses: pd.Series) -> np.ndarray:
    """Return losses of shape (n_series, n_cutoffs), oldest cutoff first; NaN where there is none."""
    series, _ = pd.factorize(both["unique_id"])
    cutoffs = _order(both["cutoff"])
    matrix = np.full((series.max() + 1, cutoffs.max() + 1), np.nan)
    matrix[series, cutoffs] = losses
    return matrix


def _order(cutoffs: pd.Series) -> np.ndarray:
    """Return the number of each cutoff by time: numbers go by size, dates in ISO 8601 by their letters."""
    numbers = pd.to_numeric(cutoffs, errors="coerce")
    codes, _ = pd.factorize(cutoffs if numbers.isna().any() else numbers, sort=True)
    return np.asarray(codes)


def _scores(backtest: KeptBacktest, shared: pd.DataFrame) -> pd.DataFrame:
    """Return the MASE of every model of a backtest on the shared forecasts, averaged over series."""
    rows = backtest.losses.merge(shared, on=["unique_id", "cutoff"])
    rows = rows.assign(mase=rows["mae"] / rows["scale"])
    means = rows.groupby(["model", "unique_id"], sort=False)["mase"].mean().groupby("model", sort=False).mean()
    return pd.DataFrame({"backtest": backtest.name, "model": means.index, "mase": means.to_numpy()})
