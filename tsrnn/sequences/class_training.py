"""Train a network to tell classes of sequences, or of their steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.model_selection import StratifiedShuffleSplit
from torch import Tensor

from tsrnn.networks.convolution import step_mask
from tsrnn.networks.randomness import new_generator, own_random_state
from tsrnn.networks.sequence_network import SequenceNetwork
from tsrnn.networks.threads import one_thread
from tsrnn.sequences.cases import Cases
from tsrnn.sequences.distortion import distort
from tsrnn.training.trainer import Outcome, Progress, TrainingPlan, TrainingRecord, train

# Share of tokens that training shows as unknown, so that the network learns to go on without them.
HIDDEN_TOKENS = 0.05
# Steps of sequences in one batch of a prediction, so that memory stays small.
STEPS_AT_ONCE = 2**16

NO_LABEL = -1


@dataclass(frozen=True)
class ClassPlan:
    """How a classifier is trained.

    Parameters
    ----------
    max_epochs, batch_size, patience : int
        Patience in epochs.
    learning_rate : float
    held_back : float
        Share of the cases that is held back to stop by, or 0.
    distortion : float
        How much sequences of numbers are distorted in training, see `distort`.
    """

    max_epochs: int
    batch_size: int
    patience: int
    learning_rate: float
    held_back: float
    distortion: float = 0.0


@dataclass(frozen=True)
class LabelledCases:
    """Cases and their classes.

    Parameters
    ----------
    cases : Cases
    target : int64 tensor of shape (n_cases,) or, for each step, (n_steps,)
    each_step : bool
    """

    cases: Cases
    target: Tensor
    each_step: bool

    def gather(self, index: npt.NDArray[np.int64]) -> LabelledBatch:
        """Gather cases into a batch."""
        x, lengths, rows = self.cases.gather(index)
        if not self.each_step:
            place = torch.from_numpy(index).to(self.target.device, non_blocking=True)
            return LabelledBatch(x, lengths, self.target[place])
        mask = step_mask(lengths, rows.shape[1])
        return LabelledBatch(x, lengths, torch.where(mask, self.target[rows], NO_LABEL))

    def gather_distorted(
        self, index: npt.NDArray[np.int64], spread: float, generator: torch.Generator
    ) -> LabelledBatch:
        """Gather cases into a batch and distort them at random; a step has the label of the one nearest to it."""
        batch = self.gather(index)
        x, nearest = distort(batch.x, batch.lengths, spread, generator)
        if not self.each_step:
            return LabelledBatch(x, batch.lengths, batch.target)
        target = torch.where(batch.target == NO_LABEL, NO_LABEL, batch.target.gather(1, nearest))
        return LabelledBatch(x, batch.lengths, target)


@dataclass(frozen=True)
class LabelledBatch:
    """B sequences.

    Parameters
    ----------
    x : tensor of shape (B, L, C) or, of tokens, (B, L)
    lengths : int64 tensor of shape (B,)
    target : int64 tensor of shape (B,) or (B, L), -1 after a sequence's end
    """

    x: Tensor
    lengths: Tensor
    target: Tensor


def train_classifier(
    network: SequenceNetwork,
    labelled: LabelledCases,
    plan: ClassPlan,
    class_weight: Tensor,
    seed: int,
    progress: Callable[[Progress], None] | None,
    record: TrainingRecord,
) -> None:
    """Train a network in place.

    Parameters
    ----------
    network : SequenceNetwork
    labelled : LabelledCases
        On the network's device.
    plan : ClassPlan
    class_weight : float tensor of shape (K,)
        How much a case, or a step, of each class counts in the loss.
    seed : int
    progress, record
        As in `tsrnn.training.trainer.train`.

    Raises
    ------
    TrainingError
        If training breaks down; the network then has its last finite weights.
    """
    device = next(network.parameters()).device
    learn, judge = _hold_back(labelled, plan.held_back, seed)
    epochs = _Epochs(learn, plan.batch_size, seed)
    validation = [labelled.gather(part) for part in _chunks(judge, labelled.cases.lengths)]
    hide = new_generator(seed + 1, device)

    def draw(step: int) -> LabelledBatch:
        index = epochs.at(step)
        if plan.distortion == 0:
            return labelled.gather(index)
        return labelled.gather_distorted(index, plan.distortion, epochs.generator)

    def outcome(batch: LabelledBatch) -> Outcome:
        x = batch.x
        if network.training and network.embedding is not None:
            x = torch.where(torch.rand(x.shape, generator=hide, device=device) < HIDDEN_TOKENS, 0, x)
        return class_outcome(network(x, batch.lengths), batch.target, class_weight)

    training = TrainingPlan(
        plan.max_epochs * epochs.n_batches,
        plan.learning_rate,
        validate_every=epochs.n_batches,
        patience=plan.patience,
    )
    with own_random_state(seed, device), one_thread():
        train(network, outcome, draw, validation, training, progress, record)


def class_outcome(scores: Tensor, target: Tensor, class_weight: Tensor) -> Outcome:
    """Return the cross entropy and the accuracy of scores [..., K] for classes [...], where these are not -1."""
    if target.dim() > 1:  # only steps can be without a label
        there = target != NO_LABEL
        scores, target = scores[there], target[there]  # [N, K], [N]
    each = torch.nn.functional.cross_entropy(scores, target, reduction="none") * class_weight[target]
    right = (scores.argmax(-1) == target).to(each.dtype)
    return Outcome(each.mean(), float(len(target)), {"accuracy": right.mean()})


class _Epochs:
    """Batches of shuffled cases; every case once an epoch, and batches of nearly equal size."""

    def __init__(self, index: npt.NDArray[np.int64], batch_size: int, seed: int) -> None:
        self.index, self.generator = index, new_generator(seed)
        self.n_batches = max(1, round(len(index) / batch_size))
        self.batches: list[npt.NDArray[np.int64]] = []

    def at(self, step: int) -> npt.NDArray[np.int64]:
        """Return the cases of a step, counted from 1; to be asked for one step after the other."""
        place = (step - 1) % self.n_batches
        if place == 0:
            order = torch.randperm(len(self.index), generator=self.generator, device="cpu").numpy()
            self.batches = np.array_split(self.index[order], self.n_batches)
        return self.batches[place]


def _hold_back(labelled: LabelledCases, share: float, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Split the cases into those to learn from and those to judge by, class by class where that is possible."""
    n_cases = len(labelled.cases)
    everyone = np.arange(n_cases)
    n_judge = round(share * n_cases)
    if n_judge == 0:
        return everyone, everyone[:0]
    candidates = everyone
    if not labelled.each_step:
        target = labelled.target.cpu().numpy()
        _, first, counts = np.unique(target, return_index=True, return_counts=True)
        candidates = np.setdiff1d(everyone, first)  # every class stays to be learnt
        if counts.min() >= 2 and len(counts) <= n_judge <= n_cases - len(counts):
            split = StratifiedShuffleSplit(1, test_size=n_judge, random_state=seed % 2**32)
            learn, judge = next(split.split(everyone, target))
            return np.sort(learn), np.sort(judge)
    judge = np.sort(np.random.default_rng(seed).permutation(candidates)[:n_judge])
    return np.setdiff1d(everyone, judge), judge


def _chunks(index: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Split cases, the short ones first, into groups whose padded size stays below `STEPS_AT_ONCE` steps."""
    ordered = index[np.argsort(lengths[index], kind="stable")]
    groups, start = [], 0
    for end in range(1, len(ordered) + 1):
        # The longest is the last; one more case would be at least as long.
        if end == len(ordered) or (end + 1 - start) * int(lengths[ordered[end]]) > STEPS_AT_ONCE:
            groups.append(ordered[start:end])
            start = end
    return groups


@torch.inference_mode()
def class_probabilities(network: SequenceNetwork, cases: Cases) -> list[npt.NDArray[np.float64]]:
    """Return the probabilities of the classes: for each case an array of shape (K,) or, for each step, (L, K)."""
    network.eval()
    device = next(network.parameters()).device
    cases = cases.to(device)
    answers: list[npt.NDArray[np.float64]] = [np.empty(0)] * len(cases)
    with one_thread():
        for group in _chunks(np.arange(len(cases)), cases.lengths):
            x, lengths, _ = cases.gather(group)
            # In float64 they add up to 1 closely enough for scikit-learn's scores.
            found = torch.softmax(network(x, lengths).double(), -1).cpu().numpy()
            for row, place in enumerate(group):
                answers[place] = found[row, : cases.lengths[place]] if network.size.each_step else found[row]
    return answers
