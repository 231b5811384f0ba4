import numpy as np
import pytest
import torch

from tsrnn.preprocessing.missing import RATE, ROUNDS, fill_missing


def windows(seed=0, shape=(6, 50), share=0.7):
    rng = np.random.default_rng(seed)
    observed = torch.from_numpy(rng.random(shape) < share)
    return torch.from_numpy(rng.normal(5, 3, shape)) * observed, observed


def filled_by_loop(y, observed, m):
    """Fill one window as the definition reads."""
    L = len(y)
    seen = np.flatnonzero(observed)
    season, level = np.zeros(m), np.zeros(L)
    for _ in range(ROUNDS):
        for t in range(L):
            near = [*seen[seen <= t][-m:], *seen[seen > t][:m]]
            level[t] = np.mean([y[u] - season[(u - L) % m] for u in near])
        for place in range(m):
            parts = [(y[u] - level[u], (1 - RATE) ** ((L - 1 - u) // m)) for u in seen if (u - L) % m == place]
            season[place] = sum(r * w for r, w in parts) / sum(w for _, w in parts) if parts else 0.0
    there = {(u - L) % m for u in seen}
    values, known = np.zeros(L), observed.copy()
    for t in range(L):
        known[t] |= t > seen[0] and (t - L) % m in there
        values[t] = y[t] if observed[t] else known[t] * (level[t] + season[(t - L) % m])
    return values, known


@pytest.mark.parametrize("m", [2, 7, 12, 60])
@pytest.mark.parametrize("share", [0.9, 0.3])
def test_missing_values_are_what_a_loop_over_the_window_finds(m, share):
    y, observed = windows(share=share)
    values, known = fill_missing(y, observed, m)
    for b in range(len(y)):
        expected, expected_known = filled_by_loop(y[b].numpy(), observed[b].numpy(), m)
        np.testing.assert_array_equal(known[b], expected_known)
        np.testing.assert_allclose(values[b], expected, atol=1e-9)


def test_a_clean_season_is_filled_as_it_is_wherever_values_are_missing():
    season = torch.tensor([100.0, 80, 85, 95, 150, 220, 60], dtype=torch.float64)
    y = season.repeat(3, 20)
    observed = torch.ones_like(y, dtype=torch.bool)
    observed[0, -2] = observed[1, -5:-1] = False  # a Saturday; from Wednesday to Saturday
    observed[2, -15:-1] = False  # two weeks
    values, known = fill_missing(torch.where(observed, y, torch.nan), observed, 7)
    assert known.all()
    np.testing.assert_allclose(values, y, rtol=0.01)


@pytest.mark.parametrize("m", [1, 2, 7, 60])
def test_a_history_without_missing_values_is_returned_bit_by_bit_however_short_it_is(m):
    y, _ = windows()
    observed = torch.arange(50) >= torch.tensor([0, 1, 30, 43, 49, 50])[:, None]
    y = torch.where(observed, y, torch.nan)
    values, known = fill_missing(y, observed, m)
    assert torch.equal(values, y.nan_to_num())
    assert torch.equal(known, observed)


def test_a_window_does_not_see_what_is_missing_in_others():
    y, observed = windows()
    observed[:3] = True
    values, known = fill_missing(y, observed, 7)
    assert torch.equal(values[:3], y[:3])
    for b in range(6):
        alone = fill_missing(y[b : b + 1], observed[b : b + 1], 7)
        assert torch.equal(alone[0][0], values[b])
        assert torch.equal(alone[1][0], known[b])


def test_neither_rows_before_the_first_value_nor_places_that_never_have_one_are_filled():
    y = torch.arange(60.0, dtype=torch.float64)[None]
    observed = (torch.arange(60) % 10 < 4)[None]
    observed[:, :20] = observed[:, 41] = False
    _, known = fill_missing(y, observed, 10)
    expected = observed.clone()
    expected[:, 41] = True
    assert torch.equal(known, expected)
    assert not fill_missing(y, torch.zeros_like(observed), 10)[1].any()


@pytest.mark.parametrize("factor", [1e-12, 1e12, 1e290])
def test_what_is_filled_in_has_the_unit_of_the_values(factor):
    y, observed = windows()
    expected, _ = fill_missing(y, observed, 7)
    np.testing.assert_allclose(fill_missing(y * factor, observed, 7)[0] / factor, expected, rtol=1e-9, atol=1e-9)
    shifted = fill_missing(y + 1e6, observed, 7)[0]
    np.testing.assert_allclose(shifted, torch.where(expected != 0, expected + 1e6, 0.0), rtol=1e-12)


def test_what_stands_at_missing_places_does_not_matter_and_constants_stay():
    y, observed = windows()
    expected, _ = fill_missing(y, observed, 7)
    for garbage in (float("nan"), 1e30):
        assert torch.equal(fill_missing(torch.where(observed, y, garbage), observed, 7)[0], expected)
    constant, known = fill_missing(torch.full_like(y, 0.1), observed, 7)
    np.testing.assert_allclose(constant[known], 0.1, rtol=1e-12)


def test_gradients_pass_through_what_is_filled_in():
    y, observed = windows()
    y.requires_grad_()
    fill_missing(y, observed, 7)[0][~observed].sum().backward()
    assert (y.grad[observed] != 0).all()
    assert (y.grad[~observed] == 0).all()
