"""Work that can be shared among processes: how many of them, and when they pay."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tsrnn.errors import ParameterError
from tsrnn.forecasting.progress import tell
from tsrnn.parameters import is_whole

if TYPE_CHECKING:
    from tsrnn.forecasting.contract import ForecastModel

_Result = TypeVar("_Result")

# Starting worker processes and importing statsmodels there takes about 2 seconds on two cores, so series run here
# until this much time is spent, and elsewhere only if as much is still to come.
_PROBE_SECONDS = 2.0
_WORTH_SECONDS = 4.0


def run_jobs(task: Callable[..., _Result], jobs: list[tuple[Any, ...]], n_jobs: int | None) -> list[_Result]:
    """Run the jobs in order, in worker processes where that pays or is asked for."""
    results: list[_Result] = []
    workers = n_jobs or os.cpu_count() or 1
    if n_jobs is None or workers == 1 or len(jobs) < 2:
        began = time.monotonic()
        # The matrices are small: threads only get in each other's way.
        with threadpool_limits(limits=1):
            for job in jobs:
                spent = time.monotonic() - began
                left = spent / max(len(results), 1) * (len(jobs) - len(results))
                if workers > 1 and len(jobs) > 1 and spent > _PROBE_SECONDS and left > _WORTH_SECONDS:
                    break
                results.append(task(*job))
                tell(len(results) / len(jobs))
    rest = jobs[len(results) :]
    if rest:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            several = Parallel(n_jobs=min(workers, len(rest)), batch_size="auto", return_as="generator")
            for result in several(delayed(task)(*job) for job in rest):
                results.append(result)
                tell(len(results) / len(jobs))
    return results


def checked_jobs(n_jobs: Any) -> int | None:
    """Return the number of processes, None where it is left open, or raise ParameterError.

    >>> checked_jobs(2)
    2
    """
    if n_jobs is None:
        return None
    if not is_whole(n_jobs) or (n_jobs < 1 and n_jobs != -1):
        raise ParameterError(
            f"n_jobs={n_jobs!r}: expected a number of processes, 1 or more, -1 for all cores, or None."
        )
    return (os.cpu_count() or 1) if n_jobs == -1 else int(n_jobs)


def share_jobs(models: Iterable[ForecastModel], n_jobs: int | None) -> None:
    """Give a number of processes, unless it is left open, to those models that know one and were given none."""
    for model in models:
        if n_jobs is not None and model.get_params(deep=False).get("n_jobs", 0) is None:
            model.set_params(n_jobs=n_jobs)
