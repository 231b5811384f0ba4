import numpy as np
import pytest
import torch

from tsrnn.preprocessing.own_season import (
    CYCLES,
    RATES,
    find_own_season,
    own_lengths,
    own_profile_count,
    own_season_profiles,
)


def seen(z):
    return torch.ones_like(z, dtype=torch.bool)


def profiles_of(z, observed, m, horizon):
    length, _ = find_own_season(z, observed, m)
    return own_season_profiles(z, observed, length, own_lengths(m)[-1], horizon)


def cycle_of(length, count, seed=0):
    """Random cycles of a length, repeated to a row of values; the last one is whole."""
    one = np.random.default_rng(seed).normal(size=length)
    return torch.from_numpy(np.tile(one, -(-count // length))[-count:]).float()[None]


def windows(share=0.8, shape=(5, 130), seed=0):
    rng = np.random.default_rng(seed)
    z = torch.from_numpy(rng.normal(size=shape)).float()
    observed = torch.from_numpy(rng.random(shape) < share)
    return z * observed, observed


@pytest.mark.parametrize("m", [12, 24, 48])
def test_the_length_of_exact_cycles_is_found(m):
    for length in own_lengths(m):
        z = cycle_of(length, 6 * m)
        assert find_own_season(z, seen(z), m)[0].tolist() == [length]


def test_the_gain_is_how_many_times_better_the_own_season_repeats():
    z = torch.cat([cycle_of(23, 240), cycle_of(24, 240)]) + 0.1 * cycle_of(240, 240, seed=9)
    length, gain = find_own_season(z, seen(z), 24)
    assert length.tolist() == [23, 24]
    change = [z[0, -72:] - z[0, -72 - lag : -lag] for lag in (24, 23)]
    change = [(part - part.mean()).abs().mean().item() for part in change]
    np.testing.assert_allclose(gain, [np.log((change[0] + 0.01) / (change[1] + 0.01)), 0.0], rtol=1e-5)
    assert gain[0] > 1.5
    observed = torch.zeros_like(z, dtype=torch.bool)
    assert find_own_season(z, observed, 24)[1].tolist() == [0, 0]


def test_a_change_of_the_length_long_ago_does_not_count():
    z = torch.cat([cycle_of(24, 240), cycle_of(23, 120, seed=1)], 1)
    assert find_own_season(z, seen(z), 24)[0].tolist() == [23]


def test_the_named_season_wins_where_nothing_tells():
    flat = torch.zeros(2, 130)
    assert find_own_season(flat, seen(flat), 24)[0].tolist() == [24, 24]
    z, observed = windows(share=0.05)
    assert find_own_season(z, observed, 24)[0].tolist() == [24] * 5
    short = cycle_of(23, 50)
    assert find_own_season(short, seen(short), 24)[0].tolist() == [24]


@pytest.mark.parametrize("m", [2, 4, 7])
def test_a_season_too_short_for_other_lengths_has_no_own_profiles(m):
    assert list(own_lengths(m)) == [m]
    assert own_profile_count(m) == 0


def test_a_very_long_season_is_its_own():
    z = cycle_of(470, 2000)
    length, gain = find_own_season(z, seen(z), 480)
    assert (length.tolist(), gain.tolist()) == ([480], [0])
    assert own_profile_count(480) == len(RATES)
    found = own_season_profiles(z, seen(z), length, own_lengths(480)[-1], 600)
    np.testing.assert_allclose(found[0, 0, :480], z[0, -480:], atol=1e-6)


@pytest.mark.parametrize("missing", [0.2, 0.25, 0.3, 0.35])
def test_gaps_do_not_make_a_season_that_is_none(missing):
    z = cycle_of(24, 240).repeat(300, 1)
    observed = torch.from_numpy(np.random.default_rng(1).random(z.shape) >= missing)
    assert (find_own_season(z * observed, observed, 24)[0] == 24).all()


def test_a_trend_is_no_reason_for_a_shorter_season():
    for slope in (0.02, 0.2):
        z = torch.sin(2 * np.pi * torch.arange(240) / 24)[None] + slope * torch.arange(240)
        assert find_own_season(z, seen(z), 24)[0].tolist() == [24]


def test_noise_that_is_next_to_nothing_is_no_reason_either():
    z = 1e-4 * torch.from_numpy(np.random.default_rng(0).normal(size=(50, 240)))
    assert (find_own_season(z, seen(z), 24)[0] == 24).all()


def profiles_by_loop(z, observed, length, rate, horizon):
    """One window, as the definition reads: the last cycles from the end, each around its own mean."""
    level, answer, cycles = z[observed][-length:].mean() if observed.any() else 0.0, [], []
    for age in range(CYCLES):
        place = [len(z) - length * (age + 1) + k for k in range(length)]
        known = [p >= 0 and observed[p] for p in place]
        there = [z[p] for p, ok in zip(place, known, strict=True) if ok]
        mean = np.mean(there) if there else 0.0
        cycles.append(
            [z[p] - mean if ok and 2 * len(there) >= length else None for p, ok in zip(place, known, strict=True)]
        )
    for k in range(length):
        total = weights = 0.0
        for age, cycle in enumerate(cycles):
            weight = (1 - rate) ** age if rate < 1 else float(weights == 0)
            if cycle[k] is not None:
                total, weights = total + weight * cycle[k], weights + weight
        answer.append(level + (total / weights if weights else 0.0))
    return [answer[k % length] for k in range(horizon)]


@pytest.mark.parametrize("share", [1.0, 0.8, 0.4])
def test_profiles_are_what_a_loop_over_the_cycles_finds(share):
    z, observed = windows(share)
    lengths = find_own_season(z, observed, 24)[0].tolist()
    found = profiles_of(z, observed, 24, 60)
    assert found.shape == (5, own_profile_count(24), 60)
    for b, length in enumerate(lengths):
        for k, rate in enumerate(RATES):
            expected = profiles_by_loop(z[b].double().numpy(), observed[b].numpy(), length, rate, 60)
            np.testing.assert_allclose(found[b, k], expected, atol=1e-5)


def test_cycles_of_23_steps_are_continued_as_they_are():
    z = cycle_of(23, 200)
    expected = cycle_of(23, 23).repeat(1, 3)[:, :48]
    np.testing.assert_allclose(profiles_of(z, seen(z), 24, 48)[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("L", [10, 24, 30, 50])
def test_short_windows_have_finite_profiles(L):
    z, observed = windows(shape=(5, L))
    assert torch.isfinite(profiles_of(z, observed, 24, 30)).all()
    none = profiles_of(z * 0, torch.zeros_like(observed), 24, 30)
    assert torch.equal(none, torch.zeros_like(none))


def test_a_window_has_the_same_profile_alone_as_in_a_batch():
    z, observed = windows()
    together = profiles_of(z, observed, 24, 30)
    for b in range(len(z)):
        assert torch.equal(profiles_of(z[b : b + 1], observed[b : b + 1], 24, 30)[0], together[b])
