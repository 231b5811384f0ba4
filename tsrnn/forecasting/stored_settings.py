"""Read the settings of a saved network, each entry with the check that stands for it.

No value from a file shapes a network before its type and range are checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise
from typing import Any

from tsrnn.data.stored_values import Json, later_flag, number_between, one_of, read_entry, read_whole, several
from tsrnn.errors import DataError
from tsrnn.forecasting.settings import Settings
from tsrnn.networks.cells import CELLS, RECURRENT
from tsrnn.networks.registry import NETWORKS
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.scaling import SCALINGS

# Far beyond any use, and small enough that a file cannot ask for more memory than there is.
LARGEST_LENGTH, LARGEST_WIDTH, MOST_LAYERS = 10**6, 10**5, 1000


def read_settings(content: Json) -> Settings:
    """Read the settings of a fit.

    Raises
    ------
    DataError
        If an entry is missing, unknown, of another type, or out of its range, here and in all that follows.
    """
    return Settings(**{**_read_fields(Settings, content), "size": read_size(content)})


def read_size(content: Json) -> NetworkSize:
    """Read the entry "size": a network's size, whose parts fit together."""
    size = NetworkSize(**_read_fields(NetworkSize, read_entry(content, "size")))
    in_order = all(a <= b for a, b in pairwise(size.seasons)) and all(a < b for a, b in pairwise(size.quantiles))
    if not size.seasons or not in_order:
        raise DataError("the seasons or the quantiles are not in order")
    if 0.5 not in size.quantiles:
        raise DataError("the median is not among the quantiles")
    if size.bidirectional and size.cell not in RECURRENT:
        raise DataError(f"a {size.cell} network has no directions")
    if size.context_length % size.patch_length:
        raise DataError("context_length is not a multiple of patch_length")
    if size.far and (size.horizon % size.patch_length or size.cell not in RECURRENT):
        raise DataError("far steps need a recurrent cell and a horizon that is a multiple of patch_length")
    return size


def _read_fields(kind: type[NetworkSize] | type[Settings], content: Json) -> dict[str, Any]:
    """Read the fields of a dataclass, each with the check that stands for it in `_FIELDS`."""
    names = [field.name for field in fields(kind)]
    unknown = sorted(set(content) - set(names)) if isinstance(content, dict) else []
    if unknown:
        raise DataError(f"{kind.__name__} knows no {', '.join(unknown[:5])}")
    return {name: _FIELDS[name](content, name) for name in names if name != "size"}


def _whole(high: int) -> Callable[[Json, str], int]:
    return lambda content, name: read_whole(content, name, 1, high)


def _later_length(content: Json, name: str) -> int:
    """Read a length, 0 for none, that files from before it have not."""
    return read_whole(content, name, 0, LARGEST_LENGTH) if name in content else 0


# One entry per field of Settings and NetworkSize; a new field is one more line here.
_FIELDS: dict[str, Callable[[Json, str], Any]] = {
    "network": one_of(NETWORKS),
    "cell": one_of(CELLS),
    "bidirectional": later_flag,
    "contrasts": later_flag,
    "own_season": later_flag,
    "year": _later_length,
    "far": _later_length,
    "scaling": one_of(SCALINGS),
    "horizon": _whole(LARGEST_LENGTH),
    "context_length": _whole(LARGEST_LENGTH),
    "patch_length": _whole(LARGEST_LENGTH),
    "min_history": _whole(2 * LARGEST_LENGTH),
    "hidden_size": _whole(LARGEST_WIDTH),
    "num_layers": _whole(MOST_LAYERS),
    "max_steps": lambda content, name: read_whole(content, name, 0, 2**53),
    "batch_size": _whole(2**53),
    "seasons": several(_whole(LARGEST_LENGTH)),
    "quantiles": several(number_between(0, 1)),
    "dropout": number_between(0, 1, or_low=True),
    "learning_rate": number_between(0, math.inf, or_low=True),
}
