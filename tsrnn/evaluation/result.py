"""What a backtest found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from tsrnn.errors import ParameterError
from tsrnn.evaluation.residuals import Residuals
from tsrnn.evaluation.verdict import Verdict


class Read(Protocol):
    """Reads a table from where it is kept."""

    def __call__(self, ids: Sequence[Any] | None = None) -> pd.DataFrame:
        """Return the rows of these series, or all of them."""


class Table:
    """A table, or a function that reads it when it is first asked for."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = f"_{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> pd.DataFrame:
        if instance is None:
            # A dataclass takes this as: there is no default.
            raise AttributeError(self.key)
        value = instance.__dict__[self.key]
        if not isinstance(value, pd.DataFrame):
            value = instance.__dict__[self.key] = value()
        return value

    def __set__(self, instance: Any, value: pd.DataFrame | Read) -> None:
        instance.__dict__[self.key] = value


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """What a backtest found.

    Parameters
    ----------
    forecasts : DataFrame
        One row per series, cutoff and step: unique_id, ds, cutoff, step, y, then for each model its median under
        its name and its intervals (`tsrnn-lo-80`, `tsrnn-hi-80`). y is NaN where nothing was observed. Steps are
        counted from the cutoff, so the first one is gap + 1. Where the backtest has a `path`, the table is read
        from there when it is first asked for.
    leaderboard : DataFrame
        One row per model, best first; the columns are explained in `tsrnn.evaluation.leaderboard.leaderboard`.
    by_step, by_cutoff, by_series : DataFrame
        The scores per model and step, cutoff or series: mase, smape, rmse, and the user's metrics.
    by_quantile : DataFrame
        How much of what happened lay below each quantile: model, quantile, below (a share; one that is equal counts
        half).
    residuals : Residuals
        Bias, spread and autocorrelation of what happened minus what was forecast.
    by_forecast : DataFrame
        One row per model, series and cutoff: model, unique_id, cutoff; mase; mae, the mean absolute error in original
        units (both NaN where the series has no MASE); actual, the mean of what happened. `tsrnn compare` pairs them.
    verdict : Verdict or None
        The first model against ARIMA, or against the best of the others; None with a single model.
    levels : tuple of float
        Interval levels in percent.
    config : dict
        What was inferred and chosen, and the versions: enough to repeat the run. "strategies" tells of each
        `Forecaster` what its last fit did, why, and the scores it compared.
    notes : tuple of str
        What is worth knowing: columns ignored, series and cutoffs left out, models that fell back.
    history : dict of str to DataFrame
        Loss curves of the networks.
    observations : DataFrame
        The table as it was read: unique_id, ds, y; made when it is first asked for.
    """

    forecasts: Table = Table()
    leaderboard: pd.DataFrame
    by_step: pd.DataFrame
    by_cutoff: pd.DataFrame
    by_series: pd.DataFrame
    verdict: Verdict | None
    levels: tuple[float, ...]
    config: dict[str, Any]
    notes: tuple[str, ...]
    history: dict[str, pd.DataFrame] = field(default_factory=dict)
    observations: Table = Table()
    by_forecast: pd.DataFrame = field(default_factory=pd.DataFrame)
    by_quantile: pd.DataFrame = field(default_factory=pd.DataFrame)
    residuals: Residuals = field(default_factory=Residuals)

    def __repr__(self) -> str:
        """Return leaderboard and verdict: the other tables are long, and may lie in a folder."""
        scores = self.leaderboard.to_string(index=False, float_format="{:.4g}".format)
        return scores if self.verdict is None else f"{scores}\n\n{self.verdict}"

    def facts(self) -> dict[str, Any]:
        """Return verdict, outcome, notes and configuration, which are written beside the tables."""
        verdict = self.verdict
        return {
            "verdict": None if verdict is None else str(verdict),
            "outcome": None if verdict is None else verdict.outcome,
            "notes": list(self.notes),
            "config": self.config,
        }

    def forecasts_of(self, ids: Sequence[Any]) -> pd.DataFrame:
        """Return the rows of `forecasts` of some series, and read no more than these from a folder.

        Raises
        ------
        ParameterError
            If `ids` is one name and no list of them.
        """
        return _of_series(self, "forecasts", ids)

    def observations_of(self, ids: Sequence[Any]) -> pd.DataFrame:
        """Return the rows of `observations` of some series, with the errors of `forecasts_of`."""
        return _of_series(self, "observations", ids)


def _of_series(result: Any, name: str, ids: Sequence[Any]) -> pd.DataFrame:
    if isinstance(ids, str):  # its letters would be taken for names
        raise ParameterError(f"ids={ids!r}: expected a list of names: [{ids!r}].")
    kept = vars(result).get(f"_{name}")
    if callable(kept):
        read: Read = kept
        return read(ids)
    table: pd.DataFrame = getattr(result, name)
    return table[table["unique_id"].isin(set(ids))]
