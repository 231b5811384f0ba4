import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import monthly_table
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.errors import ColumnError, DataError, FrequencyError, ParameterError


def long_table(n_series=3, n_rows=20, freq="D", start="2024-01-01"):
    stamps = pd.date_range(start, periods=n_rows, freq=freq)
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i}" for i in range(n_series)], n_rows),
            "ds": np.tile(stamps, n_series),
            "y": np.arange(n_series * n_rows, dtype=float),
        }
    )


def wide_table(n_rows=20, freq="D", start="2024-01-01"):
    return pd.DataFrame(
        {
            "date": pd.date_range(start, periods=n_rows, freq=freq),
            "a": np.arange(n_rows, dtype=float),
            "b": np.arange(n_rows) * 2.0,
        }
    )


def assert_same_numbers(one, other):
    np.testing.assert_array_equal(one.y, other.y)
    np.testing.assert_array_equal(one.offsets, other.offsets)
    np.testing.assert_array_equal(one.start, other.start)
    assert (one.frequency, one.season_length) == (other.frequency, other.season_length)


# The forms of a table


def test_a_long_table_becomes_one_run_of_rows_per_series():
    panel = read_panel(long_table())
    assert panel.form.kind == "long"
    assert panel.ids.tolist() == ["s0", "s1", "s2"]
    assert panel.lengths.tolist() == [20, 20, 20]
    assert panel.series(1).tolist() == list(range(20, 40))
    assert panel.start.dtype == "datetime64[ns]"
    assert panel.season_length == 7


def test_a_wide_table_has_one_series_per_numeric_column():
    panel = read_panel(wide_table().assign(flag=True, city="Rome"))
    assert panel.form.kind == "wide"
    assert panel.ids.tolist() == ["a", "b"]
    assert panel.series(1).tolist() == [2.0 * i for i in range(20)]
    assert "Ignored: flag, city." in panel.notes


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2024-01-31", periods=30, freq="ME"),
        pd.period_range("2024-01", periods=30, freq="M"),
        pd.RangeIndex(100, 130),
        pd.Index(pd.date_range("2024-01-31", periods=30, freq="ME").strftime("%Y-%m-%d")),
    ],
)
def test_a_series_and_a_table_may_have_time_in_the_index(index):
    values = np.arange(30.0)
    series = read_panel(pd.Series(values, index=index, name="sales"))
    table = read_panel(pd.DataFrame({"sales": values}, index=index))
    assert_same_numbers(series, table)
    assert series.y.tolist() == values.tolist()
    assert (series.form.kind, table.form.kind) == ("series", "wide")
    assert series.ids.tolist() == ["sales"]


def test_integer_time_from_a_bare_index_is_mentioned():
    assert any("rows are counted" in note for note in read_panel(pd.DataFrame({"x": range(9)})).notes)


def test_a_year_column_is_integer_time_of_one_step_a_year():
    table = pd.DataFrame({"year": range(1990, 2010), "gdp": np.arange(20.0)})
    panel = read_panel(table)
    assert (panel.frequency.describe(), panel.season_length) == ("yearly (integer years)", 1)
    assert panel.start.tolist() == [1990]
    renamed = read_panel(table.rename(columns={"year": "t"}), time_col="t")
    assert renamed.frequency.describe() == "yearly (integer years)"


def test_a_table_is_long_if_one_text_column_makes_the_time_stamps_unique():
    table = long_table().rename(columns={"unique_id": "shop", "ds": "when", "y": "sold"})
    panel = read_panel(table)
    assert (panel.form.kind, panel.form.id_col, panel.form.time_col) == ("long", "shop", "when")
    assert_same_numbers(panel, read_panel(long_table()))
    single = table[table["shop"] == "s0"]
    assert read_panel(single).form.kind == "wide"


def test_two_columns_that_could_name_the_series_are_a_question():
    table = (
        long_table().drop(columns="unique_id").assign(shop=long_table()["unique_id"], town=long_table()["unique_id"])
    )
    with pytest.raises(DataError, match=r"2 text columns could name them: shop, town.*id_col"):
        read_panel(table)
    assert read_panel(table, id_col="town").n_series == 3


def test_the_id_may_be_the_index():
    assert_same_numbers(read_panel(long_table().set_index("unique_id")), read_panel(long_table()))


def test_a_table_with_ds_and_y_alone_is_one_series():
    panel = read_panel(long_table(1).drop(columns="unique_id").assign(price=1.0))
    assert panel.ids.tolist() == ["y"]
    assert "Ignored: price." in panel.notes


@pytest.mark.parametrize("ids", [[7, 7, 3, 3], ["b", "b", "a", "a"], pd.Categorical(["b", "b", "a", "a"])])
def test_series_keep_the_order_of_their_first_row(ids):
    table = pd.DataFrame({"unique_id": ids, "ds": [1, 2, 1, 2], "y": [1.0, 2.0, 3.0, 4.0]})
    panel = read_panel(table)
    assert panel.ids.tolist() == list(dict.fromkeys(ids))
    assert panel.y.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert panel.form.id_dtype == table["unique_id"].dtype


def test_prices_default_to_the_close_and_say_so():
    table = wide_table().rename(columns={"a": "Open", "b": "Close"}).assign(High=1.0, Low=0.5, Volume=3)
    table["Adj Close"] = 2.0
    panel = read_panel(table)
    assert panel.ids.tolist() == ["Close"]
    assert any("'Close' is forecast" in note for note in panel.notes)
    assert read_panel(table, target_col=["High", "Volume"]).ids.tolist() == ["High", "Volume"]


def test_a_panel_passes_through_with_another_season_if_wanted():
    panel = read_panel(wide_table())
    assert read_panel(panel) is panel
    assert read_panel(panel, season_length=3).season_length == 3


# The same numbers whatever the table looks like


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    freq=st.sampled_from(["h", "D", "ME", "W-TUE", "15min"]),
    seed=st.integers(0, 1000),
)
def test_shuffled_rows_renamed_columns_and_text_dates_give_the_same_numbers(lengths, freq, seed):
    rng = np.random.default_rng(seed)
    parts = []
    for i, n in enumerate(lengths):
        stamps = pd.date_range("2024-03-01", periods=n + i, freq=freq)[i:]
        parts.append(pd.DataFrame({"unique_id": f"s{i}", "ds": stamps, "y": rng.normal(size=n)}))
    table = pd.concat(parts, ignore_index=True)
    panel = read_panel(table, freq=freq)
    rows = rng.permutation(len(table))
    # Series come in the order of their first rows, so each series' first row stays ahead.
    rows = np.concatenate([np.cumsum([0, *lengths[:-1]]), rows])
    shuffled = table.iloc[list(dict.fromkeys(rows.tolist()))]
    before = shuffled.copy(deep=True)
    assert_same_numbers(read_panel(shuffled, freq=freq), panel)
    pd.testing.assert_frame_equal(shuffled, before)
    renamed = shuffled.rename(columns={"unique_id": "key", "ds": "at", "y": "value"})
    assert_same_numbers(read_panel(renamed, id_col="key", time_col="at", target_col="value", freq=freq), panel)
    text = table.assign(ds=table["ds"].dt.strftime("%Y-%m-%d %H:%M"))
    assert_same_numbers(read_panel(text, freq=freq), panel)


def test_shuffled_rows_of_a_wide_table_give_the_same_numbers():
    table = wide_table()
    before = table.copy(deep=True)
    assert_same_numbers(read_panel(table.sample(frac=1, random_state=1)), read_panel(table))
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_unit_of_time_gives_the_same_numbers(unit):
    table = long_table()
    table["ds"] = table["ds"].dt.as_unit(unit)
    assert_same_numbers(read_panel(table), read_panel(long_table()))


# Missing things


def test_missing_rows_become_unobserved_rows():
    table = long_table(2).drop(index=[5, 6, 27])
    panel = read_panel(table)
    assert panel.lengths.tolist() == [20, 20]
    assert np.flatnonzero(~panel.observed).tolist() == [5, 6, 27]
    assert any(note.startswith("3 rows are missing") for note in panel.notes)
    assert not any("missing" in note for note in read_panel(long_table()).notes)


def test_leading_missing_values_are_cut_and_trailing_ones_stay():
    table = wide_table()
    table.loc[:3, "b"] = np.nan
    table.loc[15:, "b"] = np.nan
    panel = read_panel(table)
    assert panel.lengths.tolist() == [20, 16]
    assert panel.start[1] == np.datetime64("2024-01-05")
    assert np.isnan(panel.series(1)[11:]).all()
    assert panel.series(1)[:11].tolist() == [2.0 * i for i in range(4, 15)]
    assert "1 series begins with missing values, which are left out." in panel.notes
    assert "1 series ends with missing values; the first step forecast is the one after the last row." in panel.notes


def test_an_empty_series_among_others_is_named_in_a_warning_and_kept():
    table = wide_table().assign(b=np.nan)
    with pytest.warns(UserWarning, match=r"1 of 2 series has no values.*: b"):
        panel = read_panel(table)
    assert panel.lengths.tolist() == [20, 20]
    assert np.isnan(panel.series(1)).all()


def test_nullable_and_arrow_numbers_are_read_with_their_missing_values():
    for dtype in ("Float64", "Int64", "double[pyarrow]", object):
        table = wide_table()
        table["a"] = table["a"].astype(dtype)
        table.loc[2, "a"] = None if dtype is object else pd.NA
        panel = read_panel(table)
        assert np.isnan(panel.series(0)[2])
        assert panel.series(0)[3] == 3.0


# Time zones


@pytest.mark.parametrize("month", ["2024-03-30", "2024-10-26"])
def test_hours_run_evenly_through_both_clock_changes(month):
    stamps = pd.date_range(month, periods=72, freq="h", tz="Europe/Berlin")
    panel = read_panel(pd.Series(np.arange(72.0), index=stamps))
    assert panel.frequency.alias == "h"
    assert panel.y.tolist() == list(range(72))
    assert panel.start[0] == stamps[0].tz_convert("UTC").tz_localize(None)


def test_days_at_local_midnight_are_days_through_the_clock_change():
    stamps = pd.date_range("2024-03-20", periods=30, freq="D", tz="Europe/Berlin")
    panel = read_panel(pd.Series(np.arange(30.0), index=stamps))
    assert (panel.frequency.alias, panel.form.wall_clock) == ("D", True)
    assert "Days are counted in local time (Europe/Berlin)." in panel.notes
    assert panel.lengths.tolist() == [30]
    assert panel.start[0] == np.datetime64("2024-03-20")


def test_days_run_through_a_midnight_that_did_not_exist():
    days = pd.date_range("2018-10-28", periods=14, freq="D")
    stamps = days.tz_localize("America/Sao_Paulo", nonexistent="shift_forward")
    assert (stamps.hour == 1).sum() == 1
    assert read_panel(pd.Series(np.arange(14.0), index=stamps)).lengths.tolist() == [14]


def test_text_with_several_utc_offsets_is_read_in_utc_and_noted():
    stamps = pd.date_range("2024-03-30", periods=72, freq="h", tz="Europe/Berlin")
    panel = read_panel(pd.DataFrame({"time": [stamp.isoformat() for stamp in stamps], "x": np.arange(72.0)}))
    assert panel.y.tolist() == list(range(72))
    assert any("offsets" in note and "UTC" in note for note in panel.notes)


def test_naive_and_aware_stamps_in_one_column_are_refused():
    stamps = pd.Series([pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02", tz="UTC")], dtype=object)
    with pytest.raises(DataError, match="mixed zones: 1 of 2"):
        read_panel(pd.DataFrame({"ds": stamps, "y": [1.0, 2.0]}))
    with pytest.raises(DataError, match="Mixed zones: 1 of 2"):
        read_panel(pd.DataFrame({"ds": ["2024-01-01 00:00", "2024-01-02 00:00+01:00"], "y": [1.0, 2.0]}))


# Ways to write dates


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-01-30", "2024-01-31", "2024-02-01"],
        ["01/30/2024", "01/31/2024", "02/01/2024"],
        ["30/01/2024", "31/01/2024", "01/02/2024"],
        ["30.01.2024", "31.01.2024", "01.02.2024"],
        ["30.01.24", "31.01.24", "01.02.24"],
        ["Jan 30, 2024", "Jan 31, 2024", "Feb 1, 2024"],
        ["20240130", "20240131", "20240201"],
        [20240130, 20240131, 20240201],
        ["2024-01-30 12:00 AM", "2024-01-31 12:00 AM", "2024-02-01 12:00 AM"],
        ["2024-01-30T00:00:00Z", "2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z"],
        [datetime.date(2024, 1, 30), datetime.date(2024, 1, 31), datetime.date(2024, 2, 1)],
        [datetime.datetime(2024, 1, 30), datetime.datetime(2024, 1, 31), datetime.datetime(2024, 2, 1)],
    ],
)
def test_dates_are_read_in_many_notations(texts):
    panel = read_panel(pd.DataFrame({"Date": texts, "x": [1.0, 2.0, 3.0]}))
    assert panel.start[0] == np.datetime64("2024-01-30")
    assert (panel.frequency.alias, panel.y.tolist()) == ("D", [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "texts", [["2023Q4", "2024Q1"], ["2023-10", "2024-01"], ["Oct 2023", "Jan 2024"], [202310, 202401]]
)
def test_quarters_and_months_are_read_as_their_first_day(texts):
    panel = read_panel(pd.DataFrame({"period": texts, "x": [1.0, 2.0]}))
    assert (panel.start[0], panel.frequency.alias) == (np.datetime64("2023-10-01"), "QS-JAN")


def test_day_and_month_are_told_apart_by_the_steps_they_make_or_asked_for():
    months = pd.date_range("2022-01-01", periods=24, freq="MS")
    for written in ("%m/%d/%Y", "%d/%m/%Y"):
        panel = read_panel(pd.DataFrame({"date": months.strftime(written), "x": np.arange(24.0)}))
        assert panel.frequency.alias == "MS"
        assert any(written in note for note in panel.notes)
    with pytest.raises(DataError, match=r"'01/02/2024' can be read as '%m/%d/%Y' and as '%d/%m/%Y'"):
        read_panel(pd.DataFrame({"date": ["01/02/2024", "01/03/2024", "01/04/2024"], "x": [1.0, 2.0, 3.0]}))


def test_the_time_column_is_found_by_name_type_or_content():
    stamps = pd.date_range("2024-01-01", periods=5)
    for table in (
        pd.DataFrame({"x": range(5), "whenever": stamps}),
        pd.DataFrame({"x": range(5), "note": list("abcde"), "whenever": stamps.strftime("%Y-%m-%d")}),
        pd.DataFrame({"created": stamps + pd.Timedelta(days=9), "order_date": stamps, "x": range(5)}),
        pd.DataFrame({"x": range(5), "whenever": stamps.to_period("D")}),
    ):
        assert read_panel(table).start[0] == np.datetime64("2024-01-01")
    two = pd.DataFrame({"created": stamps, "changed": stamps, "x": range(5)})
    with pytest.raises(DataError, match=r"2 columns hold dates: created, changed.*time_col"):
        read_panel(two)
    assert read_panel(two, time_col="changed").form.time_col == "changed"


def test_a_date_spread_over_columns_is_a_question():
    table = pd.DataFrame({"year": [2024, 2024], "month": [1, 2], "x": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"spread over the columns year, month.*to_datetime"):
        read_panel(table)


@pytest.mark.parametrize("names", [["year", "date"], ["Jahr", "Monat", "Datum"], ["ano", "data"], ["Jahr", "Stichtag"]])
def test_a_date_is_the_time_whatever_parts_of_it_stand_before(names):
    dates = pd.date_range("2022-11-01", periods=100)
    parts = [dates.year, dates.month, dates.strftime("%d.%m.%Y")]
    values = [parts[0], *parts[3 - len(names) + 1 :]]
    panel = read_panel(pd.DataFrame({**dict(zip(names, values, strict=True)), "x": np.arange(100.0)}), target_col="x")
    assert (panel.form.time_col, panel.frequency.alias, panel.ids.tolist()) == (names[-1], "D", ["x"])


@pytest.mark.parametrize(("month", "day"), [("%m.%Y", "%d.%m.%Y"), ("%Y-%m", "%Y-%m-%d")])
def test_a_month_beside_its_days_is_not_the_time(month, day):
    dates = pd.date_range("2022-11-01", periods=100)
    table = pd.DataFrame({"Monat": dates.strftime(month), "Datum": dates.strftime(day), "x": np.arange(100.0)})
    assert (read_panel(table).form.time_col, read_panel(table).ids.tolist()) == ("Datum", ["x"])


def test_the_day_is_the_time_beside_what_tells_when_its_row_was_written():
    days = np.repeat(pd.date_range("2024-01-01", periods=20), 2)
    written = days + pd.to_timedelta(np.random.default_rng(0).integers(0, 86_400, 40), unit="s")
    table = pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "shop": list("ab") * 20, "time": written.astype(str)})
    panel = read_panel(table.assign(x=np.arange(40.0)), id_col="shop")
    assert (panel.form.time_col, panel.ids.tolist(), panel.frequency.alias) == ("date", ["a", "b"], "D")


@pytest.mark.parametrize(
    "told", [["2024-05-01"] * 30, [f"{year + 1}-03-{1 + year % 28:02d}" for year in range(1990, 2020)]]
)
def test_a_year_is_the_time_beside_dates_that_only_tell_of_it(told):
    table = pd.DataFrame({"year": range(1990, 2020), "release_date": told, "x": np.arange(30.0)})
    panel = read_panel(table)
    assert (panel.form.time_col, panel.ids.tolist(), panel.lengths.tolist()) == ("year", ["x"], [30])
    countries = pd.concat([table.assign(country=name) for name in "ab"])
    assert read_panel(countries).ids.tolist() == ["a", "b"]


@pytest.mark.parametrize("year", ["year", "Jahr", "Année", "AÑO"])
@pytest.mark.parametrize(
    ("parts", "freq"),
    [
        (["Quartal"], "QS"),
        (["quarter", "month"], "MS"),
        (["KW"], "W-MON"),
        (["quarter", "month", "KW"], "W-MON"),
        (["Monat", "Tag"], "D"),
        (["Monat", "KW", "Tag"], "D"),
        (["day"], "D"),
    ],
)
def test_the_code_that_joins_a_date_spread_over_columns_gives_its_time(year, parts, freq):
    dates = pd.date_range("2021-01-04" if freq == "W-MON" else "2021-01-01", periods=40, freq=freq)
    numbers = {"Quartal": dates.quarter, "quarter": dates.quarter, "month": dates.month, "Monat": dates.month}
    numbers |= {"KW": dates.isocalendar()["week"].to_numpy(), "Tag": dates.day, "day": dates.day_of_year}
    df = pd.DataFrame({year: dates.year, **{part: numbers[part] for part in parts}, "x": np.arange(40.0)})
    with pytest.raises(DataError, match="The date is spread over the columns") as refused:
        read_panel(df)
    code = str(refused.value).partition(" in Python by df = ")[2].partition(", or name one")[0]
    panel = read_panel(eval(code, {"df": df, "pd": pd}))
    assert (panel.ids.tolist(), panel.y.tolist()) == (["x"], list(range(40)))
    assert panel.start[0] == dates[0].to_datetime64()


@pytest.mark.parametrize(
    ("parts", "freq"),
    [
        ({"month": "%m"}, "MS"),
        ({"month": "%B"}, "MS"),
        ({"Month": "%b", "day": "%d"}, "D"),
        ({"week": "W%V"}, "W-MON"),
        ({"quarter": "Q"}, "QS"),
        ({"month": "%m", "day": "%d"}, "D"),
    ],
)
@pytest.mark.parametrize("dtype", [None, "category"])
def test_parts_of_a_date_that_are_text_are_joined_and_no_names_of_series(parts, freq, dtype):
    dates = pd.date_range(
        "2021-01-04" if freq == "W-MON" else "2021-01-01", periods=500 if freq == "D" else 40, freq=freq
    )
    years = dates.year if dtype is None else pd.Categorical(dates.year.astype(str))  # as of a folder of partitions
    texts = {
        name: "Q" + dates.quarter.astype(str) if form == "Q" else dates.strftime(form) for name, form in parts.items()
    }
    columns = {name: pd.Series(text, dtype=dtype) for name, text in texts.items()}
    df = pd.DataFrame({"year": years, **columns, "x": np.arange(float(len(dates)))})
    with pytest.raises(DataError, match="The date is spread over the columns") as refused:
        read_panel(df)
    code = str(refused.value).partition(" in Python by df = ")[2].partition(", or name one")[0]
    panel = read_panel(eval(code, {"df": df, "pd": pd}))
    assert (panel.ids.tolist(), panel.y.tolist()) == (["x"], df["x"].tolist())
    assert panel.start[0] == dates[0].to_datetime64()


def test_words_beside_a_year_may_be_named_as_series_or_tell_of_the_year():
    table = pd.DataFrame({"year": np.repeat([2021, 2022, 2023], 2), "month": ["Jan", "Feb"] * 3, "x": range(6)})
    assert read_panel(table, id_col="month").ids.tolist() == ["Jan", "Feb"]
    peaks = read_panel(table.assign(year=range(2000, 2006)))
    assert (peaks.form.time_col, peaks.ids.tolist()) == ("year", ["x"])


# Frequency and season


def test_the_frequency_given_rules():
    table = wide_table().iloc[[0, 2, 4, 6]]
    assert read_panel(table).frequency.alias == "2D"
    panel = read_panel(table, freq="D")
    assert panel.lengths.tolist() == [7, 7]
    assert read_panel(table, freq=panel.frequency).frequency == panel.frequency
    assert any("given" in note for note in panel.notes)


def test_one_row_needs_the_frequency():
    with pytest.raises(FrequencyError, match="No series has two time stamps"):
        read_panel(wide_table(1))
    assert read_panel(wide_table(1), freq="D").lengths.tolist() == [1, 1]
    assert read_panel(pd.Series([1.0], index=pd.period_range("2024-05", periods=1, freq="M"))).frequency.alias == "MS"


def test_an_index_of_periods_counts_from_their_starts():
    for freq, alias in (
        ("M", "MS"),
        ("Q", "QS-JAN"),
        ("W-SUN", "W-MON"),
        ("Y", "YS-JAN"),
        ("h", "h"),
        ("D", "D"),
    ):
        series = pd.Series(np.arange(15.0), index=pd.period_range("2024-01-01", periods=15, freq=freq))
        assert read_panel(series).frequency.alias == alias
        assert read_panel(series, freq=series.index.freq).frequency.alias == alias


def test_the_season_is_found_in_integer_time_and_minutes():
    wave = np.sin(2 * np.pi * np.arange(600) / 12)
    assert read_panel(pd.Series(wave)).season_length == 12
    hours = np.sin(2 * np.pi * np.arange(600) / 60)
    minutes = pd.Series(hours, index=pd.date_range("2024-01-01", periods=600, freq="min"))
    assert read_panel(minutes).season_length == 60
    noise = pd.Series(np.random.default_rng(0).normal(size=300))
    assert read_panel(noise).season_length == 1
    assert any("none found" in note for note in read_panel(noise).notes)
    assert read_panel(pd.Series(wave), season_length=5).season_length == 5


def test_one_stamp_gone_astray_does_not_make_a_giant_grid():
    table = wide_table(200)
    table.loc[199, "date"] = pd.Timestamp("2200-01-01")
    with pytest.raises(FrequencyError, match=r"200 rows would become 64,.*between 2024-07-17 and 2200-01-01"):
        read_panel(table)
    long = long_table(2, 200)
    long.loc[199, "ds"] = pd.Timestamp("2200-01-01")
    with pytest.raises(FrequencyError, match=r"400 rows would become 64,.*2200-01-01"):
        read_panel(long)


# Errors


def shops(**columns):
    days = pd.date_range("2024-01-01", periods=30)
    rows = pd.MultiIndex.from_product([days, [1, 2, 3], ["milk", "tea"]], names=["day", "shop", "item"]).to_frame()
    return rows.reset_index(drop=True).assign(sold=np.arange(180) % 7 + 0.5, **columns)


def test_a_row_that_comes_twice_with_other_values_names_no_series():
    table = shops().query("item == 'tea'").drop(columns="item").assign(sold=1)
    again = table.head(2).assign(sold=2)
    with pytest.raises(DataError, match=r"^2 rows repeat the time stamp .* Drop or aggregate them\.$"):
        read_panel(pd.concat([table, again]), id_col="shop", target_col="sold")


def test_columns_that_name_series_of_shared_time_stamps_are_told():
    of_one = shops().query("item == 'tea'").drop(columns="item")
    with pytest.raises(DataError, match=r"Column 'shop' tells these rows apart; name it with id_col\.$"):
        read_panel(of_one)
    joined = r"df\['unique_id'\] = df\['shop'\]\.astype\(str\) \+ ' ' \+ df\['item'\]\.astype\(str\)\.$"
    both = r"Columns 'shop' and 'item' tell these rows apart; make them one, for example with " + joined
    for options in ({}, {"id_col": "shop"}):
        with pytest.raises(DataError, match=both):
            read_panel(shops(), **options)
    df = shops()
    df["unique_id"] = df["shop"].astype(str) + " " + df["item"].astype(str)
    assert read_panel(df, target_col="sold").n_series == 6


@pytest.mark.parametrize(("step", "hint"), [("D", False), ("h", True)])
def test_a_few_repeated_rows_are_no_series_and_days_repeat_no_hour(step, hint):
    stamps = pd.date_range("2024-01-01", periods=40, freq=step)
    table = pd.DataFrame({"ds": stamps, "y": 1.5, "n": np.arange(40) % 9})
    with pytest.raises(DataError, match=r"3 time stamps occur more than once.* drop or aggregate them\.") as caught:
        read_panel(pd.concat([table, table.iloc[:3].assign(n=20)]))
    assert ("daylight saving" in str(caught.value)) == hint
    with pytest.raises(DataError, match=r"3 rows repeat the time stamp .* Drop or aggregate them\.") as caught:
        read_panel(pd.concat([table, table.iloc[:3].assign(n=20)]).assign(unique_id="a"), target_col="y")
    assert ("daylight saving" in str(caught.value)) == hint


@pytest.mark.parametrize(
    ("table", "options", "error", "message"),
    [
        ([1.0, 2.0], {}, DataError, r"not list.*pd\.Series\(values\)"),
        ("sales.csv", {}, DataError, r"not str\. Read the file first, .*pd\.read_csv\('sales\.csv'\)\.$"),
        (pa.Table.from_pandas(wide_table()), {}, DataError, r"not Table\. Its to_pandas\(\) makes one of it\.$"),
        (pd.Series([1.0], index=pd.to_timedelta([1], unit="h")), {}, DataError, "^The index: values of type Timedelta"),
        (pd.Series([1.0, 2.0], index=[pd.Timestamp("2024"), None]), {}, DataError, "^The index: 1 of 2 time stamps"),
        (long_table().iloc[:0], {}, DataError, "no rows"),
        (pd.Series([], dtype=float), {}, DataError, "no rows"),
        (wide_table()[["date"]], {}, DataError, "no numeric column.*no others"),
        (wide_table()[["date"]].assign(ok=True), {}, DataError, r"no numeric column.*ok \(bool\)"),
        (
            wide_table()[["date"]].assign(s="12 kWh"),
            {},
            DataError,
            r"s \(text, '12 kWh'\)\. Expected a column of numbers",
        ),
        (
            wide_table(),
            {"target_col": "aa"},
            ColumnError,
            "target_col='aa' is not a column.*Did you mean 'a'",
        ),
        (wide_table(), {"time_col": "day"}, ColumnError, "time_col='day' is not a column.*date, a, b"),
        (wide_table(), {"id_col": "shop"}, ColumnError, "id_col='shop' is not a column"),
        (long_table(1, 2).assign(unique_id=[["x"], ["x"]]), {}, DataError, r"'unique_id' cannot name series"),
        (wide_table(2).assign(date=[[1], [2]]), {"time_col": "date"}, DataError, "values of type list cannot"),
        (long_table(), {"target_col": ["y", "ds"]}, ColumnError, "'ds' is the time or id column"),
        (long_table().assign(x=1.0), {"target_col": ["y", "x"]}, DataError, "names 2: y, x"),
        (
            long_table().rename(columns={"y": "a"}).assign(b=1.0),
            {},
            DataError,
            "2 numeric columns.*a, b.*target_col",
        ),
        (long_table().drop(columns="ds"), {}, DataError, "No column of dates was found.*time_col"),
        (
            wide_table().assign(a=np.inf),
            {},
            DataError,
            "Column 'a' has 20 infinite values, in row 0, 1, 2, 3, 4, ...",
        ),
        (
            wide_table().assign(a=-1.7e308),
            {},
            DataError,
            r"20 values are too large to compute with, in 1 of 2 series: a. The largest is 1.7e\+308, expected at most "
            r"1e\+301. Replace them by NaN .*, or divide",
        ),
        (wide_table().assign(a=np.nan, b=np.nan), {}, DataError, "All 2 series are empty"),
        (
            wide_table().assign(date=pd.NaT),
            {"time_col": "date"},
            DataError,
            "20 of 20 time stamps are missing, in row 0",
        ),
        (
            wide_table(2).assign(date=["2024-01-01", "soon"]),
            {},
            DataError,
            r"1 of 2 values.*'soon' \(row 1\)",
        ),
        (wide_table(2).assign(date=["1500-01-01", "1500-01-02"]), {}, DataError, "1678 to 2261"),
        (
            wide_table(2).assign(date=[1958.2, 1958.3]),
            {"time_col": "date"},
            DataError,
            "not whole numbers.*decimal years",
        ),
        (
            wide_table(2).assign(date=[True, False]),
            {"time_col": "date"},
            DataError,
            "true and false are no time",
        ),
        (
            wide_table(2).assign(date=[object(), object()]),
            {"time_col": "date"},
            DataError,
            "values of type object",
        ),
        (wide_table(2).assign(a=["1,5", "2,5"]), {}, DataError, "decimal commas, for example '1,5'.*replace"),
        (
            wide_table(2).assign(a=["1.5", "n.a."]),
            {"target_col": "a"},
            DataError,
            "'n.a.'; expected numbers.*to_numeric",
        ),
        (wide_table(2).assign(a=[1j, 2j]), {"target_col": "a"}, DataError, "holds complex128 values"),
        (
            pd.concat([wide_table(3), wide_table(2)]),
            {},
            DataError,
            "2 time stamps occur more than once.*2024-01-01, 2024",
        ),
        (pd.concat([long_table(), long_table().iloc[[3]]]), {}, DataError, "1 row repeats.*s0 at 2024-01-04"),
        (long_table().assign(unique_id=None), {}, DataError, "'unique_id' is missing in 60 rows"),
        (
            long_table(2, 3).assign(unique_id=[1, 1, 1, "1", "1", "1"]),
            {},
            DataError,
            r"Two series have the name 1, 1 \(int\) and '1' \(str\)\. Give one of them another name\.$",
        ),
        (
            wide_table(3).assign(**{"1": 1.0}).rename(columns={"a": 1}),
            {},
            DataError,
            r"Two series have the name 1, 1 \(int\) and '1' \(str\)\. Give one of them another name\.$",
        ),
        (wide_table().set_axis(["date", "a", "a"], axis=1), {}, DataError, "occur more than once: a"),
        (long_table().set_index(["unique_id", "ds"]), {}, DataError, r"index has 2 levels.*reset_index"),
        (long_table().set_index(["unique_id", "ds"])["y"], {}, DataError, r"index has 2 levels.*reset_index"),
        (pd.concat({"x": wide_table()}, axis=1), {}, DataError, "columns have 2 levels"),
        (
            wide_table(),
            {"season_length": 0},
            ParameterError,
            "season_length=0: expected a whole number of steps, 1 for",
        ),
        (wide_table(), {"season_length": 2.5}, ParameterError, "season_length=2.5"),
        (wide_table(), {"season_length": True}, ParameterError, "season_length=True"),
        (wide_table(), {"freq": "h2"}, FrequencyError, "freq='h2' is no time step"),
    ],
)
def test_a_table_that_cannot_be_read_gets_an_error_with_its_cure(table, options, error, message):
    with pytest.raises(error, match=message):
        read_panel(table, **options)


@pytest.mark.parametrize("name", [["shop"], {}, {"shop": 1}, np.array(["shop"]), ("shop", [])])
@pytest.mark.parametrize("argument", ["id_col", "time_col", "target_col"])
def test_what_cannot_name_a_column_is_refused(argument, name):
    table = pd.DataFrame({"shop": "a", "ds": pd.date_range("2024", periods=5), "y": range(5)})
    if argument == "target_col" and isinstance(name, (list, tuple, np.ndarray)):
        name = [["y"]]
    with pytest.raises(ParameterError, match=rf"^{argument}=.*: expected the name of one column"):
        read_panel(table, **{argument: name})


def test_a_column_itself_is_no_name_of_it():
    table = pd.DataFrame({"ds": pd.date_range("2024", periods=5), "y": range(5)})
    with pytest.raises(ParameterError, match=r"^target_col is a Series: expected the name of one column, or a list"):
        read_panel(table, target_col=table["y"])


def test_local_hours_without_a_zone_that_repeat_are_explained():
    stamps = pd.date_range("2024-10-27", periods=6, freq="h", tz="Europe/Berlin").tz_localize(None)
    with pytest.raises(DataError, match=r"2024-10-27 02:00:00.*daylight saving"):
        read_panel(pd.Series(np.arange(6.0), index=stamps))


# The panel itself


def test_cutoffs_and_futures_are_index_ranges():
    panel = read_panel(long_table(2, 5))
    cutoffs = Cutoffs(np.array([0, 1, 1]), np.array([3, 4, 5]))
    np.testing.assert_array_equal(panel.future(cutoffs, 2), [[3.0, 4.0], [9.0, np.nan], [np.nan, np.nan]])
    assert panel.last_cutoffs().end.tolist() == [5, 5]
    assert panel.n_observed.tolist() == [5, 5]


@pytest.mark.parametrize("unit", ["", "D", "h", "W", "bh", "SME", "WOM-1MON", "MS", "B"])
@pytest.mark.parametrize("rows", [1, 9])
@pytest.mark.parametrize("number", [2**63, 10**25])
def test_a_step_that_is_longer_than_any_time_is_refused(unit, rows, number):
    days = pd.date_range("2024-01-01", periods=rows) if unit else np.arange(rows)
    freq = f"{number}{unit}"
    with pytest.raises(FrequencyError, match=rf"freq='{freq}': no time stamps lie so far apart"):
        read_panel(pd.DataFrame({"ds": days, "y": np.arange(float(rows))}), freq=freq)


@pytest.mark.parametrize("season_length", [1_000_001, 10**30])
def test_a_season_that_no_memory_holds_is_refused(season_length):
    with pytest.raises(ParameterError, match=rf"season_length={season_length}: expected 1,000,000 steps at most"):
        read_panel(pd.Series([1.0, 2.0, 3.0]), season_length=season_length)
    assert read_panel(pd.Series([1.0, 2.0, 3.0]), season_length=1_000_000).season_length == 1_000_000


def test_names_that_look_alike_are_told():
    table = monthly_table(n_series=4).replace({"unique_id": {"series 1": "Series 0 ", "series 2": "SERIES 3"}})
    panel = read_panel(table)
    (note,) = [note for note in panel.notes if "capitals" in note]
    assert note == (
        "4 names of series differ from another one in spaces or capitals alone: 'series 0', 'Series 0 ', 'SERIES 3', "
        "'series 3'. Write what is one series in one way."
    )
    assert panel.n_series == 4
    numbered = table.assign(unique_id=table["unique_id"].factorize()[0])
    for other in (monthly_table(n_series=4), numbered):
        assert not [note for note in read_panel(other).notes if "capitals" in note]
