"""Tell which marks the numbers of a CSV have: of decimals, and of thousands."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from statistics import fmean

import pandas as pd

from tsrnn.data.columns import names_series
from tsrnn.data.dates import MONTH_OF_YEAR
from tsrnn.data.number_signs import SIGNED, plain_number, sign_note, split_sign, take_off_sign
from tsrnn.data.panel import Floats
from tsrnn.errors import DataError

# The kinds of numbers with a mark. Three digits after it, and none but a first group that could stand before thousands,
# may be either; 01.2024 is a month.
_KINDS = re.compile(
    r"(?P<one_comma>[-+]?[1-9]\d{0,2},\d{3})"
    r"|(?P<one_point>[-+]?[1-9]\d{0,2}\.\d{3})"
    r"|(?P<comma_groups>[-+]?[1-9]\d{0,2}(?:,\d{3}){2,})"
    r"|(?P<point_groups>[-+]?[1-9]\d{0,2}(?:\.\d{3}){2,})"
    r"|(?P<comma_decimal>[-+]?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d*),\d+(?:[eE][-+]?\d+)?)"
    r"|(?P<point_decimal>[-+]?(?:[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*|)\.\d+(?:[eE][-+]?\d+)?)"
)
_MONTH = re.compile(MONTH_OF_YEAR)
_UNBROKEN = re.compile(r"[^\s'’]*")
# Values of a column that are looked at before all of them.
_FIRST = 100
_POINTED_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})(?:\D.*)?")
# Whole numbers that stand for a missing value in columns of any other notation.
_PLACEHOLDERS = {"0", "9", "99", "999"}
# Half the way from 1 to 1000, the two readings of a point: what is farther apart than this is closer without it.
_APART = 0.5 * math.log(1000)


@dataclass
class _Evidence:
    """What the fields of a table say of its marks.

    Parameters
    ----------
    fields : Counter of str
        How many fields there are of each kind, "comma_decimal" and "point_decimal" being proofs, "comma_groups" and
        "point_groups" next to proofs, "one_comma" and "one_point" either.
    examples : dict of str to str
        The first field of each kind.
    pointed, small : dict of int to list of float
        The logarithms of numbers such as 2.201, read with a decimal point, and such as 581; by their column.
    large : set of int
        Columns that hold numbers such as 2201.
    pointed_dates : bool
    """

    fields: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    pointed: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    small: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    large: set[int] = field(default_factory=set)
    pointed_dates: bool = False

    def has(self, *kinds: str) -> bool:
        return any(self.fields[kind] for kind in kinds)

    def add(self, column: int, text: str) -> None:
        if text and not (text[0].isdecimal() and text[-1].isdecimal() and _UNBROKEN.fullmatch(text)):
            text = plain_number(split_sign(text)[1])
        if "." not in text and "," not in text:
            if text.isdecimal() and text not in _PLACEHOLDERS:
                if len(text) > 3:
                    self.large.add(column)
                elif int(text):
                    self.small[column].append(math.log(int(text)))
            return
        # A month such as 10.2024 proves nothing. Of a column of numbers, others do.
        found = None if _MONTH.fullmatch(text) else _KINDS.fullmatch(text)
        if found is None or found.lastgroup is None:
            self.pointed_dates = self.pointed_dates or bool(_POINTED_DATE.fullmatch(text))
            return
        kind = found.lastgroup
        if kind == "one_point":
            self.pointed[column].append(math.log(abs(float(text))))
        self.fields[kind] += 1
        self.examples.setdefault(kind, text)


def _gather(rows: Iterable[list[str]], names: Collection[int] = ()) -> _Evidence:
    evidence = _Evidence()
    for row in rows:
        for column, text in enumerate(row):
            if column not in names:
                evidence.add(column, text.strip())
    return evidence


def find_marks(
    sample: list[list[str]], text: str, sep: str, name: str, names: Collection[int] = ()
) -> tuple[str, str | None]:
    """Tell the decimal mark of a CSV's numbers, and their mark of thousands.

    A field such as 12.5, 0.581 or 7,25 proves its decimal mark, one such as 1.234,5 or 1,234,567 both marks. Where
    2.201 is all there is, it is a decimal number, and a question beside numbers such as 581 in its column. In a file
    cut at semicolons or with dates such as 31.12.2023 it is 2201 beside such numbers, and a question without them.

    Parameters
    ----------
    sample : list of list of str
        The fields of the first rows.
    text : str
        The whole file; cut only where the sample proves nothing and a wrong reading is a factor of 1000.
    sep : str
    name : str
        Of the file, for messages.
    names : collection of int
        Numbers of the columns that name series: 1.10 is no number there.

    Returns
    -------
    decimal : str
    thousands : str or None
        None where no number has a mark.

    Raises
    ------
    DataError
        If the numbers can be read in two ways.
    """
    evidence = _gather(sample, names)
    marks = _from_proofs(evidence, name)
    if marks is None and (sep == ";" or evidence.pointed_dates) and re.search(r"\d[.,]\d", text):
        # 581, 620, ... may go on with 1.024 only after the sample. A header may be numbers too, such as years.
        evidence = _gather(itertools.islice(csv.reader(io.StringIO(text), delimiter=sep), 1, None), names)
        marks = _from_proofs(evidence, name)
    marks = marks or _from_columns(evidence, sep, name)
    if marks is not None:
        return marks
    if evidence.has("one_comma") and not (sep == "," and evidence.has("one_point")):
        raise DataError(_either(name, evidence.examples["one_comma"]))
    return ".", "," if evidence.has("one_comma", "one_point") else None


def _from_proofs(evidence: _Evidence, name: str) -> tuple[str, str] | None:
    """Return the marks that some field proves; two points in a number weigh less, as names have them too."""
    for comma, point in (("comma_decimal", "point_decimal"), ("point_groups", "comma_groups")):
        if evidence.has(comma) and evidence.has(point):
            raise DataError(
                f"{name}: {evidence.examples[comma]!r} and {evidence.examples[point]!r} have different decimal marks. "
                "Say which mark is that of decimals with the option decimal: ',' or '.'."
            )
        if evidence.has(comma):
            return ",", "."
        if evidence.has(point):
            return ".", ","
    return None


def _from_columns(evidence: _Evidence, sep: str, name: str) -> tuple[str, str] | None:
    """Return the marks where numbers below 1000 lack the point that all others have; ask where too little is known."""
    if not evidence.has("one_point") or evidence.has("one_comma"):
        return None
    signs = (sep == ";") + evidence.pointed_dates
    both = evidence.pointed.keys() & evidence.small.keys()
    if evidence.pointed.keys() & evidence.large:
        both = set()
    # 581 is far from 2.201 and close to 2201; 22 is close to 21.375, and may have lost its decimals.
    apart = any(fmean(evidence.small[k]) - fmean(evidence.pointed[k]) > _APART for k in both)
    if signs == 0 and not apart:
        return None
    if (signs == 2 and both) or (signs == 1 and apart):
        return ",", "."
    raise DataError(_either(name, evidence.examples["one_point"]))


def _either(name: str, example: str) -> str:
    mark, other = (",", ".") if "," in example else (".", ",")
    return (
        f"{name}: {example!r} may be a decimal {'comma' if mark == ',' else 'point'} or a mark of thousands. Say which "
        f"with the option decimal: {mark!r} if it is {example.replace(mark, '.')}, {other!r} if it is "
        f"{example.replace(mark, '')}."
    )


def allows_decimal_comma(sample: list[list[str]]) -> bool:
    """Tell whether fields may have a decimal comma though commas cut them: 7,25 between quotes, or 2.201 as 2201."""
    evidence = _gather(sample)
    if evidence.has("comma_decimal", "one_comma", "point_groups"):
        return True
    return evidence.has("one_point") and not evidence.has("point_decimal")


def thousands_beside(decimal: str) -> str | None:
    """Return the mark of thousands that goes with a decimal mark: the other one of comma and point.

    >>> thousands_beside(","), thousands_beside("·")
    ('.', None)
    """
    return {",": ".", ".": ","}.get(decimal)


def number_pattern(decimal: str, thousands: str) -> str:
    """Return the regular expression of a number that may be grouped by thousands."""
    point, mark = re.escape(decimal), re.escape(thousands)
    return rf"[-+]?(?:[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|\d+)(?:{point}\d+)?"


def convert_marked_numbers(
    table: pd.DataFrame, decimal: str, thousands: str | None, kept: Collection[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Turn text columns into numbers: grouped ones, those beside cells of spaces, and those that all bear one sign.

    pandas would also join dates such as 31.12.2023. Discounts of 10 % and 20 % that tell rows of one time apart name
    series, and stay text.

    Parameters
    ----------
    table : DataFrame
    decimal : str
    thousands : str or None
    kept : collection of str
        Columns that stay text: names such as "007".

    Returns
    -------
    table : DataFrame
        Its attrs name the columns whose signs were taken off, and those of one grouped number in all rows.
    notes : list of str
        Which signs were taken off.
    """
    number = re.compile(
        rf"{number_pattern(decimal, thousands or '')}|[-+]?(?:\d*{re.escape(decimal)})?\d+(?:[eE][-+]?\d+)?", re.ASCII
    )
    notes, signed = list[str](), dict[str, Floats]()
    for column in table.columns:
        if column in kept or not pd.api.types.is_string_dtype(table[column].dtype):
            continue
        # The first values settle it for names and dates, of which there may be millions.
        if _as_numbers([str(text).strip() for text in table[column].iloc[:_FIRST].dropna()], number) is None:
            continue
        codes, uniques = pd.factorize(table[column])
        texts = [str(text).strip() for text in uniques]
        found = _as_numbers(texts, number)
        if found is None:
            continue
        sign, plain = found
        if plain != texts and any(plain) and names_series(table, column):
            continue
        # Where a value is missing, its code is that of the last number.
        numbers = _to_numbers(pd.Series([*plain, ""], dtype=object), decimal, thousands).to_numpy()[codes]
        if sign:
            notes.append(sign_note(column, sign))
        # So does a code such as 123 456 that is the same in all rows stand beside the values.
        if sign or (len(texts) == 1 and plain != texts):
            signed[column] = numbers
        else:
            table = table.assign(**{column: numbers})
    if signed:
        table = table.assign(**signed)
        table.attrs[SIGNED] = list(signed)
    return table, notes


def _as_numbers(texts: list[str], number: re.Pattern[str]) -> tuple[str, list[str]] | None:
    """Return the sign that all numbers bear, if any, and the numbers; None where a text is something else.

    Cells of spaces are empty, and stay so.
    """

    def are_numbers(values: list[str]) -> bool:
        return all(not value or number.fullmatch(value) for value in values)

    if are_numbers(texts):
        return "", texts
    sign, plain = take_off_sign(texts) or ("", [plain_number(text) for text in texts])
    return (sign, plain) if are_numbers(plain) else None


def _to_numbers(text: pd.Series, decimal: str, thousands: str | None) -> pd.Series:
    if thousands is not None:
        text = text.str.replace(thousands, "", regex=False)
    return pd.to_numeric(text.str.replace(decimal, ".", regex=False))
