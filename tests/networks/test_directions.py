"""A window that is read in both directions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.networks.test_step_by_step import inputs_of
from tsrnn.networks.cells import RECURRENT, hidden
from tsrnn.networks.directions import StateMerge
from tsrnn.networks.encoder import PatchEncoder
from tsrnn.networks.size import NetworkSize

SIZE = NetworkSize(
    context_length=24, horizon=12, patch_length=4, seasons=(4,), hidden_size=8, dropout=0.0, bidirectional=True
)


def encoder_of(size):
    torch.manual_seed(0)
    return PatchEncoder(size).eval()


def test_two_states_are_combined_by_one_linear_map_per_layer_and_part():
    merge = StateMerge(3, 2, pair=True)
    with torch.no_grad():
        for parameter in merge.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    ahead, back = (tuple(torch.randn(2, 2, 5, 3)) for _ in range(2))
    answer = merge(ahead, back)
    weight, bias = merge.weight.detach().numpy(), merge.bias.detach().numpy()
    for part in range(2):
        for layer in range(2):
            both = np.concatenate([ahead[part][layer], back[part][layer]], -1)
            expected = both @ weight[part, layer].T + bias[part, layer]
            np.testing.assert_allclose(answer[part][layer].detach(), expected, atol=1e-5)


@pytest.mark.parametrize("cell", RECURRENT)
def test_before_training_the_state_is_the_mean_of_both_directions(cell):
    size = replace(SIZE, cell=cell, num_layers=2)
    encoder, inputs = encoder_of(size), inputs_of(size)
    one_way = PatchEncoder(replace(size, bidirectional=False)).eval()
    one_way.load_state_dict({name: encoder.state_dict()[name] for name in one_way.state_dict()})
    ahead = hidden(one_way(inputs))
    state = hidden(encoder(inputs))
    assert state.shape == ahead.shape == (2, 10, 8)
    reverse = PatchEncoder(replace(size, bidirectional=False)).eval()
    reverse.embed, reverse.cell = encoder.embed, encoder.backward_cell
    patches = {part: getattr(inputs, part).unflatten(1, (6, 4)).flip(1).flatten(1) for part in ("values", "observed")}
    back = hidden(reverse(replace(inputs, **patches)))
    torch.testing.assert_close(state, (ahead + back) / 2)


def test_each_direction_ends_where_the_other_begins():
    """The forward state forgets the oldest patch, the backward state the newest: together they forget neither."""
    size = replace(SIZE, cell="rnn", patch_length=1, context_length=24)
    encoder, inputs = encoder_of(size), inputs_of(size)
    with torch.no_grad():
        for cell in (encoder.cell, encoder.backward_cell):
            cell.weight_hh_l0.mul_(0.3)
    values = inputs.values.clone()
    values[:, 0] += 1
    moved = (hidden(encoder(replace(inputs, values=values))) - hidden(encoder(inputs))).abs().max()
    encoder.merge = None
    forgotten = (hidden(encoder(replace(inputs, values=values))) - hidden(encoder(inputs))).abs().max()
    assert forgotten < 1e-6 < 1e-3 < moved
