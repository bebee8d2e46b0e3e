"""deltaroi's first level against nilearn 0.14.1: `FirstLevelModel` on the whole brain, then an average over the ROI.

The largest differences are printed as a table with `pytest -rP tests/reference/test_first_level_nilearn.py`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.contrasts import compute_contrast
from nilearn.glm.first_level import FirstLevelModel, run_glm
from nilearn.interfaces.fmriprep import load_confounds
from nilearn.maskers import NiftiMasker
from numpy.typing import NDArray
from scipy import ndimage

from deltaroi.config.expression import parse_contrast
from deltaroi.firstlevel import FirstLevelTask, fit_run
from deltaroi.grid import Grid
from deltaroi.io.inventory import Run
from deltaroi.masks import RegionSet, RoiVoxels
from deltaroi.responses import summarise
from deltaroi.signal import event_height
from deltaroi.specs import Confounds, FirstLevel
from deltaroi.tables import REGIONS
from deltaroi.types import RoiKey, RunKey

SHAPE, AFFINE = (14, 16, 12), np.array([[-4.0, 0, 0, 26], [0, 4, 0, -30], [0, 0, 4, -20], [0, 0, 0, 1]])
N, TR = 70, 2.2
SPACE = "MNI152NLin2009cAsym"
CONTRASTS = {"difference": "faces - shapes", "mean": "(faces + shapes) / 2"}
OFF = Confounds(motion=0, scrub_fd_mm=None, non_steady_state=False)


@dataclass(frozen=True)
class Case:
    """One row of the table: how the runs are made and modelled."""

    name: str
    runs: int = 1
    fwhm: float = 0.0
    noise: str = "ar1"
    dtype: str = "float32"
    hrf: str = "spm"
    scaling: str = "percent_per_unit"
    confounds: bool = False
    drift: str = "cosine"


CASES = [
    Case("one run"), Case("one run, ols", noise="ols"),
    Case("two runs", runs=2), Case("two runs, ols", runs=2, noise="ols"),
    Case("smoothing 6 mm", fwhm=6), Case("smoothing 6 mm, ols", fwhm=6, noise="ols"),
    Case("int16 with scale factors", dtype="int16"),
    Case("int16 with scale factors, ols, smoothing", dtype="int16", noise="ols", fwhm=6),
    Case("HRF with derivatives", hrf="spm + derivative + dispersion"),
    Case("HRF with derivatives, ols", hrf="glover + derivative", noise="ols"),
    Case("confounds and censoring", confounds=True), Case("confounds and censoring, ols", confounds=True, noise="ols"),
    Case("all together", runs=2, fwhm=5, dtype="int16", hrf="spm + derivative", confounds=True),
    Case("raw units", scaling="none"), Case("raw units, ols", scaling="none", noise="ols"),
    Case("fir, ols", hrf="fir", noise="ols"), Case("polynomial drift", drift="polynomial"),
    Case("percent of true height", scaling="percent"),
    Case("percent of true height, censoring, ols", scaling="percent", confounds=True, noise="ols"),
]


@dataclass(frozen=True, eq=False)
class Study:
    """Images on disk, their ROIs, and the specification."""

    runs: tuple[Run, ...]
    regions: RegionSet
    spec: FirstLevel


def brain() -> NDArray[np.bool_]:
    ijk = np.indices(SHAPE).transpose(1, 2, 3, 0) - (np.array(SHAPE) - 1) / 2
    return np.asarray(((ijk / (np.array(SHAPE) / 2.3)) ** 2).sum(axis=-1) < 1)


def region_set() -> RegionSet:
    """Two ROIs, one of which leaves the brain."""
    labels = np.zeros(SHAPE, dtype=int)
    labels[2:6, 6:10, 4:8] = 1
    labels[9:14, 6:10, 3:8] = 2
    grid = Grid(SHAPE, AFFINE, SPACE)
    rois = tuple(RoiVoxels(RoiKey("blob", side, "test"), "majority", np.flatnonzero(labels == value),
                           np.ones(int((labels == value).sum()))) for value, side in ((1, "R"), (2, "L")))
    return RegionSet(grid, rois, pd.DataFrame(columns=REGIONS.names), (), ())


def signal(events: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.float64]:
    """Volumes with structure in space, drift, autocorrelated noise and a response."""
    base = 900 + 200 * ndimage.gaussian_filter(rng.standard_normal(SHAPE), 2) + 300 * brain()
    noise = ndimage.gaussian_filter(rng.standard_normal((*SHAPE, N + 20)), (0.8, 0.8, 0.8, 0))
    for t in range(1, N + 20):
        noise[..., t] += rng.uniform(0.2, 0.5) * noise[..., t - 1]
    course = np.zeros(N)
    for onset, name in zip(events["onset"], events["trial_type"], strict=True):
        start = int(onset / TR) + 2
        course[start:start + 3] += 1.0 if name == "faces" else 0.4
    data = base[..., None] + 8 * noise[..., 20:] + 5 * np.linspace(-1, 1, N)
    data[1:7, 5:11, 3:9] += 9 * course
    data[8:14, 5:11, 3:9] -= 6 * course
    return np.asarray(data)


def write_run(folder: Path, number: int, case: Case) -> Run:
    """One run as fMRIPrep would leave it."""
    rng = np.random.default_rng(10 + number)
    onsets = np.sort(rng.uniform(2, N * TR - 20, 16))
    events = pd.DataFrame({"onset": onsets, "duration": 3.0, "trial_type": ["faces", "shapes"] * 8})
    stem = f"sub-01_ses-pre_task-look_run-{number}"
    data = signal(events, rng)
    if case.dtype == "int16":
        image = nib.Nifti1Image(data, AFFINE)
        image.set_data_dtype(np.int16)  # nibabel chooses slope and intercept
    else:
        image = nib.Nifti1Image(data.astype(np.float32), AFFINE)
    image.header.set_zooms((4, 4, 4, TR))
    image.header.set_xyzt_units("mm", "sec")
    bold = folder / f"{stem}_space-{SPACE}_desc-preproc_bold.nii.gz"
    image.to_filename(bold)
    mask = folder / f"{stem}_space-{SPACE}_desc-brain_mask.nii.gz"
    nib.Nifti1Image(brain().astype(np.uint8), AFFINE).to_filename(mask)
    table = folder / f"{stem}_desc-confounds_timeseries.tsv"
    motion = np.cumsum(rng.normal(0, 0.05, (N, 6)), axis=0)
    steps = np.abs(np.diff(motion, axis=0, prepend=np.nan)).sum(axis=1)
    frame = pd.DataFrame(motion, columns=["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"])
    for name in list(frame):
        frame[f"{name}_derivative1"] = frame[name].diff()
    frame.assign(framewise_displacement=steps, std_dvars=1.0).to_csv(table, sep="\t", index=False, na_rep="n/a")
    path = folder / f"{stem}_events.tsv"
    events.to_csv(path, sep="\t", index=False)
    key = RunKey("01", "pre", "look", str(number))
    return Run(key=key, bold=bold, mask=mask, confounds=table, events=path, tr_s=TR, slice_time_ref=0.5, space=SPACE)


def limit(run: Run) -> float:
    return float(pd.read_csv(run.confounds, sep="\t")["framewise_displacement"].quantile(0.93))  # type: ignore[arg-type]


def write_study(folder: Path, case: Case) -> Study:
    runs = tuple(write_run(folder, i + 1, case) for i in range(case.runs))
    confounds = OFF
    if case.confounds:
        confounds = Confounds(motion=12, scrub_fd_mm=limit(runs[0]), non_steady_state=False)
    spec = FirstLevel(hrf=case.hrf, noise=case.noise, smoothing_fwhm_mm=case.fwhm, scaling=case.scaling,  # type: ignore[arg-type]
                      confounds=confounds, fir_delays=[1, 2, 3], drift=case.drift)  # type: ignore[arg-type]
    return Study(runs, region_set(), spec)


def by_deltaroi(study: Study) -> pd.DataFrame:
    contrasts = {name: parse_contrast(text) for name, text in CONTRASTS.items()}
    task = FirstLevelTask(study.spec, {}, contrasts)
    fits = [fit_run(run, study.regions, task) for run in study.runs]
    found = summarise(fits, {study.regions.grid.digest: study.regions}, "mean", 0.3)
    table, lost = found.table, found.exclusions
    assert lost == ()
    return table.set_index(["hemisphere", "contrast"])


def nilearn_confounds(run: Run, spec: Confounds) -> pd.DataFrame | None:
    if not spec.motion:
        return None
    frame, kept = load_confounds(str(run.bold), strategy=("motion", "scrub"), motion="derivatives", scrub=0,
                                 fd_threshold=spec.scrub_fd_mm, std_dvars_threshold=np.inf, demean=True)
    for volume in sorted(set(range(N)) - set(kept)):
        frame[f"spike{volume}"] = np.eye(N)[volume]
    return frame


def expression(text: str, spec: FirstLevel) -> str:
    if spec.hrf != "fir":
        return text
    for name in ("faces", "shapes"):
        delays = " + ".join(f"{name}_delay_{d}" for d in spec.fir_delays)
        text = text.replace(name, f"({delays}) / {len(spec.fir_delays)}")
    return text


def by_nilearn(study: Study) -> pd.DataFrame:
    """Whole brain, then the ROI: values from the maps, variances from the ROI's mean series."""
    spec, inside = study.spec, brain().ravel()
    model = FirstLevelModel(
        t_r=TR, slice_time_ref=0.5, hrf_model=spec.hrf, drift_model=spec.drift, high_pass=spec.high_pass_hz,
        drift_order=spec.drift_order, fir_delays=spec.fir_delays, mask_img=nib.load(study.runs[0].mask),
        smoothing_fwhm=spec.smoothing_fwhm_mm or None, noise_model=spec.noise,
        signal_scaling=0 if spec.scaling == "percent_per_unit" else False, minimize_memory=False)
    found = [nilearn_confounds(run, spec.confounds) for run in study.runs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nilearn speaks of its own defaults
        model.fit([str(run.bold) for run in study.runs], [pd.read_csv(r.events, sep="\t") for r in study.runs],  # type: ignore[arg-type]
                  confounds=None if found[0] is None else found)
        maps = {name: model.compute_contrast(expression(text, spec), output_type="effect_size").get_fdata().ravel()
                for name, text in CONTRASTS.items()}
        masker = NiftiMasker(nib.load(study.runs[0].mask), smoothing_fwhm=spec.smoothing_fwhm_mm or None,
                             standardize=None).fit()
        series = [masker.transform(str(run.bold)).astype(np.float64) for run in study.runs]
    if spec.scaling == "percent":  # one run; both conditions last 3 s
        kept = np.ones(N, dtype=bool) if found[0] is None else ~found[0].filter(like="spike").any(axis=1).to_numpy()
        percent = 100 * event_height(spec.hrf, 3.0, TR, 50, 0.5) / series[0][kept].mean(axis=0)
        maps = {name: np.where(inside, values, 0) for name, values in maps.items()}
        for values in maps.values():
            values[inside] *= percent
    rows = []
    for roi in study.regions.rois:
        voxels = roi.flat[inside[roi.flat]]
        for name, text in CONTRASTS.items():
            variance = 0.0
            for data, matrix in zip(series, model.design_matrices_, strict=True):
                mine = data[:, np.isin(np.flatnonzero(inside), voxels)]
                if spec.scaling == "percent_per_unit":
                    mine = 100 * (mine / mine.mean(axis=0) - 1)
                if spec.scaling == "percent":
                    mine = mine * percent[np.isin(np.flatnonzero(inside), voxels)]
                labels, results = run_glm(mine.mean(axis=1, keepdims=True), matrix.to_numpy(), spec.noise)
                eye = pd.DataFrame(np.eye(matrix.shape[1]), columns=matrix.columns)
                vector = eye.eval(expression(text, spec)).to_numpy()
                variance += float(compute_contrast(labels, results, vector).variance[0])
            rows.append({"hemisphere": roi.key.hemisphere, "contrast": name, "value": maps[name][voxels].mean(),
                         "variance": variance / len(study.runs) ** 2, "n": voxels.size})
    return pd.DataFrame(rows).set_index(["hemisphere", "contrast"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equals_nilearn(case: Case, tmp_path: Path) -> None:
    study = write_study(tmp_path, case)
    mine, theirs = by_deltaroi(study), by_nilearn(study)
    theirs = theirs.loc[mine.index]
    assert (mine["n_voxels_used"] == theirs["n"]).all()
    assert mine["n_voxels_used"].loc["L"].iloc[0] < mine["n_voxels"].loc["L"].iloc[0]
    difference = (mine["value"] - theirs["value"]).abs()
    of_error = float((difference / np.sqrt(mine["variance"])).max())
    relative = float((difference / theirs["value"].abs()).max())
    spread = float((mine["variance"] / theirs["variance"] - 1).abs().max())
    print(f"TABLE | {case.name} | {of_error:.1e} | {relative:.1e} | {spread:.1e} |")  # noqa: T201  # the table
    assert (theirs["value"].abs() > 0.03).all()
    if case.noise == "ols":
        assert relative < 1e-5
    assert of_error < 1e-3
    assert spread < 1e-3
