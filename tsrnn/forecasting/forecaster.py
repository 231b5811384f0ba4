"""`Forecaster`: a recurrent network behind scikit-learn's interface."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.devices import pick_device
from tsrnn.forecasting.network_forecast import NetworkForecast
from tsrnn.forecasting.saving import load_forecaster, save_forecaster
from tsrnn.forecasting.settings import Settings, choose_settings
from tsrnn.networks.cells import new_generator
from tsrnn.networks.losses import quantile_loss
from tsrnn.networks.registry import NETWORKS
from tsrnn.preprocessing.power import panel_transform
from tsrnn.preprocessing.windows import FlatSeries
from tsrnn.training.batches import WindowBatch, WindowSampler
from tsrnn.training.trainer import Progress, TrainingRecord, train

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.data.panel import Cutoffs, Floats, Panel

# With this many series, holding back the end of some of them is enough to stop training in time.
MANY_SERIES, HELD_BACK_SHARE = 50, 0.2


class Forecaster(ForecastModel):
    """Forecast series with a recurrent network trained on all of them together.

    Every argument is optional; what is left None is chosen from the data's frequency and size when `fit` is called,
    and `summary()` says what was chosen.

    Parameters
    ----------
    horizon : int, optional
        Steps the network is trained to forecast. `predict` answers any h; beyond this horizon it continues by
        sample paths. Default: by frequency (monthly 24, hourly 48, ...).
    context_length : int, optional
        Past steps the network sees, rounded up to whole patches. Shorter series are masked.
    season_length : int, optional
        Steps per season; 1 means none. Default: by frequency.
    freq : str, offset or int, optional
        Step between rows, as pandas writes it. Default: inferred.
    network : {"parallel", "autoregressive", "one"}
        "parallel" decodes all future patches at once from the final state (sequence to sequence); "autoregressive"
        one after the other, each fed with the one before it. "one" forecasts the next patch from the final state, and
        goes on from there (sequence to one). The last two forecast all but the first patch by sample paths.
    cell : {"gru", "lstm", "rnn", "feed-forward"}
        The recurrent cell; its equations stand in `tsrnn.networks.cells`. "feed-forward" reads the window at once by
        a net with as many weights as a GRU, for comparison.
    hidden_size : int, optional
        Width of the recurrent state.
    num_layers : int
        Recurrent layers, one above the other.
    bidirectional : bool
        Whether a recurrent cell reads the window a second time from its end. The window is past only.
    dropout : float
        Share of the state that is dropped in training, before the output and between layers.
    patch_length : int, optional
        Points that one recurrent step reads. Default: a season.
    scaling : {"auto", "seasonal", "spread", "standard", "mean", "none"}
        How a window is scaled by its own past. "auto": "spread" for seasons of 24 and longer, else "seasonal".
    transform : {None, "log", "boxcox"}, Log or BoxCox
        A monotone map of all values before they are scaled, undone after the forecast.
    quantiles : sequence of float, optional
        What the network forecasts. Default: thirteen from .025 to .975. The median is always among them.
    max_steps : int, optional
        Gradient steps at most; held-back windows may stop training earlier.
    learning_rate : float
        The highest rate of the schedule.
    batch_size : int, optional
        Windows per gradient step.
    device : str
        "auto" takes one GPU if there is one, else the CPU; or any torch device.
    random_state : int or None
        The same number gives the same forecast, bit for bit on one CPU. None draws a fresh one. The global random
        state is never touched.
    verbose : bool or callable
        True writes a line per validation to stderr; a callable is given a `tsrnn.training.trainer.Progress`.

    Attributes
    ----------
    settings_ : Settings
        What was chosen.
    history_ : DataFrame
        Columns step, train_loss, validation_loss, seconds.
    best_step_ : int
        The step whose weights were kept.
    device_ : str

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([1.0, 3.0] * 20, index=pd.date_range("2020-01-01", periods=40, freq="MS"), name="y")
    >>> model = Forecaster(season_length=2, max_steps=50).fit(y)
    >>> model.predict(h=2).round(1).tolist()
    [1.0, 3.0]
    """

    def __init__(
        self,
        horizon: int | None = None,
        context_length: int | None = None,
        season_length: int | None = None,
        freq: Any = None,
        network: str = "parallel",
        cell: str = "gru",
        hidden_size: int | None = None,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.1,
        patch_length: int | None = None,
        scaling: str = "auto",
        transform: Any = None,
        quantiles: Sequence[float] | None = None,
        max_steps: int | None = None,
        learning_rate: float = 4e-3,
        batch_size: int | None = None,
        device: str = "auto",
        random_state: int | None = 0,
        verbose: bool | Callable[[Progress], None] = False,
    ) -> None:
        self.horizon = horizon
        self.context_length = context_length
        self.season_length = season_length
        self.freq = freq
        self.network = network
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.patch_length = patch_length
        self.scaling = scaling
        self.transform = transform
        self.quantiles = quantiles
        self.max_steps = max_steps
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @property
    def default_horizon_(self) -> int:
        """The horizon that was asked for, or chosen."""
        return self.settings_.horizon

    def _fit_panel(self, panel: Panel) -> None:
        # The draws of windows are by position, so the order of a table's series must not matter.
        panel = panel.sorted_by_id()
        transform = panel_transform(self.transform)
        self.map_ = None if transform is None else transform.fit_panel(panel.y, panel.offsets, list(panel.ids))
        panel = self._transformed(panel)
        self.settings_: Settings = choose_settings(self, panel)
        device = pick_device(self.device)
        self.device_ = str(device)
        self.seed_ = int(np.random.SeedSequence(self.random_state).generate_state(1)[0])
        settings, generator = self.settings_, new_generator(self.seed_)
        sampler = make_sampler(panel, settings, device, generator)
        validation = sampler.held_back(max(1, settings.size.horizon // 4))
        with own_random_state(self.seed_, device), one_thread():
            network = NETWORKS[settings.network](settings.size).to(device)
            self.network_ = NetworkForecast(network, settings.size, settings.scaling, self.seed_)
            levels = torch.tensor(settings.size.quantiles, device=device)
            series = sampler.trainable()

            done = 0.0

            def loss(batch: WindowBatch) -> Tensor:
                quantiles = network.training_quantiles(batch.inputs, batch.target, batch.observed, done)
                return quantile_loss(quantiles, batch.target, batch.observed, levels)

            def draw(step: int) -> WindowBatch:
                nonlocal done
                done = step / settings.max_steps
                return sampler.draw(series, settings.batch_size, generator)

            record: TrainingRecord[WindowBatch] = TrainingRecord()
            try:
                train(
                    network,
                    loss,
                    draw,
                    validation,
                    settings.plan,
                    self._progress(),
                    record,
                )
            finally:
                self._keep_record(record)

    def _keep_record(self, record: TrainingRecord[WindowBatch]) -> None:
        self.best_step_ = record.best_step
        self.stopped_early_ = record.stopped_early
        columns = ("step", "train_loss", "validation_loss", "seconds")
        self.history_ = pd.DataFrame([{c: getattr(row, c) for c in columns} for row in record.history])

    def _progress(self) -> Callable[[Progress], None] | None:
        if callable(self.verbose):
            return self.verbose
        return write_progress if self.verbose else None

    def forecast(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        """Forecast the h steps after each cutoff; see `ForecastModel.forecast`."""
        device = torch.device(self.device_)
        flat = flat_series(self._transformed(panel), device)
        series, end = (torch.from_numpy(part).to(device) for part in (cutoffs.series, cutoffs.end))
        with one_thread():
            values: Floats = self.network_.quantiles(flat, series, end, h, quantiles).cpu().numpy()
        return values if self.map_ is None else self.map_.backward(values)

    def _transformed(self, panel: Panel) -> Panel:
        """Return the panel as the network sees it; its map is monotone, so quantiles come back as quantiles."""
        return panel if self.map_ is None else replace(panel, y=self.map_.forward(panel.y))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the fitted model to a folder of two files: weights as safetensors, everything else as JSON.

        The values of the fitted table are in it too, since `predict` needs them. Nothing is pickled; a callable
        `verbose` is stored as False.

        Raises
        ------
        ParameterError
            If the folder holds something else than a saved model, or a parameter cannot be stored.
        """
        save_forecaster(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Load a model that `save` wrote; its forecasts are equal. A GPU that is missing here becomes the CPU.

        Raises
        ------
        DataError
            If the folder is not a saved model, is damaged, or was made by a newer tsrnn.
        """
        return load_forecaster(path, cls)

    def summary(self) -> str:
        """Say in a few lines what was chosen and how training went."""
        s, size = self.settings_, self.settings_.size
        panel = self.panel_
        weights = sum(p.numel() for p in self.network_.network.parameters())
        seasons = " and ".join(map(str, size.seasons)) if size.seasons != (1,) else "none"
        stop = "stopped early" if self.stopped_early_ else "ran to the end"
        directions = "bidirectional " if size.bidirectional else ""
        lines = [
            f"data      {panel.n_series} series, {len(panel.y):,} rows, {panel.frequency.describe()}, season {seasons}",
            f"network   {s.network}, {directions}{size.cell}, {size.num_layers} × {size.hidden_size}, "
            f"{weights:,} weights",
            f"windows   {size.context_length} steps in patches of {size.patch_length} → {s.horizon}, "
            f"scaling {s.scaling}",
            f"training  best step {self.best_step_} of {s.max_steps} ({stop}), batches of {s.batch_size}, "
            f"learning rate {s.learning_rate:g}, seed {self.random_state}, {self.device_}",
        ]
        return "\n".join(lines)


@contextmanager
def own_random_state(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators, which draw initial weights and dropout, and give them back as they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread of the CPU, and give the number back.

    One thread sums in one order, so that a seed gives the same forecast whatever the number of cores. The matrices
    of these networks are small: on two idle cores a second thread makes a training step of M4 Hourly's size 1.5
    times faster (22 instead of 32 ms), on busy ones waiting for it made a backward pass 14 times slower.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def flat_series(panel: Panel, device: torch.device) -> FlatSeries:
    """Move a panel's values to a device."""
    return FlatSeries.from_flat(torch.from_numpy(panel.y), torch.from_numpy(panel.offsets), device)


def make_sampler(panel: Panel, settings: Settings, device: torch.device, generator: torch.Generator) -> WindowSampler:
    """Build the sampler of training windows, with the ends of some series held back.

    Of many series a share, drawn at random, keeps back its last horizon; of few series all do, unless they are too
    short to spare it.
    """
    size = settings.size
    flat = flat_series(panel, device)
    lengths = flat.lengths.cpu()
    end = lengths.clone()
    spare = torch.nonzero(lengths >= settings.min_history + 2 * size.horizon).flatten()
    if len(spare) >= MANY_SERIES:
        spare = spare[torch.randperm(len(spare), generator=generator)[: int(HELD_BACK_SHARE * len(spare))]]
    end[spare] -= size.horizon
    return WindowSampler(
        flat,
        size.context_length,
        size.horizon,
        size.seasons,
        settings.scaling,
        settings.min_history,
        end.to(device),
    )


def write_progress(progress: Progress) -> None:
    """Write one line about the training to stderr."""
    sys.stderr.write(
        f"step {progress.step}/{progress.max_steps}  train {progress.train_loss:.4f}  "
        f"validation {progress.validation_loss:.4f}  {progress.seconds:.1f} s\n"
    )
    sys.stderr.flush()
