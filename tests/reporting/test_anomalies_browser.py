"""The page of anomalies in a real browser."""

import numpy as np
import pandas as pd

from tsrnn import write_anomaly_page
from tsrnn.anomaly.events import find_events


def detections(name, at):
    """Return 400 hours with one anomalous row."""
    n = 400
    y = 10 + np.sin(np.arange(n) * np.pi / 12)
    y[at] += 30
    table = pd.DataFrame({"unique_id": name, "ds": pd.date_range("2024-01-01", periods=n, freq="h"), "y": y})
    found = np.arange(n) == at
    expected = {"expected": 10.0, "lower": 8.0, "upper": 12.0}
    return table.assign(**expected, score=1.0 + found, p_value=np.where(found, 1e-4, 0.5), is_anomaly=found)


def test_an_event_is_shown_in_the_figure_of_its_series(browser, hostile, tmp_path):
    table = pd.concat([detections("a", 100), detections(hostile, 200)], ignore_index=True)
    path = write_anomaly_page(table, find_events(table, 24, 8), tmp_path / "a.html", title=hostile, command=hostile)
    browser.emulate()
    browser.open(path.as_uri())
    figures = browser.run("[...document.querySelectorAll('.figure')].map((f) => f.data.map((t) => t.name))")
    assert [names[2:] for names in figures] == [["expected", "observed", "anomalous"]] * 2

    def shown(key):
        return browser.run(
            f"document.getElementById('figure-{key}')._fullLayout.xaxis.range.map((d) => d.slice(0, 13))"
        )

    whole = shown("series-0")
    browser.run("document.querySelectorAll('[data-zoom]')[1].click()")
    browser.settle()
    assert shown("series-1") == ["2024-01-08 08", "2024-01-10 08"]
    assert shown("series-0") == whole
    # What is shown stays when the page is drawn again.
    browser.emulate(dark=True)
    browser.wait_for("document.getElementById('figure-series-1').layout.paper_bgcolor !== '#ffffff'")
    assert shown("series-1") == ["2024-01-08 08", "2024-01-10 08"]
    browser.emulate(width=380, height=800, phone=True)
    browser.settle()
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.run("window.pwned") is None
    assert browser.problems() == []
    assert browser.requests() == [path.as_uri()]
