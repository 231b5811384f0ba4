import numpy as np
import pandas as pd
import pytest

from tsrnn.data.joining import join_newer, refuse_lost_rows
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, FrequencyError


def table(name, first, values, freq="D"):
    return pd.DataFrame({"unique_id": name, "ds": pd.date_range(first, periods=len(values), freq=freq), "y": values})


@pytest.fixture
def known():
    return read_panel(pd.concat([table("a", "2024-01-01", [1.0, 2, 3, 4]), table("b", "2024-01-02", [5.0, 6, 7])]))


def read(known, *parts):
    return read_panel(pd.concat(parts), freq=known.frequency, season_length=known.season_length)


def test_newer_rows_stand_behind_the_known_ones_and_count_where_both_are(known):
    newer = read(known, table("a", "2024-01-04", [40.0, 50]), table("c", "2024-01-05", [9.0]))
    panel, notes = join_newer(known, newer)
    assert panel.ids.tolist() == ["a", "c"]
    assert panel.series(0).tolist() == [1, 2, 3, 40, 50]
    assert panel.start[0] == np.datetime64("2024-01-01")
    assert panel.series(1).tolist() == [9]
    assert notes == [
        "1 of 2 series go on from the rows that the model was fitted on.",
        "1 of the rows that the model was fitted on were revised.",
        "1 of 2 series are new to the model.",
    ]


def test_revised_rows_take_their_places_and_the_rows_after_them_stay(known):
    panel, notes = join_newer(known, read(known, table("a", "2024-01-02", [20.0, 3.0])))
    assert panel.series(0).tolist() == [1, 20, 3, 4]
    assert notes == [
        "1 of 1 series go on from the rows that the model was fitted on.",
        "1 of the rows that the model was fitted on were revised.",
        "1 of the rows that the model was fitted on come after the newer ones and are kept; the forecast follows them.",
    ]
    refuse_lost_rows(panel, known)


def test_an_update_does_not_forget_rows_after_a_series_that_stands_alone(known):
    panel, notes = join_newer(known, read(known, table("a", "2024-01-01", [10.0]), table("b", "2023-12-31", [1.0])))
    assert panel.lengths.tolist() == [1, 1]
    assert notes == [
        "6 of the rows that the model was fitted on come after a series that begins no later than they do, and are "
        "left out.",
    ]
    with pytest.raises(DataError, match=r"forget 6 rows .*of 2 series .*: a \(3\), b \(3\)\. Give the whole table"):
        refuse_lost_rows(panel, known)


def test_rows_between_known_and_newer_ones_are_missing(known):
    panel, _ = join_newer(known, read(known, table("b", "2024-01-07", [8.0])))
    np.testing.assert_array_equal(panel.y, [5, 6, 7, np.nan, np.nan, 8])


def test_a_series_that_is_given_whole_stands_alone(known):
    panel, notes = join_newer(known, read(known, table("a", "2024-01-01", [9.0] * 6), table("b", "2023-12-31", [1.0])))
    assert panel.series(0).tolist() == [9.0] * 6
    assert panel.series(1).tolist() == [1.0]
    assert notes == [
        "3 of the rows that the model was fitted on come after a series that begins no later than they do, and are "
        "left out.",
    ]


def test_what_does_not_go_together_is_refused(known):
    with pytest.raises(DataError, match="Series a: 3,649 rows are missing between the 4 known ones"):
        join_newer(known, read(known, table("a", "2034-01-01", [1.0])))
    noon = read_panel(table("a", "2024-01-05 12:00", [1.0, 2.0, 3.0]))
    with pytest.raises(FrequencyError, match="Series a does not lie on the grid of the fitted table"):
        join_newer(known, noon)
    zoned = table("a", "2024-01-05", [1.0, 2.0, 3.0]).assign(ds=lambda t: t["ds"].dt.tz_localize("UTC"))
    with pytest.raises(DataError, match="have UTC, those of the fitted table no time zone"):
        join_newer(known, read_panel(zoned))
    with pytest.raises(DataError, match="Dates and whole numbers"):
        join_newer(known, read_panel(pd.DataFrame({"unique_id": "a", "ds": [1, 2, 3], "y": 1.0})))
