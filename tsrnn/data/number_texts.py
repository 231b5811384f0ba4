"""Say how text becomes numbers, by the marks that it has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.number_signs import split_sign

_DECIMAL_COMMAS = r"[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?"
_MISSING = {"na", "n/a", "nan", "null", "none"}
_COMMA_THOUSANDS = r"[-+]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?"


def numbers_as_text(column: pd.Series, name: Any) -> str:
    """Say how to turn a text column into numbers: a whole message but for its full stop.

    Examples
    --------
    >>> numbers_as_text(pd.Series(["1,234.50", "581.25"]), "sold").split("; ")[-1]
    "in Python convert it: df['sold'].str.replace(',', '').astype(float)"
    """
    text = column.dropna().astype(str).str.strip()
    held, decimal, cure = _reading(text, f"df[{name!r}]")
    if decimal:
        marked = text[text.str.contains(r"[.,]")]
        return (
            f"Column {name!r} holds {held}, for example {marked.iloc[0]!r}. For a CSV on the command line say "
            f"--decimal {decimal}; in Python convert it: {cure}"
        )
    pairs = [split_sign(value) for value in text]
    signs = {sign: value for (sign, _), value in zip(pairs, text, strict=True)}
    bare = pd.Series([value for _, value in pairs], index=text.index, dtype=object)
    if len(signs) > 1 and are_numbers(bare).all():
        return (
            f"Column {name!r} holds numbers with different signs or without, for example "
            f"{' and '.join(map(repr, list(signs.values())[:3]))}; expected the same sign throughout, or none. Bring "
            "them to one unit, or make a series of each"
        )
    numbers = pd.to_numeric(text, errors="coerce").notna()
    words = text[~are_numbers(bare).to_numpy()]
    # NA may stand for a missing value; another word never does.
    telling = words[~words.str.lower().isin(_MISSING)]
    example = next(iter([*telling[:1], *words[:1], *text[:1]]))
    # Turning what cannot be read into missing values would lose the numbers too where they have marks.
    cure = f"pd.to_numeric(df[{name!r}], errors='coerce')"
    if text.str.contains(r"\d").mean() > 0.5 and numbers.mean() < 0.5:
        cure = "pd.to_numeric, after .str.replace has taken out all but digits, signs and the decimal point"
    row = int(np.flatnonzero(column.astype(str).str.strip() == example)[0])
    return (
        f"Column {name!r} holds text, for example {example!r}; expected numbers. That is in row {row} (counted from "
        "0). In a file leave cells without a value empty, and take out lines of titles, units and totals; in "
        f"Python convert it: {cure}"
    )


def are_numbers(text: pd.Series) -> pd.Series:
    """Tell which texts are numbers, with marks of decimals and of thousands or without."""
    plain = pd.to_numeric(text, errors="coerce").notna()
    return plain | text.str.fullmatch(_DECIMAL_COMMAS) | text.str.fullmatch(_COMMA_THOUSANDS)


def _reading(text: pd.Series, column: str) -> tuple[str, str, str]:
    """Return what a text column holds, the option that reads it, and the code; empty where words are among them."""
    to_point = ".str.replace(',', '.').astype(float)"
    no_commas = f"{column}.str.replace(',', '').astype(float)"
    commas = bool(text.str.contains(",", regex=False).any())
    is_decimal = commas and bool(text.str.fullmatch(_DECIMAL_COMMAS).all())
    is_thousands = commas and bool(text.str.fullmatch(_COMMA_THOUSANDS).all())
    if is_decimal and is_thousands:
        held = "text with commas of decimals or of thousands"
        return held, "',' or '.'", f"{column}{to_point} or {no_commas}"
    if is_decimal:
        return "text with decimal commas", "','", f"{column}.str.replace('.', ''){to_point}"
    if is_thousands:
        return "text with commas for thousands", "'.'", no_commas
    if text.str.contains(".", regex=False).any() and pd.to_numeric(text, errors="coerce").notna().all():
        return "numbers as text", "'.'", f"pd.to_numeric({column})"
    return "", "", ""
