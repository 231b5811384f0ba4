import datetime
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.tseries.frequencies import to_offset

from tsrnn import AnomalyDetector, Forecaster
from tsrnn.data.frequency import infer_frequency, parse_frequency
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, FrequencyError

ALIASES = [
    *[
        "h",
        "2h",
        "3h",
        "6h",
        "12h",
        "min",
        "5min",
        "15min",
        "30min",
        "90min",
        "s",
        "10s",
        "100ms",
        "250us",
        "7ns",
    ],
    *["D", "2D", "3D", "5D", "10D", "W-MON", "W-SUN", "2W-WED", "3W-FRI", "B"],
    *["MS", "ME", "2MS", "2ME", "4ME", "QS-JAN", "QS-FEB", "QS-MAR", "QE-DEC", "QE-OCT", "QE-NOV", "2QE-DEC"],
    *["YS-JAN", "YS-JUL", "YE-DEC", "YE-JUN", "2YS-JAN", "3YE-DEC", "BMS", "BME", "BQS-JAN", "BQE-DEC"],
    *["BYS-JAN", "BYE-DEC", "2BME"],
]
# Grids that can be named but not told from the data.
NAMED_ONLY = ["2B", "3B", "5B", "SME", "SMS", "WOM-2MON", "C", "bh", "2SME"]


def one_series(stamps):
    ds = pd.DatetimeIndex(stamps).as_unit("ns").to_numpy()
    return ds, np.array([0, len(ds)])


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_is_inferred_from_the_dates_that_pandas_makes_with_it(alias):
    ds, offsets = one_series(pd.date_range("1999-11-17 00:00", periods=70, freq=alias))
    frequency = infer_frequency(ds, offsets)
    # Some aliases have two spellings: QS-APR is QS-JAN, 3W-FRI begins on a Friday either way.
    assert to_offset(frequency.alias) == to_offset(alias)
    np.testing.assert_array_equal(frequency.positions(ds, ds[0]), np.arange(70))


@pytest.mark.parametrize("alias", ALIASES + NAMED_ONLY)
def test_the_steps_beyond_the_data_are_those_of_pandas(alias):
    long = pd.date_range("2003-05-09 00:00", periods=70, freq=alias)
    ds, offsets = one_series(long[:40])
    frequency = parse_frequency(alias, ds, offsets)
    np.testing.assert_array_equal(frequency.stamps(ds[0], np.arange(70)), one_series(long)[0])
    np.testing.assert_array_equal(frequency.positions(ds, ds[0]), np.arange(40))
    assert frequency.alias == to_offset(alias).freqstr
    assert parse_frequency(to_offset(alias), ds, offsets) == frequency


@settings(max_examples=150, deadline=None)
@given(
    alias=st.sampled_from(ALIASES + NAMED_ONLY),
    count=st.integers(1, 9),
    first=st.datetimes(datetime.datetime(1930, 1, 1), datetime.datetime(2060, 1, 1)),
    steps=st.lists(st.integers(-60, 200), min_size=1, max_size=20),
)
def test_positions_undo_stamps(alias, count, first, steps):
    offset = to_offset(alias) * count
    if re.search("[MQY][SE]", alias):
        steps = [step % 7 for step in steps]  # within the years that nanoseconds hold
    ds, offsets = one_series(pd.date_range(pd.Timestamp(first).floor("h"), periods=3, freq=offset))
    frequency = parse_frequency(offset, ds, offsets)
    stamps = frequency.stamps(ds[1], steps)
    np.testing.assert_array_equal(frequency.positions(stamps, ds[1]), steps)


@pytest.mark.parametrize("steps", [[-5], [-5, -4], [-2], [-40, -5, 3]])
@pytest.mark.parametrize(("first", "freq"), [("2000-01-01", "2bh"), ("2008-01-04 17:00", "bh")])
def test_a_step_back_to_an_opening_hour_has_one_name(first, freq, steps):
    ds, offsets = one_series(pd.date_range(first, periods=3, freq=freq))
    frequency = parse_frequency(freq, ds, offsets)
    np.testing.assert_array_equal(frequency.positions(frequency.stamps(ds[1], steps), ds[1]), steps)


@settings(max_examples=50, deadline=None)
@given(
    day=st.integers(1, 31),
    months=st.sampled_from([1, 2, 3, 6, 12]),
    steps=st.lists(st.integers(-60, 200), min_size=1, max_size=20),
)
def test_a_fixed_day_of_the_month_never_slips(day, months, steps):
    alias = f"{'' if months == 1 else months}M-{day}"
    ds, offsets = one_series(["2024-01-31" if day == 31 else f"2024-01-{day:02d}"])
    frequency = parse_frequency(alias, ds, offsets)
    stamps = frequency.stamps(ds[0], steps)
    np.testing.assert_array_equal(frequency.positions(stamps, ds[0]), steps)
    shown = pd.DatetimeIndex(stamps)
    assert (shown.day == np.minimum(day, shown.days_in_month)).all()
    assert frequency.alias == alias


def test_month_ends_continue_at_month_ends():
    ds, offsets = one_series(["2023-11-30", "2023-12-31", "2024-01-31", "2024-02-29"])
    frequency = infer_frequency(ds, offsets)
    assert pd.DatetimeIndex(frequency.stamps(ds[0], [4, 5])).strftime("%F").tolist() == [
        "2024-03-31",
        "2024-04-30",
    ]


@pytest.mark.parametrize(
    ("alias", "season", "horizon"),
    [
        *[("h", 24, 48), ("2h", 12, 24), ("3h", 8, 16), ("5h", 1, 10), ("30min", 48, 48), ("15min", 96, 48)],
        *[("10min", 144, 48), ("5min", 1, 48), ("min", 1, 48), ("s", 1, 48), ("D", 7, 14), ("2D", 1, 7)],
        *[("W-MON", 52, 13), ("2W-MON", 26, 7), ("B", 5, 10), ("2B", 1, 5), ("MS", 12, 18), ("2ME", 6, 9)],
        *[("QS", 4, 8), ("2QS", 2, 4), ("YE", 1, 6), ("BME", 12, 18), ("SME", 24, 12), ("C", 5, 12)],
    ],
)
def test_seasons_and_horizons_are_the_customary_ones(alias, season, horizon):
    frequency = parse_frequency(alias, *one_series(pd.date_range("2020", periods=4, freq=alias)))
    assert (frequency.default_season_length, frequency.default_horizon) == (season, horizon)


MONDAY_TO_SATURDAY = pd.offsets.CustomBusinessDay(weekmask="Mon Tue Wed Thu Fri Sat")


@pytest.mark.parametrize(
    ("offset", "season", "words"),
    [
        (MONDAY_TO_SATURDAY, 6, "open days, Monday to Saturday"),
        (2 * MONDAY_TO_SATURDAY, 3, "every 2 open days, Monday to Saturday"),
        (pd.offsets.CustomBusinessDay(weekmask="1011111"), 6, "open days, Wednesday to Monday"),
        (pd.offsets.CustomBusinessDay(weekmask="Mon Wed Fri"), 3, "open days, Monday, Wednesday and Friday"),
        (
            pd.offsets.CustomBusinessDay(weekmask="1111110", holidays=["2024-05-01"]),
            6,
            "pandas offset C, open days, Monday to Saturday",
        ),
        (
            pd.offsets.CustomBusinessDay(calendar=np.busdaycalendar("1111110", ["2024-05-01"])),
            6,
            "pandas offset C, open days, Monday to Saturday",
        ),
    ],
)
def test_a_week_with_other_open_days_has_a_season_of_as_many(offset, season, words):
    long = pd.date_range("2024-03-01", periods=90, freq=offset)
    ds, offsets = one_series(long[:60])
    frequency = parse_frequency(offset, ds, offsets)
    assert (frequency.default_season_length, frequency.describe()) == (season, words)
    # One that also has holidays has no alias that says so.
    assert frequency.alias.startswith(offset.freqstr)
    if not words.startswith("pandas"):
        assert parse_frequency(frequency.alias, ds, offsets) == frequency
    np.testing.assert_array_equal(frequency.stamps(ds[0], np.arange(90)), one_series(long)[0])
    np.testing.assert_array_equal(frequency.positions(ds, ds[0]), np.arange(60))


def test_open_days_can_be_named_in_text():
    ds, offsets = one_series(pd.date_range("2024-03-01", periods=60, freq=MONDAY_TO_SATURDAY))
    assert parse_frequency("C-1111110", ds, offsets) == parse_frequency(MONDAY_TO_SATURDAY, ds, offsets)
    assert parse_frequency("2C-1111110", ds, offsets).describe() == "every 2 open days, Monday to Saturday"
    with pytest.raises(FrequencyError, match="no time step that pandas knows"):
        parse_frequency("C-0000000", ds, offsets)
    with pytest.raises(FrequencyError, match=r"10 of 60 .*2024-03-02.*name them.*freq='C-1111110'"):
        parse_frequency("C", ds, offsets).positions(ds, ds[0])
    monday = parse_frequency("C-1111110", ds, offsets)
    with pytest.raises(FrequencyError, match=r"1 of 1 .*2024-03-03.*move them to an open day"):
        monday.positions(np.array(["2024-03-03"], "datetime64[ns]"), ds[0])


def test_seven_days_count_as_a_week():
    ds, offsets = one_series(["2024-01-01", "2024-01-08", "2024-01-15"])
    assert parse_frequency("7D", ds, offsets).default_season_length == 52
    assert infer_frequency(ds, offsets).describe() == "weekly (Mondays)"
    tuesday_too = np.concatenate([ds, ds + np.timedelta64(1, "D")])
    assert infer_frequency(tuesday_too, np.array([0, 3, 6])).alias == "7D"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *[("H", "h"), ("T", "min"), ("30T", "30min"), ("S", "s"), ("L", "ms"), ("U", "us"), ("N", "ns")],
        *[
            ("d", "D"),
            ("W", "W-WED"),
            ("BM", "BME"),
            ("SM", "SME-15"),
            ("BH", "bh"),
            ("AS", "YS-MAY"),
            ("BQ", "BQE"),
        ],
    ],
)
def test_spellings_before_pandas_2_2_are_understood(old, new):
    ds, offsets = one_series(pd.date_range("2024-05-01", periods=1, freq=new if new != "W-WED" else "D"))
    expected = {"BQE": "BQE-DEC"}.get(new, new)
    assert parse_frequency(old, ds, offsets).alias == expected


@pytest.mark.parametrize(
    ("alias", "first", "expected"),
    [
        *[("M", "2024-01-01", "MS"), ("M", "2024-01-31", "ME"), ("M", "2024-01-15", "M-15")],
        *[("Q", "2024-01-01", "QS-JAN"), ("Q", "2024-03-31", "QE-DEC"), ("A", "2024-01-01", "YS-JAN")],
        *[("Y", "2024-12-31", "YE-DEC"), ("2M", "2024-01-01", "2MS")],
    ],
)
def test_m_q_and_y_take_their_side_of_the_period_from_the_data(alias, first, expected):
    assert parse_frequency(alias, *one_series([first])).alias == expected


@pytest.mark.parametrize(
    ("freq", "expected"),
    [
        *[
            (datetime.timedelta(hours=2), "2h"),
            (np.timedelta64(1, "D"), "D"),
            (pd.Timedelta("15min"), "15min"),
        ],
        *[
            (pd.offsets.Week(), "W-MON"),
            (pd.offsets.Day(3), "3D"),
            (pd.PeriodDtype("M"), "MS"),
            ("1h30min", "90min"),
        ],
    ],
)
def test_a_frequency_may_be_a_duration_an_offset_or_a_period_type(freq, expected):
    assert parse_frequency(freq, *one_series(["2024-01-01"])).alias == expected


@pytest.mark.parametrize(
    ("freq", "message"),
    [
        *[
            ("fortnightly", "no time step that pandas knows"),
            ("ME-DEC", "no time step that pandas knows"),
            ("0D", "forward in time"),
            ("M-40", "day of the month"),
        ],
        *[
            (pd.offsets.Day(-1), "forward in time"),
            (pd.Timedelta(0), "forward in time"),
            (1.5, "cannot be read"),
        ],
        *[(1, "time stamps that are dates"), ("5", "time stamps that are dates"), (True, "cannot be read")],
        *[
            ("W-TUE", "does not begin on that weekday.*freq='W-MON'"),
            ("QS-FEB", "begins in another month.*QS-JAN"),
        ],
    ],
)
def test_an_impossible_frequency_is_refused(freq, message):
    with pytest.raises(FrequencyError, match=message):
        parse_frequency(freq, *one_series(["2024-01-01", "2024-04-01"]))


def test_an_alias_for_dates_is_refused_on_integer_time():
    with pytest.raises(FrequencyError, match="time is integer"):
        parse_frequency("D", np.arange(3), np.array([0, 3]))
    with pytest.raises(FrequencyError, match="freq=0: expected a whole number"):
        parse_frequency(0, np.arange(3), np.array([0, 3]))


def test_integer_time_has_the_most_common_step():
    frequency = infer_frequency(np.array([10, 15, 20, 30, 0, 5]), np.array([0, 4, 6]))
    assert (frequency.alias, frequency.describe()) == ("5", "every 5 (integer time)")
    assert frequency.positions(np.array([10, 15, 30]), 10).tolist() == [0, 1, 4]
    years = infer_frequency(np.arange(1990, 2000), np.array([0, 10]), years=True)
    assert (years.describe(), years.default_season_length, years.default_horizon) == (
        "yearly (integer years)",
        1,
        6,
    )


def test_stamps_off_the_grid_are_named_with_the_step_that_would_fit():
    ds, _ = one_series(["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:20", "2024-01-01 04:00"])
    with pytest.raises(FrequencyError, match=r"1 of 4 time stamps.*2024-01-01 02:20:00.*freq='20min' would fit"):
        parse_frequency("h", ds, np.array([0, 4])).positions(ds, ds[0])
    monthly, offsets = one_series(["2024-01-01", "2024-02-02", "2024-03-01"])
    frequency = parse_frequency("MS", monthly, offsets)
    with pytest.raises(FrequencyError, match=r"1 of 3 .*freq='MS'.*Leave freq out"):
        frequency.positions(monthly, monthly[0])
    days, offsets = one_series(["2024-01-05", "2024-01-06"])
    frequency = parse_frequency("B", days, offsets)
    with pytest.raises(FrequencyError, match=r"freq='B'.*2024-01-06.*freq='D' would count"):
        frequency.positions(days, days[0])
    with pytest.raises(FrequencyError, match="freq=2 would fit"):
        parse_frequency(4, np.array([0, 4, 6]), np.array([0, 3])).positions([0, 4, 6], 0)


@pytest.mark.parametrize(("freq", "n_rows"), [("6h", 300), ("4h", 900), ("8h", 1500), ("D", 200)])
def test_clocks_that_change_are_named_with_a_cure_that_keeps_every_row(freq, n_rows):
    local = pd.date_range("2023-02-01", periods=n_rows, freq=freq)
    zoned = pd.Series(1.0, index=local.tz_localize("America/New_York").tz_convert("UTC"))
    with pytest.raises(FrequencyError, match=r"once the clocks change. Name.*tz_localize\(None\)") as told:
        read_panel(zoned)
    assert "would fit" not in str(told.value)
    named = zoned.set_axis(zoned.index.tz_convert("America/New_York"))
    for table in (named, named.set_axis(named.index.tz_localize(None))):
        cured = read_panel(table)
        assert (cured.frequency.alias, cured.observed.all(), len(cured.y)) == (freq, True, n_rows)


# Every so many hours of the local clock, through a change; one of two-hourly rows does not exist in spring.
LOCAL_STEPS = [
    ("Europe/Berlin", "6h", "2024-03-31"),
    ("Europe/Berlin", "12h", "2024-10-27"),
    ("Europe/Berlin", "2h", "2024-03-31"),
    ("America/New_York", "4h", "2024-11-03"),
    ("Australia/Lord_Howe", "h", "2024-04-07"),
]


def local_steps(zone, freq, day):
    day = pd.Timestamp(day)
    local = pd.date_range(day - pd.Timedelta(days=30), day + pd.Timedelta(days=20), freq=freq)
    ds = local.tz_localize(zone, nonexistent="NaT", ambiguous=np.ones(len(local), bool))
    return pd.Series(local.hour.to_numpy(dtype=float), ds, name="y")[ds.notna()]


@pytest.mark.parametrize(("zone", "freq", "day"), LOCAL_STEPS)
@pytest.mark.parametrize("named", [True, False])
def test_rows_at_the_same_local_hours_of_every_day_are_counted_by_the_local_clock(zone, freq, day, named, tmp_path):
    y = local_steps(zone, freq, day)
    panel = read_panel(y, freq=freq if named else None)
    assert (panel.frequency.alias, panel.form.wall_clock, panel.frequency.zone) == (freq, True, zone)
    assert f"Hours are counted in local time ({zone})." in panel.notes
    change = int((y.index < pd.Timestamp(day, tz=zone) + pd.Timedelta(days=1)).sum())
    model = Forecaster(strategy="zero-shot").fit(y.iloc[:change])
    model.save(tmp_path / "model")
    # Rows after the change alone do not show which clock they follow, nor do those of another zone.
    for newer in (y.iloc[change:], y.iloc[change:].tz_convert("UTC")):
        later = Forecaster.load(tmp_path / "model").update(newer)
        expected = Forecaster(strategy="zero-shot").fit(y).predict(8)
        pd.testing.assert_series_equal(later.predict(8), expected, check_freq=False)
        assert (expected - expected.index.hour).abs().max() < 6
    detected = AnomalyDetector().fit(y.iloc[:change]).detect(y.iloc[change:])
    assert detected["ds"].tolist() == y.index[change:].tolist()


def test_steps_that_are_even_in_utc_or_by_the_hour_are_not_taken_for_those_of_local_clocks():
    even = pd.Series(1.0, pd.date_range("2024-03-01", "2024-04-30", freq="6h", tz="Europe/Berlin"))
    assert not read_panel(even).form.wall_clock
    few = pd.Series(1.0, pd.date_range("2024-03-01", "2024-04-30", freq="h", tz="Europe/Berlin"))
    few = few[(few.index.hour % 6 == 0) & (few.index.day % 3 == 0)]
    assert not read_panel(few, freq="h").form.wall_clock


def test_single_stamps_that_are_an_hour_off_are_not_taken_for_clocks():
    days = pd.date_range("2023-02-01", periods=300, freq="6h").to_series()
    days.iloc[[50, 90, 200]] += pd.Timedelta("1h")
    ds, offsets = one_series(days)
    with pytest.raises(FrequencyError, match=r"3 of 300 .*freq='h' would fit all of them"):
        infer_frequency(ds, offsets).positions(ds, ds[0])


def test_a_frequency_needs_two_rows_and_a_common_step():
    with pytest.raises(FrequencyError, match=r"No series has two time stamps \(1 in all\).*freq='D'"):
        infer_frequency(*one_series(["2024-01-01"]))
    with pytest.raises(FrequencyError, match="covers only 1 of 3 gaps"):
        infer_frequency(*one_series(["2024-01-01", "2024-01-02", "2024-01-04", "2024-01-09"]))
    with pytest.raises(FrequencyError, match="neither on month starts, nor on month ends"):
        infer_frequency(*one_series(["2024-01-03", "2024-02-14", "2024-03-20", "2024-05-02"]))
    with pytest.raises(FrequencyError, match="1 month, covers only 1 of 3"):
        infer_frequency(*one_series(["2024-01-01", "2024-02-01", "2024-04-01", "2024-07-01"]))


@pytest.mark.parametrize(
    ("alias", "where"),
    [
        ("ME", "last day"),
        ("MS", "first day"),
        ("BME", "last business day"),
        ("BMS", "first business day"),
        ("QE", "last day"),
        ("M-15", "day 15"),
    ],
)
def test_stamps_off_the_day_that_most_months_share_are_named(alias, where):
    step = pd.date_range("2022-01-15", periods=30, freq="MS" if alias == "M-15" else alias)
    step = step + pd.Timedelta(days=14) if alias == "M-15" else step
    partial = step[-1] + pd.Timedelta(days=47)
    ds, offsets = one_series(step.append(pd.DatetimeIndex([partial])))
    message = (
        f"1 of 31 time stamps does not lie on the {where} of their month, as the others do: {partial:%Y-%m-%d}. Drop"
    )
    for find in (infer_frequency, lambda *stamps: parse_frequency(alias.lstrip("B")[0], *stamps)):
        with pytest.raises(FrequencyError, match=re.escape(message)):
            find(ds, offsets)


def test_four_weeks_are_not_a_month():
    assert infer_frequency(*one_series(pd.date_range("2024-01-01", periods=9, freq="28D"))).alias == "4W-MON"


def test_days_without_weekends_are_business_days_only_if_there_was_a_weekend_to_skip():
    assert infer_frequency(*one_series(pd.bdate_range("2024-01-01", periods=5))).alias == "D"
    assert infer_frequency(*one_series(pd.bdate_range("2024-01-01", periods=8))).alias == "B"
    assert infer_frequency(*one_series(pd.date_range("2024-01-01", periods=8))).alias == "D"


def test_trading_days_step_over_the_holidays_that_no_series_has():
    days = pd.bdate_range("2024-01-01", "2024-06-28")
    holidays = pd.DatetimeIndex(["2024-01-01", "2024-03-29", "2024-05-01"])
    ds, offsets = one_series(days.difference(holidays))
    frequency = infer_frequency(ds, offsets)
    assert frequency.describe() == "business days; 2 past holidays are stepped over, later ones are not known"
    np.testing.assert_array_equal(frequency.positions(ds, ds[0]), np.arange(len(ds)))
    following = frequency.stamps(ds[0], len(ds) + np.arange(3))
    np.testing.assert_array_equal(following, one_series(["2024-07-01", "2024-07-02", "2024-07-03"])[0])
    np.testing.assert_array_equal(frequency.stamps(ds[0], [-1, -2]), one_series(["2024-01-01", "2023-12-29"])[0])
    # As the words say, holidays after the last row are not known.
    assert np.isin(one_series(["2025-01-01"])[0], frequency.stamps(ds[0], len(ds) + np.arange(200))).all()


def test_trading_days_are_those_of_all_series_together():
    days = pd.bdate_range("2024-01-01", "2024-06-28")
    here, _ = one_series(days.delete([20, 30]))
    there, _ = one_series(days.delete([20, 40]))
    frequency = infer_frequency(np.concatenate([here, there]), np.array([0, len(here), 2 * len(here)]))
    assert frequency.describe() == "business days; 1 past holiday is stepped over, later ones are not known"
    assert len(here) - 1 < frequency.positions(here, here[0])[-1]


def test_long_holes_between_business_days_are_missing_rows():
    days = pd.bdate_range("2020-01-01", "2024-06-28")
    frequency = infer_frequency(*one_series(days[:300].append(days[315:])))
    assert frequency.describe() == "business days"


@settings(max_examples=60, deadline=None)
@given(
    holidays=st.sets(st.integers(1, 250), max_size=20),
    first=st.integers(-30, 240),
    steps=st.lists(st.integers(-300, 300), min_size=1),
)
def test_positions_undo_stamps_on_trading_days(holidays, first, steps):
    days = pd.bdate_range("2021-03-01", periods=252)
    ds, offsets = one_series(days.delete(sorted(holidays)))
    frequency = infer_frequency(ds, offsets)
    start = frequency.stamps(ds[0], first)
    stamps = frequency.stamps(start, steps)
    np.testing.assert_array_equal(frequency.positions(stamps, start), steps)


def test_trading_days_grow_with_a_later_table():
    days = pd.bdate_range("2024-01-01", "2024-09-30")
    fitted = infer_frequency(*one_series(days[:120].delete([30])))
    assert parse_frequency(fitted, *one_series(days[:30])) == fitted
    assert fitted != infer_frequency(*one_series(days[:120].delete([31])))
    later, offsets = one_series(days[110:].delete([60]))
    frequency = parse_frequency(fitted, later, offsets)
    np.testing.assert_array_equal(frequency.positions(later, later[0]), np.arange(len(later)))
    assert frequency.describe() == "business days; 2 past holidays are stepped over, later ones are not known"
    # A hole of months is not made of holidays.
    far, offsets = one_series(pd.bdate_range("2025-03-03", periods=10))
    assert parse_frequency(fitted, far, offsets).holidays == 1


def test_the_time_of_day_is_kept_and_checked():
    ds, offsets = one_series(pd.bdate_range("2024-01-01", periods=30) + pd.Timedelta(hours=16))
    frequency = infer_frequency(ds, offsets)
    assert str(frequency.stamps(ds[0], 30))[:16] == "2024-02-12T16:00"
    with pytest.raises(FrequencyError, match="1 of 30"):
        frequency.positions(np.append(ds[:-1], ds[-1] + np.timedelta64(1, "h")), ds[0])


@pytest.mark.parametrize("alias", ["D", "MS", "B", "h", "QE-DEC"])
def test_stamps_beyond_what_nanoseconds_hold_are_refused(alias):
    ds, offsets = one_series(pd.date_range("2024-01-01", periods=2, freq=alias))
    with pytest.raises(DataError, match="1678 to 2261"):
        parse_frequency(alias, ds, offsets).stamps(ds[0], 10_000_000)


@pytest.mark.parametrize("alias", ["SMS", "2bh", "WOM-2MON"])
def test_other_offsets_beyond_what_nanoseconds_hold_are_refused_likewise(alias):
    ds, offsets = one_series(pd.date_range("2024-01-01", periods=2, freq=alias))
    with pytest.raises(DataError, match="1678 to 2261"):
        parse_frequency(alias, ds, offsets).stamps(ds[0], 300_000)


def test_dates_before_1970_lie_on_the_same_grids():
    for alias in ("ME", "B", "QS-JAN", "6h"):
        ds, offsets = one_series(pd.date_range("1901-01-01", periods=50, freq=alias))
        assert infer_frequency(ds, offsets).alias == alias


@pytest.mark.parametrize(
    ("alias", "words"),
    [
        *[("h", "hourly"), ("30min", "every 30 minutes"), ("D", "daily"), ("2D", "every 2 days")],
        *[
            ("7D", "weekly (Mondays)"),
            ("MS", "monthly (start of month)"),
            ("QS-JAN", "quarterly (start of quarter)"),
        ],
        *[
            ("M-1", "monthly (day 1 of the month)"),
            ("YS", "yearly (start of year)"),
            ("2MS", "every 2 months (start of month)"),
        ],
        *[
            ("2B", "every 2 business days"),
            ("SME", "pandas offset SME-15"),
            ("BMS", "monthly (first business day of the month)"),
        ],
    ],
)
def test_a_frequency_describes_itself_in_words(alias, words):
    assert parse_frequency(alias, *one_series(["2024-01-01"])).describe() == words


@pytest.mark.parametrize(("seconds", "usual"), [(0.1, "100ms"), (9, "10s"), (840, "15min"), (3500, "h"), (90_000, "D")])
def test_irregular_stamps_are_advised_a_usual_step_near_their_median_gap(seconds, usual):
    gaps = np.random.default_rng(0).integers(int(0.7e9 * seconds), int(1.3e9 * seconds), 100)
    ds = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(gaps))
    with pytest.raises(FrequencyError, match=rf"covers only 1 of 99 gaps.*df\.resample\('{usual}'\)\.mean\(\)"):
        read_panel(pd.DataFrame({"ds": ds, "y": np.arange(100.0)}))


def test_irregular_whole_numbers_are_not_advised_days():
    ds = np.cumsum(np.random.default_rng(0).integers(5, 5000, 100))
    with pytest.raises(FrequencyError, match=r"Give each step its own whole number, or pass .* freq=1"):
        read_panel(pd.DataFrame({"ds": ds, "y": np.arange(100.0)}))
