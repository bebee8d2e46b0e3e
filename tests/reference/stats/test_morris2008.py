"""The worked example of Morris (2008, table 5), as on https://www.metafor-project.org/doku.php/analyses:morris2008.

metafor 3.8-1, R 4.2.2: ``metafor:::.cmicalc(ni_T + ni_C - 2) * (change_T - change_C) / sd_pool``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from deltaroi.stats.effect_size import d_ppc2, d_ppc2_summary, hedges_j

# mean pre, mean post, SD pre, n of treatment and control; r
STUDIES = [((30.6, 38.5, 15.0, 20), (23.1, 19.7, 13.8, 20), 0.47), ((23.5, 26.8, 3.1, 50), (24.9, 25.3, 4.1, 42), 0.64),
           ((0.5, 0.7, 0.1, 9), (0.6, 0.6, 0.2, 9), 0.77), ((53.4, 75.9, 14.5, 10), (55.7, 60.7, 17.3, 11), 0.89),
           ((35.6, 36.0, 4.7, 14), (34.8, 33.4, 3.1, 14), 0.44)]
D_PPC2 = [0.7684, 0.8010, 1.2045, 1.0476, 0.4389]
CMICALC = {38: 0.980110402131, 90: 0.991639564492, 16: 0.952253834804, 19: 0.959910352924, 26: 0.970826318865}


@pytest.mark.parametrize(("study", "expected"), list(zip(STUDIES, D_PPC2, strict=True)))
def test_d_ppc2_of_the_five_studies(study: tuple, expected: float) -> None:
    (pre1, post1, sd1, n1), (pre2, post2, sd2, n2), r = study
    pooled = math.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2))
    size = d_ppc2_summary((post1 - pre1) - (post2 - pre2), pooled, r, n1, n2)
    assert round(size.value, 4) == expected


@pytest.mark.parametrize(("df", "expected"), list(CMICALC.items()))
def test_factor_equals_metafor(df: int, expected: float) -> None:
    assert hedges_j(df) == pytest.approx(expected, rel=1e-11)


@pytest.mark.long
@pytest.mark.parametrize(("delta", "rho", "n1", "n2"), [(0.0, 0.5, 8, 8), (0.8, 0.3, 10, 14), (1.5, 0.8, 20, 20)])
def test_variance_is_that_of_the_sampling_distribution(delta: float, rho: float, n1: int, n2: int) -> None:
    """Eq. 25 at the true effect is the exact variance under normality; the factor makes d unbiased."""
    rng = np.random.default_rng(25)
    found = []
    for _ in range(20000):
        pre = [rng.normal(size=n) for n in (n1, n2)]
        post = [rho * p + math.sqrt(1 - rho**2) * rng.normal(size=p.size) for p in pre]
        found.append(d_ppc2((pre[0], pre[1]), (post[0] + delta, post[1])).value)
    m, spread = n1 + n2 - 2, 2 * (1 - rho) * (n1 + n2) / (n1 * n2)
    variance = hedges_j(m) ** 2 * m / (m - 2) * (spread + delta**2) - delta**2
    assert np.mean(found) == pytest.approx(delta, abs=4 * math.sqrt(variance / 20000))
    assert np.var(found) == pytest.approx(variance, rel=0.05)
    half = d_ppc2_summary(delta / hedges_j(m), 1.0, rho, n1, n2)
    assert (half.high - half.low) / (2 * 1.959963984540054) == pytest.approx(math.sqrt(variance), rel=1e-9)
