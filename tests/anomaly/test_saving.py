import json

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError

from tests.anomaly.conftest import hourly
from tsrnn import AnomalyDetector, SeasonalNaive
from tsrnn.errors import DataError, ParameterError
from tsrnn.forecasting import model_folder


@pytest.fixture
def detector():
    return AnomalyDetector(alpha=0.02, threshold="pot", freq="h").fit(hourly(300))


def test_a_loaded_detector_goes_on_as_the_saved_one_would(detector, tmp_path):
    y = hourly(360)
    y.iloc[350] += 20
    detector.update_many(y.iloc[300:310])
    other = hourly(60, seed=4, start="2024-05-01")
    for ds, value in other.iloc[:40].items():
        detector.update(("a", 1), ds, value)
    detector.save(tmp_path / "detector")
    loaded = AnomalyDetector.load(tmp_path / "detector")
    assert loaded.get_params(deep=False).keys() == detector.get_params(deep=False).keys()
    assert (loaded.alpha, loaded.threshold, loaded.alpha_) == (0.02, "pot", detector.alpha_)
    pd.testing.assert_frame_equal(loaded.detect(), detector.detect())
    pd.testing.assert_frame_equal(loaded.events(), detector.events())
    pd.testing.assert_frame_equal(loaded.detect(y.iloc[310:]), detector.detect(y.iloc[310:]))
    for ds, value in other.iloc[40:].items():
        np.testing.assert_equal(loaded.update(("a", 1), ds, value), detector.update(("a", 1), ds, value))
    detector.save(tmp_path / "detector")  # a saved detector is replaced


@pytest.mark.parametrize("threshold", ["conformal", "quantile"])
def test_a_system_of_channels_is_saved_whole(tmp_path, threshold):
    wide = pd.DataFrame({"a": hourly(260, seed=1), "b": hourly(260, seed=2)})
    detector = AnomalyDetector(channels=True, threshold=threshold).fit(wide.iloc[:250])
    detector.save(tmp_path / "system")
    loaded = AnomalyDetector.load(tmp_path / "system")
    pd.testing.assert_frame_equal(loaded.update_many(wide.iloc[250:]), detector.update_many(wide.iloc[250:]))


def test_a_detector_of_arrays_is_saved(tmp_path):
    X = np.column_stack([hourly(250, seed=1), hourly(250, seed=2)])
    detector = AnomalyDetector().fit(X)
    detector.save(tmp_path / "array")
    np.testing.assert_array_equal(AnomalyDetector.load(tmp_path / "array").predict(X), detector.predict(X))


@pytest.mark.parametrize("freq", [pd.Timedelta("1h"), pd.offsets.Hour(), "h"])
def test_the_step_of_a_detector_is_saved_however_it_was_given(tmp_path, freq):
    AnomalyDetector(freq=freq).fit(hourly(200)).save(tmp_path / "d")
    assert AnomalyDetector.load(tmp_path / "d").freq == "h"


def rewrite(folder, change):
    """Change the values and tensors as someone would who also mends the checksums."""
    content, tensors = model_folder.read_folder(folder, "anomaly detector")
    change(content, tensors)
    head = ("format", "schema", "tsrnn", "tensors_sha256")
    model_folder.write_folder(
        folder, {name: value for name, value in content.items() if name not in head}, tensors, "anomaly detector"
    )


def test_a_detector_that_was_saved_with_arrays_that_nobody_reads_loads(detector, tmp_path):
    def add(content, tensors):
        rows = len(tensors["found.score"])
        tensors["found.surprise"] = tensors["found.drift"] = torch.zeros(rows, dtype=torch.float64)
        tensors["found.accepted"] = torch.zeros(rows, dtype=torch.bool)

    detector.save(tmp_path / "d")
    rewrite(tmp_path / "d", add)
    pd.testing.assert_frame_equal(AnomalyDetector.load(tmp_path / "d").detect(), detector.detect())


def test_a_detector_of_a_former_version_is_refused_with_what_to_do(detector, tmp_path):
    def forget(content, tensors):
        tensors["usual.held"] = tensors["usual.held"][:, :5].clone()

    detector.save(tmp_path / "d")
    rewrite(tmp_path / "d", forget)
    with pytest.raises(
        DataError, match=r"the array held is .*saved by a former version of tsrnn .*Fit the anomaly detector again"
    ):
        AnomalyDetector.load(tmp_path / "d")


def test_only_a_fitted_detector_with_a_network_can_be_saved(tmp_path):
    with pytest.raises(NotFittedError):
        AnomalyDetector().save(tmp_path / "d")
    with pytest.raises(ParameterError, match="with a SeasonalNaive cannot be saved"):
        AnomalyDetector(SeasonalNaive()).fit(hourly(200)).save(tmp_path / "d")


@pytest.mark.parametrize("whose", ["forecaster", "detector"])
def test_no_detector_is_saved_that_could_not_be_loaded(detector, tmp_path, whose):
    detector.save(tmp_path / "d")
    usual = detector.detect()
    if whose == "forecaster":
        detector.forecaster_.set_params(transform="sqrt")
    else:
        detector.set_params(threshold="guess")
    with pytest.raises(ParameterError, match=r"could not be loaded again, so it is not saved: t\w+='(sqrt|guess)'"):
        detector.save(tmp_path / "d")
    pd.testing.assert_frame_equal(AnomalyDetector.load(tmp_path / "d").detect(), usual)


def test_a_forecasters_folder_is_neither_replaced_nor_loaded(detector, tmp_path):
    detector.forecaster_.save(tmp_path / "model")
    with pytest.raises(ParameterError, match="is not a saved anomaly detector alone"):
        detector.save(tmp_path / "model")
    with pytest.raises(DataError, match="its format is 'tsrnn forecaster'"):
        AnomalyDetector.load(tmp_path / "model")


def test_a_damaged_file_is_refused(detector, tmp_path):
    detector.save(tmp_path / "d")
    file = tmp_path / "d" / "model.json"
    content = json.loads(file.read_text())
    content["alpha"] = 0.5
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match="damaged or was edited"):
        AnomalyDetector.load(tmp_path / "d")


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("plan", {"block": 24, "context": 10**6, "patience": 5}, "windows are not those"),
        ("plan", {"block": 0, "context": 504, "patience": 5}, "block=0"),
        ("ids", [], "0 names"),
        ("alpha", 7.0, "alpha=7.0"),
        ("parameters", {}, "parameters are not those"),
    ],
)
def test_values_that_make_no_detector_are_refused(detector, tmp_path, entry, value, message):
    detector.save(tmp_path / "d")
    rewrite(tmp_path / "d", lambda content, tensors: content.update({entry: value}))
    with pytest.raises(DataError, match=message):
        AnomalyDetector.load(tmp_path / "d")
