import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from tsrnn.networks.heads import QUANTILES, QuantileHead

SETS = [QUANTILES, (0.1, 0.5, 0.9), (0.5,), (0.5, 0.99), (0.001, 0.5)]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def test_the_default_quantiles_are_thirteen_symmetric_ones():
    assert len(QUANTILES) == 13
    assert QUANTILES[6] == 0.5
    np.testing.assert_allclose(np.array(QUANTILES) + QUANTILES[::-1], 1.0)
    assert list(QUANTILES) == sorted(QUANTILES)


@pytest.mark.parametrize("quantiles", SETS, ids=str)
def test_before_training_a_forecast_is_the_base_with_the_quantiles_of_a_normal_distribution(quantiles):
    head = QuantileHead(8, 3, quantiles, 0.0)
    base = torch.randn(4, 6)
    expected = base.unsqueeze(-1).numpy() + norm.ppf(quantiles)
    np.testing.assert_allclose(head(torch.randn(4, 2, 8), base).detach(), expected, atol=1e-5)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.sampled_from(SETS))
def test_quantiles_never_cross_whatever_the_weights(seed, size, quantiles):
    generator = torch.Generator().manual_seed(seed)
    head = QuantileHead(5, 2, quantiles, 0.0)
    for parameter in head.parameters():
        parameter.data = 10**size * torch.randn(parameter.shape, generator=generator)
    states = torch.randn(3, 4, 5, generator=generator)
    answer = head(states, torch.randn(3, 8, generator=generator)).detach()
    assert answer.shape == (3, 8, len(quantiles))
    assert torch.isfinite(answer).all()
    assert (answer.diff(dim=-1) >= 0).all()


def test_every_point_of_a_patch_has_its_own_weights():
    head = QuantileHead(4, 3, (0.1, 0.5, 0.9), 0.0)
    torch.nn.init.normal_(head.linear.weight)
    states = torch.randn(1, 2, 4)
    answer = head(states, torch.zeros(1, 6)).detach()
    raw = (states @ head.linear.weight.T).detach().reshape(2, 3, 3)  # segment, point, quantile
    np.testing.assert_allclose(answer[0, :, 1], raw[..., 1].reshape(-1), atol=1e-6)


def test_the_head_learns_the_quantiles_it_is_asked_for():
    torch.manual_seed(0)
    quantiles = (0.1, 0.5, 0.8)
    head, levels = QuantileHead(1, 1, quantiles, 0.0), torch.tensor(quantiles)
    sample = torch.randn(4000).exp()
    optimiser = torch.optim.Adam(head.parameters(), 0.05)
    for _ in range(300):
        error = sample.unsqueeze(-1) - head(torch.ones(1, 1, 1), torch.zeros(1, 1))[0]
        loss = torch.maximum(levels * error, (levels - 1) * error).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = head(torch.ones(1, 1, 1), torch.zeros(1, 1)).detach()[0, 0]
    np.testing.assert_allclose(found, np.quantile(sample.numpy(), quantiles), rtol=0.05)


def test_dropout_acts_in_training_only():
    head = QuantileHead(16, 1, (0.5,), 0.5)
    torch.nn.init.normal_(head.linear.weight)
    states, base = torch.randn(1, 3, 16), torch.zeros(1, 3)
    assert not torch.equal(head.train()(states, base), head(states, base))
    assert torch.equal(head.eval()(states, base), head(states, base))
