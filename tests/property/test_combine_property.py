"""Set operations on any grids against sampling the world; purity and fills against fine subdivision."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi import masks
from deltaroi.atlas import ImageShape, combine, find, native_weights
from deltaroi.errors import DataError
from deltaroi.fill import fill_fractions
from deltaroi.grid import Grid
from deltaroi.specs import Regions

SPACE = "MNI152NLin2009cAsym"
FEW = settings(max_examples=25, deadline=None, derandomize=True)
SEEDS = st.integers(0, 10_000)
OPERATIONS = ("union", "intersect", "minus", "within")


def block(shape: tuple[int, ...], step: tuple[float, ...], first: tuple[float, ...],
          turn: np.ndarray | None = None) -> ImageShape:
    """A mask that fills its whole box."""
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) @ np.diag(step)
    affine[:3, 3] = first
    return ImageShape(np.ones(shape, np.float32), affine)


def ragged(rng: np.random.Generator, oblique: bool) -> ImageShape:
    """A ragged region on a grid with any voxel size, flips, order of axes and, if wanted, turn."""
    shape = rng.integers(4, 9, 3)
    size = rng.choice([1, 1.5, 2, 2.5, 3], 3)
    directions = (np.diag(size * rng.choice([-1, 1], 3)))[:, rng.permutation(3)]
    if oblique:
        directions = np.linalg.qr(np.eye(3) + 0.3 * rng.standard_normal((3, 3)))[0] @ directions
    affine = np.eye(4)
    affine[:3, :3] = directions
    affine[:3, 3] = np.round(rng.uniform(-4, 4, 3) * 2) / 2 - directions @ ((shape - 1) / 2)
    index = (np.indices(shape).reshape(3, -1).T - (shape - 1) / 2) / (shape / 2)
    weights = ((index**2).sum(axis=1) < 1).reshape(shape)
    return ImageShape(weights.astype(np.float32), affine)


def at(part: ImageShape, points: np.ndarray) -> np.ndarray:
    """Values of a drawing at points of the world."""
    out = np.zeros(len(points))
    if not part.weights.size:
        return out
    inverse = np.linalg.inv(part.affine)
    index = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
    inside = ((index >= 0) & (index < part.weights.shape)).all(axis=1)
    out[inside] = part.weights[tuple(index[inside].T)]
    return out


def cloud(parts: list[ImageShape], step: float) -> np.ndarray:
    """Points over everything that the parts cover."""
    ends = []
    for part in parts:
        corners = np.stack(np.meshgrid(*[(-0.5, n - 0.5) for n in part.weights.shape]), axis=-1).reshape(-1, 3)
        ends.append(corners @ part.affine[:3, :3].T + part.affine[:3, 3])
    low, high = np.concatenate(ends).min(axis=0) - 1, np.concatenate(ends).max(axis=0) + 1
    axes = [np.arange(a, b, step) + 0.0137 for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def by_hand(op: str, values: list[np.ndarray]) -> np.ndarray:
    first, *others = values
    for other in others:
        first = {"union": np.maximum(first, other), "intersect": np.minimum(first, other),
                 "minus": np.minimum(first, 1 - other), "within": np.where(other >= 0.5, first, 0)}[op]
    return first


@FEW
@given(SEEDS, st.sampled_from(OPERATIONS), st.booleans(), st.integers(2, 3))
def test_set_operations_are_those_of_the_world(seed: int, op: str, oblique: bool, n: int) -> None:
    """No volume is lost or invented beyond the rounding of edges to the lattice, wherever the parts lie."""
    rng = np.random.default_rng(seed)
    parts = [ragged(rng, oblique and i > 0) for i in range(n)]
    points = cloud(parts, 0.4)
    expected = by_hand(op, [at(part, points) for part in parts])
    found = combine(op, parts)
    total = sum(part.volume_mm3 for part in parts)
    assert abs(found.volume_mm3 - expected.sum() * 0.4**3) < (0.08 if oblique else 0.03) * total
    assert np.abs(at(found, points) - expected).sum() * 0.4**3 < 0.25 * total


@FEW
@given(SEEDS, st.sampled_from(OPERATIONS))
def test_boxes_on_grids_whose_edges_meet_are_exact(seed: int, op: str) -> None:
    """Edges that lie in the middle of the other grid's voxels neither gain nor lose half a voxel."""
    rng = np.random.default_rng(seed)
    steps = [tuple(rng.choice([1.0, 2.0, 3.0], 3)) for _ in range(2)]
    parts = [block(tuple(rng.integers(2, 6, 3)), step, tuple(rng.integers(-8, 9, 3) / 2)) for step in steps]
    points = cloud(parts, 0.25) + 0.0613  # a quarter of a millimetre divides every edge
    expected = by_hand(op, [at(part, points) for part in parts])
    np.testing.assert_array_equal(at(combine(op, parts), points), expected)


def test_a_part_at_2_mm_keeps_its_volume_beside_one_at_1_mm() -> None:
    coarse = block((5, 5, 5), (2, 2, 2), (-4, -4, -4))  # its edges cut the 1 mm voxels in half
    fine = block((3, 3, 3), (1, 1, 1), (10, 10, 10))
    assert combine("union", [coarse, fine]).volume_mm3 == pytest.approx(1000 + 27)
    assert combine("minus", [coarse, fine]).volume_mm3 == pytest.approx(1000)


@pytest.mark.parametrize("op", OPERATIONS)
def test_a_part_that_is_empty(op: str) -> None:
    full = block((3, 4, 5), (1, 1, 1), (0, 0, 0))
    empty = ImageShape(np.zeros((0, 0, 0), np.float32), np.eye(4))
    left = {"union": 60, "intersect": 0, "minus": 60, "within": 0}[op]
    assert combine(op, [full, empty]).volume_mm3 == left
    assert combine(op, [empty, full]).volume_mm3 == (60 if op == "union" else 0)
    assert combine(op, [empty, empty]).volume_mm3 == 0


def test_an_roi_made_from_one_that_is_empty_is_an_exclusion() -> None:
    custom = {"nothing": {"combine": {"op": "intersect", "of": ["amygdala.hcpex", "VTA.hcpex"]}},
              "it": {"combine": {"op": "within", "of": ["amygdala.hcpex", "nothing"]}}}
    regions = Regions.model_validate_json(json.dumps({"include": ["it"], "custom": custom}))
    found = masks.build_regions(regions, masks.grid_for(SPACE, 3), base=Path())
    assert [row.reason for row in found.exclusions] == ["the ROI is empty: nothing is left of it"] * 2


def test_grids_that_cannot_be_combined_are_named() -> None:
    with pytest.raises(DataError, match="cannot be combined: one has voxels of 1e-06 mm3"):
        combine("union", [block((4, 4, 4), (0.01,) * 3, (0, 0, 0)), block((9, 9, 9), (2, 2, 2), (30, 30, 30))])


@pytest.mark.parametrize("step", [2.0, 2.4, 2.5, 3.3])
@pytest.mark.parametrize("noise", [1e-8, 1e-6])
def test_the_rounding_noise_of_a_header_changes_nothing(step: float, noise: float) -> None:
    native = native_weights(find("amygdala", "L", "hcpex"))
    affine = np.diag([step] * 3 + [1.0])
    affine[:3, 3] = (-96, -132, -78)
    noisy = affine.copy()
    noisy[:3, :3] += np.random.default_rng(1).uniform(-1, 1, (3, 3)) * noise
    images = []
    for matrix in (affine, noisy):
        grid = Grid((80, 90, 80), matrix, SPACE)
        image = np.zeros(grid.n_voxels)
        flat, fill = fill_fractions(native.weights, native.affine, grid)
        image[flat] = fill
        images.append(image)
    np.testing.assert_allclose(images[1], images[0], atol=1e-3)
    np.testing.assert_array_equal(images[1] >= 0.5 - 1e-6, images[0] >= 0.5 - 1e-6)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from(["majority", "fill_weight"]), st.sampled_from([2.0, 2.5, 3.0]))
def test_purity_is_that_of_a_fine_subdivision(seed: int, rule: str, step: float) -> None:
    """Purity = Σ w·fill / Σ w, fills counted at points 1/16 mm apart."""
    rng = np.random.default_rng(seed)
    data = np.zeros((14, 14, 14), np.uint8)
    data[3:11, 3:11, 3:11] = rng.random((8, 8, 8)) < 0.8
    affine = np.eye(4)
    affine[:3, 3] = (-30, -10, -12)
    target = np.diag([step, -step, step, 1.0])
    target[:3, 3] = affine[:3, 3] + [-2.5, 17.5, -2.5] + rng.integers(-8, 9, 3) / 16
    grid = Grid((10, 10, 10), target, SPACE)
    per = round(step * 16)
    origin = target[:3, 3] - step / 2 * np.array([1, -1, 1])
    index = []
    for axis in range(3):  # which source voxel each point of the fine lattice lies in
        points = origin[axis] + np.sign(target[axis, axis]) * (np.arange(10 * per) + 0.5) / 16
        index.append(np.clip(np.rint(points - affine[axis, 3]).astype(int), 0, 13))
    fine = data[np.ix_(*index)]
    fill = fine.reshape(10, per, 10, per, 10, per).mean(axis=(1, 3, 5)).ravel()
    weights = (fill >= 0.5).astype(float) if rule == "majority" else fill
    with tempfile.TemporaryDirectory() as folder:
        nib.Nifti1Image(data, affine).to_filename(Path(folder) / "m.nii")
        regions = Regions.model_validate({"include": ["m"], "custom": {
            "m": {"mask": "m.nii", "space": SPACE, "rule": rule}}})
        row = masks.build_regions(regions, grid, base=Path(folder)).table.iloc[0]
    assert row["purity"] == pytest.approx(weights @ fill / weights.sum(), rel=1e-6)
    assert row["volume_mm3"] == pytest.approx(weights.sum() * step**3, rel=1e-6)
