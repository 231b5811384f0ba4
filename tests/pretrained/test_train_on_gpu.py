"""The training of the base on a GPU, which is pretended."""

import pytest
import torch

from tsrnn.pretrained import train as module
from tsrnn.pretrained.family import MEMBERS, Member
from tsrnn.pretrained.simulated import SimulatedWindows
from tsrnn.pretrained.train import main
from tsrnn.pretrained.weights import load_member

TINY = Member("tiny", 4, 16, 4, 8, "seasonal", (((4,), 1.0),), far=4)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr("tsrnn.pretrained.simulated.SERIES_AT_ONCE", 128)
    monkeypatch.setattr("tsrnn.pretrained.simulated.VALIDATION_BATCHES", 1)
    monkeypatch.setattr(module, "FAR_STEPS", 4)
    monkeypatch.setitem(MEMBERS, "tiny", TINY)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    load_member.cache_clear()


def test_a_step_of_training_does_not_wait_for_the_gpu(gpu):
    windows = SimulatedWindows(TINY, 16, 0, torch.device("cuda"))
    windows.draw(1)
    gpu.waits.clear()
    windows.draw(2)
    assert gpu.waits == []


def test_a_gpu_that_is_missing_is_an_error_of_one_line(tmp_path, capsys):
    assert not torch.cuda.is_available()
    assert main(["--members", "tiny", "--output", str(tmp_path), "--device", "cuda"]) == 1
    assert capsys.readouterr().err == "error: --device cuda: torch finds no GPU here\n"
    assert list(tmp_path.iterdir()) == []
