"""What comes next, as a backtest of one cutoff that nothing is known after: figures and pages draw no other thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.data.answers import interval_names, long_forecasts
from tsrnn.data.panel import Panel
from tsrnn.data.spans import observations_table, panel_facts
from tsrnn.errors import ColumnError, ParameterError
from tsrnn.evaluation.result import BacktestResult
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.naming import examples

USUAL_LEVEL = 80


def look_ahead(
    model: ForecastModel, h: int | None = None, unique_id: Any = None, level: float | None = None
) -> BacktestResult:
    """Forecast what follows the fitted rows of one series.

    Parameters
    ----------
    model : ForecastModel
        Fitted.
    h : int, optional
        Steps; as many as `predict` answers by default.
    unique_id : optional
        Which series; the first that has a forecast by default.
    level : float, optional
        The interval, in percent; 80 by default.

    Raises
    ------
    NotFittedError
        Before `fit`.
    ColumnError
        If the model was not fitted on this series.
    ParameterError
        If h or the level is impossible, or no series has a value.
    """
    # Brings torch, which figures of a backtest do not need.
    from tsrnn.forecasting.registry import named_models

    check_is_fitted(model, "panel_")
    panel = model.panel_
    if unique_id is None:
        chosen = np.flatnonzero(panel.n_observed > 0)[:1]
    else:
        chosen = np.flatnonzero([name == unique_id for name in panel.ids])
    if not len(chosen):
        if unique_id is None:
            raise ParameterError("No series has a forecast, so there is nothing to draw.")
        raise ColumnError(
            f"No series {unique_id!r} among the {panel.n_series:,} fitted ones: {examples(panel.ids, repr)}."
        )
    levels = (USUAL_LEVEL if level is None else level,)
    _, values, quantiles = model.look_ahead(panel, h, level=levels)
    panel, name = panel.take(chosen), next(iter(named_models(model)))
    table = long_forecasts(panel, panel.last_cutoffs(), values[chosen], quantiles, levels=levels, name=name)
    return as_backtest(panel, table, name, levels, panel_facts(panel))


def as_backtest(
    panel: Panel, table: pd.DataFrame, name: str, levels: Sequence[float], data: dict[str, Any]
) -> BacktestResult:
    """Return the forecasts as a backtest of one cutoff that nothing is known after, which the figures can draw."""
    steps = pd.DataFrame({"model": name, "step": np.unique(table["step"]), "mase": np.nan})
    series = pd.DataFrame({"model": name, "unique_id": table["unique_id"].unique(), "mase": np.nan})
    # No coverage is known; that there is a number says that there are intervals to draw.
    given = [level for level in levels if table[interval_names(name, level)[0]].notna().any()]
    coverage = {f"coverage_{level:g}": level / 100 if level in given else np.nan for level in levels}
    return BacktestResult(
        forecasts=table,
        leaderboard=pd.DataFrame({"model": [name], **coverage}),
        by_step=steps,
        by_cutoff=steps.iloc[:0],
        by_series=series,
        verdict=None,
        levels=tuple(levels),
        config={"data": data, "n_windows": 1},
        notes=(),
        observations=observations_table(panel),
    )
