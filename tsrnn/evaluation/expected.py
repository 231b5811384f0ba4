"""Which share of a backtest's time each model is likely to take, so that the time left can be estimated."""

from __future__ import annotations

from tsrnn.evaluation.plan import Plan
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.ensemble import Ensemble
from tsrnn.forecasting.forecaster import Forecaster
from tsrnn.forecasting.from_history import HistoryModel

# Orders of magnitude on two cores; only their ratios count, and the estimate mends itself as time goes on.
FORMULA, ZERO_SHOT = 1e-5, 1e-4  # seconds per forecast
SERIES = 0.05  # per series and fit of a statistical or a foreign model
TRAINING = 30.0  # per fit of a network


def expected_seconds(model: ForecastModel, plan: Plan) -> float:
    """Guess how long a model takes for a whole backtest."""
    forecasts = int((plan.origins.ends > 0).sum())
    if isinstance(model, HistoryModel):
        return FORMULA * forecasts
    if isinstance(model, Forecaster):
        training = 0.0 if model.strategy == "zero-shot" else model.time_budget or TRAINING * model.ensemble_size
        return ZERO_SHOT * forecasts + plan.n_fits * training
    several = 3 if isinstance(model, Ensemble) else 1
    return SERIES * several * plan.n_fits * int(plan.origins.ends.any(1).sum())
