"""Options that several commands share, and how they write what they found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from tsrnn.data.files import read_table, write_table
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from tsrnn.data.panel import Panel

Command = TypeVar("Command", bound=Callable[..., Any])


def table_options(command: Command) -> Command:
    """Add the file argument and the options that say how to read it."""
    options = [
        click.argument("file"),
        click.option("--target", help="Column to forecast; several with commas. Default: y, or every numeric column."),
        click.option("--time-col", help="Column of the time stamps. Default: ds, or the column that holds dates."),
        click.option("--id-col", help="Column that names the series of a long table. Default: unique_id."),
        click.option("--freq", help="Step between rows, as pandas writes it: h, D, B, W-SUN, MS, 15min, ..."),
        click.option("--season-length", type=click.IntRange(min=1), help="Steps per season; 1 means none."),
        click.option("--sep", help="Column separator of the CSV file."),
        click.option("--decimal", type=click.Choice([".", ","]), help="Decimal sign of the CSV file."),
        click.option("--date-format", help="How dates are written, for example %d/%m/%Y."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def output_options(formats: Sequence[str]) -> Callable[[Command], Command]:
    """Add --format, --output and --quiet."""

    def add(command: Command) -> Command:
        options = [
            click.option(
                "--format",
                "format_",
                type=click.Choice(list(formats)),
                help="Default: table, or by --output.",
            ),
            click.option("--output", type=click.Path(dir_okay=False), help="Write to this file instead of stdout."),
            click.option("--quiet", is_flag=True, help="Say nothing on stderr but warnings and errors."),
        ]
        for option in reversed(options):
            command = option(command)
        return command

    return add


def columns_of(target: str | None) -> str | list[str] | None:
    """Split `--target a,b` into a list; one name stays a name.

    >>> columns_of("USD,GBP")
    ['USD', 'GBP']
    """
    if target is None or "," not in target:
        return target
    return [part.strip() for part in target.split(",") if part.strip()]


def read_file(
    file: str,
    target: str | None,
    time_col: str | None,
    id_col: str | None,
    freq: str | None,
    season_length: int | None,
    sep: str | None,
    decimal: str | None,
    date_format: str | None,
) -> Panel:
    """Read a file (or stdin, "-") into a panel as the options say."""
    table = read_table(file, sep=sep, decimal=decimal, date_format=date_format)
    step: str | int | None = int(freq) if freq is not None and freq.isdigit() else freq
    return read_panel(
        table,
        id_col=id_col,
        time_col=time_col,
        target_col=columns_of(target),
        freq=step,
        season_length=season_length,
    )


class Voice:
    """What a command says on stderr while it works; silent when quiet."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.console = Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """Print one line."""
        if not self.quiet:
            self.console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def working(self, text: str) -> Iterator[Callable[[str], None]]:
        """Show what is being done: a spinner on a terminal, a line for each step elsewhere."""
        if self.quiet:
            yield lambda _: None
        elif self.console.is_terminal:
            with self.console.status(text) as status:
                yield lambda step: status.update(f"{text}: {step}")
        else:
            yield lambda step: self.say(f"{text}: {step}")


def chosen_format(format_: str | None, output: str | None) -> str:
    """Return the format asked for, or the one that the output file's name implies.

    >>> chosen_format(None, "x.json"), chosen_format(None, None)
    ('json', 'table')
    """
    if format_ is not None:
        return format_
    if output is None:
        return "table"
    return {".json": "json", ".parquet": "parquet", ".txt": "table"}.get(Path(output).suffix.lower(), "csv")


def write_text(text: str, output: str | None) -> None:
    """Write text to a file or to stdout."""
    if output is None:
        click.echo(text)
        return
    try:
        Path(output).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{output} cannot be written: {error.strerror}. Choose another --output.") from error


def write_frame(df: pd.DataFrame, format_: str, output: str | None, title: str | None = None) -> None:
    """Write a table to a file or to stdout in the format asked for."""
    if format_ == "table":
        text = render_table(df, title, width=None if output is None and sys.stdout.isatty() else 160)
        write_text(text, output)
    else:
        write_table(df, output or "-", "csv" if format_ == "csv" else "json" if format_ == "json" else "parquet")


def render_table(df: pd.DataFrame, title: str | None = None, width: int | None = None) -> str:
    """Lay a table out for a terminal: numbers to the right, four significant digits."""
    df = df.assign(**{str(c): df[c].dt.date for c in df.columns if _is_midnight(df[c])})
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    numeric = [getattr(dtype, "kind", "O") in "fiu" for dtype in df.dtypes]
    for name, is_number in zip(df.columns, numeric, strict=True):
        table.add_column(str(name), justify="right" if is_number else "left", overflow="fold")
    for row in df.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    console = Console(width=width, highlight=False, markup=False, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())


def _is_midnight(column: pd.Series) -> bool:
    """Tell whether a column holds time stamps of which only the date says anything."""
    if getattr(column.dtype, "kind", "O") != "M":
        return False
    known = column.dropna()
    return bool((known == known.dt.normalize()).all())


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return str(value)
