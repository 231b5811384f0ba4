import importlib
import json
import os
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.version import Version

import tsrnn
from tsrnn.pretrained.family import MEMBERS

CHECKOUT = Path(tsrnn.__file__).resolve().parents[1]

REQUIRED = {
    "torch",
    "pandas",
    "numpy",
    "scikit-learn",
    "joblib",
    "statsmodels",
    "plotly",
    "click",
    "rich",
    "safetensors",
}
SLOW_TO_IMPORT = {"torch", "pandas", "sklearn", "statsmodels", "plotly"}
DATASETS = {"air_passengers", "co2", "prices", "sunspots", "traffic", "weather"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation the build uses the installed hatchling, so nothing is fetched.
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel_files(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def metadata(wheel, wheel_files):
    (path,) = [name for name in wheel_files if name.endswith(".dist-info/METADATA")]
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(path).decode("utf-8"))


def run_python(program, *, path, cwd):
    """Run a program in a fresh interpreter that finds tsrnn in `path`; return what it printed as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_wheel_holds_one_package_and_its_metadata(wheel_files):
    top = {name.split("/")[0] for name in wheel_files}
    assert top == {"tsrnn", f"tsrnn-{tsrnn.__version__}.dist-info"}


def test_the_wheel_holds_every_module_and_the_mark_of_typing(wheel_files):
    modules = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "tsrnn").rglob("*.py")}
    assert modules - set(wheel_files) == set()
    assert "tsrnn/py.typed" in wheel_files


def test_the_wheel_holds_the_data_sets_and_says_where_they_are_from(wheel_files):
    inside = {name.removeprefix("tsrnn/_datasets/") for name in wheel_files if name.startswith("tsrnn/_datasets/")}
    assert {f"{name}.csv" for name in DATASETS} | {"README.md", "hamlet.txt"} <= inside


def test_the_wheel_holds_the_base_models_weights(wheel_files):
    folder = "tsrnn/pretrained/weights/"
    assert {f"{folder}{name}.safetensors" for name in MEMBERS} <= set(wheel_files)
    assert [name for name in wheel_files if name.startswith(folder) and name.endswith((".checkpoint", ".part"))] == []


def test_the_wheel_holds_no_tests_benchmarks_notebooks_or_launcher(wheel_files):
    unwanted = re.compile(
        r"(^|/)(tests?|benchmarks|notebooks|__pycache__|\.ci)/|(^|/)(cli\.py|test_[^/]*|conftest\.py)$"
    )
    assert [name for name in wheel_files if unwanted.search(name)] == []


def test_the_wheel_requires_exactly_ten_packages(metadata):
    plain = [entry for entry in metadata.get_all("Requires-Dist") if "extra ==" not in entry]
    assert {re.match(r"[A-Za-z0-9_.-]+", entry).group() for entry in plain} == REQUIRED
    assert len(plain) == len(REQUIRED) == 10


def test_pandas_2_2_and_3_and_python_3_10_are_allowed(metadata):
    (pandas,) = [entry for entry in metadata.get_all("Requires-Dist") if entry.startswith("pandas")]
    assert "<" not in pandas
    assert metadata["Requires-Python"] == ">=3.10"


def test_ci_installs_the_oldest_packages_that_are_allowed(metadata):
    oldest = dict(line.split("==") for line in lines_of(CHECKOUT / "constraints-oldest.txt"))
    allowed = dict(
        re.match(r"([\w-]+)>=([\d.]+)", entry).groups()
        for entry in metadata.get_all("Requires-Dist")
        if "extra ==" not in entry or "parquet" in entry
    )
    assert oldest.keys() == allowed.keys()
    del oldest["torch"]  # one build of it is for CPUs alone
    for name, version in oldest.items():
        assert Version(version) == Version(allowed[name]), name


def lines_of(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def test_the_metadata_name_version_licence_and_command(metadata, wheel, wheel_files):
    assert metadata["Name"] == "tsrnn"
    assert metadata["Version"] == tsrnn.__version__
    assert metadata["License-Expression"] == "BSD-3-Clause"
    (entry_points,) = [name for name in wheel_files if name.endswith("/entry_points.txt")]
    with zipfile.ZipFile(wheel) as archive:
        assert "tsrnn = tsrnn.commands:main" in archive.read(entry_points).decode("utf-8")


def test_the_unpacked_wheel_finds_its_own_data_sets(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        "import json, tsrnn; from tsrnn.datasets import dataset_path, load_dataset\n"
        "print(json.dumps([tsrnn.__file__, str(dataset_path('prices')), len(load_dataset('prices'))]))"
    )
    module, path, rows = run_python(program, path=tmp_path / "site", cwd=tmp_path)
    site = (tmp_path / "site").resolve()
    assert Path(module).resolve() == site / "tsrnn" / "__init__.py"
    assert Path(path) == site / "tsrnn" / "_datasets" / "prices.csv"
    assert rows == 4310


def test_importing_tsrnn_loads_no_slow_package(tmp_path):
    program = "import json, sys, tsrnn; print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    loaded = set(run_python(program, path=CHECKOUT, cwd=tmp_path))
    assert "tsrnn" in loaded
    assert loaded & SLOW_TO_IMPORT == set()


def test_dir_lists_the_public_names_before_any_is_loaded(tmp_path):
    program = (
        "import json, sys, tsrnn; names = dir(tsrnn)\n"
        "print(json.dumps([names, tsrnn.__all__, 'pandas' in sys.modules]))"
    )
    names, public, pandas_loaded = run_python(program, path=CHECKOUT, cwd=tmp_path)
    assert set(public) <= set(names)
    assert not pandas_loaded


@pytest.mark.parametrize("name", tsrnn.__all__)
def test_a_public_name_resolves(name):
    value = getattr(importlib.import_module("tsrnn"), name)
    assert value is not None
    if callable(value):
        assert value.__name__ == name
        assert value.__module__.startswith("tsrnn.")
        assert value.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tsrnn' has no attribute 'Forcaster'"):
        _ = tsrnn.Forcaster
