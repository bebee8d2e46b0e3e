"""What a run would use and what not, and the exit code it would end with.

Reads no voxel of BOLD; writes nothing but the user's cache (:mod:`deltaroi.io.looks`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from deltaroi.config.read import read_study
from deltaroi.config.study import Study
from deltaroi.io.looks import looks_of
from deltaroi.masks import roi_notes
from deltaroi.pipeline.check_models import check_models
from deltaroi.pipeline.check_rois import COLUMNS, check_rois, choice_sizes
from deltaroi.pipeline.connectivity_check import connection_lines, foresee_connectivity
from deltaroi.pipeline.declared import functional_rois
from deltaroi.pipeline.localisers import foresee_choices, without_choice
from deltaroi.pipeline.lock import judge
from deltaroi.pipeline.lock_file import find_lock
from deltaroi.pipeline.multiverse_plan import multiverse_lines, other_rois
from deltaroi.pipeline.plan import Plan, foresee_group, make_plan
from deltaroi.pipeline.progress import Progress, Quiet
from deltaroi.pipeline.scores import foresee_scores
from deltaroi.pipeline.small_volume import foresee_small_volume
from deltaroi.report.independence import functional_words
from deltaroi.report.locked import Locked
from deltaroi.tables import exclusion_frame
from deltaroi.types import NA, Exclusion

_SHOWN = 6


@dataclass(frozen=True, eq=False)
class CheckResult:
    """What a run of a study would do.

    Attributes
    ----------
    study : Study
        The study.
    plan : Plan
        What would be run.
    subjects : DataFrame
        One row per group: ``group``, ``subjects`` in the plan, one column per session with the subjects that have a
        usable run in it, ``complete`` (usable runs in every session).
    runs : DataFrame
        One row per usable run: ``subject session run group volumes tr_s slice_time_ref contrasts bold events mask
        confounds`` (file names).
    exclusions : DataFrame
        What is left out before anything is computed (``tables.EXCLUSIONS``).
    foreseen : DataFrame
        What the later stages will leave out, as far as files show it (``tables.EXCLUSIONS``).
    rois : DataFrame
        One row per ROI: ``region hemisphere definition usable note``; empty when no image could be read.
    warnings : tuple of str
        What to know before trusting the data; those that many runs share carry their count.
    notes : tuple of str
        Choices that were made on the way, with the number of runs they concern.
    exit_code : int
        0, 4 (nothing usable is left, or an ROI cannot be drawn) or 5 (something is lost to an unreadable or failing
        input).
    lock : Locked or None
        The preregistration lock beside the study file, and what differs from it.
    """

    study: Study
    plan: Plan
    subjects: pd.DataFrame
    runs: pd.DataFrame
    exclusions: pd.DataFrame
    foreseen: pd.DataFrame
    rois: pd.DataFrame
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    exit_code: int
    lock: Locked | None = None

    def lines(self) -> Iterator[str]:
        """The result as plain text."""
        yield from _overview(self)
        if self.lock is not None:
            yield from self.lock.lines()
        yield from _listed("left out", self.plan.exclusions)
        yield from _listed("will be left out later", self.plan.foreseen)
        for warning in self.warnings:
            yield f"warning: {warning}"
        for note in self.notes:
            yield f"note: {note}"
        words = {0: "done", 4: "nothing usable is left", 5: "done, with losses to unreadable or failing inputs"}
        yield f"`deltaroi run` would end with exit code {self.exit_code}: {words[self.exit_code]}"


def check(study_path: str | Path, progress: Progress | None = None, jobs: int | None = 1) -> CheckResult:
    """Look at what a study would use.

    Parameters
    ----------
    study_path : path
        The study file.
    progress : Progress, optional
        Is told how far the work has come.
    jobs : int or None
        Worker processes; None: ``execution.jobs`` of the study file. Never changes what is found.

    Returns
    -------
    CheckResult

    Raises
    ------
    StudyError
        The study file says something that cannot be, or names what the dataset does not have; its lock cannot be used.
    DataError
        A folder or ``participants.tsv`` cannot be read.
    """
    path = Path(study_path)
    study = read_study(path)
    lock = find_lock(study, path)
    shown = progress or Quiet()
    plan = make_plan(study, path, progress=shown)
    counted = {note: f"{note} ({number} runs)" for note, number in sorted(Counter(plan.notes).items())}
    choices = {note for planned in (*plan.runs, *plan.localisers) for note in planned.run.notes}
    notes = tuple(text for note, text in counted.items() if note in choices)
    odd = tuple(text for note, text in counted.items() if note not in choices)
    base = path.resolve().parent
    wanted = (*plan.rois, *other_rois(study, plan.rois))
    rois, empty = check_rois(study, wanted, plan.grids[0], base) if plan.grids else (pd.DataFrame(columns=COLUMNS), ())
    plan, unfit = (plan, ()) if plan.maps else check_models(
        study, plan, looks_of("models", path), shown, study.execution.jobs if jobs is None else jobs)
    chosen = (plan.rois, plan.runs, plan.localisers, choice_sizes(study, plan.rois, plan.grids, base))
    plan = replace(plan, foreseen=(*unfit, *foresee_choices(study, *chosen),
                                   *foresee_group(study, plan.runs, plan.covariates), *_scoreless(study, plan),
                                   *plan.measured.exclusions, *foresee_small_volume(study, plan),
                                   *foresee_connectivity(study, plan), *empty))
    lost = {row.region for row in empty} | {key.label for key in without_choice(study, *chosen)}
    return CheckResult(study, plan, _subject_table(study, plan), _run_table(plan), exclusion_frame(plan.exclusions),
                       exclusion_frame(plan.foreseen), rois,
                       (*plan.warnings, *odd, *roi_notes(study.regions, study.dataset.space)), notes,
                       _exit_code(plan, rois, len(lost)), judge(study, path, lock).locked if lock else None)


def _scoreless(study: Study, plan: Plan) -> tuple[Exclusion, ...]:
    """Who will be left out of an association."""
    subjects = {one.run.key.subject for one in plan.runs}
    return foresee_scores(study, subjects, plan.groups, plan.covariates, plan.scores).exclusions


def _exit_code(plan: Plan, rois: pd.DataFrame, lost: int) -> int:
    if not any(one.contrasts for one in plan.runs) or not all(rois["usable"]) or lost == len(rois):
        return 4
    return 5 if any(row.failure for row in (*plan.exclusions, *plan.foreseen)) else 0


def _subject_table(study: Study, plan: Plan) -> pd.DataFrame:
    """Subjects per group and session."""
    sessions = list(study.dataset.sessions) or [NA]
    have = {(one.run.key.subject, one.run.key.session) for one in plan.runs}
    subjects = sorted({subject for subject, _ in have})
    rows = []
    for group in (study.groups.levels if study.groups else ["everybody"]):
        mine = [s for s in subjects if plan.groups.get(s, "everybody") == group]
        counts = {session: sum((s, session) in have for s in mine) for session in sessions}
        complete = sum(all((s, session) in have for session in sessions) for s in mine)
        rows.append({"group": group, "subjects": len(mine), **counts, "complete": complete})
    return pd.DataFrame(rows)


def _run_table(plan: Plan) -> pd.DataFrame:
    columns = ["subject", "session", "run", "group", "volumes", "tr_s", "slice_time_ref", "contrasts", "bold", "events",
               "mask", "confounds"]
    rows = []
    for one in plan.runs:
        run, key = one.run, one.run.key
        rows.append([key.subject, key.session, key.run, plan.groups.get(key.subject, NA), one.n_volumes, run.tr_s,
                     run.slice_time_ref, ", ".join(one.contrasts), run.bold.name,
                     *(path.name if path else NA for path in (run.events, run.mask, run.confounds))])
    return pd.DataFrame(rows, columns=columns)


def _overview(result: CheckResult) -> Iterator[str]:
    plan, study = result.plan, result.study
    makers = [f"{maker.get('Name', '?')} {maker.get('Version', '')}".strip()
              for maker in plan.inputs.get("derivatives", {}).get("GeneratedBy", [])]
    source = f"maps of {Path(study.dataset.maps).name}" if study.dataset.maps else \
        f"derivatives by {', '.join(makers) or 'not stated'}"
    runs = "sessions with maps" if plan.maps else "runs"
    yield f"study {study.name}: task {study.dataset.task}, space {study.dataset.space}, {source}"
    if plan.simulated:
        yield "the data are simulated"
    shown = result.subjects.astype(str)
    cells = [list(map(str, shown.columns)), *shown.to_numpy().tolist()]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    for row in cells:
        yield "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
    yield f"{len(plan.runs)} {runs} of {len({one.run.key.subject for one in plan.runs})} subjects will be used"
    for grid in plan.grids:
        number = sum(one.grid is grid for one in plan.runs)
        size = " × ".join(f"{edge:g}" for edge in grid.voxel_sizes.round(3))
        yield f"  grid {' × '.join(map(str, grid.shape))}, {size} mm: {number} {runs}"
    for name in study.contrasts:
        number = sum(name in one.contrasts for one in plan.runs)
        yield f"  contrast {name}: {number} of {len(plan.runs)} {runs}"
    yield f"  {len(plan.rois)} ROIs: {', '.join(roi.label for roi in plan.rois)}"
    yield from multiverse_lines(study, plan.rois)
    for name, one in study.behaviour.items():
        taken = one.of_sessions(study.dataset.sessions)
        yield (f"  behaviour {name}: {', '.join(taken.values())} of {len(plan.measured.table)} participants, with or "
               "without a usable run")
    if study.group.small_volume:
        yield "  every voxel inside the ROIs is tested too (group.small_volume)"
    yield from connection_lines(study, plan)
    yield from _choosing(result)
    notes: dict[tuple[str, bool], list[str]] = {}
    for roi in result.rois.itertuples(index=False):
        if roi.note:
            notes.setdefault((str(roi.note), bool(roi.usable)), []).append(f"{roi.region}-{roi.hemisphere}")
    for (note, usable), names in notes.items():
        yield f"  {'note' if usable else 'CANNOT BE DRAWN'}: {_some(names)}: {note}"


def _choosing(result: CheckResult) -> Iterator[str]:
    """What chooses the voxels of functional ROIs."""
    for name, spec in functional_rois(result.study).items():
        yield f"  {name}: {functional_words(spec)}{' (CIRCULAR)' if spec.allow_circular else ''}"
    for task in dict.fromkeys(one.run.key.task for one in result.plan.localisers):
        mine = [one for one in result.plan.localisers if one.run.key.task == task]
        yield (f"  localiser task {task}: {len(mine)} runs of {len({one.run.key.subject for one in mine})} subjects "
               "choose voxels")


def _listed(title: str, rows: Sequence[Exclusion]) -> Iterator[str]:
    """Exclusions by reason, each with its count and whom it concerns."""
    if not rows:
        return
    reasons: dict[tuple[str, bool], list[Exclusion]] = {}
    for row in rows:
        reasons.setdefault((row.reason, row.failure), []).append(row)
    yield f"{title} ({len(rows)}):"
    for (reason, failure), group in sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])):
        yield f"  {len(group)} × {reason}{' [failing input]' if failure else ''}"
        yield f"      {_some(_who(row) for row in group)}"
        values = sorted({row.value for row in group} - {NA})
        if values:
            asked = sorted({row.threshold for row in group} - {NA})
            yield f"      found: {_some(values)}{f'; asked for: {_some(asked)}' if asked else ''}"


def _who(row: Exclusion) -> str:
    parts = [("sub-", row.subject), ("ses-", row.session), ("run-", row.run), ("", row.region)]
    return " ".join(f"{prefix}{value}" for prefix, value in parts if value != NA)


def _some(words: Iterable[str]) -> str:
    """The first few different words."""
    known = list(dict.fromkeys(words))
    return ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else "")
