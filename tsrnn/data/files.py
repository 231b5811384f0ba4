"""Read and write tables as files: CSV, Parquet, JSON."""

from __future__ import annotations

import gc
import gzip
import io
import json
import os
import re
import sys
import warnings
import zlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from tsrnn.data.centuries import place_in_century
from tsrnn.data.csv_text import from_header, read_csv_table
from tsrnn.errors import DataError, MissingExtraError
from tsrnn.whole_files import check_regular, write_whole

PARQUET = (".parquet", ".pq")
# How a table or its lines begin in JSON, and no header of a CSV does.
_JSON = re.compile(r'\s*(?:\{\s*"|\{\s*\}|\[\s*[\[{])')


# How other packed files begin than those of gzip, which are read.
_PACKED = {"bzip2": b"BZh", "xz": b"\xfd7zXZ\x00", "zstd": b"\x28\xb5\x2f\xfd"}
# A web page, as which some programs save a "spreadsheet".
_MARKUP = re.compile(r"\s*<(?:!doctype|html|table|\?xml)\b", re.IGNORECASE)


@dataclass(frozen=True)
class FileForm:
    """How a table is written in a file, as far as a user has said; the rest is told from the file.

    Parameters
    ----------
    sep, decimal : str, optional
        Separator and decimal mark of a CSV; told from its content by default, such as a first line ``sep=;``.
    date_format : str, optional
        How dates are written, as in ``strptime``: ``"%d/%m/%Y"``. Text columns that fit it become dates.
    encoding : str, optional
        Of a CSV, for example "cp1252". Default: UTF-8, or UTF-16 where a byte-order mark says so.
    id_col : str, optional
        The column that names series; "unique_id" by default, where there is one.
    columns : tuple of str, optional
        All that are needed: if a Parquet file has them, its others are not read.
    """

    sep: str | None = None
    decimal: str | None = None
    date_format: str | None = None
    encoding: str | None = None
    id_col: str | None = None
    columns: tuple[str, ...] | None = None


# Nothing was said: the file tells all of it.
UNSAID = FileForm()


def read_table(path: str | os.PathLike[str], form: FileForm = UNSAID) -> pd.DataFrame:
    """Read a CSV or Parquet file.

    Dates stay text, for `read_panel` to read, unless `form` has a `date_format`. So do names: whatever stands in the
    column of series, as NA, 007 or 1.10, but whole numbers in their plain form; NA in any column of words; and whole
    numbers of one width with leading zeros. Numbers lose the sign that all numbers of their column have, such as $ or
    %.

    Parameters
    ----------
    path : path or "-"
        `.parquet` and `.pq` are Parquet; all else is CSV, also gzipped; "-" is either from standard input.
    form : FileForm

    Raises
    ------
    DataError
        If the file cannot be read as a table; the message names the file.
    MissingExtraError
        If a Parquet file is read without pyarrow.
    """
    return read_noted_table(path, form)[0]


def read_noted_table(path: str | os.PathLike[str], form: FileForm = UNSAID) -> tuple[pd.DataFrame, list[str]]:
    """Read a table as `read_table` does, and return with it what its user should know of the reading."""
    name = name_of(path)
    id_col = "unique_id" if form.id_col is None else form.id_col
    notes: list[str] = []
    if Path(path).suffix.lower() in PARQUET:
        _check_readable(Path(path), name)
        table = _read_parquet(path, name, form.columns)
    else:
        data = read_bytes(path)
        if str(path) == "-" and data[:4] == b"PAR1":
            table = _read_parquet(io.BytesIO(data), name)
        else:
            table, notes = read_csv_table(
                _decode_table(data, name, form.encoding), name, form.sep, form.decimal, id_col
            )
    return (table if form.date_format is None else _convert_dates(table, name, form.date_format, id_col)), notes


def name_of(path: str | os.PathLike[str]) -> str:
    """Return what messages call a file.

    >>> name_of("prices.csv"), name_of("-")
    ('prices.csv', 'standard input')
    """
    return "standard input" if str(path) == "-" else str(path)


def read_bytes(path: str | os.PathLike[str], expected: str = "a CSV or Parquet file") -> bytes:
    """Read a file, or standard input by "-"; what is gzipped is unpacked.

    What was expected is named where there is a folder instead.

    Raises
    ------
    DataError
        If it cannot be read; the message begins with its name.
    """
    name = name_of(path)
    if str(path) == "-":
        data = sys.stdin.buffer.read()
    else:
        _check_readable(Path(path), name, expected)
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise DataError(f"{name}: cannot be read ({error.strerror}).") from None
    return unpack(data, name)


def read_csv_text(path: str | os.PathLike[str], encoding: str | None) -> tuple[str, str | None]:
    """Read the text of a CSV, from its header on, and the separator that a line above it names, as Excel reads it.

    Raises
    ------
    DataError
        If it cannot be read or is no text.
    """
    return from_header(_decode_table(read_bytes(path), name_of(path), encoding))


def unpack(data: bytes, name: str) -> bytes:
    """Return what was gzipped unpacked, and other content as it is.

    Raises
    ------
    DataError
        If the gzip file is damaged.
    """
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        raise DataError(f"{name}: the gzip file is damaged or cut short. Fetch or write it again.") from None


def _check_readable(path: Path, name: str, expected: str = "a CSV or Parquet file") -> None:
    if path.is_dir():
        raise DataError(f"{name}: is a folder; expected {expected}.")
    if not path.exists():
        raise DataError(f"{name}: no such file. Check the path; `tsrnn datasets` lists what comes with tsrnn.")


def _read_parquet(path: Any, name: str, wanted: tuple[str, ...] | None = None) -> pd.DataFrame:
    need_pyarrow(name)
    from pyarrow import parquet

    try:
        if not isinstance(path, io.BytesIO):
            check_regular(path)  # pyarrow reads from the end
        columns = None
        if wanted is not None and set(wanted) <= set(parquet.read_schema(path).names):
            columns = list(dict.fromkeys(wanted))
        table = pd.read_parquet(path, engine="pyarrow", columns=columns)
    except PermissionError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}).") from None
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(f"{name}: cannot be read as Parquet ({reason}). If it is a CSV, name it .csv.") from None
    # What the conversion needed for a while is as large as the table itself.
    free_memory()
    return table


def free_memory() -> None:
    """Give back what Arrow keeps for later use of tables that are gone."""
    gc.collect()
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()


def need_pyarrow(name: str) -> None:
    """Raise MissingExtraError, which names the file, if pyarrow is not installed."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtraError(f'{name}: Parquet needs pyarrow. Run: pip install "tsrnn[parquet]"') from None


def _decode_table(data: bytes, name: str, given: str | None) -> str:
    """Return the text of a CSV as `decode` does, and say what another file is."""
    if data[:4] == b"PAR1":
        raise DataError(f"{name}: is a Parquet file; name it .parquet.")
    if data[:4] == b"PK\x03\x04":
        raise DataError(f"{name}: is a zip archive or a spreadsheet. Save the table as CSV.")
    packed = next((kind for kind, magic in _PACKED.items() if data.startswith(magic)), None)
    if packed is not None:
        raise DataError(f"{name}: is packed by {packed}. Unpack it, or pack it by gzip.")
    cure = "Name its encoding with encoding, for example cp1252 (Windows), or save the file as UTF-8."
    text = decode(data, name, "CSV text or Parquet (.parquet)", cure, given)
    if not text.strip():
        raise DataError(f"{name}: is empty; expected a header line and rows.")
    if _MARKUP.match(text):
        raise DataError(
            f"{name}: is HTML or XML; expected CSV or Parquet. Open it in a spreadsheet and save it as CSV."
        )
    if _JSON.match(text):
        raise DataError(
            f"{name}: is JSON; expected CSV or Parquet. Save the table as one of them, for example in Python with "
            "pd.read_json(...).to_csv(...)."
        )
    return text


def decode(data: bytes, name: str, expected: str, cure: str, given: str | None = None) -> str:
    """Return a text in the encoding given, or in UTF-8 or, with a byte-order mark, UTF-16.

    Parameters
    ----------
    data : bytes
    name : str
        Of the file, for errors.
    expected : str
        What is named where the file is no text.
    cure : str
        What to do where no encoding was given and it is another than these.
    given : str, optional

    Raises
    ------
    DataError
        If it is no text, or none in this encoding.

    Examples
    --------
    >>> decode("Là.".encode("utf-16"), "a.txt", "plain text", "Save it as UTF-8.")
    'Là.'
    """
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    # A text file has no zero bytes, except in UTF-16.
    if given is None and not marked and b"\x00" in data[:65536]:
        raise DataError(f"{name}: is a binary file; expected {expected}.")
    encoding = given or ("utf-16" if marked else "utf-8-sig")
    try:
        return data.decode(encoding)
    except LookupError:
        raise DataError(f"{name}: encoding={given!r} is not known; expected for example latin1 or cp1252.") from None
    except UnicodeError as error:
        if given is not None or not isinstance(error, UnicodeDecodeError):
            raise DataError(f"{name}: is not written in {encoding} ({error}). Name another encoding.") from None
        line, wanted = data[: error.start].count(b"\n") + 1, "UTF-16" if marked else "UTF-8"
        raise DataError(f"{name}: byte 0x{data[error.start]:02x} in line {line} is not {wanted}. {cure}") from None


def _convert_dates(table: pd.DataFrame, name: str, date_format: str, id_col: str) -> pd.DataFrame:
    """Turn the columns that fit a date format into dates: text, or whole numbers such as 20240131."""
    for wanted in (pd.api.types.is_string_dtype, pd.api.types.is_integer_dtype):
        found = {}
        for column in table.columns:
            if column != id_col and wanted(table[column].dtype):
                try:
                    dates = _read_dates(table[column].astype(str), date_format)
                except (ValueError, re.error) as error:
                    raise DataError(
                        f"{name}: date_format={date_format!r} cannot be used ({error}). Expected one such as %d/%m/%Y."
                    ) from None
                if dates.notna().all():
                    in_century = "%y" in date_format and dates.dtype.kind == "M"
                    found[column] = place_in_century(pd.DatetimeIndex(dates)) if in_century else dates
        if found:
            return table.assign(**found)
    first = table.iloc[0].astype(str).tolist()
    raise DataError(f"{name}: no column is written as {date_format!r}; the first row is: {', '.join(first[:5])}.")


def _read_dates(text: pd.Series, date_format: str) -> pd.Series:
    """Return the dates of text that fits a format, NaT for other text; of several UTC offsets as text of ISO 8601."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # by which pandas 2 tells of several offsets
            return pd.to_datetime(text, format=date_format, errors="coerce")
    except (ValueError, FutureWarning):
        utc = pd.to_datetime(text, format=date_format, errors="coerce", utc=True)  # fails again if it is no format
        if utc.isna().any():
            return utc
        # `read_panel` reads such text: several offsets are mostly those of one place.
        return text.map({one: datetime.strptime(one, date_format).isoformat() for one in text.unique()})


def write_table(
    table: pd.DataFrame | pd.Series,
    path: str | os.PathLike[str],
    format: Literal["csv", "json", "parquet"] = "csv",
) -> None:
    """Write a table, whole or not at all.

    Parameters
    ----------
    table : DataFrame or Series
        An index that is not just a row count becomes the first column.
    path : path or "-"
        "-" is standard output.
    format : {"csv", "json", "parquet"}
        JSON is a list of records, its times as CSV has them: to their last digit, and with their offset from UTC.

    Raises
    ------
    DataError
        If the file cannot be written.
    MissingExtraError
        If Parquet is written without pyarrow.
    """
    data = _encode(_flatten(table), str(path), format)
    if str(path) == "-":
        sys.stdout.flush()
        rest = memoryview(data)
        while rest:
            # Unbuffered (PYTHONUNBUFFERED), a part may be taken at a time.
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
        return
    write_file(path, data)


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file, whole or not at all; one whose name ends in .gz is gzipped.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    target = Path(path)
    if target.name.lower().endswith(".gz"):
        # Without the time, so that the same content gives the same file.
        data = gzip.compress(data, mtime=0)
    try:
        write_whole(target, data)
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror}). Choose another path.") from None


def finite(content: Any) -> Any:
    """Return content for JSON, which knows neither NaN nor infinity: None stands in their place.

    >>> finite({"scores": (0.5, float("nan"))})
    {'scores': [0.5, None]}
    """
    if isinstance(content, float):
        return content if abs(content) < float("inf") else None
    if isinstance(content, dict):
        return {str(key): finite(part) for key, part in content.items()}
    if isinstance(content, (list, tuple)):
        return [finite(part) for part in content]
    return content


def _flatten(table: pd.DataFrame | pd.Series) -> pd.DataFrame:
    if isinstance(table, pd.Series):
        table = table.to_frame("y" if table.name is None else table.name)
    if isinstance(table.index, pd.RangeIndex) and table.index.name is None:
        return table
    return table.rename_axis("ds" if table.index.name is None else table.index.name).reset_index()


def _encode(table: pd.DataFrame, name: str, format: str) -> bytes:
    if format == "csv":
        return str(table.to_csv(index=False)).encode()
    if format == "json":
        # What pandas writes ends at the fifteenth decimal, which leaves small numbers few digits and others too many.
        names, columns = list(map(str, table.columns)), [_json_values(column) for _, column in table.items()]
        records = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return (json.dumps(records, indent=2, default=str, allow_nan=False, ensure_ascii=False) + "\n").encode()
    if format == "parquet":
        need_pyarrow(name)
        buffer = io.BytesIO()
        _names_as_text(table).to_parquet(buffer, engine="pyarrow", index=False)
        return buffer.getvalue()
    raise DataError(f"format={format!r}: expected 'csv', 'json' or 'parquet'.")


def _names_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with text for numbers and text that name series together: a column of Parquet has one type."""
    objects = [column for column in table.columns if table[column].dtype == object]
    mixed = [column for column in objects if pd.api.types.infer_dtype(table[column]) == "mixed-integer"]
    return table.assign(**{column: table[column].map(str, na_action="ignore") for column in mixed})


def _json_values(column: pd.Series) -> list[Any]:
    """Return the values of a column as JSON has them: null where none is known, or it is infinite."""
    values = _times_as_text(column).astype(object)
    known = values.notna() & ~values.isin([float("inf"), float("-inf")])
    listed: list[Any] = values.where(known, None).tolist()
    return listed


def _times_as_text(column: pd.Series) -> pd.Series:
    """Return times as CSV writes them; what pandas writes as JSON ends at milliseconds and loses offsets."""
    if getattr(column.dtype, "kind", "O") in "mM" or isinstance(column.dtype, pd.PeriodDtype):
        return column.astype(str).astype(object).where(column.notna(), None)
    if column.dtype == object:
        return column.map(_time_as_text)
    return column


def _time_as_text(value: Any) -> Any:
    if value is pd.NaT:
        return None
    return str(value) if isinstance(value, (date, time, timedelta, pd.Period)) else value
