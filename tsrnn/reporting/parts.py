"""What figures and page both take from a backtest: models, columns, times and one forecast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.errors import ColumnError, ParameterError
from tsrnn.naming import counted, examples

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

LONGEST_NAME = 28
# Longer names may take several lines of a table.
LONGEST_LINE = 24
MOST_CONTEXT = 400


def check_result(result: Any, other: str = "") -> None:
    """Raise ParameterError for what is no backtest's result, such as a table of forecasts."""
    if not hasattr(result, "leaderboard"):
        raise ParameterError(f"Expected the result of tsrnn.backtest(){other}, not {type(result).__name__}.")


def model_names(result: BacktestResult) -> list[str]:
    """Return the models in the order in which they were given, which fixes their colours."""
    return [str(name) for name in result.by_step["model"].unique()]


def series_names(result: BacktestResult) -> list[Any]:
    """Return the series that were forecast, in the order of the table."""
    return list(pd.unique(result.by_series["unique_id"]))


def levels_of(result: BacktestResult, model: str) -> list[float]:
    """Return the levels for which this model gave intervals."""
    mine = result.leaderboard[result.leaderboard["model"] == model]
    return [level for level in result.levels if mine[f"coverage_{level:g}"].notna().any()]


def shortened(name: Any, longest: int) -> str:
    """Return a name without its middle where it is too long: names of many series often differ at their ends.

    >>> shortened("product 17 in the northern region", 20)
    'product 1…ern region'
    """
    words = str(name)
    head = (longest - 1) // 2
    return words if len(words) <= longest else f"{words[:head].rstrip()}…{words[head + 1 - longest :]}"


def name_cell(name: Any, content: str) -> str:
    """Return the first cell of a table's row, which has the whole name where a pointer rests on it.

    Parameters
    ----------
    name : Any
    content : str
        HTML; a long one wraps.
    """
    words = str(name)
    kind = ' class="name"' if len(words) > LONGEST_LINE else ""
    return f'<th scope="row"{kind} title="{escape(words)}">{content}</th>'


def plain_text(text: Any, longest: int | None = LONGEST_NAME) -> str:
    """Return text that plotly shows as it stands.

    Plotly reads a subset of HTML (`<b>`, `<a href>`) and entities in names, titles and tick labels; a name from
    the data must not become markup. It is shortened first, because cutting an entity in two would show its rest.

    >>> plain_text("a<b> & co")
    'a&lt;b&gt; &amp; co'
    """
    words = str(text)
    if longest is not None and len(words) > longest:
        words = words[: longest - 1] + "…"
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plot_times(times: Any) -> pd.Series:
    """Return time stamps as a figure shows them: wall-clock time without a zone, or the numbers as they are."""
    values = pd.Series(times).reset_index(drop=True)
    if isinstance(values.dtype, pd.PeriodDtype):
        return values.dt.to_timestamp()
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_localize(None)
    return values


def time_labels(times: Any) -> list[Any]:
    """Return time stamps as short strings ("2024-03-01", "2024-03-01 13:30"), or as numbers.

    >>> time_labels(pd.to_datetime(["2024-03-01", "2024-03-02"]))
    ['2024-03-01', '2024-03-02']
    >>> time_labels(pd.date_range("2024-03-01 13:30:05", periods=2, freq="50ms"))
    ['2024-03-01 13:30:05.000', '2024-03-01 13:30:05.050']
    """
    values = plot_times(times)
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        return list(values.tolist())
    if (values == values.dt.normalize()).all():
        return list(values.dt.strftime("%Y-%m-%d"))
    finest = next((step for step in ("min", "s", "ms") if (values == values.dt.floor(step)).all()), "us")
    labels = values.dt.strftime("%Y-%m-%d %H:%M" + {"min": "", "s": ":%S"}.get(finest, ":%S.%f"))
    return list(labels.str[:-3] if finest == "ms" else labels)


def context_rows(result: BacktestResult) -> int:
    """Return how many observed rows to draw before a cutoff: enough to see the season, not so many as to hide h."""
    h = int(result.by_step["step"].max())
    data = result.config.get("data")
    season = int(data.get("season_length") or 1) if isinstance(data, dict) else 1
    return int(np.clip(max(3 * h, 3 * season), 24, max(MOST_CONTEXT, 2 * h)))


@dataclass(frozen=True)
class OneForecast:
    """The forecast of one series from one cutoff.

    Parameters
    ----------
    unique_id, cutoff : Any
        As in the forecasts table.
    rows : DataFrame
        Its rows of the forecasts table, by step.
    before : DataFrame
        The observed rows up to the cutoff: ds, y.
    """

    unique_id: Any
    cutoff: Any
    rows: pd.DataFrame
    before: pd.DataFrame


def one_forecast(result: BacktestResult, unique_id: Any = None, cutoff: Any = None) -> OneForecast:
    """Pick one forecast; by default the first series and its last cutoff.

    Raises
    ------
    ColumnError
        If the series is not in the backtest.
    ParameterError
        If nothing was forecast from this cutoff.
    """
    known = series_names(result)
    unique_id = known[0] if unique_id is None else unique_id
    mine = result.forecasts_of([unique_id])
    if mine.empty:
        raise ColumnError(f"No series {unique_id!r} among the {len(known)} of this backtest: {_quoted(known)}.")
    cutoffs = mine["cutoff"].drop_duplicates().sort_values()
    cutoff = cutoffs.iloc[-1] if cutoff is None else _as_time(cutoff, cutoffs)
    rows = mine[mine["cutoff"] == cutoff].sort_values("step")
    if rows.empty:
        labels = time_labels(cutoffs)
        raise ParameterError(
            f"cutoff={cutoff}: series {unique_id!r} was forecast from {counted(len(cutoffs), 'cutoff')}, {labels[0]} "
            f"to {labels[-1]}. Choose one of {_quoted(labels)}."
        )
    seen = result.observations_of([unique_id])
    seen = seen[seen["ds"] <= cutoff]
    return OneForecast(unique_id, cutoff, rows, seen.sort_values("ds")[["ds", "y"]].tail(context_rows(result)))


def _quoted(names: Iterable[Any]) -> str:
    return examples(names, lambda name: repr(str(name)))


def chosen_models(result: BacktestResult, models: str | Sequence[str] | None) -> list[str]:
    """Return the models to draw, in the order of the backtest.

    Raises
    ------
    ColumnError
        If one of them was not in the backtest.
    """
    known = model_names(result)
    wanted = known if models is None else [models] if isinstance(models, str) else list(models)
    missing = [name for name in wanted if name not in known]
    if missing:
        raise ColumnError(f"No model {_quoted(missing)} in this backtest; it compared {_quoted(known)}.")
    return [name for name in known if name in wanted]


def _as_time(value: Any, column: pd.Series) -> Any:
    """Read a cutoff in the kind of time that the column holds."""
    dtype = column.dtype
    if isinstance(dtype, pd.PeriodDtype):
        return value if isinstance(value, pd.Period) else pd.Period(value, freq=dtype.freq)
    if not pd.api.types.is_datetime64_any_dtype(dtype):
        return value
    stamp = pd.Timestamp(value)
    zone = getattr(dtype, "tz", None)
    if zone is None:
        return stamp
    return stamp.tz_localize(zone) if stamp.tz is None else stamp.tz_convert(zone)
