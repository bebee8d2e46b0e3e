"""Which ROIs are corrected together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import CompareOptions, compare
from deltaroi.specs import GroupStats

OPTIONS = CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=50, seed=1))


def sizes(rois: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
    """Family size of the primary row of each (region, definition, summary)."""
    draw = np.random.default_rng(3)
    rows = [(f"s{i:02d}", "AB"[i % 2], session, *roi, draw.normal()) for i in range(12) for session in ("pre", "post")
            for roi in rois]
    table = pd.DataFrame(rows, columns=["subject", "group", "session", "region", "definition", "summary", "value"])
    primary = compare(table, OPTIONS).effects.query("primary")
    return dict(zip(zip(primary["region"], primary["definition"], primary["summary"], strict=True),
                    primary["family_size"], strict=True))


@pytest.mark.parametrize(("rois", "expected"), [
    ([("a", "x", "mean"), ("b", "x", "mean"), ("v", "x", "weighted_mean")], 3),  # summary: auto
    ([("a", "x", "mean"), ("b", "y", "mean"), ("v", "z", "weighted_mean")], 3),  # a definition of its own each
    ([("a", "x", "mean"), ("a", "y", "mean"), ("b", "x", "mean"), ("b", "y", "mean")], 2),  # everything twice
    ([("a", "x", "mean"), ("a", "y", "mean"), ("v", "x", "weighted_mean"), ("v", "y", "weighted_mean")], 2),
    ([("a", "x", "mean"), ("a", "x", "median"), ("b", "x", "mean"), ("b", "x", "median")], 2),
    ([("a", "x", "mean"), ("a", "y", "mean"), ("b", "x", "mean"), ("v", "z", "mean")], 4),  # one of them twice
])
def test_family(rois: list[tuple[str, str, str]], expected: int) -> None:
    found = sizes(rois)
    assert len(found) == len(rois)
    assert set(found.values()) == {expected}


def test_a_circular_roi_is_a_family_of_its_own() -> None:
    """It makes no other test stricter, and no other ROI makes it look corrected."""
    honest = [("a", "x", "mean"), ("b", "x", "mean"), ("f", "functional", "mean")]
    found = sizes([*honest, ("c", "circular", "mean"), ("d", "circular", "mean")])
    assert {roi: found[roi] for roi in honest} == sizes(honest) == dict.fromkeys(honest, 3)
    assert found["c", "circular", "mean"] == found["d", "circular", "mean"] == 2
