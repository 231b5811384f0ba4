"""Metrics of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.data.panel import Floats
from tsrnn.errors import ParameterError
from tsrnn.forecasting.foreign import foreign_name, has_argument
from tsrnn.forecasting.levels import nearest
from tsrnn.naming import counted

# Besides y and yhat, which come first, a metric is given these where it has an argument of the name.
EXTRAS = ("scale", "forecasts", "quantiles")
TAKEN = ("model", "unique_id", "cutoff", "step", "mase", "smape", "rmse", "wql", "fit_seconds", "predict_seconds")


@dataclass(frozen=True)
class Metric:
    """A function that scores forecasts: ``metric(y, yhat)``, one number per forecast.

    Parameters
    ----------
    name : str
        Its column in the tables.
    function : callable
        Is given arrays in original units. `y`, of shape (B, h), is what happened, NaN where nothing was observed;
        `yhat`, of shape (B, h), the median forecast. By name, where it has such arguments: `scale` of shape (B,), the
        mean absolute seasonal difference of each series before its first cutoff (NaN for a constant one);
        `forecasts` of shape (B, h, Q) and `quantiles`, the Q quantiles they are of. It returns an array of shape
        (B,); what is not finite is left out of the averages. For the scores by step it is called with one step (h = 1)
        at a time.
    """

    name: str
    function: Callable[..., Any]

    def __call__(self, y: Floats, forecasts: Floats, quantiles: Sequence[float], scale: Floats) -> Floats:
        """Score B forecasts. Shape (B,).

        Raises
        ------
        ParameterError
            If the function does not return one number per forecast.
        """
        yhat = forecasts[..., nearest(quantiles, 0.5)]
        known = {"scale": scale, "forecasts": forecasts, "quantiles": tuple(quantiles)}
        asked = {name: known[name] for name in EXTRAS if has_argument(self.function, name)}
        answer = self.function(y, yhat, **asked)
        try:
            values = np.asarray(answer, dtype=np.float64)
        except (TypeError, ValueError):
            raise ParameterError(
                f"Metric {self.name!r} returned a {type(answer).__name__}; expected {len(y)} numbers, one per forecast."
            ) from None
        if values.shape != (len(y),):
            raise ParameterError(
                f"Metric {self.name!r} returned shape {values.shape} for {counted(y.shape[0], 'forecast')} of "
                f"{counted(y.shape[1], 'step')}; expected ({len(y)},): one number per forecast, an average over its "
                "steps."
            )
        return values


def named_metrics(metrics: Any) -> dict[str, Metric]:
    """Return the metrics that were asked for, by name.

    Parameters
    ----------
    metrics : callable, sequence of them, mapping of name to them, or None

    Raises
    ------
    ParameterError
        If one is not callable, or its name is missing or taken.

    Examples
    --------
    >>> from tsrnn.metrics import mae
    >>> list(named_metrics([mae]))
    ['mae']
    """
    if metrics is None:
        return {}
    if isinstance(metrics, Mapping):
        pairs = [(str(name), function) for name, function in metrics.items()]
    else:
        one = callable(metrics) or isinstance(metrics, str) or not isinstance(metrics, Iterable)
        listed = [metrics] if one else list(metrics)
        pairs = [(foreign_name(item) if callable(item) else str(item), item) for item in listed]
    named: dict[str, Metric] = {}
    for name, function in pairs:
        if not callable(function):
            raise ParameterError(
                f"Metric {name!r} is a {type(function).__name__}; expected a function metric(y, yhat) that returns "
                "one number per forecast, for example tsrnn.metrics.mae."
            )
        if name in TAKEN or name.startswith("coverage_") or name in named:
            raise ParameterError(
                f"The metric's name {name!r} is taken. Give it another one: metrics={{'my_{name}': function}}."
            )
        named[name] = Metric(name, function)
    return named
