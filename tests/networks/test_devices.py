import pytest
import torch

from tests.conftest import monthly_table
from tsrnn import Forecaster
from tsrnn.errors import ParameterError
from tsrnn.networks.devices import parse_device, pick_device


@pytest.mark.parametrize("device", [None, 0, ["cpu"], "abacus"])
def test_what_names_no_device_is_refused(device):
    with pytest.raises(ParameterError, match=r"device=.*: expected 'auto', 'cpu', 'cuda' or 'cuda:0'"):
        pick_device(device)


def test_a_device_that_holds_no_numbers_is_refused():
    with pytest.raises(
        ParameterError, match=r"device='meta': torch cannot compute on it here in 64 bits. Use device='auto'"
    ):
        pick_device("meta")


def test_a_device_that_knows_32_bits_alone_is_refused(monkeypatch):
    zeros = torch.zeros

    def in_32_bits(*size, dtype=torch.float32, device):
        if dtype == torch.float64:
            raise TypeError(
                "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64."
            )
        return zeros(*size, dtype=dtype)

    monkeypatch.setattr(torch, "zeros", in_32_bits)
    with pytest.raises(ParameterError, match=r"device='mps': torch cannot compute on it here in 64 bits"):
        pick_device("mps")


def test_a_device_of_torch_is_taken_and_saved_by_its_name(tmp_path):
    device = torch.device("cpu")
    assert parse_device(device) is device
    model = Forecaster(strategy="zero-shot", device=device).fit(monthly_table())
    model.save(tmp_path / "model")
    assert Forecaster.load(tmp_path / "model").device == "cpu"
