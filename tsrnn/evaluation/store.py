"""Where a backtest's forecasts are kept, window by window: in memory, or in a folder (`folder.py`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import pandas as pd

from tsrnn.data.panel import Floats, Integers


@dataclass(frozen=True)
class Part:
    """What one model forecast at one window.

    Parameters
    ----------
    quantiles : ndarray of shape (B_window, h, Q), original units
    fit_seconds, predict_seconds : float
        What it took; 0 where it was part of the window before.
    notes : tuple of str
    summary : str
        What the model chose.
    history : DataFrame or None
        Loss curves of a network.
    choice : dict or None
        Strategy, reason and scores of a `Forecaster`.
    """

    quantiles: Floats
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    notes: tuple[str, ...] = ()
    summary: str = ""
    history: pd.DataFrame | None = None
    choice: dict[str, Any] | None = None


class Store(Protocol):
    """Where forecasts are kept: in memory, or in a folder."""

    stepwise: bool
    """Whether every window is to be kept as soon as it is forecast."""

    def has(self, model: str, window: int) -> bool:
        """Tell whether a model's forecasts of a window are there."""

    def put(self, model: str, window: int, part: Part) -> None:
        """Keep them."""

    def get(self, model: str, window: int, rows: Integers | None = None) -> Part:
        """Return them; of these rows of `quantiles` alone, if rows are given, ascending."""


class Memory:
    """Keep forecasts in memory."""

    stepwise = False

    def __init__(self) -> None:
        self._parts: dict[tuple[str, int], Part] = {}

    def has(self, model: str, window: int) -> bool:
        """Tell whether a model's forecasts of a window are there."""
        return (model, window) in self._parts

    def put(self, model: str, window: int, part: Part) -> None:
        """Keep them."""
        self._parts[model, window] = part

    def get(self, model: str, window: int, rows: Integers | None = None) -> Part:
        """Return them; of these rows of `quantiles` alone, if rows are given."""
        part = self._parts[model, window]
        return part if rows is None else replace(part, quantiles=part.quantiles[rows])
