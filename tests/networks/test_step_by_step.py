"""The networks that forecast one patch at a time: sequence to one, and the autoregressive decoder."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tsrnn.networks.autoregressive import AutoregressiveNetwork
from tsrnn.networks.final_state import FinalStateNetwork
from tsrnn.networks.losses import quantile_loss
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs, make_inputs

SIZE = NetworkSize(context_length=24, horizon=12, patch_length=4, seasons=(4,), hidden_size=16, dropout=0.0)


def inputs_of(size: NetworkSize, n: int = 10, seed: int = 0) -> Inputs:
    rng = np.random.default_rng(seed)
    y = torch.from_numpy(rng.normal(size=(n, size.context_length)).cumsum(1))
    observed = torch.from_numpy(rng.random((n, size.context_length)) > 0.1)
    return make_inputs(y, observed, "seasonal", size.seasons, size.horizon)[0]


def network_of(size: NetworkSize, seed: int = 0) -> AutoregressiveNetwork | FinalStateNetwork:
    torch.manual_seed(seed)
    kind = FinalStateNetwork if size.horizon <= size.patch_length else AutoregressiveNetwork
    return kind(size).eval()


@pytest.mark.parametrize("horizon", [4, 12])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_it_overfits_ten_windows(cell, horizon):
    size = replace(SIZE, cell=cell, horizon=horizon, hidden_size=32)
    network, inputs = network_of(size).train(), inputs_of(size)
    target = torch.from_numpy(np.random.default_rng(1).normal(size=(10, horizon))).float()
    observed, levels = torch.ones(10, horizon, dtype=torch.bool), torch.tensor(size.quantiles)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for _ in range(150):
        loss = quantile_loss(network.training_quantiles(inputs, target, observed, 0.0), target, observed, levels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.15 * losses[0]


@pytest.mark.parametrize("horizon", [4, 10])
def test_before_training_the_first_patch_is_a_mixture_of_the_profiles(horizon):
    size = replace(SIZE, horizon=horizon)
    inputs = inputs_of(size)
    median = network_of(size)(inputs)[:, :4, size.quantiles.index(0.5)].detach()
    assert (median >= inputs.profiles[:, :, :4].amin(1) - 1e-5).all()
    assert (median <= inputs.profiles[:, :, :4].amax(1) + 1e-5).all()


@pytest.mark.parametrize("horizon", [3, 4, 5, 12])
def test_the_shape_is_the_horizon_and_quantiles_are_in_order(horizon):
    size = replace(SIZE, horizon=horizon, cell="lstm", num_layers=2)
    answer = network_of(size)(inputs_of(size)).detach()
    assert answer.shape == (10, horizon, 13)
    assert (answer.diff(dim=-1) >= 0).all()


def test_a_window_is_forecast_alone_as_in_a_batch_and_twice_alike():
    network, inputs = network_of(SIZE), inputs_of(SIZE)
    together = network(inputs).detach()
    third = Inputs(*(part[2:3] for part in (inputs.z, inputs.observed, inputs.facts, inputs.profiles)))
    torch.testing.assert_close(network(third).detach()[0], together[2])
    assert torch.equal(network(inputs).detach(), together)


def test_intervals_widen_from_patch_to_patch_when_the_decoder_follows_its_own_output():
    network, inputs = network_of(SIZE), inputs_of(SIZE)

    class Follow(torch.nn.Module):
        """A base at the last value that was fed in: a random walk in patches."""

        def forward(self, states, profiles):
            return network.fed[:, -1:].expand(-1, 4)

    original = network._step

    def step(segment, previous, state, profiles):
        network.fed = previous
        return original(segment, previous, state, profiles)

    network._step, network.mix = step, Follow()
    answer = network(inputs).detach()
    width = (answer[..., -1] - answer[..., 0]).reshape(10, 3, 4).mean((0, 2))
    np.testing.assert_allclose(width / width[0], np.sqrt([1, 2, 3]), rtol=0.15)


def test_with_the_truth_fed_in_only_the_patches_before_matter():
    network, inputs = network_of(SIZE), inputs_of(SIZE)
    torch.nn.init.normal_(network.head.linear.weight, std=0.5)
    rng = np.random.default_rng(3)
    target, observed = torch.from_numpy(rng.normal(size=(10, 12))).float(), torch.ones(10, 12, dtype=torch.bool)
    before = network.training_quantiles(inputs, target, observed, 0.0).detach()
    changed = target.clone()
    changed[:, 4:8] += 5
    after = network.training_quantiles(inputs, changed, observed, 0.0).detach()
    assert torch.equal(after[:, :8], before[:, :8])
    assert not torch.allclose(after[:, 8:], before[:, 8:])


def test_an_unobserved_target_is_never_fed_in():
    network, inputs = network_of(SIZE), inputs_of(SIZE)
    torch.nn.init.normal_(network.head.linear.weight, std=0.5)
    target, observed = torch.zeros(10, 12), torch.ones(10, 12, dtype=torch.bool)
    observed[:, 2] = False
    answers = []
    for value in (0.0, 100.0):
        target[:, 2] = value
        answers.append(network.training_quantiles(inputs, target, observed, 0.0).detach())
    assert torch.equal(*answers)
