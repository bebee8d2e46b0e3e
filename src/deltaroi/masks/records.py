"""What the masks stage hands on."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from deltaroi.atlas import ImageShape, SphereShape
from deltaroi.grid import FloatArray, Grid, IntArray
from deltaroi.specs import Rule
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
class Drawing:
    """One ROI before it meets the grid, whoever drew it.

    ``space_relation`` is the text of that column; the other texts are columns of ``regions.tsv`` too. ``caution`` is
    what its definition says must be known before using it.
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
    caution: str = ""
