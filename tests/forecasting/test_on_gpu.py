"""A forecaster on a GPU, which is pretended: it forecasts what it does on the CPU."""

import pytest
import torch

from tests.conftest import monthly_table
from tsrnn import Forecaster
from tsrnn.forecasting.network_training import own_random_state
from tsrnn.networks.sampling import sample_paths

TINY = {"strategy": "scratch", "max_steps": 3, "hidden_size": 8, "horizon": 6}


def numbers(table):
    return table.select_dtypes("number").to_numpy()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_fit_leaves_the_random_numbers_of_cpu_and_gpu_alone(random_gpu, device):
    here, there = torch.get_rng_state(), torch.cuda.get_rng_state()
    Forecaster(**TINY, device=device, num_layers=2).fit(monthly_table(1)).predict(h=30)
    assert torch.equal(torch.get_rng_state(), here)
    assert torch.equal(torch.cuda.get_rng_state(), there)


def test_work_on_the_cpu_never_touches_the_random_numbers_of_a_gpu(random_gpu):
    there = torch.cuda.get_rng_state()
    with own_random_state(5, torch.device("cpu")):
        assert torch.equal(torch.cuda.get_rng_state(), there)
        drawn = torch.rand(3)
    assert torch.equal(drawn, torch.rand(3, generator=torch.Generator().manual_seed(5)))


@pytest.mark.parametrize("network", ["parallel", "autoregressive", "one"])
def test_a_step_of_training_does_not_wait_for_the_gpu(gpu, network):
    waits = []
    for steps in (3, 7):  # both validate once, and learn from what was held back once
        gpu.waits.clear()
        Forecaster(**{**TINY, "network": network, "max_steps": steps}, patch_length=3).fit(monthly_table(2))
        waits.append(list(gpu.waits))
    assert waits[0] == waits[1]


def test_drawing_sample_paths_does_not_wait_for_the_gpu(gpu):
    known = torch.arange(3.0, device="cuda").expand(2, 4, 3)
    gpu.waits.clear()
    sample_paths(known, (0.1, 0.5, 0.9), torch.zeros(5, 4))
    assert gpu.waits == []
