"""A forecaster on a GPU, which is pretended: it forecasts what it does on the CPU."""

import pytest
import torch

from tests.conftest import monthly_table
from tsrnn import Forecaster
from tsrnn.forecasting.network_training import own_random_state

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
