"""The numbers that shape a network."""

from __future__ import annotations

from dataclasses import dataclass

from tsrnn.networks.heads import QUANTILES
from tsrnn.preprocessing.inputs import Reads


@dataclass(frozen=True)
class NetworkSize:
    """What determines a network's tensors.

    Parameters
    ----------
    context_length : int
        L, a multiple of `patch_length`.
    horizon : int
        H, the steps it is trained to forecast.
    patch_length : int
        Points per recurrent step.
    seasons : tuple of int
        Season lengths, shortest first; their profiles are the start of a forecast.
    cell : {"rnn", "gru", "lstm", "feed-forward"}
    hidden_size, num_layers : int
    dropout : float
    quantiles : tuple of float
    bidirectional : bool
        Whether the window is read in both directions.
    contrasts : bool
        Whether a "parallel" network reads `tsrnn.preprocessing.contrasts`, too. One that moves its window on cannot:
        they depend on the whole window.
    own_season : bool
        Whether a forecast may also start from the season that the window itself keeps, where that is not quite the
        shortest of `seasons` (`tsrnn.preprocessing.own_season`).
    year : int
        Steps of a year whose course it knows (`tsrnn.preprocessing.year`); 0 for none. A window may be shorter.
    far : int
        Steps after the horizon that a "parallel" network forecasts by a decoder of their own; 0 for none. The horizon
        is then a multiple of `patch_length`.
    """

    context_length: int
    horizon: int
    patch_length: int
    seasons: tuple[int, ...]
    cell: str = "gru"
    hidden_size: int = 128
    num_layers: int = 1
    dropout: float = 0.1
    quantiles: tuple[float, ...] = QUANTILES
    bidirectional: bool = False
    contrasts: bool = False
    own_season: bool = False
    year: int = 0
    far: int = 0

    @property
    def reach(self) -> int:
        """Steps it forecasts without sample paths."""
        return self.horizon + self.far

    @property
    def draws_globally(self) -> bool:
        """Whether a training draws from torch's global generator, as its dropout between recurrent layers does."""
        return self.dropout > 0 and self.num_layers > 1 and self.cell != "feed-forward"

    @property
    def reads(self) -> Reads:
        """What such a network reads of its windows."""
        return Reads(self.seasons, self.contrasts, self.own_season, self.year)
