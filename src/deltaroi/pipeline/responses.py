"""The responses stage: subject by subject, with what the subjects tell each other about functional ROIs before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.pipeline import record, work_items
from deltaroi.pipeline.declared import declared, functional_rois
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.plan import PlannedRun
from deltaroi.pipeline.stages import Work
from deltaroi.pipeline.steps import Step
from deltaroi.responses import contrast_name
from deltaroi.tables import EXCLUSIONS, RESPONSES, RUN_VALUES, SELECTIONS, exclusion_rows
from deltaroi.types import NA, Exclusion

_EXCHANGE = "localisers"


def responses(work: Work) -> pd.DataFrame:
    """Combine runs into responses, subject by subject, and write ``responses.tsv`` and the tables beside it."""
    specs = functional_rois(work.study)
    fitted = by_subject(work, work.plan.runs)
    choosing = by_subject(work, work.plan.localisers)
    work.told_digests = _exchange(work, fitted)
    tables, chosen, single = [], [], []
    for subject in summarise_subjects(work):
        table = read_table(work.layout.subject_responses(subject), RESPONSES)
        tables.append(table.assign(group=work.plan.groups.get(subject, NA)))
        single.append(read_table(work.layout.subject_runs(subject), RUN_VALUES))
        if specs:
            chosen.append(read_table(work.layout.subject_selections(subject), SELECTIONS))
        _repeat_notes(work, subject, [*fitted[subject], *choosing.get(subject, [])])
    _write_selections(work.layout, chosen)
    alone = pd.concat(single, ignore_index=True) if single else pd.DataFrame(columns=RUN_VALUES.names)
    write_table(alone, RUN_VALUES, work.layout.table(RUN_VALUES.name))
    empty = pd.DataFrame(columns=RESPONSES.names)
    whole = pd.concat(tables, ignore_index=True) if tables else empty
    return write_table(whole, RESPONSES, work.layout.table("responses"))


def summarise_subjects(work: Work) -> list[str]:
    """Do the step of every subject; returns those who have responses, and lists what is not in them."""
    fields = declared(work.study)["responses"]
    choosing = by_subject(work, work.plan.localisers)
    fitted = by_subject(work, work.plan.runs)
    steps, items = [], []
    for subject, mine in fitted.items():
        local = choosing.get(subject, [])
        upstream = (*upstream_of(work, (*mine, *local)), *work.told_digests)
        labels: dict[str, Any] = {"runs": [p.run.key.label for p in mine]}
        labels |= {"localisers": [p.run.key.label for p in local]} if functional_rois(work.study) else {}
        steps.append(Step("responses", f"sub-{subject}", 2, {**fields, **labels}, upstream, ()))
        items.append(summary_item(work, subject, mine, local))
    digests = work.do("responses", steps, items, work_items.summarise)
    for subject, digest in zip(fitted, digests, strict=True):
        if isinstance(digest, Failure):
            work.exclusions.append(lost_subject(work, subject, digest))
        else:
            work.response_digests[subject] = digest
            work.exclusions += exclusion_rows(read_table(work.layout.subject_exclusions(subject), EXCLUSIONS))
    return [subject for subject in fitted if subject in work.response_digests]


def by_subject(work: Work, runs: Sequence[PlannedRun]) -> dict[str, list[PlannedRun]]:
    """The fitted runs of each subject, subjects in order."""
    found: dict[str, list[PlannedRun]] = {}
    for planned in runs:
        if planned.run.key in work.fit_digests:
            found.setdefault(planned.run.key.subject, []).append(planned)
    return dict(sorted(found.items()))


def summary_item(work: Work, subject: str, mine: Sequence[PlannedRun],
                 local: Sequence[PlannedRun] = ()) -> work_items.SummaryItem:
    """What a step about one subject is given: its tested runs, and those of localiser tasks."""
    return work_items.SummaryItem(
        subject, tuple((p.run.key, p.grid.digest) for p in mine), work.study.summary,
        work.study.regions.minimum_coverage, tuple((p.run.key, p.grid.digest) for p in local),
        functional_rois(work.study))


def upstream_of(work: Work, runs: Sequence[PlannedRun]) -> tuple[str, ...]:
    """Digests of the fits of these runs, and of the ROIs on their grids."""
    grids = dict.fromkeys(p.grid.digest for p in runs)
    return (*(work.fit_digests[p.run.key] for p in runs), *(work.region_digests[grid] for grid in grids))


def _exchange(work: Work, fitted: Mapping[str, Sequence[PlannedRun]]) -> tuple[str, ...]:
    """Where other subjects choose voxels: what every subject tells, in one file; returns its digest, or nothing."""
    digests = tell_others(work, fitted)
    if not digests:
        work.layout.voxel_effects.unlink(missing_ok=True)
        return ()
    work.exclusions += lost_subjects(work, digests)
    told = tuple(subject for subject in fitted if not isinstance(digests[subject], Failure))
    step = Step(_EXCHANGE, "group", 1, {"subjects": told}, tuple(str(digests[subject]) for subject in told), ())
    (digest,) = work.do(_EXCHANGE, [step], [told], work_items.gather_localisers)
    if isinstance(digest, Failure):
        raise digest.error or RuntimeError(digest.trace)
    return (digest,)


def tells_others(study: Study) -> bool:
    """Whether the responses of a subject need what all others tell."""
    return any(spec.select_from == "other_subjects" for spec in functional_rois(study).values())


def tell_others(work: Work, fitted: Mapping[str, Sequence[PlannedRun]]) -> dict[str, str | Failure]:
    """Where other subjects choose voxels: what every subject tells them; nothing where nobody asks."""
    asked = {name: contrast_name(spec) for name, spec in functional_rois(work.study).items()
             if spec.select_from == "other_subjects"}
    if not asked or not fitted:
        return {}
    fields = {"contrasts": asked, "minimum_coverage": work.study.regions.minimum_coverage}
    steps = [Step(_EXCHANGE, f"sub-{subject}", 1, {**fields, "runs": [p.run.key.label for p in mine]},
                  upstream_of(work, mine), ()) for subject, mine in fitted.items()]
    items = [summary_item(work, subject, mine) for subject, mine in fitted.items()]
    return dict(zip(fitted, work.do(_EXCHANGE, steps, items, work_items.localise), strict=True))


def _repeat_notes(work: Work, subject: str, runs: Sequence[PlannedRun]) -> None:
    """What the first level of one subject noticed: choices are notes, everything else is a warning."""
    choices = {note for planned in runs for note in planned.run.notes}
    for note in work_items.subject_notes(work.layout, subject):
        (work.notes if note in choices else work.warnings).append(note)


def _write_selections(layout: Layout, chosen: Sequence[pd.DataFrame]) -> None:
    """Write ``selections.tsv``, or take away that of an earlier run."""
    path = layout.table("selections")
    if chosen:
        write_table(pd.concat(chosen, ignore_index=True), SELECTIONS, path)
        return
    path.unlink(missing_ok=True)
    path.with_suffix(".json").unlink(missing_ok=True)


def lost_subjects(work: Work, found: Mapping[str, str | Failure]) -> list[Exclusion]:
    """The exclusions of the subjects whose step failed."""
    return [lost_subject(work, subject, digest) for subject, digest in found.items() if isinstance(digest, Failure)]


def lost_subject(work: Work, subject: str, failure: Failure, stage: str = "responses") -> Exclusion:
    """The exclusion of a subject whose step failed; a bug leaves its traceback in the logs."""
    if failure.error is None:
        record.write_log(work.layout, f"sub-{subject}", failure.trace)
    reason = failure.error.message if failure.error else "unexpected error (a bug: please report)"
    return Exclusion(stage, subject, reason=f"failed: {reason}", failure=True)
