import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.errors import ParameterError
from tsrnn.sequences.text_sampling import Sampler, check_sampling, sampling_probabilities

LOGITS = torch.tensor([0.3, 2.0, -1.0, 2.0, 0.0])


def test_temperature_1_is_the_softmax_and_others_divide_the_logits():
    for temperature in (1.0, 0.5, 3.0):
        expected = np.exp(LOGITS.double().numpy() / temperature)
        found = sampling_probabilities(LOGITS, temperature, None)
        np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-12)


def test_temperature_0_is_the_argmax_and_of_equals_the_first():
    assert sampling_probabilities(LOGITS, 0, None).tolist() == [0, 1, 0, 0, 0]
    assert {Sampler(0, None, seed).draw(LOGITS) for seed in range(50)} == {1}


def test_a_temperature_near_0_does_not_break_down():
    assert sampling_probabilities(LOGITS, 1e-320, None).tolist() == [0, 0.5, 0, 0.5, 0]
    assert sampling_probabilities(LOGITS, 1e300, None).tolist() == pytest.approx([0.2] * 5)


def test_top_k_keeps_the_k_likeliest_in_their_proportion():
    found = sampling_probabilities(LOGITS, 1.0, 3)
    whole = sampling_probabilities(LOGITS, 1.0, None)
    expected = whole * torch.tensor([1, 1, 0, 1, 0]) / whole[[0, 1, 3]].sum()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert sampling_probabilities(LOGITS, 1.0, 1).tolist() == [0, 1, 0, 0, 0]
    assert torch.equal(sampling_probabilities(LOGITS, 1.0, 99), whole)


def test_draws_follow_the_probabilities():
    sampler, expected = Sampler(0.7, 4, 0), sampling_probabilities(LOGITS, 0.7, 4).numpy()
    counts = np.bincount([sampler.draw(LOGITS) for _ in range(4000)], minlength=5)
    assert (np.abs(counts - 4000 * expected) <= 4 * np.sqrt(4000 * expected)).all()
    assert counts[2] == 0


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=6), st.integers(0, 1000))
def test_what_is_ruled_out_is_never_drawn(values, seed):
    logits = torch.tensor([*values, -torch.inf])
    assert Sampler(5.0, None, seed).draw(logits) < len(values)


def test_the_same_seed_draws_the_same_and_leaves_the_global_states_alone():
    states = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    first, second = Sampler(1.0, None, 3), Sampler(1.0, None, 3)
    assert [first.draw(LOGITS) for _ in range(50)] == [second.draw(LOGITS) for _ in range(50)]
    assert (np.random.get_state()[1] == states[0]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 1.0, None), "length=-1: expected a whole number of tokens from 0"),
        ((2.0, 1.0, None), r"length=2\.0: expected a whole number"),
        ((10**12, 1.0, None), "length=1000000000000: expected"),
        ((1, -0.1, None), r"temperature=-0\.1: expected a number, 0 or more; 0 always takes the likeliest"),
        ((1, float("nan"), None), "temperature=nan: expected"),
        ((1, float("inf"), None), "temperature=inf: expected"),
        ((1, "hot", None), "temperature='hot': expected"),
        ((1, True, None), "temperature=True: expected"),
        ((1, 1.0, 0), "top_k=0: expected a whole number, 1 or more, or None"),
        ((1, 1.0, 2.5), r"top_k=2\.5: expected"),
    ],
)
def test_impossible_arguments_are_errors(arguments, message):
    with pytest.raises(ParameterError, match=message):
        check_sampling(*arguments)
