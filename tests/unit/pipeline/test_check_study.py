"""What check shows and predicts."""

from __future__ import annotations

import gzip
import importlib.util
import re
import time
from typing import Any

import nibabel
import numpy as np
import pytest

from deltaroi.errors import StudyError
from deltaroi.io.looks import SETTLED_NS
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


def test_the_cache_is_all_that_check_writes(two_sessions: Any, tmp_path_factory: pytest.TempPathFactory,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    study = two_sessions.study(GROUPS, sessions=["pre", "post"])
    expected = list(check(study).lines())
    before = {path: path.stat().st_mtime_ns for path in study.parent.rglob("*")}
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("DELTAROI_CACHE", str(cache))
    time.sleep(max(0.0, (max(before.values()) - time.time_ns() + SETTLED_NS) / 1e9 + 0.1))
    assert [list(check(study).lines()) for _ in range(2)] == [expected, expected]
    assert {path: path.stat().st_mtime_ns for path in study.parent.rglob("*")} == before
    assert sorted(path.name.split("-")[1] for path in cache.iterdir()) == ["models", "runs"]


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
    assert result.rois["note"][0].startswith("regions.custom.mine: m.nii.gz: there is no such file: ")


@pytest.mark.parametrize(("custom", "code", "says"), [
    ("{sphere: {L: [24, -2, -16], R: [-24, -2, -16]}, radius_mm: 30}", 4, "mine-L_custom: the ROI is called left"),
    ("{sphere: {L: [-500, 0, 0], R: [500, 0, 0]}, radius_mm: 30}", 4, "the ROI has no voxel on the images' grid"),
    ("{sphere: {L: [-500, 0, 0], R: [20, 20, 20]}, radius_mm: 30}", 0, "the ROI has no voxel on the images' grid"),
])
def test_custom_rois_are_drawn_to_see(two_sessions: Any, custom: str, code: int, says: str) -> None:
    text = f"regions: {{include: [mine], custom: {{mine: {custom}}}}}\n{GROUPS}"
    result = check(two_sessions.study(text, sessions=["pre", "post"]))
    assert result.exit_code == code
    assert says in "\n".join(result.lines())


def test_what_the_group_stage_will_miss_is_foreseen(two_sessions: Any) -> None:
    """A condition without events, and runs of one session on different grids, leave no response behind."""
    two_sessions.run("01", "post", events="onset\tduration\ttrial_type\n4\t2\ta\n12\t2\ta\n")
    two_sessions.run("04", "pre")
    two_sessions.run("04", "post", "run-1")
    stem = two_sessions.run("04", "post", "run-2")
    for path in two_sessions.derivatives.glob(f"{stem}_*.nii.gz"):
        image = nibabel.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
        image.set_sform(np.diag([1.0, 1, 1, 1]) @ image.affine + np.eye(4, k=3) * 20)
        path.write_bytes(gzip.compress(image.to_bytes()))
    two_sessions.participants("participant_id\tarm\nsub-01\ttrain\nsub-02\twait\nsub-03\twait\nsub-04\ttrain\n")
    text = GROUPS.replace("{a_b: a - b}", "{a_b: a - b, only_a: a}")
    foreseen = check(two_sessions.study(text, sessions=["pre", "post"])).foreseen
    rows = foreseen[foreseen["stage"] != "first-level"]
    regions = ("AI", "amygdala", "dlPFC", "dmPFC", "mOFC", "pACC")
    lost = [f"{region}-{side}_hcpex" for region in regions for side in "LR"]
    assert rows[["stage", "subject", "session", "region"]].to_numpy().tolist() == [
        ["effects", "01", "post", "a_b"], ["effects", "04", "post", "n/a"],
        *(["masks", "n/a", "n/a", label] for label in lost),  # no voxel of 40 mm is filled to one half
        ["responses", "04", "post", "n/a"]]
    assert set(rows.loc[rows["stage"] == "masks", "reason"]) == {"the ROI has no voxel on the images' grid"}
    assert "the runs of this session lie on different grids" in set(rows["reason"])


@pytest.mark.parametrize(("first_level", "code", "says"), [
    ("confounds: {scrub_fd_mm: 0.05}", 4, "no degree of freedom is left"),
    ("confounds: {motion: 0, scrub_fd_mm: null}", 0, ""),
])
def test_what_the_model_cannot_bear_is_foreseen(two_sessions: Any, first_level: str, code: int, says: str) -> None:
    text = f"first_level: {{{first_level}}}\n{GROUPS}"
    result = check(two_sessions.study(text, sessions=["pre", "post"]))
    assert result.exit_code == code
    assert says in "\n".join(result.lines())


def test_a_gap_in_the_confounds_is_foreseen(two_sessions: Any) -> None:
    table = next(two_sessions.derivatives.rglob("*_desc-confounds_timeseries.tsv"))
    lines = table.read_text().splitlines()
    lines[9] = lines[9].replace("0.1", "n/a", 1)
    table.write_text("\n".join(lines) + "\n")
    result = check(two_sessions.study(GROUPS, sessions=["pre", "post"]))
    assert result.exit_code == 5
    rows = result.foreseen[result.foreseen["stage"] == "first-level"]
    assert rows["reason"].tolist() == ["failed: column 'trans_x' has no number in row 10 (volume 9)"]
    assert len(result.runs) == 5


def test_an_address_that_cannot_be_listed_is_refused_by_name(two_sessions: Any) -> None:
    study = two_sessions.study(GROUPS, sessions=["pre", "post"])
    study.write_text(re.sub('"bids_dir": "[^"]*"', '"bids_dir": "https://host.example/ds003823"', study.read_text()))
    with pytest.raises(StudyError, match=r"dataset\.bids_dir: only s3:// addresses can be listed"):
        check(study)


def test_nothing_is_written(two_sessions: Any) -> None:
    study = two_sessions.study(GROUPS, sessions=["pre", "post"])
    before = {p: p.stat().st_mtime_ns for p in two_sessions.root.rglob("*")}
    list(check(study).lines())
    assert {p: p.stat().st_mtime_ns for p in two_sessions.root.rglob("*")} == before


def test_a_model_whose_extra_is_not_installed_is_refused_before_anything_is_read(
        trees: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None if name in ("jax", "numpyro")
                        else known(name, package))
    file = trees.study(f"{GROUPS}\ngroup: {{multilevel: true}}", sessions=["pre", "post"])  # there is no run at all
    with pytest.raises(StudyError, match=r"numpyro, jax.*the extra 'multilevel' of deltaroi") as error:
        check(file)
    assert error.value.where == f"{file}: group.multilevel"
    assert "pip install 'deltaroi[multilevel]'" in error.value.hint


@pytest.mark.long
def test_models_in_several_processes(trees: Any) -> None:
    """Enough runs that workers are worth it; one of them has other events."""
    for number in range(60):
        trees.run(f"{number:02d}")
    path = next(trees.bids.rglob("sub-07*_events.tsv"))
    path.write_text("onset\tduration\ttrial_type\n" + "".join(f"{2 * i}\t0\t{'ab'[i % 2]}\n" for i in range(2)) * 2)
    study = trees.study()
    alone, several = check(study), check(study, jobs=2)
    assert list(several.lines()) == list(alone.lines())
    assert [(one.trials, one.dof) for one in several.plan.runs] == [(one.trials, one.dof) for one in alone.plan.runs]
    assert len(several.plan.runs) >= 59
