"""A backtest that is kept in a folder goes on after an interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.conftest import monthly_table
from tests.evaluation.test_engine import equal
from tsrnn import ARIMA, ETS, Ensemble, Forecaster, Naive, backtest
from tsrnn.errors import DataError, MissingExtraError, ParameterError

QUICK = Forecaster(max_steps=20, hidden_size=8, batch_size=16)
MODELS = {"network": QUICK, "ARIMA": ARIMA(), "Drift": "Drift"}
OPTIONS = {"h": 3, "n_windows": 5, "step_size": 2, "refit": 2}
NAMES = (("one", 1), ("two", 2))
TIMES = ["fit_seconds", "predict_seconds"]

WORKER = """
import sys, time
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from tsrnn import backtest

calls = []

def slow(train, h):
    calls.append(h)
    if len(calls) == 4 and len(sys.argv) == 2:
        time.sleep(600)
    return np.full(h, train.iloc[-1])

y = pd.Series(np.arange(60.0) % 7, pd.date_range("2020-01-01", periods=60, freq="MS"), name="y")
result = backtest(["Drift", slow], y, h=2, n_windows=12, step_size=1, path=sys.argv[1])
print(len(result.forecasts))
"""


def parts(folder):
    return sorted(file.name for file in (folder / "forecasts").iterdir())


def test_a_folder_holds_what_the_result_does(tmp_path):
    table = monthly_table(n_series=2)
    kept = backtest(MODELS, table, path=tmp_path / "run", metrics={"bias": lambda y, f: (f - y).mean(1)}, **OPTIONS)
    free = backtest(MODELS, table, metrics={"bias": lambda y, f: (f - y).mean(1)}, **OPTIONS)
    pd.testing.assert_frame_equal(kept.forecasts, free.forecasts)
    pd.testing.assert_frame_equal(kept.leaderboard.drop(columns=TIMES), free.leaderboard.drop(columns=TIMES))
    assert (kept.notes, kept.config) == (free.notes, free.config)
    assert kept.forecasts is kept.forecasts
    assert len(parts(tmp_path / "run")) == 3 * 5
    rows = pd.read_parquet(tmp_path / "run" / "forecasts")
    mine = rows[rows["model"] == "ARIMA"].sort_values(["unique_id", "cutoff", "step"])
    np.testing.assert_array_equal(mine["q0.5"], free.forecasts["ARIMA"])
    np.testing.assert_array_equal(mine["q0.9"], free.forecasts["ARIMA-hi-80"])
    np.testing.assert_array_equal(mine["y"], free.forecasts["y"])
    assert mine["ds"].tolist() == free.forecasts["ds"].tolist()
    for name in ("leaderboard", "by_step", "by_cutoff", "by_series"):
        stored = pd.read_parquet(tmp_path / "run" / f"{name}.parquet")
        np.testing.assert_array_equal(stored["bias"], getattr(kept, name)["bias"])
    told = json.loads((tmp_path / "run" / "result.json").read_text())
    assert told["verdict"] == str(kept.verdict)
    assert told["config"]["h"] == 3


def test_the_configuration_of_a_folder_is_json_that_any_program_reads(tmp_path):
    model = ARIMA((0, 1, 0), seconds_per_series=np.inf)
    result = backtest([model, "Naive"], monthly_table(n_series=1), h=2, n_windows=1, path=tmp_path)
    told = json.loads((tmp_path / "result.json").read_text(), parse_constant=pytest.fail)
    assert result.config["models"]["ARIMA"]["seconds_per_series"] == np.inf
    assert told["config"]["models"]["ARIMA"]["seconds_per_series"] is None
    assert (told["verdict"], told["outcome"]) == (str(result.verdict), result.verdict.outcome)


@pytest.mark.parametrize("lost", [[0], [3], [4], [1, 2, 3], [0, 1, 2, 3, 4]])
def test_what_is_missing_is_forecast_again_to_the_same_bits(tmp_path, lost):
    table = monthly_table(n_series=2)
    whole = backtest(MODELS, table, path=tmp_path, **OPTIONS)
    expected = whole.forecasts.copy()
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "forecasts").iterdir()}
    for window in lost:
        for file in (tmp_path / "forecasts").glob(f"{window:04d}-*"):
            file.unlink()
    again = backtest(MODELS, table, path=tmp_path, **OPTIONS)
    pd.testing.assert_frame_equal(again.forecasts, expected, check_exact=True)
    assert again.config == whole.config
    assert again.history.keys() == {"network"}
    kept = {f.name for f in (tmp_path / "forecasts").iterdir() if before[f.name] == f.stat().st_mtime_ns}
    assert kept == {name for name in before if int(name[:4]) not in lost}


@pytest.mark.parametrize(
    ("model", "fits"),
    [
        (ETS(), 2),
        (ARIMA((1, 1, 1)), 2),
        (ARIMA(keep_order=False), 2),
        (Ensemble(["Drift", "zero-shot"]), 2),
        (ARIMA(), 3),
        (Ensemble(["Drift", "ARIMA"]), 3),
    ],
    ids=str,
)
def test_only_what_continues_from_its_last_fit_is_fitted_for_cutoffs_that_are_there(tmp_path, monkeypatch, model, fits):
    table, options = monthly_table(n_series=1), {"h": 3, "n_windows": 3, "refit": 1}
    whole = backtest({"model": model}, table, path=tmp_path, **options)
    assert len(whole.forecasts) == 9  # read before the files are lost
    for window in (0, 2):
        (tmp_path / "forecasts" / f"{window:04d}-00-model.parquet").unlink()
    rows, learn = [], type(model)._learn

    def counted(self, how, panel, columns):
        rows.append(len(panel.y))
        return learn(self, how, panel, columns)

    monkeypatch.setattr(type(model), "_learn", counted)
    again = backtest({"model": model}, table, path=tmp_path, **options)
    assert len(rows) == fits
    for name in ("forecasts", "by_forecast", "by_step"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(whole, name), check_exact=True)
    assert again.notes == whole.notes


def test_a_finished_folder_is_read_and_nothing_is_fitted(tmp_path, monkeypatch):
    table = monthly_table(n_series=2)
    first = backtest(MODELS, table, path=tmp_path, **OPTIONS)
    monkeypatch.setattr(Forecaster, "_fit_panel", None)
    monkeypatch.setattr(ARIMA, "_fit_each", None)
    again = backtest(MODELS, table, path=tmp_path, **OPTIONS)
    equal(first, again)
    pd.testing.assert_frame_equal(first.leaderboard, again.leaderboard, check_exact=True)


def test_processes_write_the_same_folder(tmp_path):
    table = monthly_table(n_series=2)
    options = {**OPTIONS, "refit": 1, "time_budget": 10_000}
    one, two = (backtest({"network": QUICK}, table, path=tmp_path / name, n_jobs=n, **options) for name, n in NAMES)
    equal(one, two)
    assert parts(tmp_path / "one") == parts(tmp_path / "two")


def test_a_killed_process_loses_the_cutoff_in_progress_alone(tmp_path):
    script, folder = tmp_path / "worker.py", tmp_path / "run"
    script.write_text(WORKER)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, str(script), str(folder)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 120
        # The second model hangs at its fourth cutoff.
        while not (folder / "forecasts" / "0002-01-slow.parquet").exists():
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finally:
        process.kill()
        process.communicate()
    whole = parts(folder)
    assert whole == sorted(
        [f"{k:04d}-00-Drift.parquet" for k in range(12)] + [f"{k:04d}-01-slow.parquet" for k in range(3)]
    )
    before = {name: (folder / "forecasts" / name).read_bytes() for name in whole}
    (folder / "forecasts" / "0011-01-slow.parquet.7.unfinished").write_bytes(b"half")
    done = subprocess.run([*command, "go on"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "24"
    assert len(parts(folder)) == 24
    assert all((folder / "forecasts" / name).read_bytes() == content for name, content in before.items())


def test_a_larger_budget_goes_on_where_a_smaller_one_ended(tmp_path):
    table = monthly_table(n_series=2)
    short = backtest(["Drift", "Naive"], table, h=2, n_windows=4, path=tmp_path, time_budget=1e-9)
    assert short.config["n_windows"] == 1
    assert len(parts(tmp_path)) == 2
    whole = backtest(["Drift", "Naive"], table, h=2, n_windows=4, path=tmp_path)
    equal(whole, backtest(["Drift", "Naive"], table, h=2, n_windows=4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"h": 3}, r"differs in h \(2; now 3\)"),
        ({"step_size": 1}, r"step_size \(2; now 1\)"),
        ({"gap": 1}, r"gap \(0; now 1\)"),
        ({"refit": True}, r"refit \(0; now 1\)"),
        ({"train_size": 30}, r"train_size \(None; now 30\)"),
        ({"level": 50}, r"level \(quantiles \[.*; now \[0\.1, .*0\.75"),
        ({"season_length": 6}, "differs in the data"),
        ({"df": monthly_table(n_series=2, seed=1)}, "differs in the data. Name another path, or delete the folder"),
        ({"models": ["Naive"]}, r"the models \(Drift, Naive; now Naive\)\. Name"),
        (
            {"models": ["Drift", Naive(season_length=12)]},
            r"the models \(Naive with season_length None, now 12\)\. Name another path",
        ),
    ],
)
def test_the_folder_of_another_backtest_is_refused(tmp_path, change, message):
    given = {"models": ["Drift", "Naive"], "df": monthly_table(n_series=2), "h": 2, "n_windows": 2, "step_size": 2}
    backtest(path=tmp_path, **given)
    with pytest.raises(ParameterError, match=f"belongs to another backtest, which .*{message}"):
        backtest(path=tmp_path, **{**given, **change})


class Constant:
    def __init__(self, value):
        self.value = value

    def fit(self, train):
        return self

    def predict(self, h):
        return np.full(h, self.value)

    def predict_after(self, train, h):
        return self.fit(train).predict(h)


def test_a_foreign_model_is_known_by_its_code_and_its_attributes(tmp_path):
    given = {"df": monthly_table(n_series=1), "h": 2, "n_windows": 1, "path": tmp_path}
    backtest({"a": lambda train, h: [1.0] * h, "b": Constant(np.arange(2.0))}, **given)
    backtest({"a": lambda train, h: [1.0] * h, "b": Constant(np.arange(2.0))}, **given)
    with pytest.raises(ParameterError, match="another backtest"):
        backtest({"a": lambda train, h: [2.0] * h, "b": Constant(np.arange(2.0))}, **given)
    with pytest.raises(ParameterError, match="another backtest"):
        backtest({"a": lambda train, h: [1.0] * h, "b": Constant(np.arange(1.0, 3.0))}, **given)


def last_times(factor):
    return lambda train, h: [train.iloc[-1] * factor] * h


def last_plus(train, h, more=1.0):
    return [train.iloc[-1] + more] * h


def last_plus_two(train, h, more=2.0):
    return [train.iloc[-1] + more] * h


class Text(Constant):
    def __repr__(self):
        return "Text()"


def with_other_predict(kind):
    return type(kind.__name__, (kind,), {"predict": lambda self, h: np.zeros(h)})


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (last_times(1.0), last_times(2.0)),
        (last_plus, last_plus_two),
        (partial(last_plus, more=1.0), partial(last_plus, more=2.0)),
        (partial(last_plus), partial(last_times(1.0))),
        (Constant(1.0).predict_after, Constant(2.0).predict_after),
        (Constant(1.0), with_other_predict(Constant)(1.0)),
        (Text(1.0), with_other_predict(Text)(1.0)),
        (lambda train, h: (lambda: [1.0] * h)(), lambda train, h: (lambda: [2.0] * h)()),
    ],
    ids=["held", "default", "partial", "in partial", "method's object", "class", "class with a text", "nested"],
)
def test_a_model_that_forecasts_otherwise_does_not_go_on_from_the_old_forecasts(tmp_path, before, now):
    given = {"df": monthly_table(n_series=1), "h": 2, "n_windows": 1, "path": tmp_path}
    first = backtest({"a": before}, **given)
    pd.testing.assert_frame_equal(backtest({"a": before}, **given).forecasts, first.forecasts)
    with pytest.raises(ParameterError, match=r"differs in the models \(a with model .*, now"):
        backtest({"a": now}, **given)


def test_a_set_of_texts_in_a_function_is_the_same_in_every_process():
    code = (
        "from tsrnn.evaluation.recognition import recognisable; "
        "print(recognisable(lambda train, h: [float(train.name in {'a', 'b', 'c', 'd'})] * h))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1


def test_names_of_any_type_and_any_sign_can_be_kept(tmp_path):
    table = monthly_table(n_series=2)
    table["unique_id"] = table["unique_id"].astype(object).map({"series 0": 7, "series 1": "<b>/../ü"})
    models = {"../up": "Naive", "a/b": "Drift", "a-b": "SeasonalNaive"}
    result = backtest(models, table, h=2, n_windows=2, path=tmp_path)
    assert set(result.forecasts["unique_id"]) == {7, "<b>/../ü"}
    assert {"../up", "a/b", "a-b"} <= set(result.forecasts.columns)
    assert parts(tmp_path)[:3] == ["0000-00-up.parquet", "0000-01-a-b.parquet", "0000-02-a-b.parquet"]


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2020", periods=40, freq="D", tz="Europe/Berlin"),
        pd.period_range("2020-01", periods=40, freq="M"),
        pd.RangeIndex(40),
    ],
    ids=["time zone", "periods", "whole numbers"],
)
def test_time_of_every_kind_comes_back_as_it_was(tmp_path, index):
    y = pd.Series(np.random.default_rng(0).normal(size=40), index, name="y")
    options = {"h": 2, "n_windows": 3, "season_length": 1}
    kept, free = (backtest(["Drift", "Naive"], y, path=path, **options) for path in (tmp_path, None))
    pd.testing.assert_frame_equal(kept.forecasts, free.forecasts)
    rows = pd.read_parquet(tmp_path / "forecasts")
    assert set(rows["cutoff"]) == set(free.forecasts["cutoff"])
    assert rows["ds"].dtype.kind == free.forecasts["ds"].dtype.kind


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match=r"holds 1 entry \(thesis.txt\) and no backtest.json"):
        backtest("Naive", monthly_table(), h=2, path=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(DataError, match="is a file; expected a folder"):
        backtest("Naive", monthly_table(), h=2, path=tmp_path / "thesis.txt")


@pytest.mark.parametrize("damage", [b"", b"PAR1 not really"])
def test_a_damaged_part_is_named_with_the_cure(tmp_path, damage):
    backtest("Naive", monthly_table(), h=2, n_windows=2, path=tmp_path)
    (tmp_path / "forecasts" / "0001-00-Naive.parquet").write_bytes(damage)
    with pytest.raises(DataError, match=r"0001-00-Naive.parquet: is damaged .* Delete it, and it is forecast again"):
        backtest("Naive", monthly_table(), h=2, n_windows=2, path=tmp_path)


@pytest.mark.parametrize("content", ["{", "[1]", "[" * 100_000])
def test_a_damaged_description_is_named_with_the_cure(tmp_path, content):
    backtest("Naive", monthly_table(), h=2, n_windows=2, path=tmp_path)
    (tmp_path / "backtest.json").write_text(content)
    with pytest.raises(DataError, match=r"backtest.json: is damaged.* Name another path, or delete the folder"):
        backtest("Naive", monthly_table(), h=2, n_windows=2, path=tmp_path)


@pytest.mark.parametrize("name", ["backtest.json", "forecasts/0001-00-Naive.parquet"])
def test_what_is_no_file_is_never_waited_for(tmp_path, put_no_file, name):
    backtest("Naive", monthly_table(), h=2, n_windows=2, path=tmp_path)
    put_no_file(tmp_path / name)
    with pytest.raises(DataError, match=r"(cannot be read|is damaged) \(.*(it is|Is) a .*\)\."):
        backtest("Naive", monthly_table(), h=2, n_windows=2, path=tmp_path)


def test_without_pyarrow_a_path_is_refused_before_anything_is_fitted(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'Parquet needs pyarrow. Run: pip install "tsrnn\[parquet\]"'):
        backtest("Naive", monthly_table(), h=2, n_windows=2, path=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kept", [True, False], ids=["in a folder", "in memory"])
def test_some_series_are_read_without_the_others(tmp_path, monkeypatch, kept):
    monkeypatch.setattr("tsrnn.evaluation.folder.BATCH_LINES", 7)
    table = monthly_table(n_series=5)
    table = table[(table["unique_id"] != "series 1") | (table["ds"] >= "2017-06-01")]
    options = {"h": 3, "n_windows": 6, "step_size": 3, "path": tmp_path if kept else None}
    result = backtest(["Drift", "Theta"], table, **options)
    wanted = ["series 4", "series 1", "unknown"]
    some = result.forecasts_of(wanted)
    seen = result.observations_of(wanted)
    assert callable(vars(result)["_forecasts"])
    assert callable(vars(result)["_observations"])
    for part, whole in ((some, result.forecasts), (seen, result.observations)):
        expected = whole[whole["unique_id"].isin(wanted)].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, expected, check_exact=True)
    # What has been read is not read again.
    assert not callable(vars(result)["_forecasts"])
    again = result.forecasts_of(wanted).reset_index(drop=True)
    pd.testing.assert_frame_equal(again, some, check_exact=True)


@pytest.mark.parametrize("name", ["forecasts_of", "observations_of"])
def test_one_name_is_no_list_of_names(name):
    result = backtest("Naive", monthly_table(n_series=2), h=2, n_windows=2)
    with pytest.raises(ParameterError, match=r"ids='series 1': expected a list of names: \['series 1'\]"):
        getattr(result, name)("series 1")


@pytest.mark.parametrize("facts", ["[]", "{}", '{"fit_seconds": "long"}', "[" * 100_000])
def test_a_part_that_lacks_what_the_model_said_is_damaged(tmp_path, facts):
    backtest("Naive", monthly_table(), h=2, n_windows=2, path=tmp_path)
    file = tmp_path / "forecasts" / "0001-00-Naive.parquet"
    whole = pq.read_table(file)
    pq.write_table(whole.replace_schema_metadata({**whole.schema.metadata, b"tsrnn": facts.encode()}), file)
    with pytest.raises(DataError, match=r"0001-00-Naive.parquet: is damaged .* Delete it, and it is forecast again"):
        backtest("Naive", monthly_table(), h=2, n_windows=2, path=tmp_path)


def test_a_part_of_another_length_is_damaged(tmp_path):
    backtest("Naive", monthly_table(n_series=2), h=2, n_windows=2, path=tmp_path)
    file = tmp_path / "forecasts" / "0001-00-Naive.parquet"
    whole = pq.read_table(file)
    pq.write_table(whole.slice(0, 2).replace_schema_metadata(whole.schema.metadata), file)
    with pytest.raises(DataError, match=r"0001-00-Naive.parquet: is damaged \(2 rows instead of 4\)"):
        backtest("Naive", monthly_table(n_series=2), h=2, n_windows=2, path=tmp_path)
