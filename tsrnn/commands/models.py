"""Models as the options describe them."""

from __future__ import annotations

from typing import Any

import click

from tsrnn.commands.options import CELLS, NETWORKS
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.registry import make_model


def build_model(
    name: str,
    seed: int,
    horizon: int | None,
    strategy: str | None,
    time_budget: float | None,
    ensemble_size: int | None,
    device: str | None,
) -> ForecastModel:
    """Return the model of a name, with what the options say of it.

    Raises
    ------
    UsageError
        If an option is given that the model does not have, or that would change nothing.
    """
    own = {"strategy": strategy, "time_budget": time_budget, "ensemble_size": ensemble_size, "device": device}
    given = {key: value for key, value in own.items() if value is not None}
    if given and name not in NETWORKS:
        option = f"--{next(iter(given)).replace('_', '-')}"
        raise click.UsageError(f"{option} is for networks ({', '.join(NETWORKS)}); {name} has none.")
    if strategy is not None and name == "zero-shot" and strategy != "zero-shot":
        raise click.UsageError(f"--model zero-shot trains nothing; for --strategy {strategy} leave --model out.")
    if strategy in ("zero-shot", "fine-tune") and name in CELLS:
        raise click.UsageError(
            f"--strategy {strategy} uses the pretrained base, and --model {name} is a network of its own that is "
            "trained from scratch. Leave one of the two out."
        )
    if time_budget is not None and "zero-shot" in (name, strategy):
        raise click.UsageError(
            "--time-budget limits a training, and zero-shot trains nothing. Leave it out, or choose a --strategy that "
            "trains."
        )
    model = make_model(name)
    known = model.get_params(deep=False)
    settings: dict[str, Any] = {"random_state": seed, "horizon": horizon, **given}
    model.set_params(**{key: value for key, value in settings.items() if key in known})
    return model


def seeded(model: Any, seed: int) -> Any:
    """Return a model with its random seed, if it has one."""
    return model.set_params(random_state=seed) if "random_state" in model.get_params() else model
