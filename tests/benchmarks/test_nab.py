import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.nab import FP, Scored, corpus_score, first_alarms, read_corpus, row_values, sigmoid

WINDOW = (400, 499)  # of 1,000 rows, of which the first 150 are probationary


def scored(*alarms, windows=(WINDOW,), n=1000):
    """A file whose score is 1 in some rows, or what is given for them, and 0 in the others."""
    score = np.zeros(n)
    for alarm in alarms:
        row, height = alarm if isinstance(alarm, tuple) else (alarm, 1.0)
        score[row] = height
    return Scored("file", score, list(windows))


def test_a_detection_in_the_first_row_of_each_window_is_worth_100():
    result = corpus_score([scored(400), scored(300, 700, windows=[(300, 350), (700, 720)])])
    assert result.score == pytest.approx(100)
    assert (result.found, result.windows, result.false_alarms) == (3, 3, 0)


def test_a_detector_that_says_nothing_is_worth_0():
    result = corpus_score([scored(), scored(windows=[])])
    assert (result.score, result.found, result.windows) == (0, 0, 1)


def test_a_late_detection_is_worth_less_as_worked_out_by_hand():
    # Row 474 is 26 rows before the row after the window: position -.26, 2 / (1 + exp(-1.3)) - 1 = .571670; that of
    # position -1 is .986614. A missed window is -1, so that 1.579426 of 2 are gained.
    assert corpus_score([scored(474)]).score == pytest.approx(100 * (1 + 0.571670 / 0.986614) / 2, abs=1e-4)


def test_only_the_first_detection_in_a_window_counts():
    assert corpus_score([scored(410, 420, 430, 499)]).score == corpus_score([scored(410)]).score


def test_false_alarms_cost_as_worked_out_by_hand():
    before = corpus_score([scored(200, 400)])
    assert before.score == pytest.approx(100 * (2 - 0.11) / 2)
    assert before.false_alarms == 1
    # 10 rows after a window of 100: position 10 / 99, 2 / (1 + exp(50 / 99)) - 1 = -.247306.
    after = corpus_score([scored(400, 509)])
    assert after.score == pytest.approx(100 * (2 - 0.11 * 0.247306) / 2, abs=1e-4)
    far = corpus_score([scored(400, 900)])
    assert far.score == pytest.approx(100 * (2 - 0.11) / 2)


def test_probationary_rows_count_nothing():
    assert corpus_score([scored(100, 400)]).score == pytest.approx(100)


def test_the_best_threshold_is_one_for_all_files():
    files = [scored((400, 3.0), (200, 1.0)), scored((400, 2.0), *((row, 2.5) for row in range(200, 230)))]
    # The 30 false alarms at 2.5 cost more than the window at 2 brings: 30 * .11 = 3.3 against 2.
    result = corpus_score(files)
    assert (result.threshold, result.found, result.false_alarms) == (3.0, 1, 0)
    assert result.score == pytest.approx(50)


def test_row_values_fall_through_a_window_and_on_after_it():
    window, value = row_values(1000, [WINDOW])
    assert (window[400:500] == 0).all()
    assert (np.delete(window, np.arange(400, 500)) == -1).all()
    assert value[400] == pytest.approx(1)
    assert (np.diff(value[400:500]) < 0).all()
    assert (value[:400] == -FP).all()
    assert value[500] == pytest.approx(FP * sigmoid(1 / 99))
    assert value[999] == -FP


def test_who_is_alarmed_is_not_alarmed_again_by_the_rows_that_follow():
    score = np.array([0.0, 2.0, 5.0, 4.0, 5.0, 6.0, 1.0, 1.0, 1.0, 2.0])
    assert first_alarms(score, quiet=3).tolist() == [0.0, 2.0, 5.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0, 2.0]


def test_files_are_read_as_the_benchmark_lays_them_out(tmp_path):
    (tmp_path / "data" / "real").mkdir(parents=True)
    (tmp_path / "labels").mkdir()
    stamps = pd.date_range("2024", periods=50, freq="5min")
    pd.DataFrame({"timestamp": stamps, "value": np.arange(50)}).to_csv(tmp_path / "data/real/a.csv", index=False)
    spans = [[f"{stamps[20]}.000000", f"{stamps[29]}.000000"]]
    (tmp_path / "labels/combined_windows.json").write_text(json.dumps({"real/a.csv": spans}))
    ((name, values, step, windows),) = read_corpus(tmp_path)
    assert name == "real/a.csv"
    assert values.tolist() == list(range(50))
    assert step == pd.Timedelta(minutes=5)
    assert windows == [(20, 29)]
