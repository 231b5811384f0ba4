import json
import re
from html import unescape

import numpy as np
import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from tests.anomaly.conftest import hourly
from tsrnn import AnomalyDetector, anomaly_figure, write_anomaly_page
from tsrnn.anomaly.events import find_events
from tsrnn.errors import ColumnError, ParameterError


@pytest.fixture(scope="module")
def detector():
    y = hourly(450)
    y.iloc[400] += 20
    wide = pd.DataFrame({"<b>a</b>": y, "b": hourly(450, seed=2)})
    return AnomalyDetector().fit(wide)


def test_a_figure_draws_what_was_observed_expected_and_anomalous(detector):
    table = detector.detect()
    figure = anomaly_figure(table, "b")
    traces = {trace.name: trace for trace in figure.data}
    mine = table[table["unique_id"] == "b"]
    np.testing.assert_array_equal(traces["observed"].y, mine["y"])
    np.testing.assert_array_equal(traces["expected"].y, mine["expected"])
    assert len(traces["anomalous"].x) == mine["is_anomaly"].sum()


def test_a_name_from_the_data_never_becomes_markup(detector, tmp_path):
    table = detector.detect()
    assert anomaly_figure(table).layout.title.text.startswith("&lt;b&gt;a")
    path = write_anomaly_page(table, detector.events(), tmp_path / "page.html", title="<script>alert(1)</script>")
    page = path.read_text()
    assert "<script>alert(1)" not in page
    assert "><b>a" not in page
    assert "<h3>&lt;b&gt;a&lt;/b&gt;</h3>" in page
    assert page.count("<h3>") == 2


def long_table(n):
    y = np.random.default_rng(0).normal(size=n)
    return pd.DataFrame(
        {
            "unique_id": "a",
            "ds": np.arange(n),
            "y": y,
            "expected": 0.0,
            "lower": -3.0,
            "upper": 3.0,
            "score": 1.0,
            "p_value": 0.5,
            "is_anomaly": False,
        }
    )


def test_of_a_long_series_extremes_and_all_rows_around_anomalies_are_drawn():
    table = long_table(50_000)
    table.loc[[12, 30_000], "is_anomaly"] = True
    table.loc[30_100:30_400, "is_anomaly"] = True
    table.loc[20_000, "y"], table.loc[40_001, "y"] = 9.0, -9.0
    table.loc[45_000, "y"] = np.nan
    figure = anomaly_figure(table)
    drawn = set(np.asarray(figure.data[3].x).tolist())
    assert len(drawn) < 7_000
    assert {2, 12, 22, 20_000, 40_001, 45_000} <= drawn
    assert set(range(29_990, 30_011)) | set(range(30_090, 30_411)) <= drawn
    # No stretch of 40 rows is left out, so that the line looks as that of all rows.
    assert np.diff(sorted(drawn)).max() < 80
    assert "of 50,000 rows drawn" in figure.layout.title.text


def test_a_figure_of_as_many_rows_as_there_is_room_for_draws_all():
    table = long_table(3_000)
    assert len(anomaly_figure(table).data[3].x) == 3_000
    assert len(anomaly_figure(table, most_rows=600).data[3].x) < 700


def test_a_page_of_a_long_series_carries_little_besides_the_script(tmp_path):
    table = long_table(26_000)
    path = write_anomaly_page(table, find_events(table, 24, 8), tmp_path / "page.html")
    assert path.stat().st_size - len(get_plotlyjs()) < 1_000_000


def test_the_head_of_a_column_of_events_is_aligned_as_its_cells_are(detector, tmp_path):
    page = write_anomaly_page(detector.detect(), detector.events(), tmp_path / "page.html").read_text()
    heads = re.findall(r'<th scope="col"( class="text)?"?>([^<]*)</th>', page)
    cells = re.findall(r'<td( class="text)?[^>]*>', page)
    assert [kind for kind, _ in heads[1:]] == cells[: len(heads) - 1]
    assert [name for kind, name in heads[1:] if not kind] == ["Rows", "Observed", "Expected", "Score", "p-value"]


def test_the_start_of_an_event_leads_to_the_rows_around_it(detector, tmp_path):
    table = detector.detect()
    event = detector.events().iloc[[0]]
    page = write_anomaly_page(table, event, tmp_path / "page.html").read_text()
    (found,) = re.findall(r'data-zoom="(\S+)" data-range="(\[[^"]*)">([^<]*)</button>', page)
    assert found[0] == "series-0"
    begin, end = pd.to_datetime(json.loads(unescape(found[1])))
    start = event["start"].iloc[0]
    assert found[2] == f"{start:%Y-%m-%d %H:%M}"
    assert (start - begin, end - event["end"].iloc[0]) == (pd.Timedelta(hours=24), pd.Timedelta(hours=24))


def test_an_event_at_an_end_of_a_series_is_shown_up_to_it(tmp_path):
    table = long_table(100)
    table.loc[98:, "is_anomaly"] = True
    table.loc[98:, "p_value"] = 0.001
    page = write_anomaly_page(table, find_events(table, 1, 8), tmp_path / "page.html").read_text()
    assert 'data-range="[74, 99]"' in page


def test_a_long_event_is_shown_with_as_many_rows_before_and_after_it(tmp_path):
    table = long_table(400)
    table.loc[150:209, "is_anomaly"] = True
    page = write_anomaly_page(table, find_events(table, 1, 8), tmp_path / "page.html").read_text()
    assert 'data-range="[90, 269]"' in page


def test_of_many_events_those_with_the_highest_scores_are_listed_in_their_order(tmp_path):
    table = long_table(6_000)
    rows = np.arange(5, 6_000, 10)
    table.loc[rows, "is_anomaly"], table.loc[rows, "score"] = True, 2.0 + np.arange(len(rows))
    page = write_anomaly_page(table, find_events(table, 1, 0), tmp_path / "page.html").read_text()
    starts = re.findall(r">([0-9,]+)</button>", page)
    assert [int(start) for start in starts] == rows[-500:].tolist()
    assert "The 500 events with the highest scores." in page


def test_a_page_tells_notes_and_command_where_it_is_given_them(detector, tmp_path):
    table, events = detector.detect(), detector.events()
    page = write_anomaly_page(table, events, tmp_path / "page.html").read_text()
    assert "Notes" not in page.split("<script")[0]
    assert "To repeat this" not in page.split("<script")[0]
    page = write_anomaly_page(table, events, tmp_path / "page.html", notes=("a < b",), command="tsrnn <x>").read_text()
    assert "<li>a &lt; b</li>" in page
    assert "tsrnn &lt;x&gt;</pre>" in page


def test_a_page_without_events_says_so(detector, tmp_path):
    table = detector.detect()
    path = write_anomaly_page(table, detector.events().iloc[:0], tmp_path / "page.html")
    assert '<h2>Events</h2><p class="lead">None.</p>' in path.read_text()


def test_a_page_neither_counts_nor_draws_a_series_without_values(detector, tmp_path):
    table = detector.detect()
    table.loc[table["unique_id"] == "b", ["y", "expected", "lower", "upper", "score", "p_value"]] = np.nan
    page = write_anomaly_page(table, detector.events().iloc[:0], tmp_path / "page.html").read_text()
    assert "0 events in 1 series" in page
    assert 'id="figure-series-0"' in page
    assert 'id="figure-series-1"' not in page


def test_wrong_tables_series_and_paths_are_refused(detector, tmp_path):
    table = detector.detect()
    with pytest.raises(ColumnError, match="no column expected"):
        anomaly_figure(table.drop(columns="expected"))
    with pytest.raises(ParameterError, match="Expected the table that `detect` returns, not AnomalyDetector"):
        anomaly_figure(detector)
    with pytest.raises(ColumnError, match="no series 'c'"):
        anomaly_figure(table, "c")
    with pytest.raises(ParameterError, match="lies in a folder that does not exist"):
        write_anomaly_page(table, detector.events(), tmp_path / "nowhere" / "page.html")
    page = tmp_path / "page.html"
    with pytest.raises(ColumnError, match=r"no column unique_id, .* Expected what `detect` returns"):
        write_anomaly_page(pd.DataFrame({"x": [1.0]}), detector.events(), page)
    with pytest.raises(ColumnError, match=r"no column start, .* Expected what `events` returns"):
        write_anomaly_page(table, table, page)
    with pytest.raises(ParameterError, match="Expected the table that `events` returns, not list"):
        write_anomaly_page(table, [], page)
    with pytest.raises(ColumnError, match="no series '<b>a</b>'"):
        write_anomaly_page(table[table["unique_id"] == "b"], detector.events(), page)
    assert not page.exists()


def test_a_page_of_no_rows_says_so(detector, tmp_path):
    none = detector.detect().iloc[:0]
    page = write_anomaly_page(none, detector.events().iloc[:0], tmp_path / "page.html").read_text()
    assert "0 events in 0 series: 0 of 0 judged rows are anomalous." in page
