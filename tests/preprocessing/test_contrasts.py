import numpy as np
import pytest
import torch

from tsrnn.preprocessing.contrasts import contrast_count, season_contrasts
from tsrnn.preprocessing.profiles import season_patterns, season_profiles


def windows(L, seed=0, share=0.8):
    rng = np.random.default_rng(seed)
    observed = torch.from_numpy(rng.random((3, L)) < share)
    return torch.from_numpy(rng.normal(0, 2, (3, L))).float() * observed, observed.float()


def contrasts_of(z, observed, seasons):
    seen = observed > 0
    return season_contrasts(z, observed, seen, season_patterns(z, seen, seen, seasons))


def contrasts_by_loop(z, observed, seasons, profiles):
    """One window, value by value; `profiles` are each season's profile over the steps of one after the window."""
    L, m = len(z), seasons[0]
    rows = []
    for lag in seasons:
        both = [t >= lag and observed[t] and observed[t - lag] for t in range(L)]
        rows.append([z[t] - z[t - lag] if both[t] else 0.0 for t in range(L)])
    if m > 1:
        around = []
        for t in range(L):
            last = L - 1 - (L - 1 - t) // m * m  # where the value's season ends
            season = [u for u in range(max(0, last - m + 1), last + 1) if observed[u]]
            around.append(z[t] - np.mean([z[u] for u in season]) if observed[t] else 0.0)
        both = [t >= 1 and observed[t] and observed[t - 1] for t in range(L)]
        rows.append(around)
        for profile in profiles:
            centred = profile - profile.mean()
            adjusted = [z[t] - centred[(t - L) % len(profile)] for t in range(L)]
            rows.append([adjusted[t] if observed[t] else 0.0 for t in range(L)])
            rows.append([adjusted[t] - adjusted[t - 1] if both[t] else 0.0 for t in range(L)])
    return np.array(rows)


@pytest.mark.parametrize(("seasons", "L"), [((1,), 7), ((4,), 16), ((4,), 18), ((3, 6), 20), ((12,), 12)])
def test_contrasts_are_what_a_loop_over_the_values_finds(seasons, L):
    z, observed = windows(L)
    found, seen = contrasts_of(z, observed, seasons), observed > 0
    assert found.shape == (3, contrast_count(seasons), L)
    # Of the rates 1, .6, .3, .12 and .04 the fourth is the pattern's of the first season, the third that of others.
    places = [3 if seasons[0] > 1 else 0, 2]
    patterns = [
        season_profiles(z, seen, seen, season_patterns(z, seen, seen, (m,)), m)[:, place]
        for m, place in zip(seasons, places, strict=False)
    ]
    for b in range(3):
        parts = (part[b].double().numpy() for part in (z, observed))
        expected = contrasts_by_loop(*parts, seasons, [pattern[b].double().numpy() for pattern in patterns])
        np.testing.assert_allclose(found[b], expected, atol=2e-5)


def test_a_line_with_a_season_has_constant_contrasts():
    pattern = torch.tensor([1.0, -1.0, 3.0, -3.0])
    z = (pattern.repeat(5) + 0.25 * torch.arange(20))[None]
    change, around, adjusted, step = contrasts_of(z, torch.ones(1, 20), (4,))[0].numpy()
    np.testing.assert_allclose(change[4:], 4 * 0.25, rtol=1e-5)
    np.testing.assert_allclose(around[:4], around[-4:], rtol=1e-5)
    # The profile holds the line's slope within a season, so what remains climbs by seasons.
    np.testing.assert_allclose(np.diff(adjusted[::4]), 1.0, rtol=1e-4)
    np.testing.assert_allclose(step[1:4], 0.0, atol=1e-5)


def test_a_season_longer_than_half_the_window_has_no_change_and_no_error():
    z, observed = windows(6, share=1.0)
    change, *_ = contrasts_of(z, observed, (6,))[0]
    assert torch.equal(change, torch.zeros(6))
