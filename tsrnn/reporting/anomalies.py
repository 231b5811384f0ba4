"""Figure and page of detected anomalies."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from tsrnn.anomaly.events import COLUMNS, merged_runs
from tsrnn.errors import ColumnError, ParameterError
from tsrnn.naming import counted, examples, some_of
from tsrnn.reporting.colours import INK, MUTED, RULE, SURFACE, model_colour
from tsrnn.reporting.page import POLICY, write_page
from tsrnn.reporting.parts import plain_text, plot_times, time_labels

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from tsrnn.data.panel import Bools

# Rows that a page draws of all series together, besides anomalies; of more, extremes are kept. Next to the 4.8 MB of
# plotly's script they take .7 MB.
MOST_ROWS, FEWEST_ROWS = 6_000, 600
# Series and events that a page shows.
MOST_SERIES, MOST_EVENTS = 20, 500
AROUND = 10


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
    if not isinstance(detections, pd.DataFrame):
        raise ParameterError(f"Expected the table that `detect` returns, not {type(detections).__name__}.")
    missing = [name for name in COLUMNS if name not in detections.columns]
    if missing:
        raise ColumnError(f"The table has no column {', '.join(missing)}. Expected what `detect` returns.")
    known = detections["unique_id"].unique()
    name = known[0] if unique_id is None else unique_id
    rows = detections[detections["unique_id"] == name]
    if not len(rows):
        raise ColumnError(f"There is no series {name!r}. Expected one of {len(known)}: {examples(known)}.")
    kept = rows[_shown(rows, most_rows)]
    title = plain_text(name, 60)
    if len(kept) < len(rows):
        title += f" ({some_of(len(kept), len(rows), 'row')} drawn: all near anomalies, extremes of the others)"
    times = plot_times(kept["ds"])
    colour = model_colour(0)
    figure = go.Figure()
    band = {"x": times, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_trace(go.Scatter(y=kept["lower"], **band))
    figure.add_trace(go.Scatter(**{**band, "y": kept["upper"], "fill": "tonexty", "fillcolor": "rgba(0,114,178,0.18)"}))
    line = {"x": times, "mode": "lines"}
    figure.add_trace(
        go.Scatter(y=kept["expected"], name="expected", line={"color": colour, "width": 1, "dash": "dot"}, **line)
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
            hovertemplate="%{y:,.6~r}, p = %{customdata:.2g}<extra>anomalous</extra>",
        )
    )
    figure.update_layout(
        title={"text": title, "x": 0, "font": {"size": 15}},
        template="plotly_white",
        font={"color": INK[0]},
        paper_bgcolor=SURFACE[0],
        plot_bgcolor=SURFACE[0],
        margin={"l": 60, "r": 20, "t": 60, "b": 40},
        height=420,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        hovermode="x unified",
    )
    figure.update_xaxes(gridcolor=RULE[0], rangeslider={"visible": True, "thickness": 0.08})
    figure.update_yaxes(gridcolor=RULE[0], fixedrange=False, tickfont={"color": MUTED[0]})
    return figure


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


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 1.5rem; color: {ink};
  background: {surface}; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid {rule}; }}
td.number, th.number {{ text-align: right; }}
td.time {{ white-space: nowrap; }}
.scroll {{ overflow: auto; max-height: 24rem; }}
.scroll tr:first-child th {{ position: sticky; top: 0; background: {surface}; }}
</style><script>{script}</script></head><body>
<h1>{title}</h1>
<p>{summary}</p>
<h2>Events</h2>
{events}
<h2>Series</h2>
{figures}
</body></html>
"""


def write_anomaly_page(
    detections: pd.DataFrame, events: pd.DataFrame, path: str | os.PathLike[str], title: str = "Anomalies"
) -> Path:
    """Write detections as one HTML page that opens without a network: a list of events, and a figure per series.

    Parameters
    ----------
    detections, events : DataFrame
        What `AnomalyDetector.detect` and `events` return.
    path : path-like
        The file, which is replaced as a whole or not at all.
    title : str

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ColumnError
        If the tables are not those of a detector.
    ParameterError
        If the folder of `path` does not exist, or `path` is itself a folder.
    DataError
        If the file cannot be written for another reason.
    """
    seen = detections["unique_id"][detections["y"].notna()]  # a series without any value has nothing to draw
    named = list(dict.fromkeys([*events["unique_id"], *seen.unique()]))
    drawn = named[:MOST_SERIES]
    figures = []
    most_rows = max(FEWEST_ROWS, MOST_ROWS // max(len(drawn), 1))
    for i, name in enumerate(drawn):
        html = anomaly_figure(detections, name, most_rows).to_html(
            full_html=False, include_plotlyjs=False, div_id=f"series-{i}", config={"displaylogo": False}
        )
        figures.append(f"<section>{html}</section>")
    page = _PAGE.format(
        policy=escape(POLICY),
        title=escape(title),
        ink=INK[0],
        surface=SURFACE[0],
        rule=RULE[0],
        script=get_plotlyjs(),
        summary=escape(_summary(detections, events, len(named), len(drawn))),
        events=_event_table(events),
        figures="\n".join(figures),
    )
    return write_page(page, path)


def _summary(detections: pd.DataFrame, events: pd.DataFrame, n_series: int, n_drawn: int) -> str:
    judged = int(detections["p_value"].notna().sum())
    found = int(detections["is_anomaly"].sum())
    where = f"{counted(len(events), 'event')} in {counted(n_series, 'series')}"
    said = f"{where}: {some_of(found, judged, 'judged row', 'is', 'are')} anomalous."
    if n_drawn < n_series:
        said += f" The figures show {counted(n_drawn, 'series')}, those with events first."
    if len(events) > MOST_EVENTS:
        said += f" The list shows the {MOST_EVENTS} events with the highest scores."
    return said


def _event_table(events: pd.DataFrame) -> str:
    if not len(events):
        return "<p>None.</p>"
    shown = events if len(events) <= MOST_EVENTS else events.nlargest(MOST_EVENTS, "score").sort_index()
    labels = {name: time_labels(shown[name]) for name in ("start", "end")}
    head = ("series", "start", "end", "kind", "rows", "observed", "expected", "score", "p-value")
    kinds = ("text", "time", "time", "text", *("number",) * 5)
    cells = [_row("th", head, kinds)]
    for i, row in enumerate(shown.itertuples(index=False)):
        numbers = (f"{row.rows:,}", f"{row.y:,.5g}", f"{row.expected:,.5g}", f"{row.score:.3g}", f"{row.p_value:.2g}")
        cells.append(_row("td", (row.unique_id, labels["start"][i], labels["end"][i], row.kind, *numbers), kinds))
    return f'<div class="scroll"><table>{"".join(cells)}</table></div>'


def _row(tag: str, values: Sequence[Any], kinds: Sequence[str]) -> str:
    """Return a row of the table; what is of one kind is aligned alike, heads and cells."""
    pairs = zip(values, kinds, strict=True)
    return "<tr>" + "".join(f'<{tag} class="{kind}">{escape(str(value))}</{tag}>' for value, kind in pairs) + "</tr>"
