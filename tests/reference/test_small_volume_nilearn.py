"""Voxels inside an ROI against nilearn's ``permuted_ols``: the same t at every voxel, the same max-T within chance."""

from __future__ import annotations

import numpy as np
import pytest
from nilearn.mass_univariate import permuted_ols

from deltaroi.grid import Grid
from deltaroi.group import GroupDesign, small_volume
from deltaroi.signal.session_map import SessionMap
from deltaroi.specs import GroupStats
from deltaroi.types import RoiKey

GRID = Grid((10, 10, 10), np.diag([2.0, 2, 2, 1]), "MNI152NLin2009cAsym")
ROI, FLAT = RoiKey("box", "L", "hcpex"), np.arange(200, 320)
N_PERMUTATIONS = 10_000


def changes(n_first: int, n_second: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring voxels of two sessions, shape (2, subjects, voxels); the first group gains in ten voxels."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(2, n_first + n_second, FLAT.size)).cumsum(axis=2) / 4 + rng.normal(
        size=(2, n_first + n_second, FLAT.size))
    values[1, :n_first, 40:50] += 3.0
    return values, np.repeat([1.0, 0.0], [n_first, n_second])


def ours(values: np.ndarray, member: np.ndarray, levels: tuple[str, ...] | None) -> tuple[np.ndarray, np.ndarray]:
    """t and corrected p of every voxel, by permuted labels and classical errors."""
    maps = [SessionMap(f"{i:02d}", "c", session, ROI, GRID.digest, "%", FLAT.size, float(FLAT.size), FLAT,
                       np.ones(FLAT.size), values[s, i])
            for i in range(member.size) for s, session in enumerate(("pre", "post"))]
    groups = {f"{i:02d}": "A" if one else "B" for i, one in enumerate(member)}
    spec = GroupStats(variance="classical", arrangements="permutations", permutations=N_PERMUTATIONS, seed=1)
    design = GroupDesign(("pre", "post"), levels, "preexisting" if levels else None)
    (one,) = small_volume(maps, {GRID.digest: GRID}, groups, design, spec, "contrast", 0.5).maps
    assert one.flat.tolist() == FLAT.tolist()
    return one.statistic, 1 - one.corrected


@pytest.mark.parametrize("design", ["two groups", "one group"])
def test_the_change_is_tested_as_nilearn_does(design: str) -> None:
    values, member = changes(*((11, 13) if design == "two groups" else (18, 0)))
    t, p = ours(values, member, ("A", "B") if design == "two groups" else None)
    theirs = permuted_ols(member[:, None], values[1] - values[0], model_intercept=design == "two groups",
                          n_perm=N_PERMUTATIONS, two_sided_test=True, random_state=2, n_jobs=1, output_type="dict",
                          verbose=0)
    np.testing.assert_allclose(t, theirs["t"][0], rtol=1e-6)
    expected = 10.0 ** -theirs["logp_max_t"][0]
    error = np.sqrt(2 * expected * (1 - expected) / N_PERMUTATIONS)
    assert (np.abs(p - expected) <= 5 * error + 1 / N_PERMUTATIONS).all(), np.abs(p - expected).max()
    assert (p < 0.05).sum() > 0
    assert (p > 0.2).sum() > 0
