import numpy as np
import pytest

from tsrnn.anomaly.usual_state import UsualState, blend

BLOCK, PATIENCE = 24, 96


def noise(n, channels, seed=0, carry=0.5):
    shocks = np.random.default_rng(seed).normal(size=(n, channels))
    y = np.zeros((n, channels))
    for i in range(n):
        y[i] = shocks[i] + (carry * y[i - 1] if i else 0.0)
    return y


def read_all(y, step=BLOCK, patience=PATIENCE):
    """Read y (n, C) in steps of so many rows; return the distances, what is beyond, and the state."""
    state = UsualState.fresh(1, y.shape[1], BLOCK, patience)
    parts = []
    for at in range(0, len(y), step):
        if at and at % BLOCK == 0:
            state.end_block()
        parts.append(state.read(y[None, at : at + step], at % BLOCK))
    distance, beyond = (np.concatenate(part, 1)[0] for part in zip(*parts, strict=True))
    return distance, beyond, state


def test_a_state_that_persists_stays_far_away_but_is_accepted_after_a_while():
    y = noise(1200, 1)
    y[720:1080] += 6
    distance, beyond, _ = read_all(y)
    usual = np.median(distance[200:720])
    assert 0.6 < usual < 1.5
    assert (distance[760:1080] > 4 * usual).all()
    assert (beyond[760:790] > 4 * usual).all()
    assert np.median(beyond[720 + PATIENCE + 2 * BLOCK : 1080]) < 1.5 * usual
    assert np.median(distance[1150:]) < 2 * usual


def test_channels_that_part_are_far_away_though_each_is_in_its_usual_range():
    common = noise(1000, 1, carry=0.9)
    y = common + 0.2 * noise(1000, 3, seed=1)
    y[800:] = common[800:] * [1, 1, -1] + 0.2 * noise(200, 3, seed=2)
    together, _, _ = read_all(y)
    alone = np.mean([read_all(y[:, [c]])[0] for c in range(3)], 0)
    before, after = slice(300, 800), slice(850, None)
    assert np.median(together[after]) > 2.5 * np.median(together[before])
    assert np.median(alone[after]) < 2 * np.median(alone[before])


def test_a_random_walk_and_a_trend_have_no_usual_level():
    walk, trend = np.cumsum(noise(3000, 1), 0), 0.05 * np.arange(3000)[:, None] + noise(3000, 1)
    score = np.ones((1, 2))
    for y in (walk, trend):  # less than .2, from where on a distance counts
        state = read_all(y)[2]
        assert state.trust[0] < 0.1
        np.testing.assert_array_equal(blend(score, 5 * score, state.share()), score)
    assert read_all(noise(3000, 1))[2].trust[0] > 0.4


def test_what_is_learnt_does_not_depend_on_the_unit():
    y = noise(480, 2)
    mine, its = read_all(y)[0], read_all(1e6 * y - 3e7)[0]
    np.testing.assert_allclose(mine[BLOCK:], its[BLOCK:], rtol=1e-6)


def test_rows_one_by_one_say_the_same_as_blocks():
    y = noise(300, 2)
    y[100:110, 0] = np.nan
    for whole, one in zip(read_all(y)[:2], read_all(y, step=1)[:2], strict=True):
        np.testing.assert_allclose(one, whole, rtol=1e-12)


def test_missing_values_leave_everything_as_it_is():
    y = noise(480, 1)
    y[400:440] = np.nan
    distance, _, _ = read_all(y)
    assert np.isfinite(distance[BLOCK:]).all()
    assert np.ptp(distance[409:432]) == 0  # a block begins at 408 and at 432


def test_series_of_missing_values_and_constant_ones_have_no_distance():
    distance, _, state = read_all(np.full((120, 1), np.nan))
    assert state.share()[0, 0] == 0
    assert not (distance > 0).any()
    distance, _, state = read_all(np.full((120, 1), 7.0))
    assert state.share()[0, 0] == 0
    assert not (distance > 0).any()


def test_a_restart_keeps_what_is_usual_and_forgets_where_the_series_was():
    y = noise(480, 1)
    y[440:] += 20
    state = read_all(y)[2]
    again = state.restarted()
    distance, _ = again.read(noise(BLOCK, 1, seed=5)[None], 0)
    assert distance.max() < 3
    assert state.read(noise(BLOCK, 1, seed=5)[None], 0)[0].max() > 5


@pytest.mark.parametrize(
    ("score", "distance", "expected"), [(2.0, np.nan, 2.0), (1.0, 1.0, 1.0), (2.0, 0.0, 6.4 ** (1 / 3))]
)
def test_a_blend_is_the_weighted_cubic_mean(score, distance, expected):
    value = blend(np.array([[score]]), np.array([[distance]]), 0.25)
    assert value[0, 0] == pytest.approx(expected)
