"""What a page says, section by section: the ones that a backtest has something to say in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from tsrnn.naming import some_of
from tsrnn.reporting.calibration import calibration_figure, reliability_figure, reliable_models
from tsrnn.reporting.embedding import Choice
from tsrnn.reporting.figures import (
    MOST_DUELS,
    duel_figure,
    duels,
    error_by_cutoff_figure,
    error_by_step_figure,
    forecast_figure,
    loss_figure,
    win_shares,
    wins_figure,
)
from tsrnn.reporting.page import Drawing, Section
from tsrnn.reporting.parts import model_names, time_labels
from tsrnn.reporting.residuals import autocorrelation_figure, bias_figure, residual_figure
from tsrnn.reporting.sections import configuration, data_facts, forecast_controls, lead, legend, notes_list
from tsrnn.reporting.tables import (
    leaderboard_table,
    numbers,
    residual_table,
    series_table,
    strategies,
    timing_table,
)

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

# Fewer points show no more than the table.
FEWEST_DUELS = 8


def outline(result: BacktestResult, choice: Choice) -> list[Section]:
    """Return the sections of a page, in its order."""
    written: list[Callable[[], Section | None]] = [
        lambda: Section("data", "The data", data_facts(result)),
        lambda: Section("leaderboard", "Leaderboard", leaderboard_table(result)),
        lambda: _forecasts(result, choice),
        lambda: _by_step(result),
        lambda: _by_cutoff(result),
        lambda: _wins(result, choice),
        lambda: _calibration(result),
        lambda: _residuals(result),
        lambda: _strategies(result),
        lambda: _losses(result),
        lambda: Section("timing", "Timing", timing_table(result)),
        lambda: Section("notes", "Notes", notes_list(result.notes)) if result.notes else None,
        lambda: Section("repeat", "To repeat this", configuration(result.config)),
    ]
    return [section for section in (write() for write in written) if section is not None]


def _forecasts(result: BacktestResult, choice: Choice) -> Section:
    left_out = lead(choice.sentence) if choice.sentence else ""
    described = "Observed values before the cutoff, the forecasts after it, and what happened"
    drawing = Drawing("forecast", forecast_figure(result, choice.ids[0]), described)
    html = left_out + forecast_controls(result, choice)
    return Section("forecasts", "Forecasts and what happened", html, (drawing,))


def _by_step(result: BacktestResult) -> Section | None:
    if not (result.by_step["mase"].notna().any() and result.by_step["step"].nunique() > 1):
        return None
    table = numbers(result.by_step, "step", "mase", "Step", str)
    drawing = Drawing("step", error_by_step_figure(result), "MASE of each model by step ahead", after=table)
    html = lead("How the error grows with the distance of the forecast.") + legend(result)
    return Section("step", "Error by horizon", html, (drawing,))


def _by_cutoff(result: BacktestResult) -> Section | None:
    if not (result.by_cutoff["mase"].notna().any() and result.by_cutoff["cutoff"].nunique() > 1):
        return None
    table = numbers(result.by_cutoff, "cutoff", "mase", "Cutoff", lambda cutoff: str(time_labels([cutoff])[0]))
    drawing = Drawing("time", error_by_cutoff_figure(result), "MASE of each model by cutoff", after=table)
    return Section("time", "Error by cutoff", lead("When each model did well or badly.") + legend(result), (drawing,))


def _wins(result: BacktestResult, choice: Choice) -> Section | None:
    judged = result.by_series.loc[result.by_series["mase"].notna(), "unique_id"].nunique()
    if len(model_names(result)) < 2 or judged < 2:
        return None
    spoken = ", ".join(f"{name} {share:.0%}" for name, share in win_shares(result).items())
    table = f"<h3>MASE by series</h3>{series_table(result, choice)}"
    before = "<h3>Share of the series on which each model is best</h3>"
    drawings = [Drawing("wins", wins_figure(result), spoken, before)]
    pairs = duels(result)
    if result.verdict is not None and len(pairs) >= FEWEST_DUELS:
        model, reference = result.verdict.model, result.verdict.reference
        better = int((pairs["model"] < pairs["reference"]).sum())
        drawn = f"; {MOST_DUELS:,} are drawn at random" if len(pairs) > MOST_DUELS else ""
        before = f"<h3>{escape(f'{model} against {reference}')}</h3>" + lead(
            f"Each point is a series{drawn}. Below the line, {model} is better: on "
            f"{some_of(better, len(pairs), 'series')}."
        )
        described = f"{model} is better than {reference} on {some_of(better, len(pairs), 'series')}"
        drawings.append(Drawing("duel", duel_figure(result), described, before))
    last = drawings[-1]
    drawings[-1] = replace(last, after=table)
    return Section("wins", "Who wins on which series", "", tuple(drawings))


def _calibration(result: BacktestResult) -> Section | None:
    drawings = []
    covered = [f"coverage_{level:g}" for level in result.levels]
    if covered and result.leaderboard.reindex(columns=covered).notna().any(axis=None):
        before = "<h3>Intervals</h3>" + lead(
            "A mark left of its line: the intervals are too narrow and promise too much. Right of it: they are wider "
            "than needed."
        )
        described = "Coverage of the intervals of each model; the numbers are in the leaderboard"
        drawings.append(Drawing("calibration", calibration_figure(result), described, before))
    reliable = reliable_models(result)
    if reliable:
        before = "<h3>Single quantiles</h3>" + lead(
            "A tenth of what happened should lie below the 10 % quantile, half below the median, and so on: on the "
            "diagonal. A line above it: the forecasts are too high there. Below it: too low. Steeper than the "
            "diagonal: the spread is too wide; flatter: too narrow."
        )
        before += legend(result, reliable) if len(reliable) > 1 else ""
        described = "Share of what happened below each quantile, by model"
        table = numbers(result.by_quantile, "quantile", "below", "Quantile", "{:.4g}".format)
        drawings.append(Drawing("reliability", reliability_figure(result), described, before, table))
    return Section("calibration", "Calibration of the quantiles", "", tuple(drawings)) if drawings else None


def _residuals(result: BacktestResult) -> Section | None:
    found = result.residuals
    if not (len(found.summary) and found.summary["bias"].notna().any()):
        return None
    lines = legend(result) if len(model_names(result)) > 1 else ""
    drawings = []
    if found.by_step["step"].nunique() > 1:
        before = "<h3>Bias by step ahead</h3>" + lead("Above zero, the forecasts are too low; below it, too high.")
        described = "Mean residual of each model by step ahead"
        table = numbers(found.by_step, "step", "bias", "Step", str)
        drawings.append(Drawing("bias", bias_figure(result), described, before + lines, table))
    before = "<h3>Distribution</h3>" + lead(
        "Narrow and around zero is good; a long tail to the right are rises that no model foresaw. The outermost half "
        "per cent at either end is not drawn."
    )
    described = "Share of the residuals of each model by their size"
    drawings.append(Drawing("residuals", residual_figure(result), described, before + lines))
    if len(found.autocorrelation):
        before = "<h3>From cutoff to cutoff</h3>" + lead(
            "Correlation of the first residual after a cutoff with those after later cutoffs. Beyond the grey band, a "
            "model errs to the same side again and again, or to and fro, and could have known."
        )
        described = "Autocorrelation of the residuals of each model by lag"
        table = numbers(found.autocorrelation, "lag", "autocorrelation", "Lag", str)
        drawings.append(Drawing("autocorrelation", autocorrelation_figure(result), described, before + lines, table))
    return Section("diagnostics", "Residuals", residual_table(result), tuple(drawings))


def _strategies(result: BacktestResult) -> Section | None:
    told = strategies(result)
    return Section("strategy", "What the networks did, and why", told) if told else None


def _losses(result: BacktestResult) -> Section | None:
    networks = [name for name in model_names(result) if len(result.history.get(name, ()))]
    if not networks:
        return None
    html = lead("Solid: windows held back for validation. Dotted: the training windows.")
    html += legend(result, networks) if len(networks) > 1 else ""
    drawing = Drawing("loss", loss_figure(result), "Loss by training step")
    return Section("loss", "Loss while training", html, (drawing,))
