"""Smoothed voxels equal nilearn's: nilearn.image.smooth_img(img, fwhm), nilearn 0.14.1, run here beside ours.

Bounds: relative to the largest value of the image. nilearn keeps float32 images in float32 between its three passes
(about 6e-8 per pass), we compute in float64; images that nilearn smooths in float64 agree to 1e-14.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nilearn.image import smooth_img

from deltaroi.signal import gather, read_header
from deltaroi.smoothing import smoothing_plan

SIZES = {"2 mm": (2.0, 2.0, 2.0), "anisotropic": (3.4375, 3.4375, 4.5), "thin": (1.0, 1.0, 5.0)}
STORED = ["float32", "float64", "int16", "int16 scaled"]


def affine_of(sizes: tuple[float, float, float], turn: float) -> np.ndarray:
    """An affine with a negative x step, turned about z and x."""
    c, s = np.cos(turn), np.sin(turn)
    turned = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    affine = np.eye(4)
    affine[:3, :3] = turned @ np.diag(sizes) @ np.diag([-1, 1, 1])
    affine[:3, 3] = [20, -30, 10]
    return affine


def save_image(path: Path, stored: str, affine: np.ndarray) -> None:
    """A 13 × 11 × 9 × 35 image with structure and, where the type has them, a hole of NaN and one infinity."""
    rng = np.random.default_rng(3)
    data = 1000 + 300 * rng.standard_normal((13, 11, 9, 35))
    if stored.startswith("int16"):
        image = nib.Nifti1Image(data.astype(np.int16) if stored == "int16" else data, affine, dtype=np.int16)
        if stored == "int16 scaled":
            image.header.set_slope_inter(0.137, -20.5)
    else:
        data[6:8, 5, 4] = np.nan
        data[1, 1, 1, 7] = np.inf
        image = nib.Nifti1Image(data.astype(stored), affine)
    nib.save(image, path)


def corner_and_middle(shape: tuple[int, int, int]) -> np.ndarray:
    """Voxels at two corners, on an edge, in the middle, beside and inside the hole; not sorted."""
    ijk = np.array([[0, 0, 0], [12, 10, 8], [0, 5, 8], [6, 5, 4], [5, 5, 4], [9, 7, 2], [2, 2, 2], [1, 1, 1]])
    return np.ravel_multi_index(tuple(ijk.T), shape)[::-1]


@pytest.mark.parametrize("turn", [0.0, 0.3])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("fwhm", [4.0, 6.0, 10.0])
def test_equals_smooth_img(fwhm: float, stored: str, sizes: str, turn: float, tmp_path: Path) -> None:
    path = tmp_path / "bold.nii.gz"
    save_image(path, stored, affine_of(SIZES[sizes], turn))
    whole = np.asarray(smooth_img(path, fwhm).dataobj)
    header = read_header(path)
    assert header.scaled == (stored == "int16 scaled")
    flat = corner_and_middle(header.grid.shape)
    plan = smoothing_plan(header.grid, flat, fwhm)
    found = gather(path, flat, plan)
    expected = whole.reshape(-1, 35)[flat].T.astype(np.float64)
    difference = np.abs(found.data - expected).max() / np.abs(expected).max()
    assert difference < (1e-14 if stored in ("float64", "int16 scaled") else 2e-7)
    apart = plan.apply(gather(path, plan.gather).data)
    assert found.data.dtype == (np.float64 if stored in ("float64", "int16 scaled") else np.float32)
    np.testing.assert_array_equal(found.data, apart.astype(found.data.dtype))


def test_voxels_without_a_number_are_flagged_though_smoothing_fills_them(tmp_path: Path) -> None:
    path = tmp_path / "bold.nii.gz"
    save_image(path, "float32", affine_of((2.0, 2.0, 2.0), 0.0))
    flat = corner_and_middle((13, 11, 9))
    found = gather(path, flat, smoothing_plan(read_header(path).grid, flat, 6.0))
    assert np.isfinite(found.data).all()
    assert found.finite[::-1].tolist() == [True, True, True, False, True, True, True, False]
    assert found.n_nonfinite == 2 * 35 + 1
