"""How a backtest runs: in several processes, and within a time budget."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn import ARIMA, Ensemble, Forecaster, Naive, backtest
from tsrnn.errors import DataError, ParameterError
from tsrnn.evaluation import backtest as backtest_module
from tsrnn.evaluation import engine

QUICK = Forecaster(max_steps=20, hidden_size=8, batch_size=16)


def last_value(train, h):
    return np.full(h, train.iloc[-1])


def broken(train, h):
    return [np.nan] * h


def equal(one, other):
    """Two results are the same, bit for bit, but for the time they took."""
    pd.testing.assert_frame_equal(one.forecasts, other.forecasts, check_exact=True)
    board, again = (result.leaderboard.drop(columns=["fit_seconds", "predict_seconds"]) for result in (one, other))
    pd.testing.assert_frame_equal(board, again, check_exact=True)
    for name in ("by_step", "by_cutoff", "by_series", "observations"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert (one.verdict, one.notes, one.config) == (other.verdict, other.notes, other.config)
    assert one.history.keys() == other.history.keys()
    for name, curves in one.history.items():
        columns = ["step", "train_loss", "validation_loss"]
        pd.testing.assert_frame_equal(curves[columns], other.history[name][columns], check_exact=True)


STATISTICAL = {"ARIMA": ARIMA((1, 0, 0)), "both": Ensemble(["Theta", "Drift"]), "last": last_value, "Drift": "Drift"}


def test_any_number_of_processes_gives_the_same_result_bit_for_bit():
    table = monthly_table(n_series=2)
    table.loc[[10, 70], "y"] = np.nan
    options = {"h": 3, "n_windows": 4, "step_size": 2, "refit": 2, "train_size": 40, "gap": 1}
    models = {"network": QUICK, **STATISTICAL}
    one, two = (backtest(models, table, n_jobs=n, **options) for n in (1, 2))
    equal(one, two)
    assert len(one.forecasts) == 2 * 4 * 3


def test_processes_are_left_to_the_models_that_were_given_a_number():
    result = backtest(["ARIMA", ARIMA(n_jobs=1)], monthly_table(n_series=2), h=2, n_windows=2, n_jobs=2)
    assert result.config["models"]["ARIMA"]["n_jobs"] is None
    assert result.config["models"]["ARIMA-2"]["n_jobs"] == 1


def test_an_error_in_another_process_arrives_as_it_is():
    with pytest.raises(DataError, match=r"Model broken, series 'series 0', cutoff .*: 2 of 2 forecasts are not finite"):
        backtest(broken, monthly_table(n_series=2), h=2, n_windows=2, n_jobs=2)


@pytest.mark.parametrize("n_jobs", [0, 1.5, True, -2])
def test_an_impossible_number_of_processes_is_refused(n_jobs):
    with pytest.raises(ParameterError, match=f"n_jobs={n_jobs}: expected a number of processes"):
        backtest("Naive", monthly_table(), n_jobs=n_jobs)


class Slow(Naive):
    """Takes a second for a fit and two for a forecast, by the clock that it moves."""

    clock = SimpleNamespace(now=0.0)

    def fit(self, df, **columns):
        self.clock.now += 1
        return super().fit(df, **columns)

    def forecast(self, panel, cutoffs, h, quantiles):
        self.clock.now += 2
        return super().forecast(panel, cutoffs, h, quantiles)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only Slow moves."""
    Slow.clock.now = 100.0
    fake = SimpleNamespace(perf_counter=lambda: Slow.clock.now)
    for module in (engine, backtest_module):
        monkeypatch.setattr(module, "time", fake)
    return Slow.clock


@pytest.mark.parametrize(
    ("budget", "refit", "done"),
    [
        (0.5, False, 1),  # the first cutoff is run whatever it takes: 3 s
        (3.5, False, 2),  # how long a cutoff takes without a fit is not known yet
        (6.9, False, 2),  # a third one would end at 7 s
        (7.0, False, 3),
        (99.0, False, 6),
        (9.1, True, 3),  # each takes 3 s
        (9.1, 2, 3),  # 3 + 2 + 3 s, and a forecast alone takes 2 s
    ],
)
def test_a_budget_runs_as_many_cutoffs_as_it_holds(clock, budget, refit, done):
    result = backtest(Slow(), monthly_table(), h=2, n_windows=6, step_size=2, refit=refit, time_budget=budget)
    assert result.forecasts["cutoff"].nunique() == done
    assert result.config["n_windows"] == done
    assert result.config["time_budget"] == budget


def test_what_a_budget_left_out_is_left_out_for_all_models_and_said(clock):
    table = monthly_table()
    result = backtest([Slow(), "Drift"], table, h=2, n_windows=6, step_size=2, time_budget=9.0)
    # 3 s for the first cutoff, 2 s for each of three more.
    short = table[table["ds"] <= table["ds"].sort_values().unique()[60 - 2 * 2 - 1]]
    alone = backtest([Naive(), "Drift"], short, h=2, n_windows=4, step_size=2)
    np.testing.assert_array_equal(result.forecasts["Drift"], alone.forecasts["Drift"])
    np.testing.assert_array_equal(result.by_cutoff["mase"], alone.by_cutoff["mase"])
    sentence = "The time budget of 9 s was over: the latest 2 of 6 cutoffs were left out, for all models."
    assert sentence in result.notes
    assert str(result.verdict).endswith(sentence)
    assert "3 series × 4 cutoffs" in str(result.verdict)
    assert result.forecasts["cutoff"].max() == pd.Timestamp("2019-06-01")


def test_a_budget_that_is_enough_changes_nothing():
    table = monthly_table(n_series=2)
    options = {"h": 3, "n_windows": 3, "step_size": 3}
    free, limited = (backtest(["Drift", "Theta", last_value], table, time_budget=t, **options) for t in (None, 10_000))
    pd.testing.assert_frame_equal(free.forecasts, limited.forecasts, check_exact=True)
    assert free.notes == limited.notes
    assert str(free.verdict) == str(limited.verdict)


def test_within_a_budget_models_take_turns():
    seen = []
    backtest(["Naive", "Drift"], monthly_table(), h=2, n_windows=2, time_budget=1000, on_progress=seen.append)
    assert seen == [
        "Naive (1 of 2), cutoff 1 of 2",
        "Drift (2 of 2), cutoff 1 of 2",
        "Naive (1 of 2), cutoff 2 of 2",
        "Drift (2 of 2), cutoff 2 of 2",
    ]


@pytest.mark.parametrize("budget", [0, -1, True, "long", np.inf, np.nan])
def test_an_impossible_budget_is_refused(budget):
    with pytest.raises(ParameterError, match=f"time_budget={budget!r}: expected a number of seconds above 0"):
        backtest("Naive", monthly_table(), time_budget=budget)
