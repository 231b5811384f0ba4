import numpy as np
import pytest

from tsrnn.anomaly.thresholds import THRESHOLDS, PastScores, count_aside, usual_scores


def past_scores(scores):
    """Return what is compared with these past scores, of one series (n,) or several (S, n)."""
    scores = np.atleast_2d(np.asarray(scores, dtype=float))
    made = PastScores.fresh(*scores.shape, 24, usual_scores())
    made.set(scores)
    return made


def p_values(made, scores, threshold="conformal"):
    return made.p_values(np.asarray(scores, dtype=float)[None], threshold)[0]


@pytest.fixture
def usual():
    return 1 + np.random.default_rng(0).exponential(0.4, 1000)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_few_scores_of_anomalies_do_not_hide_later_ones(usual, threshold):
    usual[[300, 500, 700, 900]] = [6.9, 5.9, 6.1, 5.8]
    made = past_scores(usual)
    assert (p_values(made, [5.8, 6.0, 7.0], threshold) < 5e-4).all()
    assert np.isfinite(made.past).sum() == 1000


def test_what_happens_again_and_again_is_ordinary(usual):
    usual[::40] = 6 + usual[::40] / 10
    assert p_values(past_scores(usual), [6.0])[0] > 0.02


def test_of_ordinary_scores_hardly_ever_one_is_set_aside():
    aside = [count_aside(np.sort(np.random.default_rng(seed).exponential(size=1000))) for seed in range(200)]
    assert np.mean(np.array(aside) > 0) < 0.05


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_p_values_have_their_own_share(threshold):
    rng = np.random.default_rng(1)
    p = np.concatenate(
        [
            p_values(past_scores(rng.exponential(size=500) + 1), rng.exponential(size=400) + 1, threshold)
            for _ in range(50)
        ]
    )
    for alpha in (0.05, 0.01, 0.002):
        assert np.mean(p <= alpha) == pytest.approx(alpha, rel=0.45)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_rounding_of_scores_hardly_moves_p_values(usual, threshold):
    made = past_scores(np.append(usual, np.full(200, 2.5)))
    scores = np.append(np.linspace(0.9, 9, 300), np.append(usual[:300], 2.5))
    noise = 1 + 1e-7 * np.random.default_rng(2).normal(size=len(scores))
    np.testing.assert_allclose(
        p_values(made, scores * noise, threshold), p_values(made, scores, threshold), atol=5e-5, rtol=1e-3
    )


def test_p_values_fall_as_scores_rise(usual):
    p = p_values(past_scores(usual), np.linspace(0.5, 12, 2000))
    assert (np.diff(p) <= 0).all()


def test_an_ordinary_score_of_a_series_that_never_moved_is_no_anomaly():
    made = past_scores(np.full(1000, 0.6))
    ordinary, large = p_values(made, [1.4, 20.0])
    assert ordinary > 0.1
    assert large < 1e-6


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", ["conformal", "quantile"])
def test_p_values_do_not_jump_where_counting_ends(seed, threshold):
    rng = np.random.default_rng(seed)
    made = past_scores(np.maximum(rng.gamma(3, 0.3, int(rng.integers(100, 1000))), 0.6))
    p = p_values(made, np.nanmax(made.order) * np.array([0.9999, 1.0, 1.0001, 1.0002, 1.0003]), threshold)
    np.testing.assert_allclose(p, p[0], rtol=0.01)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_higher_score_is_no_more_probable(threshold):
    rng = np.random.default_rng(3)
    for n in (30, 150, 400, 944):
        made = past_scores(np.maximum(rng.gamma(3, 0.3, (4, n)), 0.6))
        scores = np.repeat(np.linspace(0.5, 5, 4000)[None], 4, 0)
        p = made.p_values(scores, threshold)
        rises = np.diff(np.log(p), axis=1)
        assert rises.max() < 0.02  # between two past scores that lie far apart p may rise a little
        assert (np.log(p[:, 0]) - np.log(p[:, -1]) > 3).all()
