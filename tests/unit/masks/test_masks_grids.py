"""Grids by name and from images."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deltaroi import masks
from deltaroi.errors import UsageError

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


@pytest.mark.parametrize("shape", [(4, 5, 6), (4, 5, 6, 1), (4, 5, 6, 3), (4, 5, 6, 1, 1)])
def test_the_grid_of_a_series_is_that_of_its_volumes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    affine = np.diag([-2.0, 2, 2, 1])
    nib.Nifti1Image(np.zeros(shape, np.float32), affine).to_filename(tmp_path / "image.nii")
    grid = masks.grid_of_image(tmp_path / "image.nii", "MNI152NLin2009cAsym")
    assert grid.shape == (4, 5, 6)
    np.testing.assert_array_equal(grid.affine, affine)
