import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import torch as tensor_file
from sklearn.exceptions import NotFittedError

from tests.sequences.test_classifier import small, waves
from tsrnn import SequenceClassifier
from tsrnn.errors import DataError, ParameterError
from tsrnn.forecasting import model_folder
from tsrnn.forecasting.model_folder import content_checksum

X, Y = waves(24)


def check_equal(loaded, model, X):
    found, expected = loaded.predict_proba(X), model.predict_proba(X)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert loaded.classes_.dtype == model.classes_.dtype
    assert loaded.classes_.tolist() == model.classes_.tolist()
    pd.testing.assert_frame_equal(loaded.history_, model.history_)
    assert loaded.best_epoch_ == model.best_epoch_
    assert loaded.stopped_early_ == model.stopped_early_


@pytest.mark.parametrize(
    ("options", "X", "y"),
    [
        ({"validation_fraction": 0.2}, X, Y),
        ({"cell": "lstm", "scaling": "case", "num_layers": 2, "bidirectional": False}, X, Y == "slow"),
        ({"class_weight": {"slow": 2.0, "fast": 1}, "dropout": 0.5}, X, pd.Series(Y, dtype=object)),
        ({"tokens": "word"}, ["Good day", "bad day"] * 3, [np.int8(3), np.int8(-1)] * 3),
        ({"tokens": "char", "output": "each_step"}, ["abc", "ba"] * 3, [[0, 1, 0], [1, 0]] * 3),
        ({"random_state": None}, X, np.array(["2020-01-01", "2021-01-01"] * 12, dtype="M8[D]")),
    ],
    ids=["held back", "lstm", "weights", "words", "characters", "dates"],
)
def test_a_loaded_classifier_is_the_saved_one(options, X, y, tmp_path):
    model = small(max_epochs=2, **options).fit(X, y)
    model.save(tmp_path / "model")
    loaded = SequenceClassifier.load(tmp_path / "model")
    check_equal(loaded, model, X)
    assert loaded.get_params() == model.get_params()
    assert loaded.vocabulary_ == model.vocabulary_
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["model.json", "weights.safetensors"]


def test_a_loaded_classifier_can_be_fitted_again_and_checks_tables(tmp_path):
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=list("abc"))
    model = small(max_epochs=2).fit(table, ["x", "y"] * 10)
    model.save(tmp_path / "model")
    loaded = SequenceClassifier.load(tmp_path / "model")
    check_equal(loaded, model, table)
    assert loaded.n_features_in_ == 3
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.predict(table[["c", "b", "a"]])
    np.testing.assert_array_equal(loaded.fit(table, ["x", "y"] * 10).predict_proba(table), model.predict_proba(table))


def test_a_device_of_torch_is_saved_by_its_name(tmp_path):
    small(max_epochs=1, device=torch.device("cpu")).fit(X, Y).save(tmp_path / "model")
    assert SequenceClassifier.load(tmp_path / "model").device == "cpu"


def test_what_has_no_written_form_is_left_out_or_refused(tmp_path):
    model = small(max_epochs=1, verbose=print, random_state=np.random.RandomState(0))
    model.fit(X, Y).save(tmp_path / "model")
    loaded = SequenceClassifier.load(tmp_path / "model")
    assert loaded.verbose is False
    assert loaded.random_state is None
    model.best_epoch_ = -1
    with pytest.raises(ParameterError, match="could not be loaded again, so it is not saved: best_epoch=-1"):
        model.save(tmp_path / "other")
    model.classes_ = np.array([1j, 2j, 3j])
    with pytest.raises(ParameterError, match="Labels of type complex128 cannot be saved"):
        model.save(tmp_path / "other")
    with pytest.raises(NotFittedError, match="not fitted"):
        small().save(tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    small(max_epochs=1).fit(X, Y).save(folder)
    return folder


def rewrite(saved, folder, change=None, tensors=None):
    """Copy a saved model with other content, and sign it as if tsrnn had written it."""
    folder.mkdir()
    content = json.loads((saved / "model.json").read_text())
    del content["checksum"]
    data = (saved / "weights.safetensors").read_bytes()
    if tensors is not None:
        data = tensor_file.save(tensors(tensor_file.load(data)))
        content["tensors_sha256"] = model_folder._sha256(data)
    for path, value in (change or {}).items():
        *parents, last = path.split(".")
        part = content
        for name in parents:
            part = part[name]
        part[last] = value
    (folder / "weights.safetensors").write_bytes(data)
    (folder / "model.json").write_text(json.dumps({**content, "checksum": content_checksum(content)}))
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size.hidden_size": 10**6}, "tensors do not fit the settings"),
        ({"size.hidden_size": 10**9}, "hidden_size"),
        ({"size.num_layers": 900}, "900 layers and 3 filters, but"),
        ({"size.filters": [8] * 2000}, "2,000 filters"),
        ({"size.cell": "feed-forward"}, "cell='feed-forward'"),
        ({"size.dropout": 1}, "dropout=1"),
        ({"size.embedding_size": 4}, "a network for texts has no vocabulary"),
        ({"size.each_step": "no"}, "each_step"),
        ({"parameters.cell": "no"}, "cell='no'"),
        ({"parameters.more": 1}, "the parameters are not those of SequenceClassifier"),
        ({"parameters.class_weight": {"pairs": [1]}}, "no list of pairs"),
        ({"parameters.device": 5}, "device=5"),
        ({"classes.dtype": "V4"}, "labels of type"),
        ({"classes.labels": ["a"]}, "1 class, but a network for 3"),
        ({"vocabulary": {"items": []}}, "vocabulary is not one that tsrnn wrote"),
        ({"history": {"list": [1]}}, "the history is no list of rows"),
        ({"best_epoch": -1}, "best_epoch"),
        ({"each_case": None}, "each_case"),
        ({"format": "tsrnn forecaster"}, "not the file of a saved tsrnn classifier: its format is 'tsrnn forecaster'"),
    ],
)
def test_a_file_that_makes_no_classifier_is_refused(saved, tmp_path, change, message):
    folder = rewrite(saved, tmp_path / "model", change)
    with pytest.raises(DataError, match=message):
        SequenceClassifier.load(folder)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (lambda parts: {**parts, "scaler.scale": torch.zeros(2, dtype=torch.float64)}, "not finite and above 0"),
        (lambda parts: {**parts, "scaler.loc": torch.zeros(3, dtype=torch.float64)}, "not those of 2 channels"),
        (lambda parts: {**parts, "network.more": torch.zeros(1)}, r"1 of its \d+ tensors do not fit the settings"),
        (lambda parts: {name: part for name, part in parts.items() if name != "network.head.bias"}, "head.bias"),
    ],
)
def test_weights_that_do_not_fit_are_refused(saved, tmp_path, tensors, message):
    folder = rewrite(saved, tmp_path / "model", tensors=tensors)
    with pytest.raises(DataError, match=message):
        SequenceClassifier.load(folder)
