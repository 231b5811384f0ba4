import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.reporting.embedding import MOST_SERIES, choose, embed, floats, runs


def unpack(text):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def positions(packed):
    return [first + i for first, count in zip(packed[::2], packed[1::2], strict=True) for i in range(count)]


@given(st.lists(st.integers(0, 10**6)))
def test_runs_give_back_the_positions(values):
    assert positions(runs(values)) == values


def test_numbers_survive_with_seven_digits_and_gaps_stay_gaps():
    values = [1.08532, np.nan, -1e9, 0.0]
    assert unpack(floats(values)) == pytest.approx(values, rel=1e-6, nan_ok=True)


def test_a_small_backtest_is_embedded_whole(result):
    choice = choose(result)
    assert choice.sentence == ""
    assert choice.ids == ["USD", "GBP", "JPY", "CHF", "NOK"]
    packed = embed(result, choice)
    one, table = packed["series"][2], result.forecasts
    mine = table[table["unique_id"] == "JPY"]
    values = unpack(one["values"]).reshape(len(packed["columns"]), -1)
    assert values == pytest.approx(mine[packed["columns"]].to_numpy().T, rel=1e-6)
    assert unpack(one["actual"]) == pytest.approx(mine["y"].to_numpy(), rel=1e-6)
    stamps = [packed["axis"][i] for i in positions(one["at"])]
    assert stamps == mine["ds"].dt.strftime("%Y-%m-%d").tolist()
    assert one["counts"] == [7] * 6
    assert [packed["axis"][i] for i in one["cutoffs"]] == mine["cutoff"].dt.strftime("%Y-%m-%d").unique().tolist()
    seen = result.observations[result.observations["unique_id"] == "JPY"].set_index("ds")["y"]
    shown = seen[[packed["axis"][i] for i in positions(one["seen"])]]
    assert unpack(one["y"]) == pytest.approx(shown.to_numpy(), rel=1e-6)
    # From enough rows before the first cutoff, and without what no view shows.
    assert shown.index[-1] == mine["cutoff"].max()
    assert (shown.index < mine["cutoff"].min()).sum() == packed["context"] - 1


def test_of_many_series_the_worst_the_best_and_a_sample_are_chosen(make_result):
    many = make_result([f"s{i:03}" for i in range(80)], n_cutoffs=2, h=3)
    choice = choose(many)
    errors = many.by_series[many.by_series["model"] == many.leaderboard["model"][0]]
    ranked = errors.sort_values("mase")["unique_id"].tolist()
    assert choice.groups["With the smallest error"] == ranked[:17]
    assert choice.groups["With the largest error"] == ranked[:-18:-1]
    assert len(choice.ids) == len(set(choice.ids)) == MOST_SERIES
    assert choice.sentence.startswith(
        "To keep this page small, this section holds 50 of 80 series (17 with the largest error, "
        "17 with the smallest error, 16 sampled at random; the sample is drawn with seed 0)."
    )
    assert choose(many) == choice
    assert choose(many, seed=1).groups["Sampled at random"] != choice.groups["Sampled at random"]


@pytest.mark.parametrize("most", [20_000, 6_000, 1_500, 300])
def test_the_numbers_in_a_page_are_limited_whatever_the_backtest(make_result, most):
    result = make_result([f"s{i}" for i in range(12)], n_cutoffs=10, h=14)
    choice = choose(result, most_numbers=most)
    packed = embed(result, choice)
    size = sum(len(unpack(one[key])) for one in packed["series"] for key in ("y", "values", "actual"))
    assert 0 < size <= most
    assert "this section holds" in choice.sentence
    last = result.forecasts["cutoff"].max().strftime("%Y-%m-%d")
    assert all(packed["axis"][one["cutoffs"][-1]] == last for one in packed["series"])


def test_series_without_a_mase_can_still_be_sampled(make_result):
    many = make_result([f"s{i}" for i in range(60)], n_cutoffs=1, h=2)
    many.by_series["mase"] = np.nan
    choice = choose(many)
    assert list(choice.groups) == ["Sampled at random"]
    assert len(choice.ids) == MOST_SERIES
