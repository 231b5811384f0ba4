"""Models by name, for the commands and for `backtest(["gru", "ARIMA"], ...)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sklearn.base import clone

from tsrnn.errors import ParameterError
from tsrnn.forecasting.arima import ARIMA
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.drift import Drift
from tsrnn.forecasting.ets import ETS
from tsrnn.forecasting.forecaster import Forecaster
from tsrnn.forecasting.naive import Naive, SeasonalNaive
from tsrnn.forecasting.theta import Theta
from tsrnn.forecasting.window_average import WindowAverage

MODELS: dict[str, Callable[[], ForecastModel]] = {
    "tsrnn": Forecaster,
    "gru": lambda: Forecaster(cell="gru"),
    "lstm": lambda: Forecaster(cell="lstm"),
    "rnn": lambda: Forecaster(cell="rnn"),
    "ARIMA": ARIMA,
    "Naive": Naive,
    "Drift": Drift,
    "WindowAverage": WindowAverage,
    "Theta": Theta,
    "ETS": ETS,
    "SeasonalNaive": SeasonalNaive,
}

Models = ForecastModel | str | Sequence[ForecastModel | str] | Mapping[str, ForecastModel | str]


def make_model(name: str) -> ForecastModel:
    """Return a new model by its name, upper or lower case.

    >>> make_model("seasonalnaive")
    SeasonalNaive()
    """
    for known, build in MODELS.items():
        if known.lower() == name.strip().lower():
            return build()
    raise ParameterError(f"Model {name!r} is not known; expected one of {', '.join(MODELS)}.")


def named_models(models: Models) -> dict[str, ForecastModel]:
    """Return fresh copies of the models under the names they have in a result.

    Parameters
    ----------
    models : model, name, sequence of them, or mapping of name to them

    Returns
    -------
    dict of str to ForecastModel
        Unfitted. A name that occurs again is numbered: "tsrnn", "tsrnn-2".
    """
    if isinstance(models, Mapping):
        items = list(models.items())
    else:
        several = [models] if isinstance(models, (ForecastModel, str)) else list(models)
        items = [(_name(model), model) for model in several]
    if not items:
        raise ParameterError("No model was given; expected at least one, for example 'tsrnn' or Forecaster().")
    named: dict[str, ForecastModel] = {}
    for name, model in items:
        if not isinstance(model, (ForecastModel, str)):
            raise ParameterError(
                f"Model {model!r} is a {type(model).__name__}; expected a model of tsrnn such as Forecaster(), or a "
                f"name: {', '.join(MODELS)}."
            )
        unique, number = str(name), 2
        while unique in named:
            unique, number = f"{name}-{number}", number + 1
        named[unique] = make_model(model) if isinstance(model, str) else clone(model)
    return named


def _name(model: ForecastModel | str) -> str:
    if isinstance(model, str):
        known = [name for name in MODELS if name.lower() == model.strip().lower()]
        return known[0] if known else model
    return "tsrnn" if isinstance(model, Forecaster) else type(model).__name__
