"""Zero-shot, fine-tuned or from scratch: what the user asked for, or what held-back data say."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tsrnn.errors import ShortSeriesError
from tsrnn.forecasting.history_notes import history_notes
from tsrnn.forecasting.network_forecast import NetworkForecast, most_missing
from tsrnn.forecasting.network_training import Training, new_network, train_at_once, training_ends
from tsrnn.forecasting.progress import part
from tsrnn.forecasting.selection import BASE, Judge, averages, choose
from tsrnn.forecasting.settings import (
    Settings,
    check_parameters,
    choose_settings,
    context_notes,
    fine_tune_settings,
    member_settings,
    requested_strategy,
    service_of,
    step_seconds,
    zero_shot_settings,
)
from tsrnn.naming import counted
from tsrnn.pretrained.family import Member
from tsrnn.pretrained.service import Service
from tsrnn.pretrained.weights import load_member
from tsrnn.training.trainer import Progress, TrainingRecord

if TYPE_CHECKING:
    import torch

    from tsrnn.data.panel import Integers, Panel
    from tsrnn.forecasting.forecaster import Forecaster

# Fewer steps than this teach nothing.
FEWEST_STEPS = 50
# The clock ends a training only where the cost model was far off, since it makes a forecast depend on the machine.
CLOCK_TOLERANCE = 1.5
# At last training also sees what was held back, for this share of its steps and at this share of its rate. On the ends
# of the training parts of six public panels networks from scratch had 1.049 of the base model's error before 150 such
# steps and 1.017 after them, fine-tuned ones .976 and .977 (50 steps), averages with the base .988 and .983, .976 and
# .975. At a third of that rate, or nearly three times of it, there was less to gain.
LAST_STEPS, LAST_RATE = 0.2, 0.15
# Look-backs of an ensemble's members, relative to the first one's, and their cells.
BASE_LOOK_BACK = 0.7
YEARS_SEEN = 1.1
LOOK_BACKS, ENSEMBLE_CELLS = (1.0, 0.6, 1.4), ("gru", "lstm")


@dataclass
class NetworkFit:
    """The networks of a forecaster, and how they came about.

    Parameters
    ----------
    model : Forecaster
    panel : Panel
        As the networks see it.
    device : torch.device
    seed : int
    progress : callable or None

    Attributes
    ----------
    networks : list of NetworkForecast
    strategy : str
        What was done, for example "zero-shot" or "scratch + zero-shot".
    reason : str
    scores : dict of str to float
        The mean scaled quantile loss of each candidate on held-back windows; empty where nothing was compared.
    settings : Settings
        Of the first network.
    record : TrainingRecord
        Of the first network.
    train_end : int64 ndarray of shape (n_series,), or None
        Rows of each series that training has seen; None where nothing was trained.
    notes : list of str
    """

    model: Forecaster
    panel: Panel
    device: torch.device
    seed: int
    progress: Callable[[Progress], None] | None
    networks: list[NetworkForecast] = field(default_factory=list)
    strategy: str = ""
    reason: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    settings: Settings = field(init=False)
    record: TrainingRecord = field(default_factory=TrainingRecord)
    train_end: Integers | None = None
    notes: list[str] = field(default_factory=list)
    _trained: list[Training] = field(default_factory=list)
    # What the fewest steps take by the cost model, where the time budget is shorter and yet a training is asked for.
    _needed_seconds: float = 0.0

    @part(0.0, 1 / (1 + LAST_STEPS))
    def run(self) -> None:
        """Fit as the strategy asks.

        Raises
        ------
        ParameterError, ShortSeriesError, DataError, TrainingError
        """
        check_parameters(self.model)
        self.started = time.perf_counter()
        self.members = int(self.model.ensemble_size)  # of an ensemble
        self.strategy, self.reason = requested_strategy(self.model)
        if self.strategy == "auto":
            self._decide()
        elif self.strategy == "zero-shot":
            self._use_base()
        else:
            settings = self._settings(self.strategy)
            fitting = self._within_budget(self.strategy, settings, self.model.ensemble_size)
            self.settings = fitting or self._fewest_steps(settings)
            self.train_end = self._held_back(self.settings)
            first = self._begin(self.strategy, self.settings)
            self.record = first[0].record
            self._add_trained([*first, *self._rest_of_ensemble(self.strategy)], self.train_end)
            self.notes += context_notes(self.model, self.settings)
        if self.strategy != "scratch" and self.service.note:
            self.notes.append(self.service.note)
        self.notes += history_notes(self.panel, most_missing(self.networks))

    @part(1 / (1 + LAST_STEPS), 1.0)
    def finish(self) -> None:
        """Let the trained networks learn from what was held back, too.

        It is no longer needed to judge and calibrate them, and the newest rows tell most of what comes next.
        """
        if self.train_end is None or np.array_equal(self.train_end, self.panel.lengths):
            return
        kept = {id(forecast.network) for forecast in self.networks}
        last = [_last_steps(training) for training in self._trained if id(training.forecast.network) in kept]
        train_at_once(last, self.panel, self.panel.lengths, deadline=self._deadline())
        for training in last:
            if training.error is not None:
                self.notes.append(f"The last steps of a training broke down and were left out: {training.error}")
        if any(training.record.out_of_time for training in last):
            self._tell_of_clock("the last steps of a training")

    @property
    def service(self) -> Service:
        """Which members of the base serve the panel's season."""
        return service_of(self.panel)

    def _deadline(self) -> float | None:
        budget = self.model.time_budget
        return None if budget is None else self.started + CLOCK_TOLERANCE * max(budget, self._needed_seconds)

    def _settings(self, strategy: str) -> Settings:
        return (choose_settings if strategy == "scratch" else fine_tune_settings)(self.model, self.panel)

    def _use_base(self) -> None:
        """Take the base model, for an ensemble with several look-backs."""
        self.settings = zero_shot_settings(self.model, self.panel)
        service = self.service
        longest = int(self.panel.lengths.max())
        for k in range(self.model.ensemble_size):
            for member in service.members:
                size, p = member.serving_size(service.seasons), member.patch_length
                # A look-back that is shorter than the network's, but longer than every history, would change nothing.
                most = size.context_length if k == 0 else min(size.context_length, longest)
                # One that knows the year must see where it was.
                shortest = YEARS_SEEN * size.year if size.year else max(size.seasons)
                context = max(most * BASE_LOOK_BACK**k, min(shortest, size.context_length))
                own = replace(size, context_length=math.ceil(context / p) * p)
                network = load_member(member)
                if self.device.type != "cpu":
                    settings = replace(self.settings, size=size)
                    network = new_network(settings, self.seed, self.device, network)
                self.networks.append(
                    NetworkForecast(
                        network,
                        own,
                        member.scaling,
                        self.seed,
                        cut=True,
                        powers=self._powers(member),
                        vote=k,
                        histories=member.histories,
                    )
                )

    def _powers(self, member: Member) -> tuple[float, ...]:
        """Return what a member reads of positive windows: no powers of what the user has mapped."""
        return member.powers if self.model.transform is None else (1.0,)

    def _held_back(self, settings: Settings) -> Integers:
        return training_ends(self.panel.lengths, settings.min_history, settings.horizon)

    def _within_budget(self, strategy: str, settings: Settings, trainings: int) -> Settings | None:
        """Shorten a training to its share of the time budget; None if too little is left of it."""
        budget = self.model.time_budget
        if budget is None:
            return settings
        steps = int(budget / self._seconds_a_step(strategy, settings, trainings))
        if steps >= settings.max_steps:
            return settings
        return replace(settings, max_steps=steps) if steps >= FEWEST_STEPS else None

    def _seconds_a_step(self, strategy: str, settings: Settings, trainings: int) -> float:
        """Return what a step of every network takes by the cost model, with its share of the last steps."""
        return trainings * len(self._starts(strategy)) * step_seconds(settings) * (1 + LAST_STEPS)

    def _fewest_steps(self, settings: Settings) -> Settings:
        # Otherwise the clock would end them at once, and the forecast would be one of the machine's load.
        a_step = self._seconds_a_step(self.strategy, settings, self.model.ensemble_size)
        steps = min(FEWEST_STEPS, settings.max_steps)
        self._needed_seconds = steps * a_step
        self.notes.append(
            f"time_budget={self.model.time_budget:g} s is too short for a training; the network was given its fewest "
            f"{counted(steps, 'step')}."
        )
        return replace(settings, max_steps=steps)

    def _begin(self, strategy: str, settings: Settings, *, seed: int = 0, vote: int = 0) -> list[Training]:
        """Build one network with random weights, or from every member of the base; together they have one vote."""
        starts, trainings = self._starts(strategy), []
        for index, member in enumerate(starts):
            own = settings if member is None else member_settings(settings, member, self.service.seasons)
            start = None if member is None else load_member(member)
            number = self.seed + seed * len(starts) + index
            network = new_network(own, number, self.device, start)
            forecast = NetworkForecast(network, own.size, own.scaling, number, vote=vote)
            if member is not None:
                powers = self._powers(member)[:1]  # what is trained reads one
                forecast = replace(forecast, powers=powers, histories=self.service.fine_tuned_histories(member))
            parts = (strategy, member.name if member else "", f"({seed + 1})" if seed else "")
            trainings.append(Training(" ".join(filter(None, parts)), strategy, forecast, own))
        return trainings

    def _train(self, trainings: Sequence[Training], train_end: Integers) -> None:
        """Train networks at once, and tell of those that the clock has stopped."""
        train_at_once(trainings, self.panel, train_end, listener=self.progress, deadline=self._deadline())
        self._trained += trainings
        for training in trainings:
            if training.record.out_of_time:
                steps = training.settings.max_steps
                self._tell_of_clock(f"the training ({training.strategy}) before its {steps} steps")

    def _add_trained(self, trainings: Sequence[Training], train_end: Integers) -> None:
        """Train networks and add them to those that forecast; one that broke down has its last finite weights."""
        before = self.networks
        self.networks = [*before, *(training.forecast for training in trainings)]
        self._train(trainings, train_end)
        for training in trainings:
            if training.error is not None:
                raise training.error
        # Networks whose weights are still random would outvote the others.
        learnt = [one.forecast for one in trainings if one.record.best_step or one.strategy == "fine-tune"]
        left_out = len(trainings) - len(learnt)
        if left_out and (before or learnt):
            self.networks = [*before, *learnt]
            found = counted(left_out, "network")
            self.notes.append(f"The clock stopped {found} of the ensemble before anything was learnt; the others vote.")

    def _tell_of_clock(self, stopped: str) -> None:
        note = f"The clock stopped {stopped}; the same seed may forecast differently on another machine."
        if note not in self.notes:
            self.notes.append(note)

    def _starts(self, strategy: str) -> tuple[Member | None, ...]:
        """Return what the networks of a training start from: the members of the base, or random weights."""
        return self.service.fine_tuned if strategy == "fine-tune" else (None,)

    def _decide(self) -> None:
        """Compare the base model with trained networks on held-back windows, and keep the best."""
        self._use_base()
        self.strategy, base = BASE, self.networks
        try:
            wanted = {name: self._settings(name) for name in ("fine-tune", "scratch")}
        except ShortSeriesError:
            self.reason = "the series are too short to train on"
            return
        # Both learn before the same ends, which the base's longer season must not place out of reach.
        fewest = min(settings.min_history for settings in wanted.values())
        wanted["fine-tune"] = replace(wanted["fine-tune"], min_history=fewest)
        train_end = self._held_back(wanted["scratch"])
        judge = Judge.of_base(base, self.panel, train_end, self.settings.horizon, self.device)
        if judge.too_few:
            self.reason = judge.too_few
            return
        plans = self._plans(wanted)
        if not plans:
            self.reason = (
                f"a time budget of {self.model.time_budget:g} s is too short for the trainings, which need "
                f"{self._least_budget(wanted):g} s"
            )
            return
        share = len(plans) / (len(plans) + self.members - 1)  # the rest of an ensemble follows
        with part(0.0, share):
            trained = self._train_candidates(plans, train_end)
        candidates = {BASE: base}
        for name, trainings in trained.items():
            candidates[name] = [training.forecast for training in trainings]
            judge.add(name, candidates[name])
        for names in averages(list(judge.losses)):
            average = " + ".join(names)
            candidates[average] = [
                replace(forecast, vote=vote) for vote, name in enumerate(names) for forecast in candidates[name]
            ]
            judge.add(average, candidates[average])
        self.scores = judge.scores
        self.strategy, self.reason = choose(judge.losses, judge.times)
        self.networks = candidates[self.strategy]
        first, *others = self.strategy.split(" + ")
        if first in plans:
            self.settings = replace(plans[first], horizon=self.settings.horizon)
            self.record, self.train_end = trained[first][0].record, train_end
            with part(share, 1.0):
                self._add_trained(self._rest_of_ensemble(first, averaged=bool(others)), train_end)

    def _plans(self, wanted: dict[str, Settings]) -> dict[str, Settings]:
        """Share the time budget among the trainings; a smaller ensemble where it is short, nothing where it is shorter.

        The ensemble is no part of what is compared, so it yields first.
        """
        for members in range(self.model.ensemble_size, 0, -1):
            self.members, trainings = members, len(wanted) + members - 1
            plans = {name: self._within_budget(name, settings, trainings) for name, settings in wanted.items()}
            found = {name: settings for name, settings in plans.items() if settings is not None}
            if len(found) == len(wanted):
                return found
        return {}

    def _least_budget(self, wanted: dict[str, Settings]) -> float:
        """Return the seconds from which on `_plans` finds a training for every strategy, rounded up."""
        seconds = [
            min(FEWEST_STEPS, settings.max_steps) * self._seconds_a_step(name, settings, len(wanted))
            for name, settings in wanted.items()
        ]
        return math.ceil(10 * max(seconds) + 1e-6) / 10

    def _train_candidates(self, plans: dict[str, Settings], train_end: Integers) -> dict[str, list[Training]]:
        """Train what the base model is compared with; a training that breaks down is left out with a note."""
        begun = {name: self._begin(name, settings) for name, settings in plans.items()}
        self._train([training for group in begun.values() for training in group], train_end)
        broken = {name: next((t.error for t in group if t.error is not None), None) for name, group in begun.items()}
        self.notes += [
            f"The training ({name}) broke down and was left out: {error}" for name, error in broken.items() if error
        ]
        return {name: group for name, group in begun.items() if broken[name] is None}

    def _rest_of_ensemble(self, strategy: str, *, averaged: bool = False) -> list[Training]:
        """Begin the rest of an ensemble: members of other look-backs, cells and seeds than the first."""
        settings = self.settings
        if self.members < self.model.ensemble_size:
            self.notes.append(
                f"time_budget={self.model.time_budget:g} s is too short for an ensemble of {self.model.ensemble_size}; "
                f"{counted(self.members, 'was', 'were')} trained."
            )
        rest = []
        for k in range(1, self.members):
            size = settings.size
            p, reach = size.patch_length, LOOK_BACKS[k % len(LOOK_BACKS)]
            context = math.ceil(max(size.context_length * reach, max(size.seasons)) / p) * p
            cell = ENSEMBLE_CELLS[k % 2] if strategy == "scratch" and size.cell == "gru" else size.cell
            own = replace(settings, size=replace(size, context_length=context, cell=cell))
            # In an average the ensemble counts as one, as what was judged did.
            rest += self._begin(strategy, own, seed=k, vote=0 if averaged else k)
        return rest


def _last_steps(training: Training) -> Training:
    """Return a training that goes on with a trained network, slowly and not for long."""
    steps = max(1, round(LAST_STEPS * training.settings.max_steps))
    rate = LAST_RATE * training.settings.learning_rate
    settings = replace(training.settings, max_steps=steps, learning_rate=rate)
    return Training(training.name, training.strategy, training.forecast, settings)
