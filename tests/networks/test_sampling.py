import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from tsrnn.networks.heads import QUANTILES
from tsrnn.networks.randomness import new_generator
from tsrnn.networks.sampling import (
    SAMPLE_PATHS,
    interpolation_matrix,
    mixture_quantiles,
    sample_paths,
    stratified_noise,
)


def test_interpolation_is_exact_at_the_known_quantiles():
    assert torch.equal(interpolation_matrix(QUANTILES, QUANTILES), torch.eye(13, dtype=torch.float64))
    matrix = interpolation_matrix(QUANTILES, (0.9, 0.1))
    assert matrix.nonzero().tolist() == [[2, 1], [10, 0]]


def test_interpolation_between_two_quantiles_worked_by_hand():
    halfway = norm.cdf((norm.ppf(0.1) + norm.ppf(0.5)) / 2)
    matrix = interpolation_matrix((0.1, 0.5, 0.9), (halfway, 0.95))
    beyond = norm.ppf(0.95) / norm.ppf(0.9)
    np.testing.assert_allclose(matrix, [[0.5, 0], [0.5, 1 - beyond], [0, beyond]], atol=1e-9)


@given(
    st.floats(-100, 100),
    st.floats(0, 50),
    st.lists(st.floats(0.001, 0.999), min_size=1, max_size=8),
    st.sampled_from([QUANTILES, (0.1, 0.5), (0.05, 0.3, 0.5, 0.99)]),
)
def test_a_normal_distribution_is_interpolated_and_continued_exactly(mean, spread, wanted, known):
    values = mean + spread * norm.ppf(known)
    found = values @ interpolation_matrix(known, wanted).numpy()
    np.testing.assert_allclose(found, mean + spread * norm.ppf(wanted), atol=1e-6, rtol=1e-6)


def normal_quantiles(spread, mean=0.0):
    """Forecast quantiles of shape (1, H, Q) whose spread grows as given."""
    return torch.from_numpy(mean + np.asarray(spread)[None, :, None] * norm.ppf(QUANTILES))


def standard_normal(n, horizon, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, horizon)))


@pytest.mark.parametrize("spread", [np.ones(5), np.sqrt(np.arange(1.0, 6.0))], ids=["constant", "root"])
def test_at_every_step_sample_paths_have_the_forecast_quantiles(spread):
    paths = sample_paths(normal_quantiles(spread, mean=3.0), QUANTILES, standard_normal(20_000, 5))[0]
    found = np.quantile(paths.numpy(), (0.1, 0.5, 0.99), axis=0).T
    np.testing.assert_allclose(found, 3.0 + spread[:, None] * norm.ppf((0.1, 0.5, 0.99)), atol=0.1)


def test_a_spread_that_grows_like_the_root_of_time_gives_random_walks():
    paths = sample_paths(normal_quantiles(np.sqrt(np.arange(1.0, 7.0))), QUANTILES, standard_normal(20_000, 6))[0]
    increments = np.diff(paths.numpy(), axis=1)
    np.testing.assert_allclose(np.corrcoef(increments.T), np.eye(5), atol=0.03)
    np.testing.assert_allclose(increments.std(0), 1.0, atol=0.03)


def test_a_constant_spread_gives_independent_errors():
    paths = sample_paths(normal_quantiles(np.ones(4)), QUANTILES, standard_normal(20_000, 4))[0]
    np.testing.assert_allclose(np.corrcoef(paths.numpy().T), np.eye(4), atol=0.03)


def test_windows_with_noise_of_their_own_are_drawn_as_if_they_stood_alone():
    known = torch.cat([normal_quantiles(np.array([1.0, 2.0, 2.5]), mean) for mean in (0.0, 5.0)])
    noise = torch.stack([standard_normal(7, 3, seed) for seed in (0, 1)])
    together = sample_paths(known, QUANTILES, noise)
    for b in range(2):
        torch.testing.assert_close(together[b : b + 1], sample_paths(known[b : b + 1], QUANTILES, noise[b]))


def test_paths_with_forecasts_of_their_own_follow_them():
    shared, noise = normal_quantiles(np.array([1.0, 2.0, 2.5])), standard_normal(7, 3)
    own = shared[:, None].repeat(1, 7, 1, 1)
    own[:, 2] += 100.0
    expected = sample_paths(shared, QUANTILES, noise)
    expected[:, 2] += 100.0
    torch.testing.assert_close(sample_paths(own, QUANTILES, noise), expected)


@pytest.mark.parametrize("levels", [QUANTILES, (0.5,)], ids=["thirteen", "median"])
def test_paths_of_a_forecast_without_spread_are_the_forecast(levels):
    known = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)[None, :, None].repeat(2, 1, len(levels))
    paths = sample_paths(known, levels, standard_normal(9, 3))
    torch.testing.assert_close(paths, known[:, None, :, 0].repeat(1, 9, 1))


def test_stratified_noise_has_the_mean_and_spread_of_a_normal_distribution_at_every_step():
    noise = stratified_noise(SAMPLE_PATHS, 30, new_generator(1)).numpy()
    assert noise.shape == (SAMPLE_PATHS, 30)
    np.testing.assert_allclose(noise.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(noise.std(0), 1, rtol=1e-12)
    assert len(np.unique(noise.argsort(0), axis=1).T) == 30  # paths keep no rank from step to step


def test_the_mixture_of_equal_forecasts_is_that_forecast():
    known = normal_quantiles(np.array([1.0, 2.0]), mean=5.0)[:, None].repeat(3, 7, 1, 1)
    found = mixture_quantiles(known, QUANTILES, (0.1, 0.5, 0.9))
    assert found.shape == (3, 2, 3)
    np.testing.assert_allclose(found[0], 5 + np.array([[1.0], [2.0]]) * norm.ppf((0.1, 0.5, 0.9)), atol=0.02)


def test_the_mixture_of_shifted_normals_is_the_wider_normal():
    """If the paths' means vary like N(0, 4) and each spreads like N(0, 1), a step is N(0, 5)."""
    means = 2 * stratified_noise(SAMPLE_PATHS, 1, new_generator(0))[:, 0]
    known = means[None, :, None, None] + normal_quantiles(np.ones(1))[:, None]
    wanted = (0.025, 0.1, 0.5, 0.9, 0.975)
    found = mixture_quantiles(known, QUANTILES, wanted)[0, 0]
    np.testing.assert_allclose(found, np.sqrt(5) * norm.ppf(wanted), atol=0.08)


def test_the_mixture_of_medians_alone_is_the_quantile_of_the_paths():
    known = torch.arange(101.0)[None, :, None, None]
    torch.testing.assert_close(mixture_quantiles(known, (0.5,), (0.25,)), torch.tensor([[[25.0]]]), atol=0.5, rtol=0)
