import numpy as np
import pandas as pd
import pytest

from tsrnn import AnomalyDetector

DAYS = ["2024-03-31", "2024-10-27"]


def around(day, freq="h", zone="Europe/Berlin"):
    day = pd.Timestamp(day, tz=zone)
    ds = pd.date_range(day - pd.Timedelta(days=28), day + pd.Timedelta(days=7), freq=freq)
    local = ds.tz_localize(None)
    hour = (local - local.normalize()) / pd.Timedelta("1h")
    noise = np.random.default_rng(0).normal(size=len(ds))
    return pd.Series(100 + 30 * np.sin(2 * np.pi * hour / 24) + noise, index=ds, name="y")


@pytest.mark.parametrize("day", DAYS)
def test_every_row_has_an_answer_and_a_change_of_clocks_is_no_anomaly(day):
    y = around(day)
    detector = AnomalyDetector(alpha=0.001).fit(y)
    table = detector.detect()
    assert table["ds"].tolist() == y.index.tolist()
    after = table[table["ds"] >= pd.Timestamp(day, tz="Europe/Berlin")]
    assert not after["is_anomaly"].any()
    assert (after["y"] - after["expected"]).abs().max() < 8
    y[pd.Timestamp(day, tz="UTC") + pd.Timedelta("1h")] += 50
    events = AnomalyDetector(alpha=0.001).fit(y).events()
    assert events["peak"].tolist() == [pd.Timestamp(day, tz="UTC") + pd.Timedelta("1h")]


@pytest.mark.parametrize("day", DAYS)
def test_a_stream_over_a_change_says_what_the_table_says(day, tmp_path):
    y = around(day)
    n = y.index.get_indexer([pd.Timestamp(day, tz="Europe/Berlin")])[0]
    detector = AnomalyDetector().fit(y.iloc[:n])
    batch = detector.detect(y.iloc[n:])
    detector.save(tmp_path / "detector")
    loaded = AnomalyDetector.load(tmp_path / "detector")
    local = y.index.tz_localize(None)
    # As text with offsets, and as local times without a zone, of which one comes twice in autumn.
    with_offset = [detector.update("y", str(ds), v) for ds, v in y.iloc[n:].items()]
    without = [loaded.update("y", ds, v) for ds, v in zip(local[n:], y.iloc[n:], strict=True)]
    for rows in (with_offset, without):
        table = pd.DataFrame(rows)
        assert table["ds"].tolist() == batch["ds"].tolist()
        np.testing.assert_allclose(table["expected"], batch["expected"], rtol=1e-4)


def test_channels_of_a_system_go_over_a_change_together():
    y = around("2024-10-27")
    wide = pd.DataFrame({"a": y, "b": 2 * y + np.random.default_rng(1).normal(size=len(y))})
    table = AnomalyDetector(channels=True, alpha=0.001).fit(wide).detect()
    assert len(table) == 2 * len(y)
    assert not table["is_anomaly"][table["ds"] >= pd.Timestamp("2024-10-27", tz="Europe/Berlin")].any()
