"""``tsrnn predict FILE --model DIR``: forecast with a saved network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tsrnn.commands.options import LEVELS, QUANTILES, newer_rows_options, output_options

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel
    from tsrnn.forecasting.forecaster import Forecaster


@click.command(name="predict")
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@click.option("--model", required=True, type=click.Path(), help="Folder that `tsrnn fit --save` wrote.")
@click.option("--horizon", type=click.IntRange(min=1), help="Steps ahead. Default: what it was fitted for.")
@click.option("--level", type=LEVELS, default="80", show_default=True, help="Interval levels in percent; '' for none.")
@click.option("--quantiles", type=QUANTILES, default="", help="Quantiles, such as 0.1,0.9.")
@click.option("--update", is_flag=True, help="Fit again with the rows of FILE, and save the model in its folder.")
@newer_rows_options
@click.option("--plot", type=click.Path(), help="Also write a page with figures, which opens offline.")
@output_options(("table", "csv", "json", "parquet"))
def command(
    file: str | None,
    model: str,
    horizon: int | None,
    level: tuple[float, ...],
    quantiles: tuple[float, ...],
    update: bool,
    plot: str | None,
    format_: str | None,
    output: str | None,
    quiet: bool,
    **reading: Any,
) -> None:
    """Forecast with a saved network: what follows the table it was fitted on, or the rows of FILE.

    FILE may hold newer or revised rows of the fitted series alone, which are put among the saved ones; the whole table
    again; or other series. Nothing is trained unless --update says so. Columns and the time zone are those of the
    fitted table, unless named.

    \b
    Examples:
      tsrnn predict --model sales-model --horizon 12
      tsrnn predict this-week.csv --model sales-model --output forecast.csv
      tsrnn predict this-month.csv --model sales-model --update
    """
    from tsrnn.commands.writing import check_output, chosen_format

    format_ = chosen_format(format_, output)
    check_output(reads=(file,), models=(model,), output=output, plot=plot)
    if update and file is None:
        raise click.UsageError("--update needs a FILE with newer rows.")
    from tsrnn.commands.forecast import deliver
    from tsrnn.commands.reading import plain_name
    from tsrnn.commands.voice import Voice
    from tsrnn.data.continuing import refuse_lost_rows, with_others
    from tsrnn.forecasting.forecaster import Forecaster
    from tsrnn.forecasting.model_folder import check_target

    voice = Voice(quiet)
    forecaster = Forecaster.load(model)
    panel = forecaster.panel_
    if file is not None:
        panel = _newer(forecaster, file, reading)
        voice.say(*panel.notes)
    if update:
        check_target(model)  # before a training whose network could not be kept
        refuse_lost_rows(panel, forecaster.panel_)
    with voice.working("predict") as work:
        if update:
            work("fitting again")
            # A series that FILE does not hold stays in the model.
            forecaster.update(with_others(panel, forecaster.panel_))
            forecaster.save(model)
            voice.say(f"Saved: {model}")
        deliver(
            forecaster, panel, horizon, level, quantiles, voice,
            format_=format_, output=output, plot=plot, name="tsrnn",
            title=f"Forecast of {plain_name(model if file is None else file)}",
        )  # fmt: skip


def _newer(forecaster: Forecaster, file: str, reading: dict[str, Any]) -> Panel:
    """Read a file as the fitted table was read, and put its rows behind the saved ones of the same series."""
    from tsrnn.commands.reading import Reading
    from tsrnn.data.continuing import join_newer

    fitted = forecaster.panel_
    form = fitted.form
    given = {key: value for key, value in reading.items() if value is not None}
    usual: dict[str, Any] = {"freq": fitted.frequency, "season_length": fitted.season_length}
    if form.zone is not None and form.zone.utcoffset(None) is None:
        # As in a stream: stamps without a zone are local times of the fitted one.
        usual["time_zone"] = str(form.zone)
    if not form.time_in_index:
        usual["time_col"] = form.time_col
    if form.kind == "long":
        usual |= {"id_col": form.id_col, "target": form.target_col}
    read = Reading(**{**usual, **given}).panel(file, more=True)
    panel, notes = join_newer(fitted, read)
    return replace(panel, notes=(*panel.notes, *notes))
