"""The stages of a run, each a set of steps that are skipped while they are still valid."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.grid import Grid
from deltaroi.io.tsv import write_table
from deltaroi.masks import library_state, load_regions, region_files
from deltaroi.masks.bids import files_of, write_descriptions
from deltaroi.pipeline import record, work_items
from deltaroi.pipeline.declared import (
    LOCALISERS,
    SMALL_VOLUME,
    declared,
)
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.localisers import of_task
from deltaroi.pipeline.multiverse_plan import other_definitions
from deltaroi.pipeline.plan import PlannedRun
from deltaroi.pipeline.steps import Step, marked_outputs
from deltaroi.pipeline.transfers import remote_counts
from deltaroi.pipeline.work import Work
from deltaroi.specs import Regions
from deltaroi.stats import multilevel_sampler
from deltaroi.tables import (
    BEHAVIOUR_TABLES,
    BESIDE,
    EXCLUSIONS,
    OF_CONNECTIVITY,
    REGIONS,
    WHERE_ASKED,
    exclusion_frame,
)
from deltaroi.types import NA, Exclusion

log = logging.getLogger(__name__)


def masks(work: Work) -> None:
    """Build the ROIs on every grid of the plan, write ``regions.tsv``, and remove those of an earlier study."""
    earlier = files_of(work.layout.table("regions"), work.layout) | marked_outputs(work.layout, "masks")
    table = build_masks(work)
    if not other_definitions(work.study):
        for path in work.layout.group.glob("grid-*_desc-multiverse_regions.npz"):
            path.unlink()
    write_descriptions(table, work.layout, earlier)
    write_table(table, REGIONS, work.layout.table("regions"))


def build_masks(work: Work) -> pd.DataFrame:
    """Build the ROIs on every grid of the plan; returns their table."""
    study = work.study
    fields = declared(study)["masks"]
    steps, items = [], []
    drawn: list[tuple[Grid, Regions, bool]] = [(grid, study.regions, False) for grid in work.plan.grids]
    others = other_definitions(study)
    if others:
        drawn += [(grid, study.regions.model_copy(update={"definition": others}), True) for grid in work.plan.grids]
    for grid, regions, beside in drawn:
        mine = {**fields, "grid": grid.digest, "library": library_state(regions, grid.space),
                **({"others": others} if beside else {})}
        steps.append(Step("masks", f"grid-{grid.digest}{'-multiverse' if beside else ''}", 4, mine, (),
                          region_files(regions, work.file.resolve().parent, grid.space)))
        items.append(work_items.MasksItem(regions, grid, work.file.resolve().parent,
                                          study.dataset.allow_space_mismatch, study.regions if beside else None))
    for (grid, _, beside), digest in zip(drawn, work.do("masks", steps, items, work_items.build_masks), strict=True):
        if isinstance(digest, Failure):  # the same regions fail for everybody: nothing can go on
            raise digest.error or RuntimeError(digest.trace)
        (work.other_digests if beside else work.region_digests)[grid.digest] = digest
    sets = [work_items.load_region_set(work.layout, grid.digest) for grid in work.plan.grids]
    for found in sets:
        work.exclusions += found.exclusions
        work.warnings += found.notes
    if others:
        beside_them = [load_regions(work.layout.other_regions(grid.digest)) for grid in work.plan.grids]
        work.exclusions += [row for found in beside_them for row in found.exclusions]
        work.warnings += [note for found in beside_them for note in found.notes if note not in work.warnings]
        sets += beside_them
    return pd.concat([found.table for found in sets], ignore_index=True)


def first_level(work: Work) -> None:
    """Fit every run; a run that fails is an exclusion and the others go on."""
    steps, items = fit_steps(work)
    note_fits(work, work.do("first-level", steps, items, work_items.fit))


def fit_steps(work: Work) -> tuple[list[Step], list[work_items.FitItem]]:
    """The fit of every run, those of localiser tasks last."""
    study = work.study
    fields = declared(study)
    runs = (*work.plan.runs, *work.plan.localisers)
    choosing = {planned.run.key for planned in work.plan.localisers}
    steps, items = [], []
    for planned in runs:
        run = planned.run
        mine = fields["first-level"]
        if run.key in choosing:
            mine = {**mine, "conditions": {}, "contrasts": fields[LOCALISERS][run.key.task]}
        upstream = work.region_digests[planned.grid.digest]
        files = tuple(path for path in (run.bold, run.mask, run.confounds, run.events) if path is not None)
        timing = {"tr_s": run.tr_s, "slice_time_ref": run.slice_time_ref}
        conditions = dict(study.conditions) if mine["conditions"] else {}
        steps.append(Step("first-level", run.key.label, 3, {**mine, **timing}, (upstream,), files))
        items.append(work_items.FitItem(run, planned.grid.digest, study.first_level, conditions, mine["contrasts"]))
    return steps, items


def note_fits(work: Work, digests: Sequence[str | Failure]) -> None:
    """Keep what came of the fits, in the order of :func:`fit_steps`."""
    runs = (*work.plan.runs, *work.plan.localisers)
    choosing = {planned.run.key for planned in work.plan.localisers}
    for planned, digest in zip(runs, digests, strict=True):
        if isinstance(digest, Failure):
            row = _failed(work, "first-level", planned, digest)
            work.exclusions.append(of_task(planned.run.key.task, row) if planned.run.key in choosing else row)
        else:
            work.fit_digests[planned.run.key] = digest


def _failed(work: Work, stage: str, planned: PlannedRun, failure: Failure) -> Exclusion:
    """The exclusion of a run whose input was bad, or whose fit hit a bug (its traceback is kept)."""
    key = planned.run.key
    if failure.error is not None:
        reason, value = f"failed: {failure.error.message}", Path(failure.error.where).name or NA
    else:
        path = record.write_log(work.layout, key.label, failure.trace)
        reason, value = "failed: unexpected error (a bug: please report)", path.relative_to(work.layout.root).as_posix()
    return Exclusion(stage, key.subject, key.session, key.run, reason=reason, value=value, failure=True)


def effects(work: Work, table: pd.DataFrame) -> Any:
    """Compare the groups and write ``effects.tsv``, the tables beside it and ``quality.tsv``."""
    study = work.study
    fields = {
        **declared(study)["effects"],
        "membership": dict(sorted(work.plan.groups.items())),
        "covariates": work.plan.covariates.to_dict("split"),
        "scores": work.plan.scores.to_dict("split"),
        **({"sampler": multilevel_sampler.versions()} if study.group.multilevel else {}),
        **({"lock": work.lock.fields()} if work.lock else {}),
    }
    upstream = tuple(work.response_digests[subject] for subject in sorted(work.response_digests))
    upstream += tuple(digest for _, digest in sorted(work.specification_digests.items()))
    step = Step("effects", "group", 3, fields, upstream, ())
    item = work_items.EffectsItem(study, work.plan.groups, work.plan.covariates, work.plan.scores, work.lock)
    (digest,) = work.do("effects", [step], [item], work_items.analyse)
    if isinstance(digest, Failure):
        raise digest.error or RuntimeError(digest.trace)
    found = work_items.load_effects(work.layout)
    work.exclusions += found.exclusions
    work.warnings += found.warnings
    work.notes += found.notes
    return found


def write_exclusions(work: Work) -> pd.DataFrame:
    """Write ``exclusions.tsv``: everything that is not in the numbers so far."""
    table = exclusion_frame((*work.plan.exclusions, *work.exclusions))
    return write_table(table, EXCLUSIONS, work.layout.table("exclusions"))


def write_record(work: Work) -> None:
    """Write ``group/run.json``."""
    runs = work.plan.runs
    record.write_record(work.layout, {
        "inputs": dict(work.plan.inputs),
        "simulated": work.plan.simulated,
        "warnings": record.condense((*work.plan.warnings, *work.warnings)),
        "notes": record.condense(work.notes),
        "counts": {"subjects": len({p.run.key.subject for p in runs}),
                   **({"maps": sum(map(len, work.plan.maps.values()))} if work.plan.maps else {
                       "runs": len(runs), "runs_fitted": sum(p.run.key in work.fit_digests for p in runs)}),
                   **({"localiser_runs": len(work.plan.localisers)} if work.plan.localisers else {}),
                   **remote_counts(work.plan)},
        "failures": work.failures(),
        "exit_code": work.exit_code(),
    }, multilevel_sampler.versions() if work.study.group.multilevel else {})


def report(work: Work) -> Path:
    """Write the report from the output folder."""
    inputs = [work.layout.table(name) for name in ("responses", "effects", "exclusions", "regions", "quality")]
    inputs += [work.layout.table(schema.name) for schema in BESIDE]
    optional = (schema.name for schema in (*WHERE_ASKED, *OF_CONNECTIVITY, *BEHAVIOUR_TABLES))
    more = [work.layout.table(name) for name in ("selections", *optional)]
    inputs += [path for path in (*more, work.layout.frozen) if path.is_file()]
    tables = {path.name: work_items.file_digest(path) for path in (*inputs, work.layout.record)}
    fields = {**declared(work.study)["report"], "tables": tables, SMALL_VOLUME: work.small_volume_digest}
    step = Step("report", "report", 2, fields, tuple(work.region_digests.values()), ())
    (digest,) = work.do("report", [step], [None], work_items.write_report)
    if isinstance(digest, Failure):
        raise digest.error or RuntimeError(digest.trace)
    return work.layout.report
