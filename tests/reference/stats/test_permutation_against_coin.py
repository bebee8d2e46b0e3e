"""Permutation p values against R's coin: ``Rscript permutation.R`` (versions in permutation_versions.txt)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from deltaroi.group import CompareOptions, GroupResult, compare
from deltaroi.specs import GroupStats

HERE = Path(__file__).parent
REFERENCE = pd.read_csv(HERE / "permutation.csv").set_index(["what", "region"])["p"]
VALUES = pd.read_csv(HERE / "permutation_values.csv", dtype={"subject": str})
ROIS = sorted(set(VALUES["region"]))
DRAWN = 1_000_000


def compared(values: pd.DataFrame, permutations: int, strata: str | None = None) -> GroupResult:
    return compare(values, CompareOptions(("pre", "post"), ("A", "B"), "preexisting", strata=strata, stats=GroupStats(
        variance="classical", permutations=permutations)))


def near(p: float, theirs: float, drawn: int) -> bool:
    """Within four standard errors of a share of so many random arrangements."""
    return abs(p - theirs) <= 4 * (theirs * (1 - theirs) / drawn) ** 0.5 + 1 / drawn


@pytest.mark.parametrize("region", ROIS)
def test_all_relabellings_of_one_roi_are_exact(region: str) -> None:
    row = compared(VALUES.query("region == @region"), 10_000).effects.query("primary").iloc[0]
    assert row["p_fwe"] == pytest.approx(REFERENCE["exact", region], rel=1e-9)


def test_single_step_and_step_down_over_rois() -> None:
    result = compared(VALUES, 10_000)
    assert any("max-T over 4 ROIs, all 462 group relabellings of whole subjects (exact)" in n for n in result.notes)
    for row in result.effects.query("primary").to_dict("records"):
        assert near(row["p_fwe"], REFERENCE["single", row["region"]], DRAWN), row["region"]
        assert near(row["p_step_down"], REFERENCE["down", row["region"]], DRAWN), row["region"]


@pytest.mark.parametrize("region", ROIS)
def test_relabelling_within_strata(region: str) -> None:
    drawn = 100_000
    row = compared(VALUES.query("region == @region"), drawn, "site").effects.query("primary").iloc[0]
    assert near(row["p_fwe"], REFERENCE["strata", region], drawn)
