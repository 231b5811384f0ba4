import numpy as np
import pytest

from tsrnn.data.seasonality import find_season_length, weekdays_repeat

CANDIDATES = (4, 5, 7, 12, 24, 48, 52, 96, 168)


def find(y, candidates=CANDIDATES):
    return find_season_length(np.asarray(y, dtype=float), np.array([0, len(y)]), candidates)


@pytest.mark.parametrize("length", [60, 150, 300, 800])
@pytest.mark.parametrize("kind", ["noise", "random walk", "geometric walk"])
def test_a_series_without_a_season_has_none_in_95_of_100_seeds(kind, length):
    found = 0
    for seed in range(100):
        steps = np.random.default_rng(seed).normal(size=length)
        y = {"noise": steps, "random walk": steps.cumsum(), "geometric walk": np.exp(0.02 * steps.cumsum())}[kind]
        found += find(y) > 1
    assert found <= 5


def test_a_multiplied_season_on_a_trend_is_found():
    # Like the airline passengers: growth, a yearly wave that grows with it, and some noise.
    for seed in range(20):
        t = np.arange(144)
        noise = np.random.default_rng(seed).normal(scale=0.03, size=144)
        assert find(110 * np.exp(0.01 * t + 0.2 * np.sin(2 * np.pi * t / 12) + noise)) == 12


def test_a_day_of_24_hours_under_noise_is_found():
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(scale=0.5, size=500)
        assert find(np.sin(2 * np.pi * np.arange(500) / 24) + noise) == 24


def test_a_week_within_hours_beats_the_day_only_if_it_repeats_clearly_better():
    hour = np.arange(24 * 7 * 12)
    noise = np.random.default_rng(1).normal(scale=0.2, size=len(hour))
    day = np.sin(2 * np.pi * hour / 24)
    assert find(day + noise) == 24
    weekday = np.array([3.0, 1.0, 2.5, 0.5, 2.0, -2.0, -4.0])[hour // 24 % 7]
    assert find(day + weekday + noise) == 168


@pytest.mark.parametrize("season", [4, 5, 7, 12, 24, 52])
def test_a_pattern_of_any_shape_is_found_at_its_length(season):
    pattern = np.random.default_rng(season).normal(size=season)
    noise = np.random.default_rng(0).normal(scale=0.3, size=10 * season)
    assert find(np.tile(pattern, 10) + noise) == season


def test_missing_values_do_not_hide_a_season():
    rng = np.random.default_rng(3)
    y = np.sin(2 * np.pi * np.arange(400) / 12) + rng.normal(scale=0.2, size=400)
    y[rng.random(400) < 0.3] = np.nan
    assert find(y) == 12


def test_many_short_series_speak_together():
    rng = np.random.default_rng(5)
    series = [np.sin(2 * np.pi * (np.arange(60) + k) / 12) + rng.normal(scale=0.9, size=60) for k in range(40)]
    assert find_season_length(np.concatenate(series), np.arange(41) * 60, CANDIDATES) == 12


def test_a_season_must_be_seen_three_times():
    wave = np.sin(2 * np.pi * np.arange(71) / 24)
    assert find(wave) == 1
    assert find(np.sin(2 * np.pi * np.arange(120) / 24)) == 24


@pytest.mark.parametrize("y", [np.ones(100), np.arange(100.0), np.full(100, np.nan), np.zeros(100), [1.0]])
def test_constant_linear_missing_and_tiny_series_have_no_season(y):
    assert find(y) == 1


def test_without_candidates_there_is_no_season():
    assert find(np.tile([1.0, 2.0], 50), ()) == 1


def test_the_answer_is_the_same_in_other_units():
    y = np.sin(2 * np.pi * np.arange(200) / 12) + np.random.default_rng(0).normal(scale=0.2, size=200)
    assert [find(1e-12 * y), find(1e9 * y + 1e9)] == [12, 12]


@pytest.mark.parametrize("kind", ["noise", "volumes", "swings back", "returns", "walk"])
def test_values_that_do_not_differ_by_weekday_do_not_repeat_it(kind):
    days = np.delete(np.arange("2022-01-03", "2023-12-30", dtype="datetime64[D]"), np.arange(40, 700, 45))
    days = days[np.is_busday(days)]
    told = 0
    for seed in range(40):
        noise = np.random.default_rng(seed).normal(size=len(days) + 1)
        y = {
            "noise": noise[1:],
            "volumes": np.exp(noise[1:]),
            "swings back": noise[1:] - 0.3 * noise[:-1],
            "returns": noise[1:] - 0.08 * noise[:-1],
            "walk": noise[1:].cumsum(),
        }[kind]
        told += weekdays_repeat(days, np.array([0, len(days)]), y)
        week = np.array([0.0, 3.0, 1.0, 4.0, 2.0])[(days.astype(int) + 3) % 7]
        assert weekdays_repeat(days, np.array([0, len(days)]), week + 0.5 * noise[1:])
    assert told <= 2
