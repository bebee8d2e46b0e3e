"""Doing independent pieces of work in this process or in several; results come back in the order asked for."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from threadpoolctl import threadpool_limits

from deltaroi.errors import DeltaroiError


@dataclass(frozen=True)
class Failure:
    """A piece of work that failed: the error, and for anything but bad input its traceback."""

    error: DeltaroiError | None
    trace: str


class Executor(Protocol):
    """Runs pieces of work with one BLAS thread each.

    ``patience_s`` is how long a file may take until it is seen here after a worker wrote it, in s.
    """

    @property
    def patience_s(self) -> float:
        """See above."""

    def map(self, function: Callable[[Any], Any], items: Sequence[Any],
            tick: Callable[[], None]) -> Iterator[Any | Failure]:
        """Yield the result, or the :class:`Failure`, of every item in the given order."""


@dataclass(frozen=True)
class LocalExecutor:
    """Runs pieces of work in processes of this machine.

    Parameters
    ----------
    jobs : int
        Worker processes; 1 works in this process.
    """

    jobs: int
    patience_s: ClassVar[float] = 0.0

    def map(self, function: Callable[[Any], Any], items: Sequence[Any],
            tick: Callable[[], None]) -> Iterator[Any | Failure]:
        """Yield the result, or the :class:`Failure`, of every item in the given order.

        Parameters
        ----------
        function : callable
            A module-level function of one item.
        items : sequence
            Picklable items.
        tick : callable
            Called when an item is finished.
        """
        if self.jobs == 1 or len(items) <= 1:
            for item in items:
                result = attempt(function, item)
                tick()
                yield result
            return
        with _pool(min(self.jobs, len(items))) as pool:
            futures = [pool.submit(attempt, function, item) for item in items]
            for future in futures:
                future.add_done_callback(lambda done: None if done.cancelled() else tick())
            try:
                for future, item in zip(futures, items, strict=True):
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        yield _alone(function, item)
            finally:
                for future in futures:
                    future.cancel()


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_quiet_worker)


def _alone(function: Callable[[Any], Any], item: Any) -> Any | Failure:
    """Redo an item in a process of its own after some worker was killed: only the culprit fails."""
    with _pool(1) as pool:
        try:
            return pool.submit(attempt, function, item).result()
        except BrokenProcessPool:
            error = DeltaroiError("the worker process was killed", hint="often for lack of memory: lower --jobs")
            return Failure(error, "")


def attempt(function: Callable[[Any], Any], item: Any) -> Any | Failure:
    """The result of one piece of work; a failure is a result too."""
    import numpy.linalg  # noqa: F401
    import scipy.linalg  # noqa: F401  both bring a BLAS, which can only be limited once it is there

    try:
        with threadpool_limits(1):
            return function(item)
    except DeltaroiError as error:
        return Failure(error, "")
    except MemoryError:
        return Failure(DeltaroiError("not enough memory", hint="lower --jobs"), "")
    except Exception:
        return Failure(None, traceback.format_exc())


def _quiet_worker() -> None:
    """Workers leave interrupts to the process that started them."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
