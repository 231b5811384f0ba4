"""What a panel holds, as tables: its observations, and where each series begins and ends."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tsrnn.data.answers import id_column
from tsrnn.data.panel import Panel
from tsrnn.data.times import restore_times


def observations_table(panel: Panel) -> pd.DataFrame:
    """Return every row of the panel, unobserved ones included: unique_id, ds, y, in the user's zone and types."""
    series = np.repeat(np.arange(panel.n_series), panel.lengths)
    row = np.arange(len(panel.y)) - panel.offsets[:-1][series]
    stamps = panel.frequency.stamps(panel.start[series], row)
    return pd.DataFrame({"unique_id": id_column(panel, series), "ds": restore_times(stamps, panel.form), "y": panel.y})


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
