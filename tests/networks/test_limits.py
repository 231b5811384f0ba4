import numpy as np
import pytest
import torch

from tsrnn.networks.limits import limit_drift, limit_growth


def fan(width, median=None):
    """Quantiles .1, .5 and .9 of steps with given widths, skewed upwards; shape (1, steps, 3)."""
    width = torch.as_tensor(width, dtype=torch.float64)
    middle = torch.zeros_like(width) if median is None else torch.as_tensor(median, dtype=torch.float64)
    return torch.stack([middle - 0.25 * width, middle, middle + 0.75 * width], 1)[None]


def limited(direct, far):
    answer = limit_growth(fan(far, np.arange(len(far))), fan(direct), (0, 1, 2))
    return (answer[0, :, 2] - answer[0, :, 0]).numpy(), answer[0]


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 1.5])
def test_intervals_that_widen_as_before_stay_as_they_are(power):
    t = np.arange(1.0, 61.0)
    width, _ = limited(t[:12] ** power, 0.9 * t[12:] ** power)
    np.testing.assert_allclose(width, 0.9 * t[12:] ** power, rtol=0.02)


def test_intervals_of_noise_that_feed_on_themselves_are_held():
    far = 2.0 ** (np.arange(48) / 12)
    width, answer = limited(np.ones(12), far)
    assert width[-12:].max() < 2.5  # from 8 to 16 without the limit; within a block they keep their form
    np.testing.assert_allclose(width[11::12], far[11::12] / far.reshape(4, 12).mean(1))
    np.testing.assert_allclose(answer[:, 1], np.arange(48))  # medians stay
    np.testing.assert_allclose((answer[:, 2] - answer[:, 1]).numpy() / width, 0.75)  # and what is skewed stays so


def test_a_variance_that_grows_may_grow_on():
    t = np.arange(1.0, 121.0)
    spread = np.sqrt(1 + 0.05 * t)  # a walk beneath noise: early on hardly seen
    width, _ = limited(spread[:24], spread[24:])
    np.testing.assert_allclose(width, spread[24:], rtol=0.03)


@pytest.mark.parametrize("unit", [1e-290, 1e290])
def test_the_unit_of_the_values_does_not_matter(unit):
    far, direct = fan(np.linspace(3, 90, 36)), fan(np.linspace(1, 2, 12))
    found = limit_growth(far * unit, direct * unit, (0, 1, 2)) / unit
    torch.testing.assert_close(found, limit_growth(far, direct, (0, 1, 2)))


def test_a_block_does_not_depend_on_later_ones():
    far = 3.0 ** (np.arange(36) / 12)
    whole, first = limited(np.ones(12), far)[0], limited(np.ones(12), far[:12])[0]
    np.testing.assert_array_equal(whole[:12], first)
    assert np.isfinite(limited(np.zeros(12), far)[0]).all()
    np.testing.assert_array_equal(limited(np.ones(12), np.zeros(12))[0], 0)


def test_after_one_step_intervals_grow_no_faster_than_a_random_walk():
    far = 1.5 ** np.arange(1.0, 9.0)
    width, _ = limited(np.ones(1), far)
    np.testing.assert_allclose(width, np.minimum(far, np.sqrt(np.arange(2.0, 10.0))), rtol=0.01)


def test_an_upper_half_that_explodes_leaves_the_lower_one_as_it_is():
    t = np.arange(24.0)
    far = torch.as_tensor(np.stack([-np.ones(24), np.zeros(24), 2.0**t], 1))[None]
    answer = limit_growth(far, fan(np.full(12, 4.0)), (0, 1, 2))
    np.testing.assert_array_equal(answer[..., :2], far[..., :2])
    assert answer[0, 12:, 2].max() < 2**24 / 1000


def drifting(slope, far_slope, H=12, m=4, blocks=3):
    """A season on a line, and what goes on from it on another line; direct (1, H), quantiles (1, K · H, 3)."""
    t = torch.arange(float(H * (blocks + 1)), dtype=torch.float64)
    season = torch.tensor([3.0, -1.0, 0.0, -2.0], dtype=torch.float64)[torch.arange(len(t)) % m]
    level = torch.where(t < H, slope * t, slope * (H - 1) + far_slope * (t - H + 1))
    median = season + level
    return median[None, :H], torch.stack([median - 1, median, median + 2], 1)[None, H:]


def limited_drift(far, direct, mean=None, m=4):
    """`mean` is where the level ends unless it is given."""
    mean = direct[:, -m:].mean(1, keepdim=True) if mean is None else torch.tensor([[mean]])
    return limit_drift(far, direct, mean, m, 1)


@pytest.mark.parametrize(("slope", "far_slope"), [(1, 1), (1, 0.5), (1, 0), (-1, -1), (-1, -0.3), (0, 0)])
def test_a_level_between_the_line_and_standing_still_stays(slope, far_slope):
    direct, far = drifting(slope, far_slope)
    torch.testing.assert_close(limited_drift(far, direct), far)


@pytest.mark.parametrize(("slope", "far_slope", "limit"), [(0, 1, 0), (1, 2, 1), (1, -1, 0), (-1, -2, -1), (-1, 1, 0)])
def test_a_level_that_runs_away_is_drawn_back_with_its_intervals(slope, far_slope, limit):
    direct, far = drifting(slope, far_slope, blocks=5)
    answer = limited_drift(far, direct)
    _, expected = drifting(slope, limit, blocks=5)
    away, left = (far - expected).abs(), (answer - expected).abs()
    assert away[:, -12:].min() > 48
    assert left.max() < 8  # half a block late, since no block depends on a later one
    torch.testing.assert_close(answer[..., 1:] - answer[..., :-1], far[..., 1:] - far[..., :-1])


def test_drift_of_a_block_does_not_depend_on_later_ones():
    direct, far = drifting(0, 1)
    torch.testing.assert_close(limited_drift(far[:, :12], direct), limited_drift(far, direct)[:, :12])


@pytest.mark.parametrize("m", [12, 15])
def test_without_two_values_a_season_apart_nothing_is_known_of_a_line(m):
    direct, far = drifting(0, 1)
    assert limited_drift(far, direct, 0.0, m) is far


def test_a_level_may_return_to_the_mean_of_what_was_seen():
    direct, far = drifting(0, 1)  # from 0 to 36
    torch.testing.assert_close(limited_drift(far, direct, 50.0), far)
    answer = limited_drift(far, direct, 10.0)
    torch.testing.assert_close(answer[:, :6], far[:, :6])
    assert 10 < answer[0, -1, 1] < 20
