"""Where commands put what they write."""

import gzip
import os

import pandas as pd
import pytest

from tests.anomaly.conftest import hourly
from tests.conftest import monthly_table
from tsrnn.commands import writing
from tsrnn.data import folders
from tsrnn.forecasting import model_folder
from tsrnn.forecasting.forecaster import Forecaster

NAIVE = ("forecast", "sales.csv", "--model", "Naive", "--quiet")
PAGES = {
    "--plot": NAIVE,
    "--report": ("backtest", "sales.csv", "--models", "SeasonalNaive,Naive", "--quiet"),
    "--html": ("detect", "meter.csv", "--model", "Naive", "--quiet"),
}


@pytest.fixture
def meter(tmp_path):
    hourly(450).rename("load").to_csv(tmp_path / "meter.csv")
    return "meter.csv"


@pytest.mark.parametrize("option", PAGES)
def test_a_page_goes_to_the_file_that_a_link_leads_to(run, sales, meter, tmp_path, option):
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to("real.html")
    code, _, err = run(*PAGES[option], option, "link.html")
    assert code == 0, err
    assert os.readlink(tmp_path / "link.html") == "real.html"
    assert "<!doctype html>" in (tmp_path / "real.html").read_text(encoding="utf-8")
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("option", PAGES)
def test_a_page_does_not_go_to_stdout_nor_to_a_file_of_that_sign(run, sales, tmp_path, no_work, option):
    code, out, err = run(*PAGES[option], option, "-")
    assert (code, out) == (2, "")
    assert f"{option} -: a page is not written to stdout. Name a file, such as page.html." in err
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("option", PAGES)
def test_a_device_stays_one(run, sales, meter, tmp_path, option):
    device = tmp_path / "device"
    try:
        # A device of our own that swallows what is written to it: a failure replaces this one, not the system's.
        os.mknod(device, 0o600 | 0o020000, os.makedev(1, 3))
        device.write_bytes(b"")
    except (PermissionError, AttributeError):
        pytest.skip("devices can be made by root alone, where the file system allows them")
    code, _, err = run(*PAGES[option], option, "device")
    assert code == 0, err
    assert device.is_char_device()


@pytest.fixture
def no_work(monkeypatch):
    """Let a test fail in which a file is read."""

    def work(*arguments, **options):
        raise AssertionError("the work was begun")

    monkeypatch.setattr("tsrnn.commands.reading.Reading.panel", work)


OVERWRITING = [
    ("forecast", "sales.csv", "--output", "sales.csv"),
    ("forecast", "sales.csv", "--output", "./sub/../sales.csv"),
    ("forecast", "sales.csv", "--output", "link.csv"),
    ("forecast", "link.csv", "--plot", "sales.csv"),
    ("detect", "sales.csv", "--html", "sales.csv"),
    ("backtest", "sales.csv", "--report", "sales.csv"),
    ("inspect", "sales.csv", "--output", "sales.csv"),
    ("fit", "sales.csv", "--save", "new", "--output", "sales.csv"),
    ("predict", "sales.csv", "--model", "model", "--output", "sales.csv"),
]


@pytest.mark.parametrize("arguments", OVERWRITING, ids=" ".join)
def test_a_result_never_overwrites_what_is_read(run, sales, tmp_path, no_work, arguments):
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to("sales.csv")
    before = (tmp_path / "sales.csv").read_bytes()
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    option = arguments[-2]
    assert f"is read by this command, and {option} would overwrite it. Choose another path." in err
    assert (tmp_path / "sales.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("forecast", "sales.csv", "--output", "x.html", "--plot", "./x.html"), "--output and --plot"),
        (("detect", "sales.csv", "--output", "x.html", "--html", "x.html"), "--output and --html"),
        (("backtest", "sales.csv", "--output", "r.json", "--report", "r.json"), "--output and --report"),
        (("backtest", "sales.csv", "--output", "sales-backtest.html"), "--output and --report"),
        (("predict", "--model", "model", "--output", "x", "--plot", "x"), "--output and --plot"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("exists", [False, True])
def test_two_results_never_go_to_one_file(run, sales, tmp_path, no_work, arguments, options, exists):
    name = arguments[arguments.index("--output") + 1]
    if exists:
        (tmp_path / name).write_text("old")
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert f"both {options} would be written there, one over the other. Give each a path of its own." in err
    assert not exists or (tmp_path / name).read_text() == "old"


@pytest.mark.parametrize(
    "arguments",
    [
        ("forecast", "sales.csv", "--output", "loop"),
        ("forecast", "sales.csv", "--plot", "loop"),
        ("backtest", "sales.csv", "--report", "loop"),
        ("backtest", "sales.csv", "--folder", "loop"),
        ("fit", "sales.csv", "--save", "loop"),
        ("predict", "--model", "loop"),
        ("forecast", "loop"),
    ],
    ids=" ".join,
)
def test_a_link_that_leads_to_itself_is_one_line_with_exit_code_1(run, sales, tmp_path, arguments):
    (tmp_path / "loop").symlink_to("loop")
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("tsrnn: ")
    assert "loop" in err
    assert (tmp_path / "loop").is_symlink()


def test_a_result_never_joins_the_tables_of_a_folder(run, tmp_path, no_work):
    (tmp_path / "shops").mkdir()
    (tmp_path / "a.csv").write_text("ds,y\n")
    (tmp_path / "shops" / "a.csv").symlink_to("../a.csv")
    for output in ("shops/a.csv", "shops/forecast.csv", "shops/../shops/x.PARQUET", "a.csv"):
        code, out, err = run("forecast", "shops/", "--output", output)
        assert (code, out) == (1, "")
        assert "would be written among the tables of shops, which this command reads. Choose another folder." in err
    assert os.listdir(tmp_path / "shops") == ["a.csv"]


def test_what_is_no_table_may_stand_beside_the_tables_that_are_read(run, tmp_path):
    (tmp_path / "shops").mkdir()
    for name, table in monthly_table(n_series=2).groupby("unique_id"):
        table[["ds", "y"]].to_csv(tmp_path / "shops" / f"{name}.csv", index=False)
    for _ in range(2):
        code, _, err = run(
            "forecast", "shops", "--model", "Naive", "--plot", "shops/page.html", "--output", "shops/f.json"
        )
        assert code == 0, err


def test_a_result_never_goes_into_a_saved_model_or_a_backtest(run, sales, tmp_path, no_work):
    Forecaster(strategy="zero-shot").fit(monthly_table(n_series=1)).save(tmp_path / "model")
    (tmp_path / "kept").mkdir()
    (tmp_path / "link.json").symlink_to("model/model.json")
    for arguments in (
        ("predict", "--model", "model", "--output", "model/model.json"),
        ("forecast", "sales.csv", "--output", "model/model.json"),
        ("forecast", "sales.csv", "--output", "model/forecast.csv"),
        ("inspect", "sales.csv", "--output", "link.json"),
        ("fit", "sales.csv", "--save", "model", "--output", "model/summary.txt"),
        ("fit", "sales.csv", "--save", "new", "--output", "new"),
        ("text", "score", "x.txt", "--model", "model", "--output", "model/score.json"),
        ("text", "generate", "--model", "model", "--output", "model/more.txt"),
        ("compare", "kept", "kept", "--output", "kept/result.json"),
        ("backtest", "sales.csv", "--folder", "kept", "--output", "kept/result.json"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (1, "")
        assert "among the files that tsrnn keeps there. Choose another path." in err
    assert len(os.listdir(tmp_path / "model")) == 2


def test_a_pipe_may_take_several_results(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writing.check_output(output=str(tmp_path / "pipe"), plot=str(tmp_path / "pipe"))


def test_the_files_of_a_model_are_those_that_it_is_saved_in():
    assert writing.MODEL_FILES == (model_folder.CONTENT_FILE, model_folder.TENSOR_FILE)


def test_the_endings_of_tables_are_those_that_a_folder_is_read_by():
    assert writing.TABLES == folders.SUFFIXES


@pytest.mark.parametrize("output", [(), ("--output", "table.txt")])
def test_rows_that_a_table_leaves_out_are_told_where_nobody_may_see_its_end(run, tmp_path, output):
    days = pd.date_range("2024-01-01", periods=9)
    shops = [pd.DataFrame({"unique_id": f"s{k}", "ds": days, "y": 1.0}) for k in range(101)]
    pd.concat(shops).to_csv(tmp_path / "shops.csv", index=False)
    asked = ("forecast", "shops.csv", "--model", "Naive", "--quiet", "--horizon")
    code, out, err = run(*asked, "10", *output)
    assert (code, err) == (0, "warning: the table has 1,000 of 1,010 rows; --format csv has them all.\n")
    text = (tmp_path / "table.txt").read_text() if output else out
    assert text.endswith("… and 10 more rows; --format csv has them all.\n")
    assert run(*asked, "9", *output)[2] == ""


def test_a_narrow_terminal_breaks_names_and_never_a_number_or_a_date():
    days = pd.date_range("2024-01-01", periods=2)
    table = pd.DataFrame({"unique_id": "the shop in the north", "ds": days, "yhat": [127.5, -0.7591]})
    lines = writing.render_table(table.assign(**{"yhat-lo-80": 1.25}), width=30).splitlines()
    assert lines[0].split() == ["unique_id", "ds", "yhat", "yhat-lo-80"]
    assert lines[1].split() == ["the", "shop", "in", "2024-01-01", "127.5", "1.25"]
    assert lines[2].split() == ["the", "north"]
    wide = writing.render_table(table, width=80).splitlines()
    assert wide[2].split() == ["the", "shop", "in", "the", "north", "2024-01-02", "-0.7591"]


def test_large_numbers_are_written_out_in_tables():
    numbers = [9999.4, 9999.5, -9999.7, 12345.6, 0.0001]
    table = writing.render_table(pd.DataFrame({"y": numbers}))
    assert [line.strip() for line in table.splitlines()[1:]] == ["9999", "10,000", "-10,000", "12,346", "0.0001"]


@pytest.mark.parametrize("name", ["f.csv.gz", "f.json.gz", "F.CSV.GZ"])
def test_a_file_named_gz_is_gzipped(run, sales, tmp_path, name):
    assert run(*NAIVE, "--output", name)[0] == 0
    code, plain, _ = run(*NAIVE, "--format", "json" if "json" in name else "csv")
    assert code == 0
    assert gzip.decompress((tmp_path / name).read_bytes()).decode() == plain


@pytest.mark.parametrize("name", ["f.xlsx", "f.csv.zip", "F.XLS", "f.parquet.gz"])
@pytest.mark.parametrize("options", [(), ("--format", "csv")])
def test_a_file_that_nothing_could_read_is_refused(run, sales, tmp_path, no_work, name, options):
    code, out, err = run(*NAIVE, "--output", name, *options)
    assert (code, out) == (2, "")
    assert f"--output {name}: " in err
    assert "files cannot be written. Expected a name that ends in .csv, .json, .parquet or .txt" in err
    assert not (tmp_path / name).exists()
