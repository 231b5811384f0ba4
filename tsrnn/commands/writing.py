"""How commands write what they found: to stdout, or to a file that is whole or not there at all."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tsrnn.errors import DataError
from tsrnn.naming import counted
from tsrnn.whole_files import real_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

WIDE = 160
# Text is folded, but to no less than this.
LEAST_TEXT = 10
# A table on a terminal is for reading; --format csv has every row.
MOST_ROWS = 1000
# Endings under which nobody expects text, and nothing reads it.
FOREIGN = (
    ".xlsx", ".xls", ".xlsm", ".ods", ".feather", ".arrow", ".orc", ".h5", ".hdf5", ".pkl", ".pickle",
    ".zip", ".bz2", ".xz", ".zst", ".7z", ".parquet.gz", ".pq.gz",
)  # fmt: skip
# As in `tsrnn.data.folders`, which brings pandas; a test compares them.
TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".pq")
# As in `tsrnn.forecasting.model_folder`, which brings torch; a test compares them.
MODEL_FILES = ("model.json", "weights.safetensors")


def chosen_format(format_: str | None, output: str | None) -> str:
    """Return the format asked for, or the one that the output file's name implies.

    Raises
    ------
    UsageError
        If Parquet is to be written to stdout, or the name is that of a kind of file that cannot be written.

    Examples
    --------
    >>> chosen_format(None, "x.json"), chosen_format(None, "x.json.gz"), chosen_format(None, None)
    ('json', 'json', 'table')
    """
    name = "" if output is None else output.lower()
    foreign = next((ending for ending in FOREIGN if name.endswith(ending)), None)
    if foreign is not None:
        raise click.UsageError(
            f"--output {output}: {foreign} files cannot be written. Expected a name that ends in .csv, .json, "
            ".parquet or .txt, of text also with .gz behind it."
        )
    if format_ is not None:
        if format_ == "parquet" and output is None:
            raise click.UsageError("Parquet is binary; name a file with --output.")
        return format_
    if output is None:
        return "table"
    return {".json": "json", ".parquet": "parquet", ".pq": "parquet", ".txt": "table"}.get(
        Path(name.removesuffix(".gz")).suffix, "csv"
    )


def check_output(
    *,
    reads: Sequence[str | None] = (),
    models: Sequence[str] = (),
    backtests: Sequence[str | None] = (),
    **outputs: str | None,
) -> None:
    """Refuse a file that cannot be written, or should not be, before anything is computed for it.

    Parameters
    ----------
    reads : sequence of str
        Files and folders of tables that the command reads; None and "-" are passed over.
    models, backtests : sequence of str
        Folders of saved models, and of backtests, that it reads or writes.
    **outputs : str
        What is written, by the names of its options: `plot="page.html"`.

    Raises
    ------
    UsageError
        If a page is to be written to stdout, where tables go.
    DataError
        If its folder does not exist, cannot be written to, or is that of a saved model; it is a folder itself; or
        writing it would overwrite what is read, a part of a backtest, or another output.
    """
    written: dict[str, str] = {}
    for option, path in outputs.items():
        if path == "-" and option != "output":
            raise click.UsageError(f"--{option} -: a page is not written to stdout. Name a file, such as page.html.")
        if path is None or path == "-":
            continue
        _refuse_place(option, path)
        target = Path(path)
        for source in reads:
            if source and source != "-":
                _refuse_source(option, target, Path(source))
        homes = [str(place.parent) for place in _places(target)]
        saved = [home for home in homes if all(Path(home, name).is_file() for name in MODEL_FILES)]
        kept = [
            *((folder, ("",)) for folder in (*models, *saved)),
            *((folder, (".json", ".parquet")) for folder in backtests),
        ]
        for folder, endings in kept:
            if folder and (_is_same(target, Path(folder)) or _lies_in(target, Path(folder), endings)):
                raise DataError(
                    f"{path}: --{option} would be written into {folder}, among the files that tsrnn keeps there. "
                    "Choose another path."
                )
        for other, taken in written.items():
            if _is_same(target, Path(taken)):
                raise DataError(
                    f"{path}: both --{other} and --{option} would be written there, one over the other. Give each a "
                    "path of its own."
                )
        written[option] = path


def _refuse_place(option: str, path: str) -> None:
    """Refuse a folder, and a path that cannot be written."""
    target = Path(path)
    if target.is_dir():
        raise DataError(f"{path}: is a folder; expected the name of a file.")
    real_path(target)  # links that lead to each other lead nowhere
    if not target.absolute().parent.is_dir():
        raise DataError(
            f"{path}: cannot be written, there is no folder {target.parent}. Make it, or choose another path."
        )
    home = _places(target)[1].parent
    if (target.is_file() or not target.exists()) and home.is_dir() and not os.access(home, os.W_OK | os.X_OK):
        raise DataError(f"{path}: cannot be written, {home} is write-protected. Choose another path by --{option}.")


def _refuse_source(option: str, target: Path, source: Path) -> None:
    """Refuse to write over a file that is read, or a table into a folder whose tables are read."""
    if _is_same(target, source):
        raise DataError(f"{target}: is read by this command, and --{option} would overwrite it. Choose another path.")
    if not source.is_dir():
        return
    if _lies_in(target, source, TABLES) or any(
        _is_same(target, entry) for entry in source.iterdir() if entry.name.lower().endswith(TABLES)
    ):
        raise DataError(
            f"{target}: --{option} would be written among the tables of {source}, which this command reads. Choose "
            "another folder."
        )


def _places(path: Path) -> tuple[Path, Path]:
    """Return a path in full, and the one that it leads to."""
    return path.absolute(), Path(os.path.realpath(path))


def _is_same(first: Path, second: Path) -> bool:
    """Tell whether two paths lead to one file, or will; what is written to a device or a pipe overwrites nothing."""
    if first.exists() and second.exists():
        return first.is_file() and first.samefile(second)
    return os.path.realpath(first) == os.path.realpath(second)


def _lies_in(target: Path, folder: Path, endings: tuple[str, ...]) -> bool:
    """Tell whether a path, or the file that it leads to, lies in a folder under a name with one of the endings."""
    if not folder.is_dir():
        return False
    for path in _places(target):
        named = path.name.lower().endswith(endings) and not path.name.startswith(".")
        if named and path.parent.is_dir() and path.parent.samefile(folder):
            return True
    return False


def write_text(text: str, output: str | None) -> None:
    """Write text to a file or to stdout."""
    if output is None or output == "-":
        click.echo(text)
        return
    from tsrnn.data.files import write_file

    write_file(output, f"{text}\n".encode(errors="replace"))


def write_json(content: Any, output: str | None) -> None:
    """Write JSON to a file or to stdout; what is not finite is null."""
    from tsrnn.data.files import finite

    write_text(json.dumps(finite(content), indent=2, default=_plain, allow_nan=False, ensure_ascii=False), output)


def _plain(value: Any) -> Any:
    """Return what JSON does not know as a number or as words."""
    return value.item() if hasattr(value, "item") else str(value)


def write_frame(df: pd.DataFrame, format_: str, output: str | None) -> None:
    """Write a table to a file or to stdout in the format asked for."""
    from tsrnn.data.files import write_table

    if format_ == "table":
        seen = output is None and sys.stdout.isatty()
        write_text(render_table(df, width=None if seen else WIDE), output)
        if len(df) > MOST_ROWS and not seen:
            # What reads a pipe, such as grep, would not show the last line of the table.
            click.echo(
                f"warning: the table has {MOST_ROWS:,} of {len(df):,} rows; --format csv has them all.", err=True
            )
    else:
        write_table(df, output or "-", "csv" if format_ == "csv" else "json" if format_ == "json" else "parquet")


def typed_command() -> str:
    """Return the running command as it can be typed, which a page tells."""
    return shlex.join(["tsrnn", *sys.argv[1:]])


def render_table(df: pd.DataFrame, width: int | None = WIDE) -> str:
    """Lay a table out for a terminal: numbers to the right, four significant digits.

    Text is folded to keep within the width, with None that of the terminal; numbers and times never are.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    left = len(df) - MOST_ROWS
    df = df.iloc[:MOST_ROWS] if left > 0 else df
    whole = [getattr(dtype, "kind", "O") in "fiuM" for dtype in df.dtypes]
    df = df.assign(**{str(c): df[c].dt.date for c in df.columns if _is_midnight(df[c])})
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    numeric = [getattr(dtype, "kind", "O") in "fiu" for dtype in df.dtypes]
    rows = [[Text(_cell(value)) for value in row] for row in df.itertuples(index=False)]
    least = 0
    for k, (name, is_number, is_whole) in enumerate(zip(df.columns, numeric, whole, strict=True)):
        head = Text(str(name))
        widest = max([head.cell_len, *(row[k].cell_len for row in rows)])
        least += 2 + (widest if is_whole else min(widest, LEAST_TEXT))
        table.add_column(head, justify="right" if is_number else "left", overflow="fold", no_wrap=is_whole)
    for row in rows:
        table.add_row(*row)
    console = Console(width=width, highlight=False, markup=False, color_system=None)
    # A part of a number would be another one: a table may be wider than the terminal, which then breaks its lines.
    console.width = max(console.width, least)
    with console.capture() as capture:
        console.print(table)
    text = "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())
    return f"{text}\n… and {counted(left, 'more row')}; --format csv has them all." if left > 0 else text


def _is_midnight(column: pd.Series) -> bool:
    """Tell whether a column holds time stamps of which only the date says anything."""
    if getattr(column.dtype, "kind", "O") != "M":
        return False
    known = column.dropna()
    return bool((known == known.dt.normalize()).all())


def _cell(value: Any) -> str:
    if isinstance(value, float):
        # From 9999.5 on four digits would be 1e+04.
        return "–" if value != value else f"{value:.4g}" if abs(value) < 9999.5 else f"{value:,.0f}"
    # Control characters from the data would act on the terminal.
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(value))
