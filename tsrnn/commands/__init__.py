"""The command line: ``tsrnn backtest prices.csv``. One file per command, loaded when it is called."""

from __future__ import annotations

import atexit
import gc
import os
import re
import signal
import sys
import threading
import warnings
from importlib import import_module
from typing import Any, TextIO

import click
from click.shell_completion import CompletionItem

from tsrnn.errors import TsrnnError

# Name -> what `tsrnn --help` says of it. Importing a command takes time that `--help` should not wait for.
COMMANDS = {
    "backtest": "Judge the network against ARIMA on your data's past, with a report.",
    "forecast": "Forecast what comes next.",
    "detect": "Find rows that were improbable at their time, in a file or as they come.",
    "inspect": "Show what is inferred from a file: frequency, season, gaps, outliers, advice.",
    "fit": "Fit a network and save it.",
    "predict": "Forecast with a saved network, also from newer rows.",
    "compare": "Say which of two backtests is better, and whether that is chance.",
    "text": "Learn from a text and write more of it.",
    "datasets": "List the data sets that come with tsrnn, or write one out.",
    "doctor": "Check the installation: versions, device, threads, a self-test.",
}

FAILED, INTERNAL, INTERRUPTED, READER_GONE = 1, 70, 130, 141
# An end by a signal has this and its number as exit code.
SIGNALLED = 128


class Stopped(KeyboardInterrupt):
    """Another signal than that of Ctrl-C asks for the end: its number."""


class ReaderGone(Exception):
    """Whoever read stdout has gone; click would end with a code of its own."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"tsrnn.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the commands without importing them."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tsrnn")
def cli() -> None:
    """Forecast time series with recurrent networks, judged against ARIMA.

    \b
    Start with one of:
      tsrnn backtest prices.csv              is the network worth it on these data?
      tsrnn forecast prices.csv --horizon 10
      tsrnn inspect prices.csv               what is in the file?

    Results go to stdout or --output, everything else to stderr.

    \b
    Exit codes:
      0    done
      1    the data, a file or a value does not allow it; one line on stderr says what to do
      2    wrong usage: an unknown command or option, or a value that an option never takes
      70   a defect of tsrnn; TSRNN_TRACEBACK=1 shows where
      130  stopped by Ctrl-C, 129 by SIGHUP, 143 by SIGTERM; no half-written file and no process is left
      141  whoever read stdout has gone (tsrnn ... | head)

    \b
    Switch on completion of commands, options, models and data sets by the TAB key:
      bash   echo 'eval "$(_TSRNN_COMPLETE=bash_source tsrnn)"' >> ~/.bashrc
      zsh    echo 'eval "$(_TSRNN_COMPLETE=zsh_source tsrnn)"' >> ~/.zshrc
      fish   _TSRNN_COMPLETE=fish_source tsrnn > ~/.config/fish/completions/tsrnn.fish
    """


def _collect_rarely() -> None:
    """Spare the hundreds of thousands of objects that PyTorch, pandas and scikit-learn bring from garbage collection.

    They live as long as the process. Walking through them again and again while they are imported, and once more when
    the process ends, took .9 of 3.6 seconds of a first forecast.
    """
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)


def _heed_signals() -> None:
    """End by SIGTERM and SIGHUP as by Ctrl-C, but where they are ignored, as under nohup.

    Worker processes and unfinished files would stay. The first process of a container would not even end.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # Python lets no other thread heed signals

    asked = False

    def stop(number: int, frame: object) -> None:
        # A scheduler may send both, and more than once: that would break off the end that the first one began.
        nonlocal asked
        if not asked:
            asked = True
            raise Stopped(number)

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def _open_closed_streams() -> None:
    """Put something in the place of standard streams that are closed, before another file takes their numbers.

    An empty stdin and a silent stderr; stdout, from which results would be lost, refuses them.
    """
    for number, (name, flags) in enumerate((("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY))):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))


def main() -> None:
    """Run the command line; every way in which it ends has its exit code, and none of them is a traceback."""
    _open_closed_streams()
    _heed_signals()
    warnings.showwarning = _show_warning
    _collect_rarely()
    code = 0
    try:
        # An option such as --help ends a command by its exit code, which is then returned.
        returned = cli.main(prog_name="tsrnn", standalone_mode=False)
        code = returned if isinstance(returned, int) else 0
        sys.stdout.flush()
    except TsrnnError as error:
        code = _fail(in_options(str(error)), FAILED)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        # click puts an error of its own in the place of the first one.
        stop = error.__context__ if isinstance(error, click.Abort) else error
        code = _fail("stopped.", SIGNALLED + stop.args[0] if isinstance(stop, Stopped) else INTERRUPTED)
    except (ReaderGone, BrokenPipeError):
        _forget_unwritten()
        code = READER_GONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        if not where:
            _forget_unwritten()
        code = _fail(f"{where}{error.strerror or error}. Check the path, the rights and the space left.", FAILED)
    except Exception as error:
        if _is_lack_of_memory(error):
            sys.exit(_fail("out of memory. Give fewer series or rows, or columns by --target.", FAILED))
        # joblib's error, by its name: importing it takes time.
        if type(error).__name__ == "TerminatedWorkerError":
            sys.exit(_fail("a worker process was killed, mostly for lack of memory. Use fewer --jobs, or 1.", FAILED))
        if os.environ.get("TSRNN_TRACEBACK"):
            raise
        text = f"{type(error).__name__}: {error}"
        code = _fail(f"a defect of tsrnn ({text}). TSRNN_TRACEBACK=1 shows where; please report it.", INTERNAL)
    sys.exit(code)


def _forget_unwritten() -> None:
    """Let go of what stdout could not take; the interpreter would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_lack_of_memory(error: Exception) -> bool:
    """Tell a lack of memory, which torch raises as a RuntimeError of its own words."""
    told = ("can't allocate memory", "out of memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in told)
    )


def _fail(message: str, code: int) -> int:
    click.echo(f"tsrnn: {' '.join(message.split())}", err=True)
    return code


# What messages call an argument in Python -> the option of the same meaning.
_OPTIONS = {
    "target_col": "--target",
    "time_col": "--time-col",
    "id_col": "--id-col",
    "season_length": "--season-length",
    "date_format": "--date-format",
    "time_zone": "--time-zone",
    "n_windows": "--windows",
    "step_size": "--step",
    "train_size": "--train-size",
    "time_budget": "--time-budget",
    "ensemble_size": "--ensemble-size",
    "n_jobs": "--jobs",
}
_SHORT = {"h": "--horizon", "freq": "--freq", "strategy": "--strategy", "gap": "--gap", "level": "--level",
          "device": "--device", "refit": "--refit", "sample": "--sample", "alpha": "--alpha",
          "patience": "--patience"}  # fmt: skip


def in_options(message: str) -> str:
    """Put options for the arguments that a message of the library names.

    >>> in_options("Name one with target_col, or pass a shorter season_length. h=5 is too long; lower h.")
    'Name one with --target, or pass a shorter --season-length. --horizon=5 is too long; lower --horizon.'
    >>> in_options("Leave freq out. Aggregate first, for example with df.resample(...).mean().")
    'Leave --freq out. Aggregate first.'
    >>> in_options("Text with decimal commas. Name the mark with decimal.")
    'Text with decimal commas. Name the mark with --decimal.'
    >>> in_options("It differs in h (12; now 6), level ([0.1, 0.9]; now [0.05, 0.95]).")
    'It differs in --horizon (12; now 6), --level ([0.1, 0.9]; now [0.05, 0.95]).'
    """
    # A file's cells are mended where it was written.
    message = message.replace(": df.replace([np.inf, -np.inf], np.nan)", ", by leaving the cell empty")
    message = re.sub(r", for example with (?:df|pd)\.\w+\([^()]*\)(?:\.\w+\(\))?", "", message)
    long, short = "|".join(_OPTIONS), "|".join(_SHORT)
    message = re.sub(rf"\b({long})\b", lambda found: _OPTIONS[found[1]], message)
    message = re.sub(rf"(?<![\w.(-])({short})=", lambda found: f"{_SHORT[found[1]]}=", message)
    # As the folder of another backtest says what differs.
    message = re.sub(rf" ({short})(?= \([^()]*; now )", lambda found: f" {_SHORT[found[1]]}", message)
    message = re.sub(rf"\b([Ll]ower|pass the) ({short})\b", lambda f: f"{f[1]} {_SHORT[f[2]]}", message)
    message = re.sub(r"\b([Pp]ass the|[Ll]eave|without) freq\b", r"\1 --freq", message)
    return re.sub(r"\b(with|the option) (sep|decimal|encoding)\b(?! commas)", r"\1 --\2", message)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> Any:
    click.echo(f"warning: {' '.join(str(message).split())}", err=True)
