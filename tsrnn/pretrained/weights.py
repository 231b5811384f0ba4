"""The base model's weights on disk: one safetensors file per member, read when it is first needed.

They are stored in half precision: on twelve public sets the MASE and the quantile loss of the base moved by less than
one part in ten thousand when all weights were rounded so, and the files take half the room.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from tsrnn.errors import DataError
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.loading import network_from
from tsrnn.networks.registry import NETWORKS
from tsrnn.pretrained.family import Member
from tsrnn.training.checkpoint import write_tensors
from tsrnn.whole_files import check_regular

WEIGHTS = Path(__file__).parent / "weights"
SCHEMA = 3
CURE = "Install tsrnn again, or train the base model with `python -m tsrnn.pretrained.train`."


def save_member(member: Member, network: ForecastNetwork, recipe: Mapping[str, Any], folder: Path = WEIGHTS) -> Path:
    """Write a member's weights and the recipe that made them, with a checksum of both; returns the file.

    Raises
    ------
    OSError
        If it cannot be written; a file that stood there stays.
    """
    path = folder / f"{member.name}.safetensors"
    weights = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
    text = json.dumps(dict(recipe), sort_keys=True)
    write_tensors(path, weights, {"schema": str(SCHEMA), "recipe": text, "sha256": weights_checksum(weights, text)})
    return path


@lru_cache(maxsize=32)
def load_member(member: Member, folder: Path = WEIGHTS) -> ForecastNetwork:
    """Return a member's network, in evaluation mode on the CPU. It is shared: copy it before changing it.

    Raises
    ------
    DataError
        If the file is missing, damaged, or of another schema.
    """
    path = folder / f"{member.name}.safetensors"
    return _network(member, path, _checked(path)[1])


def load_near(member: Member, folder: Path = WEIGHTS) -> ForecastNetwork:
    """Return a member's network without its far decoder, whether or not the file has one.

    Raises
    ------
    DataError
        If the file is missing, damaged, or of another schema.
    """
    path = folder / f"{member.name}.safetensors"
    weights = {name: part for name, part in _checked(path)[1].items() if not name.startswith("far.")}
    return _network(replace(member, far=0), path, weights)


def _checked(path: Path) -> tuple[str, dict[str, torch.Tensor]]:
    """Return recipe and tensors, in single precision, of a weights file whose schema and checksum are right."""
    header, weights = _read(path)
    if header.get("schema") != str(SCHEMA):
        raise DataError(
            f"The base model's weights {path} have schema {header.get('schema')!r}, expected {SCHEMA}. {CURE}"
        )
    recipe = header.get("recipe", "")
    if header.get("sha256") != weights_checksum(weights, recipe):
        raise DataError(f"The base model's weights {path} are damaged: their checksum does not fit. {CURE}")
    return recipe, {name: part.float() if part.dtype == torch.float16 else part for name, part in weights.items()}


def _network(member: Member, path: Path, weights: Mapping[str, torch.Tensor]) -> ForecastNetwork:
    # Its weights keep their gradients switched on, as those of trained and of reloaded networks: torch rounds the
    # steps of a GRU in another way where they are off.
    try:
        return network_from(lambda: NETWORKS["parallel"](member.size()), weights, trusted_size=True)
    except DataError as error:
        raise DataError(f"The base model's weights {path} cannot be used: {error}. {CURE}") from error


def read_recipe(member: Member, folder: Path = WEIGHTS) -> dict[str, Any]:
    """Return how a member was trained.

    Raises
    ------
    DataError
        If the file is missing, damaged, of another schema, or does not tell.
    """
    path = folder / f"{member.name}.safetensors"
    text, _ = _checked(path)
    try:
        recipe: Any = json.loads(text)
    except json.JSONDecodeError:
        recipe = None
    if not isinstance(recipe, dict):
        raise DataError(f"The base model's weights {path} have no recipe. {CURE}")
    return recipe


def weights_checksum(weights: Mapping[str, torch.Tensor], recipe: str) -> str:
    """Return the SHA-256 of tensors with names, types and shapes, whatever their order, and of a recipe's text."""
    digest = hashlib.sha256(f"{recipe}\n".encode())
    for name in sorted(weights):
        digest.update(f"{name} {weights[name].dtype} {tuple(weights[name].shape)}\n".encode())
        digest.update(weights[name].numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    try:
        check_regular(path)
        with safe_open(path, "pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    except FileNotFoundError as error:
        raise DataError(f"The base model's weights {path} are missing. {CURE}") from error
    except (SafetensorError, OSError) as error:
        raise DataError(f"The base model's weights {path} cannot be read: {error}. {CURE}") from error
