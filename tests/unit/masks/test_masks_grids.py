"""Grids by name and from images."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deltaroi import masks
from deltaroi.errors import DataError, UsageError

CASES = [
    ("MNI152NLin2009cAsym", 1, (193, 229, 193), (-96, -132, -78)),
    ("MNI152NLin2009cAsym", 2, (97, 115, 97), (-96, -132, -78)),
    ("MNI152NLin2009cAsym", 3, (65, 77, 65), (-96, -132, -78)),
    ("MNI152NLin6Asym", 1, (182, 218, 182), (-90, -126, -72)),
    ("MNI152NLin6Asym", 2, (91, 109, 91), (-90, -126, -72)),
    ("MNI152NLin6ASym", 2, (91, 109, 91), (-90, -126, -72)),
]


@pytest.mark.parametrize(("space", "resolution", "shape", "origin"), CASES)
def test_template_grid(space: str, resolution: float, shape: tuple[int, ...], origin: tuple[int, ...]) -> None:
    grid = masks.grid_for(space, resolution)
    assert grid.shape == shape
    np.testing.assert_array_equal(grid.affine[:3, 3], origin)
    np.testing.assert_array_equal(grid.affine[:3, :3], np.eye(3) * resolution)


@pytest.mark.parametrize(("space", "resolution"), [("Talairach", 2), ("MNI152NLin2009cAsym", 0.1), ("T1w", 2)])
def test_unknown(space: str, resolution: float) -> None:
    with pytest.raises(UsageError):
        masks.grid_for(space, resolution)


def test_grid_of_an_image_with_volumes_is_refused_but_a_trailing_axis_is_fine(tmp_path: Path) -> None:
    affine = np.diag([-2.0, 2, 2, 1])
    nib.Nifti1Image(np.zeros((4, 5, 6, 1), np.float32), affine).to_filename(tmp_path / "one.nii")
    nib.Nifti1Image(np.zeros((4, 5, 6, 3), np.float32), affine).to_filename(tmp_path / "three.nii")
    grid = masks.grid_of_image(tmp_path / "one.nii", "MNI152NLin2009cAsym")
    assert grid.shape == (4, 5, 6)
    np.testing.assert_array_equal(grid.affine, affine)
    with pytest.raises(DataError, match="three dimensions"):
        masks.grid_of_image(tmp_path / "three.nii")
