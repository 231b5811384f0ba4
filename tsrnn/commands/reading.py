"""How a command's file becomes a panel."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from tsrnn.commands import in_options
from tsrnn.data.column_kinds import is_text
from tsrnn.data.files import FileForm, free_memory, read_noted_table
from tsrnn.data.folders import read_folder
from tsrnn.data.grids import Frequency
from tsrnn.data.panel import Panel
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError

# A table of so many rows is worth giving its memory back before models need theirs.
MANY_ROWS = 1_000_000


@dataclass(frozen=True)
class Reading:
    """What the options say of a file; see `tsrnn.commands.options.table_options`."""

    target: str | None = None
    time_col: str | None = None
    id_col: str | None = None
    freq: str | Frequency | None = None
    season_length: int | None = None
    sep: str | None = None
    decimal: str | None = None
    date_format: str | None = None
    encoding: str | None = None
    time_zone: str | None = None
    each_file: str | None = None

    @property
    def form(self) -> FileForm:
        """How the tables of its files are written, and where all columns are named, that no others are needed."""
        columns = None
        if self.id_col and self.time_col and self.target:
            targets = columns_of(self.target)
            columns = (self.id_col, self.time_col, *([targets] if isinstance(targets, str) else targets or []))
        return FileForm(self.sep, self.decimal, self.date_format, self.encoding, self.id_col, columns)

    def panel(self, file: str, *, more: bool = False) -> Panel:
        """Read a file, a folder of files, or stdin ("-"); with `more`, its rows go on from others."""
        if not file:
            raise DataError("FILE is empty text; expected the path of a file or folder, or - for stdin.")
        if file != "-" and Path(file).is_dir():
            how = {"each_file": self.each_file, "time_col": self.time_col, "zone": self.time_zone}
            table, notes = read_folder(file, self.form, **how)
        else:
            table, notes = read_noted_table(file, self.form)
            if self.sep is None and table.shape[1] == 1 and is_text(table.iloc[:, 0]):
                raise DataError(
                    f"{file}: only one column of text was found, {str(table.columns[0])[:40]!r}. Name what separates "
                    "its columns with --sep."
                )
        rows = len(table)
        panel = read_panel(
            table,
            id_col=self.id_col,
            time_col=self.time_col,
            target_col=columns_of(self.target),
            freq=self.freq,
            season_length=self.season_length,
            time_zone=self.time_zone,
            more=more,
        )
        del table
        if rows >= MANY_ROWS:
            free_memory()
        return replace(
            panel,
            notes=tuple(in_options(note) for note in (*notes, *panel.notes)),
            choices=tuple(map(in_options, panel.choices)),
        )


def columns_of(target: str | None) -> str | list[str] | None:
    """Split `--target a,b` into a list; one name stays a name, and one that occurs twice is taken once.

    >>> columns_of("USD,GBP,USD")
    ['USD', 'GBP']
    """
    if target is None or "," not in target:
        return target
    return list(dict.fromkeys(part.strip() for part in target.split(",") if part.strip()))


def plain_name(file: str) -> str:
    """Return the name of a file for titles and for the names of what is made from it.

    >>> plain_name("data/prices.csv.gz"), plain_name("-"), plain_name("shops/")
    ('prices', 'stdin', 'shops')
    """
    if file == "-":
        return "stdin"
    name = Path(os.path.realpath(file)).name
    return name.split(".")[0] or name.strip(".") or "data"
