import datetime

import numpy as np
import pandas as pd
import pytest

from tsrnn.data.files import read_table
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, TsrnnError

HOURS = pd.date_range("2024-01-01", periods=480, freq="h")


def split(dates, clocks, **more):
    return pd.DataFrame({"date": dates, **clocks, "load": np.arange(480.0), **more})


TEXT_DATES = HOURS.strftime("%Y-%m-%d")
TIMES = [datetime.time(hour) for hour in HOURS.hour]


@pytest.mark.parametrize("dates", [TEXT_DATES, HOURS.strftime("%d.%m.%Y"), HOURS.normalize()], ids=["iso", "dmy", "dt"])
@pytest.mark.parametrize(
    "clocks",
    [
        {"time": HOURS.strftime("%H:%M")},
        {"Uhrzeit": HOURS.strftime("%H:%M:%S")},
        {"from": HOURS.strftime("%H:%M"), "to": (HOURS + pd.Timedelta("1h")).strftime("%H:%M")},
        {"time": HOURS.strftime("%I:%M %p")},
        {"time": HOURS.strftime("%H%M")},
        {"time": TIMES},
        {"time": pd.Categorical(HOURS.strftime("%H:%M"))},
        {"hour": HOURS.hour},
        {"hour": HOURS.strftime("%H")},
        {"hour": HOURS.hour + 1},
    ],
    ids=lambda clocks: "-".join(f"{name} {values[13]}" for name, values in clocks.items()),
)
def test_a_date_and_a_time_of_day_in_two_columns_are_refused_with_code_that_joins_them(dates, clocks):
    df = split(dates, clocks)
    with pytest.raises(DataError, match=r"dates repeat in 'date', and .* holds times of day. Join them") as caught:
        read_panel(df)
    code = str(caught.value).split("df = ")[1].split(". To forecast")[0]
    panel = read_panel(eval(code), target_col="load")
    assert panel.frequency.alias == "h"
    assert panel.start[0] == HOURS[0].to_datetime64()
    assert panel.y.tolist() == list(range(480))


def test_the_dates_may_be_the_index():
    df = split(HOURS.normalize(), {"time": HOURS.strftime("%H:%M")}).set_index("date")
    with pytest.raises(DataError, match="holds times of day") as caught:
        read_panel(df)
    code = str(caught.value).split("df = ")[1].split(". To forecast")[0]
    assert read_panel(eval(code)).frequency.alias == "h"


@pytest.mark.parametrize("named", [{}, {"id_col": "shop"}])
def test_series_of_dates_and_times_are_refused_too(named):
    one = split(TEXT_DATES, {"time": HOURS.strftime("%H:%M")})
    df = pd.concat([one.assign(shop="a"), one.assign(shop="b")])
    with pytest.raises(DataError, match="holds times of day"):
        read_panel(df, **named)


def test_a_csv_with_hours_as_numbers_is_refused_alike(tmp_path):
    split(TEXT_DATES, {"hour": HOURS.strftime("%H")}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match="'hour' holds times of day"):
        read_panel(read_table(tmp_path / "t.csv"))


def test_a_time_of_day_that_is_named_as_the_id_names_series():
    df = split(TEXT_DATES, {"time": HOURS.strftime("%H:%M")})
    panel = read_panel(df, id_col="time")
    assert panel.n_series == 24
    assert panel.frequency.alias == "D"


def test_a_time_of_day_beside_dates_that_do_not_repeat_is_ignored():
    days = pd.date_range("2024-01-01", periods=20).strftime("%Y-%m-%d")
    daily = pd.DataFrame({"date": days, "time": "16:00", "close": np.arange(20.0)})
    assert read_panel(daily).frequency.alias == "D"
    shops = pd.concat([daily.assign(shop="a", time="08:00"), daily.assign(shop="b", time="09:30")])
    assert list(read_panel(shops).ids) == ["a", "b"]


def test_hours_that_are_wanted_as_values_are_values():
    days = pd.date_range("2024-01-01", periods=20).strftime("%Y-%m-%d")
    assert read_panel(pd.DataFrame({"date": days, "hours": np.arange(20)})).n_series == 1


def test_an_hour_column_without_values_is_no_clock():
    table = pd.DataFrame({"date": pd.date_range("2023-01-01", periods=20), "y": np.arange(20.0)})
    with pytest.warns(UserWarning, match="1 of 2 series has no values and no answer but NaN: hour"):
        assert read_panel(table.assign(hour=pd.array([None] * 20, dtype="Int64"))).n_series == 2


def test_hours_that_are_one_for_each_date_are_no_times_of_day():
    days = np.repeat(pd.date_range("2023-01-01", periods=20), 2)
    table = pd.DataFrame({"store": [1, 2] * 20, "date": days, "hours": np.repeat(np.arange(20) % 12, 2), "y": 1.0})
    with pytest.raises(TsrnnError) as caught:
        read_panel(table)
    assert "spread over two columns" not in str(caught.value)
    assert read_panel(table, id_col="store", target_col="y").n_series == 2
