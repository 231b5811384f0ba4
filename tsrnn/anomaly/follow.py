"""Lines of text on their way into a running detector."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.anomaly.notation import Notation, find_places
from tsrnn.anomaly.stream import place_rows, read_value
from tsrnn.data.answers import restore_time, restore_times
from tsrnn.data.grids import DAY
from tsrnn.errors import DataError
from tsrnn.naming import counted, examples

if TYPE_CHECKING:
    from tsrnn.anomaly.detector import AnomalyDetector
    from tsrnn.data.panel import Panel

MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "-"}


class LineReader:
    """Reads lines `time,value`, `series,time,value` or `time,value,value,...`, and says which are anomalous.

    Parameters
    ----------
    detector : AnomalyDetector
        Fitted. The columns are those of its table; a first line that names them is passed over.
    notation : Notation
        How lines are written. Where it has the header of the history's file, a line with as many fields is one of that
        file.

    Attributes
    ----------
    n_confirmed : int
        Lines that were refused for lying far ahead, and then read because the next one went on from them.
    """

    def __init__(self, detector: AnomalyDetector, notation: Notation) -> None:
        self.detector, self.notation = detector, notation
        like = detector.watch_.like
        self.is_long = like.form.kind == "long"
        self.names = list(like.ids)
        self._panel = like
        self._header = self.notation.header
        self._places = None if self._header is None else find_places(self._header, like)
        self._first = True
        self.n_confirmed = 0
        # By its first series: the stamp of a line that lies far ahead, its time and its values.
        self._far: dict[Any, tuple[Any, Any, dict[Any, float]]] = {}
        self._days = _holds_days(like)

    def read(self, line: str) -> list[dict[str, Any]]:
        """Read one line; return its anomalous rows.

        A line more than a window after the last one is refused at first: with a wrong date it would make all that
        follows lie in the past. If the next line of its series goes on from it, both are read. No alarm is late by
        that, as nothing is expected of the first row after so long a gap.

        Raises
        ------
        DataError, FrequencyError
            If it cannot be read, comes out of order or far ahead, or does not lie on the time grid. The detector is as
            it was.
        """
        if "\N{REPLACEMENT CHARACTER}" in line:
            raise DataError("The line holds a byte that is none of its encoding. Name the encoding with --encoding.")
        fields = self.notation.cut(line.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}") if self._first else line)
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
        whole = ""
        if self._header is not None and len(self._header) != len(named):
            whole = f"; or the {len(self._header)} of the history"
        cut = "" if self.notation.sep == "," else f", cut at each {self.notation.sep!r}"
        raise DataError(
            f"{counted(len(fields), 'field')}{cut}, expected {len(named)}: {examples(named, most=6)}{whole}."
        )

    def _update(self, rows: list[tuple[Any, str, str]]) -> list[dict[str, Any]]:
        values = [self._number(value) for _, _, value in rows]
        time = self._time(rows[0][1])
        if self.is_long and self.detector.watch_.system is not None:
            raise DataError("Channels of a system come together; use a wide table, with a line for each time.")
        together = {name: read_value(value) for (name, _, _), value in zip(rows, values, strict=True)}
        found = []
        confirmed = self._confirmed(time, together)
        if confirmed is not None:
            found += self.detector.update_together(*confirmed)
            self.n_confirmed += 1
        found += self.detector.update_together(time, together)
        return [_plain(part._asdict(), self._days) for part in found if part.is_anomaly]

    def _confirmed(self, time: Any, together: dict[Any, float]) -> tuple[Any, dict[Any, float]] | None:
        """Return the row far ahead that this one goes on from, if there is one, and refuse this one if it lies there.

        Raises
        ------
        DataError, FrequencyError
            If the row lies far ahead and goes on from none, is not after those that were read, or not on the grid.
        """
        watch, first = self.detector.watch_, next(iter(together))
        most = watch.plan.context
        _, stamp, gaps = place_rows(watch, list(together), time)
        gap = int(gaps.min())
        before = self._far.pop(first, None)
        if gap <= most:
            return None
        frequency = watch.like.frequency
        if before is not None and 0 < int(frequency.positions(np.array([stamp]), before[0])[0]) <= most:
            return before[1:]
        self._far[first] = stamp, time, together
        last = frequency.stamps(np.array([stamp]), -gap - 1)
        raise DataError(
            f"Series {first}: the time stamp {restore_time(stamp, watch.like.form)} lies {counted(gap + 1, 'row')} "
            f"after the last one, {restore_times(last, watch.like.form)[0]}; expected {most:,} at most. It is left out "
            "unless the next line goes on from it."
        )

    def _time(self, text: str) -> Any:
        if self._panel.start.dtype.kind == "M":
            return self.notation.date(text)
        if not re.fullmatch(r"[+-]?[0-9]{1,30}", text):
            raise DataError(f"The time stamp {text!r} is no whole number, as those of the history are.")
        return int(text)

    def _number(self, text: str) -> float:
        return math.nan if text.lower() in MISSING else self.notation.number(text)


def _holds_days(panel: Panel) -> bool:
    """Tell whether all time stamps of a grid are dates without a time of day."""
    if panel.start.dtype.kind != "M" or panel.form.zone is not None:
        return False
    stamps = panel.frequency.stamps(panel.start[:, None], np.arange(2))
    return bool((stamps.astype("datetime64[ns]").astype(np.int64) % DAY == 0).all())


def _plain(row: dict[str, Any], days: bool) -> dict[str, Any]:
    """Return a row as `--format json` writes it, without what is told of channels alone where there are none.

    Parameters
    ----------
    row : dict
    days : bool
        Its time stamp is written as a date.
    """
    plain: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        if isinstance(value, float):
            plain[name] = value if math.isfinite(value) else None
        elif isinstance(value, (bool, int, str)):
            plain[name] = value
        else:
            plain[name] = str(value.date() if days and name == "ds" and hasattr(value, "date") else value)
    return plain
