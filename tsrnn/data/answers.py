"""Answers in the form of the question: forecasts as long table, wide table or Series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tsrnn.data.grids import Stamps
from tsrnn.data.panel import Cutoffs, Floats, Integers, Panel, TableForm
from tsrnn.data.times import localize
from tsrnn.errors import DataError, ParameterError


def forecast_table(
    panel: Panel,
    values: Floats,
    quantile_levels: Sequence[float],
    *,
    levels: Sequence[float] = (),
    quantiles: Sequence[float] = (),
) -> Any:
    """Return the forecasts after the last row of every series, in the form of the user's table.

    Parameters
    ----------
    panel : Panel
    values : ndarray of shape (n_series, h, Q), original units
    quantile_levels : sequence of float, ascending, Q of them
        Contains 0.5, the point forecast.
    levels : sequence of float, in percent
    quantiles : sequence of float in (0, 1)
        With either, the answer is a long table whatever the question was.

    Returns
    -------
    DataFrame or Series
        Long: id, time and forecast columns, the user's under their own names. Wide and Series: as the user's table.

    Raises
    ------
    DataError
        If the id or time column of a long table has the name of a column of the forecast.
    ParameterError
        If `quantile_levels` lacks a quantile that is asked for.
    """
    dtype = panel.form.value_dtype or np.dtype(np.float64)
    columns = interval_columns("yhat", np.asarray(values), quantile_levels, levels, quantiles)
    columns = {column: value.astype(dtype, copy=False) for column, value in columns.items()}
    h = np.shape(values)[1]
    stamps = _future_stamps(panel, panel.last_cutoffs(), h)
    if panel.form.kind == "long" or levels or quantiles:
        return _long_answer(panel, stamps, columns)
    return _wide_answer(panel, stamps, columns["yhat"].reshape(-1, h))


def interval_names(name: str, level: float) -> tuple[str, str]:
    """Return the names of the two columns of an interval.

    >>> interval_names("ARIMA", 80.0)
    ('ARIMA-lo-80', 'ARIMA-hi-80')
    """
    return f"{name}-lo-{level:g}", f"{name}-hi-{level:g}"


def interval_columns(
    name: str,
    values: Floats,
    quantile_levels: Sequence[float],
    levels: Sequence[float] = (),
    quantiles: Sequence[float] = (),
) -> dict[str, Floats]:
    """Name the columns of a forecast: its median, the ends of its intervals, and `yhat-q0.1` of its quantiles.

    Parameters
    ----------
    name : str
        Column of the median.
    values : ndarray of shape (B, h, Q), original units
    quantile_levels : sequence of float, Q of them
    levels : sequence of float, in percent
    quantiles : sequence of float in (0, 1)

    Returns
    -------
    dict of str to ndarray of shape (B * h,)

    Raises
    ------
    ParameterError
        If `quantile_levels` lacks a quantile that is asked for.

    Examples
    --------
    >>> list(interval_columns("GRU", np.zeros((1, 2, 3)), (0.1, 0.5, 0.9), levels=[80]))
    ['GRU', 'GRU-lo-80', 'GRU-hi-80']
    """
    wanted = {name: 0.5}
    for level in levels:
        low, high = interval_names(name, level)
        wanted |= {low: 0.5 - level / 200, high: 0.5 + level / 200}
    for quantile in quantiles:
        wanted[f"{name}-q{quantile:g}"] = quantile
    known = np.asarray(quantile_levels, dtype=np.float64)
    columns = {}
    for column, quantile in wanted.items():
        match = np.flatnonzero(np.isclose(known, quantile, rtol=0, atol=1e-9))
        if not len(match):
            raise ParameterError(
                f"Column {column!r} needs the quantile {quantile:g}, but the forecast has: "
                f"{', '.join(f'{q:g}' for q in known)}."
            )
        columns[column] = values[:, :, match[0]].reshape(-1)
    return columns


# The columns of `stamp_table`, which stand before those of models.
STAMP_COLUMNS = ("unique_id", "ds", "cutoff", "step", "y")


def stamp_table(panel: Panel, cutoffs: Cutoffs, h: int, gap: int = 0) -> pd.DataFrame:
    """Return what is known of h steps after each cutoff, the first `gap` steps left out.

    Returns
    -------
    DataFrame of B * h rows, cutoff by cutoff
        `unique_id`; `ds` and `cutoff`, the time stamps of the step and of the last row before the forecast,
        in the user's zone and type; `step`, gap + 1 to gap + h; `y`, what happened, NaN where nothing was observed.
    """
    frequency = panel.frequency
    begin = cutoffs.later(gap)
    last = frequency.stamps(panel.start[cutoffs.series], cutoffs.end - 1)
    return pd.DataFrame(
        {
            "unique_id": id_column(panel, np.repeat(cutoffs.series, h)),
            "ds": restore_times(_future_stamps(panel, begin, h).ravel(), panel.form),
            "cutoff": restore_times(np.repeat(last, h), panel.form),
            "step": np.tile(np.arange(gap + 1, gap + h + 1), len(cutoffs)),
            "y": panel.future(begin, h).ravel(),
        }
    )


def long_forecasts(
    panel: Panel,
    cutoffs: Cutoffs,
    values: Floats,
    quantile_levels: Sequence[float],
    *,
    levels: Sequence[float] = (),
    name: str = "yhat",
) -> pd.DataFrame:
    """Return forecasts from any cutoffs beside what happened.

    Parameters
    ----------
    panel : Panel
    cutoffs : Cutoffs
        B of them.
    values : ndarray of shape (B, h, Q), original units
    quantile_levels, levels, name
        As in `interval_columns`.

    Returns
    -------
    DataFrame of B * h rows
        The columns of `stamp_table`, then those of `interval_columns`.
    """
    table = stamp_table(panel, cutoffs, np.shape(values)[1])
    columns = interval_columns(name, np.asarray(values), quantile_levels, levels)
    return pd.concat([table, pd.DataFrame(columns)], axis=1)


def _future_stamps(panel: Panel, cutoffs: Cutoffs, h: int) -> npt.NDArray[Any]:
    """Return the stamps of the h steps after each cutoff. Shape (B, h)."""
    return panel.frequency.stamps(panel.start[cutoffs.series][:, None], cutoffs.end[:, None] + np.arange(h))


def id_column(panel: Panel, series: Integers) -> pd.Series:
    """Return the ids of series, in the user's type."""
    ids = pd.Series(list(panel.ids), dtype=panel.form.id_dtype)
    return ids.take(series).reset_index(drop=True)


def _long_answer(panel: Panel, stamps: npt.NDArray[Any], columns: dict[str, Floats]) -> pd.DataFrame:
    form = panel.form
    is_long = form.kind == "long"
    id_col = form.id_col if is_long else "unique_id"
    # A long table whose time was an unnamed index has no name to give back.
    time_col = form.time_col if is_long and form.time_col is not None else "ds"
    clash = [key for key in (id_col, time_col) if key in columns] or [id_col] * (id_col == time_col)
    if clash:
        other = "the time column" if id_col == time_col else "a column of the forecast"
        raise DataError(
            f"The column {clash[0]!r} of the table has the name of {other}. Rename it, for example "
            f"df.rename(columns={{{clash[0]!r}: {'unique_id' if clash[0] == id_col else 'ds'!r}}})."
        )
    series = np.repeat(np.arange(panel.n_series), stamps.shape[1])
    keys = {id_col: id_column(panel, series), time_col: restore_times(stamps.ravel(), form)}
    return pd.DataFrame({**keys, **columns})


def _wide_answer(panel: Panel, stamps: npt.NDArray[Any], values: Floats) -> Any:
    """Return one column per series; a Series where the question was one."""
    form = panel.form
    rows = np.unique(stamps)
    matrix = np.full((len(rows), panel.n_series), np.nan, dtype=values.dtype)
    matrix[np.searchsorted(rows, stamps), np.arange(panel.n_series)[:, None]] = values
    times = restore_times(rows, form)
    if form.kind == "series":
        return pd.Series(matrix[:, 0], index=pd.Index(times, name=form.time_col), name=form.target_col)
    table = pd.DataFrame(matrix, columns=pd.Index(list(panel.ids), tupleize_cols=False, name=form.columns_name))
    if form.time_in_index:
        table.index = pd.Index(times, name=form.time_col)
    else:
        table.insert(0, form.time_col, times)
    return table


def restore_times(stamps: Stamps, form: TableForm) -> Any:
    """Return stamps of shape (n,) as the user's table has them: zone, unit, periods, integers.

    Returns
    -------
    Index
        Whole numbers that go beyond the user's type, such as 128 beyond int8, are in its 64 bits.
    """
    if stamps.dtype.kind != "M":
        return pd.Index(stamps).astype(_wide_enough(form.time_dtype, stamps))
    dates = pd.DatetimeIndex(stamps)
    if isinstance(form.time_dtype, pd.PeriodDtype):
        return pd.PeriodIndex(dates, freq=form.time_dtype.freq)
    if form.zone is not None:
        dates = localize(dates, form.zone) if form.wall_clock else dates.tz_localize("UTC").tz_convert(form.zone)
    return dates.astype(form.time_dtype)


def _wide_enough(dtype: Any, stamps: Integers) -> Any:
    """Return a dtype of numbers, or the one of 64 bits where it cannot hold all of these: pandas would wrap around."""
    plain = np.dtype(getattr(dtype, "numpy_dtype", dtype))
    if not len(stamps) or plain.kind not in "iuf":
        return dtype
    # Up to 2 to the power of its digits a float has every whole number.
    most = 2 ** (np.finfo(plain).nmant + 1) if plain.kind == "f" else np.iinfo(plain).max
    least = -most if plain.kind == "f" else np.iinfo(plain).min
    # An index cannot be float16.
    if least <= int(stamps.min()) and int(stamps.max()) <= most and plain != np.float16:
        return dtype
    wide = "float64" if plain.kind == "f" else "int64"
    if isinstance(dtype, np.dtype):
        return np.dtype(wide)
    if isinstance(dtype, pd.ArrowDtype):
        return pd.ArrowDtype.construct_from_string("double[pyarrow]" if plain.kind == "f" else "int64[pyarrow]")
    return pd.api.types.pandas_dtype(wide.capitalize())


def restore_time(stamp: Any, form: TableForm) -> Any:
    """Return one stamp as `restore_times` would, in a fiftieth of the time where it is a date without a zone."""
    kind = form.time_dtype
    if form.zone is None and isinstance(kind, np.dtype) and kind.kind == stamp.dtype.kind == "M":
        return pd.Timestamp(stamp).as_unit(np.datetime_data(kind)[0])
    return restore_times(np.array([stamp]), form)[0]
