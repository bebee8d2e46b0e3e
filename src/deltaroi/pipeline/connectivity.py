"""Connectivity between ROIs: the values of every subject, and one step that compares the groups."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.connectivity import Connection, Roi, as_connections, as_responses, connect, coupling
from deltaroi.group import GroupDesign
from deltaroi.io.files import write_json
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.pipeline.connectivity_asked import asked_of
from deltaroi.pipeline.declared import CONNECTIVITY as STAGE
from deltaroi.pipeline.declared import declared
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.lock import Judged, marked
from deltaroi.pipeline.responses import by_subject, lost_subject, summary_item, upstream_of
from deltaroi.pipeline.retire import retire_connectivity
from deltaroi.pipeline.stages import Work
from deltaroi.pipeline.steps import Step
from deltaroi.pipeline.work_items import SummaryItem, load_region_set
from deltaroi.specs import about
from deltaroi.tables import (
    CONNECTIVITY,
    CONNECTIVITY_ASSOCIATIONS,
    CONNECTIVITY_EFFECTS,
    CONNECTIVITY_POINTS,
    CONNECTIVITY_SLOPES,
    EXCLUSIONS,
    conform,
    exclusion_frame,
    exclusion_rows,
)
from deltaroi.types import NA, Exclusion, RoiKey

_BESIDE = {"associations": CONNECTIVITY_ASSOCIATIONS, "slopes": CONNECTIVITY_SLOPES,
           "association_points": CONNECTIVITY_POINTS}


@dataclass(frozen=True, eq=False)
class Connected:
    """What came of the connectivity of a study; both tables are empty where it has none.

    ``values`` conforms to ``CONNECTIVITY``, ``effects`` to ``CONNECTIVITY_EFFECTS``.
    """

    values: pd.DataFrame
    effects: pd.DataFrame


def nothing() -> Connected:
    """The tables without rows."""
    return Connected(pd.DataFrame(columns=CONNECTIVITY.names), pd.DataFrame(columns=CONNECTIVITY_EFFECTS.names))


def connectivity(work: Work) -> Connected:
    """Measure and compare the connections of a study; without any, take away what an earlier run left."""
    study = work.study
    if not study.connectivity:
        retire_connectivity(work.layout)
        return nothing()
    asked = asked_of(study, work.plan.rois)
    fields = declared(study)[STAGE]
    names = _names(asked)
    measured = measure_subjects(work)
    if not measured:
        retire_connectivity(work.layout)
        return nothing()
    values = _gathered(work, measured)
    about_people = {"membership": dict(sorted(work.plan.groups.items())),
                    "covariates": work.plan.covariates.to_dict("split"), "scores": work.plan.scores.to_dict("split")}
    about_people |= {"lock": work.lock.fields()} if work.lock else {}
    step = Step(STAGE, "group", 2, {**fields["tests"], **about_people, "subjects": list(measured), "rois": names},
                tuple(measured.values()), ())
    item = CompareItem(study, asked, work.plan.covariates, work.plan.scores, work.lock)
    (digest,) = work.do(STAGE, [step], [item], compare)
    if isinstance(digest, Failure):
        raise digest.error or RuntimeError(digest.trace)
    work.exclusions += exclusion_rows(read_table(work.layout.connectivity_exclusions, EXCLUSIONS))
    said = json.loads(work.layout.connectivity_notes.read_text())
    work.warnings += said["warnings"]
    work.notes += said["notes"]
    return Connected(values, read_table(work.layout.table(CONNECTIVITY_EFFECTS.name), CONNECTIVITY_EFFECTS))


def measure_subjects(work: Work) -> dict[str, str]:
    """Do the step of every subject; returns the digests of those who were measured."""
    asked = asked_of(work.study, work.plan.rois)
    fields = declared(work.study)[STAGE]["values"]
    fitted, choosing = by_subject(work, work.plan.runs), by_subject(work, work.plan.localisers)
    steps, items = [], []
    for subject, mine in fitted.items():
        local = choosing.get(subject, [])
        labels: dict[str, Any] = {"rois": _names(asked), "runs": [p.run.key.label for p in (*mine, *local)]}
        upstream = (*upstream_of(work, (*mine, *local)), *work.told_digests)
        steps.append(Step(STAGE, f"sub-{subject}", 1, {**fields, **labels}, upstream, ()))
        items.append(ValuesItem(summary_item(work, subject, mine, local), asked))
    found = dict(zip(fitted, work.do(STAGE, steps, items, measure), strict=True))
    work.exclusions += [lost_subject(work, subject, digest, STAGE) for subject, digest in found.items()
                        if isinstance(digest, Failure)]
    return {subject: digest for subject, digest in found.items() if not isinstance(digest, Failure)}


def _names(asked: Sequence[Connection]) -> dict[str, list[str]]:
    return {one.name: [key.label for key in (one.seed, *one.targets)] for one in asked}


def _gathered(work: Work, subjects: Mapping[str, str]) -> pd.DataFrame:
    """The values of all subjects, written as one table."""
    tables = []
    for subject in subjects:
        table = read_table(work.layout.subject_connectivity(subject), CONNECTIVITY)
        tables.append(table.assign(group=work.plan.groups.get(subject, NA)))
        path = work.layout.subject_connectivity_exclusions(subject)
        work.exclusions += exclusion_rows(read_table(path, EXCLUSIONS))
        work.notes += json.loads(work.layout.subject_connectivity_notes(subject).read_text())["notes"]
    return write_table(pd.concat(tables, ignore_index=True), CONNECTIVITY, work.layout.table(CONNECTIVITY.name))


@dataclass(frozen=True)
class ValuesItem:
    """One subject: its runs, and what is asked."""

    subject: SummaryItem
    asked: tuple[Connection, ...]


def measure(layout: Layout, item: ValuesItem) -> list[Path]:
    """Measure the connections of one subject."""
    from deltaroi import responses
    from deltaroi.firstlevel import load_fit

    who = item.subject
    fits, of_tasks = ([load_fit(layout.run_fit(key)) for key, _ in runs] for runs in (who.runs, who.localisers))
    regions = {digest: load_region_set(layout, digest) for _, digest in (*who.runs, *who.localisers)}
    by_others = any(spec.select_from == "other_subjects" for spec in who.functional.values())
    others = responses.load_effects(layout.voxel_effects) if by_others else ()
    localisers = responses.Localisers(who.functional, tuple(of_tasks), others)
    places = responses.places(fits, regions, who.minimum_coverage, localisers)
    rois = {key: Roi(key, {run: (one.index, one.weights) for run, one in runs.items()},
                     {run: one.coverage for run, one in runs.items()}) for key, runs in places.items()}
    found = connect(fits, rois, item.asked)
    paths = [layout.subject_connectivity(who.subject), layout.subject_connectivity_exclusions(who.subject),
             layout.subject_connectivity_notes(who.subject)]
    write_table(found.table, CONNECTIVITY, paths[0])
    write_table(exclusion_frame(found.exclusions), EXCLUSIONS, paths[1])
    write_json(paths[2], {"notes": found.notes})
    return paths


@dataclass(frozen=True)
class CompareItem:
    """The group comparison of connectivity: the study, what is asked, covariates and scores by subject, the lock."""

    study: Study
    asked: tuple[Connection, ...]
    covariates: pd.DataFrame
    scores: pd.DataFrame
    lock: Judged | None = None


def compare(layout: Layout, item: CompareItem) -> list[Path]:
    """Compare the groups in every connection, by the same group stage as responses."""
    from deltaroi import group

    study = item.study
    design = GroupDesign.from_study(study.groups, study.dataset.sessions,
                                    item.covariates.rename_axis("participant_id").reset_index())
    design = replace(design, associations=about(study.associations, "connectivity"), scores=item.scores)
    spec = study.group.model_copy(update={"multilevel": False, "factorials": {}})
    values = read_table(layout.table(CONNECTIVITY.name), CONNECTIVITY)
    tables: dict[str, list[pd.DataFrame]] = {}
    gone: list[Exclusion] = []
    said: dict[str, list[str]] = {"warnings": [], "notes": []}
    for one in item.asked:
        mine = replace(design, apart=_apart(one, item.lock))
        found = group.analyse(as_responses(values, one), mine, spec, study.regions.family)
        tables.setdefault(CONNECTIVITY_EFFECTS.name, []).append(
            as_connections(found.effects, CONNECTIVITY_EFFECTS, one))
        for name, schema in _BESIDE.items():
            if name in found.beside:
                tables.setdefault(schema.name, []).append(as_connections(found.beside[name], schema, one))
        gone += [_of_connection(row, one) for row in found.exclusions]
        said["warnings"] += [f"connectivity {one.name}: {text}" for text in found.warnings]
        said["notes"] += [f"connectivity {one.name}: {text}" for text in found.notes]
    retire_connectivity(layout, values=False)
    paths = [layout.connectivity_exclusions, layout.connectivity_notes]
    write_table(exclusion_frame(gone), EXCLUSIONS, paths[0])
    write_json(paths[1], said)
    for schema in (CONNECTIVITY_EFFECTS, *_BESIDE.values()):
        if schema.name in tables:
            paths.append(layout.table(schema.name))
            whole = conform(pd.concat(tables[schema.name], ignore_index=True), schema)
            write_table(marked(whole, schema.name, item.lock), schema, paths[-1])
    return paths


def _apart(one: Connection, lock: Judged | None) -> frozenset[tuple[str, RoiKey]]:
    """The targets that were added to those of a lock, as the group stage knows them."""
    added = lock.apart if lock else frozenset()
    return frozenset((contrast, replace(roi, region=coupling(one.seed, roi.region))) for contrast, roi in added
                     if roi in one.targets)


def _of_connection(row: Exclusion, one: Connection) -> Exclusion:
    """An exclusion of the group stage, said of a connection."""
    region = one.name if row.region == NA else f"{one.name}: {row.region}"
    return replace(row, stage=STAGE, region=region, reason=row.reason.replace("no response", "no connectivity"))
