import pytest
import torch

from tests.conftest import default_type
from tsrnn.errors import DataError
from tsrnn.networks.loading import network_from


def make():
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout(0.5))


def weights(**changes):
    return make().state_dict() | changes


def test_a_network_has_the_weights_it_is_given_and_is_ready_to_forecast():
    given = weights()
    network = network_from(make, given)
    assert not network.training
    assert all(torch.equal(value, given[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("trusted_size", [False, True])
def test_weights_fit_where_a_program_computes_in_another_precision(trusted_size):
    given = weights()
    with default_type("float64"):
        network = network_from(make, given, trusted_size=trusted_size)
    assert all(torch.equal(value, given[name]) for name, value in network.state_dict().items())


def test_building_leaves_the_global_random_state_alone():
    given, before = weights(), torch.get_rng_state()
    network_from(make, given)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("trusted_size", [False, True])
@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"0.bias": torch.zeros(3)}, 1),
        ({"0.bias": torch.zeros(2, dtype=torch.float64)}, 1),
        ({"1.wing": torch.zeros(1)}, 1),
        ({"0.bias": torch.zeros(3), "0.weight": torch.zeros(2, 2)}, 2),
    ],
    ids=["shape", "type", "unknown", "two"],
)
def test_tensors_that_do_not_fit_are_counted_and_named(changes, count, trusted_size):
    message = rf"^{count} of its 2 tensors do not fit the settings in name, shape or type, for example {min(changes)}"
    with pytest.raises(DataError, match=message):
        network_from(make, weights(**changes), trusted_size=trusted_size)


def test_a_missing_tensor_is_named():
    given = weights()
    del given["0.weight"]
    with pytest.raises(DataError, match=r"1 of its 2 tensors do not fit .* for example 0\.weight"):
        network_from(make, given)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(value):
    with pytest.raises(DataError, match="a weight is not finite"):
        network_from(make, weights(**{"0.bias": torch.tensor([0.0, value])}))


def test_a_size_from_a_file_takes_no_memory_before_it_is_compared():
    made = []

    def huge():
        made.append(torch.nn.Linear(10**7, 10**7))  # 400 TB
        return made[-1]

    with pytest.raises(DataError, match="2 of its 2 tensors do not fit"):
        network_from(huge, {"weight": torch.zeros(2, 2), "bias": torch.zeros(2)})
    assert made[-1].weight.is_meta
