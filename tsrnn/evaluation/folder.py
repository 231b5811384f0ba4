"""A folder that keeps a backtest's forecasts as they come, and from which it goes on after an interruption.

`backtest.json` says which backtest it is. `forecasts/` holds one Parquet file per cutoff and model, written at once or
not at all: a table of quantiles beside what happened, readable by anything that reads Parquet. At the end the tables of
scores join them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.data.answers import stamp_table
from tsrnn.data.files import finite, need_pyarrow, write_table
from tsrnn.errors import DataError, ParameterError
from tsrnn.evaluation.configuration import fingerprint, without_address
from tsrnn.evaluation.plan import Plan
from tsrnn.evaluation.recognition import recognisable
from tsrnn.evaluation.store import Part
from tsrnn.naming import counted
from tsrnn.whole_files import check_regular, write_whole

if TYPE_CHECKING:
    from tsrnn.data.panel import Floats, Integers
    from tsrnn.evaluation.result import BacktestResult

SCHEMA = 1
DESCRIPTION, FORECASTS = "backtest.json", "forecasts"
CURE = "Name another path, or delete the folder to start again."
UNFINISHED = ".unfinished"
# What a part's file says besides its table.
FACTS = b"tsrnn"
# Parameters that change no forecast.
WITHOUT_EFFECT = ("n_jobs", "verbose")
_UNSET = "unset"
# How many lines of a part are in memory at once while some of them are read.
BATCH_LINES = 1 << 16


class Folder:
    """Keep forecasts in a folder.

    Parameters
    ----------
    path : Path
        Made where it is missing; otherwise an interrupted backtest that was called with the same arguments.
    plan : Plan
    models : mapping of name to parameters
        As the user gave them.
    version : str
        Of tsrnn.

    Raises
    ------
    ParameterError
        If the folder is of another backtest.
    DataError
        If it holds something else, or cannot be written.
    MissingExtraError
        If pyarrow is not installed.
    """

    stepwise = True

    def __init__(self, path: Path, plan: Plan, models: Mapping[str, Any], version: str) -> None:
        need_pyarrow(str(path))
        self.path, self.plan = path, plan
        self.files = {name: f"{number:02d}-{_plain(name)}" for number, name in enumerate(models)}
        description = _description(plan, models, version)
        try:
            self._open(description)
        except OSError as error:
            raise DataError(f"{path}: cannot be written ({error.strerror}). Name another path.") from error

    def _open(self, description: dict[str, Any]) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise DataError(f"{self.path}: is a file; expected a folder, or a name that is free.")
        file = self.path / DESCRIPTION
        if file.exists():
            _check_same(self.path, _read_json(file), description)
        elif self.path.exists() and any(self.path.iterdir()):
            held = sorted(entry.name for entry in self.path.iterdir())
            raise DataError(
                f"{self.path}: holds {counted(len(held), 'entry', 'entries')} ({', '.join(held[:5])}) and no "
                f"{DESCRIPTION}, so it is not the folder of a backtest. {CURE}"
            )
        (self.path / FORECASTS).mkdir(parents=True, exist_ok=True)
        for left in (self.path / FORECASTS).glob(f"*{UNFINISHED}"):
            left.unlink()
        if not file.exists():
            write_whole(file, json.dumps(description, indent=2).encode())

    def _file(self, model: str, window: int) -> Path:
        return self.path / FORECASTS / f"{window:04d}-{self.files[model]}.parquet"

    def has(self, model: str, window: int) -> bool:
        """Tell whether a model's forecasts of a window are there."""
        return self._file(model, window).exists()

    def put(self, model: str, window: int, part: Part) -> None:
        """Write them, completely or not at all.

        Raises
        ------
        DataError
            If they cannot be written.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = self._table(model, window, part)
        facts = {
            "fit_seconds": part.fit_seconds,
            "predict_seconds": part.predict_seconds,
            "notes": list(part.notes),
            "summary": part.summary,
            "history": None if part.history is None else part.history.to_dict(orient="list"),
            "choice": part.choice,
        }
        content = pa.Table.from_pandas(table, preserve_index=False)
        content = content.replace_schema_metadata({**(content.schema.metadata or {}), FACTS: json.dumps(facts)})
        sink = pa.BufferOutputStream()
        pq.write_table(content, sink)
        file = self._file(model, window)
        try:
            write_whole(file, sink.getvalue().to_pybytes())
        except OSError as error:
            raise DataError(f"{file}: cannot be written ({error.strerror}); what is there is kept.") from error

    def finish(self, result: BacktestResult) -> None:
        """Write the tables of scores as Parquet, and verdict, notes and configuration as `result.json`.

        Raises
        ------
        DataError
            If they cannot be written.
        """
        names = ("leaderboard", "by_step", "by_cutoff", "by_series", "by_forecast", "by_quantile")
        tables = {**{name: getattr(result, name) for name in names}, "residuals": result.residuals.summary}
        for name, table in tables.items():
            mixed = {key: column.astype(str) for key, column in table.items() if column.dtype == object}
            write_table(table.assign(**mixed), self.path / f"{name}.parquet", "parquet")
        content = json.dumps(finite(result.facts()), indent=2, default=without_address, allow_nan=False)
        try:
            write_whole(self.path / "result.json", content.encode())
        except OSError as error:
            raise DataError(f"{self.path}: cannot be written ({error.strerror}).") from error

    def _table(self, model: str, window: int, part: Part) -> pd.DataFrame:
        origins = self.plan.origins
        table = stamp_table(self.plan.panel, origins.cutoffs(window, window + 1), origins.h, origins.gap)
        if table["unique_id"].dtype == object:
            # Names of several types do not fit one column of Parquet.
            table["unique_id"] = table["unique_id"].astype(str)
        table.insert(0, "model", model)
        values = part.quantiles.reshape(-1, len(self.plan.quantiles))
        return pd.concat([table, pd.DataFrame(values, columns=_columns(self.plan.quantiles))], axis=1)

    def get(self, model: str, window: int, rows: Integers | None = None) -> Part:
        """Read them; of these rows of `quantiles` alone, if rows are given, ascending, and never more than a batch.

        Raises
        ------
        DataError
            If the file is damaged.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        file, origins = self._file(model, window), self.plan.origins
        n = len(origins.cutoffs(window, window + 1))
        rows = np.arange(n) if rows is None else rows
        try:
            check_regular(file)
            with pq.ParquetFile(file) as content:
                facts = json.loads(content.schema_arrow.metadata[FACTS])
                if content.metadata.num_rows != n * origins.h:
                    raise ValueError(f"{counted(content.metadata.num_rows, 'row')} instead of {n * origins.h}")
                values = _picked(content, _columns(self.plan.quantiles), rows, origins.h)
            seconds = float(facts["fit_seconds"]), float(facts["predict_seconds"])
            history = None if facts["history"] is None else pd.DataFrame(facts["history"])
            return Part(values, *seconds, tuple(facts["notes"]), facts["summary"], history, facts.get("choice"))
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError, RecursionError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise DataError(f"{file}: is damaged ({reason}). Delete it, and it is forecast again.") from error


def _picked(content: Any, columns: list[str], rows: Integers, h: int) -> Floats:
    """Read some forecasts of h lines each from an open Parquet file. Shape (len(rows), h, len(columns))."""
    values = np.empty((len(rows) * h, len(columns)))
    lines = (rows[:, None] * h + np.arange(h)).ravel()
    begin = 0
    for batch in content.iter_batches(BATCH_LINES, columns=columns):
        end = begin + batch.num_rows
        mine = slice(*np.searchsorted(lines, [begin, end]))
        for k, column in enumerate(batch.columns):
            values[mine, k] = column.to_numpy(zero_copy_only=False)[lines[mine] - begin]
        begin = end
    return values.reshape(len(rows), h, len(columns))


def _columns(quantiles: Sequence[float]) -> list[str]:
    return [f"q{q!r}" for q in quantiles]


def _plain(name: str) -> str:
    """Return a name that any file system takes.

    >>> _plain("ARIMA / 2")
    'ARIMA-2'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40]


def _read_json(file: Path) -> dict[str, Any]:
    try:
        check_regular(file)
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}). {CURE}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: is damaged ({error}). {CURE}") from error
    if not isinstance(content, dict):
        raise DataError(f"{file}: is damaged; expected a JSON object. {CURE}")
    return content


def _description(plan: Plan, models: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return what decides every forecast of a backtest, as JSON values."""
    origins = plan.origins
    return {
        "schema": SCHEMA,
        "tsrnn": version,
        "data": fingerprint(plan.panel),
        "h": origins.h,
        "n_windows": origins.n_windows,
        "step_size": origins.step_size,
        "gap": origins.gap,
        "train_size": origins.train_size,
        "refit": plan.refit,
        "quantiles": list(plan.quantiles),
        **({} if origins.sample_size is None else {"sample": origins.sample_size}),
        "models": {
            name: {key: recognisable(value) for key, value in parameters.items() if key not in WITHOUT_EFFECT}
            for name, parameters in models.items()
        },
    }


def _check_same(path: Path, held: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise ParameterError if a folder is of another backtest."""
    different = [key for key in {**held, **wanted} if held.get(key) != wanted.get(key)]
    if not different:
        return
    told = []
    for key in different[:5]:
        if key == "data":
            told.append("the data")
        elif key == "models":
            told.append(f"the models ({_differences(held.get(key), wanted[key])})")
        elif key == "quantiles":
            told.append(f"level (quantiles {held.get(key)}; now {wanted[key]})")
        else:
            told.append(f"{key} ({held.get(key)}; now {wanted.get(key)})")
    raise ParameterError(f"{path}: belongs to another backtest, which differs in {', '.join(told)}. {CURE}")


def _differences(held: Any, wanted: Mapping[str, Any]) -> str:
    """Name the models that were and are now, or what differs in one that is there both times.

    >>> _differences({"Theta": {}, "ETS": {"n": 1}}, {"Drift": {}, "ETS": {"n": 2}})
    'Theta, ETS; now Drift, ETS; ETS with n 1, now 2'
    >>> _differences({"ETS": {"n": 1}}, {"ETS": {"n": 1, "log": True}})
    'ETS with log unset, now True'
    """
    held = held if isinstance(held, Mapping) else {}
    parts = []
    if list(held) != list(wanted):
        parts = [", ".join(list(held)[:5]) or "none", f"now {', '.join(list(wanted)[:5])}"]
    for name, given in wanted.items():
        before = held.get(name)
        if isinstance(before, Mapping) and before != given:
            changed = [key for key in {**before, **given} if before.get(key, _UNSET) != given.get(key, _UNSET)]
            shown = [
                f"{key} {_short(before.get(key, _UNSET))}, now {_short(given.get(key, _UNSET))}" for key in changed
            ]
            parts.append(f"{name} with {'; '.join(shown[:3])}")
    return "; ".join(parts[:5])


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
