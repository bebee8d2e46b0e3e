"""The multiverse: all models of a run from one read, and the responses of all specifications from what they leave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from deltaroi.errors import DataError
from deltaroi.firstlevel import FirstLevelTask, RunFit, Wanted, fit_runs, save_fit
from deltaroi.io.files import write_json
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.masks import RegionSet, load_regions
from deltaroi.pipeline import record, stages, work_items
from deltaroi.pipeline.declared import SPECIFICATIONS as SPECIFICATIONS_STAGE
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.multiverse_fits import Loader, earlier
from deltaroi.pipeline.multiverse_plan import (
    Model,
    asked,
    models,
    models_by_name,
    multiverse_lines,
    named,
    of_models,
)
from deltaroi.pipeline.plan import PlannedRun
from deltaroi.pipeline.responses import by_subject, lost_subject
from deltaroi.pipeline.stages import Work
from deltaroi.pipeline.steps import Step
from deltaroi.responses import Asked, summarise_each
from deltaroi.specs import MAIN
from deltaroi.tables import EXCLUSIONS, RESPONSES, SPECIFICATIONS, exclusion_frame, exclusion_rows
from deltaroi.types import CIRCULAR, FUNCTIONAL, NA, Exclusion, RunKey

STAGE = SPECIFICATIONS_STAGE


@dataclass(frozen=True)
class FitsItem:
    """One run to be fitted: as ``main``, and in the other models of the multiverse."""

    main: work_items.FitItem
    models: tuple[Model, ...]


def first_level(work: Work) -> None:
    """Fit every run in all models; what one read serves is one piece of work, and each model a step of its own."""
    made = models(work.study)
    if not made:
        stages.first_level(work)
        return
    steps, items = stages.fit_steps(work)
    groups = [[step] for step in steps]
    whole = [FitsItem(item, made if item.run.key in {p.run.key for p in work.plan.runs} else ()) for item in items]
    for group, item in zip(groups, whole, strict=True):
        group += [_step(work, group[0], item, model) for model in item.models]
    found = work.do_together("first-level", groups, whole, fit_all)
    stages.note_fits(work, [digests[0] for digests in found])
    for item, digests in zip(whole, found, strict=True):
        _note_models(work, item, digests)


def _step(work: Work, main: Step, item: FitsItem, model: Model) -> Step:
    """The step of one model of a run: what decides that of ``main``, its own model, and what it shares arrays with."""
    base = {one.name: one.first_level for one in item.models} | {MAIN: work.study.first_level}
    fields = {**main.fields, "first_level": model.first_level.model_dump(mode="json"), "model": model.name,
              "base": base[model.base].model_dump(mode="json") if model.base else None}
    others = work.other_digests.get(item.main.grid_digest)
    return Step("first-level", f"{main.item}_model-{model.name}", 1, fields, (*main.upstream, *filter(None, [others])),
                main.inputs)


def _note_models(work: Work, item: FitsItem, digests: Sequence[str | Failure]) -> None:
    """Keep what came of the models; one row per reason why a model is not there, unless the run is lost for all."""
    key = item.main.run.key
    lost: dict[tuple[str, str, bool], list[str]] = {}
    for model, digest in zip(item.models, digests[1:], strict=True):
        if not isinstance(digest, Failure):
            work.model_digests[key, model.name] = digest
        elif digest.error is None:
            path = record.write_log(work.layout, f"{key.label}_{model.name}", digest.trace)
            reason = "failed: unexpected error (a bug: please report)"
            lost.setdefault((reason, path.relative_to(work.layout.root).as_posix(), True), []).append(model.name)
        elif not isinstance(digests[0], Failure) or digests[0].error != digest.error:
            file = Path(digest.error.where).name or NA
            lost.setdefault((digest.error.message, file, False), []).append(model.name)
    models_of = models_by_name(work.study) if lost else {}
    for (reason, value, failure), names in lost.items():
        whom = named(models_of, of_models(models_of, names))
        work.exclusions.append(Exclusion("first-level", key.subject, key.session, key.run, value=value, failure=failure,
                                         reason=f"not fitted for {whom}: {reason}"))


def fit_all(layout: Layout, item: FitsItem, wanted: Sequence[int]) -> Iterator[tuple[int, list[Path] | Failure]]:
    """Fit one run in those of its models that are wanted: 0 is ``main``, the others follow."""
    main = item.main
    if not item.models:
        yield from work_items.Alone(work_items.fit)(layout, main, wanted)
        return
    own = work_items.load_region_set(layout, main.grid_digest)
    every = all_regions(layout, own)
    ways = [Wanted(own, main.first_level), *(Wanted(every, model.first_level) for model in item.models)]
    kept: dict[str, RunFit] = {}
    bases = {model.base for model in item.models if model.base}
    task = FirstLevelTask(main.first_level, main.conditions, main.contrasts)
    for place, found in fit_runs(main.run, [ways[n] for n in wanted], task):
        n = wanted[place]
        if isinstance(found, DataError):
            yield n, Failure(found, "")
            continue
        name, base = (MAIN, None) if n == 0 else (item.models[n - 1].name, item.models[n - 1].base)
        if name in bases:
            kept[name] = found
        path = layout.run_fit(main.run.key, None if n == 0 else name)
        save_fit(path, found, kept.get(base) or earlier(layout, main.run.key, base) if base else None)
        yield n, [path]


def all_regions(layout: Layout, own: RegionSet) -> RegionSet:
    """The ROIs of all specifications on one grid, without functional ones; ``own`` are those of ``main``."""
    path = layout.other_regions(own.grid.digest)
    more = load_regions(path).rois if path.is_file() else ()
    return replace(own, rois=tuple(roi for roi in (*own.rois, *more)
                                   if roi.key.definition not in (FUNCTIONAL, CIRCULAR)))


@dataclass(frozen=True)
class SubjectItem:
    """One subject to be summarised in all specifications but ``main``.

    ``models`` has the runs that each model was fitted in, with the digests of their grids.
    """

    subject: str
    asked: tuple[Asked, ...]
    models: Mapping[str, tuple[tuple[RunKey, str], ...]]
    made: tuple[Model, ...]
    minimum_coverage: float


def responses(work: Work, main: pd.DataFrame) -> pd.DataFrame:
    """Add the responses of the other specifications to those of ``main``, and write which specifications there are."""
    if not work.study.specifications[1:]:
        retire_specifications(work.layout)
        return main
    tables = [main]
    for subject in summarise_subjects(work):
        table = read_table(work.layout.subject_specifications(subject), RESPONSES)
        tables.append(table.assign(group=work.plan.groups.get(subject, NA)))
        work.warnings += json.loads(work.layout.subject_specification_notes(subject).read_text())["notes"]
    _write_specifications(work)
    return write_table(pd.concat(tables, ignore_index=True), RESPONSES, work.layout.table("responses"))


def summarise_subjects(work: Work) -> list[str]:
    """Do the step of every subject; returns those who have responses, and lists what is not in them."""
    if not work.study.specifications[1:]:
        return []
    steps, items = _subject_work(work)
    there = []
    for item, digest in zip(items, work.do(STAGE, steps, items, summarise), strict=True):
        if isinstance(digest, Failure):
            work.exclusions.append(lost_subject(work, item.subject, digest))
            continue
        work.specification_digests[item.subject] = digest
        there.append(item.subject)
        known = set(work.exclusions)
        rows = exclusion_rows(read_table(work.layout.subject_specification_exclusions(item.subject), EXCLUSIONS))
        work.exclusions += [row for row in rows if row not in known]
    return there


def _subject_work(work: Work) -> tuple[list[Step], list[SubjectItem]]:
    """What is to be summarised, subject by subject."""
    wanted, made = asked(work.study), models(work.study)
    minimum = work.study.regions.minimum_coverage
    steps, items = [], []
    for subject, runs in _by_subject(work).items():
        there = {name: tuple((p.run.key, p.grid.digest) for p in runs if _fitted(work, p.run.key, name))
                 for name in dict.fromkeys(one.model for one in wanted)}
        grids = dict.fromkeys(p.grid.digest for p in runs)
        upstream = (work.response_digests.get(subject, ""),
                    *(_fitted(work, key, name) for name, mine in there.items() for key, _ in mine),
                    *(work.region_digests[grid] for grid in grids),
                    *(work.other_digests[grid] for grid in grids if grid in work.other_digests))
        fields = {"specifications": [[one.name, one.model, one.summary, [key.label for key in one.rois]]
                                     for one in wanted],
                  "minimum_coverage": minimum,
                  "runs": {name: [key.label for key, _ in mine] for name, mine in there.items()}}
        steps.append(Step(STAGE, f"sub-{subject}", 1, fields, upstream, ()))
        items.append(SubjectItem(subject, wanted, there, made, minimum))
    return steps, items


def _fitted(work: Work, key: RunKey, name: str) -> str:
    """Digest of a run's fit in a model; empty where it has none."""
    return work.fit_digests.get(key, "") if name == MAIN else work.model_digests.get((key, name), "")


def _by_subject(work: Work) -> dict[str, list[PlannedRun]]:
    """The runs of each subject that were fitted in some model, subjects in order."""
    found = by_subject(work, work.plan.runs)
    fitted = {key for key, _ in work.model_digests}
    for planned in work.plan.runs:
        mine = found.setdefault(planned.run.key.subject, [])
        if planned not in mine and planned.run.key in fitted:
            mine.append(planned)
    return {subject: runs for subject, runs in sorted(found.items()) if runs}


def summarise(layout: Layout, item: SubjectItem) -> list[Path]:
    """The responses of one subject in all specifications but ``main``."""
    grids = {digest for runs in item.models.values() for _, digest in runs}
    regions = {digest: all_regions(layout, work_items.load_region_set(layout, digest)) for digest in sorted(grids)}
    in_fits: dict[Exclusion, list[str]] = {}
    notes: dict[str, list[str]] = {}

    loader = Loader(layout, item.made)

    def load(name: str) -> list[RunFit]:
        fits = [loader.load(key, name) for key, _ in item.models[name]]
        for fit in fits:
            for row in fit.exclusions:
                in_fits.setdefault(row, []).append(name)
            for note in fit.notes:
                notes.setdefault(note, []).append(name)
        return fits

    found = summarise_each(item.asked, load, regions, item.minimum_coverage)
    models_of = {one.name: one.model for one in item.asked}
    lost = {row: of_models(models_of, names) for row, names in in_fits.items()} | dict(found.exclusions)
    known = layout.subject_exclusions(item.subject)
    of_main = set(exclusion_rows(read_table(known, EXCLUSIONS))) if known.is_file() else set()
    rows = [replace(row, reason=f"{row.reason} ({named(models_of, names)})")
            for row, names in lost.items() if row not in of_main]
    said = layout.subject_notes(item.subject)
    of_main_too = set(work_items.subject_notes(layout, item.subject)) if said.is_file() else set()
    paths = [layout.subject_specifications(item.subject), layout.subject_specification_exclusions(item.subject),
             layout.subject_specification_notes(item.subject)]
    write_table(found.table, RESPONSES, paths[0])
    write_table(exclusion_frame(rows), EXCLUSIONS, paths[1])
    write_json(paths[2], {"notes": [f"{note} (models {', '.join(dict.fromkeys(names))})"
                                    for note, names in notes.items() if note not in of_main_too]})
    return paths


def _write_specifications(work: Work) -> None:
    rows = [{"specification": one.name, **one.choices, "definition": one.definition or NA, "fit": one.fit,
             "model": one.model} for one in work.study.specifications]
    write_table(pd.DataFrame(rows), SPECIFICATIONS, work.layout.table(SPECIFICATIONS.name))


def foresee_lines(work: Work) -> Iterator[str]:
    """How many specifications, models and reads a run would take; as far as marks tell."""
    lines = list(multiverse_lines(work.study, work.plan.rois))
    if lines:
        yield from (line.strip() for line in lines)
        labels = [planned.run.key.label for planned in work.plan.runs]
        ends = ["", *(f"_model-{model.name}" for model in models(work.study))]
        there = [all((work.layout.marks / "first-level" / f"{label}{end}.json").is_file() for end in ends)
                 for label in labels]
        yield f"{there.count(False)} of {len(labels)} images will be read, each once"


def retire_specifications(layout: Layout) -> None:
    """Remove the list of specifications; the responses of single subjects stay."""
    path = layout.table(SPECIFICATIONS.name)
    path.unlink(missing_ok=True)
    path.with_suffix(".json").unlink(missing_ok=True)
