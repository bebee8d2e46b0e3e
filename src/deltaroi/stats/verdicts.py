"""One reported claim against one new result: everything that is compared, the verdict and its sentence.

The words and their order were fixed before any replication was looked at; ``docs/replication.md`` explains them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from deltaroi.stats.record import NAN
from deltaroi.stats.replication import (
    ALPHA,
    Prediction,
    ReplicationBayes,
    Telescopes,
    comparable,
    detectable_effect,
    prediction_interval,
    replication_bayes,
    small_telescopes,
    within_bound_p,
)
from deltaroi.stats.standardised import Result


@dataclass(frozen=True)
class Claim:
    """What a study claimed.

    Attributes
    ----------
    kind : str
        ``effect`` or ``null`` ("no difference").
    direction : int
        1 or -1: the sign the reported effect has on the scale of the new result; 0 where not stated.
    original : Result, optional
        The reported result on a standardised scale, with the same sign; None where the report gives no number.
    problem : str
        Why the claim cannot be tested; empty when it can.
    """

    kind: str
    direction: int = 0
    original: Result | None = None
    problem: str = ""

    @property
    def sign(self) -> int:
        """1, -1, or 0: of the reported number, else of the stated direction."""
        return (_sign(self.original.value) if self.original is not None else 0) or _sign(self.direction)


@dataclass(frozen=True)
class Comparison:
    """A claim and the new result, side by side.

    Attributes
    ----------
    claim : Claim
        What was reported.
    new : Result
        What was found.
    problem : str
        Why nothing can be said; empty when something can.
    size_problem : str
        Why sizes were not compared, so that only the direction counts; empty when they were.
    prediction : Prediction
        Where the new value was to be expected.
    bayes : ReplicationBayes
        The replication Bayes factor.
    telescopes : Telescopes
        Small telescopes.
    detectable_80 : float
        The effect that the original had 80 % power to detect; NaN where unknown.
    bound, equivalence_p : float
        The bound of equivalence in the unit of the new value, and the p of lying within it; NaN without one.
    """

    claim: Claim
    new: Result
    problem: str
    size_problem: str
    prediction: Prediction
    bayes: ReplicationBayes
    telescopes: Telescopes
    detectable_80: float = NAN
    bound: float = NAN
    equivalence_p: float = NAN

    @property
    def direction_agrees(self) -> bool | None:
        """Whether the new value has the reported sign; None where none was reported."""
        return _sign(self.new.value) == self.claim.sign if self.claim.sign else None

    @property
    def new_side(self) -> int:
        """1 or -1 where the new interval lies wholly above or below 0, else 0."""
        return _side(self.new)

    @property
    def original_side(self) -> int:
        """The same of the original's interval; 0 where there is none."""
        return _side(self.claim.original) if self.claim.original is not None and not self.size_problem else 0

    @property
    def new_ci_holds_reported(self) -> bool | None:
        """Whether the reported value lies in the new 95 % confidence interval; None where sizes were not compared."""
        if self.size_problem or self.claim.original is None:
            return None
        return self.new.low <= self.claim.original.value <= self.new.high

    @property
    def prediction_holds_new(self) -> bool | None:
        """Whether the new value lies in the 95 % prediction interval; None where there is none."""
        return None if self.prediction.problem else self.prediction.low <= self.new.value <= self.prediction.high

    @property
    def too_small(self) -> bool:
        """Whether the new effect is detectably smaller than what the original had one third power for."""
        return self.telescopes.p < ALPHA

    @property
    def confirmed(self) -> bool:
        """Whether the new interval excludes 0 in the reported direction."""
        return self.new_side != 0 and self.new_side == self.claim.sign


def compare(claim: Claim, new: Result, bound: float = NAN) -> Comparison:
    """Compute everything that is said about a claim, given the new result.

    Parameters
    ----------
    claim : Claim
        What was reported.
    new : Result
        What was found.
    bound : float
        The study's bound of equivalence in the unit of the new value; NaN for none. Only null claims are judged by it.
    """
    problem, original = _problem(claim, new), claim.original
    equivalence = NAN if problem else within_bound_p(new, bound)
    size_problem = problem or ("the report gives no size" if original is None else comparable(original, new))
    if size_problem or original is None:
        return Comparison(claim, new, problem, size_problem, Prediction(problem=size_problem),
                          ReplicationBayes(problem=size_problem), Telescopes(problem=size_problem), NAN, bound,
                          equivalence)
    return Comparison(claim, new, "", "", prediction_interval(original, new), replication_bayes(original, new),
                      small_telescopes(original, new), detectable_effect(original), bound, equivalence)


@dataclass(frozen=True)
class Rule:
    """A verdict: its word, what it means, and when it is given."""

    word: str
    meaning: str
    holds: Callable[[Comparison], bool]


RULES: tuple[Rule, ...] = (
    Rule("not testable", "The claim or the new result lacks what a test needs; the reason is stated.",
         lambda c: bool(c.problem)),
    Rule("effect where none was reported", "The report found no effect; the new interval excludes 0.",
         lambda c: c.claim.kind == "null" and c.new_side != 0),
    Rule("null held", "The report found no effect; the new interval includes 0, and the effect lies within the bound.",
         lambda c: c.claim.kind == "null" and c.equivalence_p < ALPHA),
    Rule("null not shown", "The report found no effect; the new interval includes 0, but equivalence is not shown.",
         lambda c: c.claim.kind == "null"),
    Rule("opposite", "The new interval excludes 0 in the other direction.",
         lambda c: c.new_side != 0 and not c.confirmed),
    Rule("replicated, but smaller", "Replicated, but the effect is smaller than what the original could have seen.",
         lambda c: c.confirmed and c.original_side != 0 and c.too_small),
    Rule("replicated", "The original and the new interval exclude 0 in the same direction.",
         lambda c: c.confirmed and c.original_side != 0),
    Rule("direction confirmed", "The new interval excludes 0 in the reported direction; the original's does not, or "
         "there is none to compare.", lambda c: c.confirmed),
    Rule("too small for the original", "The new interval includes 0, and the effect is smaller than what the original "
         "could have seen.", lambda c: c.too_small),
    Rule("not as reported", "The new interval includes 0, and the new value lies outside the prediction interval.",
         lambda c: c.prediction_holds_new is False),
    Rule("direction only", "The new value has the reported sign, its interval includes 0, and no size was shown to "
         "differ.", lambda c: c.direction_agrees is True),
    Rule("inconclusive", "The new value has not the reported sign, its interval includes 0, and no size was shown to "
         "differ.", lambda c: True),
)
"""All verdicts; the first that holds is given."""
MEANINGS: Mapping[str, str] = MappingProxyType({rule.word: rule.meaning for rule in RULES})
"""What each word means."""


def verdict(comparison: Comparison) -> str:
    """The first word of :data:`RULES` that holds."""
    return next(rule.word for rule in RULES if rule.holds(comparison))


def _problem(claim: Claim, new: Result) -> str:
    if claim.problem:
        return claim.problem
    if claim.kind not in ("effect", "null"):
        return f"a claim is an effect or a null, not '{claim.kind}'"
    if claim.kind == "effect" and not claim.sign:
        return "the report states no direction"
    if claim.kind == "effect" and claim.direction and claim.sign != _sign(claim.direction):
        return "the reported number and the reported direction have opposite signs"
    return f"the new result: {new.flaw}" if new.flaw else ""


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _side(result: Result) -> int:
    return (result.low > 0) - (result.high < 0)
