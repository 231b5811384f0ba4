"""Several models as one: the median or the mean of their quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tsrnn.errors import ParameterError
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.jobs import checked_jobs, share_jobs
from tsrnn.forecasting.progress import part

if TYPE_CHECKING:
    from tsrnn.data.panel import Cutoffs, Floats, Panel

_DEFAULT = ("ETS", "Theta", "ARIMA")


class Ensemble(ForecastModel):
    """Forecast with several models, and take the median or the mean of each quantile.

    A quantile of the ensemble at a step is the median (or mean) of the members' forecasts of that quantile at that
    step, so quantiles stay in order, and the intervals are about as wide as the members' own. Members that
    cannot tell a series' quantile are left out of it.

    Parameters
    ----------
    models : sequence of models or names, or mapping of name to them, optional
        Whatever `backtest` accepts. Default: ETS, Theta and ARIMA. They are copied, not changed.
    method : {"median", "mean"}
    season_length : int, optional
        Steps per season, for all members that do not have their own. Default: by frequency.
    freq : str, offset or int, optional
        Step between rows. Default: inferred.
    n_jobs : int, optional
        Processes of those members that have such a parameter and leave it open. Default: as they choose.

    Attributes
    ----------
    members_ : dict of str to ForecastModel
        The fitted members.
    notes_ : list of str
        The members' notes, each with its name, and those of the table and of an update.

    Notes
    -----
    Source: Petropoulos and Svetunkov, A simple combination of univariate models (2020), for the median of
    statistical models; Lichtendahl, Grushka-Cockayne and Winkler, Is it better to average probabilities or quantiles?
    (2013), for combining quantiles.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([1.0, 5.0, 2.0, 6.0], index=pd.date_range("2020-01-01", periods=4, freq="MS"), name="y")
    >>> Ensemble(["Naive", "Drift", "SeasonalNaive"], season_length=2).fit(y).predict(h=2).round(3).tolist()
    [6.0, 6.0]
    """

    def __init__(
        self,
        models: Any = None,
        method: str = "median",
        *,
        season_length: int | None = None,
        freq: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.models = models
        self.method = method
        self.season_length = season_length
        self.freq = freq
        self.n_jobs = n_jobs

    @property
    def continues(self) -> bool:
        """Whether any member does."""
        return any(member.continues for member in self.unfitted_members().values())

    def unfitted_members(self) -> dict[str, ForecastModel]:
        """Return fresh members by name."""
        # The registry lists the ensemble itself, so it cannot be imported at the top.
        from tsrnn.forecasting.registry import named_models

        return named_models(_DEFAULT if self.models is None else self.models)

    def _fit_panel(self, panel: Panel) -> None:
        if self.method not in ("median", "mean"):
            raise ParameterError(f"method={self.method!r}: expected 'median' or 'mean'.")
        members = self.unfitted_members()
        share_jobs(members.values(), checked_jobs(self.n_jobs))
        for number, member in enumerate(members.values()):
            with part(number / len(members), (number + 1) / len(members)):
                member.fit(panel)
        self.members_ = members
        self.notes_ = self._member_notes()

    def _update_panel(self, panel: Panel) -> None:
        # Copies: where one fails, the others must not be ahead of it.
        self.members_ = {name: copy(member).update(panel) for name, member in self.members_.items()}
        self.notes_ = self._member_notes()

    def _member_notes(self) -> list[str]:
        notes = [f"{name}: {note}" for name, member in self.members_.items() for note in member.notes_]
        return [*notes, *self._update_notes]

    def _forecast_panel(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        return self._combine([member.forecast(panel, cutoffs, h, quantiles) for member in self.members_.values()])

    def _unbounded_panel(self, panel: Panel, cutoffs: Cutoffs, h: int, quantiles: Sequence[float]) -> Floats:
        members = self.members_.values()
        return self._combine([member.unbounded_forecast(panel, cutoffs, h, quantiles) for member in members])

    def _combine(self, forecasts: Sequence[Floats]) -> Floats:
        """Take the median or the mean of the members' forecasts, each of shape (B, h, Q)."""
        values = np.stack(forecasts)
        self.notes_ = self._member_notes()
        told = np.isfinite(values)
        combined = np.full(values.shape[1:], np.nan)
        some = told.any(0)
        combine = np.nanmedian if self.method == "median" else np.nanmean
        combined[some] = combine(np.where(told, values, np.nan)[:, some], axis=0)
        # A member that gives points only takes part in the median alone, and may pull it past the other quantiles.
        whole = np.isfinite(combined).all(2)
        combined[whole] = np.sort(combined[whole], axis=1)
        return combined

    def summary(self) -> str:
        """Say in a line what was chosen."""
        check_is_fitted(self, "panel_")
        return f"{self.method} of {', '.join(self.members_)}, season {self.panel_.season_length}"
