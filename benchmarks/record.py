"""Keep a benchmark's rows as a dated CSV that says on which machine they were measured."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Describe the machine in one line."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("tsrnn", "torch", "numpy", "pandas", "statsmodels"))
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, {libraries}"
    )


def dated(name: str) -> Path:
    """Return ``results/NAME-YYYY-MM-DD.csv``."""
    RESULTS.mkdir(exist_ok=True)
    return RESULTS / f"{name}-{date.today().isoformat()}.csv"


def append(row: dict[str, object], path: Path) -> None:
    """Add one row to a CSV, with the machine in a column of its own."""
    table = pd.DataFrame([row]).assign(machine=machine())
    table.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.5g")


def save(rows: pd.DataFrame, name: str) -> Path:
    """Write rows to ``results/NAME-YYYY-MM-DD.csv``, with the machine in a column of its own."""
    path = dated(name)
    rows.assign(machine=machine()).to_csv(path, index=False, float_format="%.5g")
    return path
