"""Read a folder of files as one table: each file a series, or all of them parts of the same ones."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd

from tsrnn.data.files import UNSAID, FileForm, read_noted_table
from tsrnn.data.names import name_alike
from tsrnn.data.time_column import choose_time
from tsrnn.data.times import without_repeats
from tsrnn.errors import DataError
from tsrnn.naming import agree, counted, listing

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".pq")


def read_folder(
    folder: str | os.PathLike[str],
    form: FileForm = UNSAID,
    *,
    each_file: str | None = None,
    time_col: str | None = None,
    zone: str | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Read every CSV and Parquet file of a folder, in the order of their names, into one long table.

    Files with a column that names the series are joined as they are. Files without one hold a series each, named by
    the file, if their time stamps overlap; where no two files share a time stamp they may as well continue each
    other, and `each_file` has to say. Where tables lie only in folders named like ``year=2024``, they are parts of one
    table, and ``year`` is a column of it.

    Parameters
    ----------
    folder : path
        Files of other kinds, hidden files and other folders in it are left out.
    form : FileForm
        Of every file in it.
    each_file : {"series", "part"}, optional
        Whether a file is a series of its own, or a part of the same table as the others.
    time_col : str, optional
        As for `read_panel`.
    zone : str, optional
        That of the time stamps, a known one.

    Returns
    -------
    table : DataFrame
        With the column `unique_id` where files are series.
    notes : list of str
        What was decided.

    Raises
    ------
    DataError
        If there is no such file, the files have different columns, or `each_file` is needed.
    """
    paths = _files(Path(folder))
    read = [read_noted_table(path, form) for path in paths]
    notes = list(dict.fromkeys(note for _, found in read for note in found))
    tables = _same_columns(paths, [table for table, _ in read], time_col)
    keys = [_partition(path.relative_to(folder)) for path in paths]
    if keys[0]:
        whole = pd.concat([table.assign(**key) for table, key in zip(tables, keys, strict=True)], ignore_index=True)
        parts = f"{counted(len(paths), 'file')} in folders by {listing(keys[0])}"
        # A category may name series or be a date, but is no column of values.
        return whole.astype(dict.fromkeys(keys[0], "category")), [
            f"{parts} {agree(len(paths), 'was', 'were')} joined.",
            *notes,
        ]
    if len(paths) == 1 and each_file is None:
        return tables[0], notes
    named = form.id_col if form.id_col is not None else "unique_id"
    joined = [f"{counted(len(paths), 'file')} of one table {agree(len(paths), 'was', 'were')} joined.", *notes]
    if named in tables[0].columns:
        tables = name_alike(tables, named)
    if each_file == "part" or named in tables[0].columns:
        return pd.concat(tables, ignore_index=True), joined
    names = [_series_name(path) for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{folder}: {counted(len(twice), 'name occurs', 'names occur')} with several endings, for example "
            f"{twice[0]}. Remove one of them."
        )
    time, is_counter = choose_time(tables[0], None, time_col)
    first = tables[0] if zone is None else without_repeats(tables[0], time, is_counter, zone)
    if is_counter:
        time = "ds"
    elif each_file is None and first[time].duplicated().any():
        # A file of several series: whatever column names them there, it does in all files.
        return pd.concat(tables, ignore_index=True), joined
    if is_counter:
        tables = [table.assign(ds=range(len(table))) for table in tables]
    whole = pd.concat(tables, ignore_index=True)
    whole["unique_id"] = np.repeat(np.array(names, dtype=object), [len(table) for table in tables])
    shared = whole[[time, "unique_id"]].drop_duplicates()[time].duplicated().any()
    if each_file is None and len(paths) > 1 and not shared:
        raise DataError(
            f"{folder}: no two of its {len(paths)} files share a time stamp. Say whether each is a series of its own "
            "(--each-file series) or a part of the same ones (--each-file part)."
        )
    return whole, [f"Each of the {len(paths):,} files is a series, named by its file.", *notes]


def _files(folder: Path) -> list[Path]:
    try:
        entries = sorted(entry for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}).") from None
    found = [entry for entry in entries if _is_table(entry)]
    if not found:
        below = sorted(entry for entry in folder.glob("*=*/**/*") if _is_table(entry))
        found = [entry for entry in below if all("=" in part for part in entry.relative_to(folder).parts[:-1])]
    if not found:
        held = f"it holds {', '.join(entry.name for entry in entries[:5])}" if entries else "it holds no file"
        raise DataError(f"{folder}: is a folder without CSV or Parquet files; {held}. Expected .csv or .parquet.")
    return found


def _is_table(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".")


def _partition(path: Path) -> dict[str, str]:
    """Return what the folders of a file say of its rows, as text.

    >>> _partition(Path("year=2024/store=K%C3%B6ln/part-0.parquet"))
    {'year': '2024', 'store': 'Köln'}
    """
    return {unquote(key): unquote(value) for key, _, value in (part.partition("=") for part in path.parts[:-1])}


def _series_name(path: Path) -> str:
    name = path.name
    suffix = max((end for end in SUFFIXES if name.lower().endswith(end)), key=len)
    return name[: -len(suffix)]


def _same_columns(paths: list[Path], tables: list[pd.DataFrame], time_col: str | None) -> list[pd.DataFrame]:
    """Return tables of the same columns; files of two columns may call them as they like."""
    first = tables[0]
    other = next((k for k, table in enumerate(tables) if set(table.columns) != set(first.columns)), None)
    if other is None:
        return [table[list(first.columns)] for table in tables]
    if all(table.shape[1] == 2 for table in tables):
        renamed = []
        for path, table in zip(paths, tables, strict=True):
            time, counted = choose_time(table, None, time_col if time_col in table.columns else None)
            if counted:
                raise DataError(f"{path}: no column of dates was found among: {listing(table.columns, 8)}.")
            value = next(column for column in table.columns if column != time)
            renamed.append(table.rename(columns={time: time_col or "ds", value: "y"})[[time_col or "ds", "y"]])
        return renamed
    raise DataError(
        f"{paths[other].parent}: files of different columns. {paths[0].name} has {listing(first.columns, 8)}; "
        f"{paths[other].name} has {listing(tables[other].columns, 8)}. Expected the same in every file."
    )
