"""Keep the names of series as they stand in a file: NA, 007 and 1.10 are names, no missing value and no numbers."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence

import pandas as pd

from tsrnn.data.column_kinds import is_text
from tsrnn.data.dates import looks_like_dates
from tsrnn.data.number_signs import split_sign
from tsrnn.data.number_texts import are_numbers

# Digits that are written so and no other way, and that 64 bits hold.
_WHOLE = r"-?[1-9]\d{0,17}|0"


def restore_names(table: pd.DataFrame, text: str, sep: str, kept: Collection[str]) -> pd.DataFrame:
    """Put back what pandas takes for a missing value, such as NA, None or null, where a column holds names.

    Only an empty cell is a missing name. In columns of numbers or dates that are text only for a word among them, NA
    is a missing value.

    Parameters
    ----------
    table : DataFrame
        As pandas reads `text`.
    text, sep : str
        The CSV and its separator.
    kept : collection of str
        Columns that hold names whatever stands in them.
    """
    gaps = [name for name in table.columns if is_text(table[name]) or name in kept]
    gaps = [name for name in gaps if table[name].isna().any() and (name in kept or _holds_names(table[name]))]
    if not gaps:
        return table
    cells = pd.read_csv(io.StringIO(text), sep=sep, usecols=gaps, dtype=str, na_filter=False, low_memory=False)
    return table.assign(**{name: cells[name].where(cells[name].str.strip() != "") for name in gaps})


def _holds_names(column: pd.Series) -> bool:
    known = column.dropna()
    if are_numbers(known.map(lambda text: split_sign(text.strip())[1])).mean() >= 0.5:
        return False
    return not looks_like_dates(known.astype(object))


def as_whole_numbers(column: pd.Series) -> pd.Series:
    """Return names as int64 if every one of them is a whole number in its plain form, and as they are otherwise.

    Nothing is lost by that: the text of the number is the name. 007, 1.10 and 1E5 stay text.

    Examples
    --------
    >>> as_whole_numbers(pd.Series(["1", "20"])).tolist(), as_whole_numbers(pd.Series(["1", "02"])).tolist()
    ([1, 20], ['1', '02'])
    """
    codes, names = pd.factorize(column)
    texts = pd.Series(names, dtype=object).astype(str).str.strip()
    if (codes < 0).any() or not len(texts) or not texts.str.fullmatch(_WHOLE).all():
        return column
    return pd.Series(texts.astype("int64").to_numpy()[codes], index=column.index, name=column.name)


def name_alike(tables: Sequence[pd.DataFrame], name: str) -> list[pd.DataFrame]:
    """Return the parts of one table with names of one kind: text in all of them where it is text in one.

    A part that has the series 1 alone calls it by a number, one that has x2 beside it by text.
    """
    texts = [is_text(table[name]) for table in tables]
    if all(texts) or not any(texts):
        return list(tables)
    return [
        table if text else table.assign(**{name: table[name].astype(object).map(str, na_action="ignore")})
        for table, text in zip(tables, texts, strict=True)
    ]
