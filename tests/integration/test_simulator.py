"""What the simulator writes, checked with nibabel, numpy and nilearn's own reader of confounds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nilearn.interfaces.fmriprep import load_confounds
from scipy import signal, stats

from deltaroi import atlas
from deltaroi.config.read import parse_study
from deltaroi.config.study import Study
from deltaroi.errors import DataError, StudyError
from deltaroi.io.tsv import read_tsv
from deltaroi.simulator import SimulatedDataset, write_dataset
from helpers import file_hashes

SILENT = ("{white_percent: 0, drift_percent: 0, motion_mm: 0, motion_spikes: 0, subject_sd_percent: 0, "
          "session_sd_percent: 0}")
TEXT = """
schema_version: 1
name: tiny
dataset: {{bids_dir: bids, derivatives: derivatives/fmriprep, task: faces, sessions: [pre, post]}}
groups: {{column: arm, levels: [a], assignment: randomised}}
contrasts: {{c: seen}}
simulation:
  subjects: {{a: {subjects}}}
  resolution_mm: {size}
  tr_s: {tr}
  volumes: {volumes}
  dtype: {dtype}
  events: {{conditions: [seen, rest], trials: {trials}, duration_s: {duration}, gap_s: [{gap}, {gap}]}}
  noise: {noise}
  planted: {planted}
"""
DEFAULTS = {"subjects": 2, "size": 8.0, "tr": 1.0, "volumes": 60, "dtype": "float32", "trials": 1, "duration": 4.0,
            "gap": 20.0, "noise": "{}", "planted": "[{region: amygdala, condition: seen, percent: 1.0}]"}


def study(**changes: object) -> Study:
    return parse_study(TEXT.format(**{**DEFAULTS, **changes}))


def bold_files(dataset: SimulatedDataset, subject: str = "*") -> list[Path]:
    return sorted(dataset.derivatives.glob(f"sub-{subject}/ses-*/func/*_desc-preproc_bold.nii.gz"))


def onset_of(dataset: SimulatedDataset, bold: Path, name: str) -> float:
    folder = dataset.bids_dir / bold.parent.relative_to(dataset.derivatives)
    events = read_tsv(next(folder.glob("*_events.tsv")))
    return float(events.loc[events["trial_type"] == name, "onset"].astype(float).iloc[0])


def expected_course(bold: Path, onset: float, duration: float, volumes: int) -> np.ndarray:
    """The response by brute force (boxcar * double gamma at 5 ms), peak 1, at the times that the sidecar states."""
    sidecar = json.loads(Path(str(bold).replace(".nii.gz", ".json")).read_text())
    fine = np.arange(0.0, 200.0, 0.005)
    kernel = stats.gamma.pdf(fine, 6.0) - stats.gamma.pdf(fine, 16.0) / 6.0
    response = signal.fftconvolve((fine < max(duration, 0.05)).astype(float), kernel)[: len(fine)]
    times = sidecar["StartTime"] + sidecar["RepetitionTime"] * np.arange(volumes)
    return np.interp(times - onset, fine, response / response.max(), left=0.0)


def full_voxels(image: nib.Nifti1Image, region: str, side: str) -> np.ndarray:
    """Voxels of which 125 points up to the faces all lie in the region at 1 mm, with an own look-up."""
    native = atlas.native_weights(atlas.find(region, side, "hcpex"))
    to_native = np.linalg.inv(native.affine) @ image.affine
    candidates = np.argwhere(np.ones(image.shape[:3], dtype=bool))
    for step in sorted(np.ndindex(5, 5, 5), key=lambda s: s != (2, 2, 2)):
        index = np.rint(nib.affines.apply_affine(to_native, candidates + np.array(step) / 4.0 - 0.5)).astype(int)
        inside = np.all((index >= 0) & (index < native.weights.shape), axis=1)
        inside[inside] = native.weights[tuple(index[inside].T)] == 1.0
        candidates = candidates[inside]
    out = np.zeros(image.shape[:3], dtype=bool)
    out[tuple(candidates.T)] = True
    return out


@pytest.mark.parametrize(("duration", "tr"), [(0.0, 0.8), (4.0, 2.0), (10.0, 1.3)])
def test_the_planted_percent_is_in_the_images(tmp_path: Path, duration: float, tr: float) -> None:
    planted = ("[{region: dlPFC, condition: seen, percent: 1.5}, {region: dmPFC, condition: seen, percent: -0.7, "
               "session: post}]")
    data = write_dataset(study(duration=duration, tr=tr, volumes=round(90 / tr), size=4.0, noise=SILENT,
                               planted=planted), tmp_path / "out")
    assert len(bold_files(data)) == 4
    for bold in bold_files(data):
        image = nib.load(bold)
        series = image.get_fdata()
        course = expected_course(bold, onset_of(data, bold, "seen"), duration, image.shape[3])[2:]
        truth = {"dlPFC": 1.5, "dmPFC": -0.7 if "ses-post" in bold.name else 0.0}
        for region, percent in truth.items():
            for side in "LR":
                core = full_voxels(image, region, side)
                assert core.sum() >= 5
                voxels = series[core][:, 2:]
                fitted = np.polynomial.polynomial.polyfit(course, voxels.T, 1)[1]
                assert 100 * fitted / voxels.mean(axis=1) == pytest.approx(percent, abs=0.0025)


def test_the_peak_is_the_planted_percent_of_the_mean(tmp_path: Path) -> None:
    data = write_dataset(study(tr=0.5, volumes=170, size=4.0, noise=SILENT, subjects=1,
                               planted="[{region: dlPFC, condition: seen, percent: 2.0}]"), tmp_path / "out")
    bold = bold_files(data)[0]
    image = nib.load(bold)
    core = image.get_fdata()[full_voxels(image, "dlPFC", "L")][:, 2:]
    before = core[:, : int(onset_of(data, bold, "seen") / 0.5) - 3]
    peak = 100 * (core.max(axis=1) - before.mean(axis=1)) / core.mean(axis=1)
    assert peak == pytest.approx(2.0, rel=0.01)


def test_overlapping_events_add_up(tmp_path: Path) -> None:
    data = write_dataset(study(noise=SILENT, trials=6, gap=0.0, volumes=120, size=5.0, subjects=1,
                               planted="[{region: dlPFC, condition: seen, percent: 1.0}, "
                                       "{region: dlPFC, condition: rest, percent: 1.0}]"), tmp_path / "out")
    bold = bold_files(data)[0]
    image = nib.load(bold)
    core = image.get_fdata()[full_voxels(image, "dlPFC", "R")][:, 2:]
    one = expected_course(bold, 6.0, 4.0, 120)
    course = np.sum([expected_course(bold, 6.0 + 4.0 * n, 4.0, 120) for n in range(12)], axis=0)[2:]
    fitted = np.polynomial.polynomial.polyfit(course, core.T, 1)[1]
    assert one.max() == pytest.approx(1.0, abs=0.02)
    assert 100 * fitted / core.mean(axis=1) == pytest.approx(1.0, abs=0.0025)


@pytest.mark.parametrize("side", ["L", "R"])
def test_one_side_is_one_side_of_the_world_in_both_storage_orders(tmp_path: Path, side: str) -> None:
    planted = f"[{{region: dlPFC, condition: seen, percent: 1.0, hemispheres: [{side}]}}]"
    data = write_dataset(study(noise=SILENT, size=6.0, planted=planted), tmp_path / "out")
    steps = set()
    for bold in bold_files(data):
        image = nib.load(bold)
        steps.add(np.sign(image.affine[0, 0]))
        moving = np.stack(np.nonzero(image.get_fdata()[..., 2:].std(axis=3) > 1e-3), axis=1)
        x = nib.affines.apply_affine(image.affine, moving)[:, 0]
        assert len(x) > 40
        assert np.all(x < 0) if side == "L" else np.all(x > 0)
        assert abs(x.mean()) == pytest.approx(38, abs=3)
    assert steps == {1.0, -1.0}


def test_whole_regions_carry_the_whole_response_at_their_border(tmp_path: Path) -> None:
    text = TEXT.format(**{**DEFAULTS, "noise": SILENT, "subjects": 1, "size": 5.0,
                          "planted": "[{region: VTA, condition: seen, percent: 1.0}]"})
    found = {}
    for whole in ("true", "false"):
        data = write_dataset(parse_study(text + f"  partial_volume: {whole}\n"), tmp_path / whole)
        bold = bold_files(data)[0]
        series = nib.load(bold).get_fdata()[..., 2:]
        course = expected_course(bold, onset_of(data, bold, "seen"), 4.0, 60)[2:]
        moving = series[series.std(axis=3) > 1e-3]
        found[whole] = 100 * np.polynomial.polynomial.polyfit(course, moving.T, 1)[1] / moving.mean(axis=1)
    assert found["false"] == pytest.approx(1.0, abs=0.005)
    assert found["true"].max() < 0.6
    # 44 + 42 mm³ of VTA, whatever the grid
    assert found["true"].sum() * 125.0 == pytest.approx(86.0, rel=0.05)


def test_bytes_do_not_depend_on_jobs_and_a_subject_more_changes_no_other(tmp_path: Path) -> None:
    small = study(volumes=34, trials=1, gap=8.0)
    write_dataset(small, tmp_path / "one")
    write_dataset(small, tmp_path / "two", jobs=2)
    first = file_hashes(tmp_path / "one")
    assert first == file_hashes(tmp_path / "two")
    write_dataset(study(volumes=34, trials=1, gap=8.0, subjects=3), tmp_path / "more", subjects=["1001", "1002"])
    runs = {name: digest for name, digest in first.items() if "/sub-" in name}
    more = file_hashes(tmp_path / "more")
    assert len(runs) == 4 * 7
    assert all(more[name] == digest for name, digest in runs.items())


def test_truth_is_what_the_images_carry(tmp_path: Path) -> None:
    noise = "{white_percent: 0, drift_percent: 0, motion_mm: 0, motion_spikes: 0, subject_sd_percent: 0.5}"
    data = write_dataset(study(noise=noise, size=4.0, planted="[{region: dlPFC, condition: seen, percent: 1.0}]"),
                         tmp_path / "out")
    assert data.truth["percent"].nunique() == 8
    for bold in bold_files(data):
        image = nib.load(bold)
        series = image.get_fdata()
        course = expected_course(bold, onset_of(data, bold, "seen"), 4.0, 60)[2:]
        for side in "LR":
            core = series[full_voxels(image, "dlPFC", side)][:, 2:]
            value = 100 * np.polynomial.polynomial.polyfit(course, core.T, 1)[1] / core.mean(axis=1)
            here = data.truth[["subject", "session", "hemisphere"]].agg("/".join, axis=1)
            row = data.truth[here == f"{bold.parts[-4][4:]}/{bold.parts[-3][4:]}/{side}"]
            assert value == pytest.approx(row["percent"].item(), abs=0.0025)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDataset:
    return write_dataset(study(volumes=200, tr=2.0, size=6.0, subjects=1, dtype="int16", trials=8,
                               noise="{motion_spikes: 2}"), tmp_path_factory.mktemp("noisy"))


def test_load_confounds_reads_every_strategy(noisy: SimulatedDataset) -> None:
    bold = str(bold_files(noisy)[0])
    frame, kept = load_confounds(
        bold, strategy=("motion", "high_pass", "scrub", "compcor", "global_signal", "wm_csf"),
        motion="full", scrub=0, fd_threshold=0.5, std_dvars_threshold=1.5, compcor="anat_combined", n_compcor=5,
        global_signal="full", wm_csf="basic", demean=False)
    assert len(frame) == 200
    assert frame.notna().all(axis=None)
    names = set(frame.columns)
    assert {f"rot_z{s}" for s in ("", "_derivative1", "_power2", "_derivative1_power2")} <= names
    assert {"a_comp_cor_04", "global_signal_power2", "csf", "white_matter"} <= names
    assert sum(name.startswith("cosine") for name in names) == int(2 * 198 * 2.0 / 128)
    removed = sorted(set(range(200)) - set(kept.tolist()))
    assert removed[:2] == [0, 1]
    assert 4 <= len(removed) <= 10


def test_the_first_row_is_undefined_where_fmriprep_leaves_it(noisy: SimulatedDataset) -> None:
    table = read_tsv(next(noisy.derivatives.rglob("*_desc-confounds_timeseries.tsv")))
    undefined = {name for name in table.columns if table[name].iloc[0] == "n/a"}
    assert {"framewise_displacement", "std_dvars", "dvars", "trans_x_derivative1"} <= undefined
    assert not (table.iloc[1:] == "n/a").any(axis=None)
    assert {"non_steady_state_outlier00", "non_steady_state_outlier01", "motion_outlier00"} <= set(table.columns)


def test_images_look_like_a_scan(noisy: SimulatedDataset) -> None:
    bold = bold_files(noisy)[0]
    image = nib.load(bold)
    assert image.get_data_dtype() == np.int16
    assert image.header.get_zooms()[3] == 2.0
    assert int(image.header["sform_code"]) == 4
    assert image.header["descrip"].item() == b"SIMULATED by deltaroi"
    mask = nib.load(str(bold).replace("desc-preproc_bold", "desc-brain_mask")).get_fdata() > 0
    series = image.get_fdata()[mask]
    assert 700 < series.mean() < 1200
    assert series[:, 0].mean() > 1.1 * series[:, 5:].mean()
    tsnr = series[:, 2:].mean(axis=1) / series[:, 2:].std(axis=1)
    assert 60 < np.median(tsnr) < 140
    sidecar = json.loads(Path(str(bold).replace(".nii.gz", ".json")).read_text())
    assert sidecar["RepetitionTime"] == 2.0
    assert sidecar["StartTime"] == 1.0


def test_everything_says_simulated(noisy: SimulatedDataset) -> None:
    for folder in (noisy.bids_dir, noisy.derivatives):
        about = json.loads((folder / "dataset_description.json").read_text())
        assert about["Name"].startswith("SIMULATED")
        assert "SIMULATED" in (folder / "README.md").read_text()
    assert about["DatasetType"] == "derivative"
    assert about["GeneratedBy"][0]["Name"] == "deltaroi simulator (fMRIPrep-like)"


def test_the_regions_lie_inside_the_brain_masks(tmp_path: Path) -> None:
    planted = ", ".join(f"{{region: {name}, condition: seen, percent: 1.0}}"
                        for name in ("amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC", "VTA"))
    data = write_dataset(study(size=4.0, volumes=34, gap=8.0, planted=f"[{planted}]"), tmp_path / "out")
    for bold in bold_files(data):
        image = nib.load(str(bold).replace("desc-preproc_bold", "desc-brain_mask"))
        mask = image.get_fdata() > 0
        for region in ("amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC", "VTA"):
            native = atlas.native_weights(atlas.find(region, "B", "hcpex"))
            points = nib.affines.apply_affine(native.affine, np.argwhere(native.weights > 0))
            index = np.rint(nib.affines.apply_affine(np.linalg.inv(image.affine), points)).astype(int)
            assert mask[tuple(index.T)].mean() > 0.9, region


def test_an_interrupted_folder_is_completed_and_a_foreign_one_left_alone(tmp_path: Path) -> None:
    small = study(volumes=34, gap=8.0, subjects=1)
    data = write_dataset(small, tmp_path / "out")
    before = file_hashes(tmp_path / "out")
    kept, lost = bold_files(data)
    stamp = kept.stat().st_mtime_ns
    for path in (data.truth_path, *lost.parent.glob("*confounds*json"), lost):
        path.unlink()
    write_dataset(small, tmp_path / "out")
    assert file_hashes(tmp_path / "out") == before
    assert kept.stat().st_mtime_ns == stamp
    with pytest.raises(DataError, match=r"holds something else: simulation\.json"):
        write_dataset(study(volumes=35, gap=8.0, subjects=1), tmp_path / "out")
    (tmp_path / "mine" / "bids").mkdir(parents=True)
    with pytest.raises(DataError, match="holds something else: bids"):
        write_dataset(small, tmp_path / "mine")


@pytest.mark.parametrize(("old", "new", "message"), [
    ("region: amygdala", "region: amygdalla", "amygdalla"),
    ("sessions: [pre, post]", "sessions: [../x]", "cannot be a BIDS label"),
    ("sessions: [pre, post]", "space: MNI152NLin6Asym", "cannot be planted in MNI152NLin6Asym"),
])
def test_studies_that_cannot_be_are_refused_before_anything_is_written(tmp_path: Path, old: str, new: str,
                                                                       message: str) -> None:
    text = TEXT.format(**DEFAULTS)
    assert old in text
    with pytest.raises(StudyError, match=message):
        write_dataset(parse_study(text.replace(old, new)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_study_without_simulation_is_refused(tmp_path: Path) -> None:
    text = TEXT.format(**DEFAULTS)
    with pytest.raises(StudyError, match="no section 'simulation'"):
        write_dataset(parse_study(text[: text.index("simulation:")]), tmp_path / "out")


def test_both_trees_are_valid_bids(tmp_path: Path) -> None:
    data = write_dataset(study(volumes=34, gap=8.0, size=10.0, subjects=1), tmp_path / "out")
    program = Path(sys.executable).with_name("bids-validator-deno")
    for folder in (data.bids_dir, data.derivatives):
        done = subprocess.run([program, "--json", str(folder)], capture_output=True, text=True, check=False)
        issues = json.loads(done.stdout)["issues"]["issues"]
        assert [issue for issue in issues if issue["severity"] == "error"] == []
        assert {issue["code"] for issue in issues}, "a validator that says nothing did not run"
