"""Whatever is given to a command: no traceback, one line that says what to do, and no file left behind."""

import json
import os
import random
import shutil

import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn.forecasting.forecaster import Forecaster

QUICK = {
    "backtest": ("--models", "SeasonalNaive,Naive", "--report", "none"),
    "forecast": ("--model", "SeasonalNaive"),
    "inspect": (),
    "fit": ("--strategy", "zero-shot", "--save", "new-model"),
}
HUGE = str(10**30)
GERMAN = "datum;umsatz\n" + "".join(f"{1 + k % 28:02d}.{1 + k // 28:02d}.2023;1.{k:03d},5\n" for k in range(84))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A fitted model in its folder."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    Forecaster(strategy="zero-shot").fit(monthly_table(n_series=2)).save(folder)
    return folder


@pytest.fixture
def here(saved, tmp_path):
    """A folder with one good table and a saved model."""
    monthly_table(n_series=2).to_csv(tmp_path / "good.csv", index=False)
    shutil.copytree(saved, tmp_path / "model")
    return tmp_path


def refused(answer, code=1):
    """Check that a run was refused as it should be, and return the line."""
    got, out, err = answer
    assert (got, out) == (code, ""), err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.startswith("tsrnn: ")]
    assert len(lines) == 1 if code == 1 else True
    assert "a defect of tsrnn" not in err
    return err


def spoiled(here):
    """Return files that are no tables, by name."""
    table = monthly_table(n_series=1)
    table.to_parquet(here / "whole.parquet")
    parquet = (here / "whole.parquet").read_bytes()
    return {
        "empty.csv": b"",
        "blank.csv": b"\n\n \n",
        "header.csv": b"unique_id,ds,y\n",
        "ragged.csv": b"ds,y\n2024-01-01,1\n2024-01-02,2,3\n",
        "quote.csv": b'ds,y\n2024-01-01,"1\n2024-01-02,2\n',
        "latin.csv": "ds,größe\n2024-01-01,1\n2024-01-02,2\n".encode("latin1"),
        "binary.csv": bytes(range(256)) * 20,
        "zip.csv": b"PK\x03\x04" + bytes(100),
        "image.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "short.gz": b"\x1f\x8b\x08\x00broken",
        "cut.parquet": parquet[: len(parquet) // 2],
        "head.parquet": parquet[:8],
        "text.parquet": b"ds,y\n2024-01-01,1\n",
        "words.csv": b"ds,y\n2024-01-01,low\n2024-01-02,high\n",
        "dates.csv": b"unique_id,ds,y\na,yesterday,1\na,today,2\n",
        "ambiguous.csv": b"date,y\n01/02/2024,1\n05/03/2024,2\n02/07/2024,4\n",
        "twice.csv": b"unique_id,ds,y\na,2024-01-01,1\na,2024-01-01,2\n",
        "infinite.csv": b"ds,y\n2024-01-01,1\n2024-01-02,inf\n2024-01-03,2\n",
        "missing.csv": b"ds,y\n2024-01-01,\n2024-01-02,\n2024-01-03,\n",
        "irregular.csv": b"ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-07,2\n2024-01-30,2\n2024-02-07,1\n",
        "far.csv": b"ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n2204-01-04,2\n",
        "ancient.csv": b"ds,y\n0001-01-01,1\n0002-01-01,2\n",
        "names.csv": b"y,y\n1,2\n",
        "page.csv": b"<!doctype html><html><body>404 Not Found</body></html>\n",
    }


@pytest.mark.parametrize("command", QUICK)
def test_files_that_are_no_tables_are_refused_in_a_line(run, here, command):
    for name, content in spoiled(here).items():
        (here / name).write_bytes(content)
        before = sorted(entry.name for entry in here.iterdir())
        err = refused(run(command, name, *QUICK[command], "--quiet"))
        assert err.count("\n") == 1, (name, err)
        assert len(err) < 900, (name, err)
        assert sorted(entry.name for entry in here.iterdir()) == before
    for name, content in spoiled(here).items():
        if name.endswith(".csv") and command == "inspect":
            refused(run(command, "-", *QUICK[command], "--quiet", stdin=content))


@pytest.mark.parametrize("command", QUICK)
def test_places_that_hold_no_table_are_refused(run, here, command):
    (here / "nothing").mkdir()
    (here / "mixed").mkdir()
    (here / "mixed" / "a.csv").write_text("ds,y\n2024-01-01,1\n")
    (here / "mixed" / "b.csv").write_text("ds,y,z\n2024-01-01,1,2\n")
    wanted = {
        "nowhere.csv": "no such file",
        "no/where.parquet": "no such file",
        "nothing": "is a folder without CSV or Parquet files; it holds no file",
        "mixed": "files of different columns",
        "model": "without CSV or Parquet files; it holds model.json",
        "": "",
        "x" * 300 + ".csv": "",
    }
    for place, message in wanted.items():
        assert message in refused(run(command, place, *QUICK[command]))


def test_places_that_cannot_be_written_are_refused_before_any_work(run, here, monkeypatch):
    def work(*args, **kwargs):
        raise AssertionError("the work was begun")

    for name in ("fit", "forecast"):
        monkeypatch.setattr(f"tsrnn.forecasting.naive.SeasonalNaive.{name}", work)
    for option in ("--output", "--plot"):
        assert "no folder" in refused(run("forecast", "good.csv", *QUICK["forecast"], option, "no/x.csv"))
        assert "is a folder" in refused(run("forecast", "good.csv", *QUICK["forecast"], option, "model"))
        assert "no folder" in refused(run("forecast", "good.csv", *QUICK["forecast"], option, "good.csv/x"))
    assert "no folder" in refused(run("backtest", "good.csv", "--models", "SeasonalNaive", "--report", "no/x.html"))
    # The rights of a folder are no obstacle to root.
    with monkeypatch.context() as protected:
        protected.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
        told = refused(run("backtest", "good.csv", "--models", "SeasonalNaive"))
    assert "good-backtest.html: cannot be written, " in told
    assert "is write-protected. Choose another path by --report." in told
    for arguments in (
        ("inspect", "good.csv"),
        ("datasets",),
        ("doctor",),
        ("compare", "a", "b"),
        ("predict", "--model", "model"),
    ):
        assert "no folder" in refused(run(*arguments, "--output", "no/x.json"))


@pytest.mark.parametrize("seed", range(3))
def test_random_damage_to_a_saved_model_or_a_table_never_ends_in_a_traceback(run, here, seed):
    dice = random.Random(seed)
    monthly_table(n_series=1, n_rows=40).to_parquet(here / "t.parquet")
    targets = ["good.csv", "t.parquet", "model/model.json", "model/weights.safetensors"]
    for _ in range(6):
        for name in targets:
            whole = (here / name).read_bytes()
            data = bytearray(whole)
            for _ in range(dice.randint(1, 8)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            (here / name).write_bytes(bytes(data[: dice.randint(1, len(data))]) if dice.random() < 0.5 else bytes(data))
            command = (
                ("predict", "--model", "model") if name.startswith("model") else ("forecast", name, *QUICK["forecast"])
            )
            code, _, err = run(*command, "--quiet")
            assert code in (0, 1), (name, err)
            assert "Traceback" not in err
            assert "defect" not in err
            (here / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("forecast",), 2, "Missing argument"),
        (("forecast", "good.csv", "--horizon", "many"), 2, "not a valid integer"),
        (("forecast", "good.csv", "--horizon", "-3"), 2, "not in the range"),
        (
            ("forecast", "good.csv", "--model", "prophet"),
            2,
            "is not one of tsrnn, zero-shot, gru, lstm, rnn, ARIMA, ETS",
        ),
        (("forecast", "good.csv", "--model", "arma"), 2, "Drift, WindowAverage. Did you mean ARIMA?"),
        (("backtest", "good.csv", "--models", "seasonal-naive"), 2, "between. Did you mean SeasonalNaive?"),
        (("forecast", "good.csv", "--level", "95,high"), 2, "not a list of percentages"),
        (("forecast", "good.csv", "--sep", "||"), 2, "not one character"),
        (("forecast", "good.csv", "--sep", "|"), 1, "tsrnn: "),
        (("forecast", "good.csv", "--decimal", ","), 1, "cannot be used with the separator ','"),
        (("forecast", "good.csv", "--date-format", "%d.%m.%Y"), 1, "no column is written as '%d.%m.%Y'"),
        (("forecast", "good.csv", "--encoding", "klingon"), 1, "encoding='klingon' is not known"),
        (("forecast", "good.csv", "--encoding", "utf-16"), 1, "is not written in utf-16"),
        (("forecast", "good.csv", "--target", "profit"), 1, "--target='profit' is not a column"),
        (("forecast", "good.csv", "--time-col", "when"), 1, "--time-col='when' is not a column"),
        (("forecast", "good.csv", "--id-col", "who"), 1, "--id-col='who' is not a column"),
        (("forecast", "good.csv", "--freq", "fortnight"), 1, "fortnight"),
        (("forecast", "good.csv", "--freq", "h"), 1, "tsrnn: "),
        (("forecast", "good.csv", "--freq", "²"), 1, "--freq='²' is no time step"),
        (("forecast", "good.csv", "--format", "xml"), 2, "is not one of"),
        (("forecast", "good.csv", "--format", "parquet"), 2, "name a file with --output"),
        (("backtest", "good.csv", "--models", ""), 2, "no model is named"),
        (("backtest", "good.csv", "--models", "Naive,prophet"), 2, "'prophet' is not known"),
        (("backtest", "good.csv", "--windows", "0"), 2, "not in the range"),
        (("backtest", "good.csv", "--sample", "-1"), 2, "not in the range"),
        (("backtest", "good.csv", "--models", "Naive", "--folder", "good.csv"), 2, "is a file"),
        (("backtest", "good.csv", *QUICK["backtest"], "--folder", "."), 1, "is not the folder of a backtest"),
        (("backtest", "good.csv", "--level", "120"), 2, "between 1 and 100"),
        (("backtest", "good.csv", *QUICK["backtest"], "--horizon", "1000"), 1, "No cutoff fits"),
        (("backtest", "good.csv", "--train-size", "5"), 1, "--train-size=5: expected 24 rows or more"),
        (("backtest", "good.csv", *QUICK["backtest"], "--jobs", "0"), 1, "--jobs=0"),
        (("backtest", "short.csv"), 1, "No cutoff fits"),
        (("backtest", "good.csv", *QUICK["backtest"], "--gap", "1000000000"), 1, "No cutoff fits"),
        *(
            (("backtest", "good.csv", *QUICK["backtest"], option, HUGE), 1, f"{option}={HUGE}: expected 1,000,000,000")
            for option in ("--windows", "--step", "--train-size", "--gap")
        ),
        (("detect", "good.csv", "--patience", HUGE), 1, f"--patience={HUGE}: expected 1,000,000 rows at most"),
        (("detect", "good.csv", "--alpha", "1e-300"), 1, "--alpha=1e-300: expected a share from 1e-12"),
        (("inspect", "good.csv", "--freq", f"{HUGE}D"), 1, f"--freq='{HUGE}D': no time stamps lie so far apart"),
        (("forecast", "good.csv", "--model", "gru", "--strategy", "zero-shot"), 2, "uses the pretrained base"),
        (("forecast", "good.csv", "--model", "lstm", "--strategy", "fine-tune"), 2, "uses the pretrained base"),
        (("forecast", "good.csv", "--model", "zero-shot", "--time-budget", "5"), 2, "zero-shot trains nothing"),
        (("forecast", "good.csv", "--strategy", "zero-shot", "--time-budget", "5"), 2, "zero-shot trains nothing"),
        (("predict", "good.csv"), 2, "Missing option '--model'"),
        (("compare", "good.csv"), 2, "Missing argument"),
        (("datasets", "gold"), 1, "There is no data set 'gold'"),
        (("doctor", "good.csv"), 2, "unexpected extra argument"),
        (("sing",), 2, "No such command 'sing'"),
        (("--loud",), 2, "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_option_is_named(run, here, arguments, code, message):
    (here / "short.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n")
    assert message in refused(run(*arguments), code)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (
            ["2024-01-01,1", "2024-01-02,inf", "2024-01-03,2"],
            (),
            "where the value is unknown, by leaving the cell empty",
        ),
        (["2024-01-01,1", "2024-01-04,3", "2024-01-11,2"], ("--freq", "2D"), "--freq='2D'"),
    ],
)
def test_advice_is_about_options_and_cells_and_not_about_python(run, here, rows, options, message):
    (here / "t.csv").write_text("\n".join(["ds,y", *rows]))
    err = refused(run("forecast", "t.csv", "--model", "Naive", "--quiet", *options))
    assert message in err
    assert "df." not in err
    assert " freq" not in err


def test_a_european_table_is_read_or_asks_for_one_option(run, here):
    (here / "de.csv").write_bytes(b"\xef\xbb\xbf" + GERMAN.encode())  # with a byte-order mark
    code, out, err = run("inspect", "de.csv", "--format", "json")
    assert code == 0, err
    row = json.loads(out)["series"][0]
    assert (row["unique_id"], row["first"][:10], row["min"], row["max"]) == ("umsatz", "2023-01-01", 1000.5, 1083.5)
    (here / "latin.csv").write_bytes(GERMAN.replace("umsatz", "größe").encode("latin1"))
    assert "with --encoding, for example cp1252 (Windows)" in refused(run("inspect", "latin.csv"))
    assert "größe" in run("inspect", "latin.csv", "--encoding", "latin1")[1]
    (here / "windows.csv").write_bytes(GERMAN.replace("umsatz", "umsatz €").encode("cp1252"))
    assert "umsatz €" in run("inspect", "windows.csv", "--encoding", "cp1252")[1]
    (here / "one.csv").write_text("tag;wert\n2024-01-01;1,234\n2024-01-02;2,345\n2024-01-03;2,500\n")
    assert "--decimal" in refused(run("inspect", "one.csv"))
    assert "2.345" in run("inspect", "one.csv", "--decimal", ",", "--season-length", "1")[1]
    (here / "euros.csv").write_text(GERMAN.replace(",5\n", ",5 €\n"))
    code, out, err = run("inspect", "euros.csv", "--format", "json")
    assert (code, json.loads(out)["series"][0]["max"]) == (0, 1083.5)
    assert "Column 'umsatz': numbers are read without their sign, €5 as 5." in err + out
    (here / "days.csv").write_text("date,y\n01/02/2024,1\n05/03/2024,2\n02/07/2024,4\n03/09/2024,5\n")
    assert "--date-format '%" in refused(run("inspect", "days.csv"))
    (here / "bar.csv").write_text("date:y\n" + "".join(f"2024-01-{k:02d}:{k}\n" for k in range(1, 20)))
    assert "--sep" in refused(run("inspect", "bar.csv"))
    assert run("inspect", "bar.csv", "--sep", ":")[0] == 0
    (here / "dmy.csv").write_text("date,y\n" + "".join(f"{k:02d}/01/2024,{k}\n" for k in range(1, 30)))
    code, out, err = run("inspect", "dmy.csv", "--format", "json")
    assert json.loads(out)["series"][0]["last"][:10] == "2024-01-29"


def test_a_question_about_marks_is_answered_by_the_option_that_it_names(run, here):
    days = [f"2024-01-{k:02d}" for k in range(1, 21)]
    files = {
        "points.csv": "date;x\n" + "".join(f"{day};2.{k:03d}\n" for k, day in enumerate(days)),
        "commas.csv": "date,x\n" + "".join(f'{day},"2,{k:03d}"\n' for k, day in enumerate(days)),
    }
    for name, mark in (("points.csv", ","), ("commas.csv", ".")):
        (here / name).write_text(files[name])
        assert "the option --decimal: " in refused(run("inspect", name))
        code, out, err = run("inspect", name, "--decimal", mark, "--format", "json")
        assert code == 0, err
        assert json.loads(out)["series"][0]["max"] == 2019
    (here / "mixed.csv").write_text("date;x\n" + "".join(f"{day};1.{k:03d},50\n" for k, day in enumerate(days)))
    for option in ((), ("--decimal", ",")):
        code, out, err = run("inspect", "mixed.csv", *option, "--format", "json")
        assert code == 0, err
        assert json.loads(out)["series"][0]["max"] == 1019.5
    assert "--decimal ','" in refused(run("inspect", "mixed.csv", "--decimal", "."))


def test_files_that_would_be_read_as_something_else_are_refused(run, here):
    days = pd.date_range("2024-01-01", periods=72, freq="h")
    split = pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "time": days.strftime("%H:%M"), "x": np.arange(72.0)})
    split.to_csv(here / "split.csv", index=False)
    assert "series of its own, name it with --id-col" in refused(run("inspect", "split.csv"))
    (here / "bare.csv").write_text("2020-01-01,1234.50\n2020-01-02,1250.25\n2020-01-03,1199.00\n")
    assert "Put a line of names before it, for example ds,y" in refused(run("inspect", "bare.csv"))
    monthly_table(n_series=2).rename(columns={"unique_id": "yhat"}).to_csv(here / "clash.csv", index=False)
    err = refused(run("forecast", "clash.csv", *QUICK["forecast"], "--id-col", "yhat"))
    assert "The column 'yhat' of the table has the name of a column of the forecast" in err


def test_a_folder_and_parquet_on_stdin_are_read(run, here):
    (here / "shops").mkdir()
    for name in ("north", "south"):
        table = monthly_table(n_series=1)[["ds", "y"]]
        table.to_csv(here / "shops" / f"{name}.csv", index=False)
    code, out, err = run("forecast", "shops", "--horizon", "1", "--model", "Naive", "--format", "csv")
    assert code == 0, err
    assert [line.split(",")[0] for line in out.splitlines()] == ["unique_id", "north", "south"]
    assert "Each of the 2 files is a series" in err
    pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=30), "y": np.arange(30.0)}).to_parquet(here / "t.parquet")
    data = (here / "t.parquet").read_bytes()
    code, out, err = run("forecast", "-", "--horizon", "1", "--model", "Naive", "--format", "csv", stdin=data)
    assert code == 0, err
    assert "2024-01-31" in out


def test_where_all_columns_are_named_no_other_one_is_read(run, here):
    monthly_table(n_series=2).assign(note="x").to_parquet(here / "t.parquet")
    ask = ("forecast", "t.parquet", "--horizon", "2", "--model", "Naive", "--format", "csv")
    code, every, err = run(*ask)
    assert code == 0, err
    assert "Ignored" in err
    assert "note" in err
    code, needed, err = run(*ask, "--id-col", "unique_id", "--time-col", "ds", "--target", "y")
    assert (code, needed) == (0, every), err
    assert "note" not in err
    code, _, err = run(*ask, "--id-col", "unique_id", "--time-col", "ds", "--target", "z")
    assert code == 1
    assert "note" in err  # the message lists what the file has


def test_names_cannot_act_on_the_terminal(run, here):
    name = "a\x1b[31m[bold]b"
    table = monthly_table(n_series=1).assign(unique_id=name, **{"code :key:": "x"})
    table.to_csv(here / "odd.csv", index=False)
    for command in (("inspect", "odd.csv"), ("forecast", "odd.csv", *QUICK["forecast"])):
        code, out, err = run(*command)
        assert code == 0, err
        assert "\x1b" not in out + err
        assert "[bold]b" in out
        assert "code :key:" in out + err  # which is no picture of a key
