"""What a new result says about an original one: replication Bayes factor, prediction interval, small telescopes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import optimize, special, stats

from deltaroi.stats.evidence import detectable
from deltaroi.stats.noncentral import nct_cdf, nct_prediction
from deltaroi.stats.record import NAN
from deltaroi.stats.replication_bayes import log_bf_normal, log_bf_r, log_bf_t
from deltaroi.stats.standardised import Result, fisher_z

ALPHA = 0.05
THIRD = 1 / 3
"""The power of small telescopes: 33 % of Simonsohn (2015) is one third."""
_Z = float(stats.norm.ppf(0.975))
_LARGEST_LOG = 700.0


@dataclass(frozen=True)
class ReplicationBayes:
    """How much better the original's posterior predicts the new result than no effect does.

    Attributes
    ----------
    log_bf : float
        Natural logarithm of the Bayes factor.
    method : str
        ``noncentral_t``, ``exact_r`` or ``normal`` (an approximation).
    problem : str
        Why there is none; empty when there is one.
    """

    log_bf: float = NAN
    method: str = "n/a"
    problem: str = ""

    @property
    def bf_r0(self) -> float:
        """The Bayes factor; infinite where no float holds it."""
        return math.exp(self.log_bf) if not self.log_bf > _LARGEST_LOG else math.inf


@dataclass(frozen=True)
class Prediction:
    """The 95 % prediction interval of the new value, on the scale of the results.

    Attributes
    ----------
    low, high : float
        Its ends.
    method : str
        ``noncentral_t``, ``fisher_z`` or ``normal`` (an approximation).
    problem : str
        Why there is none; empty when there is one.
    """

    low: float = NAN
    high: float = NAN
    method: str = "n/a"
    problem: str = ""


@dataclass(frozen=True)
class Telescopes:
    """Small telescopes (Simonsohn 2015).

    Attributes
    ----------
    effect : float
        The effect that would have given the original study one third power, with the original's sign; of the
        population, so without Hedges' correction.
    p : float
        One-sided: how unlikely a new result this small, or smaller, is if the true effect were that one.
    problem : str
        Why they are missing; empty when they are not.
    """

    effect: float = NAN
    p: float = NAN
    problem: str = ""


def comparable(original: Result, new: Result) -> str:
    """Why the sizes of two results cannot be compared; empty when they can."""
    for which, result in (("original", original), ("new", new)):
        if result.flaw:
            return f"the {which} result: {result.flaw}"
    if original.kind != new.kind:
        return f"the original is a {original.kind}, the new result a {new.kind}"
    return ""


def replication_bayes(original: Result, new: Result) -> ReplicationBayes:
    """The replication Bayes factor by the best method the two results allow.

    Notes
    -----
    :func:`log_bf_t` where both have a t and numbers of subjects, :func:`log_bf_r` for correlations with n, else
    :func:`log_bf_normal` of the values (of Fisher's z for correlations), labelled ``normal``.
    """
    problem = comparable(original, new)
    if problem:
        return ReplicationBayes(problem=problem)
    if _has_design(original) and _has_design(new):
        if original.kind == "r":
            found = log_bf_r(original.value, original.n_first, new.value, new.n_first), "exact_r"
        else:
            found = log_bf_t((original.t, original.df, original.n_effective), (new.t, new.df, new.n_effective)), \
                "noncentral_t"
    else:
        first, second = original.value, new.value
        if original.kind == "r":
            first, second = fisher_z(first, second)
        found = log_bf_normal(first, original.se, second, new.se), "normal"
    if not math.isfinite(found[0]):
        return ReplicationBayes(problem="the Bayes factor has no finite value")
    return ReplicationBayes(*found)


def prediction_interval(original: Result, new: Result) -> Prediction:
    """Where 95 % of results of the new study's size were to be expected, given the original and one common effect.

    Notes
    -----
    The idea is of Patil, Peng and Leek (2016) and of Spence and Stanley (2016): the errors of both studies add.
    ``fisher_z``: tanh(z ± 1.96 √(1/(n-3) + 1/(n'-3))), as Patil et al. for correlations. ``noncentral_t``: the same for
    t without taking g for normal (:func:`~deltaroi.stats.noncentral.nct_prediction`), times the new study's J / √n'.
    ``normal``: value ± 1.96 √(se² + se'²), of Fisher's z for correlations. Of the new result only its size enters.
    """
    problem = comparable(original, new)
    if problem:
        return Prediction(problem=problem)
    if original.kind != "r" and _has_design(original) and _has_design(new):
        ratio = math.sqrt(new.n_effective / original.n_effective)
        low, high = (nct_prediction(original.t, original.df, ratio, new.df, q) * new.scale for q in (0.025, 0.975))
        return Prediction(low, high, "noncentral_t") if math.isfinite(high - low) else \
            Prediction(problem="the original's t is too far out")
    half = _Z * math.hypot(original.se, new.se)
    if original.kind == "r":
        (z,) = fisher_z(original.value)
        known = _has_design(original) and _has_design(new)
        return Prediction(math.tanh(z - half), math.tanh(z + half), "fisher_z" if known else "normal")
    return Prediction(original.value - half, original.value + half, "normal")


def detectable_effect(original: Result, power: float = 0.8) -> float:
    """The effect that the original design had this power to detect (two-sided test at .05), without a sign.

    Returns
    -------
    float
        Cohen's d of the population (``g``), d_z (``g_z``) or ρ; NaN where the numbers of subjects are unknown.

    Notes
    -----
    t tests: noncentral t, as R's ``power.t.test``; for two groups of any sizes. ρ: Fisher's z, √(n-3) atanh ρ normal
    with variance 1.
    """
    if original.kind == "r":
        return math.tanh(_detectable_z(power) / math.sqrt(original.n_first - 3)) if original.n_first > 3 else NAN
    return detectable(original.df, power, ALPHA) / math.sqrt(original.n_effective)


def small_telescopes(original: Result, new: Result) -> Telescopes:
    """Is the new effect smaller than what the original study could have seen? (Simonsohn 2015)

    Notes
    -----
    δ₃₃ is :func:`detectable_effect` at one third power. The test of δ < δ₃₃ is one-sided: P(T <= t') of the noncentral
    t with noncentrality δ₃₃ √n', the original's direction taken as positive; Φ(√(n'-3) (atanh r' - atanh ρ₃₃)) for
    correlations.
    """
    problem = comparable(original, new)
    effect = NAN if problem else detectable_effect(original, THIRD)
    if not problem and not (math.isfinite(effect) and _has_design(new)):
        problem = "the numbers of subjects are unknown"
    if problem:
        return Telescopes(problem=problem)
    sign = math.copysign(1, original.value)
    p = _below(new, effect, sign)
    return Telescopes(sign * effect, p) if math.isfinite(p) else Telescopes(problem="the test has no finite value")


def within_bound_p(new: Result, bound: float) -> float:
    """Two one-sided tests that the standardised effect lies within ± bound; the larger p (Schuirmann 1987).

    Exact by the noncentral t for g and g_z with a known t, by Fisher's z for r, else by the normal approximation. NaN
    without a bound above zero.
    """
    if new.flaw or not (0 < bound < (1 if new.kind == "r" else math.inf)):
        return NAN
    return max(_below(new, bound, 1.0), _below(new, bound, -1.0))


def _below(new: Result, effect: float, sign: float) -> float:
    """One-sided p of the true effect, times sign, being below this one."""
    if new.kind == "r":
        z, z_effect = fisher_z(new.value, effect)
        return float(special.ndtr((sign * z - z_effect) / new.se))
    if _has_design(new):
        return nct_cdf(sign * new.t, new.df, effect * math.sqrt(new.n_effective))
    return float(special.ndtr((sign * new.value - effect) / new.se))


def _has_design(result: Result) -> bool:
    return all(map(math.isfinite, (result.t, result.df, result.n_effective)))


def _detectable_z(power: float) -> float:
    """The shift of a standard normal that a two-sided test at .05 detects with this power."""
    return float(optimize.brentq(lambda x: special.ndtr(x - _Z) + special.ndtr(-x - _Z) - power, 0, 20, xtol=1e-12))
