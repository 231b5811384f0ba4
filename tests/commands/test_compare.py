import json
import re

import numpy as np
import pandas as pd
import pytest

BACKTEST = ("--models", "SeasonalNaive,Naive", "--horizon", "3", "--windows", "8", "--report", "none", "--quiet")


def seasonal_table():
    """Return two series of five years that repeat themselves, so that the seasonal naive is nearly right."""
    step, random = np.arange(60), np.random.default_rng(0)
    ds = pd.date_range("2015-01-01", periods=60, freq="MS")
    y = [100 + 10 * np.sin(2 * np.pi * (step + k) / 12) + random.normal(0, 0.3, 60) for k in (0, 4)]
    return pd.concat([pd.DataFrame({"unique_id": f"series {k}", "ds": ds, "y": y[k]}) for k in (0, 1)])


@pytest.fixture
def kept(run, tmp_path):
    """Keep backtests: "all.json" of two models, "fewer" of one model from fewer cutoffs, a folder."""
    seasonal_table().to_csv(tmp_path / "t.csv", index=False)
    assert run("backtest", "t.csv", *BACKTEST, "--format", "json", "--output", "all.json")[0] == 0
    fewer = ("--models", "Naive", "--windows", "5", "--folder", "fewer")
    assert run("backtest", "t.csv", *BACKTEST, *fewer)[0] == 0


def test_two_models_compared_say_what_their_backtest_said(run, kept, tmp_path):
    whole = json.loads((tmp_path / "all.json").read_text())
    code, out, err = run("compare", "all.json", "all.json", "--first-model", "naive", "--format", "json")
    assert code == 0, err
    found = json.loads(out)
    assert found["verdict"] == whole["verdict"]
    assert found["outcome"] == "better"
    assert (found["matched"], found["n_series"], found["n_cutoffs"]) == (16, 2, 8)
    shown = {row["model"]: row["mase"] for row in found["models"]}
    assert shown == pytest.approx({row["model"]: row["mase"] for row in whole["leaderboard"]})


def test_a_folder_of_fewer_cutoffs_is_compared_on_what_both_have(run, kept):
    code, out, err = run("compare", "all.json", "fewer")
    assert code == 0, err
    assert "6 forecasts of the first backtest have no counterpart and are left out; 10 are compared." in err
    assert "SeasonalNaive wins: the MASE of Naive is" in out
    assert "over 2 series × 5 cutoffs." in out
    code, out, _ = run("compare", "all.json", "fewer", "--model", "Naive", "--quiet", "--format", "json")
    assert json.loads(out)["gain"]["share"] == pytest.approx(0, abs=1e-12)
    assert json.loads(out)["outcome"] == "no difference"


@pytest.mark.parametrize("name", ["result.json", "by_forecast.parquet"])
def test_what_is_no_file_in_a_folder_is_never_waited_for(run, kept, tmp_path, put_no_file, name):
    put_no_file(tmp_path / "fewer" / name)
    code, out, err = run("compare", "all.json", "fewer")
    assert (code, out) == (1, "")
    assert re.search(rf"{name}: (cannot be read .*(it is a pipe|Is a directory)|is a folder)", err)
    assert err.count("\n") == 1


def test_unlike_backtests_are_refused(run, kept, tmp_path):
    table = seasonal_table()
    tail = ("--format", "json", "--output")
    assert run("backtest", "t.csv", *BACKTEST, "--horizon", "4", *tail, "longer.json")[0] == 0
    code, out, err = run("compare", "all.json", "longer.json")
    assert (code, out) == (1, "")
    assert "all.json has --horizon=3 steps ahead, longer.json --horizon=4" in err
    table.assign(y=table["y"] + 1).to_csv(tmp_path / "changed.csv", index=False)
    assert run("backtest", "changed.csv", *BACKTEST, *tail, "changed.json")[0] == 0
    code, out, err = run("compare", "all.json", "changed.json")
    assert (code, out) == (1, "")
    assert "of different data: what happened differs at 16 of 16 common forecasts" in err
    table.assign(unique_id="other " + table["unique_id"]).to_csv(tmp_path / "renamed.csv", index=False)
    assert run("backtest", "renamed.csv", *BACKTEST, *tail, "renamed.json")[0] == 0
    code, out, err = run("compare", "all.json", "renamed.json")
    assert (code, out) == (1, "")
    assert "share no forecast: all.json has 16 such as series series 0 from" in err


def test_what_is_no_backtest_is_said(run, kept, tmp_path):
    (tmp_path / "broken.json").write_text((tmp_path / "all.json").read_text()[:-200])
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "other.json").write_text('{"verdict": "better"}')
    content = json.loads((tmp_path / "all.json").read_text())
    (tmp_path / "wild.json").write_text(json.dumps(content | {"by_forecast": {"model": [1, 2], "mase": "x"}}))
    content["by_forecast"]["mase"][0] = "high"
    (tmp_path / "words.json").write_text(json.dumps(content))
    for key in ("h", "step_size", "gap"):
        config = content["config"] | {key: "many"}
        (tmp_path / f"{key}.json").write_text(json.dumps(content | {"config": config}))
    (tmp_path / "fewer" / "result.json").rename(tmp_path / "fewer" / "away.json")
    (tmp_path / "empty").mkdir()
    for name, message in (
        ("broken.json", "is not JSON, or damaged"),
        ("list.json", "is not a backtest"),
        ("other.json", "has no forecasts to compare by"),
        ("wild.json", "has no forecasts to compare by"),
        *((f"{key}.json", "is not the result of a backtest") for key in ("h", "step_size", "gap")),
        ("t.csv", "is not JSON"),
        ("fewer", "is a backtest that is not finished"),
        ("empty", "has no result.json"),
        ("nowhere", "no such file or folder"),
    ):
        code, out, err = run("compare", "all.json", name)
        assert (code, out) == (1, "")
        assert message in err
        assert err.count("\n") == 1
    assert run("compare", "all.json", "words.json")[0] == 0  # that forecast is left out
    code, _, err = run("compare", "all.json", "all.json", "--model", "prophet")
    assert code == 1
    assert "all.json has no model 'prophet'; it has: SeasonalNaive, Naive." in err


def test_cutoffs_that_are_numbers_are_in_their_order():
    from tsrnn.evaluation.comparison import KeptBacktest, compare_backtests

    cutoffs = [str(k) for k in range(5, 15)]  # as text, "10" comes before "5"
    random = np.random.default_rng(0)
    drift = np.linspace(1, 3, 10)

    def kept(name, mae):
        columns = {"model": name, "unique_id": "a", "cutoff": cutoffs, "mae": mae, "mase": mae / 2, "actual": 1.0}
        return KeptBacktest(name, {"h": 2, "step_size": 1}, pd.DataFrame(columns))

    noisy = kept("noisy", drift + random.normal(0, 0.1, 10) + 1)
    plain = kept("plain", drift)
    first = compare_backtests(noisy, plain).verdict.gain
    shuffled = [4, 2, 9, 0, 1, 3, 8, 7, 5, 6]
    again = compare_backtests(
        KeptBacktest("noisy", noisy.config, noisy.losses.iloc[shuffled]),
        KeptBacktest("plain", plain.config, plain.losses.iloc[shuffled]),
    ).verdict.gain
    assert first.outcome == "better"
    assert (again.low, again.high) == pytest.approx((first.low, first.high))
