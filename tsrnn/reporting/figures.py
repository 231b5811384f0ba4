"""Figures of a backtest; each is a plotly Figure that works in a notebook and in the report alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tsrnn.data.answers import interval_names
from tsrnn.errors import ParameterError
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.naming import counted
from tsrnn.reporting.ahead import look_ahead
from tsrnn.reporting.colours import INK, MUTED, band_colour, model_colour, model_dash
from tsrnn.reporting.drawing import (
    MOST_MARKERS,
    MOST_POINTS,
    NUMBER,
    above_mark,
    model_line,
    name_rows,
    new_figure,
    rounded,
    upright,
)
from tsrnn.reporting.parts import (
    OneForecast,
    check_result,
    chosen_models,
    levels_of,
    model_names,
    one_forecast,
    plain_text,
    plot_times,
    time_labels,
)

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

MOST_DUELS = 1_000


def forecast_figure(
    result: BacktestResult | ForecastModel,
    unique_id: Any = None,
    cutoff: Any = None,
    models: str | Sequence[str] | None = None,
    level: float | None = None,
    h: int | None = None,
) -> go.Figure:
    """Draw one series before a cutoff, what the models forecast after it, and what happened.

    Parameters
    ----------
    result : BacktestResult or fitted model
        Of a model what follows the fitted rows is drawn, as `predict` forecasts it.
    unique_id : optional
        Which series; the first by default.
    cutoff : optional
        From where; the last cutoff of the series by default.
    models : str or sequence of str, optional
        Which models; all by default.
    level : float, optional
        Which prediction interval to shade, in percent; the first of the backtest by default, of a model 80. It is drawn
        for one model, the best of those shown, because bands on top of each other cannot be read.
    h : int, optional
        Of a model: how many steps; as many as `predict` answers by default.

    Returns
    -------
    plotly.graph_objects.Figure
        In original units. Each forecast line is a median and starts at the last observed value.

    Raises
    ------
    ColumnError
        If a series or model is not in the backtest.
    ParameterError
        If the cutoff or the level is not, or neither a backtest nor a model is given.
    """
    if isinstance(result, ForecastModel):
        figure = forecast_figure(look_ahead(result, h, unique_id, level), None, cutoff, models, level)
        figure.data = tuple(trace for trace in figure.data if trace.meta["role"] != "after")  # nothing happened yet
        return figure
    if h is not None:
        raise ParameterError(f"h={h!r}: a backtest has its own horizon; leave h out.")
    check_result(result, " or a fitted model, such as Forecaster().fit(df)")
    shown = chosen_models(result, models)
    if level is not None and level not in result.levels:
        levels = ", ".join(f"{known:g}" for known in result.levels) or "none"
        raise ParameterError(f"level={level!r}: the backtest made these intervals, in percent: {levels}.")
    forecast = one_forecast(result, unique_id, cutoff)
    banded = [name for name in result.leaderboard["model"] if name in shown and levels_of(result, name)]
    band = banded[0] if banded else None
    if band is not None and level is None:
        level = levels_of(result, band)[0]
    figure = new_figure(f"{plain_text(forecast.unique_id, 60)}, forecast from {time_labels([forecast.cutoff])[0]}")
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
    check_result(result)
    _require_errors(result.by_step)
    figure = new_figure("Error by step ahead")
    stride = int(np.ceil(result.by_step["step"].max() / (2 * MOST_POINTS)))
    for index, name in enumerate(model_names(result)):
        mine = result.by_step[result.by_step["model"] == name].sort_values("step").iloc[::stride]
        figure.add_trace(model_line(name, index, mine["step"].tolist(), mine["mase"]))
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
    figure = new_figure("Error by cutoff")
    size = int(np.ceil(result.by_cutoff["cutoff"].nunique() / MOST_POINTS))
    for index, name in enumerate(model_names(result)):
        mine = result.by_cutoff[result.by_cutoff["model"] == name].sort_values("cutoff")
        groups = mine["mase"].groupby(np.arange(len(mine)) // size).mean()
        figure.add_trace(model_line(name, index, time_labels(mine["cutoff"].iloc[::size]), groups))
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
            f"{counted(judged, 'series')} with a MASE: counting who wins needs two or more. Look at `leaderboard`."
        )
    shares = win_shares(result) * 100
    figure = new_figure("Share of series on which a model is best")
    figure.add_trace(
        go.Bar(
            x=shares.round(2).tolist(),
            y=list(range(len(shares))),
            orientation="h",
            marker={"color": [model_colour(i) for i in range(len(shares))]},
            text=[f"{share:.0f} %" for share in shares],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x:.1f} % of " + f"{counted(judged, 'series')}<extra></extra>",
        )
    )
    name_rows(figure, list(shares.index))
    figure.update_xaxes(range=[0, min(max(shares.max() * 1.2, 10), 118)], ticksuffix=" %")
    figure.update_layout(showlegend=False, height=110 + 46 * len(shares), bargap=0.4)
    return figure


def duel_figure(result: BacktestResult, seed: int = 0) -> go.Figure:
    """Draw every series by its MASE with the reference of the verdict and with the judged model.

    Below the diagonal the judged model is better. Of more than 1,000 series, as many drawn at random are shown.

    Raises
    ------
    ParameterError
        If there is no verdict, or fewer than two series have a MASE with both models.
    """
    pairs = duels(result)
    if result.verdict is None or len(pairs) < 2:
        raise ParameterError(
            f"{counted(len(pairs), 'series')} with a MASE of two models: drawing them takes two or more. Look at "
            "`leaderboard`."
        )
    if len(pairs) > MOST_DUELS:
        pairs = pairs.sample(MOST_DUELS, random_state=seed)
    x, y = pairs["reference"].to_numpy(), pairs["model"].to_numpy()
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    wide = low > 0 and high / low > 5
    ends = [low / 1.15, high * 1.15] if wide else [max(low - 0.08 * (high - low), 0), high + 0.08 * (high - low)]
    title = plain_text(result.verdict.model), plain_text(result.verdict.reference)
    figure = new_figure("MASE of each series")
    line = {"color": MUTED[0], "width": 1}
    figure.add_trace(go.Scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    figure.add_trace(
        go.Scatter(
            x=rounded(x),
            y=rounded(y),
            mode="markers",
            marker={"color": model_colour(model_names(result).index(result.verdict.model)), "size": 7, "opacity": 0.6},
            text=[plain_text(name) for name in pairs.index],
            hovertemplate="%{text}: %{y:.3f} against %{x:.3f}<extra></extra>",
            showlegend=False,
        )
    )
    scale = {"type": "log", "range": [float(np.log10(end)) for end in ends], "dtick": "D2"} if wide else {"range": ends}
    figure.update_xaxes(title_text=f"MASE of {title[1]}", showgrid=True, tickformat=".3~g", **scale)
    figure.update_yaxes(title_text=f"MASE of {title[0]}", tickformat=".3~g", **scale)
    return figure


def duels(result: BacktestResult) -> pd.DataFrame:
    """Return the MASE of each series with the judged model and its reference: columns model and reference."""
    if result.verdict is None:
        return pd.DataFrame({"model": [], "reference": []})
    table = result.by_series.set_index("unique_id")
    sides = {"model": result.verdict.model, "reference": result.verdict.reference}
    columns = {side: table.loc[table["model"] == name, "mase"] for side, name in sides.items()}
    return pd.DataFrame(columns).dropna()


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
    figure = new_figure("Loss while training")
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
                    y=rounded(curve[column]),
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


def _start(forecast: OneForecast) -> tuple[list[Any], list[float | None]]:
    """Return the last row before the cutoff if it was observed, so that a forecast line starts there."""
    last = forecast.before.tail(1)
    return (time_labels(last["ds"]), rounded(last["y"])) if last["y"].notna().all() else ([], [])


def _band(forecast: OneForecast, name: str, index: int, level: float) -> go.Scatter:
    low, high = interval_names(name, level)
    rows = forecast.rows[forecast.rows[low].notna() & forecast.rows[high].notna()]
    start, value = _start(forecast)
    times = start + time_labels(rows["ds"])
    lower, upper = value + rounded(rows[low]), value + rounded(rows[high])
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
    times, values = time_labels(forecast.rows["ds"]), rounded(forecast.rows[name])
    hover, custom = f"%{{y:{NUMBER}}}", None
    if level is not None:
        low, high = (rounded(forecast.rows[column]) for column in interval_names(name, level))
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
                y=rounded(rows["y"]),
                name=name,
                mode=mode,
                line={"color": INK[0], "width": 1.6},
                marker={"size": 5, "color": INK[0]},
                hovertemplate=f"%{{y:{NUMBER}}}",
                meta={"role": role},
            )
        )
    figure.add_shape(upright(cutoff, dash="dot", color=MUTED[0]))
    figure.add_annotation(above_mark(cutoff, "cutoff"))
    if pd.api.types.is_datetime64_any_dtype(plot_times(forecast.rows["ds"]).dtype):
        figure.update_xaxes(type="date")


def _finish_errors(figure: go.Figure) -> go.Figure:
    figure.update_yaxes(title_text="MASE", rangemode="tozero")
    figure.update_layout(hovermode="x unified", hoverdistance=-1)
    return figure


def _require_errors(table: pd.DataFrame) -> None:
    if not table["mase"].notna().any():
        raise ParameterError(
            "No MASE to draw: every series is constant over a season before the first cutoff. Look at `leaderboard`."
        )
