"""Independent pieces of work: order, failures, killed workers."""

from __future__ import annotations

import os
import signal

import pytest

from deltaroi.errors import DataError, DeltaroiError
from deltaroi.pipeline.executor import Executor, Failure


def square_or_fail(x: int) -> int:
    if x == 2:
        raise DataError("two is bad", where="file", hint="use three")
    if x == 3:
        raise ZeroDivisionError("bug")
    return x * x


def die(x: int) -> int:
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


@pytest.mark.parametrize("jobs", [1, 2])
def test_order_and_failures(jobs: int) -> None:
    ticks: list[int] = []
    results = list(Executor(jobs).map(square_or_fail, [1, 2, 3, 4], lambda: ticks.append(1)))
    assert (results[0], results[3]) == (1, 16)
    assert len(ticks) == 4
    bad, bug = results[1], results[2]
    assert isinstance(bad, Failure)
    assert isinstance(bad.error, DataError)
    assert (bad.error.message, bad.error.where, bad.error.hint) == ("two is bad", "file", "use three")
    assert isinstance(bug, Failure)
    assert bug.error is None
    assert "ZeroDivisionError: bug" in bug.trace


def test_a_killed_worker_is_a_failure_not_a_hang() -> None:
    results = list(Executor(2).map(die, [1, 2, 3], lambda: None))
    assert isinstance(results[0], Failure)
    assert isinstance(results[0].error, DeltaroiError)
