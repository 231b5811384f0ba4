import json
import os
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn import backtest
from tsrnn.errors import DataError, ParameterError
from tsrnn.evaluation.residuals import Residuals
from tsrnn.reporting.figures import loss_figure
from tsrnn.reporting.page import POLICY, write_page
from tsrnn.reporting.report import report_html, write_report


class Page(HTMLParser):
    """Collects what a page is made of, as a browser reads it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.scripts, self._open = [], [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag == "script":
            self._key = dict(attrs).get("id", len(self.scripts))
            self.scripts[self._key] = ""

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[self._key] += data
        elif self._open != "style":
            self.text.append(data)

    def ids(self):
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


@pytest.fixture(scope="module")
def page(result):
    return Page(report_html(result))


def test_the_page_is_written_as_a_whole_or_not_at_all(result, tmp_path):
    path = tmp_path / "prices-backtest.html"
    path.write_text("old")
    spoiled = type(result)(**{**vars(result), "config": None})
    with pytest.raises(TypeError, match="not subscriptable"):
        write_report(spoiled, path)
    assert path.read_text() == "old"
    assert write_report(result, path, title="Prices") == path
    assert [p.name for p in tmp_path.iterdir()] == ["prices-backtest.html"]
    assert "<title>Prices</title>" in path.read_text(encoding="utf-8")


def test_a_folder_that_does_not_exist_is_named(result, tmp_path):
    with pytest.raises(ParameterError, match=r"lies in a folder that does not exist: .*missing\. Give the name"):
        write_report(result, tmp_path / "missing" / "report.html")
    with pytest.raises(ParameterError, match=r"is a folder\. Give the name of an HTML file"):
        write_report(result, tmp_path)


def test_a_page_is_written_into_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_page("<p>Prices</p>", pipe)
        assert os.read(reader, 100) == b"<p>Prices</p>"
    finally:
        os.close(reader)


def test_a_page_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "link.html").symlink_to("missing/page.html")
    with pytest.raises(DataError, match=r"cannot be written \(No such file or directory\)\. Choose another path"):
        write_page("<p>Prices</p>", tmp_path / "link.html")
    assert (tmp_path / "link.html").is_symlink()


def test_the_page_says_the_verdict_and_every_score(result, page):
    text = " ".join(page.text)
    assert str(result.verdict) in text
    assert "tsrnn against ARIMA: better" in text
    for row in result.leaderboard.itertuples():
        assert row.model in text
        assert f"{row.mase:.3f}" in text
        assert f"{row.coverage_80:.1%}".replace("%", " %") in text
    for note in result.notes:
        assert note in text
    assert result.config["command"] in text


def test_the_best_of_each_column_is_bold(result):
    table = report_html(result).split('aria-label="Leaderboard"')[1].split("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", table)
    bold = [re.findall(r"<td class=best>([^<]*)<", row) for row in rows]
    assert bold[0][0] == f"{result.leaderboard['mase'][0]:.3f}"
    assert not any(f"{result.leaderboard['mase'][1]:.3f}" in found for found in bold)


def test_the_page_loads_nothing_from_anywhere(page):
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img", "form"}
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    policies = [a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    assert POLICY.startswith(
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
    )


def test_plotly_is_embedded_once_and_the_page_stays_small(result, page):
    assert sum("plotly.js v" in script for script in page.scripts.values()) == 1
    assert len(report_html(result).encode()) < 5_200_000


def test_every_id_is_used_once_and_every_control_has_a_label(page):
    ids = page.ids()
    assert len(ids) == len(set(ids))
    labels = {a["for"] for t, a in page.tags if t == "label" and "for" in a}
    assert {a["id"] for t, a in page.tags if t == "select"} == labels
    links = [a["href"][1:] for t, a in page.tags if t == "a"]
    assert links[0] == "main"
    assert set(links) <= set(ids)


def test_hostile_names_cannot_leave_their_place(make_result, hostile):
    spoiled = make_result([hostile, "b"], models=(hostile, "ARIMA"), networks=(hostile,))
    spoiled.notes = (hostile,)
    spoiled.config["command"] = hostile
    spoiled.config["data"][hostile] = hostile
    spoiled.verdict = SimpleNamespace(outcome=hostile, model=hostile, reference=hostile)
    clean = Page(report_html(make_result(["a", "b"], models=("m", "ARIMA"), networks=("m",))))
    dirty = Page(report_html(spoiled, title=hostile))
    assert [tag for tag, _ in dirty.tags if tag in ("script", "img")] == [
        t for t, _ in clean.tags if t in ("script", "img")
    ]
    assert not [a for _, a in dirty.tags if any(name.startswith("on") for name in a)]
    payload = json.loads(dirty.scripts["report-data"])
    assert payload["forecasts"]["series"][0]["id"] == hostile
    assert payload["forecasts"]["models"][0]["name"] == hostile
    assert hostile in dirty.text
    assert "\u2028" not in dirty.scripts["report-data"]


def test_a_file_name_that_is_not_unicode_does_not_lose_the_page(make_result, tmp_path):
    path = write_report(make_result(["a"]), tmp_path / "report.html", title="Backtest of caf\udce9.csv")
    assert "Backtest of caf?.csv" in path.read_text(encoding="utf-8")


def test_sections_with_nothing_to_say_are_left_out(make_result):
    bare = make_result(["a"], models=("SeasonalNaive",), levels=(), n_cutoffs=1, h=1, networks=())
    bare.verdict, bare.notes = None, ()
    page = Page(report_html(bare))
    sections = [a["id"] for t, a in page.tags if t == "section"]
    assert sections == ["data", "leaderboard", "forecasts", "diagnostics", "timing", "repeat"]
    figures = [a["id"] for t, a in page.tags if a.get("class") == "figure"]
    assert figures == ["figure-forecast", "figure-residuals", "figure-autocorrelation"]
    assert "One model was run, so there is nothing to compare it with." in page.text


def nothing_known(residuals):
    """Return the residuals of constant series, which have none."""
    unknown = residuals.summary.drop(columns="model").columns
    return Residuals(
        residuals.summary.assign(**dict.fromkeys(unknown, np.nan)),
        residuals.by_step.assign(bias=np.nan, spread=np.nan),
        residuals.autocorrelation.iloc[:0],
        residuals.sample.iloc[:0],
    )


def test_scores_that_are_undefined_are_shown_as_dashes(make_result):
    constant = make_result(["a", "b"])
    constant.residuals = nothing_known(constant.residuals)
    for name in ("leaderboard", "by_step", "by_cutoff", "by_series"):
        getattr(constant, name)["mase"] = np.nan
    page = Page(report_html(constant))
    sections = [a["id"] for t, a in page.tags if t == "section"]
    assert not {"step", "wins", "diagnostics"} & set(sections)
    assert "–" in page.text


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"refit": 0}, "The models were fitted once, and saw nothing of a series after its first cutoff."),
        ({"refit": True}, "The models were fitted afresh before every cutoff."),
        ({"refit": 3}, "The models were fitted afresh every 3 cutoffs."),
        ({"n_windows": 1, "h": 1}, "Each series was forecast once, 1 step ahead."),
        ({"gap": 2}, "Not scored: the steps right after a cutoff, 2 each time."),
        ({"train_size": 60, "refit": 1}, "Models saw the last 60 rows before a cutoff. The models were fitted afresh"),
    ],
)
def test_the_page_says_how_the_backtest_was_run(make_result, config, sentence):
    result = make_result(["a"])
    result.config |= config
    assert sentence in " ".join(Page(report_html(result)).text)


def test_a_page_of_a_large_panel_does_not_read_its_whole_folder(tmp_path):
    table = monthly_table(n_series=60)
    result = backtest(["Drift", "Naive"], table, h=3, n_windows=3, path=tmp_path / "run")
    path = write_report(result, tmp_path / "page.html")
    assert callable(vars(result)["_forecasts"])
    assert callable(vars(result)["_observations"])
    assert "this section holds 50 of 60 series" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        ({"gaps": 12, "longest": 9, "series": 3}, "50 (5.0 %), in 12 gaps of up to 9 rows, in 3 series"),
        ({"gaps": 50, "longest": 1, "series": 1}, "50 (5.0 %), in 50 gaps of up to 1 row, in 1 series"),
        ({"gaps": 1, "longest": 50, "series": 1}, "50 (5.0 %), in 1 gap, in 1 series"),
    ],
)
def test_missing_values_are_counted(make_result, gaps, words):
    result = make_result(["a"])
    result.config["data"] |= {"rows": 1000, "observed": 950, "gaps": {"missing": 50, **gaps}}
    assert words in Page(report_html(result)).text


def test_lengths_are_told_where_they_differ(make_result):
    result = make_result(["a"])
    assert "Rows per series" not in Page(report_html(result)).text
    result.config["data"]["lengths"] = [24, 1200, 3000]
    assert "24 to 3,000, median 1,200" in Page(report_html(result)).text


def test_the_page_says_how_to_repeat_the_run(result, page):
    assert result.config["call"] in page.text
    assert "python 3.11.7, tsrnn 0.1.0; Linux x86_64, 2 cores" in page.text
    settings = next(text for text in page.text if text.startswith("{"))
    assert json.loads(settings)["data"]["fingerprint"] == "0123456789abcdef"


def test_residuals_are_told_in_numbers_and_in_words(result):
    table = report_html(result).split('aria-label="Residuals"')[1].split("</table>")[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr><th scope=\"row\".*?</tr>", table)]
    assert rows[0][:2] == ["+0.40", "+0.20 to +0.60"]
    assert [row[-1] for row in rows] == ["too low", "neither, as far as shown", "neither, as far as shown"]
    assert [row[-2] for row in rows] == ["+0.10", "+0.60", "+0.10"]


def test_the_numbers_behind_the_figures_can_be_read(result):
    page = report_html(result)
    for heading, table, values, form in (
        ("Step", result.by_step, "mase", str),
        ("Cutoff", result.by_cutoff, "mase", lambda cutoff: str(cutoff)[:10]),
        ("Quantile", result.by_quantile, "below", "{:.4g}".format),
        ("Lag", result.residuals.autocorrelation, "autocorrelation", str),
    ):
        found = page.split(f'aria-label="Numbers, {values} by {heading.lower()}"')[1].split("</table>")[0]
        rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td>', found)
        mine = table[table["model"] == "tsrnn"]
        key = table.columns[1]
        assert rows == [(form(at), f"{value:.3f}") for at, value in zip(mine[key], mine[values], strict=True)]


def test_numbers_that_nobody_reads_are_left_out(make_result):
    assert 'aria-label="Numbers, mase by step"' not in report_html(make_result(["a"], h=61, n_cutoffs=2))


def test_the_winner_of_each_series_is_named(result):
    table = report_html(result).split('aria-label="MASE by series"')[1].split("</table>")[0]
    winners = re.findall(r'<td class="text">(.*?)</td>', table)
    wide = result.by_series.pivot_table(index="unique_id", columns="model", values="mase")
    assert winners == wide.loc[["USD", "GBP", "JPY", "CHF", "NOK"]].idxmin(axis=1).tolist()


def test_series_named_by_tuples_have_a_page(tmp_path):
    wide = monthly_table().pivot_table(index="ds", columns="unique_id", values="y")
    wide.columns = pd.MultiIndex.from_product([["north"], wide.columns]).to_flat_index()
    result = backtest(["SeasonalNaive", "Naive"], wide, h=3, n_windows=2)
    text = write_report(result, tmp_path / "page.html").read_text(encoding="utf-8")
    shown = text.split('aria-label="MASE by series"')[1].split("</table>")[0]
    for name, score in result.by_series[result.by_series["model"] == "Naive"][["unique_id", "mase"]].itertuples(False):
        assert str(name).replace("'", "&#x27;") in shown
        assert f"{score:.3f}" in shown


def test_many_series_and_long_forecasts_fit_into_six_megabytes(make_result, tmp_path):
    models = ("tsrnn", "ARIMA", "SeasonalNaive", "Theta")
    big = make_result([f"H{i}" for i in range(120)], models=models, n_cutoffs=5, h=48, freq="h")
    path = write_report(big, tmp_path / "big.html")
    assert path.stat().st_size < 6_000_000
    assert "of 120 series" in path.read_text(encoding="utf-8")


def test_series_that_share_no_time_stamps_fit_too(tmp_path):
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2024-01-01")
    parts = [
        pd.DataFrame(
            {
                "unique_id": f"s{i}",
                "ds": pd.date_range(start + pd.Timedelta(microseconds=137 * i + 1), periods=2600, freq="s"),
                "y": rng.normal(size=2600),
            }
        )
        for i in range(50)
    ]
    result = backtest("Naive", pd.concat(parts), h=60, n_windows=40, level=(), season_length=1)
    path = write_report(result, tmp_path / "page.html")
    assert path.stat().st_size < 6_000_000
    assert "To keep this page small, this section holds" in path.read_text(encoding="utf-8")


def with_strategies(result, told):
    return type(result)(**{**vars(result), "config": {**result.config, "strategies": told}})


def test_the_page_tells_what_each_network_did_why_and_what_it_compared(result):
    scores = {"zero-shot": 0.0749, "scratch": 0.0576, "scratch + zero-shot": 0.0601}
    told = {"tsrnn": {"strategy": "scratch", "reason": "23.1 % better than zero-shot on 24 windows", "scores": scores}}
    page = report_html(with_strategies(result, told))
    assert "strategy" in Page(page).ids()
    section = page[page.index('<section id="strategy"') :]
    section = section[: section.index("</section>")]
    assert "tsrnn: scratch</h3>" in section
    assert "23.1 % better than zero-shot on 24 windows." in section
    candidates = re.findall(r'<th scope="row">(.*?)</th><td( class=best)?>(.*?)</td>', section)
    assert candidates == [
        ("scratch", " class=best", "0.0576"),
        ("scratch + zero-shot", "", "0.0601"),
        ("zero-shot", "", "0.0749"),
    ]


def test_a_network_that_compared_nothing_has_a_reason_and_no_table(result, hostile):
    told = {"tsrnn": {"strategy": "zero-shot", "reason": f"as {hostile} asked", "scores": {}}}
    page = report_html(with_strategies(result, told))
    section = page[page.index('<section id="strategy"') :]
    section = section[: section.index("</section>")]
    assert "tsrnn: zero-shot</h3>" in section
    assert "<table>" not in section
    assert "<script>" not in section


def test_without_a_network_there_is_no_section_about_strategies(result):
    assert "strategy" not in Page(report_html(with_strategies(result, {}))).ids()


def test_a_network_that_did_not_train_has_no_loss_curve(result):
    empty = result.history["tsrnn"].iloc[:0]
    without = type(result)(**{**vars(result), "history": {"tsrnn": empty}})
    assert "loss" not in Page(report_html(without)).ids()
    beside = type(result)(**{**vars(result), "history": {"tsrnn": empty, "ARIMA": result.history["tsrnn"]}})
    assert "loss" in Page(report_html(beside)).ids()
    assert {trace.name.split(",")[0] for trace in loss_figure(beside).data} == {"ARIMA"}
