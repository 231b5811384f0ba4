import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.base import clone

from tsrnn.errors import DataError, ParameterError
from tsrnn.forecasting.model_folder import CONTENT_FILE, TENSOR_FILE, content_checksum
from tsrnn.sequences.text_generator import TextGenerator

TEXT = "to be, or not to be, that is the question. " * 30


def fitted(**parameters):
    return TextGenerator(
        hidden_size=12, embedding_size=6, batch_size=8, max_epochs=1, random_state=np.int64(3), **parameters
    ).fit(TEXT)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model, folder = fitted(), tmp_path_factory.mktemp("models") / "hamlet"
    model.save(folder)
    return model, folder


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved[1], tmp_path / "copy")


def rewrite(folder, change):
    """Change the content as someone would who also mends the checksum."""
    file = folder / CONTENT_FILE
    content = json.loads(file.read_text())
    del content["checksum"]
    change(content)
    file.write_text(json.dumps({**content, "checksum": content_checksum(content)}))


@pytest.mark.parametrize(
    "parameters", [{}, {"tokens": "word", "cell": "lstm"}, {"validation_share": 0}, {"weight_dropout": 0.3}]
)
def test_a_loaded_model_writes_and_scores_like_the_saved_one(tmp_path, parameters):
    model = fitted(**parameters)
    model.save(tmp_path / "m")
    loaded = TextGenerator.load(tmp_path / "m")
    assert loaded.generate("to be", 80, random_state=1) == model.generate("to be", 80, random_state=1)
    assert loaded.score(TEXT) == model.score(TEXT)
    assert loaded.summary() == model.summary()
    assert loaded.get_params() == model.get_params()
    assert loaded.vocabulary_ == model.vocabulary_
    pd.testing.assert_frame_equal(loaded.history_, model.history_)
    for name in ("validation_score_", "baseline_score_", "best_step_", "seed_", "stopped_early_", "out_of_time_"):
        assert getattr(loaded, name) == getattr(model, name)
    loaded.save(tmp_path / "again")
    assert TextGenerator.load(tmp_path / "again").score(TEXT) == model.score(TEXT)


def test_a_folder_is_replaced_by_a_model_of_its_kind_only(saved, tmp_path, copy):
    model, _ = saved
    model.save(copy)
    assert TextGenerator.load(copy).score(TEXT) == model.score(TEXT)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    with pytest.raises(ParameterError, match=r"holds 1 file and is not a saved text generator alone: thesis\.txt"):
        model.save(tmp_path / "other")
    assert (tmp_path / "other" / "thesis.txt").exists()


def test_a_callable_verbose_is_saved_as_false_and_the_text_is_not_in_the_folder(tmp_path):
    model = fitted(verbose=lambda state: None)
    model.save(tmp_path / "m")
    assert TextGenerator.load(tmp_path / "m").verbose is False
    assert "question" not in (tmp_path / "m" / CONTENT_FILE).read_text()


def test_a_device_of_torch_is_saved_by_its_name_in_models_and_checkpoints(tmp_path):
    model = fitted(device=torch.device("cpu"))
    model.save(tmp_path / "m")
    assert TextGenerator.load(tmp_path / "m").device == "cpu"
    model.fit(TEXT, checkpoint=tmp_path / "checkpoint")
    resumed = clone(model).set_params(device="cpu").fit(TEXT, checkpoint=tmp_path / "checkpoint")
    assert resumed.score(TEXT) == model.score(TEXT)


def test_no_generator_is_saved_that_could_not_be_loaded(tmp_path, copy):
    model = TextGenerator.load(copy)
    model.best_step_ = -1
    with pytest.raises(ParameterError, match="could not be loaded again, so it is not saved: best_step=-1"):
        model.save(copy)
    assert TextGenerator.load(copy).best_step_ >= 0


def test_a_folder_that_is_missing_or_of_another_kind_is_refused(tmp_path, copy):
    with pytest.raises(DataError, match=r"nothing is no folder\. Expected one that `save` wrote"):
        TextGenerator.load(tmp_path / "nothing")
    rewrite(copy, lambda content: content.update(format="tsrnn forecaster"))
    with pytest.raises(DataError, match="is not the file of a saved tsrnn text generator: its format is 'tsrnn fore"):
        TextGenerator.load(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["size"].update(hidden_size=10**9), "hidden_size=1000000000, expected a whole number"),
        (lambda c: c["size"].update(hidden_size=13), "tensors do not fit the settings"),
        (lambda c: c["size"].update(num_layers=900), "num_layers=900, but there are only"),
        (lambda c: c["size"].update(cell="feed-forward"), "cell='feed-forward', expected one of"),
        (lambda c: c["size"].update(dropout=2), "dropout=2, expected a number between 0 and 1"),
        (lambda c: c["size"].update(weight_dropout="x"), "weight_dropout='x', expected a number"),
        (lambda c: c["size"].update(depth=1), "the size is not that of a language network"),
        (lambda c: c["size"].update(vocabulary_size=3), "vocabulary_size=3, but the vocabulary has"),
        (lambda c: c["vocabulary"].update(items=["a", "a"]), "tokens are repeated"),
        (lambda c: c["parameters"].update(secret=1), "the parameters are not those of TextGenerator"),
        (lambda c: c["parameters"].update(dropout="x"), "dropout='x': expected a share"),
        (lambda c: c["parameters"].update(device=5), "device=5"),
        (lambda c: c.update(history=[[1, 2]]), "the history is no list of rows"),
        (lambda c: c.update(history=[["x"] * 6]), "'x' in the history, expected a number"),
        (lambda c: c.update(validation_score={"nats": -1}), "nats=-1, expected a number between 0 and inf"),
        (lambda c: c.update(best_step=-1), "best_step=-1, expected a whole number"),
        (lambda c: c.pop("out_of_time"), "the entry 'out_of_time' is missing"),
    ],
)
def test_values_that_make_no_model_are_refused(copy, change, message):
    rewrite(copy, change)
    with pytest.raises(DataError, match=f"do not make a model: .*({message})"):
        TextGenerator.load(copy)


def test_a_model_saved_before_weights_could_be_dropped_loads(saved, copy):
    def forget(content):
        del content["size"]["weight_dropout"], content["parameters"]["weight_dropout"]
        content["parameters"].update(validation_share=0.05, patience=8)

    rewrite(copy, forget)
    loaded = TextGenerator.load(copy)
    assert loaded.network_.size.weight_dropout == 0
    assert (loaded.weight_dropout, loaded.validation_share, loaded.patience) == (None, 0.05, 8)
    assert loaded.generate("to be", 80, random_state=1) == saved[0].generate("to be", 80, random_state=1)


def test_weights_that_are_not_finite_are_refused(copy):
    tensors = load_file(copy / TENSOR_FILE)
    tensors["head.bias"][0] = torch.nan
    save_file(tensors, copy / TENSOR_FILE)
    digest = hashlib.sha256((copy / TENSOR_FILE).read_bytes()).hexdigest()
    rewrite(copy, lambda content: content.update(tensors_sha256=digest))
    with pytest.raises(DataError, match="a weight is not finite"):
        TextGenerator.load(copy)
