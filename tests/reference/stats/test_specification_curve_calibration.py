"""The joint p of a specification curve: right about nothing, and about something. Simulated groups, many draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deltaroi.group import GroupDesign, explore
from deltaroi.specs import GroupStats

N_FIRST, N_SECOND, SPECIFICATIONS, DRAWS = 12, 16, 10, 400
P = ["p_median", "p_share", "p_stouffer"]


def curves(draws: int, gain: float, spread: float, missing: float) -> pd.DataFrame:
    """Curves of simulated studies: an ANCOVA of two groups, the first with ``spread`` times the SD of the second.

    Specifications share most of their noise; each subject lacks each specification with the probability ``missing``.
    """
    design = GroupDesign(("pre", "post"), ("a", "b"), "randomised")
    n = N_FIRST + N_SECOND
    group = np.repeat(["a", "b"], [N_FIRST, N_SECOND])
    index = pd.MultiIndex.from_product([range(SPECIFICATIONS), range(n), ["pre", "post"]],
                                       names=["specification", "subject", "session"])
    frame = index.to_frame(index=False)
    frame = frame.assign(group=group[frame["subject"]], subject=[f"{s:02d}" for s in frame["subject"]], task="t",
                         specification=["main" if s == 0 else f"s{s}" for s in frame["specification"]], region="r",
                         hemisphere="L", definition="d", contrast="c", summary="mean", unit="%")
    found = []
    for draw in range(draws):
        rng = np.random.default_rng([draw, 7])
        scale = np.where(group == "a", spread, 1.0)[:, None]
        trait = rng.normal(size=(n, 1))
        shared = trait + scale * rng.normal(size=(n, 2))
        shared[:N_FIRST, 1] += gain
        values = shared + 0.6 * scale * rng.normal(size=(SPECIFICATIONS, n, 2))
        values[rng.random((SPECIFICATIONS, n)) < missing] = np.nan
        table = frame.assign(value=values.reshape(-1))
        found.append(explore(table, design, GroupStats(permutations=199, seed=draw)).curve)
    return pd.concat(found, ignore_index=True)


@pytest.mark.long
@pytest.mark.parametrize(("spread", "missing"), [(1.0, 0.0), (2.0, 0.0), (1.0, 0.1)])
def test_joint_p_is_uniform_without_an_effect(spread: float, missing: float) -> None:
    table = curves(DRAWS, 0.0, spread, missing)
    for name in ("p_median", "p_stouffer"):
        rejected = int((table[name] <= 0.05).sum())
        assert stats.binomtest(rejected, DRAWS, 0.05).pvalue > 0.01, (name, rejected)
        assert stats.kstest(table[name], "uniform").pvalue > 0.01, name
    shares = int((table["p_share"] <= 0.05).sum())  # discrete: never more than 5 %
    assert stats.binomtest(shares, DRAWS, 0.05, alternative="greater").pvalue > 0.01, shares


@pytest.mark.long
def test_a_planted_effect_is_found_in_its_direction() -> None:
    table = curves(60, 1.8, 1.0, 0.0)
    assert ((table[P] <= 0.05).mean() > 0.7).all()
    assert (table["median"] > 0).mean() > 0.95
