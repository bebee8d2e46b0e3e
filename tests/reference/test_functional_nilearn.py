"""Functional ROIs again with nilearn 0.14.1: `FirstLevelModel` on the whole brain, `compute_fixed_effects`, the mean.

From the images on: voxels chosen by the other runs, by the other session and by a localiser task, and what the tested
runs respond with in them; value, variance, degrees of freedom and tSNR.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm import compute_contrast
from nilearn.glm.contrasts import compute_fixed_effects
from nilearn.glm.first_level import FirstLevelModel, run_glm
from nilearn.interfaces.fmriprep import load_confounds

import deltaroi
from deltaroi.io.tsv import read_table
from deltaroi.layout import Layout
from deltaroi.tables import REGIONS, RESPONSES, SELECTIONS
from deltaroi.types import RoiKey
from helpers import simulate_with_localiser

TR, K = 2.0, 7
STUDY = """\
schema_version: 1
name: again
dataset: {bids_dir: bids, derivatives: derivatives/fmriprep, task: TASK, sessions: [pre, post]}
regions:
  include: [by_runs, by_sessions, by_task]
  hemispheres: [L]
  custom:
    by_runs: {functional: {within: AI.hcpex, contrast: diff, strongest: 7, select_from: other_runs}}
    by_sessions: {functional: {within: AI.hcpex, contrast: diff, strongest: 7, select_from: other_sessions}}
    by_task: {functional: {within: AI.hcpex, contrast: "faces - houses", strongest: 7, select_from: task, task: loc}}
first_level: {noise: ols, scaling: percent_per_unit, confounds: {motion: 6, scrub_fd_mm: null, non_steady_state: false}}
contrasts: {diff: "faces - houses", faces: "faces"}
simulation:
  seed: 8
  subjects: {all: 1}
  resolution_mm: 6
  tr_s: 2
  volumes: 60
  runs: RUNS
  events: {conditions: [faces, houses], trials: 4, duration_s: 4, gap_s: [6, 8]}
  planted: [{region: AI, condition: faces, percent: 0.5}]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Layout, str]:
    """A dataset of one subject with its localiser, the output folder, and the subject's label."""
    base = tmp_path_factory.mktemp("again")
    simulate_with_localiser(base / "study", STUDY)
    found = deltaroi.run(base / "study" / "study.yaml", base / "out", jobs=1, until="responses")
    return base / "study", Layout(base / "out"), str(found.responses["subject"].iloc[0])


class Run:
    """One run as nilearn sees it: effect and variance images of both contrasts, scaled signal, design."""

    def __init__(self, root: Path, subject: str, session: str, task: str, run: str = "") -> None:
        stem = f"sub-{subject}_ses-{session}_task-{task}{run and f'_run-{run}'}"
        folder = root / "derivatives" / "fmriprep" / f"sub-{subject}" / f"ses-{session}" / "func"
        (bold,) = folder.glob(f"{stem}_space-*_bold.nii.gz")
        (self.mask,) = folder.glob(f"{stem}_space-*_mask.nii.gz")
        (events,) = (root / "bids").rglob(f"{stem}_events.tsv")
        confounds, _ = load_confounds(str(bold), strategy=["motion"], motion="basic")
        model = FirstLevelModel(
            t_r=TR, slice_time_ref=self.reference(bold), hrf_model="spm", drift_model="cosine", high_pass=0.0078125,
            noise_model="ols", signal_scaling=0, mask_img=str(self.mask), minimize_memory=False, smoothing_fwhm=None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(str(bold), events=pd.read_csv(events, sep="\t"), confounds=confounds)
        self.design = model.design_matrices_[0]
        self.images = {name: [model.compute_contrast(text, output_type=f"effect_{kind}") for kind in
                              ("size", "variance")] for name, text in (("diff", "faces - houses"), ("faces", "faces"))}
        data = np.asarray(nib.load(bold).dataobj, dtype=np.float64)
        mean = data.mean(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.scaled = 100 * (data / mean[..., None] - 1)
        residual = data.reshape(-1, data.shape[-1]).T
        design = self.design.to_numpy()
        residual = residual - design @ np.linalg.lstsq(design, residual, rcond=None)[0]
        self.dof = design.shape[0] - np.linalg.matrix_rank(design)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.tsnr = mean / np.sqrt((residual**2).sum(axis=0) / self.dof).reshape(mean.shape)

    @staticmethod
    def reference(bold: Path) -> float:
        """StartTime / TR of the sidecar."""
        sidecar = json.loads(bold.with_name(bold.name.replace(".nii.gz", ".json")).read_text())
        return float(sidecar["StartTime"] / TR)


@pytest.fixture(scope="module")
def models(made: tuple[Path, Layout, str]) -> tuple[dict[tuple[str, str], Run], Run]:
    """Every tested run by session and label, and the localiser, fitted by nilearn."""
    root, _, subject = made
    runs = {(session, run): Run(root, subject, session, "look", run) for session in ("pre", "post") for run in "12"}
    return runs, Run(root, subject, "pre", "loc")


def again(tested: list[Run], choosing: list[list[Run]], roi: np.ndarray, contrast: str) -> dict[str, Any]:
    """The response of one session: each tested run in the voxels that its choosing runs give."""
    values, variances, tsnr, smallest = [], [], [], []
    for run, others in zip(tested, choosing, strict=True):
        effects, spreads = ([one.images["diff"][i] for one in others] for i in (0, 1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            statistic = compute_fixed_effects(effects, spreads, mask=nib.load(run.mask))[2]
        t = np.where(roi, statistic.get_fdata(), -np.inf)
        where = np.unravel_index(np.sort(np.argsort(-t.ravel(), kind="stable")[:K]), t.shape)
        smallest.append(t[where].min())
        values.append(run.images[contrast][0].get_fdata()[where].mean())
        labels, results = run_glm(run.scaled[where].mean(axis=0)[:, None], run.design.to_numpy(), "ols")
        vector = np.array([{"faces": 1.0, "houses": -1.0 * (contrast == "diff")}.get(c, 0.0) for c in run.design])
        variances.append(float(compute_contrast(labels, results, vector).variance[0]))
        tsnr.append(np.median(run.tsnr[where]))
    return {"value": np.mean(values), "variance": sum(variances) / len(variances) ** 2, "tsnr": np.mean(tsnr),
            "dof": sum(run.dof for run in tested), "threshold_t": smallest}


@pytest.mark.parametrize("name", ["by_runs", "by_sessions", "by_task"])
def test_functional_rois_again_with_nilearn(made: tuple[Path, Layout, str],
                                            models: tuple[dict[tuple[str, str], Run], Run], name: str) -> None:
    layout, (runs, local) = made[1], models
    (row,) = (r for r in read_table(layout.table("regions"), REGIONS).to_dict("records") if r["region"] == name)
    roi = np.asarray(nib.load(layout.roi_image(RoiKey(name, "L", "functional"), row["space"],
                                               row["grid_digest"])).dataobj) > 0
    everywhere = [*runs.values(), *([local] if name == "by_task" else [])]
    roi &= np.logical_and.reduce([np.asarray(nib.load(run.mask).dataobj) > 0 for run in everywhere])
    assert roi.sum() > 2 * K
    table = read_table(layout.table("responses"), RESPONSES).set_index(["session", "region", "contrast"])
    sets = read_table(layout.table("selections"), SELECTIONS)
    for session in ("pre", "post"):
        tested = [run for (s, _), run in runs.items() if s == session]
        choosing = [{"by_runs": [one for one in runs.values() if one is not run], "by_task": [local],
                     "by_sessions": [one for (s, _), one in runs.items() if s != session]}[name] for run in tested]
        for contrast in ("diff", "faces"):
            expected = again(tested, choosing, roi, contrast)
            found = table.loc[(session, name, contrast)]
            for column in ("value", "variance", "tsnr", "dof"):
                assert found[column] == pytest.approx(expected[column], rel=2e-5), (session, contrast, column)
            assert (found["n_runs"], found["n_voxels_used"]) == (2, K)
            mine = sets[(sets["region"] == name) & sets["session"].isin([session, "n/a"])]
            smallest = list(dict.fromkeys(np.round(expected["threshold_t"], 6)))
            assert mine["threshold_t"].tolist() == pytest.approx(smallest, rel=1e-4)
