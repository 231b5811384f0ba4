import datetime

import numpy as np
import pandas as pd
import pytest

from tests.anomaly.conftest import hourly
from tests.anomaly.test_detector import long_table, office
from tsrnn import ETS, AnomalyDetector, Forecaster, Theta
from tsrnn.errors import DataError, FrequencyError, ParameterError

NUMBERS = ["y", "expected", "lower", "upper", "score", "p_value"]


@pytest.fixture(scope="module")
def forecaster():
    return Forecaster(strategy="zero-shot").fit(hourly())


@pytest.fixture
def detector(forecaster):
    return AnomalyDetector(forecaster).fit(hourly(400))


def disturbed(seed=0):
    """A spike, a level that persists, a gap of values and a gap of rows."""
    y = hourly(700, seed=seed)
    y.iloc[430] += 20
    y.iloc[480:] += 12
    y.iloc[450:453] = np.nan
    return y.drop(y.index[600:604])


def streamed(detector, y):
    """Update a detector row by row; return what it said as a table."""
    return pd.DataFrame([detector.update("y", ds, value) for ds, value in y.items()])


def assert_same(stream, batch):
    merged = batch.merge(stream, on=["unique_id", "ds"], suffixes=("", "_stream"))
    assert len(merged) == len(stream)
    for name in NUMBERS:
        np.testing.assert_allclose(merged[name + "_stream"].astype(float), merged[name], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(merged["is_anomaly_stream"], merged["is_anomaly"])


@pytest.mark.parametrize("patience", [7, 30])
def test_a_stream_accepts_a_level_at_the_same_row_as_a_table(forecaster, patience):
    y = hourly(520)
    y.iloc[430:] += 15
    detector = AnomalyDetector(forecaster, patience=patience).fit(y.iloc[:400])
    batch = detector.detect(y.iloc[400:])
    assert_same(streamed(detector, y.iloc[400:]), batch)
    assert batch["is_anomaly"].iloc[30 : 30 + patience].all()
    assert abs(batch["expected"].iloc[45 + patience] - batch["y"].iloc[45 + patience]) < 6


def test_a_stream_says_the_same_as_a_table(forecaster):
    y = disturbed()
    detector = AnomalyDetector(forecaster, patience=60).fit(y.iloc[:400])
    batch = detector.detect(y.iloc[400:])
    assert batch["is_anomaly"].sum() > 20
    assert_same(streamed(detector, y.iloc[400:]), batch)


@pytest.mark.parametrize("model", [ETS(), Theta()])
def test_a_model_of_one_series_knows_the_phase_of_the_season_beyond_its_window(model):
    y = hourly(900, day=10.0, noise=0.5)
    assert AnomalyDetector(model).fit(y).detect()["is_anomaly"].mean() < 0.03
    # The rows that are left out do not shift the season of a stream either.
    y = y.drop(y.index[610:617])
    detector = AnomalyDetector(model).fit(y.iloc[:500])
    batch = detector.detect(y.iloc[500:])
    assert batch["is_anomaly"].mean() < 0.03
    assert_same(streamed(detector, y.iloc[500:]), batch)


def test_many_series_at_once_say_the_same_as_a_table_and_as_each_alone(forecaster):
    table = long_table(a=disturbed(1), b=disturbed(2), c=hourly(650, seed=3, start="2024-01-02"))
    past, later = table[table["ds"] < "2024-01-18"], table[table["ds"] >= "2024-01-18"]
    detector = AnomalyDetector(forecaster).fit(past)
    batch = detector.detect(later)
    one = AnomalyDetector(forecaster).fit(past)
    parts = [detector.update_many(part) for _, part in later.groupby(later["ds"].dt.floor("5h"))]
    assert_same(pd.concat(parts), batch)
    rows = [one.update(row.unique_id, row.ds, row.y) for row in later[later["unique_id"] == "b"].itertuples()]
    assert_same(pd.DataFrame(rows), batch)


def test_channels_in_a_stream_say_the_same_as_in_a_table(forecaster):
    wide = pd.DataFrame({"a": hourly(600, seed=1), "b": hourly(600, seed=2)})
    wide.loc[wide.index[450], "b"] += 15
    wide.iloc[500:503, 0] = np.nan
    detector = AnomalyDetector(forecaster, channels=True).fit(wide.iloc[:400])
    batch = detector.detect(wide.iloc[400:])
    assert batch["is_anomaly"].any()
    rows = [detector.update_together(ds, dict(row)) for ds, row in wide.iloc[400:500].iterrows()]
    stream = pd.DataFrame([row for part in rows for row in part])
    assert_same(stream, batch)
    np.testing.assert_allclose(stream.groupby("ds")["share"].sum(), 1)
    assert_same(detector.update_many(wide.iloc[500:]), batch)


def test_what_an_update_costs_does_not_grow_with_what_was_read(detector):
    def size(detector):
        arrays = [*detector.watch_.tracker.state.stored().values()]
        arrays += detector.watch_.tracker.past_scores.stored().values()
        return sum(part.nbytes for part in arrays)

    before = size(detector)
    detector.update_many(hourly(1500, start="2024-01-17 16:00"))
    assert size(detector) == before
    assert len(detector.watch_.like.y) == 0


def test_detect_goes_on_from_where_the_stream_is(forecaster):
    y = hourly(600)
    detector = AnomalyDetector(forecaster).fit(y.iloc[:400])
    batch = detector.detect(y.iloc[400:])
    detector.update_many(y.iloc[400:500])
    assert_same(detector.detect(y.iloc[500:]), batch)


def test_a_series_never_seen_before_is_taken_up_and_then_judged(detector):
    other = hourly(200, seed=8, start="2024-03-01")
    other.iloc[190] += 20
    found = [detector.update("new", ds, value) for ds, value in other.items()]
    assert not any(row.is_anomaly for row in found[:24])
    assert found[190].is_anomaly
    assert detector.update("y", "2024-01-17 16:00", 20.0).p_value > 0


@pytest.mark.parametrize("kind", [int, np.int8, np.uint64, np.float16, np.float32])
def test_a_value_may_be_any_number(detector, kind):
    assert detector.update("y", "2024-01-17 16:00", kind(20)).y == 20


@pytest.mark.parametrize("name", [None, np.nan, pd.NA, pd.NaT])
def test_a_row_without_a_name_is_refused(detector, name):
    with pytest.raises(DataError, match="has no name"):
        detector.update(name, "2024-01-17 16:00", 20.0)
    assert detector.watch_.like.n_series == 1


def test_missing_values_and_rows_are_no_alarm(detector):
    for value in (None, np.nan, pd.NA):
        ds = pd.Timestamp(detector.watch_.next[0])
        row = detector.update("y", ds, value)
        assert not row.is_anomaly
        assert np.isnan(row.y)
        assert np.isfinite(row.expected)
    later = detector.update("y", ds + pd.Timedelta(hours=30), 20.0)
    assert np.isfinite(later.p_value)


def test_after_a_gap_of_more_than_a_window_a_series_starts_again(detector):
    row = detector.update("y", "2025-01-01", 20.0)
    assert np.isnan(row.expected)
    assert not row.is_anomaly


@pytest.mark.parametrize(
    ("time", "value", "error", "message"),
    [
        ("2024-01-17 14:00", 1.0, DataError, "lies before what was read; the last one was 2024-01-17 15:00:00"),
        ("2024-01-17 15:00", 1.0, DataError, "is there already"),
        ("2024-01-17 16:30", 1.0, FrequencyError, "does not lie on the grid"),
        ("yesterday evening", 1.0, DataError, "'yesterday evening' cannot be read"),
        ("9999-12-31 00:00", 1.0, DataError, "'9999-12-31 00:00' cannot be read"),
        (None, 1.0, DataError, "None cannot be read"),
        (pd.NaT, 1.0, DataError, "missing|cannot be read"),
        (5, 1.0, DataError, "5 cannot be read"),
        ("2024-01-17 16:00+02:00", 1.0, DataError, "has a time zone, but the fitted rows have none"),
        ("2024-01-17 16:00", "12", DataError, "'12' is no number"),
        ("2024-01-17 16:00", True, DataError, "True is no number"),
        ("2024-01-17 16:00", float("inf"), DataError, "inf is infinite"),
        ("2024-01-17 16:00", 10**400, DataError, "is too large to compute with"),
        ("2024-01-17 16:00", -1e305, DataError, r"-1e\+305 is too large to compute with. Expected at most 1e\+301"),
    ],
)
def test_a_wrong_row_is_refused_and_the_stream_goes_on_as_if_it_had_not_come(detector, time, value, error, message):
    expected = detector.detect(hourly(402).iloc[400:])
    with pytest.raises(error, match=message):
        detector.update("y", time, value)
    assert_same(streamed(detector, hourly(402).iloc[400:]), expected)


def test_a_wrong_row_of_a_table_leaves_all_series_as_they_were(forecaster):
    table = long_table(a=hourly(401, seed=1), b=hourly(401, seed=2))
    past = table[table["ds"] < table["ds"].max()]
    detector = AnomalyDetector(forecaster).fit(past)
    wrong = table[table["ds"] >= table["ds"].max()].copy()
    wrong.loc[wrong["unique_id"] == "b", "ds"] -= pd.Timedelta(hours=3)
    with pytest.raises(DataError, match=r"Series b.*lies before what was read"):
        detector.update_many(wrong)
    assert len(detector.update_many(table[table["ds"] >= table["ds"].max()])) == 2


def test_a_constant_stream_is_no_alarm_until_it_moves(forecaster):
    y = pd.Series(5.0, index=pd.date_range("2024", periods=300, freq="h"), name="y")
    detector = AnomalyDetector(forecaster).fit(y)
    later = pd.date_range(y.index[-1], periods=31, freq="h")[1:]
    assert not any(detector.update("y", ds, 5.0).is_anomaly for ds in later[:-1])
    assert detector.update("y", later[-1], 6.0).is_anomaly


def test_channels_one_by_one_or_incomplete_are_refused(forecaster):
    wide = pd.DataFrame({"a": hourly(300, seed=1), "b": hourly(300, seed=2)})
    detector = AnomalyDetector(forecaster, channels=True).fit(wide)
    ds = wide.index[-1] + pd.Timedelta(hours=1)
    with pytest.raises(ParameterError, match="needed all at once"):
        detector.update("a", ds, 1.0)
    with pytest.raises(DataError, match="1 value for the 2 channels of a system, wrong or absent: b"):
        detector.update_together(ds, {"a": 1.0})
    with pytest.raises(DataError, match="wrong or absent: c"):
        detector.update_together(ds, {"a": 1.0, "b": 1.0, "c": 1.0})
    assert len(detector.update_together(ds, {"a": 20.0, "b": None})) == 2
    assert detector.update_together(ds, {}) == []


def test_times_with_a_zone_are_read_as_the_fitted_ones(forecaster):
    y = hourly(402)
    y.index = y.index.tz_localize("UTC").tz_convert("America/New_York")
    detector = AnomalyDetector(forecaster).fit(y.iloc[:400])
    batch = detector.detect(y.iloc[400:])
    rows = [detector.update("y", y.index[400], y.iloc[400]), detector.update("y", str(y.index[401]), y.iloc[401])]
    assert_same(pd.DataFrame(rows), batch)


def test_counted_rows_and_dates_without_a_time_are_read():
    numbers = AnomalyDetector().fit(hourly(300).to_numpy())
    row = numbers.update("x0", 300, 20.0)
    assert row.ds == 300
    with pytest.raises(DataError, match="'2024' is no whole number"):
        numbers.update("x0", "2024", 20.0)
    days = pd.Series(np.arange(100.0), index=pd.date_range("2024-01-01", periods=100, freq="D"), name="y")
    daily = AnomalyDetector().fit(days)
    assert np.isfinite(daily.update("y", datetime.date(2024, 4, 10), 100.0).expected)


def test_a_table_without_any_value_says_nothing(detector):
    table = detector.update_many(pd.Series([np.nan], index=[pd.Timestamp("2024-01-17 16:00")], name="y"))
    assert len(table) == 0
    assert list(table.columns) == list(detector.detect().columns)


def test_a_stream_learns_weekends_as_a_table_does(forecaster):
    y, weekend = office(4)
    y /= 100  # bounds near 0 lose what large values have no digits for
    detector = AnomalyDetector(forecaster).fit(y.iloc[:200])
    batch = detector.detect(y.iloc[200:])
    assert_same(streamed(detector, y.iloc[200:]), batch)
    assert batch["is_anomaly"][weekend[200:]].any()
    assert not batch["is_anomaly"].iloc[-48:].any()


def test_a_stream_of_a_slow_mover_says_the_same_as_a_table():
    sales = 3.0 * (np.random.default_rng(0).random(900) < 0.08)
    y = pd.Series(sales, pd.date_range("2020", periods=900, freq="D", name="ds"), name="y")
    detector = AnomalyDetector().fit(y.iloc[:500])
    batch = detector.detect(y.iloc[500:])
    assert_same(streamed(detector, y.iloc[500:]), batch)
    assert batch["p_value"].min() > 0.005


def test_a_stream_of_counts_that_are_seldom_zero_says_the_same_as_a_table():
    rng = np.random.default_rng(1)
    counts = np.where(rng.random(200) < 0.08, 0.0, 1.0 + rng.poisson(1.0, 200))
    y = pd.Series(counts, pd.date_range("2024", periods=200, freq="h", name="ds"), name="y")
    detector = AnomalyDetector().fit(y.iloc[:100])
    batch = detector.detect(y.iloc[100:])
    assert sorted(set(np.sign(batch["lower"]))) == [-1, 0, 1]  # only at times are they known to be counts
    stream = pd.DataFrame([detector.update("y", ds, value) for ds, value in y.iloc[100:].items()])
    assert_same(stream, batch)
