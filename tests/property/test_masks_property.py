"""What holds for every grid: volume is kept, mirror images mirror, flips and permutations change no place."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.atlas import SphereShape
from deltaroi.fill import fill_fractions, keep_volume
from deltaroi.grid import Grid
from deltaroi.masks.spheres import sphere_fill, sphere_volume, sphere_voxels

SPACE = "MNI152NLin2009cAsym"
FEW = settings(max_examples=25, deadline=None, derandomize=True)
STEP = st.floats(1.2, 4.5)
STEPS = st.tuples(STEP, STEP, STEP)
SHIFT = st.tuples(*[st.floats(-2, 2)] * 3)
ANGLES = st.tuples(*[st.floats(-0.6, 0.6)] * 3)
SIGNS = st.tuples(*[st.sampled_from((-1, 1))] * 3)
ORDER = st.sampled_from(list(permutations(range(3))))


def blob(seed: int, fractional: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A ragged region of 1 mm voxels around (-12, 5, -8)."""
    rng = np.random.default_rng(seed)
    ijk = np.indices((9, 8, 7)).reshape(3, -1).T
    near = ((ijk - [4, 3.5, 3]) ** 2).sum(axis=1) < 12 + 4 * rng.standard_normal(len(ijk))
    weights = (near * (rng.uniform(0.1, 1, len(ijk)) if fractional else 1.0)).reshape(9, 8, 7).astype(np.float32)
    affine = np.eye(4)
    affine[:3, 3] = (-16, 1, -11)
    return weights, affine


def rotation(angles: tuple[float, float, float]) -> np.ndarray:
    out = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = [a for a in range(3) if a != axis]
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        out = out @ turn
    return out


def grid_around(directions: np.ndarray, shift: tuple[float, float, float], middle: tuple[float, float, float]) -> Grid:
    """A grid of 24³ voxels with ``middle`` near its centre."""
    affine = np.eye(4)
    affine[:3, :3] = directions
    affine[:3, 3] = np.asarray(middle) + shift - directions @ np.full(3, 11.5)
    return Grid((24, 24, 24), affine, SPACE)


MIDDLE = (-12.0, 4.5, -8.0)


@FEW
@given(STEPS, SHIFT, SIGNS, ORDER, st.integers(0, 99), st.booleans())
def test_parallel_grids_keep_the_volume_and_the_centre(
        steps: tuple[float, float, float], shift: tuple[float, float, float], signs: tuple[int, int, int],
        order: tuple[int, int, int], seed: int, fractional: bool) -> None:
    weights, affine = blob(seed, fractional)
    grid = grid_around((np.diag(steps) * signs)[:, order], shift, MIDDLE)
    flat, fill = fill_fractions(weights, affine, grid)
    total = weights.sum(dtype=np.float64)
    np.testing.assert_allclose(fill.sum() * grid.voxel_volume_mm3, total, rtol=1e-5)
    assert (fill > 0).all()
    assert (fill <= 1).all()
    expected = weights.ravel().astype(float) @ np.argwhere(np.ones(weights.shape)) / total + affine[:3, 3]
    centre = fill @ grid.world(grid.unravel(flat)) / fill.sum()
    assert np.abs(centre - expected).max() < 0.5 * max(steps)


@FEW
@given(STEPS, SHIFT, ANGLES, st.integers(0, 99))
def test_oblique_grids_keep_the_volume(steps: tuple[float, float, float], shift: tuple[float, float, float],
                                       angles: tuple[float, float, float], seed: int) -> None:
    weights, affine = blob(seed)
    grid = grid_around(rotation(angles) @ np.diag(steps), shift, MIDDLE)
    flat, fill = fill_fractions(weights, affine, grid)
    np.testing.assert_allclose(fill.sum() * grid.voxel_volume_mm3, weights.sum(dtype=np.float64), rtol=1e-5)
    assert (np.diff(flat) > 0).all()
    assert (fill > 0).all()
    assert (fill <= 1).all()


@FEW
@given(STEPS, SHIFT, st.integers(0, 99))
def test_a_slight_turn_changes_little(steps: tuple[float, float, float], shift: tuple[float, float, float],
                                      seed: int) -> None:
    """The sampled way of oblique grids agrees with the exact way of parallel grids."""
    weights, affine = blob(seed)
    found = []
    for angle in (0.0, 2e-3):
        grid = grid_around(rotation((0, 0, angle)) @ np.diag(steps), shift, MIDDLE)
        image = np.zeros(grid.n_voxels)
        flat, fill = fill_fractions(weights, affine, grid)
        image[flat] = fill
        found.append(image)
    assert np.abs(found[0] - found[1]).max() < 0.15
    assert np.corrcoef(*found)[0, 1] > 0.99


def places(flat: np.ndarray, fill: np.ndarray, grid: Grid) -> dict[tuple[float, ...], float]:
    world = np.round(grid.world(grid.unravel(flat)), 4) + 0.0
    return dict(zip(map(tuple, world.tolist()), np.round(fill, 9).tolist(), strict=True))


@FEW
@given(STEPS, SHIFT, SIGNS, ORDER, st.integers(0, 99))
def test_flips_and_permutations_of_the_storage_change_no_place(
        steps: tuple[float, float, float], shift: tuple[float, float, float], signs: tuple[int, int, int],
        order: tuple[int, int, int], seed: int) -> None:
    weights, affine = blob(seed)
    sphere = SphereShape(((-12.0, 5.0, -8.0),), 5.0)
    plain = grid_around(np.diag(steps), shift, MIDDLE)
    other = grid_around((np.diag(steps) * signs)[:, order], shift, MIDDLE)
    for draw in (lambda grid: fill_fractions(weights, affine, grid), lambda grid: sphere_voxels(sphere, grid),
                 lambda grid: sphere_fill(sphere, grid)):
        one, two = places(*draw(plain), plain), places(*draw(other), other)
        assert one.keys() == two.keys()
        np.testing.assert_allclose([two[place] for place in one], list(one.values()), atol=1e-6)


@FEW
@given(STEPS, SHIFT, st.integers(0, 99))
def test_mirror(steps: tuple[float, float, float], shift: tuple[float, float, float], seed: int) -> None:
    weights, affine = blob(seed)
    mirror = np.diag([-1.0, 1, 1, 1])
    grid = grid_around(np.diag(steps), shift, MIDDLE)
    mirrored = Grid(grid.shape, mirror @ grid.affine, SPACE)
    flat, fill = fill_fractions(weights, affine, grid)
    other_flat, other_fill = fill_fractions(weights, mirror @ affine, mirrored)
    np.testing.assert_array_equal(flat, other_flat)
    np.testing.assert_allclose(fill, other_fill, atol=1e-9)
    left, right = grid.world(grid.unravel(flat)), mirrored.world(mirrored.unravel(other_flat))
    np.testing.assert_allclose(left * [-1, 1, 1], right, atol=1e-9)


@FEW
@given(STEPS, SHIFT, ANGLES, st.floats(2, 9))
def test_spheres_keep_their_volume_on_any_grid(steps: tuple[float, float, float], shift: tuple[float, float, float],
                                               angles: tuple[float, float, float], radius: float) -> None:
    grid = grid_around(rotation(angles) @ np.diag(steps), shift, MIDDLE)
    shape = SphereShape((MIDDLE,), radius)
    _, fill = sphere_fill(shape, grid)
    np.testing.assert_allclose(fill.sum() * grid.voxel_volume_mm3, sphere_volume(shape), rtol=1e-9)


@FEW
@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=30), st.integers(0, 20), st.floats(0.97, 1.03))
def test_keep_volume_only_touches_the_border(partial: list[float], full: int, factor: float) -> None:
    fill = np.array([*partial, *[1.0] * full])
    out = keep_volume(fill, min(fill.sum() * factor, float(fill.size)))
    assert (out[len(partial):] == 1).all()
    assert (out > 0).all()
    assert (out <= 1).all()
