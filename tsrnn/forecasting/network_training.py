"""Train networks on a panel, and forecast what was held back: windows, ends and threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tsrnn.errors import TrainingError
from tsrnn.forecasting.network_forecast import NetworkForecast, combined_quantiles
from tsrnn.forecasting.progress import tell
from tsrnn.forecasting.settings import Settings, step_seconds
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.losses import quantile_loss
from tsrnn.networks.randomness import drawing_from, new_generator, own_random_state
from tsrnn.networks.registry import NETWORKS
from tsrnn.networks.threads import in_threads, one_thread
from tsrnn.preprocessing.windows import FlatSeries
from tsrnn.training.batches import WindowBatch, WindowSampler
from tsrnn.training.trainer import Progress, TrainingRecord, train

if TYPE_CHECKING:
    from tsrnn.data.panel import Cutoffs, Floats, Integers, Panel

# Long series hold back several horizons each, so that there is more than one time to judge by. On eight groups of
# public daily and hourly series what was chosen by four horizons had .967 of the base model's loss on the next eight,
# by twelve .966; three single series, too few windows with four, came to .920, .966 and .994 with twelve.
MOST_HELD_BACK_HORIZONS, HELD_BACK_ROWS = 12, 0.1


def flat_series(panel: Panel, device: torch.device) -> FlatSeries:
    """Move a panel's values to a device."""
    return FlatSeries.from_flat(torch.from_numpy(panel.y), torch.from_numpy(panel.offsets), device)


def training_ends(lengths: Integers, min_history: int, horizon: int) -> Integers:
    """Return how many rows of each series training may see; the rest is held back.

    Every series keeps back its last horizon, and long ones several, unless it is too short to spare one. If only some
    of the series did so, the others would show training what happened at the very times that it is judged by. On two
    ends of the training parts of nine public panels, with two seeds, a network from scratch that saw four series of
    five to their end had .995 of the base model's loss on the fifth series, but 1.07 of its error on what came next
    (now 1.06 and 1.09), and what was chosen by such losses .95 and 1.005 (now .975 and .993).

    Parameters
    ----------
    lengths : int64 ndarray of shape (n_series,)
    min_history, horizon : int
    """
    rows = (HELD_BACK_ROWS * lengths).astype(np.int64)
    # A training window with a whole horizon after it must stay.
    most = (lengths - min_history) // horizon - 1
    end: Integers = lengths - horizon * np.minimum((rows // horizon).clip(1, MOST_HELD_BACK_HORIZONS), most.clip(0))
    return end


def new_network(
    settings: Settings, seed: int, device: torch.device, start: ForecastNetwork | None = None
) -> ForecastNetwork:
    """Build a network with random weights, or with those of another one, which is not changed.

    The other one may also decode far steps, and a shorter horizon: what lies beyond that starts as its last patch.
    """
    # One thread, also for the decompositions behind orthogonal weights.
    with own_random_state(seed, device), one_thread(), torch.device("cpu"):
        network = NETWORKS[settings.network](settings.size).to(device)
    if start is not None:
        weights, own = start.state_dict(), network.state_dict()
        if "position" in own:
            position = weights["position"]
            more = len(own["position"]) - len(position)
            weights["position"] = torch.cat([position, position[-1:].expand(more, -1)])
        network.load_state_dict({name: weights[name] for name in own})
    return network.eval()


@dataclass
class Training:
    """A network that is trained on a panel, and how that went.

    Parameters
    ----------
    name : str
        What its progress is told by.
    strategy : {"fine-tune", "scratch"}
        A network of the base forecasts as it is, before any step; one from scratch must have learnt.
    forecast : NetworkForecast
        Its network, from `new_network` with the same settings, is trained in place.
    settings : Settings
    record : TrainingRecord
        Written as training goes on.
    error : TrainingError, optional
        By which the training broke down.
    """

    name: str
    strategy: str
    forecast: NetworkForecast
    settings: Settings
    record: TrainingRecord = field(default_factory=TrainingRecord)
    error: TrainingError | None = None

    @property
    def seconds(self) -> float:
        """What it takes by the cost model."""
        return self.settings.max_steps * step_seconds(self.settings)


def train_network(
    training: Training,
    panel: Panel,
    train_end: Integers,
    progress: Callable[[Progress], None],
    out_of_time: Callable[[], bool],
) -> None:
    """Train a network on all series of a panel.

    Several threads may each train a network of their own; those with `NetworkSize.draws_globally` wait for each other.

    Parameters
    ----------
    training : Training
    panel : Panel
    train_end : int64 ndarray of shape (n_series,)
        From `training_ends`.
    progress : callable
    out_of_time : callable
        Asked before every step; training stops where it stands when it says True.

    Raises
    ------
    TrainingError
        If training breaks down; the network then has its last finite weights.
    """
    settings, forecast = training.settings, training.forecast
    size, network, generator = settings.size, forecast.network, new_generator(forecast.seed)
    device = next(network.parameters()).device
    sampler = WindowSampler(
        flat_series(panel, device),
        size.context_length,
        size.horizon,
        size.reads,
        settings.scaling,
        settings.min_history,
        torch.from_numpy(train_end).to(device),
        forecast.powers[0],
    )
    validation = sampler.held_back(max(1, min(size.horizon, settings.horizon) // 4))
    levels = torch.tensor(size.quantiles, dtype=torch.float32, device=device)
    series = sampler.trainable()
    done = 0.0

    def loss(batch: WindowBatch) -> Tensor:
        quantiles = network.training_quantiles(batch.inputs, batch.target, batch.observed, done)
        return quantile_loss(quantiles, batch.target, batch.observed, levels)

    def draw(step: int) -> WindowBatch:
        nonlocal done
        done = step / settings.max_steps
        return sampler.draw(series, settings.batch_size, generator)

    with ExitStack() as stack:
        stack.enter_context(one_thread())
        stack.enter_context(drawing_from(new_generator(forecast.seed, device)))
        if size.draws_globally:
            stack.enter_context(own_random_state(forecast.seed, device))
        train(network, loss, draw, validation, settings.plan, progress, training.record, out_of_time=out_of_time)


def train_at_once(
    trainings: Sequence[Training],
    panel: Panel,
    train_end: Integers,
    *,
    listener: Callable[[Progress], None] | None = None,
    deadline: float | None = None,
) -> None:
    """Train several networks on all series of a panel, as many at once as torch may use threads.

    Each has one thread and random numbers of its own, so that it becomes what it would become alone. A training that
    breaks down keeps its error, and the others go on.

    Parameters
    ----------
    trainings : sequence of Training
    panel : Panel
    train_end : int64 ndarray of shape (n_series,)
        From `training_ends`.
    listener : callable, optional
        Told of every training's progress, by one thread at a time, not always the caller's.
    deadline : float, optional
        Reading of `time.perf_counter` at which all trainings stop where they stand.
    """
    stopped, reporting = threading.Event(), threading.Lock()
    whole, done = sum(training.seconds for training in trainings), dict[str, float]()

    def out_of_time() -> bool:
        return stopped.is_set() or (deadline is not None and time.perf_counter() > deadline)

    def tell_of(training: Training, share: float) -> None:
        done[training.name] = share * training.seconds
        tell(min(1.0, sum(done.values()) / whole))

    def report(training: Training, progress: Progress) -> None:
        with reporting:
            tell_of(training, progress.step / progress.max_steps)
            if listener is not None:
                listener(replace(progress, training=training.name))

    def learn(training: Training) -> None:
        try:
            train_network(training, panel, train_end, partial(report, training), out_of_time)
        except TrainingError as error:
            training.error = error
        with reporting:
            tell_of(training, 1.0)

    # The longest first: begun last, it would go on alone when all others have ended.
    pieces = [partial(learn, part) for part in sorted(trainings, key=lambda part: part.seconds, reverse=True)]
    if pieces:
        in_threads(pieces, next(trainings[0].forecast.network.parameters()).device, stopped.set)


def forecast_held_back(
    networks: Sequence[NetworkForecast],
    panel: Panel,
    cutoffs: Cutoffs,
    h: int,
    quantiles: Sequence[float],
    device: torch.device,
) -> Floats:
    """Forecast what a panel holds after B cutoffs, to judge or to calibrate by. Shape (B, h, Q), original units."""
    series, end = (torch.from_numpy(part).to(device) for part in (cutoffs.series, cutoffs.end))
    values: Floats = combined_quantiles(networks, flat_series(panel, device), series, end, h, quantiles).cpu().numpy()
    return values
