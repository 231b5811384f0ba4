"""Figures of calibration: do the intervals and the quantiles hold what they promise?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tsrnn.errors import ParameterError
from tsrnn.reporting.colours import MUTED, SURFACE, model_colour
from tsrnn.reporting.drawing import above_mark, model_line, name_rows, new_figure, rounded, upright
from tsrnn.reporting.parts import model_names

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult


def reliable_models(result: BacktestResult) -> list[str]:
    """Return the models that gave quantiles beside the median."""
    table = result.by_quantile
    beside = table[(table["quantile"] != 0.5) & table["below"].notna()]
    return [name for name in model_names(result) if name in set(beside["model"])]


def reliability_figure(result: BacktestResult) -> go.Figure:
    """Draw how much of what happened lay below each quantile, against how much should have.

    Raises
    ------
    ParameterError
        If no model gave quantiles.
    """
    names = reliable_models(result)
    if not names:
        raise ParameterError("No quantiles to draw: the models gave points only. Look at `leaderboard`.")
    figure = new_figure("Share of what happened below each quantile")
    line = {"color": MUTED[0], "width": 1, "dash": "solid"}
    figure.add_shape({"type": "line", "x0": 0, "y0": 0, "x1": 100, "y1": 100, "line": line, "layer": "below"})
    for name in names:
        mine = result.by_quantile[result.by_quantile["model"] == name].dropna(subset="below").sort_values("quantile")
        promised = [round(100 * quantile, 4) for quantile in mine["quantile"]]
        figure.add_trace(
            model_line(name, model_names(result).index(name), promised, mine["below"] * 100, "%{y:.1f} % below")
        )
    ticks = {"range": [-2, 102], "dtick": 20, "ticksuffix": " %", "showgrid": True}
    figure.update_xaxes(title_text="the quantile promises", hoverformat=".4~g", **ticks)
    figure.update_yaxes(title_text="found", **ticks)
    figure.update_layout(hovermode="x unified", hoverdistance=-1)
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
    figure = new_figure("Coverage of the intervals: promised and found")
    lowest = 100.0
    for order, level in enumerate(levels):
        found = [float(board.loc[name, f"coverage_{level:g}"]) * 100 for name in names]
        lowest = min(lowest, level, *(share for share in found if np.isfinite(share)))
        figure.add_shape(upright(level, dash="solid", color=MUTED[0]))
        figure.add_annotation(above_mark(level, f"{level:g} %"))
        figure.add_trace(_coverage_links(found, level))
        figure.add_trace(
            go.Scatter(
                x=rounded(found),
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
    name_rows(figure, names)
    figure.update_xaxes(range=[max(np.floor(lowest / 10 - 0.5) * 10, 0), 101], ticksuffix=" %", showgrid=True)
    figure.update_xaxes(title_text="inside the interval")
    figure.update_layout(showlegend=False, height=150 + 46 * len(names), margin={"t": 70})
    return figure


def _coverage_links(found: Sequence[float], level: float) -> go.Scatter:
    x: list[float | None] = []
    y: list[int | None] = []
    for row, share in enumerate(found):
        if np.isfinite(share):
            x, y = [*x, level, share, None], [*y, row, row, None]
    return go.Scatter(x=x, y=y, mode="lines", line={"color": MUTED[0], "width": 2}, hoverinfo="skip", showlegend=False)
