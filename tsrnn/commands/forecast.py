"""``tsrnn forecast FILE``: what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tsrnn.commands.options import (
    LEVELS,
    MODELS,
    QUANTILES,
    model_option,
    network_options,
    output_options,
    table_options,
)

if TYPE_CHECKING:
    from tsrnn.commands.voice import Voice
    from tsrnn.data.panel import Panel
    from tsrnn.forecasting.contract import ForecastModel


@click.command(name="forecast")
@table_options
@click.option("--horizon", type=click.IntRange(min=1), help="Steps ahead. Default: by frequency.")
@model_option(MODELS)
@click.option("--level", type=LEVELS, default="80", show_default=True, help="Interval levels in percent; '' for none.")
@click.option("--quantiles", type=QUANTILES, default="", help="Quantiles, such as 0.1,0.9.")
@network_options
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed of a network.")
@click.option("--plot", type=click.Path(), help="Also write a page with figures, which opens offline.")
@output_options(("table", "csv", "json", "parquet"))
def command(
    file: str,
    horizon: int | None,
    model: str,
    level: tuple[float, ...],
    quantiles: tuple[float, ...],
    strategy: str | None,
    time_budget: float | None,
    ensemble_size: int | None,
    device: str | None,
    seed: int,
    plot: str | None,
    format_: str | None,
    output: str | None,
    quiet: bool,
    **reading: Any,
) -> None:
    """Forecast every series in FILE and print the forecasts with their intervals.

    FILE is a CSV or Parquet file, a folder of them, or - for stdin. A wide table without --level and --quantiles is
    answered wide, everything else as a long table.

    \b
    Examples:
      tsrnn forecast sales.csv --horizon 12
      tsrnn forecast shops/ --strategy scratch --time-budget 60 --plot shops.html
      tsrnn forecast traffic.parquet --level 80,95 --output forecast.parquet
      cat sales.csv | tsrnn forecast - --model ARIMA --format csv
    """
    from tsrnn.commands.writing import check_output, chosen_format

    format_ = chosen_format(format_, output)
    check_output(reads=(file,), output=output, plot=plot)
    from tsrnn.commands.models import build_model
    from tsrnn.commands.reading import Reading, plain_name
    from tsrnn.commands.voice import Voice

    voice = Voice(quiet)
    estimator = build_model(model, seed, horizon, strategy, time_budget, ensemble_size, device)
    panel = Reading(**reading).panel(file)
    voice.say(*panel.notes)
    with voice.working("forecast") as work:
        work(f"fitting {model}")
        from tsrnn.forecasting.progress import part

        with part(0.0, 0.95):
            estimator.fit(panel)
        if model == "tsrnn" and strategy in (None, "auto"):
            voice.say(f"tsrnn: auto took {estimator.strategy_}: {estimator.reason_}.")
        with part(0.95, 1.0):
            deliver(
                estimator, panel, horizon, level, quantiles, voice,
                format_=format_, output=output, plot=plot, name=model, title=f"Forecast of {plain_name(file)}",
            )  # fmt: skip


def deliver(
    model: ForecastModel,
    panel: Panel,
    horizon: int | None,
    levels: tuple[float, ...],
    quantiles: tuple[float, ...],
    voice: Voice,
    *,
    format_: str,
    output: str | None,
    plot: str | None,
    name: str,
    title: str,
) -> None:
    """Forecast what follows a panel with a fitted model, and write it as asked for."""
    from tsrnn.commands.writing import typed_command, write_frame

    table, values, needed = model.look_ahead(panel, horizon, level=levels, quantiles=quantiles)
    if table.index.name is not None:
        table = table.reset_index()
    notes = [note for note in model.notes_ if note not in panel.notes]
    voice.say(*notes)
    write_frame(table, format_, output)
    if plot is not None:
        from tsrnn.reporting.forecast_page import write_forecast_page

        write_forecast_page(
            panel, values, needed, plot,
            title=title, name=name, levels=levels, summary=model.summary(),
            notes=(*panel.notes, *notes), command=typed_command(),
        )  # fmt: skip
        voice.say(f"Page: {plot}")
