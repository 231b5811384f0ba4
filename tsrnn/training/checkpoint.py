"""Where a long training stands, in one file that it resumes from.

The file is a safetensors file: tensors, and a header of JSON. Nothing in it is executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from tsrnn.errors import DataError
from tsrnn.whole_files import check_regular, write_whole

Stored = TypeVar("Stored")

SCHEMA = 1
CURE = "Delete the file to start again, or name another one."


@dataclass(frozen=True)
class Checkpoint:
    """A file that a training writes now and then, and goes on from when it is there.

    Parameters
    ----------
    path : Path
    purpose : mapping of JSON values
        What is being trained and how. A file that was written for another purpose is refused.
    every : int
        Validations between two writes.
    """

    path: Path
    purpose: Mapping[str, Any]
    every: int = 1

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Write tensors and JSON values, completely or not at all.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        header = {"schema": str(SCHEMA), "purpose": _json(self.purpose), "facts": _json(facts)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(self.path, tensors, header)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the tensors and JSON values, or None if there is no file yet.

        Raises
        ------
        DataError
            If the file is damaged, of another schema, or was written for another purpose.
        """
        if not self.path.exists():
            return None
        try:
            check_regular(self.path)
            with safe_open(self.path, "pt") as file:
                header = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, OSError) as error:
            raise DataError(f"The checkpoint {self.path} cannot be read: {error}. {CURE}") from error
        if header.get("schema") != str(SCHEMA):
            raise DataError(
                f"The checkpoint {self.path} has schema {header.get('schema')!r}, expected {SCHEMA}. {CURE}"
            )
        if header.get("purpose") != _json(self.purpose):
            raise DataError(
                f"The checkpoint {self.path} belongs to another training ({header.get('purpose')}); expected "
                f"{_json(self.purpose)}. {CURE}"
            )
        try:
            facts = json.loads(header.get("facts", ""))
        except json.JSONDecodeError as error:
            raise DataError(f"The checkpoint {self.path} is damaged: {error}. {CURE}") from error
        return tensors, facts


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write a safetensors file, completely or not at all.

    Raises
    ------
    OSError
        If it cannot be written, for example on a full disk.
    """
    plain = {name: part.detach().cpu().contiguous() for name, part in tensors.items()}
    write_whole(path, save(plain, dict(header)))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True, default=list)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's state as tensors named "index.name"."""
    state = optimiser.state_dict()["state"]
    return {f"{index}.{name}": value for index, entry in state.items() for name, value in entry.items()}


def optimiser_state(tensors: Mapping[str, Tensor], groups: Any) -> dict[str, Any]:
    """Return what `load_state_dict` of an optimiser takes, from `optimiser_tensors` and the parameter groups."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    return {"state": state, "param_groups": groups}


def part_of(stored: Mapping[str, Stored], prefix: str) -> dict[str, Stored]:
    """Return the tensors or arrays whose names begin with a prefix, without it.

    >>> part_of({"network.weight": 1, "best.weight": 2}, "best.")
    {'weight': 2}
    """
    return {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)}
