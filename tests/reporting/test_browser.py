"""The page as a person meets it: in a real browser, which must find nothing to complain about."""

from urllib.parse import quote

import numpy as np
import pytest

from tsrnn.reporting.colours import MODEL_COLOURS, SURFACE
from tsrnn.reporting.figures import forecast_figure
from tsrnn.reporting.report import write_report

MODELS = ("tsrnn", "ARIMA", "SeasonalNaive", "Theta")


@pytest.fixture(scope="module")
def prices(make_result):
    return make_result(["USD", "GBP", "JPY", "CHF", "NOK"], models=MODELS, n_cutoffs=20, h=14)


@pytest.fixture(scope="module")
def address(prices, tmp_path_factory):
    return write_report(prices, tmp_path_factory.mktemp("page") / "prices backtest.html").as_uri()


@pytest.fixture(autouse=True)
def _desktop(browser):
    browser.emulate()


@pytest.fixture
def opened(browser, address, prices):
    """Show the page as it opens; it is loaded again only where another test has left it."""
    if browser.run("location.href.split('#')[0]") != address:
        browser.open(address)
    last = str(prices.forecasts["cutoff"].max())[:10]
    browser.run(f"location.hash = 'series=USD&cutoff={last}&level=80&interval=tsrnn'")
    browser.settle()
    browser.events.clear()
    return browser


def drawn(browser, role, model=None):
    """Return x and y of a trace of the forecast figure, as the browser has drawn them."""
    return browser.run(
        "(() => { const t = document.getElementById('figure-forecast').data.find((t) => t.meta.role === "
        f"{role!r} && ({'true' if model is None else 'false'} || t.meta.model === {model or 0}));"
        " return { x: t.x, y: t.y, visible: t.visible }; })()"
    )


def pick(browser, control, words):
    """Choose the option that reads so, as a person would."""
    browser.run(
        f"(() => {{ const s = document.getElementById({control!r});"
        f" s.value = [...s.options].find((o) => o.text === {words!r}).value;"
        " s.dispatchEvent(new Event('change')); })()"
    )


def test_the_page_draws_every_figure_without_a_complaint_or_a_request(browser, address):
    browser.open(address)
    figures = browser.run(
        "[...document.querySelectorAll('.figure')]"
        ".map((f) => [f.id.slice(7), f.querySelectorAll('svg.main-svg').length])"
    )
    names = [name for name, _ in figures]
    assert names == [
        "forecast", "step", "time", "wins", "calibration", "reliability", "bias", "residuals", "autocorrelation",
        "loss",
    ]  # fmt: skip
    assert all(count > 0 for _, count in figures)
    assert browser.run("document.querySelectorAll('#figure-step .scatterlayer .trace path.js-line').length") == 4
    assert browser.problems() == []
    assert browser.requests() == [address]


def test_the_browser_would_refuse_a_request(opened):
    opened.run("fetch('https://example.org/').catch(() => null).then(() => null)")
    assert any("Content Security Policy" in problem for problem in opened.problems())


def test_the_chooser_shows_another_series_and_cutoff(opened, prices):
    table = prices.forecasts[prices.forecasts["unique_id"] == "JPY"]
    pick(opened, "series", "JPY")
    last = table[table["cutoff"] == table["cutoff"].max()]
    assert drawn(opened, "after")["y"] == pytest.approx(last["y"].to_numpy(), rel=1e-6)
    opened.run("document.getElementById('earlier').click()")
    cutoff = table["cutoff"].drop_duplicates().iloc[-2]
    rows = table[table["cutoff"] == cutoff]
    median = drawn(opened, "median", 1)
    assert median["y"][1:] == pytest.approx(rows["ARIMA"].to_numpy(), rel=1e-6)
    assert median["x"][1:] == rows["ds"].dt.strftime("%Y-%m-%d").tolist()
    assert median["x"][0] == drawn(opened, "before")["x"][-1] == str(cutoff)[:10]
    error = np.abs(rows["ARIMA"] - rows["y"]).mean()
    assert float(opened.run("document.getElementById('error-1').textContent")) == pytest.approx(error, rel=1e-3)
    assert (
        opened.run("document.getElementById('caption').textContent")
        == f"JPY, forecast from {str(cutoff)[:10]}: 14 steps"
    )
    assert opened.problems() == []


def test_the_browser_draws_what_the_notebook_draws(opened, prices):
    for trace in forecast_figure(prices).data:
        found = drawn(opened, trace.meta["role"], trace.meta.get("model"))
        assert found["x"] == list(trace.x)
        assert found["y"] == pytest.approx(list(trace.y), rel=1e-6)


def test_the_interval_and_the_models_can_be_chosen(opened, prices):
    pick(opened, "interval", "Theta, 95 %")
    rows = prices.forecasts[prices.forecasts["unique_id"] == "USD"]
    rows = rows[rows["cutoff"] == rows["cutoff"].max()]
    assert drawn(opened, "band")["y"][1:15] == pytest.approx(rows["Theta-hi-95"].to_numpy(), rel=1e-6)
    opened.run("document.getElementById('model-3').click()")
    assert drawn(opened, "band")["visible"] is False
    assert drawn(opened, "median", 3)["visible"] is False
    assert drawn(opened, "median", 2)["visible"] is True
    pick(opened, "interval", "none")
    assert opened.run("location.hash").endswith("level=&interval=Theta&hide=Theta")


def test_an_address_with_a_choice_opens_on_it(browser, address, prices):
    cutoff = str(prices.forecasts["cutoff"].iloc[0])[:10]
    browser.open(f"{address}#series=CHF&cutoff={cutoff}&level=95&interval=ARIMA&hide=Theta&hide=tsrnn")
    state = browser.run(
        "['series', 'cutoff', 'interval'].map((id) => document.getElementById(id).selectedOptions[0].text)"
        ".concat([0, 1, 2, 3].map((m) => document.getElementById('model-' + m).checked))"
    )
    assert state == ["CHF", cutoff, "ARIMA, 95 %", False, True, True, False]
    assert browser.run("document.getElementById('earlier').disabled")


def test_an_address_that_names_nothing_known_changes_nothing(opened):
    before = opened.run("document.getElementById('caption').textContent")
    opened.run("location.hash = 'series=EUR&cutoff=never&level=12&interval=x&hide=y'")
    opened.settle()
    assert opened.run("document.getElementById('caption').textContent") == before
    assert opened.problems() == []


def test_a_series_of_the_table_leads_to_its_forecasts(opened):
    opened.run("[...document.querySelectorAll('[data-series]')].find((b) => b.textContent === 'NOK').click()")
    assert opened.run("document.getElementById('caption').textContent").startswith("NOK, forecast from ")
    assert opened.run("document.activeElement.id") == "series"


def test_the_page_can_be_used_by_keyboard(browser, address):
    def press(key, code):
        for kind in ("keyDown", "keyUp"):
            browser.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    browser.open(address)
    press("Tab", 9)
    assert browser.run("document.activeElement.className") == "skip"
    assert browser.run("document.activeElement.getBoundingClientRect().left") >= 0
    browser.run("document.getElementById('series').focus()")
    press("ArrowDown", 40)
    assert browser.run("document.getElementById('caption').textContent").startswith("GBP, forecast from ")
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_figures_follow_the_colour_scheme_while_the_page_is_open(browser, address):
    script = (
        "(() => { const f = document.getElementById('figure-step');"
        " return [f.data[0].line.color, f.layout.paper_bgcolor, getComputedStyle(document.body).color]; })()"
    )
    browser.open(address)
    light = browser.run(script)
    browser.emulate(dark=True)
    browser.settle()
    dark = browser.run(script)
    assert light == [MODEL_COLOURS[0][0], SURFACE[0], "rgb(27, 31, 36)"]
    assert dark == [MODEL_COLOURS[0][1], SURFACE[1], "rgb(232, 234, 237)"]


def test_a_phone_shows_one_column_without_scrolling_sideways(browser, address):
    browser.emulate(width=390, height=844, phone=True)
    browser.open(address)
    assert browser.run("document.documentElement.scrollWidth") == 390
    widths = browser.run(
        "[...document.querySelectorAll('.figure svg.main-svg')].map((s) => s.getBoundingClientRect().width)"
    )
    assert max(widths) <= 390
    assert browser.run("document.querySelector('.scroll').scrollWidth > document.querySelector('.scroll').clientWidth")


def test_the_page_prints_in_light_colours_and_returns_to_dark_ones(browser, address):
    browser.emulate(dark=True)
    browser.open(address)
    browser.run(
        "addEventListener('beforeprint', () => { window.printed = ["
        "document.getElementById('figure-step').data[0].line.color,"
        "document.getElementById('figure-step').layout.width]; })"
    )
    browser.send("Page.printToPDF")
    browser.settle()
    assert browser.run("window.printed") == [MODEL_COLOURS[0][0], 660]
    assert browser.run("document.getElementById('figure-step').data[0].line.color") == MODEL_COLOURS[0][1]


def test_the_command_can_be_copied(opened, prices):
    opened.run("document.querySelector('[data-copy=command]').click()")
    assert opened.run("getSelection().toString()") == prices.config["command"]


def test_hostile_names_are_shown_and_never_run(browser, make_result, hostile, tmp_path):
    spoiled = make_result(["a", hostile], models=(hostile, "ARIMA"), networks=(hostile,))
    path = write_report(spoiled, tmp_path / "hostile.html", title=hostile)
    browser.open(f"{path.as_uri()}#series={quote(hostile, safe='')}")
    # Hovering writes names into the figure.
    for figure in ("#figure-forecast", "#figure-step"):
        browser.point_at(f"{figure} .nsewdrag", across=0.9)
        browser.wait_for(f"document.querySelector('{figure} .hoverlayer').textContent !== ''")
        assert hostile[:27] + "…" in browser.run(f"document.querySelector('{figure} .hoverlayer').textContent")
    assert browser.run("window.pwned") is None
    assert browser.run("document.title") == hostile
    assert browser.run("document.getElementById('caption').textContent").startswith(hostile)
    assert browser.run("document.querySelectorAll('img, a[href^=java]').length") == 0
    labels = browser.run(
        "[...document.querySelectorAll('#figure-wins .yaxislayer-above text')].map((t) => t.textContent)"
    )
    assert hostile[:27] + "…" in labels
    assert browser.problems() == []
    assert browser.requests() == [path.as_uri()]


def test_a_panel_is_drawn_as_a_point_per_series(browser, make_result, tmp_path):
    names = [f"shop {i}" for i in range(60)]
    path = write_report(make_result(names, n_cutoffs=2, h=3), tmp_path / "panel.html")
    browser.open(path.as_uri())
    assert browser.run("document.querySelectorAll('#figure-duel .scatterlayer path.point').length") == 60
    text = browser.run("document.getElementById('wins').textContent")
    assert "Each point is a series. Below the line, tsrnn is better: on " in text
    assert browser.problems() == []


def test_one_model_without_intervals_over_one_step_and_whole_numbers_is_drawn(browser, make_result, tmp_path):
    bare = make_result(["a"], models=("ARIMA",), levels=(), n_cutoffs=3, h=1, networks=(), start=100)
    bare.verdict = None
    path = write_report(bare, tmp_path / "bare.html")
    browser.open(path.as_uri())
    browser.run("document.getElementById('earlier').click()")
    rows = bare.forecasts.iloc[1]
    assert drawn(browser, "median", 0)["y"][-1] == pytest.approx(rows["ARIMA"], rel=1e-6)
    assert browser.problems() == []
