import re

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tests.conftest import monthly_table
from tsrnn import ARIMA, Forecaster, SeasonalNaive, backtest
from tsrnn.errors import DataError, ParameterError, ShortSeriesError
from tsrnn.forecasting.registry import MODELS, named_models

QUICK = Forecaster(max_steps=20, hidden_size=8, batch_size=16)


@pytest.fixture(scope="module")
def result():
    return backtest([QUICK, ARIMA(order=(1, 1, 0)), SeasonalNaive()], monthly_table(), h=6, n_windows=4, step_size=3)


def test_the_tidy_result_has_a_row_per_series_cutoff_and_step(result):
    table = result.forecasts
    assert len(table) == 3 * 4 * 6
    assert list(table.columns[:6]) == ["unique_id", "ds", "cutoff", "step", "y", "tsrnn"]
    assert {"ARIMA-lo-80", "ARIMA-hi-95", "SeasonalNaive"} <= set(table.columns)
    months = (table["ds"].dt.year - table["cutoff"].dt.year) * 12 + table["ds"].dt.month - table["cutoff"].dt.month
    assert (months == table["step"]).all()
    assert table["cutoff"].max() == pd.Timestamp("2019-06-01")
    assert table["cutoff"].nunique() == 4


def test_a_result_shows_its_leaderboard_and_its_verdict(result):
    lines = repr(result).splitlines()
    assert lines[0].split() == list(result.leaderboard.columns)
    assert [line.split()[0] for line in lines[1:4]] == result.leaderboard["model"].tolist()
    assert lines[4:] == ["", str(result.verdict)]
    assert repr(result.verdict) == str(result.verdict)
    alone = backtest("SeasonalNaive", monthly_table(), h=6, n_windows=2)
    assert [line.split()[0] for line in repr(alone).splitlines()] == ["model", "SeasonalNaive"]


def test_y_is_what_happened(result):
    truth = monthly_table().set_index(["unique_id", "ds"])["y"]
    joined = truth.loc[list(zip(result.forecasts["unique_id"], result.forecasts["ds"], strict=True))]
    np.testing.assert_array_equal(result.forecasts["y"], joined)


def test_the_seasonal_naive_in_it_is_the_value_a_year_before(result):
    truth = monthly_table().set_index(["unique_id", "ds"])["y"]
    table = result.forecasts
    year_before = list(zip(table["unique_id"], table["ds"] - pd.DateOffset(years=1), strict=True))
    np.testing.assert_array_equal(table["SeasonalNaive"], truth.loc[year_before])


def test_the_leaderboard_agrees_with_the_forecasts(result):
    table, truth = result.forecasts, monthly_table()
    first = table["cutoff"].min()
    scores = []
    for name, part in table.groupby("unique_id"):
        history = truth[(truth["unique_id"] == name) & (truth["ds"] <= first)]["y"].to_numpy()
        scores.append((part["y"] - part["ARIMA"]).abs().mean() / np.abs(history[12:] - history[:-12]).mean())
    board = result.leaderboard.set_index("model")
    assert board.loc["ARIMA", "mase"] == pytest.approx(np.mean(scores))
    inside = (table["y"] >= table["ARIMA-lo-80"]) & (table["y"] <= table["ARIMA-hi-80"])
    assert board.loc["ARIMA", "coverage_80"] == pytest.approx(inside.mean())
    assert board["mase"].is_monotonic_increasing
    assert (board[["fit_seconds", "predict_seconds"]] >= 0).all(axis=None)


def test_scores_by_step_cutoff_and_series_average_to_the_leaderboard(result):
    board = result.leaderboard.set_index("model")["mase"]
    for part in (result.by_step, result.by_cutoff, result.by_series):
        np.testing.assert_allclose(part.groupby("model")["mase"].mean().loc[board.index], board)


def test_everything_after_a_cutoff_can_change_and_its_forecasts_do_not_move():
    table = monthly_table()
    models = [QUICK, ARIMA(), SeasonalNaive()]
    options = {"h": 6, "n_windows": 3, "step_size": 6}
    expected = backtest(models, table, **options).forecasts
    cutoff = expected["cutoff"].min()
    changed = table.copy()
    changed.loc[changed["ds"] > cutoff, "y"] = 1e5 * np.arange((changed["ds"] > cutoff).sum())
    moved = backtest(models, changed, **options).forecasts
    columns = [c for c in expected.columns if c != "y"]
    at = expected["cutoff"] == cutoff
    pd.testing.assert_frame_equal(moved.loc[at, columns], expected.loc[at, columns], check_exact=True)
    assert not np.allclose(moved.loc[~at, "SeasonalNaive"], expected.loc[~at, "SeasonalNaive"])


def test_refitting_before_every_cutoff_equals_fitting_by_hand():
    table = monthly_table()
    result = backtest(QUICK, table, h=3, n_windows=2, step_size=3, refit=True).forecasts
    for cutoff, part in result.groupby("cutoff"):
        model = Forecaster(horizon=3, max_steps=20, hidden_size=8, batch_size=16).fit(table[table["ds"] <= cutoff])
        np.testing.assert_allclose(part["tsrnn"], model.predict()["yhat"], rtol=1e-9)
    once = backtest(QUICK, table, h=3, n_windows=2, step_size=3, refit=2).forecasts
    never = backtest(QUICK, table, h=3, n_windows=2, step_size=3, refit=False).forecasts
    pd.testing.assert_frame_equal(once, never)


@pytest.mark.parametrize(("model", "again"), [(ARIMA(), "update"), (ARIMA((1, 1, 0)), "fit")], ids=["auto", "given"])
def test_refits_after_the_first_are_updates_of_what_continues(monkeypatch, model, again):
    calls = []
    for name in ("fit", "update"):
        learn = getattr(ARIMA, name)
        monkeypatch.setattr(
            ARIMA, name, lambda self, df, name=name, learn=learn: calls.append((name, len(df.y))) or learn(self, df)
        )
    backtest(model, monthly_table(n_series=1), h=3, n_windows=3, step_size=3, refit=True)
    assert calls == [("fit", 51), (again, 54), (again, 57)]


def test_unobserved_values_are_left_out_of_the_scores():
    table = monthly_table()
    table.loc[table.index[[55, 115]], "y"] = np.nan
    result = backtest("SeasonalNaive", table, h=6, n_windows=1)
    assert result.forecasts["y"].isna().sum() == 2
    assert np.isfinite(result.leaderboard["mase"]).all()


def test_series_too_short_are_named_and_left_out():
    table = pd.concat([monthly_table(n_series=2), monthly_table(n_series=1, n_rows=9).replace("series 0", "late")])
    result = backtest(["SeasonalNaive", "ARIMA"], table, h=6, n_windows=5, step_size=6)
    assert "late" not in set(result.forecasts["unique_id"])
    assert any("too short for any cutoff" in note and "late" in note for note in result.notes)


@pytest.mark.parametrize("y", [4.0, np.sin(2 * np.pi * np.arange(60) / 12)], ids=["constant", "repeats"])
def test_a_series_without_mase_is_said(y):
    table = monthly_table(n_series=2)
    table.loc[table["unique_id"] == "series 1", "y"] = y
    result = backtest("SeasonalNaive", table, h=3, n_windows=2)
    assert any("has no MASE" in note for note in result.notes)
    assert np.isfinite(result.leaderboard["mase"]).all()


def test_the_verdict_is_about_the_first_model_against_arima(result):
    assert result.verdict.model == "tsrnn"
    assert result.verdict.reference == "ARIMA"
    assert backtest("SeasonalNaive", monthly_table(), h=3, n_windows=2).verdict is None


def test_few_forecasts_are_not_judged():
    verdict = backtest(["SeasonalNaive", "ARIMA"], monthly_table(n_series=1), h=3, n_windows=4).verdict
    assert verdict.outcome == "too few to judge"
    assert str(verdict).startswith("Too few to judge")


def test_arima_can_win():
    rng = np.random.default_rng(0)
    y = np.zeros(400)
    for t in range(1, 400):
        y[t] = 0.9 * y[t - 1] + rng.normal()
    series = pd.Series(y, pd.date_range("2020", periods=400, freq="D"), name="y")
    result = backtest(["SeasonalNaive", ARIMA(order=(1, 0, 0))], series, h=5, n_windows=20)
    assert str(result.verdict).startswith("ARIMA wins")
    assert result.verdict.outcome == "worse"


def test_the_configuration_is_enough_to_repeat_the_run(result):
    config = result.config
    assert (config["h"], config["n_windows"], config["step_size"], config["refit"]) == (6, 4, 3, 0)
    assert config["data"]["rows"] == 180
    assert config["models"]["tsrnn"]["horizon"] == 6
    assert config["versions"]["tsrnn"] == tsrnn.__version__


def test_the_configuration_tells_what_each_network_did_and_why():
    small = Forecaster(max_steps=5, hidden_size=4)
    result = backtest([small, "zero-shot", "SeasonalNaive"], monthly_table(n_series=2), h=4, n_windows=2)
    told = result.config["strategies"]
    assert set(told) == {"tsrnn", "zero-shot"}
    assert told["tsrnn"]["strategy"] == "scratch"
    assert told["tsrnn"]["reason"] == "hidden_size, max_steps ask for a network of its own"
    assert told["zero-shot"]["strategy"] == "zero-shot"
    assert re.search(r"strategy  zero-shot, \d networks: as asked for", result.config["chosen"]["zero-shot"])
    assert len(result.history["zero-shot"]) == 0


@pytest.mark.parametrize("refit", [False, 1])
def test_a_note_says_what_a_network_that_chose_for_itself_took_part_as(refit):
    table = monthly_table(n_series=1, n_rows=40)
    models = {"mine": Forecaster(), "zero-shot": Forecaster(strategy="zero-shot"), "naive": SeasonalNaive()}
    result = backtest(models, table, h=4, n_windows=2, refit=refit)
    told = result.config["strategies"]["mine"]
    when = " in the last of 2 fits" if refit else ""
    said = [note for note in result.notes if "auto took" in note]
    assert said == [f"mine: auto took zero-shot{when}: {told['reason']}."]


@pytest.mark.parametrize(("change", "named"), [(1e-4, True), (100.0, False)])
def test_series_whose_mase_outweighs_all_others_are_named(change, named):
    rng = np.random.default_rng(0)
    table = monthly_table(n_series=2, n_rows=72).pivot_table("y", "ds", "unique_id")
    table["late"] = 100 + np.where(np.arange(72) < 60, change * (np.arange(72) == 3), rng.normal(0, 5, 72))
    result = backtest(["Naive", "SeasonalNaive"], table, h=6, n_windows=2, step_size=6)
    said = [note for note in result.notes if "outweigh" in note]
    assert said == named * [
        "1 of 3 series changes over 100 times as much over a season after the first cutoff as before it, so its MASE "
        "is large and may outweigh all others in the leaderboard and the verdict: late. Leave it out to judge the "
        "others."
    ]
    assert (result.leaderboard["mase"] > 1e4).all() == named


def test_models_are_named_once_each_and_never_changed():
    given = Forecaster(max_steps=5)
    named = named_models([given, "gru", "GRU", SeasonalNaive()])
    assert list(named) == ["tsrnn", "gru", "gru-2", "SeasonalNaive"]
    backtest({"small": given}, monthly_table(n_series=1), h=2, n_windows=1)
    assert given.horizon is None
    assert not hasattr(given, "panel_")
    assert set(named_models(list(MODELS))) == set(MODELS)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"models": "prophet"}, ParameterError, "'prophet' is not known; expected one of tsrnn"),
        ({"models": []}, ParameterError, "No model was given"),
        ({"models": [3]}, ParameterError, "is a int; expected a model"),
        ({"h": 0}, ParameterError, "whole number of steps"),
        ({"n_windows": 0}, ParameterError, "n_windows=0"),
        ({"step_size": 1.5}, ParameterError, "step_size=1.5"),
        ({"refit": -1}, ParameterError, "refit=-1"),
        ({"level": 0.8}, ParameterError, "Did you mean 80"),
        ({"level": (95, 95.000001)}, ParameterError, "level 95 and 95.000001 would share a column"),
        ({"h": 50}, ShortSeriesError, "No cutoff fits: the longest series has 60 rows"),
        ({"df": pd.DataFrame()}, DataError, "no rows"),
    ],
)
def test_impossible_arguments_are_refused_with_the_cure(options, error, message):
    arguments = {"models": "SeasonalNaive", "df": monthly_table(), **options}
    with pytest.raises(error, match=message):
        backtest(**arguments)


def test_progress_names_every_model():
    seen = []
    backtest(["SeasonalNaive", "ARIMA"], monthly_table(n_series=1), h=2, n_windows=1, on_progress=seen.append)
    assert seen == ["SeasonalNaive (1 of 2)", "ARIMA (2 of 2)"]


def test_series_without_a_value_after_their_cutoffs_are_named():
    wide = monthly_table(n_series=3).pivot_table(index="ds", columns="unique_id", values="y")
    wide.iloc[-12:, 1] = np.nan
    wide.iloc[-3:, 2] = np.nan  # some of its cutoffs have values
    found = backtest([SeasonalNaive()], wide, h=6, n_windows=2, step_size=6)
    (note,) = [note for note in found.notes if "not scored" in note]
    assert note == "1 of 3 series holds no value after the cutoffs and is not scored: series 1."
    whole = backtest([SeasonalNaive()], wide, h=6, n_windows=3, step_size=6)
    assert not any("not scored" in note for note in whole.notes)
    wide.iloc[-18, 1] = 1.0  # between two windows
    wide.iloc[-17:, 1] = np.nan
    wide.iloc[-36:-18, 1] = np.nan
    between = backtest([SeasonalNaive()], wide, h=2, n_windows=2, step_size=20)
    assert any("not scored: series 1." in note for note in between.notes)
    gap = backtest([SeasonalNaive()], wide, h=3, gap=3, n_windows=1)
    (note,) = [note for note in gap.notes if "not scored" in note]
    assert note.startswith("2 of 3 series")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["cutoff"],
            "The model's name 'cutoff' is taken: its column 'cutoff' .* would also be a column of the forecasts",
        ),
        (["y"], "name 'y' is taken"),
        (["a", "a-lo-80"], "name 'a-lo-80' is taken: its column 'a-lo-80' .* would also be one of the model 'a'"),
        (["a-hi-95", "a"], "name 'a' is taken: its column 'a-hi-95' .* would also be one of the model 'a-hi-95'"),
    ],
)
def test_a_model_named_like_a_column_of_the_forecasts_is_refused(names, message):
    with pytest.raises(ParameterError, match=message):
        backtest({name: "Naive" for name in names}, monthly_table(), h=2, n_windows=1)


def test_a_model_may_be_named_like_an_interval_that_nobody_asked_for():
    result = backtest({"a": "Naive", "a-lo-80": "Drift"}, monthly_table(), h=2, n_windows=1, level=[90])
    assert {"a", "a-lo-80", "a-lo-90", "a-lo-80-lo-90"} <= set(result.forecasts.columns)


def test_the_verdict_agrees_with_the_leaderboard_where_series_have_unequal_numbers_of_cutoffs():
    rng = np.random.default_rng(0)
    frames = [monthly_table(n_series=1, n_rows=60, seed=i).assign(unique_id=f"shop {i}") for i in range(6)]
    table = pd.concat([frames[0], *(frame.iloc[40:] for frame in frames[1:])], ignore_index=True)
    table.loc[rng.random(len(table)) < 0.1, "y"] = np.nan
    result = backtest(["Naive", "Drift", "WindowAverage"], table, h=4, n_windows=12, step_size=2, season_length=1)
    mase = result.leaderboard.set_index("model")["mase"]
    assert mase.drop("Naive").idxmin() == result.verdict.reference
    assert result.verdict.gain.gain == pytest.approx(1 - mase["Naive"] / mase[result.verdict.reference], rel=1e-9)
    assert result.verdict.gain.n_forecasts < 6 * 12
    assert f"over {result.verdict.gain.n_forecasts} forecasts of 6 series × 12 cutoffs" in str(result.verdict)


def test_a_renamed_arima_is_the_reference_and_a_function_named_like_one_is_not():
    def ARIMA_like(train, h):
        return np.full(h, 0.5 * train.iloc[-1])

    models = {"Naive": "Naive", "ARIMA_like": ARIMA_like, "box and jenkins": ARIMA(order=(1, 1, 0))}
    result = backtest(models, monthly_table(n_series=1), h=3, n_windows=8)
    assert result.verdict.reference == "box and jenkins"
    del models["box and jenkins"]
    better = backtest({**models, "SeasonalNaive": SeasonalNaive()}, monthly_table(n_series=1), h=3, n_windows=8)
    assert better.verdict.reference == "SeasonalNaive"


def half_years(n_rows=60):
    """A series of months without any two values a year apart."""
    table = monthly_table(n_series=1, n_rows=n_rows).assign(unique_id="half")
    year, month = table.index // 12, table.index % 12
    table.loc[(month < 6) != (year % 2 == 0), "y"] = np.nan
    return table


def test_a_series_without_two_values_a_season_apart_is_told_so_and_not_that_it_stands_still():
    table = pd.concat([monthly_table(n_series=1), half_years()])
    result = backtest(["Naive", "Drift"], table, h=6, n_windows=2)
    (note,) = [note for note in result.notes if "MASE" in note]
    assert note == (
        "1 of 2 series holds no two values a season (12 steps) apart before the first cutoff and has no MASE: half."
    )


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (half_years(), "the series hold no two values a season (12 steps) apart before the first cutoff"),
        (monthly_table().assign(y=5.0), "the series do not change over a season before the first cutoff"),
        (
            pd.concat([monthly_table(n_series=1).assign(y=5.0), half_years()]),
            "the series hold no two values a season (12 steps) apart or do not change over a season before the first "
            "cutoff",
        ),
    ],
)
def test_a_verdict_without_any_mase_says_why(table, why):
    result = backtest(["Naive", "Drift"], table, h=6, n_windows=9, step_size=1)
    assert str(result.verdict) == f"Not judged: Naive and Drift have no MASE to compare, as {why}."
    assert result.verdict.outcome == "too few to judge"


def test_a_verdict_without_any_observed_value_says_so():
    table = monthly_table()
    table.loc[table["ds"] >= "2019-06-01", "y"] = np.nan
    result = backtest(["Naive", "Drift"], table, h=6, n_windows=1)
    assert "as no forecast of a series with a MASE meets an observed value" in str(result.verdict)
