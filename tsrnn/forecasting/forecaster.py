"""`Forecaster`: a recurrent network behind scikit-learn's interface."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted

from tsrnn.errors import TrainingError
from tsrnn.forecasting.calibration import Calibration, calibrate, usual_widening
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.floor import kept_above_zero
from tsrnn.forecasting.history_notes import history_notes
from tsrnn.forecasting.network_forecast import combined_quantiles, most_missing
from tsrnn.forecasting.network_training import flat_series
from tsrnn.forecasting.progress import tell
from tsrnn.forecasting.saving import HISTORY, load_forecaster, save_forecaster
from tsrnn.forecasting.settings import Settings
from tsrnn.forecasting.strategy import NetworkFit
from tsrnn.naming import counted
from tsrnn.networks.devices import pick_device
from tsrnn.networks.randomness import fresh_seed
from tsrnn.preprocessing.power import forecast_map
from tsrnn.training.trainer import Progress, progress_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsrnn.data.panel import Cutoffs, Floats, Panel


# Every network's quantiles of so many forecasts are in memory together.
CUTOFFS_AT_ONCE = 2000


class Forecaster(ForecastModel):
    """Forecast series with a recurrent network: a pretrained one, fine-tuned or trained afresh where that is better.

    Every argument is optional; what is left None is chosen from the data's frequency and size when `fit` is called,
    and `summary()` says what was chosen.

    Parameters
    ----------
    strategy : {"auto", "zero-shot", "fine-tune", "scratch"}
        "zero-shot" forecasts at once with the base model, which was trained on simulated series. "fine-tune" trains
        each of its networks on, and takes their mean; "scratch" trains a network of its own on the table. "auto"
        compares the three, and their averages, on the ends of the series, which it holds back. The fewer times these
        ends show, the nearer it stays to what is best on most tables, which is the average of the base model and the
        fine-tuned one; where the data are too few to judge, it uses the base model. Any parameter of a network or a
        training makes "auto" train from scratch.
    time_budget : float, optional
        Seconds for training on one thread; with several, networks are trained at once, and it ends sooner. It becomes
        a number of gradient steps by a fixed cost model, so that the same seed gives the same forecast; only where the
        machine is far slower does the clock end the training, and then `notes_` says so.
    ensemble_size : int
        Networks whose median (of two, mean) is the forecast. Members differ in their seed, their look-back and,
        from scratch, their cell.
    horizon : int, optional
        Steps the network is trained to forecast. `predict` answers any h; beyond this horizon it continues by
        sample paths. Default: by frequency (monthly 24, hourly 48, ...).
    context_length : int, optional
        Past steps the network sees, at most those of the longest series and at least the longest season (`notes_`
        says where that is more than was asked for), rounded up to whole patches. Shorter series are masked.
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
        A monotone map of all values before they are scaled, undone after the forecast. Without one the base model, also
        where it is fine-tuned, reads windows of hours that are positive throughout as their square roots.
    quantiles : sequence of float, optional
        What the network forecasts. Default: thirteen from .025 to .975. The median is always among them.
    max_steps : int, optional
        Gradient steps of a network at most; held-back windows may stop training earlier. A fifth as many follow, at a
        lower rate, in which it also learns from these.
    learning_rate : float, optional
        The highest rate of the schedule. Default: .004 from scratch, .002 for fine-tuning, which forgets less of
        what the base has learnt.
    batch_size : int, optional
        Windows per gradient step.
    device : str or torch.device
        "auto" takes one GPU if there is one, else the CPU; or any torch device.
    random_state : int or None
        The same number gives the same forecast, bit for bit on one CPU, with any number of threads. None draws a fresh
        one. The global random state is never touched.
    verbose : bool or callable
        True writes a line per validation to stderr; a callable is given a `tsrnn.training.trainer.Progress`, whose
        `training` names the network. Networks are trained at once, each on a thread of its own, which calls it; never
        two at a time.

    Attributes
    ----------
    strategy_, reason_ : str
        What was done, and why; "scratch + zero-shot" is the average of two.
    scores_ : dict of str to float
        What "auto" compared: each candidate's mean quantile loss on held-back windows, in units of the series' mean
        absolute seasonal difference.
    settings_ : Settings
        What was chosen.
    notes_ : list of str
        What a user should know, for example of a season length that the base model was not trained on.
    history_ : DataFrame
        Columns step, train_loss, validation_loss, seconds; of the first network that was trained.
    best_step_ : int
        The step whose weights were kept, of the same one.
    stopped_early_, out_of_time_ : bool
        Whether its training ended before its last step, as it no longer improved, or as the time budget was over.
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
        strategy: str = "auto",
        time_budget: float | None = None,
        ensemble_size: int = 1,
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
        learning_rate: float | None = None,
        batch_size: int | None = None,
        device: Any = "auto",
        random_state: int | None = 0,
        verbose: bool | Callable[[Progress], None] = False,
    ) -> None:
        self.horizon = horizon
        self.strategy = strategy
        self.time_budget = time_budget
        self.ensemble_size = ensemble_size
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
        check_is_fitted(self, "panel_")
        return self.settings_.horizon

    @torch.inference_mode(False)
    def _fit_panel(self, panel: Panel) -> None:
        # The draws of windows are by position, so the order of a table's series must not matter.
        panel = panel.sorted_by_id()
        self.map_ = forecast_map(self.transform, panel.y, panel.offsets, list(panel.ids))
        panel = self._transformed(panel)
        device = pick_device(self.device)
        self.device_ = str(device)
        self.seed_ = fresh_seed(self.random_state)
        fit = NetworkFit(self, panel, device, self.seed_, progress_of(self.verbose))
        calibration = Calibration()
        try:
            fit.run()
            believed = usual_widening(fit.strategy, fit.service)
            calibration = calibrate(fit.networks, panel, fit.settings.horizon, fit.train_end, believed, device)
            fit.finish()
        finally:
            self._keep(fit, calibration)

    def _can_forecast_after(self, error: BaseException) -> bool:
        return isinstance(error, TrainingError) and bool(self.networks_)

    def _keep(self, fit: NetworkFit, calibration: Calibration) -> None:
        """Keep what a fit has made, also of one that broke down."""
        self.networks_, self.scores_ = fit.networks, fit.scores
        self.notes_ = [*fit.notes, *self._update_notes]
        self.strategy_, self.reason_ = fit.strategy, fit.reason
        if fit.networks:  # otherwise the fit has failed, and nothing of it stays
            self.settings_: Settings = fit.settings
        self.best_step_ = fit.record.best_step
        self.stopped_early_, self.out_of_time_ = fit.record.stopped_early, fit.record.out_of_time
        self.calibration_ = calibration
        rows = [[getattr(row, column) for column in HISTORY] for row in fit.record.history]
        self.history_ = pd.DataFrame(rows, columns=list(HISTORY), dtype=np.float64).astype({"step": np.int64})

    def _add_later_rows(self, panel: Panel) -> None:
        # The networks and what they learnt stay, and so do all rows: a later revision fits again on them.
        stale = (*self._history_notes(self.panel_), *self.panel_.choices)
        self._transformed(self._seen(panel))  # an error now rather than in every forecast
        self.panel_ = panel
        fresh = (*self._history_notes(self.panel_), *self._update_notes)
        self.notes_ = [note for note in self.notes_ if note not in stale and note not in fresh] + list(fresh)

    def _history_notes(self, panel: Panel) -> list[str]:
        """Return what a fit has noted of the histories that the networks see."""
        return history_notes(self._seen(panel).sorted_by_id(), most_missing(self.networks_))

    def _forecast_panel(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        """Forecast as `ForecastModel.forecast` says.

        A series that has stood at zero again and again, or has closed, and never been below is not forecast below it
        (`tsrnn.forecasting.floor`). Where the last rows before a cutoff hold no value, the forecast begins after the
        last one that is there, if that is at most four of the networks' horizons back, and the steps up to the cutoff
        are left out.
        """
        values = self._unbounded_panel(panel, cutoffs, h, quantiles)
        floor = kept_above_zero(panel, cutoffs)
        values[floor] = np.maximum(values[floor], 0.0)
        return values

    def _unbounded_panel(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        device = torch.device(self.device_)
        flat = flat_series(self._transformed(panel), device)
        missing = panel.missing_before(cutoffs, most_missing(self.networks_))
        series, end = (torch.from_numpy(part).to(device) for part in (cutoffs.series, cutoffs.end - missing))
        wanted = tuple(sorted({*quantiles, 0.5}))
        values = np.empty((len(end), h, len(quantiles)))
        done = 0
        for skipped in np.unique(missing).tolist():
            alike = torch.from_numpy(np.flatnonzero(missing == skipped))
            for rows in torch.split(alike, CUTOFFS_AT_ONCE):
                part = combined_quantiles(self.networks_, flat, series[rows], end[rows], skipped + h, wanted)
                known = self.calibration_.apply(part[:, skipped:].cpu().numpy(), wanted)
                values[rows.numpy()] = known[..., [wanted.index(q) for q in quantiles]]
                done += len(rows)
                tell(done / len(end))
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
        """Say in a few lines what was chosen and how training went.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, "panel_")
        s, size = self.settings_, self.settings_.size
        panel = self.panel_
        told = next((part for part in self.networks_ if part.size == size), self.networks_[0])
        weights = sum(p.numel() for p in told.network.parameters())
        network = "network   " if len(self.networks_) == 1 else "one is    "
        known = dict.fromkeys((panel.season_length, *size.seasons, *((size.year,) if size.year else ())))
        seasons = " and ".join(map(str, known)) if panel.season_length > 1 else "none"
        directions = "bidirectional " if size.bidirectional else ""
        several = f", {len(self.networks_)} networks" if len(self.networks_) > 1 else ""
        lines = [
            f"data      {counted(panel.n_series, 'series')}, {counted(len(panel.y), 'row')}, "
            f"{panel.frequency.describe()}, season {seasons}",
            f"strategy  {self.strategy_}{several}: {self.reason_}",
            f"{network}{s.network}, {directions}{size.cell}, {size.num_layers} × {size.hidden_size}, "
            f"{counted(weights, 'weight')}",
            f"windows   up to {counted(size.context_length, 'step')} in patches of {size.patch_length} → {s.horizon}, "
            f"scaling {s.scaling}{', positive windows as square roots' if told.powers == (0.5,) else ''}",
        ]
        if s.max_steps:
            ended = "the clock stopped it" if self.out_of_time_ else "ran to the end"
            stop = "stopped early" if self.stopped_early_ else ended
            seed = "no seed given" if self.random_state is None else f"seed {self.random_state}"
            lines.append(
                f"training  best step {self.best_step_} of {s.max_steps} ({stop}), batches of {s.batch_size}, "
                f"learning rate {s.learning_rate:g}, {seed}, {self.device_}"
            )
        lines += [f"scores    {name} {score:.4f}" for name, score in self.scores_.items()]
        lines += [f"intervals {self.calibration_.describe()}"]
        lines += [f"note      {note}" for note in self.notes_]
        return "\n".join(lines)
