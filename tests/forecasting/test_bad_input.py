"""The default forecaster over what users bring: anything that is a table gets a finite forecast."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import monthly_table
from tsrnn import Forecaster, backtest
from tsrnn.errors import DataError, ShortSeriesError
from tsrnn.forecasting.registry import named_models


def series(y, freq="MS"):
    return pd.Series(np.asarray(y, float), pd.date_range("2015-01-01", periods=len(y), freq=freq), name="y")


def zero_shot(y, h=18, **options):
    """Forecast with the base model at once; the default does the same with one short series."""
    return Forecaster(strategy="zero-shot", **options).fit(y).predict(h, level=[80, 95]).filter(like="yhat").to_numpy()


RNG = np.random.default_rng(0)
INPUTS = {
    "a constant": np.full(60, 5.0),
    "a negative constant": np.full(60, -3e7),
    "zeros": np.zeros(60),
    "two points": [1.0, 2.0],
    "three points": [1.0, 2.0, 4.0],
    "three equal points": [2.0, 2.0, 2.0],
    "counts": RNG.poisson(0.8, 90),
    "mostly zeros": (RNG.random(90) < 0.1) * 7.0,
    "one value in zeros": np.eye(1, 70, 69)[0],
    "negative values": RNG.normal(-100, 5, 60),
    "both signs": RNG.normal(0, 5, 60),
    "a jump": np.repeat([1.0, 1e9], 30),
    "an outlier": np.r_[RNG.normal(10, 1, 50), 1e15, RNG.normal(10, 1, 9)],
    "huge values": RNG.uniform(1, 2, 60) * 1e300,
    "tiny values": RNG.uniform(1, 2, 60) * 1e-300,
    "growth": np.exp(np.arange(60) * 0.5),
    "decay": np.exp(-np.arange(60) * 0.5),
    "whole numbers beyond 2^53": 2.0**60 + RNG.integers(0, 9, 40) * 1e4,
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("freq", ["MS", "YS", "h", "B"])
def test_whatever_the_values_the_forecast_is_finite_and_its_quantiles_are_in_order(name, freq):
    y = series(INPUTS[name], freq)
    given_freq = freq if len(y) < 3 else None
    model = Forecaster(freq=given_freq).fit(y)
    answer = model.predict(30, level=[80, 95])
    values = answer[["yhat-lo-95", "yhat-lo-80", "yhat", "yhat-hi-80", "yhat-hi-95"]].to_numpy()
    assert values.shape == (30, 5)
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=1) >= 0).all()
    assert model.strategy_ == "zero-shot"


@pytest.mark.parametrize("scaling", ["seasonal", "spread", "standard", "mean"])
@pytest.mark.parametrize("factor", [-1e301, 1e-300])
def test_values_of_any_size_that_is_taken_are_forecast_by_a_network_of_their_own(scaling, factor):
    model = Forecaster(scaling=scaling, max_steps=2, hidden_size=4).fit(series(RNG.uniform(0.5, 0.99, 60) * factor))
    values = model.predict(30, level=80)[["yhat-lo-80", "yhat", "yhat-hi-80"]].to_numpy()
    assert np.isfinite(values).all()
    assert np.median(values) == pytest.approx(0.75 * factor, rel=0.3)


@pytest.mark.parametrize("model", ["tsrnn", "ETS", "Theta", "Naive"])
def test_values_beyond_what_can_be_computed_with_are_refused(model):
    y = series(np.r_[RNG.uniform(1, 2, 50), 1.2e308])
    with pytest.raises(DataError, match=r"1 value is too large to compute with, in 1 of 1 series: y"):
        named_models(model)[model].fit(y)
    fitted = named_models(model)[model].fit(y.iloc[:-1])
    expected = fitted.predict(3)
    with pytest.raises(DataError, match="too large to compute with"):
        fitted.update(y.iloc[-1:])
    pd.testing.assert_series_equal(fitted.predict(3), expected)


@pytest.mark.parametrize("value", [0.0, 5.0, -2.5, 1e-9])
def test_a_constant_series_is_continued_without_any_spread(value):
    values = zero_shot(series(np.full(60, value)), 60)
    np.testing.assert_allclose(values, value, rtol=1e-9, atol=0)


@pytest.mark.parametrize("value", [7.0, -7.0, 0.0])
def test_a_single_point_is_repeated(value):
    values = zero_shot(series([value]), 30, freq="MS")
    np.testing.assert_allclose(values, value, rtol=1e-9)


def test_a_single_point_without_a_frequency_is_given_the_cure():
    with pytest.raises(ValueError, match=r"Pass it, for example freq='D'"):
        Forecaster().fit(series([1.0]))


@pytest.mark.parametrize("rows", [1, 2, 3, 9, 23])
def test_a_short_series_is_forecast_with_a_note(rows):
    model = Forecaster(freq="MS").fit(monthly_table(n_series=1, n_rows=rows))
    assert np.isfinite(model.predict(12)["yhat"]).all()
    assert any("less history than two seasons (24 observed rows): series 0." in note for note in model.notes_)


def test_a_backtest_of_a_short_series_is_refused():
    with pytest.raises(ShortSeriesError, match="rows"):
        backtest("tsrnn", monthly_table(n_series=1, n_rows=3))


@settings(deadline=None, max_examples=40)
@given(
    power=st.integers(-12, 12),
    factor=st.floats(1, 9.99),
    kind=st.sampled_from(["season", "walk", "counts", "positive"]),
    rows=st.integers(3, 130),
    seed=st.integers(0, 10**6),
)
def test_multiplying_a_series_multiplies_its_forecast(power, factor, kind, rows, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(rows)
    y = {
        "season": 10 + 3 * np.sin(2 * np.pi * t / 12) + rng.normal(0, 1, rows),
        "walk": rng.normal(size=rows).cumsum(),
        "counts": rng.poisson(3, rows).astype(float),
        "positive": np.exp(rng.normal(size=rows).cumsum() * 0.1),
    }[kind]
    unit = factor * 10.0**power
    plain, scaled = zero_shot(series(y)), zero_shot(series(y * unit))
    # Where a forecast is near 0, to 1e-5 of the size of the series.
    np.testing.assert_allclose(scaled / unit, plain, rtol=1e-5, atol=1e-5 * np.abs(y).max())


@settings(deadline=None, max_examples=15)
@given(
    power=st.floats(-6, 6),
    kind=st.sampled_from(["positive", "counts", "zeros beside others"]),
    options=st.sampled_from([{"strategy": "zero-shot"}, {"max_steps": 3, "hidden_size": 4}]),
    seed=st.integers(0, 10**6),
)
def test_a_forecast_by_logarithms_does_not_depend_on_the_unit_of_the_data(power, kind, options, seed):
    rng = np.random.default_rng(seed)
    positive = np.exp(rng.normal(size=60).cumsum() * 0.2)
    second = {"positive": 50 * positive[::-1], "counts": rng.poisson(1, 60), "zeros beside others": np.zeros(60)}[kind]
    table = pd.DataFrame({"a": positive, "b": second}, pd.date_range("2015", periods=60, freq="MS"))
    unit = 10.0**power
    plain, scaled = (
        Forecaster(transform="log", horizon=6, **options).fit(table * u).predict(9, level=80)[["yhat", "yhat-hi-80"]]
        for u in (1.0, unit)
    )
    np.testing.assert_allclose(scaled / unit, plain, rtol=1e-5, atol=1e-5)


def test_series_of_very_different_lengths_are_forecast_as_each_would_be_alone():
    lengths = [1, 2, 3, 5, 11, 12, 13, 24, 25, 40, 99, 150, 301, 900]
    rng = np.random.default_rng(1)
    alone, frames = {}, []
    for rows in lengths:
        t = np.arange(rows)
        y = series(50 * rows + 5 * np.sin(2 * np.pi * t / 12) + rng.normal(size=rows))
        # An interval is calibrated on all series of a table, a median is not.
        alone[rows] = Forecaster(strategy="zero-shot", freq="MS").fit(y).predict(20).to_numpy()
        frames.append(pd.DataFrame({"unique_id": rows, "ds": y.index, "y": y.to_numpy()}))
    together = Forecaster(strategy="zero-shot").fit(pd.concat(frames)).predict(20).set_index("unique_id")["yhat"]
    for rows in lengths:
        np.testing.assert_allclose(together.loc[rows], alone[rows], rtol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_gaps_are_taken_for_what_they_are(share):
    table = monthly_table(n_series=4, n_rows=90)
    known = table.copy()
    table.loc[np.random.default_rng(2).random(len(table)) < share, "y"] = np.nan
    model = Forecaster().fit(table)
    answer = model.predict(12, level=80)
    assert np.isfinite(answer.filter(like="yhat")).all(axis=None)
    level = known.groupby("unique_id")["y"].mean().to_numpy()
    found = answer.groupby("unique_id")["yhat"].mean().to_numpy()
    np.testing.assert_allclose(found, level, rtol=0.5)


def test_missing_rows_are_gaps():
    table = monthly_table(n_series=2, n_rows=80)
    dropped = np.random.default_rng(3).random(len(table)) < 0.3
    dropped[[0, 79, 80, 159]] = False
    empty = table.assign(y=table["y"].where(~dropped))
    first, second = (Forecaster(strategy="zero-shot").fit(t).predict(12) for t in (table[~dropped], empty))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@pytest.mark.parametrize("end", [1, 7, 12, 40])
def test_a_gap_at_the_end_is_bridged(end):
    y = series(100 + 10 * np.sin(2 * np.pi * np.arange(120) / 12))
    y.iloc[-end:] = np.nan
    answer = Forecaster().fit(y).predict(12)
    assert np.isfinite(answer).all()
    assert answer.between(70, 130).all()


def test_a_series_without_any_value_is_nan_and_does_not_disturb_the_others():
    table = monthly_table(n_series=3)
    table.loc[table["unique_id"] == "series 1", "y"] = np.nan
    with pytest.warns(UserWarning, match="1 of 3 series has no values and no answer but NaN: series 1") as caught:
        model = Forecaster().fit(table)
    assert caught[0].filename == __file__  # not a line of tsrnn's
    assert model.notes_ == []
    answer = model.predict(6).set_index("unique_id")["yhat"]
    assert answer.loc["series 1"].isna().all()
    assert answer.drop("series 1").notna().all()
    alone = Forecaster().fit(table[table["unique_id"] != "series 1"]).predict(6).set_index("unique_id")["yhat"]
    np.testing.assert_allclose(answer.drop("series 1"), alone, rtol=1e-6)


def test_nothing_after_a_cutoff_moves_the_default_forecast():
    table = monthly_table(n_series=2)
    model = Forecaster().fit(table[table["ds"] < "2018-01-01"])
    before = table[table["ds"] < "2019-01-01"]
    expected = model.predict(12, df=before)
    changed = table.assign(y=table["y"].where(table["ds"] < "2019-01-01", 1e9))
    found = model.predict(12, df=changed[changed["ds"] < "2019-01-01"])
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize("values", [[37.0], [37.0, 37.0]])
def test_short_series_of_one_value_are_told_to_have_intervals_without_width(values):
    table = pd.concat(
        [
            monthly_table(n_series=2),
            pd.DataFrame(
                {"unique_id": "new", "ds": pd.date_range("2019-11-01", periods=len(values), freq="MS"), "y": values}
            ),
        ]
    )
    model = Forecaster(strategy="zero-shot").fit(table)
    (note,) = [note for note in model.notes_ if "one value alone" in note]
    assert note.startswith("1 of these holds one value alone: new. ")
    answer = model.predict(3, level=80).query("unique_id == 'new'")
    assert (answer[["yhat", "yhat-lo-80", "yhat-hi-80"]] == 37).all(axis=None)
    constant = Forecaster(strategy="zero-shot").fit(series(np.full(60, 5.0)))
    assert not any("one value alone" in note for note in constant.notes_)


def test_a_table_of_opening_hours_is_forecast_by_the_hour():
    stamps = pd.date_range("2023-01-02", "2023-01-22 23:00", freq="h")
    stamps = stamps[(stamps.hour >= 8) & (stamps.hour <= 17)]
    truth = 100.0 + 10 * (stamps.hour - 8)
    y = pd.Series(truth + np.random.default_rng(0).normal(0, 1, len(stamps)), stamps)
    answer = Forecaster(strategy="zero-shot").fit(y).predict(34)
    tomorrow = answer[(answer.index.hour >= 8) & (answer.index.hour <= 17)]
    assert len(tomorrow) == 10
    # The hours of a day differ by 90, and by 25 from their mean.
    assert np.abs(tomorrow - (100 + 10 * (tomorrow.index.hour - 8))).mean() < 8
