"""Networks with weights that come from a file, and may not be what they should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch

from tsrnn.errors import DataError
from tsrnn.naming import counted
from tsrnn.networks.randomness import own_random_state, single_precision

Network = TypeVar("Network", bound=torch.nn.Module)


def network_from(
    make: Callable[[], Network], weights: Mapping[str, torch.Tensor], *, trusted_size: bool = False
) -> Network:
    """Build a network on the CPU with weights from a file, in evaluation mode.

    Parameters
    ----------
    make : callable
        Builds the network with random weights.
    weights : mapping of str to tensor
    trusted_size : bool
        Whether the size that `make` builds is tsrnn's own. If it comes from the file, it is compared with the weights
        before any memory is taken, which costs about a second in a fresh process.

    Raises
    ------
    DataError
        If the weights are not those of such a network, or one is not finite.
    """
    if not trusted_size:
        # Tensors on "meta" have shapes but no memory, so sizes that do not belong to the weights cost nothing.
        with torch.device("meta"), single_precision():
            _check_fit(make().state_dict(), weights)
    # Its first weights are random, and replaced.
    with torch.device("cpu"), own_random_state(0, torch.device("cpu")):
        network = make()
    _check_fit(network.state_dict(), weights)
    network.load_state_dict(weights)
    return network.eval()


def _check_fit(expected: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]) -> None:
    wrong = [
        name
        for name in sorted({*expected, *weights})
        if name not in expected
        or name not in weights
        or expected[name].shape != weights[name].shape
        or expected[name].dtype != weights[name].dtype
    ]
    if wrong:
        raise DataError(
            f"{len(wrong)} of its {counted(len(expected), 'tensor does', 'tensors do')} not fit the settings in name, "
            f"shape or type, for example {', '.join(wrong[:5])}"
        )
    if not all(bool(torch.isfinite(part).all()) for part in weights.values()):
        raise DataError("a weight is not finite")
