"""The page of a forecast in a real browser."""

import pytest

from tests.conftest import monthly_table
from tsrnn.data.tables import read_panel
from tsrnn.forecasting.naive import SeasonalNaive
from tsrnn.reporting.forecast_page import write_forecast_page

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)


def test_the_page_draws_the_series_and_interval_that_are_chosen(browser, hostile, tmp_path):
    table = monthly_table(n_series=2).replace({"unique_id": {"series 1": hostile}})
    panel = read_panel(table)
    values = SeasonalNaive().fit(panel).forecast(panel, panel.last_cutoffs(), 6, QUANTILES)
    path = tmp_path / "forecast.html"
    browser.emulate()
    write_forecast_page(panel, values, QUANTILES, path, title=hostile, name=hostile, levels=(80, 95))
    browser.open(path.as_uri())

    def trace(role):
        return browser.run(f"document.getElementById('figure-forecast').data.find((t) => t.meta.role === {role!r}).y")

    assert trace("median")[1:] == pytest.approx(values[0, :, 2].tolist(), rel=1e-6)
    assert trace("before")[-1] == pytest.approx(panel.series(0)[-1], rel=1e-6)
    choose = "(id, value) => { const s = document.getElementById(id); s.value = value;"
    browser.run(f"(({choose} s.dispatchEvent(new Event('change')); }})('series', '1'))")
    browser.run(f"(({choose} s.dispatchEvent(new Event('change')); }})('interval', '0/95'))")
    assert trace("median")[1:] == pytest.approx(values[1, :, 2].tolist(), rel=1e-6)
    assert max(trace("band")) == pytest.approx(values[1, :, 4].max(), rel=1e-6)
    assert browser.run("document.getElementById('caption').textContent").startswith(hostile)
    assert browser.run("window.pwned") is None
    assert browser.run("document.getElementById('cutoff').offsetParent") is None  # there is only one
    browser.emulate(width=380, height=800, phone=True)
    browser.settle()
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.problems() == []
    assert browser.requests() == [path.as_uri()]
