"""What the header of a NIfTI file says."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.errors import DataError
from deltaroi.grid import Grid

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header

SIZES = {1: 348, 2: 540}
LARGEST = 1 << 42  # voxels; a header that states more is damaged
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}


@dataclass(frozen=True, eq=False)
class ImageHeader:
    """The header of a NIfTI-1 or NIfTI-2 file.

    Attributes
    ----------
    grid : Grid
        Shape of one volume, affine in mm (sform, else qform, else the default of NIfTI), space as stated by the caller.
    n_volumes : int
        1 for a 3-D image.
    dtype : numpy.dtype
        Type of a voxel on disk, with its byte order.
    slope, intercept : float
        Value = slope · stored + intercept; 1 and 0 when the header has no scaling (slope 0 or not finite).
    offset : int
        Byte at which the voxels begin.
    tr_s : float or None
        The header's repetition time, in s; None when it is 0, not finite or the image has one volume.
    tr_unit : str
        Unit the header states for it: ``sec``, ``msec``, ``usec``, or ``unknown`` (then read as seconds).
    qform_code, sform_code : int
        Orientation codes; both 0 means that nobody said which way the image lies.
    notes : tuple of str
        What is odd about the header and how nibabel's rules settle it.
    """

    grid: Grid
    n_volumes: int
    dtype: np.dtype
    slope: float
    intercept: float
    offset: int
    tr_s: float | None
    tr_unit: str
    qform_code: int
    sform_code: int
    notes: tuple[str, ...] = ()

    @property
    def oriented(self) -> bool:
        """Whether the header states an orientation."""
        return self.qform_code > 0 or self.sform_code > 0

    @property
    def scaled(self) -> bool:
        """Whether stored values are not the values."""
        return (self.slope, self.intercept) != (1.0, 0.0)


class _Notes:
    """Stands in for the logger that nibabel reports oddities to."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def log(self, level: int, message: str) -> None:
        if level >= 20:
            self.messages.append(message)


def version_of(first: bytes) -> int | None:
    """The NIfTI version that the first four bytes announce, in either byte order; None when it is not NIfTI."""
    sizes = {int.from_bytes(first[:4], "little"), int.from_bytes(first[:4], "big")}
    return next((version for version, size in SIZES.items() if size in sizes), None)


def parse_header(data: bytes, where: str, space: str) -> ImageHeader:
    """Read a header.

    Parameters
    ----------
    data : bytes
        The first 348 (NIfTI-1) or 540 (NIfTI-2) bytes of the uncompressed file.
    where : str
        The file, for messages.
    space : str
        Template space of the image, as the caller knows it.

    Returns
    -------
    ImageHeader

    Raises
    ------
    DataError
        The header contradicts itself, the image is not a volume or a series of volumes of real numbers, or belongs to
        a pair of files.
    """
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    kind = Nifti1Header if version_of(data) == 1 else Nifti2Header
    magic = bytes(data[344:347] if kind is Nifti1Header else data[4:7])
    if magic[:2] == b"ni":
        raise DataError("the file is the header of a .hdr/.img pair", where=where,
                        hint="convert it to a single .nii or .nii.gz file")
    if magic[:2] != b"n+":
        raise DataError("the file is not NIfTI (an Analyze header?)", where=where,
                        hint="expected a single .nii or .nii.gz file")
    notes = _Notes()
    try:
        raw = kind.from_fileobj(io.BytesIO(data), check=False)
        dtype = _dtype(raw, where)
        raw.check_fix(notes, error_level=40)
        shape, n_volumes = _shape(raw, where)
        slope, intercept = raw.get_slope_inter()
        affine = raw.get_best_affine()
    except (HeaderDataError, WrapStructError, ValueError, ArithmeticError) as error:
        raise DataError(f"the NIfTI header cannot be used: {error}", where=where) from error
    offset = _offset(raw, SIZES[1 if kind is Nifti1Header else 2] + 4, where)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise DataError("the header's affine is not finite or flat", where=where)
    tr_s, unit = _repetition_time(raw, n_volumes)
    return ImageHeader(
        Grid(shape, affine, space), n_volumes, dtype, 1.0 if slope is None else float(slope),
        0.0 if intercept is None else float(intercept), offset, tr_s, unit, int(raw["qform_code"]),
        int(raw["sform_code"]), tuple(notes.messages))


def _shape(raw: Nifti1Header, where: str) -> tuple[tuple[int, int, int], int]:
    """Shape of a volume and number of volumes; further axes must have one entry."""
    n_dim = int(raw["dim"][0])
    if not 3 <= n_dim <= 7:
        raise DataError(f"the header states {n_dim} dimensions", where=where, hint="expected 3 or 4")
    dim = [int(n) for n in raw["dim"][1:n_dim + 1]]
    if min(dim) < 1 or math.prod(dim) > LARGEST:
        raise DataError(f"the header states the shape {tuple(dim)}", where=where, hint="the header is damaged")
    if any(n != 1 for n in dim[4:]):
        raise DataError(f"the image has the shape {tuple(dim)}", where=where,
                        hint="expected three axes, or four with time; only further axes of length 1 are allowed")
    return (dim[0], dim[1], dim[2]), dim[3] if n_dim > 3 else 1


def _dtype(raw: Nifti1Header, where: str) -> np.dtype:
    """The voxel type; real numbers up to 64 bits."""
    code = int(raw["datatype"])
    try:
        dtype = raw.get_data_dtype()
        name = raw._data_type_codes.label[code]
    except KeyError as error:
        raise DataError(f"unknown voxel type code {code}", where=where) from error
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise DataError(f"voxels of type {name} are not supported", where=where,
                        hint="int8 to uint64, float32 or float64")
    return np.dtype(dtype)


def _offset(raw: Nifti1Header, least: int, where: str) -> int:
    """Where the voxels begin."""
    value = float(raw["vox_offset"])
    if not np.isfinite(value) or value != int(value) or value < least:
        raise DataError(f"vox_offset is {value:g}", where=where, hint=f"a whole number of at least {least}")
    return int(value)


def _repetition_time(raw: Nifti1Header, n_volumes: int) -> tuple[float | None, str]:
    """Repetition time in s, and the unit that the header states."""
    try:
        unit = raw.get_xyzt_units()[1]
    except KeyError:
        unit = "unknown"
    value = float(raw["pixdim"][4])
    if n_volumes < 2 or unit not in _SECONDS or not np.isfinite(value) or value <= 0:
        return None, unit
    return float(np.round(value * _SECONDS[unit], 9)), unit
