import io
import json
import os

import pandas as pd
import pytest

from tests.conftest import monthly_table

ZERO_SHOT = ("--strategy", "zero-shot", "--quiet", "--horizon", "3")


def read(text):
    return pd.read_csv(io.StringIO(text))


@pytest.fixture
def parts(tmp_path):
    """Write a table of two shops: the whole, its first 48 months, and the 12 after them."""
    whole = monthly_table(n_series=2).rename(columns={"unique_id": "shop", "ds": "month", "y": "revenue"})
    early = whole.groupby("shop").head(48)
    whole.to_csv(tmp_path / "whole.csv", index=False)
    early.to_csv(tmp_path / "early.csv", index=False)
    whole.drop(early.index).to_csv(tmp_path / "late.csv", index=False)
    return ("--id-col", "shop", "--time-col", "month", "--target", "revenue")


def test_a_saved_network_forecasts_what_follows_its_table(run, parts):
    code, out, err = run("fit", "early.csv", *parts, "--save", "model", "--strategy", "zero-shot", "--horizon", "3")
    assert code == 0, err
    assert "strategy  zero-shot" in out
    assert "Saved: model" in err
    code, out, err = run("predict", "--model", "model", "--horizon", "3", "--format", "csv")
    assert code == 0, err
    forecast = run("forecast", "early.csv", *parts, *ZERO_SHOT, "--format", "csv")[1]
    assert out == forecast
    assert list(read(out).columns) == ["shop", "month", "yhat", "yhat-lo-80", "yhat-hi-80"]


def test_newer_rows_alone_do_as_well_as_the_whole_table(run, parts):
    assert run("fit", "early.csv", *parts, "--save", "model", *ZERO_SHOT)[0] == 0
    code, out, err = run("predict", "late.csv", "--model", "model", "--horizon", "3", "--format", "csv")
    assert code == 0, err
    assert "2 of 2 series go on from the rows that the model was fitted on." in err
    assert "Frequency: monthly (start of month) (MS), as fitted.\nSeason length: 12 (as fitted).\n" in err
    assert read(out)["month"].tolist() == ["2020-01-01", "2020-02-01", "2020-03-01"] * 2
    whole = run("predict", "whole.csv", "--model", "model", "--horizon", "3", "--format", "csv", "--quiet")
    assert whole == (0, out, "")


def test_an_update_fits_again_and_is_saved(run, parts):
    assert run("fit", "early.csv", *parts, "--save", "model", *ZERO_SHOT)[0] == 0
    asked = ("--model", "model", "--format", "csv", "--quiet")
    code, out, err = run("predict", "late.csv", "--update", *asked)
    assert code == 0, err
    afresh = run("forecast", "whole.csv", *parts, *ZERO_SHOT, "--format", "csv")[1]
    assert out == afresh
    assert run("predict", *asked)[1] == out


def test_an_update_that_could_not_be_saved_is_refused_before_it_is_fitted(run, parts, monkeypatch):
    def update(*arguments):
        raise AssertionError("the work was begun")

    assert run("fit", "early.csv", *parts, "--save", "model", *ZERO_SHOT)[0] == 0
    monkeypatch.setattr("tsrnn.forecasting.forecaster.Forecaster.update", update)
    # The rights of a folder are no obstacle to root.
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    code, out, err = run("predict", "late.csv", "--model", "model", "--update", "--quiet")
    assert (code, out) == (1, "")
    assert "cannot be written to. Choose another path." in err


def test_newer_rows_without_a_value_are_forecast_from_their_end(run, parts, tmp_path):
    assert run("fit", "early.csv", *parts, "--save", "model", *ZERO_SHOT)[0] == 0
    pd.read_csv(tmp_path / "late.csv").head(2).assign(revenue=None).to_csv(tmp_path / "empty.csv", index=False)
    asked = ("--model", "model", "--horizon", "3", "--format", "csv")
    code, out, err = run("predict", "empty.csv", *asked)
    assert code == 0, err
    assert "have no values" not in err
    assert "1 series ends with missing values" in err
    assert read(out)["month"].tolist() == ["2019-03-01", "2019-04-01", "2019-05-01"]
    assert read(out).notna().all(axis=None)
    assert run("predict", "empty.csv", "--update", *asked, "--quiet")[0] == 0
    first = read(run("predict", *asked)[1]).groupby("shop")["month"].first()
    assert first.to_dict() == {"series 0": "2019-03-01", "series 1": "2019-01-01"}


def test_an_update_of_one_series_keeps_the_others(run, parts, tmp_path):
    assert run("fit", "early.csv", *parts, "--save", "model", *ZERO_SHOT)[0] == 0
    late = pd.read_csv(tmp_path / "late.csv")
    late[late["shop"] == "series 1"].to_csv(tmp_path / "one.csv", index=False)
    asked = ("--model", "model", "--format", "csv", "--quiet")
    code, out, err = run("predict", "one.csv", "--update", *asked)
    assert code == 0, err
    assert set(read(out)["shop"]) == {"series 1"}
    first = read(run("predict", *asked)[1]).groupby("shop")["month"].first()
    assert first.to_dict() == {"series 0": "2019-01-01", "series 1": "2020-01-01"}


def test_an_update_with_revised_rows_keeps_those_after_them(run, parts, tmp_path):
    assert run("fit", "whole.csv", *parts, "--save", "model", *ZERO_SHOT)[0] == 0
    whole = pd.read_csv(tmp_path / "whole.csv")
    first = whole[whole["shop"] == "series 0"]
    first.iloc[20:22].assign(revenue=0.0).to_csv(tmp_path / "revised.csv", index=False)
    first.iloc[:5].to_csv(tmp_path / "begin.csv", index=False)
    asked = ("--model", "model", "--format", "csv")
    code, _, err = run("predict", "revised.csv", "--update", *asked)
    assert code == 0, err
    assert "2 of the rows that the model was fitted on were revised." in err
    first = read(run("predict", *asked)[1]).groupby("shop")["month"].first()
    assert first.to_dict() == {"series 0": "2020-01-01", "series 1": "2020-01-01"}
    code, out, err = run("predict", "begin.csv", "--update", *asked)
    assert (code, out) == (1, "")
    assert "An update would forget 55 rows" in err


def test_numbers_as_names_are_known_beside_names_that_are_none(run, tmp_path):
    whole = monthly_table(n_series=2)
    whole["unique_id"] = whole["unique_id"].map({"series 0": 1, "series 1": 2})
    whole.groupby("unique_id").head(48).to_csv(tmp_path / "early.csv", index=False)
    late = whole[whole["ds"] >= "2019"].replace({"unique_id": {2: "x2"}})
    late.to_csv(tmp_path / "late.csv", index=False)
    assert run("fit", "early.csv", "--save", "model", *ZERO_SHOT)[0] == 0
    asked = ("--model", "model", "--format", "csv")
    code, out, err = run("predict", "late.csv", "--update", *asked)
    assert code == 0, err
    assert "1 of 2 series goes on from the rows" in err
    assert read(out)["unique_id"].unique().tolist() == ["1", "x2"]
    assert read(run("predict", *asked)[1])["unique_id"].unique().tolist() == ["1", "x2", "2"]


def test_training_options_reach_the_network(run, parts, tmp_path):
    code, out, err = run(
        "fit", "whole.csv", *parts, "--save", "model", "--model", "lstm", "--time-budget", "2",
        "--ensemble-size", "2", "--horizon", "2", "--seed", "3", "--device", "cpu", "--output", "summary.txt",
    )  # fmt: skip
    assert (code, out) == (0, ""), err
    summary = (tmp_path / "summary.txt").read_text()
    assert "lstm" in summary
    assert "2 networks" in summary
    assert "seed 3" in summary
    parameters = json.loads((tmp_path / "model" / "model.json").read_text())["parameters"]
    wanted = {"time_budget": 2.0, "ensemble_size": 2, "horizon": 2, "device": "cpu", "strategy": "scratch"}
    assert {key: parameters[key] for key in wanted} == wanted


def test_a_model_is_saved_where_one_stands_and_nowhere_else(run, parts, tmp_path):
    fit = ("fit", "early.csv", *parts, "--save")
    assert run(*fit, "model", *ZERO_SHOT)[0] == 0
    assert run(*fit, "model", *ZERO_SHOT)[0] == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    code, out, err = run(*fit, "mine", *ZERO_SHOT)
    assert (code, out) == (1, "")
    assert "is not a saved forecaster alone: thesis.txt" in err
    code, _, err = run(*fit, "early.csv", *ZERO_SHOT)
    assert code == 1
    assert "early.csv is a file" in err
    code, _, err = run(*fit, "early.csv/model", *ZERO_SHOT)
    assert code == 1
    assert "is no folder" in err


def test_damage_is_said_in_a_line(run, parts, tmp_path):
    assert run("fit", "early.csv", *parts, "--save", "model", *ZERO_SHOT)[0] == 0
    for name, damage in (
        ("weights.safetensors", lambda data: data[: len(data) // 2]),
        ("weights.safetensors", lambda data: b""),
        ("model.json", lambda data: data[:-20]),
        ("model.json", lambda data: data.replace(b'"zero-shot"', b'"scratch"')),
        ("model.json", lambda data: b"\xff\xfe\x00"),
    ):
        file = tmp_path / "model" / name
        whole = file.read_bytes()
        file.write_bytes(damage(whole))
        code, out, err = run("predict", "--model", "model")
        assert (code, out) == (1, "")
        assert name in err
        assert err.count("\n") == 1
        file.write_bytes(whole)
    assert run("predict", "--model", "model", "--quiet")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("fit", "early.csv"), 2, "Missing option '--save'"),
        (("fit", "early.csv", "--save", "m", "--model", "ARIMA"), 2, "'ARIMA' is not one of"),
        (("forecast", "early.csv", "--model", "ARIMA", "--strategy", "scratch"), 2, "--strategy is for networks"),
        (("forecast", "early.csv", "--model", "Theta", "--time-budget", "3"), 2, "--time-budget is for networks"),
        (("forecast", "early.csv", "--model", "zero-shot", "--strategy", "scratch"), 2, "trains nothing"),
        (("forecast", "early.csv", "--device", "gpu9"), 1, "--device='gpu9'"),
        (("forecast", "early.csv", "--quantiles", "0.1,2"), 2, "between 0 and 1"),
        (("forecast", "early.csv", "--level", "0.8"), 2, "Did you mean 80?"),
        (("forecast", "early.csv", "--level", "99.99999999999"), 2, "can tell one so near to 100."),
        (("forecast", "early.csv", "--quantiles", "0.5,0.99999999999"), 2, "can tell one so near to 1."),
        (
            ("predict", "--model", "m", "--quantiles", "1e-12"),
            2,
            "1e-12 is not possible; expected numbers between 0 and 1",
        ),
        (("predict", "--model", "m", "--level", "95,95.000001"), 2, "95 and 95.000001 would share a column"),
        (("predict", "--model", "nowhere"), 1, "nowhere is no folder"),
        (("predict", "--model", "early.csv"), 1, "is no folder"),
        (("predict", "--model", "."), 1, "model.json cannot be read"),
        (("predict", "--model", "m", "--update"), 2, "needs a FILE"),
        (("predict", "--model", "m", "--freq", "D"), 2, "No such option"),
    ],
)
def test_what_is_not_possible_is_said(run, parts, arguments, code, message):
    got, out, err = run(*arguments)
    assert (got, out) == (code, "")
    assert message in err


def test_rows_of_another_kind_are_refused(run, parts, tmp_path):
    assert run("fit", "early.csv", *parts, "--save", "model", *ZERO_SHOT)[0] == 0
    other = pd.DataFrame({"shop": "series 0", "month": ["2020-01-17", "2020-02-03"], "revenue": [1.0, 2.0]})
    other.to_csv(tmp_path / "other.csv", index=False)
    code, out, err = run("predict", "other.csv", "--model", "model")
    assert (code, out) == (1, "")
    assert "do not lie on the grid" in err
    monthly_table(1).to_csv(tmp_path / "renamed.csv", index=False)
    code, out, err = run("predict", "renamed.csv", "--model", "model")
    assert (code, out) == (1, "")
    assert "--id-col='shop' is not a column" in err


def test_names_that_look_like_numbers_or_missing_values_are_kept_from_fit_to_update(run, tmp_path):
    names = ["NA", "01", "1.10", "1.1"]
    whole = monthly_table(n_series=4)
    whole["unique_id"] = whole["unique_id"].map(dict(zip(whole["unique_id"].unique(), names, strict=True)))
    whole[whole["ds"] < "2019"].to_csv(tmp_path / "early.csv", index=False)
    late = whole[whole["ds"] >= "2019"]
    late[late["unique_id"] == "01"].to_csv(tmp_path / "late.csv", index=False)
    assert run("fit", "early.csv", "--save", "model", *ZERO_SHOT)[0] == 0
    asked = ("--model", "model", "--format", "csv", "--update")
    code, out, err = run("predict", "late.csv", *asked)
    assert code == 0, err
    assert "1 of 1 series goes on from the rows" in err
    out = run("predict", "--model", "model", "--format", "csv")[1]
    first = pd.read_csv(io.StringIO(out), dtype=str, keep_default_na=False).groupby("unique_id", sort=False)["ds"].min()
    assert first.to_dict() == {"01": "2020-01-01", "NA": "2019-01-01", "1.10": "2019-01-01", "1.1": "2019-01-01"}
