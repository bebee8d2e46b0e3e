"""Which ROIs of which definitions hold a coordinate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi import atlas
from deltaroi.errors import DataError, UsageError
from deltaroi.grid import FloatArray
from deltaroi.pipeline.library import (
    SPACE,
    Skipped,
    check_space,
    definition_order,
    obstacle_of,
    relation_between,
    why,
)
from deltaroi.specs import Hemisphere, Point

_NEAR_MM = 10.0  # a judgement: a region further away is no answer to what lies at a coordinate
_OUTSIDE_MM = 20.0  # a judgement: a larger brain reaches some mm further than the template, not this far
_TOUCHING_MM = 1e-6
COLUMNS = ["region", "hemisphere", "definition", "weight", "probability", "distance_mm", "space", "relation", "title"]


@dataclass(frozen=True, eq=False)
class Lookup:
    """The ROIs at or near a coordinate.

    Attributes
    ----------
    point : tuple of float
        The coordinate that was looked up, mm.
    space : str
        Its space.
    conversion : str
        How it was converted from the coordinate that was given; empty when it was not.
    holds : bool
        Whether an ROI lies within the radius; if not, the table has the nearest ROI of each definition up to 10 mm.
    table : DataFrame
        region, hemisphere, definition, weight (of the voxel), probability (NaN: not drawn from probabilities),
        distance_mm (to the edge of the ROI's nearest voxel), space, relation (of the two spaces), title; nearest first.
    skipped : tuple of Skipped
        Definitions that cannot be read here.
    """

    point: Point
    space: str
    conversion: str
    holds: bool
    table: pd.DataFrame
    skipped: tuple[Skipped, ...]


def find_regions(point: Sequence[float], space: str = SPACE, radius: float = 0.0) -> Lookup:
    """Look up a coordinate in every definition that can be read here.

    Parameters
    ----------
    point : sequence of 3 floats
        World coordinate, mm.
    space : str
        Its template space; ``MNI152`` when the source does not say which; ``Talairach`` is converted.
    radius : float
        ROIs up to this many mm away count as well.

    Returns
    -------
    Lookup
        B is listed only where neither L nor R is as near: it is both, and the midplane.

    Raises
    ------
    UsageError
        It is not a coordinate, or it lies outside the head, or nothing is drawn in such a space.
    """
    name, conversion = check_space(space, atlas.TALAIRACH), ""
    place = np.asarray(point, dtype=np.float64)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise UsageError(f"{' '.join(map(str, point))} is not a coordinate", where="X Y Z", hint="three numbers, in mm")
    if name == atlas.TALAIRACH:
        place, name = atlas.talairach_to_mni(place[None])[0], "MNI152"
        conversion = f"{atlas.CONVERSION}, from ({', '.join(f'{v:g}' for v in point)})"
    _check_inside(place)
    rows, skipped = _all_near(place, name, max(radius, _NEAR_MM))
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values("distance_mm", kind="stable", ignore_index=True)
    within = table[table["distance_mm"] <= radius + _TOUCHING_MM]
    holds = bool(len(within))
    chosen = within if holds else table[table["distance_mm"] <= _NEAR_MM].drop_duplicates("definition")
    return Lookup((float(place[0]), float(place[1]), float(place[2])), name, conversion, holds,
                  chosen.reset_index(drop=True), tuple(skipped))


def _check_inside(place: FloatArray) -> None:
    from deltaroi.report.template import load_template

    brain = load_template(resolution=2)
    voxels = np.argwhere(brain.data > 0) @ brain.affine[:3, :3].T + brain.affine[:3, 3]
    away = float(np.sqrt(((voxels - place) ** 2).sum(axis=1).min()))
    if away > _OUTSIDE_MM:
        raise UsageError(f"({', '.join(f'{v:g}' for v in place)}) lies {away:.0f} mm outside the brain", where="X Y Z",
                         hint="give world coordinates in mm (x to the right, y forwards, z upwards), not voxel indices")


def _all_near(place: FloatArray, space: str, reach: float) -> tuple[list[dict[str, object]], list[Skipped]]:
    rows: list[dict[str, object]] = []
    skipped: list[Skipped] = []
    for name in definition_order():
        regions = dict.fromkeys(region for d in atlas.variants(name) for region in d.regions)
        for region in regions:
            sides = atlas.sides_of(region, name, space)
            drawn_in = atlas.find(region, sides[0], name, space).space
            reason = obstacle_of(region, name, space)
            try:
                if reason is None:
                    rows += _near(region, name, place, space, reach)
            except DataError as error:
                reason = why(error)
            if reason is not None and not any(s.definition == name and s.space == drawn_in for s in skipped):
                skipped.append(Skipped(name, drawn_in, reason))
    return rows, skipped


def _near(region: str, definition: str, place: FloatArray, space: str, reach: float) -> Iterator[dict[str, object]]:
    """The hemispheres of one region within reach; B only where it is nearer than L and R."""
    nearest = np.inf
    for side in atlas.sides_of(region, definition, space):
        source = atlas.find(region, side, definition, space)
        distance, weight = _distance(source, place)
        if distance > reach or (side == "B" and nearest <= distance + _TOUCHING_MM):
            continue
        nearest = min(nearest, distance)
        yield {"region": region, "hemisphere": side, "definition": definition, "weight": weight,
               "probability": _probability(region, side, definition, space, place), "distance_mm": distance,
               "space": source.drawn_space, "relation": relation_between(space, source.drawn_space).kind,
               "title": source.title}


def _probability(region: str, side: Hemisphere, definition: str, space: str, place: FloatArray) -> float:
    if not atlas.is_probabilistic(region, definition, space):
        return np.nan
    distance, weight = _distance(atlas.find(region, side, definition, space, "weighted"), place)
    return weight if distance <= _TOUCHING_MM else 0.0


def _distance(source: atlas.RegionSource, place: FloatArray) -> tuple[float, float]:
    """Distance (mm) to the nearest voxel's edge, 0 inside, and the weight of the voxel there (0 outside)."""
    if isinstance(source.shape, atlas.SphereShape):
        centres = np.asarray(source.shape.centres)
        away = float(np.linalg.norm(centres - place, axis=1).min()) - source.shape.radius_mm
        return max(away, 0.0), float(away <= 0)
    native = atlas.native_weights(source)
    return voxel_distance(native.weights, native.affine, place)


def voxel_distance(weights: NDArray[np.floating], affine: FloatArray, place: FloatArray) -> tuple[float, float]:
    """How far a point lies from an ROI.

    Parameters
    ----------
    weights : ndarray, shape (i, j, k)
        The ROI on its own grid.
    affine : ndarray, shape (4, 4)
        Voxel index to world coordinates, mm; its axes are perpendicular.
    place : ndarray, shape (3,)
        The point, mm.

    Returns
    -------
    distance : float
        mm to the nearest voxel's edge, 0 inside it; infinite for an ROI without voxels.
    weight : float
        The largest weight of the voxels that hold the point; 0 where none does.
    """
    voxels = np.argwhere(weights > 0)
    if not len(voxels):
        return np.inf, 0.0
    inverse = np.linalg.inv(affine)
    index = inverse[:3, :3] @ place + inverse[:3, 3]
    beyond = np.clip(np.abs(voxels - index) - 0.5, 0, None)
    square = ((beyond * np.sqrt((affine[:3, :3] ** 2).sum(axis=0))) ** 2).sum(axis=1)
    at = np.sqrt(square) <= _TOUCHING_MM
    return float(np.sqrt(square.min())) if not at.any() else 0.0, \
        float(weights[tuple(voxels[at].T)].max()) if at.any() else 0.0
