"""Maximum likelihood of all forms of exponential smoothing of one series at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tsrnn.data.panel import Bools, Floats, Integers
from tsrnn.forecasting.classical_season import classical_indices
from tsrnn.forecasting.ets_form import ALPHA, BETA, GAMMA, LEVEL, PHI, SEASON, TREND, Form, constrained, one_step

# Logits of smoothing parameters: at 9 they are within 1e-4 of their ends.
_LARGEST = 9.0
# A longer step could land on a flat end of the logit and stay there.
_LONGEST_STEP = 2.0
_DIFFERENCE = 1e-5
# Several dampings are tried at once: a candidate costs next to nothing beside the loop over time.
_DAMPINGS = np.array([0.01, 0.3, 10.0, 300.0])
_MAX_ITERATIONS = 30
# Relative decrease of the cost at which a form is done; n times it is its effect on the criterion.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class FormFit:
    """A form with its estimates.

    Parameters
    ----------
    form : Form
    x : ndarray of shape (6 + max(m - 1, 0),)
        Unconstrained parameters.
    sigma : float
        Standard deviation of the one-step errors; of the relative ones where the error is multiplicative.
    aicc : float
    """

    form: Form
    x: Floats
    sigma: float
    aicc: float


def fit_forms(y: Floats, forms: Sequence[Form], season_length: int) -> list[FormFit]:
    """Estimate every form, best criterion first.

    Parameters
    ----------
    y : ndarray of shape (n,), complete, of moderate size
    forms : sequence of Form
    season_length : int

    Returns
    -------
    list of FormFit
        Without the forms whose likelihood cannot be computed.
    """
    starts = _starts(y, forms, season_length)
    if season_length > 1:
        # A seasonal likelihood has local maxima, at slow and at fast smoothing: both are climbed, side by side.
        batch = _Batch(y, [*forms, *forms], season_length)
        both, costs = batch.minimise(starts.swapaxes(0, 1).reshape(2 * len(forms), 1, -1))
        pick = np.arange(len(forms)) + len(forms) * (costs[len(forms) :] < costs[: len(forms)])
        x, cost = both[pick], costs[pick]
    else:
        batch = _Batch(y, forms, season_length)
        x, cost = batch.minimise(starts)
    n, found = len(y), []
    for i, form in enumerate(forms):
        if not math.isfinite(cost[i]):
            continue
        k = len(form.slots(season_length)) + 1
        deviance = n * math.log(cost[i]) if cost[i] > 0 else -math.inf
        aicc = deviance + 2 * k + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else math.inf
        errors = batch.errors(x[i : i + 1], np.array([i]))[1][:, 0]
        sigma = math.sqrt(float(errors @ errors) / max(n - k + 1, 1))
        found.append(FormFit(form, x[i], sigma, aicc))
    return sorted(found, key=lambda one: one.aicc)


class _Batch:
    """All forms of one series; a lane is one parameter set of one of them."""

    def __init__(self, y: Floats, forms: Sequence[Form], season_length: int) -> None:
        self.y = y
        self.season_length = season_length
        width = SEASON + max(season_length - 1, 0)
        self.kinds = np.array([form.season for form in forms])
        self.trends = np.array([form.trend != "N" for form in forms])
        self.damped = np.array([form.trend == "Ad" for form in forms])
        self.relative = np.array([form.error == "M" for form in forms])
        self.active: Bools = np.zeros((len(forms), width), dtype=np.bool_)
        for i, form in enumerate(forms):
            self.active[i, form.slots(season_length)] = True

    def errors(self, x: Floats, form: Integers) -> tuple[Floats, Floats]:
        """Return residuals whose sum of squares is minimised, and one-step errors, both of shape (n, K).

        A multiplicative error's likelihood is that of relative errors times the geometric mean of the forecasts.
        """
        forecasts = np.empty((len(self.y), len(x)))
        for kind in ("N", "A", "M"):
            lanes = np.flatnonzero(self.kinds[form] == kind)
            if len(lanes):
                at = form[lanes]
                smoothing = constrained(x[lanes], kind, self.trends[at], self.damped[at], self.season_length)
                forecasts[:, lanes] = one_step(self.y, kind, smoothing)[0]
        errors = self.y[:, None] - forecasts
        residuals = errors.copy()
        relative = self.relative[form]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            errors[:, relative] /= forecasts[:, relative]
            residuals[:, relative] = errors[:, relative] * np.exp(np.log(np.abs(forecasts[:, relative])).mean(0))
        # A multiplicative model of a forecast that is not positive has no meaning.
        positive = (forecasts > 0).all(0) | ~(relative | (self.kinds[form] == "M"))
        residuals[:, ~(positive & np.isfinite(residuals).all(0))] = np.inf
        return residuals, errors

    def costs(self, x: Floats, form: Integers) -> Floats:
        """Return the sum of squares of each lane, infinite where it cannot be computed. Shape (K,)."""
        residuals, _ = self.errors(x, form)
        with np.errstate(over="ignore"):
            return np.asarray(np.einsum("nk,nk->k", residuals, residuals))

    def minimise(self, starts: Floats) -> tuple[Floats, Floats]:
        """Minimise all forms at once from several starts each.

        Parameters
        ----------
        starts : ndarray of shape (F, S, width)

        Returns
        -------
        x : ndarray of shape (F, width)
        cost : ndarray of shape (F,)

        Source: Marquardt, An algorithm for least-squares estimation of nonlinear parameters (1963).
        """
        n_forms, n_starts, width = starts.shape
        costs = self.costs(starts.reshape(-1, width), np.repeat(np.arange(n_forms), n_starts)).reshape(n_forms, -1)
        best = np.argmin(costs, axis=1)
        x, cost = starts[np.arange(n_forms), best], costs[np.arange(n_forms), best]
        damping = np.full(n_forms, 1e-2)
        left = np.flatnonzero(np.isfinite(cost) & (cost > 0))
        for _ in range(_MAX_ITERATIONS):
            if not len(left):
                break
            tried = self._candidates(x[left], left, damping[left])  # [F, T, width]
            flat = self.costs(tried.reshape(-1, width), np.repeat(left, len(_DAMPINGS)))
            tried_cost = flat.reshape(len(left), -1)
            pick = np.argmin(tried_cost, axis=1)
            at = np.arange(len(left))
            better = tried_cost[at, pick] < cost[left]
            before = cost[left].copy()
            x[left[better]] = tried[at, pick][better]
            cost[left[better]] = tried_cost[at, pick][better]
            damping[left] = np.where(better, np.maximum(damping[left] * _DAMPINGS[pick], 1e-7), damping[left] * 1e4)
            done = np.where(better, before - cost[left] <= _TOLERANCE * before, damping[left] > 1e3)
            left = left[~done & (cost[left] > 0)]
        return x, cost

    def _candidates(self, x: Floats, form: Integers, damping: Floats) -> Floats:
        """Return a step for each damping that is tried. Shape (F, T, width)."""
        n_forms, width = x.shape
        row, slot = np.nonzero(self.active[form])
        sign = np.where(x[row, slot] > 0, -_DIFFERENCE, _DIFFERENCE)
        moved = x[row]
        moved[np.arange(len(row)), slot] += sign
        residuals, _ = self.errors(np.concatenate([x, moved]), np.concatenate([form, form[row]]))
        here = residuals[:, :n_forms]
        with np.errstate(invalid="ignore"):
            change = (residuals[:, n_forms:] - here[:, row]) / sign
        jacobian = np.zeros((n_forms, width, len(self.y)))
        jacobian[row, slot] = np.where(np.isfinite(change), change, 0.0).T
        gradient = jacobian @ here.T[:, :, None]  # [F, width, 1]
        normal = jacobian @ jacobian.swapaxes(1, 2)
        diagonal = normal[:, np.arange(width), np.arange(width)]
        # Parameters that the form does not have, or that change nothing, get a one and no step.
        floor = np.where(self.active[form], 1e-10 * diagonal.max(1, keepdims=True), 1.0)
        extra = damping[:, None, None] * _DAMPINGS[:, None] * diagonal[:, None] + floor[:, None]  # [F, T, width]
        matrices = normal[:, None] + extra[..., None] * np.eye(width)
        step = -np.linalg.solve(matrices, np.broadcast_to(gradient[:, None], (*extra.shape, 1)))[..., 0]
        step[..., :LEVEL] = np.clip(step[..., :LEVEL], -_LONGEST_STEP, _LONGEST_STEP)
        tried: Floats = x[:, None] + step
        tried[..., :LEVEL] = np.clip(tried[..., :LEVEL], -_LARGEST, _LARGEST)
        return tried


def _starts(y: Floats, forms: Sequence[Form], season_length: int) -> Floats:
    """Return starting points: slow and fast smoothing, with states from a rough decomposition. [F, 2, width]."""
    starts = np.zeros((len(forms), 2, SEASON + max(season_length - 1, 0)))
    # alpha, then beta's share of it, gamma's share of 1 - alpha, and phi near its upper end.
    starts[:, 0, :LEVEL] = [-2.2, -2.2, -3.0, 2.0]
    starts[:, 1, :LEVEL] = [0.4, -2.2, -3.0, 2.0]
    for i, form in enumerate(forms):
        z = y
        if form.season != "N":
            indices = classical_indices(y, season_length, multiplicative=form.season == "M")
            if form.season == "M":
                indices = np.maximum(indices, 0.01)
                indices *= season_length / indices.sum()
            at = indices[np.arange(len(y)) % season_length]
            z = y / at if form.season == "M" else y - at
            starts[i, :, SEASON:] = indices[:-1]
        rows = min(max(10, 2 * season_length), len(y))
        slope, intercept = np.polyfit(np.arange(1, rows + 1), z[:rows], 1)
        starts[i, :, LEVEL] = intercept if form.trend != "N" else z[:rows].mean()
        starts[i, :, TREND] = slope
    for slot in (ALPHA, BETA, GAMMA, PHI, TREND):
        unused = [slot not in form.slots(season_length) for form in forms]
        starts[unused, :, slot] = 0.0
    return starts
