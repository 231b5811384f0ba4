import numpy as np
import pytest
from statsmodels.tsa.statespace.sarimax import SARIMAX

from tsrnn.forecasting import arima_state
from tsrnn.forecasting.arima_form import Estimate, Order, difference, polynomials
from tsrnn.forecasting.arima_likelihood import fit_complete
from tsrnn.forecasting.arima_state import constant_line, fit_missing, forecasts
from tsrnn.forecasting.series_values import interpolate

N = 90
RNG = np.random.default_rng(3)
WALK = np.cumsum(RNG.normal(size=N)) + 3 * np.sin(2 * np.pi * np.arange(N) / 4)
GAPPED = WALK.copy()
GAPPED[[10, 11, 37, 60, 61, 62, 88]] = np.nan
ORDERS = [Order(1, 0, 1), Order(0, 1, 1), Order(2, 2, 1), Order(1, 0, 1, 0, 1, 1, 4), Order(0, 1, 1, 1, 1, 1, 4)]


def fixed(order: Order, sigma: float = 1.3, constant: float = 0.0) -> Estimate:
    x = np.linspace(0.5, -0.4, order.n_coefficients)
    return Estimate(order, x, constant, sigma, 0.0, True)


def statsmodels_result(order: Order, found: Estimate, y: np.ndarray):
    one = Order(order.p, 0, order.q)
    ar, ma = polynomials(one, found.x[: order.p + order.q])
    seasonal_ar, seasonal_ma = polynomials(Order(order.P, 0, order.Q), found.x[order.p + order.q :])
    model = SARIMAX(
        y,
        order=(order.p, order.d, order.q),
        seasonal_order=(order.P, order.D, order.Q, order.m if order.m > 1 else 0),
        use_exact_diffuse=True,
    )
    parts = [-ar[1:], ma[1:], -seasonal_ar[1:], seasonal_ma[1:], [found.sigma**2]]
    return model.smooth(np.concatenate(parts))


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("y", [WALK, GAPPED], ids=["complete", "gapped"])
def test_forecasts_are_those_of_statsmodels(order, y):
    found = fixed(order)
    mean, deviation, told = forecasts(found, y, np.array([N]), 10)
    theirs = statsmodels_result(order, found, y).get_forecast(10)
    assert told.all()
    np.testing.assert_allclose(mean[0], theirs.predicted_mean, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(deviation[0], theirs.se_mean, rtol=1e-4)


def test_a_drift_continues_the_line():
    found = fixed(Order(0, 1, 0, constant=True), constant=0.5)
    mean, deviation, _ = forecasts(found, WALK, np.array([N]), 4)
    np.testing.assert_allclose(mean[0], WALK[-1] + 0.5 * np.arange(1, 5), atol=1e-6)
    np.testing.assert_allclose(deviation[0], 1.3 * np.sqrt(np.arange(1, 5)), rtol=1e-6)
    seasonal = fixed(Order(0, 0, 0, 0, 1, 0, 4, constant=True), constant=0.5)
    mean, _, _ = forecasts(seasonal, WALK, np.array([N]), 8)
    np.testing.assert_allclose(mean[0, 4:], WALK[-4:] + 1.0, atol=1e-5)


def test_the_line_has_differences_of_one():
    for order in (Order(0, 1, 0), Order(0, 0, 0, 0, 1, 0, 4)):
        np.testing.assert_allclose(difference(constant_line(order, 20), order), 1.0)
    assert (constant_line(Order(1, 0, 0), 3) == 1).all()


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_one_pass_gives_what_a_pass_for_each_cutoff_gives(order):
    ends = np.array([50, 90, 71, 50])
    together = forecasts(fixed(order), GAPPED, ends, 6)
    for b, end in enumerate(ends):
        alone = forecasts(fixed(order), GAPPED[:end], np.array([end]), 6)
        np.testing.assert_array_equal(together[0][b], alone[0][0])
        np.testing.assert_array_equal(together[1][b], alone[1][0])


def test_nothing_after_a_cutoff_is_seen():
    changed = GAPPED.copy()
    changed[50:] = 1e9 * np.sin(np.arange(N - 50))
    order = ORDERS[-1]
    before, after = (forecasts(fixed(order), y, np.array([50, 90]), 6) for y in (GAPPED, changed))
    np.testing.assert_array_equal(before[0][0], after[0][0])
    np.testing.assert_array_equal(before[1][0], after[1][0])
    assert not np.allclose(before[0][1], after[0][1])


def test_the_memory_limit_does_not_change_the_forecast(monkeypatch):
    y = np.concatenate([GAPPED, GAPPED, GAPPED])
    ends = np.array([40, 50, 51, 100, 270])
    whole = forecasts(fixed(ORDERS[-1]), y, ends, 6)
    monkeypatch.setattr(arima_state, "_CHUNK_NUMBERS", 1)
    for ours, theirs in zip(forecasts(fixed(ORDERS[-1]), y, ends, 6), whole, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_a_history_shorter_than_the_differences_is_not_told():
    _, _, told = forecasts(fixed(Order(0, 1, 1, 0, 1, 0, 4)), WALK, np.array([0, 1, 4, 5, 20]), 3)
    assert told.tolist() == [False, False, False, True, True]
    never = GAPPED.copy()
    never[1::4] = np.nan
    assert not forecasts(fixed(Order(0, 0, 0, 0, 1, 0, 4)), never, np.array([N]), 3)[2].any()


MISSING_ORDERS = [Order(1, 0, 1, constant=True), Order(0, 1, 1, 1, 0, 0, 4), Order(1, 1, 0)]


@pytest.mark.parametrize("order", MISSING_ORDERS, ids=str)
def test_missing_values_are_estimated_by_the_likelihood_of_statsmodels(order):
    filled = interpolate(GAPPED)
    start = fit_complete(difference(filled, order), order, exact=True)
    found = fit_missing(GAPPED, start, max_iterations=30)
    model = SARIMAX(
        GAPPED,
        order=(order.p, order.d, order.q),
        seasonal_order=(order.P, order.D, order.Q, order.m if order.m > 1 else 0),
        trend="c" if order.constant else "n",
        use_exact_diffuse=True,
    )
    result = model.fit(disp=False, maxiter=200)
    n = int(np.isfinite(GAPPED).sum()) - order.n_lost
    ours = model.loglike(_statsmodels_parameters(order, found, n))
    start_of_ours = model.loglike(_statsmodels_parameters(order, start, n))
    assert ours >= result.llf - 0.01
    assert ours > start_of_ours + 0.1


def _statsmodels_parameters(order: Order, found: Estimate, n: int) -> np.ndarray:
    ar, ma = polynomials(Order(order.p, 0, order.q), found.x[: order.p + order.q])
    seasonal_ar, seasonal_ma = polynomials(Order(order.P, 0, order.Q), found.x[order.p + order.q :])
    # The intercept of statsmodels is that of the recursion, the constant here the mean.
    intercept = [found.constant * ar.sum()] if order.constant else []
    # The standard deviation here is corrected for degrees of freedom, the likelihood's is not.
    variance = found.sigma**2 * (n - order.n_coefficients - order.constant) / n
    return np.concatenate([intercept, -ar[1:], ma[1:], -seasonal_ar[1:], seasonal_ma[1:], [variance]])


def test_too_few_observed_values_are_an_error():
    y = np.full(30, np.nan)
    y[[0, 9, 17, 29]] = [1.0, 2.0, 1.5, 2.5]
    with pytest.raises(ArithmeticError, match="too few"):
        fit_missing(y, fixed(Order(1, 1, 1)))
