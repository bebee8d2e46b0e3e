"""What chooses the voxels of functional ROIs: checked against the study, and planned where it is a task of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deltaroi.config.study import Study
from deltaroi.errors import StudyError, did_you_mean
from deltaroi.grid import Grid
from deltaroi.io.bids import plain
from deltaroi.io.expectations import DatasetQuery
from deltaroi.io.inventory import find_runs
from deltaroi.io.looks import Looks
from deltaroi.pipeline.declared import functional_rois, localiser_weights
from deltaroi.pipeline.expected import check_names
from deltaroi.pipeline.preflight import Preflight, decides, inspect
from deltaroi.pipeline.run_looks import RunLooks
from deltaroi.responses import CHOOSES, TOO_FEW, Part, Seen, contrast_name, is_named, parts
from deltaroi.specs import Functional, FunctionalRoi
from deltaroi.types import CIRCULAR, NA, Exclusion, RoiKey, is_own

if TYPE_CHECKING:
    from deltaroi.pipeline.plan import PlannedRun


@dataclass(frozen=True, eq=False)
class LocaliserRuns:
    """Runs of localiser tasks: those that can be fitted, rows of those that cannot, what the fits will leave out."""

    checked: tuple[Preflight, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    foreseen: tuple[Exclusion, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Choices per run, which the fits will repeat."""
        return tuple(note for one in self.checked for note in one.notes)


def localiser_study(study: Study, task: str) -> Study:
    """The study of a localiser task: each trial type is a condition, and only the localiser contrasts are asked for."""
    contrasts = {contrast_name(spec): contrast_name(spec) for spec in functional_rois(study).values()
                 if spec.task == task}
    dataset = study.dataset.model_copy(update={"task": task})
    return study.model_copy(update={"dataset": dataset, "conditions": {}, "contrasts": contrasts})


def check_functional(study: Study) -> None:
    """Hold the functional ROIs against the rest of the study file.

    Raises
    ------
    StudyError
        A contrast that the study does not have, a localiser task that is the tested task, one session where other
        sessions are to choose.
    """
    for name, roi in study.regions.custom.items():
        if not isinstance(roi, FunctionalRoi):
            continue
        spec, where = roi.functional, f"regions.custom.{name}.functional"
        if spec.task is None and spec.contrast not in study.contrasts:
            raise StudyError(f"the study has no contrast '{spec.contrast}'; it has {', '.join(study.contrasts)}",
                             where=f"{where}.contrast", hint=did_you_mean(spec.contrast, study.contrasts) or
                             "name one of these, or add it to `contrasts:`")
        if spec.task == study.dataset.task:
            raise StudyError(f"'{spec.task}' is the tested task itself", where=f"{where}.task",
                             hint="use `select_from: other_runs`, `other_sessions` or `runs`")
        if spec.select_from == "other_sessions" and len(study.dataset.sessions) < 2:
            raise StudyError("the study has no other session", where=f"{where}.select_from",
                             hint="use other_runs, other_subjects, runs or task")
    localiser_weights(study)  # whether the expressions can be read


def check_run_labels(study: Study, checked: Sequence[Preflight]) -> None:
    """Hold the named runs against the runs that there are.

    Raises
    ------
    StudyError
        A label that no run has, or labels that leave no run to be tested.
    """
    known = sorted({one.run.key.run for one in checked})
    for name, spec in functional_rois(study).items():
        where = f"regions.custom.{name}.functional.runs"
        lacking = [label for label in spec.runs if plain("run", label) not in {plain("run", k) for k in known}]
        if lacking and known:
            raise StudyError(f"no run of the task has the label '{lacking[0]}'; the labels are {', '.join(known)}",
                             where=where, hint=did_you_mean(lacking[0], known) or "name one of these")
        if spec.runs and known and {plain("run", k) for k in known} <= {plain("run", label) for label in spec.runs}:
            raise StudyError("every run is named to choose voxels, so none is left to be tested", where=where,
                             hint="name fewer runs, or use `select_from: other_runs`")


def find_localisers(study: Study, query: DatasetQuery, tested: Mapping[str, Sequence[Grid]],
                    looks: Looks) -> LocaliserRuns:
    """Find the runs of the localiser tasks, in every session that has them.

    Parameters
    ----------
    study : Study
        The study.
    query : DatasetQuery
        Where its own runs were looked for.
    tested : mapping of str to sequence of Grid
        Subject -> the grids of its tested runs; nobody else needs a localiser.
    looks : Looks
        Earlier looks at the runs.

    Raises
    ------
    StudyError
        A task that nobody has, or a trial type that no run has.
    """
    usable: list[Preflight] = []
    rows: list[Exclusion] = []
    later: list[Exclusion] = []
    warnings: list[str] = []
    for task in localiser_weights(study):
        mine = {f"regions.custom.{name}.functional": spec for name, spec in functional_rois(study).items()
                if spec.task == task}
        first = next(iter(mine))
        try:
            found = find_runs(replace(query, task=task, every_session=True))
        except StudyError as error:
            at = f"{first}.task" if error.where == "dataset.task" else error.where
            raise StudyError(error.message, where=at, hint=error.hint) from error
        local = localiser_study(study, task)
        known = RunLooks.deciding(looks, decides(local))
        looked = [inspect(run, local, known) for run in found.runs if run.key.subject in tested]
        check_names(local, looked,
                    {contrast_name(spec): f"{where}.contrast" for where, spec in mine.items()})
        kept = [_on_a_tested_grid(one, tested[one.run.key.subject]) for one in looked]
        usable += [one for one in kept if one.ok]
        has = {one.run.key.subject for one in kept if one.ok}
        gone = [row for row in found.exclusions if row.subject in tested and not _needless(row, has)]
        rows += [of_task(task, row) for row in (*gone, *(row for one in kept for row in one.exclusions))]
        later += [of_task(task, row) for one in kept if one.ok for row in one.foreseen]
        warnings += [f"localiser task {task}: {text}" for text in found.warnings]
    return LocaliserRuns(tuple(usable), tuple(rows), tuple(later), tuple(warnings))


def _needless(row: Exclusion, has: Collection[str]) -> bool:
    """Whether a session simply has no localiser, of somebody who has one in another session."""
    return row.subject in has and row.run == NA and not row.failure


def _on_a_tested_grid(one: Preflight, grids: Sequence[Grid]) -> Preflight:
    """Leave out a localiser run that lies on another grid than all tested runs of its subject."""
    if not one.ok or one.grid is None or any(grid.same_as(one.grid) for grid in grids):
        return one
    key = one.run.key
    row = Exclusion("inputs", key.subject, key.session, key.run, value=one.run.bold.name,
                    reason="lies on another grid than the subject's tested runs, so it cannot choose voxels for them")
    return replace(one, exclusions=(row,))


def of_task(task: str, row: Exclusion) -> Exclusion:
    """A row that says that it is about a localiser run."""
    return replace(row, reason=f"localiser task {task}: {row.reason}")


def about_circular(rois: Sequence[RoiKey]) -> list[str]:
    """A warning that names the circular ROIs; none where there is none."""
    names = list(dict.fromkeys(key.region for key in rois if key.definition == CIRCULAR))
    return [f"circular: the voxels of {', '.join(names)} are chosen with the data that are tested in them; the "
            "estimates are inflated and their p values mean nothing"] if names else []


def about_named_runs(study: Study, runs: Sequence[PlannedRun]) -> list[str]:
    """A warning per ROI whose named runs are not in every session of somebody: they favour the sessions they are in."""
    out = []
    for name, spec in functional_rois(study).items():
        sessions: dict[str, set[str]] = {}
        choosing: dict[str, set[str]] = {}
        for one in runs:
            key = one.run.key
            for seen in (sessions, choosing) if is_named(spec, key) else (sessions,):
                seen.setdefault(key.subject, set()).add(key.session)
        partly = [subject for subject, found in choosing.items() if found != sessions[subject]]
        if partly:
            out.append(f"{name}: the runs that choose its voxels are not in every session of {len(partly)} subject(s): "
                       f"{', '.join(partly[:5])}{', …' if len(partly) > 5 else ''}; the voxels favour the response of "
                       "the sessions that have them, which can look like a change")
    return out


def foresee_choices(study: Study, rois: Sequence[RoiKey], runs: Sequence[PlannedRun],
                    localisers: Sequence[PlannedRun],
                    sizes: Mapping[tuple[str, RoiKey], int] | None = None) -> tuple[Exclusion, ...]:
    """Runs and sessions that are not measured in a functional ROI, as far as files show, in the responses' words.

    Parameters
    ----------
    study : Study
        The study.
    rois : sequence of RoiKey
        Its ROIs.
    runs, localisers : sequence of PlannedRun
        The runs that will be fitted.
    sizes : mapping of (str, RoiKey) to int, optional
        Grid digest and functional ROI -> voxels to choose from, where this is known.
    """
    rows: list[Exclusion] = []
    for key, spec in _functional(study, rois):
        named = [one.run.key for one in runs if one.contrasts and is_named(spec, one.run.key)]
        rows += [Exclusion("responses", run.subject, run.session, run.run, key.label, CHOOSES) for run in named]
        for subject in sorted({one.run.key.subject for one in runs}):
            for part in _parts(spec, subject, runs, localisers):
                what = _short_of(spec, part, key, sizes or {})
                rows += [Exclusion("responses", subject, part.session, part.run, key.label, *what)] if what else []
    return tuple(rows)


def without_choice(study: Study, rois: Sequence[RoiKey], runs: Sequence[PlannedRun],
                   localisers: Sequence[PlannedRun], sizes: Mapping[tuple[str, RoiKey], int]) -> tuple[RoiKey, ...]:
    """The functional ROIs that nobody will be measured in; parameters as in :func:`foresee_choices`."""
    people = {one.run.key.subject for one in runs}
    return tuple(key for key, spec in _functional(study, rois)
                 if all(_short_of(spec, part, key, sizes) for subject in people
                        for part in _parts(spec, subject, runs, localisers)))


def _functional(study: Study, rois: Sequence[RoiKey]) -> list[tuple[RoiKey, Functional]]:
    specs = functional_rois(study)
    return [(key, specs[key.region]) for key in rois if key.region in specs and is_own(key.definition)]


def _short_of(spec: Functional, part: Part, key: RoiKey,
              sizes: Mapping[tuple[str, RoiKey], int]) -> tuple[str, str, str] | None:
    """Why no voxels can be chosen for some runs, what was found and what is needed; None when they can."""
    if part.problem:
        return part.problem, part.value, part.threshold
    size = sizes.get((part.grid, key))
    if spec.strongest is not None and size is not None and size < spec.strongest:
        return TOO_FEW, str(size), str(spec.strongest)
    return None


def _parts(spec: Functional, subject: str, runs: Sequence[PlannedRun],
           localisers: Sequence[PlannedRun]) -> tuple[Part, ...]:
    name = contrast_name(spec)
    pool = [one for one in (*runs, *(one for one in localisers if one.run.key.task == spec.task)) if one.contrasts]
    seen = [Seen(one.run.key, one.grid.digest, name in one.contrasts) for one in pool
            if one.run.key.subject == subject]
    others: dict[str, set[str]] = {}
    for one in runs:
        if one.run.key.subject != subject and name in one.contrasts:
            others.setdefault(one.grid.digest, set()).add(one.run.key.subject)
    return parts(spec, seen, {grid: len(people) for grid, people in others.items()})
