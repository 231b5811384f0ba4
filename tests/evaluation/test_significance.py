import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tsrnn.evaluation.significance import FEWEST_FORECASTS, compare_losses

SEEDS = 400


def overlapping_losses(n_series, n_cutoffs, h, step, seed, gain=0.0):
    """Two models' mean absolute errors over h steps, a cutoff every `step` steps; the first better by `gain`."""
    rng = np.random.default_rng(seed)
    shared, own = (
        rng.normal(size=(1, n_series, h + step * n_cutoffs)),
        rng.normal(size=(2, n_series, h + step * n_cutoffs)),
    )
    errors = np.abs(shared + 0.7 * own)
    errors[0] *= 1 - gain
    return [np.stack([one[:, k * step : k * step + h].mean(1) for k in range(n_cutoffs)], 1) for one in errors]


def share_called_different(n_series, n_cutoffs, h, step):
    overlap = -(-h // step)
    outcomes = [
        compare_losses(*overlapping_losses(n_series, n_cutoffs, h, step, seed), overlap).outcome
        for seed in range(SEEDS)
    ]
    return sum(outcome in ("better", "worse") for outcome in outcomes) / SEEDS


@pytest.mark.parametrize(("n_series", "n_cutoffs"), [(1, 8), (1, 20), (5, 12), (6, 4), (7, 2)])
def test_equal_models_are_called_different_in_about_5_percent_of_the_cases(n_series, n_cutoffs):
    assert 0.02 <= share_called_different(n_series, n_cutoffs, 6, 6) <= 0.09


@pytest.mark.parametrize(("n_cutoffs", "step"), [(8, 6), (8, 3), (20, 6), (20, 3), (20, 2)])
def test_equal_models_are_not_called_different_more_often_when_their_forecasts_overlap(n_cutoffs, step):
    assert 0.005 <= share_called_different(1, n_cutoffs, 12, step) <= 0.09


@pytest.mark.parametrize(("n_series", "n_cutoffs", "step"), [(8, 1, 6), (8, 10, 2), (15, 5, 6)])
def test_equal_models_are_called_different_in_about_5_percent_of_the_bootstraps(n_series, n_cutoffs, step):
    assert 0.02 <= share_called_different(n_series, n_cutoffs, 6, step) <= 0.09


def shared_shocks(n_series, n_cutoffs, seed):
    """Two equal models' errors in series that move together: what one gains at a cutoff it gains in all of them."""
    rng = np.random.default_rng(seed)
    own, common = rng.normal(size=(2, n_series, n_cutoffs)), rng.normal(size=(2, 1, n_cutoffs))
    return np.abs(0.7 * own + 0.7 * common + rng.normal(size=(1, n_series, n_cutoffs)))


@pytest.mark.parametrize(("n_series", "n_cutoffs"), [(10, 5), (30, 5), (30, 12)])
def test_equal_models_are_not_called_different_because_series_move_together(n_series, n_cutoffs):
    outcomes = [compare_losses(*shared_shocks(n_series, n_cutoffs, seed), 1).outcome for seed in range(SEEDS)]
    assert 0.01 <= 1 - outcomes.count("no difference") / SEEDS <= 0.1


def test_what_series_share_is_told_from_what_each_has_at_all_cutoffs():
    rng = np.random.default_rng(0)
    other = np.full((40, 4), 10.0)
    constant = np.repeat(rng.normal(1, 1, (40, 1)), 4, axis=1) + 0.01 * rng.normal(size=(40, 4))
    found = compare_losses(other - constant, other, 1)
    alone = compare_losses((other - constant)[:, :1], other[:, :1], 1)
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.02)
    together = constant + np.array([2.0, -2.0, 1.0, -1.0])
    assert compare_losses(other - together, other, 1).outcome == "no difference"


@pytest.mark.parametrize(("n_series", "n_cutoffs", "step"), [(1, 12, 24), (1, 20, 12), (12, 2, 24), (5, 5, 24)])
def test_a_real_gain_is_found_with_its_sign_and_its_size(n_series, n_cutoffs, step):
    gains = []
    for seed in range(40):
        better, worse = overlapping_losses(n_series, n_cutoffs, 24, step, seed, gain=0.3)
        found = compare_losses(better, worse, -(-24 // step))
        gains.append(found)
        assert compare_losses(worse, better, -(-24 // step)).outcome in ("worse", "no difference")
    assert sum(g.outcome == "better" for g in gains) >= 36
    assert np.mean([g.gain for g in gains]) == pytest.approx(0.3, abs=0.03)
    assert sum(g.low <= 0.3 <= g.high for g in gains) >= 34


def log_mean(a, b):
    return (a - b) / np.log(a / b)


def paired_interval(loss, other):
    """Gains at the ends of an interval of the log ratio, from one loss per cutoff, by scipy's t tests."""
    a, b = loss.mean(), other.mean()
    difference = np.diff(stats.ttest_rel(other, loss).confidence_interval(0.95))[0] / 2 / log_mean(a, b)
    ratio = np.diff(stats.ttest_rel(other / b, loss / a).confidence_interval(0.95))[0] / 2
    reach = max(difference, ratio)
    return 1 - a / b * np.exp(reach), 1 - a / b * np.exp(-reach)


@pytest.mark.parametrize("factor", [1.0, 0.4])
def test_without_overlap_the_interval_is_that_of_paired_t_tests(factor):
    loss, other = overlapping_losses(1, 15, 4, 4, seed=3)
    loss = loss * factor
    found = compare_losses(loss, other, 1)
    assert (found.low, found.high) == pytest.approx(paired_interval(loss[0], other[0]))
    assert found.gain == pytest.approx(1 - loss.mean() / other.mean())


@pytest.mark.parametrize("shape", [(1, 8), (3, 3), (4, 3), (9, 1), (9, 4), (9, 9)])
@pytest.mark.parametrize("overlap", [1, 3])
def test_the_interval_of_the_other_model_is_the_reciprocal_one(shape, overlap):
    rng = np.random.default_rng(0)
    loss, other = rng.lognormal(0, 1, shape), rng.lognormal(0.5, 0.5, shape)
    one, two = compare_losses(loss, other, overlap), compare_losses(other, loss, overlap)
    assert (1 - one.low, 1 - one.high) == pytest.approx((1 / (1 - two.high), 1 / (1 - two.low)))
    assert 1 - one.gain == pytest.approx(1 / (1 - two.gain))


@given(st.data(), st.integers(1, 12), st.integers(1, 12), st.integers(1, 12))
def test_no_error_is_more_than_100_percent_lower(data, n_series, n_cutoffs, overlap):
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    loss, other = rng.lognormal(0, data.draw(st.floats(0.1, 3)), (2, n_series, n_cutoffs))
    loss, other = loss * data.draw(st.sampled_from([0.0, 0.01, 1.0])), other * data.draw(st.sampled_from([0.0, 1.0]))
    found = compare_losses(loss, other, overlap)
    assert not found.high > 1
    assert not found.low > 1
    assert found.gain <= 1


@pytest.mark.parametrize(("n_series", "n_cutoffs", "overlap"), [(4, 3, 1), (1, 8, 1), (1, 8, 3), (1, 8, 12)])
@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5])
def test_the_interval_holds_the_true_ratio_of_the_errors(n_series, n_cutoffs, overlap, factor):
    held = 0
    for seed in range(SEEDS):
        loss, other = overlapping_losses(n_series, n_cutoffs, 2 * overlap, 2, seed)
        found = compare_losses(factor * loss, other, overlap)
        held += found.low <= 1 - factor <= found.high
    assert held >= 0.92 * SEEDS


def test_a_few_wild_cutoffs_call_no_equal_models_different():
    rng = np.random.default_rng(0)
    wild = np.exp(1.2 * rng.normal(size=(SEEDS, 1, 8)))
    pairs = wild[:, None] * np.exp(0.3 * rng.normal(size=(SEEDS, 2, 1, 8)))
    outcomes = [compare_losses(*pair, 1).outcome for pair in pairs]
    assert outcomes.count("no difference") >= 0.95 * SEEDS


def test_a_model_that_makes_no_error_is_compared_too():
    errors = np.linspace(1, 2, 10)[None]
    better, worse = compare_losses(0 * errors, errors, 1), compare_losses(errors, 0 * errors, 1)
    assert (better.outcome, better.gain, better.high) == ("better", 1, 1)
    reach = np.diff(stats.ttest_1samp(errors[0], 0).confidence_interval(0.95))[0] / 2
    assert better.low == pytest.approx(1 - reach / errors.mean())
    assert (worse.outcome, worse.gain, worse.low) == ("worse", -np.inf, -np.inf)
    assert worse.high == pytest.approx(1 - errors.mean() / reach)
    many = compare_losses(np.repeat(errors, 9, 0), np.zeros((9, 10)), 1)
    assert (many.outcome, many.gain) == ("worse", -np.inf)
    rare = np.where(np.arange(10) == 3, 1.0, 0.0)[None]
    assert compare_losses(0 * rare, rare, 1).outcome == compare_losses(rare, 0 * rare, 1).outcome == "no difference"


@pytest.mark.parametrize("seed", range(20))
def test_without_overlap_the_outcome_is_that_of_a_paired_t_test(seed):
    loss, other = overlapping_losses(3, 9, 4, 4, seed, gain=0.1)
    test = stats.ttest_rel(other.sum(0), loss.sum(0))
    expected = "no difference" if test.pvalue > 0.05 else "better" if test.statistic > 0 else "worse"
    assert compare_losses(loss, other, 1).outcome == expected


def test_with_overlap_the_interval_is_that_of_harvey_leybourne_and_newbold():
    difference = np.array([3.0, 3, 3, 3, -2, -2, -2, -2, 3, 3, 3, 3, -2, -2, -2, -2])  # strongly autocorrelated
    other = np.full(16, 10.0)
    found = compare_losses((other - difference)[None], other[None], 2)
    mean, n, k = difference.mean(), 16, 2
    around = difference - mean
    variance = ((around**2).sum() + 2 * (around[1:] * around[:-1]).sum()) / n
    statistic = mean / np.sqrt(variance / n) * np.sqrt((n + 1 - 2 * k + k * (k - 1) / n) / n)
    reach = mean / statistic * stats.t.ppf(0.975, n - 1)
    # The other's losses are all alike, so the error of the ratio is that of the first one's mean.
    ends = (1 - mean / 10) * np.exp(np.array([1, -1]) * max(reach / log_mean(10 - mean, 10), reach / (10 - mean)))
    assert (found.low, found.high) == pytest.approx(1 - ends)


def test_overlapping_forecasts_that_show_no_correlation_are_not_trusted_more():
    # What n means of `overlap` independent steps scatter by themselves, worked out by simulation.
    n, overlap = 10, 3
    steps = np.random.default_rng(0).normal(size=(100_000, n + overlap - 1))
    means = np.stack([steps[:, k : k + overlap].mean(1) for k in range(n)], 1)
    share = means.mean(1).var() / means.var(1).mean()
    freedom = 2 * means.var(1).mean() ** 2 / means.var(1).var()
    difference = np.tile([1.0, -1.0], 5) + 0.1
    other = np.full(n, 5.0)
    found = compare_losses((other - difference)[None], other[None], overlap)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(share * difference.var())
    found = np.log((1 - found.low) / (1 - found.high)) / 2
    assert found == pytest.approx(reach / (other - difference).mean(), rel=0.03)


losses = st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)), min_size=8, max_size=20)


@given(losses, st.integers(1, 30))
def test_more_overlap_never_narrows_an_interval(pairs, overlap):
    loss, other = np.array(pairs).T[:, None]
    wide, narrow = compare_losses(loss, other, overlap), compare_losses(loss, other, 1)
    assert wide.high - wide.low >= (narrow.high - narrow.low) * (1 - 1e-9)
    assert wide.gain == narrow.gain


@given(st.data(), st.integers(1, 12), st.integers(1, 12))
def test_the_gain_lies_in_its_interval_and_agrees_with_the_outcome_whatever_is_missing(data, n_series, n_cutoffs):
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    loss, other = rng.lognormal(0, data.draw(st.floats(0.1, 2)), (2, n_series, n_cutoffs))
    loss[rng.random(loss.shape) < 0.3] = np.nan
    found = compare_losses(loss, other, data.draw(st.integers(1, 5)))
    if found.outcome == "too few to judge":
        assert np.isfinite(loss).sum() < FEWEST_FORECASTS
        assert np.isnan([found.low, found.high]).all()
    else:
        assert found.low <= found.high
        assert {"better": found.low > 0, "worse": found.high < 0}.get(found.outcome, found.low <= 0 <= found.high)
        if n_series < FEWEST_FORECASTS:
            assert found.low <= found.gain <= found.high


def test_a_pair_counts_only_where_both_have_a_loss():
    loss, other = overlapping_losses(3, 10, 4, 4, seed=0)
    loss[1, 2], other[0, 5], loss[2, :] = np.nan, np.nan, np.nan
    expected = compare_losses(loss, other, 1)
    loss[0, 5], other[1, 2], other[2, :] = 1e9, 1e9, -1e9
    assert compare_losses(loss, other, 1) == expected
    assert (expected.n_series, expected.n_cutoffs) == (2, 10)
    both = np.isfinite(loss) & np.isfinite(other)
    assert expected.gain == pytest.approx(1 - loss[both].sum() / other[both].sum())


def test_every_series_counts_alike_however_many_cutoffs_it_has():
    rng = np.random.default_rng(0)
    loss, other = rng.uniform(1, 1.1, (2, 9, 12))
    loss[1:] *= 2  # worse in eight series of two cutoffs each, better in one of twelve
    loss[0] /= 2
    loss[1:, :10] = np.nan
    found = compare_losses(loss, other, 1)
    means = np.nanmean(loss, 1).mean(), np.nanmean(np.where(np.isnan(loss), np.nan, other), 1).mean()
    assert found.gain == pytest.approx(1 - means[0] / means[1])
    assert found.gain < 0
    assert np.nansum(loss) < 1.4 * other[np.isfinite(loss)].sum()
    assert (found.n_series, found.n_cutoffs, found.n_forecasts) == (9, 12, 28)


@pytest.mark.parametrize("shape", [(3, 12), (12, 3), (12, 10), (5, 3), (3, 5)])
def test_where_all_series_have_all_cutoffs_every_forecast_counts_alike(shape):
    rng = np.random.default_rng(1)
    loss, other = rng.lognormal(0, 0.5, (2, *shape))
    found = compare_losses(loss, other, 1)
    assert found.gain == pytest.approx(1 - loss.sum() / other.sum(), rel=1e-12)
    assert found.n_forecasts is None
    if shape[1] >= shape[0]:
        assert (found.low, found.high) == pytest.approx(paired_interval(loss.sum(0), other.sum(0)))


def test_of_equal_models_few_are_called_different_where_series_have_unequal_numbers_of_cutoffs():
    outcomes = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        loss, other = rng.lognormal(0, 0.5, (2, 6, 12))
        loss[np.arange(12) < rng.integers(0, 12, (6, 1))] = np.nan
        outcomes.append(compare_losses(loss, other, 1).outcome)
    assert 0.02 <= np.mean([outcome != "no difference" for outcome in outcomes]) <= 0.11


def test_a_forecast_counts_by_its_observed_steps_within_its_series():
    loss, other = np.array([[1.0, 4.0], [2.0, 2.0]]), np.array([[2.0, 2.0], [2.0, 2.0]])
    points = np.array([[9.0, 1.0], [5.0, 5.0]])
    assert compare_losses(loss, other, 1, points).gain == pytest.approx(1 - ((9 * 1 + 1 * 4) / 10 + 2) / 4)


def test_series_and_cutoffs_without_any_pair_change_nothing():
    loss, other = overlapping_losses(9, 3, 4, 4, seed=1)
    wider = np.full((2, 12, 5), np.nan)
    wider[0, 2:11, 1:4], wider[1, 2:11, 1:4] = loss, other
    assert compare_losses(*wider, 1) == compare_losses(loss, other, 1)


@pytest.mark.parametrize(
    ("shape", "judged"), [((7, 1), False), ((1, 7), False), ((8, 1), True), ((1, 8), True), ((2, 4), True)]
)
def test_fewer_than_eight_forecasts_are_too_few_to_judge(shape, judged):
    rng = np.random.default_rng(0)
    other = rng.uniform(1, 1.1, shape)
    found = compare_losses(other / 2, other, 1)
    assert found.outcome == ("better" if judged else "too few to judge")
    assert found.gain == pytest.approx(0.5)
    assert np.isfinite([found.low, found.high]).all() == judged


def test_no_forecasts_at_all_are_too_few_to_judge():
    found = compare_losses(np.full((3, 4), np.nan), np.ones((3, 4)), 1)
    assert (found.outcome, found.gain, found.n_series, found.n_cutoffs) == ("too few to judge", 0.0, 0, 0)


@pytest.mark.parametrize("shape", [(1, 12), (12, 3)])
def test_a_model_is_not_different_from_itself(shape):
    loss = np.random.default_rng(0).uniform(1, 2, shape)
    found = compare_losses(loss, loss, 3)
    assert (found.gain, found.low, found.high, found.outcome) == (0, 0, 0, "no difference")
    nothing = compare_losses(np.zeros(shape), np.zeros(shape), 3)
    assert nothing.outcome == "no difference"


@pytest.mark.parametrize("shape", [(2, 12), (12, 2)])
def test_the_unit_of_the_losses_does_not_matter_and_the_same_forecasts_get_the_same_verdict(shape):
    rng = np.random.default_rng(0)
    loss, other = rng.uniform(1, 2, (2, *shape))
    found, again, scaled = (compare_losses(loss * f, other * f, 2) for f in (1.0, 1.0, 1024.0))
    assert found == again
    assert (scaled.gain, scaled.low, scaled.high) == pytest.approx((found.gain, found.low, found.high))


@pytest.mark.parametrize("shape", [(3, 12), (12, 1), (12, 5), (12, 12)])
def test_the_order_of_the_series_does_not_matter(shape):
    rng = np.random.default_rng(5)
    loss, other = rng.lognormal(0, 1, (2, *shape))
    order = rng.permutation(shape[0])
    one, two = compare_losses(loss, other, 1), compare_losses(loss[order], other[order], 1)
    assert (one.low, one.high, one.gain) == pytest.approx((two.low, two.high, two.gain), rel=1e-12)


def test_how_many_draws_are_made_at_once_changes_nothing(monkeypatch):
    loss, other = overlapping_losses(30, 3, 4, 4, seed=0)
    whole = compare_losses(loss, other, 1)
    monkeypatch.setattr("tsrnn.evaluation.significance.DRAWN_AT_ONCE", 700)
    assert compare_losses(loss, other, 1) == whole


def test_with_many_series_the_bootstrap_agrees_with_the_normal_interval_of_a_ratio():
    rng = np.random.default_rng(0)
    other = rng.uniform(1, 2, (300, 1))
    loss = 0.9 * other + rng.normal(0, 0.2, (300, 1))
    found = compare_losses(loss, other, 1)
    ratio = loss.sum() / other.sum()
    error = (loss - ratio * other).std() / np.sqrt(300) / other.mean()
    assert found.low == pytest.approx(1 - ratio - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(1 - ratio + 1.96 * error, abs=0.15 * error)
