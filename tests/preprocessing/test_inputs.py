import numpy as np
import pytest
import torch

from tsrnn.preprocessing.contrasts import contrast_count
from tsrnn.preprocessing.inputs import FACTOR, LARGEST_Z, SMALLEST_SCALE, Inputs, Reads, make_inputs
from tsrnn.preprocessing.own_season import find_own_season, own_season_profiles
from tsrnn.preprocessing.profiles import profile_count
from tsrnn.preprocessing.scaling import SCALINGS

PARTS = ("values", "observed", "facts", "profiles", "contrasts")


def windows(seed=0, shape=(5, 24)):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(5, 3, shape).cumsum(1)), torch.from_numpy(rng.random(shape) < 0.8)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_parts_have_their_shapes_in_single_precision_and_undo_the_scaling(scaling):
    y, observed = windows()
    inputs, loc, scale = make_inputs(y, observed, scaling, Reads((4, 12), contrasts=True), 7)
    assert inputs.values.shape == inputs.observed.shape == (5, 24)
    assert inputs.facts.shape == (5, 2)
    assert inputs.profiles.shape == (5, profile_count((4, 12)), 7)
    assert inputs.contrasts.shape == (5, contrast_count((4, 12)), 24)
    assert all(getattr(inputs, part).dtype == torch.float32 for part in PARTS)
    assert loc.dtype == scale.dtype == torch.float64
    back = loc + scale * inputs.values.double()
    np.testing.assert_allclose(back[observed], y[observed], rtol=1e-4)


def test_the_facts_worked_by_hand():
    y = torch.tensor([[1.0, 3.0, 2.0, 4.0]], dtype=torch.float64)  # loc 3, scale 1
    inputs, _, _ = make_inputs(y, torch.ones(1, 4, dtype=torch.bool), "seasonal", Reads((2,)), 2)
    np.testing.assert_allclose(inputs.facts[0], [np.log(1 / 4 + 1e-4), np.log(4) - 4], rtol=1e-6)


def test_the_profiles_of_the_own_season_follow_those_of_the_named_ones():
    y, observed = windows(shape=(5, 96))
    observed[:] = True
    without, _, _ = make_inputs(y, observed, "spread", Reads((24,)), 30)
    found, _, _ = make_inputs(y, observed, "spread", Reads((24,), own_season=True), 30)
    K = profile_count((24,))
    assert found.profiles.shape == (5, profile_count((24,), own_season=True), 30)
    assert torch.equal(found.profiles[:, :K], without.profiles)
    length, gain = find_own_season(found.values, observed, 24)
    assert torch.equal(found.profiles[:, K:], own_season_profiles(found.values, observed, length, 27, 30))
    assert torch.equal(found.facts[:, :2], without.facts)
    torch.testing.assert_close(found.facts[:, 2], gain, atol=1e-4, rtol=1e-4)
    short, _, _ = make_inputs(y, observed, "spread", Reads((7,), own_season=True), 30)  # a week has no other lengths
    assert short.profiles.shape[1] == profile_count((7,), own_season=True) == profile_count((7,))


@pytest.mark.parametrize("scaling", [s for s in SCALINGS if s != "none"])
@pytest.mark.parametrize("factor", [1e-12, 1e-3, 1e5, 1e12])
def test_the_network_reads_the_same_in_any_unit(scaling, factor):
    y, observed = windows()
    expected, loc, scale = make_inputs(y, observed, scaling, Reads((6,), contrasts=True), 9)
    found, loc_other, scale_other = make_inputs(y * factor, observed, scaling, Reads((6,), contrasts=True), 9)
    for part in PARTS:
        np.testing.assert_allclose(getattr(found, part), getattr(expected, part), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(loc_other, loc * factor, rtol=1e-9)
    np.testing.assert_allclose(scale_other, scale * factor, rtol=1e-9)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_what_stands_at_unobserved_places_does_not_matter(scaling):
    y, observed = windows()
    expected, _, _ = make_inputs(y, observed, scaling, Reads((6,), contrasts=True), 9)
    for garbage in (float("nan"), 1e30):
        found, _, _ = make_inputs(torch.where(observed, y, garbage), observed, scaling, Reads((6,), contrasts=True), 9)
        for part in PARTS:
            assert torch.equal(getattr(found, part), getattr(expected, part))


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("value", [0.0, 5.0, float("nan")])
def test_constant_and_empty_windows_give_finite_inputs(scaling, value):
    y = torch.full((1, 12), value, dtype=torch.float64)
    inputs, loc, scale = make_inputs(y, torch.isfinite(y), scaling, Reads((4,)), 5)
    for part in PARTS:
        assert torch.isfinite(getattr(inputs, part)).all()
    continued = loc + scale * inputs.profiles[:, 0].double()
    np.testing.assert_allclose(continued, np.full((1, 5), np.nan_to_num(value)), atol=1e-6)


def clean_season():
    """Return five seasons of eight steps whose peaks are 20,000 times as high as seasons differ."""
    y = torch.zeros(1, 40, dtype=torch.float64)
    y[0, ::8], y[0, 4::8] = 2.0, -2.0
    y[0, ::3] += 1e-4
    return y, torch.ones(1, 40, dtype=torch.bool)


def test_a_network_reads_wild_values_as_large_ones_so_that_it_is_not_blinded():
    inputs, _, _ = make_inputs(*clean_season(), "seasonal", Reads((8,), contrasts=True), 8)
    assert inputs.values.abs().max() > 10_000
    assert inputs.read(40).abs().max() == pytest.approx(np.arcsinh(LARGEST_Z))
    assert inputs.contrasts.abs().max() == pytest.approx(np.arcsinh(FACTOR * 2 * LARGEST_Z))
    assert torch.equal(inputs.read(8), inputs.read(40)[:, -8:])


def test_a_forecast_starts_from_a_clean_season_as_high_as_it_is():
    y, observed = clean_season()
    inputs, loc, scale = make_inputs(y, observed, "seasonal", Reads((8,)), 8)
    np.testing.assert_allclose(loc + scale * inputs.profiles[:, 0], y[:, -8:], atol=1e-6)
    np.testing.assert_allclose(loc + scale * inputs.profiles[:, 4], y[:, -8:], atol=2e-4)


def test_far_from_zero_a_network_reads_the_same_wherever_it_is():
    y, observed = windows()
    reads = Reads((6,), contrasts=True)
    near, far = (make_inputs(y + offset, observed, "seasonal", reads, 9)[0] for offset in (1e4, 1e6))
    for part in PARTS:
        torch.testing.assert_close(getattr(near, part), getattr(far, part), rtol=1e-5, atol=1e-5)
    assert (near.facts[:, 0] == np.float32(np.log(SMALLEST_SCALE + 1e-4))).all()


def test_without_scaling_large_values_stay_as_they_are():
    y = torch.full((1, 12), 2000.0, dtype=torch.float64)
    y[0, ::3] = 3000.0
    inputs, loc, scale = make_inputs(y, torch.ones(1, 12, dtype=torch.bool), "none", Reads((3,)), 6)
    np.testing.assert_allclose(loc + scale * inputs.profiles[:, 0], y[:, -6:], rtol=1e-6)


@pytest.mark.parametrize(("scaling", "seasons"), [("seasonal", (7,)), ("spread", (24, 168))])
def test_a_missing_value_moves_neither_the_level_nor_what_is_measured_from_it(scaling, seasons):
    m = seasons[0]
    rng = np.random.default_rng(0)
    season = rng.normal(0, 10, m)
    y = torch.from_numpy(np.tile(season, (1, 4 * seasons[-1] // m)) + rng.normal(0, 0.1, 4 * seasons[-1]))
    observed = torch.ones_like(y, dtype=torch.bool)
    reads = Reads(seasons, contrasts=True, own_season=True)
    expected, loc, scale = make_inputs(y, observed, scaling, reads, m)
    observed[0, -m + int(season[:-1].argmax())] = False  # the peak of the last season
    found, found_loc, _ = make_inputs(y, observed, scaling, reads, m)
    # The level of the others is off by a share of the peak.
    assert season[:-1].max() / m > 0.5
    assert abs(found_loc - loc) < 0.05
    profiles = found_loc + scale * found.profiles.double() - loc - scale * expected.profiles.double()
    assert profiles.abs().max() < 0.6  # of single values, whose noise is .1
    moved = (found.contrasts - expected.contrasts)[..., observed[0]].abs()
    assert (moved > 1).float().mean() < 0.01  # those that compare with the missing value
    assert (found.values[~observed] == 0).all()


def test_what_is_missing_is_read_as_such_and_tells_nothing_of_the_scale():
    y, observed = windows()
    inputs, _, scale = make_inputs(y, observed, "spread", Reads((6,)), 4)
    assert torch.equal(inputs.observed > 0, observed)
    assert (inputs.values[~observed] == 0).all()
    seen = [row[there] for row, there in zip(y, observed, strict=True)]
    np.testing.assert_allclose(scale[:, 0], [(row - row.mean()).abs().mean() for row in seen])


def test_repeating_keeps_the_copies_of_a_window_together():
    y, observed = windows(shape=(2, 24))
    inputs, _, _ = make_inputs(y, observed, "seasonal", Reads((6,)), 4)
    repeated = inputs.repeat(3)
    assert isinstance(repeated, Inputs)
    for part in PARTS:
        whole, copies = getattr(inputs, part), getattr(repeated, part)
        assert copies.shape[0] == 6
        for b in range(6):
            assert torch.equal(copies[b], whole[b // 3])
