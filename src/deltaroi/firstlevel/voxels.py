"""The voxels of one run: read, smoothed, and which of them can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, Grid, IntArray
from deltaroi.io.inventory import Run
from deltaroi.remote import File, local
from deltaroi.scaling import scale_factor
from deltaroi.signal.gather import VoxelSet, gather, gather_sets
from deltaroi.signal.stream import read_header
from deltaroi.smoothing import smoothing_plan


@dataclass(frozen=True, eq=False)
class VoxelState:
    """Per voxel, shape (n,): whether it is used, its mean over uncensored volumes, its factor to the result's unit."""

    used: NDArray[np.bool_]
    mean: FloatArray
    scale: FloatArray


@dataclass(frozen=True, eq=False)
class RunVoxels:
    """The ROI voxels of one run.

    Attributes
    ----------
    flat : ndarray of int64, shape (n,)
        Sorted positions on the grid.
    data : ndarray of float32 or float64, shape (n_volumes, n)
        Smoothed signal.
    sound : ndarray of bool, shape (n,)
        Inside the run's brain mask; finite in every volume and not constant before smoothing.
    notes : tuple of str
        What to know about the images.
    spare : bool
        Whether nobody else needs ``data``.
    """

    flat: IntArray
    data: NDArray[np.floating]
    sound: NDArray[np.bool_]
    notes: tuple[str, ...]
    spare: bool = False

    def at(self, flat: IntArray) -> RunVoxels:
        """Those of its voxels that stand at some of its positions, sorted."""
        if np.array_equal(flat, self.flat):
            return self
        places = np.searchsorted(self.flat, flat)
        return RunVoxels(flat, self.data.take(places, axis=1), self.sound[places], self.notes, spare=True)

    def centred(self, mean: FloatArray, places: IntArray) -> NDArray[np.float32]:
        """The signal less its mean at some voxels, 0 at the others, shape (n_volumes, n).

        Where ``data`` may be written over it takes its place, so that a run needs its memory once.
        """
        fits = self.spare and self.data.dtype == np.float32
        out = self.data if fits else np.empty(self.data.shape, dtype=np.float32)
        for volume, row in enumerate(self.data):
            values = row[places] - mean[places]
            out[volume] = 0
            out[volume, places] = values
        return np.asarray(out, dtype=np.float32)

    def state(self, kept: IntArray, scaling: str) -> VoxelState:
        """Which voxels can be used, given the uncensored volumes.

        A voxel is used when it is sound, not constant over the uncensored volumes and, for a percent scaling, has a
        positive mean.
        """
        places = np.flatnonzero(self.sound)
        moves = np.zeros(places.size, dtype=bool)
        for volume in kept[1:]:
            moves |= self.data[volume, places] != self.data[kept[0], places]
        places = places[moves]
        mean, scale = np.full((2, self.flat.size), np.nan)
        mean[places] = _mean(self.data, kept, places)
        everything = np.arange(self.data.shape[0])
        base = _mean(self.data, everything, places) if scaling == "percent_per_unit" else mean[places]
        scale[places] = scale_factor(base, scaling)
        used = np.isfinite(scale)
        return VoxelState(used, np.where(used, mean, np.nan), scale)


def _mean(data: NDArray[Any], volumes: IntArray, voxels: IntArray) -> FloatArray:
    """Mean over volumes, float64, added volume by volume so that no voxel depends on its neighbours."""
    total = np.zeros(voxels.size)
    for volume in volumes:
        total += data[volume, voxels]
    return total / volumes.size


def read_voxels(run: Run, grid: Grid, flat: IntArray, widths_mm: Sequence[float]) -> tuple[RunVoxels, ...]:
    """Read voxels once, and smooth them.

    Parameters
    ----------
    run : Run
        Its BOLD image and brain mask.
    grid : Grid
        The grid of the ROIs.
    flat : ndarray of int64, shape (n,)
        The voxels: sorted positions on the grid.
    widths_mm : sequence of float
        Full widths at half maximum of the smoothing, mm; 0 leaves the values as they are.

    Returns
    -------
    tuple of RunVoxels
        One per width.

    Raises
    ------
    DataError
        No voxel; the image is not on the ROIs' grid; the brain mask is not on the image's grid.
    """
    if not flat.size:
        raise DataError("no ROI has a voxel on this grid", where=run.key.label,
                        hint="the exclusions table says why each ROI is empty")
    plans = [smoothing_plan(grid, flat, width) if width > 0 else None for width in widths_mm]
    found = gather_sets(run.bold, [VoxelSet(flat, plan) for plan in plans], run.space)
    first = found[0]
    if not first.grid.same_as(grid):
        raise DataError(f"the image has the grid {_words(first.grid)}, the ROIs were built on {_words(grid)}",
                        where=str(run.bold), hint="build the ROIs on this image's grid")
    notes = [*_tr_note(run, first.tr_header_s)]
    sound = first.finite & ~first.constant
    if run.mask is None:
        notes.append("no brain mask: every finite voxel that is not constant counts as inside")
    else:
        sound &= _mask(local(run.mask), first.grid, run.bold, flat)
    return tuple(RunVoxels(flat, one.data, sound, tuple(notes)) for one in found)


def _tr_note(run: Run, header_s: float | None) -> list[str]:
    if header_s is None or not np.isfinite(header_s) or header_s <= 0 or abs(header_s - run.tr_s) <= 1e-3 * run.tr_s:
        return []
    return [f"TR: {run.tr_s:g} s by the sidecar is used, the image's header says {header_s:g} s"]


def _mask(path: Path, grid: Grid, bold: File, flat: IntArray) -> NDArray[np.bool_]:
    """The brain mask at some voxels, shape (n,)."""
    header = read_header(path, grid.space)
    if header.n_volumes != 1 or not header.grid.same_as(grid):
        raise DataError(f"the brain mask has the grid {_words(header.grid)} and {header.n_volumes} volume(s), the "
                        f"image {bold.name} has {_words(grid)}", where=str(path),
                        hint="mask and image of one run must share their grid")
    return np.asarray(gather(path, flat, space=grid.space).data[0] > 0)


def _words(grid: Grid) -> str:
    shape = "x".join(str(n) for n in grid.shape)
    size = "x".join(f"{s:g}" for s in np.round(grid.voxel_sizes, 3))
    origin = ", ".join(f"{v:g}" for v in np.round(grid.affine[:3, 3], 2))
    return f"{shape} voxels of {size} mm with origin ({origin})"
