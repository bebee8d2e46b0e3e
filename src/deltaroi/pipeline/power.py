"""Power by simulation: the study's own design and analysis, with assumed or piloted spreads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from deltaroi.config.read import read_study
from deltaroi.config.study import Study
from deltaroi.errors import StudyError, UsageError
from deltaroi.group.options import CompareOptions
from deltaroi.group.pilot import Pilot, read_pilot
from deltaroi.group.power import Assumed, Counts, check, count
from deltaroi.group.power_answers import answers
from deltaroi.io.files import write_json
from deltaroi.io.tsv import write_table
from deltaroi.pipeline.executor import Failure, LocalExecutor
from deltaroi.pipeline.power_assumptions import assume, described, subjects_per_group, unit_of
from deltaroi.pipeline.progress import Progress, Quiet
from deltaroi.specs import Power
from deltaroi.stats.monte_carlo import wilson
from deltaroi.tables import POWER

DRAWS, DRAWS_MIXED = 1000, 200
_PIECE = 50
_STAGE = "power"


@dataclass(frozen=True)
class PowerOptions:
    """What the command line says beside the study file.

    Attributes
    ----------
    pilot : Path or None
        Table of ROI values from which SDs and correlations are estimated, instead of those of the study file.
    contrast : str or None
        Which contrast of it, where it has several.
    group_column : str
        Its column of groups.
    instead : mapping
        Fields of the section ``power`` -> values that take their place.
    """

    pilot: Path | None = None
    contrast: str | None = None
    group_column: str = "group"
    instead: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class PowerResult:
    """What a power analysis found.

    Attributes
    ----------
    out, page : Path
        Folder and page.
    table : DataFrame
        Conformed to ``tables.POWER``.
    answers : dict of str to tuple of str
        What follows, in sentences, per criterion.
    notes : tuple of str
        What was assumed, in sentences.
    """

    out: Path
    page: Path
    table: pd.DataFrame
    answers: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]


def power(study_path: str | Path, out: str | Path, options: PowerOptions | None = None, *, jobs: int | None = None,
          progress: Progress | None = None) -> PowerResult:
    """Simulate a study's own analysis and count how often it finds an effect.

    Parameters
    ----------
    study_path : path
        The study file; of its dataset only the session labels are used, so the data need not exist.
    out : path
        Folder for ``power.tsv``, ``power.json`` and ``power.html``.
    options : PowerOptions, optional
        The pilot, and what takes the place of the section ``power``.
    jobs : int, optional
        Worker processes; default: ``execution.jobs``. Never changes a number.
    progress : Progress, optional
        Is told how far the work has come.

    Raises
    ------
    StudyError
        The study file, or its section ``power``, says something that cannot be.
    UsageError
        An option does.
    DataError
        The pilot cannot be used.
    """
    from deltaroi.report.power_page import write_power_page

    given = options or PowerOptions()
    study, folder = read_study(study_path), Path(out)
    section = _section(study, given, str(study_path))
    pilot = _pilot(study, given)
    with _placed(str(study_path), given):
        assumed = assume(study, section, pilot)
        entries = subjects_per_group(section, assumed.levels)
        if not section.effects:
            raise StudyError("no effect is given", where="power.effects", hint="list them there, or with --effects")
        for n in entries:
            check(assumed, n)
    scale = assumed.baseline_sd if section.effects_in == "d" else 1.0
    effects = tuple(sorted(effect * scale for effect in section.effects))
    draws = section.draws or (DRAWS_MIXED if assumed.question.model == "lmm" else DRAWS)
    found = _simulated(assumed, entries, effects, draws, (jobs or study.execution.jobs, progress or Quiet()))
    rows = [row for n, counts in zip(entries, found, strict=True)
            for row in _rows(assumed, n, effects, counts, unit_of(study, pilot))]
    table = write_table(pd.DataFrame(rows, columns=POWER.names), POWER, folder / "power.tsv")
    said, notes = answers(table), described(study, section, assumed, pilot, draws)
    write_json(folder / "power.json", {**POWER.sidecar(), "Power": {
        "Study": study.name, "Description": study.description, "Notes": list(notes),
        "Answers": {criterion: list(sentences) for criterion, sentences in said.items()},
        "Assumed": _assumed(assumed, draws, pilot)}})
    return PowerResult(folder, write_power_page(folder), table, said, notes)


def _section(study: Study, given: PowerOptions, where: str) -> Power:
    """The section, with what the command line says instead."""
    if study.power is None and given.pilot is None:
        raise StudyError("the study file has no section power, and no --pilot is given", where=f"{where}: power",
                         hint="say in it n, effects, sd, correlation and roi_correlation; configs/template.yaml shows "
                              "them")
    data = (study.power or Power()).model_dump()
    try:
        return Power.model_validate({**data, **(given.instead or {})})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else "power"
        raise UsageError(first["msg"].removeprefix("Value error, "), where=f"--{key}",
                         hint=Power.model_fields[key].description or "" if key in Power.model_fields else "") from error


def _pilot(study: Study, given: PowerOptions) -> Pilot | None:
    if given.pilot is None:
        return None
    levels = tuple(study.groups.levels) if study.groups is not None and len(study.groups.levels) > 1 else ()
    options = CompareOptions(tuple(study.dataset.sessions), levels, group_column=given.group_column,
                             assignment=study.groups.assignment if study.groups is not None else "randomised")
    return read_pilot(given.pilot, options, given.contrast)


class _placed:
    """Says of an error about the section where it stands: in the study file, or in an option."""

    def __init__(self, where: str, given: PowerOptions) -> None:
        self.where, self.instead = where, given.instead or {}

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, StudyError):
            return
        key = error.where.removeprefix("power.")
        if key in self.instead:
            raise UsageError(error.message, where=f"--{key}", hint=error.hint) from error
        raise StudyError(error.message, where=f"{self.where}: {error.where}", hint=error.hint) from error


def _simulated(assumed: Assumed, entries: Sequence[tuple[int, ...]], effects: tuple[float, ...], draws: int,
               work: tuple[int, Progress]) -> list[Counts]:
    """The counts for each entry of n; pieces of draws are worked on apart."""
    jobs, shown = work
    starts = range(0, draws, _PIECE)
    items = [(assumed, n, effects, range(start, min(start + _PIECE, draws))) for n in entries for start in starts]
    shown.start(_STAGE, len(items))
    done: list[Counts] = []
    for result in LocalExecutor(jobs).map(_piece, items, lambda: shown.advance(_STAGE)):
        if isinstance(result, Failure):
            raise result.error or RuntimeError(result.trace)
        done.append(result)
    shown.end(_STAGE)
    return [_together(done[i:i + len(starts)]) for i in range(0, len(done), len(starts))]


def _piece(item: tuple[Assumed, tuple[int, ...], tuple[float, ...], range]) -> Counts:
    return count(*item)


def _together(parts: Sequence[Counts]) -> Counts:
    return Counts(sum(part.draws for part in parts), np.sum([part.found for part in parts], axis=0),
                  np.sum([part.covered for part in parts], axis=0))


def _rows(assumed: Assumed, n: tuple[int, ...], effects: Sequence[float], counts: Counts, unit: str,
          ) -> Iterator[dict[str, Any]]:
    """Rows of the table; power is averaged over the affected ROIs, its interval counts studies, not ROIs."""
    question, tests = assumed.question, counts.draws * assumed.affected
    for e, effect in enumerate(effects):
        for c, criterion in enumerate(assumed.criteria):
            rate = float(counts.found[e, c]) / tests
            low, high = wilson(rate, counts.draws)
            yield {"n_per_group": "/".join(map(str, n)), "n": sum(n), "n_first": n[0],
                   "n_second": n[1] if len(n) > 1 else np.nan, "effect": effect,
                   "effect_d": effect / assumed.baseline_sd, "unit": unit, "criterion": criterion,
                   "alpha": assumed.alpha, "power": rate, "power_low": low, "power_high": high, "draws": counts.draws,
                   "coverage": float(counts.covered[e]) / tests, "model": question.model, "term": question.term,
                   "comparison": question.comparison, "se_kind": question.leading, "rois": assumed.rois,
                   "affected": assumed.affected}


def _assumed(assumed: Assumed, draws: int, pilot: Pilot | None) -> dict[str, Any]:
    """What was assumed, for JSON."""
    out: dict[str, Any] = {
        "groups": list(assumed.levels), "sessions": list(assumed.sessions),
        "sd": {level: dict(zip(assumed.sessions, row, strict=True))
               for level, row in zip(assumed.levels, assumed.sd, strict=True)},
        "baseline_sd": assumed.baseline_sd, "correlation": assumed.correlation,
        "roi_correlation": assumed.roi_correlation, "rois": assumed.rois, "affected": assumed.affected,
        "covariates": assumed.covariates, "alpha": assumed.alpha, "criteria": list(assumed.criteria), "draws": draws,
        "seed": assumed.seed, "group": assumed.stats.model_dump(mode="json"),
    }
    if pilot is not None:
        out["pilot"] = {
            "contrast": pilot.contrast, "unit": pilot.unit, "n": list(pilot.n), "rois": pilot.rois,
            "sd": [[[one.value, one.low, one.high] for one in row] for row in pilot.sd],
            **{name: [None if np.isnan(x) else x for x in (one.value, one.low, one.high)] for name, one in
               (("correlation", pilot.correlation), ("roi_correlation", pilot.roi_correlation))}}
    return out
