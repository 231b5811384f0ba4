import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.errors import DataError
from tsrnn.sequences.cases import ChannelScaler, as_table, read_sequences, read_texts, split_cases
from tsrnn.sequences.vocabulary import Vocabulary

NAN = np.nan


def read(X, keep_length=False):
    return [case.T.tolist() for case in read_sequences(X, keep_length=keep_length)[0]]


def test_arrays_and_lists_of_the_same_numbers_are_the_same_cases():
    flat = np.arange(12.0).reshape(2, 6)
    for X in (flat, flat[:, None, :], list(flat), [row[None] for row in flat], flat.tolist()):
        assert read(X) == [[flat[0].tolist()], [flat[1].tolist()]]
    assert read_sequences(flat, keep_length=False)[1]
    assert not read_sequences(list(flat), keep_length=False)[1]
    channels = [np.arange(6.0).reshape(2, 3), np.arange(8.0).reshape(2, 4)]
    assert read(channels) == [channel.tolist() for channel in channels]


def test_what_is_a_table_is_told_from_a_list_of_sequences():
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.ones(3), np.ones(4)]
    for table in ([[1, 2], [3, 4]], [np.ones(2), np.ones(2)], np.ones((2, 3)), pd.DataFrame({"a": [1]}), [1, 2], []):
        assert as_table(table) is table
    for other in ([[1, 2], [3]], [np.ones((1, 2)), np.ones((1, 2))], np.ones((2, 1, 3)), ragged):
        assert as_table(other) is None


def test_a_gap_is_bridged_by_a_line_and_at_an_end_by_the_nearest_value():
    assert read([[NAN, 1, NAN, NAN, 4, 5]]) == [[[1, 1, 2, 3, 4, 5]]]
    assert read([[[1, NAN, 3], [NAN, NAN, 5]]]) == [[[1, 2, 3], [5, 5, 5]]]


def test_missing_steps_at_the_end_are_no_part_of_a_sequence_unless_steps_are_labelled():
    X = np.array([[[1, 2, NAN, NAN], [1, NAN, NAN, NAN]], [[1, 2, 3, 4], [1, 2, 3, NAN]]])
    assert read(X) == [[[1, 2], [1, 1]], [[1, 2, 3, 4], [1, 2, 3, 3]]]
    assert read(X, keep_length=True) == [[[1, 2, 2, 2], [1, 1, 1, 1]], [[1, 2, 3, 4], [1, 2, 3, 3]]]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([], "X has 0 cases"),
        (np.ones((1, 2, 3, 4)), r"X is an array of shape \(1, 2, 3, 4\); expected"),
        ([[1.0], []], "1 of 2 sequences is empty: case 1"),
        ([[NAN, NAN], [1, 2]], "1 of 2 sequences is empty: case 0"),
        ([[1, np.inf], [1, 2], [3, 1e101]], r"2 of 3 sequences hold infinity or numbers beyond 1e\+100: cases 0, 2"),
        ([np.ones((2, 3)), np.ones(3)], "1 of 2 sequences has another number of channels than the first, which has 2"),
        ([np.ones((1, 2, 3))], r"Case 0 has shape \(1, 2, 3\)"),
        ([[1, 2], ["a", "b"]], "Case 1 cannot be read as numbers .*tokens='char'"),
        ([[1j], [2]], "Complex data not supported"),
    ],
)
def test_what_is_no_sequence_of_numbers_is_named(X, message):
    with pytest.raises(DataError, match=message):
        read_sequences(X, keep_length=False)


def test_with_labelled_steps_a_sequence_without_any_value_is_an_error_too():
    with pytest.raises(DataError, match="2 of 3 sequences are empty: cases 0, 2"):
        read_sequences([[NAN, NAN], [1, 2], []], keep_length=True)


def test_channels_are_scaled_by_the_training_cases():
    cases, _ = read_sequences([[[1, 3], [5, 5]], [[2, 2], [5, 5]]], keep_length=False)
    scaler = ChannelScaler.of(cases, "channel")
    assert scaler.loc.tolist() == [2, 5]
    assert scaler.scale.tolist() == [np.sqrt(0.5), 1]  # a constant channel is left alone
    new = scaler.read([np.array([[3.0, 6.0]])])
    torch.testing.assert_close(new.data, torch.tensor([[np.sqrt(2), 1.0]], dtype=torch.float32))


def test_each_case_may_be_scaled_by_itself():
    cases, _ = read_sequences([[1, 3, 5], [100, 300, 500], [7, 7, 7]], keep_length=False)
    values = ChannelScaler.of(cases, "case").read(cases).data.reshape(3, 3)
    torch.testing.assert_close(values[0], values[1])
    assert not values[2].any()
    plain = ChannelScaler.of(cases, "none").read(cases).data
    assert plain.flatten().tolist() == [1, 3, 5, 100, 300, 500, 7, 7, 7]


def test_a_channel_without_a_value_counts_as_its_mean_and_wild_numbers_stay_finite():
    cases, _ = read_sequences([[[1, 2, 3], [4, 5, 6]], [[1, 2, 3], [NAN, NAN, NAN]]], keep_length=False)
    for scaling in ("channel", "case"):
        scaler = ChannelScaler.of(cases, scaling)
        assert not scaler.read(cases).data[3:, 1].any()
        assert torch.isfinite(scaler.read([np.full((2, 2), 1e99)]).data).all()


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_a_batch_has_the_steps_of_its_cases_and_repeats_the_last(lengths):
    cases, _ = read_sequences([np.arange(1.0, n + 1) + 10 * i for i, n in enumerate(lengths)], keep_length=False)
    flat = ChannelScaler.of(cases, "none").read(cases)
    index = np.arange(len(lengths))[::-1].copy()
    x, found, rows = flat.gather(index)
    assert found.tolist() == [lengths[i] for i in index]
    assert torch.equal(flat.data[rows], x)
    for row, i in enumerate(index):
        expected = [10 * i + min(step, lengths[i]) for step in range(1, max(lengths) + 1)]
        assert x[row, :, 0].tolist() == expected


def test_texts_are_split_and_sequences_of_tokens_taken_as_they_are():
    assert split_cases(["Good  day!", ["Two words", "x"], ("A",)], "word") == [
        ["good", "day", "!"],
        ["two words", "x"],
        ["a"],
    ]
    assert split_cases(["aB c"], "char") == [["a", "B", " ", "c"]]
    assert split_cases(pd.Series(["ab"]), "char") == [["a", "b"]]


def test_unknown_tokens_have_the_number_0():
    vocabulary = Vocabulary(("a", "two words"), "word", unknown=True)
    cases = read_texts([["two words", "b"], ["a"]], vocabulary)
    assert cases.data.tolist() == [2, 0, 1]
    assert cases.lengths.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one text", "X is a str; expected a list of texts"),
        (pd.DataFrame({"text": ["so good"]}), "X is a DataFrame; expected a list of texts, one for each case"),
        ({"so good": 1}, "X is a dict; expected a list of texts"),
        ({"so good"}, "X is a set; expected a list of texts"),
        ([], "X has 0 cases"),
        (["a", ""], "1 of 2 sequences is empty: case 1"),
        (["a", " \n"], "1 of 2 sequences is empty: case 1"),
        (["a", 5, None], r"2 of 3 cases are no text: 1 \(int\), 2 \(NoneType\)"),
        ([["a", 1]], r"1 of 1 case is no text: 0 \(list\)"),
        (
            [["a", ""]],
            r"1 of 1 case is no text: 0 \(list\)\. Expected strings, or lists of tokens, none of them empty",
        ),
        ([1.5], "for sequences of numbers leave tokens=None"),
    ],
)
def test_what_is_no_text_is_named(X, message):
    with pytest.raises(DataError, match=message):
        split_cases(X, "word")


def test_texts_without_a_kind_of_token_are_an_error():
    with pytest.raises(DataError, match="Choose tokens='char' or tokens='word'"):
        as_table(["some", "texts"])


@pytest.mark.parametrize(
    "X", [None, {"a": [1, 2]}, {1.0, 2.0}, ([k, k + 1] for k in range(3))], ids=["None", "dict", "set", "generator"]
)
def test_what_has_no_order_or_no_length_is_no_table(X):
    with pytest.raises(DataError, match=f"X is a {type(X).__name__}; expected an array, or a list of arrays"):
        as_table(X)
