"""What check shows and predicts."""

from __future__ import annotations

from typing import Any

import pytest

from deltaroi.pipeline.check import check
from deltaroi.tables import EXCLUSIONS, conform

GROUPS = "groups: {column: arm, levels: [train, wait], assignment: randomised}\ncontrasts: {a_b: a - b}"


@pytest.fixture
def two_sessions(trees: Any) -> Any:
    for subject in ("01", "02", "03"):
        for session in ("pre", "post"):
            trees.run(subject, session)
    trees.participants("participant_id\tarm\nsub-01\ttrain\nsub-02\twait\nsub-03\twait\n")
    return trees


def test_tables_and_exit_code(two_sessions: Any) -> None:
    result = check(two_sessions.study(GROUPS, sessions=["pre", "post"]))
    assert result.exit_code == 0
    assert result.subjects.to_dict("records") == [
        {"group": "train", "subjects": 1, "pre": 1, "post": 1, "complete": 1},
        {"group": "wait", "subjects": 2, "pre": 2, "post": 2, "complete": 2}]
    assert len(result.runs) == 6
    assert set(result.runs["tr_s"]) == {2.0}
    assert len(conform(result.exclusions, EXCLUSIONS)) == 0
    assert result.rois["usable"].all()
    assert len(result.rois) == 14
    text = "\n".join(result.lines())
    assert "6 runs of 3 subjects will be used" in text
    assert "contrast a_b: 6 of 6 runs" in text
    assert "amygdala-L_hcpex" in text
    assert "exit code 0" in text


def test_a_failing_input_is_exit_code_5(two_sessions: Any) -> None:
    path = next(two_sessions.derivatives.rglob("*desc-preproc_bold.nii.gz"))
    path.write_bytes(path.read_bytes()[:-30])
    result = check(two_sessions.study(GROUPS, sessions=["pre", "post"]))
    assert result.exit_code == 5
    text = "\n".join(result.lines())
    assert "truncated" in text
    assert "[failing input]" in text


def test_nothing_left_is_exit_code_4(two_sessions: Any) -> None:
    for path in two_sessions.derivatives.rglob("*desc-preproc_bold.nii.gz"):
        path.unlink()
        path.symlink_to(".git/annex/objects/x")
    result = check(two_sessions.study(GROUPS, sessions=["pre", "post"]))
    assert result.exit_code == 4
    assert len(result.exclusions) == 6
    assert "datalad get" in "\n".join(result.lines())


def test_an_roi_of_another_template_is_exit_code_4(two_sessions: Any) -> None:
    study = two_sessions.study(GROUPS, sessions=["pre", "post"])
    for path in two_sessions.derivatives.rglob("*space-*"):
        path.rename(path.with_name(path.name.replace("MNI152NLin2009cAsym", "MNI152NLin6Asym")))
    study.write_text(study.read_text().replace('"task"', '"space": "MNI152NLin6Asym", "task"'))
    result = check(study)
    assert result.exit_code == 4
    assert not result.rois["usable"].any()
    assert "definitions that would fit" in result.rois["note"][0]
    assert "CANNOT BE DRAWN" in "\n".join(result.lines())


def test_a_custom_mask_that_is_not_there(two_sessions: Any) -> None:
    text = ("regions: {include: [mine], custom: {mine: {mask: m.nii.gz, space: MNI152NLin2009cAsym, hemisphere: B}}, "
            "hemispheres: [B]}\n" + GROUPS)
    result = check(two_sessions.study(text, sessions=["pre", "post"]))
    assert result.exit_code == 4
    assert result.rois["note"].tolist() == ["m.nii.gz cannot be read: missing"]


def test_nothing_is_written(two_sessions: Any) -> None:
    study = two_sessions.study(GROUPS, sessions=["pre", "post"])
    before = {p: p.stat().st_mtime_ns for p in two_sessions.root.rglob("*")}
    list(check(study).lines())
    assert {p: p.stat().st_mtime_ns for p in two_sessions.root.rglob("*")} == before
