"""A page of sections and figures: one HTML file that opens without a network."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from tsrnn.data.files import write_file
from tsrnn.errors import ParameterError
from tsrnn.reporting.colours import dark_counterparts, style_variables

# The page may run its own script and style and nothing else, and may load nothing from anywhere.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Drawing:
    """A figure in a section.

    Parameters
    ----------
    key : str
        Its place on the page is `figure-KEY`.
    figure : Figure
    described : str
        What it shows, for those who cannot see it.
    before, after : str
        HTML around it.
    """

    key: str
    figure: go.Figure
    described: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page: its heading, HTML, then figures."""

    key: str
    heading: str
    html: str
    drawings: tuple[Drawing, ...] = ()


def page_html(
    title: str, head: str, sections: Sequence[Section], made_by: str, forecasts: Mapping[str, Any] | None = None
) -> str:
    """Return a page that holds all it needs.

    Parameters
    ----------
    title : str
        Plain text.
    head : str
        HTML under the title.
    sections : sequence of Section
    made_by : str
    forecasts : mapping, optional
        From `tsrnn.reporting.embedding.embed`, for a page on which a reader chooses among them.
    """
    # What `page.js` draws: figures by the key of their place, and the chosen forecast.
    payload = {
        "figures": {drawing.key: _bare(drawing.figure) for section in sections for drawing in section.drawings},
        "swap": dark_counterparts(),
        "forecasts": forecasts,
    }
    here = files("tsrnn.reporting")
    style, script = (here.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    links = "".join(f'<li><a href="#{section.key}">{escape(section.heading)}</a></li>' for section in sections)
    body = "".join(_section(section) for section in sections)
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
{head}
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


def _section(section: Section) -> str:
    # A section with one figure is printed on one page; with several, each with its heading.
    kind = ' class="drawn"' if len(section.drawings) == 1 else ""
    places = "".join(_place(drawing, len(section.drawings) > 1) for drawing in section.drawings)
    return f'<section id="{section.key}"{kind}><h2>{escape(section.heading)}</h2>{section.html}{places}</section>\n'


def _place(drawing: Drawing, several: bool) -> str:
    place = (
        f'{drawing.before}<div class="figure" id="figure-{drawing.key}" role="img" '
        f'aria-label="{escape(drawing.described)}">'
        '<noscript><p class="js-needed">This figure needs JavaScript.</p></noscript></div>'
    )
    return (f'<div class="drawn">{place}</div>' if several else place) + drawing.after


def _bare(figure: go.Figure) -> dict[str, Any]:
    """Return a figure without title and legend: the page has headings and its own legends, which wrap."""
    figure = go.Figure(figure)
    figure.update_layout(title=None, showlegend=False, margin={"t": 26}, template=None)
    bare: dict[str, Any] = json.loads(figure.to_json())
    return bare


def _variables() -> str:
    light, dark = ("".join(f"--{name}:{pair[side]};" for name, pair in style_variables().items()) for side in (0, 1))
    # Paper is white, whatever the screen prefers.
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _json(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in, nor a line of JavaScript."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    # ensure_ascii has written U+2028 and U+2029 as escapes already.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def write_page(page: str, path: str | os.PathLike[str]) -> Path:
    """Write a page, as a whole or not at all; through a link to the file it leads to, and into a pipe or device.

    Raises
    ------
    ParameterError
        If the folder of `path` does not exist, or `path` is itself a folder.
    DataError
        If the file cannot be written for another reason.
    """
    target = Path(path)
    if target.is_dir() or not target.parent.is_dir():
        wrong = "is a folder" if target.is_dir() else f"lies in a folder that does not exist: {target.parent}"
        raise ParameterError(f"path={str(path)!r} {wrong}. Give the name of an HTML file in an existing folder.")
    # A lone surrogate, as from a badly decoded file, has no UTF-8; it is shown as "?" rather than losing the page.
    write_file(target, page.encode("utf-8", errors="replace"))
    return target
