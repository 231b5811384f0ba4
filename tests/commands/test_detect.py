import io
import json

import pandas as pd
import pytest

from tests.anomaly.conftest import hourly


@pytest.fixture
def meter(tmp_path):
    y = hourly(450)
    y.iloc[400] += 20
    y.rename("load").to_csv(tmp_path / "meter.csv")
    return "meter.csv"


def test_events_are_printed_and_the_page_is_written(run, meter, tmp_path):
    code, out, err = run("detect", meter, "--html", "page.html")
    assert code == 0, err
    assert "2024-01-17 16:00:00" in out
    assert "spike" in out
    assert "1 event; 1 of 426 judged rows is anomalous (0.23 %; 1 % would be by chance)." in err
    page = (tmp_path / "page.html").read_text()
    assert "by chance).</li>" in page
    assert "tsrnn detect meter.csv --html page.html</pre>" in page
    assert "<title>Anomalies in meter</title>" in page
    assert "2024-01-17 16:00" in page
    assert 'http-equiv="Content-Security-Policy"' in page


@pytest.mark.parametrize(("rows", "judged"), [(24, 0), (25, 1)])
def test_a_series_too_short_to_be_judged_is_named(run, tmp_path, rows, judged):
    days = pd.date_range("2024-01-01", periods=40)
    long, short = (pd.DataFrame({"unique_id": f"{n} days", "ds": days[:n], "y": range(n)}) for n in (40, rows))
    pd.concat([long, short]).to_csv(tmp_path / "both.csv", index=False)
    short.to_csv(tmp_path / "short.csv", index=False)
    told = "has too little history to be judged: 24 days. With this forecaster the first 24 rows are history."
    for file, n_series, others in (("both.csv", 2, 16), ("short.csv", 1, 0)):
        code, _, err = run("detect", file)
        assert code == 0, err
        assert (f"1 of {n_series} series {told}" in err) == (judged == 0)
        assert (f" of {others + judged} judged rows are anomalous" in err) == (others + judged > 0)
        assert ("judged rows" in err) == (others + judged > 0)


def test_rows_can_be_had_as_csv_and_events_as_json(run, meter, tmp_path):
    code, _, err = run("detect", meter, "--rows", "--output", "rows.csv", "--quiet")
    assert (code, err) == (0, "")
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert len(rows) == 450
    assert rows["is_anomaly"][400]
    code, out, _ = run("detect", meter, "--format", "json", "--quiet", "--alpha", "0.001", "--threshold", "pot")
    assert code == 0
    assert {"start", "end", "kind", "expected"} <= set(json.loads(out)[0])


def test_alarms_are_printed_as_lines_come_and_wrong_lines_are_passed_over(run, meter):
    lines = [
        "ds,load",
        "2024-01-19 18:00:00,20.5",
        "2024-01-19 19:00:00,broken",
        "2024-01-19 19:00:00,",
        "",
        "2024-01-19 20:00:00,90",
        "2024-01-19 20:00:00,21",
        "2024-01-19 20:17:00,21",
        "2024-01-19 21:00:00,inf",
        "one,two,three",
        "2024-01-19 21:00:00,19",
    ]
    code, out, err = run("detect", meter, "--follow", "-", stdin="\n".join(lines))
    assert code == 0
    alarms = [json.loads(line) for line in out.splitlines()]
    assert [alarm["ds"] for alarm in alarms] == ["2024-01-19 20:00:00"]
    assert alarms[0]["y"] == 90
    assert alarms[0]["expected"] < 40
    assert "share" not in alarms[0]
    for number, message in ((3, "'broken' is no number"), (7, "is there already"), (8, "does not lie on the grid")):
        assert f"tsrnn: line {number}: " in err
        assert message in err
    assert "tsrnn: line 9: The value inf is infinite" in err
    assert "tsrnn: line 10: 3 fields, expected 2" in err
    assert "5 could not be" in err


@pytest.mark.parametrize("options", [(), ("--encoding", "utf-8"), ("--encoding", "utf-8-sig")])
def test_a_byte_of_another_encoding_spoils_its_own_line_alone(run, meter, monkeypatch, options):
    lines = b"2024-01-19 18:00:00,\xff\n2024-01-19 18:00:00,999\n"
    code, out, err = run("detect", meter, "--follow", "-", *options, stdin=lines)
    assert code == 0, err
    assert [json.loads(line)["y"] for line in out.splitlines()] == [999]
    assert "tsrnn: line 1: The line holds a byte that is none of its encoding. Name the encoding" in err


def test_a_stream_is_decoded_as_files_are_whatever_the_terminal_has(run, tmp_path, monkeypatch):
    y = hourly(300)
    pd.DataFrame({"unique_id": "Zürich", "ds": y.index, "y": y}).to_csv(tmp_path / "long.csv", index=False)
    line = "Zürich,2024-01-13 12:00,90\n".encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line), encoding="latin1"))
    code, out, err = run("detect", "long.csv", "--follow", "-")
    assert code == 0, err
    assert json.loads(out)["unique_id"] == "Zürich"


def test_a_byte_order_mark_is_no_part_of_the_first_line(run, meter):
    code, out, err = run("detect", meter, "--follow", "-", stdin=b"\xef\xbb\xbf2024-01-19 18:00:00,999\n")
    assert code == 0, err
    assert json.loads(out)["ds"] == "2024-01-19 18:00:00"


def test_an_unknown_encoding_of_a_stream_is_named(run, tmp_path):
    hourly(300).rename("load").reset_index().to_parquet(tmp_path / "meter.parquet")
    code, out, err = run("detect", "meter.parquet", "--encoding", "nonsense", "--follow", "-", stdin="")
    assert (code, out) == (1, "")
    assert "--encoding 'nonsense' is not known; expected for example latin1" in err


def test_a_line_far_ahead_does_not_end_a_stream(run, meter):
    lines = [
        "2024-01-19 18:00:00,20",
        "2042-01-19 19:00:00,20",
        "2024-01-19 19:00:00,90",
        "9999-12-31 00:00:00,20",
        "2024-01-19 20:00:00,broken",
        "2024-01-19 21:00:00,90",
    ]
    code, out, err = run("detect", meter, "--follow", "-", stdin="\n".join(lines))
    assert code == 0, err
    assert [json.loads(line)["ds"] for line in out.splitlines()] == ["2024-01-19 19:00:00", "2024-01-19 21:00:00"]
    assert "tsrnn: line 2: Series load: the time stamp 2042-01-19 19:00:00 lies 157,801 rows after the last one" in err
    assert "2024-01-19 18:00:00; expected 840 at most. It is left out unless the next line goes on from it." in err
    assert "tsrnn: line 4: The time stamp '9999-12-31 00:00:00' cannot be read" in err
    assert "3 lines read, 3 could not be." in err


def test_lines_far_ahead_are_read_when_they_go_on(run, meter):
    lines = [
        "2024-01-19 18:00:00,20",
        "2042-01-19 19:00:00,20",
        "2025-06-01 00:00:00,20",
        "2024-01-19 18:00:00,20",
        "2025-06-01 02:00:00,",
        "2025-06-01 03:00:00,21",
        "2024-01-19 19:00:00,20",
    ]
    code, out, err = run("detect", meter, "--follow", "-", stdin="\n".join(lines))
    assert (code, out) == (0, "")
    assert "tsrnn: line 3: Series load: the time stamp 2025-06-01 00:00:00 lies" in err
    assert "tsrnn: line 7: Series load: the time stamp 2024-01-19 19:00:00 lies before what was read" in err
    assert "line 5" not in err
    assert "4 lines read, 3 could not be." in err


def test_a_line_far_ahead_waits_for_the_next_one_of_its_series(run, tmp_path):
    table = pd.concat([pd.DataFrame({"unique_id": name, "ds": range(300), "y": hourly(300)}) for name in ("a", "b")])
    table.to_csv(tmp_path / "long.csv", index=False)
    lines = ["a,90000,20", "b,300,90", "a,300,90", f"a,{10**23},20", "b,50000,20", "a,301,20", "b,50001,20"]
    lines += ["b,301,20", "a,3_02,20"]
    code, out, err = run("detect", "long.csv", "--follow", "-", stdin="\n".join(lines))
    assert code == 0, err
    assert [json.loads(line)["unique_id"] for line in out.splitlines()] == ["b", "a"]
    assert "line 1: Series a: the time stamp 90000 lies 89,701 rows after the last one, 299;" in err
    assert "line 4: The time stamp 100000000000000000000000 is too large" in err
    assert "line 8: Series b: the time stamp 301 lies before what was read" in err
    assert "line 9: The time stamp '3_02' is no whole number" in err


def test_lines_of_a_long_table_name_their_series(run, tmp_path):
    table = pd.concat(
        [
            pd.DataFrame({"unique_id": i, "ds": y.index, "y": y.to_numpy()})
            for i, y in ((1, hourly(300)), (2, hourly(300)))
        ]
    )
    table.to_csv(tmp_path / "long.csv", index=False)
    lines = "unique_id,ds,y\n1,2024-01-13 12:00,90\n2,2024-01-13 12:00,20\n2,2024-01-13,5\nnew,2024-01-13 12:00,4\n"
    code, out, err = run("detect", "long.csv", "--follow", "-", stdin=lines)
    assert code == 0
    assert [json.loads(line)["unique_id"] for line in out.splitlines()] == [1]
    assert "line 4: Series 2" in err


def test_lines_of_a_wide_table_hold_all_channels(run, tmp_path):
    pd.DataFrame({"a": hourly(300, seed=1), "b": hourly(300, seed=2)}).to_csv(tmp_path / "wide.csv")
    lines = "2024-01-13 12:00,20,90\n2024-01-13 13:00,20\n2024-01-13 13:00,20,19\n"
    code, out, err = run("detect", "wide.csv", "--channels", "--follow", "-", stdin=lines)
    assert code == 0
    alarms = [json.loads(line) for line in out.splitlines()]
    assert {alarm["unique_id"] for alarm in alarms[:2]} == {"a", "b"}
    assert max(alarms[:2], key=lambda alarm: alarm["share"])["unique_id"] == "b"
    assert "line 2: 2 fields, expected 3: time, a, b" in err


@pytest.fixture
def shops(tmp_path):
    """Write days of one shop as a spreadsheet does in much of Europe; 30/06/2024 is the last one."""
    days = pd.date_range(end="2024-06-30", periods=120, freq="D")
    y = hourly(120).to_numpy()
    lines = [f"{day:%d/%m/%Y};ok;{value:.2f}".replace(".", ",") for day, value in zip(days, y, strict=True)]
    (tmp_path / "shop.csv").write_text("day;note;sales\n" + "\n".join(lines) + "\n")
    return "shop.csv"


@pytest.mark.parametrize(
    "options", [(), ("--date-format", "%d/%m/%Y", "--sep", ";", "--decimal", ","), ("--target", "sales")]
)
@pytest.mark.parametrize("form", ["{};ok;{}", "{};{}"])
def test_lines_are_written_as_the_file_of_the_history_is(run, shops, options, form):
    rows = [("01/07/2024", "20,5"), ("02/07/2024", "1.090,5"), ("2024-07-03", "20"), ("03/07/2024", "2.5")]
    code, out, err = run("detect", shops, *options, "--follow", "-", stdin="\n".join(form.format(*row) for row in rows))
    assert code == 0, err
    assert [json.loads(line)["y"] for line in out.splitlines()] == [1090.5]
    assert "line 1" not in err
    assert "line 3: The time stamp '2024-07-03' is not written as '%d/%m/%Y'" in err
    assert "line 4: The value '2.5' is no number. Expected a number with the decimal sign ','" in err


def test_a_first_line_says_where_the_columns_are(run, shops):
    lines = "sales;day\n20,5;01/07/2024\n90,5;02/07/2024\n1;2;3;4\n"
    code, out, err = run("detect", shops, "--follow", "-", stdin=lines)
    assert code == 0
    assert [json.loads(line)["ds"] for line in out.splitlines()] == ["2024-07-02"]
    assert "line 4: 4 fields, cut at each ';', expected 2: time, sales." in err


def test_dates_that_may_be_read_in_two_ways_are_refused_where_the_history_shows_none(run, tmp_path):
    y = hourly(120)
    y.index = pd.date_range(end="2024-06-30", periods=120, freq="D", name="ds")
    y.to_frame().reset_index().to_parquet(tmp_path / "days.parquet")
    lines = "01/07/2024,20\n2024-07-01,20\n"
    code, _, err = run("detect", "days.parquet", "--follow", "-", stdin=lines)
    assert code == 0
    assert "line 1: Dates such as '01/07/2024' can be read as" in err
    assert "--date-format" in err
    assert "line 2" not in err
    code, out, err = run("detect", "days.parquet", "--decimal", ",", "--follow", "-", stdin=lines)
    assert (code, out) == (1, "")
    assert "also what separates the fields of new rows. Name another separator with --sep" in err


def test_lines_of_a_long_table_may_have_its_other_columns_in_their_order(run, tmp_path):
    y = hourly(300)
    table = pd.DataFrame({"load": y.to_numpy(), "ds": y.index, "unique_id": "a", "note": 7, "kind": "x"})
    table.to_csv(tmp_path / "long.csv", index=False)
    lines = "90,2024-01-13 12:00,a,7,x\na,2024-01-13 13:00,20\n"
    code, out, err = run(
        "detect", "long.csv", "--id-col", "unique_id", "--target", "load", "--follow", "-", stdin=lines
    )
    assert code == 0
    assert "could not be" not in err
    assert [json.loads(line)["y"] for line in out.splitlines()] == [90]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--follow", "file.csv"), "--follow reads new rows from standard input"),
        (("--follow", "-", "--rows"), "goes without --html"),
        (("--alpha", "2"), "2.0 is not in the range"),
        (("--threshold", "magic"), "'magic' is not one of"),
        (("--format", "parquet"), "name a file with --output"),
    ],
)
def test_wrong_options_are_refused(run, meter, arguments, message):
    code, out, err = run("detect", meter, *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_file_that_is_no_table_is_one_line_on_stderr(run, tmp_path):
    (tmp_path / "text.csv").write_text("a,b\nx,y\n")
    code, out, err = run("detect", "text.csv")
    assert (code, out) == (1, "")
    assert err.startswith("tsrnn: ")
    assert "Traceback" not in err


@pytest.mark.parametrize("freq", ["MS", "D", "12h"])
def test_a_stream_writes_times_as_rows_in_json_do(run, tmp_path, freq):
    y = hourly(201)
    y.index = pd.date_range("1960-01-01", periods=201, freq=freq, name="ds")
    y.iloc[-1] = 900
    y.to_frame("load").to_csv(tmp_path / "all.csv")
    y[:-1].to_frame("load").to_csv(tmp_path / "known.csv")
    _, out, _ = run("detect", "known.csv", "--follow", "-", stdin=f"{y.index[-1]},900\n")
    _, rows, _ = run("detect", "all.csv", "--rows", "--format", "json")
    written = str(y.index[-1]) if freq == "12h" else str(y.index[-1].date())
    assert json.loads(out)["ds"] == json.loads(rows)[-1]["ds"] == written


def test_a_stream_may_have_time_since_1970_as_its_history_has(run, tmp_path):
    y = hourly(200)
    y.index = pd.Index(1_672_531_200 + 3600 * pd.RangeIndex(200), name="timestamp")
    y.rename("load").to_csv(tmp_path / "unix.csv")
    code, out, err = run("detect", "unix.csv", "--follow", "-", stdin=f"{y.index[-1] + 3600},900\nsoon,20\n")
    assert code == 0, err
    assert json.loads(out)["ds"] == "2023-01-09 08:00:00"
    assert "line 2: The time stamp 'soon' cannot be read" in err
