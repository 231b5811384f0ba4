import math

import pytest
import torch
from torch import nn

from tsrnn.networks.language_network import LanguageNetwork, LanguageSize

CELLS = ("gru", "lstm", "rnn")


def network_of(cell="gru", layers=1, dropout=0.0, vocabulary=7, weight_dropout=0.0):
    torch.manual_seed(0)
    network = LanguageNetwork(LanguageSize(vocabulary, cell, 5, 9, layers, dropout, weight_dropout))
    nn.init.normal_(network.head.weight)
    return network


def same(state, other):
    parts = (state, other) if isinstance(state, tuple) else ((state,), (other,))
    return all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*parts, strict=True))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_carried_state_makes_pieces_equal_to_the_whole(cell, layers):
    network, tokens = network_of(cell, layers), torch.randint(0, 8, (3, 20))
    whole, end = network(tokens)
    assert whole.shape == (3, 20, 7)
    first, state = network(tokens[:, :11])
    rest, state = network(tokens[:, 11:], state)
    assert torch.allclose(torch.cat([first, rest], 1), whole, atol=1e-6)
    assert same(state, end)


@pytest.mark.parametrize("cell", CELLS)
def test_what_comes_later_changes_nothing_before(cell):
    network, tokens = network_of(cell), torch.randint(0, 8, (2, 12))
    other = tokens.clone()
    other[:, 6:] = torch.randint(0, 8, (2, 6))
    assert torch.equal(network(tokens)[0][:, :6], network(other)[0][:, :6])


def test_an_untrained_network_predicts_by_the_frequencies_it_starts_from():
    network = LanguageNetwork(LanguageSize(4, hidden_size=8))
    network.start_from(torch.tensor([0.1, 0.2, 0.3, 0.4]))
    logits, _ = network(torch.randint(0, 5, (2, 6)))
    shares = torch.softmax(logits, -1)
    assert torch.allclose(shares, torch.tensor([0.1, 0.2, 0.3, 0.4]).expand(2, 6, 4))


def test_the_start_of_a_text_has_a_number_of_its_own():
    network = network_of()
    assert network.embed.num_embeddings == 8
    logits, _ = network(torch.tensor([[7]]))
    assert torch.isfinite(logits).all()


def test_dropout_acts_in_training_alone():
    network, tokens = network_of(layers=2, dropout=0.5), torch.randint(0, 8, (2, 12))
    network.eval()
    assert torch.equal(network(tokens)[0], network(tokens)[0])
    network.train()
    assert not torch.equal(network(tokens)[0], network(tokens)[0])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_dropping_weights_in_training_is_reading_with_a_share_of_the_recurrent_ones_at_0(cell, layers):
    network, tokens = network_of(cell, layers, weight_dropout=0.25), torch.randint(0, 8, (3, 20))
    whole = network.eval()(tokens)[0]
    assert torch.equal(network(tokens)[0], whole)
    torch.manual_seed(4)
    found, end = network.train()(tokens)
    other, kept = network_of(cell, layers).eval(), []
    torch.manual_seed(4)
    for name, part in other.cell.named_parameters():
        if name.startswith("weight_hh"):
            kept.append(nn.functional.dropout(torch.ones_like(part), 0.25))
            part.data *= kept[-1]
    assert len(kept) == layers
    assert torch.cat(kept).unique().tolist() == pytest.approx([0, 1 / 0.75])
    expected, state = other(tokens)
    assert torch.allclose(found, expected, atol=1e-6)
    assert same(end, state)
    assert not torch.allclose(found, network(tokens)[0], atol=1e-3)  # other weights for the next batch
    assert torch.equal(network.eval()(tokens)[0], whole)


@pytest.mark.parametrize("cell", CELLS)
def test_dropped_weights_get_no_gradient_and_the_others_learn(cell):
    network, tokens = network_of(cell, weight_dropout=0.5), torch.randint(0, 8, (3, 20))
    torch.manual_seed(4)
    network.train()(tokens)[0].square().sum().backward()
    torch.manual_seed(4)
    kept = nn.functional.dropout(torch.ones_like(network.cell.weight_hh_l0), 0.5) > 0
    assert torch.equal(network.cell.weight_hh_l0.grad != 0, kept)
    assert all((part.grad != 0).any() for part in network.parameters())


def test_thinned_weights_are_converted_once_a_batch_in_mixed_precision():
    network = network_of(layers=2, weight_dropout=0.5)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = network._thinned_weights()
    plain = network._thinned_weights()
    assert set(mixed) == set(plain) == {"weight_hh_l0", "weight_hh_l1"}
    assert {part.dtype for part in mixed.values()} == {torch.bfloat16}
    assert {part.dtype for part in plain.values()} == {torch.float32}


def test_a_network_overfits_a_short_text():
    network, tokens = network_of(), torch.randint(0, 7, (1, 21))
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(150):
        logits, _ = network(tokens[:, :-1])
        loss = nn.functional.cross_entropy(logits[0], tokens[0, 1:])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1 < math.log(7)
