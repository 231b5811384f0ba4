from collections import Counter

import numpy as np
import pytest
import torch

from tsrnn.networks.randomness import new_generator
from tsrnn.preprocessing.inputs import Reads, make_inputs
from tsrnn.preprocessing.windows import FlatSeries
from tsrnn.training.batches import MOST_VALIDATION_WINDOWS, WindowSampler

PARTS = ("values", "observed", "facts", "profiles")


def sampler_of(lengths, train_end, *, context=8, horizon=3, min_history=4, scaling="none", y=None, power=1.0):
    """Values tell where they stand: row r of series i is 1000 i + r, and scaling "none" keeps them."""
    offsets = torch.tensor(np.concatenate([[0], np.cumsum(lengths)]))
    if y is None:
        y = np.concatenate([1000.0 * i + np.arange(n) for i, n in enumerate(lengths)])
    flat = FlatSeries.from_flat(torch.as_tensor(y, dtype=torch.float64), offsets)
    return WindowSampler(flat, context, horizon, Reads((2,)), scaling, min_history, torch.tensor(train_end), power)


def places(batch):
    """Return the series and cutoff of each window, told by its first target (or its last input)."""
    value = batch.inputs.values[:, -1].double().round().long() + 1
    return [(int(v) // 1000, int(v) % 1000) for v in value]


def test_training_windows_and_their_targets_come_from_before_the_held_back_rows():
    sampler = sampler_of([40, 60], [30, 50])
    batch = sampler.draw(sampler.trainable(), 500, new_generator(0))
    ends = torch.tensor([end for _, end in places(batch)])
    series = torch.tensor([index for index, _ in places(batch)])
    limit = torch.tensor([30, 50])[series]
    assert (ends >= 4).all()
    assert (ends + 3 <= limit).all()
    assert (ends + 3 == limit).any()
    assert (ends == 4).any()
    assert batch.observed.all()
    expected = 1000 * series[:, None] + ends[:, None] + torch.arange(3)
    assert torch.equal(batch.target.round().long(), expected)


def test_targets_that_reach_into_the_held_back_rows_do_not_count():
    sampler = sampler_of([10], [6])
    batch = sampler.cut(torch.tensor([0, 0]), torch.tensor([5, 5]), torch.tensor([6, 10]))
    assert batch.observed.tolist() == [[True, False, False], [True, True, True]]


def test_validation_windows_come_from_the_held_back_rows_only():
    sampler = sampler_of([40, 60, 20], [30, 60, 13])
    (batch,) = sampler.held_back(3)
    assert places(batch) == [(0, 30), (0, 33), (0, 36), (0, 39), (2, 13), (2, 16), (2, 19)]
    counts = [int(n) for n in batch.observed.sum(1)]
    assert counts == [3, 3, 3, 1, 3, 3, 1]  # as far as the data go
    assert sampler_of([40], [40]).held_back(3) == []


def test_validation_is_thinned_evenly_where_there_are_too_many_windows():
    n = 30
    sampler = sampler_of([100] * n, [4] * n)
    (batch,) = sampler.held_back(1)
    assert 0.4 * MOST_VALIDATION_WINDOWS < len(batch.target) <= MOST_VALIDATION_WINDOWS
    per_series = Counter(index for index, _ in places(batch))
    assert len(per_series) == n
    assert max(per_series.values()) - min(per_series.values()) <= 1


def test_each_series_and_each_of_its_cutoffs_is_equally_likely():
    sampler = sampler_of([400, 20, 50], [400, 20, 50])
    drawn = places(sampler.draw(sampler.trainable(), 6000, new_generator(1)))
    per_series = Counter(index for index, _ in drawn)
    assert all(abs(per_series[i] - 2000) < 5 * np.sqrt(6000 * 2 / 9) for i in range(3))
    ends = Counter(end for index, end in drawn if index == 1)
    assert set(ends) == set(range(4, 18))
    expected = per_series[1] / len(ends)
    assert all(abs(count - expected) < 5 * np.sqrt(expected) for count in ends.values())


@pytest.mark.parametrize("lengths", [[30], [4, 5, 6, 7, 8, 9], [1, 2, 3], [100, 5]])
def test_only_series_with_a_value_after_the_shortest_history_are_trained_on(lengths):
    sampler = sampler_of(lengths, lengths)
    assert sampler.trainable().tolist() == [i for i, n in enumerate(lengths) if n > 4]


def test_a_series_shorter_than_a_horizon_still_teaches_what_it_has():
    sampler = sampler_of([6], [6])
    drawn = sampler.draw(sampler.trainable(), 50, new_generator(0))
    assert {end for _, end in places(drawn)} == {4, 5}
    assert drawn.observed.any(1).all()


def test_a_series_shorter_than_a_horizon_does_not_teach_what_is_held_back():
    sampler = sampler_of([12], [6])
    drawn = sampler.draw(sampler.trainable(), 50, new_generator(0))
    for (_, end), counts in zip(places(drawn), drawn.observed.tolist(), strict=True):
        assert counts == [end + step < 6 for step in range(3)]


def test_only_the_given_series_are_drawn():
    sampler = sampler_of([30] * 5, [30] * 5)
    drawn = places(sampler.draw(torch.tensor([1, 3]), 200, new_generator(0)))
    assert {index for index, _ in drawn} == {1, 3}


def test_the_same_generator_draws_the_same_batches_one_after_the_other():
    sampler = sampler_of([30, 40], [30, 40])
    first, second = new_generator(5), new_generator(5)
    batches = [[sampler.draw(sampler.trainable(), 20, g) for _ in range(2)] for g in (first, second)]
    for one, other in zip(*batches, strict=True):
        assert torch.equal(one.target, other.target)
        assert torch.equal(one.inputs.values, other.inputs.values)
    assert not torch.equal(batches[0][0].target, batches[0][1].target)


@pytest.mark.parametrize("scaling", ["seasonal", "spread", "standard", "mean", "none"])
def test_nothing_after_a_cutoff_reaches_the_inputs(scaling):
    rng = np.random.default_rng(0)
    y, end = rng.normal(size=60).cumsum(), torch.tensor([12, 25, 59])
    series, limit = torch.zeros(3, dtype=torch.int64), torch.full((3,), 60)
    expected = sampler_of([60], [60], scaling=scaling, y=y).cut(series, end, limit)
    for b in range(3):
        changed = y.copy()
        changed[end[b] :] = rng.normal(1e6, 1e5, 60 - int(end[b]))
        found = sampler_of([60], [60], scaling=scaling, y=changed).cut(series, end, limit)
        for part in PARTS:
            assert torch.equal(getattr(found.inputs, part)[b], getattr(expected.inputs, part)[b])
        assert not torch.equal(found.target[b], expected.target[b])


@pytest.mark.parametrize("scaling", ["seasonal", "spread", "standard", "mean"])
def test_targets_are_scaled_like_the_inputs(scaling):
    y = np.random.default_rng(0).normal(50, 5, 60).cumsum()
    sampler = sampler_of([60], [60], scaling=scaling, y=y)
    batch = sampler.cut(torch.tensor([0]), torch.tensor([30]), torch.tensor([60]))
    window = torch.from_numpy(y[22:30])[None]
    inputs, loc, scale = make_inputs(window, torch.ones(1, 8, dtype=torch.bool), scaling, Reads((2,)), 3)
    assert torch.equal(batch.inputs.values, inputs.values)
    np.testing.assert_allclose((loc + scale * batch.target)[0], y[30:33], rtol=1e-5)


def test_missing_targets_do_not_count_and_a_missing_past_is_masked():
    y = np.arange(20.0)
    y[[6, 11]] = np.nan
    batch = sampler_of([20], [20], y=y).cut(torch.tensor([0]), torch.tensor([10]), torch.tensor([20]))
    assert batch.observed.tolist() == [[True, False, True]]
    assert batch.inputs.observed.tolist() == [[1, 1, 1, 1, 0, 1, 1, 1]]


def test_windows_that_never_moved_or_have_no_past_teach_nothing():
    y = np.concatenate([np.full(12, 5.0), [1.0, 2.0, 3.0], np.full(12, np.nan), [1.0, 2.0, 3.0]])
    sampler = sampler_of([15, 15], [15, 15], scaling="seasonal", y=y)
    batch = sampler.cut(torch.tensor([0, 1]), torch.tensor([12, 12]), torch.tensor([15, 15]))
    assert not batch.observed.any()
    assert torch.isfinite(batch.target).all()
    without_scale = sampler_of([15, 15], [15, 15], scaling="none", y=y)
    assert without_scale.cut(torch.tensor([0, 1]), torch.tensor([12, 12]), torch.tensor([15, 15])).observed.any(
        1
    ).tolist() == [
        True,
        False,
    ]


def test_positive_windows_and_their_targets_may_be_read_as_roots():
    y = np.concatenate([np.arange(1.0, 31), np.arange(-3.0, 27)])
    plain, roots = (sampler_of([30, 30], [30, 30], y=y, power=power) for power in (1.0, 0.5))
    series, end, limit = torch.tensor([0, 1]), torch.tensor([20, 11]), torch.tensor([30, 30])
    found, expected = roots.cut(series, end, limit), plain.cut(series, end, limit)
    unit = expected.inputs.values[0].mean()
    torch.testing.assert_close(found.inputs.values[0], (expected.inputs.values[0] / unit).sqrt())
    torch.testing.assert_close(found.target[0], (expected.target[0] / unit).sqrt())
    torch.testing.assert_close(found.inputs.values[1], expected.inputs.values[1])  # it begins below zero
    torch.testing.assert_close(found.target[1], expected.target[1])
    assert torch.equal(found.observed, expected.observed)
