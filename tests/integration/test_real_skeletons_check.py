"""`check` on two real OpenNeuro skeletons and on real fMRIPrep layouts names every quirk that touches the task.

The texts (participants, events, sidecars) are real. The derivatives are tiny images under real names, one per BOLD file
that the dataset's own list of annexed files has; their lengths follow MRIQC's table (ds003823) or the sizes of the
annexed files (ds002843).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from deltaroi.config.read import parse_study
from deltaroi.io.inventory import DatasetQuery, find_runs
from deltaroi.io.tsv import read_tsv
from deltaroi.pipeline.check import CheckResult, check
from deltaroi.pipeline.init_study import init_study

SPACE = "MNI152NLin2009cAsym"
Name = tuple[str, str, str]  # subject, session, what stands behind the task


def image(n_volumes: int) -> bytes:
    import nibabel

    made = nibabel.Nifti1Image(np.zeros((2, 2, 2, n_volumes), np.uint8), np.diag([80.0, 80, 80, 1]))
    made.header.set_xyzt_units("mm", "sec")
    made.header.set_zooms((80.0, 80.0, 80.0, 1.0))
    return bytes(made.to_bytes())


def write_derivatives(root: Path, task: str, lengths: dict[Name, int], sidecar: dict[str, object]) -> None:
    """Preprocessed images and sidecars under fMRIPrep's names."""
    (root / "dataset_description.json").parent.mkdir(parents=True, exist_ok=True)
    (root / "dataset_description.json").write_text(json.dumps({"GeneratedBy": [{"Name": "fMRIPrep", "Version": "x"}]}))
    images = {n: image(n) for n in set(lengths.values())}
    for (subject, session, rest), n_volumes in lengths.items():
        stem = root / f"sub-{subject}" / f"ses-{session}" / "func" / f"sub-{subject}_ses-{session}_task-{task}{rest}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        path = stem.with_name(f"{stem.name}_space-{SPACE}_desc-preproc_bold.nii")
        path.write_bytes(images[n_volumes])
        path.with_suffix(".json").write_text(json.dumps(sidecar))


def bold_files(annexed: Path, task: str) -> dict[tuple[str, str, str], int]:
    """(Subject, session, entities behind the task) -> bytes of the real BOLD files."""
    table = read_tsv(annexed)
    pattern = re.compile(rf"sub-(\w+?)/ses-(\w+?)/func/.*_task-{task}(.*)_bold\.nii")
    found = [(pattern.match(path), size) for path, size in zip(table["path"], table["size_bytes"], strict=True)]
    return {(m[1], m[2], m[3]): int(size) for m, size in found if m}


def reasons(result: CheckResult) -> Counter[str]:
    return Counter(row.reason for row in result.plan.exclusions)


def foreseen(result: CheckResult) -> Counter[str]:
    return Counter(row.reason for row in result.plan.foreseen)


def study(root: Path, bids: Path, text: str, more: str = "") -> Path:
    path = root / "study.yaml"
    path.write_text(f"schema_version: 1\nname: real\ndataset: {{bids_dir: {bids}, derivatives: fmriprep, {more}}}\n"
                    f"first_level: {{confounds: {{motion: 0, scrub_fd_mm: null, non_steady_state: false}}}}\n{text}\n")
    return path


@pytest.fixture(scope="module")
def ds003823(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    source = shared / "data" / "openneuro_ds003823"
    root = tmp_path_factory.mktemp("ds003823")
    quality = read_tsv(source / "bids/derivatives/mriqc/group_BOLD_mriqc_task-emotionRegulation.tsv")
    second = quality[quality["echo"] == "e2"]
    seen = {(row.participant_id.removeprefix("sub-"), row.session): int(row.size_t) + int(row.dummy_trs)
            for row in second.itertuples()}
    scans = {(subject, session) for subject, session, _ in bold_files(source / "annexed_files.tsv",
                                                                      "emotionRegulation")}
    lengths = {(subject, session, ""): seen[subject, session] for subject, session in scans}
    write_derivatives(root / "fmriprep", "emotionRegulation", lengths, {"SkullStripped": False})
    return root, source / "bids"


HRV = "task: emotionRegulation, sessions: [pre, post]"
HRV_GROUPS = "groups: {column: condition, levels: [increase_HRV, decrease_HRV], assignment: randomised}\n"


@pytest.fixture(scope="module")
def hrv(ds003823: tuple[Path, Path]) -> CheckResult:
    root, bids = ds003823
    return check(study(root, bids, HRV_GROUPS + 'contrasts: {diminish: "dn - vn"}', HRV))


def test_ds003823_people_and_sessions(hrv: CheckResult) -> None:
    """193 people, 182 folders, 319 scans, 341 events files, 29 with pre only (two of these lost to a cut scan)."""
    assert hrv.exit_code == 0
    assert hrv.subjects.to_dict("records") == [
        {"group": "increase_HRV", "subjects": 90, "pre": 90, "post": 75, "complete": 75},
        {"group": "decrease_HRV", "subjects": 82, "pre": 82, "post": 70, "complete": 70}]
    assert reasons(hrv)["is in participants.tsv but has no folder"] == 11
    assert reasons(hrv)["an events file without a BOLD image"] == 22
    assert reasons(hrv)["no scan of this task in this session"] == 2 * 182 - 319 - 22
    assert foreseen(hrv)["no response in this session: left out of every comparison that needs it"] == 172 - 145


def test_ds003823_truncated_scans(hrv: CheckResult) -> None:
    """Three scans end long before their events do; two of them before every condition was shown."""
    assert "1 run(s) are shorter than 90 % of the usual 250 volumes: sub-7007_ses-pre_task-emotionRegulation (156)" in \
        hrv.warnings
    late = Counter(row.subject for row in (*hrv.plan.foreseen, *hrv.plan.exclusions)
                   if row.reason == "event after the end of the scan")
    assert set(late) == {"7007", "7032", "7033"}
    lost = [row for row in hrv.plan.exclusions if row.reason == "no contrast has all its conditions in this run"]
    assert {row.subject for row in lost} == {"7032", "7033"}


def test_ds003823_three_echoes_share_one_events_file_and_the_tr(hrv: CheckResult) -> None:
    assert set(hrv.runs["tr_s"]) == {2.4}
    assert all("echo" not in name for name in hrv.runs["events"])
    assert any(w.startswith("RepetitionTime from the raw sidecar") for w in hrv.notes)
    assert any(w.startswith("TR is 1 s in the header and 2.4 s in the sidecar") for w in hrv.warnings)


def test_ds003823_missing_ratings(ds003823: tuple[Path, Path]) -> None:
    """A rating that is n/a leaves its event out of the modulated regressor, by name."""
    root, bids = ds003823
    text = HRV_GROUPS + 'conditions: {viewed: {where: {trial_type: vn}, modulator: rating}}\ncontrasts: {v: viewed}'
    result = check(study(root, bids, text, HRV + ", subjects: ['5001', '5002', '5003', '5004', '5005', '5006']"))
    paths = [path for subject in range(5001, 5007) for path in bids.glob(f"sub-{subject}/*/func/*events.tsv")]
    tables = [read_tsv(path) for path in paths]
    missing = sum(int(((t["trial_type"] == "vn") & (t["rating"] == "n/a")).sum()) for t in tables)
    listed = [row for row in result.plan.foreseen if row.reason.startswith("event without a number in 'rating'")]
    assert missing > 0
    assert len(listed) == missing
    assert len(set(result.runs["events"])) == len(tables)


def test_ds003823_quality_columns_with_missing_values(ds003823: tuple[Path, Path]) -> None:
    """`n/a` and `N/A` in a quality column exclude nobody."""
    root, bids = ds003823
    column = "QC_ses-pre_task-rest_ASL_1excludeRecommend_0goodTouse"
    text = HRV_GROUPS + 'contrasts: {diminish: "dn - vn"}'
    result = check(study(root, bids, text, f"{HRV}, exclude_where: {{{column}: [1]}}"))
    table = read_tsv(bids / "participants.tsv")
    assert set(table[column]) == {"0", "1", "n/a"}
    assert reasons(result)[f"left out by dataset.exclude_where: {column}"] == int((table[column] == "1").sum())


CHOICE = "conditions: {risky: {where: {choseAccept: 1}}, safe: {where: {choseAccept: 0}}}\n"
TRIAL_GROUPS = "groups: {column: condition, levels: [Intervention, Control], assignment: randomised}\n"
SUBJECTS = 60


@pytest.fixture(scope="module", params=["itc", "risk"])
def trial(request: pytest.FixtureRequest, shared: Path,
          tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path, dict[Name, int]]:
    task, source = request.param, shared / "data" / "openneuro_ds002843"
    root = tmp_path_factory.mktemp("ds002843")
    sizes = bold_files(source / "annexed_files.tsv", task)
    usual = float(np.median(list(sizes.values())))
    lengths = {name: min(135, round(135 * size / usual)) if size < 0.6 * usual else 135 for name, size in sizes.items()}
    write_derivatives(root / "fmriprep", task, lengths, {"SliceTimingCorrected": False})
    return task, root, source / "bids", lengths


def test_ds002843_without_trial_type(trial: tuple[str, Path, Path, dict[Name, int]]) -> None:
    """Without `conditions` nothing is usable, and the message says how to write them."""
    task, root, bids, lengths = trial
    text = 'contrasts: {x: "a - b"}'
    few = ", ".join(f'"{subject}"' for subject in sorted({name[0] for name in lengths})[:4])
    result = check(study(root, bids, text, f"task: {task}, sessions: [scan1, scan2], subjects: [{few}]"))
    assert result.exit_code == 4
    text = "\n".join(result.lines())
    assert "the events have no column 'trial_type'" in text
    assert "conditions: {risky: {where: {amount: value}}}" in text
    assert "choseAccept" in text


def test_ds002843_quirks(trial: tuple[str, Path, Path, dict[Name, int]]) -> None:
    """CRLF everywhere, one header-only file, TR overridden for three runs per task, 38 people of unknown group."""
    task, root, bids, lengths = trial
    text = TRIAL_GROUPS + CHOICE + 'contrasts: {risky_vs_safe: "risky - safe"}'
    result = check(study(root, bids, text, f"task: {task}, sessions: [scan1, scan2]"))
    unknown = [row for row in result.plan.exclusions if row.reason == "the group label is not among groups.levels"]
    assert Counter(row.value for row in unknown) == {"Unknown": 38}
    headers = [(row.subject, row.session, row.run) for row in result.plan.exclusions
               if row.reason == "the events file has a header and no events"]
    out = {row.subject for row in unknown}
    expected = [("dmp0330", "scan1", "4")] if task == "itc" else []
    assert headers == [row for row in expected if row[0] not in out]
    slow = {(row.subject, row.session, row.run) for row in result.runs.itertuples() if row.tr_s == 3.44}
    overridden = {"itc": {("dmp0502", "scan2", "3"), ("dmp1248", "scan2", "3"), ("dmp0913", "scan1", "4")},
                  "risk": {("dmp0502", "scan2", "1"), ("dmp0678", "scan1", "4"), ("dmp1271", "scan2", "1")}}[task]
    assert slow == {run for run in overridden if run[0] not in out}
    short = {(s, t, r.removeprefix("_run-")) for (s, t, r), n in lengths.items() if n < 135 and s not in out}
    late = {(row.subject, row.session, row.run) for row in (*result.plan.foreseen, *result.plan.exclusions)
            if row.reason == "event after the end of the scan"}
    assert short <= late
    assert result.exit_code == 0


@pytest.mark.parametrize(("name", "task"), [("openneuro_ds003823", "emotionRegulation"), ("openneuro_ds002843", "itc")])
def test_init_on_the_real_datasets(shared: Path, tmp_path: Path, name: str, task: str) -> None:
    made = parse_study(init_study(shared / "data" / name / "bids", base=tmp_path))
    assert made.dataset.task == task
    assert made.groups is not None
    assert made.groups.column == "condition"
    assert made.groups.levels[0].lower().startswith("in")
    assert len(made.dataset.sessions) == 2
    assert made.dataset.sessions == sorted(made.dataset.sessions, reverse=name.endswith("823"))


def recreate(root: Path, listing: Path) -> None:
    """A tree of the listed names: annexed files as dangling links into the annex, the others as small texts."""
    for line in listing.read_text().splitlines():
        kind, _, name = line.partition("\t")
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "annexed":
            path.symlink_to("../../.git/annex/objects/Xx/Yy/MD5E-s1--0/MD5E-s1--0")
        else:
            path.write_text('{"RepetitionTime": 3.0, "SliceTimingCorrected": false}' if name.endswith("json") else "x")


def raw_runs(bids: Path, names: Iterable[str]) -> None:
    for stem in names:
        subject, *rest = stem.split("_")
        session = [part for part in rest if part.startswith("ses-")]
        folder = bids.joinpath(subject, *session, "func")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stem}_events.tsv").write_text("onset\tduration\ttrial_type\n1\t1\ta\n")


def stems(listing: Path, task: str) -> set[str]:
    found = re.findall(rf"(sub-[A-Za-z0-9]+(?:_ses-[A-Za-z0-9]+)?_task-{task}(?:_run-\d+)?)_", listing.read_text())
    return set(found)


def test_annexed_derivatives_say_what_to_fetch(shared: Path, tmp_path: Path) -> None:
    listing = shared / "data/openneuro_fmriprep_layouts/ds000171-fmriprep_paths_sample.txt"
    recreate(tmp_path / "fmriprep", listing)
    raw_runs(tmp_path / "bids", stems(listing, "music"))
    found = find_runs(DatasetQuery(tmp_path / "bids", tmp_path / "fmriprep", "music"))
    assert not found.runs
    assert len(found.exclusions) == len(stems(listing, "music"))
    assert all(row.failure for row in found.exclusions)
    assert {row.reason for row in found.exclusions} == {
        "the content of the BOLD image is not fetched: `datalad get` the file"}
    assert any("`datalad get sub-control01/func/sub-control01_task-music_run-1_space" in w for w in found.warnings)
    assert all("_res-2_desc-preproc_bold.nii.gz" in row.value for row in found.exclusions)


@pytest.mark.parametrize(("name", "task", "sessions"), [("ds001597", "cuedMFM", ("pre", "post")),
                                                        ("ds003425", "regulate", ("02",))])
def test_minimal_derivatives_say_so(shared: Path, tmp_path: Path, name: str, task: str,
                                    sessions: tuple[str, ...]) -> None:
    listing = shared / f"data/openneuro_fmriprep_layouts/{name}-fmriprep_paths_sample.txt"
    recreate(tmp_path / "fmriprep", listing)
    raw_runs(tmp_path / "bids", stems(listing, task))
    found = find_runs(DatasetQuery(tmp_path / "bids", tmp_path / "fmriprep", task, sessions=sessions))
    assert not found.runs
    assert found.exclusions
    assert any("fMRIPrep ran at its level minimal; run it again with --level full" in w for w in found.warnings)
    used = [row for row in found.exclusions if row.session in sessions]
    assert all("--level full" in row.reason for row in used), {row.reason for row in used}
