import numpy as np
import pandas as pd
import pytest

from tests.anomaly.conftest import hourly
from tsrnn import AnomalyDetector, anomaly_figure, write_anomaly_page
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
    assert "<td><b>a" not in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    assert page.count("<section>") == 2


def test_of_a_long_series_all_rows_near_anomalies_are_drawn():
    n = 50_000
    table = pd.DataFrame(
        {
            "unique_id": "a",
            "ds": np.arange(n),
            "y": 0.0,
            "expected": 0.0,
            "lower": -1.0,
            "upper": 1.0,
            "score": 1.0,
            "p_value": 0.5,
            "is_anomaly": False,
        }
    )
    table.loc[30_000, "is_anomaly"] = True
    figure = anomaly_figure(table)
    drawn = np.asarray(figure.data[3].x)
    assert len(drawn) < 25_000
    assert set(range(29_950, 30_051)) <= set(drawn.tolist())
    assert "of 50,000 rows drawn" in figure.layout.title.text


def test_a_page_without_events_says_so(detector, tmp_path):
    table = detector.detect()
    path = write_anomaly_page(table, detector.events().iloc[:0], tmp_path / "page.html")
    assert "<p>None.</p>" in path.read_text()


def test_wrong_tables_series_and_paths_are_refused(detector, tmp_path):
    table = detector.detect()
    with pytest.raises(ColumnError, match="no column expected"):
        anomaly_figure(table.drop(columns="expected"))
    with pytest.raises(ColumnError, match="no series 'c'"):
        anomaly_figure(table, "c")
    with pytest.raises(ParameterError, match="cannot be written"):
        write_anomaly_page(table, detector.events(), tmp_path / "nowhere" / "page.html")
