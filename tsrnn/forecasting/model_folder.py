"""The folder of a saved model: one JSON file, one safetensors file, and the checksums of both."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors import torch as tensor_file

import tsrnn
from tsrnn.errors import DataError, ParameterError
from tsrnn.naming import counted
from tsrnn.whole_files import check_regular, real_path, write_whole

SCHEMA = 1
FORECASTER = "forecaster"

Model = TypeVar("Model")
# Makes a model of its JSON values and tensors.
Build = Callable[[dict[str, Any], dict[str, torch.Tensor]], Model]
# What stored values that make no model raise: pandas, NumPy and torch refuse what is wrong in many ways.
UNMAKEABLE = (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, ImportError)
CONTENT_FILE, TENSOR_FILE = "model.json", "weights.safetensors"


def save_folder(
    path: Any,
    content: Mapping[str, Any],
    tensors: dict[str, torch.Tensor],
    build: Build[Any],
    kind: str = FORECASTER,
) -> None:
    """Save a model that can be loaded again, complete or not at all.

    Parameters
    ----------
    path : str or PathLike
    content : mapping of JSON values
    tensors : dict of str to tensor
    build : callable
        As `load_folder` is given it.
    kind : str
        What is saved, for example "forecaster" or "classifier".

    Raises
    ------
    ParameterError
        If the model could not be loaded again, or `path` is a file, or a folder that holds anything but a saved model
        of this kind.
    OSError
        If it cannot be written.
    """
    try:
        build(json.loads(json.dumps(content, allow_nan=False)), tensors)
    except UNMAKEABLE as error:
        raise ParameterError(
            f"The model could not be loaded again, so it is not saved: {error}. Fit it again with parameters that "
            "`fit` takes."
        ) from error
    write_folder(path, content, tensors, kind)


def write_folder(
    path: Any, content: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], kind: str = FORECASTER
) -> None:
    """Write a saved model, complete or not at all.

    The files are written into a new folder beside `path`, which then takes its name. A saved model of the same kind
    that stands there is replaced only then.

    Parameters
    ----------
    path : str or PathLike
    content : mapping of JSON values
    tensors : mapping of str to tensor
    kind : str
        What is saved, for example "forecaster" or "classifier".

    Raises
    ------
    ParameterError
        If `path` is a file, or a folder that holds anything but a saved model of this kind.
    OSError
        If it cannot be written.
    """
    folder = real_path(read_path(path))
    check_replaceable(folder, kind)
    data = tensor_file.save({name: part.detach().cpu().contiguous().clone() for name, part in tensors.items()})
    head = {"format": f"tsrnn {kind}", "schema": SCHEMA, "tsrnn": tsrnn.__version__, "tensors_sha256": _sha256(data)}
    whole = {**head, **content}
    text = json.dumps({**whole, "checksum": content_checksum(whole)}, indent=1, allow_nan=False)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = (folder.with_name(f".{folder.name}-{uuid.uuid4().hex}") for _ in range(2))
    try:
        fresh.mkdir()
        write_whole(fresh / TENSOR_FILE, data)
        write_whole(fresh / CONTENT_FILE, text.encode())
        _put_in_place(fresh, folder, old)
    except OSError as error:
        # The name beside the place tells a user nothing.
        if error.errno is not None and error.filename2 is None:
            error.filename = os.fspath(folder)
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _put_in_place(fresh: Path, folder: Path, old: Path) -> None:
    if not folder.exists():
        fresh.rename(folder)
        return
    folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def read_path(path: Any) -> Path:
    """Return a path, or raise ParameterError.

    >>> read_path("models/sales").name
    'sales'
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise ParameterError(f"path={path!r}: expected the path of a folder, for example 'models/sales'.")
    return Path(path)


def check_target(path: Any, kind: str = FORECASTER) -> None:
    """Raise if a model could not be saved at a path, before time is spent on one.

    Raises
    ------
    ParameterError
        If something stands there that is neither an empty folder nor a saved model of this kind, or the place takes no
        folder.
    """
    folder = real_path(read_path(path))
    check_replaceable(folder, kind)
    place = next(parent for parent in folder.parents if parent.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        what = "is no folder" if not place.is_dir() else "cannot be written to"
        raise ParameterError(f"{folder} cannot be made: {place} {what}. Choose another path.")


def check_replaceable(folder: Path, kind: str = FORECASTER) -> None:
    """Raise ParameterError if something stands at a path that is neither an empty folder nor a model of this kind."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ParameterError(f"{folder} is a file. Expected the path of a folder to save the model in.")
    names = sorted(entry.name for entry in folder.iterdir())
    if not names:
        return
    others = [name for name in names if name not in (CONTENT_FILE, TENSOR_FILE)]
    if not others:
        try:
            _read_content(folder / CONTENT_FILE, kind)
            return
        except DataError:
            others = names
    raise ParameterError(
        f"{folder} holds {counted(len(names), 'file')} and is not a saved {kind} alone: {', '.join(others[:5])}. "
        "Saving would delete them. Choose another path, or empty the folder first."
    )


def load_folder(path: Any, build: Build[Model], kind: str = FORECASTER) -> Model:
    """Read a saved model and build it.

    Parameters
    ----------
    path : str or PathLike
    build : callable
        Makes the model of its JSON values and tensors.
    kind : str

    Raises
    ------
    DataError
        If the files are missing, damaged, foreign, or made by a newer tsrnn. Nothing in them is executed.
    """
    content, tensors = read_folder(path, kind)
    try:
        return build(content, tensors)
    except UNMAKEABLE as error:
        # The checksums fit, so that another copy of the folder would say the same.
        raise DataError(
            f"{read_path(path) / CONTENT_FILE} and {TENSOR_FILE} do not make a model: {error}. They are undamaged, so "
            f"they were saved by a former version of tsrnn whose {kind}s this one cannot read, or changed by someone "
            f"else. Fit the {kind} again and save it."
        ) from error


def read_folder(path: Any, kind: str = FORECASTER) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Read a saved model and compare the checksums.

    Parameters
    ----------
    path : str or PathLike
    kind : str
        What was saved; a model of another kind is refused.

    Returns
    -------
    content : dict of JSON values
    tensors : dict of str to tensor, on the CPU

    Raises
    ------
    DataError
        If a file is missing, damaged, foreign, or made by a newer tsrnn.
    """
    folder = read_path(path)
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder. Expected one that `save` wrote.")
    content = _read_content(folder / CONTENT_FILE, kind)
    file = folder / TENSOR_FILE
    data = _read_bytes(file)
    if content.get("tensors_sha256") != _sha256(data):
        raise DataError(
            f"{file} is damaged: {counted(len(data), 'byte')} whose checksum is not that of {CONTENT_FILE}. {CURE}"
        )
    try:
        return content, tensor_file.load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise DataError(f"{file} cannot be read as safetensors: {error}. {CURE}") from error


CURE = "Save the model again, or take a whole copy of its folder."


def _read_content(file: Path, kind: str) -> dict[str, Any]:
    data = _read_bytes(file)
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is damaged, it cannot be read as JSON: {error}. {CURE}") from error
    if not isinstance(content, dict) or content.get("format") != f"tsrnn {kind}":
        found = content.get("format") if isinstance(content, dict) else None
        raise DataError(f"{file} is not the file of a saved tsrnn {kind}: its format is {found!r}. {CURE}")
    schema = content.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise DataError(f"{file} is damaged: schema={schema!r}, expected a whole number. {CURE}")
    if schema > SCHEMA:
        raise DataError(
            f"{file} was made by a newer tsrnn ({content.get('tsrnn')}): its schema is {schema}, and tsrnn "
            f"{tsrnn.__version__} reads up to {SCHEMA}. Upgrade tsrnn, for example with pip install -U tsrnn."
        )
    claimed = content.pop("checksum", None)
    try:
        found = content_checksum(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is damaged: {error}. {CURE}") from error
    if claimed != found:
        raise DataError(f"{file} is damaged or was edited: its checksum does not fit its content. {CURE}")
    return content


def content_checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON values, whatever the order of keys and the white space in their file.

    >>> content_checksum({"a": 1, "b": 2}) == content_checksum({"b": 2, "a": 1})
    True
    """
    return _sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read_bytes(file: Path) -> bytes:
    try:
        check_regular(file)
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}. {CURE}") from error
