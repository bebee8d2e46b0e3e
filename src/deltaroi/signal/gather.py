"""One pass over an image that keeps the voxels that are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, Grid, IntArray
from deltaroi.signal.header import ImageHeader
from deltaroi.signal.stream import ByteStream, Source, next_header, open_bytes
from deltaroi.smoothing import SmoothingPlan
from deltaroi.types import NOT_STATED

PIECE_BYTES = 1 << 20
BLOCK_VOLUMES = 8


@dataclass(frozen=True, eq=False)
class Gathered:
    """The wanted voxels of an image.

    Attributes
    ----------
    header : ImageHeader
        What the file says about itself.
    flat : ndarray of int64, shape (n,)
        The wanted voxels, flat C-order positions, in the caller's order.
    data : ndarray, shape (n_volumes, n)
        Their values, smoothed when a plan was given: float32 where it holds every value that the file can store
        (float32, and integers of up to 16 bits without a scale factor), otherwise float64.
    finite : ndarray of bool, shape (n,)
        Whether the stored value is a number in every volume, before smoothing.
    constant : ndarray of bool, shape (n,)
        Whether the stored value is the same in every volume, before smoothing.
    n_nonfinite : int
        How many stored values among all voxels that were read (with the smoothing reach) are not finite.
    """

    header: ImageHeader
    flat: IntArray
    data: NDArray[np.floating]
    finite: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    n_nonfinite: int

    @property
    def grid(self) -> Grid:
        """The image's grid."""
        return self.header.grid

    @property
    def tr_header_s(self) -> float | None:
        """Repetition time by the header, s."""
        return self.header.tr_s


@dataclass(frozen=True, eq=False)
class VoxelSet:
    """Voxels that are wanted, and how they are smoothed (not at all without a plan)."""

    flat: IntArray
    plan: SmoothingPlan | None = None

    @property
    def reads(self) -> IntArray:
        """Flat positions that must be read."""
        return self.flat if self.plan is None else self.plan.gather


def gather(source: Source, flat: NDArray[np.integer], plan: SmoothingPlan | None = None,
           space: str = NOT_STATED) -> Gathered:
    """Read some voxels of a NIfTI image in one pass.

    Parameters
    ----------
    source : Path, RemoteFile or readable
        A NIfTI-1 or NIfTI-2 single file, plain or gzip (also of several members), of 3 or 4 dimensions.
    flat : ndarray of int, shape (n,)
        Wanted voxels: flat C-order positions on the image's grid.
    plan : SmoothingPlan, optional
        Smooths the wanted voxels on the way; its ``flat`` must be ``flat``.
    space : str
        Template space of the image, as the caller knows it.

    Returns
    -------
    Gathered

    Raises
    ------
    DataError
        The file is missing, not fetched, truncated, corrupt, not NIfTI, of an unsupported voxel type, of another size
        than its header says, or has no such voxel.

    Notes
    -----
    Without smoothing the values are those of nibabel's ``get_fdata()``. Smoothing is done in float64, and its result
    kept in the type of ``data``, as nilearn does. Memory: the result, and blocks of 8 volumes of the voxels read.
    """
    return gather_sets(source, [VoxelSet(np.asarray(flat, dtype=np.int64), plan)], space)[0]


def gather_sets(source: Source, sets: Sequence[VoxelSet], space: str = NOT_STATED) -> tuple[Gathered, ...]:
    """Read several voxel sets, each with its own smoothing, in one pass; see :func:`gather`."""
    with open_bytes(source) as stream:
        header = next_header(stream, space)
        reads = np.unique(np.concatenate([wanted.reads for wanted in sets])) if sets else np.empty(0, np.int64)
        _check(header, reads, stream)
        layout = _FileOrder(header, reads)
        keepers = [_Keeper(header, wanted, layout) for wanted in sets]
        for start, block in _blocks(stream, header, layout):
            values, finite = _as_numbers(block, header)
            for keeper in keepers:
                keeper.add(start, values, finite)
        _check_end(stream, header)
    return tuple(keeper.result() for keeper in keepers)


class _FileOrder:
    """The voxels to read, in the order in which they stand in the file (Fortran order)."""

    def __init__(self, header: ImageHeader, reads: IntArray) -> None:
        shape = header.grid.shape
        place = np.ravel_multi_index(np.unravel_index(reads, shape), shape, order="F") if len(reads) else reads
        self.flat = reads
        order = np.argsort(place)
        self.rank = np.argsort(order)  # of a sorted C-order position: its column in a block
        self.place = place[order]
        n_voxels = header.grid.n_voxels
        step = max(1, PIECE_BYTES // header.dtype.itemsize)
        starts = np.arange(0, n_voxels, step)
        stops = np.minimum(starts + step, n_voxels)
        bounds = np.searchsorted(self.place, np.append(starts, n_voxels))
        self.pieces = [(int(stop - start), slice(int(low), int(high)), self.place[low:high] - start)
                       for start, stop, low, high in zip(starts, stops, bounds[:-1], bounds[1:], strict=True)]

    def columns(self, flat: IntArray) -> IntArray:
        """Where voxels stand in a block."""
        return np.asarray(self.rank[np.searchsorted(self.flat, flat)], dtype=np.int64)


def _blocks(stream: ByteStream, header: ImageHeader,
            layout: _FileOrder) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """Stored values of the voxels to read, block of volumes by block: (first volume, array (volumes, voxels))."""
    longest = max(length for length, _, _ in layout.pieces)
    buffer = bytearray(longest * header.dtype.itemsize)
    values = np.frombuffer(buffer, dtype=header.dtype)
    view = memoryview(buffer)
    block = np.empty((min(BLOCK_VOLUMES, header.n_volumes), len(layout.place)), dtype=header.dtype)
    for volume in range(header.n_volumes):
        row = block[volume % BLOCK_VOLUMES]
        for length, span, inside in layout.pieces:
            wanted = length * header.dtype.itemsize
            if stream.fill(view[:wanted]) < wanted:
                raise DataError(f"the image ends within volume {volume + 1} of {header.n_volumes}",
                                where=stream.where, hint="the file is truncated; copy or fetch it again")
            row[span] = values[inside]
        if volume % BLOCK_VOLUMES == BLOCK_VOLUMES - 1 or volume == header.n_volumes - 1:
            start = volume - volume % BLOCK_VOLUMES
            yield start, block[:volume + 1 - start]


def _as_numbers(block: NDArray[np.generic],
                header: ImageHeader) -> tuple[FloatArray, NDArray[np.bool_] | None]:
    """A block as float64 of shape (voxels, volumes), scaled; and which values are finite, None when all are."""
    with np.errstate(invalid="ignore"):  # damaged bytes may be signalling NaNs; they count as not finite
        values = np.array(block.T, dtype=np.float64, order="C")
    if header.scaled:
        values *= header.slope
        values += header.intercept
    finite = np.isfinite(values)
    return values, None if finite.all() else finite


def _kept_type(header: ImageHeader) -> type[np.floating]:
    """The smallest floating type that holds every value that the file can store."""
    small = header.dtype.itemsize <= (4 if header.dtype.kind == "f" else 2)
    return np.float32 if small and not header.scaled else np.float64


class _Keeper:
    """Collects one voxel set."""

    def __init__(self, header: ImageHeader, wanted: VoxelSet, layout: _FileOrder) -> None:
        if wanted.plan is not None and not np.array_equal(wanted.plan.flat, wanted.flat):
            raise ValueError("the smoothing plan was made for other voxels")
        n = len(wanted.flat)
        self._header, self._set = header, wanted
        self._columns = layout.columns(wanted.reads)
        self._plan = None if wanted.plan is None else wanted.plan.reading(self._columns, len(layout.place))
        self._inner = self._columns if self._plan is None else self._plan.wanted
        self._data = np.empty((header.n_volumes, n), dtype=_kept_type(header))
        self._finite = np.ones(n, dtype=bool)
        self._constant = np.ones(n, dtype=bool)
        self._first: FloatArray | None = None
        self._n_nonfinite = 0

    def add(self, start: int, values: FloatArray, finite: NDArray[np.bool_] | None) -> None:
        """Take one block of values."""
        plain = values[self._inner]
        if finite is not None:
            self._n_nonfinite += int(np.count_nonzero(~finite[self._columns]))
            self._finite &= finite[self._inner].all(axis=1)
        self._first = plain[:, 0].copy() if self._first is None else self._first
        self._constant &= (plain == self._first[:, None]).all(axis=1)
        smoothed = plain if self._plan is None else self._plan.apply_by_voxel(values, finite is None)
        self._data[start:start + values.shape[1]] = smoothed.T

    def result(self) -> Gathered:
        return Gathered(self._header, self._set.flat, self._data, self._finite, self._constant, self._n_nonfinite)


def _check(header: ImageHeader, reads: IntArray, stream: ByteStream) -> None:
    """Refuse voxels the image does not have, and go to where the voxels begin."""
    n_voxels = header.grid.n_voxels
    if len(reads) and (reads[0] < 0 or reads[-1] >= n_voxels):
        raise DataError(f"a wanted voxel lies outside the image of {header.grid.shape}", where=stream.where,
                        hint="the image and the mask have different grids")
    expected = header.offset + n_voxels * header.dtype.itemsize * header.n_volumes
    if stream.limit is not None and stream.limit < expected:
        raise DataError(f"the header asks for {expected} bytes, which the file cannot hold", where=stream.where,
                        hint="the file is truncated; copy or fetch it again")
    gap = header.offset - stream.position
    if stream.skip(gap) < gap:
        raise DataError("the file ends before its voxels begin", where=stream.where, hint="copy or fetch it again")


def _check_end(stream: ByteStream, header: ImageHeader) -> None:
    """Read what is left, which checks the checksum, and refuse volumes the header does not know of."""
    left = stream.rest()
    volume = header.grid.n_voxels * header.dtype.itemsize
    if left >= volume:
        raise DataError(f"the file holds {left} bytes after the {header.n_volumes} volumes of its header",
                        where=stream.where, hint="the header states fewer volumes than the file has")
