from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.sequences.text_streams import TextStreams, stream_batches

START = 999


def epoch_of(streams, epoch):
    steps = streams.steps_per_epoch
    return [streams.draw(epoch * steps + step) for step in range(1, steps + 1)]


def test_batches_go_on_where_the_ones_before_them_ended():
    streams = TextStreams(torch.arange(103), n_streams=4, length=6, start=START, seed=1)
    batches = epoch_of(streams, 0)
    assert [batch.first for batch in batches] == [True] + [False] * (len(batches) - 1)
    targets = torch.cat([batch.targets for batch in batches], 1)
    inputs = torch.cat([batch.inputs for batch in batches], 1)
    assert targets.shape == (4, 25)
    assert (inputs[:, 0] == START).all()
    expected = torch.where(targets[:, 1:] == 0, START, targets[:, :-1])  # the text begins anew in one of them
    assert torch.equal(inputs[:, 1:], expected)
    steps = (targets[:, 1:] - targets[:, :-1]) % 103
    assert (steps == 1).all()
    lengths = {batch.targets.shape[1] for batch in batches}
    assert lengths <= {6, 7}


@given(st.integers(1, 200), st.integers(1, 12), st.integers(1, 30), st.integers(0, 3))
def test_each_token_is_a_target_once_per_epoch_but_for_a_rest(n, n_streams, length, epoch):
    streams = TextStreams(torch.arange(n), n_streams, length, START, seed=0)
    seen = Counter(t for batch in epoch_of(streams, epoch) for t in batch.targets.flatten().tolist())
    assert set(seen.values()) == {1}
    assert n - len(seen) < min(n, n_streams)


def test_every_epoch_is_cut_at_another_place_and_a_step_is_always_the_same():
    streams = TextStreams(torch.arange(1000), 4, 10, START, seed=3)
    first = [batch[0].targets[0, 0].item() for batch in (epoch_of(streams, epoch) for epoch in range(5))]
    assert len(set(first)) == 5
    again = TextStreams(torch.arange(1000), 4, 10, START, seed=3)
    assert torch.equal(again.draw(77).targets, streams.draw(77).targets)
    assert not torch.equal(TextStreams(torch.arange(1000), 4, 10, START, seed=4).draw(1).targets, again.draw(1).targets)


@given(st.integers(0, 200), st.integers(1, 8), st.integers(1, 50))
def test_streams_to_be_judged_hold_each_token_once(n, n_streams, length):
    batches = stream_batches(torch.arange(n), n_streams, length, START)
    targets = sorted(t for batch in batches for t in batch.targets.flatten().tolist())
    assert targets == list(range(n))
    assert all(0 < batch.targets.shape[1] <= length for batch in batches)


def test_one_stream_is_the_text_in_order_with_the_token_before_each_target():
    batches = stream_batches(torch.arange(10, 21), 1, 4, START)
    assert torch.cat([batch.targets for batch in batches], 1).tolist() == [list(range(10, 21))]
    assert torch.cat([batch.inputs for batch in batches], 1).tolist() == [[START, *range(10, 20)]]
    assert [batch.first for batch in batches] == [True, False, False]


@pytest.mark.parametrize(("n", "expected"), [(1000, 3), (5, 1)])
def test_an_epoch_has_as_many_steps_as_pieces(n, expected):
    assert TextStreams(torch.arange(n), 10, 30, START, 0).steps_per_epoch == expected
