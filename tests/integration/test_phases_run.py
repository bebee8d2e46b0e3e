"""Phases in a study file: `run`, the report, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import deltaroi

Edit = Callable[[Path, str, str], None]
OLD = "group: {permutations: 200}"


def test_a_study_with_a_primary_phase(tiny: Path, edit: Edit) -> None:
    file, out = tiny / "study.yaml", tiny / "out"
    edit(tiny, OLD, "group: {permutations: 200, phases: {course: [pre, post]}, primary_phase: course}")
    result = deltaroi.run(file, out)
    primary = result.effects[result.effects["primary"]]
    assert set(primary["model"]) == {"ancova"}
    assert primary["reading"].str.contains(r"At post \(phase course\), given the value at pre", regex=True).all()
    page, methods = ((out / name).read_text() for name in ("report.html", "methods.md"))
    assert 'id="phases"' in page
    assert "Phases of training: course (from pre to post)." in methods
    assert "the response at post was compared between groups by ANCOVA" in methods
    edit(tiny, ", primary_phase: course", "")
    assert {stage for stage, n in deltaroi.run(file, out).reran.items() if n} == {"effects", "report"}


@pytest.mark.parametrize(("phases", "says"), [
    ("phases: {course: [pre, late]}", "group.phases.course: found the session late"),
    ("phases: {course: [post, pre]}", "group.phases.course: found [post, pre], which is not in time order"),
    ("phases: {course: [pre]}", "phases.course: found 1 session(s), expected two"),
    ("primary_phase: course", "group.primary_phase: found 'course', expected one of group.phases: there are none"),
    ("phases: {course: [pre, post]}, primary_phase: course, primary: paired", "does not fit the phase 'course'"),
])
def test_what_cannot_be_is_refused(tiny: Path, edit: Edit, phases: str, says: str) -> None:
    edit(tiny, OLD, f"group: {{permutations: 200, {phases}}}")
    done = subprocess.run([sys.executable, "-m", "deltaroi", "check", str(tiny / "study.yaml")], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 3
    assert says in done.stderr
