"""Read the text of a CSV as a table: its separator, its marks, its columns of names."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Any

import pandas as pd

from tsrnn.data.dates import MONTH_OF_YEAR
from tsrnn.data.headers import refuse_values_as_header
from tsrnn.data.names import as_whole_numbers, restore_names
from tsrnn.data.number_marks import allows_decimal_comma, convert_marked_numbers, find_marks, thousands_beside
from tsrnn.errors import DataError
from tsrnn.naming import counted

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# The line that tells Excel what separates the columns below it.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[ ]*(?:\r\n|\n|\r)', re.IGNORECASE)
SAMPLE_LINES = 1000


def from_header(text: str) -> tuple[str, str | None]:
    """Return the text of a CSV from its header on, and the separator that a line above it names, as Excel reads it."""
    # An old Macintosh ended lines by CR alone, as one of Excel's formats still does.
    text = text.lstrip("\r\n") if "\n" in text else text.replace("\r", "\n").lstrip("\n")
    line = _SEPARATOR_LINE.match(text)
    return (text, None) if line is None else (text[line.end() :].lstrip("\r\n"), line[1])


def read_csv_table(
    text: str, name: str, sep: str | None, decimal: str | None, id_col: str
) -> tuple[pd.DataFrame, list[str]]:
    """Read the text of a CSV as a table, and say what its user should know of the reading.

    Parameters
    ----------
    text : str
    name : str
        Of the file, for messages.
    sep, decimal : str or None
        Told from the text where they are None.
    id_col : str
        The column that names series, if there is one of that name.

    Raises
    ------
    DataError
        If it cannot be read as a table; the message begins with the name.
    """
    text, named = from_header(text)
    if not text:
        raise DataError(f"{name}: is empty; expected a header line and rows.")
    sep = sep or named or find_separator(text)
    if len(sep) != 1:
        raise DataError(f"{name}: the separator {sep!r} is not one character, such as ',' or ';'.")
    header, sample = _check_rows(text, name, sep)
    ids = [place for place, column in enumerate(header) if column == id_col]
    # Names such as 1.10 say nothing of how numbers are written.
    sample = [["" if place in ids else field for place, field in enumerate(row)] for row in sample]
    if decimal is None:
        decimal, thousands = find_marks(sample, text, sep, name, ids)
    else:
        thousands = thousands_beside(decimal)
    if decimal == sep == "," and allows_decimal_comma(sample):
        text, sep = _cut_at_semicolons(text), ";"
    if len(decimal) != 1 or decimal == sep:
        raise DataError(f"{name}: the decimal mark {decimal!r} cannot be used with the separator {sep!r}.")
    options: dict[str, Any] = {"sep": sep, "decimal": decimal, "low_memory": False}
    kept = {*_padded_columns(text, sep), *(header[place] for place in ids)}
    options["dtype"] = dict.fromkeys(kept, str)
    try:
        table = pd.read_csv(io.StringIO(text), **options)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise DataError(f"{name}: cannot be read as CSV ({str(error).strip().splitlines()[0]}).") from None
    if not len(table):
        raise DataError(f"{name}: has a header but no rows.")
    table, notes = convert_marked_numbers(table, decimal, thousands, kept)
    table = restore_names(table, text, sep, kept)
    if ids:
        table[id_col] = as_whole_numbers(table[id_col])
    return _drop_unnamed(table), notes


def _cut_at_semicolons(text: str) -> str:
    """Return a CSV of quoted fields such as "7,25" in a form that a decimal comma can be read from."""
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\n").writerows(csv.reader(io.StringIO(text)))
    return out.getvalue()


def find_separator(text: str) -> str:
    """Return the separator that cuts the header and most lines after it into equally many fields."""
    lines = text.splitlines()[:20]
    # In 01.01.2024;7,25 either mark makes two fields.
    between_digits = re.search(r"(?<!\d),|,(?!\d)", "\n".join(lines)) is None
    best, best_score = ",", (0.0, 0, False)
    for sep in _SEPARATORS:
        counts = [len(row) for row in csv.reader(lines, delimiter=sep) if row]
        if counts and counts[0] > 1:
            score = (counts.count(counts[0]) / len(counts), counts[0], sep != "," and between_digits)
            best, best_score = max((best, best_score), (sep, score), key=lambda pair: pair[1])
    return best


def _check_rows(text: str, name: str, sep: str) -> tuple[list[str], list[list[str]]]:
    """Return the fields of the header and of the first rows; refuse rows that do not fit the header."""
    reader = csv.reader(io.StringIO(text), delimiter=sep)
    sample: list[list[str]] = []
    try:
        header = next(reader)
        for row in reader:
            if row and len(row) != len(header):
                doubt = "Take that line out if it is a note"
                if len(header) < len(row):
                    doubt = f"Take {sep.join(header)[:40]!r} out if it is a title or a comment above the line of names"
                raise DataError(
                    f"{name}: line {reader.line_num} has {counted(len(row), 'field')}, the header has {len(header)}, "
                    f"cut at each {_SEPARATORS.get(sep, sep)}. {doubt}; quote fields that hold the separator, or name "
                    "another one with sep."
                )
            if len(sample) < SAMPLE_LINES:
                sample.append(row)
    except csv.Error as error:
        raise DataError(f"{name}: line {reader.line_num} cannot be read as CSV ({error}).") from None
    is_first_alone = header[0].strip() and not any(map(str.strip, header[1:]))
    if is_first_alone and any(field.strip() for row in sample for field in row[1:]):
        raise DataError(
            f"{name}: of {len(header)} columns only the first has a name, {header[0][:40]!r}. Take that line out if it "
            "is a title above the line of names; otherwise name the others."
        )
    refuse_values_as_header(header, sample, name, sep)
    twice = [column for column, count in Counter(header).items() if count > 1 and column.strip()]
    if twice:
        raise DataError(f"{name}: column names occur more than once: {', '.join(twice[:5])}. Rename them.")
    return header, sample


def _padded_columns(text: str, sep: str) -> list[str]:
    """Return the columns of names such as 007, of one width, and of months such as 01.2024: they are no numbers."""
    edge = re.escape(sep)
    if not re.search(rf'(?:^|[{edge}"])0\d+(?:\.\d{{4}})?(?=[{edge}"\r\n]|$)', text, flags=re.MULTILINE):
        return []
    table = pd.read_csv(io.StringIO(text), sep=sep, dtype=str, low_memory=False)
    padded = []
    for column in table.columns:
        known = table[column].dropna()
        if not len(known) or not known.str.startswith("0").any():
            continue
        widths = known.str.len()
        whole = known.str.fullmatch(r"\d+").all() and widths.iloc[0] > 1 and (widths == widths.iloc[0]).all()
        # Months are so beside a total, too, of which reading them tells.
        if whole or known.str.fullmatch(MONTH_OF_YEAR).mean() >= 0.5:
            padded.append(column)
    return padded


def _drop_unnamed(table: pd.DataFrame) -> pd.DataFrame:
    """Drop what an index or a trailing separator leaves behind: counted rows and empty columns."""
    for position, column in enumerate(list(table.columns)):
        if not str(column).startswith("Unnamed: "):
            continue
        values = table[column]
        counted = position == 0 and pd.api.types.is_integer_dtype(values.dtype) and (values.diff().dropna() == 1).all()
        if counted or values.isna().all():
            table = table.drop(columns=column)
        elif "date" not in table.columns:
            table = table.rename(columns={column: "date"})
    return table
