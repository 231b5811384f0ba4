from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tests.networks.test_convolution import padded
from tsrnn.networks.cells import RECURRENT
from tsrnn.networks.sequence_network import SequenceNetwork, SequenceSize, pooling_for, reverse

PLAIN = SequenceSize(n_inputs=3, n_classes=4, hidden_size=6)
FRONT = replace(PLAIN, filters=(5, 7))


def network_of(size):
    torch.manual_seed(0)
    return SequenceNetwork(size).eval()


def test_reversing_twice_gives_the_sequences_back():
    x, mask, lengths = padded([4, 1, 6])
    assert torch.equal(reverse(reverse(x, lengths), lengths)[mask], x[mask])
    assert torch.equal(reverse(x, lengths)[0, :4], x[0, :4].flip(0))


@pytest.mark.parametrize("cell", RECURRENT)
@pytest.mark.parametrize("each_step", [False, True])
def test_both_directions_are_those_of_torch_on_packed_sequences(cell, each_step):
    network = network_of(replace(PLAIN, cell=cell, each_step=each_step))
    x, mask, lengths = padded([4, 1, 6])
    oracle = RECURRENT[cell](3, 6, batch_first=True, bidirectional=True)
    weights = network.ahead.state_dict() | {f"{k}_reverse": v for k, v in network.back.state_dict().items()}
    oracle.load_state_dict(weights)
    packed, final = oracle(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    if each_step:
        features = pad_packed_sequence(packed, batch_first=True)[0]
    else:
        features = torch.cat(list(final[0] if cell == "lstm" else final), -1)
    expected, found = network.head(features), network(x, lengths)
    torch.testing.assert_close(found[mask] if each_step else found, expected[mask] if each_step else expected)


@pytest.mark.parametrize("each_step", [False, True])
@pytest.mark.parametrize("filters", [(), (5, 7)])
@pytest.mark.parametrize("pooled", [1, 3])
def test_padding_changes_no_score(each_step, filters, pooled):
    network = network_of(replace(PLAIN, each_step=each_step, filters=filters, pooled=pooled))
    x, _, lengths = padded([4, 1, 8])
    wide, _, _ = padded([4, 1, 8], beyond=5)
    wide[:, :8] = x
    out, other = network(x, lengths), network(wide, lengths)
    for case, length in enumerate(lengths.tolist()):
        alone = network(x[case : case + 1, :length], lengths[case : case + 1])[0]
        part = slice(None, length) if each_step else slice(None)
        torch.testing.assert_close(out[case][part], alone[part], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(other[case][part], alone[part], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "size",
    [PLAIN, replace(FRONT, cell="rnn"), replace(FRONT, cell="lstm", pooled=2, num_layers=2)],
    ids=["plain", "front", "deep"],
)
def test_a_network_learns_ten_sequences_by_heart(size):
    network = network_of(size).train()
    x, mask, lengths = padded([5, 9, 7, 9, 8, 5, 6, 9, 9, 7])
    x = torch.where(mask[..., None], x, 0.0)
    target = torch.arange(10) % 4
    optimiser = torch.optim.Adam(network.parameters(), 0.03)
    for _ in range(100):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(x, lengths), target)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1


def test_without_a_backward_cell_and_a_front_end_a_step_sees_nothing_after_it():
    x, _, lengths = padded([8, 8])
    later = x.clone()
    later[:, 5:] += 1.0
    for bidirectional in (False, True):
        network = network_of(replace(PLAIN, bidirectional=bidirectional, each_step=True))
        before, after = network(x, lengths)[:, :5], network(later, lengths)[:, :5]
        assert torch.allclose(before, after) is not bidirectional


def test_tokens_are_embedded():
    network = network_of(replace(PLAIN, n_inputs=11, embedding_size=3))
    numbers, lengths = torch.tensor([[10, 0, 3], [4, 4, 0]]), torch.tensor([3, 2])
    plain = network_of(PLAIN)
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith("embedding")})
    torch.testing.assert_close(network(numbers, lengths), plain(network.embedding.weight[numbers], lengths))


@pytest.mark.parametrize("longest", [1, 47, 48, 49, 96, 1460])
def test_pooling_leaves_at_most_so_many_steps(longest):
    pooled = pooling_for(longest, 48)
    assert -(-longest // pooled) <= 48
    assert pooled == 1 or -(-longest // (pooled - 1)) > 48
