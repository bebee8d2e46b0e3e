"""Independent pieces of work: order, failures, killed workers. The functions are importable by other processes."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest

from deltaroi.config.expression import parse_contrast
from deltaroi.errors import DeltaroiError, StudyError
from deltaroi.pipeline.executor import Failure, LocalExecutor


@pytest.mark.parametrize("jobs", [1, 2])
def test_order_and_failures(jobs: int) -> None:
    ticks: list[int] = []
    results = list(LocalExecutor(jobs).map(os.path.basename, ["x/a", "x/b", 3, "x/c"], lambda: ticks.append(1)))
    assert [results[i] for i in (0, 1, 3)] == ["a", "b", "c"]
    assert len(ticks) == 4
    assert isinstance(results[2], Failure)
    assert results[2].error is None
    assert "TypeError" in results[2].trace


@pytest.mark.parametrize("jobs", [1, 2])
def test_bad_input_keeps_its_words(jobs: int) -> None:
    results = LocalExecutor(jobs).map(parse_contrast, ["(a", "(b"], lambda: None)
    for result, text in zip(results, ("(a", "(b"), strict=True):
        assert isinstance(result, Failure)
        assert isinstance(result.error, StudyError)
        assert text in result.error.message
        assert result.error.hint


def test_only_the_culprit_of_a_killed_worker_fails(tmp_path: Path) -> None:
    harmless, deadly = tmp_path / "harmless.py", tmp_path / "deadly.py"
    harmless.write_text("")
    deadly.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    files = [str(harmless), str(deadly), str(harmless)]
    first, second, third = LocalExecutor(2).map(runpy.run_path, files, lambda: None)
    assert isinstance(second, Failure)
    assert isinstance(second.error, DeltaroiError)
    assert first["__name__"] == third["__name__"] == "<run_path>"


