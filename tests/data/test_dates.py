import numpy as np
import pandas as pd
import pytest

from tsrnn import Naive
from tsrnn.anomaly.notation import read_notation
from tsrnn.data.dates import parse_dates
from tsrnn.data.files import read_table
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, FrequencyError


def written(form, first, last, freq):
    dates = pd.date_range(first, last, freq=freq)
    return dates, pd.Series(dates.strftime(form), dtype=object)


@pytest.mark.parametrize(("first", "last"), [("1966", "1971-12"), ("1949", "1960-12")])
def test_two_digit_years_are_read_in_one_century_with_a_note(first, last):
    dates, text = written("%b-%y", first, last, "MS")
    found, notes = parse_dates(text)
    assert found.equals(dates.rename(None))
    assert notes == [
        f"The two-digit years of dates such as {text[0]!r} were read as {dates[0].year} to {dates[-1].year}."
    ]
    panel = read_panel(pd.DataFrame({"month": text, "x": np.arange(float(len(text)))}))
    assert not np.isnan(panel.y).any()


def test_two_digit_years_of_these_decades_need_no_note():
    dates, text = written("%b-%y", "1995", "2005-12", "MS")
    found, notes = parse_dates(text)
    assert (found.equals(dates), notes) == (True, [])


@pytest.mark.parametrize("mark", ["-", "/", "."])
@pytest.mark.parametrize("form", ["%y-%m-%d", "%d-%m-%y"])
@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize(
    ("first", "last", "freq"),
    [
        ("2024-01-01", "2024-01-30", "D"),
        ("2024-01-01", "2024-12-31", "D"),
        ("2024-01-01", "2024-02-20", "B"),
        ("2023-01-01", "2024-12-31", "W"),
        ("2023-01-01", "2024-12-01", "MS"),
        ("2010-01-01", "2024-12-01", "QS"),
        ("1990-01-01", "2024-12-01", "YS"),
    ],
)
def test_years_first_are_told_from_days_first(mark, form, seed, first, last, freq):
    dates, text = written(form.replace("-", mark), first, last, freq)
    order = np.arange(len(dates)) if seed is None else np.random.default_rng(seed).permutation(len(dates))
    assert parse_dates(text[order])[0].equals(dates[order].rename(None))


def test_two_sensible_readings_of_two_digit_years_are_a_question():
    _, years = written("%y-%m-%d", "2001", "2024", "YS")
    with pytest.raises(DataError, match=r"'01-01-01' can be read as '%d-%m-%y' and as '%y-%m-%d'.*--date-format"):
        parse_dates(years)
    with pytest.raises(DataError, match=r"'24/01/13' can be read as '%d/%m/%y' and as '%y/%m/%d'"):
        parse_dates(pd.Series(["24/01/13"]))


def test_one_date_between_points_has_its_day_first():
    found, notes = parse_dates(pd.Series(["08.01.24"]))
    assert (found[0], notes) == (pd.Timestamp("2024-01-08"), ["Dates such as '08.01.24' were read as %d.%m.%y."])


@pytest.mark.parametrize("kind", [int, float, str])
@pytest.mark.parametrize(
    ("form", "freq", "alias"),
    [
        ("%Y%m%d%H", "h", "h"),
        ("%Y%m%d%H%M", "15min", "15min"),
        ("%Y%m%d%H%M%S", "30s", "30s"),
        ("%Y%m%d%H%M", "D", "D"),
    ],
)
def test_compact_dates_may_have_a_time_of_day(kind, form, freq, alias):
    dates = pd.date_range("2024-01-31 06:00", periods=100, freq=freq)
    panel = read_panel(
        pd.DataFrame({"time": dates.strftime(form).astype(np.int64).astype(kind), "x": np.arange(100.0)})
    )
    assert (panel.frequency.alias, panel.start[0]) == (alias, dates[0].to_datetime64())
    assert panel.y.tolist() == list(range(100))


def test_other_numbers_as_long_as_compact_dates_are_counted():
    for first, step in ((1_704_067_200, 3601), (2024_01_01_90, 1), (2024_13_01_0000, 1)):
        table = pd.DataFrame({"time": first + step * np.arange(10), "x": np.arange(10.0)})
        assert read_panel(table).start[0] == first


@pytest.mark.parametrize("form", ["{0}-{2:02d}", "{0}/{2:02d}", "{0}–{2:02d}", "{0}-{1}", "{0}/{1}"])
def test_business_years_are_years_and_no_months_thirteen_apart(form):
    years = np.arange(1995, 2012)
    text = [form.format(year, year + 1, (year + 1) % 100) for year in years]
    panel = read_panel(pd.DataFrame({"year": text, "y": np.arange(17.0)}))
    assert (panel.frequency.alias, len(panel.y)) == ("YS-JAN", 17)
    assert panel.start[0] == np.datetime64("1995-01-01")
    assert any(f"{text[0]!r} were read as business years" in note for note in panel.notes)


def test_one_month_and_months_that_follow_each_other_are_no_business_years():
    assert parse_dates(pd.Series(["2003-04"]))[0][0] == pd.Timestamp("2003-04-01")
    assert parse_dates(pd.Series(["2003-04", "2003-05"]))[0][1] == pd.Timestamp("2003-05-01")
    assert parse_dates(pd.Series(["2003-04", "2003-04"]))[0][1] == pd.Timestamp("2003-04-01")
    assert parse_dates(pd.Series(["2012-13"]))[0][0] == pd.Timestamp("2012-01-01")


def test_business_years_that_were_turned_into_months_before_are_refused():
    ds = pd.to_datetime(["2003-04", "2004-05", "2005-06", "2006-07"])
    table = pd.DataFrame({"ds": ds, "y": np.arange(4.0)})
    with pytest.raises(FrequencyError, match=r"13 months apart .*business years such as 2003-04.*freq='13MS'"):
        read_panel(table)
    assert read_panel(table, freq="13MS").frequency.alias == "13MS"


@pytest.mark.parametrize("form", ["{}-W{:02d}", "{}W{:02d}", "{} W{:02d}"])
def test_iso_weeks_are_read_by_their_mondays(form):
    mondays = pd.date_range("2019-12-23", periods=60, freq="7D")
    weeks = [form.format(day.isocalendar().year, day.isocalendar().week) for day in mondays]
    panel = read_panel(pd.DataFrame({"week": weeks, "sales": np.arange(60.0)}))
    assert panel.frequency.describe() == "weekly (Mondays)"
    assert (str(panel.start[0])[:10], panel.lengths.tolist()) == ("2019-12-23", [60])
    assert f"Weeks such as {weeks[0]!r} were read as those of ISO 8601, each by its Monday." in panel.notes
    lacking = pd.Series([form.format(2021, 52), form.format(2021, 53)])
    with pytest.raises(DataError, match="cannot be read as dates"):
        parse_dates(lacking)


@pytest.mark.parametrize("row", ["{0};{1},5", "{0};{1}", '"{0}";"1.{1:03d},50"', "{0}\t{1}.5"])
def test_months_written_as_01_2024_are_read_beside_numbers_of_any_marks(tmp_path, row):
    months = pd.date_range("2019-09-01", periods=30, freq="MS")
    rows = [row.format(f"{month:%m.%Y}", k) for k, month in enumerate(months)]
    (tmp_path / "m.csv").write_text("\n".join(["Stand\tx" if "\t" in row else "Stand;x", *rows]))
    panel = read_panel(read_table(tmp_path / "m.csv"))
    assert (panel.frequency.alias, str(panel.start[0])[:7], panel.ids.tolist()) == ("MS", "2019-09", ["x"])
    assert panel.lengths.tolist() == [30]
    assert panel.y[1] - panel.y[0] == 1
    notation = read_notation(str(tmp_path / "m.csv"), panel)
    assert notation.date("10.2024") == pd.Timestamp("2024-10-01")


def test_a_month_alone_beside_a_decimal_comma_is_a_month(tmp_path):
    (tmp_path / "m.csv").write_text("Monat;x\n10.2024;1013,5\n")
    assert read_panel(read_table(tmp_path / "m.csv"), freq="MS").start[0] == np.datetime64("2024-10-01")


def test_a_total_below_months_is_what_stands_in_the_way(tmp_path):
    rows = [f"{month:%m.%Y};1.234,50" for month in pd.date_range("2019-09-01", periods=30, freq="MS")]
    (tmp_path / "m.csv").write_text("\n".join(["Monat;x", *rows, "Summe;37.035,00"]))
    with pytest.raises(DataError, match=r"1 of 31 values .*'Summe' \(row 30\).*totals"):
        read_panel(read_table(tmp_path / "m.csv"))
    rows = [row.replace("1.234,50", "7") for row in rows]
    (tmp_path / "m.csv").write_text("\n".join(["Monat;x", *rows, "13.2024;9"]))  # a month too many
    with pytest.raises(DataError, match=r"1 of 31 values .*'13.2024' \(row 30\)"):
        read_panel(read_table(tmp_path / "m.csv"))


QUARTERS = [
    "Q{1} {0}",
    "Q{1}-{0}",
    "{1}Q{0}",
    "{1}q {0}",
    "{0}Q{1}",
    "{0} Q{1}",
    "{0}-Q{1}",
    "{1}. Quartal {0}",
    "{1}.Q. {0}",
]


@pytest.mark.parametrize("form", QUARTERS)
def test_quarters_are_read_wherever_the_year_stands_and_whatever_the_column_is_called(form):
    text = [form.format(year, part) for year in (2010, 2011, 2012) for part in (1, 2, 3, 4)]
    panel = read_panel(pd.DataFrame({"q": text, "sales": np.arange(12.0)}).sample(frac=1, random_state=0))
    assert panel.frequency.describe().startswith("quarterly")
    assert (panel.start[0], panel.y.tolist()) == (np.datetime64("2010-01-01"), list(range(12)))


@pytest.mark.parametrize("form", ["Q{1}/{0:02d}", "Q{1}'{0:02d}", "{1}Q{0:02d}", "{0:02d}Q{1}", "{1}. Quartal {0:02d}"])
def test_quarters_of_years_of_two_digits_lie_in_one_century(form):
    text = [form.format(year % 100, part) for year in (1998, 1999, 2000) for part in (1, 2, 3, 4)]
    panel = read_panel(pd.DataFrame({"q": text, "sales": np.arange(12.0)}))
    assert panel.frequency.describe().startswith("quarterly")
    assert (panel.start[0], panel.y.tolist()) == (np.datetime64("1998-01-01"), list(range(12)))
    late = read_panel(pd.DataFrame({"q": [form.format(year, 1) for year in (66, 67, 68)], "sales": np.arange(3.0)}))
    assert f"The two-digit years of dates such as {form.format(66, 1)!r} were read as 1966 to 1968." in late.notes


@pytest.mark.parametrize("form", ["{}/{}", "{}-{:02d}"])
def test_quarters_that_would_be_read_as_months_are_refused(form):
    text = [form.format(year, part) for year in (2010, 2011, 2012) for part in (1, 2, 3, 4)]
    with pytest.raises(
        DataError, match=f"^Time column 'Quartal': '{text[0]}' and the like .* Write quarters as 2024Q1"
    ):
        read_panel(pd.DataFrame({"Quartal": text, "sales": np.arange(12.0)}))
    firsts = pd.date_range("2010", periods=12, freq="QS").strftime("%Y-%m")
    assert read_panel(pd.DataFrame({"Quartal": firsts, "sales": np.arange(12.0)})).frequency.alias == "QS-JAN"


def test_text_with_years_that_is_no_time_is_refused_with_the_cure_that_works():
    table = pd.DataFrame(
        {"fair": [f"{town} {2017 + k}" for k, town in enumerate(["Rome", "Oslo", "Bonn"])], "x": [1.0, 2, 4]}
    )
    with pytest.raises(
        DataError, match="If this is no time, name the column that is with time_col; if none is, take this"
    ):
        read_panel(table)
    assert read_panel(table.assign(n=[3, 4, 5]), time_col="n").start.tolist() == [3]
    assert read_panel(table.drop(columns="fair")).frequency.alias == "1"


def test_a_known_step_tells_months_from_business_years():
    months = pd.DataFrame({"ds": [f"{d:%Y-%m}" for d in pd.date_range("2001-01-01", periods=39, freq="MS")]})
    model = Naive().fit(months.assign(y=np.arange(39.0)))
    model.update(pd.DataFrame({"ds": ["2001-02", "2002-03"], "y": [500.0, 600.0]}))
    values = model.panel_.series(0)
    np.testing.assert_array_equal(values[[0, 1, 14, 15]], [0, 500, 600, 15])
    two = Naive(freq="MS").fit(pd.DataFrame({"ds": ["2001-02", "2002-03"], "y": [1.0, 2.0]}))
    assert two.panel_.start[0] == np.datetime64("2001-02-01")


def test_one_business_year_more_is_read_as_those_before():
    years = pd.DataFrame({"ds": [f"{y}-{(y + 1) % 100:02d}" for y in range(1985, 2009)], "y": np.arange(24.0)})
    model = Naive().fit(years)
    model.update(pd.DataFrame({"ds": ["2009-10"], "y": [50.0]}))
    np.testing.assert_array_equal(model.panel_.series(0)[-2:], [23, 50])


POLISH = ["Styczeń", "Luty", "Marzec", "Kwiecień", "Maj", "Czerwiec", "Lipiec", "Sierpień"]


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        ("Stand", [*pd.date_range("2024", periods=12).strftime("%d.%m.%Y"), "Summe"], r"'Summe' \(row 12\).*totals"),
        ("Stand", ["[tt.mm.jjjj]", *pd.date_range("2024", periods=8).strftime("%d.%m.%y")], r"jjjj\]' \(row 0\)"),
        ("Stand", ["01/02/2024", "02/01/2024", "03/04/2024", "04/03/2024"], "can be read as .*--date-format"),
        ("Stand", [f"{month} 2024" for month in POLISH], r"'Styczeń 2024' \(row 0\).*--date-format '%d/%m/%Y'"),
        ("Stand", [f"Wk {week}/2024" for week in range(1, 9)], "8 of 8 values cannot be read as dates"),
        (
            "t",
            [f"01.01.2024 {hour:02d}:00" for hour in range(1, 25)],
            r"1 of 24 values .*'01.01.2024 24:00' \(row 23\)",
        ),
        ("Monat", [f"{month[:3]} 24" for month in POLISH], "cannot be read as dates"),
    ],
)
def test_rows_are_not_counted_beside_dates_that_cannot_be_read(name, texts, message):
    with pytest.raises(DataError, match=rf"^Time column {name!r}: .*{message}"):
        read_panel(pd.DataFrame({name: texts, "x": np.arange(float(len(texts)))}))


@pytest.mark.parametrize("texts", [["Model 2020", "Model 2020", "Model 2024"], ["part 1", "part 2", "part 3"]])
def test_rows_are_counted_beside_names(texts):
    panel = read_panel(pd.DataFrame({"part": texts, "x": [1.0, 2.0, 4.0]}))
    assert panel.frequency.alias == "1"


def test_whole_numbers_under_the_german_word_for_a_period_are_months():
    panel = read_panel(pd.DataFrame({"Periode": [202311, 202312, 202401], "x": [1.0, 2.0, 4.0]}))
    assert panel.frequency.alias == "MS"


@pytest.mark.parametrize(
    ("texts", "months"),
    [
        (["Januar 2024", "Februar 2024", "März 2024"], "2024-01"),
        (["Okt 23", "Nov 23", "Dez 23", "Jan 24"], "2023-10"),
        (["Mrz-24", "Apr-24", "Mai-24"], "2024-03"),
        (["Mar 24", "Apr 24", "May 24"], "2024-03"),
        (["janvier 2024", "févr. 2024", "mars 2024"], "2024-01"),
        (["noviembre de 2023", "diciembre de 2023", "enero de 2024"], "2023-11"),
        (["ago/2023", "set/2023", "out/2023"], "2023-08"),
        (["Mag 2023", "Giu 2023", "Lug 2023"], "2023-05"),
        (["Maart 2024", "April 2024", "Mei 2024"], "2024-03"),
    ],
)
def test_months_of_other_languages_are_dates(texts, months):
    dates, _ = parse_dates(pd.Series(texts))
    assert dates.tolist() == pd.date_range(months, periods=len(texts), freq="MS").tolist()
    table = pd.DataFrame({"zeit": texts, "y": np.arange(len(texts))})
    assert read_panel(table).frequency.alias == "MS"


@pytest.mark.parametrize(
    "texts",
    [
        ["So, 31.12.2023", "Mo, 01.01.2024", "Di, 02.01.2024"],
        ["Sun 12/31/2023", "Mon 01/01/2024", "Tue 01/02/2024"],
        ["31. Dezember 2023", "1. Januar 2024", "2. Jänner 2024"],
        ["dim. 31 déc. 2023", "lun. 1er janvier 2024", "mar. 2 janvier 2024"],
        ["31 de diciembre de 2023", "1 de enero de 2024", "2 de enero de 2024"],
        ["zo 31 december 2023", "ma 1 januari 2024", "di 2 januari 2024"],
    ],
)
def test_days_of_other_languages_and_of_the_week_are_dates(texts):
    dates, _ = parse_dates(pd.Series(texts))
    assert dates.tolist() == pd.date_range("2023-12-31", periods=3).tolist()


@pytest.mark.parametrize(
    "texts",
    [[f"Dec {day}" for day in range(10, 32)], ["Mai", "Juni", "Juli"], ["so 17", "mo 18"], ["Out of 24", "x 2"]],
)
def test_words_and_days_without_a_year_are_no_dates(texts):
    with pytest.raises(DataError, match="cannot be read as dates"):
        parse_dates(pd.Series(texts))


def test_two_products_that_are_named_like_months_are_no_dates():
    table = pd.DataFrame({"product": ["Set 10", "Set 20"] * 20, "y": np.arange(40.0)})
    table["day"] = np.repeat(pd.date_range("2024-01-01", periods=20), 2)
    panel = read_panel(table)
    assert (panel.form.time_col, panel.ids.tolist()) == ("day", ["Set 10", "Set 20"])


def test_one_newer_month_is_read_as_the_fitted_ones_are():
    months = ["Jan 24", "Feb 24", "Mrz 24", "Apr 24", "Mai 24"]
    model = Naive().fit(pd.DataFrame({"Monat": months, "y": np.arange(5.0)}))
    model.update(pd.DataFrame({"Monat": ["Jun 24"], "y": [7.0]}))
    assert model.predict(1)["Monat"].tolist() == [pd.Timestamp("2024-07-01")]


@pytest.mark.parametrize(
    "form", ["{0}-W{1:02d}", "{0}W{1}", "KW {1}/{0}", "KW{1:02d} {0}", "{1}. KW {0}", "{0}-KW{1:02d}", "W{1}-{0}"]
)
def test_weeks_however_written_are_those_of_iso_8601_by_their_mondays(form):
    weeks = [(2023, 51), (2023, 52), (2024, 1), (2024, 2)]
    dates, (note,) = parse_dates(pd.Series([form.format(*week) for week in weeks]))
    assert dates.tolist() == pd.date_range("2023-12-18", periods=4, freq="W-MON").tolist()
    assert "those of ISO 8601" in note
    with pytest.raises(DataError):
        parse_dates(pd.Series([form.format(2023, 53), form.format(2024, 1)]))


def test_quarters_of_years_of_two_and_of_four_digits_are_no_one_notation():
    with pytest.raises(DataError, match="cannot be read as dates, for example 'Q1/23'"):
        parse_dates(pd.Series(["Q1/23", "Q2/23", "Q3/2023"]))


def test_days_of_four_months_are_days_under_the_name_of_a_quarter():
    days = pd.date_range("2024-01-01", "2024-04-30")
    table = pd.DataFrame({"quarter": days.strftime("%Y-%m-%d"), "x": np.arange(float(len(days)))})
    assert read_panel(table).frequency.alias == "D"
