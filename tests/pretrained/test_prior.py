import numpy as np
import pytest

from tsrnn.pretrained import prior, processes
from tsrnn.pretrained.disturbances import disturb, drop_rows
from tsrnn.pretrained.draws import (
    bounded_exp,
    coin,
    is_year,
    log_uniform,
    returning_walk,
    season_shapes,
    whole_season,
    year_of_seasons,
)
from tsrnn.pretrained.prior import MORE_PRICES, SHARES, simulate
from tsrnn.pretrained.processes import (
    FAMILIES,
    additive_level,
    exponential_smoothing,
    season_changes,
)
from tsrnn.pretrained.traits import GROWTHS, Growth, Traits

SEASONS = [(1,), (4,), (7,), (12,), (24, 168), (24, 24), (52,)]


def new_rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seasons", SEASONS, ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_draws_finite_series_of_the_asked_shape_for_every_season(family, seasons):
    series = FAMILIES[family](40, 200, seasons, new_rng())
    assert series.shape == (40, 200)
    assert np.isfinite(series).all()
    assert len(np.unique(series.round(9), axis=0)) > 30  # each row is a series of its own


@pytest.mark.parametrize("seasons", SEASONS, ids=str)
def test_the_prior_draws_finite_series_that_move(seasons):
    series = simulate(500, 150, seasons, new_rng())
    assert series.shape == (500, 150)
    assert np.isfinite(series).all()
    assert (series.std(1) > 0).mean() > 0.98


def test_the_shares_name_every_family_and_sum_to_one():
    assert set(SHARES) == set(FAMILIES)
    assert sum(SHARES.values()) == pytest.approx(1)


@pytest.mark.parametrize("seasons", [(1,), (4,), (12,)], ids=str)
def test_the_views_of_growth_hold_more_or_fewer_series_that_hardly_trend(seasons):
    def shares_that_trend(growth):
        series = simulate(4000, 60, seasons, new_rng(), Traits(growth))
        steps = np.diff(series[:, :: seasons[0]], axis=1)
        return (np.abs(steps.mean(1)) > np.abs(steps).mean(1) * 0.6).mean()

    brisk, cautious, mixed, lasting = map(shares_that_trend, GROWTHS.values())
    assert mixed < 0.93 * brisk
    assert cautious < brisk < lasting


@pytest.mark.parametrize("family", FAMILIES)
def test_the_seed_decides_what_is_drawn(family):
    draw = FAMILIES[family]
    first, second, other = (draw(6, 60, (12,), new_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_prior_leaves_the_global_random_state_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    simulate(50, 40, (4,), new_rng())
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("length", [2, 3, 10])
def test_short_series_can_be_drawn(length):
    assert np.isfinite(simulate(300, length, (12,), new_rng())).all()


def explained_by_season(series, m):
    """Share of the variance of the changes over a step that the mean change of each phase explains."""
    changes = np.diff(series, axis=1)
    changes = changes[:, : changes.shape[1] // m * m].reshape(len(series), -1, m)
    noise = ((changes - changes.mean(1, keepdims=True)) ** 2).mean((1, 2))
    total = ((changes - changes.mean((1, 2), keepdims=True)) ** 2).mean((1, 2))
    return 1 - noise / np.maximum(total, 1e-12)


@pytest.mark.parametrize("family", ["exponential_smoothing", "structural", "gaussian_process", "counts"])
def test_a_season_is_found_at_its_length_and_not_at_another(family):
    series = FAMILIES[family](400, 241, (12,), new_rng())
    right, wrong = explained_by_season(series, 12), explained_by_season(series, 11)
    assert (right > 0.4).mean() > 0.1
    assert (wrong > 0.4).mean() < 0.01


@pytest.mark.parametrize("family", ["exponential_smoothing", "prices"])
def test_without_a_season_none_is_found(family):
    series = FAMILIES[family](400, 241, (1,), new_rng())
    # 20 means of a white noise explain 1/20 of it.
    assert np.quantile(explained_by_season(series, 12), 0.8) < 0.12


def test_a_day_and_a_week_both_show_in_hours():
    series = FAMILIES["structural"](400, 24 * 7 * 6 + 1, (24, 168), new_rng())
    day, week = explained_by_season(series, 24), explained_by_season(series, 168)
    assert np.quantile(day, 0.8) > 0.3
    assert np.quantile(week - day, 0.8) > 0.15


def test_a_season_has_mean_zero_and_unit_spread_and_none_is_zero():
    shapes = season_shapes(50, 12, new_rng())
    np.testing.assert_allclose(shapes.mean(1), 0, atol=1e-9)
    spread = shapes.std(1)
    np.testing.assert_allclose(spread[spread > 0.5], 1, rtol=1e-6)
    assert (spread > 0.5).mean() > 0.9
    assert not season_shapes(5, 1, new_rng()).any()


def test_a_long_season_repeats_the_short_one_where_they_are_equal():
    assert whole_season(4, (24, 24), new_rng()).shape == (4, 24)
    week = whole_season(200, (24, 168), new_rng())
    assert week.shape == (200, 168)
    days = week.reshape(200, 7, 24)
    assert np.isclose(days, days[:, :1]).all((1, 2)).mean() > 0.02  # some weeks have seven equal days
    assert not np.isclose(days, days[:, :1]).all((1, 2)).all()


def test_counts_are_whole_and_not_negative():
    drawn = FAMILIES["counts"](100, 80, (7,), new_rng())
    assert (drawn >= 0).all()
    np.testing.assert_array_equal(drawn, drawn.round())


def test_intermittent_demand_is_mostly_zero_and_never_negative():
    demand = FAMILIES["intermittent"](300, 80, (12,), new_rng())
    assert (demand >= 0).all()
    assert np.median((demand == 0).mean(1)) > 0.5


def test_prices_are_positive_walks_whose_volatility_clusters():
    prices = FAMILIES["prices"](400, 300, (1,), new_rng())
    assert (prices > 0).all()
    changes = np.diff(np.log(prices), axis=1)
    changes = changes / changes.std(1, keepdims=True)

    def correlation(x):
        x = x - x.mean(1, keepdims=True)
        return float(((x[:, 1:] * x[:, :-1]).mean(1) / (x**2).mean(1)).mean())

    assert abs(correlation(changes)) < 0.02
    assert correlation(np.abs(changes)) > 0.03


def test_the_bounded_exponential_keeps_a_row_within_six_and_small_rows_as_they_are():
    y = np.array([[-1.0, 0.0, 2.0], [-12.0, 0.0, 6.0]])
    np.testing.assert_allclose(bounded_exp(y), np.exp([[-1, 0, 2], [-6, 0, 3]]))


def test_draws_of_parameters_keep_their_bounds_and_shares():
    rng = new_rng()
    drawn = log_uniform(rng, 0.01, 100, 4000)
    assert drawn.shape == (4000, 1)
    assert 0.01 <= drawn.min() < drawn.max() <= 100
    assert np.median(drawn) == pytest.approx(1, rel=0.3)
    assert coin(rng, 0.3, 4000).mean() == pytest.approx(0.3, abs=0.03)


def test_most_series_are_left_undisturbed_and_the_others_are_changed_as_a_whole_or_at_single_values():
    series = FAMILIES["prices"](2000, 100, (1,), new_rng())
    before = series.copy()
    disturbed = disturb(series, new_rng(1))
    np.testing.assert_array_equal(series, before)
    assert disturbed.shape == series.shape
    assert np.isfinite(disturbed).all()
    changed = ~np.isclose(disturbed, series)
    assert 0.2 < changed.any(1).mean() < 0.4
    few = changed.sum(1)[changed.any(1)]
    assert (few < 10).any()  # spikes
    assert (few > 60).any()  # a mixture, rounding


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_constant_series_are_disturbed_without_becoming_anything_but_finite(value):
    assert np.isfinite(disturb(np.full((500, 30), value), new_rng())).all()


def test_a_returning_walk_keeps_its_spread_and_forgets_in_the_time_given():
    walk = returning_walk(np.full((4000, 1), 10.0), 60, new_rng())
    np.testing.assert_allclose(walk.std(0), 1, atol=0.05)
    later = [np.corrcoef(walk[:, 20], walk[:, 20 + lag])[0, 1] for lag in (1, 10)]
    np.testing.assert_allclose(later, [0.9, 0.9**10], atol=0.04)


def test_smooth_trends_go_on_as_they_went():
    def agreement(family):
        """Correlate the change of one year with that of the year before it, in units of their series."""
        years = FAMILIES[family](2000, 240, (12,), new_rng()).reshape(2000, 20, 12).mean(2)
        changes = np.diff(years, axis=1)
        changes = (changes - changes.mean(1, keepdims=True)) / changes.std(1, keepdims=True)
        return (changes[:, 1:] * changes[:, :-1]).mean(1)

    assert np.median(agreement("smooth_trends")) > 0.4 > 0.2 > np.median(agreement("exponential_smoothing"))


def test_drifting_cycles_leave_the_clock_within_weeks():
    def likeness(family):
        """Correlate the last day with the day before and with that of three weeks ago."""
        days = FAMILIES[family](400, 24 * 28, (24, 24), new_rng()).reshape(400, 28, 24)
        days = (days - days.mean(2, keepdims=True)) / days.std(2, keepdims=True)
        return [(days[:, -1] * days[:, -1 - ago]).mean(1) for ago in (1, 21)]

    yesterday, weeks_ago = likeness("drifting_cycles")
    assert (yesterday > 0.95).mean() > 0.4
    assert np.median(weeks_ago[yesterday > 0.95]) < 0.8
    yesterday, weeks_ago = likeness("structural")
    assert np.median(weeks_ago[yesterday > 0.95]) > 0.9


@pytest.mark.parametrize("shares", [{}, {"smooth": 0.3}, {"drifting": 0.1}, {"smooth": 0.2, "drifting": 0.2}], ids=str)
def test_drifting_cycles_and_smooth_trends_are_drawn_where_asked_for(monkeypatch, shares):
    seen = {}

    def note(name):
        draw = FAMILIES[name]

        def noting(count, *rest, **options):
            seen[name] = count
            return draw(count, *rest, **options)

        return noting

    names = {"smooth": "smooth_trends", "drifting": "drifting_cycles"}
    monkeypatch.setattr(prior, "smooth_trends", note("smooth_trends"))
    monkeypatch.setitem(FAMILIES, "drifting_cycles", note("drifting_cycles"))
    simulate(1000, 50, (24, 24), new_rng(), Traits(**shares))
    assert set(seen) == {names[key] for key in shares}
    for key, share in shares.items():
        assert seen[names[key]] == pytest.approx(1000 * share, rel=0.3)


def test_further_prices_are_drawn_where_asked_for(monkeypatch):
    seen = []
    draw = FAMILIES["prices"]
    monkeypatch.setitem(FAMILIES, "prices", lambda count, *rest: seen.append(count) or draw(count, *rest))
    for share in (0.0, 0.4):
        simulate(2000, 50, (5,), new_rng(), Traits(prices=share))
    assert seen[0] == pytest.approx(2000 * (SHARES["prices"] + MORE_PRICES), rel=0.3)
    assert seen[1] == pytest.approx(2000 * (SHARES["prices"] + MORE_PRICES + 0.4), rel=0.1)


def test_noise_lasts_where_asked_for(monkeypatch):
    """Without trend and season lasting noise changes like a random walk, not like values around a level."""
    monkeypatch.setattr(processes, "whole_season", lambda n, seasons, rng, clear: np.zeros((n, max(seasons))))

    def memory(seasons, lasting):
        series = exponential_smoothing(600, 400, seasons, new_rng(), Traits(lasting_noise=lasting))
        change = np.diff(series, axis=1)
        return np.median((change[:, 1:] * change[:, :-1]).mean(1) / (change**2).mean(1))

    for seasons in ((24, 168), (7,)):
        assert memory(seasons, 0.0) + 0.05 < memory(seasons, 0.5) < memory(seasons, 1.0) - 0.02


def test_a_share_of_the_additive_series_is_lifted_until_the_last_points_are_just_above_zero():
    series = new_rng(1).normal(size=(2000, 60)).cumsum(1)
    level = additive_level(series, 0.5, new_rng())
    assert level.shape == (2000, 1)
    lifted = level[:, 0] != 1
    assert lifted.mean() == pytest.approx(0.5, abs=0.04)
    last = (series + level)[lifted, -5:]
    assert (last > 0).all()
    # Of lines the smallest lifted value is near zero, as if they had begun there.
    line = np.tile(np.arange(60.0), (2000, 1))
    lines = line + additive_level(line, 0.5, new_rng())
    growth = 1 / lines[:, -1]
    assert (lines[lifted, 0] < 0).any()  # it began lately
    assert np.quantile(growth[lifted], 0.8) > 5 / 60 > 1 / 60 == growth[~lifted].max()


@pytest.mark.parametrize("family", ["exponential_smoothing", "smooth_trends"])
def test_additive_series_that_lately_were_near_zero_are_drawn_where_asked_for(family):
    def brisk(share):
        series = FAMILIES[family](4000, 60, (1,), new_rng(), Traits(near_zero=share))
        last = series[:, -8:]
        straight = np.abs(np.diff(last, 2)).mean(1) < 0.2 * np.abs(np.diff(last)).mean(1)
        return (straight & (last[:, 0] > 0) & (last[:, -1] > 2.5 * last[:, 0])).mean()

    assert brisk(1.0) > 2 * brisk(0.0)


@pytest.mark.parametrize("length", [2, 3, 10])
@pytest.mark.parametrize("value", [0.0, 5.0])
def test_constant_and_short_series_have_a_level_too(length, value):
    assert np.isfinite(additive_level(np.full((50, length), value), 0.5, new_rng())).all()


def test_a_season_changes_once_or_slowly_where_asked_for():
    season = np.tile([3.0, -1.0, -1.0, -1.0], (400, 1))
    changes = season_changes(season, 200, (4,), new_rng()).reshape(400, 50, 4)
    before_and_after = np.array([len(np.unique(row.round(9), axis=0)) for row in changes])
    once = before_and_after <= 3  # the season in which it changes may be half and half
    assert 0.45 < once.mean() < 0.75
    assert (changes[once, -1] != 0).any(1).mean() > 0.9
    # Some move the clock: what is added takes the peak away and puts it beside.
    moved = [np.allclose(np.sort(row[-1] + season[0]), [-1, -1, -1, 3]) for row in changes[once]]
    assert 0.25 < np.mean(moved) < 0.55
    assert (season_changes(np.zeros((5, 4)), 20, (4,), new_rng()) == 0).all()


def test_a_changing_season_is_forecast_worse_by_its_first_repetitions():
    def gap(changing):
        series = exponential_smoothing(800, 168 * 6, (24, 168), new_rng(), Traits(changing_seasons=changing))
        first, *_, before, last = np.split(series, 6, axis=1)
        return np.median(np.abs(last - first).mean(1) / (np.abs(last - before).mean(1) + 1e-9))

    assert gap(1.0) > gap(0.0) + 0.05


def test_a_weekend_can_be_a_lower_faded_copy_of_a_weekday():
    week = whole_season(2000, (24, 168), new_rng()).reshape(2000, 7, 24)
    spread, level = week.std(2), week.mean(2)
    quiet = np.sort(spread, 1)[:, :2].max(1) < 0.5 * np.sort(spread, 1)[:, 2]
    assert 0.1 < quiet.mean() < 0.5
    lower = np.take_along_axis(level, spread.argsort(1)[:, :2], 1).mean(1) < level.mean(1)
    assert lower[quiet].mean() > 0.6


def clock(n_days=60, count=400):
    """Rows that name their hour, and the rows to be left out of them."""
    return np.tile(np.arange(24.0), (count, n_days))


def test_rows_that_are_left_out_put_what_follows_out_of_step_and_change_nothing_else():
    series = clock()
    kept = drop_rows(series, 60 * 23, 24, 1.0, new_rng())
    assert kept.shape == (400, 60 * 23)
    steps = np.diff(kept, axis=1) % 24
    assert set(np.unique(steps)) == {1, 2}  # a row after the next, never one twice
    missing = (steps == 2).sum(1)
    daily = np.isclose(missing, 60, atol=1)
    assert 0.15 < daily.mean() < 0.5  # days of 23 rows from beginning to end
    at = [np.diff(np.flatnonzero(row == 2)) for row in steps[daily]]
    assert all(set(gaps) == {23} for gaps in at)
    begins = np.array([np.flatnonzero(row == 2)[:1].sum() for row in steps])
    assert (begins[missing > 1] > 200).mean() > 0.1  # in some from some time on


def test_series_that_no_row_is_left_out_of_keep_their_end():
    series = np.random.default_rng(0).normal(size=(50, 300))
    np.testing.assert_array_equal(drop_rows(series, 280, 24, 0.0, new_rng()), series[:, -280:])
    some = drop_rows(np.repeat(series, 20, 0), 280, 24, 0.3, new_rng())
    kept = (some == np.repeat(series, 20, 0)[:, -280:]).all(1)
    assert kept.mean() == pytest.approx(0.7, abs=0.06)


def test_rows_are_left_out_where_asked_for(monkeypatch):
    seen = []

    def note(series, length, season_length, share, rng):
        seen.append((series.shape, length, season_length, share))
        return drop_rows(series, length, season_length, share, rng)

    monkeypatch.setattr(prior, "drop_rows", note)
    assert simulate(50, 230, (24, 168), new_rng(), Traits(dropped=0.1)).shape == (50, 230)
    assert simulate(50, 230, (24, 168), new_rng()).shape == (50, 230)
    assert seen == [((50, 240), 230, 24, 0.1)]


def test_a_year_of_weeks_has_a_smooth_course_beside_the_week():
    assert is_year((7, 364))
    assert is_year((28, 364))
    assert not is_year((24, 168))
    assert not is_year((52,))
    year = whole_season(400, (7, 364), new_rng())
    assert year.shape == (400, 364)
    np.testing.assert_allclose(year.mean(1), 0, atol=1e-9)
    np.testing.assert_allclose(year.std(1), 1, rtol=1e-6)
    weeks = year.reshape(400, 52, 7).mean(2)
    course = weeks.std(1)
    assert np.median(course) > 0.7  # of the whole spread, 1
    assert (course < 0.1).mean() == pytest.approx(0.05, abs=0.04)  # those that are weeks alone
    steps = np.diff(weeks, axis=1, append=weeks[:, :1]).std(1) / (course + 1e-9)
    assert np.median(steps) < 0.5  # the next week is near: 1.41 where weeks say nothing of each other


def test_events_of_a_year_last_for_days_in_some():
    short = np.zeros((500, 7))
    daily = year_of_seasons(short, 364, new_rng())
    sharp = np.abs(np.diff(daily, axis=1)).max(1) / (np.abs(daily).max(1) + 1e-9)
    assert (sharp > 0.3).mean() > 0.05
    assert (sharp < 0.1).mean() > 0.4


def test_every_family_is_told_of_a_year_beside_a_season(monkeypatch):
    seen = set()
    for name in set(FAMILIES) - {"exponential_smoothing", "smooth_trends"}:
        draw = FAMILIES[name]
        monkeypatch.setitem(
            FAMILIES, name, lambda n, T, seasons, rng, draw=draw: seen.add(seasons) or draw(n, T, seasons, rng)
        )
    assert np.isfinite(simulate(600, 400, (7, 364), new_rng())).all()
    assert seen == {(7, 364)}


def test_steady_levels_stay_where_they_are():
    def moved(share):
        calm = Traits(Growth(0.0, 0.5, 1.0, 0.8), steady_levels=share)
        series = exponential_smoothing(600, 800, (7,), new_rng(), calm)
        far, near = (np.abs(series[:, lag:] - series[:, :-lag]).mean(1) for lag in (700, 7))
        return (far < 1.3 * near).mean()

    # Half of the days have a trend, which moves them all the same.
    assert moved(0.0) < 0.1
    assert moved(1.0) > 0.2


def test_clear_seasons_are_smooth_and_stand_above_their_noise():
    def described(share):
        series = exponential_smoothing(600, 240, (24, 168), new_rng(), Traits(clear_seasons=share))[:, -96:]
        within = np.abs(series - series.reshape(600, 4, 24).mean(2).repeat(24, axis=1)).mean(1)
        repeats = np.abs(series[:, 24:] - series[:, :-24]).mean(1) < 0.5 * within
        smooth = np.abs(np.diff(series, axis=1)).mean(1) < 0.5 * within  # a wave of a day moves by .26 of its size
        return repeats.mean(), smooth.mean()

    few, many = described(0.0), described(1.0)
    assert few[0] < 0.25
    assert few[1] < 0.25
    assert many[0] > 0.4
    assert many[1] > 0.4


def test_only_the_shapes_that_are_to_be_clear_are_smooth():
    clear = np.arange(400)[:, None] % 2 == 0
    shapes = season_shapes(400, 24, new_rng(), clear)
    np.testing.assert_allclose(shapes.std(1), 1)
    rough = np.abs(np.diff(shapes, axis=1)).mean(1)
    assert np.median(rough[::2]) < 0.6 * np.median(rough[1::2])
