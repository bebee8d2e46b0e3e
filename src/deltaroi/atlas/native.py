"""A region on its own grid: cropped weights, never the whole image."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaroi.atlas.definitions import ImageFile
from deltaroi.atlas.source import LabelShape, RegionSource, SphereShape
from deltaroi.errors import DataError
from deltaroi.grid import FloatArray

Box = tuple[slice, slice, slice]
_AXES = "xyz"
_SPHERE_STEP_MM = 1.0
_SPHERE_POINTS = 8


@dataclass(frozen=True, eq=False)
class NativeRegion:
    """A region on its own grid.

    Attributes
    ----------
    weights : ndarray of float32, shape (i, j, k)
        0 to 1, cropped to the region.
    affine : ndarray, shape (4, 4)
        Voxel index of ``weights`` to world coordinates, mm.
    space : str
        Template space.
    meta : RegionSource
        Where it comes from.
    """

    weights: NDArray[np.float32]
    affine: FloatArray
    space: str
    meta: RegionSource


@dataclass(frozen=True, eq=False)
class _LabelImage:
    labels: NDArray[np.uint16]
    affine: FloatArray
    boxes: list[Box | None]


def native_weights(source: RegionSource) -> NativeRegion:
    """The region on its own grid.

    A sphere, which has no grid, is rasterised at 1 mm with the share of each voxel that it fills.

    Raises
    ------
    DataError
        The package that carries the image is missing, its image is another one, or a label is not in it.
    """
    shape = source.shape
    weights, affine = _sphere(shape) if isinstance(shape, SphereShape) else _labels(shape)
    return NativeRegion(weights, affine, source.space, source)


def _labels(shape: LabelShape) -> tuple[NDArray[np.float32], FloatArray]:
    image = _label_image(shape.image)
    boxes = [image.boxes[i - 1] if i <= len(image.boxes) else None for i in shape.ids]
    lacking = [i for i, box in zip(shape.ids, boxes, strict=True) if box is None]
    if lacking:
        raise DataError(f"the image has no voxel with the labels {lacking}", where=shape.image.file)
    box = tuple(slice(min(b[axis].start for b in boxes if b), max(b[axis].stop for b in boxes if b))
                for axis in range(3))
    chosen = np.zeros(len(image.boxes) + 1, dtype=bool)
    chosen[list(shape.ids)] = True
    mask = chosen[image.labels[box]]
    affine = _shifted(image.affine, [part.start for part in box])
    if shape.side != "B":
        x = _world_axis(mask.shape, affine, 0)
        mask &= x < 0 if shape.side == "L" else x > 0
    if shape.cut is not None:
        mask &= _world_axis(mask.shape, affine, _AXES.index(shape.cut.axis)) >= shape.cut.from_mm
    return _cropped(mask.astype(np.float32), affine)


def _sphere(shape: SphereShape) -> tuple[NDArray[np.float32], FloatArray]:
    centres = np.asarray(shape.centres, dtype=np.float64)
    low = np.floor(centres.min(axis=0) - shape.radius_mm - _SPHERE_STEP_MM)
    high = np.ceil(centres.max(axis=0) + shape.radius_mm + _SPHERE_STEP_MM)
    affine = np.diag([_SPHERE_STEP_MM] * 3 + [1.0])
    affine[:3, 3] = low
    counts = np.rint((high - low) / _SPHERE_STEP_MM).astype(int) + 1
    offsets = ((np.arange(_SPHERE_POINTS) + 0.5) / _SPHERE_POINTS - 0.5) * _SPHERE_STEP_MM
    fine = [(low[a] + _SPHERE_STEP_MM * np.arange(counts[a])[:, None] + offsets).ravel() for a in range(3)]
    inside = np.zeros([len(axis) for axis in fine], dtype=bool)
    for centre in centres:
        near = [np.flatnonzero(np.abs(fine[a] - centre[a]) <= shape.radius_mm) for a in range(3)]
        square = [(fine[a][near[a]] - centre[a]) ** 2 for a in range(3)]
        ball = square[0][:, None, None] + square[1][:, None] + square[2] <= shape.radius_mm**2
        inside[np.ix_(*near)] |= ball
    n = _SPHERE_POINTS
    fill = inside.reshape(counts[0], n, counts[1], n, counts[2], n).mean(axis=(1, 3, 5), dtype=np.float32)
    return _cropped(fill, affine)


def _world_axis(shape: tuple[int, ...], affine: FloatArray, axis: int) -> FloatArray:
    """World coordinate (mm) along one axis of every voxel centre, broadcastable to ``shape``."""
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    row = affine[axis]
    return np.round(row[0] * i + row[1] * j + row[2] * k + row[3], 6)


def _shifted(affine: FloatArray, start: list[int]) -> FloatArray:
    out = affine.copy()
    out[:3, 3] += affine[:3, :3] @ np.asarray(start, dtype=np.float64)
    return out


def _cropped(weights: NDArray[np.float32], affine: FloatArray) -> tuple[NDArray[np.float32], FloatArray]:
    """The smallest box with all weights above 0, and its affine."""
    start, stop = [], []
    for axis in range(3):
        used = np.flatnonzero(weights.any(axis=tuple(a for a in range(3) if a != axis)))
        start.append(int(used[0]) if len(used) else 0)
        stop.append(int(used[-1]) + 1 if len(used) else 0)
    return np.ascontiguousarray(weights[start[0]:stop[0], start[1]:stop[1], start[2]:stop[2]]), _shifted(affine, start)


@lru_cache(maxsize=4)
def _label_image(image: ImageFile) -> _LabelImage:
    """The labels of an image and the box around each, once per process."""
    import nibabel
    from scipy.ndimage import find_objects

    path = _locate(image)
    _check_hash(path, image)
    loaded: Any = nibabel.load(path)
    data = np.asarray(loaded.dataobj)
    highest = float(data.max())
    if not math.isfinite(highest) or data.min() < 0 or highest >= 2**16:
        raise DataError("not a label image", where=str(path))
    labels = data.astype(np.uint16, order="F")
    boxes: list[Box | None] = [(box[2], box[1], box[0]) if box else None for box in find_objects(labels.T)]
    return _LabelImage(labels, np.asarray(loaded.affine, dtype=np.float64), boxes)


def _locate(image: ImageFile) -> Path:
    """The image inside its package, which is not imported."""
    found = importlib.util.find_spec(image.module)
    places = list(found.submodule_search_locations or []) if found else []
    for place in places:
        path = Path(place) / image.file
        if path.is_file():
            return path
    state = "has no such file" if places else "is not installed"
    raise DataError(f"the package '{image.package}' {state}", where=image.file,
                    hint=f"pip install {image.package}=={image.version}")


def _check_hash(path: Path, image: ImageFile) -> None:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != image.sha256:
        raise DataError(f"the image is not the one this version was checked with (sha256 {found[:12]}…, expected "
                        f"{image.sha256[:12]}…)", where=str(path),
                        hint=f"pip install --force-reinstall {image.package}=={image.version}")
