"""What the pretended GPU refuses, and that it computes what the CPU does."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tests.conftest import monthly_table
from tests.pretend_gpu import CHUNK_WARNING, GpuTensor, pretend_gpu
from tsrnn import Forecaster
from tsrnn.preprocessing import profiles


@pytest.fixture
def x(gpu):
    return torch.arange(6.0, device="cuda").reshape(2, 3)


def test_there_is_a_gpu_only_while_it_is_pretended():
    with pretend_gpu() as gpu:
        assert torch.cuda.is_available()
        assert torch.cuda.device_count() == 1
        assert torch.zeros(2, device="cuda").is_cuda
        assert gpu.count == 1
    assert not torch.cuda.is_available()
    assert type(torch.zeros(2)) is torch.Tensor
    with pytest.raises((RuntimeError, AssertionError), match=r"CUDA|NVIDIA"):
        torch.zeros(2, device="cuda")


def test_tensors_of_two_devices_are_refused_but_for_numbers_and_indices(x):
    for mistake in (
        lambda: x + torch.ones(3),
        lambda: torch.cat([x, torch.ones(1, 3)]),
        lambda: x @ torch.ones(3, 2),
        lambda: torch.stack([x[0, 0], torch.tensor(1.0)]),
        lambda: torch.ones(2, 3).add_(x),
        lambda: torch.where(torch.ones(2, 3) > 0, x, 0.0),
        lambda: x.gather(1, torch.zeros(2, 1, dtype=torch.int64)),
        lambda: nn.Linear(3, 1)(x),
    ):
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            mistake()
    with pytest.raises(RuntimeError, match="same device as the indexed tensor"):
        torch.arange(3)[x[0].long()]
    assert (x * torch.tensor(2.0))[torch.tensor([1])].tolist() == [[6.0, 8.0, 10.0]]


def test_nothing_is_handed_to_numpy(x):
    for mistake in (x.numpy, lambda: np.asarray(x), lambda: np.abs(x)):
        with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
            mistake()
    assert x.cpu().numpy().tolist() == x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_a_copy_shares_no_memory_and_a_view_does(x):
    there = x.cpu()
    there += 1
    x[:, 1:] = 7
    assert x.tolist() == [[0.0, 7.0, 7.0], [3.0, 7.0, 7.0]]
    part = copy.deepcopy(x)
    part[x == 7] = 0
    assert part.sum().item() == 3
    assert x.sum().item() == 31


def test_another_gpu_is_not_there(gpu):
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.zeros(1, device="cuda:1")
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.zeros(1).to("cuda:1")


def test_a_generator_serves_its_own_device(gpu):
    ours, theirs = (torch.Generator(device).manual_seed(0) for device in ("cuda", "cpu"))
    with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator but found 'cpu'"):
        torch.rand(2, generator=theirs, device="cuda")
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'cuda'"):
        torch.randperm(3, generator=ours)
    assert torch.rand(2, generator=ours, device="cuda").is_cuda


def test_a_gpu_may_draw_numbers_of_its_own(random_gpu):
    here, there = torch.get_rng_state(), torch.cuda.get_rng_state()
    torch.rand(3, device="cuda")
    nn.functional.dropout(torch.ones(4, device="cuda"))
    assert torch.equal(torch.get_rng_state(), here)
    assert not torch.equal(torch.cuda.get_rng_state(), there)
    torch.rand(3)
    assert not torch.equal(torch.get_rng_state(), here)


def test_what_waits_for_the_gpu_is_listed(gpu, x):
    gpu.waits.clear()
    torch.ones(3).to("cuda", non_blocking=True)
    torch.where(x > 2, x, 0.0)
    x[x > 2] = 1.0
    x.index_select(1, torch.zeros(1, dtype=torch.int64, device="cuda"))
    assert gpu.waits == []
    torch.ones(3).to("cuda")
    x[x > 2]
    x.sum().item()
    assert [wait.split(".")[-2 if "." in wait else 0] for wait in gpu.waits] == [
        "to cuda",
        "index",
        "_local_scalar_dense",
    ]


def test_a_copy_that_may_be_read_too_early_is_refused(x):
    with pytest.raises(AssertionError, match="has to be waited for"):
        x.to("cpu", non_blocking=True)


@pytest.mark.parametrize("cell", [nn.GRU, nn.LSTM, nn.RNN])
def test_a_recurrent_training_is_that_of_the_cpu(gpu, cell):
    ends = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(3, 4), cell(4, 5, 2, batch_first=True, dropout=0.5)).to(device)
        optimiser = torch.optim.AdamW(network.parameters(), 1e-2)
        for _ in range(3):
            optimiser.zero_grad()
            states, _ = network(torch.ones(2, 6, 3, device=device))
            (states**2).mean().backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.1)
            optimiser.step()
        ends.append(network[0].weight.detach().cpu())
    assert isinstance(network[0].weight, GpuTensor)
    torch.testing.assert_close(ends[0], ends[1])


def test_recurrent_cells_are_as_strict_as_cudnn(gpu):
    cell, x = nn.GRU(3, 4).to("cuda"), torch.ones(5, 2, 3, device="cuda")
    with pytest.raises(RuntimeError, match="not at the same device"):
        cell(x, torch.zeros(1, 2, 4))
    with pytest.raises(RuntimeError, match="hx is not contiguous"):
        cell(x, torch.zeros(1, 4, 2, device="cuda").transpose(1, 2))
    with pytest.raises(RuntimeError, match="BAD_PARAM"):
        cell(x[:, :0])
    with pytest.raises(RuntimeError, match="backward can only be called in training mode"):
        cell.eval()(x)[0].sum().backward()
    with torch.autocast("cuda", torch.bfloat16):
        assert cell(x)[0].dtype == torch.float16
        assert nn.Linear(3, 2).to("cuda")(x).dtype == torch.bfloat16
    weights = [part.clone() for part in cell.parameters()]
    with pytest.warns(UserWarning, match=CHUNK_WARNING[:40]):
        torch.gru(x, x.new_zeros(1, 2, 4), weights, True, 1, 0.0, True, False, False)
    weights[1] = weights[1].half()
    with pytest.raises(RuntimeError, match="Weight scalar types do not match"):
        torch.gru(x, x.new_zeros(1, 2, 4), weights, True, 1, 0.0, True, False, False)


def test_a_tensor_that_a_forecast_forgets_to_put_on_the_gpu_is_found(gpu, monkeypatch):
    model = Forecaster(strategy="zero-shot", device="cuda").fit(monthly_table(1, 40))
    assert len(model.predict(h=2)) == 2

    def forgetful(patterns, level, horizon):
        return (patterns + level.unsqueeze(2)).gather(2, torch.arange(horizon).expand(*patterns.shape[:2], -1))

    monkeypatch.setattr(profiles, "_continue", forgetful)
    with pytest.raises(RuntimeError, match=r"same device.*aten\.gather"):
        model.predict(h=2)
