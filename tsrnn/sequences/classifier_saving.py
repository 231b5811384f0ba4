"""What a saved classifier holds: its parameters, classes, vocabulary or scales, history, and its network's weights.

No value from a file shapes a network before its type and range are checked and the stored tensors have the shapes that
it asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from sklearn.utils.validation import check_is_fitted

from tsrnn.data.stored_values import (
    Json,
    json_to_value,
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
from tsrnn.errors import DataError, ParameterError
from tsrnn.forecasting.model_folder import load_folder, save_folder
from tsrnn.forecasting.stored_parameters import check_written, json_to_parameter, parameter_to_json, read_parameters
from tsrnn.naming import counted
from tsrnn.networks.cells import RECURRENT
from tsrnn.networks.devices import nearest_device
from tsrnn.networks.loading import network_from
from tsrnn.networks.sequence_network import SequenceNetwork, SequenceSize
from tsrnn.sequences.cases import ChannelScaler
from tsrnn.sequences.class_settings import check_class_parameters
from tsrnn.sequences.vocabulary import Vocabulary
from tsrnn.training.checkpoint import part_of

if TYPE_CHECKING:
    from tsrnn.sequences.classifier import SequenceClassifier

Model = TypeVar("Model", bound="SequenceClassifier")

KIND = "classifier"
NETWORK, SCALER = "network.", "scaler."
HISTORY = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "seconds")

# Far beyond any use, and small enough that a file cannot ask for more memory than there is.
LARGEST_WIDTH, MOST_LAYERS, LONGEST_POOLING = 10**6, 1000, 10**9

# Kinds of NumPy types that labels are saved as: bool, whole and real numbers, text, dates, and objects of these.
_LABEL_KINDS = "biufUMO"


def save_classifier(model: SequenceClassifier, path: Any) -> None:
    """Save a fitted classifier in a folder of two files, `model.json` and `weights.safetensors`.

    Parameters
    ----------
    model : SequenceClassifier
    path : str or PathLike

    Raises
    ------
    NotFittedError
        Before `fit`.
    ParameterError
        If the folder holds anything but a saved classifier, or a parameter or label has no written form.

    Notes
    -----
    The training sequences are not saved. A callable `verbose` has no written form and is saved as False, a RandomState
    as None.
    """
    check_is_fitted(model, "network_")
    check_class_parameters(model)
    scaler = model.reader_ if isinstance(model.reader_, ChannelScaler) else None
    names = getattr(model, "feature_names_in_", None)
    content = {
        "parameters": {name: _parameter_to_json(name, value) for name, value in model.get_params(deep=False).items()},
        "size": {**asdict(model.network_.size), "filters": list(model.network_.size.filters)},
        "classes": _labels_to_json(model.classes_),
        "vocabulary": None if model.vocabulary_ is None else model.vocabulary_.to_json(),
        "each_case": None if scaler is None else scaler.each_case,
        "n_features": getattr(model, "n_features_in_", None),
        "feature_names": None if names is None else [str(name) for name in names],
        "seed": model.seed_,
        "best_epoch": int(model.best_epoch_),
        "stopped_early": bool(model.stopped_early_),
        "history": value_to_json(model.history_.to_numpy(np.float64).tolist(), "the history"),
    }
    tensors = {NETWORK + name: tensor for name, tensor in model.network_.state_dict().items()}
    if scaler is not None:
        tensors |= {SCALER + name: torch.from_numpy(getattr(scaler, name)) for name in ("loc", "scale")}
    save_folder(path, content, tensors, partial(_build, cls=type(model)), KIND)


def load_classifier(path: Any, cls: type[Model]) -> Model:
    """Load a classifier that `save_classifier` wrote.

    Parameters
    ----------
    path : str or PathLike
    cls : type
        The class of the model, `SequenceClassifier` or one derived from it.

    Raises
    ------
    DataError
        If the files are missing, damaged, foreign, or made by a newer tsrnn. Nothing in them is executed.
    """
    return load_folder(path, partial(_build, cls=cls), KIND)


def _build(content: Json, tensors: dict[str, torch.Tensor], cls: type[Model]) -> Model:
    parameters = read_parameters(content, cls)
    model = cls(**{name: _json_to_parameter(name, value) for name, value in parameters.items()})
    check_class_parameters(model)
    check_written(model)
    size = _read_size(read_entry(content, "size"))
    weights = part_of(tensors, NETWORK)
    if max(size.num_layers, len(size.filters)) > len(weights):
        raise DataError(
            f"{counted(size.num_layers, 'layer')} and {counted(len(size.filters), 'filter')}, but "
            f"{counted(len(weights), 'tensor')}"
        )
    model.reader_ = _read_reader(content, tensors, size)
    device = nearest_device(model.device)
    model.network_ = network_from(lambda: SequenceNetwork(size), weights).to(device)
    model.device_ = str(device)
    model.classes_ = _json_to_labels(read_entry(content, "classes"))
    if len(model.classes_) != size.n_classes:
        raise DataError(f"{counted(len(model.classes_), 'class', 'classes')}, but a network for {size.n_classes}")
    if read_entry(content, "n_features") is not None:
        model.n_features_in_ = read_whole(content, "n_features")
    if read_entry(content, "feature_names") is not None:
        model.feature_names_in_ = np.array(several(read_text)(content, "feature_names"), dtype=object)
    model.seed_ = read_whole(content, "seed", 0, 2**32 - 1)
    model.best_epoch_ = read_whole(content, "best_epoch", 0)
    model.stopped_early_ = read_flag(content, "stopped_early")
    model.history_ = read_history(content, HISTORY, "epoch")
    return model


def _read_size(content: Json) -> SequenceSize:
    filters = several(partial(read_whole, high=LARGEST_WIDTH))(content, "filters")
    if len(filters) > MOST_LAYERS:
        raise DataError(f"{counted(len(filters), 'filter')}, expected {MOST_LAYERS} or fewer")
    return SequenceSize(
        n_inputs=read_whole(content, "n_inputs", 1, LARGEST_WIDTH),
        n_classes=read_whole(content, "n_classes", 2, LARGEST_WIDTH),
        cell=one_of(RECURRENT)(content, "cell"),
        hidden_size=read_whole(content, "hidden_size", 1, LARGEST_WIDTH),
        num_layers=read_whole(content, "num_layers", 1, MOST_LAYERS),
        bidirectional=read_flag(content, "bidirectional"),
        embedding_size=read_whole(content, "embedding_size", 0, LARGEST_WIDTH),
        filters=filters,
        pooled=read_whole(content, "pooled", 1, LONGEST_POOLING),
        dropout=number_between(0, 1, or_low=True)(content, "dropout"),
        each_step=read_flag(content, "each_step"),
    )


def _read_reader(content: Json, tensors: Mapping[str, torch.Tensor], size: SequenceSize) -> Vocabulary | ChannelScaler:
    stored = read_entry(content, "vocabulary")
    if stored is not None:
        vocabulary = Vocabulary.from_json(stored)
        if not size.embedding_size or len(vocabulary) != size.n_inputs:
            raise DataError(f"{counted(len(vocabulary), 'token')}, but a network for {size.n_inputs}")
        return vocabulary
    if size.embedding_size:
        raise DataError("a network for texts has no vocabulary")
    loc, scale = (tensors[SCALER + name].numpy() for name in ("loc", "scale"))
    if not (loc.shape == scale.shape == (size.n_inputs,) and loc.dtype == scale.dtype == np.float64):
        raise DataError(f"the scales are not those of {counted(size.n_inputs, 'channel')}")
    if not (np.isfinite(loc).all() and np.isfinite(scale).all() and (scale > 0).all()):
        raise DataError("the scales are not finite and above 0")
    return ChannelScaler(loc, scale, read_flag(content, "each_case"))


def _labels_to_json(classes: npt.NDArray[Any]) -> Json:
    if classes.dtype.kind not in _LABEL_KINDS:
        raise ParameterError(f"Labels of type {classes.dtype} cannot be saved. Expected text, numbers or dates.")
    return {"dtype": classes.dtype.str, "labels": [value_to_json(label, "a label") for label in classes]}


def _json_to_labels(content: Json) -> npt.NDArray[Any]:
    dtype = np.dtype(read_text(content, "dtype"))
    if dtype.kind not in _LABEL_KINDS:
        raise DataError(f"labels of type {dtype}")
    labels = [json_to_value(label) for label in read_list(content, "labels")]
    if dtype.kind != "O":
        return np.array(labels, dtype=dtype)
    found = np.empty(len(labels), dtype=object)
    found[:] = labels
    return found


def _parameter_to_json(name: str, value: Any) -> Json:
    if name == "random_state" and isinstance(value, np.random.RandomState):
        return None
    if isinstance(value, Mapping):
        return {"pairs": [parameter_to_json(name, [label, weight]) for label, weight in value.items()]}
    return parameter_to_json(name, value)


def _json_to_parameter(name: str, content: Json) -> Any:
    if isinstance(content, dict) and "pairs" in content:
        pairs = [json_to_value(pair) for pair in read_list(content, "pairs")]
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise DataError(f"{name} is no list of pairs")
        return dict(pairs)
    return json_to_parameter(content)
