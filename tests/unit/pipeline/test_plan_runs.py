"""The plan: who, which runs, which contrasts; and everything that stops a run, by name."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deltaroi.config.read import read_study
from deltaroi.errors import DataError, StudyError
from deltaroi.pipeline.plan import Plan, make_plan
from deltaroi.types import Exclusion

GROUPS = ("groups: {column: arm, levels: [train, wait], assignment: randomised, covariates: [age]}\n"
          "contrasts: {a_b: a - b}")
PEOPLE = "participant_id\tarm\tage\nsub-01\ttrain\t30\nsub-02\twait\tn/a\nsub-03\tother\t20\nsub-04\tn/a\t20\n"


def plan(path: Path) -> Plan:
    return make_plan(read_study(path), path)


def only(made: Plan) -> Exclusion:
    assert len(made.exclusions) == 1, made.exclusions
    return made.exclusions[0]


def image(trees: Any, stem: str, data: bytes, what: str = "desc-preproc_bold") -> None:
    trees.derived(f"{stem}_space-MNI152NLin2009cAsym_{what}.nii.gz", data)


def build(shape: tuple[int, ...] = (4, 4, 4, 20), tr: float = 2.0, shift: float = 0.0, codes: int = 4) -> bytes:
    import nibabel

    affine = np.diag([40.0, 40, 40, 1])
    affine[:3, 3] = -60 + shift
    made = nibabel.Nifti1Image(np.ones(shape, dtype=np.float32), affine)
    made.header.set_xyzt_units("mm", "sec")
    made.header.set_zooms([40, 40, 40, tr][:len(shape)])
    data = bytearray(made.to_bytes())
    data[252:256] = struct.pack("<hh", codes, codes)  # qform_code, sform_code
    return gzip.compress(bytes(data))


def test_groups_covariates_and_exclusions(trees: Any) -> None:
    for subject in ("01", "02", "03", "04", "05"):
        trees.run(subject)
    trees.participants(PEOPLE)
    made = plan(trees.study(GROUPS))
    assert made.groups == {"01": "train", "02": "wait"}
    assert [one.run.key.subject for one in made.runs] == ["01", "02"]
    assert made.covariates.to_dict() == {"age": {"01": "30", "02": "n/a"}}
    assert [(row.subject, row.reason, row.value) for row in made.exclusions] == [
        ("03", "the group label is not among groups.levels", "other"), ("04", "has no group label", "n/a"),
        ("05", "is not in participants.tsv, so in no group: add a row", "n/a")]
    assert [(row.subject, row.stage, row.reason) for row in made.foreseen] == [
        ("02", "effects", "covariate 'age' is missing")]


def test_files_of_people_who_are_left_out_do_not_matter(trees: Any) -> None:
    trees.run("01")
    stem = trees.run("03")
    image(trees, stem, b"")
    trees.participants(PEOPLE)
    made = plan(trees.study(GROUPS.replace(", wait", "")))
    assert not any(row.failure for row in made.exclusions)
    assert [row.subject for row in made.exclusions if row.subject == "03"] == ["03"]


@pytest.mark.parametrize(("old", "new", "says", "hint"), [
    ("column: arm", "column: amr", "no column 'amr'; its columns are arm, age", "did you mean 'arm'"),
    ("covariates: [age]", "covariates: [Age]", "no column 'Age'", "did you mean 'age'"),
    ("levels: [train,", "levels: [trian,", "nobody has the label 'trian'", "did you mean 'train'"),
])
def test_a_name_that_participants_do_not_have(trees: Any, old: str, new: str, says: str, hint: str) -> None:
    trees.run("01")
    trees.participants(PEOPLE)
    with pytest.raises(StudyError, match=says) as caught:
        plan(trees.study(GROUPS.replace(old, new)))
    assert hint in caught.value.hint
    assert "study.yaml: groups." in caught.value.where


def test_groups_without_a_table(trees: Any) -> None:
    trees.run("01")
    with pytest.raises(DataError, match=r"participants\.tsv is absent or empty"):
        plan(trees.study(GROUPS))


def test_exclude_where(trees: Any) -> None:
    for subject in ("01", "02"):
        trees.run(subject)
    trees.participants("participant_id\tqc\nsub-01\t1\nsub-02\t0\n")
    made = plan(trees.study(exclude_where={"qc": [1]}))
    assert [one.run.key.subject for one in made.runs] == ["02"]
    assert (only(made).reason, only(made).value) == ("left out by dataset.exclude_where: qc", "1")


def test_a_missing_session_is_foreseen_and_the_other_computed(trees: Any) -> None:
    for subject, session in (("01", "pre"), ("01", "post"), ("02", "pre")):
        trees.run(subject, session)
    made = plan(trees.study(sessions=["pre", "post"]))
    assert len(made.runs) == 3
    assert only(made).reason == "no scan of this task in this session"
    row = made.foreseen[0]
    assert (row.stage, row.subject, row.session) == ("effects", "02", "post")


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda t, s: image(t, s, build()[:-40]), "truncated"),
    (lambda t, s: image(t, s, b"not an image at all" * 99), "not NIfTI"),
    (lambda t, s: image(t, s, build((4, 4, 4))), "has one volume"),
    (lambda t, s: image(t, s, build(codes=0)), "states no orientation"),
    (lambda t, s: image(t, s, build((4, 4, 4), shift=9.0), "desc-brain_mask"), "mask is not on the grid"),
    (lambda t, s: t.derived(f"{s}_desc-confounds_timeseries.tsv", "trans_x\tframewise_displacement\n0\t0\n"),
     "has 1 rows, the run 20 volumes"),
    (lambda t, s: t.derived(f"{s}_desc-confounds_timeseries.tsv", "trans_x\n" + "0\n" * 20),
     "no column framewise_displacement"),
    (lambda t, s: t.derived(f"{s}_desc-confounds_timeseries.tsv", "X\tFramewiseDisplacement\n" + "0\t0\n" * 20),
     "names of fMRIPrep before 1.2"),
    (lambda t, s: t.derived(f"{s}_desc-confounds_timeseries.json", "{"), "the sidecar is not JSON"),
    (lambda t, s: (t.derivatives / f"{s}_desc-confounds_timeseries.tsv").unlink(), "no confounds table"),
    (lambda t, s: t.raw(f"{s}_events.tsv", "onset\tduration\ttrial_type\nx\t1\ta\n"), "row 2: onset 'x'"),
    (lambda t, s: t.raw(f"{s}_events.tsv", "onset\tduration\tchoice\n1\t1\t0\n"), "no column 'trial_type'"),
])
def test_a_failing_input_costs_one_run(trees: Any, spoil: Any, says: str) -> None:
    stems = [trees.run("01", None, f"run-{n}") for n in (1, 2)]
    spoil(trees, stems[1])
    made = plan(trees.study())
    assert [one.run.key.run for one in made.runs] == ["1"]
    row = only(made)
    assert says in row.reason
    assert (row.run, row.failure) == ("2", True)


def test_a_header_only_events_file_is_no_failure(trees: Any) -> None:
    trees.run("01", None, "run-1")
    trees.run("01", None, "run-2", events="onset\tduration\ttrial_type\r\n")
    row = only(plan(trees.study()))
    assert (row.run, row.reason, row.failure) == ("2", "the events file has a header and no events", False)


def test_header_tr_that_disagrees_is_noted(trees: Any) -> None:
    stem = trees.run("01")
    image(trees, stem, build(tr=1.0))
    made = plan(trees.study())
    assert any("TR is 1 s in the header and 2 s in the sidecar" in note for note in made.notes)


def test_runs_that_lack_a_condition(trees: Any) -> None:
    head = "onset\tduration\ttrial_type\n"
    trees.run("01", None, "run-1")
    trees.run("01", None, "run-2", events=head + "1\t1\ta\n90\t1\tb\n")
    trees.run("01", None, "run-3", events=head + "1\t1\tc\n")
    made = plan(trees.study("contrasts: {a_b: a - b, a: a}"))
    assert [(one.run.key.run, one.contrasts) for one in made.runs] == [("1", ("a_b", "a")), ("2", ("a",))]
    assert [row.reason for row in made.foreseen] == ["event after the end of the scan",
                                                     "a condition of the contrast has no events in this run"]
    reasons = [(row.run, row.region, row.reason) for row in made.exclusions]
    assert ("3", "n/a", "no contrast has all its conditions in this run") in reasons
    assert ("3", "a_b", "a condition of the contrast has no events in this run") in reasons


@pytest.mark.parametrize(("text", "says", "hint"), [
    ("contrasts: {x: a - bb}", "no events file has the trial_type 'bb'", "did you mean 'b'"),
    ("conditions: {q: {where: {trial_type: z}}}\ncontrasts: {x: q}", "condition 'q' chooses no event", "where"),
])
def test_a_condition_that_no_run_has(trees: Any, text: str, says: str, hint: str) -> None:
    trees.run("01")
    with pytest.raises(StudyError, match=says) as caught:
        plan(trees.study(text))
    assert hint in caught.value.hint


def test_runs_with_the_same_voxels_share_a_grid(trees: Any) -> None:
    stems = [trees.run("01", None, f"run-{n}") for n in (1, 2, 3)]
    image(trees, stems[1], build(shift=1e-5))
    image(trees, stems[0], build())
    image(trees, stems[2], build(shift=20.0))
    for stem in stems:
        (trees.derivatives / f"{stem}_space-MNI152NLin2009cAsym_desc-brain_mask.nii.gz").unlink()
    made = plan(trees.study())
    assert len(made.grids) == 2
    assert made.runs[0].grid is made.runs[1].grid
    assert any("on different grids: 01" in warning for warning in made.warnings)


def test_short_runs_and_mixed_trs_are_pointed_out(trees: Any) -> None:
    for number in range(1, 4):
        trees.run("01", None, f"run-{number}")
    stem = trees.run("01", None, "run-4", sidecar={"RepetitionTime": 2.5})
    image(trees, stem, build((4, 4, 4, 12)))
    image(trees, stem, build((4, 4, 4)), "desc-brain_mask")
    (trees.derivatives / f"{stem}_desc-confounds_timeseries.tsv").write_text("trans_x\tframewise_displacement\n" +
                                                                             "0\t0\n" * 12)
    warnings = plan(trees.study()).warnings
    assert any("1 run(s) are shorter than 90 % of the usual 20 volumes: sub-01_task-t_run-4 (12)" in w
               for w in warnings)
    assert any("runs differ in TR: 2 s (3 runs), 2.5 s (1 runs)" in w for w in warnings)


def test_inputs_name_their_makers_and_no_place(trees: Any) -> None:
    trees.run("01")
    trees.derived("dataset_description.json", {"Name": "d", "GeneratedBy": [
        {"Name": "fMRIPrep", "Version": "23.2.1", "CodeURL": "https://x"}]})
    made = plan(trees.study())
    assert made.inputs["derivatives"] == {"Name": "d", "GeneratedBy": [{"Name": "fMRIPrep", "Version": "23.2.1"}]}
    assert str(trees.root) not in str(made.inputs)
    assert made.simulated is False


def test_simulated_data_are_recognised(trees: Any) -> None:
    trees.run("01")
    trees.derived("dataset_description.json", {"GeneratedBy": [{"Name": "deltaroi simulator", "Version": "1"}]})
    assert plan(trees.study()).simulated is True


def test_derivatives_must_be_named(trees: Any) -> None:
    trees.run("01")
    path = trees.study()
    path.write_text(path.read_text().replace('"derivatives": "fmriprep", ', ""))
    with pytest.raises(StudyError, match="derivatives is not given"):
        plan(path)


@pytest.mark.parametrize(("text", "error", "says"), [
    ("group: {primary: paired}\n" + GROUPS, StudyError, "primary model 'paired' does not fit 2 group"),
    (GROUPS, DataError, "covariate 'age' holds 'young'"),
])
def test_what_the_group_stage_would_refuse_is_refused_at_once(trees: Any, text: str, error: type, says: str) -> None:
    for subject in ("01", "02", "03"):
        trees.run(subject)
    trees.participants("participant_id\tarm\tage\nsub-01\ttrain\t30\nsub-02\twait\tyoung\nsub-03\twait\t31\n")
    with pytest.raises(error, match=says):
        plan(trees.study(text))


def test_two_rows_that_differ_keep_a_person_out(trees: Any) -> None:
    for subject in ("01", "02"):
        trees.run(subject)
    trees.participants("participant_id\tage\nsub-01\t30\nsub-01\t31\nsub-02\t20\n")
    made = plan(trees.study())
    assert [one.run.key.subject for one in made.runs] == ["02"]
    assert (only(made).subject, only(made).value) == ("01", "2 rows")


def test_a_group_in_which_nobody_is_complete(trees: Any) -> None:
    for subject, session in (("01", "pre"), ("01", "post"), ("02", "pre")):
        trees.run(subject, session)
    trees.participants(PEOPLE)
    made = plan(trees.study(GROUPS, sessions=["pre", "post"]))
    assert "group 'wait': nobody has a usable run in every session" in made.warnings
    assert not any("group 'train'" in warning for warning in made.warnings)
