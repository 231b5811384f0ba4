"""Models by name, for the commands and for `backtest(["gru", "ARIMA"], ...)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sklearn.base import clone

from tsrnn.errors import ParameterError
from tsrnn.forecasting.arima import ARIMA
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.drift import Drift
from tsrnn.forecasting.ensemble import Ensemble
from tsrnn.forecasting.ets import ETS
from tsrnn.forecasting.forecaster import Forecaster
from tsrnn.forecasting.foreign import ForeignModel, foreign_name, is_foreign
from tsrnn.forecasting.naive import Naive, SeasonalNaive
from tsrnn.forecasting.theta import Theta
from tsrnn.forecasting.window_average import WindowAverage

MODELS: dict[str, Callable[[], ForecastModel]] = {
    "tsrnn": Forecaster,
    "zero-shot": lambda: Forecaster(strategy="zero-shot"),
    "gru": lambda: Forecaster(strategy="scratch", cell="gru"),
    "lstm": lambda: Forecaster(strategy="scratch", cell="lstm"),
    "rnn": lambda: Forecaster(strategy="scratch", cell="rnn"),
    "ARIMA": ARIMA,
    "ETS": ETS,
    "Theta": Theta,
    "Ensemble": Ensemble,
    "Naive": Naive,
    "SeasonalNaive": SeasonalNaive,
    "Drift": Drift,
    "WindowAverage": WindowAverage,
}

# Besides models and names, anything that ForeignModel takes.
Models = Any | Sequence[Any] | Mapping[str, Any]


def make_model(name: str) -> ForecastModel:
    """Return a new model by its name, upper or lower case.

    >>> make_model("seasonalnaive")
    SeasonalNaive()
    """
    known = _known_name(name)
    if known is None:
        raise ParameterError(f"Model {name!r} is not known; expected one of {', '.join(MODELS)}.")
    return MODELS[known]()


def _known_name(name: str) -> str | None:
    return next((known for known in MODELS if known.lower() == name.strip().lower()), None)


def named_models(models: Models) -> dict[str, ForecastModel]:
    """Return fresh copies of the models under the names they have in a result.

    Parameters
    ----------
    models : model, name, sequence of them, or mapping of name to them
        Foreign models are wrapped in `ForeignModel`.

    Returns
    -------
    dict of str to ForecastModel
        Unfitted. A name that occurs again is numbered: "tsrnn", "tsrnn-2".
    """
    if isinstance(models, Mapping):
        items = list(models.items())
    else:
        one = isinstance(models, (ForecastModel, str)) or is_foreign(models)
        several = [models] if one else list(models)
        items = [(_name(model), model) for model in several]
    if not items:
        raise ParameterError("No model was given; expected at least one, for example 'tsrnn' or Forecaster().")
    named: dict[str, ForecastModel] = {}
    for name, model in items:
        if not isinstance(model, (ForecastModel, str)) and not is_foreign(model):
            raise ParameterError(
                f"Model {model!r} is a {type(model).__name__}; expected a model of tsrnn such as Forecaster(), a "
                f"function f(train, h), a forecaster with fit and predict, or a name: {', '.join(MODELS)}."
            )
        unique, number = str(name), 2
        while unique in named:
            unique, number = f"{name}-{number}", number + 1
        named[unique] = _fresh(model, unique)
    return named


def _fresh(model: Any, name: str) -> ForecastModel:
    """Return an unfitted model of our own, whatever was given."""
    if isinstance(model, str):
        return make_model(model)
    fresh: ForecastModel = clone(model) if isinstance(model, ForecastModel) else ForeignModel(model, name=name)
    return fresh


def _name(model: Any) -> str:
    if isinstance(model, str):
        return _known_name(model) or model
    if isinstance(model, ForeignModel):
        return model.name or foreign_name(model.model)
    if not isinstance(model, ForecastModel):
        return foreign_name(model)
    return "tsrnn" if isinstance(model, Forecaster) else type(model).__name__
