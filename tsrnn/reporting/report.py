"""The report of a backtest: one HTML page that opens without a network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tsrnn.reporting.embedding import MOST_NUMBERS, choose, embed
from tsrnn.reporting.outline import outline
from tsrnn.reporting.page import page_html, write_page
from tsrnn.reporting.parts import check_result, model_names
from tsrnn.reporting.sections import headline

if TYPE_CHECKING:
    from tsrnn.evaluation.backtest import BacktestResult

MOST_BYTES = 5_900_000
FEWEST_NUMBERS = 1_000


def write_report(result: BacktestResult, path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Write a backtest as one self-contained HTML page.

    The page holds plotly's script and the data of its figures, needs no network, and stays under 6 MB: forecasts of
    at most 50 series are in it (the worst, the best and a random sample; the page says which), the scores are of all.

    Parameters
    ----------
    result : BacktestResult
    path : path-like
        The file, which is replaced as a whole or not at all.
    title : str, optional
        By default "Backtest of tsrnn, ARIMA, ...".

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ParameterError
        If the folder of `path` does not exist, `path` is itself a folder, or `result` is no backtest's.
    DataError
        If the file cannot be written for another reason.
    """
    return write_page(report_html(result, title), path)


def report_html(result: BacktestResult, title: str | None = None) -> str:
    """Return the page as text."""
    check_result(result)
    if title is None:
        title = "Backtest of " + ", ".join(model_names(result))
    most = MOST_NUMBERS
    while True:
        choice = choose(result, most_numbers=most)
        forecasts = embed(result, choice)
        page = page_html(title, headline(result), outline(result, choice), _made_by(result), forecasts)
        # What is counted are numbers. Series that share no time stamps carry all of theirs beside them.
        if len(page.encode("utf-8", errors="replace")) <= MOST_BYTES or most <= FEWEST_NUMBERS:
            return page
        most //= 2


def _made_by(result: BacktestResult) -> str:
    versions = result.config.get("versions")
    return f"tsrnn {versions['tsrnn']}" if isinstance(versions, dict) and "tsrnn" in versions else "tsrnn"
