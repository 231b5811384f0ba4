import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from tests.conftest import monthly_table
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.errors import ParameterError
from tsrnn.forecasting import arima_series, jobs
from tsrnn.forecasting.arima import ARIMA
from tsrnn.forecasting.naive import seasonal_naive_quantiles

QUANTILES = [0.1, 0.5, 0.9]


def hourly(n_rows: int = 400, start: str = "2024-01-01", season_length: int = 96) -> pd.Series:
    index = pd.date_range("2024-01-01", periods=n_rows, freq="15min", name="ds")
    rows = np.arange(n_rows)
    y = 10 * np.sin(2 * np.pi * rows / season_length) + np.random.default_rng(1).normal(size=n_rows)
    return pd.Series(y, index=index, name="load").loc[start:]


def test_every_series_has_an_order_of_its_own_and_a_note_only_where_needed(monthly):
    model = ARIMA().fit(monthly)
    assert list(model.orders_) == ["series 0", "series 1", "series 2"]
    assert all("[12]" in order for order in model.orders_.values())
    assert model.notes_ == []
    assert model.summary().startswith("ARIMA, season 12, 3 series: (")


def test_a_given_order_is_used(monthly):
    model = ARIMA((1, 0, 0), (0, 1, 1)).fit(monthly)
    assert set(model.orders_.values()) == {"(1,0,0)(0,1,1)[12]"}
    assert set(ARIMA((1, 0, 0)).fit(monthly).orders_.values()) == {"(1,0,0) with mean"}


def test_nothing_after_a_cutoff_moves_a_forecast(monthly):
    model = ARIMA().fit(monthly[monthly["ds"] < "2018-01-01"])
    changed = monthly.copy()
    changed.loc[changed["ds"] >= "2018-07-01", "y"] = 1e7
    cutoffs = Cutoffs(np.array([0, 0, 1, 2, 2]), np.array([36, 42, 40, 42, 30]))
    before, after = (model.forecast(read_panel(table), cutoffs, 12, QUANTILES) for table in (monthly, changed))
    np.testing.assert_array_equal(before, after)
    later = Cutoffs(np.array([0]), np.array([50]))
    assert not np.allclose(*(model.forecast(read_panel(table), later, 12, QUANTILES) for table in (monthly, changed)))


def test_the_order_of_the_cutoffs_does_not_matter(monthly):
    model, panel = ARIMA((0, 1, 1)).fit(monthly), read_panel(monthly)
    series, end = np.array([2, 0, 1, 0]), np.array([60, 40, 55, 30])
    together = model.forecast(panel, Cutoffs(series, end), 4, QUANTILES)
    for b in range(4):
        alone = model.forecast(panel, Cutoffs(series[b : b + 1], end[b : b + 1]), 4, QUANTILES)
        np.testing.assert_array_equal(together[b], alone[0])


def test_worker_processes_give_the_same_numbers(monthly):
    here, there = ARIMA(n_jobs=1).fit(monthly), ARIMA(n_jobs=2).fit(monthly)
    assert here.orders_ == there.orders_
    panel = read_panel(monthly)
    np.testing.assert_array_equal(
        here.forecast(panel, panel.last_cutoffs(), 6, QUANTILES),
        there.forecast(panel, panel.last_cutoffs(), 6, QUANTILES),
    )


def test_work_that_takes_long_moves_to_worker_processes(monthly, monkeypatch):
    whole = ARIMA((0, 1, 1)).fit(monthly)
    started = []

    class Watched(jobs.Parallel):
        def __init__(self, **options):
            started.append(options["n_jobs"])
            super().__init__(**options)

    monkeypatch.setattr(jobs, "Parallel", Watched)
    monkeypatch.setattr(jobs.os, "cpu_count", lambda: 2)
    assert ARIMA((0, 1, 1)).fit(monthly).orders_ == whole.orders_
    assert started == []
    monkeypatch.setattr(jobs, "_PROBE_SECONDS", 0.0)
    monkeypatch.setattr(jobs, "_WORTH_SECONDS", 0.0)
    moved = ARIMA((0, 1, 1)).fit(monthly)
    assert started == [2]
    pd.testing.assert_frame_equal(moved.predict(h=3), whole.predict(h=3))


def test_series_are_matched_by_id_and_unknown_ones_are_fitted_on_the_spot(monthly):
    known = monthly[monthly["unique_id"] != "series 2"]
    model = ARIMA().fit(known)
    shuffled = monthly.sort_values(["unique_id", "ds"], ascending=[False, True])
    everything = model.predict(h=4, df=shuffled).set_index("unique_id")
    alone = model.predict(h=4).set_index("unique_id")
    for name in ("series 0", "series 1"):
        np.testing.assert_array_equal(everything.loc[name, "yhat"], alone.loc[name, "yhat"])
    other = ARIMA().fit(monthly[monthly["unique_id"] == "series 2"]).predict(h=4)
    np.testing.assert_allclose(everything.loc["series 2", "yhat"], other["yhat"])
    model.predict(h=4, df=shuffled)
    assert model.notes_ == [
        "1 of 3 series was not fitted before; each was fitted on its history up to the earliest cutoff asked for: "
        "series 2."
    ]
    model.predict(h=4)
    assert model.notes_ == []


def test_an_unknown_series_is_fitted_on_nothing_after_its_earliest_cutoff():
    panel = read_panel(monthly_table(1))
    model = ARIMA().fit(monthly_table(1).assign(unique_id="other"))
    cutoffs = Cutoffs(np.array([0, 0]), np.array([40, 50]))
    before = model.forecast(panel, cutoffs, 5, QUANTILES)
    changed = monthly_table(1)
    changed.loc[40:, "y"] *= 3
    after = model.forecast(read_panel(changed), cutoffs, 5, QUANTILES)
    np.testing.assert_array_equal(before[0], after[0])


def test_short_series_fall_back_and_are_named(monthly):
    short = monthly.groupby("unique_id").head(60).drop(monthly.index[2:60])
    model = ARIMA().fit(short)
    assert model.orders_["series 0"] == "seasonal naive"
    assert model.notes_ == [
        "1 of 3 series has fewer than 4 observed values and is forecast by the seasonal naive: series 0."
    ]
    y = short.loc[short["unique_id"] == "series 0", "y"].to_numpy()
    answer = model.predict(h=3)
    expected = seasonal_naive_quantiles(y, 12, 3, [0.5])[:, 0]
    np.testing.assert_allclose(answer.loc[answer["unique_id"] == "series 0", "yhat"], expected)


def test_an_order_too_large_for_a_series_falls_back_with_a_note(monthly):
    model = ARIMA((1, 1, 1), (1, 1, 1)).fit(monthly.groupby("unique_id").head(15))
    assert set(model.orders_.values()) == {"seasonal naive"}
    assert "3 of 3 series could not be fitted" in model.notes_[0]
    assert np.isfinite(model.predict(h=3)["yhat"]).all()


def test_cutoffs_with_too_little_history_fall_back_with_a_note(monthly):
    model = ARIMA((0, 1, 1), (0, 1, 1)).fit(monthly)
    values = model.forecast(read_panel(monthly), Cutoffs(np.array([1, 1]), np.array([5, 40])), 2, QUANTILES)
    assert np.isfinite(values).all()
    assert model.notes_ == [
        "1 of 2 cutoffs has too little history for the fitted model and is forecast by the seasonal naive: series 1."
    ]


def test_a_note_says_that_values_are_missing_where_history_is_not_short():
    days = pd.date_range("2022-01-03", "2022-12-31")
    sales = pd.Series(np.array([10.0, 12.0, 13.0, 14.0, 20.0, 40.0, np.nan])[days.day_of_week], index=days, name="shop")
    sales += np.random.default_rng(0).normal(0, 0.5, len(days))
    model = ARIMA((0, 0, 0), (0, 1, 1)).fit(sales)
    assert model.predict(h=7).iloc[:6].notna().all()
    assert model.notes_ == [
        "1 of 1 cutoff has no value at 1 of the 7 steps of the season, so too little for the fitted model and is "
        "forecast by the seasonal naive: shop."
    ]
    sales.iloc[:12] = np.nan
    sales.iloc[12:24:2] = np.nan
    model.forecast(read_panel(sales), Cutoffs(np.array([0]), np.array([9])), 2, QUANTILES)
    assert model.notes_ == [
        "1 of 1 cutoff has too few observed values for the fitted model and is forecast by the seasonal naive: shop."
    ]


def test_a_search_out_of_time_is_noted(monthly):
    model = ARIMA(seconds_per_series=1e-9).fit(monthly)
    assert "3 of 3 series ran into the limit of 1e-09 seconds" in model.notes_[0]
    assert np.isfinite(model.predict(h=3)["yhat"]).all()


def test_likelihoods_that_do_not_converge_are_counted(monthly, monkeypatch):
    from tsrnn.forecasting import arima_likelihood

    iterate = arima_likelihood._levenberg_marquardt
    monkeypatch.setattr(arima_likelihood, "_levenberg_marquardt", lambda f, starts, n: iterate(f, starts, min(n, 1)))
    model = ARIMA((2, 1, 2), n_jobs=1).fit(monthly)
    assert "3 of 3 series have a likelihood that did not converge" in model.notes_[0]


def test_missing_values_stay_missing_and_do_not_stop_the_forecast(monthly):
    gapped = monthly.copy()
    gapped.loc[[10, 11, 80, 119, 150], "y"] = np.nan
    answer = ARIMA().fit(gapped).predict(h=12, level=80)
    assert np.isfinite(answer[["yhat", "yhat-lo-80", "yhat-hi-80"]].to_numpy()).all()
    complete = ARIMA().fit(monthly).predict(h=12)
    assert np.abs(answer["yhat"] - complete["yhat"]).max() < 6


def test_a_long_season_is_told_by_a_note_and_keeps_its_phase_in_a_later_table():
    model = ARIMA(season_length=96).fit(hourly())
    assert "1 harmonic of 96" in model.orders_["load"]
    assert "The season of 96 steps is longer than 24: 1 of 1 series" in model.notes_[0]
    whole = model.predict(h=96)
    later = model.predict(h=96, df=hourly(start="2024-01-03 07:15"))
    assert np.abs(whole - later).max() < 0.5
    assert np.ptp(whole) > 15


@pytest.mark.parametrize("h", [1, 7])
def test_fewer_steps_are_the_beginning_of_more(monthly, h):
    model = ARIMA((1, 1, 1)).fit(monthly)
    panel = read_panel(monthly)
    few, many = (model.forecast(panel, panel.last_cutoffs(), steps, QUANTILES) for steps in (h, 20))
    np.testing.assert_array_equal(few, many[:, :h])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"order": "automatic"}, r"order='automatic': expected 'auto' or \(p, d, q\)"),
        ({"order": (1, 1)}, r"order=\(1, 1\): expected"),
        ({"order": (1, -1, 0)}, "in whole numbers of 0 or more"),
        ({"order": (1, 0.5, 0)}, "in whole numbers"),
        ({"order": (1, 3, 0)}, "d is 3, expected at most 2"),
        ({"order": (1, 1, 0), "seasonal_order": (0, 2, 0)}, "D is 2, expected at most 1"),
        ({"seasonal_order": (0, 1, 1)}, "give both orders, or neither"),
        ({"order": (1, 1, 0), "seasonal_order": (0, 1, 1), "season_length": 1}, "the season length is 1"),
        ({"order": (1, 1, 0), "seasonal_order": (0, 1, 1), "season_length": 100}, "needs 202 states; at most 150"),
        ({"max_search_points": 5}, "max_search_points=5: expected a whole number, 20 or more"),
        ({"seconds_per_series": float("nan")}, "seconds_per_series=nan: expected a number of seconds above 0"),
        ({"n_jobs": 0}, "n_jobs=0: expected a number of processes"),
    ],
)
def test_impossible_parameters_are_refused(monthly, parameters, message):
    with pytest.raises(ParameterError, match=message):
        ARIMA(**parameters).fit(monthly)


def test_an_update_keeps_the_order_and_estimates_its_coefficients_again(monkeypatch):
    monthly = monthly_table(n_series=2)
    earlier = monthly[monthly["ds"] < "2019-01-01"]
    searches = []
    search = arima_series.search_order
    monkeypatch.setattr(arima_series, "search_order", lambda *a, **k: searches.append(1) or search(*a, **k))
    model = ARIMA(n_jobs=1).fit(earlier)
    orders = model.orders_
    assert len(searches) == 2
    assert model.update(monthly) is model
    assert (len(searches), model.orders_) == (2, orders)
    # The oracle: the same order given by hand and fitted to all rows.
    y = monthly.loc[monthly["unique_id"] == "series 0", "y"].to_numpy()
    by_hand = arima_series.fit_series(y, 12, model._fitted["series 0"].estimate.order).estimate
    np.testing.assert_allclose(model._fitted["series 0"].estimate.x, by_hand.x, atol=2e-3)
    assert model._fitted["series 0"].estimate.aicc == pytest.approx(by_hand.aicc, abs=1e-3)


def test_an_update_without_keeping_the_order_is_a_fit(monthly):
    earlier = monthly[monthly["ds"] < "2019-01-01"]
    updated = ARIMA(keep_order=False).fit(earlier).update(monthly).predict(h=3)
    pd.testing.assert_frame_equal(updated, ARIMA().fit(monthly).predict(h=3))


def test_an_update_searches_again_where_other_differences_are_called_for():
    rng = np.random.default_rng(0)
    calm, walk = rng.normal(size=40), np.cumsum(rng.normal(5, 1, size=80))
    y = pd.Series(np.concatenate([calm, walk]), name="y")
    model = ARIMA(season_length=1).fit(y.iloc[:40])
    (before,) = model.orders_.values()
    (after,) = model.update(y).orders_.values()
    assert before.split(",")[1] == "0"
    assert after == next(iter(ARIMA(season_length=1).fit(y).orders_.values()))
    assert ",1," in after or ",2," in after


def test_an_update_fits_series_that_are_new_or_could_not_be_fitted(monthly):
    start = monthly[(monthly["unique_id"] == "series 0") | (monthly["ds"] < "2015-03-01")]
    model = ARIMA().fit(start[start["unique_id"] != "series 2"])
    assert model.orders_["series 1"] == "seasonal naive"
    assert model.update(monthly).orders_ == ARIMA().fit(monthly).orders_


def test_an_update_before_a_fit_is_refused(monthly):
    with pytest.raises(NotFittedError, match="not fitted"):
        ARIMA().update(monthly)
