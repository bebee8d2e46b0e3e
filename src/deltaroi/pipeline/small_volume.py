"""Voxels inside the ROIs: the maps of every subject, and one step that tests them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.config.study import Study
from deltaroi.grid import Grid
from deltaroi.group import GroupDesign, SmallVolume, VoxelMap
from deltaroi.group.small_volume import DIFFERENT_GRIDS
from deltaroi.io.files import atomic_write, gzip_bytes, write_json
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout, beside
from deltaroi.masks.store import nifti_bytes
from deltaroi.pipeline.declared import SMALL_VOLUME as STAGE
from deltaroi.pipeline.declared import declared
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.lock import Judged, marked
from deltaroi.pipeline.plan import Plan
from deltaroi.pipeline.responses import by_subject, lost_subject, summary_item, upstream_of
from deltaroi.pipeline.retire import retire_small_volume
from deltaroi.pipeline.stages import Work
from deltaroi.pipeline.steps import Step
from deltaroi.pipeline.work_items import SummaryItem, load_region_set
from deltaroi.tables import EXCLUSIONS, SMALL_VOLUME, exclusion_frame, exclusion_rows
from deltaroi.types import NA, Exclusion

_SHOWS = {
    "z": "z with the same two-sided p as the statistic of the voxel, and the sign of its estimate",
    "t": "t of the voxel", "F": "F of the voxel", "effect": "the estimate of the voxel",
    "corrp": "1 - p of the voxel, p being corrected by max-T over the voxels of the ROI",
}


def small_volume(work: Work) -> pd.DataFrame:
    """Test the voxels inside the ROIs where the study asks for it; else take away what an earlier run left."""
    study = work.study
    if not study.group.small_volume:
        retire_small_volume(work.layout)
        return nothing()
    fields = declared(study)[STAGE]
    mapped = map_subjects(work)
    about = {**fields["tests"], "subjects": list(mapped), "membership": dict(sorted(work.plan.groups.items())),
             "covariates": work.plan.covariates.to_dict("split"),
             **({"lock": work.lock.fields()} if work.lock else {})}
    step = Step(STAGE, "group", 2, about, tuple(mapped.values()), ())
    item = VoxelsItem(study, tuple(mapped), {grid.digest: grid for grid in work.plan.grids}, work.plan.groups,
                      work.plan.covariates, work.lock)
    (digest,) = work.do(STAGE, [step], [item], ask_voxels)
    if isinstance(digest, Failure):
        raise digest.error or RuntimeError(digest.trace)
    work.small_volume_digest = digest
    work.exclusions += exclusion_rows(read_table(work.layout.small_volume_exclusions, EXCLUSIONS))
    work.notes += json.loads(work.layout.small_volume_notes.read_text())["notes"]
    return read_table(work.layout.table(SMALL_VOLUME.name), SMALL_VOLUME)


def map_subjects(work: Work) -> dict[str, str]:
    """Do the step of every subject; returns the digests of those who have maps."""
    fields = declared(work.study)[STAGE]["maps"]
    fitted, choosing = by_subject(work, work.plan.runs), by_subject(work, work.plan.localisers)
    steps, items = [], []
    for subject, mine in fitted.items():
        local = choosing.get(subject, [])
        labels: dict[str, Any] = {"runs": [p.run.key.label for p in (*mine, *local)]}
        upstream = (*upstream_of(work, (*mine, *local)), *work.told_digests)
        steps.append(Step(STAGE, f"sub-{subject}", 1, {**fields, **labels}, upstream, ()))
        items.append(summary_item(work, subject, mine, local))
    found = dict(zip(fitted, work.do(STAGE, steps, items, draw_maps), strict=True))
    work.exclusions += [lost_subject(work, subject, digest, STAGE) for subject, digest in found.items()
                        if isinstance(digest, Failure)]
    return {subject: digest for subject, digest in found.items() if not isinstance(digest, Failure)}


def nothing() -> pd.DataFrame:
    """The table without rows."""
    return pd.DataFrame(columns=SMALL_VOLUME.names)


def draw_maps(layout: Layout, item: SummaryItem) -> list[Path]:
    """Write the session maps of one subject."""
    from deltaroi import responses
    from deltaroi.firstlevel import load_fit
    from deltaroi.signal.session_map import save_maps

    fits, of_tasks = ([load_fit(layout.run_fit(key)) for key, _ in runs] for runs in (item.runs, item.localisers))
    regions = {digest: load_region_set(layout, digest) for _, digest in (*item.runs, *item.localisers)}
    by_others = any(spec.select_from == "other_subjects" for spec in item.functional.values())
    others = responses.load_effects(layout.voxel_effects) if by_others else ()
    localisers = responses.Localisers(item.functional, tuple(of_tasks), others)
    path = layout.subject_maps(item.subject)
    save_maps(path, responses.session_maps(fits, regions, item.minimum_coverage, localisers))
    return [path]


@dataclass(frozen=True)
class VoxelsItem:
    """The test of the voxels: the study, its subjects, the grids by digest, groups, covariates, the lock."""

    study: Study
    subjects: tuple[str, ...]
    grids: Mapping[str, Grid]
    groups: Mapping[str, str]
    covariates: pd.DataFrame
    lock: Judged | None = None


def ask_voxels(layout: Layout, item: VoxelsItem) -> list[Path]:
    """Test the voxels of every ROI, and write the table and the maps."""
    from deltaroi import group
    from deltaroi.signal.session_map import load_maps

    study = item.study
    design = GroupDesign.from_study(study.groups, study.dataset.sessions,
                                    item.covariates.rename_axis("participant_id").reset_index())
    design = replace(design, apart=item.lock.apart if item.lock else frozenset())
    maps = [one for subject in item.subjects for one in load_maps(layout.subject_maps(subject))]
    found = group.small_volume(maps, item.grids, item.groups, design, study.group, study.regions.family,
                               study.regions.minimum_coverage)
    retire_small_volume(layout)
    return _write(layout, replace(found, table=marked(found.table, SMALL_VOLUME.name, item.lock)))


def _write(layout: Layout, found: SmallVolume) -> list[Path]:
    paths = [layout.table(SMALL_VOLUME.name), layout.small_volume_exclusions, layout.small_volume_notes]
    write_table(found.table, SMALL_VOLUME, paths[0])
    write_table(exclusion_frame(found.exclusions), EXCLUSIONS, paths[1])
    write_json(paths[2], {"notes": found.notes})
    for one in found.maps:
        shown = {one.kind: one.statistic, "effect": one.estimate, "corrp": one.corrected}
        for name, values in shown.items():
            if np.isfinite(values).all():  # a joint test has no estimate
                paths += _write_map(layout, one, name, values)
    return paths


def _write_map(layout: Layout, one: VoxelMap, name: str, values: np.ndarray) -> list[Path]:
    path = layout.voxel_map(one.key, one.contrast, one.grid.digest, name)
    data = np.zeros(one.grid.n_voxels, dtype=np.float32)
    data[one.flat] = values
    atomic_write(path, gzip_bytes(nifti_bytes(one.grid, data, f"{one.key.label} {one.contrast} {name}")))
    write_json(beside(path, ".json"), {
        "Description": f"{_SHOWS[name]}; 0 outside the {one.flat.size} voxels that were tested",
        "Contrast": one.contrast, "Region": one.key.region, "Hemisphere": one.key.hemisphere,
        "Definition": one.key.definition, **({"Units": one.unit} if name == "effect" else {})})
    return [path, beside(path, ".json")]


def foresee_small_volume(study: Study, plan: Plan) -> tuple[Exclusion, ...]:
    """The ROIs and contrasts whose voxels cannot be tested because the subjects lie on different grids."""
    if not study.group.small_volume:
        return ()
    sessions, phase = study.dataset.sessions, study.group.primary_phase
    wanted = set(study.group.phases[phase]) if phase else {sessions[0], sessions[-1]} if sessions else {NA}
    out = []
    for name in study.contrasts:
        seen: dict[str, dict[str, set[str]]] = {}
        for one in plan.runs:
            if name in one.contrasts and one.run.key.session in wanted:
                seen.setdefault(one.run.key.subject, {}).setdefault(one.run.key.session, set()).add(one.grid.digest)
        whole = [mine for mine in seen.values() if set(mine) == wanted and all(len(on) == 1 for on in mine.values())]
        grids = {digest for mine in whole for on in mine.values() for digest in on}
        if len(grids) > 1:
            out += [Exclusion(STAGE, region=f"{roi.label} {name}", reason=DIFFERENT_GRIDS,
                              value=f"{len(grids)} grids", threshold="1") for roi in plan.rois]
    return tuple(out)
