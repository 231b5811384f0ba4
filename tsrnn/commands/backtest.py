"""``tsrnn backtest FILE``: is the network worth it on these data?"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd

from tsrnn.commands.options import (
    Voice,
    chosen_format,
    output_options,
    read_file,
    render_table,
    table_options,
    write_frame,
    write_text,
)
from tsrnn.evaluation.backtest import BacktestResult, backtest
from tsrnn.forecasting.registry import MODELS, named_models
from tsrnn.reporting.report import write_report


@click.command(name="backtest")
@table_options
@click.option("--horizon", type=click.IntRange(min=1), help="Steps ahead. Default: by frequency.")
@click.option("--windows", type=click.IntRange(min=1), help="Cutoffs per series. Default: up to 20.")
@click.option("--step", type=click.IntRange(min=1), help="Steps between cutoffs. Default: the horizon, or less.")
@click.option(
    "--refit",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Fit again every so many cutoffs; 0 is never.",
)
@click.option(
    "--train-size", type=click.IntRange(min=1), help="Show models this many rows before a cutoff at most. Default: all."
)
@click.option(
    "--gap",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Steps right after a cutoff that are not scored.",
)
@click.option(
    "--time-budget",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds for the whole backtest. Cutoffs that do not fit in are left out, and said.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=-1),
    help="Processes, or -1 for all cores. Default: several where statistical models gain by it.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False),
    help="Keep forecasts in this folder as they come. After an interruption the same command goes on from there.",
)
@click.option(
    "--models",
    default="tsrnn,ARIMA,SeasonalNaive",
    show_default=True,
    help=f"Models to compare, the judged one first: {', '.join(MODELS)}.",
)
@click.option("--level", default="80,95", show_default=True, help="Interval levels in percent.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed of the network.")
@click.option("--report", help="Where to write the HTML page, or 'none'. Default: FILE-backtest.html here.")
@output_options(("table", "json", "csv"))
def command(
    file: str,
    horizon: int | None,
    windows: int | None,
    step: int | None,
    refit: int,
    train_size: int | None,
    gap: int,
    time_budget: float | None,
    jobs: int | None,
    folder: str | None,
    models: str,
    level: str,
    seed: int,
    report: str | None,
    format_: str | None,
    output: str | None,
    quiet: bool,
    **reading: Any,
) -> None:
    """Judge the network against ARIMA on the past of the data in FILE.

    Every model forecasts from the same past cutoffs, seeing nothing after them; what it forecast is compared with
    what happened. Prints a table and a verdict, and writes a page with figures.

    FILE is a CSV or Parquet file, or - for CSV on stdin: one column per series and one of dates, or a long table
    unique_id, ds, y.

    \b
    Examples:
      tsrnn backtest prices.csv
      tsrnn backtest sales.csv --target revenue --horizon 12 --models gru,lstm,ARIMA
      tsrnn backtest shops.parquet --refit 1 --jobs -1 --time-budget 600 --folder shops-backtest
    """
    voice = Voice(quiet)
    levels = parse_levels(level)
    chosen = {name: _seeded(model, seed) for name, model in named_models(models.split(",")).items()}
    panel = read_file(file, **reading)
    for note in panel.notes:
        voice.say(note)
    with voice.working("backtest") as progress:
        result = backtest(
            chosen,
            panel,
            h=horizon,
            n_windows=windows,
            step_size=step,
            refit=refit,
            train_size=train_size,
            gap=gap,
            time_budget=time_budget,
            n_jobs=jobs,
            path=folder,
            level=levels,
            on_progress=progress,
        )
    result.config["command"] = shlex.join(["tsrnn", *sys.argv[1:]])
    voice.say(_plan(result.config))
    for note in result.notes[len(panel.notes) :]:
        voice.say(note)
    _write(result, chosen_format(format_, output), output)
    if report != "none":
        path = (
            Path(report)
            if report
            else Path(f"{'stdin' if file == '-' else Path(file).name.split('.')[0]}-backtest.html")
        )
        write_report(result, path, title=f"Backtest of {'stdin' if file == '-' else Path(file).name}")
        voice.say(f"Report: {path}")


def _plan(config: dict[str, Any]) -> str:
    """Say in a line how the models were judged.

    >>> _plan({"n_windows": 4, "step_size": 1, "h": 3, "gap": 2, "train_size": 60, "refit": 1})
    '4 cutoffs, 1 step apart, h = 3 after a gap of 2, fitted before every cutoff on the last 60 rows.'
    """
    count, step, every = config["n_windows"], config["step_size"], config["refit"]
    apart = "" if count == 1 else f", {step} step{'' if step == 1 else 's'} apart"
    gap = f" after a gap of {config['gap']}" if config["gap"] else ""
    often = {0: "once before the first", 1: "before every cutoff"}.get(every, f"again every {every} cutoffs")
    rows = f" on the last {config['train_size']} rows" if config["train_size"] else ""
    return f"{count} cutoff{'' if count == 1 else 's'}{apart}, h = {config['h']}{gap}, fitted {often}{rows}."


def _seeded(model: Any, seed: int) -> Any:
    return model.set_params(random_state=seed) if "random_state" in model.get_params() else model


def parse_levels(text: str) -> tuple[float, ...]:
    """Return interval levels from an option's text.

    >>> parse_levels("80,95")
    (80.0, 95.0)
    """
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is not a list of percentages such as 80,95.", param_hint="--level"
        ) from error


def _write(result: BacktestResult, format_: str, output: str | None) -> None:
    if format_ == "table":
        text = render_table(_rounded(result.leaderboard), width=160)
        write_text(f"{text}\n\n{result.verdict or ''}".rstrip(), output)
    elif format_ == "csv":
        write_frame(result.leaderboard, "csv", output)
    else:
        content = {
            "verdict": None if result.verdict is None else str(result.verdict),
            "outcome": None if result.verdict is None else result.verdict.outcome,
            "leaderboard": json.loads(result.leaderboard.to_json(orient="records")),
            "notes": list(result.notes),
            "config": result.config,
        }
        write_text(json.dumps(content, indent=2, default=str), output)


def _rounded(leaderboard: pd.DataFrame) -> pd.DataFrame:
    """Name the columns for people and show shares as percentages."""
    table = pd.DataFrame({"model": leaderboard["model"]})
    for column, label in {"mase": "MASE", "smape": "sMAPE", "rmse": "RMSE", "wql": "WQL"}.items():
        table[label] = leaderboard[column]
    for column in leaderboard.filter(like="coverage_").columns:
        shares = leaderboard[column]
        table[f"in {column.removeprefix('coverage_')} %"] = ["–" if s != s else f"{s:.0%}" for s in shares]
    table["fit s"] = leaderboard["fit_seconds"].round(2)
    table["predict s"] = leaderboard["predict_seconds"].round(2)
    return table
