"""The one sentence that a backtest ends with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from tsrnn.data.panel import Floats
from tsrnn.evaluation.significance import FEWEST_FORECASTS, Gain, Outcome, compare_losses, series_weights
from tsrnn.naming import counted

# Higher losses are written as more than that: no error of the other model has no limit above it.
MOST_TIMES = 1000


@dataclass(frozen=True)
class Verdict:
    """What a backtest says of the first model against its reference.

    Parameters
    ----------
    model, reference : str
    gain : Gain
    simpler : str
        A third model that beat both, or "".
    left_out : str
        A sentence that says what was not run, or "".
    nothing : str
        Why the two have no loss to compare, or "".
    """

    model: str
    reference: str
    gain: Gain
    simpler: str = ""
    left_out: str = ""
    nothing: str = ""

    @property
    def outcome(self) -> Outcome:
        """One of "better", "no difference", "worse" and "too few to judge"."""
        return self.gain.outcome

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        g = self.gain
        count = f"{counted(g.n_series, 'series')} × {counted(g.n_cutoffs, 'cutoff')}"
        if g.n_forecasts is not None:  # not every series has every cutoff
            count = f"{counted(g.n_forecasts, 'forecast')} of {count}"
        if self.nothing:
            sentence = f"Not judged: {self.nothing}."
        elif g.outcome == "too few to judge":
            sentence = (
                f"Too few to judge: {self.model} and {self.reference} were compared on {count}; "
                f"{FEWEST_FORECASTS} forecasts or more are needed."
            )
        elif g.outcome == "no difference":
            sentence = (
                f"No difference can be shown between {self.model} and {self.reference}: the MASE of {self.model} is "
                f"{_side(g.gain)}, 95 % interval {_interval(g)}, over {count}."
            )
            if g.low <= -1 and g.high >= 0.5:
                sentence += " That is too little to judge by: neither half the error nor twice as much is ruled out."
        else:
            winner = self.model if g.outcome == "better" else self.reference
            sentence = (
                f"{winner} wins: the MASE of {self.model} is {_side(g.gain, 'less than 0.1 %')} than that of "
                f"{self.reference}, 95 % interval {_interval(g)}, over {count}."
            )
        sentence += f" {self.simpler} is better than both." if self.simpler else ""
        return f"{sentence} {self.left_out}".rstrip()


def _side(gain: float, tiny: str = "") -> str:
    """Return "3.0 % lower". A share that rounds to zero is written as `tiny`; without that, it is "the same"."""
    if gain < -MOST_TIMES:
        return f"more than {MOST_TIMES:,.0%} higher".replace("%", " %")
    size = f"{abs(gain):,.1%}".replace("%", " %")
    if size == "0.0 %" and not tiny:
        return "the same"
    return f"{tiny if size == '0.0 %' else size} {'lower' if gain > 0 else 'higher'}"


def _interval(g: Gain) -> str:
    """Return the interval of the change in MASE: a gain of 5 % is a change of −5 %."""
    return f"{_change(g.high)} to {_change(g.low)}"


def _change(gain: float) -> str:
    if gain < -MOST_TIMES:
        return f"more than +{MOST_TIMES:,.0%}".replace("%", " %")
    change = f"{-gain:+,.1%}".replace("%", " %").replace("-", "−")
    return "0.0 %" if change[1:] == "0.0 %" else change


def judge(
    losses: Mapping[str, Floats],
    overlap: int,
    left_out: str = "",
    *,
    points: Floats | None = None,
    arimas: Collection[str] = ("ARIMA",),
    no_loss: str = "no forecast has a MASE",
) -> Verdict | None:
    """Compare the first model with ARIMA, or with the best of the others where there is no ARIMA.

    Parameters
    ----------
    losses : dict of str to ndarray of shape (n_series, n_cutoffs)
        Scaled loss of each forecast, of the models as they were given.
    overlap : int
        Cutoffs that share forecast steps.
    left_out : str
        What the verdict has to say of cutoffs that were not run.
    points : ndarray of shape (n_series, n_cutoffs), optional
        Observed steps of each forecast, as for `compare_losses`.
    arimas : collection of str
        Which of the models are an ARIMA.
    no_loss : str
        Why no model has any loss, if none has.

    Returns
    -------
    Verdict, or None with a single model
    """
    if len(losses) < 2:
        return None
    mean = {name: _mean_over_series(one, points) for name, one in losses.items()}
    model, *others = losses
    reference = next((name for name in others if name in arimas), min(others, key=mean.__getitem__))
    gain = compare_losses(losses[model], losses[reference], overlap, points)
    nothing = "" if gain.n_series else _nothing(losses, model, reference, no_loss)
    best = min(losses, key=mean.__getitem__)
    simpler = ""
    if best not in (model, reference) and gain.outcome != "too few to judge":
        beaten = [
            compare_losses(losses[best], losses[name], overlap, points).outcome == "better"
            for name in (model, reference)
        ]
        simpler = best if all(beaten) else ""
    return Verdict(model, reference, gain, simpler, left_out, nothing)


def _mean_over_series(losses: Floats, points: Floats | None) -> float:
    """Return the mean loss as a leaderboard shows it; infinite without any."""
    known = np.isfinite(losses)
    if not known.any():
        return np.inf
    weights = series_weights(known, points)
    return float(np.where(known, weights * losses, 0.0).sum() / known.any(1).sum())


def _nothing(losses: Mapping[str, Floats], model: str, reference: str, no_loss: str) -> str:
    """Say why two models have no loss in common."""
    if not any(np.isfinite(one).any() for one in losses.values()):
        return f"{model} and {reference} have no MASE to compare, as {no_loss}"
    without = [name for name in (model, reference) if not np.isfinite(losses[name]).any()]
    if without:
        return f"{' and '.join(without)} forecast nothing that could be scored"
    return f"{model} and {reference} have no scored forecast in common"
