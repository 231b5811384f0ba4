"""What a text generator may be told, and what it chooses where it was told nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.errors import DataError, ParameterError
from tsrnn.networks.cells import RECURRENT
from tsrnn.networks.language_network import LanguageSize
from tsrnn.sequences.text_training import TextPlan
from tsrnn.sequences.vocabulary import TOKENS

if TYPE_CHECKING:
    from tsrnn.sequences.text_generator import TextGenerator

# Texts with at least so many tokens get the wider state.
LONG_TEXT, WIDE, NARROW = 300_000, 512, 256

MOST_STREAMS, FEWEST_STEPS = 32, 100

DEFAULT_EPOCHS, EPOCHS_IN_A_BUDGET = 10, 50

# A text must have a few tokens to learn from, besides what is held back.
FEWEST_TOKENS = 10


def check_parameters(model: TextGenerator) -> None:
    """Raise ParameterError for the first argument that is impossible."""
    _one_of("tokens", model.tokens, TOKENS)
    _one_of("cell", model.cell, tuple(RECURRENT))
    for name in (
        "num_layers", "embedding_size", "bptt_length", "patience", "validations_per_epoch", "min_count",
    ):  # fmt: skip
        _whole(name, getattr(model, name), 1)
    _whole("max_words", model.max_words, 2)
    for name in ("hidden_size", "batch_size", "max_epochs"):
        if getattr(model, name) is not None:
            _whole(name, getattr(model, name), 1, " or None")
    for name in ("dropout", "validation_share"):
        _number(name, getattr(model, name), 0, 1, "a share from 0 to below 1")
    _number("weight_decay", model.weight_decay, 0, math.inf, "a number from 0")
    _above_0("learning_rate", model.learning_rate, "a number above 0, for example 0.003")
    if model.time_budget is not None:
        _above_0("time_budget", model.time_budget, "seconds above 0, or None for no limit")
    if not isinstance(model.mixed_precision, (bool, np.bool_)):
        raise ParameterError(f"mixed_precision={model.mixed_precision!r}: expected True or False.")
    check_random_state(model.random_state)


def check_random_state(value: Any) -> None:
    """Raise ParameterError unless a value is a seed or None."""
    if value is not None:
        _whole("random_state", value, 0, " or None")


def language_size(model: TextGenerator, vocabulary_size: int, n_tokens: int) -> LanguageSize:
    """Return the size of the network for a text."""
    return LanguageSize(
        vocabulary_size=vocabulary_size,
        cell=model.cell,
        embedding_size=int(model.embedding_size),
        hidden_size=int(model.hidden_size or (WIDE if n_tokens >= LONG_TEXT else NARROW)),
        num_layers=int(model.num_layers),
        dropout=float(model.dropout),
    )


def text_plan(model: TextGenerator, n_tokens: int, seed: int, seconds_used: float) -> TextPlan:
    """Return how the network is trained on so many tokens; seconds that are gone already leave its budget."""
    budget = model.time_budget
    streams = min(MOST_STREAMS, max(1, n_tokens // (int(model.bptt_length) * FEWEST_STEPS)))
    return TextPlan(
        n_streams=int(model.batch_size or streams),
        length=int(model.bptt_length),
        max_epochs=int(model.max_epochs or (DEFAULT_EPOCHS if budget is None else EPOCHS_IN_A_BUDGET)),
        learning_rate=float(model.learning_rate),
        weight_decay=float(model.weight_decay),
        patience=int(model.patience),
        validations_per_epoch=int(model.validations_per_epoch),
        time_budget=None if budget is None else max(1e-9, float(budget) - seconds_used),
        mixed_precision=bool(model.mixed_precision),
        seed=seed,
    )


def tokens_to_train(n_tokens: int, validation_share: float) -> int:
    """Return how many tokens from the beginning training sees; the rest is held back.

    Raises
    ------
    DataError
        If there are too few.

    Examples
    --------
    >>> tokens_to_train(1000, 0.05), tokens_to_train(1000, 0.0)
    (950, 1000)
    """
    held_back = 0 if validation_share == 0 else max(1, int(n_tokens * validation_share))
    if n_tokens - held_back < FEWEST_TOKENS:
        raise DataError(
            f"text is too short: {n_tokens} tokens, of which {held_back} are held back. Expected {FEWEST_TOKENS} or "
            "more to learn from. Pass a longer text, or validation_share=0 to hold nothing back."
        )
    return n_tokens - held_back


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise ParameterError(f"{name}={value!r}: expected one of {', '.join(map(repr, allowed))}.")


def _whole(name: str, value: Any, least: int, more: str = "") -> None:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < least:
        raise ParameterError(f"{name}={value!r}: expected a whole number, {least} or more{more and ',' + more}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))


def _number(name: str, value: Any, low: float, below: float, expected: str) -> None:
    if not (_is_number(value) and low <= value < below):
        raise ParameterError(f"{name}={value!r}: expected {expected}.")


def _above_0(name: str, value: Any, expected: str) -> None:
    if not (_is_number(value) and 0 < value < math.inf):
        raise ParameterError(f"{name}={value!r}: expected {expected}.")
