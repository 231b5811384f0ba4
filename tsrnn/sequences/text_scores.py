"""How well a text is predicted, in the three units that are in use; and whether something is a text."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tsrnn.errors import DataError, ParameterError


@dataclass(frozen=True)
class TextScore:
    """How well a text was predicted.

    Parameters
    ----------
    nats : float
        Minus the natural logarithm of the probability of the whole text.
    n_tokens, n_characters : int

    Examples
    --------
    >>> score = TextScore(nats=200 * math.log(2), n_tokens=100, n_characters=100)
    >>> score.bits_per_character, score.perplexity
    (2.0, 4.0)
    """

    nats: float
    n_tokens: int
    n_characters: int

    @property
    def nats_per_token(self) -> float:
        """The mean loss: nats by the number of tokens."""
        return self.nats / self.n_tokens

    @property
    def perplexity(self) -> float:
        """The number of equally likely tokens that would be as hard to guess."""
        return perplexity_of(self.nats_per_token)

    @property
    def bits_per_character(self) -> float:
        """Bits by the number of characters, which also compares models of words with models of characters."""
        return self.nats / math.log(2) / self.n_characters

    def __str__(self) -> str:
        per_token = (
            f"{self.nats_per_token:.3f} nats per {'character' if self.n_tokens == self.n_characters else 'token'}"
        )
        return f"{per_token}, {self.bits_per_character:.3f} bits per character, perplexity {self.perplexity:.3f}"


def perplexity_of(nats_per_token: float) -> float:
    """Return e^(nats per token), perhaps infinite."""
    try:
        return math.exp(nats_per_token)
    except OverflowError:
        return math.inf


def check_text(text: object, name: str) -> None:
    """Raise an error unless a value is a text with something in it.

    Raises
    ------
    ParameterError
        If it is no str.
    DataError
        If it is empty.
    """
    if not isinstance(text, str):
        cure = " Decode it first, for example with .decode('utf-8')." if isinstance(text, (bytes, bytearray)) else ""
        raise ParameterError(f"{name} is of type {type(text).__name__}: expected one str.{cure}")
    if not text:
        raise DataError(f"{name} is empty: it has 0 characters, expected 1 or more.")
