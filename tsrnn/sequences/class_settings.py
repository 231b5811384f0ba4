"""What a classifier checks before it is fitted, and what it chooses where the user did not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from tsrnn.errors import ParameterError
from tsrnn.naming import counted
from tsrnn.networks.cells import RECURRENT
from tsrnn.networks.randomness import fresh_seed
from tsrnn.networks.sequence_network import SequenceSize, pooling_for
from tsrnn.parameters import check_choice, check_flag, check_number, check_whole, is_number, is_whole
from tsrnn.sequences.cases import SCALINGS
from tsrnn.sequences.class_training import ClassPlan
from tsrnn.sequences.vocabulary import TOKENS

if TYPE_CHECKING:
    from tsrnn.sequences.classifier import SequenceClassifier

OUTPUTS = ("last", "each_step")

# Recurrent steps that a whole sequence becomes at most: plain recurrent networks weaken beyond some 150.
MOST_RECURRENT_STEPS = 48

# From so many cases on a tenth is held back to stop by; fewer cases teach more than they could tell.
ENOUGH_TO_HOLD_BACK, HELD_BACK_SHARE = 500, 0.1

# Chosen on parts of training sets and on simulated ones.
DISTORTION = 0.02


def check_class_parameters(model: SequenceClassifier) -> None:
    """Raise ParameterError for any argument that is impossible, naming what was expected."""
    check_choice("cell", model.cell, RECURRENT)
    check_choice("output", model.output, OUTPUTS)
    check_choice("tokens", model.tokens, (None, *TOKENS))
    check_choice("scaling", model.scaling, SCALINGS)
    for name in ("hidden_size", "num_layers", "filters", "embedding_size"):
        check_whole(name, getattr(model, name), 1)
    for name in ("max_epochs", "batch_size", "patience"):
        check_whole(name, getattr(model, name), 1, optional=True)
    check_flag("bidirectional", model.bidirectional)
    if not isinstance(model.convolution, (bool, np.bool_)) and model.convolution != "auto":
        raise ParameterError(f"convolution={model.convolution!r}: expected True, False or 'auto'.")
    check_number("dropout", model.dropout, 0, 1, "a share from 0 to below 1", or_low=True)
    check_number("learning_rate", model.learning_rate, 0, math.inf, "a number above 0, for example 0.004")
    spread: Any = model.distortion
    if spread != "auto":
        check_number("distortion", spread, 0, 0.5, "a number from 0 to 0.5, or 'auto'", or_low=True, or_high=True)
    if spread != "auto" and spread > 0 and model.tokens is not None:
        raise ParameterError(f"distortion={spread!r}: texts cannot be distorted. Choose 0 or 'auto' for them.")
    if model.validation_fraction != "auto":
        share = "a share from 0 to 0.5, or 'auto'"
        check_number("validation_fraction", model.validation_fraction, 0, 0.5, share, or_low=True, or_high=True)


def choose_size(model: SequenceClassifier, n_inputs: int, n_classes: int, longest: int) -> SequenceSize:
    """Return the network's shape for sequences of at most so many steps."""
    texts, each_step = model.tokens is not None, model.output == "each_step"
    front = not texts if model.convolution == "auto" else bool(model.convolution)
    return SequenceSize(
        n_inputs=n_inputs,
        n_classes=n_classes,
        cell=model.cell,
        hidden_size=int(model.hidden_size),
        num_layers=int(model.num_layers),
        bidirectional=bool(model.bidirectional),
        embedding_size=int(model.embedding_size) if texts else 0,
        filters=(int(model.filters), 2 * int(model.filters), int(model.filters)) if front else (),
        # Without a front end a mean over steps would blur what no convolution has looked at.
        pooled=pooling_for(longest, MOST_RECURRENT_STEPS) if front and not each_step else 1,
        dropout=float(model.dropout),
        each_step=each_step,
    )


def choose_plan(model: SequenceClassifier, n_cases: int, longest: int) -> ClassPlan:
    """Return how to train on so many cases of at most so many steps."""
    batch_size = model.batch_size or (16 if n_cases <= 500 else 32 if n_cases <= 2000 else 64)
    if model.validation_fraction == "auto":
        held_back = HELD_BACK_SHARE if n_cases >= ENOUGH_TO_HOLD_BACK else 0.0
    else:
        held_back = float(model.validation_fraction)
    n_batches = max(1, round((n_cases - round(held_back * n_cases)) / batch_size))
    max_epochs = model.max_epochs or math.ceil(default_class_steps(n_cases) / n_batches)
    patience = model.patience or max(1, max_epochs // 2)
    distortion = default_distortion(model, n_cases, longest) if model.distortion == "auto" else float(model.distortion)
    return ClassPlan(int(max_epochs), int(batch_size), int(patience), float(model.learning_rate), held_back, distortion)


def default_distortion(model: SequenceClassifier, n_cases: int, longest: int) -> float:
    """Return how much sequences are distorted: where cases are few, and no label hangs on one step's place.

    A shift of less than a step would not bend a sequence but blur it.
    """
    useful = n_cases < ENOUGH_TO_HOLD_BACK and longest * DISTORTION >= 1
    return DISTORTION if useful and model.tokens is None and model.output == "last" else 0.0


def default_class_steps(n_cases: int) -> int:
    """Return how many gradient steps so many cases deserve.

    >>> default_class_steps(50), default_class_steps(270), default_class_steps(4000)
    (300, 420, 1090)
    """
    return int(round(300 * max(1.0, n_cases / 100) ** 0.35, -1))


def weigh_classes(class_weight: Any, classes: npt.NDArray[Any], codes: npt.NDArray[np.int64]) -> torch.Tensor:
    """Return how much each class counts, shape (n_classes,); the mean over all training labels is 1.

    Raises
    ------
    ParameterError
        If the weights are none of the documented, not positive, or of labels that are not there.
    """
    counts = np.bincount(codes, minlength=len(classes))
    if class_weight is None:
        weight = np.ones(len(classes))
    elif isinstance(class_weight, str) and class_weight == "balanced":
        weight = 1 / counts
    elif isinstance(class_weight, Mapping):
        names = classes.tolist()
        strange = [label for label in class_weight if label not in names]
        if strange:
            raise ParameterError(
                f"class_weight names {counted(len(strange), 'label')} that y does not have: {strange[:5]!r}."
            )
        if not all(is_number(part) and 0 < part < math.inf for part in class_weight.values()):
            raise ParameterError(f"class_weight={class_weight!r}: expected weights above 0.")
        weight = np.array([class_weight.get(name, 1.0) for name in names], np.float64)
    else:
        raise ParameterError(f"class_weight={class_weight!r}: expected None, 'balanced', or a dict of labels.")
    return torch.from_numpy(weight * counts.sum() / (weight * counts).sum()).float()


def seed_of(random_state: Any) -> int:
    """Return a seed for torch from a whole number, a RandomState of numpy, or None for a fresh one."""
    if random_state is None or (is_whole(random_state) and random_state >= 0):
        return fresh_seed(random_state)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    raise ParameterError(f"random_state={random_state!r}: expected a whole number, 0 or more, a RandomState, or None.")
