"""What every model of tsrnn owes its users, whatever is inside it."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tests.conftest import monthly_table
from tsrnn import ARIMA, ETS, Drift, Ensemble, Forecaster, Naive, SeasonalNaive, Theta, WindowAverage
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, FrequencyError, ParameterError
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.networks.registry import NETWORKS

QUICK = {"max_steps": 30, "hidden_size": 8, "batch_size": 16}
MODELS = {
    "zero-shot": Forecaster(strategy="zero-shot"),
    "zero-shot ensemble": Forecaster(strategy="zero-shot", ensemble_size=3),
    "fine-tune": Forecaster(strategy="fine-tune", max_steps=20),
    **{network: Forecaster(network=network, **QUICK) for network in NETWORKS},
    **{
        f"bidirectional {network}": Forecaster(network=network, bidirectional=True, num_layers=2, **QUICK)
        for network in NETWORKS
    },
    "lstm": Forecaster(cell="lstm", **QUICK),
    "bidirectional lstm": Forecaster(cell="lstm", bidirectional=True, **QUICK),
    "rnn": Forecaster(cell="rnn", **QUICK),
    "feed-forward": Forecaster(cell="feed-forward", **QUICK),
    "feed-forward one": Forecaster(cell="feed-forward", network="one", **QUICK),
    "ARIMA": ARIMA(order=(1, 1, 0)),
    "auto ARIMA": ARIMA(),
    "Naive": Naive(),
    "Drift": Drift(),
    "WindowAverage": WindowAverage(),
    "Theta": Theta(),
    "ETS": ETS(),
    "Ensemble": Ensemble(["ETS", "Theta", "SeasonalNaive"]),
    "SeasonalNaive": SeasonalNaive(),
}
if importlib.util.find_spec("statsforecast") is not None:
    MODELS["ARIMA by statsforecast"] = ARIMA(engine="statsforecast")


@pytest.fixture(params=MODELS, ids=str)
def model(request):
    return clone(MODELS[request.param])


@pytest.fixture(scope="module")
def fitted():
    """Every model fitted once, for the tests that only read."""
    table = monthly_table()
    return {name: clone(model).fit(table) for name, model in MODELS.items()}


@pytest.fixture(params=MODELS, ids=str)
def ready(request, fitted):
    return fitted[request.param]


def test_fit_returns_the_model_and_changes_neither_the_table_nor_the_parameters(model, monthly):
    before, parameters = monthly.copy(deep=True), model.get_params()
    assert model.fit(monthly) is model
    pd.testing.assert_frame_equal(monthly, before)
    assert model.get_params() == parameters


@pytest.mark.parametrize("rest", [(), (3,)])
def test_a_table_in_the_place_of_h_is_told_its_own(ready, monthly, rest):
    message = r"^The first argument of predict is h, .*, not a DataFrame\. Name the table: predict\(h=24, df=table\)\."
    with pytest.raises(ParameterError, match=message):
        ready.predict(monthly, *rest)


def test_a_clone_has_the_same_parameters_and_is_not_fitted(ready):
    fresh = clone(ready)
    assert fresh.get_params() == ready.get_params()
    with pytest.raises(NotFittedError, match="not fitted"):
        fresh.predict()
    with pytest.raises(NotFittedError, match="not fitted"):
        fresh.summary()
    with pytest.raises(NotFittedError, match="not fitted"):
        _ = fresh.default_horizon_


def test_a_long_table_is_answered_long(ready, monthly):
    answer = ready.predict(h=5)
    assert list(answer.columns) == ["unique_id", "ds", "yhat"]
    assert len(answer) == 15
    assert answer["ds"].min() == pd.Timestamp("2020-01-01")
    assert answer["ds"].dtype == monthly["ds"].dtype
    assert answer["yhat"].notna().all()


def test_a_wide_table_is_answered_wide_and_a_series_as_a_series(model, monthly):
    wide = monthly.pivot_table(index="ds", columns="unique_id", values="y")
    wide.columns.name = None
    answer = model.fit(wide).predict(h=4)
    assert list(answer.columns) == list(wide.columns)
    assert answer.index.name == "ds"
    assert len(answer) == 4
    one = clone(model).fit(wide["series 0"]).predict(h=4)
    assert isinstance(one, pd.Series)
    assert one.name == "series 0"


def test_a_shorter_forecast_is_the_beginning_of_a_longer_one(ready):
    long, short = ready.predict(h=60, level=80), ready.predict(h=7, level=80)
    beginning = long.groupby("unique_id", sort=False).head(7).reset_index(drop=True)
    pd.testing.assert_frame_equal(beginning, short)


def test_intervals_are_nested_around_the_point_forecast(ready):
    answer = ready.predict(h=40, level=[80, 95], quantiles=[0.25])
    assert list(answer.columns)[3:] == ["yhat-lo-80", "yhat-hi-80", "yhat-lo-95", "yhat-hi-95", "yhat-q0.25"]
    order = ["yhat-lo-95", "yhat-lo-80", "yhat-q0.25", "yhat", "yhat-hi-80", "yhat-hi-95"]
    steps = np.diff(answer[order].to_numpy(), axis=1)
    assert (steps >= 0).all()
    assert (steps.max(0) > 0).all()


def test_shuffled_rows_and_series_give_the_same_numbers(model, monthly):
    first = model.fit(monthly).predict(h=6).set_index(["unique_id", "ds"])["yhat"]
    shuffled = monthly.sample(frac=1, random_state=1)
    second = clone(model).fit(shuffled).predict(h=6).set_index(["unique_id", "ds"])["yhat"]
    np.testing.assert_allclose(second.loc[first.index], first, rtol=1e-6)


def test_renamed_columns_give_the_same_numbers_under_the_users_names(model, monthly):
    expected = model.fit(monthly).predict(h=3)
    renamed = monthly.rename(columns={"unique_id": "shop", "ds": "month", "y": "sales"})
    answer = clone(model).fit(renamed, id_col="shop", time_col="month", target_col="sales").predict(h=3)
    assert list(answer.columns) == ["shop", "month", "yhat"]
    np.testing.assert_array_equal(answer["yhat"], expected["yhat"])


def test_nothing_after_a_cutoff_moves_the_forecast(ready, monthly):
    panel = read_panel(monthly)
    cutoffs = Cutoffs(np.array([0, 1, 2, 2]), np.array([40, 45, 50, 60]))
    expected = ready.forecast(panel, cutoffs, 8, (0.1, 0.5, 0.9))
    changed = monthly.copy()
    after = np.concatenate([np.arange(60) >= end for end in (40, 45, 60)])
    changed.loc[after, "y"] = 1e6
    moved = ready.forecast(read_panel(changed), cutoffs, 8, (0.1, 0.5, 0.9))
    np.testing.assert_array_equal(moved, expected)


def test_the_same_series_can_be_forecast_from_another_cutoff(ready, monthly):
    earlier = monthly[monthly["ds"] < "2019-06-01"]
    answer = ready.predict(h=2, df=earlier)
    assert answer["ds"].min() == pd.Timestamp("2019-06-01")
    panel = read_panel(monthly)
    by_cutoff = ready.forecast(panel, Cutoffs(np.arange(3), np.full(3, 53)), 2, (0.5,))
    np.testing.assert_allclose(answer["yhat"], by_cutoff.ravel(), rtol=1e-6)


def test_series_that_were_not_fitted_are_forecast(ready):
    other = monthly_table(n_series=2, seed=5).replace({"series 0": "new 0", "series 1": "new 1"})
    answer = ready.predict(h=12, df=other)
    last = other.groupby("unique_id")["y"].mean()
    mean = answer.groupby("unique_id")["yhat"].mean()
    assert (np.abs(mean - last) < 60).all()


def test_fit_starts_afresh(model, monthly):
    other = monthly_table(seed=9)
    twice = model.fit(other).fit(monthly).predict(h=4)
    once = clone(model).fit(monthly).predict(h=4)
    pd.testing.assert_frame_equal(twice, once)


def test_an_update_forecasts_from_the_end_of_the_later_table(model, monthly):
    model.fit(monthly[monthly["ds"] < "2019-01-01"])
    assert model.update(monthly) is model
    answer = model.predict(h=4)
    assert answer["ds"].min() == pd.Timestamp("2020-01-01")
    fresh = clone(model).fit(monthly).predict(h=4)
    assert (np.abs(answer["yhat"] - fresh["yhat"]) < 5).all()


def test_the_global_random_state_is_left_alone(model, monthly):
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    model.fit(monthly).predict(h=30)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)


@pytest.mark.parametrize("value", [0.0, 5.0, -3.5])
def test_a_constant_series_is_continued(model, value, monthly):
    table = monthly.copy()
    table.loc[table["unique_id"] == "series 1", "y"] = value
    answer = model.fit(table).predict(h=4, level=80)
    constant = answer[answer["unique_id"] == "series 1"]
    np.testing.assert_allclose(constant["yhat"], value, rtol=1e-6, atol=1e-9)
    assert np.isfinite(answer.drop(columns=["unique_id", "ds"]).to_numpy()).all()


def test_missing_values_in_the_past_are_bridged(model, monthly):
    table = monthly.copy()
    table.loc[table.index % 7 == 3, "y"] = np.nan
    table.loc[table.index[-2:], "y"] = np.nan
    answer = model.fit(table).predict(h=12)
    truth = monthly.groupby("unique_id")["y"].apply(lambda y: y.iloc[-12:].mean())
    mean = answer.groupby("unique_id")["yhat"].mean()
    assert (np.abs(mean - truth) < 30).all()


def test_an_empty_series_among_others_is_named_and_gets_nan(model, monthly):
    table = monthly.copy()
    table.loc[table["unique_id"] == "series 2", "y"] = np.nan
    with pytest.warns(UserWarning, match="series 2"):
        answer = model.fit(table).predict(h=4)
    assert answer.loc[answer["unique_id"] == "series 2", "yhat"].isna().all()
    assert answer.loc[answer["unique_id"] != "series 2", "yhat"].notna().all()


@pytest.mark.parametrize("factor", [1e-12, 7.3, 1e12])
def test_the_unit_of_the_values_does_not_matter(model, factor, monthly):
    expected = model.fit(monthly).predict(h=6)["yhat"]
    scaled = monthly.assign(y=monthly["y"] * factor)
    answer = clone(model).fit(scaled).predict(h=6)["yhat"]
    np.testing.assert_allclose(answer / factor, expected, rtol=1e-5)


@pytest.mark.parametrize("h", [10**9 + 1, 10**20])
def test_a_horizon_that_no_memory_holds_is_refused(ready, h):
    with pytest.raises(ParameterError, match=rf"h={h}: expected 1,000,000,000 steps at most"):
        ready.predict(h=h)


@pytest.mark.parametrize("h", [0, -1, 2.5, "3", True])
def test_an_impossible_horizon_is_refused(ready, h):
    with pytest.raises(ParameterError, match="whole number of steps"):
        ready.predict(h=h)


def test_impossible_levels_and_quantiles_are_refused_with_the_cure(ready):
    with pytest.raises(ParameterError, match="Did you mean 80"):
        ready.predict(level=0.8)
    with pytest.raises(ParameterError, match="between 0 and 1"):
        ready.predict(quantiles=[80])
    with pytest.raises(ParameterError, match=r"level=\[80\]: expected percent between 0 and 100"):
        ready.predict(level=[[80], [80, 90]])
    with pytest.raises(ParameterError, match="level=True: expected percent"):
        ready.predict(level=True)
    with pytest.raises(ParameterError, match="level=True: expected percent"):
        ready.predict(level=[80, True])
    with pytest.raises(ParameterError, match=r"level=99\.99999999999: .* so near to 100"):
        ready.predict(level=99.99999999999)
    with pytest.raises(ParameterError, match=r"quantile 1e-12: is nearer to 0 or 1 than any model can tell"):
        ready.predict(quantiles=[1e-12])
    with pytest.raises(ParameterError, match=r"quantile \[0.5\]: expected a number between 0 and 1"):
        ready.predict(quantiles=[0.1, [0.5]])


def test_a_model_that_does_not_keep_the_contract_cannot_be_made():
    class Half(ForecastModel):
        def _fit_panel(self, panel):
            self.notes_ = []

    with pytest.raises(TypeError, match=r"abstract methods .*forecast.*summary"):
        Half()


def test_numbers_that_would_share_a_column_are_refused(ready):
    with pytest.raises(
        ParameterError, match=r"quantile 0\.1 and 0\.1000001 would share a column, .* six digits \(0\.1\)"
    ):
        ready.predict(quantiles=[0.1, 0.1000001])
    with pytest.raises(ParameterError, match=r"level 95 and 95\.000001 would share a column"):
        ready.predict(level=(95, 95.000001))
    # The same number twice, or but for rounding, is one column and loses nothing.
    columns = ready.predict(1, level=[80, 80.0], quantiles=[0.3, 0.1 + 0.2]).columns
    assert list(columns)[3:] == ["yhat-lo-80", "yhat-hi-80", "yhat-q0.3"]


def test_levels_may_come_as_any_sequence(ready):
    expected = ready.predict(2, level=[80, 90])
    for several in (np.array([80, 90]), np.array([80, 90], dtype=np.float32), pd.Series([80, 90]), (80, 90)):
        pd.testing.assert_frame_equal(ready.predict(2, level=several), expected, check_exact=True)
    pd.testing.assert_frame_equal(ready.predict(2, level=np.array(80)), ready.predict(2, level=80), check_exact=True)


def test_the_summary_names_the_season(ready):
    assert "12" in ready.summary()


def test_a_table_of_another_step_is_told_the_fitted_one(ready):
    y = monthly_table(1)["y"]
    with pytest.raises(FrequencyError, match=r"^The time stamps are integers, but the fitted step is 'MS' \(monthly"):
        ready.predict(h=2, df=y)
    with pytest.raises(FrequencyError, match=r"grid of the fitted step 'MS' .* Put them on that grid, or fit again"):
        ready.predict(h=2, df=y.set_axis(pd.date_range("2020-01-04", periods=len(y), freq="D")))


def test_a_forecast_past_the_last_year_is_refused_before_it_is_made(ready, monkeypatch):
    monkeypatch.setattr(type(ready), "forecast", lambda *args: pytest.fail("the forecast was made"))
    with pytest.raises(DataError, match=r"must lie in the years 1678 to 2261\. Use integer time, or fewer steps"):
        ready.predict(h=5000)


@pytest.mark.parametrize("name", ["zero-shot", "Naive", "Theta", "Ensemble", "one"])
def test_what_was_chosen_in_reading_the_table_is_noted(name):
    model = clone(MODELS[name])
    table = pd.DataFrame({"part": [f"day {i}" for i in range(60)], "x": np.tile([1.0, 3.0, 2.0, 5.0], 15)})
    model.set_params(season_length=4).fit(table)
    wanted = ["No column holds dates, so rows are counted: time is the index.", "Ignored: part."]
    assert [note for note in model.notes_ if note in wanted] == wanted
    model.predict(4)
    model.update(table.set_index(np.arange(60, 120)))
    assert [note for note in model.notes_ if note in wanted] == wanted
    model.fit(table[["x"]].set_index(pd.date_range("2024-01-01", periods=60)))
    assert not [note for note in model.notes_ if note in wanted]
