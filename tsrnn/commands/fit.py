"""``tsrnn fit FILE --save DIR``: fit a network, for `tsrnn predict` to forecast with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from tsrnn.commands.options import NETWORKS, model_option, network_options, table_options

if TYPE_CHECKING:
    from tsrnn.forecasting.forecaster import Forecaster


@click.command(name="fit")
@table_options
@click.option("--save", required=True, type=click.Path(), help="Folder to save the network in.")
@click.option("--horizon", type=click.IntRange(min=1), help="Steps it is trained to forecast. Default: by frequency.")
@model_option(NETWORKS)
@network_options
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed.")
@click.option("--output", type=click.Path(), help="Write the summary to this file instead of stdout.")
@click.option("--quiet", is_flag=True, help="Say nothing on stderr but warnings and errors.")
def command(
    file: str,
    save: str,
    horizon: int | None,
    model: str,
    strategy: str | None,
    time_budget: float | None,
    ensemble_size: int | None,
    device: str | None,
    seed: int,
    output: str | None,
    quiet: bool,
    **reading: Any,
) -> None:
    """Fit a network on all series in FILE, save it, and print what was chosen.

    The folder holds two files, weights as safetensors and everything else as JSON, the values of the table among it.
    A saved model that stands there is replaced; anything else is left alone.

    \b
    Examples:
      tsrnn fit sales.csv --save sales-model
      tsrnn fit shops/ --save shops-model --strategy scratch --time-budget 120 --horizon 28
    """
    from tsrnn.commands.writing import check_output, write_text

    check_output(reads=(file,), models=(save,), output=output)
    from tsrnn.commands.models import build_model
    from tsrnn.commands.reading import Reading
    from tsrnn.commands.voice import Voice
    from tsrnn.forecasting.model_folder import check_target

    check_target(save)  # before a training whose network could not be kept
    voice = Voice(quiet)
    forecaster = cast("Forecaster", build_model(model, seed, horizon, strategy, time_budget, ensemble_size, device))
    panel = Reading(**reading).panel(file)
    voice.say(*panel.notes)
    with voice.working(f"fitting {model}"):
        forecaster.fit(panel)
    forecaster.save(save)
    write_text(forecaster.summary(), output)
    voice.say(f"Saved: {save}")
