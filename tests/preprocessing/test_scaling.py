import numpy as np
import pytest
import torch
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from tsrnn.metrics import seasonal_scale
from tsrnn.preprocessing.scaling import SCALINGS, latest_observed, masked_mean, scale_windows, standardise

OWN = [method for method in SCALINGS if method != "none"]


def windows(seed=0, shape=(5, 24)):
    rng = np.random.default_rng(seed)
    y = torch.from_numpy(rng.normal(20, 3, shape).cumsum(1))
    return y, torch.from_numpy(rng.random(shape) < 0.8)


def all_of(y):
    return torch.ones(y.shape, dtype=torch.bool)


def test_the_latest_observed_values_are_counted_from_the_end():
    observed = torch.tensor([[1, 1, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], dtype=torch.bool)
    expected = [[False, True, False, True, False], [False] * 4 + [True], [False] * 5]
    assert latest_observed(observed, 2).tolist() == expected


def test_a_masked_mean_is_0_where_nothing_is_marked():
    values = torch.tensor([[1.0, 5.0, 9.0], [1.0, 2.0, 3.0]])
    where = torch.tensor([[True, False, True], [False, False, False]])
    assert masked_mean(values, where).tolist() == [[5.0], [0.0]]


@pytest.mark.parametrize(
    ("method", "loc", "scale"),
    [
        ("seasonal", (2 + 8) / 2, (abs(2 - 1) + abs(8 - 5)) / 2),
        ("spread", (2 + 8) / 2, (3 + 1 + 2 + 4) / 4),
        ("standard", 4.0, np.sqrt((9 + 1 + 4 + 16) / 4)),
        ("mean", 0.0, 4.0),
        ("none", 0.0, 1.0),
    ],
)
def test_every_method_worked_by_hand(method, loc, scale):
    y = torch.tensor([[1.0, 5.0, 2.0, 8.0]], dtype=torch.float64)
    z, found_loc, found_scale = scale_windows(y, all_of(y), method, 2)
    assert found_loc.item() == pytest.approx(loc)
    assert found_scale.item() == pytest.approx(scale)
    np.testing.assert_allclose(z.numpy(), (y.numpy() - loc) / scale)


def test_standard_and_seasonal_scales_agree_with_scikit_learn_and_the_denominator_of_mase():
    y, _ = windows()
    z, _, _ = scale_windows(y, all_of(y), "standard", 6)
    np.testing.assert_allclose(z.numpy().T, StandardScaler().fit_transform(y.numpy().T), atol=1e-12)
    _, _, scale = scale_windows(y, all_of(y), "seasonal", 6)
    np.testing.assert_allclose(scale[:, 0].numpy(), [seasonal_scale(row, 6) for row in y.numpy()])
    z, _, scale = scale_windows(y.abs(), all_of(y), "mean", 6)
    assert (z.mean(1) - 1).abs().max() < 1e-12
    largest = MaxAbsScaler().fit(y.numpy().T).max_abs_
    np.testing.assert_allclose((z * scale).max(1).values, largest)


@pytest.mark.parametrize("method", SCALINGS)
@pytest.mark.parametrize("length", [1, 2, 5, 24])
def test_loc_plus_scale_times_z_is_the_window_again(method, length):
    y, observed = windows(shape=(8, length))
    z, loc, scale = scale_windows(y, observed, method, 12)
    np.testing.assert_allclose((loc + scale * z)[observed], y[observed], rtol=1e-12)
    assert (z[~observed] == 0).all()
    assert loc.shape == scale.shape == (8, 1)


@pytest.mark.parametrize("method", SCALINGS)
@pytest.mark.parametrize("value", [0.0, 7.3, -1e-12, 1e12, 0.1])
def test_a_constant_window_comes_back_and_is_never_nan(method, value):
    y = torch.full((1, 30), value, dtype=torch.float64)
    z, loc, scale = scale_windows(y, all_of(y), method, 4)
    assert torch.isfinite(z).all()
    np.testing.assert_allclose((loc + scale * z).numpy(), y.numpy(), rtol=1e-12)
    if method in ("seasonal", "spread", "standard"):
        assert scale.item() == 0
        assert (z == 0).all()


@pytest.mark.parametrize("method", SCALINGS)
def test_a_window_without_observed_values_is_all_zeros(method):
    y = torch.full((1, 6), float("nan"), dtype=torch.float64)
    z, loc, scale = scale_windows(y, ~all_of(y), method, 2)
    assert (z == 0).all()
    assert loc.item() == 0
    assert scale.item() == (1 if method == "none" else 0)


@pytest.mark.parametrize("method", SCALINGS)
def test_what_stands_at_unobserved_places_does_not_matter(method):
    y, observed = windows()
    expected = scale_windows(y, observed, method, 6)
    for garbage in (float("nan"), float("inf"), -1e30):
        found = scale_windows(torch.where(observed, y, garbage), observed, method, 6)
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("method", OWN)
@pytest.mark.parametrize("factor", [1e-250, 1e-12, 1e-6, 1e6, 1e12, 1e299])
def test_the_unit_goes_into_loc_and_scale_and_not_into_z(method, factor):
    y, observed = windows()
    z, loc, scale = scale_windows(y, observed, method, 6)
    z_other, loc_other, scale_other = scale_windows(y * factor, observed, method, 6)
    np.testing.assert_allclose(z_other, z, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(loc_other, loc * factor, rtol=1e-12)
    np.testing.assert_allclose(scale_other, scale * factor, rtol=1e-9)


@pytest.mark.parametrize("method", ["seasonal", "spread", "standard"])
def test_a_shift_goes_into_loc_alone(method):
    y, observed = windows()
    z, loc, scale = scale_windows(y, observed, method, 6)
    z_other, loc_other, scale_other = scale_windows(y - 1e4, observed, method, 6)
    np.testing.assert_allclose(z_other, z, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(loc_other, loc - 1e4, rtol=1e-9)
    np.testing.assert_allclose(scale_other, scale, rtol=1e-9)


@pytest.mark.parametrize("factor", [1.0, 1e10])
def test_none_leaves_the_values_as_they_are_however_large(factor):
    y, observed = windows()
    z, _, _ = scale_windows(y * factor, observed, "none", 6)
    assert torch.equal(z[observed], (y * factor)[observed])


@pytest.mark.parametrize("length", [5, 12])
def test_one_season_or_less_is_scaled_by_its_spread(length):
    y, _ = windows(shape=(3, length))
    _, _, seasonal = scale_windows(y, all_of(y), "seasonal", 12)
    _, _, spread = scale_windows(y, all_of(y), "spread", 12)
    assert torch.equal(seasonal, spread)


def test_the_longer_an_exact_repetition_the_smaller_the_difference_that_is_expected():
    y = torch.tensor([[1.0, 3.0] * 4], dtype=torch.float64)
    _, _, scale = scale_windows(y, all_of(y), "seasonal", 2)
    assert scale.item() == pytest.approx(1 / 7)  # six differences of 0, and one like the spread
    y = torch.tensor([[1.0, 3.0] * 40], dtype=torch.float64)
    _, _, scale = scale_windows(y, all_of(y), "seasonal", 2)
    assert scale.item() == pytest.approx(1 / 79)


def test_rounding_errors_of_a_constant_are_not_taken_for_movement():
    noise = 1 + 1e-15 * torch.from_numpy(np.random.default_rng(0).normal(size=(1, 50)))
    _, _, scale = scale_windows(1e6 * noise, all_of(noise), "standard", 1)
    assert scale.item() == 0


def test_standardising_by_a_scale_of_0_gives_0():
    y = torch.tensor([[1.0, 2.0], [1.0, 2.0]])
    z = standardise(y, torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [2.0]]))
    assert z.tolist() == [[0.0, 0.0], [0.0, 0.5]]
