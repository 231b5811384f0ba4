import json

import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table


def test_inspect_says_what_was_inferred_and_what_to_do(run, tmp_path):
    table = monthly_table(n_series=2)
    table.loc[[5, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32], "y"] = np.nan
    table.loc[45, "y"] = 900.0
    table.iloc[:-3].to_csv(tmp_path / "t.csv", index=False)
    code, out, err = run("inspect", "t.csv")
    assert (code, err) == (0, "")
    for part in (
        "Frequency: monthly",
        "Season length: 12 (customary",
        "1 of 2 series (series 1) ends before the others",
        "1 of 2 series (series 0) lacks more than 5% of its rows",
        "The longest gap, 13 rows, begins at 2016-09-01 in series series 0",
        "1 value in 1 of 2 series (series 0) lies far from its neighbours: series 0 at 2018-10-01 (900)",
        "The season of 12 is",
        "tsrnn backtest t.csv",
    ):
        assert part in out
    code, out, _ = run("inspect", "t.csv", "--format", "json")
    found = json.loads(out)
    assert found["facts"]["freq"] == "MS"
    assert [row["missing"] for row in found["series"]] == [14, 0]
    assert [row["outliers"] for row in found["series"]] == [1, 0]
    assert len(found["advice"]) == 6
    code, out, _ = run("inspect", "t.csv", "--format", "csv")
    assert out.splitlines()[0].startswith("unique_id,first,last,rows,missing,gaps,longest,outliers,season")


def test_inspect_names_series_that_say_little(run, tmp_path):
    steps = pd.date_range("2024-01-01", periods=280).strftime("%Y-%m-%d")
    noise = np.random.default_rng(0).normal(size=280).round(3)
    wide = pd.DataFrame({"date": steps, "flat": 1.0, "rare": np.where(np.arange(280) % 9, 0.0, 5.0), "noise": noise})
    wide.to_csv(tmp_path / "w.csv", index=False)
    out = run("inspect", "w.csv")[1]
    assert "1 of 3 series (flat) never changes" in out
    assert "1 of 3 series (rare) is zero in half or more" in out
    assert "The season of 7 explains next to nothing" in out
    out = run("inspect", "w.csv", "--season-length", "1")[1]
    assert "No season is assumed" in out
    short = wide.iloc[:5]
    short.to_csv(tmp_path / "short.csv", index=False)
    out = run("inspect", "short.csv")[1]
    assert "3 of 3 series (flat, rare, noise) have less than two seasons (14 rows)" in out
    assert "Too short for a backtest" in out


def test_inspect_says_why_a_season_cannot_be_told(run, tmp_path):
    days = pd.date_range("2023-01-01", "2023-12-31")
    closed = np.where(days.day_of_week == 6, np.nan, 10 + np.arange(len(days)) % 5)
    late = np.where(np.arange(len(days)) < 350, np.nan, np.arange(len(days)) % 3)
    pd.DataFrame({"date": days, "closed": closed, "flat": 1.0, "late": late}).to_csv(tmp_path / "w.csv", index=False)
    out = run("inspect", "w.csv")[1]
    assert (
        "How strong the season of 7 is cannot be told: 1 of 3 series (late) is too short for it; 1 of 3 series "
        "(closed) lacks too many values, or all at some step of it; 1 of 3 series (flat) does not change, or "
        "only along a line."
    ) in out


def test_inspect_shows_the_first_of_many_series(run, tmp_path):
    monthly_table(n_series=40, n_rows=24).to_csv(tmp_path / "many.csv", index=False)
    out = run("inspect", "many.csv")[1]
    assert "The first 30 of 40 series" in out
    assert "series 29 " in out
    assert "series 30 " not in out
    assert len(run("inspect", "many.csv", "--format", "csv")[1].splitlines()) == 41


def test_inspect_and_forecast_name_the_days_that_are_open(run, tmp_path):
    days = pd.date_range("2023-01-02", "2023-06-30")
    days = days[days.day_of_week != 6]
    sales = np.array([10.0, 12.0, 13.0, 14.0, 20.0, 40.0])[days.day_of_week] + np.arange(len(days)) % 5 / 10
    pd.DataFrame({"date": days, "sales": sales}).to_csv(tmp_path / "shop.csv", index=False)
    out = run("inspect", "shop.csv")[1]
    assert "Frequency: open days, Monday to Saturday (C-1111110), inferred from column 'date'." in out
    assert "The season of 6 is strong" in out
    code, out, err = run("forecast", "shop.csv", "--horizon", "7", "--format", "csv")
    assert code == 0
    assert "open days, Monday to Saturday" in err
    assert [line.split(",")[1] for line in out.splitlines()[1:3]] == ["2023-07-01", "2023-07-03"]


def test_a_series_of_a_coarser_step_is_refused_or_told_where_the_step_is_given(run, tmp_path):
    days, months = pd.date_range("2024-01-01", periods=200), pd.date_range("2024-01-01", periods=7, freq="MS")
    ids = ["daily"] * 200 + ["monthly"] * 7
    table = pd.DataFrame({"unique_id": ids, "ds": days.append(months), "y": np.arange(207.0)})
    table.to_csv(tmp_path / "mixed.csv", index=False)
    told = "Series 'monthly' has one row in every 29 to 31 steps of the table's grid, daily"
    for command in ("inspect", "forecast", "backtest"):
        code, out, err = run(command, "mixed.csv")
        assert (code, out) == (1, "")
        assert f"{told}. Expected series of one step" in err
    code, out, _ = run("inspect", "mixed.csv", "--freq", "D")
    assert code == 0
    assert f"{told}: forecasts of the steps between rest on nothing" in out
    code, _, err = run("forecast", "mixed.csv", "--freq", "D", "--model", "zero-shot", "--horizon", "3")
    assert code == 0
    assert err.count(told) == 1


@pytest.mark.parametrize("command", [("inspect",), ("detect",), ("forecast", "--strategy", "zero-shot")])
def test_notes_of_a_table_name_options(run, tmp_path, command):
    days = pd.date_range("2024-01-01", periods=90)
    promo = np.arange(90) % 5 == 0
    pd.DataFrame({"date": days, "sales": np.arange(90) % 7 + promo, "promo": 1 * promo}).to_csv(
        tmp_path / "shop.csv", index=False
    )
    code, out, err = run(command[0], "shop.csv", *command[1:])
    assert code == 0, err
    assert "name the columns that are wanted with --target." in " ".join((out + err).split())
