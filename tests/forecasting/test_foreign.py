import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from tests.conftest import monthly_table
from tsrnn import ForeignModel, Naive, SeasonalNaive, backtest, write_report
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, ParameterError
from tsrnn.forecasting.registry import named_models

QUANTILES = [0.1, 0.5, 0.9]


def last_value(train, h):
    return np.full(h, train.iloc[-1])


class MeanForecaster(BaseEstimator):
    """In the manner of scikit-learn."""

    def __init__(self, window=3):
        self.window = window

    def fit(self, y):
        assert not hasattr(self, "mean_"), "fitted before"
        self.mean_ = y.tail(self.window).mean()
        return self

    def predict(self, h):
        return [self.mean_] * h


class SktimeLike:
    """With sktime's signatures: fh, tags, and quantiles under a column index of two levels."""

    def __init__(self, intervals=True):
        self.intervals = intervals

    def get_tag(self, name, tag_value_default=None, raise_error=True):
        assert name == "capability:pred_int"
        return self.intervals

    def fit(self, y, X=None, fh=None):
        assert y.index.equals(pd.RangeIndex(len(y)))
        self.y = y
        return self

    def predict(self, fh=None, X=None):
        return pd.Series(self.y.iloc[-1] + np.asarray(fh), index=np.asarray(fh))

    def predict_quantiles(self, fh=None, X=None, alpha=None):
        columns = pd.MultiIndex.from_product([["y"], alpha])
        point = self.predict(fh).to_numpy()
        return pd.DataFrame(point[:, None] + 10 * (np.asarray(alpha) - 0.5), columns=columns)


def test_a_function_is_called_at_every_cutoff_with_that_series_past(monthly):
    seen = []

    def watched(train, h):
        seen.append((train.name, len(train), train.index[-1], h))
        return last_value(train, h)

    result = backtest([watched, "Naive"], monthly, h=4, n_windows=2, step_size=3)
    np.testing.assert_array_equal(result.forecasts["watched"], result.forecasts["Naive"])
    assert seen[:2] == [
        ("series 0", 53, pd.Timestamp("2019-05-01"), 4),
        ("series 0", 56, pd.Timestamp("2019-08-01"), 4),
    ]
    assert len(seen) == 6
    board = result.leaderboard.set_index("model")
    assert np.isnan(board.loc["watched", "coverage_80"])
    assert np.isnan(board.loc["watched", "wql"])
    assert board.loc["watched", "mase"] == board.loc["Naive", "mase"]
    assert any(note.startswith("watched: It gives points only") for note in result.notes)


def test_a_forecaster_is_copied_fitted_and_asked_at_every_cutoff(monthly):
    given = MeanForecaster(window=2)
    result = backtest(given, monthly, h=3, n_windows=3, step_size=2)
    assert not hasattr(given, "mean_")
    first = result.forecasts.iloc[0]
    y = monthly.loc[(monthly["unique_id"] == "series 0") & (monthly["ds"] <= first["cutoff"]), "y"]
    assert first["MeanForecaster"] == pytest.approx(y.tail(2).mean())


@pytest.mark.parametrize("intervals", [True, False])
def test_a_forecaster_of_sktime_is_asked_by_fh(monthly, intervals):
    panel = read_panel(monthly)
    values = ForeignModel(SktimeLike(intervals)).fit(monthly).forecast(panel, panel.last_cutoffs(), 3, QUANTILES)
    last = monthly.groupby("unique_id")["y"].last().to_numpy()
    np.testing.assert_allclose(values[..., 1], last[:, None] + [1, 2, 3])
    if intervals:
        np.testing.assert_allclose(values[..., 2] - values[..., 1], 4)
    else:
        assert np.isnan(values[..., [0, 2]]).all()


# Every forecaster of sktime 1.2 announces a coming default when it is made.
@pytest.mark.filterwarnings("default:The default of config:FutureWarning")
def test_a_real_forecaster_of_sktime_takes_part(monthly):
    naive = pytest.importorskip("sktime.forecasting.naive", reason="sktime is not installed")
    table = backtest([naive.NaiveForecaster(sp=12), "SeasonalNaive"], monthly, h=6, n_windows=2).forecasts
    np.testing.assert_allclose(table["NaiveForecaster"], table["SeasonalNaive"])
    assert table["NaiveForecaster-lo-80"].notna().all()


def test_a_function_that_takes_quantiles_gives_intervals(monthly):
    def gaussian(train, h, quantiles):
        return train.iloc[-1] + np.outer(np.arange(1, h + 1), np.array(quantiles) - 0.5)

    answer = ForeignModel(gaussian).fit(monthly).predict(h=2, level=80)
    np.testing.assert_allclose(answer["yhat-hi-80"] - answer["yhat"], np.tile([0.4, 0.8], 3))


def test_the_past_begins_at_the_first_observed_value_and_has_no_gaps(monthly):
    table = monthly[monthly["unique_id"] == "series 0"].copy()
    table.loc[table.index[[0, 1, 30]], "y"] = np.nan
    seen = {}

    def watched(train, h):
        seen["train"] = train
        return last_value(train, h)

    model = ForeignModel(watched).fit(table)
    model.predict(h=1)
    train = seen["train"]
    assert (len(train), train.index[0]) == (58, pd.Timestamp("2015-03-01"))
    assert train.iloc[28] == pytest.approx((train.iloc[27] + train.iloc[29]) / 2)
    assert model.notes_ == [
        "1 series has missing values (1 in all), which are interpolated for a foreign model: series 0."
    ]


def test_nothing_after_a_cutoff_reaches_a_foreign_model(monthly):
    model = ForeignModel(lambda train, h: np.full(h, train.sum())).fit(monthly)
    changed = monthly.copy()
    changed.loc[changed["ds"] >= "2018-05-01", "y"] = 1e6
    cutoffs = Cutoffs(np.array([0, 2]), np.array([40, 31]))
    before, after = (model.forecast(read_panel(table), cutoffs, 2, QUANTILES) for table in (monthly, changed))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1.0, 2.0], r"the forecast has shape \(2,\); expected 3 numbers"),
        (5.0, r"the forecast has shape \(\); expected 3 numbers"),
        (np.zeros((3, 2)), r"the forecast has shape \(3, 2\); expected 3 numbers"),
        (["a", "b", "c"], "the forecast is a list; expected 3 numbers"),
        (None, r"expected 3 numbers"),
        ([1.0, np.nan, np.inf], "2 of 3 forecasts are not finite"),
    ],
)
def test_a_wrong_answer_is_refused_with_the_name_of_the_model(answer, message):
    with pytest.raises(DataError, match=rf"Model bad, series 'series 0', cutoff 2019-\d\d-01.*: .*{message}"):
        backtest({"bad": lambda train, h: answer}, monthly_table(n_series=1), h=3, n_windows=2)


def test_an_answer_of_too_few_quantiles_is_refused(monthly):
    model = ForeignModel(lambda train, h, quantiles: np.zeros(h), name="flat").fit(monthly)
    with pytest.raises(DataError, match=r"Model flat.* shape \(3,\); expected 3 rows of 3 quantiles"):
        model.predict(h=3, level=80)


def test_what_a_foreign_model_raises_is_passed_on(monthly):
    def broken(train, h):
        raise KeyError("no such column")

    with pytest.raises(KeyError, match="no such column"):
        backtest(broken, monthly, h=3, n_windows=1)


def test_foreign_models_are_named_by_function_or_class():
    named = named_models([last_value, MeanForecaster(), lambda train, h: train[:h], Naive(), last_value])
    assert list(named) == ["last_value", "MeanForecaster", "function", "Naive", "last_value-2"]
    assert named["last_value-2"].name == "last_value-2"
    assert list(named_models(ForeignModel(last_value, name="mine"))) == ["mine"]


@pytest.mark.parametrize("model", [3, SeasonalNaive, "text"])
def test_what_cannot_forecast_is_refused(monthly, model):
    with pytest.raises(ParameterError, match="expected a function f"):
        ForeignModel(model).fit(monthly)


def test_integer_time_and_local_time_arrive_as_the_user_has_them():
    seen = {}

    def watched(train, h):
        seen["index"] = train.index
        return last_value(train, h)

    ForeignModel(watched).fit(pd.Series(np.arange(9.0), pd.RangeIndex(3, 12), name="y")).predict(h=1)
    assert seen["index"].tolist() == list(range(3, 12))
    zoned = pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Vienna")
    ForeignModel(watched).fit(pd.Series(np.arange(48.0), zoned, name="y")).predict(h=1)
    assert seen["index"].equals(zoned)


def test_a_report_shows_foreign_models_without_intervals(monthly, tmp_path):
    result = backtest([MeanForecaster(), last_value, "Naive"], monthly, h=3, n_windows=3)
    assert "MeanForecaster" in write_report(result, tmp_path / "page.html").read_text(encoding="utf-8")
    assert result.config["models"]["MeanForecaster"]["model__window"] == 3
