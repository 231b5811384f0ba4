"""What a saved forecaster holds: its parameters, what was chosen and learnt, its network's weights and its table.

`model_folder` knows the files, `stored_settings` the settings, `tsrnn.data.stored` the panel. No value from a file
shapes a network before its type and range are checked and the stored tensors have the shapes that it asks for.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from tsrnn.data.stored import panel_from_stored, panel_to_stored
from tsrnn.data.stored_values import (
    Json,
    later_flag,
    number_between,
    one_of,
    read_entry,
    read_flag,
    read_history,
    read_list,
    read_text,
    read_whole,
    several,
    value_to_json,
)
from tsrnn.errors import DataError
from tsrnn.forecasting.calibration import Calibration
from tsrnn.forecasting.model_folder import load_folder, save_folder
from tsrnn.forecasting.network_forecast import NetworkForecast
from tsrnn.forecasting.settings import DEFAULT_RATE, check_parameters
from tsrnn.forecasting.stored_parameters import (
    check_written,
    json_to_parameter,
    parameter_to_json,
    read_columns,
    read_parameters,
)
from tsrnn.forecasting.stored_settings import read_settings, read_size
from tsrnn.naming import counted
from tsrnn.networks.devices import nearest_device
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.loading import network_from
from tsrnn.networks.registry import NETWORKS
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.power import BoxCox, Log, PowerMap, panel_transform
from tsrnn.preprocessing.scaling import SCALINGS
from tsrnn.preprocessing.windows import EVERY_HISTORY
from tsrnn.training.checkpoint import part_of

if TYPE_CHECKING:
    from tsrnn.forecasting.forecaster import Forecaster

Model = TypeVar("Model", bound="Forecaster")

NETWORK, PANEL = "network.", "panel."
HISTORY = ("step", "train_loss", "validation_loss", "seconds")

_TRANSFORMS: dict[str, type[Log] | type[BoxCox]] = {"log": Log, "boxcox": BoxCox}


def save_forecaster(model: Forecaster, path: Any) -> None:
    """Save a fitted forecaster in a folder of two files, `model.json` and `weights.safetensors`.

    Parameters
    ----------
    model : Forecaster
    path : str or PathLike
        The folder. It is written completely or not at all; a saved model that stands there is replaced.

    Raises
    ------
    NotFittedError
        Before `fit`.
    ParameterError
        If the folder holds anything but a saved model, a parameter is impossible, a name of the table has no written
        form, or the model could not be loaded again for any other reason.

    Notes
    -----
    The fitted table is saved with the model, so that it can forecast without it; whoever gets the folder gets the
    values, too. A callable `verbose` has no written form and is saved as False.
    """
    content, tensors = forecaster_to_stored(model)
    save_folder(path, content, tensors, partial(forecaster_from_stored, cls=type(model)))


def forecaster_to_stored(model: Forecaster) -> tuple[Json, dict[str, torch.Tensor]]:
    """Return what `save_forecaster` writes: JSON values, and tensors by name.

    Raises
    ------
    NotFittedError, ParameterError
        As `save_forecaster`.
    """
    check_is_fitted(model, "panel_")
    check_parameters(model)
    panel, arrays = panel_to_stored(model.panel_)
    content = {
        "parameters": {name: _parameter_to_json(name, value) for name, value in model.get_params(deep=False).items()},
        "settings": _plain(asdict(model.settings_)),
        "strategy": model.strategy_,
        "reason": model.reason_,
        "scores": {name: float(score) for name, score in model.scores_.items()},
        "notes": list(model.notes_),
        "calibration": _plain(asdict(model.calibration_)),
        "networks": [
            {
                "size": _plain(asdict(part.size)),
                "scaling": part.scaling,
                "seed": part.seed,
                "cut": part.cut,
                "vote": part.vote,
                "powers": list(part.powers),
                "fewest": part.histories.start,
                "most": None if part.histories.stop == EVERY_HISTORY.stop else part.histories.stop - 1,
            }
            for part in model.networks_
        ],
        "seed": int(model.seed_),
        "best_step": int(model.best_step_),
        "stopped_early": bool(model.stopped_early_),
        "out_of_time": bool(model.out_of_time_),
        "history": value_to_json(model.history_.to_numpy(np.float64).tolist(), "the history"),
        "map": None if model.map_ is None else {name: float(value) for name, value in asdict(model.map_).items()},
        "columns": value_to_json(model._columns, "a column's name"),
        "panel": panel,
    }
    tensors = {
        f"{NETWORK}{index}.{name}": tensor
        for index, part in enumerate(model.networks_)
        for name, tensor in part.network.state_dict().items()
    }
    tensors |= {PANEL + name: torch.from_numpy(part) for name, part in arrays.items()}
    return content, tensors


def load_forecaster(path: Any, cls: type[Model]) -> Model:
    """Load a forecaster that `save_forecaster` wrote.

    Parameters
    ----------
    path : str or PathLike
    cls : type
        The class of the model, `Forecaster` or one derived from it.

    Returns
    -------
    Forecaster
        Fitted. On one CPU its forecasts equal those of the saved model bit for bit. A model that was fitted on a
        GPU is put on one if there is one, else on the CPU.

    Raises
    ------
    DataError
        If the files are missing, damaged, foreign, or made by a newer tsrnn. Nothing in them is executed.
    """
    return load_folder(path, partial(forecaster_from_stored, cls=cls))


def forecaster_from_stored(content: Json, tensors: dict[str, torch.Tensor], cls: type[Model]) -> Model:
    """Build a model from what `forecaster_to_stored` returned.

    Raises
    ------
    ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, ImportError
        If the values are no model's, in whatever way; DataError is one of them.
    """
    parameters = read_parameters(content, cls)
    if "out_of_time" not in content and parameters.get("learning_rate") == DEFAULT_RATE:
        # Files from before that entry write what was chosen by default as this number, which stood for it.
        parameters = {**parameters, "learning_rate": None}
    model = cls(**{name: _json_to_parameter(value) for name, value in parameters.items()})
    _check_rest(model)
    settings = read_settings(read_entry(content, "settings"))
    arrays = {name: part.numpy() for name, part in part_of(tensors, PANEL).items()}
    panel = panel_from_stored(read_entry(content, "panel"), arrays)
    columns = read_columns(content)
    device = nearest_device(model.device)
    model.settings_, model.device_, model.map_ = settings, str(device), _read_map(read_entry(content, "map"))
    model.seed_ = read_whole(content, "seed", 0, 2**32 - 1)
    model.best_step_ = read_whole(content, "best_step", 0)
    model.stopped_early_ = read_flag(content, "stopped_early")
    model.out_of_time_ = later_flag(content, "out_of_time")
    model.history_ = read_history(content, HISTORY, "step")
    model.strategy_, model.reason_ = read_text(content, "strategy"), read_text(content, "reason")
    model.scores_, model.notes_ = _read_scores(content), _read_notes(content)
    model.calibration_ = _read_calibration(read_entry(content, "calibration"))
    entries = read_list(content, "networks")
    if not entries:
        raise DataError("there is no network")
    model.networks_ = [
        _read_network(entry, settings.network, tensors, index, device) for index, entry in enumerate(entries)
    ]
    model._columns = columns
    model.panel_ = panel
    return model


def _read_network(
    content: Json, kind: str, tensors: dict[str, torch.Tensor], index: int, device: torch.device
) -> NetworkForecast:
    """Build one of a model's networks, by its number among them."""
    size = read_size(content)
    network = _build_network(kind, size, part_of(tensors, f"{NETWORK}{index}.")).to(device)
    scaling, seed = one_of(SCALINGS)(content, "scaling"), read_whole(content, "seed", 0, 2**53)
    cut, powers = read_flag(content, "cut"), _read_powers(content)
    # Where a file tells of no vote, which came with 0.1.0, each network has one.
    vote = read_whole(content, "vote", 0, 2**53) if content.get("vote") is not None else index
    fewest = read_whole(content, "fewest", 0, 2**31) if "fewest" in content else 0  # since 0.1.0
    most = read_whole(content, "most", 0, 2**31) if content.get("most") is not None else None  # since 0.1.0
    histories = range(fewest, EVERY_HISTORY.stop if most is None else most + 1)
    return NetworkForecast(network, size, scaling, seed, cut=cut, powers=powers, vote=vote, histories=histories)


def _read_powers(content: Json) -> tuple[float, ...]:
    if "powers" not in content:  # since 0.1.0
        return (1.0, 0.0) if read_flag(content, "logs") else (1.0,)
    powers = several(number_between(0, 1, or_low=True, or_high=True))(content, "powers")
    if not powers:
        raise DataError("powers=[], expected numbers")
    return powers


def _build_network(kind: str, size: NetworkSize, weights: dict[str, torch.Tensor]) -> ForecastNetwork:
    """Build a network on the CPU from its weights, in evaluation mode."""
    if size.contrasts and kind != "parallel":
        raise DataError(f'a network of kind "{kind}" reads no contrasts')
    if size.far and kind != "parallel":
        raise DataError(f'a network of kind "{kind}" has no far steps')
    if size.num_layers > len(weights):
        raise DataError(f"num_layers={size.num_layers}, but there are only {counted(len(weights), 'tensor')}")
    return network_from(lambda: NETWORKS[kind](size), weights)


def _plain(value: Any) -> Json:
    """Turn dataclass values into JSON: tuples become lists, NumPy's numbers Python's."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def _read_scores(content: Json) -> dict[str, float]:
    scores = read_entry(content, "scores")
    if not isinstance(scores, dict):
        raise DataError(f"scores={scores!r}, expected numbers by name")
    return {name: number_between(0, math.inf, or_low=True)(scores, name) for name in scores}


def _read_notes(content: Json) -> list[str]:
    return [read_text({"note": note}, "note") for note in read_list(content, "notes")]


def _read_calibration(content: Json) -> Calibration:
    factors = several(number_between(0, math.inf))(content, "factors")
    if len(factors) != 2:
        raise DataError(f"{counted(len(factors), 'factor')}, expected 2")
    return Calibration((factors[0], factors[1]), read_whole(content, "n_windows", 0))


def _parameter_to_json(name: str, value: Any) -> Json:
    if name == "transform" and isinstance(value, (Log, BoxCox)):
        kind = next(kind for kind, made in _TRANSFORMS.items() if isinstance(value, made))
        numbers = value.get_params().items()
        return {"transform": kind, **{part: value_to_json(number, name) for part, number in numbers}}
    if name == "quantiles" and isinstance(value, np.ndarray):
        value = tuple(value.tolist())
    return parameter_to_json(name, value)


def _json_to_parameter(content: Json) -> Any:
    if isinstance(content, dict) and "transform" in content:
        kind = read_text(content, "transform")
        if kind not in _TRANSFORMS:
            raise DataError(f"transform={kind!r}, expected one of {', '.join(_TRANSFORMS)}")
        numbers = {part: value for part, value in content.items() if part != "transform" and value is not None}
        return _TRANSFORMS[kind](**{part: number_between(-math.inf, math.inf)(numbers, part) for part in numbers})
    return json_to_parameter(content)


def _check_rest(model: Forecaster) -> None:
    """Check every parameter as `fit` does, and those that only a file can get wrong."""
    check_parameters(model)
    panel_transform(model.transform)
    check_written(model)


def _read_map(content: Json) -> PowerMap | None:
    if content is None:
        return None
    number, positive = number_between(-math.inf, math.inf), number_between(0, math.inf)
    return PowerMap(number(content, "lmbda"), number(content, "offset"), positive(content, "unit"))
