import numpy as np
import pandas as pd
import pytest

from tsrnn.data.calendar_columns import find_calendar_columns
from tsrnn.data.tables import read_panel

HOURS = pd.date_range("2024-03-01", periods=24 * 60, freq="h")
PARTS = {
    "clock": ("hour", HOURS.hour),
    "dow": ("day of the week", HOURS.day_of_week),
    "iso": ("day of the week from 1 on", HOURS.day_of_week + 1),
    "sunday": ("day of the week from Sunday on", (HOURS.day_of_week + 1) % 7),
    "is_weekend": ("weekend", (HOURS.day_of_week >= 5).astype(int)),
    "day": ("day of the month", HOURS.day),
    "yearday": ("day of the year", HOURS.day_of_year),
    "week": ("week of the year", HOURS.isocalendar()["week"].to_numpy()),
    "month": ("month", HOURS.month),
    "quarter": ("quarter", HOURS.quarter),
    "year": ("year", HOURS.year),
}


def table(parts=PARTS):
    values = {"load": np.random.default_rng(0).normal(size=len(HOURS))}
    return pd.DataFrame({**values, **{name: part for name, (_, part) in parts.items()}}, index=HOURS)


def notes(df, **arguments):
    return [note for note in read_panel(df, **arguments).notes if "time stamps and" in note]


@pytest.mark.parametrize("name", PARTS)
def test_a_column_that_repeats_its_time_stamps_is_named_and_still_read(name):
    df = table({name: PARTS[name]})
    assert notes(df) == [
        f"1 of 2 columns only repeats its time stamps and is forecast like any other: {name} ({PARTS[name][0]}). To "
        "leave it out, name the columns that are wanted with target_col."
    ]
    assert read_panel(df).n_series == 2


def test_of_many_columns_five_are_named_in_any_order_of_the_rows():
    (note,) = notes(table().sample(frac=1, random_state=0))
    assert note.startswith("11 of 12 columns only repeat their time stamps")
    assert ": clock (hour), dow (day of the week), iso (day of the week from 1 on), sunday (" in note
    assert "is_weekend (weekend), .... To leave" in note


def test_columns_that_were_asked_for_are_not_commented():
    assert notes(table(), target_col=["load", "clock"]) == []
    assert notes(table()[["clock", "dow"]]) == []
    assert notes(table()["clock"]) == []


def test_the_hour_is_that_of_the_users_time_zone():
    local = HOURS.tz_localize("UTC").tz_convert("America/New_York")
    df = table({}).set_axis(local)
    assert len(notes(df.assign(hour=local.hour))) == 1
    assert notes(df.assign(hour=HOURS.hour)) == []


@pytest.mark.parametrize(
    "other",
    [
        np.where(np.arange(len(HOURS)) == 1000, 5, HOURS.hour),
        np.where(np.arange(len(HOURS)) == 1000, np.nan, HOURS.hour),
        HOURS.hour * 2.0,
        np.ones(len(HOURS)),
    ],
)
def test_a_column_with_any_value_of_its_own_is_a_series(other):
    assert notes(table({}).assign(other=other)) == []


def test_what_rises_in_every_row_is_no_month():
    months = pd.date_range("2024-01-01", periods=10, freq="MS").to_numpy("datetime64[ns]")
    assert find_calendar_columns(months, np.arange(1.0, 11.0)[:, None]) == {}
    assert notes(pd.DataFrame({"a": np.arange(1, 11), "b": np.arange(10) ** 2}, index=months)) == []


def test_integer_time_has_no_calendar():
    assert notes(pd.DataFrame({"a": np.arange(40) % 7, "b": np.arange(40) % 5}, index=range(40))) == []


@pytest.mark.parametrize(("days", "named"), [(4, False), (9, False), (16, True)])
def test_a_promotion_over_one_weekend_is_no_calendar(days, named):
    index = pd.date_range("2024-01-04", periods=days)  # a Thursday
    df = pd.DataFrame({"sales": np.arange(days) % 5 + 0.5, "promotion": (index.day_of_week >= 5) * 1.0}, index=index)
    assert bool(notes(df)) == named


def flag_notes(df, **arguments):
    return [note for note in read_panel(df, **arguments).notes if "0 and 1 alone" in note]


def test_flags_beside_values_are_named_and_still_read():
    index = pd.date_range("2024-01-01", periods=200)
    df = pd.DataFrame({"sales": np.arange(200) % 7 + 0.5, "promo": (np.arange(200) % 3 == 0) * 1.0}, index=index)
    df = df.assign(promo=df["promo"].where(np.arange(200) != 5), counts=np.arange(200) // 150 * 2)
    assert flag_notes(df) == [
        "1 of 3 columns holds 0 and 1 alone and is forecast like any other, not used to forecast the others: promo. To "
        "leave it out, name the columns that are wanted with target_col."
    ]
    assert read_panel(df).n_series == 3
    assert flag_notes(df.reset_index(drop=True)) == flag_notes(df)
    assert flag_notes(df, target_col=["sales", "promo"]) == []
    assert flag_notes(df[["promo"]]) == []
    assert flag_notes(df[["promo"]].assign(other=1.0 - df["promo"])) == []
    assert flag_notes(df[["sales"]].assign(weekend=(index.day_of_week >= 5) * 1.0)) == []  # the calendar's
    assert len(notes(df[["promo"]].assign(weekend=(index.day_of_week >= 5) * 1.0))) == 1
