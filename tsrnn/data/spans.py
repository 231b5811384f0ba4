"""What a panel holds, as tables: its observations, and where each series begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.answers import id_column, restore_times
from tsrnn.data.panel import Integers, Panel


def observations_table(panel: Panel, ids: Sequence[Any] | None = None) -> pd.DataFrame:
    """Return the rows of the panel, unobserved ones included: unique_id, ds, y, in the user's zone and types.

    Parameters
    ----------
    panel : Panel
    ids : sequence, optional
        The series that are wanted; all by default.
    """
    if ids is not None:
        panel = panel.take(positions_of(panel, ids))
    series, stamps = row_stamps(panel)
    return pd.DataFrame({"unique_id": id_column(panel, series), "ds": restore_times(stamps, panel.form), "y": panel.y})


def row_stamps(panel: Panel) -> tuple[Integers, Any]:
    """Return for every row of a panel its series and its time stamp."""
    series, row = panel.places()
    return series, panel.frequency.stamps(panel.start[series], row)


def positions_of(panel: Panel, ids: Sequence[Any]) -> Integers:
    """Return which series have these names, in the panel's order."""
    names = id_column(panel, np.arange(panel.n_series))
    return np.flatnonzero(names.isin(list(ids))).astype(np.int64)


def gaps_of(panel: Panel) -> dict[str, int]:
    """Count what is missing between the first and the last row of the series.

    Returns
    -------
    dict
        missing, rows without a value; gaps, runs of them; longest, the rows of the longest run; series, how many
        series have any.
    """
    missing = ~panel.observed
    begins = missing & ~np.concatenate([[False], missing[:-1]])
    # A run ends with its series.
    firsts = panel.offsets[:-1][panel.lengths > 0]
    begins[firsts] = missing[firsts]
    run = np.cumsum(begins)[missing]
    return {
        "missing": int(missing.sum()),
        "gaps": int(begins.sum()),
        "longest": int(np.bincount(run).max()) if len(run) else 0,
        "series": int((panel.n_observed < panel.lengths).sum()),
    }


def series_spans(panel: Panel) -> pd.DataFrame:
    """Return the first and last time stamp of every series: unique_id, first, last."""
    series = np.arange(panel.n_series)
    last = panel.frequency.stamps(panel.start, np.maximum(panel.lengths - 1, 0))
    return pd.DataFrame(
        {
            "unique_id": id_column(panel, series),
            "first": restore_times(panel.start, panel.form),
            "last": restore_times(last, panel.form),
        }
    )


def panel_facts(panel: Panel) -> dict[str, Any]:
    """Return what a page or a table says of the data: their size, frequency, season and span, as JSON values."""
    spans = series_spans(panel)
    return {
        "rows": len(panel.y),
        "observed": int(panel.observed.sum()),
        "series": panel.n_series,
        "frequency": panel.frequency.describe(),
        "season_length": panel.season_length,
        "first": str(spans["first"].min()),
        "last": str(spans["last"].max()),
    }
