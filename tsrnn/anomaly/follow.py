"""Lines of text on their way into a running detector."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tsrnn.anomaly.notation import Notation, find_places
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
    notation : Notation, optional
        How lines are written. By default with commas between fields, a decimal point and dates that can be read in one
        way alone. Where it has the header of the history's file, a line with as many fields is one of that file.
    """

    def __init__(self, detector: AnomalyDetector, notation: Notation | None = None) -> None:
        self.detector = detector
        self.notation = Notation() if notation is None else notation
        like = detector.watch_.like
        self.is_long = like.form.kind == "long"
        self.names = list(like.ids)
        self.dates = like.start.dtype.kind == "M"
        self.system = detector.watch_.system is not None
        self._panel = like
        self._header = self.notation.header
        self._places = None if self._header is None else find_places(self._header, like)
        self._first = True

    def read(self, line: str) -> list[dict[str, Any]]:
        """Read one line; return its anomalous rows.

        Raises
        ------
        DataError, FrequencyError
            If it cannot be read, comes out of order, or does not lie on the time grid. The detector is as it was.
        """
        fields = self.notation.cut(line)
        if not any(fields):
            return []
        first, self._first = self._first, False
        if first and self._is_header(fields):
            return []
        fields = self._chosen(fields)
        if self.is_long:
            name = next((known for known in self.names if str(known) == fields[0]), fields[0])
            return self._update([(name, fields[1], fields[2])])
        return self._update([(name, fields[0], value) for name, value in zip(self.names, fields[1:], strict=True)])

    def _is_header(self, fields: list[str]) -> bool:
        """Tell whether a line names columns, and remember where they are if they are those of the history."""
        places = find_places(tuple(fields), self._panel)
        if places is not None:
            self._header, self._places = tuple(fields), places
            return True
        return len(fields) > 1 and not any(self._is_value(field) for field in fields)

    def _is_value(self, text: str) -> bool:
        """Tell whether a field is a number, a date, or missing."""
        if text.lower() in MISSING:
            return True
        for read in (self._number, self._time):
            try:
                read(text)
            except DataError:
                continue
            return True
        return False

    def _chosen(self, fields: list[str]) -> list[str]:
        """Return series, time and value, or in a wide table time and values, of the fields of a line."""
        if self._places is not None and self._header is not None and len(fields) == len(self._header):
            return [fields[place] for place in self._places]
        named = ["series", "time", "value"] if self.is_long else ["time", *map(str, self.names)]
        if len(fields) == len(named):
            return fields
        shown = ", ".join(named[:6]) + (", ..." if len(named) > 6 else "")
        whole = ""
        if self._header is not None and len(self._header) != len(named):
            whole = f"; or the {len(self._header)} of the history"
        cut = "" if self.notation.sep == "," else f", cut at each {self.notation.sep!r}"
        raise DataError(f"{len(fields)} fields{cut}, expected {len(named)}: {shown}{whole}.")

    def _update(self, rows: list[tuple[Any, str, str]]) -> list[dict[str, Any]]:
        values = [self._number(value) for _, _, value in rows]
        time = self._time(rows[0][1])
        # All rows of a line are read or none, so the first is checked against what is known of every series.
        if self.system and self.is_long:
            raise DataError("Channels of a system come together; use a wide table, with a line for each time.")
        together = {name: value for (name, _, _), value in zip(rows, values, strict=True)}
        found = self.detector.update_together(time, together)
        return [_plain(part._asdict()) for part in found if part.is_anomaly]

    def _time(self, text: str) -> Any:
        if self.dates:
            return self.notation.date(text)
        try:
            return int(text)
        except ValueError:
            raise DataError(f"The time stamp {text!r} is no whole number, as those of the history are.") from None

    def _number(self, text: str) -> float:
        return math.nan if text.lower() in MISSING else self.notation.number(text)


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
