"""What a forecaster chooses where the user did not: sizes, windows and training length, from the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tsrnn.data.grids import IntegerStep
from tsrnn.errors import ParameterError, ShortSeriesError
from tsrnn.forecasting.levels import NEAREST_END, listed
from tsrnn.naming import counted
from tsrnn.networks.cells import CELLS, RECURRENT
from tsrnn.networks.heads import QUANTILES
from tsrnn.networks.registry import NETWORKS
from tsrnn.networks.size import NetworkSize
from tsrnn.parameters import check_choice, check_flag, check_number, check_whole, is_number
from tsrnn.preprocessing.scaling import SCALINGS
from tsrnn.pretrained.family import Member
from tsrnn.pretrained.service import DAYS, Service, served_by, year_served_by
from tsrnn.training.trainer import TrainingPlan

if TYPE_CHECKING:
    from tsrnn.data.panel import Panel
    from tsrnn.forecasting.forecaster import Forecaster

# Integer time without a season is read as years where series have no more rows than this on the median: those of the M
# competitions and of tourism have 8 to 58, sensors mostly hundreds.
MOST_YEARS = 60

# Where a season is a day, of so many steps or a multiple, a forecast may start from the season that a window itself
# keeps: trained on M4 Hourly but for its last two days, the MASE of those was .749 and .727 with it, .786 and .811
# without (seeds 0 and 1).
DAY = 24

# Fewest and most recurrent steps of a default context, and the points it aims at.
MIN_PATCHES, MAX_PATCHES, CONTEXT_POINTS = 6, 24, 336

# A training of fewer steps than SHORT_TRAINING is validated every SHORT_EVERY steps.
SHORT_TRAINING, SHORT_EVERY = 300, 25

# Highest learning rates: from scratch, and from the base model, which must not be forgotten at once.
DEFAULT_RATE, FINE_TUNE_RATE = 4e-3, 2e-3

# Each member of the base is trained for this share of the steps of a network from scratch, but at least for so many.
FEWEST_FINE_TUNING, FINE_TUNING_SHARE = 75, 0.25

STRATEGIES = ("auto", "zero-shot", "fine-tune", "scratch")

# Parameters that shape a network; the base model has its own shape. And those that shape a training.
SHAPE = (
    "context_length",
    "network",
    "cell",
    "hidden_size",
    "num_layers",
    "bidirectional",
    "patch_length",
    "scaling",
    "quantiles",
)
TRAINING = ("dropout", "max_steps", "learning_rate", "batch_size")


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen for one fit; by default of a network that is used as it is.

    Parameters
    ----------
    network : str
    horizon : int
        What `predict` forecasts unless it is told otherwise.
    size : NetworkSize
    scaling : str
    min_history : int
        Rows before a training cutoff, at least.
    max_steps, batch_size : int
        Of each network that is trained.
    learning_rate : float
    """

    network: str
    horizon: int
    size: NetworkSize
    scaling: str
    min_history: int = 1
    max_steps: int = 0
    batch_size: int = 1
    learning_rate: float = 0.0

    @property
    def plan(self) -> TrainingPlan:
        """How the network is trained: stopped after half the steps without improvement.

        The rate falls in the second half of the schedule, and most improvement comes then; a shorter patience
        stopped before it (M4 Hourly: OWA .45 instead of .41 on one seed of three).
        """
        # A short training passes its best step soon.
        every = SHORT_EVERY if self.max_steps < SHORT_TRAINING else TrainingPlan.validate_every
        patience = max(5, self.max_steps // (2 * every))
        return TrainingPlan(self.max_steps, self.learning_rate, validate_every=every, patience=patience)


def requested_strategy(model: Forecaster) -> tuple[str, str]:
    """Return the strategy that the parameters ask for, and why.

    Raises
    ------
    ParameterError
        If parameters contradict the strategy.
    """
    # A subclass may take other parameters, or none of these. Its module imports this one.
    from tsrnn.forecasting.forecaster import Forecaster

    standard = Forecaster().get_params(deep=False)
    own = [name for name in (*SHAPE, *TRAINING) if not _same(getattr(model, name), standard[name])]
    if model.strategy == "auto":
        named = ", ".join(own[:5])
        verb = "asks" if len(own) == 1 else "ask"
        return ("scratch", f"{named} {verb} for a network of its own") if own else ("auto", "")
    refused = {"zero-shot": (*SHAPE, *TRAINING), "fine-tune": SHAPE, "scratch": ()}[model.strategy]
    wrong = [name for name in own if name in refused]
    if wrong:
        raise ParameterError(
            f"strategy={model.strategy!r} uses the base model, which {', '.join(wrong[:5])} cannot change. "
            "Leave that out, or choose strategy='scratch'."
        )
    return model.strategy, "as asked for"


def _same(value: object, standard: object) -> bool:
    return value is standard or (
        type(value) is type(standard) and not isinstance(value, np.ndarray) and value == standard
    )


def choose_settings(model: Forecaster, panel: Panel) -> Settings:
    """Fill in what the user left open, from the panel's frequency and size.

    Raises
    ------
    ParameterError
        If an argument is impossible.
    ShortSeriesError
        If no series is long enough to learn from.
    """
    check_parameters(model)
    m, longest = panel.season_length, _enough_history(panel)
    horizon = _given(model.horizon) or max(1, min(_default_horizon(panel), longest // 3))
    patch = _given(model.patch_length) or m
    # A day brings a week, whose profiles are offered; the network weighs them. Where time does not tell, a day is one
    # that the base knows. Weeks of longer days would take windows of thousands of points. On six public series of two
    # hours the error is .606 of the seasonal naive's with the week, .747 without it, of six hours .624 and .760.
    is_day = m in DAYS or (m == panel.frequency.steps_a_day and m <= max(DAYS))
    seasons = (m, 7 * m) if is_day and longest >= 21 * m else (m,)
    context = min(_given(model.context_length) or _default_context(m, seasons, longest), longest)
    context = max(math.ceil(context / patch) * patch, math.ceil(max(seasons) / patch) * patch)
    windows = _count_windows(panel, horizon)
    size = NetworkSize(
        context_length=context,
        horizon=horizon,
        patch_length=patch,
        seasons=seasons,
        cell=model.cell,
        hidden_size=_given(model.hidden_size) or _by_windows(windows),
        num_layers=int(model.num_layers),
        bidirectional=bool(model.bidirectional),
        dropout=float(model.dropout),
        quantiles=_with_median(model.quantiles),
        own_season=m % DAY == 0,
    )
    return Settings(
        network=model.network,
        horizon=horizon,
        size=size,
        scaling=model.scaling if model.scaling != "auto" else ("spread" if m >= 24 else "seasonal"),
        min_history=_min_history(longest, horizon, seasons),
        max_steps=_given(model.max_steps) or default_steps(windows),
        batch_size=_given(model.batch_size) or _by_windows(windows),
        learning_rate=DEFAULT_RATE if model.learning_rate is None else float(model.learning_rate),
    )


def context_notes(model: Forecaster, settings: Settings) -> list[str]:
    """Say where networks see more than the context length that was asked for: never less than the longest season."""
    given, size = model.context_length, settings.size
    season = max(size.seasons)
    if given is None or given >= season:
        return []
    return [
        f"context_length={given} is less than the longest season of {season} steps; the networks see "
        f"{size.context_length} steps."
    ]


def service_of(panel: Panel) -> Service:
    """Find the members of the base that serve a panel's season and step."""
    m, frequency = panel.season_length, panel.frequency
    year = year_served_by(m, frequency.default_season_length)
    slow = frequency.is_slow or _may_be_years(panel)
    return year or served_by(m, slow=slow, day=frequency.steps_a_day)


def _may_be_years(panel: Panel) -> bool:
    """Tell whether integer time, which does not say what a step is, is as short as tables of years are.

    Read by the network of business days the held-back ends of M1's and Tourism's years, which are counted from 1, had a
    MASE of 3.96 and 3.22, by those of years 2.21 and 2.77.
    """
    short = float(np.median(panel.lengths)) <= MOST_YEARS
    return isinstance(panel.frequency, IntegerStep) and panel.season_length == 1 and short


def zero_shot_settings(model: Forecaster, panel: Panel) -> Settings:
    """Return the settings of the base model as it is, for the panel's season."""
    service = service_of(panel)
    horizon = _given(model.horizon) or _default_horizon(panel)
    first = service.serving(longest_history(panel))[0]
    return Settings("parallel", horizon, first.serving_size(service.seasons), first.scaling)


def fine_tune_settings(model: Forecaster, panel: Panel) -> Settings:
    """Return the settings of a training from the base model: shorter, and at a lower rate, than one from scratch.

    Each member of the base is trained. On two ends of nine public training parts and one of M4 Hourly's the mean of the
    members had .991 of the base model's error, and averaged with it .985 (the two of days with half as many steps
    again); the first member alone, trained for twice the steps at half the rate, 1.002 and .990. Rates of 3e-4 to 1e-3
    with a third to two thirds of the steps lay between.

    Raises
    ------
    ShortSeriesError
        If no series is long enough to learn from.
    """
    longest, service = _enough_history(panel), service_of(panel)
    first = service.fine_tuned[0]
    start = zero_shot_settings(model, panel)
    horizon = _given(model.horizon) or max(1, min(start.horizon, longest // 3))
    size, windows = _tuned_size(first, service.seasons, horizon), _count_windows(panel, start.horizon)
    p = size.patch_length
    context = max(math.ceil(min(size.context_length, longest) / p), math.ceil(max(size.seasons) / p)) * p
    return replace(
        start,
        horizon=horizon,
        scaling=first.scaling,
        size=replace(size, context_length=context, dropout=float(model.dropout)),
        min_history=_min_history(longest, size.horizon, size.seasons),
        max_steps=_given(model.max_steps) or max(FEWEST_FINE_TUNING, int(FINE_TUNING_SHARE * default_steps(windows))),
        batch_size=_given(model.batch_size) or _by_windows(windows),
        learning_rate=FINE_TUNE_RATE if model.learning_rate is None else float(model.learning_rate),
    )


def member_settings(settings: Settings, member: Member, seasons: tuple[int, ...]) -> Settings:
    """Return the settings of `fine_tune_settings` for another member of the base: what that one reads."""
    size = _tuned_size(member, seasons, settings.horizon)
    context = min(settings.size.context_length, size.context_length)
    size = replace(size, context_length=context, dropout=settings.size.dropout)
    return replace(settings, size=size, scaling=member.scaling)


def _tuned_size(member: Member, seasons: tuple[int, ...], horizon: int) -> NetworkSize:
    """Return the size of a member that learns from a table: it learns all steps up to a longer horizon at once.

    What decodes its far steps would not learn with the rest. It reads no more than it has learnt with: five weeks
    of quarter-hours or five years of days are up to four times as many recurrent steps.
    """
    size, p = member.size(seasons), member.patch_length
    return replace(size, horizon=max(size.horizon, math.ceil(horizon / p) * p), far=0)


def step_seconds(settings: Settings) -> float:
    """Estimate the seconds of a training step from its arithmetic alone, so that a budget means the same anywhere.

    A fixed cost model: 40 thousand million operations a second, and 4 ms. On the 2-core machine of the benchmarks a
    step of M4 Hourly's size takes 32 ms on one idle core; the model says 43 ms.
    """
    size = settings.size
    D, p = size.hidden_size, size.patch_length
    steps = size.context_length // p + math.ceil(size.horizon / p)
    weights = D * (6 * D * size.num_layers + 3 * p + 3) * (1 + size.bidirectional) + D * p * len(size.quantiles)
    return 0.004 + 6 * settings.batch_size * steps * weights / 40e9


def default_steps(n_windows: int) -> int:
    """Return how many gradient steps so many training windows deserve.

    Slowly rising: 300 for a hundred windows, some 1,300 for the 370,000 of M4 Hourly.

    >>> default_steps(100), default_steps(20_000)
    (300, 780)
    """
    return int(round(300 * max(1.0, n_windows / 100) ** 0.18, -1))


def check_parameters(model: Forecaster) -> None:
    """Raise ParameterError for any argument that is impossible, naming what was expected."""
    check_choice("strategy", model.strategy, STRATEGIES)
    check_choice("network", model.network, NETWORKS)
    check_choice("cell", model.cell, CELLS)
    check_choice("scaling", model.scaling, ("auto", *SCALINGS))
    for name in (
        "horizon",
        "context_length",
        "season_length",
        "hidden_size",
        "patch_length",
        "max_steps",
        "batch_size",
    ):
        check_whole(name, getattr(model, name), 1, optional=True)
    check_whole("num_layers", model.num_layers, 1)
    check_whole("ensemble_size", model.ensemble_size, 1)
    check_number("time_budget", model.time_budget, 0, math.inf, "seconds above 0, or None for no limit", optional=True)
    check_flag("bidirectional", model.bidirectional)
    if model.bidirectional and model.cell not in RECURRENT:
        raise ParameterError(
            f"bidirectional=True with cell={model.cell!r}, which reads the window as a whole: there are no directions. "
            f"Choose one of {', '.join(map(repr, RECURRENT))}, or bidirectional=False."
        )
    check_number("dropout", model.dropout, 0, 1, "a share from 0 to below 1", or_low=True)
    rate = "a number above 0, for example 0.002, or None"
    check_number("learning_rate", model.learning_rate, 0, math.inf, rate, optional=True)


def _given(value: int | np.integer | None) -> int | None:
    """Return a whole number that the user gave as Python's own: torch and JSON take no other."""
    return None if value is None else int(value)


def _with_median(quantiles: Sequence[float] | None) -> tuple[float, ...]:
    wanted = QUANTILES if quantiles is None else listed(quantiles)
    if not wanted or not all(is_number(q) and NEAREST_END <= q <= 1 - NEAREST_END for q in wanted):
        raise ParameterError(
            f"quantiles={quantiles!r}: expected numbers between 0 and 1, no nearer to either than {NEAREST_END:g}, for "
            "example (0.1, 0.5, 0.9)."
        )
    return tuple(sorted({*wanted, 0.5}))


def longest_history(panel: Panel) -> int:
    """Return how many rows the longest series with values has; 0 without one."""
    lengths = panel.lengths[panel.n_observed > 0]
    return int(lengths.max()) if len(lengths) else 0


def _enough_history(panel: Panel) -> int:
    """Return the length of the longest series, or raise ShortSeriesError if nothing can be learnt from it."""
    longest, m = longest_history(panel), panel.season_length
    if longest < m + 2:
        raise ShortSeriesError(
            f"The longest series has {counted(longest, 'row')}; learning from one with a season of {m} needs {m + 2} "
            "or more. Add rows, pass a shorter season_length (1 means none), or choose strategy='zero-shot', which "
            "learns nothing."
        )
    return longest


def _default_horizon(panel: Panel) -> int:
    # Two seasons where a season is a year or a day: `predict(h=24)` on months then needs no extension.
    m = panel.season_length
    return max(panel.frequency.default_horizon, 2 * m if m in (4, 12, 24) else 1)


def _min_history(longest: int, horizon: int, seasons: tuple[int, ...]) -> int:
    """Return how many rows are before a training cutoff at least: two seasons, or what leaves something to learn."""
    return int(np.clip(longest - horizon - 1, 1, 2 * max(seasons)))


def _default_context(m: int, seasons: tuple[int, ...], longest: int) -> int:
    patches = int(np.clip(math.ceil(CONTEXT_POINTS / m), MIN_PATCHES, MAX_PATCHES))
    return min(max(patches * m, 2 * max(seasons)), longest)


def _by_windows(n_windows: int) -> int:
    """Return the width of a network, and the size of a batch, that so many training windows deserve."""
    return 128 if n_windows > 2000 else 64


def _count_windows(panel: Panel, horizon: int) -> int:
    return int(np.maximum(panel.lengths - horizon, 1)[panel.n_observed > 0].sum())
