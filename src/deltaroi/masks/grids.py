"""Grids by name and from images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deltaroi.atlas import NOT_STATED, canonical_space
from deltaroi.errors import SpaceError, UsageError, did_you_mean
from deltaroi.grid import Grid
from deltaroi.masks.images import open_image

# First and last voxel centre (mm) of the 1 mm templates in TemplateFlow, to which fMRIPrep resamples.
_EXTENT = {
    "MNI152NLin2009cAsym": ((-96.0, -132.0, -78.0), (96.0, 96.0, 114.0)),
    "MNI152NLin6Asym": ((-90.0, -126.0, -72.0), (91.0, 91.0, 109.0)),
}


def grid_for(space: str, resolution_mm: float, instead: str = "") -> Grid:
    """The template's grid at a resolution, as fMRIPrep writes it (RAS; ``res-2`` at 2 mm).

    Parameters
    ----------
    space : str
        ``MNI152NLin2009cAsym`` or ``MNI152NLin6Asym``.
    resolution_mm : float
        Voxel edge.
    instead : str
        What the caller takes in place of a space, for the message about one that is not known.

    Raises
    ------
    UsageError
        The box of that template is not known here, or the resolution does not fit.
    """
    name = canonical_space(space)
    if name not in _EXTENT:
        close = did_you_mean(space, list(_EXTENT))
        raise UsageError(f"the grid of space '{space}' is not known", where="--space",
                         hint=close or "; or ".join(filter(None, [f"known: {', '.join(_EXTENT)}", instead])))
    if not 0.5 <= resolution_mm <= 20:
        raise UsageError(f"a resolution of {resolution_mm:g} mm is out of range", where="--resolution",
                         hint="0.5 to 20 mm")
    low, high = (np.asarray(end) for end in _EXTENT[name])
    shape = np.floor((high - low) / resolution_mm + 1e-6).astype(int) + 1
    affine = np.diag([resolution_mm] * 3 + [1.0])
    affine[:3, 3] = low
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine, name)


def grid_of_image(path: Path, space: str = NOT_STATED) -> Grid:
    """The grid of an image or a series of volumes, of which only the header is read.

    Raises
    ------
    DataError
        The image cannot be read.
    SpaceError
        A template space is stated, but the header has no orientation (qform and sform codes 0).
    """
    image = open_image(path, str(path), volumes=True)
    if space != NOT_STATED and not image.oriented:
        raise SpaceError("the header has no orientation (qform and sform codes 0): where its voxels lie is unknown",
                         where=str(path), hint="write the orientation into the header first")
    return Grid(image.shape, image.affine, space)
