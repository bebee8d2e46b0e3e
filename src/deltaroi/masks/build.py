"""Building the ROIs of a study on one grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.atlas import (
    ImageShape,
    LabelShape,
    ProbabilityShape,
    SphereShape,
    draw,
    find,
    fingerprint,
)
from deltaroi.errors import DataError
from deltaroi.fill import HALF, Filled, fill_fractions
from deltaroi.grid import FloatArray, Grid
from deltaroi.masks.custom import Place, draw_custom, fit_talairach
from deltaroi.masks.keys import Request, part_request, resolve
from deltaroi.masks.records import Drawing, RegionSet, RoiVoxels
from deltaroi.masks.rules import Size, grade, other_side, rule_for, rule_of_image, warning
from deltaroi.masks.space import check_space, origin_note
from deltaroi.masks.spheres import sphere_fill, sphere_volume, sphere_voxels
from deltaroi.specs import Regions
from deltaroi.tables import REGIONS, conform
from deltaroi.types import NA, Exclusion, RoiKey, is_own


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
    requests, notes = resolve(regions, grid.space)
    place = Place(base, grid, allow_space_mismatch)
    found: list[RoiVoxels] = []
    rows: list[dict[str, Any]] = []
    exclusions: list[Exclusion] = []
    collected = [*notes, *origin_note(grid)]
    for request in requests:
        drawing = _draw(request, regions, place)
        _check_side(drawing)
        collected += drawing.notes
        voxels, purity = _voxels(drawing, grid)
        if voxels.flat.size == 0:
            exclusions.append(_excluded(drawing))
            continue
        found.append(voxels)
        rows.append(_row(drawing, voxels, purity, grid))
    table = conform(pd.DataFrame(rows, columns=REGIONS.names), REGIONS)
    return RegionSet(grid, tuple(found), table, tuple(exclusions), tuple(dict.fromkeys(collected)))


def _draw(request: Request, regions: Regions, place: Place) -> Drawing:
    key = request.key
    if not is_own(key.definition):
        return _draw_library(request, place)

    def part(wanted: RoiKey) -> Drawing:
        drawing = _draw(part_request(wanted, regions, place.grid.space), regions, place)
        _check_side(drawing)
        return drawing

    return draw_custom(key, regions, place, part)


def _draw_library(request: Request, place: Place) -> Drawing:
    key, space = request.key, place.grid.space
    source = find(key.region, key.hemisphere, key.definition, space, request.threshold)  # type: ignore[arg-type]
    where = f"definition {key.definition}"
    fit = fit_talairach(place, where, key.region) if source.drawn_space != source.space else \
        check_space(source.space, place.grid, place.allow_space_mismatch, where, key.region)
    shape: ImageShape | SphereShape
    if isinstance(source.shape, SphereShape):
        shape, volume, rule = source.shape, sphere_volume(source.shape), source.rule
    else:
        shape = draw(source.shape)
        volume, rule = shape.volume_mm3, source.rule or rule_of_image(shape)
    notes = tuple(f"definition {key.definition}: {text}" for text in (source.caution, fit.note) if text)
    sha256 = source.sha256
    if sha256 == NA and isinstance(source.shape, (LabelShape, ProbabilityShape)):
        sha256 = fingerprint(source.shape.image)
    return Drawing(key=key, shape=shape, rule=rule or rule_for(volume), volume_mm3=volume, source=source.source,
                   version=source.version, space=source.space, licence=source.licence, citation=source.citation,
                   sha256=sha256, space_relation=fit.relation, notes=notes, caution=source.caution)


def _voxels(drawing: Drawing, grid: Grid) -> tuple[RoiVoxels, float]:
    """Its voxels, and their purity: the mean fill, weighted as in the ROI's mean; NaN where fills are not known."""
    flat, fill = _filled(drawing, grid)
    weights = fill
    if drawing.rule == "majority":
        kept = fill >= HALF
        flat, fill, weights = flat[kept], fill[kept], np.ones(int(kept.sum()))
    known = not isinstance(drawing.shape, SphereShape) or drawing.rule == "fill_weight"
    shares = not isinstance(drawing.shape, ImageShape) or not drawing.shape.fractional
    purity = float(weights @ fill / weights.sum()) if flat.size and known and shares else float("nan")
    return RoiVoxels(drawing.key, drawing.rule, flat, weights), purity


def _filled(drawing: Drawing, grid: Grid) -> Filled:
    if _is_empty(drawing):
        return np.zeros(0, np.int64), np.zeros(0)
    if isinstance(drawing.shape, ImageShape):
        return fill_fractions(drawing.shape.weights, drawing.shape.affine, grid)
    return (sphere_voxels if drawing.rule == "majority" else sphere_fill)(drawing.shape, grid)


def _check_side(drawing: Drawing) -> None:
    """Left is x < 0, right is x > 0; an ROI on the other side has its sides swapped."""
    side = drawing.key.hemisphere
    if _is_empty(drawing):
        return
    x = float(_centre(drawing)[0])
    if (side == "L" and x > 0) or (side == "R" and x < 0):
        words = {"L": "left", "R": "right"}
        raise DataError(f"the ROI is called {words[side]}, but its centre lies at x = {x:.1f} mm",
                        where=drawing.key.label,
                        hint="left is negative x; are the sides swapped, or is the image flipped?")


def _is_empty(drawing: Drawing) -> bool:
    """Whether nothing is left of it, as after an intersection of what does not meet."""
    return isinstance(drawing.shape, ImageShape) and not drawing.shape.weights.any()


def _centre(drawing: Drawing) -> FloatArray:
    if isinstance(drawing.shape, SphereShape):
        return np.asarray(drawing.shape.centres, dtype=np.float64).mean(axis=0)
    weights, affine = drawing.shape.weights.astype(np.float64), drawing.shape.affine
    marginals = [weights.sum(axis=tuple(a for a in range(3) if a != axis)) for axis in range(3)]
    index = np.array([m @ np.arange(m.size) / m.sum() for m in marginals])
    return affine[:3, :3] @ index + affine[:3, 3]


def _excluded(drawing: Drawing) -> Exclusion:
    if _is_empty(drawing):
        return Exclusion(stage="masks", region=drawing.key.label, reason="the ROI is empty: nothing is left of it",
                         value=drawing.source, threshold="a voxel")
    wanted = "a voxel filled to one half" if drawing.rule == "majority" else "a voxel that it touches"
    return Exclusion(stage="masks", region=drawing.key.label, reason="the ROI has no voxel on the images' grid",
                     value="0 voxels", threshold=wanted)


def _row(drawing: Drawing, voxels: RoiVoxels, purity: float, grid: Grid) -> dict[str, Any]:
    total = float(voxels.weights.sum())
    world = grid.world(grid.unravel(voxels.flat))
    centre = voxels.weights @ world / total
    volume = total * grid.voxel_volume_mm3
    sizes = "x".join(f"{size:g}" for size in np.round(grid.voxel_sizes, 3))
    beyond = other_side(drawing.key.hemisphere, world[:, 0], voxels.weights)
    return {
        "region": drawing.key.region, "hemisphere": drawing.key.hemisphere, "definition": drawing.key.definition,
        "grid": f"{'x'.join(map(str, grid.shape))} {sizes} mm",
        "grid_digest": grid.digest, "space": grid.space, "rule": drawing.rule, "n_voxels": voxels.flat.size,
        "n_voxels_effective": total, "fill": total / voxels.flat.size, "purity": purity, "grade": grade(total),
        "volume_mm3": volume,
        "x_mm": centre[0], "y_mm": centre[1], "z_mm": centre[2],
        "source": drawing.source, "source_version": drawing.version, "source_space": drawing.space,
        "licence": drawing.licence, "citation": drawing.citation, "sha256": drawing.sha256,
        "native_volume_mm3": drawing.volume_mm3, "space_relation": drawing.space_relation,
        "warning": warning(Size(drawing.volume_mm3, volume, total, purity, beyond), drawing.caution),
    }
