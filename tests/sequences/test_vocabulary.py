import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.errors import DataError, ParameterError
from tsrnn.sequences.vocabulary import UNKNOWN, Vocabulary, split_text


@given(st.text(), st.sampled_from(["char", "word"]))
def test_the_joined_tokens_are_the_text(text, tokens):
    assert "".join(split_text(text, tokens)) == text


@given(st.lists(st.text(), min_size=1), st.sampled_from(["char", "word"]), st.booleans())
def test_a_text_is_decoded_as_it_was_encoded_and_written_and_read(texts, tokens, unknown):
    vocabulary = Vocabulary.of(texts, tokens, unknown=unknown)
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary
    for text in texts:
        numbers = vocabulary.encode(text)
        assert vocabulary.decode(numbers) == text
        assert vocabulary.decode(numbers.tolist()) == text
        assert not unknown or 0 not in numbers


def test_words_keep_their_apostrophes_and_hyphens_and_marks_stand_alone():
    assert split_text("O'er the well-known\n sea...", "word") == [
        *("O'er", " ", "the", " ", "well-known", "\n ", "sea", ".", ".", "."),
    ]
    assert split_text("So, GOOD!", "word", lowercase=True, spaces=False) == ["so", ",", "good", "!"]
    assert split_text("a b", "char", spaces=False) == ["a", "b"]


def test_numbers_follow_the_order_of_code_points():
    assert Vocabulary.of(["cab", "Z"], "char").items == ("Z", "a", "b", "c")
    assert Vocabulary.of(["cab", "Z"], "char").encode("abcZ").tolist() == [1, 2, 3, 0]


def test_unknown_tokens_have_the_number_0_or_are_an_error():
    known = Vocabulary.of(["good day"], "word", unknown=True, spaces=False, lowercase=True)
    assert len(known) == 3
    assert known.encode("Good GOLLY day").tolist() == [2, 0, 1]
    assert known.decode(known.encode("golly")) == UNKNOWN
    strict = Vocabulary.of(["abc"], "char")
    with pytest.raises(DataError, match=r"2 characters are not in the vocabulary of 3, for example 'x', 'y'\. Remove"):
        strict.encode("axyb")
    with pytest.raises(DataError, match="1 word is not in the vocabulary of 1, for example 'b'"):
        Vocabulary.of(["a"], "word").encode("b")


def test_rare_tokens_are_left_out():
    texts = ["a a a b b c d d"]
    pick = {"tokens": "word", "spaces": False, "unknown": True}
    assert Vocabulary.of(texts, min_count=2, **pick).items == ("a", "b", "d")
    assert Vocabulary.of(texts, max_size=3, **pick).items == ("a", "b")
    assert len(Vocabulary.of(texts, max_size=3, **pick)) == 3
    with pytest.raises(ParameterError, match="leave tokens out: expected unknown=True"):
        Vocabulary.of(texts, "word", min_count=2)
    with pytest.raises(ParameterError, match="min_count=0, max_size=None"):
        Vocabulary.of(texts, "word", min_count=0)


def test_an_empty_text_has_no_tokens():
    numbers = Vocabulary.of(["ab"], "char").encode("")
    assert numbers.shape == (0,)
    assert numbers.dtype == np.int64


def test_a_number_without_a_token_and_an_unknown_kind_are_errors():
    with pytest.raises(ParameterError, match=r"\[2, -1\]: expected numbers from 0 to 1"):
        Vocabulary.of(["ab"], "char").decode([0, 2, -1])
    with pytest.raises(ParameterError, match="tokens='byte': expected one of 'char', 'word'"):
        Vocabulary.of(["ab"], "byte")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items": ["a", "a"]}, "1 of the vocabulary's 2 tokens are repeated"),
        ({"items": "ab"}, "no list of tokens"),
        ({"items": [1]}, "no list of tokens"),
        ({"items": [""]}, "no list of tokens"),
        ({"tokens": "byte"}, "tokens='byte'"),
        ({"unknown": 1}, r"\[False, True, 1\]"),
        ({"more": 1}, "not one that tsrnn wrote"),
    ],
)
def test_a_damaged_vocabulary_is_refused(change, message):
    content = Vocabulary.of(["ab"], "char").to_json() | change
    with pytest.raises(DataError, match=message):
        Vocabulary.from_json(content)
