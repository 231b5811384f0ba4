import math
from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn import load_text
from tsrnn.errors import DataError, ParameterError
from tsrnn.sequences.ngram import NgramBaseline


def witten_bell(text, order):
    """The definition, word for word, in exact fractions: a function of a context and the character after it."""
    letters, count, after = sorted(set(text)), Counter(), defaultdict(set)
    for n in range(1, order + 1):
        for end in range(n, len(text) + 1):
            gram = text[end - n : end]
            count[gram] += 1
            after[gram[:-1]].add(gram[-1])

    def probability(context, letter):
        lower = probability(context[1:], letter) if context else Fraction(1, len(letters))
        if not after[context]:
            return lower
        total, kinds = sum(count[context + other] for other in after[context]), len(after[context])
        return (count[context + letter] + kinds * lower) / (total + kinds)

    return probability


def test_a_case_worked_by_hand():
    # "aab": c(a) = 2, c(b) = 1 and two kinds, so P(a) = (2 + 2/2)/5 = 3/5 and P(b) = 2/5.
    # After "a" came a and b: P(a | a) = (1 + 2 · 3/5)/4 = 11/20. "b" stands at the end, so P(a | b) = P(a).
    baseline = NgramBaseline(order=2).fit("aab")
    np.testing.assert_allclose(baseline.probabilities("aaba"), [3 / 5, 11 / 20, 9 / 20, 3 / 5], rtol=1e-15)


@settings(deadline=None, max_examples=60)
@given(st.text("abc", min_size=1, max_size=30), st.text("abc", min_size=1, max_size=30), st.integers(1, 5))
def test_probabilities_are_those_of_the_definition(text, other, order):
    other = "".join(letter for letter in other if letter in text) or text
    oracle = witten_bell(text, order)
    found = NgramBaseline(order).fit(text).probabilities(other)
    expected = [float(oracle(other[max(0, i - order + 1) : i], letter)) for i, letter in enumerate(other)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_probabilities_of_all_that_may_follow_sum_to_one():
    text = load_text("hamlet")[:5000]
    baseline = NgramBaseline().fit(text)
    for context in ("Ham.\nTo", "zqx", "\n\n"):
        letters = baseline.vocabulary_.items
        after = [baseline.probabilities(context + letter)[-1] for letter in letters if set(context) <= set(letters)]
        assert not after or sum(after) == pytest.approx(1, abs=1e-12)


def test_longer_contexts_help_on_a_play_until_they_are_too_rare():
    text = load_text("hamlet")
    known, new = text[:150_000], text[150_000:]
    bits = [NgramBaseline(order).fit(known).bits_per_character(new) for order in (1, 2, 3, 5)]
    assert bits == sorted(bits, reverse=True)
    assert bits[0] > 4
    assert bits[-1] < 2.9
    assert NgramBaseline(5).fit(known).perplexity(new) == pytest.approx(2 ** bits[-1])


def test_words_are_predicted_too_and_new_ones_have_a_probability():
    baseline = NgramBaseline(order=3, tokens="word").fit("to be or not to be. " * 30)
    found = baseline.probabilities("to be or golly")
    assert found.shape == (7,)
    assert (found > 0).all()
    assert found[:-1].min() > found[-1]
    score = baseline.score_text("to be or")
    assert (score.n_tokens, score.n_characters) == (5, 8)
    assert score.bits_per_character == pytest.approx(math.log2(score.perplexity) * 5 / 8)


def test_a_text_shorter_than_the_order_is_no_trouble():
    assert NgramBaseline(order=6).fit("ab").probabilities("ba").shape == (2,)
    assert NgramBaseline(order=6).fit("a").perplexity("aaa") == pytest.approx(1)


def test_impossible_texts_and_orders_are_errors():
    with pytest.raises(DataError, match="text is empty: it has 0 characters"):
        NgramBaseline().fit("")
    with pytest.raises(ParameterError, match=r"text is of type bytes: expected one str\. Decode it first"):
        NgramBaseline().fit(b"ab")
    with pytest.raises(ParameterError, match="order=0: expected a whole number, 1 or more"):
        NgramBaseline(order=0).fit("ab")
    with pytest.raises(DataError, match="1 character is not in the vocabulary of 2, for example 'c'"):
        NgramBaseline().fit("ab").probabilities("abc")
    with pytest.raises(DataError, match="text is empty"):
        NgramBaseline().fit("ab").perplexity("")
