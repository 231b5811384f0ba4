"""Read numbers that bear a sign of currency or percent: $1,234.50, 1.234,50 €, 12 %."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Key of DataFrame.attrs: columns whose numbers bore a sign in a file.
SIGNED = "tsrnn_signed"
# Letters alone are a sign only where they are a currency's: 12 kg may be one of several units.
_CODES = (
    "AUD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN|MYR|NOK|NZD|PHP|PLN|RON|RUB|SAR|SEK|"
    "SGD|THB|TRY|TWD|UAH|USD|VND|ZAR|Ft|Fr\\.|Kč|kr\\.?|lei|Rp|Rs\\.?|zł"
)
_SIGN = rf"(?:[A-Z]{{0,3}}[$¢£¤¥฿\u20a0-\u20cf]|{_CODES}|%|‰)"
_NUMBER = r"(?:\d(?:[\d.,'’\s]*\d)?|[.,]\d+)"
_SIGNED = re.compile(
    rf"(?P<minus>[-+−]?)\s*(?:(?P<before>{_SIGN})\s*(?P<inner>[-+−]?)\s*(?P<first>{_NUMBER})"
    rf"|(?P<second>{_NUMBER})\s*(?P<after>{_SIGN}))"
)
_BARE = re.compile(rf"(?P<before>[-+−]?)\s*(?P<digits>{_NUMBER})(?P<after>[-−]?)")
# Between groups of three digits, where comma and point are not used for it.
_GROUPED = re.compile(r"\d{1,3}(?:[\s'’]\d{3})+(?:[.,]\d+)?")


def split_sign(text: str) -> tuple[str, str]:
    """Return the sign of a number and the number without it; no sign and the text where it is something else.

    Examples
    --------
    >>> split_sign("-$1,234.50"), split_sign("(€ 5)"), split_sign("1 234,50 €"), split_sign("12")
    (('$', '-1,234.50'), ('€', '-5'), ('€', '1234,50'), ('', '12'))
    """
    inside = re.fullmatch(r"\((.*)\)", text)
    found = _SIGNED.fullmatch(text if inside is None else inside[1])
    if found is None:
        return "", text
    minus = found["minus"] + (found["inner"] or "")
    digits = _ungrouped(found["first"] or found["second"])
    # Accounts write what is negative in brackets.
    if len(minus) > 1 or (minus and inside is not None) or digits is None:
        return "", text
    minus = "-" if inside is not None else minus.replace("−", "-")
    return found["before"] or found["after"], minus + digits


def plain_number(text: str) -> str:
    """Return a number without spaces or apostrophes in it and with an ASCII minus in front; other text as it is.

    Brackets around a number may say that it is negative, or uncertain.

    Examples
    --------
    >>> plain_number("1 234,50"), plain_number("1'234.50-"), plain_number("12 34"), plain_number("(5)")
    ('1234,50', '-1234.50', '12 34', '(5)')
    """
    found = _BARE.fullmatch(text)
    digits = None if found is None else _ungrouped(found["digits"])
    if found is None or digits is None or (found["before"] and found["after"]):
        return text
    return (found["before"] or found["after"]).replace("−", "-") + digits


def _ungrouped(digits: str) -> str | None:
    """Return digits without what is between groups of three; None where it is elsewhere."""
    if _GROUPED.fullmatch(digits):
        return re.sub(r"[\s'’]", "", digits)
    return None if re.search(r"[\s'’]", digits) else digits


def take_off_sign(texts: Iterable[str]) -> tuple[str, list[str]] | None:
    """Return the sign that all numbers have, and the numbers without it; None where some lack it or are something else.

    Examples
    --------
    >>> take_off_sign(["12 %", "7.5%"]), take_off_sign(["$5", "€5"])
    (('%', ['12', '7.5']), None)
    """
    signs, values = set(), []
    for text in texts:
        sign, value = split_sign(text.strip())
        signs.add(sign)
        # Names end it at the first one, of which there may be millions.
        if not sign or len(signs) > 1:
            return None
        values.append(value)
    return (signs.pop(), values) if values else None


def sign_note(column: str, sign: str) -> str:
    """Say that the numbers of a column were read without their sign.

    >>> sign_note("rate", "%")
    "Column 'rate': numbers are read without their sign, 5% as 5."
    """
    example = f"5{sign}" if sign in "%‰" else f"{sign}5"
    return f"Column {column!r}: numbers are read without their sign, {example} as 5."
