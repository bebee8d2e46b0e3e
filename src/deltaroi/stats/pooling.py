"""The random-effects mean of several effect sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from deltaroi.stats.record import Array


@dataclass(frozen=True)
class Pooled:
    """A random-effects mean.

    Attributes
    ----------
    estimate, low, high : float
        Mean effect and its 95 % interval.
    prediction_low, prediction_high : float
        95 % interval of the effect in a new study.
    tau2 : float
        Variance between effects (Paule and Mandel).
    q, p : float
        Cochran's Q, and its p by χ² with k - 1 degrees of freedom.
    scale : float
        Knapp and Hartung's factor of the variance before it is held at 1.
    """

    estimate: float
    low: float
    high: float
    prediction_low: float
    prediction_high: float
    tau2: float
    q: float
    p: float
    scale: float


def random_effects(effects: Array, variances: Array) -> Pooled:
    """Pool effects by a random-effects model.

    Parameters
    ----------
    effects, variances : ndarray, shape (k,)
        Effect sizes on a scale where they are about normal, and their sampling variances; k ≥ 2.

    Returns
    -------
    Pooled
        As R's ``metafor::rma(method = "PM", test = "adhoc")`` and its ``predict``.

    Raises
    ------
    ValueError
        Fewer than two effects, or a variance that is not positive.

    Notes
    -----
    statsmodels' ``combine_effects`` with Paule and Mandel's τ². The standard error is Knapp and Hartung's: √(q/Σw) with
    q = Σ w (y - m)² / (k - 1), w = 1 / (v + τ²), and t with k - 1 degrees of freedom. Where q < 1 (effects more alike
    than their variances let expect) it would be narrower than without the correction, which for a few effects is
    mere luck; there q = 1 (Knapp and Hartung 2003). The prediction interval is m ± t √(SE² + τ²).
    """
    from statsmodels.stats.meta_analysis import combine_effects

    k = effects.size
    if k < 2 or not (variances > 0).all() or not np.isfinite(effects).all():
        raise ValueError("two effects or more with positive variances are needed")
    found = combine_effects(effects, variances, method_re="pm", use_t=True, atol=1e-10, maxiter=500)
    estimate = float(found.mean_effect_re)
    scale = float(found.scale_hksj_re)
    variance = float(found.var_eff_w_re) * max(scale, 1.0)
    t = float(stats.t.ppf(0.975, k - 1))
    half, wide = t * math.sqrt(variance), t * math.sqrt(variance + float(found.tau2))
    return Pooled(estimate, estimate - half, estimate + half, estimate - wide, estimate + wide, float(found.tau2),
                  float(found.q), float(stats.chi2.sf(found.q, k - 1)), scale)
