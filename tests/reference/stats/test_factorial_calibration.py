"""How often a term of two degrees of freedom is found where there is none: the numbers of docs/factorials.md."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from deltaroi.stats.factorial import AnovaF, anova
from deltaroi.stats.permutation import permutations, sign_flips

STUDIES, ARRANGEMENTS = 1500, 499
ROOT = Path(__file__).resolve().parents[3]


def rates(sds: tuple[float, float], between: bool) -> list[float]:
    """Share of studies, 7 against 14 subjects with these SDs, with p < .05 by F, by flips, and by relabelling."""
    rng = np.random.default_rng(1)
    group = np.repeat([0, 1], [7, 14]).astype(np.int64)
    n = group.size
    found = np.zeros(3)
    for _ in range(STUDIES):
        values = rng.normal(size=(n, 2)) * np.array(sds)[group][:, None]
        statistic = AnovaF(np.arange(n), values, group, 2, between)
        found[0] += anova(values, group, 2, between=between).test.p < 0.05
        for k, rows in enumerate([FLIPS, LABELS] if between else [FLIPS]):
            f = statistic.absolute(rows)
            found[k + 1] += (f >= f[0] * (1 - 1e-9)).mean() <= 0.05
    return [float(100 * x) for x in found / STUDIES]


FLIPS, LABELS = sign_flips(21, ARRANGEMENTS, 1)[0], permutations(21, ARRANGEMENTS, 1)[0]


@pytest.mark.parametrize(("sds", "between"), [((1, 1), True), ((2, 1), True), ((2, 1), False)])
def test_flips_keep_the_rate_where_f_does_not(sds: tuple[float, float], between: bool) -> None:
    f, flips, labels = rates(sds, between)
    shown = (ROOT / "docs" / "factorials.md").read_text()
    line = next(line for line in shown.splitlines() if line.startswith(
        f"| {'group × valence' if between else 'valence'} | {sds[0]} and {sds[1]} |"))
    assert [float(x) for x in re.findall(r"(\d+\.\d) %", line)] == pytest.approx(
        [f, flips, labels] if between else [f, flips], abs=0.05)
    assert 3 < flips < 9
    if sds == (2, 1):
        assert f > 11
