"""Sequence to one: the final state forecasts the next patch, and longer horizons follow step by step."""

from __future__ import annotations

from typing import Any

from tsrnn.networks.cells import RECURRENT
from tsrnn.networks.patch_by_patch import PatchByPatchNetwork
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.inputs import Inputs


class FinalStateNetwork(PatchByPatchNetwork):
    """Read a window patch by patch and forecast the patch after it from the final state.

    A known patch is one more step of the same cell, so a path of S patches costs S steps. Where no state can be
    carried (two directions, or no recurrence) the moved window is read again.

    Parameters
    ----------
    size : NetworkSize
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__(size)
        self.carries = size.cell in RECURRENT and not size.bidirectional

    def read(self, inputs: Inputs) -> Any:
        """Return the final state of the window."""
        return self.encoder(inputs)

    def advance(self, segment: int, inputs: Inputs, state: Any) -> Any:
        """Take one step more, over the last patch of the window."""
        return self.encoder.step(inputs, state) if self.carries else self.encoder(inputs)
