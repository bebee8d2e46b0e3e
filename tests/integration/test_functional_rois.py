"""Functional ROIs the whole way: tables, marks, exclusions, what a change runs again, bytes."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import deltaroi
from deltaroi.errors import StudyError
from deltaroi.firstlevel import load_fit
from deltaroi.io.tsv import read_table
from deltaroi.layout import Layout
from deltaroi.masks import load_regions
from deltaroi.tables import EFFECTS, EXCLUSIONS, RESPONSES, SELECTIONS
from deltaroi.types import RoiKey, RunKey

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


def simulate(root: Path, task: str, runs: int) -> None:
    root.mkdir()
    (root / "study.yaml").write_text(STUDY.replace("TASK", task).replace("RUNS", str(runs)))
    deltaroi.simulate(root / "study.yaml", root)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs per session, and a localiser in the first session that subject 2003 lacks."""
    base = tmp_path_factory.mktemp("functional")
    root, extra = base / "study", base / "localiser"
    simulate(root, "look", 2)
    simulate(extra, "loc", 1)
    for path in sorted(extra.rglob("*task-loc*")):
        name = path.relative_to(extra)
        if "ses-post" not in name.parts and "sub-2003" not in name.parts:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / name)
    return root


@pytest.fixture(scope="module")
def out(data: Path) -> Path:
    assert deltaroi.run(data / "study.yaml", data / "out", jobs=1).exit_code == 0
    return data / "out"


def hashes(out: Path) -> dict[str, str]:
    return {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.rglob("*"))
            if p.is_file() and p.relative_to(out).parts[0] != "logs"}


def variant(data: Path, *changes: tuple[str, str]) -> Path:
    """A study file beside the data with texts replaced."""
    text = (data / "study.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = data / f"study-{hashlib.sha256(text.encode()).hexdigest()[:8]}.yaml"
    path.write_text(text)
    return path


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
    methods = (out / "methods.md").read_text()
    assert "No other ROI was drawn from the tested data by this analysis." in methods
    assert "this is circular" in methods
    items = {roi["Region"]: roi["IndependentOfTheData"]
             for roi in json.loads((out / "cobidas.json").read_text())["RegionsOfInterest"]}
    assert items == {"AI": True, **dict.fromkeys(OWN, True), "same": False}


def test_jobs_do_not_change_a_byte(data: Path, out: Path, tmp_path: Path) -> None:
    deltaroi.run(data / "study.yaml", tmp_path / "out", jobs=2)
    assert hashes(tmp_path / "out") == hashes(out)


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
