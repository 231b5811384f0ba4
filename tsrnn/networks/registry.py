"""The networks that a forecaster can be built on, by name. A new network is one more line here."""

from __future__ import annotations

from collections.abc import Callable

from tsrnn.networks.autoregressive import AutoregressiveNetwork
from tsrnn.networks.final_state import FinalStateNetwork
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.parallel import ParallelNetwork
from tsrnn.networks.size import NetworkSize

NETWORKS: dict[str, Callable[[NetworkSize], ForecastNetwork]] = {
    "parallel": ParallelNetwork,
    "autoregressive": AutoregressiveNetwork,
    "one": FinalStateNetwork,
}
