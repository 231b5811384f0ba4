"""The training of the base on a GPU, which is pretended."""

import pytest
import torch

from tests.pretend_gpu import GpuTensor
from tsrnn.pretrained import train as module
from tsrnn.pretrained.family import MEMBERS, Member
from tsrnn.pretrained.simulated import SimulatedWindows
from tsrnn.pretrained.train import Recipe, main, train_member
from tsrnn.pretrained.weights import load_member

TINY = Member("tiny", 4, 16, 4, 8, "seasonal", (((4,), 1.0),), far=4)
RECIPE = Recipe("tiny", steps=20, batch_size=16, seed=0, learning_rate=1e-2, far_steps=4)


class Interrupted(Exception):
    """Stands for a kill."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr("tsrnn.pretrained.simulated.SERIES_AT_ONCE", 128)
    monkeypatch.setattr("tsrnn.pretrained.simulated.VALIDATION_BATCHES", 1)
    monkeypatch.setattr(module, "FAR_STEPS", 4)
    monkeypatch.setitem(MEMBERS, "tiny", TINY)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    load_member.cache_clear()


def weights_in(folder):
    load_member.cache_clear()
    return torch.cat([part.flatten() for part in load_member(TINY, folder).state_dict().values()])


def test_the_base_learns_what_it_does_on_the_cpu(gpu, tmp_path):
    found = []
    for device in ("cpu", "cuda"):
        done = gpu.count
        options = ["--members", "tiny", "--steps", "8", "--batch-size", "16", "--output", str(tmp_path / device)]
        assert main([*options, "--device", device]) == 0
        assert main([*options, "--device", device, "--far-only"]) == 0
        assert (gpu.count > done) == (device == "cuda")
        found.append(weights_in(tmp_path / device))
    torch.testing.assert_close(found[1], found[0], rtol=1e-3, atol=1e-4)  # they are stored in half precision


@pytest.mark.parametrize(("horizon", "stop_at"), [(4, 13), (8, 3)])  # while it learns the near steps, or the far ones
def test_a_training_that_was_interrupted_on_a_gpu_goes_on_there(random_gpu, tmp_path, monkeypatch, horizon, stop_at):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    straight.mkdir()
    broken.mkdir()
    device = torch.device("cuda")
    train_member(TINY, RECIPE, straight, device)
    draw = SimulatedWindows.draw

    def interrupted(self, step):
        if self.seed == 0 and step == stop_at and self.member.horizon == horizon:
            raise Interrupted
        batch = draw(self, step)
        assert isinstance(batch.target, GpuTensor)
        return batch

    with monkeypatch.context() as patch:
        patch.setattr(SimulatedWindows, "draw", interrupted)
        with pytest.raises(Interrupted):
            train_member(TINY, RECIPE, broken, device)
    assert any(path.suffix == ".checkpoint" for path in broken.iterdir())
    torch.rand(5, device="cuda")
    train_member(TINY, RECIPE, broken, device)
    assert torch.equal(weights_in(broken), weights_in(straight))


def test_a_checkpoint_of_a_gpu_is_taken_up_by_a_cpu_and_the_other_way_round(gpu, tmp_path, monkeypatch):
    draw = SimulatedWindows.draw

    def interrupted(self, step):
        if self.seed == 0 and step == 13:
            raise Interrupted
        return draw(self, step)

    found = []
    for first, second in (("cuda", "cpu"), ("cpu", "cuda"), ("cpu", "cpu")):
        folder = tmp_path / f"{first} {second}"
        folder.mkdir()
        with monkeypatch.context() as patch:
            patch.setattr(SimulatedWindows, "draw", interrupted)
            with pytest.raises(Interrupted):
                train_member(TINY, RECIPE, folder, torch.device(first))
        train_member(TINY, RECIPE, folder, torch.device(second))
        found.append(weights_in(folder))
    for other in found[:2]:
        torch.testing.assert_close(other, found[2], rtol=1e-3, atol=1e-4)


def test_a_step_of_training_does_not_wait_for_the_gpu(gpu):
    windows = SimulatedWindows(TINY, 16, 0, torch.device("cuda"))
    windows.draw(1)
    gpu.waits.clear()
    windows.draw(2)
    assert gpu.waits == []


def test_a_gpu_that_is_missing_is_an_error_of_one_line(tmp_path, capsys):
    assert not torch.cuda.is_available()
    assert main(["--members", "tiny", "--output", str(tmp_path), "--device", "cuda"]) == 1
    assert capsys.readouterr().err == "error: device='cuda': torch finds no GPU here. Use device='auto' or 'cpu'.\n"
    assert list(tmp_path.iterdir()) == []
