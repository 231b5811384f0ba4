"""Months and days of the week in other languages than English."""

from __future__ import annotations

import re

import pandas as pd

_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# By month, in English, German, French, Spanish, Italian, Portuguese and Dutch; no word stands for two of them.
_NAMES = (
    "jan january januar jänner jän janv janvier enero ene gennaio gen janeiro januari",
    "feb february februar febr feber févr fév février febrero febbraio fevereiro fev februari",
    "mar march märz mär mrz maerz mars marzo março maart mrt",
    "apr april avr avril abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "jun june juni juin junio giugno giu junho",
    "jul july juli juil juillet julio luglio lug julho",
    "aug august août aout agosto ago augustus",
    "sep sept september septembre septiembre settembre set setembro",
    "oct october oktober okt octobre octubre ottobre ott outubro out",
    "nov november novembre noviembre novembro",
    "dec december dezember dez décembre déc diciembre dic dicembre dezembro",
)
_MONTHS = {name: month for month, names in zip(_ENGLISH, _NAMES, strict=True) for name in names.split()}
_DAYS = (
    "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday "
    "mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
    "lun mer jeu ven sam dim lundi mardi mercredi jeudi vendredi samedi dimanche "
    "mié mie jue vie sáb sab dom lunes martes miércoles jueves viernes sábado domingo gio "
    "lunedì martedì mercoledì giovedì venerdì sabato domenica seg ter qua qui sex "
    "ma wo vr za zo maandag dinsdag woensdag donderdag vrijdag zaterdag zondag mar"
).split()
# A day of the week before a date of numbers, or before a day and the name of a month.
_WEEKDAY = re.compile(rf"^(?:{'|'.join(_DAYS)})\.?,? +(?=\d+[./-]\d|\d+(?:\.|er|)(?: de)? [^\W\d])", re.IGNORECASE)
_MONTH = re.compile(rf"(?<![^\W\d_])({'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?![^\W\d_])\.?", re.IGNORECASE)


def in_english(values: pd.Series) -> pd.Series:
    """Return dates with the months of other languages in English, and without days of the week.

    Parameters
    ----------
    values : Series of str

    Returns
    -------
    Series of str
        The same where not every value has a month's name or a day of the week.

    Examples
    --------
    >>> in_english(pd.Series(["1. März 2024", "2. Mai 2024"])).tolist()
    ['1 Mar 2024', '2 May 2024']
    >>> in_english(pd.Series(["So, 31.12.2023", "Mo, 01.01.2024"])).tolist()
    ['31.12.2023', '01.01.2024']
    """
    first = values.iloc[0] if len(values) else ""
    if not (_WEEKDAY.search(first) or _MONTH.search(first)):
        return values
    dates = values.str.replace(_WEEKDAY, "", regex=True)
    if (dates.str.len() == values.str.len()).any():
        dates = values
    names = dates.str.extract(_MONTH, expand=False).str.lower()
    if names.isna().any() or names.map(_MONTHS).str.lower().eq(names).all():
        return dates
    dates = dates.str.replace(_MONTH, lambda found: _MONTHS[found[1].lower()], regex=True)
    return dates.str.replace(r"(?<=\d)(?:\.|er)(?= )|(?<= )de ", "", regex=True).str.replace("/", "-")
