"""The parts of the report page that are words and controls: every name in them is escaped here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.naming import counted
from tsrnn.reporting.embedding import Choice
from tsrnn.reporting.parts import levels_of, model_names
from tsrnn.reporting.tables import OBSERVED_LINE, mark, short, swatch

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

FACTS = {
    "rows": "Rows",
    "observed": "Observed",
    "series": "Series",
    "frequency": "Frequency",
    "season_length": "Steps per season",
    "span": "Span",
}


def headline(result: BacktestResult) -> str:
    """Return the verdict, large, with its outcome in a word."""
    if result.verdict is None:
        return '<p class="verdict">One model was run, so there is nothing to compare it with.</p>'
    outcome = str(result.verdict.outcome)
    kind = outcome if outcome in ("better", "worse") else "open"
    pair = f"{result.verdict.model} against {result.verdict.reference}"
    return (
        f'<p class="outcome {kind}">{escape(f"{pair}: {outcome}")}</p>'
        f'<p class="verdict">{escape(str(result.verdict))}</p>'
    )


def data_facts(result: BacktestResult) -> str:
    """Return what the data are, and how the backtest went through them."""
    found = result.config.get("data")
    facts = describe_data(found if isinstance(found, dict) else {})
    return facts + lead(_plan(result))


def describe_data(found: Mapping[str, Any]) -> str:
    """Return facts about a table: rows, series, frequency, season, span."""
    data = dict(found)
    if {"first", "last"} <= data.keys():
        data["span"] = (data.pop("first"), data.pop("last"))
    gaps, lengths, observed = (data.pop(key, None) for key in ("gaps", "lengths", "observed"))
    data.pop("fingerprint", None)
    facts = "".join(
        _fact(FACTS.get(key, key.replace("_", " ").capitalize()), _words(value)) for key, value in data.items()
    )
    if lengths and lengths[0] != lengths[2]:
        facts += _fact("Rows per series", f"{lengths[0]:,} to {lengths[2]:,}, median {lengths[1]:,}")
    if isinstance(observed, int) and isinstance(data.get("rows"), int):
        facts += _fact("Not observed", _missing(data["rows"], data["rows"] - observed, gaps or {}))
    return f'<dl class="facts">{facts}</dl>'


def _missing(rows: int, missing: int, gaps: Mapping[str, int]) -> str:
    """Return how much is missing, and in how many stretches.

    >>> _missing(1000, 30, {"gaps": 4, "longest": 12, "series": 2})
    '30 (3.0 %), in 4 gaps of up to 12 rows, in 2 series'
    """
    if not missing:
        return "none"
    share = f"{missing:,} ({missing / max(rows, 1):.1%})".replace("%", " %")
    if not gaps:
        return share
    several, longest = gaps["gaps"], gaps["longest"]
    size = "1 gap" if several == 1 else f"{counted(several, 'gap')} of up to {counted(longest, 'row')}"
    return f"{share}, in {size}, in {counted(gaps['series'], 'series')}"


def lead(words: str) -> str:
    """Return a paragraph that leads to what stands under it."""
    return f'<p class="lead">{escape(words)}</p>'


def forecast_controls(result: BacktestResult, choice: Choice) -> str:
    """Return the chooser of series, cutoff and interval, and the legend that switches models on and off."""
    numbered = iter(range(len(choice.ids)))
    groups = []
    for heading, ids in choice.groups.items():
        options = "".join(f'<option value="{next(numbered)}">{escape(short(name))}</option>' for name in ids)
        groups.append(
            options if len(choice.groups) == 1 else f'<optgroup label="{escape(heading)}">{options}</optgroup>'
        )
    names = model_names(result)
    bands = "".join(
        f'<option value="{index}/{level:g}">{escape(short(name))}, {level:g} %</option>'
        for index, name in enumerate(names)
        for level in levels_of(result, name)
    )
    models = "".join(
        f'<li><label><input type="checkbox" id="model-{index}" checked>{swatch(index)}<span>{escape(name)}</span>'
        f'<span class="error" id="error-{index}"></span></label></li>'
        for index, name in enumerate(names)
    )
    observed = mark(f'{OBSERVED_LINE}<circle cx="13" cy="5" r="3" style="fill:var(--ink)"/>')
    return (
        '<div class="controls">'
        f'<div class="field"><label for="series">Series</label><select id="series">{"".join(groups)}</select></div>'
        '<div class="field"><label for="cutoff">Cutoff</label><div class="row">'
        '<button type="button" id="earlier" aria-label="Earlier cutoff">←</button><select id="cutoff"></select>'
        '<button type="button" id="later" aria-label="Later cutoff">→</button></div></div>'
        '<div class="field"><label for="interval">Interval</label>'
        f'<select id="interval"><option value="">none</option>{bands}</select></div></div>'
        '<p class="caption" id="caption" aria-live="polite"></p>'
        f'<ul class="legend" aria-label="Models shown">{models}<li>{observed}what happened</li></ul>'
        '<p class="small lead">The number after a model is its mean absolute error in this forecast.</p>'
    )


def legend(result: BacktestResult, names: Sequence[str] | None = None) -> str:
    """Return a legend of models for a figure."""
    everyone = model_names(result)
    items = "".join(
        f"<li>{swatch(everyone.index(name))}{escape(name)}</li>" for name in everyone if names is None or name in names
    )
    return f'<ul class="legend">{items}</ul>'


def notes_list(notes: Sequence[str]) -> str:
    """Return the notes of the backtest as a list."""
    return '<ul class="notes">' + "".join(f"<li>{escape(str(note))}</li>" for note in notes) + "</ul>"


def configuration(config: dict[str, Any]) -> str:
    """Return what is needed to repeat the run: the command if it is known, what was chosen, and everything else."""
    rest = dict(config)
    command, call = rest.pop("command", None), rest.pop("call", None)
    parts = []
    if command:
        parts.append(f"<h3>Command</h3>{_copyable('command', str(command))}")
    if call:
        given = '<p class="lead">With the table as <code>df</code>:</p>'
        parts.append(f"<h3>In Python</h3>{given}{_copyable('call', str(call))}")
    versions = rest.get("versions") or {}
    if versions:
        listed = ", ".join(f"{name} {number}" for name, number in versions.items())
        machine = f"; {rest['machine']}" if rest.get("machine") else ""
        parts.append(f"<h3>Versions</h3><p>{escape(listed + machine)}</p>")
    chosen = rest.pop("chosen", None) or {}
    if chosen:
        parts.append("<h3>What each model chose</h3>")
        items = (f"<dt>{escape(str(name))}</dt><dd>{escape(str(words))}</dd>" for name, words in chosen.items())
        parts.append(f'<dl class="terms chosen">{"".join(items)}</dl>')
    text = json.dumps(rest, indent=2, ensure_ascii=False, default=str)
    parts.append(
        f"<details><summary>Everything that was inferred and set</summary>{_copyable('configuration', text)}</details>"
    )
    return "".join(parts)


def _copyable(name: str, text: str) -> str:
    button = f'<button type="button" class="copy" data-copy="{name}">Copy</button>'
    return f'<pre id="{name}" tabindex="0">{escape(text)}</pre><p>{button}</p>'


def _plan(result: BacktestResult) -> str:
    config = result.config
    h, windows, step, refit = (config[key] for key in ("h", "n_windows", "step_size", "refit"))
    steps = counted(h, "step")
    if windows == 1:
        sentence = f"Each series was forecast once, {steps} ahead."
    else:
        sentence = f"Each series was forecast from {windows} cutoffs, {steps} ahead each"
        sentence += f"; a cutoff every {step} steps." if step != 1 else "; a cutoff at every step."
    if config.get("gap"):
        sentence += f" Not scored: the steps right after a cutoff, {config['gap']} each time."
    if config.get("train_size"):
        sentence += f" Models saw the last {counted(config['train_size'], 'row')} before a cutoff."
    if not refit:
        return sentence + " The models were fitted once, and saw nothing of a series after its first cutoff."
    often = "before every cutoff" if refit in (True, 1) else f"every {refit} cutoffs"
    return sentence + f" The models were fitted afresh {often}."


def _fact(name: str, value: str) -> str:
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"


def _words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return " to ".join(_words(item) for item in value)
    return f"{value:,}" if isinstance(value, (int, np.integer)) else str(value).removesuffix(" 00:00:00")
