"""Powers of positive windows, and the way back."""

import pytest
import torch

from tsrnn.preprocessing.window_power import MOST_LOG_GROWTH, WindowPower


def windows():
    generator = torch.Generator().manual_seed(0)
    y = torch.exp(torch.randn(4, 30, generator=generator, dtype=torch.float64))
    observed = torch.rand(4, 30, generator=generator) > 0.2
    return y, observed


@pytest.mark.parametrize("power", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_what_was_mapped_comes_back(power, unit):
    y, observed = windows()
    mapped, z = WindowPower.of(y * unit, observed, power)
    back = mapped.backward(z.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(back[observed], (y * unit)[observed], rtol=1e-12, atol=0)
    torch.testing.assert_close(z, WindowPower.of(y, observed, power)[1])


def test_roots_are_those_of_shares_of_the_mean():
    mapped, z = WindowPower.of(torch.tensor([[1.0, 4.0, 7.0]]), torch.ones(1, 3, dtype=torch.bool), 0.5)
    torch.testing.assert_close(z, torch.tensor([[0.5, 1.0, 1.75**0.5]]))
    torch.testing.assert_close(mapped.forward(torch.tensor([[16.0, -1.0]])), torch.tensor([[2.0, 0.0]]))


@pytest.mark.parametrize("power", [0.0, 0.5])
@pytest.mark.parametrize("value", [0.0, -0.5])
def test_a_window_with_a_value_that_is_not_positive_stays_as_it_is(power, value):
    y, observed = windows()
    y[1, 3], observed[1, 3] = value, True
    mapped, z = WindowPower.of(y, observed, power)
    assert torch.equal(z[1][observed[1]], y[1][observed[1]])
    forecast = torch.tensor([[[-3.0, 2.0]]], dtype=torch.float64).expand(4, 1, 2)
    assert torch.equal(mapped.backward(forecast)[1], forecast[1])
    assert torch.equal(mapped.forward(torch.full((4, 1), -2.0))[1], torch.tensor([-2.0]))
    assert not torch.equal(z[0], y[0])


def test_what_is_missing_does_not_matter():
    y, observed = windows()
    expected = WindowPower.of(y, observed, 0.5)
    found = WindowPower.of(torch.where(observed, y, -1e9), observed, 0.5)
    assert torch.equal(found[1], expected[1])
    assert torch.equal(found[0].unit, expected[0].unit)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 2, 5, 3)])
def test_forecasts_of_any_shape_come_back_in_order_and_above_zero(shape):
    y, observed = windows()
    z = torch.linspace(-3, 9, int(torch.tensor(shape).prod()), dtype=torch.float64).reshape(shape)
    for power in (0.0, 0.5):
        back = WindowPower.of(y, observed, power)[0].backward(z)
        assert back.shape == shape
        assert (back >= 0).all()
        assert (back[0].flatten().diff() >= 0).all()


def test_logarithms_do_not_come_back_as_more_than_the_window_allows():
    y, observed = windows()
    mapped, _ = WindowPower.of(y, observed, 0.0)
    highest = torch.where(observed, y, 0.0).amax(1)
    back = mapped.backward(torch.full((4, 1), 1e9, dtype=torch.float64))[:, 0]
    torch.testing.assert_close(back, highest * torch.e**MOST_LOG_GROWTH)


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_a_window_over_all_floats_is_read_as_finite_values(power):
    y = torch.tensor([[1e300, 5e-324, 1e-300, 3e300]], dtype=torch.float64)
    mapped, z = WindowPower.of(y, torch.ones(1, 4, dtype=torch.bool), power)
    assert torch.isfinite(z).all()
    torch.testing.assert_close(mapped.backward(z) / 1e300, torch.tensor([[1.0, 0, 0, 3]], dtype=torch.float64))
