import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn import load_text

QUICK = ["--models", "SeasonalNaive,ARIMA", "--horizon", "3", "--windows", "4"]


def test_backtest_prints_a_table_and_a_verdict_and_writes_the_report(run, sales, tmp_path):
    code, out, err = run("backtest", sales, *QUICK)
    assert code == 0, err
    assert "MASE" in out.splitlines()[0]
    assert "ARIMA" in out
    assert "over 2 series × 4 cutoffs" in out.splitlines()[-1]
    assert "monthly" in err
    assert "Report: sales-backtest.html" in err
    assert (tmp_path / "sales-backtest.html").stat().st_size > 1e6


def test_backtest_and_forecast_know_the_base_model_by_name(run, sales):
    models = ("--models", "tsrnn,Zero-Shot,SeasonalNaive", "--horizon", "3", "--windows", "4")
    code, out, err = run("backtest", sales, *models, "--format", "json", "--report", "none")
    assert code == 0, err
    content = json.loads(out)
    scores = {row["model"]: row["mase"] for row in content["leaderboard"]}
    assert set(scores) == {"tsrnn", "zero-shot", "SeasonalNaive"}
    told = content["config"]["strategies"]
    assert told["zero-shot"] == {"strategy": "zero-shot", "reason": "as asked for", "scores": {}}
    assert told["tsrnn"]["strategy"] == "zero-shot"
    assert "too few" in told["tsrnn"]["reason"]
    assert scores["tsrnn"] == scores["zero-shot"]
    code, out, err = run("forecast", sales, "--horizon", "2", "--model", "zero-shot", "--format", "csv")
    assert code == 0, err
    assert pd.read_csv(io.StringIO(out))["yhat"].notna().all()


def test_backtest_answers_in_json_and_csv(run, sales, tmp_path):
    code, out, _ = run("backtest", sales, *QUICK, "--format", "json", "--report", "none", "--quiet")
    content = json.loads(out)
    assert code == 0
    assert {row["model"] for row in content["leaderboard"]} == {"SeasonalNaive", "ARIMA"}
    assert content["config"]["h"] == 3
    assert content["outcome"] in ("better", "worse", "no difference", "too few to judge")
    code, out, err = run("backtest", sales, *QUICK, "--report", "none", "--output", "board.csv", "--quiet")
    assert (code, out, err) == (0, "", "")
    assert set(pd.read_csv(tmp_path / "board.csv")["model"]) == {"SeasonalNaive", "ARIMA"}
    assert [p.name for p in tmp_path.glob("*.html")] == []


def test_the_options_of_the_windows_reach_the_backtest(run, sales, tmp_path):
    arguments = (
        "backtest", sales, *QUICK, "--step", "2", "--refit", "2", "--gap", "1", "--train-size", "30", "--jobs", "1",
        "--time-budget", "1000", "--folder", "kept", "--report", "none", "--format", "json",
    )  # fmt: skip
    code, out, err = run(*arguments)
    assert code == 0, err
    assert "4 cutoffs, 2 steps apart, h = 3 after a gap of 1, fitted again every 2 cutoffs on the last 30 rows." in err
    config = json.loads(out)["config"]
    wanted = {"h": 3, "n_windows": 4, "step_size": 2, "refit": 2, "gap": 1, "train_size": 30, "time_budget": 1000.0}
    assert {key: config[key] for key in wanted} == wanted
    assert len(list((tmp_path / "kept" / "forecasts").glob("*.parquet"))) == 2 * 4
    again = json.loads(run(*arguments)[1])
    assert again["leaderboard"] == json.loads(out)["leaderboard"]
    code, out, err = run(*arguments, "--horizon", "2", "--level", "50")
    assert re.search(r"differs in --horizon \(3; now 2\), --level \(quantiles \[", err)
    code, out, err = run(*arguments, "--models", "Drift")
    assert (code, out) == (1, "")
    assert "kept: belongs to another backtest, which differs in the models" in err


def test_datasets_tells_of_the_text_and_writes_it_as_it_is(run, tmp_path):
    assert "text hamlet: Shakespeare" in run("datasets")[2]
    code, out, err = run("datasets", "hamlet", "--output", "play.txt")
    assert (code, out, err) == (0, "", "")
    assert (tmp_path / "play.txt").read_text(encoding="utf-8") == load_text("hamlet")


def test_the_seed_and_the_column_options_reach_the_model(run, tmp_path):
    table = monthly_table(n_series=2).rename(columns={"unique_id": "shop", "ds": "month", "y": "revenue"})
    table.assign(cost=1.0).to_csv(tmp_path / "t.csv", index=False)
    reading = ("--id-col", "shop", "--time-col", "month", "--target", "revenue", "--season-length", "6")
    code, out, err = run(
        "backtest", "t.csv", *reading, "--models", "SeasonalNaive,ARIMA", "--seed", "5", "--level", "50",
        "--windows", "2", "--step", "2", "--refit", "1", "--freq", "MS", "--format", "json", "--report", "none",
    )  # fmt: skip
    assert code == 0, err
    config = json.loads(out)["config"]
    assert (config["data"]["season_length"], config["n_windows"], config["step_size"]) == (6, 2, 2)
    assert "coverage_50" in json.loads(out)["leaderboard"][0]
    assert "cost" in err  # named as ignored


def test_forecast_prints_what_comes_next(run, sales):
    code, out, err = run("forecast", sales, "--horizon", "2", "--model", "SeasonalNaive", "--format", "csv")
    assert code == 0, err
    table = pd.read_csv(io.StringIO(out))
    assert list(table.columns) == ["unique_id", "ds", "yhat", "yhat-lo-80", "yhat-hi-80"]
    assert table["ds"].tolist() == ["2020-01-01", "2020-02-01"] * 2


def test_forecast_reads_stdin_and_writes_files_by_their_names(run, tmp_path):
    text = monthly_table(n_series=1).to_csv(index=False)
    code, out, err = run("forecast", "-", "--horizon", "2", "--model", "ARIMA", "--output", "f.json", stdin=text)
    assert (code, out) == (0, ""), err
    assert len(json.loads((tmp_path / "f.json").read_text())) == 2
    code, _, _ = run("forecast", "-", "--model", "ARIMA", "--output", "f.parquet", stdin=text)
    assert code == 0
    assert len(pd.read_parquet(tmp_path / "f.parquet")) == 18


def test_forecast_with_the_network_keeps_a_seed(run, sales):
    arguments = ("forecast", sales, "--horizon", "2", "--model", "gru", "--format", "csv", "--quiet")
    first, second, other = run(*arguments)[1], run(*arguments)[1], run(*arguments, "--seed", "1")[1]
    assert first == second
    assert first != other


def test_a_wide_table_without_intervals_is_answered_wide(run, tmp_path):
    wide = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=30), "a": np.arange(30.0), "b": 1.0})
    wide.to_csv(tmp_path / "w.csv", index=False)
    code, out, err = run(
        "forecast", "w.csv", "--model", "SeasonalNaive", "--horizon", "1", "--level", "", "--format", "csv"
    )
    assert code == 0, err
    assert out.splitlines() == ["date,a,b", "2024-01-31,23.0,1.0"]


@pytest.mark.parametrize(("options", "said"), [((), 1), (("--strategy", "auto"), 1), (("--strategy", "zero-shot"), 0)])
def test_forecast_says_what_auto_took_and_why(run, sales, options, said):
    code, _, err = run("forecast", sales, "--horizon", "12", *options)
    assert code == 0, err
    assert err.count("tsrnn: auto took zero-shot: ") == said


def test_datasets_lists_and_writes_them(run, tmp_path):
    code, out, _ = run("datasets")
    assert code == 0
    assert "air_passengers" in out
    code, _, _ = run("datasets", "air_passengers", "--output", "a.csv")
    assert code == 0
    assert len(pd.read_csv(tmp_path / "a.csv")) == 144


def test_a_short_series_is_forecast_with_a_note(run, tmp_path):
    (tmp_path / "short.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n")
    code, out, err = run("forecast", "short.csv", "--horizon", "5", "--format", "csv")
    assert code == 0, err
    assert pd.read_csv(io.StringIO(out))["yhat"].between(0, 4).all()
    assert "1 of 1 series has less history than two seasons (14 observed rows)" in err


def test_hours_of_a_zone_follow_its_clock_and_mixed_offsets_are_told_to_name_it(run, tmp_path):
    ds = pd.date_range("2024-10-01", "2024-10-27 23:00", freq="h", tz="Europe/Berlin")
    table = pd.DataFrame({"ds": ds, "y": ds.hour.to_numpy(dtype=float)})
    table[table["ds"] < "2024-10-27"].to_parquet(tmp_path / "zone.parquet")
    table.to_csv(tmp_path / "offsets.csv", index=False)
    forecast = ("--strategy", "zero-shot", "--horizon", "25", "--format", "csv")
    code, out, err = run("forecast", "zone.parquet", *forecast)
    assert code == 0, err
    rows = pd.read_csv(io.StringIO(out))
    assert rows["ds"].tolist() == [str(stamp) for stamp in ds[-25:]]
    assert (rows["yhat"] - ds[-25:].hour).abs().max() < 5
    err = run("forecast", "offsets.csv", *forecast)[2]
    assert "local clock only if the zone is named: --time-zone Europe/Berlin on the command line" in err
