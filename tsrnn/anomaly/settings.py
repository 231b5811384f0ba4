"""The parameters of a detector: what is possible, and what is chosen where nothing was said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tsrnn.anomaly.engine_state import Plan
from tsrnn.anomaly.metrics import vus_window
from tsrnn.anomaly.thresholds import FEWEST, LEAST_P, THRESHOLDS
from tsrnn.data.seasonality import find_season_length
from tsrnn.errors import ParameterError
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.forecaster import Forecaster
from tsrnn.parameters import check_choice, check_flag, check_number, check_whole
from tsrnn.pretrained.service import DAYS

if TYPE_CHECKING:
    from tsrnn.anomaly.detector import AnomalyDetector
    from tsrnn.data.panel import Panel

# Rows that one forecast serves at most. On 20,000 simulated hours (a daily season, autocorrelation .7) the whitened
# forecast of such blocks had a mean absolute error of .839, where the shocks themselves have .797.
LONGEST_BLOCK = 24
# What a model other than a network is shown: so many rows, or seasons if these are more.
SHOWN_ROWS, SHOWN_SEASONS = 300, 10
FEWEST_PATIENT, PATIENT_SEASONS = 100, 2
# As many numbers are held for each series.
MOST_PATIENCE = 10**6
# Days after which what depends on the day comes again.
WEEK = 7
# Series that a season is looked for in.
MOST_LOOKED_AT = 8


def check_settings(detector: AnomalyDetector) -> None:
    """Raise ParameterError if a parameter of a detector is impossible."""
    model = detector.forecaster
    if model is not None and not isinstance(model, ForecastModel):
        raise ParameterError(
            f"forecaster={type(model).__name__}: expected a model of tsrnn, for example "
            "Forecaster(strategy='zero-shot')."
        )
    share = f"a share from {LEAST_P:g}, which no p-value is below, to below 1, for example 0.01"
    check_number("alpha", detector.alpha, LEAST_P, 1, share, or_low=True)
    share = "a share above 0 and at most 0.5, for example 0.01"
    check_number("contamination", detector.contamination, 0, 0.5, share, or_high=True, optional=True)
    check_choice("threshold", detector.threshold, THRESHOLDS)
    check_flag("channels", detector.channels)
    check_whole("patience", detector.patience, 1, most=MOST_PATIENCE, of="rows", optional=True)
    check_whole("calibration_length", detector.calibration_length, FEWEST, of="rows")


def plan_of(model: ForecastModel, panel: Panel, patience: int | None) -> Plan:
    """Choose how series are followed: blocks and windows by what a fitted model forecasts and reads.

    Parameters
    ----------
    model : ForecastModel
    panel : Panel
    patience : int, optional
        What the user asked for.
    """
    season = panel.season_length
    if isinstance(model, Forecaster):
        block = min(part.size.horizon for part in model.networks_)
        context = max(part.size.context_length for part in model.networks_)
    else:
        block, context = model.default_horizon_, max(SHOWN_ROWS, SHOWN_SEASONS * season)
    if patience is None:
        patience = max(FEWEST_PATIENT, PATIENT_SEASONS * season)
    return Plan(min(LONGEST_BLOCK, block), context, int(patience), cycle_of(panel, context))


def cycle_of(panel: Panel, context: int) -> int:
    """Return after how many rows an event may come again."""
    m = panel.season_length
    is_day = m in DAYS or m == panel.frequency.steps_a_day
    return WEEK * m if is_day and WEEK * m <= context else m


def with_season(panel: Panel, given: int | None) -> Panel:
    """Return a panel with the season found in its data where neither the user nor the frequency names one."""
    if given is not None or panel.season_length > 1:
        return panel
    longest = np.argsort(-panel.n_observed, kind="stable")[:MOST_LOOKED_AT]
    lags = set()
    for i in longest:
        values = panel.series(int(i))
        lags.add(vus_window(values[np.isfinite(values)]))
    found = find_season_length(panel.y, panel.offsets, sorted(lags))
    if found == 1:
        return panel
    return replace(panel, season_length=found, notes=(*panel.notes, f"A season of {found} rows was found in the data."))
