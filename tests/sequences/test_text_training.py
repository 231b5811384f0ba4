from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tsrnn.networks.language_network import LanguageNetwork, LanguageSize
from tsrnn.sequences.text_streams import TextStreams, stream_batches
from tsrnn.sequences.text_training import (
    StreamTraining,
    TextPlan,
    next_logits,
    read_stream,
    stream_nats,
    train_language_network,
)
from tsrnn.training.checkpoint import Checkpoint

PLAN = TextPlan(
    n_streams=4, length=8, max_epochs=3, learning_rate=0.02, weight_decay=0.0, patience=100, validations_per_epoch=3,
    time_budget=None, mixed_precision=False, seed=5,
)  # fmt: skip
TOKENS = torch.from_numpy(np.random.default_rng(0).integers(0, 5, 400))


class Interrupted(Exception):
    """Stands for a kill."""


def network_of(cell="gru", dropout=0.0, weight_dropout=0.0):
    torch.manual_seed(1)
    network = LanguageNetwork(LanguageSize(5, cell, 4, 10, 1, dropout, weight_dropout))
    nn.init.normal_(network.head.weight, std=0.5)
    return network


def one_by_one(network, tokens):
    """The nats of each token, read one at a time with the state carried: the definition."""
    nats, state, before = [], None, network.size.vocabulary_size
    for token in tokens.tolist():
        logits, state = network(torch.tensor([[before]]), state)
        nats.append(-torch.log_softmax(logits[0, 0].double(), 0)[token].item())
        before = token
    return nats


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_nats_of_a_stream_are_those_of_its_tokens_one_by_one(cell, monkeypatch):
    network = network_of(cell).eval()
    monkeypatch.setattr("tsrnn.sequences.text_training.READING_LENGTH", 37)
    np.testing.assert_allclose(stream_nats(network, TOKENS), one_by_one(network, TOKENS), rtol=1e-5)
    states, logits, state = read_stream(network, TOKENS)
    assert states.shape == (400, 10)
    for token in (3, 1):
        expected = one_by_one(network, torch.cat([TOKENS, torch.tensor([token])]))[-1]
        assert -torch.log_softmax(logits.double(), 0)[token].item() == pytest.approx(expected, rel=1e-5)
    after, _ = next_logits(network, 2, state)
    expected = one_by_one(network, torch.cat([TOKENS, torch.tensor([2, 4])]))[-1]
    assert -torch.log_softmax(after.double(), 0)[4].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_state_goes_on_from_batch_to_batch_but_gradients_do_not(cell):
    network = network_of(cell)
    streams = TextStreams(TOKENS, 4, 8, 5, seed=0)
    module = StreamTraining(network, 4, mixed_precision=False)
    first, second = streams.draw(1), streams.draw(2)
    module.loss(first).loss.backward()
    network.zero_grad()
    carried = module.loss(second).loss
    carried.backward()  # would fail if it went back into the first batch's graph
    whole, _ = network(torch.cat([first.inputs, second.inputs], 1))
    later = whole[:, first.inputs.shape[1] :]
    expected = nn.functional.cross_entropy(later.flatten(0, 1), second.targets.flatten())
    assert carried.item() == pytest.approx(expected.item(), rel=1e-5)
    with torch.no_grad():
        cold, _ = network(second.inputs)
    assert carried.item() != pytest.approx(
        nn.functional.cross_entropy(cold.flatten(0, 1), second.targets.flatten()).item(), rel=1e-5
    )


def test_a_judgement_between_two_batches_does_not_disturb_the_state_of_training():
    network, streams = network_of(), TextStreams(TOKENS, 4, 8, 5, seed=0)
    losses = []
    for judged in (False, True):
        module = StreamTraining(network, 4, mixed_precision=False)
        module.loss(streams.draw(1))
        if judged:
            module.eval()
            for batch in stream_batches(TOKENS, 3, 50, 5):
                module.loss(batch)
            module.train()
        losses.append(module.loss(streams.draw(2)).loss.item())
    assert losses[0] == losses[1]


def test_the_held_back_part_is_judged_with_carried_state_and_by_tokens():
    network = network_of().eval()
    module = StreamTraining(network, 4, mixed_precision=False).eval()
    outcomes = [module.loss(batch) for batch in stream_batches(TOKENS[:101], 1, 30, 5)]
    mean = sum(o.loss.item() * o.weight for o in outcomes) / sum(o.weight for o in outcomes)
    assert mean == pytest.approx(stream_nats(network, TOKENS[:101]).mean().item(), rel=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_an_interrupted_training_goes_on_in_the_middle_of_a_stream(tmp_path, cell):
    plan, held_back = replace(PLAN, validations_per_epoch=5), TOKENS[300:]
    straight = network_of(cell, dropout=0.2, weight_dropout=0.3)
    torch.manual_seed(7)
    expected = train_language_network(straight, TOKENS[:300], held_back, plan)

    def interrupt(state):
        if state.step >= 12:
            raise Interrupted

    checkpoint = Checkpoint(tmp_path / "c.safetensors", {})
    killed = network_of(cell, dropout=0.2, weight_dropout=0.3)
    torch.manual_seed(7)
    with pytest.raises(Interrupted):
        train_language_network(killed, TOKENS[:300], held_back, plan, interrupt, checkpoint=checkpoint)
    resumed = network_of(cell, dropout=0.2, weight_dropout=0.3)
    found = train_language_network(resumed, TOKENS[:300], held_back, plan, checkpoint=checkpoint)
    assert [row.validation_loss for row in found.history] == [row.validation_loss for row in expected.history]
    for name, value in straight.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value)


def test_training_lowers_the_loss_on_a_text_that_repeats_itself():
    tokens = torch.tensor([0, 1, 2, 3, 4, 3] * 100)
    network = network_of()
    before = stream_nats(network, tokens[500:]).mean()
    record = train_language_network(network, tokens[:500], tokens[500:], replace(PLAN, max_epochs=15))
    assert stream_nats(network, tokens[500:])[10:].mean() < 0.1 < before
    assert record.history[-1].validation_loss < record.history[0].validation_loss
    assert not network.training


def test_mixed_precision_computes_nearly_the_same_loss_and_changes_judgement_not_at_all():
    network, batch = network_of(), TextStreams(TOKENS, 4, 8, 5, seed=0).draw(1)
    plain, mixed = (StreamTraining(network, 4, mixed_precision=mode) for mode in (False, True))
    assert mixed.loss(batch).loss.dtype == torch.float32
    assert mixed.loss(batch).loss.item() == pytest.approx(plain.loss(batch).loss.item(), rel=0.02)
    assert mixed.loss(batch).loss.item() != plain.loss(batch).loss.item()
    assert mixed.carried_h.dtype == torch.float32
    for module in (plain, mixed):
        module.eval()
    assert mixed.loss(batch).loss.item() == plain.loss(batch).loss.item()


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_mixed_precision_drops_the_same_weights_and_learns_nearly_the_same(cell):
    losses, gradients = [], []
    for mixed in (False, True):
        network, batch = network_of(cell, weight_dropout=0.4), TextStreams(TOKENS, 4, 8, 5, seed=0).draw(1)
        torch.manual_seed(2)
        loss = StreamTraining(network, 4, mixed).loss(batch).loss
        loss.backward()
        losses.append(loss.item())
        gradients.append(network.cell.weight_hh_l0.grad)
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert gradients[1].dtype == torch.float32
    assert torch.equal(gradients[0] == 0, gradients[1] == 0)
    assert (gradients[0] - gradients[1]).norm() < 0.05 * gradients[0].norm()


def test_without_anything_held_back_the_last_weights_are_kept():
    network = network_of()
    record = train_language_network(network, TOKENS, TOKENS[:0], PLAN)
    assert record.best_step == record.history[-1].step == 3 * 12  # 400 tokens in 4 streams, about 8 at a time
    assert all(np.isnan(row.validation_loss) for row in record.history)
