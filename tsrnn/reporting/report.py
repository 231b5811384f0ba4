"""The report of a backtest: one HTML page that opens without a network."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from tsrnn.errors import ParameterError
from tsrnn.reporting.colours import style_variables
from tsrnn.reporting.embedding import choose, embed
from tsrnn.reporting.figures import (
    calibration_figure,
    error_by_cutoff_figure,
    error_by_step_figure,
    forecast_figure,
    loss_figure,
    win_shares,
    wins_figure,
)
from tsrnn.reporting.parts import levels_of, model_names
from tsrnn.reporting.sections import (
    configuration,
    data_facts,
    forecast_controls,
    headline,
    leaderboard_table,
    legend,
    notes_list,
    series_table,
    strategies,
    timing_table,
)

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

# The page may run its own script and style and nothing else, and may load nothing from anywhere.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class _Section:
    key: str
    heading: str
    html: str
    figure: go.Figure | None = None
    described: str = ""


def write_report(result: BacktestResult, path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Write a backtest as one self-contained HTML page.

    The page holds plotly's script and the data of its figures, needs no network, and stays under 6 MB: forecasts of
    at most 50 series are in it (the worst, the best and a random sample; the page says which), the scores are of all.

    Parameters
    ----------
    result : BacktestResult
    path : path-like
        The file, which is replaced as a whole or not at all.
    title : str, optional
        By default "Backtest of tsrnn, ARIMA, ...".

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ParameterError
        If the folder of `path` does not exist, or `path` is itself a folder.
    """
    target = Path(path)
    if target.is_dir() or not target.parent.is_dir():
        wrong = "is a folder" if target.is_dir() else f"lies in a folder that does not exist: {target.parent}"
        raise ParameterError(f"path={str(path)!r} {wrong}. Give the name of an HTML file in an existing folder.")
    # A lone surrogate, as from a badly decoded file, has no UTF-8; it is shown as "?" rather than losing the page.
    page = report_html(result, title).encode("utf-8", errors="replace")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(page)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def report_html(result: BacktestResult, title: str | None = None) -> str:
    """Return the page as text."""
    if title is None:
        title = "Backtest of " + ", ".join(model_names(result))
    choice = choose(result)
    sections = _sections(result)
    forecasts = _Section(
        "forecasts",
        "Forecasts and what happened",
        (f'<p class="lead">{escape(choice.sentence)}</p>' if choice.sentence else "")
        + forecast_controls(result, choice),
        forecast_figure(result, choice.ids[0]),
        "Observed values before the cutoff, the forecasts after it, and what happened",
    )
    wins = [section for section in sections if section.key == "wins"]
    if wins:
        position = sections.index(wins[0])
        table = f"<h3>MASE by series</h3>{series_table(result, choice)}"
        sections[position] = _Section("wins", wins[0].heading, wins[0].html + _place(wins[0]) + table)
    sections.insert(2, forecasts)
    drawn = {section.key: section.figure for section in [*sections, *wins] if section.figure is not None}
    drawn["forecast"] = drawn.pop("forecasts")
    best = [name for name in result.leaderboard["model"] if levels_of(result, name)]
    payload = {
        "figures": {key: _bare(figure) for key, figure in drawn.items()},
        "forecasts": embed(result, choice),
        "leader": model_names(result).index(best[0]) if best else -1,
    }
    return _page(title, result, sections, payload)


def _sections(result: BacktestResult) -> list[_Section]:
    """Return the sections that this backtest has something to say in, all but the forecasts."""
    names = model_names(result)
    sections = [
        _Section("data", "The data", data_facts(result)),
        _Section("leaderboard", "Leaderboard", leaderboard_table(result)),
    ]
    lines = legend(result)
    if result.by_step["mase"].notna().any() and result.by_step["step"].nunique() > 1:
        lead = '<p class="lead">How the error grows with the distance of the forecast.</p>'
        figure = error_by_step_figure(result)
        sections.append(_Section("step", "Error by horizon", lead + lines, figure, "MASE of each model by step ahead"))
    if result.by_cutoff["mase"].notna().any() and result.by_cutoff["cutoff"].nunique() > 1:
        lead = '<p class="lead">When each model did well or badly.</p>'
        figure = error_by_cutoff_figure(result)
        sections.append(_Section("time", "Error by cutoff", lead + lines, figure, "MASE of each model by cutoff"))
    if len(names) > 1 and result.by_series.loc[result.by_series["mase"].notna(), "unique_id"].nunique() > 1:
        spoken = ", ".join(f"{name} {share:.0%}" for name, share in win_shares(result).items())
        lead = '<p class="lead">Share of the series on which each model has the lowest MASE.</p>'
        sections.append(_Section("wins", "Who wins on which series", lead, wins_figure(result), spoken))
    covered = [f"coverage_{level:g}" for level in result.levels]
    if covered and result.leaderboard.reindex(columns=covered).notna().any(axis=None):
        lead = (
            '<p class="lead">A mark left of its line: the intervals are too narrow and promise too much. '
            "Right of it: they are wider than needed.</p>"
        )
        figure = calibration_figure(result)
        sections.append(_Section("calibration", "Calibration of the intervals", lead, figure, "Coverage of each model"))
    told = strategies(result)
    if told:
        sections.append(_Section("strategy", "What the networks did, and why", told))
    if any(len(table) for table in result.history.values()):
        lead = '<p class="lead">Solid: windows held back for validation. Dotted: the training windows.</p>'
        networks = [name for name in names if len(result.history.get(name, ()))]
        lead += legend(result, networks) if len(networks) > 1 else ""
        sections.append(_Section("loss", "Loss while training", lead, loss_figure(result), "Loss by training step"))
    sections.append(_Section("timing", "Timing", timing_table(result)))
    if result.notes:
        sections.append(_Section("notes", "Notes", notes_list(result.notes)))
    sections.append(_Section("repeat", "To repeat this", configuration(result.config)))
    return sections


def _bare(figure: go.Figure) -> dict[str, Any]:
    """Return a figure without title and legend: the page has headings and its own legends, which wrap."""
    figure = go.Figure(figure)
    figure.update_layout(title=None, showlegend=False, margin={"t": 26}, template=None)
    bare: dict[str, Any] = json.loads(figure.to_json())
    return bare


def _page(title: str, result: BacktestResult, sections: list[_Section], payload: dict[str, Any]) -> str:
    here = files("tsrnn.reporting")
    style, script = (here.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    links = "".join(f'<li><a href="#{section.key}">{escape(section.heading)}</a></li>' for section in sections)
    body = "".join(_section(section) for section in sections)
    version = result.config.get("versions")
    made_by = f"tsrnn {version['tsrnn']}" if isinstance(version, dict) and "tsrnn" in version else "tsrnn"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{_variables()}
{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header>
<h1>{escape(title)}</h1>
{headline(result)}
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main id="main">{body}</main>
<footer><p>Made by {escape(made_by)}. This page holds everything it shows and loads nothing from anywhere.</p></footer>
<script type="application/json" id="report-data">{_json(payload)}</script>
<script>{get_plotlyjs()}</script>
<script>{script}</script>
</body>
</html>
"""


def _section(section: _Section) -> str:
    place = _place(section) if section.figure is not None else ""
    kind = ' class="drawn"' if section.figure is not None else ""
    return f'<section id="{section.key}"{kind}><h2>{escape(section.heading)}</h2>{section.html}{place}</section>\n'


def _place(section: _Section) -> str:
    key = "forecast" if section.key == "forecasts" else section.key
    return (
        f'<div class="figure" id="figure-{key}" role="img" aria-label="{escape(section.described)}">'
        '<noscript><p class="js-needed">This figure needs JavaScript.</p></noscript></div>'
    )


def _variables() -> str:
    light, dark = ("".join(f"--{name}:{pair[side]};" for name, pair in style_variables().items()) for side in (0, 1))
    # Paper is white, whatever the screen prefers.
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _json(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in, nor a line of JavaScript."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    # ensure_ascii has written U+2028 and U+2029 as escapes already.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
