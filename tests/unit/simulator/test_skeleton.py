"""A small BIDS tree with the quirks of real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deltaroi.config.read import parse_study
from deltaroi.config.study import Study
from deltaroi.errors import DataError, StudyError
from deltaroi.simulator.scheme import Scheme
from deltaroi.simulator.skeleton import overlay

STUDY = """
schema_version: 1
name: quirks
dataset: {bids_dir: bids, derivatives: derivatives/fmriprep, task: faces, sessions: [pre, post]}
groups: {column: arm, levels: [a, b], assignment: randomised}
contrasts: {c: sad}
simulation: {planted: [{region: amygdala, condition: sad, percent: 1.0}]}
"""
EVENTS = "onset\tduration\ttrial_type\r\n10.0\t2\tsad\r\n50.5\t4\thappy\r\n"


def study(text: str = STUDY) -> Study:
    return parse_study(text)


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three people: two echoes; a run without events; events without BOLD; TR by inheritance."""
    bids = tmp_path / "bids"
    write(bids, "participants.tsv", "participant_id\tarm\nsub-01\ta\nsub-02\tb\nsub-03\tn/a\n")
    write(bids, "task-faces_bold.json", json.dumps({"RepetitionTime": 2.0}))
    write(bids, "task-rest_bold.json", json.dumps({"RepetitionTime": 9.0}))
    func = "sub-01/ses-pre/func/sub-01_ses-pre_task-faces"
    write(bids, f"{func}_events.tsv", EVENTS)
    write(bids, f"{func}_echo-1_bold.json", json.dumps({"RepetitionTime": 1.5, "EchoTime": 0.01}))
    write(bids, f"{func}_echo-2_bold.json", json.dumps({"RepetitionTime": 1.7, "EchoTime": 0.03}))
    write(bids, "sub-02/ses-pre/func/sub-02_ses-pre_task-faces_run-01_events.tsv", EVENTS)
    write(bids, "sub-02/ses-post/func/sub-02_ses-post_task-faces_events.tsv", "onset\tduration\ttrial_type\n")
    write(bids, "sub-02/ses-follow/func/sub-02_ses-follow_task-faces_events.tsv", EVENTS)
    write(bids, "sub-03/ses-pre/func/sub-03_ses-pre_task-faces_events.tsv", EVENTS)
    write(bids, "sub-03/ses-pre/func/sub-03_ses-pre_task-rest_bold.json", "{}")
    return bids


def overlaid(root: Path, subjects: list[str] | None = None, text: str = STUDY) -> Scheme:
    spec = study(text)
    assert spec.simulation is not None
    return overlay(spec, spec.simulation, root, subjects)


def test_without_a_list_of_images_every_run_with_events_counts(root: Path) -> None:
    scheme = overlaid(root)
    assert [(r.stem, r.group, r.tr_s, r.n_volumes) for r in scheme.runs] == [
        ("sub-01_ses-pre_task-faces", "a", 1.5, 47),
        ("sub-02_ses-post_task-faces", "b", 2.0, 20),
        ("sub-02_ses-pre_task-faces_run-01", "b", 2.0, 35),
        ("sub-03_ses-pre_task-faces", "n/a", 2.0, 35)]
    assert scheme.groups == ("a", "b")
    assert scheme.conditions == ("happy", "sad")
    assert scheme.runs[0].trains[0].onsets == (10.0,)
    assert scheme.runs[1].trains[0].onsets == ()
    assert scheme.runs[2].folder == "sub-02/ses-pre/func"
    assert scheme.runs[2].key.run == "01"


def test_texts_are_taken_as_they_are(root: Path) -> None:
    scheme = overlaid(root)
    for name, data in scheme.files.items():
        assert data == (root / name).read_bytes()
    assert "participants.tsv" in scheme.files
    assert "sub-01/ses-pre/func/sub-01_ses-pre_task-faces_echo-2_bold.json" in scheme.files
    assert not any("rest" in name for name in scheme.files)


def test_the_list_of_images_decides_what_has_bold(root: Path) -> None:
    rows = ["path", "sub-01/ses-pre/func/sub-01_ses-pre_task-faces_echo-1_bold.nii.gz",
            "sub-01/ses-pre/func/sub-01_ses-pre_task-faces_echo-2_bold.nii.gz",
            "sub-01/ses-post/func/sub-01_ses-post_task-faces_echo-1_bold.nii.gz",
            "sub-02/ses-pre/func/sub-02_ses-pre_task-faces_run-1_bold.nii.gz",
            "derivatives/x/sub-03/ses-pre/func/sub-03_ses-pre_task-faces_bold.nii.gz",
            "../sub-03/ses-pre/func/sub-03_ses-pre_task-faces_bold.nii.gz"]
    write(root.parent, "annexed_files.tsv", "\n".join(rows) + "\n")
    scheme = overlaid(root)
    assert [r.stem for r in scheme.runs] == ["sub-01_ses-post_task-faces", "sub-01_ses-pre_task-faces",
                                             "sub-02_ses-pre_task-faces_run-1"]
    assert scheme.runs[0].trains == ()
    assert scheme.runs[2].trains[0].onsets == (10.0,)
    assert scheme.notes == ("sub-02_ses-post_task-faces: events without BOLD; no images are simulated",
                            "sub-03_ses-pre_task-faces: events without BOLD; no images are simulated",
                            "sub-01_ses-post_task-faces: no events; simulated without a signal")
    assert "sub-03/ses-pre/func/sub-03_ses-pre_task-faces_events.tsv" not in scheme.files
    assert "sub-02/ses-post/func/sub-02_ses-post_task-faces_events.tsv" in scheme.files


def test_links_to_images_that_are_not_there_count(root: Path) -> None:
    link = root / "sub-03/ses-pre/func/sub-03_ses-pre_task-faces_bold.nii.gz"
    link.symlink_to("../../../.git/annex/objects/x")
    assert [r.stem for r in overlaid(root).runs] == ["sub-03_ses-pre_task-faces"]


def test_choosing_subjects_changes_nothing_about_them(root: Path) -> None:
    everybody = {run.stem: run for run in overlaid(root).runs}
    few = overlaid(root, ["02", "77"])
    assert {run.key.subject for run in few.runs} == {"02"}
    assert all(run == everybody[run.stem] for run in few.runs)
    assert [run.flipped for run in few.runs] == [True, True]


def test_without_a_repetition_time_the_study_says(root: Path) -> None:
    (root / "task-faces_bold.json").unlink()
    scheme = overlaid(root, ["03"])
    assert scheme.runs[0].tr_s == 2.0
    assert scheme.notes == ("sub-03_ses-pre_task-faces: no sidecar states a repetition time; simulated with 2 s",)


def test_broken_texts_are_noted_or_refused(root: Path) -> None:
    write(root, "sub-03/ses-pre/func/sub-03_ses-pre_task-faces_events.tsv", "onset\tduration\n1\n")
    scheme = overlaid(root, ["03"])
    assert "row 2 has 1 cells" in scheme.notes[0]
    write(root, "task-faces_bold.json", "{broken")
    with pytest.raises(DataError, match="sidecar cannot be read"):
        overlaid(root)


@pytest.mark.parametrize(("old", "new", "error", "message"), [
    ("task: faces", "task: houses", DataError, "no run of the task 'houses'"),
    ("column: arm", "column: leg", StudyError, "no column 'leg'"),
])
def test_what_is_not_there_is_named(root: Path, old: str, new: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        overlaid(root, text=STUDY.replace(old, new))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a folder"):
        overlaid(tmp_path / "nowhere")
