"""Forecast on the local clock, and answer with instants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tsrnn.data.local_clock import LocalClock, followed_zone

if TYPE_CHECKING:
    from tsrnn.data.panel import Cutoffs, Floats, Panel

Forecast = Callable[["Panel", "Cutoffs", int, Sequence[float]], "Floats"]


def forecast_by_clock(
    forecast: Forecast, fitted: Panel, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]
) -> Floats:
    """Let a forecast see a panel at its local times, where the season follows them, and answer for its instants.

    Where the steps after a cutoff cross an hour that clocks leave out, one step more has to be forecast. Such cutoffs
    have a call of their own, since a network may forecast the longer horizon by sample paths alone.
    The season and the zone are those of the panel that the model was fitted on.
    """
    zone = followed_zone(panel, fitted)
    if zone is None:
        return forecast(panel, cutoffs, h, quantiles)
    clock = LocalClock(panel, zone)
    local, step = clock.steps(cutoffs, h)
    if local is cutoffs and clock.panel is clock.plain:
        return forecast(clock.plain, cutoffs, h, quantiles)
    needed = step.max(1, initial=0) + 1
    known = clock.panel.observed_before(local) > 0
    values = np.empty((len(cutoffs), h, len(quantiles)))
    # What lies in the time that comes twice from its first row on has no other history.
    rest = np.flatnonzero(~known)
    if len(rest):
        values[rest] = forecast(clock.plain, cutoffs.take(rest), h, quantiles)
    usual, longer = np.flatnonzero(known & (needed <= h)), np.flatnonzero(known & (needed > h))
    for some, most in ((longer, int(needed.max(initial=h))), (usual, h)):
        if len(some):
            told = forecast(clock.panel, local.take(some), most, quantiles)
            values[some] = np.take_along_axis(told, step[some, :, None], axis=1)
    return values
