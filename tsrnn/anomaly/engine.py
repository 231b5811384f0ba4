"""One causal pass over series: block forecasts, whitened residuals, replaced outliers, and the parts of a score.

Batch and stream run the same code. Within a block everything follows from numbers that were fixed where the block
began, or where a new level was accepted, so that a block may come at once or row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tsrnn.anomaly.engine_state import Plan, State
from tsrnn.anomaly.limits import compress, least_spread
from tsrnn.anomaly.whitening import KINDS, coefficients, spread_factors

if TYPE_CHECKING:
    from tsrnn.data.panel import Bools, Floats, Integers

# Windows [B, L] of the series [B] with their lengths [B] -> quantiles [B, s, 5] of the next block.
BlockForecast = Callable[["Integers", "Floats", "Integers"], "Floats"]

INNER, OUTER = 1.2815515655446004, 1.959963984540054  # normal quantiles of .9 and .975
# A residual is kept up to the first of these, in units of its spread, and replaced as a whole from the second on. While
# a series is away from what was expected, less is let in, or its new level would creep into the forecast.
KEEP, REPLACE = 3.5, 5.0
KEEP_AWAY, REPLACE_AWAY = 1.5, 2.5
AWAY, LONG_AWAY, MOST_AWAY = 3.0, 5.0, 12.0
# A residual of this size surprises nobody.
ORDINARY = 2.0
# What is left of the weight of all that was learnt of the spread when a new level is accepted.
FORGET = 0.25
# A surprise grows with the logarithm of its residual from here on.
LINEAR = 6.0
# No standardised residual is larger: an infinite one would be taken for a missing value.
MOST_SURPRISE = 1e200
# An event comes again where values differ by no more than this share of the distance from what was expected.
SAME = 0.5
# Rows over which the moving averages of residuals go.
SPAN = 32.0
# A moving average takes no residual for larger than this, so that a single one does not outlast its row.
MOST_ENERGY = 3.5**2
# Rows over which slow averages forget, and how far beyond its average a part may move it.
MEMORY, MOST_PART = 1000.0, 5.0
# The rows of a block that are of each kind: the first, the second, and all others.
ROWS_OF_KINDS = (*(slice(kind, kind + 1) for kind in range(KINDS - 1)), slice(KINDS - 1, None))


class Rows(NamedTuple):
    """What a pass says of n rows of k series, each of shape (k, n); NaN where nothing can be said."""

    expected: Floats
    lower: Floats
    upper: Floats
    surprise: Floats
    parts: Floats  # (k, n, 3)
    away: Floats


def advance(state: State, plan: Plan, y: Floats, forecast: BlockForecast, series: Integers) -> Rows:
    """Read n further rows of k series, none of which goes beyond the end of a block.

    Parameters
    ----------
    state : State
        Of these k series, all at the same place of a block. It is changed.
    plan : Plan
    y : ndarray of shape (k, n), original units
        NaN where nothing was observed.
    forecast : callable
        Called where a block begins.
    series : int64 ndarray of shape (k,)
        What `forecast` knows them by.

    Returns
    -------
    Rows
    """
    n = y.shape[1]
    place = int(state.seen[0] % plan.block)
    if place == 0:
        if state.seen[0]:
            _recall(state, plan)
            _learn(state)
        state.forecast = forecast(series, state.clean, np.minimum(state.seen, plan.context))
        # Expected values that took the place of outliers have no noise, so that forecasts from them are too sure.
        state.least = np.where(state.away >= AWAY, state.spread, 0.0)
    parts, at = [], 0
    while at < n:
        parts.append(_read(state, plan, y[:, at:], place + at))
        at += parts[-1].expected.shape[1]
    state.seen = state.seen + n
    return parts[0] if len(parts) == 1 else Rows(*(np.concatenate(part, 1) for part in zip(*parts, strict=True)))


def _read(state: State, plan: Plan, y: Floats, place: int) -> Rows:
    """Whiten and standardise the rows one after the other, since each outlier that is replaced bears on the next.

    It ends with the first row at which a series' new level is accepted, since other rows are expected from then on.
    """
    k, n = y.shape
    end = place + n
    weights = coefficients(state.moments, state.products, state.forecast.shape[1])  # [k, s, LAGS]
    factor = spread_factors(weights)[:, place:end] * np.sqrt(_gains(state, place, end))
    weights = weights[:, place:end]
    median, inner, outer, drift = _ranges(state.forecast[:, place:end], y)
    least = state.least[:, None]
    inner, outer = np.maximum(inner, INNER * least) * factor, np.maximum(outer, OUTER * least) * factor
    # However well the rows before were met: forecasts are not exact to the last digit.
    floor = least_spread(median)
    inner, outer = np.maximum(inner, floor), np.maximum(outer, 1.2 * floor)
    known = np.isfinite(median)
    median = np.where(known, median, 0.0)
    expected, surprise, away = (np.empty((k, n)) for _ in range(3))
    energy, outlying = np.empty((k, n, 2)), np.empty((k, n), np.bool_)
    for j in range(n):
        state.block_lags[:, place + j] = state.lags
        error = y[:, j] - median[:, j]
        carried = _carried(state, error, weights[:, j], inner[:, :, j], outer[:, :, j])
        state.raw_lags = _push(state.raw_lags, np.where(known[:, j], np.where(np.isfinite(error), error, carried), 0.0))
        error = error - carried
        w = _standardise(error, inner[:, :, j], outer[:, :, j])
        kept, outlying[:, j] = _kept(state, w)
        residual = np.where(known[:, j], carried + np.where(np.isfinite(w), kept * error, 0.0), 0.0)
        state.lags = _push(state.lags, residual)
        state.block_residual[:, place + j] = residual
        expected[:, j], surprise[:, j] = median[:, j] + carried, w
        _count_away(state, w, outlying[:, j])
        away[:, j] = state.away
        energy[:, j] = _smooth(state, compress(w, LINEAR), drift[:, j])
        # Of tariffs that change on 1 % of 2,000 days (8 series, alpha .01) 10.1 % of the rows alarm so, 12.0 % where
        # the patience stays as it is; on .3 % of the days 15.6 and 21.3 %.
        stays = (state.away >= LONG_AWAY) & (state.away_rows >= plan.patience / 2**state.accepts)
        if stays.any():
            n, end = j + 1, place + j + 1
            break
    y, known, median, outer = y[:, :n], known[:, :n], median[:, :n], outer[:, :, :n]
    expected, surprise, away = expected[:, :n], surprise[:, :n], away[:, :n]
    energy, outlying = energy[:, :n], outlying[:, :n]
    surprise, seen = compress(surprise, LINEAR), np.isfinite(surprise)
    cleaned = median + state.block_residual[:, place:end]
    state.block_raw[:, place:end] = y
    # Values that are kept stay as they are, to the last bit.
    state.block_clean[:, place:end] = np.where(seen & outlying, cleaned, y)
    state.block_surprise[:, place:end] = np.where(away < LONG_AWAY, surprise, np.nan)
    parts = np.concatenate([np.abs(surprise)[..., None], np.sqrt(energy)], 2)
    parts[~seen] = np.nan
    state.block_parts[:, place:end] = parts
    if stays.any():
        _accept(state, stays, end)
    lower, upper = (np.where(known, part / OUTER, np.nan) for part in outer)
    return Rows(np.where(known, expected, np.nan), lower, upper, surprise, parts, away)


def _ranges(forecast: Floats, y: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return what a forecast says of its rows.

    Returns
    -------
    median : (k, n)
    inner, outer : (2, k, n)
        How far the ends of the 80 and the 95 % interval lie below and above it.
    drift : (k, n)
        The standardised residual before whitening.
    """
    low, inner_low, median, inner_high, high = np.moveaxis(forecast, 2, 0)
    inner = np.maximum(np.stack([median - inner_low, inner_high - median]), least_spread(median))
    outer = np.maximum(np.stack([median - low, high - median]), 1.2 * inner)
    error = y - median
    with np.errstate(over="ignore"):
        drift = np.clip(error * OUTER / np.where(error > 0, outer[1], outer[0]), -MOST_SURPRISE, MOST_SURPRISE)
    return median, inner, outer, compress(drift, LINEAR)


def _carried(state: State, error: Floats, weights: Floats, inner: Floats, outer: Floats) -> Floats:
    """Return what the residuals before a row make of its own.

    An outlier may have been an error, which later rows know nothing of, or a shock that they carry on. It is taken for
    an error until a row is ordinary only if it was a shock.
    """
    if_error: Floats = (weights * state.lags).sum(1)
    if (state.lags == state.raw_lags).all():
        return if_error
    if_shock = (weights * state.raw_lags).sum(1)
    told = [np.abs(_standardise(error - carried, inner, outer)) <= ORDINARY for carried in (if_error, if_shock)]
    carried: Floats = np.where(~told[0] & told[1], if_shock, if_error)
    return carried


def _kept(state: State, w: Floats) -> tuple[Floats, Bools]:
    """Return the share of each residual that is kept, and whether anything of it is not."""
    strict = state.away >= AWAY
    most, none = np.where(strict, KEEP_AWAY, KEEP), np.where(strict, REPLACE_AWAY, REPLACE)
    size = np.abs(w)
    kept = np.minimum(np.maximum((none - size) / (none - most), 0.0), 1.0)
    return kept, size > most


def _count_away(state: State, w: Floats, outlying: Bools) -> None:
    """Count outlying rows, up to a dozen; every ordinary one takes a quarter away."""
    if not (outlying.any() or state.away.any() or state.away_rows.any()):
        return
    ordinary = np.isfinite(w) & ~outlying
    more = np.where(outlying, np.minimum(state.away + 1, MOST_AWAY), state.away)
    state.away = np.where(ordinary, np.maximum(state.away - np.maximum(1.0, state.away / 4), 0.0), more)
    state.away_rows = np.where((state.away == 0) & (state.away_rows < LONG_AWAY), 0.0, state.away_rows + 1)


def _smooth(state: State, w: Floats, drift: Floats) -> Floats:
    """Move the averages of squared residuals on by a row, and return them (k, 2). A missing value moves nothing.

    The end of an event ends its part in the averages.
    """
    squares = np.minimum(np.stack([w, drift], 1) ** 2, MOST_ENERGY)
    smooth = np.where(np.isfinite(squares), state.smooth + (squares - state.smooth) / SPAN, state.smooth)
    if not state.away_rows.any():
        state.smooth = smooth
        return smooth
    over = (state.away == 0) & (state.away_rows > 0)
    state.smooth = np.where(over[:, None], 1.0, smooth)
    state.away_rows = np.where(over, 0.0, state.away_rows)
    return state.smooth


def _push(lags: Floats, newest: Floats) -> Floats:
    return np.concatenate([newest[:, None], lags[:, :-1]], 1)


def _standardise(error: Floats, inner: Floats, outer: Floats) -> Floats:
    """Return the normal score of errors, linear between the median and the ends of the 80 and 95 % intervals."""
    above = error > 0
    u, v = np.where(above, inner[1], inner[0]), np.where(above, outer[1], outer[0])
    size = np.abs(error)
    with np.errstate(over="ignore"):
        score = np.where(size <= u, INNER * size / u, INNER + (OUTER - INNER) * (size - u) / (v - u))
    signed: Floats = np.copysign(np.minimum(score, MOST_SURPRISE), error)
    return signed


def _gains(state: State, place: int, end: int) -> Floats:
    """Return the mean squared surprise to expect of each place of a block. Shape (k, n)."""
    weight = state.gain_weight
    prior = 10.0
    rest = (state.gain[:, 2] * weight[:, 2] + prior) / (weight[:, 2] + prior)
    gains = (state.gain * weight + prior * rest[:, None]) / (weight + prior)
    kind = np.minimum(np.arange(place, end), KINDS - 1)
    return gains[:, kind]


def _accept(state: State, stays: Bools, end: int) -> None:
    """Take the values since some series went away as they are; the rest of the block is expected at their level.

    Parameters
    ----------
    state : State
    stays : bool ndarray of shape (k,)
        Which series.
    end : int
        Rows of the block that were read.
    """
    raw = np.concatenate([state.raw[stays], state.block_raw[stays, :end]], 1)
    clean = np.concatenate([state.clean[stays], state.block_clean[stays, :end]], 1)
    back = np.arange(raw.shape[1], 0, -1)
    replaced = (back <= np.minimum(state.away_rows[stays], SPAN)[:, None]) & np.isfinite(raw - clean) & (raw != clean)
    level = np.where(replaced, raw - clean, 0.0).sum(1) / np.maximum(replaced.sum(1), 1)
    clean = np.where(back <= state.away_rows[stays][:, None], raw, clean)
    L = state.clean.shape[1]
    state.clean[stays], state.block_clean[stays, :end] = clean[:, :L], clean[:, L:]
    state.forecast[stays, end:] += level[:, None, None]
    state.away[stays] = state.away_rows[stays] = 0.0
    state.lags[stays] = state.raw_lags[stays] = 0.0
    state.smooth[stays] = 1.0
    state.accepts[stays] += 1
    state.gain_weight[stays] *= FORGET  # the spread may be another one, too


def _recall(state: State, plan: Plan) -> None:
    """Take the outlying values of a finished block as they are where the same came in each cycle for the patience.

    A weekend is over before its level has persisted for long enough, but comes again. Its values of before are taken as
    they are, too.
    """
    L = state.raw.shape[1]
    outlying = np.isfinite(state.block_clean) & (state.block_clean != state.block_raw)
    who, at = np.nonzero(outlying)
    count = -(-plan.patience // plan.cycle)
    if not len(who) or count * plan.cycle > L:
        return
    raw = np.concatenate([state.raw, state.block_raw], 1)
    clean = np.concatenate([state.clean, state.block_clean], 1)
    value = raw[who, L + at]
    near = SAME * np.abs(value - state.forecast[who, at, 2])
    rows = (L + at)[:, None] - plan.cycle * np.arange(count + 1)  # [n, count + 1], this one and those before
    again = (np.abs(raw[who[:, None], rows] - value[:, None]) <= near[:, None]).all(1)
    series, rows = who[again, None], rows[again]
    clean[series, rows] = raw[series, rows]
    state.clean, state.block_clean = clean[:, :L], clean[:, L:]


def _learn(state: State) -> None:
    """Learn from a finished block: windows, spread, whitening, and averages of the parts."""
    s = state.block_raw.shape[1]
    state.clean = np.concatenate([state.clean, state.block_clean], 1)[:, s:]
    state.raw = np.concatenate([state.raw, state.block_raw], 1)[:, s:]
    keep = 1 - s / MEMORY if s < MEMORY else 0.0
    state.accepts = state.accepts * keep
    known = np.isfinite(state.block_surprise)
    spread = (state.forecast[:, :, 4] - state.forecast[:, :, 0]) / (2 * OUTER)
    usable = known & (spread > 0)
    _learn_spread(state, spread, usable & (state.least == 0)[:, None], keep)
    _learn_whitening(state, np.where(usable, spread, 1.0), usable, keep)
    _learn_gains(state, known, keep)
    _learn_base(state, known, keep)


def _learn_spread(state: State, spread: Floats, calm: Bools, keep: float) -> None:
    """Average the predicted spread of calm rows; each block weighs the same."""
    count = calm.sum(1)
    mean = np.where(calm, spread, 0.0).sum(1) / np.maximum(count, 1)
    state.spread, state.spread_weight = _average(state.spread, state.spread_weight, mean, count > 0, keep)


def _learn_whitening(state: State, scale: Floats, usable: Bools, keep: float) -> None:
    """Add up the products of residuals, in units of their scale (S, s)."""
    now = np.where(usable, state.block_residual / scale, 0.0)  # [S, s]
    before = np.where(usable[..., None], state.block_lags / scale[..., None], 0.0)  # [S, s, LAGS]
    for kind, at in enumerate(ROWS_OF_KINDS):
        b, r = before[:, at], now[:, at]
        state.moments[:, kind] = keep * state.moments[:, kind] + np.einsum("snl,snm->slm", b, b)
        state.products[:, kind] = keep * state.products[:, kind] + np.einsum("snl,sn->sl", b, r)


def _learn_gains(state: State, known: Bools, keep: float) -> None:
    """Average the squared surprises."""
    square = np.where(known, np.minimum(state.block_surprise**2, REPLACE**2), 0.0)
    gains = _gains(state, 0, KINDS)
    for kind, at in enumerate(ROWS_OF_KINDS):
        # A surprise is in units of the spread that was expected then, gain and all.
        total, count = square[:, at].sum(1) * gains[:, kind], known[:, at].sum(1)
        gain, weight = state.gain[:, kind], state.gain_weight[:, kind]
        state.gain[:, kind], state.gain_weight[:, kind] = _average(gain, weight, total, count, keep)


def _learn_base(state: State, known: Bools, keep: float) -> None:
    """Average the parts of the score."""
    parts = np.minimum(state.block_parts, MOST_PART * state.base[:, None])
    total, count = np.where(known[..., None], parts, 0.0).sum(1), known.sum(1)[:, None]
    state.base, weight = _average(state.base, state.base_weight[:, None], total, count, keep)
    state.base_weight = weight[:, 0]


def _average(mean: Floats, weight: Floats, total: Floats, count: Any, keep: float) -> tuple[Floats, Floats]:
    """Return a mean and its weight once `count` values that add up to `total` have joined it, where there are any."""
    kept = keep * weight
    joined = (kept * mean + total) / np.maximum(kept + count, 1.0)
    return np.where(count > 0, joined, mean), np.where(count > 0, kept + count, weight)
