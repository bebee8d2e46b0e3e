"""Several models of one run from one read: each is what it is alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from deltaroi.errors import DataError
from deltaroi.firstlevel import FirstLevelTask, RunFit, Wanted, fit_run, fit_runs, load_fit, save_fit
from deltaroi.masks import RegionSet
from deltaroi.specs import Confounds, FirstLevel

Asked = Callable[..., FirstLevelTask]


def specs(asked: Asked) -> list[FirstLevel]:
    """Two widths, two strategies for confounds, two noise models, two scalings; the study's own first."""
    first = asked().first_level
    other = Confounds(motion=0, non_steady_state=False, scrub_fd_mm=None)
    return [first.model_copy(update={"smoothing_fwhm_mm": width, "confounds": confounds, "noise": noise,
                                     "scaling": scaling})
            for width, confounds, noise, scaling in product((0.0, 6.0), (first.confounds, other), ("ar1", "ols"),
                                                            ("percent", "none"))]


def same(one: RunFit, other: RunFit) -> bool:
    return all(np.array_equal(a, b, a.dtype.kind == "f") if isinstance(a := getattr(one, f.name), np.ndarray)
               else str(a) == str(getattr(other, f.name))
               for f in fields(RunFit) for b in [getattr(other, f.name)])


def test_each_is_what_it_is_alone(tiny, regions: RegionSet, asked: Asked) -> None:  # type: ignore[no-untyped-def]
    tiny.data[2, 2, 2] -= 600  # a mean below zero: used where the unit is raw, not where it is percent
    run, task = tiny.write(), asked()
    small = replace(regions, rois=regions.rois[1:])
    wanted = [Wanted(small if i % 3 == 0 else regions, spec) for i, spec in enumerate(specs(asked))]
    found = dict(fit_runs(run, wanted, task))
    assert sorted(found) == list(range(16))
    for i, one in enumerate(wanted):
        alone = fit_run(run, one.regions, replace(task, first_level=one.first_level))
        assert same(found[i], alone), one.first_level
    assert found[5].used.sum() == found[4].used.sum() + 1


def test_the_image_is_read_once(tiny, regions: RegionSet, asked: Asked) -> None:  # type: ignore[no-untyped-def]
    run = tiny.write()
    opened: list[str] | None = []

    def note(event: str, what: tuple[object, ...]) -> None:
        if event == "open" and opened is not None and str(what[0]).endswith("bold.nii.gz"):
            opened.append(str(what[0]))

    sys.addaudithook(note)
    fit_run(run, regions, asked())
    once = len(opened)
    list(fit_runs(run, [Wanted(regions, spec) for spec in specs(asked)], asked()))
    twice, opened = len(opened), None  # a hook cannot be taken away
    assert once > 0
    assert twice == 2 * once


def test_a_strategy_that_a_run_cannot_serve_leaves_the_others(tiny, regions: RegionSet,  # type: ignore[no-untyped-def]
                                                              asked: Asked) -> None:
    task = asked()
    lacking = task.first_level.model_copy(update={"confounds": Confounds(motion=24, non_steady_state=False)})
    found = dict(fit_runs(tiny.write(), [Wanted(regions, lacking), Wanted(regions, task.first_level)], task))
    assert isinstance(found[0], DataError)
    assert same(found[1], fit_run(tiny.write(), regions, task))


def test_a_fit_beside_another_keeps_only_what_differs(tiny, regions: RegionSet, asked: Asked,  # type: ignore[no-untyped-def]
                                                      tmp_path: Path) -> None:
    run = tiny.write()
    first, other = (fit_run(run, regions, asked(noise=noise)) for noise in ("ar1", "ols"))
    save_fit(tmp_path / "whole.npz", other)
    save_fit(tmp_path / "beside.npz", other, base=first)
    assert same(load_fit(tmp_path / "beside.npz", base=first), other)
    assert (tmp_path / "beside.npz").stat().st_size < 0.5 * (tmp_path / "whole.npz").stat().st_size
    with pytest.raises(DataError, match="shares arrays with another fit"):
        load_fit(tmp_path / "beside.npz")
    with pytest.raises(DataError, match="shares arrays with another fit"):
        load_fit(tmp_path / "beside.npz", base=replace(first, key=replace(first.key, run="2")))
