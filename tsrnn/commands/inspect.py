"""``tsrnn inspect FILE``: what is inferred from a file."""

from __future__ import annotations

from typing import Any

import click
import numpy as np
import pandas as pd

from tsrnn.commands.options import Voice, chosen_format, output_options, read_file, table_options, write_frame
from tsrnn.data.panel import Panel
from tsrnn.data.spans import series_spans


@click.command(name="inspect")
@table_options
@output_options(("table", "csv", "json"))
def command(file: str, format_: str | None, output: str | None, quiet: bool, **reading: Any) -> None:
    """Show how FILE is understood: series, spans, frequency, season and gaps.

    \b
    Example:
      tsrnn inspect sales.csv
    """
    voice = Voice(quiet)
    panel = read_file(file, **reading)
    for note in panel.notes:
        voice.say(note)
    write_frame(describe(panel), chosen_format(format_, output), output)


def describe(panel: Panel) -> pd.DataFrame:
    """Return a row per series: its span, rows, missing values, and the size of its values."""
    table = series_spans(panel)
    table["rows"] = panel.lengths
    table["missing"] = panel.lengths - panel.n_observed
    for name, measure in {"min": np.min, "median": np.median, "max": np.max}.items():
        table[name] = [_of_observed(panel.series(i), measure) for i in range(panel.n_series)]
    return table


def _of_observed(y: np.ndarray, measure: Any) -> float:
    observed = y[np.isfinite(y)]
    return float(measure(observed)) if len(observed) else float("nan")
