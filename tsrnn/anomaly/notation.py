"""How the lines of a stream are written: as the file that its history was read from."""

from __future__ import annotations

import csv
import io
import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from tsrnn.data.csv_text import SAMPLE_LINES, find_separator
from tsrnn.data.dates import parse_dates
from tsrnn.data.files import PARQUET, UNSAID, FileForm, read_csv_text
from tsrnn.data.number_marks import find_marks, number_pattern, thousands_beside
from tsrnn.data.number_signs import plain_number, split_sign
from tsrnn.errors import DataError

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel

ISO = "ISO8601"
# Seconds since 1970, or parts of them.
UNIX = "unix"
# What the reader of files takes for a number. Python's own also takes 1_0, digits of other scripts and +nan.
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Notation:
    """How lines are cut, and how their dates and numbers are written.

    Parameters
    ----------
    sep : str
        The character between fields.
    decimal : str
        The decimal sign.
    thousands : str, optional
        The sign between groups of three digits; None where numbers have none.
    date_format : str, optional
        As in ``strptime``, or "ISO8601", or "unix" for time since 1970. None where it is not known: then a date must be
        readable in one way alone.
    header : tuple of str, optional
        The columns of the history's file, where there is one.
    signs : frozenset of str
        What its numbers bear beside their digits, such as $ or %, and new ones may bear.

    Examples
    --------
    >>> notation = Notation(";", ",", ".", "%d/%m/%Y")
    >>> notation.cut("06/05/2024;1.024,5"), notation.number("1.024,5"), notation.date("06/05/2024").month
    (['06/05/2024', '1.024,5'], 1024.5, 5)
    """

    sep: str = ","
    decimal: str = "."
    thousands: str | None = None
    date_format: str | None = None
    header: tuple[str, ...] | None = None
    signs: frozenset[str] = frozenset()

    def cut(self, line: str) -> list[str]:
        """Return the fields of a line, without the space around them.

        Raises
        ------
        DataError
            If it is no line of a CSV.
        """
        try:
            return [part.strip() for part in next(csv.reader([line.strip("\r\n")], delimiter=self.sep), [])]
        except csv.Error as error:
            raise DataError(
                f"The line cannot be cut at each {self.sep!r} ({error}). Expected a line of a CSV."
            ) from None

    def number(self, text: str) -> float:
        """Return a number.

        Raises
        ------
        DataError
            If it is none.
        """
        sign, plain = split_sign(text)
        if sign not in self.signs:
            plain = text
        plain = plain_number(plain)
        if self.thousands is not None and re.fullmatch(number_pattern(self.decimal, self.thousands), plain):
            plain = plain.replace(self.thousands, "")
        if self.decimal != ".":
            # A point that is no mark of thousands is none of decimals either.
            plain = plain.replace(".", "?").replace(self.decimal, ".")
        if not _NUMBER.fullmatch(plain):
            sign = "" if self.decimal == "." else f" with the decimal sign {self.decimal!r}, as the history's"
            raise DataError(
                f"The value {text!r} is no number. Expected a number{sign}, or nothing where it is missing."
            )
        return float(plain)

    def date(self, text: str) -> Any:
        """Return a date as `AnomalyDetector.update` takes it.

        Raises
        ------
        DataError
            If it is not written as the history's dates are, or may be read in two ways.
        """
        # Words such as "today" are dates to pandas.
        is_word = re.search(r"\d", text) is None
        if self.date_format in (None, UNIX) and re.fullmatch(r"[0-9]{9,19}", text):
            return int(text)
        if self.date_format not in (None, ISO, UNIX):
            stamp = pd.NaT if is_word else pd.to_datetime(text, format=self.date_format, errors="coerce")
            if stamp is pd.NaT:
                raise DataError(
                    f"The time stamp {text!r} is not written as {self.date_format!r}, as those of the history are."
                )
            return stamp
        if not is_word and pd.notna(pd.to_datetime(text, format=ISO, errors="coerce", utc=True)):
            return text
        if self.date_format is None and not is_word:
            return parse_dates(pd.Series([text]))[0][0]
        raise DataError(
            f"The time stamp {text!r} cannot be read. Expected a date as in the history, such as 2024-01-31 18:00."
        )


def read_notation(file: str, panel: Panel, form: FileForm = UNSAID) -> Notation:
    """Tell from a file, and from what was said of it, how its rows are written.

    Parameters
    ----------
    file : str
        A folder, or a Parquet file, shows nothing but what was said.
    panel : Panel
        What the file was read as.
    form : FileForm
        What was said of it when it was read.

    Raises
    ------
    DataError
        If the decimal sign that was given is the character between fields.
    """
    sep, decimal, date_format = form.sep, form.decimal, form.date_format
    thousands = None if decimal is None else thousands_beside(decimal)
    said = Notation(sep or ",", decimal or ".", thousands, date_format)
    if Path(file).is_dir() or Path(file).suffix.lower() in PARQUET:
        if said.sep == said.decimal:
            raise DataError(
                f"The decimal sign {said.decimal!r} is also what separates the fields of new rows. Name another "
                "separator with --sep."
            )
        return said
    text, named = read_csv_text(file, form.encoding)
    mark = sep or named or find_separator(text)
    lines = csv.reader(io.StringIO(text), delimiter=mark)
    header = tuple(next(lines, []))
    found = find_places(header, panel)
    if found is None:
        return said
    rows = list(itertools.islice(lines, SAMPLE_LINES))
    names, (time, *values) = (found[:1], found[1:]) if panel.form.kind == "long" else ((), found)
    if decimal is None:
        decimal, thousands = find_marks(rows, text, mark, file, names)
    signs = frozenset(split_sign(row[place].strip())[0] for row in rows if row for place in values) - {""}
    if date_format is None and panel.start.dtype.kind == "M":
        column = pd.read_csv(io.StringIO(text), sep=mark, usecols=[time], dtype=str).iloc[:, 0]
        date_format = _find_format(column.dropna().str.strip().drop_duplicates())
    return Notation(mark, decimal, thousands, date_format, header, signs)


def find_places(header: tuple[str, ...], panel: Panel) -> tuple[int, ...] | None:
    """Return the places of series, time and value, or in a wide table of time and values; None if one is absent.

    >>> from tsrnn.data.tables import read_panel
    >>> dates = ["2024-01-01", "2024-01-02", "2024-01-03"]
    >>> panel = read_panel(pd.DataFrame({"day": dates, "sales": [5.0, 7.0, 6.0]}))
    >>> find_places(("shop", "sales", "day"), panel)
    (2, 1)
    """
    form = panel.form
    time = form.time_col
    # What an index without a name leaves behind is called so when the file is read.
    if time == "date" and time not in header and "" in header:
        time = ""
    names = [form.id_col, time, form.target_col] if form.kind == "long" else [time, *panel.ids]
    stripped = [name.strip() for name in header]
    places = [stripped.index(str(name).strip()) if str(name).strip() in stripped else -1 for name in names]
    return None if min(places) < 0 else tuple(places)


def _find_format(text: pd.Series) -> str | None:
    """Return the format that reads a column of dates as it was read with the history."""
    if not len(text):
        return None
    if pd.to_datetime(text, format=ISO, errors="coerce", utc=True).notna().all():
        return ISO
    try:
        dates = parse_dates(text)[0]
    except DataError:
        if text.str.fullmatch(r"[0-9]{9,19}").all():
            return UNIX
        raise
    if dates.tz is not None:
        return None
    for day_first in (True, False):
        form: str | None = guess_datetime_format(text.iloc[0], dayfirst=day_first)
        if form is not None:
            read = pd.to_datetime(text, format=form, errors="coerce")
            if np.array_equal(read.to_numpy(dtype="datetime64[ns]"), dates.to_numpy(dtype="datetime64[ns]")):
                return form
    return None
