"""Train the base model: ``python -m tsrnn.pretrained.train --output weights``.

Every member of the family is trained on simulated series alone. A training that is interrupted goes on where it
stood when the same command is given again.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from tsrnn.errors import TsrnnError
from tsrnn.networks.devices import pick_device
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.losses import quantile_loss
from tsrnn.networks.parallel import ParallelNetwork
from tsrnn.pretrained.family import MEMBERS, Member
from tsrnn.pretrained.likeness import scorecard_checksum
from tsrnn.pretrained.simulated import SimulatedWindows
from tsrnn.pretrained.weights import WEIGHTS, load_near, read_recipe, save_member
from tsrnn.training.batches import WindowBatch
from tsrnn.training.checkpoint import Checkpoint
from tsrnn.training.trainer import Progress, TrainingPlan, TrainingRecord, train
from tsrnn.whole_files import write_whole

LOG = "training_log.csv"
# The training of a far decoder: what it starts from is nearly right.
FAR_STEPS, FAR_RATE = 1000, 3e-3


@dataclass(frozen=True)
class Recipe:
    """How a member is trained; it is stored with its weights.

    Parameters
    ----------
    member : str
    steps, batch_size, seed : int
    learning_rate : float
    candidates : int
    scorecard : str or None
        Checksum of the scorecard that chose among the candidates, if there were any to choose among.
    weight_decay : float
    far_steps : int
        Steps of the far decoder's own training, after the member's; 0 without one.
    """

    member: str
    steps: int
    batch_size: int
    seed: int
    learning_rate: float
    candidates: int = 1
    scorecard: str | None = None
    weight_decay: float = 1e-3
    far_steps: int = 0


def train_member(member: Member, recipe: Recipe, folder: Path, device: torch.device) -> list[Progress]:
    """Train one member, write its weights and its log to a folder, and return the log of its first training.

    Parameters
    ----------
    member : Member
    recipe : Recipe
    folder : Path
        Gets `<member>.safetensors`, lines in `training_log.csv`, and checkpoints, which stay: a command that trains
        several members and is given again does not train the first of them once more.
    device : torch.device

    Raises
    ------
    DataError
        If the folder holds a checkpoint of another recipe.
    TrainingError
        If the loss is not finite.
    """
    near = replace(member, far=0)
    torch.manual_seed(recipe.seed)
    network = ParallelNetwork(near.size()).to(device)
    levels = torch.tensor(near.size().quantiles, device=device)

    def loss(batch: WindowBatch) -> Tensor:
        return quantile_loss(network(batch.inputs), batch.target, batch.observed, levels)

    checkpoint = Checkpoint(_checkpoints(member.name, folder)[0], asdict(recipe))
    windows = SimulatedWindows(near, recipe.batch_size, recipe.seed, device)
    record = _train(network, loss, windows, recipe.steps, recipe.learning_rate, recipe, checkpoint)
    stored = {**asdict(recipe), "best_step": record.best_step}
    if member.far:
        # It writes the weights: a file without the far decoder would be none that the package can load.
        train_far(member, network, recipe, stored, folder, device)
    else:
        save_member(member, network, stored, folder)
    write_log(folder / LOG, member.name, record.history)
    return record.history


def train_far(
    member: Member,
    near: ForecastNetwork,
    recipe: Recipe,
    stored: Mapping[str, object],
    folder: Path,
    device: torch.device,
) -> list[Progress]:
    """Train a member's far decoder, and write its weights and its log to a folder; returns the log.

    Parameters
    ----------
    member : Member
    near : ForecastNetwork
        Its network without the far decoder, which is not changed.
    recipe : Recipe
    stored : mapping
        What is stored with the weights beside `far_steps`.
    folder : Path
    device : torch.device

    Raises
    ------
    DataError, TrainingError
        As `train_member`.
    """
    torch.manual_seed(recipe.seed)
    network = ParallelNetwork(member.size()).to(device).eval().requires_grad_(requires_grad=False)
    network.load_state_dict(near.state_dict(), strict=False)
    far = network.begin_far().requires_grad_()
    levels = torch.tensor(member.size().quantiles, device=device)
    H = member.horizon

    def loss(batch: WindowBatch) -> Tensor:
        return quantile_loss(network.far_quantiles(batch.inputs), batch.target[:, H:], batch.observed[:, H:], levels)

    checkpoint = Checkpoint(_checkpoints(member.name, folder)[1], asdict(recipe))
    reaching = replace(member, horizon=member.horizon + member.far, far=0)
    windows = SimulatedWindows(reaching, recipe.batch_size, recipe.seed, device)
    record = _train(far, loss, windows, recipe.far_steps, FAR_RATE, recipe, checkpoint)
    save_member(member, network, {**stored, "far_steps": recipe.far_steps, "far_best_step": record.best_step}, folder)
    write_log(folder / LOG, f"{member.name}_far", record.history)
    return record.history


def _train(
    network: nn.Module,
    loss: Callable[[WindowBatch], Tensor],
    windows: SimulatedWindows,
    steps: int,
    rate: float,
    recipe: Recipe,
    checkpoint: Checkpoint,
) -> TrainingRecord:
    """Train what is given on the windows, and tell of it."""
    name = checkpoint.path.stem

    def report(state: Progress) -> None:
        sys.stdout.write(
            f"{name}  step {state.step}/{state.max_steps}  train {state.train_loss:.4f}  "
            f"validation {state.validation_loss:.4f}  {state.seconds:.0f} s\n"
        )
        sys.stdout.flush()

    plan = TrainingPlan(steps, rate, recipe.weight_decay, validate_every=max(1, min(250, steps // 4)), patience=steps)
    record = TrainingRecord()
    train(network, loss, windows.draw, windows.validation(), plan, report, record, checkpoint)
    return record


def _checkpoints(name: str, folder: Path) -> tuple[Path, Path]:
    """Return where a member's training stands, and that of its far decoder."""
    return folder / f"{name}.checkpoint", folder / f"{name}_far.checkpoint"


def write_log(path: Path, name: str, history: Sequence[Progress]) -> None:
    """Replace one member's lines in the log of validation scores."""
    columns = ["member", "step", "train_loss", "validation_loss", "seconds"]
    rows: list[list[str]] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in list(csv.reader(file))[1:] if row and row[0] != name]
    for state in history:
        losses = [f"{value:.5f}" for value in (state.train_loss, state.validation_loss)]
        rows.append([name, str(state.step), *losses, f"{state.seconds:.0f}"])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    write_whole(path, text.getvalue().encode())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command's options; exits with a message where one is impossible."""
    parser = argparse.ArgumentParser(prog="python -m tsrnn.pretrained.train", description=__doc__)
    parser.add_argument("--members", nargs="+", choices=list(MEMBERS), default=list(MEMBERS), help="default: all")
    parser.add_argument("--steps", type=int, help="gradient steps of each member (default: each its own)")
    parser.add_argument("--batch-size", type=int, help="windows per step (default: each its own)")
    parser.add_argument("--learning-rate", type=float, help="highest rate (default: each its own)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=WEIGHTS, help="folder (default: the package's own weights)")
    parser.add_argument("--far-only", action="store_true", help="train only the far decoders of weights that are there")
    parser.add_argument("--device", default="auto", help="auto takes a GPU if there is one, else the CPU")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of the CPU")
    options = parser.parse_args(arguments)
    for name in ("steps", "batch_size", "threads"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name.replace('_', '-')} must be 1 or more")
    if not 0 <= options.seed < 2**63:
        parser.error("--seed must be a whole number from 0 to below 2**63")
    if options.learning_rate is not None and not 0 < options.learning_rate < math.inf:
        parser.error("--learning-rate must be above 0")
    if options.far_only and not any(MEMBERS[name].far for name in options.members):
        parser.error(f"--far-only: {', '.join(options.members)} without far decoders; name others with --members")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    try:
        device = pick_device(options.device)
        options.output.mkdir(parents=True, exist_ok=True)
        for name in options.members:
            _train_as_asked(MEMBERS[name], options, device)
        for name in options.members:
            for path in _checkpoints(name, options.output):
                path.unlink(missing_ok=True)
    except (TsrnnError, OSError, RuntimeError, MemoryError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from the last checkpoint.\n")
        return 130
    return 0


def _train_as_asked(member: Member, options: argparse.Namespace, device: torch.device) -> None:
    recipe = Recipe(
        member.name,
        options.steps or member.steps,
        options.batch_size or member.batch_size,
        options.seed,
        options.learning_rate or member.learning_rate,
        member.candidates,
        scorecard_checksum(member.name) if member.candidates > 1 else None,
        far_steps=FAR_STEPS if member.far else 0,
    )
    if not options.far_only:
        train_member(member, recipe, options.output, device)
    elif member.far:
        near = load_near(member, options.output)
        train_far(member, near, recipe, read_recipe(member, options.output), options.output, device)


if __name__ == "__main__":
    sys.exit(main())
