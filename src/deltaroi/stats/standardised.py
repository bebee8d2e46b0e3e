"""A result on a standardised scale: what a study reported, or what was found anew, with the design it came from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from deltaroi.stats.correlation import fisher_interval
from deltaroi.stats.effect_size import hedges_j
from deltaroi.stats.noncentral import nct_noncentrality
from deltaroi.stats.record import NAN

KINDS = ("g", "g_z", "r")
_Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True)
class Result:
    """One result on a standardised scale.

    Attributes
    ----------
    kind : str
        ``g`` (two groups, over the pooled SD), ``g_z`` (one sample or pairs, over the SD of the values or of their
        differences), both with Hedges' correction; or ``r`` (a correlation).
    value, low, high : float
        The effect and its 95 % interval.
    t, df : float
        Student's t and its degrees of freedom; NaN where unknown. Where known, ``value`` is t J / √ ``n_effective``.
    n_first, n_second : float
        Subjects of the first and the second group; ``n_second`` is 0 for ``g_z`` and ``r``. For a partial correlation
        the number is df + 2. 0 and 0 where unknown.
    problem : str
        Why numbers are missing; empty when none is.
    """

    kind: str
    value: float = NAN
    low: float = NAN
    high: float = NAN
    t: float = NAN
    df: float = NAN
    n_first: float = 0
    n_second: float = 0
    problem: str = ""

    @property
    def flaw(self) -> str:
        """Why the result cannot be used: its problem, or what is wrong with its numbers; empty when nothing is."""
        if self.problem:
            return self.problem
        if self.kind not in KINDS:
            return f"the kind is one of {', '.join(KINDS)}, not '{self.kind}'"
        if not (self.low < self.high and self.low <= self.value <= self.high and math.isfinite(self.high - self.low)):
            return "there is no value with an interval around it"
        if self.kind == "r" and not (self.low > -1 and self.high < 1):
            return "r and its interval must lie between -1 and 1, both excluded"
        return ""

    @property
    def n_effective(self) -> float:
        """n₁n₂ / (n₁+n₂) of two groups, else n: t is about √ of it times the effect. NaN where n is unknown."""
        if self.kind != "g":
            return self.n_first if self.n_first > 0 else NAN
        return 1 / (1 / self.n_first + 1 / self.n_second) if self.n_first > 0 and self.n_second > 0 else NAN

    @property
    def scale(self) -> float:
        """What t is multiplied by to be the value of g or g_z: J / √ ``n_effective``."""
        return hedges_j(self.df) / math.sqrt(self.n_effective)

    @property
    def se(self) -> float:
        """Standard error from the width of the interval; of Fisher's z for ``r``."""
        low, high = fisher_z(self.low, self.high) if self.kind == "r" else (self.low, self.high)
        return (high - low) / (2 * _Z)


def from_t(kind: str, t: float, n_first: float, n_second: float = 0, df: float | None = None) -> Result:
    """A result of kind ``g`` or ``g_z`` from Student's t.

    Parameters
    ----------
    kind : str
        ``g`` or ``g_z``.
    t : float
        Student's t, of two samples with equal variances (``g``), or of one sample or of pairs (``g_z``).
    n_first, n_second : float
        Subjects per group; ``n_second`` is 0 for ``g_z``.
    df : float, optional
        Default: n₁ + n₂ - 2, or n - 1. Another test's own (Welch, a covariate) makes the result approximate.

    Notes
    -----
    g = J t √(1/n₁+1/n₂) and g_z = J t / √n, with the exact J (Hedges 1981); the interval inverts the noncentral t,
    times J, as everywhere in deltaroi and in R's ``effectsize``.
    """
    if kind not in ("g", "g_z"):
        return Result(kind, problem=f"no t test gives the kind '{kind}'")
    freedom = df if df is not None else (n_first + n_second - 2 if kind == "g" else n_first - 1)
    bare = Result(kind, df=freedom, n_first=n_first, n_second=n_second)
    if not math.isfinite(t):
        return _refused(bare, "the t statistic is not a number")
    if not (math.isfinite(bare.n_effective) and math.isfinite(freedom) and freedom >= 2):
        return _refused(bare, "t says nothing of a size without the numbers of subjects and two degrees of freedom")
    low, high = (nct_noncentrality(t, freedom, q) * bare.scale for q in (0.975, 0.025))
    if not (math.isfinite(low) and math.isfinite(high)):
        return _refused(bare, f"t = {t:.4g} is too far out for an interval")
    return Result(kind, t * bare.scale, low, high, t, freedom, n_first, n_second)


def from_g(kind: str, value: float, n_first: float, n_second: float = 0) -> Result:
    """A result of kind ``g`` or ``g_z`` from the corrected effect size itself; see :func:`from_t`."""
    df = n_first + n_second - 2 if kind == "g" else n_first - 1
    scale = Result(kind, df=df, n_first=n_first, n_second=n_second).scale
    return from_t(kind, value / scale, n_first, n_second)


def from_f(kind: str, f: float, df: tuple[float, float], direction: int, n: tuple[float, float]) -> Result:
    """A result from F(1, df) = t², with the sign that the text gives.

    Parameters
    ----------
    kind : str
        ``g`` or ``g_z``.
    f : float
        F of a between-subjects comparison of two groups (``g``) or of a within-subject one (``g_z``).
    df : tuple of two floats
        Numerator and error degrees of freedom.
    direction : int
        1 or -1.
    n : tuple of two floats
        Subjects of the first and the second group; 0 as second for ``g_z``.

    Notes
    -----
    More than one numerator degree of freedom is refused. Harms (2019) has a replication Bayes factor for such F, but F
    has no direction: the opposite pattern of means counts as success, so that no claim about a region could fail by it.
    """
    bare = Result(kind, n_first=n[0], n_second=n[1])
    if df[0] != 1:
        return _refused(bare, f"F with {df[0]:g} numerator degrees of freedom has no direction and is no single effect")
    if not f >= 0 or direction not in (1, -1):
        return _refused(bare, "F becomes t only if it is not negative and the direction is known")
    return from_t(kind, direction * math.sqrt(f), *n, df=df[1])


def from_r(r: float, n: float) -> Result:
    """A correlation with its Fisher interval; ``n`` is the number of subjects less the variables partialled out."""
    bare = Result("r", n_first=n, df=n - 2)
    if not abs(r) < 1:
        return _refused(bare, "r must lie between -1 and 1, both excluded")
    low, high = fisher_interval(r, n - 2)
    if not math.isfinite(low):
        return _refused(bare, "r has no interval with fewer than four subjects")
    return Result("r", r, low, high, r * math.sqrt((n - 2) / ((1 - r) * (1 + r))), n - 2, n)


def from_interval(kind: str, value: float, low: float, high: float) -> Result:
    """A result of which only the value and its 95 % interval are known: all that is said of it is approximate."""
    result = Result(kind, value, low, high)
    return Result(kind, problem=result.flaw) if result.flaw else result


def fisher_z(*r: float) -> tuple[float, ...]:
    """atanh of each correlation."""
    return tuple(float(z) for z in np.arctanh(r))


def _refused(bare: Result, problem: str) -> Result:
    return Result(bare.kind, df=bare.df, n_first=bare.n_first, n_second=bare.n_second, problem=problem)
