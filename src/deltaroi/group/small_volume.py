"""Voxels inside the ROIs: the study's question asked of every voxel, corrected over the voxels of each ROI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.grid import FloatArray, Grid, IntArray
from deltaroi.group.blocks import Block, Sample, families
from deltaroi.group.covariates import code_covariates
from deltaroi.group.design import GroupDesign
from deltaroi.group.estimates import Cases, columns_of, complete_cases, estimate, permutable
from deltaroi.group.families import arrange
from deltaroi.group.phases import primary_span
from deltaroi.group.questions import Question, phase_model, primary_model, questions
from deltaroi.group.small_volume_reading import SIGNIFICANT, sentence
from deltaroi.signal.session_map import SessionMap
from deltaroi.specs import GroupStats
from deltaroi.stats import linear, multiple
from deltaroi.stats.record import NAN
from deltaroi.stats.voxelwise import voxel_max_t
from deltaroi.tables import SMALL_VOLUME, conform
from deltaroi.types import Exclusion, RoiKey

SPECIFICATION = "main"
STAGE = "small-volume"
DIFFERENT_GRIDS = "the subjects lie on different grids, so their voxels are not the same places"
_FEWEST = 2


@dataclass(frozen=True, eq=False)
class VoxelMap:
    """The results of one ROI and contrast for viewing; ``n`` tested voxels.

    Attributes
    ----------
    key, contrast, grid : RoiKey, str, Grid
        What was tested, and where.
    kind : str
        What the statistic is: ``z`` of the same p as t or F, ``t`` or ``F``.
    unit : str
        Unit of the estimate.
    flat : ndarray of int64, shape (n,)
        Positions on the grid.
    statistic, estimate, corrected : ndarray, shape (n,)
        The statistic, with the sign of the estimate; the estimate (NaN for joint tests); one minus the corrected p.
    """

    key: RoiKey
    contrast: str
    grid: Grid
    kind: str
    unit: str
    flat: IntArray
    statistic: FloatArray
    estimate: FloatArray
    corrected: FloatArray


@dataclass(frozen=True, eq=False)
class SmallVolume:
    """What was found: the table (``tables.SMALL_VOLUME``), the maps, what could not be tested, how it was done."""

    table: pd.DataFrame
    maps: tuple[VoxelMap, ...]
    exclusions: tuple[Exclusion, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Asked:
    """One question of one set of subjects."""

    question: Question
    sample: Sample
    spec: GroupStats
    sessions: tuple[str, ...]
    minimum: float

    @property
    def wanted(self) -> tuple[str, ...]:
        """The sessions that are compared."""
        places = (self.question.last,) if self.question.first is None else (self.question.first, self.question.last)
        return tuple(self.sessions[k] for k in places)


@dataclass(frozen=True, eq=False)
class _Stack:
    """The voxels of one ROI and contrast that all subjects share; ``values`` (voxels, subjects, sessions)."""

    grid: Grid
    unit: str
    n_voxels: int
    flat: IntArray
    values: FloatArray


def small_volume(maps: Sequence[SessionMap], grids: Mapping[str, Grid], groups: Mapping[str, str], design: GroupDesign,
                 spec: GroupStats, family: str, minimum_coverage: float) -> SmallVolume:
    """Ask the study's question of every voxel of every ROI.

    Parameters
    ----------
    maps : sequence of SessionMap
        Of all subjects, in any order.
    grids : mapping of str to Grid
        By digest.
    groups : mapping of str to str
        Subject -> group label; not needed with one group.
    design : GroupDesign
        Sessions, groups, assignment, covariates.
    spec : GroupStats
        Estimator, errors, arrangements, seed.
    family : str
        ``contrast`` or ``all_contrasts``: the ROIs over which Holm's method corrects.
    minimum_coverage : float
        Least share of an ROI's weight that all subjects must share.

    Notes
    -----
    The arrangements are those of the test of the ROI's response in the same subjects. The ANCOVA has each voxel's own
    first session. Where the primary row is a mixed model, the last session is compared with the first by the model that
    comes next: ANCOVA for randomised groups, else the change score, or a paired t within one group.
    """
    sample = _sample(maps, groups, design)
    sessions = design.sessions or tuple(sorted({one.session for one in maps}))
    question = voxel_question(design, sessions, spec, covariates=sample.terms)
    asked = _Asked(question, sample, spec, sessions, minimum_coverage)
    cells: dict[tuple[str, RoiKey], dict[tuple[str, str], SessionMap]] = {}
    for one in maps:
        cells.setdefault((one.contrast, one.key), {})[one.subject, one.session] = one
    rows: list[dict[str, Any]] = []
    drawn: list[VoxelMap] = []
    lost: list[Exclusion] = []
    said: dict[str, None] = {}
    for (contrast, key), here in sorted(cells.items()):
        stack = _stack(f"{key.label} {contrast}", here, grids, asked)
        found = _test(key, contrast, stack, asked) if isinstance(stack, _Stack) else stack
        if isinstance(found, Exclusion):
            lost.append(found)
            continue
        row, picture, how = found
        rows.append(row)
        drawn.append(picture)
        said[f"{contrast}, voxels inside the ROIs: max-T over the voxels of each ROI, {how}"] = None
    for family_of in _families(rows, family, design.apart):
        holm = multiple.holm(np.array([row["p_peak"] for row in family_of]))
        for row, p in zip(family_of, holm, strict=True):
            row |= {"p_holm": float(p), "family_size": len(family_of)}
            row["reading"] = sentence(row, sample.levels, sessions, question)
    table = conform(pd.DataFrame(rows, columns=SMALL_VOLUME.names), SMALL_VOLUME, STAGE)
    return SmallVolume(table, tuple(drawn), tuple(lost), tuple(said))


def voxel_question(design: GroupDesign, sessions: tuple[str, ...], spec: GroupStats, *,
                   covariates: Mapping[str, tuple[int, ...]]) -> Question:
    """The primary question of a design, with the model that comes next where it is a mixed model."""
    several = design.levels is not None and len(design.levels) > 1
    phase = primary_span(sessions, spec)
    model = primary_model(sessions, design.levels, design.assignment, spec.primary) if phase is None else \
        phase_model(phase, design.levels, design.assignment, spec.primary)
    if model == "lmm":
        after = ("ancova" if design.assignment == "randomised" else "change") if several else "paired"
        spec = spec.model_copy(update={"primary": after if phase is None else "auto"})
    asked = questions(sessions, design.levels, design.assignment, spec, covariates=covariates)
    return next(question for question in asked if question.primary)


def _sample(maps: Sequence[SessionMap], groups: Mapping[str, str], design: GroupDesign) -> Sample:
    """The subjects that have a map, a listed group and all covariates."""
    levels = design.levels or ("all",)
    known = sorted({one.subject for one in maps})
    place = {s: 0 if design.levels is None else levels.index(groups[s]) for s in known
             if design.levels is None or groups.get(s) in levels}
    coded = code_covariates(design.covariates, list(place), design.strata)
    subjects = tuple(s for s in place if s not in coded.incomplete)
    return Sample(subjects, levels, np.array([place[s] for s in subjects], dtype=np.int64), coded.matrix(subjects),
                  coded.columns, coded.terms, coded.places(subjects))


def _stack(name: str, here: Mapping[tuple[str, str], SessionMap], grids: Mapping[str, Grid],
           asked: _Asked) -> _Stack | Exclusion:
    """The values of the shared voxels, or why there are none."""
    chosen = asked.question.groups if len(asked.question.groups) == 1 else range(len(asked.sample.levels))
    people = [(i, s) for i, s in enumerate(asked.sample.subjects) if asked.sample.group[i] in chosen
              and all((s, session) in here for session in asked.wanted)]
    used = [here[s, session] for _, s in people for session in asked.wanted]
    on = sorted({one.grid_digest for one in used})
    if len(on) > 1:
        return Exclusion(STAGE, region=name, reason=DIFFERENT_GRIDS, value=f"{len(on)} grids", threshold="1")
    if len(people) < _FEWEST:
        return Exclusion(STAGE, region=name, reason="too few subjects have every session that is compared",
                         value=str(len(people)), threshold=str(_FEWEST))
    flat = reduce(np.intersect1d, [one.flat for one in used])
    share = float(used[0].weights[np.isin(used[0].flat, flat)].sum() / np.mean([one.whole for one in used]))
    if share < asked.minimum or not flat.size:
        return Exclusion(STAGE, region=name, reason="the voxels that all subjects share are less of the ROI than the "
                         "minimum coverage", value=f"{share:.3f}", threshold=f"{asked.minimum:g}")
    values = np.full((flat.size, len(asked.sample.subjects), len(asked.sessions)), np.nan)
    for i, s in people:
        for session in asked.wanted:
            one = here[s, session]
            values[:, i, asked.sessions.index(session)] = one.values[np.searchsorted(one.flat, flat)]
    return _Stack(grids[on[0]], used[0].unit, max(one.n_voxels for one in used), flat, values)


def _test(key: RoiKey, contrast: str, stack: _Stack, asked: _Asked) -> tuple[dict[str, Any], VoxelMap, str] | Exclusion:
    """Every shared voxel: a row without the correction over ROIs, the map, and how subjects were rearranged."""
    question, kind = asked.question, asked.question.leading
    used = np.isfinite(stack.values).any(axis=(0, 2))
    whole = np.isfinite(stack.values[:, used][:, :, [asked.sessions.index(s) for s in asked.wanted]]).all(axis=(1, 2))
    block = Block(SPECIFICATION, contrast, (), (), (), stack.values[whole])
    cases = [complete_cases(question, block, v, asked.sample) for v in range(int(whole.sum()))]
    tests = [permutable(question, kind, one, asked.sample.strata) for one in cases]
    where = f"{key.label} {contrast}"
    nothing = Exclusion(STAGE, region=where, reason="no voxel has a test: values are missing, do not vary, or are too "
                        "few for the model", value=f"{stack.flat.size} voxels, {int(used.sum())} subjects")
    if not tests:
        return nothing
    made = arrange(question, kind, asked.sample, asked.spec, tests[0][0].subjects, everyone=True)
    found = voxel_max_t([test for test, _ in tests], made.rows, tests[0][1])  # type: ignore[misc]
    tested = np.flatnonzero(np.isfinite(found.p))
    if not tested.size:
        return nothing
    flat, p, observed = stack.flat[whole][tested], found.p[tested], found.observed[tested]
    effects = np.array([_effect(question, cases[int(v)]) for v in tested])
    peak = int(np.argmax(observed))
    top = estimate(question, kind, cases[int(tested[peak])], asked.spec.equivalence_bounds_d)
    place, few = stack.grid.world(stack.grid.unravel(flat[peak:peak + 1]))[0], int((p < SIGNIFICANT).sum())
    row: dict[str, Any] = {
        "specification": SPECIFICATION, "contrast": contrast, "region": key.region, "hemisphere": key.hemisphere,
        "definition": key.definition, "model": question.model, "term": question.term,
        "comparison": question.comparison, "se_kind": kind, "n": top.n, "n_voxels": stack.n_voxels,
        "n_voxels_shared": stack.flat.size, "n_voxels_tested": tested.size, "statistic": top.test.statistic,
        "statistic_kind": top.test.kind, "df": top.test.df, "estimate": top.test.estimate, "unit": stack.unit,
        "x_mm": place[0], "y_mm": place[1], "z_mm": place[2], "p_peak": p[peak], "n_voxels_significant": few,
        "extent_mm3": few * stack.grid.voxel_volume_mm3, "grid_digest": stack.grid.digest}
    shown = "z" if kind in ("welch", "hc2_welch") else top.test.kind
    signed = observed if question.joint else observed * np.sign(effects)
    return row, VoxelMap(key, contrast, stack.grid, shown, stack.unit, flat, signed, effects, 1 - p), made.said


def _effect(question: Question, cases: Cases) -> float:
    """The estimate of one voxel, by least squares as in the effects table; none for a joint test."""
    if question.model in ("paired", "one_sample"):
        return float(cases.outcome.mean())
    if question.joint:
        return NAN
    y, kept, dummies = columns_of(question, cases)
    return float(linear.fit(y, np.concatenate([kept, dummies], axis=1)).beta[kept.shape[1] + question.groups[0]])


def _families(rows: Sequence[dict[str, Any]], family: str,
              apart: Set[tuple[str, RoiKey]]) -> Iterator[list[dict[str, Any]]]:
    """The rows that are corrected together: as in the effects table."""
    frame = pd.DataFrame([{**row, "summary": "voxels"} for row in rows])
    sets: dict[tuple[str | bool, ...], list[dict[str, Any]]] = {}
    for part in families(frame, apart) if rows else ():
        first = rows[int(part.index[0])]
        added = (first["contrast"], RoiKey(first["region"], first["hemisphere"], first["definition"])) in apart
        name = (first["contrast"] if family == "contrast" else "", "+".join(sorted(set(part["definition"]))), added)
        sets.setdefault(name, []).extend(rows[int(i)] for i in part.index)
    yield from sets.values()
