"""The detector with a forecaster on a GPU, which is pretended."""

import numpy as np

from tests.conftest import monthly_table
from tests.pretend_gpu import pretend_gpu
from tsrnn import AnomalyDetector, Forecaster

TABLE = monthly_table(2, 110)


def numbers(table):
    return table.select_dtypes("number").fillna(-1.0).to_numpy()


def detector(device):
    return AnomalyDetector(Forecaster(strategy="scratch", max_steps=3, hidden_size=8, horizon=6, device=device))


def test_a_detector_scores_as_it_does_on_the_cpu_and_travels_there(tmp_path):
    early, late = TABLE["ds"] < "2023-01-01", TABLE["ds"] > "2019-01-01"
    with pretend_gpu() as gpu:
        here, there = (detector(device).fit(TABLE[early]) for device in ("cpu", "cuda"))
        done = gpu.count
        scores = numbers(there.detect(TABLE[late]))
        assert gpu.count > done
        np.testing.assert_allclose(scores, numbers(here.detect(TABLE[late])), rtol=1e-4, atol=1e-4)
        there.save(tmp_path / "detector")
    again = AnomalyDetector.load(tmp_path / "detector")
    np.testing.assert_allclose(numbers(again.detect(TABLE[late])), scores, rtol=1e-4, atol=1e-4)


def test_streamed_rows_are_scored_as_they_are_on_the_cpu(gpu):
    early, found = TABLE["ds"] < "2023-06-01", []
    later = TABLE[~early].sort_values(["ds", "unique_id"])
    for device in ("cpu", "cuda"):
        model = detector(device).fit(TABLE[early])
        rows = later.itertuples(index=False)
        found.append([model.update(row.unique_id, row.ds, row.y).score for row in rows])
    assert len(found[1]) == len(later) > 0
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-4)
