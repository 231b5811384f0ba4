"""What is needed to repeat a backtest: its data, its arguments, its models, and the versions it ran with."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from tsrnn.data.panel import Panel
from tsrnn.data.spans import gaps_of, panel_facts
from tsrnn.evaluation.plan import Plan
from tsrnn.forecasting.contract import ForecastModel
from tsrnn.naming import counted

PACKAGES = ("tsrnn", "torch", "pandas", "numpy", "scipy", "scikit-learn", "statsmodels")
# Named where a model has loaded them.
OPTIONAL = ("statsforecast", "sktime")
# sklearn shortens the text of an estimator beyond this many characters; a call must be whole.
WHOLE = 1_000_000


def configuration(
    plan: Plan,
    models: Mapping[str, ForecastModel],
    parameters: Mapping[str, Mapping[str, Any]],
    *,
    metrics: Sequence[str],
    budget: float | None,
    call: str,
) -> dict[str, Any]:
    """Return what was inferred and chosen, with the versions.

    Parameters
    ----------
    plan : Plan
        Of the windows that were run.
    models, parameters : mapping of name to ForecastModel, and to its parameters as given
    metrics : sequence of str
        Names of the user's metrics.
    budget : float or None
        Seconds.
    call : str
        The Python that repeats it, from `call_of`.
    """
    panel, origins = plan.panel, plan.origins
    lengths = panel.lengths
    return {
        "data": {
            **panel_facts(panel),
            "lengths": [int(lengths.min()), int(np.median(lengths)), int(lengths.max())],
            "gaps": gaps_of(panel),
            "fingerprint": fingerprint(panel)[:16],
        },
        "h": origins.h,
        "n_windows": origins.n_windows,
        "step_size": origins.step_size,
        "refit": plan.refit,
        "gap": origins.gap,
        "train_size": origins.train_size,
        "time_budget": budget,
        "sample": origins.sample_size,
        "level": [float(level) for level in plan.levels],
        "metrics": list(metrics),
        "models": {name: dict(given) for name, given in parameters.items()},
        "kinds": {name: type(model).__name__ for name, model in models.items()},
        "call": call,
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in (*PACKAGES, *(p for p in OPTIONAL if p in sys.modules))},
        },
        "machine": f"{platform.system()} {platform.machine()}, {counted(os.cpu_count() or 1, 'core')}",
    }


def call_of(plan: Plan, models: Mapping[str, ForecastModel], budget: float | None) -> str:
    """Return the Python that repeats a backtest on the same table `df`.

    A function or an object of the user's has no text that is Python; it stands in a comment.
    """
    origins = plan.origins
    listed = "".join(f"        {name!r}: {_written(model)}\n" for name, model in models.items())
    given: dict[str, Any] = {
        "h": origins.h,
        "n_windows": origins.n_windows,
        "step_size": origins.step_size,
        "refit": plan.refit if plan.refit > 1 else bool(plan.refit),
        "gap": origins.gap or None,
        "train_size": origins.train_size,
        "time_budget": budget,
        "sample": origins.sample_size,
        "season_length": plan.panel.season_length,
        "level": tuple(int(level) if float(level).is_integer() else float(level) for level in plan.levels),
    }
    rows = "".join(f"    {name}={value!r},\n" for name, value in given.items() if value is not None)
    # As the linters sort them: classes in capitals, classes, functions.
    names = sorted({type(model).__name__ for model in models.values()}, key=lambda name: (not name.isupper(), name))
    names.append("backtest")
    return f"from tsrnn import {', '.join(names)}\n\nbacktest(\n    {{\n{listed}    }},\n    df,\n{rows})"


def _written(model: Any) -> str:
    """Return a model as an entry of a dict in Python."""
    # sklearn breaks a long text into lines.
    text = re.sub(r"\n\s*", " ", without_address(model.__repr__(N_CHAR_MAX=WHOLE)))
    return f"...,  # {text}" if "<" in text else f"{text},"


def fingerprint(panel: Panel) -> str:
    """Return a digest of the table that a backtest is of: values, time stamps, names, frequency and season."""
    digest = hashlib.sha256()
    for array in (panel.y, panel.offsets, panel.start):
        digest.update(np.ascontiguousarray(array).tobytes())
    names = json.dumps([str(name) for name in panel.ids])
    digest.update(f"{names} {panel.frequency.alias} {panel.season_length}".encode())
    return digest.hexdigest()


def without_address(value: Any) -> str:
    """Return the text of an object without where it lies in memory.

    >>> without_address("<function f at 0x7f3a>")
    '<function f>'
    """
    text = value if isinstance(value, str) else repr(value)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
