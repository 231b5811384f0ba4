from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.conftest import monthly_table
from tsrnn.data.panel import Panel, TableForm
from tsrnn.data.tables import read_panel
from tsrnn.errors import ParameterError, ShortSeriesError
from tsrnn.forecasting.forecaster import Forecaster
from tsrnn.forecasting.settings import (
    choose_settings,
    context_notes,
    default_steps,
    fine_tune_settings,
    member_settings,
    zero_shot_settings,
)
from tsrnn.networks.heads import QUANTILES
from tsrnn.pretrained.family import MEMBERS
from tsrnn.pretrained.service import DAYS


def panel_of(lengths, season_length=12, default_horizon=18):
    lengths = np.atleast_1d(lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Panel(
        y=np.arange(offsets[-1], dtype=np.float64),
        offsets=offsets,
        ids=np.array([f"series {i}" for i in range(len(lengths))]),
        start=np.zeros(len(lengths), dtype=np.int64),
        frequency=SimpleNamespace(
            default_horizon=default_horizon,
            default_season_length=season_length,
            is_slow=True,
            steps_a_day=0,
            describe=lambda: "monthly",
        ),
        season_length=season_length,
        form=TableForm("long"),
    )


def test_twelve_years_of_months_are_read_in_years_and_forecast_two_years_ahead():
    chosen = choose_settings(Forecaster(), panel_of(144))
    assert (chosen.size.horizon, chosen.size.patch_length, chosen.size.seasons) == (24, 12, (12,))
    assert chosen.size.context_length == 144
    assert chosen.scaling == "seasonal"
    assert chosen.size.quantiles == QUANTILES


def test_hours_bring_a_week_where_there_are_three_weeks_of_them():
    assert choose_settings(Forecaster(), panel_of(504, 24, 48)).size.seasons == (24, 168)
    assert choose_settings(Forecaster(), panel_of(503, 24, 48)).size.seasons == (24,)
    assert choose_settings(Forecaster(season_length=24), panel_of(504, 24, 48)).size.seasons == (24, 168)
    assert choose_settings(Forecaster(), panel_of(504, 24, 48)).scaling == "spread"


@examples(deadline=None, max_examples=150)
@given(
    longest=st.integers(3, 5000),
    season=st.sampled_from([1, 2, 4, 7, 12, 24, 48, 52]),
    default_horizon=st.integers(1, 60),
    horizon=st.none() | st.integers(1, 100),
    context=st.none() | st.integers(1, 500),
    patch=st.none() | st.integers(1, 60),
)
def test_what_is_chosen_always_fits_together(longest, season, default_horizon, horizon, context, patch):
    longest = max(longest, season + 2)
    model = Forecaster(horizon=horizon, context_length=context, patch_length=patch)
    chosen = choose_settings(model, panel_of([longest, 2], season, default_horizon))
    size = chosen.size
    assert size.context_length % size.patch_length == 0
    assert size.context_length >= max(size.seasons)
    assert size.context_length >= min(context or 1, longest)
    assert size.seasons[0] == season
    assert size.seasons[1:] in ((), (7 * season,))
    assert season in DAYS or size.seasons == (season,)
    assert size.horizon == (horizon or size.horizon)
    assert horizon is not None or 1 <= size.horizon <= max(1, longest // 3)
    assert size.patch_length == (patch or season)
    assert 1 <= chosen.min_history < longest  # so that something can be learnt
    assert chosen.max_steps >= 100
    assert chosen.batch_size >= 1


def test_what_the_user_gives_is_taken():
    model = Forecaster(
        horizon=7,
        context_length=36,
        cell="lstm",
        hidden_size=5,
        num_layers=2,
        bidirectional=True,
        dropout=0.3,
        patch_length=6,
        scaling="mean",
        max_steps=11,
        learning_rate=0.5,
        batch_size=3,
    )
    chosen = choose_settings(model, panel_of(144))
    size = chosen.size
    assert (size.horizon, size.context_length, size.patch_length) == (7, 36, 6)
    assert (size.cell, size.hidden_size, size.num_layers, size.dropout) == ("lstm", 5, 2, 0.3)
    assert size.bidirectional is True
    assert (chosen.scaling, chosen.max_steps, chosen.learning_rate, chosen.batch_size) == ("mean", 11, 0.5, 3)
    assert chosen.network == model.network


def test_the_context_is_rounded_up_to_whole_patches_and_holds_a_season():
    assert choose_settings(Forecaster(context_length=25), panel_of(144)).size.context_length == 36
    assert choose_settings(Forecaster(context_length=3), panel_of(144)).size.context_length == 12
    chosen = choose_settings(Forecaster(context_length=3, patch_length=5), panel_of(144))
    assert chosen.size.context_length == 15


@pytest.mark.parametrize(
    ("given", "patch", "seen"), [(3, None, 12), (11, 1, 12), (3, 5, 15), (12, None, None), (25, None, None)]
)
def test_a_context_that_is_raised_to_the_longest_season_is_told(given, patch, seen):
    model = Forecaster(context_length=given, patch_length=patch)
    expected = f"context_length={given} is less than the longest season of 12 steps; the networks see {seen} steps."
    assert context_notes(model, choose_settings(model, panel_of(144))) == ([expected] if seen else [])


def test_the_note_of_a_raised_context_reaches_the_summary(monthly):
    model = Forecaster(context_length=np.int64(3), max_steps=2, hidden_size=4).fit(monthly)
    assert model.notes_[0].startswith("context_length=3 is less than the longest season of 12 steps")
    assert model.notes_[0] in model.summary()


def test_a_learning_rate_has_one_default_from_scratch_and_one_for_fine_tuning():
    panel = panel_of(400, 12, 24)
    assert Forecaster().learning_rate is None
    assert [f(Forecaster(), panel).learning_rate for f in (choose_settings, fine_tune_settings)] == [4e-3, 2e-3]
    given = Forecaster(learning_rate=4e-3)
    assert [f(given, panel).learning_rate for f in (choose_settings, fine_tune_settings)] == [4e-3, 4e-3]


def test_numbers_of_numpy_are_taken_as_pythons_own(tmp_path, monthly):
    whole = ("horizon", "context_length", "hidden_size", "num_layers", "patch_length", "max_steps", "batch_size")
    numbers = {name: 4 for name in (*whole, "season_length", "ensemble_size", "random_state")}
    shares = {"dropout": 0.25, "learning_rate": 0.5, "quantiles": (0.25, 0.75)}
    plain = Forecaster(strategy="scratch", **numbers, **shares).fit(monthly)
    model = Forecaster(
        strategy="scratch",
        **{name: np.int64(value) for name, value in numbers.items()},
        **{name: np.array(value, dtype=np.float32)[()] for name, value in shares.items()},
        bidirectional=np.bool_(False),
    ).fit(monthly)
    assert model.settings_ == plain.settings_
    for value in (*vars(model.settings_).values(), *vars(model.settings_.size).values()):
        assert not isinstance(value, np.generic)
    pd.testing.assert_frame_equal(model.predict(np.int64(9)), plain.predict(9), check_exact=True)
    model.save(tmp_path / "model")
    assert Forecaster.load(tmp_path / "model").settings_ == model.settings_


def test_the_median_is_always_among_the_quantiles_and_they_are_sorted_once():
    chosen = choose_settings(Forecaster(quantiles=[0.9, 0.1, 0.9]), panel_of(144))
    assert chosen.size.quantiles == (0.1, 0.5, 0.9)
    assert choose_settings(Forecaster(quantiles=0.25), panel_of(144)).size.quantiles == (0.25, 0.5)
    assert choose_settings(Forecaster(quantiles=np.array([0.5])), panel_of(144)).size.quantiles == (0.5,)


def test_more_windows_deserve_more_steps_but_slowly_so():
    steps = [default_steps(n) for n in (1, 100, 1000, 10_000, 1_000_000)]
    assert steps == sorted(steps)
    assert steps[0] == steps[1]
    assert steps[-1] < 10 * steps[0]
    many, few = (choose_settings(Forecaster(), panel_of([60] * n)) for n in (400, 3))
    assert many.max_steps > few.max_steps
    assert many.batch_size >= few.batch_size
    assert many.size.hidden_size >= few.size.hidden_size


def test_series_without_any_observation_do_not_count_as_data():
    panel = panel_of([20, 300])
    panel.y[20:] = np.nan
    chosen = choose_settings(Forecaster(), panel)
    assert chosen.size.horizon <= 20 // 3
    assert chosen == choose_settings(Forecaster(), panel_of([20]))


@pytest.mark.parametrize(("season", "own"), [(7, False), (12, False), (52, False), (24, True), (48, True)])
def test_days_may_be_forecast_from_the_season_that_a_window_itself_keeps(season, own):
    assert choose_settings(Forecaster(), panel_of(40 * season, season, 2 * season)).size.own_season is own


@pytest.mark.parametrize(("rows", "season"), [(13, 12), (5, 4), (2, 1)])
def test_too_few_rows_are_refused_with_the_numbers_and_the_cure(rows, season):
    message = rf"has {rows} rows; .* season of {season} needs {season + 2} or more\. .*shorter season_length"
    with pytest.raises(ShortSeriesError, match=message):
        choose_settings(Forecaster(), panel_of([rows, 1], season))
    assert choose_settings(Forecaster(), panel_of([rows + 1], season)).min_history >= 1


def test_a_panel_of_empty_series_is_refused():
    panel = panel_of([50])
    panel.y[:] = np.nan
    with pytest.raises(ShortSeriesError, match="has 0 rows"):
        choose_settings(Forecaster(), panel)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("network", "transformer", r"network='transformer': expected one of '"),
        ("cell", "GRU", r"cell='GRU': expected one of 'rnn', 'gru', 'lstm'"),
        ("scaling", "minmax", r"scaling='minmax': expected one of 'auto', "),
        ("horizon", 0, r"horizon=0: expected a whole number, 1 or more, or None"),
        ("context_length", 2.5, r"context_length=2.5: expected a whole number"),
        ("season_length", -1, r"season_length=-1"),
        ("hidden_size", "8", r"hidden_size='8'"),
        ("patch_length", True, r"patch_length=True"),
        ("max_steps", 0, r"max_steps=0"),
        ("batch_size", float("nan"), r"batch_size=nan"),
        ("num_layers", None, r"num_layers=None: expected a whole number, 1 or more\."),
        ("dropout", 1.0, r"dropout=1.0: expected a share"),
        ("dropout", -0.1, r"dropout=-0.1: expected a share"),
        ("dropout", "half", r"dropout='half': expected a share"),
        ("dropout", None, r"dropout=None: expected a share"),
        ("learning_rate", 0, r"learning_rate=0: expected a number above 0"),
        ("learning_rate", "fast", r"learning_rate='fast': expected a number above 0"),
        ("learning_rate", float("nan"), r"learning_rate=nan: expected"),
        ("learning_rate", float("inf"), r"learning_rate=inf: expected"),
        ("bidirectional", "yes", r"bidirectional='yes': expected True or False"),
        ("quantiles", [0.0, 0.5], r"expected numbers between 0 and 1"),
        ("quantiles", [], r"expected numbers between 0 and 1"),
        ("quantiles", [float("nan")], r"expected numbers between 0 and 1"),
        ("quantiles", "median", r"quantiles='median': expected numbers between 0 and 1"),
        ("quantiles", [[0.1], [0.1, 0.9]], r"quantiles=\[\[0.1\], \[0.1, 0.9\]\]: expected numbers between 0 and 1"),
        ("quantiles", True, r"quantiles=True: expected numbers between 0 and 1"),
        ("quantiles", [1e-12], r"quantiles=\[1e-12\]: expected .* no nearer to either than 1e-09"),
        ("network", ["parallel"], r"network=\['parallel'\]: expected one of 'parallel'"),
        ("network", {}, r"network={}: expected one of 'parallel'"),
        ("strategy", np.array(["auto", "scratch"]), r"strategy=array.*: expected one of 'auto'"),
        ("cell", ["gru"], r"cell=\['gru'\]: expected one of 'rnn'"),
        ("scaling", {}, r"scaling={}: expected one of 'auto'"),
    ],
)
def test_an_impossible_argument_is_named_with_what_was_expected(name, value, message):
    with pytest.raises(ParameterError, match=message):
        choose_settings(Forecaster(**{name: value}), panel_of(144))


def test_a_feed_forward_net_has_no_directions():
    with pytest.raises(ParameterError, match=r"cell='feed-forward', which reads .* whole.* 'rnn', 'gru', 'lstm'"):
        choose_settings(Forecaster(cell="feed-forward", bidirectional=True), panel_of(144))


def test_days_are_fine_tuned_with_the_windows_of_the_networks_that_learn():
    panel = panel_of(1500, 7, 1500)
    assert zero_shot_settings(Forecaster(), panel).size.context_length == 1820
    tuned = fine_tune_settings(Forecaster(), panel)
    assert (tuned.size.context_length, tuned.size.year) == (392, 0)
    months = fine_tune_settings(Forecaster(), panel_of(400, 12, 400))
    # What decodes far steps has not learnt with the rest.
    assert MEMBERS["season_12"].far > 0
    assert months.size.far == member_settings(months, MEMBERS["season_12_lasting"], (12,)).size.far == 0
    assert member_settings(months, MEMBERS["season_12_lasting"], (12,)).size.context_length == 300


@pytest.mark.parametrize(("asked", "learnt"), [(None, 24), (7, 24), (24, 24), (25, 36), (60, 60)])
def test_a_longer_horizon_is_learnt_at_once_when_the_base_is_fine_tuned(asked, learnt):
    panel = read_panel(monthly_table(n_series=1, n_rows=400))
    settings = fine_tune_settings(Forecaster(horizon=asked), panel)
    other = member_settings(settings, MEMBERS["season_12_lasting"], (12,))
    assert settings.size.horizon == other.size.horizon == learnt
    assert settings.horizon == (asked or 24)


@pytest.mark.parametrize(("freq", "m"), [("12h", 2), ("6h", 4), ("2h", 12), ("20min", 72)])
def test_networks_from_scratch_know_the_week_of_any_step_shorter_than_a_day(freq, m):
    def seasons(n_rows, **parameters):
        y = pd.Series(np.arange(n_rows) % 5.0, pd.date_range("2024-01-01", periods=n_rows, freq=freq), name="y")
        return choose_settings(Forecaster(**parameters), read_panel(y, **parameters)).size.seasons

    assert seasons(21 * m) == (m, 7 * m)
    assert seasons(21 * m, season_length=m) == (m, 7 * m)
    assert seasons(21 * m - 1) == (m,)
    assert seasons(21 * m, season_length=m + 1) == (m + 1,)


def test_networks_from_scratch_know_no_week_of_minutes():
    y = pd.Series(np.arange(21 * 288) % 5.0, pd.date_range("2024-01-01", periods=21 * 288, freq="5min"), name="y")
    model = Forecaster(season_length=288)
    assert choose_settings(model, read_panel(y, season_length=288)).size.seasons == (288,)
