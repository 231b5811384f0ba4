import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.data.folders import read_folder
from tsrnn.data.tables import read_panel
from tsrnn.data.zones import check_zone, in_zone
from tsrnn.errors import DataError, ParameterError

BERLIN = "Europe/Berlin"
HOURS = pd.date_range("2024-10-20", "2024-11-03", freq="h", tz=BERLIN)
SPRING = pd.date_range("2024-03-25", "2024-04-05", freq="h", tz=BERLIN)


def table(stamps, **columns):
    return pd.DataFrame({"ds": stamps, "y": np.arange(float(len(stamps))), **columns})


def written(stamps):
    return [stamp.isoformat() for stamp in stamps]


@pytest.mark.parametrize("hours", [HOURS, SPRING], ids=["autumn", "spring"])
@pytest.mark.parametrize(
    "write",
    [
        written,
        lambda hours: written(hours.tz_convert("UTC")),
        lambda hours: hours.tz_convert("America/New_York"),
        lambda hours: hours.tz_localize(None),
        lambda hours: hours.tz_localize(None).astype(str),
        lambda hours: hours.tz_localize(None).strftime("%d.%m.%Y %H:%M"),
        lambda hours: [int(stamp.timestamp()) for stamp in hours],
        lambda hours: pd.Series([stamp.to_pydatetime() for stamp in hours], dtype=object),
    ],
    ids=["offsets", "UTC", "another zone", "local", "ISO", "German", "Unix", "objects"],
)
def test_however_hours_are_written_they_are_those_of_the_zone(hours, write):
    zoned, named = read_panel(table(hours)), read_panel(table(write(hours)), time_zone=BERLIN)
    assert named.y.tolist() == zoned.y.tolist()
    assert named.start == zoned.start
    assert (named.frequency.alias, str(named.form.zone), named.form.wall_clock) == ("h", BERLIN, False)
    assert not any("offsets" in note for note in named.notes)
    assert [note for note in named.notes if "local clock" in note] == [n for n in zoned.notes if "local clock" in n]


def test_days_are_those_of_the_zone_also_where_their_offsets_differ():
    days = pd.date_range("2024-03-20", periods=30, freq="D", tz=BERLIN)
    for stamps in (written(days), days.tz_localize(None)):
        panel = read_panel(table(stamps), time_zone=BERLIN)
        assert (panel.frequency.alias, panel.form.wall_clock, str(panel.form.zone)) == ("D", True, BERLIN)
        assert panel.start[0] == np.datetime64("2024-03-20")
        assert not any("offsets" in note for note in panel.notes)
    # Midnights of London are no midnights of Berlin.
    london = read_panel(table(written(days.tz_localize(None).tz_localize("Europe/London"))), time_zone=BERLIN)
    assert london.start[0] == np.datetime64("2024-03-20 01:00")


def test_a_midnight_that_the_clocks_leave_out_is_a_day_all_the_same():
    panel = read_panel(table(pd.date_range("2018-10-28", periods=14)), time_zone="America/Sao_Paulo")
    assert panel.y.tolist() == list(range(14))


@given(st.permutations(["a", "b", "c"]), st.booleans(), st.booleans(), st.sampled_from(["h", "15min"]))
def test_a_local_time_that_comes_twice_is_told_in_every_series_and_order(names, falling, by_time, freq):
    hours = pd.date_range("2024-10-26 12:00", "2024-10-28", freq=freq, tz=BERLIN)
    parts = [table(hours.tz_localize(None), unique_id=name).iloc[k:] for k, name in enumerate(names)]
    long = pd.concat([part[::-1] if falling else part for part in parts], ignore_index=True)
    if by_time:
        place = long.groupby("unique_id").cumcount().to_numpy()
        long = long.iloc[np.argsort(place, kind="stable")]
    panel = read_panel(long, time_zone=BERLIN)
    for k, name in enumerate(names):
        assert panel.series(list(panel.ids).index(name)).tolist() == list(range(k, len(hours)))


def test_of_a_time_that_should_come_twice_and_comes_once_the_first_is_meant():
    stamps = HOURS.tz_localize(None).drop_duplicates()
    panel = read_panel(table(stamps), time_zone=BERLIN)
    missing = np.flatnonzero(np.isnan(panel.y))
    assert HOURS[missing].tolist() == [pd.Timestamp("2024-10-27 02:00+01:00").tz_convert(BERLIN)]


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("absent", [[0], [1], [0, 1], [1, 2], [3, 4], [2, 5], [0, 1, 2, 5, 6], [0, 7]])
def test_where_rows_of_the_repeated_hour_are_missing_their_order_tells_the_others(absent, falling):
    quarters = pd.date_range("2024-10-26 12:00", "2024-10-28", freq="15min", tz=BERLIN)
    gone = pd.Timestamp("2024-10-27 02:00+02:00") + pd.to_timedelta(15 * np.array(absent), unit="min")
    rows = table(quarters.tz_localize(None))[~quarters.isin(gone)]
    panel = read_panel(rows[::-1] if falling else rows, time_zone=BERLIN)
    assert quarters[np.isnan(panel.y)].tolist() == gone.tz_convert(BERLIN).tolist()


@pytest.mark.parametrize(("zone", "freq"), [("America/New_York", "6h"), ("America/New_York", "2h"), (BERLIN, "3h")])
@pytest.mark.parametrize("by", [1, -1])
def test_local_times_of_hours_that_are_counted_in_utc_keep_their_step(zone, freq, by):
    first = "2024-10-01 01:00" if zone == BERLIN else "2024-10-01 00:00"
    steps = pd.date_range(first, "2024-12-01", freq=freq, tz="UTC").tz_convert(zone)
    panel = read_panel(table(steps.tz_localize(None))[::by], time_zone=zone)
    assert panel.y.tolist() == list(range(len(steps)))


def test_rows_of_the_repeated_hour_alone_are_told_too():
    local = pd.DatetimeIndex(["2024-10-27 02:00", "2024-10-27 02:30", "2024-10-27 02:00"])
    codes = np.array([0, 0, 1])
    assert in_zone(local[:1], BERLIN, None).tolist() == [pd.Timestamp("2024-10-27 02:00+02:00")]
    assert in_zone(local, BERLIN, codes).tz_convert("UTC").strftime("%H:%M").tolist() == ["00:00", "00:30", "00:00"]
    assert in_zone(local, BERLIN, None).tz_convert("UTC").strftime("%H:%M").tolist() == ["00:00", "00:30", "01:00"]


def test_hours_are_told_where_the_clocks_go_back_by_half_an_hour():
    hours = pd.date_range("2024-03-20", "2024-04-20", freq="h", tz="Australia/Lord_Howe")
    panel = read_panel(table(hours.tz_localize(None)), time_zone="Australia/Lord_Howe")
    assert panel.y.tolist() == list(range(len(hours)))


def test_in_the_order_of_local_times_the_first_of_two_rows_is_the_earlier_one():
    quarters = pd.date_range("2024-10-26 12:00", "2024-10-28", freq="15min", tz=BERLIN)
    rows = table(quarters.tz_localize(None)).sort_values("ds", kind="stable")
    assert read_panel(rows, time_zone=BERLIN).y.tolist() == list(range(len(quarters)))


def test_a_time_that_comes_three_times_is_refused():
    stamps = HOURS.tz_localize(None).append(pd.DatetimeIndex(["2024-10-27 02:00"]))
    with pytest.raises(DataError, match=r"1 time stamp occurs more than once.* drop or aggregate them\.$"):
        read_panel(table(stamps), time_zone=BERLIN)


def test_a_time_that_comes_twice_does_not_hide_what_names_the_series(tmp_path):
    parts = [table(HOURS.tz_localize(None), shop=name) for name in "ab"]
    panel = read_panel(pd.concat(parts), time_zone=BERLIN)
    assert (panel.form.id_col, list(panel.ids)) == ("shop", ["a", "b"])
    noted = table(HOURS.tz_localize(None), remark="open")
    assert read_panel(noted, target_col="y", time_zone=BERLIN).form.kind == "wide"
    for names in (["remark"], ["remark", "sky"]):
        remarks = {name: written(HOURS) for name in names}
        assert read_panel(table(HOURS.tz_localize(None), **remarks), time_zone=BERLIN).ids.tolist() == ["y"]
    for name, part in zip("ab", parts, strict=True):
        part.drop(columns="shop").to_csv(tmp_path / f"{name}.csv", index=False)
    panel = read_panel(read_folder(tmp_path, zone=BERLIN)[0], time_zone=BERLIN)
    assert (list(panel.ids), panel.lengths.tolist()) == (["a", "b"], [len(HOURS)] * 2)


def test_columns_of_one_name_are_refused_in_a_zone_too():
    twice = pd.concat([table(HOURS), table(HOURS)], axis=1)
    with pytest.raises(DataError, match=r"Column names occur more than once: ds, y\. Rename them"):
        read_panel(twice, time_zone=BERLIN)


def test_hours_that_do_not_follow_the_clock_of_the_zone_are_refused_with_what_to_name():
    stamps = pd.date_range("2024-03-25", periods=240, freq="h")
    with pytest.raises(DataError, match=r"2024-03-31 02:00:00 is no local time of Europe/Berlin.* Etc/GMT-1 for one"):
        read_panel(table(stamps), time_zone=BERLIN)
    assert read_panel(table(stamps), time_zone="Etc/GMT-1").lengths.tolist() == [240]
    # One alone lies after the jump, as a midnight would.
    assert in_zone(stamps[[146]], BERLIN, None).tolist() == [pd.Timestamp("2024-03-31 03:00", tz=BERLIN)]


@pytest.mark.parametrize(
    ("stamps", "what"),
    [(range(24), "whole numbers"), (pd.period_range("2024-01", periods=24, freq="M"), "periods")],
)
def test_what_is_in_no_zone_is_refused_with_one(stamps, what):
    with pytest.raises(
        DataError, match=f"time stamps of UTC; {what} are in no time zone. Give dates, or leave time_zone"
    ):
        read_panel(pd.Series(np.arange(24.0), index=pd.Index(stamps, name="ds")), time_zone="UTC")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("berlin", r"did you mean Europe/Berlin\?"),
        ("europe/berlin", r"did you mean Europe/Berlin\?"),
        ("new york", r"did you mean America/New_York"),
        ("Europe/Berln", r"did you mean Europe/Berlin"),
        ("Europe", "expected a name such as Europe/Berlin or UTC"),
        ("../etc/passwd", "expected a name"),
        ("", "expected a name"),
        (2, "expected a name"),
    ],
)
def test_a_zone_that_is_not_known_is_named_with_what_is_near(name, hint):
    with pytest.raises(ParameterError, match=rf"^time_zone={name!r} is not known; {hint}"):
        check_zone(name)
    with pytest.raises(ParameterError, match="is not known"):
        read_panel(table(HOURS), time_zone=name)
