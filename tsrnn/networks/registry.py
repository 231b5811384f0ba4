"""The networks that a forecaster can be built on, by name. A new network is one more line here."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from tsrnn.networks.parallel import ParallelNetwork
from tsrnn.networks.size import NetworkSize

NETWORKS: dict[str, Callable[[NetworkSize], nn.Module]] = {
    "parallel": ParallelNetwork,
}
