"""What the masks stage hands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi.atlas import SphereShape
from deltaroi.atlas.definitions import Rule
from deltaroi.grid import FloatArray, Grid, IntArray
from deltaroi.types import Exclusion, RoiKey


@dataclass(frozen=True, eq=False)
class RoiVoxels:
    """One ROI on one grid; ``n`` voxels.

    Attributes
    ----------
    key : RoiKey
        Region, hemisphere, definition.
    rule : {"majority", "fill_weight"}
        How it was resampled.
    flat : ndarray of int64, shape (n,)
        Sorted flat C-order positions on the grid.
    weights : ndarray of float64, shape (n,)
        1 under ``majority``, the filled share of the voxel under ``fill_weight``.
    """

    key: RoiKey
    rule: Rule
    flat: IntArray
    weights: FloatArray


@dataclass(frozen=True, eq=False)
class RegionSet:
    """All ROIs on one grid.

    Attributes
    ----------
    grid : Grid
        The grid of the images.
    rois : tuple of RoiVoxels
        In the order they were asked for.
    table : DataFrame
        One row per ROI, :data:`deltaroi.tables.REGIONS`.
    exclusions : tuple of Exclusion
        ROIs that have no voxel on the grid.
    notes : tuple of str
        What was decided on the way.
    """

    grid: Grid
    rois: tuple[RoiVoxels, ...]
    table: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ImageShape:
    """A drawing on its own grid: weights 0 to 1, cropped, with the affine of the crop."""

    weights: NDArray[np.float32]
    affine: FloatArray


@dataclass(frozen=True, eq=False)
class Drawing:
    """One ROI before it meets the grid, whoever drew it.

    ``space_relation`` is the text of that column; the other texts are columns of ``regions.tsv`` too.
    ``volume_mm3`` is the volume of the drawing.
    """

    key: RoiKey
    shape: ImageShape | SphereShape
    rule: Rule
    volume_mm3: float
    source: str
    version: str
    space: str
    licence: str
    citation: str
    sha256: str
    space_relation: str
    notes: tuple[str, ...] = ()
