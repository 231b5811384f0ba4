import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn import ARIMA, ETS, AnomalyDetector, Forecaster, SeasonalNaive, backtest
from tsrnn.data.frequency import infer_frequency, parse_frequency
from tsrnn.data.stored import json_to_frequency
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, FrequencyError

WEEKS = [set(week) for n in range(2, 7) for week in itertools.combinations(range(7), n)]
SALES = np.array([10.0, 12.0, 13.0, 14.0, 20.0, 40.0])


def one_series(stamps):
    ds = pd.DatetimeIndex(stamps).as_unit("ns").to_numpy()
    return ds, np.array([0, len(ds)])


def open_days(first, last, week):
    days = pd.date_range(first, last)
    return days[days.day_of_week.isin(list(week))]


def shop(first="2022-01-03", last="2023-12-30", closed=()):
    """Return the sales of a shop that is closed on Sundays, and on some other days."""
    days = open_days(first, last, range(6)).difference(pd.DatetimeIndex(closed))
    noise = np.random.default_rng(0).normal(0, 0.5, len(days))
    return pd.Series(SALES[days.day_of_week] + noise, index=days, name="sales")


@pytest.mark.parametrize("week", WEEKS, ids=str)
def test_every_week_with_closed_days_is_found_and_gone_on_with(week):
    days = open_days("2023-01-01", "2023-12-31", week)
    ds, offsets = one_series(days[:-20])
    frequency = infer_frequency(ds, offsets)
    mask = "".join("1" if day in week else "0" for day in range(7))
    assert frequency.alias == ("B" if week == set(range(5)) else f"C-{mask}")
    assert parse_frequency(frequency.alias, ds, offsets) == frequency
    assert (frequency.default_season_length, frequency.default_horizon) == (len(week), 2 * len(week))
    np.testing.assert_array_equal(frequency.positions(ds, ds[0]), np.arange(len(ds)))
    np.testing.assert_array_equal(frequency.stamps(ds[-1], np.arange(1, 21)), one_series(days[-20:])[0])


def test_one_open_day_a_week_is_weekly():
    ds, offsets = one_series(open_days("2023-01-01", "2023-12-31", {5}))
    assert infer_frequency(ds, offsets).alias == "W-SAT"


HOLIDAYS = [
    *["2022-04-15", "2022-04-18", "2022-05-26", "2022-06-06", "2022-10-03", "2022-12-26", "2023-04-07", "2023-04-10"],
    *["2023-05-01", "2023-05-18", "2023-05-29", "2023-10-03", "2023-11-01", "2023-12-25", "2023-12-26"],
]


def test_holidays_of_open_days_are_missing_rows():
    panel = read_panel(shop(closed=HOLIDAYS))
    assert panel.notes == (
        "Frequency: open days, Monday to Saturday (C-1111110), inferred from the index.",
        "Season length: 6 (customary for this frequency).",
        "15 rows are missing between the first and the last of their series.",
    )


@pytest.mark.parametrize("model", [SeasonalNaive(), ETS()], ids=lambda model: type(model).__name__)
def test_a_holiday_does_not_move_the_weekdays(model):
    result = backtest([model], shop(closed=HOLIDAYS), h=6)
    assert result.leaderboard["rmse"].item() < 1


@settings(max_examples=60, deadline=None)
@given(
    week=st.sampled_from(WEEKS),
    holidays=st.sets(st.integers(1, 110), max_size=8),
    first=st.integers(-30, 100),
    steps=st.lists(st.integers(-300, 300), min_size=1),
)
def test_positions_undo_stamps_on_open_days(week, holidays, first, steps):
    ds, offsets = one_series(open_days("2021-03-01", "2022-12-31", week)[:120].delete(sorted(holidays)))
    frequency = infer_frequency(ds, offsets)
    start = frequency.stamps(ds[0], first)
    stamps = frequency.stamps(start, steps)
    np.testing.assert_array_equal(frequency.positions(stamps, start), steps)
    assert set(pd.DatetimeIndex(stamps).day_of_week) <= week


def test_a_week_is_closed_on_a_day_only_if_its_rows_are_hardly_missing_by_accident():
    assert infer_frequency(*one_series(shop("2024-01-01", "2024-01-20").index)).alias == "D"
    assert infer_frequency(*one_series(shop("2024-01-01", "2024-01-29").index)).alias == "C-1111110"
    # Of the other days half are missing, so that four Sundays may be, too.
    gappy = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-11", "2024-01-12", "2024-01-13"])
    gappy = gappy.union(gappy + pd.Timedelta(days=14))
    assert infer_frequency(*one_series(gappy)).alias == "D"
    # One Sunday is enough to count Sundays.
    days = shop().index.union([pd.Timestamp("2022-12-18")])
    assert infer_frequency(*one_series(days)).alias == "D"


@pytest.mark.parametrize("seed", range(20))
def test_a_daily_table_with_missing_days_stays_daily(seed):
    random = np.random.default_rng(seed)
    days = pd.date_range("2023-01-01", periods=int(random.integers(20, 200)))
    ds, offsets = one_series(days[random.random(len(days)) > 0.4 * random.random()])
    assert infer_frequency(ds, offsets).alias == "D"


def test_the_open_days_are_those_of_all_series_together():
    shops = {
        "a": shop(),
        "b": shop()[lambda y: y.index.day_of_week != 2],
        "c": shop()[lambda y: y.index.day_of_week > 0],
    }
    table = pd.concat(
        [pd.DataFrame({"unique_id": name, "ds": y.index, "y": y.to_numpy()}) for name, y in shops.items()]
    )
    panel = read_panel(table)
    assert panel.notes[:2] == (
        "Frequency: open days, Monday to Saturday (C-1111110), inferred from column 'ds'.",
        "Season length: 6 (customary for this frequency).",
    )
    assert panel.n_observed.tolist() == [len(y) for y in shops.values()]
    weekly = pd.concat(
        [pd.DataFrame({"unique_id": day, "ds": open_days("2023", "2024", {day}), "y": 1.0}) for day in range(6)]
    )
    assert read_panel(weekly).frequency.alias == "7D"


def test_hours_of_open_days_are_counted_in_hours():
    hours = pd.date_range("2023-01-02", "2023-06-30", freq="12h")
    ds, offsets = one_series(hours[hours.day_of_week != 6])
    assert infer_frequency(ds, offsets).alias == "12h"


@pytest.mark.parametrize(
    "model", [SeasonalNaive(), ETS(), ARIMA(), Forecaster(strategy="zero-shot")], ids=lambda model: type(model).__name__
)
def test_models_forecast_open_days_as_they_are(model):
    forecast = model.fit(shop()).predict(h=8)
    expected = pd.DatetimeIndex(["2024-01-01", *pd.date_range("2024-01-02", "2024-01-06"), "2024-01-08", "2024-01-09"])
    assert forecast.index.equals(expected.as_unit(forecast.index.unit))
    np.testing.assert_allclose(forecast, SALES[expected.day_of_week], atol=1.2)
    assert not any("too little history" in note for note in model.notes_)


def test_open_days_keep_their_zone():
    table = shop().tz_localize("America/New_York")
    forecast = SeasonalNaive().fit(table).predict(h=7)
    assert forecast.index.tz is table.index.tz
    assert forecast.index.day_of_week.tolist() == [0, 1, 2, 3, 4, 5, 0]
    assert (forecast.index == forecast.index.normalize()).all()


def test_a_backtest_of_open_days_keeps_to_the_weekdays():
    result = backtest([SeasonalNaive()], shop(), h=6, n_windows=4)
    assert result.leaderboard["rmse"].item() < 1.2


def test_a_loaded_model_goes_on_on_open_days(tmp_path):
    table = shop(closed=HOLIDAYS)
    model = Forecaster(strategy="zero-shot").fit(table)
    model.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    assert loaded.panel_.frequency == model.panel_.frequency
    pd.testing.assert_series_equal(loaded.predict(h=9), model.predict(h=9))


def test_a_detector_reads_a_stream_of_open_days(tmp_path):
    table = shop(last="2023-02-25")
    detector = AnomalyDetector().fit(table[:-30])
    detector.save(tmp_path / "detector")
    loaded = AnomalyDetector.load(tmp_path / "detector")
    for day, value in table[-30:-10].items():
        found = detector.update("sales", day, value)
        assert found == loaded.update("sales", day, value)
        assert np.isfinite(found.expected)
    with pytest.raises(FrequencyError, match="open days, Monday to Saturday"):
        detector.update("sales", "2023-02-19", 5.0)


@pytest.mark.parametrize("weekmask", ["0000000", "111111", "1111112", "Mon Tue"])
def test_a_written_week_must_have_seven_days_and_an_open_one(weekmask):
    with pytest.raises(DataError, match="seven digits, 1 for open days"):
        json_to_frequency({"kind": "B", "step": 1, "weekmask": weekmask})


def business_days(kind, seed=0):
    """Return values of two years of business days, less holidays: sales that differ by weekday, or a random walk."""
    days = open_days("2022-01-03", "2023-12-29", range(5)).difference(pd.DatetimeIndex(HOLIDAYS))
    noise = np.random.default_rng(seed).normal(0, 0.5, len(days))
    return pd.Series(SALES[days.day_of_week] + noise if kind == "sales" else 50 + noise.cumsum(), index=days, name="y")


def test_holidays_of_business_days_are_missing_rows_where_weekdays_repeat_and_stepped_over_in_prices():
    sales, price = business_days("sales"), business_days("price")
    assert read_panel(sales).frequency.describe() == "business days"
    assert "15 rows are missing between the first and the last of their series." in read_panel(sales).notes
    assert (
        read_panel(price).frequency.describe()
        == "business days; 15 past holidays are stepped over, later ones are not known"
    )
    answer = SeasonalNaive().fit(sales).predict(10)
    np.testing.assert_allclose(answer, SALES[answer.index.day_of_week], atol=2)
    assert read_panel(sales.set_axis(sales.index.to_period("D"))).frequency.describe() == "business days"


@pytest.mark.parametrize("form", ["wide", "long"])
@pytest.mark.parametrize("kinds", [["sales", "sales", "price"], ["sales", "price", "price"]])
def test_most_series_of_a_table_say_what_its_holidays_are(form, kinds):
    table = pd.DataFrame({f"{kind} {i}": business_days(kind, i) for i, kind in enumerate(kinds)})
    if form == "long":
        table = table.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
    stepped = read_panel(table).frequency.describe() != "business days"
    assert stepped == (kinds.count("price") > 1)


def test_constant_values_and_missing_ones_say_nothing_of_weekdays():
    price = business_days("price")
    assert "stepped over" in read_panel(price * 0).frequency.describe()
    price.iloc[::2] = np.nan
    assert "stepped over" in read_panel(price).frequency.describe()
    sales = business_days("sales")
    sales.iloc[::7] = np.nan
    assert read_panel(sales).frequency.describe() == "business days"
