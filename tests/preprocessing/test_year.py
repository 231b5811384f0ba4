import numpy as np
import pytest
import torch

from tsrnn.preprocessing.inputs import Reads, make_inputs
from tsrnn.preprocessing.profiles import pattern_over, season_patterns, season_profiles
from tsrnn.preprocessing.year import (
    YEAR_CONTRASTS,
    YEAR_PROFILES,
    Courses,
    Year,
    course,
    year_contrasts,
    year_gain,
    year_profiles,
)

DAYS, WEEKS = Year(364, 7), Year(52)
SHORT = Year(104, 2)  # a year of two-day weeks


def windows(L, share=0.8, seed=0, count=3):
    rng = np.random.default_rng(seed)
    observed = torch.from_numpy(rng.random((count, L)) < share)
    return torch.from_numpy(rng.normal(0, 2, (count, L))).float() * observed, observed


def repeating(years, year, extra=0):
    """A smooth course of the year, whose mean is 0, repeated; an extra share of the next one follows."""
    t = torch.arange(years * year + extra, dtype=torch.float32) * 2 * torch.pi / year
    return (3 * torch.sin(t) + torch.cos(2 * t))[None]


def all_seen(z):
    return torch.ones_like(z, dtype=torch.bool)


def courses_of(z, observed, year):
    return Courses.find(z, observed, torch.zeros_like(z), year)


def mean_about(z, observed, t, width):
    """The mean of a width about t, and whether a third of it is known."""
    places = [u for u in range(t - width // 2, t + width // 2 + 1) if 0 <= u < len(z) and observed[u]]
    known = len(places) * 3 >= width
    return (np.mean([z[u] for u in places]) if known else 0.0), known


def mean_before(z, observed, end, span):
    places = [u for u in range(end - span, end) if observed[u]]
    return (np.mean([z[u] for u in places]) if places else 0.0), len(places) * 3 >= span


def last_level(z, observed, count):
    return np.mean([z[u] for u in range(len(z)) if observed[u]][-count:])


def profiles_by_loop(z, observed, year, horizon):
    L = len(z)
    found = np.empty((YEAR_PROFILES, horizon))
    rows = [(3, 1, True), (3, 1, False), (3, 4, False), (1, 4, False)]
    for row, (width, level, newest) in enumerate(rows):
        span = year.weeks(level)
        for h in range(horizon):
            moves = []
            for start in range(L - year.length, span - 1, -year.length):
                mean, known = mean_about(z, observed, start + h, year.weeks(width) | 1)
                before, enough = mean_before(z, observed, start, span)
                moves += [mean - before] if known and enough else []
            moves = moves[:1] if newest else moves
            found[row, h] = last_level(z, observed, span) + (np.mean(moves) if moves else 0.0)
    for h in range(horizon):
        starts = range(L - year.length, -1, -year.length)
        means = [mean_about(z, observed, start + h, year.weeks(3) | 1) for start in starts]
        means = [mean for mean, known in means if known]
        found[4, h] = np.mean(means) if means else last_level(z, observed, year.weeks(4))
    return found


@pytest.mark.parametrize(("L", "share"), [(120, 0.8), (230, 0.8), (330, 0.35), (70, 0.8)])
def test_profiles_are_what_a_loop_over_the_years_finds(L, share):
    z, observed = windows(L, share)
    found = year_profiles(courses_of(z, observed, SHORT), 30)
    assert found.shape == (3, YEAR_PROFILES, 30)
    for b in range(3):
        expected = profiles_by_loop(z[b].double().numpy(), observed[b].numpy(), SHORT, 30)
        np.testing.assert_allclose(found[b], expected, atol=1e-5)


def test_a_year_that_repeats_is_continued():
    z = repeating(2, 364, 100)
    true = repeating(3, 364)[:, 100:156]  # 56 steps after the window
    found = year_profiles(courses_of(z + 0.01 * torch.arange(z.shape[1]), all_seen(z), DAYS), 56)
    line = 0.01 * torch.arange(z.shape[1], z.shape[1] + 56)
    for k in range(YEAR_PROFILES - 1):  # level and trend are those of the window's end
        assert ((found[:, k] - line) - true).abs().max() < 0.35
    assert ((found[:, 4] - line) + 1.5 * 3.64 - true).abs().max() < 0.35  # the mean of two courses


def test_without_a_year_before_all_profiles_are_levels():
    z, observed = windows(300)
    found = year_profiles(courses_of(z, observed, DAYS), 56)
    week, month = (torch.stack([row[seen][-n:].mean() for row, seen in zip(z, observed, strict=True)]) for n in (7, 28))
    for k, level in enumerate((week, week, month, month, month)):
        torch.testing.assert_close(found[:, k], level[:, None].expand(-1, 56))


def test_a_horizon_beyond_a_year_repeats_it():
    z, observed = windows(120)
    found = year_profiles(courses_of(z, observed, SHORT), 250)
    torch.testing.assert_close(found[..., 104:208], found[..., :104])


def contrasts_by_loop(z, observed, year):
    L, back, week = len(z), year.weeks(4), year.weeks(1) | 1
    rows = np.zeros((YEAR_CONTRASTS, L))
    for t in range(L):

        def level(u):
            return mean_about(z, observed, u - week // 2, week) if u - week // 2 >= 0 else (0.0, False)

        def before(u):
            return mean_about(z, observed, u - year.length, year.weeks(3) | 1) if u >= year.length else (0.0, False)

        if observed[t] and before(t)[1]:
            rows[0, t] = z[t] - before(t)[0]
        if t >= back and level(t)[1] and level(t - back)[1]:
            rows[1, t] = level(t)[0] - level(t - back)[0]
            if before(t)[1] and before(t - back)[1]:
                rows[2, t] = rows[1, t] - (before(t)[0] - before(t - back)[0])
    return rows


@pytest.mark.parametrize(("year", "L"), [(SHORT, 230), (SHORT, 105), (SHORT, 60), (WEEKS, 130), (WEEKS, 5)])
def test_contrasts_are_what_a_loop_over_the_values_finds(year, L):
    z, observed = windows(L)
    found = year_contrasts(courses_of(z, observed, year))
    assert found.shape == (3, YEAR_CONTRASTS, L)
    for b in range(3):
        expected = contrasts_by_loop(z[b].double().numpy(), observed[b].numpy(), year)
        np.testing.assert_allclose(found[b], expected, atol=1e-5)


def test_the_gain_tells_years_that_repeat_from_those_that_do_not():
    rng = np.random.default_rng(0)
    same = repeating(2, 364, 200)
    noise = torch.from_numpy(rng.normal(0, 0.2, same.shape)).float()
    walk = torch.from_numpy(rng.normal(size=(20, same.shape[1])).cumsum(1)).float()
    flat = torch.zeros(1, same.shape[1])
    gains = [year_gain(year_contrasts(courses_of(z, all_seen(z), DAYS)), DAYS) for z in (same + noise, walk, flat)]
    assert gains[0] > 1.0
    assert gains[1].mean() < 0.0  # another year's moves only add to those of a walk
    assert gains[2] == 0.0
    short = same[:, :380]
    assert year_gain(year_contrasts(courses_of(short, all_seen(short), DAYS)), DAYS) == 0.0
    more = year_gain(year_contrasts(courses_of(same[:, :405], all_seen(same[:, :405]), DAYS)), DAYS)
    assert 0.0 < more < gains[0]  # two weeks to compare, of four


def test_the_course_leaves_nothing_where_nothing_moves():
    z = torch.full((1, 1000), 0.1)
    mean, known = course(z, all_seen(z), 21)
    assert known.all()
    torch.testing.assert_close(mean, z, atol=1e-7, rtol=0)


def test_what_a_network_reads_of_a_year_follows_what_it_reads_of_its_seasons():
    y, observed = windows(400, share=1.0)
    y = y.double() + 10
    without = make_inputs(y, observed, "seasonal", Reads((7,), contrasts=True), 20)[0]
    reads = Reads((7,), contrasts=True, year=364)
    found = make_inputs(y, observed, "seasonal", reads, 20)[0]
    K, C = without.profiles.shape[1], without.contrasts.shape[1]
    assert found.profiles.shape == (3, reads.profile_count, 20)
    assert found.contrasts.shape == (3, reads.contrast_count, 400)
    assert found.facts.shape == (3, reads.fact_count)
    assert torch.equal(found.profiles[:, :K], without.profiles)
    assert torch.equal(found.contrasts[:, :C], without.contrasts)
    assert torch.equal(found.facts[:, :2], without.facts)
    patterns = season_patterns(found.values, observed, observed, (7,))
    pattern = pattern_over(patterns, 0, 0.12, 400)
    rest = (found.values - pattern) * observed
    courses = courses_of(rest, observed, DAYS)
    torch.testing.assert_close(found.contrasts[:, C:], torch.asinh(2 * year_contrasts(courses)))
    week = season_profiles(found.values, observed, observed, patterns, 20)[:, 3]
    week = week - week[:, :7].mean(1, keepdim=True)
    expected = year_profiles(courses, 20) + week.unsqueeze(1)
    torch.testing.assert_close(found.profiles[:, K:], expected)


def test_a_year_of_weeks_has_no_shorter_season():
    y, observed = windows(130)
    found = make_inputs(y.double(), observed, "seasonal", Reads((52,), year=52), 10)[0]
    expected = year_profiles(courses_of(found.values, observed, WEEKS), 10)
    torch.testing.assert_close(found.profiles[:, -YEAR_PROFILES:], expected)
    assert found.contrasts.shape[1] == 0
    assert found.facts.shape[1] == 3


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_the_unit_and_what_stands_at_unobserved_places_do_not_matter(factor):
    y, observed = windows(400)
    reads = Reads((7,), contrasts=True, year=364)
    expected = make_inputs(y.double(), observed, "seasonal", reads, 20)[0]
    found = make_inputs(torch.where(observed, y.double() * factor, torch.nan), observed, "seasonal", reads, 20)[0]
    for part in ("values", "facts", "profiles", "contrasts"):
        torch.testing.assert_close(getattr(found, part), getattr(expected, part), rtol=1e-4, atol=1e-5)
