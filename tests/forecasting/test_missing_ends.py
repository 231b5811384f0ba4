"""Series whose last values are missing are forecast from the last one that is there."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import ARIMA, ETS, Forecaster, Theta
from tsrnn.errors import DataError
from tsrnn.evaluation.backtest import backtest
from tsrnn.forecasting.foreign import ForeignModel
from tsrnn.forecasting.network_forecast import most_missing

H, MISSING = 6, 4


def waves(count=60, freq="MS"):
    t = np.arange(count)
    y = 50 + t / 3 + 10 * np.sin(2 * np.pi * t / 12) + np.random.default_rng(0).normal(0, 1, count)
    return pd.Series(y, pd.date_range("2015-01-01", periods=count, freq=freq), name="y")


def late(y, count=MISSING):
    y = y.copy()
    y.iloc[-count:] = np.nan
    return y


def line(train, h):
    step = (train.iloc[-1] - train.iloc[0]) / (len(train) - 1)
    return train.iloc[-1] + step * np.arange(1, h + 1)


MODELS = {
    "zero-shot": lambda: Forecaster(strategy="zero-shot"),
    "trained": lambda: Forecaster(max_steps=30, horizon=12),
    "ETS": ETS,
    "Theta": Theta,
    "ARIMA": ARIMA,
    "foreign": lambda: ForeignModel(line),
}


@pytest.mark.parametrize("name", MODELS)
def test_missing_values_at_the_end_change_no_forecast(name):
    """A trained network is told apart: its windows are those of both tables."""
    whole, y = waves(), late(waves())
    model = MODELS[name]().fit(y)
    answer = model.predict(H)
    assert answer.index[0] == whole.index[-1] + pd.DateOffset(months=1)
    trimmed = y.dropna()
    expected = (model if name == "trained" else MODELS[name]().fit(trimmed)).predict(H + MISSING, df=trimmed)
    np.testing.assert_allclose(answer, expected.iloc[MISSING:], rtol=1e-3 if name == "ARIMA" else 1e-9)


@pytest.mark.parametrize("name", ["zero-shot", "ETS", "Theta"])
def test_a_series_that_ends_early_in_a_wide_table_is_forecast_as_it_goes_on(name):
    y = waves(84)
    table = pd.DataFrame({"a": y, "b": late(y, 15)})
    model = MODELS[name]().fit(table)
    answer = model.predict(12)
    assert np.abs(answer["b"] - answer["a"]).mean() < 5
    (note,) = [note for note in model.notes_ if "without values" in note]
    assert note.startswith("1 of 2 series ends without values")
    assert "b" in note
    assert not any("without values" in note for note in MODELS[name]().fit(table[["a"]]).notes_)


def test_the_horizon_asked_for_does_not_decide_from_where_the_base_forecasts():
    y = late(waves(), 8)
    first, second = (Forecaster(strategy="zero-shot", horizon=horizon).fit(y).predict(6) for horizon in (1, 24))
    pd.testing.assert_series_equal(first, second)


@pytest.mark.parametrize("name", ["ETS", "Theta", "foreign"])
def test_models_of_one_series_repeat_the_last_value_through_many_missing_rows(name):
    y = waves(240)
    table = pd.DataFrame({"a": y, "b": late(y, 97)})
    model = MODELS[name]().fit(table)
    asked = model.predict(3)
    assert np.isfinite(asked).all(axis=None)
    filled = table.ffill()
    expected = MODELS[name]().fit(table).predict(3, df=filled)
    np.testing.assert_allclose(asked["b"], expected["b"])
    if name != "foreign":
        assert any("for more than 96 rows, through which the last one is repeated" in note for note in model.notes_)


def test_a_foreign_model_is_told_to_be_asked_for_more():
    model = ForeignModel(line).fit(late(waves()))
    model.predict(3)
    (note,) = model.notes_
    assert note.startswith("1 series has no value in the rows before a cutoff")
    fixed = ForeignModel(lambda train, h: [1.0] * 3).fit(late(waves()))
    with pytest.raises(DataError, match=r"expected 7 numbers\. The first 4 are for rows without values"):
        fixed.predict(3)


def test_the_intervals_are_those_of_the_steps_that_they_are_ahead():
    y = waves()
    narrow, wide = (
        Forecaster(strategy="zero-shot").fit(part).predict(3, level=80).eval("`yhat-hi-80` - `yhat-lo-80`").mean()
        for part in (y, late(y, 9))
    )
    assert wide > 1.05 * narrow


def test_values_that_ended_long_ago_are_read_where_they_stand():
    """A forecast from there would take hundreds of blocks of sample paths."""
    y = waves(400)
    model = Forecaster(strategy="zero-shot").fit(y)
    most = most_missing(model.networks_)
    long_ago = late(y, most + 1)
    answer = model.predict(3, df=long_ago)
    assert np.isfinite(answer).all()
    trimmed = long_ago.dropna()
    assert not np.allclose(answer, model.predict(most + 4, df=trimmed).iloc[-3:])
    (note,) = [note for note in Forecaster(strategy="zero-shot").fit(long_ago).notes_ if "without values" in note]
    assert f"Beyond {most} rows these are read as what is missing" in note
    again = model.predict(3, df=late(y, most))
    np.testing.assert_allclose(again, model.predict(most + 3, df=late(y, most).dropna()).iloc[-3:])


@pytest.mark.parametrize("name", ["zero-shot", "ETS", "foreign"])
def test_cutoffs_of_a_backtest_differ_in_what_is_missing_before_them(name):
    y = waves()
    y.iloc[[-14, -13, -10]] = np.nan
    table = backtest([MODELS[name]()], y, h=3, n_windows=8, step_size=1).forecasts
    assert len(table)
    assert np.isfinite(table.filter(like="yhat").to_numpy()).all()
