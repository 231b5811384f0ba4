"""``tsrnn backtest FILE``: is the network worth it on these data?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tsrnn.commands.options import LEVELS, MODELS, FiniteRange, SeveralModels, output_options, table_options
from tsrnn.naming import counted

if TYPE_CHECKING:
    import pandas as pd

    from tsrnn.evaluation.backtest import BacktestResult


# Models that fit every series for itself, and on how many series they are judged unless told otherwise.
SLOW = ("ARIMA", "ETS", "Theta", "Ensemble")
SAMPLED = 500


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
    type=FiniteRange(min=0, min_open=True),
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
    "--sample",
    type=click.IntRange(min=0),
    help="Judge on so many series, drawn at random; 0 is all. Networks learn from all series. Default: all, or "
    f"{SAMPLED} of more where statistical models take part, which is said.",
)
@click.option(
    "--models",
    type=SeveralModels(),
    default="tsrnn,ARIMA,SeasonalNaive",
    show_default=True,
    help=f"Models to compare, the judged one first: {', '.join(MODELS)}.",
)
@click.option("--level", type=LEVELS, default="80,95", show_default=True, help="Interval levels in percent.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed of the network.")
@click.option(
    "--report", type=click.Path(), help="Where to write the HTML page, or 'none'. Default: FILE-backtest.html here."
)
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
    sample: int | None,
    models: list[str],
    level: tuple[float, ...],
    seed: int,
    report: str | None,
    format_: str | None,
    output: str | None,
    quiet: bool,
    **reading: Any,
) -> None:
    """Judge the network against ARIMA on the past of the data in FILE.

    Every model forecasts from the same past cutoffs of each series, counted back from its end, and sees nothing of it
    after them; what it forecast is compared with what happened. Prints a table and a verdict, and writes a page with
    figures.

    FILE is a CSV or Parquet file, a folder of them, or - for stdin: one column per series and one of dates, or a long
    table unique_id, ds, y.

    \b
    Examples:
      tsrnn backtest prices.csv
      tsrnn backtest sales.csv --target revenue --horizon 12 --models gru,lstm,ARIMA
      tsrnn backtest shops.parquet --refit 1 --jobs -1 --time-budget 600 --folder shops-backtest
    """
    from tsrnn.commands.reading import Reading, plain_name
    from tsrnn.commands.writing import check_output, chosen_format, typed_command

    format_ = chosen_format(format_, output)
    page = None if report == "none" else report or f"{plain_name(file)}-backtest.html"
    check_output(reads=(file,), backtests=(folder,), output=output, report=page)
    from tsrnn.commands.models import seeded
    from tsrnn.commands.voice import Voice
    from tsrnn.evaluation.backtest import backtest
    from tsrnn.forecasting.registry import named_models

    voice = Voice(quiet)
    chosen = {name: seeded(model, seed) for name, model in named_models(models).items()}
    panel = Reading(**reading).panel(file)
    voice.say(*panel.notes)
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
            sample=_sample(sample, models, panel.n_series),
            level=level,
            on_progress=progress,
        )
    result.config["command"] = typed_command()
    voice.say(_plan(result.config))
    voice.say(*result.notes[len(panel.notes) :])
    _write(result, format_, output)
    if page is not None:
        from tsrnn.reporting.report import write_report

        write_report(result, page, title=f"Backtest of {plain_name(file)}")
        voice.say(f"Report: {page}")


def _sample(asked: int | None, models: list[str], n_series: int) -> int | None:
    """Return how many series to judge on; None is all.

    >>> _sample(None, ["tsrnn", "ARIMA"], 10_000), _sample(None, ["tsrnn"], 10_000), _sample(0, ["ARIMA"], 10_000)
    (500, None, None)
    """
    if asked is None and n_series > SAMPLED and set(models) & set(SLOW):
        return SAMPLED
    return asked or None


def _plan(config: dict[str, Any]) -> str:
    """Say in a line how the models were judged.

    >>> _plan({"n_windows": 4, "step_size": 1, "h": 3, "gap": 2, "train_size": 60, "refit": 1})
    '4 cutoffs, 1 step apart, h = 3 after a gap of 2, fitted before every cutoff on the last 60 rows.'
    """
    count, step, every = config["n_windows"], config["step_size"], config["refit"]
    apart = "" if count == 1 else f", {counted(step, 'step')} apart"
    gap = f" after a gap of {config['gap']}" if config["gap"] else ""
    often = {0: "once before the first", 1: "before every cutoff"}.get(every, f"again every {every} cutoffs")
    rows = f" on the last {counted(config['train_size'], 'row')}" if config["train_size"] else ""
    return f"{counted(count, 'cutoff')}{apart}, h = {config['h']}{gap}, fitted {often}{rows}."


def _write(result: BacktestResult, format_: str, output: str | None) -> None:
    from tsrnn.commands.writing import render_table, write_frame, write_json, write_text

    if format_ == "table":
        text = render_table(_rounded(result.leaderboard))
        write_text(f"{text}\n\n{result.verdict or ''}".rstrip(), output)
    elif format_ == "csv":
        write_frame(result.leaderboard, "csv", output)
    else:
        content = {
            **result.facts(),
            "leaderboard": result.leaderboard.to_dict(orient="records"),
            "by_forecast": {column: _plain(result.by_forecast[column]) for column in result.by_forecast.columns},
        }
        write_json(content, output)


def _plain(column: pd.Series) -> list[Any]:
    """Return numbers as they are, and names and time stamps as text."""
    return column.tolist() if getattr(column.dtype, "kind", "O") == "f" else [str(value) for value in column]


def _rounded(leaderboard: pd.DataFrame) -> pd.DataFrame:
    """Name the columns for people and show shares as percentages."""
    import pandas as pd

    table = pd.DataFrame({"model": leaderboard["model"]})
    for column, label in {"mase": "MASE", "smape": "sMAPE", "rmse": "RMSE", "wql": "WQL"}.items():
        table[label] = leaderboard[column]
    for column in leaderboard.filter(like="coverage_").columns:
        shares = leaderboard[column]
        table[f"in {column.removeprefix('coverage_')} %"] = ["–" if s != s else f"{s:.0%}" for s in shares]
    table["fit s"] = leaderboard["fit_seconds"].round(2)
    table["predict s"] = leaderboard["predict_seconds"].round(2)
    return table
