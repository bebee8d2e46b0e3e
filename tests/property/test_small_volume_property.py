"""What must not matter to the tests inside the ROIs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.grid import Grid
from deltaroi.group import GroupDesign, SmallVolume, small_volume
from deltaroi.signal.session_map import SessionMap
from deltaroi.specs import GroupStats
from deltaroi.types import RoiKey

GRID = Grid((6, 6, 6), np.diag([3.0, 3, 3, 1]), "MNI152NLin2009cAsym")
ROIS = (RoiKey("box", "L", "hcpex"), RoiKey("box", "R", "hcpex"))
FLAT = np.arange(30, 45)


def made(seed: int) -> list[SessionMap]:
    rng = np.random.default_rng(seed)
    return [SessionMap(f"{i:02d}", "c", session, roi, GRID.digest, "%", FLAT.size, float(FLAT.size), FLAT,
                       np.ones(FLAT.size), rng.normal(size=FLAT.size) + (i < 6) * (session == "post"))
            for i in range(12) for session in ("pre", "post") for roi in ROIS]


def ask(maps: list[SessionMap], assignment: str) -> SmallVolume:
    groups = {f"{i:02d}": "A" if i < 6 else "B" for i in range(12)}
    design = GroupDesign(("pre", "post"), ("A", "B"), assignment)  # type: ignore[arg-type]
    return small_volume(maps, {GRID.digest: GRID}, groups, design, GroupStats(permutations=99), "contrast", 0.5)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), assignment=st.sampled_from(["randomised", "preexisting"]), data=st.data())
def test_the_order_of_subjects_changes_nothing(seed: int, assignment: str, data: st.DataObject) -> None:
    maps = made(seed)
    one, other = ask(maps, assignment), ask(data.draw(st.permutations(maps)), assignment)
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    for a, b in zip(one.maps, other.maps, strict=True):
        np.testing.assert_array_equal(a.statistic, b.statistic)
        np.testing.assert_array_equal(a.corrected, b.corrected)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), factor=st.sampled_from([0.25, 8.0, -2.0]))
def test_the_unit_of_the_responses_changes_no_p(seed: int, factor: float) -> None:
    maps = made(seed)
    one = ask(maps, "randomised")
    other = ask([replace(m, values=m.values * factor) for m in maps], "randomised")
    assert one.table["p_peak"].tolist() == other.table["p_peak"].tolist()
    np.testing.assert_allclose(other.table["estimate"], one.table["estimate"] * factor, rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), left_out=st.integers(0, FLAT.size - 1))
def test_fewer_voxels_are_never_corrected_more(seed: int, left_out: int) -> None:
    """A p that is corrected over a part of the voxels is never above the p over all of them."""
    maps = made(seed)
    keep = np.arange(FLAT.size) != left_out
    part = [replace(m, flat=m.flat[keep], values=m.values[keep], weights=m.weights[keep]) for m in maps]
    for whole, less in zip(ask(maps, "randomised").maps, ask(part, "randomised").maps, strict=True):
        assert (1 - less.corrected <= 1 - whole.corrected[keep] + 1e-12).all()
