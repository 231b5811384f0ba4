"""One training loop for every network of tsrnn."""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from tsrnn.errors import ParameterError, TrainingError
from tsrnn.training.checkpoint import Checkpoint, optimiser_state, optimiser_tensors, part_of

Batch = TypeVar("Batch")
Weights = dict[str, Tensor]


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast to train.

    Parameters
    ----------
    max_steps : int
        Gradient steps at most; the schedule is laid out for them.
    learning_rate : float
        The highest rate of the one-cycle schedule (Smith and Topin 2018).
    weight_decay : float
        AdamW's (Loshchilov and Hutter 2019).
    clip_norm : float
        Largest norm of the gradient.
    validate_every : int
        Steps between validations.
    patience : int
        Validations without improvement after which training stops.
    time_budget : float, optional
        Seconds after which training ends. The schedule then stands at each step where the larger share is used up,
        of the seconds or of the steps, so that the rate has fallen when the time is over. How many steps fit in
        depends on the machine, and so do the weights.
    """

    max_steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    validate_every: int = 50
    patience: int = 10
    time_budget: float | None = None

    def share_used(self, step: int, seconds: float) -> float:
        """Return how much of the training is over after a step, from 0 to 1.

        >>> TrainingPlan(100, time_budget=10.0).share_used(20, 5.0), TrainingPlan(100).share_used(20, 5.0)
        (0.5, 0.2)
        """
        of_time = 0.0 if self.time_budget is None else seconds / self.time_budget
        return min(1.0, max(step / self.max_steps, of_time))


@dataclass(frozen=True)
class Outcome:
    """What a network made of a batch.

    Parameters
    ----------
    loss : scalar tensor
        What training lowers.
    weight : float or scalar tensor
        How much the batch counts in a mean over batches, for example its number of cases.
    scores : mapping of str to scalar tensor
        What else is worth knowing, for example the accuracy; means of them are reported.
    """

    loss: Tensor
    weight: float | Tensor = 1.0
    scores: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """What a progress callback is told after each validation, or every `validate_every` steps.

    `train_scores` and `validation_scores` are means of the scores in each `Outcome`, by name. `training` names one of
    several trainings at once.
    """

    step: int
    max_steps: int
    train_loss: float
    validation_loss: float
    seconds: float
    train_scores: Mapping[str, float] = field(default_factory=dict)
    validation_scores: Mapping[str, float] = field(default_factory=dict)
    training: str = ""


def progress_of(verbose: bool | Callable[[Progress], None]) -> Callable[[Progress], None] | None:
    """Return what a training tells its progress: the callable, a line on stderr if True, or nothing.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if callable(verbose):
        return verbose
    if not isinstance(verbose, (bool, int, np.bool_)) or verbose not in (0, 1):
        raise ParameterError(f"verbose={verbose!r}: expected True, False, or a callable that takes the progress.")
    return write_progress if verbose else None


def write_progress(progress: Progress) -> None:
    """Write one line about the training to stderr."""
    name = f"{progress.training}  " if progress.training else ""
    sys.stderr.write(
        f"{name}step {progress.step}/{progress.max_steps}  train {progress.train_loss:.4f}  "
        f"validation {progress.validation_loss:.4f}  {progress.seconds:.1f} s\n"
    )
    sys.stderr.flush()


@dataclass
class TrainingRecord:
    """What happened in training.

    Parameters
    ----------
    history : list of Progress
    best_step : int
        The step whose weights were kept.
    stopped_early : bool
    out_of_time : bool
        The clock ended the training, by a time budget or because the caller said so.
    """

    history: list[Progress] = field(default_factory=list)
    best_step: int = 0
    stopped_early: bool = False
    out_of_time: bool = False


def copy_weights(network: nn.Module) -> Weights:
    """Return a detached copy of a network's weights."""
    return copy.deepcopy({name: value.detach() for name, value in network.state_dict().items()})


def has_finite_weights(network: nn.Module) -> bool:
    """Tell whether no weight is NaN or infinite: a finite loss may still have had an infinite gradient."""
    return all(bool(torch.isfinite(weight).all()) for weight in network.parameters())


def train(
    network: nn.Module,
    loss: Callable[[Batch], Tensor | Outcome],
    draw: Callable[[int], Batch],
    validation: list[Batch],
    plan: TrainingPlan,
    on_progress: Callable[[Progress], None] | None = None,
    record: TrainingRecord | None = None,
    checkpoint: Checkpoint | None = None,
    out_of_time: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> TrainingRecord:
    """Train a network in place and leave the best weights in it.

    Parameters
    ----------
    network : nn.Module
    loss : callable
        The scalar loss of a batch, in whichever mode (train or eval) the network is; or an `Outcome`, where batches
        count differently in means or there are more scores to report.
    draw : callable
        Returns the training batch of a step, counted from 1. With a checkpoint it must depend on the step alone.
    validation : list of batches
        Held back; without any, the last weights are kept.
    plan : TrainingPlan
    on_progress : callable, optional
        Called after each validation; costs nothing when absent.
    record : TrainingRecord, optional
        Is written to as training goes on, so that it tells what happened also when training breaks down.
    checkpoint : Checkpoint, optional
        Where training stands is written there after validations; if it is there already, training goes on from it
        and ends with the same weights as one that was never interrupted, on one CPU bit for bit.
    out_of_time : callable, optional
        Asked before every step; training ends when it says True.
    clock : callable
        Gives the seconds that `Progress` and a time budget count.

    Returns
    -------
    TrainingRecord

    Raises
    ------
    TrainingError
        If the loss or a weight is not finite; the network then has its last finite weights.
    """
    record = TrainingRecord() if record is None else record
    run = _Run(network, plan, record)
    if checkpoint is not None:
        run.resume(checkpoint)
    started = clock() - run.seconds
    recent: list[Outcome] = []
    network.train()
    for step in range(run.step + 1, plan.max_steps + 1):
        if run.waiting >= plan.patience:
            record.stopped_early = True
            break
        # A training that is taken up again may have been over.
        used_up = plan.share_used(run.step, run.seconds) >= 1
        if used_up or (out_of_time is not None and out_of_time()):
            record.out_of_time = True
            break
        outcome = _outcome(loss(draw(step)))
        share = plan.share_used(step, clock() - started)
        run.descend(outcome.loss, step, share)
        recent.append(_detached(outcome))
        if step % plan.validate_every and share < 1:
            continue
        # Reading a loss waits for the device, so it is done once per validation and not at every step.
        train_loss, train_scores = _means(recent)
        recent = []
        score, validation_scores = _validate(network, loss, validation) if validation else (train_loss, {})
        if not (math.isfinite(train_loss) and math.isfinite(score) and has_finite_weights(network)):
            run.keep_best()
            raise TrainingError(
                f"{_breakdown(train_loss, score)} at step {step}; the weights of step {record.best_step} are kept. "
                f"Lower learning_rate (now {plan.learning_rate:g}); another scaling of values may help too."
            )
        run.judge(step, score, newest_is_best=not validation)
        run.seconds = clock() - started
        held_back = score if validation else math.nan
        state = Progress(step, plan.max_steps, train_loss, held_back, run.seconds, train_scores, validation_scores)
        record.history.append(state)
        if on_progress is not None:
            on_progress(state)
        if checkpoint is not None and len(record.history) % checkpoint.every == 0:
            run.write(checkpoint)
        if share >= 1:
            record.out_of_time = step < plan.max_steps
            break
    run.keep_best()
    return record


class _Run:
    """A training under way: what changes from step to step, and how it is written down and taken up again."""

    def __init__(self, network: nn.Module, plan: TrainingPlan, record: TrainingRecord) -> None:
        self.network, self.plan, self.record = network, plan, record
        self.device = next(network.parameters()).device
        self.optimiser, self.schedule = _optimiser(network, plan)
        self.best, self.best_loss = copy_weights(network), math.inf
        self.step, self.waiting, self.seconds = 0, 0, 0.0

    def descend(self, loss: Tensor, step: int, share: float) -> None:
        """Take one step down the gradient, and move the schedule to where a share of the training is over."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.clip_norm)
        self.optimiser.step()
        # A schedule has a place for each of max_steps; a step goes to the next one, or further if time runs faster.
        self.schedule.last_epoch = max(step, int(share * self.plan.max_steps)) - 1
        self.schedule.step()

    def judge(self, step: int, score: float, *, newest_is_best: bool) -> None:
        """Keep the weights if they are the best so far."""
        self.step = step
        self.waiting = 0 if score < self.best_loss or newest_is_best else self.waiting + 1
        if self.waiting == 0:
            self.best, self.best_loss, self.record.best_step = copy_weights(self.network), score, step

    def keep_best(self) -> None:
        """Leave the best weights in the network."""
        self.network.load_state_dict(self.best)
        self.network.eval()

    def write(self, checkpoint: Checkpoint) -> None:
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        tensors |= {f"optimiser.{name}": value for name, value in optimiser_tensors(self.optimiser).items()}
        tensors["random"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["random_cuda"] = torch.cuda.get_rng_state(self.device)
        facts = {
            "step": self.step,
            "waiting": self.waiting,
            "seconds": self.seconds,
            "best_loss": self.best_loss,
            "best_step": self.record.best_step,
            "history": [asdict(row) for row in self.record.history],
            "groups": self.optimiser.state_dict()["param_groups"],
            "schedule": self.schedule.state_dict(),
        }
        checkpoint.save(tensors, facts)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, if there is one."""
        found = checkpoint.load()
        if found is None:
            return
        tensors, facts = found
        self.network.load_state_dict(part_of(tensors, "network."))
        self.best = part_of(tensors, "best.")
        self.optimiser.load_state_dict(optimiser_state(part_of(tensors, "optimiser."), facts["groups"]))
        schedule: Any = self.schedule
        schedule.load_state_dict(facts["schedule"])
        torch.set_rng_state(tensors["random"])
        if self.device.type == "cuda" and "random_cuda" in tensors:  # not where a CPU has written it
            torch.cuda.set_rng_state(tensors["random_cuda"], self.device)
        self.step, self.waiting, self.seconds = facts["step"], facts["waiting"], facts["seconds"]
        self.best_loss, self.record.best_step = facts["best_loss"], facts["best_step"]
        self.record.history[:] = [Progress(**row) for row in facts["history"]]


def _breakdown(train_loss: float, score: float) -> str:
    if math.isfinite(train_loss) and math.isfinite(score):
        return f"A weight is not finite (the loss was still {train_loss:g})"
    return f"The loss is {train_loss} (validation {score})"


def _optimiser(
    network: nn.Module, plan: TrainingPlan
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Return AdamW and its one-cycle schedule, with at least 50 steps of warm-up where there are so many."""
    optimiser = torch.optim.AdamW(network.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        plan.learning_rate,
        total_steps=plan.max_steps,
        pct_start=min(0.3, max(0.1, 50 / plan.max_steps)),
    )
    return optimiser, schedule


@torch.no_grad()
def _validate(
    network: nn.Module, loss: Callable[[Batch], Tensor | Outcome], batches: list[Batch]
) -> tuple[float, dict[str, float]]:
    network.eval()
    result = _means([_outcome(loss(batch)) for batch in batches])
    network.train()
    return result


def _outcome(value: Tensor | Outcome) -> Outcome:
    return value if isinstance(value, Outcome) else Outcome(value)


def _detached(outcome: Outcome) -> Outcome:
    """Let go of the graph that the loss was computed by."""
    return Outcome(outcome.loss.detach(), outcome.weight, {name: s.detach() for name, s in outcome.scores.items()})


def _means(outcomes: Sequence[Outcome]) -> tuple[float, dict[str, float]]:
    """Return the weighted means of the loss and of each score."""
    losses = torch.stack([outcome.loss for outcome in outcomes])
    weights = [
        part if isinstance(part, Tensor) else torch.tensor(part, dtype=losses.dtype, device="cpu")
        for part in (outcome.weight for outcome in outcomes)
    ]
    weight = torch.stack([part.to(losses.device, losses.dtype, non_blocking=True) for part in weights])

    def mean(values: Tensor) -> float:
        return float((values * weight).sum() / weight.sum())

    scores = {name: mean(torch.stack([o.scores[name] for o in outcomes])) for name in outcomes[0].scores}
    return mean(losses), scores
