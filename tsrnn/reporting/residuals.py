"""Figures of residuals, what happened minus what was forecast: their bias, distribution and autocorrelation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tsrnn.errors import ParameterError
from tsrnn.reporting.colours import MUTED, model_colour, model_dash, neutral_band
from tsrnn.reporting.drawing import level_line, model_line, new_figure, rounded, upright
from tsrnn.reporting.parts import model_names, plain_text

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

# Beyond these the ends of a distribution are so thin that they would squeeze the rest together.
SHOWN = (0.005, 0.995)
MOST_BINS = 41


def bias_figure(result: BacktestResult) -> go.Figure:
    """Draw each model's mean residual against how far ahead it forecasts; above 0, its forecasts are too low.

    Raises
    ------
    ParameterError
        If there are no residuals.
    """
    table = result.residuals.by_step
    _require(table.get("bias"))
    figure = new_figure("Bias by step ahead")
    figure.add_shape(level_line(0, dash="solid", color=MUTED[0]))
    stride = int(np.ceil(table["step"].nunique() / 600))
    for index, name in enumerate(model_names(result)):
        mine = table[table["model"] == name].sort_values("step").iloc[::stride]
        figure.add_trace(model_line(name, index, mine["step"].tolist(), mine["bias"], "%{y:+.3f}"))
    figure.update_xaxes(title_text="steps ahead", rangemode="tozero" if table["step"].max() > 1 else "normal")
    figure.update_yaxes(title_text="mean residual", zeroline=False)
    figure.update_layout(hovermode="x unified", hoverdistance=-1, height=340)
    return figure


def residual_figure(result: BacktestResult) -> go.Figure:
    """Draw how the residuals of each model are distributed: the share of them in each of some bins.

    The outermost half per cent at either end, over all models, is not drawn.

    Raises
    ------
    ParameterError
        If there are no residuals.
    """
    table = result.residuals.sample
    _require(table.get("residual"))
    names = model_names(result)
    edges = residual_bins(table["residual"].to_numpy(), len(table) // len(names))
    figure = new_figure("Distribution of the residuals")
    figure.add_shape(upright(0, dash="solid", color=MUTED[0]))
    middles = (edges[:-1] + edges[1:]) / 2
    for index, name in enumerate(names):
        mine = table.loc[table["model"] == name, "residual"].to_numpy()
        shares = np.histogram(mine, edges)[0] / max(len(mine), 1) * 100
        figure.add_trace(
            go.Scatter(
                x=rounded(middles),
                y=rounded(shares),
                name=plain_text(name),
                mode="lines",
                line={"color": model_colour(index), "width": 2, "dash": model_dash(index), "shape": "hvh"},
                hovertemplate="%{y:.1f} %",
            )
        )
    figure.update_xaxes(title_text="residual, in units of MASE", range=[edges[0], edges[-1]], hoverformat=".2f")
    figure.update_yaxes(title_text="share of residuals", ticksuffix=" %", rangemode="tozero")
    figure.update_layout(hovermode="x unified", hoverdistance=-1, height=340)
    return figure


def residual_bins(values: np.ndarray, n: int) -> np.ndarray:
    """Return the edges of equally wide bins, one of them around 0, so that exact forecasts show as a peak there.

    Parameters
    ----------
    values : ndarray
        The residuals of all models.
    n : int
        How many one model has; there are about as many bins as its root.

    >>> edges = residual_bins(np.linspace(-1, 1, 101), 101)
    >>> len(edges), np.diff(edges).round(2)[0]
    (12, np.float64(0.18))
    """
    low = float(np.quantile(values, SHOWN[0], method="lower"))
    high = float(np.quantile(values, SHOWN[1], method="higher"))
    reach = high - low
    if reach == 0:
        reach = max(abs(low), 1.0)
    width = reach / min(max(int(np.sqrt(n)), 11), MOST_BINS)
    first, last = np.floor(low / width + 0.5), np.ceil(high / width - 0.5)
    edges: np.ndarray = (np.arange(first, last + 2) - 0.5) * width
    return edges


def autocorrelation_figure(result: BacktestResult) -> go.Figure:
    """Draw how the first residuals after a cutoff correlate with those after later cutoffs.

    Inside the grey band, chance is enough to explain them; where models differ in its width, the widest is drawn.

    Raises
    ------
    ParameterError
        If there are too few cutoffs for any lag.
    """
    table = result.residuals.autocorrelation
    if not len(table):
        raise ParameterError("No autocorrelation to draw: it takes eight pairs of forecasts from different cutoffs.")
    figure = new_figure("Autocorrelation from cutoff to cutoff")
    reach = table.groupby("lag")["reach"].max()
    # The band goes on to either side of the first and last lag, so that a single one has a band too.
    lags = reach.index.to_numpy(dtype=float)
    step = float(np.diff(lags).min()) if len(lags) > 1 else lags[0]
    x = [lags[0] - 0.4 * step, *lags, lags[-1] + 0.4 * step]
    upper = rounded([reach.iloc[0], *reach, reach.iloc[-1]])
    lower = [None if end is None else -end for end in upper]
    figure.add_trace(
        go.Scatter(
            x=rounded([*x, *x[::-1]]),
            y=upper + lower[::-1],
            fill="toself",
            fillcolor=neutral_band(),
            line={"width": 0, "color": MUTED[0]},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.add_shape(level_line(0, dash="solid", color=MUTED[0]))
    for index, name in enumerate(model_names(result)):
        mine = table[table["model"] == name]
        figure.add_trace(model_line(name, index, mine["lag"].tolist(), mine["autocorrelation"], "%{y:+.2f}"))
    figure.update_xaxes(title_text="steps between the cutoffs", tickvals=_ticks(reach.index))
    size = max(1.0 if table["autocorrelation"].abs().max() > 0.6 else 0.65, float(reach.max()) * 1.1)
    figure.update_yaxes(title_text="autocorrelation", range=[-min(size, 1.05), min(size, 1.05)])
    figure.update_layout(hovermode="x unified", hoverdistance=-1, height=340)
    return figure


def _ticks(lags: pd.Index) -> list[int]:
    """Return up to a dozen of the lags, evenly spread."""
    return [int(lag) for lag in lags[:: int(np.ceil(len(lags) / 12))]]


def _require(values: pd.Series | None) -> None:
    if values is None or not values.notna().any():
        raise ParameterError(
            "No residuals to draw: every series is constant over a season before the first cutoff. Look at "
            "`leaderboard`."
        )
