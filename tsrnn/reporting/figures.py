"""Figures of a backtest; each is a plotly Figure that works in a notebook and in the report alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tsrnn.errors import ParameterError
from tsrnn.reporting.colours import INK, MUTED, RULE, SURFACE, band_colour, model_colour, model_dash
from tsrnn.reporting.parts import (
    OneForecast,
    chosen_models,
    interval_columns_of,
    levels_of,
    model_names,
    one_forecast,
    plain_text,
    plot_times,
    time_labels,
)

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

# Six significant digits, thousands separated, never an exponent for everyday sizes.
NUMBER = ",.6~r"
MOST_POINTS = 300
MOST_MARKERS = 40


def forecast_figure(
    result: BacktestResult,
    unique_id: Any = None,
    cutoff: Any = None,
    models: str | Sequence[str] | None = None,
    level: float | None = None,
) -> go.Figure:
    """Draw one series before a cutoff, what the models forecast after it, and what happened.

    Parameters
    ----------
    result : BacktestResult
    unique_id : optional
        Which series; the first by default.
    cutoff : optional
        From where; the last cutoff of the series by default.
    models : str or sequence of str, optional
        Which models; all by default.
    level : float, optional
        Which prediction interval to shade, in percent; the first of the backtest by default. It is drawn for one
        model, the best of those shown, because bands on top of each other cannot be read.

    Returns
    -------
    plotly.graph_objects.Figure
        In original units. Each forecast line is a median and starts at the last observed value.

    Raises
    ------
    ColumnError
        If a series or model is not in the backtest.
    ParameterError
        If the cutoff or the level is not.
    """
    shown = chosen_models(result, models)
    if level is not None and level not in result.levels:
        levels = ", ".join(f"{known:g}" for known in result.levels) or "none"
        raise ParameterError(f"level={level!r}: the backtest made these intervals, in percent: {levels}.")
    forecast = one_forecast(result, unique_id, cutoff)
    banded = [name for name in result.leaderboard["model"] if name in shown and levels_of(result, name)]
    band = banded[0] if banded else None
    if band is not None and level is None:
        level = levels_of(result, band)[0]
    figure = _figure(f"{plain_text(forecast.unique_id, 60)}, forecast from {time_labels([forecast.cutoff])[0]}")
    everyone = model_names(result)
    if band is not None and level is not None:
        figure.add_trace(_band(forecast, band, everyone.index(band), level))
    for name in [*(name for name in shown if name != band), *([band] if band else [])]:
        figure.add_trace(_median(forecast, name, everyone.index(name), level if name == band else None))
    _add_observed(figure, forecast)
    figure.update_layout(hovermode="x unified", hoverdistance=-1)
    return figure


def error_by_step_figure(result: BacktestResult) -> go.Figure:
    """Draw each model's MASE against how far ahead it forecasts.

    Raises
    ------
    ParameterError
        If no MASE is defined.
    """
    _require_errors(result.by_step)
    figure = _figure("Error by step ahead")
    stride = int(np.ceil(result.by_step["step"].max() / (2 * MOST_POINTS)))
    for index, name in enumerate(model_names(result)):
        mine = result.by_step[result.by_step["model"] == name].sort_values("step").iloc[::stride]
        figure.add_trace(_error_line(name, index, mine["step"].tolist(), mine["mase"]))
    figure.update_xaxes(title_text="steps ahead", rangemode="tozero" if result.by_step["step"].max() > 1 else "normal")
    return _finish_errors(figure)


def error_by_cutoff_figure(result: BacktestResult) -> go.Figure:
    """Draw each model's MASE against the cutoff from which it forecast.

    With more than 300 cutoffs, each point is the mean over several consecutive ones, and the axis says so.

    Raises
    ------
    ParameterError
        If no MASE is defined.
    """
    _require_errors(result.by_cutoff)
    figure = _figure("Error by cutoff")
    size = int(np.ceil(result.by_cutoff["cutoff"].nunique() / MOST_POINTS))
    for index, name in enumerate(model_names(result)):
        mine = result.by_cutoff[result.by_cutoff["model"] == name].sort_values("cutoff")
        groups = mine["mase"].groupby(np.arange(len(mine)) // size).mean()
        figure.add_trace(_error_line(name, index, time_labels(mine["cutoff"].iloc[::size]), groups))
    label = "cutoff" if size == 1 else f"cutoff (each point is the mean over {size} of them)"
    figure.update_xaxes(title_text=label)
    return _finish_errors(figure)


def win_shares(result: BacktestResult) -> pd.Series:
    """Return, per model, the share of series on which it has the lowest MASE; a tie is shared out.

    Returns
    -------
    Series of float in [0, 1], indexed by model in the order of the backtest
        All 0 where no series has a MASE.
    """
    table = result.by_series.pivot_table(index="unique_id", columns="model", values="mase", observed=True)
    table = table.reindex(columns=model_names(result)).dropna(how="all")
    lowest = table.eq(table.min(axis=1), axis=0)
    return lowest.div(lowest.sum(axis=1), axis=0).sum() / max(len(table), 1)


def wins_figure(result: BacktestResult) -> go.Figure:
    """Draw on which share of the series each model has the lowest MASE.

    Raises
    ------
    ParameterError
        If fewer than two series have a MASE.
    """
    judged = result.by_series.loc[result.by_series["mase"].notna(), "unique_id"].nunique()
    if judged < 2:
        raise ParameterError(
            f"{judged} series with a MASE: counting who wins needs two or more. Look at `leaderboard`."
        )
    shares = win_shares(result) * 100
    figure = _figure("Share of series on which a model is best")
    figure.add_trace(
        go.Bar(
            x=shares.round(2).tolist(),
            y=list(range(len(shares))),
            orientation="h",
            marker={"color": [model_colour(i) for i in range(len(shares))]},
            text=[f"{share:.0f} %" for share in shares],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x:.1f} % of " + f"{judged} series<extra></extra>",
        )
    )
    _name_rows(figure, list(shares.index))
    figure.update_xaxes(range=[0, min(max(shares.max() * 1.2, 10), 118)], ticksuffix=" %")
    figure.update_layout(showlegend=False, height=110 + 46 * len(shares), bargap=0.4)
    return figure


def calibration_figure(result: BacktestResult) -> go.Figure:
    """Draw how many observations each model's intervals held, next to how many they should have held.

    Raises
    ------
    ParameterError
        If the backtest made no intervals.
    """
    board = result.leaderboard.set_index("model")
    levels = [
        level for level in result.levels if board.get(f"coverage_{level:g}", pd.Series(dtype=float)).notna().any()
    ]
    if not levels:
        raise ParameterError("No coverage to draw: the backtest made no intervals. Run it with level=(80, 95).")
    names = model_names(result)
    figure = _figure("Coverage of the intervals: promised and found")
    lowest = 100.0
    for order, level in enumerate(levels):
        found = [float(board.loc[name, f"coverage_{level:g}"]) * 100 for name in names]
        lowest = min(lowest, level, *(share for share in found if np.isfinite(share)))
        figure.add_shape(_upright(level, dash="solid", color=MUTED[0]))
        figure.add_annotation(_above(level, f"{level:g} %"))
        figure.add_trace(_coverage_links(found, level))
        figure.add_trace(
            go.Scatter(
                x=_rounded(found),
                y=list(range(len(names))),
                mode="markers",
                name=f"{level:g} % interval",
                marker={
                    "color": [model_colour(i) for i in range(len(names))],
                    "size": 13,
                    "symbol": ("circle", "diamond", "square", "triangle-up")[order % 4],
                    "line": {"color": SURFACE[0], "width": 1.5},
                },
                cliponaxis=False,
                hovertemplate=f"{level:g} % intervals held %{{x:.1f}} % of what happened<extra></extra>",
            )
        )
    _name_rows(figure, names)
    figure.update_xaxes(range=[max(np.floor(lowest / 10 - 0.5) * 10, 0), 101], ticksuffix=" %", showgrid=True)
    figure.update_xaxes(title_text="inside the interval")
    figure.update_layout(showlegend=False, height=150 + 46 * len(names), margin={"t": 70})
    return figure


def loss_figure(result: BacktestResult) -> go.Figure:
    """Draw training and validation loss of each network against the training step.

    Raises
    ------
    ParameterError
        If no model kept a loss history.
    """
    names = [name for name in model_names(result) if len(result.history.get(name, ()))]
    if not names:
        raise ParameterError("No loss curve to draw: none of the models is a network that kept its `history_`.")
    figure = _figure("Loss while training")
    drawn = []
    for name in names:
        index = model_names(result).index(name)
        table = result.history[name]
        for column, words, dash, width in (
            ("train_loss", "training", "dot", 1.4),
            ("validation_loss", "held back", "solid", 2.2),
        ):
            curve = table[["step", column]].dropna()
            if curve.empty:
                continue
            curve = curve.iloc[:: int(np.ceil(len(curve) / MOST_POINTS))]
            drawn.append(curve[column])
            figure.add_trace(
                go.Scatter(
                    x=curve["step"].tolist(),
                    y=_rounded(curve[column]),
                    name=f"{plain_text(name)}, {words}",
                    mode="lines" if len(curve) > 1 else "markers",
                    line={"color": model_colour(index), "width": width, "dash": dash},
                    hovertemplate="%{y:.4~r}",
                )
            )
    every = pd.concat(drawn)
    wide = every.min() > 0 and every.max() / every.min() > 20
    figure.update_yaxes(title_text="loss", type="log" if wide else "linear")
    figure.update_xaxes(title_text="training step")
    figure.update_layout(hovermode="x unified", hoverdistance=-1)
    return figure


def _figure(title: str) -> go.Figure:
    axis = {
        "gridcolor": RULE[0], "zeroline": False, "linecolor": RULE[0], "automargin": True, "ticks": "outside",
        "tickcolor": RULE[0], "title": {"standoff": 10, "font": {"size": 13}},
    }  # fmt: skip
    return go.Figure(
        layout={
            "template": "none",
            "title": {"text": title, "x": 0, "xref": "paper", "font": {"size": 16, "color": INK[0]}},
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": MUTED[0]},
            "paper_bgcolor": SURFACE[0],
            "plot_bgcolor": SURFACE[0],
            "xaxis": axis | {"showgrid": False, "showline": True},
            "yaxis": axis | {"ticks": ""},
            "legend": {"orientation": "h", "x": 0, "y": -0.18, "yanchor": "top", "traceorder": "normal"},
            "hoverlabel": {"namelength": -1, "bgcolor": SURFACE[0], "bordercolor": RULE[0], "font": {"color": INK[0]}},
            "margin": {"l": 8, "r": 16, "t": 48, "b": 8},
            "height": 420,
        }
    )


def _upright(x: Any, *, dash: str, color: str) -> dict[str, Any]:
    line = {"color": color, "width": 1, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}


def _above(x: Any, text: str) -> dict[str, Any]:
    font = {"size": 12, "color": MUTED[0]}
    return {"x": x, "y": 1, "yref": "paper", "yanchor": "bottom", "text": text, "showarrow": False, "font": font}


def _start(forecast: OneForecast) -> tuple[list[Any], list[float | None]]:
    """Return the last row before the cutoff if it was observed, so that a forecast line starts there."""
    last = forecast.before.tail(1)
    return (time_labels(last["ds"]), _rounded(last["y"])) if last["y"].notna().all() else ([], [])


def _band(forecast: OneForecast, name: str, index: int, level: float) -> go.Scatter:
    low, high = interval_columns_of(name, level)
    rows = forecast.rows[forecast.rows[low].notna() & forecast.rows[high].notna()]
    start, value = _start(forecast)
    times = start + time_labels(rows["ds"])
    lower, upper = value + _rounded(rows[low]), value + _rounded(rows[high])
    return go.Scatter(
        x=times + times[::-1],
        y=upper + lower[::-1],
        fill="toself",
        fillcolor=band_colour(index),
        line={"width": 0, "color": model_colour(index)},
        mode="lines",
        hoverinfo="skip",
        name=f"{plain_text(name)}, {level:g} % interval",
        meta={"role": "band", "model": index},
    )


def _median(forecast: OneForecast, name: str, index: int, level: float | None) -> go.Scatter:
    start, value = _start(forecast)
    times, values = time_labels(forecast.rows["ds"]), _rounded(forecast.rows[name])
    hover, custom = f"%{{y:{NUMBER}}}", None
    if level is not None:
        low, high = (_rounded(forecast.rows[column]) for column in interval_columns_of(name, level))
        custom = [[end, end] for end in value] + [list(ends) for ends in zip(low, high, strict=True)]
        hover += f" ({level:g} %: %{{customdata[0]:{NUMBER}}} to %{{customdata[1]:{NUMBER}}})"
    return go.Scatter(
        x=start + times,
        y=value + values,
        customdata=custom,
        mode="lines",
        name=plain_text(name),
        line={"color": model_colour(index), "width": 2.2, "dash": model_dash(index)},
        hovertemplate=hover,
        meta={"role": "median", "model": index},
    )


def _add_observed(figure: go.Figure, forecast: OneForecast) -> None:
    cutoff = time_labels([forecast.cutoff])[0]
    after = forecast.rows
    for role, name, rows, mode in (
        ("before", "observed", forecast.before, "lines"),
        ("after", "what happened", after, "lines+markers" if len(after) <= MOST_MARKERS else "lines"),
    ):
        figure.add_trace(
            go.Scatter(
                x=time_labels(rows["ds"]),
                y=_rounded(rows["y"]),
                name=name,
                mode=mode,
                line={"color": INK[0], "width": 1.6},
                marker={"size": 5, "color": INK[0]},
                hovertemplate=f"%{{y:{NUMBER}}}",
                meta={"role": role},
            )
        )
    figure.add_shape(_upright(cutoff, dash="dot", color=MUTED[0]))
    figure.add_annotation(_above(cutoff, "cutoff"))
    if pd.api.types.is_datetime64_any_dtype(plot_times(forecast.rows["ds"]).dtype):
        figure.update_xaxes(type="date")


def _error_line(name: str, index: int, x: list[Any], mase: Any) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=_rounded(mase),
        name=plain_text(name),
        mode="lines+markers" if len(x) <= MOST_MARKERS else "lines",
        line={"color": model_colour(index), "width": 2.2, "dash": model_dash(index)},
        marker={"size": 6, "color": model_colour(index)},
        hovertemplate="%{y:.3f}",
    )


def _finish_errors(figure: go.Figure) -> go.Figure:
    figure.update_yaxes(title_text="MASE", rangemode="tozero")
    figure.update_layout(hovermode="x unified", hoverdistance=-1)
    return figure


def _require_errors(table: pd.DataFrame) -> None:
    if not table["mase"].notna().any():
        raise ParameterError(
            "No MASE to draw: every series is constant over a season before the first cutoff. Look at `leaderboard`."
        )


def _coverage_links(found: Sequence[float], level: float) -> go.Scatter:
    x: list[float | None] = []
    y: list[int | None] = []
    for row, share in enumerate(found):
        if np.isfinite(share):
            x, y = [*x, level, share, None], [*y, row, row, None]
    return go.Scatter(x=x, y=y, mode="lines", line={"color": MUTED[0], "width": 2}, hoverinfo="skip", showlegend=False)


def _name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Label rows by number: two long names that are shortened to the same words stay two rows."""
    rows = list(range(len(names)))
    labels = [plain_text(name) for name in names]
    figure.update_yaxes(
        tickmode="array", tickvals=rows, ticktext=labels, range=[len(names) - 0.4, -0.6], showgrid=False,
        tickfont={"color": INK[0], "size": 14},
    )  # fmt: skip


def _rounded(values: Any) -> list[float | None]:
    """Return numbers with seven significant digits, None where there is none (JSON has no NaN)."""
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=float)]
