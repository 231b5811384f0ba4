import numpy as np
import pytest
from statsmodels.tsa.statespace.sarimax import SARIMAX

from tsrnn.forecasting.arima_form import Order, polynomials
from tsrnn.forecasting.arima_likelihood import conditional_residuals, exact_residuals, fit_complete

ORDERS = [
    Order(1, 0, 0),
    Order(0, 0, 2),
    Order(2, 0, 1),
    Order(3, 0, 3),
    Order(1, 0, 1, 1, 0, 1, 4),
    Order(0, 0, 1, 2, 0, 0, 4),
    Order(2, 0, 0, 0, 0, 1, 12),
]


def simulated(n: int, seed: int = 0) -> np.ndarray:
    """Return an ARMA(1, 1) series with phi = .6 and theta = .4."""
    noise = np.random.default_rng(seed).normal(size=n + 50)
    w = np.zeros(n + 50)
    for t in range(1, n + 50):
        w[t] = 0.6 * w[t - 1] + noise[t] + 0.4 * noise[t - 1]
    return w[50:]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("n", [8, 60])
def test_the_exact_likelihood_is_that_of_the_kalman_filter(order, n):
    rng = np.random.default_rng(order.p + 7 * order.q)
    ar, ma = polynomials(order, rng.normal(size=order.n_coefficients) * 0.5)
    w = rng.normal(size=n)
    whitened, log_spread = exact_residuals(w[:, None], ar, ma)
    ours = -0.5 * (n * np.log(2 * np.pi) + 2 * n * log_spread + float((whitened**2).sum()))
    kalman = SARIMAX(w, order=(len(ar) - 1, 0, len(ma) - 1), trend="n")
    theirs = kalman.loglike(np.concatenate([-ar[1:], ma[1:], [1.0]]))
    assert ours == pytest.approx(theirs, abs=1e-7)


def test_conditional_residuals_follow_the_recursion():
    order = Order(2, 0, 1)
    ar, ma = polynomials(order, np.array([0.3, -0.4, 0.5]))
    w = np.random.default_rng(1).normal(size=20)
    expected = np.zeros(20)
    for t in range(20):
        past = sum(ar[i] * w[t - i] for i in range(1, 3) if t - i >= 0)
        expected[t] = w[t] + past - (ma[1] * expected[t - 1] if t else 0.0)
    np.testing.assert_allclose(conditional_residuals(w[:, None], ar, ma)[0][:, 0], expected)


@pytest.mark.parametrize(
    "order", [Order(1, 0, 1, constant=True), Order(2, 0, 0), Order(1, 0, 0, 0, 0, 1, 4, constant=True)], ids=str
)
def test_the_estimate_reaches_the_likelihood_and_criterion_of_statsmodels(order):
    w = simulated(120) + 3
    found = fit_complete(w, order, exact=True)
    model = SARIMAX(
        w,
        order=(order.p, 0, order.q),
        seasonal_order=(order.P, 0, order.Q, order.m if order.m > 1 else 0),
        trend="c" if order.constant else "n",
    )
    result = model.fit(disp=False)
    assert found.converged
    # Ours may be the higher maximum, never a lower one.
    assert found.aicc <= result.aicc + 1e-3
    assert found.aicc == pytest.approx(result.aicc, abs=0.05)
    if order.constant:
        assert found.constant == pytest.approx(w.mean(), abs=0.5)


def test_the_conditional_estimate_lies_near_the_exact_one():
    w = simulated(2000)
    order = Order(1, 0, 1)
    conditional, exact = (fit_complete(w, order, exact=one) for one in (False, True))
    np.testing.assert_allclose(conditional.x, exact.x, atol=0.02)
    ar, ma = polynomials(order, exact.x)
    assert ar[1] == pytest.approx(-0.6, abs=0.08)
    assert ma[1] == pytest.approx(0.4, abs=0.08)
    assert exact.sigma == pytest.approx(1.0, abs=0.05)


def test_a_model_near_the_unit_circle_has_an_infinite_criterion():
    # An overdifferenced series has a moving-average root of 1.
    noise = np.random.default_rng(0).normal(size=200)
    assert fit_complete(np.diff(noise), Order(0, 1, 1), exact=True).aicc == np.inf
