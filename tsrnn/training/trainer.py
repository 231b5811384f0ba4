"""One training loop for every network of tsrnn."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from tsrnn.errors import TrainingError

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
    """

    max_steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    validate_every: int = 50
    patience: int = 10


@dataclass(frozen=True)
class Progress:
    """What a progress callback is told after each validation, or every `validate_every` steps."""

    step: int
    max_steps: int
    train_loss: float
    validation_loss: float
    seconds: float


@dataclass
class TrainingRecord(Generic[Batch]):
    """What happened in training.

    Parameters
    ----------
    history : list of Progress
    best_step : int
        The step whose weights were kept.
    stopped_early : bool
    """

    history: list[Progress] = field(default_factory=list)
    best_step: int = 0
    stopped_early: bool = False


def copy_weights(network: nn.Module) -> Weights:
    """Return a detached copy of a network's weights."""
    return copy.deepcopy({name: value.detach() for name, value in network.state_dict().items()})


def has_finite_weights(network: nn.Module) -> bool:
    """Tell whether no weight is NaN or infinite: a finite loss may still have had an infinite gradient."""
    return all(bool(torch.isfinite(weight).all()) for weight in network.parameters())


def train(
    network: nn.Module,
    loss: Callable[[Batch], Tensor],
    draw: Callable[[], Batch],
    validation: list[Batch],
    plan: TrainingPlan,
    on_progress: Callable[[Progress], None] | None = None,
    record: TrainingRecord[Batch] | None = None,
) -> TrainingRecord[Batch]:
    """Train a network in place and leave the best weights in it.

    Parameters
    ----------
    network : nn.Module
    loss : callable
        The scalar loss of a batch, in whichever mode (train or eval) the network is.
    draw : callable
        Returns a fresh training batch.
    validation : list of batches
        Held back; without any, the last weights are kept.
    plan : TrainingPlan
    on_progress : callable, optional
        Called after each validation; costs nothing when absent.
    record : TrainingRecord, optional
        Is written to as training goes on, so that it tells what happened also when training breaks down.

    Returns
    -------
    TrainingRecord

    Raises
    ------
    TrainingError
        If the loss or a weight is not finite; the network then has its last finite weights.
    """
    optimiser, schedule = _optimiser(network, plan)
    record = TrainingRecord() if record is None else record
    best, best_loss = copy_weights(network), math.inf
    started, recent, waiting = time.perf_counter(), [], 0
    network.train()
    for step in range(1, plan.max_steps + 1):
        value = loss(draw())
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), plan.clip_norm)
        optimiser.step()
        schedule.step()
        recent.append(value.detach())
        if step % plan.validate_every and step < plan.max_steps:
            continue
        # Reading a loss waits for the device, so it is done once per validation and not at every step.
        train_loss = float(torch.stack(recent).mean())
        recent = []
        score = _validate(network, loss, validation) if validation else train_loss
        if not (math.isfinite(train_loss) and math.isfinite(score) and has_finite_weights(network)):
            network.load_state_dict(best)
            network.eval()
            raise TrainingError(
                f"{_breakdown(train_loss, score)} at step {step}; the weights of step {record.best_step} are kept. "
                f"Lower learning_rate (now {plan.learning_rate:g}) or choose another scaling."
            )
        waiting = 0 if score < best_loss or not validation else waiting + 1
        if waiting == 0:
            best, best_loss, record.best_step = copy_weights(network), score, step
        state = Progress(
            step, plan.max_steps, train_loss, score if validation else math.nan, time.perf_counter() - started
        )
        record.history.append(state)
        if on_progress is not None:
            on_progress(state)
        if waiting >= plan.patience:
            record.stopped_early = True
            break
    network.load_state_dict(best)
    network.eval()
    return record


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
def _validate(network: nn.Module, loss: Callable[[Batch], Tensor], batches: list[Batch]) -> float:
    network.eval()
    value = float(torch.stack([loss(batch) for batch in batches]).mean())
    network.train()
    return value
