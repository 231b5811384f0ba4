"""Figure and page of detected anomalies."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

import tsrnn
from tsrnn.anomaly.events import COLUMNS, EVENT_COLUMNS, merged_runs
from tsrnn.errors import ColumnError, ParameterError
from tsrnn.naming import counted, examples, some_of
from tsrnn.reporting.colours import INK, RULE, SURFACE, band_colour, model_colour
from tsrnn.reporting.drawing import NUMBER, new_figure
from tsrnn.reporting.page import Drawing, Section, page_html, write_page
from tsrnn.reporting.parts import name_cell, plain_text, plot_times, time_labels
from tsrnn.reporting.sections import configuration, describe_data, lead, notes_list
from tsrnn.reporting.tables import OBSERVED_LINE, heading, mark, scrolled, short, swatch

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from tsrnn.data.panel import Bools

# Rows that a page draws of all series together, besides anomalies; of more, extremes are kept. Next to the 4.8 MB of
# plotly's script they take .7 MB.
MOST_ROWS, FEWEST_ROWS = 6_000, 600
# Series and events that a page shows.
MOST_SERIES, MOST_EVENTS = 20, 500
# Rows before and after an anomaly that are drawn whatever they are, and shown with an event.
AROUND = 24


def anomaly_figure(detections: pd.DataFrame, unique_id: Any = None, most_rows: int = MOST_ROWS) -> go.Figure:
    """Draw one series, what had been expected of it, and where it is anomalous.

    Parameters
    ----------
    detections : DataFrame
        What `AnomalyDetector.detect` returns.
    unique_id : optional
        Which series; the first by default.
    most_rows : int
        Of more rows the extremes of short stretches are drawn, and everything around anomalies; the title says so.

    Returns
    -------
    plotly.graph_objects.Figure
        In original units; it can be zoomed.

    Raises
    ------
    ColumnError
        If the table is none of detections, or has no such series.
    ParameterError
        If it is no table.
    """
    _check_table(detections, COLUMNS, "detect")
    known = detections["unique_id"].unique()
    name = known[0] if unique_id is None else unique_id
    rows = detections[detections["unique_id"] == name]
    if not len(rows):
        raise ColumnError(f"There is no series {name!r}. Expected one of {len(known)}: {examples(known)}.")
    kept = rows[_shown(rows, most_rows)]
    title = plain_text(name, 60)
    if len(kept) < len(rows):
        title += f" ({_drawn(len(kept), len(rows))})"
    times = plot_times(kept["ds"])
    figure = new_figure(title)
    band = {"x": times, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_trace(go.Scatter(y=kept["lower"], **band))
    figure.add_trace(go.Scatter(y=kept["upper"], fill="tonexty", fillcolor=band_colour(0), **band))
    line = {"x": times, "mode": "lines", "hovertemplate": f"%{{y:{NUMBER}}}"}
    figure.add_trace(
        go.Scatter(y=kept["expected"], name="expected", line={"color": model_colour(0), "width": 1.6}, **line)
    )
    figure.add_trace(go.Scatter(y=kept["y"], name="observed", line={"color": INK[0], "width": 1.2}, **line))
    found = kept["is_anomaly"].to_numpy(dtype=bool)
    figure.add_trace(
        go.Scatter(
            x=times[found],
            y=kept["y"][found],
            name="anomalous",
            mode="markers",
            marker={"color": model_colour(1), "size": 7, "symbol": "x"},
            customdata=kept["p_value"][found],
            hovertemplate=f"%{{y:{NUMBER}}}, p = %{{customdata:.2g}}<extra>anomalous</extra>",
        )
    )
    figure.update_layout(legend={"y": 1.02, "yanchor": "bottom"}, margin={"t": 76}, hovermode="x unified")
    slider = {"visible": True, "thickness": 0.08, "bgcolor": SURFACE[0], "bordercolor": RULE[0], "borderwidth": 1}
    figure.update_xaxes(rangeslider=slider)
    figure.update_yaxes(fixedrange=False)
    return figure


def _check_table(table: object, columns: Sequence[str], method: str) -> None:
    if not isinstance(table, pd.DataFrame):
        raise ParameterError(f"Expected the table that `{method}` returns, not {type(table).__name__}.")
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ColumnError(f"The table has no column {', '.join(missing)}. Expected what `{method}` returns.")


def _drawn(rows: int, of: int) -> str:
    return f"{some_of(rows, of, 'row')} drawn: all near anomalies, extremes of the others"


def _shown(rows: pd.DataFrame, most_rows: int) -> Bools:
    """Mark the rows to draw: all around anomalies, and of as many stretches as there is room for the extremes."""
    n = len(rows)
    if n <= most_rows:
        return np.ones(n, np.bool_)
    shown = np.zeros(n, np.bool_)
    found = rows["is_anomaly"].to_numpy(dtype=bool)
    starts, ends = merged_runs(found, 0)
    for edge in (*starts, *ends):
        shown[max(edge - AROUND, 0) : edge + AROUND + 1] = True
    # Four extremes of each stretch: of the values, and of the expected range.
    length = -(-4 * n // most_rows)
    stretches = -(-n // length)
    for name, sign in (("y", 1), ("y", -1), ("upper", 1), ("lower", -1)):
        padded = np.full(stretches * length, -np.inf)
        padded[:n] = np.nan_to_num(sign * rows[name].to_numpy(dtype=float), nan=-np.inf)
        highest = padded.reshape(stretches, length).argmax(1) + length * np.arange(stretches)
        shown[np.minimum(highest, n - 1)] = True
    # A gap stays one: its first row interrupts the line.
    missing = rows["y"].isna().to_numpy(dtype=bool)
    shown[np.flatnonzero(missing & ~np.roll(missing, 1))] = True
    shown[found] = True
    return shown


def write_anomaly_page(
    detections: pd.DataFrame,
    events: pd.DataFrame,
    path: str | os.PathLike[str],
    title: str = "Anomalies",
    *,
    notes: Sequence[str] = (),
    command: str = "",
) -> Path:
    """Write detections as one HTML page that opens without a network: a list of events, and a figure per series.

    Parameters
    ----------
    detections, events : DataFrame
        What `AnomalyDetector.detect` and `events` return.
    path : path-like
        The file, which is replaced as a whole or not at all.
    title : str
    notes, command
        What is worth knowing, and how the page was made.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ColumnError
        If the tables are not those of a detector.
    ParameterError
        If they are no tables, the folder of `path` does not exist, or `path` is itself a folder.
    DataError
        If the file cannot be written for another reason.
    """
    _check_table(detections, COLUMNS, "detect")
    _check_table(events, EVENT_COLUMNS, "events")
    seen = detections["unique_id"][detections["y"].notna()]  # a series without any value has nothing to draw
    named = list(dict.fromkeys([*events["unique_id"], *seen.unique()]))
    drawn = {name: f"series-{i}" for i, name in enumerate(named[:MOST_SERIES])}
    most_rows = max(FEWEST_ROWS, MOST_ROWS // max(len(drawn), 1))
    told = {"command": command, "tsrnn": tsrnn.__version__}
    # First, since it refuses events of series that are not among the detections.
    drawings = tuple(_drawings(detections, drawn, most_rows))
    sections = [
        Section("events", "Events", _events(detections, events, drawn)),
        Section("series", "Series", _left_out(named, drawn), drawings),
        Section("data", "The data", _facts(detections, len(named))),
        *([Section("notes", "Notes", notes_list(notes))] if notes else []),
        *([Section("repeat", "To repeat this", configuration(told))] if command else []),
    ]
    head = f'<p class="verdict">{escape(_summary(detections, events, len(named)))}</p>'
    return write_page(page_html(title, head, sections, f"tsrnn {tsrnn.__version__}"), path)


def _summary(detections: pd.DataFrame, events: pd.DataFrame, n_series: int) -> str:
    judged = int(detections["p_value"].notna().sum())
    found = int(detections["is_anomaly"].sum())
    where = f"{counted(len(events), 'event')} in {counted(n_series, 'series')}"
    return f"{where}: {some_of(found, judged, 'judged row', 'is', 'are')} anomalous."


def _facts(detections: pd.DataFrame, n_series: int) -> str:
    observed = int(detections["y"].notna().sum())
    data: dict[str, Any] = {"rows": len(detections), "observed": observed, "series": n_series}
    if len(detections):
        ends = plot_times(detections["ds"].iloc[[detections["ds"].argmin(), detections["ds"].argmax()]])
        data["span"] = tuple(time_labels(ends))
    return describe_data(data)


def _left_out(named: Sequence[Any], drawn: Collection[Any]) -> str:
    if len(drawn) == len(named):
        return ""
    return lead(f"{some_of(len(drawn), len(named), 'series')}, those with events first.")


def _drawings(detections: pd.DataFrame, drawn: Mapping[Any, str], most_rows: int) -> Iterator[Drawing]:
    """Return a figure of each series, with its name and a legend above it."""
    cross = '<path d="M9 1 L17 9 M17 1 L9 9" style="stroke:var(--model-1);stroke-width:3"/>'
    shown = {
        "observed": mark(OBSERVED_LINE),
        "expected, and its interval": swatch(0),
        "anomalous": mark(cross),
    }
    legend = "".join(f"<li>{symbol}{words}</li>" for words, symbol in shown.items())
    for name, key in drawn.items():
        figure = anomaly_figure(detections, name, most_rows)
        above = f'<h3>{escape(short(name))}</h3><ul class="legend">{legend}</ul>'
        rows = len(figure.data[-2].x), int((detections["unique_id"] == name).sum())
        below = f'<p class="small lead">{escape(_drawn(*rows))}</p>' if rows[0] < rows[1] else ""
        described = f"{name}: what was observed, what had been expected, and the anomalous rows"
        yield Drawing(key, figure, described, above, below)


def _events(detections: pd.DataFrame, events: pd.DataFrame, drawn: Mapping[Any, str]) -> str:
    """Return the list of events; the start of each shows it in the figure of its series."""
    if not len(events):
        return lead("None.")
    shown = events if len(events) <= MOST_EVENTS else events.nlargest(MOST_EVENTS, "score").sort_index()
    times = {name: rows["ds"] for name, rows in detections.groupby("unique_id", sort=False, observed=True)}
    starts, ends = (time_labels(shown[name]) for name in ("start", "end"))
    rows = []
    for event, start, end in zip(shown.itertuples(index=False), starts, ends, strict=True):
        name, key = event.unique_id, drawn.get(event.unique_id)
        start = escape(str(start))
        if key is not None:
            around = escape(json.dumps(_around(times[name], event)))
            start = f'<button type="button" class="table-link" data-zoom="{key}" data-range="{around}">{start}</button>'
        cells = "".join(f'<td class="text time">{text}</td>' for text in (start, escape(str(end))))
        cells += f'<td class="text">{escape(event.kind)}</td>'
        numbers = (event.rows, event.y, event.expected, f"{event.score:.3g}", f"{event.p_value:.2g}")
        cells += "".join(f"<td>{n if isinstance(n, str) else f'{n:,.6g}'}</td>" for n in numbers)
        rows.append(f"<tr>{name_cell(name, escape(short(name)))}{cells}</tr>")
    heads = heading("Series")
    heads += "".join(heading(word, text=True) for word in ("Start", "End", "Kind"))
    heads += "".join(heading(word) for word in ("Rows", "Observed", "Expected", "Score", "p-value"))
    said = "The start of an event shows it in the figure of its series."
    if len(shown) < len(events):
        said = f"The {MOST_EVENTS} events with the highest scores. {said}"
    return lead(said) + scrolled(heads, rows, "Events", tall=len(rows) > 10)


def _around(times: pd.Series, event: Any) -> list[Any]:
    """Return from where to where a figure shows an event: the rows around it, as many as it has if it is long."""
    first, last = (int(times.searchsorted(time)) for time in (event.start, event.end))
    room = max(AROUND, event.rows)
    return time_labels(times.iloc[[max(first - room, 0), min(last + room, len(times) - 1)]])
