"""``tsrnn inspect FILE``: what is inferred from a file, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tsrnn.commands.options import output_options, table_options
from tsrnn.naming import agree, counted, examples, some_of

if TYPE_CHECKING:
    import pandas as pd

    from tsrnn.data.description import Description
    from tsrnn.data.panel import Panel

MOST_SHOWN = 30
# What is said of a share of rows or of a strength from these on.
MANY_MISSING, WEAK_SEASON, STRONG_SEASON = 0.05, 0.1, 0.6


@click.command(name="inspect")
@table_options
@output_options(("table", "csv", "json", "parquet"))
def command(file: str, format_: str | None, output: str | None, quiet: bool, **reading: Any) -> None:
    """Show how FILE is understood, what its series are like, and what to do about it.

    \b
    Columns of the table:
      missing   rows without a value, within the series
      gaps      runs of such rows; longest is the longest one
      outliers  values far from their season and their neighbours (three interquartile ranges beyond the quartiles)
      season    share of the variance around the trend that the season explains: 0 none, 1 all

    --format csv has a row for every series, json has everything.

    \b
    Examples:
      tsrnn inspect sales.csv
      tsrnn inspect shops/ --each-file series --format json
      tsrnn datasets co2 | tsrnn inspect -
    """
    from tsrnn.commands.writing import check_output, chosen_format

    format_ = chosen_format(format_, output)
    check_output(reads=(file,), output=output)
    from tsrnn.commands.reading import Reading
    from tsrnn.commands.voice import Voice
    from tsrnn.commands.writing import write_frame, write_json, write_text
    from tsrnn.data.description import describe_series
    from tsrnn.forecasting.progress import tell

    voice = Voice(quiet)
    panel = Reading(**reading).panel(file)
    found = []
    with voice.working("inspect"):
        for i in range(panel.n_series):
            found.append(describe_series(panel.series(i), panel.season_length))
            tell((i + 1) / panel.n_series)
    table = series_table(panel, found)
    advice = advise(panel, found, file)
    if format_ == "table":
        write_text(_text(panel, table, advice), output)
    elif format_ == "json":
        content = {
            "facts": _facts(panel),
            "notes": list(panel.notes),
            "series": table.assign(first=table["first"].astype(str), last=table["last"].astype(str)).to_dict("records"),
            "advice": advice,
        }
        write_json(content, output)
    else:
        write_frame(table, format_, output)


def series_table(panel: Panel, found: list[Description]) -> pd.DataFrame:
    """Return a row per series: its span, rows, gaps, outliers, season, and the size of its values."""
    from tsrnn.data.spans import series_spans

    table = series_spans(panel)
    table["rows"] = panel.lengths
    for column, name in {"missing": "missing", "gaps": "gaps", "longest": "longest_gap"}.items():
        table[column] = [getattr(one, name) for one in found]
    table["outliers"] = [len(one.outliers) for one in found]
    for column, name in {"season": "season", "min": "low", "median": "middle", "max": "high"}.items():
        table[column] = [getattr(one, name) for one in found]
    return table


def _facts(panel: Panel) -> dict[str, Any]:
    from tsrnn.data.spans import panel_facts

    frequency = panel.frequency
    return {**panel_facts(panel), "freq": frequency.alias, "default_horizon": frequency.default_horizon}


def _text(panel: Panel, table: pd.DataFrame, advice: list[str]) -> str:
    from tsrnn.commands.writing import render_table

    parts = ["\n".join(panel.notes)]
    shown = table
    if len(table) > MOST_SHOWN:
        shown = table.iloc[:MOST_SHOWN]
        parts.append(f"The first {MOST_SHOWN} of {counted(len(table), 'series')}; --format csv has all:")
    parts.append(render_table(shown.assign(season=[f"{s:.2f}" if s == s else "–" for s in shown["season"]])))
    parts.append("\n".join(f"- {line}" for line in advice))
    return "\n\n".join(parts)


def advise(panel: Panel, found: list[Description], file: str) -> list[str]:
    """Return what a user should know or do, most serious first."""
    lines = [*_on_length(panel), *_on_gaps(panel, found), *_on_outliers(panel, found), *_on_values(panel, found)]
    return [*lines, *_on_season(panel, found), _next_step(panel, file)]


def _said(panel: Panel, places: list[int], *verbs: str) -> str:
    """Say how many series, with up to five names, and the verb that goes with one or with several.

    Returns
    -------
    str
        Such as "2 of 7 series (a, b) have".
    """
    said = f"{some_of(len(places), panel.n_series, 'series')} ({examples(panel.ids[places])})"
    return f"{said} {agree(len(places), *verbs)}" if verbs else said


def _on_length(panel: Panel) -> list[str]:
    import numpy as np

    lines, m = [], panel.season_length
    fewest = max(2 * m, 3)
    short = np.flatnonzero((panel.n_observed < fewest) & (panel.n_observed > 0)).tolist()
    if short:
        what = f"two seasons ({fewest} rows)" if m > 1 else f"{fewest} rows"
        lines.append(
            f"{_said(panel, short, 'has', 'have')} less than {what}: their forecasts rest on what other series are "
            "like, and a backtest leaves them out."
        )
    empty = np.flatnonzero(panel.n_observed == 0).tolist()
    if empty:
        lines.append(f"{_said(panel, empty, 'has', 'have')} no value at all: drop {agree(len(empty), 'it', 'them')}.")
    ends = panel.frequency.stamps(panel.start, panel.lengths - 1)
    early = np.flatnonzero(ends < ends.max()).tolist()
    if early:
        lines.append(
            f"{_said(panel, early, 'ends', 'end')} before the others: each is forecast from its own last row. Drop "
            "series that are over."
        )
    return lines


def _on_gaps(panel: Panel, found: list[Description]) -> list[str]:
    gappy = [i for i, one in enumerate(found) if one.missing > MANY_MISSING * max(int(panel.lengths[i]), 1)]
    lines = []
    if gappy:
        lines.append(
            f"{_said(panel, gappy, 'lacks', 'lack')} more than {MANY_MISSING:.0%} of "
            f"{agree(len(gappy), 'its', 'their')} rows. Networks leave gaps out, ETS and Theta fill them by "
            "interpolation. If the rows are zeros that were not written down, write them."
        )
    longest = max(range(len(found)), key=lambda i: found[i].longest_gap)
    if found[longest].longest_gap > max(panel.season_length, 2):
        one = found[longest]
        lines.append(
            f"The longest gap, {counted(one.longest_gap, 'row')}, begins at {_moment(panel, longest, one.gap_at)} in "
            f"series {panel.ids[longest]}."
        )
    return lines


def _on_outliers(panel: Panel, found: list[Description]) -> list[str]:
    odd = [i for i, one in enumerate(found) if len(one.outliers)]
    if not odd:
        return []
    total = sum(len(found[i].outliers) for i in odd)
    shown = []
    for i in sorted(odd, key=lambda i: len(found[i].outliers))[:5]:
        row = int(found[i].outliers[0])
        shown.append(f"{panel.ids[i]} at {_moment(panel, i, row)} ({panel.series(i)[row]:.6g})")
    more = ", ..." if total > len(shown) else ""
    return [
        f"{counted(total, 'value')} in {_said(panel, odd)} {agree(total, 'lies', 'lie')} far from "
        f"{agree(total, 'its', 'their')} neighbours: {', '.join(shown)}{more}. Correct errors, or leave them empty; "
        "what really happened may stay."
    ]


def _on_values(panel: Panel, found: list[Description]) -> list[str]:
    from tsrnn.data.description import MANY_ZEROS

    lines = []
    constant = [i for i, one in enumerate(found) if one.constant]
    if constant:
        lines.append(f"{_said(panel, constant, 'never changes', 'never change')}: no MASE, and nothing to learn from.")
    sparse = [i for i, one in enumerate(found) if one.zeros >= MANY_ZEROS and not one.constant]
    if sparse:
        lines.append(
            f"{_said(panel, sparse, 'is', 'are')} zero in half or more of the rows: the median forecast may be 0 "
            "throughout. Look at upper quantiles (--quantiles 0.9), or sum up to a longer step."
        )
    return lines


def _on_season(panel: Panel, found: list[Description]) -> list[str]:
    from statistics import median

    m = panel.season_length
    known = [one.season for one in found if one.season == one.season]
    if m == 1:
        return ["No season is assumed. If there is one, name it: --season-length."]
    if not known:
        return [f"How strong the season of {m} is cannot be told: {_why_untold(panel, found)}."]
    middle = median(known)
    if middle < WEAK_SEASON:
        return [
            f"The season of {m} explains next to nothing ({middle:.0%} of the variance around the trend, median over "
            "series). Try --season-length 1, or the length that you know of."
        ]
    word = "strong" if middle >= STRONG_SEASON else "moderate"
    return [
        f"The season of {m} is {word}: it explains {middle:.0%} of the variance around the trend (median over series)."
    ]


def _why_untold(panel: Panel, found: list[Description]) -> str:
    """Say of how many series, with up to five names, each reason holds."""
    reasons = {
        "short": ("is too short for it", "are too short for it"),
        "missing": (
            "lacks too many values, or all at some step of it",
            "lack too many values, or all at some step of it",
        ),
        "unchanging": ("does not change, or only along a line", "do not change, or only along a line"),
    }
    places = {kind: [i for i, one in enumerate(found) if one.untold == kind] for kind in reasons}
    return "; ".join(_said(panel, places[kind], *reason) for kind, reason in reasons.items() if places[kind])


def _next_step(panel: Panel, file: str) -> str:
    import shlex

    from tsrnn.errors import ShortSeriesError
    from tsrnn.evaluation.cutoffs import choose_origins

    try:
        origins = choose_origins(panel, None, None, None)
    except ShortSeriesError:
        return f"Too short for a backtest; forecast with: tsrnn forecast {shlex.quote(file)}"
    count = counted(origins.n_windows, "cutoff")
    return f"There is room for a backtest from {count}, {origins.h} ahead: tsrnn backtest {shlex.quote(file)}"


def _moment(panel: Panel, i: int, row: int) -> str:
    """Return the time of a series' row in words; of midnight the date alone."""
    from tsrnn.data.answers import restore_times

    stamp = restore_times(panel.frequency.stamps(panel.start[[i]], [row]), panel.form)[0]
    return str(stamp).removesuffix(" 00:00:00")
