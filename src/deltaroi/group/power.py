"""Simulated studies of a design, each analysed as the group stage analyses a real one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from deltaroi.errors import StudyError
from deltaroi.group.blocks import Array, Block, Sample
from deltaroi.group.estimates import Estimate, complete_cases, permutable, tested
from deltaroi.group.families import rearranged
from deltaroi.group.mixed_models import MixedModels, profiles
from deltaroi.group.questions import Question, questions
from deltaroi.specs import GroupStats
from deltaroi.stats import multiple
from deltaroi.stats.record import Test
from deltaroi.types import RoiKey


@dataclass(frozen=True)
class Assumed:
    """What is simulated, and how it is tested.

    Attributes
    ----------
    levels, sessions : tuple of str
        Groups (``all`` where there is one) and sessions (at least one).
    question : Question
        The study's primary one.
    sd : tuple of tuple of float
        SD of the values per group and session, in their unit.
    correlation, roi_correlation : float
        Of two sessions of one subject, and of two ROIs; all pairs alike.
    rois, affected : int
        ROIs of the family; the first so many of them have the effect.
    covariates : int
        Covariates in the model, which have nothing to do with the values: each costs a degree of freedom.
    alpha : float
        Two-sided level.
    criteria : tuple of str
        ``uncorrected``, ``holm``, ``max_t``.
    stats : GroupStats
        Errors, arrangements, random effects; its permutations are those of ``max_t``.
    seed : int
        Of the draws.
    """

    levels: tuple[str, ...]
    sessions: tuple[str, ...]
    question: Question
    sd: tuple[tuple[float, ...], ...]
    correlation: float
    roi_correlation: float
    rois: int
    affected: int
    covariates: int
    alpha: float
    criteria: tuple[str, ...]
    stats: GroupStats
    seed: int

    @property
    def baseline_sd(self) -> float:
        """Root mean square over groups of the SDs of the first session: the unit of d."""
        return float(np.sqrt(np.mean([row[0] ** 2 for row in self.sd])))


@dataclass(frozen=True, eq=False)
class Counts:
    """What some draws came to.

    Attributes
    ----------
    draws : int
    found : ndarray, shape (effects, criteria)
        Rejections in the ROIs that have the effect.
    covered : ndarray, shape (effects,)
        95 % intervals there that hold the effect; NaN for F tests, which have none.
    """

    draws: int
    found: Array
    covered: Array


def primary_question(sessions: tuple[str, ...], levels: tuple[str, ...] | None, assignment: str | None,
                     spec: GroupStats, covariates: int) -> Question:
    """The primary question of a design, with its leading errors alone.

    Raises
    ------
    StudyError
        ``primary`` or ``times`` do not fit the design.
    """
    terms = {f"covariate{k + 1}": (k,) for k in range(covariates)}
    chosen = next(q for q in questions(sessions, levels, assignment, spec, covariates=terms) if q.primary)
    return replace(chosen, kinds=(chosen.leading,))


def check(assumed: Assumed, n: tuple[int, ...]) -> None:
    """Refuse a design that cannot be simulated or tested.

    Raises
    ------
    StudyError
        The correlation cannot be that of so many sessions; there are too few subjects for the model; or max-T does not
        exist for it.
    """
    many = len(assumed.sessions)
    if many > 1 and not assumed.correlation > -1 / (many - 1):
        raise StudyError(f"found {assumed.correlation:g}: {many} sessions cannot all correlate by that",
                         where="power.correlation", hint=f"it must be above {-1 / (many - 1):.3g}")
    q = assumed.question
    if "max_t" in assumed.criteria and q.model == "lmm" and (
            assumed.covariates or assumed.stats.random != "intercept"
            or (len(assumed.levels) < 2 and q.leading == "satterthwaite")):
        raise StudyError("max-T is not computed for this mixed model: it needs a random intercept, no covariates, "
                         "and for one group robust errors", where="power.criteria", hint="use holm")
    block, sample = simulate(assumed, n, 0)
    test = _tests(assumed, block, sample, [0])[0].test
    if not np.isfinite(test.p):
        raise StudyError(f"{'/'.join(map(str, n))} subjects cannot be tested: {test.problem}", where="power.n",
                         hint="more subjects are needed")


def simulate(assumed: Assumed, n: tuple[int, ...], draw: int) -> tuple[Block, Sample]:
    """The values of one simulated study without effect; the same draw of the same n is always the same.

    Parameters
    ----------
    assumed : Assumed
    n : tuple of int
        Subjects per group.
    draw : int
        Number of the simulated study.
    """
    rng = np.random.default_rng([assumed.seed, draw, *n])
    group = np.repeat(np.arange(len(n)), n).astype(np.int64)
    noise = rng.standard_normal((assumed.rois, group.size, len(assumed.sessions)))
    roots = [np.linalg.cholesky(np.full((k, k), r) + (1 - r) * np.eye(k))
             for k, r in ((assumed.rois, assumed.roi_correlation), (len(assumed.sessions), assumed.correlation))]
    values = np.einsum("pr,ris,ts->pit", roots[0], noise, roots[1], optimize=True) * np.asarray(assumed.sd)[group]
    rois = tuple(RoiKey(f"roi{k + 1}", "B", "simulated") for k in range(assumed.rois))
    block = Block("main", "simulated", ("mean",) * assumed.rois, rois, ("simulated",) * assumed.rois, values)
    columns = tuple(f"covariate{k + 1}" for k in range(assumed.covariates))
    sample = Sample(tuple(f"{i:05d}" for i in range(group.size)), assumed.levels, group,
                    rng.standard_normal((group.size, len(columns))), columns,
                    {name: (k,) for k, name in enumerate(columns)})
    return block, sample


def count(assumed: Assumed, n: tuple[int, ...], effects: tuple[float, ...], draws: range) -> Counts:
    """Analyse simulated studies and count in how many the effect is found.

    Parameters
    ----------
    assumed : Assumed
    n : tuple of int
        Subjects per group.
    effects : tuple of float
        In the unit of the values: how much more the first group changes, from the first session to every later one.
    draws : range
        Numbers of the simulated studies; all effects are added to the same ones.
    """
    found, covered = np.zeros((len(effects), len(assumed.criteria))), np.zeros(len(effects))
    corrected = set(assumed.criteria) != {"uncorrected"}
    hit, rest = range(assumed.affected), range(assumed.affected, assumed.rois) if corrected else range(0)
    for draw in draws:
        block, sample = simulate(assumed, n, draw)
        others = _tests(assumed, block, sample, rest)
        for e, effect in enumerate(effects):
            changed = with_effect(assumed, block, sample, effect)
            rows = [*_tests(assumed, changed, sample, hit), *others]
            p = np.array([row.test.p for row in rows])
            for c, criterion in enumerate(assumed.criteria):
                decisive = p if criterion == "uncorrected" else multiple.holm(p) if criterion == "holm" else \
                    _family_wise(assumed, changed, sample, rows, draw)
                found[e, c] += int((decisive[:assumed.affected] <= assumed.alpha).sum())
            covered[e] += sum(_covers(row.test, effect) for row in rows[:assumed.affected])
    return Counts(len(draws), found, covered)


def with_effect(assumed: Assumed, block: Block, sample: Sample, effect: float) -> Block:
    """The same study with an effect in the first group: in every session after the first that is compared."""
    values = block.values.copy()
    later = slice((assumed.question.first or 0) + 1 if len(assumed.sessions) > 1 else 0, None)
    values[: assumed.affected, sample.group == 0, later] += effect
    return replace(block, values=values)


def _tests(assumed: Assumed, block: Block, sample: Sample, rois: range | list[int]) -> list[Estimate]:
    """The primary test in some ROIs."""
    question = assumed.question
    if question.model == "lmm":
        models = MixedModels(sample, assumed.stats)
        return [models.estimate(question, question.leading, block, roi)[0] for roi in rois]
    return [Estimate(tested(question, question.leading, complete_cases(question, block, roi, sample)),
                     len(sample.subjects)) for roi in rois]


def _family_wise(assumed: Assumed, block: Block, sample: Sample, rows: list[Estimate], draw: int) -> Array:
    """P by max-T with arrangements of this draw's own; by Holm where the fit of a mixed model allows none."""
    question = assumed.question
    if question.model == "lmm":
        tests = profiles(question, question.leading, [(block, roi, row) for roi, row in enumerate(rows)], sample,
                         assumed.stats.times)
    else:
        tests = [permutable(question, question.leading, complete_cases(question, block, roi, sample), None)
                 for roi in range(assumed.rois)]
    if not tests:
        return multiple.holm(np.array([row.test.p for row in rows]))
    seed = int(np.random.SeedSequence([assumed.seed, draw, 1]).generate_state(1)[0])
    spec = assumed.stats.model_copy(update={"seed": seed})
    return rearranged(tests, question, question.leading, sample, spec)[0].p


def _covers(test: Test, effect: float) -> float:
    if test.kind == "F":
        return float("nan")
    return float(test.ci_low <= effect <= test.ci_high)
