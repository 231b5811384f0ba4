from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from tests.conftest import monthly_table
from tsrnn import Forecaster
from tsrnn.data.panel import Panel, TableForm
from tsrnn.forecasting.calibration import (
    ENDS,
    MOST,
    MOST_WINDOWS,
    PRIOR_TIMES,
    TABLE_SPREAD,
    TIME_SPREAD,
    TRAINED_WIDENING,
    WINDOWS_OF_A_SERIES,
    Calibration,
    calibrate,
    unseen_cutoffs,
    usual_widening,
)
from tsrnn.forecasting.network_forecast import NetworkForecast
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.heads import QUANTILES
from tsrnn.networks.size import NetworkSize
from tsrnn.pretrained.family import MEMBERS
from tsrnn.pretrained.service import served_by

SIZE = NetworkSize(context_length=40, horizon=4, patch_length=4, seasons=(1,), hidden_size=4, dropout=0.0)
WIDENING = MEMBERS["season_1"].widening


class NormalNetwork(ForecastNetwork):
    """Forecasts mean 0 and a spread, whatever the window."""

    def __init__(self, size, spread):
        super().__init__()
        self.size, self.spread = size, spread

    def forward(self, inputs):
        quantiles = torch.from_numpy(self.spread * norm.ppf(self.size.quantiles)).float()
        return quantiles.expand(len(inputs.values), self.size.horizon, -1)


def network(spread, size=SIZE):
    return NetworkForecast(NormalNetwork(size, spread), size, "none", seed=0)


def panel_of(values, lengths=None):
    """Make a panel of equally long series, or of the given lengths."""
    values = np.asarray(values, float).ravel()
    lengths = np.full(1, len(values)) if lengths is None else np.asarray(lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Panel(
        y=values, offsets=offsets, ids=np.arange(len(lengths)), start=np.zeros(len(lengths), np.int64),
        frequency=None, season_length=1, form=TableForm("long"),
    )  # fmt: skip


def noise(n_series, length, seed=0):
    values = np.random.default_rng(seed).normal(size=(n_series, length))
    return panel_of(values, np.full(n_series, length))


def calibrated(spread, panel, train_end=0):
    """Calibrate as after a training that saw the first rows of each series; None stands for the base model."""
    believed = usual_widening("zero-shot", served_by(panel.season_length)) if train_end is None else 1.0
    train_end = None if train_end is None else np.full(panel.n_series, train_end)
    return calibrate([network(spread)], panel, SIZE.horizon, train_end, believed, torch.device("cpu"))


def trust(windows, times, logs=()):
    """Return the share of a factor that is believed, with as many windows at each time and so many logarithms of it."""
    seen = sum((log - np.mean(logs)) ** 2 for log in logs)
    variance = (PRIOR_TIMES * TIME_SPREAD**2 + seen) / (PRIOR_TIMES + times - 1)
    return TABLE_SPREAD**2 / (TABLE_SPREAD**2 + variance / times + 1 / windows)


@pytest.mark.parametrize("spread", [0.5, 0.8, 1.0, 1.5])
def test_intervals_that_are_too_narrow_or_too_wide_recover_their_coverage(spread):
    found = calibrated(spread, noise(300, 60))
    assert found.n_windows == 1200  # of 2,400, every other one
    factor = (1 / spread) ** trust(1200, 4)  # every other of eight times
    np.testing.assert_allclose(found.factors, factor, rtol=0.05)
    quantiles = (0.025, 0.1, 0.5, 0.9, 0.975)
    raw = spread * norm.ppf(quantiles)
    moved = found.apply(np.tile(raw, (4000, 1)), quantiles)
    y = np.random.default_rng(9).normal(size=4000)
    for level, low, high in ((0.8, 1, 3), (0.95, 0, 4)):
        inside = ((y >= moved[:, low]) & (y <= moved[:, high])).mean()
        assert inside == pytest.approx(2 * norm.cdf(factor * spread * norm.ppf(0.5 + level / 2)) - 1, abs=0.02)
        assert abs(inside - level) < 0.4 * abs(2 * norm.cdf(spread * norm.ppf(0.5 + level / 2)) - 1 - level) + 0.02
        if spread == 0.5:
            assert ((y >= raw[low]) & (y <= raw[high])).mean() < level - 0.2


def test_few_windows_are_shrunk_towards_no_change():
    panel = noise(100, 60)
    many = calibrated(0.5, panel)
    few = calibrated(0.5, panel_of(panel.y[:300], np.full(5, 60)))
    assert few.n_windows == 40
    share = np.log(few.factors) / np.log(many.factors)
    expected = trust(40, 8) / trust(many.n_windows, 8)
    assert 0.2 < expected < 0.5
    np.testing.assert_allclose(share, expected, rtol=0.25)


def test_the_correction_of_few_windows_worked_by_hand():
    # Errors of 1, against half-widths of the spread at 90 % and 97.5 %.
    values = np.r_[np.zeros(6), np.tile([1.0, -1.0], 4)]
    found = calibrated(0.5, panel_of(values))
    assert found.n_windows == 2
    raw = 1 / (0.5 * norm.ppf([0.9, 0.975]))
    np.testing.assert_allclose(found.factors, raw ** trust(2, 2), rtol=1e-5)
    base = calibrated(0.5, panel_of(values), None)
    expected = WIDENING * (raw / WIDENING) ** trust(2, 2)
    np.testing.assert_allclose(base.factors, expected, rtol=1e-5)


def test_many_series_that_share_one_time_are_believed_by_a_fifth():
    one_time = panel_of(noise(400, 10).y, np.full(400, 10))
    found = calibrated(0.5, one_time)
    assert found.n_windows == 400
    np.testing.assert_allclose(found.factors, 2 ** trust(400, 1), rtol=0.05)
    assert trust(400, 1) == pytest.approx(1 / 5, abs=0.03)


def test_times_that_disagree_are_believed_less():
    # Of each series 8 rows make two windows; those of the older time err twice as much as those of the newer one.
    older, newer = 2.0, 1.0
    row = np.r_[np.zeros(6), np.full(4, older) * [1, -1, 1, -1], np.full(4, newer) * [1, -1, 1, -1]]
    found = calibrated(1.0, panel_of(np.tile(row, 50), np.full(50, len(row))))
    half_width = norm.ppf([0.9, 0.975])
    logs = np.log(np.array([[older], [newer]]) / half_width)
    expected = [np.exp(trust(100, 2, column) * column.mean()) for column in logs.T]
    np.testing.assert_allclose(found.factors, expected, rtol=1e-5)
    assert trust(100, 2, logs[:, 0]) < 0.85 * trust(100, 2)


def test_the_base_model_is_widened_where_there_is_nothing_to_judge_it_by():
    found = calibrated(0.5, noise(1, 5), None)
    assert found == Calibration((WIDENING, WIDENING))
    assert found.describe() == "× 1.20, as real series need"
    hourly = replace(noise(1, 5), season_length=24)
    assert calibrated(0.5, hourly, None).describe() == "× 0.95, as real series need"


def test_what_was_trained_is_widened_as_most_trainings_need_where_one_time_says_little():
    assert usual_widening("scratch", served_by(12)) > usual_widening("fine-tune", served_by(12)) > 1
    # An average errs less than what it is made of.
    assert usual_widening("fine-tune", served_by(12)) > usual_widening("fine-tune + zero-shot", served_by(12)) > 1
    assert usual_widening("zero-shot", served_by(12)) == MEMBERS["season_12"].widening
    one_time = panel_of(noise(400, 10).y, np.full(400, 10))
    train_end = np.full(400, 6)
    plain, widened = (
        calibrate([network(1.0)], one_time, SIZE.horizon, train_end, believed, torch.device("cpu"))
        for believed in (1.0, 1.2)
    )
    np.testing.assert_allclose(plain.factors, 1.0, rtol=0.05)
    ratio = np.array(widened.factors) / plain.factors
    np.testing.assert_allclose(ratio, 1.2 ** (1 - trust(400, 1)), rtol=1e-6)


def test_a_trained_forecaster_starts_from_the_width_that_its_strategy_needs(monthly):
    model = Forecaster(strategy="scratch", max_steps=2, hidden_size=8).fit(monthly.groupby("unique_id").head(15))
    assert model.calibration_ == Calibration((TRAINED_WIDENING["scratch"],) * 2)


def test_a_correction_has_a_limit():
    found = calibrated(0.001, noise(200, 60))
    n = found.n_windows
    np.testing.assert_allclose(found.factors, MOST ** trust(n, 8), rtol=1e-6)
    np.testing.assert_allclose(calibrated(1000.0, noise(200, 60)).factors, 1 / found.factors[0], rtol=1e-6)


@pytest.mark.parametrize("length", [1, 5, 9, 10])
def test_without_two_windows_nothing_is_changed(length):
    found = calibrated(0.5, noise(1, length))
    assert found == Calibration()
    assert found.describe() == "as the network forecasts them"
    values = np.random.default_rng(0).normal(size=(3, 2, 3))
    np.testing.assert_array_equal(found.apply(values, (0.1, 0.5, 0.9)), values)


def test_gaps_in_the_windows_do_not_count():
    panel = noise(100, 60)
    y = panel.y.copy()
    y[np.random.default_rng(1).random(len(y)) < 0.5] = np.nan
    found = calibrated(0.5, replace(panel, y=y))
    np.testing.assert_allclose(found.factors, 2 ** trust(found.n_windows, 8), rtol=0.1)
    assert calibrated(0.5, replace(panel, y=np.full(len(y), np.nan))) == Calibration()


def test_a_network_of_fewer_quantiles_than_the_intervals_is_not_corrected():
    narrow = replace(SIZE, quantiles=(0.1, 0.5, 0.9))
    panel = noise(50, 60)
    assert calibrate([network(0.5, narrow)], panel, SIZE.horizon, None, 1.0, torch.device("cpu")) == Calibration()
    assert set(ENDS) <= set(QUANTILES)


def test_windows_without_any_spread_are_left_out():
    assert calibrated(0.0, noise(50, 60)) == Calibration()


def test_windows_are_the_newest_a_horizon_apart_and_after_what_training_saw():
    panel = panel_of(np.zeros(90), [60, 30])
    found = unseen_cutoffs(panel, SIZE.horizon, None)
    assert found.end[found.series == 0].tolist() == [56 - 4 * k for k in range(WINDOWS_OF_A_SERIES)]
    assert found.end[found.series == 1].tolist() == [26, 22, 18, 14, 10, 6]
    found = unseen_cutoffs(panel, SIZE.horizon, np.array([50, 30]))
    assert list(zip(found.series.tolist(), found.end.tolist(), strict=True)) == [(0, 56), (0, 52)]
    assert len(unseen_cutoffs(panel, SIZE.horizon, np.array([60, 30]))) == 0


def test_a_season_needs_two_of_them_before_a_window():
    panel = replace(panel_of(np.zeros(40)), season_length=12)
    assert unseen_cutoffs(panel, SIZE.horizon, None).end.tolist() == [36, 32, 28]


def test_of_very_many_windows_a_part_is_taken_evenly():
    panel = panel_of(np.zeros(1000 * 60), np.full(1000, 60))
    series = unseen_cutoffs(panel, SIZE.horizon, None).series
    assert len(series) == MOST_WINDOWS
    assert len(np.unique(series)) == 1000


@settings(deadline=None, max_examples=200)
@given(
    inner=st.floats(1 / MOST, MOST),
    outer=st.floats(1 / MOST, MOST),
    values=st.lists(st.floats(-1e6, 1e6), min_size=len(QUANTILES), max_size=len(QUANTILES)),
)
def test_corrected_quantiles_never_cross_and_the_median_stays(inner, outer, values):
    given_values = np.sort(values)
    moved = Calibration((inner, outer), 100).apply(given_values[None], QUANTILES)[0]
    assert (np.diff(moved) >= 0).all()
    middle = QUANTILES.index(0.5)
    assert moved[middle] == given_values[middle]


def test_quantiles_between_the_levels_are_corrected_in_between():
    moved = Calibration((2.0, 4.0), 50).apply(np.array([[-1.0, 0.0, 1.0, 1.0, 1.0]]), (0.3, 0.5, 0.9, 0.9375, 0.975))
    np.testing.assert_allclose(moved, [[-2.0, 0.0, 2.0, 3.0, 4.0]])


def test_what_was_corrected_is_said():
    assert Calibration((1.1, 0.953), 12).describe() == "80 % × 1.10, 95 % × 0.95, from 12 held-back windows"


def test_a_fit_calibrates_its_intervals_and_leaves_its_medians_alone():
    table = monthly_table(n_series=6, n_rows=90)
    model = Forecaster(strategy="zero-shot").fit(table)
    assert model.calibration_.n_windows > 6
    assert model.calibration_.describe() in model.summary()
    found = model.predict(12, level=80)
    model.calibration_ = Calibration()
    plain = model.predict(12, level=80)
    np.testing.assert_array_equal(found["yhat"], plain["yhat"])
    assert not np.allclose(found["yhat-hi-80"], plain["yhat-hi-80"])


def test_the_correction_does_not_depend_on_the_unit():
    table = monthly_table(n_series=4, n_rows=90)
    first = Forecaster(strategy="zero-shot").fit(table).calibration_
    second = Forecaster(strategy="zero-shot").fit(table.assign(y=table["y"] * 1e9)).calibration_
    np.testing.assert_allclose(first.factors, second.factors, rtol=1e-4)
