import numpy as np
import pytest

from tests.conftest import monthly_table
from tsrnn.data.tables import read_panel
from tsrnn.errors import ParameterError
from tsrnn.evaluation.backtest import backtest
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.forecasting.naive import SeasonalNaive
from tsrnn.forecasting.theta import Theta


class Witness(SeasonalNaive):
    """A model that learns from all series, and remembers which it was given."""

    seen: list = []  # noqa: RUF012

    def _fit_panel(self, panel):
        super()._fit_panel(panel)
        self.seen.append((type(self).__name__, panel.ids.tolist(), panel.lengths.tolist()))


class Global(ForecastModel):
    """A model of all series together."""

    def __init__(self, season_length=None, freq=None):
        self.season_length = season_length
        self.freq = freq

    def _fit_panel(self, panel):
        Witness.seen.append(("Global", panel.ids.tolist(), panel.lengths.tolist()))
        self.notes_ = []

    def _forecast_panel(self, panel, cutoffs, h, quantiles):
        return np.zeros((len(cutoffs), h, len(quantiles)))

    def summary(self):
        return "zero"


@pytest.fixture
def table():
    return monthly_table(n_series=12)


def test_all_models_are_judged_on_one_sample_and_the_result_says_so(table):
    result = backtest(["Theta", "SeasonalNaive"], table, h=3, n_windows=8, sample=4)
    judged = result.by_series["unique_id"].unique().tolist()
    assert len(judged) == 4
    assert result.forecasts["unique_id"].unique().tolist() == judged
    assert result.observations["unique_id"].unique().tolist() == judged
    assert "Judged on 4 of 12 series, drawn at random (seed 0); networks learn from all." in result.notes
    said = "Judged on 4 of 12 series, drawn at random (seed 0); networks learn from all."
    assert str(result.verdict).endswith(f"over 4 series × 8 cutoffs. {said}")
    assert result.config["sample"] == 4
    assert result.config["data"]["series"] == 12
    assert not [note for note in result.notes if "too short" in note]


def test_a_sampled_series_has_the_scores_it_would_have_among_all(table):
    everyone = backtest("Theta", table, h=3, n_windows=4, refit=1).by_series.set_index("unique_id")["mase"]
    sample = backtest("Theta", table, h=3, n_windows=4, refit=1, sample=5).by_series.set_index("unique_id")["mase"]
    assert sample.to_dict() == pytest.approx(everyone[sample.index].to_dict())


def test_a_model_of_all_series_learns_from_all_and_one_of_single_series_from_the_sample(table):
    Witness.seen.clear()
    backtest([Global(), Witness(), Theta()], table, h=3, n_windows=4, sample=2)
    given = {name: (len(ids), lengths) for name, ids, lengths in Witness.seen}
    first_cutoff = 60 - 3 - 3 * 3
    assert given["Global"] == (12, [first_cutoff] * 12)
    assert given["Witness"] == (2, [first_cutoff] * 2)


def test_a_sample_of_more_than_there_are_is_all(table):
    result = backtest("SeasonalNaive", table, h=3, n_windows=2, sample=50)
    assert result.by_series["unique_id"].nunique() == 12
    assert result.config["sample"] is None
    with pytest.raises(ParameterError, match="sample=0: expected a whole number, 1 or more"):
        backtest("SeasonalNaive", table, sample=0)


def test_a_folder_of_another_sample_is_another_backtest(table, tmp_path):
    backtest("SeasonalNaive", table, h=3, n_windows=2, sample=4, path=tmp_path / "kept")
    again = backtest("SeasonalNaive", table, h=3, n_windows=2, sample=4, path=tmp_path / "kept")
    assert len(again.forecasts) == 4 * 2 * 3
    with pytest.raises(ParameterError, match="differs in sample"):
        backtest("SeasonalNaive", table, h=3, n_windows=2, sample=5, path=tmp_path / "kept")


def test_short_series_are_not_drawn(table):
    short = table["unique_id"].isin(["series 0", "series 1"]) & (table["ds"] > "2016-01-01")
    result = backtest("SeasonalNaive", read_panel(table[~short]), h=3, n_windows=2, sample=9)
    assert not {"series 0", "series 1"} & set(result.by_series["unique_id"])
    assert "2 of 12 series are too short for any cutoff and left out: series 0, series 1." in result.notes
