"""The ROIs of the study file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deltaroi.atlas import NOT_STATED, SphereShape
from deltaroi.atlas.definitions import Rule
from deltaroi.atlas.source import describe_spheres
from deltaroi.errors import DataError, SpaceError
from deltaroi.grid import FloatArray, Grid
from deltaroi.io.files import sha256_file
from deltaroi.masks.images import OpenImage, open_image
from deltaroi.masks.records import Drawing, ImageShape
from deltaroi.masks.space import Fit, check_space, not_stated, stated
from deltaroi.masks.spheres import sphere_volume
from deltaroi.specs import CustomRoi, LabelsRoi, MaskRoi, SphereRoi
from deltaroi.types import NA, RoiKey

SMALL_MM3 = 500.0
"""ROIs below this volume are resampled by ``fill_weight``."""


@dataclass(frozen=True)
class Place:
    """Where custom ROIs come from and go to."""

    base: Path
    grid: Grid
    allow_space_mismatch: bool
    images: dict[Path, OpenImage] = field(default_factory=dict)
    """Images that are open already."""


def draw_custom(key: RoiKey, roi: CustomRoi, place: Place) -> Drawing:
    """Read one custom ROI.

    Raises
    ------
    DataError
        Its image cannot be used.
    SpaceError
        Its template space does not fit the grid.
    """
    where = f"regions.custom.{key.region}"
    if isinstance(roi, SphereRoi):
        return _sphere(key, roi, place, where)
    return _image(key, roi, place, where)


def rule_for(volume_mm3: float) -> Rule:
    """``fill_weight`` for small ROIs, else ``majority``."""
    return "fill_weight" if volume_mm3 < SMALL_MM3 else "majority"


def _sphere(key: RoiKey, roi: SphereRoi, place: Place, where: str) -> Drawing:
    own = [point for side, point in roi.sphere.items() if side == key.hemisphere]
    shape = SphereShape(tuple(own) or (roi.sphere["L"], roi.sphere["R"]), roi.radius_mm)
    space = stated(roi.space)
    if NOT_STATED in (space, place.grid.space):
        fit = Fit(NOT_STATED, "template space not stated; the centre is taken in the images' own coordinates")
    else:
        fit = check_space(space, place.grid, place.allow_space_mismatch, where)
    volume = sphere_volume(shape)
    return Drawing(key=key, shape=shape, rule=rule_for(volume), volume_mm3=volume, source=describe_spheres(shape),
                   version=NA, space=space, licence="none needed (coordinates)", citation="not stated (user ROI)",
                   sha256=NA, space_relation=fit.relation, notes=_notes(key, fit))


def _image(key: RoiKey, roi: MaskRoi | LabelsRoi, place: Place, where: str) -> Drawing:
    entry = roi.mask if isinstance(roi, MaskRoi) else roi.labels
    path = place.base / Path(entry).expanduser()
    image = place.images.get(path) or open_image(path, f"{where}: {entry}")
    place.images[path] = image
    fit = _fit(image, stated(roi.space), place, image.where)
    weights = _mask(image) if isinstance(roi, MaskRoi) else _labels(image, _ids(roi, key.hemisphere))
    shape = _cropped(weights, image.affine)
    volume = float(weights.sum(dtype=np.float64)) * float(abs(np.linalg.det(image.affine[:3, :3])))
    fractional = bool(((shape.weights > 0) & (shape.weights < 1)).any())
    notes = _notes(key, fit)
    if fractional:
        notes += (f"{key.label}: the mask has values between 0 and 1; they are used as weights",)
    return Drawing(key=key, shape=shape, rule="fill_weight" if fractional else rule_for(volume), volume_mm3=volume,
                   source=Path(entry).name if Path(entry).is_absolute() else entry, version=NA, space=stated(roi.space),
                   licence="not stated (user ROI)", citation="not stated (user ROI)", sha256=sha256_file(path),
                   space_relation=fit.relation, notes=notes)


def _fit(image: OpenImage, space: str, place: Place, where: str) -> Fit:
    grid = place.grid
    exact = Grid(image.shape, image.affine, space).same_as(grid)
    if NOT_STATED in (space, grid.space):
        return not_stated(exact, where, grid, space)
    fit = check_space(space, grid, place.allow_space_mismatch, where)
    if not image.oriented and not exact:
        raise SpaceError("the header has no orientation (qform and sform codes 0), and the grid is not that of the "
                         "images", where=where,
                         hint="write the orientation into the header, or resample it to the images' grid")
    return fit


def _mask(image: OpenImage) -> NDArray[np.float32]:
    data = image.data
    low, high = float(data.min()), float(data.max())
    if high == 0 and low == 0:
        raise DataError("the mask is empty (all voxels are 0)", where=image.where)
    if low < 0:
        raise DataError(f"the mask has negative values (down to {low:g})", where=image.where,
                        hint="a mask is 0 outside and 1 inside, or a weight between 0 and 1")
    if high > 1 and np.any((data != 0) & (data != high)):
        raise DataError(f"the mask has several values, up to {high:g}", where=image.where,
                        hint="a label image goes to `labels:` with its `ids:`; weights are between 0 and 1")
    return (data if high <= 1 else data / high).astype(np.float32)


def _labels(image: OpenImage, ids: list[int]) -> NDArray[np.float32]:
    if not image.whole_numbers:
        raise DataError("the label image has values that are not whole numbers", where=image.where,
                        hint="resample label images with nearest neighbours; a weighted mask goes to `mask:`")
    chosen = np.isin(image.data, ids)
    lacking = sorted(set(ids) - set(image.data[chosen].astype(int).tolist()))
    if lacking or 0 in ids or not ids:
        raise DataError(f"the label image has no region {lacking or ids}", where=image.where,
                        hint="check `ids:` against the image; 0 is the background")
    return chosen.astype(np.float32)


def _ids(roi: LabelsRoi, hemisphere: str) -> list[int]:
    own = [ids for side, ids in roi.ids.items() if side == hemisphere]
    return list(own[0]) if own else [*roi.ids["L"], *roi.ids["R"]]


def _cropped(weights: NDArray[np.float32], affine: FloatArray) -> ImageShape:
    used = np.nonzero(weights)
    start = np.array([axis.min() for axis in used])
    stop = np.array([axis.max() + 1 for axis in used])
    out = affine.copy()
    out[:3, 3] += affine[:3, :3] @ start
    return ImageShape(weights[start[0]:stop[0], start[1]:stop[1], start[2]:stop[2]], out)


def _notes(key: RoiKey, fit: Fit) -> tuple[str, ...]:
    return (f"{key.label}: {fit.note}",) if fit.note else ()
