"""Finding runs: every layout, every name generation, every problem by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deltaroi.errors import DataError, StudyError
from deltaroi.io.inventory import DatasetQuery, Inventory, find_runs
from deltaroi.types import Exclusion

SPACE = "MNI152NLin2009cAsym"
EVENTS = "onset\tduration\ttrial_type\n1\t1\ta\n"
IMAGE = b"not looked into by the search" * 50


def find(trees: Any, **options: Any) -> Inventory:
    return find_runs(DatasetQuery(trees.bids, trees.derivatives, **{"task": "t", **options}))


def only(found: Inventory) -> Exclusion:
    assert len(found.exclusions) == 1, found.exclusions
    return found.exclusions[0]


def preprocessed(trees: Any, stem: str, *parts: str) -> Path:
    return Path(trees.derived("_".join([stem, *parts, "desc-preproc_bold.nii.gz"]), IMAGE))


def test_a_session_less_run_has_everything(trees: Any) -> None:
    stem = trees.run("01")
    (run,) = find(trees).runs
    assert (run.key.subject, run.key.session, run.key.task, run.key.run) == ("01", "n/a", "t", "n/a")
    assert run.bold == trees.derivatives / f"{stem}_space-{SPACE}_desc-preproc_bold.nii.gz"
    assert run.mask == trees.derivatives / f"{stem}_space-{SPACE}_desc-brain_mask.nii.gz"
    assert run.confounds == trees.derivatives / f"{stem}_desc-confounds_timeseries.tsv"
    assert run.events == trees.bids / f"{stem}_events.tsv"
    assert (run.tr_s, run.slice_time_ref, run.space) == (2.0, 0.25, SPACE)


def test_order_is_subject_session_as_listed_then_run_number(trees: Any) -> None:
    for subject in ("02", "01"):
        for session in ("pre", "post"):
            for number in ("1", "2", "10"):
                trees.run(subject, session, f"run-{number}")
    keys = [(r.key.subject, r.key.session, r.key.run) for r in find(trees, sessions=("pre", "post")).runs]
    assert keys == [(s, t, n) for s in ("01", "02") for t in ("pre", "post") for n in ("1", "2", "10")]


def test_padding_of_run_numbers_does_not_matter(trees: Any) -> None:
    stem = trees.run("01", None, "run-1", events=None)
    trees.raw(stem.replace("run-1", "run-01") + "_events.tsv", EVENTS)
    (run,) = find(trees).runs
    assert run.events is not None
    assert run.events.name == "sub-01_task-t_run-01_events.tsv"


def test_one_run_numbered_twice_is_refused(trees: Any) -> None:
    trees.run("01", None, "run-1")
    trees.run("01", None, "run-01")
    found = find(trees)
    assert not found.runs
    assert "several BOLD images fit the run" in only(found).reason


@pytest.mark.parametrize("names", [
    {"bold": f"bold_space-{SPACE}_preproc.nii.gz", "mask": f"bold_space-{SPACE}_brainmask.nii.gz",
     "confounds": "bold_confounds.tsv"},
    {"bold": f"space-{SPACE}_desc-preproc_bold.nii.gz", "mask": f"space-{SPACE}_desc-brain_mask.nii.gz",
     "confounds": "desc-confounds_regressors.tsv"},
    {"bold": f"space-{SPACE}_res-2_desc-preproc_bold.nii.gz", "mask": f"space-{SPACE}_res-2_desc-brain_mask.nii.gz",
     "confounds": "desc-confounds_timeseries.tsv"},
], ids=["1.0", "1.2-1.5", "20-25"])
def test_names_of_every_generation(trees: Any, names: dict[str, str]) -> None:
    stem = trees.stem("01", "pre", "t", "run-1")
    trees.raw(f"{stem}_events.tsv", EVENTS)
    trees.raw("task-t_bold.json", {"RepetitionTime": 1.5})
    for name in names.values():
        trees.derived(f"{stem}_{name}", IMAGE)
    (run,) = find(trees, sessions=("pre",)).runs
    assert [p.name.removeprefix(Path(stem).name + "_") for p in (run.bold, run.mask, run.confounds) if p] == \
        list(names.values())
    assert run.tr_s == 1.5


def test_mask_of_another_space_or_resolution_is_not_taken(trees: Any) -> None:
    stem = trees.run("01")
    (trees.derivatives / f"{stem}_space-{SPACE}_desc-brain_mask.nii.gz").unlink()
    trees.derived(f"{stem}_space-T1w_desc-brain_mask.nii.gz", IMAGE)
    trees.derived(f"{stem}_space-{SPACE}_res-2_desc-brain_mask.nii.gz", IMAGE)
    (run,) = find(trees).runs
    assert run.mask is None
    assert any("no brain mask" in note for note in run.notes)


def test_several_resolutions_need_a_choice(trees: Any) -> None:
    stem = trees.run("01", None, space=f"space-{SPACE}_res-1")
    preprocessed(trees, stem, f"space-{SPACE}", "res-2")
    with pytest.raises(StudyError, match=r"several resolutions: 1 \(1 images\), 2 \(1 images\)"):
        find(trees)
    (run,) = find(trees, resolution="1").runs
    assert "_res-1_" in run.bold.name
    with pytest.raises(StudyError, match=r"no image has the resolution '3'; there are 1 \(1 images\), 2"):
        find(trees, resolution="3")


def test_native_means_no_res(trees: Any) -> None:
    stem = trees.run("01")
    preprocessed(trees, stem, f"space-{SPACE}", "res-2")
    (run,) = find(trees, resolution="native").runs
    assert "_res-" not in run.bold.name


def test_a_single_resolution_is_taken(trees: Any) -> None:
    trees.run("01", None, space=f"space-{SPACE}_res-2")
    assert len(find(trees).runs) == 1


def test_a_missing_space_names_those_that_exist(trees: Any) -> None:
    trees.run("01", None, space="space-MNI152NLin6Asym")
    preprocessed(trees, trees.stem("01", None), "space-T1w")
    found = find(trees)
    row = only(found)
    assert "dataset.space" in row.reason
    assert (row.value, row.threshold, row.failure) == ("MNI152NLin6Asym, T1w", SPACE, False)
    assert any("there are MNI152NLin6Asym, T1w" in warning for warning in found.warnings)


def test_cohorts_are_named_by_the_template(trees: Any) -> None:
    trees.run("01", None, space="space-MNIPediatricAsym_cohort-2")
    assert len(find(trees, space="MNIPediatricAsym:cohort-2").runs) == 1


def test_minimal_derivatives_say_so(trees: Any) -> None:
    stem = trees.stem("01", "pre", "t", "run-01")
    trees.raw(f"{stem}_bold.nii.gz", IMAGE)
    trees.raw(f"{stem}_events.tsv", EVENTS)
    for name in ("desc-hmc_boldref.nii.gz", "desc-coreg_boldref.nii.gz",
                 "from-orig_to-boldref_mode-image_desc-hmc_xfm.txt"):
        trees.derived(f"{stem}_{name}", IMAGE)
    found = find(trees, sessions=("pre",))
    row = only(found)
    assert "--level full" in row.reason
    assert "desc-hmc_boldref" in row.value
    assert row.run == "01"
    assert any("level minimal" in warning for warning in found.warnings)


def test_echoes_share_one_events_file_and_one_image(trees: Any) -> None:
    stem = trees.run("01")
    (trees.bids / f"{stem}_bold.nii.gz").unlink()
    for echo in "123":
        trees.raw(f"{stem}_echo-{echo}_bold.nii.gz", IMAGE)
        trees.raw(f"{stem}_echo-{echo}_bold.json", {"RepetitionTime": 2.0, "EchoTime": 0.01 * int(echo)})
        preprocessed(trees, stem, f"echo-{echo}", f"space-{SPACE}")
    found = find(trees)
    assert len(found.runs) == 1
    assert not found.exclusions
    assert "echo" not in found.runs[0].bold.name


def test_single_echoes_alone_are_refused(trees: Any) -> None:
    stem = trees.stem("01", None)
    trees.raw(f"{stem}_events.tsv", EVENTS)
    for echo in "12":
        preprocessed(trees, stem, f"echo-{echo}", f"space-{SPACE}")
    row = only(find(trees))
    assert "only single echoes" in row.reason
    assert row.value == "echo-1, echo-2"


@pytest.mark.parametrize(("second", "n_runs", "says"), [
    (EVENTS, 1, ""), (EVENTS + "5\t1\tb\n", 0, "every echo has an events file of its own")])
def test_events_per_echo(trees: Any, second: str, n_runs: int, says: str) -> None:
    stem = trees.run("01", events=None)
    trees.raw(f"{stem}_echo-1_events.tsv", EVENTS)
    trees.raw(f"{stem}_echo-2_events.tsv", second)
    found = find(trees)
    assert len(found.runs) == n_runs
    assert all(says in row.reason for row in found.exclusions)
    assert len(found.exclusions) == 1 - n_runs


def test_images_that_differ_only_in_acq_are_refused(trees: Any) -> None:
    trees.run("01", None, "acq-a", "run-1")
    trees.run("01", None, "acq-b", "run-1")
    found = find(trees)
    assert not found.runs
    row = only(found)
    assert "several BOLD images have one run number" in row.reason
    assert row.value == "acq-a, acq-b"


def test_one_acq_is_fine_and_belongs_to_its_own_files(trees: Any) -> None:
    trees.run("01", None, "acq-a", "dir-AP", "run-1")
    found = find(trees)
    assert len(found.runs) == 1
    assert not found.exclusions


@pytest.mark.parametrize("place", ["sub-01/ses-pre/func/sub-01_ses-pre_task-t_events.tsv",
                                   "sub-01/ses-pre/sub-01_ses-pre_task-t_events.tsv", "sub-01/sub-01_task-t_events.tsv",
                                   "task-t_events.tsv", "events.tsv"])
def test_events_are_inherited(trees: Any, place: str) -> None:
    trees.run("01", "pre", "run-1", events=None)
    trees.raw(place, EVENTS)
    (run,) = find(trees, sessions=("pre",)).runs
    assert run.events == trees.bids / place


def test_the_most_specific_events_win(trees: Any) -> None:
    stem = trees.run("01", "pre", "run-1")
    trees.raw("task-t_events.tsv", EVENTS)
    trees.raw("sub-01/ses-pre/func/sub-01_ses-pre_task-t_events.tsv", EVENTS)
    (run,) = find(trees, sessions=("pre",)).runs
    assert run.events == trees.bids / f"{stem}_events.tsv"


def test_events_of_another_run_do_not_apply(trees: Any) -> None:
    trees.run("01", None, "run-1", events=None)
    trees.raw(trees.stem("01", None, "t", "run-2") + "_events.tsv", EVENTS)
    found = find(trees)
    assert not found.runs
    assert {row.reason for row in found.exclusions} == {"no events file applies to this run",
                                                        "an events file without a BOLD image"}
    row = next(row for row in found.exclusions if row.reason.startswith("no events"))
    assert row.value == "sub-01_task-t_run-2_events.tsv"


def test_tr_is_merged_by_inheritance(trees: Any) -> None:
    stems = [trees.run("01", None, f"run-{n}", sidecar={"SkullStripped": False}) for n in (1, 2)]
    trees.raw("task-t_bold.json", {"RepetitionTime": 3.0})
    trees.raw(f"{stems[1]}_bold.json", {"RepetitionTime": 3.44})
    first, second = find(trees).runs
    assert (first.tr_s, second.tr_s) == (3.0, 3.44)


def test_tr_of_the_derivatives_comes_first_and_a_difference_is_noted(trees: Any) -> None:
    trees.run("01")
    trees.raw("task-t_bold.json", {"RepetitionTime": 3.0})
    (run,) = find(trees).runs
    assert run.tr_s == 2.0
    assert any("2 s in the derivatives and 3 s in the raw data" in note for note in run.notes)


@pytest.mark.parametrize(("sidecar", "says"), [
    ({"SkullStripped": False}, "no sidecar states RepetitionTime"),
    ({"RepetitionTime": 2000}, "RepetitionTime is 2000, not a length of time in s"),
    ({"RepetitionTime": "2"}, "RepetitionTime is '2', not a number"),
    ({"RepetitionTime": 0}, "RepetitionTime is 0"),
    ({"RepetitionTime": True}, "RepetitionTime is True"),
    ({"VolumeTiming": [0, 1, 5]}, "VolumeTiming"),
    ({"RepetitionTime": 2.0, "StartTime": 3.0}, "StartTime is 3 s, outside the first volume"),
])
def test_timing_that_cannot_be_is_named(trees: Any, sidecar: dict[str, object], says: str) -> None:
    trees.run("01", sidecar=sidecar)
    found = find(trees)
    assert not found.runs
    row = only(found)
    assert says in row.reason
    assert row.failure


@pytest.mark.parametrize(("more", "reference"), [
    ({"StartTime": 0.98}, 0.49), ({"SliceTimingCorrected": True}, 0.5), ({"SliceTimingCorrected": False}, 0.0),
    ({}, 0.0)])
def test_slice_time_reference(trees: Any, more: dict[str, object], reference: float) -> None:
    trees.run("01", sidecar={"RepetitionTime": 2.0, **more})
    (run,) = find(trees).runs
    assert run.slice_time_ref == pytest.approx(reference, abs=1e-12)
    assert any("slice_time_ref" in note for note in run.notes)
    (run,) = find(trees, slice_time_ref=0.3).runs
    assert run.slice_time_ref == 0.3


def test_echoes_that_disagree_about_tr_are_named(trees: Any) -> None:
    stem = trees.run("01", sidecar={"SkullStripped": False})
    (trees.bids / f"{stem}_bold.nii.gz").unlink()
    for echo, tr in (("1", 2.0), ("2", 2.5)):
        trees.raw(f"{stem}_echo-{echo}_bold.json", {"RepetitionTime": tr})
    row = only(find(trees))
    assert "the echoes state different RepetitionTimes: 2, 2.5 s" in row.reason


def annex(path: Path) -> None:
    path.unlink()
    path.symlink_to("../../.git/annex/objects/aa/bb/MD5E-s1--x.nii.gz")


def pointer(path: Path) -> None:
    path.write_text("/annex/objects/MD5E-s30621174--0cc175b9c0f1b6a831c399e269772661.nii.gz\n")


def dangle(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def circle(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(("spoil", "says"), [
    (annex, "`datalad get` the file"), (pointer, "`datalad get` the file"), (dangle, "is a broken link"),
    (circle, "is a broken link"), (empty, "is empty")])
@pytest.mark.parametrize("what", ["BOLD image", "brain mask", "confounds table", "events file"])
def test_content_that_is_not_there_is_a_failure(trees: Any, what: str, spoil: Any, says: str) -> None:
    trees.run("01")
    trees.run("02")
    run = find(trees).runs[0]
    path = {"BOLD image": run.bold, "brain mask": run.mask, "confounds table": run.confounds,
            "events file": run.events}[what]
    spoil(path)
    found = find(trees)
    assert [r.key.subject for r in found.runs] == ["02"]
    row = only(found)
    assert what in row.reason
    assert says in row.reason
    assert row.failure
    assert row.value == f"sub-01/func/{path.name}"
    assert any(f"`datalad get {row.value}`" in w for w in found.warnings) == ("datalad" in says)


def test_a_link_to_a_real_file_is_followed(trees: Any) -> None:
    trees.run("01")
    run = find(trees).runs[0]
    moved = trees.root / "store.nii.gz"
    run.bold.replace(moved)
    run.bold.symlink_to(moved)
    assert len(find(trees).runs) == 1


@pytest.mark.parametrize("text", ["{", "[1]", "\xff\xfe"])
def test_a_sidecar_that_is_not_json_is_a_failure(trees: Any, text: str) -> None:
    stem = trees.run("01")
    trees.derived(f"{stem}_space-{SPACE}_desc-preproc_bold.json", text)
    row = only(find(trees))
    assert "sidecar" in row.reason
    assert row.failure


def test_people_in_one_place_only(trees: Any) -> None:
    trees.run("01")
    trees.run("03")
    trees.participants("participant_id\tgroup\nsub-01\tA\n02\tB\n")
    found = find(trees)
    assert [(row.subject, row.reason) for row in found.exclusions] == \
        [("02", "is in participants.tsv but has no folder")]
    assert list(found.participants["participant_id"]) == ["01", "02"]


def test_only_the_subjects_asked_for(trees: Any) -> None:
    for subject in ("01", "02"):
        trees.run(subject)
    found = find(trees, subjects=("02", "99"))
    assert [r.key.subject for r in found.runs] == ["02"]
    assert [(row.subject, row.reason) for row in found.exclusions] == [
        ("01", "not listed in dataset.subjects"), ("99", "is listed in dataset.subjects but is not in the dataset")]


def test_sessions_are_held_against_the_study(trees: Any) -> None:
    trees.run("01", "pre")
    trees.run("01", "followup")
    with pytest.raises(StudyError, match=r"lists no sessions, the files of the task have followup, pre") as caught:
        find(trees)
    assert "`sessions: [pre, followup]`" in caught.value.hint
    with pytest.raises(StudyError, match=r"no file of the task has the session 'Pre'") as caught:
        find(trees, sessions=("Pre",))
    assert "did you mean 'pre'" in caught.value.hint
    found = find(trees, sessions=("pre",))
    assert len(found.runs) == 1
    assert (only(found).session, only(found).reason) == ("followup", "session not listed in dataset.sessions")


def test_sessions_where_there_are_none(trees: Any) -> None:
    trees.run("01")
    with pytest.raises(StudyError, match="have no ses-"):
        find(trees, sessions=("pre",))


def test_a_subject_without_post_is_listed(trees: Any) -> None:
    trees.run("01", "pre")
    trees.run("01", "post")
    trees.run("02", "pre")
    row = only(find(trees, sessions=("pre", "post")))
    assert (row.subject, row.session, row.reason, row.failure) == \
        ("02", "post", "no scan of this task in this session", False)


def test_a_raw_run_without_derivatives_is_listed(trees: Any) -> None:
    trees.run("01", None, "run-1")
    trees.raw(trees.stem("01", None, "t", "run-2") + "_bold.nii.gz", IMAGE)
    row = only(find(trees))
    assert (row.run, row.reason) == ("2", "no preprocessed BOLD: run fMRIPrep on this run")


def test_an_unknown_task_names_those_that_exist(trees: Any) -> None:
    trees.run("01", task="faces")
    with pytest.raises(StudyError, match="the tasks are faces") as caught:
        find(trees, task="face")
    assert "did you mean 'faces'" in caught.value.hint


@pytest.mark.parametrize(("make", "says"), [
    (lambda t: None, "holds no sub- folder"),
    (lambda t: t.derivatives.rmdir(), "does not exist"),
])
def test_folders_that_are_not_datasets(trees: Any, make: Any, says: str) -> None:
    trees.raw("sub-01/func/sub-01_task-t_bold.nii.gz", IMAGE)
    make(trees)
    with pytest.raises(DataError, match=says):
        find(trees)


def test_the_folder_above_the_derivatives_is_noticed(trees: Any) -> None:
    trees.raw("sub-01/func/sub-01_task-t_bold.nii.gz", IMAGE)
    trees.derived("fmriprep/sub-01/func/x.txt")
    with pytest.raises(DataError) as caught:
        find(trees)
    assert "fmriprep/fmriprep?" in caught.value.hint


def test_a_name_that_contradicts_its_folder_is_not_used(trees: Any) -> None:
    trees.run("01")
    trees.derived(f"sub-01/func/sub-02_task-t_space-{SPACE}_desc-preproc_bold.nii.gz", IMAGE)
    found = find(trees)
    assert len(found.runs) == 1
    assert any("contradicts its folder" in warning for warning in found.warnings)
