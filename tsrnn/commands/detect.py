"""``tsrnn detect FILE``: which rows are improbable? And ``tsrnn detect FILE --follow -``: the same, as rows come."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from tsrnn.commands.options import MODELS, THRESHOLDS, FiniteRange, model_option, output_options, table_options
from tsrnn.naming import counted, some_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsrnn.anomaly.detector import AnomalyDetector
    from tsrnn.anomaly.notation import Notation
    from tsrnn.commands.voice import Voice


@click.command(name="detect")
@table_options
@click.option(
    "--alpha",
    type=FiniteRange(min=0, max=1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Share of ordinary rows that may be called anomalous.",
)
@click.option(
    "--threshold",
    type=click.Choice(THRESHOLDS),
    default="conformal",
    show_default=True,
    help="How scores become p-values.",
)
@click.option("--channels", is_flag=True, help="The series are channels of one system, judged together.")
@click.option("--patience", type=click.IntRange(min=1), help="Rows after which a level that persists is accepted.")
@model_option(MODELS, default="zero-shot", about="The forecaster, one of")
@click.option("--rows", is_flag=True, help="Print every row, not the events.")
@click.option(
    "--html", type=click.Path(dir_okay=False), help="Write a page with a figure to zoom and a list of events."
)
@click.option(
    "--follow",
    metavar="-",
    help="Learn from FILE, then read lines from standard input and print alarms as they come. Only '-' is possible.",
)
@output_options(("table", "csv", "json", "parquet"))
def command(
    file: str,
    alpha: float,
    threshold: str,
    channels: bool,
    patience: int | None,
    model: str,
    rows: bool,
    html: str | None,
    follow: str | None,
    format_: str | None,
    output: str | None,
    quiet: bool,
    **reading: Any,
) -> None:
    """Find the rows of FILE that were improbable at their time, and merge them into events.

    With --follow - FILE is the history: new rows are read from standard input, in the order of their times. A line has
    the columns of FILE, or is `time,value` or `series,time,value` (of a wide table `time,value,value,...`), and is
    written as FILE is: separator, decimal sign and dates. Each alarm is one line of JSON. A line that cannot be read is
    reported on stderr, and the next one is read. So is one that lies far ahead, unless the next one goes on from it.

    \b
    Examples:
      tsrnn detect traffic.csv --html anomalies.html
      tsrnn detect pumps.csv --channels --format json
      tail -f -n 0 meter.csv | tsrnn detect history.csv --follow -
    """
    if follow is not None and (follow != "-" or file == "-"):
        raise click.UsageError("--follow reads new rows from standard input: --follow -, with a FILE of history.")
    if follow is not None and (html or output or format_ or rows):
        raise click.UsageError(
            "--follow prints alarms as they come; it goes without --html, --output, --format, --rows."
        )
    from tsrnn.commands.writing import check_output, chosen_format

    format_ = chosen_format(format_, output)
    check_output(reads=(file,), output=output, html=html)
    from tsrnn.anomaly.detector import AnomalyDetector
    from tsrnn.anomaly.notation import read_notation
    from tsrnn.commands.reading import Reading, plain_name
    from tsrnn.commands.voice import Voice
    from tsrnn.forecasting.registry import make_model

    voice = Voice(quiet)
    detector = AnomalyDetector(
        make_model(model), alpha=alpha, threshold=threshold, channels=channels, patience=patience
    )
    how = Reading(**reading)
    panel = how.panel(file)
    voice.say(*panel.notes)
    with voice.working("reading history" if follow else "judging rows"):
        detector.fit(panel)
    if follow is not None:
        follow_lines(detector, voice, read_notation(file, panel, how.form), how.encoding)
        return
    title = f"Anomalies in {plain_name(file)}"
    _write(detector, voice, title, panel.notes, rows=rows, html=html, format_=format_, output=output)


def _write(
    detector: AnomalyDetector,
    voice: Voice,
    title: str,
    notes: Sequence[str],
    *,
    rows: bool,
    html: str | None,
    format_: str,
    output: str | None,
) -> None:
    """Write what was found, and a page of it with these notes."""
    from tsrnn.commands.writing import typed_command, write_frame
    from tsrnn.naming import examples

    detections = detector.detect()
    events = detector.events()
    said = []
    judged = detections.groupby("unique_id", sort=False, observed=True)["p_value"].count()
    never = judged.index[judged == 0]
    if len(never):
        said.append(
            f"{some_of(len(never), len(judged), 'series', 'has', 'have')} too little history to be judged: "
            f"{examples(never)}. With this forecaster the first {detector.watch_.plan.block} rows are history."
        )
    found, total = int(detections["is_anomaly"].sum()), int(judged.sum())
    if total:
        said.append(
            f"{counted(len(events), 'event')}; {some_of(found, total, 'judged row', 'is', 'are')} anomalous "
            f"({100 * found / total:.2g} %; {100 * detector.alpha_:g} % would be by chance)."
        )
    voice.say(*said)
    if html is not None:
        from tsrnn.reporting.anomalies import write_anomaly_page

        write_anomaly_page(detections, events, html, title, notes=(*notes, *said), command=typed_command())
        voice.say(f"Page: {html}")
    write_frame(detections if rows else events, format_, output)


def follow_lines(detector: AnomalyDetector, voice: Voice, notation: Notation, encoding: str | None) -> None:
    """Read lines from standard input until it ends, and print an alarm for every anomalous row.

    Raises
    ------
    DataError
        If the encoding is not known.
    """
    from tsrnn.anomaly.follow import LineReader
    from tsrnn.errors import DataError, TsrnnError

    if isinstance(sys.stdin, io.TextIOWrapper):
        try:
            # As files are read, whatever the terminal's encoding is. A wrong byte spoils its own line alone.
            sys.stdin.reconfigure(encoding=encoding or "utf-8", errors="replace")
        except LookupError:
            raise DataError(f"--encoding {encoding!r} is not known; expected for example latin1 or cp1252.") from None
    reader = LineReader(detector, notation)
    n_read = n_wrong = 0
    for number, line in enumerate(sys.stdin, start=1):
        try:
            alarms = reader.read(line)
        except TsrnnError as error:
            n_wrong += 1
            click.echo(f"tsrnn: line {number}: {' '.join(str(error).split())}", err=True)
            continue
        n_read += 1
        for alarm in alarms:
            click.echo(json.dumps(alarm, allow_nan=False))
        sys.stdout.flush()
    n_read, n_wrong = n_read + reader.n_confirmed, n_wrong - reader.n_confirmed
    voice.say(f"{counted(n_read, 'line')} read" + (f", {n_wrong:,} could not be." if n_wrong else "."))
