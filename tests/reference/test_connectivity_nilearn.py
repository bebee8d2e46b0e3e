"""Connectivity against nilearn 0.14.1 by hand, on a simulated study with a planted interaction.

By hand: the images read by nibabel, the ROI averaged, regressors by nilearn's ``compute_regressor``, the design by
``make_first_level_design_matrix`` with them as ``add_regs``, the fit by ``run_glm``; nothing of deltaroi but the ROIs'
voxels. The largest differences are printed with `pytest -rP tests/reference/test_connectivity_nilearn.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.contrasts import compute_contrast
from nilearn.glm.first_level import compute_regressor, make_first_level_design_matrix, run_glm
from nilearn.interfaces.fmriprep import load_confounds

import deltaroi
from deltaroi.io.tsv import read_table
from deltaroi.layout import Layout
from deltaroi.masks import load_regions
from deltaroi.tables import CONNECTIVITY

STUDY = """\
schema_version: 1
name: coupled
dataset: {bids_dir: bids, derivatives: derivatives/fmriprep, task: faces, sessions: [pre, post]}
regions: {include: [dlPFC, NAcc], hemispheres: [R]}
first_level: {noise: NOISE, scaling: percent, confounds: {motion: 6, scrub_fd_mm: 0.5}}
contrasts: {negative_vs_neutral: "negative - 0.5 * neutral", negative: "negative"}
group: {permutations: 0}
connectivity:
  product: {method: gppi, seed: {region: dlPFC, hemisphere: R}, deconvolve: false}
  deconvolved: {method: gppi, seed: {region: dlPFC, hemisphere: R}}
  betas: {method: beta_series, seed: {region: dlPFC, hemisphere: R}}
simulation:
  seed: 3
  subjects: {all: 2}
  resolution_mm: 5
  partial_volume: false
  runs: 2
  events: {conditions: [negative, neutral], trials: 10, duration_s: 5, gap_s: [4, 7]}
  planted: [{region: dlPFC, condition: negative, percent: 0.8}, {region: NAcc, condition: neutral, percent: 0.4}]
  coupled: [{seed: dlPFC, target: NAcc, hemispheres: [R], condition: negative, strength: 0.8}]
"""
SUBJECTS, SESSIONS, RUNS = ("1001", "1002"), ("pre", "post"), ("1", "2")
WEIGHTS = {"negative_vs_neutral": {"negative": 1.0, "neutral": -0.5}, "negative": {"negative": 1.0}}


@dataclass(frozen=True, eq=False)
class ByHand:
    """One run: nilearn's design without interactions, the mean series of the ROIs in %, events, times."""

    design: pd.DataFrame
    events: pd.DataFrame
    times: np.ndarray
    seed: np.ndarray
    target: np.ndarray
    confounds: pd.DataFrame

    def regressor(self, rows: pd.DataFrame) -> np.ndarray:
        """nilearn's regressor of some events."""
        triple = rows[["onset", "duration"]].assign(height=1.0).to_numpy().T
        return np.asarray(compute_regressor(triple, "spm", self.times, oversampling=50)[0][:, 0])


@dataclass(frozen=True, eq=False)
class Done:
    """A finished run of the study, with the same by hand."""

    table: pd.DataFrame
    runs: dict[tuple[str, str, str], ByHand]
    noise: str


def by_hand(root: Path, layout: Layout, label: tuple[str, str, str]) -> ByHand:
    subject, session, run = label
    stem = f"sub-{subject}_ses-{session}_task-faces_run-{run}"
    func = root / "derivatives" / "fmriprep" / f"sub-{subject}" / f"ses-{session}" / "func"
    image = nib.load(func / f"{stem}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz")
    mask = np.asarray(nib.load(func / f"{stem}_space-MNI152NLin2009cAsym_desc-brain_mask.nii.gz").dataobj) > 0
    data = np.asarray(image.dataobj, dtype=np.float64)
    frame, kept = load_confounds(str(func / f"{stem}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"),
                                 strategy=("motion", "scrub"), motion="basic", scrub=0,
                                 fd_threshold=0.5, std_dvars_threshold=np.inf, demean=True)
    n = data.shape[-1]
    kept = np.arange(n) if kept is None else kept
    steady = frame.drop(columns=[c for c in frame if c.startswith("non_steady")])
    for volume in np.setdiff1d(np.arange(n), kept):
        steady[f"spike{volume}"] = np.eye(n)[volume]
    for name in [c for c in frame if c.startswith("non_steady")]:
        if not any(np.array_equal(frame[name], steady[c]) for c in steady):
            steady[name] = frame[name]
    events = pd.read_csv(root / "bids" / f"sub-{subject}" / f"ses-{session}" / "func" / f"{stem}_events.tsv", sep="\t")
    times = 2.0 * (np.arange(n) + 0.5)
    design = make_first_level_design_matrix(times, events, hrf_model="spm", drift_model="cosine", high_pass=0.0078125,
                                            add_regs=steady, oversampling=50)
    regions = next(found for path in layout.group.glob("grid-*_regions.npz") if
                   np.allclose((found := load_regions(path)).grid.affine, image.affine))
    censored = steady.to_numpy()[:, [c.startswith(("spike", "non")) for c in steady]].any(axis=1)
    series = {}
    for roi in regions.rois:
        inside = mask.ravel()[roi.flat]
        voxels = data.reshape(-1, n)[roi.flat[inside]]
        percent = 100 * voxels / voxels[:, ~censored].mean(axis=1, keepdims=True)
        series[roi.key.region] = np.average(percent, axis=0, weights=roi.weights[inside])
    return ByHand(design, events, times, series["dlPFC"], series["NAcc"], steady)


@pytest.fixture(scope="module", params=["ar1", "ols"])
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Done:
    root = tmp_path_factory.mktemp("coupled")
    (root / "study.yaml").write_text(STUDY.replace("NOISE", request.param))
    deltaroi.simulate(root / "study.yaml", root)
    out = deltaroi.run(root / "study.yaml", root / "out", until="effects")
    layout = Layout(out.out)
    table = read_table(layout.table("connectivity"), CONNECTIVITY)
    runs = {(a, b, c): by_hand(root, layout, (a, b, c)) for a in SUBJECTS for b in SESSIONS for c in RUNS}
    return Done(table, runs, request.param)


def session(done: Done, subject: str, label: str) -> list[ByHand]:
    return [done.runs[subject, label, run] for run in RUNS]


def fixed_effect(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """nilearn's: unweighted."""
    effect, variance = np.array(parts).T
    return float(effect.mean()), float(variance.sum() / len(parts) ** 2)


def interaction(run: ByHand, contrast: str, noise: str) -> tuple[float, float]:
    """gPPI with the product of measured series: estimate and variance."""
    names = ("negative", "neutral")
    nuisance = [c for c in run.design if c not in names]
    beta = np.linalg.lstsq(run.design.to_numpy(), run.seed, rcond=None)[0]
    seed = run.seed - run.design[nuisance].to_numpy() @ beta[[c in nuisance for c in run.design]]
    more = {"seed": seed}
    for name in names:
        psychological = run.regressor(run.events[run.events["trial_type"] == name])
        more[f"ppi_{name}"] = seed * (psychological - psychological.mean())
    whole = make_first_level_design_matrix(run.times, run.events, hrf_model="spm", drift_model="cosine",
                                           high_pass=0.0078125, oversampling=50,
                                           add_regs=pd.concat([run.confounds.reset_index(drop=True),
                                                               pd.DataFrame(more)], axis=1))
    labels, results = run_glm(run.target[:, None], whole.to_numpy(), noise)
    vector = np.zeros(whole.shape[1])
    for name, weight in WEIGHTS[contrast].items():
        vector[list(whole).index(f"ppi_{name}")] = weight
    found = compute_contrast(labels, results, vector, stat_type="t")
    return float(found.effect[0]), float(found.variance[0])


def test_interaction_of_measured_series_equals_nilearn(done: Done) -> None:
    rows = done.table[done.table["name"] == "product"]
    assert set(rows["seed_region"] + rows["target_region"]) == {"dlPFCNAcc"}
    assert len(rows) == len(SUBJECTS) * len(SESSIONS) * len(WEIGHTS)
    of_error, spread, relative = [], [], []
    for row in rows.itertuples():
        value, variance = fixed_effect([interaction(run, row.contrast, done.noise)
                                        for run in session(done, row.subject, row.session)])
        of_error.append(abs(row.value - value) / np.sqrt(variance))
        relative.append(abs(row.value / value - 1))
        spread.append(abs(row.variance / variance - 1))
    print(f"gPPI, {done.noise}: estimate off by {max(of_error):.1e} of its standard error, {max(relative):.1e} "  # noqa: T201
          f"relative; variance by {max(spread):.1e}")
    assert max(of_error) < 1e-3
    assert max(spread) < 1e-3
    if done.noise == "ols":
        assert max(relative) < 1e-5


def lss(run: ByHand, condition: str, noise: str, series: np.ndarray) -> np.ndarray:
    """By relabelling: each trial alone, the others of its condition together."""
    out = []
    mine = np.flatnonzero(run.events["trial_type"] == condition)
    for trial in mine:
        events = run.events.copy()
        events.loc[trial, "trial_type"] = "this"
        design = make_first_level_design_matrix(run.times, events, hrf_model="spm", drift_model="cosine",
                                                high_pass=0.0078125, oversampling=50, add_regs=run.confounds)
        labels, results = run_glm(series[:, None], design.to_numpy(), noise)
        vector = np.eye(design.shape[1])[list(design).index("this")]
        out.append(float(compute_contrast(labels, results, vector, stat_type="t").effect[0]))
    return np.array(out)


def test_beta_series_equals_lss_with_nilearn(done: Done) -> None:
    rows = done.table[done.table["name"] == "betas"]
    off = []
    for row in rows.itertuples():
        value = 0.0
        for condition, weight in WEIGHTS[row.contrast].items():
            centred = []
            for series in ("seed", "target"):
                per_run = [lss(run, condition, done.noise, getattr(run, series))
                           for run in session(done, row.subject, row.session)]
                centred.append(np.concatenate([beta - beta.mean() for beta in per_run]))
            value += weight * np.arctanh(np.corrcoef(*centred)[0, 1])
        off.append(abs(row.value - value))
        n = 20 * len(WEIGHTS[row.contrast])
        assert row.n_trials == n
        assert row.variance == pytest.approx(sum(w**2 for w in WEIGHTS[row.contrast].values()) / (20 - 2 - 2))
    print(f"beta series, {done.noise}: Fisher's z off by {max(off):.1e}")  # noqa: T201
    assert max(off) < 1e-4


@pytest.mark.parametrize("name", ["product", "deconvolved"])
def test_the_planted_interaction_comes_back(done: Done, name: str) -> None:
    rows = done.table[(done.table["name"] == name) & (done.table["contrast"] == "negative")]
    mean, error = rows["value"].mean(), np.sqrt(rows["variance"].sum()) / len(rows)
    print(f"{name}, {done.noise}: planted 0.8, found {mean:.2f}, standard error {error:.2f}")  # noqa: T201
    assert mean / error > 4
    assert 0.3 < mean < 1.1
