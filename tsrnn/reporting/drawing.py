"""What the figures have in common: their look, their lines and their marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from tsrnn.reporting.colours import INK, MUTED, RULE, SURFACE, model_colour, model_dash
from tsrnn.reporting.parts import plain_text

# Six significant digits, thousands separated, never an exponent for everyday sizes.
NUMBER = ",.6~r"
MOST_POINTS = 300
MOST_MARKERS = 40


def new_figure(title: str) -> go.Figure:
    """Return an empty figure in the colours of a light page."""
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


def upright(x: Any, *, dash: str, color: str) -> dict[str, Any]:
    """Return a shape: an upright line over the whole height."""
    line = {"color": color, "width": 1, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}


def level_line(y: Any, *, dash: str, color: str) -> dict[str, Any]:
    """Return a shape: a level line over the whole width."""
    line = {"color": color, "width": 1, "dash": dash}
    return {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": y, "y1": y, "line": line, "layer": "below"}


def above_mark(x: Any, text: str) -> dict[str, Any]:
    """Return an annotation: a word above an upright line."""
    font = {"size": 12, "color": MUTED[0]}
    return {"x": x, "y": 1, "yref": "paper", "yanchor": "bottom", "text": text, "showarrow": False, "font": font}


def model_line(name: str, index: int, x: list[Any], y: Any, hover: str = "%{y:.3f}") -> go.Scatter:
    """Return a model's line in its colour and dash, with markers where they can be told apart."""
    return go.Scatter(
        x=x,
        y=rounded(y),
        name=plain_text(name),
        mode="lines+markers" if len(x) <= MOST_MARKERS else "lines",
        line={"color": model_colour(index), "width": 2.2, "dash": model_dash(index)},
        marker={"size": 6, "color": model_colour(index)},
        hovertemplate=hover,
    )


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Label rows by number: two long names that are shortened to the same words stay two rows."""
    rows = list(range(len(names)))
    labels = [plain_text(name) for name in names]
    figure.update_yaxes(
        tickmode="array", tickvals=rows, ticktext=labels, range=[len(names) - 0.4, -0.6], showgrid=False,
        tickfont={"color": INK[0], "size": 14},
    )  # fmt: skip


def rounded(values: Any) -> list[float | None]:
    """Return numbers with seven significant digits, None where there is none (JSON has no NaN)."""
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=float)]
