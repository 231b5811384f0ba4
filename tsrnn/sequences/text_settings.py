"""What a text generator may be told, and what it chooses where it was told nothing."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tsrnn.errors import DataError
from tsrnn.naming import counted
from tsrnn.networks.cells import RECURRENT
from tsrnn.networks.language_network import LanguageSize
from tsrnn.parameters import check_choice, check_flag, check_number, check_whole
from tsrnn.sequences.text_training import TextPlan
from tsrnn.sequences.vocabulary import TOKENS, Vocabulary

if TYPE_CHECKING:
    from tsrnn.sequences.text_generator import TextGenerator

# Texts with at least so many tokens get the wider state.
LONG_TEXT, WIDE, NARROW = 300_000, 512, 256

MOST_STREAMS, FEWEST_STEPS = 32, 100

DEFAULT_EPOCHS, EPOCHS_IN_A_BUDGET = 10, 50

# Without a budget; in a budget training is not ended early, because the rate falls, and most is gained, at its end.
DEFAULT_PATIENCE = 8

# The default share that is held back, and how many tokens are enough of a long text. Its end matters: the first 90 % of
# tiny Shakespeare end in the play that the others go on with, of which 5-grams take 1.669 nats per character with all
# of it, 1.682 without its last 10,000 characters, 1.784 without 20,077 and 1.947 without 50,192.
HELD_BACK, MOST_HELD_BACK = 0.05, 10_000

# What a budget is taken to allow, whatever the machine: so many seconds for a token, and for each weight of the network
# that reads it. In single precision on one core training took 0.8 to 1.3 times as long for widths of 64 to 512.
SECONDS_PER_TOKEN, SECONDS_PER_WEIGHT = 2e-5, 1e-10


@dataclass(frozen=True)
class Recipe:
    """What depends on how often a text can be read.

    Parameters
    ----------
    num_layers : int
    dropout : float
    weight_dropout : float
    bptt_length : int
    learning_rate : float
    """

    num_layers: int
    dropout: float
    weight_dropout: float
    bptt_length: int
    learning_rate: float


# A text that is read a few times is not learnt by heart; one that is read often is, unless much is dropped, and then a
# deeper network pays. Chosen on tiny Shakespeare's training part: the first on its held-back end, the shares dropped of
# the last by 24 passes of width 256 over 50,000 characters, scored on the 50,000 that follow (one seed): 1.589 nats
# with .4 of the weights and .2 of the states dropped, 1.591 with .5 and .1, 1.614 with .4 and .4, and with .4 of the
# states alone 1.628 at best and 1.655 at the end. One mask of the states for all steps of a piece changed nothing.
FEW_PASSES, MANY_PASSES = 5, 20
QUICK, USUAL, LONG = (
    Recipe(1, 0.0, 0.0, 64, 3e-3),
    Recipe(1, 0.1, 0.0, 64, 3e-3),
    Recipe(2, 0.2, 0.4, 96, 2e-3),
)

# A text must have a few tokens to learn from, besides what is held back.
FEWEST_TOKENS = 10


def check_parameters(model: TextGenerator) -> None:
    """Raise ParameterError for the first argument that is impossible."""
    check_choice("tokens", model.tokens, TOKENS)
    check_choice("cell", model.cell, RECURRENT)
    for name in ("embedding_size", "validations_per_epoch", "min_count"):
        check_whole(name, getattr(model, name), 1)
    check_whole("max_words", model.max_words, 2)
    for name in ("hidden_size", "num_layers", "batch_size", "bptt_length", "max_epochs", "patience"):
        check_whole(name, getattr(model, name), 1, optional=True)
    for name in ("dropout", "weight_dropout", "validation_share"):
        share = "a share from 0 to below 1, or None"
        check_number(name, getattr(model, name), 0, 1, share, or_low=True, optional=True)
    check_number("weight_decay", model.weight_decay, 0, math.inf, "a number from 0", or_low=True)
    rate = "a number above 0, for example 0.003, or None"
    check_number("learning_rate", model.learning_rate, 0, math.inf, rate, optional=True)
    check_number("time_budget", model.time_budget, 0, math.inf, "seconds above 0, or None for no limit", optional=True)
    check_flag("mixed_precision", model.mixed_precision)
    check_whole("random_state", model.random_state, 0, most=math.inf, optional=True)


def passes_in(seconds: float, n_tokens: int, n_weights: int) -> float:
    """Return how often a text is read in so many seconds, by what a common machine does; the same on every machine.

    >>> round(passes_in(300, 1_000_000, 925_377), 1), round(passes_in(3600, 1_000_000, 925_377), 1)
    (2.7, 32.0)
    """
    return seconds / (n_tokens * (SECONDS_PER_TOKEN + SECONDS_PER_WEIGHT * n_weights))


def choose_recipe(model: TextGenerator, vocabulary_size: int, n_tokens: int) -> Recipe:
    """Return the settings for a text: those that the user named, and for the others what suits the time budget."""
    found = USUAL
    if model.time_budget is not None:
        width, inputs = _width(model, n_tokens), int(model.embedding_size)
        # As a GRU of one layer, so that a choice does not turn on itself.
        n_weights = 3 * width * (width + inputs) + vocabulary_size * (width + inputs)
        passes = passes_in(float(model.time_budget), n_tokens, n_weights)
        found = QUICK if passes < FEW_PASSES else LONG if passes >= MANY_PASSES else USUAL
    return Recipe(
        num_layers=found.num_layers if model.num_layers is None else int(model.num_layers),
        dropout=found.dropout if model.dropout is None else float(model.dropout),
        weight_dropout=found.weight_dropout if model.weight_dropout is None else float(model.weight_dropout),
        bptt_length=found.bptt_length if model.bptt_length is None else int(model.bptt_length),
        learning_rate=found.learning_rate if model.learning_rate is None else float(model.learning_rate),
    )


def _width(model: TextGenerator, n_tokens: int) -> int:
    return int(model.hidden_size or (WIDE if n_tokens >= LONG_TEXT else NARROW))


def choose_vocabulary(model: TextGenerator, kept: str, text: str) -> Vocabulary:
    """Return the tokens of a text, of which training sees what is kept."""
    if model.tokens == "char":
        # All characters are known, also one that only the held-back part has: there is no unknown one.
        return Vocabulary.of([text], "char")
    return Vocabulary.of([kept], "word", unknown=True, min_count=int(model.min_count), max_size=int(model.max_words))


def language_size(model: TextGenerator, recipe: Recipe, vocabulary_size: int, n_tokens: int) -> LanguageSize:
    """Return the size of the network for a text."""
    return LanguageSize(
        vocabulary_size=vocabulary_size,
        cell=model.cell,
        embedding_size=int(model.embedding_size),
        hidden_size=_width(model, n_tokens),
        num_layers=recipe.num_layers,
        dropout=recipe.dropout,
        weight_dropout=recipe.weight_dropout,
    )


def text_plan(model: TextGenerator, recipe: Recipe, n_tokens: int, seed: int, seconds_used: float) -> TextPlan:
    """Return how the network is trained on so many tokens; seconds that are gone already leave its budget."""
    budget = model.time_budget
    streams = min(MOST_STREAMS, max(1, n_tokens // (recipe.bptt_length * FEWEST_STEPS)))
    return TextPlan(
        n_streams=int(model.batch_size or streams),
        length=recipe.bptt_length,
        max_epochs=int(model.max_epochs or (DEFAULT_EPOCHS if budget is None else EPOCHS_IN_A_BUDGET)),
        learning_rate=recipe.learning_rate,
        weight_decay=float(model.weight_decay),
        patience=int(model.patience or (DEFAULT_PATIENCE if budget is None else sys.maxsize)),
        validations_per_epoch=int(model.validations_per_epoch),
        time_budget=None if budget is None else max(1e-9, float(budget) - seconds_used),
        mixed_precision=bool(model.mixed_precision),
        seed=seed,
    )


def tokens_to_train(n_tokens: int, validation_share: float | None) -> int:
    """Return how many tokens from the beginning training sees; the rest, by default a twentieth, is held back.

    Raises
    ------
    DataError
        If there are too few.

    Examples
    --------
    >>> tokens_to_train(1000, 0.1), tokens_to_train(1000, 0.0)
    (900, 1000)
    >>> tokens_to_train(1000, None), tokens_to_train(1_000_000, None)
    (950, 990000)
    """
    if validation_share is None:
        validation_share = min(HELD_BACK, MOST_HELD_BACK / max(1, n_tokens))
    held_back = 0 if validation_share == 0 else max(1, int(n_tokens * validation_share))
    if n_tokens - held_back < FEWEST_TOKENS:
        raise DataError(
            f"text is too short: {counted(n_tokens, 'token')}, of which {held_back} are held back. Expected "
            f"{FEWEST_TOKENS} or more to learn from. Pass a longer text, or validation_share=0 to hold nothing back."
        )
    return n_tokens - held_back
