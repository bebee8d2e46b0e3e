"""A region on its own grid: cropped weights, never the whole image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaroi.atlas.combine import ImageShape, between, combine, cropped, one_side, shifted
from deltaroi.atlas.definitions import ImageFile, PackageFile
from deltaroi.atlas.places import checked
from deltaroi.atlas.source import LabelShape, ProbabilityShape, RegionSource, Shape, SphereShape
from deltaroi.errors import DataError
from deltaroi.grid import FloatArray

Box = tuple[slice, slice, slice]
_SPHERE_STEP_MM = 1.0
_SPHERE_POINTS = 8
_NEARLY_WHOLE = 1e-3


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
        Template space; that of converted Talairach coordinates is MNI152.
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
        What brings the image is missing, its image is another one, or a label is not in it.
    """
    drawn = draw(source.shape)
    return NativeRegion(drawn.weights, drawn.affine, source.drawn_space, source)


def draw(shape: Shape) -> ImageShape:
    """The weights of a shape; see :func:`native_weights`."""
    if isinstance(shape, SphereShape):
        return _sphere(shape)
    if isinstance(shape, LabelShape):
        return _labels(shape)
    if isinstance(shape, ProbabilityShape):
        return _probability(shape)
    return combine(shape.op, [draw(part.shape) for part in shape.parts], shape.cut)


def _labels(shape: LabelShape) -> ImageShape:
    image = _label_image(checked(shape.image))
    ids = shape.ids or _ids(shape)
    boxes = [image.boxes[i - 1] if 0 < i <= len(image.boxes) else None for i in ids]
    lacking = [i for i, box in zip(ids, boxes, strict=True) if box is None]
    if lacking:
        raise DataError(f"the image has no voxel with the labels {lacking}", where=_name(shape.image))
    box = tuple(slice(min(b[axis].start for b in boxes if b), max(b[axis].stop for b in boxes if b))
                for axis in range(3))
    chosen = np.zeros(len(image.boxes) + 1, dtype=bool)
    chosen[list(ids)] = True
    mask = chosen[image.labels[box]]
    affine = shifted(image.affine, [part.start for part in box])
    return _finished(mask.astype(np.float32), affine, shape)


def _finished(weights: NDArray[np.float32], affine: FloatArray, shape: LabelShape | ProbabilityShape) -> ImageShape:
    """The part of it on the shape's side and between its planes."""
    if shape.cut is not None:
        weights = np.where(between(weights.shape, affine, shape.cut), weights, np.float32(0))
    return one_side(cropped(weights, affine), shape.side)


def _ids(shape: LabelShape) -> tuple[int, ...]:
    """Ids of labels that are given by name."""
    if shape.table is None:
        raise DataError("labels are given by name, but the definition has no table of names", where=_name(shape.image))
    table = _names(checked(shape.table))
    lacking = [name for name in shape.names if name not in table]
    if lacking:
        raise DataError(f"the table of labels has no {', '.join(lacking)}", where=_name(shape.table),
                        hint="it may be of another release of the atlas than the definition was written for")
    return tuple(table[name] for name in shape.names)


@lru_cache(maxsize=4)
def _names(path: Path) -> dict[str, int]:
    """Label name -> id, from lines that begin with an id and a name."""
    found: dict[str, int] = {}
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        cells = line.replace(",", "\t").split()
        if len(cells) >= 2 and cells[0].isdigit():
            found[cells[1]] = int(cells[0])
    return found


def _probability(shape: ProbabilityShape) -> ImageShape:
    image = _probability_image(checked(shape.image))
    lacking = [v for v in shape.volumes if v >= len(image)]
    if lacking:
        raise DataError(f"the image has {len(image)} volumes, and not the volumes {lacking}, counted from 0",
                        where=_name(shape.image))
    parts = [ImageShape((image[v].weights / np.float32(shape.scale)).astype(np.float32), image[v].affine)
             for v in shape.volumes]
    total = parts[0] if len(parts) == 1 else _added(parts)
    weights = np.clip(total.weights, 0, 1)
    if shape.threshold is not None:
        weights = (weights >= np.float32(shape.threshold - 1e-6)).astype(np.float32)
    return _finished(weights, total.affine, shape)


def _added(parts: list[ImageShape]) -> ImageShape:
    """The sum of crops of one grid."""
    inverse = np.linalg.inv(parts[0].affine)
    starts = np.array([np.rint(inverse[:3, :3] @ p.affine[:3, 3] + inverse[:3, 3]) for p in parts]).astype(int)
    low = starts.min(axis=0)
    shape = (starts + [p.weights.shape for p in parts]).max(axis=0) - low
    total = np.zeros(shape, dtype=np.float32)
    for part, start in zip(parts, starts - low, strict=True):
        box = tuple(slice(a, a + n) for a, n in zip(start, part.weights.shape, strict=True))
        total[box] += part.weights
    return ImageShape(total, shifted(parts[0].affine, low))


def _sphere(shape: SphereShape) -> ImageShape:
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
    return cropped(fill, affine)


@lru_cache(maxsize=4)
def _label_image(path: Path) -> _LabelImage:
    """The labels of an image and the box around each, once per process."""
    import nibabel
    from scipy.ndimage import find_objects

    loaded: Any = nibabel.load(path)
    data = np.asarray(loaded.dataobj)
    whole = np.rint(data)
    highest = float(data.max())
    if not math.isfinite(highest) or data.min() < 0 or highest >= 2**16 or np.abs(data - whole).max() > _NEARLY_WHOLE:
        raise DataError("not a label image", where=str(path))
    labels = whole.astype(np.uint16, order="F")
    boxes: list[Box | None] = [(box[2], box[1], box[0]) if box else None for box in find_objects(labels.T)]
    return _LabelImage(labels, np.asarray(loaded.affine, dtype=np.float64), boxes)


@lru_cache(maxsize=2)
def _probability_image(path: Path) -> tuple[ImageShape, ...]:
    """The volumes of a four-dimensional image, each cropped; read as one stream, once per process."""
    import nibabel

    loaded: Any = nibabel.load(path, keep_file_open=True)
    if len(loaded.shape) not in (3, 4):
        raise DataError(f"the image has the shape {loaded.shape}, expected probability maps", where=str(path))
    affine = np.asarray(loaded.affine, dtype=np.float64)
    if len(loaded.shape) == 3:
        return (cropped(np.asarray(loaded.dataobj, dtype=np.float32), affine),)
    return tuple(cropped(np.asarray(loaded.dataobj[..., v], dtype=np.float32), affine)
                 for v in range(loaded.shape[3]))


def _name(image: ImageFile) -> str:
    return image.file if isinstance(image, PackageFile) else image.nilearn
