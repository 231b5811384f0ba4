"""Choose the next token of a text by its logits: the likeliest one, or one at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsrnn.errors import ParameterError
from tsrnn.parameters import check_number, check_whole, is_whole
from tsrnn.sequences.vocabulary import Vocabulary

# A text of so many tokens is written at most; a larger number is a slip.
LONGEST_TEXT = 10**8


def check_sampling(length: Any, temperature: Any, top_k: Any, random_state: Any = None) -> None:
    """Raise ParameterError for the first argument that is impossible."""
    if not is_whole(length) or not 0 <= length <= LONGEST_TEXT:
        raise ParameterError(f"length={length!r}: expected a whole number of tokens from 0 to {LONGEST_TEXT:,}.")
    expected = "a number, 0 or more; 0 always takes the likeliest token, 1 draws by the model's own probabilities"
    check_number("temperature", temperature, 0, math.inf, expected, or_low=True)
    if top_k is not None and (not is_whole(top_k) or top_k < 1):
        raise ParameterError(f"top_k={top_k!r}: expected a whole number, 1 or more, or None for all tokens.")
    check_whole("random_state", random_state, 0, most=math.inf, optional=True)


def sampling_probabilities(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
    """Return the probabilities that the next token is drawn by.

    Parameters
    ----------
    logits : tensor of shape (V,)
        -inf for tokens that must not come.
    temperature : float
        Logits are divided by it. 0 leaves the likeliest token alone, of several the first.
    top_k : int or None
        Only so many of the likeliest tokens may come, of equally likely ones the first.

    Returns
    -------
    float64 tensor of shape (V,)

    Examples
    --------
    >>> sampling_probabilities(torch.tensor([1.0, 3.0, 2.0]).double().log(), 1.0, 2).round(decimals=9).tolist()
    [0.0, 0.6, 0.4]
    """
    values = logits.double()
    if temperature == 0:
        top_k, temperature = 1, 1.0
    if top_k is not None and top_k < len(values):
        kept = torch.sort(values, descending=True, stable=True).indices[:top_k]
        masked = torch.full_like(values, -math.inf)
        masked[kept] = values[kept]
        values = masked
    # The largest becomes 0 first, so that a temperature near 0 leads to -inf and not to NaN.
    return torch.softmax((values - values.max()) / float(temperature), 0)


def writable(logits: Tensor, vocabulary: Vocabulary) -> Tensor:
    """Rule the unknown word out, unless there is no other token."""
    if vocabulary.unknown and len(vocabulary) > 1:
        logits = logits.clone()
        logits[0] = -math.inf
    return logits


class Sampler:
    """Draw tokens one after the other.

    Parameters
    ----------
    temperature : float
    top_k : int or None
    seed : int or None
        The same number draws the same tokens from the same logits.
    """

    def __init__(self, temperature: float, top_k: int | None, seed: int | None) -> None:
        self.temperature, self.top_k = temperature, top_k
        self.random = np.random.default_rng(seed)

    def draw(self, logits: Tensor) -> int:
        """Return the number of the next token."""
        cumulative = sampling_probabilities(logits, self.temperature, self.top_k).cumsum(0).cpu().numpy()
        # By the total, which may be a rounding error away from 1: a token of probability 0 is never drawn.
        return int(np.searchsorted(cumulative, self.random.random() * cumulative[-1], side="right"))
