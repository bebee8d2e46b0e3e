"""Tests that are not in a lock are corrected apart: the numbers of the frozen family stay what they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deltaroi.grid import Grid
from deltaroi.group import GroupDesign, analyse, small_volume
from deltaroi.group.blocks import prepare
from deltaroi.group.multilevel import multilevel
from deltaroi.signal.session_map import SessionMap
from deltaroi.specs import GroupStats
from deltaroi.specs.factorial import Factorial
from deltaroi.types import RoiKey

DESIGN = GroupDesign(("pre", "post"), ("A", "B"), "randomised")
STATS = GroupStats(permutations=200, seed=4)


@pytest.fixture
def responses(make_table: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """Three ROIs in two contrasts; the effect is large in r0."""
    table = make_table({"A": 8, "B": 9}, gain=2.0).assign(
        specification="main", task="t", hemisphere="L", definition="hcpex", summary="mean", unit="%")
    other = table.assign(contrast="y", value=table["value"] ** 2)
    return pd.concat([table.assign(contrast="x"), other], ignore_index=True)


def key(region: str) -> RoiKey:
    return RoiKey(region, "L", "hcpex")


@pytest.mark.parametrize("family", ["contrast", "all_contrasts"])
def test_an_added_roi_leaves_the_others_as_they_were(responses: pd.DataFrame, family: str) -> None:
    added = frozenset((contrast, key("r2")) for contrast in "xy")
    known = analyse(responses[responses["region"] != "r2"], DESIGN, STATS, family)
    found = analyse(responses, replace(DESIGN, apart=added), STATS, family)
    others = found.effects[found.effects["region"] != "r2"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, known.effects)
    assert others["p_fwe"].notna().any()
    mine = found.effects[found.effects["region"] == "r2"]
    assert set(mine["family_size"]) == {1 if family == "contrast" else 2}
    assert mine["family"].str.endswith("not in the lock").all()
    together = analyse(responses, DESIGN, STATS, family).effects
    assert not together[together["region"] != "r2"]["p_holm"].reset_index(drop=True).equals(others["p_holm"])


def test_an_added_contrast_of_a_family_over_contrasts(responses: pd.DataFrame) -> None:
    added = frozenset(("y", key(region)) for region in ("r0", "r1", "r2"))
    known = analyse(responses[responses["contrast"] == "x"], DESIGN, STATS, "all_contrasts").effects
    found = analyse(responses, replace(DESIGN, apart=added), STATS, "all_contrasts").effects
    frozen = found[found["contrast"] == "x"].reset_index(drop=True)
    numbers = ["p", "p_fwe", "p_step_down", "p_holm", "q_fdr", "family_size"]
    pd.testing.assert_frame_equal(frozen[numbers], known[numbers])


def test_a_factorial_leaves_the_others_as_they_were(responses: pd.DataFrame) -> None:
    spec = GroupStats(permutations=200, seed=4, factorials={"f": Factorial(
        factors={"v": ["1", "2"]}, cells={"x": ["1"], "y": ["2"]})})
    added = frozenset(("x", key(region)) for region in ("r2",))
    known = analyse(responses[responses["region"] != "r2"], DESIGN, spec).beside["factorial"]
    found = analyse(responses, replace(DESIGN, apart=added), spec).beside["factorial"]
    pd.testing.assert_frame_equal(found[found["region"] != "r2"].reset_index(drop=True), known)
    assert set(found.loc[found["region"] == "r2", "family_size"]) == {1}


def test_voxels_of_an_added_roi() -> None:
    grid = Grid((6, 6, 6), np.diag([3.0, 3, 3, 1]), "MNI152NLin2009cAsym")
    random = np.random.default_rng(2)
    groups = {f"{i:03d}": "AB"[i % 2] for i in range(12)}
    maps = [SessionMap(subject, "x", session, key(region), grid.digest, "%", 9, 9.0, np.arange(9) + 20 * i, np.ones(9),
                       random.normal(size=9)) for subject in groups for session in ("pre", "post")
            for i, region in enumerate(("r0", "r1", "r2"))]

    def table(chosen: list[SessionMap], design: GroupDesign) -> pd.DataFrame:
        return small_volume(chosen, {grid.digest: grid}, groups, design, STATS, "contrast", 0.5).table

    known = table([one for one in maps if one.key.region != "r2"], DESIGN)
    found = table(maps, replace(DESIGN, apart=frozenset({("x", key("r2"))})))
    pd.testing.assert_frame_equal(found[found["region"] != "r2"].reset_index(drop=True), known)
    assert found["family_size"].tolist() == [2, 2, 1]


def test_the_multilevel_model_leaves_them_out_and_says_so(responses: pd.DataFrame) -> None:
    apart = frozenset(("x", key(region)) for region in ("r0", "r1", "r2"))
    ready = prepare(responses[responses["contrast"] == "x"], replace(DESIGN, apart=apart))
    found = multilevel(ready, [], "randomised", STATS)
    assert found.table.empty
    assert found.warnings == ("the multilevel model of x leaves out r0-L_hcpex, r1-L_hcpex, r2-L_hcpex: not in the "
                              "lock",)
