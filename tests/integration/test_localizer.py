"""Real BOLD: one subject of a functional localizer, wrapped as a BIDS dataset with its label image as a user atlas.

The header says TR 1.0 s, the truth is 2.4 s. Signs were established beforehand by a voxelwise analysis (see the
SOURCE.txt of the data): audio > video positive in the auditory parcels 1 and 2, negative in the visual parcels 3 and 4;
left > right click positive only in parcel 5 (right motor); calculation > sentence positive in parcel 6 (left parietal).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import deltaroi

PARCELS = {"auditory_1": ("R", 1), "auditory_2": ("L", 2), "visual_3": ("R", 3), "visual_4": ("L", 4),
           "motor_5": ("R", 5), "parietal_6": ("L", 6)}
SPACE = "MNI152NLin2009cAsym"  # an SPM normalisation; the study file states it for both the BOLD and the labels


@pytest.fixture(scope="module")
def result(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> deltaroi.RunResult:
    source = shared / "data" / "pyhrf_localizer_mni"
    root = tmp_path_factory.mktemp("localizer")
    raw, derived = root / "bids" / "sub-01" / "func", root / "fmriprep" / "sub-01" / "func"
    raw.mkdir(parents=True)
    derived.mkdir(parents=True)
    stem = "sub-01_task-localizer"
    (root / "bids" / "dataset_description.json").write_text(json.dumps({"Name": "localizer", "BIDSVersion": "1.11.0"}))
    (root / "fmriprep" / "dataset_description.json").write_text(json.dumps({
        "Name": "wrapped", "BIDSVersion": "1.11.0", "DatasetType": "derivative", "GeneratedBy": [{"Name": "SPM"}]}))
    (root / "bids" / "participants.tsv").write_text("participant_id\nsub-01\n")
    sidecar = {"RepetitionTime": 2.4, "TaskName": "localizer"}
    (root / "bids" / "task-localizer_bold.json").write_text(json.dumps(sidecar))
    shutil.copyfile(source / "events_converted.tsv", raw / f"{stem}_events.tsv")
    bold = derived / f"{stem}_space-{SPACE}_desc-preproc_bold.nii.gz"
    shutil.copyfile(source / "real_data_vol_4_regions_BOLD.nii.gz", bold)
    labels = nib.load(source / "real_data_vol_4_regions_mask.nii.gz")
    mask = nib.Nifti1Image((np.asarray(labels.dataobj) > 0).astype(np.uint8), labels.affine)
    mask.to_filename(derived / f"{stem}_space-{SPACE}_desc-brain_mask.nii.gz")
    shutil.copyfile(source / "real_data_vol_4_regions_mask.nii.gz", root / "labels.nii.gz")
    custom = "\n".join(f"    {name}: {{labels: labels.nii.gz, ids: {{{side}: [{label}]}}, space: {SPACE}}}"
                       for name, (side, label) in PARCELS.items())
    (root / "study.yaml").write_text(f"""\
schema_version: 1
name: localizer
dataset: {{bids_dir: bids, derivatives: fmriprep, task: localizer, space: {SPACE}}}
regions:
  include: [{", ".join(PARCELS)}]
  custom:
{custom}
first_level:
  confounds: {{motion: 0, scrub_fd_mm: null, non_steady_state: false}}
contrasts:
  audio_vs_video: >-
    calculaudio + phraseaudio + clicDaudio + clicGaudio - calculvideo - phrasevideo - clicDvideo - clicGvideo
  left_vs_right: "clicGaudio + clicGvideo - clicDaudio - clicDvideo"
  calculation_vs_sentence: "calculaudio + calculvideo - phraseaudio - phrasevideo"
""")
    return deltaroi.run(root / "study.yaml", root / "out")


def statistics(result: deltaroi.RunResult, contrast: str) -> pd.Series:
    rows = result.responses[result.responses["contrast"] == contrast].set_index("region")
    return rows["value"] / np.sqrt(rows["variance"])


def test_tr_conflict_is_named(result: deltaroi.RunResult) -> None:
    assert any("2.4" in text and "1" in text and "TR" in text for text in result.warnings), result.warnings


def test_every_parcel_has_its_voxels(result: deltaroi.RunResult) -> None:
    rows = result.responses[result.responses["contrast"] == "left_vs_right"].set_index("region")
    assert rows["n_voxels"].to_dict() == {"auditory_1": 1765, "auditory_2": 2092, "visual_3": 683, "visual_4": 868,
                                          "motor_5": 254, "parietal_6": 781}


def test_audio_against_video(result: deltaroi.RunResult) -> None:
    t = statistics(result, "audio_vs_video")
    assert (t[["auditory_1", "auditory_2"]] > 3).all(), t
    assert (t[["visual_3", "visual_4"]] < -3).all(), t


def test_left_against_right_click(result: deltaroi.RunResult) -> None:
    t = statistics(result, "left_vs_right")
    assert t["motor_5"] > 2, t
    assert (t.drop("motor_5") < 2).all(), t


def test_calculation_against_sentence(result: deltaroi.RunResult) -> None:
    t = statistics(result, "calculation_vs_sentence")
    assert t["parietal_6"] > 2, t


def test_one_subject_has_no_group_effect_and_the_report_says_so(result: deltaroi.RunResult) -> None:
    assert result.effects["p"].isna().all()
    assert result.report is not None
    assert result.report.is_file()
