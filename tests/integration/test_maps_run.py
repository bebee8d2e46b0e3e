"""A study on ready-made contrast maps, from the study file to the report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

import deltaroi
from deltaroi.errors import StudyError
from remote_servers import Page, Trouble, WebServer, own_settings, serving

STUDY = """\
schema_version: 1
name: on_maps
dataset: {bids_dir: bids, maps: tables/maps.tsv, task: faces, sessions: [pre, post]}
groups: {column: group, levels: [training, control], assignment: randomised}
regions: {include: [amygdala, AI], hemispheres: [L, R]}
contrasts: {difference: "(neg_map - neu_map) / 2", negative: neg_map}
group: {permutations: 100}
"""
AFFINE = np.array([[4.0, 0, 0, -96], [0, 4, 0, -132], [0, 0, 4, -78], [0, 0, 0, 1]])
SUBJECTS = {f"{n:02d}": "training" if n < 5 else "control" for n in range(1, 9)}


def value(subject: str, session: str, name: str) -> float:
    """What every voxel of a map holds; the training group's rises by about 2 in the maps of neg_map."""
    noise = np.sin(7.0 * int(subject) + 3.0 * len(session) + 11.0 * len(name) * (name == "neg_map"))
    gain = 2.0 if (session, name) == ("post", "neg_map") and SUBJECTS[subject] == "training" else 0.0
    return 5.0 + (3.0 if name == "neg_map" else 1.0) + gain + 0.5 * float(noise)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of maps, participants, a study file."""
    root = tmp_path_factory.mktemp("maps")
    (root / "tables" / "maps").mkdir(parents=True)
    rows = ["subject\tsession\tcontrast\tpath\tunit"]
    for subject in SUBJECTS:
        for session in ("pre", "post", "later"):
            for name in ("neg_map", "neu_map"):
                file = f"maps/sub-{subject}_{session}_{name}.nii.gz"
                image = nibabel.Nifti1Image(np.full((48, 58, 48), value(subject, session, name), np.float32), AFFINE)
                image.header.set_sform(AFFINE, 4)
                nibabel.save(image, root / "tables" / file)
                rows.append(f"sub-{subject}\t{session}\t{name}\t{file}\tpercent")
    (root / "tables" / "maps.tsv").write_text("\n".join(rows) + "\n")
    (root / "bids").mkdir()
    people = "".join(f"sub-{subject}\t{group}\n" for subject, group in SUBJECTS.items())
    (root / "bids" / "participants.tsv").write_text(f"participant_id\tgroup\n{people}sub-09\ttraining\n")
    (root / "study.yaml").write_text(STUDY)
    return root


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Callable[..., Path]:
    """A study file over a copy of the maps (links), with replaced texts."""

    def write(*replaced: tuple[str, str]) -> Path:
        text = STUDY
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        for name in ("bids", "tables"):
            for path in sorted((made / name).rglob("*")):
                copy = tmp_path / path.relative_to(made)
                copy.parent.mkdir(parents=True, exist_ok=True)
                if path.is_file() and not copy.exists():
                    os.link(path, copy)
        (tmp_path / "study.yaml").write_text(text)
        return tmp_path / "study.yaml"

    return write


def test_from_maps_to_the_report(made: Path, tmp_path: Path) -> None:
    result = deltaroi.run(made / "study.yaml", tmp_path / "out")
    assert result.exit_code == 0
    table = result.responses
    assert len(table) == 8 * 2 * 4 * 2
    assert set(table["unit"]) == {"percent"}
    assert set(table["task"]) == {"faces"}
    for row in table.itertuples():
        neg, neu = (value(row.subject, row.session, name) for name in ("neg_map", "neu_map"))
        assert row.value == pytest.approx({"difference": (neg - neu) / 2, "negative": neg}[row.contrast], abs=1e-5)
    primary = result.effects[result.effects["primary"] & (result.effects["contrast"] == "negative")]
    assert len(primary) == 4
    assert set(primary["n"]) == {8}
    assert primary["estimate"].to_numpy() == pytest.approx(2.0, abs=1.0)
    reasons = result.exclusions.groupby("reason").size().to_dict()
    assert reasons == {"session not listed in dataset.sessions": 16, "is in participants.tsv but has no map": 1}
    methods = (tmp_path / "out" / "methods.md").read_text()
    assert "Ready-made contrast maps" in methods
    assert "no first-level model was fitted" in methods
    assert "brain mask" not in methods
    record = json.loads((tmp_path / "out" / "group" / "run.json").read_text())
    assert record["counts"] == {"subjects": 8, "maps": 32}
    assert result.report is not None
    assert "Ready-made contrast maps" in result.report.read_text()


def test_it_resumes_by_the_files_of_the_maps(study: Callable[..., Path]) -> None:
    file = study()
    first = deltaroi.run(file, file.parent / "out", until="responses")
    assert (first.reran["masks"], first.reran["responses"]) == (1, 8)
    assert "first-level" not in first.reran
    again = deltaroi.run(file, file.parent / "out", until="responses")
    assert (again.reran["masks"], again.reran["responses"]) == (0, 0)
    changed = file.parent / "tables" / "maps" / "sub-03_post_neg_map.nii.gz"
    data = nibabel.load(changed)
    changed.unlink()
    nibabel.save(nibabel.Nifti1Image(np.full(data.shape, 1.0, np.float32), data.affine, data.header), changed)
    third = deltaroi.run(file, file.parent / "out", until="responses")
    assert (third.reran["masks"], third.reran["responses"]) == (0, 1)
    mine = third.responses.query("subject == '03' and session == 'post' and contrast == 'negative'")
    assert mine["value"].to_numpy() == pytest.approx(1.0)


def test_what_is_lost_is_listed_and_check_says_so(study: Callable[..., Path]) -> None:
    file = study()
    maps = file.parent / "tables" / "maps"
    (maps / "sub-01_post_neu_map.nii.gz").unlink()
    broken = maps / "sub-02_pre_neg_map.nii.gz"
    broken.unlink()
    broken.write_bytes(b"no image")
    table = file.parent / "tables" / "maps.tsv"
    text = table.read_text()
    table.unlink()
    table.write_text("".join(line for line in text.splitlines(True) if "sub-08_post_neu" not in line))
    looked = deltaroi.check(file)
    assert looked.exit_code == 5
    lines = list(looked.lines())
    assert "15 sessions with maps of 8 subjects will be used" in lines
    result = deltaroi.run(file, file.parent / "out", until="effects")
    assert result.exit_code == 5
    left = {(row.subject, row.session, row.region): row.reason for row in result.exclusions.itertuples()
            if row.stage == "inputs" and row.session in ("pre", "post")}
    assert set(left) == {("01", "post", "neu_map"), ("02", "pre", "neg_map"), ("08", "post", "neu_map")}
    assert left["08", "post", "neu_map"] == "there is no map of it in this session"
    assert {row["subject"] for row in result.failures} == {"01", "02"}
    kept = result.responses.query("contrast == 'difference'").groupby(["subject", "session"]).size()
    assert ("01", "post") not in kept.index
    assert ("08", "post") not in kept.index
    whole = result.responses.query("contrast == 'negative' and subject == '08' and session == 'post'")
    assert len(whole) == 4
    named = ["stage", "subject", "session", "reason"]
    early = pd.concat([looked.exclusions, looked.foreseen])[named]
    assert set(map(tuple, result.exclusions[named].to_numpy())) == set(map(tuple, early.to_numpy()))


@pytest.mark.parametrize(("old", "new", "where"), [
    ("group: {", "group: {small_volume: true, ", "group.small_volume"),
    ("group: {", "first_level: {noise: ols}\ngroup: {", "first_level"),
    ("group: {", "conditions: {a: {where: {trial_type: [b]}}}\ngroup: {", "conditions"),
    ("group: {", "summary: eigenvariate\ngroup: {", "summary"),
    ("group: {", "connectivity: {c: {method: gppi, seed: {region: AI, hemisphere: L}}}\ngroup: {", "connectivity"),
    ("regions: {include: [amygdala, AI],", "regions: {include: [f], custom: {f: {functional: {within: amygdala, "
     "contrast: negative, select_from: other_runs}}},", "regions.custom.f.functional"),
    ("negative: neg_map", "negative: neg_mop", "contrasts.negative"),
    ("sessions: [pre, post]", "sessions: [pre, past]", "dataset.sessions"),
    ("bids_dir: bids, maps", "resolution: '2', bids_dir: bids, maps", "dataset.resolution"),
])
def test_what_maps_cannot_give_is_refused_by_name(study: Callable[..., Path], old: str, new: str, where: str) -> None:
    with pytest.raises(StudyError) as refused:
        deltaroi.check(study((old, new)))
    assert refused.value.where.endswith(where)
    assert refused.value.hint


def test_without_a_dataset_there_is_one_group(study: Callable[..., Path]) -> None:
    file = study(("bids_dir: bids, ", ""), ("groups: {column: group, levels: [training, control], assignment: "
                                            "randomised}\n", ""))
    result = deltaroi.run(file, file.parent / "out", until="effects")
    assert result.exit_code == 0
    assert set(result.effects.query("primary")["n"]) == {8}


@pytest.mark.long
def test_maps_behind_urls_give_the_same_responses(
        study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own_settings(tmp_path, monkeypatch)
    file = study()
    large = tmp_path / "tables/maps/sub-03_pre_neg_map.nii.gz"  # the others end within their first 4096 bytes
    large.unlink()
    noise = np.random.default_rng(1).normal(9, 1, (48, 58, 48)).astype(np.float32)
    head = nibabel.load(tmp_path / "tables/maps/sub-03_pre_neu_map.nii.gz").header
    nibabel.save(nibabel.Nifti1Image(noise, AFFINE, head), large)
    home = deltaroi.run(file, tmp_path / "home", until="responses")
    table = tmp_path / "tables" / "maps.tsv"
    with serving(WebServer()) as web:
        web.pages = {f"/{path.name}": Page(path.read_bytes()) for path in (tmp_path / "tables/maps").iterdir()}
        text = table.read_text().replace("maps/", web.url("/")).replace(".nii.gz", ".nii.gz?token=planted")
        table.unlink()
        table.write_text(text)
        web.trouble["/sub-03_pre_neg_map.nii.gz"] = [Trouble(), Trouble(in_headers=True), Trouble(after=90_000)]
        far = deltaroi.run(file, tmp_path / "far", until="responses")
        assert far.exit_code == 0
        assert far.responses.equals(home.responses)
        asked = [path for path in web.pages if "_later_" not in path]
        assert web.sent == {path: len(web.pages[path].content) for path in asked}
        assert far.transfers["drops"] == 2
        assert far.transfers["streamed"] == large.stat().st_size - 4096
        assert not deltaroi.run(file, tmp_path / "far", until="responses").reran["responses"]
        assert web.sent.total() == sum(len(web.pages[path].content) for path in asked)
    counts = json.loads((tmp_path / "far/group/run.json").read_text())["counts"]
    assert counts["remote_images"] == len(asked)
    assert not [path for path in (tmp_path / "far").rglob("*") if path.is_file() and b"planted" in path.read_bytes()]


@pytest.mark.long
def test_the_command_says_what_it_did(made: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "deltaroi", "run", str(made / "study.yaml"), "--out",
                           str(tmp_path / "out"), "--until", "responses"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "128 responses" in done.stdout
    assert "first-level" not in done.stderr
