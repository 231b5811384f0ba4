"""`--time-zone`, wherever a table is read."""

import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from tsrnn import commands
from tsrnn.forecasting.forecaster import Forecaster

BERLIN = ("--time-zone", "Europe/Berlin")
HOURS = pd.date_range("2024-10-10", "2024-11-01 23:00", freq="h", tz="Europe/Berlin")
# The hour that comes twice is among those that come later.
SEEN = pd.Timestamp("2024-10-26 12:00", tz="Europe/Berlin")
READS = ("forecast", "backtest", "detect", "inspect", "fit", "predict")


@pytest.fixture
def tables(tmp_path):
    """Hours of Berlin: with offsets, as local times, and these cut in two."""
    y = 50 + 10 * np.sin(2 * np.pi * HOURS.hour / 24) + np.random.default_rng(0).normal(0, 1, len(HOURS))
    table = pd.DataFrame({"ds": HOURS, "y": y})
    local = table.assign(ds=HOURS.tz_localize(None))
    table.assign(ds=[stamp.isoformat() for stamp in HOURS]).to_csv(tmp_path / "offsets.csv", index=False)
    local.to_csv(tmp_path / "local.csv", index=False)
    local[HOURS < SEEN].to_csv(tmp_path / "before.csv", index=False)
    local[HOURS >= SEEN].to_csv(tmp_path / "after.csv", index=False)
    table.to_parquet(tmp_path / "zone.parquet")
    return tmp_path


@pytest.mark.parametrize("name", READS)
def test_every_command_that_reads_a_table_has_the_option(run, name):
    assert "--time-zone ZONE" in run(name, "--help")[1]


@pytest.mark.parametrize("format_", ["csv", "json", "table"])
def test_offsets_and_local_times_are_forecast_as_a_column_of_the_zone_is(run, tables, format_):
    options = ("--strategy", "zero-shot", "--horizon", "5", "--format", format_, "--quiet")
    code, expected, err = run("forecast", "zone.parquet", *options)
    assert (code, err) == (0, "")
    assert "2024-11-02 00:00:00+01:00" in expected
    for name in ("offsets.csv", "local.csv"):
        assert run("forecast", name, *options, *BERLIN) == (0, expected, "")


def test_local_times_that_repeat_are_told_to_name_their_zone(run, tables):
    code, out, err = run("inspect", "local.csv")
    assert (code, out) == (1, "")
    assert "name their zone, --time-zone Europe/Berlin on the command line" in err


def test_a_saved_model_reads_newer_local_times_in_its_zone_and_keeps_it(run, tables):
    fit = ("fit", "before.csv", "--save", "model", "--strategy", "zero-shot", "--quiet", *BERLIN)
    assert run(*fit)[0] == 0
    options = ("--horizon", "3", "--format", "csv", "--quiet")
    code, newer, err = run("predict", "after.csv", "--model", "model", *options)
    assert (code, err) == (0, "")
    assert run("predict", "after.csv", "--model", "model", *options, *BERLIN)[1] == newer
    whole = run("forecast", "local.csv", "--strategy", "zero-shot", *options, *BERLIN)[1]
    updated = run("predict", "after.csv", "--model", "model", "--update", *options)[1]
    assert run("predict", "--model", "model", *options)[1] == updated
    for text in (newer, updated):  # whose intervals were calibrated with fewer rows
        same = (pd.read_csv(io.StringIO(one))[["ds", "yhat"]] for one in (text, whole))
        pd.testing.assert_frame_equal(*same)
    assert str(Forecaster.load(tables / "model").panel_.form.zone) == "Europe/Berlin"
    assert pd.read_csv(io.StringIO(newer))["ds"][0] == "2024-11-02 00:00:00+01:00"


def test_newer_days_without_a_zone_go_on_from_days_of_one(run, tmp_path):
    days = pd.date_range("2024-03-01", periods=60)
    table = pd.DataFrame({"ds": days, "y": np.arange(60.0) % 7})
    table[:50].to_csv(tmp_path / "first.csv", index=False)
    table[50:].to_csv(tmp_path / "newer.csv", index=False)
    assert run("fit", "first.csv", "--save", "model", "--strategy", "zero-shot", *BERLIN)[0] == 0
    code, out, err = run("predict", "newer.csv", "--model", "model", "--horizon", "1", "--format", "csv")
    assert code == 0, err
    assert pd.read_csv(io.StringIO(out))["ds"].tolist() == ["2024-04-30 00:00:00+02:00"]
    code, _, err = run("predict", "newer.csv", "--model", "model", "--time-zone", "Asia/Tokyo")
    assert code == 1
    assert "The time stamps have Asia/Tokyo, those of the fitted table Europe/Berlin." in err


def test_lines_of_a_stream_are_local_times_of_the_zone(run, tables):
    lines = (tables / "after.csv").read_text().splitlines()[1:]
    at = next(i for i, line in enumerate(lines) if line.startswith("2024-10-27 02:00"))
    lines[at + 1] = "2024-10-27 02:00:00,500"  # the second one
    code, out, err = run("detect", "before.csv", "--follow", "-", *BERLIN, stdin="\n".join(lines) + "\n")
    assert code == 0, err
    assert f"{len(lines)} lines read." in err
    alarms = [json.loads(line) for line in out.splitlines()]
    assert ("2024-10-27 02:00:00+01:00", 500.0) in [(alarm["ds"], alarm["y"]) for alarm in alarms]


def test_rows_that_are_detected_have_their_offset(run, tables):
    out = run("detect", "local.csv", "--rows", "--format", "csv", "--quiet", *BERLIN)[1]
    assert pd.read_csv(io.StringIO(out))["ds"].tolist()[-1] == "2024-11-01 23:00:00+01:00"


@pytest.mark.parametrize(
    ("zone", "hint"),
    [("berlin", "did you mean Europe/Berlin?"), ("Mars", "expected a name such as Europe/Berlin or UTC.")],
)
def test_a_zone_that_is_not_known_is_wrong_usage(run, tables, zone, hint):
    code, out, err = run("inspect", "local.csv", "--time-zone", zone)
    assert (code, out) == (2, "")
    assert f"Invalid value for '--time-zone': '{zone}' is not known; {hint}" in re.sub(r"\s+", " ", err)


def test_whole_numbers_have_no_zone(run, tmp_path):
    pd.DataFrame({"ds": range(30), "y": np.arange(30.0)}).to_csv(tmp_path / "t.csv", index=False)
    code, out, err = run("inspect", "t.csv", *BERLIN)
    assert (code, out) == (1, "")
    assert "expected time stamps of Europe/Berlin; whole numbers are in no time zone." in err
    assert "Give dates, or leave --time-zone out." in err


def test_tab_completes_zones():
    (option,) = (option for option in commands.cli.get_command(None, "inspect").params if option.name == "time_zone")
    assert [item.value for item in option.type.shell_complete(None, option, "europe/berl")] == ["Europe/Berlin"]
