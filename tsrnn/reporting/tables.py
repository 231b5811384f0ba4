"""The tables of the report page: every name in them is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.naming import counted
from tsrnn.reporting.colours import DASHES, MODEL_COLOURS, model_dash
from tsrnn.reporting.embedding import Choice
from tsrnn.reporting.parts import model_names, name_cell, shortened

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

# In a legend, of what was observed.
OBSERVED_LINE = '<line x1="0" y1="5" x2="26" y2="5" style="stroke:var(--ink);stroke-width:2"/>'
# A figure's numbers beyond these are not written out: nobody reads them on a page.
MOST_NUMBERS_ROWS = 60
# Column of the leaderboard: heading, unit, format, meaning.
MEASURES = {
    "mase": ("MASE", "", ".3f", "Mean absolute error, divided by the mean absolute change over one season before the "
             "first cutoff; averaged over series. 1 is about what repeating the last season gives. Lower is better."),
    "smape": ("sMAPE", "0–200", ".2f", "Mean of 200 · |y − forecast| / (|y| + |forecast|). Lower is better."),
    "rmse": ("RMSE", "data units", "g", "Root of the mean squared error of each series, averaged over series. "
             "Lower is better."),
    "owa": ("OWA", "", ".3f", "Mean of sMAPE and MASE, each divided by that of Naive2 (the M4 competition's "
            "measure). Lower is better."),
    "wql": ("WQL", "", ".4f", "Weighted quantile loss: twice the pinball loss over the quantiles 0.1 to 0.9, divided "
            "by the sum of |y|. It judges the whole forecast distribution. Lower is better."),
    "fit_seconds": ("Fit", "s", "s", "Time to fit, over all fits of the backtest."),
    "predict_seconds": ("Forecast", "s", "s", "Time to forecast from all cutoffs."),
}  # fmt: skip


def leaderboard_table(result: BacktestResult) -> str:
    """Return the leaderboard, the best of each column in bold, with the meaning of each column below."""
    board, names = result.leaderboard, model_names(result)
    heads, columns, terms = heading("Model"), [], []
    for column in board.columns.drop("model"):
        name, unit, form, meaning = _measure(column)
        heads += _with_unit(name, unit)
        texts = [_number(value, form) for value in board[column]]
        columns.append(_cells(texts, _best(board[column], column, texts)))
        if meaning:
            terms.append((name, meaning))
    rows = [_model_row(names, name, cells) for name, *cells in zip(board["model"], *columns, strict=True)]
    if result.levels:
        terms.append(("Coverage", "Share of what happened that lay inside the interval; it should be the percentage "
                      "above the column. Bold is the closest."))  # fmt: skip
    described = "".join(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in terms)
    return scrolled(heads, rows, "Leaderboard") + f'<dl class="terms">{described}</dl>'


def series_table(result: BacktestResult, choice: Choice) -> str:
    """Return MASE per series and model for the series that the page holds, each a link to its forecasts."""
    names = model_names(result)
    wide = result.by_series.pivot_table(index="unique_id", columns="model", values="mase", observed=True)
    wide = wide.reindex(columns=names)
    rows = []
    # Not by label: pandas takes the parts of a tuple for those of a key.
    places = {name: place for place, name in enumerate(wide.index)}
    for number, name in enumerate(choice.ids):
        values = wide.iloc[places[name]] if name in places else pd.Series(np.nan, index=names)
        texts = [_number(value, ".3f") for value in values]
        best = _best(values, "mase", texts)
        winners = ", ".join(model for model, text in zip(names, texts, strict=True) if text in best)
        link = f'<button type="button" class="table-link" data-series="{number}">{escape(short(name))}</button>'
        cells = [*_cells(texts, best), f'<td class="text">{escape(winners) or "–"}</td>']
        rows.append(f"<tr>{name_cell(name, link)}{''.join(cells)}</tr>")
    heads = "".join(heading(name) for name in ("Series", *names)) + heading("Best", text=True)
    return scrolled(heads, rows, "MASE by series", tall=len(rows) > 10)


def strategies(result: BacktestResult) -> str:
    """Return what each network did, why, and the losses that it compared; empty where there is no network."""
    names = model_names(result)
    parts = []
    for name, told in (result.config.get("strategies") or {}).items():
        scores = told["scores"]
        mark = swatch(names.index(name)) if name in names else ""
        parts.append(f"<h3>{mark}{escape(str(name))}: {escape(told['strategy'])}</h3>")
        parts.append(f'<p class="lead">{escape(_sentence(told["reason"]))}</p>')
        rows = []
        for candidate, score in sorted(scores.items(), key=lambda item: float(item[1])):
            kind = " class=best" if candidate == told["strategy"] else ""
            rows.append(f'<tr><th scope="row">{escape(candidate)}</th><td{kind}>{_number(score, ".4f")}</td></tr>')
        if rows:
            heads = heading("Candidate") + heading("Loss on held-back windows")
            parts.append(scrolled(heads, rows, f"Candidates of {name}"))
    if any(told["scores"] for told in (result.config.get("strategies") or {}).values()):
        parts.append(
            '<p class="small lead">Mean quantile loss on ends of the series that no training has seen, in units of '
            "the series' mean absolute seasonal difference. Bold is what was used.</p>"
        )
    return "".join(parts)


def residual_table(result: BacktestResult) -> str:
    """Return bias, spread and autocorrelation of each model's residuals, and what they come to in a word."""
    names = model_names(result)
    rows = []
    for row in result.residuals.summary.itertuples(index=False):
        known = np.isfinite([row.bias_low, row.bias_high]).all()
        interval = f"{_signed(row.bias_low)} to {_signed(row.bias_high)}" if known else "–"
        texts = [_signed(row.bias), interval, _number(row.spread, ".2f"), f"{_signed(row.p5)} to {_signed(row.p95)}",
                 _signed(row.autocorrelation)]  # fmt: skip
        finding = f'<td class="text">{escape(_finding(row.bias_low, row.bias_high))}</td>'
        rows.append(_model_row(names, row.model, [*_cells(texts), finding]))
    columns = (("Bias", ""), ("Bias", "95 % interval"), ("Spread", ""), ("Nine in ten", "lie between"),
               ("Autocorrelation", "next cutoff"))  # fmt: skip
    heads = heading("Model") + "".join(_with_unit(*column) for column in columns)
    heads += heading("The forecasts are", text=True)
    lead = (
        '<p class="lead">What happened minus the median forecast, in units of the mean absolute change over a season '
        "before the first cutoff, as in MASE. Good residuals scatter around zero and do not repeat themselves.</p>"
    )
    return lead + scrolled(heads, rows, "Residuals")


def _signed(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    text = f"{value:+.2f}".replace("-", "−")
    return "0.00" if text[1:] == "0.00" else text


def _finding(low: float, high: float) -> str:
    if not np.isfinite([low, high]).all():
        return "too few to judge"
    return "too low" if low > 0 else "too high" if high < 0 else "neither, as far as shown"


def timing_table(result: BacktestResult) -> str:
    """Return the seconds of each model."""
    forecasts, names = int(result.config["forecasts"]), model_names(result)
    rows = []
    for row in result.leaderboard.itertuples(index=False):
        each = row.predict_seconds / max(forecasts, 1) * 1000
        texts = [_number(value, "s") for value in (row.fit_seconds, row.predict_seconds, each)]
        rows.append(_model_row(names, row.model, _cells(texts)))
    columns = (("Fit", "seconds"), (counted(forecasts, "forecast"), "seconds"), ("One forecast", "milliseconds"))
    return scrolled(heading("Model") + "".join(_with_unit(*column) for column in columns), rows, "Timing")


def numbers(table: pd.DataFrame, key: str, values: str, title: str, label: Callable[[Any], str]) -> str:
    """Return the numbers behind a figure, folded away: a row per `key`, a column per model.

    Empty where they are too many to be read.
    """
    wide = table.pivot_table(index=key, columns="model", values=values, observed=True, sort=False)
    wide = wide.reindex(columns=pd.unique(table["model"])).sort_index()
    if len(wide) > MOST_NUMBERS_ROWS:
        return ""
    rows = []
    for row, line in zip(wide.index, wide.to_numpy(), strict=True):
        cells = "".join(_cells([_number(value, ".3f") for value in line]))
        rows.append(f'<tr><th scope="row">{escape(label(row))}</th>{cells}</tr>')
    heads = "".join(heading(name) for name in (title, *wide.columns))
    shown = scrolled(heads, rows, f"Numbers, {values} by {title.lower()}", tall=len(rows) > 10)
    return f'<details class="numbers"><summary>Numbers</summary>{shown}</details>'


def swatch(index: int) -> str:
    """Return a short line in a model's colour and dash."""
    style = (
        f"stroke:var(--model-{index % len(MODEL_COLOURS)});stroke-width:3;stroke-dasharray:{DASHES[model_dash(index)]}"
    )
    return mark(f'<line x1="0" y1="5" x2="26" y2="5" style="{style}"/>')


def mark(drawn: str) -> str:
    """Return what stands before a name in a legend, of shapes in SVG that lie within 26 times 10."""
    return f'<svg class="swatch" viewBox="0 0 26 10" aria-hidden="true">{drawn}</svg>'


def heading(name: Any, *, text: bool = False) -> str:
    """Return the heading of a column of numbers, or of text, which is aligned otherwise."""
    kind = ' class="text"' if text else ""
    return f'<th scope="col"{kind}>{escape(str(name))}</th>'


def scrolled(heads: str, rows: Sequence[str], name: str, *, tall: bool = False) -> str:
    """Return a table of headings and rows that scrolls inside its box, by keyboard too."""
    kind = "scroll tall" if tall else "scroll"
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="{kind}" tabindex="0" role="region" aria-label="{escape(name)}">{table}</div>'


def _with_unit(name: str, unit: str) -> str:
    return f'<th scope="col">{escape(name)}<span>{escape(unit) or "&nbsp;"}</span></th>'


def _model_row(names: Sequence[str], name: Any, cells: Sequence[str]) -> str:
    """Return a model's row, with the whole name where a pointer rests on it."""
    words = escape(str(name))
    return f'<tr><th scope="row" title="{words}">{swatch(names.index(name))}{words}</th>{"".join(cells)}</tr>'


def _cells(texts: Sequence[str], best: Collection[str] = ()) -> list[str]:
    return [f"<td{' class=best' if text in best else ''}>{escape(text)}</td>" for text in texts]


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _measure(column: str) -> tuple[str, str, str, str]:
    if column.startswith("coverage_"):
        return "Coverage", f"of {column.removeprefix('coverage_')} %", "%", ""
    return MEASURES.get(column, (column, "", "g", ""))


def _best(values: pd.Series, column: str, texts: Sequence[str]) -> set[str]:
    """Return the text of the best value; what looks equal is equally good."""
    numbers = np.asarray(values, dtype=float)
    if column.startswith("coverage_"):
        numbers = np.abs(numbers - float(column.removeprefix("coverage_")) / 100)
    elif column not in MEASURES or column.endswith("_seconds"):
        return set()
    return {texts[int(np.nanargmin(numbers))]} if np.isfinite(numbers).any() and len(numbers) > 1 else set()


def _number(value: Any, form: str) -> str:
    if value is None or not np.isfinite(value):
        return "–"
    if form == "%":
        return f"{value:.1%}".replace("%", " %")
    if form == "g":
        size = abs(value)
        return f"{value:,.0f}" if size >= 1000 else f"{value:.4g}"
    if form == "s":
        return f"{value:,.1f}" if value >= 10 else f"{value:.2g}" if value >= 0.001 else "< 0.001"
    return f"{value:{form}}"


def short(name: Any) -> str:
    """Return a name that fits into a cell."""
    return shortened(name, 80)
