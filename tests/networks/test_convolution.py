import numpy as np
import pytest
import torch
from torch import nn

from tsrnn.networks.convolution import ConvolutionStack, MaskedBatchNorm, average_pool, step_mask


def padded(lengths, channels=3, beyond=0, seed=0):
    """Random sequences, with wild values where they are padded."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor(lengths)
    x = torch.randn(len(lengths), int(lengths.max()) + beyond, channels, generator=generator)
    mask = step_mask(lengths, x.shape[1])
    return torch.where(mask[..., None], x, torch.full_like(x, 1e6)), mask, lengths


def test_normalisation_counts_the_steps_of_the_sequences_alone():
    x, mask, _ = padded([5, 2, 7])
    norm, plain = MaskedBatchNorm(3), nn.BatchNorm1d(3)
    out = norm(x.transpose(1, 2), mask).transpose(1, 2)
    torch.testing.assert_close(out[mask], plain(x[mask]))
    torch.testing.assert_close(norm.running_mean, plain.running_mean)
    torch.testing.assert_close(norm.running_var, plain.running_var)
    np.testing.assert_allclose(out[mask].detach().mean(0), 0, atol=1e-6)


def test_normalisation_without_padding_is_that_of_torch():
    x, mask, _ = padded([4, 4])
    norm, plain = MaskedBatchNorm(3), nn.BatchNorm1d(3)
    torch.testing.assert_close(norm(x.transpose(1, 2), mask), plain(x.transpose(1, 2)))


def test_a_batch_of_one_step_is_normalised_by_what_was_seen_before():
    norm = MaskedBatchNorm(3)
    x, mask, _ = padded([1])
    torch.testing.assert_close(norm(x.transpose(1, 2), mask), x.transpose(1, 2) / (1 + norm.eps) ** 0.5)


@pytest.mark.parametrize("training", [True, False])
def test_what_stands_in_the_padding_changes_no_output_and_no_statistic(training):
    torch.manual_seed(0)
    stack = ConvolutionStack(3, (4, 5)).train(training)
    twin = ConvolutionStack(3, (4, 5)).train(training)
    twin.load_state_dict(stack.state_dict())
    x, mask, lengths = padded([6, 2, 9])
    longer = torch.cat([x, torch.full((3, 4, 3), -1e6)], 1)
    out, other = stack(x, mask), twin(longer, step_mask(lengths, 13))
    torch.testing.assert_close(other[:, :9], out)
    assert not other[:, 9:].any()
    assert not out[~mask].any()
    for name, value in stack.state_dict().items():
        torch.testing.assert_close(twin.state_dict()[name], value)


def test_a_convolution_keeps_steps_in_place():
    stack = ConvolutionStack(1, (1, 1, 1)).eval()
    for convolve in stack.convolutions:
        nn.init.zeros_(convolve.weight)
        convolve.weight.data[0, 0, convolve.kernel_size[0] // 2] = 1.0
    x = torch.arange(1.0, 6).reshape(1, 5, 1)
    torch.testing.assert_close(stack(x, step_mask(torch.tensor([5]), 5)), x, atol=1e-3, rtol=1e-3)
    assert [convolve.kernel_size[0] for convolve in stack.convolutions] == [7, 5, 3]


def test_pooling_averages_the_steps_that_are_there():
    x = torch.tensor([[1.0, 3.0, 5.0, 7.0, 9.0], [2.0, 4.0, 6.0, 100.0, 100.0]]).unsqueeze(-1)
    pooled = average_pool(x, step_mask(torch.tensor([5, 3]), 5), 2)
    assert pooled[..., 0].tolist() == [[2.0, 6.0, 9.0], [3.0, 6.0, 0.0]]
