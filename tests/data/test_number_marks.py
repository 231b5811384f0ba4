import pytest

from tsrnn.data.files import FileForm, read_table
from tsrnn.errors import DataError


@pytest.fixture
def read(tmp_path):
    def call(content, **options):
        path = tmp_path / "table.csv"
        path.write_text(content)
        return read_table(path, FileForm(**options))

    return call


def german(*values, sep=";"):
    return f"datum{sep}stueck\n" + "".join(f"{k:02d}.01.2020{sep}{value}\n" for k, value in enumerate(values, 1))


def iso(*values, sep=","):
    return f"date{sep}x\n" + "".join(f"2020-01-{k:02d}{sep}{value}\n" for k, value in enumerate(values, 1))


@pytest.mark.parametrize(
    "content", [german("2.201", "1.773", "581"), german("2.201", "581", sep=","), iso("2.201", "581", sep=";")]
)
def test_points_mark_thousands_where_smaller_numbers_have_none(read, content):
    numbers = read(content).iloc[:, 1].tolist()
    assert numbers[0] == 2201
    assert numbers[-1] == 581


def test_numbers_of_two_points_have_points_for_thousands(read):
    assert read(iso("1.234.567", "2.201", "12"))["x"].tolist() == [1234567, 2201, 12]


@pytest.mark.parametrize(
    "content",
    [
        german("22.010", "17.773"),
        iso("22.010", "17.773", sep=";"),
        german("2.201", "2201", "581"),
        german("2.201", "0", "999"),
        iso("21.375", "22", sep=";"),
    ],
    ids=["no smaller number", "ISO dates", "a large number without a point", "placeholders", "lost decimals"],
)
def test_points_that_may_mark_thousands_are_a_question_that_either_option_answers(read, content):
    first = content.split("\n")[1].split(";")[1]
    message = f"'{first}' may be a decimal point or a mark of thousands.*option decimal: '.' if it is {first}, ',' if"
    with pytest.raises(DataError, match=message):
        read(content)
    assert read(content, decimal=",").iloc[0, 1] == int(first.replace(".", ""))
    assert read(content, decimal=".").iloc[0, 1] == float(first)


@pytest.mark.parametrize(
    "content",
    [
        iso("2.201", "1.773"),
        iso("2.201", "1.773", "3"),
        iso("2.201", "1.773", sep="\t"),
        iso("2.201", "0.581", sep=";"),
        german("2.201", "12.5"),
        german("2.201", ".5", sep=","),
    ],
)
def test_points_are_decimal_where_commas_cut_or_a_number_proves_it(read, content):
    assert read(content).iloc[0, 1] == 2.201


@pytest.mark.parametrize("sep", [",", "\t"])
def test_points_between_commas_are_a_question_beside_numbers_a_hundred_times_as_large(read, sep):
    with pytest.raises(DataError, match=r"'2.201' may be a decimal point or a mark of thousands"):
        read(iso("2.201", "1.773", "581", sep=sep))


def test_a_header_of_numbers_proves_nothing(read):
    with pytest.raises(DataError, match=r"'2.201' may be a decimal point"):
        read("datum;581\n01.01.2020;2.201\n02.01.2020;1.100\n")


def test_numbers_that_reach_a_thousand_late_are_read_alike(read):
    content = "tag;x\n" + "".join(f"{k};{100 + k % 800}\n" for k in range(1500)) + "1500;1.024\n"
    assert read(content)["x"].tolist()[-2:] == [799, 1024]


@pytest.mark.parametrize("decimal", [None, ","])
def test_naming_the_decimal_comma_keeps_the_points_for_thousands(read, decimal):
    assert read(iso("1.234,50", "7,25", sep=";"), decimal=decimal)["x"].tolist() == [1234.5, 7.25]


def test_quoted_numbers_with_a_comma_are_read_as_the_option_says(read):
    content = iso('"1,234"', '"2,345"')
    with pytest.raises(DataError, match=r"'1,234' may be a decimal comma.*',' if it is 1.234, '.' if it is 1234"):
        read(content)
    assert read(content, decimal=".")["x"].tolist() == [1234, 2345]
    assert read(content, decimal=",")["x"].tolist() == [1.234, 2.345]


def test_quoted_decimal_commas_are_read_between_commas(read):
    table = read('date,x,shop\n2020-01-01,"7,25",007\n2020-01-02,"1.008,5",012\n')
    assert table["x"].tolist() == [7.25, 1008.5]
    assert table["shop"].tolist() == ["007", "012"]


@pytest.mark.parametrize("decimal", [None, "."])
@pytest.mark.parametrize("second", ['"2,345.00"', "581.25", "581"])
def test_the_american_form_is_read(read, second, decimal):
    table = read(iso('"1,234.50"', second), decimal=decimal)
    assert table["x"].tolist() == [1234.5, float(second.strip('"').replace(",", ""))]


def test_names_with_leading_zeros_stay_text_beside_grouped_numbers(read):
    assert read(iso('"1,234.50",007', '"2,345.50",012').replace("x\n", "x,shop\n"))["shop"].tolist() == ["007", "012"]


def test_two_decimal_marks_in_a_file_are_a_question(read):
    with pytest.raises(DataError, match=r"'7,25' and '12.5' have different decimal marks.*option decimal"):
        read(iso("7,25", "12.5", sep=";"))
