import threading

import pytest
import torch
from torch import nn

from tsrnn.networks.loading import network_from
from tsrnn.networks.randomness import Dropout, drawing_from, new_generator, own_generator, own_random_state

CPU = torch.device("cpu")


def test_a_new_generator_repeats_itself_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first, second = (torch.rand(5, generator=new_generator(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, torch.rand(5, generator=new_generator(4)))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_values_are_dropped_as_torch_drops_them_and_by_the_generator_at_hand(share):
    x = torch.randn(40, 30)
    before = torch.get_rng_state()
    with drawing_from(new_generator(3)):
        own = Dropout(share)(x)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        expected = nn.Dropout(share)(x)
    assert torch.equal(own, expected)
    assert (own == 0).float().mean() == pytest.approx(share, abs=0.06)


def test_nothing_is_dropped_outside_of_training_or_with_a_share_of_zero():
    x = torch.randn(3, 4)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_without_a_generator_at_hand_the_global_one_is_drawn_from():
    assert own_generator() is None
    x = torch.ones(50)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first = Dropout(0.5)(x)
        torch.manual_seed(5)
        assert torch.equal(Dropout(0.5)(x), first)


def test_two_threads_draw_each_from_its_own_generator():
    """They draw in turn, so that numbers of a common generator would be shared out among them."""
    x, meeting, found = torch.ones(200), threading.Barrier(2, timeout=20), {}

    def draw(seed):
        with drawing_from(new_generator(seed)):
            parts = []
            for _ in range(3):
                meeting.wait()
                parts.append(Dropout(0.5)(x))
            found[seed] = torch.cat(parts)

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in (1, 2):
        with drawing_from(new_generator(seed)):
            assert torch.equal(found[seed], torch.cat([Dropout(0.5)(x) for _ in range(3)]))


def seed_once():
    with own_random_state(2, CPU):
        torch.rand(3)


def load_once():
    network_from(lambda: nn.Linear(2, 2), {"weight": torch.ones(2, 2), "bias": torch.ones(2)}, trusted_size=True)


@pytest.mark.parametrize("disturb", [seed_once, load_once])
def test_who_draws_from_the_global_generator_is_not_disturbed_by_another_thread(disturb):
    state, inside, disturbed = torch.get_rng_state(), threading.Event(), threading.Event()

    def other():
        inside.wait(20)
        disturb()
        disturbed.set()

    thread = threading.Thread(target=other)
    thread.start()
    with own_random_state(1, CPU):
        first = torch.rand(3)
        inside.set()
        assert not disturbed.wait(0.5)
        found = torch.cat([first, torch.rand(3)])
    thread.join()
    assert disturbed.is_set()
    with own_random_state(1, CPU):
        assert torch.equal(found, torch.cat([torch.rand(3), torch.rand(3)]))
    assert torch.equal(torch.get_rng_state(), state)
