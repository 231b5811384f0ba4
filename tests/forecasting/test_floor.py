import numpy as np
import pandas as pd
import pytest

from tsrnn import Forecaster, backtest
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.forecasting.floor import kept_above_zero


def series(values, name="y"):
    return pd.Series(values, pd.date_range("2022-01-01", periods=len(values), freq="D"), name=name)


def counts(mean, n=120, seed=0):
    return np.random.default_rng(seed).poisson(mean, n).astype(float)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 0, 2, 0, 0], True),
        ([0, 1, 0, 2, 1, 0], False),  # one may be chance
        ([0, 1, 0, 2, 0, 0, -1], False),
        ([0, np.nan, 0, np.nan, 0, np.nan, 0], True),
        ([0, 0, 0, 0, 0, *range(1, 60)], False),  # zeros before it began
        ([*([0, *range(1, 20)] * 4)], True),
        ([*([0, *range(1, 25)] * 4)], False),  # less than one in twenty
        ([-0.0, 0.0, 0.0, 0.0], True),
        ([*([100, 90, 110, 95] * 9), 0, 0, 0], True),  # closed
        ([*([100, 90, 110, 95] * 9), 0, np.nan, 0, 0], False),
        ([*([100, 90, 110, 95] * 9), 0, 0], False),  # may be two missing values
        ([*([100, 90, 110, 30] * 9), 0, 0, 0], False),  # no lower than it may fall in a step
        ([*range(40, 0, -1), 0, 0, 0], False),  # on its way through zero
        ([-1, *([100, 90, 110, 95] * 9), 0, 0, 0], False),
        ([100, 90, 110, 95, 0, 0, 0], False),
        ([], False),
    ],
)
def test_zeros_that_are_no_chance_are_a_floor(values, expected):
    table = pd.DataFrame({"unique_id": "other", "ds": pd.date_range("2022", periods=4), "y": [-1.0, 0, 0, 0]})
    mine = series(values).rename_axis("ds").reset_index().assign(unique_id="mine")
    panel = read_panel(pd.concat([table, mine], ignore_index=True) if values else table, freq="D")
    if not values:
        panel_ends = Cutoffs(np.array([0]), np.array([0]))
        assert not kept_above_zero(panel, panel_ends)[0]
        return
    at = Cutoffs(np.array([0, 1]), panel.lengths)
    assert kept_above_zero(panel, at).tolist() == [False, expected]


@pytest.mark.parametrize("transform", [None, "log"])
def test_sales_are_not_forecast_below_zero(transform):
    y = series(counts(0.4))
    answer = Forecaster(strategy="zero-shot", transform=transform).fit(y).predict(h=14, level=[80, 95])
    quantiles = answer[["yhat-lo-95", "yhat-lo-80", "yhat", "yhat-hi-80", "yhat-hi-95"]].to_numpy()
    assert quantiles.min() == 0
    assert (np.diff(quantiles) >= 0).all()


def test_a_series_that_has_been_below_zero_may_be_forecast_there():
    y = series(counts(0.4) - np.eye(1, 120, 3)[0] * 9)
    assert Forecaster(strategy="zero-shot").fit(y).predict(h=14, level=95)["yhat-lo-95"].min() < 0


def test_a_backtest_knows_only_what_was_before_each_cutoff():
    values = counts(0.4, 200)
    values[150] = -1.0
    result = backtest({"base": Forecaster(strategy="zero-shot")}, series(values), h=14, n_windows=6)
    lower = result.forecasts.groupby("cutoff")["base-lo-95"].min()
    fell = pd.Timestamp("2022-01-01") + pd.Timedelta(days=150)
    assert (lower[lower.index < fell] == 0).all()
    assert (lower[lower.index >= fell] < 0).all()
    assert (lower.index < fell).any()
    assert (lower.index >= fell).any()


def test_a_series_that_has_closed_is_not_forecast_below_zero():
    y = np.append(np.random.default_rng(0).normal(100, 5, 60), np.zeros(12))
    months = pd.Series(y, pd.date_range("2018-01-01", periods=72, freq="MS"), name="y")
    assert Forecaster(strategy="zero-shot").fit(months).predict(h=12, level=95).iloc[:, 2:].to_numpy().min() == 0


def test_a_closed_series_whose_last_rows_are_missing_has_closed():
    y = np.append(100 + 5 * np.sin(np.arange(60)), np.zeros(8))
    y[-1] = np.nan
    days = pd.Series(y, pd.date_range("2020-01-01", periods=68, freq="D"), name="y")
    assert Forecaster(strategy="zero-shot").fit(days).predict(h=10, quantiles=[0.05]).iloc[:, 2:].to_numpy().min() == 0
