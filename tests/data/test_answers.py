import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn.data.answers import forecast_table, interval_columns, long_forecasts, stamp_table
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, ParameterError

LEVELS = (0.1, 0.5, 0.9)


def zeros(panel, h, q=1):
    return np.zeros((panel.n_series, h, q))


def continue_table(table, h, **options):
    """Cut the last h rows of a table off and forecast them by their own values."""
    panel = read_panel(table.iloc[:-h], **options)
    truth = read_panel(table, **options)
    values = np.stack([truth.series(i)[-h:] for i in range(truth.n_series)])[:, :, None]
    return forecast_table(panel, values, (0.5,))


INDEXES = [
    pd.date_range("2024-01-01", periods=20, name="day"),
    pd.date_range("2024-01-01", periods=20, unit="s"),
    pd.date_range("2024-01-31", periods=20, freq="ME"),
    pd.date_range("2024-03-30", periods=30, freq="h", tz="Europe/Berlin"),
    pd.date_range("2024-10-20", periods=20, freq="D", tz="Europe/Berlin"),
    pd.date_range("2024-03-20", periods=20, freq="D", tz="America/New_York", unit="ms"),
    pd.bdate_range("2024-01-01", periods=20, tz="Asia/Tokyo"),
    pd.period_range("2024-01", periods=20, freq="M", name="month"),
    pd.period_range("2020Q1", periods=20, freq="Q"),
    pd.period_range("2024-01-01", periods=20, freq="W-SUN"),
    pd.RangeIndex(20),
    pd.RangeIndex(100, 200, 5, name="t"),
    pd.Index(np.arange(1990, 2010, dtype="int32"), name="year"),
]


@pytest.mark.parametrize("index", INDEXES)
def test_the_forecast_of_a_series_continues_its_index(index):
    series = pd.Series(np.arange(len(index)) + 1.0, index=index, name="sales")
    answer = continue_table(series, 7)
    pd.testing.assert_series_equal(answer, series.iloc[-7:], check_freq=False)


@pytest.mark.parametrize("index", INDEXES)
def test_the_forecast_of_a_wide_table_continues_its_index_or_date_column(index):
    table = pd.DataFrame({"b": np.arange(len(index)) + 1.0, "a": 5.0}, index=index).rename_axis(columns="shop")
    answer = continue_table(table, 7)
    pd.testing.assert_frame_equal(answer, table.iloc[-7:], check_freq=False, check_column_type=False)
    column = table.rename_axis("when").reset_index()
    answer = continue_table(column, 7, time_col="when")
    pd.testing.assert_frame_equal(answer, column.iloc[-7:].reset_index(drop=True), check_column_type=False)


@pytest.mark.parametrize("dtype", ["str", "category", "int64", "object", "string[pyarrow]"])
@pytest.mark.parametrize("value_dtype", ["float32", "float64", "int64"])
def test_a_long_forecast_keeps_names_order_and_types(dtype, value_dtype):
    table = pd.DataFrame({"shop": np.repeat([3, 1, 2], 5), "day": np.tile(np.arange(5), 3)})
    table = table.assign(shop=table["shop"].astype(dtype), sold=np.arange(15).astype(value_dtype))
    panel = read_panel(table, id_col="shop", time_col="day")
    answer = forecast_table(panel, zeros(panel, 2), (0.5,))
    assert answer.columns.tolist() == ["shop", "day", "yhat"]
    assert answer["shop"].dtype == table["shop"].dtype
    assert answer["shop"].astype(int).tolist() == [3, 3, 1, 1, 2, 2]
    assert answer["day"].tolist() == [5, 6] * 3
    assert answer["yhat"].dtype == ("float32" if value_dtype == "float32" else "float64")


def test_zones_and_units_of_a_long_table_come_back():
    for stamps in (
        pd.date_range("2024-03-30", periods=40, freq="h", tz="Europe/Berlin", unit="s"),
        pd.date_range("2024-03-20", periods=40, freq="D", tz="Europe/Berlin", unit="ns"),
    ):
        table = pd.DataFrame({"unique_id": "x", "ds": stamps, "y": np.arange(40.0)})
        panel = read_panel(table.iloc[:20])
        answer = forecast_table(panel, zeros(panel, 20), (0.5,))
        pd.testing.assert_series_equal(answer["ds"], table["ds"].iloc[20:].reset_index(drop=True))


def test_a_midnight_that_does_not_exist_is_forecast_after_the_jump():
    stamps = pd.date_range("2018-10-25", periods=8, tz="America/Sao_Paulo")
    panel = read_panel(pd.Series(np.arange(8.0), index=stamps))
    answer = forecast_table(panel, zeros(panel, 5), (0.5,))
    assert answer.index.strftime("%d %H:%M").tolist() == ["02 00:00", "03 00:00", "04 01:00", "05 00:00", "06 00:00"]


def test_intervals_always_come_as_a_long_table():
    wide = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=9), "a": np.arange(9.0), "b": 1.0})
    panel = read_panel(wide)
    values = np.arange(2 * 2 * 3, dtype=float).reshape(2, 2, 3)
    answer = forecast_table(panel, values, LEVELS, levels=(80,), quantiles=(0.1,))
    assert answer.columns.tolist() == ["unique_id", "ds", "yhat", "yhat-lo-80", "yhat-hi-80", "yhat-q0.1"]
    assert answer["unique_id"].tolist() == ["a", "a", "b", "b"]
    assert answer["yhat"].tolist() == [1.0, 4.0, 7.0, 10.0]
    assert answer["yhat-lo-80"].tolist() == answer["yhat-q0.1"].tolist() == [0.0, 3.0, 6.0, 9.0]
    assert answer["yhat-hi-80"].tolist() == [2.0, 5.0, 8.0, 11.0]
    series = read_panel(wide.set_index("date")["a"])
    assert forecast_table(series, values[:1], LEVELS, quantiles=(0.9,)).columns.tolist() == [
        "unique_id",
        "ds",
        "yhat",
        "yhat-q0.9",
    ]


def test_a_long_table_with_intervals_keeps_its_own_names():
    table = pd.DataFrame({"shop": ["x"] * 4, "day": range(4), "sold": range(4)})
    panel = read_panel(table, id_col="shop", time_col="day")
    answer = forecast_table(panel, zeros(panel, 1, 3), LEVELS, levels=(80,))
    assert answer.columns.tolist() == ["shop", "day", "yhat", "yhat-lo-80", "yhat-hi-80"]


def test_column_names_write_levels_and_quantiles_briefly():
    values = np.zeros((1, 1, 5))
    names = interval_columns("m", values, (0.0125, 0.025, 0.5, 0.975, 0.9875), levels=(95.0, 97.5), quantiles=(0.025,))
    assert list(names) == ["m", "m-lo-95", "m-hi-95", "m-lo-97.5", "m-hi-97.5", "m-q0.025"]


def test_a_level_that_was_not_forecast_is_an_error():
    with pytest.raises(
        ParameterError, match=r"'yhat-lo-90' needs the quantile 0.05, but the forecast has: 0.1, 0.5, 0.9"
    ):
        interval_columns("yhat", np.zeros((1, 1, 3)), LEVELS, levels=(90,))


def test_series_that_end_at_different_times_are_forecast_from_their_own_ends():
    table = pd.DataFrame({"unique_id": ["a"] * 4 + ["b"] * 3, "ds": [1, 2, 3, 4, 7, 8, 9], "y": np.arange(7.0)})
    panel = read_panel(table)
    assert forecast_table(panel, zeros(panel, 2), (0.5,))["ds"].tolist() == [5, 6, 10, 11]


def test_the_stamps_of_cutoffs_say_what_happened_after_each():
    stamps = pd.date_range("2024-01-31", periods=6, freq="ME")
    panel = read_panel(pd.DataFrame({"date": stamps, "a": np.arange(6.0), "b": np.arange(6.0) * 10}))
    table = stamp_table(panel, Cutoffs(np.array([1, 0]), np.array([3, 5])), 2)
    expected = pd.DataFrame(
        {
            "unique_id": ["b", "b", "a", "a"],
            "ds": pd.DatetimeIndex(["2024-04-30", "2024-05-31", "2024-06-30", "2024-07-31"], dtype=stamps.dtype),
            "cutoff": pd.DatetimeIndex(["2024-03-31"] * 2 + ["2024-05-31"] * 2, dtype=stamps.dtype),
            "step": [1, 2, 1, 2],
            "y": [30.0, 40.0, 5.0, np.nan],
        }
    )
    pd.testing.assert_frame_equal(table, expected)


def test_long_forecasts_put_models_beside_what_happened():
    panel = read_panel(pd.Series(np.arange(6.0)))
    cutoffs = Cutoffs(np.array([0, 0]), np.array([2, 4]))
    values = np.arange(12.0).reshape(2, 2, 3)
    table = long_forecasts(panel, cutoffs, values, LEVELS, levels=(80,), name="ARIMA")
    assert table.columns.tolist()[-3:] == ["ARIMA", "ARIMA-lo-80", "ARIMA-hi-80"]
    assert table[["cutoff", "ds", "y", "ARIMA"]].to_numpy().tolist() == [
        [1.0, 2.0, 2.0, 1.0],
        [1.0, 3.0, 3.0, 4.0],
        [3.0, 4.0, 4.0, 7.0],
        [3.0, 5.0, 5.0, 10.0],
    ]


def test_a_wide_column_that_begins_late_or_is_empty_is_answered_in_its_place():
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [np.nan, 1.0, 2.0], "c": np.nan})
    with pytest.warns(UserWarning, match="1 of 3 series"):
        panel = read_panel(table)
    values = np.array([[[1.0]], [[2.0]], [[np.nan]]])
    answer = forecast_table(panel, values, (0.5,))
    assert answer.index.tolist() == [3]
    np.testing.assert_array_equal(answer.to_numpy(), [[1.0, 2.0, np.nan]])


def test_names_that_are_tuples_come_back_as_they_were():
    table = pd.DataFrame(np.arange(8.0).reshape(4, 2), index=pd.date_range("2024-01-01", periods=4, freq="MS"))
    table.columns = pd.MultiIndex.from_product([["Close"], ["B", "A"]]).to_flat_index()
    panel = read_panel(table)
    answer = forecast_table(panel, zeros(panel, 2), (0.5,))
    assert not isinstance(answer.columns, pd.MultiIndex)
    assert answer.columns.equals(table.columns)
    answer = forecast_table(panel, zeros(panel, 2, 3), LEVELS, levels=(80,))
    assert answer["unique_id"].tolist() == [("Close", "B")] * 2 + [("Close", "A")] * 2


@pytest.mark.parametrize(
    ("names", "column", "cure"),
    [
        (("yhat", "day"), "yhat", "unique_id"),
        (("shop", "yhat"), "yhat", "ds"),
        (("shop", "yhat-lo-80"), "yhat-lo-80", "ds"),
        (("yhat-q0.1", "day"), "yhat-q0.1", "unique_id"),
    ],
)
def test_an_id_or_time_column_named_like_a_forecast_is_refused(names, column, cure):
    id_col, time_col = names
    table = pd.DataFrame({id_col: ["x"] * 4, time_col: range(4), "sold": range(4)})
    panel = read_panel(table, id_col=id_col, time_col=time_col)
    message = rf"The column '{column}' .* name of a column of the forecast.*rename\(columns={{'{column}': '{cure}'}}\)"
    with pytest.raises(DataError, match=message):
        forecast_table(panel, zeros(panel, 1, 3), LEVELS, levels=(80,), quantiles=(0.1,))


def test_an_id_column_named_like_the_index_of_time_is_refused():
    table = pd.DataFrame({"day": ["x"] * 4, "y": range(4)}, index=pd.date_range("2024-01-01", periods=4, name="day"))
    panel = read_panel(table, id_col="day")
    with pytest.raises(DataError, match=r"The column 'day' .* name of the time column.*rename"):
        forecast_table(panel, zeros(panel, 1), (0.5,))


@settings(max_examples=40, deadline=None)
@given(
    freq=st.sampled_from(["h", "D", "B", "W-FRI", "MS", "ME", "QE-DEC", "YS-JAN", "15min", "2h"]),
    zone=st.sampled_from([None, "UTC", "Europe/Berlin", "Asia/Kolkata"]),
    unit=st.sampled_from(["s", "us", "ns"]),
    n=st.integers(12, 30),
    h=st.integers(1, 8),
)
def test_forecasting_the_rows_that_were_cut_off_gives_the_table_back(freq, zone, unit, n, h):
    stamps = pd.date_range("2023-03-20", periods=n + h, freq=freq, unit=unit).tz_localize(zone)
    table = pd.DataFrame({"when": stamps, "x": np.arange(n + h) * 1.5, "z": 2.0})
    answer = continue_table(table, h, freq=freq)
    pd.testing.assert_frame_equal(answer, table.iloc[n:].reset_index(drop=True), check_column_type=False)


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [("int8", "int64"), ("uint8", "int64"), ("Int8", "Int64"), ("UInt8", "Int64"), ("float32", "float64")],
)
def test_whole_numbers_as_time_go_on_beyond_their_type(dtype, wide):
    most = 2**24 if dtype == "float32" else np.iinfo(dtype.lower()).max
    stamps = pd.Series(range(most - 9, most), dtype=dtype)
    panel = read_panel(pd.DataFrame({"unique_id": "a", "ds": stamps, "y": 1.0}))
    short, long = (forecast_table(panel, zeros(panel, h), (0.5,))["ds"] for h in (1, 4))
    assert (short.tolist(), short.dtype) == ([most], dtype)
    assert (long.tolist(), long.dtype) == ([most, most + 1, most + 2, most + 3], wide)


def test_whole_numbers_of_arrow_go_on_beyond_their_type():
    pytest.importorskip("pyarrow")
    stamps = pd.Series(range(118, 128), dtype="int8[pyarrow]")
    panel = read_panel(pd.Series(1.0, index=pd.Index(stamps)))
    answer = forecast_table(panel, zeros(panel, 2), (0.5,))
    assert answer.index.tolist() == [128, 129]
    assert answer.index.dtype == "int64[pyarrow]"
