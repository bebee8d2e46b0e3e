"""Building the ROIs of a study on one grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.atlas import SphereShape, find, native_weights
from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, Grid
from deltaroi.masks.custom import Place, draw_custom
from deltaroi.masks.fill import Filled, fill_fractions
from deltaroi.masks.keys import CUSTOM, resolve
from deltaroi.masks.records import Drawing, ImageShape, RegionSet, RoiVoxels
from deltaroi.masks.space import check_space
from deltaroi.masks.spheres import sphere_fill, sphere_volume, sphere_voxels
from deltaroi.specs import Regions
from deltaroi.tables import REGIONS, conform
from deltaroi.types import NA, Exclusion, RoiKey

_HALF = 0.5 - 1e-6
_LARGEST_LOSS = 0.2
_FEWEST_VOXELS = 10.0


def build_regions(regions: Regions, grid: Grid, *, base: Path, allow_space_mismatch: bool = False) -> RegionSet:
    """Put the ROIs of a study on a grid.

    Under ``majority`` an ROI is the voxels it fills to at least one half (a sphere: the voxels whose centre lies within
    the radius, as in SPM and nilearn); under ``fill_weight`` every voxel it touches, weighted by the filled share.

    Parameters
    ----------
    regions : Regions
        What the study asks for.
    grid : Grid
        The grid of the images, with their template space.
    base : Path
        Folder that the paths of custom ROIs are relative to.
    allow_space_mismatch : bool
        Use drawings of another template space; it is recorded.

    Raises
    ------
    StudyError
        An unknown region, definition or hemisphere.
    DataError
        An image that cannot be used, or an ROI on the wrong side.
    SpaceError
        A template space that does not fit the grid.
    """
    keys, notes = resolve(regions)
    place = Place(base, grid, allow_space_mismatch)
    found: list[RoiVoxels] = []
    rows: list[dict[str, Any]] = []
    exclusions: list[Exclusion] = []
    collected = list(notes)
    for key in keys:
        custom = key.definition == CUSTOM
        drawing = draw_custom(key, regions.custom[key.region], place) if custom else _draw_library(key, place)
        _check_side(drawing)
        collected += drawing.notes
        voxels = _voxels(drawing, grid)
        if voxels.flat.size == 0:
            exclusions.append(_excluded(drawing))
            continue
        found.append(voxels)
        rows.append(_row(drawing, voxels, grid))
    table = conform(pd.DataFrame(rows, columns=REGIONS.names), REGIONS)
    return RegionSet(grid, tuple(found), table, tuple(exclusions), tuple(dict.fromkeys(collected)))


def _draw_library(key: RoiKey, place: Place) -> Drawing:
    source = find(key.region, key.hemisphere, key.definition)  # type: ignore[arg-type]
    fit = check_space(source.space, place.grid, place.allow_space_mismatch, f"definition {key.definition}", key.region)
    shape: ImageShape | SphereShape
    if isinstance(source.shape, SphereShape):
        shape, volume = source.shape, sphere_volume(source.shape)
    else:
        native = native_weights(source)
        shape = ImageShape(native.weights, native.affine)
        volume = float(native.weights.sum(dtype=np.float64)) * float(abs(np.linalg.det(native.affine[:3, :3])))
    notes = (f"definition {key.definition}: {fit.note}",) if fit.note else ()
    return Drawing(key=key, shape=shape, rule=source.rule, volume_mm3=volume, source=source.source,
                   version=source.version, space=source.space, licence=source.licence, citation=source.citation,
                   sha256=source.sha256, space_relation=fit.relation, notes=notes)


def _voxels(drawing: Drawing, grid: Grid) -> RoiVoxels:
    flat, fill = _filled(drawing, grid)
    if drawing.rule == "majority":
        kept = fill >= _HALF
        flat, fill = flat[kept], np.ones(int(kept.sum()))
    return RoiVoxels(drawing.key, drawing.rule, flat, fill)


def _filled(drawing: Drawing, grid: Grid) -> Filled:
    if isinstance(drawing.shape, ImageShape):
        return fill_fractions(drawing.shape.weights, drawing.shape.affine, grid)
    return (sphere_voxels if drawing.rule == "majority" else sphere_fill)(drawing.shape, grid)


def _check_side(drawing: Drawing) -> None:
    """Left is x < 0, right is x > 0; an ROI on the other side has its sides swapped."""
    side = drawing.key.hemisphere
    x = float(_centre(drawing)[0])
    if (side == "L" and x > 0) or (side == "R" and x < 0):
        words = {"L": "left", "R": "right"}
        raise DataError(f"the ROI is called {words[side]}, but its centre lies at x = {x:.1f} mm",
                        where=drawing.key.label,
                        hint="left is negative x; are the sides swapped, or is the image flipped?")


def _centre(drawing: Drawing) -> FloatArray:
    if isinstance(drawing.shape, SphereShape):
        return np.asarray(drawing.shape.centres, dtype=np.float64).mean(axis=0)
    weights, affine = drawing.shape.weights.astype(np.float64), drawing.shape.affine
    marginals = [weights.sum(axis=tuple(a for a in range(3) if a != axis)) for axis in range(3)]
    index = np.array([m @ np.arange(m.size) / m.sum() for m in marginals])
    return affine[:3, :3] @ index + affine[:3, 3]


def _excluded(drawing: Drawing) -> Exclusion:
    wanted = "a voxel filled to one half" if drawing.rule == "majority" else "a voxel that it touches"
    return Exclusion(stage="masks", region=drawing.key.label, reason="the ROI has no voxel on the images' grid",
                     value="0 voxels", threshold=wanted)


def _row(drawing: Drawing, voxels: RoiVoxels, grid: Grid) -> dict[str, Any]:
    total = float(voxels.weights.sum())
    centre = voxels.weights @ grid.world(grid.unravel(voxels.flat)) / total
    volume = total * grid.voxel_volume_mm3
    sizes = "x".join(f"{size:g}" for size in np.round(grid.voxel_sizes, 3))
    return {
        "region": drawing.key.region, "hemisphere": drawing.key.hemisphere, "definition": drawing.key.definition,
        "grid": f"{'x'.join(map(str, grid.shape))} {sizes} mm",
        "grid_digest": grid.digest, "space": grid.space, "rule": drawing.rule, "n_voxels": voxels.flat.size,
        "n_voxels_effective": total, "volume_mm3": volume, "x_mm": centre[0], "y_mm": centre[1], "z_mm": centre[2],
        "source": drawing.source, "source_version": drawing.version, "source_space": drawing.space,
        "licence": drawing.licence, "citation": drawing.citation, "sha256": drawing.sha256,
        "native_volume_mm3": drawing.volume_mm3, "space_relation": drawing.space_relation,
        "warning": _warning(drawing.volume_mm3, volume, total),
    }


def _warning(native: float, volume: float, effective: float) -> str:
    parts = []
    if volume < (1 - _LARGEST_LOSS) * native:
        parts.append(f"{100 * (1 - volume / native):.0f} % of its volume is lost on this grid")
    if effective < _FEWEST_VOXELS:
        parts.append(f"only {effective:.1f} effective voxels")
    return "; ".join(parts) or NA
