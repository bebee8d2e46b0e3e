"""Smoothing of chosen voxels: what the plan needs and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from deltaroi.errors import DataError
from deltaroi.grid import Grid
from deltaroi.smoothing import kernel, smoothing_plan

GRID = Grid((9, 8, 7), np.diag([2.0, 3.0, 4.0, 1.0]), "MNI152NLin2009cAsym")


def test_width_zero_is_the_identity() -> None:
    flat = np.array([17, 3, 250])
    plan = smoothing_plan(GRID, flat, 0.0)
    assert plan.gather.tolist() == [3, 17, 250]
    values = np.array([[1.0, np.nan, 3.0]])
    np.testing.assert_array_equal(plan.apply(values), [[np.nan, 1.0, 3.0]])


def test_the_reach_is_the_box_of_the_kernel() -> None:
    # sigma = 4 / (2.3548 * [2, 3, 4]) voxels = .849, .566, .425; radius = int(4 sigma + .5) = 3, 2, 2
    centre = GRID.ravel(np.array([[4, 4, 3]]))
    plan = smoothing_plan(GRID, centre, 4.0)
    reach = GRID.unravel(plan.gather)
    assert reach.min(axis=0).tolist() == [1, 2, 1]
    assert reach.max(axis=0).tolist() == [7, 6, 5]
    assert len(reach) == 7 * 5 * 5


def test_a_constant_image_stays_constant_up_to_the_border() -> None:
    flat = np.arange(GRID.n_voxels)
    plan = smoothing_plan(GRID, flat, 7.5)
    np.testing.assert_allclose(plan.apply(np.full((2, GRID.n_voxels), 5.0)), 5.0, rtol=1e-14)


def test_kernels_longer_than_the_image_are_mirrored_again_and_again() -> None:
    grid = Grid((3, 2, 1), np.eye(4), "x")
    data = np.random.default_rng(0).standard_normal(grid.shape)
    expected = data
    for axis in range(3):
        expected = gaussian_filter1d(expected, 9 / np.sqrt(8 * np.log(2)), axis=axis)
    found = smoothing_plan(grid, np.arange(6), 9.0).apply(data.reshape(1, -1))
    np.testing.assert_allclose(found, expected.reshape(1, -1), rtol=1e-12)


def test_values_do_not_depend_on_the_other_voxels_or_on_the_number_of_volumes() -> None:
    rng = np.random.default_rng(1)
    image = rng.standard_normal((40, GRID.n_voxels))
    few, many = np.array([0, 100]), np.array([100, 0, 5, 300, 77])
    a, b = smoothing_plan(GRID, few, 6.0), smoothing_plan(GRID, many, 6.0)
    alone = a.apply(image[:1, a.gather])
    together = b.apply(image[:, b.gather])
    np.testing.assert_array_equal(alone[0], together[0, [1, 0]])


def test_a_narrow_kernel_is_one_voxel() -> None:
    np.testing.assert_array_equal(kernel(1e-200), [1.0])
    plan = smoothing_plan(GRID, np.array([3, 9]), 0.01)
    assert plan.gather.tolist() == [3, 9]


@pytest.mark.parametrize(("flat", "fwhm", "message"), [
    ([-1], 6.0, "outside the grid"), ([9 * 8 * 7], 6.0, "outside the grid"), ([3, 3], 6.0, "twice"),
    ([3], -1.0, "-1.0 mm"), ([3], np.nan, "nan mm"), ([3], np.inf, "inf mm"),
])
def test_refused(flat: list[int], fwhm: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        smoothing_plan(GRID, np.array(flat), fwhm)


def test_no_voxels() -> None:
    plan = smoothing_plan(GRID, np.empty(0, dtype=np.int64), 6.0)
    assert plan.apply(np.empty((4, 0))).shape == (4, 0)
