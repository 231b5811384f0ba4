"""Options that several commands share. Nothing here loads pandas or torch, so that `--help` and TAB answer at once."""

from __future__ import annotations

import math
import zoneinfo
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

# The names of `tsrnn.forecasting.registry.MODELS`, which a test compares; that module brings torch.
NETWORKS = ("tsrnn", "zero-shot", "gru", "lstm", "rnn")
MODELS = (*NETWORKS, "ARIMA", "ETS", "Theta", "Ensemble", "Naive", "SeasonalNaive", "Drift", "WindowAverage")
# And those of `tsrnn.forecasting.settings.STRATEGIES`.
STRATEGIES = ("auto", "zero-shot", "fine-tune", "scratch")
# And that of `tsrnn.forecasting.contract`.
NEAREST_END = 1e-9
# And of `tsrnn.networks.cells.RECURRENT` and `tsrnn.sequences.vocabulary.TOKENS`.
CELLS = ("rnn", "gru", "lstm")
TOKENS = ("char", "word")
# And of `tsrnn.anomaly.thresholds`.
THRESHOLDS = ("conformal", "pot", "quantile")


def _nearest(name: str, known: dict[str, str]) -> str:
    """Ask whether another name was meant, if one is near."""
    close = get_close_matches(name.lower(), known, n=1)
    return f" Did you mean {known[close[0]]}?" if close else ""


class OneModel(click.Choice):  # type: ignore[type-arg]
    """Name of a model, in capitals or not."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names, case_sensitive=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name as it is written in the registry."""
        known: dict[str, str] = {name.lower(): name for name in self.choices}
        if value.lower() not in known:
            self.fail(f"{value!r} is not one of {', '.join(self.choices)}.{_nearest(value, known)}", param, ctx)
        return known[value.lower()]


class SeveralModels(click.ParamType):  # type: ignore[type-arg]
    """Names of models with commas between them."""

    name = "models"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Return the names as they are written in the registry."""
        if isinstance(value, list):
            return value
        known = {name.lower(): name for name in MODELS}
        names = [part.strip() for part in value.split(",") if part.strip()]
        unknown = [name for name in names if name.lower() not in known]
        if unknown or not names:
            wrong = f"{unknown[0]!r} is not known" if unknown else "no model is named"
            hint = _nearest(unknown[0], known) if unknown else ""
            self.fail(f"{wrong}; expected one or more of {', '.join(MODELS)}, with commas between.{hint}", param, ctx)
        return [known[name.lower()] for name in names]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Complete the name after the last comma."""
        before, comma, last = incomplete.rpartition(",")
        taken = before.lower().split(",")
        return [
            click.shell_completion.CompletionItem(f"{before}{comma}{name}")
            for name in MODELS
            if name.lower().startswith(last.lower()) and name.lower() not in taken
        ]


class Numbers(click.ParamType):  # type: ignore[type-arg]
    """Numbers with commas between them, each within limits, told apart by six digits."""

    name = "numbers"

    def __init__(self, what: str, low: float, high: float, example: str) -> None:
        self.what, self.low, self.high, self.example = what, low, high, example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the numbers."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in value.split(",") if part.strip()]
        try:
            numbers = tuple(map(float, parts))
        except ValueError:
            self.fail(f"{value!r} is not a list of {self.what} such as {self.example}.", param, ctx)
        low, high = round(self.low, 6), round(self.high, 6)
        named: dict[str, tuple[str, float]] = {}
        for part, number in zip(parts, numbers, strict=True):
            if not self.low <= number <= self.high:
                hint = f" Did you mean {number * 100:g}?" if high == 100 and 0 < number < 1 else ""
                hint = f" No model can tell one so near to {round(number):g}." if low < number < high else hint
                expected = f"{self.what} between {low:g} and {high:g}, such as {self.example}"
                self.fail(f"{part} is not possible; expected {expected}.{hint}", param, ctx)
            other, taken = named.setdefault(f"{number:g}", (part, number))
            if abs(number - taken) > NEAREST_END:
                self.fail(f"{other} and {part} would share a column, since its name has six digits.", param, ctx)
        return tuple(dict.fromkeys(numbers))


class FiniteRange(click.FloatRange):
    """Finite numbers within limits; click's own range lets NaN through, and infinity where there is no upper limit."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


class Separator(click.ParamType):  # type: ignore[type-arg]
    """One character between columns; a tab may be written out."""

    name = "character"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the character."""
        sep: str = {"\\t": "\t", "tab": "\t", "semicolon": ";", "comma": ",", "space": " "}.get(value.lower(), value)
        if len(sep) != 1:
            self.fail(f"{value!r} is not one character such as ';' ('tab' is a tab).", param, ctx)
        return sep


class TimeZone(click.ParamType):  # type: ignore[type-arg]
    """The name of a time zone."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        from tsrnn.data.zones import check_zone
        from tsrnn.errors import ParameterError

        try:
            check_zone(value)
        except ParameterError as error:
            self.fail(str(error).removeprefix("time_zone="), param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Complete the name, in any case."""
        begun = incomplete.lower()
        zones = sorted(zone for zone in zoneinfo.available_timezones() if zone.lower().startswith(begun))
        return [click.shell_completion.CompletionItem(zone) for zone in zones]


LEVELS = Numbers("percentages", 1, 100 * (1 - 2 * NEAREST_END), "80,95")
QUANTILES = Numbers("numbers", NEAREST_END, 1 - NEAREST_END, "0.1,0.5,0.9")


# How a file is read: which columns it has, their step and season, and how it is written.
COLUMNS = (
    click.option("--target", help="Column of the values; several with commas. Default: y, or every numeric column."),
    click.option("--time-col", help="Column of the time stamps. Default: ds, or the column that holds dates."),
    click.option("--id-col", help="Column that names the series of a long table. Default: unique_id."),
)
STEPS = (
    click.option("--freq", help="Step between rows, as pandas writes it: h, D, B, W-SUN, MS, 15min, ..."),
    click.option("--season-length", type=click.IntRange(min=1), help="Steps per season; 1 means none."),
)
WRITING = (
    click.option("--sep", type=Separator(), help="Column separator of the CSV file: ';', tab, ..."),
    click.option(
        "--decimal",
        type=click.Choice([".", ","]),
        help="Decimal sign of the CSV file; the other one then marks thousands.",
    ),
    click.option("--date-format", help="How dates are written, for example %d/%m/%Y."),
    click.option(
        "--time-zone",
        type=TimeZone(),
        help="Zone of the time stamps, such as Europe/Berlin: those with UTC offsets are converted to it, those "
        "without are its local times.",
    ),
    click.option("--encoding", help="Encoding of the CSV file, for example cp1252. Default: UTF-8 or UTF-16."),
    click.option(
        "--each-file",
        type=click.Choice(["series", "part"]),
        help="In a folder: each file is a series, or a part of the same ones. Default: told from the files.",
    ),
)


def table_options(command: Command) -> Command:
    """Add the file argument and the options that say how to read it."""
    file = click.argument("file", type=click.Path(allow_dash=True))
    return _with(command, [file, *COLUMNS, *STEPS, *WRITING])


def newer_rows_options(command: Command) -> Command:
    """Add the options that say how to read more rows of a table whose step and season are known."""
    return _with(command, [*COLUMNS, *WRITING])


def model_option(names: Sequence[str], default: str = "tsrnn", about: str = "One of") -> Callable[[Command], Command]:
    """Return the option --model, which takes one of the names; `about` begins its help."""
    return click.option(
        "--model",
        type=OneModel(names),
        default=default,
        show_default=True,
        metavar="NAME",
        help=f"{about} {', '.join(names)}.",
    )


def network_options(command: Command) -> Command:
    """Add what only networks know."""
    return _with(
        command,
        [
            click.option(
                "--strategy",
                type=click.Choice(STRATEGIES),
                help="Of a network: use the pretrained base as it is, train it on, train a new one, or let held-back "
                "data decide. Default: auto.",
            ),
            click.option(
                "--time-budget",
                type=FiniteRange(min=0, min_open=True),
                help="Of a network: seconds for its training.",
            ),
            click.option(
                "--ensemble-size",
                type=click.IntRange(min=1),
                help="Of a network: how many make the forecast, which is their median. Default: 1.",
            ),
            click.option("--device", help="Of a network: cpu, cuda, cuda:1, ... Default: one GPU if there is one."),
        ],
    )


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
            click.option("--output", type=click.Path(), help="Write to this file instead of stdout."),
            click.option("--quiet", is_flag=True, help="Say nothing on stderr but warnings and errors."),
        ]
        return _with(command, options)

    return add


def _with(command: Command, options: Sequence[Callable[[Any], Any]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
