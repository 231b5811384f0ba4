"""Figures of a text generator: how its perplexity fell, and what its state follows in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from sklearn.utils.validation import check_is_fitted

from tsrnn.errors import DataError, ParameterError
from tsrnn.naming import counted, some_of
from tsrnn.reporting.colours import INK, MUTED, RULE, SURFACE, model_colour, model_dash
from tsrnn.reporting.drawing import new_figure
from tsrnn.reporting.parts import plain_text

if TYPE_CHECKING:
    from tsrnn.sequences.text_generator import TextGenerator

# A picture of a text shows so many tokens; more cannot be read.
MOST_TOKENS, LINE_LENGTH = 2000, 72


def perplexity_figure(model: TextGenerator) -> go.Figure:
    """Draw how a text generator's perplexity fell during training, beside that of an n-gram model.

    Parameters
    ----------
    model : TextGenerator
        Fitted.

    Returns
    -------
    plotly.graph_objects.Figure
        Perplexity on a logarithmic axis against passes over the text; a mark where the kept weights were.

    Raises
    ------
    DataError
        If training ended before its first validation.
    """
    check_is_fitted(model, "network_")
    table = model.history_
    if table.empty:
        raise DataError("There is nothing to draw: training ended before its first validation.")
    figure = new_figure("Perplexity during training")
    unit = "character" if model.tokens == "char" else "token"
    losses = {"training part": table["train_loss"], "held-back part": table["validation_loss"]}
    for index, (name, loss) in enumerate(losses.items()):
        if loss.isna().all():
            continue
        figure.add_trace(
            go.Scatter(
                x=table["epoch"], y=np.exp(loss), name=name, mode="lines", meta={"role": "perplexity"},
                line={"color": model_colour(index), "width": 2, "dash": model_dash(index)},
                hovertemplate="%{y:.3f} after %{x:.2f} epochs",
            )
        )  # fmt: skip
    kept = table[table["step"] == model.best_step_]
    if model.validation_score_ is not None and len(kept):
        figure.add_trace(
            go.Scatter(
                x=kept["epoch"], y=kept["perplexity"], name="kept", mode="markers", meta={"role": "kept"},
                marker={"color": model_colour(1), "size": 9}, hovertemplate="%{y:.3f} after %{x:.2f} epochs",
            )
        )  # fmt: skip
    if model.baseline_score_ is not None:
        figure.add_hline(
            y=model.baseline_score_.perplexity, line={"color": MUTED[0], "width": 1, "dash": "dot"},
            annotation={"text": "n-grams, held-back part", "font": {"color": MUTED[0]}},
        )  # fmt: skip
    figure.update_xaxes(title_text="passes over the text", rangemode="tozero")
    figure.update_yaxes(title_text=f"perplexity per {unit}", type="log", dtick="D2")
    return figure


def state_figure(tokens: Sequence[str], values: npt.ArrayLike, title: str = "What the state follows") -> go.Figure:
    """Write a text with each token on a ground whose colour is a number, for example of the network's state.

    Parameters
    ----------
    tokens : sequence of str
        For characters, the text itself.
    values : array of shape (n_tokens,)
        Finite. Blue is below 0, orange above.
    title : str

    Returns
    -------
    plotly.graph_objects.Figure
        Lines end where the text's do, or where they are full.

    Raises
    ------
    ParameterError
        If there are as many numbers not as tokens, more tokens than can be read, or numbers that are not finite.
    """
    shades = np.asarray(values, dtype=np.float64)
    if shades.shape != (len(tokens),) or not 0 < len(tokens) <= MOST_TOKENS:
        raise ParameterError(
            f"values of shape {shades.shape} for {counted(len(tokens), 'token')}: expected one number for each of 1 to "
            f"{MOST_TOKENS:,} tokens."
        )
    if not np.isfinite(shades).all():
        raise ParameterError(
            f"{some_of((~np.isfinite(shades)).sum(), len(shades), 'value', 'is no finite number', 'are not finite')}."
        )
    places = _places(tokens)
    width = 1 + max(column + len(token) - 1 for (_, column), token in zip(places, tokens, strict=True))
    grid = np.full((places[-1][0] + 1, width), np.nan)
    for (row, column), token, value in zip(places, tokens, shades, strict=True):
        grid[row, column : column + len(token)] = value
    figure = new_figure(plain_text(title))
    largest = float(np.abs(shades).max()) or 1.0
    figure.add_trace(
        go.Heatmap(
            z=grid, zmin=-largest, zmax=largest, meta={"role": "state"}, hoverongaps=False,
            hovertemplate="%{z:.2f}<extra></extra>", colorbar={"thickness": 10, "outlinewidth": 0},
            colorscale=[[0, "#7db8dd"], [0.5, SURFACE[0]], [1, "#f2a36b"]],
        )
    )  # fmt: skip
    figure.add_trace(_letters(places, tokens))
    bare: dict[str, Any] = {"showgrid": False, "showticklabels": False, "ticks": "", "showline": False}
    figure.update_xaxes(**bare, range=[-0.5, width - 0.5])
    figure.update_yaxes(**bare, range=[len(grid) - 0.5, -0.5], linecolor=RULE[0])
    return figure.update_layout(height=90 + 20 * len(grid), showlegend=False)


def _letters(places: list[tuple[int, int]], tokens: Sequence[str]) -> go.Scatter:
    shown = [
        (row, column + offset, letter)
        for (row, column), token in zip(places, tokens, strict=True)
        for offset, letter in enumerate(token)
        if not letter.isspace()
    ]
    return go.Scatter(
        x=[column for _, column, _ in shown],
        y=[row for row, _, _ in shown],
        text=[plain_text(letter) for _, _, letter in shown],
        mode="text",
        textfont={"family": "ui-monospace, monospace", "size": 12, "color": INK[0]},
        hoverinfo="skip",
        meta={"role": "letters"},
    )


def _places(tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Return the row and column where each token begins; it stays on its row, and the next one has room."""
    places, row, column = [], 0, 0
    for token in tokens:
        if column > 0 and column + len(token) > LINE_LENGTH:
            row, column = row + 1, 0
        places.append((row, column))
        column += len(token)
        if "\n" in token:
            row, column = row + 1, 0
    return places
