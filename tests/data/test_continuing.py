from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tsrnn.data.adding import add_rows
from tsrnn.data.answers import id_column
from tsrnn.data.continuing import join_newer, refuse_lost_rows, with_others
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
        "1 of 2 series goes on from the rows that the model was fitted on.",
        "1 of the rows that the model was fitted on was revised.",
        "1 of 2 series is new to the model.",
    ]


def test_revised_rows_take_their_places_and_the_rows_after_them_stay(known):
    panel, notes = join_newer(known, read(known, table("a", "2024-01-02", [20.0, 3.0])))
    assert panel.series(0).tolist() == [1, 20, 3, 4]
    assert notes == [
        "1 of 1 series goes on from the rows that the model was fitted on.",
        "1 of the rows that the model was fitted on was revised.",
        "1 of the rows that the model was fitted on comes after the newer ones and is kept; the forecast follows it.",
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


def named(*ids):
    return pd.concat([table(name, "2024-01-01", [1.0, 2, 3]) for name in ids])


@pytest.mark.parametrize("early", [(1, 2), ("1", "x2"), (1.0, 2.5)])
@pytest.mark.parametrize("late", [(1,), ("1", "new"), (1.0, 7.5)])
def test_names_are_compared_as_text_and_stay_as_they_are_known(early, late):
    known = read_panel(named(*early))
    newer = named(*late).assign(ds=lambda rows: rows["ds"] + pd.Timedelta(days=3))
    panel, _ = join_newer(known, read(known, newer))
    assert panel.ids.tolist() == [early[0], *late[1:]]
    assert panel.lengths.tolist() == [6, 3][: len(late)]
    ids = id_column(panel, np.arange(len(late)))
    assert ids.tolist() == panel.ids.tolist()
    assert id_column(with_others(panel, known), np.arange(len(late) + 1)).tolist() == [*panel.ids, early[1]]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        (1.0, "1.0"),
        (1.0, "1"),
        ("1.0", 1.0),
        (True, "True"),
        (True, "true"),
        (False, "FALSE"),
        ("true", True),
        (1.1, "1.10"),
        (1.0, "1.00"),
        (0.5, ".5"),
        (1e20, "1E20"),
        (pd.Timestamp("2024-01-01"), "2024-01-01 00:00:00"),
        (pd.Timestamp("2024-01-01"), "2024-01-01"),
        (pd.Timestamp("2024-01-01", tz="Europe/Berlin"), "2024-01-01"),
        ("2024-01-01", pd.Timestamp("2024-01-01")),
    ],
)
def test_names_of_any_type_are_known_by_their_text(early, late):
    known = read_panel(named(early))
    newer = named(late).assign(ds=lambda rows: rows["ds"] + pd.Timedelta(days=3))
    panel, notes = join_newer(known, read(known, newer))
    assert panel.ids.tolist() == [early]
    assert panel.lengths.tolist() == [6]
    assert notes == ["1 of 1 series goes on from the rows that the model was fitted on."]


def test_names_that_mean_one_known_series_are_refused():
    known = read_panel(named(1.0))
    with pytest.raises(
        DataError, match=r"series '1' and '1\.0' both have the name of the fitted series 1\.0\. Give one"
    ):
        join_newer(known, read(known, named("1", "1.0")))
    panel, _ = join_newer(read_panel(named("1", "1.0")), read(known, named("1", "1.0")))
    assert panel.ids.tolist() == ["1", "1.0"]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ((1.1, 2.2), "1.11"),
        ((1.1, 2.2), "1.1_0"),
        ((7.0, 8.5), "007"),
        ((1.1, 2.2), "."),
        (("1.1", "2.2"), "1.10"),
        ((True, False), "tRUE"),
        ((pd.Timestamp("2024-01-01 06:00"), pd.Timestamp("2024-01-02")), "2024-01-01"),
    ],
)
def test_names_that_only_look_alike_are_new(early, late):
    known = read_panel(named(*early))
    panel, notes = join_newer(known, read(known, named(late)))
    assert panel.ids.tolist() == [late]
    assert notes == ["1 of 1 series is new to the model."]


def test_a_name_that_is_known_as_it_is_written_comes_before_another_spelling():
    known = read_panel(named(1.1, "1.10", True, "true", pd.Timestamp("2024-01-01"), "2024-01-01"))
    panel, _ = join_newer(known, read(known, named("1.10", "true", "2024-01-01", "1.100")))
    assert panel.ids.tolist() == ["1.10", "true", "2024-01-01", 1.1]


def test_a_name_that_may_mean_several_known_series_is_refused():
    stamp = pd.Timestamp("2024-01-01")
    known = read_panel(named(stamp, stamp.tz_localize("UTC")))
    with pytest.raises(DataError, match=r"'2024-01-01' has the name of 2 fitted series, .* or '2024-01-01 00:00:00\+"):
        join_newer(known, read(known, named("2024-01-01")))
    known = read_panel(named(1.1, 2.2))
    with pytest.raises(DataError, match=r"'1\.1' and '1\.10' both have the name of the fitted series 1\.1\. Give"):
        join_newer(known, read(known, named("1.1", "1.10")))


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


def local(first, n_days, offset, freq="D"):
    stamps = pd.date_range(first, periods=n_days, freq=freq).strftime(f"%Y-%m-%dT%H:%M:%S{offset}")
    return pd.DataFrame({"ds": stamps.astype(object), "y": np.arange(float(n_days))})


def read_like(known, table):
    return read_panel(table, freq=known.frequency, season_length=known.season_length)


SUMMER, WINTER = local("2024-10-20", 8, "+02:00"), local("2024-10-28", 3, "+01:00")
BERLIN = SUMMER.assign(ds=pd.date_range("2024-10-20", periods=8, tz="Europe/Berlin"))


@pytest.mark.parametrize("early", [SUMMER, pd.concat([SUMMER.iloc[:-1], local("2024-10-27", 1, "+01:00")]), BERLIN])
@pytest.mark.parametrize("late", [WINTER, pd.concat([local("2024-10-28", 1, "+02:00"), WINTER.iloc[1:]])])
def test_local_days_go_on_when_the_clocks_change(early, late):
    known = read_panel(early)
    panel, _ = join_newer(known, read_like(known, late))
    assert panel.start[0] == np.datetime64("2024-10-20")
    assert panel.y.tolist() == [*known.y, 0, 1, 2]


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_hours_with_offsets_go_on_when_the_clocks_change(rows):
    summer, winter = local("2024-10-26", 27, "+02:00", "h"), local("2024-10-27 02:00", 40, "+01:00", "h")
    known = read_panel(summer)
    panel, _ = join_newer(known, read_like(known, winter[:rows]))
    assert panel.y.tolist() == [*range(27), *range(rows)]
    both = read_panel(pd.concat([summer, winter[:10]]))
    panel, _ = join_newer(both, read_like(both, winter[10 : 10 + rows]))
    assert len(panel.y) == 37 + rows
    panel, _ = join_newer(known, read_like(known, pd.concat([summer[-1:], winter[:1]])))
    assert len(panel.y) == 28


def test_days_of_places_far_apart_are_refused():
    known = read_panel(SUMMER)
    with pytest.raises(DataError, match=r"have UTC-05:00, those of the fitted table UTC\+02:00"):
        join_newer(known, read_like(known, local("2024-10-28", 3, "-05:00")))
    there = local("2024-10-28", 3, "").assign(ds=pd.date_range("2024-10-28", periods=3, tz="America/New_York"))
    with pytest.raises(DataError, match="have America/New_York, those of the fitted table Europe/Berlin"):
        join_newer(read_panel(BERLIN), read_panel(there))
    for table, zone in ((SUMMER, "UTC"), (pd.concat([SUMMER, WINTER]), "several UTC offsets")):
        with pytest.raises(DataError, match=f"have no time zone, those of the fitted table {zone}"):
            join_newer(read_panel(table), read_like(known, local("2024-10-28", 3, "")))
    with pytest.raises(
        DataError, match=r"UTC\+02:00, those of the fitted table UTC\+02:00 at several times of the day"
    ):
        join_newer(read_panel(local("2024-10-26", 27, "+02:00", "h")), known)


def test_rows_far_before_the_known_ones_stand_alone(known):
    panel, notes = join_newer(known, read(known, table("a", "2023-12-01", [9.0, 8.0])))
    assert panel.y.tolist() == [9, 8]
    assert notes[0].startswith("4 of the rows that the model was fitted on come after a series that begins no later")
    added = add_rows(known, read(known, table("a", "2023-12-01", [9.0, 8.0])))
    assert added.panel.lengths.tolist() == [35, 3]
    assert added.panel.start[0] == np.datetime64("2023-12-01")
    assert added.panel.series(0)[[0, 1, 31, 34]].tolist() == [9, 8, 1, 4]
    assert added.notes == ()
    assert not added.is_later


def test_a_day_that_was_taken_for_a_holiday_moves_the_known_rows_after_it():
    days = pd.bdate_range("2020-01-01", periods=300)
    prices = pd.DataFrame({"ds": days, "y": np.random.default_rng(1).normal(size=300).cumsum() + 50})
    known = read_panel(prices.drop([50, 120, 200, 280]))
    newer = read_like(known, prices[118:123].assign(y=lambda rows: rows["y"] + 1))
    expected = prices["y"].to_numpy() + np.isin(np.arange(300), np.arange(118, 123))
    panel, notes = join_newer(known, newer)
    np.testing.assert_array_equal(panel.y, np.delete(expected, [50, 200, 280]))
    np.testing.assert_array_equal(add_rows(known, newer).panel.y, panel.y)
    assert notes[1] == "5 of the rows that the model was fitted on were revised."
    assert with_others(replace(panel, ids=np.array(["other"])), known).lengths.tolist() == [297, 297]


def test_newer_rows_without_a_value_move_time_on_and_take_nothing_away(known):
    rows = pd.concat([table("a", "2024-01-03", [np.nan] * 4), table("b", "2024-01-01", [np.nan] * 6)])
    newer = read_panel(rows, freq=known.frequency, more=True)
    panel, notes = join_newer(known, newer)
    np.testing.assert_array_equal(panel.series(0), [1, 2, 3, 4, np.nan, np.nan])
    np.testing.assert_array_equal(panel.series(1), [5, 6, 7, np.nan, np.nan])
    assert panel.start.tolist() == known.start.tolist()
    assert notes == ["2 of 2 series go on from the rows that the model was fitted on."]
    assert not any("have no values" in note for note in panel.notes)
    assert any("2 series end with missing values" in note for note in panel.notes)


def test_a_series_without_any_value_is_named_or_refused_where_there_is_no_other(known):
    empty = table("c", "2024-01-05", [np.nan] * 2)
    newer = read_panel(pd.concat([table("a", "2024-01-05", [5.0]), empty]), freq=known.frequency, more=True)
    with pytest.warns(UserWarning, match=r"1 of 2 series has no values and no answer but NaN: c\."):
        join_newer(known, newer)
    with pytest.raises(DataError, match="The series is empty"):
        join_newer(known, read_panel(empty, freq=known.frequency, more=True))
