"""The feed-forward net that stands beside the recurrent cells."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tsrnn.networks.feed_forward import FeedForward
from tsrnn.networks.registry import NETWORKS
from tsrnn.networks.size import NetworkSize

SIZE = NetworkSize(context_length=24, horizon=4, patch_length=4, seasons=(4,), hidden_size=16, dropout=0.0)


def silu(x):
    return x / (1 + np.exp(-x))


def linear(module, x):
    return module.weight.detach().numpy() @ x + module.bias.detach().numpy()


def normal(module, x):
    return (x - x.mean()) / np.sqrt(x.var() + module.eps)


def test_a_state_follows_the_equation_of_the_docstring():
    torch.manual_seed(0)
    net = FeedForward(4, 2, 0.0, steps=3).eval()
    x, state = torch.randn(2, 3, 4), torch.randn(2, 2, 4)
    for start in (None, state):
        output, states = net(x, start)
        for b in range(2):
            steps = x[b].numpy()
            for k, layer in enumerate(net.layers):
                before = steps[-1] if start is None else start[k, b].numpy()
                joined = np.concatenate([*(linear(layer.narrow, row) for row in steps), before])
                wide = silu(linear(layer.widen, normal(layer.read, joined)))
                steps = np.tanh(normal(layer.level, linear(layer.state, wide)))[None]
                np.testing.assert_allclose(states[k, b].detach(), steps[0], atol=1e-6)
            np.testing.assert_allclose(output[b, 0].detach(), steps[0], atol=1e-6)


def test_a_single_step_counts_as_the_end_of_a_sequence():
    torch.manual_seed(0)
    net = FeedForward(4, 1, 0.0, steps=3)
    layer = net.layers[0]
    x, state = torch.randn(2, 1, 4), torch.randn(1, 2, 4)
    before = torch.zeros(2, 2, layer.narrow.out_features)
    joined = torch.cat([torch.cat([before, layer.narrow(x)], 1).flatten(1), state[0]], 1)
    expected = torch.tanh(layer.level(layer.state(torch.nn.functional.silu(layer.widen(layer.read(joined))))))
    torch.testing.assert_close(net(x, state)[1][0], expected)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("hidden_size", "context_length"), [(16, 24), (64, 96), (128, 56), (64, 336), (32, 4)])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_it_has_as_many_weights_as_a_gru_within_a_fifth(network, hidden_size, context_length, num_layers):
    size = replace(SIZE, hidden_size=hidden_size, context_length=context_length, num_layers=num_layers)
    gru, plain = (
        sum(p.numel() for p in NETWORKS[network](replace(size, cell=cell)).parameters())
        for cell in ("gru", "feed-forward")
    )
    assert plain == pytest.approx(gru, rel=0.2)


def test_dropout_acts_between_layers_only():
    x = torch.randn(2, 3, 8)
    one, two = (FeedForward(8, layers, 0.5, steps=3).train() for layers in (1, 2))
    assert torch.equal(one(x)[1], one(x)[1])
    assert not torch.equal(two(x)[1][1], two(x)[1][1])
    assert torch.equal(two(x)[1][0], two(x)[1][0])
