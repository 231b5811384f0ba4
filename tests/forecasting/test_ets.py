from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from tests.conftest import monthly_table
from tsrnn import ETS
from tsrnn.errors import ParameterError
from tsrnn.forecasting.ets_fit import fit_forms
from tsrnn.forecasting.ets_form import FORMS, Smoothing, constrained, one_step
from tsrnn.forecasting.ets_series import EtsModel, candidates, fit_ets, forecast_ets

BY_NAME = {str(form): form for form in FORMS}
WORDS = {"N": None, "A": "add", "M": "mul"}


def series(n=48, m=4, seed=0):
    rows = np.arange(n)
    noise = np.random.default_rng(seed).normal(0, 0.6, n)
    return 20 + 0.2 * rows + 3 * np.sin(2 * np.pi * rows / m) + noise


def reference(y, form, m):
    return ETSModel(
        y,
        error=WORDS[form.error],
        trend=None if form.trend == "N" else "add",
        damped_trend=form.trend == "Ad",
        seasonal=WORDS[form.season],
        seasonal_periods=m if form.season != "N" else None,
    )


def their_parameters(smoothing, form):
    """The same parameters under statsmodels' names, its first season newest position first."""
    found = [smoothing.alpha[0]]
    if form.trend != "N":
        found.append(smoothing.beta[0])
    if form.season != "N":
        found.append(smoothing.gamma[0])
    if form.trend == "Ad":
        found.append(smoothing.phi[0])
    found.append(smoothing.level[0])
    if form.trend != "N":
        found.append(smoothing.trend[0])
    if form.season != "N":
        found += list(smoothing.season[::-1, 0])
    return np.array(found)


def by_the_table(y, smoothing):
    """The models with multiplicative error and season of Hyndman et al. (2008), table 2.1.

    statsmodels divides by the level after its update there, and so agrees only where gamma is near 0.
    """
    alpha, beta, gamma, phi, level, trend = (
        one[0]
        for one in (
            smoothing.alpha,
            smoothing.beta,
            smoothing.gamma,
            smoothing.phi,
            smoothing.level,
            smoothing.trend,
        )
    )
    season, forecasts = list(smoothing.season[:, 0]), []
    for value in y:
        base = level + phi * trend
        index = season.pop(0)
        forecasts.append(base * index)
        error = value / forecasts[-1] - 1
        level, trend = base * (1 + alpha * error), phi * trend + beta * base * error
        season.append(index * (1 + gamma * error))
    return np.array(forecasts)


def fitted_smoothing(fit, m):
    form = fit.form
    return constrained(fit.x[None], form.season, np.array([form.trend != "N"]), np.array([form.trend == "Ad"]), m)


@pytest.mark.parametrize("name", BY_NAME)
def test_one_step_forecasts_and_likelihood_are_those_of_statsmodels(name):
    y, form = series(), BY_NAME[name]
    (fit,) = fit_forms(y, [form], 4)
    theirs = reference(y, form, 4)
    # Fast smoothing as well, where a mistake in the recursion would show.
    for x in (fit.x, np.concatenate([np.zeros(4), fit.x[4:]])):
        smoothing = fitted_smoothing(replace(fit, x=x), 4)
        parameters = their_parameters(smoothing, form)
        ours = one_step(y, form.season, smoothing)[0][:, 0]
        expected = by_the_table(y, smoothing) if form.season == "M" else theirs.smooth(parameters).fittedvalues
        np.testing.assert_allclose(ours, expected, rtol=1e-9)
    parameters = their_parameters(fitted_smoothing(fit, 4), form)
    n, k = len(y), len(form.slots(4)) + 1
    deviance = -2 * theirs.loglike(parameters) - n * (np.log(2 * np.pi / n) + 1)
    assert fit.aicc == pytest.approx(deviance + 2 * k + 2 * k * (k + 1) / (n - k - 1))


# statsmodels lets a trend follow the errors more than its level, which damped trends make use of.
@pytest.mark.parametrize("name", [name for name in BY_NAME if "d" not in name])
def test_the_likelihood_is_at_least_that_of_statsmodels_own_search(name):
    y, form = series(seed=1), BY_NAME[name]
    (fit,) = fit_forms(y, [form], 4)
    theirs = reference(y, form, 4)
    # Its trend is kept within the same bound, so that both search the same models.
    theirs.bounds = {"smoothing_trend": (1e-4, 0.05)} if form.trend != "N" else {}
    ours = theirs.loglike(their_parameters(fitted_smoothing(fit, 4), form))
    # The last digits are left to either optimiser.
    assert ours >= theirs.fit(disp=False, maxiter=2000).llf - 0.05


def test_forms_are_estimated_together_as_they_are_alone():
    y = series()
    together = {str(fit.form): fit.aicc for fit in fit_forms(y, FORMS, 4)}
    for name in ("ANN", "AAdA", "MAM"):
        (alone,) = fit_forms(y, [BY_NAME[name]], 4)
        assert together[name] == pytest.approx(alone.aicc, abs=1e-6)


@pytest.mark.parametrize("name", BY_NAME)
def test_intervals_are_those_of_simulated_futures(name):
    form, h, n_paths = BY_NAME[name], 9, 20000
    seasons = {
        "N": np.zeros((1, 1)),
        "A": np.array([[2.0], [-1], [-3], [2]]),
        "M": np.array([[1.1], [0.9], [0.8], [1.2]]),
    }
    trend = form.trend != "N"
    start = Smoothing(
        *(
            np.array([value])
            for value in (0.4, 0.05 * trend, 0.2 * (form.season != "N"), 0.9 if form.trend == "Ad" else 1.0)
        ),
        level=np.array([20.0]),
        trend=np.array([0.5 * trend]),
        season=seasons[form.season],
    )
    sigma = 0.03 if form.error == "M" else 0.8
    rng = np.random.default_rng(0)
    level, slope = np.full(n_paths, 20.0), np.full(n_paths, 0.5 * trend)
    season = np.repeat(seasons[form.season], n_paths, axis=1)
    alpha, beta, gamma, phi = (one[0] for one in (start.alpha, start.beta, start.gamma, start.phi))
    futures = np.empty((h, n_paths))
    for step in range(h):
        base = level + phi * slope
        index = season[step % len(season)]
        mean = base * index if form.season == "M" else base + index
        error = sigma * rng.normal(size=n_paths) * (mean if form.error == "M" else 1.0)
        futures[step] = mean + error
        by_level = error / index if form.season == "M" else error
        level, slope = base + alpha * by_level, phi * slope + beta * by_level
        season[step % len(season)] = index + gamma * (error / base if form.season == "M" else error)
    # An empty past: one value that the model forecast without error changes no state but time.
    model = EtsModel(form, _back_one(start), sigma, 1.0, 0.0)
    first = _first_value(model.start, form)
    values = forecast_ets(model, [np.array([first])], h, [0.5, 0.8413447])[0]
    np.testing.assert_allclose(values[:, 0], futures.mean(1), rtol=4e-3)
    np.testing.assert_allclose(values[:, 1] - values[:, 0], futures.std(1), rtol=0.03)


def _back_one(start):
    """States one row earlier, from which a row without error leads to `start`."""
    trend = start.trend / start.phi
    return Smoothing(
        start.alpha,
        start.beta,
        start.gamma,
        start.phi,
        start.level - start.trend,
        trend,
        np.roll(start.season, 1, axis=0),
    )


def _first_value(start, form):
    base = float(start.level[0] + start.phi[0] * start.trend[0])
    return base * start.season[0, 0] if form.season == "M" else base + start.season[0, 0]


def test_the_form_of_simulated_series_is_found():
    rng = np.random.default_rng(0)
    level = 50 + np.cumsum(rng.normal(0, 1, 120))
    assert str(fit_ets(level, 1).form)[1:] == "NN"
    rows = np.arange(120)
    growing = (20 + 0.5 * rows) * (1 + 0.3 * np.sin(2 * np.pi * rows / 12)) * (1 + 0.02 * rng.normal(size=120))
    assert fit_ets(growing, 12).form.season == "M"
    steady = 20 + 0.5 * rows + 10 * np.sin(2 * np.pi * rows / 12) + rng.normal(size=120)
    assert fit_ets(steady, 12).form.season == "A"


def test_values_that_are_not_positive_allow_additive_forms_only():
    y = series() - 20
    assert {str(form) for form in candidates(y, 4)} == {"ANN", "ANA", "AAN", "AAA", "AAdN", "AAdA"}
    assert {form.season for form in candidates(series()[:4], 4)} == {"N"}


def test_several_cutoffs_are_forecast_as_each_alone():
    y = series(60)
    model = fit_ets(y, 4)
    ends = [60, 20, 45, 45]
    together = forecast_ets(model, [y[:end] for end in ends], 5, [0.1, 0.5])
    for end, values in zip(ends, together, strict=True):
        np.testing.assert_allclose(values, forecast_ets(model, [y[:end]], 5, [0.1, 0.5])[0])


def test_a_history_filled_at_its_end_does_not_stay_in_longer_ones():
    y = series(40)
    model = fit_ets(y, 4)
    flat = y[:30].copy()
    flat[28:] = flat[27]
    together = forecast_ets(model, [flat, y], 3, [0.5])
    np.testing.assert_array_equal(together[1], forecast_ets(model, [y], 3, [0.5])[0])


def test_the_season_keeps_its_phase_in_a_later_table():
    rows = np.arange(80)
    y = pd.Series(30 + 4 * np.array([0, 1, 2, -3])[rows % 4] + np.random.default_rng(0).normal(0, 0.1, 80), name="y")
    model = ETS("ANA", season_length=4).fit(y)
    np.testing.assert_allclose(model.predict(h=4, df=y.iloc[30:]), model.predict(h=4), atol=0.3)


def test_a_long_season_is_taken_out_and_told():
    rows = np.arange(200)
    y = pd.Series(30 + 4 * np.sin(2 * np.pi * rows / 40) + np.random.default_rng(0).normal(0, 0.1, 200), name="y")
    model = ETS(season_length=40).fit(y)
    assert model.notes_ == [
        "The season of 40 steps is longer than 24: 1 of 1 series has it taken out by fixed indices, the others have "
        "none."
    ]
    expected = 30 + 4 * np.sin(2 * np.pi * np.arange(200, 240) / 40)
    np.testing.assert_allclose(model.predict(h=40), expected, atol=0.5)


def test_gaps_are_interpolated_and_told(monthly):
    gapped = monthly.copy()
    gapped.loc[[10, 11, 80], "y"] = np.nan
    model = ETS("ANA").fit(gapped)
    assert model.notes_ == [
        "2 of 3 series have missing values (3 in all), which ETS cannot take; they are interpolated: series 0, "
        "series 1."
    ]
    filled = gapped.assign(y=gapped.groupby("unique_id")["y"].transform(lambda y: y.interpolate()))
    pd.testing.assert_frame_equal(model.predict(h=4, level=80), ETS("ANA").fit(filled).predict(h=4, level=80))


@pytest.mark.parametrize("n", [4, 5, 6, 8, 13])
def test_very_short_series_have_finite_forecasts(n):
    y = series(n)
    values = forecast_ets(fit_ets(y, 4), [y], 6, [0.1, 0.5, 0.9])
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=2) > 0).all()


def test_a_given_form_is_used_and_others_are_refused():
    table = monthly_table(n_series=1)
    assert ETS("MAdM").fit(table).forms_ == {"series 0": "MAdM"}
    with pytest.raises(ParameterError, match="form='AMM': expected 'auto' or one of ANN"):
        ETS("AMM").fit(table)
    with pytest.raises(ParameterError, match="the season length is 1; expected 2 to 24"):
        ETS("ANA", season_length=1).fit(table)


@pytest.mark.parametrize("season_length", [1, 12])
def test_a_long_series_is_estimated_on_its_last_rows(monkeypatch, season_length):
    t = np.arange(200)
    y = 50 + 5 * np.sin(2 * np.pi * t / 12) + np.random.default_rng(0).normal(0, 1, 200)
    monkeypatch.setattr("tsrnn.forecasting.ets_series.LONGEST_FIT", 100)
    model = fit_ets(y, season_length)
    assert model.first == (100 if season_length == 1 else 96)
    alone = fit_ets(y[model.first :], season_length)
    # Histories that end before these rows are forecast, too.
    ends = [60, 150, 200]
    answers = forecast_ets(model, [y[:end] for end in ends], 6, [0.1, 0.5, 0.9])
    assert np.isfinite(answers).all()
    later = forecast_ets(alone, [y[model.first : end] for end in ends[1:]], 6, [0.1, 0.5, 0.9])
    np.testing.assert_array_equal(answers[1:], later)
    np.testing.assert_array_equal(answers[:1], forecast_ets(model, [y[:60]], 6, [0.1, 0.5, 0.9]))
    np.testing.assert_array_equal(answers[2:], forecast_ets(model, [y[50:]], 6, [0.1, 0.5, 0.9], origin=50))


def test_zeros_before_the_rows_that_are_estimated_on_forbid_multiplicative_forms():
    n = 3600
    t = np.arange(n)
    rng = np.random.default_rng(0)
    level = 100 + np.cumsum(rng.normal(0, 0.3, n))
    y = level * (1 + 0.3 * np.sin(2 * np.pi * t / 7)) * (1 + rng.normal(0, 0.02, n))
    y[:300] = 0
    days = pd.Series(y, pd.date_range("2010-01-01", periods=n, freq="D"), name="y")
    model = ETS().fit(days)
    early = model.predict(3, df=days[:420], level=80)
    assert np.isfinite(early.iloc[:, 2:].to_numpy()).all()
