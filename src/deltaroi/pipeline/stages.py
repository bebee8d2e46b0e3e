"""The stages of a run, each a set of steps that are skipped while they are still valid."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import ExecutionError, UsageError
from deltaroi.grid import Grid
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.masks import library_state, load_regions, region_files
from deltaroi.masks.bids import files_of, write_descriptions
from deltaroi.pipeline import record, work_items
from deltaroi.pipeline.declared import (
    LOCALISERS,
    SMALL_VOLUME,
    declared,
)
from deltaroi.pipeline.executor import Executor, Failure
from deltaroi.pipeline.localisers import of_task
from deltaroi.pipeline.lock import Judged
from deltaroi.pipeline.multiverse_plan import other_definitions
from deltaroi.pipeline.plan import Plan, PlannedRun
from deltaroi.pipeline.progress import Progress, SubjectCount
from deltaroi.pipeline.steps import Step, marked_outputs, soon
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
    executor: Executor
    progress: Progress
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)
    reran: Counter[str] = field(default_factory=Counter)
    partly: Counter[str] = field(default_factory=Counter)
    region_digests: dict[str, str] = field(default_factory=dict)
    other_digests: dict[str, str] = field(default_factory=dict)
    fit_digests: dict[RunKey, str] = field(default_factory=dict)
    model_digests: dict[tuple[RunKey, str], str] = field(default_factory=dict)
    response_digests: dict[str, str] = field(default_factory=dict)
    specification_digests: dict[str, str] = field(default_factory=dict)
    told_digests: tuple[str, ...] = ()
    small_volume_digest: str = ""
    lock: Judged | None = None

    def failures(self) -> list[dict[str, str]]:
        """What was lost to unreadable, truncated or failing inputs; the fields that name it."""
        return failures((*self.plan.exclusions, *self.exclusions))

    def exit_code(self) -> int:
        """0, or 5 when an input was unreadable, truncated or failing."""
        return 5 if self.failures() else 0

    def region_table(self) -> pd.DataFrame:
        """The regions table of all grids."""
        return read_table(self.layout.table("regions"), REGIONS)

    def do(self, stage: str, steps: Sequence[Step], items: Sequence[Any], function: Any) -> list[str | Failure]:
        """Do the steps that are not done yet; returns every step's digest, or its failure.

        ``function`` takes ``(layout, item)`` and returns the paths it wrote.
        """
        done = self.do_together(stage, [[step] for step in steps], items, work_items.Alone(function))
        return [digest for (digest,) in done]

    def do_together(self, stage: str, groups: Sequence[Sequence[Step]], items: Sequence[Any],
                    function: Any) -> list[list[str | Failure]]:
        """As :meth:`do`, for groups of steps that share their work, such as one read of an image.

        ``function`` takes ``(layout, item, wanted)`` with the positions of a group's steps that are to be done, and
        yields ``(position, paths written or Failure)`` for each of them.
        """
        digests = [[step.finished(self.layout) for step in group] for group in groups]
        open_ = [i for i, group in enumerate(digests) if None in group]
        count = SubjectCount(self.progress, stage, [group[0].subject for group in groups],
                             [None not in group for group in digests])
        tasks = [work_items.Task(function, self.layout, {n: step for n, (step, digest) in
                                                         enumerate(zip(groups[i], digests[i], strict=True))
                                                         if digest is None}, items[i]) for i in open_]
        found: list[list[str | Failure]] = [[digest for digest in group if digest is not None] for group in digests]
        results = self.executor.map(work_items.perform, tasks, lambda: self.progress.advance(stage))
        for i, task, result in zip(open_, tasks, results, strict=True):
            made = dict.fromkeys(task.steps, result) if isinstance(result, Failure) else result
            for failure in (one for one in made.values() if isinstance(one, Failure)):
                if isinstance(failure.error, UsageError) or self.study.execution.on_error == "stop":  # e.g. a full disk
                    raise failure.error or RuntimeError(failure.trace)
            for n, digest in made.items():
                self._wait_for(task.steps[n], digest)
            count.finished(groups[i][0].subject)
            found[i] = [made[n] if digest is None else digest for n, digest in enumerate(digests[i])]
        self.partly[stage] += sum(any(digest is not None for digest in digests[i]) for i in open_)
        self.reran[stage] += sum(len(task.steps) for task in tasks)
        self.progress.end(stage)
        return found

    def _wait_for(self, step: Step, digest: str | Failure) -> None:
        """Wait until what a worker on another machine wrote is seen here."""
        patience_s = self.executor.patience_s
        if patience_s and isinstance(digest, str) and not soon(partial(step.seen, self.layout, digest), patience_s):
            raise ExecutionError("what a worker wrote is not seen here", where=str(step.mark(self.layout)),
                                 hint="the output folder must lie on a file system that all machines share")


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
        steps.append(Step("first-level", run.key.label, 2, {**mine, **timing}, (upstream,), files))
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
                   **({"localiser_runs": len(work.plan.localisers)} if work.plan.localisers else {})},
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
