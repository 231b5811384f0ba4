import numpy as np
import pytest
import torch

from tsrnn.preprocessing.profiles import profile_count, season_patterns, season_profiles, season_rates


def windows(seed=0, shape=(4, 36), share=0.8):
    rng = np.random.default_rng(seed)
    z = torch.from_numpy(rng.normal(0, 1, shape)).float()
    observed = torch.from_numpy(rng.random(shape) < share)
    return z * observed, observed


def profiles_of(z, observed, seasons, horizon):
    return season_profiles(z, observed, observed, season_patterns(z, observed, observed, seasons), horizon)


def profiles_by_loop(z, observed, m, rates, horizon):
    """One window, written as the definition reads: seasons from the end, each around its own mean."""
    N = len(z) // m
    z, observed = z[len(z) - N * m :], observed[len(observed) - N * m :]
    seen = z[observed][-m:]
    level = seen.mean() if len(seen) else 0.0
    counts = [int(observed[n * m : (n + 1) * m].sum()) for n in range(N)]
    most = max(counts) if np.count_nonzero(counts) > 1 else m
    answer = []
    for rate in rates:
        one = []
        for place in range(m):
            total = weights = 0.0
            newest = None
            for n in reversed(range(N)):
                season, mask = z[n * m : (n + 1) * m], observed[n * m : (n + 1) * m]
                if not mask[place] or 2 * mask.sum() < most:
                    continue
                newest = n if newest is None else newest
                weight = (1 - rate) ** (newest - n)
                centre = season[mask].mean() if m > 1 else level
                total, weights = total + weight * (season[place] - centre), weights + weight
            one.append(level + (total / weights if weights else 0.0))
        answer.append([one[k % m] for k in range(horizon)])
    return np.array(answer)


@pytest.mark.parametrize("m", [1, 2, 5, 12])
@pytest.mark.parametrize("share", [1.0, 0.8, 0.3])
def test_profiles_are_what_a_loop_over_the_seasons_finds(m, share):
    z, observed = windows(share=share)
    found = profiles_of(z, observed, (m,), 15)
    rates = season_rates(m, 0)
    for b in range(len(z)):
        expected = profiles_by_loop(z[b].double().numpy(), observed[b].numpy(), m, rates, 15)
        np.testing.assert_allclose(found[b, : len(rates)], expected, atol=2e-5)


def test_a_profile_worked_by_hand():
    z = torch.tensor([[1.0, 3.0, 2.0, 6.0]])
    rates = season_rates(2, 0)
    found = profiles_of(z, torch.ones(1, 4, dtype=torch.bool), (2,), 4)[0]
    for rate, profile in zip(rates, found, strict=False):
        swing = (2 + (1 - rate) * 1) / (1 + (1 - rate))  # seasons of 4 ± 2 and, one older, 2 ± 1
        np.testing.assert_allclose(profile, [4 - swing, 4 + swing] * 2, rtol=1e-6)
    np.testing.assert_allclose(found[len(rates)], [6.0] * 4)  # the last value


@pytest.mark.parametrize("m", [2, 5, 12])
def test_rate_1_is_the_seasonal_naive(m):
    z, _ = windows()
    found = profiles_of(z, torch.ones_like(z, dtype=torch.bool), (m,), 2 * m + 1)
    last = z[:, -m:].repeat(1, 3)[:, : 2 * m + 1]
    np.testing.assert_allclose(found[:, season_rates(m, 0).index(1.0)], last, atol=1e-6)


def test_where_the_last_season_misses_a_value_rate_1_takes_it_from_the_season_before():
    z = torch.tensor([[1.0, 2.0, 6.0, 11.0, 0.0, 16.0]])
    observed = torch.tensor([[True, True, True, True, False, True]])
    profile = profiles_of(z * observed, observed, (3,), 3)[0, season_rates(3, 0).index(1.0)]
    level = (6 + 11 + 16) / 3  # the last three that were observed
    np.testing.assert_allclose(profile, [level + 11 - 13.5, level + 2 - 3, level + 16 - 13.5], rtol=1e-6)


def test_a_long_outage_does_not_flatten_the_profiles():
    z = torch.tensor([[1.0, 5.0] * 30])
    observed = torch.ones_like(z, dtype=torch.bool)
    observed[:, -40:] = False
    found = profiles_of(z * observed, observed, (2,), 4)
    np.testing.assert_allclose(found[0, :-1], np.tile([1.0, 5.0, 1.0, 5.0], (found.shape[1] - 1, 1)), rtol=1e-6)


def test_without_a_season_the_profile_is_the_last_observed_value():
    z = torch.tensor([[1.0, 2.0, 4.0, 0.0, 0.0]])
    observed = torch.tensor([[True, True, True, False, False]])
    assert profiles_of(z, observed, (1,), 3).tolist() == [[[4.0, 4.0, 4.0]]]


@pytest.mark.parametrize("seasons", [(1,), (7,), (4, 12)])
def test_a_window_without_observed_values_has_profiles_of_0(seasons):
    found = profiles_of(torch.zeros(2, 24), torch.zeros(2, 24, dtype=torch.bool), seasons, 5)
    assert found.shape == (2, profile_count(seasons), 5)
    assert (found == 0).all()


def test_a_second_season_adds_its_profiles_between_the_first_and_the_last_value():
    z, observed = windows()
    both, first = profiles_of(z, observed, (4, 12), 20), profiles_of(z, observed, (4,), 20)
    assert both.shape == (4, profile_count((4, 12)), 20)
    n = len(season_rates(4, 0))
    assert torch.equal(both[:, :n], first[:, :n])
    assert torch.equal(both[:, -1], first[:, -1])
    for b in range(4):
        values, seen = z[b].double().numpy(), observed[b].numpy()
        expected = profiles_by_loop(values, seen, 12, season_rates(12, 1), 20)
        np.testing.assert_allclose(both[b, n:-2], expected, atol=2e-5)
        # The last one is the average again, about what the newest four observed values lie above it.
        last, average = np.flatnonzero(seen)[-4:], expected[-1]
        shift = np.mean([values[t] - average[(t - 36) % 12] for t in last])
        np.testing.assert_allclose(both[b, -2], average + shift, atol=2e-5)


def test_a_week_goes_on_from_the_level_of_the_last_day():
    week = torch.tensor([0.0, 1.0, 4.0, 5.0, 8.0, 9.0])  # three days of two values
    z = torch.cat([week, week + 10.0])[None]
    observed = torch.ones(1, 12, dtype=torch.bool)
    observed[0, -2:] = False  # the last day has not been seen: the day before tells the level
    found = profiles_of(z * observed, observed, (2, 6), 6)[0, -2]
    np.testing.assert_allclose(found[1:4] - found[0], [1.0, 4.0, 5.0], atol=1e-5)
    np.testing.assert_allclose(found[0], 10.0, atol=1e-5)


@pytest.mark.parametrize("m", [1, 5])
def test_a_shift_and_a_stretch_of_the_window_shift_and_stretch_its_profiles(m):
    z, observed = windows()
    found = profiles_of((3 * z + 2) * observed, observed, (m,), 8)
    np.testing.assert_allclose(found, 3 * profiles_of(z, observed, (m,), 8) + 2, rtol=1e-4, atol=1e-4)


def test_a_longer_horizon_only_goes_on():
    z, observed = windows()
    assert torch.equal(profiles_of(z, observed, (5,), 23)[..., :9], profiles_of(z, observed, (5,), 9))


def test_rows_that_do_not_fill_a_season_are_not_read_into_it():
    z, observed = windows(shape=(4, 35), share=1.0)
    changed = z.clone()
    changed[:, :11] = 99.0  # 35 rows hold two seasons of 12
    assert torch.equal(profiles_of(z, observed, (12,), 6), profiles_of(changed, observed, (12,), 6))


def test_days_that_are_open_for_some_hours_have_a_profile():
    hours = torch.arange(24.0).repeat(2, 5)
    observed = (hours >= 8) & (hours < 16)
    profile = profiles_of(hours * observed, observed, (24,), 24)[:, season_rates(24, 0).index(1.0)]
    # The last 24 values are three times 8 to 15, whose mean is that of each day.
    torch.testing.assert_close(profile[:, 8:16], hours[:, 8:16])
    torch.testing.assert_close(profile[:, :8], torch.full((2, 8), 11.5))


def test_one_part_of_a_season_has_no_profile_and_a_part_beside_a_whole_one_is_left_out():
    z = torch.arange(12.0).repeat(1, 2)
    few = torch.zeros(1, 24, dtype=torch.bool)
    few[:, -5:] = True  # less than half of the only season
    assert (profiles_of(z * few, few, (12,), 12)[:, :-1] == z[:, -5:].mean()).all()
    whole = few.clone()
    whole[:, :12] = True
    alone = whole.clone()
    alone[:, 12:] = False
    rate = season_rates(12, 0).index(1.0)
    first = profiles_of(z * whole, whole, (12,), 12)[:, rate]
    torch.testing.assert_close(first.diff(), profiles_of(z * alone, alone, (12,), 12)[:, rate].diff())
