import threading

import pytest
import torch

from tests.conftest import monthly_table
from tsrnn import Forecaster, SequenceClassifier
from tsrnn.data.tables import read_panel
from tsrnn.errors import TrainingError
from tsrnn.forecasting import network_training as module
from tsrnn.forecasting.network_forecast import NetworkForecast
from tsrnn.forecasting.network_training import Training, new_network, train_at_once, training_ends
from tsrnn.forecasting.settings import choose_settings

CPU = torch.device("cpu")
TINY = {"strategy": "scratch", "max_steps": 12, "hidden_size": 8, "batch_size": 16, "horizon": 6, "dropout": 0.3}


@pytest.fixture
def threads():
    """Set the number of threads that torch may use, and give it back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def panel():
    return read_panel(monthly_table(n_series=3, n_rows=60)).sorted_by_id()


def trainings_of(panel, count, **parameters):
    settings = choose_settings(Forecaster(**{**TINY, **parameters}), panel)
    trainings = []
    for k in range(count):
        forecast = NetworkForecast(new_network(settings, k, CPU), settings.size, settings.scaling, k)
        trainings.append(Training(f"scratch ({k})", "scratch", forecast, settings))
    return trainings, training_ends(panel.lengths, settings.min_history, settings.horizon)


def weights_of(trainings):
    return [torch.cat([p.detach().flatten() for p in part.forecast.network.parameters()]) for part in trainings]


@pytest.mark.parametrize(
    "parameters", [{}, {"network": "one"}, {"network": "autoregressive"}, {"num_layers": 2}, {"cell": "feed-forward"}]
)
def test_networks_trained_at_once_become_what_they_become_alone(panel, threads, parameters):
    state, found = torch.get_rng_state(), []
    for count in (1, 3):
        threads(count)
        trainings, ends = trainings_of(panel, 3, **parameters)
        begin = weights_of(trainings)
        train_at_once(trainings, panel, ends)
        assert not any(torch.equal(a, b) for a, b in zip(begin, weights_of(trainings), strict=True))
        assert torch.get_num_threads() == count
        found.append(weights_of(trainings))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_the_networks_are_trained_at_the_same_time(panel, threads, monkeypatch):
    """Each waits for the other, so one after the other they would never end."""
    meeting = threading.Barrier(2, timeout=20)
    monkeypatch.setattr(module, "train_network", lambda *given: meeting.wait())
    threads(2)
    trainings, ends = trainings_of(panel, 2)
    train_at_once(trainings, panel, ends)


def test_the_longest_training_begins_first(panel, threads, monkeypatch):
    begun = []
    monkeypatch.setattr(module, "train_network", lambda training, *given: begun.append(training.settings.max_steps))
    threads(1)
    short, ends = trainings_of(panel, 1, max_steps=5)
    long, _ = trainings_of(panel, 1, max_steps=50)
    train_at_once([*short, *long], panel, ends)
    assert begun == [50, 5]


def test_a_training_that_breaks_down_keeps_its_error_and_the_others_go_on(panel, threads, monkeypatch):
    whole = module.train_network

    def broken(training, *given):
        if training.forecast.seed == 0:
            raise TrainingError("The loss is nan.")
        whole(training, *given)

    monkeypatch.setattr(module, "train_network", broken)
    threads(2)
    trainings, ends = trainings_of(panel, 2)
    train_at_once(trainings, panel, ends)
    assert [str(part.error) if part.error else None for part in trainings] == ["The loss is nan.", None]
    assert trainings[1].record.history


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_of_the_listener_ends_all_trainings(panel, threads, count):
    threads(count)
    trainings, ends = trainings_of(panel, 2, max_steps=100_000)

    def listen(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_at_once(trainings, panel, ends, listener=listen)
    assert all(len(part.record.history) <= 1 for part in trainings)


def test_after_the_deadline_no_training_goes_on(panel, threads):
    threads(2)
    trainings, ends = trainings_of(panel, 2)
    train_at_once(trainings, panel, ends, deadline=0.0)
    assert [(part.record.out_of_time, part.record.history) for part in trainings] == [(True, [])] * 2


def test_the_progress_of_every_training_is_told_by_its_name(panel, threads):
    threads(2)
    told = []
    Forecaster(**TINY | {"strategy": "scratch", "ensemble_size": 2}, verbose=told.append).fit(
        monthly_table(n_series=3, n_rows=60)
    )
    assert {progress.training for progress in told} == {"scratch", "scratch (2)"}


@pytest.mark.parametrize("make", ["forecaster", "classifier"])
def test_new_networks_are_the_same_with_any_number_of_threads(panel, threads, make):
    found = []
    for count in (1, 2):
        threads(count)
        if make == "forecaster":
            settings = choose_settings(Forecaster(**TINY | {"hidden_size": 128}), panel)
            network = new_network(settings, 0, CPU)
        else:
            x = torch.randn(12, 1, 9, generator=torch.Generator().manual_seed(0)).numpy()
            model = SequenceClassifier(hidden_size=128, max_epochs=1, random_state=0).fit(x, [0, 1] * 6)
            network = model.network_
        found.append(network.state_dict())
    first, second = found
    assert all(torch.equal(value, second[name]) for name, value in first.items())
