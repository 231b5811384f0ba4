"""The command line: ``tsrnn backtest prices.csv``. One file per command, loaded when it is called."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Any, TextIO

import click

from tsrnn.errors import TsrnnError

# Name -> (module that defines `command`, what `tsrnn --help` says of it). Importing a command brings pandas and
# torch, and `--help` must answer at once.
COMMANDS = {
    "backtest": "Judge the network against ARIMA on your data's past, with a report.",
    "forecast": "Forecast what comes next.",
    "detect": "Find rows that were improbable at their time, in a file or as they come.",
    "inspect": "Show what is inferred from a file: series, frequency, season, gaps.",
    "text": "Learn from a text and write more of it.",
    "datasets": "List the data sets that come with tsrnn, or write one out.",
}


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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tsrnn")
def cli() -> None:
    """Forecast time series with recurrent networks, judged against ARIMA.

    \b
    Start with one of:
      tsrnn backtest prices.csv              is the network worth it on these data?
      tsrnn forecast prices.csv --horizon 10

    Results go to stdout, everything else to stderr.
    """


def main() -> None:
    """Run the command line: a user's mistake is one line on stderr and exit code 1, a wrong option exit code 2."""
    warnings.showwarning = _show_warning
    try:
        cli.main(standalone_mode=False)
    except TsrnnError as error:
        click.echo(f"tsrnn: {' '.join(str(error).split())}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("tsrnn: stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of stdout has gone (`tsrnn ... | head`); what remains unwritten is nobody's.
        sys.stderr.close()
        sys.exit(141)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> Any:
    click.echo(f"warning: {' '.join(str(message).split())}", err=True)
