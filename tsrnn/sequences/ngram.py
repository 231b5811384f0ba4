"""What a network that writes text must beat: an n-gram model, smoothed as Witten and Bell do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tsrnn.parameters import check_whole
from tsrnn.sequences.text_scores import TextScore, check_text
from tsrnn.sequences.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Grams:
    """All n-grams of one length that a text has, in the order of their keys.

    A key is (number of the (n-1)-gram before the last token) × (size of the vocabulary) + (last token).

    Parameters
    ----------
    keys, counts : int64 ndarrays of shape (n_grams,)
    followers, followed : int64 ndarrays of shape (n_shorter_grams,)
        How many different tokens follow each (n-1)-gram, and how often any does.
    """

    keys: Integers
    counts: Integers
    followers: Integers
    followed: Integers

    def find(self, key: Integers) -> Integers:
        """Return the numbers of n-grams by their keys, -1 for those that the text does not have."""
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        return np.where(self.keys[place] == key, place, -1)


class NgramBaseline(BaseEstimator):
    """Predict each token of a text from the few before it, by counts.

    With h the n-1 tokens before w, h' the n-2 before it, c counts in the fitted text and N(h) the number of different
    tokens that follow h there::

        P(w | h) = (c(h w) + N(h) P(w | h')) / (c(h) + N(h))

    Below the shortest h, which is empty, every token of the vocabulary is equally likely. A context that the text
    does not have says what its shorter one says.

    Parameters
    ----------
    order : int
        Most tokens of an n-gram, the predicted one included. On the complete works of an author 5 is a good one: of
        the first 90 % of Tiny Shakespeare, the last 10 % take 1.774, 1.669, 1.698 and 1.779 nats per character for
        orders 4 to 7.
    tokens : {"char", "word"}

    Attributes
    ----------
    vocabulary_ : Vocabulary

    Notes
    -----
    Source: Witten and Bell 1991, "The zero-frequency problem", method C, interpolated.

    Examples
    --------
    >>> baseline = NgramBaseline(order=3).fit("to be or not to be " * 20)
    >>> round(baseline.perplexity("to be or not"), 2)
    1.3
    """

    def __init__(self, order: int = 5, tokens: str = "char") -> None:
        self.order = order
        self.tokens = tokens

    def fit(self, text: str, y: object = None) -> Self:
        """Count the n-grams of a text.

        Raises
        ------
        DataError
            If the text is empty.
        ParameterError
            If it is no text, or an argument is impossible.
        """
        check_text(text, "text")
        return self.fit_with(Vocabulary.of([text], self.tokens, unknown=self.tokens == "word"), text)

    def fit_with(self, vocabulary: Vocabulary, text: str) -> Self:
        """Count the n-grams of a text with another model's vocabulary, so that their scores compare."""
        check_whole("order", self.order, 1)
        self.vocabulary_ = vocabulary
        self._grams = _count(vocabulary.encode(text), len(vocabulary), int(self.order))
        return self

    def probabilities(self, text: str) -> npt.NDArray[np.float64]:
        """Return what was given to each token of a text, as one stream that starts with no token before it.

        Returns
        -------
        ndarray of shape (n_tokens,)
            Each above 0.

        Raises
        ------
        DataError
            If the text is empty, or has characters that the fitted one has not.
        """
        check_is_fitted(self, "vocabulary_")
        check_text(text, "text")
        tokens = self.vocabulary_.encode(text)
        size = len(self.vocabulary_)
        given = np.full(len(tokens), 1 / size)
        context = np.zeros(len(tokens), np.int64)  # the number of the context before each token, -1 if it is new
        for grams in self._grams:
            known = context >= 0
            at = np.where(known, context, 0)
            gram = np.where(known, grams.find(at * size + tokens), -1)
            count = np.where(gram >= 0, grams.counts[gram], 0)
            followers, followed = grams.followers[at], grams.followed[at]
            # A context at the text's very end has no follower there; its shorter one then speaks alone.
            known &= followed > 0
            smoothed = (count + followers * given) / np.maximum(followed + followers, 1)
            given = np.where(known, smoothed, given)
            context = np.concatenate([[-1], gram[:-1]])
        return given

    def score_text(self, text: str) -> TextScore:
        """Return how well a text is predicted: nats, bits and perplexity.

        Raises
        ------
        DataError
            If the text is empty, or has characters that the fitted one has not.
        """
        given = self.probabilities(text)
        return TextScore(float(-np.log(given).sum()), len(given), len(text))

    def perplexity(self, text: str) -> float:
        """Return e to the mean nats per token of a text."""
        return self.score_text(text).perplexity

    def bits_per_character(self, text: str) -> float:
        """Return the bits that a text takes, by the number of its characters."""
        return self.score_text(text).bits_per_character


def _count(tokens: Integers, size: int, order: int) -> list[_Grams]:
    """Count all n-grams of 1 to `order` tokens."""
    counted = []
    context = np.zeros(len(tokens), np.int64)  # the number of the (n-1)-gram before each token that has one
    contexts = 1
    for n in range(1, min(order, len(tokens)) + 1):
        keys, number, counts = np.unique(context * size + tokens[n - 1 :], return_inverse=True, return_counts=True)
        before = keys // size
        followers = np.bincount(before, minlength=contexts)
        followed = np.bincount(before, counts, minlength=contexts).astype(np.int64)
        counted.append(_Grams(keys, counts, followers, followed))
        context, contexts = number[:-1], len(keys)
    return counted
