"""BOLD simulated over a real randomised study: its people, events, gaps and repetition times."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deltaroi.config.read import parse_study
from deltaroi.simulator import SimulatedDataset, write_dataset

STUDY = """
schema_version: 1
name: over_a_real_study
dataset: {bids_dir: bids, derivatives: derivatives/fmriprep, task: emotionRegulation, sessions: [pre, post]}
groups: {column: condition, levels: [increase_HRV, decrease_HRV], assignment: randomised}
contrasts: {c: vn - vt}
simulation:
  resolution_mm: 10
  volumes: 70
  planted:
  - {region: amygdala, condition: vn, percent: 1.0}
  - {region: amygdala, condition: vn, percent: -0.5, group: increase_HRV, session: post}
"""
PEOPLE = ["5001", "5010", "5015", "5055"]


@pytest.fixture(scope="module")
def skeleton(shared: Path) -> Path:
    return shared / "data" / "openneuro_ds003823" / "bids"


@pytest.fixture(scope="module")
def simulated(skeleton: Path, tmp_path_factory: pytest.TempPathFactory) -> SimulatedDataset:
    return write_dataset(parse_study(STUDY), tmp_path_factory.mktemp("over"), skeleton=skeleton, subjects=PEOPLE)


def test_runs_with_bold_are_simulated_and_no_others(skeleton: Path, simulated: SimulatedDataset) -> None:
    with (skeleton.parent / "annexed_files.tsv").open() as stream:
        paths = [row["path"] for row in csv.DictReader(stream, delimiter="\t")]
    expected = {path.split("_echo-")[0] for path in paths
                if "_task-emotionRegulation_echo-" in path and path.endswith("_bold.nii.gz")
                and path[4:8] in PEOPLE}
    found = {p.relative_to(simulated.derivatives).as_posix().split("_space-")[0]
             for p in simulated.derivatives.rglob("*_desc-preproc_bold.nii.gz")}
    assert found == expected
    assert 0 < len(found) < 2 * len(PEOPLE)
    # sub-5055 has events in both sessions and BOLD in none (annexed_files.tsv)
    assert not any("5055" in path for path in found)
    assert "sub-5055_ses-pre_task-emotionRegulation: events without BOLD; no images are simulated" in simulated.notes
    assert "sub-5055: no BOLD of the task; not simulated" in simulated.notes


def test_texts_are_byte_for_byte(skeleton: Path, simulated: SimulatedDataset) -> None:
    copied = [p for p in simulated.bids_dir.rglob("*") if p.is_file()
              and p.name not in ("README.md", "dataset_description.json", ".bidsignore")]
    assert all(p.read_bytes() == (skeleton / p.relative_to(simulated.bids_dir)).read_bytes() for p in copied)
    names = {p.name for p in copied}
    assert {"participants.tsv", "participants.json", "task-emotionRegulation_events.json"} <= names
    assert "sub-5001_ses-pre_task-emotionRegulation_echo-1_bold.json" in names
    assert not any("rest" in name or "NIH" in name for name in names)


def test_timing_and_groups_are_the_real_ones(simulated: SimulatedDataset) -> None:
    bold = simulated.derivatives / "sub-5001/ses-pre/func/sub-5001_ses-pre_task-emotionRegulation_space-" \
        "MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"
    image = nib.load(bold)
    assert image.shape[3] == 70
    assert float(image.header.get_zooms()[3]) == pytest.approx(2.4)
    assert json.loads(bold.with_name(bold.name.replace(".nii.gz", ".json")).read_text())["RepetitionTime"] == 2.4
    truth = simulated.truth.query("subject == '5001'")
    assert set(truth["group"]) == {"increase_HRV"}
    change = truth.pivot_table(index="hemisphere", columns="session", values="percent")
    assert np.abs(change["post"] - change["pre"] + 0.5).max() < 5 * 0.1 * np.sqrt(2)


def test_without_volumes_the_last_event_is_covered(skeleton: Path, tmp_path: Path) -> None:
    text = STUDY.replace("  volumes: 70\n", "").replace("sessions: [pre, post]", "sessions: [pre]")
    text = text.replace(", session: post", "")
    data = write_dataset(parse_study(text), tmp_path / "out", skeleton=skeleton, subjects=["5001"])
    (bold,) = data.derivatives.rglob("*_desc-preproc_bold.nii.gz")
    (events,) = data.bids_dir.rglob("*_ses-pre_*_events.tsv")
    last = events.read_text().split("\n")[-2].split("\t")
    assert nib.load(bold).shape[3] == int(np.ceil((float(last[0]) + float(last[1]) + 15.0) / 2.4))
