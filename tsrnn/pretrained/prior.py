"""The prior: random series from which the base model learns to forecast.

A recurrent network that has seen millions of simulated series forecasts real ones that it never saw. What it believes
of the world is what this file draws: from the families of `tsrnn.pretrained.processes`, in the shares below, with what
`tsrnn.pretrained.disturbances` does to them.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from tsrnn.pretrained.disturbances import disturb, drop_rows
from tsrnn.pretrained.draws import Floats, Rng, steps_a_year
from tsrnn.pretrained.processes import FAMILIES, exponential_smoothing, smooth_trends
from tsrnn.pretrained.traits import PLAIN, Traits

# How often each family is drawn. Exponential smoothing is the core: business series look like it. A member of the
# base may ask for smooth trends and drifting cycles, too. Of years these were what was missing: with a share of 0,
# 12, 30 and 50 % the MASE on held-back ends of M1 and Tourism, relative to the naive forecast's, was .774, .754, .742
# and .754 (2,000 steps of 128 windows; other seeds .760 and .743 with 12 and 30 %); of quarters .784, .775 and .768
# with 0, 12 and 30 %; of months, with hospital and CIF and two seeds, .799 and .794 with 0 and 12 %, but after 5,000
# steps .795 (.788 after 10,000 without them), so the networks of months have none. With 10 % of drifting cycles the
# MASE on the two last horizons of M4 Hourly's training part went from 1.40 and 1.32 to 1.16 and 1.21: the 25 series
# that had lost most, by temperature-like curves whose hours move from day to day, were more than the whole gap to the
# seasonal naive. Most of these days had 23 rows, from some time on: now rows are left out of some series, which helps a
# network that is told of a window's own season. Real days also have noise that lasts for hours, and weekends that are
# faded copies of a weekday: with both, and twice the steps, fourteen real hourly series came from .93 to .83 of the
# seasonal naive's error; with longer histories to .78, and with seasons that change in 30 % of them to .765.
SHARES = {
    "exponential_smoothing": 0.88,
    "structural": 0.03,
    "gaussian_process": 0.03,
    "prices": 0.02,
    "counts": 0.025,
    "intermittent": 0.015,
    "drifting_cycles": 0.0,
    "smooth_trends": 0.0,
}
# Of steps shorter than a month, prices are more common. A member may ask for further ones: of business days 30 % more
# came within 2.0 % of the last price's error on fourteen real prices, 50 % more within .4 % and .7 %.
MORE_PRICES = 0.08


def simulate(count: int, length: int, seasons: tuple[int, ...], rng: Rng, traits: Traits = PLAIN) -> Floats:
    """Draw series from the prior.

    Parameters
    ----------
    count, length : int
    seasons : tuple of int
        Season lengths, shortest first; 1 means none. A second one is a week of days, a year of weeks or the like.
    rng : numpy.random.Generator
    traits : Traits

    Returns
    -------
    array of shape (count, length)
        Finite values, in units of their own.

    Examples
    --------
    >>> simulate(3, 40, (12,), np.random.default_rng(0)).shape
    (3, 40)
    """
    shares = dict(SHARES)
    more = {
        "prices": MORE_PRICES * (steps_a_year(seasons[0]) > 12) + traits.prices,
        "drifting_cycles": traits.drifting,
        "smooth_trends": traits.smooth,
    }
    for name, share in more.items():
        shares["exponential_smoothing"] -= share
        shares[name] += share
    names = rng.choice(list(shares), size=count, p=list(shares.values()))
    families = FAMILIES | {
        "exponential_smoothing": partial(exponential_smoothing, traits=traits),
        "smooth_trends": partial(smooth_trends, traits=traits),
    }
    dropped = traits.dropped
    whole = length + (math.ceil(length / (seasons[0] - 1)) if dropped else 0)
    series = np.empty((count, whole))
    for name in SHARES:
        rows = np.flatnonzero(names == name)
        if len(rows):
            series[rows] = families[name](len(rows), whole, seasons, rng)
    return disturb(drop_rows(series, length, seasons[0], dropped, rng) if dropped else series, rng)
