"""The fMRIPrep-like files of one run, and what all runs share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from scipy.sparse import csr_matrix

from deltaroi import atlas
from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.grid import FloatArray, IntArray
from deltaroi.io.files import atomic_write
from deltaroi.io.tsv import format_table
from deltaroi.simulator.anatomy import Head, make_grid, make_head, read_templates, region_fill
from deltaroi.simulator.bold import START_SHARE, Course, RunScan, Signal, simulate_scan, times_of, volumes_of
from deltaroi.simulator.confounds import confounds
from deltaroi.simulator.coupling import Pair, courses
from deltaroi.simulator.image import nifti_gz, stored
from deltaroi.simulator.noise import mixing
from deltaroi.simulator.scheme import PlannedRun, Scheme, json_bytes
from deltaroi.simulator.truth import planted_rois
from deltaroi.specs import Hemisphere, Simulation
from deltaroi.types import RoiKey

Shape = tuple[IntArray, FloatArray]


@dataclass(frozen=True)
class PlantedPercent:
    """One row of the truth, for one session of one subject."""

    roi: RoiKey
    condition: str
    percent: float


@dataclass(frozen=True)
class Work:
    """One run to write into a derivatives folder, with the responses and interactions that are planted in it."""

    derivatives: Path
    run: PlannedRun
    planted: tuple[PlantedPercent, ...]
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, eq=False)
class Stage:
    """One grid: its head, the smoothness of its noise, and the voxels and shares of each planted ROI."""

    head: Head
    mix: csr_matrix
    shapes: dict[RoiKey, Shape]


@dataclass(frozen=True, eq=False)
class Scene:
    """What all runs share; ``stages`` by whether the right side is stored first."""

    simulation: Simulation
    task: str
    image: str
    stages: dict[bool, Stage]


def make_scene(study: Study, simulation: Simulation, scheme: Scheme) -> Scene:
    """Build the grids that the runs need.

    Raises
    ------
    StudyError
        A planted region is unknown, or is drawn in a template that does not fit ``dataset.space``.
    """
    space, resolution = study.dataset.space, study.dataset.resolution
    regions = {}
    for roi in planted_rois(simulation):
        native = atlas.native_weights(atlas.find(roi.region, cast(Hemisphere, roi.hemisphere), roi.definition,
                                                 space))
        relation = atlas.space_relation(native.space, space)
        if relation.kind == "refused" and not study.dataset.allow_space_mismatch:
            raise StudyError(f"{roi.label} is drawn in {native.space} and cannot be planted in {space}",
                             where="simulation.planted", hint=relation.note)
        regions[roi] = native
    templates = read_templates()
    stages = {}
    for flipped in sorted({run.flipped for run in scheme.runs}):
        head = make_head(make_grid(simulation.resolution_mm, space, flipped), templates)
        shapes = {roi: region_fill(head, native.weights, native.affine) for roi, native in regions.items()}
        if not simulation.partial_volume:
            shapes = _whole(shapes, len(head.flat))
        mix = mixing(head.xyz, simulation.noise.spatial_fwhm_mm, simulation.resolution_mm)
        stages[flipped] = Stage(head, mix, shapes)
    image = f"space-{space}" + (f"_res-{resolution}" if resolution else "")
    return Scene(simulation, study.dataset.task, image, stages)


def _whole(shapes: dict[RoiKey, Shape], n_voxels: int) -> dict[RoiKey, Shape]:
    """Border voxels carry the whole response; where several regions meet in one, each by its part of the filled."""
    filled = np.zeros(n_voxels)
    for index, fill in shapes.values():
        filled[index] += fill
    return {roi: (index, fill / np.minimum(filled[index], 1.0)) for roi, (index, fill) in shapes.items()}


def write_run(scene: Scene, work: Work) -> None:
    """Simulate and write one run: BOLD, brain mask, confounds, each with its sidecar.

    The sidecar of the confounds is written last; a run that has one is complete and is left as it is.
    """
    run, simulation = work.run, scene.simulation
    start = f"{work.derivatives}/{run.folder}/{run.stem}"
    last = Path(f"{start}_desc-confounds_timeseries.json")
    if last.exists():
        return
    stage = scene.stages[run.flipped]
    trains = {train.condition: train for train in run.trains}
    signals: list[Signal | Course] = [Signal(*stage.shapes[p.roi], p.percent, trains[p.condition])
                                      for p in work.planted if p.condition in trains]
    what = RunScan((run.stem,), run.tr_s, run.n_volumes)
    signals += [Course(*stage.shapes[roi], percent) for roi, percent in
                courses(work.pairs, trains, times_of(what), simulation.seed_fluctuation_percent, simulation.seed,
                        run.stem)]
    scan = simulate_scan(what, stage.head, stage.mix, signals, simulation.noise, simulation.seed)
    non_steady = min(simulation.noise.non_steady_volumes, run.n_volumes - 1)
    frame, about = confounds(scan.data, stage.head, scan.motion, run.tr_s, non_steady)
    values, slope = stored(scan.data, simulation.dtype)
    brain = np.zeros(stage.head.grid.n_voxels, np.uint8)
    brain[stage.head.flat] = scan.brain
    bold = {"TaskName": scene.task, "RepetitionTime": run.tr_s, "StartTime": round(run.tr_s * START_SHARE, 6),
            "SliceTimingCorrected": True, "SkullStripped": False, "Description": "SIMULATED"}
    image = f"{start}_{scene.image}"
    atomic_write(Path(f"{image}_desc-preproc_bold.nii.gz"),
                 nifti_gz(volumes_of(values, stage.head), stage.head.grid, tr_s=run.tr_s, slope=slope))
    atomic_write(Path(f"{image}_desc-preproc_bold.json"), json_bytes(bold))
    atomic_write(Path(f"{image}_desc-brain_mask.nii.gz"), nifti_gz(brain, stage.head.grid))
    atomic_write(Path(f"{image}_desc-brain_mask.json"), json_bytes({"Type": "Brain", "Description": "SIMULATED"}))
    atomic_write(Path(f"{start}_desc-confounds_timeseries.tsv"), format_table(frame).encode())
    atomic_write(last, json_bytes(about))
