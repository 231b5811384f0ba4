from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from tests.conftest import default_type, monthly_table
from tsrnn import Forecaster, backtest
from tsrnn.errors import ParameterError, ShortSeriesError, TrainingError
from tsrnn.networks.registry import NETWORKS

QUICK = {"max_steps": 30, "hidden_size": 8, "batch_size": 16}


def test_the_same_seed_gives_the_same_forecast_bit_for_bit(monthly):
    answers = [Forecaster(random_state=7, **QUICK).fit(monthly).predict(h=40, level=80) for _ in range(2)]
    pd.testing.assert_frame_equal(*answers, check_exact=True)
    other = Forecaster(random_state=8, **QUICK).fit(monthly).predict(h=40, level=80)
    assert not np.array_equal(other["yhat"], answers[0]["yhat"])


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("count", [1, 2])
def test_a_fit_where_gradients_are_off_gives_the_same_forecast(monthly, mode, count):
    before = torch.get_num_threads()
    expected = Forecaster(strategy="scratch", ensemble_size=2, **QUICK).fit(monthly).predict()
    torch.set_num_threads(count)
    try:
        with mode():
            model = Forecaster(strategy="scratch", ensemble_size=2, **QUICK).fit(monthly)
            assert not torch.is_grad_enabled()
    finally:
        torch.set_num_threads(before)
    pd.testing.assert_frame_equal(model.predict(), expected, check_exact=True)


@pytest.mark.parametrize(
    "defaults",
    [partial(default_type, "float64"), partial(default_type, "bfloat16"), partial(torch.device, "meta")],
    ids=["float64", "bfloat16", "device"],
)
@pytest.mark.parametrize(
    "options",
    [{"strategy": "zero-shot"}, *({"strategy": "scratch", "network": network, **QUICK} for network in NETWORKS)],
    ids=["base", *NETWORKS],
)
def test_a_program_with_other_defaults_of_torch_gets_the_same_forecast(monthly, defaults, options):
    expected = Forecaster(**options).fit(monthly).predict(h=30, level=80)
    with defaults():
        found = Forecaster(**options).fit(monthly).predict(h=30, level=80)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_fits_in_several_threads_of_the_user_give_the_same_forecasts(monthly):
    # Dropout between layers draws from torch's one generator.
    models = [Forecaster(strategy="scratch", num_layers=2, dropout=0.3, random_state=k, **QUICK) for k in range(3)]
    expected = [model.fit(monthly).predict() for model in models]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda model: model.fit(monthly).predict(), models))
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_saved_model_forecasts_the_same_after_loading(monthly, tmp_path):
    model = Forecaster(**QUICK).fit(monthly)
    model.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(30, level=80), model.predict(30, level=80), check_exact=True)
    assert loaded.get_params() == model.get_params()
    assert loaded.summary() == model.summary()


class Brief(Forecaster):
    """A forecaster with two parameters of its own making."""

    def __init__(self, steps=30, shop="none"):
        super().__init__(max_steps=steps, hidden_size=8, batch_size=16)
        self.steps = steps
        self.shop = shop


def test_a_subclass_may_have_other_parameters(monthly, tmp_path):
    expected = Forecaster(**QUICK).fit(monthly)
    model = clone(Brief(shop="north")).fit(monthly)
    assert model.reason_ == expected.reason_
    pd.testing.assert_frame_equal(model.predict(level=80), expected.predict(level=80), check_exact=True)
    model.save(tmp_path / "model")
    loaded = Brief.load(tmp_path / "model")
    assert loaded.get_params() == {"steps": 30, "shop": "north"}
    pd.testing.assert_frame_equal(loaded.predict(), expected.predict(), check_exact=True)
    board = backtest([Brief(), "Naive"], monthly, h=3, n_windows=2).leaderboard
    assert board["mase"].notna().all()


def test_without_a_seed_every_fit_is_another(monthly):
    first, second = (Forecaster(random_state=None, **QUICK).fit(monthly).predict() for _ in range(2))
    assert not np.array_equal(first["yhat"], second["yhat"])


def test_training_learns_what_the_season_profiles_cannot_know():
    t = np.arange(240)
    y = pd.Series(np.where(t % 24 < 12, 1.0, 2.0) * (t + 10), pd.date_range("2000", periods=240, freq="MS"), name="y")
    train, test = y.iloc[:-12], y.iloc[-12:]
    untrained = Forecaster(max_steps=1, learning_rate=1e-9, horizon=12).fit(train).predict(12)
    trained = Forecaster(max_steps=300, horizon=12).fit(train).predict(12)
    assert (trained - test).abs().mean() < 0.5 * (untrained - test).abs().mean()


def test_a_level_beyond_the_trained_quantiles_is_an_error(monthly):
    model = Forecaster(**QUICK).fit(monthly)
    with pytest.raises(ParameterError, match=r"levels up to 95 %"):
        model.predict(level=99)
    wide = Forecaster(quantiles=(0.005, 0.995), **QUICK).fit(monthly)
    assert wide.predict(h=4, level=99).shape == (12, 5)


def test_the_history_and_the_summary_tell_what_happened(monthly):
    model = Forecaster(random_state=3, **QUICK).fit(monthly)
    assert list(model.history_.columns) == ["step", "train_loss", "validation_loss", "seconds"]
    assert model.history_["step"].iloc[-1] == 30
    assert np.isfinite(model.history_["train_loss"]).all()
    text = model.summary()
    for part in ("3 series", "180 rows", "gru", "patches of 12", "season 12", "seed 3", "cpu"):
        assert part in text


def test_the_summary_names_the_season_of_the_table_before_what_else_is_read():
    hours = pd.Series(np.tile(np.arange(6.0), 90), pd.date_range("2024", periods=540, freq="4h"), name="y")
    assert "every 4 hours, season 6 and 42\n" in Forecaster(strategy="zero-shot").fit(hours).summary()


def test_verbose_writes_to_stderr_only_and_a_callable_gets_the_progress(monthly, capsys):
    Forecaster(**QUICK).fit(monthly)
    assert capsys.readouterr() == ("", "")
    Forecaster(verbose=True, **QUICK).fit(monthly)
    out, err = capsys.readouterr()
    assert out == ""
    assert "step 30/30" in err
    seen = []
    Forecaster(verbose=seen.append, **QUICK).fit(monthly)
    assert seen[-1].step == 30


@pytest.mark.parametrize("verbose", ["yes", None, [], 7])
def test_what_verbose_cannot_be_is_refused(monthly, verbose):
    with pytest.raises(ParameterError, match=r"verbose=.*expected True, False, or a callable"):
        Forecaster(verbose=verbose, **QUICK).fit(monthly)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("network", "transformer", "expected one of 'parallel'"),
        ("cell", "GRU", "expected one of 'rnn', 'gru', 'lstm'"),
        ("scaling", "minmax", "expected one of 'auto'"),
        ("horizon", 0, "horizon=0: expected a whole number"),
        ("context_length", 2.5, "context_length=2.5"),
        ("hidden_size", -1, "hidden_size=-1"),
        ("num_layers", 0, "num_layers=0"),
        ("patch_length", True, "patch_length=True"),
        ("max_steps", "many", "max_steps='many'"),
        ("batch_size", 0, "batch_size=0"),
        ("dropout", 1.0, "dropout=1.0"),
        ("learning_rate", 0, "learning_rate=0"),
        ("quantiles", [1.5], "expected numbers between 0 and 1"),
        ("device", "abacus", "expected 'auto'"),
        ("season_length", 0, "season_length"),
        ("random_state", -1, "random_state=-1: expected a whole number, 0 or more, or None"),
        ("random_state", "7", "random_state='7': expected a whole number"),
    ],
)
def test_an_impossible_parameter_is_named_with_what_was_expected(monthly, name, value, message):
    with pytest.raises(ParameterError, match=message):
        Forecaster(**{name: value}).fit(monthly)


def test_a_series_too_short_to_learn_from_is_refused_with_the_cure():
    table = monthly_table(n_series=2, n_rows=8)
    with pytest.raises(ShortSeriesError, match=r"8 rows; .* season of 12 .* shorter season_length"):
        Forecaster(**QUICK).fit(table)
    assert len(Forecaster(season_length=1, **QUICK).fit(table).predict(h=2)) == 4


def test_short_series_are_forecast_beside_long_ones():
    table = pd.concat([monthly_table(n_series=1, n_rows=80), monthly_table(n_series=2, n_rows=5).iloc[5:]])
    answer = Forecaster(**QUICK).fit(table).predict(h=3)
    assert np.isfinite(answer["yhat"]).all()


def test_any_patch_length_layers_and_scaling_work(monthly):
    settings = [
        {"patch_length": 5},
        {"patch_length": 1, "context_length": 20},
        {"num_layers": 3, "cell": "lstm", "dropout": 0.3},
        *({"scaling": s} for s in ("spread", "standard", "mean", "none")),
    ]
    for setting in settings:
        answer = Forecaster(**{**QUICK, **setting}).fit(monthly).predict(h=30)
        assert np.isfinite(answer["yhat"]).all(), setting


def test_a_loss_of_nan_keeps_the_last_finite_weights(monthly):
    model = Forecaster(learning_rate=1e30, scaling="none", max_steps=200, hidden_size=8)
    with pytest.raises(TrainingError, match=r"weights of step \d+ are kept.*Lower learning_rate"):
        model.fit(monthly)
    weights = model.networks_[0].network.state_dict()
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_beyond_its_horizon_a_random_walks_intervals_keep_widening():
    rng = np.random.default_rng(0)
    walks = pd.DataFrame(rng.normal(size=(300, 8)).cumsum(0), pd.date_range("2020", periods=300, freq="D"))
    model = Forecaster(horizon=7, season_length=1, max_steps=500, hidden_size=16).fit(walks)
    answer = model.predict(h=63, level=80)
    width = (answer["yhat-hi-80"] - answer["yhat-lo-80"]).to_numpy().reshape(8, 63).mean(0)
    assert width[62] / width[6] == pytest.approx(3.0, rel=0.35)  # the square root of 63/7


def clean_season(m, noise, rows=200):
    """Return a wave of m steps around 10 whose amplitude is 3, with a little noise, and two seasons that follow."""
    steps = np.arange(rows + 2 * m)
    y = 10 + 3 * np.sin(2 * np.pi * steps / m) + noise * np.random.default_rng(0).normal(size=len(steps))
    return pd.Series(y[:rows]), y[rows:]


@pytest.mark.parametrize("m", [4, 5, 7, 12, 24, 52])
@pytest.mark.parametrize("noise", [0, 1e-6, 1e-3, 1e-2])
def test_a_season_far_above_its_noise_is_forecast_as_high_as_it_is(m, noise):
    past, future = clean_season(m, noise)
    model = Forecaster(strategy="zero-shot", season_length=m, horizon=2 * m).fit(past)
    assert np.abs(model.predict(2 * m).to_numpy() - future).mean() < 0.02 * 3


@pytest.mark.parametrize("network", ["parallel", "autoregressive", "one"])
def test_a_network_of_its_own_forecasts_a_clean_season_as_high_as_it_is(network):
    past, future = clean_season(12, 1e-3)
    model = Forecaster(network=network, season_length=12, horizon=24, max_steps=20).fit(past)
    assert np.abs(model.predict(24).to_numpy() - future).max() < 0.01 * 3
