"""What a worker process does: one item in, files out. Everything here can be sent to another process."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import DeltaroiError, UsageError
from deltaroi.grid import Grid
from deltaroi.io.files import sha256_file, write_json
from deltaroi.io.inventory import Run
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.masks import RegionSet, build_regions, load_regions, roi_keys, save_regions, write_roi_images
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.localisers import of_task
from deltaroi.pipeline.lock import Judged, marked
from deltaroi.pipeline.steps import Step
from deltaroi.specs import MAIN, Condition, FirstLevel, Functional, Regions, Summary, about
from deltaroi.tables import (
    BESIDE,
    EFFECTS,
    EXCLUSIONS,
    QUALITY,
    RELIABILITY,
    RESPONSES,
    RUN_VALUES,
    SCHEMAS,
    SELECTIONS,
    SPECIFICATION_CURVE,
    WHERE_ASKED,
    exclusion_frame,
    exclusion_rows,
)
from deltaroi.types import Exclusion, RoiKey, RunKey


@dataclass(frozen=True)
class Task:
    """Steps to be done together: their function, where, the steps by position with their keys, and their item."""

    function: Callable[[Layout, Any, Sequence[int]], Iterator[tuple[int, list[Path] | Failure]]]
    layout: Layout
    steps: Mapping[int, Step]
    item: Any
    keys: Mapping[int, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", {n: step.key() for n, step in self.steps.items()})


def perform(task: Task) -> dict[int, str | Failure]:
    """Do steps and mark them done; returns the digest of the outputs of each."""
    found: dict[int, str | Failure] = {}
    try:
        for n, written in task.function(task.layout, task.item, tuple(task.steps)):
            found[n] = written if isinstance(written, Failure) else \
                task.steps[n].done(task.layout, task.keys[n], written)
    except UsageError:
        raise
    except Exception as error:
        if not found:
            raise
        known = error if isinstance(error, DeltaroiError) else None  # what is done stays done
        return {**dict.fromkeys(task.steps, Failure(known, traceback.format_exc())), **found}
    return found


@dataclass(frozen=True)
class Alone:
    """A function of one step, as one of a group."""

    function: Callable[[Layout, Any], list[Path]]

    def __call__(self, layout: Layout, item: Any, wanted: Sequence[int]) -> Iterator[tuple[int, list[Path] | Failure]]:
        for n in wanted:
            yield n, self.function(layout, item)


@dataclass(frozen=True)
class MasksItem:
    """The ROIs on one grid; with ``main`` those that the regions of the main specification do not have."""

    regions: Regions
    grid: Grid
    base: Path
    allow_space_mismatch: bool
    main: Regions | None = None


def build_masks(layout: Layout, item: MasksItem) -> list[Path]:
    """Build the ROIs of one grid."""
    found = build_regions(item.regions, item.grid, base=item.base, allow_space_mismatch=item.allow_space_mismatch)
    path = layout.regions(item.grid.digest)
    shown = found
    if item.main is not None:
        found, path = _others(found, item.main), layout.other_regions(item.grid.digest)
        taken = {key.definition for key in roi_keys(item.main, item.grid.space)}  # main writes their label images
        shown = replace(found, rois=tuple(roi for roi in found.rois if roi.key.definition not in taken))
    save_regions(path, found)
    return [path, *write_roi_images(shown, layout)]


def _others(found: RegionSet, main: Regions) -> RegionSet:
    """The ROIs that the regions of the main specification do not have."""
    known = set(roi_keys(main, found.grid.space))
    named = zip(*(found.table[name] for name in ("region", "hemisphere", "definition")), strict=True)
    labels = {key.label for key in known}
    return replace(found, rois=tuple(roi for roi in found.rois if roi.key not in known),
                   table=found.table[[RoiKey(*key) not in known for key in named]].reset_index(drop=True),
                   exclusions=tuple(row for row in found.exclusions if row.region not in labels))


def load_region_set(layout: Layout, grid_digest: str) -> RegionSet:
    """The ROIs of one grid."""
    return load_regions(layout.regions(grid_digest))


@dataclass(frozen=True)
class FitItem:
    """One run to be fitted."""

    run: Run
    grid_digest: str
    first_level: FirstLevel
    conditions: Mapping[str, Condition]
    contrasts: Mapping[str, Mapping[str, float]]


def fit(layout: Layout, item: FitItem) -> list[Path]:
    """Fit one run."""
    from deltaroi.firstlevel import FirstLevelTask, fit_run, save_fit

    task = FirstLevelTask(item.first_level, item.conditions, item.contrasts)
    path = layout.run_fit(item.run.key)
    save_fit(path, fit_run(item.run, load_region_set(layout, item.grid_digest), task))
    return [path]


@dataclass(frozen=True)
class SummaryItem:
    """One subject to be summarised: its runs and those of localisers, each with the digest of its grid."""

    subject: str
    runs: tuple[tuple[RunKey, str], ...]
    summary: Summary
    minimum_coverage: float
    localisers: tuple[tuple[RunKey, str], ...] = ()
    functional: Mapping[str, Functional] = field(default_factory=dict)


def summarise(layout: Layout, item: SummaryItem) -> list[Path]:
    """Combine the runs of one subject."""
    from deltaroi import responses
    from deltaroi.firstlevel import load_fit

    fits, of_tasks = ([load_fit(layout.run_fit(key)) for key, _ in runs] for runs in (item.runs, item.localisers))
    regions = {digest: load_region_set(layout, digest) for _, digest in (*item.runs, *item.localisers)}
    by_others = any(spec.select_from == "other_subjects" for spec in item.functional.values())
    others = responses.load_effects(layout.voxel_effects) if by_others else ()
    localisers = responses.Localisers(item.functional, tuple(of_tasks), others)
    found = responses.summarise(fits, regions, item.summary, item.minimum_coverage, localisers)
    gone = (*found.exclusions, *(row for fitted in fits for row in fitted.exclusions),
            *(of_task(fitted.key.task, row) for fitted in of_tasks for row in fitted.exclusions))
    paths = [layout.subject_responses(item.subject), layout.subject_exclusions(item.subject),
             layout.subject_notes(item.subject), layout.subject_runs(item.subject)]
    write_table(found.table, RESPONSES, paths[0])
    write_table(exclusion_frame(gone), EXCLUSIONS, paths[1])
    write_table(found.runs, RUN_VALUES, paths[3])
    write_json(paths[2], {"notes": [note for fitted in (*fits, *of_tasks) for note in fitted.notes]})
    chosen = layout.subject_selections(item.subject)
    if item.functional:
        paths.append(chosen)
        write_table(found.selections, SELECTIONS, chosen)
    else:  # of an earlier run
        chosen.unlink(missing_ok=True)
        chosen.with_suffix(".json").unlink(missing_ok=True)
    return paths


def localise(layout: Layout, item: SummaryItem) -> list[Path]:
    """Write what one subject tells the others."""
    from deltaroi import responses
    from deltaroi.firstlevel import load_fit

    fits = [load_fit(layout.run_fit(key)) for key, _ in item.runs]
    regions = {digest: load_region_set(layout, digest) for _, digest in item.runs}
    path = layout.subject_voxel_effects(item.subject)
    responses.save_effects(path, responses.subject_effects(fits, regions, item.functional, item.minimum_coverage))
    return [path]


def gather_localisers(layout: Layout, item: tuple[str, ...]) -> list[Path]:
    """Put together what all subjects tell each other, so that each of them reads one small file."""
    from deltaroi import responses

    path = layout.voxel_effects
    responses.save_effects(path, [one for subject in item
                                  for one in responses.load_effects(layout.subject_voxel_effects(subject))])
    return [path]


def subject_notes(layout: Layout, subject: str) -> list[str]:
    """What the first level of one subject noticed."""
    return list(json.loads(layout.subject_notes(subject).read_text())["notes"])


@dataclass(frozen=True)
class EffectsItem:
    """The group comparison: the study, who is in which group, covariates and scores by subject, the lock."""

    study: Study
    groups: Mapping[str, str]
    covariates: pd.DataFrame
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    lock: Judged | None = None


@dataclass(frozen=True)
class GroupTables:
    """What the effects step left."""

    effects: pd.DataFrame
    quality: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    beside: Mapping[str, pd.DataFrame]


def analyse(layout: Layout, item: EffectsItem) -> list[Path]:
    """Compare the groups."""
    from deltaroi import group

    study = item.study
    design = group.GroupDesign.from_study(study.groups, study.dataset.sessions,
                                          item.covariates.rename_axis("participant_id").reset_index())
    design = replace(design, associations=about(study.associations, "responses"), scores=item.scores,
                     apart=item.lock.apart if item.lock else frozenset())
    everything = read_table(layout.table("responses"), RESPONSES)
    responses = everything[everything["specification"] == MAIN].reset_index(drop=True)
    found = group.analyse(responses, design, study.group, family=study.regions.family)
    effects, lost, tables = found.effects, found.exclusions, dict(found.beside)
    if len(everything) > len(responses):
        more = group.explore(everything, design, study.group, family=study.regions.family)
        effects, lost = pd.concat([effects, more.effects], ignore_index=True), (*lost, *more.exclusions)
        tables[SPECIFICATION_CURVE.name] = more.curve
    paths = [layout.table("effects"), layout.table("quality"), layout.group_exclusions, layout.group_notes]
    write_table(marked(effects, EFFECTS.name, item.lock), EFFECTS, paths[0])
    write_table(group.quality(responses, design), QUALITY, paths[1])
    write_table(exclusion_frame(lost), EXCLUSIONS, paths[2])
    write_json(paths[3], {"warnings": found.warnings, "notes": found.notes})
    if len(design.sessions) > 1:
        runs = read_table(layout.table(RUN_VALUES.name), RUN_VALUES)
        tables[RELIABILITY.name] = group.reliability(responses, runs, design)
    for schema in WHERE_ASKED:  # of an earlier run
        layout.table(schema.name).unlink(missing_ok=True)
        layout.table(schema.name).with_suffix(".json").unlink(missing_ok=True)
    for name, table in tables.items():
        paths.append(layout.table(name))
        write_table(marked(table, name, item.lock), SCHEMAS[name], paths[-1])
    return paths


def load_effects(layout: Layout) -> GroupTables:
    """The results of :func:`analyse`."""
    lost = read_table(layout.group_exclusions, EXCLUSIONS)
    said = json.loads(layout.group_notes.read_text())
    return GroupTables(read_table(layout.table("effects"), EFFECTS), read_table(layout.table("quality"), QUALITY),
                       exclusion_rows(lost), tuple(said["warnings"]), tuple(said["notes"]),
                       {schema.name: read_table(layout.table(schema.name), schema) for schema in (*BESIDE, *WHERE_ASKED)
                        if layout.table(schema.name).is_file()})


def write_report(layout: Layout, item: None) -> list[Path]:
    """Write the report, the methods text and the COBIDAS items."""
    from deltaroi import report

    report.write_report(layout.root)
    return [layout.report, layout.methods, layout.cobidas]


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    return sha256_file(path)
