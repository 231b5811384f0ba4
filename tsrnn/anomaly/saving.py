"""What a saved detector holds: its parameters, its forecaster, the fitted rows, and the state of every series."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.engine_state import Plan
from tsrnn.anomaly.settings import check_settings, cycle_of
from tsrnn.anomaly.system import System
from tsrnn.anomaly.tracker import Judged
from tsrnn.anomaly.watch import Found, Watch
from tsrnn.data.panel import as_names
from tsrnn.data.stored import panel_from_stored, panel_to_stored
from tsrnn.data.stored_values import (
    Json,
    json_to_value,
    number_between,
    read_entry,
    read_flag,
    read_list,
    read_whole,
    value_to_json,
)
from tsrnn.errors import DataError, ParameterError
from tsrnn.forecasting.forecaster import Forecaster
from tsrnn.forecasting.model_folder import load_folder, save_folder
from tsrnn.forecasting.saving import forecaster_from_stored, forecaster_to_stored
from tsrnn.forecasting.stored_parameters import json_to_parameter, parameter_to_json, read_columns
from tsrnn.naming import counted
from tsrnn.training.checkpoint import part_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tsrnn.anomaly.detector import AnomalyDetector
    from tsrnn.anomaly.tracker import Tracker
    from tsrnn.data.panel import Panel

Detector = TypeVar("Detector", bound="AnomalyDetector")
Tensors = dict[str, torch.Tensor]

KIND = "anomaly detector"
FORECASTER, PANEL, FOUND, STATE = "forecaster.", "panel.", "found.", "state."
# What the names of the arrays of a tracker and of a system begin with, and where they are.
TRACKER = {STATE: "state", "usual.": "usual", "past.": "past_scores", "errors.": "past_errors"}
SYSTEM = {"system.usual.": "usual", "system.past.": "past_scores"}
# What of a plan does not follow from the panel.
PLAN = ("block", "context", "patience")
LARGEST = 10**6


def save_detector(detector: AnomalyDetector, path: Any) -> None:
    """Save a fitted detector; see `AnomalyDetector.save`."""
    check_is_fitted(detector, "watch_")
    model, watch, found = detector.forecaster_, detector.watch_, detector._found
    if not isinstance(model, Forecaster):
        raise ParameterError(f"A detector with a {type(model).__name__} cannot be saved, only one with a Forecaster.")
    inner, weights = forecaster_to_stored(model)
    panel, arrays = panel_to_stored(detector.panel_)
    parameters = {name: value for name, value in detector.get_params(deep=False).items() if name != "forecaster"}
    system = watch.system
    content = {
        "forecaster": inner,
        "parameters": {name: parameter_to_json(name, value) for name, value in parameters.items()},
        "alpha": float(detector.alpha_),
        "columns": value_to_json(detector._columns, "a column's name"),
        "is_array": bool(detector._is_array),
        "panel": panel,
        "plan": {name: int(getattr(watch.plan, name)) for name in PLAN},
        "ids": [value_to_json(name, "a series' name") for name in watch.like.ids],
        "fixed": bool(watch.tracker.fixed),
        "width": float(watch.tracker.width),
        "system": None if system is None else {"seen": int(system.seen), "fixed": bool(system.fixed)},
    }
    parts: dict[str, Any] = {PANEL + name: part for name, part in arrays.items()}
    parts |= {FOUND + name: part for name, part in found.judged._asdict().items()}
    parts |= {} if found.share is None else {FOUND + "share": found.share}
    parts |= _stored(watch.tracker, TRACKER)
    parts |= {} if system is None else _stored(system, SYSTEM)
    parts |= {"start": watch.like.start.astype(np.int64), "next": watch.next.astype(np.int64)}
    tensors = {FORECASTER + name: part for name, part in weights.items()}
    tensors |= {name: torch.from_numpy(np.ascontiguousarray(part)) for name, part in parts.items()}
    save_folder(path, content, tensors, partial(_build, cls=type(detector)), KIND)


def load_detector(path: Any, cls: type[Detector]) -> Detector:
    """Load a detector that `save_detector` wrote; see `AnomalyDetector.load`."""
    return load_folder(path, partial(_build, cls=cls), KIND)


def _build(content: Json, tensors: Tensors, cls: type[Detector]) -> Detector:
    model = forecaster_from_stored(read_entry(content, "forecaster"), part_of(tensors, FORECASTER), Forecaster)
    parameters = read_entry(content, "parameters")
    known = set(cls().get_params(deep=False)) - {"forecaster"}
    if not isinstance(parameters, dict) or set(parameters) != known:
        raise DataError(f"the parameters are not those of {cls.__name__}")
    detector = cls(forecaster=model, **{name: json_to_parameter(value) for name, value in parameters.items()})
    check_settings(detector)
    columns = read_columns(content)
    arrays = _arrays(tensors)
    panel = panel_from_stored(read_entry(content, "panel"), part_of(arrays, PANEL))
    detector._columns, detector._is_array = columns, read_flag(content, "is_array")
    if detector._is_array:
        detector.n_features_in_ = panel.n_series
    detector.alpha_ = number_between(0, 1, or_low=True, or_high=True)(content, "alpha")
    detector.panel_, detector.forecaster_ = panel, model
    detector.watch_ = _watch(detector, content, arrays)
    detector._found = _found(arrays, len(panel.y))
    return detector


def _watch(detector: AnomalyDetector, content: Json, arrays: dict[str, Any]) -> Watch:
    panel: Panel = detector.panel_
    plan_values = read_entry(content, "plan")
    block, context, patience = (read_whole(plan_values, name, 1, LARGEST) for name in PLAN)
    plan = Plan(block, context, patience, cycle_of(panel, context))
    names = [json_to_value(name) for name in read_list(content, "ids")]
    start, after = (arrays.get(name, np.empty(0)) for name in ("start", "next"))
    n = len(names)
    if any(part.shape != (n,) or part.dtype != np.int64 for part in (start, after)) or not n:
        raise DataError(f"{counted(n, 'name does', 'names do')} not fit the time stamps")
    width = number_between(0, LARGEST)(content, "width")
    state = part_of(arrays, STATE).get("clean")
    if state is None or state.shape != (n, plan.context):
        raise DataError(f"the windows are not those of {counted(n, 'series')} and {counted(plan.context, 'row')}")
    system = read_entry(content, "system")
    one = replace(panel, ids=panel.ids[:1], start=panel.start[:1], offsets=panel.offsets[:2])
    length = detector.calibration_length
    watch = Watch(detector.forecaster_, one, plan, detector.threshold, width, length, together=False)
    _rebuild(watch.tracker, TRACKER, arrays, n)
    watch.tracker.fixed = read_flag(content, "fixed")
    if system is not None:
        watch.system = System.fresh(n, plan, detector.threshold, length)
        _rebuild(watch.system, SYSTEM, arrays, 1)
        watch.system.seen, watch.system.fixed = read_whole(system, "seen", 0), read_flag(system, "fixed")
    dtype = panel.start.dtype
    stamps = [part.view(dtype) if dtype.kind == "M" else part for part in (start, after)]
    watch.like = replace(watch.like, ids=as_names(names), start=stamps[0], offsets=np.zeros(n + 1, np.int64))
    watch.index, watch.next = dict(zip(names, range(n), strict=True)), stamps[1].copy()
    return watch


def _stored(owner: Tracker | System, places: Mapping[str, str]) -> dict[str, Any]:
    """Return the arrays that lie at these places, by their names in the file."""
    return {
        prefix + name: part for prefix, place in places.items() for name, part in getattr(owner, place).stored().items()
    }


def _rebuild(owner: Tracker | System, places: Mapping[str, str], arrays: dict[str, Any], n: int) -> None:
    """Put the stored arrays of n series at these places."""
    for prefix, place in places.items():
        setattr(owner, place, getattr(owner, place).rebuilt(part_of(arrays, prefix), n))


def _found(arrays: dict[str, Any], n_rows: int) -> Found:
    parts = part_of(arrays, FOUND)
    for name in Judged._fields:
        dtype = np.bool_ if name == "ordinary" else np.float64
        if name not in parts or parts[name].shape != (n_rows,) or parts[name].dtype != dtype:
            raise DataError(f"the array {name} does not fit {counted(n_rows, 'row')}")
    share = parts.get("share")
    if share is not None and share.shape != (n_rows,):
        raise DataError(f"the array share does not fit {counted(n_rows, 'row')}")
    return Found(Judged(**{name: parts[name] for name in Judged._fields}), share)


def _arrays(tensors: Tensors) -> dict[str, Any]:
    return {name: part.numpy() for name, part in tensors.items() if not name.startswith(FORECASTER)}
