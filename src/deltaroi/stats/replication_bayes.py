"""Replication Bayes factors as numbers: two t tests, two correlations, two normal estimates."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import optimize, special, stats

from deltaroi.stats.noncentral import nct_logpdf, quadrature
from deltaroi.stats.record import NAN, Array

_DROP = 42.0  # what is exp(-42) of the largest value adds nothing


def log_bf_t(original: tuple[float, float, float], new: tuple[float, float, float]) -> float:
    """Log replication Bayes factor of two t tests (Verhagen and Wagenmakers 2014).

    Parameters
    ----------
    original, new : tuple of three floats
        t, degrees of freedom, and n for one sample or pairs, n₁n₂/(n₁+n₂) for two.

    Notes
    -----
    BF = ∫ f(t' | δ√n') p(δ | t) dδ / f(t' | 0), with f the noncentral t and p(δ | t) ∝ f(t | δ√n), the original's
    posterior under a flat prior, by quadrature and without taking it for normal (so do Pawel and Held 2022, section 4).
    Its constant ∫ f(t | δ√n) dδ is E √(χ²/df) / √n.
    """
    (t, df, n), (t_new, df_new, n_new) = original, new
    root, root_new = math.sqrt(n), math.sqrt(n_new)

    def log_both(delta: Array) -> Array:
        return nct_logpdf(t, df, delta * root) + nct_logpdf(t_new, df_new, delta * root_new)

    mean_w = 0.5 * math.log(2 / df) + float(special.gammaln((df + 1) / 2) - special.gammaln(df / 2))
    null = float(nct_logpdf(t_new, df_new, np.zeros(1))[0])
    return _log_integral(log_both, (0.0, t / root, t_new / root_new)) - (mean_w - math.log(root)) - null


def log_bf_r(r: float, n: float, r_new: float, n_new: float) -> float:
    """Log replication Bayes factor of two correlations (Wagenmakers, Verhagen and Ly 2016).

    Parameters
    ----------
    r, r_new : float
        Between -1 and 1, both excluded.
    n, n_new : float
        Subjects; more than 3.

    Notes
    -----
    As for t, with the exact density of r given ρ (Hotelling 1953) ∝ (1-ρ²)^((n-1)/2) (1-ρr)^(3/2-n)
    ₂F₁(½, ½; n-½; (1+ρr)/2) and a uniform prior on ρ. Exact rather than by Fisher's z, because the studies here are
    small, where z is neither normal nor free of bias; the integral runs over z all the same.
    """
    def log_density(r: float, n: float, z: Array) -> Array:
        rho = np.tanh(z)
        series = special.hyp2f1(0.5, 0.5, n - 0.5, (1 + rho * r) / 2)
        return np.asarray((n - 1) / 2 * _log_sech2(z) + (1.5 - n) * np.log1p(-rho * r) + np.log(series))

    def log_original(z: Array) -> Array:
        return log_density(r, n, z) + _log_sech2(z)

    def log_both(z: Array) -> Array:
        return log_original(z) + log_density(r_new, n_new, z)

    null = float(log_density(r_new, n_new, np.zeros(1))[0])
    z, z_new = math.atanh(r), math.atanh(r_new)
    return _log_integral(log_both, (0.0, z, z_new)) - _log_integral(log_original, (0.0, z)) - null


def log_bf_normal(value: float, se: float, new: float, se_new: float) -> float:
    """Log replication Bayes factor of two normal estimates: N(new; value, se² + se_new²) / N(new; 0, se_new²).

    An approximation (Pawel and Held 2022) for where only an estimate and its standard error are known.
    """
    if not (se > 0 and se_new > 0):
        return NAN
    return float(stats.norm.logpdf(new, value, math.hypot(se, se_new)) - stats.norm.logpdf(new, 0, se_new))


def _log_sech2(z: Array) -> Array:
    """log(1 - tanh² z), without cancellation."""
    return np.asarray(2 * (math.log(2) - np.logaddexp(z, -z)))


def _log_integral(log_f: Callable[[Array], Array], around: tuple[float, ...]) -> float:
    """log ∫ exp(log_f) of a function with one peak, which lies within the range of ``around``."""
    def at(x: float) -> float:
        return float(log_f(np.array([x]))[0])

    low, high = min(around), max(around)
    best = low
    if high > low:
        best = float(optimize.minimize_scalar(lambda x: -at(x), bounds=(low, high), method="bounded",
                                              options={"xatol": 1e-9 * max(1.0, high - low)}).x)
    peak = at(best)
    x, weight = quadrature()
    total = 0.0
    for side in (-1.0, 1.0):
        end = _fallen(lambda step, side=side: peak - at(best + side * step))  # type: ignore[misc]
        steps = end / 2 * (1 + x)
        total += float((np.exp(log_f(best + side * steps) - peak) * weight).sum()) * end / 2
    return peak + math.log(total)


def _fallen(fall: Callable[[float], float]) -> float:
    """The step at which an ever growing fall reaches what is negligible."""
    high = 1e-3
    while fall(high) < _DROP:
        high *= 2
    while fall(high / 2) > _DROP:
        high /= 2
    return float(optimize.brentq(lambda step: fall(step) - _DROP, high / 2, high, rtol=1e-3))
