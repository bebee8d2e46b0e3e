"""Linear mixed models of one ROI: everybody who has a value takes part, complete or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from deltaroi.group.blocks import Array, Block, IntArray, Sample
from deltaroi.group.estimates import Estimate
from deltaroi.group.questions import Question
from deltaroi.specs import GroupStats
from deltaroi.stats import effect_size, evidence, linear, mixed, mixed_designs, permutation
from deltaroi.stats.effect_size import EffectSize
from deltaroi.stats.mixed_designs import Contrast, MixedDesign
from deltaroi.stats.mixed_robust import RobustMixed
from deltaroi.stats.profile import Profile, ProfileWelch
from deltaroi.stats.record import Test

NO_PROFILES = ("max-T is not computed for this mixed model (somebody lacks a session, covariates or a random slope "
               "enter, or it concerns some of several groups); p is corrected by Holm's method")
_SPREADS_DIFFER = 1.5


@dataclass(frozen=True, eq=False)
class _Values:
    """The values of one ROI in long form: one entry per subject and session that has one."""

    y: Array
    subject: IntArray
    group: IntArray
    session: IntArray
    covariates: Array


@dataclass
class MixedModels:
    """The fits of all ROIs, each made once.

    Attributes
    ----------
    sample : Sample
        The subjects.
    spec : GroupStats
        Random effects, times of the sessions, what to do when a random slope cannot be fitted.
    """

    sample: Sample
    spec: GroupStats
    _made: dict[tuple[int, int, bool], tuple[RobustMixed, MixedDesign, list[str]]] = field(default_factory=dict)

    def estimate(self, question: Question, kind: str, block: Block, roi: int) -> tuple[Estimate, list[str]]:
        """The numbers of one row, and remarks on its fit.

        Parameters
        ----------
        question : Question
            One whose model is ``lmm``.
        kind : str
            ``satterthwaite``, or ``cr2_welch``: errors from the subjects' residuals.
        block : Block
            The values.
        roi : int
            Position of the ROI in it.
        """
        constrained = question.mixed == "constrained"
        values = _long(block.values[roi], self.sample)
        model, design, remarks = self._fit(block, roi, values, constrained)
        contrast = _contrast(design, question, self.spec.times)
        if kind == "satterthwaite":
            test = mixed_designs.test_contrast(model.fit, contrast)
        else:
            test = model.test_joint(contrast.weights) if contrast.joint else model.test_weights(contrast.weights[0])
        counts = [int(np.unique(values.subject[values.group == k]).size) for k in question.groups]
        n = int(np.unique(values.subject[np.isin(values.group, question.groups)]).size)
        numbers = Estimate(test, n if len(counts) < len(self.sample.levels) else int(np.unique(values.subject).size),
                           *(counts if len(counts) == 2 else (None, None)))
        if constrained and kind == "satterthwaite":
            remarks = [*remarks, *_spreads(block.values[roi])]
        if question.joint:
            return _with_size(numbers, test), remarks
        return _with_bound(numbers, question, block.values[roi], self), remarks

    def _fit(self, block: Block, roi: int, values: _Values, constrained: bool,
             ) -> tuple[RobustMixed, MixedDesign, list[str]]:
        key = (id(block), roi, constrained)
        if key not in self._made:
            shape = (len(self.sample.levels), block.values.shape[2])
            design = mixed_designs.session_design(values.group, values.session, shape, values.covariates, constrained)
            self._made[key] = self._fitted(values, design, shape[1])
        return self._made[key]

    def _fitted(self, values: _Values, design: MixedDesign, sessions: int,
                ) -> tuple[RobustMixed, MixedDesign, list[str]]:
        def robust(fit: mixed.MixedFit, random: Array | None = None) -> RobustMixed:
            return RobustMixed(fit, values.y, design.matrix, values.subject, random, values.group)

        if self.spec.random == "intercept":
            fit = mixed.fit_mixed(values.y, design.matrix, values.subject)
            return robust(fit), design, [fit.note] if fit.note else []
        random = mixed_designs.slope_columns(values.session, self.spec.times or list(range(sessions)))
        fit = mixed.fit_mixed(values.y, design.matrix, values.subject, random)
        if fit.problem and self.spec.random == "slope_or_intercept":
            instead = mixed.fit_mixed(values.y, design.matrix, values.subject)
            why = f"a random intercept alone, as asked, because the random slope could not be fitted ({fit.problem})"
            return robust(instead), design, [why, *([instead.note] if instead.note else [])]
        return robust(fit, random), design, [fit.note] if fit.note else []


def profiles(question: Question, kind: str, family: Sequence[tuple[Block, int, Estimate]], sample: Sample,
             times: Sequence[float] | None) -> list[tuple[permutation.Statistic, int]]:
    """The max-T statistics of a group × session effect; none where the mixed model is not the ANOVA's equal.

    That is so when somebody lacks a session, when covariates or a random slope enter, and within one of several groups.
    """
    if question.mixed == "constrained" or len(question.groups) != len(sample.levels) or sample.covariates.shape[1] \
            or (len(sample.levels) < 2 and kind == "satterthwaite"):
        return []
    found: list[tuple[permutation.Statistic, int]] = []
    for block, roi, numbers in family:
        values = block.values[roi]
        there = np.isfinite(values)
        at = np.flatnonzero(there.all(axis=1)).astype(np.int64)
        if (there.any(axis=1) & ~there.all(axis=1)).any():
            return []
        make = Profile if kind == "satterthwaite" else ProfileWelch
        statistic = make(at, values[at], sample.group[at], _over(question, values.shape[1], times))
        own = float(statistic.absolute(np.arange(at.size)[None])[0]) if at.size else float("nan")
        shown = numbers.test.statistic ** (2 if numbers.test.kind == "t" else 1) if kind == "satterthwaite" else \
            float(stats.norm.isf(max(numbers.test.p, 1e-300) / 2))
        if np.isfinite(own) and not np.isclose(own, shown, rtol=1e-5):
            return []
        floor = 2**at.size if len(sample.levels) < 2 else permutation.distinct_relabellings(
            sample.group[at], None if sample.strata is None else sample.strata[at])
        found.append((statistic, floor))
    return found


def _over(question: Question, sessions: int, times: Sequence[float] | None) -> Array | None:
    """Weights of the sessions in one comparison; None for the omnibus test."""
    if question.mixed == "any":
        return None
    weights = np.zeros(sessions)
    if question.mixed == "trend":
        weights = np.arange(sessions, dtype=np.float64) if times is None else np.asarray(times, dtype=np.float64)
        return weights - weights.mean()
    weights[[question.last, question.first or 0]] = [1.0, -1.0]
    return weights


def _long(values: Array, sample: Sample) -> _Values:
    """Values of shape (subjects, sessions) as one vector, without those that are missing."""
    subject, session = np.nonzero(np.isfinite(values))
    people = np.unique(subject)
    covariates = np.zeros((subject.size, sample.covariates.shape[1]))
    for k in range(covariates.shape[1]):
        column = sample.covariates[:, k]
        covariates[:, k] = (column - column[people].mean() if people.size else column)[subject]
    return _Values(values[subject, session], subject.astype(np.int64), sample.group[subject], session.astype(np.int64),
                   covariates)


def _contrast(design: MixedDesign, question: Question, times: Sequence[float] | None) -> Contrast:
    """The contrast of a design that answers a question."""
    kind = "first" if question.mixed == "constrained" else question.mixed
    sessions = (question.last, question.first) if kind in ("first", "adjacent") else ()
    for contrast in mixed_designs.contrasts(design, times):
        if (contrast.kind, contrast.groups, contrast.sessions) == (kind, question.groups, sessions):
            return contrast
    raise LookupError(f"no contrast {kind} of groups {question.groups} and sessions {sessions}")


def _with_size(numbers: Estimate, test: Test) -> Estimate:
    size = effect_size.partial_eta2(test.statistic, test.df_between, test.df) if np.isfinite(test.statistic) else \
        EffectSize()
    return Estimate(test, numbers.n, numbers.n_first, numbers.n_second, size)


def _with_bound(numbers: Estimate, question: Question, values: Array, models: MixedModels) -> Estimate:
    """Equivalence against the bound, as for other coefficients; none for a trend, whose unit is another."""
    test = numbers.test
    detectable = evidence.detectable(test.df) * test.se if test.df >= 1 else float("nan")
    if question.mixed == "trend":
        return Estimate(test, numbers.n, numbers.n_first, numbers.n_second, mde=detectable)
    first = [values[models.sample.group == k, 0] for k in question.groups]
    bound = models.spec.equivalence_bounds_d * effect_size.pooled_sd(*(one[np.isfinite(one)] for one in first))
    bound = bound if bound > 0 else float("nan")
    return Estimate(test, numbers.n, numbers.n_first, numbers.n_second, bound=bound,
                    p_equivalence=evidence.equivalence_p(test, bound), mde=detectable)


def _spreads(values: Array) -> list[str]:
    """A remark where the last session varies more than the first: the constrained model's error is then too small."""
    spread = [float(np.nanstd(linear.centred(column[np.isfinite(column)]), ddof=1)) if np.isfinite(column).sum() > 2
              else float("nan") for column in (values[:, 0], values[:, -1])]
    if spread[0] > 0 and spread[1] / spread[0] > _SPREADS_DIFFER:
        return [f"the last session varies {spread[1] / spread[0]:.1f} times as much as the first, so this model's "
                "standard error is too small"]
    return []
