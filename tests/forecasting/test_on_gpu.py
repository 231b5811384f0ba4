"""A forecaster on a GPU, which is pretended: it forecasts what it does on the CPU."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.conftest import monthly_table
from tests.pretend_gpu import GpuTensor, pretend_gpu
from tsrnn import Forecaster
from tsrnn.forecasting import strategy
from tsrnn.networks.devices import nearest_device, pick_device
from tsrnn.networks.randomness import own_random_state
from tsrnn.networks.sampling import sample_paths

TINY = {"strategy": "scratch", "max_steps": 3, "hidden_size": 8, "horizon": 6}


def hourly_table(n_rows=24 * 16):
    t = np.arange(n_rows)
    y = 50 + 10 * np.sin(2 * np.pi * t / 24) + np.random.default_rng(0).normal(0, 1, n_rows)
    return pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2024-01-01", periods=n_rows, freq="h"), "y": y})


def numbers(table):
    return table.select_dtypes("number").to_numpy()


def fit_on_both(table, h, **options):
    """Fit on the CPU and on the GPU, compare their forecasts, and return both models."""
    models = [Forecaster(device=device, **options).fit(table) for device in ("cpu", "cuda")]
    here, there = (numbers(model.predict(h=h, level=[80])) for model in models)
    np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-4)
    for forecast in models[1].networks_:
        assert all(isinstance(part, GpuTensor) for part in forecast.network.state_dict().values())
    assert [model.device_ for model in models] == ["cpu", "cuda"]
    return models


@pytest.mark.parametrize("h", [60, 72])  # 60 months at once, then by sample paths
def test_the_base_forecasts_months(gpu, h):
    fit_on_both(monthly_table(2), h, strategy="zero-shot")


def test_the_base_forecasts_hours_far_ahead(gpu):
    fit_on_both(hourly_table(), 200, strategy="zero-shot")  # 168 hours at once, then by sample paths


def test_the_base_forecasts_days_beside_the_year(gpu):
    table = hourly_table(800).assign(ds=pd.date_range("2020-01-01", periods=800))
    fit_on_both(table, 40, strategy="zero-shot")


def test_an_ensemble_of_the_base_forecasts(gpu):
    fit_on_both(monthly_table(1, 150), 6, strategy="zero-shot", ensemble_size=2)


def test_windows_with_gaps_and_missing_ends_are_forecast(gpu):
    table = monthly_table(3, 70)
    table.loc[[*range(20, 25), *range(66, 70), *range(139, 140)], "y"] = np.nan
    fit_on_both(table, 8, strategy="zero-shot")


def test_the_base_is_fine_tuned(gpu):
    fit_on_both(monthly_table(2), 8, strategy="fine-tune", max_steps=3, horizon=6)


@pytest.mark.parametrize(
    ("network", "cell"),
    [
        ("parallel", "lstm"),
        ("parallel", "feed-forward"),
        ("autoregressive", "gru"),
        ("autoregressive", "rnn"),
        ("one", "lstm"),
        ("one", "feed-forward"),
    ],
)
def test_every_network_and_cell_is_trained(gpu, network, cell):
    fit_on_both(monthly_table(2), 8, **{**TINY, "network": network, "cell": cell, "patch_length": 3})


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_two_directions_and_two_layers_are_trained(gpu, cell):
    fit_on_both(monthly_table(2), 14, **TINY, cell=cell, bidirectional=True, num_layers=2)


def test_an_ensemble_of_transformed_series_is_trained(gpu):
    fit_on_both(monthly_table(2), 8, **TINY, ensemble_size=3, transform="boxcox")


def test_auto_compares_what_it_has_trained(gpu, monkeypatch):
    monkeypatch.setattr(strategy, "step_seconds", lambda settings: 60.0)
    monkeypatch.setattr(strategy, "FEWEST_STEPS", 2)
    models = fit_on_both(monthly_table(5, 70), 3, horizon=3, time_budget=1000.0)
    scores = [model.scores_ for model in models]
    assert {"zero-shot", "scratch", "fine-tune"} <= set(scores[0])
    assert scores[1] == pytest.approx(scores[0], rel=1e-4)


def test_a_model_travels_between_a_gpu_and_a_cpu(tmp_path):
    with pretend_gpu():
        model = Forecaster(**TINY).fit(monthly_table(2))
        assert model.device_ == "cuda"
        there = numbers(model.predict(h=8))
        model.save(tmp_path / "model")
        again = Forecaster.load(tmp_path / "model")
        assert again.device_ == "cuda"
        np.testing.assert_array_equal(numbers(again.predict(h=8)), there)
    here = Forecaster.load(tmp_path / "model")
    assert here.device_ == "cpu"
    np.testing.assert_allclose(numbers(here.predict(h=8)), there, rtol=1e-5)
    here.save(tmp_path / "back")
    with pretend_gpu():
        back = Forecaster.load(tmp_path / "back")
        assert back.device_ == "cuda"
        np.testing.assert_allclose(numbers(back.predict(h=8)), there, rtol=1e-5)


def test_later_rows_are_forecast_on(gpu):
    table = monthly_table(2, 64)
    early = table["ds"] < "2020-01-01"
    here, there = fit_on_both(table[early], 3, **TINY)
    for model in (here, there):
        model.update(table[~early])
    np.testing.assert_allclose(numbers(there.predict(h=8)), numbers(here.predict(h=8)), rtol=1e-5)


def test_auto_means_the_gpu_and_a_second_one_is_refused(gpu):
    assert pick_device("auto").type == "cuda"
    assert nearest_device("cuda:1").type == "cpu"
    with pytest.raises(ValueError, match="device='cuda:1': torch cannot compute on it here"):
        pick_device("cuda:1")


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


def test_a_seed_gives_one_forecast_on_a_gpu_that_draws_its_own_numbers(random_gpu):
    first, second, other = (
        numbers(Forecaster(**TINY, device="cuda", random_state=seed).fit(monthly_table(1)).predict(h=8))
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


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
