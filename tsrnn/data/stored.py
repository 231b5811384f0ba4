"""Write a panel as JSON values and arrays, and read it back.

Every kind of value stands in this file: nothing is imported, evaluated or looked up by a name that a file gives.
Writing raises ParameterError for what has no written form; reading raises DataError for what is not as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.frequencies import to_offset

from tsrnn.data.calendars import (
    MIXED,
    MONDAY_TO_FRIDAY,
    BusinessDays,
    MonthStep,
    OffsetGrid,
    TradingDays,
    is_plain_week,
    read_weekmask,
)
from tsrnn.data.grids import FixedStep, Frequency, IntegerStep
from tsrnn.data.month_days import Anchor
from tsrnn.data.panel import Panel, TableForm, as_names
from tsrnn.data.stored_values import (
    INT64,
    Json,
    dtype_to_json,
    json_to_dtype,
    json_to_value,
    json_to_zone,
    read_entry,
    read_flag,
    read_list,
    read_text,
    read_whole,
    value_to_json,
    zone_to_json,
)
from tsrnn.data.tables import LONGEST_SEASON
from tsrnn.errors import DataError, ParameterError
from tsrnn.naming import counted

Arrays = dict[str, npt.NDArray[Any]]


def offset_to_json(offset: Any) -> str:
    """Write a pandas offset by its alias; open days of a week other than Monday to Friday as "C-1111110".

    Raises
    ------
    ParameterError
        If the alias does not say all of it, as for business days with a list of holidays.

    Examples
    --------
    >>> offset_to_json(pd.offsets.MonthEnd(2))
    '2ME'
    """
    weekmask = read_weekmask(offset) if is_plain_week(offset) else MONDAY_TO_FRIDAY
    if weekmask != MONDAY_TO_FRIDAY:
        return f"{offset.n}C-{weekmask}"
    alias = str(offset.freqstr)
    try:
        same = to_offset(alias) == offset
    except ValueError:
        same = False
    if not same:
        raise ParameterError(
            f"The step {offset!r} has no alias that says all of it and cannot be saved. Fit with a freq such as 'B' "
            "or 'MS', or leave freq out."
        )
    return alias


def frequency_to_json(frequency: Frequency) -> Json:
    """Write a frequency.

    Examples
    --------
    >>> frequency_to_json(FixedStep(60_000_000_000))
    {'kind': 'fixed', 'step': 60000000000, 'weekday': None, 'zone': None}
    """
    if isinstance(frequency, TradingDays):
        calendar = frequency.calendar.astype("datetime64[D]").astype(np.int64).tolist()
        return {"kind": "trading", "calendar": calendar, "holidays": int(frequency.holidays)}
    if isinstance(frequency, OffsetGrid):
        origin = int(np.datetime64(frequency.origin, "ns").astype(np.int64))
        return {"kind": "offset", "alias": offset_to_json(frequency.offset), "origin": origin}
    kinds: dict[type[Any], str] = {IntegerStep: "integer", FixedStep: "fixed", MonthStep: "months", BusinessDays: "B"}
    kind = kinds.get(type(frequency))
    if kind is None:
        raise ParameterError(f"The step {frequency!r} cannot be saved.")
    parts = {part.name: getattr(frequency, part.name) for part in fields(frequency)}  # type: ignore[arg-type]
    return {"kind": kind, **{name: value_to_json(value, "a step") for name, value in parts.items()}}


def json_to_frequency(content: Json) -> Frequency:
    """Read what `frequency_to_json` wrote.

    >>> json_to_frequency({"kind": "B", "step": 1})
    BusinessDays(step=1, weekmask='1111100')
    """
    kind = read_text(content, "kind")
    if kind not in _FREQUENCIES:
        raise DataError(f"the step's kind is {kind!r}, expected one of {', '.join(_FREQUENCIES)}")
    return _FREQUENCIES[kind](content)


def _fixed(content: Json) -> Frequency:
    weekday = None if read_entry(content, "weekday") is None else read_whole(content, "weekday", 0, 6)
    # Models that were saved before steps could be those of a zone do not name one.
    zone = content.get("zone")
    if zone is not None:
        json_to_zone(zone)
    return FixedStep(read_whole(content, "step"), weekday, zone)


def _months(content: Json) -> Frequency:
    anchor = read_text(content, "anchor")
    if anchor not in get_args(Anchor):
        raise DataError(f"anchor={anchor!r}, expected one of {', '.join(get_args(Anchor))}")
    day, phase = read_whole(content, "day", 1, 31), read_whole(content, "phase", MIXED, 11)
    return MonthStep(read_whole(content, "months", 1, 12_000), anchor, day, phase)  # type: ignore[arg-type]


def _trading(content: Json) -> Frequency:
    days = read_list(content, "calendar")
    if not days or not all(type(day) is int and abs(day) < 110_000 for day in days):
        raise DataError("the calendar is no list of days")
    calendar = np.array(days, np.int64).astype("datetime64[D]")
    if not (np.diff(calendar).astype(np.int64) > 0).all():
        raise DataError("the days of the calendar are not in order")
    return TradingDays(calendar, read_whole(content, "holidays", 0))


def _weekmask(content: Json) -> str:
    # Models that were saved before other weeks were known do not name theirs.
    weekmask = read_text(content, "weekmask") if "weekmask" in content else MONDAY_TO_FRIDAY
    if not re.fullmatch("[01]{7}", weekmask) or "1" not in weekmask:
        raise DataError(f"weekmask={weekmask!r}, expected seven digits, 1 for open days and 0 for closed ones")
    return weekmask


def _offset(content: Json) -> Frequency:
    offset = to_offset(read_text(content, "alias"))
    if offset.n < 1:
        raise DataError(f"the step {offset.freqstr!r} does not lead forward")
    return OffsetGrid(offset, np.datetime64(read_whole(content, "origin", -INT64), "ns"))


_FREQUENCIES: dict[str, Callable[[Json], Frequency]] = {
    "integer": lambda content: IntegerStep(read_whole(content, "step"), read_flag(content, "years")),
    "fixed": _fixed,
    "months": _months,
    "B": lambda content: BusinessDays(read_whole(content, "step", 1, 10**6), _weekmask(content)),
    "trading": _trading,
    "offset": _offset,
}


def form_to_json(form: TableForm) -> Json:
    """Write the form of a table.

    >>> form_to_json(TableForm("series", target_col="sales"))["target_col"]
    'sales'
    """
    names = {name: value_to_json(getattr(form, name), "a column's name") for name in _NAMES}
    dtypes = {name: dtype_to_json(getattr(form, name)) for name in _DTYPES}
    flags = {name: bool(getattr(form, name)) for name in _FLAGS}
    return {"kind": form.kind, **names, **dtypes, **flags, "zone": zone_to_json(form.zone)}


def json_to_form(content: Json) -> TableForm:
    """Read what `form_to_json` wrote.

    >>> json_to_form(form_to_json(TableForm("wide"))) == TableForm("wide")
    True
    """
    kind = read_text(content, "kind")
    if kind not in ("long", "wide", "series"):
        raise DataError(f"the table's kind is {kind!r}, expected long, wide or series")
    # Models that were saved before the columns of a wide table could have a name together do not tell of it.
    parts = {name: json_to_value(read_entry({"columns_name": None, **content}, name)) for name in _NAMES}
    parts |= {name: json_to_dtype(read_entry(content, name)) for name in _DTYPES}
    parts |= {name: read_flag(content, name) for name in _FLAGS}
    value = parts["value_dtype"]
    if value is not None and not pd.api.types.is_float_dtype(value):
        raise DataError(f"the values' dtype is {value}, expected one of floating point")
    return TableForm(kind=kind, zone=json_to_zone(read_entry(content, "zone")), **parts)  # type: ignore[arg-type]


_NAMES = ("id_col", "time_col", "target_col", "columns_name")
_DTYPES = ("time_dtype", "id_dtype", "value_dtype")
_FLAGS = ("time_in_index", "wall_clock")


def panel_to_stored(panel: Panel) -> tuple[Json, Arrays]:
    """Write a panel as a JSON object and the float64 and int64 arrays `y`, `offsets` and `start`."""
    content = {
        "ids": [value_to_json(name, "a series' name") for name in panel.ids],
        "dates": panel.start.dtype.kind == "M",
        "frequency": frequency_to_json(panel.frequency),
        "season_length": int(panel.season_length),
        "form": form_to_json(panel.form),
        "notes": list(panel.notes),
        "choices": list(panel.choices),
    }
    start = panel.start.astype("datetime64[ns]") if content["dates"] else panel.start
    return content, {
        "y": panel.y.astype(np.float64),
        "offsets": panel.offsets.astype(np.int64),
        "start": start.astype(np.int64),
    }


def panel_from_stored(content: Json, arrays: Mapping[str, npt.NDArray[Any]]) -> Panel:
    """Read what `panel_to_stored` wrote.

    Raises
    ------
    DataError
        If a part is missing or of another type, or the parts do not fit together.
    """
    for name, dtype in (("y", np.float64), ("offsets", np.int64), ("start", np.int64)):
        if name not in arrays or arrays[name].dtype != dtype or arrays[name].ndim != 1:
            raise DataError(f"the panel's {name} is no array of {np.dtype(dtype)}")
    y, offsets, start = arrays["y"], arrays["offsets"], arrays["start"]
    names = [json_to_value(name) for name in read_list(content, "ids")]
    ordered = len(offsets) > 1 and offsets[0] == 0 and offsets[-1] == len(y) and (np.diff(offsets) > 0).all()
    if not ordered or not len(names) == len(start) == len(offsets) - 1:
        raise DataError(
            f"{counted(len(names), 'name')}, {counted(len(offsets), 'offset')} and {counted(len(y), 'row')} do not "
            "make a panel"
        )
    frequency, dates = json_to_frequency(read_entry(content, "frequency")), read_flag(content, "dates")
    if dates == isinstance(frequency, IntegerStep):
        raise DataError(f"the step {frequency.alias!r} does not suit the time stamps")
    notes = read_list(content, "notes")
    if not all(isinstance(note, str) for note in notes):
        raise DataError("the notes are no text")
    form = json_to_form(read_entry(content, "form"))
    pd.Series(names, dtype=form.id_dtype)  # an error here, not when the answer is built
    season = read_whole(content, "season_length", 1, LONGEST_SEASON)
    start = start.view("datetime64[ns]") if dates else start
    choices = read_list(content, "choices") if "choices" in content else []  # since 0.1.0
    if not all(isinstance(note, str) for note in choices):
        raise DataError("the choices are no text")
    return Panel(y, offsets, as_names(names), start, frequency, season, form, (*notes,), (*choices,))
