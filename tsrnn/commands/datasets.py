"""``tsrnn datasets``: the data sets that come with tsrnn."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from tsrnn.commands.options import output_options


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from tsrnn.datasets import dataset_names, list_texts

    return [CompletionItem(name) for name in (*dataset_names(), *list_texts()) if name.startswith(incomplete)]


@click.command(name="datasets")
@click.argument("name", required=False, shell_complete=_names)
@output_options(("table", "csv", "json", "parquet"))
def command(name: str | None, format_: str | None, output: str | None, quiet: bool) -> None:
    """List the data sets that come with tsrnn, or write out the one called NAME as CSV, a text as it is.

    \b
    Examples:
      tsrnn datasets
      tsrnn datasets prices --output prices.csv
      tsrnn datasets hamlet --output hamlet.txt
      tsrnn datasets co2 | tsrnn inspect -
    """
    from tsrnn.commands.voice import Voice
    from tsrnn.commands.writing import check_output, chosen_format, write_frame, write_text
    from tsrnn.datasets import list_texts

    texts = list_texts()
    if name in texts and format_ is not None:
        raise click.UsageError(f"{name} is a text and is written as it is; leave --format out.")
    # A data set on stdout is for another program, the list for people.
    chosen = chosen_format(format_ or ("csv" if name is not None and output is None else None), output)
    check_output(output=output)
    from tsrnn.datasets import list_datasets, load_dataset, load_text

    if name in texts:
        write_text(load_text(name).removesuffix("\n"), output)
        return
    write_frame(list_datasets() if name is None else load_dataset(name), chosen, output)
    if name is None:
        for text, about in texts.items():
            Voice(quiet).say(f"text {text}: {about}")
