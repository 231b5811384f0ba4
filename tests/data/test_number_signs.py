import pandas as pd
import pytest

from tsrnn.anomaly.notation import read_notation
from tsrnn.data.files import FileForm, read_noted_table, read_table
from tsrnn.data.folders import read_folder
from tsrnn.data.number_signs import split_sign
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError


@pytest.fixture
def save(tmp_path):
    def write(*values, sep=",", name="table.csv", header="x"):
        path = tmp_path / name
        rows = (f'2020-01-{k:02d}{sep}"{value}"\n' for k, value in enumerate(values, 1))
        path.write_text(f"date{sep}{header}\n" + "".join(rows))
        return path

    return write


@pytest.mark.parametrize(
    ("texts", "numbers", "sign"),
    [
        (("$1,234.50", "-$7.25", "$-3", "$.50", "($2.00)"), [1234.5, -7.25, -3, 0.5, -2], "$5"),
        (("1.234,50 €", "-7,25 €", "3 €", "\N{MINUS SIGN}2\N{NO-BREAK SPACE}€"), [1234.5, -7.25, 3, -2], "€5"),
        (("1 234,50 €", "12\N{NARROW NO-BREAK SPACE}345,00 €", "7 €"), [1234.5, 12345, 7], "€5"),
        (("CHF 1'234.50", "CHF 7.25"), [1234.5, 7.25], "CHF5"),
        (("R$ 1.234,50", "R$ 7"), [1234.5, 7], r"R\$5"),
        (("5 USD", "12 USD"), [5, 12], "USD5"),
        (("12 %", "7.5%", " 0% "), [12, 7.5, 0], "5% as 5"),
        (("12,5 %", "7 %"), [12.5, 7], "5% as 5"),
    ],
)
@pytest.mark.parametrize("sep", [",", ";"])
def test_numbers_that_all_bear_one_sign_are_read_and_noted(save, sep, texts, numbers, sign):
    table, notes = read_noted_table(save(*texts, "NA", "", sep=sep))
    assert table["x"].tolist()[:-2] == numbers
    assert table["x"].isna().tolist()[-2:] == [True, True]
    (note,) = notes
    assert note.startswith("Column 'x': numbers are read without their sign, ")
    assert sign.replace("\\", "") in note
    assert read_panel(table).ids.tolist() == ["x"]


def test_a_sign_leaves_what_commas_mean_a_question(save):
    path = save("$1,234", "$2,345")
    with pytest.raises(DataError, match=r"'1,234' may be a decimal comma or a mark of thousands.*option decimal"):
        read_table(path)
    assert read_table(path, FileForm(decimal="."))["x"].tolist() == [1234, 2345]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("$5", "€6", "NA"), r"Column 'x' holds numbers with different signs or without, for example '\$5' and '€6'"),
        (("$5", "6", "$7.25"), r"different signs or without, for example '\$7.25' and '6'; expected the same sign"),
        (("$5", "closed", "$7"), "Column 'x' holds text, for example 'closed'; expected numbers"),
        (("$5", "-", "$7"), "Column 'x' holds text, for example '-'; expected numbers"),
    ],
)
def test_signs_that_differ_and_words_among_them_are_refused(save, values, message):
    with pytest.raises(DataError, match=message):
        read_panel(read_table(save(*values)), target_col="x")
    # Beside another series they do not go missing without a word.
    rows = [f"{value},{k}.5" for k, value in enumerate(values)]
    path = save(*rows, header="x,other")
    path.write_text(path.read_text().replace('"', ""))
    with pytest.raises(DataError, match=message):
        read_panel(read_table(path))


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (("1'234.50", "12\N{RIGHT SINGLE QUOTATION MARK}345.25", "7.5"), [1234.5, 12345.25, 7.5]),
        (("1 234,50", "1\N{NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567,25", "-7"), [1234.5, 1234567.25, -7]),
        (("1.234,50-", "\N{MINUS SIGN}7,25", "3"), [-1234.5, -7.25, 3]),
        (("1.5e3", " ", "7.25"), [1500, None, 7.25]),
    ],
)
@pytest.mark.parametrize("sep", [",", ";"])
def test_numbers_are_read_whatever_parts_their_thousands_and_wherever_their_minus_stands(save, sep, texts, numbers):
    path = save(*texts, "", sep=sep)
    table, notes = read_noted_table(path)
    assert table["x"].tolist()[:-1] == pytest.approx([float("nan") if x is None else x for x in numbers], nan_ok=True)
    assert notes == []
    notation = read_notation(str(path), read_panel(table))
    known = [(text, x) for text, x in zip(texts, numbers, strict=True) if x is not None]
    assert [notation.number(text) for text, _ in known] == [x for _, x in known]


@pytest.mark.parametrize(
    "texts", [("1 23", "4 567"), ("(5)", "7"), ("-5-", "7"), ("1\N{MIDDLE DOT}5", "7"), ("\u0661", "7")]
)
def test_text_that_only_resembles_numbers_stays_text(save, texts):
    assert read_table(save(*texts))["x"].tolist() == list(texts)


def test_numbers_in_groups_that_tell_rows_of_one_time_apart_name_series(tmp_path):
    rows = [f"2024-01-{day:02d},{number},{day}" for day in (1, 2, 3) for number in ("1 234", "1 235")]
    assert panel_of(tmp_path, "date,account,x", rows).ids.tolist() == ["1 234", "1 235"]


def test_a_code_in_groups_that_is_the_same_in_all_rows_is_no_series_beside_others(tmp_path):
    rows = [f"2024-01-{day:02d},123 456,{day}" for day in (1, 2, 3)]
    panel = panel_of(tmp_path, "date,article,x", rows)
    assert (panel.ids.tolist(), panel.y.tolist()) == (["x"], [1, 2, 3])
    assert "Ignored: article." in panel.notes
    assert panel_of(tmp_path, "date,article", [row[:18] for row in rows]).y.tolist() == [123456] * 3


def test_names_keep_their_signs(save):
    assert read_table(save("5 %", "10 %"), FileForm(id_col="x"))["x"].tolist() == ["5 %", "10 %"]
    for text in ("12 kg", "shop 1", "Q1", "$", "%", "12 34 $", "--$5", "(5)", "5 $ %", ""):
        assert split_sign(text) == ("", text)


def test_a_text_column_of_a_table_is_refused_with_the_cure():
    df = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=2), "x": ["12 %", "7 %"], "other": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"Column 'x' holds text, for example '12 %'.*after .str.replace has taken out"):
        read_panel(df)


def test_files_of_a_folder_say_it_once(save, tmp_path):
    for name in ("a.csv", "b.csv"):
        save("$1.50", "$2.50", name=name)
    table, notes = read_folder(tmp_path)
    assert table["x"].tolist() == [1.5, 2.5, 1.5, 2.5]
    assert notes[1:] == ["Column 'x': numbers are read without their sign, $5 as 5."]


def test_a_stream_bears_the_signs_of_its_history(save):
    path = save("1.234,50 €", "7,25 €", "8,00 €", sep=";")
    notation = read_notation(str(path), read_panel(read_table(path)))
    assert [notation.number(text) for text in ("1.234,50 €", "-7 €", "8,5")] == [1234.5, -7, 8.5]
    with pytest.raises(DataError, match=r"'5 %' is no number"):
        notation.number("5 %")


def panel_of(tmp_path, header, rows):
    path = tmp_path / "long.csv"
    path.write_text(header + "\n" + "\n".join(rows) + "\n")
    return read_panel(read_table(path))


@pytest.mark.parametrize("names", [("10%", "20%"), ("$5", "$10"), ("10 %", "7.5 %")])
def test_signed_names_of_series_stay_names(tmp_path, names):
    rows = [f"2020-01-{k:02d},{name},{k}" for name in names for k in range(1, 11)]
    panel = panel_of(tmp_path, "ds,discount,sales", rows)
    assert sorted(panel.ids) == sorted(names)
    assert panel.y.tolist() == [*range(1, 11)] * 2


def test_one_group_of_a_signed_name_is_no_series(tmp_path):
    panel = panel_of(tmp_path, "ds,discount,sales", [f"2020-01-{k:02d},10%,{k}" for k in range(1, 11)])
    assert panel.ids.tolist() == ["sales"]
    assert "Ignored: discount." in panel.notes


def test_a_signed_column_beside_the_values_of_a_long_table_is_ignored(tmp_path):
    rows = [f"{shop},2020-01-{k:02d},{k}%,{k}" for shop in "ab" for k in range(1, 11)]
    panel = panel_of(tmp_path, "shop,ds,discount,sales", rows)
    assert panel.ids.tolist() == ["a", "b"]
    assert "Ignored: discount." in panel.notes
    table = read_table(tmp_path / "long.csv")
    assert read_panel(table, target_col="discount").y.tolist() == [*range(1, 11)] * 2
    in_python = table.assign(discount=table["discount"].map("{:.0f} %".format))
    assert read_panel(in_python).y.tolist() == panel.y.tolist()


def test_signed_changes_beside_prices_are_a_series(tmp_path):
    panel = panel_of(tmp_path, "Date,Price,Change %", [f"2020-01-{k:02d},{k}.5,{k % 3}%" for k in range(1, 11)])
    assert panel.ids.tolist() == ["Price", "Change %"]


def test_signed_values_of_a_long_table_are_its_values(tmp_path):
    rows = [f"{shop},2020-01-{k:02d},${k % 3}" for shop in "ab" for k in range(1, 11)]
    assert panel_of(tmp_path, "shop,ds,price", rows).y.tolist() == [k % 3 for k in range(1, 11)] * 2
