"""A result says how to repeat it."""

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tests.conftest import monthly_table
from tsrnn import ARIMA, Ensemble, backtest
from tsrnn.data.spans import gaps_of
from tsrnn.data.tables import read_panel


def last_value(train, h):
    return np.full(h, train.iloc[-1])


def test_the_call_in_the_configuration_gives_the_same_forecasts():
    table = monthly_table(n_series=2)
    models = {"one": ARIMA((1, 0, 0)), 'a "quoted" one': "Drift", "both": Ensemble(["Theta", "Naive"])}
    result = backtest(models, table, h=3, refit=2, gap=1, train_size=40, level=(80, 97.5), n_jobs=1)
    names = {"df": table}
    exec(result.config["call"].replace("\nbacktest(", "\nagain = backtest("), names)
    pd.testing.assert_frame_equal(names["again"].forecasts, result.forecasts, check_exact=True)
    assert names["again"].config["call"] == result.config["call"]


def test_a_function_of_the_users_is_named_in_a_comment():
    call = backtest(["Drift", last_value], monthly_table(n_series=1), h=2, n_windows=2).config["call"]
    assert call.startswith(
        "from tsrnn import Drift, ForeignModel, backtest\n\nbacktest(\n    {\n        'Drift': Drift(),\n"
    )
    assert "'last_value': ...,  # ForeignModel(" in call
    assert "0x" not in call
    compile(call, "call", "exec")


def test_the_configuration_holds_versions_levels_metrics_and_a_fingerprint_of_the_data():
    table = monthly_table(n_series=2)
    options = {"h": 2, "n_windows": 2, "level": 90}
    config = backtest("Naive", table, metrics={"bias": lambda y, f: (f - y).mean(1)}, **options).config
    assert config["versions"]["tsrnn"] == tsrnn.__version__
    assert config["versions"]["numpy"] == np.__version__
    assert (config["level"], config["metrics"]) == ([90.0], ["bias"])
    assert config["kinds"] == {"Naive": "Naive"}
    assert config["forecasts"] == 4
    same = backtest("Drift", table.sample(frac=1, random_state=0), **options).config
    other = backtest("Naive", table.assign(y=table["y"] + 1e-9), **options).config
    assert same["data"]["fingerprint"] == config["data"]["fingerprint"] != other["data"]["fingerprint"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"a": [1.0, 2, 3, 4]}, (0, 0, 0, 0)),
        ({"a": [1.0, np.nan, np.nan, 4]}, (2, 1, 2, 1)),
        ({"a": [1.0, np.nan, 3, np.nan], "b": [1.0, 2, np.nan, 4]}, (3, 3, 1, 2)),
        # A gap at the end of one series does not go on in the next one, whose leading rows do not count.
        ({"a": [1.0, 2, np.nan, np.nan], "b": [np.nan, 2, 3, np.nan]}, (3, 2, 2, 2)),
    ],
)
def test_gaps_are_counted_by_hand(columns, expected):
    panel = read_panel(pd.DataFrame(columns, pd.date_range("2020-01-01", periods=4)))
    counted = gaps_of(panel)
    assert tuple(counted[key] for key in ("missing", "gaps", "longest", "series")) == expected


def test_lengths_and_gaps_are_told_of_the_data():
    table = monthly_table(n_series=3).drop(index=[5, 6])
    table = table[(table["unique_id"] != "series 2") | (table["ds"] >= "2016-01-01")]
    data = backtest("Naive", table, h=2, n_windows=2).config["data"]
    assert data["lengths"] == [48, 60, 60]
    assert data["gaps"] == {"missing": 2, "gaps": 1, "longest": 2, "series": 1}
