from dataclasses import replace

import numpy as np
import pytest
import torch

from tsrnn.networks.cells import CELLS, RECURRENT
from tsrnn.networks.losses import quantile_loss
from tsrnn.networks.parallel import ParallelNetwork
from tsrnn.networks.registry import NETWORKS
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import make_inputs

SIZE = NetworkSize(context_length=24, horizon=10, patch_length=6, seasons=(6,), hidden_size=16, dropout=0.0)


def network_of(size=SIZE, seed=0):
    torch.manual_seed(seed)
    return ParallelNetwork(size).eval()


def inputs_of(size=SIZE, n=10, seed=0):
    rng = np.random.default_rng(seed)
    y = torch.from_numpy(rng.normal(size=(n, size.context_length)).cumsum(1))
    observed = torch.from_numpy(rng.random(y.shape) < 0.9)
    return make_inputs(y, observed, "seasonal", size.reads, size.horizon)[0]


def disturb(network, size=0.3):
    """Give every weight noise, as training would: the head starts at zero."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += size * torch.randn_like(parameter)
    return network


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_before_training_the_median_is_a_mixture_of_the_profiles(cell, layers):
    size = replace(SIZE, cell=cell, num_layers=layers, seasons=(6, 12))
    network, inputs, seen = network_of(size), inputs_of(size), {}
    network.mix.weigh.register_forward_hook(lambda module, args, output: seen.update(mix=output))
    answer = network(inputs).detach()
    share = np.exp(seen["mix"].detach().numpy())
    share = (share / share.sum(-1, keepdims=True)).repeat(size.patch_length, 1)[:, : size.horizon]
    expected = np.einsum("bhk,bkh->bh", share, inputs.profiles.numpy())
    median = answer[..., size.quantiles.index(0.5)]
    np.testing.assert_allclose(median, expected, atol=1e-5)
    assert (median <= inputs.profiles.max(1).values + 1e-5).all()
    assert (median >= inputs.profiles.min(1).values - 1e-5).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"horizon": 1},
        {"horizon": 6},
        {"horizon": 7},
        {"horizon": 40},
        {"patch_length": 1},
        {"patch_length": 24},
        {"seasons": (1,)},
        {"seasons": (2, 24)},
        {"quantiles": (0.5,)},
        {"cell": "lstm", "num_layers": 3},
        {"cell": "lstm", "num_layers": 2, "bidirectional": True},
        {"cell": "feed-forward", "num_layers": 3},
        {"cell": "feed-forward", "patch_length": 1, "hidden_size": 2},
    ],
    ids=str,
)
def test_every_size_gives_a_forecast_of_its_shape_with_quantiles_in_order(changes):
    size = replace(SIZE, **changes)
    answer = disturb(network_of(size))(inputs_of(size)).detach()
    assert answer.shape == (10, size.horizon, len(size.quantiles))
    assert torch.isfinite(answer).all()
    assert (answer.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("cell", CELLS)
def test_the_network_overfits_ten_windows(cell):
    size = replace(SIZE, cell=cell, hidden_size=32, horizon=6)
    network, inputs = network_of(size).train(), inputs_of(size)
    target = torch.from_numpy(np.random.default_rng(1).normal(size=(10, 6))).float()
    observed, levels = torch.ones(10, 6, dtype=torch.bool), torch.tensor(size.quantiles)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for _ in range(120):
        loss = quantile_loss(network(inputs), target, observed, levels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


def test_a_window_is_forecast_alone_as_in_a_batch():
    network, inputs = disturb(network_of()), inputs_of()
    together = network(inputs).detach()
    for b in range(10):
        alone = network(inputs.each(lambda part, b=b: part[b : b + 1])).detach()
        torch.testing.assert_close(alone[0], together[b], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("part", ["values", "observed", "facts", "profiles"])
def test_the_network_reads_every_part_of_its_inputs(part):
    network, inputs = disturb(network_of()), inputs_of()
    changed = replace(inputs, **{part: getattr(inputs, part) + 0.5})
    assert ((network(changed) - network(inputs)).abs().amax((1, 2)) > 1e-4).all()


@pytest.mark.parametrize("cell", CELLS)
def test_the_oldest_patch_reaches_every_forecast_step_and_steps_differ(cell):
    network, inputs = disturb(network_of(replace(SIZE, cell=cell))), inputs_of()
    values = inputs.values.clone()
    values[:, :6] += 1.0
    moved = (network(replace(inputs, values=values)) - network(inputs)).detach().abs().amax((0, 2))
    assert (moved > 1e-6).all()
    flat = replace(inputs, profiles=torch.zeros_like(inputs.profiles))
    segments = network(flat).detach()[:, :6] - network(flat).detach()[:, [6, 7, 8, 9, 8, 9]]
    assert segments.abs().max() > 1e-3


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_weight_learns(cell, bidirectional):
    bidirectional = bidirectional and cell in RECURRENT
    network = disturb(network_of(replace(SIZE, cell=cell, bidirectional=bidirectional, num_layers=2)), 0.1)
    inputs = inputs_of()
    network(inputs).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_the_registry_builds_what_it_names():
    size = replace(SIZE, horizon=SIZE.patch_length)
    for build in NETWORKS.values():
        network = build(size).eval()
        assert network(inputs_of(size)).shape == (10, size.horizon, len(size.quantiles))


FAR = replace(SIZE, horizon=12, far=8)


def far_inputs(steps, size=FAR):
    rng = np.random.default_rng(1)
    y = torch.from_numpy(rng.normal(size=(5, size.context_length)).cumsum(1))
    return make_inputs(y, torch.ones_like(y, dtype=torch.bool), "seasonal", size.reads, steps)[0]


@pytest.mark.parametrize("cell", RECURRENT)
@pytest.mark.parametrize("layers", [1, 2])
def test_far_steps_follow_the_near_ones_and_leave_them_as_they_are(cell, layers):
    size = replace(FAR, cell=cell, num_layers=layers)
    network = disturb(network_of(size))
    near, whole = network(far_inputs(12, size)), network(far_inputs(20, size))
    assert near.shape == (5, 12, len(size.quantiles))
    assert whole.shape == (5, 20, len(size.quantiles))
    torch.testing.assert_close(whole[:, :12], near)
    torch.testing.assert_close(whole[:, 12:], network.far_quantiles(far_inputs(20, size)))
    assert (whole.diff(dim=-1) >= 0).all()


def test_a_far_decoder_starts_as_the_last_patch_goes_on_and_alone_learns():
    network = disturb(network_of(FAR))
    far = network.begin_far()
    inputs = far_inputs(20)
    # The same state and the same query give the same corrections of other profiles.
    same = replace(inputs, profiles=inputs.profiles[..., :6].repeat(1, 1, 4)[..., :20])
    whole = network(same)
    torch.testing.assert_close(whole[:, 12:18], whole[:, 6:12])
    network.requires_grad_(requires_grad=False)
    far.requires_grad_()
    network.far_quantiles(inputs).sum().backward()
    assert {name for name, part in network.named_parameters() if part.grad is not None} == {
        f"far.{name}" for name, _ in far.named_parameters()
    }


def test_a_network_without_far_steps_has_no_weights_for_them():
    network = network_of()
    assert not [name for name in network.state_dict() if name.startswith("far")]
    with pytest.raises(ValueError, match="no far steps"):
        network.begin_far()
