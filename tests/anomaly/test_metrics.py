import json
from pathlib import Path

import numpy as np
import pytest

from tsrnn.anomaly.metrics import event_scores, runs, vus_pr, vus_window
from tsrnn.errors import ParameterError

# Made by the TSB-AD package itself, in an environment of its own (fixtures/make_vus_pr.py).
FIXTURE = json.loads((Path(__file__).parent / "fixtures" / "vus_pr.json").read_text())


def labels_of(case):
    labels = np.zeros(case["n"], dtype=int)
    for start, end in case["spans"]:
        labels[start : end + 1] = 1
    return labels


@pytest.mark.parametrize("case", FIXTURE["vus_pr"], ids=lambda case: f"window {case['window']}")
def test_vus_pr_equals_the_function_of_the_benchmark_package(case):
    assert vus_pr(labels_of(case), case["score"], case["window"]) == pytest.approx(case["vus_pr"], abs=1e-9)


@pytest.mark.parametrize("case", FIXTURE["window"], ids=lambda case: f"lag {case['window']}")
def test_the_buffer_is_the_period_that_the_benchmark_package_finds(case):
    assert vus_window(case["y"]) == case["window"]


def test_a_series_without_a_period_gets_the_fallback():
    assert vus_window(np.ones(50)) == 125
    assert vus_window([1.0, 2.0]) == 125
    assert vus_window([]) == 125


def test_without_a_window_the_period_of_the_series_is_taken():
    case = FIXTURE["vus_pr"][0]
    y = np.sin(2 * np.pi * np.arange(case["n"]) / 20)
    labels = labels_of(case)
    assert vus_pr(labels, case["score"], y=y) == vus_pr(labels, case["score"], vus_window(y))


def test_a_perfect_score_without_a_buffer_is_one_and_only_the_order_of_scores_matters():
    labels = np.zeros(200, bool)
    labels[60:70] = True
    assert vus_pr(labels, labels, 0) == 1.0
    score = np.random.default_rng(0).normal(size=200) + labels
    assert vus_pr(labels, np.exp(score), 20) == pytest.approx(vus_pr(labels, score, 20))


def test_a_row_that_could_not_be_judged_counts_as_the_most_ordinary_one():
    labels = np.zeros(100, bool)
    labels[50:55] = True
    score = labels + np.linspace(0, 0.1, 100)
    missing, lowest = score.copy(), score.copy()
    missing[10], lowest[10] = np.nan, score.min()
    assert vus_pr(labels, missing, 8) == vus_pr(labels, lowest, 8)


@pytest.mark.parametrize(
    ("labels", "score", "window", "message"),
    [
        ([0, 0, 0], [1.0, 2.0, 3.0], 1, "no row is anomalous"),
        ([1, 1, 1], [1.0, 2.0, 3.0], 1, "all 3 rows are anomalous"),
        ([0, 2, 1], [1.0, 2.0, 3.0], 1, "1 value other than 0 and 1, for example 2"),
        ([0, 1], [1.0, 2.0, 3.0], 1, r"shape \(3,\): expected \(2,\)"),
        ([0, 1], [np.inf, 2.0], 1, "1 of 2 scores is not finite"),
        ([0, 1], ["a", "b"], 1, "score is not numeric"),
        ([0, 1], [1.0, 2.0], -1, "window=-1"),
        ([0, 1], [1.0, 2.0], None, "needs window= or y="),
        ([[0, 1]], [1.0, 2.0], 1, "one flag per row"),
    ],
)
def test_vus_pr_says_what_is_wrong_with_its_arguments(labels, score, window, message):
    with pytest.raises(ParameterError, match=message):
        vus_pr(labels, score, window)


def test_events_are_counted_as_worked_out_by_hand():
    truth = np.zeros(1010, bool)
    found = np.zeros(1010, bool)
    truth[100:105] = truth[300:303] = truth[1000:1002] = True  # three true events on 10 rows
    found[103:110] = True  # late by 3
    found[301] = True  # late by 1
    found[600:604] = found[700] = True  # two false alarms
    scores = event_scores(truth, found)
    assert scores.precision == 2 / 4
    assert scores.recall == 2 / 3
    assert scores.f1 == pytest.approx(4 / 7)
    assert scores.delay == 2.0
    assert scores.false_alarms == pytest.approx(2.0)


def test_nothing_detected_is_no_false_alarm_and_no_precision():
    scores = event_scores([0, 1, 0], [0, 0, 0])
    assert np.isnan(scores.precision)
    assert np.isnan(scores.delay)
    assert (scores.recall, scores.f1, scores.false_alarms) == (0.0, 0.0, 0.0)


def test_event_scores_of_two_lengths_are_refused():
    with pytest.raises(ParameterError, match="3 labels and 2 detections"):
        event_scores([0, 1, 0], [0, 1])


def test_runs_at_both_ends_are_found():
    starts, ends = runs(np.array([True, False, True, True]))
    assert (starts.tolist(), ends.tolist()) == ([0, 2], [0, 3])
    assert len(runs(np.zeros(3, bool))[0]) == 0
