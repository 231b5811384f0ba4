"""Which rows a model sees: windows that grow or slide, gaps, refits."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn import ARIMA, Forecaster, backtest
from tsrnn.errors import ParameterError, ShortSeriesError

QUICK = Forecaster(max_steps=20, hidden_size=8, batch_size=16)


def mean_of_all(train, h):
    return np.full(h, train.mean())


MODELS = {"network": QUICK, "ARIMA": ARIMA(order=(1, 0, 0)), "Theta": "Theta", "ETS": "ETS", "mean": mean_of_all}
FORECASTS = ["network", "network-lo-80", "ARIMA", "ARIMA-hi-95", "Theta", "ETS", "mean"]
SCHEMES = [
    {"refit": False},
    {"refit": True},
    {"gap": 2},
    {"gap": 1, "refit": 2},
    {"train_size": 30},
    {"train_size": 30, "refit": True, "gap": 2},
]


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_what_comes_after_a_cutoff_never_moves_its_forecasts(scheme):
    table = monthly_table(n_series=2)
    options = {"h": 3, "n_windows": 3, "step_size": 4, **scheme}
    expected = backtest(MODELS, table, **options).forecasts
    cutoffs = sorted(expected["cutoff"].unique())
    # Fitted once, all models may see up to the first cutoff; fitted again, up to the one of their last fit.
    cutoff = cutoffs[-1] if scheme.get("refit") is True else cutoffs[0]
    changed = table.copy()
    later = changed["ds"] > cutoff
    changed.loc[later, "y"] = 1e5 + 1e4 * np.arange(later.sum())
    moved = backtest(MODELS, changed, **options).forecasts
    at = expected["cutoff"] <= cutoff
    pd.testing.assert_frame_equal(moved.loc[at, FORECASTS], expected.loc[at, FORECASTS], check_exact=True)
    assert not np.isclose(moved["y"], expected["y"]).all()


@pytest.mark.parametrize("refit", [False, True])
def test_what_has_slid_out_of_the_window_never_moves_a_forecast(refit):
    table = monthly_table(n_series=2)
    options = {"h": 3, "n_windows": 3, "step_size": 4, "train_size": 26, "refit": refit}
    expected = backtest(MODELS, table, **options).forecasts
    cutoffs = sorted(expected["cutoff"].unique())
    cutoff = cutoffs[-1] if refit else cutoffs[0]
    changed = table.copy()
    earlier = changed["ds"] <= cutoff - pd.DateOffset(months=26)
    changed.loc[earlier, "y"] = 1e5 + 1e4 * np.arange(earlier.sum())
    moved = backtest(MODELS, changed, **options).forecasts
    at = expected["cutoff"] == cutoff
    pd.testing.assert_frame_equal(moved.loc[at, FORECASTS], expected.loc[at, FORECASTS], check_exact=True)
    growing = backtest({"mean": mean_of_all}, changed, **{**options, "train_size": None}).forecasts
    assert not np.isclose(growing.loc[at, "mean"], expected.loc[at, "mean"]).any()


def test_refitting_on_a_sliding_window_equals_fitting_by_hand_on_its_rows():
    table = monthly_table(n_series=2)
    result = backtest(QUICK, table, h=3, n_windows=2, step_size=3, refit=True, train_size=40).forecasts
    for cutoff, part in result.groupby("cutoff"):
        seen = table[table["ds"] <= cutoff].groupby("unique_id").tail(40)
        model = Forecaster(horizon=3, max_steps=20, hidden_size=8, batch_size=16).fit(seen)
        np.testing.assert_allclose(part["tsrnn"], model.predict()["yhat"], rtol=1e-9)


def test_a_foreign_model_is_given_the_rows_of_the_window():
    seen = []

    def watched(train, h):
        seen.append((train.name, train.index[0], len(train)))
        return [0.0] * h

    backtest(watched, monthly_table(n_series=1), h=2, n_windows=2, step_size=3, gap=1, train_size=24)
    assert seen == [
        ("series 0", pd.Timestamp("2017-07-01"), 24),
        ("series 0", pd.Timestamp("2017-10-01"), 24),
    ]


def test_a_sliding_window_longer_than_the_history_changes_nothing_and_says_so():
    table = monthly_table()
    options = {"h": 3, "n_windows": 2, "step_size": 3, "refit": True}
    growing = backtest(["ARIMA", QUICK], table, **options)
    sliding = backtest(["ARIMA", QUICK], table, train_size=57, **options)
    pd.testing.assert_frame_equal(growing.forecasts, sliding.forecasts, check_exact=True)
    assert any("train_size=57 leaves nothing out" in note for note in sliding.notes)


def test_a_sliding_window_without_a_value_is_not_forecast():
    table = monthly_table(n_series=2)
    table.loc[
        (table["unique_id"] == "series 1") & (table["ds"] >= "2017-01-01") & (table["ds"] < "2019-11-01"), "y"
    ] = np.nan
    result = backtest(["Naive", "ARIMA", "Theta", QUICK], table, h=2, n_windows=2, step_size=2, train_size=24)
    models = ["Naive", "ARIMA", "Theta", "tsrnn"]
    told = result.forecasts.set_index(["unique_id", "step"])[models].notna()
    assert told.loc["series 0"].all(axis=None)
    assert not told.loc["series 1"].any(axis=None)


def test_a_gap_scores_the_steps_after_it():
    table = monthly_table()
    options = {"n_windows": 3, "step_size": 3}
    gapped = backtest(MODELS, table, h=4, gap=2, **options)
    whole = backtest(MODELS, table, h=6, **options)
    later = whole.forecasts[whole.forecasts["step"] > 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(gapped.forecasts, later, check_exact=True)
    assert gapped.by_step["step"].unique().tolist() == [3, 4, 5, 6]
    steps = whole.by_step[whole.by_step["step"] > 2].set_index(["model", "step"])
    pd.testing.assert_frame_equal(gapped.by_step.set_index(["model", "step"]), steps)
    assert (gapped.config["gap"], gapped.config["h"], gapped.config["models"]["network"]["horizon"]) == (2, 4, 6)


def test_cutoffs_that_no_series_reaches_are_left_out_and_said():
    result = backtest([ARIMA((1, 0, 0)), "Naive"], monthly_table(), h=6, n_windows=20, step_size=6)
    # 60 rows: 24 before the first cutoff and 6 after the last one leave 5 steps of 6.
    assert result.config["n_windows"] == 6
    assert result.forecasts["cutoff"].nunique() == 6
    assert any("long enough for 6 of the 20 cutoffs" in note for note in result.notes)
    assert not any("seasonal naive" in note for note in result.notes)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"gap": -1}, ParameterError, "gap=-1: expected a whole number, 0 or more"),
        ({"gap": 1.0}, ParameterError, r"gap=1.0: expected a whole number"),
        ({"gap": True}, ParameterError, "gap=True"),
        ({"train_size": 0}, ParameterError, "train_size=0: expected a whole number, 1 or more"),
        ({"train_size": 23}, ParameterError, r"train_size=23: expected 24 rows or more \(season_length=12\)"),
        ({"gap": 40}, ShortSeriesError, "needs 24 before the cutoff .* and gap=40 and h=3 after it. Lower gap, h or"),
    ],
)
def test_impossible_windows_are_refused_with_the_cure(options, error, message):
    with pytest.raises(error, match=message):
        backtest("Naive", monthly_table(), **{"h": 3, **options})


def test_nothing_is_said_of_series_that_no_window_holds():
    days = pd.date_range("2020-01-05", periods=150, freq="W")
    ranges = {"core": (0, 150), "late": (60, 150), "ended": (0, 100)}
    y = np.random.default_rng(0).poisson(40, 150).astype(float)
    table = pd.concat(
        [pd.DataFrame({"unique_id": name, "ds": days[a:b], "y": y[a:b]}) for name, (a, b) in ranges.items()]
    )
    result = backtest(["ETS", "Theta", ARIMA(order=(1, 0, 0))], table)
    assert result.forecasts["unique_id"].unique().tolist() == ["core"]
    assert not [note for note in result.notes if "seasonal naive" in note]


def test_a_series_without_rows_at_the_fit_is_told_of_where_it_is_forecast():
    days = pd.date_range("2024-01-01", periods=60)
    y = np.random.default_rng(0).normal(size=60)
    ranges = {"core": 0, "late": 40}
    table = pd.concat([pd.DataFrame({"unique_id": name, "ds": days[a:], "y": y[a:]}) for name, a in ranges.items()])
    result = backtest(["ETS"], table, h=1, n_windows=20, season_length=1)
    assert (result.forecasts["unique_id"] == "late").any()
    assert [note for note in result.notes if "seasonal naive" in note] == [
        "ETS: 17 of 37 cutoffs have too little history (no row where models were fitted) for the fitted model and are "
        "forecast by the seasonal naive: late."
    ]


def test_series_that_end_before_others_are_told_of_where_a_model_learns_from_all():
    days = pd.date_range("2022-01-01", periods=200)
    y = np.random.default_rng(0).normal(50, 2, 200)
    lengths = {"core": 200, "ended": 100}
    table = pd.concat([pd.DataFrame({"unique_id": name, "ds": days[:n], "y": y[:n]}) for name, n in lengths.items()])
    told = "1 of 2 series ends before others do, and cutoffs count back from the end of each: when these are judged, "
    for refit in (False, True):
        result = backtest({"mine": QUICK, "ETS": "ETS"}, table, h=7, n_windows=2, refit=refit)
        assert [note for note in result.notes if note.startswith(told)] == [
            f"{told}mine may have learnt from rows of the others that came later. They are ended."
        ]
    assert not any("end before others" in note for note in backtest(["ETS", "Theta"], table, h=7, n_windows=2).notes)
    late = table[(table["unique_id"] == "core") | (table["ds"] >= days[50])].assign(
        ds=lambda t: t["ds"].where(t["unique_id"] == "core", t["ds"] + days.freq * 100)
    )
    assert not any("end before others" in note for note in backtest([QUICK], late, h=7, n_windows=2).notes)
