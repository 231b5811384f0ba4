"""``tsrnn datasets``: the data sets that come with tsrnn."""

from __future__ import annotations

import click

from tsrnn.commands.options import Voice, chosen_format, output_options, write_frame, write_text
from tsrnn.datasets import list_datasets, list_texts, load_dataset, load_text


@click.command(name="datasets")
@click.argument("name", required=False)
@output_options(("table", "csv", "json"))
def command(name: str | None, format_: str | None, output: str | None, quiet: bool) -> None:
    """List the data sets that come with tsrnn, or write out the one called NAME as CSV, a text as it is.

    \b
    Examples:
      tsrnn datasets
      tsrnn datasets prices --output prices.csv
      tsrnn datasets hamlet --output hamlet.txt
    """
    texts = list_texts()
    if name is None:
        write_frame(list_datasets(), chosen_format(format_, output), output)
        for text, about in texts.items():
            Voice(quiet).say(f"text {text}: {about}")
    elif name in texts:
        write_text(load_text(name).removesuffix("\n"), output)
    else:
        write_frame(load_dataset(name), format_ or ("csv" if output is None else chosen_format(None, output)), output)
