import itertools
import math
import re
from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from tests.conftest import monthly_table
from tsrnn import Forecaster
from tsrnn.data.tables import read_panel
from tsrnn.errors import ParameterError, ShortSeriesError, TrainingError
from tsrnn.forecasting import network_training
from tsrnn.forecasting import strategy as module
from tsrnn.forecasting.calibration import calibrate
from tsrnn.forecasting.network_training import training_ends
from tsrnn.forecasting.selection import (
    BASE,
    FEWEST_JUDGED,
    MOST_JUDGED,
    MOST_LOSS,
    Judge,
    averages,
    choose,
    count_times,
    judged_cutoffs,
    shared_times,
)
from tsrnn.forecasting.settings import (
    choose_settings,
    fine_tune_settings,
    requested_strategy,
    step_seconds,
)
from tsrnn.forecasting.strategy import FEWEST_STEPS, LAST_RATE, LAST_STEPS
from tsrnn.pretrained.service import served_by
from tsrnn.training.trainer import copy_weights

IN_BASE = len(served_by(12).members)
TINY = {"max_steps": 10, "hidden_size": 8, "batch_size": 16}


def saw_table(n_series=12, n_rows=100):
    """Series whose season depends on the year in a way that no prior knows: training pays."""
    t = np.arange(n_rows)
    rng = np.random.default_rng(0)
    frames = []
    for i in range(n_series):
        season = np.where((t + i) // 12 % 2 == 0, np.sin(2 * np.pi * t / 12), np.cos(2 * np.pi * t / 4))
        ds = pd.date_range("2015-01-01", periods=n_rows, freq="MS")
        y = 100 + 10 * season + rng.normal(0, 0.3, n_rows)
        frames.append(pd.DataFrame({"unique_id": f"s{i:02}", "ds": ds, "y": y}))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def quick(monkeypatch):
    """Let `auto` train for a moment only."""
    monkeypatch.setattr("tsrnn.forecasting.settings.default_steps", lambda windows: 100)


@pytest.fixture(scope="module")
def judged():
    """A model whose `auto` had enough windows to judge by."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tsrnn.forecasting.settings.default_steps", lambda windows: 100)
        return Forecaster(horizon=4).fit(saw_table())


def test_auto_does_not_train_where_there_are_too_few_windows_to_judge_by():
    model = Forecaster().fit(monthly_table(n_series=2, n_rows=60))
    assert model.strategy_ == "zero-shot"
    assert "held-back windows are too few" in model.reason_
    assert len(model.history_) == 0
    assert list(model.history_.columns) == ["step", "train_loss", "validation_loss", "seconds"]
    assert model.settings_.max_steps == 0
    assert model.scores_ == {}
    assert model.notes_ == []
    assert f"zero-shot, {len(model.networks_)} networks: 0 held-back windows" in model.summary()
    assert "training" not in [line.split()[0] for line in model.summary().splitlines()]


def test_auto_is_zero_shot_bit_for_bit_where_it_does_not_train():
    table = monthly_table(n_series=2, n_rows=60)
    first, second = (Forecaster(strategy=name).fit(table).predict(30, level=80) for name in ("auto", "zero-shot"))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_auto_chooses_training_where_it_is_better_on_held_back_windows(judged):
    scores = judged.scores_
    assert list(scores)[:3] == ["zero-shot", "fine-tune", "scratch"]
    assert all(math.isfinite(score) for score in scores.values())
    assert scores[judged.strategy_] < scores["zero-shot"]
    share = 100 * (1 - scores[judged.strategy_] / scores["zero-shot"])
    assert judged.reason_ == f"{share:.1f} % better than zero-shot on 24 held-back windows"
    assert len(judged.networks_) == len(judged.strategy_.split(" + "))
    summary = judged.summary()
    assert f"{judged.strategy_}" in summary
    assert judged.reason_ in summary
    for name, score in scores.items():
        assert f"{name} {score:.4f}" in summary


def test_auto_leaves_the_shared_base_model_as_it_was(judged):
    fresh = module.load_member.__wrapped__(served_by(12).member)
    shared = module.load_member(served_by(12).member)
    assert all(torch.equal(shared.state_dict()[name], value) for name, value in fresh.state_dict().items())
    assert not any(part.network is shared for part in judged.networks_)


def test_the_same_seed_decides_and_forecasts_the_same(judged, quick):
    again = Forecaster(horizon=4).fit(saw_table())
    assert again.scores_ == judged.scores_
    pd.testing.assert_frame_equal(again.predict(9, level=80), judged.predict(9, level=80), check_exact=True)


def test_own_parameters_train_a_network_of_its_own_from_scratch(monthly):
    model = Forecaster(**TINY).fit(monthly)
    assert model.strategy_ == "scratch"
    assert model.reason_ == "hidden_size, max_steps, batch_size ask for a network of its own"
    assert model.settings_.max_steps == 10
    assert len(model.history_) == 1


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, "auto"),
        ({"horizon": 3, "time_budget": 5.0, "ensemble_size": 2, "transform": "log", "random_state": 4}, "auto"),
        ({"season_length": 4, "freq": "MS", "device": "cpu", "verbose": True}, "auto"),
        ({"cell": "lstm"}, "scratch"),
        ({"max_steps": 5}, "scratch"),
        ({"quantiles": np.array([0.1, 0.9])}, "scratch"),
        ({"learning_rate": 0.01}, "scratch"),
        ({"learning_rate": 4e-3}, "scratch"),
        ({"strategy": "zero-shot"}, "zero-shot"),
        ({"strategy": "fine-tune", "max_steps": 5, "dropout": 0.2}, "fine-tune"),
        ({"strategy": "scratch", "cell": "rnn"}, "scratch"),
    ],
)
def test_the_parameters_tell_what_was_asked_for(parameters, expected):
    assert requested_strategy(Forecaster(**parameters))[0] == expected


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"strategy": "zero-shot", "max_steps": 100}, "max_steps"),
        ({"strategy": "zero-shot", "hidden_size": 8, "dropout": 0.5}, "hidden_size, dropout"),
        ({"strategy": "fine-tune", "cell": "lstm"}, "cell"),
        ({"strategy": "fine-tune", "quantiles": [0.1, 0.9]}, "quantiles"),
    ],
)
def test_parameters_that_contradict_the_strategy_are_refused_by_name(monthly, parameters, named):
    message = rf"strategy='{parameters['strategy']}' uses the base model, which {named} cannot change.*'scratch'"
    with pytest.raises(ParameterError, match=message):
        Forecaster(**parameters).fit(monthly)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("strategy", "best", r"strategy='best': expected one of 'auto', 'zero-shot', 'fine-tune', 'scratch'"),
        ("time_budget", 0, r"time_budget=0: expected seconds above 0, or None"),
        ("time_budget", float("inf"), r"time_budget=inf: expected seconds"),
        ("time_budget", "long", r"time_budget='long': expected seconds"),
        ("ensemble_size", 0, r"ensemble_size=0: expected a whole number, 1 or more\."),
        ("ensemble_size", None, r"ensemble_size=None: expected a whole number, 1 or more\."),
    ],
)
def test_an_impossible_strategy_budget_or_ensemble_is_named_with_what_was_expected(monthly, name, value, message):
    with pytest.raises(ParameterError, match=message):
        Forecaster(**{name: value}).fit(monthly)


TUNED = "fine-tune + zero-shot"


def judged_at(times, **losses):
    """Losses and times of windows at so many times, four at each; `_and_` stands for the plus of an average."""
    count = 4 * times
    names = {name: name.replace("_and_", " + ").replace("_", "-") for name in losses}
    of_all = {BASE: np.full(count, 1.0), **{names[name]: np.full(count, loss) for name, loss in losses.items()}}
    return of_all, np.repeat(np.arange(times), 4)


def test_what_was_best_once_is_drawn_towards_what_is_best_on_most_tables():
    # Averaged with the base model, a fine-tuned one is better on most tables; one time does not say otherwise.
    name, reason = choose(*judged_at(1, fine_tune=1.1, fine_tune_and_zero_shot=1.04))
    assert name == TUNED
    assert reason == "4.0 % worse than zero-shot on 4 held-back windows of one time, but better on most tables"
    assert choose(*judged_at(3, fine_tune_and_zero_shot=1.01))[1].endswith(
        "windows of few times, but better on most tables"
    )
    name, reason = choose(*judged_at(12, fine_tune=1.1, fine_tune_and_zero_shot=1.04))
    assert (name, reason) == (BASE, "no training was better on 48 held-back windows")
    # A training alone is not, so one time must show more of it than of an average.
    better = {"scratch": 0.9, "scratch_and_zero_shot": 0.93}
    assert choose(*judged_at(1, **better)) == (
        "scratch + zero-shot",
        "7.0 % better than zero-shot on 4 held-back windows",
    )
    assert choose(*judged_at(12, **better)) == ("scratch", "10.0 % better than zero-shot on 48 held-back windows")
    assert choose(*judged_at(1, scratch=0.4, scratch_and_zero_shot=0.6))[0] == "scratch"
    name, reason = choose(*judged_at(1, scratch=0.9))
    assert (name, reason) == (
        BASE,
        "the best training was 10.0 % better on 4 held-back windows, too little to go by",
    )


def test_of_averages_with_the_base_model_the_one_with_a_fine_tuned_network_is_believed_best():
    equal = {
        "scratch_and_zero_shot": 1.0,
        "scratch_and_fine_tune_and_zero_shot": 1.0,
        "fine_tune_and_zero_shot": 1.0,
        "scratch_and_fine_tune": 1.0,
    }
    assert choose(*judged_at(2, **equal))[0] == TUNED
    del equal["fine_tune_and_zero_shot"]
    assert choose(*judged_at(2, **equal))[0] == "scratch + fine-tune + zero-shot"
    del equal["scratch_and_fine_tune_and_zero_shot"]
    assert choose(*judged_at(2, **equal))[0] == BASE


def test_the_least_loss_is_chosen_and_windows_that_cannot_be_judged_do_not_count():
    nan = np.nan
    losses = {
        "zero-shot": np.array([1.0, 1.1, nan, 1.2, 1.0]),
        "fine-tune": np.array([0.9, 1.0, nan, 1.0, 0.9]),
        "scratch": np.array([0.5, 0.6, nan, 0.6, 0.5]),
    }
    name, reason = choose(losses, np.arange(5))
    assert name == "scratch"
    assert reason == "48.8 % better than zero-shot on 4 held-back windows"
    equal = {"zero-shot": np.zeros(3), "scratch": np.zeros(3)}
    assert choose(equal, np.arange(3)) == ("zero-shot", "no training was better on 3 held-back windows")
    assert choose({"zero-shot": np.ones(3), "scratch": np.zeros(3)}, np.arange(3))[0] == "scratch"


def test_a_candidate_without_a_loss_where_the_base_has_one_is_not_chosen():
    base = np.linspace(0.5, 1.5, 20)
    failing = np.where(base > 1, np.nan, base)
    name, reason = choose({BASE: base, "fine-tune": failing, TUNED: failing}, np.arange(20))
    assert (name, reason) == (BASE, "no training was better on 20 held-back windows")
    assert choose({BASE: base, "fine-tune": failing, TUNED: 0.9 * base}, np.arange(20))[0] == TUNED


def test_windows_prove_no_more_than_the_times_they_share():
    losses = {BASE: np.ones(64), "scratch": np.full(64, 0.95)}
    assert choose(losses, np.arange(64))[0] == "scratch"
    assert choose(losses, np.repeat(np.arange(2), 32))[0] == BASE
    # A single window of another time is hardly a second time.
    assert count_times(np.array([3] * 63 + [9])) == pytest.approx(64**2 / (63**2 + 1))
    assert count_times(np.repeat([5, 7, 9], 4)) == pytest.approx(3.0)


@pytest.mark.parametrize("unit", ["D", "h", None])
def test_windows_share_a_time_where_their_forecasts_overlap(unit):
    start, until = np.array([30, 3, 12, 0, 10, 29]), np.array([40, 13, 22, 10, 20, 39])
    if unit is not None:
        start, until = ((np.datetime64("2020-01-01") + n.astype(f"timedelta64[{unit}]")) for n in (start, until))
    assert shared_times(start, until).tolist() == [2, 0, 1, 0, 1, 2]
    assert shared_times(start[:0], until[:0]).tolist() == []


def test_held_back_windows_lie_a_horizon_apart_and_half_of_each_is_known():
    found = judged_cutoffs(np.array([50, 30, 20]), np.array([40, 30, 17]), 4)
    assert list(zip(found.series.tolist(), found.end.tolist(), strict=True)) == [(0, 40), (0, 44), (2, 17)]
    assert judged_cutoffs(np.array([51]), np.array([40]), 4).end.tolist() == [40, 44, 48]
    assert len(judged_cutoffs(np.array([30]), np.array([30]), 4)) == 0
    assert judged_cutoffs(np.array([5]), np.array([4]), 1).end.tolist() == [4]


def test_of_very_many_held_back_windows_an_even_part_is_judged():
    lengths = np.full(3 * MOST_JUDGED, 50)
    found = judged_cutoffs(lengths, lengths - 4, 4)
    assert found.series.tolist() == list(range(0, 3 * MOST_JUDGED, 3))
    assert set(found.end.tolist()) == {46}


def test_series_that_cannot_be_judged_at_all_leave_the_base_model(quick):
    table = saw_table()
    table["y"] = 5.0  # constant: no scale for a loss
    model = Forecaster(horizon=4).fit(table)
    assert model.strategy_ == "zero-shot"
    assert "0 held-back windows" in model.reason_
    assert (model.predict()["yhat"] == 5.0).all()


def test_a_short_training_is_validated_twice_as_often(monthly):
    parameters = {"strategy": "scratch", "hidden_size": 4, "batch_size": 4}
    steps = Forecaster(max_steps=60, **parameters).fit(monthly).history_["step"]
    assert steps.tolist() == [25, 50, 60]
    steps = Forecaster(max_steps=300, **parameters).fit(monthly).history_["step"]
    assert steps.head(2).tolist() == [50, 100]


def test_a_time_budget_becomes_a_number_of_steps_from_the_data_alone():
    table = saw_table(4)
    model = Forecaster(strategy="scratch", horizon=4, time_budget=1.5)
    whole = choose_settings(model, read_panel(table).sorted_by_id())
    steps = int(1.5 / step_seconds(whole) / (1 + LAST_STEPS))
    assert FEWEST_STEPS < steps < whole.max_steps
    first, second = (Forecaster(**model.get_params()).fit(table) for _ in range(2))
    assert first.settings_.max_steps == second.settings_.max_steps == steps
    if not first.notes_ and not second.notes_:  # the clock did not end the training
        pd.testing.assert_frame_equal(first.predict(6), second.predict(6), check_exact=True)


def test_the_members_of_the_base_share_the_time_budget(monkeypatch):
    monkeypatch.setattr(module, "CLOCK_TOLERANCE", 1e9)
    table = saw_table(4)
    model = Forecaster(strategy="fine-tune", horizon=4, max_steps=1000, time_budget=6.0)
    whole = fine_tune_settings(model, read_panel(table).sorted_by_id())
    steps = int(6.0 / IN_BASE / step_seconds(whole) / (1 + LAST_STEPS))
    assert FEWEST_STEPS < steps < 1000
    monkeypatch.setattr(network_training, "train_network", lambda *given: None)
    assert model.fit(table).settings_.max_steps == steps
    assert len(model.networks_) == IN_BASE


def test_fine_tuning_trains_every_member_of_the_base_from_its_own_weights(monthly):
    model = Forecaster(strategy="fine-tune", max_steps=3).fit(monthly)
    members = served_by(12).members
    for part, member in zip(model.networks_, members, strict=True):
        start = module.load_member(member).state_dict()
        moved = [float((value - start[name]).abs().max()) for name, value in part.network.state_dict().items()]
        assert 0 < max(moved) < 0.1
        assert (part.scaling, part.size.contrasts) == (member.scaling, member.contrasts)
    assert {part.vote for part in model.networks_} == {0}  # they count as one
    alone = [replace_networks(model, [part]).predict(3)["yhat"].to_numpy() for part in model.networks_]
    np.testing.assert_allclose(model.predict(3)["yhat"], np.mean(alone, 0), rtol=1e-5)


def replace_networks(model, networks):
    """Return a model that forecasts with other networks, without any correction of intervals."""
    other = copy(model)
    other.networks_ = networks
    return other


def test_the_members_of_an_ensemble_share_the_time_budget(monkeypatch):
    monkeypatch.setattr(module, "CLOCK_TOLERANCE", 1e9)
    table = saw_table(4)
    settings = {"strategy": "scratch", "hidden_size": 8, "horizon": 4, "time_budget": 1.0}
    one, three = (Forecaster(ensemble_size=count, **settings).fit(table) for count in (1, 3))
    assert three.settings_.max_steps == pytest.approx(one.settings_.max_steps / 3, abs=1)


def test_a_strategy_that_must_train_refuses_too_few_rows_with_the_cure():
    table = monthly_table(n_series=2, n_rows=13)
    for strategy in ("fine-tune", "scratch"):
        with pytest.raises(ShortSeriesError, match=r"13 rows; .* needs 14 or more\. .*strategy='zero-shot'"):
            Forecaster(strategy=strategy).fit(table)
        single = Forecaster(strategy=strategy, season_length=1, freq="MS")
        with pytest.raises(ShortSeriesError, match=r"has 1 row; .* season of 1 needs 3 or more"):
            single.fit(monthly_table(n_series=1, n_rows=1))


def test_a_budget_that_is_long_enough_changes_nothing(monthly):
    settings = {"strategy": "fine-tune", "max_steps": 10}
    plain, budget = (Forecaster(time_budget=b, **settings).fit(monthly) for b in (None, 1000.0))
    assert budget.settings_ == plain.settings_
    assert budget.notes_ == []
    pd.testing.assert_frame_equal(budget.predict(3), plain.predict(3), check_exact=True)


def test_with_a_budget_too_short_to_train_auto_is_zero_shot_and_says_so():
    model = Forecaster(horizon=4, time_budget=0.01).fit(saw_table())
    assert model.strategy_ == "zero-shot"
    told = re.fullmatch(r"a time budget of 0\.01 s is too short for the trainings, which need (\S+) s", model.reason_)
    assert model.reason_ in model.summary()
    least = float(told[1])
    assert "too short" in Forecaster(horizon=4, time_budget=least - 0.1).fit(saw_table()).reason_
    assert "fine-tune" in Forecaster(horizon=4, time_budget=least).fit(saw_table()).scores_


@pytest.fixture
def average_chosen(monkeypatch):
    """Let `auto` choose the average of the network from scratch and the base model."""
    monkeypatch.setattr(module, "choose", lambda losses, times: ("scratch + zero-shot", "as the test asks"))


def test_a_budget_too_short_for_the_ensemble_trains_as_many_as_fit_and_says_so(
    judged, quick, average_chosen, monkeypatch
):
    monkeypatch.setattr(module, "CLOCK_TOLERANCE", 1e9)
    model = Forecaster(horizon=4)
    slowest = max(step_seconds(settings) for settings in (judged.settings_, fine_tune_settings(model, judged.panel_)))
    budget = 3.1 * IN_BASE * FEWEST_STEPS * slowest * (1 + LAST_STEPS)  # two candidates and one member more
    fitted = Forecaster(horizon=4, ensemble_size=5, time_budget=budget).fit(saw_table())
    (note,) = [note for note in fitted.notes_ if "ensemble" in note]
    trained = sum(part.vote == 0 for part in fitted.networks_)
    assert 1 <= trained < 5
    assert note.endswith(f"is too short for an ensemble of 5; {trained} {'was' if trained == 1 else 'were'} trained.")


def test_an_ensemble_in_an_average_counts_as_one_as_the_network_did_that_was_judged(quick, average_chosen):
    model = Forecaster(horizon=4, ensemble_size=3).fit(saw_table())
    votes = [part.vote for part in model.networks_]
    assert votes.count(0) == 3
    assert votes.count(1) == 3 * IN_BASE
    assert len(votes) == 3 + 3 * IN_BASE


@pytest.mark.parametrize("strategy", ["fine-tune", "scratch"])
@pytest.mark.parametrize(("options", "steps"), [({}, FEWEST_STEPS), ({"max_steps": 3}, 3)])
def test_a_strategy_that_must_train_takes_its_fewest_steps_and_says_so(monthly, monkeypatch, strategy, options, steps):
    ticks = itertools.count()
    # Every look at the clock takes a millisecond: longer than the budget, not than the fewest steps.
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(ticks) / 1000)
    model = Forecaster(strategy=strategy, time_budget=1e-4, **options).fit(monthly)
    assert model.settings_.max_steps == steps
    (note,) = model.notes_
    assert "time_budget=0.0001 s is too short" in note
    assert f"{steps} steps" in note
    assert not model.out_of_time_
    assert model.history_["step"].iloc[-1] == steps


@pytest.mark.parametrize(
    ("stopped", "votes"),
    [
        (["scratch (2)"], [0, 2]),
        (["scratch", "scratch (2)"], [2]),
        (["scratch", "scratch (2)", "scratch (3)"], [0, 1, 2]),
    ],
)
def test_networks_that_the_clock_left_random_do_not_vote_where_another_has_learnt(monthly, monkeypatch, stopped, votes):
    whole = module.train_at_once

    def some(trainings, *given, **named):
        whole([training for training in trainings if training.name not in stopped], *given, **named)

    monkeypatch.setattr(module, "train_at_once", some)
    model = Forecaster(strategy="scratch", ensemble_size=3, **TINY).fit(monthly)
    assert [part.vote for part in model.networks_] == votes
    notes = [note.partition(" of the ensemble")[0] for note in model.notes_ if "the others vote" in note]
    assert notes == {3: [], 2: ["The clock stopped 1 network"], 1: ["The clock stopped 2 networks"]}[len(votes)]
    assert np.isfinite(model.predict(3)["yhat"]).all()


def test_a_training_that_the_clock_ends_is_noted(monthly, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "CLOCK_TOLERANCE", 0.0)
    model = Forecaster(strategy="fine-tune", max_steps=60, time_budget=100.0).fit(monthly)
    (note,) = model.notes_
    assert note.startswith("The clock stopped the training (fine-tune) before its 60 steps")
    assert note in model.summary()
    assert "of 60 (the clock stopped it)" in model.summary()
    assert model.out_of_time_
    model.save(tmp_path / "model")
    assert Forecaster.load(tmp_path / "model").summary() == model.summary()
    assert np.isfinite(model.predict(3)["yhat"]).all()


def test_members_of_an_ensemble_from_scratch_differ_in_look_back_cell_and_seed(monthly):
    model = Forecaster(strategy="scratch", ensemble_size=3, **TINY).fit(monthly)
    sizes = [part.size for part in model.networks_]
    assert [size.cell for size in sizes] == ["gru", "lstm", "gru"]
    assert len({size.context_length for size in sizes}) == 3
    assert len({part.seed for part in model.networks_}) == 3
    assert ", 3 networks" in model.summary()


@pytest.mark.parametrize("strategy", ["zero-shot", "fine-tune"])
def test_members_of_an_ensemble_of_the_base_differ_in_look_back(monthly, strategy):
    steps = {} if strategy == "zero-shot" else {"max_steps": 5}
    model = Forecaster(strategy=strategy, ensemble_size=3, **steps).fit(monthly)
    assert len({part.size.context_length for part in model.networks_}) == 3
    assert {part.size.cell for part in model.networks_} == {"gru"}


def test_members_of_an_ensemble_of_the_base_look_back_less_far_than_the_history_reaches():
    y = monthly_table(n_series=1, n_rows=60)
    one, two, three = (Forecaster(strategy="zero-shot", ensemble_size=count).fit(y) for count in (1, 2, 3))
    assert not np.allclose(one.predict(6)["yhat"], two.predict(6)["yhat"], rtol=1e-5)
    assert sorted({part.size.context_length for part in three.networks_}) == [36, 48, 300]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_an_ensemble_forecasts_the_mean_of_two_and_the_median_of_more(monthly, count):
    model = Forecaster(strategy="scratch", ensemble_size=count, **TINY).fit(monthly)
    panel = read_panel(monthly)
    cutoffs = panel.last_cutoffs()
    together = model.forecast(panel, cutoffs, 3, (0.5,))
    networks = model.networks_
    alone = []
    for network in networks:
        model.networks_ = [network]
        alone.append(model.forecast(panel, cutoffs, 3, (0.5,)))
    expected = np.mean(alone, 0) if count == 2 else np.median(alone, 0)
    np.testing.assert_allclose(together, expected, rtol=1e-12)


def test_auto_compares_averages_of_two_networks_whatever_the_size_of_the_ensemble(judged, quick):
    model = Forecaster(horizon=4, ensemble_size=3).fit(saw_table())
    assert set(model.scores_) == set(judged.scores_)
    for name in ("scratch", "fine-tune", "scratch + fine-tune"):  # of the base model three look-backs take part
        assert model.scores_[name] == pytest.approx(judged.scores_[name])
    assert len(model.networks_) >= 3


def test_too_few_rows_to_train_on_are_forecast_by_the_base_model_with_a_note():
    model = Forecaster().fit(monthly_table(n_series=3, n_rows=9))
    assert (model.strategy_, model.reason_) == ("zero-shot", "the series are too short to train on")
    (note,) = model.notes_
    assert note.startswith("3 of 3 series have less history than two seasons (24 observed rows): series 0, series 1")
    assert note in model.summary()
    assert np.isfinite(model.predict(12)["yhat"]).all()


def test_only_series_with_less_than_two_seasons_of_observed_rows_are_noted():
    table = pd.concat(
        [
            monthly_table(n_series=1, n_rows=24).assign(unique_id="two years"),
            monthly_table(n_series=1, n_rows=23).assign(unique_id="less"),
            monthly_table(n_series=1, n_rows=60).assign(
                unique_id="gaps", y=lambda t: t["y"].where(np.arange(60) % 3 == 2)
            ),
        ]
    )
    notes = Forecaster().fit(table).notes_
    (note,) = [note for note in notes if note.startswith("2 of 3 series")]
    assert ": gaps, less. " in note
    (coarse,) = [other for other in notes if other != note]
    assert coarse.startswith("Series 'gaps' has one row in every 3 steps")
    yearly = pd.Series([1.0, 2.0, 4.0, 3.0], pd.date_range("2000", periods=4, freq="YS"))
    assert Forecaster().fit(yearly).notes_ == []


def test_auto_trains_on_hours_too_few_for_the_week_that_the_base_reads(monkeypatch):
    monkeypatch.setattr("tsrnn.forecasting.settings.default_steps", lambda windows: 2)
    whole = module.fine_tune_settings
    monkeypatch.setattr(module, "fine_tune_settings", lambda *given: replace(whole(*given), max_steps=2))
    table = monthly_table(n_series=12, n_rows=250)
    rows = table.groupby("unique_id").cumcount()
    table["ds"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rows, unit="h")
    model = Forecaster(horizon=96).fit(table)  # 154 rows are left to learn from, fewer than two weeks
    assert set(model.scores_) >= {"zero-shot", "fine-tune", "scratch"}
    assert np.isfinite(list(model.scores_.values())).all()
    assert np.isfinite(model.predict(96)["yhat"]).all()


@pytest.mark.parametrize("count", [2, 3])
def test_an_ensemble_without_any_window_to_judge_by_is_that_of_the_base(count):
    model = Forecaster(ensemble_size=count).fit(monthly_table(n_series=1, n_rows=20))
    assert model.reason_ == "0 held-back windows are too few to judge a training by"
    assert len(model.networks_) == count * IN_BASE
    assert np.isfinite(model.predict(5)["yhat"]).all()


def test_what_is_held_back_leaves_a_whole_horizon_to_learn_from():
    lengths = np.array([60, 63, 70, 100])
    ends = training_ends(lengths, 58, 1)
    assert ends.tolist() == [59, 59, 63, 90]
    assert (ends >= 58 + 1).all()


def test_no_training_sees_the_times_that_any_series_is_judged_by():
    # However many series there are: they share the shocks of a time, and some would tell of the others'.
    lengths = np.repeat([84, 30], [300, 20])
    ends = training_ends(lengths, 24, 12)
    assert ends[:300].tolist() == [72] * 300
    assert ends[300:].tolist() == [30] * 20  # too short to spare a year
    assert training_ends(np.full(300, 1000), 24, 12).tolist() == [1000 - 8 * 12] * 300
    assert training_ends(np.full(3, 5000), 24, 12).tolist() == [5000 - 12 * 12] * 3


@pytest.mark.parametrize("strategy", ["fine-tune", "scratch"])
def test_what_was_held_back_is_learnt_at_last_after_it_has_calibrated(monthly, monkeypatch, strategy):
    whole, calls = network_training.train_network, []

    def watched(training, panel, train_end, *given):
        network, settings = training.forecast.network, training.settings
        before = [value.clone() for value in network.parameters()]
        whole(training, panel, train_end, *given)
        moved = any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
        calls.append((settings.max_steps, settings.learning_rate, train_end.tolist(), moved))

    def calibrating(*given):
        calls.append("calibrated")
        return calibrate(*given)

    monkeypatch.setattr(network_training, "train_network", watched)
    monkeypatch.setattr("tsrnn.forecasting.forecaster.calibrate", calibrating)
    model = Forecaster(strategy=strategy, max_steps=40, learning_rate=0.01, horizon=6).fit(monthly)
    count = len(model.networks_)
    assert calls[:count] == [(40, 0.01, [54, 54, 54], True)] * count
    assert calls[count] == "calibrated"
    assert calls[count + 1 :] == [(8, LAST_RATE * 0.01, [60, 60, 60], True)] * count
    assert LAST_STEPS == 0.2
    assert model.history_["step"].max() == 40
    assert model.calibration_.n_windows == 3


def test_only_networks_that_are_kept_learn_what_was_held_back(quick, monkeypatch):
    monkeypatch.setattr(module, "choose", lambda losses, times: ("scratch + zero-shot", "as the test asks"))
    shared = {member.name: module.load_member(member) for member in served_by(12).members}
    before = {name: copy_weights(network) for name, network in shared.items()}
    last = []
    whole = network_training.train_network

    def watched(training, panel, train_end, *given):
        if (train_end == panel.lengths).all():
            last.append(training.forecast.network)
        whole(training, panel, train_end, *given)

    monkeypatch.setattr(network_training, "train_network", watched)
    model = Forecaster(horizon=4).fit(saw_table())
    assert last == [model.networks_[0].network]
    for name, network in shared.items():
        assert all(torch.equal(value, before[name][key]) for key, value in network.state_dict().items())


def test_last_steps_that_the_clock_ends_are_noted_once(monthly, monkeypatch):
    whole = network_training.train_network

    def stopped(training, panel, train_end, *given):
        if (train_end == panel.lengths).all():
            training.record.out_of_time = True
        else:
            whole(training, panel, train_end, *given)

    monkeypatch.setattr(network_training, "train_network", stopped)
    model = Forecaster(strategy="fine-tune", horizon=6, max_steps=3, time_budget=100.0).fit(monthly)
    (note,) = model.notes_
    assert note.startswith("The clock stopped the last steps of a training; the same seed may forecast differently")


def test_last_steps_that_break_down_leave_the_network_as_it_was_judged(monthly, monkeypatch):
    whole = network_training.train_network

    def broken(training, panel, train_end, *given):
        if (train_end == panel.lengths).all():
            raise TrainingError("The loss is nan.")
        whole(training, panel, train_end, *given)

    monkeypatch.setattr(network_training, "train_network", broken)
    model = Forecaster(strategy="scratch", horizon=6, max_steps=10, hidden_size=8).fit(monthly)
    assert model.notes_ == ["The last steps of a training broke down and were left out: The loss is nan."]
    assert np.isfinite(model.predict(3)["yhat"]).all()


def test_networks_are_judged_in_units_of_their_series_and_a_wild_window_counts_for_no_more_than_many(monkeypatch):
    steps = np.repeat([[1.0], [4.0], [0.0]], [10, 2, 1], axis=0)
    steps[-1] = 1e-12  # the last series is constant but for rounding, and has no unit
    table = pd.DataFrame((1 + steps * np.arange(12)).T, pd.date_range("2024-01-01", periods=12, freq="D"))
    panel = read_panel(table, season_length=1)
    outcome = panel.y.reshape(13, 12)[:, 10:]

    def forecast(networks, panel, cutoffs, horizon, levels, device):
        assert cutoffs.end.tolist() == [10] * len(cutoffs)
        return np.repeat((outcome - networks[0])[cutoffs.series, :, None], len(levels), axis=2)

    monkeypatch.setattr("tsrnn.forecasting.selection.forecast_held_back", forecast)
    errors = np.full((13, 2), 2.0)
    errors[0] = 1000.0
    judge = Judge.of_base([errors], panel, np.full(13, 10), 2, torch.device("cpu"))
    # The mean quantile loss of nine levels around one half is half of the error.
    assert judge.losses["zero-shot"].tolist() == pytest.approx([MOST_LOSS] + [1.0] * 9 + [0.25] * 2)
    judge.add("scratch", [errors / 2])
    assert judge.losses["scratch"].tolist() == pytest.approx([MOST_LOSS] + [0.5] * 9 + [0.125] * 2)
    assert judge.scores["scratch"] == pytest.approx((20 + 4.5 + 0.25) / 12)
    assert judge.times.tolist() == [0] * 12
    assert judge.too_few == ""
    judge = Judge.of_base([errors], panel, np.array([12] * 11 + [10, 10]), 2, torch.device("cpu"))
    assert judge.too_few == "1 held-back window is too few to judge a training by"


def test_at_least_ten_windows_are_asked_for():
    assert FEWEST_JUDGED == 10


CASES = {
    "zero-shot": ({"strategy": "zero-shot"}, IN_BASE),
    "zero-shot ensemble": ({"strategy": "zero-shot", "ensemble_size": 2}, 2 * IN_BASE),
    "fine-tune": ({"strategy": "fine-tune", "max_steps": 5}, IN_BASE),
    "fine-tune ensemble": ({"strategy": "fine-tune", "max_steps": 5, "ensemble_size": 3}, 3 * IN_BASE),
    "scratch ensemble": ({"strategy": "scratch", "ensemble_size": 2, **TINY}, 2),
    "log": ({"strategy": "zero-shot", "transform": "log"}, IN_BASE),
}


def check_saved(model, folder, table):
    model.save(folder)
    loaded = Forecaster.load(folder)
    for h in (5, 40):
        pd.testing.assert_frame_equal(loaded.predict(h, level=[80, 95]), model.predict(h, level=[80, 95]))
        np.testing.assert_array_equal(loaded.predict(h)["yhat"], model.predict(h)["yhat"])
    pd.testing.assert_frame_equal(loaded.predict(3, df=table), model.predict(3, df=table), check_exact=True)
    assert loaded.summary() == model.summary()
    assert (loaded.strategy_, loaded.reason_, loaded.scores_) == (model.strategy_, model.reason_, model.scores_)
    assert (loaded.notes_, loaded.calibration_) == (model.notes_, model.calibration_)
    pd.testing.assert_frame_equal(loaded.history_, model.history_)


@pytest.mark.parametrize("case", CASES)
def test_every_strategy_and_ensemble_forecasts_the_same_after_loading(monthly, tmp_path, case):
    parameters, count = CASES[case]
    model = Forecaster(**parameters).fit(monthly)
    assert len(model.networks_) == count
    check_saved(model, tmp_path / "model", monthly)


def test_a_choice_and_a_blend_forecast_the_same_after_loading(judged, tmp_path):
    check_saved(judged, tmp_path / "model", saw_table())


def test_a_blend_of_different_shapes_forecasts_the_same_after_loading(monthly, tmp_path):
    model = Forecaster(strategy="scratch", **TINY).fit(monthly)
    model.networks_ = [*model.networks_, *Forecaster(strategy="zero-shot").fit(monthly).networks_]
    model.strategy_ = "scratch + zero-shot"
    check_saved(model, tmp_path / "model", monthly)


def test_all_sets_of_two_or_more_are_averaged_the_base_model_last():
    assert averages(["zero-shot", "fine-tune", "scratch"]) == [
        ("scratch", "fine-tune"),
        ("scratch", "zero-shot"),
        ("fine-tune", "zero-shot"),
        ("scratch", "fine-tune", "zero-shot"),
    ]
    assert averages(["zero-shot"]) == []


def test_a_candidate_that_breaks_down_is_left_out_with_a_note(monkeypatch, quick):
    whole = network_training.train_network

    def broken(training, *given):
        if training.strategy == "scratch":
            raise TrainingError("The loss is nan at step 50.")
        whole(training, *given)

    monkeypatch.setattr(network_training, "train_network", broken)
    model = Forecaster(horizon=4).fit(saw_table())
    assert "scratch" not in model.scores_
    assert "The training (scratch) broke down and was left out: The loss is nan at step 50." in model.notes_
    assert np.isfinite(model.predict(4)["yhat"]).all()


def test_members_of_an_ensemble_that_know_the_year_see_one():
    t = np.arange(420)
    days = pd.DataFrame({"ds": t, "y": 100 + 20 * np.cos(2 * np.pi * t / 364)})
    model = Forecaster(strategy="zero-shot", season_length=7, ensemble_size=3).fit(days)
    assert [part.size.context_length for part in model.networks_ if part.size.year] == [1820, 406, 406]
    true = 100 + 20 * np.cos(2 * np.pi * np.arange(420, 476) / 364)
    assert np.abs(model.predict(56)["y"] - true).mean() < 2


def test_fine_tuning_for_a_longer_horizon_starts_from_the_base_and_draws_no_paths(monkeypatch):
    model = Forecaster(strategy="fine-tune", horizon=30, max_steps=1, learning_rate=1e-9, random_state=0)
    model.fit(monthly_table(n_series=3, n_rows=200))
    monkeypatch.setattr("tsrnn.forecasting.network_forecast.stratified_noise", None)  # what paths are drawn from
    tuned = model.predict(h=30)["yhat"].to_numpy().reshape(3, 30)
    base = Forecaster(strategy="zero-shot").fit(model.panel_).predict(h=24)["yhat"].to_numpy().reshape(3, 24)
    np.testing.assert_allclose(tuned[:, :24], base, rtol=0.1)  # which sees logarithms, too
    assert np.isfinite(tuned).all()


def hours(n_series=2, days=20):
    rng = np.random.default_rng(0)
    t = np.arange(24 * days)
    y = 50 + 40 * np.sin(2 * np.pi * t / 24) + rng.normal(0, 2, (n_series, len(t)))
    return pd.DataFrame(np.maximum(y, 1).T, pd.date_range("2024", periods=len(t), freq="h"), ["a", "b"])


@pytest.mark.parametrize(
    ("options", "powers"),
    [
        ({"strategy": "zero-shot"}, (0.5,)),
        ({"strategy": "fine-tune", "max_steps": 3}, (0.5,)),
        ({"strategy": "scratch", "max_steps": 3}, (1.0,)),
        ({"strategy": "zero-shot", "transform": "log"}, (1.0,)),
        ({"strategy": "fine-tune", "max_steps": 3, "transform": "log"}, (1.0,)),
    ],
)
def test_the_base_reads_hours_as_roots_unless_a_user_maps_them(options, powers):
    model = Forecaster(horizon=24, **options).fit(hours())
    assert {part.powers for part in model.networks_} == {powers}
    assert ("positive windows as square roots" in model.summary()) == (powers == (0.5,))


def test_one_network_of_months_reads_logarithms_too_until_it_learns_from_a_table(monthly):
    base, tuned = (
        Forecaster(strategy=strategy, horizon=6, **options).fit(monthly).networks_
        for strategy, options in (("zero-shot", {}), ("fine-tune", {"max_steps": 3}))
    )
    assert [part.powers for part in base] == [(1.0,), (1.0, 0.0), (1.0,)]
    assert {part.powers for part in tuned} == {(1.0,)}
