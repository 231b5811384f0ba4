from dataclasses import replace

import numpy as np
import pytest
import torch

from tsrnn.pretrained import simulated
from tsrnn.pretrained.family import MEMBERS, Member
from tsrnn.pretrained.likeness import STATISTICS, Scorecard
from tsrnn.pretrained.prior import simulate
from tsrnn.pretrained.simulated import FEWEST_POINTS, SHORTER_SHARE, SimulatedWindows
from tsrnn.pretrained.traits import Traits

CPU = torch.device("cpu")
TINY = Member("tiny", 4, 24, 4, 8, "seasonal", (((4,), 0.5), ((8,), 0.5)))


def windows(seed=0, batch_size=256, member=TINY):
    return SimulatedWindows(member, batch_size, seed, CPU)


def parts(batch):
    read = vars(batch.inputs).values()
    return (*(part for part in read if isinstance(part, torch.Tensor)), batch.target, batch.observed)


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(parts(first), parts(second), strict=True))


def history(batch):
    """Points from the first observed one to the end of the window."""
    observed = batch.inputs.observed
    return (observed.shape[1] - observed.int().argmax(1)).numpy()


def test_a_batch_depends_on_the_seed_and_its_step_alone():
    straight = windows()
    batches = {step: straight.draw(step) for step in (1, 2, 17, 40)}
    jumping = windows()
    for step in (40, 2, 17, 1):
        assert same(jumping.draw(step), batches[step])
    assert not same(windows(seed=1).draw(1), batches[1])
    assert not same(batches[1], batches[2])


def test_drawing_leaves_the_global_random_states_alone():
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    windows().draw(3)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


def test_no_series_is_given_twice_in_consecutive_rounds():
    drawn = windows(batch_size=2048)
    targets = torch.cat([drawn.draw(step).target for step in range(1, 7)])  # three rounds of 4096 series
    assert len(torch.unique(targets.round(decimals=4), dim=0)) > 0.95 * len(targets)


def test_histories_are_longer_where_all_lengths_are_as_likely():
    long = replace(TINY, context_length=96, seasons=(((4,), 1.0),))
    means = [
        np.mean([history(drawn.draw(step)).mean() for step in range(1, 200)])
        for drawn in (windows(batch_size=32, member=replace(long, even_lengths=share)) for share in (0.0, 0.5, 1.0))
    ]
    # Evenly drawn from 8 to 96 the longest of a batch is 52 on the mean, evenly by logarithms 35; times .6 to 1.
    assert means[0] < means[1] < means[2]
    assert means[2] == pytest.approx(0.8 * 52, rel=0.15)
    assert means[0] == pytest.approx(0.8 * 35, rel=0.15)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_batch_has_whole_patches_and_finite_scaled_values(name):
    member = MEMBERS[name]
    batch = windows(member=member, batch_size=64).draw(1)
    width = batch.inputs.values.shape[1]
    assert width % member.patch_length == 0
    assert batch.target.shape == batch.observed.shape == (64, member.horizon)
    assert all(torch.isfinite(part.float()).all() for part in parts(batch))
    assert batch.inputs.profiles.shape[0] == 64


def test_in_a_share_of_the_batches_no_history_has_two_seasons_where_asked_for(monkeypatch):
    monkeypatch.setattr(simulated, "GAPS_SHARE", 0.0)
    member = replace(TINY, context_length=96, seasons=(((12,), 1.0),), even_lengths=0.5, short_batches=0.3)
    drawn = windows(batch_size=32, member=member)
    histories = [history(drawn.draw(step)) for step in range(1, 200)]
    short = [lengths for lengths in histories if lengths.max() <= 24]
    assert len(short) / len(histories) == pytest.approx(0.3, abs=0.08)
    assert min(lengths.min() for lengths in short) == 3
    assert 5 < np.median([np.median(lengths) for lengths in short]) < 15


def test_histories_have_every_length_from_three_points_to_the_longest(monkeypatch):
    monkeypatch.setattr("tsrnn.pretrained.simulated.GAPS_SHARE", 0.0)
    drawn = windows()
    lengths = np.concatenate([history(drawn.draw(step)) for step in range(1, 120)])
    assert lengths.min() == 3
    assert lengths.max() >= 0.9 * TINY.context_length
    assert lengths.max() <= TINY.context_length
    short = (lengths < FEWEST_POINTS).mean()
    assert 0.2 * SHORTER_SHARE < short < 1.5 * SHORTER_SHARE


def test_some_windows_have_gaps_and_most_have_none():
    batch = windows(batch_size=2048).draw(2)
    observed = batch.inputs.observed.bool()
    gaps = torch.from_numpy(history(batch)) - observed.sum(1)
    assert 0.02 < (gaps > 0).float().mean() < 0.1


def test_seasons_are_drawn_as_often_as_they_should_be(monkeypatch):
    monkeypatch.setattr("tsrnn.pretrained.simulated.SERIES_AT_ONCE", 8)
    drawn = windows(batch_size=8)
    seasons = []
    for step in range(1, 81):
        drawn.draw(step)
        seasons.append(drawn._seasons[0])
    assert set(seasons) == {4, 8}
    assert 0.35 < np.mean(np.array(seasons) == 4) < 0.65


def test_validation_is_the_same_for_every_seed_and_no_training_draws_it():
    first, second = windows(seed=0).validation(), windows(seed=5, batch_size=8).validation()
    assert len(first) > 1
    assert all(same(a, b) for a, b in zip(first, second, strict=True))

    def rows(batches):
        # Small counts repeat themselves by chance; four different values do not.
        targets = torch.cat([batch.target for batch in batches]).round(decimals=4).tolist()
        return {tuple(row) for row in targets if len(set(row)) == 4}

    training = windows(seed=0, batch_size=512)
    seen = rows([training.draw(step) for step in range(1, 17)])
    assert min(len(seen), len(rows(first))) > 3000
    assert rows(first) & seen == set()


def test_the_batches_of_the_validation_are_of_different_series():
    first, second = windows().validation()[:2]
    assert not torch.equal(first.target, second.target)


def test_the_target_is_what_follows_the_history_in_its_scale():
    # With a series that counts its steps, the target goes on where the window ends.
    drawn = windows(batch_size=16)
    drawn._seasons = (4,)
    length = TINY.size((4,)).context_length + TINY.horizon
    batch = drawn._cut(np.tile(np.arange(float(length)), (16, 1)), [0, 1])
    known = batch.inputs.observed[:, -2:].bool().all(1)
    assert known.any()
    z, target = batch.inputs.values[known], batch.target[known]
    step = z[:, -1:] - z[:, -2:-1]
    torch.testing.assert_close(target - z[:, -1:], step * torch.arange(1.0, 5.0), rtol=1e-4, atol=1e-4)


def test_the_series_are_those_of_the_prior():
    drawn = windows(seed=9)
    drawn.draw(1)
    rng = np.random.default_rng([9, 0, 0])
    rng.choice(2, p=[0.5, 0.5])
    length = TINY.size(drawn._seasons).context_length + TINY.horizon
    np.testing.assert_array_equal(drawn._series, simulate(4096, length, drawn._seasons, rng))


def test_of_several_candidates_those_are_taken_that_the_scorecard_likes(monkeypatch):
    level = ((0.0,), (0.0,))
    curves = {name: level for name in STATISTICS} | {"repeats": ((0.0, 0.2), (0.0, 8.0))}
    liked = Scorecard(4, (24,), -4.0, tuple(curves.values()))
    monkeypatch.setattr(simulated, "scorecard_of", {"tiny": liked}.get)
    repeats = []
    for candidates in (1, 6):
        drawn = windows(member=replace(TINY, seasons=(((4,), 1.0),), candidates=candidates))
        assert same(drawn.draw(3), windows(member=drawn.member).draw(3))
        assert drawn._series.shape == (4096, 28)
        repeats.append((np.diff(drawn._series, axis=1) == 0).any(1).mean())
    assert repeats[1] > 2 * repeats[0]


@pytest.mark.parametrize(
    ("season", "year", "drawn"), [(4, 0, (4,)), (4, 16, (4, 16)), (4, 18, (4, 18)), (16, 16, (16,))], ids=str
)
def test_a_year_is_simulated_beside_a_shorter_season(monkeypatch, season, year, drawn):
    calls = []

    def note(count, length, seasons, rng, traits):
        calls.append((seasons, traits))
        return simulate(count, length, seasons, rng, traits)

    monkeypatch.setattr(simulated, "simulate", note)
    traits = Traits(near_zero=0.5, smooth=0.1)
    windows(member=replace(TINY, seasons=(((season,), 1.0),), year=year, traits=traits)).draw(1)
    assert calls == [(drawn, traits)]
