"""A text generator in a folder: its parameters, vocabulary and history as JSON, its weights as safetensors."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from tsrnn.data.stored_values import Json, number_between, one_of, read_entry, read_flag, read_history, read_whole
from tsrnn.errors import DataError
from tsrnn.forecasting.model_folder import load_folder, save_folder
from tsrnn.forecasting.stored_parameters import check_written, json_to_parameter, parameter_to_json, read_parameters
from tsrnn.naming import counted
from tsrnn.networks.cells import RECURRENT
from tsrnn.networks.devices import nearest_device
from tsrnn.networks.language_network import LanguageNetwork, LanguageSize
from tsrnn.networks.loading import network_from
from tsrnn.sequences.text_history import HISTORY
from tsrnn.sequences.text_scores import TextScore
from tsrnn.sequences.text_settings import check_parameters
from tsrnn.sequences.vocabulary import Vocabulary
from tsrnn.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    from tsrnn.sequences.text_generator import TextGenerator

Model = TypeVar("Model", bound="TextGenerator")

KIND = "text generator"
SCORES = ("validation_score", "baseline_score")

# Far beyond any use, and small enough that a file cannot ask for more memory than there is.
LARGEST_WIDTH, MOST_LAYERS, LARGEST_VOCABULARY = 10**5, 1000, 10**7


def save_generator(model: TextGenerator, path: Any) -> None:
    """Save a fitted text generator in a folder of two files.

    Raises
    ------
    NotFittedError
        Before `fit`.
    ParameterError
        If the folder holds anything but a saved text generator, or a parameter is impossible.
    OSError
        If it cannot be written.
    """
    check_is_fitted(model, "network_")
    check_parameters(model)
    content = {
        "parameters": plain_parameters(model),
        "size": asdict(model.network_.size),
        "vocabulary": model.vocabulary_.to_json(),
        "history": [[_plain_number(value) for value in row] for row in model.history_.to_numpy(np.float64).tolist()],
        "n_tokens": model.n_tokens_,
        "seed": model.seed_,
        "best_step": model.best_step_,
        "stopped_early": model.stopped_early_,
        "out_of_time": model.out_of_time_,
        **{name: None if (score := getattr(model, f"{name}_")) is None else asdict(score) for name in SCORES},
    }
    save_folder(path, content, model.network_.state_dict(), partial(_build, cls=type(model)), KIND)


def plain_parameters(model: TextGenerator) -> dict[str, Json]:
    """Return a generator's parameters as values that JSON can hold; a callable `verbose` becomes False."""
    return {name: parameter_to_json(name, value) for name, value in model.get_params(deep=False).items()}


def training_checkpoint(model: TextGenerator, text: str, path: str | os.PathLike[str]) -> Checkpoint:
    """Return a checkpoint of a training that belongs to one text and to the model's parameters."""
    told = {name: value for name, value in plain_parameters(model).items() if name != "verbose"}
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Checkpoint(Path(path), {"text_sha256": digest, **told})


def load_generator(path: Any, cls: type[Model]) -> Model:
    """Load a text generator that `save_generator` wrote.

    Raises
    ------
    DataError
        If the files are missing, damaged, foreign, or made by a newer tsrnn. Nothing in them is executed.
    """
    return load_folder(path, partial(_build, cls=cls), KIND)


def _build(content: Json, tensors: dict[str, torch.Tensor], cls: type[Model]) -> Model:
    parameters = read_parameters(content, cls)
    model = cls(**{name: json_to_parameter(value) for name, value in parameters.items()})
    check_parameters(model)
    check_written(model)
    vocabulary = Vocabulary.from_json(read_entry(content, "vocabulary"))
    size = _read_size(read_entry(content, "size"))
    if size.vocabulary_size != len(vocabulary):
        raise DataError(
            f"vocabulary_size={size.vocabulary_size}, but the vocabulary has {counted(len(vocabulary), 'token')}"
        )
    if size.num_layers > len(tensors):
        raise DataError(f"num_layers={size.num_layers}, but there are only {counted(len(tensors), 'tensor')}")
    device = nearest_device(model.device)
    model.vocabulary_, model.device_ = vocabulary, str(device)
    model.network_ = network_from(lambda: LanguageNetwork(size), tensors).to(device)
    model.history_ = read_history(content, HISTORY, "step")
    model.n_tokens_, model.seed_ = read_whole(content, "n_tokens", 1), read_whole(content, "seed", 0, 2**32 - 1)
    model.best_step_ = read_whole(content, "best_step", 0)
    model.stopped_early_, model.out_of_time_ = read_flag(content, "stopped_early"), read_flag(content, "out_of_time")
    model.validation_score_, model.baseline_score_ = (_read_score(content, name) for name in SCORES)
    return model


def _read_size(content: Json) -> LanguageSize:
    names = {field.name for field in fields(LanguageSize)}
    # Models that were saved before weights could be dropped do not name it.
    content = {"weight_dropout": 0.0, **content} if isinstance(content, dict) else content
    if not isinstance(content, dict) or set(content) != names:
        raise DataError(f"the size is not that of a language network: expected {', '.join(sorted(names))}")
    share = number_between(0, 1, or_low=True)
    return LanguageSize(
        vocabulary_size=read_whole(content, "vocabulary_size", 1, LARGEST_VOCABULARY),
        cell=one_of(RECURRENT)(content, "cell"),
        embedding_size=read_whole(content, "embedding_size", 1, LARGEST_WIDTH),
        hidden_size=read_whole(content, "hidden_size", 1, LARGEST_WIDTH),
        num_layers=read_whole(content, "num_layers", 1, MOST_LAYERS),
        dropout=share(content, "dropout"),
        weight_dropout=share(content, "weight_dropout"),
    )


def _read_score(content: Json, name: str) -> TextScore | None:
    entry = read_entry(content, name)
    if entry is None:
        return None
    nats = number_between(0, math.inf, or_low=True)(entry, "nats")
    return TextScore(nats, read_whole(entry, "n_tokens", 1), read_whole(entry, "n_characters", 1))


def _plain_number(value: float) -> float | None:
    # JSON has no NaN (no validation) and no infinity (a perplexity beyond the largest number).
    return value if math.isfinite(value) else None if math.isnan(value) else 1e308
