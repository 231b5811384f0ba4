"""Train a language network on streams of a text, and score a text with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tsrnn.networks.language_network import LanguageNetwork, LanguageSize
from tsrnn.sequences.text_streams import TextBatch, TextStreams, stream_batches
from tsrnn.training.checkpoint import Checkpoint
from tsrnn.training.trainer import Outcome, Progress, TrainingPlan, TrainingRecord, train

# While training the held-back part is judged in several streams, which takes a fraction of the time of one, but none
# is shorter than this, because it begins without a state. They are read in pieces of so many tokens.
VALIDATION_STREAMS, SHORTEST_STREAM, VALIDATION_LENGTH = 32, 256, 64

# One stream is read in longer pieces; with 10,000 words a piece's scores still take 40 MB.
READING_LENGTH = 512


@dataclass(frozen=True)
class TextPlan:
    """How a language network is trained.

    Parameters
    ----------
    n_streams, length : int
        Streams of the text that are read at a time, and tokens over which gradients go back.
    max_epochs : int
        Passes over the text at most.
    learning_rate, weight_decay : float
    patience : int
        Validations without improvement after which training stops.
    validations_per_epoch : int
    time_budget : float or None
        Seconds.
    mixed_precision : bool
        Whether products of matrices are computed in bfloat16 while training.
    seed : int
    """

    n_streams: int
    length: int
    max_epochs: int
    learning_rate: float
    weight_decay: float
    patience: int
    validations_per_epoch: int
    time_budget: float | None
    mixed_precision: bool
    seed: int

    def training_plan(self, steps_per_epoch: int) -> TrainingPlan:
        """Return the plan of the training loop."""
        return TrainingPlan(
            max_steps=self.max_epochs * steps_per_epoch,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            validate_every=max(1, steps_per_epoch // self.validations_per_epoch),
            patience=self.patience,
            time_budget=self.time_budget,
        )


class StreamTraining(nn.Module):
    """A language network with the state that it carries from batch to batch.

    The training state is among the buffers, so that a checkpoint holds it and an interrupted training goes on in
    the middle of a stream.

    Parameters
    ----------
    network : LanguageNetwork
    n_streams : int
    mixed_precision : bool
    """

    def __init__(self, network: LanguageNetwork, n_streams: int, mixed_precision: bool) -> None:
        super().__init__()
        self.network = network
        self.mixed_precision = mixed_precision
        size = network.size
        self._names = ("carried_h", "carried_c") if size.cell == "lstm" else ("carried_h",)
        for name in self._names:
            zeros = torch.zeros(size.num_layers, n_streams, size.hidden_size, device=network.head.weight.device)
            self.register_buffer(name, zeros)
        self._evaluation_state: Any = None

    def loss(self, batch: TextBatch) -> Outcome:
        """Return the mean nats per token; the state goes on from the batch before, but no gradient does."""
        state = None if batch.first else self._carried()
        device = batch.inputs.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.mixed_precision and self.training):
            logits, state = self.network(batch.inputs, state)  # [B, T, V]
        self._carry(state)
        nats = nn.functional.cross_entropy(logits.float().flatten(0, 1), batch.targets.flatten())
        return Outcome(nats, batch.targets.numel())

    def _carried(self) -> Any:
        if not self.training:
            return self._evaluation_state
        parts = tuple(getattr(self, name) for name in self._names)
        return parts if len(parts) > 1 else parts[0]

    def _carry(self, state: Any) -> None:
        if not self.training:
            self._evaluation_state = state
            return
        parts = state if isinstance(state, tuple) else (state,)
        for name, part in zip(self._names, parts, strict=True):
            setattr(self, name, part.detach().float())


def new_language_network(size: LanguageSize, seen: Tensor) -> LanguageNetwork:
    """Return an untrained network, on the device of a text's tokens, that predicts them by their frequencies."""
    with torch.device("cpu"):
        network = LanguageNetwork(size).to(seen.device)
    counts = torch.bincount(seen, minlength=size.vocabulary_size) + 1.0
    network.start_from(counts / counts.sum())
    return network


def train_language_network(
    network: LanguageNetwork,
    tokens: Tensor,
    held_back: Tensor,
    plan: TextPlan,
    progress: Callable[[Progress], None] | None = None,
    record: TrainingRecord | None = None,
    checkpoint: Checkpoint | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> TrainingRecord:
    """Train a network in place by truncated back-propagation through time.

    Parameters
    ----------
    network : LanguageNetwork
    tokens : int64 tensor of shape (n,)
    held_back : int64 tensor of shape (m,)
        What follows; may be empty, then the last weights are kept, else the best ones.
    plan : TextPlan
    progress, record, checkpoint, clock
        As in `tsrnn.training.trainer.train`.

    Raises
    ------
    TrainingError
        If the loss is not finite; the network then has its last finite weights.
    """
    start = network.size.vocabulary_size
    streams = TextStreams(tokens, plan.n_streams, plan.length, start, plan.seed)
    several = max(1, min(VALIDATION_STREAMS, len(held_back) // SHORTEST_STREAM))
    validation = stream_batches(held_back, several, VALIDATION_LENGTH, start)
    module = StreamTraining(network, streams.batch_size, plan.mixed_precision)
    steps = plan.training_plan(streams.steps_per_epoch)
    return train(module, module.loss, streams.draw, validation, steps, progress, record, checkpoint, clock=clock)


def stream_nats(network: LanguageNetwork, tokens: Tensor) -> Tensor:
    """Return the nats of each token of a text that is read as one stream, float64 of shape (n,), on the CPU."""
    nats, state = [], None
    network.eval()
    with torch.no_grad():
        for batch in stream_batches(tokens, 1, READING_LENGTH, network.size.vocabulary_size):
            logits, state = network(batch.inputs, state)
            nats.append(nn.functional.cross_entropy(logits[0].double(), batch.targets[0], reduction="none").cpu())
    return torch.cat(nats)


def read_stream(network: LanguageNetwork, tokens: Tensor) -> tuple[Tensor, Tensor, Any]:
    """Read a text as one stream.

    Returns
    -------
    states : tensor of shape (n, D)
        The last layer's state after each token.
    logits : tensor of shape (V,)
        Of the token that follows the text.
    state : tensor of shape (layers, 1, D) or an LSTM's pair of them
        Of all layers, after the text.
    """
    start = torch.full((1,), network.size.vocabulary_size, device=tokens.device)
    network.eval()
    found, state = [], None
    with torch.no_grad():
        _, state = network.states(start[None])
        for piece in torch.split(tokens, READING_LENGTH):
            states, state = network.states(piece[None], state)
            found.append(states[0])
        states = torch.cat(found)
        return states, network.head(states[-1]), state


def next_logits(network: LanguageNetwork, token: int, state: Any) -> tuple[Tensor, Any]:
    """Read one token more, from the state that `read_stream` or this function returned; return logits and state."""
    device = network.head.weight.device
    with torch.no_grad():
        logits, state = network(torch.tensor([[token]], device=device), state)
    return logits[0, 0], state
