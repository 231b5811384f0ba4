"""Series whose own step is coarser than that of their table, such as months beside days."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.data.panel import sums_before
from tsrnn.errors import FrequencyError
from tsrnn.naming import examples, some_of

if TYPE_CHECKING:
    from tsrnn.data.grids import Frequency
    from tsrnn.data.panel import Bools, Floats, Integers, Panel

# Gaps that differ by no more than this share of the smallest are one step: months of 28 to 31 days, days of 23 to 25
# hours where clocks change.
SPREAD = 0.25
# At least so many of the gaps are one step, where rows are absent; at most so many are no multiple of it, where odd
# rows stand among the others.
ONE_STEP, ODD = 0.9, 0.05
# How many series of a table may come to even gaps by accident, where they have a row now and then: few enough to
# refuse the table, or to mention them.
REFUSED, MENTIONED = 1e-5, 1e-2


@dataclass(frozen=True)
class CoarseSteps:
    """Series that have one value in every so many rows of their grid, while others have one in each.

    Parameters
    ----------
    series : int64 ndarray of shape (n,)
        Their places in the panel.
    least, most : int64 ndarrays of shape (n,)
        Rows from one value to the next where none is absent.
    chance : float64 ndarray of shape (n,)
        How many series of the panel would have so even gaps by accident.
    """

    series: Integers
    least: Integers
    most: Integers
    chance: Floats

    def where(self, mask: Bools) -> CoarseSteps:
        """Return those series for which the mask, shape (n,), holds."""
        return CoarseSteps(self.series[mask], self.least[mask], self.most[mask], self.chance[mask])


def find_coarse_steps(y: Floats, offsets: Integers) -> CoarseSteps:
    """Find the series of a panel that have a regular coarser step of their own, over their whole length.

    A few rows may be absent, and fewer odd ones among the others. Rows that come now and then have gaps of all sizes:
    a gap g is likeliest where a row has the probability 1/g, and is then p = (1 − 1/g)^(g − 1)/g, so that m of n gaps
    of one size come about by accident in at most (n over m)·p^m of the series.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        NaN where nothing was observed.
    offsets : int64 ndarray of shape (n_series + 1,)

    Examples
    --------
    >>> y = np.full(120, np.nan)
    >>> y[:60], y[60::7] = 1.0, 2.0
    >>> found = find_coarse_steps(y, np.array([0, 60, 120]))
    >>> found.series.tolist(), found.least.tolist(), found.most.tolist()
    ([1], [7], [7])
    """
    observed, lengths = np.isfinite(y), np.diff(offsets)
    known = _counts(observed, offsets)
    sparse = _sparse(known, lengths)
    if len(sparse):
        # Where no other series has values in two following rows, rows are missing in all of them.
        pairs = _counts(np.append(observed[1:] & observed[:-1], False), offsets, within=True)
        sparse = sparse[pairs.sum() > pairs[sparse]]
    if not len(sparse):
        return CoarseSteps(*(np.empty(0, np.int64),) * 3, np.empty(0))
    first = np.repeat(offsets[sparse] - np.cumsum(lengths[sparse]) + lengths[sparse], lengths[sparse])
    places = first + np.arange(len(first))  # of all rows of these series
    rows = places[observed[places]]
    n = known[sparse] - 1  # gaps
    ends = np.cumsum(n)
    gaps = np.delete(np.diff(rows), ends[:-1] + np.arange(len(n) - 1))  # none from one series to the next
    begins, owner = ends - n, np.repeat(np.arange(len(n)), n)
    least = gaps[np.lexsort((gaps, owner))][begins + (ODD * n).astype(np.int64)]
    single = (gaps >= least[owner]) & (gaps <= (1 + SPREAD) * least[owner])
    most = np.maximum.reduceat(np.where(single, gaps, 0), begins)
    middle = (least + most)[owner] / 2
    times = np.maximum(np.round(gaps / middle), 2)
    slack = times * (most - least)[owner] / 2 + SPREAD * least[owner]
    odd = ~single & (np.abs(gaps - times * middle) > slack)
    n_single, n_odd = np.add.reduceat(single, begins, dtype=np.int64), np.add.reduceat(odd, begins, dtype=np.int64)
    even = (least >= 2) & (n_single >= ONE_STEP * n) & (n_odd <= ODD * n)
    sparse, least, most, n, n_single = (part[even] for part in (sparse, least, most, n, n_single))
    likely = np.log((most - least + 1) / least) + (least - 1) * np.log1p(-1 / least)
    ways = np.array([math.log(math.comb(*pair)) for pair in zip(n.tolist(), n_single.tolist(), strict=True)])
    chance = len(lengths) * np.exp(n_single * likely + ways)
    return CoarseSteps(sparse, least, most, chance).where(chance <= MENTIONED)


def _sparse(known: Integers, lengths: Integers) -> Integers:
    """Return the series with few enough values for a coarser step; most have more, and are looked at no further."""
    return np.flatnonzero((known >= 3) & (2 * (1 - ODD) * known <= lengths + 1))


def _counts(mask: Bools, offsets: Integers, within: bool = False) -> Integers:
    """Return for how many rows of each series the mask holds; `within` leaves out their last rows."""
    running = sums_before(mask)
    counts: Integers = running[np.maximum(offsets[1:] - within, offsets[:-1])] - running[offsets[:-1]]
    return counts


def step_notes(found: CoarseSteps, ids: Any, frequency: Frequency) -> list[str]:
    """Say which series of a panel have a coarser step of their own; nothing where none has."""
    if not len(found.series):
        return []
    return [f"{_told(found, ids, frequency)}: forecasts of the steps between rest on nothing; fit apart, or resample."]


def refuse_coarse_steps(found: CoarseSteps, ids: Any, frequency: Frequency) -> None:
    """Raise FrequencyError where series surely have a coarser step of their own."""
    sure = found.where(found.chance <= REFUSED)
    if not len(sure.series):
        return
    it, step = ("it", "its step") if len(sure.series) == 1 else ("them", "their step")
    alias = int(frequency.alias) if frequency.alias.isdigit() else frequency.alias
    raise FrequencyError(
        f"{_told(sure, ids, frequency)}. Expected series of one step, since forecasts of the steps between would "
        f"rest on nothing. Fit {it} apart, or resample the others to {step}. To read the steps between as missing "
        f"values all the same, pass freq={alias!r}."
    )


def refuse_coarser_rows(known: Panel, newer: Panel) -> None:
    """Refuse rows that surely have a coarser step than those a model was fitted on, such as weeks where days were.

    Where series of a coarser step were fitted, they were meant, and so are these.

    Raises
    ------
    FrequencyError
        With up to five names.
    """
    if not len(_sparse(newer.n_observed, newer.lengths)):
        return
    y = np.concatenate([known.y, newer.y])
    found = find_coarse_steps(y, np.concatenate([known.offsets, known.offsets[-1] + newer.offsets[1:]]))
    if (found.series < known.n_series).any():
        return
    sure = found.where(found.chance <= REFUSED)
    if len(sure.series):
        told = _told(replace(sure, series=sure.series - known.n_series), newer.ids, newer.frequency, "the fitted")
        raise FrequencyError(
            f"{told}. Forecasts of the steps between would rest on nothing. Give the rows of these steps, or fit "
            "again on a table of the coarser step."
        )


def _told(found: CoarseSteps, ids: Any, frequency: Frequency, whose: str = "the table's") -> str:
    """Return which series have one row in every how many steps, with up to five names."""
    every = [
        f"{low:,} steps" if low == high else f"{low:,} to {high:,} steps"
        for low, high in zip(found.least.tolist(), found.most.tolist(), strict=True)
    ]
    grid = f"of {whose} grid, {frequency.describe()}"
    names = [str(name) for name in ids[found.series]]
    if len(names) == 1:
        return f"Series {names[0]!r} has one row in every {every[0]} {grid}"
    shown = examples(zip(names, every, strict=True), lambda pair: f"{pair[0]!r} in every {pair[1]}")
    those = some_of(len(names), len(ids), "series", "has", "have")
    return f"{those} no row in most steps {grid}, but one each: {shown}"
