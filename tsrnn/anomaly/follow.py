"""Lines of text on their way into a running detector."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from tsrnn.errors import DataError

if TYPE_CHECKING:
    from tsrnn.anomaly.detector import AnomalyDetector

MISSING = {"", "na", "nan", "null", "none", "-"}


class LineReader:
    """Reads lines `time,value`, `series,time,value` or `time,value,value,...`, and says which are anomalous.

    Parameters
    ----------
    detector : AnomalyDetector
        Fitted. The columns are those of its table; a first line that names them is passed over.
    """

    def __init__(self, detector: AnomalyDetector) -> None:
        self.detector = detector
        like = detector.watch_.like
        self.is_long = like.form.kind == "long"
        self.names = list(like.ids)
        self.dates = like.start.dtype.kind == "M"
        self.system = detector.watch_.system is not None
        self._first = True

    def read(self, line: str) -> list[dict[str, Any]]:
        """Read one line; return its anomalous rows.

        Raises
        ------
        DataError, FrequencyError
            If it cannot be read, comes out of order, or does not lie on the time grid. The detector is as it was.
        """
        fields = [part.strip() for part in next(csv.reader([line.strip()]), [])]
        if not any(fields):
            return []
        if self._first and self._is_header(fields):
            self._first = False
            return []
        self._first = False
        if self.is_long:
            return self._read_long(fields)
        return self._read_wide(fields)

    def _is_header(self, fields: list[str]) -> bool:
        """Tell whether a line names columns: nothing in it is a number, and its time is no date."""
        place = 1 if self.is_long and len(fields) > 1 else 0
        values = fields[place + 1 :] or [""]
        if any(_is_number(value) or value.lower() in MISSING for value in values):
            return False
        return not _is_number(fields[place]) and pd.isna(pd.to_datetime(fields[place], errors="coerce"))

    def _read_long(self, fields: list[str]) -> list[dict[str, Any]]:
        if len(fields) != 3:
            raise DataError(f"{len(fields)} fields, expected 3: series, time, value.")
        name = next((known for known in self.names if str(known) == fields[0]), fields[0])
        return self._update([(name, fields[1], fields[2])])

    def _read_wide(self, fields: list[str]) -> list[dict[str, Any]]:
        if len(fields) != 1 + len(self.names):
            named = ", ".join(map(str, self.names[:5])) + (", ..." if len(self.names) > 5 else "")
            raise DataError(f"{len(fields)} fields, expected {1 + len(self.names)}: time, {named}.")
        return self._update([(name, fields[0], value) for name, value in zip(self.names, fields[1:], strict=True)])

    def _update(self, rows: list[tuple[Any, str, str]]) -> list[dict[str, Any]]:
        values = [_number(value) for _, _, value in rows]
        time = self._time(rows[0][1])
        # All rows of a line are read or none, so the first is checked against what is known of every series.
        if self.system and self.is_long:
            raise DataError("Channels of a system come together; use a wide table, with a line for each time.")
        together = {name: value for (name, _, _), value in zip(rows, values, strict=True)}
        found = self.detector.update_together(time, together)
        return [_plain(part._asdict()) for part in found if part.is_anomaly]

    def _time(self, text: str) -> Any:
        if self.dates:
            return text
        try:
            return int(text)
        except ValueError:
            raise DataError(f"The time stamp {text!r} is no whole number, as those of the history are.") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str) -> float:
    if text.lower() in MISSING:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise DataError(
            f"The value {text!r} is no number. Expected a number, or nothing where it is missing."
        ) from None


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON has it, without what is told of channels alone where there are none."""
    plain: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        if isinstance(value, float):
            plain[name] = value if math.isfinite(value) else None
        elif isinstance(value, (bool, int, str)):
            plain[name] = value
        else:
            plain[name] = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return plain
