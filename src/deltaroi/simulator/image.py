"""NIfTI files whose bytes depend on the numbers alone."""

from __future__ import annotations

import nibabel as nib
import numpy as np
from isal import igzip
from numpy.typing import NDArray

from deltaroi.grid import Grid

_MNI = 4
_INT16_STEP = 0.5


def nifti_gz(volumes: NDArray[np.generic], grid: Grid, *, tr_s: float | None = None, slope: float = 1.0) -> bytes:
    """A compressed NIfTI-1 file.

    Parameters
    ----------
    volumes : ndarray, shape (n_voxels,) or (n_volumes, n_voxels)
        Stored values in the order of the file (first axis of the grid fastest).
    grid : Grid
        Where they lie; written as sform and qform with the code for MNI space.
    tr_s : float, optional
        Repetition time, s, of a series.
    slope : float
        Value of one stored unit.
    """
    series = tr_s is not None
    header = nib.Nifti1Header()
    header.set_data_dtype(volumes.dtype)
    header.set_data_shape((*grid.shape, len(volumes)) if series else grid.shape)
    header.set_sform(grid.affine, code=_MNI)
    header.set_qform(grid.affine, code=_MNI)
    header.set_xyzt_units("mm", "sec" if series else "unknown")
    if tr_s is not None:
        header["pixdim"][4] = tr_s
    header.set_slope_inter(slope, 0.0)
    header["descrip"] = b"SIMULATED by deltaroi"
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    little = np.ascontiguousarray(volumes, dtype=volumes.dtype.newbyteorder("<"))
    return bytes(igzip.compress(header.binaryblock + b"\0" * 4 + little.tobytes(), 1, mtime=0))


def stored(values: NDArray[np.float32], dtype: str) -> tuple[NDArray[np.generic], float]:
    """The values as they are stored, and the value of one stored unit.

    ``int16`` keeps steps of 0.5 (about 0.05 % of the signal), or coarser ones where that would not fit.
    """
    if dtype == "float32":
        return values, 1.0
    step = _INT16_STEP
    while float(values.max(initial=0.0)) / step > np.iinfo(np.int16).max:
        step *= 2.0
    scaled = values * np.float32(1.0 / step)
    return np.rint(scaled, out=scaled).astype(np.int16), step
