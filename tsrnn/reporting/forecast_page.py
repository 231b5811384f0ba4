"""The page of a forecast: every series' past and what may follow, in one HTML file that opens without a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tsrnn
from tsrnn.data.answers import long_forecasts
from tsrnn.data.panel import Floats, Panel
from tsrnn.data.spans import panel_facts
from tsrnn.errors import ParameterError
from tsrnn.evaluation.result import BacktestResult
from tsrnn.naming import counted, some_of
from tsrnn.reporting.ahead import as_backtest
from tsrnn.reporting.embedding import MOST_SERIES, Choice, choose, embed
from tsrnn.reporting.figures import forecast_figure
from tsrnn.reporting.page import Drawing, Section, page_html, write_page
from tsrnn.reporting.parts import levels_of, name_cell, shortened, time_labels
from tsrnn.reporting.sections import configuration, describe_data, lead, notes_list
from tsrnn.reporting.tables import heading, scrolled, swatch

MOST_TABLE_ROWS = 400
LONGEST_OPTION = 60
SEED = 0


def write_forecast_page(
    panel: Panel,
    values: Floats,
    quantiles: Sequence[float],
    path: str | os.PathLike[str],
    *,
    title: str = "Forecast",
    name: str = "forecast",
    levels: Sequence[float] = (80,),
    summary: str = "",
    notes: Sequence[str] = (),
    command: str = "",
) -> Path:
    """Write forecasts after the last row of every series as one self-contained HTML page.

    Parameters
    ----------
    panel : Panel
        The series, whose ends are shown before the forecasts.
    values : ndarray of shape (n_series, h, Q), original units
    quantiles : sequence of float, Q of them
        With .5, and what `levels` need.
    path : path-like
        The file, which is replaced as a whole or not at all.
    title, name : str
        Of the page, and of the model.
    levels : sequence of float, in percent
        Intervals that can be chosen in the page.
    summary, notes, command
        What the model chose, what is worth knowing, and how the page was made.

    Returns
    -------
    Path

    Raises
    ------
    ParameterError
        If the folder of `path` does not exist, `path` is itself a folder, or no series has a value.
    DataError
        If the file cannot be written for another reason.
    """
    drawn = np.flatnonzero(np.any(np.isfinite(values).all(axis=2), axis=1))
    n = len(drawn)
    if not n:
        raise ParameterError("No series has a forecast, so there is nothing to draw.")
    data = panel_facts(panel)
    if n > MOST_SERIES:
        drawn = np.sort(np.random.default_rng(SEED).choice(drawn, MOST_SERIES, replace=False))
    if n < panel.n_series or n > MOST_SERIES:
        panel, values = panel.take(drawn), values[drawn]
    table = long_forecasts(panel, panel.last_cutoffs(), values, quantiles, levels=levels, name=name)
    result = as_backtest(panel, table, name, levels, data)
    choice = _choose(result, n)
    described = "The last observed values, and the forecasts after them with an interval"
    drawing = Drawing("forecast", forecast_figure(result, choice.ids[0]), described)
    left_out = lead(choice.sentence) if choice.sentence else ""
    told = {"command": command, "chosen": {name: summary} if summary else {}, "tsrnn": tsrnn.__version__}
    sections = [
        Section("forecasts", "Forecasts", left_out + _controls(result, choice, name), (drawing,)),
        Section("data", "The data", describe_data(data)),
        Section("numbers", "The numbers", _numbers(table, choice)),
        *([Section("notes", "Notes", notes_list(notes))] if notes else []),
        Section("repeat", "To repeat this", configuration(told)),
    ]
    sentence = f"{counted(n, 'series')}, {counted(values.shape[1], 'step')} ahead, by {name}"
    head = f'<p class="verdict">{escape(sentence)}</p>'
    page = page_html(title, head, sections, f"tsrnn {tsrnn.__version__}", embed(result, choice))
    return write_page(page, path)


def _choose(result: BacktestResult, n: int) -> Choice:
    """Choose what the page holds, and say what of the n series it leaves out."""
    choice = choose(result, seed=SEED)
    left_out = []
    if len(choice.ids) < n:
        left_out.append(f"{some_of(len(choice.ids), n, 'series')}, drawn at random with seed {SEED}")
    if choice.stride > 1:
        left_out.append(f"every {choice.stride}th step")
    said = f"To keep this page small, it holds {' and '.join(left_out)}. The table of forecasts has all."
    return replace(choice, sentence=said if left_out else "")


def _controls(result: BacktestResult, choice: Choice, name: str) -> str:
    """Return the choosers of series and interval; what only a backtest has is there for the script, unseen."""
    series = "".join(
        f'<option value="{k}">{escape(shortened(one, LONGEST_OPTION))}</option>' for k, one in enumerate(choice.ids)
    )
    bands = "".join(f'<option value="0/{level:g}">{level:g} %</option>' for level in levels_of(result, name))
    return (
        '<div class="controls">'
        f'<div class="field"><label for="series">Series</label><select id="series">{series}</select></div>'
        '<div class="field"><label for="interval">Interval</label>'
        f'<select id="interval"><option value="">none</option>{bands}</select></div></div>'
        '<p class="caption" id="caption" aria-live="polite"></p>'
        f'<ul class="legend"><li>{swatch(0)}{escape(name)}</li></ul>'
        '<div hidden><select id="cutoff" tabindex="-1"></select><button type="button" id="earlier"></button>'
        '<button type="button" id="later"></button><label><input type="checkbox" id="model-0" checked></label>'
        '<span id="error-0"></span></div>'
    )


def _numbers(table: pd.DataFrame, choice: Choice) -> str:
    """Return the forecasts as a table, for readers who do not see the figure."""
    columns = [column for column in table.columns if column not in ("cutoff", "step", "y")]
    wanted = table[table["unique_id"].isin(choice.ids)]
    rows = wanted[columns].iloc[:MOST_TABLE_ROWS]
    shown = rows.assign(ds=time_labels(rows["ds"]))
    lines = [
        f"<tr>{name_cell(row[0], escape(shortened(row[0], LONGEST_OPTION)))}<td>{escape(str(row[1]))}</td>"
        + "".join(f"<td>{_number(value)}</td>" for value in row[2:])
        + "</tr>"
        for row in shown.itertuples(index=False)
    ]
    heads = "".join(heading(name) for name in ("Series", "Time", *columns[2:]))
    first = lead(f"The first {some_of(len(rows), len(table), 'row')}.") if len(rows) < len(table) else ""
    return first + scrolled(heads, lines, "Forecasts", tall=len(rows) > 10)


def _number(value: Any) -> str:
    return f"{float(value):,.6g}" if abs(float(value)) >= 1e-4 else f"{float(value):.3g}"
