"""Where a run works: options of the command line against the study file; a backend whose packages are not there."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from deltaroi.config.study import Study
from deltaroi.errors import StudyError, UsageError
from deltaroi.pipeline.where import done_at, require
from deltaroi.specs import Execution


def study(**execution: Any) -> Study:
    return Study.model_validate({"schema_version": 1, "name": "s", "contrasts": {"a": "x"},
                                 "dataset": {"bids_dir": "b", "derivatives": "d", "task": "t"}, "execution": execution})


DASK = {"backend": "dask", "scheduler": "tcp://a:1", "on_error": "stop"}


@pytest.mark.parametrize(("own", "asked", "expected"), [
    ({"jobs": 3}, (None, None, None), ("local", 3, None)),
    ({"jobs": 3}, (2, None, None), ("local", 2, None)),
    ({"jobs": 3}, (None, None, "tcp://b:2"), ("dask", 1, "tcp://b:2")),
    (DASK, (None, None, None), ("dask", 1, "tcp://a:1")),
    (DASK, (None, "dask", "tcp://b:2"), ("dask", 1, "tcp://b:2")),
    (DASK, (2, "local", None), ("local", 2, None)),
])
def test_options_take_the_place_of_the_study_file(own: dict[str, Any], asked: tuple[Any, Any, Any],
                                                  expected: tuple[Any, ...]) -> None:
    found = done_at(study(**own), *asked).execution
    assert (found.backend, found.jobs, found.scheduler) == expected
    assert found.on_error == own.get("on_error", "continue")


@pytest.mark.parametrize(("own", "asked", "where"), [
    ({}, (None, "dask", None), "--backend"),
    ({}, (None, "spark", None), "--backend"),
    ({}, (None, "local", "tcp://b:2"), "--scheduler"),
    ({}, (None, None, "b"), "--scheduler"),
    ({}, (2, None, "tcp://b:2"), "--jobs"),
    (DASK, (2, None, None), "--jobs"),
])
def test_options_that_contradict_each_other(own: dict[str, Any], asked: tuple[Any, Any, Any], where: str) -> None:
    with pytest.raises(UsageError) as caught:
        done_at(study(**own), *asked)
    assert caught.value.where == where


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require(Execution(backend="dask", scheduler="tcp://a:1"))
    monkeypatch.setitem(sys.modules, "distributed", None)  # as python marks what cannot be imported
    require(Execution())
    with pytest.raises(StudyError, match=r"needs distributed") as caught:
        require(Execution(backend="dask", scheduler="tcp://a:1"))
    assert caught.value.where == "execution.backend"
    assert "pip install 'deltaroi[cluster]'" in caught.value.hint
