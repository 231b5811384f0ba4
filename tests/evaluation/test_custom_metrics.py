import numpy as np
import pytest

from tests.conftest import monthly_table
from tsrnn import backtest
from tsrnn.errors import ParameterError
from tsrnn.evaluation.custom_metrics import named_metrics
from tsrnn.metrics import interval_score, mae, mase, rmse


def bias(y, yhat):
    return np.nanmean(yhat - y, axis=1)


def scaled(y, yhat, scale):
    return mase(y, yhat, scale)


def width(y, yhat, forecasts, quantiles):
    low, high = (forecasts[..., quantiles.index(q)] for q in (0.1, 0.9))
    return np.nanmean(interval_score(y, low, high, 80), axis=1)


@pytest.fixture(scope="module")
def result():
    metrics = {"mae": mae, "bias": bias, "scaled": scaled, "width": width, "error": lambda y, yhat: rmse(y, yhat)}
    return backtest(["SeasonalNaive", "Drift"], monthly_table(), h=4, n_windows=3, step_size=2, metrics=metrics)


def test_metrics_stand_beside_ours_in_every_table(result):
    assert list(result.leaderboard.columns[:6]) == ["model", "mase", "smape", "rmse", "wql", "mae"]
    for table in (result.by_step, result.by_cutoff, result.by_series):
        assert list(table.columns[2:]) == ["mase", "smape", "rmse", "mae", "bias", "scaled", "width", "error"]
        np.testing.assert_allclose(table["scaled"], table["mase"])


def test_metrics_agree_with_the_table_of_forecasts(result):
    table = result.forecasts
    error = (table["Drift"] - table["y"]).rename("error")
    for scores, key in ((result.by_step, "step"), (result.by_cutoff, "cutoff"), (result.by_series, "unique_id")):
        mine = scores[scores["model"] == "Drift"].set_index(key)
        np.testing.assert_allclose(mine["bias"], error.groupby(table[key]).mean().loc[mine.index])
        np.testing.assert_allclose(mine["mae"], error.abs().groupby(table[key]).mean().loc[mine.index])
        np.testing.assert_allclose(mine["rmse"], np.sqrt((error**2).groupby(table[key]).mean().loc[mine.index]))
    board = result.leaderboard.set_index("model")
    assert board.loc["Drift", "bias"] == pytest.approx(error.mean())
    low, high = table["Drift-lo-80"], table["Drift-hi-80"]
    assert board.loc["Drift", "width"] == pytest.approx(interval_score(table["y"], low, high, 80).mean())


def test_an_unobserved_value_is_left_out_by_the_metrics_of_tsrnn():
    table = monthly_table()
    table.loc[table.index[[55, 115]], "y"] = np.nan
    result = backtest("Naive", table, h=6, n_windows=1, metrics=mae)
    error = (result.forecasts["Naive"] - result.forecasts["y"]).abs()
    assert result.leaderboard["mae"].iloc[0] == pytest.approx(
        error.groupby(result.forecasts["unique_id"]).mean().mean()
    )
    assert np.isfinite(result.by_step["mae"]).all()


def test_a_builtin_without_a_signature_is_given_y_and_yhat():
    assert list(named_metrics([np.maximum])) == ["maximum"]
    with pytest.raises(ParameterError, match=r"Metric 'maximum' returned shape \(3, 4\) for 3 forecasts of 4 steps"):
        backtest("Naive", monthly_table(), h=4, n_windows=1, metrics=[np.maximum])


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"mase": mae}, "name 'mase' is taken"),
        ([mae, mae], "name 'mae' is taken"),
        ({"coverage_80": mae}, "name 'coverage_80' is taken"),
        ({"mae": 3}, "Metric 'mae' is a int; expected a function"),
        ("mae", r"Metric 'mae' is a str; expected a function .*, for example tsrnn\.metrics\.mae"),
        ([mae, "rmse"], "Metric 'rmse' is a str; expected a function"),
        (3, "Metric '3' is a int; expected a function"),
        ({"text": lambda y, yhat: "good"}, "Metric 'text' returned a str; expected 3 numbers"),
        ({"all": lambda y, yhat: 1.0}, r"returned shape \(\) for 3 forecasts"),
    ],
)
def test_impossible_metrics_are_refused_with_the_cure(metrics, message):
    with pytest.raises(ParameterError, match=message):
        backtest("Naive", monthly_table(), h=4, n_windows=1, metrics=metrics)


def test_what_a_metric_raises_is_passed_on():
    def broken(y, yhat):
        raise ZeroDivisionError("of the user")

    with pytest.raises(ZeroDivisionError, match="of the user"):
        backtest("Naive", monthly_table(), h=4, n_windows=1, metrics=broken)
