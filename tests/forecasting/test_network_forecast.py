from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm

import tsrnn.forecasting.network_forecast as module
from tsrnn.errors import ParameterError
from tsrnn.forecasting.network_forecast import (
    NetworkForecast,
    check_known_quantiles,
    combined_quantiles,
)
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.heads import QUANTILES
from tsrnn.networks.registry import NETWORKS
from tsrnn.networks.sampling import SAMPLE_PATHS, stratified_noise
from tsrnn.networks.size import NetworkSize
from tsrnn.preprocessing.window_power import MOST_LOG_GROWTH
from tsrnn.preprocessing.windows import EVERY_HISTORY, FlatSeries
from tsrnn.pretrained.service import served_by
from tsrnn.pretrained.weights import load_member

SIZE = NetworkSize(context_length=24, horizon=6, patch_length=6, seasons=(6,), hidden_size=8, dropout=0.0)
WANTED = (0.1, 0.25, 0.5, 0.9)


class RandomWalkNetwork(ForecastNetwork):
    """Knows the truth about a Gaussian random walk whose window is scaled by its mean absolute step."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, inputs):
        spread = torch.arange(1, self.size.horizon + 1).sqrt() * float(np.sqrt(np.pi / 2))
        quantiles = torch.from_numpy(norm.ppf(self.size.quantiles)).float()
        return inputs.profiles[:, 0, :, None] + spread[:, None] * quantiles


def disturbed(size=SIZE, network="parallel"):
    """A network with random weights everywhere, as if it had been trained."""
    torch.manual_seed(0)
    network = NETWORKS[network](size).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return NetworkForecast(network, size, "seasonal", seed=3)


def with_options(model, **options):
    return NetworkForecast(model.network, model.size, model.scaling, model.seed, **options)


def flat_series(n_series=4, length=50, seed=0, factor=1.0):
    y = np.random.default_rng(seed).normal(size=(n_series, length)).cumsum(1) * factor
    return FlatSeries.from_flat(torch.from_numpy(y.ravel()), torch.arange(n_series + 1) * length)


def ends(*values):
    return torch.tensor(values)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=NETWORKS)
def model(request):
    return disturbed(replace(SIZE, patch_length=3), request.param)


@pytest.mark.parametrize("h", [1, 6, 7, 20])
def test_a_forecast_has_a_row_per_window_and_step_in_order_of_its_quantiles(model, h):
    answer = combined_quantiles([model], flat_series(), ends(0, 3, 1), ends(50, 30, 2), h, WANTED)
    assert answer.shape == (3, h, 4)
    assert answer.dtype == torch.float64
    assert torch.isfinite(answer).all()
    assert (answer.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize(("short", "long"), [(2, 6), (6, 7), (4, 30), (8, 13), (12, 30)])
def test_the_first_rows_of_a_longer_forecast_are_the_shorter_forecast(model, short, long):
    where = (flat_series(), ends(0, 1, 2), ends(50, 40, 20))
    first, second = (combined_quantiles([model], *where, h, WANTED) for h in (short, long))
    torch.testing.assert_close(second[:, :short], first, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("h", [4, 20])
def test_a_window_is_forecast_alone_as_in_a_batch(model, h, monkeypatch):
    flat, series, end = flat_series(), ends(0, 1, 2, 3, 0, 2, 1), ends(50, 40, 20, 3, 10, 50, 44)
    together = combined_quantiles([model], flat, series, end, h, WANTED)
    for b in range(7):
        alone = combined_quantiles([model], flat, series[b : b + 1], end[b : b + 1], h, WANTED)
        torch.testing.assert_close(alone[0], together[b], rtol=1e-5, atol=1e-5)
    monkeypatch.setattr(module, "WINDOWS_PER_BATCH", 3)
    monkeypatch.setattr(module, "PATHS_PER_BATCH", 3 * SAMPLE_PATHS)
    torch.testing.assert_close(
        combined_quantiles([model], flat, series, end, h, WANTED), together, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("h", [4, 20])
def test_the_number_of_threads_moves_nothing(model, h, monkeypatch, threads):
    monkeypatch.setattr(module, "WINDOWS_PER_BATCH", 2)
    monkeypatch.setattr(module, "PATHS_PER_BATCH", 2 * SAMPLE_PATHS)
    where = flat_series(), ends(0, 1, 2, 3, 0), ends(50, 40, 20, 3, 10), h, WANTED
    answers = []
    for count in (1, 3):
        threads(count)
        answers.append(combined_quantiles([model, disturbed()], *where))
    assert torch.equal(*answers)


@pytest.mark.parametrize("h", [4, 20])
def test_a_quantile_is_the_same_whatever_else_is_asked(model, h):
    where = (flat_series(), ends(0, 1), ends(50, 40), h)
    wide, narrow = combined_quantiles([model], *where, WANTED), combined_quantiles([model], *where, (0.25,))
    torch.testing.assert_close(wide[..., 1:2], narrow, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("h", [4, 20])
def test_a_window_without_observed_values_is_nan_and_its_neighbours_are_not(model, h):
    flat = flat_series(n_series=3)
    flat.observed[50:100] = False
    answer = combined_quantiles([model], flat, ends(0, 1, 2, 2), ends(50, 50, 50, 0), h, WANTED)
    assert torch.isnan(answer).all(-1).all(-1).tolist() == [False, True, False, True]
    assert torch.isfinite(answer[[0, 2]]).all()


@pytest.mark.parametrize("h", [4, 20])
def test_nothing_after_a_cutoff_moves_the_forecast(model, h):
    flat = flat_series(n_series=2)
    expected = combined_quantiles([model], flat, ends(0, 1), ends(30, 25), h, WANTED)
    values, observed = flat.values.clone(), flat.observed.clone()
    values[30:50], values[75:], observed[40:50] = 1e9, -1e9, False
    found = combined_quantiles(
        [model], replace(flat, values=values, observed=observed), ends(0, 1), ends(30, 25), h, WANTED
    )
    assert torch.equal(found, expected)


@pytest.mark.parametrize("h", [4, 20])
@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_the_unit_of_the_values_is_the_unit_of_the_forecast(model, h, factor):
    where = (ends(0, 1, 2), ends(50, 40, 20), h, WANTED)
    expected = combined_quantiles([model], flat_series(), *where)
    found = combined_quantiles([model], flat_series(factor=factor), *where)
    torch.testing.assert_close(found / factor, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("h", [4, 20])
def test_a_constant_series_is_continued_without_any_spread(model, h):
    flat = FlatSeries.from_flat(torch.full((40,), 0.1, dtype=torch.float64), ends(0, 40))
    answer = combined_quantiles([model], flat, ends(0), ends(40), h, WANTED)
    torch.testing.assert_close(answer, torch.full((1, h, 4), 0.1, dtype=torch.float64), rtol=1e-9, atol=0)


def test_intervals_of_a_random_walk_widen_from_block_to_block():
    size = replace(SIZE, context_length=200, horizon=5, patch_length=5, seasons=(1,))
    model = NetworkForecast(RandomWalkNetwork(size), size, "seasonal", seed=1)
    answer = combined_quantiles(
        [model], flat_series(20, 250, seed=4), torch.arange(20), torch.full((20,), 250), 40, (0.1, 0.9)
    )
    width = (answer[..., 1] - answer[..., 0]).mean(0)[4::5]
    assert (width.diff() > 0).all()
    np.testing.assert_allclose(width / width[0], np.sqrt(np.arange(1, 9)), rtol=0.25)


def test_the_sample_paths_follow_the_seed_and_leave_the_global_generator_alone(model):
    where = (flat_series(), ends(0, 1), ends(50, 40), 20, WANTED)
    before = torch.get_rng_state()
    first, second = combined_quantiles([model], *where), combined_quantiles([model], *where)
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)
    other = combined_quantiles([NetworkForecast(model.network, model.size, model.scaling, seed=4)], *where)
    assert torch.equal(other[:, :6], first[:, :6])
    assert not torch.equal(other, first)


@pytest.mark.parametrize("h", [4, 20])
def test_no_windows_at_all_are_an_empty_answer(model, h):
    none = torch.zeros(0, dtype=torch.int64)
    assert combined_quantiles([model], flat_series(), none, none, h, WANTED).shape == (0, h, 4)


def test_a_network_of_the_median_alone_forecasts_any_horizon():
    model = disturbed(replace(SIZE, quantiles=(0.5,)))
    answer = combined_quantiles([model], flat_series(), ends(0), ends(50), 20, (0.5,))
    assert torch.isfinite(answer).all()
    with pytest.raises(ParameterError, match=r"0.4 lie outside the trained range 0.5 to 0.5 \(levels up to 0 %\)"):
        combined_quantiles([model], flat_series(), ends(0), ends(50), 2, (0.4,))


def test_quantiles_beyond_the_trained_ones_are_refused_with_the_cure(model):
    with pytest.raises(
        ParameterError, match=r"Quantiles 0.01, 0.99 lie outside .* 0.025 to 0.975 \(levels up to 95 %\)"
    ):
        combined_quantiles([model], flat_series(), ends(0), ends(50), 2, (0.01, 0.5, 0.99))
    with pytest.raises(ParameterError, match=r"0.2 to 0.9 \(levels up to 60 %\).* wider `quantiles`"):
        check_known_quantiles((0.95,), (0.2, 0.5, 0.9))


def test_the_outermost_trained_quantiles_are_allowed_whatever_their_last_digit(model):
    answer = combined_quantiles([model], flat_series(), ends(0), ends(50), 2, (0.5 - 0.95 / 2, 0.5 + 0.95 / 2))
    assert torch.isfinite(answer).all()


def of_lengths(lengths, factor=1.0, seed=0):
    """Positive series of the given lengths; the first rows of one are those of another."""
    y = factor * np.exp(np.random.default_rng(seed).normal(size=max(lengths)).cumsum() * 0.2)
    values = np.concatenate([y[:length] for length in lengths])
    return FlatSeries.from_flat(torch.from_numpy(values), torch.tensor([0, *np.cumsum(lengths)]))


SHORT_SIZE = replace(SIZE, patch_length=3)


@pytest.fixture(scope="module")
def cut():
    return with_options(disturbed(SHORT_SIZE), cut=True)


@pytest.fixture(scope="module")
def logs():
    return with_options(disturbed(SHORT_SIZE), cut=True, powers=(1.0, 0.0))


@pytest.mark.parametrize("h", [4, 20])
def test_a_cut_window_is_read_no_longer_than_its_history(cut, h, monkeypatch):
    widths = []
    gather = module.gather_windows

    def note(flat, series, start, length):
        widths.append((length, start.tolist()))
        return gather(flat, series, start, length)

    monkeypatch.setattr(module, "gather_windows", note)
    lengths = [2, 6, 7, 24, 60]
    combined_quantiles([cut], of_lengths(lengths), torch.arange(5), torch.tensor(lengths), h, WANTED)
    # At least a season of 6, whole patches of 3, at most the context of 24.
    assert sorted(width for width, _ in widths) == [6, 9, 24]
    assert sum(len(start) for _, start in widths) == 5


def test_a_cut_window_is_forecast_like_one_of_that_context(cut):
    lengths = [6, 9, 24, 50]
    flat = of_lengths(lengths)
    together = combined_quantiles([cut], flat, torch.arange(4), torch.tensor(lengths), 6, WANTED)
    for k, length in enumerate(lengths):
        own = replace(SHORT_SIZE, context_length=min(length, 24))
        alone = NetworkForecast(cut.network, own, cut.scaling, cut.seed)
        expected = combined_quantiles([alone], flat, torch.tensor([k]), torch.tensor([length]), 6, WANTED)
        torch.testing.assert_close(together[k : k + 1], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("h", [4, 20])
def test_cut_windows_are_forecast_alone_as_beside_others_in_any_order(logs, h):
    lengths = [1, 2, 5, 6, 11, 24, 60, 3]
    flat, series, end = of_lengths(lengths), torch.arange(8), torch.tensor(lengths)
    together = combined_quantiles([logs], flat, series, end, h, WANTED)
    assert torch.isfinite(together).all()
    order = torch.tensor([6, 3, 0, 7, 1, 5, 2, 4])
    shuffled = combined_quantiles([logs], flat, series[order], end[order], h, WANTED)
    torch.testing.assert_close(shuffled, together[order], rtol=1e-5, atol=1e-5)
    for b in range(8):
        alone = combined_quantiles([logs], flat, series[b : b + 1], end[b : b + 1], h, WANTED)
        torch.testing.assert_close(alone[0], together[b], rtol=1e-5, atol=1e-5)


def test_no_cut_windows_at_all_are_an_empty_answer(cut):
    none = torch.zeros(0, dtype=torch.int64)
    assert combined_quantiles([cut], flat_series(), none, none, 4, WANTED).shape == (0, 4, 4)


def test_logarithms_are_averaged_with_the_values_as_they_are(logs):
    flat, where = of_lengths([40]), (ends(0), ends(40), 6, QUANTILES)
    plain = with_options(logs, cut=True)
    direct = combined_quantiles([plain], flat, *where)
    unit = flat.values[-24:].mean()
    logged = FlatSeries.from_flat(torch.log(flat.values / unit) + 1, torch.tensor([0, 40]))
    by_logs = torch.exp(combined_quantiles([plain], logged, *where) - 1) * unit
    torch.testing.assert_close(combined_quantiles([logs], flat, *where), (direct + by_logs) / 2, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("h", [6, 20])
@pytest.mark.parametrize("network", ["parallel", "autoregressive", "one"])
def test_roots_are_forecast_and_squared(network, h):
    flat, where = of_lengths([40]), (ends(0), ends(40), h, QUANTILES)
    plain = with_options(disturbed(SHORT_SIZE, network), cut=True)
    roots = with_options(plain, cut=True, powers=(0.5,))
    unit = flat.values[-24:].mean()
    of_roots = FlatSeries.from_flat(torch.sqrt(flat.values / unit), torch.tensor([0, 40]))
    expected = combined_quantiles([plain], of_roots, *where).clamp(min=0) ** 2 * unit
    found = combined_quantiles([roots], flat, *where)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert (found >= 0).all()
    assert (found.diff(dim=-1) >= 0).all()
    larger = FlatSeries.from_flat(flat.values * 1e9, torch.tensor([0, 40]))
    torch.testing.assert_close(combined_quantiles([roots], larger, *where) / 1e9, found, rtol=1e-5, atol=1e-5)


def test_paths_of_roots_that_reach_zero_stay_roots():
    y = torch.linspace(1, 1e-3, 24, dtype=torch.float64)
    flat = FlatSeries.from_flat(y, torch.tensor([0, 24]))
    roots = with_options(disturbed(SIZE), powers=(0.5,))
    found = combined_quantiles([roots], flat, ends(0), ends(24), 40, QUANTILES)
    assert (found[..., 0] == 0).any()
    assert (found >= 0).all()


@pytest.mark.parametrize("value", [0.0, -0.5])
def test_a_window_with_a_value_that_has_no_logarithm_is_forecast_as_it_is(logs, value):
    flat = of_lengths([40, 40])
    flat.values[70] = value
    plain = combined_quantiles([with_options(logs, cut=True)], flat, ends(0, 1), ends(40, 40), 6, WANTED)
    found = combined_quantiles([logs], flat, ends(0, 1), ends(40, 40), 6, WANTED)
    torch.testing.assert_close(found[1], plain[1], rtol=1e-12, atol=0)
    assert not torch.allclose(found[0], plain[0])


def test_a_gap_has_no_logarithm_and_needs_none(logs):
    flat = of_lengths([40])
    flat.observed[30] = False
    expected = combined_quantiles([logs], flat, ends(0), ends(40), 6, WANTED)
    flat.values[30] = -1e9
    assert torch.equal(combined_quantiles([logs], flat, ends(0), ends(40), 6, WANTED), expected)


@pytest.mark.parametrize("h", [4, 20])
@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_with_logarithms_too_the_unit_of_the_values_is_the_unit_of_the_forecast(logs, h, factor):
    where = (ends(0, 1), ends(40, 9), h, WANTED)
    expected = combined_quantiles([logs], of_lengths([40, 9]), *where)
    found = combined_quantiles([logs], of_lengths([40, 9], factor=factor), *where)
    torch.testing.assert_close(found / factor, expected, rtol=1e-5, atol=1e-5)


def test_a_forecast_of_logarithms_ends_far_above_the_window_and_stays_finite(logs):
    class Wild(ForecastNetwork):
        def forward(self, inputs):
            return torch.full((len(inputs.values), 6, len(QUANTILES)), 1e6)

    wild = NetworkForecast(Wild(), SHORT_SIZE, "none", 0, powers=(1.0, 0.0))
    flat = of_lengths([40])
    answer = combined_quantiles([wild], flat, ends(0), ends(40), 6, (0.5,))
    highest = float(flat.values[-24:].max())
    expected = (1e6 + highest * np.exp(MOST_LOG_GROWTH)) / 2
    torch.testing.assert_close(answer, torch.full_like(answer, expected), rtol=1e-6, atol=0)


@pytest.mark.parametrize("h", [6, 20])
def test_with_logarithms_quantiles_are_in_order_and_nothing_after_a_cutoff_counts(logs, h):
    flat = of_lengths([50, 50])
    expected = combined_quantiles([logs], flat, ends(0, 1), ends(30, 8), h, WANTED)
    assert (expected.diff(dim=-1) >= 0).all()
    flat.values[30:50], flat.values[58:] = -1e9, 1e9
    assert torch.equal(combined_quantiles([logs], flat, ends(0, 1), ends(30, 8), h, WANTED), expected)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_several_networks_are_combined_by_the_mean_or_from_three_on_the_median(count):
    models = [disturbed(), disturbed(replace(SIZE, context_length=12)), disturbed(SHORT_SIZE), disturbed(SIZE, "one")]
    models = [replace(model, vote=k) for k, model in enumerate(models)]
    where = (flat_series(), ends(0, 2), ends(50, 20), 9, WANTED)
    every = np.stack([combined_quantiles([model], *where).numpy() for model in models[:count]])
    found = combined_quantiles(models[:count], *where)
    expected = every.mean(0) if count < 3 else np.median(every, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_forecasts_that_share_a_vote_count_as_one():
    models = [disturbed(), disturbed(replace(SIZE, context_length=12)), disturbed(SHORT_SIZE)]
    where = flat_series(), ends(0, 2), ends(50, 20), min(model.size.horizon for model in models), WANTED
    first, second, third = (combined_quantiles([model], *where) for model in models)
    found = combined_quantiles([models[0], *(replace(model, vote=7) for model in models[1:])], *where)
    torch.testing.assert_close(found, first / 2 + (second + third) / 4)
    torch.testing.assert_close(combined_quantiles(models, *where), (first + second + third) / 3)


def test_networks_that_share_a_vote_share_its_paths(monkeypatch):
    drawn = []

    def noted(paths, horizon, generator):
        drawn.append(stratified_noise(paths, horizon, generator))
        return drawn[-1]

    monkeypatch.setattr(module, "stratified_noise", noted)
    voters = [with_options(disturbed(), vote=0, histories=own) for own in (EVERY_HISTORY, range(30, 100))]
    combined_quantiles(voters, flat_series(), ends(0, 1), ends(50, 20), 12, WANTED)
    # The second window is left to the first network alone, which then draws all of them.
    assert sorted(len(noise) for noise in drawn) == [32, 32, 32, 32, 64, 64]
    shared = [noise for noise in drawn if len(noise) == 32]
    assert not any(torch.equal(shared[0], other) for other in shared[1:])
    drawn.clear()
    alone = combined_quantiles(voters[:1], flat_series(), ends(1), ends(20), 12, WANTED)
    both = combined_quantiles(voters, flat_series(), ends(1), ends(20), 12, WANTED)
    torch.testing.assert_close(alone, both)


def refuse(*arguments):
    raise AssertionError("paths were drawn")


@pytest.mark.parametrize("powers", [(1.0,), (0.5,), (1.0, 0.0)])
def test_far_steps_need_no_paths_and_what_follows_goes_on_from_them(monkeypatch, powers):
    model = with_options(disturbed(replace(SIZE, far=9)), powers=powers)
    where = flat_series(), ends(0, 1, 2), ends(50, 40, 20)
    further = combined_quantiles([model], *where, 40, WANTED)
    monkeypatch.setattr(module, "stratified_noise", refuse)
    near, far = (combined_quantiles([model], *where, h, WANTED) for h in (6, 15))
    torch.testing.assert_close(far[:, :6], near)
    torch.testing.assert_close(further[:, :15], far)
    alone = combined_quantiles([model], flat_series(), ends(1), ends(40), 15, WANTED)
    torch.testing.assert_close(alone[0], far[1])
    assert torch.isfinite(further).all()
    assert (further.diff(dim=2) >= 0).all()
    monkeypatch.undo()
    torch.testing.assert_close(combined_quantiles([model], *where, 31, WANTED), further[:, :31])


class LowNights(ForecastNetwork):
    """Forecasts two units less than the last season, with intervals of one width."""

    moved = -2

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, inputs):
        quantiles = torch.from_numpy(norm.ppf(self.size.quantiles)).float()
        return inputs.profiles[:, 0, :, None] + self.moved + quantiles


class HighNights(LowNights):
    """Forecasts two units more."""

    moved = 2


@pytest.mark.parametrize("wanted", [WANTED, (0.1, 0.9)])
@pytest.mark.parametrize(("own_season", "lowest"), [(True, 3.0), (True, 0.0), (True, -1.0), (False, 3.0)])
def test_nights_are_not_forecast_far_below_the_lowest_value_where_none_is_negative(own_season, lowest, wanted):
    size = NetworkSize(48, 24, 24, (24,), hidden_size=8, own_season=own_season)
    day = lowest + 10 * (1 - np.cos(2 * np.pi * np.arange(24) / 24))
    y = np.tile(day, 2)
    flat = FlatSeries.from_flat(torch.from_numpy(y), torch.tensor([0, 48]))
    model = NetworkForecast(LowNights(size), size, "spread", seed=0)
    whole = [*wanted, 0.5] if 0.5 not in wanted else list(wanted)
    found = combined_quantiles([model], flat, ends(0), ends(48), 24, sorted(whole))[0].numpy()
    median = found[:, sorted(whole).index(0.5)]
    if own_season and lowest >= 0:
        assert median.min() == pytest.approx(0.5 * lowest)
    else:
        assert median.min() < 0.5 * lowest - 1
    np.testing.assert_allclose(np.diff(found, axis=1), np.diff(found, axis=1)[[12]].repeat(24, 0), rtol=1e-5)
    asked = combined_quantiles([model], flat, ends(0), ends(48), 24, wanted)[0].numpy()
    np.testing.assert_allclose(asked, found[:, [sorted(whole).index(q) for q in wanted]])


def test_nights_are_lifted_after_the_mean_is_taken():
    size = NetworkSize(48, 24, 24, (24,), hidden_size=8, own_season=True)
    y = np.tile(10 * (1 - np.cos(2 * np.pi * np.arange(24) / 24)), 2)
    where = FlatSeries.from_flat(torch.from_numpy(y), torch.tensor([0, 48])), ends(0), ends(48), 24, WANTED
    low, high = (NetworkForecast(network(size), size, "spread", seed=0) for network in (LowNights, HighNights))
    found, lifted = combined_quantiles([low, high], *where), combined_quantiles([low], *where)
    middle = WANTED.index(0.5)
    assert lifted[..., middle].min() == 0
    # One is as far below the night as the other is above it.
    np.testing.assert_allclose(found[0, :, middle], y[:24], atol=1e-5)


def test_a_window_with_too_few_values_is_left_to_the_other_networks():
    where = few_and_many()
    first, second = disturbed(), disturbed()
    with torch.no_grad():
        for parameter in second.network.parameters():
            parameter *= 1.2
    second = replace(second, histories=range(12, EVERY_HISTORY.stop))
    alone, both = (combined_quantiles(models, *where) for models in ([first], [first, second]))
    assert torch.equal(both[0], alone[0])
    assert not torch.allclose(both[1], alone[1])
    assert combined_quantiles([second], *where)[0].isnan().all()
    assert combined_quantiles([second], *where)[1].isfinite().all()
    # Of three votes, each with one such network, the median is that of those that forecast.
    votes = [with_options(model, vote=k, histories=model.histories) for k in range(3) for model in (first, second)]
    torch.testing.assert_close(combined_quantiles(votes, *where)[0], alone[0])
    assert combined_quantiles(votes, *where).isfinite().all()


def test_a_window_with_too_many_values_is_left_to_the_other_networks_whatever_it_reads_of_them():
    where = few_and_many()
    first = disturbed()
    second = with_options(first, histories=range(24))
    assert combined_quantiles([second], *where)[1].isnan().all()
    torch.testing.assert_close(combined_quantiles([second], *where)[0], combined_quantiles([first], *where)[0])
    # What a network reads is not what counts: this one reads eight rows.
    size = replace(first.size, context_length=8)
    short = NetworkForecast(first.network, size, "seasonal", 0, cut=True, histories=range(24))
    assert combined_quantiles([short], *where).isnan().all((1, 2)).tolist() == [False, True]
    third = with_options(first, histories=range(24, EVERY_HISTORY.stop))
    both = combined_quantiles([second, third], *where)
    torch.testing.assert_close(both, combined_quantiles([first], *where))


def test_far_intervals_of_noise_do_not_feed_on_themselves():
    rng = np.random.default_rng(0)
    for season, n, h in ((1, 60, 60), (12, 120, 120)):
        service = served_by(season)
        flat = FlatSeries.from_flat(torch.from_numpy(100 + rng.normal(size=10 * n)), torch.arange(11) * n)
        member = service.member
        model = NetworkForecast(load_member(member), member.size(service.seasons), member.scaling, 0, cut=True)
        answer = combined_quantiles([model], flat, torch.arange(10), torch.full((10,), n), h, (0.1, 0.9))
        width = (answer[..., 1] - answer[..., 0]).median(0).values
        H = member.horizon
        assert width[-H:].mean() < 3.5 * width[:H].mean()


def test_the_limit_of_far_intervals_takes_the_forecast_as_a_whole_not_that_of_each_path():
    """Patch by patch a path's own forecasts are as narrow as one patch."""
    size = replace(SIZE, context_length=48, horizon=6, patch_length=2, seasons=(1,))
    rng = np.random.default_rng(1)
    flat = FlatSeries.from_flat(torch.from_numpy(rng.normal(size=480).cumsum()), torch.arange(11) * 48)
    where = (flat, torch.arange(10), torch.full((10,), 48))
    torch.manual_seed(0)
    model = NetworkForecast(NETWORKS["autoregressive"](size).eval(), size, "seasonal", 1)
    direct = combined_quantiles([model], *where, 6, (0.1, 0.9))
    far = combined_quantiles([model], *where, 12, (0.1, 0.9))[:, 6:]
    assert (far[..., 1] - far[..., 0]).mean() > 0.8 * (direct[..., 1] - direct[..., 0]).mean()


def few_and_many():
    """Two series of 24 rows, of which the first one begins with 16 missing values; forecast after their last rows."""
    y = torch.from_numpy(np.random.default_rng(0).normal(size=48).cumsum())
    y[:16] = torch.nan
    flat = FlatSeries.from_flat(y, torch.tensor([0, 24, 48]))
    return flat, torch.arange(2), torch.full((2,), 24), 4, WANTED
