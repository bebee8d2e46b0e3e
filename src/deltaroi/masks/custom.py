"""The ROIs of the study file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from deltaroi.atlas import CONVERSION, NOT_STATED, TALAIRACH, SphereShape, canonical_space, placed
from deltaroi.atlas.combine import cropped
from deltaroi.atlas.source import describe_spheres
from deltaroi.errors import DataError, SpaceError
from deltaroi.grid import Grid
from deltaroi.io.files import sha256_file
from deltaroi.io.label_tables import read_label_table
from deltaroi.masks.combine import draw_combined, draw_inner
from deltaroi.masks.images import OpenImage, open_image, user_path
from deltaroi.masks.records import Drawing
from deltaroi.masks.rules import rule_for, rule_of_image
from deltaroi.masks.space import Fit, check_origin, check_space, not_stated, stated
from deltaroi.masks.spheres import sphere_volume
from deltaroi.specs import CombineRoi, FunctionalRoi, Hemisphere, LabelsRoi, MaskRoi, Regions, SphereRoi
from deltaroi.types import NA, RoiKey

T = TypeVar("T", int, str)
_NOISE = 1e-5
"""Share of the highest value that may be the rounding noise of a scaled or interpolated mask."""


@dataclass(frozen=True)
class Place:
    """Where custom ROIs come from and go to."""

    base: Path
    grid: Grid
    allow_space_mismatch: bool
    images: dict[tuple[Path, int | None], OpenImage] = field(default_factory=dict)
    """Images that are open already, by path and volume."""


def draw_custom(key: RoiKey, regions: Regions, place: Place, draw: Callable[[RoiKey], Drawing]) -> Drawing:
    """Read or make one ROI of the study file.

    Parameters
    ----------
    key : RoiKey
        The ROI.
    regions : Regions
        The section that it stands in.
    place : Place
        Where it comes from and goes to.
    draw : callable
        Draws any other ROI by its key, for those that are made from others.

    Raises
    ------
    DataError
        Its image cannot be used.
    SpaceError
        Its template space does not fit the grid.
    StudyError
        It is made from something that does not exist.
    """
    where = f"regions.custom.{key.region}"
    roi = regions.custom[key.region]
    if isinstance(roi, SphereRoi):
        return _sphere(key, roi, place, where)
    if isinstance(roi, CombineRoi):
        return draw_combined(key, regions, draw)
    if isinstance(roi, FunctionalRoi):
        return draw_inner(key, regions, draw)
    return _image(key, roi, place, where)


def _sphere(key: RoiKey, roi: SphereRoi, place: Place, where: str) -> Drawing:
    own = [point for side, point in roi.sphere.items() if side == key.hemisphere]
    shape, converted = placed(SphereShape(tuple(own) or (roi.sphere["L"], roi.sphere["R"]), roi.radius_mm), roi.space)
    space = stated(roi.space)
    if canonical_space(space) == TALAIRACH:
        fit = fit_talairach(place, where)
    elif NOT_STATED in (space, place.grid.space):
        fit = Fit(NOT_STATED, "template space not stated; the centre is taken in the images' own coordinates")
    else:
        fit = check_space(space, place.grid, place.allow_space_mismatch, where)
    volume = sphere_volume(shape)
    return Drawing(key=key, shape=shape, rule=roi.rule or rule_for(volume), volume_mm3=volume,
                   source=describe_spheres(shape) + converted, version=NA, space=space,
                   licence="none needed (coordinates)", citation="not stated (user ROI)", sha256=NA,
                   space_relation=fit.relation, notes=_notes(key, fit))


def fit_talairach(place: Place, where: str, region: str = "") -> Fit:
    """How a sphere whose Talairach centre was converted stands to the grid: as any published MNI coordinate."""
    fit = check_space("MNI152", place.grid, place.allow_space_mismatch, where, region)
    return Fit(f"{CONVERSION}; {fit.relation}", f"Talairach coordinates are {CONVERSION}")


def _image(key: RoiKey, roi: MaskRoi | LabelsRoi, place: Place, where: str) -> Drawing:
    entry, volume = (roi.mask, roi.volume) if isinstance(roi, MaskRoi) else (roi.labels, None)
    path = user_path(place.base, entry)
    image = place.images.get((path, volume)) or open_image(path, f"{where}: {entry}", volume=volume)
    place.images[path, volume] = image
    fit = _fit(image, stated(roi.space), place, image.where)
    weights = _mask(image, roi) if isinstance(roi, MaskRoi) else _labels(image, _ids(roi, key.hemisphere, place, where))
    shape = cropped(weights, image.affine)
    notes = _notes(key, fit) + ((f"{key.label}: {image.note}",) if image.note else ())
    if weights.all():
        notes += (f"{key.label}: every voxel of the image belongs to the mask",)
    if shape.fractional:
        notes += (f"{key.label}: the mask has values between 0 and 1; they are used as weights",)
    return Drawing(key=key, shape=shape, rule=roi.rule or rule_of_image(shape),
                   volume_mm3=shape.volume_mm3, source=_source(entry, roi), version=NA, space=stated(roi.space),
                   licence="not stated (user ROI)", citation="not stated (user ROI)", sha256=sha256_file(path),
                   space_relation=fit.relation, notes=notes)


def _source(entry: str, roi: MaskRoi | LabelsRoi) -> str:
    text = Path(entry).name if Path(entry).is_absolute() or entry.startswith("~") else entry
    if isinstance(roi, MaskRoi) and roi.volume is not None:
        text += f", volume {roi.volume}"
    if isinstance(roi, MaskRoi) and roi.threshold is not None:
        text += f", values >= {roi.threshold:g}"
    return text


def _fit(image: OpenImage, space: str, place: Place, where: str) -> Fit:
    grid = place.grid
    exact = Grid(image.shape, image.affine, space).same_as(grid)
    if NOT_STATED in (space, grid.space):
        return not_stated(exact, where, grid, space)
    fit = check_space(space, grid, place.allow_space_mismatch, where)
    if not exact:
        check_origin(image.affine, space, where, "the image")
    if not image.oriented and not exact:
        raise SpaceError("the header has no orientation (qform and sform codes 0), and the grid is not that of the "
                         "images", where=where,
                         hint="write the orientation into the header, or resample it to the images' grid")
    return fit


def _mask(image: OpenImage, roi: MaskRoi) -> NDArray[np.float32]:
    data = image.data / 100 if roi.percent else image.data
    low, high = float(data.min()), float(data.max())
    if high == 0 and low == 0:
        raise DataError("the mask is empty (all voxels are 0)", where=image.where)
    top = 1.0 if abs(high - 1) < _NOISE else high
    if low < -_NOISE * top:
        raise DataError(f"the mask has negative values (down to {low:g})", where=image.where,
                        hint="a mask is 0 outside and 1 inside, or a weight between 0 and 1")
    if roi.percent and top > 1:
        raise DataError(f"the image has values up to {100 * high:g}, so they are no percentages", where=image.where,
                        hint="leave `percent: true` out, or divide the values")
    if roi.percent and 100 * high <= 1 + _NOISE:
        raise DataError(f"the image has values up to {100 * high:g}, expected percentages, which go up to 100",
                        where=image.where, hint="leave `percent: true` out: values up to 1 are taken as they are")
    data = np.where(np.abs(data) < _NOISE * top, 0, np.where(np.abs(data - top) < _NOISE * top, top, data))
    several = bool(np.any((data != 0) & (data != top)))
    if top > 1 and (several or roi.threshold is not None):
        percentages = top <= 100 and several
        what = f"several values, up to {top:g}" if several else f"the value {top:g}, and a threshold is up to 1"
        raise DataError(f"the mask has {what}", where=image.where,
                        hint=("if these are percentages, say `percent: true`; " if percentages else "") +
                        "a label image goes to `labels:` with its `ids:`; weights are between 0 and 1")
    weights = (data if top <= 1 else data / top).astype(np.float32)
    if roi.threshold is not None:
        weights = (weights >= np.float32(roi.threshold - 1e-6)).astype(np.float32)
        if not weights.any():
            raise DataError(f"no voxel reaches the threshold {roi.threshold:g}; the highest value is {top:g}",
                            where=image.where, hint="lower the threshold")
    return weights


def _labels(image: OpenImage, ids: Sequence[int]) -> NDArray[np.float32]:
    chosen = np.isin(image.labels, list(ids))
    lacking = sorted(set(ids) - set(image.labels[chosen].astype(int).tolist()))
    if lacking or 0 in ids or not ids:
        raise DataError(f"the label image has no region {lacking or list(ids)}", where=image.where,
                        hint="check `ids:` against the image; 0 is the background")
    return chosen.astype(np.float32)


def _ids(roi: LabelsRoi, hemisphere: str, place: Place, where: str) -> list[int]:
    """The labels of one hemisphere; those of L and R for B."""
    if roi.table is None:
        return _of_side(roi.ids, hemisphere)
    path = user_path(place.base, roi.table)
    table = read_label_table(path, f"{where}: {roi.table}")
    wanted = _of_side(roi.names, hemisphere)
    lacking = [name for name in wanted if name not in table]
    if lacking:
        raise DataError(f"the table has no label called {', '.join(map(repr, lacking))}", where=f"{where}: {roi.table}",
                        hint=f"its names are {', '.join(list(table)[:12])}{', …' if len(table) > 12 else ''}")
    return [table[name] for name in wanted]


def _of_side(lists: Mapping[Hemisphere, list[T]], hemisphere: str) -> list[T]:
    sides = [hemisphere] if hemisphere in lists else ["L", "R"]
    return [label for side in sides for label in dict(lists)[side]]  # type: ignore[index]


def _notes(key: RoiKey, fit: Fit) -> tuple[str, ...]:
    return (f"{key.label}: {fit.note}",) if fit.note else ()
