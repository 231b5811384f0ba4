import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.evaluation.significance import Gain
from tsrnn.evaluation.verdict import Verdict, judge


def sentence(gain, low, high, outcome, *, n_series=3, n_cutoffs=20, simpler=""):
    return str(Verdict("tsrnn", "ARIMA", Gain(gain, low, high, n_series, n_cutoffs, outcome), simpler))


def test_the_model_wins():
    assert sentence(0.05, 0.012, 0.088, "better") == (
        "tsrnn wins: the MASE of tsrnn is 5.0 % lower than that of ARIMA, 95 % interval −8.8 % to −1.2 %, "
        "over 3 series × 20 cutoffs."
    )


def test_the_reference_wins():
    assert sentence(-0.254, -0.4, -0.1, "worse", n_series=1) == (
        "ARIMA wins: the MASE of tsrnn is 25.4 % higher than that of ARIMA, 95 % interval +10.0 % to +40.0 %, "
        "over 1 series × 20 cutoffs."
    )


@pytest.mark.parametrize(
    ("gain", "side"), [(0.03, "3.0 % lower"), (-0.03, "3.0 % higher"), (0.0004, "the same"), (-0.0, "the same")]
)
def test_no_difference_is_not_a_win(gain, side):
    assert sentence(gain, -0.021, 0.08, "no difference", n_cutoffs=1) == (
        f"No difference can be shown between tsrnn and ARIMA: the MASE of tsrnn is {side}, 95 % interval −8.0 % to "
        "+2.1 %, over 3 series × 1 cutoff."
    )


def test_too_few_forecasts_are_said_to_be_too_few():
    assert sentence(0.5, math.nan, math.nan, "too few to judge", n_series=1, n_cutoffs=3) == (
        "Too few to judge: tsrnn and ARIMA were compared on 1 series × 3 cutoffs; 8 forecasts or more are needed."
    )


def test_a_win_by_almost_nothing_is_still_lower_or_higher():
    won = sentence(0.0003, 0.0001, 0.0012, "better")
    assert "is less than 0.1 % lower than that of ARIMA, 95 % interval −0.1 % to 0.0 %" in won
    lost = sentence(-0.0003, -0.0012, -0.0001, "worse")
    assert "ARIMA wins: the MASE of tsrnn is less than 0.1 % higher than that of ARIMA" in lost
    assert "interval 0.0 % to +0.1 %" in lost


TOO_LITTLE = " That is too little to judge by: neither half the error nor twice as much is ruled out."


@pytest.mark.parametrize(
    ("low", "high", "too_little"), [(-1.4, 0.6, True), (-1.0, 0.5, True), (-0.9, 0.6, False), (-1.4, 0.4, False)]
)
def test_where_anything_from_half_to_twice_the_error_is_possible_that_is_said(low, high, too_little):
    text = sentence(0.103, low, high, "no difference", n_series=1, n_cutoffs=8)
    assert text.endswith("over 1 series × 8 cutoffs." + TOO_LITTLE * too_little)


def test_changes_beyond_all_measure_have_a_readable_size():
    lost = sentence(-12.3456, -math.inf, -1.5, "worse")
    assert "is 1,234.6 % higher than that of ARIMA, 95 % interval +150.0 % to more than +100,000 %, over" in lost
    assert "the MASE of tsrnn is more than 100,000 % higher than that" in sentence(-math.inf, -math.inf, -1.5, "worse")


def test_a_third_model_that_beats_both_is_named():
    assert sentence(0.05, 0.01, 0.09, "better", simpler="SeasonalNaive").endswith(
        "over 3 series × 20 cutoffs. SeasonalNaive is better than both."
    )


def test_what_was_left_out_is_the_last_thing_said():
    verdict = Verdict("tsrnn", "ARIMA", Gain(0.05, 0.01, 0.09, 3, 20, "better"), "Drift", "2 cutoffs were left out.")
    assert str(verdict).endswith("Drift is better than both. 2 cutoffs were left out.")
    judged = judge(losses_of(tsrnn=1.0, ARIMA=1.4), 1, "2 cutoffs were left out.")
    assert str(judged).endswith("over 2 series × 20 cutoffs. 2 cutoffs were left out.")


@given(st.floats(-3, 0.99), st.floats(0, 2), st.floats(0, 2))
def test_every_sentence_names_a_winner_or_none_and_its_numbers_agree_with_it(gain, below, above):
    low, high = gain - below, min(gain + above, 1.0)
    outcome = "better" if low > 0 else "worse" if high < 0 else "no difference"
    text = sentence(gain, low, high, outcome)
    assert text.removesuffix(TOO_LITTLE).endswith("over 3 series × 20 cutoffs.")
    assert "0.0 % lower" not in re.sub(r"\d0\.0 % lower", "", text)
    assert "−0.0 %" not in text
    assert "+0.0 %" not in text
    assert not re.search(r"\d%", text)
    assert "-" not in text
    if outcome == "no difference":
        assert text.startswith("No difference can be shown")
        assert "wins" not in text
    else:
        winner, side = ("tsrnn", "lower") if outcome == "better" else ("ARIMA", "higher")
        assert text.startswith(f"{winner} wins: the MASE of tsrnn is ")
        assert f"% {side} than that of ARIMA" in text


def losses_of(**levels):
    rng = np.random.default_rng(0)
    return {name: level * rng.uniform(0.95, 1.05, (2, 20)) for name, level in levels.items()}


def test_the_first_model_is_judged_against_arima_even_where_another_is_better():
    losses = losses_of(tsrnn=1.0, Best=0.5, ARIMA=1.4)
    verdict = judge(losses, 1)
    assert (verdict.model, verdict.reference, verdict.outcome) == ("tsrnn", "ARIMA", "better")
    assert verdict.gain.gain == pytest.approx(1 - 1 / 1.4, abs=0.02)
    assert verdict.simpler == "Best"
    assert str(verdict).startswith("tsrnn wins")


def test_arima_wins_where_it_is_better():
    verdict = judge(losses_of(tsrnn=1.2, ARIMA=1.0, SeasonalNaive=1.6), 1)
    assert str(verdict).startswith("ARIMA wins: the MASE of tsrnn is 2")
    assert verdict.simpler == ""


def test_without_arima_the_reference_is_the_best_of_the_others():
    losses = losses_of(tsrnn=1.0, A=1.4, B=1.2)
    verdict = judge(losses, 1)
    assert verdict.reference == "B"
    losses["B"][:] = np.nan
    assert judge(losses, 1).reference == "A"


def test_a_third_model_that_is_not_shown_to_be_better_is_not_named():
    losses = losses_of(tsrnn=1.0, ARIMA=1.4, Other=1.0)
    losses["Other"] = losses["tsrnn"] + 1e-3 * np.random.default_rng(1).normal(-0.05, 1, (2, 20))
    assert losses["Other"].mean() < losses["tsrnn"].mean()
    assert judge(losses, 1).simpler == ""


def unequal_losses():
    """Losses of a model that is better in 20 of 34 forecasts, and worse in the mean over eight series."""
    losses = {name: np.full((8, 20), np.nan) for name in ("A", "B")}
    losses["A"][0], losses["B"][0] = 0.8, 1.0
    losses["A"][1:, -2:], losses["B"][1:, -2:] = 1.05, 1.0
    return losses


def test_the_verdict_weighs_series_as_the_leaderboard_does():
    losses = unequal_losses()
    assert np.nanmean(losses["A"]) < np.nanmean(losses["B"])
    verdict = judge(losses, 1)
    means = [np.nanmean(losses[name], 1).mean() for name in ("A", "B")]
    assert verdict.gain.gain == pytest.approx(1 - means[0] / means[1])
    assert verdict.gain.gain < 0
    assert "the MASE of A is 1.9 % higher" in str(verdict)
    assert str(verdict).endswith("over 34 forecasts of 8 series × 20 cutoffs.")
    # Neither is the reference another one than the best of the leaderboard.
    assert judge({"C": losses["A"], **losses}, 1).reference == "B"


def test_few_forecasts_of_unequal_series_are_counted():
    losses = {name: matrix[:2, -4:] for name, matrix in unequal_losses().items()}
    assert str(judge(losses, 1)) == (
        "Too few to judge: A and B were compared on 6 forecasts of 2 series × 4 cutoffs; 8 forecasts or more are "
        "needed."
    )


def test_an_arima_is_known_as_one_whatever_its_name():
    losses = losses_of(tsrnn=1.0, ARIMA_like=0.9, Best=0.5, mine=1.4)
    assert judge(losses, 1).reference == "Best"
    assert judge(losses, 1, arimas=["mine"]).reference == "mine"
    assert judge(losses, 1, arimas=["tsrnn"]).reference == "Best"


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (("tsrnn", "ARIMA"), "Not judged: tsrnn and ARIMA have no MASE to compare, as the moon is full."),
        (("tsrnn",), "Not judged: tsrnn forecast nothing that could be scored."),
    ],
)
def test_where_nothing_can_be_compared_the_reason_is_told(missing, told):
    losses = losses_of(tsrnn=1.0, ARIMA=1.4)
    for name in missing:
        losses[name][:] = np.nan
    verdict = judge(losses, 1, no_loss="the moon is full")
    assert (str(verdict), verdict.outcome) == (told, "too few to judge")


def test_two_models_that_share_no_forecast_are_told_so():
    losses = losses_of(tsrnn=1.0, ARIMA=1.4)
    losses["tsrnn"][0], losses["ARIMA"][1] = np.nan, np.nan
    assert str(judge(losses, 1)) == ("Not judged: tsrnn and ARIMA have no scored forecast in common.")


def test_too_few_forecasts_name_nobody_better():
    losses = {name: matrix[:, :3] for name, matrix in losses_of(tsrnn=1.0, ARIMA=1.4, Best=0.2).items()}
    verdict = judge(losses, 1)
    assert verdict.outcome == "too few to judge"
    assert verdict.simpler == ""


def test_a_single_model_has_no_verdict():
    assert judge(losses_of(tsrnn=1.0), 1) is None


def test_overlap_reaches_the_comparison():
    rng = np.random.default_rng(0)
    losses = {"tsrnn": rng.uniform(0.9, 1.1, (1, 12)), "ARIMA": rng.uniform(1.0, 1.2, (1, 12))}
    near, far = (judge(losses, overlap).gain for overlap in (1, 6))
    assert far.high - far.low > near.high - near.low
