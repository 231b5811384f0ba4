import numpy as np
import pandas as pd
import pytest

from tsrnn import Drift, Ensemble, Forecaster, Naive, SeasonalNaive, WindowAverage, backtest
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.errors import ParameterError

QUANTILES = [0.1, 0.5, 0.9]
MEMBERS = [Naive(), Drift(), SeasonalNaive()]


@pytest.mark.parametrize(("method", "combine"), [("median", np.median), ("mean", np.mean)])
def test_each_quantile_is_the_median_or_mean_of_the_members(monthly, method, combine):
    panel = read_panel(monthly)
    cutoffs = Cutoffs(np.array([0, 1, 1]), np.array([40, 50, 60]))
    alone = [model.fit(monthly).forecast(panel, cutoffs, 7, QUANTILES) for model in MEMBERS]
    together = Ensemble(MEMBERS, method).fit(monthly).forecast(panel, cutoffs, 7, QUANTILES)
    np.testing.assert_allclose(together, combine(alone, axis=0))


def test_members_are_copied_named_and_listed(monthly):
    given = WindowAverage(window_size=3)
    model = Ensemble([given, "naive", Naive()]).fit(monthly)
    assert list(model.members_) == ["WindowAverage", "Naive", "Naive-2"]
    assert not hasattr(given, "panel_")
    assert model.summary() == "median of WindowAverage, Naive, Naive-2, season 12"


def test_the_default_is_three_statistical_models(monthly):
    assert list(Ensemble().fit(monthly).members_) == ["ETS", "Theta", "ARIMA"]


def test_an_update_updates_the_members(monthly):
    class Updated(Naive):
        def update(self, df):
            self.updated_ = True
            return super().update(df)

    model = Ensemble([Updated(), "Drift"]).fit(monthly[monthly["ds"] < "2019-01-01"]).update(monthly)
    assert model.members_["Updated"].updated_
    assert [member.panel_.lengths.tolist() for member in model.members_.values()] == [[60, 60, 60]] * 2


def test_notes_carry_the_name_of_their_member(monthly):
    gapped = monthly.copy()
    gapped.loc[10, "y"] = np.nan
    model = Ensemble(["Theta", "Naive"]).fit(gapped)
    assert len(model.notes_) == 1
    assert model.notes_[0].startswith("Theta: 1 of 3 series has missing values")


def test_a_member_of_points_only_takes_part_in_the_median_alone(monthly):
    def last(train, h):
        return np.full(h, train.iloc[-1] + 1e6)

    panel = read_panel(monthly)
    model = Ensemble([last, "Naive"], "mean").fit(monthly)
    values = model.forecast(panel, panel.last_cutoffs(), 3, QUANTILES)
    alone = Naive().fit(monthly).forecast(panel, panel.last_cutoffs(), 3, QUANTILES)
    assert (np.diff(values, axis=2) >= 0).all()
    np.testing.assert_allclose(values[..., 0], alone[..., 0])
    np.testing.assert_allclose(values[..., 2], alone[..., 1] + 5e5)
    points = Ensemble([last]).fit(monthly).forecast(panel, panel.last_cutoffs(), 3, QUANTILES)
    assert np.isnan(points[..., [0, 2]]).all()
    np.testing.assert_allclose(points[..., 1], alone[..., 1] + 1e6)


def test_an_ensemble_runs_in_a_backtest_beside_its_members(monthly):
    result = backtest([Ensemble(["Naive", "Drift"]), "Naive", "Drift"], monthly, h=3, n_windows=2, refit=True)
    table = result.forecasts
    np.testing.assert_allclose(table["Ensemble"], (table["Naive"] + table["Drift"]) / 2)
    assert set(result.leaderboard["model"]) == {"Ensemble", "Naive", "Drift"}


def test_an_unknown_way_to_combine_is_refused(monthly):
    with pytest.raises(ParameterError, match="method='sum': expected 'median' or 'mean'"):
        Ensemble(MEMBERS, "sum").fit(monthly)
    with pytest.raises(ParameterError, match="No model was given"):
        Ensemble([]).fit(monthly)


def test_series_that_no_member_can_tell_are_nan(monthly):
    table = monthly.assign(y=monthly["y"].where(monthly["unique_id"] != "series 2"))
    with pytest.warns(UserWarning, match="series 2"):
        answer = Ensemble(MEMBERS).fit(table).predict(h=2)
    pd.testing.assert_series_equal(answer["yhat"].isna(), answer["unique_id"] == "series 2", check_names=False)


def test_members_that_are_not_held_at_zero_are_combined_for_a_detector():
    sales = pd.Series(np.random.default_rng(0).poisson(0.6, 200) * 1.0, pd.date_range("2022", periods=200), name="y")
    alone = Forecaster(strategy="zero-shot").fit(sales)
    together = Ensemble([Forecaster(strategy="zero-shot")]).fit(sales)
    panel = alone.panel_
    where = panel, panel.last_cutoffs(), 3, (0.1, 0.5)
    np.testing.assert_array_equal(together.unbounded_forecast(*where), alone.unbounded_forecast(*where))
    np.testing.assert_array_equal(together.forecast(*where), alone.forecast(*where))
    assert together.unbounded_forecast(*where).min() < 0 == together.forecast(*where).min()
