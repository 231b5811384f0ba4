"""``tsrnn forecast FILE``: what comes next."""

from __future__ import annotations

from typing import Any

import click

from tsrnn.commands.backtest import parse_levels
from tsrnn.commands.options import Voice, chosen_format, output_options, read_file, table_options, write_frame
from tsrnn.forecasting.registry import MODELS, make_model


@click.command(name="forecast")
@table_options
@click.option("--horizon", type=click.IntRange(min=1), help="Steps ahead. Default: by frequency.")
@click.option("--model", default="tsrnn", show_default=True, help=f"One of {', '.join(MODELS)}.")
@click.option("--level", default="80", show_default=True, help="Interval levels in percent; empty for none.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed of the network.")
@output_options(("table", "csv", "json", "parquet"))
def command(
    file: str,
    horizon: int | None,
    model: str,
    level: str,
    seed: int,
    format_: str | None,
    output: str | None,
    quiet: bool,
    **reading: Any,
) -> None:
    """Forecast every series in FILE and print the forecasts with their intervals.

    \b
    Examples:
      tsrnn forecast sales.csv --horizon 12
      tsrnn forecast traffic.parquet --level 80,95 --output forecast.csv
    """
    voice = Voice(quiet)
    levels = parse_levels(level)
    estimator = make_model(model)
    settings = {"random_state": seed, "horizon": horizon}
    estimator.set_params(**{k: v for k, v in settings.items() if k in estimator.get_params()})
    panel = read_file(file, **reading)
    for note in panel.notes:
        voice.say(note)
    with voice.working("forecast") as progress:
        progress(f"fitting {model}")
        table = estimator.fit(panel).predict(horizon, level=levels)
    for note in getattr(estimator, "notes_", []):
        voice.say(note)
    chosen = chosen_format(format_, output)
    if not levels:
        table = table.reset_index() if table.index.name is not None else table
    if output is None and format_ == "parquet":
        raise click.UsageError("Parquet is binary; name a file with --output.")
    write_frame(table, chosen, output)
