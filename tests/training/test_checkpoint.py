import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tsrnn.errors import DataError
from tsrnn.training.checkpoint import Checkpoint
from tsrnn.training.trainer import TrainingPlan, TrainingRecord, train

PLAN = TrainingPlan(60, learning_rate=0.05, validate_every=10, patience=100)


class Interrupted(Exception):
    """Stands for a kill."""


def dropout_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.3), nn.Linear(8, 1))


def fit(network, checkpoint=None, stop_at=None, plan=PLAN):
    def draw(step):
        if step == stop_at:
            raise Interrupted
        rng = np.random.default_rng([1, step])
        return torch.from_numpy(rng.normal(size=(16, 3))).float()

    validation = [torch.from_numpy(np.random.default_rng(5).normal(size=(64, 3))).float()]
    record = TrainingRecord()
    train(
        network,
        lambda x: (network(x)[:, 0] - x.sum(1)).square().mean(),
        draw,
        validation,
        plan,
        record=record,
        checkpoint=checkpoint,
    )
    return record


@pytest.mark.parametrize("stop_at", [11, 35, 60])
def test_an_interrupted_training_ends_like_one_that_never_was(tmp_path, stop_at):
    straight = dropout_network()
    expected = fit(straight)
    checkpoint = Checkpoint(tmp_path / "run" / "state.safetensors", {"what": "a line"})
    with pytest.raises(Interrupted):
        fit(dropout_network(), checkpoint, stop_at)
    resumed = dropout_network()
    torch.manual_seed(123)  # whatever the state of the world
    found = fit(resumed, checkpoint)
    for name, value in straight.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value)
    scores = [(row.step, row.train_loss, row.validation_loss) for row in expected.history]
    assert [(row.step, row.train_loss, row.validation_loss) for row in found.history] == scores
    assert found.best_step == expected.best_step


def test_a_finished_training_is_not_repeated(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state.safetensors", {"what": "a line"})
    first = dropout_network()
    fit(first, checkpoint)
    second = dropout_network()
    fit(second, checkpoint, stop_at=1)  # would be interrupted by its first draw
    assert torch.equal(first[0].weight, second[0].weight)


def test_a_training_that_used_up_its_time_is_not_gone_on_with(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state.safetensors", {"what": "a line"})
    plan = replace(PLAN, time_budget=1e-9)
    first, second = dropout_network(), dropout_network()
    assert fit(first, checkpoint, plan=plan).out_of_time
    record = fit(second, checkpoint, stop_at=2, plan=plan)  # a step more would be interrupted
    assert record.out_of_time
    assert [row.step for row in record.history] == [1]
    assert torch.equal(first[0].weight, second[0].weight)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    fit(dropout_network(), Checkpoint(path, {"steps": 60}))
    with pytest.raises(
        DataError, match=r"belongs to another training \(\{\"steps\": 60\}\); expected \{\"steps\": 70\}"
    ):
        fit(dropout_network(), Checkpoint(path, {"steps": 70}))


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    checkpoint = Checkpoint(path, {"steps": 60})
    fit(dropout_network(), checkpoint)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=f"{re.escape(str(path))} cannot be read: .* Delete the file to start again"):
        fit(dropout_network(), checkpoint)
    save_file({"x": torch.zeros(1)}, path, {"schema": "7"})
    with pytest.raises(DataError, match="has schema '7', expected 1"):
        fit(dropout_network(), checkpoint)
    assert load_file(path)["x"].tolist() == [0.0]  # a file that is refused is left alone


def test_what_is_no_file_is_no_checkpoint(tmp_path, put_no_file):
    path = tmp_path / "state.safetensors"
    put_no_file(path)
    with pytest.raises(DataError, match=r"state\.safetensors cannot be read: .*(it is|Is) a .* Delete the file"):
        Checkpoint(path, {"steps": 60}).load()


def test_a_write_that_fails_leaves_the_last_one_whole(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state.safetensors", {})
    checkpoint.save({"x": torch.ones(2)}, {"step": 1})
    with pytest.raises(TypeError):
        checkpoint.save({"x": torch.zeros(2)}, {"step": object})
    tensors, facts = checkpoint.load()
    assert tensors["x"].tolist() == [1.0, 1.0]
    assert facts == {"step": 1}
