"""A region on its own grid: cropped weights, never the whole image."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaroi.atlas.combine import ImageShape, between, combine, cropped, one_side, shifted
from deltaroi.atlas.definitions import ImageFile, PackageFile
from deltaroi.atlas.label_names import label_names
from deltaroi.atlas.places import checked, locate, stamp
from deltaroi.atlas.source import CombineShape, LabelShape, ProbabilityShape, RegionSource, Shape, SphereShape
from deltaroi.errors import DataError
from deltaroi.grid import FloatArray

Box = tuple[slice, slice, slice]
_SPHERE_STEP_MM = 1.0
_SPHERE_POINTS = 8
_NEARLY_WHOLE = 1e-3
_SLACK = 0.01
_LEAST_PEAK = 0.05  # a judgement: above 0.01, the peak of a map in 0..1 that is read as percentages


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


def unrecorded_files(shape: Shape) -> tuple[Path, ...]:
    """The files of a shape whose hash no definition records, where they are there: they may be replaced unnoticed."""
    if isinstance(shape, CombineShape):
        return tuple(path for part in shape.parts for path in unrecorded_files(part.shape))
    if isinstance(shape, SphereShape):
        return ()
    found = []
    for image in (shape.image, getattr(shape, "table", None)):
        if image is not None and image.sha256 is None:
            with suppress(DataError):  # drawing it says what is missing
                found.append(locate(image))
    return tuple(found)


def _labels(shape: LabelShape) -> ImageShape:
    image = _label_image(*_file(shape.image))
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
    table = label_names(*_file(shape.table))
    lacking = [name for name in shape.names if name not in table]
    if lacking:
        raise DataError(f"the table of labels has no {', '.join(lacking)}", where=_name(shape.table),
                        hint="it may be of another release of the atlas than the definition was written for")
    return tuple(table[name] for name in shape.names)


def _probability(shape: ProbabilityShape) -> ImageShape:
    file = _file(shape.image)
    image = _probability_image(*file)
    lacking = [v for v in shape.volumes if v >= len(image)]
    if lacking:
        raise DataError(f"the image has {len(image)} volumes, and not the volumes {lacking}, counted from 0",
                        where=_name(shape.image))
    _check_probabilities(*_ends(*file), shape)
    parts = [ImageShape((image[v].weights / np.float32(shape.scale)).astype(np.float32), image[v].affine)
             for v in shape.volumes]
    total = parts[0] if len(parts) == 1 else _added(parts)
    weights = np.clip(total.weights, 0, 1)
    if shape.threshold is not None:
        weights = (weights >= np.float32(shape.threshold - 1e-6)).astype(np.float32)
    return _finished(weights, total.affine, shape)


@lru_cache(maxsize=2)
def _ends(path: Path, state: tuple[int, int]) -> tuple[float, float]:
    """The smallest and the largest value of an image's volumes, or 0, once per process."""
    used = [part.weights for part in _probability_image(path, state) if part.weights.size]
    return float(np.min([0, *(w.min() for w in used)])), float(np.max([0, *(w.max() for w in used)]))


def _check_probabilities(low: float, high: float, shape: ProbabilityShape) -> None:
    """Refuse what cannot be probabilities on the definition's scale: the file may be of another kind or release."""
    if not (low >= -_SLACK * shape.scale and _LEAST_PEAK * shape.scale <= high <= (1 + _SLACK) * shape.scale):
        raise DataError(f"the image has values from {low:g} to {high:g}, where {shape.scale:g} should mean probability "
                        "1", where=_name(shape.image), hint="it may be another file or release of the atlas")


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
    n = _SPHERE_POINTS
    squares = [[(fine[a] - centre[a]) ** 2 for a in range(3)] for centre in centres]
    fill = np.zeros(counts, dtype=np.float32)
    for i in range(counts[0]):  # a layer at a time: large spheres have many points
        inside = np.zeros((n, len(fine[1]), len(fine[2])), dtype=bool)
        for x, y, z in squares:
            inside |= x[i * n:(i + 1) * n, None, None] + y[:, None] + z <= shape.radius_mm**2
        fill[i] = inside.reshape(n, counts[1], n, counts[2], n).mean(axis=(0, 2, 4), dtype=np.float32)
    return cropped(fill, affine)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An image as nibabel reads it, its bytes unpacked by isal, which is several times as fast.

    Raises
    ------
    DataError
        The file is broken, or is not an image.
    """
    import nibabel
    from isal import igzip, isal_zlib
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        loaded: Any = nibabel.load(path, keep_file_open=True)
        if path.suffix == ".gz" and isinstance(loaded, nibabel.filebasedimages.SerializableImage):
            with igzip.open(path) as stream:
                yield type(loaded).from_stream(stream)
        else:
            yield loaded
    except (ImageFileError, HeaderDataError, EOFError, OSError, ValueError, zlib.error,
            isal_zlib.IsalError) as error:  # type: ignore[misc]  # isal ships no types
        raise DataError(f"the image cannot be read: {' '.join(str(error).split())}", where=str(path),
                        hint="the file may be half a download: remove it and fetch or install it again") from error


@lru_cache(maxsize=4)
def _label_image(path: Path, state: tuple[int, int]) -> _LabelImage:
    """The labels of an image and the box around each, once per process."""
    from scipy.ndimage import find_objects

    with _opened(path) as loaded:
        data = np.asarray(loaded.dataobj)
    whole = np.rint(data)
    highest = float(data.max())
    if not math.isfinite(highest) or data.min() < 0 or highest >= 2**16 or np.abs(data - whole).max() > _NEARLY_WHOLE:
        raise DataError("not a label image", where=str(path))
    labels = whole.astype(np.uint16, order="F")
    boxes: list[Box | None] = [(box[2], box[1], box[0]) if box else None for box in find_objects(labels.T)]
    return _LabelImage(labels, np.asarray(loaded.affine, dtype=np.float64), boxes)


@lru_cache(maxsize=2)
def _probability_image(path: Path, state: tuple[int, int]) -> tuple[ImageShape, ...]:
    """The volumes of a four-dimensional image, each cropped; read as one stream, once per process."""
    with _opened(path) as loaded:
        if len(loaded.shape) not in (3, 4):
            raise DataError(f"the image has the shape {loaded.shape}, expected probability maps", where=str(path))
        affine = np.asarray(loaded.affine, dtype=np.float64)
        last = (slice(None),) * 3
        maps = [last] if len(loaded.shape) == 3 else [(*last, v) for v in range(loaded.shape[3])]
        parts = (cropped(np.asarray(loaded.dataobj[part]), affine) for part in maps)  # cropped in the file's own type
        return tuple(ImageShape(np.asarray(part.weights, dtype=np.float32), part.affine) for part in parts)


def _file(image: ImageFile) -> tuple[Path, tuple[int, int]]:
    """The file of an image and its state, so that a file that was replaced meanwhile is read again."""
    path = checked(image)
    return path, stamp(path)


def _name(image: ImageFile) -> str:
    return image.file if isinstance(image, PackageFile) else image.nilearn
