"""What a user calls sequences - arrays, lists, texts - as flat values with offsets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from tsrnn.data.panel import sums_before
from tsrnn.errors import DataError
from tsrnn.metrics import CONSTANT
from tsrnn.naming import agree, examples, some_of
from tsrnn.sequences.vocabulary import Vocabulary, split_text

Floats = npt.NDArray[np.float64]

SCALINGS = ("channel", "case", "none")

# Squares of larger numbers leave the range of float64, and scaled ones beyond the second bound that of the network.
LARGEST, LARGEST_SCALED = 1e100, 1e6


@dataclass(frozen=True)
class Cases:
    """Sequences of any lengths, one after the other.

    Parameters
    ----------
    data : float32 tensor of shape (n_steps, C), or int64 tensor of shape (n_steps,) of tokens
    offsets : int64 ndarray of shape (n_cases + 1,)
        Case i has the rows from ``offsets[i]`` to ``offsets[i + 1]``.
    """

    data: Tensor
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_channels(self) -> int:
        """C, of sequences of numbers."""
        return self.data.shape[1]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Steps of each case, shape (n_cases,)."""
        return np.diff(self.offsets)

    def gather(self, index: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Gather cases into one batch.

        Parameters
        ----------
        index : int64 ndarray of shape (B,)

        Returns
        -------
        x : tensor of shape (B, L, C) or, of tokens, (B, L)
            After a case's end its last step is repeated.
        lengths : int64 tensor of shape (B,)
        rows : int64 tensor of shape (B, L)
            Where each step comes from.
        """
        device = self.data.device
        # A GPU need not be waited for until it has taken them.
        first = torch.from_numpy(self.offsets[index]).to(device, non_blocking=True)
        lengths = torch.from_numpy(self.lengths[index]).to(device, non_blocking=True)
        longest = int(self.lengths[index].max())
        step = torch.minimum(torch.arange(longest, device=device), lengths[:, None] - 1)  # [B, L]
        rows = first[:, None] + step
        return self.data[rows], lengths, rows

    def to(self, device: torch.device) -> Cases:
        """Return the cases with their data on a device."""
        return Cases(self.data.to(device), self.offsets)


def split_cases(X: Any, tokens: str) -> list[list[str]]:
    """Split texts into tokens; sequences of tokens are taken as they are.

    Words are made small, and white space is left out of words.

    Parameters
    ----------
    X : sequence of str, or of sequences of str
    tokens : {"char", "word"}

    Raises
    ------
    DataError
        If there are no texts, something is no text, or has no tokens.
    """
    # What is iterated over by names, or in no order, would be taken for other texts.
    unfit = isinstance(X, (str, bytes, Mapping, Set, pd.DataFrame))
    if unfit or not hasattr(X, "__len__") or not hasattr(X, "__iter__"):
        raise DataError(f"X is a {type(X).__name__}; expected a list of texts, one for each case.")
    words = tokens == "word"
    cases: list[list[str]] = []
    wrong: list[str] = []
    for place, text in enumerate(X):
        if isinstance(text, str):
            cases.append(split_text(text, tokens, lowercase=words, spaces=not words))
        elif isinstance(text, (list, tuple, np.ndarray)) and all(isinstance(part, str) and part for part in text):
            cases.append([str(part).lower() if words else str(part) for part in text])
        else:
            wrong.append(f"{place} ({type(text).__name__})")
    if wrong:
        raise DataError(
            f"{some_of(len(wrong), len(X), 'case', 'is', 'are')} no text: {', '.join(wrong[:5])}. Expected strings, or "
            "lists of tokens, none of them empty; for sequences of numbers leave tokens=None."
        )
    _check_lengths([len(case) for case in cases])
    return cases


def read_texts(cases: Sequence[Sequence[str]], vocabulary: Vocabulary) -> Cases:
    """Turn split texts into the numbers of a vocabulary."""
    numbers = vocabulary.number([token for case in cases for token in case])
    return Cases(torch.from_numpy(numbers), sums_before([len(case) for case in cases]))


def as_table(X: Any) -> Any:
    """Return X if it is a table of one row for each case, which scikit-learn can check; else None.

    Tables are two-dimensional arrays and tables of any kind, and lists of rows of numbers of one length; so are single
    rows and numbers, for which scikit-learn has an error.
    """
    if isinstance(X, (list, tuple)):
        if any(isinstance(part, (str, bytes)) for part in X):
            raise DataError("X is a list of texts. Choose tokens='char' or tokens='word' for it.")
        try:
            shapes = {np.shape(part) for part in X}
        except ValueError:  # a nested list of unequal lengths
            return None
        return X if len(shapes) <= 1 and all(len(shape) <= 1 for shape in shapes) else None
    # Sparse arrays may be mappings.
    if X is None or (isinstance(X, (Mapping, Set, Iterator)) and not hasattr(X, "shape")):
        raise DataError(f"X is a {type(X).__name__}; expected an array, or a list of arrays, one for each case.")
    if isinstance(X, np.ndarray):
        is_list = X.dtype == object and X.ndim == 1 and all(np.ndim(part) for part in X)
        return None if is_list or X.ndim > 2 else X
    return X


def read_sequences(X: Any, *, keep_length: bool) -> tuple[list[Floats], bool]:
    """Read sequences of numbers.

    Parameters
    ----------
    X : ndarray of shape (n_cases, n_timepoints) or (n_cases, n_channels, n_timepoints), or sequence of ndarrays
        Of shape (n_timepoints,) or (n_channels, n_timepoints). NaN is a missing value.
    keep_length : bool
        Whether steps at the end at which every channel is missing stay part of a sequence; else it ends before them.

    Returns
    -------
    cases : list of ndarrays of shape (n_timepoints, n_channels)
        A gap is filled by the line between its neighbours, or at an end by the nearest value; NaN is left where a
        channel has no value in a case.
    is_array : bool
        Whether all have the length of an array's last axis, so that answers for each step fit one as well.

    Raises
    ------
    DataError
        If a sequence is empty, infinite, or has another number of channels than the first.
    """
    is_array = isinstance(X, np.ndarray) and X.dtype != object
    if is_array and X.ndim not in (2, 3):
        raise DataError(
            f"X is an array of shape {X.shape}; expected (n_cases, n_timepoints) or (n_cases, n_channels, "
            "n_timepoints)."
        )
    raw = [_one_sequence(part, place) for place, part in enumerate(X)]
    channels = [part.shape[0] for part in raw]
    other = [place for place, count in enumerate(channels) if count != channels[0]]
    if other:
        raise DataError(
            f"{some_of(len(other), len(raw), 'sequence', 'has', 'have')} another number of channels than the first, "
            f"which has {channels[0]}: {_places(other)}. Expected arrays of shape (n_channels, n_timepoints)."
        )
    infinite = [place for place, part in enumerate(raw) if (np.abs(part) > LARGEST).any()]
    if infinite:
        raise DataError(
            f"{some_of(len(infinite), len(raw), 'sequence', 'holds', 'hold')} infinity or numbers beyond {LARGEST:g}: "
            f"{_places(infinite)}. Expected smaller numbers, or NaN where a value is missing."
        )
    cut = [_without_end(part) for part in raw]
    _check_lengths([part.shape[1] for part in cut])
    return [_fill_gaps(part.T) for part in (raw if keep_length else cut)], is_array


def _one_sequence(part: Any, place: int) -> Floats:
    """Return one sequence as (n_channels, n_timepoints)."""
    try:
        values = np.asarray(part)
        is_complex = values.dtype.kind == "c"
        values = values if is_complex else values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"Case {place} cannot be read as numbers ({error}). For texts choose tokens='char' or tokens='word'."
        ) from error
    if is_complex:
        raise DataError(f"Complex data not supported: case {place} has complex numbers; expected real ones.")
    if values.ndim not in (1, 2):
        raise DataError(
            f"Case {place} has shape {values.shape}; expected (n_timepoints,) or (n_channels, n_timepoints)."
        )
    return np.atleast_2d(values)


def _without_end(case: Floats) -> Floats:
    """Cut the steps at the end at which every channel is missing: arrays are padded so."""
    there = np.flatnonzero(~np.isnan(case).all(0))
    return case[:, : there[-1] + 1] if len(there) else case[:, :0]


def _fill_gaps(case: Floats) -> Floats:
    """Fill each channel's gaps by straight lines; a channel without any value stays without."""
    missing = np.isnan(case)
    if not missing.any():
        return case
    case, steps = case.copy(), np.arange(len(case))
    for channel in np.flatnonzero(missing.any(0)):
        gap = missing[:, channel]
        if not gap.all():
            case[gap, channel] = np.interp(steps[gap], steps[~gap], case[~gap, channel])
    return case


def _check_lengths(lengths: Sequence[int]) -> None:
    if not lengths:
        raise DataError("X has 0 cases (0 samples); expected 1 or more.")
    empty = [place for place, length in enumerate(lengths) if length == 0]
    if empty:
        raise DataError(
            f"{some_of(len(empty), len(lengths), 'sequence', 'is', 'are')} empty: {_places(empty)}. Expected one step "
            "or more; drop them."
        )


def _places(places: Sequence[int]) -> str:
    return f"{agree(len(places), 'case')} {examples(places)}"


@dataclass(frozen=True)
class ChannelScaler:
    """Centre and scale each channel by the training cases.

    Parameters
    ----------
    loc, scale : ndarray of shape (n_channels,), original units
        Scale is 1 for a constant channel.
    each_case : bool
        Whether every case is centred and scaled by its own values before.
    """

    loc: Floats
    scale: Floats
    each_case: bool

    @classmethod
    def of(cls, cases: Sequence[Floats], scaling: str) -> ChannelScaler:
        """Measure the training cases, each of shape (n_timepoints, n_channels)."""
        n_channels = cases[0].shape[1]
        if scaling == "none":
            return cls(np.zeros(n_channels), np.ones(n_channels), False)
        each_case = scaling == "case"
        flat = np.concatenate([_standard(case) for case in cases] if each_case else list(cases))
        with_value = np.isfinite(flat)
        count = np.maximum(with_value.sum(0), 1)
        loc = np.where(with_value, flat, 0).sum(0) / count
        spread = np.sqrt(np.where(with_value, (flat - loc) ** 2, 0).sum(0) / count)
        return cls(loc, _safe(spread, loc), each_case)

    def read(self, cases: Sequence[Floats]) -> Cases:
        """Scale cases; a channel of which a case has no value is 0, the mean."""
        flat = np.concatenate([_standard(case) for case in cases] if self.each_case else list(cases))
        z = np.nan_to_num((flat - self.loc) / self.scale, nan=0.0).clip(-LARGEST_SCALED, LARGEST_SCALED)
        return Cases(torch.from_numpy(z.astype(np.float32)), sums_before([len(case) for case in cases]))


def _standard(case: Floats) -> Floats:
    loc = case.mean(0)
    z: Floats = (case - loc) / _safe(case.std(0), loc)
    return z


def _safe(spread: Floats, loc: Floats) -> Floats:
    """Replace what is no spread, or that of rounding alone, by 1."""
    safe: Floats = np.where(spread > CONSTANT * np.maximum(np.abs(loc), 1e-9), spread, 1.0)
    return safe
