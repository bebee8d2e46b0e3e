"""Regions against SimpleITK: volumes and centroids of labels, and ROI means of real maps.

SimpleITK reads the atlas files by itself and knows nothing of nibabel, of affines or of this package. Its physical
points are LPS: x and y have the other sign.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

import deltaroi
from deltaroi import atlas
from deltaroi.atlas.definitions import LabelRegion, LabelsDefinition
from deltaroi.atlas.places import locate
from deltaroi.measuring import MeasureOptions
from deltaroi.specs import Hemisphere

DEFINITIONS = [d for d in atlas.library() if isinstance(d, LabelsDefinition) and d.name != "schaefer"]
SIDES: tuple[Hemisphere, ...] = ("L", "R")
Measured = dict[tuple[str, Hemisphere], tuple[float, np.ndarray]]


def world_axis(image: sitk.Image, axis: int) -> sitk.Image:
    """World coordinate (RAS, mm) of every voxel, from SimpleITK."""
    points = sitk.PhysicalPointSource(sitk.sitkVectorFloat32, image.GetSize(), image.GetOrigin(), image.GetSpacing(),
                                      image.GetDirection())
    along = sitk.VectorIndexSelectionCast(points, axis)
    return -along if axis < 2 else along


def one_by_one(image: sitk.Image, ids: list[int]) -> sitk.Image:
    """1 where the image has one of the labels."""
    found = image == ids[0]
    for label in ids[1:]:
        found = found | (image == label)
    return found


def by_simpleitk(definition: LabelsDefinition) -> Measured:
    out: Measured = {}
    for key, file in definition.images.items():
        image = sitk.Cast(sitk.Round(sitk.Cast(sitk.ReadImage(str(locate(file))), sitk.sitkFloat32)), sitk.sitkUInt16)
        x, y = world_axis(image, 0), world_axis(image, 1)
        for name, region in definition.regions.items():
            if not isinstance(region, LabelRegion) or (region.image or key) != key:
                continue
            for side in SIDES:
                pooled = definition.sides == "midplane"
                mask = one_by_one(image, [i for s in SIDES for i in region.ids[s]] if pooled else region.ids[side])
                if pooled:
                    mask = mask & (x < -1e-3 if side == "L" else x > 1e-3)
                if region.cut is not None:
                    assert region.cut.axis == "y"
                    mask = mask & (y > region.cut.from_mm - 1e-3 if region.cut.from_mm is not None
                                   else y < region.cut.to_mm + 1e-3)
                stats = sitk.LabelShapeStatisticsImageFilter()
                stats.Execute(mask)
                out[name, side] = stats.GetPhysicalSize(1), np.array(stats.GetCentroid(1)) * [-1, -1, 1]
    return out


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: f"{d.name}.{d.space}")
def test_volumes_and_centroids(definition: LabelsDefinition) -> None:
    expected = by_simpleitk(definition)
    assert len(expected) >= 2 * sum(isinstance(r, LabelRegion) for r in definition.regions.values())
    for (name, side), (volume, place) in expected.items():
        native = atlas.native_weights(atlas.find(name, side, definition.name, definition.space))
        voxel = abs(np.linalg.det(native.affine[:3, :3]))
        points = np.argwhere(native.weights) @ native.affine[:3, :3].T + native.affine[:3, 3]
        assert native.weights.sum(dtype=float) * voxel == pytest.approx(volume, rel=1e-5), (name, side)
        np.testing.assert_allclose(points.mean(axis=0), place, atol=1e-3, err_msg=f"{name} {side}")


REGIONS = ("amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC", "putamen", "caudate", "PCC", "SMA")


def oriented(path: Path, folder: Path) -> Path:
    image = nib.load(path)
    copy = nib.Nifti1Image(image.get_fdata().reshape(image.shape[:3]), image.affine)
    copy.set_sform(image.affine, 4)
    out = folder / f"{path.stem}.nii.gz"
    copy.to_filename(out)
    return out


def test_roi_means_of_real_maps(shared: Path, tmp_path: Path) -> None:
    """Regions on the maps' own grid, made into a label image, and averaged by SimpleITK in three subjects.

    The headers have no orientation; it is written into copies by SPM's convention, as the package asks. Whether that is
    right is not known (SOURCE.txt) and does not matter here: the same voxels are averaged by both.
    """
    originals = sorted((shared / "data" / "wager2008_emotionreg").glob("con_*.img"))[:3]
    maps = [oriented(path, tmp_path) for path in originals]
    built = deltaroi.regions(REGIONS, hemispheres=("L", "R"), like=maps[0])
    first = nib.load(maps[0])
    labels = np.zeros(np.prod(first.shape), dtype=np.uint16)
    for number, roi in enumerate(built.rois, start=1):
        assert set(np.unique(roi.weights)) == {1.0}
        assert not labels[roi.flat].any()
        labels[roi.flat] = number
    table = tmp_path / "maps.tsv"
    table.write_text("subject\tcontrast\tpath\n" + "".join(f"{n:02d}\tc\t{path}\n" for n, path in enumerate(maps, 1)))
    options = MeasureOptions(regions=REGIONS, hemispheres=SIDES, space="MNI152NLin2009cAsym")
    measured = deltaroi.measure(table, options).responses.set_index(["subject", "region", "hemisphere"])["value"]
    assert len(measured) == 3 * len(built.rois) == 3 * 2 * len(REGIONS)
    for number, path in enumerate(maps, start=1):
        values = nib.load(path).get_fdata()
        there = np.where(np.isfinite(values), labels.reshape(values.shape), 0)  # NaN is outside the brain
        statistics = sitk.LabelStatisticsImageFilter()
        statistics.Execute(sitk.GetImageFromArray(np.nan_to_num(values)), sitk.GetImageFromArray(there))
        for label, roi in enumerate(built.rois, start=1):
            ours = measured[f"{number:02d}", roi.key.region, roi.key.hemisphere]
            assert ours == pytest.approx(statistics.GetMean(label), rel=1e-9), roi.key
            assert statistics.GetCount(label) >= 0.5 * len(roi.flat)
