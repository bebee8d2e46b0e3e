"""Runs of localiser tasks: where they are looked for, and what is said of those that cannot choose."""

from __future__ import annotations

import gzip
from typing import Any

import nibabel
import numpy as np
import pytest

from deltaroi.config.read import read_study
from deltaroi.errors import StudyError
from deltaroi.pipeline.check import check
from deltaroi.pipeline.plan import Plan, make_plan

TEXT = """\
contrasts: {a_b: a - b}
conditions: {only: {where: {trial_type: a}}}
regions:
  include: [best]
  hemispheres: [L]
  custom:
    best: {functional: {within: VTA.hcpex, contrast: "u - v", strongest: 1, select_from: task, task: loc}}
"""
EVENTS = "onset\tduration\ttrial_type\n" + "".join(f"{4 * i}\t2\t{'uv'[i % 2]}\n" for i in range(8))


@pytest.fixture
def two(trees: Any) -> Any:
    """Two subjects with two sessions; a localiser in a session of its own."""
    for subject in ("01", "02"):
        for session in ("pre", "post"):
            trees.run(subject, session)
        trees.run(subject, "loc", task="loc", events=EVENTS)
    return trees


def plan(trees: Any) -> Plan:
    path = trees.study(TEXT, sessions=["pre", "post"])
    return make_plan(read_study(path), path)


def test_a_localiser_may_lie_in_a_session_of_its_own(two: Any) -> None:
    made = plan(two)
    assert [one.run.key.label for one in made.localisers] == ["sub-01_ses-loc_task-loc", "sub-02_ses-loc_task-loc"]
    assert {one.contrasts for one in made.localisers} == {("u - v",)}
    assert {one.run.key.task for one in made.runs} == {"t"}
    assert made.grids == (made.localisers[0].grid,)
    assert made.exclusions == made.foreseen == ()


def test_rows_say_that_they_are_about_a_localiser(two: Any) -> None:
    two.run("02", "loc", task="loc", events=EVENTS.replace("v", "w"))
    made = plan(two)
    assert [one.run.key.subject for one in made.localisers] == ["01"]
    assert {(row.subject, row.session) for row in made.exclusions} == {("02", "loc")}
    assert all(row.reason.startswith("localiser task loc: ") for row in made.exclusions)
    assert "localiser task loc: no contrast has all its conditions in this run" in {r.reason for r in made.exclusions}
    (later,) = made.foreseen
    assert (later.stage, later.subject, later.region) == ("responses", "02", "best-L_functional")


def test_a_localiser_on_another_grid_cannot_choose(two: Any) -> None:
    for path in two.derivatives.glob("sub-01/ses-loc/func/*.nii.gz"):
        image = nibabel.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
        image.set_sform(image.affine + np.eye(4, k=3) * 20)
        path.write_bytes(gzip.compress(image.to_bytes()))
    made = plan(two)
    assert [one.run.key.subject for one in made.localisers] == ["02"]
    assert "localiser task loc: lies on another grid than the subject's tested runs" in made.exclusions[0].reason
    assert len(made.grids) == 1


def test_a_broken_localiser_is_a_failing_input(two: Any) -> None:
    path = next(two.derivatives.glob("sub-01/ses-loc/func/*bold.nii.gz"))
    path.write_bytes(path.read_bytes()[:-30])
    found = check(two.study(TEXT, sessions=["pre", "post"]))
    assert found.exit_code == 5
    assert "localiser task loc: " in "\n".join(found.lines())


def test_a_trial_type_with_odd_spaces(two: Any) -> None:
    """Spaces count inside backticks, and nowhere else."""
    for subject in ("01", "02"):
        two.run(subject, "loc", task="loc", events=EVENTS.replace("\tu\n", "\tu  !\n"))
    path = two.study(TEXT.replace("u - v", " `u  !`   -  v"), sessions=["pre", "post"])
    made = make_plan(read_study(path), path)
    assert {one.contrasts for one in made.localisers} == {("`u  !` - v",)}
    assert len(made.localisers) == 2


def test_a_localiser_without_trial_types_is_told_what_it_needs(two: Any) -> None:
    two.run("02", "loc", task="loc", events=EVENTS.replace("trial_type", "kind"))
    (row,) = (row for row in plan(two).exclusions if row.failure)
    assert "a localiser task cannot do without this column" in row.reason


def test_named_runs_that_a_session_lacks_are_a_warning(trees: Any) -> None:
    text = TEXT.replace('"u - v"', "a_b").replace("task, task: loc", 'runs, runs: ["01"]')
    for subject in ("01", "02"):
        for session, runs in (("pre", "12"), ("post", "12" if subject == "01" else "2")):
            for run in runs:
                trees.run(subject, session, f"run-{run}")
    path = trees.study(text, sessions=["pre", "post"])
    (said,) = (one for one in make_plan(read_study(path), path).warnings if one.startswith("best: "))
    assert "not in every session of 1 subject(s): 02; the voxels favour" in said


def test_people_without_tested_runs_need_no_localiser(two: Any) -> None:
    two.run("03", "loc", task="loc", events=EVENTS)
    made = plan(two)
    assert {one.run.key.subject for one in made.localisers} == {"01", "02"}
    assert not [row for row in made.exclusions if "localiser" in row.reason]


def test_a_declared_condition_is_none_of_the_localiser(two: Any) -> None:
    text = TEXT.replace("u - v", "only - v")
    with pytest.raises(StudyError) as caught:
        check(two.study(text, sessions=["pre", "post"]))
    assert caught.value.where.endswith("regions.custom.best.functional.contrast")
    assert "no events file has the trial_type 'only'" in caught.value.message
