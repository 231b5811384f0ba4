"""The words in a column's name, and which of them say that it holds time."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

# Of a column of time, whatever it holds.
TIME_WORDS = {"date", "dates", "time", "timestamp", "datetime", "month", "period", "year", "years", "day"}
TIME_WORDS |= {"week", "quarter", "hour", "dt", "datum", "ts", "epoch", "unix", "unixtime"}
TIME_WORDS |= {
    "monat",
    "jahr",
    "annee",
    "ano",
    "quartal",
    "woche",
    "kw",
    "mois",
    "trimestre",
    "semaine",
    "mes",
    "fecha",
    "semana",
    "periode",
}
# Of whole numbers that count steps, and of what counts time or its units evenly.
COUNTER_WORDS = {"time", "timestamp", "step", "period", "t"}
EVEN_WORDS = TIME_WORDS | COUNTER_WORDS | {"obs", "observation", "tag"}
EVEN_WORDS |= {"second", "seconds", "minute", "minutes", "hours", "days", "weeks", "months", "quarters"}
# Of whole numbers that are time since 1970, calendar years, or weeks of ISO 8601.
STAMP_WORDS = {"time", "timestamp", "timestamps", "datetime", "date", "dt", "ds", "ts", "epoch", "unix", "unixtime"}
YEAR_WORDS = {"year", "years", "jahr", "annee", "ano"}
DATE_WORDS = {"date", "dates", "datum", "fecha"}
# Of a running number, whatever it belongs to.
KEY_WORDS = {"id", "key", "nr", "no", "number", "index"}
DATED_WORDS = YEAR_WORDS | DATE_WORDS | {"yr"}
WEEK_WORDS = {"week", "weeks", "yearweek", "woche", "kw"}
# Of whole numbers that are a part of a date beside its year, each by what it is.
PART_WORDS = {"quarter": "quarter", "quartal": "quarter", "trimestre": "quarter", "month": "month", "monat": "month"}
PART_WORDS |= {"mois": "month", "mes": "month", "week": "week", "woche": "week", "kw": "week", "semaine": "week"}
PART_WORDS |= {"semana": "week", "day": "day", "tag": "day"}
# Of times of day.
HOUR_WORDS = {"hour", "hours", "hr", "stunde", "heure", "hora", "ora", "uur"}
CLOCK_WORDS = HOUR_WORDS | {"time", "clock", "uhrzeit", "zeit"}


def name_words(name: Any) -> set[str]:
    """Split a column's name into lower-case words without accents; of German compounds the date is one.

    >>> sorted(name_words("OrderDate_utc")), sorted(name_words("Buchungsdatum")), name_words("Année")
    (['date', 'order', 'utc'], ['buchungs', 'datum'], {'annee'})
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFD", str(name)) if not unicodedata.combining(letter))
    spaced = re.sub(r"([a-z])([A-Z]|datum(?![a-z]))", r"\1 \2", plain)
    return set(re.split(r"[^a-z]+", spaced.lower())) - {""}
