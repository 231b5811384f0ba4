import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.networks.randomness import new_generator
from tsrnn.sequences.distortion import bent_places, distort


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.floats(0, 0.5), st.integers(0, 2**32 - 1))
def test_only_steps_of_the_sequence_itself_are_read(lengths, spread, seed):
    lengths = torch.tensor(lengths)
    x = torch.arange(int(lengths.max()))[None, :, None].expand(len(lengths), -1, 2).float()
    x = torch.where(x < lengths[:, None, None], x, torch.nan)  # what stands after a sequence's end
    place = bent_places(lengths, x.shape[1], spread, new_generator(seed))
    assert place.shape == x.shape[:2]
    assert (place >= 0).all()
    assert (place <= lengths[:, None] - 1).all()
    bent, nearest = distort(x, lengths, spread, new_generator(seed))
    assert torch.isfinite(bent).all()
    assert (nearest < lengths[:, None]).all()


def test_without_a_spread_nothing_moves():
    x, lengths = torch.randn(3, 9, 2, generator=new_generator(0)), torch.tensor([9, 4, 1])
    bent, nearest = distort(x, lengths, 0.0, new_generator(0))
    for case, length in enumerate(lengths):
        torch.testing.assert_close(bent[case, :length], x[case, :length])
        assert nearest[case, :length].tolist() == list(range(length))


def test_the_spread_is_that_of_the_shifts_and_of_the_heights():
    n, length, spread = 4000, 101, 0.05
    lengths = torch.full((n,), length)
    place = bent_places(lengths, length, spread, new_generator(0))
    knots = [20, 40, 60, 80]  # the inner ones, away from the ends at which places are cut
    shift = (place - torch.arange(length))[:, knots].numpy() / (length - 1)
    np.testing.assert_allclose(shift.std(0), spread, rtol=0.05)
    np.testing.assert_allclose(shift.mean(0), 0, atol=4 * spread / n**0.5)
    height = distort(torch.ones(n, 3, 2), torch.full((n,), 3), spread, new_generator(1))[0]
    np.testing.assert_allclose(height[:, 0].std(0), spread, rtol=0.05)
    assert torch.equal(height[:, 0], height[:, 2])  # one factor for a channel of a case
    assert not torch.equal(height[..., 0], height[..., 1])


def test_values_between_steps_lie_on_the_line_between_them():
    lengths = torch.tensor([20, 20])
    x = torch.stack([torch.arange(20.0), 7 - 2 * torch.arange(20.0)], -1).expand(2, -1, -1)
    place = bent_places(lengths, 20, 0.1, new_generator(3))
    bent, nearest = distort(x, lengths, 0.1, new_generator(3))
    factor = bent[:, :, 0] / place
    inside = place > 0.5
    for case in range(2):
        assert factor[case][inside[case]].numpy() == pytest.approx(factor[case][inside[case]][0].item(), rel=1e-4)
    assert (nearest - place).abs().max() <= 0.5
    assert not torch.allclose(place[0], place[1])


def test_the_same_generator_draws_the_same():
    x, lengths = torch.randn(2, 8, 1, generator=new_generator(0)), torch.tensor([8, 5])
    first, again, other = (distort(x, lengths, 0.1, new_generator(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
