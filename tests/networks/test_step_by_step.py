"""The networks that forecast one patch at a time: sequence to one, and the autoregressive decoder."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tsrnn.networks.autoregressive import AutoregressiveNetwork
from tsrnn.networks.final_state import FinalStateNetwork
from tsrnn.networks.losses import quantile_loss
from tsrnn.networks.sampling import sample_paths
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs, make_inputs

SIZE = NetworkSize(context_length=24, horizon=12, patch_length=4, seasons=(4,), hidden_size=16, dropout=0.0)
DAYS = replace(SIZE, context_length=96, seasons=(24,), own_season=True)


def inputs_of(size: NetworkSize, n: int = 10, seed: int = 0) -> Inputs:
    rng = np.random.default_rng(seed)
    y = torch.from_numpy(rng.normal(size=(n, size.context_length)).cumsum(1))
    observed = torch.from_numpy(rng.random((n, size.context_length)) > 0.1)
    return make_inputs(y, observed, "seasonal", size.reads, size.horizon)[0]


def disturb(network, size=0.3):
    """Give every weight noise, as training would: the head starts at zero."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += size * torch.randn_like(parameter)
    return network


@pytest.fixture(params=[AutoregressiveNetwork, FinalStateNetwork])
def network_of(request):
    def build(size: NetworkSize, seed: int = 0):
        torch.manual_seed(seed)
        return request.param(size).eval()

    return build


@pytest.mark.parametrize("horizon", [4, 12])
@pytest.mark.parametrize(
    ("cell", "bidirectional"),
    [("rnn", False), ("gru", False), ("lstm", False), ("feed-forward", False), ("gru", True), ("lstm", True)],
)
def test_it_overfits_ten_windows(network_of, cell, bidirectional, horizon):
    size = replace(SIZE, cell=cell, bidirectional=bidirectional, horizon=horizon, hidden_size=32)
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
def test_before_training_the_first_patch_is_a_mixture_of_the_profiles(network_of, horizon):
    size = replace(SIZE, horizon=horizon)
    inputs = inputs_of(size)
    median = network_of(size)(inputs)[:, :4, size.quantiles.index(0.5)].detach()
    assert (median >= inputs.profiles[:, :, :4].amin(1) - 1e-5).all()
    assert (median <= inputs.profiles[:, :, :4].amax(1) + 1e-5).all()


@pytest.mark.parametrize("horizon", [3, 4, 5, 12])
def test_the_shape_is_the_horizon_and_quantiles_are_in_order(network_of, horizon):
    size = replace(SIZE, horizon=horizon, cell="lstm", num_layers=2)
    answer = network_of(size)(inputs_of(size)).detach()
    assert answer.shape == (10, horizon, 13)
    assert (answer.diff(dim=-1) >= 0).all()


def test_a_window_is_forecast_alone_as_in_a_batch_and_twice_alike(network_of):
    network, inputs = network_of(SIZE), inputs_of(SIZE)
    together = network(inputs).detach()
    third = inputs.each(lambda part: part[2:3])
    # The correlation of errors in a patch is the root of a difference, so rounding shows in the third decimal.
    torch.testing.assert_close(network(third).detach()[0], together[2], rtol=0, atol=5e-3)
    assert torch.equal(network(inputs).detach(), together)


def test_the_intervals_of_a_random_walk_in_patches_widen_like_the_root_of_time(network_of):
    """Before training the base is the last value that is known, and every point spreads alike around it."""
    size = replace(SIZE, patch_length=1, horizon=9, seasons=(1,))
    answer = network_of(size)(inputs_of(size)).detach()
    width = (answer[..., -1] - answer[..., 0]).mean(0)
    np.testing.assert_allclose(width / width[0], np.sqrt(np.arange(1, 10)), rtol=0.15)


@pytest.mark.parametrize("size", [SIZE, DAYS], ids=["named season", "own season"])
def test_a_path_is_made_of_forecasts_from_what_is_known_by_then(network_of, size):
    """Along one path every patch has the quantiles that the training path has when the path itself is the truth."""
    network, inputs = disturb(network_of(size)), inputs_of(size)
    noise = torch.randn(10, 1, 12)
    path = network.draw(inputs, noise)[0][:, 0]
    known = network.training_quantiles(inputs, path, torch.ones(10, 12, dtype=torch.bool), 0.0)
    for segment in range(3):
        at = slice(4 * segment, 4 * segment + 4)
        expected = sample_paths(known[None, :, at], SIZE.quantiles, noise[:, 0, at])[0]
        torch.testing.assert_close(path[:, at], expected, rtol=1e-4, atol=1e-4)


def test_a_known_patch_moves_the_window_and_its_profiles(network_of):
    """The window that a patch joined is the window that is cut a patch later, in the scale of the first."""
    network, size = network_of(SIZE), replace(SIZE, context_length=28)
    y = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 28)).cumsum(1))
    observed = torch.ones(5, 28, dtype=torch.bool)
    before, loc, scale = make_inputs(y[:, :24], observed[:, :24], "standard", size.reads, size.horizon)
    moved = network._joined(before, ((y[:, 24:] - loc) / scale).float())
    later, new_loc, new_scale = make_inputs(y[:, 4:], observed[:, 4:], "standard", size.reads, size.horizon)
    for part in ("values", "profiles"):
        in_units = getattr(moved, part).double() * scale.reshape(-1, *[1] * (getattr(moved, part).dim() - 1))
        expected = getattr(later, part).double() * new_scale.reshape(-1, *[1] * (getattr(moved, part).dim() - 1))
        shift = (loc - new_loc).reshape(-1, *[1] * (in_units.dim() - 1))
        torch.testing.assert_close(in_units + shift, expected[..., : in_units.shape[-1]], rtol=1e-4, atol=1e-4)
    assert moved.profiles.shape[-1] == SIZE.patch_length


def test_a_carried_state_is_the_state_of_the_whole_past():
    """A step over the newest patch continues the reading: the same as reading a window that is a patch longer."""
    torch.manual_seed(0)
    network = disturb(FinalStateNetwork(SIZE)).eval()
    inputs, patch = inputs_of(SIZE), torch.randn(10, 4)
    moved = network._joined(inputs, patch)
    carried = network.advance(1, moved, network.read(inputs))
    longer = replace(
        inputs, **{k: torch.cat([getattr(inputs, k), getattr(moved, k)[:, -4:]], 1) for k in ("values", "observed")}
    )
    torch.testing.assert_close(carried, network.encoder(longer))


@pytest.mark.parametrize("changes", [{"bidirectional": True}, {"cell": "feed-forward"}], ids=str)
def test_where_no_state_can_be_carried_the_moved_window_is_read_again(changes):
    torch.manual_seed(0)
    network = disturb(FinalStateNetwork(replace(SIZE, **changes))).eval()
    inputs = inputs_of(SIZE)
    moved = network._joined(inputs, torch.randn(10, 4))
    torch.testing.assert_close(network.advance(1, moved, network.read(inputs)), network.read(moved))


def test_many_windows_are_forecast_batch_by_batch_as_one_by_one(network_of):
    network, inputs = disturb(network_of(SIZE)), inputs_of(SIZE, n=45)
    together = network(inputs).detach()
    assert together.shape == (45, 12, 13)
    last = inputs.each(lambda part: part[44:])
    torch.testing.assert_close(network(last).detach()[0], together[44], rtol=1e-4, atol=1e-4)


def test_with_the_truth_fed_in_only_the_patches_before_matter(network_of):
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


def test_an_unobserved_target_is_never_fed_in(network_of):
    network, inputs = network_of(SIZE), inputs_of(SIZE)
    torch.nn.init.normal_(network.head.linear.weight, std=0.5)
    target, observed = torch.zeros(10, 12), torch.ones(10, 12, dtype=torch.bool)
    observed[:, 2] = False
    answers = []
    for value in (0.0, 100.0):
        target[:, 2] = value
        answers.append(network.training_quantiles(inputs, target, observed, 0.0).detach())
    assert torch.equal(*answers)
