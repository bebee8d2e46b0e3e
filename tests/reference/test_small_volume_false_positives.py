"""How often voxels inside ROIs err where nothing is there: simulated null families at alpha .05."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

from deltaroi.grid import Grid
from deltaroi.group import GroupDesign, small_volume
from deltaroi.signal.session_map import SessionMap
from deltaroi.specs import GroupStats
from deltaroi.types import RoiKey

GRID = Grid((5, 5, 5), np.diag([3.0, 3, 3, 1]), "MNI152NLin2009cAsym")
ROIS = tuple(RoiKey(name, "L", "hcpex") for name in "abc")
FLAT = np.arange(125)
N_FAMILIES, SUBJECTS = 400, 24


def null_maps(rng: np.random.Generator) -> list[SessionMap]:
    """Smooth noise; a trait of each subject and voxel is shared by both sessions; groups differ before, not in gain."""
    maps = []
    for roi in ROIS:
        trait, *noise = (gaussian_filter(rng.normal(size=(SUBJECTS, 5, 5, 5)), (0, 0.8, 0.8, 0.8)).reshape(SUBJECTS, -1)
                         for _ in range(3))
        for s, session in enumerate(("pre", "post")):
            maps += [SessionMap(f"{i:02d}", "c", session, roi, GRID.digest, "%", 125, 125.0, FLAT, np.ones(125),
                                trait[i] + noise[s][i]) for i in range(SUBJECTS)]
    return maps


@pytest.mark.long
@pytest.mark.parametrize(("assignment", "arrangements"), [("randomised", "auto"), ("preexisting", "auto"),
                                                          ("randomised", "permutations"), (None, "auto")])
def test_null_families_are_rejected_as_often_as_they_should(assignment: str | None, arrangements: str) -> None:
    """Within the 99.9 % binomial interval of .05, over voxels in one ROI, and at most its upper end over the ROIs."""
    rng = np.random.default_rng(11)
    groups = {f"{i:02d}": "A" if i < SUBJECTS // 2 else "B" for i in range(SUBJECTS)}
    levels = ("A", "B") if assignment else None
    design = GroupDesign(("pre", "post"), levels, assignment)  # type: ignore[arg-type]
    inside = over = 0
    for family in range(N_FAMILIES):
        spec = GroupStats(permutations=300, seed=family, arrangements=arrangements)  # type: ignore[arg-type]
        table = small_volume(null_maps(rng), {GRID.digest: GRID}, groups, design, spec, "contrast", 0.5).table
        inside += int(table["p_peak"].iloc[0] < 0.05)
        over += int((table["p_holm"] < 0.05).any())
    low, high = stats.binom.interval(0.999, N_FAMILIES, 0.05)
    assert low <= inside <= high, (inside, low, high)
    assert over <= high, (over, high)
