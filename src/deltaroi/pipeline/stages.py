"""The stages of a run, each a set of steps that are skipped while they are still valid."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import UsageError
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.masks import library_state, region_files
from deltaroi.masks.bids import files_of, write_descriptions
from deltaroi.pipeline import record, work_items
from deltaroi.pipeline.declared import BEHAVIOUR, CONNECTIVITY, LOCALISERS, SMALL_VOLUME, declared, functional_rois
from deltaroi.pipeline.executor import Executor, Failure
from deltaroi.pipeline.localisers import of_task
from deltaroi.pipeline.lock import Judged
from deltaroi.pipeline.plan import Plan, PlannedRun
from deltaroi.pipeline.progress import Progress, SubjectCount
from deltaroi.pipeline.steps import Step, marked_outputs
from deltaroi.pipeline.transfers import remote_counts
from deltaroi.remote import File
from deltaroi.stats import multilevel_sampler
from deltaroi.tables import (
    BEHAVIOUR_TABLES,
    BESIDE,
    EXCLUSIONS,
    OF_CONNECTIVITY,
    REGIONS,
    WHERE_ASKED,
    exclusion_frame,
    failures,
)
from deltaroi.types import NA, Exclusion, RunKey

log = logging.getLogger(__name__)


@dataclass
class Work:
    """One run of one study: what it was given, and what has come of it so far."""

    study: Study
    file: Path
    layout: Layout
    plan: Plan
    jobs: int
    progress: Progress
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)
    reran: Counter[str] = field(default_factory=Counter)
    region_digests: dict[str, str] = field(default_factory=dict)
    fit_digests: dict[RunKey, str] = field(default_factory=dict)
    response_digests: dict[str, str] = field(default_factory=dict)
    told_digests: tuple[str, ...] = ()
    small_volume_digest: str = ""
    lock: Judged | None = None

    def failures(self) -> list[dict[str, str]]:
        """What was lost to unreadable, truncated or failing inputs; the fields that name it."""
        return failures((*self.plan.exclusions, *self.exclusions))

    def exit_code(self) -> int:
        """0, or 5 when an input was unreadable, truncated or failing."""
        return 5 if self.failures() else 0

    def images(self) -> dict[str, list[File]]:
        """What reads images (a run's label, a subject with maps), and which."""
        found: dict[str, list[File]] = {}
        for planned in (*self.plan.runs, *self.plan.localisers):
            key = planned.run.key
            if key in self.plan.maps:
                files = [one.path for row in self.plan.maps[key] for one in (row.file, row.variance) if one]
                found.setdefault(f"sub-{key.subject}", []).extend(files)
            else:
                found[key.label] = [planned.run.bold]
        return found

    def region_table(self) -> pd.DataFrame:
        """The regions table of all grids."""
        return read_table(self.layout.table("regions"), REGIONS)

    def do(self, stage: str, steps: Sequence[Step], items: Sequence[Any], function: Any) -> list[str | Failure]:
        """Do the steps that are not done yet; returns every step's digest, or its failure.

        ``function`` takes ``(layout, item)`` and returns the paths it wrote.
        """
        digests: list[str | Failure | None] = [step.finished(self.layout) for step in steps]
        open_ = [i for i, digest in enumerate(digests) if digest is None]
        count = SubjectCount(self.progress, stage, [step.subject for step in steps],
                             [digest is not None for digest in digests])
        keys = [steps[i].key() for i in open_]
        tasks = [work_items.Task(function, self.layout, steps[i], key, items[i])
                 for i, key in zip(open_, keys, strict=True)]
        results = Executor(self.jobs).map(work_items.perform, tasks, lambda: self.progress.advance(stage))
        for i, result in zip(open_, results, strict=True):
            if isinstance(result, Failure) and (isinstance(result.error, UsageError)  # e.g. a full disk
                                                or self.study.execution.on_error == "stop"):
                raise result.error or RuntimeError(result.trace)
            count.finished(steps[i].subject)
            digests[i] = result
        self.reran[stage] += len(open_)
        self.progress.end(stage)
        return [digest for digest in digests if digest is not None]


def masks(work: Work) -> None:
    """Build the ROIs on every grid of the plan, write ``regions.tsv``, and remove those of an earlier study."""
    study = work.study
    fields = declared(study)["masks"]
    earlier = files_of(work.layout.table("regions"), work.layout) | marked_outputs(work.layout, "masks")
    steps, items = [], []
    for grid in work.plan.grids:
        mine = {**fields, "grid": grid.digest, "library": library_state(study.regions, grid.space)}
        steps.append(Step("masks", f"grid-{grid.digest}", 4, mine, (),
                          region_files(study.regions, work.file.resolve().parent, grid.space)))
        items.append(work_items.MasksItem(study.regions, grid, work.file.resolve().parent,
                                          study.dataset.allow_space_mismatch))
    for grid, digest in zip(work.plan.grids, work.do("masks", steps, items, work_items.build_masks), strict=True):
        if isinstance(digest, Failure):  # the same regions fail for everybody: nothing can go on
            raise digest.error or RuntimeError(digest.trace)
        work.region_digests[grid.digest] = digest
    sets = [work_items.load_region_set(work.layout, grid.digest) for grid in work.plan.grids]
    for found in sets:
        work.exclusions += found.exclusions
        work.warnings += found.notes
    table = pd.concat([found.table for found in sets], ignore_index=True)
    write_descriptions(table, work.layout, earlier)
    write_table(table, REGIONS, work.layout.table("regions"))


def first_level(work: Work) -> None:
    """Fit every run; a run that fails is an exclusion and the others go on."""
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
        steps.append(Step("first-level", run.key.label, 2, {**mine, **timing}, (upstream,), files))
        items.append(work_items.FitItem(run, planned.grid.digest, study.first_level, conditions, mine["contrasts"]))
    digests = work.do("first-level", steps, items, work_items.fit)
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
                   **remote_counts(work.images())},
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


def foresee(work: Work) -> dict[str, tuple[int, int]]:
    """Per stage, how many steps there are; done ones can only be told once their inputs are known."""
    runs = work.plan.runs
    subjects = {p.run.key.subject for p in runs}
    told = any(spec.select_from == "other_subjects" for spec in functional_rois(work.study).values())
    fits = 0 if work.plan.maps else len(runs) + len(work.plan.localisers)
    totals = {"masks": len(work.plan.grids), "first-level": fits,
              **({LOCALISERS: len(subjects) + 1} if told else {}),  # what subjects tell each other, and its sum
              "responses": len(subjects), "effects": 1,
              **({SMALL_VOLUME: len(subjects) + 1} if work.study.group.small_volume else {}),  # maps, and their tests
              **({CONNECTIVITY: len(subjects) + 1} if work.study.connectivity else {}),
              **({BEHAVIOUR: 1} if work.study.behaviour else {}), "report": 1}
    marks = {stage: len(list((work.layout.marks / stage).glob("*.json"))) if work.layout.marks.is_dir() else 0
             for stage in totals}
    return {stage: (total, min(total, marks[stage])) for stage, total in totals.items()}
