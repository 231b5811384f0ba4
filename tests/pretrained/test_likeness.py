import json

import numpy as np
import pytest

from tsrnn.errors import DataError
from tsrnn.pretrained.family import MEMBERS
from tsrnn.pretrained.likeness import (
    STATISTICS,
    Scorecard,
    fewest_points,
    load_scorecards,
    scorecard_checksum,
    scorecard_of,
    statistics,
)
from tsrnn.pretrained.prior import simulate
from tsrnn.pretrained.traits import Traits
from tsrnn.pretrained.weights import read_recipe

MONTHS = np.arange(120.0)


def new_rng(seed=0):
    return np.random.default_rng(seed)


def told(series, m=12):
    return dict(zip(STATISTICS, statistics(np.atleast_2d(series), m)[0], strict=True))


def card(statistic, places, heights, m=12):
    """A scorecard of one curve; the others are level."""
    curves = {name: ((0.0,), (0.0,)) for name in STATISTICS} | {statistic: (places, heights)}
    return Scorecard(m, (60, 90), 0.0, tuple(curves.values()))


@pytest.mark.parametrize("m", [1, 4, 12])
def test_statistics_do_not_depend_on_the_unit(m):
    series = simulate(60, 140, (m,), new_rng())
    plain = statistics(series, m)
    for factor in (1e-9, 3.7, 1e9):
        np.testing.assert_allclose(statistics(factor * series, m), plain, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("m", [1, 4, 12])
@pytest.mark.parametrize(
    "series",
    [np.zeros(60), np.full(60, 7.0), np.eye(1, 60, 30)[0], np.arange(60.0), np.tile([1e12, -1e12], 30)],
    ids=["zeros", "constant", "spike", "line", "alternating"],
)
def test_statistics_of_odd_series_are_finite(series, m):
    assert np.isfinite(statistics(series[None], m)).all()


def test_statistics_of_a_short_series_are_finite():
    for m in (1, 4, 12):
        assert np.isfinite(statistics(new_rng().normal(size=(3, fewest_points(m))), m)).all()


def test_a_line_is_all_trend():
    line = told(10 + 0.5 * MONTHS)
    assert line["trend_strength"] == pytest.approx(1)
    assert line["bend"] == pytest.approx(0, abs=1e-9)
    assert line["turns"] == 0
    assert line["noise"] < -15
    # Six a year, relative to a mean of 39.75.
    assert line["growth"] == pytest.approx(6 / 39.75, rel=0.02)
    assert told(100 - 0.5 * MONTHS)["slope"] == pytest.approx(-line["slope"])


def test_a_parabola_bends_and_noise_does_not_move_in_a_line():
    assert told(1 + (MONTHS / 60 - 1) ** 2)["bend"] > 0.9
    assert told(10 + new_rng().normal(size=120))["trend_strength"] < 0.5


def test_a_fixed_season_is_strong_and_stable_and_one_that_turns_around_is_not():
    season = np.sin(MONTHS * np.pi / 6)
    fixed = told(5 + season)
    assert fixed["seasonal_strength"] == pytest.approx(1, abs=1e-6)
    assert fixed["seasonal_stability"] == pytest.approx(1, abs=1e-6)
    turned = told(5 + np.where(MONTHS < 60, season, -season))
    assert turned["seasonal_stability"] < -0.9
    assert turned["seasonal_strength"] < 0.2


def test_noise_and_walks_are_told_by_their_autocorrelations():
    noise = new_rng().normal(size=(200, 120))
    of_noise, of_walk = (statistics(x, 1).mean(0) for x in (noise, noise.cumsum(1)))
    place = STATISTICS.index
    assert of_noise[place("autocorrelation")] == pytest.approx(0, abs=0.05)
    assert of_noise[place("autocorrelation_of_changes")] == pytest.approx(-0.5, abs=0.05)
    assert of_walk[place("autocorrelation")] > 0.8
    assert of_walk[place("autocorrelation_of_changes")] == pytest.approx(0, abs=0.05)


def test_counts_repeat_and_spread_that_grows_is_seen():
    counts = told(new_rng().poisson(1.0, 120).astype(float))
    assert counts["repeats"] > 0.15
    assert counts["distinct"] < 0.1
    growing = told(100 + new_rng().normal(size=1200) * np.where(np.arange(1200) < 600, 1, np.e))
    assert growing["later_variation"] == pytest.approx(1, abs=0.1)


def test_log_odds_are_the_sum_of_curves_that_are_level_beyond_their_ends():
    scorecard = card("noise", (0.0, 1.0), (2.0, 4.0))
    described = np.zeros((4, len(STATISTICS)))
    described[:, STATISTICS.index("noise")] = [-5, 0.25, 1, 9]
    np.testing.assert_allclose(scorecard.log_odds(described), [2, 2.5, 4, 4])


def test_series_with_higher_odds_are_chosen_more_often_and_none_twice():
    rng = new_rng()
    series = 10 + rng.normal(size=(4000, 100)) * np.where(np.arange(4000) < 2000, 0.1, 1)[:, None]
    quiet = np.log(0.1 / 10) + 1
    odds = np.log(4.0)  # the loud ones are four times as likely
    chosen = card("variation", (quiet, quiet + 0.01), (0.0, odds)).choose(series, 400, rng)
    assert chosen.shape == (400, 100)
    assert len(np.unique(chosen, axis=0)) == 400
    loud = (chosen.std(1) > 0.4).mean()
    assert loud == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize(("less", "more"), [(-1000.0, -20.0), (20.0, 1000.0)])
def test_odds_beyond_the_limits_are_not_told_apart(less, more):
    series = 10 + new_rng().normal(size=(4000, 100)) * np.where(np.arange(4000) < 2000, 0.1, 1)[:, None]
    quiet = np.log(0.1 / 10) + 1
    chosen = card("variation", (quiet, quiet + 0.01), (less, more)).choose(series, 800, new_rng())
    assert (chosen.std(1) > 0.4).mean() == pytest.approx(0.5, abs=0.06)


def test_a_choice_depends_on_its_generator_alone():
    series = simulate(600, 172, (4,), new_rng())
    scorecard = card("noise", (-5.0, -2.0), (0.0, 3.0), m=4)
    np.testing.assert_array_equal(scorecard.choose(series, 50, new_rng(3)), scorecard.choose(series, 50, new_rng(3)))


CHOOSING = [member for member in MEMBERS.values() if member.candidates > 1]


def test_every_member_that_chooses_has_a_scorecard_of_its_season():
    assert set(load_scorecards()) == {member.name for member in CHOOSING}
    for member in CHOOSING:
        assert [seasons for seasons, _ in member.seasons] == [(scorecard_of(member.name).season_length,)]
    with pytest.raises(DataError, match=r"has no scorecard of season_7\. Fit one with benchmarks/likeness\.py"):
        scorecard_of("season_7")


@pytest.mark.parametrize("member", CHOOSING, ids=lambda member: member.name)
def test_a_shipped_scorecard_belongs_to_the_prior_and_to_the_weights(member):
    # Odds are ratios of densities, so that their mean over draws of the simulated ones is 1 if the prior is the same.
    (m,) = member.seasons[0][0]
    steps = member.size().context_length + member.horizon
    traits = Traits(member.traits.growth, smooth=member.traits.smooth, drifting=member.traits.drifting)
    series = simulate(6000, steps, (m,), new_rng(5), traits)
    scorecard = scorecard_of(member.name)
    odds = np.exp(scorecard.log_odds(scorecard.describe(series, new_rng(6))))
    assert odds.mean() == pytest.approx(1, abs=0.35)
    recipe = read_recipe(member)
    assert (recipe["candidates"], recipe["scorecard"]) == (member.candidates, scorecard_checksum(member.name))


def test_a_scorecard_is_known_by_its_checksum():
    known = scorecard_checksum("season_4")
    assert known != scorecard_checksum("season_4_lasting")
    assert known == scorecard_checksum("season_4")


@pytest.mark.parametrize("text", [None, "no json", "[]", '{"season_4": {}}', '{"season_4": 3}'])
def test_missing_and_damaged_scorecards_are_an_error(tmp_path, text):
    path = tmp_path / "likeness.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=r"likeness\.json cannot be read"):
        load_scorecards(path)


@pytest.mark.parametrize(
    "change",
    [
        {"season_length": 0},
        {"lengths": []},
        {"lengths": [3]},
        {"intercept": float("nan")},
        {"curve": [[0.0, 0.0], [1.0, 2.0]]},
        {"curve": [[1.0, 0.0], [1.0, 2.0]]},
        {"curve": [[0.0, 1.0], [1.0]]},
        {"curve": [[], []]},
        {"curve": [[0.0], [float("inf")]]},
        {"curve": [["a"], [0.0]]},
        {"curve": [[0.0]]},
    ],
    ids=str,
)
def test_scorecards_that_cannot_tell_odds_are_an_error(tmp_path, change):
    path = tmp_path / "likeness.json"
    curves = {name: change.get("curve", [[0.0, 1.0], [0.5, -0.5]]) for name in STATISTICS}
    scorecard = {"season_length": 4, "lengths": [20], "intercept": -1} | change | {"curves": curves}
    path.write_text(json.dumps({"m": scorecard}))
    with pytest.raises(DataError, match=r"likeness\.json cannot be read"):
        load_scorecards(path)


def test_scorecards_survive_their_file(tmp_path):
    path = tmp_path / "likeness.json"
    curves = {name: [[0.0, 1.0], [0.5, -0.5]] for name in STATISTICS}
    path.write_text(json.dumps({"m": {"season_length": 4, "lengths": [20], "intercept": -1, "curves": curves}}))
    scorecard = load_scorecards(path)["m"]
    assert scorecard.log_odds(np.zeros((1, len(STATISTICS))))[0] == pytest.approx(-1 + 0.5 * len(STATISTICS))
