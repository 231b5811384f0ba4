import itertools
import math
import warnings

import numpy as np
import pytest
from statsmodels.tsa.stattools import kpss

from tsrnn.forecasting.arima_form import Estimate, Order, difference
from tsrnn.forecasting.arima_likelihood import fit_complete
from tsrnn.forecasting.arima_search import (
    carried_start,
    choose_differences,
    kpss_statistic,
    number_of_differences,
    search_order,
    seasonal_strength,
)

RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=150)
SEASON = 5 * np.sin(2 * np.pi * np.arange(150) / 12)


@pytest.mark.parametrize("seed", range(5))
def test_the_kpss_statistic_is_that_of_statsmodels(seed):
    noise = np.random.default_rng(seed).normal(size=200)
    y = noise + 0.13 * np.cumsum(noise)
    # statsmodels warns of its table of p-values and of its next release; neither touches the statistic.
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        expected = kpss(y, "c", nlags=int(3 * math.sqrt(200) / 13))[0]
    assert kpss_statistic(y) == pytest.approx(expected)


@pytest.mark.parametrize("n_sums", [0, 1, 2])
def test_as_many_differences_are_found_as_sums_were_taken(n_sums):
    y = NOISE
    for _ in range(n_sums):
        y = np.cumsum(y)
    assert number_of_differences(y) == n_sums


def test_differencing_stops_at_a_constant():
    assert number_of_differences(np.arange(50.0)) == 1
    assert number_of_differences(np.ones(50)) == 0
    assert number_of_differences(np.array([1.0])) == 0


def test_a_strong_season_is_differenced_and_none_is_not():
    assert seasonal_strength(SEASON + 0.3 * NOISE, 12) > 0.9
    assert seasonal_strength(NOISE, 12) < 0.64
    assert choose_differences(SEASON + 0.3 * NOISE, 12) == (0, 1)
    assert choose_differences(NOISE, 12) == (0, 0)


def test_two_seasons_or_fewer_tell_no_strength():
    assert seasonal_strength((SEASON + 0.1 * NOISE)[:24], 12) == 0
    assert seasonal_strength(NOISE, 1) == 0
    assert seasonal_strength(np.ones(60), 12) == 0


def test_the_search_comes_close_to_the_best_of_all_orders():
    y = np.zeros(150)
    for t in range(2, 150):
        y[t] = 1.2 * y[t - 1] - 0.6 * y[t - 2] + NOISE[t]
    found = search_order(y, 1).ranked
    assert found[0].order.d == 0
    everything = [
        fit_complete(y, Order(p, 0, q, constant=constant), exact=True).aicc
        for p, q, constant in itertools.product(range(4), range(4), (False, True))
    ]
    assert found[0].aicc <= min(everything) + 1.0
    assert [one.aicc for one in found[:-1]] == sorted(one.aicc for one in found[:-1])


def test_an_airline_series_gets_a_model_at_least_as_good_as_the_airline_model():
    w = NOISE.copy()
    w[1:] -= 0.5 * NOISE[:-1]
    w[12:] -= 0.6 * NOISE[:-12]
    w[13:] += 0.3 * NOISE[:-13]
    y = np.cumsum(w)
    for t in range(12, 150):
        y[t] += y[t - 12]
    y += 50 * SEASON
    best = search_order(y, 12).ranked[0]
    airline = Order(0, 1, 1, 0, 1, 1, 12)
    assert (best.order.D, best.order.d) == (1, 1)
    assert best.order.P + best.order.Q >= 1
    assert best.aicc <= fit_complete(difference(y, airline), airline, exact=True).aicc


def test_a_drift_is_found_and_a_second_difference_never_stands_alone():
    drifting = search_order(np.cumsum(NOISE + 2), 1).ranked[0]
    assert drifting.order.constant
    assert drifting.constant == pytest.approx(np.diff(np.cumsum(NOISE + 2)).mean(), abs=0.1)
    twice = search_order(np.cumsum(np.cumsum(NOISE)), 1).ranked
    assert twice[0].order.d == 2
    assert twice[0].order.q >= 1


def test_a_constant_difference_needs_no_search():
    found = search_order(np.arange(40.0), 1).ranked
    assert [str(one.order) for one in found] == ["(0,1,0) with drift"]
    assert found[0].constant == pytest.approx(1.0)
    assert found[0].sigma == pytest.approx(0.0, abs=1e-12)


def test_only_the_newest_points_are_searched():
    y = np.concatenate([1e3 * np.sin(np.arange(300)), NOISE])
    few, alone = search_order(y, 1, max_points=150), search_order(NOISE, 1)
    assert few.ranked[0].order == alone.ranked[0].order
    assert few.ranked[0].aicc == alone.ranked[0].aicc


def test_the_clock_stops_the_search_with_the_best_so_far():
    y = np.cumsum(NOISE) + SEASON
    stopped, full = search_order(y, 12, seconds=0.0), search_order(y, 12)
    assert stopped.out_of_time
    assert not full.out_of_time
    assert np.isfinite(stopped.ranked[0].aicc)
    assert len(stopped.ranked) < len(full.ranked)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 9])
def test_very_short_series_get_an_order(n):
    found = search_order(np.array([1.0, 3, 2, 5, 4, 7, 6, 9, 8])[:n], 4)
    assert np.isfinite(found.ranked[-1].sigma)


def test_coefficients_are_carried_over_by_kind():
    near = Estimate(Order(2, 0, 1, 1, 0, 0, 4), np.array([0.1, 0.2, 0.3, 0.4]), 0.0, 1.0, 0.0, True)
    assert carried_start(near, Order(1, 0, 2, 1, 0, 1, 4)).tolist() == [0.1, 0.3, 0.0, 0.4, 0.0]
