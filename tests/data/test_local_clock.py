import datetime

import numpy as np
import pandas as pd
import pytest

from tsrnn.data.local_clock import LocalClock, clock_notes, followed_zone, local_clock
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel

# Zone, step, and a time around a change of its clocks: an hour in spring and in autumn, and half an hour.
CHANGES = [
    ("Europe/Berlin", "h", "2024-03-31"),
    ("Europe/Berlin", "h", "2024-10-27"),
    ("America/New_York", "30min", "2024-03-10"),
    ("America/New_York", "15min", "2024-11-03"),
    ("Australia/Lord_Howe", "30min", "2024-04-07"),
    ("Australia/Lord_Howe", "15min", "2024-10-06"),
    ("Africa/Casablanca", "h", "2024-04-14"),
]


def around(zone, freq, day, before=3, after=2):
    start = pd.Timestamp(day, tz=zone) - pd.Timedelta(days=before)
    ds = pd.date_range(start, start + pd.Timedelta(days=before + after), freq=freq)
    return pd.Series(np.arange(len(ds), dtype=float), index=ds, name="y")


def by_hand(y, freq="h"):
    """The mean of each local time, on a full grid."""
    local = y.groupby(y.index.tz_localize(None)).mean()
    return local.reindex(pd.date_range(local.index[0], local.index[-1], freq=freq))


@pytest.mark.parametrize(("zone", "freq", "day"), CHANGES)
def test_rows_lie_at_their_local_times_and_a_time_that_comes_twice_is_the_mean(zone, freq, day):
    y = around(zone, freq, day)
    panel = read_panel(y)
    seen, expected = local_clock(panel), by_hand(y, freq)
    assert seen.start[0] == expected.index[0]
    np.testing.assert_array_equal(seen.y, expected.to_numpy())
    assert np.isnan(seen.y).any() != (len(expected) < len(y))
    assert any("follows the local clock" in note for note in panel.notes)


def test_what_is_missing_at_a_change_stays_missing_and_one_of_two_values_counts_alone():
    y = around("Europe/Berlin", "h", "2024-10-27")
    second = pd.Timestamp("2024-10-27 01:00", tz="UTC")
    np.testing.assert_array_equal(local_clock(read_panel(y.drop(second))).y, by_hand(y.drop(second)).to_numpy())
    assert by_hand(y.drop(second))["2024-10-27 02:00"] == y[second - pd.Timedelta("1h")]
    both = y.drop([second, second - pd.Timedelta("1h")])
    assert np.isnan(local_clock(read_panel(both)).y).sum() == 1


def test_series_that_begin_and_end_within_the_time_that_comes_twice_are_laid_out_like_others():
    whole = around("Europe/Berlin", "15min", "2024-10-27")
    first = whole.index.get_loc(pd.Timestamp("2024-10-27 00:30", tz="UTC"))
    table = pd.concat(
        [
            whole.iloc[first:].rename("late").rename_axis("ds").reset_index(name="y").assign(unique_id="late"),
            whole.iloc[: first + 4].rename_axis("ds").reset_index(name="y").assign(unique_id="early"),
            whole.rename_axis("ds").reset_index(name="y").assign(unique_id="whole"),
        ]
    )
    clock = LocalClock(read_panel(table), whole.index.tz)
    for i, y in enumerate((whole.iloc[first:], whole.iloc[: first + 4], whole)):
        expected = by_hand(y, "15min")
        assert clock.panel.start[i] == expected.index[0]
        np.testing.assert_array_equal(clock.panel.series(i)[: len(expected)], expected.to_numpy())
        assert np.isnan(clock.panel.series(i)[len(expected) :]).all()


@pytest.mark.parametrize(("zone", "freq", "day"), CHANGES)
def test_steps_after_any_cutoff_are_at_their_local_times_and_no_later_row_is_before_it(zone, freq, day):
    y = around(zone, freq, day)
    panel = read_panel(y)
    clock = LocalClock(panel, y.index.tz)
    ends = np.arange(1, len(y) + 1)
    local, step = clock.steps(Cutoffs(np.zeros(len(ends), np.int64), ends), 30)
    grid = by_hand(y, freq).index
    stamps = pd.date_range(y.index[0], periods=len(y) + 30, freq=freq).tz_localize(None)
    for end, seen, steps in zip(ends, local.end, step, strict=True):
        assert (grid[0] + (seen + steps) * pd.Timedelta(y.index.freq) == stamps[end : end + 30]).all()
        assert not set(grid[:seen]) & set(stamps[end : len(y)])


def test_seasons_and_steps_that_no_clock_moves_are_left_as_they_are():
    hours = around("Europe/Berlin", "h", "2024-10-27")
    assert str(followed_zone(read_panel(hours))) == "Europe/Berlin"
    assert followed_zone(read_panel(hours, season_length=1)) is None
    for other in (
        hours.tz_convert("UTC"),
        hours.tz_convert(datetime.timezone(datetime.timedelta(hours=1))),
        hours.tz_localize(None)[~hours.index.tz_localize(None).duplicated()],
        around("Europe/Berlin", "4h", "2024-10-27", 9, 9),
        around("Europe/Berlin", "D", "2024-10-27", 9, 9),
        around("Europe/Berlin", "s", "2024-10-27", 0, 1).iloc[:20_000],
    ):
        panel = read_panel(other)
        assert followed_zone(panel) is None
        assert local_clock(panel) is panel


def test_without_a_change_the_rows_are_the_very_same():
    for zone, day in (("Asia/Kolkata", "2024-03-31"), ("Europe/Berlin", "2024-06-30")):
        panel = read_panel(around(zone, "h", day))
        seen = local_clock(panel)
        assert seen.y is panel.y
        assert seen.form.zone is None
        assert clock_notes(panel) == []


def test_a_note_says_how_many_values_share_a_time_and_where_steps_are_too_long_to_follow():
    y = around("Europe/Berlin", "15min", "2024-10-27")
    assert "mean of both values (8 pairs)" in clock_notes(read_panel(pd.DataFrame({"a": y, "b": y})))[0]
    spring = clock_notes(read_panel(around("Europe/Berlin", "15min", "2024-03-31")))
    assert spring == ["The season follows the local clock (Europe/Berlin), which changes within the data."]
    (long,) = clock_notes(read_panel(around("Europe/Berlin", "4h", "2024-10-27", 9, 9)))
    assert "counted in UTC" in long
    assert clock_notes(read_panel(around("Europe/Berlin", "4h", "2024-06-27", 9, 9))) == []


def test_where_clocks_change_by_less_than_half_a_step_hours_keep_to_utc():
    panel = read_panel(around("Australia/Lord_Howe", "h", "2024-04-07"))
    assert followed_zone(panel) is not None
    assert local_clock(panel).y is panel.y
