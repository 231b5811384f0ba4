"""Which device a network computes on."""

from __future__ import annotations

import torch

from tsrnn.errors import ParameterError

EXPECTED = "expected 'auto', 'cpu', 'cuda' or 'cuda:0'"


def parse_device(name: str | torch.device) -> torch.device:
    """Return the torch device of a name, whether it exists here or not; "auto" is one GPU if there is one.

    A device of torch is returned as it is.

    >>> parse_device("cuda:1").index
    1
    """
    if isinstance(name, torch.device):
        return name
    if not isinstance(name, str):
        raise ParameterError(f"device={name!r}: {EXPECTED}.")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise ParameterError(f"device={name!r}: {EXPECTED}.") from error


def pick_device(name: str | torch.device) -> torch.device:
    """Return the torch device to fit on; one that does not exist here is an error.

    >>> pick_device("cpu")
    device(type='cpu')
    """
    device = parse_device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ParameterError(f"device={name!r}: torch finds no GPU here. Use device='auto' or 'cpu'.")
    try:
        torch.zeros(1, dtype=torch.float64, device=device).item()  # series are kept in 64 bits
    except (RuntimeError, NotImplementedError, TypeError) as error:  # TypeError: Apple's GPUs know 32 bits alone
        raise ParameterError(
            f"device={name!r}: torch cannot compute on it here in 64 bits. Use device='auto' or 'cpu'."
        ) from error
    return device


def nearest_device(name: str | torch.device) -> torch.device:
    """Return the device where it exists here, else the CPU: saved models travel between machines.

    >>> nearest_device("cuda:99")
    device(type='cpu')
    """
    device = parse_device(name)
    there = device.type == "cuda" and torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    return device if there else torch.device("cpu")
