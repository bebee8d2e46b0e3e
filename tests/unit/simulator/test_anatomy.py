"""Grids, the head, and how much of a voxel a region fills."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.simulator.anatomy import Head, make_grid, make_head, read_templates, region_fill

SPACE = "MNI152NLin2009cAsym"


@pytest.fixture(scope="module", params=[False, True], ids=["left first", "right first"])
def head(request: pytest.FixtureRequest) -> Head:
    return make_head(make_grid(6.0, SPACE, request.param), read_templates())


@pytest.mark.parametrize("size", [2.0, 3.0, 4.0, 6.0])
@pytest.mark.parametrize("flipped", [False, True])
def test_no_voxel_centre_is_one_of_a_one_millimetre_atlas(size: float, flipped: bool) -> None:
    grid = make_grid(size, SPACE, flipped)
    assert np.sign(grid.affine[0, 0]) == (-1 if flipped else 1)
    offset = grid.affine[:3, 3] % 1.0
    assert np.all((offset > 0.05) & (offset < 0.95))
    corners = grid.world(np.array([[0, 0, 0], np.array(grid.shape) - 1]))
    assert corners.min(axis=0) == pytest.approx([-84, -118, -76], abs=size)
    assert corners.max(axis=0) == pytest.approx([84, 84, 92], abs=size)


def test_the_head_is_a_brain_in_the_middle_of_the_grid(head: Head) -> None:
    litres = head.brain.sum() * head.grid.voxel_volume_mm3 / 1e6
    assert 1.5 < litres < 2.2
    assert np.abs(head.xyz[head.brain].mean(axis=0) - [0, -20, 5]).max() < 8
    assert 800 < head.mean[head.brain].mean() < 1100
    assert np.all(np.diff(head.flat) > 0)


def test_positions_are_in_the_order_of_the_file(head: Head) -> None:
    i, j, k = np.unravel_index(head.flat, head.grid.shape, order="F")
    assert head.grid.world(np.stack([i, j, k], axis=1)) == pytest.approx(head.xyz, abs=1e-9)


def test_left_and_right_are_world_sides(head: Head) -> None:
    """The gradient along +x points into the brain on the left, out of it on the right."""
    left = head.xyz[:, 0] < -66
    right = head.xyz[:, 0] > 66
    assert head.gradient[left, 0].mean() > 0 > head.gradient[right, 0].mean()


def test_fill_of_a_box_is_geometry(head: Head) -> None:
    """Twelve points per 6 mm edge: a face is placed to 0.25 mm, so one voxel to 3 x 0.25 / 6 and all to 1 %."""
    weights = np.zeros((80, 80, 80), np.float32)
    weights[20:50, 10:45, 25:60] = 1.0
    affine = np.eye(4)
    affine[:3, 3] = [-60.0, -50.0, -30.0]
    low, high = np.array([-40.5, -40.5, -5.5]), np.array([-10.5, -5.5, 29.5])
    index, fill = region_fill(head, weights, affine)
    half = head.grid.voxel_sizes / 2
    overlap = np.clip(np.minimum(head.xyz + half, high) - np.maximum(head.xyz - half, low), 0, None)
    expected = (overlap / head.grid.voxel_sizes).prod(axis=1)
    found = np.zeros(len(head.xyz))
    found[index] = fill
    assert np.abs(found - expected).max() < 0.125
    assert found.sum() == pytest.approx(expected.sum(), rel=0.01)
    assert np.all(found[expected > 0.999] == 1.0)
    assert head.xyz[index, 0].max() < 0


def test_fill_outside_the_finer_image_is_zero(head: Head) -> None:
    index, fill = region_fill(head, np.ones((3, 3, 3), np.float32), np.diag([1.0, 1.0, 1.0, 1.0]))
    assert fill.sum() * head.grid.voxel_volume_mm3 == pytest.approx(27.0, rel=0.02)
    assert len(region_fill(head, np.zeros((3, 3, 3), np.float32), np.eye(4))[0]) == 0
    assert len(index) <= 8
