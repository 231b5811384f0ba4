"""``tsrnn compare FIRST SECOND``: which of two backtests is better?"""

from __future__ import annotations

import click

from tsrnn.commands.options import output_options


@click.command(name="compare")
@click.argument("first", type=click.Path())
@click.argument("second", type=click.Path())
@click.option("--model", help="Model of both that is compared. Default: the judged one of each.")
@click.option("--first-model", help="Model of FIRST, where they differ.")
@click.option("--second-model", help="Model of SECOND, where they differ.")
@output_options(("table", "csv", "json"))
def command(
    first: str,
    second: str,
    model: str | None,
    first_model: str | None,
    second_model: str | None,
    format_: str | None,
    output: str | None,
    quiet: bool,
) -> None:
    """Say whether the backtest SECOND is better than FIRST, and whether that is more than chance.

    Each is the JSON of `tsrnn backtest --format json`, or the folder of `--folder`. Forecasts of the same series from
    the same cutoffs are compared; backtests of other data or another horizon are refused.

    \b
    Examples:
      tsrnn compare before.json after.json
      tsrnn compare shops-july/ shops-august/ --model ARIMA
      tsrnn compare all.json all.json --first-model ETS --second-model Theta
    """
    from tsrnn.commands.writing import check_output, chosen_format

    format_ = chosen_format(format_, output)
    check_output(reads=(first, second), backtests=(first, second), output=output)
    from tsrnn.commands.voice import Voice
    from tsrnn.commands.writing import render_table, write_frame, write_json, write_text
    from tsrnn.evaluation.comparison import compare_backtests, read_backtest

    voice = Voice(quiet)
    found = compare_backtests(
        read_backtest(first), read_backtest(second), (first_model or model, second_model or model)
    )
    voice.say(*found.notes)
    if format_ == "table":
        table = found.table.rename(columns={"mase": "MASE"})
        write_text(f"{render_table(table)}\n\n{found.verdict}", output)
    elif format_ == "csv":
        write_frame(found.table, "csv", output)
    else:
        gain = found.verdict.gain
        content = {
            "verdict": str(found.verdict),
            "outcome": found.verdict.outcome,
            "gain": {"share": gain.gain, "low": gain.low, "high": gain.high},
            "n_series": gain.n_series,
            "n_cutoffs": gain.n_cutoffs,
            "matched": found.matched,
            "only_first": found.only_first,
            "only_second": found.only_second,
            "models": found.table.to_dict("records"),
        }
        write_json(content, output)
