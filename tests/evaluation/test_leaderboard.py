from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tsrnn.data.panel import Cutoffs, Panel, TableForm
from tsrnn.evaluation.leaderboard import breakdown, by_step, leaderboard
from tsrnn.evaluation.scores import SCORED_QUANTILES, Scored, Sums, loss_matrix, merge, score, training_scale

QUANTILES = SCORED_QUANTILES
SECONDS = {"good": (1.0, 0.1), "bad": (2.0, 0.2)}


def around(median, width=1.0):
    """Nine quantiles spread evenly around a median: the 80 % interval is the median ± 4 widths."""
    return np.asarray(median, dtype=float)[..., None] + width * (np.arange(9) - 4)


def scored_of(y, good, bad, scale, series=(0, 0, 1), windows=(0, 1, 0)):
    cutoffs = Cutoffs(np.array(series), np.arange(len(series)) + 10)
    y, scale = np.array(y, dtype=float), np.array(scale, dtype=float)
    return {
        name: Scored(cutoffs, np.array(windows), y, around(median), QUANTILES, scale)
        for name, median in (("bad", bad), ("good", good))
    }


def scores_of(scored, levels=()):
    return {name: score(one, levels) for name, one in scored.items()}


@pytest.fixture
def scored():
    y = [[10, 20], [30, np.nan], [100, 100]]
    good, bad = [[11, 18], [33, 0], [100, 104]], [[20, 20], [30, 99], [150, 100]]
    return scored_of(y, good, bad, scale=[2.0, 4.0])


def test_every_score_worked_by_hand(scored):
    table = leaderboard(scores_of(scored, (80,)), SECONDS).set_index("model")
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
    table = leaderboard(scores_of(scored), SECONDS).set_index("model")
    total = 0.0
    for k, level in enumerate(QUANTILES):
        for y, median in [(10, 11), (20, 18), (30, 33), (100, 100), (100, 104)]:
            error = y - (median + k - 4)
            total += 2 * (level * error if error > 0 else (level - 1) * error) / 260 / 9
    assert table.loc["good", "wql"] == pytest.approx(total)
    assert "coverage_80" not in table


def test_the_best_mase_comes_first_and_a_model_without_one_last(scored):
    assert leaderboard(scores_of(scored), SECONDS)["model"].tolist() == ["good", "bad"]
    assert leaderboard(scores_of(scored), SECONDS).index.tolist() == [0, 1]
    none = replace(scored["good"], forecasts=np.full((3, 2, 9), np.nan))
    table = leaderboard(scores_of({"none": none, **scored}, (80,)), {**SECONDS, "none": (0.0, 0.0)})
    assert table["model"].tolist() == ["good", "bad", "none"]
    assert table.loc[2, ["mase", "smape", "rmse", "wql", "coverage_80"]].isna().all()


def test_models_without_any_mase_are_ordered_by_rmse(scored):
    y = scored["good"].y
    table = leaderboard(scores_of(scored_of(y, [[1, 1]] * 3, y * 0 + 30, [np.nan, np.nan])), SECONDS)
    assert table["mase"].isna().all()
    assert table["rmse"].is_monotonic_increasing
    assert table["rmse"].notna().all()


def test_what_was_forecast_for_an_unobserved_value_does_not_matter(scored):
    other = {
        name: replace(one, forecasts=np.where(np.isnan(one.y)[..., None], 1e9, one.forecasts))
        for name, one in scored.items()
    }
    one, two = scores_of(scored, (80,)), scores_of(other, (80,))
    pd.testing.assert_frame_equal(leaderboard(one, SECONDS), leaderboard(two, SECONDS))
    pd.testing.assert_frame_equal(by_step(one), by_step(two))


def test_a_series_without_a_mase_is_left_out_of_it_and_of_nothing_else(scored):
    without = {name: replace(one, scale=np.array([2.0, np.nan])) for name, one in scored.items()}
    table, full = (leaderboard(scores_of(s, (80,)), SECONDS).set_index("model").loc["good"] for s in (without, scored))
    assert table["mase"] == pytest.approx((1 + 2 + 3) / 3 / 2)
    for column in ("smape", "rmse", "wql", "coverage_80"):
        assert table[column] == full[column]
    matrix = loss_matrix(score(without["good"]), 2, 2)
    np.testing.assert_allclose(matrix, [[(1 + 2) / 2 / 2, 3 / 2], [np.nan, np.nan]])


def test_the_loss_matrix_has_a_mean_scaled_error_per_series_and_window(scored):
    matrix = loss_matrix(score(scored["bad"]), 3, 2)
    np.testing.assert_allclose(matrix, [[10 / 2 / 2, 0], [50 / 2 / 4, np.nan], [np.nan, np.nan]])


def test_errors_by_step_worked_by_hand(scored):
    table = by_step(scores_of(scored))
    assert table["model"].tolist() == ["bad", "bad", "good", "good"]
    assert table["step"].tolist() == [1, 2, 1, 2]
    expected = [(10 / 2 + 0 + 50 / 4) / 3, 0, (1 / 2 + 3 / 2 + 0) / 3, (2 / 2 + 4 / 4) / 2]
    np.testing.assert_allclose(table["mase"], expected)


def test_errors_by_series_and_by_window_worked_by_hand(scored):
    table = breakdown(scores_of(scored), "unique_id", ["a", "b"], scored["good"].cutoffs.series)
    assert list(table.columns) == ["model", "unique_id", "mase", "smape", "rmse"]
    assert table["unique_id"].tolist() == ["a", "b"] * 2
    np.testing.assert_allclose(table["mase"], [10 / 3 / 2, 25 / 4, 1.0, 0.5])
    windows = breakdown(scores_of(scored), "cutoff", ["first", "second"], scored["good"].windows)
    np.testing.assert_allclose(windows["mase"], [(10 / 2 + 50 / 4) / 4, 0, (1 / 2 + 2 / 2 + 4 / 4) / 4, 3 / 2])


def test_a_group_without_any_error_has_no_mean():
    sums = Sums(np.array([1.0, 0.0, 9.0]), np.array([1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(sums.by_group(np.array([0, 2, 0]), 3).means(), [10 / 3, np.nan, np.nan])


def test_a_quantile_is_found_by_its_number_and_not_by_its_last_digit(scored):
    good = scored["good"]
    np.testing.assert_array_equal(good.quantile(0.5 + 0.8 / 2), good.forecasts[..., 8])
    np.testing.assert_array_equal(good.quantile(0.1 + 0.2), good.forecasts[..., 2])
    np.testing.assert_array_equal(good.scaled_errors()[0], [0.5, 1.0])


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


def test_scores_of_parts_add_up_to_the_scores_of_the_whole(scored):
    whole = scores_of(scored, (80,))
    parts = {}
    for name, one in scored.items():
        pieces = []
        for rows in ([0, 1], [2]):
            cutoffs = Cutoffs(one.cutoffs.series[rows], one.cutoffs.end[rows])
            piece = Scored(cutoffs, one.windows[rows], one.y[rows], one.forecasts[rows], one.quantiles, one.scale)
            pieces.append(score(piece, (80,)))
        parts[name] = merge(pieces)
    pd.testing.assert_frame_equal(leaderboard(whole, SECONDS), leaderboard(parts, SECONDS))
    pd.testing.assert_frame_equal(by_step(whole, 3), by_step(parts, 3))
    assert by_step(whole, 3)["step"].tolist() == [3, 4, 3, 4]
    group = scored["good"].windows
    pd.testing.assert_frame_equal(breakdown(whole, "w", [0, 1], group), breakdown(parts, "w", [0, 1], group))
    np.testing.assert_array_equal(loss_matrix(whole["bad"], 2, 2), loss_matrix(parts["bad"], 2, 2))


def test_rmse_by_step_and_by_series_worked_by_hand(scored):
    table = by_step(scores_of(scored)).set_index(["model", "step"])
    assert table.loc[("good", 1), "rmse"] == pytest.approx(np.sqrt((1 + 9 + 0) / 3))
    assert table.loc[("good", 2), "smape"] == pytest.approx((200 * 2 / 38 + 200 * 4 / 204) / 2)
    series = breakdown(scores_of(scored), "unique_id", ["a", "b"], scored["good"].cutoffs.series)
    np.testing.assert_allclose(series["rmse"], [np.sqrt(100 / 3), np.sqrt(1250), np.sqrt(14 / 3), np.sqrt(8)])
