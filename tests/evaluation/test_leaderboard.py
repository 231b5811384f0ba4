from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tsrnn.data.panel import Cutoffs, Panel, TableForm
from tsrnn.evaluation.leaderboard import (
    SCORED_QUANTILES,
    Scored,
    breakdown,
    by_group,
    by_step,
    leaderboard,
    loss_matrix,
    training_scale,
)

QUANTILES = SCORED_QUANTILES
SECONDS = {"good": (1.0, 0.1), "bad": (2.0, 0.2)}


def around(median, width=1.0):
    """Nine quantiles spread evenly around a median: the 80 % interval is the median ± 4 widths."""
    return np.asarray(median, dtype=float)[..., None] + width * (np.arange(9) - 4)


def scored_of(y, good, bad, scale, series=(0, 0, 1), windows=(0, 1, 0)):
    cutoffs = Cutoffs(np.array(series), np.arange(len(series)) + 10)
    values = {"bad": around(bad), "good": around(good)}
    return Scored(cutoffs, np.array(windows), np.array(y, dtype=float), values, QUANTILES, np.array(scale, dtype=float))


@pytest.fixture
def scored():
    y = [[10, 20], [30, np.nan], [100, 100]]
    good, bad = [[11, 18], [33, 0], [100, 104]], [[20, 20], [30, 99], [150, 100]]
    return scored_of(y, good, bad, scale=[2.0, 4.0])


def test_every_score_worked_by_hand(scored):
    table = leaderboard(scored, (80,), SECONDS).set_index("model")
    good, bad = table.loc["good"], table.loc["bad"]
    # Series 0 has the errors 1, 2 and 3 in units of 2; series 1 has 0 and 4 in units of 4.
    assert good["mase"] == pytest.approx(((1 + 2 + 3) / 3 / 2 + (0 + 4) / 2 / 4) / 2)
    assert bad["mase"] == pytest.approx((10 / 3 / 2 + 25 / 4) / 2)
    assert good["rmse"] == pytest.approx((np.sqrt((1 + 4 + 9) / 3) + np.sqrt((0 + 16) / 2)) / 2)
    first = (200 * 1 / 21 + 200 * 2 / 38) / 2
    assert good["smape"] == pytest.approx(((first + 200 * 3 / 63) / 2 + (0 + 200 * 4 / 204) / 2) / 2)
    assert good["coverage_80"] == pytest.approx(1.0)
    assert bad["coverage_80"] == pytest.approx(3 / 5)
    assert tuple(good[["fit_seconds", "predict_seconds"]]) == SECONDS["good"]


def test_the_weighted_quantile_loss_is_over_all_points_and_the_nine_deciles(scored):
    table = leaderboard(scored, (), SECONDS).set_index("model")
    total = 0.0
    for k, level in enumerate(QUANTILES):
        for y, median in [(10, 11), (20, 18), (30, 33), (100, 100), (100, 104)]:
            error = y - (median + k - 4)
            total += 2 * (level * error if error > 0 else (level - 1) * error) / 260 / 9
    assert table.loc["good", "wql"] == pytest.approx(total)
    assert "coverage_80" not in table


def test_the_best_mase_comes_first_and_a_model_without_one_last(scored):
    assert leaderboard(scored, (), SECONDS)["model"].tolist() == ["good", "bad"]
    assert leaderboard(scored, (), SECONDS).index.tolist() == [0, 1]
    empty = {**scored.forecasts, "none": np.full((3, 2, 9), np.nan)}
    table = leaderboard(
        Scored(scored.cutoffs, scored.windows, scored.y, {"none": empty.pop("none"), **empty}, QUANTILES, scored.scale),
        (80,),
        {**SECONDS, "none": (0.0, 0.0)},
    )
    assert table["model"].tolist() == ["good", "bad", "none"]
    assert table.loc[2, ["mase", "smape", "rmse", "wql", "coverage_80"]].isna().all()


def test_models_without_any_mase_are_ordered_by_rmse(scored):
    table = leaderboard(scored_of(scored.y, [[1, 1]] * 3, scored.y * 0 + 30, [np.nan, np.nan]), (), SECONDS)
    assert table["mase"].isna().all()
    assert table["rmse"].is_monotonic_increasing
    assert table["rmse"].notna().all()


def test_what_was_forecast_for_an_unobserved_value_does_not_matter(scored):
    changed = {name: np.where(np.isnan(scored.y)[..., None], 1e9, values) for name, values in scored.forecasts.items()}
    other = Scored(scored.cutoffs, scored.windows, scored.y, changed, QUANTILES, scored.scale)
    pd.testing.assert_frame_equal(leaderboard(scored, (80,), SECONDS), leaderboard(other, (80,), SECONDS))
    pd.testing.assert_frame_equal(by_step(scored), by_step(other))


def test_a_series_without_a_mase_is_left_out_of_it_and_of_nothing_else(scored):
    without = Scored(scored.cutoffs, scored.windows, scored.y, scored.forecasts, QUANTILES, np.array([2.0, np.nan]))
    table, full = (leaderboard(s, (80,), SECONDS).set_index("model").loc["good"] for s in (without, scored))
    assert table["mase"] == pytest.approx((1 + 2 + 3) / 3 / 2)
    for score in ("smape", "rmse", "wql", "coverage_80"):
        assert table[score] == full[score]
    matrix = loss_matrix(without, "good", 2, 2)
    np.testing.assert_allclose(matrix, [[(1 + 2) / 2 / 2, 3 / 2], [np.nan, np.nan]])


def test_the_loss_matrix_has_a_mean_scaled_error_per_series_and_window(scored):
    matrix = loss_matrix(scored, "bad", 3, 2)
    np.testing.assert_allclose(matrix, [[10 / 2 / 2, 0], [50 / 2 / 4, np.nan], [np.nan, np.nan]])


def test_errors_by_step_worked_by_hand(scored):
    table = by_step(scored)
    assert table["model"].tolist() == ["bad", "bad", "good", "good"]
    assert table["step"].tolist() == [1, 2, 1, 2]
    expected = [(10 / 2 + 0 + 50 / 4) / 3, 0, (1 / 2 + 3 / 2 + 0) / 3, (2 / 2 + 4 / 4) / 2]
    np.testing.assert_allclose(table["mase"], expected)


def test_errors_by_series_and_by_window_worked_by_hand(scored):
    table = breakdown(scored, "unique_id", ["a", "b"], scored.cutoffs.series)
    assert list(table.columns) == ["model", "unique_id", "mase"]
    assert table["unique_id"].tolist() == ["a", "b"] * 2
    np.testing.assert_allclose(table["mase"], [10 / 3 / 2, 25 / 4, 1.0, 0.5])
    windows = breakdown(scored, "cutoff", ["first", "second"], scored.windows)
    np.testing.assert_allclose(windows["mase"], [(10 / 2 + 50 / 4) / 4, 0, (1 / 2 + 2 / 2 + 4 / 4) / 4, 3 / 2])


def test_a_group_without_any_error_has_no_mean():
    errors = np.array([[1.0, np.nan], [np.nan, np.nan], [4.0, 5.0]])
    np.testing.assert_array_equal(by_group(errors, np.array([0, 2, 0])), [10 / 3, np.nan, np.nan])


def test_a_quantile_is_found_by_its_number_and_not_by_its_last_digit(scored):
    np.testing.assert_array_equal(scored.quantile("good", 0.5 + 0.8 / 2), scored.forecasts["good"][..., 8])
    np.testing.assert_array_equal(scored.quantile("good", 0.1 + 0.2), scored.forecasts["good"][..., 2])
    np.testing.assert_array_equal(scored.scaled_errors("good")[0], [0.5, 1.0])


def test_the_denominator_of_mase_sees_only_the_rows_before_the_first_cutoff():
    y = np.array([1.0, 3.0, 2.0, 6.0, 99.0, 5.0, 5.0, 5.0, 1.0])
    panel = Panel(
        y=y,
        offsets=np.array([0, 5, 9]),
        ids=np.array(["a", "b"]),
        start=np.zeros(2, dtype=np.int64),
        frequency=SimpleNamespace(default_horizon=1, describe=lambda: "steps"),
        season_length=2,
        form=TableForm("long"),
    )
    np.testing.assert_array_equal(training_scale(panel, np.array([4, 3])), [2.0, np.nan])
