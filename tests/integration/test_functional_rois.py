"""Functional ROIs the whole way: tables, marks, exclusions, what a change runs again, bytes."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

import deltaroi
from deltaroi.cli.show import run_lines
from deltaroi.errors import DataError, StudyError
from deltaroi.firstlevel import load_fit
from deltaroi.io.tsv import read_table
from deltaroi.layout import Layout
from deltaroi.masks import load_regions
from deltaroi.pipeline.run import preview
from deltaroi.tables import EFFECTS, EXCLUSIONS, RESPONSES, SELECTIONS
from deltaroi.types import RoiKey, RunKey
from helpers import file_hashes, simulate_with_localiser

STUDY = """\
schema_version: 1
name: chosen
dataset: {bids_dir: bids, derivatives: derivatives/fmriprep, task: TASK, sessions: [pre, post]}
groups: {column: group, levels: [training, control], assignment: randomised}
regions:
  include: [AI, by_runs, by_sessions, by_subjects, by_run_1, by_task, same]
  hemispheres: [L]
  custom:
    by_runs: {functional: {within: AI.hcpex, contrast: faces_vs_houses, strongest: 8, select_from: other_runs}}
    by_sessions: {functional: {within: AI.hcpex, contrast: faces_vs_houses, above_t: 1.0, select_from: other_sessions}}
    by_subjects: {functional: {within: AI.hcpex, contrast: faces_vs_houses, strongest: 8, select_from: other_subjects}}
    by_run_1: {functional: {within: AI.hcpex, contrast: faces_vs_houses, strongest: 8, select_from: runs, runs: ["1"]}}
    by_task: {functional: {within: AI.hcpex, contrast: "faces - houses", strongest: 8, select_from: task, task: loc}}
    same: {functional: {within: AI.hcpex, contrast: faces_vs_houses, strongest: 8, select_from: same_data,
                        allow_circular: true}}
first_level: {noise: ols, confounds: {motion: 6, scrub_fd_mm: null}}
contrasts: {faces_vs_houses: "faces - houses", faces: "faces"}
group: {permutations: 50}
simulation:
  seed: 5
  subjects: {training: 3, control: 3}
  resolution_mm: 6
  tr_s: 2
  volumes: 60
  runs: RUNS
  events: {conditions: [faces, houses], trials: 4, duration_s: 4, gap_s: [6, 8]}
  planted: [{region: AI, condition: faces, percent: 1.0}]
"""
OWN = ("by_runs", "by_sessions", "by_subjects", "by_run_1", "by_task")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs per session, and a localiser in the first session that subject 2003 lacks."""
    root = tmp_path_factory.mktemp("functional") / "study"
    simulate_with_localiser(root, STUDY, without="2003")
    return root


@pytest.fixture(scope="module")
def out(data: Path) -> Path:
    assert deltaroi.run(data / "study.yaml", data / "out", jobs=1).exit_code == 0
    return data / "out"


def variant(data: Path, *changes: tuple[str, str]) -> Path:
    """A study file beside the data with texts replaced."""
    text = (data / "study.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = data / f"study-{hashlib.sha256(text.encode()).hexdigest()[:8]}.yaml"
    path.write_text(text)
    return path


@pytest.fixture
def own(data: Path, tmp_path: Path) -> Path:
    """A copy of the dataset that a test may change."""
    return Path(shutil.copytree(data, tmp_path / "own", ignore=shutil.ignore_patterns("out", "study-*")))


def images(root: Path, name: str) -> list[Path]:
    return sorted((root / "derivatives" / "fmriprep").rglob(name))


def shake(path: Path) -> None:
    """Give a run other data: its volumes in another order, with much more noise."""
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
    data, rng = image.get_fdata(), np.random.default_rng(3)
    mean = data.mean(axis=-1, keepdims=True)
    data = np.clip(mean + 5 * (data[..., ::-1] - mean) * rng.normal(1, 1, data.shape), 1, None) * (mean > 0)
    path.write_bytes(gzip.compress(nibabel.Nifti1Image(data.astype(np.float32), None, image.header).to_bytes()))


def corrupt(path: Path) -> None:
    """Damage the content of an image, not its header and not its length."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2:len(content) // 2 + 100] = bytes(100)
    path.write_bytes(bytes(content))


def test_a_tested_run_never_chooses_its_own_voxels(own: Path) -> None:
    """From the images on: one run's data are replaced; where it is tested, the voxels stay; where it chooses, not."""
    deltaroi.run(own / "study.yaml", own / "out", until="responses")
    before = read_table(own / "out" / "group" / "selections.tsv", SELECTIONS)
    shake(images(own, "sub-1001_ses-pre*task-look_run-2*bold.nii.gz")[0])
    found = deltaroi.run(own / "study.yaml", own / "out", until="responses")
    assert found.reran["first-level"] == 1
    after = read_table(own / "out" / "group" / "selections.tsv", SELECTIONS)
    key = ["subject", "region", "session", "run"]
    both = before.merge(after, on=key, suffixes=("", "_then"))
    assert len(both) == len(before) == len(after)
    numbers = ["n_chosen", "threshold_t", "x_mm", "y_mm", "z_mm"]
    same = np.isclose(both[numbers], both[[f"{name}_then" for name in numbers]], rtol=1e-12).all(axis=1)
    changed = both.loc[~same, key]
    mine = changed[changed["subject"] == "1001"].drop(columns="subject").to_numpy().tolist()
    assert sorted(mine) == [["by_runs", "post", "1"], ["by_runs", "post", "2"], ["by_runs", "pre", "1"],
                            ["by_sessions", "post", "n/a"], ["same", "n/a", "n/a"]]
    assert set(changed.loc[changed["subject"] != "1001", "region"]) == {"by_subjects"}


def test_a_lost_session_on_another_grid_costs_nothing_else(own: Path) -> None:
    """The localiser lies on the grid of runs that fail: the other session's anatomical ROIs stay."""
    for path in images(own, "sub-1001_ses-post*.nii.gz"):
        image = nibabel.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
        moved = image.affine + 3 * np.eye(4, k=3)
        path.write_bytes(gzip.compress(nibabel.Nifti1Image(np.asanyarray(image.dataobj), moved,
                                                           image.header).to_bytes()))
    for path in images(own, "sub-1001_ses-pre*task-look*bold.nii.gz"):
        corrupt(path)
    found = deltaroi.run(own / "study.yaml", own / "out", until="responses")
    assert found.exit_code == 5
    mine = found.responses[found.responses["subject"] == "1001"].set_index(["session", "region"])["value"]
    assert mine["post"]["AI"].notna().all()
    assert mine["post"]["by_task"].isna().all()
    lost = found.exclusions[(found.exclusions["subject"] == "1001") & (found.exclusions["stage"] == "responses")]
    assert not lost["reason"].str.startswith("failed").any()
    assert "the runs that could choose the voxels lie on another grid" in set(
        lost.loc[lost["region"] == "by_task-L_functional", "reason"])


def test_a_localiser_that_fails_is_a_failing_input(own: Path) -> None:
    corrupt(images(own, "sub-1001_ses-pre*task-loc*bold.nii.gz")[0])
    cut = images(own, "sub-1002_ses-pre*task-loc*bold.nii.gz")[0]
    cut.write_bytes(cut.read_bytes()[:-3000])
    images(own, "sub-1003_ses-pre*task-loc*confounds*.tsv")[0].unlink()
    assert deltaroi.check(own / "study.yaml").exit_code == 5
    found = deltaroi.run(own / "study.yaml", own / "out", until="responses")
    assert found.exit_code == 5
    rows = found.exclusions[found.exclusions["reason"].str.startswith("localiser task loc: ")].set_index("subject")
    for subject, stage, why in (("1001", "first-level", "failed: the gzip file is corrupt"),
                                ("1002", "inputs", "the image is truncated"), ("1003", "inputs", "no confounds table")):
        assert rows.loc[subject, "stage"] == stage
        assert why in rows.loc[subject, "reason"]
    lost = found.responses[found.responses["region"] == "by_task"].groupby("subject")["value"].count()
    assert lost.to_dict() == {"1001": 0, "1002": 0, "1003": 0, "2001": 4, "2002": 4, "2003": 0}


def test_every_roi_has_its_rows_and_its_definition(out: Path) -> None:
    table = read_table(out / "group" / "responses.tsv", RESPONSES)
    assert set(table["task"]) == {"look"}
    assert set(table["contrast"]) == {"faces_vs_houses", "faces"}
    kinds = table.groupby("region")["definition"].unique().map(list).to_dict()
    assert kinds == {"AI": ["hcpex"], **{name: ["functional"] for name in OWN}, "same": ["circular"]}
    assert table["region"].value_counts().nunique() == 1
    assert (table.groupby("subject")["n_voxels"].nunique() == 1).all()
    table = table[table["value"].notna()]
    fixed = table[table["region"].isin(["by_runs", "by_subjects", "by_run_1", "same"])]
    assert set(fixed["n_voxels_used"]) == {8}
    assert set(table.loc[table["region"] == "by_run_1", "n_runs"]) == {1}


def test_the_planted_response_is_found_in_chosen_voxels(out: Path) -> None:
    table = read_table(out / "group" / "responses.tsv", RESPONSES)
    means = table[table["contrast"] == "faces_vs_houses"].groupby("region")["value"].mean()
    assert (means[list(OWN)] > 0.6).all()
    assert means["same"] > means["by_sessions"]


def test_the_selections_table(out: Path) -> None:
    table = read_table(out / "group" / "selections.tsv", SELECTIONS)
    assert table["region"].value_counts().to_dict() == {
        "by_runs": 6 * 4, "by_sessions": 6 * 2, "by_subjects": 4, "by_run_1": 6, "by_task": 5, "same": 6}
    numbers = table.groupby("region")["n_choosing"].unique().map(list).to_dict()
    assert numbers == {"by_runs": [3], "by_sessions": [2], "by_subjects": [3], "by_run_1": [2], "by_task": [1],
                       "same": [4]}
    assert set(table.loc[table["region"] == "by_task", "contrast"]) == {"faces - houses"}
    assert (table["x_mm"] < 0).all()
    assert json.loads((out / "group" / "selections.json").read_text())["overlap"]["Description"]


def test_one_subject_again_with_numpy(out: Path) -> None:
    """The localiser of another task, and the leave-one-run-out choice, from the artefacts of the first level."""
    layout = Layout(out)
    fits = {(s, r): load_fit(layout.run_fit(RunKey("1001", s, "look", r))) for s in ("pre", "post") for r in "12"}
    (path,) = out.rglob("sub-1001_ses-pre_task-loc*_desc-firstlevel_stat.npz")
    local = load_fit(path)
    regions = load_regions(layout.regions(local.grid_digest))
    table = read_table(out / "group" / "responses.tsv", RESPONSES).set_index(
        ["subject", "session", "region", "contrast"])["value"]
    for name in ("by_task", "by_runs"):
        (roi,) = (roi for roi in regions.rois if roi.key == RoiKey(name, "L", "functional"))
        used = np.logical_and.reduce([f.used for f in (*fits.values(), *([local] if name == "by_task" else []))])
        places = np.searchsorted(local.flat, roi.flat)
        weights = roi.weights[used[places]]
        places = places[used[places]]
        found = []
        for run in "12":
            choosing = [local] if name == "by_task" else [f for key, f in fits.items() if key != ("post", run)]
            effect, variance = sum(f.effect[0, places] for f in choosing), sum(f.variance[0, places] for f in choosing)
            best = np.argsort(-effect / np.sqrt(variance), kind="stable")[:8]
            found.append(fits["post", run].effect[1, places[best]] @ weights[best] / weights[best].sum())
        assert table["1001", "post", name, "faces"] == pytest.approx(np.mean(found), rel=1e-8)


def test_what_is_left_out_is_listed(out: Path) -> None:
    table = read_table(out / "group" / "exclusions.tsv", EXCLUSIONS)
    lost = table[table["subject"] == "2003"]
    assert "localiser task loc: no scan of this task in this session" in set(lost["reason"])
    why = lost[lost["reason"] == "there is no usable run of the localiser task 'loc'"]
    assert why["region"].tolist() == ["by_task-L_functional"]
    named = table[table["reason"] == "this run chooses the voxels, and is not tested in them"]
    assert len(named) == 6 * 2
    assert set(named["run"]) == {"1"}
    responses = read_table(out / "group" / "responses.tsv", RESPONSES)
    empty = responses.loc[responses["value"].isna(), ["subject", "region"]].drop_duplicates()
    assert empty.to_numpy().tolist() == [["1002", "by_subjects"], ["2002", "by_subjects"], ["2003", "by_task"]]
    few = table[table["reason"] == "too few other subjects can choose the voxels"]  # the simulator's two grids
    assert few[["subject", "value", "threshold"]].to_numpy().tolist() == [["1002", "1", "3"], ["2002", "1", "3"]]


def test_circular_rois_are_marked_everywhere(out: Path) -> None:
    effects = read_table(out / "group" / "effects.tsv", EFFECTS)
    marked = effects["region"] == "same"
    assert (effects["definition"] == "circular").equals(marked)
    assert effects["reading"].str.endswith("the estimate is inflated and p means nothing.").equals(marked)
    assert not set(effects.loc[marked, "family"]) & set(effects.loc[~marked, "family"])
    assert set(effects.loc[marked & effects["primary"], "family_size"]) == {1}
    record = json.loads((out / "group" / "run.json").read_text())
    assert any(text.startswith("circular: the voxels of same are chosen with the data that are tested") for text in
               record["warnings"])
    page = (out / "report.html").read_text()
    assert "CIRCULAR ROIs: same." in page
    assert "same L (circular)" in page
    assert "</span>same (circular)</li>" in page
    assert "is the ROI in which the voxels are chosen" in page
    methods = (out / "methods.md").read_text()
    assert "No other ROI was drawn from the tested data by this analysis." in methods
    assert "this is circular" in methods
    items = {roi["Region"]: roi["IndependentOfTheData"]
             for roi in json.loads((out / "cobidas.json").read_text())["RegionsOfInterest"]}
    assert items == {"AI": True, **dict.fromkeys(OWN, True), "same": False}
    assert "A family holds the ROIs of one contrast of one model and comparison" in methods
    assert "Circular ROIs are families of their own." in methods


def test_what_is_printed_marks_circular_rois(data: Path, out: Path) -> None:
    lines = list(run_lines(deltaroi.run(data / "study.yaml", out)))
    assert sum(line.startswith("same-L (circular) ") for line in lines) == 2
    assert any(line.startswith("AI-L ") for line in lines)


def test_what_is_foreseen_is_what_is_run(data: Path, out: Path, tmp_path: Path) -> None:
    foreseen = preview(data / "study.yaml", tmp_path / "none").stages
    marks = {folder.name: len(list(folder.glob("*.json"))) for folder in (out / "logs/steps").iterdir()}
    assert {stage: total for stage, (total, _) in foreseen.items()} == marks
    assert preview(data / "study.yaml", out).stages["localisers"] == (7, 7)


@pytest.mark.long
def test_jobs_do_not_change_a_byte(data: Path, out: Path, tmp_path: Path) -> None:
    deltaroi.run(data / "study.yaml", tmp_path / "out", jobs=2)
    assert file_hashes(tmp_path / "out") == file_hashes(out)


@pytest.mark.long
@pytest.mark.parametrize(("changes", "again"), [
    ([], {}),
    ([("strongest: 8, select_from: other_runs", "strongest: 9, select_from: other_runs")], {"responses": 6}),
    ([("select_from: other_runs", "select_from: other_sessions")], {"responses": 6}),
    ([('contrast: "faces - houses"', 'contrast: "faces - 0.5 * houses"')], {"first-level": 5, "responses": 6}),
    ([('contrast: faces_vs_houses, strongest: 8, select_from: other_subj', 'contrast: faces, strongest: 8, '
       'select_from: other_subj')], {"localisers": 7, "responses": 6}),
])
def test_what_a_change_runs_again(data: Path, out: Path, tmp_path: Path, changes: list[tuple[str, str]],
                                  again: dict[str, int]) -> None:
    copy = Path(shutil.copytree(out, tmp_path / "out"))
    found = deltaroi.run(variant(data, *changes), copy)
    downstream = {"effects": 1, "report": 1} if again else {}
    assert {stage: number for stage, number in found.reran.items() if number} == {**again, **downstream}


@pytest.mark.long
def test_an_added_subject_runs_again_what_depends_on_it(data: Path, tmp_path: Path) -> None:
    fewer = ("sessions: [pre, post]}", 'sessions: [pre, post], subjects: ["1001", "1002", "1003", "2001", "2002"]}')
    alone = ("by_sessions, by_subjects, by_run_1, by_task, same]", "by_sessions]")
    deltaroi.run(variant(data, fewer, alone), tmp_path / "a", until="responses")
    found = deltaroi.run(variant(data, alone), tmp_path / "a", until="responses")
    assert found.reran == {"masks": 0, "first-level": 4, "responses": 1}
    assert (tmp_path / "a" / "group" / "selections.tsv").is_file()
    both = ("by_sessions, by_subjects, by_run_1, by_task, same]", "by_subjects]")
    deltaroi.run(variant(data, fewer, both), tmp_path / "b", until="responses")
    found = deltaroi.run(variant(data, both), tmp_path / "b", until="responses")
    assert found.reran == {"masks": 0, "first-level": 4, "localisers": 2, "responses": 6}
    plain = ("AI, by_runs, by_sessions, by_subjects, by_run_1, by_task, same]", "AI]")
    deltaroi.run(variant(data, plain), tmp_path / "b", until="responses")
    assert not list((tmp_path / "b" / "group").glob("selections.*"))
    assert not list((tmp_path / "b" / "group").glob("localiser_effects.*"))
    assert not list((tmp_path / "b").glob("sub-*/*selections*"))


def test_responses_follow_the_rule_of_an_roi_also_where_no_weight_changes(own: Path) -> None:
    """On its own grid a mask has the same voxels and weights under both rules: the first level has the same bytes."""
    mask = nibabel.Nifti1Image.from_bytes(gzip.decompress(images(own, "sub-1001*brain_mask.nii.gz")[0].read_bytes()))
    box = np.zeros(mask.shape, dtype=np.uint8)
    box[5:9, 16:19, 12:15] = mask.get_fdata()[5:9, 16:19, 12:15] > 0
    nibabel.Nifti1Image(box, mask.affine).to_filename(own / "box.nii.gz")
    text = (own / "study.yaml").read_text()
    start, end = text.index("  include:"), text.index("first_level:")
    for rule, summary in (("majority", "mean"), ("fill_weight", "weighted_mean")):
        regions = (f"  include: [box, in_box]\n  custom:\n    box: {{mask: box.nii.gz, space: MNI152NLin2009cAsym, "
                   f"rule: {rule}}}\n    in_box: {{functional: {{within: box, contrast: faces, above_t: -99.0, "
                   "select_from: other_runs}}\n")
        (own / "study.yaml").write_text(text[:start] + regions + text[end:])
        found = deltaroi.run(own / "study.yaml", own / "out", until="responses")
        assert set(found.responses["summary"]) == {summary}


def test_check_foresees_that_no_voxel_can_be_chosen(data: Path, tmp_path: Path) -> None:
    """Where all ROIs are functional and nobody can choose, the run ends with 4; and check says so."""
    alone = ", ".join(OWN) + ", same]"
    three = ("sessions: [pre, post]}", 'sessions: [pre, post], subjects: ["1001", "1003", "2001"]}')
    cases = [(variant(data, three, (f"AI, {alone}", "by_subjects]")), 4, "too few other subjects can choose"),
             (variant(data, (f"AI, {alone}", "by_run_1]"), ("strongest: 8, select_from: runs",
                                                            "strongest: 80, select_from: runs")),
              4, "fewer candidate voxels than are to be chosen"),
             (variant(data, three, (f"AI, {alone}", "AI, by_subjects]")), 0, "too few other subjects can choose")]
    for i, (study, code, why) in enumerate(cases):
        found = deltaroi.check(study)
        assert found.exit_code == code
        rows = found.foreseen[found.foreseen["stage"] == "responses"]
        try:
            deltaroi.run(study, tmp_path / str(i), until="responses")
            ended = 0
        except DataError as error:
            ended = error.exit_code
        assert ended == code
        made = read_table(tmp_path / str(i) / "group" / "exclusions.tsv", EXCLUSIONS)
        assert any(why in reason for reason in rows["reason"])
        assert ("this run chooses the voxels, and is not tested in them" in set(rows["reason"])) == (i == 1)
        assert len(rows.merge(made[rows.columns])) == len(rows)


def test_check_shows_what_chooses_and_what_cannot(data: Path) -> None:
    found = deltaroi.check(data / "study.yaml")
    text = "\n".join(found.lines())
    assert "localiser task loc: 5 runs of 5 subjects choose voxels" in text
    assert ("by_runs: the 8 voxels with the largest t of the contrast faces_vs_houses within AI.hcpex, chosen for each "
            "run from the same subject's other runs, in any session") in text
    assert "(CIRCULAR)" in text
    assert any(warning.startswith("circular: ") for warning in found.warnings)
    rows = found.foreseen[found.foreseen["region"] == "by_task-L_functional"]
    assert rows[["subject", "reason"]].to_numpy().tolist() == [
        ["2003", "there is no usable run of the localiser task 'loc'"]]
    assert found.exit_code == 0


def test_one_run_per_session_and_few_subjects_are_foreseen_as_they_come(data: Path, tmp_path: Path) -> None:
    few = ("sessions: [pre, post]}", 'sessions: [pre], subjects: ["1001", "1003", "2001"]}')
    study = variant(data, few, ("by_sessions, by_subjects, by_run_1, by_task, same]", "by_subjects]"),
                    ("above_t: 1.0, select_from: other_sessions", "above_t: 1.0, select_from: other_runs"))
    run_2 = sorted(data.rglob("sub-1001_ses-pre_task-look_run-2*"))
    hidden = [path.rename(tmp_path / f"{i}-{path.name}") for i, path in enumerate(run_2)]
    try:
        foreseen = deltaroi.check(study).foreseen
        made = deltaroi.run(study, tmp_path / "out").exclusions
    finally:
        for path, original in zip(hidden, run_2, strict=True):
            path.rename(original)
    names = ["subject", "session", "run", "region", "reason", "value", "threshold"]
    rows = foreseen.loc[foreseen["stage"] == "responses", names]
    assert len(rows) == 3 + 1
    assert len(rows.merge(made[names])) == len(rows)
    assert rows["reason"].value_counts().to_dict() == {
        "too few other subjects can choose the voxels": 3, "there is no other run that could choose the voxels": 1}


@pytest.mark.parametrize(("change", "where", "says"), [
    (("contrast: faces_vs_houses, strongest: 8, select_from: other_runs",
      "contrast: faces_vs_house, strongest: 8, select_from: other_runs"), "by_runs.functional.contrast",
     "did you mean 'faces_vs_houses'?"),
    (('"faces - houses", strongest', '"faces - hauses", strongest'), "by_task.functional.contrast",
     "did you mean 'houses'?"),
    (('"faces - houses", strongest', '"faces -", strongest'), "by_task.functional.contrast",
     "cannot read the contrast"),
    (("task: loc}", "task: lok}"), "by_task.functional.task", "the tasks are loc, look"),
    (("task: loc}", "task: look}"), "by_task.functional.task", "is the tested task itself"),
    (('runs: ["1"]', 'runs: ["3"]'), "by_run_1.functional.runs", "the labels are 1, 2"),
    (('runs: ["1"]', 'runs: ["1", "2"]'), "by_run_1.functional.runs", "none is left to be tested"),
    (("sessions: [pre, post]", "sessions: [pre]"), "by_sessions.functional.select_from", "no other session"),
])
def test_what_cannot_be_is_refused_before_anything_is_computed(data: Path, change: tuple[str, str], where: str,
                                                               says: str) -> None:
    with pytest.raises(StudyError) as caught:
        deltaroi.check(variant(data, change))
    assert caught.value.where.endswith(f"regions.custom.{where}")
    assert says in f"{caught.value.message} {caught.value.hint}"


def test_a_functional_roi_changes_no_other(data: Path, out: Path, tmp_path: Path) -> None:
    plain = ("AI, by_runs, by_sessions, by_subjects, by_run_1, by_task, same]", "AI]")
    deltaroi.run(variant(data, plain), tmp_path / "out", until="responses")
    alone, all_ = (read_table(o / "group" / "responses.tsv", RESPONSES) for o in (tmp_path / "out", out))
    pd.testing.assert_frame_equal(all_[all_["region"] == "AI"].reset_index(drop=True), alone, check_exact=True)
